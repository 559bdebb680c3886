//! The C ABI from outside: builds the shared object, compares what it exports with the lifecycle
//! file and the header, then compiles and runs the C hosts and examples (`tests/c/run`).
//!
//! Needs a C compiler and binutils, as every build of the C artefacts does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn output(command: &mut Command) -> String {
    let out = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}\n{text}\n{errors}");
    text
}

/// The directory with a shared object built as the Makefile does, but for its profile.
fn library() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = root().join("target");
        let args = ["rustc", "--lib", "--no-default-features", "--features", "capi,tls,store"];
        output(
            Command::new(env!("CARGO"))
                .current_dir(root())
                .args(args)
                .args(["--crate-type", "cdylib", "--target-dir"])
                .arg(&target)
                .args(["--", "-C", "link-arg=-Wl,-soname,libtern.so.0.1"])
                .args(["-C", "link-arg=-Wl,-z,nodelete"]),
        );
        target.join("debug")
    })
}

/// Names in `abi/symbols.tsv` that are not removed.
fn lifecycle() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("abi/symbols.tsv")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let rows = rows.map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| row[2] != "removed").map(|row| row[0].to_owned()).collect()
}

#[test]
fn exactly_the_listed_functions_are_exported() {
    let object = library().join("libtern.so");
    let text = output(Command::new("nm").args(["-D", "--defined-only"]).arg(object));
    let exported = text.lines().filter_map(|line| line.split_whitespace().last());
    assert_eq!(exported.map(String::from).collect::<BTreeSet<_>>(), lifecycle());
}

#[test]
fn the_header_declares_exactly_the_listed_functions() {
    let header = std::fs::read_to_string(root().join("include/tern.h")).unwrap();
    let mut declared = BTreeSet::new();
    for part in header.split("TERN_API").skip(1) {
        let Some(before) = part.split('(').next() else { continue };
        let name = before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next();
        declared.extend(name.filter(|n| n.starts_with("tern_")).map(String::from));
    }
    assert_eq!(declared, lifecycle());
}

#[test]
fn the_object_has_a_soname_and_stays_loaded() {
    let object = library().join("libtern.so");
    let text = output(Command::new("readelf").arg("-d").arg(object));
    assert!(text.contains("[libtern.so.0.1]"), "{text}");
    assert!(text.contains("NODELETE"), "{text}");
}

#[test]
fn c_hosts_and_examples_run() {
    let text = output(
        Command::new(root().join("tests/c/run"))
            .env("TERN_LIBDIR", library())
            .env("TERN_OUT", root().join("target/c-debug")),
    );
    let last = text.lines().last().unwrap_or_default();
    assert!(last.ends_with("passed, 0 failed") && !last.starts_with('0'), "{text}");
}

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
                .args(["--crate-type", "staticlib", "--target-dir"])
                .arg(&target),
        );
        let made = target.join("debug");
        output(
            Command::new(root().join("abi/link"))
                .args([made.join("libtern.a"), made.join("libtern.so")])
                .arg("libtern.so.0.1"),
        );
        made
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
    let mut found = BTreeSet::new();
    for symbol in exported {
        // A node of symbol versions is listed as a symbol of its own.
        match symbol.split_once("@@") {
            Some((name, node)) => {
                assert_eq!(node, node_of(name), "{name}");
                found.insert(name.to_owned());
            }
            None => assert!(symbol.starts_with("TERN_"), "{symbol} has no version"),
        }
    }
    assert_eq!(found, lifecycle());
}

/// The version node a function must have: that of the minor version that brought it.
fn node_of(name: &str) -> String {
    let text = std::fs::read_to_string(root().join("abi/symbols.tsv")).unwrap();
    let row = text.lines().find_map(|line| line.strip_prefix(&format!("{name}\t"))).unwrap();
    let since = row.split('\t').next().unwrap();
    format!("TERN_{}", since.rsplit_once('.').unwrap().0)
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

/// Comment (one line) and declaration (one line) of every function in the header.
fn documented() -> Vec<(String, String)> {
    let header = std::fs::read_to_string(root().join("include/tern.h")).unwrap();
    let (_, mut rest) = header.split_once("extern \"C\"").unwrap();
    let mut found = Vec::new();
    while let Some((before, after)) = rest.split_once("TERN_API") {
        let doc = before.rsplit_once("/**").map_or("", |(_, doc)| doc);
        let words = doc.split_whitespace().filter(|w| !matches!(*w, "*" | "*/"));
        let (declaration, behind) = after.split_once(';').unwrap();
        let declaration = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
        found.push((words.collect::<Vec<_>>().join(" "), declaration));
        rest = behind;
    }
    found
}

/// The header is the reference: threads, hooks and version of every function; whose it is for
/// everything that is given or lent.
#[test]
fn every_function_says_who_may_call_it_and_who_owns_what_it_gives() {
    let said = [
        "Ownership:",
        "Owned by",
        "Lives ",
        "Static.",
        "_free`",
        "_release`",
        "orrowed",
        "reference.",
    ];
    let all = documented();
    assert_eq!(all.len(), lifecycle().len());
    for (doc, declaration) in all {
        let tags = doc.split_once("Threads: ").map_or("", |(_, tags)| tags);
        let parts: Vec<&str> = tags.split("; ").collect();
        let [threads, hooks, since] = parts[..] else { panic!("no tags: {declaration}") };
        assert!(matches!(threads, "any" | "one per object"), "{declaration}: {threads}");
        assert!(matches!(hooks, "in hooks: yes" | "in hooks: no"), "{declaration}: {hooks}");
        let version = since.strip_prefix("since ").unwrap_or_default().trim_end_matches('.');
        assert_eq!(version.split('.').count(), 3, "{declaration}: {since}");
        let (result, rest) = declaration.split_once("tern_").unwrap_or_default();
        let object = result.is_empty() && declaration.split('(').next().unwrap().contains(" *");
        let gives = object
            || result.contains('*')
            || declaration.starts_with("tern_bytes ")
            || ["**out", "tern_buf *out", "tern_bytes *out"].iter().any(|o| rest.contains(o));
        let owned = said.iter().any(|word| doc.contains(word));
        assert!(!gives || owned, "whose is what this gives? {declaration}");
    }
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

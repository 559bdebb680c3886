//! Maintenance commands for contributors: `cargo run -p xtask -- help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool prints")]

mod generated;
mod header;
mod hpp;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
usage: cargo run -p xtask -- COMMAND

header            write include/tern.h, include/tern.hpp, abi/symbols.tsv, abi/libtern.map,
                  docs/options.md, bindings/options.json
header --check    fail when one of them is not what the sources say; writes nothing
check             the same
";

/// The repository's root.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["header"] => generated::write(&root()),
        ["header", "--check"] | ["check"] => generated::check(&root()),
        ["help"] | [] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("unknown command\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_generated_files_are_up_to_date() {
        super::generated::check(&super::root()).unwrap();
    }
}

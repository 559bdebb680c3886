//! The generated files: written, or compared with what the sources say.

use std::fmt::Write as _;
use std::path::Path;

use tern::capi::table::{self, Reentry, Threads};
use tern::engine::options::{self, OptionSpec, OptionValue};
use tern::engine::settings::Settings;

type File = (&'static str, String);

fn files(root: &Path) -> Result<Vec<File>, String> {
    let header = crate::header::render(root)?;
    let classes = crate::hpp::render(&header)?;
    Ok(vec![
        ("include/tern.h", header),
        ("include/tern.hpp", classes),
        ("abi/symbols.tsv", symbols()),
        ("abi/libtern.map", version_script()),
        ("docs/options.md", options_md()),
        ("bindings/options.json", options_json()),
    ])
}

/// Writes all files.
pub fn write(root: &Path) -> Result<(), String> {
    for (name, text) in files(root)? {
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| format!("{}: {e}", parent.display()))?;
        }
        std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Fails when a file differs from what would be written.
pub fn check(root: &Path) -> Result<(), String> {
    let mut stale = Vec::new();
    for (name, text) in files(root)? {
        if std::fs::read_to_string(root.join(name)).ok().as_deref() != Some(text.as_str()) {
            stale.push(name);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("out of date, run `cargo run -p xtask -- header`: {}", stale.join(", ")))
}

fn symbols() -> String {
    let mut out = String::from("# name\tsince\tstate\tthreads\tin_hooks\n");
    for entry in table::TABLE {
        let threads = match entry.threads {
            Threads::Any => "any",
            Threads::OnePerObject => "one-per-object",
        };
        let hooks = match entry.reentry {
            Reentry::Any => "yes",
            Reentry::NotInHook => "no",
        };
        let _ =
            writeln!(out, "{}\t{}\t{}\t{threads}\t{hooks}", entry.name, entry.since, entry.state);
    }
    out
}

/// The nodes of symbol versions for the linker: one for each minor version that added something.
fn version_script() -> String {
    let mut nodes: Vec<(String, Vec<&str>)> = Vec::new();
    for entry in table::TABLE.iter().filter(|entry| entry.state != "removed") {
        let minor = entry.since.rsplit_once('.').map_or(entry.since, |(minor, _)| minor);
        let name = format!("TERN_{minor}");
        match nodes.iter_mut().find(|(node, _)| *node == name) {
            Some((_, symbols)) => symbols.push(entry.name),
            None => nodes.push((name, vec![entry.name])),
        }
    }
    let number = |name: &str| name.rsplit('.').next().and_then(|n| n.parse::<u32>().ok());
    nodes.sort_by_key(|(name, _)| number(name));
    let mut out =
        String::from("# Generated from src/capi/table.rs (cargo run -p xtask -- header).\n");
    let mut before = String::new();
    for (name, symbols) in &nodes {
        let _ = writeln!(out, "{name} {{\n    global:");
        for symbol in symbols {
            let _ = writeln!(out, "        {symbol};");
        }
        if before.is_empty() {
            out.push_str("    local:\n        *;\n");
        }
        let _ = writeln!(out, "}}{before};");
        before = format!(" {name}");
    }
    out
}

fn default_text(spec: &OptionSpec) -> String {
    match spec.get(&Settings::default()) {
        OptionValue::Int(v) => v.to_string(),
        OptionValue::Bool(v) => v.to_string(),
        OptionValue::Double(v) => v.to_string(),
        OptionValue::Bytes(v) => String::from_utf8_lossy(&v).into_owned(),
    }
}

fn options_md() -> String {
    let mut out = String::from(
        "# Options\n\nGenerated from the option table (`cargo run -p xtask -- header`). The C \
         constant of an option is `TERN_OPT_` and its name in capitals; Python takes the names as \
         keywords, Perl as keys. *Live* ones can be changed in a running session.\n\n\
         | option | id | type | default | range | live | meaning |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for spec in options::TABLE {
        let (min, max) = spec.range();
        let range = match spec.type_name() {
            "int" if max == i64::MAX => format!("{min}.."),
            "int" => format!("{min}..{max}"),
            "bool" => "true, false".into(),
            _ => format!("up to {max} bytes"),
        };
        let default = match default_text(spec) {
            text if text.is_empty() => String::from("(empty)"),
            text => format!("`{text}`"),
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {default} | {range} | {} | {} |",
            spec.name,
            spec.id,
            spec.type_name(),
            if spec.live { "yes" } else { "no" },
            spec.doc
        );
    }
    out
}

fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn options_json() -> String {
    let mut out = String::from("[\n");
    for (i, spec) in options::TABLE.iter().enumerate() {
        let (min, max) = spec.range();
        let default = match spec.get(&Settings::default()) {
            OptionValue::Bytes(_) => json(&default_text(spec)),
            _ => default_text(spec),
        };
        let _ = writeln!(
            out,
            "  {{\"id\": {}, \"name\": {}, \"type\": {}, \"default\": {default}, \"min\": {min}, \
             \"max\": {max}, \"live\": {}, \"since\": {}, \"doc\": {}}}{}",
            spec.id,
            json(spec.name),
            json(spec.type_name()),
            spec.live,
            json(spec.since),
            json(spec.doc),
            if i + 1 == options::TABLE.len() { "" } else { "," }
        );
    }
    out.push_str("]\n");
    out
}

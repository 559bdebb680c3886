//! Makes `include/tern.h` with cbindgen from `src/capi/*.rs`.
//!
//! cbindgen sees copies of the sources in which every exported function's comment ends with its
//! tags from the lifecycle table. The option constants and the sizing macros are appended as text.

use std::fmt::Write as _;
use std::path::Path;

use tern::capi::table::{self, Reentry, Threads};
use tern::engine::options;

/// Files of `src/capi` that declare something, in header order.
const FILES: &[&str] = &[
    "consts",
    "consts_dht",
    "types",
    "version",
    "error",
    "config",
    "session",
    "events",
    "hooks",
    "add",
    "torrent",
    "torrent_info",
    "metainfo",
    "create",
    "dht",
];

/// Functions that take the size of their output structure, for which a macro passes it.
const SIZED: &[(&str, &str, &str)] = &[
    ("tern_option_by_id", "option, out, err", "option, out, sizeof *(out), err"),
    ("tern_option_by_name", "name, name_len, out, err", "name, name_len, out, sizeof *(out), err"),
    ("tern_option_next", "option, out, err", "option, out, sizeof *(out), err"),
    ("tern_session_stats", "s, out, err", "s, out, sizeof *(out), err"),
    ("tern_session_dht_stats", "s, out, err", "s, out, sizeof *(out), err"),
    ("tern_torrent_status", "t, out, err", "t, out, sizeof *(out), err"),
    ("tern_batch_get", "batch, index, out", "batch, index, out, sizeof *(out)"),
    ("tern_peers_get", "peers, index, out", "peers, index, out, sizeof *(out)"),
    ("tern_trackers_get", "trackers, index, out", "trackers, index, out, sizeof *(out)"),
    ("tern_metainfo_file", "m, file, out", "m, file, out, sizeof *(out)"),
];

const PREAMBLE: &str = r"/*
 * libtern: an embeddable BitTorrent engine. C interface.
 *
 * This file is generated (cargo run -p xtask -- header). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Ownership: `_new`, `_parse`, `_load`, `_take_` give the caller something to free; `_retain` and
 * `_release` count references; everything else that returns a pointer or a view lends it, and says
 * whose it is. Freeing and releasing accept NULL and any order. Out-parameters are written only on
 * success, unless said otherwise.
 *
 * Errors: functions return TERN_OK (0) or a negative TERN_E_* number. The last parameter of most,
 * `err`, may be NULL; else *err is set to an error object on failure (free it with
 * tern_error_free) and left alone on success.
 *
 * Text is UTF-8, given as pointer and length; `len` 0 accepts NULL. Paths are the system's bytes.
 *
 * Threads: each function's last line says who may call it. `any` is every thread at any time;
 * `one per object` is any thread, but not two at once on the same object. Functions marked
 * `in hooks: no` return TERN_E_REENTRANT inside an INLINE hook.
 *
 * Fork: no session survives fork(). In the child every call that needs one returns TERN_E_FORKED,
 * and releasing frees nothing.
 */";

const GUARDS: &str = r#"
#if !defined(TERN_API)
#  if defined(__GNUC__) || defined(__clang__)
#    define TERN_API __attribute__((visibility("default")))
#  else
#    define TERN_API
#  endif
#endif
"#;

/// The header's text.
pub fn render(root: &Path) -> Result<String, String> {
    let scratch = root.join("target").join("xtask");
    std::fs::create_dir_all(&scratch).map_err(|e| format!("{}: {e}", scratch.display()))?;
    let mut builder = cbindgen::Builder::new().with_config(config());
    for name in FILES {
        let from = root.join("src/capi").join(format!("{name}.rs"));
        let text =
            std::fs::read_to_string(&from).map_err(|e| format!("{}: {e}", from.display()))?;
        let to = scratch.join(format!("{name}.rs"));
        std::fs::write(&to, tag(&text)?).map_err(|e| format!("{}: {e}", to.display()))?;
        builder = builder.with_src(to);
    }
    let bindings = builder.generate().map_err(|e| format!("cbindgen: {e}"))?;
    let mut out = Vec::new();
    bindings.write(&mut out);
    let text = String::from_utf8(out).map_err(|e| e.to_string())?;
    Ok(compact(&text).replace("\n\n\n", "\n\n"))
}

/// Puts comments of one line on one line.
fn compact(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let indent = line.len() - line.trim_start().len();
        let rest = (lines.get(at + 1), lines.get(at + 2).map(|l| l.trim()));
        if let ("/**", (Some(middle), Some("*/"))) = (line.trim(), rest) {
            let middle = middle.trim().trim_start_matches('*').trim();
            let _ = writeln!(out, "{:indent$}/** {middle} */", "");
            at += 3;
        } else {
            out.push_str(line);
            out.push('\n');
            at += 1;
        }
    }
    out
}

fn config() -> cbindgen::Config {
    let mut config = cbindgen::Config {
        language: cbindgen::Language::C,
        cpp_compat: true,
        header: Some(PREAMBLE.into()),
        include_guard: Some("TERN_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        after_includes: Some(format!("{GUARDS}\n{}\n{}", options(), macros())),
        style: cbindgen::Style::Type,
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        usize_is_size_t: true,
        line_length: 100,
        tab_width: 4,
        ..cbindgen::Config::default()
    };
    config.function.prefix = Some("TERN_API".into());
    config.function.args = cbindgen::Layout::Auto;
    config.export.include = ["tern_session", "tern_torrent"].map(String::from).to_vec();
    config
}

/// Appends each exported function's tags to its comment.
fn tag(source: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut lines = source.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "#[unsafe(no_mangle)]" {
            let next = lines.peek().copied().unwrap_or_default();
            let name = next.split("fn ").nth(1).and_then(|rest| rest.split('(').next());
            let name = name.ok_or_else(|| format!("no function after no_mangle: {next}"))?;
            let entry = table::TABLE
                .iter()
                .find(|entry| entry.name == name)
                .ok_or_else(|| format!("{name} is not in src/capi/table.rs"))?;
            let _ = writeln!(
                out,
                "///\n/// Threads: {}; in hooks: {}; since {}.",
                match entry.threads {
                    Threads::Any => "any",
                    Threads::OnePerObject => "one per object",
                },
                match entry.reentry {
                    Reentry::Any => "yes",
                    Reentry::NotInHook => "no",
                },
                entry.since
            );
        }
        out.push_str(line);
        out.push('\n');
    }
    Ok(out)
}

fn options() -> String {
    let mut out = String::from(
        "/* Options of tern_config: integers from 1000, booleans from 2000, texts from 3000, bytes \
         from 4000. */\n",
    );
    for spec in options::TABLE {
        let live = if spec.live { " Live." } else { "" };
        let _ = writeln!(out, "\n/** {}: {}{live} */", spec.type_name(), spec.doc);
        let _ = writeln!(out, "#define TERN_OPT_{} {}", spec.name.to_uppercase(), spec.id);
    }
    out
}

fn macros() -> String {
    let mut out = String::from(
        "/* The functions whose names end in _sized, called with the size of this header's \
         structures. */\n",
    );
    for (name, params, args) in SIZED {
        let _ = writeln!(out, "#define {name}({params}) \\\n    {name}_sized({args})");
    }
    out
}

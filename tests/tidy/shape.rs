//! The shape of files: lengths, widths, ASCII, module docs, leftovers, orphans, unwraps.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Finding, Source, closing, is_test_file, words};

/// Lines of one file.
pub const FILE_LINES: usize = 800;
/// Lines of one function.
pub const FN_LINES: usize = 70;
/// Characters of one line.
pub const LINE_CHARS: usize = 100;
/// `unwrap` and `expect` outside tests, per 1000 lines of the library.
pub const UNWRAPS_PER_1000: usize = 1;

/// Files over the length limit that nobody writes by hand, and why.
const LONG_FILES: &[(&str, &str)] = &[
    ("include/tern.h", "generated from src/capi"),
    ("abi/baseline/tern.h", "the generated header of the last release"),
    ("Cargo.lock", "written by cargo"),
    ("xtask/Cargo.lock", "written by cargo"),
    ("fuzz/Cargo.lock", "written by cargo"),
];

/// Whether a file is source text that people read line by line.
pub fn is_source(path: &str) -> bool {
    const ENDINGS: &[&str] =
        &[".rs", ".c", ".h", ".xs", ".pm", ".pl", ".t", ".PL", ".py", ".sh", ".in"];
    ENDINGS.iter().any(|e| path.ends_with(e))
        || ["Makefile", ".ci/run"].contains(&path)
        || path.ends_with("/typemap")
}

/// Reports long files, wide lines, trailing blanks, tabs in Rust, and bytes beyond ASCII.
pub fn layout(path: &str, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut add = |line, rule, help: String| {
        out.push(Finding { path: path.into(), line, rule, help });
    };
    let excused = LONG_FILES.iter().any(|(p, _)| *p == path);
    let without_pod = [".pm", ".pl"].iter().any(|e| path.ends_with(e)).then(|| without_pod(text));
    let text = without_pod.as_deref().unwrap_or(text);
    let count = text.trim_end().lines().count();
    if count > FILE_LINES && !excused {
        let help = format!("{count} lines, at most {FILE_LINES}: split it by responsibility");
        add(count, "file-length", help);
    }
    for (i, line) in text.lines().enumerate() {
        let width = line.chars().count();
        if width > LINE_CHARS && !excused && !has_long_word(line) {
            add(i + 1, "line-width", format!("{width} characters, at most {LINE_CHARS}"));
        }
        if line.ends_with([' ', '\t']) {
            add(i + 1, "blanks", "blanks at the end of the line".into());
        }
        if let Some(c) = line.chars().find(|c| !c.is_ascii()) {
            let help = format!("`{}` is not ASCII: write an escape", c.escape_unicode());
            add(i + 1, "ascii", help);
        }
    }
    out
}

/// Perl with its documentation emptied: prose has its own width, and a manual its own length.
fn without_pod(text: &str) -> String {
    let mut inside = false;
    let keep = |line: &&str| {
        let command = line.starts_with('=') && line[1..].starts_with(|c: char| c.is_alphabetic());
        let cut = line.starts_with("=cut");
        inside = (inside || command) && !cut;
        !inside && !cut
    };
    let code = text.split("\n__END__").next().unwrap_or_default();
    let mut out = code.lines().filter(keep).collect::<Vec<_>>().join("\n");
    out.push('\n');
    out
}

/// A URL or digest that cannot be broken.
fn has_long_word(line: &str) -> bool {
    line.split_whitespace().any(|w| w.len() > LINE_CHARS - 20)
}

/// Reports functions over the limit, by the lines from `fn` to the closing brace.
pub fn functions(source: &Source) -> Vec<Finding> {
    let code = &source.code;
    let mut out = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if at > 0 && (code.as_bytes()[at - 1].is_ascii_alphanumeric() || code[..at].ends_with('_'))
        {
            continue;
        }
        let Some(open) = body_of(code, at) else { continue };
        let lines = source.line_of(closing(code, open) - 1) - source.line_of(at) + 1;
        if lines > FN_LINES {
            let name = words(&code[at + 3..]).next().unwrap_or("?");
            let help = format!("fn {name} has {lines} lines, at most {FN_LINES}: name its steps");
            out.push(source.finding(source.line_of(at), "fn-length", help));
        }
    }
    out
}

/// The `{` of the function at `at`; `None` for a declaration or a function type.
fn body_of(code: &str, at: usize) -> Option<usize> {
    let mut i = at + 3;
    while let Some(b) = code.as_bytes().get(i) {
        match b {
            b'{' => return Some(i),
            b';' | b'}' | b')' | b'>' if code.as_bytes()[i - 1] != b'-' && *b != b'>' => {
                return None;
            }
            b'(' | b'[' => i = closing(code, i),
            _ => i += 1,
        }
    }
    None
}

/// Reports a Rust file without `//!` at its top.
pub fn module_docs(source: &Source) -> Vec<Finding> {
    let first = source.text.lines().find(|l| !l.starts_with("#!") && !l.trim().is_empty());
    if first.is_some_and(|l| l.starts_with("//!")) {
        return Vec::new();
    }
    let help = "begin with `//!`: what it is for, and what is deliberately absent";
    vec![source.finding(1, "module-docs", help)]
}

/// Reports markers of unfinished work.
pub fn leftovers(path: &str, text: &str) -> Vec<Finding> {
    let markers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
        concat!("CONTRACT ", "SKETCH"),
        concat!("contract ", "sketch"),
    ];
    let mut out = Vec::new();
    for (i, line) in text.lines().enumerate() {
        for marker in markers.iter().filter(|m| stands_alone(line, m)) {
            let help = format!("`{marker}`: finish it, or describe the limit in plain words");
            out.push(Finding { path: path.into(), line: i + 1, rule: "leftover", help });
        }
    }
    out
}

fn stands_alone(line: &str, marker: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    line.match_indices(marker).any(|(i, _)| {
        !word(line[..i].chars().next_back()) && !word(line[i + marker.len()..].chars().next())
    })
}

/// Reports files below `src` that no `mod` line reaches.
pub fn orphans(sources: &[Source]) -> Vec<Finding> {
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let roots = sources.iter().map(|s| s.path.as_str()).filter(|p| is_root(p));
    let mut todo: Vec<String> = roots.map(str::to_owned).collect();
    while let Some(path) = todo.pop() {
        if let Some(source) = sources.iter().find(|s| s.path == path) {
            todo.extend(children(source).into_iter().filter(|p| !reached.contains(p)));
        }
        reached.insert(path);
    }
    sources
        .iter()
        .filter(|s| s.path.starts_with("src/") && !reached.contains(&s.path))
        .map(|s| s.finding(1, "orphan", "no `mod` line leads here: it is never compiled"))
        .collect()
}

fn is_root(path: &str) -> bool {
    path == "src/lib.rs" || (path.starts_with("src/bin/") && path.ends_with("/main.rs"))
}

/// Paths a file's `mod x;` lines may mean.
fn children(source: &Source) -> Vec<String> {
    let (dir, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
    let stem = file.trim_end_matches(".rs");
    let own = ["mod", "lib", "main"].contains(&stem);
    let base = if own { dir.to_owned() } else { format!("{dir}/{stem}") };
    let mut out = Vec::new();
    for (line, code) in source.code.lines().enumerate() {
        let mut parts = words(code).skip_while(|w| *w != "mod").skip(1);
        let Some(name) = parts.next().filter(|_| code.trim_end().ends_with(';')) else { continue };
        out.push(format!("{base}/{name}.rs"));
        out.push(format!("{base}/{name}/mod.rs"));
        let above = line.checked_sub(1).and_then(|l| source.text.lines().nth(l));
        let given = above.filter(|a| a.contains("#[path")).and_then(|a| a.split('"').nth(1));
        out.extend(given.map(|g| format!("{dir}/{g}")));
    }
    out
}

/// Reports rooms where less than `per_cent(room)` of the lines outside tests document something.
pub fn documented(sources: &[Source], per_cent: impl Fn(&str) -> usize) -> Vec<Finding> {
    let mut rooms: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for source in sources.iter().filter(|s| !is_test_file(&s.path)) {
        let Some(room) = crate::rooms::room_of(&source.path) else { continue };
        let (lines, docs) = rooms.entry(room).or_default();
        for (line, in_test) in source.text.lines().zip(&source.test_lines) {
            let line = line.trim_start();
            *lines += usize::from(!in_test && !line.is_empty());
            *docs += usize::from(line.starts_with("///") || line.starts_with("//!"));
        }
    }
    let poor =
        rooms.into_iter().filter(|(room, (lines, docs))| docs * 100 < lines * per_cent(room));
    poor.map(|(room, (lines, docs))| Finding {
        path: format!("src/{room}"),
        line: 0,
        rule: "documented",
        help: format!("{docs} of {lines} lines document something: at least {}%", per_cent(room)),
    })
    .collect()
}

/// Counts `unwrap`s and `expect`s of the library outside tests, and its lines.
pub fn unwraps(sources: &[Source]) -> (usize, usize, Vec<Finding>) {
    let (mut lines, mut found) = (0, Vec::new());
    let library = |s: &&Source| s.path.starts_with("src/") && !is_test_file(&s.path);
    for source in sources.iter().filter(library) {
        for (line, code) in source.plain_code() {
            lines += usize::from(!code.trim().is_empty());
            let hits = code.matches(".unwrap()").count() + code.matches(".expect(").count();
            let help = "return an error; a peer, a disk or a host may cause this";
            (0..hits).for_each(|_| found.push(source.finding(line, "unwrap", help)));
        }
    }
    (found.len(), lines, found)
}

mod tests {
    use super::*;

    #[test]
    fn long_files_and_wide_lines_are_found() {
        let long = "x\n".repeat(FILE_LINES + 1);
        assert_eq!(layout("src/a.rs", &long)[0].rule, "file-length");
        assert!(layout("src/a.rs", &"x\n".repeat(FILE_LINES)).is_empty());
        let wide = format!("{}\n", "ab ".repeat(40));
        let rules: Vec<_> = layout("src/a.rs", &wide).iter().map(|f| f.rule).collect();
        assert_eq!(rules, ["line-width", "blanks"]);
    }

    #[test]
    fn perl_documentation_does_not_count() {
        let pod = format!("=head1 NAME\n\n{}\n\n=cut\n", "word ".repeat(30).trim_end());
        let text = format!("package A;\n\n{pod}1;\n__END__\n{}", "x\n".repeat(FILE_LINES));
        assert!(layout("a.pm", &text).is_empty());
        assert_eq!(layout("a.rs", &text).len(), 2);
        assert_eq!(layout("a.pm", &"1;\n".repeat(FILE_LINES + 1)).len(), 1);
    }

    #[test]
    fn bytes_beyond_ascii_are_found() {
        assert_eq!(layout("src/a.rs", "// caf\u{e9}\n")[0].rule, "ascii");
    }

    #[test]
    fn long_functions_are_found() {
        let head =
            "trait T { fn d(&self); }\nfn big<F: Fn() -> [u8; 2]>(f: F)\nwhere\n    F: Send,\n";
        let text = format!("{head}{{\n{}}}\n", "    a();\n".repeat(70));
        let found = functions(&Source::rust("src/a.rs", &text));
        assert_eq!((found.len(), found[0].line), (1, 2));
        let fine = format!("fn ok() {{\n{}}}\n", "    a();\n".repeat(68));
        assert!(functions(&Source::rust("src/a.rs", &fine)).is_empty());
    }

    #[test]
    fn a_missing_module_doc_is_found() {
        assert_eq!(module_docs(&Source::rust("src/a.rs", "use std::fs;\n")).len(), 1);
        assert!(module_docs(&Source::rust("src/a.rs", "//! Why.\n")).is_empty());
    }

    #[test]
    fn markers_are_found() {
        let line = concat!("// TO", "DO later\nlet TO", "DOLIST = 1;\n");
        assert_eq!(leftovers("src/a.rs", line).len(), 1);
    }

    #[test]
    fn orphans_are_found() {
        let sources = [
            Source::rust("src/lib.rs", "pub mod a;\n// mod c;\n"),
            Source::rust("src/a/mod.rs", "mod b;\n#[path = \"odd.rs\"]\nmod other;\n"),
            Source::rust("src/a/b.rs", "#[cfg(test)]\nmod tests;\n"),
            Source::rust("src/a/b/tests.rs", ""),
            Source::rust("src/a/odd.rs", ""),
            Source::rust("src/c.rs", ""),
        ];
        let found = orphans(&sources);
        assert_eq!(found.iter().map(|f| f.path.as_str()).collect::<Vec<_>>(), ["src/c.rs"]);
    }

    #[test]
    fn a_silent_room_is_found() {
        let text = format!("//! A.\n{}", "fn a() {}\n".repeat(19));
        let sources = [Source::rust("src/disk/mod.rs", &text)];
        assert!(documented(&sources, |_| 5).is_empty());
        assert_eq!(documented(&sources, |_| 6).len(), 1);
    }

    #[test]
    fn unwraps_outside_tests_are_counted() {
        let text = "fn a() { b.unwrap(); c.expect(\"d\"); e.unwrap_or(1); }\n\
                    #[cfg(test)]\nmod tests { fn t() { b.unwrap(); } }\n";
        let sources = [Source::rust("src/a.rs", text), Source::rust("src/a/tests.rs", text)];
        assert_eq!(unwraps(&sources).0, 2);
    }
}

//! A source file as the rules see it: code with comments and literals blanked out, comments with
//! the code blanked out, and which lines belong to tests. Deliberately absent: any rule.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One breach of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path relative to the repository.
    pub path: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong and what to do instead.
    pub help: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.help)
    }
}

/// A file, read once and taken apart once.
#[derive(Debug)]
pub struct Source {
    /// Path relative to the repository, `/`-separated.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// Comments, strings and character literals replaced by blanks; lines kept.
    pub code: String,
    /// Everything but comments replaced by blanks; lines kept.
    pub comments: String,
    /// Per line (from 0): whether it belongs to a test.
    pub test_lines: Vec<bool>,
}

impl Source {
    /// Takes a Rust file apart.
    pub fn rust(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let test_lines = test_lines(path, &code);
        Self { path: path.into(), text: text.into(), code, comments, test_lines }
    }

    /// Lines of code outside tests, numbered from 1.
    pub fn plain_code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code
            .lines()
            .enumerate()
            .filter(|(i, _)| !self.test_lines.get(*i).copied().unwrap_or(false))
            .map(|(i, line)| (i + 1, line))
    }

    /// A finding in this file.
    pub fn finding(&self, line: usize, rule: &'static str, help: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, rule, help: help.into() }
    }

    /// The line (from 1) of a byte offset.
    pub fn line_of(&self, offset: usize) -> usize {
        self.code.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count() + 1
    }
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file of the repository.
#[expect(clippy::panic, reason = "a rule without its file is a failed test")]
pub fn read(path: &str) -> String {
    let full = root().join(path);
    std::fs::read_to_string(&full).unwrap_or_else(|e| panic!("{}: {e}", full.display()))
}

/// The files the project consists of: what git tracks or would track, else (an unpacked archive)
/// everything that is there, build output left out.
pub fn project_files() -> Vec<String> {
    let out = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut files = match out {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout)
            .split('\0')
            .filter(|p| !p.is_empty() && root().join(p).is_file())
            .map(str::to_owned)
            .collect(),
        _ => walk(root()),
    };
    files.sort();
    files.dedup();
    files
}

fn walk(top: &Path) -> Vec<String> {
    let (mut todo, mut found): (Vec<PathBuf>, _) = (vec![top.into()], Vec::new());
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && name != ".git" && name != "blib" {
                todo.push(path);
            } else if let (true, Ok(rest)) = (path.is_file(), path.strip_prefix(top)) {
                found.push(rest.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}

/// All Rust sources of the project, taken apart.
pub fn rust_sources() -> Vec<Source> {
    project_files()
        .iter()
        .filter(|p| p.ends_with(".rs"))
        .map(|p| Source::rust(p, &read(p)))
        .collect()
}

/// Splits Rust text into code and comments of the same shape.
pub fn split(text: &str) -> (String, String) {
    let bytes = text.as_bytes();
    let mut code = blank(bytes);
    let mut comments = blank(bytes);
    let mut at = 0;
    while at < bytes.len() {
        let (end, kind) = token(bytes, at);
        let target = match kind {
            Kind::Code => Some(&mut code),
            Kind::Comment => Some(&mut comments),
            Kind::Literal => None,
        };
        if let Some(target) = target {
            target[at..end].copy_from_slice(&bytes[at..end]);
        }
        at = end;
    }
    let string = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (string(&code), string(&comments))
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|b| if *b == b'\n' { b'\n' } else { b' ' }).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// The end and kind of the token at `at`.
fn token(bytes: &[u8], at: usize) -> (usize, Kind) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let len = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        return (at + len, Kind::Comment);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), Kind::Comment);
    }
    let first = rest[0];
    if first.is_ascii_alphabetic() || first == b'_' {
        let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let prefix = &rest[..word];
        let raw = matches!(prefix, b"r" | b"br" | b"cr");
        if raw && let Some(len) = raw_string(&rest[word..]) {
            return (at + word + len, Kind::Literal);
        }
        if matches!(prefix, b"b" | b"c") && rest.get(word) == Some(&b'"') {
            return (at + word + quoted(&rest[word..]), Kind::Literal);
        }
        return (at + word, Kind::Code);
    }
    match first {
        b'"' => (at + quoted(rest), Kind::Literal),
        b'\'' => character(rest).map_or((at + 1, Kind::Code), |n| (at + n, Kind::Literal)),
        _ => (at + 1, Kind::Code),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut i) = (0_usize, 0);
    while i < rest.len() {
        if rest[i..].starts_with(b"/*") {
            (depth, i) = (depth + 1, i + 2);
        } else if rest[i..].starts_with(b"*/") {
            (depth, i) = (depth - 1, i + 2);
            if depth == 0 {
                break;
            }
        } else {
            i += 1;
        }
    }
    i
}

/// Length of `"..."` at the start of `rest`.
fn quoted(rest: &[u8]) -> usize {
    let mut i = 1;
    while i < rest.len() && rest[i] != b'"' {
        i += if rest[i] == b'\\' { 2 } else { 1 };
    }
    (i + 1).min(rest.len())
}

/// Length of `#"..."#` (any number of `#`) at the start of `rest`.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|b| **b == b'#').count();
    if rest.get(hashes) != Some(&b'"') {
        return None;
    }
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let body = &rest[hashes + 1..];
    let close = body.windows(end.len()).position(|w| w == end).unwrap_or(body.len());
    Some((hashes + 1 + close + end.len()).min(rest.len()))
}

/// Length of a character literal at the start of `rest`; `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return rest.iter().skip(3).position(|b| *b == b'\'').map(|i| i + 4);
    }
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let valid = text.map_or_else(|e| e.valid_up_to(), str::len);
    let text = std::str::from_utf8(&rest[1..1 + valid]).ok()?;
    let len = text.chars().next()?.len_utf8();
    (rest.get(1 + len) == Some(&b'\'')).then_some(len + 2)
}

/// The offset just past the bracket that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (i, b) in code.bytes().enumerate().skip(open) {
        match b {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Whether a whole file is test code by its place or name.
pub fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("tests/")
        || path.contains("/tests/")
        || name == "tests.rs"
        || name.ends_with("_tests.rs")
        || name.ends_with("_test.rs")
}

fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let count = code.lines().count();
    let mut lines = vec![is_test_file(path); count];
    for (at, _) in code.match_indices("#[cfg(").filter(|(i, _)| {
        let attr = &code[*i..closing(code, *i + 1)];
        words(attr).any(|w| w == "test") && !attr.contains("not(")
    }) {
        let after = closing(code, at + 1);
        let stop = code[after..].find(['{', ';']).map_or(code.len(), |i| after + i);
        let end = if code.as_bytes().get(stop) == Some(&b'{') { closing(code, stop) } else { stop };
        let line = |offset: usize| code[..offset].matches('\n').count();
        let last = line(end.saturating_sub(1).max(at));
        (line(at)..=last.min(count.saturating_sub(1))).for_each(|l| lines[l] = true);
    }
    lines
}

/// Identifiers of a piece of code.
pub fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty())
}

mod tests {
    use super::*;

    #[test]
    fn literals_and_comments_are_blanked() {
        let text = "let a = \"x // y\"; // note {\nlet c = '{'; let l: &'a str = r#\"\"}\"#; \
                    /* a /* b */ c */ z";
        let (code, comments) = split(text);
        assert_eq!(code.lines().count(), 2);
        assert!(!code.contains('{') && !code.contains('}') && !code.contains("note"), "{code}");
        assert!(code.contains("&'a str") && code.ends_with(" z"), "{code}");
        assert!(comments.contains("// note {") && comments.contains("/* a /* b */ c */"));
        assert!(!comments.contains("let"));
    }

    #[test]
    fn escapes_do_not_end_literals() {
        let (code, _) = split(r#"f("a\"b", b'\'', '\u{7f}', b"\\") + g"#);
        assert_eq!(words(&code).collect::<Vec<_>>(), ["f", "b", "g"]);
    }

    #[test]
    fn test_modules_are_seen() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = Source::rust("src/x.rs", text);
        assert_eq!(source.test_lines, [false, true, true, true, true, false]);
        assert!(Source::rust("src/x/tests.rs", text).test_lines.iter().all(|t| *t));
        let not = Source::rust("src/x.rs", "#[cfg(not(test))]\nfn a() {}\n");
        assert!(not.test_lines.iter().all(|t| !*t));
    }
}

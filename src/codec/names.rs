//! Safe file names: what a torrent calls its files, turned into paths that cannot hurt.
//!
//! A safe path is relative, never leaves its root, has no empty, `.` or `..` component, no
//! separator, control or text-direction character inside a component, no name Windows reserves, no
//! component over 255 bytes, and differs from every other path of the torrent even without regard
//! to case. The result depends on the names and their order only, so it is the same in every
//! session.
//!
//! Characters that only Windows forbids (`: * ? " < > |`) are replaced there and kept elsewhere,
//! where they are common and data from other programs must be found under the same name.
//!
//! Deliberately absent: I/O, symbolic links on disk (the disk room refuses to follow them), Unicode
//! normalisation (two names that differ only in normal form share a file on some systems).

use std::collections::{HashMap, HashSet};

/// Longest component, in bytes: the limit of the common file systems.
pub const COMPONENT_BYTES: usize = 255;
/// Longest safe path, in bytes: leaves room for the save path below the usual 4096.
pub const PATH_BYTES: usize = 2048;
/// Most components of a safe path below the root.
pub const PATH_DEPTH: usize = 100;
/// Longest extension kept when a component is cut, in bytes, dot included.
const EXTENSION_BYTES: usize = 32;
/// Room kept for the number that tells equal names apart: a dot and ten digits.
const NUMBER_BYTES: usize = 11;

/// One path component made safe. Never empty, `.` or `..`.
#[must_use]
pub fn component(raw: &[u8]) -> String {
    component_for(raw, cfg!(windows))
}

fn component_for(raw: &[u8], windows: bool) -> String {
    let mut name = String::with_capacity(raw.len().min(COMPONENT_BYTES));
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                // Text-direction characters make `gpj.exe` look like `exe.jpg`.
                '\u{61c}' | '\u{200e}' | '\u{200f}' => {}
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
                '/' | '\\' | '\u{2028}' | '\u{2029}' => name.push('_'),
                ':' | '*' | '?' | '"' | '<' | '>' | '|' if windows => name.push('_'),
                c if c.is_control() => name.push('_'),
                c => name.push(c),
            }
        }
        if !chunk.invalid().is_empty() {
            name.push('_');
        }
    }
    // Windows drops trailing dots and spaces: two names would become one. `.` and `..` end here
    // too.
    let kept = name.trim_end_matches(['.', ' ']).len();
    name.truncate(kept);
    if is_reserved(&name) {
        name.insert(0, '_');
    }
    let mut name = shorten(&name, COMPONENT_BYTES);
    if name.is_empty() {
        name.push('_');
    }
    name
}

/// Whether Windows takes `name` for a device, with any extension and in any case.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    if stem.len() > 8 {
        return false;
    }
    let stem = stem.to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let mut digit = port.unwrap_or_default().chars();
    let is_port = matches!(digit.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'));
    is_port && digit.next().is_none()
}

/// Splits a name before its extension; the extension is empty when there is none worth keeping.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= EXTENSION_BYTES => name.split_at(at),
        _ => (name, ""),
    }
}

/// The longest start of `text` within `bytes` that ends between characters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Cuts `name` to `bytes`, keeping its extension.
fn shorten(name: &str, bytes: usize) -> String {
    if name.len() <= bytes {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let stem = cut(stem, bytes.saturating_sub(extension.len()));
    if extension.is_empty() {
        return stem.trim_end_matches(['.', ' ']).to_owned();
    }
    format!("{stem}{extension}")
}

/// A file's place in the tree: its directory's number and its folded name.
type Place = (u32, String);

/// Turns the paths of one torrent's files into safe ones, all different.
#[derive(Debug, Default)]
struct Tree {
    /// Directories by parent's number and folded name; 0 is the root.
    dirs: HashMap<Place, u32>,
    /// Names the files ask for.
    wanted: HashSet<Place>,
    /// Names given away.
    taken: HashSet<Place>,
    /// The last number tried for a shortened stem, its directory and extension.
    numbers: HashMap<(u32, String, String), u32>,
}

/// Equal for names that a case-insensitive file system takes for one.
fn fold(name: &str) -> String {
    name.to_lowercase()
}

impl Tree {
    fn dir_of(&mut self, components: &[String]) -> u32 {
        components.iter().fold(0, |parent, name| {
            let next = u32::try_from(self.dirs.len() + 1).unwrap_or(u32::MAX);
            *self.dirs.entry((parent, fold(name))).or_insert(next)
        })
    }

    /// The name itself when nobody has it, else the name with the first free number. Directories
    /// win over files, earlier files over later ones.
    fn give(&mut self, dir: u32, name: String) -> String {
        let place = (dir, fold(&name));
        if !self.dirs.contains_key(&place) && self.taken.insert(place) {
            return name;
        }
        let (stem, extension) = split_extension(&name);
        let stem = cut(stem, COMPONENT_BYTES - NUMBER_BYTES - extension.len());
        // Numbers only grow, so a crowd of equal names costs one look-up each, not one per pair.
        let key = (dir, fold(stem), fold(extension));
        let mut number = self.numbers.get(&key).copied().unwrap_or(0);
        let name = loop {
            number = number.saturating_add(1);
            let name = format!("{stem}.{number}{extension}");
            let place = (dir, fold(&name));
            let free = !self.dirs.contains_key(&place) && !self.wanted.contains(&place);
            if (free && self.taken.insert(place)) || number == u32::MAX {
                break name;
            }
        };
        self.numbers.insert(key, number);
        name
    }
}

/// The safe components of one path, without regard to other files. Empty, `.` and `..` components
/// vanish, as other programs do it; at least one remains.
fn components(raw: &[Vec<u8>]) -> Vec<String> {
    let mut out: Vec<String> = raw
        .iter()
        .filter(|part| !matches!(part.as_slice(), b"" | b"." | b".."))
        .map(|part| component(part))
        .collect();
    let bytes: usize = out.iter().map(|part| part.len() + 1).sum();
    if out.len() > PATH_DEPTH || bytes > PATH_BYTES - COMPONENT_BYTES - 1 {
        // Too long for the system: only the file's own name stays, in a directory of such files.
        out = out.pop().into_iter().collect();
        out.insert(0, "_long".to_owned());
    }
    if out.is_empty() {
        out.push("_".to_owned());
    }
    out
}

/// Safe `/`-separated paths for the files of one torrent, in order, below the directory `root` (a
/// safe component) when there is one. A file for which `hidden` is true is never stored (padding):
/// its path is safe but may equal another.
#[must_use]
pub fn safe_paths(
    root: Option<&str>,
    files: &[Vec<Vec<u8>>],
    hidden: impl Fn(usize) -> bool,
) -> Vec<String> {
    let mut tree = Tree::default();
    let mut parts: Vec<(u32, Vec<String>)> = Vec::with_capacity(files.len());
    for (i, raw) in files.iter().enumerate() {
        let path = components(raw);
        let mut dir = 0;
        if !hidden(i)
            && let Some((name, parents)) = path.split_last()
        {
            dir = tree.dir_of(parents);
            tree.wanted.insert((dir, fold(name)));
        }
        parts.push((dir, path));
    }
    let mut out = Vec::with_capacity(files.len());
    for (i, (dir, mut path)) in parts.into_iter().enumerate() {
        if !hidden(i)
            && let Some(name) = path.pop()
        {
            path.push(tree.give(dir, name));
        }
        if let Some(root) = root {
            path.insert(0, root.to_owned());
        }
        out.push(path.join("/"));
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paths(files: &[&[&str]]) -> Vec<String> {
        let files: Vec<Vec<Vec<u8>>> =
            files.iter().map(|f| f.iter().map(|c| c.as_bytes().to_vec()).collect()).collect();
        safe_paths(None, &files, |_| false)
    }

    fn is_safe_component(name: &str) -> bool {
        !name.is_empty()
            && name.len() <= COMPONENT_BYTES
            && !name.ends_with(['.', ' '])
            && !name.chars().any(|c| c == '/' || c == '\\' || c.is_control())
            && !is_reserved(name)
    }

    #[test]
    fn components_are_made_safe() {
        for (raw, safe) in [
            (&b"a.txt"[..], "a.txt"),
            (b"", "_"),
            (b".", "_"),
            (b"..", "_"),
            (b"...", "_"),
            (b". .", "_"),
            (b".hidden", ".hidden"),
            (b"a/../b", "a_.._b"),
            (b"a\\b", "a_b"),
            (b"nul\0l", "nul_l"),
            (b"a\x1b[0m\n", "a_[0m_"),
            (b"end. . ", "end"),
            (b" lead", " lead"),
            (b"CON", "_CON"),
            (b"con .txt", "_con .txt"),
            (b"Nul.tar.gz", "_Nul.tar.gz"),
            (b"COM1", "_COM1"),
            ("lpt\u{b2}.x".as_bytes(), "_lpt\u{b2}.x"),
            (b"COM10", "COM10"),
            (b"CONSOLE", "CONSOLE"),
            (b"caf\xe9.txt", "caf_.txt"),
            ("a\u{202e}gpj.exe".as_bytes(), "agpj.exe"),
            ("\u{202e}..".as_bytes(), "_"),
            ("\u{200e}NUL".as_bytes(), "_NUL"),
            ("d\u{e9}j\u{e0} vu".as_bytes(), "d\u{e9}j\u{e0} vu"),
        ] {
            assert_eq!(component_for(raw, false), safe, "{}", raw.escape_ascii());
        }
        assert_eq!(component_for(b"a: b?.mp3", false), "a: b?.mp3");
        assert_eq!(component_for(b"a: b?.mp3", true), "a_ b_.mp3");
    }

    #[test]
    fn long_components_keep_their_extension() {
        let name = component(format!("{}.flac", "\u{4e2d}".repeat(200)).as_bytes());
        assert!(name.len() <= 255 && name.len() > 250 && name.ends_with("\u{4e2d}.flac"));
        let name = component(&[b'x'; 300]);
        assert_eq!(name.len(), 255);
        assert!(is_safe_component(&component(&[vec![b'.'; 1], vec![b'y'; 400]].concat())));
    }

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(paths(&[&["", "etc", "passwd"]]), ["etc/passwd"]);
        assert_eq!(paths(&[&["..", "..", "x"]]), ["x"]);
        assert_eq!(paths(&[&["..", "."], &[]]), ["_", "_.1"]);
        let files = [vec![b"a".to_vec()]];
        assert_eq!(safe_paths(Some("root"), &files, |_| false), ["root/a"]);
    }

    #[test]
    fn collisions_are_numbered_in_order() {
        assert_eq!(paths(&[&["a.txt"], &["A.txt"], &["a.TXT"]]), ["a.txt", "A.1.txt", "a.2.TXT"]);
        // A name somebody asks for is not given away before.
        assert_eq!(paths(&[&["a"], &["a"], &["a.1"]]), ["a", "a.2", "a.1"]);
        // Directories win, whatever the order.
        assert_eq!(paths(&[&["d"], &["D", "x"]]), ["d.1", "D/x"]);
        assert_eq!(paths(&[&["d", "x"], &["d"], &["d.1", "y"]]), ["d/x", "d.2", "d.1/y"]);
        let long = "z".repeat(300);
        let both = paths(&[&[&long], &[&long]]);
        assert!(both[0] != both[1] && both[1].len() <= 255, "{both:?}");
        // Padding files share names freely.
        let files = vec![vec![b".pad".to_vec(), b"1".to_vec()]; 2];
        assert_eq!(safe_paths(None, &files, |_| true), [".pad/1", ".pad/1"]);
    }

    #[test]
    fn paths_too_long_or_deep_are_flattened() {
        let deep: Vec<Vec<u8>> = vec![b"d".to_vec(); 500];
        let long: Vec<Vec<u8>> = vec![vec![b'l'; 250]; 20];
        let out = safe_paths(Some("r"), &[deep.clone(), long, deep], |_| false);
        assert_eq!(out[0], "r/_long/d");
        assert_eq!(out[2], "r/_long/d.1");
        assert!(out.iter().all(|path| path.len() <= PATH_BYTES));
    }

    #[test]
    fn many_equal_names_take_linear_time() {
        let files = vec![vec![b"same".to_vec()]; 50_000];
        let out = safe_paths(None, &files, |_| false);
        assert_eq!(out.last().unwrap(), "same.49999");
    }

    fn part() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::sample::select(vec![
                "a", "A", "a.1", "..", ".", "", "NUL", "b.txt", "B.TXT", "a "
            ])
            .prop_map(|s: &str| s.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ]
    }

    proptest! {
        #[test]
        fn no_path_escapes_and_none_collide(
            files in prop::collection::vec(prop::collection::vec(part(), 0..5), 0..20),
        ) {
            let out = safe_paths(Some("root"), &files, |_| false);
            prop_assert_eq!(out.len(), files.len());
            let mut seen = HashSet::new();
            for path in &out {
                let mut parts = path.split('/');
                prop_assert_eq!(parts.next(), Some("root"));
                prop_assert!(parts.clone().count() > 0 && parts.all(is_safe_component), "{path}");
                prop_assert!(path.len() <= PATH_BYTES + COMPONENT_BYTES);
                prop_assert!(seen.insert(fold(path)), "twice: {path}");
            }
            for path in &out {
                for (at, _) in path.match_indices('/') {
                    prop_assert!(!seen.contains(&fold(&path[..at])), "file and directory: {path}");
                }
            }
            prop_assert_eq!(safe_paths(Some("root"), &files, |_| false), out);
        }

        #[test]
        fn making_safe_twice_changes_nothing(raw in prop::collection::vec(any::<u8>(), 0..400)) {
            let once = component(&raw);
            prop_assert!(is_safe_component(&once), "{once}");
            prop_assert_eq!(component(once.as_bytes()), once);
        }
    }
}

//! Where progress is remembered between runs: one directory per pair of torrent and content place.
//!
//! Keyed by both, because the same torrent downloaded to two places is two downloads, and the state
//! of one must never be taken for the other's. Deliberately absent: what is in there (the library's
//! built-in store knows).

use std::io;
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use crate::units::hex;

/// The state directory of `info_hash` with its content in `content`; created when missing.
pub(crate) fn directory(
    chosen: Option<&Path>,
    info_hash: &[u8],
    content: &Path,
) -> io::Result<PathBuf> {
    let dir = top(chosen)?.join(key(info_hash, &content.canonicalize()?));
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// The directory that holds them all.
pub(crate) fn top(chosen: Option<&Path>) -> io::Result<PathBuf> {
    match chosen {
        Some(dir) => Ok(dir.to_path_buf()),
        None => default_top(|name| std::env::var_os(name).map(PathBuf::from)).ok_or_else(|| {
            let why = "neither XDG_STATE_HOME nor HOME is set: give --state-dir";
            io::Error::new(io::ErrorKind::NotFound, why)
        }),
    }
}

/// All state directories below `top`, in order of their names.
pub(crate) fn places(top: &Path) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(top)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            out.push(entry.path());
        }
    }
    out.sort();
    Ok(out)
}

/// `<info-hash>-<16 hex digits of the content's canonical path>`.
fn key(info_hash: &[u8], content: &Path) -> String {
    let place = Sha1::digest(content.as_os_str().as_encoded_bytes());
    format!("{}-{}", hex(info_hash), hex(&place[..8]))
}

/// Per the XDG base directory rules: a relative `XDG_STATE_HOME` is ignored.
fn default_top(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let given = var("XDG_STATE_HOME").filter(|p| p.is_absolute());
    let home = || var("HOME").filter(|p| p.is_absolute()).map(|p| p.join(".local/state"));
    given.or_else(home).map(|p| p.join("tern"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_make_the_key() {
        let keys = [
            key(&[1; 20], Path::new("/a")),
            key(&[1; 20], Path::new("/b")),
            key(&[2; 20], Path::new("/a")),
        ];
        assert!(keys[0] != keys[1] && keys[0] != keys[2]);
        assert!(keys[0].starts_with(&"01".repeat(20)), "{}", keys[0]);
        assert_eq!(keys[0], key(&[1; 20], Path::new("/a")));
    }

    #[test]
    fn two_ways_to_one_place_share_their_state() {
        let top = tempfile::tempdir().expect("temporary directory");
        let content = top.path().join("content");
        std::fs::create_dir(&content).expect("created");
        let other = top.path().join("content/../content");
        let state = top.path().join("state");
        let first = directory(Some(&state), &[7; 20], &content).expect("first");
        assert_eq!(first, directory(Some(&state), &[7; 20], &other).expect("second"));
        assert!(first.is_dir() && first.starts_with(&state));
    }

    #[test]
    fn the_default_follows_xdg() {
        let env = |xdg: Option<&'static str>| {
            default_top(move |name| match name {
                "XDG_STATE_HOME" => xdg.map(PathBuf::from),
                "HOME" => Some("/h".into()),
                _ => None,
            })
        };
        assert_eq!(env(Some("/x")), Some("/x/tern".into()));
        assert_eq!(env(Some("relative")), Some("/h/.local/state/tern".into()));
        assert_eq!(env(None), Some("/h/.local/state/tern".into()));
        assert_eq!(default_top(|_| None), None);
    }
}

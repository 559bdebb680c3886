//! Paths made of any bytes stay below the root and differ.

use std::collections::HashSet;

use tern::codec::names::{COMPONENT_BYTES, safe_paths};

/// One input: files separated by line feeds, components by slashes.
pub fn run(data: &[u8]) {
    let split = |file: &[u8]| file.split(|b| *b == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let files: Vec<_> = data.split(|b| *b == b'\n').map(split).collect();
    let out = safe_paths(Some("root"), &files, |_| false);
    assert_eq!(out.len(), files.len());
    let mut seen = HashSet::new();
    for path in &out {
        let rest = path.strip_prefix("root/").expect("below the root");
        for part in rest.split('/') {
            assert!(!matches!(part, "" | "." | "..") && part.len() <= COMPONENT_BYTES);
            assert!(!part.contains(['\\', '\0']) && !part.ends_with(['.', ' ']));
        }
        assert!(seen.insert(path.to_lowercase()), "twice: {path}");
    }
    for path in &out {
        for (at, _) in path.match_indices('/') {
            assert!(!seen.contains(&path[..at].to_lowercase()), "file and directory: {path}");
        }
    }
}

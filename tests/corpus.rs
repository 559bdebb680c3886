//! Replays the fuzz corpora: every file of `fuzz/corpus-seeds/TARGET` through the target's body. A
//! crash that fuzzing finds is fixed together with its input, added there.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

#[path = "../fuzz/bodies/bencode.rs"]
mod bencode;
#[path = "../fuzz/bodies/metainfo.rs"]
mod metainfo;
#[path = "../fuzz/bodies/names.rs"]
mod names;
#[path = "../fuzz/bodies/resume.rs"]
mod resume;

/// Runs `body` over every seed of `target`, whole and cut short at 64 places.
fn replay(target: &str, body: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus-seeds").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        body(&data);
        for cut in (0..data.len()).step_by(data.len() / 64 + 1) {
            body(&data[..cut]);
        }
        count += 1;
    }
    assert!(count > 0, "no seeds in {}", dir.display());
}

#[test]
fn bencode_corpus() {
    replay("bencode", bencode::run);
}

#[test]
fn metainfo_corpus() {
    replay("metainfo", metainfo::run);
}

#[test]
fn names_corpus() {
    replay("names", names::run);
}

#[test]
fn resume_corpus() {
    replay("resume", resume::run);
}

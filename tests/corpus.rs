//! Replays the fuzz corpora: every file of `fuzz/corpus-seeds/TARGET` through the target's body. A
//! crash that fuzzing finds is fixed together with its input, added there.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

#[path = "../fuzz/bodies/bencode.rs"]
mod bencode;
#[path = "../fuzz/bodies/client_aria2.rs"]
mod client_aria2;
#[path = "../fuzz/bodies/client_deluge.rs"]
mod client_deluge;
#[path = "../fuzz/bodies/client_qbittorrent.rs"]
mod client_qbittorrent;
#[path = "../fuzz/bodies/client_rtorrent.rs"]
mod client_rtorrent;
#[path = "../fuzz/bodies/client_transmission.rs"]
mod client_transmission;
#[path = "../fuzz/bodies/metainfo.rs"]
mod metainfo;
#[path = "../fuzz/bodies/names.rs"]
mod names;
#[path = "../fuzz/bodies/resume.rs"]
mod resume;
#[path = "../fuzz/bodies/settled.rs"]
mod settled;
#[cfg(feature = "store")]
#[path = "../fuzz/bodies/store.rs"]
mod store;

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

#[cfg(feature = "store")]
#[test]
fn store_corpus() {
    replay("store", store::run);
}

#[test]
fn resume_corpus() {
    replay("resume", resume::run);
}

#[test]
fn client_aria2_corpus() {
    replay("client_aria2", client_aria2::run);
}

#[test]
fn client_deluge_corpus() {
    replay("client_deluge", client_deluge::run);
}

#[test]
fn client_rtorrent_corpus() {
    replay("client_rtorrent", client_rtorrent::run);
}

#[test]
fn client_transmission_corpus() {
    replay("client_transmission", client_transmission::run);
}

#[test]
fn client_qbittorrent_corpus() {
    replay("client_qbittorrent", client_qbittorrent::run);
}

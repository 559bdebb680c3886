//! Digests of files in many layouts against the `sha1` crate, with any number of threads.

use std::path::Path;

use proptest::prelude::*;
use sha1::Digest;

use super::*;
use crate::hash::HashPath;

fn bytes(seed: usize, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(seed * 2 + 7) >> 4).to_le_bytes()[0]).collect()
}

/// Files of these lengths (every third one padding), and all their bytes.
fn content(dir: &Path, lengths: &[usize], piece_len: u32) -> (Content, Vec<u8>) {
    let (mut places, mut all) = (Vec::new(), Vec::new());
    for (i, length) in lengths.iter().enumerate() {
        let offset = all.len() as u64;
        let padding = i % 3 == 2;
        let data = if padding { vec![0; *length] } else { bytes(i, *length) };
        let path = (!padding).then(|| dir.join(i.to_string()));
        path.iter().for_each(|path| std::fs::write(path, &data).unwrap());
        places.push(Place { offset, length: *length as u64, path });
        all.extend(data);
    }
    let geometry = Geometry::new(all.len() as u64, piece_len).unwrap();
    (Content { geometry, places, must_exist: true }, all)
}

fn expected(all: &[u8], piece_len: u32) -> Vec<Option<[u8; 20]>> {
    all.chunks(piece_len as usize).map(|p| Some(sha1::Sha1::digest(p).into())).collect()
}

fn effort(path: HashPath, threads: usize) -> Effort {
    Effort { hasher: Hasher::new(path).unwrap(), threads }
}

#[test]
fn every_path_and_any_number_of_threads_agree() {
    let dir = tempfile::tempdir().unwrap();
    let (content, all) = content(dir.path(), &[100_000, 0, 5000, 1_300_000, 77, 1], 32 << 10);
    let count = content.geometry.piece_count();
    for path in HashPath::ALL.into_iter().filter(|p| p.is_available()) {
        for threads in [0, 1, 3, 100] {
            let mut told = Vec::new();
            let digests = content.digests(0..count, effort(path, threads), |done| {
                told.push(done);
                true
            });
            assert_eq!(digests.unwrap(), expected(&all, 32 << 10), "{path} {threads}");
            assert!(told.is_sorted());
            assert_eq!(told.last(), Some(&(all.len() as u64)));
        }
    }
    let some = content.digests(3..7, Effort::default(), |_| true).unwrap();
    assert_eq!(some, expected(&all, 32 << 10)[3..7]);
    assert_eq!(content.digests(5..5, Effort::default(), |_| true).unwrap(), []);
}

#[test]
fn missing_and_short_files_are_errors_or_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let (mut content, all) = content(dir.path(), &[40_000, 40_000, 0, 40_000], 16 << 10);
    std::fs::remove_file(dir.path().join("1")).unwrap();
    std::fs::write(dir.path().join("3"), bytes(3, 39_999)).unwrap();
    let count = content.geometry.piece_count();
    let error = content.digests(0..count, Effort::default(), |_| true).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    content.must_exist = false;
    let digests = content.digests(0..count, effort(HashPath::Auto, 1), |_| true).unwrap();
    let good: Vec<bool> = digests.iter().map(Option::is_some).collect();
    // The missing one covers bytes 40 000 to 80 000, the last byte is missing too.
    assert_eq!(good, [true, true, false, false, false, true, true, false]);
    assert_eq!(digests[6], expected(&all, 16 << 10)[6]);
}

#[test]
fn cancelling_stops() {
    let dir = tempfile::tempdir().unwrap();
    let (content, _) = content(dir.path(), &[1_000_000], 16 << 10);
    let count = content.geometry.piece_count();
    let error = content.digests(0..count, Effort::default(), |_| false).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_layout(
        lengths in prop::collection::vec(0_usize..90_000, 1..9),
        pieces in 1_u32..5,
        threads in 1_usize..4,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let piece_len = pieces * (16 << 10);
        let (content, all) = content(dir.path(), &lengths, piece_len);
        let count = content.geometry.piece_count();
        let digests = content.digests(0..count, effort(HashPath::Auto, threads), |_| true);
        prop_assert_eq!(digests.unwrap(), expected(&all, piece_len));
    }
}

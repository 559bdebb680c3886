//! Plans for the situations a start can find.

use std::sync::Arc;

use super::*;
use crate::base::{Geometry, InfoHash};
use crate::codec::metainfo::{FileAttr, FileEntry};
use crate::codec::resume::{Pieces, TernKeys};

/// Three files of 25, 10 and 5 bytes in four pieces of 10: piece 2 is of files 0 and 1, piece 3
/// of 1 and 2.
fn info() -> Arc<Info> {
    let mut offset = 0;
    let files = [25, 10, 5].map(|length| {
        let entry = FileEntry {
            path: format!("f{offset}"),
            path_raw: Default::default(),
            length,
            offset,
            attr: FileAttr::default(),
            symlink: None,
        };
        offset += length;
        entry
    });
    Arc::new(Info {
        info_hash: InfoHash::default(),
        raw: Default::default(),
        name: String::new(),
        name_raw: Default::default(),
        geometry: Geometry::new(40, 10).unwrap(),
        pieces: vec![[0; 20]; 4].into(),
        files: files.to_vec(),
        multi_file: true,
        private: false,
        source: None,
    })
}

fn stats(sizes: [Option<u64>; 3]) -> Vec<Option<FileStat>> {
    sizes.iter().map(|s| s.map(|size| FileStat { size, mtime_ns: 7 })).collect()
}

const FULL: [Option<u64>; 3] = [Some(25), Some(10), Some(5)];

/// A blob of ours that has these pieces.
fn blob(bits: u8, clean: bool) -> Resume {
    let files = vec![Some((25, 7)), Some((10, 7)), Some((5, 7))];
    Resume {
        pieces: Some(Pieces::Bits(vec![bits])),
        tern: Some(TernKeys { piece_count: 4, files, clean, ..TernKeys::default() }),
        ..Resume::default()
    }
}

fn members(set: &Bitset) -> Vec<u32> {
    set.iter().collect()
}

fn run(resume: Option<&Resume>, stats: &[Option<FileStat>], policy: LoadPolicy) -> Plan {
    run_with(resume, None, stats, policy)
}

fn run_with(
    resume: Option<&Resume>,
    window: Option<&SavedWindow>,
    stats: &[Option<FileStat>],
    policy: LoadPolicy,
) -> Plan {
    let priorities = &[4, 4, 4];
    let found = Evidence { resume, window, seed_mode: false, stats, priorities };
    plan(&info(), found, policy)
}

#[test]
fn nothing_saved_and_nothing_there_is_a_fresh_start() {
    let plan = run(None, &stats([None; 3]), LoadPolicy::PerFile);
    assert!(plan.check.none() && plan.restored.none() && plan.rejected.is_none());
}

#[test]
fn nothing_saved_and_files_there_are_checked_as_far_as_they_reach() {
    let plan = run(None, &stats(FULL), LoadPolicy::PerFile);
    assert!(plan.check.all() && plan.expected.none());
    let plan = run(None, &stats([Some(15), None, None]), LoadPolicy::PerFile);
    assert_eq!(members(&plan.check), [0]);
}

#[test]
fn unchanged_files_are_trusted() {
    let plan = run(Some(&blob(0xf0, true)), &stats(FULL), LoadPolicy::Strict);
    assert!(plan.restored.all() && plan.check.none() && plan.rejected.is_none());
}

#[test]
fn a_changed_file_touches_its_pieces_only() {
    let mut now = stats(FULL);
    now[1] = Some(FileStat { size: 10, mtime_ns: 8 });
    let plan = run(Some(&blob(0xf0, true)), &now, LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![0, 1], vec![2, 3]));
    assert_eq!(members(&plan.expected), [2, 3]);
    let rejected = plan.rejected.unwrap();
    assert_eq!((rejected.partial, rejected.file, rejected.pieces), (true, FileIndex(1), 2));
    let plan = run(Some(&blob(0xf0, true)), &now, LoadPolicy::Strict);
    assert!(plan.restored.none() && plan.check.all());
    assert!(!plan.rejected.unwrap().partial);
    let plan = run(Some(&blob(0xf0, true)), &now, LoadPolicy::Trust);
    assert!(plan.restored.all());
}

#[test]
fn our_own_writes_after_a_save_are_no_change() {
    // File 0 lacks piece 1: it was being written.
    let mut now = stats(FULL);
    now[0] = Some(FileStat { size: 25, mtime_ns: 8 });
    for policy in [LoadPolicy::PerFile, LoadPolicy::Strict] {
        let plan = run(Some(&blob(0xb0, false)), &now, policy);
        assert_eq!(members(&plan.restored), [0, 2, 3]);
        assert_eq!(members(&plan.check), [1], "it may have become complete");
        assert!(plan.rejected.is_none());
    }
    // Strict: after a clean save, any difference costs everything.
    let plan = run(Some(&blob(0xb0, true)), &now, LoadPolicy::Strict);
    assert!(plan.restored.none() && !plan.rejected.unwrap().partial);
    // After a clean save nobody but somebody else writes.
    let plan = run(Some(&blob(0xb0, true)), &now, LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![3], vec![0, 2]));
    // Nor did we write into a file that was complete, or make one shorter.
    now[2] = Some(FileStat { size: 5, mtime_ns: 8 });
    let plan = run(Some(&blob(0xb0, false)), &now, LoadPolicy::PerFile);
    assert_eq!(members(&plan.check), [1, 3]);
    now[0] = Some(FileStat { size: 24, mtime_ns: 9 });
    let plan = run(Some(&blob(0xb0, false)), &now, LoadPolicy::PerFile);
    assert_eq!(members(&plan.check), [0, 1, 2, 3]);
}

/// A blob that has a journal beside it, and what that has.
fn journaled(bits: u8, clean: bool, pieces: &[u32]) -> (Resume, SavedWindow) {
    let mut resume = blob(bits, clean);
    resume.tern.as_mut().unwrap().journal = Some(5);
    (resume, SavedWindow { pieces: pieces.to_vec(), mark: 6 })
}

#[test]
fn the_journal_tells_our_writes_from_those_of_others() {
    let mut now = stats(FULL);
    // Older than when it was saved: the clock was set back.
    now[0] = Some(FileStat { size: 25, mtime_ns: 3 });
    for (clean, policy) in [(false, LoadPolicy::PerFile), (true, LoadPolicy::Strict)] {
        let (resume, window) = journaled(0xb0, clean, &[1]);
        let plan = run_with(Some(&resume), Some(&window), &now, policy);
        assert_eq!((members(&plan.restored), members(&plan.check)), (vec![0, 2, 3], vec![1]));
        assert!(plan.rejected.is_none());
    }
    // Nothing of file 0 was entered: somebody else wrote it, although it was being fetched.
    let (resume, window) = journaled(0xb0, false, &[3]);
    let plan = run_with(Some(&resume), Some(&window), &now, LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![], vec![0, 2, 3]));
    assert_eq!(plan.rejected.unwrap().file, FileIndex(0));
    // A piece that was claimed and is being repaired.
    let (resume, window) = journaled(0xf0, true, &[1]);
    let plan = run_with(Some(&resume), Some(&window), &now, LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.expected)), (vec![0, 2, 3], vec![1]));
}

#[test]
fn entries_that_the_state_made_void_are_none() {
    let (mut resume, window) = journaled(0xb0, true, &[0, 1, 2]);
    resume.tern.as_mut().unwrap().journal = Some(6);
    let plan = run_with(Some(&resume), Some(&window), &stats(FULL), LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), plan.check.none()), (vec![0, 2, 3], true));
}

#[test]
fn an_absent_disk_is_not_a_set_of_deleted_files() {
    let info = info();
    let look = |files: [Option<u64>; 3], root| Look { files: stats(files), root };
    let missing = |bits: u8, look: &Look, root| {
        is_storage_missing(&info, &Bitset::from_wire(&[bits], 4).unwrap(), look, root)
    };
    let none = [None; 3];
    assert!(missing(0xf0, &look(none, None), None), "no directory");
    assert!(missing(0xf0, &look(none, Some(1)), Some(2)), "the mount point");
    assert!(!missing(0xf0, &look(none, Some(1)), Some(1)), "deleted");
    assert!(!missing(0xf0, &look(none, Some(1)), None), "nothing known");
    assert!(!missing(0, &look(none, None), Some(1)), "nothing to miss");
    assert!(!missing(0xf0, &look([None, None, Some(5)], Some(1)), Some(2)), "one is there");
    assert!(missing(0x80, &look([None, Some(10), Some(5)], Some(1)), Some(2)), "not one we need");
}

#[test]
fn the_dirty_window_and_an_interrupted_check_are_hashed() {
    let mut resume = blob(0xf0, false);
    let tern = resume.tern.as_mut().unwrap();
    tern.dirty = vec![1, 77];
    let plan = run(Some(&resume), &stats(FULL), LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![0, 2, 3], vec![1]));
    resume.tern.as_mut().unwrap().checked_up_to = Some(2);
    let plan = run(Some(&resume), &stats(FULL), LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![0], vec![1, 2, 3]));
}

#[test]
fn another_programs_blob_needs_files_long_enough() {
    let resume = Resume { pieces: Some(Pieces::Bytes(vec![1, 1, 1, 1])), ..Resume::default() };
    let plan = run(Some(&resume), &stats([Some(30), Some(10), Some(5)]), LoadPolicy::PerFile);
    assert!(plan.restored.all(), "a longer file is none of our business");
    let plan = run(Some(&resume), &stats([Some(25), Some(9), Some(5)]), LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), members(&plan.check)), (vec![0, 1], vec![2, 3]));
    let some = Resume { pieces: Some(Pieces::Bytes(vec![1, 0, 0, 0])), ..Resume::default() };
    let plan = run(Some(&some), &stats([Some(10), None, None]), LoadPolicy::PerFile);
    assert_eq!((members(&plan.restored), plan.check.count()), (vec![0], 0));
}

#[test]
fn seed_mode_trusts_whole_files_and_remembers_what_was_verified() {
    let resume = Resume { seed_mode: true, verified: vec![0xb0], ..blob(0xf0, true) };
    let plan = run(Some(&resume), &stats(FULL), LoadPolicy::PerFile);
    assert!(plan.restored.all() && plan.check.none());
    assert_eq!(members(&plan.verified.unwrap()), [0, 2, 3]);
    // A changed file is looked at again, but not before it is asked for.
    let mut now = stats(FULL);
    now[2] = Some(FileStat { size: 5, mtime_ns: 8 });
    let plan = run(Some(&resume), &now, LoadPolicy::PerFile);
    assert_eq!((plan.restored.all(), members(&plan.verified.unwrap())), (true, vec![0, 2]));
    // A short or missing one is no seed's.
    let plan = run(Some(&resume), &stats([Some(25), Some(10), Some(4)]), LoadPolicy::PerFile);
    assert_eq!((members(&plan.check), plan.verified), (vec![0, 1, 2], None));
    assert_eq!(plan.rejected.unwrap().file, FileIndex(2));
    let found = Evidence {
        resume: None,
        window: None,
        seed_mode: true,
        stats: &stats(FULL),
        priorities: &[],
    };
    let plan = super::plan(&info(), found, LoadPolicy::PerFile);
    assert!(plan.restored.all() && plan.verified.unwrap().none());
}

#[test]
fn parts_of_pieces_are_kept_unless_their_file_changed() {
    let mut resume = blob(0xb0, true);
    resume.unfinished = vec![(1, vec![0x80]), (1, vec![0x80]), (0, vec![0x80]), (9, vec![0xff])];
    let plan = run(Some(&resume), &stats(FULL), LoadPolicy::PerFile);
    assert_eq!(plan.unfinished.len(), 1);
    assert_eq!((plan.unfinished[0].0, plan.unfinished[0].1.count()), (PieceIndex(1), 1));
    let plan = run(Some(&resume), &stats([Some(24), Some(10), Some(5)]), LoadPolicy::PerFile);
    assert!(plan.unfinished.is_empty());
}

#[test]
fn files_that_became_too_short_name_their_pieces() {
    let have = Bitset::full(4);
    let now = stats([Some(25), Some(4), Some(5)]);
    assert_eq!(shortfall(&info(), &have, &now, &[]), [2, 3]);
    assert!(shortfall(&info(), &have, &now, &[4, 0, 4]).is_empty(), "may be in the part store");
}

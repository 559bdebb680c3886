//! Unselected files and the part store.

use super::*;

/// Piece 0 is in `a` and `b`, piece 1 in `b` alone, piece 2 in `b` and `c`.
fn edges() -> Info {
    torrent(50_000, &[("a", 30_000), ("b", 100_000), ("c", 20_000)])
}

/// Writes and hashes the pieces that hold bytes of `a` and `c`.
fn fill_edges(bench: &Bench, all: &[u8]) {
    for piece in [0, 2] {
        let mut jobs = bench.writes(all, piece);
        jobs.push(Job::Hash(PieceIndex(piece)));
        let out = bench.run(jobs);
        assert_digest(out.last().unwrap(), bench.piece(all, piece));
    }
}

#[test]
fn unselected_files_are_never_created_and_their_edges_survive_a_restart() {
    let bench = Bench::new(edges());
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    bench.ok(Job::Prepare);
    assert!(matches!(bench.one(Job::Hash(PieceIndex(0))), Outcome::Missing));
    fill_edges(&bench, &all);
    bench.sync();
    assert_eq!(names(&bench.file("")), ["a", "c"]);
    assert!(bench.store().exists());
    assert_eq!(bench.stats()[1], None);
    bench.ok(Job::Close);
    bench.open(&[4, 0, 4]);
    assert_data(&bench.one(Job::ReadPiece(PieceIndex(0))), bench.piece(&all, 0));
    assert_data(&bench.one(read(2, 100, 40_000)), &bench.piece(&all, 2)[100..40_100]);
    assert!(matches!(bench.one(Job::Hash(PieceIndex(1))), Outcome::Missing));
    bench.ok(Job::Delete);
    assert!(names(&bench.save()).is_empty());
}

#[test]
fn raising_moves_the_bytes_and_removes_the_store() {
    let bench = Bench::new(edges());
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    fill_edges(&bench, &all);
    bench.ok(Job::SetPriorities(vec![4, 4, 4]));
    assert!(!bench.store().exists());
    let b = std::fs::read(bench.file("b")).unwrap();
    assert_eq!(b.len(), 100_000);
    assert_eq!((&b[..20_000], &b[70_000..]), (&all[30_000..50_000], &all[100_000..130_000]));
    // Lowered again, the file stays what it is.
    bench.ok(Job::SetPriorities(vec![4, 0, 4]));
    bench.fill(&all);
    assert!(!bench.store().exists());
    assert_eq!(std::fs::read(bench.file("b")).unwrap(), &all[30_000..130_000]);
}

#[test]
fn a_crash_while_raising_is_finished_by_prepare() {
    let bench = Bench::new(edges());
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    fill_edges(&bench, &all);
    bench.sync();
    bench.ok(Job::Close);
    // The crash: the file exists with some of the bytes, the records are still live.
    std::fs::write(bench.file("b"), &all[30_000..35_000]).unwrap();
    bench.open(&[4, 4, 4]);
    assert_digest(&bench.one(Job::Hash(PieceIndex(0))), bench.piece(&all, 0));
    bench.ok(Job::Prepare);
    assert!(!bench.store().exists());
    for piece in [0, 2] {
        let digest = bench.one(Job::Hash(PieceIndex(piece)));
        assert_digest(&digest, bench.piece(&all, piece));
    }
}

#[test]
fn a_crash_between_copying_and_freeing_loses_nothing() {
    let bench = Bench::new(edges());
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    fill_edges(&bench, &all);
    bench.sync();
    let store = std::fs::read(bench.store()).unwrap();
    bench.ok(Job::SetPriorities(vec![4, 4, 4]));
    bench.ok(Job::Close);
    // The store as it was before it was freed.
    std::fs::write(bench.store(), store).unwrap();
    for priorities in [[4, 0, 4], [4, 4, 4]] {
        bench.open(&priorities);
        bench.ok(Job::Prepare);
        for piece in [0, 2] {
            let digest = bench.one(Job::Hash(PieceIndex(piece)));
            assert_digest(&digest, bench.piece(&all, piece));
        }
        bench.ok(Job::Close);
    }
    assert!(!bench.store().exists());
}

#[test]
fn every_torn_store_loads_a_prefix_and_never_wrong_bytes() {
    let bench = Bench::new(edges());
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    fill_edges(&bench, &all);
    bench.ok(Job::Close);
    let store = std::fs::read(bench.store()).unwrap();
    for len in [0, 1, 63, 64, 65, 95, 96, 97, 20_000, 20_128, 20_160, store.len() - 1] {
        std::fs::write(bench.store(), &store[..len]).unwrap();
        bench.open(&[4, 0, 4]);
        for piece in [0, 2] {
            match bench.one(Job::Hash(PieceIndex(piece))) {
                Outcome::Missing => {}
                outcome => assert_digest(&outcome, bench.piece(&all, piece)),
            }
        }
        // The store works again after the tear.
        fill_edges(&bench, &all);
        bench.ok(Job::Close);
        bench.open(&[4, 0, 4]);
        for piece in [0, 2] {
            let digest = bench.one(Job::Hash(PieceIndex(piece)));
            assert_digest(&digest, bench.piece(&all, piece));
        }
        bench.ok(Job::Close);
    }
}

#[test]
fn a_store_of_another_torrent_is_refused_and_left_alone() {
    let bench = Bench::new(edges());
    std::fs::create_dir_all(bench.save()).unwrap();
    std::fs::write(bench.store(), [7; 200]).unwrap();
    let params = StorageParams { priorities: vec![4, 0, 4], ..bench.params() };
    let error = bench.fails(Job::Open(Box::new(params)));
    assert_eq!(error.os_errno, libc::EINVAL);
    assert_eq!(std::fs::read(bench.store()).unwrap(), [7; 200]);
}

#[test]
fn raising_one_of_two_neighbours_keeps_the_others_record() {
    let bench = Bench::new(torrent(90_000, &[("a", 30_000), ("b", 30_000), ("c", 30_000)]));
    let all = content(&bench.info);
    bench.open(&[4, 0, 0]);
    bench.fill(&all);
    bench.ok(Job::SetPriorities(vec![4, 4, 0]));
    assert!(bench.store().exists());
    // New bytes in the raised file must not be undone by the neighbour's record after a restart.
    let mut changed = all;
    changed[30_000..40_000].fill(1);
    bench.run(vec![write(0, 30_000, &[1; 10_000]), Job::Sync]);
    bench.ok(Job::Close);
    bench.open(&[4, 4, 0]);
    bench.ok(Job::Prepare);
    bench.check(&changed);
    assert_eq!(names(&bench.file("")), ["a", "b"]);
}

#[test]
fn a_raise_that_fails_changes_nothing_and_can_be_repeated() {
    let bench = Bench::new(torrent(60_000, &[("a", 30_000), ("b", 30_000), ("d/c", 60_000)]));
    let all = content(&bench.info);
    bench.open(&[4, 0, 0]);
    bench.fill(&all);
    std::fs::write(bench.file("d"), b"in the way").unwrap();
    let error = bench.fails(Job::SetPriorities(vec![4, 4, 4]));
    assert_eq!((error.file, error.os_errno), (Some(FileIndex(2)), libc::ENOTDIR));
    bench.check(&all);
    // `b` was raised before `c` failed: what is written to it now must be found there.
    let mut changed = all;
    changed[30_000..60_000].fill(2);
    bench.run(vec![write(0, 30_000, &[2; 30_000]), Job::Release]);
    bench.check(&changed);
    assert_eq!(std::fs::read(bench.file("b")).unwrap(), &changed[30_000..60_000]);
    std::fs::remove_file(bench.file("d")).unwrap();
    bench.ok(Job::SetPriorities(vec![4, 4, 4]));
    bench.check(&changed);
    assert!(!bench.store().exists());
}

//! Moving, renaming, deleting.

use super::*;

fn small() -> Info {
    torrent(10_000, &[("a", 15_000), ("d/e/b", 9_000), ("d/skip", 4_000), ("c", 20_000)])
}

fn filled() -> (Bench, Vec<u8>) {
    let bench = Bench::new(small());
    let all = content(&bench.info);
    bench.open(&[1, 1, 0, 1]);
    bench.fill(&all);
    (bench, all)
}

fn moved_to(bench: &Bench, all: &[u8], to: &Path) {
    match bench.one(Job::Move(to.to_owned())) {
        Outcome::Moved(path) => assert_eq!(path, to),
        other => panic!("{other:?}"),
    }
    bench.sync();
    bench.check(all);
    assert!(names(&bench.save()).is_empty());
    assert_eq!(names(&to.join("t")), ["a", "c", "d"]);
    assert_eq!(names(&to.join("t/d/e")), ["b"]);
    assert_eq!(names(to).len(), 2, "files and the part store");
    let mut changed = all.to_vec();
    changed[..10_000].fill(3);
    bench.run(vec![write(0, 0, &[3; 10_000]), Job::Hash(PieceIndex(0))]);
    bench.check(&changed);
    bench.ok(Job::Delete);
    assert!(names(to).is_empty());
}

#[test]
fn moving_within_a_file_system() {
    let (bench, all) = filled();
    let to = bench.dir.path().join("new/place");
    moved_to(&bench, &all, &to);
}

/// A directory on another file system, where there is one.
fn elsewhere(bench: &Bench) -> Option<TempDir> {
    use std::os::unix::fs::MetadataExt;
    let other = TempDir::new_in("/dev/shm").ok()?;
    let device = |p: &Path| std::fs::metadata(p).unwrap().dev();
    (device(other.path()) != device(bench.dir.path())).then_some(other)
}

/// As a kill leaves it that came after the first copy and in the middle of the second.
#[test]
fn a_move_across_file_systems_goes_on_where_another_was_cut_short() {
    let (bench, all) = filled();
    let Some(other) = elsewhere(&bench) else { return };
    let to = other.path().join("x");
    std::fs::create_dir_all(to.join("t/d/e")).unwrap();
    let (from, copy) = (bench.save().join("t/a"), to.join("t/a"));
    std::fs::copy(&from, &copy).unwrap();
    let half = to.join(format!("t/d/e/.tern-moving-{}-1", bench.info.info_hash));
    std::fs::write(&half, b"hal").unwrap();
    // A stamp of its own: not a copy that was finished.
    let error = bench.fails(Job::Move(to.clone()));
    assert_eq!(error.os_errno, libc::EEXIST);
    assert!(from.is_file() && half.is_file());
    let stamp = std::fs::metadata(&from).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&copy).unwrap().set_modified(stamp).unwrap();
    moved_to(&bench, &all, &to);
}

#[test]
fn moving_across_file_systems_keeps_bytes_and_times() {
    let (bench, all) = filled();
    let Some(other) = elsewhere(&bench) else { return };
    let before = bench.stats();
    let to = other.path().join("x");
    bench.ok(Job::Move(to.clone()));
    assert_eq!(bench.stats(), before);
    bench.ok(Job::Move(bench.save()));
    assert_eq!(bench.stats(), before);
    assert!(names(&to).is_empty());
    moved_to(&bench, &all, &to);
}

#[test]
fn a_move_onto_existing_files_moves_nothing() {
    let (bench, all) = filled();
    let to = bench.dir.path().join("new");
    std::fs::create_dir_all(to.join("t")).unwrap();
    std::fs::write(to.join("t/c"), b"precious").unwrap();
    let error = bench.fails(Job::Move(to.clone()));
    assert_eq!(error.os_errno, libc::EEXIST);
    assert_eq!(error.file, Some(FileIndex(3)));
    assert_eq!(std::fs::read(to.join("t/c")).unwrap(), b"precious");
    assert_eq!(names(&to.join("t")), ["c"]);
    bench.check(&all);
}

#[test]
fn a_move_that_fails_half_way_is_undone() {
    let (bench, all) = filled();
    let to = bench.dir.path().join("new");
    // `a` can be moved, `d/e/b` cannot: `d` is a file there.
    std::fs::create_dir_all(to.join("t")).unwrap();
    std::fs::write(to.join("t/d"), b"precious").unwrap();
    let error = bench.fails(Job::Move(to.clone()));
    assert_eq!(error.os_errno, libc::ENOTDIR);
    assert_eq!(names(&to.join("t")), ["d"]);
    bench.check(&all);
}

#[test]
fn renaming_below_and_outside_the_save_path() {
    let (bench, all) = filled();
    bench.ok(Job::Rename(FileIndex(1), "other/dir/b2".into()));
    assert_eq!(names(&bench.save().join("other/dir")), ["b2"]);
    assert!(!bench.file("d").exists(), "emptied directories go");
    let outside = bench.dir.path().join("out/abs");
    bench.ok(Job::Rename(FileIndex(0), outside.to_str().unwrap().into()));
    assert!(outside.exists());
    bench.check(&all);
    assert_eq!(bench.fails(Job::Rename(FileIndex(3), "t/../../x".into())).os_errno, libc::EINVAL);
    assert_eq!(bench.fails(Job::Rename(FileIndex(3), "".into())).os_errno, libc::EINVAL);
    assert_eq!(bench.fails(Job::Rename(FileIndex(9), "x".into())).os_errno, libc::EINVAL);
    let taken = bench.fails(Job::Rename(FileIndex(3), "other/dir/b2".into()));
    assert_eq!(taken.os_errno, libc::EEXIST);
    // Reopened with the same names, it is the same torrent; a file outside does not move with it.
    bench.ok(Job::Close);
    let renamed = vec![
        (FileIndex(1), "other/dir/b2".to_owned()),
        (FileIndex(0), outside.to_str().unwrap().to_owned()),
    ];
    let priorities = vec![1, 1, 0, 1];
    bench.ok(Job::Open(Box::new(StorageParams { renamed, priorities, ..bench.params() })));
    bench.check(&all);
    bench.ok(Job::Move(bench.dir.path().join("new")));
    bench.check(&all);
    assert!(outside.exists());
    bench.ok(Job::Delete);
    assert!(!outside.exists());
    assert!(names(&bench.dir.path().join("new")).is_empty());
}

#[test]
fn deleting_leaves_foreign_files() {
    let (bench, _) = filled();
    std::fs::write(bench.file("d/e/foreign"), b"mine").unwrap();
    std::fs::remove_file(bench.file("c")).unwrap();
    std::fs::create_dir(bench.file("c")).unwrap();
    bench.ok(Job::Delete);
    assert_eq!(names(&bench.save()), ["t"]);
    assert_eq!(names(&bench.file("")), ["c", "d"]);
    assert_eq!(names(&bench.file("d/e")), ["foreign"]);
    bench.ok(Job::Delete);
    assert!(bench.stats().iter().all(Option::is_none));
}

//! Disks that say no, directories that vanish, links that lead astray, code that panics.

use std::os::unix::fs::symlink;

use super::*;

fn plain() -> Info {
    torrent(32_768, &[("d/a", 50_000), ("b", 50_000)])
}

#[test]
fn a_file_where_a_directory_should_be_is_an_ordinary_error() {
    let bench = Bench::new(plain());
    let all = content(&bench.info);
    bench.open(&[]);
    std::fs::create_dir_all(bench.file("")).unwrap();
    std::fs::write(bench.file("d"), b"a file").unwrap();
    let mut jobs = bench.writes(&all, 0);
    jobs.push(Job::Hash(PieceIndex(0)));
    let out = bench.run(jobs);
    for outcome in &out {
        let Outcome::Failed(e) = outcome else { panic!("{outcome:?}") };
        assert_eq!((e.op, e.os_errno, e.file), ("open", libc::ENOTDIR, Some(FileIndex(0))));
        assert_eq!(e.path, bench.file("d/a"));
    }
    // The pool goes on, and so does the torrent when the obstacle is gone.
    std::fs::remove_file(bench.file("d")).unwrap();
    bench.fill(&all);
}

#[test]
fn a_vanished_directory_is_missing_then_made_again() {
    let bench = Bench::new(plain());
    let all = content(&bench.info);
    bench.open(&[]);
    bench.fill(&all);
    bench.ok(Job::Release);
    std::fs::remove_dir_all(bench.save()).unwrap();
    assert!(matches!(bench.one(Job::Hash(PieceIndex(0))), Outcome::Missing));
    let error = bench.fails(Job::Sync);
    assert_eq!((error.op, error.os_errno), ("open", libc::ENOENT));
    // As long as it is not made again.
    bench.fails(Job::Sync);
    bench.fill(&all);
    assert_eq!(bench.sync()[1].1.unwrap().size, 50_000);
}

#[test]
fn what_a_failed_sync_left_in_doubt_is_written_again_by_the_next() {
    let bench = Bench::new(plain());
    let all = content(&bench.info);
    bench.open(&[]);
    bench.fill(&all);
    bench.sync();
    let written = || bench.pool.stats().bytes_written;
    // A block of one piece, all of another, and a third that is only hashed.
    bench.ok(write(0, 0, &all[..16_384]));
    bench.run(bench.writes(&all, 2));
    assert_digest(&bench.one(Job::Hash(PieceIndex(1))), bench.piece(&all, 1));
    bench.ok(Job::Release);
    let (there, away) = (bench.save(), bench.dir.path().join("away"));
    std::fs::rename(&there, &away).unwrap();
    bench.fails(Job::Sync);
    let before = written();
    bench.fails(Job::Sync);
    assert_eq!(written(), before, "nothing is made up");
    std::fs::rename(&away, &there).unwrap();
    bench.sync();
    let again = 16_384 + 2 * 32_768;
    assert_eq!(written() - before, again);
    bench.sync();
    assert_eq!(written() - before, again, "once");
    for piece in 0..bench.info.piece_count() {
        assert_digest(&bench.one(Job::Hash(PieceIndex(piece))), bench.piece(&all, piece));
    }
}

#[test]
fn links_are_never_followed() {
    let bench = Bench::new(plain());
    let all = content(&bench.info);
    let outside = bench.dir.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("a"), b"precious").unwrap();
    std::fs::create_dir_all(bench.file("")).unwrap();
    symlink(&outside, bench.file("d")).unwrap();
    symlink(outside.join("a"), bench.file("b")).unwrap();
    bench.open(&[]);
    assert_eq!(bench.stats(), [None, None]);
    for piece in 0..bench.info.piece_count() {
        let out = bench.run(vec![write(piece, 0, &all[..1000]), Job::Hash(PieceIndex(piece))]);
        assert!(out.iter().all(|o| matches!(o, Outcome::Failed(_))), "{out:?}");
        bench.fails(read(piece, 0, 10));
    }
    bench.ok(Job::Delete);
    assert_eq!(std::fs::read(outside.join("a")).unwrap(), b"precious");
    assert_eq!(names(&outside), ["a"]);
}

#[test]
fn a_torrents_own_links_stay_inside_and_are_not_written_through() {
    let mut info = torrent(32_768, &[("l", 0), ("l2", 0), ("d/a", 50_000)]);
    info.files[0].symlink = Some("../../etc".into());
    info.files[1].symlink = Some("d".into());
    info.files[2].path = "t/l2/x".into();
    let bench = Bench::new(info);
    bench.open(&[]);
    bench.ok(Job::Prepare);
    assert_eq!(names(&bench.file("")), ["l2"]);
    std::fs::create_dir_all(bench.file("d")).unwrap();
    let out = bench.run(vec![write(0, 0, &[1; 1000]), Job::Hash(PieceIndex(0))]);
    assert!(out.iter().all(|o| matches!(o, Outcome::Failed(_))), "{out:?}");
    assert!(names(&bench.file("d")).is_empty());
}

#[test]
fn special_files_do_not_hang() {
    let bench = Bench::new(plain());
    std::fs::create_dir_all(bench.file("")).unwrap();
    let path = std::ffi::CString::new(bench.file("b").to_str().unwrap()).unwrap();
    // SAFETY: a NUL-terminated path that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    bench.open(&[]);
    let out = bench.run(vec![write(2, 0, &[1; 1000]), Job::Hash(PieceIndex(2))]);
    assert!(out.iter().all(|o| matches!(o, Outcome::Failed(_))), "{out:?}");
}

#[test]
fn a_panic_fails_its_jobs_and_the_thread_lives() {
    struct Broken;
    impl StreamHasher for Broken {
        fn lanes(&self) -> usize {
            4
        }
        fn begin(&mut self, _: usize) {}
        fn update(&mut self, _: &[&[u8]]) {
            panic!("a bug")
        }
        fn finish(&mut self) -> Vec<[u8; 20]> {
            Vec::new()
        }
    }
    let hasher: HasherFactory = Arc::new(|| Box::new(Broken));
    let bench = Bench::with(plain(), PoolConfig { hasher, ..config(1) });
    let all = content(&bench.info);
    bench.open(&[]);
    let mut jobs = bench.writes(&all, 0);
    jobs.push(Job::Hash(PieceIndex(0)));
    let out = bench.run(jobs);
    // The blocks are with the operating system; only nobody knows what they hash to.
    assert!(matches!(out[..], [Outcome::Done, Outcome::Done, Outcome::Failed(_)]), "{out:?}");
    bench.fails(Job::Hash(PieceIndex(0)));
    assert!(!bench.pool.pressure());
    bench.run(vec![write(0, 0, &all[..16_384]), Job::Sync]);
    assert_data(&bench.one(read(0, 0, 100)), &all[..100]);
}

/// Re-runs this binary for one test in which the process may not grow files above 64 KiB: the
/// kernel then refuses writes as a full disk does, half-way through.
#[test]
fn a_disk_that_fills_up_fails_writes_and_recovers() {
    const CHILD: &str = "TERN_DISK_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return full_disk();
    }
    let name = "disk::tests::faults::a_disk_that_fills_up_fails_writes_and_recovers";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}

fn full_disk() {
    let set = |bytes: libc::rlim_t| {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: a valid limit for a known resource of this process, which exists for this test
        // only.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
    };
    let bench = Bench::new(torrent(32_768, &[("a", 131_072), ("b", 40_000)]));
    let all = content(&bench.info);
    bench.open(&[]);
    set(70_000);
    for (piece, fits) in [(0, true), (1, true), (2, false), (3, false), (4, true)] {
        let mut jobs = bench.writes(&all, piece);
        jobs.push(Job::Hash(PieceIndex(piece)));
        for outcome in bench.run(jobs) {
            match outcome {
                Outcome::Failed(e) => {
                    assert!(!fits);
                    assert_eq!((e.op, e.os_errno), ("write", libc::EFBIG));
                    assert_eq!(e.path, bench.file("a"));
                }
                _ => assert!(fits, "piece {piece}: {outcome:?}"),
            }
        }
    }
    assert!(!bench.pool.pressure());
    let params = StorageParams { preallocate: true, ..bench.params() };
    bench.ok(Job::Close);
    bench.ok(Job::Open(Box::new(params)));
    let error = bench.fails(Job::Prepare);
    assert_eq!((error.op, error.os_errno), ("allocate", libc::EFBIG));
    set(libc::RLIM_INFINITY);
    bench.fill(&all);
    bench.sync();
    bench.check(&all);
}

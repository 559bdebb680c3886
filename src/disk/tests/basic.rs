//! Writing, hashing, reading, sync, stat, prepare.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mixed() -> Info {
    torrent(
        40_000,
        &[("a", 1), ("empty", 0), ("d/b", 70_000), (".pad/1", 9_999), ("d/e/c", 50_000), ("z", 3)],
    )
}

#[test]
fn pieces_cross_tiny_empty_and_padding_files() {
    let bench = Bench::new(mixed());
    let all = content(&bench.info);
    bench.open(&[]);
    bench.ok(Job::Prepare);
    bench.fill(&all);
    assert_eq!(std::fs::read(bench.file("a")).unwrap(), &all[..1]);
    assert_eq!(std::fs::read(bench.file("empty")).unwrap(), b"");
    assert_eq!(std::fs::read(bench.file("d/b")).unwrap(), &all[1..70_001]);
    assert_eq!(std::fs::read(bench.file("d/e/c")).unwrap(), &all[80_000..130_000]);
    assert_eq!(std::fs::read(bench.file("z")).unwrap(), &all[130_000..]);
    assert_eq!(names(&bench.file("")), ["a", "d", "empty", "z"], "padding is never stored");
    // Reads cross files and padding.
    assert_data(&bench.one(read(1, 25_000, 15_000)), &all[65_000..80_000]);
    let last = bench.info.piece_count() - 1;
    assert_data(&bench.one(Job::ReadPiece(PieceIndex(last))), bench.piece(&all, last));
    bench.check(&all);
    assert_eq!(bench.pool.stats().bytes_read_back, 130_003);
}

#[test]
fn a_piece_in_memory_is_hashed_without_reading_back() {
    let bench = Bench::new(torrent(65_536, &[("a", 200_000)]));
    bench.open(&[]);
    let all = content(&bench.info);
    bench.fill(&all);
    let stats = bench.pool.stats();
    assert_eq!((stats.bytes_written, stats.bytes_hashed), (200_000, 200_000));
    assert_eq!((stats.bytes_read, stats.bytes_read_back), (0, 0));
    assert_eq!(stats.jobs, 1 + 14 + 3);
    assert_eq!(std::fs::read(bench.file("a")).unwrap(), all);
}

#[test]
fn hash_of_absent_or_short_files_is_missing_and_reads_fail() {
    let bench = Bench::new(torrent(32_768, &[("a", 100_000)]));
    bench.open(&[]);
    assert!(matches!(bench.one(Job::Hash(PieceIndex(0))), Outcome::Missing));
    let error = bench.fails(read(0, 0, 10));
    assert_eq!((error.op, error.os_errno), ("read", libc::ENOENT));
    bench.fill(&content(&bench.info));
    std::fs::File::options().write(true).open(bench.file("a")).unwrap().set_len(99_999).unwrap();
    assert!(matches!(bench.one(Job::Hash(PieceIndex(3))), Outcome::Missing));
    assert!(matches!(bench.one(Job::Hash(PieceIndex(2))), Outcome::Digest(_)));
    let error = bench.fails(Job::ReadPiece(PieceIndex(3)));
    assert_eq!((error.op, error.os_errno), ("read", 0));
    assert_eq!(error.message, "file is shorter than expected");
    assert_eq!(error.path, bench.file("a"));
}

#[test]
fn blocks_outside_the_torrent_are_refused() {
    let bench = Bench::new(torrent(32_768, &[("a", 40_000)]));
    bench.open(&[]);
    for job in [
        write(1, 7_000, &[1; 300]),
        write(2, 0, &[1]),
        write(0, u32::MAX, &[1, 2]),
        write(0, 0, &[]),
        read(1, 7_232, 1),
        read(9, 0, 1),
        Job::Hash(PieceIndex(2)),
        Job::ReadPiece(PieceIndex(u32::MAX)),
    ] {
        // The fence keeps a refused write from waiting for its idle flush.
        let out = bench.run(vec![job, Job::Release]);
        assert!(matches!(out[0], Outcome::Failed(_)), "{out:?}");
    }
    assert!(names(&bench.save()).is_empty());
}

#[test]
fn overlapping_blocks_end_as_the_last_one() {
    let bench = Bench::new(torrent(64, &[("a", 64)]));
    bench.open(&[]);
    let out = bench.run(vec![
        write(0, 0, &[1; 40]),
        write(0, 20, &[2; 40]),
        write(0, 20, &[3; 40]),
        write(0, 60, &[4; 4]),
        Job::Hash(PieceIndex(0)),
    ]);
    let want = [[1; 20].as_slice(), &[3; 40], &[4; 4]].concat();
    assert_digest(&out[4], &want);
    assert_eq!(std::fs::read(bench.file("a")).unwrap(), want);
}

#[test]
fn long_pieces_are_streamed_to_the_same_digest() {
    let bench = Bench::new(torrent(17 << 20, &[("a", 9 << 20), ("b", 10 << 20)]));
    bench.open(&[]);
    let all = content(&bench.info);
    bench.fill(&all);
    bench.check(&all);
    // A hole between blocks in memory and blocks on disk.
    let out = bench.run(vec![write(0, 16_384, &[9; 16_384]), Job::Hash(PieceIndex(0))]);
    let mut changed = all.clone();
    changed[16_384..32_768].fill(9);
    assert_digest(&out[1], bench.piece(&changed, 0));
}

#[test]
fn stat_and_sync_say_what_is_on_disk() {
    let bench = Bench::new(mixed());
    bench.open(&[]);
    assert!(bench.stats().iter().all(Option::is_none));
    bench.ok(write(0, 0, &[1; 100]));
    let told = bench.sync();
    let sizes: Vec<_> = told.iter().map(|(f, s)| (f.0, s.map(|s| s.size))).collect();
    assert_eq!(sizes, [(0, Some(1)), (2, Some(99))], "those it made durable");
    assert_eq!(bench.sync(), []);
    let stats = bench.stats();
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(bench.file("d/b")).unwrap();
    let want = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    assert_eq!(stats[2].unwrap().mtime_ns, want);
    assert_eq!(bench.stats(), stats);
    assert_eq!(bench.pool.stats().syncs, 2);
}

#[test]
fn prepare_makes_empty_files_links_and_reserves() {
    let mut info = mixed();
    info.files[0].attr.executable = true;
    info.files[5].symlink = Some("d/b".into());
    info.files[5].attr.symlink = true;
    let bench = Bench::new(info);
    let params = StorageParams { preallocate: true, ..bench.params() };
    bench.ok(Job::Open(Box::new(params)));
    bench.ok(Job::Prepare);
    bench.ok(Job::Prepare);
    let sizes: Vec<_> = bench.stats().iter().map(|s| s.map(|s| s.size)).collect();
    assert_eq!(sizes, [Some(1), Some(0), Some(70_000), None, Some(50_000), None]);
    let link = bench.file("z");
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("../t/d/b"));
    assert_eq!(std::fs::metadata(&link).unwrap().len(), 70_000);
    let mode = |f: &str| std::fs::metadata(bench.file(f)).unwrap().permissions().mode();
    assert_eq!((mode("a") & 0o100, mode("d/b") & 0o111), (0o100, 0));
    bench.ok(Job::Delete);
    assert!(names(&bench.save()).is_empty());
}

#[test]
fn idle_partial_pieces_reach_the_file_by_themselves() {
    let bench = Bench::new(torrent(65_536, &[("a", 65_536)]));
    bench.open(&[]);
    // `one` waits for the answer, which only comes when the block was written.
    bench.ok(write(0, 16_384, &[5; 16_384]));
    assert_eq!(std::fs::metadata(bench.file("a")).unwrap().len(), 32_768);
}

#[test]
fn the_budget_bounds_what_is_buffered() {
    let budget = 256 * 1024;
    let config = PoolConfig { write_budget_bytes: budget, ..config(1) };
    let bench = Bench::with(torrent(1 << 20, &[("a", 4 << 20)]), config);
    bench.open(&[]);
    let all = content(&bench.info);
    let jobs: Vec<_> = (0..4).flat_map(|p| bench.writes(&all, p)).collect();
    assert!(!bench.pool.pressure());
    // No hash, no fence: only the budget makes these answers come; the rest is the idle flush's.
    let out = bench.run(jobs);
    assert!(out.iter().all(|o| matches!(o, Outcome::Done)));
    assert!(!bench.pool.pressure());
    bench.check(&all);
}

#[test]
fn open_files_stay_within_their_bound() {
    let names: Vec<String> = (0..60).map(|i| format!("f{i}")).collect();
    let files: Vec<_> = names.iter().map(|n| (n.as_str(), 1000)).collect();
    let config = PoolConfig { max_open_files: 6, ..config(4) };
    let bench = Bench::with(torrent(3_000, &files), config);
    bench.open(&[]);
    let all = content(&bench.info);
    bench.fill(&all);
    bench.sync();
    bench.check(&all);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter(|fd| {
        let target = std::fs::read_link(fd.as_ref().unwrap().path());
        target.is_ok_and(|t| t.starts_with(bench.dir.path()))
    });
    assert!(open.count() <= 6);
    assert!(bench.pool.stats().open_files > 0);
    bench.ok(Job::Release);
    assert_eq!(bench.pool.stats().open_files, 0);
}

#[test]
fn threads_are_named_and_take_no_signals() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let pool = Pool::new(config(1)).unwrap();
    let (tx, rx) = channel();
    let note = Arc::clone(&seen);
    let sink = pool.add_sink(Arc::new(move |_| {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let name = std::thread::current().name().map(str::to_owned);
        let blocked = status.lines().find_map(|l| l.strip_prefix("SigBlk:\t")).map(str::to_owned);
        note.lock().push((name, blocked));
        tx.send(()).unwrap();
    }));
    pool.submit(sink, T, vec![(1, Job::Stat)]);
    rx.recv().unwrap();
    let (name, blocked) = seen.lock().pop().unwrap();
    assert_eq!(name.as_deref(), Some("tern-disk-0"));
    let blocked = u64::from_str_radix(&blocked.unwrap(), 16).unwrap();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGCHLD, libc::SIGPIPE, libc::SIGXFSZ] {
        assert_ne!(blocked & 1 << (signal - 1), 0, "signal {signal}");
    }
}

#[test]
fn unknown_torrents_closing_and_shutdown_answer_everything() {
    let bench = Bench::new(torrent(32_768, &[("a", 40_000)]));
    bench.fails(Job::Hash(PieceIndex(0)));
    bench.fails(Job::Sync);
    bench.open(&[]);
    bench.fails(Job::Open(Box::new(bench.params())));
    let out = bench.run(vec![write(0, 0, &[1; 16_384]), Job::Close, Job::Stat]);
    assert!(matches!(out[..], [Outcome::Done, Outcome::Done, Outcome::Failed(_)]), "{out:?}");
    bench.open(&[]);
    bench.pool.submit(bench.sink, T, vec![(0, write(0, 16_384, &[2; 16_384]))]);
    bench.pool.shutdown();
    assert!(matches!(bench.answers.lock().recv().unwrap().outcome, Outcome::Done));
    assert_eq!(std::fs::metadata(bench.file("a")).unwrap().len(), 32_768);
    bench.fails(Job::Stat);
}

#[test]
fn a_sync_covers_what_was_written_or_checked_since_the_last_one_and_no_more() {
    let bench = Bench::new(torrent(50_000, &[("a", 30_000), ("b", 100_000), ("c", 20_000)]));
    let all = content(&bench.info);
    bench.open(&[4, 0, 4]);
    let synced = |job: Option<Job>| {
        let before = bench.pool.stats().files_synced;
        job.into_iter().for_each(|job| drop(bench.run(vec![job, Job::Release])));
        bench.sync();
        bench.pool.stats().files_synced - before
    };
    assert_eq!(synced(None), 0);
    assert_eq!(synced(Some(write(0, 0, &all[..50_000]))), 2, "a and the part store");
    assert_eq!(synced(None), 0);
    assert_eq!(synced(Some(write(0, 0, &all[..100]))), 1);
    assert_eq!(synced(Some(write(0, 40_000, &all[40_000..40_100]))), 1);
    assert_eq!(synced(Some(read(0, 0, 100))), 0, "serving makes nothing to sync");
    bench.ok(Job::Close);
    // What a check finds may have been written by a process that was killed.
    bench.open(&[4, 0, 4]);
    assert_eq!(synced(Some(Job::Hash(PieceIndex(0)))), 2);
    assert_eq!(synced(None), 0);
    // A file that was only checked and is gone is no failure of the sync.
    bench.one(Job::Hash(PieceIndex(0)));
    bench.ok(Job::Release);
    std::fs::remove_file(bench.file("a")).unwrap();
    assert_eq!(bench.sync(), [(FileIndex(0), None)]);
}

#[test]
fn a_check_of_many_pieces_does_not_hold_up_a_read() {
    let bench = Bench::with(torrent(256 << 10, &[("a", 32 << 20)]), config(1));
    bench.open(&[]);
    bench.fill(&content(&bench.info));
    // Pieces just written, then the same ones as those of a check.
    for _ in 0..2 {
        let mut jobs: Vec<_> = (0..127).map(|p| (u64::from(p), Job::Hash(PieceIndex(p)))).collect();
        jobs.push((1000, read(127, 0, 10)));
        bench.pool.submit(bench.sink, T, jobs);
        let answers = bench.answers.lock();
        let order: Vec<_> = (0..128).map(|_| answers.recv().unwrap().tag).collect();
        let place = order.iter().position(|tag| *tag == 1000).unwrap();
        assert!(place <= 48, "a batch or three of the check may go first, not {place} pieces");
        drop(answers);
        bench.sync();
    }
}

#[test]
fn torrents_and_sinks_are_kept_apart() {
    let bench = Bench::with(torrent(20_000, &[("a", 50_000)]), config(3));
    let all = content(&bench.info);
    let (tx, rx) = channel();
    let other = bench.pool.add_sink(Arc::new(move |batch: Vec<Completion>| {
        batch.into_iter().for_each(|c| drop(tx.send(c)));
    }));
    bench.open(&[]);
    let dir = bench.dir.path().join("other");
    let params = StorageParams { save_path: dir.clone(), part_dir: dir.clone(), ..bench.params() };
    let second = TorrentId(8);
    bench.pool.submit(other, second, vec![(0, Job::Open(Box::new(params)))]);
    // The same pieces of both torrents, with different content, one batch after the other.
    let inverse: Vec<u8> = all.iter().map(|b| !b).collect();
    for piece in 0..bench.info.piece_count() {
        let jobs = bench.writes(&inverse, piece).into_iter().chain([Job::Hash(PieceIndex(piece))]);
        bench.pool.submit(other, second, jobs.map(|job| (1, job)).collect());
        bench.run(bench.writes(&all, piece).into_iter().chain([Job::Sync]).collect());
    }
    bench.check(&all);
    bench.pool.submit(other, second, vec![(2, Job::Close)]);
    let done: Vec<_> = rx.iter().take_while(|c| c.tag != 2).collect();
    assert!(done.iter().all(|c| c.torrent == second));
    let hashes = done.iter().filter(|c| matches!(c.outcome, Outcome::Digest(_))).count();
    assert_eq!(hashes as u32, bench.info.piece_count());
    assert_eq!(std::fs::read(dir.join("t/a")).unwrap(), inverse);
}

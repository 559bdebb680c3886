//! Pieces hashed side by side: what is in memory, what is read back, what is not there.

use super::*;

/// A pool whose hasher writes down how many streams each round had.
fn watched(info: Info, threads: usize, lanes: usize) -> (Bench, Arc<Mutex<Vec<usize>>>) {
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&rounds);
    let hasher: HasherFactory = Arc::new(move || {
        let rounds = Some(Arc::clone(&seen));
        Box::new(Streams { lanes, streams: Vec::new(), rounds })
    });
    let budget = 64 << 20;
    let bench =
        Bench::with(info, PoolConfig { hasher, write_budget_bytes: budget, ..config(threads) });
    (bench, rounds)
}

/// All write and hash jobs of the pieces, piece after piece.
fn download(bench: &Bench, all: &[u8], pieces: impl Iterator<Item = u32>) -> Vec<Job> {
    pieces
        .flat_map(|p| bench.writes(all, p).into_iter().chain([Job::Hash(PieceIndex(p))]))
        .collect()
}

#[track_caller]
fn assert_downloaded(bench: &Bench, all: &[u8], out: &[Outcome]) {
    let mut digests = out.iter().filter(|o| !matches!(o, Outcome::Done));
    for piece in 0..bench.info.piece_count() {
        assert_digest(digests.next().unwrap(), bench.piece(all, piece));
    }
    assert!(digests.next().is_none());
}

#[test]
fn pieces_finished_together_fill_the_lanes() {
    let (bench, rounds) = watched(torrent(40_000, &[("a", 700_000), ("b", 580_001)]), 1, 16);
    let all = content(&bench.info);
    bench.open(&[]);
    // 32 whole pieces and a last one of a byte.
    let out = bench.run(download(&bench, &all, 0..33));
    assert_downloaded(&bench, &all, &out);
    let stats = bench.pool.stats();
    assert_eq!((stats.bytes_read, stats.pieces_hashed), (0, 33), "short pieces stay in memory");
    assert_eq!(*rounds.lock(), [16, 16, 1]);
    assert_eq!(stats.hash_rounds, 3);
    bench.sync();
    // A check: nothing is in memory, and nothing counts as read back.
    let out = bench.run((0..33).map(|p| Job::Hash(PieceIndex(p))).collect());
    assert_downloaded(&bench, &all, &out);
    let stats = bench.pool.stats();
    assert_eq!((stats.bytes_read, stats.bytes_read_back), (1_280_001, 0));
    assert_eq!(rounds.lock()[3..], [16, 16, 1]);
}

#[test]
fn long_pieces_leave_memory_early_and_are_read_back() {
    let info = torrent(3 << 20, &[("a", 10 << 20), (".pad", 999), ("b", (5 << 20) - 12_345)]);
    let (bench, rounds) = watched(info, 1, 16);
    let all = content(&bench.info);
    bench.open(&[]);
    // Blocks in an order no file system likes.
    let mut jobs: Vec<Job> = (0..5).flat_map(|p| bench.writes(&all, p)).collect();
    jobs.reverse();
    jobs.rotate_left(17);
    jobs.extend((0..5).map(|p| Job::Hash(PieceIndex(p))));
    let out = bench.run(jobs);
    assert_downloaded(&bench, &all, &out);
    let stats = bench.pool.stats();
    assert_eq!(stats.bytes_read_back, bench.info.geometry.total_len());
    assert_eq!(rounds.lock().iter().sum::<usize>(), 5);
    assert!(!bench.pool.pressure());
}

#[test]
fn long_pieces_are_kept_where_a_pair_is_enough() {
    let info = torrent(3 << 20, &[("a", 10 << 20), (".pad", 999), ("b", (5 << 20) - 12_345)]);
    let (bench, rounds) = watched(info, 1, 2);
    let all = content(&bench.info);
    bench.open(&[]);
    // Two pieces at a time, their blocks backwards and in between each other.
    for pieces in [0..2, 2..4, 4..5] {
        let mut jobs: Vec<Job> = pieces.clone().flat_map(|p| bench.writes(&all, p)).collect();
        jobs.reverse();
        let other = jobs.split_off(jobs.len() / 2);
        jobs = jobs.into_iter().zip(other).flat_map(|(a, b)| [a, b]).collect();
        jobs.extend(pieces.clone().map(|p| Job::Hash(PieceIndex(p))));
        let out = bench.run(jobs);
        let digests: Vec<_> = out.iter().filter(|o| !matches!(o, Outcome::Done)).collect();
        for (digest, piece) in digests.into_iter().zip(pieces) {
            assert_digest(digest, bench.piece(&all, piece));
        }
    }
    assert_eq!(bench.pool.stats().bytes_read_back, 0);
    assert_eq!(rounds.lock().iter().sum::<usize>(), 5);
    bench.check(&all);
}

#[test]
fn a_sync_between_two_writes_means_reading_back() {
    let (bench, _) = watched(torrent(2 << 20, &[("a", 4 << 20)]), 1, 2);
    let all = content(&bench.info);
    bench.open(&[]);
    let mut first = bench.writes(&all, 0);
    let second = first.split_off(70);
    bench.run(first);
    // What this makes durable, or fails to, is on the disk and not in memory.
    bench.sync();
    bench.run(second);
    let out = bench.run(vec![Job::Hash(PieceIndex(0))]);
    assert_digest(&out[0], bench.piece(&all, 0));
    assert_eq!(bench.pool.stats().bytes_read_back, 2 << 20);
}

#[test]
fn runs_are_written_before_the_piece_is_whole() {
    let (bench, _) = watched(torrent(4 << 20, &[("a", 4 << 20)]), 1, 16);
    let all = content(&bench.info);
    bench.open(&[]);
    // Less than a piece, no hash, no fence: the answers come because the run is long.
    let mut jobs = bench.writes(&all, 0);
    jobs.truncate(64);
    let started = std::time::Instant::now();
    let out = bench.run(jobs);
    assert!(out.iter().all(|o| matches!(o, Outcome::Done)));
    // The idle flush would have taken two seconds.
    assert!(started.elapsed() < std::time::Duration::from_millis(1900));
    assert_eq!(std::fs::metadata(bench.file("a")).unwrap().len(), 1 << 20);
}

#[test]
fn missing_and_failing_lanes_leave_the_others_alone() {
    let names: Vec<String> = (0..12).map(|i| format!("f{i}")).collect();
    let files: Vec<_> = names.iter().map(|n| (n.as_str(), 50_000)).collect();
    let (bench, rounds) = watched(torrent(50_000, &files), 1, 16);
    let all = content(&bench.info);
    bench.open(&[]);
    bench.fill(&all);
    bench.sync();
    bench.ok(Job::Release);
    rounds.lock().clear();
    std::fs::remove_file(bench.file("f2")).unwrap();
    let short = std::fs::File::options().write(true).open(bench.file("f5")).unwrap();
    short.set_len(49_999).unwrap();
    std::fs::remove_file(bench.file("f7")).unwrap();
    std::fs::create_dir(bench.file("f7")).unwrap();
    let jobs = (0..13).map(|p| Job::Hash(PieceIndex(p))).collect();
    let out = bench.run(jobs);
    for (piece, outcome) in (0..).zip(&out) {
        match piece {
            2 | 5 => assert!(matches!(outcome, Outcome::Missing), "{piece}: {outcome:?}"),
            7 => {
                let Outcome::Failed(e) = outcome else { panic!("{outcome:?}") };
                assert_eq!((e.op, e.file), ("open", Some(FileIndex(7))));
            }
            12 => assert!(matches!(outcome, Outcome::Failed(_)), "no such piece: {outcome:?}"),
            piece => assert_digest(outcome, bench.piece(&all, piece)),
        }
    }
    assert_eq!(*rounds.lock(), [13]);
}

#[test]
fn a_write_that_fails_fails_its_hash_and_no_other() {
    let (bench, _) = watched(torrent(30_000, &[("a", 30_000), ("b", 30_000), ("c", 30_000)]), 2, 4);
    let all = content(&bench.info);
    bench.open(&[]);
    std::fs::create_dir_all(bench.file("b")).unwrap();
    let out = bench.run(download(&bench, &all, 0..3));
    for (i, outcome) in out.iter().enumerate() {
        assert_eq!(matches!(outcome, Outcome::Failed(_)), (3..6).contains(&i), "{i}: {outcome:?}");
    }
    assert_digest(&out[2], bench.piece(&all, 0));
    assert_digest(&out[8], bench.piece(&all, 2));
    assert!(!bench.pool.pressure());
    std::fs::remove_dir(bench.file("b")).unwrap();
    let out = bench.run(download(&bench, &all, 0..3));
    assert_downloaded(&bench, &all, &out);
}

#[test]
fn parts_of_unselected_files_are_hashed_from_their_store() {
    let info = torrent(2 << 20, &[("a", 3 << 20), ("no", 2 << 20), ("b", (3 << 20) + 7)]);
    let (bench, _) = watched(info, 2, 16);
    let all = content(&bench.info);
    bench.open(&[1, 0, 1]);
    let out = bench.run(download(&bench, &all, 0..5));
    assert_downloaded(&bench, &all, &out);
    assert!(!bench.file("no").exists() && bench.store().exists());
    bench.ok(Job::Close);
    bench.open(&[1, 0, 1]);
    bench.check(&all);
}

#[test]
fn a_block_outside_its_piece_does_not_pass_for_a_whole_one() {
    let (bench, _) = watched(torrent(32_768, &[("a", 40_000)]), 1, 16);
    bench.open(&[]);
    let all = content(&bench.info);
    // As many bytes as the piece has, but half of them are for nowhere.
    let out = bench.run(vec![
        write(0, 0, &all[..16_384]),
        write(0, 32_768, &all[16_384..32_768]),
        Job::Hash(PieceIndex(0)),
    ]);
    assert!(matches!(out[..], [Outcome::Done, Outcome::Failed(_), Outcome::Missing]), "{out:?}");
}

#[test]
fn a_lone_piece_and_what_somebody_waits_for_are_hashed_at_once() {
    let (bench, rounds) = watched(torrent(16_384, &[("a", 64 * 16_384)]), 1, 16);
    let all = content(&bench.info);
    bench.open(&[]);
    bench.fill(&all);
    assert!(rounds.lock().len() >= 32, "one by one, as they came: {:?}", rounds.lock());
    rounds.lock().clear();
    // A fence, and a read of the piece, do not wait for company either.
    for piece in 0..32 {
        let mut jobs = download(&bench, &all, piece..piece + 1);
        jobs.push(if piece < 16 { Job::Stat } else { read(piece, 0, 10) });
        let out = bench.run(jobs);
        assert_digest(&out[1], bench.piece(&all, piece));
    }
    assert_eq!(rounds.lock().len(), 32);
}

/// Pieces, in groups of so many, that finish every 10 ms: how many of the last group are hashed at
/// once.
fn hashed_at_once(group: u32, lanes: (usize, usize), job: fn(PieceIndex) -> Job) -> usize {
    use crate::disk::queues::Queues;
    use crate::disk::sched::Work;
    use crate::disk::work::Entry;
    let (start, id) = (std::time::Instant::now(), TorrentId(1));
    let mut queues = Queues::new(lanes, 0);
    let mut last = 0;
    for round in 0..20 {
        let now = start + std::time::Duration::from_millis(10) * round;
        for piece in round * group..(round + 1) * group {
            let data = Bytes::from_static(&[0; 16]);
            let write = Job::Write { piece: PieceIndex(piece), begin: 0, data };
            for job in [write, job(PieceIndex(piece))] {
                queues.route(id, Entry { sink: 0, tag: 0, job }, now);
            }
        }
        last = 0;
        while let Some(work) = queues.take(now, false) {
            match work {
                Work::Writes { torrent, tasks } => queues.writes_done(torrent, tasks, now),
                Work::Hash(tasks) => {
                    last += tasks.len();
                    tasks.into_iter().for_each(|task| queues.hash_done(task, now));
                }
                _ => panic!("nothing else was asked for"),
            }
        }
    }
    last
}

#[test]
fn pieces_that_peers_wait_for_do_not_wait_for_company() {
    assert_eq!(hashed_at_once(1, (16, 16), Job::Hash), 0);
    assert_eq!(hashed_at_once(1, (16, 16), Job::HashSoon), 1);
    // Nor do any, where company makes nothing cheaper.
    assert_eq!(hashed_at_once(1, (16, 1), Job::Hash), 1);
}

#[test]
fn where_pairs_are_hashed_an_odd_piece_waits_for_the_next_pair() {
    // Every second time the one left over makes two pairs with the next three.
    assert_eq!(hashed_at_once(3, (8, 2), Job::Hash), 4);
    assert_eq!(hashed_at_once(2, (8, 2), Job::Hash), 2);
    assert_eq!(hashed_at_once(3, (8, 2), Job::HashSoon), 3);
    // Wide lanes take what is there: one more costs them nothing.
    assert_eq!(hashed_at_once(3, (16, 3), Job::Hash), 3);
    assert_eq!(hashed_at_once(15, (16, 14), Job::Hash), 15);
}

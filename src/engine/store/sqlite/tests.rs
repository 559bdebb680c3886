//! The store against what it promises: a model, every place a crash can be at, every page damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::{Change, DATABASE, Save, Store, Stored};
use super::{SqliteStore, log_of};
use crate::base::InfoHash;
use crate::engine::error::ErrorKind;

fn hash(n: u8) -> InfoHash {
    InfoHash([n; 20])
}

fn blob_of(n: u8, version: u32) -> Bytes {
    let text = format!("blob {version} of {n} ");
    text.repeat(40 + usize::from(n) % 7).into()
}

fn save(n: u8, version: u32, settled: u64) -> Change {
    let metainfo = (version == 1).then(|| Bytes::from(format!("metainfo of {n}").repeat(20)));
    let blob = Some(blob_of(n, version));
    Change::Save(Save { info_hash: hash(n), blob, settled, metainfo, ..Save::default() })
}

fn journal(n: u8, mark: u64, pieces: &[u32], durable: bool) -> Change {
    Change::Journal { info_hash: hash(n), mark, pieces: pieces.to_vec(), durable }
}

fn ok(store: &SqliteStore, changes: &[Change]) {
    for result in store.commit(changes) {
        result.unwrap();
    }
}

fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir).unwrap()
}

fn all(store: &SqliteStore) -> Vec<Stored> {
    let mut out = Vec::new();
    let each = &mut |stored| {
        out.push(stored);
        ControlFlow::Continue(())
    };
    store.load_all(each).unwrap();
    out
}

/// A copy of the database and its log as they are now: what a kill at this moment leaves.
fn image(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in [dir.join(DATABASE), log_of(&dir.join(DATABASE))] {
        if path.exists() {
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    copy
}

#[test]
fn everything_is_there_again_after_a_close() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("made/on/the/way");
    let store = open(&dir);
    assert_eq!(store.load(&hash(1)).unwrap(), None);
    ok(&store, &[save(1, 1, 0), save(2, 1, 0), save(3, 1, 0)]);
    ok(&store, &[journal(1, 5, &[7, 3], false), journal(1, 5, &[3, 9], true)]);
    ok(
        &store,
        &[
            journal(9, 2, &[1], false),
            Change::Rank(hash(3), Some(-4)),
            Change::Rank(hash(8), Some(1)),
        ],
    );
    ok(&store, &[Change::State("dht".into(), Some("nodes".into())), save(2, 2, 0)]);
    ok(&store, &[Change::State("x".into(), Some("y".into())), Change::State("x".into(), None)]);
    drop(store);
    assert!(!log_of(&dir.join(DATABASE)).exists(), "closing leaves no log");

    let store = open(&dir);
    let order: Vec<u8> = all(&store).iter().map(|s| s.info_hash.0[0]).collect();
    assert_eq!(order, [3, 1, 2], "by rank, then as they came");
    let one = store.load(&hash(1)).unwrap().unwrap();
    assert_eq!((one.window.as_slice(), one.mark), (&[3, 7, 9][..], 5));
    assert_eq!(one.metainfo.unwrap(), "metainfo of 1".repeat(20));
    assert_eq!(store.load(&hash(2)).unwrap().unwrap().blob, Some(blob_of(2, 2)));
    let nine = store.load(&hash(9)).unwrap().unwrap();
    assert_eq!((nine.blob, nine.window, nine.mark), (None, vec![1], 2));
    assert_eq!(store.state("dht").unwrap().unwrap(), "nodes");
    assert_eq!(store.state("x").unwrap(), None);

    ok(&store, &[save(1, 2, 4), Change::Remove(hash(3)), Change::Remove(hash(3))]);
    assert_eq!(store.load(&hash(1)).unwrap().unwrap().window, [3, 7, 9]);
    ok(
        &store,
        &[save(1, 3, 5), Change::Save(Save { info_hash: hash(9), settled: 2, ..Save::default() })],
    );
    assert!(store.load(&hash(1)).unwrap().unwrap().window.is_empty());
    assert_eq!(store.load(&hash(9)).unwrap(), None);
    assert_eq!(store.load(&hash(3)).unwrap(), None);
    assert_eq!(store.take_reports(), []);
    store.close().unwrap();
    assert_eq!(store.load(&hash(1)).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn the_second_user_is_told_whose_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let refused = SqliteStore::open(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InUse);
    assert_eq!(refused.path(), Some(dir.path()));
    ok(&first, &[save(1, 1, 0)]);
    drop(first);
    assert_eq!(all(&open(dir.path())).len(), 1);
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(DATABASE);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE recipes (x); INSERT INTO recipes VALUES (1)").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let refused = SqliteStore::open(dir.path()).unwrap_err();
    assert_eq!((refused.kind(), refused.path()), (ErrorKind::Store, Some(path.as_path())));
    assert_eq!(fs::read(&path).unwrap(), before);

    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(SqliteStore::open(&file).unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_full_disk_fails_the_batch_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    ok(&store, &[save(1, 1, 0), journal(1, 1, &[4], false)]);
    let limit = |pages: i64| {
        let inner = store.inner.lock();
        let db = &inner.db.as_ref().unwrap().connection;
        db.pragma_update(None, "max_page_count", pages).unwrap();
    };
    limit(1);
    let big: Vec<Change> = (2..200).map(|n| save(n, 1, 0)).chain([save(1, 2, 9)]).collect();
    let results = store.commit(&big);
    assert_eq!(results.len(), big.len());
    for result in results {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.os_errno()), (ErrorKind::Io, libc::ENOSPC));
    }
    let one = store.load(&hash(1)).unwrap().unwrap();
    assert_eq!((one.blob, one.window), (Some(blob_of(1, 1)), vec![4]));
    assert_eq!(all(&store).len(), 1);
    limit(1 << 20);
    ok(&store, &big);
    assert_eq!(all(&store).len(), 199);
    assert_eq!(store.take_reports(), []);
}

/// As if the disk had failed a transaction.
fn fail(store: &SqliteStore) {
    store.inner.lock().db.as_mut().unwrap().failed = true;
}

#[test]
fn what_a_failed_sync_took_from_the_log_is_given_up_and_nothing_else() {
    for spoil in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let path = log_of(&dir.path().join(DATABASE));
        ok(&store, &(0..40).map(|n| save(n, 1, 0)).collect::<Vec<_>>());
        let synced = fs::read(&path).unwrap().len();
        ok(&store, &[journal(1, 1, &[1], false), journal(2, 1, &[2], false)]);
        let mut bytes = fs::read(&path).unwrap();
        assert!(bytes.len() > synced);
        // Systems differ in what such a file reads as: cut off, or zeros.
        if spoil {
            bytes[synced..].fill(0);
            fs::write(&path, &bytes).unwrap();
        } else {
            fs::File::options().write(true).open(&path).unwrap().set_len(synced as u64).unwrap();
        }
        fail(&store);
        assert_eq!(store.load(&hash(1)).unwrap().unwrap().window, Vec::<u32>::new());
        ok(&store, &[save(50, 1, 0), journal(3, 1, &[3], false)]);
        assert_eq!(store.load(&hash(3)).unwrap().unwrap().window, [3]);
        assert_eq!(all(&store).len(), 41);
        drop(store);
        let again = open(dir.path());
        assert_eq!(all(&again).len(), 41);
        assert_eq!(again.take_reports(), []);
    }
}

#[test]
fn after_a_failure_of_the_disk_the_log_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let log = || fs::metadata(log_of(&dir.path().join(DATABASE))).unwrap().len();
    ok(&store, &(0..40).map(|n| save(n, 1, 0)).collect::<Vec<_>>());
    ok(&store, &[journal(1, 1, &[1], false)]);
    let before = log();
    fail(&store);
    ok(&store, &[save(50, 1, 0)]);
    assert!(log() < before);
    // Without the log everything but the last save is in the database itself.
    let copy = image(dir.path());
    fs::remove_file(log_of(&copy.path().join(DATABASE))).unwrap();
    assert_eq!(all(&open(copy.path())).len(), 40);
    assert_eq!(all(&store).len(), 41);
}

#[test]
fn files_of_the_first_release_are_taken_over_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = |n: u8, ending: &str| dir.path().join(format!("{}.{ending}", hash(n)));
    fs::write(file(1, "resume"), b"old one").unwrap();
    fs::write(file(1, "torrent"), b"torrent one").unwrap();
    fs::write(file(2, "resume"), b"old two").unwrap();
    fs::write(dir.path().join("notes.resume"), b"not ours").unwrap();
    let store = open(dir.path());
    let one = store.load(&hash(1)).unwrap().unwrap();
    assert_eq!(
        (one.blob.unwrap(), one.metainfo.unwrap()),
        ("old one".into(), "torrent one".into())
    );
    assert_eq!(all(&store).len(), 2);
    assert!(!file(1, "resume").exists() && file(1, "torrent").exists());
    assert!(dir.path().join("notes.resume").exists());
    ok(&store, &[save(2, 2, 0)]);
    drop(store);
    // An older libtern ran in between: what is in the database stays.
    fs::write(file(2, "resume"), b"older").unwrap();
    assert_eq!(open(dir.path()).load(&hash(2)).unwrap().unwrap().blob, Some(blob_of(2, 2)));
}

/// Pieces by mark.
type Window = BTreeMap<u64, BTreeSet<u32>>;

/// What a store should have: blob and window by torrent.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model(BTreeMap<u8, (Option<Bytes>, Window)>);

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Save(save) => {
                let entry = self.0.entry(save.info_hash.0[0]).or_default();
                if save.blob.is_some() {
                    entry.0.clone_from(&save.blob);
                }
                entry.1.retain(|mark, _| *mark > save.settled);
            }
            Change::Journal { info_hash, mark, pieces, .. } => {
                let window = &mut self.0.entry(info_hash.0[0]).or_default().1;
                window.entry(*mark).or_default().extend(pieces);
            }
            Change::Remove(info_hash) => _ = self.0.remove(&info_hash.0[0]),
            _ => {}
        }
        self.0.retain(|_, (blob, window)| blob.is_some() || !window.is_empty());
    }

    fn of(store: &SqliteStore) -> Vec<(u8, Option<Bytes>, Vec<u32>)> {
        let found = (0..8).filter_map(|n| Some((n, store.load(&hash(n)).unwrap()?)));
        found.map(|(n, s)| (n, s.blob, s.window)).collect()
    }

    fn view(&self) -> Vec<(u8, Option<Bytes>, Vec<u32>)> {
        let window = |w: &Window| {
            w.values().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect()
        };
        self.0.iter().map(|(n, (blob, w))| (*n, blob.clone(), window(w))).collect()
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0u8..8, 1u32..50, 0u64..6).prop_map(|(n, version, settled)| save(n, version, settled)),
        (0u8..8, 1u64..6, prop::collection::vec(0u32..20, 0..6), any::<bool>())
            .prop_map(|(n, mark, pieces, durable)| journal(n, mark, &pieces, durable)),
        (0u8..8).prop_map(|n| Change::Remove(hash(n))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The store does what the model does, and a kill after any batch loses none of it.
    #[test]
    fn it_is_a_map_that_survives_a_kill(
        batches in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..8),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut model = Model::default();
        for batch in &batches {
            // An entry of nothing is an entry: the model has no use for it.
            let batch: Vec<Change> = batch
                .iter()
                .filter(|c| !matches!(c, Change::Journal { pieces, .. } if pieces.is_empty()))
                .cloned()
                .collect();
            ok(&store, &batch);
            batch.iter().for_each(|change| model.apply(change));
            prop_assert_eq!(Model::of(&store), model.view());
            let killed = image(dir.path());
            let again = open(killed.path());
            prop_assert_eq!(Model::of(&again), model.view());
            prop_assert_eq!(again.take_reports(), vec![]);
        }
        drop(store);
        prop_assert_eq!(Model::of(&open(dir.path())), model.view());
    }
}

/// A store with a log, some torrents saved several times, windows; and every blob ever saved.
fn busy() -> (TempDir, BTreeMap<InfoHash, BTreeSet<Bytes>>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut saved: BTreeMap<InfoHash, BTreeSet<Bytes>> = BTreeMap::new();
    for version in 1..=3 {
        for n in 0..60 {
            saved.entry(hash(n)).or_default().insert(blob_of(n, version));
        }
        let all: Vec<Change> = (0..60).map(|n| save(n, version, 0)).collect();
        ok(&store, &all);
        if version == 1 {
            // So that the database proper has something, and the log what came later.
            let inner = store.inner.lock();
            let db = &inner.db.as_ref().unwrap().connection;
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        }
    }
    ok(&store, &[journal(1, 1, &[1, 2, 3], true), journal(2, 1, &[9], false)]);
    let killed = image(dir.path());
    drop(store);
    (killed, saved)
}

/// Opens what is left, looks at everything, uses it, and finds no lie.
fn survives(dir: &Path, saved: &BTreeMap<InfoHash, BTreeSet<Bytes>>) -> (usize, bool) {
    let store = open(dir);
    let found = all(&store);
    for stored in &found {
        if let Some(blob) = &stored.blob {
            let known = saved.get(&stored.info_hash);
            assert!(known.is_some_and(|known| known.contains(blob)), "{}", stored.info_hash);
        }
        assert_eq!(store.load(&stored.info_hash).unwrap().as_ref(), Some(stored));
    }
    let windows = [1, 2].map(|n| store.load(&hash(n)).unwrap());
    for (stored, whole) in windows.iter().zip([&[1, 2, 3][..], &[9]]) {
        if let Some(stored) = stored {
            assert!(stored.window == whole || stored.window.is_empty(), "{stored:?}");
        }
    }
    ok(&store, &[save(200, 1, 0)]);
    assert!(store.load(&hash(200)).unwrap().is_some());
    let damaged = !store.take_reports().is_empty();
    drop(store);
    assert_eq!(open(dir).load(&hash(200)).unwrap().unwrap().blob, Some(blob_of(200, 1)));
    (found.iter().filter(|s| s.blob.is_some()).count(), damaged)
}

fn damaged(from: &Path, file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> TempDir {
    let copy = image(from);
    let path: PathBuf = copy.path().join(file);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    copy
}

#[test]
fn database_and_log_may_be_cut_at_any_page() {
    let (killed, saved) = busy();
    assert_eq!(survives(image(killed.path()).path(), &saved), (60, false));
    let log = log_of(Path::new(DATABASE));
    for file in [Path::new(DATABASE), &log] {
        let size = fs::metadata(killed.path().join(file)).unwrap().len();
        assert!(size > 16384, "{size}");
        for cut in (0..size).step_by(2048) {
            let cut = usize::try_from(cut).unwrap();
            survives(damaged(killed.path(), file, |bytes| bytes.truncate(cut)).path(), &saved);
        }
    }
}

#[test]
fn any_flipped_byte_is_noticed_or_harmless() {
    let (killed, saved) = busy();
    let log = log_of(Path::new(DATABASE));
    let (mut aside, mut kept) = (0, 0);
    for (file, step) in [(Path::new(DATABASE), 397), (&*log, 1409)] {
        let size = usize::try_from(fs::metadata(killed.path().join(file)).unwrap().len()).unwrap();
        let header = (0..100).step_by(3).filter(|_| file == Path::new(DATABASE));
        for at in header.chain((100..size).step_by(step)) {
            let copy = damaged(killed.path(), file, |bytes| bytes[at] ^= 0x41);
            // Without the log the last save of all is the first.
            match SqliteStore::open(copy.path()) {
                // A version from the future: refused, and left alone.
                Err(e) if e.kind() == ErrorKind::Store => {
                    assert!(file == Path::new(DATABASE) && at < 100, "{at}");
                    continue;
                }
                opened => aside += usize::from(!opened.unwrap().take_reports().is_empty()),
            }
            let (blobs, _) = survives(copy.path(), &saved);
            kept += blobs;
        }
    }
    assert!(aside > 10, "the test damages: {aside}");
    assert!(kept > 60 * 20, "and most is salvaged: {kept}");
}

/// The first page in every state it can be found in: the rest is read nevertheless, with the log's
/// help or without, and what was there is set aside as it was.
#[test]
fn without_its_first_page_a_database_is_still_read() {
    let (killed, saved) = busy();
    let other = b"not a database at all, but somebody's notes ".repeat(300);
    let zeros = |from: usize, to: usize| move |bytes: &mut Vec<u8>| bytes[from..to].fill(0);
    type Damage<'a> = Box<dyn Fn(&mut Vec<u8>) + 'a>;
    let kinds: Vec<(&str, Damage<'_>)> = vec![
        ("no magic", Box::new(zeros(0, 16))),
        ("no header", Box::new(zeros(0, 100))),
        ("no page", Box::new(zeros(0, 4096))),
        ("no schema", Box::new(zeros(100, 4096))),
        ("noise", Box::new(|bytes| bytes[..4096].copy_from_slice(&other[..4096]))),
        ("another page size", Box::new(|bytes| bytes[16..18].copy_from_slice(&[2, 0]))),
        ("another encoding", Box::new(|bytes| bytes[56..60].copy_from_slice(&[0, 0, 0, 2]))),
        ("no mark", Box::new(zeros(68, 72))),
        ("no version", Box::new(zeros(60, 64))),
        ("no version there is", Box::new(|bytes| bytes[60..64].fill(0x3f))),
    ];
    let mut wrong = Vec::new();
    for (what, damage) in kinds {
        for log in [true, false] {
            let copy = damaged(killed.path(), Path::new(DATABASE), &damage);
            let path = copy.path().join(DATABASE);
            if !log {
                fs::remove_file(log_of(&path)).unwrap();
            }
            let was = fs::read(&path).unwrap();
            let store = open(copy.path());
            let reports = store.take_reports();
            drop(store);
            for report in &reports {
                // With a log, SQLite may have moved that into it before it saw the damage.
                let kept = log || fs::read(&report.set_aside).unwrap() == was;
                let all = report.salvaged + report.unchecked == 60;
                if !kept || !all {
                    wrong.push(format!("{what}, log {log}, kept {kept}: {report:?}"));
                }
            }
            // Without a report the log had all that the page said.
            let (blobs, _) = survives(copy.path(), &saved);
            if blobs != 60 || (reports.is_empty() && !log) {
                wrong.push(format!("{what}, log {log}: {blobs} blobs, {reports:?}"));
            }
            let left = fs::read_dir(copy.path()).unwrap().flatten();
            let left = left.map(|e| e.file_name().into_string().unwrap());
            wrong.extend(left.filter(|n| n.contains("mended") || n.ends_with(".new")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Cut off within its first page, of which not even the length is left.
#[test]
fn a_database_that_was_cut_off_or_emptied_is_set_aside_and_its_log_read() {
    let (killed, saved) = busy();
    for cut in [0, 1, 99, 100, 511, 512, 4095] {
        let copy = damaged(killed.path(), Path::new(DATABASE), |bytes| bytes.truncate(cut));
        let store = open(copy.path());
        let reports = store.take_reports();
        assert_eq!(reports.len(), 1, "{cut}: {reports:?}");
        assert_eq!(fs::metadata(&reports[0].set_aside).unwrap().len(), cut as u64);
        assert!(log_of(&reports[0].set_aside).exists(), "{cut}");
        drop(store);
        survives(copy.path(), &saved);
        // Alone, there is nothing to read, and that is told.
        let copy = damaged(killed.path(), Path::new(DATABASE), |bytes| bytes.truncate(cut));
        fs::remove_file(log_of(&copy.path().join(DATABASE))).unwrap();
        let store = open(copy.path());
        let reports = store.take_reports();
        assert_eq!(reports.len(), 1, "{cut}: {reports:?}");
        assert_eq!((reports[0].salvaged, reports[0].unchecked), (0, 0));
        ok(&store, &[save(1, 1, 0)]);
    }
}

#[test]
fn a_database_that_was_being_made_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("tern.db.made"), b"half").unwrap();
    let store = open(dir.path());
    assert_eq!(store.take_reports(), []);
    assert!(!dir.path().join("tern.db.made").exists());
    ok(&store, &[save(1, 1, 0)]);
}

#[test]
fn a_file_that_is_no_database_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE), vec![7; 10_000]).unwrap();
    let store = open(dir.path());
    let reports = store.take_reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(fs::read(&reports[0].set_aside).unwrap(), vec![7; 10_000]);
    assert_eq!((reports[0].salvaged, reports[0].unchecked), (0, 0));
    ok(&store, &[save(1, 1, 0)]);
}

#[test]
fn a_crash_between_the_steps_of_a_repair_loses_nothing() {
    let (killed, saved) = busy();
    let path = killed.path().join(DATABASE);
    // The new one is complete, the old one has its other name already, its log has not.
    let new = tempfile::tempdir().unwrap();
    let store = open(new.path());
    ok(&store, &[save(7, 2, 0)]);
    drop(store);
    let aside = killed.path().join(format!("{DATABASE}.damaged-12"));
    fs::rename(&path, &aside).unwrap();
    fs::copy(new.path().join(DATABASE), killed.path().join("tern.db.new")).unwrap();
    assert_eq!(survives(killed.path(), &saved), (1, false));
    assert!(log_of(&aside).exists(), "the log went with its database");

    // A new one that was being made is nothing yet.
    fs::write(killed.path().join("tern.db.new"), b"half").unwrap();
    assert_eq!(open(killed.path()).load(&hash(7)).unwrap().unwrap().blob, Some(blob_of(7, 2)));
    assert!(!killed.path().join("tern.db.new").exists());
}

/// `cargo test --release --lib a_thousand_saves -- --ignored --nocapture`, with `TMPDIR` on the
/// disk to measure.
#[test]
#[ignore = "a measurement"]
fn a_thousand_saves_cost_one_sync() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let of = |n: u32, version: u8| {
        let mut info_hash = InfoHash::default();
        info_hash.0[..4].copy_from_slice(&n.to_be_bytes());
        let (blob, metainfo) = (Some(vec![version; 1400].into()), Some(vec![9; 500].into()));
        let metainfo = metainfo.filter(|_| version == 0);
        Change::Save(Save { info_hash, blob, settled: 0, metainfo, ..Save::default() })
    };
    let many: Vec<Change> = (0..100_000).map(|n| of(n, 0)).collect();
    many.chunks(4096).for_each(|some| ok(&store, some));
    for round in 1..8 {
        let changed: Vec<Change> = (0..1000).map(|n| of(n * 97, round)).collect();
        let start = std::time::Instant::now();
        ok(&store, &changed);
        let took = start.elapsed();
        let probe = dir.path().join("probe");
        fs::write(&probe, b"x").unwrap();
        let start = std::time::Instant::now();
        fs::File::open(&probe).unwrap().sync_all().unwrap();
        println!("1000 of 100000 saved durably in {took:?}; one fsync {:?}", start.elapsed());
    }
    let start = std::time::Instant::now();
    assert_eq!(all(&store).len(), 100_000);
    println!("100000 loaded in {:?}", start.elapsed());
}

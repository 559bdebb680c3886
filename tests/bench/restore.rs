//! How long a session with many torrents takes to be there again, and what it weighs.
//!
//!     cargo run --release --example bench-restore -- [TORRENTS] [DIRECTORY]
//!
//! Makes a state directory of so many complete torrents (a file of 8 pieces of 16 KiB each, sparse,
//! with its resume data), then starts a session on it in a process of its own: `Session::restore`
//! until every torrent seeds. Prints one line of JSON. Then 1000 torrents change and are saved in
//! one go: how long that takes until the last is durable, beside one `fsync` of the same disk.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not a library")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tern::api::{
    AddTorrent, Config, EventKind, Metainfo, Notice, SavePolicy, Session, TorrentState, class,
};

const PIECE: usize = 16 * 1024;
const PIECES: usize = 8;
/// Torrents that change at once.
const CHANGED: usize = 1000;

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next().unwrap_or_else(|| "100000".to_owned());
    if first == "run" {
        return run(Path::new(&args.next().unwrap()));
    }
    let count = first.parse().unwrap();
    let made = tempfile::tempdir().unwrap();
    let dir = args.next().map_or_else(|| made.path().to_owned(), PathBuf::from);
    make(&dir, count);
    let me = std::env::current_exe().unwrap();
    assert!(Command::new(me).arg("run").arg(&dir).status().unwrap().success());
}

fn session(dir: &Path) -> Session {
    let mut config = Config::new();
    config.set_text("listen", "127.0.0.1:0").unwrap();
    config.set_text("trackers_enabled", "false").unwrap();
    // Nothing is to be lost, whoever has the processor.
    config.set_text("event_queue_len", "1000000").unwrap();
    config.set_text("state_dir", dir.join("state").to_str().unwrap()).unwrap();
    let session = Session::new(&config).unwrap();
    session.subscribe(class::TORRENT | class::SAVE | class::ERROR);
    session
}

/// A torrent of zeros.
fn torrent(number: usize) -> Vec<u8> {
    let hash = b"\x89\x72\x56\xb6\x70\x9e\x1a\x4d\xa9\xda\xba\x92\xb6\xbd\xe3\x9c\xcf\xcc\xd8\xc1";
    let info = format!(
        "d6:lengthi{}e4:name37:some torrent with a name {number:08}.bin12:piece lengthi{PIECE}e\
         6:pieces{}:",
        PIECE * PIECES,
        hash.len() * PIECES,
    );
    let tracker = "8:announce36:http://tracker.example.org/announce?4:info";
    [b"d", tracker.as_bytes(), info.as_bytes(), &hash.repeat(PIECES)[..], b"ee"].concat()
}

fn make(dir: &Path, count: usize) {
    let content = dir.join("content");
    fs::create_dir_all(&content).unwrap();
    let session = session(dir);
    let pump = Pump::start(&session, is_checked);
    for number in 0..count {
        let metainfo = Metainfo::parse(&torrent(number)).unwrap();
        let file = fs::File::create(content.join(metainfo.name())).unwrap();
        file.set_len((PIECE * PIECES) as u64).unwrap();
        session.add(AddTorrent::new(&metainfo, &content)).unwrap();
    }
    // What is not checked yet would be checked by the measured session.
    pump.wait(count);
    session.close(None).unwrap();
}

/// Counts what it is told to, in events.
struct Pump(Arc<AtomicUsize>, Arc<AtomicBool>, std::thread::JoinHandle<()>);

impl Pump {
    fn start(session: &Session, counts: fn(&EventKind) -> usize) -> Self {
        let (count, end) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (session, counted, ended) = (session.clone(), Arc::clone(&count), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                session.wait(Some(Duration::from_millis(5))).unwrap();
                for event in session.take(0) {
                    assert!(!matches!(event.kind, EventKind::Dropped { .. }), "events lost");
                    counted.fetch_add(counts(&event.kind), Ordering::Relaxed);
                }
            }
        });
        Self(count, end, thread)
    }

    fn wait(self, wanted: usize) {
        while self.0.load(Ordering::Relaxed) < wanted {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.1.store(true, Ordering::Relaxed);
        self.2.join().unwrap();
    }
}

fn status(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0) / 1024
}

fn is_checked(kind: &EventKind) -> usize {
    usize::from(matches!(kind, EventKind::Notice(Notice::Checked { .. })))
}

/// CPU time of all threads so far, to 10 ms.
fn cpu_ms() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks.filter_map(|n| n.parse::<u64>().ok()).sum::<u64>() * 10
}

fn run(dir: &Path) {
    let before = status("RssAnon");
    let start = Instant::now();
    let session = session(dir);
    let opened = start.elapsed();
    let pump = Pump::start(&session, is_checked);
    let restored = session.restore().unwrap();
    let loaded = start.elapsed();
    let count = restored.torrents as usize;
    pump.wait(count);
    let ready = start.elapsed();
    let cpu = cpu_ms();
    let anonymous = status("RssAnon") - before;
    let all = session.torrents();
    let seeding = |t: &&tern::api::Torrent| t.status().unwrap().state == TorrentState::Seeding;
    assert_eq!(all.iter().filter(seeding).count(), count);
    let database = fs::metadata(dir.join("state/tern.db")).unwrap().len() >> 20;

    let durable =
        |kind: &EventKind| usize::from(matches!(kind, EventKind::Notice(Notice::ResumeDurable(_))));
    let changed = CHANGED.min(count);
    let policy = SavePolicy { interval: None, on_state_change: false, ..SavePolicy::default() };
    let mut saves = Vec::new();
    for _ in 0..5 {
        let some = all.iter().step_by(count / changed).take(changed);
        some.clone().for_each(|t| t.set_save_policy(policy).unwrap());
        let pump = Pump::start(&session, durable);
        let start = Instant::now();
        some.for_each(|t| t.save().unwrap());
        pump.wait(changed);
        saves.push(start.elapsed().as_millis());
    }
    let probe = dir.join("probe");
    fs::write(&probe, b"x").unwrap();
    let start = Instant::now();
    fs::File::open(&probe).unwrap().sync_all().unwrap();
    let fsync = start.elapsed().as_micros();
    println!(
        "{{\"torrents\":{count},\"opened_ms\":{},\"restored_ms\":{},\"ready_ms\":{},\"cpu_ms\":{cpu},\
         \"anonymous_mib\":{anonymous},\"peak_mib\":{},\"database_mib\":{database},\
         \"saved_{changed}_ms\":{saves:?},\"fsync_us\":{fsync}}}",
        opened.as_millis(),
        loaded.as_millis(),
        ready.as_millis(),
        status("VmHWM"),
    );
    session.close(None).unwrap();
}

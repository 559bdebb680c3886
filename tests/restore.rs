//! Everything that was in a state directory comes back: order, places, settings, after a close, a
//! kill, damage; and nobody shares it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tern::api::{
    AddTorrent, Config, ErrorKind, Event, EventKind, FileIndex, Hook, InfoHash, Metainfo, Notice,
    Removal, SaveConditions, SavePolicy, Session, Torrent, TorrentBuilder, TorrentState, Verdict,
};

/// Generous: only a defect that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Rig {
    dir: tempfile::TempDir,
    torrents: Vec<Metainfo>,
}

impl Rig {
    /// So many torrents of a file each, content in `content`.
    fn new(count: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let content = dir.path().join("content");
        fs::create_dir(&content).unwrap();
        let make = |n: u8| {
            let path = content.join(format!("file-{n}"));
            fs::write(&path, vec![n; 50_000 + usize::from(n)]).unwrap();
            let mut builder = TorrentBuilder::new(path);
            builder.set_piece_length(Some(16384)).unwrap();
            Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap()
        };
        let torrents = (0..count).map(make).collect();
        Self { dir, torrents }
    }

    fn content(&self) -> PathBuf {
        self.dir.path().join("content")
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Adds all, and waits until each is complete.
    fn add_all(&self, session: &Session) -> Vec<Torrent> {
        let add = |t: &Metainfo| session.add(AddTorrent::new(t, self.content())).unwrap();
        let added: Vec<Torrent> = self.torrents.iter().map(add).collect();
        wait_until(session, |_| added.iter().all(is_seeding));
        added
    }
}

fn config(state: &Path) -> Config {
    let mut config = Config::new();
    config.set_text("listen", "127.0.0.1:0").unwrap();
    config.set_text("state_dir", state.to_str().unwrap()).unwrap();
    config
}

fn session(state: &Path) -> Session {
    Session::new(&config(state)).unwrap()
}

fn close(session: &Session) {
    session.close(Some(PATIENCE)).unwrap();
}

fn wait_until(session: &Session, mut done: impl FnMut(Option<&Event>) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end, "it does not come");
        if done(None) {
            return;
        }
        session.wait(Some(Duration::from_millis(20))).unwrap();
        for event in session.take(1) {
            if done(Some(&event)) {
                return;
            }
        }
    }
}

fn is_seeding(torrent: &Torrent) -> bool {
    torrent.status().unwrap().state == TorrentState::Seeding
}

fn names(torrents: &[Torrent]) -> Vec<String> {
    torrents.iter().map(|t| t.metainfo().name().to_owned()).collect()
}

/// Pieces restored and hashed of all torrents, once they are ready.
fn counts(session: &Session) -> (u32, u32) {
    let all = session.torrents();
    let ready = |t: &Torrent| {
        !matches!(t.status().unwrap().state, TorrentState::Starting | TorrentState::Checking)
    };
    wait_until(session, |_| all.iter().all(ready));
    let sum = |of: fn(&Torrent) -> u32| all.iter().map(of).sum();
    (sum(|t| t.status().unwrap().pieces_restored), sum(|t| t.status().unwrap().pieces_hashed))
}

#[test]
fn all_come_back_in_order_with_what_was_set() {
    let rig = Rig::new(5);
    let first = session(&rig.state());
    let none = first.restore().unwrap();
    assert_eq!((none.torrents, none.failed), (0, 0));
    let added = rig.add_all(&first);
    added[4].set_queue_position(0).unwrap();
    added[0].set_queue_position(99).unwrap();
    added[2].set_queue_position(1).unwrap();
    let order = ["file-4", "file-2", "file-1", "file-3", "file-0"];
    assert_eq!(names(&first.queue()), order);
    assert_eq!(added[3].queue_position().unwrap(), 3);
    added[1].pause().unwrap();
    added[1].set_limits(Some(1000), Some(2000)).unwrap();
    added[3].set_trackers(vec![vec!["http://127.0.0.1:1/announce".to_owned()]]).unwrap();
    added[3].rename_file(FileIndex(0), "sub/other".to_owned()).unwrap();
    wait_until(&first, |event| {
        matches!(event.map(|e| &e.kind), Some(EventKind::Notice(Notice::Renamed(..))))
    });
    close(&first);
    assert_eq!(added[3].queue_position().unwrap_err().kind(), ErrorKind::Gone);

    let second = session(&rig.state());
    let restored = second.restore().unwrap();
    assert_eq!((restored.torrents, restored.failed), (5, 0));
    let all = second.queue();
    assert_eq!(names(&all), order);
    assert_eq!(counts(&second), (5 * 4, 0));
    let status = all[2].status().unwrap();
    assert!(status.paused && status.state == TorrentState::Paused);
    assert_eq!((status.download_limit, status.upload_limit), (Some(1000), Some(2000)));
    assert_eq!(all[3].trackers().unwrap().len(), 1);
    assert!(rig.content().join("sub/other").is_file());
    // Once more does nothing; the same by hand is a duplicate.
    assert_eq!(second.restore().unwrap().torrents, 0);
    let again = second.add(AddTorrent::new(&rig.torrents[0], rig.content()));
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Duplicate);
    close(&second);
}

#[test]
fn what_was_removed_stays_away_and_what_was_kept_is_there_for_who_adds_it() {
    let rig = Rig::new(3);
    let first = session(&rig.state());
    let added = rig.add_all(&first);
    added[0].remove(Removal { keep_state: false, delete_files: false }).unwrap();
    added[1].remove(Removal { keep_state: true, delete_files: false }).unwrap();
    wait_until(&first, |_| first.torrents().len() == 1);
    close(&first);

    let second = session(&rig.state());
    assert_eq!(second.restore().unwrap().torrents, 1);
    assert_eq!(names(&second.torrents()), ["file-2"]);
    let kept = second.add(AddTorrent::new(&rig.torrents[1], rig.content())).unwrap();
    let gone = second.add(AddTorrent::new(&rig.torrents[0], rig.content())).unwrap();
    wait_until(&second, |_| is_seeding(&kept) && is_seeding(&gone));
    assert_eq!(kept.status().unwrap().pieces_restored, 4);
    assert_eq!(gone.status().unwrap().pieces_restored, 0);
    close(&second);
    let third = session(&rig.state());
    assert_eq!(third.restore().unwrap().torrents, 3);
    assert_eq!(names(&third.queue()), ["file-2", "file-1", "file-0"]);
    close(&third);
}

#[test]
fn a_torrent_of_a_save_hook_is_the_hosts_to_bring_back() {
    let rig = Rig::new(2);
    let first = session(&rig.state());
    let mut add = AddTorrent::new(&rig.torrents[0], rig.content());
    add.set_save_hook(Some(Hook::inline(|_| Some(Verdict::Accept))));
    let hooked = first.add(add).unwrap();
    let plain = first.add(AddTorrent::new(&rig.torrents[1], rig.content())).unwrap();
    wait_until(&first, |_| is_seeding(&hooked) && is_seeding(&plain));
    close(&first);
    let second = session(&rig.state());
    assert_eq!(second.restore().unwrap().torrents, 1);
    assert_eq!(names(&second.torrents()), ["file-1"]);
    close(&second);
}

#[test]
fn without_a_state_directory_there_is_nothing_to_restore() {
    let mut config = Config::new();
    config.set_text("listen", "127.0.0.1:0").unwrap();
    let session = Session::new(&config).unwrap();
    assert_eq!(session.restore().unwrap_err().kind(), ErrorKind::State);
    close(&session);
}

#[test]
fn a_damaged_database_costs_a_check_and_an_event() {
    let rig = Rig::new(20);
    let first = session(&rig.state());
    rig.add_all(&first);
    close(&first);
    let path = rig.state().join("tern.db");
    let mut bytes = fs::read(&path).unwrap();
    // Every second page but the first ones, which say where the tables are.
    let pages = bytes.len() / 4096;
    assert!(pages > 10, "{pages}");
    for page in (6..pages).step_by(2) {
        bytes[page * 4096..page * 4096 + 2000].fill(0xee);
    }
    fs::write(&path, &bytes).unwrap();

    let second = session(&rig.state());
    let restored = second.restore().unwrap();
    assert_eq!(restored.failed, 0);
    let mut report = None;
    wait_until(&second, |event| {
        if let Some(EventKind::StoreDamaged(told)) = event.map(|e| &e.kind) {
            report = Some(told.clone());
        }
        report.is_some()
    });
    let report = report.unwrap();
    assert_eq!(fs::read(&report.set_aside).unwrap(), bytes);
    assert!(report.salvaged < 20, "{report:?}");
    assert!(report.salvaged + report.unchecked >= restored.torrents, "{report:?}");
    // What is lost is added again; what was unchecked was checked; nothing is wrong.
    for torrent in &rig.torrents {
        if second.find(&torrent.info_hash()).is_none() {
            second.add(AddTorrent::new(torrent, rig.content())).unwrap();
        }
    }
    let all = second.torrents();
    wait_until(&second, |_| all.iter().all(is_seeding));
    close(&second);
    let third = session(&rig.state());
    assert_eq!(third.restore().unwrap().torrents, 20);
    assert_eq!(counts(&third), (80, 0));
    close(&third);
}

#[test]
fn content_that_is_not_where_it_was_is_said_and_others_come_back() {
    let rig = Rig::new(2);
    let first = session(&rig.state());
    rig.add_all(&first);
    close(&first);
    fs::write(rig.content().join("file-0"), vec![9; 50_000]).unwrap();
    let second = session(&rig.state());
    assert_eq!(second.restore().unwrap().torrents, 2);
    let (restored, hashed) = counts(&second);
    assert_eq!((restored, hashed), (4, 4));
    close(&second);
}

/// Saves now, and then only what it must: what happens between saves is what these tests are about.
fn save_seldom(session: &Session, torrent: &Torrent) {
    let wanted = torrent.request_save(SaveConditions::NONE, false).unwrap();
    wait_until(session, |event| {
        matches!(event.map(|e| &e.kind),
            Some(EventKind::Notice(Notice::SaveDone { ticket, .. })) if *ticket == wanted)
    });
    let policy = SavePolicy { interval: None, on_state_change: false, ..SavePolicy::default() };
    torrent.set_save_policy(policy).unwrap();
}

fn until_moved(session: &Session) {
    wait_until(session, |event| {
        matches!(event.map(|e| &e.kind), Some(EventKind::Notice(Notice::Moved(Ok(_)))))
    });
}

fn until_renamed(session: &Session) {
    wait_until(session, |event| {
        matches!(event.map(|e| &e.kind), Some(EventKind::Notice(Notice::Renamed(_, Ok(())))))
    });
}

/// A session moves its first torrent and ends without a save. Where to, and the torrent's hash.
fn killed_after_a_move(rig: &Rig) -> (PathBuf, InfoHash) {
    let first = session(&rig.state());
    let added = rig.add_all(&first);
    save_seldom(&first, &added[0]);
    let there = rig.dir.path().join("there");
    added[0].move_to(&there).unwrap();
    until_moved(&first);
    let hash = added[0].info_hash();
    drop((first, added));
    (there, hash)
}

/// Of a session that comes after one that was killed: nothing is fetched, nothing is hashed.
fn comes_back_whole(rig: &Rig, pieces: u32) -> Vec<Torrent> {
    let second = session(&rig.state());
    let restored = second.restore().unwrap();
    assert_eq!((restored.torrents, restored.failed), (1, 0));
    assert_eq!(counts(&second), (pieces, 0));
    let all = second.torrents();
    assert!(all.iter().all(is_seeding));
    close(&second);
    all
}

#[test]
fn content_that_was_moved_or_renamed_before_a_kill_is_found_without_a_save() {
    let rig = Rig::new(1);
    let first = session(&rig.state());
    let added = rig.add_all(&first);
    save_seldom(&first, &added[0]);
    let there = rig.dir.path().join("there/below");
    added[0].move_to(&there).unwrap();
    until_moved(&first);
    added[0].rename_file(FileIndex(0), "sub/other").unwrap();
    until_renamed(&first);
    drop((first, added));
    comes_back_whole(&rig, 4);
    assert!(there.join("sub/other").is_file());
    assert!(!rig.content().join("file-0").exists());
    // What was found is in the next save, and stays when everything happens once more.
    let third = session(&rig.state());
    third.restore().unwrap();
    let torrent = third.torrents().remove(0);
    wait_until(&third, |_| is_seeding(&torrent));
    save_seldom(&third, &torrent);
    // The other way round, and once more.
    torrent.rename_file(FileIndex(0), "a third").unwrap();
    until_renamed(&third);
    torrent.move_to(rig.content()).unwrap();
    until_moved(&third);
    drop((third, torrent));
    comes_back_whole(&rig, 4);
    assert!(rig.content().join("a third").is_file());
}

#[test]
fn a_move_that_was_refused_is_forgotten() {
    let rig = Rig::new(1);
    let first = session(&rig.state());
    let added = rig.add_all(&first);
    save_seldom(&first, &added[0]);
    let there = rig.dir.path().join("there");
    fs::create_dir(&there).unwrap();
    fs::write(there.join("file-0"), b"somebody's").unwrap();
    added[0].move_to(&there).unwrap();
    wait_until(&first, |event| {
        matches!(event.map(|e| &e.kind), Some(EventKind::Notice(Notice::Moved(Err(_)))))
    });
    drop((first, added));
    comes_back_whole(&rig, 4);
    assert_eq!(fs::read(there.join("file-0")).unwrap(), b"somebody's");
    assert!(rig.content().join("file-0").is_file());
}

#[test]
fn a_move_that_was_cut_short_half_way_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let content = dir.path().join("content");
    let root = content.join("many");
    fs::create_dir_all(&root).unwrap();
    for n in 0..5_u8 {
        fs::write(root.join(format!("file-{n}")), vec![n; 20_000]).unwrap();
    }
    let mut builder = TorrentBuilder::new(&root);
    builder.set_piece_length(Some(16384)).unwrap();
    let torrent = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
    let pieces = torrent.piece_count();
    let rig = Rig { dir, torrents: vec![torrent] };
    let (there, _) = killed_after_a_move(&rig);
    // As it was when three of them had been carried over and a fourth was being copied.
    fs::create_dir_all(&root).unwrap();
    let moved = there.join("many");
    for n in [3, 4] {
        fs::rename(moved.join(format!("file-{n}")), root.join(format!("file-{n}"))).unwrap();
    }
    fs::write(moved.join("file-3"), vec![0; 20_000]).unwrap();
    comes_back_whole(&rig, pieces);
    for n in 0..5_u8 {
        assert_eq!(fs::read(moved.join(format!("file-{n}"))).unwrap(), vec![n; 20_000]);
        assert!(!root.join(format!("file-{n}")).exists());
    }
}

#[test]
fn what_a_copy_that_was_cut_short_left_is_taken_away() {
    let rig = Rig::new(1);
    let (there, hash) = killed_after_a_move(&rig);
    // As it was when the file was being copied.
    fs::rename(there.join("file-0"), rig.content().join("file-0")).unwrap();
    let half = there.join(format!(".tern-moving-{hash}-0"));
    fs::write(&half, b"hal").unwrap();
    comes_back_whole(&rig, 4);
    assert!(rig.content().join("file-0").is_file());
    assert!(!half.exists());
}

#[test]
fn content_that_moved_to_a_disk_that_is_gone_is_not_fetched_again() {
    let rig = Rig::new(1);
    let (there, _) = killed_after_a_move(&rig);
    let away = rig.dir.path().join("unmounted");
    fs::rename(&there, &away).unwrap();
    let second = session(&rig.state());
    let restored = second.restore().unwrap();
    assert_eq!((restored.torrents, restored.failed), (0, 1));
    close(&second);
    fs::rename(&away, &there).unwrap();
    comes_back_whole(&rig, 4);
}

/// Not a test: holds the state directory that `TERN_TEST_HOLD` names until it is killed.
#[test]
#[ignore = "run by others as a second process"]
fn holder() {
    let state = std::env::var_os("TERN_TEST_HOLD").unwrap();
    let session = session(Path::new(&state));
    let restored = session.restore().unwrap();
    println!("holding {}", restored.torrents);
    std::thread::sleep(Duration::from_secs(600));
}

fn hold(state: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .env("TERN_TEST_HOLD", state)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let held = lines.map_while(Result::ok).any(|line| line.contains("holding"));
    assert!(held, "the other process did not get it");
    child
}

#[test]
fn one_process_at_a_time_and_a_killed_one_lets_go() {
    let rig = Rig::new(3);
    let first = session(&rig.state());
    rig.add_all(&first);
    let refused = Session::new(&config(&rig.state())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InUse, "{refused}");
    close(&first);

    let mut other = hold(&rig.state());
    let refused = Session::new(&config(&rig.state())).unwrap_err();
    assert_eq!((refused.kind(), refused.path()), (ErrorKind::InUse, Some(&*rig.state())));
    assert!(refused.to_string().contains(rig.state().to_str().unwrap()), "{refused}");
    other.kill().unwrap();
    other.wait().unwrap();
    let second = session(&rig.state());
    assert_eq!(second.restore().unwrap().torrents, 3);
    assert_eq!(counts(&second), (12, 0));
    close(&second);
}

#[test]
fn a_torrent_is_there_after_a_kill_in_its_first_moment() {
    let rig = Rig::new(4);
    let first = session(&rig.state());
    for torrent in &rig.torrents {
        let mut add = AddTorrent::new(torrent, rig.content());
        add.set_paused(true);
        first.add(add).unwrap();
    }
    let all = first.torrents();
    wait_until(&first, |_| all.iter().all(|t| t.status().unwrap().pieces_have == 4));
    // Gone without a close: as a kill would, it saves nothing.
    drop((first, all));
    let second = session(&rig.state());
    assert_eq!(second.restore().unwrap().torrents, 4);
    let all = second.torrents();
    wait_until(&second, |_| all.iter().all(|t| t.status().unwrap().pieces_have == 4));
    assert!(all.iter().all(|t| t.status().unwrap().paused));
    close(&second);
}

//! The public Rust face, end to end over loopback: built-in store, hooks, removal, pausing,
//! closing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tern::api::{
    AddTorrent, Config, ErrorKind, Event, EventKind, FileIndex, Hook, Metainfo, Notice, PieceIndex,
    Removal, SavePolicy, Session, Torrent, TorrentBuilder, TorrentState, Verdict, stored,
};

/// Generous: only a defect that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Rig {
    dir: tempfile::TempDir,
    torrent: Metainfo,
}

impl Rig {
    /// `seed/content` with `len` bytes and its torrent of 32 KiB pieces.
    fn new(len: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seed = dir.path().join("seed");
        fs::create_dir(&seed).unwrap();
        let mut state = 1_u32;
        let content: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(len)
        .collect();
        fs::write(seed.join("content"), content).unwrap();
        let mut builder = TorrentBuilder::new(seed.join("content"));
        builder.set_piece_length(Some(32768)).unwrap();
        let torrent = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        Self { dir, torrent }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn seed(&self) -> (Session, Torrent) {
        let session = session(None);
        let torrent = session.add(AddTorrent::new(&self.torrent, self.path("seed"))).unwrap();
        wait_until(&session, |_| torrent.status().unwrap().state == TorrentState::Seeding);
        (session, torrent)
    }

    fn leech(&self, from: &Session) -> AddTorrent {
        let mut add = AddTorrent::new(&self.torrent, self.path("leech"));
        add.add_peer(from.listening()[0]);
        add
    }

    fn assert_same(&self) {
        let read = |dir: &str| fs::read(self.path(dir).join("content")).unwrap();
        assert!(read("seed") == read("leech"), "the content differs");
    }
}

fn session(state_dir: Option<&Path>) -> Session {
    let mut config = Config::new();
    config.set_text("listen", "127.0.0.1:0").unwrap();
    if let Some(dir) = state_dir {
        config.set_text("state_dir", dir.to_str().unwrap()).unwrap();
    }
    Session::new(&config).unwrap()
}

/// Pumps events until `done`, which sees each event (and `None` when there is none).
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

fn is_finished(torrent: &Torrent) -> bool {
    torrent.status().unwrap().is_finished()
}

fn notice(event: Option<&Event>) -> Option<&Notice> {
    match &event?.kind {
        EventKind::Notice(notice) => Some(notice),
        _ => None,
    }
}

fn no_timer() -> SavePolicy {
    SavePolicy { on_piece: true, interval: None, on_state_change: true, ..SavePolicy::default() }
}

#[test]
fn the_built_in_store_brings_everything_back_without_hashing() {
    let rig = Rig::new(1_000_001);
    let (seeder, _seed) = rig.seed();
    let state = rig.path("state");
    let first = session(Some(&state));
    let torrent = first.add(rig.leech(&seeder)).unwrap();
    wait_until(&first, |_| is_finished(&torrent));
    first.close(Some(PATIENCE)).unwrap();
    rig.assert_same();
    assert_eq!(stored(&state).unwrap().torrents.len(), 1);

    let second = session(Some(&state));
    let torrent = second.add(AddTorrent::new(&rig.torrent, rig.path("leech"))).unwrap();
    let pieces = rig.torrent.piece_count();
    wait_until(&second, |event| {
        if let Some(Notice::Checked { have, hashed, restored }) = notice(event) {
            assert_eq!((*have, *hashed, *restored), (pieces, 0, pieces));
            return true;
        }
        false
    });
    // Removal drops the saved state, and the files when asked to.
    torrent.remove(Removal { delete_files: true, keep_state: false }).unwrap();
    wait_until(&second, |event| matches!(event.map(|e| &e.kind), Some(EventKind::Removed)));
    second.close(Some(PATIENCE)).unwrap();
    assert!(!rig.path("leech").join("content").exists());
    assert_eq!(stored(&state).unwrap().torrents.len(), 0);
    assert_eq!(torrent.pause().unwrap_err().kind(), ErrorKind::Gone);
}

#[test]
fn a_damaged_blob_in_the_store_is_reported_and_the_files_are_checked() {
    let rig = Rig::new(200_000);
    let state = rig.path("state");
    fs::create_dir(&state).unwrap();
    // As libtern 0.1 kept it.
    fs::write(state.join(format!("{}.resume", rig.torrent.info_hash())), b"d3:x").unwrap();
    let session = session(Some(&state));
    let torrent = session.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    let mut rejected = false;
    wait_until(&session, |event| {
        rejected |= matches!(notice(event), Some(Notice::ResumeRejected { .. }));
        rejected && torrent.status().unwrap().state == TorrentState::Seeding
    });
    assert_eq!(torrent.status().unwrap().pieces_hashed, rig.torrent.piece_count());
    // The same bytes from the host are an error of the call.
    let mut add = AddTorrent::new(&rig.torrent, rig.path("seed"));
    assert_eq!(add.set_resume(b"d3:x").unwrap_err().kind(), ErrorKind::Resume);
}

#[test]
fn a_hook_that_passes_leaves_it_to_the_store() {
    let rig = Rig::new(100_000);
    let state = rig.path("state");
    let session = session(Some(&state));
    session.set_save_hook(Some(Hook::inline(|_| Some(Verdict::Pass)))).unwrap();
    session.set_verify_hook(Some(Hook::inline(|_| Some(Verdict::Pass)))).unwrap();
    let torrent = session.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    wait_until(&session, |_| is_finished(&torrent));
    torrent.save().unwrap();
    wait_until(&session, |event| matches!(notice(event), Some(Notice::ResumeDurable(_))));
    session.close(Some(PATIENCE)).unwrap();
    let kept = stored(&state).unwrap().torrents;
    assert_eq!(kept[0].metainfo.bytes(), rig.torrent.bytes());
}

#[test]
fn refused_pieces_are_fetched_again_and_deferred_ones_asked_about_again() {
    let rig = Rig::new(300_000);
    let (seeder, _seed) = rig.seed();
    let leecher = session(None);
    let (rejects, defers) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut add = rig.leech(&seeder);
    let counts = (Arc::clone(&rejects), Arc::clone(&defers));
    add.set_verify_hook(Some(Hook::inline(move |event| {
        let EventKind::VerifyRequest(question) = &event.kind else { panic!("{event:?}") };
        assert!(question.engine_ok && event.torrent.is_some());
        let first = |count: &AtomicU32| count.fetch_add(1, Ordering::SeqCst) == 0;
        match question.piece {
            PieceIndex(2) if first(&counts.0) => Some(Verdict::Reject),
            PieceIndex(5) if first(&counts.1) => Some(Verdict::Defer(Duration::from_millis(10))),
            _ => Some(Verdict::Accept),
        }
    })));
    let torrent = leecher.add(add).unwrap();
    let mut failed = Vec::new();
    wait_until(&leecher, |event| {
        if let Some(Notice::PieceFailed(piece)) = notice(event) {
            failed.push(*piece);
        }
        is_finished(&torrent)
    });
    assert!(rejects.load(Ordering::SeqCst) >= 2 && defers.load(Ordering::SeqCst) >= 2);
    leecher.close(Some(PATIENCE)).unwrap();
    for event in leecher.take(0) {
        if let Some(Notice::PieceFailed(piece)) = notice(Some(&event)) {
            failed.push(*piece);
        }
    }
    assert_eq!(failed, [PieceIndex(2)]);
    rig.assert_same();
}

#[test]
fn a_verifier_that_fails_stops_the_torrent_and_says_so() {
    let rig = Rig::new(100_000);
    let (seeder, _seed) = rig.seed();
    let leecher = session(None);
    let mut add = rig.leech(&seeder);
    add.set_verify_hook(Some(Hook::inline(|_| Some(Verdict::Fail(77)))));
    let torrent = leecher.add(add).unwrap();
    wait_until(&leecher, |event| matches!(notice(event), Some(Notice::VerifierFailed(77))));
    wait_until(&leecher, |_| torrent.status().unwrap().state == TorrentState::Failed);
    // With the verifier gone, `resume` goes on.
    torrent.set_verify_hook(None).unwrap();
    torrent.resume().unwrap();
    wait_until(&leecher, |_| is_finished(&torrent));
    leecher.close(Some(PATIENCE)).unwrap();
    rig.assert_same();
}

#[test]
fn queued_requests_are_answered_once_and_data_stays_until_then() {
    let rig = Rig::new(100_000);
    let (seeder, _seed) = rig.seed();
    let leecher = session(None);
    let mut add = rig.leech(&seeder);
    add.set_verify_hook(Some(Hook::queued()));
    let torrent = leecher.add(add).unwrap();
    let content = fs::read(rig.path("seed").join("content")).unwrap();
    let mut asked = 0;
    wait_until(&leecher, |event| {
        if let Some(EventKind::VerifyRequest(question)) = event.map(|e| &e.kind) {
            asked += 1;
            assert!(!torrent.have().unwrap().get(question.piece.0), "had before the verdict");
            let data = leecher.request_data(question.token).unwrap();
            let at = question.piece.idx() * 32768;
            assert_eq!(data, content[at..at + question.length as usize]);
            assert_eq!(data.as_ptr(), leecher.request_data(question.token).unwrap().as_ptr());
            leecher.complete(question.token, Verdict::Accept).unwrap();
            let again = leecher.complete(question.token, Verdict::Accept).unwrap_err();
            assert_eq!(again.kind(), ErrorKind::Gone);
        }
        is_finished(&torrent)
    });
    assert_eq!(asked, rig.torrent.piece_count());
}

#[test]
fn requests_of_a_removed_torrent_are_gone_and_do_not_hold_it() {
    let rig = Rig::new(100_000);
    let session = session(None);
    session.set_save_hook(Some(Hook::queued())).unwrap();
    let torrent = session.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    torrent.save().unwrap();
    let mut token = 0;
    wait_until(&session, |event| {
        if let Some(EventKind::SaveRequest { token: t, .. }) = event.map(|e| &e.kind) {
            token = *t;
        }
        token != 0
    });
    torrent.remove(Removal::default()).unwrap();
    wait_until(&session, |event| matches!(event.map(|e| &e.kind), Some(EventKind::Removed)));
    assert_eq!(session.complete(token, Verdict::Accept).unwrap_err().kind(), ErrorKind::Gone);
    assert!(session.torrents().is_empty());
    session.close(Some(PATIENCE)).unwrap();
}

#[test]
fn a_paused_session_saves_torrents_as_they_were() {
    let rig = Rig::new(100_000);
    let state = rig.path("state");
    let first = session(Some(&state));
    let torrent = first.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    wait_until(&first, |_| is_finished(&torrent));
    first.pause().unwrap();
    wait_until(&first, |_| torrent.status().unwrap().state == TorrentState::Paused);
    assert!(!torrent.status().unwrap().paused);
    first.close(Some(PATIENCE)).unwrap();
    // The session's pause is not the torrent's: it starts by itself.
    let second = session(Some(&state));
    let torrent = second.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    wait_until(&second, |_| torrent.status().unwrap().state == TorrentState::Seeding);
    torrent.pause().unwrap();
    wait_until(&second, |_| torrent.status().unwrap().state == TorrentState::Paused);
    second.close(Some(PATIENCE)).unwrap();
    // The torrent's own pause stays.
    let third = session(Some(&state));
    let torrent = third.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    wait_until(&third, |_| torrent.status().unwrap().state == TorrentState::Paused);
    assert!(torrent.status().unwrap().paused);
    third.close(Some(PATIENCE)).unwrap();
}

#[test]
fn resume_data_with_its_description_is_enough() {
    let rig = Rig::new(150_000);
    let first = session(None);
    let mut add = AddTorrent::new(&rig.torrent, rig.path("seed"));
    add.set_save_policy(SavePolicy { with_info: true, ..no_timer() });
    add.set_save_hook(Some(Hook::queued()));
    let torrent = first.add(add).unwrap();
    wait_until(&first, |_| is_finished(&torrent));
    torrent.save().unwrap();
    let mut kept = None;
    wait_until(&first, |event| {
        if let Some(EventKind::SaveRequest { token, blob, .. }) = event.map(|e| &e.kind) {
            kept = Some(blob.clone());
            first.complete(*token, Verdict::Accept).unwrap();
        }
        matches!(notice(event), Some(Notice::ResumeDurable(_)))
    });
    drop(first);
    let second = session(None);
    let mut add = AddTorrent::default();
    add.set_resume(&kept.unwrap()).unwrap();
    let torrent = second.add(add).unwrap();
    assert_eq!(torrent.info_hash(), rig.torrent.info_hash());
    wait_until(&second, |_| torrent.status().unwrap().state == TorrentState::Seeding);
    assert_eq!(torrent.save_path().unwrap(), rig.path("seed"));
}

#[test]
fn what_cannot_be_added_says_why() {
    let rig = Rig::new(50_000);
    let session = session(None);
    let kind = |add: AddTorrent| session.add(add).unwrap_err().kind();
    assert_eq!(kind(AddTorrent::default()), ErrorKind::Invalid);
    let mut outside = AddTorrent::new(&rig.torrent, rig.path("seed"));
    outside.set_file_priority(FileIndex(9), 1).unwrap();
    assert_eq!(kind(outside), ErrorKind::Range);
    session.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
    assert_eq!(kind(AddTorrent::new(&rig.torrent, rig.path("leech"))), ErrorKind::Duplicate);
    session.close(Some(PATIENCE)).unwrap();
    assert_eq!(kind(AddTorrent::new(&rig.torrent, rig.path("leech"))), ErrorKind::Closed);
}

#[test]
fn sessions_with_two_network_threads_share_torrents_out() {
    let mut config = Config::new();
    config.set_text("listen", "127.0.0.1:0").unwrap();
    config.set_text("net_threads", "2").unwrap();
    let seeder = Session::new(&config).unwrap();
    let leecher = Session::new(&config).unwrap();
    let rigs: Vec<Rig> = (0..4).map(|i| Rig::new(100_000 + i * 7)).collect();
    let mut torrents = Vec::new();
    for rig in &rigs {
        let seed = seeder.add(AddTorrent::new(&rig.torrent, rig.path("seed"))).unwrap();
        wait_until(&seeder, |_| is_finished(&seed));
        torrents.push(leecher.add(rig.leech(&seeder)).unwrap());
    }
    wait_until(&leecher, |_| torrents.iter().all(is_finished));
    let stats = leecher.stats();
    assert_eq!((stats.torrents, stats.downloaded >= 400_000), (4, true), "{stats:?}");
    leecher.close(Some(PATIENCE)).unwrap();
    rigs.iter().for_each(Rig::assert_same);
}

#[test]
fn a_file_cannot_be_renamed_out_of_its_directory() {
    let rig = Rig::new(100_000);
    let (_session, torrent) = rig.seed();
    for name in ["../escape", "a/../../b", "", "a//b", "./a", "nul\0"] {
        let error = torrent.rename_file(FileIndex(0), name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{name:?}");
        let mut add = AddTorrent::new(&rig.torrent, rig.path("other"));
        add.rename_file(FileIndex(0), name);
        assert_eq!(session(None).add(add).unwrap_err().kind(), ErrorKind::Invalid, "{name:?}");
    }
}

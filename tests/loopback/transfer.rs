//! Content from one session to another.

use std::sync::atomic::Ordering;

use tempfile::tempdir;
use tern::base::{PieceIndex, TorrentId};
use tern::engine::host::{ShardCommand, TorrentView};
use tern::engine::settings::Settings;
use tern::swarm::{Command, Notice, TorrentState};

use crate::proxy;
use crate::rig::{Content, Rig};

const FILES: &[(&str, usize)] =
    &[("a.bin", 100_001), ("empty", 0), ("dir/b.bin", 65_535), ("dir/c", 1), ("z", 300_000)];

#[test]
fn a_single_file_goes_from_seed_to_leech() {
    let content = Content::new("single.bin", 32 * 1024, &[("", 3 * 1024 * 1024 + 1)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    assert_eq!(seed.wait_checked(s), content.info.piece_count());
    let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(seed.addr));
    leech.wait_finished(l);
    let (down, up) = (leech.status(l), seed.status(s));
    assert_eq!(down.state, TorrentState::Seeding);
    assert_eq!((down.downloaded, down.wasted), (content.len(), 0));
    assert!(up.uploaded >= content.len() && up.wire_sent > up.uploaded);
    leech.close(l);
    content.compare(to.path());
    assert!(leech.end().panicked.is_empty());
    assert!(seed.end().panicked.is_empty());
}

#[test]
fn the_seed_dials_too_and_odd_files_arrive() {
    let content = Content::new("many", 16 * 1024, FILES);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let l = leech.add(0, &content.info, to.path(), |_| ());
    leech.wait_state(l, TorrentState::Downloading);
    let addr = leech.addr;
    let s = seed.add(0, &content.info, from.path(), |add| add.peers.push(addr));
    leech.wait_finished(l);
    assert!(seed.status(s).uploaded >= content.len());
    leech.close(l);
    content.compare(to.path());
    leech.end();
    seed.end();
}

#[test]
fn two_halves_make_two_wholes() {
    let content = Content::new("halves", 16 * 1024, FILES);
    let dirs = [tempdir().unwrap(), tempdir().unwrap()];
    content.write(dirs[0].path(), |file| file.0 == 0);
    content.write(dirs[1].path(), |file| file.0 == 4);
    let mut rigs = [Rig::new(1, |_| ()), Rig::new(1, |_| ())];
    let a = rigs[0].add(0, &content.info, dirs[0].path(), |_| ());
    let have = rigs[0].wait_checked(a);
    assert!(have > 0 && have < content.info.piece_count());
    let addr = rigs[0].addr;
    // The pieces between the two files are on neither side.
    let missing = content.info.pieces_of(tern::base::FileIndex(2));
    let b = rigs[1].add(0, &content.info, dirs[1].path(), |add| add.peers.push(addr));
    let traded = content.info.piece_count() - u32::try_from(missing.len()).unwrap();
    for (rig, id) in rigs.iter().zip([a, b]) {
        rig.wait("all that is to be had", |told| {
            let passed = |n: &Notice| matches!(n, Notice::PiecePassed(_));
            let count = told.notices.iter().filter(|(i, n)| *i == id && passed(n)).count();
            (count >= traded as usize).then_some(())
        });
    }
    for rig in rigs {
        assert!(rig.end().panicked.is_empty());
    }
}

#[test]
fn connections_reach_the_shard_of_their_torrent() {
    let contents = [
        Content::new("on-shard-0", 32 * 1024, &[("", 700_000)]),
        Content::new("on-shard-1", 32 * 1024, &[("", 900_000)]),
    ];
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let (mut seed, mut leech) = (Rig::new(2, |_| ()), Rig::new(2, |_| ()));
    let mut pairs: Vec<(TorrentId, TorrentId)> = Vec::new();
    for (shard, content) in contents.iter().enumerate() {
        content.write(from.path(), |_| true);
        let s = seed.add(shard, &content.info, from.path(), |_| ());
        seed.wait_checked(s);
        // The leech's torrents are the other way round.
        let addr = seed.addr;
        let l = leech.add(1 - shard, &content.info, to.path(), |add| add.peers.push(addr));
        pairs.push((s, l));
    }
    for ((_, l), content) in pairs.into_iter().zip(&contents) {
        leech.wait_finished(l);
        leech.close(l);
        content.compare(to.path());
    }
    leech.end();
    seed.end();
}

#[test]
fn rate_limits_let_everything_through_in_the_end() {
    let content = Content::new("slow", 16 * 1024, &[("", 400_000)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let mut seed = Rig::new(1, |s| s.upload_limit = Some(2 << 20));
    let mut leech = Rig::new(2, |s| s.download_limit = Some(4 << 20));
    let s = seed.add(0, &content.info, from.path(), |add| add.upload_limit = Some(300_000));
    seed.wait_checked(s);
    let addr = seed.addr;
    let l = leech.add(1, &content.info, to.path(), |add| {
        add.peers.push(addr);
        add.download_limit = Some(200_000);
    });
    leech.wait_finished(l);
    assert_eq!(leech.status(l).downloaded, content.len());
    assert!(leech.status(l).wire_received > content.len());
    leech.close(l);
    content.compare(to.path());
    leech.end();
    seed.end();
}

#[test]
fn a_paused_download_goes_on_where_it_was() {
    let content = Content::new("paused", 16 * 1024, &[("", 1 << 20)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let addr = seed.addr;
    let l = leech.add(0, &content.info, to.path(), |add| {
        add.peers.push(addr);
        add.download_limit = Some(256 * 1024);
    });
    leech.wait("a first piece", |told| {
        told.notices.iter().any(|(_, n)| matches!(n, Notice::PiecePassed(_))).then_some(())
    });
    leech.tell(l, Command::Pause);
    leech.wait_state(l, TorrentState::Paused);
    let paused = leech.status(l);
    assert!(paused.pieces_have < content.info.piece_count() && paused.peers == 0);
    leech.tell(l, Command::RateLimits(None, None));
    leech.tell(l, Command::Resume);
    leech.tell(l, Command::AddPeer(addr));
    leech.wait_finished(l);
    let done = leech.status(l);
    assert!(done.downloaded < content.len() + (256 << 10), "what was there was kept");
    leech.close(l);
    content.compare(to.path());
    leech.end();
    seed.end();
}

#[test]
fn a_broken_connection_is_noticed_and_replaced() {
    let content = Content::new("broken", 16 * 1024, &[("", 1 << 20)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let (addr, cuts) = proxy::cut_first(seed.addr, 300_000);
    let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(addr));
    leech.wait("the loss of the peer", |told| {
        told.notices.iter().any(|(_, n)| matches!(n, Notice::PeerDisconnected { .. })).then_some(())
    });
    leech.tell(l, Command::AddPeer(addr));
    leech.wait_finished(l);
    assert_eq!(cuts.load(Ordering::Relaxed), 1);
    leech.close(l);
    content.compare(to.path());
    leech.end();
    seed.end();
}

#[test]
fn a_verifier_reads_pieces_and_is_asked_about_each() {
    let content = Content::new("verified", 32 * 1024, &[("", 500_000)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let addr = seed.addr;
    let l = leech.add(0, &content.info, to.path(), |add| {
        add.peers.push(addr);
        add.params.verify_window = Some(4);
    });
    leech.wait_finished(l);
    let (send, receive) = std::sync::mpsc::channel();
    let answer = Box::new(move |data| send.send(data).unwrap());
    leech.send(l, ShardCommand::ReadPiece(l, PieceIndex(1), answer));
    let piece = receive.recv().unwrap().unwrap();
    assert!(piece[..] == content.files[0].1[32 * 1024..64 * 1024]);
    leech.close(l);
    let (send, receive) = std::sync::mpsc::channel();
    let answer = Box::new(move |data| send.send(data).unwrap());
    leech.send(l, ShardCommand::ReadPiece(l, PieceIndex(1), answer));
    assert!(receive.recv().unwrap().is_err(), "a torrent that is gone answers too");
    let mut asked = leech.end().verified;
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), content.info.piece_count() as usize);
    seed.end();
}

#[test]
fn a_panic_ends_its_torrent_only() {
    let content = [
        Content::new("victim", 16 * 1024, &[("", 50_000)]),
        Content::new("survivor", 16 * 1024, &[("", 60_000)]),
    ];
    let dir = tempdir().unwrap();
    content.iter().for_each(|c| c.write(dir.path(), |_| true));
    let mut rig = Rig::new(1, |_| ());
    let victim = rig.add(0, &content[0].info, dir.path(), |_| ());
    let survivor = rig.add(0, &content[1].info, dir.path(), |_| ());
    rig.wait_checked(victim);
    let bomb = Box::new(|_: Option<TorrentView<'_>>| std::panic::panic_any("boom"));
    rig.send(victim, ShardCommand::Query(victim, bomb));
    let told = rig.wait("panic", |told| told.panicked.first().cloned());
    assert_eq!(told, (Some(victim), "boom".to_owned()));
    assert!(rig.ask(victim, |_| ()).is_none(), "the torrent is gone");
    assert_eq!(rig.wait_checked(survivor), content[1].info.piece_count());
    rig.close(survivor);
    rig.end();
}

#[test]
fn deleting_takes_the_files_and_only_those() {
    let content = Content::new("doomed", 16 * 1024, FILES);
    let dir = tempdir().unwrap();
    content.write(dir.path(), |_| true);
    std::fs::write(dir.path().join("keep"), b"mine").unwrap();
    let mut rig = Rig::new(1, |_| ());
    let id = rig.add(0, &content.info, dir.path(), |_| ());
    rig.wait_checked(id);
    assert!(rig.send(id, ShardCommand::DeleteFiles(id)));
    rig.close(id);
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["keep"]);
    rig.end();
}

#[test]
fn attempts_wait_for_room_in_the_session() {
    let content = Content::new("room", 16 * 1024, &[("", 200_000)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |s| s.max_connections = 0));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let addr = seed.addr;
    let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(addr));
    leech.wait_state(l, TorrentState::Downloading);
    while leech.status(l).half_open == 0 {
        std::thread::yield_now();
    }
    assert_eq!((leech.status(l).peers, seed.status(s).peers), (0, 0));
    let settings = Settings { listen: vec!["127.0.0.1:0".into()], ..Settings::default() };
    assert!(leech.send_to(0, ShardCommand::Settings(settings.into())));
    leech.wait_finished(l);
    leech.end();
    seed.end();
}

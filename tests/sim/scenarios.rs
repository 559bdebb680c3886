//! Named situations, each with what it must lead to.

use std::time::Duration;

use tern::base::{FileIndex, PieceIndex, Rng};
use tern::proto::peer::allowed_fast_set;
use tern::swarm::{CloseReason, Command, LoadPolicy, SavePolicy, TorrentState, Tuning};

use crate::content::Content;
use crate::disk::Reads;
use crate::node::{Host, Setup};
use crate::world::{Event, World};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn world(seed: u64, piece_len: u32, pieces: u32) -> World {
    let mut rng = Rng::new(seed);
    let content = Content::simple(&mut rng, piece_len, pieces);
    let mut world = World::new(content, Rng::new(seed + 1000));
    world.dial_fails = 1_000_000;
    world
}

fn seed() -> Setup {
    Setup { complete: true, ..Setup::default() }
}

fn all_complete(w: &World) -> bool {
    w.nodes.iter().all(|n| !n.setup.must_complete || n.is_complete())
}

#[track_caller]
fn complete_within(world: &mut World, limit: Duration) {
    assert!(world.run(limit, all_complete), "not complete:\n{}", world.describe());
}

#[track_caller]
fn close(world: &mut World, n: usize) {
    world.command(n, Command::Close);
    assert!(world.run(secs(120), |w| w.nodes[n].torrent.is_none()), "{}", world.describe());
    assert!(world.nodes[n].log.closed);
}

/// Starts a node again and waits for its check; what that said.
#[track_caller]
fn reopen(world: &mut World, n: usize) -> (u32, u32, u32) {
    world.nodes[n].log.checked.clear();
    world.after(Duration::ZERO, Event::Boot(n));
    assert!(world.run(secs(60), |w| !w.nodes[n].log.checked.is_empty()));
    world.nodes[n].log.checked[0]
}

#[test]
fn leechers_trade_among_themselves() {
    for s in 0..5 {
        let mut w = world(s, 65_536, 64);
        w.add(Setup { uplink: 200_000, ..seed() });
        for _ in 0..4 {
            w.add(Setup { uplink: 1_000_000, ..Setup::default() });
        }
        complete_within(&mut w, secs(600));
        let total = w.content.bytes.len() as u64;
        assert!(w.nodes[0].sent < 2 * total, "seed sent {}", w.nodes[0].sent);
        for n in 1..5 {
            assert_eq!(w.nodes[n].log.completed_announces, 1);
            assert_eq!(w.nodes[n].log.finished, 1);
            assert_eq!(w.nodes[n].log.passed.len(), 64, "each piece passed once");
        }
    }
}

/// Four leeches that are slower than their seed, and themselves what limits them, take from each
/// other what they can: the seed sends little more than one copy. And it costs them no time.
#[test]
fn a_quick_seed_sends_little_more_than_the_content() {
    let (mut sent, mut total) = (0, 0);
    for s in 0..4 {
        let mut w = world(s, 65_536, 256);
        w.latency = Duration::from_millis(1);
        let tuning = Tuning { max_requests: 16, ..Tuning::default() };
        w.add(Setup { uplink: 40_000_000, tuning: tuning.clone(), ..seed() });
        for _ in 0..4 {
            let (uplink, intake) = (10_000_000, Some(4_000_000));
            w.add(Setup { uplink, intake, tuning: tuning.clone(), ..Setup::default() });
        }
        complete_within(&mut w, secs(7));
        sent += w.nodes[0].sent;
        total += w.content.bytes.len() as u64;
    }
    assert!(sent * 10 < total * 13, "seed sent {sent} for {total}");
}

/// The same where a hash takes as long as a few pieces do: what is complete and not announced is
/// to all others still the rarest. And the seed is not asked for what the others have and send.
#[test]
fn slow_hashes_and_a_seed_that_answers_at_once_cost_it_little() {
    let (mut sent, mut total) = (0, 0);
    for s in 0..4 {
        let mut w = world(s, 65_536, 256);
        w.latency = Duration::from_millis(1);
        let tuning = Tuning { max_requests: 8, ..Tuning::default() };
        w.add(Setup { uplink: 40_000_000, tuning: tuning.clone(), ..seed() });
        for _ in 0..4 {
            w.add(Setup {
                uplink: 40_000_000,
                intake: Some(4_000_000),
                hash_delay: Duration::from_millis(20),
                tuning: tuning.clone(),
                ..Setup::default()
            });
        }
        complete_within(&mut w, secs(7));
        sent += w.nodes[0].sent;
        total += w.content.bytes.len() as u64;
    }
    assert!(sent * 10 < total * 13, "seed sent {sent} for {total}");
}

/// A peer that comes while the seed still looks at its files is kept waiting, not sent away: its
/// back-off of at least 3.75 s would be longer than the whole transfer.
#[test]
fn who_comes_early_is_let_in_later() {
    for s in 0..20 {
        let mut w = world(s, 16_384, 64);
        w.tracker = false;
        let l = w.add(Setup { uplink: 100_000_000, ..Setup::default() });
        let s = w.add(Setup { uplink: 100_000_000, ..seed() });
        let addr = w.nodes[s].addr;
        w.run(Duration::from_millis(2), |_| false);
        w.command(l, Command::AddPeer(addr));
        complete_within(&mut w, Duration::from_millis(3_500));
    }
}

#[test]
fn a_liar_is_banned_and_nobody_else() {
    let mut banned = 0;
    for s in 0..6 {
        let mut w = world(s, 131_072, 40);
        w.add(Setup { uplink: 300_000, ..seed() });
        let liar = w.add(Setup { uplink: 3_000_000, liar: true, ..seed() });
        w.nodes[liar].disk.reads = Reads::Lie(2);
        for _ in 0..3 {
            w.add(Setup::default());
        }
        // The world itself fails when an honest peer is banned.
        complete_within(&mut w, secs(1800));
        banned += w.nodes.iter().filter(|n| !n.log.banned.is_empty()).count();
    }
    assert!(banned >= 15, "of 18 leechers {banned} found the liar");
}

#[test]
fn crashes_lose_little_and_claim_nothing_wrong() {
    let mut w = world(3, 65_536, 200);
    w.add(Setup { uplink: 1_000_000, ..seed() });
    // A piece is entered when its first block is asked for (ADR 0019), and asked for is what comes
    // within seconds: without a limit most of what is hashed was never written.
    let tuning = Tuning { max_requests: 64, ..Tuning::default() };
    let l = w.add(Setup { tuning, ..Setup::default() });
    let mut restored_before = 0;
    for round in 0..12 {
        w.run(secs(2), |_| false);
        if w.nodes[l].is_complete() {
            break;
        }
        let saved = w.nodes[l].saved.as_ref().and_then(|r| r.have(200)).map_or(0, |h| h.0.count());
        w.crash(l);
        let (have, hashed, restored) = reopen(&mut w, l);
        assert_eq!(restored, saved, "round {round}: what was saved is not hashed");
        assert!(hashed <= 32, "round {round}: {hashed} pieces hashed");
        assert!(have >= restored && restored >= restored_before);
        restored_before = restored;
    }
    assert!(restored_before > 50, "{restored_before}");
    complete_within(&mut w, secs(120));
    let total = w.content.bytes.len() as u64;
    assert!(w.nodes[0].sent < total * 3 / 2, "{}", w.nodes[0].sent);
}

#[test]
fn a_slow_peer_does_not_hold_up_the_end() {
    let mut w = world(4, 262_144, 20);
    w.add(Setup { uplink: 1_000_000, ..seed() });
    w.add(Setup { uplink: 3_000, ..seed() });
    w.add(Setup::default());
    // The fast seed needs 5 s alone; a block of the slow one takes 5 s.
    complete_within(&mut w, secs(14));
    let leech = w.nodes[2].torrent.as_ref().unwrap().status(w.now);
    assert!(leech.wasted < 20 * 16_384, "endgame wasted {}", leech.wasted);
}

#[test]
fn priorities_decide_what_and_in_which_order() {
    let mut rng = Rng::new(5);
    let len = 32_768 * 10;
    let files = [(len, false), (len, false), (len, false)];
    let content = Content::new(&mut rng, 32_768, &files);
    let mut w = World::new(content, rng);
    w.add(Setup { uplink: 500_000, ..seed() });
    let l = w.add(Setup { file_priority: Some(vec![1, 0, 7]), ..Setup::default() });
    let finished = |w: &World| w.nodes[1].log.finished == 1;
    assert!(w.run(secs(60), finished), "{}", w.describe());
    let t = w.nodes[l].torrent.as_ref().unwrap();
    let status = t.status(w.now);
    assert_eq!(status.state, TorrentState::Finished);
    assert_eq!((status.wanted_len, status.wanted_have, t.left()), (2 * len, 2 * len, 0));
    assert_eq!(t.file_progress(), [len, 0, len]);
    assert_eq!(t.have().count(), 20);
    let order = &w.nodes[l].log.passed;
    let early = order[..8].iter().filter(|p| p.0 >= 20).count();
    assert!(early >= 7, "the file of priority 7 comes first: {order:?}");
    assert_eq!(w.nodes[l].log.completed_announces, 0);
    w.command(l, Command::FilePriority(FileIndex(1), 4));
    complete_within(&mut w, secs(600));
    assert_eq!(w.nodes[l].log.completed_announces, 1);
    assert_eq!(w.nodes[l].log.finished, 2);
}

#[test]
fn one_piece_can_be_left_out_or_preferred() {
    let mut w = world(50, 32_768, 30);
    w.add(Setup { uplink: 300_000, ..seed() });
    let l = w.add(Setup { sequential: true, ..Setup::default() });
    w.run(Duration::from_millis(2), |w| w.nodes[l].torrent.is_some());
    w.command(l, Command::PiecePriority(PieceIndex(3), 0));
    w.command(l, Command::PiecePriority(PieceIndex(29), 7));
    assert!(w.run(secs(60), |w| w.nodes[1].log.finished == 1), "{}", w.describe());
    let mut order: Vec<u32> = w.nodes[l].log.passed.iter().map(|p| p.0).collect();
    assert_eq!(order.len(), 29);
    assert!(!order.contains(&3));
    // Choked, it can ask only for what the seed grants it (BEP 6); that is two pieces at once. What
    // is preferred comes before anything else.
    let granted = allowed_fast_set(w.nodes[l].addr.ip(), &w.content.info.info_hash, 30, 10);
    let preferred = order.iter().position(|p| *p == 29).unwrap();
    let before = &order[..preferred];
    assert!(before.len() <= 2 && before.iter().all(|p| granted.contains(&PieceIndex(*p))));
    assert!(before.is_empty() || !granted.contains(&PieceIndex(29)), "{order:?}, {granted:?}");
    order.remove(preferred);
    let late = order.windows(2).filter(|p| p[0] > p[1]).count();
    assert!(late <= 2, "in order: {order:?}");
}

#[test]
fn a_seed_serves_everybody_in_turn() {
    let mut w = world(6, 65_536, 30);
    w.tracker = false;
    let tuning = Tuning { unchoke_slots: 2, ..Tuning::default() };
    let s = w.add(Setup { uplink: 400_000, tuning, ..seed() });
    let addr = w.nodes[s].addr;
    for _ in 0..6 {
        w.add(Setup::default());
    }
    w.run(secs(1), |_| false);
    for n in 1..7 {
        w.command(n, Command::AddPeer(addr));
    }
    // Nobody knows anybody but the seed: without turns the last would starve.
    complete_within(&mut w, secs(600));
}

#[test]
fn a_verifier_that_defers_and_refuses_holds_pieces_back() {
    let mut w = world(7, 32_768, 40);
    w.add(seed());
    let host = Host {
        window: Some(2),
        defer: 2,
        rejects_left: 2,
        verdict_delay: Duration::from_millis(50),
        ..Host::default()
    };
    let l = w.add(Setup { host, ..Setup::default() });
    complete_within(&mut w, secs(600));
    let log = &w.nodes[l].log;
    assert_eq!(log.most_questions, 2);
    assert!(log.questions > 50, "{} questions", log.questions);
    assert_eq!(w.nodes[l].rejects_left, 0);
    // Asked about once more on the next start? No: all was saved.
    close(&mut w, l);
    assert_eq!(reopen(&mut w, l), (40, 0, 40));
}

#[test]
fn unanswered_questions_are_asked_again_after_a_restart() {
    let mut w = world(8, 32_768, 10);
    w.add(seed());
    let host = Host { window: Some(64), verdict_delay: secs(100_000), ..Host::default() };
    let host = Host { save_policy: SavePolicy::default(), ..host };
    let l = w.add(Setup { host, must_complete: false, ..Setup::default() });
    assert!(w.run(secs(60), |w| w.nodes[l].log.questions == 10), "{}", w.describe());
    assert_eq!(w.nodes[l].have(), 0);
    w.nodes[l].setup.host.verdict_delay = Duration::from_millis(5);
    close(&mut w, l);
    let saved = w.nodes[l].saved.as_ref().unwrap();
    assert_eq!(saved.tern.as_ref().unwrap().dirty, (0..10).collect::<Vec<_>>());
    assert!(saved.have(10).unwrap().0.none());
    let sent = w.nodes[0].torrent.as_ref().unwrap().status(w.now).uploaded;
    assert_eq!(reopen(&mut w, l).1, 10);
    assert!(w.run(secs(60), |w| w.nodes[l].is_complete()), "{}", w.describe());
    let now_sent = w.nodes[0].torrent.as_ref().unwrap().status(w.now).uploaded;
    assert_eq!(now_sent, sent, "nothing is fetched twice");
}

fn three_files(policy: LoadPolicy) -> (World, usize) {
    let mut rng = Rng::new(9);
    let files = [(100_000, false), (200_000, false), (0, false), (77_777, false)];
    let content = Content::new(&mut rng, 16_384, &files);
    let mut w = World::new(content, rng);
    w.add(seed());
    let l = w.add(Setup { load_policy: policy, ..Setup::default() });
    complete_within(&mut w, secs(60));
    close(&mut w, l);
    (w, l)
}

#[test]
fn a_changed_file_costs_its_own_pieces_only() {
    let (mut w, l) = three_files(LoadPolicy::PerFile);
    let count = w.content.piece_count();
    w.nodes[l].disk.tamper(FileIndex(3), 40_000);
    let touched = w.content.info.pieces_of(FileIndex(3)).len() as u32;
    let (have, hashed, restored) = reopen(&mut w, l);
    assert_eq!((have, hashed, restored), (count - 1, touched, count - touched));
    assert_eq!(w.nodes[l].log.rejected, [(true, touched)]);
    complete_within(&mut w, secs(60));
}

#[test]
fn a_missing_file_is_fetched_again() {
    let (mut w, l) = three_files(LoadPolicy::PerFile);
    let count = w.content.piece_count();
    w.nodes[l].disk.remove(FileIndex(1));
    let touched = w.content.info.pieces_of(FileIndex(1)).len() as u32;
    let (have, _, restored) = reopen(&mut w, l);
    assert_eq!((have, restored), (count - touched, count - touched));
    complete_within(&mut w, secs(60));
}

#[test]
fn the_strict_policy_trusts_nothing_after_any_change() {
    let (mut w, l) = three_files(LoadPolicy::Strict);
    let count = w.content.piece_count();
    w.nodes[l].disk.tamper(FileIndex(0), 0);
    assert_eq!(reopen(&mut w, l), (count - 1, count, 0));
    assert_eq!(w.nodes[l].log.rejected, [(false, count)]);
    complete_within(&mut w, secs(60));
    close(&mut w, l);
    assert_eq!(reopen(&mut w, l), (count, 0, count), "unchanged files are accepted");
}

#[test]
fn data_without_saved_state_is_found_by_a_check() {
    let (mut w, l) = three_files(LoadPolicy::PerFile);
    let count = w.content.piece_count();
    w.nodes[l].saved = None;
    w.nodes[l].log.durable = 0;
    assert_eq!(reopen(&mut w, l), (count, count, 0));
    assert_eq!(w.nodes[l].log.completed_announces, 1, "not announced again");
}

#[test]
fn a_recheck_finds_damage_and_repairs_it() {
    let (mut w, l) = three_files(LoadPolicy::PerFile);
    let count = w.content.piece_count();
    reopen(&mut w, l);
    w.nodes[l].log.checked.clear();
    w.nodes[l].disk.tamper(FileIndex(0), 20_000);
    w.command(l, Command::RecheckFile(FileIndex(3)));
    assert!(w.run(secs(60), |w| w.nodes[l].log.checked.len() == 1));
    assert_eq!(w.nodes[l].log.checked[0].0, count);
    w.command(l, Command::Recheck);
    assert!(w.run(secs(60), |w| w.nodes[l].log.checked.len() == 2));
    assert_eq!(w.nodes[l].log.checked[1], (count - 1, count, 0));
    complete_within(&mut w, secs(120));
    assert_eq!(w.nodes[l].log.completed_announces, 1);
}

#[test]
fn seeds_part_and_an_idle_seed_waits_for_nothing() {
    let mut w = world(10, 32_768, 8);
    w.tracker = false;
    let policy = SavePolicy { interval: Some(secs(60)), ..SavePolicy::default() };
    let host = Host { save_policy: policy, ..Host::default() };
    let a = w.add(Setup { host: host.clone(), ..seed() });
    let b = w.add(Setup { host, ..seed() });
    w.run(secs(1), |_| false);
    let addr = w.nodes[b].addr;
    w.command(a, Command::AddPeer(addr));
    w.run(secs(5), |_| false);
    assert_eq!(w.nodes[a].log.disconnects.len(), 1);
    let reasons = [w.nodes[a].log.disconnects[0], w.nodes[b].log.disconnects[0]];
    assert!(reasons.contains(&CloseReason::BothSeeds), "{reasons:?}");
    w.run(secs(300), |_| false);
    assert_eq!(w.nodes[b].torrent.as_ref().unwrap().next_deadline(), None);
}

#[test]
fn pause_and_resume_go_on_where_they_were() {
    let mut w = world(11, 65_536, 60);
    w.add(Setup { uplink: 500_000, ..seed() });
    let l = w.add(Setup::default());
    w.run(secs(3), |_| false);
    w.command(l, Command::Pause);
    w.run(secs(60), |_| false);
    let have = w.nodes[l].have();
    let status = w.nodes[l].torrent.as_ref().unwrap().status(w.now);
    assert_eq!((status.state, status.peers), (TorrentState::Paused, 0));
    assert!(have > 5 && have < 60, "{have}");
    let saved = w.nodes[l].saved.as_ref().unwrap();
    assert!(saved.paused && saved.tern.as_ref().unwrap().clean);
    assert_eq!(saved.have(60).unwrap().0.count(), have);
    w.command(l, Command::Resume);
    complete_within(&mut w, secs(120));
    let total = w.content.bytes.len() as u64;
    assert!(w.nodes[0].sent < total + total / 10, "{}", w.nodes[0].sent);
}

#[test]
fn a_full_disk_stops_the_torrent_until_there_is_room() {
    let mut w = world(12, 65_536, 60);
    w.add(Setup { uplink: 500_000, ..seed() });
    let l = w.add(Setup::default());
    w.after(secs(2), Event::DiskFull(l, true));
    w.after(secs(40), Event::DiskFull(l, false));
    w.run(secs(35), |_| false);
    assert!(w.nodes[l].log.states.contains(&TorrentState::Failed));
    assert!(w.nodes[l].log.disk_failures > 1);
    complete_within(&mut w, secs(200));
}

/// What a failed sync may have lost is written once more; when that fails, again at the next start.
#[test]
fn a_disk_that_fails_the_repair_too_costs_nothing() {
    for s in 0..4 {
        let mut w = world(s, 65_536, 60);
        w.add(Setup { uplink: 500_000, ..seed() });
        let l = w.add(Setup::default());
        w.after(secs(3), Event::FailSync(l));
        assert!(w.run(secs(60), |w| w.nodes[l].log.disk_failures > 0));
        w.after(Duration::ZERO, Event::DiskFull(l, true));
        w.after(secs(20), Event::DiskFull(l, false));
        complete_within(&mut w, secs(300));
        assert!(w.nodes[l].log.disk_failures > 1);
    }
}

#[test]
fn a_refused_last_save_is_tried_until_it_is_taken() {
    let mut w = world(13, 32_768, 20);
    w.add(seed());
    let l = w.add(Setup::default());
    complete_within(&mut w, secs(60));
    w.nodes[l].setup.host.refuse_saves = 1;
    w.command(l, Command::Sequential(true));
    w.command(l, Command::Close);
    w.run(secs(20), |_| false);
    assert!(w.nodes[l].torrent.is_some(), "closed without its last save");
    w.nodes[l].setup.host.refuse_saves = 0;
    assert!(w.run(secs(120), |w| w.nodes[l].torrent.is_none()));
    assert!(w.nodes[l].saved.as_ref().unwrap().sequential);
}

#[test]
fn partial_seeds_do_not_hold_on_to_each_other() {
    let mut rng = Rng::new(14);
    let len = 32_768 * 10;
    let content = Content::new(&mut rng, 32_768, &[(len, false), (len, false)]);
    let mut w = World::new(content, rng);
    w.add(seed());
    for _ in 0..2 {
        let file_priority = Some(vec![4, 0]);
        w.add(Setup { file_priority, must_complete: false, ..Setup::default() });
    }
    assert!(w.run(secs(60), |w| (1..3).all(|n| w.nodes[n].log.finished == 1)));
    w.run(secs(30), |_| false);
    for n in 0..3 {
        let status = w.nodes[n].torrent.as_ref().unwrap().status(w.now);
        assert_eq!(status.peers, 0, "node {n}:\n{}", w.describe());
    }
}

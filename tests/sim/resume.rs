//! Named situations of starting, checking and saving.

use std::time::Duration;

use tern::base::{FileIndex, PieceIndex, Rng};
use tern::swarm::{CloseReason, Command, SaveConditions, SaveOutcome, SavePolicy, TorrentState};

use crate::content::Content;
use crate::node::{Host, Setup};
use crate::world::{Event, World};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A seed and a leech; three files of ten pieces.
fn pair(leech: Setup) -> (World, usize) {
    let mut rng = Rng::new(31);
    let len = 32_768 * 10;
    let content = Content::new(&mut rng, 32_768, &[(len, false), (len, false), (len, false)]);
    let mut w = World::new(content, rng);
    w.dial_fails = 1_000_000;
    w.add(Setup { complete: true, uplink: 200_000, ..Setup::default() });
    let l = w.add(leech);
    (w, l)
}

fn status(w: &World, n: usize) -> tern::swarm::Status {
    w.nodes[n].torrent.as_ref().unwrap().status(w.now)
}

fn save(ticket: u64, conditions: SaveConditions) -> Command {
    Command::Save { ticket, conditions, with_info: false }
}

#[track_caller]
fn until(w: &mut World, done: impl Fn(&World) -> bool) {
    assert!(w.run(secs(120), done), "{}", w.describe());
}

#[test]
fn a_check_of_one_file_sends_nobody_away_and_holds_nothing_up() {
    let (mut w, l) = pair(Setup { sequential: true, ..Setup::default() });
    until(&mut w, |w| w.nodes[l].have() == 15);
    w.nodes[l].disk.rot(PieceIndex(3));
    w.nodes[l].disk.tampered = true;
    let before = w.nodes[l].log.checked.len();
    // Both dialled: of two connections to one peer one went, long ago.
    let gone = w.nodes[l].log.disconnects.clone();
    assert!(gone.iter().all(|reason| *reason == CloseReason::Duplicate), "{gone:?}");
    w.command(l, Command::RecheckFile(FileIndex(0)));
    until(&mut w, |w| w.nodes[l].log.checked.len() > before);
    assert_eq!(w.nodes[l].log.checked[before].1, 10);
    assert_eq!(w.nodes[l].log.disconnects, gone);
    assert_eq!(status(&w, l).state, TorrentState::Downloading);
    until(&mut w, |w| w.nodes[l].is_complete());
    assert!(w.nodes[l].disk.is_right(PieceIndex(3)));
    // All of it: still nobody goes, and it says that it is checking.
    w.nodes[l].log.states.clear();
    w.nodes[l].disk.rot(PieceIndex(29));
    w.command(l, Command::Recheck);
    until(&mut w, |w| w.nodes[l].log.checked.len() > before + 1 && w.nodes[l].is_complete());
    let log = &w.nodes[l].log;
    assert_eq!((log.checked[before + 1].0, log.checked[before + 1].1), (29, 30));
    assert!(log.states.contains(&TorrentState::Checking), "{:?}", log.states);
}

/// A piece that is being fetched when its file is checked keeps the blocks it has.
#[test]
fn a_check_keeps_parts_of_pieces() {
    let mut rng = Rng::new(5);
    let content = Content::simple(&mut rng, 1 << 20, 2);
    let mut w = World::new(content, rng);
    w.dial_fails = 1_000_000;
    w.add(Setup { complete: true, uplink: 100_000, ..Setup::default() });
    let l = w.add(Setup { sequential: true, ..Setup::default() });
    w.run(secs(8), |_| false);
    assert_eq!(w.nodes[l].have(), 0);
    w.command(l, Command::RecheckPieces(0, 1));
    until(&mut w, |w| w.nodes[l].is_complete());
    // What was under way then and came in vain is a handful of blocks.
    assert!(status(&w, l).wasted < 32 * 16_384, "{}", status(&w, l).wasted);
}

#[test]
fn a_start_goes_on_beside_the_check_of_what_is_in_doubt() {
    let (mut w, l) = pair(Setup { sequential: true, ..Setup::default() });
    until(&mut w, |w| w.nodes[l].is_complete());
    w.command(l, Command::Close);
    until(&mut w, |w| w.nodes[l].torrent.is_none());
    w.nodes[l].disk.tamper(FileIndex(1), 70_000);
    w.nodes[l].log.states.clear();
    w.nodes[l].log.checked.clear();
    w.after(Duration::ZERO, Event::Boot(l));
    until(&mut w, |w| w.nodes[l].is_complete() && !w.nodes[l].log.checked.is_empty());
    assert_eq!(w.nodes[l].log.checked, [(29, 10, 20)]);
    assert!(!w.nodes[l].log.states.contains(&TorrentState::Checking));
}

/// Killed at any moment, the process finds again all that it had verified, with and without a
/// journal; with one it hashes little.
#[test]
fn a_killed_process_loses_nothing_it_verified() {
    for journal in [true, false] {
        let host = Host {
            save_policy: SavePolicy { interval: Some(secs(1000)), ..SavePolicy::default() },
            ..Host::default()
        };
        let (mut w, l) = pair(Setup { journal, host, ..Setup::default() });
        for have in [4, 11, 19, 27] {
            until(&mut w, |w| w.nodes[l].have() >= have);
            let had = w.nodes[l].torrent.as_ref().unwrap().have().clone();
            w.kill(l);
            w.nodes[l].log.checked.clear();
            w.after(Duration::ZERO, Event::Boot(l));
            until(&mut w, |w| !w.nodes[l].log.checked.is_empty());
            let mut lost = had;
            lost.subtract(w.nodes[l].torrent.as_ref().unwrap().have());
            assert!(lost.none(), "journal {journal}: {:?}", lost.iter().collect::<Vec<_>>());
        }
        until(&mut w, |w| w.nodes[l].is_complete());
        let sent = w.nodes[0].sent;
        assert!(sent < 30 * 32_768 * 3 / 2, "{sent}");
    }
}

#[test]
fn a_journal_that_fails_stops_nothing() {
    let (mut w, l) = pair(Setup::default());
    until(&mut w, |w| w.nodes[l].have() > 3);
    w.nodes[l].journal_fails = true;
    until(&mut w, |w| w.nodes[l].have() > 20);
    assert!(w.nodes[l].log.journal_failures > 0);
    w.nodes[l].journal_fails = false;
    until(&mut w, |w| w.nodes[l].is_complete());
}

#[test]
fn seed_mode_hashes_a_piece_before_its_first_byte_goes_out() {
    let seeder = |w: &mut World| {
        let n = w.add(Setup { complete: true, seed_mode: true, ..Setup::default() });
        w.nodes[n].disk.rot(PieceIndex(12));
        n
    };
    let mut rng = Rng::new(3);
    let content = Content::simple(&mut rng, 32_768, 30);
    let mut w = World::new(content, rng);
    w.dial_fails = 1_000_000;
    let s = seeder(&mut w);
    w.run(secs(1), |_| false);
    assert_eq!((w.nodes[s].have(), status(&w, s).pieces_hashed), (30, 0));
    let l = w.add(Setup { must_complete: false, ..Setup::default() });
    // The world fails when a wrong block leaves an honest node.
    until(&mut w, |w| w.nodes[l].have() == 29);
    until(&mut w, |w| w.nodes[s].have() == 29);
    assert!(w.nodes[l].log.banned.is_empty());
    assert_eq!(status(&w, l).pieces_failed, 0);
    w.run(secs(2), |_| false);
    let saved = w.nodes[s].saved.as_ref().unwrap();
    assert!(!saved.seed_mode, "left");
}

#[test]
fn seed_mode_remembers_what_was_verified() {
    let mut rng = Rng::new(4);
    let content = Content::simple(&mut rng, 32_768, 30);
    let mut w = World::new(content, rng);
    w.dial_fails = 1_000_000;
    let s = w.add(Setup { complete: true, seed_mode: true, uplink: 100_000, ..Setup::default() });
    let l = w.add(Setup::default());
    until(&mut w, |w| w.nodes[l].have() > 10);
    w.command(s, Command::Close);
    until(&mut w, |w| w.nodes[s].torrent.is_none());
    let saved = w.nodes[s].saved.clone().unwrap();
    let verified = (0..30).filter(|p| saved.is_verified(*p)).count();
    assert!(saved.seed_mode && verified > 9 && verified < 30, "{verified}");
    w.nodes[s].setup.seed_mode = false;
    w.after(Duration::ZERO, Event::Boot(s));
    until(&mut w, |w| w.nodes[l].is_complete());
    let hashed = status(&w, s).pieces_hashed as usize;
    assert!(hashed + verified <= 30, "{hashed} and {verified}");
    assert_eq!(w.nodes[s].have(), 30);
}

#[test]
fn an_absent_disk_stops_the_torrent_and_fetches_nothing() {
    for root in [None, Some(9)] {
        let (mut w, l) = pair(Setup::default());
        until(&mut w, |w| w.nodes[l].have() == 30);
        w.command(l, Command::Close);
        until(&mut w, |w| w.nodes[l].torrent.is_none());
        w.nodes[l].disk.unmounted = Some(root);
        w.after(Duration::ZERO, Event::Boot(l));
        until(&mut w, |w| w.nodes[l].log.storage_missing == 1);
        w.run(secs(30), |_| false);
        assert_eq!(status(&w, l).state, TorrentState::Failed);
        w.command(l, Command::Resume);
        until(&mut w, |w| w.nodes[l].log.storage_missing == 2);
        w.nodes[l].disk.unmounted = None;
        w.command(l, Command::Resume);
        until(&mut w, |w| w.nodes[l].is_complete());
        assert_eq!(status(&w, l).pieces_restored, 30);
        // It goes while the torrent runs: a check must not take that for lost pieces.
        w.nodes[l].disk.unmounted = Some(root);
        w.command(l, Command::Recheck);
        until(&mut w, |w| w.nodes[l].log.storage_missing == 3);
        w.nodes[l].disk.unmounted = None;
        w.command(l, Command::Resume);
        until(&mut w, |w| w.nodes[l].is_complete());
        assert_eq!(status(&w, l).pieces_failed, 0);
    }
}

#[test]
fn each_request_to_save_is_answered_once() {
    let policy = SavePolicy {
        interval: None,
        on_state_change: false,
        conditions: SaveConditions::NONE,
        ..SavePolicy::default()
    };
    let host = Host { save_policy: policy, ..Host::default() };
    let (mut w, l) = pair(Setup { host, ..Setup::default() });
    w.run(secs(1), |_| false);
    let ask = |w: &mut World, ticket, conditions| {
        w.command(l, save(ticket, conditions));
        until(w, |w| w.nodes[l].log.saves.iter().any(|(t, _)| *t == ticket));
        let mine: Vec<_> =
            w.nodes[l].log.saves.iter().filter(|(t, _)| *t == ticket).map(|(_, o)| *o).collect();
        assert_eq!(mine.len(), 1);
        mine[0]
    };
    let saved = |outcome| matches!(outcome, SaveOutcome::Saved(_));
    assert!(saved(ask(&mut w, 1, SaveConditions::PROGRESS)));
    until(&mut w, |w| w.nodes[l].is_complete());
    w.run(secs(5), |_| false);
    assert_eq!(ask(&mut w, 2, SaveConditions::CONFIG), SaveOutcome::NotModified);
    assert!(saved(ask(&mut w, 3, SaveConditions::COUNTERS.with(SaveConditions::CONFIG))));
    assert_eq!(ask(&mut w, 4, SaveConditions::ANY), SaveOutcome::NotModified);
    assert!(saved(ask(&mut w, 5, SaveConditions::NONE)));
    w.command(l, Command::Sequential(true));
    assert_eq!(ask(&mut w, 6, SaveConditions::STATE), SaveOutcome::NotModified);
    assert!(saved(ask(&mut w, 7, SaveConditions::CONFIG)));
    w.nodes[l].setup.host.refuse_saves = 1;
    let refused = ask(&mut w, 8, SaveConditions::NONE);
    assert!(matches!(refused, SaveOutcome::Refused(_) | SaveOutcome::Saved(_)), "{refused:?}");
}

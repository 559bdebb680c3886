//! Crash images: after every write, every step of a sync and every change of the store, what a
//! killed process or a power cut could leave is built, and a torrent is started on it.
//!
//! It must hold that no piece counts as had whose bytes are not right, that nothing is lost that
//! saved state claims, that nothing verified is lost when only the process died, and that no piece
//! is hashed that the dirty window does not name. The last test breaks the promises one by one and
//! has to see the checks fail.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tern::base::{Bitset, PieceIndex, Rng};
use tern::codec::resume::Resume;
use tern::swarm::{
    Command, DiskAnswer, DiskOp, DiskOpKind, INTERNAL_READER, Input, Notice, Output, SavePolicy,
    SaveVerdict, Torrent, Tuning,
};

use crate::content::Content;
use crate::disk::Disk;
use crate::node::{Host, Journal, Setup};
use crate::world::World;

const PIECE: u32 = 24_576;
const PIECES: u32 = 200;
/// Power cuts tried at each point.
const CUTS: u64 = 2;

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// Syncs say that they are done and are not.
    Sync,
    /// Entries of the journal are lost with the process.
    Journal,
}

/// The watch over one node.
#[derive(Debug, Default)]
pub struct Watch {
    pub node: usize,
    pub fault: Fault,
    /// Pieces somebody else damaged: state may claim them.
    pub rotten: BTreeSet<u32>,
    pub images: u64,
    pub points: u64,
    pub most_hashed: usize,
    /// The first promise that was found broken.
    pub broken: Option<String>,
}

/// What is left: saved state, journal, disk.
type Image<'a> = (Option<&'a Resume>, &'a Journal, Disk);

/// What a start on an image came to.
struct Start {
    have: Vec<u32>,
    hashed: BTreeSet<u32>,
}

/// Starts a torrent on an image and lets it look at everything.
fn start(world: &World, n: usize, image: Image<'_>) -> (Start, Disk) {
    let (saved, journal, mut disk) = image;
    let setup = &world.nodes[n].setup;
    let params = crate::node::params(
        setup,
        &world.content,
        saved.cloned(),
        Some(journal.window()),
        (world.nodes[n].addr, [1; 20], 1),
    );
    let now = world.now;
    let mut torrent = Torrent::new(now, params, 1 << 30);
    let (mut checked, mut hashed) = (false, BTreeSet::new());
    torrent.handle(now, Input::Start);
    while let Some(output) = torrent.poll_output() {
        match output {
            Output::Disk(op) => {
                if let DiskOp::Hash(piece) = op {
                    hashed.insert(piece.0);
                }
                if let Some(answer) = answer(&mut disk, op) {
                    torrent.handle(now, Input::Disk(answer));
                }
            }
            Output::Journal(entry) => {
                torrent.handle(now, Input::Journaled { mark: entry.mark, result: Ok(()) });
            }
            Output::Save { generation, .. } => {
                let answer = Input::SaveAnswer { generation, answer: SaveVerdict::Accept };
                torrent.handle(now, answer);
            }
            Output::Notice(Notice::Checked { .. }) => checked = true,
            _ => {}
        }
    }
    torrent.check_invariants();
    assert!(checked, "a start that never ends");
    (Start { have: torrent.have().iter().collect(), hashed }, disk)
}

fn answer(disk: &mut Disk, op: DiskOp) -> Option<DiskAnswer> {
    Some(match op {
        DiskOp::Stat => DiskAnswer::Stats(Ok(disk.look())),
        DiskOp::Prepare => DiskAnswer::Done(DiskOpKind::Prepare, Ok(())),
        DiskOp::Hash(piece) => DiskAnswer::Hashed(piece, Ok(disk.hash(piece))),
        DiskOp::Sync(ticket) => DiskAnswer::Synced(ticket, disk.sync()),
        DiskOp::Read(INTERNAL_READER, _) | DiskOp::Write(..) => unreachable!("nothing failed"),
        _ => return None,
    })
}

/// What the window of an image names.
fn window(saved: &Resume, journal: &Journal) -> BTreeSet<u32> {
    let tern = saved.tern.as_ref().unwrap();
    let unchecked = tern.checked_up_to.map_or(PIECES..PIECES, |from| from..PIECES);
    journal.window().pieces.into_iter().chain(tern.dirty.iter().copied()).chain(unchecked).collect()
}

fn check(world: &World, watch: &mut Watch, image: Image<'_>, killed: bool) {
    let (saved, journal) = (image.0, image.1);
    let (start, disk) = start(world, watch.node, image);
    watch.images += 1;
    let mut fail = |text: String| {
        let what = if killed { "killed" } else { "power cut" };
        watch.broken.get_or_insert_with(|| format!("{what} at {:?}: {text}", world.now));
    };
    for piece in &start.have {
        let piece = PieceIndex(*piece);
        if !disk.is_right(piece) && !disk.is_rotten(piece) {
            fail(format!("piece {piece} counts as had and is not right"));
        }
    }
    let lost = |want: &Bitset| {
        want.iter().find(|p| start.have.binary_search(p).is_err() && !watch.rotten.contains(p))
    };
    if killed {
        let torrent = world.nodes[watch.node].torrent.as_ref().unwrap();
        if let Some(piece) = lost(torrent.have()) {
            fail(format!("verified piece {piece} is lost"));
        }
    }
    let Some(saved) = saved else { return };
    if let Some(piece) = lost(&saved.have(PIECES).unwrap().0) {
        fail(format!("durable piece {piece} is lost"));
    }
    if let Some(piece) = start.hashed.difference(&window(saved, journal)).next() {
        fail(format!("piece {piece} was hashed and is not in the window"));
    }
    watch.most_hashed = watch.most_hashed.max(start.hashed.len());
}

/// Builds and checks images of the watched node as it is now; called after every change of its
/// disk and store.
pub fn probe(world: &mut World, n: usize) {
    let Some(mut watch) = world.watch.take_if(|w| w.node == n && w.broken.is_none()) else {
        return;
    };
    if world.nodes[n].torrent.is_some() {
        watch.points += 1;
        look(world, &mut watch, &world.nodes[n].disk);
    }
    world.watch = Some(watch);
}

/// As [`probe`], for each step of the sync that comes next.
pub fn probe_sync(world: &mut World, n: usize) {
    let Some(mut watch) = world.watch.take_if(|w| w.node == n && w.broken.is_none()) else {
        return;
    };
    if watch.fault != Fault::Sync {
        for steps in 1..=world.nodes[n].disk.sync_steps() {
            let mut disk = world.nodes[n].disk.clone();
            disk.sync_some(steps);
            watch.points += 1;
            look(world, &mut watch, &disk);
        }
    }
    world.watch = Some(watch);
}

fn look(world: &World, watch: &mut Watch, disk: &Disk) {
    let node = &world.nodes[watch.node];
    let mut rng = Rng::new(watch.points);
    let lost = Journal::default();
    let kept = if watch.fault == Fault::Journal { &lost } else { &node.journal };
    check(world, watch, (node.saved.as_ref(), kept, disk.clone()), true);
    for _ in 0..CUTS {
        let (mut disk, mut journal) = (disk.clone(), node.journal.clone());
        disk.cut(&mut rng);
        journal.cut(&mut rng);
        check(world, watch, (node.saved.as_ref(), &journal, disk), false);
    }
}

/// Seven files, two of them within one piece, one shorter than a piece.
fn content(rng: &mut Rng) -> Arc<Content> {
    let total = u64::from(PIECE) * u64::from(PIECES) - 777;
    let mut lengths = vec![
        (1_000_000, false),
        (20_000, false),
        (1_345_678, false),
        (5, false),
        (24_576 * 30, false),
        (500_001, false),
    ];
    let rest = total - lengths.iter().map(|(len, _)| len).sum::<u64>();
    lengths.push((rest, false));
    Content::new(rng, PIECE, &lengths)
}

fn world(fault: Fault, on_piece: bool) -> (World, usize) {
    let mut rng = Rng::new(77);
    let content = content(&mut rng);
    assert_eq!((content.piece_count(), content.info.files.len()), (PIECES, 7));
    let mut w = World::new(content, rng);
    w.dial_fails = 1_000_000;
    w.add(Setup { complete: true, uplink: 1_500_000, ..Setup::default() });
    let interval = Some(Duration::from_millis(400));
    let policy = SavePolicy { on_piece, interval, ..SavePolicy::default() };
    let host = Host { save_policy: policy, ..Host::default() };
    // The window holds what is asked for, too.
    let tuning = Tuning { max_requests: 16, ..Tuning::default() };
    let l = w.add(Setup { host, tuning, ..Setup::default() });
    w.watch = Some(Watch { node: l, fault, ..Watch::default() });
    w.nodes[l].disk.lazy = fault == Fault::Sync;
    (w, l)
}

fn run(world: &mut World, n: usize) {
    let over = |w: &World| w.nodes[n].is_complete() || w.watch.as_ref().unwrap().broken.is_some();
    assert!(world.run(Duration::from_secs(300), over), "{}", world.describe());
}

#[track_caller]
fn sound(world: &World, points: u64, hashed: usize) {
    let watch = world.watch.as_ref().unwrap();
    assert_eq!(watch.broken, None);
    assert!(watch.points > points, "{} points", watch.points);
    assert!(watch.images == watch.points * (1 + CUTS));
    assert!(watch.most_hashed <= hashed, "{} pieces hashed", watch.most_hashed);
}

#[test]
fn no_crash_loses_or_invents_a_piece() {
    for (on_piece, hashed) in [(false, 90), (true, 60)] {
        let (mut w, l) = world(Fault::None, on_piece);
        run(&mut w, l);
        sound(&w, 450, hashed);
        // And the clean end of it.
        w.command(l, Command::Pause);
        w.run(Duration::from_secs(5), |_| false);
        sound(&w, 450, hashed);
    }
}

/// The journal is so slow that blocks wait for it while a sync runs, and the seed leaves as soon as
/// all is here: then nothing seems to be left to do, the storage forgets the torrent, and still
/// what came last has to be made durable before saved state claims it.
#[test]
fn what_waited_for_the_journal_is_made_durable_too() {
    for delay in [40, 150, 400] {
        let (mut w, l) = world(Fault::None, true);
        w.nodes[l].setup.journal_delay = Duration::from_millis(delay);
        run(&mut w, l);
        w.run(Duration::from_secs(5), |_| false);
        sound(&w, 300, 200);
    }
}

/// Pieces go bad on disk, a check finds them while the download goes on, they are fetched and
/// written again: state claims them until something durable says otherwise.
#[test]
fn a_repair_is_no_exception() {
    let (mut w, l) = world(Fault::None, false);
    let enough = |w: &World| w.nodes[l].have() > 100;
    assert!(w.run(Duration::from_secs(60), enough));
    w.command(l, Command::Save { ticket: 1, conditions: Default::default(), with_info: false });
    w.run(Duration::from_millis(300), |_| false);
    let have: Vec<u32> = w.nodes[l].torrent.as_ref().unwrap().have().iter().take(40).collect();
    for piece in have.iter().step_by(4) {
        w.nodes[l].disk.rot(PieceIndex(*piece));
        w.watch.as_mut().unwrap().rotten.insert(*piece);
    }
    w.nodes[l].disk.tampered = true;
    w.command(l, Command::RecheckPieces(0, *have.last().unwrap() + 1));
    let lost = |w: &World| w.nodes[l].torrent.as_ref().unwrap().status(w.now).pieces_failed == 10;
    let peers = w.nodes[l].torrent.as_ref().unwrap().status(w.now).peers;
    assert!(w.run(Duration::from_secs(20), lost), "{}", w.describe());
    let now = w.nodes[l].torrent.as_ref().unwrap().status(w.now).peers;
    assert_eq!(now, peers, "nobody was sent away");
    run(&mut w, l);
    sound(&w, 450, 120);
    let all = (0..PIECES).map(PieceIndex).all(|p| w.nodes[l].disk.is_right(p));
    assert!(all);
}

#[test]
fn a_broken_promise_is_seen() {
    for (fault, what) in [
        (Fault::Sync, ["not right", "durable piece"]),
        (Fault::Journal, ["verified piece", "not in the window"]),
    ] {
        let (mut w, l) = world(fault, true);
        run(&mut w, l);
        let broken = w.watch.as_ref().unwrap().broken.clone();
        assert!(
            broken.as_ref().is_some_and(|b| what.iter().any(|w| b.contains(w))),
            "{fault:?}: {broken:?}"
        );
    }
}

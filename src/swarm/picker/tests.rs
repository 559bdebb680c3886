//! The picker by example.

use super::*;
use crate::base::BLOCK_LEN;

fn picker(pieces: u32, blocks: u32) -> Picker {
    let geometry =
        Geometry::new(u64::from(pieces) * u64::from(blocks * BLOCK_LEN), blocks * BLOCK_LEN);
    Picker::new(geometry.unwrap(), Rng::new(1))
}

fn set(len: u32, members: &[u32]) -> Bitset {
    let mut set = Bitset::new(len);
    for member in members {
        set.set(*member, true);
    }
    set
}

fn pick(
    p: &mut Picker,
    peer: u64,
    has: &Bitset,
    count: usize,
    mode: PickMode<'_>,
) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    p.pick(PeerKey(peer), has, count, mode, &mut out);
    p.check_invariants();
    out.iter().map(|s| (s.piece.0, s.begin / BLOCK_LEN)).collect()
}

fn span(p: &Picker, piece: u32, block: u32) -> BlockSpan {
    p.geometry.block(PieceIndex(piece), block).unwrap()
}

#[test]
fn rarest_first_then_priority_seven_beats_all() {
    let mut p = picker(6, 2);
    let seed = Bitset::full(6);
    p.peer_joined(&seed);
    p.peer_joined(&set(6, &[0, 1, 2, 4, 5]));
    assert_eq!(pick(&mut p, 1, &seed, 1, PickMode::default()), [(3, 0)]);
    p.set_priority(PieceIndex(5), 7);
    assert_eq!(pick(&mut p, 1, &seed, 3, PickMode::default()), [(5, 0), (5, 1), (3, 1)]);
}

#[test]
fn a_spared_peer_is_asked_for_what_no_other_has_and_for_what_it_began() {
    let mut p = picker(5, 2);
    let seed = Bitset::full(5);
    p.peer_joined(&seed);
    let spare = PickMode { spare: true, ..PickMode::default() };
    p.set_sequential(true);
    assert_eq!(pick(&mut p, 1, &seed, 1, spare), [(0, 0)]);
    p.set_sequential(false);
    p.peer_joined(&set(5, &[0, 2, 3]));
    p.peer_gained(PieceIndex(0));
    let mut got = pick(&mut p, 1, &seed, 9, spare);
    got.sort_unstable();
    assert_eq!(got, [(0, 1), (1, 0), (1, 1), (4, 0), (4, 1)], "piece 0 it began itself");
    // What another began is left to those that have a copy; nothing is asked for twice.
    assert_eq!(pick(&mut p, 2, &set(5, &[0, 2, 3]), 1, PickMode::default()).len(), 1);
    assert_eq!(pick(&mut p, 1, &seed, 9, spare), []);
    assert_eq!(pick(&mut p, 1, &seed, 3, PickMode::default()).len(), 3);
    assert_eq!(pick(&mut p, 1, &seed, 9, spare), [], "no endgame either");
    assert_eq!(pick(&mut p, 1, &seed, 9, PickMode::default()).len(), 1);
}

#[test]
fn what_is_begun_is_finished_first() {
    let mut p = picker(10, 4);
    let seed = Bitset::full(10);
    p.peer_joined(&seed);
    let first = pick(&mut p, 1, &seed, 1, PickMode::default())[0];
    for (peer, block) in [(2, 1), (3, 2), (4, 3)] {
        assert_eq!(pick(&mut p, peer, &seed, 1, PickMode::default()), [(first.0, block)]);
    }
    assert_ne!(pick(&mut p, 5, &seed, 1, PickMode::default())[0].0, first.0);
    // A fast peer begins its own, goes on with that, and joins others only in the end.
    let whole = PickMode { whole_pieces: true, ..PickMode::default() };
    let own = pick(&mut p, 6, &seed, 3, whole);
    assert!(own[0].0 != first.0 && own.iter().all(|b| b.0 == own[0].0));
    assert_eq!(pick(&mut p, 6, &seed, 1, whole), [(own[0].0, 3)]);
}

#[test]
fn sequential_takes_the_lowest_of_the_highest_priority() {
    let mut p = picker(6, 1);
    p.set_sequential(true);
    p.peer_joined(&Bitset::full(6));
    p.set_priority(PieceIndex(4), 6);
    let has = set(6, &[1, 2, 4, 5]);
    assert_eq!(pick(&mut p, 1, &has, 3, PickMode::default()), [(4, 0), (1, 0), (2, 0)]);
    let only = [PieceIndex(5), PieceIndex(9), PieceIndex(0)];
    let mode = PickMode { only: Some(&only), ..PickMode::default() };
    assert_eq!(pick(&mut p, 2, &Bitset::full(6), 9, mode), [(0, 0), (5, 0)]);
}

#[test]
fn parole_keeps_a_piece_apart_until_nothing_else_is_left() {
    let mut p = picker(2, 2);
    let seed = Bitset::full(2);
    p.peer_joined(&seed);
    let parole = PickMode { exclusive: true, ..PickMode::default() };
    let mine = pick(&mut p, 1, &seed, 1, parole)[0];
    let other = 1 - mine.0;
    assert_eq!(pick(&mut p, 2, &seed, 1, PickMode::default()), [(other, 0)]);
    // On parole the shared piece is left alone while there is one of its own.
    assert_eq!(pick(&mut p, 1, &seed, 1, parole), [(mine.0, 1)]);
    p.request_dropped(PeerKey(1), span(&p, mine.0, 1));
    // The others come to its help when nothing else is left.
    assert_eq!(pick(&mut p, 2, &seed, 2, PickMode::default()), [(other, 1), (mine.0, 1)]);
    // On parole no duplicates are given out, others get them in endgame.
    assert!(p.in_endgame());
    assert_eq!(pick(&mut p, 1, &seed, 4, parole), []);
    assert_eq!(pick(&mut p, 3, &seed, 1, PickMode::default()), [mine]);
}

#[test]
fn endgame_is_strict_spreads_and_cancels() {
    let mut p = picker(2, 2);
    let seed = Bitset::full(2);
    p.peer_joined(&seed);
    let a = pick(&mut p, 1, &seed, 3, PickMode::default());
    assert_eq!((a.len(), p.in_endgame()), (3, false));
    assert_eq!(pick(&mut p, 2, &set(2, &[a[0].0]), 9, PickMode::default()).len(), 0, "one is free");
    let b = pick(&mut p, 2, &seed, 1, PickMode::default());
    assert!(p.in_endgame() && !a.contains(&b[0]));
    // The oldest first; never one's own; the fewest doubled first.
    assert_eq!(pick(&mut p, 2, &seed, 2, PickMode::default()), a[..2]);
    assert_eq!(pick(&mut p, 3, &seed, 2, PickMode::default()), [a[2], b[0]]);
    assert_eq!(pick(&mut p, 2, &seed, 9, PickMode::default()), [a[2]]);
    assert_eq!(pick(&mut p, 2, &seed, 9, PickMode::default()), []);
    let got = p.received(PeerKey(2), span(&p, a[2].0, a[2].1));
    let cancel = vec![PeerKey(1), PeerKey(3)];
    assert!(matches!(got, Received::Accepted { cancel: c, .. } if c == cancel));
    assert_eq!(p.received(PeerKey(3), span(&p, a[2].0, a[2].1)), Received::Duplicate);
}

#[test]
fn a_seed_that_loses_a_piece_and_a_peer_that_becomes_a_seed() {
    let mut p = picker(3, 1);
    p.peer_joined(&Bitset::full(3));
    p.peer_joined(&Bitset::full(3));
    assert_eq!(pick(&mut p, 9, &Bitset::new(3), 1, PickMode::default()), []);
    p.peer_lost(PieceIndex(1));
    p.check_invariants();
    assert!((p.availability() - (1.0 + 2.0 / 3.0)).abs() < 1e-9);
    p.peer_left(PeerKey(1), &set(3, &[0, 2]));
    p.peer_left(PeerKey(2), &Bitset::full(3));
    assert!(p.availability().abs() < 1e-9);
    p.peer_joined(&set(3, &[0, 1]));
    p.peer_gained(PieceIndex(2));
    p.peer_left(PeerKey(3), &Bitset::full(3));
    p.check_invariants();
    assert!(p.availability().abs() < 1e-9);
}

#[test]
fn blocks_live_through_disk_errors_restarts_and_failed_pieces() {
    use BlockState::{Missing, Received as Came, Requested, Written};
    let mut p = picker(2, 3);
    let seed = Bitset::full(2);
    p.peer_joined(&seed);
    p.set_priority(PieceIndex(1), 0);
    let one = span(&p, 0, 1);
    assert_eq!(p.partial_pieces().count(), 0);
    assert_eq!(p.block_states(PieceIndex(0)), [Missing; 3]);
    assert!(!p.restore_blocks(PieceIndex(0), &set(3, &[0, 2, 3])) && !p.all_written(PieceIndex(0)));
    assert_eq!(pick(&mut p, 1, &seed, 9, PickMode::default()), [(0, 1)]);
    let states = |p: &Picker| p.block_states(PieceIndex(0));
    assert_eq!(p.partial_pieces().collect::<Vec<_>>(), [PieceIndex(0)]);
    assert_eq!(states(&p), [Written, Requested, Written]);
    let done = Received::Accepted { cancel: Vec::new(), piece_complete: true };
    assert_eq!(p.received(PeerKey(1), one), done);
    assert_eq!(states(&p), [Written, Came, Written]);
    p.block_failed(one);
    assert_eq!(states(&p), [Written, Missing, Written]);
    assert_eq!(p.received(PeerKey(5), one), done, "not asked for, but wanted");
    p.block_written(one);
    assert!(p.all_written(PieceIndex(0)));
    assert_eq!(p.unfinished(), [(PieceIndex(0), Bitset::full(3))]);
    p.piece_failed(PieceIndex(0));
    assert!(p.unfinished().is_empty() && p.is_interesting(&seed));
    p.set_have(PieceIndex(0));
    assert_eq!(p.partial_pieces().count(), 0);
    assert_eq!((states(&p), p.block_states(PieceIndex(2))), (vec![Written; 3], vec![]));
    assert_eq!(p.received(PeerKey(1), one), Received::Duplicate);
    assert_eq!(p.received(PeerKey(1), span(&p, 1, 0)), Received::Unwanted);
    let crooked = BlockSpan { piece: PieceIndex(1), begin: 7, length: 5 };
    assert_eq!(p.received(PeerKey(1), crooked), Received::Unwanted);
    assert!(!p.is_interesting(&seed) && p.wanted_missing() == 0);
    p.set_missing(PieceIndex(0));
    p.check_invariants();
    assert_eq!(p.wanted_missing(), 1);
}

#[test]
fn equals_are_drawn_by_lot_and_suggestions_win_among_them() {
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let mut p = picker(8, 1);
        p.rng = Rng::new(seed);
        p.peer_joined(&Bitset::full(8));
        seen.insert(pick(&mut p, 1, &Bitset::full(8), 1, PickMode::default())[0].0);
        let left = (0..8).find(|n| !p.partials.contains_key(n)).unwrap();
        let suggested = [PieceIndex(99), PieceIndex(left)];
        let mode = PickMode { suggested: &suggested, ..PickMode::default() };
        assert_eq!(pick(&mut p, 1, &Bitset::full(8), 1, mode), [(left, 0)]);
    }
    assert_eq!(seen.len(), 8);
}

/// A peer with little among much that others have: the answer comes from its own set, and it is
/// still the rarest of that.
#[test]
fn a_peer_with_little_gets_its_rarest() {
    let mut p = picker(5_000, 1);
    let little = set(5_000, &[10, 2_000, 4_321]);
    p.peer_joined(&Bitset::full(5_000));
    for peer in [set(5_000, &[10, 4_321]), little.clone()] {
        p.peer_joined(&peer);
    }
    let got = pick(&mut p, 1, &little, 2, PickMode::default());
    assert_eq!(got[0], (2_000, 0));
    assert!(got[1] == (10, 0) || got[1] == (4_321, 0));
}

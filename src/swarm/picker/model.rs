//! The picker against a naive model, by random operations.
//!
//! The model keeps, for each block, a plain list of whom it was requested of and whether it came,
//! and decides with linear searches which answers are legal.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{PickMode, Picker, Received};
use crate::base::{BLOCK_LEN, Bitset, BlockSpan, Geometry, PeerKey, PieceIndex, Rng};

const PIECES: u32 = 7;
const BLOCKS: u32 = 3;
const PEERS: u64 = 5;

#[derive(Clone, Debug, Default)]
struct Cell {
    asked: BTreeSet<PeerKey>,
    came: bool,
    written: bool,
}

impl Cell {
    fn missing(&self) -> bool {
        !self.came && self.asked.is_empty()
    }
}

#[derive(Clone, Debug, Default)]
struct Piece {
    priority: u8,
    have: bool,
    cells: Vec<Cell>,
    /// Everybody who worked on it since it was begun.
    workers: BTreeSet<PeerKey>,
    owner: Option<PeerKey>,
}

impl Piece {
    fn wanted(&self) -> bool {
        self.priority > 0 && !self.have
    }

    fn begun(&self) -> bool {
        self.cells.iter().any(|c| !c.missing())
    }

    fn has_missing(&self) -> bool {
        self.cells.iter().any(Cell::missing)
    }

    fn only(&self, peer: PeerKey) -> bool {
        self.workers.iter().all(|worker| *worker == peer)
    }

    fn reserved(&self, peer: PeerKey) -> bool {
        self.owner.is_some_and(|o| o != peer && self.cells.iter().any(|c| c.asked.contains(&o)))
    }

    fn tidy(&mut self) {
        if !self.begun() {
            self.workers.clear();
            self.owner = None;
        }
    }

    fn wipe(&mut self) {
        self.cells.iter_mut().for_each(|c| *c = Cell::default());
        self.tidy();
    }
}

#[derive(Debug)]
struct Model {
    geometry: Geometry,
    pieces: Vec<Piece>,
    peers: BTreeMap<PeerKey, Bitset>,
    sequential: bool,
}

impl Model {
    fn copies(&self, piece: u32) -> usize {
        self.peers.values().filter(|has| has.get(piece)).count()
    }

    fn endgame(&self) -> bool {
        let mut wanted = self.pieces.iter().filter(|p| p.wanted()).peekable();
        wanted.peek().is_some() && wanted.all(|p| !p.has_missing())
    }

    /// How good it is to take a missing block of this piece for this peer: smaller is better,
    /// `None` is never.
    fn value(&self, peer: PeerKey, piece: u32, mode: &PickMode<'_>, whole: bool) -> Option<Value> {
        let p = &self.pieces[piece as usize];
        let allowed = mode.only.is_none_or(|only| only.contains(&PieceIndex(piece)));
        if !p.wanted() || !p.has_missing() || !self.peers[&peer].get(piece) || !allowed {
            return None;
        }
        if p.begun() && !p.only(peer) && (mode.exclusive || p.reserved(peer)) {
            return Some((1, 0, 0, 0, false));
        }
        let inverse = 7 - p.priority;
        if self.sequential {
            return Some((0, inverse, 0, piece as usize, false));
        }
        let own_first = whole || mode.exclusive;
        let class = match (p.begun(), p.only(peer)) {
            (false, _) => 1,
            (true, false) if own_first => 2,
            _ => 0,
        };
        let suggested = mode.suggested.contains(&PieceIndex(piece));
        Some((0, inverse, class, self.copies(piece), !suggested))
    }

    /// Checks one handed out block against all others and notes it.
    fn take(&mut self, peer: PeerKey, span: BlockSpan, mode: &PickMode<'_>, whole: bool) {
        let block = self.geometry.block_index(span).expect("one of our blocks");
        let mine = self.value(peer, span.piece.0, mode, whole);
        let best = (0..PIECES).filter_map(|p| self.value(peer, p, mode, whole)).min();
        let cell = &self.pieces[span.piece.idx()].cells[block as usize];
        if cell.missing() {
            assert!(mine.is_some(), "{span:?} may not be asked of {peer:?}");
            let last_resort = mine.is_some_and(|value| value.0 == 1);
            assert!(
                mine == best || last_resort && best.is_none_or(|b| b.0 == 1),
                "better: {best:?}"
            );
        } else {
            assert!(self.endgame() && best.is_none() && !mode.exclusive, "no endgame");
            let candidates = self.again(peer, mode);
            let least = candidates.values().min();
            assert_eq!(candidates.get(&(span.piece.0, block)), least, "fewest doubled first");
            assert!(least.is_some(), "{span:?} may not be asked again");
        }
        let piece = &mut self.pieces[span.piece.idx()];
        if mode.exclusive && piece.only(peer) {
            piece.owner = Some(peer);
        }
        assert!(piece.cells[block as usize].asked.insert(peer), "asked twice of one peer");
        piece.workers.insert(peer);
    }

    /// Blocks that may be asked for once more, with the number asked already.
    fn again(&self, peer: PeerKey, mode: &PickMode<'_>) -> BTreeMap<(u32, u32), usize> {
        let mut out = BTreeMap::new();
        for (piece, p) in (0u32..).zip(&self.pieces).filter(|(_, p)| p.wanted()) {
            let allowed = mode.only.is_none_or(|only| only.contains(&PieceIndex(piece)));
            for (block, c) in (0u32..).zip(&p.cells) {
                let elsewhere = !c.came && !c.asked.is_empty() && !c.asked.contains(&peer);
                if elsewhere && allowed && self.peers[&peer].get(piece) {
                    out.insert((piece, block), c.asked.len());
                }
            }
        }
        out
    }
}

/// Last resort, inverted priority, class, copies (or index), not suggested.
type Value = (u8, u8, u8, usize, bool);

#[derive(Clone, Debug)]
enum Op {
    Join(u64, u8),
    Leave(u64),
    Gain(u64, u32),
    Lose(u64, u32),
    Priority(u32, u8),
    Sequential(bool),
    Have(u32),
    Missing(u32),
    Pick(u64, usize, u8, [u32; 2]),
    Receive(u64, u32, u32),
    Answer(u64),
    Drop(u64, u32, u32),
    Written(u32, u32),
    WriteFailed(u32, u32),
    PieceFailed(u32),
    Restore(u32, u8),
}

fn op() -> impl Strategy<Value = Op> {
    let (peer, piece, block) = (0..PEERS, 0..PIECES + 1, 0..BLOCKS + 1);
    prop_oneof![
        2 => (peer.clone(), any::<u8>()).prop_map(|(p, h)| Op::Join(p, h)),
        1 => peer.clone().prop_map(Op::Leave),
        2 => (peer.clone(), piece.clone()).prop_map(|(p, i)| Op::Gain(p, i)),
        1 => (peer.clone(), piece.clone()).prop_map(|(p, i)| Op::Lose(p, i)),
        2 => (piece.clone(), 0u8..9).prop_map(|(i, n)| Op::Priority(i, n)),
        1 => prop::bool::weighted(0.3).prop_map(Op::Sequential),
        1 => piece.clone().prop_map(Op::Have),
        1 => piece.clone().prop_map(Op::Missing),
        12 => (peer.clone(), 0usize..9, any::<u8>(), [0..PIECES, 0..PIECES])
            .prop_map(|(p, n, mode, list)| Op::Pick(p, n, mode, list)),
        2 => (peer.clone(), piece.clone(), block.clone())
            .prop_map(|(p, i, b)| Op::Receive(p, i, b)),
        8 => peer.clone().prop_map(Op::Answer),
        2 => (peer, piece.clone(), block.clone()).prop_map(|(p, i, b)| Op::Drop(p, i, b)),
        2 => (piece.clone(), block.clone()).prop_map(|(i, b)| Op::Written(i, b)),
        1 => (piece.clone(), block).prop_map(|(i, b)| Op::WriteFailed(i, b)),
        1 => piece.clone().prop_map(Op::PieceFailed),
        1 => (piece, any::<u8>()).prop_map(|(i, b)| Op::Restore(i, b)),
    ]
}

struct Pair {
    picker: Picker,
    model: Model,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let len = u64::from(PIECES * BLOCKS * BLOCK_LEN) - 20_000;
        let geometry = Geometry::new(len, BLOCKS * BLOCK_LEN).unwrap();
        let pieces = (0..PIECES)
            .map(|piece| {
                let blocks = geometry.block_count(PieceIndex(piece)) as usize;
                Piece { priority: 4, cells: vec![Cell::default(); blocks], ..Piece::default() }
            })
            .collect();
        let model = Model { geometry, pieces, peers: BTreeMap::new(), sequential: false };
        Self { picker: Picker::new(geometry, Rng::new(seed)), model }
    }

    fn span(piece: u32, block: u32) -> BlockSpan {
        let last = piece == PIECES - 1 && block == 1;
        let length = if last { BLOCK_LEN - 20_000 % BLOCK_LEN } else { BLOCK_LEN };
        BlockSpan { piece: PieceIndex(piece), begin: block * BLOCK_LEN, length }
    }

    fn cell(&mut self, piece: u32, block: u32) -> Option<&mut Cell> {
        self.model.pieces.get_mut(piece as usize)?.cells.get_mut(block as usize)
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Join(peer, bits) => self.join(PeerKey(peer), bits),
            Op::Leave(peer) => self.leave(PeerKey(peer)),
            Op::Gain(peer, piece) => {
                if self.model.peers.get_mut(&PeerKey(peer)).is_some_and(|h| h.set(piece, true)) {
                    self.picker.peer_gained(PieceIndex(piece));
                }
            }
            Op::Lose(peer, piece) => {
                if self.model.peers.get_mut(&PeerKey(peer)).is_some_and(|h| h.set(piece, false)) {
                    self.picker.peer_lost(PieceIndex(piece));
                }
            }
            Op::Sequential(on) => {
                self.picker.set_sequential(on);
                self.model.sequential = on;
            }
            Op::Pick(peer, count, mode, list) => self.pick(PeerKey(peer), count, mode, list),
            Op::Receive(peer, piece, block) => self.receive(PeerKey(peer), piece, block),
            Op::Answer(peer) => {
                let peer = PeerKey(peer);
                let asked = (0..PIECES)
                    .flat_map(|p| (0..BLOCKS).map(move |b| (p, b)))
                    .find(|&(p, b)| self.cell(p, b).is_some_and(|c| c.asked.contains(&peer)));
                if let Some((piece, block)) = asked {
                    self.receive(peer, piece, block);
                }
            }
            Op::Drop(peer, piece, block) => {
                self.picker.request_dropped(PeerKey(peer), Self::span(piece, block));
                if let Some(cell) = self.cell(piece, block) {
                    cell.asked.remove(&PeerKey(peer));
                }
            }
            other => self.run_piece(other),
        }
        self.model.pieces.iter_mut().for_each(Piece::tidy);
    }

    fn run_piece(&mut self, op: Op) {
        match op {
            Op::Priority(piece, priority) => {
                self.picker.set_priority(PieceIndex(piece), priority);
                if let Some(p) = self.model.pieces.get_mut(piece as usize) {
                    p.priority = priority.min(7);
                }
            }
            Op::Have(piece) => {
                self.picker.set_have(PieceIndex(piece));
                if let Some(p) = self.model.pieces.get_mut(piece as usize) {
                    p.have = true;
                    p.wipe();
                }
            }
            Op::Missing(piece) => {
                self.picker.set_missing(PieceIndex(piece));
                if let Some(p) = self.model.pieces.get_mut(piece as usize) {
                    p.have = false;
                }
            }
            Op::Written(piece, block) => {
                self.picker.block_written(Self::span(piece, block));
                if let Some(cell) = self.cell(piece, block) {
                    cell.written = cell.came;
                }
            }
            Op::WriteFailed(piece, block) => {
                self.picker.block_failed(Self::span(piece, block));
                if let Some(cell) = self.cell(piece, block).filter(|c| c.came && !c.written) {
                    cell.came = false;
                }
            }
            Op::PieceFailed(piece) => {
                self.picker.piece_failed(PieceIndex(piece));
                if let Some(p) = self.model.pieces.get_mut(piece as usize) {
                    p.wipe();
                }
            }
            Op::Restore(piece, bits) => self.restore(piece, bits),
            _ => unreachable!("handled by run"),
        }
    }

    fn join(&mut self, peer: PeerKey, bits: u8) {
        if self.model.peers.contains_key(&peer) {
            return;
        }
        let mut has =
            if bits.is_multiple_of(3) { Bitset::full(PIECES) } else { Bitset::new(PIECES) };
        for piece in (0..PIECES).filter(|n| bits >> n & 1 == 1) {
            has.set(piece, true);
        }
        self.picker.peer_joined(&has);
        self.model.peers.insert(peer, has);
    }

    fn leave(&mut self, peer: PeerKey) {
        let Some(has) = self.model.peers.remove(&peer) else { return };
        self.picker.peer_left(peer, &has);
        for piece in &mut self.model.pieces {
            piece.owner = piece.owner.filter(|o| *o != peer);
            for cell in &mut piece.cells {
                cell.asked.remove(&peer);
            }
        }
    }

    fn pick(&mut self, peer: PeerKey, count: usize, bits: u8, list: [u32; 2]) {
        let Some(has) = self.model.peers.get(&peer).cloned() else { return };
        let list = list.map(PieceIndex);
        let mode = PickMode {
            only: (bits & 7 == 7).then_some(&list[..]),
            suggested: if bits & 8 != 0 { &list } else { &[] },
            whole_pieces: bits & 16 != 0,
            exclusive: bits & 96 == 96,
            spare: false,
        };
        let mut out = Vec::new();
        self.picker.pick(peer, &has, count, mode, &mut out);
        assert!(out.len() <= count);
        for span in &out {
            self.model.take(peer, *span, &mode, mode.whole_pieces);
        }
        if out.len() < count {
            let more = (0..PIECES).find_map(|p| self.model.value(peer, p, &mode, false));
            assert_eq!(more, None, "there was more to pick");
            if self.model.endgame() && !mode.exclusive {
                assert_eq!(self.model.again(peer, &mode).len(), 0, "there was more to double");
            }
        }
    }

    fn receive(&mut self, peer: PeerKey, piece: u32, block: u32) {
        let got = self.picker.received(peer, Self::span(piece, block));
        let Some(p) = self.model.pieces.get_mut(piece as usize) else {
            return assert_eq!(got, Received::Unwanted);
        };
        let (have, wanted) = (p.have, p.wanted());
        let Some(cell) = p.cells.get_mut(block as usize) else {
            return assert_eq!(got, Received::Unwanted);
        };
        if have || cell.came {
            return assert_eq!(got, Received::Duplicate);
        }
        if !wanted {
            cell.asked.remove(&peer);
            return assert_eq!(got, Received::Unwanted);
        }
        let mut asked = core::mem::take(&mut cell.asked);
        asked.remove(&peer);
        cell.came = true;
        cell.written = false;
        p.workers.insert(peer);
        let Received::Accepted { mut cancel, piece_complete } = got else {
            panic!("{got:?} for a wanted block");
        };
        cancel.sort_unstable();
        assert_eq!(cancel, asked.into_iter().collect::<Vec<_>>());
        assert_eq!(piece_complete, p.cells.iter().all(|c| c.came));
    }

    fn restore(&mut self, piece: u32, bits: u8) {
        let mut written = Bitset::new(BLOCKS);
        for block in (0..BLOCKS).filter(|b| bits >> b & 1 == 1) {
            written.set(block, true);
        }
        let all = self.picker.restore_blocks(PieceIndex(piece), &written);
        let Some(p) = self.model.pieces.get_mut(piece as usize).filter(|p| !p.have) else {
            return assert!(!all);
        };
        for (block, cell) in (0u32..).zip(&mut p.cells).filter(|(b, _)| written.get(*b)) {
            assert!(block < BLOCKS);
            *cell = Cell { came: true, written: true, ..Cell::default() };
            // Restored blocks are nobody's and make the piece a shared one.
            p.workers.extend([PeerKey(u64::MAX), PeerKey(u64::MAX - 1)]);
        }
        assert_eq!(all, p.cells.iter().all(|c| c.written));
    }

    fn compare(&self) {
        self.picker.check_invariants();
        let model = &self.model;
        assert_eq!(self.picker.in_endgame(), model.endgame());
        let wanted = model.pieces.iter().filter(|p| p.wanted()).count();
        assert_eq!(self.picker.wanted_missing() as usize, wanted);
        for has in model.peers.values() {
            let wants = has.iter().any(|p| model.pieces[p as usize].wanted());
            assert_eq!(self.picker.is_interesting(has), wants);
        }
        let copies: Vec<usize> = (0..PIECES).map(|p| model.copies(p)).collect();
        let least = copies.iter().min().copied().unwrap_or(0);
        let more = copies.iter().filter(|n| **n > least).count();
        let expected = least as f64 + more as f64 / f64::from(PIECES);
        assert!((self.picker.availability() - expected).abs() < 1e-9, "{copies:?}");
        let unfinished: Vec<_> = self.picker.unfinished();
        for (index, piece) in (0u32..).zip(&model.pieces) {
            assert_eq!(self.picker.have().get(index), piece.have);
            let all = piece.cells.iter().all(|c| c.written) && !piece.have;
            assert_eq!(self.picker.all_written(PieceIndex(index)), all);
            let saved = unfinished.iter().find(|(p, _)| p.0 == index).map(|(_, set)| set);
            for (block, cell) in (0u32..).zip(&piece.cells) {
                let known = saved.is_some_and(|set| set.get(block));
                assert_eq!(known, cell.written && !piece.have, "{index}/{block}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn agrees_with_the_model(seed: u64, ops in prop::collection::vec(op(), 1..150)) {
        let mut pair = Pair::new(seed);
        for op in ops {
            pair.run(op);
            pair.compare();
        }
    }
}

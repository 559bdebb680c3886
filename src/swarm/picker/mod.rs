//! Which block to ask whom for.
//!
//! Wanted pieces nobody works on lie in buckets by priority and availability ([`index`]); pieces
//! in progress keep the state of each block ([`partial`]); [`choose`] walks both. Seeds are one
//! number, not one more copy on every piece, so that a seed comes and goes in constant time. The
//! index is built when it is first needed and dropped when nothing is wanted: a seeding torrent
//! costs 3 bytes and 2 bits a piece, a downloading one 8 bytes more. Deliberately absent: time,
//! rates, how many requests a peer may have, disks.

mod choose;
mod index;
#[cfg(test)]
mod model;
mod partial;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use self::index::Index;
use self::partial::{Block, Partial, Worker};
use crate::base::{Bitset, BlockSpan, Geometry, PeerKey, PieceIndex, Rng};

/// How to pick for one peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct PickMode<'a> {
    /// Only these pieces may be asked for (choked with BEP 6 allowed-fast).
    pub only: Option<&'a [PieceIndex]>,
    /// Preferred when otherwise equal (BEP 6 suggestions).
    pub suggested: &'a [PieceIndex],
    /// The peer is fast enough to fetch a whole piece alone: prefer pieces nobody else works on.
    pub whole_pieces: bool,
    /// The peer sent bad data before: it gets pieces of its own, shared with nobody (parole), as
    /// long as there is anything else to do for it and for the others.
    pub exclusive: bool,
    /// Leave pieces of which peers that are not complete have a copy to those peers. What nobody
    /// else works on is gone on with.
    pub spare: bool,
}

/// How far a block is, for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockState {
    /// Nobody was asked for it.
    Missing,
    /// A peer was asked for it, or several.
    Requested,
    /// It came, and is not written yet.
    Received,
    /// The file has it.
    Written,
}

/// What a block that came in means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Wanted: write it. The others asked for the same block (endgame): cancel there.
    Accepted {
        /// Peers to cancel at.
        cancel: Vec<PeerKey>,
        /// All blocks of the piece have now been received.
        piece_complete: bool,
    },
    /// We have it or it came from another peer first.
    Duplicate,
    /// Not a block of ours, or a piece we do not want now.
    Unwanted,
}

/// The priority of a piece nobody gave one.
const USUAL: u8 = 4;

/// Pieces, their availability, their blocks in flight.
#[derive(Debug)]
pub struct Picker {
    geometry: Geometry,
    rng: Rng,
    /// Copies of each piece among the peers that are not counted in `seeds`; nothing while there
    /// is none. Saturating: more than 65535 connections of one torrent are beyond any limit.
    availability: Vec<u16>,
    seeds: u32,
    peers: usize,
    /// Nothing while all are [`USUAL`].
    priority: Vec<u8>,
    have: Bitset,
    /// Priority above 0 and not `have`.
    wanted: Bitset,
    /// Number of `wanted` pieces by priority.
    wanted_by_priority: [u32; 8],
    /// Pieces with a block that is requested or received.
    partials: BTreeMap<u32, Partial>,
    /// Those of them that are wanted and have a missing block, best first: inverted priority,
    /// availability, piece.
    open: BTreeSet<(u8, u16, u32)>,
    /// Number of wanted pieces that are not in `partials`; the index, when built, holds them.
    untouched: u32,
    index: Option<Box<Index>>,
    sequential: bool,
    /// Counts requests, so that older ones can be told from younger ones.
    serial: u32,
}

impl Picker {
    /// Nothing have, nothing requested, all priorities 4.
    #[must_use]
    pub fn new(geometry: Geometry, rng: Rng) -> Self {
        let count = geometry.piece_count();
        let mut wanted_by_priority = [0; 8];
        wanted_by_priority[usize::from(USUAL)] = count;
        Self {
            geometry,
            rng,
            availability: Vec::new(),
            seeds: 0,
            peers: 0,
            priority: Vec::new(),
            have: Bitset::new(count),
            wanted: Bitset::full(count),
            wanted_by_priority,
            partials: BTreeMap::new(),
            open: BTreeSet::new(),
            untouched: count,
            index: None,
            sequential: false,
            serial: 0,
        }
    }

    /// A peer with these pieces came.
    pub fn peer_joined(&mut self, has: &Bitset) {
        self.peers += 1;
        if self.is_seed(has) {
            self.seeds += 1;
        } else {
            has.iter().for_each(|piece| self.gain(piece));
        }
    }

    /// A peer with these pieces left: its availability goes and its requests are free again.
    pub fn peer_left(&mut self, peer: PeerKey, has: &Bitset) {
        self.peers = self.peers.saturating_sub(1);
        if !self.is_seed(has) {
            has.iter().for_each(|piece| self.lose(piece));
        } else if self.seeds > 0 {
            self.seeds -= 1;
        } else if !self.availability.is_empty()
            && self.availability.iter().all(|copies| *copies > 0)
        {
            // It became a seed piece by piece, so it is counted on each.
            self.availability.iter_mut().for_each(|copies| *copies -= 1);
            if let Some(index) = &mut self.index {
                index.lower_all();
            }
            self.reopen();
        }
        let busy: Vec<u32> = self
            .partials
            .iter()
            .filter(|(_, p)| p.requested() > 0 || p.owner == Some(peer))
            .map(|(piece, _)| *piece)
            .collect();
        for piece in busy {
            self.with_partial(piece, |partial| {
                partial.owner = partial.owner.filter(|owner| *owner != peer);
                partial.unrequest_all(peer);
            });
        }
        if self.peers == 0 && self.availability.iter().all(|copies| *copies == 0) {
            self.availability = Vec::new();
        }
    }

    /// A connected peer gained a piece.
    pub fn peer_gained(&mut self, piece: PieceIndex) {
        self.gain(piece.0);
    }

    /// A connected peer lost a piece (BEP 54).
    pub fn peer_lost(&mut self, piece: PieceIndex) {
        self.lose(piece.0);
    }

    /// Priority 0..=7 (higher ones count as 7); 0 is never picked. What was received of the piece
    /// is kept.
    pub fn set_priority(&mut self, piece: PieceIndex, priority: u8) {
        if self.geometry.contains(piece) && self.priority(piece) != priority.min(7) {
            self.unlist(piece.0);
            if self.priority.is_empty() {
                self.priority = vec![USUAL; self.geometry.piece_count() as usize];
            }
            self.priority[piece.idx()] = priority.min(7);
            self.list(piece.0);
        }
    }

    /// Priority of a piece.
    #[must_use]
    pub fn priority(&self, piece: PieceIndex) -> u8 {
        let usual =
            if self.priority.is_empty() && self.geometry.contains(piece) { USUAL } else { 0 };
        self.priority.get(piece.idx()).copied().unwrap_or(usual)
    }

    /// Lowest index first within a priority instead of rarest first.
    pub fn set_sequential(&mut self, sequential: bool) {
        self.sequential = sequential;
    }

    /// We have this piece (checked or verified): it and its requests are forgotten.
    pub fn set_have(&mut self, piece: PieceIndex) {
        if self.geometry.contains(piece) && !self.have.get(piece.0) {
            self.unlist(piece.0);
            self.partials.remove(&piece.0);
            self.have.set(piece.0, true);
            self.list(piece.0);
        }
    }

    /// We no longer have it.
    pub fn set_missing(&mut self, piece: PieceIndex) {
        if self.have.set(piece.0, false) {
            self.list(piece.0);
        }
    }

    /// Pieces we have.
    #[must_use]
    pub fn have(&self) -> &Bitset {
        &self.have
    }

    /// Whether a peer with these pieces has something we want and lack.
    #[must_use]
    pub fn is_interesting(&self, has: &Bitset) -> bool {
        has.as_bytes().iter().zip(self.wanted.as_bytes()).any(|(a, b)| a & b != 0)
    }

    /// A block came in from `peer`, asked for or not.
    pub fn received(&mut self, peer: PeerKey, span: BlockSpan) -> Received {
        let Some(block) = self.geometry.block_index(span) else { return Received::Unwanted };
        let piece = span.piece.0;
        let state = self.partials.get(&piece).and_then(|partial| partial.block(block));
        if self.have.get(piece) || matches!(state, Some(Block::Received | Block::Written)) {
            return Received::Duplicate;
        }
        if !self.wanted.get(piece) {
            self.request_dropped(peer, span);
            return Received::Unwanted;
        }
        self.begin(piece);
        let taken = self.with_partial(piece, |partial| {
            partial.work(peer);
            let mut cancel = partial.receive(block);
            cancel.retain(|other| *other != peer);
            (cancel, partial.is_complete())
        });
        match taken {
            Some((cancel, piece_complete)) => Received::Accepted { cancel, piece_complete },
            None => Received::Unwanted,
        }
    }

    /// The peer will not send this block (reject, choke without BEP 6, time-out): free for others.
    pub fn request_dropped(&mut self, peer: PeerKey, span: BlockSpan) {
        if let Some(block) = self.geometry.block_index(span) {
            self.with_partial(span.piece.0, |partial| partial.unrequest(block, peer));
        }
    }

    /// A received block is on disk (counts for the saved `unfinished`).
    pub fn block_written(&mut self, span: BlockSpan) {
        self.change_received(span, Block::Written);
    }

    /// A received block could not be written: it is missing again.
    pub fn block_failed(&mut self, span: BlockSpan) {
        self.change_received(span, Block::Missing);
    }

    /// Whether something of the piece is requested or received.
    #[must_use]
    pub fn is_begun(&self, piece: PieceIndex) -> bool {
        self.partials.contains_key(&piece.0)
    }

    /// All blocks of the piece were written.
    #[must_use]
    pub fn all_written(&self, piece: PieceIndex) -> bool {
        self.partials.get(&piece.0).is_some_and(Partial::all_written)
    }

    /// A complete piece did not pass: all its blocks are missing again.
    pub fn piece_failed(&mut self, piece: PieceIndex) {
        if self.partials.contains_key(&piece.0) {
            self.unlist(piece.0);
            self.partials.remove(&piece.0);
            self.list(piece.0);
        }
    }

    /// Blocks of the piece known to be on disk from saved state. Returns whether all of them are,
    /// so that it can be hashed.
    pub fn restore_blocks(&mut self, piece: PieceIndex, written: &Bitset) -> bool {
        if !self.geometry.contains(piece) || self.have.get(piece.0) {
            return false;
        }
        let blocks = self.geometry.block_count(piece);
        self.begin(piece.0);
        self.with_partial(piece.0, |partial| {
            for block in written.iter().filter(|block| *block < blocks) {
                partial.receive(block);
                partial.change(block, Block::Written);
                partial.worker = Some(Worker::Many);
            }
        });
        self.all_written(piece)
    }

    /// Partly received pieces with the blocks on disk.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(PieceIndex, Bitset)> {
        let pieces = self.partials.iter();
        pieces.filter_map(|(piece, p)| Some((PieceIndex(*piece), p.written()?))).collect()
    }

    /// Pieces in progress, by index: those with a block that is requested or received.
    pub fn partial_pieces(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.partials.keys().copied().map(PieceIndex)
    }

    /// How far each block of a piece is; empty for a piece that the torrent has not.
    #[must_use]
    pub fn block_states(&self, piece: PieceIndex) -> Vec<BlockState> {
        if let Some(partial) = self.partials.get(&piece.0) {
            return partial.blocks().map(|(_, block)| block.state()).collect();
        }
        let have = self.geometry.contains(piece) && self.have.get(piece.0);
        let state = if have { BlockState::Written } else { BlockState::Missing };
        vec![state; self.geometry.block_count(piece) as usize]
    }

    /// Wanted pieces we lack.
    #[must_use]
    pub fn wanted_missing(&self) -> u32 {
        self.wanted.count()
    }

    /// Copies among connected peers of the rarest piece, plus the share of pieces that have more.
    #[must_use]
    pub fn availability(&self) -> f64 {
        let least = self.availability.iter().copied().min().unwrap_or(0);
        let more = self.availability.iter().filter(|copies| **copies > least).count();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let share = f64::from(more) / f64::from(self.geometry.piece_count().max(1));
        f64::from(self.seeds) + f64::from(least) + share
    }

    /// Whether every wanted block is requested or received.
    #[must_use]
    pub fn in_endgame(&self) -> bool {
        !self.wanted.none() && self.untouched == 0 && self.open.is_empty()
    }

    /// Panics when counts and indexes do not agree.
    pub fn check_invariants(&self) {
        let (mut by_priority, mut untouched, mut open) = ([0; 8], 0, BTreeSet::new());
        for piece in 0..self.geometry.piece_count() {
            let at = PieceIndex(piece);
            let wanted = self.priority(at) > 0 && !self.have.get(piece);
            assert_eq!(self.wanted.get(piece), wanted, "piece {piece} wanted");
            assert!(self.priority(at) <= 7, "priority of {piece}");
            let partial = self.partials.get(&piece);
            assert!(partial.is_none() || !self.have.get(piece), "piece {piece} is had and partial");
            let listed = wanted && partial.is_none();
            if let Some(index) = &self.index {
                assert_eq!(index.contains(piece), listed, "piece {piece} in the index");
            }
            by_priority[usize::from(self.priority(at))] += u32::from(wanted);
            untouched += u32::from(listed);
            if wanted && partial.is_some_and(|p| p.missing() > 0) {
                open.insert(self.key(piece));
            }
        }
        assert_eq!(self.wanted_by_priority, by_priority, "wanted by priority");
        assert_eq!(self.untouched, untouched, "untouched");
        assert_eq!(self.open, open, "open pieces");
        self.partials.values().for_each(Partial::check);
        if let Some(index) = &self.index {
            let truth = |piece: u32| (self.priority(PieceIndex(piece)), self.copies(piece));
            assert_eq!(index.check(truth), untouched as usize, "index");
        }
    }

    fn is_seed(&self, has: &Bitset) -> bool {
        has.len() == self.geometry.piece_count() && has.all()
    }

    /// Counts copies piece by piece from now on.
    fn count_copies(&mut self) {
        if self.availability.is_empty() {
            self.availability = vec![0; self.geometry.piece_count() as usize];
        }
    }

    fn copies(&self, piece: u32) -> u16 {
        self.availability.get(piece as usize).copied().unwrap_or(0)
    }

    fn key(&self, piece: u32) -> (u8, u16, u32) {
        (7 - self.priority(PieceIndex(piece)), self.copies(piece), piece)
    }

    fn gain(&mut self, piece: u32) {
        let copies = self.copies(piece);
        if self.geometry.contains(PieceIndex(piece)) && copies < u16::MAX {
            self.recount(piece, copies + 1);
        }
    }

    fn lose(&mut self, piece: u32) {
        if !self.geometry.contains(PieceIndex(piece)) {
            return;
        }
        if self.copies(piece) == 0 && self.seeds > 0 {
            // One of the seeds is none any more: count it on each piece.
            self.seeds -= 1;
            self.count_copies();
            self.availability.iter_mut().for_each(|copies| *copies = copies.saturating_add(1));
            if let Some(index) = &mut self.index {
                index.raise_all();
            }
            self.reopen();
        }
        if let Some(copies) = self.copies(piece).checked_sub(1) {
            self.recount(piece, copies);
        }
    }

    /// Sets the availability to a neighbouring number.
    fn recount(&mut self, piece: u32, copies: u16) {
        let (old, at) = (self.key(piece), PieceIndex(piece));
        let priority = self.priority(at);
        self.count_copies();
        self.availability[at.idx()] = copies;
        if self.open.remove(&old) {
            self.open.insert(self.key(piece));
        }
        if let Some(index) = self.index.as_mut().filter(|index| index.contains(piece)) {
            if copies > old.1 {
                index.promote(piece, priority, old.1);
            } else {
                index.demote(piece, priority, old.1);
            }
        }
    }

    /// All availabilities changed.
    fn reopen(&mut self) {
        self.open = self.open.iter().map(|(_, _, piece)| self.key(*piece)).collect();
    }

    /// Takes a piece out of everything that depends on its state, before that changes.
    fn unlist(&mut self, piece: u32) {
        if !self.wanted.set(piece, false) {
            return;
        }
        let key = self.key(piece);
        self.wanted_by_priority[usize::from(7 - key.0)] -= 1;
        if self.partials.contains_key(&piece) {
            self.open.remove(&key);
        } else {
            self.untouched -= 1;
            if let Some(index) = &mut self.index {
                index.remove(piece, 7 - key.0, key.1);
            }
        }
    }

    /// The reverse of `unlist`, after the change.
    fn list(&mut self, piece: u32) {
        let key = self.key(piece);
        let priority = 7 - key.0;
        if priority > 0 && !self.have.get(piece) {
            self.wanted.set(piece, true);
            self.wanted_by_priority[usize::from(priority)] += 1;
            match self.partials.get(&piece) {
                Some(partial) if partial.missing() > 0 => drop(self.open.insert(key)),
                Some(_) => {}
                None => {
                    self.untouched += 1;
                    if let Some(index) = &mut self.index {
                        index.insert(piece, priority, key.1);
                    }
                }
            }
        } else if self.wanted.none() {
            self.index = None;
        }
    }

    /// Makes an existing piece one in progress. Follow up with `with_partial`.
    fn begin(&mut self, piece: u32) {
        if !self.partials.contains_key(&piece) {
            let blocks = self.geometry.block_count(PieceIndex(piece));
            self.unlist(piece);
            self.partials.insert(piece, Partial::new(blocks));
            self.list(piece);
        }
    }

    /// Changes a piece in progress; one with neither data nor requests left is in progress no
    /// more.
    fn with_partial<R>(&mut self, piece: u32, change: impl FnOnce(&mut Partial) -> R) -> Option<R> {
        let partial = self.partials.get_mut(&piece)?;
        let was_open = partial.missing() > 0;
        let result = change(partial);
        let (blank, is_open) = (partial.is_blank(), partial.missing() > 0);
        if blank {
            self.unlist(piece);
            self.partials.remove(&piece);
            self.list(piece);
        } else if was_open != is_open && self.wanted.get(piece) {
            let key = self.key(piece);
            if is_open {
                self.open.insert(key);
            } else {
                self.open.remove(&key);
            }
        }
        Some(result)
    }

    fn change_received(&mut self, span: BlockSpan, state: Block) {
        if let Some(block) = self.geometry.block_index(span) {
            self.with_partial(span.piece.0, |partial| {
                if partial.block(block) == Some(Block::Received) {
                    partial.change(block, state);
                }
            });
        }
    }
}

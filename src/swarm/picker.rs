//! Which block to ask whom for. CONTRACT SKETCH: signatures fixed.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

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
    /// The peer sent bad data before: it gets pieces of its own, shared with nobody (parole).
    pub exclusive: bool,
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

/// Pieces, their availability, their blocks in flight.
#[derive(Debug)]
pub struct Picker {
    _todo: (),
}

impl Picker {
    /// Nothing have, nothing requested, all priorities 4.
    #[must_use]
    pub fn new(geometry: Geometry, rng: Rng) -> Self {
        todo!()
    }
    /// A peer with these pieces came.
    pub fn peer_joined(&mut self, has: &Bitset) {
        todo!()
    }
    /// A peer with these pieces left: its availability goes and its requests are free again.
    pub fn peer_left(&mut self, peer: PeerKey, has: &Bitset) {
        todo!()
    }
    /// A connected peer gained a piece.
    pub fn peer_gained(&mut self, piece: PieceIndex) {
        todo!()
    }
    /// A connected peer lost a piece (BEP 54).
    pub fn peer_lost(&mut self, piece: PieceIndex) {
        todo!()
    }
    /// Priority 0..=7; 0 is never picked.
    pub fn set_priority(&mut self, piece: PieceIndex, priority: u8) {
        todo!()
    }
    /// Priority of a piece.
    #[must_use]
    pub fn priority(&self, piece: PieceIndex) -> u8 {
        todo!()
    }
    /// Lowest index first within a priority instead of rarest first.
    pub fn set_sequential(&mut self, sequential: bool) {
        todo!()
    }
    /// We have this piece (checked or verified): it and its requests are forgotten.
    pub fn set_have(&mut self, piece: PieceIndex) {
        todo!()
    }
    /// We no longer have it.
    pub fn set_missing(&mut self, piece: PieceIndex) {
        todo!()
    }
    /// Pieces we have.
    #[must_use]
    pub fn have(&self) -> &Bitset {
        todo!()
    }
    /// Whether a peer with these pieces has something we want and lack.
    #[must_use]
    pub fn is_interesting(&self, has: &Bitset) -> bool {
        todo!()
    }
    /// Appends up to `count` blocks for `peer` and notes them as requested from it. In endgame (every wanted block
    /// is requested or received) blocks in flight elsewhere are given out again, never twice to one peer.
    pub fn pick(
        &mut self,
        peer: PeerKey,
        has: &Bitset,
        count: usize,
        mode: PickMode<'_>,
        out: &mut Vec<BlockSpan>,
    ) {
        todo!()
    }
    /// A block came in from `peer`.
    pub fn received(&mut self, peer: PeerKey, span: BlockSpan) -> Received {
        todo!()
    }
    /// The peer will not send this block (reject, choke without BEP 6, time-out): free for others.
    pub fn request_dropped(&mut self, peer: PeerKey, span: BlockSpan) {
        todo!()
    }
    /// A received block is on disk (counts for the saved `unfinished`).
    pub fn block_written(&mut self, span: BlockSpan) {
        todo!()
    }
    /// A received block could not be written: it is missing again.
    pub fn block_failed(&mut self, span: BlockSpan) {
        todo!()
    }
    /// All blocks of the piece were written.
    #[must_use]
    pub fn all_written(&self, piece: PieceIndex) -> bool {
        todo!()
    }
    /// A complete piece did not pass: all its blocks are missing again.
    pub fn piece_failed(&mut self, piece: PieceIndex) {
        todo!()
    }
    /// Blocks of the piece known to be on disk from saved state. Returns whether all of them are, so that it can
    /// be hashed.
    pub fn restore_blocks(&mut self, piece: PieceIndex, written: &Bitset) -> bool {
        todo!()
    }
    /// Partly received pieces with the blocks on disk.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(PieceIndex, Bitset)> {
        todo!()
    }
    /// Wanted pieces we lack.
    #[must_use]
    pub fn wanted_missing(&self) -> u32 {
        todo!()
    }
    /// Copies among connected peers of the rarest piece, plus the share of pieces that have more.
    #[must_use]
    pub fn availability(&self) -> f64 {
        todo!()
    }
    /// Whether every wanted block is requested or received.
    #[must_use]
    pub fn in_endgame(&self) -> bool {
        todo!()
    }
    /// Panics when counts and indexes do not agree.
    pub fn check_invariants(&self) {}
}

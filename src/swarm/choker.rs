//! Whom to upload to (BEP 3, choking). CONTRACT SKETCH: signatures fixed.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use crate::base::{Instant, PeerKey, Rng};

/// A peer as the choker sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Key.
    pub peer: PeerKey,
    /// It wants something from us.
    pub interested: bool,
    /// We upload to it now.
    pub unchoked: bool,
    /// It promised blocks and did not deliver.
    pub snubbed: bool,
    /// Payload bytes it sent us since the last round.
    pub received: u64,
    /// Payload bytes we sent it since the last round.
    pub sent: u64,
    /// Payload bytes we sent it in all.
    pub sent_total: u64,
    /// When it was last unchoked, if ever.
    pub last_unchoked: Option<Instant>,
    /// When it connected.
    pub connected: Instant,
}

/// Rounds every 10 s, optimistic unchoke every 30 s, another ranking while seeding.
#[derive(Debug)]
pub struct Choker {
    _todo: (),
}

impl Choker {
    /// With this many slots, the optimistic one included.
    #[must_use]
    pub fn new(slots: u32, rng: Rng) -> Self {
        todo!()
    }
    /// New number of slots.
    pub fn set_slots(&mut self, slots: u32) {
        todo!()
    }
    /// When the next round is due.
    #[must_use]
    pub fn next_round(&self) -> Instant {
        todo!()
    }
    /// Runs a round: the peers that are to be unchoked, all others are to be choked.
    pub fn round(&mut self, now: Instant, seeding: bool, peers: &[Candidate]) -> Vec<PeerKey> {
        todo!()
    }
    /// Between rounds: whether a newly interested peer may be unchoked at once because a slot is free.
    #[must_use]
    pub fn has_free_slot(&self, unchoked: usize) -> bool {
        todo!()
    }
}

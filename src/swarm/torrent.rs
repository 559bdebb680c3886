//! The torrent machine. CONTRACT SKETCH: verbs fixed, body missing.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use std::collections::VecDeque;

use bytes::Bytes;

use super::types::{Input, Output, PeerStatus, Status, TorrentParams};
use crate::base::{Bitset, Instant, PeerKey};

/// One torrent.
#[derive(Debug)]
pub struct Torrent {
    _todo: (),
}

impl Torrent {
    /// A torrent that has done nothing yet: feed it `Input::Start`. `next_peer_key` gives keys unique in the
    /// session: keys are taken from `key_base` upwards, the driver uses another range for incoming ones.
    #[must_use]
    pub fn new(now: Instant, params: TorrentParams, key_base: u64) -> Self {
        todo!()
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        todo!()
    }

    /// The next thing to do. Call until `None` after each `handle`.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When `Input::Timeout` is due; `None` when idle (nothing to wait for).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Moves the bytes queued for `peer` out.
    pub fn take_transmit(&mut self, peer: PeerKey, out: &mut VecDeque<Bytes>) {
        todo!()
    }

    /// Whether the driver should read from sockets of this torrent now (back-pressure: too much unwritten).
    #[must_use]
    pub fn wants_input(&self) -> bool {
        todo!()
    }

    /// Snapshot.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        todo!()
    }

    /// Snapshots of the connected peers.
    #[must_use]
    pub fn peers(&self, now: Instant) -> Vec<PeerStatus> {
        todo!()
    }

    /// Pieces we have.
    #[must_use]
    pub fn have(&self) -> &Bitset {
        todo!()
    }

    /// File priorities 0..=7.
    #[must_use]
    pub fn file_priorities(&self) -> &[u8] {
        todo!()
    }

    /// Priority of a piece, 0..=7: its own when set, else the highest of its files.
    #[must_use]
    pub fn piece_priority(&self, piece: crate::base::PieceIndex) -> u8 {
        todo!()
    }

    /// Bytes of each file that are in pieces we have.
    #[must_use]
    pub fn file_progress(&self) -> Vec<u64> {
        todo!()
    }

    /// Bytes left for a tracker announce: wanted and missing ones.
    #[must_use]
    pub fn left(&self) -> u64 {
        todo!()
    }

    /// Panics when an invariant is broken. For the simulator and debug builds.
    pub fn check_invariants(&self) {}
}

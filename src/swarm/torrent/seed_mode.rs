//! Seed mode: content taken for good by its files' sizes; each piece is hashed when it is first
//! asked for, before a byte of it goes out.
//!
//! A piece that does not match ends the mode: what was not verified by then is checked, beside the
//! exchange of pieces. Deliberately absent: when content may be taken for good (`swarm::load`).

use super::Torrent;
use crate::base::{Bitset, PieceIndex};

impl Torrent {
    /// Whether the piece counts as had although nobody ever hashed it.
    pub(super) fn is_unverified(&self, piece: PieceIndex) -> bool {
        self.verified.as_ref().is_some_and(|verified| !verified.get(piece.0))
    }

    /// Somebody asks for the piece.
    pub(super) fn verify_first(&mut self, piece: PieceIndex) {
        if self.is_unverified(piece) && !self.pending.contains_key(&piece) {
            self.check.queue.insert(piece.0);
        }
    }

    /// The piece was hashed and is right.
    pub(super) fn note_verified(&mut self, piece: PieceIndex) {
        let Some(verified) = &mut self.verified else { return };
        verified.set(piece.0, true);
        if verified.all() {
            self.verified = None;
            self.state_changed();
        } else {
            self.saver.changed(self.now, crate::swarm::types::SaveConditions::PROGRESS);
        }
    }

    /// The content is not what it was taken for.
    pub(super) fn leave_seed_mode(&mut self) {
        let Some(verified) = self.verified.take() else { return };
        let mut rest: Bitset = self.picker.have().clone();
        rest.subtract(&verified);
        self.check.asked.extend(rest.iter());
        self.check.open = true;
        self.begin_check(true);
        self.state_changed();
    }
}

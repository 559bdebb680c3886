//! The dirty window's part in the torrent: what waits for an entry of the journal, and goes on.
//!
//! Three things wait. Blocks of a piece that is not entered are held, and count as unwritten. A
//! verified piece that is not entered does not count as had. A piece that saved state may claim
//! although we lost it is not fetched before something durable says so. Deliberately absent: which
//! pieces need what (`swarm::window`).

use bytes::Bytes;

use super::{Output, Phase, Torrent};
use crate::base::{BlockSpan, PieceIndex};
use crate::swarm::types::{DiskOp, Notice};

impl Torrent {
    /// Hands the next entry out.
    pub(super) fn pump_journal(&mut self) {
        if let Some(entry) = self.window.next_entry(self.now) {
            self.out.push_back(Output::Journal(entry));
        }
    }

    pub(super) fn on_journaled(&mut self, mark: u64, result: Result<(), i32>) {
        if !self.window.answered(self.now, &self.info, mark, result.is_ok()) {
            return;
        }
        if let Err(code) = result {
            self.notice(Notice::JournalFailed(code));
        }
        self.go_on();
    }

    /// What waited for the window looks again.
    pub(super) fn go_on(&mut self) {
        self.release_writes();
        let waiting = self.pending.iter().filter(|(_, p)| p.waits_for_window());
        let waiting: Vec<(PieceIndex, bool)> =
            waiting.map(|(piece, p)| (*piece, p.is_barred())).collect();
        for (piece, barred) in waiting {
            if !barred {
                self.accept(piece);
            } else if !self.window.is_owed(piece) {
                self.fetch_again(piece);
            }
        }
    }

    fn release_writes(&mut self) {
        let ready = self.held.keys().filter(|p| self.window.may_write(&self.info, **p));
        let ready: Vec<PieceIndex> = ready.copied().collect();
        for piece in &ready {
            let Some(held) = self.held.remove(piece) else { continue };
            for (span, data) in held.blocks {
                self.hand_over(span, data);
            }
            if held.hash {
                self.hash_piece(*piece, false);
            }
        }
        if !ready.is_empty() && matches!(self.phase, Phase::Closing(_) | Phase::Paused) {
            // The disk may hold them back to write them together, and no more are coming.
            self.sync(false);
        }
    }

    /// Writes a block as soon as its piece is entered.
    pub(super) fn write(&mut self, span: BlockSpan, data: Bytes) {
        self.window.open(&self.info, span.piece);
        if self.window.may_write(&self.info, span.piece) {
            self.hand_over(span, data);
        } else {
            let held = self.held.entry(span.piece).or_default();
            held.blocks.push((span, data));
        }
    }

    /// Gives a block to the disk. Only now is it what the next sync makes durable: one that began
    /// while the block was held did not cover it.
    fn hand_over(&mut self, span: BlockSpan, data: Bytes) {
        self.io.unsynced.insert(span.piece);
        self.disk(DiskOp::Write(span, data));
    }

    /// Asks for the hash of a piece whose blocks have all come.
    pub(super) fn hash_received(&mut self, piece: PieceIndex) {
        if self.held.contains_key(&piece) {
            if let Some(held) = self.held.get_mut(&piece) {
                held.hash = true;
            }
        } else {
            self.hash_piece(piece, false);
        }
    }

    /// Saved state may claim a piece that is not ours: it is not overwritten before something
    /// durable says otherwise.
    pub(super) fn owe(&mut self, piece: PieceIndex) {
        self.window.owe(piece, self.saver.generation());
        if self.window.is_owed(piece) {
            self.lock(piece);
            self.pending.insert(piece, super::pieces::Pending::barred());
            if self.window.mark().is_none() {
                self.saver.want();
            }
        }
    }
}

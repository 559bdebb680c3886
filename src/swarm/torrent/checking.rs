//! Checks: hashing pieces that are not trusted, in order, a few at a time.
//!
//! Before the torrent runs for the first time a check of everything keeps peers out. Any other runs
//! beside the exchange of pieces: only those under check are neither served nor asked for, and who
//! asks for one of them waits. A piece we had stays ours until its hash says otherwise; one that
//! is found goes to the verifier like a downloaded piece, unless we had it before. Deliberately
//! absent: what to check at a start (`swarm::load`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Phase, Torrent};
use crate::base::{Bitset, BlockSpan, Look, PeerKey, PieceIndex};
use crate::proto::peer::Message;
use crate::swarm::lazy::Part;
use crate::swarm::load;
use crate::swarm::types::{DiskOp, Notice, SaveConditions, TorrentState};

/// Pieces a check keeps with the disk: sixteen hashed side by side by each of two threads, and as
/// many waiting.
const CHECK_PIECES: u32 = 64;
/// Bytes it keeps there of short pieces, so that no thread waits for us.
const CHECK_BYTES: u32 = 16 << 20;

/// The check under way.
#[derive(Debug)]
pub(super) struct Check {
    /// Pieces to hash, in order.
    pub(super) queue: BTreeSet<u32>,
    /// Pieces the host asked for, until the files were looked at.
    pub(super) asked: BTreeSet<u32>,
    /// Pieces saved state claimed or we had.
    pub(super) expected: Bitset,
    /// Blocks to restore when the piece as a whole is not there.
    pub(super) unfinished: BTreeMap<PieceIndex, Bitset>,
    /// Pieces of this check, pieces hashed so far, pieces taken from saved state.
    pub(super) total: u32,
    pub(super) hashed: u32,
    pub(super) restored: u32,
    /// A check is to be reported when its last piece is done.
    pub(super) open: bool,
    /// It is of all pieces: nothing is fetched meanwhile.
    pub(super) halts: bool,
}

impl Check {
    /// No check.
    const fn blank() -> Self {
        Self {
            queue: BTreeSet::new(),
            asked: BTreeSet::new(),
            expected: Bitset::EMPTY,
            unfinished: BTreeMap::new(),
            total: 0,
            hashed: 0,
            restored: 0,
            open: false,
            halts: false,
        }
    }

    /// Notes a piece, of so many, that is to be found.
    pub(super) fn expect(&mut self, piece: u32, pieces: u32) {
        if self.expected.is_empty() {
            self.expected = Bitset::new(pieces);
        }
        self.expected.set(piece, true);
    }
}

impl Part for Check {
    const BLANK: &'static Self = &Self::blank();

    fn fresh() -> Self {
        Self::blank()
    }

    fn is_blank(&self) -> bool {
        let counts = self.total == 0 && self.hashed == 0 && self.restored == 0;
        let told = self.expected.none() && self.unfinished.is_empty();
        let wanted = !self.queue.is_empty() || !self.asked.is_empty();
        !wanted && told && counts && !self.open && !self.halts
    }
}

impl Torrent {
    /// The host wants pieces hashed again.
    pub(super) fn recheck(&mut self, pieces: core::ops::Range<u32>) {
        let over = matches!(self.phase, Phase::Closing(_) | Phase::Closed);
        if !self.flags.loaded || self.sought.is_some() || over {
            return;
        }
        self.check.asked.extend(pieces.filter(|p| *p < self.info.piece_count()));
        self.check.open = true;
        if !matches!(self.phase, Phase::Failed | Phase::Stat { .. }) {
            // An absent disk would look like lost pieces.
            self.disk(DiskOp::Stat);
        }
    }

    /// The files were looked at for a check while the torrent is up.
    pub(super) fn recheck_now(&mut self, look: &Look) {
        if self.check.asked.is_empty() {
            return;
        }
        if load::is_storage_missing(&self.info, self.picker.have(), look, self.root) {
            self.storage_missing();
            return;
        }
        let beside = matches!(self.phase, Phase::Running | Phase::Preparing);
        self.begin_check(beside);
    }

    /// Starts to work the queue off: beside the exchange of pieces, or before it.
    pub(super) fn begin_check(&mut self, beside: bool) {
        let asked = core::mem::take(&mut self.check.asked);
        self.check.queue.extend(asked);
        // A piece on its way to being ours is being hashed anyway.
        let pending: Vec<u32> = self.pending.keys().chain(self.held.keys()).map(|p| p.0).collect();
        for piece in pending {
            self.check.queue.remove(&piece);
        }
        let queued = u32::try_from(self.check.queue.len()).unwrap_or(u32::MAX);
        self.check.total = self.check.hashed.saturating_add(queued);
        self.keep_parts();
        if !beside {
            self.set_phase(Phase::Checking);
            return;
        }
        if queued == self.info.piece_count() {
            self.check.halts = true;
            self.withdraw(|_| true);
        } else {
            let (have, queue) = (self.picker.have(), &self.check.queue);
            let fetched = queue.iter().copied().filter(|p| !have.get(*p)).map(PieceIndex);
            for piece in fetched.collect::<Vec<_>>() {
                self.lock(piece);
            }
            let locked = self.check.queue.clone();
            self.withdraw(|span| locked.contains(&span.piece.0));
        }
        self.refresh_state();
    }

    /// Remembers which blocks are there of pieces under check.
    fn keep_parts(&mut self) {
        if self.check.queue.is_empty() {
            return;
        }
        for (piece, blocks) in self.picker.unfinished() {
            if self.check.queue.contains(&piece.0) {
                self.check.unfinished.entry(piece).or_insert(blocks);
            }
        }
    }

    /// Keeps the picker from fetching a piece.
    pub(super) fn lock(&mut self, piece: PieceIndex) {
        let all = Bitset::full(self.info.geometry.block_count(piece));
        self.picker.restore_blocks(piece, &all);
    }

    /// Takes requests back that peers have of ours.
    pub(super) fn withdraw(&mut self, which: impl Fn(&BlockSpan) -> bool) {
        let mut taken: Vec<(PeerKey, BlockSpan)> = Vec::new();
        for (key, peer) in &self.peers {
            let spans = peer.outstanding.iter().map(|sent| sent.span);
            taken.extend(spans.filter(|span| which(span)).map(|span| (*key, span)));
        }
        for (key, span) in taken {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.give_up(span);
            }
            self.picker.request_dropped(key, span);
            self.send(key, Message::Cancel(span));
            self.touched.insert(key);
        }
        if self.phase != Phase::Running {
            self.touched.clear();
        }
    }

    /// Whether the piece is under check, or has to be before it is served.
    pub(super) fn is_suspect(&self, piece: PieceIndex) -> bool {
        self.check.queue.contains(&piece.0)
            || self.pending.get(&piece).is_some_and(super::pieces::Pending::is_checking)
            || self.is_unverified(piece)
    }

    /// Pieces a check keeps with the disk.
    fn check_concurrency(&self) -> u32 {
        match self.tuning.check_concurrency {
            0 => CHECK_PIECES.max(CHECK_BYTES / self.info.geometry.piece_len().max(1)),
            pieces => pieces,
        }
    }

    /// Keeps enough pieces of the check with the disk; ends the check after the last.
    pub(super) fn pump_check(&mut self) {
        let up = matches!(self.phase, Phase::Preparing | Phase::Running | Phase::Paused);
        if self.phase != Phase::Checking && (!up || self.check.is_blank()) {
            return;
        }
        while self.io.hashes_out < self.check_concurrency() {
            let Some(piece) = self.check.queue.pop_first().map(PieceIndex) else { break };
            if self.pending.contains_key(&piece) {
                self.check.total = self.check.total.saturating_sub(1);
                continue;
            }
            self.hash_piece(piece, true);
        }
        let busy = self.pending.values().any(|p| p.is_checking()) || !self.repair.rescue.is_empty();
        if self.check.queue.is_empty() && self.check.asked.is_empty() && !busy {
            self.end_check();
        }
    }

    fn end_check(&mut self) {
        if core::mem::take(&mut self.check.open) {
            let restored = core::mem::take(&mut self.check.restored);
            let (have, hashed) = (self.picker.have().count(), self.check.hashed);
            self.notice(Notice::Checked { have, hashed, restored });
            if !self.flags.as_saved {
                self.saver.changed(self.now, SaveConditions::STATE);
            }
        }
        self.check.hashed = 0;
        self.check.total = 0;
        self.check.restored = 0;
        self.check.unfinished.clear();
        self.check.expected = Bitset::EMPTY;
        self.check.halts = false;
        if self.phase != Phase::Checking {
            self.refresh_state();
            self.touch_all();
            return;
        }
        self.repair.poisoned = false;
        self.repair.suspect.clear();
        if self.user_paused {
            self.set_phase(Phase::Paused);
        } else {
            self.prepare();
        }
        self.flags.as_saved = false;
    }

    /// A piece as the check found it.
    pub(super) fn checked(&mut self, piece: PieceIndex, found: bool) {
        self.check.hashed += 1;
        self.io.behind = true;
        self.counters.pieces_hashed += 1;
        let had = self.picker.have().get(piece.0);
        let expected = self.check.expected.set(piece.0, false);
        let partial = self.check.unfinished.remove(&piece);
        self.serve_again();
        if found {
            if had {
                self.pending.remove(&piece);
                self.note_verified(piece);
                return;
            }
            // Known good blocks keep the picker from fetching it while the verifier thinks.
            self.lock(piece);
            if self.repair.rewrites.remove(&piece) {
                self.rewrite(piece);
            } else {
                self.decide(piece, true);
            }
            return;
        }
        self.pending.remove(&piece);
        if self.repair.rewrites.remove(&piece) {
            self.rescue(piece);
        }
        if had {
            self.lose(piece);
            self.leave_seed_mode();
        } else {
            self.picker.piece_failed(piece);
            if expected {
                self.owe(piece);
            }
        }
        if had || expected {
            self.counters.pieces_failed += 1;
            self.notice(Notice::PieceFailed(piece));
        }
        if let Some(blocks) = partial.filter(|_| !self.pending.contains_key(&piece)) {
            self.restore_blocks(piece, &blocks);
        }
        self.saver.changed(self.now, SaveConditions::PROGRESS);
        self.refresh_state();
        self.touch_all();
    }

    /// Those who wait for a piece under check get another look.
    fn serve_again(&mut self) {
        if self.phase == Phase::Running {
            let waiting = self.peers.iter().filter(|(_, p)| !p.in_queue.is_empty());
            self.touched.extend(waiting.map(|(key, _)| *key));
        }
    }

    /// Whether a check of the content as a whole is under way, and how far.
    pub(super) fn check_progress(&self) -> Option<f64> {
        (self.state == TorrentState::Checking && self.check.total > 0)
            .then(|| f64::from(self.check.hashed) / f64::from(self.check.total))
    }
}

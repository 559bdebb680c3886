//! Looking at the files, checking them, becoming active; checks asked for later.
//!
//! A check keeps peers out and hashes pieces in order, a few at a time. A piece we had stays ours
//! until its hash says otherwise; one that is found goes to the verifier like a downloaded piece,
//! unless we had it before. Deliberately absent: the decision what to trust (`swarm::load`).

use std::collections::{BTreeMap, BTreeSet};

use super::{Phase, Torrent};
use crate::base::{Bitset, DiskError, FileStat, PieceIndex};
use crate::codec::resume::Resume;
use crate::proto::tracker::AnnounceEvent;
use crate::swarm::lazy::Part;
use crate::swarm::load;
use crate::swarm::types::{DiskAnswer, DiskOp, DiskOpKind, Notice, TorrentState};

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
}

impl Check {
    /// No check.
    const fn blank() -> Self {
        Self {
            queue: BTreeSet::new(),
            expected: Bitset::EMPTY,
            unfinished: BTreeMap::new(),
            total: 0,
            hashed: 0,
            restored: 0,
            open: false,
        }
    }

    /// Notes a piece, of so many, that is to be found.
    fn expect(&mut self, piece: u32, pieces: u32) {
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
        self.queue.is_empty() && told && counts && !self.open
    }
}

impl Torrent {
    pub(super) fn on_start(&mut self) {
        if self.sought.is_some() && self.phase == Phase::New {
            self.start_seeking();
        } else if self.phase == Phase::New {
            self.set_phase(Phase::Stat { retry: false });
            self.disk(DiskOp::Stat);
        }
    }

    pub(super) fn on_disk(&mut self, answer: DiskAnswer) {
        match answer {
            DiskAnswer::Stats(result) => self.on_stats(result),
            DiskAnswer::Done(kind, result) => self.on_done(kind, result),
            DiskAnswer::Written(span, result) => self.on_written(span, result),
            DiskAnswer::Read(peer, span, result) => self.on_read(peer, span, result),
            DiskAnswer::Hashed(piece, result) => self.on_hashed(piece, result),
            DiskAnswer::Synced(ticket, result) => self.on_synced(ticket, result),
            DiskAnswer::Moved(result) => self.on_moved(result),
        }
    }

    fn on_stats(&mut self, result: Result<Vec<Option<FileStat>>, DiskError>) {
        let Phase::Stat { retry } = self.phase else { return };
        match result {
            Err(error) => self.fail_disk(error),
            Ok(stats) => {
                if retry && self.flags.loaded {
                    self.plan_retry(&stats);
                } else {
                    self.plan_load(&stats);
                    self.tell_restored();
                }
                self.stats = super::saving::stamps(&stats);
                self.begin_check();
            }
        }
    }

    /// First look: saved state against files.
    fn plan_load(&mut self, stats: &[Option<FileStat>]) {
        let loaded = self.loading.take().filter(|r| r.pieces.is_some() || r.seed_mode);
        let plan = load::plan(
            &self.info,
            loaded.as_deref(),
            stats,
            self.file_priorities(),
            self.load_policy,
        );
        self.flags.loaded = true;
        let loaded = loaded.as_deref();
        let as_saved = loaded.is_some_and(|saved| self.is_as_saved(saved, &plan));
        for piece in plan.restored.iter().map(PieceIndex) {
            self.picker.set_have(piece);
            self.accounts.gained(&self.info, piece);
        }
        self.flags.as_saved = as_saved;
        self.durable = plan.restored.clone();
        self.counters.pieces_restored = plan.restored.count();
        self.check.restored = plan.restored.count();
        self.check.expected = plan.expected;
        self.check.queue = plan.check.iter().collect();
        // The first look is reported even when there was nothing to see: hosts wait for it.
        self.check.open = true;
        for (piece, blocks) in plan.unfinished {
            if self.check.queue.contains(&piece.0) {
                self.check.unfinished.insert(piece, blocks);
            } else {
                self.restore_blocks(piece, &blocks);
            }
        }
        if let Some(saved) = loaded.filter(|_| !plan.restored.all()) {
            self.recall_peers(saved);
        }
        if let Some(rejected) = plan.rejected {
            self.notice(Notice::ResumeRejected {
                partial: rejected.partial,
                file: Some(rejected.file),
                reason: rejected.reason,
                pieces: rejected.pieces,
            });
        }
    }

    /// Whether the torrent goes on exactly as its own saved state left it, with nothing to fetch:
    /// then starting it is no change worth saving.
    fn is_as_saved(&self, saved: &Resume, plan: &load::Plan) -> bool {
        let same = saved.paused == self.user_paused && saved.sequential == self.sequential;
        let clean = saved.tern.as_ref().is_some_and(|tern| tern.clean);
        same && clean && plan.restored.all()
    }

    /// After an error: what was not durable, and what the files are too short for, is hashed.
    fn plan_retry(&mut self, stats: &[Option<FileStat>]) {
        if self.repair.poisoned {
            self.plan_rescue();
        }
        let priorities = &self.accounts.file_priority;
        let short = load::shortfall(&self.info, self.picker.have(), stats, priorities);
        let again: BTreeSet<u32> =
            core::mem::take(&mut self.repair.rehash).into_iter().chain(short).collect();
        for piece in again {
            self.check.expect(piece, self.info.piece_count());
            self.check.queue.insert(piece);
        }
        self.check.open |= !self.check.queue.is_empty();
        for (piece, pending) in &mut self.pending {
            if pending.retry() {
                self.out.push_back(super::Output::Disk(DiskOp::Hash(*piece)));
                self.io.hashes_out += 1;
            }
        }
    }

    fn restore_blocks(&mut self, piece: PieceIndex, blocks: &Bitset) {
        if !self.picker.have().get(piece.0) && self.picker.restore_blocks(piece, blocks) {
            self.hash_piece(piece, false);
        }
    }

    pub(super) fn begin_check(&mut self) {
        // A piece on its way to being ours is being hashed anyway.
        let pending: Vec<u32> = self.pending.keys().map(|p| p.0).collect();
        for piece in pending {
            self.check.queue.remove(&piece);
        }
        let queued = u32::try_from(self.check.queue.len()).unwrap_or(u32::MAX);
        self.check.total = self.check.hashed.saturating_add(queued);
        self.set_phase(Phase::Checking);
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
        if self.phase != Phase::Checking {
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
        if self.check.queue.is_empty() && !busy {
            self.repair.poisoned = false;
            self.repair.suspect.clear();
            self.end_check();
        }
    }

    fn end_check(&mut self) {
        if core::mem::take(&mut self.check.open) {
            let restored = core::mem::take(&mut self.check.restored);
            let (have, hashed) = (self.picker.have().count(), self.check.hashed);
            self.notice(Notice::Checked { have, hashed, restored });
            if !self.flags.as_saved {
                self.saver.changed(self.now);
            }
        }
        self.check.hashed = 0;
        self.check.total = 0;
        if self.user_paused {
            self.set_phase(Phase::Paused);
        } else {
            self.prepare();
        }
        self.flags.as_saved = false;
    }

    /// Creates what has to exist, then runs.
    pub(super) fn prepare(&mut self) {
        self.set_phase(Phase::Preparing);
        if self.is_laid_out() {
            self.flags.prepared = true;
            self.run();
        } else {
            self.disk(DiskOp::Prepare);
        }
    }

    /// Whether the last look at the files left nothing to create.
    fn is_laid_out(&self) -> bool {
        let there = |at: usize| self.stats.get(at).is_some_and(Option::is_some);
        let mut files = self.info.files.iter().enumerate();
        let whole = self.is_complete() && self.accounts.all_wanted() && !self.carried.preallocate;
        whole && files.all(|(at, f)| f.attr.padding || (f.symlink.is_none() && there(at)))
    }

    /// A piece as the check found it.
    pub(super) fn checked(&mut self, piece: PieceIndex, found: bool) {
        self.check.hashed += 1;
        self.io.behind = true;
        self.counters.pieces_hashed += 1;
        let had = self.picker.have().get(piece.0);
        let expected = self.check.expected.set(piece.0, false);
        let partial = self.check.unfinished.remove(&piece);
        if found {
            if had {
                self.pending.remove(&piece);
                return;
            }
            // Known good blocks keep the picker from fetching it while the verifier thinks.
            let all = Bitset::full(self.info.geometry.block_count(piece));
            self.picker.restore_blocks(piece, &all);
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
        }
        if had || expected {
            self.counters.pieces_failed += 1;
            self.notice(Notice::PieceFailed(piece));
        }
        if let Some(blocks) = partial {
            self.restore_blocks(piece, &blocks);
        }
        self.saver.changed(self.now);
    }

    fn on_done(&mut self, kind: DiskOpKind, result: Result<(), DiskError>) {
        match (kind, result) {
            (DiskOpKind::Rename(file), result) => self.on_renamed(file, result),
            (DiskOpKind::Release, _) => self.on_released(),
            (DiskOpKind::Prepare, Ok(())) => {
                self.io.behind = true;
                self.flags.prepared = true;
                if self.phase == Phase::Preparing {
                    self.run();
                }
            }
            (DiskOpKind::SetPriorities, Ok(())) => self.io.behind = true,
            (DiskOpKind::Prepare | DiskOpKind::SetPriorities, Err(error)) => self.fail_disk(error),
        }
    }

    fn run(&mut self) {
        if self.times.completed.0 == 0 {
            // Counted once per torrent, and never for content that was there from the start.
            if self.is_complete() {
                self.times.completed = self.unix();
            } else {
                self.flags.completed_due = true;
            }
        }
        self.set_phase(Phase::Running);
        self.welcome_kept();
        if !self.flags.announced {
            self.flags.announced = true;
            self.out.push_back(super::Output::Announce(AnnounceEvent::Started));
        }
    }

    /// Whether a check of the content as a whole is under way, and how far.
    pub(super) fn check_progress(&self) -> Option<f64> {
        (self.state == TorrentState::Checking && self.check.total > 0)
            .then(|| f64::from(self.check.hashed) / f64::from(self.check.total))
    }
}

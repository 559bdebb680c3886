//! Looking at the files and becoming active. Deliberately absent: the decision what to trust
//! (`swarm::load`), hashing (`checking`).

use std::collections::BTreeSet;

use super::{Phase, Torrent};
use crate::base::{Bitset, DiskError, FileStat, Look, PieceIndex};
use crate::codec::resume::Resume;
use crate::proto::tracker::AnnounceEvent;
use crate::swarm::load;
use crate::swarm::types::{DiskAnswer, DiskOp, DiskOpKind, Notice};

/// What the system says of what is not there.
const ENOENT: i32 = 2;

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

    fn on_stats(&mut self, result: Result<Look, DiskError>) {
        let look = match result {
            Ok(look) => look,
            Err(error) => return self.fail_disk(error),
        };
        let Phase::Stat { retry } = self.phase else { return self.recheck_now(&look) };
        let again = retry && self.flags.loaded;
        if self.lacks_storage(&look) {
            return self.storage_missing();
        }
        let beside = if again { self.plan_retry(&look.files) } else { self.plan_load(&look.files) };
        if !again {
            self.tell_restored();
        }
        self.stats = super::saving::stamps(&look.files);
        self.root = look.root.or(self.root);
        if beside && !self.user_paused {
            self.prepare();
            self.begin_check(true);
        } else {
            self.begin_check(false);
        }
    }

    /// Whether the disk with our pieces is not there at all.
    fn lacks_storage(&self, look: &Look) -> bool {
        let Some(loading) = &self.loading else {
            return load::is_storage_missing(&self.info, self.picker.have(), look, self.root);
        };
        let Some(saved) = &loading.resume else { return false };
        let root = saved.tern.as_ref().and_then(|t| t.root);
        let claimed = match saved.have(self.info.piece_count()) {
            _ if saved.seed_mode => Bitset::full(self.info.piece_count()),
            Some((have, _)) => have,
            None => return false,
        };
        load::is_storage_missing(&self.info, &claimed, look, root)
    }

    /// Stops: nothing is thrown away, and the next start looks again.
    pub(super) fn storage_missing(&mut self) {
        self.notice(Notice::StorageMissing);
        self.fail_disk(DiskError {
            op: "stat",
            file: None,
            path: String::from_utf8_lossy(&self.carried.save_path).into_owned().into(),
            os_errno: ENOENT,
            message: "the content's directory is not there, or its disk is not mounted".into(),
        });
    }

    /// First look: saved state against files. Whether what is to be checked leaves something to do
    /// beside it.
    fn plan_load(&mut self, stats: &[Option<FileStat>]) -> bool {
        let loading = self.loading.take();
        let loading = loading.as_deref();
        let saved = loading.and_then(|l| l.resume.as_deref());
        let saved = saved.filter(|r| r.pieces.is_some() || r.seed_mode);
        let found = load::Evidence {
            resume: saved,
            window: loading.and_then(|l| l.window.as_ref()),
            seed_mode: loading.is_some_and(|l| l.seed_mode),
            stats,
            priorities: self.file_priorities(),
        };
        let plan = load::plan(&self.info, found, self.load_policy);
        self.flags.loaded = true;
        let as_saved = saved.is_some_and(|saved| self.is_as_saved(saved, &plan));
        for piece in plan.restored.iter().map(PieceIndex) {
            self.picker.set_have(piece);
            self.accounts.gained(&self.info, piece);
        }
        self.flags.as_saved = as_saved;
        self.durable = plan.restored.clone();
        self.verified = plan.verified.filter(|v| !v.all()).map(Box::new);
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
        if let Some(saved) = saved.filter(|_| !plan.restored.all()) {
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
        !self.check.queue.is_empty() && !plan.restored.none()
    }

    /// Whether the torrent goes on exactly as its own saved state left it, with nothing to fetch:
    /// then starting it is no change worth saving.
    fn is_as_saved(&self, saved: &Resume, plan: &load::Plan) -> bool {
        let same = saved.paused == self.user_paused && saved.sequential == self.sequential;
        let clean = saved.tern.as_ref().is_some_and(|tern| tern.clean);
        same && clean && plan.restored.all()
    }

    /// After an error: what was not durable, and what the files are too short for, is hashed. The
    /// answer is that of [`Self::plan_load`].
    fn plan_retry(&mut self, stats: &[Option<FileStat>]) -> bool {
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
        let checks = !self.check.queue.is_empty() || !self.check.asked.is_empty();
        checks && !self.repair.poisoned && !self.picker.have().none()
    }

    pub(super) fn restore_blocks(&mut self, piece: PieceIndex, blocks: &Bitset) {
        if !self.picker.have().get(piece.0) && self.picker.restore_blocks(piece, blocks) {
            self.hash_piece(piece, false);
        }
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
}

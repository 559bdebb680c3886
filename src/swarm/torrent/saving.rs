//! Saved state: what is durable, what goes into a blob, how host and disk answer.
//!
//! A piece bit enters a blob only when a sync that began after the piece was accepted has
//! succeeded. Pieces accepted since, pieces without a verdict and pieces under way are listed as
//! `dirty`: after a crash they are hashed, so nothing that reached the disk is fetched twice.
//! Deliberately absent: the encoding (`codec::resume`), when to save (`swarm::resume`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::{Output, Phase, Torrent};
use crate::base::{Bitset, DiskError, FileIndex, FileStat, Instant, PieceIndex, Synced, UnixTime};
use crate::codec::resume::{Pieces, Resume, TernKeys};
use crate::swarm::lazy::Part;
use crate::swarm::resume::Answered;
use crate::swarm::types::{DiskOp, Notice, SaveConditions, SaveOutcome, SaveVerdict, TorrentState};

/// Peers kept in saved state.
const SAVED_PEERS: usize = 100;
/// Active seconds that are a reason to save at a close that has no other.
const TIME_WORTH_SAVING: u64 = 60;
/// Version of our own keys.
const TERN_VERSION: u32 = 1;

/// Size and modification time of a file in ns since 1970, as far as saved state can say it.
pub(super) type Stamp = (u64, i64);

fn stamp(stat: &FileStat) -> Stamp {
    let bounded = stat.mtime_ns.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    (stat.size, i64::try_from(bounded).unwrap_or(0))
}

/// What saved state says of files.
pub(super) fn stamps(stats: &[Option<FileStat>]) -> Box<[Option<Stamp>]> {
    stats.iter().map(|stat| stat.as_ref().map(stamp)).collect()
}

/// A sync with the disk.
#[derive(Debug)]
pub(super) struct SyncJob {
    pub(super) ticket: u64,
    /// What it makes durable.
    claim: Bitset,
    unfinished: Vec<(PieceIndex, Bitset)>,
    /// Pieces written to since the one before.
    pieces: BTreeSet<PieceIndex>,
    /// The saver waits for it.
    for_save: bool,
}

/// Durations of earlier sessions and of this one, and time stamps.
#[derive(Debug)]
pub(super) struct Times {
    since: Instant,
    active: u64,
    finished: u64,
    seeding: u64,
    pub(super) added: UnixTime,
    pub(super) completed: UnixTime,
    /// Active seconds in the last saved state.
    kept: u64,
}

impl Times {
    /// From the loaded blob.
    pub(super) fn new(base: Option<&Resume>, now: UnixTime) -> Self {
        let blank = Resume::default();
        let base = base.unwrap_or(&blank);
        let added = if base.added_time.0 > 0 { base.added_time } else { now };
        Self {
            since: Instant::ZERO,
            active: base.active_time,
            finished: base.finished_time,
            seeding: base.seeding_time,
            added,
            completed: base.completed_time,
            kept: base.active_time,
        }
    }

    /// Adds the time spent in `state` until now.
    pub(super) fn advance(&mut self, now: Instant, state: TorrentState) {
        let (active, finished, seeding) = self.at(now, state);
        (self.active, self.finished, self.seeding) = (active, finished, seeding);
        self.since = now;
    }

    /// Whether so much time passed since the last saved state that it is a loss.
    pub(super) fn worth_saving(&self) -> bool {
        self.active.saturating_sub(self.kept) >= TIME_WORTH_SAVING
    }

    /// Active, finished and seeding seconds.
    pub(super) fn at(&self, now: Instant, state: TorrentState) -> (u64, u64, u64) {
        let secs = now.since(self.since).as_secs();
        let done = matches!(state, TorrentState::Finished | TorrentState::Seeding);
        let active = done || state == TorrentState::Downloading;
        let seeding = state == TorrentState::Seeding;
        let add = |base: u64, yes: bool| if yes { base + secs } else { base };
        (add(self.active, active), add(self.finished, done), add(self.seeding, seeding))
    }
}

impl Torrent {
    /// Whether a save may begin: not before we know what we have, nor between a failed sync and the
    /// repair of what it lost. A close takes its chance.
    pub(super) fn can_save(&self) -> bool {
        let repairing = matches!(self.phase, Phase::Failed | Phase::Stat { .. } | Phase::Checking);
        self.flags.loaded && !(self.repair.poisoned && repairing)
    }

    /// Begins a save when one is due.
    pub(super) fn pump_save(&mut self) {
        if !self.can_save() || !self.saver.begin(self.now) {
            return;
        }
        let durable = self.io.is_blank() && self.durable == *self.picker.have();
        if durable {
            // Nothing was touched since the files were last looked at: what they were then is
            // what the state stands for.
            self.hand_out(self.unfinished());
        } else {
            self.sync(true);
        }
    }

    /// Makes what was written so far durable.
    pub(super) fn sync(&mut self, for_save: bool) {
        let unfinished = self.unfinished();
        let io = &mut *self.io;
        io.last_ticket += 1;
        io.behind = false;
        let ticket = io.last_ticket;
        io.syncs.push_back(SyncJob {
            ticket,
            claim: self.picker.have().clone(),
            unfinished,
            pieces: core::mem::take(&mut io.unsynced),
            for_save,
        });
        self.disk(DiskOp::Sync(ticket));
    }

    pub(super) fn on_synced(&mut self, ticket: u64, result: Result<Synced, DiskError>) {
        let Some(at) = self.io.syncs.iter().position(|s| s.ticket == ticket) else { return };
        let Some(job) = self.io.syncs.remove(at) else { return };
        match result {
            Ok(synced) => {
                self.restamp(&synced);
                let mut claim = job.claim;
                claim.intersect(self.picker.have());
                self.durable.union(&claim);
                if job.for_save {
                    let unfinished = self.still_there(job.unfinished);
                    self.hand_out(unfinished);
                }
            }
            Err(error) => {
                self.io.behind = true;
                self.repair.suspect.extend(job.pieces);
                self.distrust();
                self.fail_disk(error);
                if job.for_save && matches!(self.phase, Phase::Closing(_)) {
                    // The last chance: what was durable before is worth saving.
                    self.hand_out(Vec::new());
                } else if job.for_save {
                    self.saver.sync_failed(self.now);
                }
            }
        }
    }

    /// Notes the state of files that were made durable. Of others nothing is noted, so that what
    /// somebody else does to them meanwhile is found at the next start.
    fn restamp(&mut self, synced: &Synced) {
        self.root = synced.root.or(self.root);
        if self.stats.is_empty() {
            self.stats = vec![None; self.info.files.len()].into();
        }
        for (file, stat) in &synced.files {
            if let Some(slot) = self.stats.get_mut(file.idx()) {
                *slot = stat.as_ref().map(stamp);
            }
        }
    }

    /// Partly received pieces, those under check as they were before it.
    fn unfinished(&self) -> Vec<(PieceIndex, Bitset)> {
        let parts = &self.check.unfinished;
        // Pieces under check and barred ones are locked, which looks as if all blocks were there;
        // those that failed have them, but not right.
        let void = |p: &super::pieces::Pending| !p.is_hopeful() || p.is_checking();
        let plain = |p: PieceIndex| {
            let void = self.pending.get(&p).is_some_and(void);
            !void && !self.check.queue.contains(&p.0) && !parts.contains_key(&p)
        };
        let mut all: Vec<_> =
            self.picker.unfinished().into_iter().filter(|(p, _)| plain(*p)).collect();
        all.extend(parts.iter().map(|(p, blocks)| (*p, blocks.clone())));
        all.sort_unstable_by_key(|(p, _)| *p);
        all
    }

    /// Of the blocks that a sync made durable those that count as received now: of a piece that
    /// failed meanwhile none does, and nothing else would say that it is to be hashed.
    fn still_there(&self, synced: Vec<(PieceIndex, Bitset)>) -> Vec<(PieceIndex, Bitset)> {
        let now: BTreeMap<PieceIndex, Bitset> = self.unfinished().into_iter().collect();
        let both = |(piece, mut blocks): (PieceIndex, Bitset)| {
            blocks.intersect(now.get(&piece)?);
            (!blocks.none()).then_some((piece, blocks))
        };
        synced.into_iter().filter_map(both).collect()
    }

    /// A sync failed: the system may have dropped what we wrote, shows it nevertheless, and will
    /// not complain again. What was not durable before is not ours until it was read, hashed and
    /// written once more at the next start; until then another sync could only fail or, worse,
    /// succeed.
    fn distrust(&mut self) {
        self.repair.poisoned = true;
        let mut lost = self.picker.have().clone();
        lost.subtract(&self.durable);
        for piece in lost.iter().collect::<Vec<_>>() {
            self.lose(PieceIndex(piece));
            self.repair.rehash.insert(piece);
        }
        self.refresh_state();
    }

    /// Before a start after a failed sync: what is to be written once more.
    pub(super) fn plan_rescue(&mut self) {
        // Verdicts may have come in since.
        self.distrust();
        let cut_short = self.pending.iter().filter(|(_, p)| p.is_rewriting());
        for piece in cut_short.map(|(piece, _)| *piece).collect::<Vec<_>>() {
            self.rewrite_later(piece);
        }
        let repair = &mut *self.repair;
        repair.rewrites.extend(repair.rehash.iter().map(|p| PieceIndex(*p)));
        repair.rescue.clear();
        for piece in core::mem::take(&mut self.repair.suspect) {
            let whole = self.repair.rewrites.contains(&piece);
            if !whole && self.pending.get(&piece).is_none_or(super::pieces::Pending::is_hopeful) {
                self.rescue(piece);
            }
            self.repair.suspect.insert(piece);
        }
    }

    /// Hands the present state to the host.
    fn hand_out(&mut self, unfinished: Vec<(PieceIndex, Bitset)>) {
        let more = self.durable != *self.picker.have();
        let Some(generation) = self.saver.synced(self.now, more) else { return };
        let clean = self.is_quiet();
        self.saved_clean = clean;
        self.times.kept = self.times.at(self.now, self.state).0;
        let listed = self.window.listed(|piece| self.is_in_doubt(piece, clean));
        let mut state = Box::new(self.blob(generation, clean, &unfinished));
        if let Some(tern) = &mut state.tern {
            let dirty: BTreeSet<u32> =
                tern.dirty.iter().copied().chain(listed.iter().map(|p| p.0)).collect();
            tern.dirty = dirty.into_iter().collect();
        }
        self.blob_without_metadata(&mut state);
        self.window.handed_out(&self.info, generation, &listed);
        let settled = self.window.mark().unwrap_or(0);
        let with_info = self.saver.take_with_info() || self.flags.embeds_info;
        self.out.push_back(Output::Save { generation, settled, state, with_info });
    }

    /// Whether a piece may hold more than the state made now claims.
    fn is_in_doubt(&self, piece: PieceIndex, clean: bool) -> bool {
        let hopeful = |p: &super::pieces::Pending| p.is_hopeful();
        let waits = match self.pending.get(&piece) {
            Some(pending) => hopeful(pending),
            None => !clean && self.picker.is_begun(piece),
        };
        let undurable = self.picker.have().get(piece.0) && !self.durable.get(piece.0);
        // What was written since the files were looked at makes them differ, whatever became of it.
        let written = self.io.unsynced.contains(&piece);
        undurable || waits || written || self.held.contains_key(&piece)
    }

    /// Nothing writes content now, nor will it before the torrent is started again.
    pub(super) fn is_quiet(&self) -> bool {
        let stopped =
            matches!(self.phase, Phase::Paused | Phase::Failed | Phase::Closing(_) | Phase::Closed);
        stopped
            && self.io.writes_out == 0
            && self.held.is_empty()
            && self.io.unsynced.is_empty()
            && !self.flags.close_failed
    }

    fn blob(&self, generation: u64, clean: bool, unfinished: &[(PieceIndex, Bitset)]) -> Resume {
        let (active, finished, seeding) = self.times.at(self.now, self.state);
        let (banned4, peers) = (self.known.banned(), self.saved_peers());
        let carried = &self.carried;
        let mut blob = carried.blob(&self.info);
        blob.last_download = self.last_stamp(self.down.total(), carried.last_download);
        blob.last_upload = self.last_stamp(self.up.total(), carried.last_upload);
        Resume {
            pieces: Some(Pieces::Bits(self.durable.as_bytes().to_vec())),
            unfinished: unfinished
                .iter()
                .filter(|(p, _)| !self.picker.have().get(p.0))
                .map(|(p, blocks)| (p.0, blocks.as_bytes().to_vec()))
                .collect(),
            file_priority: self.accounts.file_priority.clone(),
            piece_priority: self.accounts.saved_piece_priorities(&self.info),
            peers,
            banned_peers: banned4.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect(),
            total_uploaded: carried.total_uploaded + self.up.total(),
            total_downloaded: carried.total_downloaded + self.down.total(),
            active_time: active,
            finished_time: finished,
            seeding_time: seeding,
            added_time: self.times.added,
            completed_time: self.times.completed,
            max_connections: Some(self.tuning.max_connections),
            max_uploads: Some(self.tuning.unchoke_slots),
            paused: self.user_paused,
            sequential: self.sequential,
            seed_mode: self.verified.is_some(),
            verified: self.verified.as_ref().map_or(Vec::new(), |v| v.as_bytes().to_vec()),
            tern: Some(self.tern_keys(generation, clean)),
            ..blob
        }
    }

    fn last_stamp(&self, bytes: u64, saved: UnixTime) -> UnixTime {
        if bytes > 0 { self.unix() } else { saved }
    }

    fn saved_peers(&self) -> Vec<SocketAddr> {
        self.known.best(SAVED_PEERS)
    }

    fn tern_keys(&self, generation: u64, clean: bool) -> TernKeys {
        let mut dirty: BTreeSet<u32> = self.repair.rehash.clone();
        let mut undurable = self.picker.have().clone();
        undurable.subtract(&self.durable);
        dirty.extend(undurable.iter());
        dirty.extend(self.pending.iter().filter(|(_, p)| p.is_hopeful()).map(|(p, _)| p.0));
        if !clean {
            // These may be complete, and known to be so, before the next save.
            dirty.extend(self.unfinished().iter().map(|(p, _)| p.0));
        }
        let (checked_up_to, rest) = self.check_rest();
        dirty.extend(rest);
        TernKeys {
            version: TERN_VERSION,
            generation,
            piece_count: self.info.piece_count(),
            checked_up_to,
            files: (0..self.info.files.len())
                .map(|i| self.stats.get(i)?.map(|(size, mtime)| (size, i128::from(mtime))))
                .collect(),
            dirty: dirty.into_iter().collect(),
            clean,
            magnet: None,
            journal: self.window.mark(),
            root: self.root,
        }
    }

    /// What a check under way has still to do: from some piece to the end, or else a list.
    fn check_rest(&self) -> (Option<u32>, Vec<u32>) {
        // Pieces in seed mode are claimed although nobody looked at them: that is its meaning.
        let queue = match &self.verified {
            None => &self.check.queue,
            Some(_) => &BTreeSet::new(),
        };
        let count = self.info.piece_count();
        let Some(&first) = queue.first() else { return (None, Vec::new()) };
        if queue.len() == (count - first) as usize {
            (Some(first), Vec::new())
        } else {
            (None, queue.iter().copied().collect())
        }
    }

    pub(super) fn on_save_answer(&mut self, generation: u64, answer: SaveVerdict) {
        let answered = self.saver.answered(self.now, generation, answer);
        if answered != Answered::Stray {
            let done = self.saver.settle(generation, answer);
            self.tell_saves(done);
        }
        match answered {
            Answered::Durable(generation) => {
                self.notice(Notice::ResumeDurable(generation));
                if self.window.accepted(&self.info, generation) {
                    self.go_on();
                }
            }
            Answered::Failed(code) => self.notice(Notice::SaveFailed { generation, code }),
            Answered::Again | Answered::Stray => {}
        }
    }

    /// Answers the host's requests to save.
    pub(super) fn tell_saves(&mut self, done: impl IntoIterator<Item = (u64, SaveOutcome)>) {
        for (ticket, outcome) in done {
            self.notice(Notice::SaveDone { ticket, outcome });
        }
    }

    /// Something configured changed.
    pub(super) fn config_changed(&mut self) {
        self.changed(SaveConditions::CONFIG);
    }

    /// Something changed that the host did.
    pub(super) fn changed(&mut self, what: SaveConditions) {
        self.saver.changed(self.now, what);
        if self.flags.loaded && self.saver.policy().on_state_change {
            self.saver.want();
        }
    }

    pub(super) fn on_moved(&mut self, result: Result<Vec<u8>, DiskError>) {
        if let Ok(path) = &result {
            self.io.behind = true;
            self.carried.save_path = path.as_slice().into();
            self.config_changed();
        }
        self.notice(Notice::Moved(result));
    }

    pub(super) fn on_renamed(&mut self, file: FileIndex, result: Result<(), DiskError>) {
        let wanted = self.renames.iter().position(|(f, _)| *f == file);
        let path = wanted.and_then(|at| self.renames.remove(at)).map(|(_, path)| path);
        if let (Ok(()), Some(path)) = (&result, path) {
            self.io.behind = true;
            self.carried.map_file(&self.info, file, &path);
            self.config_changed();
        }
        self.notice(Notice::Renamed(file, result));
    }
}

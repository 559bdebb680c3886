//! Hashes several pieces side by side.
//!
//! Pieces are streamed: each step gives every lane its next few KiB, from memory if the piece was
//! just written and is short, else read into a buffer that stays in the second-level cache however
//! long the pieces are. The work is done in slices, so that the thread can look after reads and
//! writes in between. Deliberately absent: SHA-1 itself (given by the engine), what a piece should
//! hash to, which pieces are due.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::error::refusal;
use super::storage::{Block, Counters, ReadEnd, Storage};
use super::work::{Answers, Asker, answer, no_such_piece, not_open};
use super::{JobTag, Outcome, StreamHasher};
use crate::base::{AlignedBytes, DiskError, PieceIndex, TorrentId};

/// Most pieces hashed side by side.
pub(super) const LANES_MAX: usize = 16;
/// Bytes of a lane's step. Sixteen such fit in a second-level cache many times; longer steps were
/// not faster, and shorter ones cost system calls.
const STEP: usize = 16 * 1024;
/// Bytes hashed before the thread looks for something more urgent.
const SLICE_BYTES: usize = 4 << 20;

/// Bytes of a lane the disk is asked for ahead, so that it reads long stretches although the lanes
/// take turns. Pieces up to this length are asked for whole, one after the other.
const AHEAD: usize = 4 << 20;

/// A piece to be hashed.
pub(super) struct HashTask {
    torrent: TorrentId,
    storage: Option<Arc<Storage>>,
    piece: PieceIndex,
    asker: (usize, JobTag),
    /// The whole piece in order, or nothing.
    held: Vec<Block>,
    len: usize,
    /// Bytes hashed.
    at: usize,
    /// The block of `held` that `at` is in, and its first byte that is not hashed.
    block: (usize, usize),
    /// Some of it was read.
    was_read: bool,
    /// It is read back: it was written a moment ago.
    fresh: bool,
    /// Why there will be no digest.
    failed: Option<Outcome>,
}

impl HashTask {
    /// `held` is the whole piece, or empty; `failed` is why its last writes failed.
    pub(super) fn new(
        (torrent, piece): (TorrentId, PieceIndex),
        storage: Option<Arc<Storage>>,
        asker: (usize, JobTag),
        held: Vec<Block>,
        failed: Option<DiskError>,
    ) -> Self {
        let len = storage.as_ref().map_or(0, |s| s.piece_len(piece)) as usize;
        let failed = match &storage {
            None => Some(not_open()),
            Some(_) if len == 0 => Some(no_such_piece()),
            Some(_) => failed,
        };
        Self {
            torrent,
            storage,
            piece,
            asker,
            held,
            len,
            at: 0,
            block: (0, 0),
            was_read: false,
            fresh: false,
            failed: failed.map(Outcome::Failed),
        }
    }

    /// Which piece.
    pub(super) fn key(&self) -> (TorrentId, PieceIndex) {
        (self.torrent, self.piece)
    }

    /// Bytes to hash.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of it kept in memory.
    pub(super) fn held(&self) -> usize {
        self.held.iter().map(|b| b.data.len()).sum()
    }

    /// Who waits for the answer.
    pub(super) fn asker(&self) -> Asker {
        (self.torrent, self.asker.0, self.asker.1)
    }

    /// The container of what was kept.
    pub(super) fn into_blocks(self) -> Vec<Block> {
        self.held
    }

    fn is_over(&self) -> bool {
        self.at >= self.len || self.failed.is_some()
    }

    /// Makes sure that what is read next is on its way from the disk.
    fn look_ahead(&mut self) {
        if self.is_over() || !self.held.is_empty() || !self.at.is_multiple_of(AHEAD) {
            return;
        }
        let Some(storage) = &self.storage else { return };
        if !self.was_read {
            self.was_read = true;
            self.fresh = storage.is_fresh(self.piece);
        }
        if !self.fresh {
            let number = |n| u32::try_from(n).unwrap_or(u32::MAX);
            let len = AHEAD.min(self.len - self.at);
            storage.read_ahead(self.piece, number(self.at), number(len));
        }
    }

    /// Prepares the next step: reads it into `buf` unless it is in memory.
    fn fetch(&mut self, buf: &mut [u8]) {
        if self.is_over() || !self.held.is_empty() {
            return;
        }
        let Some(storage) = &self.storage else { return };
        let take = buf.len().min(self.len - self.at);
        let Some(buf) = buf.get_mut(..take) else { return };
        if self.fresh {
            Counters::add(&storage.shared.counters.read_back, take);
        }
        let begin = u32::try_from(self.at).unwrap_or(u32::MAX);
        match storage.read(self.piece, begin, buf) {
            Ok(ReadEnd::Full) => {}
            Ok(_) => self.failed = Some(Outcome::Missing),
            Err(e) => self.failed = Some(Outcome::Failed(e)),
        }
    }

    /// The step that was prepared.
    fn step<'a>(&'a self, buf: &'a [u8]) -> &'a [u8] {
        if self.is_over() {
            return &[];
        }
        if self.held.is_empty() {
            return buf.get(..buf.len().min(self.len - self.at)).unwrap_or_default();
        }
        let block = self.held.get(self.block.0).map_or(&[][..], |b| &b.data);
        let rest = block.get(self.block.1..).unwrap_or_default();
        rest.get(..STEP).unwrap_or(rest)
    }

    /// Goes behind the step.
    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.block.1 += bytes;
        if self.held.get(self.block.0).is_some_and(|b| b.data.len() <= self.block.1) {
            self.block = (self.block.0 + 1, 0);
        }
    }
}

/// Pieces being hashed by one thread.
pub(super) struct Hashing {
    tasks: Vec<HashTask>,
    /// The first of the pieces that are side by side now, and how many these are.
    round: (usize, usize),
    answers: Answers,
}

impl Hashing {
    /// Nothing done yet.
    pub(super) fn new(tasks: Vec<HashTask>) -> Self {
        Self { round: (0, 0), answers: Vec::with_capacity(tasks.len()), tasks }
    }

    /// Everybody who waits for an answer.
    pub(super) fn askers(&self) -> impl Iterator<Item = Asker> + '_ {
        self.tasks.iter().map(HashTask::asker)
    }

    /// Takes it apart: the pieces and what was answered.
    pub(super) fn into_parts(self) -> (Vec<HashTask>, Answers) {
        (self.tasks, self.answers)
    }

    /// Hashes for a while; breaks when all pieces are done. `buf` is room for the lanes.
    pub(super) fn slice(
        &mut self,
        hasher: &mut dyn StreamHasher,
        buf: &mut AlignedBytes,
    ) -> ControlFlow<()> {
        let mut done = 0;
        while done < SLICE_BYTES {
            if self.round.1 == 0 {
                let lanes = hasher.lanes().clamp(1, LANES_MAX);
                self.round.1 = lanes.min(self.tasks.len() - self.round.0);
                if self.round.1 == 0 {
                    return ControlFlow::Break(());
                }
                hasher.begin(self.round.1);
            }
            let bytes = self.step(hasher, buf);
            done += bytes;
            if bytes == 0 {
                self.end_round(hasher);
            }
        }
        ControlFlow::Continue(())
    }

    /// One step of every lane; 0 when none has any bytes left.
    fn step(&mut self, hasher: &mut dyn StreamHasher, buf: &mut AlignedBytes) -> usize {
        let (first, count) = self.round;
        let lanes = self.tasks.get_mut(first..first + count).unwrap_or_default();
        if buf.len() < count * STEP {
            *buf = AlignedBytes::zeroed(hasher.lanes().clamp(count, LANES_MAX) * STEP);
        }
        lanes.iter_mut().for_each(HashTask::look_ahead);
        for (lane, buf) in lanes.iter_mut().zip(buf.chunks_mut(STEP)) {
            lane.fetch(buf);
        }
        let mut inputs: [&[u8]; LANES_MAX] = [&[]; LANES_MAX];
        for ((input, lane), buf) in inputs.iter_mut().zip(&*lanes).zip(buf.chunks(STEP)) {
            *input = lane.step(buf);
        }
        let lens = inputs.map(<[u8]>::len);
        let total = lens.iter().sum();
        if total > 0 {
            hasher.update(inputs.get(..count).unwrap_or_default());
        }
        lanes.iter_mut().zip(lens).for_each(|(lane, len)| lane.advance(len));
        total
    }

    /// Answers the lanes' pieces and goes on to the next ones.
    fn end_round(&mut self, hasher: &mut dyn StreamHasher) {
        let (first, count) = self.round;
        let lanes = self.tasks.get_mut(first..first + count).unwrap_or_default();
        let mut digests = hasher.finish().into_iter();
        let mut counted = false;
        for lane in lanes {
            let digest = digests.next();
            let outcome = match (lane.failed.take(), digest, &lane.storage) {
                (Some(outcome), ..) => outcome,
                (None, Some(digest), Some(storage)) => {
                    if lane.was_read {
                        storage.note_checked(lane.piece);
                    }
                    let counters = &storage.shared.counters;
                    Counters::add(&counters.hashed, lane.len);
                    Counters::add(&counters.hashed_pieces, 1);
                    Counters::add(&counters.hash_rounds, usize::from(!counted));
                    counted = true;
                    Outcome::Digest(digest)
                }
                _ => Outcome::Failed(refusal("read", None, "".as_ref(), "no digest")),
            };
            self.answers.push(answer(lane.torrent, lane.asker, outcome));
        }
        self.round = (first + count, 0);
    }
}

//! Runs the writes and reads of pieces.
//!
//! The jobs of one piece run in their order on one thread; pieces do not wait for each other.
//! Deliberately absent: hashing (`lanes`), which jobs may run now (the scheduler's), where bytes
//! are (the storage's).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::error::refusal;
use super::queues::write_len;
use super::storage::{Block, ReadEnd, Storage};
use super::{Completion, Job, JobTag, Outcome, serve};
use crate::base::{AlignedBytes, BlockSpan, DiskError, PieceIndex, TorrentId};

/// A queued job and who wants its answer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sink: usize,
    pub(super) tag: JobTag,
    pub(super) job: Job,
}

/// Answers with the sinks they go to.
pub(super) type Answers = Vec<(usize, Completion)>;

/// Whom to tell: a torrent's job at a sink.
pub(super) type Asker = (TorrentId, usize, JobTag);

/// Jobs of one piece, in order, all writes or all reads.
pub(super) struct PieceTask {
    pub(super) torrent: TorrentId,
    /// `None` when the torrent is not open.
    pub(super) storage: Option<Arc<Storage>>,
    pub(super) piece: PieceIndex,
    pub(super) jobs: VecDeque<Entry>,
    /// Room to sort the blocks in; empty afterwards, unless they are kept for the hash.
    pub(super) blocks: Vec<Block>,
    /// What is written is to be kept for the hash.
    pub(super) keep: bool,
    /// Why the writes failed.
    pub(super) failed: Option<DiskError>,
}

impl PieceTask {
    /// Everybody who waits for an answer.
    pub(super) fn askers(&self) -> impl Iterator<Item = Asker> + '_ {
        self.jobs.iter().map(|e| (self.torrent, e.sink, e.tag))
    }

    /// Bytes to be written.
    pub(super) fn bytes(&self) -> usize {
        self.jobs.iter().map(|e| write_len(&e.job)).sum()
    }

    /// Writes the blocks, neighbours together, and answers. They stay in `blocks` when they are to
    /// be kept.
    pub(super) fn write(&mut self, out: &mut Answers) {
        let Some(storage) = self.storage.clone() else { return self.fail_all(out) };
        let (torrent, piece, blocks) = (self.torrent, self.piece, &mut self.blocks);
        blocks.clear();
        self.jobs.retain_mut(|Entry { sink, tag, job }| {
            let Job::Write { begin, data, .. } = job else { return false };
            let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let inside = storage.info.geometry.holds(BlockSpan { piece, begin: *begin, length });
            if inside {
                let seq = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                blocks.push(Block { begin: *begin, seq, data: std::mem::take(data) });
            } else {
                let error = refusal("write", None, "".as_ref(), "the block is outside its piece");
                out.push(answer(torrent, (*sink, *tag), Outcome::Failed(error)));
            }
            inside
        });
        let (written, plain) = write_blocks(&storage, piece, blocks);
        self.failed = written.err();
        if !self.keep || !plain || self.failed.is_some() {
            blocks.clear();
        }
        for Entry { sink, tag, .. } in self.jobs.drain(..) {
            let outcome = self.failed.clone().map_or(Outcome::Done, Outcome::Failed);
            out.push(answer(torrent, (sink, tag), outcome));
        }
    }

    /// Answers the reads.
    pub(super) fn read(&mut self, out: &mut Answers) {
        let Some(storage) = self.storage.clone() else { return self.fail_all(out) };
        while let Some(Entry { sink, tag, job }) = self.jobs.pop_front() {
            match job {
                Job::Serve(span) => self.serve(&storage, ((sink, tag), span), out),
                job => out.push(answer(self.torrent, (sink, tag), read_job(&storage, &job))),
            }
        }
    }

    /// Answers a block for a peer, and with it those next to it that are asked for behind it.
    fn serve(
        &mut self,
        storage: &Storage,
        (to, span): ((usize, JobTag), BlockSpan),
        out: &mut Answers,
    ) {
        let (mut askers, mut blocks) = (vec![to], vec![span]);
        let mut end = span.begin.saturating_add(span.length);
        while let Some(&Entry { sink, tag, job: Job::Serve(next) }) = self.jobs.front()
            && next.begin == end
            && end - span.begin < serve::RUN_BYTES
        {
            end = end.saturating_add(next.length);
            askers.push((sink, tag));
            blocks.push(next);
            self.jobs.pop_front();
        }
        let outcomes = serve::run(storage, &blocks);
        out.extend(askers.into_iter().zip(outcomes).map(|(to, o)| answer(self.torrent, to, o)));
    }

    fn fail_all(&mut self, out: &mut Answers) {
        let lost = self.jobs.drain(..).map(|e| (e.sink, e.tag));
        out.extend(lost.map(|to| answer(self.torrent, to, Outcome::Failed(not_open()))));
    }
}

/// Writes blocks, and says whether they were free of overlaps; sorted then.
fn write_blocks(
    storage: &Storage,
    piece: PieceIndex,
    blocks: &mut [Block],
) -> (Result<(), DiskError>, bool) {
    if !blocks.is_sorted_by_key(|b| b.begin) {
        blocks.sort_unstable_by_key(|b| (b.begin, b.seq));
    }
    let apart = |pair: &[Block]| match pair {
        [a, b] => a.begin as usize + a.data.len() <= b.begin as usize,
        _ => true,
    };
    if blocks.windows(2).all(apart) {
        return (storage.write(piece, blocks), true);
    }
    // Rare: what came last has to win.
    blocks.sort_unstable_by_key(|b| b.seq);
    let mut each = blocks.iter().map(std::slice::from_ref);
    (each.try_for_each(|block| storage.write(piece, block)), false)
}

/// Answers a read.
pub(super) fn read_job(storage: &Storage, job: &Job) -> Outcome {
    let span = match job {
        Job::Read(span) => *span,
        Job::ReadPiece(piece) => {
            BlockSpan { piece: *piece, begin: 0, length: storage.piece_len(*piece) }
        }
        _ => return Outcome::Failed(refusal("read", None, "".as_ref(), "not a piece's job")),
    };
    if !storage.info.geometry.holds(span) {
        return Outcome::Failed(no_such_piece());
    }
    let mut data = AlignedBytes::zeroed(span.length as usize);
    match storage.read(span.piece, span.begin, &mut data) {
        Ok(ReadEnd::Full) => Outcome::Data(Bytes::from_owner(data)),
        Ok(end) => Outcome::Failed(storage.short_read(end)),
        Err(e) => Outcome::Failed(e),
    }
}

/// The error of a job outside the torrent.
pub(super) fn no_such_piece() -> DiskError {
    refusal("read", None, "".as_ref(), "the range is outside the torrent")
}

/// The error of a job of a torrent that is not open.
pub(super) fn not_open() -> DiskError {
    refusal("open", None, "".as_ref(), "the torrent is not open")
}

/// An answer.
pub(super) fn answer(
    torrent: TorrentId,
    (sink, tag): (usize, JobTag),
    outcome: Outcome,
) -> (usize, Completion) {
    (sink, Completion { torrent, tag, outcome })
}

/// Answers what a panic left unanswered.
pub(super) fn fail_unanswered(asked: &[Asker], out: &mut Answers) {
    let mut answered: HashMap<_, usize> = HashMap::new();
    for (sink, done) in out.iter() {
        *answered.entry((done.torrent, *sink, done.tag)).or_default() += 1;
    }
    for job in asked {
        match answered.get_mut(job).filter(|n| **n > 0) {
            Some(n) => *n -= 1,
            None => {
                let error = refusal("job", None, "".as_ref(), "internal error: the job panicked");
                out.push(answer(job.0, (job.1, job.2), Outcome::Failed(error)));
            }
        }
    }
}

//! Runs the jobs of pieces: gathers blocks, hashes many pieces in one call, writes runs.
//!
//! The jobs of one piece run in their order on one thread; pieces do not wait for each other.
//! Deliberately absent: which jobs may run now (the scheduler's), where bytes are (the storage's).

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use sha1::Digest as _;

use super::error::refusal;
use super::storage::{Counters, ReadEnd, Storage};
use super::{Completion, DigestFn, Job, JobTag, Outcome, serve};
use crate::base::{BlockSpan, DiskError, PieceIndex, TorrentId};

/// Pieces longer than this are hashed as a stream instead of being held in memory whole.
const STREAM_ABOVE: u32 = 16 << 20;
/// Bytes read at a time of such a piece.
const STREAM_CHUNK: u32 = 1 << 20;
/// Bytes of read buffers a thread keeps between batches.
const SCRATCH_KEPT: usize = 32 << 20;

/// A queued job and who wants its answer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sink: usize,
    pub(super) tag: JobTag,
    pub(super) job: Job,
}

/// Answers with the sinks they go to.
pub(super) type Answers = Vec<(usize, Completion)>;

/// One piece's jobs, in order.
pub(super) struct PieceTask {
    pub(super) torrent: TorrentId,
    /// `None` when the torrent is not open.
    pub(super) storage: Option<Arc<Storage>>,
    pub(super) piece: PieceIndex,
    pub(super) jobs: VecDeque<Entry>,
}

/// Blocks waiting to be written, and whom to tell.
#[derive(Default)]
struct Pending {
    blocks: BTreeMap<u32, Bytes>,
    tags: Vec<(usize, JobTag)>,
}

/// A piece about to be hashed.
struct HashTask<'a> {
    torrent: TorrentId,
    storage: &'a Storage,
    piece: PieceIndex,
    pending: Pending,
    asker: (usize, JobTag),
    source: Source,
}

/// What is hashed.
enum Source {
    /// Blocks in memory, and ranges of `gaps` for what is not; in order.
    Parts { gaps: Vec<u8>, order: Vec<Part> },
    /// The answer is known already.
    Known(Outcome),
}

enum Part {
    Block(u32),
    Gap(Range<usize>),
}

/// A disk thread's hands: buffers that outlive batches.
pub(super) struct Worker {
    digest: DigestFn,
    scratch: Vec<Vec<u8>>,
}

impl Worker {
    /// A worker that hashes with `digest`.
    pub(super) fn new(digest: DigestFn) -> Self {
        Self { digest, scratch: Vec::new() }
    }

    /// Runs all jobs of `tasks`; answers each exactly once, even if a bug makes something panic.
    pub(super) fn run(&mut self, mut tasks: Vec<PieceTask>) -> Answers {
        let asked: Vec<_> =
            tasks.iter().flat_map(|t| t.jobs.iter().map(|e| (t.torrent, e.sink, e.tag))).collect();
        let mut out = Vec::with_capacity(asked.len());
        let run = AssertUnwindSafe(|| {
            while tasks.iter().any(|t| !t.jobs.is_empty()) {
                self.round(&mut tasks, &mut out);
            }
        });
        if catch_unwind(run).is_err() {
            fail_unanswered(&asked, &mut out);
        }
        let mut kept = 0;
        self.scratch.retain(|buf| {
            kept += buf.capacity();
            kept <= SCRATCH_KEPT
        });
        out
    }

    /// Runs each piece's jobs up to its next hash, then hashes them together.
    fn round(&mut self, tasks: &mut [PieceTask], out: &mut Answers) {
        let mut hashes = Vec::new();
        for task in tasks {
            let Some(storage) = &task.storage else {
                let lost = task.jobs.drain(..).map(|e| (e.sink, e.tag));
                let error = refusal("open", None, "".as_ref(), "the torrent is not open");
                out.extend(lost.map(|to| answer(task.torrent, to, Outcome::Failed(error.clone()))));
                continue;
            };
            let (torrent, piece) = (task.torrent, task.piece);
            let mut pending = Pending::default();
            let mut hashing = false;
            while let Some(Entry { sink, tag, job }) = task.jobs.pop_front() {
                let to = (sink, tag);
                match job {
                    Job::Write { begin, data, .. } => {
                        pending.add(torrent, storage, piece, (begin, data), to, out);
                    }
                    Job::Hash(_) => {
                        let pending = std::mem::take(&mut pending);
                        let source = self.source(storage, piece, &pending);
                        let asker = to;
                        hashes.push(HashTask { torrent, storage, piece, pending, asker, source });
                        hashing = true;
                        break;
                    }
                    Job::Serve(span) => {
                        pending.flush(torrent, storage, piece, out);
                        serve_run(storage, torrent, (to, span), &mut task.jobs, out);
                    }
                    other => {
                        pending.flush(torrent, storage, piece, out);
                        out.push(answer(torrent, to, read_job(storage, &other)));
                    }
                }
            }
            if !hashing {
                pending.flush(torrent, storage, piece, out);
            }
        }
        self.finish(hashes, out);
    }

    /// Decides what the piece is hashed from; reads what is not in memory.
    fn source(&mut self, storage: &Storage, piece: PieceIndex, pending: &Pending) -> Source {
        let len = storage.info.geometry.len_of(piece);
        if len == 0 {
            return Source::Known(Outcome::Failed(no_such_piece()));
        }
        let missing = gaps(&pending.blocks, len);
        let fresh = !missing.is_empty() && (!pending.is_empty() || storage.is_fresh(piece));
        let total = missing.iter().map(|g| g.len()).sum::<usize>();
        if fresh {
            Counters::add(&storage.shared.counters.read_back, total);
        }
        if len > STREAM_ABOVE {
            return Source::Known(stream(storage, piece, pending, len));
        }
        let mut buf = self.scratch.pop().unwrap_or_default();
        if buf.len() < total {
            buf.resize(total, 0);
        }
        let mut order = Vec::with_capacity(pending.blocks.len() + missing.len());
        let mut filled = 0;
        let mut blocks = pending.blocks.keys().copied().peekable();
        for gap in missing {
            while let Some(begin) = blocks.next_if(|b| *b < gap.start) {
                order.push(Part::Block(begin));
            }
            let range = filled..filled + gap.len();
            filled = range.end;
            let out = buf.get_mut(range.clone()).unwrap_or_default();
            match storage.read(piece, gap.start, out) {
                Ok(ReadEnd::Full) => order.push(Part::Gap(range)),
                Ok(_) => return Source::Known(Outcome::Missing),
                Err(e) => return Source::Known(Outcome::Failed(e)),
            }
        }
        order.extend(blocks.map(Part::Block));
        if total > 0 {
            storage.note_checked(piece);
        }
        Source::Parts { gaps: buf, order }
    }

    /// Digests what is in memory, then writes it, then answers: a digest is only told when the
    /// bytes it stands for are with the operating system.
    fn finish(&mut self, hashes: Vec<HashTask<'_>>, out: &mut Answers) {
        let messages: Vec<Vec<&[u8]>> = hashes.iter().filter_map(HashTask::message).collect();
        let messages: Vec<&[&[u8]]> = messages.iter().map(Vec::as_slice).collect();
        let digests = if messages.is_empty() { Vec::new() } else { (self.digest)(&messages) };
        let mut digests = digests.into_iter();
        for HashTask { torrent, storage, piece, mut pending, asker, source } in hashes {
            let outcome = match source {
                Source::Known(outcome) => outcome,
                Source::Parts { gaps, .. } => {
                    self.scratch.push(gaps);
                    let len = usize::try_from(storage.info.geometry.len_of(piece)).unwrap_or(0);
                    Counters::add(&storage.shared.counters.hashed, len);
                    digests.next().map_or_else(
                        || Outcome::Failed(refusal("read", None, "".as_ref(), "no digest")),
                        Outcome::Digest,
                    )
                }
            };
            let outcome = match pending.flush(torrent, storage, piece, out) {
                Some(error) => Outcome::Failed(error),
                None => outcome,
            };
            out.push(answer(torrent, asker, outcome));
        }
    }
}

impl HashTask<'_> {
    /// The piece as consecutive slices; `None` when the answer is known.
    fn message(&self) -> Option<Vec<&[u8]>> {
        let Source::Parts { gaps, order } = &self.source else { return None };
        let slice = |part: &Part| match part {
            Part::Block(begin) => self.pending.blocks.get(begin).map(|b| &b[..]),
            Part::Gap(range) => gaps.get(range.clone()),
        };
        Some(order.iter().map(|part| slice(part).unwrap_or_default()).collect())
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds a block. One that overlaps an earlier one differently than by replacing it makes the
    /// earlier ones go to the file first.
    fn add(
        &mut self,
        torrent: TorrentId,
        storage: &Storage,
        piece: PieceIndex,
        (begin, data): (u32, Bytes),
        to: (usize, JobTag),
        out: &mut Answers,
    ) {
        let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if !storage.info.geometry.holds(BlockSpan { piece, begin, length }) {
            let error = refusal("write", None, "".as_ref(), "the block is outside its piece");
            out.push(answer(torrent, to, Outcome::Failed(error)));
            return;
        }
        let end = begin + length;
        let same = self.blocks.get(&begin).is_some_and(|b| b.len() == data.len());
        let before = self.blocks.range(..end).next_back();
        let overlaps = before.is_some_and(|(b, d)| *b as usize + d.len() > begin as usize);
        if overlaps && !same {
            self.flush(torrent, storage, piece, out);
        }
        self.blocks.insert(begin, data);
        self.tags.push(to);
    }

    /// Writes the blocks and answers their jobs; returns the error if that failed.
    fn flush(
        &mut self,
        torrent: TorrentId,
        storage: &Storage,
        piece: PieceIndex,
        out: &mut Answers,
    ) -> Option<DiskError> {
        if self.tags.is_empty() {
            return None;
        }
        let error = storage.write(piece, &self.blocks).err();
        self.blocks.clear();
        for to in self.tags.drain(..) {
            let outcome = error.clone().map_or(Outcome::Done, Outcome::Failed);
            out.push(answer(torrent, to, outcome));
        }
        error
    }
}

/// The ranges of `0..len` no block covers, in order.
fn gaps(blocks: &BTreeMap<u32, Bytes>, len: u32) -> Vec<Range<u32>> {
    let mut out = Vec::new();
    let mut at = 0;
    for (begin, data) in blocks {
        if *begin > at {
            out.push(at..*begin);
        }
        at = begin.saturating_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }
    if at < len {
        out.push(at..len);
    }
    out
}

/// Hashes a long piece without holding it.
fn stream(storage: &Storage, piece: PieceIndex, pending: &Pending, len: u32) -> Outcome {
    let mut hasher = sha1::Sha1::new();
    let mut buf = vec![0; STREAM_CHUNK as usize];
    let mut missing = gaps(&pending.blocks, len).into_iter().peekable();
    let mut at = 0;
    while at < len {
        if let Some(data) = pending.blocks.get(&at) {
            hasher.update(data);
            at += u32::try_from(data.len()).unwrap_or(len);
            continue;
        }
        while missing.next_if(|gap| gap.end <= at).is_some() {}
        let end = missing.peek().map_or(len, |gap| gap.end);
        let take = (end - at).min(STREAM_CHUNK);
        let chunk = buf.get_mut(..take as usize).unwrap_or_default();
        match storage.read(piece, at, chunk) {
            Ok(ReadEnd::Full) => hasher.update(&chunk),
            Ok(_) => return Outcome::Missing,
            Err(e) => return Outcome::Failed(e),
        }
        at += take;
    }
    storage.note_checked(piece);
    Counters::add(&storage.shared.counters.hashed, len as usize);
    Outcome::Digest(hasher.finalize().into())
}

/// Answers a block for a peer, and with it the blocks next to it that are asked for behind it.
fn serve_run(
    storage: &Storage,
    torrent: TorrentId,
    (to, span): ((usize, JobTag), BlockSpan),
    jobs: &mut VecDeque<Entry>,
    out: &mut Answers,
) {
    let (mut askers, mut blocks) = (vec![to], vec![span]);
    let mut end = span.begin.saturating_add(span.length);
    while let Some(&Entry { sink, tag, job: Job::Serve(next) }) = jobs.front()
        && next.begin == end
        && end - span.begin < serve::RUN_BYTES
    {
        end = end.saturating_add(next.length);
        askers.push((sink, tag));
        blocks.push(next);
        jobs.pop_front();
    }
    let outcomes = serve::run(storage, &blocks);
    out.extend(askers.into_iter().zip(outcomes).map(|(to, o)| answer(torrent, to, o)));
}

/// Answers a read.
fn read_job(storage: &Storage, job: &Job) -> Outcome {
    let span = match job {
        Job::Read(span) => *span,
        Job::ReadPiece(piece) => {
            let length = storage.info.geometry.len_of(*piece);
            BlockSpan { piece: *piece, begin: 0, length }
        }
        _ => return Outcome::Failed(refusal("read", None, "".as_ref(), "not a piece's job")),
    };
    if !storage.info.geometry.holds(span) {
        return Outcome::Failed(no_such_piece());
    }
    let mut data = vec![0; span.length as usize];
    match storage.read(span.piece, span.begin, &mut data) {
        Ok(ReadEnd::Full) => Outcome::Data(Bytes::from(data)),
        Ok(end) => Outcome::Failed(storage.short_read(end)),
        Err(e) => Outcome::Failed(e),
    }
}

fn no_such_piece() -> DiskError {
    refusal("read", None, "".as_ref(), "the range is outside the torrent")
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
pub(super) fn fail_unanswered(asked: &[(TorrentId, usize, JobTag)], out: &mut Answers) {
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

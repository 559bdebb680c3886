//! Who may run next: the scheduler's state, without its lock.
//!
//! A piece's queue is in one of four phases. *Buffered*: only writes, waiting for more. *Ripe*: its
//! writes go with the torrent's next batch of writes; a torrent has one such batch at a time,
//! because two writers of one file would only spin on its lock. *Queued*: its hash or reads wait
//! for a thread. *Running*: a thread has it. Deliberately absent: waiting, waking, doing.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Job;
use super::gather::Gather;
use super::keep::{Keep, SHORT};
use super::lanes::{HashTask, LANES_MAX};
use super::sched::{Fence, Registration, Work};
use super::storage::{Block, Storage};
use super::work::{Entry, PieceTask};
use crate::base::{DiskError, PieceIndex, TorrentId};

/// Room for torrents that idle queues keep.
const KEPT: usize = 64;
/// A partial piece nobody adds to is written after this long.
const IDLE_FLUSH: Duration = Duration::from_secs(2);
/// How often idle pieces are looked for.
pub(super) const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Buffered bytes of one piece that are written at once: long enough runs for the file system,
/// short enough to be in a cache still.
const RUN_BYTES: usize = 512 * 1024;
/// Bytes of one batch of writes: what a read may have to wait for.
const WRITE_BYTES: usize = 4 << 20;
/// Reads one thread takes at a time.
const BATCH_READS: usize = 16;
/// Quick fences one thread takes at a time.
const BATCH_FENCES: usize = 32;
/// Bytes of short pieces hashed in one batch.
const BATCH_BYTES: usize = 4 << 20;
/// Pieces hashed in one batch.
const BATCH_PIECES: usize = 256;
/// Finished pieces waiting for their hash above which no more is written: the threads hash, and the
/// write budget slows the peers down.
const HASH_BACKLOG: usize = 4 * LANES_MAX;
/// Emptied containers kept for the next pieces.
const SPARES: usize = 64;
/// Longest container kept.
const SPARE_LEN: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Only writes, buffered since this number was drawn.
    Buffered(u64),
    /// In its torrent's `ripe`.
    Ripe,
    /// In `prompt`, `fresh` or `bulk`.
    Queued,
    /// With a thread.
    Running,
}

struct PieceQueue {
    jobs: VecDeque<Entry>,
    /// Bytes of the writes in `jobs`.
    bytes: usize,
    /// Why the writes just before the head of `jobs` failed.
    failed: Option<DiskError>,
    /// Whether something was written in this queue's life.
    wrote: bool,
    phase: Phase,
    touched: Instant,
}

#[derive(Default)]
struct Torrent {
    storage: Option<Arc<Storage>>,
    pieces: HashMap<u32, PieceQueue>,
    /// Pieces to write next.
    ripe: VecDeque<PieceIndex>,
    /// In `writers`, or a thread writes.
    writing: bool,
    /// From the first fence on, in order.
    waiting: VecDeque<Entry>,
    /// A fence is ready or running.
    fenced: bool,
}

#[derive(Clone, Copy)]
enum Unit {
    /// A piece whose reads are next.
    Reads(TorrentId, PieceIndex),
    Fence(TorrentId),
}

/// A piece that waits to be hashed.
#[derive(Clone, Copy)]
struct Finished {
    torrent: TorrentId,
    piece: PieceIndex,
    since: Instant,
}

#[derive(Clone, Copy)]
enum Kind {
    Prompt,
    Writes,
    Fresh,
    Bulk,
}

/// What is looked for first, turn by turn: everything gets its turn, however much there is of the
/// rest. Finished pieces come before writes, which would only make more of them.
const TURNS: [[Kind; 4]; 4] = {
    use Kind::{Bulk, Fresh, Prompt, Writes};
    [
        [Bulk, Prompt, Fresh, Writes],
        [Fresh, Writes, Prompt, Bulk],
        [Prompt, Fresh, Writes, Bulk],
        [Fresh, Writes, Prompt, Bulk],
    ]
};

/// Emptied containers, so that a steady stream of blocks allocates nothing.
#[derive(Default)]
struct Spares {
    jobs: Vec<VecDeque<Entry>>,
    blocks: Vec<Vec<Block>>,
}

impl Spares {
    fn keep_jobs(&mut self, jobs: VecDeque<Entry>) {
        if self.jobs.len() < SPARES && jobs.is_empty() && jobs.capacity() <= SPARE_LEN {
            self.jobs.push(jobs);
        }
    }

    fn keep_blocks(&mut self, mut blocks: Vec<Block>) {
        blocks.clear();
        if self.blocks.len() < SPARES && blocks.capacity() <= SPARE_LEN {
            self.blocks.push(blocks);
        }
    }
}

/// Everything queued.
pub(super) struct Queues {
    torrents: HashMap<TorrentId, Torrent>,
    /// Reads and fences.
    prompt: VecDeque<Unit>,
    /// Torrents with ripe pieces that nobody writes yet.
    writers: VecDeque<TorrentId>,
    /// Pieces just written, to be hashed.
    fresh: VecDeque<Finished>,
    /// Of those, from the front, how many may not wait for company.
    hurried: usize,
    gather: Gather,
    /// Other pieces to be hashed: checks of whole torrents.
    bulk: VecDeque<Finished>,
    turn: u8,
    /// Buffered pieces, longest buffered first.
    buffer: BTreeMap<u64, (TorrentId, PieceIndex)>,
    /// Bytes in `buffer`.
    buffered: usize,
    next_number: u64,
    /// What was written, for its hash.
    keep: Keep,
    /// Streams that fill the hasher, and how many are worth waiting for.
    lanes: usize,
    company: usize,
    spares: Spares,
    swept: Instant,
    /// Batches with threads.
    pub(super) running: usize,
    /// Threads without work.
    pub(super) idle: usize,
    /// When the first of those wakes up by itself.
    pub(super) alarm: Option<Instant>,
    /// No more jobs are taken.
    pub(super) stopping: bool,
}

impl Queues {
    /// Nothing queued. `lanes`: streams hashed at once, and how many are worth waiting for; `hold`:
    /// bytes kept in memory for that.
    pub(super) fn new((lanes, company): (usize, usize), hold: usize) -> Self {
        Self {
            torrents: HashMap::new(),
            prompt: VecDeque::new(),
            writers: VecDeque::new(),
            fresh: VecDeque::new(),
            hurried: 0,
            gather: Gather::default(),
            bulk: VecDeque::new(),
            turn: 0,
            buffer: BTreeMap::new(),
            buffered: 0,
            next_number: 0,
            keep: Keep::new(hold, company),
            lanes: lanes.clamp(1, LANES_MAX),
            company: company.clamp(1, LANES_MAX),
            spares: Spares::default(),
            swept: Instant::now(),
            running: 0,
            idle: 0,
            alarm: None,
            stopping: false,
        }
    }

    /// A torrent's storage, when it is open.
    pub(super) fn storage(&self, torrent: TorrentId) -> Option<Arc<Storage>> {
        self.torrents.get(&torrent)?.storage.clone()
    }

    /// Puts a job where it waits.
    pub(super) fn route(&mut self, id: TorrentId, entry: Entry, now: Instant) {
        let torrent = self.torrents.entry(id).or_default();
        match piece_of(&entry.job) {
            Some(piece) if torrent.waiting.is_empty() && !torrent.fenced => {
                self.queue_piece(id, piece, entry, now);
            }
            _ => {
                torrent.waiting.push_back(entry);
                self.advance(id, now);
            }
        }
    }

    fn queue_piece(&mut self, id: TorrentId, piece: PieceIndex, entry: Entry, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        let bytes = write_len(&entry.job);
        let (is_write, is_hash) = (matches!(entry.job, Job::Write { .. }), is_hash(&entry.job));
        let long = torrent.storage.as_ref().is_some_and(|s| s.piece_len(piece) as usize > SHORT);
        let number = self.next_number;
        let queue = torrent.pieces.entry(piece.0).or_insert_with(|| {
            self.next_number += 1;
            self.buffer.insert(number, (id, piece));
            PieceQueue {
                jobs: self.spares.jobs.pop().unwrap_or_default(),
                bytes: 0,
                failed: None,
                wrote: false,
                phase: Phase::Buffered(number),
                touched: now,
            }
        });
        if is_write {
            self.gather.blocks(now);
        }
        queue.jobs.push_back(entry);
        queue.bytes += bytes;
        queue.wrote |= is_write;
        queue.touched = now;
        let ripe = !is_write || (long && queue.bytes >= RUN_BYTES);
        match queue.phase {
            Phase::Buffered(_) => {
                self.buffered += bytes;
                if ripe {
                    self.make_ready(id, piece, now);
                }
            }
            // Somebody waits for what comes after the hash.
            Phase::Queued if !is_write && !is_hash => self.hurry(),
            _ => {}
        }
    }

    /// Takes a piece out of the buffer.
    fn make_ready(&mut self, id: TorrentId, piece: PieceIndex, now: Instant) {
        let torrent = self.torrents.get_mut(&id);
        let Some(queue) = torrent.and_then(|t| t.pieces.get_mut(&piece.0)) else { return };
        let Phase::Buffered(number) = queue.phase else { return };
        self.buffer.remove(&number);
        self.buffered -= queue.bytes;
        self.enqueue(id, piece, now);
    }

    /// Queues a piece for what its first job needs.
    fn enqueue(&mut self, id: TorrentId, piece: PieceIndex, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        let Some(queue) = torrent.pieces.get_mut(&piece.0) else { return };
        queue.phase = Phase::Queued;
        let finished = Finished { torrent: id, piece, since: now };
        match queue.jobs.front().map(|e| &e.job) {
            Some(Job::Write { .. }) => {
                queue.phase = Phase::Ripe;
                torrent.ripe.push_back(piece);
                if !torrent.writing {
                    torrent.writing = true;
                    self.writers.push_back(id);
                }
            }
            Some(job @ (Job::Hash(_) | Job::HashSoon(_))) => {
                let soon = matches!(job, Job::HashSoon(_));
                let fresh =
                    queue.wrote || torrent.storage.as_ref().is_some_and(|s| s.is_fresh(piece));
                if !fresh {
                    return self.bulk.push_back(finished);
                }
                self.gather.piece(now);
                self.fresh.push_back(finished);
                let more = queue.jobs.len() > 1 || !torrent.waiting.is_empty();
                if soon || more || queue.failed.is_some() {
                    self.hurry();
                }
            }
            _ => self.prompt.push_back(Unit::Reads(id, piece)),
        }
    }

    /// Lets no piece that is finished by now wait for company.
    pub(super) fn hurry(&mut self) {
        self.hurried = self.fresh.len();
    }

    /// Starts the fence at the head of `waiting` if nothing is before it, else hurries what is;
    /// routes what waited behind a fence that is gone.
    fn advance(&mut self, id: TorrentId, now: Instant) {
        loop {
            let Some(torrent) = self.torrents.get_mut(&id) else { return };
            if torrent.fenced {
                return;
            }
            let Some(head) = torrent.waiting.front() else { break };
            if let Some(piece) = piece_of(&head.job) {
                if let Some(entry) = torrent.waiting.pop_front() {
                    self.queue_piece(id, piece, entry, now);
                }
                continue;
            }
            if torrent.pieces.is_empty() {
                torrent.fenced = true;
                self.prompt.push_back(Unit::Fence(id));
            } else {
                self.flush_torrent(id, now);
            }
            return;
        }
        let empty = |t: &Torrent| t.storage.is_none() && t.pieces.is_empty();
        if self.torrents.get(&id).is_some_and(empty) {
            self.torrents.remove(&id);
            if self.torrents.is_empty() {
                // A session of many torrents looks at all their files once and then has no jobs.
                self.torrents.shrink_to(KEPT);
            }
        }
    }

    fn flush_torrent(&mut self, id: TorrentId, now: Instant) {
        self.hurry();
        let Some(torrent) = self.torrents.get(&id) else { return };
        let buffered = |(i, q): (&u32, &PieceQueue)| {
            matches!(q.phase, Phase::Buffered(_)).then_some(PieceIndex(*i))
        };
        let pieces: Vec<_> = torrent.pieces.iter().filter_map(buffered).collect();
        pieces.into_iter().for_each(|piece| self.make_ready(id, piece, now));
    }

    /// Makes the longest buffered pieces ready until at most `keep` bytes are buffered.
    pub(super) fn shrink_buffer(&mut self, keep: usize, now: Instant) {
        while self.buffered > keep || (keep == 0 && !self.buffer.is_empty()) {
            let Some((_, (id, piece))) = self.buffer.first_key_value().map(|(k, v)| (*k, *v))
            else {
                return;
            };
            self.make_ready(id, piece, now);
        }
    }

    /// Makes pieces ready that nobody has added to for a while.
    pub(super) fn sweep(&mut self, now: Instant) {
        if self.nothing_idles() || now.duration_since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.keep.sweep(now, IDLE_FLUSH);
        let idle: Vec<_> = self
            .buffer
            .values()
            .filter(|(id, piece)| {
                let queue = self.torrents.get(id).and_then(|t| t.pieces.get(&piece.0));
                queue.is_some_and(|q| now.duration_since(q.touched) >= IDLE_FLUSH)
            })
            .copied()
            .collect();
        idle.into_iter().for_each(|(id, piece)| self.make_ready(id, piece, now));
    }

    fn nothing_idles(&self) -> bool {
        self.buffer.is_empty() && self.keep.is_empty()
    }

    /// When the finished pieces are to be hashed; `None` when there are none.
    fn hash_due(&self, now: Instant) -> Option<Instant> {
        if self.bulk.is_empty() { self.fresh_due(now) } else { Some(now) }
    }

    /// The same of those just written.
    fn fresh_due(&self, now: Instant) -> Option<Instant> {
        let first = self.fresh.front()?;
        let full = self.fresh.len() >= self.company || self.hurried > 0 || self.stopping;
        Some(if full { now } else { self.gather.until(first.since) })
    }

    /// When a thread has to look again although nothing is submitted.
    pub(super) fn deadline(&self, now: Instant) -> Option<Instant> {
        let sweep = (!self.nothing_idles()).then(|| self.swept + SWEEP_EVERY);
        [sweep, self.hash_due(now)].into_iter().flatten().min()
    }

    /// How many threads would find work now.
    pub(super) fn units(&self, now: Instant) -> usize {
        let hash = self.hash_due(now).is_some_and(|due| due <= now);
        let hash = if hash { (self.fresh.len() + self.bulk.len()).div_ceil(self.lanes) } else { 0 };
        self.prompt.len() + self.writers.len() + hash
    }

    /// The next work. `hashing`: the thread has pieces to hash already, and only looks for what
    /// should not wait for them.
    pub(super) fn take(&mut self, now: Instant, hashing: bool) -> Option<Work> {
        self.turn = self.turn.wrapping_add(1);
        let behind = hashing && self.fresh.len() >= HASH_BACKLOG;
        let turn = TURNS.get(usize::from(self.turn) % TURNS.len())?;
        turn.iter().find_map(|kind| match kind {
            Kind::Prompt => self.take_prompt(),
            Kind::Writes if !behind => self.take_writes(now),
            Kind::Fresh if !hashing => self.take_fresh(now),
            Kind::Bulk if !hashing => self.take_bulk(),
            _ => None,
        })
    }

    fn take_prompt(&mut self) -> Option<Work> {
        if matches!(self.prompt.front(), Some(Unit::Fence(_))) {
            return self.take_fences();
        }
        let share = self.prompt.len().div_ceil(self.idle + 1).clamp(1, BATCH_READS);
        let mut tasks = Vec::with_capacity(share.min(self.prompt.len()));
        while tasks.len() < share
            && let Some(Unit::Reads(id, piece)) = self.prompt.front().copied()
        {
            self.prompt.pop_front();
            let is_read = |job: &Job| !matches!(job, Job::Write { .. }) && !is_hash(job);
            tasks.extend(self.take_jobs(id, piece, is_read));
        }
        (!tasks.is_empty()).then_some(Work::Reads(tasks))
    }

    /// One fence, or several that are quick: a session of many torrents begins with thousands.
    fn take_fences(&mut self) -> Option<Work> {
        let share = self.prompt.len().div_ceil(self.idle + 1).clamp(1, BATCH_FENCES);
        let mut fences = Vec::new();
        while fences.len() < share
            && let Some(Unit::Fence(id)) = self.prompt.front().copied()
        {
            let Some(torrent) = self.torrents.get_mut(&id) else {
                self.prompt.pop_front();
                continue;
            };
            let quick = torrent.waiting.front().is_some_and(|e| is_quick(&e.job));
            if !quick && !fences.is_empty() {
                break;
            }
            if !quick {
                // A sync that fails, files that move: what is hashed then has to be on the disk.
                self.keep.spoil_all(id);
            }
            self.prompt.pop_front();
            let Some(entry) = torrent.waiting.pop_front() else { continue };
            fences.push(Fence { torrent: id, storage: torrent.storage.clone(), entry });
            if !quick {
                break;
            }
        }
        (!fences.is_empty()).then_some(Work::Fences(fences))
    }

    /// The torrent's ripe pieces that waited longest.
    fn take_writes(&mut self, now: Instant) -> Option<Work> {
        let id = self.writers.pop_front()?;
        let mut tasks = Vec::new();
        let mut bytes = 0;
        while bytes < WRITE_BYTES
            && let Some(piece) = self.torrents.get_mut(&id).and_then(|t| t.ripe.pop_front())
        {
            let Some(mut task) = self.take_jobs(id, piece, |job| matches!(job, Job::Write { .. }))
            else {
                continue;
            };
            let taken = task.jobs.iter().map(|e| write_len(&e.job)).sum::<usize>();
            bytes += taken;
            let len = task.storage.as_ref().map_or(0, |s| s.piece_len(piece));
            task.keep = self.keep.wants((id, piece), len as usize, now);
            tasks.push(task);
        }
        Some(Work::Writes { torrent: id, tasks })
    }

    /// The first jobs of a piece, as long as they are of the same kind.
    fn take_jobs(
        &mut self,
        id: TorrentId,
        piece: PieceIndex,
        kind: impl Fn(&Job) -> bool,
    ) -> Option<PieceTask> {
        let torrent = self.torrents.get_mut(&id)?;
        let queue = torrent.pieces.get_mut(&piece.0)?;
        queue.phase = Phase::Running;
        queue.failed = None;
        let count = queue.jobs.iter().take_while(|e| kind(&e.job)).count();
        let mut jobs = self.spares.jobs.pop().unwrap_or_default();
        jobs.extend(queue.jobs.drain(..count));
        queue.bytes -= jobs.iter().map(|e| write_len(&e.job)).sum::<usize>();
        let storage = torrent.storage.clone();
        let blocks = self.spares.blocks.pop().unwrap_or_default();
        Some(PieceTask { torrent: id, storage, piece, jobs, blocks, keep: false, failed: None })
    }

    fn take_fresh(&mut self, now: Instant) -> Option<Work> {
        self.fresh_due(now).filter(|due| *due <= now)?;
        let keep = self.odd(now);
        let next = |q: &mut Self| {
            q.hurried = q.hurried.saturating_sub(1);
            (q.fresh.len() > keep).then(|| q.fresh.pop_front())?
        };
        self.take_hashes(next, self.fresh.len() - keep)
    }

    /// How many of the pieces just written are left over by full groups and may wait for the next
    /// one: where hashing goes in pairs, a third piece would cost nearly as much as the two.
    fn odd(&self, now: Instant) -> usize {
        let in_groups = self.lanes.is_multiple_of(self.company);
        if !in_groups || self.hurried > 0 || self.stopping {
            return 0;
        }
        let full = self.fresh.len() - self.fresh.len() % self.company;
        let may_wait = self.fresh.get(full).is_some_and(|f| self.gather.until(f.since) > now);
        if full > 0 && may_wait { self.fresh.len() - full } else { 0 }
    }

    fn take_bulk(&mut self) -> Option<Work> {
        self.take_hashes(|q| q.bulk.pop_front(), self.bulk.len())
    }

    /// A fair share of the pieces `next` gives, but enough to fill the lanes.
    fn take_hashes(
        &mut self,
        mut next: impl FnMut(&mut Self) -> Option<Finished>,
        waiting: usize,
    ) -> Option<Work> {
        let share = waiting.div_ceil(self.idle + 1).clamp(self.lanes, BATCH_PIECES);
        let mut tasks: Vec<HashTask> = Vec::with_capacity(share.min(waiting));
        let mut bytes = 0;
        while tasks.len() < share
            && (tasks.len() < self.lanes || bytes < BATCH_BYTES)
            && let Some(Finished { torrent: id, piece, .. }) = next(self)
        {
            let Some(torrent) = self.torrents.get_mut(&id) else { continue };
            let Some(queue) = torrent.pieces.get_mut(&piece.0) else { continue };
            let Some(Entry { sink, tag, .. }) = queue.jobs.pop_front() else { continue };
            queue.phase = Phase::Running;
            let failed = queue.failed.take();
            let storage = torrent.storage.clone();
            let len = storage.as_ref().map_or(0, |s| s.piece_len(piece));
            let held = self.keep.take((id, piece), len as usize);
            let task = HashTask::new((id, piece), storage, (sink, tag), held, failed);
            bytes += task.len();
            tasks.push(task);
        }
        (!tasks.is_empty()).then_some(Work::Hash(tasks))
    }

    /// A torrent's writes are over: its next ones may go.
    pub(super) fn writes_done(&mut self, id: TorrentId, tasks: Vec<PieceTask>, now: Instant) {
        tasks.into_iter().for_each(|task| self.task_done(task, now));
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        torrent.writing = !torrent.ripe.is_empty();
        if torrent.writing {
            self.writers.push_back(id);
        }
    }

    /// Takes a piece back from a thread.
    pub(super) fn task_done(&mut self, task: PieceTask, now: Instant) {
        let PieceTask { torrent: id, piece, jobs, mut blocks, keep, failed, .. } = task;
        self.spares.keep_jobs(jobs);
        if !blocks.is_empty() {
            blocks = self.keep.add((id, piece), blocks);
        } else if keep {
            self.keep.spoil((id, piece));
        }
        self.spares.keep_blocks(blocks);
        let torrent = self.torrents.get_mut(&id);
        if let Some(queue) = torrent.and_then(|t| t.pieces.get_mut(&piece.0)) {
            queue.failed = failed;
        }
        self.piece_done(id, piece, now);
    }

    /// Takes a hashed piece back from a thread.
    pub(super) fn hash_done(&mut self, task: HashTask, now: Instant) {
        let (torrent, piece) = task.key();
        self.keep.release(task.held());
        self.spares.keep_blocks(task.into_blocks());
        self.piece_done(torrent, piece, now);
    }

    /// Queues again what came for the piece meanwhile, or forgets the piece.
    fn piece_done(&mut self, id: TorrentId, piece: PieceIndex, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        let Some(queue) = torrent.pieces.get_mut(&piece.0) else { return };
        if queue.jobs.is_empty() {
            if let Some(queue) = torrent.pieces.remove(&piece.0) {
                self.spares.keep_jobs(queue.jobs);
            }
            if torrent.pieces.is_empty() {
                self.advance(id, now);
            }
            return;
        }
        let only_writes = queue.jobs.iter().all(|e| matches!(e.job, Job::Write { .. }));
        if !only_writes || !torrent.waiting.is_empty() || self.stopping || queue.bytes >= RUN_BYTES
        {
            return self.enqueue(id, piece, now);
        }
        let number = self.next_number;
        self.next_number += 1;
        queue.phase = Phase::Buffered(number);
        self.buffer.insert(number, (id, piece));
        self.buffered += queue.bytes;
    }

    /// A fence ran.
    pub(super) fn fence_done(&mut self, id: TorrentId, registration: Registration, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        torrent.fenced = false;
        match registration {
            Registration::Same => {}
            Registration::Opened(storage) => torrent.storage = Some(storage),
            Registration::Closed => {
                torrent.storage = None;
                self.keep.spoil_all(id);
            }
        }
        self.advance(id, now);
        if self.stopping {
            self.flush_torrent(id, now);
        }
    }
}

/// The piece a job belongs to; `None` for fences.
fn piece_of(job: &Job) -> Option<PieceIndex> {
    match job {
        Job::Write { piece, .. } | Job::ReadPiece(piece) => Some(*piece),
        Job::Hash(piece) | Job::HashSoon(piece) => Some(*piece),
        Job::Read(span) | Job::Serve(span) => Some(span.piece),
        _ => None,
    }
}

/// Fences that only look, and wait for no disk to write.
fn is_quick(job: &Job) -> bool {
    matches!(job, Job::Look(_) | Job::Stat | Job::Open(_) | Job::Close)
}

fn is_hash(job: &Job) -> bool {
    matches!(job, Job::Hash(_) | Job::HashSoon(_))
}

/// Bytes a job holds until it is written.
pub(super) fn write_len(job: &Job) -> usize {
    if let Job::Write { data, .. } = job { data.len() } else { 0 }
}

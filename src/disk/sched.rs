//! Which job runs when.
//!
//! Per torrent, jobs of pieces queue per piece and run in order there; a fence waits until no piece
//! has jobs left, and what was submitted after it waits for the fence. Writes alone do not make a
//! piece run: they are the write buffer, and stay until a hash or read of the piece, a fence, two
//! idle seconds or the budget ask for them. One lock, one condition variable; threads take and give
//! back whole batches. Deliberately absent: doing the jobs.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::storage::Storage;
use super::work::{Entry, PieceTask};
use super::{Job, JobTag};
use crate::base::{PieceIndex, TorrentId};

/// A partial piece nobody adds to is written after this long.
const IDLE_FLUSH: Duration = Duration::from_secs(2);
/// How often idle pieces are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// Pieces one thread takes at a time: enough for sixteen SIMD lanes.
const BATCH_PIECES: usize = 16;
/// Room for torrents and units that idle queues keep.
const KEPT: usize = 64;
/// Bytes one thread takes at a time, unless a single piece has more.
const BATCH_BYTES: usize = 16 << 20;

/// What a thread does next.
pub(super) enum Batch {
    /// Jobs of pieces.
    Pieces(Vec<PieceTask>),
    /// A job that runs alone in its torrent.
    Fence {
        /// The torrent.
        torrent: TorrentId,
        /// Its storage, if it is open.
        storage: Option<Arc<Storage>>,
        /// The job.
        entry: Entry,
    },
}

/// What a fence did to its torrent's registration.
pub(super) enum Registration {
    /// Nothing.
    Same,
    /// It is open now.
    Opened(Arc<Storage>),
    /// It is closed now.
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Only writes, buffered since this number was drawn.
    Buffered(u64),
    /// In `ready`.
    Ready,
    /// With a thread.
    Running,
}

struct PieceQueue {
    jobs: VecDeque<Entry>,
    bytes: usize,
    phase: Phase,
    touched: Instant,
}

#[derive(Default)]
struct Torrent {
    storage: Option<Arc<Storage>>,
    pieces: HashMap<u32, PieceQueue>,
    /// From the first fence on, in order.
    waiting: VecDeque<Entry>,
    /// A fence is ready or running.
    fenced: bool,
}

#[derive(Clone, Copy)]
enum Unit {
    Piece(TorrentId, PieceIndex),
    Fence(TorrentId),
}

/// What may run now. Pieces that only want hashing (checks of whole torrents queue thousands) stand
/// back for what peers wait for, but get every fourth turn.
#[derive(Default)]
struct Ready {
    prompt: VecDeque<Unit>,
    bulk: VecDeque<Unit>,
    turn: u8,
}

impl Ready {
    fn len(&self) -> usize {
        self.prompt.len() + self.bulk.len()
    }

    /// The queue whose turn it is.
    fn next(&mut self) -> &mut VecDeque<Unit> {
        self.turn = self.turn.wrapping_add(1);
        let bulk = self.prompt.is_empty() || (self.turn.is_multiple_of(4) && !self.bulk.is_empty());
        if bulk { &mut self.bulk } else { &mut self.prompt }
    }
}

struct Queues {
    torrents: HashMap<TorrentId, Torrent>,
    ready: Ready,
    /// Buffered pieces, longest buffered first.
    buffer: BTreeMap<u64, (TorrentId, PieceIndex)>,
    /// Bytes in `buffer`.
    buffered: usize,
    next_number: u64,
    /// Batches with threads.
    running: usize,
    idle: usize,
    /// Of the idle ones, those that wake up by themselves to sweep.
    sweepers: usize,
    swept: Instant,
    stopping: bool,
}

/// The queues the threads share.
pub(super) struct Scheduler {
    queues: Mutex<Queues>,
    wake: Condvar,
    /// Bytes of writes not answered yet.
    unwritten: AtomicUsize,
    budget: usize,
}

impl Scheduler {
    /// Empty queues with a budget of unwritten bytes.
    pub(super) fn new(budget: usize) -> Self {
        let queues = Queues {
            torrents: HashMap::new(),
            ready: Ready::default(),
            buffer: BTreeMap::new(),
            buffered: 0,
            next_number: 0,
            running: 0,
            idle: 0,
            sweepers: 0,
            swept: Instant::now(),
            stopping: false,
        };
        let (queues, wake) = (Mutex::new(queues), Condvar::new());
        Self { queues, wake, unwritten: AtomicUsize::new(0), budget }
    }

    /// Whether more waits to be written than the budget allows.
    pub(super) fn pressure(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed) > self.budget
    }

    /// Queues jobs; gives them back when the pool has been shut down.
    pub(super) fn submit(
        &self,
        sink: usize,
        torrent: TorrentId,
        jobs: Vec<(JobTag, Job)>,
    ) -> Result<(), Vec<(JobTag, Job)>> {
        let bytes = jobs.iter().map(|(_, job)| write_len(job)).sum::<usize>();
        let mut queues = self.lock();
        if queues.stopping {
            return Err(jobs);
        }
        let unwritten = self.unwritten.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let now = Instant::now();
        for (tag, job) in jobs {
            queues.route(torrent, Entry { sink, tag, job }, now);
        }
        if unwritten > self.budget {
            queues.shrink_buffer(self.budget / 2);
        }
        self.wake_for(&queues);
        Ok(())
    }

    /// The standard library's lock, not `parking_lot`: idle threads wait here, and the latter keeps
    /// those in a table of the whole process that a forked child would inherit and stumble over.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes as many threads as there is work for.
    fn wake_for(&self, queues: &Queues) {
        if !queues.buffer.is_empty() && queues.sweepers == 0 {
            // Threads that sleep without a deadline would never see that the buffer went idle.
            self.wake.notify_one();
        }
        if queues.ready.len() >= queues.idle {
            self.wake.notify_all();
        } else {
            for _ in 0..queues.ready.len() {
                self.wake.notify_one();
            }
        }
    }

    /// Waits for work; `None` when the pool is shut down and nothing is left.
    pub(super) fn take(&self) -> Option<Batch> {
        let mut queues = self.lock();
        loop {
            let now = Instant::now();
            if !queues.buffer.is_empty() && now.duration_since(queues.swept) >= SWEEP_EVERY {
                queues.sweep(now);
            }
            if let Some(batch) = queues.take() {
                queues.running += 1;
                return Some(batch);
            }
            if queues.stopping && queues.running == 0 {
                self.wake.notify_all();
                return None;
            }
            queues.idle += 1;
            if queues.buffer.is_empty() {
                queues = self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner);
            } else {
                queues.sweepers += 1;
                let waited = self.wake.wait_timeout(queues, SWEEP_EVERY);
                queues = waited.unwrap_or_else(PoisonError::into_inner).0;
                queues.sweepers -= 1;
            }
            queues.idle -= 1;
        }
    }

    /// Takes bytes that were written (or failed to be) off the budget.
    pub(super) fn written(&self, bytes: usize) {
        self.unwritten.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives back the pieces of a batch that ran.
    pub(super) fn pieces_done(&self, pieces: &[(TorrentId, PieceIndex)]) {
        let mut queues = self.lock();
        queues.running -= 1;
        for (torrent, piece) in pieces {
            queues.piece_done(*torrent, *piece);
        }
        self.wake_for(&queues);
    }

    /// Gives back a torrent whose fence ran.
    pub(super) fn fence_done(&self, torrent: TorrentId, registration: Registration) {
        let mut queues = self.lock();
        queues.running -= 1;
        queues.fence_done(torrent, registration);
        self.wake_for(&queues);
    }

    /// Lets the threads finish what is queued and stop.
    pub(super) fn stop(&self) {
        let mut queues = self.lock();
        queues.stopping = true;
        queues.shrink_buffer(0);
        self.wake.notify_all();
    }
}

impl Queues {
    /// Puts a job where it waits.
    fn route(&mut self, id: TorrentId, entry: Entry, now: Instant) {
        let torrent = self.torrents.entry(id).or_default();
        match piece_of(&entry.job) {
            Some(piece) if torrent.waiting.is_empty() && !torrent.fenced => {
                self.queue_piece(id, piece, entry, now);
            }
            _ => {
                torrent.waiting.push_back(entry);
                self.advance(id);
            }
        }
    }

    fn queue_piece(&mut self, id: TorrentId, piece: PieceIndex, entry: Entry, now: Instant) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        let bytes = write_len(&entry.job);
        let is_write = matches!(entry.job, Job::Write { .. });
        let number = self.next_number;
        let queue = torrent.pieces.entry(piece.0).or_insert_with(|| {
            self.next_number += 1;
            self.buffer.insert(number, (id, piece));
            let phase = Phase::Buffered(number);
            PieceQueue { jobs: VecDeque::new(), bytes: 0, phase, touched: now }
        });
        queue.jobs.push_back(entry);
        queue.bytes += bytes;
        queue.touched = now;
        if matches!(queue.phase, Phase::Buffered(_)) {
            self.buffered += bytes;
            if !is_write {
                self.make_ready(id, piece);
            }
        }
    }

    /// Moves a buffered piece to the ready ones.
    fn make_ready(&mut self, id: TorrentId, piece: PieceIndex) {
        let torrent = self.torrents.get_mut(&id);
        let Some(queue) = torrent.and_then(|t| t.pieces.get_mut(&piece.0)) else { return };
        let Phase::Buffered(number) = queue.phase else { return };
        self.buffer.remove(&number);
        self.buffered -= queue.bytes;
        queue.phase = Phase::Ready;
        let bulk = queue.jobs.iter().all(|e| matches!(e.job, Job::Hash(_)));
        let ready = if bulk { &mut self.ready.bulk } else { &mut self.ready.prompt };
        ready.push_back(Unit::Piece(id, piece));
    }

    /// Starts the fence at the head of `waiting` if nothing is before it, else hurries what is;
    /// routes what waited behind a fence that is gone.
    fn advance(&mut self, id: TorrentId) {
        loop {
            let Some(torrent) = self.torrents.get_mut(&id) else { return };
            if torrent.fenced {
                return;
            }
            let Some(head) = torrent.waiting.front() else { break };
            if let Some(piece) = piece_of(&head.job) {
                if let Some(entry) = torrent.waiting.pop_front() {
                    self.queue_piece(id, piece, entry, Instant::now());
                }
                continue;
            }
            if torrent.pieces.is_empty() {
                torrent.fenced = true;
                self.ready.prompt.push_back(Unit::Fence(id));
            } else {
                self.flush_torrent(id);
            }
            return;
        }
        let empty = |t: &Torrent| t.storage.is_none() && t.pieces.is_empty();
        if self.torrents.get(&id).is_some_and(empty) {
            self.torrents.remove(&id);
            if self.torrents.is_empty() {
                // A session of many torrents looks at all their files once and then has no jobs.
                self.torrents.shrink_to(KEPT);
                self.ready.prompt.shrink_to(KEPT);
            }
        }
    }

    fn flush_torrent(&mut self, id: TorrentId) {
        let Some(torrent) = self.torrents.get(&id) else { return };
        let buffered = |(i, q): (&u32, &PieceQueue)| {
            matches!(q.phase, Phase::Buffered(_)).then_some(PieceIndex(*i))
        };
        let pieces: Vec<_> = torrent.pieces.iter().filter_map(buffered).collect();
        pieces.into_iter().for_each(|piece| self.make_ready(id, piece));
    }

    /// Makes the longest buffered pieces ready until at most `keep` bytes are buffered.
    fn shrink_buffer(&mut self, keep: usize) {
        while self.buffered > keep || (keep == 0 && !self.buffer.is_empty()) {
            let Some((_, (id, piece))) = self.buffer.first_key_value().map(|(k, v)| (*k, *v))
            else {
                return;
            };
            self.make_ready(id, piece);
        }
    }

    /// Makes pieces ready that nobody has added to for a while.
    fn sweep(&mut self, now: Instant) {
        self.swept = now;
        let idle: Vec<_> = self
            .buffer
            .values()
            .filter(|(id, piece)| {
                let queue = self.torrents.get(id).and_then(|t| t.pieces.get(&piece.0));
                queue.is_some_and(|q| now.duration_since(q.touched) >= IDLE_FLUSH)
            })
            .copied()
            .collect();
        idle.into_iter().for_each(|(id, piece)| self.make_ready(id, piece));
    }

    /// The next batch: a fence, or a fair share of the ready pieces.
    fn take(&mut self) -> Option<Batch> {
        let ready = self.ready.next();
        if let Some(Unit::Fence(id)) = ready.front().copied() {
            ready.pop_front();
            let torrent = self.torrents.get_mut(&id)?;
            let entry = torrent.waiting.pop_front()?;
            let storage = torrent.storage.clone();
            return Some(Batch::Fence { torrent: id, storage, entry });
        }
        let share = ready.len().div_ceil(self.idle + 1).clamp(1, BATCH_PIECES);
        let mut tasks = Vec::with_capacity(share);
        let mut bytes = 0;
        while tasks.len() < share && bytes < BATCH_BYTES {
            let Some(Unit::Piece(id, piece)) = ready.front().copied() else { break };
            ready.pop_front();
            let Some(torrent) = self.torrents.get_mut(&id) else { continue };
            let Some(queue) = torrent.pieces.get_mut(&piece.0) else { continue };
            queue.phase = Phase::Running;
            let jobs = std::mem::take(&mut queue.jobs);
            let whole = jobs.iter().any(|e| matches!(e.job, Job::Hash(_) | Job::ReadPiece(_)));
            let storage = torrent.storage.clone();
            let len = storage.as_ref().map_or(0, |s| s.info.geometry.len_of(piece));
            bytes += if whole { len as usize } else { queue.bytes };
            queue.bytes = 0;
            tasks.push(PieceTask { torrent: id, storage, piece, jobs });
        }
        (!tasks.is_empty()).then_some(Batch::Pieces(tasks))
    }

    /// Queues again what came for the piece meanwhile, or forgets the piece.
    fn piece_done(&mut self, id: TorrentId, piece: PieceIndex) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        let Some(queue) = torrent.pieces.get_mut(&piece.0) else { return };
        if queue.jobs.is_empty() {
            torrent.pieces.remove(&piece.0);
            if torrent.pieces.is_empty() {
                self.advance(id);
            }
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        queue.phase = Phase::Buffered(number);
        self.buffer.insert(number, (id, piece));
        self.buffered += queue.bytes;
        let only_writes = queue.jobs.iter().all(|e| matches!(e.job, Job::Write { .. }));
        if !only_writes || !torrent.waiting.is_empty() || self.stopping {
            self.make_ready(id, piece);
        }
    }

    fn fence_done(&mut self, id: TorrentId, registration: Registration) {
        let Some(torrent) = self.torrents.get_mut(&id) else { return };
        torrent.fenced = false;
        match registration {
            Registration::Same => {}
            Registration::Opened(storage) => torrent.storage = Some(storage),
            Registration::Closed => torrent.storage = None,
        }
        self.advance(id);
        if self.stopping {
            self.flush_torrent(id);
        }
    }
}

/// The piece a job belongs to; `None` for fences.
fn piece_of(job: &Job) -> Option<PieceIndex> {
    match job {
        Job::Write { piece, .. } | Job::Hash(piece) | Job::ReadPiece(piece) => Some(*piece),
        Job::Read(span) => Some(span.piece),
        _ => None,
    }
}

/// Bytes a job holds until it is written.
pub(super) fn write_len(job: &Job) -> usize {
    if let Job::Write { data, .. } = job { data.len() } else { 0 }
}

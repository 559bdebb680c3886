//! Which job runs when: the lock around the queues, and the threads' sleep.
//!
//! Per torrent, jobs of pieces queue per piece and run in order there; a fence waits until no piece
//! has jobs left, and what was submitted after it waits for the fence. Writes alone do not make a
//! piece run: they are the write buffer, and stay until there is a long run of them, a hash or read
//! of the piece, a fence, two idle seconds or the budget asks for them. One lock, one condition
//! variable; threads take and give back whole batches. Deliberately absent: doing the jobs; who is
//! next (`queues`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::lanes::HashTask;
use super::queues::{Queues, write_len};
use super::storage::Storage;
use super::work::{Entry, PieceTask};
use super::{Job, JobTag};
use crate::base::TorrentId;

/// What a thread does next.
pub(super) enum Work {
    /// Writes of pieces of one torrent.
    Writes {
        /// The torrent.
        torrent: TorrentId,
        /// The pieces.
        tasks: Vec<PieceTask>,
    },
    /// Reads.
    Reads(Vec<PieceTask>),
    /// Pieces to be hashed together.
    Hash(Vec<HashTask>),
    /// Jobs that run alone in their torrents, of one torrent each.
    Fences(Vec<Fence>),
}

/// A job that runs alone in its torrent.
pub(super) struct Fence {
    /// The torrent.
    pub(super) torrent: TorrentId,
    /// Its storage, if it is open.
    pub(super) storage: Option<Arc<Storage>>,
    /// The job.
    pub(super) entry: Entry,
}

/// What `Scheduler::take` found.
pub(super) enum Take {
    /// Work.
    Run(Work),
    /// Nothing that should come before the hashing under way.
    Nothing,
    /// The pool is shut down and nothing is left.
    Stop,
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

/// The queues the threads share.
pub(super) struct Scheduler {
    queues: Mutex<Queues>,
    wake: Condvar,
    /// Bytes of writes not answered yet, or kept for a hash.
    unwritten: AtomicUsize,
    budget: usize,
}

impl Scheduler {
    /// Empty queues with a budget of unwritten bytes, for a hasher that so many streams fill, and
    /// that is worth waiting for so many.
    pub(super) fn new(budget: usize, lanes: (usize, usize)) -> Self {
        // What is kept for a hash must leave room for what is still to be written.
        let queues = Mutex::new(Queues::new(lanes, budget / 2));
        Self { queues, wake: Condvar::new(), unwritten: AtomicUsize::new(0), budget }
    }

    /// A torrent's storage, when it is open.
    pub(super) fn storage(&self, torrent: TorrentId) -> Option<Arc<Storage>> {
        self.lock().storage(torrent)
    }

    /// Whether more waits to be written than the budget allows.
    pub(super) fn pressure(&self) -> bool {
        self.unwritten.load(Ordering::Relaxed) > self.budget
    }

    /// Queues jobs; gives them back when the pool has been shut down.
    pub(super) fn submit<B>(&self, sink: usize, batch: B) -> Result<(), B>
    where
        B: IntoIterator<Item = (TorrentId, Vec<(JobTag, Job)>)>,
    {
        let mut queues = self.lock();
        if queues.stopping {
            return Err(batch);
        }
        let (now, mut unwritten) = (Instant::now(), self.unwritten.load(Ordering::Relaxed));
        for (torrent, jobs) in batch {
            let bytes = jobs.iter().map(|(_, job)| write_len(job)).sum::<usize>();
            // Before any of them can be done: a thread takes bytes off when they are written.
            unwritten = self.unwritten.fetch_add(bytes, Ordering::Relaxed) + bytes;
            for (tag, job) in jobs {
                queues.route(torrent, Entry { sink, tag, job }, now);
            }
        }
        if unwritten > self.budget {
            queues.shrink_buffer(self.budget / 2, now);
            queues.hurry();
        }
        self.wake_for(&queues, now);
        Ok(())
    }

    /// The standard library's lock, not `parking_lot`: idle threads wait here, and the latter keeps
    /// those in a table of the whole process that a forked child would inherit and stumble over.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes as many threads as there is work for, and one more if nobody else would wake up in
    /// time for work that is not due yet.
    fn wake_for(&self, queues: &Queues, now: Instant) {
        if queues.idle == 0 {
            return;
        }
        let units = queues.units(now);
        let due = queues.deadline(now);
        let late = due.is_some_and(|due| queues.alarm.is_none_or(|alarm| alarm > due));
        let count = units + usize::from(units == 0 && late);
        if count >= queues.idle {
            self.wake.notify_all();
        } else {
            (0..count).for_each(|_| self.wake.notify_one());
        }
    }

    /// Waits for work. A thread that is `hashing` does not wait, and gets no more to hash.
    pub(super) fn take(&self, hashing: bool) -> Take {
        let mut queues = self.lock();
        loop {
            let now = Instant::now();
            queues.sweep(now);
            if let Some(work) = queues.take(now, hashing) {
                queues.running += 1;
                // This thread may have been the one that would have woken up in time.
                self.wake_for(&queues, now);
                return Take::Run(work);
            }
            if hashing {
                return Take::Nothing;
            }
            if queues.stopping && queues.running == 0 {
                self.wake.notify_all();
                return Take::Stop;
            }
            queues = self.sleep(queues, now);
        }
    }

    /// Waits to be woken, or until something is due.
    fn sleep<'a>(
        &self,
        mut queues: MutexGuard<'a, Queues>,
        now: Instant,
    ) -> MutexGuard<'a, Queues> {
        queues.idle += 1;
        let due = queues.deadline(now);
        let mine = due.filter(|due| queues.alarm.is_none_or(|alarm| alarm > *due));
        match mine {
            Some(due) => {
                queues.alarm = Some(due);
                let waited = self.wake.wait_timeout(queues, due.saturating_duration_since(now));
                queues = waited.unwrap_or_else(PoisonError::into_inner).0;
                // Whoever sleeps on with a later one only wakes up once too often.
                queues.alarm = None;
            }
            None => queues = self.wake.wait(queues).unwrap_or_else(PoisonError::into_inner),
        }
        queues.idle -= 1;
        queues
    }

    /// Takes bytes that were written (or failed to be) off the budget.
    pub(super) fn written(&self, bytes: usize) {
        self.unwritten.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Gives back pieces whose writes ran.
    pub(super) fn writes_done(&self, torrent: TorrentId, tasks: Vec<PieceTask>) {
        self.give_back(|queues, now| queues.writes_done(torrent, tasks, now));
    }

    /// Gives back pieces whose reads ran.
    pub(super) fn reads_done(&self, tasks: Vec<PieceTask>) {
        self.give_back(|queues, now| tasks.into_iter().for_each(|t| queues.task_done(t, now)));
    }

    /// Gives back hashed pieces.
    pub(super) fn hashes_done(&self, tasks: Vec<HashTask>) {
        self.give_back(|queues, now| tasks.into_iter().for_each(|t| queues.hash_done(t, now)));
    }

    /// Gives back torrents whose fences ran.
    pub(super) fn fences_done(&self, done: Vec<(TorrentId, Registration)>) {
        self.give_back(|queues, now| {
            for (torrent, registration) in done {
                queues.fence_done(torrent, registration, now);
            }
        });
    }

    fn give_back(&self, back: impl FnOnce(&mut Queues, Instant)) {
        let mut queues = self.lock();
        let now = Instant::now();
        queues.running -= 1;
        back(&mut queues, now);
        self.wake_for(&queues, now);
    }

    /// Lets the threads finish what is queued and stop.
    pub(super) fn stop(&self) {
        let mut queues = self.lock();
        queues.stopping = true;
        queues.shrink_buffer(0, Instant::now());
        self.wake.notify_all();
    }
}

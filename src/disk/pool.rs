//! The pool: its threads, its sinks, its counters.
//!
//! Deliberately absent: the order of jobs (`sched`), their work (`work`, `storage`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};

use super::error::refusal;
use super::files::OpenFiles;
use super::sched::{Batch, Registration, Scheduler, write_len};
use super::storage::{Counters, Shared, Storage};
use super::sys::SignalsBlocked;
use super::work::{Answers, Entry, PieceTask, Worker, answer, fail_unanswered};
use super::{Completion, CompletionSink, Job, JobTag, Outcome, PoolConfig};
use crate::base::{DiskError, TorrentId};

/// Bytes of a disk thread's stack; its buffers are on the heap.
const STACK_BYTES: usize = 256 * 1024;

/// Sums since the pool started, and what is open now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Bytes written to files.
    pub bytes_written: u64,
    /// Bytes read from files, for whatever purpose.
    pub bytes_read: u64,
    /// Bytes that had to be read to hash a piece written since the last sync: blocks that left
    /// memory too early.
    pub bytes_read_back: u64,
    /// Bytes hashed.
    pub bytes_hashed: u64,
    /// Jobs answered.
    pub jobs: u64,
    /// Files open now.
    pub open_files: usize,
    /// Sync jobs run.
    pub syncs: u64,
    /// Files those made durable.
    pub files_synced: u64,
}

struct Inner {
    scheduler: Scheduler,
    shared: Arc<Shared>,
    sinks: RwLock<Vec<CompletionSink>>,
}

/// The disk threads. Methods may be called from any thread; dropping the pool shuts it down.
pub struct Pool {
    inner: Arc<Inner>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the operating system says when it has no thread to give.
    pub fn new(config: PoolConfig) -> std::io::Result<Self> {
        let count = config.threads.max(1);
        let shared = Arc::new(Shared {
            files: OpenFiles::new(config.max_open_files, count),
            counters: Counters::default(),
        });
        let scheduler = Scheduler::new(config.write_budget_bytes);
        let inner = Arc::new(Inner { scheduler, shared, sinks: RwLock::default() });
        let pool = Self { inner, threads: Mutex::default() };
        // Threads inherit the mask: there is no moment in which one could take a signal.
        let _blocked = SignalsBlocked::new();
        for i in 0..count {
            let inner = Arc::clone(&pool.inner);
            let worker = Worker::new(config.digest);
            let thread = std::thread::Builder::new()
                .name(format!("tern-disk-{i}"))
                .stack_size(STACK_BYTES)
                .spawn(move || inner.run(worker))?;
            pool.threads.lock().push(thread);
        }
        Ok(pool)
    }

    /// Registers where a shard's completions go; the number identifies it in `submit`.
    pub fn add_sink(&self, sink: CompletionSink) -> usize {
        let mut sinks = self.inner.sinks.write();
        sinks.push(sink);
        sinks.len() - 1
    }

    /// Queues jobs of one torrent, in order. Each is answered exactly once. After `shutdown` they
    /// are answered `Failed` on the calling thread.
    pub fn submit(&self, sink: usize, torrent: TorrentId, jobs: Vec<(JobTag, Job)>) {
        if let Err(refused) = self.inner.scheduler.submit(sink, torrent, jobs) {
            let error = refusal("open", None, "".as_ref(), "the disk threads are shut down");
            let refused = refused
                .into_iter()
                .map(|(tag, _)| answer(torrent, (sink, tag), Outcome::Failed(error.clone())));
            self.inner.deliver(refused.collect());
        }
    }

    /// Whether too much waits to be written: stop reading from sockets.
    #[must_use]
    pub fn pressure(&self) -> bool {
        self.inner.scheduler.pressure()
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let Counters { written, read, read_back, hashed, jobs, syncs, files_synced } =
            &self.inner.shared.counters;
        PoolStats {
            bytes_written: written.load(Ordering::Relaxed),
            bytes_read: read.load(Ordering::Relaxed),
            bytes_read_back: read_back.load(Ordering::Relaxed),
            bytes_hashed: hashed.load(Ordering::Relaxed),
            jobs: jobs.load(Ordering::Relaxed),
            open_files: self.inner.shared.files.len(),
            syncs: syncs.load(Ordering::Relaxed),
            files_synced: files_synced.load(Ordering::Relaxed),
        }
    }

    /// Finishes queued jobs and joins the threads. Must not be called on a disk thread.
    pub fn shutdown(&self) {
        self.inner.scheduler.stop();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A thread that panicked has told nobody; its jobs were answered by the guard.
            drop(thread.join());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Inner {
    fn run(&self, mut worker: Worker) {
        while let Some(batch) = self.scheduler.take() {
            match batch {
                Batch::Pieces(tasks) => self.run_pieces(&mut worker, tasks),
                Batch::Fence { torrent, storage, entry } => {
                    self.run_fence(torrent, storage, entry);
                }
            }
        }
    }

    fn run_pieces(&self, worker: &mut Worker, tasks: Vec<PieceTask>) {
        let pieces: Vec<_> = tasks.iter().map(|t| (t.torrent, t.piece)).collect();
        let bytes = tasks.iter().flat_map(|t| &t.jobs).map(|e| write_len(&e.job)).sum();
        let answers = worker.run(tasks);
        self.scheduler.written(bytes);
        // Told before the pieces are given back: a fence's answer never overtakes an earlier job's.
        self.deliver(answers);
        self.scheduler.pieces_done(&pieces);
    }

    fn run_fence(&self, torrent: TorrentId, storage: Option<Arc<Storage>>, entry: Entry) {
        let Entry { sink, tag, job } = entry;
        let mut answers = Answers::new();
        let run = AssertUnwindSafe(|| fence(torrent, storage, job, &self.shared));
        let registration = match catch_unwind(run) {
            Ok((outcome, registration)) => {
                answers.push(answer(torrent, (sink, tag), outcome));
                registration
            }
            Err(_) => {
                fail_unanswered(&[(torrent, sink, tag)], &mut answers);
                Registration::Same
            }
        };
        self.deliver(answers);
        self.scheduler.fence_done(torrent, registration);
    }

    /// Hands answers to their sinks, one batch each.
    fn deliver(&self, answers: Answers) {
        Counters::add(&self.shared.counters.jobs, answers.len());
        let mut batches: Vec<(usize, Vec<Completion>)> = Vec::new();
        for (sink, completion) in answers {
            match batches.iter_mut().find(|(s, _)| *s == sink) {
                Some((_, batch)) => batch.push(completion),
                None => batches.push((sink, vec![completion])),
            }
        }
        for (sink, batch) in batches {
            let sink = self.sinks.read().get(sink).cloned();
            if let Some(sink) = sink {
                // A sink that panics loses its own batch, not the thread.
                drop(catch_unwind(AssertUnwindSafe(|| sink(batch))));
            }
        }
    }
}

/// Runs a job that is alone in its torrent.
fn fence(
    torrent: TorrentId,
    storage: Option<Arc<Storage>>,
    job: Job,
    shared: &Arc<Shared>,
) -> (Outcome, Registration) {
    let refuse = |message| Outcome::Failed(refusal("open", None, "".as_ref(), message));
    match (job, storage) {
        (Job::Open(params), None) => match Storage::open(torrent, *params, Arc::clone(shared)) {
            Ok(storage) => (Outcome::Done, Registration::Opened(Arc::new(storage))),
            Err(e) => (Outcome::Failed(e), Registration::Same),
        },
        (Job::Look(params), None) => {
            let look = |storage: Storage| {
                let stats = storage.finish_raising().and_then(|()| storage.stat_all());
                storage.release();
                stats
            };
            let stats = Storage::open(torrent, *params, Arc::clone(shared)).and_then(look);
            (told(stats, Outcome::Stats), Registration::Same)
        }
        (Job::Close, None) => (Outcome::Done, Registration::Same),
        (Job::Open(_), Some(_)) => (refuse("the torrent is open already"), Registration::Same),
        (Job::Close, Some(storage)) => {
            storage.release();
            (Outcome::Done, Registration::Closed)
        }
        (_, None) => (refuse("the torrent is not open"), Registration::Same),
        (job, Some(storage)) => (open_fence(&storage, job), Registration::Same),
    }
}

fn open_fence(storage: &Storage, job: Job) -> Outcome {
    match job {
        Job::Stat | Job::Look(_) => told(storage.stat_all(), Outcome::Stats),
        Job::Prepare => done(storage.prepare()),
        Job::Sync => told(storage.sync(), Outcome::Synced),
        Job::Release => {
            storage.release();
            Outcome::Done
        }
        Job::SetPriorities(priorities) => done(storage.set_priorities(priorities)),
        Job::Move(target) => told(storage.relocate(target), Outcome::Moved),
        Job::Rename(file, path) => done(storage.rename(file, &path)),
        Job::Delete => done(storage.delete()),
        _ => Outcome::Failed(refusal("open", None, "".as_ref(), "not a torrent's job")),
    }
}

fn done(result: Result<(), DiskError>) -> Outcome {
    told(result, |()| Outcome::Done)
}

fn told<T>(result: Result<T, DiskError>, outcome: impl FnOnce(T) -> Outcome) -> Outcome {
    result.map_or_else(Outcome::Failed, outcome)
}

//! The pool: its threads, its sinks, its counters.
//!
//! Deliberately absent: the order of jobs (`sched`), their work (`work`, `storage`).

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Mutex, RwLock};

use super::error::refusal;
use super::fences::Root;
use super::files::OpenFiles;
use super::lanes::{HashTask, Hashing};
use super::sched::{Fence, Registration, Scheduler, Take, Work};
use super::serve::Lending;
use super::storage::{Counters, Shared, Storage};
use super::sys::SignalsBlocked;
use super::work::{Answers, Asker, Entry, PieceTask, answer, fail_unanswered, not_open};
use super::{
    Completion, CompletionSink, HasherFactory, Job, JobTag, Outcome, PoolConfig, StreamHasher,
};
use crate::base::{AlignedBytes, DiskError, TorrentId};

/// Bytes of a disk thread's stack. Its buffers are on the heap, but the sixteen lanes of an
/// unoptimised build take a quarter of a megabyte.
const STACK_BYTES: usize = 1 << 20;

/// Sums since the pool started, and what is open now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Bytes written to files.
    pub bytes_written: u64,
    /// Bytes read from files, for whatever purpose.
    pub bytes_read: u64,
    /// Bytes handed out for sending without being read.
    pub bytes_lent: u64,
    /// Of those, bytes read to hash a piece written since the last sync: the price of not keeping
    /// long pieces in memory.
    pub bytes_read_back: u64,
    /// Bytes hashed.
    pub bytes_hashed: u64,
    /// Pieces hashed.
    pub pieces_hashed: u64,
    /// Times some of those were hashed side by side: pieces per round say how full the lanes are.
    pub hash_rounds: u64,
    /// Jobs answered.
    pub jobs: u64,
    /// Files open now.
    pub open_files: usize,
    /// Sync jobs run.
    pub syncs: u64,
    /// Files those made durable.
    pub files_synced: u64,
}

/// What a thread keeps between batches.
struct Hands {
    hasher: Box<dyn StreamHasher>,
    /// Room for the lanes.
    buf: AlignedBytes,
    /// Pieces under way.
    hashing: Option<Hashing>,
    answers: Answers,
    asked: Vec<Asker>,
}

struct Inner {
    scheduler: Scheduler,
    hasher: HasherFactory,
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
            buffers: Arc::default(),
        });
        let hasher = (config.hasher)();
        let lanes = (hasher.lanes(), hasher.company());
        let scheduler = Scheduler::new(config.write_budget_bytes, lanes);
        let (hasher, sinks) = (config.hasher, RwLock::default());
        let inner = Arc::new(Inner { scheduler, hasher, shared, sinks });
        let pool = Self { inner, threads: Mutex::default() };
        // Threads inherit the mask: there is no moment in which one could take a signal.
        let _blocked = SignalsBlocked::new();
        for i in 0..count {
            let inner = Arc::clone(&pool.inner);
            let thread = std::thread::Builder::new()
                .name(format!("tern-disk-{i}"))
                .stack_size(STACK_BYTES)
                .spawn(move || inner.run())?;
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
        self.submit_all(sink, [(torrent, jobs)]);
    }

    /// As [`Self::submit`] for several torrents, waking the threads once.
    pub fn submit_all(
        &self,
        sink: usize,
        batch: impl IntoIterator<Item = (TorrentId, Vec<(JobTag, Job)>)>,
    ) {
        let Err(refused) = self.inner.scheduler.submit(sink, batch) else { return };
        let error = refusal("open", None, "".as_ref(), "the disk threads are shut down");
        let refused = refused.into_iter().flat_map(|(torrent, jobs)| {
            let error = &error;
            let failed = move |(tag, _): (JobTag, Job)| {
                answer(torrent, (sink, tag), Outcome::Failed(error.clone()))
            };
            jobs.into_iter().map(failed)
        });
        self.inner.deliver(&mut refused.collect());
    }

    /// For handing out blocks of a torrent without waiting and without reading them.
    #[must_use]
    pub fn lend(&self, torrent: TorrentId) -> Lending {
        Lending::new(self.inner.scheduler.storage(torrent))
    }

    /// Whether too much waits to be written: stop reading from sockets.
    #[must_use]
    pub fn pressure(&self) -> bool {
        self.inner.scheduler.pressure()
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let counters = &self.inner.shared.counters;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolStats {
            bytes_written: get(&counters.written),
            bytes_read: get(&counters.read),
            bytes_lent: get(&counters.lent),
            bytes_read_back: get(&counters.read_back),
            bytes_hashed: get(&counters.hashed),
            pieces_hashed: get(&counters.hashed_pieces),
            hash_rounds: get(&counters.hash_rounds),
            jobs: get(&counters.jobs),
            open_files: self.inner.shared.files.len(),
            syncs: get(&counters.syncs),
            files_synced: get(&counters.files_synced),
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
    fn run(&self) {
        let mut hands = Hands {
            hasher: (self.hasher)(),
            buf: AlignedBytes::default(),
            hashing: None,
            answers: Answers::new(),
            asked: Vec::new(),
        };
        loop {
            match self.scheduler.take(hands.hashing.is_some()) {
                Take::Stop => return,
                Take::Nothing => {}
                Take::Run(Work::Writes { torrent, tasks }) => {
                    self.write(&mut hands, torrent, tasks);
                }
                Take::Run(Work::Reads(tasks)) => self.read(&mut hands, tasks),
                Take::Run(Work::Hash(tasks)) => hands.hashing = Some(Hashing::new(tasks)),
                Take::Run(Work::Fences(fences)) => self.run_fences(&mut hands, fences),
            }
            // Between two batches of something else at least one slice: neither starves.
            if let Some(hashing) = hands.hashing.take() {
                self.hash(&mut hands, hashing);
            }
        }
    }

    fn write(&self, hands: &mut Hands, torrent: TorrentId, mut tasks: Vec<PieceTask>) {
        let bytes = tasks.iter().map(PieceTask::bytes).sum::<usize>();
        contained(hands, &mut tasks, PieceTask::write);
        let held = tasks.iter().flat_map(|t| &t.blocks).map(|b| b.data.len()).sum::<usize>();
        self.scheduler.written(bytes - held);
        // Told before the pieces are given back: a fence's answer never overtakes an earlier job's.
        self.deliver(&mut hands.answers);
        self.scheduler.writes_done(torrent, tasks);
    }

    fn read(&self, hands: &mut Hands, mut tasks: Vec<PieceTask>) {
        contained(hands, &mut tasks, PieceTask::read);
        self.deliver(&mut hands.answers);
        self.scheduler.reads_done(tasks);
    }

    /// Hashes for a while.
    fn hash(&self, hands: &mut Hands, mut hashing: Hashing) {
        let slice = AssertUnwindSafe(|| hashing.slice(&mut *hands.hasher, &mut hands.buf));
        let done = catch_unwind(slice);
        if matches!(done, Ok(ControlFlow::Continue(()))) {
            hands.hashing = Some(hashing);
            return;
        }
        hands.asked.extend(hashing.askers());
        let (tasks, mut answers) = hashing.into_parts();
        if done.is_err() {
            fail_unanswered(&hands.asked, &mut answers);
            hands.hasher = (self.hasher)();
        }
        hands.asked.clear();
        self.scheduler.written(tasks.iter().map(HashTask::held).sum());
        self.deliver(&mut answers);
        self.scheduler.hashes_done(tasks);
    }

    fn run_fences(&self, hands: &mut Hands, fences: Vec<Fence>) {
        let (mut done, mut seen) = (Vec::with_capacity(fences.len()), None);
        for Fence { torrent, storage, entry: Entry { sink, tag, job } } in fences {
            let run = AssertUnwindSafe(|| fence(torrent, storage, job, &self.shared, &mut seen));
            let registration = match catch_unwind(run) {
                Ok((outcome, registration)) => {
                    hands.answers.push(answer(torrent, (sink, tag), outcome));
                    registration
                }
                Err(_) => {
                    let mut lost = Answers::new();
                    fail_unanswered(&[(torrent, sink, tag)], &mut lost);
                    hands.answers.append(&mut lost);
                    Registration::Same
                }
            };
            done.push((torrent, registration));
        }
        self.deliver(&mut hands.answers);
        self.scheduler.fences_done(done);
    }

    /// Hands answers to their sinks, one batch each.
    fn deliver(&self, answers: &mut Answers) {
        Counters::add(&self.shared.counters.jobs, answers.len());
        let mut batches: Vec<(usize, Vec<Completion>)> = Vec::new();
        let count = answers.len();
        for (sink, completion) in answers.drain(..) {
            match batches.iter_mut().find(|(s, _)| *s == sink) {
                Some((_, batch)) => batch.push(completion),
                None => {
                    let mut batch = Vec::with_capacity(count);
                    batch.push(completion);
                    batches.push((sink, batch));
                }
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

/// Runs `work` on every task; answers each job exactly once, even if a bug makes something panic.
fn contained(hands: &mut Hands, tasks: &mut [PieceTask], work: fn(&mut PieceTask, &mut Answers)) {
    let Hands { answers, asked, .. } = hands;
    asked.extend(tasks.iter().flat_map(PieceTask::askers));
    let run = AssertUnwindSafe(|| tasks.iter_mut().for_each(|task| work(task, answers)));
    if catch_unwind(run).is_err() {
        fail_unanswered(asked, answers);
        for task in tasks {
            task.jobs.clear();
            task.blocks.clear();
        }
    }
    asked.clear();
}

/// Runs a job that is alone in its torrent.
fn fence(
    torrent: TorrentId,
    storage: Option<Arc<Storage>>,
    job: Job,
    shared: &Arc<Shared>,
    seen: &mut Option<Root>,
) -> (Outcome, Registration) {
    let refuse = |message| Outcome::Failed(refusal("open", None, "".as_ref(), message));
    match (job, storage) {
        (Job::Open(params), None) => match Storage::open(torrent, *params, Arc::clone(shared)) {
            Ok(storage) => (Outcome::Done, Registration::Opened(Arc::new(storage))),
            Err(e) => (Outcome::Failed(e), Registration::Same),
        },
        (Job::Look(params), None) => {
            let look = |storage: Storage| {
                let stats = storage.finish_raising().and_then(|()| storage.look(seen));
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
        (_, None) => (Outcome::Failed(not_open()), Registration::Same),
        (job, Some(storage)) => (open_fence(&storage, job, seen), Registration::Same),
    }
}

fn open_fence(storage: &Storage, job: Job, seen: &mut Option<Root>) -> Outcome {
    match job {
        Job::Stat | Job::Look(_) => told(storage.look(seen), Outcome::Stats),
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

//! A thread that runs jobs one after another: the hook thread, the store's thread.
//!
//! Started with its first job, so that sessions which need none have none. Deliberately absent:
//! what jobs do; a panic in one is caught and the thread goes on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use parking_lot::Mutex;

use crate::net::signals::Blocked;

/// Stack of a worker thread, in bytes: a host's hook runs on it.
const STACK_BYTES: usize = 2 << 20;

type Job = Box<dyn FnOnce() + Send>;
/// Called about once a second by an idle worker.
pub(super) type Tick = Arc<dyn Fn() + Send + Sync>;

/// The thread and its queue.
pub(super) struct Worker {
    name: &'static str,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    tick: Mutex<Option<Tick>>,
}

#[derive(Default)]
struct Shared {
    /// The standard library's, not `parking_lot`'s: an idle worker waits here, and the latter keeps
    /// waiting threads in a table of the whole process that a forked child would inherit.
    state: std::sync::Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    id: Option<ThreadId>,
    stopping: bool,
}

impl Worker {
    /// A worker without a thread yet.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, shared: Arc::default(), thread: Mutex::default(), tick: Mutex::default() }
    }

    /// Sets what an idle worker does once a second.
    pub(super) fn set_tick(&self, tick: Tick) {
        *self.tick.lock() = Some(tick);
    }

    /// Queues a job; false (and the job is dropped) after [`Self::stop`] or when no thread can be
    /// had.
    pub(super) fn send(&self, job: impl FnOnce() + Send + 'static) -> bool {
        if !self.start() {
            return false;
        }
        let mut state = self.shared.lock();
        if state.stopping {
            return false;
        }
        state.jobs.push_back(Box::new(job));
        drop(state);
        self.shared.changed.notify_all();
        true
    }

    /// Whether the calling thread is this worker's.
    pub(super) fn is_current(&self) -> bool {
        self.shared.lock().id == Some(std::thread::current().id())
    }

    /// Starts the thread unless it runs.
    pub(super) fn start(&self) -> bool {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return true;
        }
        if self.shared.lock().stopping {
            return false;
        }
        let shared = Arc::clone(&self.shared);
        let tick = self.tick.lock().clone();
        let builder = std::thread::Builder::new().name(self.name.into()).stack_size(STACK_BYTES);
        let blocked = Blocked::new();
        *thread = builder.spawn(move || shared.run(tick.as_ref())).ok();
        drop(blocked);
        thread.is_some()
    }

    /// Finishes the queued jobs and ends the thread. Called on the thread itself it does not wait.
    pub(super) fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, tick: Option<&Tick>) {
        self.lock().id = Some(std::thread::current().id());
        while let Some(job) = self.next(tick) {
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    }

    fn next(&self, tick: Option<&Tick>) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.stopping {
                return None;
            }
            match tick {
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(tick) => {
                    let waited = self.changed.wait_timeout(state, Duration::from_secs(1));
                    let (back, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                    state = back;
                    if waited.timed_out() {
                        drop(state);
                        tick();
                        state = self.lock();
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn jobs_run_in_order_and_a_panic_does_not_end_the_thread() {
        let worker = Worker::new("tern-test");
        let (tx, rx) = mpsc::channel();
        for i in 0..3 {
            let tx = tx.clone();
            assert!(worker.send(move || {
                tx.send(i).unwrap();
                assert_ne!(i, 1, "deliberate");
            }));
        }
        worker.stop();
        assert_eq!(rx.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
        assert!(!worker.send(|| ()));
    }

    #[test]
    fn stopping_from_a_job_does_not_wait_for_itself() {
        let worker = Arc::new(Worker::new("tern-test"));
        let (tx, rx) = mpsc::channel();
        let inner = Arc::clone(&worker);
        worker.send(move || {
            inner.stop();
            tx.send(inner.is_current()).unwrap();
        });
        assert!(rx.recv().unwrap());
    }
}

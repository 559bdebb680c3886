//! The thread that writes: takes all that waits, makes one transaction of it, answers.
//!
//! So a thousand torrents that save at once cost one sync of the disk, not a thousand, and whoever
//! asks while a transaction is under way is in the next one. Started with its first change.
//! Deliberately absent: retries (who asked decides), a bound of its own: a torrent has at most one
//! save and one entry of its window under way.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, ThreadId};

use parking_lot::Mutex;

use super::{Change, Report, Store};
use crate::engine::error::{Error, ErrorKind};
use crate::net::signals::Blocked;

/// Changes of one transaction: the first of them wait for the last.
const BATCH_CHANGES: usize = 4096;
/// Bytes of one transaction.
const BATCH_BYTES: usize = 16 << 20;
/// Stack of the thread, in bytes.
const STACK_BYTES: usize = 1 << 20;

/// Told how a change went, on the keeper's thread. Must not wait.
pub type Done = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// Makes a change, on the keeper's thread.
type Make = Box<dyn FnOnce() -> Change + Send>;
/// Told of what happened to the store.
pub type Listener = Arc<dyn Fn(Report) + Send + Sync>;

/// The thread and its queue.
pub struct Keeper {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    listener: OnceLock<Listener>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    /// The standard library's for the reason that `worker` has.
    state: std::sync::Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Make, Done)>,
    id: Option<ThreadId>,
    stopping: bool,
}

impl Keeper {
    /// A keeper without a thread yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        let (shared, listener, thread) = (Arc::default(), OnceLock::new(), Mutex::default());
        Self { store, shared, listener, thread }
    }

    /// Who hears of the store's reports; to be set before the first change.
    pub fn set_listener(&self, listener: Listener) {
        let _ = self.listener.set(listener);
    }

    /// The store, for reading.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Queues a change that `make` makes on the keeper's thread; `done` hears how it went. Changes
    /// are made in the order they were queued. False, and neither is called, after
    /// [`Self::stop`] or when no thread can be had. Does not wait.
    pub fn submit(
        &self,
        make: impl FnOnce() -> Change + Send + 'static,
        done: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) -> bool {
        if !self.start() {
            return false;
        }
        let mut state = self.shared.lock();
        if state.stopping {
            return false;
        }
        state.waiting.push_back((Box::new(make), Box::new(done)));
        drop(state);
        self.shared.changed.notify_all();
        true
    }

    /// Whether the calling thread is the keeper's.
    pub fn is_current(&self) -> bool {
        self.shared.lock().id == Some(std::thread::current().id())
    }

    fn start(&self) -> bool {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return true;
        }
        if self.shared.lock().stopping {
            return false;
        }
        let (shared, store) = (Arc::clone(&self.shared), Arc::clone(&self.store));
        let listener = self.listener.get().cloned();
        let builder = std::thread::Builder::new().name("tern-store".into());
        let blocked = Blocked::new();
        let run = move || shared.run(&*store, listener.as_ref());
        *thread = builder.stack_size(STACK_BYTES).spawn(run).ok();
        drop(blocked);
        thread.is_some()
    }

    /// Commits what is queued, ends the thread and closes the store. Called on the thread itself it
    /// does not wait, and the store is closed with its last user.
    pub fn stop(&self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        let thread = self.thread.lock().take();
        match thread {
            Some(thread) if thread.thread().id() == std::thread::current().id() => return,
            Some(thread) => _ = thread.join(),
            None => {}
        }
        // Nobody is there to be told; what was `Ok` is safe whatever happens now.
        let _ = self.store.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, store: &dyn Store, listener: Option<&Listener>) {
        self.lock().id = Some(std::thread::current().id());
        while let Some(first) = self.next() {
            let (changes, waiting) = self.batch(first);
            commit(store, &changes, waiting);
            if let Some(listener) = listener {
                store.take_reports().into_iter().for_each(|report| {
                    let _ = catch_unwind(AssertUnwindSafe(|| listener(report)));
                });
            }
        }
    }

    fn next(&self) -> Option<(Make, Done)> {
        let mut state = self.lock();
        loop {
            if let Some(first) = state.waiting.pop_front() {
                return Some(first);
            }
            if state.stopping {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first change and as many of those that wait as fit.
    fn batch(&self, first: (Make, Done)) -> (Vec<Change>, Vec<Done>) {
        let (mut changes, mut waiting, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some((make, done)) = next.take() {
            match catch_unwind(AssertUnwindSafe(make)) {
                Ok(change) => {
                    bytes += change.weight();
                    changes.push(change);
                    waiting.push(done);
                }
                Err(_) => tell(done, Err(ErrorKind::Panic.into())),
            }
            if changes.len() < BATCH_CHANGES && bytes < BATCH_BYTES {
                next = self.lock().waiting.pop_front();
            }
        }
        (changes, waiting)
    }
}

fn commit(store: &dyn Store, changes: &[Change], waiting: Vec<Done>) {
    if changes.is_empty() {
        return;
    }
    let results = catch_unwind(AssertUnwindSafe(|| store.commit(changes))).unwrap_or_default();
    // A store that gives too few answers has failed those who got none.
    let results =
        results.into_iter().chain(std::iter::repeat_with(|| Err(ErrorKind::Panic.into())));
    waiting.into_iter().zip(results).for_each(|(done, result)| tell(done, result));
}

fn tell(done: Done, result: Result<(), Error>) {
    let _ = catch_unwind(AssertUnwindSafe(|| done(result)));
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;
    use std::sync::mpsc;

    use bytes::Bytes;

    use super::super::Stored;
    use super::*;
    use crate::base::InfoHash;

    /// Counts transactions; each waits for leave.
    struct Slow(Mutex<mpsc::Receiver<()>>, Mutex<Vec<usize>>);

    impl Store for Slow {
        fn has_window(&self) -> bool {
            false
        }
        fn load(&self, _: &InfoHash) -> Result<Option<Stored>, Error> {
            Ok(None)
        }
        fn load_all(&self, _: &mut dyn FnMut(Stored) -> ControlFlow<()>) -> Result<(), Error> {
            Ok(())
        }
        fn commit(&self, changes: &[Change]) -> Vec<Result<(), Error>> {
            self.0.lock().recv().unwrap();
            self.1.lock().push(changes.len());
            assert_ne!(changes[0], Change::State("die".into(), None), "deliberate");
            changes.iter().map(|_| Ok(())).collect()
        }
        fn state(&self, _: &str) -> Result<Option<Bytes>, Error> {
            Ok(None)
        }
    }

    #[test]
    fn what_waits_is_one_transaction_and_a_panic_is_an_answer() {
        let (go, leave) = mpsc::channel();
        let store = Arc::new(Slow(Mutex::new(leave), Mutex::default()));
        let keeper = Keeper::new(Arc::clone(&store) as Arc<dyn Store>);
        let (tx, rx) = mpsc::channel();
        let submit = |name: &str| {
            let (name, tx) = (name.to_owned(), tx.clone());
            let told = move |result: Result<(), Error>| tx.send(result.is_ok()).unwrap();
            assert!(keeper.submit(move || Change::State(name, None), told));
        };
        submit("first");
        // It is at the disk now, or the next are in the same batch as it: both are fine.
        go.send(()).unwrap();
        assert!(rx.recv().unwrap());
        submit("die");
        go.send(()).unwrap();
        assert!(!rx.recv().unwrap());
        let tx = tx.clone();
        assert!(keeper.submit(|| panic!("deliberate"), move |r| tx.send(r.is_err()).unwrap()));
        assert!(rx.recv().unwrap());
        submit("held");
        while !keeper.shared.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
        (0..100).for_each(|_| submit("more"));
        for _ in 0..2 {
            go.send(()).unwrap();
        }
        assert!((0..101).all(|_| rx.recv().unwrap()));
        keeper.stop();
        let sizes = store.1.lock().clone();
        assert_eq!(sizes.iter().sum::<usize>(), 103);
        assert!(sizes.len() <= 4, "{sizes:?}");
        assert!(!keeper.submit(|| Change::Remove(InfoHash::default()), |_| ()));
    }
}

//! The end of a session: two phases, and what happens without them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Core, Hooks};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::{Event, EventKind};
use crate::engine::host::ShardCommand;
use crate::engine::store::keeper::Keeper;
use crate::swarm::Command;

/// How far the end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Working.
    #[default]
    Open,
    /// Torrents flush and save.
    Closing,
    /// Nobody waits for saves any more.
    Abandoned,
    /// All threads have ended.
    Closed,
}

impl Core {
    pub(super) fn check_open(&self) -> Result<(), Error> {
        match *self.phase.lock() {
            Phase::Open => Ok(()),
            _ => Err(ErrorKind::Closed.into()),
        }
    }

    /// Whether all threads have ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.phase.lock() == Phase::Closed
    }

    /// Begins the end: every torrent stops, flushes and saves; then all threads end and `Closed` is
    /// posted. Does not wait. Does nothing when it was begun before.
    pub fn close_begin(self: &Arc<Self>) -> Result<(), Error> {
        {
            let mut phase = self.phase.lock();
            if *phase != Phase::Open {
                return Ok(());
            }
            *phase = Phase::Closing;
        }
        for entry in self.entries() {
            let _ = self.command(&entry, Command::Close);
        }
        let core = Arc::clone(self);
        let blocked = crate::net::signals::Blocked::new();
        let thread =
            std::thread::Builder::new().name("tern-close".into()).spawn(move || core.finish());
        drop(blocked);
        *self.closer.lock() = Some(thread.map_err(|e| Error::io(&e, ""))?);
        Ok(())
    }

    /// Begins the end and waits for it. On a time-out, the number of torrents that are not saved
    /// yet; the end goes on.
    pub fn close(self: &Arc<Self>, timeout: Option<Duration>) -> Result<(), (Error, u32)> {
        self.close_begin().map_err(|e| (e, 0))?;
        let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
        let mut phase = self.phase.lock();
        while *phase != Phase::Closed {
            match deadline {
                None => self.phase_changed.wait(&mut phase),
                Some(deadline) => {
                    if self.phase_changed.wait_until(&mut phase, deadline).timed_out()
                        && *phase != Phase::Closed
                    {
                        drop(phase);
                        return Err((ErrorKind::Timeout.into(), self.unsaved()));
                    }
                }
            }
        }
        drop(phase);
        let closer = self.closer.lock().take();
        if let Some(closer) = closer {
            let _ = closer.join();
        }
        Ok(())
    }

    /// Torrents that are not flushed and saved yet.
    fn unsaved(&self) -> u32 {
        u32::try_from(self.registry.read().by_id.len()).unwrap_or(u32::MAX)
    }

    /// A torrent is gone: the end may be near.
    pub(super) fn one_less(&self) {
        drop(self.phase.lock());
        self.phase_changed.notify_all();
    }

    /// Runs on the closing thread: waits for the torrents, then ends everything.
    fn finish(&self) {
        let mut phase = self.phase.lock();
        while *phase == Phase::Closing && !self.registry.read().by_id.is_empty() {
            self.phase_changed.wait(&mut phase);
        }
        drop(phase);
        self.end_threads();
    }

    /// Ends all threads but the calling one and posts `Closed`.
    fn end_threads(&self) {
        let unsaved = self.unsaved();
        for shard in self.shards() {
            shard.send(ShardCommand::Shutdown);
        }
        for join in std::mem::take(&mut *self.joins.lock()) {
            let _ = join.join();
        }
        self.pool.shutdown();
        if let Some(keeper) = &self.keeper {
            keeper.stop();
        }
        self.hook_worker.stop();
        let left = std::mem::take(&mut *self.registry.write());
        for entry in left.by_id.into_values() {
            entry.set_gone();
            self.withdraw(&entry);
            drop(entry.change_hooks(|hooks| *hooks = Hooks::default()));
        }
        let hooks = std::mem::take(&mut *self.hooks.lock());
        drop(hooks);
        self.queue.push(Event::now(None, EventKind::Closed { unsaved }));
        *self.phase.lock() = Phase::Closed;
        self.phase_changed.notify_all();
    }

    /// Ends everything without saving what is not saved. For the last public handle; waits for the
    /// threads unless it runs on one of them.
    pub fn abandon(self: &Arc<Self>) {
        let before = {
            let mut phase = self.phase.lock();
            let before = *phase;
            if before != Phase::Closed {
                *phase = Phase::Abandoned;
            }
            before
        };
        self.phase_changed.notify_all();
        let on_keeper = self.keeper.as_ref().is_some_and(Keeper::is_current);
        let on_ours = self.hook_worker.is_current() || on_keeper;
        match before {
            Phase::Open if on_ours => {
                let core = Arc::clone(self);
                let _ = std::thread::Builder::new()
                    .name("tern-close".into())
                    .spawn(move || core.end_threads());
            }
            Phase::Open => self.end_threads(),
            _ if on_ours => {}
            _ => {
                let closer = self.closer.lock().take();
                if let Some(closer) = closer {
                    let _ = closer.join();
                }
            }
        }
    }
}

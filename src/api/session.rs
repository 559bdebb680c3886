//! The session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{AddTorrent, Config, Event, Hook, Torrent};
use crate::base::{InfoHash, TorrentId};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::requests::Verdict;
use crate::engine::session::{Core, Restored, Stats};

/// What all handles of a session share; the last one ends it.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.core.abandon();
    }
}

/// A session: torrents, threads, listen sockets, one event queue. Shared, cheap to clone. When the
/// last clone goes without [`Session::close`], everything stops at once and what was not saved is
/// lost.
#[derive(Clone, Debug)]
pub struct Session(pub(super) Arc<Inner>);

/// A close that did not come to its end in time.
#[derive(Debug)]
pub struct Unsaved {
    /// Why, normally [`ErrorKind::Timeout`].
    pub error: Error,
    /// Torrents that are not flushed and saved yet.
    pub count: u32,
}

impl Session {
    /// Starts a session: threads, listen sockets, state directory.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let core = Core::start(config.settings())?;
        Ok(Self(Arc::new(Inner { core })))
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    fn torrent(&self, entry: Arc<crate::engine::session::Entry>) -> Torrent {
        Torrent::new(Arc::downgrade(&self.0), entry)
    }

    /// Adds a torrent. Saved state is loaded from the state directory when there is one and `add`
    /// says nothing about it.
    pub fn add(&self, add: AddTorrent) -> Result<Torrent, Error> {
        self.add_ref(&add)
    }

    /// As [`Self::add`]; the builder stays.
    pub fn add_ref(&self, add: &AddTorrent) -> Result<Torrent, Error> {
        let entry = self.core().add(add.request(&Arc::downgrade(&self.0)))?;
        Ok(self.torrent(entry))
    }

    /// Adds every torrent that was in the last session with this state directory, in queue order,
    /// with what was saved of it: nothing has to be given again. Torrents that are there already
    /// stay as they are; those that were removed, and those whose state a save hook keeps, are not
    /// brought back. For each that cannot be, [`super::EventKind::RestoreFailed`] says why.
    ///
    /// Of each torrent some three notices come: where there are more torrents than a third of
    /// `event_queue_len` and nobody takes events meanwhile, the oldest are dropped and
    /// [`super::EventKind::Dropped`] says so. Errors, as many as `event_queue_len`, are not dropped
    /// for other notices. A move of content that a kill cut short is finished here, which may take
    /// as long as the move.
    ///
    /// # Errors
    /// `State` when there is no state directory, `Io` and `Store` when it cannot be read.
    pub fn restore(&self) -> Result<Restored, Error> {
        self.core().restore()
    }

    /// The torrents in queue order. See [`Torrent::set_queue_position`].
    #[must_use]
    pub fn queue(&self) -> Vec<Torrent> {
        self.core().queued().into_iter().map(|entry| self.torrent(entry)).collect()
    }

    /// The torrents in the order they were added.
    #[must_use]
    pub fn torrents(&self) -> Vec<Torrent> {
        self.core().entries().into_iter().map(|entry| self.torrent(entry)).collect()
    }

    /// The torrent with this info-hash.
    #[must_use]
    pub fn find(&self, info_hash: &InfoHash) -> Option<Torrent> {
        self.core().find(info_hash).map(|entry| self.torrent(entry))
    }

    /// The torrent with this number.
    #[must_use]
    pub fn find_id(&self, id: TorrentId) -> Option<Torrent> {
        self.core().find_id(id).map(|entry| self.torrent(entry))
    }

    /// Addresses the session listens on.
    #[must_use]
    pub fn listening(&self) -> &[SocketAddr] {
        self.core().listening()
    }

    /// First listen port, 0 when there is none.
    #[must_use]
    pub fn listen_port(&self) -> u16 {
        self.listening().first().map_or(0, SocketAddr::port)
    }

    /// Sums over all torrents. Waits for the network threads' answers.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.core().stats()
    }

    /// The options in use; nothing in it counts as set.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::of(&self.core().settings())
    }

    /// Changes live options to what `config` sets; all, or on an error nothing.
    pub fn apply(&self, config: &Config) -> Result<(), Error> {
        let changes = config.live_changes(&self.core().settings())?;
        self.core().apply(|settings| changes.make(settings))
    }

    /// Stops all torrents until [`Self::resume`]; their own paused state stays.
    pub fn pause(&self) -> Result<(), Error> {
        self.core().set_paused(true)
    }

    /// Undoes [`Self::pause`].
    pub fn resume(&self) -> Result<(), Error> {
        self.core().set_paused(false)
    }

    /// Sets the verifier of torrents that have none of their own. The old one is dropped here.
    pub fn set_verify_hook(&self, hook: Option<Hook>) -> Result<(), Error> {
        let hook = hook.map(|hook| hook.into_engine(Arc::downgrade(&self.0)));
        self.core().set_verify_hook(hook).map(drop)
    }

    /// Sets the saver of torrents that have none of their own. The old one is dropped here.
    pub fn set_save_hook(&self, hook: Option<Hook>) -> Result<(), Error> {
        let hook = hook.map(|hook| hook.into_engine(Arc::downgrade(&self.0)));
        self.core().set_save_hook(hook).map(drop)
    }

    /// Answers a request: once ([`ErrorKind::Gone`] afterwards), from any thread, without waiting.
    pub fn complete(&self, token: u64, verdict: Verdict) -> Result<(), Error> {
        self.core().complete(token, verdict)
    }

    /// The bytes a request is about. They stay at the same address until it is answered.
    pub fn request_data(&self, token: u64) -> Result<bytes::Bytes, Error> {
        self.core().request_data(token)
    }

    /// A descriptor that is readable exactly while events wait. Not to be read, written or closed.
    #[cfg(unix)]
    #[must_use]
    pub fn event_fd(&self) -> std::os::fd::RawFd {
        self.core().queue().fd()
    }

    /// Waits for events, `None` for ever. True when some wait; false when time is up, on
    /// [`Self::wake`], or after a signal.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, Error> {
        self.core().wait(timeout)
    }

    /// Ends one [`Self::wait`], the present or the next. Async-signal-safe.
    pub fn wake(&self) {
        self.core().queue().wake();
    }

    /// Which classes of notices to queue from now on: bits of [`super::class`].
    pub fn subscribe(&self, classes: u32) {
        self.core().queue().subscribe(classes);
    }

    /// Takes up to `max` events (0: all there are), requests first.
    #[must_use]
    pub fn take(&self, max: usize) -> Vec<Event> {
        let weak = Arc::downgrade(&self.0);
        self.core().queue().take(max).into_iter().map(|event| Event::new(event, &weak)).collect()
    }

    /// Begins to close: stops the network, flushes files, hands out last saves, then posts
    /// [`super::EventKind::Closed`]. Does not wait.
    pub fn close_begin(&self) -> Result<(), Error> {
        self.core().close_begin()
    }

    /// Closes and waits, `None` for ever. With queued hooks somebody else must answer meanwhile, or
    /// this is called again and again with a short time-out.
    pub fn close(&self, timeout: Option<Duration>) -> Result<(), Unsaved> {
        self.core().close(timeout).map_err(|(error, count)| Unsaved { error, count })
    }

    /// Whether everything has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }
}

/// The session of a weak handle.
pub(super) fn upgrade(session: &std::sync::Weak<Inner>) -> Result<Arc<Inner>, Error> {
    session.upgrade().ok_or_else(|| ErrorKind::Gone.into())
}

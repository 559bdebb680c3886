//! The session: shards, torrents, hooks, events under one roof.
//!
//! [`Core`] is what the shards report to and what the public face commands. It owns no torrent's
//! state (the shards do), only who is where, what the host set, and what it still has to answer.
//! Deliberately absent: waiting on network threads, calling host code on anything but the hook
//! thread.

mod add;
mod close;
mod dht;
mod entry;
mod face;
mod hooks;
mod inquire;
mod keeping;
mod moving;
mod order;
mod restore;
mod shared;
mod torrent;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

pub use add::{AddRequest, ResumeSource};
pub use entry::{Entry, Hook, HookFn, Hooks, Removal};
pub use restore::Restored;

use self::close::Phase;
use self::dht::DhtDesk;
use self::face::Face;
use self::order::Order;
use self::shared::Shared;
use super::error::{Error, ErrorKind};
use super::events::{Event, EventKind, LogLevel, Queue};
use super::external::Votes;
use super::host::{Directory, Host, ShardCommand, TorrentView};
use super::requests::Requests;
use super::settings::Settings;
use super::shard::{self, ShardHandle};
use super::store::keeper::Keeper;
use super::store::{self, Store};
use super::worker::Worker;
use crate::base::{InfoHash, PeerId, Rng, TorrentId};
use crate::disk::{Pool, PoolConfig};
use crate::hash::Hasher;
use crate::net::signals::Blocked;
use crate::proto::tracker::udp::UdpCounts;
use crate::swarm::{Command, Tuning};

/// Sums over all torrents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Torrents.
    pub torrents: usize,
    /// Events that wait.
    pub queued_events: usize,
    /// Requests not answered.
    pub open_requests: usize,
    /// Notices dropped so far.
    pub dropped_notices: u64,
    /// Established connections.
    pub peers: u64,
    /// Payload bytes received.
    pub downloaded: u64,
    /// Payload bytes sent.
    pub uploaded: u64,
    /// Payload bytes per second.
    pub download_rate: u64,
    /// Payload bytes per second.
    pub upload_rate: u64,
    /// What went through the datagram sockets.
    pub udp: UdpStats,
}

/// What went through a session's datagram sockets since it started: of UDP trackers, the DHT and
/// whoever else sends to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpStats {
    /// Datagrams received.
    pub received: u64,
    /// Bytes in them.
    pub received_bytes: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Bytes in them.
    pub sent_bytes: u64,
    /// Datagrams the system did not take.
    pub unsent: u64,
    /// Datagrams received that are of no use to anybody here.
    pub dropped: u64,
    /// Datagrams received of a known kind that make no sense.
    pub malformed: u64,
    /// Of these, what concerns trackers.
    pub trackers: UdpCounts,
}

#[derive(Debug, Default)]
struct Registry {
    by_id: BTreeMap<TorrentId, Arc<Entry>>,
    /// Looked up only, never listed: the order of a hash map is nobody's.
    by_hash: HashMap<InfoHash, Arc<Entry>>,
}

/// The settings in force, and what torrents get of them.
struct Current {
    settings: Arc<Settings>,
    tuning: Arc<Tuning>,
}

impl Current {
    fn new(settings: Arc<Settings>) -> Self {
        let tuning = Tuning { dht: settings.dht.enabled, ..settings.tuning.clone() };
        Self { tuning: Arc::new(tuning), settings }
    }
}

/// A running session. Shared by the public handles and the shards' [`Host`].
pub struct Core {
    settings: RwLock<Current>,
    /// Torrents by shard.
    loads: Vec<AtomicUsize>,
    shared: Mutex<Shared>,
    /// Set once, right after the start.
    shards: OnceLock<Vec<ShardHandle>>,
    joins: Mutex<Vec<JoinHandle<()>>>,
    pool: Arc<Pool>,
    registry: RwLock<Registry>,
    /// The queue. Taken after the registry's lock where both are.
    order: Mutex<Order>,
    queue: Queue,
    requests: Requests,
    hooks: Mutex<Hooks>,
    /// The built-in store.
    keeper: Option<Keeper>,
    hook_worker: Worker,
    phase: Mutex<Phase>,
    phase_changed: Condvar,
    closer: Mutex<Option<JoinHandle<()>>>,
    rng: Mutex<Rng>,
    peer_id: PeerId,
    listening: OnceLock<Vec<SocketAddr>>,
    dht: DhtDesk,
    udp: OnceLock<Arc<shard::UdpCounters>>,
    votes: Mutex<Votes>,
    paused: AtomicBool,
    next_id: AtomicU64,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

impl Core {
    /// Starts the threads and opens the listen sockets.
    pub fn start(settings: Settings) -> Result<Arc<Self>, Error> {
        let store: Option<Arc<dyn Store>> = match &settings.state_dir {
            Some(dir) => Some(store::open(dir)?),
            None => None,
        };
        Self::start_with(settings, store)
    }

    /// As [`Self::start`] with another store.
    pub fn start_with(
        mut settings: Settings,
        store: Option<Arc<dyn Store>>,
    ) -> Result<Arc<Self>, Error> {
        if settings.tuning.client.is_empty() {
            settings.tuning.client.clone_from(&settings.user_agent);
        }
        // Our threads inherit this thread's mask: no signal of the host may reach them.
        let blocked = Blocked::new();
        let failed = |e: std::io::Error| Error::io(&e, "");
        let mut rng = Rng::new(settings.seed.unwrap_or_else(entropy));
        let peer_id = peer_id(&settings.peer_id, &mut rng);
        let pool = Pool::new(PoolConfig {
            threads: settings.disk_threads,
            max_open_files: settings.max_open_files,
            write_budget_bytes: settings.memory_budget_bytes / 2,
            hasher: super::hashing::factory(Hasher::new(settings.hash_path).unwrap_or_default()),
        });
        let settings = Arc::new(settings);
        let core = Arc::new(Self {
            settings: RwLock::new(Current::new(Arc::clone(&settings))),
            loads: (0..settings.net_threads.max(1)).map(|_| AtomicUsize::new(0)).collect(),
            shared: Mutex::default(),
            shards: OnceLock::new(),
            joins: Mutex::default(),
            pool: Arc::new(pool.map_err(failed)?),
            registry: RwLock::default(),
            order: Mutex::default(),
            queue: Queue::new(settings.event_queue_len).map_err(failed)?,
            requests: Requests::new(),
            hooks: Mutex::default(),
            keeper: store.map(Keeper::new),
            hook_worker: Worker::new("tern-hook"),
            phase: Mutex::default(),
            phase_changed: Condvar::new(),
            closer: Mutex::default(),
            rng: Mutex::new(rng),
            peer_id,
            listening: OnceLock::new(),
            dht: DhtDesk::default(),
            udp: OnceLock::new(),
            votes: Mutex::default(),
            paused: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
        });
        let weak = Arc::downgrade(&core);
        core.hook_worker.set_tick(Arc::new(move || {
            if let Some(core) = weak.upgrade() {
                core.report_overdue();
            }
        }));
        core.listen_to_store();
        let face = Arc::new(Face(Arc::clone(&core)));
        let host: Arc<dyn Host> = Arc::<Face>::clone(&face);
        let directory: Arc<dyn Directory> = face;
        let pool = Arc::clone(&core.pool);
        let count = settings.net_threads;
        let spawned = shard::spawn(count, settings, host, directory, pool);
        drop(blocked);
        let spawned = spawned.map_err(|e| {
            core.pool.shutdown();
            failed(e)
        })?;
        core.adopt(spawned);
        core.dht_recall();
        core.dht_observe();
        Ok(core)
    }

    /// Has the store's reports become events, beginning with those of its opening.
    fn listen_to_store(self: &Arc<Self>) {
        let Some(keeper) = &self.keeper else { return };
        keeper.store().take_reports().into_iter().for_each(|report| self.report_store(report));
        let weak = Arc::downgrade(self);
        keeper.set_listener(Arc::new(move |report| {
            if let Some(core) = weak.upgrade() {
                core.report_store(report);
            }
        }));
    }

    /// Takes over the shards that were started.
    fn adopt(&self, spawned: shard::Spawned) {
        let _ = self.shards.set(spawned.handles);
        *self.joins.lock() = spawned.joins;
        let mut listening = Vec::new();
        for (wanted, result) in spawned.listening {
            listening.extend(result.as_ref().ok());
            self.report_listen(wanted, result);
        }
        let _ = self.listening.set(listening);
        for (addr, error) in spawned.udp_failed {
            self.report_udp_failed(addr, &error);
        }
        let _ = self.udp.set(spawned.udp);
    }

    fn report_udp_failed(&self, addr: SocketAddr, error: &std::io::Error) {
        let (reason, os_errno) = (error.to_string(), error.raw_os_error().unwrap_or_default());
        self.queue.push(Event::now(None, EventKind::UdpFailed { addr, reason, os_errno }));
    }

    fn report_listen(&self, wanted: String, result: Result<SocketAddr, std::io::Error>) {
        let kind = match result {
            Ok(addr) => EventKind::Listening { wanted, addr },
            Err(error) => EventKind::ListenFailed {
                wanted,
                reason: error.to_string(),
                os_errno: error.raw_os_error().unwrap_or_default(),
            },
        };
        self.queue.push(Event::now(None, kind));
    }

    /// The events' queue.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Waits for an event; tells about requests that wait for long.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<bool, Error> {
        self.report_overdue();
        self.queue.wait(timeout).map_err(|e| Error::io(&e, ""))
    }

    /// The settings in use.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().settings)
    }

    /// Those of them that each torrent gets.
    fn tuning(&self) -> Arc<Tuning> {
        Arc::clone(&self.settings.read().tuning)
    }

    /// Replaces the settings; the caller changed live ones only.
    pub fn apply(&self, change: impl FnOnce(&mut Settings)) -> Result<(), Error> {
        self.check_open()?;
        let settings = {
            let mut current = self.settings.write();
            let mut settings = Settings::clone(&current.settings);
            change(&mut settings);
            *current = Current::new(Arc::new(settings));
            Arc::clone(&current.settings)
        };
        self.dht_observe();
        for shard in self.shards() {
            shard.send(ShardCommand::Settings(Arc::clone(&settings)));
        }
        let session = self.tuning();
        for entry in self.entries() {
            let tuning = entry.prefs.lock().tuning(&session);
            let _ = self.command(&entry, Command::Tuning(tuning));
        }
        Ok(())
    }

    /// Addresses the session listens on.
    #[must_use]
    pub fn listening(&self) -> &[SocketAddr] {
        self.listening.get().map_or(&[], Vec::as_slice)
    }

    /// Our address as the world sees it, with the port we listen on.
    #[must_use]
    pub fn external(&self, v6: bool) -> Option<SocketAddr> {
        let ip = self.votes.lock().winner(v6)?;
        let ours = |addr: &&SocketAddr| addr.is_ipv6() == v6;
        let port = self.listening().iter().find(ours).or_else(|| self.listening().first());
        Some(SocketAddr::new(ip, port.map_or(0, SocketAddr::port)))
    }

    fn shards(&self) -> &[ShardHandle] {
        self.shards.get().map_or(&[], Vec::as_slice)
    }

    /// The torrents in the order they were added.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.registry.read().by_id.values().cloned().collect()
    }

    /// The torrent with this info-hash.
    #[must_use]
    pub fn find(&self, info_hash: &InfoHash) -> Option<Arc<Entry>> {
        self.registry.read().by_hash.get(info_hash).cloned()
    }

    /// The torrent with this number.
    #[must_use]
    pub fn find_id(&self, id: TorrentId) -> Option<Arc<Entry>> {
        self.registry.read().by_id.get(&id).cloned()
    }

    /// Sends a command to a torrent's shard.
    pub(super) fn send(&self, entry: &Entry, command: ShardCommand) -> Result<(), Error> {
        if entry.is_gone() {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        let sent = self.shards().get(entry.shard as usize).is_some_and(|shard| shard.send(command));
        if sent { Ok(()) } else { Err(Error::from(ErrorKind::Closed).of(entry.id)) }
    }

    /// Gives a command to a torrent.
    pub fn command(&self, entry: &Entry, command: Command) -> Result<(), Error> {
        self.send(entry, ShardCommand::Torrent(entry.id, command))
    }

    /// Asks a torrent something and waits for the answer. Not on network threads.
    pub fn query<R: Send + 'static>(
        &self,
        entry: &Entry,
        ask: impl FnOnce(&TorrentView<'_>) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let receiver = self.query_later(entry, ask)?;
        receiver.recv().ok().flatten().ok_or_else(|| Error::from(ErrorKind::Gone).of(entry.id))
    }

    fn query_later<R: Send + 'static>(
        &self,
        entry: &Entry,
        ask: impl FnOnce(&TorrentView<'_>) -> R + Send + 'static,
    ) -> Result<std::sync::mpsc::Receiver<Option<R>>, Error> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let query = Box::new(move |view: Option<TorrentView<'_>>| {
            let _ = sender.send(view.map(|view| ask(&view)));
        });
        self.send(entry, ShardCommand::Query(entry.id, query))?;
        Ok(receiver)
    }

    /// Sums over all torrents; asks them all at once.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let entries = self.entries();
        let asked: Vec<_> = entries
            .iter()
            .filter_map(|entry| self.query_later(entry, |v| v.torrent.status(v.now)).ok())
            .collect();
        let (queued_events, dropped_notices) = self.queue.counts();
        let mut stats = Stats {
            torrents: entries.len(),
            queued_events,
            dropped_notices,
            open_requests: self.requests.len(),
            udp: self.udp_stats(),
            ..Stats::default()
        };
        for status in asked.into_iter().filter_map(|answer| answer.recv().ok().flatten()) {
            stats.peers += u64::from(status.peers);
            stats.downloaded += status.downloaded;
            stats.uploaded += status.uploaded;
            stats.download_rate += status.download_rate;
            stats.upload_rate += status.upload_rate;
        }
        stats
    }

    fn udp_stats(&self) -> UdpStats {
        let Some(counters) = self.udp.get() else { return UdpStats::default() };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        UdpStats {
            received: read(&counters.received),
            received_bytes: read(&counters.received_bytes),
            sent: read(&counters.sent),
            sent_bytes: read(&counters.sent_bytes),
            unsent: read(&counters.unsent),
            dropped: read(&counters.dropped),
            malformed: read(&counters.malformed),
            trackers: *counters.trackers.lock(),
        }
    }

    fn log(&self, entry: Option<Arc<Entry>>, level: LogLevel, text: String) {
        self.queue.push(Event::now(entry, EventKind::Log { level, text }));
    }

    fn report_overdue(&self) {
        for (entry, text) in self.requests.overdue() {
            self.log(Some(entry), LogLevel::Warn, text);
        }
    }
}

/// A number nobody can guess, from the system.
pub(super) fn entropy() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// The configured first bytes, then random letters and digits.
fn peer_id(prefix: &[u8], rng: &mut Rng) -> PeerId {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut id = [0; 20];
    for (i, byte) in id.iter_mut().enumerate() {
        let random = LETTERS.get(rng.index(LETTERS.len())).copied().unwrap_or(b'0');
        *byte = prefix.get(i).copied().unwrap_or(random);
    }
    PeerId(id)
}

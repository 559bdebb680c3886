//! A network thread and its torrents: the driver of the brains.
//!
//! A shard is a thread `tern-net-N` with a current-thread tokio runtime. It owns its torrents:
//! nothing of them is ever touched by another thread, so nothing is locked. What others want goes
//! through one mailbox ([`inbox`]), drained in batches; all deadlines share one timer ([`timers`]);
//! each socket has a task ([`conn`]). After every input [`drive`] executes what the brain wants
//! done. A panic in a torrent's code ends that torrent, not the shard.
//!
//! Deliberately absent: locks on the data path, tasks of idle torrents, decisions about peers or
//! pieces (the brain's), talking to the host other than through [`Host`].

mod accept;
mod announce;
mod ask;
mod command;
mod conn;
mod contain;
mod dht;
mod dials;
mod drive;
mod fleet;
mod inbox;
mod inquire;
mod jobs;
mod limit;
mod link;
mod lsd;
mod names;
mod outbox;
mod slot;
mod storage;
mod timers;
mod udp;
mod udp_trackers;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use self::announce::Desk;
use self::ask::Lines;
use self::dials::Dials;
use self::fleet::Fleet;
use self::inbox::Inbox;
use self::limit::{Direction, Limits, Waiters};
use self::names::Names;
use self::slot::Slot;
use self::timers::Timers;
use self::udp::Sockets;
pub use self::udp::UdpCounters;
pub use self::udp_trackers::UdpAsk;
use self::udp_trackers::UdpDesk;
use super::host::{Directory, Host, ShardCommand};
use super::session::entropy;
use super::settings::Settings;
use crate::base::{AlignedBytes, BufferPool, Instant, Rng, TorrentId};
use crate::disk::Pool;
use crate::net::{listen, signals};

/// Threads that resolve names and read certificates, per shard: bounds concurrent look-ups.
const BLOCKING_THREADS: usize = 4;
/// Stack of a network thread, in bytes.
const STACK_BYTES: usize = 2 << 20;
/// How often a connection that the disk stopped is looked at, when nothing else says it may go on.
const PRESSURE_TICK: Duration = Duration::from_millis(20);
/// Bytes of a receive buffer.
const RECEIVE_BUFFER: usize = 256 * 1024;
/// Receive buffers of a shard, whatever the budget.
const RECEIVE_BUFFERS_MIN: usize = 4;
/// Receive buffers nobody used for so long are freed.
const TRIM_TICK: Duration = Duration::from_secs(1);
/// Makes another row of random numbers of the session's seed.
const SECRET_SALT: u64 = 0x7465_726e_2d6e_6574;
/// How often the slices of the session's rate limits are divided anew.
const SHARE_TICK: Duration = Duration::from_secs(1);

/// Sends commands to a shard; cheap to clone.
#[derive(Clone)]
pub struct ShardHandle {
    inbox: Arc<Inbox>,
}

impl ShardHandle {
    /// Queues a command. False when the shard has ended (questions in it are then answered with
    /// "gone"). Never blocks.
    pub fn send(&self, command: ShardCommand) -> bool {
        self.inbox.send(command)
    }

    /// As [`Self::send`] with several commands: the shard is woken once.
    pub fn send_all(&self, commands: Vec<ShardCommand>) -> bool {
        self.inbox.send_all(commands)
    }
}

/// Running shards.
pub struct Spawned {
    /// One per shard, in order.
    pub handles: Vec<ShardHandle>,
    /// They end after [`ShardCommand::Shutdown`].
    pub joins: Vec<JoinHandle<()>>,
    /// Each entry of [`Settings::listen`] with the address it came to. [`Host::listen`] is not
    /// called for these, only for entries of later settings.
    pub listening: Vec<(String, io::Result<SocketAddr>)>,
    /// Addresses of these that have no datagrams, likewise.
    pub udp_failed: Vec<(SocketAddr, io::Error)>,
    /// What goes through the datagram sockets.
    pub udp: Arc<UdpCounters>,
}

/// Starts `count` shards (at least one); shard 0 owns the listen sockets, which are bound before
/// this returns. No signal of the host reaches the threads. Fails when a thread or runtime cannot
/// be had; a listen socket that cannot is no failure.
pub fn spawn(
    count: usize,
    settings: Arc<Settings>,
    host: Arc<dyn Host>,
    directory: Arc<dyn Directory>,
    pool: Arc<Pool>,
) -> io::Result<Spawned> {
    let count = count.max(1);
    // Not the session's own row of numbers, should that be fixed.
    let mut rng = Rng::new(settings.seed.unwrap_or_else(entropy) ^ SECRET_SALT);
    let fleet = Arc::new(Fleet::new(&settings, count));
    let (mut listening, mut listeners, mut udp_failed) = (Vec::new(), Vec::new(), Vec::new());
    for (wanted, result) in listen::bind_all(&settings.listen) {
        let (addr, failed) = accept::opened(result, |bound| listeners.push(bound));
        listening.push((wanted, addr));
        udp_failed.extend(failed);
    }
    let udp = Arc::clone(&fleet.udp);
    let (handles, joins) = (Vec::new(), Vec::new());
    let mut spawned = Spawned { handles, joins, listening, udp_failed, udp };
    for (index, inbox) in fleet.inboxes.iter().enumerate() {
        let sink = Arc::clone(inbox);
        let seed = Seed {
            index,
            fleet: Arc::clone(&fleet),
            settings: Arc::clone(&settings),
            host: Arc::clone(&host),
            directory: Arc::clone(&directory),
            sink: pool.add_sink(Arc::new(move |batch| sink.complete(batch))),
            pool: Arc::clone(&pool),
            listeners: std::mem::take(&mut listeners),
            secret: rng.next_u64(),
        };
        match start(seed) {
            Ok(join) => spawned.joins.push(join),
            Err(error) => {
                fleet.inboxes.iter().for_each(|i| _ = i.send(ShardCommand::Shutdown));
                return Err(error);
            }
        }
        spawned.handles.push(ShardHandle { inbox: Arc::clone(inbox) });
    }
    Ok(spawned)
}

/// What a thread starts from.
struct Seed {
    index: usize,
    fleet: Arc<Fleet>,
    settings: Arc<Settings>,
    host: Arc<dyn Host>,
    directory: Arc<dyn Directory>,
    pool: Arc<Pool>,
    sink: usize,
    listeners: Vec<listen::Bound>,
    /// Nobody can guess it.
    secret: u64,
}

fn start(seed: Seed) -> io::Result<JoinHandle<()>> {
    let name = format!("tern-net-{}", seed.index);
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name(format!("tern-dns-{}", seed.index))
        .build()?;
    // The thread, and those of the blocking pool that it will start, inherit the mask.
    let _blocked = signals::Blocked::new();
    std::thread::Builder::new()
        .name(name)
        .stack_size(STACK_BYTES)
        .spawn(move || thread_main(seed, runtime))
}

fn thread_main(seed: Seed, runtime: Runtime) {
    let (fleet, host, index) = (Arc::clone(&seed.fleet), Arc::clone(&seed.host), seed.index);
    let outcome = contain::catch(|| {
        let local = LocalSet::new();
        local.block_on(&runtime, async {
            let shard = Rc::new(Shard::new(seed));
            shard.run().await;
            shard.drop_everything();
        });
        // Tasks that have not noticed the end yet go here, inside the runtime.
        let _inside = runtime.enter();
        drop(local);
    });
    if let Err(message) = outcome {
        host.panicked(None, message);
    }
    if let Some(inbox) = fleet.inboxes.get(index) {
        inbox.close();
    }
    // A name look-up may hang in the system's resolver: do not wait for it.
    runtime.shutdown_background();
}

/// A shard's state, shared by the tasks of its thread.
struct Shard {
    index: usize,
    fleet: Arc<Fleet>,
    host: Arc<dyn Host>,
    directory: Arc<dyn Directory>,
    pool: Arc<Pool>,
    sink: usize,
    /// Jobs for the disk that wait for more of this turn.
    batch: storage::Batch,
    settings: RefCell<Arc<Settings>>,
    torrents: RefCell<BTreeMap<TorrentId, Rc<Slot>>>,
    timers: Timers,
    /// What the main loop sleeps until.
    armed: Cell<Option<Instant>>,
    limits: Limits,
    rate_waiters: Waiters,
    shares_due: Cell<Option<Instant>>,
    dials: Dials,
    /// Torrents with connections that wait to be allowed to read.
    stalled: RefCell<BTreeSet<TorrentId>>,
    desk: Desk,
    door: accept::Door,
    dht: dht::Post,
    sockets: Sockets,
    /// Used on shard 0.
    udp_desk: Rc<UdpDesk>,
    /// Used on shard 0.
    local: lsd::Local,
    names: Names,
    lines: Lines,
    /// For numbers strangers must not guess.
    rng: RefCell<Rng>,
    /// The receive buffer of whoever reads next and reads little.
    scratch: Cell<BytesMut>,
    /// File content on its way to a socket.
    copies: RefCell<AlignedBytes>,
    /// Receive buffers of busy connections.
    buffers: RefCell<BufferPool>,
    /// When they are looked through for idle ones.
    buffers_due: Cell<Option<Instant>>,
    ending: Cell<bool>,
}

impl Shard {
    fn new(seed: Seed) -> Self {
        let share = seed.settings.memory_budget_bytes / seed.fleet.inboxes.len().max(1);
        let buffers = (share / RECEIVE_BUFFER).max(RECEIVE_BUFFERS_MIN);
        let udp = Arc::clone(&seed.fleet.udp);
        let mut rng = Rng::new(seed.secret);
        let (attempts, desk_rng) = (seed.settings.udp_attempts, Rng::new(rng.next_u64()));
        let shard = Self {
            index: seed.index,
            fleet: seed.fleet,
            host: seed.host,
            directory: seed.directory,
            pool: seed.pool,
            sink: seed.sink,
            batch: storage::Batch::default(),
            settings: RefCell::new(seed.settings),
            torrents: RefCell::default(),
            timers: Timers::default(),
            armed: Cell::new(None),
            limits: Limits::default(),
            rate_waiters: Waiters::default(),
            shares_due: Cell::new(None),
            dials: Dials::default(),
            stalled: RefCell::default(),
            desk: Desk::default(),
            door: accept::Door::new(seed.listeners),
            dht: dht::Post::default(),
            sockets: Sockets::new(udp),
            udp_desk: Rc::new(UdpDesk::new(attempts, desk_rng)),
            local: lsd::Local::default(),
            names: Names::default(),
            lines: Lines::default(),
            rng: RefCell::new(rng),
            scratch: Cell::default(),
            copies: RefCell::default(),
            buffers: RefCell::new(BufferPool::new(RECEIVE_BUFFER, buffers)),
            buffers_due: Cell::new(None),
            ending: Cell::new(false),
        };
        shard.apply_rate_limits();
        shard
    }

    fn now(&self) -> Instant {
        self.fleet.now()
    }

    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.borrow())
    }

    fn slot(&self, id: TorrentId) -> Option<Rc<Slot>> {
        self.torrents.borrow().get(&id).cloned()
    }

    /// The thread's main loop: mail, deadlines, and nothing per connection.
    async fn run(self: &Rc<Self>) {
        self.open_dht();
        if self.index == 0 {
            self.open_udp_trackers();
        }
        self.open_door();
        let mut end = None;
        loop {
            self.host.batch(true);
            self.gather_jobs();
            let turned = contain::catch(|| self.turn());
            self.submit_gathered();
            self.host.batch(false);
            if let Err(message) = turned {
                self.host.panicked(None, message);
            }
            if self.ending.get() {
                // Goodbyes may still need this thread, its own and through its sockets others'.
                let patience = self.settings().stop_tracker_timeout;
                let end = *end.get_or_insert_with(|| self.now() + patience);
                if self.is_settled() || self.now() >= end {
                    break;
                }
            }
            let next = self.next_wake().into_iter().chain(end).min();
            self.armed.set(next);
            match next {
                Some(at) => {
                    let at = self.fleet.to_tokio(at);
                    _ = tokio::time::timeout_at(at, self.mailbox().wait()).await;
                }
                None => self.mailbox().wait().await,
            }
            self.armed.set(Some(Instant::ZERO));
        }
    }

    fn mailbox(&self) -> Arc<Inbox> {
        // A shard's index is its place in the fleet it was made from.
        self.fleet.inboxes.get(self.index).map(Arc::clone).unwrap_or_default()
    }

    /// Everything that is due.
    fn turn(self: &Rc<Self>) {
        let (commands, completions) = self.mailbox().take();
        if !completions.is_empty() {
            self.disk_answers(completions);
        }
        for command in commands {
            self.command(command);
        }
        let now = self.now();
        for id in self.timers.take_due(now) {
            if let Some(slot) = self.slot(id) {
                slot.armed.set(None);
                self.time_passed(&slot);
            }
        }
        self.dht_time(now);
        if self.udp_desk.due().is_some_and(|due| due <= now) {
            self.udp_time_passed();
        }
        if self.local.due().is_some_and(|due| due <= now) {
            self.local_time_passed();
        }
        self.rate_waiters.fire(now);
        self.unstall();
        self.dials.look_again(now, || self.fleet.room());
        if self.shares_due.get().is_some_and(|due| due <= now) {
            self.divide_rate();
        }
        if self.buffers_due.get().is_some_and(|due| due <= now) {
            let left = self.buffers.borrow_mut().trim();
            self.buffers_due.set(left.then_some(now + TRIM_TICK));
        }
    }

    /// When [`Self::turn`] is wanted again if no mail comes.
    fn next_wake(&self) -> Option<Instant> {
        let now = self.now();
        let stalled = (!self.stalled.borrow().is_empty()).then(|| now + PRESSURE_TICK);
        let lines = [self.rate_waiters.due(), self.dials.due()];
        let network = [self.udp_desk.due(), self.local.due(), self.dht.due()];
        let clocks = [self.timers.first(), self.shares_due.get(), self.buffers_due.get(), stalled];
        lines.into_iter().chain(network).chain(clocks).flatten().min()
    }

    /// Makes the main loop look at its deadlines again when `at` is before what it sleeps until.
    fn wake_by(&self, at: Instant) {
        if self.armed.get().is_none_or(|armed| at < armed) {
            self.armed.set(Some(at));
            self.mailbox().poke();
        }
    }

    /// A receive buffer was taken: they are looked after from now on.
    fn buffers_used(&self) {
        if self.buffers_due.get().is_none() {
            let due = self.now() + TRIM_TICK;
            self.buffers_due.set(Some(due));
            self.wake_by(due);
        }
    }

    /// Puts a connection in line for rate.
    fn wait_for_rate(&self, ticket: &Cell<u64>, waker: &std::task::Waker, at: Instant) {
        self.rate_waiters.join(ticket, waker, at);
        self.wake_by(at);
    }

    /// Sets this shard's slices of the session's limits from the settings.
    fn apply_rate_limits(&self) {
        let settings = self.settings();
        let limited = settings.upload_limit.is_some() || settings.download_limit.is_some();
        let now = self.now();
        self.shares_due.set(limited.then_some(now + SHARE_TICK));
        let sharers = self.fleet.inboxes.len() as u64;
        self.set_slice(Direction::Down, settings.download_limit, sharers);
        self.set_slice(Direction::Up, settings.upload_limit, sharers);
    }

    /// Divides the session's limits among the shards that move bytes. Each shard does this for
    /// itself once a second, so that the sum is off for a second after the set of busy shards
    /// changed.
    fn divide_rate(&self) {
        let settings = self.settings();
        self.shares_due.set(Some(self.now() + SHARE_TICK));
        for (direction, limit) in
            [(Direction::Down, settings.download_limit), (Direction::Up, settings.upload_limit)]
        {
            let active = self.limits.take_moved(direction);
            let sharers = self.fleet.sharers(self.index, direction as usize, active);
            self.set_slice(direction, limit, sharers);
        }
    }

    fn set_slice(&self, direction: Direction, limit: Option<u64>, sharers: u64) {
        let slice = limit.map(|l| (l / sharers).max(1));
        self.limits.set(self.now(), direction, slice);
    }

    /// Lets go of all torrents and sockets.
    fn drop_everything(self: &Rc<Self>) {
        self.close_door();
        let ids: Vec<_> = self.torrents.borrow().keys().copied().collect();
        for id in ids {
            self.forget(id);
        }
    }
}

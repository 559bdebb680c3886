//! One torrent on its shard: the brain and everything the driver keeps around it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::{Mutex, Notify};

use super::jobs::Jobs;
use super::limit::Limits;
use super::outbox::Outbox;
use crate::base::{InfoHash, Instant, PeerId, PeerKey, TorrentId};
use crate::codec::metainfo::Info;
use crate::proto::dht::Role;
use crate::proto::tracker::{Announcer, TrackerKey};
use crate::swarm::Torrent;

/// A torrent. Shared by the tasks of its thread; no two borrows are ever held across a call of
/// another part, so that none of the cells can be found borrowed.
pub(super) struct Slot {
    pub(super) id: TorrentId,
    pub(super) brain: RefCell<Torrent>,
    pub(super) conns: RefCell<BTreeMap<PeerKey, Rc<Conn>>>,
    pub(super) jobs: RefCell<Jobs>,
    pub(super) limits: Limits,
    pub(super) save_path: RefCell<Arc<Path>>,
    pub(super) trackers: Trackers,
    /// Where the metadata may be had, while it is not here.
    pub(super) sources: RefCell<Vec<String>>,
    /// Space is reserved when files are created.
    pub(super) preallocate: bool,
    /// The disk knows the torrent.
    pub(super) registered: Cell<bool>,
    /// Key of the next incoming connection.
    pub(super) next_incoming: Cell<u64>,
    /// When the shard's timer looks at this torrent.
    pub(super) armed: Cell<Option<Instant>>,
    /// Some connection found reading not allowed and waits to be told otherwise.
    pub(super) stalled: Cell<bool>,
    /// The host lets it use the DHT.
    pub(super) dht: Cell<bool>,
    /// It runs: peers may know of it.
    pub(super) runs: Cell<bool>,
    /// As what the DHT knows it; `None` when it does not.
    pub(super) dht_role: Cell<Option<Role>>,
    /// Content is to be deleted after the close.
    pub(super) delete: Cell<bool>,
    /// The brain said `Closed`; the storage is being closed.
    pub(super) closing: Cell<bool>,
    /// Wire notices are on.
    pub(super) wire: Cell<bool>,
    /// Not on the shard any more; tasks that still hold it must not use it.
    pub(super) gone: Cell<bool>,
}

impl Slot {
    /// The description of the content as the brain has it now.
    pub(super) fn info(&self) -> Arc<Info> {
        Arc::clone(self.brain.borrow().info())
    }

    /// What it is known by.
    pub(super) fn info_hash(&self) -> InfoHash {
        self.brain.borrow().info().info_hash
    }

    /// Whether peers come from trackers and the host only (BEP 27). Not known without metadata.
    pub(super) fn is_private(&self) -> bool {
        self.brain.borrow().info().private
    }
}

/// The driver's part in asking trackers.
pub(super) struct Trackers {
    pub(super) announcer: RefCell<Announcer>,
    pub(super) peer_id: PeerId,
    pub(super) port: u16,
    pub(super) key: u32,
    /// Payload counters (up, down) when `started` was last due: announces count from there.
    pub(super) base: Cell<(u64, u64)>,
    /// Between `started` and `stopped`.
    pub(super) running: Cell<bool>,
    /// When the announcer wants to be asked; at the clock's start: it was changed, ask it now.
    pub(super) due: Cell<Option<Instant>>,
    /// Counts goodbyes: what was asked before one is not reported after it, for the announcer would
    /// take it for the answer to the goodbye.
    pub(super) round: Cell<u64>,
    /// A round ended: what was asked in it is withdrawn.
    pub(super) rounds: Notify,
    /// One announce at a time per tracker: a goodbye must not overtake the `completed` before it.
    pub(super) lines: RefCell<BTreeMap<TrackerKey, Rc<Mutex<()>>>>,
}

impl Trackers {
    /// The line of those who want to ask this tracker.
    pub(super) fn line(&self, tracker: TrackerKey) -> Rc<Mutex<()>> {
        Rc::clone(self.lines.borrow_mut().entry(tracker).or_default())
    }
}

/// One connection or attempt, as far as others than its own task see it.
pub(super) struct Conn {
    pub(super) key: PeerKey,
    pub(super) addr: SocketAddr,
    /// Bytes on their way to the socket.
    pub(super) out: RefCell<Outbox>,
    /// To be given up: the task ends at its next turn.
    pub(super) closed: Cell<bool>,
    /// The task is having its turn: it looks at everything again before it sleeps.
    pub(super) in_turn: Cell<bool>,
    /// Waits for room in the session's budgets.
    pub(super) in_line: Cell<bool>,
    /// Places in the lines for rate, by direction.
    pub(super) tickets: [Cell<u64>; 2],
    waker: RefCell<Option<Waker>>,
}

impl Conn {
    pub(super) fn new(key: PeerKey, addr: SocketAddr) -> Self {
        Self {
            key,
            addr,
            out: RefCell::default(),
            closed: Cell::new(false),
            in_turn: Cell::new(false),
            in_line: Cell::new(false),
            tickets: Default::default(),
            waker: RefCell::default(),
        }
    }

    /// Gives the task a turn soon.
    pub(super) fn wake(&self) {
        if !self.in_turn.get()
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }

    /// Ends the connection.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    /// Remembers whom to wake.
    pub(super) fn note_waker(&self, waker: &Waker) {
        let mut noted = self.waker.borrow_mut();
        if !noted.as_ref().is_some_and(|w| w.will_wake(waker)) {
            *noted = Some(waker.clone());
        }
    }

    /// Bytes not yet with the kernel.
    pub(super) fn pending(&self) -> usize {
        self.out.borrow().len()
    }
}

/// The first key of a torrent's outgoing connections; unique in the session for torrent numbers
/// below 2^32.
pub(super) fn key_base(id: TorrentId) -> u64 {
    id.0 << 32
}

/// The first key of a torrent's incoming connections.
pub(super) fn incoming_base(id: TorrentId) -> u64 {
    key_base(id) | 1 << 31
}

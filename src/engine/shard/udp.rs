//! The session's datagram sockets, on shard 0: one at each address it listens on, at the port it
//! has for connections, and who gets what comes through them.
//!
//! Everything that speaks over datagrams shares these sockets: a NAT maps one port, and the DHT,
//! uTP and trackers see the same address of ours. What a datagram is shows in its first bytes
//! ([`Kind::of`]); each kind has one [`Consumer`], which gets the datagrams of a batch in one call.
//! To join: implement [`Consumer`], give it to [`Sockets::register`] before the door opens (or at
//! any time: [`Consumer::opened`] is called at once then), send with [`Sockets::send`]. Consumers
//! live on shard 0; torrents of other shards reach them through shard 0's mailbox.
//!
//! Bounded: one batch of at most [`udp::BATCH`] datagrams is read before other tasks of the thread
//! have their turn; what the kernel cannot hold meanwhile is lost, and nothing is queued here.
//! Deliberately absent: what datagrams mean, waiting for room to send, retries.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::Shard;
use crate::net::udp::{self, Batch, Datagram};
use crate::proto::tracker::udp::UdpCounts;

/// Pause after a socket could not be read at all.
const BROKEN_PAUSE: Duration = Duration::from_millis(250);

/// What a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A UDP tracker's reply (BEP 15): a small number of four bytes, an action.
    Tracker,
    /// The DHT's (BEP 5): a bencoded dictionary.
    Dht,
    /// uTP (BEP 29): version 1 and one of five types.
    Utp,
}

/// Kinds there are.
const KINDS: usize = 3;

impl Kind {
    /// By the first bytes; `None` for what nobody of ours understands.
    pub(super) fn of(data: &[u8]) -> Option<Self> {
        match data {
            [0, 0, 0, 0..=3, _, _, _, _, ..] => Some(Self::Tracker),
            [b'd', ..] => Some(Self::Dht),
            [first, ..] if first & 0x0f == 1 && first >> 4 <= 4 && data.len() >= 20 => {
                Some(Self::Utp)
            }
            _ => None,
        }
    }
}

/// A socket's number; not used again after it closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SocketId(u32);

/// Who gets the datagrams of one kind. Called on shard 0, never while it is in another call of the
/// same consumer through [`Sockets`].
pub(super) trait Consumer {
    /// Datagrams that arrived together, in order; at least one. Senders are canonical: an
    /// IPv4-mapped address is the IPv4 one.
    fn received(&self, shard: &Rc<Shard>, socket: SocketId, batch: &[Datagram<'_>]);

    /// A datagram that went through this socket, of whatever consumer, was not delivered.
    fn bounced(&self, shard: &Rc<Shard>, socket: SocketId, to: SocketAddr) {
        let _ = (shard, socket, to);
    }

    /// The set of sockets is another one: at the start, and when the host changed what to listen
    /// on. [`Sockets::list`] has them; numbers that are not there any more are closed.
    fn opened(&self, shard: &Rc<Shard>) {
        let _ = shard;
    }
}

/// What went through the sockets, counted; shared with whoever asks for statistics.
#[derive(Debug, Default)]
pub struct UdpCounters {
    /// Datagrams received.
    pub received: AtomicU64,
    /// Bytes in them.
    pub received_bytes: AtomicU64,
    /// Datagrams given to the kernel.
    pub sent: AtomicU64,
    /// Bytes in them.
    pub sent_bytes: AtomicU64,
    /// Datagrams the kernel did not take.
    pub unsent: AtomicU64,
    /// Datagrams dropped since they are of no kind, or too long, or nobody takes their kind.
    pub dropped: AtomicU64,
    /// Datagrams of a known kind that did not parse.
    pub malformed: AtomicU64,
    /// Of these, what concerns trackers.
    pub trackers: Mutex<UdpCounts>,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

struct Open {
    id: SocketId,
    local: SocketAddr,
    socket: Rc<UdpSocket>,
    reader: JoinHandle<()>,
}

/// The sockets and their consumers.
#[derive(Default)]
pub(super) struct Sockets {
    open: RefCell<Vec<Open>>,
    consumers: RefCell<BTreeMap<usize, Rc<dyn Consumer>>>,
    next: Cell<u32>,
    pub(super) counters: Arc<UdpCounters>,
    /// Room to read into, while nobody reads.
    batch: Cell<Option<Box<Batch>>>,
}

impl Sockets {
    pub(super) fn new(counters: Arc<UdpCounters>) -> Self {
        Self { counters, ..Self::default() }
    }

    /// The sockets that are open, in the order of the addresses the session listens on.
    pub(super) fn list(&self) -> Vec<(SocketId, SocketAddr)> {
        self.open.borrow().iter().map(|open| (open.id, open.local)).collect()
    }

    /// The socket that reaches an address best: of its family, and not bound to the loopback for
    /// what is elsewhere.
    pub(super) fn towards(&self, to: SocketAddr) -> Option<SocketId> {
        let open = self.open.borrow();
        let reaches = |local: SocketAddr| {
            if local.is_ipv6() != to.is_ipv6() {
                return None;
            }
            let (local, to) = (local.ip(), to.ip());
            Some(if local.is_unspecified() {
                1
            } else if local.is_loopback() == to.is_loopback() {
                0
            } else {
                2
            })
        };
        let found = open.iter().filter_map(|o| Some((reaches(o.local)?, o.id)));
        found.min_by_key(|(rank, _)| *rank).map(|(_, id)| id)
    }

    /// Gives a datagram to the kernel.
    ///
    /// # Errors
    /// `NotConnected` when the socket is closed; `WouldBlock` when it has no room (the datagram is
    /// lost); what the system says of the address.
    pub(super) fn send(&self, socket: SocketId, to: SocketAddr, data: &[u8]) -> io::Result<()> {
        let open = self.open.borrow();
        let found = open.iter().find(|open| open.id == socket);
        let result = match found {
            Some(open) => udp::send(&open.socket, to, data),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        match &result {
            Ok(()) => {
                count(&self.counters.sent, 1);
                count(&self.counters.sent_bytes, data.len() as u64);
            }
            Err(_) => count(&self.counters.unsent, 1),
        }
        result
    }

    /// Sends through the socket that reaches the address best.
    ///
    /// # Errors
    /// As [`Self::send`]; `AddrNotAvailable` without a socket of that family.
    pub(super) fn send_to(&self, to: SocketAddr, data: &[u8]) -> io::Result<()> {
        let socket = self.towards(to).ok_or(io::ErrorKind::AddrNotAvailable)?;
        self.send(socket, to, data)
    }

    /// Gives all datagrams of a kind to a consumer from now on.
    pub(super) fn register(&self, shard: &Rc<Shard>, kind: Kind, consumer: Rc<dyn Consumer>) {
        self.consumers.borrow_mut().insert(kind as usize, Rc::clone(&consumer));
        if !self.open.borrow().is_empty() {
            consumer.opened(shard);
        }
    }

    /// Sends the kind's datagrams nowhere from now on.
    pub(super) fn unregister(&self, kind: Kind) {
        self.consumers.borrow_mut().remove(&(kind as usize));
    }

    fn consumer(&self, kind: usize) -> Option<Rc<dyn Consumer>> {
        self.consumers.borrow().get(&kind).cloned()
    }

    fn consumers(&self) -> Vec<Rc<dyn Consumer>> {
        self.consumers.borrow().values().cloned().collect()
    }

    /// Closes all sockets. A reader drops its socket when it is next scheduled.
    pub(super) fn close(&self) {
        self.open.take().iter().for_each(|open| open.reader.abort());
    }
}

impl Shard {
    /// Opens these sockets, which belong to the addresses we listen on. A session that listens
    /// nowhere gets sockets to send from, at ports of the system's choice; one that listens
    /// somewhere sends from there and nowhere else, as the host may mean one network.
    pub(super) fn open_sockets(
        self: &Rc<Self>,
        mut sockets: Vec<std::net::UdpSocket>,
        listening: Vec<SocketAddr>,
    ) {
        if listening.is_empty() && self.settings().listen.is_empty() {
            let any: [std::net::IpAddr; 2] =
                [std::net::Ipv4Addr::UNSPECIFIED.into(), std::net::Ipv6Addr::UNSPECIFIED.into()];
            sockets.extend(any.into_iter().filter_map(|ip| udp::bind((ip, 0).into()).ok()));
        }
        for socket in sockets {
            let Ok(local) = socket.local_addr() else { continue };
            let Ok(socket) = UdpSocket::from_std(socket) else { continue };
            let socket = Rc::new(socket);
            let id = SocketId(self.sockets.next.get());
            self.sockets.next.set(id.0 + 1);
            let reader = self.start(None, read(Rc::clone(self), id, Rc::clone(&socket)));
            self.sockets.open.borrow_mut().push(Open { id, local, socket, reader });
        }
        let locals: Vec<SocketAddr> = self.sockets.list().into_iter().map(|(_, at)| at).collect();
        self.fleet.set_own(listening, &locals);
        for consumer in self.sockets.consumers() {
            consumer.opened(self);
        }
        self.reopen_local();
    }

    /// Gives what came to whom it is for. Each consumer is called once for a batch.
    fn dispatch(self: &Rc<Self>, socket: SocketId, batch: &Batch) {
        let counters = &self.sockets.counters;
        let mut sorted: [Vec<Datagram<'_>>; KINDS] = Default::default();
        for Datagram { from, data } in batch.datagrams() {
            count(&counters.received, 1);
            count(&counters.received_bytes, data.len() as u64);
            let from = crate::net::canonical(from);
            match Kind::of(data).and_then(|kind| sorted.get_mut(kind as usize)) {
                Some(list) => list.push(Datagram { from, data }),
                None => count(&counters.dropped, 1),
            }
        }
        for (kind, list) in sorted.iter().enumerate().filter(|(_, list)| !list.is_empty()) {
            match self.sockets.consumer(kind) {
                Some(consumer) => self.contain(None, || consumer.received(self, socket, list)),
                None => count(&counters.dropped, list.len() as u64),
            }
        }
        for to in batch.bounced() {
            for consumer in self.sockets.consumers() {
                self.contain(None, || consumer.bounced(self, socket, crate::net::canonical(*to)));
            }
        }
    }
}

/// A socket's reader.
async fn read(shard: Rc<Shard>, id: SocketId, socket: Rc<UdpSocket>) {
    loop {
        // Lent while there is something to do, so that all sockets share one.
        let ready = udp::ready(&socket).await;
        let mut batch = shard.sockets.batch.take().unwrap_or_default();
        match ready.and_then(|()| batch.receive(&socket)) {
            Ok(()) => {
                shard.dispatch(id, &batch);
                count(&shard.sockets.counters.dropped, batch.take_oversized());
                shard.sockets.batch.set(Some(batch));
                // Whoever floods us does not keep the thread from its other work.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                shard.sockets.batch.set(Some(batch));
                if error.kind() != io::ErrorKind::WouldBlock {
                    tokio::time::sleep(BROKEN_PAUSE).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn kinds_show_in_the_first_bytes() {
        let reply = [0, 0, 0, 1, 9, 9, 9, 9, 0];
        assert_eq!(Kind::of(&reply), Some(Kind::Tracker));
        assert_eq!(Kind::of(&reply[..7]), None);
        assert_eq!(Kind::of(&[0, 0, 0, 4, 9, 9, 9, 9]), None);
        assert_eq!(Kind::of(b"d1:y1:qe"), Some(Kind::Dht));
        let mut packet = [0; 20];
        for kind in 0..=4 {
            packet[0] = kind << 4 | 1;
            assert_eq!(Kind::of(&packet), Some(Kind::Utp));
        }
        for first in [0x51, 0x02, 0x00] {
            packet[0] = first;
            packet[3] = 7;
            assert_eq!(Kind::of(&packet), None);
        }
        packet[0] = 1;
        assert_eq!(Kind::of(&packet[..19]), None);
        assert_eq!(Kind::of(b""), None);
    }
}

//! Incoming connections: accepted on shard 0, identified by the info-hash in their handshake, then
//! handed to the shard that has the torrent.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::slot::Conn;
use super::{Shard, conn};
use crate::base::{PeerKey, TorrentId};
use crate::engine::host::{ShardCommand, Traffic};
use crate::net::canonical;
use crate::net::listen::{self, Bound};
use crate::proto::peer::{Connection, Event, HANDSHAKE_LEN};
use crate::swarm::Input;

/// Connections that have not said what they want. Beyond it the oldest goes: a peer that means it
/// sends its handshake within a round trip, somebody who only holds sockets open loses them first.
const UNIDENTIFIED_MAX: usize = 256;
/// Time to send a handshake.
const IDENTIFY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after `accept` failed (no file descriptors left, for one): the error stays for a while.
const ACCEPT_PAUSE: Duration = Duration::from_millis(250);
/// Time for the host to say whether an address may be used: as long as it may hold a descriptor.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes read while waiting for the 68 of a handshake.
const HANDSHAKE_BUFFER: usize = 1024;

/// The listen sockets of a shard, and those who knocked.
pub(super) struct Door {
    unopened: RefCell<Vec<Bound>>,
    listening: RefCell<Vec<JoinHandle<()>>>,
    unidentified: RefCell<VecDeque<(u64, JoinHandle<()>)>>,
    next: Cell<u64>,
}

/// A connection whose handshake was read.
pub(super) struct Identified {
    pub(super) stream: TcpStream,
    pub(super) addr: SocketAddr,
    pub(super) connection: Box<Connection>,
    pub(super) rest: BytesMut,
}

impl Door {
    pub(super) fn new(bound: Vec<Bound>) -> Self {
        Self {
            unopened: RefCell::new(bound),
            listening: RefCell::default(),
            unidentified: RefCell::default(),
            next: Cell::new(0),
        }
    }
}

impl Shard {
    /// Starts accepting, and reading datagrams.
    pub(super) fn open_door(self: &Rc<Self>) {
        let (mut sockets, mut listening) = (Vec::new(), Vec::new());
        for Bound { tcp, udp } in self.door.unopened.take() {
            sockets.extend(udp);
            listening.extend(tcp.local_addr());
            if let Ok(listener) = tokio::net::TcpListener::from_std(tcp) {
                let task = self.start(None, accept(Rc::clone(self), listener));
                self.door.listening.borrow_mut().push(task);
            }
        }
        if self.index == 0 {
            self.open_sockets(sockets, listening);
        }
    }

    /// Stops accepting and drops those who have not said what they want.
    pub(super) fn close_door(&self) {
        self.sockets.close();
        self.local.close();
        self.door.listening.take().iter().for_each(JoinHandle::abort);
        self.door.unidentified.take().iter().for_each(|(_, task)| task.abort());
    }

    /// Listens on other addresses from now on, and tells the host about each.
    pub(super) fn rebind(self: &Rc<Self>, wanted: &[String]) {
        // The old sockets go first: the new list may name the same ports. An aborted task drops its
        // listener when it is next scheduled, so bind from a task that runs after those.
        self.sockets.close();
        self.door.listening.take().iter().for_each(JoinHandle::abort);
        let (shard, wanted) = (Rc::clone(self), wanted.to_vec());
        self.start(None, async move {
            tokio::task::yield_now().await;
            for (entry, result) in listen::bind_all(&wanted) {
                let keep = |bound| shard.door.unopened.borrow_mut().push(bound);
                let (addr, failed) = opened(result, keep);
                shard.host.listen(&entry, addr);
                if let Some((addr, error)) = failed {
                    shard.host.udp_failed(addr, &error);
                }
            }
            if !shard.ending.get() {
                shard.open_door();
            }
        });
    }

    fn greet(self: &Rc<Self>, stream: TcpStream, addr: SocketAddr) {
        let ticket = self.door.next.get();
        self.door.next.set(ticket + 1);
        let shard = Rc::clone(self);
        let task = self.start(None, async move {
            let identified =
                tokio::time::timeout(IDENTIFY_TIMEOUT, identify(&shard, stream, addr)).await;
            shard.door.unidentified.borrow_mut().retain(|(t, _)| *t != ticket);
            if let Ok(Some((index, torrent, identified))) = identified
                && shard.may_use(torrent, addr, true).await
            {
                shard.hand_over(index, torrent, identified);
            }
        });
        let mut unidentified = self.door.unidentified.borrow_mut();
        unidentified.push_back((ticket, task));
        if unidentified.len() > UNIDENTIFIED_MAX
            && let Some((_, oldest)) = unidentified.pop_front()
        {
            oldest.abort();
        }
    }

    /// Whether the host lets an address be connected to, or in; asks it when it wants to be asked.
    /// Unanswered for [`ANSWER_TIMEOUT`], it is no.
    pub(super) async fn may_use(&self, torrent: TorrentId, addr: SocketAddr, comes: bool) -> bool {
        if !self.settings().peer_requests {
            return true;
        }
        let (say, said) = tokio::sync::oneshot::channel();
        self.host.ask_peer(torrent, addr, comes, say);
        matches!(tokio::time::timeout(ANSWER_TIMEOUT, said).await, Ok(Ok(true)))
    }

    /// Gives a connection to the shard that has its torrent.
    fn hand_over(self: &Rc<Self>, index: usize, torrent: TorrentId, who: Identified) {
        if index == self.index {
            return self.incoming(torrent, who);
        }
        let Some(inbox) = self.fleet.inboxes.get(index) else { return };
        // Leaves our reactor; stays in non-blocking mode.
        let Identified { stream, addr, connection, rest } = who;
        if let Ok(stream) = stream.into_std() {
            inbox.send(ShardCommand::Incoming { torrent, stream, addr, connection, rest });
        }
    }

    /// A connection for a torrent of this shard. Closed when the torrent has gone meanwhile, is
    /// closing, or the session has no room.
    pub(super) fn incoming(self: &Rc<Self>, torrent: TorrentId, who: Identified) {
        let Some(slot) = self.slot(torrent).filter(|s| !s.closing.get()) else { return };
        let Some(permit) = self.fleet.connection() else { return };
        let key = PeerKey(slot.next_incoming.get());
        slot.next_incoming.set(key.0 + 1);
        let conn = Rc::new(Conn::new(key, who.addr));
        slot.conns.borrow_mut().insert(key, Rc::clone(&conn));
        if slot.wire.get() {
            let bytes = (HANDSHAKE_LEN + who.rest.len()) as u64;
            self.host.traffic(torrent, Traffic::Received { peer: key, addr: who.addr, bytes });
        }
        let input = Input::Incoming { peer: key, addr: who.addr, connection: who.connection };
        self.input(&slot, input);
        // The brain may have refused it, by closing it.
        if !conn.closed.get() {
            let task =
                conn::run(Rc::clone(self), Rc::clone(&slot), conn, who.stream, who.rest, permit);
            self.start(Some(torrent), task);
        }
    }
}

/// The address an entry of the listen addresses came to, and, should it have no datagrams, why.
/// Sockets that were had are given to `keep`.
pub(super) fn opened(
    result: io::Result<Bound>,
    keep: impl FnOnce(Bound),
) -> (io::Result<SocketAddr>, Option<(SocketAddr, io::Error)>) {
    let mut failed = None;
    let addr = result.and_then(|bound| {
        let addr = bound.tcp.local_addr()?;
        if let Err(error) = &bound.udp {
            let copy = error.raw_os_error().map_or_else(
                || io::Error::new(error.kind(), error.to_string()),
                io::Error::from_raw_os_error,
            );
            failed = Some((addr, copy));
        }
        keep(bound);
        Ok(addr)
    });
    (addr, failed)
}

async fn accept(shard: Rc<Shard>, listener: tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, addr)) => {
                // Some systems refuse this on a connection that is already dead: so will reading.
                let _ = stream.set_nodelay(true);
                shard.greet(stream, canonical(addr));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Reads until the handshake is in; `None` when it is not one, or names no torrent of ours.
async fn identify(
    shard: &Rc<Shard>,
    mut stream: TcpStream,
    addr: SocketAddr,
) -> Option<(usize, TorrentId, Identified)> {
    let mut connection = Box::new(Connection::incoming(shard.now(), IDENTIFY_TIMEOUT));
    let mut rest = BytesMut::with_capacity(HANDSHAKE_BUFFER);
    loop {
        // The buffer is bounded by what one read appends: the machine takes or refuses the rest.
        if rest.len() >= HANDSHAKE_BUFFER || stream.read_buf(&mut rest).await.ok()? == 0 {
            return None;
        }
        connection.receive(shard.now(), &mut rest);
        match connection.poll_event() {
            None => {}
            Some(Event::Handshake(handshake)) => {
                let (index, torrent) = shard.directory.find(&handshake.info_hash)?;
                return Some((index, torrent, Identified { stream, addr, connection, rest }));
            }
            Some(_) => return None,
        }
    }
}

//! Peers on the local network (BEP 14), on shard 0: the machine joined to multicast sockets.
//!
//! Sockets are open only while a torrent that runs wants peers from here. Interfaces are those the
//! host chose, or those of the addresses the session listens on, so that a session bound to one
//! network, or to this machine alone, is heard nowhere else. An interface that cannot be joined is
//! reported and left out. Private torrents never come here (BEP 27): [`Shard::local_start`] is the
//! one gate. Deliberately absent: which torrents run (their brains say), when to announce (the
//! machine's).

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::Shard;
use super::slot::Slot;
use super::udp::count;
use crate::base::{InfoHash, Instant, Rng};
use crate::engine::host::ShardCommand;
use crate::net::udp::multicast::{self, Interface};
use crate::net::udp::{self, Batch};
use crate::proto::lsd::{GROUP_V4, GROUP_V6, Lsd, LsdInput, LsdOutput};
use crate::swarm::PeerSource;

/// Pause after a socket could not be read at all.
const BROKEN_PAUSE: Duration = Duration::from_millis(250);

/// A group on the interfaces that joined it.
struct Group {
    addr: SocketAddr,
    socket: Rc<UdpSocket>,
    on: Vec<Interface>,
    reader: JoinHandle<()>,
}

/// The local network, as far as we are in touch with it.
#[derive(Default)]
pub(super) struct Local {
    machine: RefCell<Option<Lsd>>,
    wanted: RefCell<BTreeSet<InfoHash>>,
    groups: RefCell<Vec<Group>>,
    due: Cell<Option<Instant>>,
}

impl Local {
    /// When [`Shard::local_time_passed`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    pub(super) fn close(&self) {
        self.groups.take().iter().for_each(|group| group.reader.abort());
        self.due.set(None);
    }
}

impl Shard {
    /// A torrent runs: neighbours may have it too, unless it is private.
    pub(super) fn local_start(&self, slot: &Slot) {
        if !slot.info().private {
            self.to_first(ShardCommand::LocalPeers(slot.info().info_hash, true));
        }
    }

    /// It does not run any more, or has turned out to be private.
    pub(super) fn local_stop(&self, slot: &Slot) {
        self.to_first(ShardCommand::LocalPeers(slot.info_hash(), false));
    }

    fn to_first(&self, command: ShardCommand) {
        if let Some(inbox) = self.fleet.inboxes.first() {
            inbox.send(command);
        }
    }

    /// A torrent of some shard wants local peers, or does not any more. On shard 0 only.
    pub(super) fn local_wanted(self: &Rc<Self>, hash: InfoHash, wanted: bool) {
        let mut all = self.local.wanted.borrow_mut();
        let changed = if wanted { all.insert(hash) } else { all.remove(&hash) };
        let open = all.len();
        drop(all);
        if !changed || !self.settings().lsd {
            return;
        }
        if wanted && open == 1 && self.local.groups.borrow().is_empty() {
            self.open_local();
        }
        let input = if wanted { LsdInput::Start(hash) } else { LsdInput::Stop(hash) };
        self.local_input(input);
        if open == 0 {
            self.local.close();
        }
    }

    /// Settings or addresses changed: other sockets, as far as they are wanted.
    pub(super) fn reopen_local(self: &Rc<Self>) {
        self.local.close();
        if !self.settings().lsd {
            *self.local.machine.borrow_mut() = None;
            return;
        }
        let wanted: Vec<InfoHash> = self.local.wanted.borrow().iter().copied().collect();
        if wanted.is_empty() {
            return;
        }
        self.open_local();
        for hash in wanted {
            self.local_input(LsdInput::Start(hash));
        }
    }

    fn open_local(self: &Rc<Self>) {
        let listening = self.fleet.listening();
        let Some(port) = listening.first().map(SocketAddr::port) else { return };
        let interfaces = match multicast::interfaces() {
            Ok(all) => self.chosen(all, &listening),
            Err(error) => return self.host.local_failed("", &error),
        };
        let groups: [SocketAddr; 2] = [GROUP_V4.into(), GROUP_V6.into()];
        let opened: Vec<bool> =
            groups.iter().map(|group| self.open_group(*group, &interfaces)).collect();
        let families = (opened.first() == Some(&true), opened.get(1) == Some(&true));
        let mut machine = self.local.machine.borrow_mut();
        match &mut *machine {
            // It remembers what was announced when.
            Some(lsd) => lsd.rebind(port, families),
            None => {
                let mut rng = Rng::new(self.rng.borrow_mut().next_u64());
                *machine = Some(Lsd::new(port, families, &mut rng));
            }
        }
    }

    /// The interfaces to be on: one of each for IPv6, whose groups are joined by interface.
    fn chosen(&self, all: Vec<Interface>, listening: &[SocketAddr]) -> Vec<Interface> {
        let settings = self.settings();
        let named = |on: &Interface| {
            settings
                .lsd_interfaces
                .iter()
                .any(|name| *name == on.name || name.parse() == Ok(on.ip.to_canonical()))
        };
        let listens = |on: &Interface| {
            listening
                .iter()
                .map(SocketAddr::ip)
                .any(|ip| ip.is_ipv6() == on.ip.is_ipv6() && (ip.is_unspecified() || ip == on.ip))
        };
        let mut seen = BTreeSet::new();
        all.into_iter()
            .filter(|on| if settings.lsd_interfaces.is_empty() { listens(on) } else { named(on) })
            .filter(|on| on.ip.is_ipv4() || seen.insert(on.index))
            .collect()
    }

    /// Opens a group's socket; whether anybody can be heard.
    fn open_group(self: &Rc<Self>, group: SocketAddr, interfaces: &[Interface]) -> bool {
        let ours: Vec<&Interface> =
            interfaces.iter().filter(|on| on.ip.is_ipv6() == group.is_ipv6()).collect();
        if ours.is_empty() {
            return false;
        }
        let socket = match multicast::bind(group).and_then(UdpSocket::from_std) {
            Ok(socket) => Rc::new(socket),
            Err(error) => {
                self.host.local_failed("", &error);
                return false;
            }
        };
        let mut on = Vec::new();
        for interface in ours {
            match multicast::join(&socket, group.ip(), interface) {
                Ok(()) => on.push(interface.clone()),
                Err(error) => self.host.local_failed(&interface.name, &error),
            }
        }
        if on.is_empty() {
            return false;
        }
        let reader = self.start(None, hear(Rc::clone(self), Rc::clone(&socket)));
        self.local.groups.borrow_mut().push(Group { addr: group, socket, on, reader });
        true
    }

    /// The machine's deadline has passed.
    pub(super) fn local_time_passed(&self) {
        self.local_input(LsdInput::Timeout);
    }

    fn local_input(&self, input: LsdInput<'_>) {
        let now = self.now();
        let mut machine = self.local.machine.borrow_mut();
        let Some(lsd) = &mut *machine else { return };
        lsd.handle(now, input);
        let outputs: Vec<LsdOutput> = core::iter::from_fn(|| lsd.poll_output()).collect();
        let due = lsd.next_deadline().filter(|_| !self.local.groups.borrow().is_empty());
        drop(machine);
        for output in outputs {
            match output {
                LsdOutput::Send { v6, data } => self.tell_neighbours(v6, &data),
                LsdOutput::Found { info_hash, addr } => {
                    self.route_peers(&info_hash, PeerSource::Lsd, &[addr]);
                }
            }
        }
        self.local.due.set(due);
        if let Some(due) = due {
            self.wake_by(due);
        }
    }

    fn tell_neighbours(&self, v6: bool, data: &[u8]) {
        let counters = &self.sockets.counters;
        for group in self.local.groups.borrow().iter().filter(|g| g.addr.is_ipv6() == v6) {
            for on in &group.on {
                // An interface that went away hears nothing; the next announce tries again.
                match multicast::send(&group.socket, group.addr, on, data) {
                    Ok(()) => {
                        count(&counters.sent, 1);
                        count(&counters.sent_bytes, data.len() as u64);
                    }
                    Err(_) => count(&counters.unsent, 1),
                }
            }
        }
    }

    /// Peers of a torrent, whichever shard it is on.
    pub(super) fn route_peers(&self, hash: &InfoHash, source: PeerSource, addrs: &[SocketAddr]) {
        let Some((index, id)) = self.directory.find(hash) else { return };
        if let Some(inbox) = self.fleet.inboxes.get(index) {
            inbox.send(ShardCommand::PeersFound(id, source, addrs.to_vec()));
        }
    }
}

/// A group's reader.
async fn hear(shard: Rc<Shard>, socket: Rc<UdpSocket>) {
    let mut batch = Batch::default();
    loop {
        let ready = udp::ready(&socket).await;
        match ready.and_then(|()| batch.receive(&socket)) {
            Ok(()) => {
                for datagram in batch.datagrams() {
                    let (from, data) = (datagram.from, datagram.data);
                    count(&shard.sockets.counters.received, 1);
                    count(&shard.sockets.counters.received_bytes, data.len() as u64);
                    shard.local_input(LsdInput::Datagram { from, data });
                }
                tokio::task::yield_now().await;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => tokio::time::sleep(BROKEN_PAUSE).await,
        }
    }
}

//! The DHT on its network thread: the service (`engine::dht`) gets the datagrams, the time and the
//! session's commands; what it wants done is done here.
//!
//! It lives on shard 0, where the sockets are. Torrents of all shards tell it that they start and
//! stop, through shard 0's mailbox; what it finds for them goes back by the session. Deliberately
//! absent: a timer or a task for a torrent; one deadline of the service stands for all.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Shard;
use super::slot::Slot;
use super::udp::{Consumer, Kind, SocketId};
use crate::base::{Instant, Rng};
use crate::engine::dht::{Command, DhtEvent, Output, Saved, Service};
use crate::engine::host::ShardCommand;
use crate::net::udp::Datagram;
use crate::proto::dht::{EndpointId, Failure, Observe, Outcome, Role};
use crate::proto::tracker::AnnounceEvent;

/// Time for the system to resolve a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The service and what belongs to it.
#[derive(Default)]
pub(super) struct Post {
    service: RefCell<Option<Service>>,
    /// Its endpoints' sockets.
    sockets: RefCell<BTreeMap<SocketId, EndpointId>>,
    next: Cell<u32>,
    /// State for a service that is started later.
    saved: RefCell<Saved>,
    observe: Cell<Observe>,
    /// The deadline the shard's clock knows of.
    due: Cell<Option<Instant>>,
}

impl Post {
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }
}

/// The sockets' view of the service.
struct Reader;

impl Consumer for Reader {
    fn received(&self, shard: &Rc<Shard>, socket: SocketId, batch: &[Datagram<'_>]) {
        let Some(endpoint) = shard.dht.sockets.borrow().get(&socket).copied() else { return };
        let now = shard.now();
        shard.with_dht(|service| {
            for Datagram { from, data } in batch {
                service.datagram(now, endpoint, *from, data);
            }
        });
    }

    fn bounced(&self, shard: &Rc<Shard>, _: SocketId, to: SocketAddr) {
        shard.with_dht(|service| service.unreachable(shard.now(), to));
    }

    fn opened(&self, shard: &Rc<Shard>) {
        shard.dht_endpoints();
    }
}

impl Shard {
    /// Starts the service on the shard that has the sockets, if the settings want one.
    pub(super) fn open_dht(self: &Rc<Self>) {
        let settings = self.settings();
        if self.index != 0 || !settings.dht.enabled || self.dht.service.borrow().is_some() {
            return;
        }
        let secret = secret();
        let seed = settings.seed.unwrap_or_else(|| {
            let hash: [u8; 32] = Sha256::digest(secret).into();
            let [a, b, c, d, e, f, g, h, ..] = hash;
            u64::from_le_bytes([a, b, c, d, e, f, g, h])
        });
        let saved = self.dht.saved.take();
        let mut service = Service::new(&settings.dht, secret, saved, Rng::new(seed));
        service.command(self.now(), Command::Observe(self.dht.observe.get()));
        *self.dht.service.borrow_mut() = Some(service);
        self.dht.sockets.borrow_mut().clear();
        self.sockets.register(self, Kind::Dht, Rc::new(Reader));
    }

    /// Ends the service; what it knows is kept for when it is started again.
    fn close_dht(self: &Rc<Self>) {
        self.sockets.unregister(Kind::Dht);
        self.dht.sockets.borrow_mut().clear();
        self.with_dht(Service::give_up);
        let service = self.dht.service.borrow_mut().take();
        if let Some(service) = service {
            let saved = Saved::decode(&service.save());
            *self.dht.saved.borrow_mut() = saved.unwrap_or_default();
        }
        self.dht.due.set(None);
    }

    /// Changed settings. Torrents say hello again when the service was started.
    pub(super) fn configure_dht(self: &Rc<Self>) {
        let settings = self.settings();
        if self.index == 0 {
            if !settings.dht.enabled {
                self.close_dht();
            } else if self.dht.service.borrow().is_some() {
                self.with_dht(|service| service.configure(self.now(), &settings.dht));
            } else {
                self.open_dht();
            }
        }
        let slots: Vec<_> = self.torrents.borrow().values().cloned().collect();
        for slot in slots {
            self.dht_switch(&slot);
        }
    }

    /// Tells the service which sockets there are.
    fn dht_endpoints(self: &Rc<Self>) {
        let open: BTreeMap<SocketId, SocketAddr> = self.sockets.list().into_iter().collect();
        let mut gone = Vec::new();
        self.dht.sockets.borrow_mut().retain(|socket, endpoint| {
            let stays = open.contains_key(socket);
            if !stays {
                gone.push(*endpoint);
            }
            stays
        });
        let now = self.now();
        self.with_dht(|service| gone.into_iter().for_each(|e| service.unlisten(now, e)));
        for (socket, local) in open {
            if self.dht.sockets.borrow().contains_key(&socket) {
                continue;
            }
            let endpoint = EndpointId(self.dht.next.get());
            self.dht.next.set(endpoint.0 + 1);
            self.dht.sockets.borrow_mut().insert(socket, endpoint);
            // A datagram socket has the port at which peers connect, if they can.
            let port = if self.settings.borrow().listen.is_empty() { 0 } else { local.port() };
            self.with_dht(|service| service.listen(now, endpoint, local, port));
        }
    }

    /// Does something with the service, then what the service wants done.
    fn with_dht(self: &Rc<Self>, f: impl FnOnce(&mut Service)) {
        {
            let mut service = self.dht.service.borrow_mut();
            let Some(service) = service.as_mut() else { return };
            f(service);
        }
        loop {
            let output = self.dht.service.borrow_mut().as_mut().and_then(Service::poll_output);
            match output {
                None => break,
                Some(output) => self.dht_output(output),
            }
        }
        let due = self.dht.service.borrow().as_ref().and_then(Service::next_deadline);
        self.dht.due.set(due);
        if let Some(due) = due {
            self.wake_by(due);
        }
    }

    fn dht_output(self: &Rc<Self>, output: Output) {
        match output {
            Output::Send { endpoint, to, data } => {
                let sockets = self.dht.sockets.borrow();
                let socket = sockets.iter().find(|(_, e)| **e == endpoint).map(|(s, _)| *s);
                // One that cannot be sent is lost like any other.
                _ = socket.map(|socket| self.sockets.send(socket, to, &data));
            }
            Output::Resolve(host) => {
                let shard = Rc::clone(self);
                self.start(None, async move {
                    let found = tokio::net::lookup_host(&host);
                    let found = match tokio::time::timeout(RESOLVE_TIMEOUT, found).await {
                        Ok(Ok(found)) => Ok(found.collect()),
                        Ok(Err(error)) => Err(error.to_string()),
                        Err(_) => Err("the system's resolver does not answer".into()),
                    };
                    shard.with_dht(|service| service.resolved(shard.now(), found));
                });
            }
            output => self.host.dht(output),
        }
    }

    /// The service's time may have come.
    pub(super) fn dht_time(self: &Rc<Self>, now: Instant) {
        if self.dht.due.get().is_some_and(|due| due <= now) {
            self.contain(None, || self.with_dht(|service| service.timeout(now)));
        }
    }

    /// The session, or a torrent, wants something of the service.
    pub(super) fn dht_command(self: &Rc<Self>, command: Command) {
        match &command {
            Command::Observe(observe) => self.dht.observe.set(*observe),
            Command::Restore(saved) if self.dht.service.borrow().is_none() => {
                self.dht.saved.borrow_mut().clone_from(saved);
            }
            _ => {}
        }
        let now = self.now();
        let mut command = Some(command);
        self.with_dht(|service| {
            if let Some(command) = command.take() {
                service.command(now, command);
            }
        });
        // There is no service.
        match command {
            Some(Command::Query(query)) => query(None),
            Some(Command::Run(token, _)) => {
                let (outcome, stats) = (Outcome::Failed(Failure::NoEndpoint), Default::default());
                self.host.dht(Output::Event(None, DhtEvent::Done { token, outcome, stats }));
            }
            Some(Command::Follow { .. } | Command::Publish { .. }) => {
                self.host.dht(Output::Cancelled);
            }
            _ => {}
        }
    }

    /// Peers and trackers agree on our address.
    pub(super) fn dht_external(self: &Rc<Self>, ip: IpAddr) {
        self.with_dht(|service| service.external(self.now(), ip));
    }

    /// To the shard that has the service.
    fn to_dht(&self, command: Command) {
        if let Some(first) = self.fleet.inboxes.first() {
            first.send(ShardCommand::Dht(command));
        }
    }

    /// The brain says that its torrent started, completed or stopped.
    pub(super) fn dht_event(&self, slot: &Slot, event: AnnounceEvent) {
        match event {
            AnnounceEvent::Stopped => slot.runs.set(false),
            AnnounceEvent::Started => slot.runs.set(true),
            _ => {}
        }
        self.dht_switch(slot);
    }

    /// Tells the service whether a torrent is to be looked up and announced, when that is not what
    /// it knows. Private torrents are not, ever (BEP 27).
    pub(super) fn dht_switch(&self, slot: &Slot) {
        let enabled = self.settings.borrow().dht.enabled;
        let wanted = slot.runs.get() && slot.dht.get() && enabled && !slot.is_private();
        let role = if slot.brain.borrow().left() > 0 { Role::Leech } else { Role::Seed };
        let wanted = wanted.then_some(role);
        if slot.dht_role.replace(wanted) == wanted {
            return;
        }
        let id = slot.id;
        self.to_dht(match wanted {
            Some(role) => Command::Torrent { id, info_hash: slot.info_hash(), role },
            None => Command::TorrentGone(id),
        });
    }

    /// The torrent leaves the shard.
    pub(super) fn dht_forget(&self, slot: &Slot) {
        if slot.dht_role.take().is_some() {
            self.to_dht(Command::TorrentGone(slot.id));
        }
    }

    /// A peer said at which port its node is (BEP 5).
    pub(super) fn dht_node(&self, node: SocketAddr) {
        self.to_dht(Command::Met(node));
    }
}

/// Entropy of the system's: the keys of the standard library's hash maps come from there.
fn secret() -> [u8; 20] {
    use std::hash::{BuildHasher, RandomState};
    let mut hash = Sha256::new();
    for n in 0..8u64 {
        hash.update(RandomState::new().hash_one(n).to_le_bytes());
    }
    let hash: [u8; 32] = hash.finalize().into();
    let mut out = [0; 20];
    for (to, from) in out.iter_mut().zip(hash) {
        *to = from;
    }
    out
}

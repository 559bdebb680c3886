//! The session's DHT service: the sans-IO machine, whose turn it is among the torrents, pointers
//! that are followed and published, names of bootstrap hosts, what is kept between sessions.
//!
//! Itself without sockets and clocks: a shard (`engine::shard::dht`) feeds it datagrams, time and
//! the session's commands, and does what [`Service::poll_output`] says. It joins the network when
//! something first wants it to (a torrent, a command, nodes of an earlier session), so that a
//! session that never needs the DHT sends nothing. Deliberately absent: threads, the host's hooks,
//! what a torrent is beyond its number, info-hash and role.

mod bootstrap;
mod pointers;
mod saved;
mod types;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use saved::Saved;
pub use types::{Command, DhtEvent, DhtStats, Output};

use self::bootstrap::{Names, Purpose, literal};
use self::pointers::Pointers;
use super::settings::DhtSettings;
use crate::base::{Instant, Rng, TorrentId};
use crate::proto::dht::{
    self, Announce, CommandId, Contact, Dht, EndpointId, Failure, Found, Input, LookupStats,
    Observe, Outcome, Role, Rounds,
};

/// Marks the number of a torrent's lookup; the rest is the torrent's.
const TORRENT_BIT: u64 = 1 << 63;
/// Marks the number of a pointer's command; the rest is the pointer's token.
const POINTER_BIT: u64 = 1 << 62;
/// Marks the number of a question whose answer only the table wants.
const SILENT_BIT: u64 = 1 << 61;
/// Commands of the host's and pointers under way.
const MAX_COMMANDS: usize = 1000;
/// With so many nodes known we do not ask every peer's.
const ENOUGH_NODES: usize = 100;
/// Time between states worth keeping.
const SAVE_EVERY: Duration = Duration::from_secs(15 * 60);
/// Time to the first one after a node found its place: by then its table has filled.
const SAVE_FIRST: Duration = Duration::from_secs(60);
/// A host's command waits so long for us to find the network.
const PATIENCE: Duration = Duration::from_secs(15);
/// Time over which rates are measured.
const METER: Duration = Duration::from_secs(2);

/// Bytes per second, without a timer: measured when something passes or somebody asks.
#[derive(Debug, Default)]
struct Meter {
    at: Instant,
    bytes: (u64, u64),
    rates: (u64, u64),
}

impl Meter {
    fn look(&mut self, now: Instant, bytes: (u64, u64)) -> (u64, u64) {
        let passed = now.since(self.at);
        if passed >= METER {
            let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
            let rate = |new: u64, old: u64| new.saturating_sub(old).saturating_mul(1000) / millis;
            self.rates = (rate(bytes.0, self.bytes.0), rate(bytes.1, self.bytes.1));
            (self.at, self.bytes) = (now, bytes);
        }
        self.rates
    }
}

/// The service. See the module's documentation.
#[derive(Debug)]
pub struct Service {
    machine: Dht,
    settings: Arc<DhtSettings>,
    rng: Rng,
    endpoints: BTreeMap<EndpointId, SocketAddr>,
    /// Those whose nodes agree on our address.
    decided: BTreeSet<EndpointId>,
    /// The port peers reach us at, and whether our packets come from the same.
    announce: (u16, bool),
    rounds: Rounds,
    /// Commands of the host's under way.
    running: BTreeSet<u64>,
    /// Those of them that wait for the network, at most so long.
    waiting: VecDeque<(Instant, u64, dht::Command)>,
    pointers: Pointers,
    names: Names,
    /// Something wants the network.
    joined: bool,
    /// Some node has found its place.
    ready: bool,
    next_silent: u64,
    meter: Meter,
    next_save: Option<Instant>,
    outputs: VecDeque<Output>,
}

impl Service {
    /// A service without a listening address. `secret` is entropy of the system's.
    #[must_use]
    pub fn new(settings: &Arc<DhtSettings>, secret: [u8; 20], saved: Saved, mut rng: Rng) -> Self {
        let machine = Dht::new(settings.machine(), secret, saved.machine, rng.fork());
        Self {
            machine,
            rounds: Rounds::new(settings.rounds(), rng.fork()),
            settings: Arc::clone(settings),
            rng,
            endpoints: BTreeMap::new(),
            decided: BTreeSet::new(),
            announce: (0, false),
            running: BTreeSet::new(),
            waiting: VecDeque::new(),
            pointers: Pointers::new(saved.pointers),
            names: Names::default(),
            joined: false,
            ready: false,
            next_silent: 0,
            meter: Meter::default(),
            next_save: None,
            outputs: VecDeque::new(),
        }
    }

    /// A socket is open. `peers` is the port at which peers reach us, 0 when they cannot.
    pub fn listen(&mut self, now: Instant, endpoint: EndpointId, local: SocketAddr, peers: u16) {
        if self.endpoints.is_empty() {
            self.announce = (peers, true);
        }
        // A port that is not the packets' own must be named, for all of them.
        self.announce.1 &= peers == local.port();
        self.endpoints.insert(endpoint, local);
        self.machine.handle(now, Input::Listen { endpoint, local, external: None });
        self.settle(now);
    }

    /// A socket is gone.
    pub fn unlisten(&mut self, now: Instant, endpoint: EndpointId) {
        self.endpoints.remove(&endpoint);
        self.decided.remove(&endpoint);
        self.machine.handle(now, Input::Unlisten(endpoint));
        self.settle(now);
    }

    /// A datagram came.
    pub fn datagram(&mut self, now: Instant, endpoint: EndpointId, from: SocketAddr, data: &[u8]) {
        self.machine.handle(now, Input::Datagram { endpoint, from, data });
        self.settle(now);
    }

    /// The network says that nobody listens there.
    pub fn unreachable(&mut self, now: Instant, to: SocketAddr) {
        self.machine.handle(now, Input::Unreachable(to));
        self.settle(now);
    }

    /// Others than nodes agree on our address: believed at addresses about which nodes do not.
    pub fn external(&mut self, now: Instant, ip: IpAddr) {
        let undecided = |(endpoint, local): (&EndpointId, &SocketAddr)| {
            let decided = self.decided.contains(endpoint) || local.is_ipv6() != ip.is_ipv6();
            (!decided).then_some(*endpoint)
        };
        let endpoints: Vec<EndpointId> = self.endpoints.iter().filter_map(undecided).collect();
        for endpoint in endpoints {
            self.machine.handle(now, Input::External { endpoint, ip });
        }
        self.settle(now);
    }

    /// The answer to [`Output::Resolve`].
    pub fn resolved(&mut self, now: Instant, result: Result<Vec<SocketAddr>, String>) {
        let (mut found, reason) = match result {
            Ok(found) => (found, "the name has no address".into()),
            Err(reason) => (Vec::new(), reason),
        };
        if let Some((host, purpose)) = self.names.resolved(now, &mut found) {
            for addr in &found {
                match purpose {
                    Purpose::Router => self.add_router(now, *addr),
                    Purpose::Node => self.get_acquainted(now, *addr),
                }
            }
            if found.is_empty() {
                self.out(Output::Event(None, DhtEvent::Unresolved { host, reason }));
            }
        }
        self.settle(now);
    }

    /// The time of [`Self::next_deadline`] has come.
    pub fn timeout(&mut self, now: Instant) {
        self.machine.handle(now, Input::Timeout);
        self.settle(now);
    }

    /// Takes over changed settings.
    pub fn configure(&mut self, now: Instant, settings: &Arc<DhtSettings>) {
        let observe = self.machine.config().observe;
        self.settings = Arc::clone(settings);
        self.rounds.set_config(settings.rounds());
        self.observe(observe);
        if self.joined {
            self.joined = false;
            self.join(now);
        }
        self.settle(now);
    }

    /// Does what the session asks.
    pub fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Run(token, command) => self.run(now, token, command),
            Command::Cancel(token) => {
                let pointer = self.drop_pointer(now, token);
                if self.running.remove(&token) {
                    self.machine.handle(now, Input::Cancel(CommandId(token)));
                } else if !pointer {
                    return;
                }
                self.out(Output::Cancelled);
            }
            Command::AddNode(host) => self.add_node(now, host),
            Command::Follow { token, key, salt, interval } => {
                self.follow(now, token, key, salt, interval);
            }
            Command::Publish { token, secret, salt, info_hash } => {
                self.publish(now, token, secret, salt, info_hash);
            }
            Command::Torrent { id, info_hash, role } => {
                self.join(now);
                self.rounds.put(now, id.0, info_hash, role);
            }
            Command::TorrentGone(id) => {
                if self.rounds.remove(id.0) {
                    self.machine.handle(now, Input::Cancel(CommandId(TORRENT_BIT | id.0)));
                }
            }
            Command::Met(node) => {
                if self.machine.stats().nodes < ENOUGH_NODES {
                    self.get_acquainted(now, node);
                }
            }
            Command::SetId(id) => {
                if let Some(endpoint) = self.endpoints.keys().next() {
                    self.machine.handle(now, Input::SetId { endpoint: *endpoint, id });
                }
            }
            Command::Hurry(id) => _ = self.rounds.hurry(now, id.0),
            Command::Observe(observe) => self.observe(observe),
            Command::Verdict(ticket, allow) => {
                self.machine.handle(now, Input::Verdict { ticket, allow });
            }
            Command::Restore(saved) => {
                self.machine.handle(now, Input::Restore(saved.machine));
                for (target, item) in saved.pointers {
                    self.pointers.known.entry(target).or_insert(item);
                }
            }
            Command::Query(query) => query(Some((self, now))),
        }
        self.settle(now);
    }

    /// The end: whoever waits for a result is told that there is none.
    pub fn give_up(&mut self) {
        self.waiting.clear();
        for token in std::mem::take(&mut self.running) {
            let outcome = Outcome::Failed(Failure::NoEndpoint);
            self.done(token, outcome, LookupStats::default());
        }
        for _ in 0..self.pointers.len() {
            self.out(Output::Cancelled);
        }
    }

    /// What to do next; take all after each input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::timeout`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let (rounds, pointers) = if self.ready {
            (self.rounds.next_deadline(), self.pointers.next_deadline())
        } else {
            (None, None)
        };
        let times = [
            self.machine.next_deadline(),
            self.waiting.front().map(|(until, ..)| *until),
            pointers,
            self.names.next_deadline(self.wants_routers()),
            rounds,
            self.next_save,
        ];
        times.into_iter().flatten().min()
    }

    /// Gauges and counters.
    pub fn stats(&mut self, now: Instant) -> DhtStats {
        let machine = self.machine.stats();
        DhtStats {
            rates: self.meter.look(now, (machine.received_bytes, machine.sent_bytes)),
            machine,
            endpoints: self.endpoints.len(),
            torrents: self.rounds.len(),
            pointers: self.pointers.len(),
        }
    }

    /// Nodes that are known to be there.
    #[must_use]
    pub fn nodes(&self) -> Vec<Contact> {
        self.machine.good_nodes().collect()
    }

    /// Our id at each listening address.
    #[must_use]
    pub fn ids(&self) -> Vec<Contact> {
        let id = |(endpoint, addr): (&EndpointId, &SocketAddr)| {
            Some(Contact { id: self.machine.id(*endpoint)?, addr: *addr })
        };
        self.endpoints.iter().filter_map(id).collect()
    }

    /// What to keep for the next session.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        let pointers = self.pointers.known.clone();
        Saved { machine: self.machine.save(), pointers }.encode()
    }

    fn out(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    fn done(&mut self, token: u64, outcome: Outcome, stats: LookupStats) {
        self.out(Output::Event(None, DhtEvent::Done { token, outcome, stats }));
    }

    fn run(&mut self, now: Instant, token: u64, command: dht::Command) {
        // A single question needs no network around it.
        let direct =
            matches!(command, dht::Command::Ping(_) | dht::Command::Sample { to: Some(_), .. });
        if !direct {
            self.join(now);
        }
        if self.running.len() + self.pointers.len() >= MAX_COMMANDS {
            return self.done(token, Outcome::Failed(Failure::Busy), LookupStats::default());
        }
        // The host says whether to announce and as what; the port is ours unless it names one.
        let command = match command {
            dht::Command::GetPeers { info_hash, announce: Some(announce), scrape, noseed }
                if announce.port == 0 =>
            {
                let (port, same) = self.announce;
                let announce = Some(Announce { port, implied: same || port == 0, ..announce });
                dht::Command::GetPeers { info_hash, announce, scrape, noseed }
            }
            command => command,
        };
        self.running.insert(token);
        if direct || self.ready || !self.has_hope() {
            self.machine.handle(now, Input::Command { id: CommandId(token), command });
        } else {
            self.waiting.push_back((now + PATIENCE, token, command));
        }
    }

    /// Whether we may find the network soon: somebody is asked, or a name resolved.
    fn has_hope(&self) -> bool {
        let machine = self.machine.stats();
        machine.calls + machine.lookups > 0
            || self.names.is_busy()
            || self.names.next_deadline(self.wants_routers()) == Some(Instant::ZERO)
    }

    /// Lets commands go that waited for the network, or long enough.
    fn release_waiting(&mut self, now: Instant) {
        while let Some((until, token, command)) = self.waiting.pop_front() {
            if !self.ready && until > now && self.has_hope() {
                self.waiting.push_front((until, token, command));
                return;
            }
            if self.running.contains(&token) {
                self.machine.handle(now, Input::Command { id: CommandId(token), command });
            }
        }
    }

    fn observe(&mut self, observe: Observe) {
        self.machine.set_config(dht::Config { observe, ..self.settings.machine() });
    }

    /// The network is wanted: bootstrap hosts are asked from now on.
    fn join(&mut self, now: Instant) {
        if self.joined {
            return;
        }
        self.joined = true;
        let (literals, names): (Vec<_>, Vec<_>) =
            self.settings.bootstrap.iter().partition(|host| literal(host).is_some());
        let names: Vec<String> = names.into_iter().cloned().collect();
        let literals: Vec<SocketAddr> = literals.into_iter().filter_map(|h| literal(h)).collect();
        self.names.set_routers(&names);
        for addr in literals {
            self.add_router(now, addr);
        }
    }

    /// Bootstrap names are resolved while nobody is known.
    fn wants_routers(&self) -> bool {
        self.joined && !self.ready && !self.endpoints.is_empty()
    }

    fn silent(&mut self) -> CommandId {
        self.next_silent += 1;
        CommandId(SILENT_BIT | self.next_silent)
    }

    fn add_router(&mut self, now: Instant, addr: SocketAddr) {
        let (id, command) = (self.silent(), dht::Command::AddRouter(addr));
        self.machine.handle(now, Input::Command { id, command });
    }

    fn get_acquainted(&mut self, now: Instant, addr: SocketAddr) {
        let (id, command) = (self.silent(), dht::Command::Ping(addr));
        self.machine.handle(now, Input::Command { id, command });
    }

    fn add_node(&mut self, now: Instant, host: String) {
        match literal(&host) {
            Some(addr) => self.get_acquainted(now, addr),
            None => self.names.add(host),
        }
    }

    /// After each input: the machine's outputs, and what follows from them.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.machine.poll_output() {
                self.machine_output(now, output);
            }
            if !self.take_turn(now) {
                break;
            }
        }
        self.release_waiting(now);
        if self.ready {
            self.pointers_due(now);
        }
        while let Some(output) = self.machine.poll_output() {
            self.machine_output(now, output);
        }
        if let Some(host) = self.names.next(now, self.wants_routers()) {
            self.out(Output::Resolve(host));
        }
        if self.next_save.is_some_and(|at| at <= now) {
            self.next_save = Some(now + SAVE_EVERY);
            self.out(Output::Save(self.save()));
        }
    }

    /// Starts the lookup of the next torrent.
    fn take_turn(&mut self, now: Instant) -> bool {
        if !self.ready {
            return false;
        }
        let Some(turn) = self.rounds.poll(now) else { return false };
        let (port, implied) = self.announce;
        let seed = turn.role == Role::Seed;
        let announce = (port != 0).then_some(Announce { port, implied, seed });
        let command = dht::Command::GetPeers {
            info_hash: turn.info_hash,
            announce,
            scrape: false,
            noseed: seed,
        };
        let id = CommandId(TORRENT_BIT | turn.key);
        self.machine.handle(now, Input::Command { id, command });
        true
    }

    fn machine_output(&mut self, now: Instant, output: dht::Output) {
        match output {
            dht::Output::Send { endpoint, to, data } => {
                self.out(Output::Send { endpoint, to, data });
            }
            dht::Output::Query { from, kind, target, ticket, .. } => self.out(match ticket {
                Some(ticket) => Output::Ask { ticket, from, kind, target },
                None => Output::Event(None, DhtEvent::Query { token: None, from, kind, target }),
            }),
            dht::Output::Expired(ticket) => self.out(Output::Withdraw(ticket)),
            dht::Output::Peers { command: CommandId(id), peers } => {
                if id & TORRENT_BIT != 0 {
                    self.out(Output::Peers(TorrentId(id & !TORRENT_BIT), peers));
                } else {
                    self.out(Output::Event(None, DhtEvent::Peers { token: id, peers }));
                }
            }
            dht::Output::Item { command: CommandId(token), item } => {
                if token & POINTER_BIT == 0 {
                    self.out(Output::Event(None, DhtEvent::Item { token, item }));
                }
            }
            dht::Output::Done { command, outcome, stats } => {
                self.command_done(now, command, outcome, stats);
            }
            dht::Output::External { endpoint, ip } => {
                self.decided.insert(endpoint);
                if let Some(local) = self.endpoints.get(&endpoint).copied() {
                    self.out(Output::Event(None, DhtEvent::External { local, ip }));
                }
            }
            dht::Output::Bootstrapped { endpoint, nodes } => {
                self.ready = true;
                self.next_save = self.next_save.or(Some(now + SAVE_FIRST));
                if let Some(local) = self.endpoints.get(&endpoint).copied() {
                    self.out(Output::Event(None, DhtEvent::Bootstrapped { local, nodes }));
                }
            }
        }
    }

    fn command_done(
        &mut self,
        now: Instant,
        CommandId(id): CommandId,
        outcome: Outcome,
        stats: LookupStats,
    ) {
        if id & TORRENT_BIT != 0 {
            let torrent = TorrentId(id & !TORRENT_BIT);
            let peers = if let Outcome::Peers { found, .. } = outcome { found } else { 0 };
            let found = Found { answered: stats.answered, peers };
            self.rounds.finished(now, torrent.0, found);
            // Everybody we knew is gone: names are resolved again, torrents wait.
            if stats.answered == 0 && self.machine.stats().nodes == 0 {
                self.ready = false;
            }
            let done = DhtEvent::Done { token: 0, outcome, stats };
            self.out(Output::Event(Some(torrent), done));
        } else if id & POINTER_BIT != 0 {
            self.pointer_input(now, id & !POINTER_BIT, Some(&outcome));
        } else if self.running.remove(&id) {
            if let Outcome::Peers { swarm: Some((seeds, downloaders)), .. } = outcome {
                let swarm = DhtEvent::Swarm { token: id, seeds, downloaders };
                self.out(Output::Event(None, swarm));
            }
            self.done(id, outcome, stats);
        }
    }
}

#[cfg(test)]
mod tests;

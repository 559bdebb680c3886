//! The machine: endpoints, datagrams in and out, timers. What a query gets is in `serve`, what a
//! command does in `run`, what keeps the tables alive in `upkeep`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::calls::{Call, Calls, Due, Purpose};
use super::guard::{Budget, FloodGuard};
use super::krpc::{Body, DecodeError, Method, Packet, Query, Response, Want, code};
use super::run::{Active, Goal, Running};
use super::serve::Held;
use super::state::State;
use super::table::TableConfig;
use super::token::Secret;
use super::types::{
    CommandId, Config, EndpointId, Failure, Input, LookupStats, Outcome, Output, Security, Stats,
};
use super::upkeep::Node;
use super::{Contact, NodeId, Storage, is_usable};
use crate::base::{Instant, Rng};
use std::time::Duration;

/// Questions under way at a time: each holds memory, and a socket's queue is not endless.
const MAX_CALLS: usize = 1000;
/// Time between looks for what has expired in the store.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// The DHT of a session: a node for each listening address, one store for all (BEP 45).
#[derive(Debug)]
pub struct Dht {
    pub(super) config: Config,
    pub(super) rng: Rng,
    pub(super) secret: Secret,
    pub(super) nodes: BTreeMap<EndpointId, Node>,
    pub(super) storage: Storage,
    pub(super) routers: Vec<SocketAddr>,
    /// What a saved state still has to say to addresses that are not listened on yet.
    pub(super) saved: State,
    pub(super) calls: Calls,
    pub(super) lookups: BTreeMap<u32, Active>,
    pub(super) next_lookup: u32,
    /// Lookups that wait for the byte budget or for free calls, in turn.
    pub(super) starved: VecDeque<u32>,
    pub(super) running: BTreeMap<CommandId, Running>,
    pub(super) held: VecDeque<Held>,
    pub(super) next_ticket: u64,
    pub(super) budget: Budget,
    pub(super) flood: FloodGuard,
    pub(super) stats: Stats,
    outputs: VecDeque<Output>,
    next_expire: Instant,
}

impl Dht {
    /// A machine without an address to listen on. `secret` is entropy of the driver's, for tokens
    /// and transaction ids; `rng` decides everything else; `saved` may be the default.
    #[must_use]
    pub fn new(config: Config, secret: [u8; 20], saved: State, rng: Rng) -> Self {
        Self {
            budget: Budget::new(config.upload_rate),
            storage: Storage::new(config.storage),
            config,
            rng,
            secret: Secret::new(secret),
            nodes: BTreeMap::new(),
            routers: Vec::new(),
            saved,
            calls: Calls::default(),
            lookups: BTreeMap::new(),
            next_lookup: 0,
            starved: VecDeque::new(),
            running: BTreeMap::new(),
            held: VecDeque::new(),
            next_ticket: 0,
            flood: FloodGuard::default(),
            stats: Stats::default(),
            outputs: VecDeque::new(),
            next_expire: Instant::ZERO,
        }
    }

    /// Takes an input, and does what is due.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Listen { endpoint, local, external } => {
                self.listen(now, endpoint, local, external);
            }
            Input::Unlisten(endpoint) => self.unlisten(now, endpoint),
            Input::Datagram { endpoint, from, data } => {
                self.datagram(now, endpoint, canonical(from), data);
            }
            Input::SetId { endpoint, id } => self.set_id(now, endpoint, id),
            Input::Restore(state) => self.restore(now, state),
            Input::Unreachable(to) => self.unreachable(now, canonical(to)),
            Input::External { endpoint, ip } => self.trusted_external(now, endpoint, ip),
            Input::Command { id, command } => self.command(now, id, command),
            Input::Cancel(id) => self.cancel(id),
            Input::Verdict { ticket, allow } => self.verdict(now, ticket, allow),
            Input::Timeout => {}
        }
        self.run_timers(now);
    }

    /// What to do next; take all after each [`Self::handle`].
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to give [`Input::Timeout`]; `None` while there is nothing to wait for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let upkeep = self.nodes.values().filter_map(|node| node.next_check);
        let stored = self.storage.torrents() + self.storage.items() > 0;
        let starved = !self.starved.is_empty() && self.calls.len() < MAX_CALLS;
        let times = [
            self.calls.next_deadline(),
            self.held.front().map(|held| held.until),
            stored.then_some(self.next_expire),
            starved.then(|| self.budget.ready_at()),
        ];
        times.into_iter().flatten().chain(upkeep).min()
    }

    /// How it behaves.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Changes how it behaves, for what comes from now on.
    pub fn set_config(&mut self, config: Config) {
        self.budget.set_rate(config.upload_rate);
        self.storage.set_config(config.storage);
        self.config = config;
        let table = self.table_config();
        self.nodes.values_mut().for_each(|node| node.table.set_config(table));
    }

    /// Counters and gauges.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            nodes: self.nodes.values().map(|node| node.table.len().0).sum(),
            stored: (self.storage.torrents(), self.storage.peers(), self.storage.items()),
            lookups: self.lookups.len(),
            calls: self.calls.len(),
            ..self.stats
        }
    }

    /// Our id at an address.
    #[must_use]
    pub fn id(&self, endpoint: EndpointId) -> Option<NodeId> {
        self.nodes.get(&endpoint).map(|node| node.table.own())
    }

    /// Nodes that are known to be there, over all addresses.
    pub fn good_nodes(&self) -> impl Iterator<Item = Contact> {
        self.nodes.values().flat_map(|node| node.table.good())
    }

    /// Whether peers of a torrent are kept for others: for tests and the simulator.
    #[doc(hidden)]
    #[must_use]
    pub fn holds(&self, info_hash: NodeId) -> bool {
        self.storage.filters(info_hash).is_some()
    }

    /// What to keep for the next start.
    #[must_use]
    pub fn save(&self) -> State {
        State::of(&self.nodes, &self.saved)
    }

    /// Panics when parts contradict each other: for tests and the simulator.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.nodes.values().for_each(|node| node.table.check_invariants());
        assert!(self.calls.len() <= MAX_CALLS + 64, "too many calls");
        for (id, active) in &self.lookups {
            assert!(self.nodes.contains_key(&active.endpoint), "lookup without endpoint");
            if let Goal::Command(command) = active.goal {
                assert!(self.running.contains_key(&command), "lookup {id} without command");
            }
        }
        for (id, running) in &self.running {
            let goal = Goal::Command(*id);
            let lookups = self.lookups.values().filter(|active| active.goal == goal).count();
            assert_eq!(running.lookups, lookups, "{id:?} waits for other lookups than there are");
            assert!(lookups + running.waiting > 0, "{id:?} waits for nothing");
        }
    }

    pub(super) fn table_config(&self) -> TableConfig {
        TableConfig {
            extended: self.config.extended_routing_table,
            restrict_ips: self.config.restrict_routing_ips,
            prefer_secure: self.config.security != Security::Off,
            enforce_secure: self.config.security == Security::Enforce,
            max_fails: self.config.max_fail_count,
        }
    }

    pub(super) fn out(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn done(&mut self, command: CommandId, outcome: Outcome, stats: LookupStats) {
        self.out(Output::Done { command, outcome, stats });
    }

    pub(super) fn refuse(&mut self, command: CommandId, failure: Failure) {
        self.done(command, Outcome::Failed(failure), LookupStats::default());
    }

    pub(super) fn send(&mut self, endpoint: EndpointId, to: SocketAddr, data: Vec<u8>) {
        self.stats.sent += 1;
        self.stats.sent_bytes += data.len() as u64;
        self.budget.spend(data.len());
        self.out(Output::Send { endpoint, to, data });
    }

    fn datagram(&mut self, now: Instant, endpoint: EndpointId, from: SocketAddr, data: &[u8]) {
        self.stats.received += 1;
        self.stats.received_bytes += data.len() as u64;
        let Some(own) = self.id(endpoint) else { return };
        if !is_usable(from) {
            return;
        }
        match Packet::decode(data) {
            Err(DecodeError::Garbage) => self.stats.garbage += 1,
            Err(DecodeError::BadQuery { transaction }) => {
                self.stats.garbage += 1;
                if self.admit(now, from) && !self.config.read_only {
                    let body = Body::Error { code: code::PROTOCOL, text: b"invalid arguments" };
                    self.reply(now, endpoint, from, transaction, body);
                }
            }
            Ok(Packet { transaction, body: Body::Query(query), .. }) => {
                if query.id != own && self.admit(now, from) {
                    self.query(now, endpoint, from, transaction, &query, data);
                }
            }
            Ok(Packet { transaction, body, seen_as, .. }) => {
                let transaction = <[u8; 4]>::try_from(transaction).map(u32::from_be_bytes);
                let call = transaction.ok().and_then(|t| self.calls.close(t, endpoint, from));
                match (call, body) {
                    (None, _) => self.stats.unsolicited += 1,
                    (Some(call), Body::Response(response)) if response.id != own => {
                        self.answered(now, &call, &response, seen_as);
                    }
                    (Some(call), Body::Error { code, .. }) => {
                        self.failed(now, &call, Some(code));
                    }
                    (Some(call), _) => self.failed(now, &call, None),
                }
            }
        }
    }

    fn admit(&mut self, now: Instant, from: SocketAddr) -> bool {
        let (rate, ban) = (self.config.flood_rate, self.config.flood_ban);
        let admitted = self.flood.admit(now, from.ip(), rate, ban);
        self.stats.flooded += u64::from(!admitted);
        admitted
    }

    /// Asks a node something. The caller has looked at the budget.
    pub(super) fn ask(&mut self, now: Instant, call: Call, method: Method<'_>) {
        let Some(node) = self.nodes.get_mut(&call.endpoint) else { return };
        let mut transaction = self.secret.transaction();
        while self.calls.contains(transaction) {
            transaction = self.secret.transaction();
        }
        if let Some(contact) = call.contact() {
            node.table.asking(now, contact);
        }
        let id = node.table.own();
        let dual = {
            let mut families = self.nodes.values().map(|node| node.v6);
            families.clone().any(|v6| v6) && families.any(|v6| !v6)
        };
        let finds =
            !matches!(method, Method::Ping | Method::AnnouncePeer { .. } | Method::Put { .. });
        let want = Want { v4: dual && finds, v6: dual && finds };
        let query = Query { id, read_only: self.config.read_only, want, method };
        let packet = Packet {
            transaction: &transaction.to_be_bytes(),
            version: self.config.version,
            seen_as: None,
            body: Body::Query(query),
        };
        let data = packet.encode();
        self.stats.asked += 1;
        self.calls.open(now, transaction, call, self.config.short_timeout);
        self.send(call.endpoint, call.to, data);
    }

    /// Whether one more question may go now.
    pub(super) fn may_ask(&mut self, now: Instant) -> bool {
        self.calls.len() < MAX_CALLS && self.budget.may_ask(now)
    }

    fn answered(
        &mut self,
        now: Instant,
        call: &Call,
        response: &Response<'_>,
        seen_as: Option<SocketAddr>,
    ) {
        self.stats.answered += 1;
        let contact = Contact { id: response.id, addr: call.to };
        let mut first = false;
        if let Some(node) = self.nodes.get_mut(&call.endpoint) {
            let lonely = node.table.len().0 == 0;
            if let Some(expected) = call.contact()
                && expected.id != response.id
            {
                node.table.failed(expected);
            }
            node.table.answered(now, contact);
            first = lonely && node.table.len().0 > 0;
            if let Some(seen_as) = seen_as {
                self.vote(now, call.endpoint, call.to, seen_as.ip().to_canonical());
            }
        }
        match call.purpose {
            Purpose::Check if first => self.acquainted(now, call.endpoint),
            Purpose::Check => {}
            Purpose::Lookup(lookup) => self.lookup_answered(now, lookup, call, response),
            Purpose::Direct(command) => {
                self.direct_answered(now, command, call, response);
                if first {
                    self.acquainted(now, call.endpoint);
                }
            }
            Purpose::Store(command) => self.store_ended(command, None),
        }
    }

    /// A question came to nothing; `refused` is the code of an error that came instead.
    fn failed(&mut self, now: Instant, call: &Call, refused: Option<i64>) {
        if let (Some(contact), None) = (call.contact(), refused)
            && let Some(node) = self.nodes.get_mut(&call.endpoint)
        {
            node.table.failed(contact);
        }
        match call.purpose {
            Purpose::Check => {}
            Purpose::Lookup(id) => {
                if let Some(active) = self.lookups.get_mut(&id) {
                    active.lookup.failed(call.to);
                    self.pump(now, id);
                }
            }
            Purpose::Direct(command) => {
                if self.running.remove(&command).is_some() {
                    let failure = refused.map_or(Failure::NoAnswer, Failure::Refused);
                    self.refuse(command, failure);
                }
            }
            Purpose::Store(command) => self.store_ended(command, Some(refused)),
        }
    }

    fn unreachable(&mut self, now: Instant, to: SocketAddr) {
        while let Some(call) = self.calls.take_where(|call| call.to == to) {
            self.failed(now, &call, None);
        }
    }

    pub(super) fn unlisten(&mut self, now: Instant, endpoint: EndpointId) {
        // Saved first, so that an address that comes back finds its id.
        self.saved = self.save();
        if self.nodes.remove(&endpoint).is_none() {
            return;
        }
        let (gone, kept) =
            self.held.drain(..).partition::<VecDeque<_>, _>(|held| held.endpoint == endpoint);
        self.held = kept;
        gone.into_iter().for_each(|held| self.out(Output::Expired(held.ticket)));
        let gone: Vec<u32> = self
            .lookups
            .iter()
            .filter(|(_, active)| active.endpoint == endpoint)
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.finish_lookup(now, id);
        }
        while let Some(call) = self.calls.take_where(|call| call.endpoint == endpoint) {
            self.failed(now, &call, None);
        }
    }

    fn run_timers(&mut self, now: Instant) {
        while let Some(due) = self.calls.due(now, self.config.long_timeout) {
            match due {
                Due::Expired(call) => self.failed(now, &call, None),
                Due::Slow(call) => {
                    if let Purpose::Lookup(id) = call.purpose
                        && let Some(active) = self.lookups.get_mut(&id)
                    {
                        active.lookup.slow(call.to);
                        self.pump(now, id);
                    }
                }
            }
        }
        let due = |node: &Node| node.next_check.is_some_and(|at| at <= now);
        let endpoints: Vec<_> =
            self.nodes.iter().filter(|(_, node)| due(node)).map(|(id, _)| *id).collect();
        for endpoint in endpoints {
            self.upkeep(now, endpoint);
        }
        if self.next_expire <= now {
            self.storage.expire(now);
            self.next_expire = now + EXPIRE_EVERY;
        }
        while self.held.front().is_some_and(|held| held.until <= now)
            && let Some(held) = self.held.pop_front()
        {
            self.out(Output::Expired(held.ticket));
        }
        // Each once: who finds the budget empty again goes to the end of the line.
        let mut seen = BTreeSet::new();
        while let Some(id) = self.starved.front().copied()
            && self.may_ask(now)
            && seen.insert(id)
        {
            self.starved.pop_front();
            self.pump(now, id);
        }
    }

    /// The endpoints of a family, or all.
    pub(super) fn endpoints(&self, v6: Option<bool>) -> Vec<EndpointId> {
        let speaks = |node: &Node| v6.is_none_or(|v6| node.v6 == v6);
        self.nodes.iter().filter(|(_, node)| speaks(node)).map(|(id, _)| *id).collect()
    }
}

/// An address as its family writes it: an IPv4 packet on an IPv6 socket is an IPv4 packet.
fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), addr.port()),
        // Without a flow label or scope, which would make equal addresses differ.
        IpAddr::V6(ip) => SocketAddr::new(ip.into(), addr.port()),
    }
}

//! Commands: their lookups, what the answers add up to, and the stores at the end.
//!
//! A command runs one lookup on each listening address. When all are over, those with something to
//! store do so at the nearest nodes that gave a token; when those have answered too, it is done.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::calls::{Call, Purpose};
use super::compact::read_contacts;
use super::krpc::{Method, Response};
use super::lookup::{Lookup, LookupConfig};
use super::results::{Kind, News, Place};
use super::types::{Command, CommandId, EndpointId, Failure, LookupStats, Outcome, Output};
use super::{Contact, Dht, Item, NodeId, is_usable};
use crate::base::Instant;

/// Commands under way.
const MAX_RUNNING: usize = 1000;
/// Bootstrap addresses.
const MAX_ROUTERS: usize = 32;
/// Our own nodes a lookup starts from.
const SEEDS: usize = 16;
/// With fewer good nodes than this, bootstrap addresses are asked too.
const FEW_NODES: usize = 8;

/// Whose lookup it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Finding our place.
    Bootstrap,
    /// Filling a bucket.
    Refresh,
    /// A command's.
    Command(CommandId),
}

/// What a lookup asks its candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    FindNode,
    GetPeers { noseed: bool, scrape: bool },
    Get,
    Sample,
}

impl Question {
    fn method(self, target: NodeId) -> Method<'static> {
        match self {
            Self::FindNode => Method::FindNode { target },
            Self::GetPeers { noseed, scrape } => {
                Method::GetPeers { info_hash: target, noseed, scrape }
            }
            Self::Get => Method::Get { target, seq: None },
            Self::Sample => Method::SampleInfohashes { target },
        }
    }
}

/// A lookup under way.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) endpoint: EndpointId,
    pub(super) v6: bool,
    pub(super) goal: Goal,
    question: Question,
    pub(super) lookup: Lookup,
}

/// A command under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) kind: Kind,
    /// Lookups not yet over.
    pub(super) lookups: usize,
    /// Direct questions and stores not yet over.
    pub(super) waiting: usize,
    pub(super) stats: LookupStats,
    /// Where to store.
    pub(super) places: Vec<Place>,
}

impl Running {
    fn new(kind: Kind) -> Self {
        let (stats, places) = (LookupStats::default(), Vec::new());
        Self { kind, lookups: 0, waiting: 0, stats, places }
    }
}

impl Dht {
    pub(super) fn command(&mut self, now: Instant, id: CommandId, command: Command) {
        if self.running.len() >= MAX_RUNNING || self.running.contains_key(&id) {
            return self.refuse(id, Failure::Busy);
        }
        match command {
            Command::AddRouter(to) => self.add_router(now, id, to),
            Command::Ping(to) => self.direct(now, id, to, Kind::Ping, Method::Ping),
            Command::Sample { target, to: Some(to) } => {
                let method = Method::SampleInfohashes { target };
                self.direct(now, id, to, Kind::sample(), method);
            }
            Command::Sample { target, to: None } => {
                self.search(now, id, target, Question::Sample, Kind::sample());
            }
            Command::FindNode(target) => {
                self.search(now, id, target, Question::FindNode, Kind::find_node(target));
            }
            Command::GetPeers { info_hash, announce, scrape, noseed } => {
                let question = Question::GetPeers { noseed, scrape };
                let kind = Kind::peers(info_hash.into(), announce, scrape);
                self.search(now, id, info_hash.into(), question, kind);
                self.tell_stored_peers(id, info_hash.into());
            }
            Command::GetItem(key) => {
                let target = key.target();
                let stored = self.storage.item(target).cloned();
                self.search(now, id, target, Question::Get, Kind::get(key));
                if let Some(item) = stored {
                    self.item_found(id, &item);
                }
            }
            Command::PutImmutable(value) => {
                let item = Item::Immutable(value);
                self.search(now, id, item.target(), Question::Get, Kind::put(item));
            }
            Command::PutSigned(item) => {
                let item = Item::Mutable(item);
                self.search(now, id, item.target(), Question::Get, Kind::put(item));
            }
            Command::PutMutable { secret, salt, value, replaces } => {
                match Kind::update(secret, salt, value, replaces) {
                    Some((target, kind)) => self.search(now, id, target, Question::Get, kind),
                    None => self.refuse(id, Failure::Invalid),
                }
            }
        }
    }

    fn add_router(&mut self, now: Instant, id: CommandId, to: SocketAddr) {
        if !is_usable(to) {
            return self.refuse(id, Failure::Invalid);
        }
        if !self.routers.contains(&to) {
            if self.routers.len() >= MAX_ROUTERS {
                return self.refuse(id, Failure::Busy);
            }
            self.routers.push(to);
            self.tell_bootstrap(now, to);
            for endpoint in self.endpoints(Some(to.is_ipv6())) {
                self.hurry_bootstrap(now, endpoint);
            }
        }
        self.done(id, Outcome::Accepted, LookupStats::default());
    }

    /// Gives a bootstrap address to those who are looking for their place already.
    fn tell_bootstrap(&mut self, now: Instant, to: SocketAddr) {
        let looks = |active: &Active| active.goal == Goal::Bootstrap && active.v6 == to.is_ipv6();
        let looking: Vec<u32> =
            self.lookups.iter().filter(|(_, active)| looks(active)).map(|(id, _)| *id).collect();
        for id in looking {
            if let Some(active) = self.lookups.get_mut(&id) {
                active.lookup.add_router(to);
            }
            self.pump(now, id);
        }
    }

    /// One question to one node.
    fn direct(
        &mut self,
        now: Instant,
        id: CommandId,
        to: SocketAddr,
        kind: Kind,
        method: Method<'_>,
    ) {
        if !is_usable(to) {
            return self.refuse(id, Failure::Invalid);
        }
        let Some(endpoint) = self.endpoints(Some(to.is_ipv6())).first().copied() else {
            return self.refuse(id, Failure::NoEndpoint);
        };
        if !self.may_ask(now) {
            return self.refuse(id, Failure::Busy);
        }
        self.running.insert(id, Running { waiting: 1, ..Running::new(kind) });
        self.ask(now, Call::new(endpoint, to, None, Purpose::Direct(id)), method);
    }

    /// A lookup on every address.
    fn search(
        &mut self,
        now: Instant,
        id: CommandId,
        target: NodeId,
        question: Question,
        kind: Kind,
    ) {
        let endpoints = self.endpoints(None);
        if endpoints.is_empty() {
            return self.refuse(id, Failure::NoEndpoint);
        }
        let running = Running { lookups: endpoints.len(), ..Running::new(kind) };
        self.running.insert(id, running);
        let started: Vec<u32> = endpoints
            .into_iter()
            .filter_map(|endpoint| self.start(endpoint, target, question, Goal::Command(id)))
            .collect();
        for lookup in started {
            self.pump(now, lookup);
        }
    }

    /// Makes a lookup from what the table knows; [`Self::pump`] sets it going.
    pub(super) fn start(
        &mut self,
        endpoint: EndpointId,
        target: NodeId,
        question: Question,
        goal: Goal,
    ) -> Option<u32> {
        let node = self.nodes.get(&endpoint)?;
        let config = LookupConfig {
            branching: self.config.search_branching.max(1),
            aggressive: self.config.aggressive_lookups,
            restrict_ips: self.config.restrict_search_ips,
            security: self.config.security,
        };
        let mut lookup = Lookup::new(target, config);
        let seeds = node.table.closest(target, SEEDS, true);
        let few = node.table.len().0 < FEW_NODES;
        lookup.add(seeds.into_iter(), 1);
        if few {
            for router in self.routers.iter().filter(|router| router.is_ipv6() == node.v6) {
                lookup.add_router(*router);
            }
            lookup.add_stale(self.saved.contacts(node.v6), 1);
        }
        let id = self.next_lookup;
        self.next_lookup = id.wrapping_add(1);
        self.lookups.insert(id, Active { endpoint, v6: node.v6, goal, question, lookup });
        Some(id)
    }

    /// Asks whom a lookup wants to ask, as far as the budget goes, and ends it when it is over.
    pub(super) fn pump(&mut self, now: Instant, id: u32) {
        loop {
            let free = self.may_ask(now);
            let Some(active) = self.lookups.get_mut(&id) else { return };
            if !active.lookup.is_ready() {
                break;
            }
            if !free {
                if !self.starved.contains(&id) {
                    self.starved.push_back(id);
                }
                return;
            }
            let Some(next) = active.lookup.next() else { break };
            let method = active.question.method(active.lookup.target);
            let call = Call::new(active.endpoint, next.addr, next.id, Purpose::Lookup(id));
            self.ask(now, call, method);
        }
        if self.lookups.get(&id).is_some_and(|active| active.lookup.is_done()) {
            self.finish_lookup(now, id);
        }
    }

    /// A candidate answered.
    pub(super) fn lookup_answered(
        &mut self,
        now: Instant,
        id: u32,
        call: &Call,
        response: &Response<'_>,
    ) {
        let Some(active) = self.lookups.get_mut(&id) else { return };
        let (goal, v6) = (active.goal, active.v6);
        let answer = active.lookup.answered(call.to, response.id, response.token, response.seq);
        if let Some(hops) = answer {
            let own = self.nodes.get(&call.endpoint).map(|node| node.table.own());
            let strangers = |contact: &Contact| Some(contact.id) != own;
            for (list, list_v6) in [(response.nodes, false), (response.nodes6, true)] {
                let Some(list) = list else { continue };
                let contacts = read_contacts(list, list_v6).filter(strangers);
                if list_v6 == v6 {
                    if let Some(active) = self.lookups.get_mut(&id) {
                        active.lookup.add(contacts, hops + 1);
                    }
                } else {
                    self.tell_sister(now, goal, list_v6, contacts.collect(), hops + 1);
                }
            }
            if let Goal::Command(command) = goal {
                self.take_result(now, command, call, hops, response);
            }
        }
        self.pump(now, id);
    }

    /// Gives nodes of the other family to the lookup of the same command there (BEP 32).
    fn tell_sister(
        &mut self,
        now: Instant,
        goal: Goal,
        v6: bool,
        contacts: Vec<Contact>,
        hops: u32,
    ) {
        let sister = self.lookups.iter_mut().find(|(_, a)| a.goal == goal && a.v6 == v6);
        if let Some((id, active)) = sister {
            let id = *id;
            active.lookup.add(contacts.into_iter(), hops);
            self.pump(now, id);
        }
    }

    /// What an answer adds to a command's result.
    fn take_result(
        &mut self,
        now: Instant,
        command: CommandId,
        call: &Call,
        hops: u32,
        response: &Response<'_>,
    ) {
        let Some(running) = self.running.get_mut(&command) else { return };
        match running.kind.take(call, response) {
            News::Nothing => {}
            News::Peers(peers) => {
                first(&mut running.stats, hops);
                self.out(Output::Peers { command, peers });
            }
            News::Item(item) => {
                first(&mut running.stats, hops);
                self.out(Output::Item { command, item });
                // A value that fits its hash cannot be bettered.
                if running_is_over(&self.running, command) {
                    self.abandon_lookups(command);
                    self.all_found(now, command);
                }
            }
        }
    }

    fn tell_stored_peers(&mut self, command: CommandId, info_hash: NodeId) {
        let most = self.config.max_peers_reply;
        let mut peers = self.storage.find(info_hash, false, false, most, &mut self.rng);
        peers.extend(self.storage.find(info_hash, true, false, most, &mut self.rng));
        if let Some(running) = self.running.get_mut(&command) {
            let peers = running.kind.new_peers(peers);
            if !peers.is_empty() {
                self.out(Output::Peers { command, peers });
            }
        }
    }

    /// We have the item ourselves: somebody stored it here.
    fn item_found(&mut self, command: CommandId, item: &Item) {
        if let Some(running) = self.running.get_mut(&command)
            && let Some(item) = running.kind.offer(item.clone())
        {
            self.out(Output::Item { command, item });
        }
    }

    /// Ends a lookup, and with the last one of a command its first part.
    pub(super) fn finish_lookup(&mut self, now: Instant, id: u32) {
        let Some(active) = self.lookups.remove(&id) else { return };
        self.starved.retain(|other| *other != id);
        match active.goal {
            Goal::Bootstrap => self.bootstrapped(now, active.endpoint),
            Goal::Refresh => {}
            Goal::Command(command) => {
                let Some(running) = self.running.get_mut(&command) else { return };
                running.collect(&active);
                running.lookups -= 1;
                if running.lookups == 0 {
                    self.all_found(now, command);
                }
            }
        }
    }

    fn abandon_lookups(&mut self, command: CommandId) {
        let ours = |active: &Active| active.goal == Goal::Command(command);
        let (gone, kept): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.lookups).into_iter().partition(|(_, active)| ours(active));
        self.lookups = kept;
        self.starved.retain(|id| !gone.contains_key(id));
        if let Some(running) = self.running.get_mut(&command) {
            gone.values().for_each(|active| running.collect(active));
            running.lookups = 0;
        }
    }

    /// All lookups of a command are over: store, or be done.
    fn all_found(&mut self, now: Instant, command: CommandId) {
        let Some(mut running) = self.running.remove(&command) else { return };
        let places = core::mem::take(&mut running.places);
        if running.kind.prepare_store() {
            running.waiting = places.len();
            for place in &places {
                let purpose = Purpose::Store(command);
                let call = Call::new(place.endpoint, place.addr, Some(place.id), purpose);
                self.ask(now, call, running.kind.store(place));
            }
        }
        if running.waiting > 0 {
            self.running.insert(command, running);
        } else {
            self.done(command, running.kind.outcome(), running.stats);
        }
    }

    /// A store was taken, or not: by an error with its code, or by silence.
    pub(super) fn store_ended(&mut self, command: CommandId, failed: Option<Option<i64>>) {
        let Some(running) = self.running.get_mut(&command) else { return };
        running.kind.stored(failed);
        running.waiting -= 1;
        if running.waiting == 0
            && let Some(running) = self.running.remove(&command)
        {
            self.done(command, running.kind.outcome(), running.stats);
        }
    }

    /// The one node that was asked answered.
    pub(super) fn direct_answered(
        &mut self,
        now: Instant,
        command: CommandId,
        call: &Call,
        response: &Response<'_>,
    ) {
        let Some(mut running) = self.running.remove(&command) else { return };
        let outcome = match running.kind {
            Kind::Ping => Outcome::Pong { id: response.id, rtt: now.since(call.sent) },
            // BEP 51: a node that does not know the method may answer it like find_node.
            Kind::Sample { .. } if response.sample.is_none() => {
                Outcome::Failed(Failure::Refused(super::krpc::code::METHOD))
            }
            ref mut kind => {
                kind.take(call, response);
                running.kind.outcome()
            }
        };
        let stats = LookupStats { asked: 1, answered: 1, hops: 1, first_hops: 1 };
        self.done(command, outcome, stats);
    }

    pub(super) fn cancel(&mut self, command: CommandId) {
        self.abandon_lookups(command);
        self.running.remove(&command);
    }
}

impl Running {
    /// Takes over what a finished lookup found.
    fn collect(&mut self, active: &Active) {
        let Lookup { asked, answered, .. } = active.lookup;
        self.stats.asked += asked;
        self.stats.answered += answered;
        self.stats.hops = self.stats.hops.max(active.lookup.hops());
        self.kind.nearest(active.lookup.nearest());
        let places = active.lookup.places().filter_map(|candidate| {
            let token = candidate.token.clone()?;
            let (addr, seq) = (candidate.addr, candidate.seq);
            Some(Place { endpoint: active.endpoint, id: candidate.id?, addr, token, seq })
        });
        self.places.extend(places);
    }
}

fn first(stats: &mut LookupStats, hops: u32) {
    if stats.first_hops == 0 {
        stats.first_hops = hops;
    }
}

fn running_is_over(running: &BTreeMap<CommandId, Running>, command: CommandId) -> bool {
    running.get(&command).is_some_and(|running| running.kind.is_complete())
}

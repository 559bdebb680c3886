//! Keeping tables alive: bootstrap, checks of the silent, refreshed buckets, and an id that fits
//! our address (BEP 5, BEP 42).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::calls::{Call, Purpose};
use super::guard::Votes;
use super::krpc::Method;
use super::run::{Goal, Question};
use super::table::Table;
use super::types::{EndpointId, Output};
use super::{Contact, Dht, NodeId, State};
use crate::base::Instant;

/// Time between looks at a table; at most one node is checked at each.
const CHECK_EVERY: Duration = Duration::from_secs(5);
/// Time between lookups of our own id, on average.
const SELF_EVERY: Duration = Duration::from_secs(15 * 60);
/// Newcomers asked at a time.
const MAX_CHECKS: usize = 16;
/// First pause after a bootstrap that found nobody; doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(5);
/// Doublings of that pause: up to some five minutes.
const RETRY_DOUBLINGS: u32 = 6;
/// An id is changed at most so often, whatever others say.
const ID_LIFE: Duration = Duration::from_secs(10 * 60);

/// The node of one listening address.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) v6: bool,
    pub(super) local: SocketAddr,
    pub(super) table: Table,
    votes: Votes,
    /// When to look after it; `None` while there is nobody to ask and nothing to try.
    pub(super) next_check: Option<Instant>,
    next_self: Instant,
    bootstrapping: bool,
    /// Bootstraps in a row that found nobody.
    attempts: u32,
    /// The depth from which to look for sparse ones.
    cursor: usize,
    id_since: Option<Instant>,
}

impl Dht {
    pub(super) fn listen(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        local: SocketAddr,
        external: Option<IpAddr>,
    ) {
        if self.nodes.contains_key(&endpoint) {
            self.unlisten(now, endpoint);
        }
        let external = external.map(|ip| ip.to_canonical());
        let used = self.nodes.values().map(|node| node.table.own()).collect();
        let saved = self.saved.id(local).or_else(|| self.saved.id_near(local, &used));
        let fits = |id: &NodeId| external.is_none_or(|ip| id.is_secure(ip));
        let id = saved.filter(fits).unwrap_or_else(|| match external {
            Some(ip) => NodeId::secure(ip, &mut self.rng),
            None => NodeId::random(&mut self.rng),
        });
        let mut votes = Votes::default();
        if let Some(ip) = external {
            votes.decide(ip);
        }
        let node = Node {
            v6: local.is_ipv6(),
            local,
            table: Table::new(id, self.table_config()),
            votes,
            next_check: None,
            next_self: now,
            bootstrapping: false,
            attempts: 0,
            cursor: 0,
            id_since: None,
        };
        self.nodes.insert(endpoint, node);
        self.bootstrap(now, endpoint);
    }

    /// Starts to look for our own place, if there is anybody to ask.
    fn bootstrap(&mut self, now: Instant, endpoint: EndpointId) {
        let Some(node) = self.nodes.get_mut(&endpoint) else { return };
        if node.bootstrapping {
            return;
        }
        let known = !node.table.is_empty()
            || !self.saved.contacts(node.v6).is_empty()
            || self.routers.iter().any(|router| router.is_ipv6() == node.v6);
        if !known {
            node.next_check = None;
            return;
        }
        node.bootstrapping = true;
        node.next_check = Some(now + CHECK_EVERY);
        // Not our id itself: a question for it would tell whoever listens where we sit.
        let target = node.table.own().sibling(super::id::ID_BITS - 1, &mut self.rng);
        if let Some(id) = self.start(endpoint, target, Question::FindNode, Goal::Bootstrap) {
            self.pump(now, id);
        }
    }

    /// Somebody new can be asked.
    pub(super) fn hurry_bootstrap(&mut self, now: Instant, endpoint: EndpointId) {
        let lonely =
            self.nodes.get(&endpoint).is_some_and(|n| !n.bootstrapping && n.table.len().0 == 0);
        if lonely {
            self.bootstrap(now, endpoint);
        }
    }

    /// Somebody answered us for the first time: whoever it knows is better than waiting for the
    /// next try with those who do not answer.
    pub(super) fn acquainted(&mut self, now: Instant, endpoint: EndpointId) {
        if let Some(node) = self.nodes.get_mut(&endpoint)
            && !node.bootstrapping
        {
            self.bootstrap(now, endpoint);
        }
    }

    /// Takes a state saved elsewhere.
    pub(super) fn restore(&mut self, now: Instant, state: State) {
        self.saved = state.merged(&self.saved);
        let mut used: BTreeSet<NodeId> = self.nodes.values().map(|n| n.table.own()).collect();
        let config = self.table_config();
        for endpoint in self.endpoints(None) {
            let Some(node) = self.nodes.get_mut(&endpoint) else { continue };
            let saved = self.saved.id(node.local).or_else(|| self.saved.id_near(node.local, &used));
            let fits = |id: &NodeId| node.votes.decided().is_none_or(|ip| id.is_secure(ip));
            // An id that others know us by already is better than an old one.
            if let Some(id) = saved.filter(fits)
                && node.table.len().0 == 0
                && id != node.table.own()
            {
                used.insert(id);
                node.table = Table::new(id, config);
            }
            self.hurry_bootstrap(now, endpoint);
        }
    }

    /// The lookup of our own place is over.
    pub(super) fn bootstrapped(&mut self, now: Instant, endpoint: EndpointId) {
        let spread = Duration::from_secs(self.rng.below(SELF_EVERY.as_secs()));
        let Some(node) = self.nodes.get_mut(&endpoint) else { return };
        node.bootstrapping = false;
        let (nodes, _) = node.table.len();
        if nodes == 0 {
            let pause = RETRY_FIRST * (1 << node.attempts.min(RETRY_DOUBLINGS));
            node.attempts = node.attempts.saturating_add(1);
            (node.next_self, node.next_check) = (now + pause, Some(now + pause));
            return;
        }
        (node.attempts, node.cursor) = (0, 0);
        node.next_self = now + SELF_EVERY / 2 + spread;
        node.next_check = Some(now + CHECK_EVERY);
        self.out(Output::Bootstrapped { endpoint, nodes });
    }

    /// Looks after one table: its time has come.
    pub(super) fn upkeep(&mut self, now: Instant, endpoint: EndpointId) {
        let may_ask = self.may_ask(now);
        let Some(node) = self.nodes.get_mut(&endpoint) else { return };
        node.next_check = Some(now + CHECK_EVERY);
        if node.next_self <= now {
            return self.bootstrap(now, endpoint);
        }
        if node.table.is_empty() {
            node.next_self = now + RETRY_FIRST;
            return;
        }
        if !may_ask {
            return;
        }
        if let Some(contact) = node.table.to_check(now) {
            let call = Call::new(endpoint, contact.addr, Some(contact.id), Purpose::Check);
            return self.ask(now, call, Method::Ping);
        }
        // Nobody is in doubt: look for more where there are few, one depth after the other until
        // the next lookup of ourselves.
        let Some(bits) = node.table.sparse_depth(node.cursor) else { return };
        node.cursor = bits + 1;
        let target = node.table.own().sibling(bits, &mut self.rng);
        if let Some(id) = self.start(endpoint, target, Question::FindNode, Goal::Refresh) {
            self.pump(now, id);
        }
    }

    /// Somebody asked us: a newcomer is asked back at once, so that others can be told of it, as
    /// long as few such questions are open. A forged sender gets one small packet of this.
    pub(super) fn met(&mut self, now: Instant, endpoint: EndpointId, contact: Contact) {
        let Some(node) = self.nodes.get_mut(&endpoint) else { return };
        if !node.table.asked_us(now, contact) {
            return;
        }
        if node.next_check.is_none() {
            node.next_check = Some(now + CHECK_EVERY);
        }
        let open = self.calls.count(Purpose::Check);
        if open < MAX_CHECKS && self.may_ask(now) {
            let call = Call::new(endpoint, contact.addr, Some(contact.id), Purpose::Check);
            self.ask(now, call, Method::Ping);
        }
    }

    /// Somebody who answered us says how it sees us.
    pub(super) fn vote(&mut self, now: Instant, from: EndpointId, voter: SocketAddr, ip: IpAddr) {
        let Some(node) = self.nodes.get_mut(&from) else { return };
        if ip.is_ipv6() != node.v6 || ip.is_unspecified() || ip.is_multicast() {
            return;
        }
        if let Some(ip) = node.votes.vote(voter, ip) {
            self.out(Output::External { endpoint: from, ip });
            self.move_to(now, from, ip);
        }
    }

    pub(super) fn trusted_external(&mut self, now: Instant, endpoint: EndpointId, ip: IpAddr) {
        let ip = ip.to_canonical();
        if let Some(node) = self.nodes.get_mut(&endpoint)
            && node.votes.decided() != Some(ip)
            && ip.is_ipv6() == node.v6
        {
            node.votes.decide(ip);
            self.move_to(now, endpoint, ip);
        }
    }

    /// Takes an id that fits our address, unless ours does; those we know stay known.
    fn move_to(&mut self, now: Instant, endpoint: EndpointId, ip: IpAddr) {
        let Some(node) = self.nodes.get(&endpoint) else { return };
        let too_soon = node.id_since.is_some_and(|since| now.since(since) < ID_LIFE);
        if node.table.own().is_secure(ip) || too_soon {
            return;
        }
        let id = NodeId::secure(ip, &mut self.rng);
        self.set_id(now, endpoint, id);
    }

    /// Takes another id; those we know stay known.
    pub(super) fn set_id(&mut self, now: Instant, endpoint: EndpointId, id: NodeId) {
        let config = self.table_config();
        let Some(node) = self.nodes.get_mut(&endpoint) else { return };
        let mut table = Table::new(id, config);
        node.table.good().for_each(|contact| table.answered(now, contact));
        (node.table, node.id_since, node.cursor) = (table, Some(now), 0);
        node.next_self = now;
        if !node.bootstrapping {
            self.bootstrap(now, endpoint);
        }
    }
}

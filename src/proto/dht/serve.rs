//! Answering queries (BEP 5, 32, 33, 42, 43, 44, 51).
//!
//! Nothing is stored without a valid token. An answer never exceeds what fits one Ethernet frame,
//! nor sixteen times the query, so that a forged sender gains little by having us shout at
//! somebody; the flood guard and the byte budget bound how often.

use std::net::SocketAddr;
use std::time::Duration;

use super::compact::write_contacts;
use super::krpc::{Body, Method, Packet, PutMutable, Query, Response, Sample, Want, code};
use super::storage::PutRefusal;
use super::table::K;
use super::types::{EndpointId, Observe, Output, QueryKind, Ticket};
use super::{Contact, Dht, Item, ItemError, MutableItem, NodeId, PublicKey, Value, is_usable};
use crate::base::Instant;

/// Bytes of an answer.
const MAX_REPLY: usize = 1400;
/// Answers may be longer than their queries by this factor.
const MAX_AMPLIFICATION: usize = 16;
/// Bytes of an answer besides its lists and values.
const FRAME_BYTES: usize = 120;
/// Queries that wait for the host.
const MAX_HELD: usize = 256;
/// How long they do: their sender waits not much longer.
const HELD_FOR: Duration = Duration::from_secs(5);

/// A query that waits for the host.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) ticket: Ticket,
    pub(super) endpoint: EndpointId,
    from: SocketAddr,
    data: Vec<u8>,
    pub(super) until: Instant,
}

/// Who asks where.
#[derive(Clone, Copy)]
struct Caller<'a> {
    endpoint: EndpointId,
    from: SocketAddr,
    transaction: &'a [u8],
    /// Bytes the answer may have.
    room: usize,
}

impl Dht {
    /// A query came in and was admitted.
    pub(super) fn query(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        from: SocketAddr,
        transaction: &[u8],
        query: &Query<'_>,
        data: &[u8],
    ) {
        let (kind, target) = describe(&query.method);
        let refused = kind.is_some_and(|kind| self.config.refuse.contains(&kind));
        // BEP 43: who does not answer is not asked.
        if self.config.read_only || refused {
            return;
        }
        let mut ticket = None;
        if self.config.observe == Observe::Hold {
            if self.held.len() >= MAX_HELD {
                return;
            }
            let number = Ticket(self.next_ticket);
            self.next_ticket += 1;
            ticket = Some(number);
            let (data, until) = (data.to_vec(), now + HELD_FOR);
            self.held.push_back(Held { ticket: number, endpoint, from, data, until });
        }
        if let (Some(kind), true) = (kind, self.config.observe != Observe::Off) {
            self.out(Output::Query { endpoint, from, kind, target, ticket });
        }
        if ticket.is_none() {
            self.serve(now, endpoint, from, transaction, query, data.len());
        }
    }

    /// The host has looked at a held query.
    pub(super) fn verdict(&mut self, now: Instant, ticket: Ticket, allow: bool) {
        let found = self.held.iter().position(|held| held.ticket == ticket);
        let Some(held) = found.and_then(|at| self.held.remove(at)) else { return };
        if !allow {
            return;
        }
        if let Ok(Packet { transaction, body: Body::Query(query), .. }) = Packet::decode(&held.data)
        {
            self.serve(now, held.endpoint, held.from, transaction, &query, held.data.len());
        }
    }

    fn serve(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        from: SocketAddr,
        transaction: &[u8],
        query: &Query<'_>,
        size: usize,
    ) {
        let room = (size * MAX_AMPLIFICATION).clamp(FRAME_BYTES, MAX_REPLY);
        let caller = Caller { endpoint, from, transaction, room };
        match query.method {
            Method::Ping => self.respond(now, caller, Response::default()),
            Method::FindNode { target } | Method::Other { target: Some(target), .. } => {
                let lists = self.lists(caller, target, query.want);
                self.respond(now, caller, lists.response());
            }
            Method::Other { target: None, .. } => {
                self.reject(now, caller, code::METHOD, b"unknown method");
            }
            Method::GetPeers { info_hash, noseed, scrape } => {
                self.serve_peers(now, caller, info_hash, query.want, (noseed, scrape));
            }
            Method::AnnouncePeer { info_hash, port, implied_port, seed, token } => {
                let port = if implied_port { from.port() } else { port };
                let addr = SocketAddr::new(from.ip(), port);
                self.store_peer(now, caller, info_hash, addr, seed, token);
            }
            Method::Get { target, seq } => self.serve_item(now, caller, target, seq, query.want),
            Method::Put { token, value, mutable } => {
                self.store_item(now, caller, token, value, mutable);
            }
            Method::SampleInfohashes { target } => {
                self.serve_sample(now, caller, target, query.want);
            }
        }
        // BEP 43: who says that it does not answer is not kept.
        if !query.read_only {
            self.met(now, endpoint, Contact { id: query.id, addr: from });
        }
    }

    /// The nodes near a target: of the caller's family, or of those it wants (BEP 32), as far as
    /// there is room.
    fn lists(&self, caller: Caller<'_>, target: NodeId, want: Want) -> Lists {
        let own_v6 = self.nodes.get(&caller.endpoint).is_some_and(|node| node.v6);
        let none = want == Want::default();
        let mut left = caller.room.saturating_sub(FRAME_BYTES);
        let mut list = |v6: bool, each: usize| {
            let wanted = if none {
                own_v6 == v6
            } else if v6 {
                want.v6
            } else {
                want.v4
            };
            if !wanted {
                return None;
            }
            // The node that was asked first; any other of the family knows as well (BEP 45).
            let asked = self.nodes.get(&caller.endpoint).filter(|node| node.v6 == v6);
            let node = asked.or_else(|| self.nodes.values().find(|node| node.v6 == v6));
            let count = K.min(left / each);
            let bytes = write_contacts(
                &node.map_or(Vec::new(), |node| node.table.closest(target, count, false)),
            );
            left = left.saturating_sub(bytes.len() + 10);
            Some(bytes)
        };
        // The family of the packet goes first: it matters more when there is little room.
        if own_v6 {
            let v6 = list(true, 38);
            Lists { v4: list(false, 26), v6 }
        } else {
            let v4 = list(false, 26);
            Lists { v6: list(true, 38), v4 }
        }
    }

    fn serve_peers(
        &mut self,
        now: Instant,
        caller: Caller<'_>,
        info_hash: NodeId,
        want: Want,
        (noseed, scrape): (bool, bool),
    ) {
        let mut lists = self.lists(caller, info_hash, want);
        let token = self.secret.token(now, caller.from.ip(), info_hash);
        let filters = if scrape { self.storage.filters(info_hash).map(Box::new) } else { None };
        if filters.is_some() {
            // BEP 33: the filters take half of the packet, so only the list that must be there.
            lists.keep_one(caller.from.is_ipv6());
        }
        let v6 = caller.from.is_ipv6();
        let each = if v6 { 21 } else { 8 };
        let used = FRAME_BYTES + lists.bytes() + if filters.is_some() { 530 } else { 0 };
        let most = (caller.room.saturating_sub(used) / each).min(self.config.max_peers_reply);
        let values = self.storage.find(info_hash, v6, noseed, most, &mut self.rng);
        let response = Response { token: Some(&token), values, filters, ..lists.response() };
        self.respond(now, caller, response);
    }

    fn store_peer(
        &mut self,
        now: Instant,
        caller: Caller<'_>,
        info_hash: NodeId,
        addr: SocketAddr,
        seed: bool,
        token: &[u8],
    ) {
        if !self.has_token(now, caller, info_hash, token) {
            return;
        }
        if !is_usable(addr) {
            return self.reject(now, caller, code::PROTOCOL, b"invalid port");
        }
        if self.storage.announce(now, info_hash, addr, seed, &mut self.rng) {
            self.respond(now, caller, Response::default());
        } else {
            self.reject(now, caller, code::GENERIC, b"torrent is full");
        }
    }

    fn serve_item(
        &mut self,
        now: Instant,
        caller: Caller<'_>,
        target: NodeId,
        newer_than: Option<i64>,
        want: Want,
    ) {
        let mut lists = self.lists(caller, target, want);
        let token = self.secret.token(now, caller.from.ip(), target);
        let item = self.storage.item(target).cloned();
        let mut response = Response { token: Some(&token), ..Response::default() };
        if let Some(item) = &item {
            response.seq = item.seq();
            // BEP 44: who has this version or a later one gets its number only.
            if item.seq().zip(newer_than).is_none_or(|(seq, than)| seq > than) {
                let bytes = item.value().as_bytes();
                let used = FRAME_BYTES + bytes.len() + 120;
                lists.fit(caller.room.saturating_sub(used), caller.from.is_ipv6());
                response.value = Some(bytes);
                if let Item::Mutable(item) = item {
                    response.signature = Some(item.signature());
                }
            }
        }
        let key = match &item {
            Some(Item::Mutable(item)) if response.value.is_some() => Some(item.key()),
            _ => None,
        };
        response.key = key.as_ref().map(|key| &key.0);
        let Response { nodes, nodes6, .. } = lists.response();
        (response.nodes, response.nodes6) = (nodes, nodes6);
        self.respond(now, caller, response);
    }

    fn store_item(
        &mut self,
        now: Instant,
        caller: Caller<'_>,
        token: &[u8],
        value: &[u8],
        mutable: Option<PutMutable<'_>>,
    ) {
        let checked = Value::new(value);
        let target = match (&checked, &mutable) {
            (_, Some(PutMutable { key, salt, .. })) => PublicKey(**key).target(salt),
            (Ok(value), None) => value.target(),
            (Err(error), None) => return self.bad_item(now, caller, *error),
        };
        // The token first: signatures are only checked for who has been seen at its address.
        if !self.has_token(now, caller, target, token) {
            return;
        }
        let item = checked.and_then(|value| match mutable {
            None => Ok(Item::Immutable(value)),
            Some(PutMutable { key, signature, seq, salt, .. }) => {
                MutableItem::verify(PublicKey(*key), salt, seq, signature, value).map(Item::Mutable)
            }
        });
        let item = match item {
            Ok(item) => item,
            Err(error) => return self.bad_item(now, caller, error),
        };
        let cas = mutable.and_then(|mutable| mutable.cas);
        match self.storage.put(now, caller.from.ip(), item, cas, &mut self.rng) {
            Ok(()) => self.respond(now, caller, Response::default()),
            Err(PutRefusal::Cas) => self.reject(now, caller, code::CAS, b"cas mismatch"),
            Err(PutRefusal::Sequence) => {
                self.reject(now, caller, code::SEQUENCE, b"sequence number not newer");
            }
        }
    }

    fn serve_sample(&mut self, now: Instant, caller: Caller<'_>, target: NodeId, want: Want) {
        let lists = self.lists(caller, target, want);
        let num = self.storage.torrents() as u64;
        let room = caller.room.saturating_sub(FRAME_BYTES + lists.bytes());
        let (interval, samples) = self.storage.sample(now, &mut self.rng);
        let samples = samples.get(..room / 20 * 20).unwrap_or(samples).to_vec();
        let sample = Some(Sample { interval, num, samples: &samples });
        self.respond(now, caller, Response { sample, ..lists.response() });
    }

    fn has_token(&mut self, now: Instant, caller: Caller<'_>, key: NodeId, token: &[u8]) -> bool {
        let valid = self.secret.is_valid(now, caller.from.ip(), key, token);
        if !valid {
            self.stats.bad_tokens += 1;
            self.reject(now, caller, code::PROTOCOL, b"invalid token");
        }
        valid
    }

    fn bad_item(&mut self, now: Instant, caller: Caller<'_>, error: ItemError) {
        self.reject(now, caller, error.code(), error.to_string().as_bytes());
    }

    fn reject(&mut self, now: Instant, caller: Caller<'_>, code: i64, text: &[u8]) {
        let body = Body::Error { code, text };
        self.reply(now, caller.endpoint, caller.from, caller.transaction, body);
    }

    fn respond(&mut self, now: Instant, caller: Caller<'_>, mut response: Response<'_>) {
        let Some(id) = self.id(caller.endpoint) else { return };
        response.id = id;
        let body = Body::Response(response);
        self.reply(now, caller.endpoint, caller.from, caller.transaction, body);
    }

    /// Sends an answer, if the budget allows.
    pub(super) fn reply(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        to: SocketAddr,
        transaction: &[u8],
        body: Body<'_>,
    ) {
        if !self.budget.may_answer(now) {
            self.stats.throttled += 1;
            return;
        }
        let version = self.config.version;
        let data = Packet { transaction, version, seen_as: Some(to), body }.encode();
        self.stats.queries += 1;
        self.send(endpoint, to, data);
    }
}

/// Node lists of an answer.
#[derive(Debug, Default)]
struct Lists {
    v4: Option<Vec<u8>>,
    v6: Option<Vec<u8>>,
}

impl Lists {
    fn bytes(&self) -> usize {
        let bytes = |list: &Option<Vec<u8>>| list.as_ref().map_or(0, |list| list.len() + 12);
        bytes(&self.v4) + bytes(&self.v6)
    }

    /// Drops the list that is not of the caller's family.
    fn keep_one(&mut self, v6: bool) {
        let other = if v6 { &mut self.v4 } else { &mut self.v6 };
        *other = None;
    }

    /// Makes the lists no longer than `room`, the far end of the caller's own last.
    fn fit(&mut self, room: usize, v6: bool) {
        if self.bytes() > room {
            self.keep_one(v6);
        }
        let (list, each) = if v6 { (&mut self.v6, 38) } else { (&mut self.v4, 26) };
        if let Some(list) = list {
            list.truncate(room.saturating_sub(12) / each * each);
        }
    }

    fn response(&self) -> Response<'_> {
        let (nodes, nodes6) = (self.v4.as_deref(), self.v6.as_deref());
        Response { nodes, nodes6, ..Response::default() }
    }
}

/// What a query is about, for those who watch. Unknown methods that only get an error are not
/// worth a notice.
fn describe(method: &Method<'_>) -> (Option<QueryKind>, Option<NodeId>) {
    let (kind, target) = match *method {
        Method::Ping => (QueryKind::Ping, None),
        Method::FindNode { target } => (QueryKind::FindNode, Some(target)),
        Method::GetPeers { info_hash, .. } => (QueryKind::GetPeers, Some(info_hash)),
        Method::AnnouncePeer { info_hash, .. } => (QueryKind::AnnouncePeer, Some(info_hash)),
        Method::Get { target, .. } => (QueryKind::Get, Some(target)),
        Method::Put { mutable: Some(PutMutable { key, salt, .. }), .. } => {
            (QueryKind::Put, Some(PublicKey(*key).target(salt)))
        }
        Method::Put { mutable: None, .. } => (QueryKind::Put, None),
        Method::SampleInfohashes { target } => (QueryKind::SampleInfohashes, Some(target)),
        Method::Other { target: Some(target), .. } => (QueryKind::FindNode, Some(target)),
        Method::Other { target: None, .. } => return (None, None),
    };
    (Some(kind), target)
}

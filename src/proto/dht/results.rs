//! What the answers to a command add up to, and what it stores in the end. Deliberately absent: who
//! is asked and when.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::calls::Call;
use super::compact::read_contacts;
use super::krpc::{Method, PutMutable, Response, code};
use super::lookup::Candidate;
use super::types::{Announce, EndpointId, ItemKey, Outcome};
use super::{Bloom, Contact, Item, MutableItem, NodeId, PublicKey, SecretKey, Value};
use crate::base::InfoHash;
use crate::base::limits::DHT_SALT_BYTES;

/// Peers of one lookup that are told apart; more are told again.
const MAX_PEERS: usize = 20_000;
/// Info-hashes of one lookup.
const MAX_SAMPLES: usize = 20_000;
/// Nodes of a sampling lookup that are kept.
const MAX_NODES: usize = 64;

/// A node that gave a token.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) endpoint: EndpointId,
    pub(super) id: NodeId,
    pub(super) addr: SocketAddr,
    pub(super) token: Box<[u8]>,
    /// The version it has.
    pub(super) seq: Option<i64>,
}

/// What an answer brought.
#[derive(Debug)]
pub(super) enum News {
    Nothing,
    Peers(Vec<SocketAddr>),
    Item(Item),
}

/// A command's kind, with what was found so far.
#[derive(Debug)]
pub(super) enum Kind {
    Ping,
    FindNode {
        target: NodeId,
        found: Vec<Contact>,
    },
    Peers {
        announce: Option<Announce>,
        found: BTreeSet<SocketAddr>,
        /// Peers told twice or not: for the outcome.
        count: usize,
        /// Seeds, downloaders, and those of whom only the address is known.
        swarm: Option<Box<(Bloom, Bloom, Bloom)>>,
        announced: u32,
        /// Set for the stores: the torrent.
        info_hash: NodeId,
    },
    Get {
        key: ItemKey,
        best: Option<Item>,
        copies: u32,
    },
    Put {
        what: Put,
        /// The newest version found.
        newest: Option<i64>,
        stored: u32,
        refused: Option<i64>,
    },
    Sample {
        samples: BTreeSet<InfoHash>,
        nodes: Vec<Contact>,
        interval: u32,
        num: u64,
    },
}

/// What to put.
#[derive(Debug)]
pub(super) enum Put {
    /// This, with the version it has to replace.
    Item(Item, Option<i64>),
    /// The next version of something, signed when the newest is known.
    Update { secret: SecretKey, salt: Vec<u8>, value: Value, replaces: Option<i64> },
}

impl Kind {
    pub(super) fn find_node(target: NodeId) -> Self {
        Self::FindNode { target, found: Vec::new() }
    }

    pub(super) fn sample() -> Self {
        let (samples, nodes) = (BTreeSet::new(), Vec::new());
        Self::Sample { samples, nodes, interval: 0, num: 0 }
    }

    pub(super) fn peers(info_hash: NodeId, announce: Option<Announce>, scrape: bool) -> Self {
        let swarm = scrape.then(Box::default);
        let found = BTreeSet::new();
        Self::Peers { announce, found, count: 0, swarm, announced: 0, info_hash }
    }

    pub(super) fn get(key: ItemKey) -> Self {
        Self::Get { key, best: None, copies: 0 }
    }

    pub(super) fn put(item: Item) -> Self {
        Self::Put { what: Put::Item(item, None), newest: None, stored: 0, refused: None }
    }

    /// The target and kind of a put that is signed later; `None` when it cannot be.
    pub(super) fn update(
        secret: SecretKey,
        salt: Vec<u8>,
        value: Value,
        replaces: Option<i64>,
    ) -> Option<(NodeId, Self)> {
        let last = replaces.is_some_and(|seq| !(0..i64::MAX).contains(&seq));
        if salt.len() > DHT_SALT_BYTES || last {
            return None;
        }
        let target = secret.public().target(&salt);
        let what = Put::Update { secret, salt, value, replaces };
        Some((target, Self::Put { what, newest: None, stored: 0, refused: None }))
    }

    /// Those of some peers that are new.
    pub(super) fn new_peers(&mut self, mut peers: Vec<SocketAddr>) -> Vec<SocketAddr> {
        if let Self::Peers { found, count, .. } = self {
            peers.retain(|peer| {
                if found.len() >= MAX_PEERS { !found.contains(peer) } else { found.insert(*peer) }
            });
            *count += peers.len();
        }
        peers
    }

    /// Takes an item that may be the one wanted, or a newer version of it.
    pub(super) fn offer(&mut self, item: Item) -> Option<Item> {
        let Self::Get { best, copies, .. } = self else { return None };
        match best {
            Some(best) if best.seq() == item.seq() => {
                *copies += 1;
                None
            }
            Some(best) if best.seq() > item.seq() => None,
            _ => {
                (*best, *copies) = (Some(item.clone()), 1);
                Some(item)
            }
        }
    }

    /// Takes an answer.
    pub(super) fn take(&mut self, call: &Call, response: &Response<'_>) -> News {
        match self {
            Self::Ping | Self::FindNode { .. } => News::Nothing,
            Self::Peers { swarm, .. } => {
                if let Some(swarm) = swarm {
                    let (seeds, peers, others) = &mut **swarm;
                    match &response.filters {
                        Some(more) => {
                            let (more_seeds, more_peers) = &**more;
                            seeds.union(more_seeds);
                            peers.union(more_peers);
                        }
                        // BEP 33, "Handling legacy responses".
                        None => response.values.iter().for_each(|peer| others.insert(peer.ip())),
                    }
                }
                let peers = self.new_peers(response.values.clone());
                if peers.is_empty() { News::Nothing } else { News::Peers(peers) }
            }
            Self::Get { key, best, copies } => {
                // Bytes that were checked once need not be checked again.
                if best.as_ref().is_some_and(|best| is_same(best, response)) {
                    *copies += 1;
                    return News::Nothing;
                }
                let old = best.as_ref().and_then(Item::seq);
                if old.zip(response.seq).is_some_and(|(old, seq)| seq <= old) {
                    return News::Nothing;
                }
                let item = read_item(key, response);
                item.and_then(|item| self.offer(item)).map_or(News::Nothing, News::Item)
            }
            Self::Put { newest, .. } => {
                *newest = (*newest).max(response.seq);
                News::Nothing
            }
            Self::Sample { samples, nodes, interval, num, .. } => {
                if let Some(sample) = response.sample {
                    (*interval, *num) = (sample.interval, sample.num);
                    for hash in sample.samples.as_chunks::<20>().0 {
                        if samples.len() < MAX_SAMPLES {
                            samples.insert(InfoHash(*hash));
                        }
                    }
                }
                let v6 = call.to.is_ipv6();
                let list = if v6 { response.nodes6 } else { response.nodes };
                nodes.extend(read_contacts(list.unwrap_or_default(), v6).take(MAX_NODES));
                nodes.truncate(MAX_NODES);
                News::Nothing
            }
        }
    }

    /// Takes the nearest nodes of a finished lookup.
    pub(super) fn nearest<'c>(&mut self, nearest: impl Iterator<Item = &'c Candidate>) {
        let contacts = nearest.filter_map(|c| Some(Contact { id: c.id?, addr: c.addr }));
        match self {
            Self::FindNode { found, .. } => found.extend(contacts),
            Self::Sample { nodes, .. } => *nodes = contacts.collect(),
            _ => {}
        }
    }

    /// Whether nothing better can be found.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Get { best: Some(Item::Immutable(_)), .. })
    }

    /// All lookups are over: whether there is something to store. Signs what has to be signed.
    pub(super) fn prepare_store(&mut self) -> bool {
        match self {
            Self::Peers { announce, .. } => announce.is_some(),
            Self::Put { what, newest, refused, .. } => {
                let Put::Update { secret, salt, value, replaces } = what else { return true };
                let replaces = *replaces;
                // Where somebody was faster, storing what is older than his is no use.
                let late = replaces.is_some_and(|old| newest.is_some_and(|newest| newest > old));
                let last = replaces.or(*newest);
                let next = last.map_or(Some(1), |last| last.checked_add(1));
                let Some(seq) = next.filter(|_| !late) else {
                    *refused = Some(if late { code::CAS } else { code::SEQUENCE });
                    let seq = last.unwrap_or(0);
                    if let Ok(item) = MutableItem::sign(secret, salt, seq, value.clone()) {
                        *what = Put::Item(Item::Mutable(item), replaces);
                    }
                    return false;
                };
                match MutableItem::sign(secret, salt, seq, value.clone()) {
                    Ok(item) => *what = Put::Item(Item::Mutable(item), replaces),
                    Err(_) => return false,
                }
                true
            }
            _ => false,
        }
    }

    /// The question that stores at a place.
    pub(super) fn store<'a>(&'a self, place: &'a Place) -> Method<'a> {
        let token = &*place.token;
        match self {
            Self::Peers { announce: Some(announce), info_hash, .. } => Method::AnnouncePeer {
                info_hash: *info_hash,
                port: announce.port,
                implied_port: announce.implied,
                seed: announce.seed,
                token,
            },
            Self::Put { what: Put::Item(item, replaces), .. } => {
                let mutable = match item {
                    Item::Immutable(_) => None,
                    Item::Mutable(item) => Some(PutMutable {
                        key: item.key_bytes(),
                        signature: item.signature(),
                        seq: item.seq(),
                        salt: item.salt(),
                        // BEP 44: not to a node that has no version; one that has an older version
                        // than the newest just missed an update.
                        cas: replaces.filter(|_| place.seq == *replaces),
                    }),
                };
                Method::Put { token, value: item.value().as_bytes(), mutable }
            }
            _ => Method::Ping,
        }
    }

    /// A store was taken, or failed: with an error's code, or without an answer.
    pub(super) fn stored(&mut self, failed: Option<Option<i64>>) {
        let (count, refusal) = match self {
            Self::Peers { announced, .. } => (announced, None),
            Self::Put { stored, refused, .. } => (stored, Some(refused)),
            _ => return,
        };
        match (failed, refusal) {
            (None, _) => *count += 1,
            (Some(Some(code)), Some(refusal)) => *refusal = Some(code),
            _ => {}
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Ping => Outcome::Accepted,
            Self::FindNode { target, mut found } => {
                found.sort_by_key(|contact| contact.id.distance(target));
                Outcome::Nodes(found)
            }
            Self::Peers { count, swarm, announced, .. } => Outcome::Peers {
                found: count,
                announced,
                swarm: swarm.map(|swarm| estimate(*swarm)),
            },
            Self::Get { best, copies, .. } => Outcome::Item { item: best, copies },
            Self::Put { what, stored, refused, .. } => match what {
                Put::Item(item, _) => Outcome::Put { item, stored, refused },
                // Signing failed: bounds were checked, so this is not reached.
                Put::Update { .. } => Outcome::Failed(super::types::Failure::Invalid),
            },
            Self::Sample { samples, nodes, interval, num, .. } => {
                Outcome::Samples { samples: samples.into_iter().collect(), interval, num, nodes }
            }
        }
    }
}

fn estimate((seeds, mut peers, others): (Bloom, Bloom, Bloom)) -> (f64, f64) {
    peers.union(&others);
    (seeds.estimate(), peers.estimate())
}

/// Whether an answer has exactly this item.
fn is_same(item: &Item, response: &Response<'_>) -> bool {
    let same_value = response.value == Some(item.value().as_bytes());
    match item {
        Item::Immutable(_) => same_value,
        Item::Mutable(item) => {
            same_value
                && response.seq == Some(item.seq())
                && response.signature == Some(item.signature())
        }
    }
}

/// The item of an answer, when it is the one wanted and genuine.
fn read_item(key: &ItemKey, response: &Response<'_>) -> Option<Item> {
    let value = Value::new(response.value?).ok()?;
    match key {
        ItemKey::Immutable(target) => (value.target() == *target).then_some(Item::Immutable(value)),
        ItemKey::Mutable { key, salt } => {
            let PublicKey(expected) = key;
            if response.key.is_some_and(|given| given != expected) {
                return None;
            }
            let item = MutableItem::verify(*key, salt, response.seq?, response.signature?, value);
            item.ok().map(Item::Mutable)
        }
    }
}

//! What is kept between sessions: our ids and the nodes we knew, as bencode.
//!
//! `ids`: strings of an id and the listening address it belongs to (BEP 45: each address has its
//! own); `nodes`, `nodes6`: contacts in compact form (BEP 5, BEP 32). Deliberately absent: what was
//! stored for others, which is theirs to announce again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::compact::{read_addr, read_contacts, write_addr, write_contacts};
use super::types::EndpointId;
use super::upkeep::Node;
use super::{Contact, NodeId};
use crate::codec::bencode::{Document, Encoder, Error, Limits};

/// Nodes kept of each family: many more than are needed to find somebody alive.
const MAX_NODES: usize = 400;
/// Listening addresses remembered.
const MAX_IDS: usize = 32;
/// Bytes of a saved state.
const MAX_BYTES: usize = 64 * 1024;

/// Our ids and some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    ids: Vec<(SocketAddr, NodeId)>,
    v4: Vec<Contact>,
    v6: Vec<Contact>,
}

impl State {
    /// The state of some nodes, and of `before` what they do not replace.
    pub(super) fn of(nodes: &BTreeMap<EndpointId, Node>, before: &Self) -> Self {
        let mut out = Self::default();
        for node in nodes.values() {
            out.ids.push((node.local, node.table.own()));
            let list = if node.v6 { &mut out.v6 } else { &mut out.v4 };
            list.extend(node.table.good());
        }
        for (local, id) in &before.ids {
            if out.id(*local).is_none() {
                out.ids.push((*local, *id));
            }
        }
        // A session that never got out must not forget whom it could have asked.
        for (list, old) in [(&mut out.v4, &before.v4), (&mut out.v6, &before.v6)] {
            if list.len() < 20 {
                list.extend(old);
            }
            list.sort_unstable();
            list.dedup();
            list.truncate(MAX_NODES);
        }
        out.ids.truncate(MAX_IDS);
        out
    }

    /// The saved id of a listening address.
    pub(super) fn id(&self, local: SocketAddr) -> Option<NodeId> {
        self.ids.iter().find(|(addr, _)| *addr == local).map(|(_, id)| *id)
    }

    /// The saved id of an address that differs by its port only, as one that the system chose does
    /// at each start; none that is in use.
    pub(super) fn id_near(&self, local: SocketAddr, used: &BTreeSet<NodeId>) -> Option<NodeId> {
        let near =
            |(addr, id): &&(SocketAddr, NodeId)| addr.ip() == local.ip() && !used.contains(id);
        self.ids.iter().find(near).map(|(_, id)| *id)
    }

    /// This state, and of another what there is room for.
    pub(super) fn merged(mut self, other: &Self) -> Self {
        for (local, id) in &other.ids {
            if self.id(*local).is_none() {
                self.ids.push((*local, *id));
            }
        }
        self.ids.truncate(MAX_IDS);
        for (list, more) in [(&mut self.v4, &other.v4), (&mut self.v6, &other.v6)] {
            let known: BTreeSet<SocketAddr> = list.iter().map(|contact| contact.addr).collect();
            list.extend(more.iter().filter(|contact| !known.contains(&contact.addr)));
            list.truncate(MAX_NODES);
        }
        self
    }

    /// The nodes of a family.
    #[must_use]
    pub fn contacts(&self, v6: bool) -> &[Contact] {
        if v6 { &self.v6 } else { &self.v4 }
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.dict(|d| {
            d.list(b"ids", |l| {
                for (local, id) in &self.ids {
                    let mut bytes = id.0.to_vec();
                    write_addr(&mut bytes, *local);
                    l.bytes(&bytes);
                }
            });
            d.bytes(b"nodes", &write_contacts(&self.v4));
            d.bytes(b"nodes6", &write_contacts(&self.v6));
        });
        out.finish()
    }

    /// From bytes. What it does not understand it leaves out.
    ///
    /// # Errors
    /// When the bytes are not bencode, or too many.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let document = Document::parse_with(bytes, Limits::with_bytes(MAX_BYTES))?;
        let root = document.root();
        let ids = root.get(b"ids").and_then(|ids| ids.as_list()).into_iter().flatten();
        let ids = ids.filter_map(|entry| {
            let (id, local) = entry.as_bytes()?.split_at_checked(20)?;
            Some((read_addr(local)?, NodeId::from_slice(id)?))
        });
        let contacts = |key, v6| {
            let list = root.get_bytes(key).unwrap_or_default();
            read_contacts(list, v6).take(MAX_NODES).collect()
        };
        Ok(Self {
            ids: ids.take(MAX_IDS).collect(),
            v4: contacts(b"nodes", false),
            v6: contacts(b"nodes6", true),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let contact = |addr: &str| Contact { id: NodeId([3; 20]), addr: addr.parse().unwrap() };
        let state = State {
            ids: vec![
                ("0.0.0.0:6881".parse().unwrap(), NodeId([1; 20])),
                ("[::]:6881".parse().unwrap(), NodeId([2; 20])),
            ],
            v4: vec![contact("1.2.3.4:5"), contact("1.2.3.5:5")],
            v6: vec![contact("[2001:db8::1]:5")],
        };
        assert_eq!(State::decode(&state.encode()), Ok(state.clone()));
        assert_eq!(state.id("[::]:6881".parse().unwrap()), Some(NodeId([2; 20])));
        assert_eq!(State::decode(b"de"), Ok(State::default()));
        assert!(State::decode(b"").is_err() && State::decode(b"di1e").is_err());
    }
}

//! Peer exchange (BEP 11): whom peers are told of, and what becomes of those they tell us of, or
//! saved state does.
//!
//! A torrent that is private, or whose metadata is not here and may yet say so, tells nobody of its
//! peers (BEP 27); the latter listens, since a private swarm's peers have nothing to say either.
//! Deliberately absent: the message and its pace (`proto::peer::ut_pex`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::Torrent;
use super::peer::Peer;
use crate::base::PeerKey;
use crate::codec::resume::Resume;
use crate::proto::peer::Message;
use crate::proto::peer::ut_pex::{PexFlags, PexHeard, PexReceiver, PexSender};
use crate::swarm::types::{CloseReason, PeerSource};

/// Peers that come within this time are told together.
const GATHER: Duration = Duration::from_secs(1);
/// From one look at whom to tell to the next.
const ROUND: Duration = Duration::from_secs(60);

/// What one peer was told, and what it told.
#[derive(Debug, Default)]
pub(super) struct Gossip {
    told: PexSender,
    heard: PexReceiver,
}

impl Torrent {
    /// Whether peers may talk to us about others.
    pub(super) fn exchanges_peers(&self) -> bool {
        self.tuning.pex && !self.info.private
    }

    /// The option changed: peers are told whether we exchange.
    pub(super) fn switch_exchange(&mut self) {
        let on = self.exchanges_peers();
        let mut told = Vec::new();
        for (key, peer) in &mut self.peers {
            let Some(conn) = peer.conn.as_mut() else { continue };
            if conn.set_pex(self.now, on) {
                self.transmit.insert(*key);
                told.push(*key);
            }
        }
        told.into_iter().for_each(|key| self.follow_extensions(key));
        if on && !self.peers.is_empty() {
            self.exchange_at(self.now + GATHER);
        }
    }

    /// Somebody came who may want to know of the others.
    pub(super) fn exchange_soon(&mut self, key: PeerKey) {
        if self.exchanges_peers() && self.peers.get(&key).is_some_and(|p| p.extensions.pex) {
            self.exchange_at(self.now + GATHER);
        }
    }

    fn exchange_at(&mut self, at: crate::base::Instant) {
        let at = self.pex_due.map_or(at, |due| due.min(at));
        self.pex_due = Some(at);
        self.wake_at(at);
    }

    /// Tells peers what is new, once a minute and when somebody came.
    pub(super) fn pump_exchange(&mut self) {
        let Some(due) = self.pex_due else { return };
        if due > self.now {
            return self.wake_at(due);
        }
        self.pex_due = None;
        if !self.exchanges_peers() || self.sought.is_some() {
            return;
        }
        let mut connected: BTreeMap<SocketAddr, PexFlags> =
            self.peers.values().filter_map(introduced).collect();
        let mut listeners = false;
        for key in self.established_keys() {
            let Some(peer) = self.peers.get_mut(&key).filter(|p| p.extensions.pex) else {
                continue;
            };
            listeners = true;
            // A peer is not told of itself.
            let own = introduced(peer).and_then(|(addr, _)| connected.remove_entry(&addr));
            let told = &mut peer.pex.get_or_insert_default().told;
            let message = told.message(self.now, &connected);
            connected.extend(own);
            if let Some(pex) = message {
                self.send(key, Message::Pex(pex.encode().into()));
            }
        }
        if listeners {
            self.exchange_at(self.now + ROUND);
        }
    }

    /// Peers that saved state has: where to begin.
    pub(super) fn recall_peers(&mut self, saved: &Resume) {
        for addr in &saved.peers {
            self.known.add(*addr, PeerSource::Resume);
        }
    }

    /// A peer names others.
    pub(super) fn on_pex(&mut self, key: PeerKey, payload: &[u8]) {
        if !self.exchanges_peers() {
            return;
        }
        let Some(peer) = self.peers.get_mut(&key) else { return };
        match peer.pex.get_or_insert_default().heard.receive(self.now, payload) {
            PexHeard::TooSoon => {}
            PexHeard::Flood => self.close_peer(key, CloseReason::Flood),
            PexHeard::New { added, dropped } => {
                for (addr, _) in added {
                    self.known.add(addr, PeerSource::Pex);
                }
                for addr in dropped {
                    let named = |p: &Peer| p.pex.as_ref().is_some_and(|p| p.heard.names(addr));
                    if !self.peers.values().any(named) {
                        self.known.withdraw(addr, PeerSource::Pex);
                    }
                }
            }
        }
    }
}

/// A peer as others are told of it: the address it can be called at, and its flags. `None` when it
/// is not connected, or connected to us and does not say where it listens.
fn introduced(peer: &Peer) -> Option<(SocketAddr, PexFlags)> {
    if !peer.established {
        return None;
    }
    let mut addr = peer.addr;
    if peer.incoming {
        addr.set_port(peer.extensions.listen_port?);
    }
    let flags = [
        (PexFlags::ENCRYPTION, peer.extensions.prefers_encryption),
        (PexFlags::SEED, peer.upload_only()),
        (PexFlags::HOLEPUNCH, peer.extensions.holepunch),
        (PexFlags::OUTGOING, !peer.incoming),
    ];
    let set = flags.iter().filter(|(_, on)| *on).fold(0, |all, (flag, _)| all | flag);
    Some((addr, PexFlags(set)))
}

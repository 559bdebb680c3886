//! Two connections to one peer: which of them stays.
//!
//! Both sides have to come to the same choice, or both hang up, each on the connection the other
//! wanted, and meet again only after a back-off. By the handshakes' peer ids they do; but not every
//! engine waits for handshakes before it chooses. So the one that is to go is not closed at once:
//! for a while it is a spare, complete but idle, and it takes over should the other side close the
//! one that was to stay. Some close both all the same: then it is called again soon. A connection
//! from an IP that has as many as it may is a spare, too, while an attempt of ours to that IP is
//! under way. Deliberately absent: addresses (`PeerList`).

use std::net::SocketAddr;
use std::time::Duration;

use super::Torrent;
use super::peer::Peer;
use crate::base::{Instant, PeerId, PeerKey};
use crate::proto::peer::Handshake;
use crate::swarm::types::CloseReason;

/// How long both sides have to make up their minds.
const WAIT: Duration = Duration::from_secs(3);
/// Pause before a peer that closed both is called again, and at most that much more: so that two
/// who do so do not meet half way again.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection waits for the end of another: nothing is asked of it and nothing unchoked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spare {
    /// The one that is to stay,
    pub(super) rival: PeerKey,
    /// and when that is settled.
    until: Instant,
}

impl Torrent {
    /// The handshake of `key` is through: whether it is a connection we want, if only as a spare.
    pub(super) fn settle_twins(&mut self, key: PeerKey, handshake: &Handshake) -> bool {
        let Some(incoming) = self.peers.get(&key).map(|p| p.incoming) else { return false };
        let same = |p: &Peer| p.established && p.peer_id == handshake.peer_id;
        let twins = self.peers.iter().filter(|(k, p)| **k != key && same(p));
        let twins: Vec<(PeerKey, bool)> = twins.map(|(k, p)| (*k, p.incoming)).collect();
        let &[(twin, twin_incoming)] = &twins[..] else {
            // Two are there already: a third is of no use to anybody.
            let alone = twins.is_empty();
            if !alone {
                self.close_peer(key, CloseReason::Duplicate);
            }
            return alone;
        };
        // The one survives that was started by the greater peer id. Started by the same side, the
        // older stays, and nobody doubts it.
        if twin_incoming == incoming {
            self.close_peer(key, CloseReason::Duplicate);
            return false;
        }
        let keep_new = (self.peer_id > handshake.peer_id) != incoming;
        let (stays, goes) = if keep_new { (key, twin) } else { (twin, key) };
        self.set_spare(goes, stays);
        self.employ(stays);
        true
    }

    /// The attempt of ours beside which a connection from an IP may be a spare, although the IP has
    /// as many as it may: one that may yet turn out to be the same peer's. One spare an attempt.
    pub(super) fn attempt_at(&self, addr: SocketAddr, peer_id: PeerId) -> Option<PeerKey> {
        let ip = addr.ip().to_canonical();
        let here = |p: &Peer| !p.incoming && p.addr.ip().to_canonical() == ip;
        let young = |p: &Peer| p.peer_id == peer_id && self.now.since(p.connected) < WAIT;
        let open = |p: &Peer| p.spare.is_none() && (!p.established || young(p));
        let key = self.peers.iter().find(|(_, p)| here(p) && open(p)).map(|(key, _)| *key)?;
        let taken = |p: &Peer| p.spare.is_some_and(|spare| spare.rival == key);
        (!self.peers.values().any(taken)).then_some(key)
    }

    /// `key` waits for the end of `rival`.
    pub(super) fn set_spare(&mut self, key: PeerKey, rival: PeerKey) {
        // Nobody waits for one that waits itself.
        self.rival_gone(key, None);
        let until = self.now + WAIT;
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.spare = Some(Spare { rival, until });
            self.wake_at(until);
        }
        self.metadata_not_from(key);
    }

    /// A spare becomes a peer as others are.
    fn employ(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if peer.spare.take().is_some() {
            self.touched.insert(key);
            self.metadata_offered(key);
            self.fill_slots();
        }
    }

    /// A connection or attempt ended: its spare takes over, unless we did not want that peer any
    /// more (`unwanted`: its id, and why).
    pub(super) fn rival_gone(&mut self, rival: PeerKey, unwanted: Option<(PeerId, CloseReason)>) {
        let waits = |p: &Peer| p.spare.is_some_and(|spare| spare.rival == rival);
        let Some((&key, spare)) = self.peers.iter().find(|(_, p)| waits(p)) else { return };
        match unwanted.filter(|(id, _)| spare.peer_id == *id) {
            None => self.employ(key),
            Some((_, reason)) => self.close_peer(key, reason),
        }
    }

    /// A connection was closed by the other side. If it was the second of two, ours and theirs,
    /// that both ended soon after they began, the peer is called again soon. They are known by
    /// their IP: libtorrent has another peer id for each connection, and goes wrong by that.
    pub(super) fn call_again(&mut self, gone: &Peer) {
        let (now, ip) = (self.now, gone.addr.ip().to_canonical());
        let young = |p: &Peer| now.since(p.connected) < WAIT * 2;
        if !young(gone) {
            return;
        }
        let here = |p: &&mut Peer| p.established && p.addr.ip().to_canonical() == ip;
        if let Some(left) = self.peers.values_mut().find(here) {
            if left.incoming != gone.incoming && young(left) {
                left.twin = Some(if gone.incoming { left.addr } else { gone.addr });
            }
        } else if let Some(addr) = gone.twin {
            let more = u64::try_from(AGAIN.as_micros()).unwrap_or(u64::MAX);
            let more = Duration::from_micros(self.rng.below(more));
            self.known.hurry(addr, self.now + AGAIN + more);
        }
    }

    /// Ends what has waited long enough.
    pub(super) fn tick_twins(&mut self) {
        let waiting = self.peers.iter().filter_map(|(key, p)| Some((*key, p.spare?)));
        for (key, spare) in waiting.collect::<Vec<_>>() {
            if spare.until > self.now {
                self.wake_at(spare.until);
                continue;
            }
            let Some(peer) = self.peers.get(&key) else { continue };
            match self.peers.get(&spare.rival) {
                Some(rival) if rival.established => {
                    let twins = rival.peer_id == peer.peer_id;
                    let reason = if twins { CloseReason::Duplicate } else { CloseReason::TooMany };
                    self.close_peer(key, reason);
                }
                // An attempt that comes to nothing: its spare takes over.
                Some(_) => self.close_peer(spare.rival, CloseReason::Duplicate),
                None => self.employ(key),
            }
        }
    }
}

//! Connections: dialling, accepting, handshakes, closing. Deliberately absent: what peers say once
//! connected, and which of two connections to one peer stays (`twins`).

use std::net::SocketAddr;

use bytes::BytesMut;

use super::peer::Peer;
use super::{Output, Phase, Torrent};
use crate::base::PeerKey;
use crate::proto::peer::{Config, Connection, Event, Fault, Handshake, Message};
use crate::swarm::types::{CloseReason, Notice, PeerSource, Wire};

/// Connections kept waiting while we look at our files.
const EARLY_MAX: usize = 32;

/// What one of them may say before we answer, in bytes: a long bitfield and a little more.
const EARLY_BYTES: usize = 256 * 1024;

/// A connection that waits for us to run.
#[derive(Debug)]
pub(super) struct Early {
    addr: SocketAddr,
    connection: Box<Connection>,
    /// What it said after its handshake.
    data: BytesMut,
}

impl Torrent {
    /// Whether another outgoing attempt is allowed now.
    pub(super) fn can_dial(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Metadata)
            && self.half_open < self.tuning.max_half_open
            && self.peers.len() < self.tuning.max_connections as usize
    }

    /// Starts as many attempts as limits and known addresses allow.
    pub(super) fn dial(&mut self) {
        while self.can_dial() {
            let Some((addr, source)) = self.known.next_candidate(self.now) else { return };
            self.dial_addr(addr, source);
        }
    }

    pub(super) fn dial_addr(&mut self, addr: SocketAddr, source: PeerSource) {
        let key = PeerKey(self.next_key);
        self.next_key += 1;
        self.half_open += 1;
        let peer = Peer::new(self.now, addr, source, false, self.info.piece_count());
        self.peers.insert(key, peer);
        self.out.push_back(Output::Dial { peer: key, addr });
    }

    fn config(&self, addr: SocketAddr) -> Config {
        Config {
            info_hash: self.info.info_hash,
            peer_id: self.peer_id,
            piece_count: self.sought.is_none().then(|| self.info.piece_count()),
            metadata_size: u32::try_from(self.info.raw.len()).unwrap_or(0),
            pex: self.exchanges_peers(),
            client: self.tuning.client.clone(),
            reqq: self.tuning.max_peer_requests,
            listen_port: self.listen_port,
            peer_addr: Some(addr.ip()),
            upload_only: self.is_finished() && !self.is_complete(),
            dht: self.has_dht(),
            handshake_timeout: self.tuning.handshake_timeout,
            idle_timeout: self.tuning.idle_timeout,
        }
    }

    pub(super) fn on_connected(&mut self, key: PeerKey) {
        let Some(addr) = self.peers.get(&key).filter(|p| p.conn.is_none()).map(|p| p.addr) else {
            return;
        };
        self.half_open = self.half_open.saturating_sub(1);
        let conn = Box::new(Connection::outgoing(self.now, self.config(addr)));
        if let Some(at) = conn.next_deadline() {
            self.wake_at(at);
        }
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.conn = Some(conn);
        }
        self.transmit.insert(key);
    }

    pub(super) fn on_connect_failed(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get(&key).filter(|p| p.conn.is_none()) else { return };
        let addr = peer.addr;
        self.peers.remove(&key);
        self.half_open = self.half_open.saturating_sub(1);
        self.known.failed(self.now, addr);
        self.rival_gone(key, None);
    }

    pub(super) fn on_incoming(
        &mut self,
        key: PeerKey,
        addr: SocketAddr,
        mut connection: Box<Connection>,
    ) {
        let Some(handshake) = connection.peer_handshake().copied() else {
            self.out.push_back(Output::Close { peer: key });
            return;
        };
        if self.is_starting() && self.early.len() < EARLY_MAX {
            self.early.insert(key, Early { addr, connection, data: BytesMut::new() });
            return;
        }
        let open = matches!(self.phase, Phase::Running | Phase::Metadata);
        let room = open && self.peers.len() < self.tuning.max_connections as usize;
        let ours = handshake.peer_id == self.peer_id;
        // Counts the address, so it comes last.
        let mut beside = None;
        if !room || ours || !self.welcomes(addr, &handshake, &mut beside) {
            self.out.push_back(Output::Close { peer: key });
            return;
        }
        connection.accept(self.now, self.config(addr));
        let mut peer =
            Peer::new(self.now, addr, PeerSource::Incoming, true, self.info.piece_count());
        if let Some(at) = connection.next_deadline() {
            self.wake_at(at);
        }
        peer.conn = Some(connection);
        self.peers.insert(key, peer);
        if let Some(rival) = beside {
            self.set_spare(key, rival);
        }
        self.transmit.insert(key);
        self.on_handshake(key, handshake);
        self.pump_events(key);
    }

    /// Counts a connection from an address, unless its IP is banned or has too many. One too many
    /// may be there `beside` an attempt of ours until one of the two ends.
    fn welcomes(
        &mut self,
        addr: SocketAddr,
        handshake: &Handshake,
        beside: &mut Option<PeerKey>,
    ) -> bool {
        if self.known.incoming(addr) {
            return true;
        }
        *beside = self.attempt_at(addr, handshake.peer_id);
        beside.is_some() && self.known.incoming_beside(addr)
    }

    /// Whether we shall run once the files are looked at.
    fn is_starting(&self) -> bool {
        matches!(self.phase, Phase::New | Phase::Stat { .. } | Phase::Checking | Phase::Preparing)
    }

    /// Lets those in who came early, or sends them away when we are not going to run. Called when
    /// the phase changed.
    pub(super) fn settle_early(&mut self) {
        if self.is_starting() {
            return;
        }
        for (key, mut early) in self.early.take() {
            self.on_incoming(key, early.addr, early.connection);
            self.on_received(key, &mut early.data);
            // A frame that was cut: the rest comes with the next bytes.
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.rest = early.data;
            }
        }
    }

    pub(super) fn on_received(&mut self, key: PeerKey, data: &mut BytesMut) {
        if let Some(early) = self.early.get_mut(&key) {
            early.data.unsplit(data.split());
            if early.data.len() > EARLY_BYTES {
                self.early.remove(&key);
                self.out.push_back(Output::Close { peer: key });
            }
            return;
        }
        let Some(peer) = self.peers.get_mut(&key).filter(|p| p.conn.is_some()) else {
            data.clear();
            return;
        };
        if !peer.rest.is_empty() {
            peer.rest.unsplit(data.split());
            *data = core::mem::take(&mut peer.rest);
        }
        let Some(conn) = peer.conn.as_mut() else { return };
        let before = data.len();
        self.lag.found(before);
        conn.receive(self.now, data);
        self.counters.wire_received += (before - data.len()) as u64;
        self.pump_events(key);
    }

    /// Works off what a connection reports.
    pub(super) fn pump_events(&mut self, key: PeerKey) {
        loop {
            let conn = self.peers.get_mut(&key).and_then(|p| p.conn.as_mut());
            let Some(event) = conn.and_then(|c| c.poll_event()) else { return };
            match event {
                Event::Handshake(handshake) => self.on_handshake(key, handshake),
                Event::Extensions(extensions) => self.on_extensions(key, extensions),
                Event::Message(message) => self.on_message(key, message),
                Event::Failed(fault) => self.on_fault(key, fault),
            }
        }
    }

    fn on_fault(&mut self, key: PeerKey, fault: Fault) {
        if fault == Fault::SelfConnection {
            if let Some(peer) = self.peers.get(&key) {
                self.known.forget(peer.addr);
            }
            self.close_peer(key, CloseReason::Loopback);
        } else {
            self.close_peer(key, CloseReason::Fault(fault));
        }
    }

    /// Both handshakes are through (or ours is queued).
    fn on_handshake(&mut self, key: PeerKey, handshake: Handshake) {
        let Some(peer) = self.peers.get(&key).filter(|p| !p.established) else { return };
        let (addr, incoming) = (peer.addr, peer.incoming);
        if handshake.peer_id == self.peer_id {
            self.known.forget(addr);
            self.close_peer(key, CloseReason::Loopback);
            return;
        }
        if !self.settle_twins(key, &handshake) {
            return;
        }
        self.known.connected(self.now, addr);
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.established = true;
        peer.peer_id = handshake.peer_id;
        peer.reserved = handshake.reserved;
        peer.connected = self.now;
        peer.last_useful = self.now;
        self.notice(Notice::PeerConnected {
            peer: key,
            addr,
            incoming,
            peer_id: handshake.peer_id,
        });
        self.greet(key);
        self.wake_in(super::upload::USELESS_AFTER);
    }

    /// Tells what we have.
    fn greet(&mut self, key: PeerKey) {
        let fast = self.peers.get(&key).is_some_and(Peer::fast);
        let have = self.picker.have();
        if fast && self.is_complete() {
            self.send(key, Message::HaveAll);
        } else if fast && have.none() {
            self.send(key, Message::HaveNone);
        } else if !have.none() {
            let bits = bytes::Bytes::copy_from_slice(have.as_bytes());
            self.send(key, Message::Bitfield(bits));
        }
        self.follow_extensions(key);
        if self.has_dht() && self.peers.get(&key).is_some_and(Peer::dht) {
            self.send(key, Message::Port(self.listen_port));
        }
    }

    /// Whether peers are told of our node (BEP 5); those of private torrents are not (BEP 27).
    fn has_dht(&self) -> bool {
        self.tuning.dht && self.listen_port != 0 && !self.info.private
    }

    /// A peer says where its node is. Taken from peers whose handshake said that they have one, and
    /// only while we have one ourselves.
    pub(super) fn on_port(&mut self, key: PeerKey, port: u16) {
        let on = self.has_dht() && port != 0;
        let Some(peer) = self.peers.get_mut(&key).filter(|peer| on && peer.dht()) else { return };
        // Once: whoever says it over and over would have us ask over and over.
        if !std::mem::replace(&mut peer.told_port, true) {
            self.out.push_back(Output::DhtNode(SocketAddr::new(peer.addr.ip(), port)));
        }
    }

    /// Queues a message.
    pub(super) fn send(&mut self, key: PeerKey, message: Message) {
        self.follow(key, false, &message);
        let Some(conn) = self.peers.get_mut(&key).and_then(|p| p.conn.as_mut()) else { return };
        conn.send(self.now, message);
        self.transmit.insert(key);
    }

    /// A message passes: for who follows the wire.
    pub(super) fn follow(&mut self, peer: PeerKey, incoming: bool, message: &Message) {
        if !self.flags.wire_notices {
            return;
        }
        let Some(conn) = self.peers.get(&peer).and_then(|p| p.conn.as_ref()) else { return };
        let number = conn.extension_number(message, incoming);
        self.out.push_back(Output::Wire(Wire { peer, incoming, number, message: message.clone() }));
    }

    /// The connection queued an extension handshake by itself.
    pub(super) fn follow_extensions(&mut self, key: PeerKey) {
        let conn = self.peers.get(&key).and_then(|p| p.conn.as_ref());
        let message =
            conn.filter(|_| self.flags.wire_notices).and_then(|c| c.extension_handshake());
        if let Some(message) = message {
            self.follow(key, false, &message);
        }
    }

    pub(super) fn on_disconnected(&mut self, key: PeerKey, os_errno: i32) {
        if self.early.remove(&key).is_some() {
            return;
        }
        if self.peers.get(&key).is_some_and(|p| p.conn.is_none()) {
            self.on_connect_failed(key);
        } else if self.peers.contains_key(&key) {
            self.remove_peer(key, CloseReason::Remote(os_errno));
        }
    }

    /// Closes from our side.
    pub(super) fn close_peer(&mut self, key: PeerKey, reason: CloseReason) {
        if self.peers.contains_key(&key) {
            self.out.push_back(Output::Close { peer: key });
            self.remove_peer(key, reason);
        }
    }

    pub(super) fn close_all(&mut self, reason: CloseReason) {
        for key in self.peers.keys().copied().collect::<Vec<_>>() {
            self.close_peer(key, reason);
        }
    }

    fn remove_peer(&mut self, key: PeerKey, reason: CloseReason) {
        let Some(peer) = self.peers.remove(&key) else { return };
        self.metadata_peer_gone(key);
        self.touched.remove(&key);
        self.transmit.remove(&key);
        if peer.has_told {
            self.picker.peer_left(key, &peer.has);
        }
        if peer.conn.is_none() {
            self.half_open = self.half_open.saturating_sub(1);
            self.known.failed(self.now, peer.addr);
            self.rival_gone(key, None);
            return;
        }
        let chosen = peer.established && !matches!(reason, CloseReason::Remote(_));
        self.rival_gone(key, chosen.then_some((peer.peer_id, reason)));
        if peer.established {
            let useful = peer.down.total() + peer.up.total() > 0;
            self.known.disconnected(self.now, peer.addr, useful);
            if matches!(reason, CloseReason::Remote(_)) {
                self.call_again(&peer);
            }
            self.notice(Notice::PeerDisconnected { peer: key, addr: peer.addr, reason });
            if !peer.am_choking {
                self.fill_slots();
            }
        } else {
            self.known.failed(self.now, peer.addr);
            // Who follows the wire has seen its bytes.
            if self.flags.wire_notices {
                self.notice(Notice::PeerDisconnected { peer: key, addr: peer.addr, reason });
            }
        }
        if !peer.outstanding.is_empty() {
            self.touch_all();
        }
    }

    pub(super) fn established_keys(&self) -> Vec<PeerKey> {
        self.peers.iter().filter(|(_, p)| p.established).map(|(k, _)| *k).collect()
    }

    /// Peers that neither need us nor are needed: when we want nothing more, those that want
    /// nothing either.
    pub(super) fn close_seeds(&mut self) {
        for key in self.established_keys() {
            self.close_if_both_seeds(key);
        }
    }

    /// Whether it was closed.
    pub(super) fn close_if_both_seeds(&mut self, key: PeerKey) -> bool {
        let both = self.is_finished() && self.peers.get(&key).is_some_and(Peer::upload_only);
        if both {
            self.close_peer(key, CloseReason::BothSeeds);
        }
        both
    }

    /// Tells all peers whether we only upload (BEP 21), when that changed.
    pub(super) fn tell_upload_only(&mut self, upload_only: bool) {
        if core::mem::replace(&mut self.flags.upload_only_told, upload_only) == upload_only {
            return;
        }
        for key in self.established_keys() {
            if let Some(conn) = self.peers.get_mut(&key).and_then(|p| p.conn.as_mut()) {
                conn.send_upload_only(self.now, upload_only);
                self.transmit.insert(key);
            }
            self.follow_extensions(key);
        }
    }
}

//! What we serve: whom we unchoke, their requests, reading ahead of the socket, and the once-a-
//! second look at all connections.
//!
//! A request waits in the peer's queue, then as a disk read, then in the socket's queue. Reads are
//! issued only while less than the watermark waits for the socket, so a slow reader costs memory
//! for one watermark and no more. Deliberately absent: the ranking (the choker's), rate limits (the
//! driver's).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::peer::{Peer, Reading};
use super::{Output, Phase, Torrent};
use crate::base::limits::REQUEST_BYTES;
use crate::base::{BlockSpan, DiskError, Payload, PeerKey, PieceIndex};
use crate::proto::peer::{Message, allowed_fast_set};
use crate::swarm::choker::Candidate;
use crate::swarm::lazy::Part as _;
use crate::swarm::types::{CloseReason, DiskOp, INTERNAL_READER, SaveConditions};

/// Pieces granted to a peer we choke (BEP 6 proposes 10).
const ALLOWED_FAST: usize = 10;
/// A connection on which nobody wants anything is closed after this.
pub(super) const USELESS_AFTER: Duration = Duration::from_secs(600);

impl Torrent {
    /// Grants a beginner some pieces while it is choked (BEP 6).
    pub(super) fn grant_fast(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let beginner = (peer.has.count() as usize) < ALLOWED_FAST;
        let IpAddr::V4(ip) = peer.addr.ip() else { return };
        if !peer.fast() || !peer.allowed_out.is_empty() || !beginner || self.picker.have().none() {
            return;
        }
        let count = self.info.piece_count();
        let set = allowed_fast_set(IpAddr::V4(ip), &self.info.info_hash, count, ALLOWED_FAST);
        peer.allowed_out = set;
        let has = &peer.has;
        let tell: Vec<_> = peer.allowed_out.iter().copied().filter(|p| !has.get(p.0)).collect();
        for piece in tell {
            self.send(key, Message::AllowedFast(piece));
        }
    }

    pub(super) fn on_interested(&mut self, key: PeerKey, interested: bool) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.peer_interested = interested;
        peer.last_useful = self.now;
        if interested {
            self.fill_slots();
            self.wake_at(self.choker.next_round());
        }
    }

    /// Unchokes interested peers while slots are free.
    pub(super) fn fill_slots(&mut self) {
        if self.phase != Phase::Running {
            return;
        }
        let mut unchoked = self.peers.values().filter(|p| !p.am_choking).count();
        let mut waiting: Vec<PeerKey> = self
            .peers
            .iter()
            .filter(|(_, p)| p.established && p.spare.is_none())
            .filter(|(_, p)| p.am_choking && p.peer_interested)
            .map(|(k, _)| *k)
            .collect();
        while self.choker.has_free_slot(unchoked) && !waiting.is_empty() {
            let key = waiting.swap_remove(self.rng.index(waiting.len()));
            self.unchoke(key);
            unchoked += 1;
        }
    }

    fn unchoke(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key).filter(|p| p.am_choking) else { return };
        peer.am_choking = false;
        peer.last_unchoked = Some(self.now);
        self.send(key, Message::Unchoke);
    }

    /// Chokes: what is queued is rejected (BEP 6) or dropped.
    fn choke(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key).filter(|p| !p.am_choking) else { return };
        peer.am_choking = true;
        let allowed = core::mem::take(&mut peer.allowed_out);
        let mut rejected = Vec::new();
        peer.in_queue.retain(|span| {
            let keep = allowed.contains(&span.piece);
            if !keep {
                rejected.push(*span);
            }
            keep
        });
        for read in &mut peer.reads {
            if !read.cancelled && !allowed.contains(&read.span.piece) {
                read.cancelled = true;
                rejected.push(read.span);
            }
        }
        peer.allowed_out = allowed;
        self.send(key, Message::Choke);
        for span in rejected {
            self.send(key, Message::Reject(span));
        }
    }

    /// A round of the choker.
    fn choke_round(&mut self) {
        let candidates: Vec<Candidate> = self
            .peers
            .iter()
            .filter(|(_, p)| p.established && p.spare.is_none())
            .map(|(key, p)| Candidate {
                peer: *key,
                interested: p.peer_interested,
                unchoked: !p.am_choking,
                snubbed: p.snubbed,
                received: p.round_down,
                sent: p.round_up,
                sent_total: p.up.total(),
                last_unchoked: p.last_unchoked,
                connected: p.connected,
            })
            .collect();
        let chosen = self.choker.round(self.now, self.is_finished(), &candidates);
        for peer in self.peers.values_mut() {
            peer.round_down = 0;
            peer.round_up = 0;
        }
        for key in self.established_keys() {
            if !chosen.contains(&key) {
                self.choke(key);
            }
        }
        for key in chosen {
            self.unchoke(key);
        }
    }

    pub(super) fn on_request(&mut self, key: PeerKey, span: BlockSpan) {
        let limit = self.tuning.max_peer_requests as usize;
        let valid = self.info.geometry.holds(span)
            && span.length <= REQUEST_BYTES
            && self.picker.have().get(span.piece.0);
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let served = !peer.am_choking || peer.allowed_out.contains(&span.piece);
        if !valid || !served || peer.in_queue.len() + peer.reads.len() >= limit {
            self.send(key, Message::Reject(span));
            return;
        }
        let twice = peer.in_queue.contains(&span)
            || peer.reads.iter().any(|r| r.span == span && !r.cancelled);
        if !twice {
            peer.in_queue.push_back(span);
            self.touched.insert(key);
            self.verify_first(span.piece);
        }
    }

    pub(super) fn on_cancel(&mut self, key: PeerKey, span: BlockSpan) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let before = peer.in_queue.len();
        peer.in_queue.retain(|s| *s != span);
        let mut found = peer.in_queue.len() != before;
        for read in peer.reads.iter_mut().filter(|r| r.span == span && !r.cancelled) {
            read.cancelled = true;
            found = true;
        }
        if !found && let Some(conn) = peer.conn.as_mut() {
            found = conn.unqueue(span);
        }
        // Each request is answered, a cancelled one too (BEP 6).
        if found {
            self.send(key, Message::Reject(span));
        }
    }

    /// Reads ahead while the socket keeps up.
    pub(super) fn pump_upload(&mut self, key: PeerKey) {
        let watermark = self.tuning.send_watermark_bytes;
        let suspect = self.suspects_asked_for(key);
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let queued = peer.conn.as_ref().map_or(0, |c| c.queued_len());
        let mut ahead = peer.read_bytes + queued + peer.pending;
        // Half the watermark at a time: neighbouring blocks are read together.
        if ahead > watermark / 2 {
            return;
        }
        while ahead < watermark {
            // What is under check waits until it is found right, or rejected.
            let at = peer.in_queue.iter().position(|s| !suspect.contains(&s.piece));
            let Some(span) = at.and_then(|at| peer.in_queue.remove(at)) else { return };
            ahead += span.length as usize;
            peer.read_bytes += span.length as usize;
            peer.reads.push_back(Reading { span, cancelled: false });
            self.out.push_back(Output::Disk(DiskOp::Read(key, span)));
        }
    }

    /// The pieces a peer asks for that must not be served now.
    fn suspects_asked_for(&self, key: PeerKey) -> BTreeSet<PieceIndex> {
        if self.check.is_blank() && self.verified.is_none() {
            return BTreeSet::new();
        }
        let queue = self.peers.get(&key).map(|p| &p.in_queue).into_iter().flatten();
        queue.map(|span| span.piece).filter(|piece| self.is_suspect(*piece)).collect()
    }

    pub(super) fn on_read(
        &mut self,
        key: PeerKey,
        span: BlockSpan,
        result: Result<Payload, DiskError>,
    ) {
        if key == INTERNAL_READER {
            let bytes = result.map(|data| data.in_memory().cloned().unwrap_or_default());
            self.on_read_back(span, bytes);
            return;
        }
        let data = match result {
            Ok(data) => Some(data),
            Err(error) => {
                self.fail_disk(error);
                None
            }
        };
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let found = peer.reads.iter().enumerate().find(|(_, r)| r.span == span);
        let Some((at, &read)) = found else { return };
        peer.reads.remove(at);
        peer.read_bytes -= span.length as usize;
        self.touched.insert(key);
        if read.cancelled {
            return;
        }
        // The piece may have been lost to a recheck meanwhile.
        let Some(data) = data.filter(|_| self.picker.have().get(span.piece.0)) else {
            self.send(key, Message::Reject(span));
            return;
        };
        let length = u64::from(span.length);
        peer.up.add(self.now, length);
        peer.round_up += length;
        peer.last_useful = self.now;
        self.up.add(self.now, length);
        self.saver.changed(self.now, SaveConditions::COUNTERS);
        self.send(key, Message::Piece { piece: span.piece, begin: span.begin, data });
    }

    /// A block's header is out and its bytes are not to be had: nothing that could follow would
    /// make sense to the peer.
    pub(super) fn on_unreadable(&mut self, key: PeerKey, error: DiskError) {
        self.fail_disk(error);
        self.close_peer(key, CloseReason::Stopped);
    }

    pub(super) fn on_drained(&mut self, key: PeerKey, pending: usize) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.pending = pending;
            if !peer.in_queue.is_empty() {
                self.touched.insert(key);
            }
        }
    }

    /// The regular look at all connections: time-outs, requests, choking. Sets when the
    /// next one is due.
    pub(super) fn tick_peers(&mut self) {
        self.tick_metadata();
        self.pump_exchange();
        self.tick_twins();
        if self.peers.is_empty() {
            return;
        }
        if core::mem::take(&mut self.spared) {
            self.touch_all();
        }
        let running = self.phase == Phase::Running;
        let mut soon = false;
        for key in self.peers.keys().copied().collect::<Vec<_>>() {
            if let Some(conn) = self.peers.get_mut(&key).and_then(|p| p.conn.as_mut())
                && conn.next_deadline().is_some_and(|d| d <= self.now)
            {
                conn.handle_timeout(self.now);
                self.transmit.insert(key);
                self.pump_events(key);
            }
            soon |= self.tick_requests(key);
            self.close_useless(key);
        }
        let active = running && self.peers.values().any(|p| p.peer_interested || !p.am_choking);
        if active && self.choker.next_round() <= self.now {
            self.choke_round();
        }
        if soon {
            self.wake_in(Duration::from_secs(1));
        }
        if active {
            let round = self.choker.next_round();
            self.wake_at(round.max(self.now + Duration::from_millis(100)));
        }
        let conns = self.peers.values().filter_map(|p| p.conn.as_ref()?.next_deadline()).min();
        let idle = |p: &&Peer| p.established && !p.am_interested && !p.peer_interested;
        let useless = self.peers.values().filter(idle).map(|p| p.last_useful + USELESS_AFTER).min();
        for at in [conns, useless].into_iter().flatten() {
            self.wake_at(at.max(self.now + Duration::from_millis(10)));
        }
    }

    fn close_useless(&mut self, key: PeerKey) {
        let useless = |p: &Peer| {
            let idle = !p.am_interested && !p.peer_interested;
            p.established && idle && self.now.since(p.last_useful) >= USELESS_AFTER
        };
        if self.peers.get(&key).is_some_and(useless) {
            self.close_peer(key, CloseReason::Useless);
        }
    }
}

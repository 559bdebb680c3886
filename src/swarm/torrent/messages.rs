//! What peers say. Deliberately absent: framing and legality (`proto::peer` saw to both).

use bytes::Bytes;

use super::peer::Peer;
use super::{Output, Torrent};
use crate::base::{Bitset, BlockSpan, Payload, PeerKey, PieceIndex};
use crate::proto::peer::{Message, PeerExtensions};
use crate::swarm::types::{CloseReason, Notice};

/// Suggestions and allowed-fast grants kept per peer: both cost memory the peer chooses.
const MAX_HINTS: usize = 32;

impl Torrent {
    pub(super) fn on_extensions(&mut self, key: PeerKey, extensions: PeerExtensions) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if let Some(ip) = extensions.your_ip
            && peer.extensions.your_ip != Some(ip)
        {
            self.out.push_back(Output::Notice(Notice::ExternalAddr(ip, peer.addr.ip())));
        }
        peer.extensions = extensions;
        if peer.has_told && self.close_if_both_seeds(key) {
            return;
        }
        self.metadata_offered(key);
        self.exchange_soon(key);
    }

    pub(super) fn on_message(&mut self, key: PeerKey, message: Message) {
        self.follow(key, true, &message);
        let Some(message) = self.put_off(key, message) else { return };
        let Some(peer) = self.peers.get_mut(&key).filter(|p| p.established) else { return };
        match message {
            Message::Metadata(payload) => self.on_metadata(key, &payload),
            Message::Pex(payload) => self.on_pex(key, &payload),
            Message::Port(port) => self.on_port(key, port),
            Message::KeepAlive | Message::Extended { .. } => {}
            Message::Choke => self.on_choke(key),
            Message::Unchoke => self.on_unchoke(key),
            Message::Interested => self.on_interested(key, true),
            Message::NotInterested => self.on_interested(key, false),
            Message::Have(piece) => self.on_have(key, piece),
            Message::Bitfield(bits) => {
                if let Some(has) = Bitset::from_wire(&bits, self.info.piece_count()) {
                    self.on_has(key, has);
                }
            }
            Message::HaveAll => self.on_has(key, Bitset::full(self.info.piece_count())),
            Message::HaveNone => self.on_has(key, Bitset::new(self.info.piece_count())),
            Message::DontHave(piece) => self.on_dont_have(key, piece),
            Message::Request(span) => self.on_request(key, span),
            Message::Piece { piece, begin, data: Payload::Bytes(data) } => {
                self.on_piece(key, piece, begin, data);
            }
            // What comes off the wire is in memory.
            Message::Piece { .. } => {}
            Message::Cancel(span) => self.on_cancel(key, span),
            Message::Reject(span) => self.on_reject(key, span),
            Message::Suggest(piece) => {
                if peer.suggested.len() < MAX_HINTS && !peer.suggested.contains(&piece) {
                    peer.suggested.push(piece);
                }
            }
            Message::AllowedFast(piece) => {
                if peer.allowed_in.len() < MAX_HINTS && !peer.allowed_in.contains(&piece) {
                    peer.allowed_in.push(piece);
                    self.touched.insert(key);
                }
            }
        }
    }

    pub(super) fn on_has(&mut self, key: PeerKey, has: Bitset) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if core::mem::replace(&mut peer.has_told, true) {
            // aria2 sends a bitfield in place of many `have`s: nothing is taken back by it.
            let news: Vec<u32> = has.iter().filter(|p| !peer.has.get(*p)).collect();
            news.into_iter().for_each(|piece| self.on_have(key, PieceIndex(piece)));
            return;
        }
        self.picker.peer_joined(&has);
        peer.has = has;
        self.after_has(key);
    }

    fn on_have(&mut self, key: PeerKey, piece: PieceIndex) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if !core::mem::replace(&mut peer.has_told, true) {
            self.picker.peer_joined(&peer.has);
        }
        if !peer.has.set(piece.0, true) {
            return;
        }
        self.picker.peer_gained(piece);
        if peer.has.all() {
            self.after_has(key);
        } else if !self.picker.have().get(piece.0) {
            self.update_interest(key);
            self.touched.insert(key);
        }
    }

    fn after_has(&mut self, key: PeerKey) {
        if !self.close_if_both_seeds(key) {
            self.grant_fast(key);
            self.update_interest(key);
            self.touched.insert(key);
        }
    }

    fn on_dont_have(&mut self, key: PeerKey, piece: PieceIndex) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if peer.has.set(piece.0, false) {
            self.picker.peer_lost(piece);
            self.update_interest(key);
        }
    }

    fn on_choke(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.peer_choking = true;
        if peer.fast() {
            // Each request is answered by a block or a reject (BEP 6).
            return;
        }
        let dropped: Vec<BlockSpan> = peer.outstanding.drain(..).map(|s| s.span).collect();
        for span in &dropped {
            peer.remember(*span);
            self.picker.request_dropped(key, *span);
        }
        if !dropped.is_empty() {
            self.touch_all();
        }
    }

    fn on_unchoke(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.peer_choking = false;
            self.touched.insert(key);
        }
    }

    /// Says whether we want something, when that changed.
    pub(super) fn update_interest(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let interested = self.picker.is_interesting(&peer.has);
        if interested != peer.am_interested {
            peer.am_interested = interested;
            peer.last_useful = self.now;
            let message = if interested { Message::Interested } else { Message::NotInterested };
            self.send(key, message);
        }
    }

    fn on_reject(&mut self, key: PeerKey, span: BlockSpan) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let waited = peer.outstanding.iter().position(|s| s.span == span);
        if let Some(at) = waited {
            peer.outstanding.remove(at);
            if peer.peer_choking {
                // A promise taken back: do not ask again for it while choked.
                peer.allowed_in.retain(|p| *p != span.piece);
            } else {
                // Not to ask in circles.
                peer.hold_until = self.now + super::requests::REJECT_PAUSE;
                self.wake_in(super::requests::REJECT_PAUSE);
            }
            self.picker.request_dropped(key, span);
            self.touch_all();
        } else {
            peer.settle_leftover(span);
        }
    }

    fn on_piece(&mut self, key: PeerKey, piece: PieceIndex, begin: u32, data: Bytes) {
        let Ok(length) = u32::try_from(data.len()) else { return };
        let span = BlockSpan { piece, begin, length };
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&key) else { return };
        peer.down.add(now, u64::from(length));
        peer.round_down += u64::from(length);
        let asked = peer.outstanding.iter().position(|s| s.span == span);
        let expected = match asked {
            Some(at) => {
                peer.outstanding.remove(at);
                Self::note_delivery(peer, now);
                true
            }
            None => peer.settle_leftover(span),
        };
        self.down.add(now, u64::from(length));
        self.touched.insert(key);
        if expected {
            self.take_block(key, span, data);
            self.look_at_spared(key);
            return;
        }
        self.counters.wasted += u64::from(length);
        peer.unrequested += 1;
        if peer.unrequested > super::requests::MAX_UNREQUESTED {
            self.close_peer(key, CloseReason::Flood);
        }
    }

    fn note_delivery(peer: &mut Peer, now: crate::base::Instant) {
        peer.last_block = now;
        peer.last_useful = now;
        peer.snubbed = false;
        if peer.slow_start {
            peer.target = peer.target.saturating_add(1);
        }
    }
}

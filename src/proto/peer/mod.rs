//! The peer wire protocol over a byte stream (BEP 3, 6, 10, 20, 21, 54), sans-IO. CONTRACT SKETCH.
//!
//! `Connection` owns one peer's handshake, framing, legality checks, negotiated features and time-outs. It
//! does not know pieces' state, choking policy or other peers: that is `swarm`.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Duration;

use crate::base::{BlockSpan, InfoHash, Instant, PeerId, PieceIndex};

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Zero-length frame.
    KeepAlive,
    /// 0.
    Choke,
    /// 1.
    Unchoke,
    /// 2.
    Interested,
    /// 3.
    NotInterested,
    /// 4.
    Have(PieceIndex),
    /// 5, wire-order bits.
    Bitfield(Bytes),
    /// 6.
    Request(BlockSpan),
    /// 7; `data` is a slice of the receive buffer, not a copy.
    Piece {
        /// Piece.
        piece: PieceIndex,
        /// Offset inside it.
        begin: u32,
        /// Payload.
        data: Bytes,
    },
    /// 8.
    Cancel(BlockSpan),
    /// 9 (BEP 5).
    Port(u16),
    /// 13 (BEP 6).
    Suggest(PieceIndex),
    /// 14 (BEP 6).
    HaveAll,
    /// 15 (BEP 6).
    HaveNone,
    /// 16 (BEP 6).
    Reject(BlockSpan),
    /// 17 (BEP 6).
    AllowedFast(PieceIndex),
    /// 20 (BEP 10), except the handshake and extensions handled below.
    Extended {
        /// Our id of the extension.
        id: u8,
        /// Payload.
        payload: Bytes,
    },
    /// `lt_donthave` (BEP 54).
    DontHave(PieceIndex),
}

/// Who we are and what we offer on one connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// Torrent.
    pub info_hash: InfoHash,
    /// Us.
    pub peer_id: PeerId,
    /// Number of pieces: bounds indexes and the bitfield's length.
    pub piece_count: u32,
    /// `v` of the extension handshake; empty to omit.
    pub client: String,
    /// `reqq`: requests we queue for the peer.
    pub reqq: u32,
    /// Our listen port for `p`, 0 to omit.
    pub listen_port: u16,
    /// The peer's address for `yourip`.
    pub peer_addr: Option<std::net::IpAddr>,
    /// `upload_only` (BEP 21) in our first extension handshake.
    pub upload_only: bool,
    /// Time to finish the handshake.
    pub handshake_timeout: Duration,
    /// Silence after which the peer is dropped (it must send keep-alives every 2 minutes).
    pub idle_timeout: Duration,
}

/// The peer's 68-byte handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Reserved bits.
    pub reserved: [u8; 8],
    /// Torrent.
    pub info_hash: InfoHash,
    /// Peer.
    pub peer_id: PeerId,
}

/// What the peer said in its extension handshake (BEP 10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerExtensions {
    /// `v`.
    pub client: Option<String>,
    /// `reqq`.
    pub reqq: Option<u32>,
    /// `p`.
    pub listen_port: Option<u16>,
    /// `yourip`.
    pub your_ip: Option<std::net::IpAddr>,
    /// `upload_only` (BEP 21).
    pub upload_only: bool,
    /// Whether the peer takes `lt_donthave` (BEP 54).
    pub dont_have: bool,
}

/// What a connection reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer's handshake is complete. On an incoming connection nothing was sent yet: answer with
    /// [`Connection::accept`] or drop it. On an outgoing one the info-hash was checked.
    Handshake(Handshake),
    /// An extension handshake arrived (may repeat, BEP 10).
    Extensions(PeerExtensions),
    /// A legal message. KeepAlive is not reported.
    Message(Message),
    /// The connection is over because of the peer's fault or a time-out: close the socket.
    Failed(Fault),
}

/// How a peer broke the protocol, or which time-out passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Not BitTorrent.
    BadHandshake,
    /// Another torrent's info-hash on an outgoing connection.
    WrongInfoHash,
    /// We connected to ourselves.
    SelfConnection,
    /// A frame longer than allowed.
    OversizedMessage,
    /// Wrong payload length or value out of range; carries the message id.
    BadMessage(u8),
    /// A bitfield, have-all or have-none that was not the first message, or repeated.
    UnexpectedBitfield,
    /// A BEP 6 message without negotiation.
    FastNotNegotiated,
    /// Extension handshake that does not parse.
    BadExtensionHandshake,
    /// No handshake in time.
    HandshakeTimeout,
    /// Silent for too long.
    IdleTimeout,
}

/// One peer connection above a byte stream. The fields are the owner's to define.
#[derive(Debug)]
pub struct Connection {
    _todo: (),
}

#[allow(unused_variables, clippy::todo, reason = "contract sketch")]
impl Connection {
    /// An outgoing connection: our handshake is queued at once.
    #[must_use]
    pub fn outgoing(now: Instant, config: Config) -> Self {
        todo!()
    }

    /// An incoming connection: the torrent is not known until the peer's handshake is in.
    #[must_use]
    pub fn incoming(now: Instant, handshake_timeout: Duration) -> Self {
        todo!()
    }

    /// Answers an incoming handshake: queues ours, then the extension handshake if both sides can.
    pub fn accept(&mut self, now: Instant, config: Config) {
        todo!()
    }

    /// Consumes whole frames from the front of `data`; a partial frame stays in it. Payloads of `Piece`
    /// share `data`'s allocation. Bytes that arrive before [`Self::accept`] stay in `data`.
    pub fn receive(&mut self, now: Instant, data: &mut BytesMut) {
        todo!()
    }

    /// Lets time pass: keep-alives, time-outs.
    pub fn handle_timeout(&mut self, now: Instant) {
        todo!()
    }

    /// The next thing to report.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        todo!()
    }

    /// Queues a message. Messages the negotiated features do not allow are silently not sent (for example
    /// Reject without BEP 6).
    pub fn send(&mut self, now: Instant, message: Message) {
        todo!()
    }

    /// Queues a new extension handshake that tells our changed `upload_only` (BEP 21).
    pub fn send_upload_only(&mut self, now: Instant, upload_only: bool) {
        todo!()
    }

    /// Moves queued bytes out, in order; small messages are coalesced, a block's payload is its own
    /// chunk (no copy).
    pub fn take_transmit(&mut self, out: &mut VecDeque<Bytes>) {
        todo!()
    }

    /// Bytes queued and not taken.
    #[must_use]
    pub fn queued_len(&self) -> usize {
        todo!()
    }

    /// Whether both sides speak BEP 6.
    #[must_use]
    pub fn fast(&self) -> bool {
        todo!()
    }

    /// Whether both sides speak BEP 10.
    #[must_use]
    pub fn extended(&self) -> bool {
        todo!()
    }

    /// The peer's handshake, once received.
    #[must_use]
    pub fn peer_handshake(&self) -> Option<&Handshake> {
        todo!()
    }

    /// Withdraws a queued `Piece` message that was not taken yet (after a cancel). True when found.
    pub fn unqueue(&mut self, span: BlockSpan) -> bool {
        todo!()
    }
}

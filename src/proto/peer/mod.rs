//! The peer wire protocol over a byte stream (BEP 3, 6, 10, 20, 21, 54), sans-IO.
//!
//! [`Connection`] owns one peer's handshake, framing, legality checks, negotiated features and
//! time-outs. What it reports is legal in itself: indexes exist, lengths are in bounds, bitfields
//! fit. Deliberately absent: pieces' state and lengths, choking policy, other peers (all
//! `swarm`'s), sockets and encryption.

mod allowed_fast;
mod client_name;
mod connection;
mod extension;
mod handshake;
mod output;
pub mod ut_metadata;
pub mod ut_pex;
mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

use crate::base::{BlockSpan, InfoHash, Payload, PeerId, PieceIndex};

pub use allowed_fast::allowed_fast_set;
pub use client_name::client_name;
pub use connection::Connection;

/// Bytes of a handshake.
pub const HANDSHAKE_LEN: usize = handshake::LEN;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Zero-length frame.
    KeepAlive,
    /// Id 0.
    Choke,
    /// Id 1.
    Unchoke,
    /// Id 2.
    Interested,
    /// Id 3.
    NotInterested,
    /// Id 4.
    Have(PieceIndex),
    /// Id 5, wire-order bits.
    Bitfield(Bytes),
    /// Id 6. Received ones ask for 1 to `limits::REQUEST_BYTES` bytes of an existing piece;
    /// whether the span ends inside that piece is for the swarm to check.
    Request(BlockSpan),
    /// Id 7. `data` of a received one is a slice of the receive buffer, not a copy; only one to be
    /// sent may be bytes that are not in memory.
    Piece {
        /// Piece.
        piece: PieceIndex,
        /// Offset inside it.
        begin: u32,
        /// Payload.
        data: Payload,
    },
    /// Id 8.
    Cancel(BlockSpan),
    /// Id 9 (BEP 5).
    Port(u16),
    /// Id 13 (BEP 6).
    Suggest(PieceIndex),
    /// Id 14 (BEP 6).
    HaveAll,
    /// Id 15 (BEP 6).
    HaveNone,
    /// Id 16 (BEP 6).
    Reject(BlockSpan),
    /// Id 17 (BEP 6).
    AllowedFast(PieceIndex),
    /// Id 20 (BEP 10), except what the extensions below are made of. A received one only tells what
    /// came, to whoever follows the wire: the handshake (id 0), whose meaning is in the
    /// [`Event::Extensions`] behind it, and messages of extensions that were not offered.
    Extended {
        /// The receiver's id of the extension.
        id: u8,
        /// Payload.
        payload: Bytes,
    },
    /// `lt_donthave` (BEP 54).
    DontHave(PieceIndex),
    /// The payload of `ut_metadata` (BEP 9). A received one is well formed; types that are not
    /// known are `Extended`.
    Metadata(Bytes),
    /// The payload of `ut_pex` (BEP 11), as it came; while it is not offered it is `Extended`.
    Pex(Bytes),
}

/// Who we are and what we offer on one connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// Torrent.
    pub info_hash: InfoHash,
    /// Us.
    pub peer_id: PeerId,
    /// Number of pieces: bounds indexes and the bitfield's length. `None` while the torrent's
    /// metadata is not here: then only `limits::UNKNOWN_PIECES` bounds them, and what the peer says
    /// has to be looked at again once it is.
    pub piece_count: Option<u32>,
    /// `metadata_size` (BEP 9) of the extension handshake: bytes of `info`, 0 while not known.
    pub metadata_size: u32,
    /// Peer exchange (BEP 11) is offered.
    pub pex: bool,
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
    /// We have a node of the DHT, and say so (BEP 5).
    pub dht: bool,
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
    /// Whether the peer takes `ut_metadata` (BEP 9).
    pub metadata: bool,
    /// `metadata_size` (BEP 9) as the peer says, 0 included; `None` when it does not or it fits no
    /// number of ours.
    pub metadata_size: Option<u32>,
    /// Whether the peer takes `ut_pex` (BEP 11).
    pub pex: bool,
    /// Whether the peer takes `ut_holepunch` (BEP 55).
    pub holepunch: bool,
    /// `e`: it prefers encrypted connections.
    pub prefers_encryption: bool,
}

/// What a connection reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer's handshake is complete. On an incoming connection nothing was sent yet: answer
    /// with [`Connection::accept`] or drop it. On an outgoing one the info-hash was checked.
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
    /// A have-all or have-none that was not the first message, or repeated.
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

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let text = match self {
            Self::BadHandshake => "not a bittorrent handshake",
            Self::WrongInfoHash => "handshake for another torrent",
            Self::SelfConnection => "connected to ourselves",
            Self::OversizedMessage => "message longer than allowed",
            Self::BadMessage(id) => return write!(f, "malformed message {id}"),
            Self::UnexpectedBitfield => "have-all or have-none not at the start",
            Self::FastNotNegotiated => "fast extension message without negotiation",
            Self::BadExtensionHandshake => "malformed extension handshake",
            Self::HandshakeTimeout => "no handshake in time",
            Self::IdleTimeout => "silent for too long",
        };
        f.write_str(text)
    }
}

impl core::error::Error for Fault {}

//! What a session tells its host: events, their classes, and the queue they wait in.
//!
//! Two lanes. Requests are never dropped (there is a window of verify requests and one save per
//! torrent). Notices are bounded rings, one of errors and one of the rest: the oldest go first, and
//! a `Dropped` notice stands in the gap. State changes of one torrent that wait are joined.
//! Deliberately absent: callbacks.

mod queue;
mod ring;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

pub use queue::Queue;

use super::dht::DhtEvent;
use super::host::{TrackerEvent, Traffic};
use super::session::Entry;
use super::store::Report;
use crate::base::{InfoHash, PeerKey, PieceIndex};
use crate::proto::peer::Message;
use crate::swarm::Notice;

/// Classes of events, as bits. The numbers are those of the C constants, frozen.
pub mod class {
    /// Requests; never dropped, never masked.
    pub const REQUEST: u32 = 0x0001;
    /// The session: listening, closed, dropped.
    pub const SESSION: u32 = 0x0002;
    /// Life of torrents.
    pub const TORRENT: u32 = 0x0004;
    /// Pieces passed and failed.
    pub const PIECE: u32 = 0x0008;
    /// Peers that come and go.
    pub const PEER: u32 = 0x0010;
    /// Trackers.
    pub const TRACKER: u32 = 0x0020;
    /// What went wrong.
    pub const ERROR: u32 = 0x0040;
    /// Resume data made durable.
    pub const SAVE: u32 = 0x0080;
    /// Single messages of peers.
    pub const WIRE: u32 = 0x0100;
    /// Log lines.
    pub const LOG: u32 = 0x0200;
    /// Bytes that pass sockets and files.
    pub const IO: u32 = 0x0400;
    /// The DHT; results of the host's own commands come without it.
    pub const DHT: u32 = 0x0800;
    /// What a new session is subscribed to.
    pub const DEFAULT: u32 = 0x02ff;
}

/// Something a host may want to know, or must answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was queued, milliseconds since 1970.
    pub time_ms: i64,
    /// The torrent, `None` for the session's own events.
    pub(crate) entry: Option<Arc<Entry>>,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A verifier is asked about a piece.
    VerifyRequest(VerifyQuestion),
    /// A saver is asked to keep resume data.
    SaveRequest {
        /// For the answer.
        token: u64,
        /// Increasing number.
        generation: u64,
        /// Bencoded.
        blob: Bytes,
    },
    /// The host is asked about an address, before it is connected to or let in.
    PeerRequest {
        /// For the answer.
        token: u64,
        /// Whose address.
        addr: SocketAddr,
        /// It connected to us.
        incoming: bool,
    },
    /// A listen socket is open.
    Listening {
        /// As in the options.
        wanted: String,
        /// As it came.
        addr: SocketAddr,
    },
    /// A listen socket could not be opened.
    ListenFailed {
        /// As in the options.
        wanted: String,
        /// Reason.
        reason: String,
        /// The system's number.
        os_errno: i32,
    },
    /// Datagrams are not to be had at an address we listen on: no UDP tracker, no DHT from there.
    UdpFailed {
        /// Which.
        addr: SocketAddr,
        /// Reason.
        reason: String,
        /// The system's number.
        os_errno: i32,
    },
    /// The local network's peers are not looked for on an interface (BEP 14).
    LsdFailed {
        /// Its name; empty when it is about all of them.
        interface: String,
        /// Reason.
        reason: String,
        /// The system's number.
        os_errno: i32,
    },
    /// The session is closed. The last event.
    Closed {
        /// Torrents whose last save was not answered.
        unsaved: u32,
    },
    /// Notices were dropped here.
    Dropped {
        /// How many.
        count: u64,
        /// Bits of their [`class`]es.
        classes: u32,
    },
    /// The state directory's database was damaged; it was set aside, and replaced by what could be
    /// read of it.
    StoreDamaged(Report),
    /// A torrent of the state directory could not be brought back.
    RestoreFailed {
        /// Which.
        info_hash: InfoHash,
        /// Why.
        reason: String,
    },
    /// A torrent was added.
    Added,
    /// A torrent was removed; its last event.
    Removed,
    /// From the torrent.
    Notice(Notice),
    /// A save was refused with this code or errno, and why.
    SaveFailed {
        /// Generation.
        generation: u64,
        /// The hook's code, or the system's number.
        code: i32,
        /// Reason.
        reason: String,
    },
    /// From its trackers.
    Tracker(TrackerEvent),
    /// A source that a magnet link names did not give the torrent file.
    SourceFailed {
        /// URL.
        url: String,
        /// Reason.
        reason: String,
    },
    /// A defect stopped the torrent, or (no torrent) a thread.
    Fatal(String),
    /// A message of a peer.
    Message {
        /// Connection.
        peer: PeerKey,
        /// From the peer or to it.
        incoming: bool,
        /// Which.
        message: WireMessage,
    },
    /// From the DHT.
    Dht(Box<DhtEvent>),
    /// Bytes passed a socket or a file.
    Traffic(Traffic),
    /// A log line.
    Log {
        /// How bad.
        level: LogLevel,
        /// One line.
        text: String,
    },
}

/// A question to a verifier.
#[derive(Clone, Debug)]
pub struct VerifyQuestion {
    /// For the answer.
    pub token: u64,
    /// Piece.
    pub piece: PieceIndex,
    /// Its bytes.
    pub length: u32,
    /// The engine's own hash matched.
    pub engine_ok: bool,
    /// How often this piece was asked about, from 1.
    pub attempt: u32,
    /// Who sent it.
    pub peers: Vec<SocketAddr>,
}

/// How bad a log line is. The numbers are those of the C constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub enum LogLevel {
    /// Something is broken.
    Error = 1,
    /// Something needs a look.
    Warn = 2,
    /// Good to know.
    Info = 3,
    /// For developers.
    Debug = 4,
}

/// A peer message without its block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireMessage {
    /// The protocol's number; -1 keep-alive, 256 `lt_donthave`, 257 `ut_metadata`, 258 `ut_pex`.
    pub code: i32,
    /// Piece, of messages that name one.
    pub piece: Option<PieceIndex>,
    /// Offset in the piece; the number of an extension, which is the receiver's; the port.
    pub begin: u32,
    /// Bytes of the block, of the bitfield or of the extension's payload.
    pub length: u32,
    /// Bitfield or extension payload; never a block.
    pub payload: Bytes,
}

impl WireMessage {
    /// The message without its block; `number` is that of its extension, if it belongs to one.
    #[must_use]
    pub fn new(message: &Message, number: u8) -> Self {
        let mut out = Self { code: 0, piece: None, begin: 0, length: 0, payload: Bytes::new() };
        let len = |bytes: &Bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        out.begin = u32::from(number);
        match message {
            Message::KeepAlive => out.code = -1,
            Message::Choke => out.code = 0,
            Message::Unchoke => out.code = 1,
            Message::Interested => out.code = 2,
            Message::NotInterested => out.code = 3,
            Message::Have(p) => (out.code, out.piece) = (4, Some(*p)),
            Message::Bitfield(bits) => {
                (out.code, out.length, out.payload) = (5, len(bits), bits.clone());
            }
            Message::Request(s) | Message::Cancel(s) | Message::Reject(s) => {
                out.code = match message {
                    Message::Request(_) => 6,
                    Message::Cancel(_) => 8,
                    _ => 16,
                };
                (out.piece, out.begin, out.length) = (Some(s.piece), s.begin, s.length);
            }
            Message::Piece { piece, begin, data } => {
                (out.code, out.piece, out.begin) = (7, Some(*piece), *begin);
                out.length = u32::try_from(data.len()).unwrap_or(u32::MAX);
            }
            Message::Port(port) => (out.code, out.begin) = (9, u32::from(*port)),
            Message::Suggest(p) => (out.code, out.piece) = (13, Some(*p)),
            Message::HaveAll => out.code = 14,
            Message::HaveNone => out.code = 15,
            Message::AllowedFast(p) => (out.code, out.piece) = (17, Some(*p)),
            Message::Extended { payload, .. } => {
                (out.code, out.length, out.payload) = (20, len(payload), payload.clone());
            }
            Message::DontHave(p) => (out.code, out.piece) = (256, Some(*p)),
            Message::Metadata(payload) => {
                (out.code, out.length, out.payload) = (257, len(payload), payload.clone());
            }
            Message::Pex(payload) => {
                (out.code, out.length, out.payload) = (258, len(payload), payload.clone());
            }
        }
        out
    }
}

/// Wall-clock time, milliseconds since 1970.
pub(crate) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Event {
    /// An event that happens now.
    pub(crate) fn now(entry: Option<Arc<Entry>>, kind: EventKind) -> Self {
        Self { time_ms: unix_ms(), entry, kind }
    }
}

impl EventKind {
    /// The class bit it belongs to.
    #[must_use]
    pub fn class(&self) -> u32 {
        match self {
            Self::VerifyRequest(_) | Self::SaveRequest { .. } | Self::PeerRequest { .. } => {
                class::REQUEST
            }
            Self::Dht(event) => match **event {
                DhtEvent::Query { token: Some(_), .. } => class::REQUEST,
                _ => class::DHT,
            },
            Self::Listening { .. }
            | Self::ListenFailed { .. }
            | Self::UdpFailed { .. }
            | Self::LsdFailed { .. }
            | Self::Closed { .. }
            | Self::Dropped { .. } => class::SESSION,
            Self::Added | Self::Removed => class::TORRENT,
            Self::StoreDamaged(_)
            | Self::RestoreFailed { .. }
            | Self::SaveFailed { .. }
            | Self::SourceFailed { .. }
            | Self::Fatal(_) => class::ERROR,
            Self::Tracker(_) => class::TRACKER,
            Self::Message { .. } => class::WIRE,
            Self::Traffic(_) => class::IO,
            Self::Log { .. } => class::LOG,
            Self::Notice(notice) => match notice {
                Notice::PiecePassed(_) | Notice::PieceFailed(_) => class::PIECE,
                Notice::PeerConnected { .. }
                | Notice::PeerDisconnected { .. }
                | Notice::PeerBanned(_) => class::PEER,
                Notice::DiskFailed(_)
                | Notice::VerifierFailed(_)
                | Notice::MetadataUnusable(_)
                | Notice::ResumeRejected { .. }
                | Notice::JournalFailed(_)
                | Notice::StorageMissing
                | Notice::SaveFailed { .. } => class::ERROR,
                Notice::ResumeDurable(_) | Notice::SaveDone { .. } => class::SAVE,
                _ => class::TORRENT,
            },
        }
    }

    /// Whether the host must get it whatever it subscribed to.
    #[must_use]
    pub fn is_vital(&self) -> bool {
        matches!(
            self,
            Self::VerifyRequest(_)
                | Self::SaveRequest { .. }
                | Self::PeerRequest { .. }
                | Self::Closed { .. }
                | Self::Dropped { .. }
                | Self::Fatal(_)
        ) || self.is_answer()
    }

    /// Whether it is never dropped although it waits among those that may be: what comes of a
    /// command in its place, and last words.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        let ends =
            matches!(self, Self::Removed | Self::Notice(Notice::Moved(_) | Notice::Renamed(..)));
        ends || self.is_vital()
    }

    /// Whether it answers something the host asked for, so that it waits where nothing is dropped.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Notice(Notice::SaveDone { .. }) => true,
            Self::Dht(event) => event.is_answer(),
            _ => false,
        }
    }

    /// The request's token, of requests.
    #[must_use]
    pub fn token(&self) -> Option<u64> {
        match self {
            Self::VerifyRequest(question) => Some(question.token),
            Self::SaveRequest { token, .. } | Self::PeerRequest { token, .. } => Some(*token),
            Self::Dht(event) => match **event {
                DhtEvent::Query { token, .. } => token,
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;

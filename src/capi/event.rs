//! Events in their C form, with what they point to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::consts::*;
use super::convert::{Terminated, view};
use super::object::{Shared, shared};
use super::types::{tern_batch, tern_event, tern_torrent};
use crate::api::{
    CloseReason, Event, EventKind, Fault, Notice, SaveOutcome, TorrentId, TrackerEvent, Traffic,
    WireMessage,
};

/// Torrent handles that events of one batch share.
pub(super) type Handles = BTreeMap<TorrentId, Shared<tern_torrent>>;

/// An event and what it points to.
pub(super) struct CEvent {
    raw: tern_event,
    _texts: Vec<Terminated>,
    _data: Option<bytes::Bytes>,
}

// SAFETY: the pointers in `raw` are to what the event (or its batch) owns and never changes.
unsafe impl Send for CEvent {}
// SAFETY: as above; nothing has interior mutability.
unsafe impl Sync for CEvent {}

/// Events taken together.
pub(super) struct Batch {
    events: Vec<CEvent>,
    _handles: Handles,
}

impl super::object::Opaque for tern_batch {
    type Inner = Batch;
    const MAGIC: u32 = 0x7465_4204;
    const OF_SESSION: bool = true;
}

impl Batch {
    pub(super) fn new(events: Vec<Event>) -> Self {
        let mut handles = Handles::new();
        let events = events.into_iter().map(|e| CEvent::new(e, &mut handles)).collect();
        Self { events, _handles: handles }
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&tern_event> {
        self.events.get(index).map(CEvent::raw)
    }
}

/// Fills an event's members.
pub(super) struct Filler {
    pub(super) raw: tern_event,
    texts: Vec<Terminated>,
    data: Option<bytes::Bytes>,
}

fn empty() -> tern_event {
    tern_event {
        struct_size: u32::try_from(size_of::<tern_event>()).unwrap_or(u32::MAX),
        kind: 0,
        event_class: 0,
        flags: 0,
        time_ms: 0,
        torrent_id: 0,
        torrent: std::ptr::null_mut(),
        info_hash: [0; 20],
        piece: TERN_NONE,
        token: 0,
        generation: 0,
        peer: 0,
        file: TERN_NONE,
        code: 0,
        os_errno: 0,
        reserved: 0,
        a: 0,
        b: 0,
        c: 0,
        text: view(&[]),
        addr: view(&[]),
        data: view(&[]),
        text2: view(&[]),
    }
}

/// A number of any type as C sees it; too large ones are cut off.
fn int<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

fn or_unknown<T: Into<i64>>(value: Option<T>) -> i64 {
    value.map_or(-1, Into::into)
}

impl CEvent {
    /// The C form of an event.
    pub(super) fn new(event: Event, handles: &mut Handles) -> Self {
        let mut filler = Filler { raw: empty(), texts: Vec::new(), data: None };
        filler.raw.event_class = event.kind.class();
        filler.raw.time_ms = event.time_ms;
        if let Some(torrent) = &event.torrent {
            filler.raw.torrent_id = torrent.id().0;
            filler.raw.info_hash = torrent.info_hash().0;
            let handle = handles.entry(torrent.id());
            let handle = handle.or_insert_with(|| shared::<tern_torrent>(torrent.clone()));
            filler.raw.torrent = handle.lend();
        }
        filler.kind(&event);
        Self { raw: filler.raw, _texts: filler.texts, _data: filler.data }
    }

    pub(super) fn raw(&self) -> &tern_event {
        &self.raw
    }
}

impl Filler {
    pub(super) fn keep(&mut self, bytes: &[u8]) -> super::types::tern_bytes {
        if bytes.is_empty() {
            return view(&[]);
        }
        let kept = Terminated::new(bytes);
        let view = kept.view();
        self.texts.push(kept);
        view
    }

    pub(super) fn text(&mut self, text: &str) {
        self.raw.text = self.keep(text.as_bytes());
    }

    pub(super) fn text2(&mut self, text: &str) {
        self.raw.text2 = self.keep(text.as_bytes());
    }

    pub(super) fn addr(&mut self, addr: &SocketAddr) {
        self.raw.addr = self.keep(addr.to_string().as_bytes());
    }

    fn data(&mut self, bytes: &bytes::Bytes) {
        self.raw.data = view(bytes);
        self.data = Some(bytes.clone());
    }

    fn kind(&mut self, event: &Event) {
        match &event.kind {
            EventKind::VerifyRequest(question) => {
                self.raw.kind = TERN_EVENT_VERIFY_REQUEST;
                self.raw.token = question.token;
                self.raw.piece = question.piece.0;
                self.raw.a = int(question.length);
                self.raw.b = int(question.attempt);
                self.raw.code = i32::from(question.engine_ok);
                let peers: Vec<String> = question.peers.iter().map(ToString::to_string).collect();
                self.text(&peers.join("\n"));
            }
            EventKind::SaveRequest { token, generation, blob } => {
                self.raw.kind = TERN_EVENT_SAVE_REQUEST;
                (self.raw.token, self.raw.generation) = (*token, *generation);
                self.data(blob);
            }
            EventKind::PeerRequest { token, addr, incoming } => {
                self.raw.kind = TERN_EVENT_PEER_REQUEST;
                (self.raw.token, self.raw.a) = (*token, i64::from(*incoming));
                self.addr(addr);
            }
            EventKind::Traffic(traffic) => self.traffic(traffic),
            EventKind::Added | EventKind::Removed => {
                let added = matches!(event.kind, EventKind::Added);
                self.raw.kind = if added { TERN_EVENT_ADDED } else { TERN_EVENT_REMOVED };
                if let Some(torrent) = &event.torrent {
                    self.text(torrent.metainfo().name());
                }
            }
            EventKind::Notice(notice) => self.notice(notice, event),
            EventKind::Tracker(tracker) => self.tracker(tracker),
            EventKind::Dht(dht) => self.dht(dht),
            EventKind::Message { peer, incoming, message } => {
                let (come, go) = (TERN_EVENT_MESSAGE_IN, TERN_EVENT_MESSAGE_OUT);
                self.raw.kind = if *incoming { come } else { go };
                self.raw.peer = peer.0;
                self.message(message);
            }
            kind => self.session(kind),
        }
    }

    fn session(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Listening { wanted, addr } => {
                self.raw.kind = TERN_EVENT_LISTENING;
                self.text(wanted);
                self.addr(addr);
            }
            EventKind::ListenFailed { wanted, reason, os_errno } => {
                self.raw.kind = TERN_EVENT_LISTEN_FAILED;
                self.raw.os_errno = *os_errno;
                self.text(wanted);
                self.text2(reason);
            }
            EventKind::UdpFailed { addr, reason, os_errno } => {
                self.raw.kind = TERN_EVENT_UDP_FAILED;
                self.raw.os_errno = *os_errno;
                self.addr(addr);
                self.text(reason);
            }
            EventKind::LsdFailed { interface, reason, os_errno } => {
                self.raw.kind = TERN_EVENT_LSD_FAILED;
                self.raw.os_errno = *os_errno;
                self.text(interface);
                self.text2(reason);
            }
            EventKind::Closed { unsaved } => {
                self.raw.kind = TERN_EVENT_CLOSED;
                self.raw.a = int(*unsaved);
            }
            EventKind::Dropped { count, classes } => {
                self.raw.kind = TERN_EVENT_DROPPED;
                (self.raw.a, self.raw.flags) = (int(*count), *classes);
            }
            EventKind::StoreDamaged(report) => {
                self.raw.kind = TERN_EVENT_STORE_DAMAGED;
                (self.raw.a, self.raw.b) = (int(report.salvaged), int(report.unchecked));
                self.raw.text = self.keep(report.set_aside.as_os_str().as_encoded_bytes());
                self.text2(&report.reason);
            }
            EventKind::RestoreFailed { info_hash, reason } => {
                (self.raw.kind, self.raw.info_hash) = (TERN_EVENT_RESTORE_FAILED, info_hash.0);
                self.text(reason);
            }
            EventKind::SaveFailed { generation, code, reason } => {
                self.raw.kind = TERN_EVENT_SAVE_FAILED;
                (self.raw.generation, self.raw.code) = (*generation, *code);
                self.text(reason);
            }
            EventKind::Fatal(text) => {
                self.raw.kind = TERN_EVENT_FATAL;
                self.text(text);
            }
            EventKind::SourceFailed { url, reason } => {
                self.raw.kind = TERN_EVENT_SOURCE_FAILED;
                self.text(url);
                self.text2(reason);
            }
            EventKind::Log { level, text } => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_LOG, *level as i32);
                self.text(text);
            }
            _ => {}
        }
    }

    fn notice(&mut self, notice: &Notice, event: &Event) {
        match notice {
            Notice::State { old, new } => {
                self.raw.kind = TERN_EVENT_STATE;
                (self.raw.a, self.raw.b) = (*old as i64, *new as i64);
            }
            Notice::PiecePassed(piece) => {
                (self.raw.kind, self.raw.piece) = (TERN_EVENT_PIECE_PASSED, piece.0);
            }
            Notice::PieceFailed(piece) => {
                (self.raw.kind, self.raw.piece) = (TERN_EVENT_PIECE_FAILED, piece.0);
            }
            Notice::FileCompleted(file) => {
                (self.raw.kind, self.raw.file) = (TERN_EVENT_FILE_COMPLETED, file.0);
                let path = event.torrent.as_ref().and_then(|t| t.file_path(*file));
                self.text(&path.unwrap_or_default());
            }
            Notice::Checked { have, hashed, restored } => {
                self.raw.kind = TERN_EVENT_CHECKED;
                (self.raw.a, self.raw.b, self.raw.c) = (int(*have), int(*hashed), int(*restored));
            }
            Notice::Finished => self.raw.kind = TERN_EVENT_FINISHED,
            Notice::Metadata => {
                self.raw.kind = TERN_EVENT_METADATA;
                let name = event.torrent.as_ref().map(crate::api::Torrent::name);
                self.text(&name.unwrap_or_default());
            }
            Notice::PeerConnected { peer, addr, incoming, peer_id } => {
                (self.raw.kind, self.raw.peer) = (TERN_EVENT_PEER_CONNECTED, peer.0);
                self.raw.a = i64::from(*incoming);
                self.addr(addr);
                self.raw.data = self.keep(&peer_id.0);
            }
            Notice::PeerDisconnected { peer, addr, reason } => {
                (self.raw.kind, self.raw.peer) = (TERN_EVENT_PEER_DISCONNECTED, peer.0);
                (self.raw.code, self.raw.os_errno) = close_code(*reason);
                self.addr(addr);
                self.text(&close_text(*reason));
            }
            Notice::PeerBanned(addr) => {
                self.raw.kind = TERN_EVENT_PEER_BANNED;
                self.addr(addr);
            }
            Notice::ResumeDurable(generation) => {
                (self.raw.kind, self.raw.generation) = (TERN_EVENT_SAVED, *generation);
            }
            Notice::SaveDone { ticket, outcome } => {
                (self.raw.kind, self.raw.token) = (TERN_EVENT_SAVE_DONE, *ticket);
                self.raw.a = i64::from(match outcome {
                    SaveOutcome::Saved(generation) => {
                        self.raw.generation = *generation;
                        TERN_SAVED_SAVED
                    }
                    SaveOutcome::NotModified => TERN_SAVED_NOT_MODIFIED,
                    SaveOutcome::Refused(code) => {
                        self.raw.code = *code;
                        TERN_SAVED_REFUSED
                    }
                    SaveOutcome::Ended => TERN_SAVED_ENDED,
                });
            }
            Notice::ExternalAddr(ip, _) => {
                self.raw.kind = TERN_EVENT_EXTERNAL_ADDR;
                self.raw.addr = self.keep(ip_text(ip).as_bytes());
            }
            notice => self.trouble(notice, event),
        }
    }

    fn disk_error(&mut self, error: &crate::api::DiskError) {
        self.raw.code = TERN_E_IO;
        self.raw.os_errno = error.os_errno;
        if let Some(file) = error.file {
            self.raw.file = file.0;
        }
        self.text(&error.message);
        self.raw.text2 = self.keep(error.path.as_os_str().as_encoded_bytes());
    }

    fn trouble(&mut self, notice: &Notice, event: &Event) {
        match notice {
            Notice::DiskFailed(error) => {
                self.raw.kind = TERN_EVENT_STORAGE_FAILED;
                self.disk_error(error);
            }
            Notice::MetadataUnusable(error) => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_METADATA_FAILED, TERN_E_METAINFO);
                self.text(&error.to_string());
            }
            Notice::VerifierFailed(code) => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_VERIFIER_FAILED, *code);
            }
            Notice::StorageMissing => {
                self.raw.kind = TERN_EVENT_STORAGE_MISSING;
                self.raw.code = TERN_E_NOT_FOUND;
            }
            Notice::JournalFailed(code) => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_JOURNAL_FAILED, *code);
            }
            Notice::SaveFailed { generation, code } => {
                (self.raw.kind, self.raw.code) = (TERN_EVENT_SAVE_FAILED, *code);
                self.raw.generation = *generation;
            }
            Notice::ResumeRejected { partial, file, reason, pieces } => {
                self.raw.kind = TERN_EVENT_RESUME_REJECTED;
                (self.raw.a, self.raw.flags) = (int(*pieces), u32::from(*partial));
                self.raw.file = file.map_or(TERN_NONE, |f| f.0);
                self.text(reason);
            }
            Notice::Moved(result) => {
                self.raw.kind = TERN_EVENT_MOVED;
                match result {
                    Ok(dir) => self.raw.text = self.keep(dir),
                    Err(error) => self.disk_error(error),
                }
            }
            Notice::Renamed(file, result) => {
                self.raw.kind = TERN_EVENT_RENAMED;
                match result {
                    Ok(()) => {
                        let path = event.torrent.as_ref().and_then(|t| t.file_path(*file));
                        self.text(&path.unwrap_or_default());
                    }
                    Err(error) => self.disk_error(error),
                }
                self.raw.file = file.0;
            }
            _ => {}
        }
    }

    fn tracker(&mut self, event: &TrackerEvent) {
        match event {
            TrackerEvent::Announcing { url, event } => {
                self.raw.kind = TERN_EVENT_TRACKER_ANNOUNCE;
                self.text(url);
                self.text2(event);
            }
            TrackerEvent::Reply { url, reply } => {
                self.raw.kind = TERN_EVENT_TRACKER_REPLY;
                self.raw.code = i32::try_from(reply.peers.len()).unwrap_or(i32::MAX);
                self.raw.a = or_unknown(reply.complete);
                self.raw.b = or_unknown(reply.incomplete);
                self.raw.c = or_unknown(reply.interval);
                self.text(url);
                self.text2(reply.warning.as_deref().unwrap_or_default());
                self.raw.data = self.keep(&compact(&reply.peers));
            }
            TrackerEvent::Failed { url, reason, fails, retry_in_secs } => {
                self.raw.kind = TERN_EVENT_TRACKER_FAILED;
                (self.raw.a, self.raw.c) = (int(*fails), int(*retry_in_secs));
                self.text(url);
                self.text2(reason);
            }
            TrackerEvent::Scraped { url, complete, downloaded, incomplete } => {
                self.raw.kind = TERN_EVENT_TRACKER_SCRAPED;
                self.raw.a = or_unknown(*complete);
                self.raw.b = or_unknown(*incomplete);
                self.raw.c = or_unknown(*downloaded);
                self.text(url);
            }
        }
    }

    fn traffic(&mut self, traffic: &Traffic) {
        match traffic {
            Traffic::Received { peer, addr, bytes } | Traffic::Sent { peer, addr, bytes } => {
                let received = matches!(traffic, Traffic::Received { .. });
                self.raw.kind = if received { TERN_EVENT_RECEIVED } else { TERN_EVENT_SENT };
                (self.raw.peer, self.raw.a) = (peer.0, int(*bytes));
                self.addr(addr);
            }
            Traffic::FileRead(span) | Traffic::FileWritten(span) => {
                let read = matches!(traffic, Traffic::FileRead(_));
                self.raw.kind = if read { TERN_EVENT_FILE_READ } else { TERN_EVENT_FILE_WRITTEN };
                self.raw.file = span.file.0;
                (self.raw.a, self.raw.b) = (int(span.offset), int(span.length));
            }
            Traffic::Tracker { url, sent, received } => {
                self.raw.kind = TERN_EVENT_TRACKER_TRAFFIC;
                (self.raw.a, self.raw.b) = (int(*sent), int(*received));
                self.text(url);
            }
        }
    }

    fn message(&mut self, message: &WireMessage) {
        self.raw.code = message.code;
        self.raw.piece = message.piece.map_or(TERN_NONE, |p| p.0);
        (self.raw.a, self.raw.b) = (int(message.begin), int(message.length));
        self.data(&message.payload);
    }
}

fn ip_text(ip: &IpAddr) -> String {
    ip.to_string()
}

/// IPv4 peers in compact form (BEP 23).
fn compact(peers: &[SocketAddr]) -> Vec<u8> {
    let mut out = Vec::new();
    for peer in peers {
        if let IpAddr::V4(ip) = peer.ip() {
            out.extend(ip.octets());
            out.extend(peer.port().to_be_bytes());
        }
    }
    out
}

/// `TERN_CLOSE_*` and errno.
fn close_code(reason: CloseReason) -> (i32, i32) {
    let code = match reason {
        CloseReason::Remote(errno) => return (TERN_CLOSE_REMOTE, errno),
        CloseReason::Loopback => TERN_CLOSE_LOOPBACK,
        CloseReason::Duplicate => TERN_CLOSE_DUPLICATE,
        CloseReason::TooMany => TERN_CLOSE_TOO_MANY,
        CloseReason::BothSeeds => TERN_CLOSE_BOTH_SEEDS,
        CloseReason::Useless => TERN_CLOSE_USELESS,
        CloseReason::Banned => TERN_CLOSE_BANNED,
        CloseReason::Stopped => TERN_CLOSE_STOPPED,
        CloseReason::Host => TERN_CLOSE_HOST,
        CloseReason::Flood => TERN_CLOSE_FLOOD,
        CloseReason::Fault(fault) => match fault {
            Fault::SelfConnection => TERN_CLOSE_LOOPBACK,
            Fault::BadHandshake => TERN_CLOSE_BAD_HANDSHAKE,
            Fault::WrongInfoHash => TERN_CLOSE_WRONG_INFO_HASH,
            Fault::OversizedMessage => TERN_CLOSE_OVERSIZED_MESSAGE,
            Fault::BadMessage(_) => TERN_CLOSE_BAD_MESSAGE,
            Fault::UnexpectedBitfield => TERN_CLOSE_UNEXPECTED_BITFIELD,
            Fault::FastNotNegotiated => TERN_CLOSE_FAST_NOT_NEGOTIATED,
            Fault::BadExtensionHandshake => TERN_CLOSE_BAD_EXTENSION,
            Fault::HandshakeTimeout => TERN_CLOSE_HANDSHAKE_TIMEOUT,
            Fault::IdleTimeout => TERN_CLOSE_IDLE_TIMEOUT,
        },
    };
    (code, 0)
}

fn close_text(reason: CloseReason) -> String {
    let text = match reason {
        CloseReason::Remote(0) => "closed by the other side",
        CloseReason::Remote(errno) => {
            return std::io::Error::from_raw_os_error(errno).to_string();
        }
        CloseReason::Loopback | CloseReason::Fault(Fault::SelfConnection) => "it was ourselves",
        CloseReason::Duplicate => "connected to this peer already",
        CloseReason::TooMany => "too many connections",
        CloseReason::BothSeeds => "both sides are complete",
        CloseReason::Useless => "neither side has what the other wants",
        CloseReason::Banned => "banned",
        CloseReason::Stopped => "the torrent stopped",
        CloseReason::Host => "asked for by the host",
        CloseReason::Flood => "more than anybody asked for",
        CloseReason::Fault(Fault::BadHandshake) => "not a BitTorrent handshake",
        CloseReason::Fault(Fault::WrongInfoHash) => "another torrent's info-hash",
        CloseReason::Fault(Fault::OversizedMessage) => "a message that is too long",
        CloseReason::Fault(Fault::BadMessage(id)) => return format!("a bad message of type {id}"),
        CloseReason::Fault(Fault::UnexpectedBitfield) => "a bitfield where none may come",
        CloseReason::Fault(Fault::FastNotNegotiated) => "a fast message without negotiation",
        CloseReason::Fault(Fault::BadExtensionHandshake) => "a bad extension handshake",
        CloseReason::Fault(Fault::HandshakeTimeout) => "no handshake in time",
        CloseReason::Fault(Fault::IdleTimeout) => "silent for too long",
    };
    text.into()
}

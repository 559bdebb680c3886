//! One peer's connection above a byte stream: phases, legality over time, time-outs, features.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::extension::{self, PeerState};
use super::output::Output;
use super::ut_metadata::MetadataMessage;
use super::wire::{self, Frame, Rules};
use super::{Config, Event, Fault, Handshake, Message, handshake};
use crate::base::limits::UNKNOWN_PIECES;
use crate::base::{Bitset, BlockSpan, Instant, Payload};

/// Silence of ours after which a keep-alive is sent. BEP 3 names two minutes; some peers drop at
/// exactly that, so ours come earlier.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The peer's handshake is not complete.
    Handshake,
    /// Incoming, the handshake was reported, [`Connection::accept`] was not called.
    Undecided,
    /// Messages.
    Open,
    /// Over; a `Failed` event was queued.
    Failed,
}

/// One peer connection above a byte stream.
///
/// The verbs are those of every machine here: bytes go in by [`Self::receive`], time by
/// [`Self::handle_timeout`], intentions by [`Self::send`]; events come out of [`Self::poll_event`],
/// bytes out of [`Self::take_transmit`]. After [`Event::Failed`] nothing else happens: input is
/// ignored, output is empty.
#[derive(Debug)]
pub struct Connection {
    phase: Phase,
    /// `None` on an incoming connection until it is accepted.
    config: Option<Config>,
    peer_handshake: Option<Handshake>,
    peer: PeerState,
    bitfield_allowed: bool,
    handshake_deadline: Instant,
    last_received: Instant,
    last_sent: Instant,
    events: VecDeque<Event>,
    output: Output,
}

impl Connection {
    /// An outgoing connection: our handshake is queued at once.
    #[must_use]
    pub fn outgoing(now: Instant, config: Config) -> Self {
        let mut connection = Self::new(now, config.handshake_timeout);
        connection.queue_handshake(now, &config);
        connection.config = Some(config);
        connection
    }

    /// An incoming connection: the torrent is not known until the peer's handshake is in. The
    /// time-out covers everything until [`Self::accept`].
    #[must_use]
    pub fn incoming(now: Instant, handshake_timeout: Duration) -> Self {
        Self::new(now, handshake_timeout)
    }

    fn new(now: Instant, handshake_timeout: Duration) -> Self {
        Self {
            phase: Phase::Handshake,
            config: None,
            peer_handshake: None,
            peer: PeerState::default(),
            bitfield_allowed: true,
            handshake_deadline: now + handshake_timeout,
            last_received: now,
            last_sent: now,
            events: VecDeque::new(),
            output: Output::default(),
        }
    }

    /// Answers an incoming handshake: queues ours, then the extension handshake if both sides can.
    /// Call [`Self::receive`] afterwards with what is left in the receive buffer. Without a
    /// reported handshake nothing happens; a peer with our own id, or another info-hash than the
    /// config's, ends in a `Failed` event.
    pub fn accept(&mut self, now: Instant, config: Config) {
        let Some(theirs) = self.peer_handshake.filter(|_| self.phase == Phase::Undecided) else {
            return;
        };
        if theirs.info_hash != config.info_hash {
            return self.fail(Fault::WrongInfoHash);
        }
        if theirs.peer_id == config.peer_id {
            return self.fail(Fault::SelfConnection);
        }
        self.queue_handshake(now, &config);
        self.open(now, config);
    }

    /// Consumes whole frames from the front of `data`; a partial frame stays in it. Payloads of
    /// `Piece` and `Bitfield` share `data`'s allocation. Bytes that arrive before [`Self::accept`]
    /// stay in `data`. At most `limits::PEER_MESSAGE_BYTES` plus the length prefix stay unconsumed.
    pub fn receive(&mut self, now: Instant, data: &mut BytesMut) {
        self.last_received = self.last_received.max(now);
        if self.phase == Phase::Handshake
            && let Err(fault) = self.receive_handshake(now, data)
        {
            return self.fail(fault);
        }
        while self.phase == Phase::Open {
            match wire::decode(data, &self.rules()) {
                Ok(None) => return,
                Ok(Some(frame)) => {
                    if let Err(fault) = self.receive_frame(frame) {
                        return self.fail(fault);
                    }
                }
                Err(fault) => return self.fail(fault),
            }
        }
    }

    /// Lets time pass: keep-alives, time-outs.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.phase {
            Phase::Handshake | Phase::Undecided => {
                if now >= self.handshake_deadline {
                    self.fail(Fault::HandshakeTimeout);
                }
            }
            Phase::Open => {
                if self.idle_deadline().is_some_and(|deadline| now >= deadline) {
                    self.fail(Fault::IdleTimeout);
                } else if now >= self.last_sent + KEEP_ALIVE_AFTER {
                    // With bytes still queued the peer will hear from us without it.
                    if self.output.len() == 0 {
                        self.output.push_small(|out| wire::encode(&Message::KeepAlive, out));
                    }
                    self.last_sent = now;
                }
            }
            Phase::Failed => {}
        }
    }

    /// The next thing to report.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] wants to be called; `None` once failed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Handshake | Phase::Undecided => Some(self.handshake_deadline),
            Phase::Open => {
                let keep_alive = self.last_sent + KEEP_ALIVE_AFTER;
                self.idle_deadline().map(|idle| idle.min(keep_alive))
            }
            Phase::Failed => None,
        }
    }

    /// Queues a message. What the negotiated features do not allow is silently not sent (for
    /// example Reject without BEP 6), with one exception: `HaveAll` without BEP 6 goes out as the
    /// bitfield that says the same, and `HaveNone` without BEP 6 is said by silence, as BEP 3 has
    /// it. `Extended` carries the peer's id of the extension. Before the handshake is complete, and
    /// after a failure, nothing is sent.
    pub fn send(&mut self, now: Instant, message: Message) {
        let Some(config) = self.config.as_ref().filter(|_| self.phase == Phase::Open) else {
            return;
        };
        let (fast, extended) = (self.fast(), self.extended());
        match message {
            Message::Piece { piece, begin, data } => {
                let Ok(length) = u32::try_from(data.len()) else { return };
                self.output.push_block(BlockSpan { piece, begin, length }, data);
            }
            Message::HaveAll if !fast => {
                let all = Bitset::full(config.piece_count.unwrap_or_default());
                let all = Message::Bitfield(Bytes::copy_from_slice(all.as_bytes()));
                self.output.push_small(|out| wire::encode(&all, out));
            }
            Message::HaveNone
            | Message::Suggest(_)
            | Message::Reject(_)
            | Message::AllowedFast(_)
                if !fast =>
            {
                return;
            }
            Message::Extended { .. } if !extended => return,
            Message::DontHave(piece) => {
                let Some(id) = self.peer.dont_have_id.filter(|_| extended) else { return };
                let index = piece.0.to_be_bytes();
                self.output.push_small(|out| wire::encode_extended(id, &index, out));
            }
            Message::Metadata(payload) => {
                let Some(id) = self.peer.metadata_id.filter(|_| extended) else { return };
                self.output.push_small(|out| wire::encode_extended(id, &payload, out));
            }
            Message::Pex(payload) => {
                let Some(id) = self.peer.pex_id.filter(|_| extended && config.pex) else { return };
                self.output.push_small(|out| wire::encode_extended(id, &payload, out));
            }
            small => self.output.push_small(|out| wire::encode(&small, out)),
        }
        self.last_sent = self.last_sent.max(now);
    }

    /// Queues a new extension handshake that tells our changed `upload_only` (BEP 21).
    pub fn send_upload_only(&mut self, now: Instant, upload_only: bool) {
        if let Some(config) = &mut self.config {
            config.upload_only = upload_only;
        }
        if self.phase == Phase::Open {
            self.queue_extension_handshake(now);
        }
    }

    /// The torrent's metadata came: indexes are bounded by its count of pieces from now on, and the
    /// peer is told that it can be had here too (BEP 9).
    pub fn set_metadata(&mut self, now: Instant, piece_count: u32, metadata_size: u32, pex: bool) {
        if let Some(config) = &mut self.config {
            config.piece_count = Some(piece_count);
            config.metadata_size = metadata_size;
            config.pex = pex;
        }
        if self.phase == Phase::Open {
            self.queue_extension_handshake(now);
        }
    }

    /// Peer exchange is offered from now on, or no longer (BEP 11). Whether that was news for a
    /// peer that can be told.
    pub fn set_pex(&mut self, now: Instant, on: bool) -> bool {
        let Some(config) = &mut self.config else { return false };
        let news = core::mem::replace(&mut config.pex, on) != on && self.phase == Phase::Open;
        if news {
            self.queue_extension_handshake(now);
        }
        news
    }

    /// Moves queued bytes out, in order; small messages are coalesced, a block's payload is its own
    /// chunk (no copy).
    pub fn take_transmit(&mut self, out: &mut VecDeque<Payload>) {
        self.output.take(out);
    }

    /// Bytes queued and not taken.
    #[must_use]
    pub fn queued_len(&self) -> usize {
        self.output.len()
    }

    /// Whether both sides speak BEP 6. False before the handshake is complete.
    #[must_use]
    pub fn fast(&self) -> bool {
        self.peer_handshake.is_some_and(|theirs| theirs.fast())
    }

    /// Whether both sides speak BEP 10. False before the handshake is complete.
    #[must_use]
    pub fn extended(&self) -> bool {
        self.peer_handshake.is_some_and(|theirs| theirs.extended())
    }

    /// The extension handshake (BEP 10) that was queued last, for whoever follows the wire; `None`
    /// before the handshake is complete and for peers that take none.
    #[must_use]
    pub fn extension_handshake(&self) -> Option<Message> {
        let config = self.config.as_ref().filter(|_| self.phase == Phase::Open);
        let payload = extension::encode(config.filter(|_| self.extended())?).into();
        Some(Message::Extended { id: extension::HANDSHAKE_ID, payload })
    }

    /// The number under which an extension's message travels (BEP 10), which is the receiver's; 0
    /// for other messages, and for those the peer does not take.
    #[must_use]
    pub fn extension_number(&self, message: &Message, incoming: bool) -> u8 {
        let (ours, theirs) = match message {
            Message::Extended { id, .. } => return *id,
            Message::DontHave(_) => (extension::DONT_HAVE_ID, self.peer.dont_have_id),
            Message::Metadata(_) => (extension::METADATA_ID, self.peer.metadata_id),
            Message::Pex(_) => (extension::PEX_ID, self.peer.pex_id),
            _ => return 0,
        };
        if incoming { ours } else { theirs.unwrap_or_default() }
    }

    /// The peer's handshake, once received.
    #[must_use]
    pub fn peer_handshake(&self) -> Option<&Handshake> {
        self.peer_handshake.as_ref()
    }

    /// What the peer's extension handshakes said so far.
    #[must_use]
    pub fn peer_extensions(&self) -> &super::PeerExtensions {
        &self.peer.extensions
    }

    /// Withdraws a queued `Piece` message that was not taken yet (after a cancel). True when found.
    pub fn unqueue(&mut self, span: BlockSpan) -> bool {
        self.output.remove_block(span)
    }

    /// Withdraws all queued `Piece` messages that were not taken yet (when choking) and names them
    /// in order: with BEP 6 each is owed a reject.
    pub fn drop_queued_pieces(&mut self) -> Vec<BlockSpan> {
        self.output.remove_blocks()
    }

    fn rules(&self) -> Rules {
        let count = self.config.as_ref().and_then(|config| config.piece_count);
        Rules {
            piece_count: count.unwrap_or(UNKNOWN_PIECES),
            exact: count.is_some(),
            fast: self.fast(),
            bitfield_allowed: self.bitfield_allowed,
        }
    }

    fn idle_deadline(&self) -> Option<Instant> {
        self.config.as_ref().map(|config| self.last_received + config.idle_timeout)
    }

    fn receive_handshake(&mut self, now: Instant, data: &mut BytesMut) -> Result<(), Fault> {
        let expected = self.config.as_ref().map(|config| &config.info_hash);
        let Some(theirs) = handshake::decode(data, expected)? else { return Ok(()) };
        let ours = self.config.take();
        if ours.as_ref().is_some_and(|config| config.peer_id == theirs.peer_id) {
            return Err(Fault::SelfConnection);
        }
        self.peer_handshake = Some(theirs);
        self.events.push_back(Event::Handshake(theirs));
        match ours {
            Some(config) => self.open(now, config),
            None => self.phase = Phase::Undecided,
        }
        Ok(())
    }

    fn receive_frame(&mut self, frame: Frame) -> Result<(), Fault> {
        match frame {
            Frame::Ignored | Frame::Message(Message::KeepAlive) => {}
            Frame::Message(message) => {
                // Ports and extension messages come before the bitfield in many clients.
                self.bitfield_allowed &= matches!(message, Message::Port(_));
                self.events.push_back(Event::Message(message));
            }
            // A peer that sends what it did not offer is not worth a fault.
            Frame::Extended(..) if !self.extended() => {}
            Frame::Extended(id @ extension::HANDSHAKE_ID, payload) => {
                self.peer.update(&payload)?;
                self.events.push_back(Event::Message(Message::Extended { id, payload }));
                self.events.push_back(Event::Extensions(self.peer.extensions.clone()));
            }
            Frame::Extended(extension::DONT_HAVE_ID, payload) => {
                let piece = wire::piece(&payload, &self.rules()).filter(|_| payload.len() == 4);
                let piece = piece.ok_or(Fault::BadMessage(wire::id::EXTENDED))?;
                self.events.push_back(Event::Message(Message::DontHave(piece)));
            }
            Frame::Extended(id @ extension::METADATA_ID, payload) => {
                let bad = Fault::BadMessage(wire::id::EXTENDED);
                let message = match MetadataMessage::decode(&payload).ok_or(bad)? {
                    None => Message::Extended { id, payload },
                    Some(_) => Message::Metadata(payload),
                };
                self.events.push_back(Event::Message(message));
            }
            Frame::Extended(extension::PEX_ID, payload)
                if self.config.as_ref().is_some_and(|config| config.pex) =>
            {
                self.events.push_back(Event::Message(Message::Pex(payload)));
            }
            Frame::Extended(id, payload) => {
                self.events.push_back(Event::Message(Message::Extended { id, payload }));
            }
        }
        Ok(())
    }

    fn queue_handshake(&mut self, now: Instant, config: &Config) {
        let ours = Handshake::ours(config.info_hash, config.peer_id).with_dht(config.dht);
        self.output.push_small(|out| handshake::encode(&ours, out));
        self.last_sent = self.last_sent.max(now);
    }

    fn open(&mut self, now: Instant, config: Config) {
        self.phase = Phase::Open;
        self.config = Some(config);
        self.last_received = self.last_received.max(now);
        self.queue_extension_handshake(now);
    }

    fn queue_extension_handshake(&mut self, now: Instant) {
        let Some(config) = self.config.as_ref().filter(|_| self.extended()) else { return };
        let payload = extension::encode(config);
        self.output.push_small(|out| wire::encode_extended(extension::HANDSHAKE_ID, &payload, out));
        self.last_sent = self.last_sent.max(now);
    }

    fn fail(&mut self, fault: Fault) {
        self.phase = Phase::Failed;
        self.output.clear();
        self.events.push_back(Event::Failed(fault));
    }
}

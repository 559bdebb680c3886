//! Frames and messages (BEP 3, 6, 10): bytes to values and back, without copying payloads.
//!
//! Everything about one frame that can be judged from its length prefix and message id is judged
//! then, so that a frame that is too long is refused before its payload is waited for. Deliberately
//! absent: what depends on earlier messages other than [`Rules`] says (that is the connection's).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{Fault, Message};
use crate::base::limits::{PEER_MESSAGE_BYTES, REQUEST_BYTES};
use crate::base::{BlockSpan, PieceIndex};

/// Message ids.
pub(super) mod id {
    pub(crate) const CHOKE: u8 = 0;
    pub(crate) const UNCHOKE: u8 = 1;
    pub(crate) const INTERESTED: u8 = 2;
    pub(crate) const NOT_INTERESTED: u8 = 3;
    pub(crate) const HAVE: u8 = 4;
    pub(crate) const BITFIELD: u8 = 5;
    pub(crate) const REQUEST: u8 = 6;
    pub(crate) const PIECE: u8 = 7;
    pub(crate) const CANCEL: u8 = 8;
    pub(crate) const PORT: u8 = 9;
    pub(crate) const SUGGEST: u8 = 13;
    pub(crate) const HAVE_ALL: u8 = 14;
    pub(crate) const HAVE_NONE: u8 = 15;
    pub(crate) const REJECT: u8 = 16;
    pub(crate) const ALLOWED_FAST: u8 = 17;
    pub(crate) const EXTENDED: u8 = 20;
}

/// Bytes of every message in front of what its id says: the length prefix and the id.
const PREFIX_LEN: usize = 5;
/// Bytes of a piece message in front of its data, the length prefix included.
pub(super) const PIECE_HEADER_LEN: usize = 13;
/// The same without the length prefix, as that prefix counts.
const PIECE_OVERHEAD: u32 = 9;

/// What was agreed on a connection, as far as single frames depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Bounds indexes and the bitfield's length.
    pub(super) piece_count: u32,
    /// That is the torrent's own count. Else it is the largest a torrent may have, and a bitfield
    /// may be shorter.
    pub(super) exact: bool,
    /// Both sides speak BEP 6.
    pub(super) fast: bool,
    /// No message came yet that have-all or have-none may not follow.
    pub(super) bitfield_allowed: bool,
}

/// One frame off the wire.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A message, none of those that message 20 carries.
    Message(Message),
    /// Message 20: the extension's local id, its payload.
    Extended(u8, Bytes),
    /// A message id that is not ours to know, or one that says nothing.
    Ignored,
}

/// Takes one frame off the front of `data`; `None` when it is not complete.
pub(super) fn decode(data: &mut BytesMut, rules: &Rules) -> Result<Option<Frame>, Fault> {
    let Some(prefix) = data.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*prefix);
    if length == 0 {
        let _ = data.split_to(4);
        return Ok(Some(Frame::Message(Message::KeepAlive)));
    }
    let Some(&id) = data.get(4) else {
        // Without its id a frame is refused only when it is too long for every message.
        return if length > longest(rules) { Err(Fault::OversizedMessage) } else { Ok(None) };
    };
    check_frame(id, length, rules)?;
    let length = length as usize;
    if data.len() - 4 < length {
        return Ok(None);
    }
    match id {
        id::BITFIELD | id::PIECE | id::EXTENDED => take_payload(id, length, data, rules).map(Some),
        _ => {
            let body = data.get(PREFIX_LEN..4 + length).unwrap_or_default();
            let frame = parse_small(id, body, rules)?;
            data.advance(4 + length);
            Ok(Some(frame))
        }
    }
}

/// Bytes a bitfield message counts in its prefix.
fn bitfield_frame_len(rules: &Rules) -> u32 {
    1 + rules.piece_count.div_ceil(8)
}

/// The largest length prefix that any message may have.
fn longest(rules: &Rules) -> u32 {
    other_frame_len().max(bitfield_frame_len(rules)).max(REQUEST_BYTES + PIECE_OVERHEAD)
}

fn other_frame_len() -> u32 {
    u32::try_from(PEER_MESSAGE_BYTES).unwrap_or(u32::MAX)
}

/// Judges a frame by its id and length prefix (which counts the id).
fn check_frame(id: u8, length: u32, rules: &Rules) -> Result<(), Fault> {
    match id {
        // BEP 6: "no other message ... unless both ends set the bit".
        id::SUGGEST..=id::ALLOWED_FAST if !rules.fast => return Err(Fault::FastNotNegotiated),
        // BEP 6: they stand where BEP 3 has the bitfield, "immediately after the handshake". The
        // bitfield itself may come again: aria2 sends one in place of many `have`s.
        id::HAVE_ALL | id::HAVE_NONE if !rules.bitfield_allowed => {
            return Err(Fault::UnexpectedBitfield);
        }
        _ => {}
    }
    let legal = match id {
        id::CHOKE..=id::NOT_INTERESTED | id::HAVE_ALL | id::HAVE_NONE => length == 1,
        id::HAVE | id::SUGGEST | id::ALLOWED_FAST => length == 5,
        id::REQUEST | id::CANCEL | id::REJECT => length == 13,
        id::PORT => length == 3,
        id::BITFIELD if rules.exact => length == bitfield_frame_len(rules),
        id::BITFIELD => length <= bitfield_frame_len(rules),
        id::PIECE if length > PIECE_OVERHEAD + REQUEST_BYTES => {
            return Err(Fault::OversizedMessage);
        }
        id::PIECE => length >= PIECE_OVERHEAD,
        _ if length > other_frame_len() => return Err(Fault::OversizedMessage),
        id::EXTENDED => length >= 2,
        _ => true,
    };
    if legal { Ok(()) } else { Err(Fault::BadMessage(id)) }
}

/// Reads what follows the id in a frame that passed [`check_frame`] and carries no payload.
fn parse_small(id: u8, body: &[u8], rules: &Rules) -> Result<Frame, Fault> {
    let bad = Fault::BadMessage(id);
    let message = match id {
        id::CHOKE => Message::Choke,
        id::UNCHOKE => Message::Unchoke,
        id::INTERESTED => Message::Interested,
        id::NOT_INTERESTED => Message::NotInterested,
        id::HAVE => Message::Have(piece(body, rules).ok_or(bad)?),
        id::REQUEST => Message::Request(
            // BEP 3: connections that ask for more than the custom allows are closed.
            span(body, rules).filter(|s| (1..=REQUEST_BYTES).contains(&s.length)).ok_or(bad)?,
        ),
        id::CANCEL => Message::Cancel(span(body, rules).ok_or(bad)?),
        id::PORT => Message::Port(body.first_chunk().map(|b| u16::from_be_bytes(*b)).ok_or(bad)?),
        id::SUGGEST => Message::Suggest(piece(body, rules).ok_or(bad)?),
        id::HAVE_ALL => Message::HaveAll,
        id::HAVE_NONE => Message::HaveNone,
        id::REJECT => Message::Reject(span(body, rules).ok_or(bad)?),
        id::ALLOWED_FAST => Message::AllowedFast(piece(body, rules).ok_or(bad)?),
        _ => return Ok(Frame::Ignored),
    };
    Ok(Frame::Message(message))
}

/// Takes a whole frame that passed [`check_frame`] and carries a payload; the payload goes on in
/// the allocation it came in.
fn take_payload(id: u8, length: usize, data: &mut BytesMut, rules: &Rules) -> Result<Frame, Fault> {
    let bad = Fault::BadMessage(id);
    let message = match id {
        id::PIECE => {
            let header = data.get(PREFIX_LEN..PIECE_HEADER_LEN).unwrap_or_default();
            let piece = piece(header, rules).ok_or(bad)?;
            let begin = word(header, 4).ok_or(bad)?;
            data.advance(PIECE_HEADER_LEN);
            let block = data.split_to(4 + length - PIECE_HEADER_LEN);
            let length = u32::try_from(block.len()).map_err(|_| bad)?;
            begin.checked_add(length).ok_or(bad)?;
            if length == 0 {
                return Ok(Frame::Ignored);
            }
            Message::Piece { piece, begin, data: block.freeze().into() }
        }
        id::EXTENDED => {
            let extension = data.get(PREFIX_LEN).copied().ok_or(bad)?;
            data.advance(PREFIX_LEN + 1);
            return Ok(Frame::Extended(extension, data.split_to(length - 2).freeze()));
        }
        _ => {
            data.advance(PREFIX_LEN);
            let bits = data.split_to(length - 1).freeze();
            if rules.exact && spare_bits_set(&bits, rules.piece_count) {
                return Err(bad);
            }
            Message::Bitfield(bits)
        }
    };
    Ok(Frame::Message(message))
}

/// The big-endian number at `at`.
fn word(payload: &[u8], at: usize) -> Option<u32> {
    payload.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

/// The piece index at the front, when the torrent has that piece.
pub(super) fn piece(payload: &[u8], rules: &Rules) -> Option<PieceIndex> {
    word(payload, 0).filter(|index| *index < rules.piece_count).map(PieceIndex)
}

/// The span a request, cancel or reject names. That it ends inside the piece is for the swarm to
/// check, which knows the lengths; here only that its end is a number at all.
fn span(payload: &[u8], rules: &Rules) -> Option<BlockSpan> {
    let span = BlockSpan {
        piece: piece(payload, rules)?,
        begin: word(payload, 4)?,
        length: word(payload, 8)?,
    };
    span.begin.checked_add(span.length).map(|_| span)
}

/// Whether a bit past the last piece is set in a bitfield of the right length (BEP 3).
fn spare_bits_set(bitfield: &[u8], piece_count: u32) -> bool {
    let used = piece_count % 8;
    used != 0 && bitfield.last().is_some_and(|last| last & (0xff >> used) != 0)
}

/// Appends the wire form of every message but `Piece` (see [`encode_piece_header`]) and those whose
/// id the peer chose (see [`encode_extended`]): `DontHave`, `Metadata` and `Pex` append nothing.
pub(super) fn encode(message: &Message, out: &mut BytesMut) {
    match message {
        Message::KeepAlive => out.put_u32(0),
        Message::Choke => encode_bare(id::CHOKE, out),
        Message::Unchoke => encode_bare(id::UNCHOKE, out),
        Message::Interested => encode_bare(id::INTERESTED, out),
        Message::NotInterested => encode_bare(id::NOT_INTERESTED, out),
        Message::Have(piece) => encode_piece(id::HAVE, *piece, out),
        Message::Bitfield(bits) => encode_bytes(id::BITFIELD, &[bits], out),
        Message::Request(span) => encode_span(id::REQUEST, *span, out),
        Message::Cancel(span) => encode_span(id::CANCEL, *span, out),
        Message::Port(port) => encode_bytes(id::PORT, &[&port.to_be_bytes()], out),
        Message::Suggest(piece) => encode_piece(id::SUGGEST, *piece, out),
        Message::HaveAll => encode_bare(id::HAVE_ALL, out),
        Message::HaveNone => encode_bare(id::HAVE_NONE, out),
        Message::Reject(span) => encode_span(id::REJECT, *span, out),
        Message::AllowedFast(piece) => encode_piece(id::ALLOWED_FAST, *piece, out),
        Message::Extended { id, payload } => encode_extended(*id, payload, out),
        Message::Piece { .. } | Message::DontHave(_) | Message::Metadata(_) | Message::Pex(_) => {}
    }
}

/// Appends what stands in front of a block's data.
pub(super) fn encode_piece_header(span: BlockSpan, out: &mut BytesMut) {
    let [a, b, c, d] = PIECE_OVERHEAD.saturating_add(span.length).to_be_bytes();
    let mut header = [a, b, c, d, id::PIECE, 0, 0, 0, 0, 0, 0, 0, 0];
    put_words(&mut header, &[span.piece.0, span.begin]);
    out.extend_from_slice(&header);
}

/// Appends message 20 with the receiver's id of the extension (BEP 10).
pub(super) fn encode_extended(extension: u8, payload: &[u8], out: &mut BytesMut) {
    encode_bytes(id::EXTENDED, &[&[extension], payload], out);
}

fn encode_bare(id: u8, out: &mut BytesMut) {
    out.extend_from_slice(&[0, 0, 0, 1, id]);
}

fn encode_piece(id: u8, piece: PieceIndex, out: &mut BytesMut) {
    let [a, b, c, d] = piece.0.to_be_bytes();
    out.extend_from_slice(&[0, 0, 0, 5, id, a, b, c, d]);
}

fn encode_span(id: u8, span: BlockSpan, out: &mut BytesMut) {
    let mut message = [0, 0, 0, 13, id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    put_words(&mut message, &[span.piece.0, span.begin, span.length]);
    out.extend_from_slice(&message);
}

/// Writes big-endian numbers behind a message's id.
fn put_words(message: &mut [u8], words: &[u32]) {
    let (fields, _) = message[PREFIX_LEN..].as_chunks_mut();
    for (field, word) in fields.iter_mut().zip(words) {
        *field = word.to_be_bytes();
    }
}

fn encode_bytes(id: u8, parts: &[&[u8]], out: &mut BytesMut) {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.reserve(4 + length);
    // No message this engine makes comes near 4 GiB.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    out.put_u8(id);
    parts.iter().for_each(|part| out.put_slice(part));
}

//! Arbitrary bytes in arbitrary parts into both kinds of peer connection: nothing panics, what is
//! reported is legal, nothing follows a failure, no more than one message is kept back.
//!
//! Input: flags (1 incoming, 2 no BEP 6, 4 no BEP 10, 8 the bytes bring their own handshake, 16 the
//! metadata is not here), the length of a part, then the bytes.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use tern::base::limits::{PEER_MESSAGE_BYTES, REQUEST_BYTES};
use tern::base::{BlockSpan, InfoHash, Instant, Payload, PeerId, PieceIndex};
use tern::proto::peer::{Config, Connection, Event, Message};

const PIECES: u32 = 21;
/// Bounds indexes while nothing is known.
const UNKNOWN: u32 = tern::base::limits::UNKNOWN_PIECES;
const HASH: [u8; 20] = [7; 20];

fn config(flags: u8) -> Config {
    Config {
        info_hash: InfoHash(HASH),
        peer_id: PeerId([1; 20]),
        piece_count: (flags & 16 == 0).then_some(PIECES),
        metadata_size: 1000,
        pex: true,
        client: "fuzz".into(),
        reqq: 10,
        listen_port: 1,
        peer_addr: None,
        upload_only: false,
        dht: false,
        handshake_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(100),
    }
}

fn hello(flags: u8) -> Vec<u8> {
    let fast = if flags & 2 == 0 { 4 } else { 0 };
    let extended = if flags & 4 == 0 { 0x10 } else { 0 };
    let reserved = [0, 0, 0, 0, 0, extended, 0, fast];
    [&b"\x13BitTorrent protocol"[..], &reserved, &HASH, &[2; 20]].concat()
}

fn check_span(span: &BlockSpan, pieces: u32) {
    assert!(span.piece.0 < pieces && span.begin.checked_add(span.length).is_some());
}

fn check_index(piece: &PieceIndex, pieces: u32) {
    assert!(piece.0 < pieces);
}

fn check(message: &Message, pieces: u32) {
    match message {
        Message::Have(piece)
        | Message::Suggest(piece)
        | Message::AllowedFast(piece)
        | Message::DontHave(piece) => check_index(piece, pieces),
        Message::Bitfield(bits) if pieces == UNKNOWN => {
            assert!(bits.len() <= (UNKNOWN / 8 + 1) as usize);
        }
        Message::Bitfield(bits) => assert!(bits.len() == 3 && bits[2] & 7 == 0),
        Message::Request(span) => {
            check_span(span, pieces);
            assert!((1..=REQUEST_BYTES).contains(&span.length));
        }
        Message::Cancel(span) | Message::Reject(span) => check_span(span, pieces),
        Message::Piece { piece, data, .. } => {
            check_index(piece, pieces);
            assert!(!data.is_empty() && data.len() <= REQUEST_BYTES as usize);
        }
        Message::KeepAlive => panic!("never reported"),
        _ => {}
    }
}

/// One input.
pub fn run(input: &[u8]) {
    let [flags, step, bytes @ ..] = input else { return };
    let pieces = if flags & 16 == 0 { PIECES } else { UNKNOWN };
    let mut now = Instant::ZERO;
    let mut connection = if flags & 1 == 0 {
        Connection::outgoing(now, config(*flags))
    } else {
        Connection::incoming(now, Duration::from_secs(10))
    };
    let stream = if flags & 8 == 0 { [&hello(*flags), bytes].concat() } else { bytes.to_vec() };
    let mut data = BytesMut::new();
    let (mut failed, mut accepted) = (false, false);
    for part in stream.chunks(usize::from(*step) + 1) {
        now = now + Duration::from_millis(500);
        data.extend_from_slice(part);
        connection.receive(now, &mut data);
        while let Some(event) = connection.poll_event() {
            assert!(!failed, "{event:?} after a failure");
            match event {
                Event::Handshake(theirs) if flags & 1 != 0 => {
                    accepted = theirs.info_hash.0 == HASH;
                    connection.accept(now, config(*flags));
                    connection.receive(now, &mut data);
                }
                Event::Handshake(_) => accepted = true,
                Event::Extensions(_) => {}
                Event::Message(message) => {
                    check(&message, pieces);
                    // Back to where it came from, for the encoder's sake.
                    connection.send(now, message);
                }
                Event::Failed(_) => failed = true,
            }
        }
        connection.handle_timeout(now);
        if accepted && !failed {
            assert!(data.len() <= PEER_MESSAGE_BYTES + 4);
        }
    }
    connection.drop_queued_pieces();
    let queued = connection.queued_len();
    let mut out = VecDeque::new();
    connection.take_transmit(&mut out);
    assert_eq!(out.iter().map(Payload::len).sum::<usize>(), queued);
}

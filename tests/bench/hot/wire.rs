//! One connection: messages out of a receive buffer and into a send queue.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tern::base::{BlockSpan, InfoHash, Instant, PeerId, PieceIndex};
use tern::proto::peer::{Config, Connection, Event, Message};

use crate::Meter;

/// Bytes of a block.
pub const BLOCK: u32 = 16 << 10;
const HASH: InfoHash = InfoHash([7; 20]);
const ROUNDS: usize = 100;

/// What a peer that speaks BEP 6 says first.
pub fn handshake(info_hash: &InfoHash, number: u8) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_slice(b"\x13BitTorrent protocol");
    out.put_slice(&[0, 0, 0, 0, 0, 0, 0, 4]);
    out.put_slice(&info_hash.0);
    out.put_slice(&[number; 20]);
    out
}

/// A message that is an id and nothing else, or a request.
pub fn put_message(out: &mut BytesMut, id: u8, numbers: &[u32]) {
    out.put_u32(1 + 4 * numbers.len() as u32);
    out.put_u8(id);
    numbers.iter().for_each(|n| out.put_u32(*n));
}

/// A piece message with a whole block of zeros.
pub fn put_piece(out: &mut BytesMut, piece: u32, begin: u32) {
    out.put_u32(9 + BLOCK);
    out.put_u8(7);
    out.put_u32(piece);
    out.put_u32(begin);
    out.put_bytes(0, BLOCK as usize);
}

fn connection() -> Connection {
    let config = Config {
        info_hash: HASH,
        peer_id: PeerId([1; 20]),
        piece_count: Some(1024),
        metadata_size: 0,
        pex: true,
        client: "bench".into(),
        reqq: 500,
        listen_port: 1,
        peer_addr: None,
        upload_only: false,
        dht: false,
        handshake_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(100),
    };
    let mut connection = Connection::outgoing(Instant::ZERO, config);
    let mut data = handshake(&HASH, 2);
    put_message(&mut data, 14, &[]);
    connection.receive(Instant::ZERO, &mut data);
    while connection.poll_event().is_some() {}
    connection.take_transmit(&mut VecDeque::new());
    connection
}

fn decode(meter: &mut Meter, count: usize, put: impl Fn(&mut BytesMut, u32)) {
    let mut connection = connection();
    for round in 0..ROUNDS {
        let mut data = BytesMut::new();
        (0..count).for_each(|n| put(&mut data, ((round * count + n) % 1024) as u32));
        let seen = meter.run(count as u64, || {
            connection.receive(Instant::ZERO, &mut data);
            let mut seen = 0;
            while let Some(event) = connection.poll_event() {
                seen += usize::from(matches!(event, Event::Message(_)));
            }
            seen
        });
        assert_eq!(seen, count);
    }
}

/// Runs of PIECE.
pub fn decode_piece(meter: &mut Meter) {
    decode(meter, 16, |out, n| put_piece(out, n, 0));
}

/// Runs of REQUEST.
pub fn decode_request(meter: &mut Meter) {
    decode(meter, 64, |out, n| put_message(out, 6, &[n, 0, BLOCK]));
}

/// Runs of HAVE.
pub fn decode_have(meter: &mut Meter) {
    decode(meter, 64, |out, n| put_message(out, 4, &[n]));
}

fn encode(meter: &mut Meter, length: usize, message: impl Fn(u32) -> Message) {
    let mut connection = connection();
    for _ in 0..ROUNDS {
        let sent: usize = meter.run(64, || {
            for n in 0..64 {
                connection.send(Instant::ZERO, message(n));
            }
            let mut out = VecDeque::new();
            connection.take_transmit(&mut out);
            out.iter().map(|part| part.len()).sum()
        });
        assert_eq!(sent, 64 * length);
    }
}

/// Runs of REQUEST.
pub fn encode_request(meter: &mut Meter) {
    encode(meter, 17, |n| {
        Message::Request(BlockSpan { piece: PieceIndex(n), begin: 0, length: BLOCK })
    });
}

/// Runs of HAVE.
pub fn encode_have(meter: &mut Meter) {
    encode(meter, 9, |n| Message::Have(PieceIndex(n)));
}

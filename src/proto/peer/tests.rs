//! The wire protocol by bytes: every message, every split, every illegal form.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::*;
use crate::base::Instant;

const T0: Instant = Instant::from_micros(1_000_000);
const OURS: PeerId = PeerId(*b"-TN0010-aaaaaaaaaaaa");
const THEIRS: PeerId = PeerId(*b"-XX0001-bbbbbbbbbbbb");
const HASH: InfoHash = InfoHash([7; 20]);
const BOTH: [u8; 8] = [0, 0, 0, 0, 0, 0x10, 0, 4];

fn config() -> Config {
    Config {
        info_hash: HASH,
        peer_id: OURS,
        piece_count: Some(10),
        metadata_size: 0,
        pex: false,
        client: "libtern/0.1".into(),
        reqq: 500,
        listen_port: 6881,
        peer_addr: Some(IpAddr::from([1, 2, 3, 4])),
        upload_only: false,
        dht: false,
        handshake_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(150),
    }
}

fn hello(reserved: [u8; 8], hash: InfoHash, peer_id: PeerId) -> Vec<u8> {
    let mut out = b"\x13BitTorrent protocol".to_vec();
    out.extend(reserved);
    out.extend(hash.0);
    out.extend(peer_id.0);
    out
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    out.extend(body);
    out
}

fn span(piece: u32, begin: u32, length: u32) -> BlockSpan {
    BlockSpan { piece: PieceIndex(piece), begin, length }
}

fn extended(id: u8, payload: &[u8]) -> Event {
    Event::Message(Message::Extended { id, payload: Bytes::copy_from_slice(payload) })
}

fn events(connection: &mut Connection) -> Vec<Event> {
    core::iter::from_fn(|| connection.poll_event()).collect()
}

fn sent(connection: &mut Connection) -> Vec<u8> {
    let mut chunks = VecDeque::new();
    connection.take_transmit(&mut chunks);
    assert_eq!(connection.queued_len(), 0);
    chunks.iter().filter_map(Payload::in_memory).flatten().copied().collect()
}

/// An outgoing connection past the handshake, its events and output taken.
fn open_with(reserved: [u8; 8]) -> Connection {
    let mut connection = Connection::outgoing(T0, config());
    connection.receive(T0, &mut BytesMut::from(&hello(reserved, HASH, THEIRS)[..]));
    assert_eq!(events(&mut connection).len(), 1);
    sent(&mut connection);
    connection
}

/// What one frame leads to on a fresh connection.
fn feed(reserved: [u8; 8], body: &[u8]) -> Vec<Event> {
    let mut connection = open_with(reserved);
    connection.receive(T0, &mut BytesMut::from(&frame(body)[..]));
    events(&mut connection)
}

fn messages() -> Vec<(Vec<u8>, Message)> {
    let s = [0, 0, 0, 3, 0, 0, 0x40, 0, 0, 0, 0x20, 0];
    let with = |id: u8, rest: &[u8]| [&[id], rest].concat();
    vec![
        (vec![0], Message::Choke),
        (vec![1], Message::Unchoke),
        (vec![2], Message::Interested),
        (vec![3], Message::NotInterested),
        (with(4, &[0, 0, 0, 9]), Message::Have(PieceIndex(9))),
        (with(5, &[0xff, 0x40]), Message::Bitfield(Bytes::from_static(&[0xff, 0x40]))),
        (with(6, &s), Message::Request(span(3, 0x4000, 0x2000))),
        (
            with(7, &[0, 0, 0, 3, 0, 0, 0x40, 0, 0xab, 0xcd]),
            Message::Piece {
                piece: PieceIndex(3),
                begin: 0x4000,
                data: Bytes::from_static(&[0xab, 0xcd]).into(),
            },
        ),
        (with(8, &s), Message::Cancel(span(3, 0x4000, 0x2000))),
        (with(9, &[0x1a, 0xe1]), Message::Port(6881)),
        (with(13, &[0, 0, 0, 1]), Message::Suggest(PieceIndex(1))),
        (vec![14], Message::HaveAll),
        (vec![15], Message::HaveNone),
        (with(16, &s), Message::Reject(span(3, 0x4000, 0x2000))),
        (with(17, &[0, 0, 0, 2]), Message::AllowedFast(PieceIndex(2))),
    ]
}

#[test]
fn every_message_both_ways() {
    for (body, message) in messages() {
        assert_eq!(feed(BOTH, &body), [Event::Message(message.clone())]);
        let mut connection = open_with(BOTH);
        connection.send(T0, message);
        assert_eq!(connection.queued_len(), 4 + body.len());
        assert_eq!(sent(&mut connection), frame(&body));
    }
    let mut connection = open_with(BOTH);
    connection.send(T0, Message::KeepAlive);
    assert_eq!(sent(&mut connection), [0; 4]);
    connection.receive(T0, &mut BytesMut::from(&[0u8; 8][..]));
    assert_eq!(events(&mut connection), []);
}

#[test]
fn the_handshake_we_send() {
    let mut connection = Connection::outgoing(T0, config());
    assert_eq!(sent(&mut connection), hello(BOTH, HASH, OURS));
    // Not open yet: nothing else goes out.
    connection.send(T0, Message::Interested);
    assert_eq!(connection.queued_len(), 0);
    let extension = b"\x14\x00d1:md11:lt_donthavei7e11:ut_metadatai2e6:ut_pexi0ee\
                      1:pi6881e4:reqqi500e11:upload_onlyi0e1:v11:libtern/0.1\
                      6:yourip4:\x01\x02\x03\x04e";
    let theirs = hello(BOTH, HASH, THEIRS);
    connection.receive(T0, &mut BytesMut::from(&theirs[..48]));
    assert_eq!(events(&mut connection), []);
    connection.receive(T0, &mut BytesMut::from(&theirs[..]));
    assert!(connection.fast() && connection.extended());
    assert_eq!(sent(&mut connection), frame(extension));
    connection.send_upload_only(T0, true);
    let again = sent(&mut connection);
    assert!(again.windows(16).any(|w| w == b"upload_onlyi1e1:"), "{again:?}");
}

#[test]
fn handshake_split_at_every_byte() {
    let theirs = hello(BOTH, HASH, THEIRS);
    let expected = Event::Handshake(Handshake { reserved: BOTH, info_hash: HASH, peer_id: THEIRS });
    for at in 0..theirs.len() {
        for incoming in [false, true] {
            let mut connection = if incoming {
                Connection::incoming(T0, Duration::from_secs(20))
            } else {
                Connection::outgoing(T0, config())
            };
            let mut data = BytesMut::from(&theirs[..at]);
            connection.receive(T0, &mut data);
            assert_eq!(events(&mut connection), [], "{at}");
            data.extend_from_slice(&theirs[at..]);
            data.extend_from_slice(&frame(&[1]));
            connection.receive(T0, &mut data);
            if incoming {
                assert_eq!(events(&mut connection), core::slice::from_ref(&expected));
                assert_eq!(&data[..], frame(&[1]), "bytes wait for accept");
                assert_eq!(connection.queued_len(), 0);
                connection.accept(T0, config());
                assert_eq!(sent(&mut connection)[..68], hello(BOTH, HASH, OURS));
                connection.receive(T0, &mut data);
                assert_eq!(events(&mut connection), [Event::Message(Message::Unchoke)]);
            } else {
                let all = [expected.clone(), Event::Message(Message::Unchoke)];
                assert_eq!(events(&mut connection), all);
            }
            assert!(data.is_empty());
        }
    }
}

#[test]
fn bad_handshakes_fail_on_the_first_byte_that_shows_it() {
    let cases: [(&[u8], Fault); 4] = [
        (b"\x12", Fault::BadHandshake),
        (b"GET / HTTP/1.1", Fault::BadHandshake),
        (b"\x13BitTorrent protoc0", Fault::BadHandshake),
        (&hello(BOTH, InfoHash([8; 20]), THEIRS)[..48], Fault::WrongInfoHash),
    ];
    for (bytes, fault) in cases {
        let mut connection = Connection::outgoing(T0, config());
        connection.receive(T0, &mut BytesMut::from(bytes));
        assert_eq!(events(&mut connection), [Event::Failed(fault)]);
        assert_eq!((connection.queued_len(), connection.next_deadline()), (0, None));
    }
    let mut outgoing = Connection::outgoing(T0, config());
    outgoing.receive(T0, &mut BytesMut::from(&hello(BOTH, HASH, OURS)[..]));
    assert_eq!(events(&mut outgoing), [Event::Failed(Fault::SelfConnection)]);
    for (hash, id, fault) in
        [(HASH, OURS, Fault::SelfConnection), (InfoHash([8; 20]), THEIRS, Fault::WrongInfoHash)]
    {
        let mut incoming = Connection::incoming(T0, Duration::from_secs(20));
        incoming.receive(T0, &mut BytesMut::from(&hello(BOTH, hash, id)[..]));
        assert!(matches!(events(&mut incoming)[..], [Event::Handshake(_)]));
        incoming.accept(T0, config());
        assert_eq!(events(&mut incoming), [Event::Failed(fault)]);
        assert_eq!(incoming.queued_len(), 0);
    }
}

#[test]
fn illegal_payloads() {
    let bad = |id| Fault::BadMessage(id);
    let request = |index: u32, begin: u32, length: u32| {
        [&[6][..], &index.to_be_bytes(), &begin.to_be_bytes(), &length.to_be_bytes()].concat()
    };
    let cases: Vec<(Vec<u8>, Fault)> = vec![
        (vec![0, 0], bad(0)),
        (vec![4, 0, 0, 0], bad(4)),
        (vec![4, 0, 0, 0, 10], bad(4)),
        (vec![5, 0xff], bad(5)),
        (vec![5, 0xff, 0xc0, 0], bad(5)),
        (vec![5, 0xff, 0x20], bad(5)),
        (request(10, 0, 1), bad(6)),
        (request(0, 0, 0), bad(6)),
        (request(0, 0, 128 * 1024 + 1), bad(6)),
        (request(0, u32::MAX, 1), bad(6)),
        (vec![6; 12], bad(6)),
        (vec![7; 8], bad(7)),
        (vec![7, 0, 0, 0, 10, 0, 0, 0, 0, 1], bad(7)),
        (vec![7, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1], bad(7)),
        (vec![8, 0], bad(8)),
        (vec![9, 0], bad(9)),
        (vec![13, 0, 0, 0, 10], bad(13)),
        (vec![14, 0], bad(14)),
        (vec![17, 0, 0, 1, 0], bad(17)),
        (vec![20], bad(20)),
        (vec![20, 7, 0, 0, 0, 10], bad(20)),
        (vec![20, 7, 0, 0, 0], bad(20)),
        (b"\x14\x00i1e".to_vec(), Fault::BadExtensionHandshake),
        (b"\x14\x00".to_vec(), Fault::BadExtensionHandshake),
    ];
    for (body, fault) in cases {
        assert_eq!(feed(BOTH, &body), [Event::Failed(fault)], "{body:?}");
    }
    let largest = request(9, 0, 128 * 1024);
    assert!(matches!(feed(BOTH, &largest)[..], [Event::Message(Message::Request(_))]));
}

#[test]
fn too_long_frames_are_refused_before_they_arrive() {
    for (bytes, fault) in [
        (vec![0xff; 4], Fault::OversizedMessage),
        (vec![0, 0x10, 0, 1], Fault::OversizedMessage),
        (vec![0, 2, 0, 10, 7], Fault::OversizedMessage),
        (vec![0, 0x10, 0, 1, 99], Fault::OversizedMessage),
        (vec![0, 0, 0, 100, 0], Fault::BadMessage(0)),
        (vec![0, 0, 0, 4, 5], Fault::BadMessage(5)),
    ] {
        let mut connection = open_with(BOTH);
        connection.receive(T0, &mut BytesMut::from(&bytes[..]));
        assert_eq!(events(&mut connection), [Event::Failed(fault)], "{bytes:?}");
    }
    for legal in [vec![0, 2, 0, 9, 7], vec![0, 0x10, 0, 0, 20], vec![0, 0x10, 0, 0]] {
        let mut connection = open_with(BOTH);
        connection.receive(T0, &mut BytesMut::from(&legal[..]));
        assert_eq!(events(&mut connection), [], "{legal:?}");
    }
}

#[test]
fn features_that_were_not_negotiated() {
    let unknown = [vec![10], vec![21, 1, 2], vec![255; 100], vec![7; 9]];
    for body in unknown {
        let mut body = body;
        if body[0] == 7 {
            // An empty block of piece 0: says nothing, asked by nobody.
            body[1..].fill(0);
        }
        assert_eq!(feed(BOTH, &body), [], "{body:?}");
    }
    for (body, _) in messages().into_iter().filter(|(body, _)| (13..=17).contains(&body[0])) {
        let fault = Event::Failed(Fault::FastNotNegotiated);
        assert_eq!(feed([0, 0, 0, 0, 0, 0x10, 0, 0], &body), [fault]);
    }
    assert_eq!(feed([0; 8], b"\x14\x00garbage"), []);
    // Told, for whoever follows the wire, and that is all.
    assert_eq!(feed(BOTH, &[20, 99, 1]), [extended(99, &[1])]);
    let mut plain = open_with([0; 8]);
    for message in [
        Message::HaveNone,
        Message::Suggest(PieceIndex(1)),
        Message::Reject(span(0, 0, 1)),
        Message::AllowedFast(PieceIndex(1)),
        Message::DontHave(PieceIndex(1)),
        Message::Extended { id: 3, payload: Bytes::new() },
    ] {
        plain.send(T0, message);
    }
    plain.send_upload_only(T0, true);
    assert_eq!(plain.queued_len(), 0);
    plain.send(T0, Message::HaveAll);
    assert_eq!(sent(&mut plain), frame(&[5, 0xff, 0xc0]));
}

#[test]
fn where_a_bitfield_may_stand() {
    let firsts: [&[u8]; 3] = [&[5, 0xff, 0xc0], &[14], &[15]];
    for first in firsts {
        let mut connection = open_with(BOTH);
        let mut data = BytesMut::new();
        for body in [b"\x14\x00de", &[9, 0, 1][..], &[], &[99], first] {
            data.extend_from_slice(&frame(body));
        }
        connection.receive(T0, &mut data);
        assert_eq!(events(&mut connection).len(), 4);
        for second in firsts {
            let mut connection = open_with(BOTH);
            let both = [frame(first), frame(second)].concat();
            connection.receive(T0, &mut BytesMut::from(&both[..]));
            let events = events(&mut connection);
            assert!(matches!(events[0], Event::Message(_)));
            assert_eq!(events[1..], late(second));
        }
        let mut connection = open_with(BOTH);
        let both = [frame(&[4, 0, 0, 0, 1]), frame(first)].concat();
        connection.receive(T0, &mut BytesMut::from(&both[..]));
        assert_eq!(events(&mut connection)[1..], late(first));
    }

    /// aria2 sends a bitfield in place of many `have`s; the messages of BEP 6 come once.
    fn late(body: &[u8]) -> [Event; 1] {
        match body {
            [5, bits @ ..] => [Event::Message(Message::Bitfield(Bytes::copy_from_slice(bits)))],
            _ => [Event::Failed(Fault::UnexpectedBitfield)],
        }
    }
}

#[test]
fn extension_handshakes_add_up() {
    let mut connection = open_with(BOTH);
    let say = |connection: &mut Connection, dict: &[u8]| {
        let body = [&[20, 0][..], dict].concat();
        connection.receive(T0, &mut BytesMut::from(&frame(&body)[..]));
        match events(connection).pop() {
            Some(Event::Extensions(extensions)) => extensions,
            other => panic!("{other:?}"),
        }
    };
    let first = say(
        &mut connection,
        b"d1:md11:lt_donthavei9e6:ut_pexi1ee1:pi51413e4:reqqi250e11:upload_onlyi1e\
          1:v9:Test\x00\xff 1.6:yourip4:\x7f\x00\x00\x01etrailing",
    );
    let expected = PeerExtensions {
        client: Some("Test\u{fffd} 1.".into()),
        reqq: Some(250),
        listen_port: Some(51413),
        your_ip: Some(IpAddr::from([127, 0, 0, 1])),
        upload_only: true,
        dont_have: true,
        pex: true,
        ..PeerExtensions::default()
    };
    assert_eq!(first, expected);
    connection.send(T0, Message::DontHave(PieceIndex(3)));
    assert_eq!(sent(&mut connection), frame(&[20, 9, 0, 0, 0, 3]));
    let body = frame(&[20, 7, 0, 0, 0, 3]);
    connection.receive(T0, &mut BytesMut::from(&body[..]));
    let lost = Event::Message(Message::DontHave(PieceIndex(3)));
    assert_eq!(events(&mut connection), [lost]);
    // Nonsense values are as good as absent ones.
    let same = say(&mut connection, b"d1:mi1e1:pi70000e4:reqqi-1e1:vi1e6:yourip3:abce");
    assert_eq!(same, expected);
    let off = say(&mut connection, b"d1:md11:lt_donthavei0ee11:upload_onlyi0ee");
    assert!(!off.upload_only && !off.dont_have);
    connection.send(T0, Message::DontHave(PieceIndex(3)));
    assert_eq!(connection.queued_len(), 0);
}

#[test]
fn payloads_are_not_copied_and_small_messages_are_one_chunk() {
    let mut connection = open_with(BOTH);
    let (one, two) = (Bytes::from(vec![1; 16384]), Bytes::from(vec![2; 100]));
    let block = |piece, data: &Bytes| Message::Piece { piece, begin: 0, data: data.clone().into() };
    connection.send(T0, Message::Unchoke);
    connection.send(T0, Message::Have(PieceIndex(1)));
    connection.send(T0, block(PieceIndex(1), &one));
    connection.send(T0, block(PieceIndex(2), &two));
    connection.send(T0, Message::Choke);
    let mut chunks = VecDeque::new();
    connection.take_transmit(&mut chunks);
    let lengths: Vec<usize> = chunks.iter().map(Payload::len).collect();
    assert_eq!(lengths, [5 + 9 + 13, 16384, 13, 100, 5]);
    assert_eq!(chunks[1].in_memory().unwrap().as_ptr(), one.as_ptr());

    let mut data = BytesMut::with_capacity(40_000);
    for chunk in &chunks {
        data.extend_from_slice(chunk.in_memory().unwrap());
    }
    let base = data.as_ptr();
    connection.receive(T0, &mut data);
    let Some(Event::Message(Message::Piece { data, .. })) = events(&mut connection).get(2).cloned()
    else {
        panic!("no piece")
    };
    assert_eq!(data.in_memory().unwrap().as_ptr(), base.wrapping_add(27));
}

#[test]
fn queued_blocks_can_be_withdrawn() {
    let mut connection = open_with(BOTH);
    let block = |piece| Message::Piece {
        piece: PieceIndex(piece),
        begin: 0,
        data: Bytes::from(vec![0; 10]).into(),
    };
    for message in [block(1), Message::Unchoke, block(2), block(3), Message::Choke] {
        connection.send(T0, message);
    }
    assert!(!connection.unqueue(span(2, 0, 11)));
    assert!(connection.unqueue(span(2, 0, 10)) && !connection.unqueue(span(2, 0, 10)));
    assert_eq!(connection.queued_len(), 2 * 23 + 10);
    assert_eq!(connection.drop_queued_pieces(), [span(1, 0, 10), span(3, 0, 10)]);
    assert_eq!(connection.queued_len(), 10);
    assert_eq!(sent(&mut connection), [frame(&[1]), frame(&[0])].concat());
}

#[test]
fn time_outs_and_keep_alives() {
    let secs = |n| T0 + Duration::from_secs(n);
    let mut silent = Connection::outgoing(T0, config());
    assert_eq!(silent.next_deadline(), Some(secs(20)));
    silent.handle_timeout(secs(19));
    assert_eq!(events(&mut silent), []);
    silent.handle_timeout(secs(20));
    assert_eq!(events(&mut silent), [Event::Failed(Fault::HandshakeTimeout)]);

    let mut undecided = Connection::incoming(T0, Duration::from_secs(5));
    undecided.receive(T0, &mut BytesMut::from(&hello(BOTH, HASH, THEIRS)[..]));
    undecided.handle_timeout(secs(5));
    assert_eq!(events(&mut undecided)[1..], [Event::Failed(Fault::HandshakeTimeout)]);

    let mut open = open_with(BOTH);
    assert_eq!(open.next_deadline(), Some(secs(100)));
    open.handle_timeout(secs(99));
    assert_eq!(open.queued_len(), 0);
    open.handle_timeout(secs(100));
    assert_eq!(sent(&mut open), [0; 4]);
    assert_eq!(open.next_deadline(), Some(secs(150)), "idle comes before the next keep-alive");
    open.receive(secs(140), &mut BytesMut::from(&[0u8; 4][..]));
    open.send(secs(150), Message::Interested);
    open.handle_timeout(secs(249));
    assert_eq!(sent(&mut open), frame(&[2]), "no keep-alive while we talk");
    open.handle_timeout(secs(290));
    assert_eq!(events(&mut open), [Event::Failed(Fault::IdleTimeout)]);
    open.receive(secs(291), &mut BytesMut::from(&frame(&[1])[..]));
    open.send(secs(291), Message::Interested);
    assert_eq!((events(&mut open), open.queued_len()), (vec![], 0));
}

fn any_message() -> impl Strategy<Value = Message> {
    let piece = (0u32..10).prop_map(PieceIndex);
    let blocks = (0u32..10, 0u32..1 << 20, 1u32..=128 << 10).prop_map(|(p, b, l)| span(p, b, l));
    prop_oneof![
        Just(Message::Choke),
        Just(Message::Unchoke),
        Just(Message::Interested),
        piece.clone().prop_map(Message::Have),
        blocks.clone().prop_map(Message::Request),
        blocks.clone().prop_map(Message::Cancel),
        blocks.prop_map(Message::Reject),
        piece.clone().prop_map(Message::Suggest),
        piece.clone().prop_map(Message::AllowedFast),
        any::<u16>().prop_map(Message::Port),
        (piece, 0u32..1 << 20, proptest::collection::vec(any::<u8>(), 1..300)).prop_map(
            |(piece, begin, data)| Message::Piece { piece, begin, data: Bytes::from(data).into() }
        ),
    ]
}

proptest! {
    /// What one machine sends the other receives, however the stream is cut.
    #[test]
    fn two_machines_understand_each_other(
        queued in proptest::collection::vec(any_message(), 0..40),
        cuts in proptest::collection::vec(1usize..200, 1..20),
    ) {
        let mut alice = Connection::outgoing(T0, config());
        let mut bob = Connection::incoming(T0, Duration::from_secs(20));
        bob.receive(T0, &mut BytesMut::from(&sent(&mut alice)[..]));
        bob.accept(T0, Config { peer_id: THEIRS, ..config() });
        alice.receive(T0, &mut BytesMut::from(&sent(&mut bob)[..]));
        events(&mut bob);
        for message in &queued {
            alice.send(T0, message.clone());
        }
        let stream = sent(&mut alice);
        let (mut rest, mut data) = (&stream[..], BytesMut::new());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            data.extend_from_slice(now);
            bob.receive(T0, &mut data);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(data.is_empty());
        let heard: Vec<Message> = events(&mut bob)
            .into_iter()
            .filter_map(|event| match event {
                Event::Message(message) => Some(message),
                _ => None,
            })
            .collect();
        let greeting = alice.extension_handshake();
        prop_assert_eq!(heard, greeting.into_iter().chain(queued).collect::<Vec<_>>());
    }

    /// Foreign bytes never panic, and nothing follows a failure.
    #[test]
    fn noise(bytes in proptest::collection::vec(0u8..24, 0..400), fast: bool) {
        let mut connection = open_with(if fast { BOTH } else { [0; 8] });
        connection.receive(T0, &mut BytesMut::from(&bytes[..]));
        let events = events(&mut connection);
        let failed = events.iter().position(|event| matches!(event, Event::Failed(_)));
        prop_assert!(failed.is_none_or(|at| at + 1 == events.len()));
    }
}

#[test]
fn without_metadata_indexes_have_another_bound_until_it_comes() {
    let unknown = Config { piece_count: None, pex: true, ..config() };
    let mut connection = Connection::outgoing(T0, unknown);
    connection.receive(T0, &mut BytesMut::from(&hello(BOTH, HASH, THEIRS)[..]));
    events(&mut connection);
    let hello = sent(&mut connection);
    let offers = b"1:md11:lt_donthavei7e11:ut_metadatai2e6:ut_pexi1ee1:p";
    assert!(hello.windows(offers.len()).any(|part| part == offers), "{}", hello.escape_ascii());
    let say = |connection: &mut Connection, body: &[u8]| {
        connection.receive(T0, &mut BytesMut::from(&frame(body)[..]));
        events(connection)
    };
    let bits = Bytes::from_static(&[0xff, 0xff, 0xff]);
    let bitfield = Event::Message(Message::Bitfield(bits));
    assert_eq!(say(&mut connection, &[5, 0xff, 0xff, 0xff]), [bitfield]);
    let have = Event::Message(Message::Have(PieceIndex(70_000)));
    assert_eq!(say(&mut connection, &[4, 0, 1, 0x11, 0x70]), [have]);
    connection.set_metadata(T0, 10, 300, true);
    let again = sent(&mut connection);
    let size = b"13:metadata_sizei300e";
    assert!(again.windows(size.len()).any(|part| part == size), "{}", again.escape_ascii());
    assert_eq!(say(&mut connection, &[4, 0, 0, 0, 10]), [Event::Failed(Fault::BadMessage(4))]);
}

#[test]
fn metadata_and_peer_exchange_are_carried_when_both_sides_take_them() {
    let mut connection = open_with(BOTH);
    connection.send(T0, Message::Metadata(Bytes::from_static(b"d8:msg_typei0e5:piecei0ee")));
    assert_eq!(connection.queued_len(), 0, "the peer takes none yet");
    let theirs = b"d1:ei1e1:md12:ut_holepunchi4e11:ut_metadatai3e6:ut_pexi9ee13:metadata_sizei7ee";
    let body = [&[20, 0][..], theirs].concat();
    connection.receive(T0, &mut BytesMut::from(&frame(&body)[..]));
    let heard = events(&mut connection);
    let [told, Event::Extensions(said)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!(*told, extended(0, theirs));
    let offers = said.metadata && said.pex && said.holepunch && said.prefers_encryption;
    assert!(offers && said.metadata_size == Some(7));
    for (message, numbers) in [
        (Message::Pex(Bytes::new()), [1, 9]),
        (Message::Metadata(Bytes::new()), [2, 3]),
        (Message::DontHave(PieceIndex(0)), [7, 0]),
        (Message::Extended { id: 99, payload: Bytes::new() }, [99, 99]),
        (Message::Choke, [0, 0]),
    ] {
        let number = |incoming| connection.extension_number(&message, incoming);
        assert_eq!([number(true), number(false)], numbers, "{message:?}");
    }
    let request = b"d8:msg_typei0e5:piecei0ee";
    connection.send(T0, Message::Metadata(Bytes::from_static(request)));
    assert_eq!(sent(&mut connection), frame(&[&[20, 3][..], request].concat()));
    let took = |connection: &mut Connection, id: u8, payload: &[u8]| {
        let body = [&[20, id][..], payload].concat();
        connection.receive(T0, &mut BytesMut::from(&frame(&body)[..]));
        events(connection)
    };
    let payload = Bytes::from_static(request);
    let asked = Event::Message(Message::Metadata(payload));
    assert_eq!(took(&mut connection, 2, request), [asked]);
    let to_come = b"d8:msg_typei9e5:piecei0ee";
    assert_eq!(took(&mut connection, 2, to_come), [extended(2, to_come)], "only told");
    // Not offered: neither sent nor heeded.
    connection.send(T0, Message::Pex(Bytes::from_static(b"de")));
    assert_eq!(
        (connection.queued_len(), took(&mut connection, 1, b"de")),
        (0, vec![extended(1, b"de")])
    );
    assert!(connection.set_pex(T0, true));
    let Some(Message::Extended { id: 0, payload }) = connection.extension_handshake() else {
        panic!("the peer takes it");
    };
    assert_eq!(sent(&mut connection), frame(&[&[20, 0][..], &payload].concat()));
    assert!(!connection.set_pex(T0, true), "no news");
    let heard = Event::Message(Message::Pex(Bytes::from_static(b"de")));
    assert_eq!(took(&mut connection, 1, b"de"), [heard]);
    connection.send(T0, Message::Pex(Bytes::from_static(b"de")));
    assert_eq!(sent(&mut connection), frame(&[20, 9, b'd', b'e']));
    let bad = [Event::Failed(Fault::BadMessage(20))];
    assert_eq!(took(&mut connection, 2, b"nonsense"), bad);
}

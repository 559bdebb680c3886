//! KRPC: the BEP's examples byte for byte, and round trips of whatever can be said.

use std::net::SocketAddr;

use proptest::prelude::*;

use crate::proto::dht::*;

const ID: NodeId = NodeId(*b"abcdefghij0123456789");
const OTHER: NodeId = NodeId(*b"mnopqrstuvwxyz123456");

fn query(transaction: &'static [u8], method: Method<'static>) -> Packet<'static> {
    let query = Query { id: ID, read_only: false, want: Want::default(), method };
    Packet { transaction, version: None, seen_as: None, body: Body::Query(query) }
}

fn response(response: Response<'static>) -> Packet<'static> {
    Packet { transaction: b"aa", version: None, seen_as: None, body: Body::Response(response) }
}

/// BEP 5, "DHT Queries", and the examples of its other sections.
#[test]
fn bep_5_examples() {
    let nodes = Response { id: OTHER, ..Response::default() };
    let values = ["97.120.106.101:11893", "105.100.104.116:28269"];
    let values: Vec<SocketAddr> = values.map(|v| v.parse().unwrap()).into();
    let announce = Method::AnnouncePeer {
        info_hash: OTHER,
        port: 6881,
        implied_port: true,
        seed: false,
        token: b"aoeusnth",
    };
    let refusal = Body::Error { code: 201, text: b"A Generic Error Ocurred" };
    let examples: [(Packet<'_>, &[u8]); 7] = [
        (query(b"aa", Method::Ping), b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe"),
        (response(nodes.clone()), b"d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re"),
        (
            query(b"aa", Method::FindNode { target: OTHER }),
            b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q9:find_node\
              1:t2:aa1:y1:qe",
        ),
        (
            query(b"aa", Method::GetPeers { info_hash: OTHER, noseed: false, scrape: false }),
            b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e1:q9:get_peers\
              1:t2:aa1:y1:qe",
        ),
        (
            response(Response { id: ID, token: Some(b"aoeusnth"), values, ..Response::default() }),
            b"d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee\
              1:t2:aa1:y1:re",
        ),
        (
            query(b"aa", announce),
            b"d1:ad2:id20:abcdefghij012345678912:implied_porti1e9:info_hash20:mnopqrstuvwxyz123456\
              4:porti6881e5:token8:aoeusnthe1:q13:announce_peer1:t2:aa1:y1:qe",
        ),
        (
            Packet { transaction: b"aa", version: None, seen_as: None, body: refusal },
            b"d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
        ),
    ];
    for (packet, bytes) in examples {
        assert_eq!(Packet::decode(bytes).as_ref(), Ok(&packet), "{}", bytes.escape_ascii());
        assert_eq!(packet.encode().escape_ascii().to_string(), bytes.escape_ascii().to_string());
        assert!(Packet::looks_like(bytes));
    }
}

#[test]
fn what_cannot_be_a_message_is_told_from_what_is_a_bad_query() {
    let garbage: [&[u8]; 8] = [
        b"",
        b"d",
        b"de",
        b"li1ee",
        b"d1:t2:aa1:y1:xe",
        b"d1:y1:q1:q4:pinge",
        b"d1:rd2:id3:abce1:t2:aa1:y1:re",
        b"d1:eli201ee1:y1:ee",
    ];
    for bytes in garbage {
        assert_eq!(Packet::decode(bytes), Err(DecodeError::Garbage), "{}", bytes.escape_ascii());
    }
    let bad: [&[u8]; 5] = [
        b"d1:q4:ping1:t2:aa1:y1:qe",
        b"d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe",
        b"d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe",
        b"d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:xe\
          1:q13:announce_peer1:t2:aa1:y1:qe",
        b"d1:ad2:id20:abcdefghij01234567891:k3:abc3:seqi1e3:sig3:abc5:token1:x1:vi1ee1:q3:put\
          1:t2:aa1:y1:qe",
    ];
    for bytes in bad {
        let error = Err(DecodeError::BadQuery { transaction: b"aa" });
        assert_eq!(Packet::decode(bytes), error, "{}", bytes.escape_ascii());
    }
    let unknown = b"d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e1:q4:vote\
                    1:t2:aa1:y1:qe";
    let method = Method::Other { name: b"vote", target: Some(OTHER) };
    assert_eq!(Packet::decode(unknown), Ok(query(b"aa", method)));
}

/// The owned parts of which a random message is made.
#[derive(Clone, Debug)]
struct Parts {
    id: [u8; 20],
    target: [u8; 20],
    transaction: Vec<u8>,
    token: Vec<u8>,
    list: Vec<u8>,
    value: Vec<u8>,
    key: [u8; 32],
    signature: [u8; 64],
    salt: Vec<u8>,
    number: i64,
    port: u16,
    choice: u8,
    flags: [bool; 6],
    addrs: Vec<SocketAddr>,
}

fn parts() -> impl Strategy<Value = Parts> {
    let bytes = |most: usize| prop::collection::vec(any::<u8>(), 0..=most);
    let addr = (any::<u32>(), any::<u128>(), 1..=u16::MAX, any::<bool>()).prop_map(
        |(v4, v6, port, six)| {
            if six {
                SocketAddr::from(((v6 | 1 << 125).to_be_bytes(), port))
            } else {
                SocketAddr::from((((v4 >> 2) | 1 << 24).to_be_bytes(), port))
            }
        },
    );
    let usable = addr.prop_filter("usable", |addr| is_usable(*addr));
    let ids = (any::<[u8; 20]>(), any::<[u8; 20]>(), any::<[u8; 32]>(), any::<[[u8; 32]; 2]>());
    let lists = (bytes(32), bytes(128), bytes(300), bytes(64), bytes(200));
    let small = (any::<i64>(), 1..=u16::MAX, any::<u8>(), any::<[bool; 6]>());
    (ids, lists, small, prop::collection::vec(usable, 0..20)).prop_map(
        |((id, target, key, sig), (transaction, token, list, salt, text), small, addrs)| {
            let (number, port, choice, flags) = small;
            let mut value = format!("{}:", text.len()).into_bytes();
            value.extend(text);
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&sig[0]);
            signature[32..].copy_from_slice(&sig[1]);
            Parts {
                id,
                target,
                transaction,
                token,
                list,
                value,
                key,
                signature,
                salt,
                number,
                port,
                choice,
                flags,
                addrs,
            }
        },
    )
}

fn method(p: &Parts) -> Method<'_> {
    let target = NodeId(p.target);
    match p.choice % 8 {
        0 => Method::Ping,
        1 => Method::FindNode { target },
        2 => Method::GetPeers { info_hash: target, noseed: p.flags[0], scrape: p.flags[1] },
        3 => Method::AnnouncePeer {
            info_hash: target,
            port: p.port,
            implied_port: p.flags[0],
            seed: p.flags[1],
            token: &p.token,
        },
        4 => Method::Get { target, seq: p.flags[0].then_some(p.number) },
        5 => Method::Put {
            token: &p.token,
            value: &p.value,
            mutable: p.flags[0].then_some(PutMutable {
                key: &p.key,
                signature: &p.signature,
                seq: p.number,
                salt: &p.salt,
                cas: p.flags[1].then_some(p.number),
            }),
        },
        6 => Method::SampleInfohashes { target },
        _ => Method::Other { name: b"other", target: p.flags[0].then_some(target) },
    }
}

fn packet(p: &Parts) -> Packet<'_> {
    let id = NodeId(p.id);
    let body = match p.choice / 8 % 4 {
        0 | 1 => Body::Query(Query {
            id,
            read_only: p.flags[2],
            want: Want { v4: p.flags[3], v6: p.flags[4] },
            method: method(p),
        }),
        2 => Body::Response(Response {
            id,
            token: p.flags[0].then_some(&p.token),
            nodes: p.flags[1].then_some(&p.list),
            nodes6: p.flags[2].then_some(&p.list),
            values: p.addrs.clone(),
            filters: p.flags[3].then(Default::default),
            value: p.flags[4].then_some(&p.value),
            key: p.flags[4].then_some(&p.key),
            signature: p.flags[4].then_some(&p.signature),
            seq: p.flags[4].then_some(p.number),
            sample: p.flags[5].then_some(Sample {
                interval: u32::from(p.port),
                num: u64::from(p.port) << 20,
                samples: &p.list,
            }),
        }),
        _ => Body::Error { code: p.number, text: &p.salt },
    };
    Packet {
        transaction: &p.transaction,
        version: p.flags[5].then_some(*b"TN01"),
        seen_as: p.addrs.first().copied(),
        body,
    }
}

proptest! {
    #[test]
    fn messages_round_trip(p in parts()) {
        let packet = packet(&p);
        let bytes = packet.encode();
        prop_assert_eq!(Packet::decode(&bytes), Ok(packet));
    }

    #[test]
    fn cut_and_bent_messages_do_no_harm(p in parts(), cut in any::<u16>(), bend in any::<[u8; 2]>()) {
        let mut bytes = packet(&p).encode();
        let at = usize::from(cut) % bytes.len();
        let _ = Packet::decode(&bytes[..at]);
        bytes[at] ^= bend[0] | 1;
        if let Ok(packet) = Packet::decode(&bytes) {
            let again = packet.encode();
            prop_assert_eq!(Packet::decode(&again), Ok(packet));
        }
    }
}

//! One machine and raw datagrams: what it answers, and what it does not.

use std::net::SocketAddr;
use std::time::Duration;

use super::net::HERE;
use crate::base::{Instant, Rng};
use crate::proto::dht::*;

const ASKER: NodeId = NodeId([0xaa; 20]);
const TARGET: NodeId = NodeId([0x55; 20]);

struct One {
    dht: Dht,
    now: Instant,
}

fn from(n: u8) -> SocketAddr {
    SocketAddr::from(([9, 9, n, 9], 1234))
}

impl One {
    fn new(config: Config) -> Self {
        let mut dht = Dht::new(config, [1; 20], State::default(), Rng::new(1));
        let now = Instant::from_micros(1_000_000_000);
        let local = "0.0.0.0:6881".parse().unwrap();
        dht.handle(now, Input::Listen { endpoint: HERE, local, external: None });
        Self { dht, now }
    }

    fn raw(&mut self, from: SocketAddr, data: &[u8]) -> Vec<Output> {
        self.dht.handle(self.now, Input::Datagram { endpoint: HERE, from, data });
        self.dht.check_invariants();
        core::iter::from_fn(|| self.dht.poll_output()).collect()
    }

    /// The answer's bytes, and how long the question was.
    fn ask(&mut self, from: SocketAddr, method: Method<'_>) -> Option<Vec<u8>> {
        let query = Query { id: ASKER, read_only: true, want: Want::default(), method };
        let body = Body::Query(query);
        let packet = Packet { transaction: b"tt", version: None, seen_as: None, body };
        let mut out = self.raw(from, &packet.encode());
        match (out.pop(), out.is_empty()) {
            (Some(Output::Send { to, data, .. }), true) => {
                assert_eq!(to, from);
                Some(data)
            }
            (None, true) => None,
            other => panic!("{other:?}"),
        }
    }

    fn token(&mut self, from: SocketAddr, target: NodeId) -> Vec<u8> {
        let answer = self.ask(from, Method::Get { target, seq: None }).unwrap();
        response(&answer).token.unwrap().to_vec()
    }
}

fn response(answer: &[u8]) -> Response<'_> {
    let packet = Packet::decode(answer).unwrap();
    assert_eq!(packet.transaction, b"tt");
    match packet.body {
        Body::Response(response) => response,
        Body::Error { code, text } => panic!("{code} {}", text.escape_ascii()),
        other => panic!("{other:?}"),
    }
}

fn refusal(answer: &[u8]) -> i64 {
    match Packet::decode(answer).unwrap().body {
        Body::Error { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

fn announce(info_hash: NodeId, token: &[u8]) -> Method<'_> {
    Method::AnnouncePeer { info_hash, port: 99, implied_port: false, seed: false, token }
}

#[test]
fn answers_say_who_answers_and_how_it_sees_the_asker() {
    let config = Config { version: Some(*b"TN01"), ..Config::default() };
    let mut one = One::new(config);
    let answer = one.ask(from(1), Method::Ping).unwrap();
    let packet = Packet::decode(&answer).unwrap();
    assert_eq!((packet.seen_as, packet.version), (Some(from(1)), Some(*b"TN01")));
    assert_eq!(response(&answer).id, one.dht.id(HERE).unwrap());
    let unknown = Method::Other { name: b"vote", target: Some(TARGET) };
    assert!(response(&one.ask(from(1), unknown).unwrap()).nodes.is_some());
    let unknown = Method::Other { name: b"vote", target: None };
    assert_eq!(refusal(&one.ask(from(1), unknown).unwrap()), code::METHOD);
    let bad = one.raw(from(1), b"d1:q4:ping1:t2:tt1:y1:qe");
    let [Output::Send { data, .. }] = &bad[..] else { panic!() };
    assert_eq!(refusal(data), code::PROTOCOL);
    assert!(one.raw(from(1), b"d1:t2:tt1:y1:re").is_empty());
    assert!(one.raw(SocketAddr::from(([9, 9, 9, 9], 0)), b"d1:q4:ping1:t2:tt1:y1:qe").is_empty());
}

#[test]
fn nothing_is_stored_without_a_token_of_ones_own() {
    let mut one = One::new(Config::default());
    let token = one.token(from(1), TARGET);
    let other_target = NodeId([1; 20]);
    for (who, target, token) in [
        (from(1), TARGET, &b""[..]),
        (from(1), TARGET, b"12345678"),
        (from(2), TARGET, &token),
        (from(1), other_target, &token),
    ] {
        let answer = one.ask(who, announce(target, token)).unwrap();
        assert_eq!(refusal(&answer), code::PROTOCOL);
    }
    assert_eq!((one.dht.stats().stored, one.dht.stats().bad_tokens), ((0, 0, 0), 4));
    response(&one.ask(from(1), announce(TARGET, &token)).unwrap());
    assert_eq!(one.dht.stats().stored, (1, 1, 0));
    one.now = one.now + Duration::from_secs(600);
    let answer = one.ask(from(1), announce(TARGET, &token)).unwrap();
    assert_eq!(refusal(&answer), code::PROTOCOL, "too old");
    let get = Method::GetPeers { info_hash: TARGET, noseed: false, scrape: true };
    let answer = one.ask(from(3), get).unwrap();
    let answer = response(&answer);
    assert_eq!(answer.values, [SocketAddr::from(([9, 9, 1, 9], 99))]);
    let (seeds, peers) = *answer.filters.unwrap();
    assert!(seeds.is_empty() && peers.may_contain(from(1).ip()));
}

#[test]
fn puts_are_checked_in_every_way() {
    let mut one = One::new(Config::default());
    let secret = SecretKey::from_seed(&[7; 32]);
    let value = Value::new(b"3:abc").unwrap();
    let item = MutableItem::sign(&secret, b"s", 5, value.clone()).unwrap();
    let token = one.token(from(1), item.target());
    let (key, good) = (item.key(), *item.signature());
    let put = |one: &mut One, seq, signature: &[u8; 64], value: &[u8], salt: &[u8], cas| {
        let token = if salt == b"s" { token.clone() } else { one.token(from(1), key.target(salt)) };
        let mutable = Some(PutMutable { key: &key.0, signature, seq, salt, cas });
        let answer = one.ask(from(1), Method::Put { token: &token, value, mutable }).unwrap();
        match Packet::decode(&answer).unwrap().body {
            Body::Response(_) => 0,
            Body::Error { code, .. } => code,
            Body::Query(_) => -1,
        }
    };
    let long = [b"1000:".as_slice(), &[b'x'; 1000]].concat();
    assert_eq!(put(&mut one, 5, &[0; 64], b"3:abc", b"s", None), 206);
    assert_eq!(put(&mut one, 6, &good, b"3:abc", b"s", None), 206);
    assert_eq!(put(&mut one, 5, &good, &long, b"s", None), 205);
    assert_eq!(put(&mut one, 5, &good, b"3:abc", &[1; 65], None), 207);
    assert_eq!(one.dht.stats().stored.2, 0);
    assert_eq!(put(&mut one, 5, &good, b"3:abc", b"s", None), 0);
    let newer = MutableItem::sign(&secret, b"s", 6, value.clone()).unwrap();
    assert_eq!(put(&mut one, 6, newer.signature(), b"3:abc", b"s", Some(4)), code::CAS);
    let older = MutableItem::sign(&secret, b"s", 4, value).unwrap();
    assert_eq!(put(&mut one, 4, older.signature(), b"3:abc", b"s", None), code::SEQUENCE);
    one.now = one.now + Duration::from_secs(20);
    let get = |seq| Method::Get { target: item.target(), seq };
    let answer = one.ask(from(2), get(Some(4))).unwrap();
    let answer = response(&answer);
    assert_eq!((answer.value, answer.seq), (Some(&b"3:abc"[..]), Some(5)));
    assert_eq!((answer.key, answer.signature), (Some(&key.0), Some(&good)));
    let answer = one.ask(from(2), get(Some(5))).unwrap();
    let answer = response(&answer);
    assert_eq!((answer.value, answer.signature, answer.seq), (None, None, Some(5)));
}

#[test]
fn answers_fit_a_frame_and_sixteen_times_the_question() {
    let storage = StorageConfig { max_torrents: 5000, ..StorageConfig::default() };
    let mut one = One::new(Config { storage, upload_rate: 0, flood_rate: 0, ..Config::default() });
    for n in 0..=255u8 {
        let who = SocketAddr::from(([20, n, 1, 1], 1));
        let token = one.token(who, TARGET);
        one.ask(who, announce(TARGET, &token)).unwrap();
        let other = NodeId([n; 20]);
        let token = one.token(who, other);
        one.ask(who, announce(other, &token)).unwrap();
    }
    // Nodes that the table may tell of: they have to be asked first, and answer.
    for n in 0..60u8 {
        let addr = SocketAddr::from(([30, n, 1, 1], 1));
        let (id, command) = (CommandId(n.into()), Command::Ping(addr));
        one.dht.handle(one.now, Input::Command { id, command });
        while let Some(output) = one.dht.poll_output() {
            let Output::Send { data, to, .. } = output else { continue };
            let transaction = Packet::decode(&data).unwrap().transaction;
            let body = Body::Response(Response { id: NodeId([n * 4; 20]), ..Response::default() });
            let answer = Packet { transaction, version: None, seen_as: None, body }.encode();
            one.dht.handle(one.now, Input::Datagram { endpoint: HERE, from: to, data: &answer });
        }
    }
    assert_eq!(one.dht.stats().nodes, 60);
    let value = Value::new(&[b"995:".as_slice(), &[b'x'; 995]].concat()).unwrap();
    let item = MutableItem::sign(&SecretKey::from_seed(&[7; 32]), b"", 5, value).unwrap();
    let token = one.token(from(1), item.target());
    let key = item.key();
    let mutable =
        Some(PutMutable { key: &key.0, signature: item.signature(), seq: 5, salt: b"", cas: None });
    let value = item.value().as_bytes();
    response(&one.ask(from(1), Method::Put { token: &token, value, mutable }).unwrap());
    for (method, least) in [
        (Method::Ping, 50),
        (Method::FindNode { target: TARGET }, 208),
        (Method::GetPeers { info_hash: TARGET, noseed: false, scrape: false }, 1000),
        (Method::GetPeers { info_hash: TARGET, noseed: true, scrape: true }, 1100),
        (Method::SampleInfohashes { target: TARGET }, 600),
        (Method::Get { target: item.target(), seq: None }, 1200),
    ] {
        let answer = one.ask(from(9), method).unwrap();
        assert!((least..=1400).contains(&answer.len()), "{method:?} {}", answer.len());
        let nodes = response(&answer).nodes.is_some_and(|nodes| nodes.len() >= 26);
        assert!(nodes || method == Method::Ping);
    }
    let tiny = b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:tt1:y1:qe";
    let [Output::Send { data, .. }, ..] = &one.raw(from(8), tiny)[..] else { panic!() };
    assert!(data.len() <= 16 * tiny.len());
}

#[test]
fn floods_are_shut_out_and_the_budget_holds() {
    let mut one = One::new(Config::default());
    let answered = (0..200).filter(|_| one.ask(from(1), Method::Ping).is_some()).count();
    assert_eq!(answered, 50);
    assert!(one.ask(from(2), Method::Ping).is_some());
    assert_eq!(one.dht.stats().flooded, 150);
    let mut bytes = 0;
    for n in 0..=255u8 {
        let find = Method::GetPeers { info_hash: TARGET, noseed: false, scrape: false };
        for port in 0..4 {
            let who = SocketAddr::from(([40 + port, n, 1, 1], 1));
            bytes += one.ask(who, find).map_or(0, |answer| answer.len());
        }
    }
    assert!(bytes < 16_000, "{bytes}");
    assert!(one.dht.stats().throttled > 500);
    one.now = one.now + Duration::from_secs(2);
    assert!(one.ask(from(3), Method::Ping).is_some());
}

#[test]
fn answers_nobody_asked_for_change_nothing() {
    let mut one = One::new(Config::default());
    let router = from(50);
    one.dht
        .handle(one.now, Input::Command { id: CommandId(1), command: Command::AddRouter(router) });
    let sent: Vec<_> = core::iter::from_fn(|| one.dht.poll_output()).collect();
    let question = sent.iter().find_map(|output| match output {
        Output::Send { to, data, .. } if *to == router => Some(data.clone()),
        _ => None,
    });
    let question = question.unwrap();
    let transaction = Packet::decode(&question).unwrap().transaction;
    let nodes = write_contacts(&[Contact { id: TARGET, addr: from(51) }]);
    let reply = |transaction| {
        let fields = Response { id: ASKER, nodes: Some(&nodes), ..Response::default() };
        let body = Body::Response(fields);
        Packet { transaction, version: None, seen_as: Some(from(99)), body }.encode()
    };
    assert!(one.raw(from(52), &reply(transaction)).is_empty(), "from another address");
    assert!(one.raw(router, &reply(b"xxxx")).is_empty(), "another transaction");
    assert_eq!((one.dht.stats().unsolicited, one.dht.stats().nodes), (2, 0));
    let out = one.raw(router, &reply(transaction));
    assert!(matches!(&out[..], [Output::Send { to, .. }] if *to == from(51)), "{out:?}");
    assert_eq!(one.dht.stats().nodes, 1);
    assert!(one.raw(router, &reply(transaction)).is_empty(), "once only");
    assert_eq!(one.dht.stats().unsolicited, 3);
}

#[test]
fn the_host_may_watch_hold_and_refuse_queries() {
    let refuse = vec![QueryKind::SampleInfohashes];
    let mut one = One::new(Config { observe: Observe::Notice, refuse, ..Config::default() });
    let packet = |method| {
        let query = Query { id: ASKER, read_only: false, want: Want::default(), method };
        let body = Body::Query(query);
        Packet { transaction: b"tt", version: None, seen_as: None, body }.encode()
    };
    let find = packet(Method::FindNode { target: TARGET });
    let out = one.raw(from(1), &find);
    // A newcomer is asked back.
    let [Output::Query { kind, target, ticket: None, .. }, Output::Send { .. }, rest @ ..] =
        &out[..]
    else {
        panic!("{out:?}")
    };
    assert_eq!(rest.len(), 1);
    assert_eq!((*kind, *target), (QueryKind::FindNode, Some(TARGET)));
    assert!(one.raw(from(1), &packet(Method::SampleInfohashes { target: TARGET })).is_empty());
    one.dht.set_config(Config { observe: Observe::Hold, ..Config::default() });
    let mut tickets = Vec::new();
    for _ in 0..3 {
        let out = one.raw(from(1), &find);
        let [Output::Query { ticket: Some(ticket), .. }] = &out[..] else { panic!("{out:?}") };
        tickets.push(*ticket);
    }
    let verdict = |one: &mut One, ticket, allow| {
        one.dht.handle(one.now, Input::Verdict { ticket, allow });
        one.dht.poll_output().is_some()
    };
    assert!(verdict(&mut one, tickets[1], true));
    assert!(!verdict(&mut one, tickets[1], true), "once only");
    assert!(!verdict(&mut one, tickets[0], false));
    one.now = one.now + Duration::from_secs(5);
    assert!(one.dht.next_deadline() <= Some(one.now));
    one.dht.handle(one.now, Input::Timeout);
    while one.dht.poll_output().is_some() {}
    assert!(!verdict(&mut one, tickets[2], true), "too late");
    for n in 0..2000u32 {
        let who = SocketAddr::from(((0x2000_0000 + n * 256).to_be_bytes(), 1));
        one.raw(who, &find);
    }
    one.dht.set_config(Config { read_only: true, ..Config::default() });
    assert!(one.raw(from(7), &find).is_empty(), "read-only");
}

#[test]
fn an_id_follows_the_address_others_see() {
    let mut one = One::new(Config::default());
    let (before, ours) = (one.dht.id(HERE).unwrap(), SocketAddr::from(([80, 7, 6, 5], 6881)));
    assert!(!before.is_secure(ours.ip()));
    let mut told = Vec::new();
    for n in 0..8u8 {
        let addr = SocketAddr::from(([30, n, 1, 1], 1));
        let (id, command) = (CommandId(n.into()), Command::Ping(addr));
        one.dht.handle(one.now, Input::Command { id, command });
        while let Some(output) = one.dht.poll_output() {
            let Output::Send { data, to, .. } = output else {
                told.push(output);
                continue;
            };
            let Body::Query(query) = Packet::decode(&data).unwrap().body else { panic!() };
            if query.method != Method::Ping {
                continue;
            }
            let transaction = Packet::decode(&data).unwrap().transaction;
            let body = Body::Response(Response { id: NodeId([n * 9; 20]), ..Response::default() });
            let answer = Packet { transaction, version: None, seen_as: Some(ours), body }.encode();
            one.dht.handle(one.now, Input::Datagram { endpoint: HERE, from: to, data: &answer });
        }
    }
    let external = |o: &&Output| matches!(o, Output::External { ip, .. } if *ip == ours.ip());
    assert_eq!(told.iter().filter(external).count(), 1);
    let after = one.dht.id(HERE).unwrap();
    assert!(after.is_secure(ours.ip()) && after != before);
    assert!(one.dht.stats().nodes >= 5, "those we know stay known");
    let ip = "81.1.2.3".parse().unwrap();
    one.now = one.now + Duration::from_secs(700);
    one.dht.handle(one.now, Input::External { endpoint: HERE, ip });
    assert!(one.dht.id(HERE).unwrap().is_secure(ip));
}

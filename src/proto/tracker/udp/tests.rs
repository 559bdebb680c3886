//! The packets byte for byte, and the client against the small server, with losses.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base::{InfoHash, Instant, PeerId, Rng};
use crate::proto::tracker::{
    AnnounceEvent, AnnounceParams, Announcer, AnnouncerConfig, AnnouncerInput,
};

const T0: Instant = Instant::from_micros(1_000_000);

fn tracker_addr() -> SocketAddr {
    "10.0.0.1:6969".parse().unwrap()
}

fn our_addr() -> SocketAddr {
    "10.0.0.2:9999".parse().unwrap()
}

fn params(hash: u8) -> AnnounceParams {
    AnnounceParams {
        info_hash: InfoHash([hash; 20]),
        peer_id: PeerId(*b"-TN0010-abcdefghijkl"),
        port: 6881,
        uploaded: 3,
        downloaded: 1,
        left: 2,
        num_want: 50,
        key: 0xdead_beef,
        event: AnnounceEvent::Started,
        tracker_id: None,
        ip: None,
    }
}

fn ask(hash: u8) -> UdpQuestion {
    UdpQuestion::Announce(Box::new(Announce::new(&params(hash), b"")))
}

fn client(config: UdpConfig) -> UdpTracker {
    UdpTracker::new(tracker_addr(), config, Rng::new(1))
}

fn outputs(client: &mut UdpTracker) -> (Vec<Vec<u8>>, Vec<UdpOutput>) {
    let (mut sent, mut told) = (Vec::new(), Vec::new());
    while let Some(output) = client.poll_output() {
        match output {
            UdpOutput::Send(data) => sent.push(data),
            other => told.push(other),
        }
    }
    (sent, told)
}

/// Lets client and server talk until neither has anything to say.
fn talk(client: &mut UdpTracker, server: &mut UdpTestServer, now: Instant) -> Vec<UdpOutput> {
    let mut all = Vec::new();
    loop {
        let (sent, told) = outputs(client);
        all.extend(told);
        if sent.is_empty() {
            return all;
        }
        for data in sent {
            if let Some(data) = server.handle(now, our_addr(), &data) {
                client.handle(now, UdpInput::Datagram { from: tracker_addr(), data: &data });
            }
        }
    }
}

/// BEP 15, "Connect", "IPv4 announce request": sizes and offsets.
#[test]
fn packets_are_laid_out_as_the_bep_says() {
    let connect = Request::Connect { transaction: 0x0102_0304 }.encode();
    assert_eq!(connect, [0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80, 0, 0, 0, 0, 1, 2, 3, 4]);
    let mut p = params(7);
    p.ip = Some("1.2.3.4".into());
    let announce = Request::Announce {
        connection: 0x1122_3344_5566_7788,
        transaction: 5,
        announce: Announce::new(&p, b""),
    };
    let packet = announce.encode();
    assert_eq!(packet.len(), ANNOUNCE_BYTES);
    assert_eq!(packet[..8], 0x1122_3344_5566_7788u64.to_be_bytes());
    assert_eq!(packet[8..16], [0, 0, 0, 1, 0, 0, 0, 5]);
    assert_eq!((&packet[16..36], &packet[36..56]), (&[7; 20][..], &p.peer_id.0[..]));
    assert_eq!(packet[56..64], 1u64.to_be_bytes(), "downloaded");
    assert_eq!(packet[64..72], 2u64.to_be_bytes(), "left");
    assert_eq!(packet[72..80], 3u64.to_be_bytes(), "uploaded");
    assert_eq!(packet[80..84], [0, 0, 0, 2], "started");
    assert_eq!(packet[84..88], [1, 2, 3, 4]);
    assert_eq!(packet[88..92], [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(packet[92..98], [0, 0, 0, 50, 0x1a, 0xe1]);
    p.event = AnnounceEvent::Stopped;
    assert_eq!(Announce::new(&p, b"").num_want, 0);
}

/// BEP 41: "/dir?a=b&c=d" and long data in several options.
#[test]
fn options_carry_the_url() {
    let encode = |data: &[u8]| {
        let announce = Announce::new(&params(1), data);
        Request::Announce { connection: 1, transaction: 2, announce }.encode()
    };
    assert_eq!(encode(b"/dir?a=b&c=d")[98..], *b"\x02\x0c/dir?a=b&c=d");
    let long: Vec<u8> = (0..600u32).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
    let packet = encode(&long);
    assert_eq!(packet.len(), 98 + 600 + 6);
    assert_eq!((packet[98], packet[99]), (2, 255));
    assert_eq!((packet[98 + 257], packet[98 + 258]), (2, 255));
    assert_eq!((packet[98 + 514], packet[98 + 515]), (2, 90));
    let Some(Request::Announce { announce, .. }) = Request::decode(&packet) else { panic!() };
    assert_eq!(announce.url_data, long);
    let mut padded = encode(b"/x");
    padded.splice(98..98, [1, 1, 9, 2, 0, 0]);
    padded.extend([0, 2, 1, b'y']);
    let Some(Request::Announce { announce, .. }) = Request::decode(&padded) else { panic!() };
    assert_eq!(announce.url_data, b"/x", "no-ops and unknown options are skipped");
    assert_eq!(encode(&[b'x'; 5000]).len(), 98 + URL_DATA_MAX + 10);
}

#[test]
fn many_torrents_share_one_connection() {
    let (mut c, mut server) = (client(UdpConfig::default()), UdpTestServer::default());
    for n in 0..100u8 {
        c.handle(T0, UdpInput::Ask { id: UdpRequestId(n.into()), question: ask(n) });
    }
    let told = talk(&mut c, &mut server, T0);
    assert_eq!((told.len(), server.connects, server.announces.len()), (100, 1, 100));
    assert!(c.is_idle() && c.next_deadline().is_none());
    let again = |c: &mut UdpTracker, server: &mut UdpTestServer, at| {
        c.handle(at, UdpInput::Ask { id: UdpRequestId(1), question: ask(1) });
        let told = talk(c, server, at);
        assert!(matches!(&told[..], [UdpOutput::Announced { .. }]), "{told:?}");
        server.connects
    };
    assert_eq!(again(&mut c, &mut server, T0 + Duration::from_secs(59)), 1);
    assert_eq!(again(&mut c, &mut server, T0 + Duration::from_secs(60)), 2);
}

#[test]
fn at_most_a_window_is_under_way() {
    let mut c = client(UdpConfig { window: 4, ..UdpConfig::default() });
    let mut server = UdpTestServer::default();
    for n in 0..10u8 {
        c.handle(T0, UdpInput::Ask { id: UdpRequestId(n.into()), question: ask(n) });
    }
    let (sent, _) = outputs(&mut c);
    assert_eq!(sent.len(), 1, "one connect for all");
    let answer = server.handle(T0, our_addr(), &sent[0]).unwrap();
    c.handle(T0, UdpInput::Datagram { from: tracker_addr(), data: &answer });
    let (sent, _) = outputs(&mut c);
    assert_eq!(sent.len(), 4);
    let answer = server.handle(T0, our_addr(), &sent[0]).unwrap();
    c.handle(T0, UdpInput::Datagram { from: tracker_addr(), data: &answer });
    let (sent, told) = outputs(&mut c);
    assert_eq!((sent.len(), told.len()), (1, 1));
}

#[test]
fn a_silent_tracker_gets_one_packet_at_a_time_and_ever_rarer() {
    let mut c = client(UdpConfig { attempts: ATTEMPTS_MAX, window: 16 });
    for n in 0..50u8 {
        c.handle(T0, UdpInput::Ask { id: UdpRequestId(n.into()), question: ask(n) });
    }
    let mut times = Vec::new();
    let mut now = T0;
    let told = loop {
        let (sent, told) = outputs(&mut c);
        if !told.is_empty() {
            break told;
        }
        assert_eq!(sent.len(), 1);
        times.push(now.since(T0).as_secs());
        now = c.next_deadline().unwrap();
        c.handle(now, UdpInput::Timeout);
    };
    // BEP 15: 15 * 2 ^ n, n from 0 to 8.
    assert_eq!(times, [0, 15, 45, 105, 225, 465, 945, 1905, 3825]);
    assert_eq!(now.since(T0).as_secs(), 15 * 511);
    assert_eq!(told.len(), 50);
    assert!(told.iter().all(|o| matches!(o, UdpOutput::Failed { error: UdpError::TimedOut, .. })));
    assert!(c.is_idle() && c.next_deadline().is_none());
}

#[test]
fn a_lost_announce_is_sent_again_with_a_new_connection_when_the_old_is_over() {
    let mut c = client(UdpConfig { attempts: 9, window: 16 });
    let mut server = UdpTestServer::default();
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(1), question: ask(1) });
    let (sent, _) = outputs(&mut c);
    let answer = server.handle(T0, our_addr(), &sent[0]).unwrap();
    c.handle(T0, UdpInput::Datagram { from: tracker_addr(), data: &answer });
    let mut kinds = Vec::new();
    let mut now = T0;
    for _ in 0..4 {
        let (sent, _) = outputs(&mut c);
        kinds.push((now.since(T0).as_secs(), sent[0].len()));
        now = c.next_deadline().unwrap();
        c.handle(now, UdpInput::Timeout);
    }
    assert_eq!(kinds, [(0, 98), (15, 98), (45, 98), (105, 16)]);
    outputs(&mut c);
    c.handle(now, UdpInput::Cancel(UdpRequestId(1)));
    assert_eq!((c.is_idle(), c.next_deadline()), (true, None));
}

#[test]
fn answers_of_others_and_of_the_wrong_kind_are_ignored() {
    let (mut c, mut server) = (client(UdpConfig::default()), UdpTestServer::default());
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(1), question: ask(1) });
    let (sent, _) = outputs(&mut c);
    let good = server.handle(T0, our_addr(), &sent[0]).unwrap();
    let give = |c: &mut UdpTracker, from: SocketAddr, data: &[u8]| {
        c.handle(T0, UdpInput::Datagram { from, data });
        outputs(c)
    };
    let nothing = (Vec::new(), Vec::new());
    assert_eq!(give(&mut c, "10.0.0.3:6969".parse().unwrap(), &good), nothing);
    assert_eq!(give(&mut c, tracker_addr(), &good[..15]), nothing);
    let mut other = good.clone();
    other[4] ^= 1;
    assert_eq!(give(&mut c, tracker_addr(), &other), nothing);
    let transaction = u32::from_be_bytes(good[4..8].try_into().unwrap());
    let counts = Reply::Scrape { transaction, counts: vec![[1, 2, 3]] }.encode();
    assert_eq!(give(&mut c, tracker_addr(), &counts), nothing);
    let mapped = SocketAddr::new(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped().into(), 6969);
    assert_eq!(give(&mut c, mapped, &good).0.len(), 1);
}

#[test]
fn refusals_scrapes_and_unreachable_trackers() {
    let (mut c, mut server) = (client(UdpConfig::default()), UdpTestServer::default());
    server.refusal = Some("go\x07 away".into());
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(1), question: ask(1) });
    let told = talk(&mut c, &mut server, T0);
    let error = UdpError::Refused("go away".into());
    assert_eq!(told, [UdpOutput::Failed { id: UdpRequestId(1), error }]);
    server.refusal = None;
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(2), question: ask(1) });
    talk(&mut c, &mut server, T0);
    let hashes = vec![InfoHash([1; 20]), InfoHash([2; 20])];
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(3), question: UdpQuestion::Scrape(hashes) });
    let told = talk(&mut c, &mut server, T0);
    let [UdpOutput::Scraped { entries, .. }] = &told[..] else { panic!("{told:?}") };
    let counts: Vec<_> = entries.iter().map(|e| (e.complete, e.incomplete)).collect();
    assert_eq!(counts, [(Some(0), Some(1)), (Some(0), Some(0))]);
    for hashes in [vec![], vec![InfoHash([0; 20]); SCRAPE_MAX + 1]] {
        let question = UdpQuestion::Scrape(hashes);
        c.handle(T0, UdpInput::Ask { id: UdpRequestId(4), question });
        assert!(matches!(
            c.poll_output(),
            Some(UdpOutput::Failed { error: UdpError::Rejected, .. })
        ));
    }
    c.handle(T0, UdpInput::Ask { id: UdpRequestId(5), question: ask(1) });
    c.handle(T0, UdpInput::Unreachable);
    let (_, told) = outputs(&mut c);
    let error = UdpError::Unreachable;
    assert_eq!(told, [UdpOutput::Failed { id: UdpRequestId(5), error }]);
}

#[test]
fn peers_are_of_the_sockets_family() {
    let v4 = ["1.2.3.4:5", "5.6.7.8:9"].map(|a| a.parse().unwrap());
    let v6 = ["[2001:db8::1]:5"].map(|a| a.parse().unwrap());
    for (peers, six) in [(v4.to_vec(), false), (v6.to_vec(), true)] {
        let (transaction, interval, leechers, seeders) = (1, 2, 3, 4);
        let reply = Reply::Announce { transaction, interval, leechers, seeders, peers };
        let mut packet = reply.encode();
        packet.extend([1, 2, 3]);
        assert_eq!(Reply::decode(&packet, six), Some(reply));
    }
    let useless = Reply::Announce {
        transaction: 1,
        interval: 1,
        leechers: 0,
        seeders: 0,
        peers: ["0.0.0.0:5", "1.2.3.4:0", "224.0.0.1:5"].map(|a| a.parse().unwrap()).to_vec(),
    };
    let decoded = Reply::decode(&useless.encode(), false);
    assert!(matches!(decoded, Some(Reply::Announce { peers, .. }) if peers.is_empty()));
}

#[test]
fn the_tiers_take_udp_trackers_when_the_driver_does() {
    let tiers = vec![vec!["udp://t.example:1/announce".to_owned()]];
    for udp in [false, true] {
        let config = AnnouncerConfig { all_tiers: false, udp };
        let mut a = Announcer::new(&tiers, config, Rng::new(1));
        a.handle(T0, AnnouncerInput::Event(AnnounceEvent::Started));
        assert_eq!(a.poll(T0).is_some(), udp);
    }
    let bad = vec![vec!["udp://t.example/announce".to_owned()]];
    let config = AnnouncerConfig { all_tiers: false, udp: true };
    let mut a = Announcer::new(&bad, config, Rng::new(1));
    a.handle(T0, AnnouncerInput::Event(AnnounceEvent::Started));
    assert!(a.poll(T0).is_none() && !a.statuses()[0].message.is_empty());
}

proptest! {
    #[test]
    fn requests_round_trip(
        ids in any::<(u64, u32, [u8; 20], [u8; 20])>(),
        counts in any::<(u64, u64, u64, u32, i32, u32, u16)>(),
        event in 0u8..4,
        url in prop::collection::vec(any::<u8>(), 0..700),
        hashes in prop::collection::vec(any::<[u8; 20]>(), 0..SCRAPE_MAX),
    ) {
        let (connection, transaction, info_hash, peer_id) = ids;
        let (downloaded, left, uploaded, key, num_want, ip, port) = counts;
        use AnnounceEvent::{Completed, None, Started, Stopped};
        let announce = Announce {
            info_hash: InfoHash(info_hash), peer_id: PeerId(peer_id), downloaded, left, uploaded,
            event: [None, Completed, Started, Stopped][usize::from(event)],
            ip: Ipv4Addr::from(ip), key, num_want, port, url_data: url,
        };
        let info_hashes = hashes.into_iter().map(InfoHash).collect();
        for request in [
            Request::Announce { connection, transaction, announce },
            Request::Scrape { connection, transaction, info_hashes },
        ] {
            prop_assert_eq!(Request::decode(&request.encode()), Some(request));
        }
    }
}

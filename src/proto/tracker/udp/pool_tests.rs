//! Many torrents and few trackers: what is shared, and what the dead cost.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::base::{InfoHash, Instant, PeerId, Rng};
use crate::proto::tracker::{
    AnnounceEvent, AnnounceParams, Announcer, AnnouncerConfig, AnnouncerInput,
};

const T0: Instant = Instant::from_micros(1_000_000);

fn tracker(n: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, n], 6969))
}

fn us() -> SocketAddr {
    SocketAddr::from(([10, 0, 1, 1], 6881))
}

fn pool() -> UdpTrackers {
    UdpTrackers::new(UdpConfig { attempts: 2, ..UdpConfig::default() }, Rng::new(7))
}

fn announce(hash: u16) -> PoolQuestion {
    let [high, low] = hash.to_be_bytes();
    let mut info_hash = [high; 20];
    info_hash[19] = low;
    PoolQuestion::Announce(Box::new(Announce::new(
        &AnnounceParams {
            info_hash: InfoHash(info_hash),
            peer_id: PeerId([1; 20]),
            port: 6881,
            uploaded: 0,
            downloaded: 0,
            left: 1,
            num_want: 50,
            key: 1,
            event: AnnounceEvent::Started,
            tracker_id: None,
            ip: None,
        },
        b"",
    )))
}

/// Lets the pool and one server talk; what else the pool says.
fn talk(pool: &mut UdpTrackers, server: &mut UdpTestServer, now: Instant) -> Vec<PoolOutput> {
    let mut told = Vec::new();
    while let Some(output) = pool.poll_output() {
        match output {
            PoolOutput::Send { to, data } => {
                assert_eq!(to, tracker(1));
                if let Some(reply) = server.handle(now, us(), &data) {
                    assert!(pool.datagram(now, to, &reply));
                }
            }
            other => told.push(other),
        }
    }
    told
}

#[test]
fn a_thousand_torrents_share_a_connection() {
    let (mut pool, mut server) = (pool(), UdpTestServer::default());
    let ids: BTreeSet<_> = (0..1000).map(|n| pool.ask(T0, tracker(1), announce(n))).collect();
    let told = talk(&mut pool, &mut server, T0);
    let answered = told.iter().map(|output| match output {
        PoolOutput::Announced { id, .. } => *id,
        other => panic!("{other:?}"),
    });
    assert_eq!(answered.collect::<BTreeSet<_>>(), ids);
    assert_eq!((server.connects, server.announces.len()), (1, 1000));
    let counts = pool.counts();
    assert_eq!((counts.connects, counts.reused, counts.answers), (1, 999, 1000));
    assert_eq!((counts.sent, counts.sent_bytes), (1001, 16 + 1000 * 98));
    assert_eq!((counts.received, counts.failures), (1001, 0));
    assert_eq!((pool.open(), pool.next_deadline()), (0, None));
    // The connection lives on for a minute, and no longer.
    for (secs, connects) in [(59, 1), (61, 2)] {
        let now = T0 + Duration::from_secs(secs);
        pool.ask(now, tracker(1), announce(1));
        assert_eq!(talk(&mut pool, &mut server, now).len(), 1);
        assert_eq!(server.connects, connects);
    }
}

#[test]
fn scrapes_go_together() {
    let (mut pool, mut server) = (pool(), UdpTestServer::default());
    pool.ask(T0, tracker(1), announce(0x0101));
    talk(&mut pool, &mut server, T0);
    let ids: Vec<_> = (0..100u8)
        .map(|n| pool.ask(T0, tracker(1), PoolQuestion::Scrape(InfoHash([n; 20]))))
        .collect();
    pool.cancel(T0, ids[80]);
    pool.cancel(T0, ids[3]);
    let mut packets = 0;
    let mut told = Vec::new();
    for _ in 0..2 {
        while let Some(output) = pool.poll_output() {
            match output {
                PoolOutput::Send { to, data } => {
                    packets += 1;
                    let reply = server.handle(T0, us(), &data).unwrap();
                    pool.datagram(T0, to, &reply);
                }
                other => told.push(other),
            }
        }
        pool.timeout(pool.next_deadline().unwrap_or(T0));
    }
    assert_eq!(packets, 2, "74 at once, the rest a moment later");
    let expected: Vec<_> = ids.iter().filter(|id| ![ids[3], ids[80]].contains(id)).collect();
    let mut got = Vec::new();
    for output in &told {
        let PoolOutput::Scraped { id, entry } = output else { panic!("{output:?}") };
        let place = ids.iter().position(|other| other == id).unwrap();
        assert_eq!(entry.info_hash, InfoHash([u8::try_from(place).unwrap(); 20]));
        assert_eq!(entry.incomplete, Some(u32::from(place == 1)), "{place}");
        got.push(id);
    }
    assert_eq!(got, expected);
    assert_eq!(pool.open(), 0);
}

#[test]
fn what_is_withdrawn_is_not_asked_again() {
    let mut pool = pool();
    let ids: Vec<_> = (0..3).map(|n| pool.ask(T0, tracker(1), announce(n))).collect();
    let scrape = pool.ask(T0, tracker(2), PoolQuestion::Scrape(InfoHash([1; 20])));
    assert!(matches!(pool.poll_output(), Some(PoolOutput::Send { .. })), "one connect");
    ids.into_iter().chain([scrape]).for_each(|id| pool.cancel(T0, id));
    assert_eq!((pool.poll_output(), pool.next_deadline(), pool.open()), (None, None, 0));
}

#[test]
fn a_tracker_that_lost_its_connections_is_asked_anew_at_once() {
    let (mut pool, mut server) = (pool(), UdpTestServer::default());
    pool.ask(T0, tracker(1), announce(1));
    talk(&mut pool, &mut server, T0);
    // It restarted with another idea of the time: our connection comes from its future.
    let id = pool.ask(T0, tracker(1), announce(2));
    let told = talk(&mut pool, &mut server, Instant::ZERO);
    assert!(matches!(told[..], [PoolOutput::Announced { id: of, .. }] if of == id), "{told:?}");
    assert_eq!(server.connects, 2);
}

#[test]
fn strangers_and_the_unreachable() {
    let mut pool = pool();
    let id = pool.ask(T0, tracker(1), announce(1));
    assert!(!pool.datagram(T0, tracker(2), &[0; 16]));
    pool.unreachable(T0, tracker(2));
    pool.poll_output();
    assert_eq!(pool.poll_output(), None);
    pool.unreachable(T0, tracker(1));
    let failed = PoolOutput::Failed { id, error: UdpError::Unreachable };
    assert_eq!((pool.poll_output(), pool.next_deadline()), (Some(failed), None));
}

/// Lessons of the field: lists of dead trackers that spin a core. A hundred torrents with the same
/// twenty dead trackers each: in an hour the loop wakes a bounded number of times, sends a bounded
/// number of packets, and never finds nothing to do twice in a row.
#[test]
fn dead_trackers_cost_next_to_nothing() {
    const TORRENTS: usize = 100;
    const TRACKERS: u8 = 20;
    let urls: Vec<Vec<String>> =
        (1..=TRACKERS).map(|n| vec![format!("udp://10.0.0.{n}:6969/announce")]).collect();
    let config = AnnouncerConfig { all_tiers: false, udp: true };
    let mut torrents: Vec<Announcer> = (0..TORRENTS)
        .map(|n| Announcer::new(&urls, config, Rng::new(u64::try_from(n).unwrap())))
        .collect();
    let mut pool = pool();
    let mut asked = std::collections::BTreeMap::new();
    let mut now = T0;
    for torrent in &mut torrents {
        torrent.handle(now, AnnouncerInput::Event(AnnounceEvent::Started));
    }
    let (mut wakes, mut packets, mut failures, mut idle) = (0, 0, 0, 0);
    while now < T0 + Duration::from_secs(3600) {
        let mut work = 0;
        for (n, torrent) in torrents.iter_mut().enumerate() {
            while let Some(request) = torrent.poll(now) {
                let target = UdpTarget::parse(&request.url).unwrap();
                let to = SocketAddr::new(target.host.parse().unwrap(), target.port);
                asked.insert(pool.ask(now, to, announce(1)), (n, request.tracker));
                work += 1;
            }
        }
        while let Some(output) = pool.poll_output() {
            work += 1;
            match output {
                PoolOutput::Send { .. } => packets += 1,
                PoolOutput::Failed { id, .. } => {
                    failures += 1;
                    let (n, tracker) = asked.remove(&id).unwrap();
                    let input = AnnouncerInput::Failed { tracker, reason: "dead", retry: None };
                    torrents[n].handle(now, input);
                }
                other => panic!("{other:?}"),
            }
        }
        idle = if work == 0 { idle + 1 } else { 0 };
        assert!(idle < 2, "woken for nothing at {now:?}");
        let dues = torrents.iter().filter_map(Announcer::next_deadline);
        let next = dues.chain(pool.next_deadline()).min().unwrap();
        if next > now {
            now = next;
            wakes += 1;
            pool.timeout(now);
        }
    }
    // Each tracker of each torrent fails once in 60 s at first, later once an hour; the packets are
    // per tracker, whatever the number of torrents.
    assert!(failures >= TORRENTS, "{failures}");
    assert!(packets <= usize::from(TRACKERS) * 2 * 80, "{packets} packets");
    assert!(wakes <= failures + packets, "{wakes} wakes");
    assert!(wakes <= 20_000, "{wakes} wakes");
}

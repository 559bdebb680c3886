//! The peer list by example, and its indexes under random operations.

use proptest::prelude::*;

use super::*;
use crate::base::Rng;

fn at(secs: u64) -> Instant {
    Instant::from_micros(secs * 1_000_000)
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn list() -> PeerList {
    PeerList::new(100, 1, Rng::new(1))
}

#[test]
fn nonsense_is_refused_and_known_ones_are_not_doubled() {
    let mut list = list();
    for bad in
        ["1.2.3.4:0", "0.0.0.0:5", "224.0.0.1:5", "255.255.255.255:5", "[::]:1", "[ff02::1]:1"]
    {
        assert!(!list.add(addr(bad), PeerSource::Tracker), "{bad}");
    }
    assert!(list.add(addr("1.2.3.4:5"), PeerSource::Tracker));
    assert!(!list.add(addr("[::ffff:1.2.3.4]:5"), PeerSource::Manual));
    assert_eq!(list.len(), 1);
}

#[test]
fn failures_back_off_up_to_an_hour() {
    let mut list = list();
    let peer = addr("1.2.3.4:5");
    list.add(peer, PeerSource::Tracker);
    let mut now = at(0);
    for fails in 0..12u32 {
        assert_eq!(list.next_candidate(now), Some((peer, PeerSource::Tracker)));
        assert_eq!((list.next_candidate(now), list.next_due()), (None, None));
        list.failed(now, peer);
        let due = list.next_due().unwrap();
        let base = 5_000_000u128.saturating_mul(1 << fails).min(3_600_000_000);
        let wait = due.since(now).as_micros();
        assert!(wait >= base * 3 / 4 && wait <= base * 5 / 4, "{wait} after {fails}");
        assert_eq!(list.next_candidate(due - Duration::from_micros(1)), None);
        now = due;
        list.check_invariants();
    }
    assert!(!list.add(peer, PeerSource::Manual), "known, but tried afresh");
    assert_eq!(list.next_candidate(Instant::ZERO), Some((peer, PeerSource::Tracker)));
}

#[test]
fn a_useful_peer_comes_back_soon_and_first() {
    let mut list = list();
    let (good, other) = (addr("1.2.3.4:5"), addr("1.2.3.5:5"));
    list.add(good, PeerSource::Resume);
    assert!(list.next_candidate(at(0)).is_some());
    list.connected(at(1), good);
    list.disconnected(at(2), good, true);
    assert!(list.next_due().unwrap() < at(22));
    list.add(other, PeerSource::Tracker);
    assert_eq!(list.next_candidate(at(30)).unwrap().0, good);
    assert_eq!(list.next_candidate(at(30)).unwrap().0, other);
    assert_eq!(list.best(1), [good]);
}

#[test]
fn one_connection_for_one_ip_but_not_at_home() {
    let mut list = list();
    list.add(addr("1.2.3.4:5"), PeerSource::Tracker);
    list.add(addr("1.2.3.4:6"), PeerSource::Tracker);
    list.add(addr("192.168.1.1:5"), PeerSource::Tracker);
    list.add(addr("192.168.1.1:6"), PeerSource::Tracker);
    let mut tried = Vec::new();
    while let Some((peer, _)) = list.next_candidate(at(0)) {
        tried.push(peer);
    }
    assert_eq!(tried.iter().filter(|a| a.ip() == addr("1.2.3.4:1").ip()).count(), 1);
    assert_eq!(tried.len(), 3);
    list.check_invariants();
    assert!(!list.incoming(addr("1.2.3.4:999")));
    assert!(list.incoming(addr("192.168.1.1:999")) && list.incoming(addr("[::1]:9")));
    let public = *tried.iter().find(|a| a.ip() == addr("1.2.3.4:1").ip()).unwrap();
    list.failed(at(1), public);
    let (second, _) = list.next_candidate(at(1)).unwrap();
    assert!(second.ip() == public.ip() && second != public);
    assert!(list.next_candidate(at(1)).is_none());
    list.check_invariants();
}

#[test]
fn bans_hold_for_every_port_and_forms_of_the_ip() {
    let mut list = list();
    list.add(addr("1.2.3.4:5"), PeerSource::Tracker);
    list.add(addr("[2001:db8::1%3]:5"), PeerSource::Tracker);
    list.ban(addr("[::ffff:1.2.3.4]:1").ip());
    list.ban(addr("[2001:db8::1]:1").ip());
    assert!(list.is_empty() && list.banned().len() == 2);
    assert!(!list.add(addr("1.2.3.4:6"), PeerSource::Manual));
    assert!(!list.incoming(addr("1.2.3.4:7")));
    list.check_invariants();
}

#[test]
fn ourselves_are_forgotten_for_good() {
    let mut list = list();
    let me = addr("5.6.7.8:9");
    list.add(me, PeerSource::Tracker);
    list.next_candidate(at(0));
    list.forget(me);
    list.failed(at(0), me);
    assert!(!list.add(me, PeerSource::Tracker) && list.is_empty());
    list.check_invariants();
}

#[test]
fn the_external_address_decides_the_order() {
    let mut list = PeerList::new(100, 1, Rng::new(9));
    let ours = addr("9.8.7.6:5000");
    let mut peers: Vec<_> = (1..40u8).map(|n| SocketAddr::from(([n, 7, n, n], 80))).collect();
    for peer in &peers {
        list.add(*peer, PeerSource::Tracker);
    }
    list.set_external(ours);
    list.check_invariants();
    peers.sort_by_key(|p| core::cmp::Reverse(canonical_priority(ours, *p)));
    for peer in peers {
        assert_eq!(list.next_candidate(at(0)).unwrap().0, peer);
    }
}

#[test]
fn when_full_the_least_promising_gives_way() {
    let mut list = PeerList::new(3, 1, Rng::new(3));
    for n in 1..=3u8 {
        assert!(list.add(SocketAddr::from(([1, 1, 1, n], 1)), PeerSource::Tracker));
    }
    let (bad, _) = list.next_candidate(at(0)).unwrap();
    list.failed(at(0), bad);
    assert!(list.add(addr("2.2.2.2:2"), PeerSource::Tracker));
    assert!(!list.best(9).contains(&bad) && list.len() == 3);
    list.set_limits(1, 1);
    assert_eq!(list.len(), 1);
    list.check_invariants();
}

#[test]
fn who_named_an_address_decides_who_can_take_it_back() {
    let mut list = list();
    let (a, b, c) = (addr("1.2.3.4:5"), addr("1.2.3.5:5"), addr("[2001:db8::1]:5"));
    for peer in [a, b, c] {
        assert!(list.add(peer, PeerSource::Pex));
    }
    assert!(!list.add(b, PeerSource::Tracker), "known already");
    list.connected(at(0), c);
    list.disconnected(at(1), c, true);
    assert!(list.withdraw(a, PeerSource::Pex) && !list.withdraw(a, PeerSource::Pex));
    assert!(!list.withdraw(b, PeerSource::Pex), "a tracker names it too");
    assert!(!list.withdraw(c, PeerSource::Pex), "it was met");
    assert_eq!(list.by_source()[PeerSource::Pex.index()], 2);
    list.check_invariants();
    list.add(addr("5.5.5.5:5"), PeerSource::Dht);
    list.keep_private();
    assert_eq!(list.best(9), [b], "what trackers named is all a private torrent may know");
    list.check_invariants();
}

#[test]
fn our_own_address_is_not_for_dialling_unless_the_host_insists() {
    let mut list = list();
    list.set_external(addr("9.9.9.9:6881"));
    assert!(!list.add(addr("9.9.9.9:6881"), PeerSource::Pex));
    assert!(list.add(addr("9.9.9.9:6882"), PeerSource::Pex), "a neighbour behind the same address");
    assert!(list.add(addr("9.9.9.9:6881"), PeerSource::Manual));
}

proptest! {
    #[test]
    fn indexes_agree_whatever_happens(
        seed: u64,
        max in 1u32..12,
        per_ip in 1u32..3,
        steps in prop::collection::vec((0u8..13, 0u8..6, 1u16..4, 0u64..100), 1..200),
    ) {
        let mut list = PeerList::new(max, per_ip, Rng::new(seed));
        let mut now = at(0);
        for (op, host, port, wait) in steps {
            let ip = if host == 0 { [127, 0, 0, 1] } else { [50, 60, host, host] };
            let peer = SocketAddr::from((ip, port));
            match op {
                0..=3 => { list.add(peer, PeerSource::Tracker); }
                4 | 5 => {
                    if let Some((addr, _)) = list.next_candidate(now) {
                        prop_assert!(!list.is_banned(addr.ip()));
                    }
                }
                6 => { list.incoming(peer); }
                7 => list.failed(now, peer),
                8 => list.disconnected(now, peer, wait % 2 == 0),
                9 => list.connected(now, peer),
                10 => { list.add(peer, PeerSource::Pex); }
                11 if wait < 5 => list.keep_private(),
                11 => { list.withdraw(peer, PeerSource::Pex); }
                _ if wait < 5 => list.ban(peer.ip()),
                _ if wait < 20 => list.set_external(peer),
                _ => now = now + Duration::from_secs(wait),
            }
            list.check_invariants();
            prop_assert!(list.len() <= max as usize);
        }
    }
}

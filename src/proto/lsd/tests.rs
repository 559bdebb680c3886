//! The text, and who is told of what when.

use proptest::prelude::*;

use super::*;
use crate::base::Rng;

fn at(secs: u64) -> Instant {
    Instant::from_micros(1_000_000_000 + secs * 1_000_000)
}

fn hash(n: u8) -> InfoHash {
    InfoHash([n; 20])
}

fn outputs(lsd: &mut Lsd) -> Vec<LsdOutput> {
    core::iter::from_fn(|| lsd.poll_output()).collect()
}

fn lsd(seed: u64) -> Lsd {
    Lsd::new(6881, (true, true), &mut Rng::new(seed))
}

#[test]
fn the_text_is_that_of_the_bep() {
    let cookie = Some("name".to_owned());
    let announce = Announce { port: 6881, info_hashes: vec![hash(0xab), hash(1)], cookie };
    let text = format!(
        "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: {}\r\n\
         Infohash: {}\r\ncookie: name\r\n\r\n\r\n",
        hash(0xab),
        hash(1)
    );
    assert_eq!(String::from_utf8(announce.encode(false)).unwrap(), text);
    let v6 = String::from_utf8(announce.encode(true)).unwrap();
    assert!(v6.contains("\r\nHost: [ff15::efc0:988f]:6771\r\n"), "{v6}");
    assert_eq!(Announce::decode(text.as_bytes()), Some(announce));
    let full = Announce { port: 1, info_hashes: (0..24).map(hash).collect(), cookie: None };
    assert!(full.encode(true).len() <= 1400);
}

#[test]
fn others_spell_it_otherwise_and_some_send_nonsense() {
    let hex = hash(0xcd).to_string().to_uppercase();
    let loose = format!("BT-SEARCH * HTTP/1.0\r\nINFOHASH:{hex}\r\nport:  7 \r\nx: y\r\n");
    let expected = Announce { port: 7, info_hashes: vec![hash(0xcd)], cookie: None };
    assert_eq!(Announce::decode(loose.as_bytes()), Some(expected));
    for bad in [
        "",
        "GET / HTTP/1.1\r\nPort: 7\r\nInfohash: 1\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 7\r\n\r\n",
        "BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: abababababababababababababababababababab",
        "BT-SEARCH * HTTP/1.1\r\nPort: 99999\r\nInfohash: abababababababababababababababababababab",
        "BT-SEARCH * HTTP/1.1\r\nPort: 7\r\nInfohash: xbababababababababababababababababababab",
    ] {
        assert_eq!(Announce::decode(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(Announce::decode(&[0xff; 100]), None);
}

#[test]
fn torrents_are_announced_in_pace_and_not_too_often() {
    let mut lsd = lsd(1);
    assert_eq!(lsd.next_deadline(), None);
    for n in 0..60 {
        lsd.handle(at(0), LsdInput::Start(hash(n)));
    }
    // The first goes at once; the rest a second later, in as few datagrams as hold them.
    let mut told = Vec::new();
    let mut times = Vec::new();
    let mut now = at(0);
    while now < at(60) {
        for output in outputs(&mut lsd) {
            let LsdOutput::Send { v6: false, data } = output else { continue };
            told.extend(Announce::decode(&data).unwrap().info_hashes);
            times.push(now.since(at(0)).as_secs());
        }
        now = lsd.next_deadline().unwrap();
        lsd.handle(now, LsdInput::Timeout);
    }
    assert_eq!(times, [0, 1, 2, 3]);
    told.sort();
    assert_eq!(told, (0..60).map(hash).collect::<Vec<_>>());
    assert_eq!(now, at(300), "five minutes later the first again");
}

#[test]
fn starting_again_does_not_announce_again_at_once() {
    let mut lsd = lsd(1);
    lsd.handle(at(0), LsdInput::Start(hash(1)));
    assert_eq!(outputs(&mut lsd).len(), 2, "one for each family");
    lsd.handle(at(10), LsdInput::Stop(hash(1)));
    assert_eq!(lsd.next_deadline(), None);
    lsd.handle(at(20), LsdInput::Start(hash(1)));
    assert!(outputs(&mut lsd).is_empty());
    assert_eq!(lsd.next_deadline(), Some(at(60)));
    lsd.handle(at(70), LsdInput::Timeout);
    assert_eq!(outputs(&mut lsd).len(), 2);
    lsd.handle(at(200), LsdInput::Stop(hash(1)));
    assert!(lsd.torrents.is_empty());
}

#[test]
fn those_that_stop_are_forgotten_when_they_may_be_announced_again() {
    let mut lsd = lsd(1);
    for n in 0..3 {
        lsd.handle(at(0), LsdInput::Start(hash(n)));
        lsd.handle(at(0), LsdInput::Stop(hash(n)));
    }
    assert_eq!(lsd.next_deadline(), None);
    assert_eq!(lsd.torrents.len(), 1, "the others had not been announced");
    lsd.handle(at(59), LsdInput::Timeout);
    assert_eq!(lsd.torrents.len(), 1);
    lsd.handle(at(60), LsdInput::Timeout);
    assert!(lsd.torrents.is_empty() && lsd.schedule.is_empty() && lsd.stopped.is_empty());
}

#[test]
fn a_full_list_still_takes_back_who_is_on_it() {
    let mut lsd = lsd(1);
    let number = |n: usize| {
        let mut hash = [0; 20];
        hash[..8].copy_from_slice(&n.to_be_bytes());
        InfoHash(hash)
    };
    (0..=TORRENTS_MAX).for_each(|n| lsd.handle(at(0), LsdInput::Start(number(n))));
    assert_eq!((lsd.torrents.len(), lsd.schedule.len()), (TORRENTS_MAX, TORRENTS_MAX));
    // The first was announced, so it is remembered.
    lsd.handle(at(1), LsdInput::Stop(number(0)));
    assert_eq!((lsd.torrents.len(), lsd.schedule.len()), (TORRENTS_MAX, TORRENTS_MAX - 1));
    lsd.handle(at(1), LsdInput::Start(number(0)));
    assert_eq!(lsd.schedule.len(), TORRENTS_MAX);
}

#[test]
fn neighbours_are_found_and_echoes_storms_and_strangers_are_not() {
    let (mut a, mut b) = (lsd(1), lsd(2));
    a.handle(at(0), LsdInput::Start(hash(1)));
    b.handle(at(0), LsdInput::Start(hash(1)));
    b.handle(at(1), LsdInput::Start(hash(2)));
    let sent = |lsd: &mut Lsd| match lsd.poll_output() {
        Some(LsdOutput::Send { data, .. }) => data,
        other => panic!("{other:?}"),
    };
    let (own, theirs) = (sent(&mut a), sent(&mut b));
    outputs(&mut a);
    let near: SocketAddr = "192.168.1.9:6771".parse().unwrap();
    let give = |lsd: &mut Lsd, from: &str, data: &[u8]| {
        lsd.handle(at(2), LsdInput::Datagram { from: from.parse().unwrap(), data });
        outputs(lsd)
    };
    let addr = SocketAddr::new(near.ip(), 6881);
    let expected = [LsdOutput::Found { info_hash: hash(1), addr }];
    assert_eq!(give(&mut a, "192.168.1.9:6771", &theirs), expected);
    assert_eq!(give(&mut a, "[::ffff:192.168.1.9]:6771", &theirs), expected);
    assert!(give(&mut a, "192.168.1.9:6771", &own).is_empty());
    assert!(give(&mut a, "8.8.8.8:6771", &theirs).is_empty());
    assert_eq!(give(&mut a, "[fe80::1]:6771", &theirs).len(), 1);
    let heard = (0..100).filter(|_| !give(&mut a, "10.0.0.1:1", &theirs).is_empty()).count();
    assert!(heard < 50, "{heard}");
}

proptest! {
    #[test]
    fn announces_round_trip(
        port in 1..=u16::MAX,
        hashes in prop::collection::btree_set(any::<[u8; 20]>(), 1..=HASHES_MAX),
        cookie in prop::option::of("[a-z0-9]{1,20}"),
        v6 in any::<bool>(),
        noise in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let info_hashes = hashes.into_iter().map(InfoHash).collect();
        let announce = Announce { port, info_hashes, cookie };
        let mut bytes = announce.encode(v6);
        prop_assert_eq!(Announce::decode(&bytes), Some(announce));
        bytes.extend(&noise);
        let _ = Announce::decode(&bytes);
        let _ = Announce::decode(&noise);
    }
}

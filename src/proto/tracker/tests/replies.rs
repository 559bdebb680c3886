//! Announce and scrape replies in every dialect, and what is none.

use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;

use crate::base::InfoHash;
use crate::proto::tracker::*;

fn peers(body: &[u8]) -> Vec<String> {
    parse_announce(body).unwrap().peers.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_a_reply_can_say() {
    let body = b"d8:completei5e10:downloadedi9e11:external ip4:\x09\x08\x07\x06\
                 10:incompletei3e8:intervali1800e12:min intervali300e\
                 5:peers12:\x7f\x00\x00\x01\x1a\xe1\x0a\x00\x00\x02\x00\x50\
                 6:peers618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe1\
                 10:tracker id3:a\x00b15:warning message5:carefe\r\n";
    let expected = AnnounceReply {
        interval: Some(1800),
        min_interval: Some(300),
        complete: Some(5),
        incomplete: Some(3),
        downloaded: Some(9),
        peers: ["127.0.0.1:6881", "10.0.0.2:80", "[2001:db8::1]:6881"]
            .map(|addr| addr.parse().unwrap())
            .to_vec(),
        tracker_id: Some(b"a\0b".to_vec()),
        external_ip: Some(IpAddr::from([9, 8, 7, 6])),
        warning: Some("caref".into()),
    };
    assert_eq!(parse_announce(body), Ok(expected));
}

#[test]
fn peers_as_dictionaries() {
    let list = b"d8:intervali60e5:peersl\
        d2:ip9:127.0.0.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti6881ee\
        d2:ip11:2001:db8::24:porti6882ee\
        d2:ip8:example.4:porti6883ee\
        d2:ip7:1.2.3.44:porti0ee\
        d2:ip7:1.2.3.44:porti65536ee\
        d2:ip7:1.2.3.44:porti-1ee\
        d2:ip7:1.2.3.4e\
        i7e\
        d2:ip15:::ffff:10.0.0.14:porti1ee\
        ee";
    assert_eq!(peers(list), ["127.0.0.1:6881", "[2001:db8::2]:6882", "10.0.0.1:1"]);
}

#[test]
fn peers_that_cannot_be() {
    // Port 0, the unspecified address, and a rest that is no whole peer.
    let body = b"d5:peers21:\x01\x02\x03\x04\x00\x00\0\0\0\0\x00\x01\x01\x02\x03\x04\x00\x01abce";
    assert_eq!(peers(body), ["1.2.3.4:1"]);
    assert_eq!(peers(b"d8:intervali60ee"), [""; 0]);
    assert_eq!(peers(b"d5:peers0:e"), [""; 0]);
    assert_eq!(peers(b"d5:peersle6:peers6i1ee"), [""; 0]);
}

#[test]
fn refusals() {
    let refused = |body: &[u8]| match parse_announce(body) {
        Err(ReplyError::Failure { reason, retry }) => (reason, retry),
        other => panic!("{other:?}"),
    };
    let minutes = |n: u64| Some(Retry::After(Duration::from_secs(n * 60)));
    let (reason, retry) = refused(b"d14:failure reason8:go\naway\x07e");
    assert_eq!((reason.as_str(), retry), ("go away", None));
    assert_eq!(refused(b"d14:failure reason1:x8:retry ini5ee").1, minutes(5));
    assert_eq!(refused(b"d14:failure reason1:x8:retry in2:10e").1, minutes(10));
    assert_eq!(refused(b"d14:failure reason1:x8:retry in5:nevere").1, Some(Retry::Never));
    assert_eq!(refused(b"d14:failure reason1:x8:retry ini9999999ee").1, minutes(24 * 60));
    assert_eq!(refused(b"d14:failure reason1:x8:retry ini-5ee").1, None);
    let long = [b"d14:failure reason1000:".to_vec(), vec![b'a'; 1000], b"e".to_vec()].concat();
    assert_eq!(refused(&long).0.len(), 300);
    let error = parse_scrape(b"d14:failure reason1:x8:retry in5:nevere").unwrap_err();
    assert_eq!(error.retry(), Some(Retry::Never));
    assert_eq!(error.to_string(), "tracker refused: x");
}

#[test]
fn what_is_no_reply() {
    let deep = [b"d1:a".to_vec(), vec![b'l'; 1000]].concat();
    let bodies: [&[u8]; 8] =
        [b"", b"<html>", b"i1e", b"le", b"de", b"d5:peers6:abce", b"d8:intervali-1ee", &deep];
    for body in bodies {
        assert!(matches!(parse_announce(body), Err(ReplyError::Malformed(_))), "{body:?}");
        assert!(matches!(parse_scrape(body), Err(ReplyError::Malformed(_))), "{body:?}");
    }
    let odd = parse_announce(b"d8:completei-1e10:incomplete1:x8:intervali99999999999ee").unwrap();
    assert_eq!((odd.complete, odd.incomplete, odd.interval), (None, None, Some(u32::MAX)));
}

#[test]
fn scrapes() {
    let body = b"d5:filesd3:abcd8:completei9ee20:aaaaaaaaaaaaaaaaaaaad8:completei5e\
                 10:downloadedi50e10:incompletei10ee20:bbbbbbbbbbbbbbbbbbbbdeee";
    let entries = parse_scrape(body).unwrap();
    let first = ScrapeEntry {
        info_hash: InfoHash([b'a'; 20]),
        complete: Some(5),
        incomplete: Some(10),
        downloaded: Some(50),
    };
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0], first);
    assert_eq!((entries[1].info_hash.0[0], entries[1].complete), (b'b', None));
}

proptest! {
    /// Foreign bytes never panic; a reply has only usable peers.
    #[test]
    fn noise(body in proptest::collection::vec(any::<u8>(), 0..200), list: bool) {
        let key: &[u8] = if list { b"d5:peersl" } else { b"d6:peers6" };
        for body in [body.clone(), [key, &body].concat()] {
            if let Ok(reply) = parse_announce(&body) {
                prop_assert!(reply.peers.iter().all(|peer| peer.port() != 0));
            }
            let _ = parse_scrape(&body);
        }
    }

    /// Compact peers come back as they were, whatever they are.
    #[test]
    fn compact_peers(addrs in proptest::collection::vec((1u32.., 1u16..), 0..50)) {
        let bytes: Vec<u8> = addrs
            .iter()
            .flat_map(|(ip, port)| [&ip.to_be_bytes()[..], &port.to_be_bytes()].concat())
            .collect();
        let body = [format!("d5:peers{}:", bytes.len()).as_bytes(), &bytes, b"e"].concat();
        let expected: Vec<_> = addrs
            .iter()
            .map(|(ip, port)| (std::net::Ipv4Addr::from(*ip), *port).into())
            .collect();
        prop_assert_eq!(parse_announce(&body).unwrap().peers, expected);
    }
}

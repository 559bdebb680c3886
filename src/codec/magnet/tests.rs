//! Links of the BEPs, sloppy links of the world, and round trips.

use proptest::prelude::*;

use super::*;

const HEX: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";
const V2: &str = "caf1e1c30e81cb361b9ee167c4aa64228a7fa4fa9f6105232b28ad099f3a302e";

fn parse(link: &str) -> Magnet {
    Magnet::parse(link).unwrap()
}

#[test]
fn hashes_in_every_spelling() {
    let hash = InfoHash::from_hex(HEX);
    assert_eq!(parse(&format!("magnet:?xt=urn:btih:{HEX}")).info_hash, hash);
    let upper = HEX.to_uppercase();
    assert_eq!(parse(&format!("MAGNET:?XT=urn:BTIH:{upper}")).info_hash, hash);
    for base32 in ["YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK", "yex6dqdlxisuvhoj6um3gnnkpqjwpkek"] {
        assert_eq!(parse(&format!("magnet:?xt=urn:btih:{base32}")).info_hash, hash);
    }
    let hybrid = parse(&format!("magnet:?xt=urn:btih:{HEX}&xt=urn:btmh:1220{V2}"));
    assert_eq!(hybrid.info_hash, hash);
    assert_eq!(hybrid.info_hash_v2.map(|h| Hex(&h).to_string()).as_deref(), Some(V2));
    let numbered = parse(&format!("magnet:?xt.1=urn:btih:{HEX}&xt.2=urn:sha1:ABC"));
    assert_eq!(numbered.info_hash, hash);
    assert_eq!(numbered.others, [("xt.2".to_owned(), "urn:sha1:ABC".to_owned())]);
    let same = parse(&format!("magnet:?xt=urn:btih:{HEX}&xt=urn:btih:{upper}"));
    assert_eq!(same.info_hash, hash);
}

#[test]
fn what_names_no_torrent_or_two_is_refused() {
    let other = "d".repeat(40);
    for (link, error) in [
        ("http://x/?xt=urn:btih:1".to_owned(), MagnetError::NotMagnet),
        ("magnet:".to_owned(), MagnetError::NotMagnet),
        ("magnet:?".to_owned(), MagnetError::NoHash),
        ("magnet:?dn=x&xt=urn:sha1:ABC".to_owned(), MagnetError::NoHash),
        (format!("magnet:?xt=urn:btih:{}", &HEX[1..]), MagnetError::BadHash),
        (format!("magnet:?xt=urn:btih:{}g", &HEX[1..]), MagnetError::BadHash),
        (format!("magnet:?xt=urn:btih:{}1", "A".repeat(31)), MagnetError::BadHash),
        (format!("magnet:?xt=urn:btmh:1220{}", &V2[2..]), MagnetError::BadHash),
        (format!("magnet:?xt=urn:btmh:1114{HEX}"), MagnetError::NoHash),
        (format!("magnet:?xt=urn:btih:{HEX}&xt=urn:btih:{other}"), MagnetError::Contradiction),
        (format!("magnet:?xs=urn:btpk:{HEX}"), MagnetError::BadHash),
        (
            format!("magnet:?xt=urn:btih:{HEX}&dn={}", "x".repeat(MAGNET_BYTES)),
            MagnetError::TooLong,
        ),
    ] {
        assert_eq!(Magnet::parse(&link), Err(error), "{}", &link[..link.len().min(80)]);
    }
}

#[test]
fn everything_a_link_can_say() {
    let m = parse(&format!(
        " magnet:?xt=urn:btih:{HEX}&dn=a+b%20c%26&xl=123&tr=http%3A%2F%2Ft%2Fa%3Fk%3D1&amp;tr=udp://u:1\
         &tr.2=udp://v:2&tr=udp://u:1&ws=http://w/&x.pe=1.2.3.4:5&x.pe=%5B2001%3Adb8%3A%3A1%5D:6\
         &x.pe=host.example:7&xs=http://x/y.torrent&as=http://z/y.torrent&kt=one+two&so=0,2,4-6\
         &x.foo=1&mt=http://m&empty=&=novalue&dn=second "
    ));
    assert_eq!((m.name.as_deref(), m.length), (Some("a b c&"), Some(123)));
    assert_eq!(m.trackers, ["http://t/a?k=1", "udp://u:1", "udp://v:2"]);
    assert_eq!(m.web_seeds, ["http://w/"]);
    assert_eq!(m.peers, ["1.2.3.4:5", "[2001:db8::1]:6", "host.example:7"]);
    assert_eq!(
        (&m.sources[..], &m.fallback_sources[..]),
        (&["http://x/y.torrent".to_owned()][..], &["http://z/y.torrent".to_owned()][..])
    );
    assert_eq!(m.keywords, ["one", "two"]);
    assert_eq!(m.selected, Some(vec![(0, 0), (2, 2), (4, 6)]));
    assert!(m.wants(5) && !m.wants(3));
    let keys: Vec<_> = m.others.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["x.foo", "mt", ""]);
}

/// BEP 46, "Magnet link".
#[test]
fn a_link_to_what_changes() {
    let key = "8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e";
    let m = parse(&format!("magnet:?xs=urn:btpk:{key}&s=6e"));
    assert_eq!(m.public_key.map(|k| Hex(&k).to_string()).as_deref(), Some(key));
    assert_eq!((&m.salt[..], m.info_hash), (&b"n"[..], None));
    assert_eq!(m.to_string(), format!("magnet:?xs=urn:btpk:{key}&s=6e"));
}

#[test]
fn sloppy_values_are_kept_apart_and_do_no_harm() {
    let link = |rest: &str| parse(&format!("magnet:?xt=urn:btih:{HEX}&{rest}"));
    for bad in ["so=4-2", "so=a", "so=1-", "so=-1", "so=+1", "so=4294967296", "xl=-1", "xl=1e3"] {
        let m = link(bad);
        assert_eq!((m.selected.clone(), m.length, m.others.len()), (None, None, 1), "{bad}");
    }
    for bad in ["1.2.3.4", "1.2.3.4:0", ":5", "[::1:5", "::1:5", "a b:5", "h:99999", "h:+5"] {
        let m = link(&format!("x.pe={bad}"));
        assert!(m.peers.is_empty() && m.others.len() == 1, "{bad}");
    }
    assert_eq!(link("dn=100%&tr=x%2").name.as_deref(), Some("100%"));
    assert_eq!(link("dn=%ff%41").name.as_deref(), Some("\u{fffd}A"));
    assert_eq!(link("dn=%e4%bd%a0").name.as_deref(), Some("\u{4f60}"));
    assert_eq!(link("dn=%\u{4f60}1").name.as_deref(), Some("%\u{4f60}1"));
    assert_eq!(link("so=5,1-3,2-4,9&so=6").selected, Some(vec![(1, 6), (9, 9)]));
    assert_eq!(link("so=0-4294967295,7").selected, Some(vec![(0, u32::MAX)]));
    let many: String = (0..2000).map(|n| format!("tr=udp://t{n}:1&")).collect();
    assert_eq!(link(&many).trackers.len(), MAGNET_LIST);
}

fn list(pattern: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set(pattern, 0..4).prop_map(|set| set.into_iter().collect())
}

proptest! {
    #[test]
    fn links_round_trip(
        hash in any::<Option<[u8; 20]>>(),
        v2 in any::<[u8; 32]>(),
        key in any::<Option<[u8; 32]>>(),
        salt in prop::collection::vec(any::<u8>(), 0..=64),
        name in prop::option::of("[^\\p{C}]{1,20}"),
        length in any::<Option<u64>>(),
        lists in (list("\\PC{1,20}"), list("\\PC{1,20}"), list("[a-z]{1,9}:[1-9][0-9]{3}")),
        words in list("[^\\s\\p{C}]{1,8}"),
        ranges in prop::option::of(prop::collection::vec((0u32..99, 0u32..9), 1..5)),
        others in prop::collection::vec(("z[a-z]{1,5}", "\\PC{1,9}"), 0..4),
    ) {
        let magnet = Magnet {
            info_hash: hash.map(InfoHash),
            info_hash_v2: Some(v2),
            public_key: key,
            salt: if key.is_some() { salt } else { Vec::new() },
            name,
            length,
            trackers: lists.0,
            web_seeds: lists.1,
            peers: lists.2,
            sources: vec!["http://a/b?c=d&e".to_owned()],
            fallback_sources: vec!["http://f".to_owned()],
            keywords: words,
            selected: ranges.map(|r| merge(r.into_iter().map(|(a, n)| (a, a + n)).collect())),
            others,
        };
        prop_assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        if let Ok(magnet) = Magnet::parse(&format!("magnet:?xt=urn:btih:{HEX}&{text}")) {
            prop_assert_eq!(Magnet::parse(&magnet.to_string()), Ok(magnet));
        }
    }
}

//! Vectors, limits, round trips, and an oracle.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_bencode::value::Value as Oracle;

use super::*;

fn fails(input: &[u8]) -> (usize, ErrorKind) {
    let error = Document::parse(input).unwrap_err();
    (error.offset, error.kind)
}

#[test]
fn the_examples_of_bep_3() {
    let doc = Document::parse(b"d3:cow3:moo4:spaml1:a1:bee").unwrap();
    assert!(doc.is_canonical());
    let root = doc.root();
    assert_eq!(root.get_str(b"cow"), Some("moo"));
    let spam: Vec<_> =
        root.get(b"spam").unwrap().as_list().unwrap().map(|v| v.as_bytes()).collect();
    assert_eq!(spam, [Some(&b"a"[..]), Some(b"b")]);
    assert_eq!(root.get(b"spam").unwrap().raw(), b"l1:a1:be");
    assert_eq!(root.get(b"spam").unwrap().offset(), 17);
    let int = |input: &[u8]| Document::parse(input).unwrap().root().as_int();
    assert_eq!((int(b"i3e"), int(b"i-3e"), int(b"i0e")), (Some(3), Some(-3), Some(0)));
    assert_eq!(Document::parse(b"0:").unwrap().root().as_bytes(), Some(&b""[..]));
    assert_eq!(Document::parse(b"de").unwrap().root().as_dict().unwrap().count(), 0);
}

#[test]
fn malformed_input_is_located() {
    use ErrorKind::*;
    for (input, offset, kind) in [
        (&b""[..], 0, UnexpectedEnd),
        (b"e", 0, UnexpectedByte),
        (b"x", 0, UnexpectedByte),
        (b"ie", 1, UnexpectedByte),
        (b"i-e", 2, UnexpectedByte),
        (b"i--1e", 2, UnexpectedByte),
        (b"i+1e", 1, UnexpectedByte),
        (b"i1x", 2, UnexpectedByte),
        (b"i1", 2, UnexpectedEnd),
        (b"i-0e", 2, NegativeZero),
        (b"i-01e", 2, NegativeZero),
        (b"i03e", 1, LeadingZero),
        (b"i00e", 1, LeadingZero),
        (b"01:a", 0, LeadingZero),
        (b"00:", 0, LeadingZero),
        (b"-1:a", 0, UnexpectedByte),
        (b"5:spam", 0, StringTooLong),
        (b"99999999999999999999:", 0, StringTooLong),
        (b"4;spam", 1, UnexpectedByte),
        (b"4", 0, StringTooLong),
        (b"10:aaaaaa1", 0, StringTooLong),
        (b"l", 1, UnexpectedEnd),
        (b"li1e", 4, UnexpectedEnd),
        (b"d1:a", 4, UnexpectedEnd),
        (b"d1:ae", 4, MissingValue),
        (b"di1e1:ae", 1, KeyNotString),
        (b"dlee", 1, KeyNotString),
        (b"i1ei2e", 3, TrailingData),
        (b"de\n", 2, TrailingData),
    ] {
        assert_eq!(fails(input), (offset, kind), "{}", input.escape_ascii());
    }
}

#[test]
fn key_order_is_recorded_or_enforced() {
    let strict = Limits { canonical: true, ..Limits::default() };
    let doc = Document::parse(b"d1:bi1e1:ai2ee").unwrap();
    assert!(!doc.is_canonical());
    assert_eq!(doc.root().get_int(b"a"), Some(2));
    let error = Document::parse_with(b"d1:bi1e1:ai2ee", strict).unwrap_err();
    assert_eq!((error.offset, error.kind), (7, ErrorKind::UnsortedKeys));

    let doc = Document::parse(b"d1:ai1e1:ai2ee").unwrap();
    assert!(!doc.is_canonical());
    assert_eq!(doc.root().get_int(b"a"), Some(1), "the first of equal keys wins");
    let error = Document::parse_with(b"d1:ai1e1:ai2ee", strict).unwrap_err();
    assert_eq!((error.offset, error.kind), (7, ErrorKind::DuplicateKey));

    // A nested dictionary's order is its own.
    let nested = b"d1:ad1:zi1ee1:bi2ee";
    assert!(Document::parse_with(nested, strict).unwrap().is_canonical());
}

#[test]
fn limits_hold() {
    let depth = |n: usize| [vec![b'l'; n], vec![b'e'; n]].concat();
    assert!(Document::parse(&depth(100)).is_ok());
    assert_eq!(fails(&depth(101)), (100, ErrorKind::TooDeep));
    assert_eq!(fails(&depth(1_000_000)), (100, ErrorKind::TooDeep));
    let limits = Limits { items: 3, ..Limits::default() };
    assert!(Document::parse_with(b"l0:0:e", limits).is_ok());
    let error = Document::parse_with(b"l0:0:0:e", limits).unwrap_err();
    assert_eq!((error.offset, error.kind), (5, ErrorKind::TooManyItems));
    let error = Document::parse_with(b"4:spam", Limits::with_bytes(5)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
}

#[test]
fn integers_of_any_length_parse_but_only_fitting_ones_convert() {
    let read = |text: &str| {
        let input = format!("i{text}e");
        let doc = Document::parse(input.as_bytes()).unwrap();
        (doc.root().as_int(), doc.root().as_uint())
    };
    assert_eq!(read("9223372036854775807"), (Some(i64::MAX), Some(i64::MAX as u64)));
    assert_eq!(read("-9223372036854775808"), (Some(i64::MIN), None));
    assert_eq!(read("18446744073709551615"), (None, Some(u64::MAX)));
    assert_eq!(read("18446744073709551616"), (None, None));
}

#[test]
fn a_prefix_leaves_the_rest() {
    let input = b"d8:msg_typei1ee\x00\xffdata";
    let (doc, used) = Document::parse_prefix(input, Limits::default()).unwrap();
    assert_eq!(doc.root().get_int(b"msg_type"), Some(1));
    assert_eq!(&input[used..], b"\x00\xffdata");
}

#[test]
fn slices_outlive_the_document() {
    fn name(input: &[u8]) -> Option<&[u8]> {
        Document::parse(input).ok()?.root().get_bytes(b"name")
    }
    assert_eq!(name(b"d4:name3:abce"), Some(&b"abc"[..]));
}

#[test]
fn the_encoder_sorts_and_keeps_the_first_of_equal_keys() {
    let mut out = Encoder::new();
    out.dict(|d| {
        d.int(b"b", 1);
        d.dict(b"a", |d| {
            d.raw(b"z", b"le");
            d.bytes(b"", b"x");
        });
        d.int(b"b", 2);
        d.list(b"ab", |l| {
            l.uint(u64::MAX);
            l.int(i64::MIN);
        });
    });
    let expect = b"d1:ad0:1:x1:zlee2:abli18446744073709551615ei-9223372036854775808ee1:bi1ee";
    assert_eq!(out.finish().escape_ascii().to_string(), expect.escape_ascii().to_string());
}

fn tree() -> impl Strategy<Value = Item> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Item::Int),
        prop::collection::vec(any::<u8>(), 0..12).prop_map(Item::Bytes),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        let key = prop::collection::vec(any::<u8>(), 0..4);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Item::List),
            prop::collection::btree_map(key, inner, 0..8).prop_map(Item::Dict),
        ]
    })
}

fn to_item(value: Value<'_, '_>) -> Item {
    if let Some(int) = value.as_int() {
        Item::Int(int)
    } else if let Some(bytes) = value.as_bytes() {
        Item::Bytes(bytes.to_vec())
    } else if let Some(list) = value.as_list() {
        Item::List(list.map(to_item).collect())
    } else {
        let entries = value.as_dict().unwrap();
        let entries: BTreeMap<_, _> = entries.map(|(k, v)| (k.to_vec(), to_item(v))).collect();
        Item::Dict(entries)
    }
}

fn to_oracle(item: &Item) -> Oracle {
    match item {
        Item::Int(int) => Oracle::Int(*int),
        Item::Bytes(bytes) | Item::Raw(bytes) => Oracle::Bytes(bytes.clone()),
        Item::List(list) => Oracle::List(list.iter().map(to_oracle).collect()),
        Item::Dict(dict) => {
            let entries = dict.iter().map(|(k, v)| (k.clone(), to_oracle(v)));
            Oracle::Dict(entries.collect::<HashMap<_, _>>())
        }
    }
}

proptest! {
    #[test]
    fn encoded_trees_read_back(item in tree()) {
        let bytes = item.encode();
        let strict = Limits { canonical: true, ..Limits::default() };
        let doc = Document::parse_with(&bytes, strict).unwrap();
        prop_assert_eq!(to_item(doc.root()), item);
        prop_assert_eq!(doc.root().raw(), &bytes[..]);
    }

    #[test]
    fn serde_bencode_agrees(item in tree()) {
        let ours = item.encode();
        prop_assert_eq!(&ours, &serde_bencode::to_bytes(&to_oracle(&item)).unwrap());
        let theirs: Oracle = serde_bencode::from_bytes(&ours).unwrap();
        prop_assert_eq!(theirs, to_oracle(&to_item(Document::parse(&ours).unwrap().root())));
    }

    #[test]
    fn what_we_accept_serde_bencode_accepts(
        bytes in prop::collection::vec(prop::sample::select(&b"ilde01:29-a"[..]), 0..24),
    ) {
        if let Ok(doc) = Document::parse(&bytes) {
            // The oracle knows only i64, and keeps the last of equal keys.
            if doc.is_canonical()
                && let Ok(theirs) = serde_bencode::from_bytes::<Oracle>(&bytes)
            {
                prop_assert_eq!(theirs, to_oracle(&to_item(doc.root())));
                prop_assert_eq!(to_item(doc.root()).encode(), bytes);
            }
        }
    }

    #[test]
    fn every_cut_is_an_error_in_the_cut(item in tree(), at in any::<prop::sample::Index>()) {
        let bytes = item.encode();
        let cut = at.index(bytes.len());
        let error = Document::parse(&bytes[..cut]).unwrap_err();
        prop_assert!(error.offset <= cut);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((doc, used)) = Document::parse_prefix(&bytes, Limits::default()) {
            prop_assert_eq!(doc.root().raw(), &bytes[..used]);
        }
    }
}

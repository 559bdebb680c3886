//! Any bytes parse or fail; what parses is walked, and when canonical, rewritten byte for byte.

use tern::codec::bencode::{Document, Encoder, Limits, Value};

/// One input.
pub fn run(data: &[u8]) {
    let Ok((document, used)) = Document::parse_prefix(data, Limits::default()) else { return };
    assert_eq!(document.root().raw(), &data[..used]);
    let mut out = Encoder::new();
    if rewrite(document.root(), &mut out) && document.is_canonical() {
        assert_eq!(out.finish(), &data[..used]);
    }
}

/// False when an integer does not fit. Recursion is bounded by the depth limit.
fn rewrite(value: Value<'_, '_>, out: &mut Encoder) -> bool {
    let mut whole = true;
    if let Some(list) = value.as_list() {
        out.list(|l| list.for_each(|item| whole &= rewrite(item, l)));
    } else if let Some(entries) = value.as_dict() {
        out.dict(|d| {
            for (key, item) in entries {
                assert!(value.get(key).is_some());
                d.entry(key, |e| whole &= rewrite(item, e));
            }
        });
    } else if let Some(bytes) = value.as_bytes() {
        out.bytes(bytes);
    } else {
        whole = value.as_int().is_some();
        out.int(value.as_int().unwrap_or_default());
    }
    whole
}

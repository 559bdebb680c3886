//! What a tracker answers to an announce (BEP 3, 7, 23, 24, 31), in all its dialects.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::{AnnounceReply, ReplyError, Retry};
use crate::base::limits::TRACKER_REPLY_BYTES;
use crate::codec::bencode::{Document, Limits, Value};

/// Characters of a tracker's texts that are kept.
const TEXT_CHARS: usize = 300;
/// Bytes of a `trackerid` that are kept; it is sent back in every request.
const TRACKER_ID_BYTES: usize = 256;
/// Items of a reply: a compact one has few, one of dictionaries some eight per peer.
const ITEMS: usize = 200_000;
/// Peers kept of one reply.
const PEERS: usize = 10_000;
/// Nesting of a reply: peers in a list in a dictionary, with room for what we do not know.
const DEPTH: usize = 16;
/// Longest wish for a retry that is believed, in minutes: a day.
const RETRY_MINUTES: u64 = 24 * 60;

/// Reads the body of an announce reply. Values of unexpected types are treated as absent, peers
/// without a literal address or with port 0 are dropped.
///
/// # Errors
/// `Failure` when the tracker refused, `Malformed` when this is no bencoded dictionary or one
/// without anything a reply has.
pub fn parse_announce(body: &[u8]) -> Result<AnnounceReply, ReplyError> {
    let document = document(body)?;
    let root = document.root();
    check_failure(root)?;
    let mut peers = Vec::new();
    if let Some(value) = root.get(b"peers") {
        match value.as_bytes() {
            // BEP 23.
            Some(compact) => push_compact_v4(compact, &mut peers),
            None => push_list(value, &mut peers),
        }
    }
    if let Some(value) = root.get(b"peers6") {
        match value.as_bytes() {
            // BEP 7.
            Some(compact) => push_compact_v6(compact, &mut peers),
            None => push_list(value, &mut peers),
        }
    }
    let reply = AnnounceReply {
        interval: count(root, b"interval"),
        min_interval: count(root, b"min interval"),
        complete: count(root, b"complete"),
        incomplete: count(root, b"incomplete"),
        downloaded: count(root, b"downloaded"),
        peers,
        tracker_id: root
            .get_bytes(b"tracker id")
            .or_else(|| root.get_bytes(b"trackerid"))
            .filter(|id| !id.is_empty() && id.len() <= TRACKER_ID_BYTES)
            .map(<[u8]>::to_vec),
        // BEP 24.
        external_ip: root.get_bytes(b"external ip").and_then(raw_address),
        warning: root.get_bytes(b"warning message").map(printable).filter(|text| !text.is_empty()),
    };
    let has_peers = root.get(b"peers").or_else(|| root.get(b"peers6")).is_some();
    if reply.interval.is_none() && reply.warning.is_none() && !has_peers {
        return Err(ReplyError::Malformed("neither interval nor peers"));
    }
    Ok(reply)
}

/// Parses a reply's outermost dictionary. What follows it is not looked at: some trackers end their
/// replies with a line end.
pub(super) fn document(body: &[u8]) -> Result<Document<'_>, ReplyError> {
    let limits = Limits { items: ITEMS, depth: DEPTH, ..Limits::with_bytes(TRACKER_REPLY_BYTES) };
    let body = body.trim_ascii_start();
    let (document, _) =
        Document::parse_prefix(body, limits).map_err(|_| ReplyError::Malformed("not bencode"))?;
    if document.root().is_dict() {
        Ok(document)
    } else {
        Err(ReplyError::Malformed("not a dictionary"))
    }
}

/// BEP 3: with a `failure reason` no other key matters, except BEP 31's.
pub(super) fn check_failure(root: Value<'_, '_>) -> Result<(), ReplyError> {
    let Some(reason) = root.get_bytes(b"failure reason") else { return Ok(()) };
    let retry = root.get(b"retry in").and_then(|value| {
        if value.as_bytes() == Some(b"never") {
            return Some(Retry::Never);
        }
        // Minutes; as text too, as some trackers send it.
        let text = value.as_bytes().and_then(|text| core::str::from_utf8(text).ok());
        let minutes = value.as_uint().or_else(|| text?.trim().parse().ok())?;
        Some(Retry::After(Duration::from_secs(minutes.min(RETRY_MINUTES) * 60)))
    });
    Err(ReplyError::Failure { reason: printable(reason), retry })
}

/// A number that is not negative; larger ones than fit are cut.
pub(super) fn count(dict: Value<'_, '_>, key: &[u8]) -> Option<u32> {
    dict.get(key)?.as_uint().map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// A tracker's text, fit to be shown.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS).collect();
    text.trim().to_owned()
}

fn push(ip: IpAddr, port: u16, peers: &mut Vec<SocketAddr>) {
    if port != 0 && !ip.is_unspecified() && peers.len() < PEERS {
        peers.push(SocketAddr::new(ip.to_canonical(), port));
    }
}

/// Six bytes a peer; a rest that is no whole peer is dropped.
fn push_compact_v4(bytes: &[u8], peers: &mut Vec<SocketAddr>) {
    for [a, b, c, d, high, low] in bytes.as_chunks::<6>().0 {
        let ip = Ipv4Addr::new(*a, *b, *c, *d);
        push(ip.into(), u16::from_be_bytes([*high, *low]), peers);
    }
}

/// Eighteen bytes a peer.
fn push_compact_v6(bytes: &[u8], peers: &mut Vec<SocketAddr>) {
    for [ip @ .., high, low] in bytes.as_chunks::<18>().0 {
        let ip: [u8; 16] = *ip;
        push(Ipv6Addr::from(ip).into(), u16::from_be_bytes([*high, *low]), peers);
    }
}

/// BEP 3's list of dictionaries. Names are dropped: resolving what a tracker says would make every
/// peer a name look-up by its order.
fn push_list(value: Value<'_, '_>, peers: &mut Vec<SocketAddr>) {
    for peer in value.as_list().into_iter().flatten() {
        let ip = peer.get_str(b"ip").and_then(|ip| ip.trim().parse::<IpAddr>().ok());
        let port = peer.get(b"port").and_then(|port| u16::try_from(port.as_uint()?).ok());
        if let (Some(ip), Some(port)) = (ip, port) {
            push(ip, port, peers);
        }
    }
}

/// Four or sixteen bytes.
fn raw_address(bytes: &[u8]) -> Option<IpAddr> {
    let ip = match bytes.len() {
        4 => IpAddr::from(*bytes.first_chunk::<4>()?),
        16 => IpAddr::from(*bytes.first_chunk::<16>()?),
        _ => return None,
    };
    Some(ip.to_canonical()).filter(|ip| !ip.is_unspecified())
}

//! rtorrent's session directory: `HASH.torrent` with `HASH.torrent.libtorrent_resume` (progress,
//! files, peers) and `HASH.torrent.rtorrent` (state, place, labels) beside it; versions before 0.9
//! kept both as dictionaries inside the `.torrent`.
//!
//! Pieces of the last minutes are `uncertain_pieces`, which rtorrent hashes itself at its next
//! start; so does this. A file whose time is not the recorded one loses its pieces to a check.
//!
//! Deliberately absent: throttle groups, views, scripts bound to a torrent.

use std::net::{Ipv4Addr, SocketAddr};

use super::super::bencode::{Document, Limits, Value};
use super::super::resume::Resume;
use super::{Bits, Claims, ClientError, ClientState, Known, Labels, Place, Stamp, Verified, text};
use crate::base::{UnixTime, limits};

/// Reads what belongs to one torrent: the `.torrent` and the two files beside it, if any.
///
/// # Errors
/// When one is not bencode, says no directory, or a field of progress is of the wrong type.
pub fn session(
    torrent: &[u8],
    resume: Option<&[u8]>,
    state: Option<&[u8]>,
) -> Result<ClientState, ClientError> {
    let limits = Limits::with_bytes(limits::RESUME_BYTES);
    let named = |name: &str, data| {
        Document::parse_with(data, limits).map_err(|e| ClientError::new(name, e.to_string()))
    };
    let whole = named("torrent", torrent)?;
    let inside = |key: &[u8]| whole.root().get(key).map_or(&b"de"[..], |v| v.raw());
    let resume =
        named("libtorrent_resume", resume.unwrap_or_else(|| inside(b"libtorrent_resume")))?;
    let state = named("rtorrent", state.unwrap_or_else(|| inside(b"rtorrent")))?;
    let (resume, state) = (resume.root(), state.root());
    let directory = state
        .get_bytes(b"directory")
        .filter(|dir| !dir.is_empty())
        .ok_or_else(|| ClientError::new("rtorrent.directory", "missing"))?;
    Ok(ClientState {
        resume: settings(resume, state),
        place: Place::Within(directory.to_vec()),
        claims: claims(resume)?,
        labels: labels(state),
        endings: &[],
    })
}

fn settings(resume: Value<'_, '_>, state: Value<'_, '_>) -> Resume {
    let uint = |key: &[u8]| state.get(key).and_then(|v| v.as_uint()).unwrap_or(0);
    let time = |key: &[u8]| UnixTime(state.get_int(key).unwrap_or(0).max(0));
    let files = resume.get(b"files").and_then(|v| v.as_list()).into_iter().flatten();
    let mut file_priority: Vec<u8> = files
        .map(|file| match file.get_int(b"priority") {
            Some(0) => 0,
            Some(2) => 7,
            _ => 4,
        })
        .collect();
    if file_priority.iter().all(|p| *p == 4) {
        file_priority = Vec::new();
    }
    let custom = state.get(b"custom");
    let added = custom.and_then(|c| text(c.get_bytes(b"addtime")?).trim().parse().ok());
    Resume {
        total_uploaded: uint(b"total_uploaded"),
        total_downloaded: uint(b"total_downloaded"),
        added_time: added.map_or_else(|| time(b"timestamp.started"), UnixTime),
        completed_time: time(b"timestamp.finished"),
        paused: state.get_int(b"state") == Some(0),
        auto_managed: false,
        file_priority,
        trackers: trackers(resume).map(std::sync::Arc::new),
        peers: peers(resume),
        ..Resume::default()
    }
}

/// Only a list with trackers of the user's own replaces the torrent's.
fn trackers(resume: Value<'_, '_>) -> Option<Vec<Vec<String>>> {
    let entries = || resume.get(b"trackers").and_then(|v| v.as_dict()).into_iter().flatten();
    let extra = |entry: &Value<'_, '_>| entry.get_int(b"extra_tracker").is_some_and(|v| v != 0);
    if !entries().any(|(_, entry)| extra(&entry)) {
        return None;
    }
    let mut tiers: Vec<(i64, Vec<String>)> = Vec::new();
    for (url, entry) in entries() {
        let on = entry.get_int(b"enabled") != Some(0);
        let Some(url) = core::str::from_utf8(url).ok().filter(|url| on && *url != "dht://") else {
            continue;
        };
        let group = entry.get_int(b"group").unwrap_or(0);
        match tiers.iter_mut().find(|(tier, _)| *tier == group) {
            Some((_, urls)) => urls.push(url.to_owned()),
            None => tiers.push((group, vec![url.to_owned()])),
        }
    }
    tiers.sort_by_key(|(tier, _)| *tier);
    Some(tiers.into_iter().map(|(_, urls)| urls).collect())
}

fn peers(resume: Value<'_, '_>) -> Vec<SocketAddr> {
    let list = resume.get(b"peers").and_then(|v| v.as_list()).into_iter().flatten();
    list.filter(|peer| peer.get_int(b"failed") == Some(0))
        .filter_map(|peer| {
            let [a, b, c, d, hi, lo] = <[u8; 6]>::try_from(peer.get_bytes(b"inet")?).ok()?;
            let port = u16::from_be_bytes([hi, lo]);
            Some(SocketAddr::from((Ipv4Addr::new(a, b, c, d), port)))
        })
        .filter(|addr| addr.port() != 0)
        .collect()
}

fn claims(resume: Value<'_, '_>) -> Result<Claims, ClientError> {
    let Some(bitfield) = resume.get(b"bitfield") else { return Ok(Claims::Unknown) };
    let bits = match (bitfield.as_bytes(), bitfield.as_int()) {
        (Some(raw), _) => Bits::Raw(raw.to_vec()),
        (None, Some(0)) => Bits::None,
        // The number of pieces: all of them.
        (None, Some(1..)) => Bits::All,
        _ => {
            return Err(ClientError::new("libtorrent_resume.bitfield", "neither bits nor a count"));
        }
    };
    let files = resume.get(b"files").and_then(|v| v.as_list()).into_iter().flatten();
    let stamps = files
        .map(|file| match file.get_int(b"mtime") {
            // Complements of 0, 1 and 2: to be created, not to be created, untrusted. Of 3: it was
            // being written to.
            Some(-4) => Stamp::Any,
            Some(time) if time >= 0 => Stamp::At(time),
            _ => Stamp::Distrust,
        })
        .collect();
    let (uncertain, _) = resume.get_bytes(b"uncertain_pieces").unwrap_or_default().as_chunks::<4>();
    Ok(Claims::Known(Known {
        bits,
        stamps,
        verified: Verified::Always,
        uncertain: uncertain.iter().map(|raw| u32::from_be_bytes(*raw)).collect(),
        ..Known::default()
    }))
}

/// `custom1` is the label by the custom of its web faces, which encode it like a URL.
fn labels(state: Value<'_, '_>) -> Labels {
    let label = state.get_bytes(b"custom1").unwrap_or_default();
    Labels { client: "rtorrent".into(), category: text(&unescape(label)), ..Labels::default() }
}

/// `%2F` as `/`; a percent sign without two digits stays.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let code = match (byte, digit(raw.get(at + 1)), digit(raw.get(at + 2))) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    out
}

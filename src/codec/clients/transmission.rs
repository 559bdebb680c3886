//! Transmission's `resume/*.resume`: bencode, keys with hyphens up to 4.0 and with underscores when
//! 4.1 is told so.
//!
//! `progress.blocks` are the 16 KiB blocks on disk. What of them was verified: 4.x has
//! `progress.pieces` and each file's `mtimes` as of then; 2.20 to 3.00 has `progress.time-checked`,
//! a time per file or per piece, which Transmission compares with the modification time of files
//! that are complete. Both rules are taken over. Partial files may be called `NAME.part`.
//!
//! Deliberately absent: progress before 2.20, which is checked instead.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::bencode::{Document, Limits, Value};
use super::super::resume::Resume;
use super::{
    Bits, Claims, ClientError, ClientState, Known, Labels, Place, Stamp, Times, Verified, text,
};
use crate::base::{UnixTime, limits};

/// Reads a `.resume` file. `torrent_name` is the name in the `.torrent` file.
///
/// # Errors
/// When it is not one, or a field that progress depends on is not what it should be.
pub fn resume(data: &[u8], torrent_name: &[u8]) -> Result<ClientState, ClientError> {
    let document = Document::parse_with(data, Limits::with_bytes(limits::RESUME_BYTES))?;
    let root = document.root();
    if !root.is_dict() {
        return Err(ClientError::new("", "not a dictionary"));
    }
    let destination = bytes(root, "destination")
        .filter(|dir| !dir.is_empty())
        .ok_or_else(|| ClientError::new("destination", "missing"))?;
    let claims = match get(root, "progress") {
        Some(progress) => progress_of(progress)?,
        None => Claims::Unknown,
    };
    let name = bytes(root, "name").filter(|name| is_name(name)).unwrap_or(torrent_name);
    Ok(ClientState {
        resume: settings(root),
        place: Place::Named { dir: destination.to_vec(), name: name.to_vec() },
        claims,
        labels: labels(root, name, torrent_name),
        endings: &[".part"],
    })
}

/// The other directory a torrent may be in while it is incomplete, if there is one.
#[must_use]
pub fn incomplete_dir(data: &[u8]) -> Option<Vec<u8>> {
    let document = Document::parse_with(data, Limits::with_bytes(limits::RESUME_BYTES)).ok()?;
    let dir = bytes(document.root(), "incomplete-dir")?;
    Some(dir.to_vec()).filter(|dir| !dir.is_empty())
}

fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.contains(&b'/') && !name.contains(&0) && name != b"." && name != b".."
}

/// The value under `key`, or under its spelling with underscores.
fn get<'d, 'a>(dict: Value<'d, 'a>, key: &str) -> Option<Value<'d, 'a>> {
    dict.get(key.as_bytes()).or_else(|| dict.get(key.replace('-', "_").as_bytes()))
}

fn bytes<'a>(dict: Value<'_, 'a>, key: &str) -> Option<&'a [u8]> {
    get(dict, key)?.as_bytes()
}

fn int(dict: Value<'_, '_>, key: &str) -> Option<i64> {
    get(dict, key)?.as_int()
}

fn uint(dict: Value<'_, '_>, key: &str) -> u64 {
    get(dict, key).and_then(|v| v.as_uint()).unwrap_or(0)
}

fn flag(dict: Value<'_, '_>, key: &str) -> bool {
    int(dict, key).is_some_and(|v| v != 0)
}

fn settings(root: Value<'_, '_>) -> Resume {
    let time = |key: &str| UnixTime(int(root, key).unwrap_or(0).max(0));
    let limit = |key: &str| {
        let dict = get(root, key)?;
        // Before 2.0 it was kilobytes per second.
        let rate = match get(dict, "speed-Bps").or_else(|| get(dict, "speed-bps")) {
            Some(rate) => rate.as_uint()?,
            None => get(dict, "speed")?.as_uint()?.saturating_mul(1000),
        };
        flag(dict, "use-speed-limit").then_some(rate).filter(|rate| *rate > 0)
    };
    let seeding_time = uint(root, "seeding-time-seconds");
    Resume {
        total_uploaded: uint(root, "uploaded"),
        total_downloaded: uint(root, "downloaded"),
        active_time: uint(root, "downloading-time-seconds").saturating_add(seeding_time),
        finished_time: seeding_time,
        seeding_time,
        added_time: time("added-date"),
        completed_time: time("done-date"),
        upload_rate_limit: limit("speed-limit-up"),
        download_rate_limit: limit("speed-limit-down"),
        max_connections: int(root, "max-peers").and_then(|n| u32::try_from(n).ok()),
        paused: flag(root, "paused"),
        auto_managed: false,
        sequential: flag(root, "sequential-download"),
        file_priority: priorities(root),
        peers: peers(root),
        ..Resume::default()
    }
}

/// Low, normal and high are 1, 4 and 7 here; files that are not wanted 0.
fn priorities(root: Value<'_, '_>) -> Vec<u8> {
    let list = |key: &str| get(root, key).and_then(|v| v.as_list()).into_iter().flatten();
    let mut out: Vec<u8> = list("priority")
        .map(|p| match p.as_int() {
            Some(i64::MIN..=-1) => 1,
            Some(1..) => 7,
            _ => 4,
        })
        .collect();
    for (index, unwanted) in list("dnd").enumerate() {
        if out.len() <= index {
            out.push(4);
        }
        if let (Some(slot), true) = (out.get_mut(index), unwanted.as_int() == Some(1)) {
            *slot = 0;
        }
    }
    if out.iter().all(|p| *p == 4) { Vec::new() } else { out }
}

/// 4.x: dictionaries with `socket_address`: 4 or 16 bytes, then the port. Before: records of 24
/// bytes, where the address starts with its family (0 or 1 as u32) and ends with the port.
fn peers(root: Value<'_, '_>) -> Vec<SocketAddr> {
    let mut out = Vec::new();
    for key in ["peers2", "peers2-6"] {
        let Some(value) = get(root, key) else { continue };
        for entry in value.as_list().into_iter().flatten() {
            let packed = get(entry, "socket-address").and_then(|v| v.as_bytes());
            out.extend(packed.and_then(compact));
        }
    }
    out
}

fn compact(raw: &[u8]) -> Option<SocketAddr> {
    if let Ok([a, b, c, d, hi, lo]) = <[u8; 6]>::try_from(raw) {
        let ip = Ipv4Addr::new(a, b, c, d);
        return Some(SocketAddr::from((ip, u16::from_be_bytes([hi, lo]))));
    }
    let [ip @ .., hi, lo] = <[u8; 18]>::try_from(raw).ok()?;
    Some(SocketAddr::from((Ipv6Addr::from(ip), u16::from_be_bytes([hi, lo]))))
}

fn labels(root: Value<'_, '_>, name: &[u8], torrent_name: &[u8]) -> Labels {
    let list = get(root, "labels").and_then(|v| v.as_list()).into_iter().flatten();
    let limit = |key: &str, mode: &str| {
        let dict = get(root, key)?;
        // 0 follows the session, 1 is the torrent's own, 2 is none.
        if int(dict, mode) == Some(1) { get(dict, key) } else { None }
    };
    Labels {
        client: "transmission".into(),
        category: bytes(root, "group").map(text).unwrap_or_default(),
        tags: list.filter_map(|label| label.as_bytes().map(text)).collect(),
        name: if name == torrent_name { String::new() } else { text(name) },
        ratio_limit: limit("ratio-limit", "ratio-mode").and_then(|v| thousandths(v.as_bytes()?)),
        idle_minutes: limit("idle-limit", "idle-mode").and_then(|v| v.as_uint()),
        ..Labels::default()
    }
}

/// `2.500000` as 2500.
fn thousandths(number: &[u8]) -> Option<u64> {
    let number = core::str::from_utf8(number).ok()?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = part.chars().chain("000".chars()).take(3).collect();
    let part: u64 = digits.parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
}

fn progress_of(progress: Value<'_, '_>) -> Result<Claims, ClientError> {
    // Before 4.0 a completely checked torrent could have `have: all` instead.
    let Some(blocks) = get(progress, "blocks").or_else(|| get(progress, "have")) else {
        return Ok(Claims::Unknown);
    };
    let blocks = bits(blocks, "progress.blocks")?;
    let mut known = Known { bits: blocks, blocks: true, ..Known::default() };
    if let Some(pieces) = get(progress, "pieces") {
        known.verified = Verified::Pieces(bits(pieces, "progress.pieces")?);
        known.stamps = stamps(progress)?;
    } else if let Some(times) = get(progress, "time-checked") {
        known.verified = Verified::Times(times_of(times)?);
    } else {
        return Ok(Claims::Unknown);
    }
    Ok(Claims::Known(known))
}

fn bits(value: Value<'_, '_>, field: &str) -> Result<Bits, ClientError> {
    match value.as_bytes() {
        Some(b"all") => Ok(Bits::All),
        Some(b"none") => Ok(Bits::None),
        Some(raw) => Ok(Bits::Raw(raw.to_vec())),
        None => Err(ClientError::new(field, "not a string")),
    }
}

/// A time of 0 says that the file was never looked at.
fn stamps(progress: Value<'_, '_>) -> Result<Vec<Stamp>, ClientError> {
    let Some(list) = get(progress, "mtimes").and_then(|v| v.as_list()) else {
        return Err(ClientError::new("progress.mtimes", "missing"));
    };
    Ok(list
        .map(|time| match time.as_int() {
            Some(time) if time > 0 => Stamp::At(time),
            _ => Stamp::Distrust,
        })
        .collect())
}

fn times_of(value: Value<'_, '_>) -> Result<Vec<Times>, ClientError> {
    let wrong = || ClientError::new("progress.time-checked", "not a list of times");
    let list = value.as_list().ok_or_else(wrong)?;
    list.map(|entry| {
        if let Some(time) = entry.as_int() {
            return Ok(Times::Same(time));
        }
        let mut each = entry.as_list().ok_or_else(wrong)?.map(|v| v.as_int().unwrap_or(0));
        let base = each.next().unwrap_or(0);
        let absolute = |time: i64| if time == 0 { 0 } else { base.saturating_add(time) };
        Ok(Times::Each(each.map(absolute).collect()))
    })
    .collect()
}

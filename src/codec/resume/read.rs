//! From a blob to [`Resume`].

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use sha1::{Digest, Sha1};

use super::super::bencode::{Document, Limits, Lookup, Value};
use super::{
    DEFAULT_PRIORITY, FILE_FORMAT, NO_FILE, Pieces, Resume, ResumeError, TERN_VERSION, TREES,
    TREES_2, TernKeys, UNKNOWN, USUAL, WRITER,
};
use crate::base::{InfoHash, UnixTime, limits};

/// Keys that become fields, or that the writer always sets itself, in order. All others are kept as
/// they are.
const MODELLED: &[&[u8]] = &[
    b"active_time",
    b"added_time",
    b"allocation",
    b"auto_managed",
    b"banned_peers",
    b"banned_peers6",
    b"completed_time",
    b"download_rate_limit",
    b"file-format",
    b"file-version",
    b"file_priority",
    b"finished_time",
    b"info",
    b"info-hash",
    b"last_download",
    b"last_seen_complete",
    b"last_upload",
    b"libtorrent-version",
    b"mapped_files",
    b"max_connections",
    b"max_uploads",
    b"name",
    b"num_complete",
    b"num_downloaded",
    b"num_incomplete",
    b"paused",
    b"peers",
    b"peers6",
    b"piece_priority",
    b"pieces",
    b"save_path",
    b"seed_mode",
    b"seeding_time",
    b"sequential_download",
    b"tern",
    b"total_downloaded",
    b"total_uploaded",
    b"trackers",
    b"unfinished",
    b"upload_rate_limit",
    b"url-list",
    b"verified",
];

pub(super) fn resume(blob: &[u8]) -> Result<Resume, ResumeError> {
    let document = Document::parse_with(blob, Limits::with_bytes(limits::RESUME_BYTES))?;
    let root = document.root();
    let root = &root.lookup();
    if root.get_bytes(b"file-format") != Some(FILE_FORMAT) {
        return Err(ResumeError::Format);
    }
    let version = match root.get(b"file-version") {
        None => 1,
        Some(version) => {
            version.as_int().filter(|v| [1, 2].contains(v)).ok_or(ResumeError::Format)?
        }
    };
    let tern = tern(root, blob)?;
    let info_hash = info_hash(root)?;
    let info = root.get(b"info").filter(Value::is_dict).map(|info| info.raw().to_vec());
    if info.as_ref().is_some_and(|raw| <[u8; 20]>::from(Sha1::digest(raw)) != info_hash.0) {
        return Err(ResumeError::MismatchingInfoHash);
    }
    let mut out = Resume {
        info_hash,
        info,
        name: text(root, b"name").filter(|name| !name.is_empty()),
        save_path: root.get_bytes(b"save_path").unwrap_or_default().to_vec(),
        unfinished: unfinished(root),
        mapped_files: list(root, b"mapped_files")
            .map(|name| String::from_utf8_lossy(name.as_bytes().unwrap_or_default()).into_owned())
            .collect(),
        file_priority: list(root, b"file_priority")
            .map(|p| p.as_int().map_or(DEFAULT_PRIORITY, clamp_priority))
            .collect(),
        piece_priority: root
            .get_bytes(b"piece_priority")
            .unwrap_or_default()
            .iter()
            .map(|p| (*p).min(7))
            .collect(),
        trackers: root.get(b"trackers").filter(Value::is_list).map(|t| trackers(t).into()),
        url_list: root.get(b"url-list").filter(Value::is_list).map(strings),
        peers: peers(root, b"peers", b"peers6"),
        banned_peers: peers(root, b"banned_peers", b"banned_peers6"),
        tern,
        unknown: unknown(root, version),
        ..Resume::default()
    };
    pieces(&mut out, root, version);
    counters(&mut out, root);
    flags(&mut out, root);
    Ok(out)
}

fn info_hash(root: &Lookup<'_, '_>) -> Result<InfoHash, ResumeError> {
    let v1 = root.get_bytes(b"info-hash").and_then(|raw| <[u8; 20]>::try_from(raw).ok());
    match v1.filter(|hash| *hash != [0; 20]) {
        Some(hash) => Ok(InfoHash(hash)),
        None => {
            let v2 = root.get_bytes(b"info-hash2").unwrap_or_default();
            let is_v2 = v2.len() == 32 && v2.iter().any(|byte| *byte != 0);
            Err(if is_v2 { ResumeError::V2Only } else { ResumeError::MissingInfoHash })
        }
    }
}

/// Our own dictionary, once its checksum has been found right.
fn tern(root: &Lookup<'_, '_>, blob: &[u8]) -> Result<Option<TernKeys>, ResumeError> {
    let Some(dict) = root.get(b"tern") else {
        let writer = root.get_bytes(b"libtorrent-version").unwrap_or_default();
        let ours = writer.starts_with(WRITER.as_bytes());
        return if ours { Err(ResumeError::Checksum) } else { Ok(None) };
    };
    let checksum = dict.get(b"checksum").ok_or(ResumeError::Checksum)?;
    let found = checksum.as_bytes().filter(|sum| sum.len() == 20).ok_or(ResumeError::Checksum)?;
    // `20:` and the digest end the value.
    let end = checksum.offset() + checksum.raw().len();
    let before = blob.get(..end - found.len()).unwrap_or_default();
    let after = blob.get(end..).unwrap_or_default();
    let sum = Sha1::new().chain_update(before).chain_update([0; 20]).chain_update(after);
    if sum.finalize()[..] != *found {
        return Err(ResumeError::Checksum);
    }
    let version = dict.get(b"version").and_then(|v| v.as_uint()).ok_or(ResumeError::Checksum)?;
    if version > u64::from(TERN_VERSION) {
        return Err(ResumeError::NewerVersion(version));
    }
    let small = |key: &[u8]| u32::try_from(dict.get(key)?.as_uint()?).ok();
    let packed = |key: &[u8]| dict.get_bytes(key).unwrap_or_default();
    let stat = |entry: &[u8; 16]| {
        let raw = u128::from_be_bytes(*entry);
        let size = u64::try_from(raw >> 64).ok().filter(|size| *size != NO_FILE)?;
        let [.., a, b, c, d, e, f, g, h] = *entry;
        Some((size, i128::from(i64::from_be_bytes([a, b, c, d, e, f, g, h]))))
    };
    let (files, _) = packed(b"files").as_chunks::<16>();
    let (dirty, _) = packed(b"dirty").as_chunks::<4>();
    Ok(Some(TernKeys {
        version: u32::try_from(version).unwrap_or(TERN_VERSION),
        generation: dict.get(b"generation").and_then(|v| v.as_uint()).unwrap_or(0),
        piece_count: small(b"pieces").ok_or(ResumeError::Checksum)?,
        checked_up_to: small(b"checked"),
        files: files.iter().map(stat).collect(),
        clean: dict.get_int(b"clean") == Some(1),
        journal: dict.get(b"journal").and_then(|v| v.as_uint()),
        root: dict.get(b"root").and_then(|v| v.as_uint()),
        dirty: dirty.iter().map(|raw| u32::from_be_bytes(*raw)).collect(),
        magnet: dict.get(b"magnet").and_then(|v| v.as_str()).map(str::to_owned),
    }))
}

/// The values of the list under `key`; none when there is no such list.
fn list<'d, 'a: 'd>(
    dict: &Lookup<'d, 'a>,
    key: &[u8],
) -> impl Iterator<Item = Value<'d, 'a>> + use<'d, 'a> {
    dict.get(key).and_then(|value| value.as_list()).into_iter().flatten()
}

fn text(dict: &Lookup<'_, '_>, key: &[u8]) -> Option<String> {
    dict.get_bytes(key).map(|raw| String::from_utf8_lossy(raw).into_owned())
}

fn clamp_priority(value: i64) -> u8 {
    u8::try_from(value.clamp(0, 7)).unwrap_or(DEFAULT_PRIORITY)
}

fn strings(value: Value<'_, '_>) -> Vec<String> {
    let items = value.as_list().into_iter().flatten().filter_map(|item| item.as_str());
    items.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

/// Only tiers that are lists count; libtorrent pads skipped tier numbers with empty ones.
fn trackers(value: Value<'_, '_>) -> Vec<Vec<String>> {
    let tiers = value.as_list().into_iter().flatten().map(strings);
    tiers.filter(|tier| !tier.is_empty()).collect()
}

fn unfinished(root: &Lookup<'_, '_>) -> Vec<(u32, Vec<u8>)> {
    let reversed = is_before_1_2(root.get_bytes(b"libtorrent-version").unwrap_or_default());
    let entry = |dict: Value<'_, '_>| {
        let piece = u32::try_from(dict.get_int(b"piece")?).ok()?;
        let mask = dict.get_bytes(b"bitmask").filter(|mask| !mask.is_empty())?;
        let order = |byte: &u8| if reversed { byte.reverse_bits() } else { *byte };
        Some((piece, mask.iter().map(order).collect()))
    };
    list(root, b"unfinished").filter_map(entry).collect()
}

/// Up to 1.1 the first block of a piece was the lowest bit of its mask, not the highest.
fn is_before_1_2(version: &[u8]) -> bool {
    let mut parts = version
        .split(|byte| *byte == b'.')
        .map(|part| core::str::from_utf8(part).ok().and_then(|number| number.parse::<u32>().ok()));
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < (1, 2),
        _ => false,
    }
}

fn pieces(out: &mut Resume, root: &Lookup<'_, '_>, version: i64) {
    let raw = root.get_bytes(b"pieces").filter(|raw| !raw.is_empty());
    if version == 2 {
        out.pieces = raw.map(|raw| Pieces::Bits(raw.to_vec()));
        out.verified = root.get_bytes(b"verified").unwrap_or_default().to_vec();
        return;
    }
    let flags = raw.unwrap_or_default();
    if flags.iter().any(|flag| flag & 2 != 0) {
        let pack = |flags: &[u8]| {
            let bits = flags.iter().zip([0x80u8, 0x40, 0x20, 0x10, 8, 4, 2, 1]);
            bits.fold(0, |byte, (flag, bit)| if flag & 2 != 0 { byte | bit } else { byte })
        };
        out.verified = flags.chunks(8).map(pack).collect();
    }
    out.pieces = raw.map(|raw| Pieces::Bytes(raw.to_vec()));
}

fn counters(out: &mut Resume, root: &Lookup<'_, '_>) {
    let int = |key: &[u8]| root.get_int(key).unwrap_or(0);
    let amount = |key: &[u8]| u64::try_from(int(key)).unwrap_or(0);
    // libtorrent 1.1 wrote -1 for never.
    let time = |key: &[u8]| UnixTime(int(key).max(0));
    out.total_uploaded = amount(b"total_uploaded");
    out.total_downloaded = amount(b"total_downloaded");
    out.active_time = amount(b"active_time");
    out.finished_time = amount(b"finished_time");
    out.seeding_time = amount(b"seeding_time");
    out.added_time = time(b"added_time");
    out.completed_time = time(b"completed_time");
    out.last_seen_complete = time(b"last_seen_complete");
    out.last_download = time(b"last_download");
    out.last_upload = time(b"last_upload");
    let known = |key: &[u8]| {
        let value = root.get_int(key).filter(|v| (0..UNKNOWN).contains(v))?;
        u32::try_from(value).ok()
    };
    // Zero and less mean unlimited, the sentinel too.
    out.max_connections = known(b"max_connections").filter(|v| *v > 0);
    out.max_uploads = known(b"max_uploads").filter(|v| *v > 0);
    out.scrape = (known(b"num_complete"), known(b"num_incomplete"), known(b"num_downloaded"));
    // The largest `int` is how an unlimited rate looks inside libtorrent.
    let is_limit = |rate: &u64| *rate > 0 && *rate != u64::from(i32::MAX.unsigned_abs());
    let rate = |key: &[u8]| Some(amount(key)).filter(is_limit);
    out.upload_rate_limit = rate(b"upload_rate_limit");
    out.download_rate_limit = rate(b"download_rate_limit");
}

fn flags(out: &mut Resume, root: &Lookup<'_, '_>) {
    let flag = |key: &[u8], default: bool| root.get_int(key).map_or(default, |v| v != 0);
    out.paused = flag(b"paused", true);
    out.auto_managed = flag(b"auto_managed", true);
    out.sequential = flag(b"sequential_download", false);
    // A file that is not wanted cannot be trusted to be there.
    out.seed_mode = flag(b"seed_mode", false) && !out.file_priority.contains(&0);
    let allocation = root.get_bytes(b"allocation").unwrap_or_default();
    out.preallocate = matches!(allocation, b"allocate" | b"full");
}

/// Compact addresses (BEP 23, BEP 7); a partial trailing entry is ignored.
fn peers(root: &Lookup<'_, '_>, v4: &[u8], v6: &[u8]) -> Vec<SocketAddr> {
    let (v4, _) = root.get_bytes(v4).unwrap_or_default().as_chunks::<6>();
    let (v6, _) = root.get_bytes(v6).unwrap_or_default().as_chunks::<18>();
    let mut out = Vec::with_capacity(v4.len() + v6.len());
    for [a, b, c, d, hi, lo] in v4 {
        let ip = Ipv4Addr::new(*a, *b, *c, *d);
        out.push(SocketAddr::from((ip, u16::from_be_bytes([*hi, *lo]))));
    }
    for [ip @ .., hi, lo] in v6 {
        let ip = Ipv6Addr::from(*ip);
        out.push(SocketAddr::from((ip, u16::from_be_bytes([*hi, *lo]))));
    }
    out
}

fn unknown(root: &Lookup<'_, '_>, version: i64) -> Vec<(Vec<u8>, Vec<u8>)> {
    // Merkle trees are packed differently in file-version 2 and we write 1, whose readers would
    // misread them.
    let name = |key| if version == 2 && key == TREES { TREES_2 } else { key };
    // Both are in order: one walk instead of a search for each.
    let mut modelled = MODELLED.iter().copied().peekable();
    let mut is_modelled = |key: &[u8]| {
        while modelled.next_if(|name| *name < key).is_some() {}
        modelled.peek() == Some(&key)
    };
    root.iter()
        .filter(|(key, _)| !is_modelled(key))
        .filter(|(key, value)| !USUAL.contains(&(*key, value.raw())))
        .map(|(key, value)| (name(key), value))
        .map(|(key, value)| (key.to_vec(), value.raw().to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn modelled_keys_are_in_order() {
        assert!(super::MODELLED.is_sorted());
    }
}

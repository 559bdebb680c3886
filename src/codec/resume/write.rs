//! From [`Resume`] to a blob: file-version 1 with every key that libtorrent 2.0 writes.

use std::collections::HashSet;
use std::net::SocketAddr;

use sha1::{Digest, Sha1};

use super::super::bencode::{DictEncoder, Document, Encoder, Limits};
use super::super::metainfo::tiers;
use super::{FILE_FORMAT, NO_FILE, Resume, TERN_VERSION, UNKNOWN, USUAL, WRITER, wire_bit};
use crate::base::UnixTime;

/// `version` names the program's release, for people who look at the blob.
pub(super) fn resume(from: &Resume, piece_count: u32, version: &str) -> Vec<u8> {
    let size = from.info.as_ref().map_or(0, Vec::len) + piece_count as usize + 2048;
    let mut out = Encoder::with_capacity(size);
    out.dict(|d| {
        identity(d, from, version);
        content(d, from, piece_count);
        sources(d, from);
        counters(d, from);
        d.dict(b"tern", |tern| tern_keys(tern, from, piece_count));
        rest(d, from);
    });
    let mut blob = out.finish();
    seal(&mut blob);
    blob
}

/// Puts the checksum where zeros were written, finding the place as a reader does.
fn seal(blob: &mut [u8]) {
    let sum: [u8; 20] = Sha1::digest(&*blob).into();
    let limits =
        Limits { bytes: usize::MAX, items: usize::MAX, depth: usize::MAX, canonical: false };
    let place = Document::parse_with(blob, limits).ok().and_then(|document| {
        let value = document.root().get(b"tern")?.get(b"checksum")?;
        Some(value.offset() + value.raw().len())
    });
    debug_assert!(place.is_some(), "our own blob reads back");
    let Some(end) = place else { return };
    if let Some(to) = blob.get_mut(end - sum.len()..end) {
        to.copy_from_slice(&sum);
    }
}

fn identity(d: &mut DictEncoder<'_>, from: &Resume, version: &str) {
    d.bytes(b"file-format", FILE_FORMAT);
    d.int(b"file-version", 1);
    d.bytes(b"libtorrent-version", &[WRITER, version].concat().into_bytes());
    d.bytes(b"info-hash", &from.info_hash.0);
    if let Some(name) = from.name.as_ref().filter(|name| !name.is_empty()) {
        d.bytes(b"name", name.as_bytes());
    }
    if let Some(info) = &from.info {
        d.raw(b"info", info);
    }
    d.bytes(b"save_path", &from.save_path);
    d.bytes(b"allocation", if from.preallocate { b"allocate" } else { b"sparse" });
    let flags: [(&[u8], bool); 4] = [
        (b"paused", from.paused),
        (b"auto_managed", from.auto_managed),
        (b"sequential_download", from.sequential),
        (b"seed_mode", from.seed_mode),
    ];
    for (key, flag) in flags {
        d.int(key, i64::from(flag));
    }
}

fn content(d: &mut DictEncoder<'_>, from: &Resume, piece_count: u32) {
    // A shorter string than there are pieces means an interrupted check to every reader.
    let pieces: Vec<u8> = match from.have(piece_count) {
        Some((have, covered)) => (0..covered)
            .map(|i| u8::from(have.get(i)) | (u8::from(wire_bit(&from.verified, i)) << 1))
            .collect(),
        None => Vec::new(),
    };
    d.bytes(b"pieces", &pieces);
    if !from.unfinished.is_empty() {
        d.list(b"unfinished", |l| {
            for (piece, mask) in &from.unfinished {
                l.dict(|d| {
                    d.bytes(b"bitmask", mask);
                    d.int(b"piece", i64::from(*piece));
                });
            }
        });
    }
    if !from.mapped_files.is_empty() {
        let files = &from.mapped_files;
        d.list(b"mapped_files", |l| files.iter().for_each(|name| l.bytes(name.as_bytes())));
    }
    if !from.file_priority.is_empty() {
        let priorities = &from.file_priority;
        d.list(b"file_priority", |l| priorities.iter().for_each(|p| l.int(i64::from(*p))));
    }
    if !from.piece_priority.is_empty() {
        d.bytes(b"piece_priority", &from.piece_priority);
    }
}

fn sources(d: &mut DictEncoder<'_>, from: &Resume) {
    // These keys replace what the metainfo says, so they are left out rather than empty when unset.
    if let Some(trackers) = &from.trackers {
        d.list(b"trackers", |l| tiers(l, trackers));
    }
    if let Some(urls) = &from.url_list {
        d.list(b"url-list", |l| urls.iter().for_each(|url| l.bytes(url.as_bytes())));
    }
    peers(d, b"peers", b"peers6", &from.peers);
    peers(d, b"banned_peers", b"banned_peers6", &from.banned_peers);
}

fn peers(d: &mut DictEncoder<'_>, v4_key: &[u8], v6_key: &[u8], peers: &[SocketAddr]) {
    if peers.is_empty() {
        return;
    }
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for peer in peers {
        let out = match peer {
            SocketAddr::V4(addr) => {
                v4.extend_from_slice(&addr.ip().octets());
                &mut v4
            }
            SocketAddr::V6(addr) => {
                v6.extend_from_slice(&addr.ip().octets());
                &mut v6
            }
        };
        out.extend_from_slice(&peer.port().to_be_bytes());
    }
    d.bytes(v4_key, &v4);
    d.bytes(v6_key, &v6);
}

fn counters(d: &mut DictEncoder<'_>, from: &Resume) {
    let capped = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let amounts: [(&[u8], u64); 5] = [
        (b"total_uploaded", from.total_uploaded),
        (b"total_downloaded", from.total_downloaded),
        (b"active_time", from.active_time),
        (b"finished_time", from.finished_time),
        (b"seeding_time", from.seeding_time),
    ];
    for (key, value) in amounts {
        d.int(key, capped(value));
    }
    let times: [(&[u8], UnixTime); 5] = [
        (b"added_time", from.added_time),
        (b"completed_time", from.completed_time),
        (b"last_seen_complete", from.last_seen_complete),
        (b"last_download", from.last_download),
        (b"last_upload", from.last_upload),
    ];
    for (key, UnixTime(value)) in times {
        d.int(key, value.max(0));
    }
    let counts: [(&[u8], Option<u32>); 5] = [
        (b"num_complete", from.scrape.0),
        (b"num_incomplete", from.scrape.1),
        (b"num_downloaded", from.scrape.2),
        (b"max_connections", from.max_connections),
        (b"max_uploads", from.max_uploads),
    ];
    for (key, count) in counts {
        d.int(key, count.map_or(UNKNOWN, i64::from).min(UNKNOWN));
    }
    d.int(b"upload_rate_limit", from.upload_rate_limit.map_or(-1, capped));
    d.int(b"download_rate_limit", from.download_rate_limit.map_or(-1, capped));
}

fn tern_keys(d: &mut DictEncoder<'_>, from: &Resume, piece_count: u32) {
    let none = super::TernKeys::default();
    let tern = from.tern.as_ref().unwrap_or(&none);
    // A blob of another program whose check was interrupted stays one.
    let covered = from.have(piece_count).map(|(_, covered)| covered);
    if let Some(checked) = tern.checked_up_to.or_else(|| covered.filter(|c| *c < piece_count)) {
        d.int(b"checked", i64::from(checked));
    }
    d.bytes(b"checksum", &[0; 20]);
    d.int(b"clean", i64::from(tern.clean));
    let dirty: Vec<u8> = tern.dirty.iter().flat_map(|piece| piece.to_be_bytes()).collect();
    d.bytes(b"dirty", &dirty);
    let mut files = Vec::with_capacity(tern.files.len() * 16);
    for file in &tern.files {
        let (size, mtime_ns) = file.unwrap_or((NO_FILE, 0));
        let bounded = mtime_ns.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        files.extend_from_slice(&size.to_be_bytes());
        files.extend_from_slice(&i64::try_from(bounded).unwrap_or(0).to_be_bytes());
    }
    d.bytes(b"files", &files);
    d.entry(b"generation", |e| e.uint(tern.generation));
    if let Some(mark) = tern.journal {
        d.entry(b"journal", |e| e.uint(mark));
    }
    if let Some(magnet) = &tern.magnet {
        d.bytes(b"magnet", magnet.as_bytes());
    }
    d.int(b"pieces", i64::from(piece_count));
    if let Some(root) = tern.root {
        d.entry(b"root", |e| e.uint(root));
    }
    d.int(b"version", i64::from(TERN_VERSION));
}

/// Keys we have no field for: those that were read, and libtorrent's defaults for the others.
fn rest(d: &mut DictEncoder<'_>, from: &Resume) {
    // Modelled keys were added before and the first of equal keys counts, so nothing is overridden,
    // except an optional key that is absent on purpose.
    let mut seen = HashSet::new();
    for (key, raw) in &from.unknown {
        if seen.insert(key.as_slice()) {
            d.raw(key, raw);
        }
    }
    for (key, raw) in USUAL {
        if !seen.contains(key) {
            d.raw(key, raw);
        }
    }
}

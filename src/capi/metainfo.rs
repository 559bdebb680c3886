//! Parsed `.torrent` files. Needs no session.

use core::ffi::c_char;

use super::consts::*;
use super::convert::{
    Sized32, Terminated, buf, bytes as data, path as to_path, put, put_sized, text, view,
};
use super::guard::{self, entry};
use super::object::{self, Opaque, get};
use super::session::writable;
use super::types::*;
use crate::api::{ErrorKind, FileAttr, FileIndex, Metainfo, PieceIndex};

/// A torrent file and the C forms of its texts.
pub(super) struct CMetainfo {
    pub(super) torrent: Metainfo,
    info_hash: [u8; 20],
    name: Terminated,
    comment: Terminated,
    created_by: Terminated,
    source: Terminated,
    /// Path and link target of each file.
    files: Vec<(Terminated, Terminated)>,
    trackers: Vec<(u32, Terminated)>,
    web_seeds: Vec<Terminated>,
    nodes: Vec<(Terminated, u16)>,
}

impl Opaque for tern_metainfo {
    type Inner = CMetainfo;
    const MAGIC: u32 = 0x7465_4D09;
}

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_file_info {}

impl CMetainfo {
    pub(super) fn new(torrent: Metainfo) -> Self {
        let some = |text: Option<&str>| Terminated::new(text.unwrap_or_default().as_bytes());
        let term = |text: &String| Terminated::new(text.as_bytes());
        let file = |f: &crate::api::FileEntry| (term(&f.path), some(f.symlink.as_deref()));
        let tiers = torrent.trackers().iter().zip(0_u32..);
        let trackers = tiers.flat_map(|(urls, tier)| urls.iter().map(move |u| (tier, u)));
        Self {
            info_hash: torrent.info_hash().0,
            name: Terminated::new(torrent.name().as_bytes()),
            comment: some(torrent.comment()),
            created_by: some(torrent.created_by()),
            source: some(torrent.source()),
            files: torrent.files().iter().map(file).collect(),
            trackers: trackers.map(|(tier, url)| (tier, term(url))).collect(),
            web_seeds: torrent.web_seeds().iter().map(term).collect(),
            nodes: torrent.nodes().iter().map(|(host, port)| (term(host), *port)).collect(),
            torrent,
        }
    }

    fn file(&self, file: u32) -> Option<tern_file_info> {
        let entry = self.torrent.files().get(at(file))?;
        let (path, symlink) = self.files.get(at(file))?;
        let pieces = self.torrent.pieces_of(FileIndex(file));
        Some(tern_file_info {
            struct_size: 0,
            attributes: attributes(entry.attr),
            size: entry.length,
            offset: entry.offset,
            first_piece: pieces.start,
            end_piece: pieces.end,
            path: path.view(),
            symlink: symlink.view(),
            component_count: count(entry.path_raw.len()),
            reserved: 0,
        })
    }
}

fn attributes(attr: FileAttr) -> u32 {
    [
        (attr.padding, TERN_FILE_PADDING),
        (attr.executable, TERN_FILE_EXECUTABLE),
        (attr.hidden, TERN_FILE_HIDDEN),
        (attr.symlink, TERN_FILE_SYMLINK),
    ]
    .iter()
    .fold(0, |acc, (on, bit)| if *on { acc | bit } else { acc })
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Parses the bytes of a `.torrent` file. `TERN_E_METAINFO`, `TERN_E_UNSUPPORTED` (v2 only).
///
/// Ownership: `tern_metainfo_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_parse(
    bytes: *const u8,
    bytes_len: usize,
    out: *mut *mut tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_metainfo_parse"), err, || unsafe {
        writable(out)?;
        let torrent = Metainfo::parse(data(bytes, bytes_len)?)?;
        put(out, object::unique(CMetainfo::new(torrent)))?;
        Ok(())
    })
}

/// Reads and parses a `.torrent` file.
///
/// Ownership: `tern_metainfo_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_load(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_metainfo_load"), err, || unsafe {
        writable(out)?;
        let torrent = Metainfo::load(to_path(path, path_len)?)?;
        put(out, object::unique(CMetainfo::new(torrent)))?;
        Ok(())
    })
}

/// Frees it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_free(m: *mut tern_metainfo) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_free"), (), || unsafe { object::free(m) })
}

/// The 20 bytes of the info-hash. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_info_hash(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_info_hash"), view(&[]), || unsafe {
        Ok(view(&get(m)?.info_hash))
    })
}

/// The name, made safe for file systems. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_name(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_name"), view(&[]), || unsafe { Ok(get(m)?.name.view()) })
}

/// The name as the file gives it. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_name_raw(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_name_raw"), view(&[]), || unsafe {
        Ok(view(get(m)?.torrent.name_raw()))
    })
}

/// The comment, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_comment(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_comment"), view(&[]), || unsafe {
        Ok(get(m)?.comment.view())
    })
}

/// The program that made it, empty when not told. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_created_by(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_created_by"), view(&[]), || unsafe {
        Ok(get(m)?.created_by.view())
    })
}

/// `source` of private trackers, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_source(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_source"), view(&[]), || unsafe { Ok(get(m)?.source.view()) })
}

/// When it was made, seconds since 1970, 0 when not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_creation_date(m: *const tern_metainfo) -> i64 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_creation_date"), 0, || unsafe {
        Ok(get(m)?.torrent.creation_date().unwrap_or_default())
    })
}

/// 1 when private (BEP 27).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_is_private(m: *const tern_metainfo) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_is_private"), 0, || unsafe {
        Ok(i32::from(get(m)?.torrent.is_private()))
    })
}

/// 1 when its files lie under a directory named as the torrent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_is_multi_file(m: *const tern_metainfo) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_is_multi_file"), 0, || unsafe {
        Ok(i32::from(get(m)?.torrent.is_multi_file()))
    })
}

/// Bytes of all files, padding included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_total_size(m: *const tern_metainfo) -> u64 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_total_size"), 0, || unsafe {
        Ok(get(m)?.torrent.total_size())
    })
}

/// Nominal bytes of a piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_length(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_piece_length"), 0, || unsafe {
        Ok(get(m)?.torrent.piece_length())
    })
}

/// Actual bytes of this piece, 0 when there is no such piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_size(m: *const tern_metainfo, piece: u32) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_piece_size"), 0, || unsafe {
        Ok(get(m)?.torrent.piece_size(PieceIndex(piece)))
    })
}

/// Number of pieces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_count(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_piece_count"), 0, || unsafe {
        Ok(get(m)?.torrent.piece_count())
    })
}

/// SHA-1 of a piece, 20 bytes, empty when there is no such piece. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_hash(
    m: *const tern_metainfo,
    piece: u32,
) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_piece_hash"), view(&[]), || unsafe {
        Ok(get(m)?.torrent.piece_hash(PieceIndex(piece)).map_or_else(|| view(&[]), |h| view(h)))
    })
}

/// Number of files, padding included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_count(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_file_count"), 0, || unsafe {
        Ok(count(get(m)?.torrent.files().len()))
    })
}

/// One file. Call the macro `tern_metainfo_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_sized(
    m: *const tern_metainfo,
    file: u32,
    out: *mut tern_file_info,
    out_size: usize,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_metainfo_file_sized"), std::ptr::null_mut(), || unsafe {
        let info = get(m)?.file(file).ok_or(ErrorKind::Range)?;
        put_sized(out, out_size, info)?;
        Ok(())
    })
}

/// One component of a file's path as the `.torrent` gives it, empty when there is none. Owned by
/// the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_component(
    m: *const tern_metainfo,
    file: u32,
    component: u32,
) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_file_component"), view(&[]), || unsafe {
        let files = get(m)?.torrent.files();
        let part = files.get(at(file)).and_then(|f| f.path_raw.get(at(component)));
        Ok(part.map_or_else(|| view(&[]), view))
    })
}

/// Number of trackers in all tiers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_tracker_count(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_tracker_count"), 0, || unsafe {
        Ok(count(get(m)?.trackers.len()))
    })
}

/// URL of a tracker, and its tier (`out_tier` may be NULL). Empty when there is none. Owned by the
/// metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_tracker(
    m: *const tern_metainfo,
    index: u32,
    out_tier: *mut u32,
) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_tracker"), view(&[]), || unsafe {
        let (tier, url) = get(m)?.trackers.get(at(index)).ok_or(ErrorKind::Range)?;
        if !out_tier.is_null() {
            put(out_tier, *tier)?;
        }
        Ok(url.view())
    })
}

/// Number of web seeds (BEP 19).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_web_seed_count(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_web_seed_count"), 0, || unsafe {
        Ok(count(get(m)?.web_seeds.len()))
    })
}

/// URL of a web seed, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_web_seed(m: *const tern_metainfo, index: u32) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_web_seed"), view(&[]), || unsafe {
        Ok(get(m)?.web_seeds.get(at(index)).map_or_else(|| view(&[]), Terminated::view))
    })
}

/// Number of DHT nodes (BEP 5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_node_count(m: *const tern_metainfo) -> u32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_node_count"), 0, || unsafe {
        Ok(count(get(m)?.nodes.len()))
    })
}

/// Host of a DHT node, and its port (`out_port` may be NULL). Empty when there is none. Owned by
/// the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_node(
    m: *const tern_metainfo,
    index: u32,
    out_port: *mut u16,
) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_node"), view(&[]), || unsafe {
        let (host, port) = get(m)?.nodes.get(at(index)).ok_or(ErrorKind::Range)?;
        if !out_port.is_null() {
            put(out_port, *port)?;
        }
        Ok(host.view())
    })
}

/// The magnet link: info-hash, name, length, trackers and web seeds.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_take_magnet(
    m: *const tern_metainfo,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_metainfo_take_magnet"), err, || unsafe {
        writable(out)?;
        put(out, buf(get(m)?.torrent.magnet().into_bytes()))?;
        Ok(())
    })
}

/// The info-hash (20 bytes) that a magnet link names. `TERN_E_MAGNET`, `TERN_E_UNSUPPORTED` when it
/// names no torrent of version 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_magnet_info_hash(
    link: *const c_char,
    link_len: usize,
    out: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_magnet_info_hash"), err, || unsafe {
        writable(out)?;
        let hash = crate::api::magnet_info_hash(text(link, link_len)?)?;
        put(out.cast::<[u8; 20]>(), hash.0)?;
        Ok(())
    })
}

/// The `info` dictionary, verbatim. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_info_bytes(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_info_bytes"), view(&[]), || unsafe {
        Ok(view(get(m)?.torrent.info_bytes()))
    })
}

/// The whole file, verbatim. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_bytes(m: *const tern_metainfo) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_metainfo_bytes"), view(&[]), || unsafe {
        Ok(view(get(m)?.torrent.bytes()))
    })
}

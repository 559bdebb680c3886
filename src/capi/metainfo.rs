//! Parsed `.torrent` files. Needs no session.

use super::types::*;
use core::ffi::c_char;

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
    unimplemented!()
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
    unimplemented!()
}

/// Frees it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_free(m: *mut tern_metainfo) {
    unimplemented!()
}

/// The 20 bytes of the info-hash. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_info_hash(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// The name, made safe for file systems. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_name(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// The name as the file gives it. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_name_raw(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// The comment, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_comment(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// The program that made it, empty when not told. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_created_by(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// `source` of private trackers, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_source(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// When it was made, seconds since 1970, 0 when not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_creation_date(m: *const tern_metainfo) -> i64 {
    unimplemented!()
}

/// 1 when private (BEP 27).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_is_private(m: *const tern_metainfo) -> i32 {
    unimplemented!()
}

/// 1 when its files lie under a directory named as the torrent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_is_multi_file(m: *const tern_metainfo) -> i32 {
    unimplemented!()
}

/// Bytes of all files, padding included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_total_size(m: *const tern_metainfo) -> u64 {
    unimplemented!()
}

/// Nominal bytes of a piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_length(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// Actual bytes of this piece, 0 when there is no such piece.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_size(m: *const tern_metainfo, piece: u32) -> u32 {
    unimplemented!()
}

/// Number of pieces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_count(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// SHA-1 of a piece, 20 bytes, empty when there is no such piece. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_piece_hash(
    m: *const tern_metainfo,
    piece: u32,
) -> tern_bytes {
    unimplemented!()
}

/// Number of files, padding included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_count(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// One file. Call the macro `tern_metainfo_file`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_sized(
    m: *const tern_metainfo,
    file: u32,
    out: *mut tern_file_info,
    out_size: usize,
) -> tern_result {
    unimplemented!()
}

/// One component of a file's path as the `.torrent` gives it, empty when there is none. Owned by
/// the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_file_component(
    m: *const tern_metainfo,
    file: u32,
    component: u32,
) -> tern_bytes {
    unimplemented!()
}

/// Number of trackers in all tiers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_tracker_count(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// URL of a tracker, and its tier (`out_tier` may be NULL). Empty when there is none. Owned by the
/// metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_tracker(
    m: *const tern_metainfo,
    index: u32,
    out_tier: *mut u32,
) -> tern_bytes {
    unimplemented!()
}

/// Number of web seeds (BEP 19).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_web_seed_count(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// URL of a web seed, empty when there is none. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_web_seed(m: *const tern_metainfo, index: u32) -> tern_bytes {
    unimplemented!()
}

/// Number of DHT nodes (BEP 5).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_node_count(m: *const tern_metainfo) -> u32 {
    unimplemented!()
}

/// Host of a DHT node, and its port (`out_port` may be NULL). Empty when there is none. Owned by
/// the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_node(
    m: *const tern_metainfo,
    index: u32,
    out_port: *mut u16,
) -> tern_bytes {
    unimplemented!()
}

/// The `info` dictionary, verbatim. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_info_bytes(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

/// The whole file, verbatim. Owned by the metainfo.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_metainfo_bytes(m: *const tern_metainfo) -> tern_bytes {
    unimplemented!()
}

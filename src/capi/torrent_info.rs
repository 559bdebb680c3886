//! Torrent handles: what they know.
//!
//! These calls ask the torrent's network thread and wait for the answer, normally microseconds.

use super::types::*;

/// Snapshot of the torrent. Call the macro `tern_torrent_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_status_sized(
    t: *const tern_torrent,
    out: *mut tern_status,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The torrent's metainfo with its present trackers.
///
/// Ownership: `tern_metainfo_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_metainfo(
    t: *const tern_torrent,
    out: *mut *mut tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The directory the content is in now, bytes of a path.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_save_path(
    t: *const tern_torrent,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The path of a file now (renamed or not), relative to the save path.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_file_path(
    t: *const tern_torrent,
    file: u32,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The pieces we have: one bit per piece in wire order (first piece = highest bit of the first
/// byte). `*out_len` is the number of bytes there are; `TERN_E_RANGE` when `capacity` is smaller
/// (`*out_len` is written in this case too). `out` may be NULL when `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_bitfield(
    t: *const tern_torrent,
    out: *mut u8,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The pieces we want and do not have, as `tern_torrent_bitfield`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_wanted(
    t: *const tern_torrent,
    out: *mut u8,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priority of each file, one byte each; lengths as in `tern_torrent_bitfield`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_file_priorities(
    t: *const tern_torrent,
    out: *mut u8,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priority of each piece, one byte each; lengths as in `tern_torrent_bitfield`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_piece_priorities(
    t: *const tern_torrent,
    out: *mut u8,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Bytes of each file that are in pieces we have; lengths, in numbers, as in
/// `tern_torrent_bitfield`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_file_progress(
    t: *const tern_torrent,
    out: *mut u64,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads a piece from the disk, whether it passed or not.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_read_piece(
    t: *const tern_torrent,
    piece: u32,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Snapshot of the connected peers.
///
/// Ownership: `tern_peers_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_peers(
    t: *const tern_torrent,
    out: *mut *mut tern_peers,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Peers in a snapshot, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_len(peers: *const tern_peers) -> usize {
    unimplemented!()
}

/// One peer. Call the macro `tern_peers_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_get_sized(
    peers: *const tern_peers,
    index: usize,
    out: *mut tern_peer_info,
    out_size: usize,
) -> tern_result {
    unimplemented!()
}

/// Frees a snapshot. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_free(peers: *mut tern_peers) {
    unimplemented!()
}

/// Snapshot of the trackers, by tier.
///
/// Ownership: `tern_trackers_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_trackers(
    t: *const tern_torrent,
    out: *mut *mut tern_trackers,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Trackers in a snapshot, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_len(trackers: *const tern_trackers) -> usize {
    unimplemented!()
}

/// One tracker. Call the macro `tern_trackers_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_get_sized(
    trackers: *const tern_trackers,
    index: usize,
    out: *mut tern_tracker_info,
    out_size: usize,
) -> tern_result {
    unimplemented!()
}

/// Frees a snapshot. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_free(trackers: *mut tern_trackers) {
    unimplemented!()
}

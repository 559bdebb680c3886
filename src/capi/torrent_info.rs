//! Torrent handles: what they know.
//!
//! These calls ask the torrent's network thread and wait for the answer, normally microseconds.

use super::consts::*;
use super::convert::{Sized32, Terminated, buf, put, put_list, put_sized};
use super::guard::{self, entry};
use super::metainfo::CMetainfo;
use super::object::{self, Opaque, get};
use super::session::writable;
use super::types::*;
use crate::api::{
    BlockState, Error, ErrorKind, FileIndex, PeerInfo, PeerSource, PieceIndex, SourceCounts,
    TorrentStatus, TrackerInfo,
};

/// A structure and what it points to.
pub(super) struct Row<T> {
    raw: T,
    _texts: Vec<Terminated>,
}

impl Opaque for tern_peers {
    type Inner = Vec<Row<tern_peer_info>>;
    const MAGIC: u32 = 0x7465_5007;
}

impl Opaque for tern_trackers {
    type Inner = Vec<Row<tern_tracker_info>>;
    const MAGIC: u32 = 0x7465_5208;
}

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_status {}
// SAFETY: as above.
unsafe impl Sized32 for tern_peer_info {}
// SAFETY: as above.
unsafe impl Sized32 for tern_tracker_info {}

fn c_status(s: &TorrentStatus) -> tern_status {
    tern_status {
        struct_size: 0,
        state: s.state as i32,
        pieces_have: s.pieces_have,
        pieces_total: s.pieces_total,
        total_size: s.total_len,
        bytes_have: s.bytes_have,
        wanted_size: s.wanted_len,
        wanted_have: s.wanted_have,
        progress: s.progress,
        downloaded: s.downloaded,
        uploaded: s.uploaded,
        wire_received: s.wire_received,
        wire_sent: s.wire_sent,
        wasted: s.wasted,
        total_downloaded: s.total_downloaded,
        total_uploaded: s.total_uploaded,
        download_rate: s.download_rate,
        upload_rate: s.upload_rate,
        peers: s.peers,
        seeds: s.seeds,
        half_open: s.half_open,
        known_peers: s.known_peers,
        unchoked: s.unchoked,
        pieces_hashed: s.pieces_hashed,
        pieces_restored: s.pieces_restored,
        pieces_failed: s.pieces_failed,
        availability: s.availability,
        durable_generation: s.durable_generation,
        active_secs: s.active_secs,
        added_time: s.added.0,
        completed_time: s.completed.0,
        need_save: i32::from(s.need_save),
        sequential: i32::from(s.sequential),
        download_limit: s.download_limit.unwrap_or_default(),
        upload_limit: s.upload_limit.unwrap_or_default(),
        is_finished: i32::from(s.is_finished()),
        is_paused: i32::from(s.paused),
        has_metadata: i32::from(s.has_metadata),
        reserved: 0,
        known_by_source: by_source(s.known_by_source),
        peers_by_source: by_source(s.peers_by_source),
    }
}

/// Counts by the number of the source instead of by its place.
fn by_source(counts: SourceCounts) -> [u32; 16] {
    let mut out = [0; 16];
    for source in PeerSource::ALL {
        if let Some(slot) = out.get_mut(source as usize) {
            *slot = counts.get(source.index()).copied().unwrap_or_default();
        }
    }
    out
}

fn flags(peer: &PeerInfo) -> u32 {
    let s = &peer.status;
    let complete = !s.have.is_empty() && s.have.all();
    [
        (s.incoming, TERN_PEER_INCOMING),
        (s.am_choking, TERN_PEER_AM_CHOKING),
        (s.am_interested, TERN_PEER_AM_INTERESTED),
        (s.peer_choking, TERN_PEER_CHOKING),
        (s.peer_interested, TERN_PEER_INTERESTED),
        (s.snubbed, TERN_PEER_SNUBBED),
        (complete, TERN_PEER_SEED),
        (s.extensions.upload_only, TERN_PEER_UPLOAD_ONLY),
    ]
    .iter()
    .fold(0, |acc, (on, bit)| if *on { acc | bit } else { acc })
}

fn peer_row(peer: &PeerInfo) -> Row<tern_peer_info> {
    let s = &peer.status;
    let addr = Terminated::new(s.addr.to_string().into_bytes());
    let client = s.extensions.client.as_deref().unwrap_or_default();
    let client = Terminated::new(client.as_bytes());
    let have = Terminated::new(s.have.as_bytes());
    let raw = tern_peer_info {
        struct_size: 0,
        flags: flags(peer),
        peer: s.peer.0,
        addr: addr.view(),
        client: client.view(),
        bitfield: have.view(),
        peer_id: s.peer_id.0,
        handshake_bits: s.reserved,
        // The numbers are those of `TERN_SOURCE_*`; a test compares them.
        source: s.source as i32,
        downloaded: s.downloaded,
        uploaded: s.uploaded,
        download_rate: s.download_rate,
        upload_rate: s.upload_rate,
        pieces_have: s.have.count(),
        requests_out: s.requests_out,
        requests_in: s.requests_in,
        bad_pieces: s.bad_pieces,
        connected_secs: peer.connected_secs,
    };
    Row { raw, _texts: vec![addr, client, have] }
}

fn peers(list: Vec<PeerInfo>) -> Vec<Row<tern_peer_info>> {
    list.iter().map(peer_row).collect()
}

fn block_state(state: BlockState) -> u8 {
    match state {
        BlockState::Missing => TERN_BLOCK_MISSING,
        BlockState::Requested => TERN_BLOCK_REQUESTED,
        BlockState::Received => TERN_BLOCK_RECEIVED,
        BlockState::Written => TERN_BLOCK_WRITTEN,
    }
}

fn tracker_row(tracker: &TrackerInfo) -> Row<tern_tracker_info> {
    let url = Terminated::new(tracker.url.as_bytes());
    let message = Terminated::new(tracker.message.as_bytes());
    let next = tracker.next_announce_secs;
    let known = |n: Option<u32>| n.map_or(-1, i64::from);
    let raw = tern_tracker_info {
        struct_size: 0,
        tier: tracker.tier,
        url: url.view(),
        message: message.view(),
        fails: tracker.fails,
        updating: i32::from(tracker.updating),
        verified: i32::from(tracker.verified),
        next_announce_secs: next.map_or(-1, |s| i32::try_from(s).unwrap_or(i32::MAX)),
        complete: known(tracker.complete),
        incomplete: known(tracker.incomplete),
        downloaded: known(tracker.downloaded),
    };
    Row { raw, _texts: vec![url, message] }
}

fn trackers(list: Vec<TrackerInfo>) -> Vec<Row<tern_tracker_info>> {
    list.iter().map(tracker_row).collect()
}

/// Snapshot of the torrent. Call the macro `tern_torrent_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_status_sized(
    t: *const tern_torrent,
    out: *mut tern_status,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_status_sized"), err, || unsafe {
        let status = get(t)?.status()?;
        put_sized(out, out_size, c_status(&status))?;
        Ok(())
    })
}

/// The torrent's metainfo with its present trackers. `TERN_E_NO_METADATA` while it is not here.
///
/// Ownership: `tern_metainfo_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_metainfo(
    t: *const tern_torrent,
    out: *mut *mut tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_metainfo"), err, || unsafe {
        writable(out)?;
        let torrent = get(t)?;
        if !torrent.has_metadata() {
            return Err(Error::from(ErrorKind::NoMetadata).of(torrent.id()));
        }
        put(out, object::unique(CMetainfo::new(torrent.metainfo())))?;
        Ok(())
    })
}

/// The torrent's name; what its magnet link says, or else the info-hash, until the metadata is
/// here.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_name(
    t: *const tern_torrent,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_name"), err, || unsafe {
        writable(out)?;
        put(out, buf(get(t)?.name().into_bytes()))?;
        Ok(())
    })
}

/// The torrent's magnet link, with its present trackers.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_magnet(
    t: *const tern_torrent,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_magnet"), err, || unsafe {
        writable(out)?;
        put(out, buf(get(t)?.magnet().into_bytes()))?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_save_path"), err, || unsafe {
        writable(out)?;
        let path = get(t)?.save_path()?;
        put(out, buf(path.into_os_string().into_encoded_bytes()))?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_file_path"), err, || unsafe {
        writable(out)?;
        let path = get(t)?.file_path(FileIndex(file)).ok_or(ErrorKind::Range)?;
        put(out, buf(path.into_bytes()))?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_bitfield"), err, || unsafe {
        let have = get(t)?.have()?;
        put_list(have.as_bytes(), out, capacity, out_len)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_wanted"), err, || unsafe {
        let wanted = get(t)?.wanted()?;
        put_list(wanted.as_bytes(), out, capacity, out_len)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_file_priorities"), err, || unsafe {
        put_list(&get(t)?.file_priorities()?, out, capacity, out_len)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_piece_priorities"), err, || unsafe {
        put_list(&get(t)?.piece_priorities()?, out, capacity, out_len)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_file_progress"), err, || unsafe {
        put_list(&get(t)?.file_progress()?, out, capacity, out_len)?;
        Ok(())
    })
}

/// Pieces in progress, by index: those with a block that is requested or received. Lengths, in
/// numbers, as in `tern_torrent_bitfield`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_partial_pieces(
    t: *const tern_torrent,
    out: *mut u32,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_partial_pieces"), err, || unsafe {
        put_list(&get(t)?.partial_pieces()?, out, capacity, out_len)?;
        Ok(())
    })
}

/// How far each block of a piece is, `TERN_BLOCK_...` each, in blocks of 16 KiB; lengths as in
/// `tern_torrent_bitfield`. A piece we have is written in whole, one that is not in progress is
/// missing in whole.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_block_states(
    t: *const tern_torrent,
    piece: u32,
    out: *mut u8,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_block_states"), err, || unsafe {
        let states = get(t)?.block_states(PieceIndex(piece))?;
        let states: Vec<u8> = states.into_iter().map(block_state).collect();
        put_list(&states, out, capacity, out_len)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_read_piece"), err, || unsafe {
        writable(out)?;
        let piece = get(t)?.read_piece(PieceIndex(piece))?;
        put(out, buf(piece.to_vec()))?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_peers"), err, || unsafe {
        writable(out)?;
        put(out, object::unique::<tern_peers>(peers(get(t)?.peers()?)))?;
        Ok(())
    })
}

/// Peers in a snapshot, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_len(peers: *const tern_peers) -> usize {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_peers_len"), 0, || unsafe { Ok(get(peers)?.len()) })
}

/// One peer. Call the macro `tern_peers_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_get_sized(
    peers: *const tern_peers,
    index: usize,
    out: *mut tern_peer_info,
    out_size: usize,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_peers_get_sized"), std::ptr::null_mut(), || unsafe {
        let peer = get(peers)?.get(index).ok_or(ErrorKind::Range)?;
        put_sized(out, out_size, peer.raw)?;
        Ok(())
    })
}

/// Frees a snapshot. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_peers_free(peers: *mut tern_peers) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_peers_free"), (), || unsafe { object::free(peers) })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_take_trackers"), err, || unsafe {
        writable(out)?;
        put(out, object::unique::<tern_trackers>(trackers(get(t)?.trackers()?)))?;
        Ok(())
    })
}

/// Trackers in a snapshot, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_len(trackers: *const tern_trackers) -> usize {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_trackers_len"), 0, || unsafe { Ok(get(trackers)?.len()) })
}

/// One tracker. Call the macro `tern_trackers_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_get_sized(
    trackers: *const tern_trackers,
    index: usize,
    out: *mut tern_tracker_info,
    out_size: usize,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_trackers_get_sized"), std::ptr::null_mut(), || unsafe {
        let tracker = get(trackers)?.get(index).ok_or(ErrorKind::Range)?;
        put_sized(out, out_size, tracker.raw)?;
        Ok(())
    })
}

/// Frees a snapshot. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_trackers_free(trackers: *mut tern_trackers) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_trackers_free"), (), || unsafe { object::free(trackers) })
}

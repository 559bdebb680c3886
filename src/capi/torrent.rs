//! Torrent handles: identity and commands.

use super::types::*;
use core::ffi::c_char;

/// One more reference. Returns `t`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_retain(t: *const tern_torrent) -> *mut tern_torrent {
    unimplemented!()
}

/// Gives up a reference; the torrent goes on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_release(t: *mut tern_torrent) {
    unimplemented!()
}

/// Number in the session, never used twice, never 0. Works after removal too. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_id(t: *const tern_torrent) -> u64 {
    unimplemented!()
}

/// Writes the 20 bytes of the info-hash. Works after removal too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_info_hash(
    t: *const tern_torrent,
    out: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The torrent's session, one more reference of it. NULL when it was released.
///
/// Ownership: `tern_session_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_session(t: *const tern_torrent) -> *mut tern_session {
    unimplemented!()
}

/// Removes the torrent: closes its connections and files, and with `TERN_REMOVE_FILES` deletes its
/// content. `TERN_EVENT_REMOVED` follows. Saved state in the built-in store goes too, unless
/// `TERN_REMOVE_KEEP_STATE`; with that, a last save happens first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_remove(
    t: *const tern_torrent,
    flags: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Stops: disconnects, flushes, closes files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_pause(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Goes on; also retries after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_resume(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Checks all pieces again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Checks the pieces of one file again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck_file(
    t: *const tern_torrent,
    file: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Checks the pieces `first` to `end - 1` again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck_pieces(
    t: *const tern_torrent,
    first: u32,
    end: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Asks for resume data to be handed out now, even if nothing changed: a save request (or the
/// built-in store) follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_save(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_save_policy(
    t: *const tern_torrent,
    flags: u32,
    interval_ms: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Fetch in order (1) or rarest first (0).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_sequential(
    t: *const tern_torrent,
    sequential: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Bytes per second, 0 unlimited.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_limits(
    t: *const tern_torrent,
    download: u64,
    upload: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Most connections of this torrent, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_max_connections(
    t: *const tern_torrent,
    connections: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Peers uploaded to at once, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_upload_slots(
    t: *const tern_torrent,
    slots: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priority of a file, 0 (do not fetch) to 7; 4 is normal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_file_priority(
    t: *const tern_torrent,
    file: u32,
    priority: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priorities of all files; files beyond `priorities_len` become normal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_file_priorities(
    t: *const tern_torrent,
    priorities: *const u8,
    priorities_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priority of a piece, 0 to 7.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_piece_priority(
    t: *const tern_torrent,
    piece: u32,
    priority: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Moves the content to another directory. `TERN_EVENT_MOVED` follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_move(
    t: *const tern_torrent,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Renames a file, relative to the save path. `TERN_EVENT_RENAMED` follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_rename_file(
    t: *const tern_torrent,
    file: u32,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Connects to this address now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_add_peer(
    t: *const tern_torrent,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Bans this address (a port is ignored) and closes its connections.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_ban_peer(
    t: *const tern_torrent,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Closes one connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_drop_peer(
    t: *const tern_torrent,
    peer: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Replaces all trackers: `count` NUL-terminated URLs and their tiers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_trackers(
    t: *const tern_torrent,
    urls: *const *const c_char,
    tiers: *const u32,
    count: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// One more tracker, in this tier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_add_tracker(
    t: *const tern_torrent,
    tier: u32,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Announces now, as soon as the trackers' minimum interval allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_announce(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Asks the trackers for their counts. `TERN_EVENT_TRACKER_SCRAPED` follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_scrape(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Events for single messages of peers (`TERN_CLASS_WIRE`) on or off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_wire_notices(
    t: *const tern_torrent,
    on: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

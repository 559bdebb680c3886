//! Torrent handles: identity and commands.

use core::ffi::c_char;

use super::add::{limit, policy, small};
use super::consts::*;
use super::convert::{
    address as to_address, bytes as data, c_text, ip as to_ip, path as to_path, put, text,
};
use super::guard::{self, entry};
use super::object::{self, Opaque, get};
use super::types::*;
use crate::api::{ErrorKind, FileIndex, PeerKey, PieceIndex, Removal, SaveConditions, Torrent};

impl Opaque for tern_torrent {
    type Inner = Torrent;
    const MAGIC: u32 = 0x7465_5406;
    const OF_SESSION: bool = true;
}

/// One more reference. Returns `t`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_retain(t: *const tern_torrent) -> *mut tern_torrent {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_torrent_retain"), std::ptr::null_mut(), || unsafe {
        object::retain(t)
    })
}

/// Gives up a reference; the torrent goes on. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_release(t: *mut tern_torrent) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_torrent_release"), (), || unsafe { object::release(t) })
}

/// Number in the session, never used twice, never 0. Works after removal too. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_id(t: *const tern_torrent) -> u64 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_torrent_id"), 0, || unsafe { Ok(get(t)?.id().0) })
}

/// Writes the 20 bytes of the info-hash. Works after removal too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_info_hash(
    t: *const tern_torrent,
    out: *mut u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_info_hash"), err, || unsafe {
        put(out.cast::<[u8; 20]>(), get(t)?.info_hash().0)?;
        Ok(())
    })
}

/// The torrent's session, one more reference of it. NULL when it was released.
///
/// Ownership: `tern_session_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_take_session(t: *const tern_torrent) -> *mut tern_session {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_torrent_take_session"), std::ptr::null_mut(), || unsafe {
        let session = get(t)?.session().ok_or(ErrorKind::Gone)?;
        Ok(object::shared::<tern_session>(session).give())
    })
}

/// Removes the torrent: closes its connections and files, and with `TERN_REMOVE_FILES` deletes its
/// content. `TERN_EVENT_REMOVED` follows. Saved state in the built-in store goes too, unless
/// `TERN_REMOVE_KEEP_STATE`; with that, a last save happens first. Until `TERN_EVENT_REMOVED` it
/// cannot be added again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_remove(
    t: *const tern_torrent,
    flags: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_remove"), err, || unsafe {
        let removal = Removal {
            delete_files: flags & TERN_REMOVE_FILES != 0,
            keep_state: flags & TERN_REMOVE_KEEP_STATE != 0,
        };
        get(t)?.remove(removal)?;
        Ok(())
    })
}

/// How many torrents stand before this one in the session's queue.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_queue_position(
    t: *const tern_torrent,
    out: *mut u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_queue_position"), err, || unsafe {
        put(out, u32::try_from(get(t)?.queue_position()?).unwrap_or(u32::MAX))?;
        Ok(())
    })
}

/// Moves the torrent in the queue, so that `position` torrents stand before it; all others when
/// there are fewer. The state directory keeps the order, and `tern_session_restore` brings it back.
/// An added torrent is the last. The order starts and stops nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_queue_position(
    t: *const tern_torrent,
    position: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_queue_position"), err, || unsafe {
        get(t)?.set_queue_position(position as usize)?;
        Ok(())
    })
}

/// Stops: disconnects, flushes, closes files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_pause(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_pause"), err, || unsafe {
        get(t)?.pause()?;
        Ok(())
    })
}

/// Goes on; also retries after an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_resume(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_resume"), err, || unsafe {
        get(t)?.resume()?;
        Ok(())
    })
}

/// Checks all pieces again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_recheck"), err, || unsafe {
        get(t)?.recheck()?;
        Ok(())
    })
}

/// Checks the pieces of one file again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck_file(
    t: *const tern_torrent,
    file: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_recheck_file"), err, || unsafe {
        get(t)?.recheck_file(FileIndex(file))?;
        Ok(())
    })
}

/// Checks the pieces `first` to `end - 1` again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_recheck_pieces(
    t: *const tern_torrent,
    first: u32,
    end: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_recheck_pieces"), err, || unsafe {
        get(t)?.recheck_pieces(first, end)?;
        Ok(())
    })
}

/// Asks for resume data to be handed out now, even if nothing changed: a save request (or the
/// built-in store) follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_save(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_save"), err, || unsafe {
        get(t)?.save()?;
        Ok(())
    })
}

/// As `tern_torrent_save`, when something changed that `flags` (`TERN_SAVE_IF_*`; none: in any
/// case) name, with the `info` dictionary when they have `TERN_SAVE_WITH_INFO`. One
/// `TERN_EVENT_SAVE_DONE` with the ticket put in `*out_ticket` (may be NULL) says what it came to;
/// it is never dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_request_save(
    t: *const tern_torrent,
    flags: u32,
    out_ticket: *mut u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_request_save"), err, || unsafe {
        if flags & !(TERN_SAVE_IF_ANY | TERN_SAVE_WITH_INFO) != 0 {
            return Err(ErrorKind::Range.into());
        }
        let conditions = SaveConditions(flags & TERN_SAVE_IF_ANY);
        let ticket = get(t)?.request_save(conditions, flags & TERN_SAVE_WITH_INFO != 0)?;
        if !out_ticket.is_null() {
            put(out_ticket, ticket)?;
        }
        Ok(())
    })
}

/// When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_save_policy(
    t: *const tern_torrent,
    flags: u32,
    interval_ms: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_save_policy"), err, || unsafe {
        get(t)?.set_save_policy(policy(flags, interval_ms)?)?;
        Ok(())
    })
}

/// Fetch in order (1) or rarest first (0).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_sequential(
    t: *const tern_torrent,
    sequential: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_sequential"), err, || unsafe {
        get(t)?.set_sequential(sequential != 0)?;
        Ok(())
    })
}

/// Bytes per second, 0 unlimited.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_limits(
    t: *const tern_torrent,
    download: u64,
    upload: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_limits"), err, || unsafe {
        get(t)?.set_limits(limit(download), limit(upload))?;
        Ok(())
    })
}

/// Most connections of this torrent, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_max_connections(
    t: *const tern_torrent,
    connections: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_max_connections"), err, || unsafe {
        get(t)?.set_max_connections(connections)?;
        Ok(())
    })
}

/// Peers uploaded to at once, at least 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_upload_slots(
    t: *const tern_torrent,
    slots: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_upload_slots"), err, || unsafe {
        get(t)?.set_upload_slots(slots)?;
        Ok(())
    })
}

/// Priority of a file, 0 (do not fetch) to 7; 4 is normal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_file_priority(
    t: *const tern_torrent,
    file: u32,
    priority: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_file_priority"), err, || unsafe {
        get(t)?.set_file_priority(FileIndex(file), small(priority)?)?;
        Ok(())
    })
}

/// Priorities of all files; files beyond `priorities_len` become normal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_file_priorities(
    t: *const tern_torrent,
    priorities: *const u8,
    priorities_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_file_priorities"), err, || unsafe {
        get(t)?.set_file_priorities(data(priorities, priorities_len)?)?;
        Ok(())
    })
}

/// Priority of a piece, 0 to 7.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_piece_priority(
    t: *const tern_torrent,
    piece: u32,
    priority: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_piece_priority"), err, || unsafe {
        get(t)?.set_piece_priority(PieceIndex(piece), small(priority)?)?;
        Ok(())
    })
}

/// Moves the content to another directory, which is made when it is not there.
/// `TERN_EVENT_MOVED` follows.
///
/// Within a file system files are renamed; to another one they are copied, synced, and the
/// originals taken away last. Nothing is replaced: when a file is where one of the content's would
/// go, nothing moves and the event's `os_errno` is `EEXIST` (whole copies that a move left which
/// was cut short are taken for what they are). Whatever fails half-way is undone, and the torrent
/// goes on where it was. With a state directory `tern_session_restore` finds the content wherever a
/// killed process left it; the host of a save hook should save after the event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_move(
    t: *const tern_torrent,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_move"), err, || unsafe {
        let path = to_path(path, path_len)?;
        get(t)?.move_to(path)?;
        Ok(())
    })
}

/// Renames a file, relative to the save path; an absolute path takes it out of there, and moves
/// leave it where it is then. `TERN_EVENT_RENAMED` follows. Nothing is replaced, as with
/// `tern_torrent_move`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_rename_file(
    t: *const tern_torrent,
    file: u32,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_rename_file"), err, || unsafe {
        let path = text(path, path_len)?;
        get(t)?.rename_file(FileIndex(file), path)?;
        Ok(())
    })
}

/// Connects to this address now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_add_peer(
    t: *const tern_torrent,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_add_peer"), err, || unsafe {
        let addr = to_address(text(address, address_len)?)?;
        get(t)?.add_peer(addr)?;
        Ok(())
    })
}

/// Bans this address (a port is ignored) and closes its connections.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_ban_peer(
    t: *const tern_torrent,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_ban_peer"), err, || unsafe {
        let addr = to_ip(text(address, address_len)?)?;
        get(t)?.ban_peer(addr)?;
        Ok(())
    })
}

/// Closes one connection.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_drop_peer(
    t: *const tern_torrent,
    peer: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_drop_peer"), err, || unsafe {
        get(t)?.drop_peer(PeerKey(peer))?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_trackers"), err, || unsafe {
        let torrent = get(t)?;
        if count > 0 && (urls.is_null() || tiers.is_null()) {
            return Err(ErrorKind::Invalid.into());
        }
        let mut list: Vec<(u32, String)> = Vec::new();
        for i in 0..count {
            list.push((*tiers.add(i), c_text(*urls.add(i))?.into()));
        }
        torrent.set_tracker_list(&list)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_add_tracker"), err, || unsafe {
        let url = text(url, url_len)?;
        get(t)?.add_tracker(tier, url)?;
        Ok(())
    })
}

/// Announces now, as soon as the trackers' minimum interval allows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_announce(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_announce"), err, || unsafe {
        get(t)?.announce()?;
        Ok(())
    })
}

/// Asks the trackers for their counts. `TERN_EVENT_TRACKER_SCRAPED` follows.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_scrape(
    t: *const tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_scrape"), err, || unsafe {
        get(t)?.scrape()?;
        Ok(())
    })
}

/// As `tern_torrent_announce`, to one tracker: also to one that is asked only when those before it
/// fail. `TERN_E_NOT_FOUND` when the torrent has no tracker of this URL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_announce_tracker(
    t: *const tern_torrent,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_announce_tracker"), err, || unsafe {
        get(t)?.announce_to(text(url, url_len)?)?;
        Ok(())
    })
}

/// As `tern_torrent_scrape`, of one tracker: `TERN_EVENT_TRACKER_SCRAPED` or
/// `TERN_EVENT_TRACKER_FAILED` follows. `TERN_E_NOT_FOUND` when the torrent has no tracker of this
/// URL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_scrape_tracker(
    t: *const tern_torrent,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_scrape_tracker"), err, || unsafe {
        get(t)?.scrape_at(text(url, url_len)?)?;
        Ok(())
    })
}

/// Events for single messages of peers (`TERN_CLASS_WIRE`) on or off.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_wire_notices(
    t: *const tern_torrent,
    on: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_wire_notices"), err, || unsafe {
        get(t)?.set_wire_notices(on != 0)?;
        Ok(())
    })
}

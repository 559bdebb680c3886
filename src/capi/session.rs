//! Sessions: life, settings, torrents.

use std::time::Duration;

use super::config::Values;
use super::convert::{Sized32, buf, put, put_sized};
use super::fork;
use super::guard::{self, entry};
use super::object::{self, Opaque, get, get_mut};
use super::types::*;
use crate::api::{Config, Error, ErrorKind, InfoHash, Session, Torrent, TorrentId};

impl Opaque for tern_session {
    type Inner = Session;
    const MAGIC: u32 = 0x7465_5303;
    const OF_SESSION: bool = true;
}

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_stats {}

/// A time-out as C gives it: negative is for ever.
pub(super) fn millis(timeout_ms: i32) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// Refuses a NULL out-parameter before something is made for it.
pub(super) fn writable<T>(out: *mut T) -> Result<(), Error> {
    if out.is_null() {
        Err(Error::new(ErrorKind::Invalid, "an out-parameter is NULL"))
    } else {
        Ok(())
    }
}

/// An info-hash as C gives it.
///
/// # Safety
/// `ptr` is NULL or points to 20 readable bytes.
pub(super) unsafe fn hash(ptr: *const u8) -> Result<InfoHash, Error> {
    // SAFETY: the caller's promise; an array of bytes has no alignment.
    let bytes = unsafe { ptr.cast::<[u8; 20]>().as_ref() };
    bytes
        .map(|b| InfoHash(*b))
        .ok_or_else(|| Error::new(ErrorKind::Invalid, "the info-hash is NULL"))
}

fn stats(session: &Session) -> tern_stats {
    let stats = session.stats();
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (udp, asked) = (stats.udp, stats.udp.trackers);
    tern_stats {
        struct_size: 0,
        torrents: small(stats.torrents),
        queued_events: small(stats.queued_events),
        open_requests: small(stats.open_requests),
        dropped_notices: stats.dropped_notices,
        listen_port: session.listen_port().into(),
        peers: u32::try_from(stats.peers).unwrap_or(u32::MAX),
        downloaded: stats.downloaded,
        uploaded: stats.uploaded,
        download_rate: stats.download_rate,
        upload_rate: stats.upload_rate,
        udp_received: udp.received,
        udp_received_bytes: udp.received_bytes,
        udp_sent: udp.sent,
        udp_sent_bytes: udp.sent_bytes,
        udp_unsent: udp.unsent,
        udp_dropped: udp.dropped,
        udp_malformed: udp.malformed,
        udp_tracker_received: asked.received,
        udp_tracker_received_bytes: asked.received_bytes,
        udp_tracker_sent: asked.sent,
        udp_tracker_sent_bytes: asked.sent_bytes,
        udp_tracker_answers: asked.answers,
        udp_tracker_failures: asked.failures,
        udp_tracker_connects: asked.connects,
        udp_tracker_reused: asked.reused,
    }
}

/// Starts a session: threads, listen sockets, state directory. `config` may be NULL (all default).
///
/// Ownership: the config stays the caller's. The session is released with
/// `tern_session_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_new(
    config: *const tern_config,
    out: *mut *mut tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_new"), err, || unsafe {
        fork::watch();
        let config = if config.is_null() { Config::new() } else { get(config)?.config.clone() };
        writable(out)?;
        put(out, object::shared::<tern_session>(Session::new(&config)?).give())?;
        Ok(())
    })
}

/// One more reference. Returns `s`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_retain(s: *const tern_session) -> *mut tern_session {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_session_retain"), std::ptr::null_mut(), || unsafe {
        object::retain(s)
    })
}

/// Gives up a reference. With the last one a session that was not closed is stopped without saving:
/// only what was never accepted by a save hook is lost. Torrent handles and batches that are still
/// held stay valid to use (`TERN_E_GONE`) and to release, in any order. NULL is fine. In a forked
/// child it frees nothing, on purpose.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_release(s: *mut tern_session) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_session_release"), (), || unsafe { object::release(s) })
}

/// Begins to close: stops the network, flushes files, hands out last saves, and posts
/// `TERN_EVENT_CLOSED` when done. Does not block. Keep taking events and answering requests until
/// CLOSED comes. May be called again; it then does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_close_begin(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_close_begin"), err, || unsafe {
        get(s)?.close_begin()?;
        Ok(())
    })
}

/// Closes and waits: `tern_session_close_begin`, then up to `timeout_ms` (-1 for ever) until all is
/// flushed and saved. With QUEUED hooks somebody must go on taking events and answering: either
/// another thread, or this one by calling with a short time-out in a loop with `tern_session_take`.
/// Requests of verify hooks that nobody answers do not hold it up: those pieces are checked again
/// on the next start.
///
/// `TERN_E_TIMEOUT` when time is up; `*out_unsaved` (may be NULL, written in this case too) then
/// says how many torrents are not saved yet. The session goes on closing and the call may be
/// repeated. After `TERN_OK` all threads have ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_close(
    s: *const tern_session,
    timeout_ms: i32,
    out_unsaved: *mut u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_close"), err, || unsafe {
        let timeout = millis(timeout_ms);
        if let Err(unsaved) = get(s)?.close(timeout) {
            if !out_unsaved.is_null() {
                put(out_unsaved, unsaved.count)?;
            }
            return Err(unsaved.error);
        }
        if !out_unsaved.is_null() {
            put(out_unsaved, 0)?;
        }
        Ok(())
    })
}

/// Stops all torrents until `tern_session_resume`, without changing their own paused state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_pause(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_pause"), err, || unsafe {
        get(s)?.pause()?;
        Ok(())
    })
}

/// Undoes `tern_session_pause`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_resume(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_resume"), err, || unsafe {
        get(s)?.resume()?;
        Ok(())
    })
}

/// Changes live options of a running session to what `config` sets explicitly; all or, on error,
/// nothing. `TERN_E_STATE` when it sets one that is not live to another value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_apply(
    s: *const tern_session,
    config: *const tern_config,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_apply"), err, || unsafe {
        get(s)?.apply(&get(config)?.config)?;
        Ok(())
    })
}

/// A copy of the options in use.
///
/// Ownership: `tern_config_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_take_config(
    s: *const tern_session,
    out: *mut *mut tern_config,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_take_config"), err, || unsafe {
        writable(out)?;
        put(out, object::unique(Values::new(get(s)?.config())))?;
        Ok(())
    })
}

/// The first port the session listens on, 0 when it does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_listen_port(
    s: *const tern_session,
    out: *mut u16,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_listen_port"), err, || unsafe {
        put(out, get(s)?.listen_port())?;
        Ok(())
    })
}

/// Our addresses as the world sees them, as far as peers, trackers and the DHT told, one a line,
/// IPv4 before IPv6: `192.0.2.1:6881`, `[2001:db8::1]:6881`, with the port the session listens on.
/// Empty while nobody told. `TERN_EVENT_EXTERNAL_ADDR` comes when one becomes another.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_take_external(
    s: *const tern_session,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_take_external"), err, || unsafe {
        writable(out)?;
        let session = get(s)?;
        let ours = [false, true].into_iter().filter_map(|v6| session.external(v6));
        let lines: Vec<String> = ours.map(|addr| addr.to_string()).collect();
        put(out, buf(lines.join("\n").into_bytes()))
    })
}

/// Snapshot of the session. Call the macro `tern_session_stats`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_stats_sized(
    s: *const tern_session,
    out: *mut tern_stats,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_stats_sized"), err, || unsafe {
        put_sized(out, out_size, stats(get(s)?))?;
        Ok(())
    })
}

/// Adds a torrent. Hooks set on `add` move to the torrent; everything else stays, `add` can be used
/// again. When no resume data was set and the session has a state directory, saved state is loaded
/// from there.
///
/// `TERN_E_DUPLICATE` when it is there already (see `tern_session_find`), `TERN_E_RESUME` when the
/// resume data given is of another torrent or not readable. `out` may be NULL.
///
/// Ownership: the handle is released with `tern_torrent_release`; releasing it does not remove the
/// torrent.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_add(
    s: *const tern_session,
    add: *mut tern_add,
    out: *mut *mut tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_add"), err, || unsafe {
        let session = get(s)?;
        let add = get_mut(add)?;
        let torrent = session.add_ref(add)?;
        drop(add.take_hooks());
        if !out.is_null() {
            put(out, object::shared::<tern_torrent>(torrent).give())?;
        }
        Ok(())
    })
}

/// Adds every torrent that was in the last session with this state directory, in queue order, with
/// what was saved of it: nothing has to be given again. Torrents that are there already stay as
/// they are; those that were removed, and those whose state a save hook keeps, are not brought
/// back. Returns when all are added; `TERN_EVENT_ADDED` comes for each, and
/// `TERN_EVENT_RESTORE_FAILED` for each that could not be. `*out_torrents` and `*out_failed` (both
/// may be NULL) are the counts.
///
/// Of each torrent some three notices come, and nobody may be taking events meanwhile: where there
/// are more torrents than a third of `event_queue_len`, the oldest are dropped and
/// `TERN_EVENT_DROPPED` says so; `tern_session_torrents` and the torrents' states tell what they
/// said. Errors, as many as `event_queue_len`, are not dropped for other notices.
///
/// A torrent whose content was being moved, or a file of it renamed, when the process was killed is
/// looked for at both places; a move that was cut short half-way is finished here, which may take
/// as long as the move.
///
/// `TERN_E_STATE` when the session has no state directory.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_restore(
    s: *const tern_session,
    out_torrents: *mut u32,
    out_failed: *mut u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_restore"), err, || unsafe {
        let restored = get(s)?.restore()?;
        if !out_torrents.is_null() {
            put(out_torrents, restored.torrents)?;
        }
        if !out_failed.is_null() {
            put(out_failed, restored.failed)?;
        }
        Ok(())
    })
}

/// Number of torrents, and handles of up to `capacity` of them in the order they were added.
/// `*out_len` is the number there are. `out` may be NULL when `capacity` is 0.
///
/// Ownership: each handle written is released with `tern_torrent_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_torrents(
    s: *const tern_session,
    out: *mut *mut tern_torrent,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_torrents"), err, || unsafe {
        handles(get(s)?.torrents(), out, capacity, out_len)
    })
}

/// As `tern_session_torrents`, in queue order: see `tern_torrent_set_queue_position`.
///
/// Ownership: each handle written is released with `tern_torrent_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_queue(
    s: *const tern_session,
    out: *mut *mut tern_torrent,
    capacity: usize,
    out_len: *mut usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_queue"), err, || unsafe {
        handles(get(s)?.queue(), out, capacity, out_len)
    })
}

/// Hands out the first `capacity` torrents and says how many there are.
///
/// # Safety
/// `out` has room for `capacity` handles; `out_len` is NULL or can be written to.
unsafe fn handles(
    torrents: Vec<Torrent>,
    out: *mut *mut tern_torrent,
    capacity: usize,
    out_len: *mut usize,
) -> Result<(), Error> {
    if out_len.is_null() || (out.is_null() && capacity > 0) {
        return Err(ErrorKind::Invalid.into());
    }
    // SAFETY: the caller's promise.
    unsafe {
        put(out_len, torrents.len())?;
        for (i, torrent) in torrents.into_iter().take(capacity).enumerate() {
            put(out.add(i), object::shared::<tern_torrent>(torrent).give())?;
        }
    }
    Ok(())
}

/// The torrent with this info-hash (20 bytes). `TERN_E_NOT_FOUND`.
///
/// Ownership: `tern_torrent_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_find(
    s: *const tern_session,
    info_hash: *const u8,
    out: *mut *mut tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_find"), err, || unsafe {
        writable(out)?;
        let found = get(s)?.find(&hash(info_hash)?).ok_or(ErrorKind::NotFound)?;
        put(out, object::shared::<tern_torrent>(found).give())?;
        Ok(())
    })
}

/// The torrent with this number. `TERN_E_NOT_FOUND`.
///
/// Ownership: `tern_torrent_release`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_find_id(
    s: *const tern_session,
    torrent_id: u64,
    out: *mut *mut tern_torrent,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_find_id"), err, || unsafe {
        writable(out)?;
        let found = get(s)?.find_id(TorrentId(torrent_id)).ok_or(ErrorKind::NotFound)?;
        put(out, object::shared::<tern_torrent>(found).give())?;
        Ok(())
    })
}

//! Sessions: life, settings, torrents.

use super::types::*;

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
    unimplemented!()
}

/// One more reference. Returns `s`. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_retain(s: *const tern_session) -> *mut tern_session {
    unimplemented!()
}

/// Gives up a reference. With the last one a session that was not closed is stopped without saving:
/// only what was never accepted by a save hook is lost. Torrent handles and batches that are still
/// held stay valid to use (`TERN_E_GONE`) and to release, in any order. NULL is fine. In a forked
/// child it frees nothing, on purpose.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_release(s: *mut tern_session) {
    unimplemented!()
}

/// Begins to close: stops the network, flushes files, hands out last saves, and posts
/// `TERN_EVENT_CLOSED` when done. Does not block. Keep taking events and answering requests until
/// CLOSED comes. May be called again; it then does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_close_begin(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
}

/// Stops all torrents until `tern_session_resume`, without changing their own paused state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_pause(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Undoes `tern_session_pause`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_resume(
    s: *const tern_session,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Changes live options of a running session to what `config` sets explicitly; all or, on error,
/// nothing. `TERN_E_STATE` when it sets one that is not live to another value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_apply(
    s: *const tern_session,
    config: *const tern_config,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
}

/// The first port the session listens on, 0 when it does not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_listen_port(
    s: *const tern_session,
    out: *mut u16,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Snapshot of the session. Call the macro `tern_session_stats`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_stats_sized(
    s: *const tern_session,
    out: *mut tern_stats,
    out_size: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
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
    unimplemented!()
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
    unimplemented!()
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
    unimplemented!()
}

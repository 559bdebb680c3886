//! The two hooks (verify, save) and the answers to their requests.

use super::types::*;
use core::ffi::c_void;

/// Sets the verifier of all torrents that have none of their own. It is asked about every piece
/// after the engine's own hash; until ACCEPT the piece does not count as had. `mode` is
/// `TERN_HOOK_*`; `flags` is 0. `destroy` may be NULL; it runs exactly once, also when this call
/// fails.
///
/// Torrents added before follow it too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_set_verify_hook(
    s: *const tern_session,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets the saver of all torrents that have none of their own. It gets resume data to keep; ACCEPT
/// says that it is durable. Without a hook the built-in store keeps it in the state directory, when
/// there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_set_save_hook(
    s: *const tern_session,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets the verifier of one torrent; `TERN_HOOK_NONE` goes back to the session's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_verify_hook(
    t: *const tern_torrent,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets the saver of one torrent; `TERN_HOOK_NONE` goes back to the session's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_save_hook(
    t: *const tern_torrent,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets the verifier the torrent starts with. It moves to the torrent in `tern_session_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_verify_hook(
    add: *mut tern_add,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Sets the saver the torrent starts with. It moves to the torrent in `tern_session_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_save_hook(
    add: *mut tern_add,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Answers a request with a `TERN_VERDICT_*`. From any thread, in any order, exactly once: then
/// `TERN_E_GONE`, as for requests of a torrent that was removed. Does not block. `detail`:
/// milliseconds for DEFER, any code for FAIL, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_request_complete(
    s: *const tern_session,
    token: u64,
    verdict: i32,
    detail: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The bytes a request is about: of the piece (read from the cache or the disk, which may block for
/// a moment), or the resume data. Borrowed: they live until the request is answered, or, for a
/// request that is withdrawn because its torrent goes, until the session is released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_request_data(
    s: *const tern_session,
    token: u64,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

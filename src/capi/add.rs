//! What to add: a builder.

use super::types::*;
use core::ffi::c_char;

/// An empty builder. It needs metainfo (or resume data that embeds it) and a save path.
///
/// Ownership: `tern_add_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_new() -> *mut tern_add {
    unimplemented!()
}

/// Frees a builder and the hooks still in it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_free(add: *mut tern_add) {
    unimplemented!()
}

/// The torrent, as the bytes of a `.torrent` file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo(
    add: *mut tern_add,
    bytes: *const u8,
    bytes_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The torrent, read from a `.torrent` file now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo_file(
    add: *mut tern_add,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The torrent, as parsed metainfo. It is copied (cheaply).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo_object(
    add: *mut tern_add,
    m: *const tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The directory the content is (or will be) in. A path in the system's bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_save_path(
    add: *mut tern_add,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Resume data to continue from: ours or libtorrent's. It is checked here for form, and against the
/// torrent in `tern_session_add`. Empty bytes mean none, and nothing is loaded from the state
/// directory either.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_resume(
    add: *mut tern_add,
    bytes: *const u8,
    bytes_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Whether to start stopped. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_paused(
    add: *mut tern_add,
    paused: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Whether to fetch in order. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_sequential(
    add: *mut tern_add,
    sequential: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Whether to reserve space for files. Overrides the session's option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_preallocate(
    add: *mut tern_add,
    preallocate: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priority of a file, 0 (do not fetch, do not create) to 7; 4 is normal. Setting one overrides all
/// of the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_file_priority(
    add: *mut tern_add,
    file: u32,
    priority: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Priorities of the first `priorities_len` files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_file_priorities(
    add: *mut tern_add,
    priorities: *const u8,
    priorities_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Another path for a file, relative to the save path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_rename_file(
    add: *mut tern_add,
    file: u32,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Forgets the metainfo's trackers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_clear_trackers(
    add: *mut tern_add,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// One more tracker, in this tier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_add_tracker(
    add: *mut tern_add,
    tier: u32,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// An address to connect to, `192.0.2.1:6881` or `[2001:db8::1]:6881`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_add_peer(
    add: *mut tern_add,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Bytes per second, 0 unlimited. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_limits(
    add: *mut tern_add,
    download: u64,
    upload: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none). Overrides the
/// session's options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_save_policy(
    add: *mut tern_add,
    flags: u32,
    interval_ms: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// What to trust when files differ from the resume data: `TERN_LOAD_*`. Overrides the session's
/// option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_load_policy(
    add: *mut tern_add,
    policy: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

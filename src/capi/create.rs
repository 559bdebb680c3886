//! Making `.torrent` files. Needs no session.

use super::types::*;
use core::ffi::{c_char, c_void};

/// A new job for a file or directory. It is not looked at yet.
///
/// Ownership: `tern_create_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_new(
    path: *const c_char,
    path_len: usize,
    out: *mut *mut tern_create,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Frees it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_free(create: *mut tern_create) {
    unimplemented!()
}

/// Bytes of a piece: a power of two of at least 16 KiB; 0 (the default) chooses by size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_piece_length(
    create: *mut tern_create,
    bytes: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Another name than the path's last component.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_name(
    create: *mut tern_create,
    name: *const c_char,
    name_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Free text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_comment(
    create: *mut tern_create,
    comment: *const c_char,
    comment_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Creating program; empty leaves it out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_created_by(
    create: *mut tern_create,
    program: *const c_char,
    program_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Seconds since 1970; 0 leaves it out. The default is the time of the run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_creation_date(
    create: *mut tern_create,
    seconds: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// `source` of private trackers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_source(
    create: *mut tern_create,
    source: *const c_char,
    source_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Private (BEP 27).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_private(
    create: *mut tern_create,
    is_private: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// `TERN_CREATE_*` bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_flags(
    create: *mut tern_create,
    flags: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// One more tracker, in this tier.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_add_tracker(
    create: *mut tern_create,
    tier: u32,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// One more web seed (BEP 19).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_add_web_seed(
    create: *mut tern_create,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// Reads and hashes everything on the calling thread and gives the `.torrent` file's bytes.
/// `progress` may be NULL. `TERN_E_CANCELLED` when it asks for that, `TERN_E_IO`.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_run(
    create: *mut tern_create,
    progress: tern_progress_fn,
    user: *mut c_void,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

/// The same in slices, for hosts that want no callback: reads and hashes up to about `max_bytes`,
/// then returns 1 when all is hashed, 0 when not, or a negative `TERN_E_*`. `out_done` and
/// `out_total` (bytes) may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_step(
    create: *mut tern_create,
    max_bytes: u64,
    out_done: *mut u64,
    out_total: *mut u64,
    err: *mut *mut tern_error,
) -> i32 {
    unimplemented!()
}

/// After `tern_create_step` returned 1: the `.torrent` file's bytes.
///
/// Ownership: `tern_buf_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_take(
    create: *mut tern_create,
    out: *mut tern_buf,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
}

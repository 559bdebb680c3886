//! Making `.torrent` files. Needs no session.

use core::ffi::{c_char, c_void};

use super::consts::*;
use super::convert::{buf, path as to_path, put, text};
use super::guard::{self, entry};
use super::object::{self, Opaque, get_mut};
use super::session::writable;
use super::types::*;
use crate::api::TorrentBuilder;

impl Opaque for tern_create {
    type Inner = TorrentBuilder;
    const MAGIC: u32 = 0x7465_4B0A;
}

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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_new"), err, || unsafe {
        writable(out)?;
        put(out, object::unique(TorrentBuilder::new(to_path(path, path_len)?)))?;
        Ok(())
    })
}

/// Frees it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_free(create: *mut tern_create) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_create_free"), (), || unsafe { object::free(create) })
}

/// Bytes of a piece: a power of two of at least 16 KiB; 0 (the default) chooses by size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_piece_length(
    create: *mut tern_create,
    bytes: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_piece_length"), err, || unsafe {
        get_mut(create)?.set_piece_length((bytes > 0).then_some(bytes))?;
        Ok(())
    })
}

/// Another name than the path's last component.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_name(
    create: *mut tern_create,
    name: *const c_char,
    name_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_name"), err, || unsafe {
        let name = text(name, name_len)?;
        get_mut(create)?.set_name(name);
        Ok(())
    })
}

/// Free text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_comment(
    create: *mut tern_create,
    comment: *const c_char,
    comment_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_comment"), err, || unsafe {
        let comment = text(comment, comment_len)?;
        get_mut(create)?.set_comment(comment);
        Ok(())
    })
}

/// Creating program; empty leaves it out.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_created_by(
    create: *mut tern_create,
    program: *const c_char,
    program_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_created_by"), err, || unsafe {
        let program = text(program, program_len)?;
        get_mut(create)?.set_created_by(program);
        Ok(())
    })
}

/// Seconds since 1970; 0 leaves it out. The default is the time of the run.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_creation_date(
    create: *mut tern_create,
    seconds: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_creation_date"), err, || unsafe {
        get_mut(create)?.set_creation_date(seconds);
        Ok(())
    })
}

/// `source` of private trackers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_source(
    create: *mut tern_create,
    source: *const c_char,
    source_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_source"), err, || unsafe {
        let source = text(source, source_len)?;
        get_mut(create)?.set_source(source);
        Ok(())
    })
}

/// Private (BEP 27).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_private(
    create: *mut tern_create,
    is_private: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_private"), err, || unsafe {
        get_mut(create)?.set_private(is_private != 0);
        Ok(())
    })
}

/// `TERN_CREATE_*` bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_flags(
    create: *mut tern_create,
    flags: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_flags"), err, || unsafe {
        let create = get_mut(create)?;
        create.set_padding(flags & TERN_CREATE_PADDING != 0);
        create.set_hidden(flags & TERN_CREATE_HIDDEN != 0);
        create.set_keep_links(flags & TERN_CREATE_SYMLINKS != 0);
        Ok(())
    })
}

/// Threads that read and hash while a run or a step goes on; 0 (the default) takes one per
/// processor, at most eight.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_threads(
    create: *mut tern_create,
    threads: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_threads"), err, || unsafe {
        get_mut(create)?.set_threads(threads);
        Ok(())
    })
}

/// Instructions to hash with, as `TERN_OPT_HASH_PATH`. `TERN_E_INVALID` when there is no such path,
/// or not on this machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_set_hash_path(
    create: *mut tern_create,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_set_hash_path"), err, || unsafe {
        let path = text(path, path_len)?;
        get_mut(create)?.set_hash_path(path)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_add_tracker"), err, || unsafe {
        let url = text(url, url_len)?;
        get_mut(create)?.add_tracker(tier, url);
        Ok(())
    })
}

/// One more web seed (BEP 19).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_create_add_web_seed(
    create: *mut tern_create,
    url: *const c_char,
    url_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_add_web_seed"), err, || unsafe {
        let url = text(url, url_len)?;
        get_mut(create)?.add_web_seed(url);
        Ok(())
    })
}

/// Reads and hashes everything, with threads that end with it, and gives the `.torrent` file's
/// bytes. `progress` may be NULL. `TERN_E_CANCELLED` when it asks for that, `TERN_E_IO`.
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_run"), err, || unsafe {
        writable(out)?;
        let raw =
            get_mut(create)?.run(|p| progress.is_none_or(|f| f(user, p.done, p.total) == 0))?;
        put(out, buf(raw))?;
        Ok(())
    })
}

/// The same in slices, for hosts that want no callback: reads and hashes up to about `max_bytes`
/// (sixteen pieces per thread and more are fast, single pieces are not),
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::number(entry!("tern_create_step"), err, || unsafe {
        let (finished, progress) = get_mut(create)?.step(max_bytes)?;
        if !out_done.is_null() {
            put(out_done, progress.done)?;
        }
        if !out_total.is_null() {
            put(out_total, progress.total)?;
        }
        Ok(i32::from(finished))
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_create_take"), err, || unsafe {
        writable(out)?;
        put(out, buf(get_mut(create)?.take()?))?;
        Ok(())
    })
}

//! The event queue: one descriptor, waiting, batches.

use super::convert::{Sized32, put, put_sized};
use super::event::Batch;
use super::guard::{self, entry};
use super::object::{self, get};
use super::session::{millis, writable};
use super::types::*;
use crate::api::ErrorKind;

// SAFETY: plain data, `repr(C)`, the size is first.
unsafe impl Sized32 for tern_event {}

/// A descriptor that is readable exactly while events wait to be taken (level-triggered): put it
/// into poll, epoll, select or any event loop. The same for the session's life. Never read, write
/// or close it. -1 for NULL, after a fork, or when the session is closed for good.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_event_fd(s: *const tern_session) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_session_event_fd"), -1, || unsafe { Ok(get(s)?.event_fd()) })
}

/// Waits until events wait to be taken, at most `timeout_ms` (-1 for ever, 0 only looks). Returns 1
/// when there are events, 0 when time is up, `tern_session_wake` was called or a signal arrived (so
/// that the host can run its handlers), or a negative `TERN_E_*`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_wait(
    s: *const tern_session,
    timeout_ms: i32,
    err: *mut *mut tern_error,
) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::number(entry!("tern_session_wait"), err, || unsafe {
        Ok(i32::from(get(s)?.wait(millis(timeout_ms))?))
    })
}

/// Ends one `tern_session_wait` (the present or the next one). From any thread; async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_wake(s: *const tern_session) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_wake"), std::ptr::null_mut(), || unsafe {
        get(s)?.wake();
        Ok(())
    })
}

/// Which classes of notices to queue, `TERN_CLASS_*` bits. Notices already queued stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_subscribe(
    s: *const tern_session,
    classes: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_subscribe"), err, || unsafe {
        get(s)?.subscribe(classes);
        Ok(())
    })
}

/// Takes up to `max` events out of the queue (0 for all there are); requests come first. The batch
/// may be empty.
///
/// Ownership: `tern_batch_free`, whenever the host likes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_take(
    s: *const tern_session,
    max: usize,
    out: *mut *mut tern_batch,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_take"), err, || unsafe {
        writable(out)?;
        put(out, object::unique::<tern_batch>(Batch::new(get(s)?.take(max))))?;
        Ok(())
    })
}

/// Events in a batch, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_batch_len(batch: *const tern_batch) -> usize {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_batch_len"), 0, || unsafe { Ok(get(batch)?.len()) })
}

/// Copies one event out. What it points to lives until the batch is freed. Call the macro
/// `tern_batch_get`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_batch_get_sized(
    batch: *const tern_batch,
    index: usize,
    out: *mut tern_event,
    out_size: usize,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_batch_get_sized"), std::ptr::null_mut(), || unsafe {
        let event = get(batch)?.get(index).ok_or(ErrorKind::Range)?;
        put_sized(out, out_size, *event)?;
        Ok(())
    })
}

/// Frees a batch. Requests in it stay open: their tokens still want an answer. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_batch_free(batch: *mut tern_batch) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_batch_free"), (), || unsafe { object::free(batch) })
}

//! The event queue: one descriptor, waiting, batches.

use super::types::*;

/// A descriptor that is readable exactly while events wait to be taken (level-triggered): put it
/// into poll, epoll, select or any event loop. The same for the session's life. Never read, write
/// or close it. -1 for NULL, after a fork, or when the session is closed for good.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_event_fd(s: *const tern_session) -> i32 {
    unimplemented!()
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
    unimplemented!()
}

/// Ends one `tern_session_wait` (the present or the next one). From any thread; async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_wake(s: *const tern_session) -> tern_result {
    unimplemented!()
}

/// Which classes of notices to queue, `TERN_CLASS_*` bits. Notices already queued stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_subscribe(
    s: *const tern_session,
    classes: u32,
    err: *mut *mut tern_error,
) -> tern_result {
    unimplemented!()
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
    unimplemented!()
}

/// Events in a batch, 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_batch_len(batch: *const tern_batch) -> usize {
    unimplemented!()
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
    unimplemented!()
}

/// Frees a batch. Requests in it stay open: their tokens still want an answer. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_batch_free(batch: *mut tern_batch) {
    unimplemented!()
}

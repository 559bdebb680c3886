//! Error objects: the long form of a `tern_result`.

use super::types::*;
use core::ffi::c_char;

/// The result the call returned. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_code(error: *const tern_error) -> tern_result {
    unimplemented!()
}

/// A finer number below the code, 0 when there is none. New ones may appear at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_detail(error: *const tern_error) -> i32 {
    unimplemented!()
}

/// The system's error number, 0 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_errno(error: *const tern_error) -> i32 {
    unimplemented!()
}

/// One line for people, NUL-terminated UTF-8. Lives as long as the error. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_message(error: *const tern_error) -> *const c_char {
    unimplemented!()
}

/// The file concerned, empty when there is none. Bytes of a path. Lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_path(error: *const tern_error) -> tern_bytes {
    unimplemented!()
}

/// The torrent's number, 0 when none is concerned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_torrent(error: *const tern_error) -> u64 {
    unimplemented!()
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_free(error: *mut tern_error) {
    unimplemented!()
}

//! Versions, features, names of results, and what the caller frees.

use super::types::*;
use core::ffi::c_char;

/// Version of the library: `TERN_VERSION_NUM` of the header it was built with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_version() -> u32 {
    unimplemented!()
}

/// Version as text, for example `0.1.0`. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_version_string() -> *const c_char {
    unimplemented!()
}

/// Checks that a header fits this library: pass `TERN_VERSION_NUM`, `sizeof(tern_event)` and
/// `sizeof(tern_status)`. Wrappers call it when they are loaded.
///
/// `TERN_E_VERSION` when the header is of another ABI or newer than the library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_abi_check(
    header_version: u32,
    event_size: usize,
    status_size: usize,
) -> tern_result {
    unimplemented!()
}

/// 1 when the library has a feature, else 0. `feature` is NUL-terminated: `tls`, `v1`, `v2`, `dht`,
/// `utp`, `mse`. Unknown names are 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_has(feature: *const c_char) -> i32 {
    unimplemented!()
}

/// Name of a result, for example `TERN_E_GONE`; `TERN_E_UNKNOWN` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_result_name(result: tern_result) -> *const c_char {
    unimplemented!()
}

/// One line about a result, for people. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_result_text(result: tern_result) -> *const c_char {
    unimplemented!()
}

/// Name of an event kind in lower case, for example `piece_passed`; `unknown` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_event_name(kind: i32) -> *const c_char {
    unimplemented!()
}

/// Name of a torrent state in lower case, for example `downloading`; `unknown` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_state_name(state: i32) -> *const c_char {
    unimplemented!()
}

/// Frees a buffer's bytes and empties it. NULL and empty buffers are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_buf_free(buf: *mut tern_buf) {
    unimplemented!()
}

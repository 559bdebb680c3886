//! Versions, features, names of results, and what the caller frees.

use core::ffi::{CStr, c_char};

use super::consts::*;
use super::convert::{c_text, free_buf};
use super::guard::{self, entry};
use super::types::*;
use crate::api::{DhtFailure, Error, ErrorKind};

/// The version as text, with the commit when the build knew it.
const VERSION: &CStr = c"0.1.0";

/// Version of the library: `TERN_VERSION_NUM` of the header it was built with.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_version() -> u32 {
    TERN_VERSION_NUM
}

/// Version as text, for example `0.1.0`. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_version_string() -> *const c_char {
    VERSION.as_ptr()
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
    guard::call(entry!("tern_abi_check"), std::ptr::null_mut(), || {
        check_abi(header_version, event_size, status_size)
    })
}

/// 1 when the library has a feature, else 0. `feature` is NUL-terminated: `tls`, `store`, `v1`,
/// `v2`, `dht`, `utp`, `mse`. Unknown names are 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_has(feature: *const c_char) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_has"), 0, || unsafe {
        Ok(i32::from(crate::api::has(c_text(feature)?)))
    })
}

/// Name of a result, for example `TERN_E_GONE`; `TERN_E_UNKNOWN` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_result_name(result: tern_result) -> *const c_char {
    result_name(result).as_ptr()
}

/// One line about a result, for people. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_result_text(result: tern_result) -> *const c_char {
    result_text(result).as_ptr()
}

/// Name of an event kind in lower case, for example `piece_passed`; `unknown` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_event_name(kind: i32) -> *const c_char {
    event_name(kind).as_ptr()
}

/// Name of a torrent state in lower case, for example `downloading`; `unknown` for others. Static.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_state_name(state: i32) -> *const c_char {
    state_name(state).as_ptr()
}

/// Frees a buffer's bytes and empties it. NULL and empty buffers are fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_buf_free(buf: *mut tern_buf) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_buf_free"), (), || unsafe {
        if let Some(buf) = buf.as_mut() {
            free_buf(buf);
        }
        Ok(())
    })
}

fn check_abi(header_version: u32, event_size: usize, status_size: usize) -> Result<(), Error> {
    // Before 1.0 every minor version is an ABI of its own.
    let same = header_version >> 8 == TERN_VERSION_NUM >> 8 && header_version <= TERN_VERSION_NUM;
    let known = event_size <= size_of::<tern_event>() && status_size <= size_of::<tern_status>();
    if same && known && event_size > 0 && status_size > 0 {
        return Ok(());
    }
    Err(ErrorKind::Version.into())
}

fn result_name(result: tern_result) -> &'static CStr {
    match result {
        TERN_OK => c"TERN_OK",
        TERN_E_INVALID => c"TERN_E_INVALID",
        TERN_E_PANIC => c"TERN_E_PANIC",
        TERN_E_FORKED => c"TERN_E_FORKED",
        TERN_E_GONE => c"TERN_E_GONE",
        TERN_E_REENTRANT => c"TERN_E_REENTRANT",
        TERN_E_CLOSED => c"TERN_E_CLOSED",
        TERN_E_TIMEOUT => c"TERN_E_TIMEOUT",
        TERN_E_UNKNOWN_OPTION => c"TERN_E_UNKNOWN_OPTION",
        TERN_E_RANGE => c"TERN_E_RANGE",
        TERN_E_TYPE => c"TERN_E_TYPE",
        TERN_E_DUPLICATE => c"TERN_E_DUPLICATE",
        TERN_E_METAINFO => c"TERN_E_METAINFO",
        TERN_E_RESUME => c"TERN_E_RESUME",
        TERN_E_IO => c"TERN_E_IO",
        TERN_E_UNSUPPORTED => c"TERN_E_UNSUPPORTED",
        TERN_E_NOT_FOUND => c"TERN_E_NOT_FOUND",
        TERN_E_CANCELLED => c"TERN_E_CANCELLED",
        TERN_E_STATE => c"TERN_E_STATE",
        TERN_E_VERSION => c"TERN_E_VERSION",
        TERN_E_IN_USE => c"TERN_E_IN_USE",
        TERN_E_STORE => c"TERN_E_STORE",
        TERN_E_NO_METADATA => c"TERN_E_NO_METADATA",
        TERN_E_MAGNET => c"TERN_E_MAGNET",
        TERN_E_BUSY => c"TERN_E_BUSY",
        TERN_E_REFUSED => c"TERN_E_REFUSED",
        TERN_E_TRACKER => c"TERN_E_TRACKER",
        _ => c"TERN_E_UNKNOWN",
    }
}

fn result_text(result: tern_result) -> &'static CStr {
    match result {
        TERN_OK => c"it worked",
        TERN_E_INVALID => c"an argument is not valid",
        TERN_E_PANIC => c"a defect of the library was caught",
        TERN_E_FORKED => c"sessions do not survive fork",
        TERN_E_GONE => c"it is not there any more",
        TERN_E_REENTRANT => c"not allowed inside an inline hook",
        TERN_E_CLOSED => c"the session is closing or closed",
        TERN_E_TIMEOUT => c"time is up",
        TERN_E_UNKNOWN_OPTION => c"no such option",
        TERN_E_RANGE => c"a number is out of its range",
        TERN_E_TYPE => c"the option has another type",
        TERN_E_DUPLICATE => c"the session has this torrent already",
        TERN_E_METAINFO => c"not a valid torrent file",
        TERN_E_RESUME => c"not valid resume data for this torrent",
        TERN_E_IO => c"the system refused an operation",
        TERN_E_UNSUPPORTED => c"not supported",
        TERN_E_NOT_FOUND => c"not found",
        TERN_E_CANCELLED => c"cancelled",
        TERN_E_STATE => c"not possible in the present state",
        TERN_E_TRACKER => c"the tracker refused or gave no answer",
        TERN_E_VERSION => c"the header and the library do not fit together",
        TERN_E_IN_USE => c"another session or process uses the state directory",
        TERN_E_STORE => c"the state directory's database cannot be used",
        TERN_E_NO_METADATA => c"the torrent's metadata is not here yet",
        TERN_E_MAGNET => c"not a valid magnet link",
        TERN_E_BUSY => c"too much is going on, try again later",
        TERN_E_REFUSED => c"a node of the network refused",
        _ => c"unknown result",
    }
}

fn event_name(kind: i32) -> &'static CStr {
    match kind {
        TERN_EVENT_VERIFY_REQUEST => c"verify_request",
        TERN_EVENT_SAVE_REQUEST => c"save_request",
        TERN_EVENT_PEER_REQUEST => c"peer_request",
        TERN_EVENT_LISTENING => c"listening",
        TERN_EVENT_LISTEN_FAILED => c"listen_failed",
        TERN_EVENT_CLOSED => c"closed",
        TERN_EVENT_DROPPED => c"dropped",
        TERN_EVENT_STATE => c"state",
        TERN_EVENT_ADDED => c"added",
        TERN_EVENT_REMOVED => c"removed",
        TERN_EVENT_CHECKED => c"checked",
        TERN_EVENT_FINISHED => c"finished",
        TERN_EVENT_FILE_COMPLETED => c"file_completed",
        TERN_EVENT_MOVED => c"moved",
        TERN_EVENT_RENAMED => c"renamed",
        TERN_EVENT_EXTERNAL_ADDR => c"external_addr",
        TERN_EVENT_METADATA => c"metadata",
        TERN_EVENT_METADATA_FAILED => c"metadata_failed",
        TERN_EVENT_SOURCE_FAILED => c"source_failed",
        TERN_EVENT_PIECE_PASSED => c"piece_passed",
        TERN_EVENT_PIECE_FAILED => c"piece_failed",
        TERN_EVENT_PEER_CONNECTED => c"peer_connected",
        TERN_EVENT_PEER_DISCONNECTED => c"peer_disconnected",
        TERN_EVENT_PEER_BANNED => c"peer_banned",
        TERN_EVENT_TRACKER_ANNOUNCE => c"tracker_announce",
        TERN_EVENT_TRACKER_REPLY => c"tracker_reply",
        TERN_EVENT_TRACKER_FAILED => c"tracker_failed",
        TERN_EVENT_TRACKER_SCRAPED => c"tracker_scraped",
        TERN_EVENT_STORAGE_FAILED => c"storage_failed",
        TERN_EVENT_VERIFIER_FAILED => c"verifier_failed",
        TERN_EVENT_RESUME_REJECTED => c"resume_rejected",
        TERN_EVENT_SAVE_FAILED => c"save_failed",
        TERN_EVENT_FATAL => c"fatal",
        TERN_EVENT_STORE_DAMAGED => c"store_damaged",
        TERN_EVENT_RESTORE_FAILED => c"restore_failed",
        TERN_EVENT_STORAGE_MISSING => c"storage_missing",
        TERN_EVENT_JOURNAL_FAILED => c"journal_failed",
        TERN_EVENT_SAVED => c"saved",
        TERN_EVENT_SAVE_DONE => c"save_done",
        TERN_EVENT_MESSAGE_IN => c"message_in",
        TERN_EVENT_MESSAGE_OUT => c"message_out",
        TERN_EVENT_RECEIVED => c"received",
        TERN_EVENT_SENT => c"sent",
        TERN_EVENT_FILE_READ => c"file_read",
        TERN_EVENT_FILE_WRITTEN => c"file_written",
        TERN_EVENT_TRACKER_TRAFFIC => c"tracker_traffic",
        TERN_EVENT_LOG => c"log",
        TERN_EVENT_LSD_FAILED => c"lsd_failed",
        TERN_EVENT_UDP_FAILED => c"udp_failed",
        kind => dht_event_name(kind),
    }
}

fn dht_event_name(kind: i32) -> &'static CStr {
    match kind {
        TERN_EVENT_DHT_PEERS => c"dht_peers",
        TERN_EVENT_DHT_PEERS_DONE => c"dht_peers_done",
        TERN_EVENT_DHT_SCRAPED => c"dht_scraped",
        TERN_EVENT_DHT_ITEM => c"dht_item",
        TERN_EVENT_DHT_ITEM_DONE => c"dht_item_done",
        TERN_EVENT_DHT_PUT_DONE => c"dht_put_done",
        TERN_EVENT_DHT_PONG => c"dht_pong",
        TERN_EVENT_DHT_NODES => c"dht_nodes",
        TERN_EVENT_DHT_SAMPLES => c"dht_samples",
        TERN_EVENT_DHT_FAILED => c"dht_failed",
        TERN_EVENT_DHT_QUERY => c"dht_query",
        TERN_EVENT_DHT_BOOTSTRAPPED => c"dht_bootstrapped",
        TERN_EVENT_DHT_EXTERNAL => c"dht_external",
        TERN_EVENT_DHT_UNRESOLVED => c"dht_unresolved",
        TERN_EVENT_DHT_UPDATE => c"dht_update",
        TERN_EVENT_DHT_PUBLISHED => c"dht_published",
        _ => c"unknown",
    }
}

/// The result that a failure of the DHT is.
pub(super) fn dht_failure(failure: DhtFailure) -> tern_result {
    match failure {
        DhtFailure::NoEndpoint => TERN_E_STATE,
        DhtFailure::Busy => TERN_E_BUSY,
        DhtFailure::NoAnswer => TERN_E_TIMEOUT,
        DhtFailure::Refused(_) => TERN_E_REFUSED,
        _ => TERN_E_INVALID,
    }
}

fn state_name(state: i32) -> &'static CStr {
    match state {
        TERN_STATE_STARTING => c"starting",
        TERN_STATE_CHECKING => c"checking",
        TERN_STATE_DOWNLOADING => c"downloading",
        TERN_STATE_FINISHED => c"finished",
        TERN_STATE_SEEDING => c"seeding",
        TERN_STATE_PAUSED => c"paused",
        TERN_STATE_FAILED => c"failed",
        TERN_STATE_CLOSED => c"closed",
        TERN_STATE_METADATA => c"metadata",
        _ => c"unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_agree_with_the_package() {
        let parts = [TERN_VERSION_MAJOR, TERN_VERSION_MINOR, TERN_VERSION_PATCH];
        let text = parts.map(|p| p.to_string()).join(".");
        assert_eq!((text.as_str(), VERSION.to_str()), (crate::api::VERSION, Ok(text.as_str())));
        assert_eq!(parts[0] << 16 | parts[1] << 8 | parts[2], TERN_VERSION_NUM);
    }

    #[test]
    fn every_error_kind_has_its_constant_and_text() {
        for kind in ErrorKind::ALL {
            assert_ne!(result_name(kind.code()), c"TERN_E_UNKNOWN", "{kind:?}");
            assert_eq!(result_text(kind.code()).to_str(), Ok(kind.text()));
        }
    }

    #[test]
    fn a_newer_or_foreign_header_is_refused() {
        let (event, status) = (size_of::<tern_event>(), size_of::<tern_status>());
        assert!(check_abi(TERN_VERSION_NUM, event, status).is_ok());
        assert!(check_abi(TERN_VERSION_NUM + 1, event, status).is_err());
        assert!(check_abi(TERN_VERSION_NUM - 0x100, event, status).is_err());
        assert!(check_abi(TERN_VERSION_NUM, event + 8, status).is_err());
    }
}

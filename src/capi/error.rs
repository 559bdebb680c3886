//! Error objects: the long form of a `tern_result`.

use core::ffi::c_char;

use super::convert::{Terminated, view};
use super::guard::{self, entry};
use super::object::{self, Opaque, get};
use super::types::*;
use crate::api::Error;

/// An error and its C forms.
pub(super) struct CError {
    error: Error,
    message: Terminated,
    path: Terminated,
}

impl Opaque for tern_error {
    type Inner = CError;
    const MAGIC: u32 = 0x7465_4501;
}

/// Gives an error to the host, when it wants it.
pub(super) fn put_error(err: *mut *mut tern_error, error: Error) {
    if err.is_null() {
        return;
    }
    let message = error.message().replace('\0', " ");
    let path = error.path().map_or(&[][..], |p| p.as_os_str().as_encoded_bytes());
    let (message, path) = (Terminated::new(message.into_bytes()), Terminated::new(path));
    let object = object::unique::<tern_error>(CError { error, message, path });
    // SAFETY: not NULL, and the host promises a place for a pointer.
    unsafe { err.write(object) };
}

/// The result the call returned. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_code(error: *const tern_error) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_code"), 0, || unsafe { Ok(get(error)?.error.code()) })
}

/// A finer number below the code, 0 when there is none: a `TERN_DETAIL_*` about bytes that were
/// handed in, or (from 1000) the `TERN_OPT_*` concerned. New ones may appear at any time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_detail(error: *const tern_error) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_detail"), 0, || unsafe { Ok(get(error)?.error.detail()) })
}

/// The system's error number, 0 when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_errno(error: *const tern_error) -> i32 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_errno"), 0, || unsafe { Ok(get(error)?.error.os_errno()) })
}

/// One line for people, NUL-terminated UTF-8. Lives as long as the error. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_message(error: *const tern_error) -> *const c_char {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_message"), c"".as_ptr(), || unsafe {
        Ok(get(error)?.message.view().ptr.cast())
    })
}

/// The file concerned, empty when there is none. Bytes of a path. Lives as long as the error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_path(error: *const tern_error) -> tern_bytes {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_path"), view(&[]), || unsafe { Ok(get(error)?.path.view()) })
}

/// The torrent's number, 0 when none is concerned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_torrent(error: *const tern_error) -> u64 {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_torrent"), 0, || unsafe {
        Ok(get(error)?.error.torrent().map_or(0, |t| t.0))
    })
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_error_free(error: *mut tern_error) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_error_free"), (), || unsafe { object::free(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{Config, Detail, ErrorKind, Metainfo};
    use crate::capi::consts::*;

    fn detail_of(error: Error) -> i32 {
        let mut err = std::ptr::null_mut();
        put_error(&raw mut err, error);
        // SAFETY: set by the call above and freed once.
        unsafe {
            let detail = tern_error_detail(err);
            tern_error_free(err);
            detail
        }
    }

    #[test]
    fn details_are_the_constants() {
        let pairs = [
            (Detail::Bencode, TERN_DETAIL_BENCODE),
            (Detail::Missing, TERN_DETAIL_MISSING),
            (Detail::Invalid, TERN_DETAIL_INVALID),
            (Detail::PieceCount, TERN_DETAIL_PIECE_COUNT),
            (Detail::TooLarge, TERN_DETAIL_TOO_LARGE),
            (Detail::V2Only, TERN_DETAIL_V2_ONLY),
            (Detail::Format, TERN_DETAIL_FORMAT),
            (Detail::OtherTorrent, TERN_DETAIL_OTHER_TORRENT),
            (Detail::Checksum, TERN_DETAIL_CHECKSUM),
            (Detail::Newer, TERN_DETAIL_NEWER),
        ];
        for (detail, number) in pairs {
            let error = Error::from(ErrorKind::Metainfo).because(detail);
            assert_eq!(detail_of(error), number);
        }
    }

    #[test]
    fn a_refused_torrent_says_what_was_wrong() {
        let refused = |raw: &[u8]| detail_of(Metainfo::parse(raw).unwrap_err());
        assert_eq!(refused(b"no"), TERN_DETAIL_BENCODE);
        assert_eq!(refused(b"de"), TERN_DETAIL_MISSING);
    }

    #[test]
    fn a_refused_option_says_which() {
        let error = Config::new().set_text("net_threads", "-1").unwrap_err();
        assert_eq!(detail_of(error), 1001);
    }
}

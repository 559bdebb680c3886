//! What to add: a builder.

use core::ffi::c_char;
use std::time::Duration;

use super::consts::*;
use super::convert::{address as to_address, bytes as data, path as to_path, text};
use super::guard::{self, entry};
use super::object::{self, Opaque, get, get_mut};
use super::types::*;
use crate::api::{
    AddTorrent, Error, ErrorKind, FileIndex, InfoHash, LoadPolicy, Metainfo, SaveConditions,
    SavePolicy,
};

impl Opaque for tern_add {
    type Inner = AddTorrent;
    const MAGIC: u32 = 0x7465_4105;
}

/// A limit as C gives it: 0 is unlimited.
pub(super) fn limit(bytes: u64) -> Option<u64> {
    (bytes > 0).then_some(bytes)
}

/// A priority as C gives it; whether there is such a one is checked further on.
pub(super) fn small(priority: u32) -> Result<u8, Error> {
    u8::try_from(priority).map_err(|_| ErrorKind::Range.into())
}

/// A save policy as C gives it.
pub(super) fn policy(flags: u32, interval_ms: i64) -> Result<SavePolicy, Error> {
    let interval = u64::try_from(interval_ms).map_err(|_| Error::from(ErrorKind::Range))?;
    let conditions = SaveConditions(flags & TERN_SAVE_IF_ANY);
    let unset = conditions == SaveConditions::NONE;
    Ok(SavePolicy {
        conditions: if unset { SaveConditions::USUAL } else { conditions },
        on_piece: flags & TERN_SAVE_ON_PIECE != 0,
        interval: (interval > 0).then(|| Duration::from_millis(interval)),
        on_state_change: flags & TERN_SAVE_ON_STATE != 0,
        at_close: flags & TERN_SAVE_AT_CLOSE != 0,
        with_info: flags & TERN_SAVE_WITH_INFO != 0,
    })
}

/// An empty builder. It needs metainfo (or resume data that embeds it) and a save path.
///
/// Ownership: `tern_add_free`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_new() -> *mut tern_add {
    guard::value(entry!("tern_add_new"), std::ptr::null_mut(), || {
        Ok(object::unique(AddTorrent::default()))
    })
}

/// Frees a builder and the hooks still in it. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_free(add: *mut tern_add) {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::value(entry!("tern_add_free"), (), || unsafe { object::free(add) })
}

/// The torrent, as the bytes of a `.torrent` file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo(
    add: *mut tern_add,
    bytes: *const u8,
    bytes_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_metainfo"), err, || unsafe {
        let torrent = Metainfo::parse(data(bytes, bytes_len)?)?;
        get_mut(add)?.set_metainfo(&torrent);
        Ok(())
    })
}

/// The torrent, read from a `.torrent` file now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo_file(
    add: *mut tern_add,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_metainfo_file"), err, || unsafe {
        let torrent = Metainfo::load(to_path(path, path_len)?)?;
        get_mut(add)?.set_metainfo(&torrent);
        Ok(())
    })
}

/// The torrent, as parsed metainfo. It is copied (cheaply).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_metainfo_object(
    add: *mut tern_add,
    m: *const tern_metainfo,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_metainfo_object"), err, || unsafe {
        get_mut(add)?.set_metainfo(&get(m)?.torrent);
        Ok(())
    })
}

/// The torrent, as a magnet link (BEP 9): its metadata comes from peers, or from where the link
/// says, and `TERN_EVENT_METADATA` tells. The link's trackers, peers (`x.pe`), sources (`xs`,
/// `as`), web seeds, name and selection of files (BEP 53) are taken over. `TERN_E_MAGNET`,
/// `TERN_E_UNSUPPORTED` when it names no torrent of version 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_magnet(
    add: *mut tern_add,
    link: *const c_char,
    link_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_magnet"), err, || unsafe {
        let link = text(link, link_len)?;
        get_mut(add)?.set_magnet(link)?;
        Ok(())
    })
}

/// The torrent, by its info-hash alone (20 bytes).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_info_hash(
    add: *mut tern_add,
    info_hash: *const u8,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_info_hash"), err, || unsafe {
        let hash = <[u8; 20]>::try_from(data(info_hash, 20)?).map_err(|_| ErrorKind::Invalid)?;
        get_mut(add)?.set_info_hash(InfoHash(hash));
        Ok(())
    })
}

/// Whether `tern_session_add` adds the trackers, peers, sources and metadata given here to a
/// torrent that the session has already and gives that one back, instead of `TERN_E_DUPLICATE`. All
/// else said here changes nothing then. To a private torrent (BEP 27) only peers are added.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_merge(
    add: *mut tern_add,
    merge: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_merge"), err, || unsafe {
        get_mut(add)?.set_merge(merge != 0);
        Ok(())
    })
}

/// The directory the content is (or will be) in. A path in the system's bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_save_path(
    add: *mut tern_add,
    path: *const c_char,
    path_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_save_path"), err, || unsafe {
        let path = to_path(path, path_len)?;
        get_mut(add)?.set_save_path(path);
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_resume"), err, || unsafe {
        let blob = data(bytes, bytes_len)?;
        get_mut(add)?.set_resume(blob)?;
        Ok(())
    })
}

/// Whether to start stopped. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_paused(
    add: *mut tern_add,
    paused: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_paused"), err, || unsafe {
        get_mut(add)?.set_paused(paused != 0);
        Ok(())
    })
}

/// Whether to fetch in order. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_sequential(
    add: *mut tern_add,
    sequential: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_sequential"), err, || unsafe {
        get_mut(add)?.set_sequential(sequential != 0);
        Ok(())
    })
}

/// Whether to reserve space for files. Overrides the session's option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_preallocate(
    add: *mut tern_add,
    preallocate: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_preallocate"), err, || unsafe {
        get_mut(add)?.set_preallocate(preallocate != 0);
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_file_priority"), err, || unsafe {
        get_mut(add)?.set_file_priority(FileIndex(file), small(priority)?)?;
        Ok(())
    })
}

/// Priorities of the first `priorities_len` files.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_file_priorities(
    add: *mut tern_add,
    priorities: *const u8,
    priorities_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_file_priorities"), err, || unsafe {
        let list = data(priorities, priorities_len)?;
        get_mut(add)?.set_file_priorities(list)?;
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_rename_file"), err, || unsafe {
        let path = text(path, path_len)?;
        get_mut(add)?.rename_file(FileIndex(file), path);
        Ok(())
    })
}

/// Forgets the metainfo's trackers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_clear_trackers(
    add: *mut tern_add,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_clear_trackers"), err, || unsafe {
        get_mut(add)?.clear_trackers();
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_add_tracker"), err, || unsafe {
        let url = text(url, url_len)?;
        get_mut(add)?.add_tracker(tier, url);
        Ok(())
    })
}

/// An address to connect to, `192.0.2.1:6881` or `[2001:db8::1]:6881`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_add_peer(
    add: *mut tern_add,
    address: *const c_char,
    address_len: usize,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_add_peer"), err, || unsafe {
        let addr = to_address(text(address, address_len)?)?;
        get_mut(add)?.add_peer(addr);
        Ok(())
    })
}

/// Bytes per second, 0 unlimited. Overrides the resume data.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_limits(
    add: *mut tern_add,
    download: u64,
    upload: u64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_limits"), err, || unsafe {
        get_mut(add)?.set_limits(limit(download), limit(upload));
        Ok(())
    })
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
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_save_policy"), err, || unsafe {
        let policy = policy(flags, interval_ms)?;
        get_mut(add)?.set_save_policy(policy);
        Ok(())
    })
}

/// Whether content whose files are all there in full length is taken for good (1): each piece is
/// hashed when a peer first asks for it, before a byte of it goes out. One that does not match ends
/// this, and what was not verified by then is checked. Resume data that says so has the same
/// effect.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_seed_mode(
    add: *mut tern_add,
    seed_mode: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_seed_mode"), err, || unsafe {
        get_mut(add)?.set_seed_mode(seed_mode != 0);
        Ok(())
    })
}

/// What to trust when files differ from the resume data: `TERN_LOAD_*`. Overrides the session's
/// option.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_load_policy(
    add: *mut tern_add,
    policy: i32,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_load_policy"), err, || unsafe {
        let policy = match policy {
            TERN_LOAD_PER_FILE => LoadPolicy::PerFile,
            TERN_LOAD_STRICT => LoadPolicy::Strict,
            TERN_LOAD_TRUST => LoadPolicy::Trust,
            _ => return Err(ErrorKind::Range.into()),
        };
        get_mut(add)?.set_load_policy(policy);
        Ok(())
    })
}

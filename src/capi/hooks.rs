//! The two hooks (verify, save) and the answers to their requests.

use core::ffi::c_void;
use std::time::Duration;

use super::consts::*;
use super::convert::{put, view};
use super::event::{CEvent, Handles};
use super::guard::{self, entry};
use super::object::{get, get_mut};
use super::session::writable;
use super::types::*;
use crate::api::{Error, ErrorKind, Hook, Verdict};

/// A host's pointer and what is to be called when it is not used any more.
pub(super) struct User {
    pub(super) user: *mut c_void,
    pub(super) destroy: tern_destroy_fn,
}

// SAFETY: the host promises that its pointer may be used on the hook thread (the header says so);
// the library itself never looks behind it.
unsafe impl Send for User {}
// SAFETY: as above.
unsafe impl Sync for User {}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: called once, with the pointer it was registered with.
            guard::in_hook(|| unsafe { destroy(self.user) });
        }
    }
}

/// The parameters of a registration.
pub(super) struct Registration {
    pub(super) mode: i32,
    pub(super) flags: u32,
    pub(super) hook: tern_hook_fn,
    pub(super) user: User,
}

impl Registration {
    /// The hook it makes, `None` to remove the one that is set. Whatever comes out, `user` is
    /// destroyed once.
    pub(super) fn hook(self) -> Result<Option<Hook>, Error> {
        let invalid = |text| Err(Error::new(ErrorKind::Invalid, text));
        if self.flags & !TERN_VERIFY_OVERRIDE != 0 {
            return invalid("no such flags");
        }
        let overrides = self.flags & TERN_VERIFY_OVERRIDE != 0;
        let hook = match (self.mode, self.hook) {
            (TERN_HOOK_NONE, _) => Ok(None),
            (TERN_HOOK_INLINE, Some(call)) => Ok(Some(inline(call, self.user))),
            (TERN_HOOK_INLINE, None) => invalid("an inline hook needs a function"),
            (TERN_HOOK_QUEUED, None) => Ok(Some(Hook::queued_with(self.user))),
            (TERN_HOOK_QUEUED, Some(_)) => invalid("a queued hook has no function"),
            _ => invalid("no such hook mode"),
        };
        hook.map(|hook| hook.map(|hook| hook.overriding(overrides)))
    }
}

type Call = unsafe extern "C" fn(*mut c_void, *const tern_event, *mut i64) -> i32;

fn inline(call: Call, user: User) -> Hook {
    Hook::inline(move |event| {
        let user = &user;
        let mut handles = Handles::new();
        let event = CEvent::new(event.clone(), &mut handles);
        let mut detail = 0;
        // SAFETY: the function and pointer the host registered together; the event and what it
        // points to live until the call returns.
        let answer = guard::in_hook(|| unsafe { call(user.user, event.raw(), &raw mut detail) });
        if answer == TERN_VERDICT_PENDING {
            return None;
        }
        Some(to_verdict(answer, detail).unwrap_or(Verdict::Fail(-1)))
    })
}

/// A verdict as C gives it.
fn to_verdict(verdict: i32, detail: i64) -> Option<Verdict> {
    Some(match verdict {
        TERN_VERDICT_ACCEPT => Verdict::Accept,
        TERN_VERDICT_REJECT => Verdict::Reject,
        TERN_VERDICT_DEFER => {
            Verdict::Defer(Duration::from_millis(u64::try_from(detail).unwrap_or_default()))
        }
        TERN_VERDICT_PASS => Verdict::Pass,
        TERN_VERDICT_FAIL => Verdict::Fail(i32::try_from(detail).unwrap_or(-1)),
        _ => return None,
    })
}

/// Sets the verifier of all torrents that have none of their own. It is asked about every piece
/// after the engine's own hash; until ACCEPT the piece does not count as had. `mode` is
/// `TERN_HOOK_*`; `flags` is 0 or `TERN_VERIFY_OVERRIDE`. `destroy` may be NULL; it runs exactly
/// once, also when this call fails.
///
/// Torrents added before follow it too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_set_verify_hook(
    s: *const tern_session,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_set_verify_hook"), err, || unsafe {
        let hook = registration.hook();
        get(s)?.set_verify_hook(hook?)?;
        Ok(())
    })
}

/// Sets the saver of all torrents that have none of their own. It gets resume data to keep; ACCEPT
/// says that it is durable. Without a hook the built-in store keeps it in the state directory, when
/// there is one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_session_set_save_hook(
    s: *const tern_session,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_session_set_save_hook"), err, || unsafe {
        let hook = registration.hook();
        get(s)?.set_save_hook(hook?)?;
        Ok(())
    })
}

/// Sets the verifier of one torrent; `TERN_HOOK_NONE` goes back to the session's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_verify_hook(
    t: *const tern_torrent,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_verify_hook"), err, || unsafe {
        let hook = registration.hook();
        get(t)?.set_verify_hook(hook?)?;
        Ok(())
    })
}

/// Sets the saver of one torrent; `TERN_HOOK_NONE` goes back to the session's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_torrent_set_save_hook(
    t: *const tern_torrent,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_torrent_set_save_hook"), err, || unsafe {
        let hook = registration.hook();
        get(t)?.set_save_hook(hook?)?;
        Ok(())
    })
}

/// Sets the verifier the torrent starts with. It moves to the torrent in `tern_session_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_verify_hook(
    add: *mut tern_add,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_verify_hook"), err, || unsafe {
        let hook = registration.hook();
        get_mut(add)?.set_verify_hook(hook?);
        Ok(())
    })
}

/// Sets the saver the torrent starts with. It moves to the torrent in `tern_session_add`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_add_set_save_hook(
    add: *mut tern_add,
    mode: i32,
    flags: u32,
    hook: tern_hook_fn,
    user: *mut c_void,
    destroy: tern_destroy_fn,
    err: *mut *mut tern_error,
) -> tern_result {
    let registration = Registration { mode, flags, hook, user: User { user, destroy } };
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_add_set_save_hook"), err, || unsafe {
        let hook = registration.hook();
        get_mut(add)?.set_save_hook(hook?);
        Ok(())
    })
}

/// Answers a request with a `TERN_VERDICT_*`. From any thread, in any order, exactly once: then
/// `TERN_E_GONE`, as for requests of a torrent that was removed. Does not block. `detail`:
/// milliseconds for DEFER, any code for FAIL, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_request_complete(
    s: *const tern_session,
    token: u64,
    verdict: i32,
    detail: i64,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_request_complete"), err, || unsafe {
        let session = get(s)?;
        let verdict = to_verdict(verdict, detail)
            .ok_or_else(|| Error::new(ErrorKind::Invalid, "no such verdict"))?;
        session.complete(token, verdict)?;
        Ok(())
    })
}

/// The bytes a request is about: of the piece (read from the cache or the disk, which may block for
/// a moment), or the resume data. Borrowed: they live until the request is answered, or, for a
/// request that is withdrawn because its torrent goes, until the session is released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tern_request_data(
    s: *const tern_session,
    token: u64,
    out: *mut tern_bytes,
    err: *mut *mut tern_error,
) -> tern_result {
    // SAFETY: the host keeps the header's promises about pointers.
    guard::call(entry!("tern_request_data"), err, || unsafe {
        writable(out)?;
        let data = get(s)?.request_data(token)?;
        put(out, view(&data))?;
        Ok(())
    })
}

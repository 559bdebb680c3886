//! What every exported function runs in: no panic gets out, forbidden calls are refused, errors
//! become numbers and objects.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use once_cell::sync::OnceCell;

use super::error::put_error;
use super::table::{Entry, Reentry};
use super::types::{tern_error, tern_result};
use crate::api::{Error, ErrorKind};

thread_local! {
    /// Calls of the library this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Whether this thread runs a host's INLINE hook.
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// The quiet panic hook is installed once.
static QUIET: OnceCell<()> = OnceCell::new();

/// Keeps the library's own panics, which are caught, from being printed to the host's stderr.
/// Panics on other threads outside calls of the library are reported as before.
fn quiet() {
    QUIET.get_or_init(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let ours = std::thread::current().name().is_some_and(|n| n.starts_with("tern-"));
            if !ours && DEPTH.with(Cell::get) == 0 {
                before(info);
            }
        }));
    });
}

/// Counts the calls this thread is in.
struct Call;

impl Call {
    fn begin() -> Self {
        quiet();
        DEPTH.with(|d| d.set(d.get().saturating_add(1)));
        Self
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        DEPTH.with(|d| d.set(d.get().saturating_sub(1)));
    }
}

/// Marks this thread as running a host's INLINE hook while `f` runs.
pub(super) fn in_hook<T>(f: impl FnOnce() -> T) -> T {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IN_HOOK.with(|h| h.set(self.0));
        }
    }
    let _back = Back(IN_HOOK.with(|h| h.replace(true)));
    f()
}

fn run<T>(entry: &Entry, body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let _call = Call::begin();
    if entry.reentry == Reentry::NotInHook && IN_HOOK.with(Cell::get) {
        let text = format!("{} is not allowed inside an inline hook", entry.name);
        return Err(Error::new(ErrorKind::Reentrant, text));
    }
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let text = text.unwrap_or_else(|| "a panic without a message".into());
        Err(Error::new(ErrorKind::Panic, format!("{}: {text}", entry.name)))
    })
}

/// Runs the body of a function that returns a result.
pub(super) fn call(
    entry: &'static Entry,
    err: *mut *mut tern_error,
    body: impl FnOnce() -> Result<(), Error>,
) -> tern_result {
    number(entry, err, || body().map(|()| 0))
}

/// Runs the body of a function that returns a number that is not negative, or a result.
pub(super) fn number(
    entry: &'static Entry,
    err: *mut *mut tern_error,
    body: impl FnOnce() -> Result<i32, Error>,
) -> i32 {
    match run(entry, body) {
        Ok(number) => number,
        Err(error) => {
            let code = error.code();
            put_error(err, error);
            code
        }
    }
}

/// Runs the body of a function that cannot say why it failed.
pub(super) fn value<T>(
    entry: &'static Entry,
    otherwise: T,
    body: impl FnOnce() -> Result<T, Error>,
) -> T {
    run(entry, body).unwrap_or(otherwise)
}

/// The row of the lifecycle table for an exported function; a name that is not there does not
/// compile.
macro_rules! entry {
    ($name:literal) => {
        const { crate::capi::table::find($name) }
    };
}
pub(super) use entry;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_result_and_a_message() {
        let mut err = std::ptr::null_mut();
        let code = call(entry!("tern_session_pause"), &raw mut err, || panic!("deliberate"));
        assert_eq!(code, ErrorKind::Panic.code());
        // SAFETY: `err` was set by the call and is freed once.
        unsafe {
            let text = std::ffi::CStr::from_ptr(super::super::error::tern_error_message(err));
            assert_eq!(text.to_str(), Ok("tern_session_pause: deliberate"));
            super::super::error::tern_error_free(err);
        }
    }

    #[test]
    fn forbidden_calls_are_refused_inside_a_hook_and_only_there() {
        let wait = || number(entry!("tern_session_wait"), std::ptr::null_mut(), || Ok(1));
        assert_eq!(in_hook(wait), ErrorKind::Reentrant.code());
        assert_eq!(wait(), 1);
        let pause = || call(entry!("tern_session_pause"), std::ptr::null_mut(), || Ok(()));
        assert_eq!(in_hook(pause), 0);
    }
}

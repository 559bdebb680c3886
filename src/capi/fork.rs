//! Fork: no session survives it. The child's handler only counts; every call compares.
//!
//! A child has none of the threads but all of their locks, in whatever state. So in the child
//! nothing of a session may run, not even its destructor: releasing leaks on purpose.

use std::sync::atomic::{AtomicU32, Ordering};

use once_cell::sync::OnceCell;

/// How many forks lie between this process and the first one that made a session.
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// The handler is registered once per process; a child inherits it.
static REGISTERED: OnceCell<()> = OnceCell::new();

#[cfg(unix)]
extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Starts counting forks. Called before the first session is made.
pub(super) fn watch() {
    REGISTERED.get_or_init(|| {
        #[cfg(unix)]
        // SAFETY: the handler is a plain function of this library, which is never unloaded (the
        // shared object is linked with `nodelete`), and does nothing but an atomic addition.
        unsafe {
            let _ = libc::pthread_atfork(None, None, Some(in_child));
        }
    });
}

/// The present generation.
pub(super) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

//! Keeping signals away from our threads: they belong to the host.
//!
//! A vectored write to a dead TCP peer raises SIGPIPE, which kills a host that left it alone (every
//! C program by default). The signal goes to the writing thread, so a thread that blocks it gets
//! `EPIPE` instead, and the host's disposition is not touched.

/// All signals are blocked in the calling thread while this lives; then its mask is what it was.
///
/// A thread inherits the mask of the one that starts it: start ours while this lives and there is
/// no moment at which a signal of the host could be delivered to them.
#[must_use]
#[derive(Debug)]
pub struct Blocked {
    #[cfg(unix)]
    old: libc::sigset_t,
    /// The mask is the thread's: not to be restored elsewhere.
    _not_send: core::marker::PhantomData<*const ()>,
}

impl Blocked {
    /// Blocks all signals in the calling thread.
    pub fn new() -> Self {
        #[cfg(unix)]
        // SAFETY: `sigfillset` initialises `all` before it is read; `pthread_sigmask` changes only
        // the calling thread's mask and initialises `old`. Both fail only for invalid arguments,
        // which these are not; `old` is zeroed first all the same, and zero is a valid (empty) set.
        let old = unsafe {
            let mut all = core::mem::zeroed::<libc::sigset_t>();
            let mut old = core::mem::zeroed::<libc::sigset_t>();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut old);
            old
        };
        Self {
            #[cfg(unix)]
            old,
            _not_send: core::marker::PhantomData,
        }
    }
}

impl Default for Blocked {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        #[cfg(unix)]
        // SAFETY: `old` was filled by `new` on this thread (the type is not `Send`); a null pointer
        // for the previous mask is allowed.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.old, core::ptr::null_mut());
        }
    }
}

//! A flag that a descriptor shows: readable while raised. What a host puts into its event loop.
//!
//! eventfd on Linux, a pipe elsewhere. Level-triggered, because edges get lost: a reader that comes
//! late still sees the flag. Deliberately absent: what the flag means, and who may lower it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// A raised or lowered flag with a descriptor to poll. Close-on-exec, non-blocking.
#[derive(Debug)]
pub struct Flag {
    read: OwnedFd,
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    write: OwnedFd,
}

impl Flag {
    /// A lowered flag. Fails when the process has no descriptors left.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn new() -> io::Result<Self> {
        // SAFETY: eventfd takes no pointers; the result is checked before it is used.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just opened and belongs to nobody else.
        Ok(Self { read: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    /// A lowered flag. Fails when the process has no descriptors left.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn new() -> io::Result<Self> {
        let (read, write) = io::pipe()?;
        let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
        for fd in [read.as_raw_fd(), write.as_raw_fd()] {
            // SAFETY: fcntl on a descriptor we own, with an integer argument.
            if unsafe { libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(Self { read, write })
    }

    /// The descriptor to poll for reading.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.read.as_raw_fd()
    }

    fn write_fd(&self) -> RawFd {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return self.read.as_raw_fd();
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        return self.write.as_raw_fd();
    }

    /// Raises it. Async-signal-safe. A write that would block means that it is raised already.
    pub fn raise(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the buffer is eight readable bytes; an error has no meaning but "raised already".
        let _ = unsafe { libc::write(self.write_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Lowers it.
    pub fn lower(&self) {
        let mut sink = [0_u8; 64];
        loop {
            // SAFETY: the buffer is 64 writable bytes. An eventfd takes eight and resets itself.
            let n = unsafe { libc::read(self.read.as_raw_fd(), sink.as_mut_ptr().cast(), 64) };
            if n < 64 {
                return;
            }
        }
    }
}

/// Why [`wait`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// At least one flag is raised; one bit per flag, the first is 1.
    Raised(u32),
    /// Time is up.
    TimedOut,
    /// A signal handler of the host ran.
    Interrupted,
}

/// Waits until one of the flags is raised; `None` for ever.
pub fn wait(flags: &[&Flag], timeout: Option<Duration>) -> io::Result<Woken> {
    let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
    let mut polled: Vec<libc::pollfd> = flags
        .iter()
        .map(|flag| libc::pollfd { fd: flag.fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    loop {
        let rest = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        // Rounded up: a wait of less than a millisecond must not spin.
        let millis = rest.map_or(-1, |r| {
            i32::try_from(r.as_millis() + u128::from(r.subsec_nanos() % 1_000_000 != 0))
                .unwrap_or(i32::MAX)
        });
        let len = libc::nfds_t::try_from(polled.len()).unwrap_or_default();
        // SAFETY: `polled` is a valid array of `len` entries for the length of the call.
        let n = unsafe { libc::poll(polled.as_mut_ptr(), len, millis) };
        if n < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                return Ok(Woken::Interrupted);
            }
            return Err(error);
        }
        if n > 0 {
            let bits = polled.iter().enumerate().filter(|(_, p)| p.revents != 0);
            return Ok(Woken::Raised(bits.fold(0, |acc, (i, _)| acc | 1 << i)));
        }
        if deadline.is_some_and(|d| Instant::now() >= d) {
            return Ok(Woken::TimedOut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn a_flag_stays_raised_until_it_is_lowered() {
        let flag = Flag::new().unwrap();
        assert_eq!(wait(&[&flag], NOW).unwrap(), Woken::TimedOut);
        flag.raise();
        flag.raise();
        assert_eq!(wait(&[&flag], None).unwrap(), Woken::Raised(1));
        assert_eq!(wait(&[&flag], None).unwrap(), Woken::Raised(1));
        flag.lower();
        assert_eq!(wait(&[&flag], NOW).unwrap(), Woken::TimedOut);
    }

    #[test]
    fn the_right_flag_is_named() {
        let (a, b) = (Flag::new().unwrap(), Flag::new().unwrap());
        b.raise();
        assert_eq!(wait(&[&a, &b], None).unwrap(), Woken::Raised(2));
        a.raise();
        assert_eq!(wait(&[&a, &b], None).unwrap(), Woken::Raised(3));
    }

    #[test]
    fn another_thread_ends_a_wait() {
        let flag = std::sync::Arc::new(Flag::new().unwrap());
        let other = std::sync::Arc::clone(&flag);
        let thread = std::thread::spawn(move || other.raise());
        assert_eq!(wait(&[&flag], None).unwrap(), Woken::Raised(1));
        thread.join().unwrap();
    }
}

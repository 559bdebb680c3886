//! The system calls std has no safe face for: vectored positional I/O, `openat` walks that never
//! follow a symbolic link, allocation, signal masks.
//!
//! Every function retries `EINTR`. Deliberately absent: torrents, caching, policy.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Error};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libc::c_int;

use crate::base::FileStat;

/// Slices one `pwritev`/`preadv` may take (`IOV_MAX` is 1024 on every system we know).
pub(super) const IOV_MAX: usize = 1024;

/// Text as a C string; `EINVAL` for an inner NUL.
pub(super) fn cstr(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| Error::from_raw_os_error(libc::EINVAL))
}

/// Calls `call` until it does not fail with `EINTR`.
fn retry(mut call: impl FnMut() -> c_int) -> io::Result<c_int> {
    loop {
        let got = call();
        if got >= 0 {
            return Ok(got);
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Takes ownership of a descriptor a call just returned.
fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: `fd` is a fresh, valid descriptor returned by the kernel to this call; nobody else
    // has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Whether reading this range of the file would not wait for a disk: all its pages are in the page
/// cache and filled. False where the system cannot tell.
#[cfg(target_os = "linux")]
pub(super) fn resident(file: &File, offset: u64, len: u64) -> bool {
    /// The same number on every architecture this engine is built for (Linux 6.5).
    const SYS_CACHESTAT: libc::c_long = 451;
    #[repr(C)]
    struct Range {
        offset: u64,
        len: u64,
    }
    /// Pages of the range: cached, dirty, being written, evicted, recently evicted.
    #[repr(C)]
    #[derive(Default)]
    struct Counts([u64; 5]);

    // SAFETY: takes no pointer.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let page = u64::try_from(page).unwrap_or(4096).max(1);
    let Some(last) = offset.checked_add(len).and_then(|end| end.checked_sub(1)) else {
        return false;
    };
    let (range, mut counts) = (Range { offset, len }, Counts::default());
    let (wanted, found) = (&raw const range, &raw mut counts);
    // SAFETY: both pointers are to live structures of the layout the kernel documents; the call
    // reads the one and fills the other.
    let told = unsafe { libc::syscall(SYS_CACHESTAT, file.as_raw_fd(), wanted, found, 0) };
    if told == 0 {
        // A page that is being read counts as cached: the last one to arrive is looked at too.
        let pages = last / page - offset / page + 1;
        return counts.0[0] >= pages && readable_now(file, last) != Some(false);
    }
    // An older system, or somebody else's file, whose pages only a read may ask about.
    let mut at = offset;
    while at <= last {
        if readable_now(file, at) != Some(true) {
            return false;
        }
        at = (at / page + 1) * page;
    }
    true
}

/// Only Linux can tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn resident(_: &File, _: u64, _: u64) -> bool {
    false
}

/// Opens a directory given by the host; symbolic links in it are the host's business and followed.
pub(super) fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    let path = cstr(path.as_os_str().as_bytes())?;
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    retry(|| unsafe { libc::open(path.as_ptr(), flags) }).map(own)
}

/// Opens the directory `name` in `dir`; `ELOOP` or `ENOTDIR` when it is a symbolic link.
pub(super) fn open_subdir(dir: &OwnedFd, name: &CStr) -> io::Result<OwnedFd> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: `name` is NUL-terminated and outlives the call, `dir` is open.
    retry(|| unsafe { libc::openat(dir.as_raw_fd(), name.as_ptr(), flags) }).map(own)
}

/// Opens the regular file `name` in `dir` without following a link and without waiting on a FIFO.
pub(super) fn open_file(dir: &OwnedFd, name: &CStr, flags: c_int, mode: u32) -> io::Result<File> {
    let flags = flags | libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK;
    let open =
        // SAFETY: `name` is NUL-terminated and outlives the call, `dir` is open, and the mode is
        // passed as the unsigned int the variadic call reads.
        || unsafe { libc::openat(dir.as_raw_fd(), name.as_ptr(), flags, mode as libc::c_uint) };
    let file = File::from(retry(open).map(own)?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(Error::other("not a regular file")) }
}

/// Creates a directory.
pub(super) fn mkdir(dir: &OwnedFd, name: &CStr) -> io::Result<()> {
    // SAFETY: `name` is NUL-terminated and outlives the call, `dir` is open.
    retry(|| unsafe { libc::mkdirat(dir.as_raw_fd(), name.as_ptr(), 0o777) }).map(drop)
}

/// Removes a file, or an empty directory when `directory`.
pub(super) fn unlink(dir: &OwnedFd, name: &CStr, directory: bool) -> io::Result<()> {
    let flags = if directory { libc::AT_REMOVEDIR } else { 0 };
    // SAFETY: `name` is NUL-terminated and outlives the call, `dir` is open.
    retry(|| unsafe { libc::unlinkat(dir.as_raw_fd(), name.as_ptr(), flags) }).map(drop)
}

/// Creates a symbolic link.
pub(super) fn symlink(target: &CStr, dir: &OwnedFd, name: &CStr) -> io::Result<()> {
    // SAFETY: both strings are NUL-terminated and outlive the call, `dir` is open.
    retry(|| unsafe { libc::symlinkat(target.as_ptr(), dir.as_raw_fd(), name.as_ptr()) }).map(drop)
}

/// What `name` in `dir` is, links not followed: its `st_mode` format bits and state.
pub(super) fn stat(dir: &OwnedFd, name: &CStr) -> io::Result<(libc::mode_t, FileStat)> {
    stat_at(dir.as_raw_fd(), name)
}

/// What `path` is, as [`stat`]: the directories on the way may be links.
pub(super) fn stat_path(path: &CStr) -> io::Result<(libc::mode_t, FileStat)> {
    stat_at(libc::AT_FDCWD, path)
}

fn stat_at(dir: c_int, name: &CStr) -> io::Result<(libc::mode_t, FileStat)> {
    let mut out = std::mem::MaybeUninit::<libc::stat>::uninit();
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: `name` is NUL-terminated, `out` is valid for writing one `stat`; a `dir` that is not
    // open is an error of the call.
    retry(|| unsafe { libc::fstatat(dir, name.as_ptr(), out.as_mut_ptr(), flags) })?;
    // SAFETY: the call succeeded, so the kernel filled `out`.
    let stat = unsafe { out.assume_init() };
    let mtime_ns = i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    Ok((stat.st_mode & libc::S_IFMT, FileStat { size, mtime_ns }))
}

/// Renames without replacing: `EEXIST` when the destination exists.
pub(super) fn rename(
    (from_dir, from): (&OwnedFd, &CStr),
    (to_dir, to): (&OwnedFd, &CStr),
) -> io::Result<()> {
    if stat(to_dir, to).is_ok() {
        return Err(Error::from_raw_os_error(libc::EEXIST));
    }
    #[cfg(target_os = "linux")]
    {
        let call = || {
            // SAFETY: both names are NUL-terminated and outlive the call, both directories are
            // open.
            unsafe {
                libc::renameat2(
                    from_dir.as_raw_fd(),
                    from.as_ptr(),
                    to_dir.as_raw_fd(),
                    to.as_ptr(),
                    libc::RENAME_NOREPLACE,
                )
            }
        };
        match retry(call) {
            // A file system without the flag: the check above has to do.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => {}
            other => return other.map(drop),
        }
    }
    // SAFETY: both names are NUL-terminated and outlive the call, both directories are open.
    let call = || unsafe {
        libc::renameat(from_dir.as_raw_fd(), from.as_ptr(), to_dir.as_raw_fd(), to.as_ptr())
    };
    retry(call).map(drop)
}

/// Reserves the file's first `len` bytes. File systems that cannot are left with a sparse file.
pub(super) fn allocate(file: &File, len: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let len = libc::off_t::try_from(len).map_err(|_| Error::from_raw_os_error(libc::EFBIG))?;
        // SAFETY: plain integers and an open descriptor.
        match retry(|| unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, len) }) {
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS)) => Ok(()),
            other => other.map(drop),
        }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (file, len);
        Ok(())
    }
}

/// Gives a range's blocks back to the file system, as far as it can; the bytes read as zeros after
/// it.
pub(super) fn punch(file: &File, offset: u64, len: u64) {
    #[cfg(target_os = "linux")]
    if let (Ok(offset), Ok(len)) = (libc::off_t::try_from(offset), libc::off_t::try_from(len)) {
        let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
        // SAFETY: plain integers and an open descriptor. A failure only costs space.
        drop(retry(|| unsafe { libc::fallocate(file.as_raw_fd(), mode, offset, len) }));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, offset, len);
}

/// Writes all of `bufs` at `offset` with as few `pwritev` calls as `IOV_MAX` allows.
pub(super) fn write_all_at(file: &File, bufs: &[&[u8]], mut offset: u64) -> io::Result<()> {
    let mut skip = 0_usize;
    let mut at = 0_usize;
    let mut iov: Vec<libc::iovec> = Vec::with_capacity(bufs.len().min(IOV_MAX));
    while let Some(first) = bufs.get(at) {
        if skip >= first.len() {
            (skip, at) = (0, at + 1);
            continue;
        }
        iov.clear();
        for (i, buf) in bufs.iter().skip(at).take(IOV_MAX).enumerate() {
            let buf = if i == 0 { buf.get(skip..).unwrap_or_default() } else { buf };
            iov.push(libc::iovec { iov_base: buf.as_ptr().cast_mut().cast(), iov_len: buf.len() });
        }
        let mut written = pwritev(file, &iov, offset)?;
        if written == 0 {
            return Err(Error::from_raw_os_error(libc::EIO));
        }
        offset += written as u64;
        while let Some(buf) = bufs.get(at) {
            let rest = buf.len() - skip;
            if written < rest {
                skip += written;
                break;
            }
            written -= rest;
            (skip, at) = (0, at + 1);
        }
    }
    Ok(())
}

fn pwritev(file: &File, iov: &[libc::iovec], offset: u64) -> io::Result<usize> {
    let count = c_int::try_from(iov.len()).map_err(|_| Error::from_raw_os_error(libc::EINVAL))?;
    let offset =
        libc::off_t::try_from(offset).map_err(|_| Error::from_raw_os_error(libc::EFBIG))?;
    loop {
        // SAFETY: each iovec describes a slice borrowed by the caller for the whole call; the
        // kernel only reads them; `count` is their number.
        let got = unsafe { libc::pwritev(file.as_raw_fd(), iov.as_ptr(), count, offset) };
        if let Ok(got) = usize::try_from(got) {
            return Ok(got);
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Whether the byte at `offset` can be read without waiting; `None` when the file system cannot
/// tell.
#[cfg(target_os = "linux")]
pub(super) fn readable_now(file: &File, offset: u64) -> Option<bool> {
    let offset = libc::off64_t::try_from(offset).ok()?;
    let mut byte = 0_u8;
    let slice = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: `slice` describes one writable byte, and both outlive the call.
    let got =
        unsafe { libc::preadv2(file.as_raw_fd(), &raw const slice, 1, offset, libc::RWF_NOWAIT) };
    match got {
        1 => Some(true),
        0 => Some(false),
        _ if Error::last_os_error().raw_os_error() == Some(libc::EAGAIN) => Some(false),
        _ => None,
    }
}

/// Only Linux can tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn readable_now(_: &File, _: u64) -> Option<bool> {
    None
}

/// Asks for pages that will be wanted; does not wait for them.
#[cfg(target_os = "linux")]
pub(super) fn read_ahead(file: &File, offset: u64, len: u64) {
    let (Ok(offset), Ok(len)) = (libc::off64_t::try_from(offset), libc::off64_t::try_from(len))
    else {
        return;
    };
    // SAFETY: takes no pointer. A refusal costs nothing but the hint.
    unsafe { libc::posix_fadvise64(file.as_raw_fd(), offset, len, libc::POSIX_FADV_WILLNEED) };
}

/// Left to the system's own guesses.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_ahead(_: &File, _: u64, _: u64) {}

/// Starts to write what is dirty of a file; does not wait for it. Errors are for the sync that
/// follows to report.
#[cfg(target_os = "linux")]
pub(super) fn begin_writing(file: &File) {
    // SAFETY: takes no pointer. A refusal costs nothing but the head start.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Left to the sync.
#[cfg(not(target_os = "linux"))]
pub(super) fn begin_writing(_: &File) {}

/// A number that tells the file system of `path` from others and stays when it is unmounted and
/// mounted again, as far as the system has one; `None` when there is no such directory.
pub(super) fn file_system(path: &Path) -> io::Result<Option<u64>> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    let mut out = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: `name` is NUL-terminated, `out` is valid for writing one `statvfs`.
    match retry(|| unsafe { libc::statvfs(name.as_ptr(), out.as_mut_ptr()) }) {
        // SAFETY: the call succeeded, so the system filled `out`.
        Ok(_) => Ok(Some(unsafe { out.assume_init() }.f_fsid)),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Blocks every signal in the calling thread and restores the old mask when dropped, so that
/// threads started meanwhile never run a host's signal handler.
pub(super) struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    /// Blocks all signals.
    pub(super) fn new() -> Self {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut old = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigfillset` and `pthread_sigmask` initialise the sets they are given pointers
        // to; both pointers are valid for the calls, which cannot fail with these arguments.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(old.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
            Self(old.assume_init())
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by `pthread_sigmask` in `new`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

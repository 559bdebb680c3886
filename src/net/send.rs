//! Sending on a TCP socket: several slices at once, and file content without copying it.
//!
//! On Linux a slice that is followed by file content is held back for it (`MSG_MORE`), so that a
//! block's header and its bytes share packets. Deliberately absent: what is sent, waiting (callers
//! wait for readiness and get `WouldBlock`), and files on systems where [`FILES`] is false.

use std::fs::File;
use std::io::{self, IoSlice};

use tokio::io::Interest;
use tokio::net::TcpStream;

/// Whether [`file`] works here.
pub const FILES: bool = cfg!(target_os = "linux");

/// Sends from the slices, in order; returns how many bytes the socket took. `more` says that
/// something follows at once. `WouldBlock` when the socket takes nothing now.
pub fn slices(stream: &TcpStream, slices: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
    #[cfg(target_os = "linux")]
    if more {
        let socket = socket2::SockRef::from(stream);
        let flags = libc::MSG_MORE | libc::MSG_NOSIGNAL;
        return stream
            .try_io(Interest::WRITABLE, || socket.send_vectored_with_flags(slices, flags));
    }
    let _ = more;
    stream.try_write_vectored(slices)
}

/// Sends up to `length` bytes of the file from `offset` on, from the page cache to the socket.
/// 0: the file ends at or before `offset`. `WouldBlock` when the socket takes nothing now;
/// `Unsupported` where the system cannot do this with this file.
#[cfg(target_os = "linux")]
pub fn file(stream: &TcpStream, file: &File, offset: u64, length: usize) -> io::Result<usize> {
    use std::os::fd::AsRawFd;

    stream.try_io(Interest::WRITABLE, || {
        let mut at = libc::off64_t::try_from(offset)
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let (to, from) = (stream.as_raw_fd(), file.as_raw_fd());
        loop {
            // SAFETY: both descriptors are open while they are borrowed, and `at` is a valid place
            // for the offset, which the kernel reads and writes back.
            let sent = unsafe { libc::sendfile64(to, from, &raw mut at, length) };
            if let Ok(sent) = usize::try_from(sent) {
                return Ok(sent);
            }
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => {}
                Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP) => {
                    return Err(io::ErrorKind::Unsupported.into());
                }
                _ => return Err(error),
            }
        }
    })
}

/// Not on this system.
///
/// # Errors
/// `Unsupported`, always.
#[cfg(not(target_os = "linux"))]
pub fn file(_: &TcpStream, _: &File, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    /// A connected pair: ours, and the plain one at the other end.
    async fn pair() -> (TcpStream, std::net::TcpStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (ours, listener.accept().unwrap().0)
    }

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap().block_on(test)
    }

    #[test]
    fn slices_and_file_content_come_out_in_order() {
        let mut content = tempfile::tempfile().unwrap();
        content.write_all(b"0123456789").unwrap();
        let got = run(async {
            let (ours, mut theirs) = pair().await;
            ours.writable().await.unwrap();
            let parts = [IoSlice::new(b"he"), IoSlice::new(b"ad")];
            assert_eq!(slices(&ours, &parts, true).unwrap(), 4);
            assert_eq!(file(&ours, &content, 3, 4).unwrap(), 4);
            assert_eq!(slices(&ours, &[IoSlice::new(b"tail")], false).unwrap(), 4);
            // Short at the end, nothing past it.
            assert_eq!(file(&ours, &content, 8, 100).unwrap(), 2);
            assert_eq!(file(&ours, &content, 10, 100).unwrap(), 0);
            drop(ours);
            let mut got = String::new();
            theirs.read_to_string(&mut got).unwrap();
            got
        });
        assert_eq!(got, "head3456tail89");
    }

    #[test]
    fn a_full_socket_would_block_and_what_no_page_cache_has_is_unsupported() {
        let mut content = tempfile::tempfile().unwrap();
        content.write_all(&vec![7; 1 << 20]).unwrap();
        run(async {
            let (ours, theirs) = pair().await;
            ours.writable().await.unwrap();
            let full = (0..1000).find_map(|_| file(&ours, &content, 0, 1 << 20).err()).unwrap();
            assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
            drop(theirs);
            let (ours, _theirs) = pair().await;
            ours.writable().await.unwrap();
            let odd = File::open("/dev").unwrap();
            assert_eq!(file(&ours, &odd, 0, 10).unwrap_err().kind(), io::ErrorKind::Unsupported);
        });
    }
}

//! What waits to be sent on one connection.
//!
//! Many messages go out per system call. A region of a file goes from the page cache to the socket,
//! its header held back for it; or, where that does not pay, through a small buffer that stays in
//! the processor's cache. Deliberately absent: rate limits, waiting.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use tokio::net::TcpStream;

use crate::base::{AlignedBytes, DiskError, Payload, Region};
use crate::disk::ServedFile;
use crate::net::send;

/// Slices per vectored write.
const SLICES: usize = 64;
/// Bytes of file content read for one write. What the socket does not take is read again.
const COPY_BYTES: usize = 128 * 1024;

/// Why nothing more can be sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// The socket said so.
    Socket(io::Error),
    /// What was promised cannot be read.
    Content(DiskError),
}

/// How file content gets to the socket.
pub(super) enum Way<'a> {
    /// From the page cache.
    InPlace,
    /// Through this buffer, which may be empty at first.
    Copied(&'a mut AlignedBytes),
}

/// The queue.
#[derive(Default)]
pub(super) struct Outbox {
    queue: VecDeque<Payload>,
    bytes: usize,
}

impl Outbox {
    /// Bytes not yet with the kernel.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Lets `fill` append payloads.
    pub(super) fn append(&mut self, fill: impl FnOnce(&mut VecDeque<Payload>)) {
        let before = self.queue.len();
        fill(&mut self.queue);
        self.bytes += self.queue.range(before..).map(Payload::len).sum::<usize>();
    }

    /// Sends at most `allowed` bytes (at least 1); returns how many, 0 when the socket takes none
    /// now. Stops at a natural border: call again while it returns something.
    pub(super) fn send(
        &mut self,
        stream: &TcpStream,
        way: Way<'_>,
        allowed: usize,
    ) -> Result<usize, Failure> {
        self.drop_front(0);
        let sent = match way {
            Way::Copied(buffer) => return self.send_copies(stream, buffer, allowed),
            Way::InPlace => self.send_bytes(stream, allowed)?,
        };
        match self.queue.front() {
            Some(Payload::Region(region)) if sent < allowed => {
                let region = region.clone();
                Ok(sent + self.send_region(stream, &region, allowed - sent)?)
            }
            _ => Ok(sent),
        }
    }

    /// What is in memory at the front of the queue; 0 when nothing is.
    fn send_bytes(&mut self, stream: &TcpStream, allowed: usize) -> Result<usize, Failure> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let (mut used, mut left) = (0, allowed);
        for (slice, bytes) in slices.iter_mut().zip(self.queue.iter().map_while(Payload::in_memory))
        {
            if left == 0 {
                break;
            }
            let part = bytes.get(..left).unwrap_or(bytes);
            left -= part.len();
            *slice = IoSlice::new(part);
            used += 1;
        }
        if used == 0 {
            return Ok(0);
        }
        // Held back only for what follows in the same breath.
        let more = left > 0 && self.queue.get(used).is_some_and(|p| p.in_memory().is_none());
        let sent = taken(send::slices(stream, slices.get(..used).unwrap_or(&[]), more))?;
        self.drop_front(sent);
        Ok(sent)
    }

    /// A part of the file content at the front.
    fn send_region(
        &mut self,
        stream: &TcpStream,
        region: &Region,
        allowed: usize,
    ) -> Result<usize, Failure> {
        let file = file_of(region)?;
        match send::file(stream, file.file(), region.offset(), region.len().min(allowed)) {
            Ok(0) => Err(Failure::Content(file.short())),
            Ok(sent) => {
                self.drop_front(sent);
                Ok(sent)
            }
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                self.send_copies(stream, &mut AlignedBytes::default(), allowed)
            }
            Err(e) if is_of_file(&e) => Err(Failure::Content(file.error(&e))),
            other => taken(other),
        }
    }

    /// What is at the front of the queue, file content by way of `buffer`.
    fn send_copies(
        &mut self,
        stream: &TcpStream,
        buffer: &mut AlignedBytes,
        allowed: usize,
    ) -> Result<usize, Failure> {
        let filled = self.read_front(buffer, allowed)?;
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut rest = buffer.get(..filled).unwrap_or_default();
        let (mut used, mut left) = (0, allowed);
        for (slice, payload) in slices.iter_mut().zip(&self.queue) {
            let want = payload.len().min(left);
            let part = match payload {
                Payload::Bytes(bytes) => bytes.get(..want).unwrap_or(bytes),
                Payload::Region(_) => {
                    let (now, later) = rest.split_at(want.min(rest.len()));
                    rest = later;
                    now
                }
            };
            left -= part.len();
            *slice = IoSlice::new(part);
            used += 1;
            if part.len() < payload.len() {
                break;
            }
        }
        let sent = taken(send::slices(stream, slices.get(..used).unwrap_or(&[]), false))?;
        self.drop_front(sent);
        Ok(sent)
    }

    /// Fills `buffer` with the file content among what one write may send, neighbours in a file
    /// with one read; returns how much that is.
    fn read_front(&self, buffer: &mut AlignedBytes, allowed: usize) -> Result<usize, Failure> {
        let mut filled = 0;
        let mut pending: Option<(&Region, usize)> = None;
        let mut left = allowed;
        let mut read = |run: Option<(&Region, usize)>| -> Result<(), Failure> {
            let Some((first, length)) = run else { return Ok(()) };
            if buffer.is_empty() {
                *buffer = AlignedBytes::zeroed(COPY_BYTES);
            }
            let out = buffer.get_mut(filled..filled + length).unwrap_or_default();
            filled += length;
            file_of(first)?.read(first.offset(), out).map_err(Failure::Content)
        };
        let mut total = 0;
        for payload in self.queue.iter().take(SLICES) {
            let take = payload.len().min(left);
            left -= take;
            if let Payload::Region(region) = payload {
                let take = take.min(COPY_BYTES - total);
                if take == 0 {
                    break;
                }
                total += take;
                pending = match pending {
                    Some((first, length)) if first.precedes(length, region) => {
                        Some((first, length + take))
                    }
                    other => {
                        read(other)?;
                        Some((region, take))
                    }
                };
            }
        }
        read(pending)?;
        Ok(total)
    }

    /// Forgets `n` bytes at the front, and empty payloads that follow them.
    fn drop_front(&mut self, mut n: usize) {
        self.bytes -= n;
        while let Some(front) = self.queue.front_mut() {
            if n < front.len() {
                front.advance(n);
                return;
            }
            n -= front.len();
            self.queue.pop_front();
        }
    }
}

/// The file behind a region.
fn file_of(region: &Region) -> Result<&ServedFile, Failure> {
    region.source().ok_or_else(|| Failure::Content(ServedFile::unknown()))
}

/// What the socket took.
fn taken(result: io::Result<usize>) -> Result<usize, Failure> {
    match result {
        Ok(0) => Err(Failure::Socket(io::ErrorKind::WriteZero.into())),
        Ok(n) => Ok(n),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(e) => Err(Failure::Socket(e)),
    }
}

/// Whether the file is to blame, not the socket.
fn is_of_file(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EIO | libc::EBADF | libc::EOVERFLOW))
}

//! Content for peers: ranges of resident files as they are, or bytes in pooled buffers.
//!
//! Blocks that follow each other are looked at, and read, together. A range of a file is lent as a
//! [`Region`] only while all its pages are in the page cache, so that whoever sends it does not
//! wait for a disk; what is not is read by a disk thread, which asks the system for what probably
//! comes next. Deliberately absent: sending, keeping content (the page cache does that).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::error::{disk_error, refusal};
use super::storage::{Counters, ReadEnd, Storage};
use super::{Outcome, sys};
use crate::base::{AlignedBytes, BlockSpan, DiskError, FileIndex, Region};

/// Bytes of neighbouring blocks looked at or read together.
pub(super) const RUN_BYTES: u32 = 256 * 1024;
/// Bytes asked for beyond a run that was not in the page cache.
const AHEAD_BYTES: u32 = 1 << 20;
/// Free buffers kept; what is in use is bounded by what peers may have queued.
const BUFFERS_KEPT: usize = 16;

/// The source of a [`Region`] out of a content file.
#[derive(Debug)]
pub struct ServedFile {
    file: Arc<File>,
    index: FileIndex,
    path: PathBuf,
}

impl ServedFile {
    /// The file, open for reading.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Fills `out` with what begins at `offset`. May wait for a disk, when what was resident is
    /// not any more.
    ///
    /// # Errors
    /// What the operating system says, or that the file ends too early.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), DiskError> {
        self.file.read_exact_at(out, offset).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => self.short(),
            _ => self.error(&e),
        })
    }

    /// What to say of a file that ends before a region of it does.
    #[must_use]
    pub fn short(&self) -> DiskError {
        refusal("read", Some(self.index), &self.path, "file is shorter than expected")
    }

    /// What to say of a file that could not be read.
    #[must_use]
    pub fn error(&self, error: &io::Error) -> DiskError {
        disk_error("read", Some(self.index), &self.path, error)
    }

    /// What to say of a region that is not of a content file.
    #[must_use]
    pub fn unknown() -> DiskError {
        refusal("read", None, "".as_ref(), "content that nobody here can read")
    }
}

/// Buffers of [`RUN_BYTES`] that are used again: no page of a fresh one has to be made and zeroed.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    free: Mutex<Vec<AlignedBytes>>,
}

/// A buffer on loan; comes back when its last user is done.
struct Lease {
    buffer: AlignedBytes,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut free = self.home.free.lock();
        if free.len() < BUFFERS_KEPT {
            free.push(std::mem::take(&mut self.buffer));
        }
    }
}

impl Buffers {
    /// A buffer of at least `len` bytes with anything in it.
    fn take(self: &Arc<Self>, len: usize) -> Lease {
        let free = self.free.lock().pop().filter(|buffer| buffer.len() >= len);
        let buffer = free.unwrap_or_else(|| AlignedBytes::zeroed(len.max(RUN_BYTES as usize)));
        Lease { buffer, home: Arc::clone(self) }
    }
}

/// Hands out blocks as regions of their file, on the calling thread and without waiting. One is
/// made for a handful of blocks and then dropped.
pub struct Lending {
    storage: Option<Arc<Storage>>,
    /// The latest range found resident.
    window: Option<Window>,
}

struct Window {
    span: BlockSpan,
    offset: u64,
    source: Arc<ServedFile>,
}

impl Window {
    fn region(&self, block: BlockSpan) -> Option<Region> {
        let within = block.begin.checked_sub(self.span.begin)?;
        let inside = block.piece == self.span.piece
            && within.checked_add(block.length).is_some_and(|end| end <= self.span.length);
        let source = Arc::<ServedFile>::clone(&self.source);
        let offset = self.offset + u64::from(within);
        inside.then(|| Region::new(source, offset, block.length as usize))
    }
}

impl Lending {
    pub(super) fn new(storage: Option<Arc<Storage>>) -> Self {
        Self { storage, window: None }
    }

    /// The block as a region with a [`ServedFile`] behind it. `None` unless it lies in one file
    /// that is open, and all its pages are in the page cache: then it is for [`super::Job::Serve`].
    pub fn block(&mut self, block: BlockSpan) -> Option<Region> {
        let storage = self.storage.as_ref()?;
        let lent = &storage.shared.counters.lent;
        if let Some(region) = self.window.as_ref().and_then(|w| w.region(block)) {
            Counters::add(lent, region.len());
            return Some(region);
        }
        let geometry = &storage.info.geometry;
        let left = geometry.len_of(block.piece).checked_sub(block.begin)?;
        let ahead = BlockSpan { length: left.min(RUN_BYTES), ..block };
        let (file, place) = storage.lend(block)?;
        let resident = |span: BlockSpan| {
            span.length >= block.length
                && sys::resident(&file, place.offset, u64::from(span.length))
        };
        // What follows in the piece is mostly asked for next; past the end of the file is no page.
        let span = [ahead, block].into_iter().find(|span| resident(*span))?;
        let state = storage.state.try_read()?;
        let path = storage.path_of(&state, place.file);
        let source = Arc::new(ServedFile { file, index: place.file, path });
        Counters::add(lent, block.length as usize);
        let window = self.window.insert(Window { span, offset: place.offset, source });
        window.region(block)
    }
}

/// Answers for blocks of one piece that follow each other without a gap.
pub(super) fn run(storage: &Storage, blocks: &[BlockSpan]) -> Vec<Outcome> {
    let Some(first) = blocks.first() else { return Vec::new() };
    let whole = BlockSpan { length: blocks.iter().map(|b| b.length).sum(), ..*first };
    if !storage.info.geometry.holds(whole) {
        let error = refusal("read", None, "".as_ref(), "the range is outside the torrent");
        return blocks.iter().map(|_| Outcome::Failed(error.clone())).collect();
    }
    let left = storage.info.geometry.len_of(whole.piece).saturating_sub(whole.begin);
    storage.read_ahead(whole.piece, whole.begin, left.min(whole.length + AHEAD_BYTES));
    read(storage, whole, blocks)
}

/// Reads the blocks with one look at the file.
fn read(storage: &Storage, whole: BlockSpan, blocks: &[BlockSpan]) -> Vec<Outcome> {
    let len = whole.length as usize;
    let mut lease = storage.shared.buffers.take(len);
    let out = lease.buffer.get_mut(..len).unwrap_or_default();
    let error = match storage.read(whole.piece, whole.begin, out) {
        Ok(ReadEnd::Full) => {
            let bytes = Bytes::from_owner(lease);
            let slice = |block: &BlockSpan| {
                let from = (block.begin - whole.begin) as usize;
                Outcome::Data(bytes.slice(from..from + block.length as usize))
            };
            return blocks.iter().map(slice).collect();
        }
        // One block at a time tells which of them are there.
        _ if blocks.len() > 1 => {
            return blocks.iter().flat_map(|b| read(storage, *b, &[*b])).collect();
        }
        Ok(end) => storage.short_read(end),
        Err(error) => error,
    };
    blocks.iter().map(|_| Outcome::Failed(error.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_when_their_last_user_is_done_and_few_are_kept() {
        let buffers = Arc::new(Buffers::default());
        let bytes = Bytes::from_owner(buffers.take(1000));
        let (a, b) = (bytes.slice(..10), bytes.slice(10..20));
        let place = bytes.as_ptr();
        drop((bytes, a));
        assert!(buffers.free.lock().is_empty());
        drop(b);
        assert_eq!(buffers.free.lock().len(), 1);
        let again = buffers.take(RUN_BYTES as usize);
        assert_eq!(again.buffer.as_ptr(), place);
        let many: Vec<Lease> = (0..100).map(|_| buffers.take(1)).collect();
        drop((again, many));
        assert_eq!(buffers.free.lock().len(), BUFFERS_KEPT);
    }
}

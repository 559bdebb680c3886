//! The bounded set of open files all torrents share.
//!
//! Least recently used goes first. A file that is evicted while a thread works with it stays open
//! until that thread is done, so the cache keeps a thread's worth of room below its bound.
//! Deliberately absent: which files exist and what is in them.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::Arc;

use parking_lot::Mutex;

/// Which file: torrent and file index; the part store is `PART_STORE`.
pub(super) type FileKey = (u64, u32);

/// The index that stands for a torrent's part store; metainfo has fewer files than this.
pub(super) const PART_STORE: u32 = u32::MAX;

struct Slot {
    file: Arc<File>,
    writable: bool,
    stamp: u64,
}

#[derive(Default)]
struct Lru {
    slots: HashMap<FileKey, Slot>,
    /// Stamp of last use, oldest first.
    order: BTreeMap<u64, FileKey>,
    clock: u64,
}

/// The open files.
pub(super) struct OpenFiles {
    lru: Mutex<Lru>,
    bound: usize,
}

impl OpenFiles {
    /// At most `max_open` descriptors while `threads` use them, at least one cached.
    pub(super) fn new(max_open: usize, threads: usize) -> Self {
        Self { lru: Mutex::default(), bound: max_open.saturating_sub(threads).max(1) }
    }

    /// How many are cached.
    pub(super) fn len(&self) -> usize {
        self.lru.lock().slots.len()
    }

    /// The open file, if it is cached with enough access.
    pub(super) fn find(&self, key: FileKey, writable: bool) -> Option<Arc<File>> {
        let lru = &mut *self.lru.lock();
        let slot = lru.slots.get_mut(&key).filter(|s| s.writable || !writable)?;
        if slot.stamp == lru.clock {
            // The last one used once more: by far the most common case.
            return Some(Arc::clone(&slot.file));
        }
        lru.clock += 1;
        lru.order.remove(&slot.stamp);
        slot.stamp = lru.clock;
        lru.order.insert(lru.clock, key);
        Some(Arc::clone(&slot.file))
    }

    /// Keeps a file that was just opened, closing the least recently used when there is no room.
    pub(super) fn keep(&self, key: FileKey, writable: bool, file: File) -> Arc<File> {
        let file = Arc::new(file);
        let mut closed = Vec::new();
        {
            let lru = &mut *self.lru.lock();
            lru.clock += 1;
            let stamp = lru.clock;
            let slot = Slot { file: Arc::clone(&file), writable, stamp };
            if let Some(old) = lru.slots.insert(key, slot) {
                lru.order.remove(&old.stamp);
                closed.push(old);
            }
            lru.order.insert(stamp, key);
            while lru.slots.len() > self.bound {
                let Some((_, oldest)) = lru.order.pop_first() else { break };
                closed.extend(lru.slots.remove(&oldest));
            }
        }
        // Closed outside the lock: on network file systems `close` writes.
        drop(closed);
        file
    }

    /// Closes one file.
    pub(super) fn close(&self, key: FileKey) {
        let lru = &mut *self.lru.lock();
        if let Some(slot) = lru.slots.remove(&key) {
            lru.order.remove(&slot.stamp);
        }
    }

    /// Closes all files of a torrent.
    pub(super) fn close_torrent(&self, torrent: u64) {
        let lru = &mut *self.lru.lock();
        let keys: Vec<_> = lru.slots.keys().copied().filter(|k| k.0 == torrent).collect();
        for key in keys {
            if let Some(slot) = lru.slots.remove(&key) {
                lru.order.remove(&slot.stamp);
            }
        }
    }
}

//! Pieces kept in memory after they are written, until they are hashed.
//!
//! Reading a piece back costs a copy out of the page cache; keeping it costs memory that has left
//! the processor's caches when its turn comes. Which is cheaper depends on how many pieces have to
//! gather before their hash: see [`Keep::new`]. Room is reserved for a whole piece with its first
//! write, so that no piece is kept in part for want of room for the rest. Deliberately absent: what
//! is written when, which pieces are due.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::storage::Block;
use crate::base::{PieceIndex, TorrentId};

/// Length up to which pieces are kept however many the hasher wants side by side.
pub(super) const SHORT: usize = 1 << 20;
/// The same where it wants so few that all of them fit into the larger caches.
const LONG: usize = 8 << 20;
/// How many these are.
const FEW: usize = 2;

type Key = (TorrentId, PieceIndex);

/// A piece that is being written.
struct Kept {
    /// What was written of it, in the order it was written.
    blocks: Vec<Block>,
    /// Bytes reserved: the piece's length, or 0 when it will have to be read back.
    reserved: usize,
    touched: Instant,
}

/// All such pieces.
pub(super) struct Keep {
    pieces: HashMap<Key, Kept>,
    /// Bytes reserved, those being hashed included.
    bytes: usize,
    bound: usize,
    longest: usize,
}

impl Keep {
    /// Keeps at most `bound` bytes. `company`: pieces that the hasher wants side by side. Sixteen
    /// long ones would be memory that no cache holds, and reading back through a small buffer is
    /// cheaper; a pair is not.
    pub(super) fn new(bound: usize, company: usize) -> Self {
        let longest = if company <= FEW { LONG } else { SHORT };
        Self { pieces: HashMap::new(), bytes: 0, bound, longest }
    }

    /// Whether what is written now, of a piece of `len` bytes, is to be kept.
    pub(super) fn wants(&mut self, key: Key, len: usize, now: Instant) -> bool {
        let room = self.bound.saturating_sub(self.bytes);
        let kept = self.pieces.entry(key).or_insert_with(|| {
            let reserved = if len <= self.longest.min(room) { len } else { 0 };
            self.bytes += reserved;
            Kept { blocks: Vec::new(), reserved, touched: now }
        });
        kept.touched = now;
        kept.reserved > 0
    }

    /// Keeps what was written. Gives back the container that is not needed.
    pub(super) fn add(&mut self, key: Key, mut blocks: Vec<Block>) -> Vec<Block> {
        if let Some(kept) = self.pieces.get_mut(&key).filter(|kept| kept.reserved > 0) {
            if kept.blocks.is_empty() {
                return std::mem::replace(&mut kept.blocks, blocks);
            }
            kept.blocks.append(&mut blocks);
        }
        blocks
    }

    /// The piece will have to be read back: not everything written of it could be kept.
    pub(super) fn spoil(&mut self, key: Key) {
        if let Some(kept) = self.pieces.get_mut(&key) {
            self.bytes -= std::mem::take(&mut kept.reserved);
            kept.blocks = Vec::new();
        }
    }

    /// The same for all pieces of a torrent: something happens to its files between two writes.
    pub(super) fn spoil_all(&mut self, torrent: TorrentId) {
        for (_, kept) in self.pieces.iter_mut().filter(|((id, _), _)| *id == torrent) {
            self.bytes -= std::mem::take(&mut kept.reserved);
            kept.blocks = Vec::new();
        }
    }

    /// A piece is to be hashed: its blocks in order when they are all here and do not overlap, else
    /// nothing. Blocks that are given out stay counted until [`Self::release`].
    pub(super) fn take(&mut self, key: Key, len: usize) -> Vec<Block> {
        let Some(mut kept) = self.pieces.remove(&key) else { return Vec::new() };
        if !kept.blocks.is_sorted_by_key(|b| b.begin) {
            kept.blocks.sort_unstable_by_key(|b| b.begin);
        }
        let mut end = 0;
        let gapless = kept.blocks.iter().all(|b| {
            let follows = b.begin as usize == end;
            end += b.data.len();
            follows
        });
        if kept.reserved > 0 && gapless && end == len {
            return kept.blocks;
        }
        self.bytes -= kept.reserved;
        Vec::new()
    }

    /// So many bytes of what was given out are no longer held.
    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes -= bytes;
    }

    /// Forgets pieces that nobody has added to for so long.
    pub(super) fn sweep(&mut self, now: Instant, idle: Duration) {
        let bytes = &mut self.bytes;
        self.pieces.retain(|_, kept| {
            let stays = now.duration_since(kept.touched) < idle;
            *bytes -= if stays { 0 } else { kept.reserved };
            stays
        });
    }

    /// Whether there is nothing to sweep.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const KEY: Key = (TorrentId(1), PieceIndex(7));
    const KIB: usize = 1 << 10;

    fn block(begin: usize, len: usize) -> Block {
        Block { begin: u32::try_from(begin).unwrap(), seq: 0, data: Bytes::from(vec![7; len]) }
    }

    #[test]
    fn a_piece_written_in_any_order_comes_out_in_order() {
        let (mut keep, now) = (Keep::new(64 * KIB, 2), Instant::now());
        assert!(keep.wants(KEY, 48 * KIB, now));
        assert!(keep.add(KEY, vec![block(32 * KIB, 16 * KIB)]).is_empty());
        assert!(keep.wants(KEY, 48 * KIB, now));
        keep.add(KEY, vec![block(0, 16 * KIB), block(16 * KIB, 16 * KIB)]);
        let begins: Vec<_> = keep.take(KEY, 48 * KIB).iter().map(|b| b.begin).collect();
        assert_eq!(begins, [0, 16384, 32768]);
        assert!(keep.is_empty());
        assert_eq!(keep.bytes, 48 * KIB, "counted while it is hashed");
        keep.release(48 * KIB);
        assert_eq!(keep.bytes, 0);
    }

    #[test]
    fn gaps_overlaps_and_missing_ends_mean_reading_back() {
        let (len, now) = (48 * KIB, Instant::now());
        for blocks in [
            vec![block(0, 16 * KIB), block(32 * KIB, 16 * KIB)],
            vec![block(0, 16 * KIB), block(0, 16 * KIB), block(16 * KIB, 16 * KIB)],
            vec![block(0, 32 * KIB)],
            vec![],
        ] {
            let mut keep = Keep::new(64 * KIB, 2);
            assert!(keep.wants(KEY, len, now));
            keep.add(KEY, blocks);
            assert!(keep.take(KEY, len).is_empty());
            assert_eq!(keep.bytes, 0);
        }
    }

    #[test]
    fn room_is_for_whole_pieces_only() {
        let (mut keep, now) = (Keep::new(64 * KIB, 2), Instant::now());
        let other = (TorrentId(1), PieceIndex(8));
        assert!(keep.wants(KEY, 48 * KIB, now) && !keep.wants(other, 48 * KIB, now));
        keep.spoil(KEY);
        assert_eq!(keep.bytes, 0);
        // What was written before is gone: there is no use in beginning now.
        assert!(!keep.wants(KEY, 48 * KIB, now) && !keep.wants(other, 48 * KIB, now));
        assert!(keep.take(KEY, 48 * KIB).is_empty() && keep.take(other, 48 * KIB).is_empty());
        assert!(keep.wants(other, 48 * KIB, now));
        keep.spoil_all(TorrentId(2));
        assert_eq!(keep.bytes, 48 * KIB);
        keep.spoil_all(TorrentId(1));
        assert_eq!(keep.bytes, 0);
    }

    #[test]
    fn long_pieces_are_kept_where_a_pair_is_enough() {
        let now = Instant::now();
        assert!(Keep::new(32 << 20, 2).wants(KEY, 4 << 20, now));
        assert!(!Keep::new(32 << 20, 14).wants(KEY, 4 << 20, now));
        assert!(Keep::new(32 << 20, 14).wants(KEY, 1 << 20, now));
        assert!(!Keep::new(32 << 20, 1).wants(KEY, 16 << 20, now));
    }

    #[test]
    fn what_nobody_adds_to_is_forgotten() {
        let (mut keep, now) = (Keep::new(64 * KIB, 2), Instant::now());
        assert!(keep.wants(KEY, 48 * KIB, now));
        keep.add(KEY, vec![block(0, 16 * KIB)]);
        keep.sweep(now + Duration::from_secs(1), Duration::from_secs(2));
        assert!(!keep.is_empty());
        keep.sweep(now + Duration::from_secs(2), Duration::from_secs(2));
        assert!(keep.is_empty());
        assert_eq!(keep.bytes, 0);
    }
}

//! Layer 0: the vocabulary every other room speaks.
//!
//! Newtypes for ids, indexes, lengths and times; the bitset; shared bytes; torrent geometry;
//! receive buffers and payloads; the seeded random generator; the limits that bound foreign input.
//! Deliberately absent: I/O, threads, clocks (time is always passed in), global state.

mod aligned;
mod bitset;
mod buffers;
mod geometry;
mod ids;
pub mod limits;
mod payload;
mod reach;
mod rng;
mod shared;
mod storage;
mod time;

pub use aligned::AlignedBytes;
pub use bitset::Bitset;
pub use buffers::BufferPool;
pub use geometry::{BLOCK_LEN, BlockSpan, Geometry};
pub use ids::{FileIndex, InfoHash, PeerId, PeerKey, PieceIndex, TorrentId};
pub use payload::{Payload, Region};
pub use reach::is_private;
pub use rng::Rng;
pub use shared::SharedBytes;
pub use storage::{DiskError, FileStat, Look, Synced};
pub use time::{Instant, UnixTime};

//! Layer 4: content storage.
//!
//! A pool of `tern-disk-*` threads that takes jobs in batches and answers in batches. Per torrent
//! the order rules are: the jobs of one piece (write, read, hash) run in order, pieces do not wait
//! for each other; everything else is a fence, which waits for all earlier jobs of the torrent and
//! is waited for by all later ones. Torrents do not wait for each other. Positional I/O only, never
//! a memory map: a full or vanished disk is an error value. Deliberately absent: what a piece
//! should hash to, peers, priorities' meaning beyond "0 = do not create this file".

mod error;
mod fences;
mod files;
mod gather;
mod keep;
mod lanes;
mod layout;
mod parts;
mod pool;
mod queues;
mod relocate;
mod sched;
mod serve;
mod settle;
mod storage;
mod sys;
#[cfg(test)]
mod tests;
mod work;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::base::{BlockSpan, DiskError, FileIndex, Look, PieceIndex, Synced, TorrentId};
use crate::codec::metainfo::Info;

pub use pool::{Pool, PoolStats};
pub use serve::{Lending, ServedFile};
pub use settle::Places;

/// Asks for a stretch of a file unless its beginning is in the system's cache; does not wait.
pub fn read_ahead(file: &std::fs::File, offset: u64, length: u64) {
    if sys::readable_now(file, offset) == Some(false) {
        sys::read_ahead(file, offset, length);
    }
}

/// SHA-1 of several streams side by side, given by the engine; each thread has its own. One that
/// panics is dropped and made anew.
pub trait StreamHasher: Send {
    /// How many streams it takes to be fully used: SIMD lanes; 1 when streams gain nothing from
    /// each other.
    fn lanes(&self) -> usize;
    /// How many streams are worth waiting for: more make the hash of each hardly cheaper.
    fn company(&self) -> usize {
        self.lanes()
    }
    /// Starts `count` empty streams, whatever was going on before.
    fn begin(&mut self, count: usize);
    /// The next bytes of each stream; they may differ in length and be empty.
    fn update(&mut self, inputs: &[&[u8]]);
    /// The streams' digests, in order.
    fn finish(&mut self) -> Vec<[u8; 20]>;
}

/// Makes a thread's hasher.
pub type HasherFactory = Arc<dyn Fn() -> Box<dyn StreamHasher> + Send + Sync>;

/// What the caller uses to match an answer to its job.
pub type JobTag = u64;

/// Where and how one torrent is stored.
#[derive(Clone, Debug)]
pub struct StorageParams {
    /// Files and geometry.
    pub info: Arc<Info>,
    /// Directory the file paths are relative to.
    pub save_path: PathBuf,
    /// Where the part store of unselected files' edge pieces lives (a hidden file named after the
    /// info-hash), normally `save_path`.
    pub part_dir: PathBuf,
    /// Paths that differ from the metainfo's, by file index; relative ones are below `save_path`.
    pub renamed: Vec<(FileIndex, String)>,
    /// Priority per file; 0 files are not created. Empty means all wanted.
    pub priorities: Vec<u8>,
    /// Reserve space when a file is created instead of leaving holes.
    pub preallocate: bool,
}

/// A job for one torrent.
#[derive(Debug)]
pub enum Job {
    /// Registers the torrent's storage. Creates nothing.
    Open(Box<StorageParams>),
    /// Looks at every file; padding files are reported absent. Answer: `Stats`.
    Stat,
    /// As `Stat`, of a torrent that need not be registered and is not by this. Finishes raising
    /// files a crash interrupted, so that wanted files are whole.
    Look(Box<StorageParams>),
    /// Creates empty files, directories and symlinks of wanted files and, when preallocating,
    /// reserves space. Answer: `Done`.
    Prepare,
    /// Stores a block. May be buffered: `Done` comes when it is with the operating system.
    Write {
        /// Place.
        piece: PieceIndex,
        /// Offset inside the piece.
        begin: u32,
        /// Bytes.
        data: Bytes,
    },
    /// Reads a block. Answer: `Data`.
    Read(BlockSpan),
    /// Reads a block for a peer, together with its neighbours that are asked for too. What is in
    /// the page cache need not be asked for: see [`Pool::lend`]. Answer: `Data`.
    Serve(BlockSpan),
    /// SHA-1 of a whole piece, after all earlier writes of it. Answer: `Digest`, when its bytes are
    /// with the operating system. A file that is missing or short is not an error but `Missing`.
    /// While written pieces are completed in quick succession one may wait a little for others, to
    /// be hashed together with them.
    Hash(PieceIndex),
    /// As `Hash`, of a piece that peers wait for: it does not wait for others.
    HashSoon(PieceIndex),
    /// Reads a whole piece for a host's verifier. Answer: `Data`.
    ReadPiece(PieceIndex),
    /// Makes everything written so far durable: fsync of the files written, or read to be hashed,
    /// since the last sync, and of directories in which something was created. Not fdatasync, which
    /// may leave out the time stamp that saved state compares; where blocks were allocated both
    /// cost one commit of the file system. All files are set to be written before the first is
    /// waited for, so thousands share such commits. Answer: `Synced` with these files' state after
    /// it. After a failure every sync fails until the pieces that may be lost have been written
    /// again, or the torrent was closed.
    Sync,
    /// Closes open files. Answer: `Done`.
    Release,
    /// Changes which files exist: a file raised from 0 takes its bytes out of the part store.
    SetPriorities(Vec<u8>),
    /// Moves all files to another directory. Answer: `Moved`.
    Move(PathBuf),
    /// Renames one file. Answer: `Done`.
    Rename(FileIndex, String),
    /// Deletes the torrent's files, its part store and directories that become empty. Answer:
    /// `Done`.
    Delete,
    /// Forgets the torrent; its storage is released after earlier jobs. Answer: `Done`.
    Close,
}

/// What a job came to.
#[derive(Debug)]
pub enum Outcome {
    /// Done.
    Done,
    /// File states, and where they are.
    Stats(Look),
    /// Content.
    Data(Bytes),
    /// Digest of the piece.
    Digest([u8; 20]),
    /// The piece is not wholly on disk.
    Missing,
    /// Durable; the state, right after the sync, of the files it was about.
    Synced(Synced),
    /// The directory the files are in now.
    Moved(PathBuf),
    /// It failed.
    Failed(DiskError),
}

/// An answered job.
#[derive(Debug)]
pub struct Completion {
    /// Torrent.
    pub torrent: TorrentId,
    /// The job's tag.
    pub tag: JobTag,
    /// Result.
    pub outcome: Outcome,
}

/// Takes completions; called on disk threads with one batch each, must not block.
pub type CompletionSink = Arc<dyn Fn(Vec<Completion>) + Send + Sync>;

/// Pool settings.
#[derive(Clone)]
pub struct PoolConfig {
    /// Threads, at least 1.
    pub threads: usize,
    /// Files kept open at most.
    pub max_open_files: usize,
    /// Bytes of blocks in memory (buffered, waiting, kept for their hash) before `Pool::pressure`
    /// reports true.
    pub write_budget_bytes: usize,
    /// What pieces are hashed with.
    pub hasher: HasherFactory,
}

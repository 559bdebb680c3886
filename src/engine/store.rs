//! Where the state of torrents is kept between sessions: the trait, and what goes in and out.
//!
//! A [`Store`] keeps, by info-hash: the metainfo and what the torrent was added with, the resume
//! blob saved last, the *dirty window*, and a place in the queue. Besides, state of the session by
//! name (DHT, peer lists).
//!
//! The window is the write-ahead list of pieces that are about to be written since the state that
//! the blob describes. Whoever writes content first has the pieces entered ([`Change::Journal`]),
//! waits for the answer, then writes. Each entry has a *mark*, a number that grows by torrent. A
//! save names the mark up to which its blob makes the entries void: these pieces are claimed by
//! the blob because they were synced, or are listed in it to be hashed, or were not written after
//! all. Blob and window change in one transaction, so that no crash can separate them. A piece in
//! the window is hashed before it is claimed; one that is neither in the window nor in the blob is
//! not claimed. So an entry that a loss of power takes away costs nothing, unless the blob claims
//! its piece, that is when a piece is written *again*: such entries have to be durable.
//!
//! Deliberately absent: what is in a blob (`codec::resume`), when to save (`swarm`), threads
//! ([`keeper`] has the one that writes).

pub mod keeper;
#[cfg(feature = "store")]
pub mod sqlite;

use std::ops::ControlFlow;

use bytes::Bytes;

use super::error::Error;
use crate::base::InfoHash;

#[cfg(feature = "store")]
pub use sqlite::SqliteStore;

/// The database's name in the state directory.
pub const DATABASE: &str = "tern.db";

/// What a store has of one torrent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Which.
    pub info_hash: InfoHash,
    /// The resume data saved last; `None` when none was saved yet, or when a save hook keeps it.
    pub blob: Option<Bytes>,
    /// Pieces that may have been written since: to be hashed before they are claimed. Sorted, each
    /// once. The indices are as they were given, which is not to say that the torrent has them.
    pub window: Vec<u32>,
    /// The highest mark any entry of the torrent ever had; new ones go on from here.
    pub mark: u64,
    /// The `.torrent` file. `None` while it is not known (a magnet link without metadata).
    pub metainfo: Option<Bytes>,
    /// What the torrent was added with besides, in a form the store does not look into.
    pub params: Option<Bytes>,
    /// Its place in the queue; `None` when it was removed from its session with its state kept.
    pub rank: Option<i64>,
    /// The window could not be read: no piece that any saved state claims can be trusted unhashed.
    pub window_lost: bool,
    /// Why some of it is not here although it was kept: one line. Without a blob the files have to
    /// be checked, whatever was known of them.
    pub damage: Option<String>,
}

/// One change of the store's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// See [`Save`].
    Save(Save),
    /// Enters pieces into a torrent's window.
    Journal {
        /// Which torrent; it need not be known otherwise.
        info_hash: InfoHash,
        /// Grows by torrent; entries of the same mark are joined.
        mark: u64,
        /// The pieces.
        pieces: Vec<u32>,
        /// Whether the entry must survive a loss of power when the commit returns. Otherwise it
        /// survives the end of the process.
        durable: bool,
    },
    /// Forgets a torrent with its window; fine when it is not known.
    Remove(InfoHash),
    /// Gives a torrent a place in the queue: torrents are loaded by ascending rank, those without
    /// one last, in the order they were first saved. `None`: it is not in a session any more, and
    /// kept for when it is added again. Nothing for a torrent that is not known.
    Rank(InfoHash, Option<i64>),
    /// Replaces state of the session; `None` forgets it.
    State(String, Option<Bytes>),
}

/// New state of one torrent. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Save {
    /// Which; entered when it is not known.
    pub info_hash: InfoHash,
    /// Resume data.
    pub blob: Option<Bytes>,
    /// Entries of the window up to this mark are void with this save. Zero: none are.
    pub settled: u64,
    /// The `.torrent` file.
    pub metainfo: Option<Bytes>,
    /// What it was added with besides.
    pub params: Option<Bytes>,
    /// Its place in the queue.
    pub rank: Option<i64>,
}

impl Change {
    /// Whether a commit may only return when this survives a loss of power.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        match self {
            Self::Save(_) | Self::Remove(_) => true,
            Self::Journal { durable, .. } => *durable,
            // Comes with the next durable change: losing an order or a cache costs little.
            Self::Rank(..) | Self::State(..) => false,
        }
    }

    /// About how many bytes it has.
    #[must_use]
    pub fn weight(&self) -> usize {
        let len = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        match self {
            Self::Save(save) => len(&save.blob) + len(&save.metainfo) + len(&save.params),
            Self::Journal { pieces, .. } => pieces.len() * 4,
            Self::State(_, value) => len(value),
            Self::Remove(_) | Self::Rank(..) => 0,
        }
    }
}

/// Keeps state by info-hash. Any thread may call; calls may wait for the disk, and for each other.
pub trait Store: Send + Sync {
    /// Whether there is a window. Without one [`Change::Journal`] fails with `Unsupported`, and
    /// whoever writes content must have a save accepted that lists the pieces as dirty instead.
    fn has_window(&self) -> bool;

    /// What is there of one torrent; `None` when it is not known.
    fn load(&self, info_hash: &InfoHash) -> Result<Option<Stored>, Error>;

    /// All torrents in queue order, one at a time: what is in memory does not grow with their
    /// number. A torrent of which only the window is known is not among them.
    fn load_all(&self, each: &mut dyn FnMut(Stored) -> ControlFlow<()>) -> Result<(), Error>;

    /// Makes the changes in order, in one transaction; one result for each. When it returns,
    /// what was `Ok` survives the end of the process, and a loss of power if any change of the
    /// batch [must](Change::is_durable). What was not `Ok` left everything as it was.
    fn commit(&self, changes: &[Change]) -> Vec<Result<(), Error>>;

    /// State of the session kept under this name.
    fn state(&self, name: &str) -> Result<Option<Bytes>, Error>;

    /// Something of note that happened to the store since the last call, for the host.
    fn take_reports(&self) -> Vec<Report> {
        Vec::new()
    }

    /// The last call: everything is on disk when it returns.
    fn close(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Opens the built-in store of a state directory.
///
/// # Errors
/// `InUse`, `Store`, `Io`; `Unsupported` when the library was built without the feature `store`.
pub fn open(dir: &std::path::Path) -> Result<std::sync::Arc<dyn Store>, Error> {
    #[cfg(feature = "store")]
    return Ok(std::sync::Arc::new(SqliteStore::open(dir)?));
    #[cfg(not(feature = "store"))]
    return Err(Error::new(
        super::error::ErrorKind::Unsupported,
        format!("{}: this libtern was built without its store", dir.display()),
    ));
}

/// What a host should know of its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was damaged and is now called otherwise, so that somebody can look at it.
    pub set_aside: std::path::PathBuf,
    /// Why, one line.
    pub reason: String,
    /// Torrents whose state was read from it undamaged.
    pub salvaged: u32,
    /// Torrents of which only the `.torrent` was readable: their files have to be checked.
    pub unchecked: u32,
}

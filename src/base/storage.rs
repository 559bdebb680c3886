//! What the storage says, as values: spoken by the swarm room and the disk room alike.

use std::path::PathBuf;

use super::FileIndex;

/// A file as found on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Bytes.
    pub size: u64,
    /// Modification time, ns since 1970.
    pub mtime_ns: i128,
}

/// All files of a torrent as found on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// By index; `None` when absent.
    pub files: Vec<Option<FileStat>>,
    /// A number that tells the file system the content directory is on from others, also after it
    /// was unmounted and mounted again; `None` when the directory is absent.
    pub root: Option<u64>,
}

/// The files a sync made durable, as they were right after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Files written or created since the sync before it, or read to be hashed; `None` when absent.
    pub files: Vec<(FileIndex, Option<FileStat>)>,
    /// As in [`Look`].
    pub root: Option<u64>,
}

/// What went wrong with which file.
#[derive(Clone, Debug)]
pub struct DiskError {
    /// The operation: `open`, `read`, `write`, `sync`, `rename`, `mkdir`, `stat`, `allocate`,
    /// `remove`.
    pub op: &'static str,
    /// The file, when one is concerned.
    pub file: Option<FileIndex>,
    /// Its path.
    pub path: PathBuf,
    /// The operating system's error number, 0 when there is none.
    pub os_errno: i32,
    /// One line.
    pub message: String,
}

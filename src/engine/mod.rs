//! Layer 5: the session. Threads, shards, commands, events, requests, options, the resume store,
//! shutdown.
//!
//! A session owns `tern-net-N` threads (a *shard* each: a current-thread tokio runtime that owns
//! its torrents and their sockets), the disk pool, a hook thread. A torrent belongs to exactly one
//! shard; everybody else sends it commands. Deliberately absent: C types, printing, process
//! globals.

pub mod content;
pub mod error;
pub mod events;
pub mod external;
pub mod formats;
pub mod hashing;
pub mod host;
pub mod options;
pub mod requests;
pub mod session;
pub mod settings;
pub mod shard;
pub mod store;
mod worker;

/// A path from the system's bytes: verbatim on Unix, UTF-8 elsewhere.
#[must_use]
pub fn path_from_bytes(bytes: &[u8]) -> std::path::PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        std::ffi::OsStr::from_bytes(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

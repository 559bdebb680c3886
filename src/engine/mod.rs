//! Layer 5: the session. Threads, shards, commands, events, requests, options, the resume store,
//! shutdown.
//!
//! A session owns `tern-net-N` threads (a *shard* each: a current-thread tokio runtime that owns
//! its torrents and their sockets), the disk pool, a hook thread. A torrent belongs to exactly one
//! shard; everybody else sends it commands. Deliberately absent: C types, printing, process
//! globals.

pub mod host;
pub mod settings;
pub mod shard;

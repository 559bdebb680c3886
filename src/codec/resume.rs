//! Resume data. CONTRACT SKETCH: the fields are fixed, reader and writer are missing.

use std::net::SocketAddr;

use crate::base::{Bitset, InfoHash, UnixTime};

/// What a resume blob says, whichever program wrote it. Absent keys have the readers' defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resume {
    /// v1 info-hash.
    pub info_hash: InfoHash,
    /// Display name.
    pub name: Option<String>,
    /// Verbatim `info` dictionary when embedded.
    pub info: Option<Vec<u8>>,
    /// Directory of the content, bytes as the system has them.
    pub save_path: Vec<u8>,
    /// Pieces we have: wire-order bits. `None` when never checked. The reader needs the piece count to
    /// rebuild exact lengths: see [`Resume::have`].
    pub pieces: Option<Pieces>,
    /// Partly downloaded pieces: index and wire-order block bitmask.
    pub unfinished: Vec<(u32, Vec<u8>)>,
    /// Renamed files, by file index; an empty string means not renamed.
    pub mapped_files: Vec<String>,
    /// File priorities 0..=7, by index; missing ones are 4.
    pub file_priority: Vec<u8>,
    /// Piece priorities 0..=7; empty when all are default.
    pub piece_priority: Vec<u8>,
    /// Tracker tiers; `None` keeps those of the metainfo.
    pub trackers: Option<Vec<Vec<String>>>,
    /// Web seeds; `None` keeps those of the metainfo.
    pub url_list: Option<Vec<String>>,
    /// Known good peers.
    pub peers: Vec<SocketAddr>,
    /// Banned peers.
    pub banned_peers: Vec<SocketAddr>,
    /// Payload bytes sent in all sessions.
    pub total_uploaded: u64,
    /// Payload bytes received in all sessions.
    pub total_downloaded: u64,
    /// Seconds active / finished / seeding.
    pub active_time: u64,
    /// Seconds since complete.
    pub finished_time: u64,
    /// Seconds seeding.
    pub seeding_time: u64,
    /// When added.
    pub added_time: UnixTime,
    /// When completed.
    pub completed_time: UnixTime,
    /// When a distributed copy was last seen.
    pub last_seen_complete: UnixTime,
    /// Last payload received.
    pub last_download: UnixTime,
    /// Last payload sent.
    pub last_upload: UnixTime,
    /// Bytes per second, `None` unlimited.
    pub upload_rate_limit: Option<u64>,
    /// Bytes per second, `None` unlimited.
    pub download_rate_limit: Option<u64>,
    /// Connections, `None` unlimited.
    pub max_connections: Option<u32>,
    /// Upload slots, `None` unlimited.
    pub max_uploads: Option<u32>,
    /// Stopped by the user.
    pub paused: bool,
    /// Left to a queue manager.
    pub auto_managed: bool,
    /// In order.
    pub sequential: bool,
    /// Trust the data and verify on first upload.
    pub seed_mode: bool,
    /// `allocation` is `allocate`.
    pub preallocate: bool,
    /// Scrape counts: seeds, leechers, downloads; `None` unknown.
    pub scrape: (Option<u32>, Option<u32>, Option<u32>),
    /// libtern's own part; `None` in other programs' blobs.
    pub tern: Option<TernKeys>,
    /// Keys we do not know, raw values: preserved on rewrite.
    pub unknown: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The `pieces` key before the piece count is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Pieces {
    /// file-version 1: one flag byte per piece (bit 0 have, bit 1 verified in seed mode).
    Bytes(Vec<u8>),
    /// file-version 2: wire-order bits rounded up to whole bytes.
    Bits(Vec<u8>),
}

/// libtern's extra keys.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TernKeys {
    /// Format version of these keys.
    pub version: u32,
    /// Save generation, increasing per torrent.
    pub generation: u64,
    /// Exact piece count.
    pub piece_count: u32,
    /// Pieces checked so far when a check was interrupted; `None` when no check is due.
    pub checked_up_to: Option<u32>,
    /// Per file in order: size in bytes and modification time in ns since 1970 as they were when saved;
    /// `None` when the file did not exist.
    pub files: Vec<Option<(u64, i128)>>,
    /// Pieces verified but not yet known durable when saved (the dirty window): to be hashed again.
    pub dirty: Vec<u32>,
    /// No content write followed this save (it was taken at a pause or close): any file that differs now
    /// was changed by somebody else.
    pub clean: bool,
}

impl Resume {
    /// The have set for a torrent of `piece_count` pieces, and how many leading pieces it covers (fewer
    /// when a check was interrupted). `None` when the blob has no pieces.
    #[must_use]
    pub fn have(&self, _piece_count: u32) -> Option<(Bitset, u32)> {
        None
    }
}

//! Resume data in libtorrent's format, which qBittorrent and Deluge store too.
//!
//! [`Resume::parse`] reads file-version 1 (libtorrent 1.x and 2.0: a byte per piece) and
//! file-version 2 (2.1: a bitfield whose exact length is lost). [`Resume::encode`] writes
//! file-version 1, which every reader takes, with all keys libtorrent writes, plus one dictionary
//! `tern` that others ignore:
//!
//! | key | value |
//! |---|---|
//! | `checked` | pieces checked so far; only when a check was interrupted |
//! | `checksum` | SHA-1 over the whole blob with these 20 bytes taken as zeros |
//! | `clean` | 1 when no write to the content follows the save, else 0 |
//! | `dirty` | pieces to hash again: 4 bytes each |
//! | `files` | 16 bytes per file: size (all ones when there was no file), mtime in ns (signed) |
//! | `generation` | save generation |
//! | `journal` | mark up to which the journal is void; only when there is one |
//! | `magnet` | the magnet link of a torrent whose metadata was not here yet |
//! | `pieces` | exact piece count |
//! | `root` | number of the content's file system; only when known |
//! | `version` | 1 |
//!
//! Packed numbers are big-endian: a list would cost a million files more items than a reader
//! allows.
//!
//! `libtorrent-version` says `libtern ...`; readers ignore it, but a blob that says so and has no
//! `tern` dictionary is damaged. So every flipped bit and every cut of a blob of ours is an error,
//! never wrong data. The content's own state (are the files still there, and as they were) is for
//! the caller to compare: a blob only says what was true when it was written.
//!
//! Deliberately absent: I/O, other programs' own formats, trust in paths (`save_path` and
//! `mapped_files` come from the host's own store and are not made safe here).

#[cfg(test)]
mod edges;
mod read;
#[cfg(test)]
mod tests;
mod write;

use core::fmt;
use std::net::SocketAddr;

use super::bencode;
use super::metainfo::Tiers;
use crate::base::{Bitset, InfoHash, UnixTime};

/// The value of `file-format`.
const FILE_FORMAT: &[u8] = b"libtorrent resume file";
/// How `libtorrent-version` starts in our blobs.
const WRITER: &str = "libtern ";
/// The version of the `tern` dictionary.
const TERN_VERSION: u32 = 1;
/// What libtorrent writes for unknown counts and unlimited limits.
const UNKNOWN: i64 = 0xff_ffff;
/// The packed size of a file that did not exist.
const NO_FILE: u64 = u64::MAX;
/// Merkle trees (BEP 52) as file-version 1 packs them.
const TREES: &[u8] = b"trees";
/// Where those of a file-version 2 blob are kept until they are understood.
const TREES_2: &[u8] = b"trees-2";
/// Keys that libtorrent always writes and we have no field for, with libtorrent's defaults: written
/// unless the blob we read had a value of its own, and not kept when it had just these.
const USUAL: &[(&[u8], &[u8])] = &[
    (b"upload_mode", b"i0e"),
    (b"share_mode", b"i0e"),
    (b"apply_ip_filter", b"i1e"),
    (b"super_seeding", b"i0e"),
    (b"stop_when_ready", b"i0e"),
    (b"disable_dht", b"i0e"),
    (b"disable_lsd", b"i0e"),
    (b"disable_pex", b"i0e"),
    (b"i2p", b"i0e"),
    (b"info-hash2", b"32:\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    (b"httpseeds", b"le"),
];
/// The priority of a file or piece that has none.
const DEFAULT_PRIORITY: u8 = 4;

/// Why a blob cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResumeError {
    /// Not bencode, or beyond its limits.
    Bencode(bencode::Error),
    /// `file-format` or `file-version` is not one we know.
    Format,
    /// No info-hash of the right length.
    MissingInfoHash,
    /// The torrent has only a version 2 info-hash (BEP 52), which is not supported.
    V2Only,
    /// The embedded `info` has another SHA-1 than `info-hash`.
    MismatchingInfoHash,
    /// A blob of ours whose checksum is wrong or missing: damaged, or changed by another program.
    Checksum,
    /// A blob of ours from a newer libtern, with this version.
    NewerVersion(u64),
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bencode(error) => error.fmt(f),
            Self::Format => f.write_str("resume: not a resume file of version 1 or 2"),
            Self::MissingInfoHash => f.write_str("resume: no info-hash"),
            Self::V2Only => f.write_str("resume: v2-only torrents are not supported"),
            Self::MismatchingInfoHash => f.write_str("resume: info does not match the info-hash"),
            Self::Checksum => f.write_str("resume: wrong checksum"),
            Self::NewerVersion(v) => write!(f, "resume: written by a newer version ({v})"),
        }
    }
}

impl core::error::Error for ResumeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Bencode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<bencode::Error> for ResumeError {
    fn from(error: bencode::Error) -> Self {
        Self::Bencode(error)
    }
}

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
    /// Pieces we have: wire-order bits. `None` when never checked. The reader needs the piece count
    /// to rebuild exact lengths: see [`Resume::have`].
    pub pieces: Option<Pieces>,
    /// Pieces already verified in seed mode: wire-order bits, rounded up to whole bytes.
    pub verified: Vec<u8>,
    /// Partly downloaded pieces: index and wire-order block bitmask.
    pub unfinished: Vec<(u32, Vec<u8>)>,
    /// Renamed files, by file index; an empty string means not renamed.
    pub mapped_files: Vec<String>,
    /// File priorities 0..=7, by index; missing ones are 4.
    pub file_priority: Vec<u8>,
    /// Piece priorities 0..=7; empty when all are default.
    pub piece_priority: Vec<u8>,
    /// Tracker tiers; `None` keeps those of the metainfo.
    pub trackers: Option<Tiers>,
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
    /// Keys we do not know, raw values: preserved on rewrite. Those that every libtorrent blob has
    /// and that say nothing are left out.
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
    /// Per file in order: size in bytes and modification time in ns since 1970 as they were when
    /// saved; `None` when the file did not exist.
    pub files: Vec<Option<(u64, i128)>>,
    /// Pieces verified but not yet known durable when saved (the dirty window): to be hashed again.
    pub dirty: Vec<u32>,
    /// A journal accompanies this state: pieces written later are entered there first, and entries
    /// up to this mark are void. `None`: there was no journal.
    pub journal: Option<u64>,
    /// Number of the file system the content directory was on.
    pub root: Option<u64>,
    /// No write to the content follows this save (pause, close): a file that differs at the next
    /// start was changed by somebody else.
    pub clean: bool,
    /// The magnet link, while the metadata it stands for was not here: selection, sources and web
    /// seeds are said nowhere else.
    pub magnet: Option<String>,
}

impl Resume {
    /// Reads a blob.
    ///
    /// # Errors
    /// See [`ResumeError`]. Other values of a wrong type or range count as absent.
    pub fn parse(blob: &[u8]) -> Result<Self, ResumeError> {
        read::resume(blob)
    }

    /// The blob for a torrent of `piece_count` pieces: sorted keys, the same bytes for the same
    /// values.
    #[must_use]
    pub fn encode(&self, piece_count: u32) -> Vec<u8> {
        write::resume(self, piece_count, env!("CARGO_PKG_VERSION"))
    }

    /// Whether a flag that has no field of its own is set, `disable_dht` for one.
    #[must_use]
    pub fn flag(&self, key: &[u8]) -> bool {
        self.unknown.iter().any(|(k, raw)| k == key && raw == b"i1e")
    }

    /// Sets a flag that has no field of its own. One that is not set is written as libtorrent
    /// writes it.
    pub fn set_flag(&mut self, key: &[u8], on: bool) {
        self.unknown.retain(|(k, _)| k != key);
        if on {
            self.unknown.push((key.to_vec(), b"i1e".to_vec()));
        }
    }

    /// The piece count to [`Self::encode`] with when the torrent's own is not known: that of the
    /// blob this was read from, so that nothing of it is lost; 0 when it said nothing of pieces.
    #[must_use]
    pub fn piece_count_said(&self) -> u32 {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        match (&self.pieces, &self.tern) {
            (None, _) => 0,
            (Some(_), Some(tern)) => tern.piece_count,
            (Some(Pieces::Bytes(flags)), None) => count(flags.len()),
            (Some(Pieces::Bits(bits)), None) => count(bits.len()).saturating_mul(8),
        }
    }

    /// Whether the piece was verified in seed mode.
    #[must_use]
    pub fn is_verified(&self, piece: u32) -> bool {
        wire_bit(&self.verified, piece)
    }

    /// The have set for a torrent of `piece_count` pieces, and how many leading pieces it covers
    /// (fewer when a check was interrupted: the rest is unknown). `None` when the blob has no
    /// pieces, or says that the torrent has another number of them.
    ///
    /// Dirty pieces are not in the set. File-version 2 blobs have lost up to seven trailing
    /// "checked and missing" pieces: those after the last set bit of the last byte count as not
    /// covered, since checking seven pieces is cheaper than fetching them again.
    #[must_use]
    pub fn have(&self, piece_count: u32) -> Option<(Bitset, u32)> {
        if self.tern.as_ref().is_some_and(|tern| tern.piece_count != piece_count) {
            return None;
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let mut set = Bitset::new(piece_count);
        let mut covered = match self.pieces.as_ref()? {
            Pieces::Bytes(flags) => {
                for (index, flag) in (0..piece_count).zip(flags) {
                    set.set(index, flag & 1 != 0);
                }
                count(flags.len())
            }
            Pieces::Bits(bytes) => {
                let bits = count(bytes.len()).saturating_mul(8);
                let mut last = 0;
                for index in (0..piece_count.min(bits)).filter(|index| wire_bit(bytes, *index)) {
                    set.set(index, true);
                    last = index + 1;
                }
                // Our keys say how far the bits count. Else at least one piece of the last byte was
                // covered, or that byte would not be there.
                if self.tern.is_some() { bits } else { last.max(bits.saturating_sub(7)) }
            }
        };
        if let Some(tern) = &self.tern {
            covered = covered.min(tern.checked_up_to.unwrap_or(u32::MAX));
            for index in &tern.dirty {
                set.set(*index, false);
            }
        }
        for index in covered..piece_count {
            set.set(index, false);
        }
        Some((set, covered.min(piece_count)))
    }
}

/// Bit `index` in wire order; false beyond the end.
fn wire_bit(bytes: &[u8], index: u32) -> bool {
    bytes.get((index / 8) as usize).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
}

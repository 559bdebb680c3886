//! Metainfo files, `.torrent` (BEP 3, 5, 12, 19, 27, 47).
//!
//! [`Metainfo::parse`] reads a whole file, [`Info::parse`] the `info` dictionary alone, as it comes
//! from peers (BEP 9). Every name is kept as given and also made safe (see
//! [`names`](super::names)); sizes and counts agree with each other in everything that parses.
//! Torrents with a version 2 part (BEP 52) are read as version 1 when they have one and refused
//! otherwise.
//!
//! The bytes are kept once: what a parsed torrent quotes (`info` itself, piece hashes, names as
//! given) are parts of the file's own buffer, so that ten thousand idle torrents cost little more
//! than their files.
//!
//! Deliberately absent: files (callers pass bytes), magnet links, version 2 trees.

mod parse;
mod quoted;
#[cfg(test)]
mod tests;

use core::fmt;
use std::sync::Arc;

use super::bencode::{self, Encoder};
use super::names;
use crate::base::{FileIndex, Geometry, InfoHash, PieceIndex, SharedBytes};
pub use quoted::{PieceHashes, RawPath};

/// Why bytes are not a torrent we can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetainfoError {
    /// Not bencode, or beyond its limits.
    Bencode(bencode::Error),
    /// A required key is missing.
    Missing(&'static str),
    /// The value under this key is of the wrong type or out of bounds.
    Invalid(&'static str),
    /// `pieces` does not hold one hash per piece of the files' total length.
    PieceCount {
        /// Pieces that the lengths make.
        expected: u32,
        /// Hashes found, a partial one counted.
        found: usize,
    },
    /// The torrent has only a version 2 part (BEP 52), which is not supported.
    V2Only,
}

impl fmt::Display for MetainfoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bencode(error) => error.fmt(f),
            Self::Missing(key) => write!(f, "metainfo: no {key}"),
            Self::Invalid(key) => write!(f, "metainfo: invalid {key}"),
            Self::PieceCount { expected, found } => {
                write!(f, "metainfo: {found} piece hashes instead of {expected}")
            }
            Self::V2Only => f.write_str("metainfo: v2-only torrents are not supported"),
        }
    }
}

impl core::error::Error for MetainfoError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Bencode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<bencode::Error> for MetainfoError {
    fn from(error: bencode::Error) -> Self {
        Self::Bencode(error)
    }
}

/// A parsed `.torrent` file.
#[derive(Clone, Debug)]
pub struct Metainfo {
    /// The `info` dictionary.
    pub info: Arc<Info>,
    /// Tracker tiers (BEP 12), or `announce` alone as one tier; empty strings dropped.
    pub trackers: Tiers,
    /// Web seeds (BEP 19).
    pub url_list: Vec<String>,
    /// DHT nodes (BEP 5): host and port.
    pub nodes: Vec<(String, u16)>,
    /// Free text.
    pub comment: Option<String>,
    /// Creating program.
    pub created_by: Option<String>,
    /// Creation time, seconds since 1970.
    pub creation_date: Option<i64>,
}

impl Metainfo {
    /// Reads a `.torrent` file.
    ///
    /// # Errors
    /// See [`MetainfoError`]. Damage outside `info` is tolerated: such keys count as absent.
    pub fn parse(bytes: &[u8]) -> Result<Self, MetainfoError> {
        Self::parse_shared(&SharedBytes::from(bytes))
    }

    /// As [`Self::parse`]; the result keeps pointing into `bytes`.
    ///
    /// # Errors
    /// See [`MetainfoError`].
    pub fn parse_shared(bytes: &SharedBytes) -> Result<Self, MetainfoError> {
        parse::metainfo(bytes)
    }

    /// A metainfo of `info` alone.
    #[must_use]
    pub fn from_info(info: Arc<Info>) -> Self {
        Self {
            info,
            trackers: Tiers::default(),
            url_list: Vec::new(),
            nodes: Vec::new(),
            comment: None,
            created_by: None,
            creation_date: None,
        }
    }

    /// The `.torrent` file; `info` verbatim, so the info-hash stays.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(self.info.raw.len() + 1024);
        out.dict(|d| {
            if let Some(first) = self.trackers.iter().flatten().next() {
                d.bytes(b"announce", first.as_bytes());
            }
            if self.trackers.iter().map(Vec::len).sum::<usize>() > 1 {
                d.list(b"announce-list", |l| tiers(l, &self.trackers));
            }
            if let Some(comment) = &self.comment {
                d.bytes(b"comment", comment.as_bytes());
            }
            if let Some(created_by) = &self.created_by {
                d.bytes(b"created by", created_by.as_bytes());
            }
            if let Some(date) = self.creation_date {
                d.int(b"creation date", date);
            }
            d.raw(b"info", &self.info.raw);
            if !self.nodes.is_empty() {
                d.list(b"nodes", |l| {
                    for (host, port) in &self.nodes {
                        l.list(|node| {
                            node.bytes(host.as_bytes());
                            node.int(i64::from(*port));
                        });
                    }
                });
            }
            match self.url_list.as_slice() {
                [] => {}
                [one] => d.bytes(b"url-list", one.as_bytes()),
                many => d.list(b"url-list", |l| many.iter().for_each(|u| l.bytes(u.as_bytes()))),
            }
        });
        out.finish()
    }
}

/// Tracker tiers, shared by all who only read them.
pub type Tiers = Arc<Vec<Vec<String>>>;

/// Tracker tiers as lists of strings, inside an open list.
pub(super) fn tiers(list: &mut Encoder, trackers: &[Vec<String>]) {
    for tier in trackers {
        list.list(|l| tier.iter().for_each(|url| l.bytes(url.as_bytes())));
    }
}

/// The `info` dictionary: what the info-hash stands for. Immutable, shared by every room.
#[derive(Debug)]
pub struct Info {
    /// SHA-1 of `raw`.
    pub info_hash: InfoHash,
    /// The dictionary's bytes, verbatim.
    pub raw: SharedBytes,
    /// Suggested name, made safe for a file system.
    pub name: String,
    /// The name as given.
    pub name_raw: SharedBytes,
    /// Total and piece length.
    pub geometry: Geometry,
    /// SHA-1 of each piece.
    pub pieces: PieceHashes,
    /// Files in order, padding included. A single-file torrent has one, whose path is `[name]`.
    pub files: Vec<FileEntry>,
    /// Whether `info` has a `files` list: paths then lie under a directory called `name`.
    pub multi_file: bool,
    /// BEP 27.
    pub private: bool,
    /// Cross-seeding mark of private trackers.
    pub source: Option<String>,
}

/// One file of a torrent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Safe relative path from the save path (`name` included when `multi_file`), `/`-separated.
    pub path: String,
    /// Path components as given, without `name`.
    pub path_raw: RawPath,
    /// Bytes.
    pub length: u64,
    /// Offset of the first byte in the torrent.
    pub offset: u64,
    /// BEP 47 attributes.
    pub attr: FileAttr,
    /// Target of a symbolic link (BEP 47), safe and relative to the torrent's root.
    pub symlink: Option<String>,
}

/// BEP 47 attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FileAttr {
    /// Padding: reads as zeros, is never stored or shown.
    pub padding: bool,
    /// Executable.
    pub executable: bool,
    /// Hidden.
    pub hidden: bool,
    /// Symbolic link.
    pub symlink: bool,
}

/// A part of one file: what a piece range maps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpan {
    /// The file.
    pub file: FileIndex,
    /// First byte inside the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

impl Info {
    /// Reads an `info` dictionary.
    ///
    /// # Errors
    /// See [`MetainfoError`].
    pub fn parse(raw: &[u8]) -> Result<Self, MetainfoError> {
        let raw = SharedBytes::from(raw);
        parse::info(&raw, bencode::Document::parse(&raw)?.root())
    }

    /// Stands for an `info` that has not been fetched yet (BEP 9): no files, no pieces, no bytes;
    /// `name` is what to show meanwhile, the info-hash when it is empty.
    #[must_use]
    pub fn unknown(info_hash: InfoHash, name: &str) -> Self {
        let name = match name.trim() {
            "" => info_hash.to_string(),
            name => names::component(name.as_bytes()),
        };
        Self {
            info_hash,
            raw: SharedBytes::default(),
            name_raw: SharedBytes::from(name.as_bytes()),
            name,
            geometry: Geometry::EMPTY,
            pieces: PieceHashes::default(),
            files: Vec::new(),
            multi_file: false,
            private: false,
            source: None,
        }
    }

    /// Whether this is the real one, not [`Self::unknown`].
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.geometry != Geometry::EMPTY
    }

    /// Number of pieces.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        self.geometry.piece_count()
    }

    /// The file parts that `length` bytes of `piece` from `begin` map to, in order, without empty
    /// files, padding included.
    pub fn spans(
        &self,
        piece: PieceIndex,
        begin: u32,
        length: u32,
    ) -> impl Iterator<Item = FileSpan> + '_ {
        let start = self.geometry.offset_of(piece) + u64::from(begin);
        let end = (start + u64::from(length)).min(self.geometry.total_len());
        let first = self.files.partition_point(|f| f.offset + f.length <= start);
        self.files
            .iter()
            .enumerate()
            .skip(first)
            .take_while(move |(_, f)| f.offset < end)
            .filter(|(_, f)| f.length > 0)
            .map(move |(i, f)| {
                let from = start.max(f.offset);
                let to = end.min(f.offset + f.length);
                FileSpan {
                    file: FileIndex(u32::try_from(i).unwrap_or(u32::MAX)),
                    offset: from - f.offset,
                    length: to - from,
                }
            })
    }

    /// The pieces that hold bytes of `file`, as a half-open range; empty for an empty file.
    #[must_use]
    pub fn pieces_of(&self, file: FileIndex) -> core::ops::Range<u32> {
        let Some(f) = self.files.get(file.idx()).filter(|f| f.length > 0) else { return 0..0 };
        let piece_len = u64::from(self.geometry.piece_len());
        let piece = |offset: u64| u32::try_from(offset / piece_len).unwrap_or(u32::MAX);
        piece(f.offset)..piece(f.offset + f.length - 1) + 1
    }
}

//! Metainfo files (BEP 3, 12, 19, 27, 47). CONTRACT SKETCH: these types are fixed, the parser is missing.

use std::sync::Arc;

use crate::base::{FileIndex, Geometry, InfoHash, PieceIndex};

/// A parsed `.torrent` file.
#[derive(Clone, Debug)]
pub struct Metainfo {
    /// The `info` dictionary.
    pub info: Arc<Info>,
    /// Tracker tiers (BEP 12), or `announce` alone as one tier; empty strings dropped.
    pub trackers: Vec<Vec<String>>,
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

/// The `info` dictionary: what the info-hash stands for. Immutable, shared by every room.
#[derive(Debug)]
pub struct Info {
    /// SHA-1 of `raw`.
    pub info_hash: InfoHash,
    /// The dictionary's bytes, verbatim.
    pub raw: Vec<u8>,
    /// Suggested name, made safe for a file system.
    pub name: String,
    /// The name as given.
    pub name_raw: Vec<u8>,
    /// Total and piece length.
    pub geometry: Geometry,
    /// SHA-1 of each piece.
    pub pieces: Vec<[u8; 20]>,
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
    pub path_raw: Vec<Vec<u8>>,
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

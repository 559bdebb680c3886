//! Parsed `.torrent` files.

use std::path::Path;
use std::sync::Arc;

use crate::base::limits::METAINFO_BYTES;
use crate::base::{FileIndex, InfoHash, PieceIndex};
use crate::codec::magnet::Magnet;
use crate::codec::metainfo::{FileEntry, Info};
use crate::engine::error::Error;
use crate::engine::formats::{self, TorrentFile};

/// A parsed `.torrent` file. Immutable and cheap to clone.
#[derive(Clone, Debug)]
pub struct Metainfo(pub(super) Arc<TorrentFile>);

impl Metainfo {
    /// Parses the bytes of a `.torrent` file.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        formats::torrent_file(bytes).map(Self)
    }

    /// Reads and parses a `.torrent` file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed = |e| Error::io(&e, path);
        let size = std::fs::metadata(path).map_err(failed)?.len();
        if size > u64::try_from(METAINFO_BYTES).unwrap_or(u64::MAX) {
            return Err(formats::too_large());
        }
        Self::parse(&std::fs::read(path).map_err(failed)?)
    }

    pub(super) fn info(&self) -> &Arc<Info> {
        &self.0.metainfo.info
    }

    /// SHA-1 of the `info` dictionary.
    #[must_use]
    pub fn info_hash(&self) -> InfoHash {
        self.info().info_hash
    }

    /// Name, made safe for file systems.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.info().name
    }

    /// Name as the file gives it.
    #[must_use]
    pub fn name_raw(&self) -> &[u8] {
        &self.info().name_raw
    }

    /// Files in order, padding included.
    #[must_use]
    pub fn files(&self) -> &[FileEntry] {
        &self.info().files
    }

    /// The pieces that hold bytes of a file, half-open.
    #[must_use]
    pub fn pieces_of(&self, file: FileIndex) -> core::ops::Range<u32> {
        self.info().pieces_of(file)
    }

    /// Bytes of all files, padding included.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.info().geometry.total_len()
    }

    /// Nominal bytes of a piece.
    #[must_use]
    pub fn piece_length(&self) -> u32 {
        self.info().geometry.piece_len()
    }

    /// Actual bytes of a piece, 0 when there is none.
    #[must_use]
    pub fn piece_size(&self, piece: PieceIndex) -> u32 {
        self.info().geometry.len_of(piece)
    }

    /// Number of pieces.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        self.info().piece_count()
    }

    /// SHA-1 of a piece.
    #[must_use]
    pub fn piece_hash(&self, piece: PieceIndex) -> Option<&[u8; 20]> {
        self.info().pieces.get(piece.idx())
    }

    /// Private (BEP 27).
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.info().private
    }

    /// Whether the files lie under a directory called as the torrent.
    #[must_use]
    pub fn is_multi_file(&self) -> bool {
        self.info().multi_file
    }

    /// `source` of private trackers.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.info().source.as_deref()
    }

    /// Tracker tiers.
    #[must_use]
    pub fn trackers(&self) -> &[Vec<String>] {
        &self.0.metainfo.trackers
    }

    /// Web seeds (BEP 19).
    #[must_use]
    pub fn web_seeds(&self) -> &[String] {
        &self.0.metainfo.url_list
    }

    /// DHT nodes (BEP 5).
    #[must_use]
    pub fn nodes(&self) -> &[(String, u16)] {
        &self.0.metainfo.nodes
    }

    /// Free text.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.0.metainfo.comment.as_deref()
    }

    /// Creating program.
    #[must_use]
    pub fn created_by(&self) -> Option<&str> {
        self.0.metainfo.created_by.as_deref()
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn creation_date(&self) -> Option<i64> {
        self.0.metainfo.creation_date
    }

    /// The magnet link: info-hash, name, length, trackers and web seeds.
    #[must_use]
    pub fn magnet(&self) -> String {
        let info = self.info();
        let magnet = Magnet {
            info_hash: Some(info.info_hash),
            name: Some(info.name.clone()),
            length: Some(info.geometry.total_len()).filter(|_| info.is_known()),
            trackers: self.trackers().iter().flatten().cloned().collect(),
            web_seeds: self.web_seeds().to_vec(),
            ..Magnet::default()
        };
        magnet.to_string()
    }

    /// The `info` dictionary, verbatim.
    #[must_use]
    pub fn info_bytes(&self) -> &[u8] {
        &self.info().raw
    }

    /// The whole file, verbatim.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0.raw
    }
}

//! Making torrents (BEP 3, 12, 19, 27, 47).
//!
//! A [`Builder`] says what goes in; [`Builder::layout`] fixes where every byte lies and in how many
//! pieces; the caller hashes the content; [`Builder::finish`] writes the `.torrent`. What comes out
//! always parses with [`Metainfo::parse`](super::metainfo::Metainfo::parse).
//!
//! Deliberately absent: walking directories, reading files, threads, version 2 (BEP 52).

use core::fmt;

use super::bencode::{DictEncoder, Encoder};
use super::metainfo::{FileAttr, tiers};
use crate::base::{BLOCK_LEN, Geometry, limits};

/// Smallest piece length, in bytes.
pub const MIN_PIECE_LEN: u32 = BLOCK_LEN;
/// Largest piece length chosen by [`auto_piece_len`], in bytes; larger ones may be asked for.
pub const MAX_AUTO_PIECE_LEN: u32 = 16 << 20;
/// [`auto_piece_len`] keeps the piece count at or below this while it can.
const AIM_PIECES: u64 = 2048;

/// A piece length for `total_len` bytes: the smallest power of two from 16 KiB to 16 MiB that makes
/// no more than 2048 pieces, so between 1025 and 2048 of them from 32 MiB up to 32 GiB.
#[must_use]
pub fn auto_piece_len(total_len: u64) -> u32 {
    let mut len = MIN_PIECE_LEN;
    while len < MAX_AUTO_PIECE_LEN && total_len.div_ceil(u64::from(len)) > AIM_PIECES {
        len *= 2;
    }
    len
}

/// Why a torrent cannot be made as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreateError {
    /// The piece length is not a multiple of 16 KiB, or above [`limits::PIECE_BYTES`].
    PieceLength,
    /// No name, or no files, or more than [`limits::FILES`].
    Files,
    /// The file with this number has no path, an empty component, `.`, `..`, or a separator in one.
    Path(usize),
    /// The same path is given twice; the number of the second file.
    Duplicate(usize),
    /// A single-file torrent needs exactly one file without a link target.
    Single,
    /// The files' total length, or the number of pieces it makes, is too large.
    TooLarge,
    /// Not one hash per piece.
    PieceCount {
        /// Pieces of the layout.
        expected: u32,
        /// Hashes given.
        found: usize,
    },
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PieceLength => f.write_str("piece length is not a multiple of 16 KiB in range"),
            Self::Files => f.write_str("no name, no files, or too many files"),
            Self::Path(file) => write!(f, "file {file} has an unusable path"),
            Self::Duplicate(file) => write!(f, "file {file} has the path of another file"),
            Self::Single => f.write_str("a single-file torrent needs exactly one plain file"),
            Self::TooLarge => f.write_str("content is too large for the piece length"),
            Self::PieceCount { expected, found } => {
                write!(f, "{found} piece hashes instead of {expected}")
            }
        }
    }
}

impl core::error::Error for CreateError {}

/// A file to put into a torrent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewFile {
    /// Path components below the torrent's directory; ignored in a single-file torrent.
    pub path: Vec<Vec<u8>>,
    /// Bytes; 0 for a link.
    pub length: u64,
    /// Executable and hidden; padding and link marks are set by the builder.
    pub attr: FileAttr,
    /// Where a symbolic link leads: components from the torrent's directory.
    pub symlink: Option<Vec<Vec<u8>>>,
}

/// A file in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFile {
    /// Number in [`Builder::files`]; `None` for inserted padding, which reads as zeros.
    pub source: Option<usize>,
    /// Offset of the first byte in the torrent.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// Where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Total and piece length.
    pub geometry: Geometry,
    /// Files in torrent order.
    pub files: Vec<PlacedFile>,
}

/// What a new torrent says.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// Name of the file, or of the directory in a multi-file torrent.
    pub name: Vec<u8>,
    /// One file called [`Self::name`], instead of a directory.
    pub single_file: bool,
    /// Files in torrent order.
    pub files: Vec<NewFile>,
    /// Bytes per piece, a multiple of 16 KiB; `None` chooses by size.
    pub piece_len: Option<u32>,
    /// BEP 27.
    pub private: bool,
    /// Mark that gives the same content another info-hash per tracker.
    pub source: Option<String>,
    /// Start every file on a piece border by padding files (BEP 47).
    pub align_files: bool,
    /// Tracker tiers (BEP 12).
    pub trackers: Vec<Vec<String>>,
    /// Web seeds (BEP 19).
    pub url_list: Vec<String>,
    /// Free text.
    pub comment: Option<String>,
    /// Creating program.
    pub created_by: Option<String>,
    /// Seconds since 1970.
    pub creation_date: Option<i64>,
}

impl Builder {
    /// A torrent of one file.
    #[must_use]
    pub fn single(name: impl Into<Vec<u8>>, length: u64) -> Self {
        let files = vec![NewFile { length, ..NewFile::default() }];
        Self { name: name.into(), single_file: true, files, ..Self::default() }
    }

    /// A torrent of a directory.
    #[must_use]
    pub fn directory(name: impl Into<Vec<u8>>, files: Vec<NewFile>) -> Self {
        Self { name: name.into(), files, ..Self::default() }
    }

    /// Puts the files in bytewise path order, so that the same directory makes the same torrent.
    pub fn sort_files(&mut self) {
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Where every byte lies. Costs one pass over the files.
    ///
    /// # Errors
    /// When the files, their paths or the piece length cannot make a torrent.
    pub fn layout(&self) -> Result<Layout, CreateError> {
        self.check()?;
        let content = self.files.iter().try_fold(0u64, |sum, f| sum.checked_add(f.length));
        let content = content.ok_or(CreateError::TooLarge)?;
        let piece_len = self.piece_len.unwrap_or_else(|| auto_piece_len(content));
        if !(MIN_PIECE_LEN..=limits::PIECE_BYTES).contains(&piece_len)
            || !piece_len.is_multiple_of(MIN_PIECE_LEN)
        {
            return Err(CreateError::PieceLength);
        }
        let mut files = Vec::with_capacity(self.files.len());
        let mut offset = 0u64;
        for (i, file) in self.files.iter().enumerate() {
            let over = offset % u64::from(piece_len);
            if self.align_files && file.length > 0 && over > 0 {
                let length = u64::from(piece_len) - over;
                files.push(PlacedFile { source: None, offset, length });
                offset = offset.checked_add(length).ok_or(CreateError::TooLarge)?;
            }
            files.push(PlacedFile { source: Some(i), offset, length: file.length });
            offset = offset.checked_add(file.length).ok_or(CreateError::TooLarge)?;
        }
        if i64::try_from(offset).is_err() || files.len() > limits::FILES {
            return Err(CreateError::TooLarge);
        }
        let geometry = Geometry::new(offset, piece_len).ok_or(CreateError::TooLarge)?;
        Ok(Layout { geometry, files })
    }

    fn check(&self) -> Result<(), CreateError> {
        if self.name.is_empty() || self.files.is_empty() || self.files.len() > limits::FILES {
            return Err(CreateError::Files);
        }
        if self.single_file {
            let plain = matches!(self.files.as_slice(), [file] if file.symlink.is_none());
            return if plain { Ok(()) } else { Err(CreateError::Single) };
        }
        let unusable = |part: &Vec<u8>| {
            matches!(part.as_slice(), b"" | b"." | b"..")
                || part.contains(&b'/')
                || part.contains(&0)
        };
        let mut seen = std::collections::HashSet::new();
        for (i, file) in self.files.iter().enumerate() {
            let target = file.symlink.iter().flatten();
            if file.path.is_empty() || file.path.iter().chain(target).any(unusable) {
                return Err(CreateError::Path(i));
            }
            if file.symlink.is_some() && file.length > 0 {
                return Err(CreateError::Path(i));
            }
            if !seen.insert(&file.path) {
                return Err(CreateError::Duplicate(i));
            }
        }
        Ok(())
    }

    /// The `.torrent` file, given the SHA-1 of each piece of [`Self::layout`].
    ///
    /// # Errors
    /// Those of [`Self::layout`], and a wrong number of hashes.
    pub fn finish(&self, pieces: &[[u8; 20]]) -> Result<Vec<u8>, CreateError> {
        let layout = self.layout()?;
        let expected = layout.geometry.piece_count();
        if pieces.len() != expected as usize {
            return Err(CreateError::PieceCount { expected, found: pieces.len() });
        }
        let mut out = Encoder::with_capacity(pieces.len() * 20 + self.files.len() * 64 + 1024);
        out.dict(|d| {
            if let Some(first) = self.trackers.iter().flatten().next() {
                d.bytes(b"announce", first.as_bytes());
            }
            if self.trackers.iter().map(Vec::len).sum::<usize>() > 1 {
                d.list(b"announce-list", |l| tiers(l, &self.trackers));
            }
            let texts = [(&b"comment"[..], &self.comment), (b"created by", &self.created_by)];
            for (key, text) in texts {
                if let Some(text) = text {
                    d.bytes(key, text.as_bytes());
                }
            }
            if let Some(date) = self.creation_date {
                d.int(b"creation date", date);
            }
            d.dict(b"info", |info| self.info(info, &layout, pieces));
            if !self.url_list.is_empty() {
                let urls = &self.url_list;
                d.list(b"url-list", |l| urls.iter().for_each(|url| l.bytes(url.as_bytes())));
            }
        });
        Ok(out.finish())
    }

    fn info(&self, d: &mut DictEncoder<'_>, layout: &Layout, pieces: &[[u8; 20]]) {
        if self.single_file {
            if let Some(file) = self.files.first() {
                attributes(d, file.attr, false);
                d.entry(b"length", |e| e.uint(file.length));
            }
        } else {
            d.list(b"files", |l| {
                for placed in &layout.files {
                    l.dict(|d| self.file(d, placed));
                }
            });
        }
        d.bytes(b"name", &self.name);
        d.int(b"piece length", i64::from(layout.geometry.piece_len()));
        d.bytes(b"pieces", pieces.as_flattened());
        if self.private {
            d.int(b"private", 1);
        }
        if let Some(source) = &self.source {
            d.bytes(b"source", source.as_bytes());
        }
    }

    fn file(&self, d: &mut DictEncoder<'_>, placed: &PlacedFile) {
        let path = |l: &mut Encoder, parts: &[Vec<u8>]| parts.iter().for_each(|part| l.bytes(part));
        d.entry(b"length", |e| e.uint(placed.length));
        let Some(file) = placed.source.and_then(|i| self.files.get(i)) else {
            d.bytes(b"attr", b"p");
            let name = placed.length.to_string().into_bytes();
            d.list(b"path", |l| path(l, &[b".pad".to_vec(), name]));
            return;
        };
        attributes(d, file.attr, file.symlink.is_some());
        d.list(b"path", |l| path(l, &file.path));
        if let Some(target) = &file.symlink {
            d.list(b"symlink path", |l| path(l, target));
        }
    }
}

/// BEP 47: a letter per attribute.
fn attributes(d: &mut DictEncoder<'_>, attr: FileAttr, link: bool) {
    let letters = [(link, b'l'), (attr.executable, b'x'), (attr.hidden, b'h')];
    let attr: Vec<u8> = letters.iter().filter(|(set, _)| *set).map(|(_, letter)| *letter).collect();
    if !attr.is_empty() {
        d.bytes(b"attr", &attr);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha1::{Digest, Sha1};

    use super::super::metainfo::Metainfo;
    use super::*;

    fn sha1(bytes: &[u8]) -> [u8; 20] {
        Sha1::digest(bytes).into()
    }

    fn file(path: &[&str], length: u64) -> NewFile {
        let path = path.iter().map(|part| part.as_bytes().to_vec()).collect();
        NewFile { path, length, ..NewFile::default() }
    }

    /// Of content whose bytes count up modulo 251.
    fn hashes(layout: &Layout) -> Vec<[u8; 20]> {
        let content: Vec<u8> =
            (0..layout.geometry.total_len()).map(|at| (at % 251) as u8).collect();
        content.chunks(layout.geometry.piece_len() as usize).map(sha1).collect()
    }

    #[test]
    fn piece_lengths_follow_the_size() {
        for (total, expect) in [
            (0, 16 << 10),
            (32 << 20, 16 << 10),
            ((32 << 20) + 1, 32 << 10),
            (700 << 20, 512 << 10),
            (4 << 30, 2 << 20),
            (32 << 30, 16 << 20),
            (1 << 40, 16 << 20),
        ] {
            assert_eq!(auto_piece_len(total), expect, "{total}");
        }
    }

    #[test]
    fn a_torrent_of_everything_reads_back() {
        let mut builder = Builder::directory(
            "dir",
            vec![
                NewFile {
                    attr: FileAttr { executable: true, ..FileAttr::default() },
                    ..file(&["bin", "run"], 20_000)
                },
                file(&["empty"], 0),
                file(&["z"], 16_384),
                NewFile { symlink: Some(vec![b"z".to_vec()]), ..file(&["link"], 0) },
            ],
        );
        builder.piece_len = Some(3 * 16_384);
        builder.align_files = true;
        builder.private = true;
        builder.source = Some("SRC".into());
        builder.trackers = vec![vec!["http://a".into()], vec!["http://b".into()]];
        builder.url_list = vec!["http://seed".into()];
        builder.comment = Some("why".into());
        builder.created_by = Some("libtern".into());
        builder.creation_date = Some(1_700_000_000);
        let layout = builder.layout().unwrap();
        let pieces = hashes(&layout);
        let meta = Metainfo::parse(&builder.finish(&pieces).unwrap()).unwrap();
        let info = &meta.info;
        assert_eq!((info.geometry, info.pieces.as_slice()), (layout.geometry, &pieces[..]));
        let paths: Vec<_> = info.files.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["dir/bin/run", "dir/empty", "dir/.pad/29152", "dir/z", "dir/link"]);
        for (parsed, placed) in info.files.iter().zip(&layout.files) {
            assert_eq!((parsed.offset, parsed.length), (placed.offset, placed.length));
            assert_eq!(parsed.attr.padding, placed.source.is_none());
        }
        assert!(info.files[0].attr.executable && info.private && info.multi_file);
        assert_eq!(info.files[3].offset, 3 * 16_384);
        assert_eq!(info.files[4].symlink.as_deref(), Some("z"));
        assert_eq!(info.source, builder.source);
        assert_eq!((&*meta.trackers, &meta.url_list), (&builder.trackers, &builder.url_list));
        assert_eq!((&meta.comment, &meta.created_by), (&builder.comment, &builder.created_by));
        assert_eq!(meta.creation_date, builder.creation_date);
    }

    #[test]
    fn one_file_alone() {
        let builder = Builder::single("f", 16_385);
        let pieces = hashes(&builder.layout().unwrap());
        let meta = Metainfo::parse(&builder.finish(&pieces).unwrap()).unwrap();
        assert_eq!((meta.info.piece_count(), meta.info.multi_file), (2, false));
        let content: Vec<u8> = (0..16_385u64).map(|at| (at % 251) as u8).collect();
        assert_eq!(
            meta.info.pieces.as_slice(),
            [sha1(&content[..16_384]), sha1(&content[16_384..])]
        );
        let wrong = CreateError::PieceCount { expected: 2, found: 1 };
        assert_eq!(builder.finish(&pieces[..1]).unwrap_err(), wrong);
        let empty = Builder::single("f", 0).finish(&[]).unwrap();
        assert_eq!(Metainfo::parse(&empty).unwrap().info.piece_count(), 0);
    }

    #[test]
    fn what_cannot_be_a_torrent_is_refused() {
        let with = |files: Vec<NewFile>| Builder::directory("d", files).layout().unwrap_err();
        assert_eq!(with(vec![]), CreateError::Files);
        assert_eq!(Builder::single("", 1).layout().unwrap_err(), CreateError::Files);
        for bad in [&[][..], &[""], &["a", ".."], &["a/b"], &["a\0"]] {
            assert_eq!(with(vec![file(&["ok"], 1), file(bad, 1)]), CreateError::Path(1));
        }
        assert_eq!(with(vec![file(&["a"], 1), file(&["a"], 2)]), CreateError::Duplicate(1));
        assert_eq!(with(vec![file(&["a"], u64::MAX), file(&["b"], 1)]), CreateError::TooLarge);
        assert_eq!(with(vec![file(&["a"], i64::MAX as u64)]), CreateError::TooLarge);
        for len in [0, 1, 16_383, 16_385, u32::MAX] {
            let builder = Builder { piece_len: Some(len), ..Builder::single("f", 1) };
            assert_eq!(builder.layout().unwrap_err(), CreateError::PieceLength);
        }
        let two =
            Builder { single_file: true, ..Builder::directory("d", vec![file(&["a"], 1); 2]) };
        assert_eq!(two.layout().unwrap_err(), CreateError::Single);
    }

    proptest! {
        #[test]
        fn every_layout_parses(
            lengths in prop::collection::vec(0u64..100_000, 1..12),
            align in any::<bool>(),
            pieces in 1u32..5,
        ) {
            let named = |(i, length): (usize, &u64)| file(&[&i.to_string()], *length);
            let mut builder =
                Builder::directory("d", lengths.iter().enumerate().map(named).collect());
            builder.align_files = align;
            builder.piece_len = Some(pieces * MIN_PIECE_LEN);
            let layout = builder.layout().unwrap();
            let hashes = vec![[1; 20]; layout.geometry.piece_count() as usize];
            let meta = Metainfo::parse(&builder.finish(&hashes).unwrap()).unwrap();
            prop_assert_eq!(meta.info.geometry, layout.geometry);
            for (parsed, placed) in meta.info.files.iter().zip(&layout.files) {
                prop_assert_eq!((parsed.offset, parsed.length), (placed.offset, placed.length));
                if align && placed.length > 0 {
                    let over = placed.offset % u64::from(layout.geometry.piece_len());
                    prop_assert!(over == 0 || placed.source.is_none());
                }
            }
        }
    }
}

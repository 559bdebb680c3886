//! Checking files against a torrent without a session.

use std::fs::File;
use std::io::{ErrorKind as IoKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::Metainfo;
use super::create::Progress;
use crate::base::{Bitset, FileIndex, PieceIndex};
use crate::codec::metainfo::FileSpan;
use crate::engine::error::{Error, ErrorKind};
use crate::hash::sha1_many;

/// What [`check_files`] found.
#[derive(Clone, Debug)]
pub struct CheckReport {
    /// Pieces that match.
    pub good: Bitset,
    /// Files with bytes in pieces that do not match, or that are missing, in order.
    pub bad_files: Vec<FileIndex>,
    /// Files that are missing or shorter than they should be, in order.
    pub short_files: Vec<FileIndex>,
}

impl CheckReport {
    /// Whether everything is there and right.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.good.all() && self.short_files.is_empty()
    }
}

/// Hashes the content in `dir` on the calling thread and compares. `progress` returns false to
/// cancel. Files that are missing count as bad; other errors of the system end it.
pub fn check_files(
    metainfo: &Metainfo,
    dir: impl AsRef<Path>,
    mut progress: impl FnMut(Progress) -> bool,
) -> Result<CheckReport, Error> {
    let info = metainfo.info();
    let mut reader = Reader { metainfo, dir: dir.as_ref(), open: None };
    let mut good = Bitset::new(info.piece_count());
    let mut bad_files: Vec<FileIndex> = Vec::new();
    for index in 0..info.piece_count() {
        let piece = PieceIndex(index);
        let length = info.geometry.len_of(piece);
        let data = reader.piece(piece, length)?;
        let matches = data.is_some_and(|data| {
            let hashes = sha1_many(&[&[data.as_slice()]]);
            hashes.first() == info.pieces.get(piece.idx())
        });
        if matches {
            good.set(index, true);
        } else {
            bad_files.extend(info.spans(piece, 0, length).map(|span| span.file));
        }
        let done = info.geometry.offset_of(piece) + u64::from(length);
        if !progress(Progress { done, total: info.geometry.total_len() }) {
            return Err(ErrorKind::Cancelled.into());
        }
    }
    let short_files = reader.short_files();
    bad_files.extend(&short_files);
    bad_files.retain(|f| metainfo.files().get(f.idx()).is_some_and(|f| !f.attr.padding));
    bad_files.sort_unstable();
    bad_files.dedup();
    Ok(CheckReport { good, bad_files, short_files })
}

struct Reader<'a> {
    metainfo: &'a Metainfo,
    dir: &'a Path,
    open: Option<(FileIndex, File)>,
}

impl Reader<'_> {
    fn path(&self, file: FileIndex) -> PathBuf {
        let path = self.metainfo.files().get(file.idx()).map_or("", |f| f.path.as_str());
        self.dir.join(path)
    }

    /// A piece's bytes; `None` when a file is missing or short.
    fn piece(&mut self, piece: PieceIndex, length: u32) -> Result<Option<Vec<u8>>, Error> {
        let mut data = Vec::with_capacity(length as usize);
        let spans: Vec<FileSpan> = self.metainfo.info().spans(piece, 0, length).collect();
        for span in spans {
            let before = data.len();
            let end = before + usize::try_from(span.length).unwrap_or(usize::MAX);
            data.resize(end, 0);
            let padding =
                self.metainfo.files().get(span.file.idx()).is_some_and(|f| f.attr.padding);
            let Some(part) = data.get_mut(before..end) else { return Ok(None) };
            if !padding && !self.span(span, part)? {
                return Ok(None);
            }
        }
        Ok(Some(data))
    }

    fn span(&mut self, span: FileSpan, out: &mut [u8]) -> Result<bool, Error> {
        let path = self.path(span.file);
        let mut file = match self.open.take() {
            Some((open, file)) if open == span.file => file,
            _ => match File::open(&path) {
                Ok(file) => file,
                Err(e) if is_absent(&e) => return Ok(false),
                Err(e) => return Err(Error::io(&e, path)),
            },
        };
        file.seek(SeekFrom::Start(span.offset)).map_err(|e| Error::io(&e, &path))?;
        match file.read_exact(out) {
            Ok(()) => {}
            Err(e) if e.kind() == IoKind::UnexpectedEof => return Ok(false),
            Err(e) => return Err(Error::io(&e, path)),
        }
        self.open = Some((span.file, file));
        Ok(true)
    }

    /// Also finds empty files that are missing: no piece shows those.
    fn short_files(&self) -> Vec<FileIndex> {
        let files = self.metainfo.files().iter().zip(0..);
        files
            .filter(|(f, _)| !f.attr.padding && !f.attr.symlink)
            .filter(|(f, i)| {
                std::fs::metadata(self.path(FileIndex(*i))).map_or(true, |m| m.len() < f.length)
            })
            .map(|(_, i)| FileIndex(i))
            .collect()
    }
}

fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), IoKind::NotFound | IoKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::TorrentBuilder;

    #[test]
    fn changed_short_and_missing_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("t");
        std::fs::create_dir(&root).unwrap();
        for (name, len) in [("a", 20_000), ("b", 16_384), ("c", 0), ("d", 50_000)] {
            std::fs::write(root.join(name), vec![1; len]).unwrap();
        }
        let mut builder = TorrentBuilder::new(&root);
        builder.set_piece_length(Some(16384)).unwrap().set_padding(true);
        let torrent = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        let names = |report: &CheckReport, list: fn(&CheckReport) -> &Vec<FileIndex>| {
            let files = list(report).iter().map(|f| torrent.files()[f.idx()].path.clone());
            files.collect::<Vec<_>>()
        };
        let report = check_files(&torrent, dir.path(), |_| true).unwrap();
        assert!(report.is_complete() && report.bad_files.is_empty());
        std::fs::write(root.join("d"), vec![1; 49_999]).unwrap();
        std::fs::write(root.join("b"), vec![2; 16_384]).unwrap();
        std::fs::remove_file(root.join("c")).unwrap();
        let report = check_files(&torrent, dir.path(), |_| true).unwrap();
        assert!(!report.is_complete());
        assert_eq!(names(&report, |r| &r.bad_files), ["t/b", "t/c", "t/d"]);
        assert_eq!(names(&report, |r| &r.short_files), ["t/c", "t/d"]);
    }
}

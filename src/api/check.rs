//! Checking files against a torrent without a session.

use std::path::Path;

use super::Metainfo;
use super::create::Progress;
use crate::base::{Bitset, FileIndex, PieceIndex};
use crate::engine::content::{Content, Effort, Place};
use crate::engine::error::Error;

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

/// Hashes the content in `dir`, with threads of its own that end with it, and compares. `progress`
/// is called on the calling thread, several times a second, and returns false to cancel. Files
/// that are missing or short count as bad; other errors of the system end it.
pub fn check_files(
    metainfo: &Metainfo,
    dir: impl AsRef<Path>,
    mut progress: impl FnMut(Progress) -> bool,
) -> Result<CheckReport, Error> {
    let (info, dir) = (metainfo.info(), dir.as_ref());
    let places = metainfo.files().iter().map(|file| Place {
        offset: file.offset,
        length: file.length,
        path: (!file.attr.padding).then(|| dir.join(&file.path)),
    });
    let (geometry, places) = (info.geometry, places.collect());
    let content = Content { geometry, places, must_exist: false };
    let total = geometry.total_len();
    let told = |done| progress(Progress { done, total });
    let digests = content.digests(0..info.piece_count(), Effort::default(), told)?;
    let mut good = Bitset::new(info.piece_count());
    let mut bad_files: Vec<FileIndex> = Vec::new();
    for (piece, digest) in (0..).map(PieceIndex).zip(&digests) {
        if digest.is_some() && digest.as_ref() == info.pieces.get(piece.idx()) {
            good.set(piece.0, true);
        } else {
            let length = geometry.len_of(piece);
            bad_files.extend(info.spans(piece, 0, length).map(|span| span.file));
        }
    }
    let short_files = short_files(metainfo, &content);
    bad_files.extend(&short_files);
    bad_files.retain(|f| metainfo.files().get(f.idx()).is_some_and(|f| !f.attr.padding));
    bad_files.sort_unstable();
    bad_files.dedup();
    Ok(CheckReport { good, bad_files, short_files })
}

/// Also finds empty files that are missing: no piece shows those.
fn short_files(metainfo: &Metainfo, content: &Content) -> Vec<FileIndex> {
    let files = metainfo.files().iter().zip(&content.places).zip(0..);
    files
        .filter(|((file, _), _)| !file.attr.symlink)
        .filter(|((file, place), _)| {
            let path = place.path.as_ref();
            path.is_some_and(|p| std::fs::metadata(p).map_or(true, |m| m.len() < file.length))
        })
        .map(|(_, i)| FileIndex(i))
        .collect()
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

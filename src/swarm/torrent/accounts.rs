//! Priorities of files and pieces, and the byte counts that follow from them and from what we have.
//!
//! Counts are kept as pieces come and go, because a session asks for the status of thousands of
//! torrents. Deliberately absent: picking.

use crate::base::{Bitset, FileIndex, PieceIndex};
use crate::codec::metainfo::Info;
use crate::codec::resume::Resume;

/// Priority of whatever was not given one.
pub(super) const DEFAULT: u8 = 4;
/// Highest priority.
pub(super) const HIGHEST: u8 = 7;

/// Priorities and counts.
#[derive(Debug)]
pub(super) struct Accounts {
    /// One per file.
    pub(super) file_priority: Vec<u8>,
    /// Priorities set piece by piece; empty when none is.
    own: Vec<Option<u8>>,
    /// Bytes of each file in pieces we have.
    pub(super) file_have: Vec<u64>,
    pub(super) bytes_have: u64,
    /// Bytes in files with a priority.
    pub(super) wanted_len: u64,
    pub(super) wanted_have: u64,
    /// Bytes of pieces wanted and missing.
    pub(super) left: u64,
}

impl Accounts {
    /// Priorities from the host, else from saved state.
    pub(super) fn new(info: &Info, files: Option<&[u8]>, resume: Option<&Resume>) -> Self {
        let given =
            files.or_else(|| resume.map(|r| r.file_priority.as_slice())).unwrap_or_default();
        let file_priority = (0..info.files.len())
            .map(|i| given.get(i).copied().unwrap_or(DEFAULT).min(HIGHEST))
            .collect();
        let mut this = Self {
            file_priority,
            own: Vec::new(),
            file_have: vec![0; info.files.len()],
            bytes_have: 0,
            wanted_len: 0,
            wanted_have: 0,
            left: 0,
        };
        if let (None, Some(resume)) = (files, resume) {
            for (piece, priority) in (0..info.piece_count()).zip(&resume.piece_priority) {
                let piece = PieceIndex(piece);
                if this.piece_priority(info, piece) != *priority {
                    this.set_piece(info, piece, *priority);
                }
            }
        }
        this.recount(info, &Bitset::new(info.piece_count()));
        this
    }

    /// Whether no file is unwanted.
    pub(super) fn all_wanted(&self) -> bool {
        self.file_priority.iter().all(|priority| *priority > 0)
    }

    /// Its own priority when set, else the highest of its files; a piece of padding alone is wanted
    /// when any file is.
    pub(super) fn piece_priority(&self, info: &Info, piece: PieceIndex) -> u8 {
        if let Some(Some(own)) = self.own.get(piece.idx()) {
            return *own;
        }
        let of_file = |file: FileIndex| {
            let padding = info.files.get(file.idx()).is_some_and(|f| f.attr.padding);
            self.file_priority.get(file.idx()).copied().filter(|_| !padding)
        };
        let spans = info.spans(piece, 0, info.geometry.len_of(piece));
        spans.filter_map(|s| of_file(s.file)).max().unwrap_or_else(|| {
            let wanted = self.file_priority.iter().any(|p| *p > 0);
            if wanted { DEFAULT } else { 0 }
        })
    }

    /// Sets a piece's own priority.
    pub(super) fn set_piece(&mut self, info: &Info, piece: PieceIndex, priority: u8) {
        if self.own.is_empty() {
            self.own = vec![None; info.piece_count() as usize];
        }
        if let Some(own) = self.own.get_mut(piece.idx()) {
            *own = Some(priority.min(HIGHEST));
        }
    }

    /// Sets a file's priority; the pieces of the file lose their own ones.
    pub(super) fn set_file(&mut self, info: &Info, file: FileIndex, priority: u8) -> bool {
        let Some(slot) = self.file_priority.get_mut(file.idx()) else { return false };
        *slot = priority.min(HIGHEST);
        for piece in info.pieces_of(file) {
            if let Some(own) = self.own.get_mut(PieceIndex(piece).idx()) {
                *own = None;
            }
        }
        true
    }

    /// Effective priorities of all pieces for the saved state; empty when no piece has its own.
    pub(super) fn saved_piece_priorities(&self, info: &Info) -> Vec<u8> {
        if self.own.iter().all(Option::is_none) {
            return Vec::new();
        }
        (0..info.piece_count()).map(|p| self.piece_priority(info, PieceIndex(p))).collect()
    }

    /// Counts everything anew, after a change of priorities.
    pub(super) fn recount(&mut self, info: &Info, have: &Bitset) {
        self.file_have.iter_mut().for_each(|n| *n = 0);
        self.bytes_have = 0;
        self.wanted_have = 0;
        self.wanted_len = info
            .files
            .iter()
            .zip(&self.file_priority)
            .filter(|(f, p)| !f.attr.padding && **p > 0)
            .map(|(f, _)| f.length)
            .sum();
        self.left = (0..info.piece_count())
            .map(PieceIndex)
            .filter(|p| self.piece_priority(info, *p) > 0)
            .map(|p| u64::from(info.geometry.len_of(p)))
            .sum();
        for piece in have.iter() {
            self.gained(info, PieceIndex(piece));
        }
    }

    /// We have a piece more. Returns files that are complete now.
    pub(super) fn gained(&mut self, info: &Info, piece: PieceIndex) -> Vec<FileIndex> {
        let length = info.geometry.len_of(piece);
        self.bytes_have += u64::from(length);
        if self.piece_priority(info, piece) > 0 {
            self.left -= u64::from(length);
        }
        let mut complete = Vec::new();
        for span in info.spans(piece, 0, length) {
            let Some(file) = info.files.get(span.file.idx()) else { continue };
            let Some(have) = self.file_have.get_mut(span.file.idx()) else { continue };
            *have += span.length;
            if file.attr.padding {
                continue;
            }
            if *have == file.length {
                complete.push(span.file);
            }
            if self.file_priority.get(span.file.idx()).is_some_and(|p| *p > 0) {
                self.wanted_have += span.length;
            }
        }
        complete
    }

    /// We have a piece less.
    pub(super) fn lost(&mut self, info: &Info, piece: PieceIndex) {
        let length = info.geometry.len_of(piece);
        self.bytes_have -= u64::from(length);
        if self.piece_priority(info, piece) > 0 {
            self.left += u64::from(length);
        }
        for span in info.spans(piece, 0, length) {
            let Some(file) = info.files.get(span.file.idx()) else { continue };
            if let Some(have) = self.file_have.get_mut(span.file.idx()) {
                *have -= span.length;
            }
            let wanted = self.file_priority.get(span.file.idx()).is_some_and(|p| *p > 0);
            if wanted && !file.attr.padding {
                self.wanted_have -= span.length;
            }
        }
    }
}

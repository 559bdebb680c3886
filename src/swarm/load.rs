//! What to believe at start: saved state against the files found, as a pure function.
//!
//! A save says which pieces were durable and what the files looked like. A file that differs now
//! was either written by ourselves after the save (the process was killed) or by somebody else. The
//! two are told apart by what we never do: a file all of whose pieces were saved is not written
//! again, and after a *clean* save (pause, close) nothing is written at all. Only a file still
//! being fetched, of a save that was not clean, may have grown or become newer; its saved pieces
//! stay trusted because we never write into a piece we have. That holds under the strict policy
//! too, which only makes a real difference cost everything. Pieces that were under way at the time
//! of the save are listed in it (`dirty`) and hashed. Deliberately absent: hashing, and acting on
//! the plan.

use crate::base::{Bitset, FileIndex, FileStat, PieceIndex};
use crate::codec::metainfo::Info;
use crate::codec::resume::Resume;

use super::types::LoadPolicy;

/// What to do with each piece before the torrent runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Trusted without hashing.
    pub restored: Bitset,
    /// To be hashed.
    pub check: Bitset,
    /// Of those, pieces the saved state claimed: not finding one is worth a notice.
    pub expected: Bitset,
    /// Partly received pieces and their blocks on disk; some may be in `check` too and matter when
    /// that fails.
    pub unfinished: Vec<(PieceIndex, Bitset)>,
    /// Saved state that could not be taken as it was.
    pub rejected: Option<Rejected>,
}

/// Why saved state was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Only the pieces of some files, not everything.
    pub partial: bool,
    /// First file.
    pub file: FileIndex,
    /// One line.
    pub reason: String,
    /// Pieces lost to it.
    pub pieces: u32,
}

/// Makes the plan. `stats` holds one entry per file, `priorities` too (missing ones count as
/// wanted).
#[must_use]
pub fn plan(
    info: &Info,
    resume: Option<&Resume>,
    stats: &[Option<FileStat>],
    priorities: &[u8],
    policy: LoadPolicy,
) -> Plan {
    let count = info.piece_count();
    let saved = resume.filter(|r| !r.seed_mode).and_then(|r| Some((r, r.have(count)?)));
    let Some((resume, (have, covered))) = saved else {
        return from_files(info, stats, priorities);
    };
    let mut claimed = have;
    let mut check = Bitset::new(count);
    let tern = resume.tern.as_ref();
    // Our own blobs say themselves how far a check came; others are covered as far as they reach.
    let covered = tern.map_or(covered, |t| t.checked_up_to.unwrap_or(count).min(count));
    for piece in covered..count {
        check.set(piece, true);
    }
    for &piece in tern.map_or(&[][..], |t| &t.dirty) {
        check.set(piece, true);
    }
    let mut expected = check.clone();
    expected.intersect(&claimed);
    let mut unfinished = unfinished(info, resume, &claimed);
    let changed = match policy {
        LoadPolicy::Trust => Vec::new(),
        LoadPolicy::PerFile | LoadPolicy::Strict => {
            changed_files(info, resume, stats, &claimed, policy)
        }
    };
    let mut rejected = None;
    if let Some((file, reason)) = changed.first().cloned() {
        let mut lost = Bitset::new(count);
        let partial = policy != LoadPolicy::Strict;
        if partial {
            for (file, _) in &changed {
                info.pieces_of(*file).for_each(|p| _ = lost.set(p, true));
            }
        } else {
            lost = Bitset::full(count);
        }
        unfinished.retain(|(p, _)| !lost.get(p.0));
        lost.intersect(&claimed);
        check.union(&lost);
        expected.union(&lost);
        if !partial {
            check.union(&present(info, stats, priorities));
        }
        rejected = Some(Rejected { partial, file, reason, pieces: lost.count() });
    }
    claimed.subtract(&check);
    Plan { restored: claimed, check, expected, unfinished, rejected }
}

/// Without saved state: whatever could be there has to be looked at.
fn from_files(info: &Info, stats: &[Option<FileStat>], priorities: &[u8]) -> Plan {
    let count = info.piece_count();
    Plan {
        restored: Bitset::new(count),
        check: present(info, stats, priorities),
        expected: Bitset::new(count),
        unfinished: Vec::new(),
        rejected: None,
    }
}

fn priority(priorities: &[u8], file: FileIndex) -> u8 {
    priorities.get(file.idx()).copied().unwrap_or(4)
}

fn is_padding(info: &Info, file: FileIndex) -> bool {
    info.files.get(file.idx()).is_some_and(|f| f.attr.padding)
}

fn size_of(stats: &[Option<FileStat>], file: FileIndex) -> Option<u64> {
    stats.get(file.idx()).copied().flatten().map(|s| s.size)
}

/// Whether the files are long enough to hold the piece. Unwanted files may live in the part store
/// and padding is not stored: both are taken as there.
fn fits(info: &Info, stats: &[Option<FileStat>], priorities: &[u8], piece: PieceIndex) -> bool {
    info.spans(piece, 0, info.geometry.len_of(piece)).all(|span| {
        is_padding(info, span.file)
            || priority(priorities, span.file) == 0
            || size_of(stats, span.file).is_some_and(|size| size >= span.offset + span.length)
    })
}

/// Pieces that may be on disk, judged by the files' sizes. Empty when no file holds a byte.
fn present(info: &Info, stats: &[Option<FileStat>], priorities: &[u8]) -> Bitset {
    let mut set = Bitset::new(info.piece_count());
    if !stats.iter().flatten().any(|s| s.size > 0) {
        return set;
    }
    for piece in 0..info.piece_count() {
        if fits(info, stats, priorities, PieceIndex(piece)) {
            set.set(piece, true);
        }
    }
    set
}

/// Pieces in `have` that the files are too short for now: to be hashed after an error.
#[must_use]
pub fn shortfall(
    info: &Info,
    have: &Bitset,
    stats: &[Option<FileStat>],
    priorities: &[u8],
) -> Vec<u32> {
    have.iter().filter(|p| !fits(info, stats, priorities, PieceIndex(*p))).collect()
}

fn unfinished(info: &Info, resume: &Resume, have: &Bitset) -> Vec<(PieceIndex, Bitset)> {
    let mut out = Vec::new();
    let mut seen = Bitset::new(info.piece_count());
    for (piece, mask) in &resume.unfinished {
        let piece = PieceIndex(*piece);
        if !info.geometry.contains(piece) || have.get(piece.0) {
            continue;
        }
        let blocks = info.geometry.block_count(piece);
        let mut set = Bitset::new(blocks);
        for (byte, base) in mask.iter().zip((0u32..).step_by(8)) {
            (0..8)
                .filter(|bit| byte & (0x80 >> bit) != 0)
                .for_each(|b| _ = set.set(base + b, true));
        }
        if !set.none() && seen.set(piece.0, true) {
            out.push((piece, set));
        }
    }
    out
}

/// Files that are not what the saved state says and whose difference is not our own doing, with
/// why.
fn changed_files(
    info: &Info,
    resume: &Resume,
    stats: &[Option<FileStat>],
    have: &Bitset,
    policy: LoadPolicy,
) -> Vec<(FileIndex, String)> {
    let ours = resume.tern.as_ref().filter(|t| t.files.len() == info.files.len());
    let mut out = Vec::new();
    for (index, entry) in (0u32..).zip(&info.files) {
        let file = FileIndex(index);
        if entry.attr.padding {
            continue;
        }
        let now = stats.get(file.idx()).copied().flatten();
        let reason = match ours {
            Some(tern) => {
                let was = tern.files.get(file.idx()).copied().flatten();
                let writing = !tern.clean && !info.pieces_of(file).all(|p| have.get(p));
                differs(was, now, writing)
            }
            None => foreign_differs(info, file, now, have),
        };
        let touched = policy == LoadPolicy::Strict
            || info.pieces_of(file).any(|p| have.get(p))
            || resume.unfinished.iter().any(|(p, _)| info.pieces_of(file).contains(p));
        if let Some(reason) = reason.filter(|_| touched) {
            out.push((file, reason));
        }
    }
    out
}

/// Our own record of a file against what is there.
fn differs(was: Option<(u64, i128)>, now: Option<FileStat>, writing: bool) -> Option<String> {
    match (was, now) {
        (None, None) => None,
        (Some(_), None) => Some("file is missing".into()),
        (None, Some(_)) if writing => None,
        (None, Some(_)) => Some("file appeared".into()),
        (Some((size, mtime)), Some(now)) => {
            if writing && now.size >= size && now.mtime_ns >= mtime {
                None
            } else if now.size != size {
                Some(format!("size is {} instead of {size}", now.size))
            } else if now.mtime_ns != mtime {
                Some("modification time differs".into())
            } else {
                None
            }
        }
    }
}

/// Another program's blob has no record of files: they must be long enough for the pieces claimed.
fn foreign_differs(
    info: &Info,
    file: FileIndex,
    now: Option<FileStat>,
    have: &Bitset,
) -> Option<String> {
    let need = info
        .pieces_of(file)
        .filter(|p| have.get(*p))
        .flat_map(|p| {
            let piece = PieceIndex(p);
            info.spans(piece, 0, info.geometry.len_of(piece)).filter(|s| s.file == file)
        })
        .map(|s| s.offset + s.length)
        .max()?;
    match now {
        None => Some("file is missing".into()),
        Some(s) if s.size < need => Some(format!("size is {}, pieces need {need}", s.size)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests;

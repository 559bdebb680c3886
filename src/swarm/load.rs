//! What to believe at start: saved state against the files found, as a pure function.
//!
//! A save says which pieces were durable and what the files looked like. A file that differs now
//! was either written by ourselves after the save (the process was killed) or by somebody else.
//!
//! With a journal the two are told apart exactly: a piece is entered before it is written, so a
//! file that differs and holds no piece of the window was changed by somebody else. The pieces of
//! the window and those under way at the time of the save (`dirty`) are hashed, and no others.
//!
//! Without one, by what we never do: a file all of whose pieces were saved is not written again,
//! and after a *clean* save (pause, close) nothing is written at all. Only a file still being
//! fetched, of a save that was not clean, may have grown or become newer; pieces of it that were
//! not claimed may be complete by now and are hashed.
//!
//! Either way saved pieces of such a file stay trusted because we never write into a piece that
//! saved state claims. That holds under the strict policy too, which only makes a real difference
//! cost everything. Deliberately absent: hashing, and acting on the plan.

use std::collections::BTreeSet;

use crate::base::{Bitset, FileIndex, FileStat, Look, PieceIndex};
use crate::codec::metainfo::Info;
use crate::codec::resume::Resume;

use super::types::{LoadPolicy, SavedWindow};

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
    /// Seed mode: of what is restored, the pieces hashed since; the others are not before they are
    /// asked for.
    pub verified: Option<Bitset>,
}

/// What there is to plan from.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Saved state.
    pub resume: Option<&'a Resume>,
    /// What the journal has.
    pub window: Option<&'a SavedWindow>,
    /// The host says that complete files are right.
    pub seed_mode: bool,
    /// One entry per file.
    pub stats: &'a [Option<FileStat>],
    /// One per file, missing ones count as wanted.
    pub priorities: &'a [u8],
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

/// Makes the plan.
#[must_use]
pub fn plan(info: &Info, found: Evidence<'_>, policy: LoadPolicy) -> Plan {
    let count = info.piece_count();
    let Evidence { resume, stats, priorities, .. } = found;
    if found.seed_mode || resume.is_some_and(|r| r.seed_mode) {
        return seeding(info, &found, policy);
    }
    let saved = resume.and_then(|r| Some((r, r.have(count)?)));
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
    let dirty = tern.map_or(&[][..], |t| &t.dirty);
    for &piece in dirty.iter().chain(window(resume, found.window)) {
        check.set(piece, true);
    }
    let mut expected = check.clone();
    expected.intersect(&claimed);
    let mut unfinished = unfinished(info, resume, &claimed);
    let ours = Ours::of(info, resume, found.window, &claimed);
    let changed = match policy {
        LoadPolicy::Trust => Vec::new(),
        LoadPolicy::PerFile | LoadPolicy::Strict => {
            changed_files(info, resume, stats, &claimed, &ours, policy)
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
    if ours.guessed {
        check.union(&forgotten(info, resume, &found, &ours, &claimed));
    }
    claimed.subtract(&check);
    Plan { restored: claimed, check, expected, unfinished, rejected, verified: None }
}

/// What the journal adds to the state: nothing when the state was made after all its entries.
fn window<'a>(resume: &Resume, window: Option<&'a SavedWindow>) -> &'a [u32] {
    let Some(window) = window else { return &[] };
    let settled = resume.tern.as_ref().and_then(|t| t.journal);
    if settled.is_some_and(|mark| mark >= window.mark) { &[] } else { &window.pieces }
}

/// Which files may differ by our own doing.
struct Ours {
    files: BTreeSet<FileIndex>,
    /// There was no journal to say so.
    guessed: bool,
}

impl Ours {
    fn of(info: &Info, resume: &Resume, saved: Option<&SavedWindow>, have: &Bitset) -> Self {
        let none = Self { files: BTreeSet::new(), guessed: false };
        let Some(tern) = &resume.tern else { return none };
        let mut files = BTreeSet::new();
        let mut add = |piece: u32| {
            let piece = PieceIndex(piece);
            let spans = info.spans(piece, 0, info.geometry.len_of(piece));
            files.extend(spans.map(|span| span.file));
        };
        window(resume, saved).iter().copied().for_each(&mut add);
        if tern.clean {
            return Self { files, guessed: false };
        }
        tern.dirty.iter().copied().for_each(&mut add);
        if tern.journal.is_some() && saved.is_some() {
            return Self { files, guessed: false };
        }
        let growing = |file: &FileIndex| !info.pieces_of(*file).all(|p| have.get(p));
        files.extend((0..).map(FileIndex).take(info.files.len()).filter(growing));
        Self { files, guessed: true }
    }
}

/// Pieces that no journal told us of and that may be complete: those of files that were written
/// since the state was saved.
fn forgotten(
    info: &Info,
    resume: &Resume,
    found: &Evidence<'_>,
    ours: &Ours,
    claimed: &Bitset,
) -> Bitset {
    let mut out = Bitset::new(info.piece_count());
    let Some(tern) = &resume.tern else { return out };
    for file in &ours.files {
        let was = tern.files.get(file.idx()).copied().flatten();
        let Some(now) = found.stats.get(file.idx()).copied().flatten() else { continue };
        if was == Some((now.size, now.mtime_ns)) || tern.files.len() != info.files.len() {
            continue;
        }
        let there = |p: &u32| fits(info, found.stats, found.priorities, PieceIndex(*p));
        let unclaimed = info.pieces_of(*file).filter(|p| !claimed.get(*p)).filter(there);
        unclaimed.for_each(|p| _ = out.set(p, true));
    }
    out
}

/// Seed mode: content whose wanted files are all there in full length is taken for good. Else it is
/// no seed, and looked at like content that nothing was saved of.
fn seeding(info: &Info, found: &Evidence<'_>, policy: LoadPolicy) -> Plan {
    let (stats, count) = (found.stats, info.piece_count());
    let bad = (0..).map(FileIndex).zip(&info.files).find(|(file, entry)| {
        let stored = !entry.attr.padding && entry.symlink.is_none();
        stored && size_of(stats, *file) != Some(entry.length)
    });
    let all_wanted = (0..info.files.len()).all(|i| found.priorities.get(i) != Some(&0));
    if let Some((file, _)) = bad.filter(|_| policy != LoadPolicy::Trust).or_else(|| {
        (!all_wanted).then(|| info.files.first().map(|entry| (FileIndex(0), entry))).flatten()
    }) {
        let reason = if all_wanted { "no complete file" } else { "not all files are wanted" };
        let rejected = Rejected { partial: false, file, reason: reason.into(), pieces: count };
        let plan = from_files(info, stats, found.priorities);
        return Plan { rejected: Some(rejected), ..plan };
    }
    let mut verified = Bitset::new(count);
    if let Some(resume) = found.resume.filter(|r| r.seed_mode) {
        (0..count).filter(|p| resume.is_verified(*p)).for_each(|p| _ = verified.set(p, true));
        let ours = Ours { files: BTreeSet::new(), guessed: false };
        let full = Bitset::full(count);
        // Whatever changed is to be looked at once more, when it is asked for.
        if resume.tern.is_some() && policy != LoadPolicy::Trust {
            for (file, _) in changed_files(info, resume, stats, &full, &ours, policy) {
                info.pieces_of(file).for_each(|p| _ = verified.set(p, false));
            }
        }
        window(resume, found.window).iter().for_each(|p| _ = verified.set(*p, false));
    }
    Plan {
        restored: Bitset::full(count),
        check: Bitset::new(count),
        expected: Bitset::new(count),
        unfinished: Vec::new(),
        rejected: None,
        verified: Some(verified),
    }
}

/// Whether the content's storage is absent, rather than files of it deleted: none of the files that
/// `have` needs is there, and the directory is not either, or it is on another file system than it
/// was (a disk that is not mounted leaves an empty directory).
#[must_use]
pub fn is_storage_missing(info: &Info, have: &Bitset, look: &Look, root: Option<u64>) -> bool {
    let needs = |file: FileIndex| info.pieces_of(file).any(|p| have.get(p));
    let stored = |at: &(u32, &crate::codec::metainfo::FileEntry)| {
        !at.1.attr.padding && at.1.symlink.is_none() && at.1.length > 0
    };
    let mut needed =
        (0..).zip(&info.files).filter(stored).map(|(i, _)| FileIndex(i)).filter(|f| needs(*f));
    let there = |file: FileIndex| look.files.get(file.idx()).copied().flatten().is_some();
    let Some(first) = needed.next() else { return false };
    if there(first) || needed.any(there) {
        return false;
    }
    look.root.is_none() || root.is_some_and(|was| look.root != Some(was))
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
        verified: None,
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
    writing: &Ours,
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
                differs(was, now, writing.files.contains(&file).then_some(writing.guessed))
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

/// Our own record of a file against what is there. `ours`: we may have written it since, and
/// whether that is a guess, to be backed by its age. The journal needs no such proof: clocks may be
/// set back.
fn differs(was: Option<(u64, i128)>, now: Option<FileStat>, ours: Option<bool>) -> Option<String> {
    match (was, now) {
        (None, None) => None,
        (Some(_), None) => Some("file is missing".into()),
        (None, Some(_)) if ours.is_some() => None,
        (None, Some(_)) => Some("file appeared".into()),
        (Some((size, mtime)), Some(now)) => {
            let later = |guessed: bool| !guessed || now.mtime_ns >= mtime;
            if now.size >= size && ours.is_some_and(later) {
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

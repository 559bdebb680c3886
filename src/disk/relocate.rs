//! Moving a torrent to another directory and renaming one of its files.
//!
//! `rename(2)` where it works; across file systems copy, sync, then delete. Nothing is ever
//! replaced. A copy has a name of its own until it is whole, so that one that a kill cuts short is
//! known as ours; one that got its name is taken for what it is by the next attempt. Whatever fails
//! half-way is undone as far as it can be, and the torrent goes on where it was. Deliberately
//! absent: progress reports.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::disk_error;
use super::fences::{remove_empty, sync_dir};
use super::layout::{Entry, Layout, NewEntries, Place};
use super::storage::Storage;
use super::sys;
use crate::base::{AlignedBytes, DiskError, FileIndex, InfoHash};

/// Bytes copied at a time.
const COPY_LEN: usize = 1 << 20;

/// How a file got to its new place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Renamed,
    Copied,
    /// An earlier attempt had copied it.
    There,
}

/// One file's way.
pub(super) struct Step {
    /// `None`: the part store.
    pub(super) file: Option<FileIndex>,
    pub(super) from: Place,
    pub(super) to: Place,
}

impl Storage {
    /// Moves all files below `target`, and the part store if it lies beside them. Files renamed to
    /// absolute paths stay. Fails with `EEXIST`, moving nothing, when one of the destinations
    /// exists and is no copy that an earlier attempt has made.
    pub(super) fn relocate(&self, target: PathBuf) -> Result<PathBuf, DiskError> {
        let (old, new) = {
            let state = self.state.read();
            let old = state.layout.clone();
            let mut new = old.clone();
            new.save_path.clone_from(&target);
            if old.part_dir == old.save_path {
                new.part_dir.clone_from(&target);
            }
            (old, new)
        };
        if old.save_path == target {
            return Ok(target);
        }
        let steps = self.steps(&old, &new)?;
        self.release();
        let mut entries = NewEntries::new();
        let done = carry(&steps, self.info.info_hash, &mut entries)?;
        finish(&steps, &done, &entries)?;
        let from: Vec<Place> = steps.into_iter().map(|s| s.from).collect();
        remove_empty(&from);
        let mut unsynced = self.unsynced.lock();
        unsynced.dirs.append(&mut entries);
        // A copy has another time stamp.
        unsynced.touched.extend(self.indexes().map(|file| file.0));
        drop(unsynced);
        self.remake_links(&old, &new);
        self.state.write().layout = new;
        if self.state.read().prepared {
            // The content has moved, so the job succeeded; a missing link only misses a name.
            self.links().for_each(|file| drop(self.prepare_file(file)));
        }
        Ok(target)
    }

    fn links(&self) -> impl Iterator<Item = FileIndex> {
        self.indexes().filter(|f| self.info.files.get(f.idx()).is_some_and(|e| e.symlink.is_some()))
    }

    /// Takes the old place's links away; `prepare_file` makes them at the new one.
    fn remake_links(&self, old: &Layout, new: &Layout) {
        for file in self.links() {
            if let (Ok(from), Ok(to)) = (old.place(file), new.place(file))
                && from != to
            {
                // A link left behind harms nobody.
                drop(self.remove_own(file, &from));
                remove_empty(&[from]);
            }
        }
    }

    /// What has to move: the files that exist.
    fn steps(&self, old: &Layout, new: &Layout) -> Result<Vec<Step>, DiskError> {
        let mut steps = Vec::new();
        for file in self.indexes().filter(|f| old.is_below(*f)) {
            if self.stat_file(old, file)?.is_some() {
                let from = old.place(file).map_err(|e| self.path_error("rename", file, &e))?;
                let to = new.place(file).map_err(|e| self.path_error("rename", file, &e))?;
                steps.push(Step { file: Some(file), from, to });
            }
        }
        let (from, to) = (old.part_store(), new.part_store());
        let stored = from.entry(None).and_then(|e| sys::stat(&e.dir, &e.name));
        if from != to && stored.is_ok() {
            steps.push(Step { file: None, from, to });
        }
        for step in &steps {
            let taken = step.to.entry(None).and_then(|e| sys::stat(&e.dir, &e.name)).is_ok();
            if taken && !step.is_there() {
                let e = io::Error::from_raw_os_error(libc::EEXIST);
                return Err(step.error("rename", &e));
            }
        }
        Ok(steps)
    }

    /// Gives one file another path, absolute or below the save path.
    pub(super) fn rename(&self, file: FileIndex, path: &str) -> Result<(), DiskError> {
        let fail = |e: &io::Error| disk_error("rename", Some(file), Path::new(path), e);
        let old = self.state.read().layout.clone();
        let mut new = old.clone();
        new.rename(file, path).map_err(|e| fail(&e))?;
        let from = old.place(file).map_err(|e| fail(&e))?;
        let to = new.place(file).map_err(|e| fail(&e))?;
        if from.path() == to.path() {
            self.state.write().layout = new;
            return Ok(());
        }
        let taken =
            self.indexes().any(|f| f != file && old.place(f).is_ok_and(|p| p.path() == to.path()));
        if taken {
            return Err(fail(&io::Error::from_raw_os_error(libc::EEXIST)));
        }
        let mut entries = NewEntries::new();
        if self.stat_file(&old, file)?.is_some() {
            self.shared.files.close((self.id.0, file.0));
            let steps = [Step { file: Some(file), from: from.clone(), to }];
            let done = carry(&steps, self.info.info_hash, &mut entries)?;
            finish(&steps, &done, &entries)?;
        } else {
            // Nothing to move; a link is taken away and made anew.
            self.remake_links(&old, &new);
        }
        remove_empty(&[from]);
        let mut unsynced = self.unsynced.lock();
        unsynced.dirs.append(&mut entries);
        unsynced.touched.insert(file.0);
        drop(unsynced);
        self.state.write().layout = new;
        let absent = self.stat_file(&self.state.read().layout, file).is_ok_and(|s| s.is_none());
        let mut state = self.state.write();
        let unwanted = absent && state.priorities.get(file.idx()) == Some(&0);
        if let Some(flag) = state.unwanted.get_mut(file.idx()) {
            *flag = unwanted;
        }
        let prepared = state.prepared;
        drop(state);
        if prepared { self.prepare_file(file) } else { Ok(()) }
    }
}

impl Step {
    pub(super) fn error(&self, op: &'static str, e: &io::Error) -> DiskError {
        disk_error(op, self.file, &self.to.path(), e)
    }

    /// Whether an earlier attempt has copied it to another file system: what is there has the
    /// length and the time stamp of the original, which a copy gets last.
    fn is_there(&self) -> bool {
        let look = |place: &Place| place.stat().ok().filter(|(kind, _)| *kind == libc::S_IFREG);
        let system = |place: &Place| sys::file_system(place.path().parent()?).ok().flatten();
        let same = look(&self.to).is_some_and(|to| look(&self.from) == Some(to));
        same && system(&self.from).zip(system(&self.to)).is_some_and(|(from, to)| from != to)
    }

    /// What the copy is called until it is whole.
    fn half(&self, owner: InfoHash) -> io::Result<CString> {
        let part = self.file.map_or_else(|| "parts".to_owned(), |file| file.0.to_string());
        sys::cstr(format!(".tern-moving-{owner}-{part}").as_bytes())
    }

    /// Takes away what an attempt that was cut short has left of a copy.
    pub(super) fn clean(&self, owner: InfoHash) {
        if let (Ok(to), Ok(half)) = (self.to.entry(None), self.half(owner)) {
            drop(sys::unlink(&to.dir, &half, false));
        }
    }
}

/// Renames or copies every file; undoes it all on the first failure.
pub(super) fn carry(
    steps: &[Step],
    owner: InfoHash,
    entries: &mut NewEntries,
) -> Result<Vec<How>, DiskError> {
    let mut done = Vec::with_capacity(steps.len());
    for step in steps {
        match carry_one(step, owner, entries) {
            Ok(how) => done.push(how),
            Err(e) => {
                undo(steps, &done);
                return Err(step.error("rename", &e));
            }
        }
    }
    Ok(done)
}

fn carry_one(step: &Step, owner: InfoHash, entries: &mut NewEntries) -> io::Result<How> {
    let from = step.from.entry(None)?;
    let to = step.to.entry(Some(entries))?;
    let renamed = || sys::rename((&from.dir, &from.name), (&to.dir, &to.name));
    let how = if step.is_there() {
        sys::open_file(&to.dir, &to.name, libc::O_RDONLY, 0)?.sync_all()?;
        How::There
    } else {
        match renamed() {
            Err(e) if e.raw_os_error() == Some(libc::EXDEV) => {
                copy(&from, &to, &step.half(owner)?)?;
                How::Copied
            }
            other => other.map(|()| How::Renamed)?,
        }
    };
    for path in [step.to.path(), step.from.path()] {
        entries.extend(path.parent().map(Path::to_owned));
    }
    Ok(how)
}

/// Undoes the first steps, last first; what cannot be undone stays at its new place.
fn undo(steps: &[Step], done: &[How]) {
    for (step, how) in steps.iter().zip(done).rev() {
        let (Ok(from), Ok(to)) = (step.from.entry(None), step.to.entry(None)) else { continue };
        // The error that led here is the one to report.
        match how {
            How::Renamed => drop(sys::rename((&to.dir, &to.name), (&from.dir, &from.name))),
            How::Copied => drop(sys::unlink(&to.dir, &to.name, false)),
            How::There => {}
        }
    }
    let to: Vec<Place> = steps.iter().map(|s| s.to.clone()).collect();
    remove_empty(&to);
}

/// Deletes the originals of copies once the copies' directory entries are durable.
pub(super) fn finish(steps: &[Step], done: &[How], entries: &NewEntries) -> Result<(), DiskError> {
    if done.iter().all(|how| *how == How::Renamed) {
        return Ok(());
    }
    if let Err(e) = entries.iter().try_for_each(|dir| sync_dir(dir)) {
        undo(steps, done);
        return Err(e);
    }
    for (step, _) in steps.iter().zip(done).filter(|(_, how)| **how != How::Renamed) {
        // An original left behind costs space only.
        drop(step.from.entry(None).and_then(|from| sys::unlink(&from.dir, &from.name, false)));
    }
    Ok(())
}

/// Copies a file with its holes, permissions and times, and makes it durable.
fn copy(from: &Entry, to: &Entry, half: &CStr) -> io::Result<()> {
    let source = sys::open_file(&from.dir, &from.name, libc::O_RDONLY, 0)?;
    // Of an attempt that was cut short; nobody else has such a name.
    drop(sys::unlink(&to.dir, half, false));
    let create = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
    let target = sys::open_file(&to.dir, half, create, 0o600)?;
    fill(&source, &target)
        .and_then(|()| sys::rename((&to.dir, half), (&to.dir, &to.name)))
        .inspect_err(|_| drop(sys::unlink(&to.dir, half, false)))
}

fn fill(source: &File, target: &File) -> io::Result<()> {
    let meta = source.metadata()?;
    copy_content(source, target, meta.len())?;
    target.set_permissions(meta.permissions())?;
    target.set_modified(meta.modified()?)?;
    target.sync_all()
}

fn copy_content(source: &File, target: &File, len: u64) -> io::Result<()> {
    target.set_len(len)?;
    let mut buf = AlignedBytes::zeroed(COPY_LEN);
    let mut at = 0;
    while at < len {
        let take = usize::try_from((len - at).min(COPY_LEN as u64)).unwrap_or(COPY_LEN);
        let chunk = buf.get_mut(..take).unwrap_or_default();
        source.read_exact_at(chunk, at)?;
        // Zeros are left as a hole, so a sparse file stays sparse.
        if chunk.iter().any(|b| *b != 0) {
            sys::write_all_at(target, &[chunk], at)?;
        }
        at += take as u64;
    }
    Ok(())
}

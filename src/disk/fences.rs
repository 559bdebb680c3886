//! The jobs that run alone in their torrent: stat, prepare, sync, priorities, rename, delete.
//!
//! Deliberately absent: moving (see `relocate`), the order of jobs.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::error::{disk_error, is_absent};
use super::files::PART_STORE;
use super::layout::{NewEntries, Place};
use super::parts::PartTable;
use super::storage::{Counters, State, Storage};
use super::sys;
use crate::base::{AlignedBytes, Bitset, DiskError, FileIndex, Look, PieceIndex, Synced};

/// Bytes copied at a time out of the part store.
const COPY_LEN: usize = 256 * 1024;

/// The file system of a directory, as it was a moment ago.
pub(super) struct Root {
    path: PathBuf,
    root: Option<u64>,
}

impl Storage {
    /// All files' indexes.
    pub(super) fn indexes(&self) -> impl Iterator<Item = FileIndex> + use<> {
        (0..u32::try_from(self.info.files.len()).unwrap_or(u32::MAX)).map(FileIndex)
    }

    /// The state of every file. `seen`: what the last look of this batch found of a file system,
    /// which is good enough where everything is in its place: a session that begins with many
    /// torrents mostly has them in one directory.
    pub(super) fn look(&self, seen: &mut Option<Root>) -> Result<Look, DiskError> {
        let state = self.state.read();
        let files = self.indexes().map(|file| self.stat_file(&state.layout, file));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let path = &state.layout.save_path;
        let whole = || self.indexes().zip(&files).all(|(f, s)| s.is_some() || self.is_virtual(f));
        let root = match seen {
            Some(seen) if seen.path == *path && whole() => seen.root,
            _ => {
                // After the files: one that is missing from a file system that is gone by now must
                // not be taken for deleted.
                let root = self.root(&state)?;
                *seen = Some(Root { path: path.clone(), root });
                root
            }
        };
        Ok(Look { files, root })
    }

    /// The number of the file system the content is on.
    fn root(&self, state: &State) -> Result<Option<u64>, DiskError> {
        let path = &state.layout.save_path;
        sys::file_system(path).map_err(|e| disk_error("stat", None, path, &e))
    }

    /// Creates empty files and links of wanted files, reserves space when that is wanted, and
    /// finishes raising files a crash interrupted. Files with content are not extended otherwise:
    /// sparse files grow by being written.
    pub(super) fn prepare(&self) -> Result<(), DiskError> {
        self.state.write().prepared = true;
        self.finish_raising()?;
        self.indexes().try_for_each(|file| self.prepare_file(file))
    }

    /// Finishes raising files a crash interrupted.
    pub(super) fn finish_raising(&self) -> Result<(), DiskError> {
        let interrupted = self.parts.lock().files();
        for file in interrupted.into_iter().map(FileIndex) {
            if self.priority(file) > 0 {
                self.raise(file)?;
            }
        }
        Ok(())
    }

    fn priority(&self, file: FileIndex) -> u8 {
        self.state.read().priorities.get(file.idx()).copied().unwrap_or(0)
    }

    /// `prepare` for one file.
    pub(super) fn prepare_file(&self, file: FileIndex) -> Result<(), DiskError> {
        let state = self.state.read();
        let Some(entry) = self.info.files.get(file.idx()) else { return Ok(()) };
        if state.priorities.get(file.idx()) == Some(&0) || entry.attr.padding {
            return Ok(());
        }
        if entry.symlink.is_some() {
            return self.make_link(&state, file);
        }
        if entry.length == 0 {
            return self.content_file(&state, file, true).map(drop);
        }
        if self.preallocate {
            let opened = self.content_file(&state, file, true)?;
            let error =
                |op, e: &io::Error| disk_error(op, Some(file), &self.path_of(&state, file), e);
            let size = opened.metadata().map_err(|e| error("stat", &e))?.len();
            if size < entry.length {
                sys::allocate(&opened, entry.length).map_err(|e| error("allocate", &e))?;
                self.unsynced.lock().files.insert(file.0);
            }
        }
        Ok(())
    }

    /// Makes a link of BEP 47, unless something has its name already or it would leave the root.
    fn make_link(&self, state: &State, file: FileIndex) -> Result<(), DiskError> {
        let Some(target) = state.layout.link_target(file) else { return Ok(()) };
        let place = self.place(state, "open", file)?;
        let mut new = NewEntries::new();
        let made = place.entry(Some(&mut new)).and_then(|e| sys::symlink(&target, &e.dir, &e.name));
        let path = place.path();
        match made {
            Ok(()) => new.extend(path.parent().map(Path::to_owned)),
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
            Err(e) => return Err(disk_error("open", Some(file), &path, &e)),
        }
        self.unsynced.lock().dirs.append(&mut new);
        Ok(())
    }

    /// Makes everything durable. After a failure the system takes the pages it could not write for
    /// written, and would call the next sync a success: so the next one first writes again what was
    /// unsynced then.
    pub(super) fn sync(&self) -> Result<Synced, DiskError> {
        Counters::add(&self.shared.counters.syncs, 1);
        self.write_lost_again()?;
        let (files, dirs) = {
            let mut unsynced = self.unsynced.lock();
            let files: Vec<u32> = unsynced.files.union(&unsynced.checked_files).copied().collect();
            unsynced.touched.extend(files.iter().filter(|f| **f != PART_STORE));
            (files, unsynced.dirs.clone())
        };
        if files.len() > 1 {
            files.iter().for_each(|file| self.begin_writing(*file));
        }
        let mut failure = None;
        for file in files {
            let synced = self.sync_file(file);
            let mut unsynced = self.unsynced.lock();
            unsynced.checked_files.remove(&file);
            match synced {
                Ok(()) => drop(unsynced.files.remove(&file)),
                // Nothing of ours was in it: the states say that it is gone.
                Err(e) if is_absent(&e) && !unsynced.files.contains(&file) => {}
                Err(e) => {
                    unsynced.files.insert(file);
                    drop(unsynced);
                    self.note_lost(file);
                    failure = failure.or(Some(e));
                }
            }
        }
        for dir in dirs {
            match sync_dir(&dir) {
                Ok(()) => drop(self.unsynced.lock().dirs.remove(&dir)),
                Err(e) => failure = failure.or(Some(e)),
            }
        }
        if let Some(e) = failure {
            return Err(e);
        }
        let mut unsynced = self.unsynced.lock();
        unsynced.pieces.clear();
        unsynced.checked.clear();
        let touched = std::mem::take(&mut unsynced.touched);
        drop(unsynced);
        self.stat_touched(&touched).inspect_err(|_| self.unsynced.lock().touched.extend(&touched))
    }

    fn stat_touched(&self, touched: &BTreeSet<u32>) -> Result<Synced, DiskError> {
        let state = self.state.read();
        let stat = |file: &u32| {
            let file = FileIndex(*file);
            Ok((file, self.stat_file(&state.layout, file)?))
        };
        let files = touched.iter().map(stat).collect::<Result<_, _>>()?;
        Ok(Synced { files, root: self.root(&state)? })
    }

    /// Gives a file's writing a head start.
    fn begin_writing(&self, file: u32) {
        let state = self.state.read();
        let opened = match file {
            PART_STORE => self.part_file(false),
            file => self.content_file(&state, FileIndex(file), false),
        };
        if let Ok(opened) = opened {
            sys::begin_writing(&opened);
        }
    }

    fn sync_file(&self, file: u32) -> Result<(), DiskError> {
        let state = self.state.read();
        let (opened, index, path) = if file == PART_STORE {
            (self.part_file(false), None, state.layout.part_store().path())
        } else {
            let index = FileIndex(file);
            // A file that vanished since cannot be made durable; creating it again would hide that.
            let opened = self.content_file(&state, index, false);
            (opened, Some(index), self.path_of(&state, index))
        };
        opened?.sync_all().map_err(|e| disk_error("sync", index, &path, &e))?;
        Counters::add(&self.shared.counters.files_synced, 1);
        Ok(())
    }

    fn note_lost(&self, file: u32) {
        let mut unsynced = self.unsynced.lock();
        let unsynced = &mut *unsynced;
        let all = 0..u32::MAX;
        let range = if file == PART_STORE { all } else { self.info.pieces_of(FileIndex(file)) };
        let written = unsynced.pieces.range(range.clone()).map(|(p, blocks)| (*p, blocks.clone()));
        // What was only hashed may be unsynced by a process before this one.
        let whole = |p: &u32| (*p, Bitset::full(self.info.geometry.block_count(PieceIndex(*p))));
        for (piece, blocks) in written.chain(unsynced.checked.range(range).map(whole)) {
            match unsynced.lost.entry(piece) {
                Entry::Vacant(entry) => _ = entry.insert(blocks),
                Entry::Occupied(mut entry) => entry.get_mut().union(&blocks),
            }
        }
    }

    /// Closes the torrent's open files.
    pub(super) fn release(&self) {
        self.shared.files.close_torrent(self.id.0);
    }

    /// Takes new priorities. A file raised from 0 gets its bytes out of the part store before this
    /// returns; one lowered to 0 stays if it exists.
    pub(super) fn set_priorities(&self, mut priorities: Vec<u8>) -> Result<(), DiskError> {
        priorities.resize(self.info.files.len(), 4);
        let raised: Vec<FileIndex> = self
            .indexes()
            .filter(|f| self.priority(*f) == 0)
            .filter(|f| priorities.get(f.idx()).is_some_and(|p| *p > 0))
            .collect();
        let moved = raised.iter().try_for_each(|file| self.raise(*file));
        if moved.is_ok() {
            self.state.write().priorities = priorities;
        }
        // Also after a failure: some files may exist now.
        let unwanted = self.find_unwanted(&self.state.read());
        let mut state = self.state.write();
        match unwanted {
            Ok(unwanted) => state.unwanted = unwanted,
            // Unreachable directories: what may exist counts as existing, so that nothing is
            // hidden.
            Err(_) => {
                let State { unwanted, priorities, .. } = &mut *state;
                unwanted.iter_mut().zip(priorities).for_each(|(flag, p)| *flag &= *p == 0);
            }
        }
        let prepared = state.prepared;
        drop(state);
        moved?;
        let mut late = raised.into_iter().filter(|_| prepared);
        late.try_for_each(|file| self.prepare_file(file))
    }

    /// Moves a file's bytes out of the part store: copied, made durable, and only then freed.
    fn raise(&self, file: FileIndex) -> Result<(), DiskError> {
        let records = self.parts.lock().of_file(file.0);
        if records.is_empty() {
            return Ok(());
        }
        let state = self.state.read();
        let error = |op, e: &io::Error| disk_error(op, Some(file), &self.path_of(&state, file), e);
        let store = self.part_file(true)?;
        let target = self.content_file(&state, file, true)?;
        self.unsynced.lock().files.extend([file.0, PART_STORE]);
        let mut buf = AlignedBytes::zeroed(COPY_LEN);
        for (piece, record) in records {
            let len = self.info.geometry.len_of(PieceIndex(piece));
            let part = self.info.spans(PieceIndex(piece), 0, len);
            let Some(span) = part.into_iter().find(|s| s.file == file) else { continue };
            let mut done = 0;
            while done < span.length {
                let take = (span.length - done).min(COPY_LEN as u64);
                let take = usize::try_from(take).unwrap_or(COPY_LEN);
                let chunk = buf.get_mut(..take).unwrap_or_default();
                std::os::unix::fs::FileExt::read_exact_at(&*store, chunk, record.data() + done)
                    .map_err(|e| error("read", &e))?;
                sys::write_all_at(&target, &[chunk], span.offset + done)
                    .map_err(|e| error("write", &e))?;
                done += take as u64;
            }
        }
        target.sync_data().map_err(|e| error("sync", &e))?;
        let dirs = self.unsynced.lock().dirs.clone();
        dirs.iter().try_for_each(|dir| sync_dir(dir))?;
        let mut parts = self.parts.lock();
        parts.free(&store, file.0).map_err(|e| error("write", &e))?;
        store.sync_data().map_err(|e| error("sync", &e))?;
        if parts.is_empty() {
            *parts = PartTable::default();
            self.has_parts.store(false, Ordering::Release);
            drop(parts);
            let place = state.layout.part_store();
            drop(store);
            self.remove_part_store(&place)?;
        }
        Ok(())
    }

    /// Removes the part store's file, if there is one.
    pub(super) fn remove_part_store(&self, place: &Place) -> Result<(), DiskError> {
        self.shared.files.close((self.id.0, PART_STORE));
        self.unsynced.lock().files.remove(&PART_STORE);
        let removed = place.entry(None).and_then(|e| sys::unlink(&e.dir, &e.name, false));
        match removed.map_err(|e| disk_error("remove", None, &place.path(), &e)) {
            Err(e) if !is_absent(&e) => Err(e),
            _ => Ok(()),
        }
    }

    /// Deletes the torrent's own files, its part store, and the directories that are empty then.
    /// Goes on after an error and reports the first.
    pub(super) fn delete(&self) -> Result<(), DiskError> {
        self.release();
        let mut failure = None;
        let mut dirs: Vec<Place> = Vec::new();
        {
            let state = self.state.read();
            for file in self.indexes() {
                let Ok(place) = state.layout.place(file) else { continue };
                if self.info.files.get(file.idx()).is_none_or(|f| f.attr.padding) {
                    continue;
                }
                if let Err(e) = self.remove_own(file, &place) {
                    failure = failure.or(Some(e));
                }
                dirs.push(place);
            }
            remove_empty(&dirs);
            let store = state.layout.part_store();
            *self.parts.lock() = PartTable::default();
            self.has_parts.store(false, Ordering::Release);
            if let Err(e) = self.remove_part_store(&store) {
                failure = failure.or(Some(e));
            }
        }
        *self.unsynced.lock() = Default::default();
        let unwanted = self.find_unwanted(&self.state.read());
        match unwanted {
            Ok(unwanted) => self.state.write().unwanted = unwanted,
            Err(e) => failure = failure.or(Some(e)),
        }
        failure.map_or(Ok(()), Err)
    }

    /// Removes one file if it is what the torrent would have put there.
    pub(super) fn remove_own(&self, file: FileIndex, place: &Place) -> Result<(), DiskError> {
        let link = self.info.files.get(file.idx()).is_some_and(|f| f.symlink.is_some());
        let own = if link { libc::S_IFLNK } else { libc::S_IFREG };
        let removed = place.entry(None).and_then(|entry| {
            let (kind, _) = sys::stat(&entry.dir, &entry.name)?;
            if kind == own { sys::unlink(&entry.dir, &entry.name, false) } else { Ok(()) }
        });
        match removed.map_err(|e| disk_error("remove", Some(file), &place.path(), &e)) {
            Err(e) if !is_absent(&e) && e.os_errno != libc::ELOOP => Err(e),
            _ => Ok(()),
        }
    }
}

/// Removes the directories between these places and their bases that are empty, deepest first.
pub(super) fn remove_empty(places: &[Place]) {
    let mut dirs: Vec<(&Path, PathBuf)> = places
        .iter()
        .flat_map(|p| p.parents().map(|dir| (p.base.as_path(), dir.to_owned())))
        .collect();
    dirs.sort_unstable_by(|a, b| (b.1.components().count(), b).cmp(&(a.1.components().count(), a)));
    dirs.dedup();
    for (base, below) in dirs {
        let place = Place { base: base.to_owned(), below };
        if let Ok(entry) = place.entry(None) {
            // Not empty is the common and welcome case; a leftover directory harms nobody.
            drop(sys::unlink(&entry.dir, &entry.name, true));
        }
    }
}

/// Makes a directory's entries durable. One that is gone has none.
pub(super) fn sync_dir(path: &Path) -> Result<(), DiskError> {
    let synced = sys::open_dir(path).and_then(|dir| std::fs::File::from(dir).sync_all());
    match synced {
        // Some file systems cannot sync directories and say so.
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::EINVAL)) => Ok(()),
        other => other.map_err(|e| disk_error("sync", None, path, &e)),
    }
}

//! Where the files of a torrent are when a move or rename may have been cut short.
//!
//! A move begins only where none of its destinations exists, and takes an original away only when
//! its copy is durable. So once a file is at the new place and not at the old one, the move had
//! begun, and whatever else lies at the new place is of that move: a copy is whole when it has the
//! time stamp, which it gets last. Deliberately absent: who remembers that there was a move.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::disk_error;
use super::layout::{Layout, NewEntries, Place};
use super::relocate::{Step, carry, finish};
use super::sys;
use crate::base::{DiskError, FileIndex, FileStat};
use crate::codec::metainfo::Info;

/// Where saved state says that the files of a torrent are.
#[derive(Clone, Debug)]
pub struct Places {
    /// The torrent.
    pub info: Arc<Info>,
    /// Directory of the content.
    pub save_path: PathBuf,
    /// Other paths of files.
    pub renamed: Vec<(FileIndex, String)>,
}

impl Places {
    fn layout(&self, save_path: PathBuf) -> Layout {
        let mut layout = Layout::new(Arc::clone(&self.info), save_path.clone(), save_path);
        for (file, path) in &self.renamed {
            // One that cannot be used is told when the torrent is opened.
            let _ = layout.rename(*file, path);
        }
        layout
    }

    /// Files that are stored below the content's directory.
    fn stored<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = FileIndex> + 'a {
        let count = u32::try_from(self.info.files.len()).unwrap_or(u32::MAX);
        (0..count).map(FileIndex).filter(|file| layout.is_below(*file)).filter(|file| {
            let file = self.info.files.get(file.idx());
            file.is_some_and(|f| !f.attr.padding && f.symlink.is_none())
        })
    }

    /// Whether a file is where `other` says and not where this says: what leads from here to there
    /// has begun, and so all that was to happen before it is over.
    ///
    /// # Errors
    /// When that cannot be seen.
    pub fn has_left_for(&self, other: &Self) -> Result<bool, DiskError> {
        let here = self.layout(self.save_path.clone());
        let there = other.layout(other.save_path.clone());
        for file in self.stored(&here) {
            let (Ok(from), Ok(to)) = (here.place(file), there.place(file)) else { continue };
            let look = |place: &Place| {
                found(place).map_err(|e| disk_error("stat", Some(file), &place.path(), &e))
            };
            if look(&from)?.is_none() && look(&to)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the files are at `to` by now. A move that was cut short is finished, or taken back
    /// where it cannot be; nothing is touched that is in one piece. `known`: whether a file was
    /// there before.
    ///
    /// # Errors
    /// When the content is in two places and stays there; when some of it is in neither and `to` is
    /// not there, which may be a disk that is not mounted.
    pub fn settle_move(
        &self,
        to: PathBuf,
        known: impl Fn(FileIndex) -> bool,
    ) -> Result<bool, DiskError> {
        let reachable = to.is_dir();
        let (old, new) = (self.layout(self.save_path.clone()), self.layout(to));
        let mut pairs: Vec<_> = self
            .stored(&old)
            .filter_map(|file| Some((Some(file), old.place(file).ok()?, new.place(file).ok()?)))
            .collect();
        pairs.push((None, old.part_store(), new.part_store()));
        let (mut left, mut moved) = (Vec::new(), Vec::new());
        let mut halves = Vec::new();
        for (file, from, to) in pairs {
            let step = Step { file, from, to };
            let look = |place: &Place| found(place).map_err(|e| step.error("stat", &e));
            match (look(&step.from)?, look(&step.to)?) {
                (None, None) => {
                    if !reachable && step.file.is_some_and(&known) {
                        let e = io::Error::from_raw_os_error(libc::ENOENT);
                        return Err(step.error("stat", &e));
                    }
                }
                (Some(_), None) => left.push(step),
                (None, Some(_)) => moved.push(step),
                (Some(was), Some(is)) if was == is => {}
                (Some(_), Some(_)) => halves.push(step),
            }
        }
        if moved.is_empty() {
            left.iter().for_each(|step| step.clean(self.info.info_hash));
            return Ok(false);
        }
        for half in &halves {
            remove(&half.to).map_err(|e| half.error("rename", &e))?;
        }
        left.append(&mut halves);
        if left.is_empty() || self.go(&left).is_ok() {
            return Ok(true);
        }
        let back = |Step { file, from, to }: Step| Step { file, from: to, to: from };
        let back: Vec<Step> = moved.into_iter().map(back).collect();
        self.go(&back).map(|()| false)
    }

    fn go(&self, steps: &[Step]) -> Result<(), DiskError> {
        let mut entries = NewEntries::new();
        let done = carry(steps, self.info.info_hash, &mut entries)?;
        finish(steps, &done, &entries)
    }

    /// Whether `file` is at `to` by now, and not where it was.
    ///
    /// # Errors
    /// When that cannot be seen, or `to` is no path for a file.
    pub fn settle_rename(&self, file: FileIndex, to: &str) -> Result<bool, DiskError> {
        let old = self.layout(self.save_path.clone());
        let mut new = old.clone();
        let named = new.rename(file, to).and_then(|()| Ok((old.place(file)?, new.place(file)?)));
        let (from, to) = named.map_err(|e| disk_error("rename", Some(file), to.as_ref(), &e))?;
        let look = |place: &Place| {
            found(place).map_err(|e| disk_error("stat", Some(file), &place.path(), &e))
        };
        Ok(look(&from)?.is_none() && look(&to)?.is_some())
    }
}

/// What is at a place; `None` when nothing is.
fn found(place: &Place) -> io::Result<Option<FileStat>> {
    match place.stat() {
        Ok((_, stat)) => Ok(Some(stat)),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(e) => Err(e),
    }
}

fn remove(place: &Place) -> io::Result<()> {
    let entry = place.entry(None)?;
    sys::unlink(&entry.dir, &entry.name, false)
}

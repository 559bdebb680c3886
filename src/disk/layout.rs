//! Where a torrent's files are, and how to reach them without being led astray.
//!
//! A place is a directory the host named (trusted, links in it are followed) plus components below
//! it that a torrent named (not trusted: each is opened by `openat` with `O_NOFOLLOW`, so that a
//! link a torrent made, BEP 47, never carries a read or a write out of the save path). Deliberately
//! absent: open descriptors of content files, priorities.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CString, OsStr};
use std::io::{self, Error};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::sys;
use crate::base::{FileIndex, FileStat};
use crate::codec::metainfo::Info;

/// The directories in which something was created and that no sync has covered yet.
pub(super) type NewEntries = BTreeSet<PathBuf>;

/// One file's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The directory the host named.
    pub(super) base: PathBuf,
    /// The path below it.
    pub(super) below: PathBuf,
}

/// A file's directory, open, and its name in it.
pub(super) struct Entry {
    /// The directory.
    pub(super) dir: OwnedFd,
    /// The name.
    pub(super) name: CString,
}

impl Place {
    /// The whole path, for messages and for directories to sync.
    pub(super) fn path(&self) -> PathBuf {
        self.base.join(&self.below)
    }

    /// What is there: its `st_mode` format bits and state. The base may be a link; nothing below it
    /// is followed.
    pub(super) fn stat(&self) -> io::Result<(libc::mode_t, FileStat)> {
        if self.parents().next().is_none() {
            // Nothing between the two that could be a link: one call, no directory to open.
            return sys::stat_path(&sys::cstr(self.path().as_os_str().as_bytes())?);
        }
        self.entry(None).and_then(|entry| sys::stat(&entry.dir, &entry.name))
    }

    /// The directories between the base and the file, deepest first.
    pub(super) fn parents(&self) -> impl Iterator<Item = &Path> {
        self.below.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty())
    }

    /// Opens the file's directory. `create`: makes missing directories and notes where.
    pub(super) fn entry(&self, mut create: Option<&mut NewEntries>) -> io::Result<Entry> {
        let mut dir = match (sys::open_dir(&self.base), create.as_deref_mut()) {
            (Err(e), Some(new)) if e.raw_os_error() == Some(libc::ENOENT) => {
                make_base(&self.base, new)?;
                sys::open_dir(&self.base)?
            }
            (other, _) => other?,
        };
        let mut at = self.base.clone();
        let mut parts = self.below.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(part) = part else { break };
            let name = sys::cstr(part.as_bytes())?;
            if parts.peek().is_none() {
                return Ok(Entry { dir, name });
            }
            let next = match (sys::open_subdir(&dir, &name), create.as_deref_mut()) {
                (Err(e), Some(new)) if e.raw_os_error() == Some(libc::ENOENT) => {
                    match sys::mkdir(&dir, &name) {
                        // Another thread made it between the two calls.
                        Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
                        other => other?,
                    }
                    new.insert(at.clone());
                    sys::open_subdir(&dir, &name)?
                }
                (other, _) => other?,
            };
            at.push(part);
            dir = next;
        }
        Err(Error::from_raw_os_error(libc::EINVAL))
    }
}

/// Makes the host's directory and its missing parents.
fn make_base(base: &Path, new: &mut NewEntries) -> io::Result<()> {
    let missing: Vec<_> = base.ancestors().take_while(|p| !p.exists()).collect();
    std::fs::create_dir_all(base)?;
    new.extend(missing.into_iter().filter_map(Path::parent).map(|parent| {
        let here = parent.as_os_str().is_empty();
        if here { PathBuf::from(".") } else { parent.to_owned() }
    }));
    Ok(())
}

/// All places of one torrent.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    info: Arc<Info>,
    /// Where relative paths start.
    pub(super) save_path: PathBuf,
    /// Where the part store is.
    pub(super) part_dir: PathBuf,
    renamed: HashMap<u32, PathBuf>,
}

impl Layout {
    /// The metainfo's places below `save_path`.
    pub(super) fn new(info: Arc<Info>, save_path: PathBuf, part_dir: PathBuf) -> Self {
        Self { info, save_path, part_dir, renamed: HashMap::new() }
    }

    /// The place of `file`; `EINVAL` when there is no such file or its path is not usable.
    pub(super) fn place(&self, file: FileIndex) -> io::Result<Place> {
        let place = match self.renamed.get(&file.0) {
            Some(path) if path.is_absolute() => {
                let name = path.file_name().map(PathBuf::from).unwrap_or_default();
                Place { base: path.parent().unwrap_or(path).to_owned(), below: name }
            }
            Some(path) => Place { base: self.save_path.clone(), below: path.clone() },
            None => {
                let entry = self.info.files.get(file.idx());
                let path = entry.map(|f| PathBuf::from(&f.path)).unwrap_or_default();
                Place { base: self.save_path.clone(), below: path }
            }
        };
        // The metainfo parser promises safe paths; that promise is cheap to check where it matters.
        if is_plain(&place.below) { Ok(place) } else { Err(Error::from_raw_os_error(libc::EINVAL)) }
    }

    /// Gives `file` another path; `EINVAL` unless it is absolute or stays below the save path.
    pub(super) fn rename(&mut self, file: FileIndex, path: &str) -> io::Result<()> {
        let path = PathBuf::from(path);
        let usable = if path.is_absolute() {
            path.file_name().is_some() && !path.components().any(|c| c == Component::ParentDir)
        } else {
            is_plain(&path)
        };
        if !usable || file.idx() >= self.info.files.len() {
            return Err(Error::from_raw_os_error(libc::EINVAL));
        }
        self.renamed.insert(file.0, path);
        Ok(())
    }

    /// Whether `file` moves when the save path does.
    pub(super) fn is_below(&self, file: FileIndex) -> bool {
        !self.renamed.get(&file.0).is_some_and(|p| p.is_absolute())
    }

    /// The part store's place.
    pub(super) fn part_store(&self) -> Place {
        let name = format!(".{}.parts", self.info.info_hash);
        Place { base: self.part_dir.clone(), below: PathBuf::from(name) }
    }

    /// Where the link `file` (BEP 47) points, relative to the directory it lies in; `None` when it
    /// would leave the torrent's root or was renamed out of it.
    pub(super) fn link_target(&self, file: FileIndex) -> Option<CString> {
        let target = PathBuf::from(self.info.files.get(file.idx())?.symlink.as_ref()?);
        if !is_plain(&target) || !self.is_below(file) {
            return None;
        }
        let depth = self.place(file).ok()?.parents().count();
        let mut path = PathBuf::new();
        (0..depth).for_each(|_| path.push(".."));
        if self.info.multi_file {
            path.push(&self.info.name);
        }
        path.push(target);
        sys::cstr(path.as_os_str().as_bytes()).ok()
    }
}

/// Whether a path is relative, not empty and made of ordinary names only.
fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    !bytes.is_empty()
        && !bytes.contains(&0)
        && path.components().all(|c| matches!(c, Component::Normal(_)))
        && path.file_name().is_some_and(|n| n != OsStr::new(""))
}

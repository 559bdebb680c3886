//! Where a client has put the files of a torrent, and what they look like now.
//!
//! Names differ in three ways: a client renamed the torrent or a file and says so; it made a name
//! safe in its own way; or it marks what is not finished with an ending. The first two become
//! renamed files in our resume data, the third is undone by a rename, as the client itself would do
//! at the end.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::base::FileStat;
use crate::codec::clients::Place;
use crate::codec::metainfo::{FileEntry, Info};
use crate::engine::path_from_bytes;

/// The files of a torrent.
#[derive(Debug)]
pub(super) struct Located {
    /// Directory of the content.
    pub(super) save_path: PathBuf,
    /// By file; empty when it has its own name.
    pub(super) mapped: Vec<String>,
    /// By file, without padding.
    pub(super) stats: Vec<Option<FileStat>>,
    /// To be done before the torrent is started.
    pub(super) renames: Vec<(PathBuf, PathBuf)>,
}

impl Located {
    /// Whether any file is there.
    pub(super) fn any(&self) -> bool {
        self.stats.iter().any(Option::is_some)
    }
}

/// Finds the files. `mapped` are names from the client, by file.
pub(super) fn locate(
    info: &Info,
    place: &Place,
    mapped: &[String],
    endings: &[&str],
    keep_names: bool,
) -> Located {
    let (save_path, top) = top_of(info, place);
    let mut out = Located { save_path, mapped: Vec::new(), stats: Vec::new(), renames: Vec::new() };
    for (file, index) in info.files.iter().zip(0_usize..) {
        let said = mapped.get(index).filter(|path| is_path(path)).cloned();
        let found = out.find(info, file, said, &top, endings);
        let name = match &found.plain {
            Some(plain) if !keep_names && out.unmark(&found, plain) => plain.clone(),
            _ => found.name,
        };
        out.mapped.push(if name == file.path { String::new() } else { name });
        out.stats.push(found.stat);
    }
    if out.mapped.iter().all(String::is_empty) {
        out.mapped = Vec::new();
    }
    out
}

/// What stands for the torrent's own name at the front of its files' paths.
enum Top {
    /// That name.
    Own,
    /// Another.
    Other(String),
    /// Nothing: the files are right in the save path.
    Nothing,
}

impl Top {
    /// The name of a file, when it is not its own.
    fn name(&self, info: &Info, file: &FileEntry) -> Option<String> {
        let (_, rest) = file.path.split_once('/').unwrap_or(("", &file.path));
        match self {
            Self::Own => None,
            Self::Other(name) if info.multi_file => Some(format!("{name}/{rest}")),
            Self::Other(name) => Some(name.clone()),
            Self::Nothing => Some(rest.to_owned()),
        }
    }
}

fn top_of(info: &Info, place: &Place) -> (PathBuf, Top) {
    match place {
        Place::Under(dir) => (path_from_bytes(dir), Top::Own),
        Place::Named { dir, name } => {
            let top = match core::str::from_utf8(name) {
                Ok(text) if text != info.name && name[..] != *info.name_raw => {
                    Top::Other(text.into())
                }
                _ => Top::Own,
            };
            (path_from_bytes(dir), top)
        }
        Place::Within(dir) if !info.multi_file => (path_from_bytes(dir), Top::Own),
        Place::Within(dir) => {
            let dir = path_from_bytes(dir);
            let named = dir.file_name().is_some_and(|name| name == info.name.as_str());
            match dir.parent().filter(|_| named) {
                Some(parent) => (parent.to_path_buf(), Top::Own),
                None => (dir, Top::Nothing),
            }
        }
    }
}

/// Whether a client's name for a file is one we can use too.
fn is_path(path: &str) -> bool {
    let inside = path.strip_prefix('/').unwrap_or(path);
    let bad = |part: &str| matches!(part, "" | "." | "..");
    !path.is_empty() && !path.contains('\0') && !inside.split('/').any(bad)
}

/// Where a file is.
struct Found {
    /// Relative to the save path.
    name: String,
    /// The name without the mark of being unfinished, when it has one.
    plain: Option<String>,
    stat: Option<FileStat>,
}

impl Located {
    /// Finds a file under the name that the client says, or else under those it may have.
    fn find(
        &self,
        info: &Info,
        file: &FileEntry,
        said: Option<String>,
        top: &Top,
        endings: &[&str],
    ) -> Found {
        // A client that keeps names of files keeps the mark in them.
        let marked = said.as_ref().and_then(|name| {
            let plain = endings.iter().find_map(|ending| name.strip_suffix(ending));
            plain.filter(|plain| is_path(plain) && *name != file.path).map(str::to_owned)
        });
        let renamed = said.is_some();
        let first = said.or_else(|| top.name(info, file)).unwrap_or_else(|| file.path.clone());
        let mut names = vec![(first.clone(), marked)];
        if !renamed && first == file.path {
            names.extend(raw_name(info, file).map(|name| (name, None)));
        }
        for (plain, _) in names.clone() {
            let with = |ending: &&str| (format!("{plain}{ending}"), Some(plain.clone()));
            names.extend(endings.iter().map(with));
        }
        if file.attr.padding {
            names.clear();
        }
        for (name, plain) in names {
            if let Some(stat) = stat(&self.save_path.join(&name)) {
                return Found { name, plain, stat: Some(stat) };
            }
        }
        Found { name: first, plain: None, stat: None }
    }

    /// Plans to take the mark of an unfinished file away; false when its name is taken.
    fn unmark(&mut self, found: &Found, plain: &str) -> bool {
        let (from, to) = (self.save_path.join(&found.name), self.save_path.join(plain));
        let free = to.symlink_metadata().is_err();
        if free {
            self.renames.push((from, to));
        }
        free
    }
}

/// The path as the torrent gives it, if it could be one.
fn raw_name(info: &Info, file: &FileEntry) -> Option<String> {
    let top = info.multi_file.then_some(&*info.name_raw);
    let parts: Option<Vec<&str>> = top
        .into_iter()
        .chain(file.path_raw.iter())
        .map(|part| core::str::from_utf8(part).ok().filter(|part| !part.contains('/')))
        .collect();
    let name = parts?.join("/");
    (name != file.path && !name.starts_with('/') && is_path(&name)).then_some(name)
}

fn stat(path: &Path) -> Option<FileStat> {
    let found = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let modified = found.modified().ok()?;
    let mtime_ns = match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    Some(FileStat { size: found.len(), mtime_ns })
}

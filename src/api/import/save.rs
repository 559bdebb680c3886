//! Into a state directory, and out of one: torrents with their resume data, without a session.
//!
//! The directory must not be in use by a session meanwhile.

use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::super::Metainfo;
use super::Imported;
use crate::base::InfoHash;
use crate::codec::resume::Resume;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::formats;
use crate::engine::path_from_bytes;
use crate::engine::store::{self, Change, Save};

/// A torrent in a state directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The torrent.
    pub metainfo: Metainfo,
    /// Its resume data.
    pub resume: Vec<u8>,
}

/// What a torrent's resume data says, in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeSummary {
    /// Pieces that are certain.
    pub have: u32,
    /// Pieces there are.
    pub pieces: u32,
    /// Directory of the content.
    pub save_path: PathBuf,
    /// Payload bytes sent in all sessions.
    pub uploaded: u64,
    /// Payload bytes received in all sessions.
    pub downloaded: u64,
}

impl Stored {
    /// What its resume data says.
    #[must_use]
    pub fn summary(&self) -> ResumeSummary {
        let pieces = self.metainfo.piece_count();
        let Ok(resume) = Resume::parse(&self.resume) else {
            return ResumeSummary { pieces, ..ResumeSummary::default() };
        };
        ResumeSummary {
            have: resume.have(pieces).map_or(0, |(have, _)| have.count()),
            pieces,
            save_path: path_from_bytes(&resume.save_path),
            uploaded: resume.total_uploaded,
            downloaded: resume.total_downloaded,
        }
    }
}

/// Puts an imported torrent into a state directory, where a session that is then given the torrent
/// finds it. Files are renamed as the import says. What is there already is left alone unless
/// `replace`.
///
/// # Errors
/// `Duplicate` when there is state of this torrent, `Io`.
pub fn import_into(state_dir: &Path, torrent: &Imported, replace: bool) -> Result<(), Error> {
    let info_hash = torrent.metainfo.info_hash();
    let store = store::open(state_dir)?;
    if !replace && store.load(&info_hash)?.is_some_and(|stored| stored.blob.is_some()) {
        let text = format!("there is state of {info_hash} already");
        return Err(Error::new(ErrorKind::Duplicate, text));
    }
    for (from, to) in &torrent.renames {
        std::fs::rename(from, to).map_err(|e| Error::io(&e, from))?;
    }
    write_file(&state_dir.join(format!("{info_hash}.torrent")), torrent.metainfo.bytes())?;
    let save = Save {
        info_hash,
        blob: Some(torrent.resume.clone().into()),
        settled: u64::MAX,
        metainfo: Some(Bytes::copy_from_slice(torrent.metainfo.bytes())),
        params: Some(torrent.resume.clone().into()),
        rank: Some(torrent.labels.queue.and_then(|n| i64::try_from(n).ok()).unwrap_or(0)),
    };
    store.commit(&[Change::Save(save)]).into_iter().collect()
}

/// Replaces the resume data of a torrent in a state directory by newer, durably: what a save hook
/// of a session without a state directory does with the blob it is given.
///
/// # Errors
/// `NotFound` when the directory does not know the torrent, `Resume` when the blob is not valid,
/// `InUse` when a session has the directory, `Io`.
pub fn store_resume(state_dir: &Path, blob: &[u8]) -> Result<(), Error> {
    let info_hash = Resume::parse(blob).map_err(formats::resume_error)?.info_hash;
    let store = store::open(state_dir)?;
    if store.load(&info_hash)?.is_none() {
        let text = format!("{}: {info_hash} is not known there", state_dir.display());
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    let blob = Some(Bytes::copy_from_slice(blob));
    store.commit(&[Change::Save(Save { info_hash, blob, ..Save::default() })]).into_iter().collect()
}

/// Replaces a file in one step, durably.
pub(in crate::api) fn write_file(path: &Path, data: &[u8]) -> Result<(), Error> {
    let mut temp = path.as_os_str().to_owned();
    temp.push(".new");
    let temp = PathBuf::from(temp);
    let write = || {
        let mut file = File::create(&temp)?;
        file.write_all(data)?;
        file.sync_all()?;
        std::fs::rename(&temp, path)?;
        #[cfg(unix)]
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|e: std::io::Error| Error::io(&e, path))
}

/// What [`stored`] found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Shelf {
    /// Torrents whose metainfo is known, in order of their info-hashes.
    pub torrents: Vec<Stored>,
    /// Others, and why they are of no use.
    pub unusable: Vec<(InfoHash, Error)>,
}

/// The torrents in a state directory. The metainfo is known when an import kept it, or the resume
/// data embeds it.
///
/// # Errors
/// `Io` when the directory cannot be read, `InUse` when a session has it.
pub fn stored(state_dir: &Path) -> Result<Shelf, Error> {
    let mut shelf = Shelf::default();
    // Looking makes no database where there is none.
    let failed = |e: std::io::Error| Error::io(&e, state_dir);
    let files = std::fs::read_dir(state_dir).map_err(failed)?;
    let holds = |path: &Path| {
        path.ends_with(store::DATABASE) || path.extension().is_some_and(|e| e == "resume")
    };
    if !files.flatten().any(|file| holds(&file.path())) {
        return Ok(shelf);
    }
    let store = store::open(state_dir)?;
    store.load_all(&mut |found| {
        match whole(&found) {
            Ok(torrent) => shelf.torrents.push(torrent),
            Err(error) => shelf.unusable.push((found.info_hash, error)),
        }
        ControlFlow::Continue(())
    })?;
    Ok(shelf)
}

/// A torrent whose resume data and metainfo are there and in order.
fn whole(found: &store::Stored) -> Result<Stored, Error> {
    let missing = || match &found.damage {
        Some(damage) => Error::new(ErrorKind::Resume, damage.as_str()),
        None => Error::new(ErrorKind::NotFound, "there is no resume data"),
    };
    let raw = found.blob.as_ref().ok_or_else(missing)?;
    let parsed = Resume::parse(raw).map_err(formats::resume_error)?;
    let metainfo = match &found.metainfo {
        Some(bytes) => Metainfo::parse(bytes)?,
        None => formats::from_resume(&parsed).map(Metainfo)?,
    };
    Ok(Stored { metainfo, resume: raw.to_vec() })
}

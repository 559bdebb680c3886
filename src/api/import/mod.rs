//! Taking over torrents from other clients.
//!
//! ```no_run
//! use libtern_doc as tern;
//! # mod libtern_doc { pub use ::tern::api::*; }
//!
//! fn main() -> Result<(), tern::Error> {
//!     let found = tern::Import::open("/srv/profile/qBittorrent", None)?;
//!     for torrent in found {
//!         match torrent {
//!             Ok(torrent) => tern::import_into("/var/lib/example".as_ref(), &torrent, false)?,
//!             Err(error) => eprintln!("{error}"),
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Reading changes nothing and hashes nothing: a file's place, size and time are all that is looked
//! at. Each torrent comes with its metainfo, its directory and resume data of ours, which is all
//! that [`AddTorrent`](super::AddTorrent) needs. The client should not be running: what it does
//! after it was read is not known here.
//!
//! Deliberately absent: the clients' formats (`codec::clients`), starting what was imported.

#[cfg(feature = "store")]
mod database;
mod folders;
mod locate;
mod read;
mod save;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use super::Metainfo;
use crate::engine::error::Error;

use folders::Job;
pub(super) use save::write_file;
pub use save::{ResumeSummary, Shelf, Stored, import_into, store_resume, stored};

pub use crate::codec::clients::Labels;

/// A client whose torrents can be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// qBittorrent 4 and 5, `BT_backup` or `torrents.db`.
    QBittorrent,
    /// Transmission 2.20 and later.
    Transmission,
    /// rtorrent.
    RTorrent,
    /// Deluge 1 and 2.
    Deluge,
    /// aria2.
    Aria2,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::QBittorrent, Self::Transmission, Self::RTorrent, Self::Deluge, Self::Aria2];

    /// Its name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::QBittorrent => "qbittorrent",
            Self::Transmission => "transmission",
            Self::RTorrent => "rtorrent",
            Self::Deluge => "deluge",
            Self::Aria2 => "aria2",
        }
    }

    /// The client of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.name().eq_ignore_ascii_case(name))
    }
}

/// Why one torrent cannot be taken over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImportError {
    /// The client's file that is the matter.
    pub source: PathBuf,
    /// The key or place in it; empty when the file as a whole is meant.
    pub field: String,
    /// One line.
    pub message: String,
}

impl ImportError {
    fn new(source: &Path, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { source: source.into(), field: field.into(), message: message.into() }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source.display())?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ImportError {}

/// A torrent as another client left it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The client's file it comes from.
    pub source: PathBuf,
    /// The torrent.
    pub metainfo: Metainfo,
    /// Directory of the content.
    pub save_path: PathBuf,
    /// Resume data of ours.
    pub resume: Vec<u8>,
    /// What its user says about it.
    pub labels: Labels,
    /// Stopped by the user.
    pub paused: bool,
    /// Pieces taken over without hashing.
    pub restored: u32,
    /// Pieces that will be hashed at the first start.
    pub check: u32,
    /// Pieces of which some blocks are taken over.
    pub partial: u32,
    /// Files to be renamed first, from and to: endings that mark unfinished files.
    pub renames: Vec<(PathBuf, PathBuf)>,
    /// What was not taken, or not trusted, and why; one line each.
    pub notes: Vec<String>,
}

/// The torrents of another client; an iterator that reads one at a time.
#[derive(Debug)]
pub struct Import {
    client: Client,
    jobs: std::vec::IntoIter<Job>,
    more: folders::Torrents,
    keep_names: bool,
}

impl Import {
    /// Looks into a client's folder (of its state, its configuration, or a file in it such as
    /// `torrents.db`) without reading torrents yet. Which client it is, is seen from the files when
    /// it is not said.
    ///
    /// # Errors
    /// `Io` when it cannot be read, `NotFound` when no client's files are there, `Invalid` when the
    /// file that lists the torrents cannot be used, `Unsupported` for a database in a build without
    /// SQLite.
    pub fn open(path: impl AsRef<Path>, client: Option<Client>) -> Result<Self, Error> {
        let (client, jobs) = folders::open(path.as_ref(), client)?;
        let more = folders::Torrents::default();
        Ok(Self { client, jobs: jobs.into_iter(), more, keep_names: false })
    }

    /// Looks for `.torrent` files here too, for clients that do not keep their own (aria2).
    ///
    /// # Errors
    /// `Io` when it cannot be read.
    pub fn add_torrents(&mut self, dir: impl AsRef<Path>) -> Result<(), Error> {
        self.more.add(dir.as_ref())
    }

    /// Leaves files that carry a mark of being unfinished (`.part`, `.!qB`) under that name for
    /// good, instead of renaming them.
    pub fn keep_names(&mut self, keep: bool) {
        self.keep_names = keep;
    }

    /// Whose torrents these are.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client
    }
}

impl Iterator for Import {
    type Item = Result<Imported, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        let job = self.jobs.next()?;
        Some(read::torrent(job, &self.more, self.keep_names))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.jobs.size_hint()
    }
}

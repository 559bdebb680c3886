//! The errors of the public faces: a kind with a stable number, and what is known besides.

use std::fmt;
use std::path::PathBuf;

use crate::base::{DiskError, TorrentId};

/// What kind of failure. The numbers are those of the C constants, frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorKind {
    /// An argument is not valid.
    Invalid = -1,
    /// A defect of the library was caught.
    Panic = -2,
    /// The session was made by a parent process.
    Forked = -3,
    /// The torrent or request is not there any more.
    Gone = -4,
    /// Not allowed inside an inline hook.
    Reentrant = -5,
    /// The session is closing or closed.
    Closed = -6,
    /// Time is up.
    Timeout = -7,
    /// No option has this id or name.
    UnknownOption = -8,
    /// A number or index is out of its range.
    Range = -9,
    /// The option's value has another type.
    Type = -10,
    /// The session has this torrent already.
    Duplicate = -11,
    /// Not a valid `.torrent` file.
    Metainfo = -12,
    /// Not valid resume data, or for another torrent.
    Resume = -13,
    /// The system refused an operation.
    Io = -14,
    /// Known, but not something this library does.
    Unsupported = -15,
    /// Nothing was found.
    NotFound = -16,
    /// The host cancelled it.
    Cancelled = -17,
    /// Not possible in the present state.
    State = -18,
    /// The header and the library do not fit together.
    Version = -19,
    /// Another session or process uses the state directory.
    InUse = -20,
    /// The state directory has a database that is not for this library.
    Store = -21,
    /// The torrent's metadata is not here yet.
    NoMetadata = -23,
    /// Not a valid magnet link, or one that names no torrent.
    Magnet = -24,
    /// Too much is going on.
    Busy = -25,
    /// A node of the network refused.
    Refused = -26,
    /// A tracker refused, or gave no answer.
    Tracker = -27,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::Invalid,
        Self::Panic,
        Self::Forked,
        Self::Gone,
        Self::Reentrant,
        Self::Closed,
        Self::Timeout,
        Self::UnknownOption,
        Self::Range,
        Self::Type,
        Self::Duplicate,
        Self::Metainfo,
        Self::Resume,
        Self::Io,
        Self::Unsupported,
        Self::NotFound,
        Self::Cancelled,
        Self::State,
        Self::Version,
        Self::InUse,
        Self::Store,
        Self::NoMetadata,
        Self::Magnet,
        Self::Busy,
        Self::Refused,
        Self::Tracker,
    ];

    /// The stable number, negative.
    #[must_use]
    pub fn code(self) -> i32 {
        self as i32
    }

    /// One line for people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Invalid => "an argument is not valid",
            Self::Panic => "a defect of the library was caught",
            Self::Forked => "sessions do not survive fork",
            Self::Gone => "it is not there any more",
            Self::Reentrant => "not allowed inside an inline hook",
            Self::Closed => "the session is closing or closed",
            Self::Timeout => "time is up",
            Self::UnknownOption => "no such option",
            Self::Range => "a number is out of its range",
            Self::Type => "the option has another type",
            Self::Duplicate => "the session has this torrent already",
            Self::Metainfo => "not a valid torrent file",
            Self::Resume => "not valid resume data for this torrent",
            Self::Io => "the system refused an operation",
            Self::Unsupported => "not supported",
            Self::NotFound => "not found",
            Self::Cancelled => "cancelled",
            Self::State => "not possible in the present state",
            Self::Version => "the header and the library do not fit together",
            Self::InUse => "another session or process uses the state directory",
            Self::Store => "the state directory's database cannot be used",
            Self::NoMetadata => "the torrent's metadata is not here yet",
            Self::Magnet => "not a valid magnet link",
            Self::Busy => "too much is going on, try again later",
            Self::Refused => "a node of the network refused",
            Self::Tracker => "the tracker refused or gave no answer",
        }
    }
}

/// What exactly was wrong with bytes a host handed in. Numbers from 1000 are those of options
/// instead. Frozen as the kinds are; new ones may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum Detail {
    /// Not bencode, or nested too deeply.
    Bencode = 1,
    /// A required key is missing.
    Missing = 2,
    /// The value of a key has the wrong type or is out of bounds.
    Invalid = 3,
    /// The number of piece hashes does not fit the lengths of the files.
    PieceCount = 4,
    /// Larger than this library reads.
    TooLarge = 5,
    /// Only a version 2 part (BEP 52).
    V2Only = 6,
    /// Not a format or version that is known.
    Format = 7,
    /// Of another torrent, or contradicting itself about which.
    OtherTorrent = 8,
    /// Damaged: a wrong checksum.
    Checksum = 9,
    /// Written by a newer version.
    Newer = 10,
}

/// Why an operation failed.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: i32,
    message: String,
    os_errno: i32,
    path: Option<PathBuf>,
    torrent: Option<TorrentId>,
}

impl Error {
    /// An error of this kind with a one-line reason.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, detail: 0, message: message.into(), os_errno: 0, path: None, torrent: None }
    }

    /// The same with what exactly was wrong.
    #[must_use]
    pub fn because(mut self, detail: Detail) -> Self {
        self.detail = detail as i32;
        self
    }

    /// The same with the number of the option it is about.
    #[must_use]
    pub fn of_option(mut self, id: u32) -> Self {
        self.detail = i32::try_from(id).unwrap_or_default();
        self
    }

    /// The same with the torrent it is about.
    #[must_use]
    pub fn of(mut self, torrent: TorrentId) -> Self {
        self.torrent = Some(torrent);
        self
    }

    /// A failed system call on `path`.
    #[must_use]
    pub fn io(error: &std::io::Error, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let message = if path.as_os_str().is_empty() {
            error.to_string()
        } else {
            format!("{}: {error}", path.display())
        };
        Self {
            kind: ErrorKind::Io,
            detail: 0,
            message,
            os_errno: error.raw_os_error().unwrap_or_default(),
            path: Some(path),
            torrent: None,
        }
    }

    /// The same with the file or directory it is about.
    #[cfg(feature = "store")]
    #[must_use]
    pub(super) fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same with the system's error number.
    #[cfg(feature = "store")]
    #[must_use]
    pub(super) fn with_errno(mut self, errno: i32) -> Self {
        self.os_errno = errno;
        self
    }

    /// What kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The stable number of the kind, negative, the same as in C.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.kind.code()
    }

    /// A finer number below the kind, 0 when there is none: a [`Detail`], or (from 1000) the number
    /// of the option concerned.
    #[must_use]
    pub fn detail(&self) -> i32 {
        self.detail
    }

    /// The system's error number, 0 when there is none.
    #[must_use]
    pub fn os_errno(&self) -> i32 {
        self.os_errno
    }

    /// One line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file concerned.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        self.path.as_deref()
    }

    /// The torrent concerned.
    #[must_use]
    pub fn torrent(&self) -> Option<TorrentId> {
        self.torrent
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, kind.text())
    }
}

impl From<DiskError> for Error {
    fn from(error: DiskError) -> Self {
        Self {
            kind: ErrorKind::Io,
            detail: 0,
            message: error.message,
            os_errno: error.os_errno,
            path: Some(error.path),
            torrent: None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

//! Parsing of what hosts hand in, with the errors of the public faces.

use std::sync::Arc;

use super::error::{Detail, Error, ErrorKind};
use crate::base::SharedBytes;
use crate::base::limits::METAINFO_BYTES;
use crate::codec::metainfo::{Info, Metainfo, MetainfoError};
use crate::codec::resume::{Resume, ResumeError};

/// A parsed `.torrent` file and its bytes.
#[derive(Debug)]
pub struct TorrentFile {
    /// Parsed.
    pub metainfo: Metainfo,
    /// Verbatim; made up when only the `info` dictionary is known.
    pub raw: SharedBytes,
}

/// Parses the bytes of a `.torrent` file.
pub fn torrent_file(raw: &[u8]) -> Result<Arc<TorrentFile>, Error> {
    if raw.len() > METAINFO_BYTES {
        return Err(too_large());
    }
    let raw = SharedBytes::from(raw);
    let metainfo = Metainfo::parse_shared(&raw).map_err(metainfo_error)?;
    Ok(Arc::new(TorrentFile { metainfo, raw }))
}

/// What resume data that embeds its `info` dictionary can bring back.
pub fn from_resume(resume: &Resume) -> Result<Arc<TorrentFile>, Error> {
    let Some(raw) = &resume.info else {
        return Err(Error::new(
            ErrorKind::Invalid,
            "no torrent file given, and the resume data has none",
        ));
    };
    let info = Info::parse(raw).map_err(metainfo_error)?;
    let mut metainfo = Metainfo::from_info(Arc::new(info));
    metainfo.trackers = resume.trackers.clone().unwrap_or_default();
    metainfo.url_list = resume.url_list.clone().unwrap_or_default();
    // Parsed once more, so that everything lies in one buffer.
    torrent_file(&metainfo.encode())
}

/// Parses resume data of any program we know.
pub fn resume(blob: &[u8]) -> Result<Arc<Resume>, Error> {
    Resume::parse(blob).map(Arc::new).map_err(resume_error)
}

/// A `.torrent` file beyond [`METAINFO_BYTES`].
pub fn too_large() -> Error {
    Error::new(ErrorKind::Metainfo, "the torrent file is too large").because(Detail::TooLarge)
}

fn metainfo_error(error: MetainfoError) -> Error {
    let (kind, detail) = match error {
        MetainfoError::V2Only => (ErrorKind::Unsupported, Detail::V2Only),
        MetainfoError::Bencode(_) => (ErrorKind::Metainfo, Detail::Bencode),
        MetainfoError::Missing(_) => (ErrorKind::Metainfo, Detail::Missing),
        MetainfoError::Invalid(_) => (ErrorKind::Metainfo, Detail::Invalid),
        MetainfoError::PieceCount { .. } => (ErrorKind::Metainfo, Detail::PieceCount),
    };
    Error::new(kind, error.to_string()).because(detail)
}

/// Why resume data cannot be used, as the public faces say it.
pub fn resume_error(error: ResumeError) -> Error {
    let detail = match error {
        ResumeError::Bencode(_) => Detail::Bencode,
        ResumeError::Format => Detail::Format,
        ResumeError::MissingInfoHash => Detail::Missing,
        ResumeError::V2Only => Detail::V2Only,
        ResumeError::MismatchingInfoHash => Detail::OtherTorrent,
        ResumeError::Checksum => Detail::Checksum,
        ResumeError::NewerVersion(_) => Detail::Newer,
    };
    Error::new(ErrorKind::Resume, error.to_string()).because(detail)
}

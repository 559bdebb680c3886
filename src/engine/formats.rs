//! Parsing of what hosts hand in, with the errors of the public faces.

use std::sync::Arc;

use super::error::{Detail, Error, ErrorKind};
use crate::base::SharedBytes;
use crate::base::limits::{MAGNET_LIST, METAINFO_BYTES};
use crate::codec::magnet::Magnet;
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

/// A torrent of which only what a magnet link says is known.
pub fn from_magnet(magnet: &Magnet) -> Result<Arc<TorrentFile>, Error> {
    let Some(info_hash) = magnet.info_hash else {
        let what = match magnet.info_hash_v2 {
            Some(_) => "a magnet link of a v2-only torrent is not supported",
            None => "a magnet link to a mutable item (BEP 46) is not supported",
        };
        return Err(Error::new(ErrorKind::Unsupported, what));
    };
    let info = Info::unknown(info_hash, magnet.name.as_deref().unwrap_or_default());
    let mut metainfo = Metainfo::from_info(Arc::new(info));
    // As others have it: a tier each, tried in their order.
    let tiers = magnet.trackers.iter().map(|url| vec![url.clone()]);
    metainfo.trackers = Arc::new(tiers.collect());
    metainfo.url_list = magnet.web_seeds.clone();
    Ok(Arc::new(TorrentFile { metainfo, raw: SharedBytes::default() }))
}

/// The magnet link that saved state without metadata stands for.
pub fn magnet_of(resume: &Resume) -> Magnet {
    let said = resume.tern.as_ref().and_then(|tern| Magnet::parse(tern.magnet.as_deref()?).ok());
    let said = said.filter(|magnet| magnet.info_hash == Some(resume.info_hash));
    said.unwrap_or_else(|| Magnet {
        info_hash: Some(resume.info_hash),
        name: resume.name.clone(),
        ..Magnet::default()
    })
}

/// Adds to a link what another one of the same torrent says besides.
pub fn join(magnet: &mut Magnet, other: Magnet) {
    let lists = [
        (&mut magnet.trackers, other.trackers),
        (&mut magnet.web_seeds, other.web_seeds),
        (&mut magnet.peers, other.peers),
        (&mut magnet.sources, other.sources),
        (&mut magnet.fallback_sources, other.fallback_sources),
    ];
    for (list, more) in lists {
        let new: Vec<String> = more.into_iter().filter(|value| !list.contains(value)).collect();
        list.extend(new);
        list.truncate(MAGNET_LIST);
    }
    magnet.name = magnet.name.take().or(other.name);
    magnet.selected = magnet.selected.take().or(other.selected);
    magnet.info_hash_v2 = magnet.info_hash_v2.or(other.info_hash_v2);
}

/// Reads a magnet link.
pub fn magnet(link: &str) -> Result<Magnet, Error> {
    Magnet::parse(link).map_err(|error| Error::new(ErrorKind::Magnet, error.to_string()))
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

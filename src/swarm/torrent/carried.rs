//! What one saved state hands to the next besides what the torrent knows anyway.
//!
//! A blob has some forty values. Most are made anew at each save, from pieces, counters and clocks;
//! what is only carried through is here, the rare part apart, so that an idle torrent does not hold
//! a blob. Deliberately absent: when to save, what is durable (`saving`).

use std::sync::Arc;

use crate::base::{FileIndex, UnixTime};
use crate::codec::metainfo::{Info, Tiers};
use crate::codec::resume::Resume;
use crate::swarm::types::TorrentParams;

/// Values carried from save to save.
#[derive(Debug)]
pub(super) struct Carried {
    /// Directory of the content.
    pub(super) save_path: Arc<[u8]>,
    /// Payload bytes of earlier sessions.
    pub(super) total_uploaded: u64,
    pub(super) total_downloaded: u64,
    pub(super) last_upload: UnixTime,
    pub(super) last_download: UnixTime,
    /// Bytes per second, kept for the driver.
    pub(super) limits: Option<Box<Limits>>,
    pub(super) trackers: Option<Tiers>,
    pub(super) preallocate: bool,
    auto_managed: bool,
    rare: Option<Box<Rare>>,
}

/// Rate limits; `None` is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) upload: Option<u64>,
    pub(super) download: Option<u64>,
}

/// What few torrents have.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    /// A name that is not the metainfo's.
    name: Option<String>,
    mapped_files: Vec<String>,
    url_list: Option<Vec<String>>,
    verified: Vec<u8>,
    last_seen_complete: UnixTime,
    scrape: (Option<u32>, Option<u32>, Option<u32>),
    unknown: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Carried {
    /// From the loaded blob, with what the host said put over it.
    pub(super) fn of(params: &TorrentParams) -> Self {
        let (blob, info) = (params.resume.as_deref(), &params.info);
        let mut carried = Self::new(blob, info, Arc::clone(&params.save_path));
        params.renamed.iter().for_each(|(file, path)| carried.map_file(info, *file, path));
        carried.preallocate |= params.preallocate;
        if let Some((upload, download)) = params.limits {
            carried.set_limits(upload, download);
        }
        if let Some(trackers) = &params.trackers {
            carried.trackers = Some(Arc::clone(trackers));
        }
        if let Some(urls) = params.url_list.as_ref().filter(|urls| !urls.is_empty()) {
            carried.rare.get_or_insert_default().url_list = Some(urls.clone());
        }
        carried
    }

    /// From the loaded blob; `save_path` goes before the blob's unless it is empty.
    fn new(from: Option<&Resume>, info: &Info, save_path: Arc<[u8]>) -> Self {
        let blank = Resume::default();
        let from = from.unwrap_or(&blank);
        let rare = Rare {
            name: from.name.clone().filter(|name| *name != info.name),
            mapped_files: from.mapped_files.clone(),
            url_list: from.url_list.clone(),
            verified: from.verified.clone(),
            last_seen_complete: from.last_seen_complete,
            scrape: from.scrape,
            unknown: from.unknown.clone(),
        };
        let mut carried = Self {
            save_path: if save_path.is_empty() {
                from.save_path.as_slice().into()
            } else {
                save_path
            },
            total_uploaded: from.total_uploaded,
            total_downloaded: from.total_downloaded,
            last_upload: from.last_upload,
            last_download: from.last_download,
            limits: None,
            trackers: from.trackers.clone(),
            preallocate: from.preallocate,
            auto_managed: from.auto_managed,
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
        };
        carried.set_limits(from.upload_rate_limit, from.download_rate_limit);
        carried
    }

    /// The torrent has a name of its own now: one that stood in for it goes.
    pub(super) fn learn(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.name = None;
        }
    }

    /// Keeps rate limits.
    pub(super) fn set_limits(&mut self, upload: Option<u64>, download: Option<u64>) {
        let limits = Limits { upload, download };
        self.limits = (limits != Limits::default()).then(|| Box::new(limits));
    }

    /// Keeps a file's other path.
    pub(super) fn map_file(&mut self, info: &Info, file: FileIndex, path: &str) {
        if file.idx() >= info.files.len() {
            return;
        }
        let mapped = &mut self.rare.get_or_insert_default().mapped_files;
        if mapped.len() <= file.idx() {
            mapped.resize(file.idx() + 1, String::new());
        }
        if let Some(slot) = mapped.get_mut(file.idx()) {
            path.clone_into(slot);
        }
    }

    /// Other paths by file; an empty one is none.
    pub(super) fn mapped_files(&self) -> &[String] {
        self.rare.as_deref().map_or(&[], |rare| &rare.mapped_files)
    }

    /// A blob of these values; the others are blank.
    pub(super) fn blob(&self, info: &Info) -> Resume {
        let limits = self.limits.as_deref().copied().unwrap_or_default();
        let blob = Resume {
            info_hash: info.info_hash,
            save_path: self.save_path.to_vec(),
            trackers: self.trackers.clone(),
            total_uploaded: self.total_uploaded,
            total_downloaded: self.total_downloaded,
            last_upload: self.last_upload,
            last_download: self.last_download,
            upload_rate_limit: limits.upload,
            download_rate_limit: limits.download,
            preallocate: self.preallocate,
            auto_managed: self.auto_managed,
            ..Resume::default()
        };
        let Some(rare) = self.rare.as_deref().cloned() else {
            return Resume { name: Some(info.name.clone()), ..blob };
        };
        Resume {
            name: rare.name.or_else(|| Some(info.name.clone())),
            mapped_files: rare.mapped_files,
            url_list: rare.url_list,
            verified: rare.verified,
            last_seen_complete: rare.last_seen_complete,
            scrape: rare.scrape,
            unknown: rare.unknown,
            ..blob
        }
    }
}

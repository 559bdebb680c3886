//! What to add: a builder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Weak;

use super::session::Inner;
use super::{Hook, Metainfo};
use crate::base::{FileIndex, InfoHash};
use crate::codec::magnet::Magnet;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::formats;
use crate::engine::session::{AddRequest, ResumeSource};
use crate::swarm::{LoadPolicy, SavePolicy};

/// Everything about a torrent that is to be added. What is not set comes from the resume data, then
/// from the session's options.
#[derive(Debug, Default)]
pub struct AddTorrent {
    request: AddRequest,
    trackers: Option<Vec<(u32, String)>>,
    verify: Option<Hook>,
    save: Option<Hook>,
}

impl AddTorrent {
    /// A torrent and the directory of its content.
    #[must_use]
    pub fn new(metainfo: &Metainfo, save_path: impl Into<PathBuf>) -> Self {
        let mut add = Self::default();
        add.set_metainfo(metainfo);
        add.set_save_path(save_path);
        add
    }

    /// A magnet link (BEP 9) and the directory the content is to be in.
    pub fn magnet(link: &str, save_path: impl Into<PathBuf>) -> Result<Self, Error> {
        let mut add = Self::default();
        add.set_magnet(link)?;
        add.set_save_path(save_path);
        Ok(add)
    }

    /// The torrent. Not needed with resume data that embeds it. Takes the place of a magnet link.
    pub fn set_metainfo(&mut self, metainfo: &Metainfo) -> &mut Self {
        self.request.file = Some(metainfo.0.clone());
        self.request.magnet = None;
        self
    }

    /// The torrent, as a magnet link (BEP 9): its metadata comes from peers, or from where the link
    /// says. Trackers, peers, sources, web seeds, the name to show and the selection of files (BEP
    /// 53) are the link's. Takes the place of a torrent file.
    ///
    /// # Errors
    /// [`ErrorKind::Magnet`] when it is no such link, [`ErrorKind::Unsupported`] when it names no
    /// torrent of version 1.
    pub fn set_magnet(&mut self, link: &str) -> Result<&mut Self, Error> {
        let magnet = formats::magnet(link)?;
        formats::from_magnet(&magnet)?;
        self.request.magnet = Some(magnet);
        self.request.file = None;
        Ok(self)
    }

    /// The torrent, by its info-hash alone. Takes the place of a torrent file.
    pub fn set_info_hash(&mut self, info_hash: InfoHash) -> &mut Self {
        let magnet = Magnet { info_hash: Some(info_hash), ..Magnet::default() };
        self.request.magnet = Some(magnet);
        self.request.file = None;
        self
    }

    /// When the session has the torrent already: adds the trackers, peers, sources and metadata
    /// given here to it, and gives that torrent back, instead of failing with
    /// [`ErrorKind::Duplicate`]. Everything else said here changes nothing then. To a private
    /// torrent (BEP 27) only peers the host names are added.
    pub fn set_merge(&mut self, merge: bool) -> &mut Self {
        self.request.merge = merge;
        self
    }

    /// Directory of the content. Not needed with resume data that has it.
    pub fn set_save_path(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.request.save_path = Some(path.into());
        self
    }

    /// Resume data, ours or libtorrent's; empty says that there is none, and that the state
    /// directory is not to be asked either.
    pub fn set_resume(&mut self, blob: &[u8]) -> Result<&mut Self, Error> {
        self.request.resume = if blob.is_empty() {
            ResumeSource::None
        } else {
            ResumeSource::Given(formats::resume(blob)?)
        };
        Ok(self)
    }

    /// Start stopped.
    pub fn set_paused(&mut self, paused: bool) -> &mut Self {
        self.request.paused = Some(paused);
        self
    }

    /// Fetch in order.
    pub fn set_sequential(&mut self, sequential: bool) -> &mut Self {
        self.request.sequential = Some(sequential);
        self
    }

    /// Reserve space for files.
    pub fn set_preallocate(&mut self, preallocate: bool) -> &mut Self {
        self.request.preallocate = Some(preallocate);
        self
    }

    /// Priority of a file, 0 (do not fetch) to 7; 4 is normal. Setting one overrides all of the
    /// resume data.
    pub fn set_file_priority(&mut self, file: FileIndex, priority: u8) -> Result<&mut Self, Error> {
        if priority > 7 || file.idx() >= crate::base::limits::FILES {
            return Err(ErrorKind::Range.into());
        }
        let list = self.request.file_priority.get_or_insert_default();
        if list.len() <= file.idx() {
            list.resize(file.idx() + 1, 4);
        }
        if let Some(slot) = list.get_mut(file.idx()) {
            *slot = priority;
        }
        Ok(self)
    }

    /// Priorities of the first files.
    pub fn set_file_priorities(&mut self, priorities: &[u8]) -> Result<&mut Self, Error> {
        if priorities.iter().any(|p| *p > 7) {
            return Err(ErrorKind::Range.into());
        }
        self.request.file_priority = Some(priorities.to_vec());
        Ok(self)
    }

    /// Another path for a file, relative to the save path.
    pub fn rename_file(&mut self, file: FileIndex, path: impl Into<String>) -> &mut Self {
        self.request.renamed.push((file, path.into()));
        self
    }

    /// Forgets the torrent file's trackers.
    pub fn clear_trackers(&mut self) -> &mut Self {
        self.trackers = Some(Vec::new());
        self
    }

    /// One more tracker, in this tier.
    pub fn add_tracker(&mut self, tier: u32, url: impl Into<String>) -> &mut Self {
        let (file, magnet) = (self.request.file.as_ref(), self.request.magnet.as_ref());
        let known = || {
            let tiers = file.into_iter().flat_map(|f| f.metainfo.trackers.iter().zip(0..));
            let of_file =
                tiers.flat_map(|(urls, tier)| urls.iter().map(move |u| (tier, u.clone())));
            let of_link = magnet.into_iter().flat_map(|m| (0..).zip(m.trackers.iter().cloned()));
            of_file.chain(of_link).collect()
        };
        self.trackers.get_or_insert_with(known).push((tier, url.into()));
        self
    }

    /// An address to connect to.
    pub fn add_peer(&mut self, addr: SocketAddr) -> &mut Self {
        self.request.peers.push(addr);
        self
    }

    /// Bytes per second, `None` unlimited.
    pub fn set_limits(&mut self, download: Option<u64>, upload: Option<u64>) -> &mut Self {
        self.request.limits = Some((download, upload));
        self
    }

    /// When to save.
    pub fn set_save_policy(&mut self, policy: SavePolicy) -> &mut Self {
        self.request.save_policy = Some(policy);
        self
    }

    /// Takes content whose files are all there in full length for good; each piece is hashed when a
    /// peer first asks for it, before a byte of it goes out. One that does not match ends this, and
    /// what was not verified by then is checked. Resume data that says so has the same effect.
    pub fn set_seed_mode(&mut self, on: bool) -> &mut Self {
        self.request.seed_mode = on;
        self
    }

    /// What to trust when files differ from the resume data.
    pub fn set_load_policy(&mut self, policy: LoadPolicy) -> &mut Self {
        self.request.load_policy = Some(policy);
        self
    }

    /// Whether the torrent is looked up and announced in the DHT.
    pub fn set_dht(&mut self, on: bool) -> &mut Self {
        self.request.dht = Some(on);
        self
    }

    /// The verifier the torrent starts with.
    pub fn set_verify_hook(&mut self, hook: Option<Hook>) -> &mut Self {
        self.verify = hook;
        self
    }

    /// The saver the torrent starts with.
    pub fn set_save_hook(&mut self, hook: Option<Hook>) -> &mut Self {
        self.save = hook;
        self
    }

    /// Takes the hooks out, so that the builder can be used again without them.
    pub fn take_hooks(&mut self) -> (Option<Hook>, Option<Hook>) {
        (self.verify.take(), self.save.take())
    }

    pub(super) fn request(&self, session: &Weak<Inner>) -> AddRequest {
        let mut request = self.request.clone();
        request.trackers =
            self.trackers.as_deref().map(|list| super::torrent::tiers_of(list).into());
        let engine =
            |hook: &Option<Hook>| hook.clone().map(|hook| hook.into_engine(Weak::clone(session)));
        request.hooks.verify = engine(&self.verify);
        request.hooks.save = engine(&self.save);
        request
    }
}

//! What the store is told of torrents that come, go and change places, and what it gives back.
//!
//! A torrent of a session with a state directory is entered there when it is added, not when it is
//! first saved: it must be there after a crash in the first second. Torrents whose state a save
//! hook keeps are the host's to bring back, and are not entered (their window is).
//! Deliberately absent: saves (`hooks`), the database (`store`).

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::add::{Found, ResumeSource};
use super::entry::Prefs;
use super::{AddRequest, Core, Entry, moving};
use crate::base::{InfoHash, TorrentId, UnixTime};
use crate::codec::metainfo::Info;
use crate::codec::resume::{Pieces, Resume};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::{Event, EventKind, unix_ms};
use crate::engine::formats;
use crate::engine::store::{Change, Report, Save, Stored};
use crate::swarm::SavedWindow;

/// What the store knows of a torrent that is being added.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Its place in the queue when it was last in a session.
    pub(super) rank: Option<i64>,
    /// The store has the torrent file and what it was added with.
    pub(super) whole: bool,
    /// Pieces under way; `None` when there is no journal, or none that can be read: entries could
    /// not be told from older ones.
    pub(super) window: Option<SavedWindow>,
}

/// Resume data that the store has; `None` when it has none. What says nothing of pieces, because
/// the files were never looked at, is no claim that none are there.
pub(super) fn resume_of(blob: &[u8], info_hash: &InfoHash) -> Result<Arc<Resume>, String> {
    let mut resume = formats::resume(blob).map_err(|e| e.message().to_owned())?;
    if resume.info_hash != *info_hash {
        return Err("the stored resume data is of another torrent".into());
    }
    if matches!(&resume.pieces, Some(Pieces::Bytes(flags)) if flags.is_empty()) {
        Arc::make_mut(&mut resume).pieces = None;
    }
    Ok(resume)
}

/// Looks where the files are, should a move or rename have been cut short.
pub(super) fn settle(
    info: &Arc<Info>,
    resume: Option<&mut Arc<Resume>>,
    params: Option<&[u8]>,
) -> Result<(), Error> {
    let intents = moving::intents(params);
    match resume.filter(|_| !intents.is_empty()) {
        None => Ok(()),
        Some(resume) => {
            let resume = Arc::make_mut(resume);
            // Of state that was never saved they are a part.
            moving::take(resume);
            moving::settle(info, resume, &intents)
        }
    }
}

/// What a torrent is added with, as resume data that claims nothing.
struct Params {
    info: Arc<Info>,
    resume: Option<Arc<Resume>>,
    save_path: Vec<u8>,
    prefs: Prefs,
    file_priority: Option<Vec<u8>>,
    sequential: Option<bool>,
    preallocate: Option<bool>,
}

impl Params {
    fn encode(self) -> Bytes {
        let base = self.resume.as_deref().cloned().unwrap_or_default();
        let added =
            if base.added_time.0 > 0 { base.added_time } else { UnixTime(unix_ms() / 1000) };
        let mut mapped_files = base.mapped_files;
        for (file, path) in self.prefs.names.iter().flat_map(|names| &names.renamed) {
            if mapped_files.len() <= file.idx() {
                mapped_files.resize(file.idx() + 1, String::new());
            }
            if let Some(slot) = mapped_files.get_mut(file.idx()) {
                slot.clone_from(path);
            }
        }
        let resume = Resume {
            info_hash: self.info.info_hash,
            name: base.name.or_else(|| Some(self.info.name.clone())),
            info: None,
            save_path: self.save_path,
            pieces: None,
            unfinished: Vec::new(),
            verified: Vec::new(),
            mapped_files,
            file_priority: self.file_priority.unwrap_or(base.file_priority),
            trackers: Some(self.prefs.trackers),
            upload_rate_limit: self.prefs.upload_limit,
            download_rate_limit: self.prefs.download_limit,
            max_connections: self.prefs.max_connections,
            max_uploads: self.prefs.upload_slots,
            added_time: added,
            paused: self.prefs.paused,
            auto_managed: false,
            seed_mode: false,
            sequential: self.sequential.unwrap_or(base.sequential),
            preallocate: self.preallocate.unwrap_or(base.preallocate),
            tern: None,
            ..base
        };
        resume.encode(self.info.piece_count()).into()
    }
}

/// The part of a request that says what the store is to hold.
pub(super) struct Entering {
    params: Option<Params>,
    /// The host's own resume data, or its word that there is none: what is stored is void.
    given: Option<Option<Arc<Resume>>>,
    known: Known,
}

impl Entering {
    pub(super) fn new(request: &AddRequest, found: &Found, prefs: &Prefs) -> Self {
        let given = match &request.resume {
            ResumeSource::Store => None,
            ResumeSource::None => Some(None),
            ResumeSource::Given(resume) => Some(Some(Arc::clone(resume))),
        };
        let known = found.known.clone();
        let params = (!known.whole || given.is_some()).then(|| Params {
            info: Arc::clone(&found.file.metainfo.info),
            resume: found.resume.clone(),
            save_path: path_bytes(&found.save_path),
            prefs: prefs.clone(),
            file_priority: request.file_priority.clone(),
            sequential: request.sequential,
            preallocate: request.preallocate,
        });
        Self { params, given, known }
    }
}

fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

impl Core {
    /// What it means for adding it that the store has this.
    pub(super) fn known(&self, stored: &Stored) -> Known {
        let keeps = self.keeper.as_ref().is_some_and(|keeper| keeper.store().has_window());
        let window = || SavedWindow { pieces: stored.window.clone(), mark: stored.mark };
        Known {
            rank: stored.rank,
            whole: stored.metainfo.is_some() && stored.params.is_some(),
            window: keeps.then(window),
        }
    }

    /// What the store knows of a torrent.
    pub(super) fn stored(&self, info_hash: &InfoHash) -> Result<Option<Stored>, Error> {
        self.keeper.as_ref().map_or(Ok(None), |keeper| keeper.store().load(info_hash))
    }

    /// Has the store hold a torrent that was just added, unless a save hook is there to keep it.
    pub(super) fn enter(self: &Arc<Self>, entry: &Arc<Entry>, entering: Entering) {
        let Some(keeper) = &self.keeper else { return };
        if self.saver_of(entry).is_some() {
            return;
        }
        let Entering { params, given, known } = entering;
        let rank = entry.rank();
        if params.is_none() && known.rank == Some(rank) {
            return entry.set_kept();
        }
        let (info_hash, file) = (entry.info_hash, entry.file());
        let make = move || {
            let pieces = file.metainfo.info.piece_count();
            let params = params.map(Params::encode);
            let blob = match given {
                None => None,
                Some(None) => params.clone(),
                Some(Some(resume)) => Some(resume.encode(pieces).into()),
            };
            let metainfo = (!known.whole && file.metainfo.info.is_known())
                .then(|| Bytes::copy_from_slice(&file.raw));
            let rank = Some(rank);
            Change::Save(Save { info_hash, blob, settled: 0, metainfo, params, rank })
        };
        let (core, kept) = (Arc::clone(self), Arc::clone(entry));
        keeper.submit(make, move |result| match result {
            Ok(()) => kept.set_kept(),
            Err(error) => {
                let (code, reason) = (error.os_errno(), error.to_string());
                let kind = EventKind::SaveFailed { generation: 0, code, reason };
                core.queue.push(Event::now(Some(kept), kind));
            }
        });
    }

    /// The description came that a torrent was added without: the store has it before the host
    /// hears of it, whenever the next save is. Should that fail, the next save has it as well.
    pub(super) fn keep_description(&self, entry: &Arc<Entry>) {
        let Some(keeper) = self.keeper.as_ref().filter(|_| self.saver_of(entry).is_none()) else {
            return;
        };
        let (info_hash, file) = (entry.info_hash, entry.file());
        let make = move || {
            let metainfo = Some(Bytes::copy_from_slice(&file.raw));
            Change::Save(Save { info_hash, metainfo, ..Save::default() })
        };
        keeper.submit(make, |_| ());
    }

    /// What the first save of a torrent has to say besides its blob, should entering it have
    /// failed, or been left to a hook that has passed.
    pub(super) fn first_save(entry: &Entry, save: Save) -> Save {
        if entry.is_kept() {
            return save;
        }
        let file = entry.file();
        let known = file.metainfo.info.is_known();
        let metainfo = known.then(|| Bytes::copy_from_slice(&file.raw));
        Save { metainfo, params: save.blob.clone(), rank: Some(entry.rank()), ..save }
    }

    /// The content lives elsewhere now.
    pub(super) fn moved(self: &Arc<Self>, entry: &Entry, to: &[u8]) {
        let Some(keeper) = self.keeper.as_ref().filter(|_| entry.is_kept()) else { return };
        let (core, info_hash, to) = (Arc::clone(self), entry.info_hash, to.to_vec());
        let pieces = entry.file().metainfo.info.piece_count();
        let make = move || {
            let stored = core.stored(&info_hash).ok().flatten();
            let resume = stored.and_then(|s| Resume::parse(&s.params?).ok());
            let params = resume.map(|resume| {
                let moved = Resume { save_path: to, pieces: None, tern: None, ..resume };
                moved.encode(pieces).into()
            });
            Change::Save(Save { info_hash, params, ..Save::default() })
        };
        keeper.submit(make, |_| ());
    }

    /// How many torrents stand before this one in the queue.
    pub fn position(&self, entry: &Entry) -> Result<usize, Error> {
        if entry.is_gone() {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        Ok(self.order.lock().position(entry.id, entry.rank()))
    }

    /// Moves a torrent in the queue, so that so many stand before it; all others when there are
    /// fewer.
    pub fn set_position(&self, entry: &Entry, position: usize) -> Result<(), Error> {
        let registry = self.registry.read();
        if !registry.by_id.contains_key(&entry.id) {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        let mut order = self.order.lock();
        let changed = order.move_to(entry.id, entry.rank(), position);
        for (id, rank) in changed {
            let Some(other) = registry.by_id.get(&id) else { continue };
            other.set_rank(rank);
            if let Some(keeper) = &self.keeper {
                let info_hash = other.info_hash;
                keeper.submit(move || Change::Rank(info_hash, Some(rank)), |_| ());
            }
        }
        Ok(())
    }

    /// The torrents in queue order.
    #[must_use]
    pub fn queued(&self) -> Vec<Arc<Entry>> {
        let ids: Vec<TorrentId> = self.order.lock().ids().collect();
        ids.into_iter().filter_map(|id| self.find_id(id)).collect()
    }

    /// Something happened to the store.
    pub(super) fn report_store(&self, report: Report) {
        self.queue.push(Event::now(None, EventKind::StoreDamaged(report)));
    }
}

//! Bringing back every torrent that the store has, in queue order, in one pass.
//!
//! Deliberately absent: torrents that were removed with their state kept, and those whose state a
//! save hook keeps; both come back when the host adds them.

use std::ops::ControlFlow;
use std::sync::{Arc, mpsc};

use super::add::{Found, Ready, ResumeSource};
use super::keeping::{resume_of, settle};
use super::{AddRequest, Core};
use crate::base::InfoHash;
use crate::codec::resume::Resume;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::{Event, EventKind};
use crate::engine::formats;
use crate::engine::path_from_bytes;
use crate::engine::store::{Store, Stored};
use crate::net::signals::Blocked;

/// Torrents passed from the reading thread at a time.
const BATCH: usize = 64;
/// Batches that wait.
const READ_AHEAD: usize = 4;
/// Stack of the reading thread, in bytes.
const STACK_BYTES: usize = 1 << 20;

/// What [`Core::restore`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Torrents added.
    pub torrents: u32,
    /// Torrents that could not be brought back; an event for each says why.
    pub failed: u32,
}

impl Core {
    /// Adds every torrent that was in the last session with this state directory, in queue order,
    /// with what was saved of it. Those that are there already stay as they are.
    pub fn restore(self: &Arc<Self>) -> Result<Restored, Error> {
        self.check_open()?;
        let none = || Error::new(ErrorKind::State, "the session has no state directory");
        let keeper = self.keeper.as_ref().ok_or_else(none)?;
        let store = keeper.store();
        let (mut sum, mut end) = (Restored::default(), Ok(()));
        let mut each = |batch: Vec<Stored>| {
            let mut ready = Vec::with_capacity(batch.len());
            for stored in batch {
                let info_hash = stored.info_hash;
                match self.bring_back(stored) {
                    Ok(torrent) => ready.extend(torrent),
                    Err(error) => {
                        sum.failed += 1;
                        self.report_lost(info_hash, &error);
                    }
                }
            }
            for published in self.publish(ready) {
                match published {
                    Ok(_) => sum.torrents += 1,
                    Err(error) if error.kind() == ErrorKind::Duplicate => {}
                    Err(error) => {
                        end = Err(error);
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        };
        read_ahead(store, &mut each)?;
        store.take_reports().into_iter().for_each(|report| self.report_store(report));
        end.map(|()| sum)
    }

    /// A torrent from the store; `None` when it is not one to bring back.
    fn bring_back(&self, stored: Stored) -> Result<Option<Ready>, Error> {
        if stored.rank.is_none() || self.find(&stored.info_hash).is_some() {
            return Ok(None);
        }
        let (resume, complaint) = saved(&stored);
        let mut magnet = None;
        let embedded = || resume.as_deref().filter(|resume| resume.info.is_some());
        // A link whose metadata never came, nothing of which was damaged.
        let link = || resume.as_deref().filter(|_| stored.damage.is_none()).map(formats::magnet_of);
        let file = match (&stored.metainfo, embedded()) {
            (Some(raw), _) => {
                // Which files a link named is with the link until pieces are.
                magnet = link().filter(|_| resume.as_ref().is_some_and(|r| r.pieces.is_none()));
                formats::torrent_file(raw)?
            }
            (None, Some(resume)) => formats::from_resume(resume)?,
            // Its state is with a save hook, or was damaged beyond use.
            (None, None) => {
                magnet = link();
                if let Some(magnet) = &magnet {
                    formats::from_magnet(magnet)?
                } else {
                    let lost = || Error::new(ErrorKind::Metainfo, "the torrent file is not there");
                    let damage = stored.damage.map(|text| Error::new(ErrorKind::Metainfo, text));
                    return Err(damage.unwrap_or_else(lost));
                }
            }
        };
        if file.metainfo.info.info_hash != stored.info_hash {
            return Err(Error::new(
                ErrorKind::Metainfo,
                "the stored torrent file is another one's",
            ));
        }
        let mut resume = resume;
        let info = &file.metainfo.info;
        settle(info, resume.as_mut(), stored.params.as_deref())?;
        let path = resume.as_ref().map(|r| path_from_bytes(&r.save_path));
        let save_path = path.filter(|path| !path.as_os_str().is_empty());
        let save_path = save_path.ok_or_else(|| {
            Error::new(ErrorKind::Resume, "where its content was is not known any more")
        })?;
        let known = self.known(&stored);
        let found = Found { file, magnet, resume, complaint, save_path, known };
        let request = AddRequest { resume: ResumeSource::Store, ..AddRequest::default() };
        self.make_ready(request, found).map(Some)
    }

    fn report_lost(&self, info_hash: InfoHash, error: &Error) {
        let reason = error.to_string();
        self.queue.push(Event::now(None, EventKind::RestoreFailed { info_hash, reason }));
    }
}

/// As [`Store::load_all`], several at a time, with what comes next read on a thread of its own
/// meanwhile.
fn read_ahead(
    store: &dyn Store,
    each: &mut dyn FnMut(Vec<Stored>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let (give, take) = mpsc::sync_channel::<Vec<Stored>>(READ_AHEAD);
    let read = move || {
        let mut batch = Vec::with_capacity(BATCH);
        let mut pass = |stored| {
            batch.push(stored);
            if batch.len() < BATCH {
                return ControlFlow::Continue(());
            }
            // Nobody takes any more: the session was closed.
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            give.send(full).map_or(ControlFlow::Break(()), ControlFlow::Continue)
        };
        let result = store.load_all(&mut pass);
        let _ = give.send(batch);
        result
    };
    std::thread::scope(|scope| {
        let blocked = Blocked::new();
        let builder = std::thread::Builder::new().name("tern-restore".into());
        let reader = builder.stack_size(STACK_BYTES).spawn_scoped(scope, read);
        drop(blocked);
        let Ok(reader) = reader else {
            return store.load_all(&mut |stored| each(vec![stored]));
        };
        // The receiver goes with the loop, so that the reader does not wait for ever.
        _ = take.into_iter().try_for_each(each);
        reader.join().unwrap_or_else(|_| Err(ErrorKind::Panic.into()))
    })
}

/// What is to go on from: the blob, or what the torrent was added with and a check; and why not the
/// blob.
fn saved(stored: &Stored) -> (Option<Arc<Resume>>, Option<String>) {
    let mut complaint = stored.damage.clone();
    let mut parsed = |raw: &[u8]| match resume_of(raw, &stored.info_hash) {
        Ok(resume) => Some(resume),
        Err(reason) => {
            complaint.get_or_insert(reason);
            None
        }
    };
    let mut resume = stored.blob.as_deref().and_then(&mut parsed);
    if resume.is_none() {
        resume = stored.params.as_deref().and_then(parsed);
        if let Some(params) = resume.as_mut().map(Arc::make_mut) {
            // Whatever they say of the content was true long ago.
            (params.pieces, params.tern, params.seed_mode) = (None, None, false);
            params.unfinished.clear();
        }
    }
    (resume, complaint)
}

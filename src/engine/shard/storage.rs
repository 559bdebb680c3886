//! A torrent's registration with the disk, which exists only while jobs need it.
//!
//! Ten thousand idle torrents have nothing open: the first look at a torrent's files registers
//! nothing, the first other job does, and once a torrent rests its registration is given up. What
//! it takes to register again is what the slot and the brain know anyway. A torrent with unwanted
//! files stays registered, because the disk alone remembers which of them it keeps parts of.
//! What one turn of the shard has for the disk goes there in one piece, or a session that begins
//! with thousands of torrents would wake the disk threads for each of them.
//! Deliberately absent: the jobs themselves (`jobs`), when to ask for them (the brain's matter).

use std::cell::RefCell;

use crate::base::{FileIndex, TorrentId};
use crate::disk::{Job, JobTag, StorageParams};

use super::Shard;
use super::jobs::Ticket;
use super::slot::Slot;

/// Submissions that are gathered at most: the disk shall have something to do meanwhile.
const GATHERED: usize = 32;

/// Jobs by torrent, in order.
type Submissions = Vec<(TorrentId, Vec<(JobTag, Job)>)>;

/// Jobs that wait for more; nothing is gathered between turns.
#[derive(Default)]
pub(super) struct Batch(RefCell<Option<Submissions>>);

impl Shard {
    /// Gathers jobs for the disk until [`Self::submit_gathered`].
    pub(super) fn gather_jobs(&self) {
        self.batch.0.borrow_mut().get_or_insert_default();
    }

    /// Sends what was gathered, and from now on everything at once.
    pub(super) fn submit_gathered(&self) {
        if let Some(gathered) = self.batch.0.take().filter(|gathered| !gathered.is_empty()) {
            self.pool.submit_all(self.sink, gathered);
        }
    }

    /// Sends jobs to the disk as they are, in order within the torrent.
    pub(super) fn to_disk(&self, torrent: TorrentId, jobs: Vec<(JobTag, Job)>) {
        let mut batch = self.batch.0.borrow_mut();
        let Some(gathered) = batch.as_mut() else {
            return self.pool.submit(self.sink, torrent, jobs);
        };
        gathered.push((torrent, jobs));
        if gathered.len() >= GATHERED {
            self.pool.submit_all(self.sink, std::mem::take(gathered));
        }
    }

    /// Sends a torrent's jobs to the disk, registered first if need be.
    pub(super) fn submit(&self, slot: &Slot, mut jobs: Vec<(JobTag, Job)>) {
        if !slot.registered.get() {
            match jobs.as_mut_slice() {
                [(_, job @ Job::Stat)] => *job = Job::Look(Box::new(storage_params(slot))),
                // Nothing is open: there is nothing to close.
                [(_, job @ Job::Release)] => *job = Job::Close,
                [(_, Job::Close)] => {}
                _ => self.register(slot, &mut jobs),
            }
        }
        self.to_disk(slot.id, jobs);
    }

    fn register(&self, slot: &Slot, jobs: &mut Vec<(JobTag, Job)>) {
        slot.registered.set(true);
        let mut tickets = slot.jobs.borrow_mut();
        let mut first =
            vec![(tickets.track(Ticket::Open), Job::Open(Box::new(storage_params(slot))))];
        let raises = jobs.iter().any(|(_, job)| matches!(job, Job::SetPriorities(_)));
        if raises && slot.brain.borrow().is_prepared() {
            // A file raised from "unwanted" is created only in a torrent that was prepared.
            first.push((tickets.track(Ticket::Silent), Job::Prepare));
        }
        jobs.splice(0..0, first);
    }

    /// Gives the registration of a torrent up that rests.
    pub(super) fn unregister(&self, slot: &Slot) {
        if !slot.registered.get() || slot.closing.get() || slot.gone.get() {
            return;
        }
        if !slot.jobs.borrow().is_empty() || !slot.brain.borrow().is_resting() {
            return;
        }
        slot.registered.set(false);
        let tag = slot.jobs.borrow_mut().track(Ticket::Silent);
        self.to_disk(slot.id, vec![(tag, Job::Close)]);
    }
}

/// What the disk needs to know.
fn storage_params(slot: &Slot) -> StorageParams {
    let brain = slot.brain.borrow();
    let save_path = slot.save_path.borrow().to_path_buf();
    let renamed = (0..).map(FileIndex).zip(brain.mapped_files());
    let renamed = renamed.filter(|(_, path)| !path.is_empty());
    StorageParams {
        info: std::sync::Arc::clone(brain.info()),
        part_dir: save_path.clone(),
        save_path,
        renamed: renamed.map(|(file, path)| (file, path.clone())).collect(),
        priorities: brain.file_priorities().to_vec(),
        preallocate: slot.preallocate,
    }
}

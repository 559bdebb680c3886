//! A torrent's registration with the disk, which exists only while jobs need it.
//!
//! Ten thousand idle torrents have nothing open: the first look at a torrent's files registers
//! nothing, the first other job does, and once a torrent rests its registration is given up. What
//! it takes to register again is what the slot and the brain know anyway. A torrent with unwanted
//! files stays registered, because the disk alone remembers which of them it keeps parts of.
//! Deliberately absent: the jobs themselves (`jobs`), when to ask for them (the brain's matter).

use crate::base::FileIndex;
use crate::disk::{Job, JobTag, StorageParams};

use super::Shard;
use super::jobs::Ticket;
use super::slot::Slot;

impl Shard {
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
        self.pool.submit(self.sink, slot.id, jobs);
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
        self.pool.submit(self.sink, slot.id, vec![(tag, Job::Close)]);
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

//! Stopping: pause, failure and its repair, the two-phase close.
//!
//! Closing goes in order: peers away, writes and hashes finish, content made durable, last state
//! handed out and answered, files released. A refused last save is tried again for as long as the
//! driver keeps the torrent. Deliberately absent: the host's time-out.

use super::{Output, Phase, Torrent};
use crate::base::DiskError;
use crate::proto::tracker::AnnounceEvent;
use crate::swarm::types::{CloseReason, DiskOp, Notice};

/// How far a close got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseStage {
    /// Writes, hashes and syncs finish.
    Draining,
    /// The last sync or save is under way.
    Saving,
    /// Files are being released.
    Releasing,
}

impl Torrent {
    pub(super) fn pause(&mut self) {
        self.user_paused = true;
        match self.phase {
            Phase::Metadata => {
                self.stop_peers();
                self.set_phase(Phase::Paused);
            }
            Phase::Running | Phase::Preparing => {
                self.stop_peers();
                self.set_phase(Phase::Paused);
                self.pump_save();
                if !self.io.unsynced.is_empty() {
                    self.sync(false);
                }
                self.release();
            }
            // A check goes on: the torrent pauses after it. A failed torrent stays failed.
            _ => {
                if self.flags.arriving {
                    self.stop_peers();
                }
                self.config_changed();
            }
        }
    }

    fn release(&mut self) {
        self.flags.prepared = false;
        self.disk(DiskOp::Release);
    }

    pub(super) fn resume(&mut self) {
        self.user_paused = false;
        match self.phase {
            Phase::Paused | Phase::Failed if self.sought.is_some() => self.seek(),
            Phase::Paused => self.prepare(),
            Phase::Failed => {
                self.set_phase(Phase::Stat { retry: true });
                self.disk(DiskOp::Stat);
            }
            _ => self.config_changed(),
        }
    }

    /// Peers away, trackers told.
    fn stop_peers(&mut self) {
        self.close_all(CloseReason::Stopped);
        self.next_tick = None;
        if core::mem::take(&mut self.flags.announced) {
            self.out.push_back(Output::Announce(AnnounceEvent::Stopped));
        }
    }

    /// A storage error: the torrent stops, nothing is thrown away.
    pub(super) fn fail_disk(&mut self, error: DiskError) {
        match self.phase {
            Phase::Failed | Phase::Closed => {}
            Phase::Closing(_) => {
                // Not worth waiting for: what is durable is known.
                self.flags.close_failed = true;
                self.notice(Notice::DiskFailed(error));
            }
            _ => {
                self.notice(Notice::DiskFailed(error));
                self.fail();
            }
        }
    }

    /// Stops until the host's `Resume`.
    pub(super) fn fail(&mut self) {
        if matches!(self.phase, Phase::Closing(_) | Phase::Closed | Phase::Failed) {
            return;
        }
        self.stop_peers();
        self.set_phase(Phase::Failed);
    }

    pub(super) fn close(&mut self) {
        if matches!(self.phase, Phase::Closing(_) | Phase::Closed) {
            return;
        }
        self.stop_peers();
        self.set_phase(Phase::Closing(CloseStage::Draining));
        if self.io.writes_out > 0 {
            // The disk may be holding blocks back to write them together.
            self.sync(false);
        }
    }

    pub(super) fn on_released(&mut self) {
        if self.phase == Phase::Closing(CloseStage::Releasing) {
            self.set_phase(Phase::Closed);
            let left = self.saver.end();
            self.tell_saves(left);
            self.out.push_back(Output::Closed);
        }
    }

    /// Takes the next step of a close when the one before is complete.
    pub(super) fn advance_close(&mut self) {
        let Phase::Closing(stage) = self.phase else { return };
        match stage {
            CloseStage::Draining => {
                let busy = self.pending.values().any(super::pieces::Pending::is_busy);
                if self.io.writes_out > 0 || (busy && !self.flags.close_failed) {
                    return;
                }
                self.phase = Phase::Closing(CloseStage::Saving);
                let save = self.saver.policy().at_close
                    && (self.saver.dirty()
                        || !self.saved_clean
                        || self.saver.busy()
                        || self.times.worth_saving());
                if self.flags.loaded && save {
                    self.saver.want_now();
                    self.pump_save();
                } else if !self.io.unsynced.is_empty() {
                    self.sync(false);
                }
                self.advance_close();
            }
            CloseStage::Saving => {
                if !self.io.syncs.is_empty() || (self.flags.loaded && self.saver.busy()) {
                    return;
                }
                self.phase = Phase::Closing(CloseStage::Releasing);
                self.disk(DiskOp::Release);
            }
            CloseStage::Releasing => {}
        }
    }
}

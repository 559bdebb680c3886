//! When to hand out state to be saved: one request in flight, later changes coalesce behind it.
//!
//! A save goes through three steps: make the content durable (a sync), hand out a blob that claims
//! only what the sync covered, wait for the host's answer. A refused save is tried again with back-
//! off, each time with fresh state. Deliberately absent: what is in a blob (`torrent/saving.rs`)
//! and disk work.

use std::time::Duration;

use crate::base::Instant;

use super::types::{SavePolicy, SaveVerdict};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Syncing,
    Asking(u64),
    Waiting(Instant),
}

/// What an answer of the host means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This generation is durable.
    Durable(u64),
    /// It will be tried again.
    Again,
    /// It failed with this code and will be tried again.
    Failed(i32),
    /// Not the answer waited for.
    Stray,
}

/// The save machine of one torrent.
#[derive(Debug)]
pub struct Saver {
    policy: SavePolicy,
    stage: Stage,
    generation: u64,
    durable: u64,
    dirty: bool,
    wanted: bool,
    due: Option<Instant>,
    retry: Duration,
}

impl Saver {
    /// Continues after `generation`, the one of the loaded blob (0: none).
    #[must_use]
    pub fn new(policy: SavePolicy, generation: u64) -> Self {
        Self {
            policy,
            stage: Stage::Idle,
            generation,
            durable: generation,
            dirty: false,
            wanted: false,
            due: None,
            retry: FIRST_RETRY,
        }
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> SavePolicy {
        self.policy
    }

    /// Another policy; an interval starts anew when there are unsaved changes.
    pub fn set_policy(&mut self, now: Instant, policy: SavePolicy) {
        self.policy = policy;
        self.due = None;
        if self.dirty {
            self.changed(now);
        }
    }

    /// Something worth saving changed.
    pub fn changed(&mut self, now: Instant) {
        self.dirty = true;
        if self.due.is_none() {
            self.due = self.policy.interval.map(|i| now + i);
        }
    }

    /// A save is wanted as soon as possible.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// As [`Self::want`], and a back-off under way ends: the host asked.
    pub fn want_now(&mut self) {
        self.wanted = true;
        if matches!(self.stage, Stage::Waiting(_)) {
            self.stage = Stage::Idle;
        }
    }

    /// Whether a save is to begin now: then issue a sync and report it with [`Self::synced`].
    pub fn begin(&mut self, now: Instant) -> bool {
        let ready = match self.stage {
            Stage::Idle => true,
            Stage::Waiting(until) => until <= now,
            Stage::Syncing | Stage::Asking(_) => false,
        };
        let due = self.due.is_some_and(|d| d <= now);
        if !ready || !(self.wanted || due) {
            return false;
        }
        self.stage = Stage::Syncing;
        self.wanted = false;
        self.due = None;
        true
    }

    /// The sync asked for is done: the generation of the blob to hand out now. `more` tells that
    /// the blob does not contain everything (pieces were verified while the sync ran).
    pub fn synced(&mut self, now: Instant, more: bool) -> Option<u64> {
        if self.stage != Stage::Syncing {
            return None;
        }
        self.generation += 1;
        self.stage = Stage::Asking(self.generation);
        self.dirty = false;
        self.due = None;
        if more {
            self.changed(now);
        }
        Some(self.generation)
    }

    /// The sync failed: nothing is handed out, the changes stay unsaved.
    pub fn sync_failed(&mut self, now: Instant) {
        if self.stage == Stage::Syncing {
            self.stage = Stage::Idle;
            self.changed(now);
        }
    }

    /// The host answered.
    pub fn answered(&mut self, now: Instant, generation: u64, answer: SaveVerdict) -> Answered {
        if self.stage != Stage::Asking(generation) {
            return Answered::Stray;
        }
        let wait = match answer {
            SaveVerdict::Accept | SaveVerdict::Pass => {
                self.stage = Stage::Idle;
                self.durable = generation;
                self.retry = FIRST_RETRY;
                return Answered::Durable(generation);
            }
            SaveVerdict::Defer(wait) => wait,
            SaveVerdict::Reject | SaveVerdict::Fail(_) => {
                let wait = self.retry;
                self.retry = (self.retry * 2).min(LAST_RETRY);
                wait
            }
        };
        self.stage = Stage::Waiting(now + wait);
        self.dirty = true;
        self.wanted = true;
        match answer {
            SaveVerdict::Fail(code) => Answered::Failed(code),
            _ => Answered::Again,
        }
    }

    /// When [`Self::begin`] will say yes without further input.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Idle => self.due,
            Stage::Waiting(until) => Some(until),
            Stage::Syncing | Stage::Asking(_) => None,
        }
    }

    /// A save is wanted or under way.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.wanted || self.stage != Stage::Idle
    }

    /// There are changes no blob contains.
    #[must_use]
    pub fn dirty(&self) -> bool {
        self.dirty
    }

    /// Generation last handed out.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Generation last made durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.durable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    #[test]
    fn one_request_in_flight_and_the_rest_coalesces() {
        let mut s = Saver::new(SavePolicy::default(), 7);
        s.want();
        assert!(s.begin(at(0)));
        s.want();
        s.want();
        assert!(!s.begin(at(0)));
        assert_eq!(s.synced(at(1), false), Some(8));
        assert!(!s.begin(at(1)));
        assert_eq!(s.answered(at(2), 7, SaveVerdict::Accept), Answered::Stray);
        assert_eq!(s.answered(at(2), 8, SaveVerdict::Accept), Answered::Durable(8));
        assert!(s.begin(at(2)));
        assert_eq!(s.synced(at(3), false), Some(9));
        assert_eq!(s.answered(at(3), 9, SaveVerdict::Accept), Answered::Durable(9));
        assert!(!s.begin(at(1000)) && !s.busy());
    }

    #[test]
    fn refused_saves_back_off_up_to_a_minute() {
        let mut s = Saver::new(SavePolicy::default(), 0);
        s.want();
        let mut now = at(0);
        let mut waits = Vec::new();
        for generation in 1..=8 {
            assert!(s.begin(now));
            assert_eq!(s.synced(now, false), Some(generation));
            assert_eq!(s.answered(now, generation, SaveVerdict::Fail(5)), Answered::Failed(5));
            assert!(s.dirty() && !s.begin(now));
            let due = s.deadline().unwrap();
            waits.push(due.since(now).as_secs());
            now = due;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        s.want_now();
        assert!(s.begin(now));
    }

    #[test]
    fn an_interval_starts_with_the_first_change() {
        let mut s = Saver::new(SavePolicy::default(), 0);
        assert_eq!(s.deadline(), None);
        s.changed(at(10));
        s.changed(at(30));
        assert_eq!(s.deadline(), Some(at(70)));
        assert!(!s.begin(at(69)) && s.begin(at(70)));
        s.sync_failed(at(71));
        assert_eq!(s.deadline(), Some(at(131)));
    }
}

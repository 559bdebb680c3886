//! When to hand out state to be saved: one request in flight, later changes coalesce behind it.
//!
//! A save goes through three steps: make the content durable (a sync), hand out a blob that claims
//! only what the sync covered, wait for the host's answer. A refused save is tried again with back-
//! off, each time with fresh state. Saves that nobody asked for take half of the time at most:
//! after one that took a second the next waits for another. Deliberately absent: what is in a blob
//! (`torrent/saving.rs`) and disk work.

use std::time::Duration;

use crate::base::Instant;

use super::types::{SaveConditions, SaveOutcome, SavePolicy, SaveVerdict};

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
    /// What changed since the state last handed out, and what that one contains.
    dirty: SaveConditions,
    offered: SaveConditions,
    wanted: bool,
    /// The host asked: no pause before it.
    urgent: bool,
    due: Option<Instant>,
    retry: Duration,
    began: Instant,
    rest_until: Instant,
    /// Who asked, and the first generation that is an answer.
    tickets: Vec<(u64, u64)>,
    /// The next state is to contain the description.
    with_info: bool,
}

/// Requests of the host that may wait at a time; the oldest are answered as refused.
const MAX_TICKETS: usize = 1024;

impl Saver {
    /// Continues after `generation`, the one of the loaded blob (0: none).
    #[must_use]
    pub fn new(policy: SavePolicy, generation: u64) -> Self {
        Self {
            policy,
            stage: Stage::Idle,
            generation,
            durable: generation,
            dirty: SaveConditions::NONE,
            offered: SaveConditions::NONE,
            wanted: false,
            urgent: false,
            due: None,
            retry: FIRST_RETRY,
            began: Instant::ZERO,
            rest_until: Instant::ZERO,
            tickets: Vec::new(),
            with_info: false,
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
        self.changed(now, SaveConditions::NONE);
    }

    /// Something worth saving changed.
    pub fn changed(&mut self, now: Instant, what: SaveConditions) {
        self.dirty = self.dirty.with(what);
        if self.due.is_none() && self.dirty.meets(self.policy.conditions) {
            self.due = self.policy.interval.map(|i| now + i);
        }
    }

    /// The host asks for a save when something of this kind changed. The answer when it is known
    /// already; else it comes with [`Self::answered`] or [`Self::end`].
    pub fn request(
        &mut self,
        ticket: u64,
        conditions: SaveConditions,
        with_info: bool,
    ) -> Option<(u64, SaveOutcome)> {
        let fresh = conditions == SaveConditions::NONE || self.dirty.meets(conditions);
        let first = if fresh {
            // The sync of a save that has begun does not cover what changed since.
            self.generation + if self.stage == Stage::Syncing { 2 } else { 1 }
        } else if self.offered.meets(conditions) {
            self.generation
        } else {
            return (ticket > 0).then_some((ticket, SaveOutcome::NotModified));
        };
        if fresh {
            self.with_info |= with_info;
            self.want_now();
        }
        if ticket > 0 {
            self.tickets.push((ticket, first));
        }
        let full = self.tickets.len() > MAX_TICKETS;
        full.then(|| (self.tickets.remove(0).0, SaveOutcome::Refused(0)))
    }

    /// Takes the requests out that `done` is about, with their answer.
    fn take(
        &mut self,
        outcome: SaveOutcome,
        done: impl Fn(u64) -> bool,
    ) -> Vec<(u64, SaveOutcome)> {
        let mut out = Vec::new();
        self.tickets.retain(|(ticket, first)| {
            let keep = !done(*first);
            if !keep {
                out.push((*ticket, outcome));
            }
            keep
        });
        out
    }

    /// Requests that this answer of the host settles.
    pub fn settle(&mut self, generation: u64, answer: SaveVerdict) -> Vec<(u64, SaveOutcome)> {
        let outcome = match answer {
            SaveVerdict::Accept | SaveVerdict::Pass => SaveOutcome::Saved(generation),
            SaveVerdict::Reject => SaveOutcome::Refused(0),
            SaveVerdict::Fail(code) => SaveOutcome::Refused(code),
            SaveVerdict::Defer(_) => return Vec::new(),
        };
        self.take(outcome, |first| first <= generation)
    }

    /// The torrent is over: the requests nobody will answer any more.
    pub fn end(&mut self) -> Vec<(u64, SaveOutcome)> {
        self.take(SaveOutcome::Ended, |_| true)
    }

    /// A save is wanted as soon as possible.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// As [`Self::want`], and a back-off under way ends: the host asked.
    pub fn want_now(&mut self) {
        self.wanted = true;
        self.urgent = true;
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
        if !ready || !(self.wanted || due) || (self.rest_until > now && !self.urgent) {
            return false;
        }
        self.stage = Stage::Syncing;
        self.wanted = false;
        self.urgent = false;
        self.due = None;
        self.began = now;
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
        self.offered = core::mem::take(&mut self.dirty);
        self.due = None;
        if more {
            self.changed(now, SaveConditions::PROGRESS);
        }
        Some(self.generation)
    }

    /// Whether the state handed out now is to contain the description; asked once for each.
    pub fn take_with_info(&mut self) -> bool {
        core::mem::take(&mut self.with_info) || self.policy.with_info
    }

    /// The sync failed: nothing is handed out, the changes stay unsaved.
    pub fn sync_failed(&mut self, now: Instant) {
        if self.stage == Stage::Syncing {
            self.stage = Stage::Idle;
            self.changed(now, SaveConditions::PROGRESS);
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
                self.offered = SaveConditions::NONE;
                self.retry = FIRST_RETRY;
                self.rest_until = now + now.since(self.began);
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
        self.dirty = self.dirty.with(core::mem::take(&mut self.offered));
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
            Stage::Idle if self.wanted => Some(self.rest_until),
            Stage::Idle => self.due.map(|due| due.max(self.rest_until)),
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
        self.unsaved() != SaveConditions::NONE
    }

    /// The kinds of changes no blob contains that was handed out.
    #[must_use]
    pub fn unsaved(&self) -> SaveConditions {
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
        // It took two seconds: unasked, the next begins two seconds later.
        assert!(!s.begin(at(3)));
        assert_eq!(s.deadline(), Some(at(4)));
        assert!(s.begin(at(4)));
        assert_eq!(s.synced(at(4), false), Some(9));
        assert_eq!(s.answered(at(5), 9, SaveVerdict::Accept), Answered::Durable(9));
        assert!(!s.begin(at(1000)) && !s.busy());
    }

    #[test]
    fn refused_saves_back_off_up_to_a_minute() {
        let mut s = Saver::new(SavePolicy::default(), 0);
        s.changed(at(0), SaveConditions::STATE);
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
        s.changed(at(5), SaveConditions::COUNTERS);
        assert_eq!(s.deadline(), None, "not of the kinds that count");
        s.changed(at(10), SaveConditions::PROGRESS);
        s.changed(at(30), SaveConditions::PROGRESS);
        assert_eq!(s.deadline(), Some(at(70)));
        assert!(!s.begin(at(69)) && s.begin(at(70)));
        s.sync_failed(at(71));
        assert_eq!(s.deadline(), Some(at(131)));
    }

    #[test]
    fn each_request_has_one_answer() {
        let mut s = Saver::new(SavePolicy::default(), 0);
        let progress = SaveConditions::PROGRESS;
        let ask = |s: &mut Saver, ticket, what| s.request(ticket, what, false);
        assert_eq!(ask(&mut s, 1, progress), Some((1, SaveOutcome::NotModified)));
        assert!(!s.busy());
        s.changed(at(0), progress);
        assert_eq!(ask(&mut s, 2, SaveConditions::CONFIG), Some((2, SaveOutcome::NotModified)));
        assert_eq!(ask(&mut s, 3, SaveConditions::ANY), None);
        assert!(s.begin(at(0)));
        // The sync under way may not cover this.
        assert_eq!(ask(&mut s, 4, SaveConditions::NONE), None);
        assert_eq!(s.synced(at(0), false), Some(1));
        // Handed out, so not dirty, but not kept either.
        assert_eq!(ask(&mut s, 5, progress), None);
        let fail = SaveVerdict::Fail(5);
        assert_eq!(s.answered(at(0), 1, SaveVerdict::Accept), Answered::Durable(1));
        let saved = SaveOutcome::Saved(1);
        assert_eq!(s.settle(1, SaveVerdict::Accept), [(3, saved), (5, saved)]);
        assert!(s.begin(at(0)));
        assert_eq!(s.synced(at(0), false), Some(2));
        assert_eq!(s.answered(at(0), 2, fail), Answered::Failed(5));
        assert_eq!(s.settle(2, fail), [(4, SaveOutcome::Refused(5))]);
        assert_eq!(ask(&mut s, 6, SaveConditions::NONE), None);
        assert_eq!(s.end(), [(6, SaveOutcome::Ended)]);
    }

    #[test]
    fn the_description_is_handed_out_once_when_asked_for() {
        let mut s = Saver::new(SavePolicy::default(), 0);
        assert!(s.request(0, SaveConditions::NONE, true).is_none());
        assert!(s.take_with_info() && !s.take_with_info());
        s.set_policy(at(0), SavePolicy { with_info: true, ..SavePolicy::default() });
        assert!(s.take_with_info() && s.take_with_info());
    }
}

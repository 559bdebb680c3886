//! SKETCH of signatures; body follows.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use super::{AnnounceEvent, AnnounceReply, Retry, TrackerStatus};
use crate::base::{Instant, Rng};

/// A tracker's number in its announcer; never reused, so that a late answer cannot reach another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerKey(pub u64);

/// How to use the tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AnnouncerConfig {
    /// Ask one tracker of every tier instead of the first that answers (BEP 12 asks for the latter).
    pub all_tiers: bool,
}

/// An announce to make: fill `AnnounceParams` with `event` and `tracker_id`, call `announce_url(&url, ..)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceRequest {
    /// To be named in the answer.
    pub tracker: TrackerKey,
    /// The tracker's announce URL, as given.
    pub url: String,
    /// Event.
    pub event: AnnounceEvent,
    /// `trackerid` of an earlier reply of this tracker.
    pub tracker_id: Option<Vec<u8>>,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum AnnouncerInput<'a> {
    /// `Started` (also after `Stopped`: again), `Completed`, `Stopped`, or `None`: announce as soon as
    /// the minimum interval allows.
    Event(AnnounceEvent),
    /// A request was answered.
    Reply {
        /// From.
        tracker: TrackerKey,
        /// Answer.
        reply: &'a AnnounceReply,
    },
    /// A request failed: no answer, HTTP error, failure reason.
    Failed {
        /// From.
        tracker: TrackerKey,
        /// Text for the status.
        reason: &'a str,
        /// BEP 31 wish, when the tracker gave one.
        retry: Option<Retry>,
    },
    /// Counts from a scrape.
    Scraped {
        /// From.
        tracker: TrackerKey,
        /// Seeds.
        complete: Option<u32>,
        /// Leechers.
        incomplete: Option<u32>,
        /// Completed downloads.
        downloaded: Option<u32>,
    },
}

/// The trackers of one torrent.
#[derive(Debug)]
pub struct Announcer {
    _todo: (),
}

impl Announcer {
    /// An idle announcer: give it `Event(Started)` when the torrent starts. `rng` shuffles and jitters.
    #[must_use]
    pub fn new(tiers: &[Vec<String>], config: AnnouncerConfig, rng: Rng) -> Self {
        todo!()
    }
    /// Takes an input. Answers of unknown trackers (removed ones) are ignored.
    pub fn handle(&mut self, now: Instant, input: AnnouncerInput<'_>) {
        todo!()
    }
    /// The next announce to make now. Call until `None` after `handle` and at `next_deadline`.
    pub fn poll(&mut self, now: Instant) -> Option<AnnounceRequest> {
        todo!()
    }
    /// When `poll` will have something, as far as known; `None` when it waits for an answer or has
    /// nothing to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        todo!()
    }
    /// Announces to every tier's next tracker as soon as the minimum intervals allow.
    pub fn reannounce(&mut self, now: Instant) {
        todo!()
    }
    /// `handle(now, Event(Stopped))`: `poll` then gives `stopped` requests for the trackers that were
    /// told `started`, all at once, without retries.
    pub fn stop(&mut self, now: Instant) {
        todo!()
    }
    /// Stopped, and no `stopped` request is waiting or under way.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        todo!()
    }
    /// Replaces the tiers. Trackers that stay keep their state and key; removed ones that were told
    /// `started` get `stopped`.
    pub fn set_trackers(&mut self, now: Instant, tiers: &[Vec<String>]) {
        todo!()
    }
    /// URLs of all trackers in their present order with their keys: for scraping and for saving.
    #[must_use]
    pub fn trackers(&self) -> Vec<(TrackerKey, &str)> {
        todo!()
    }
    /// The tiers in their present order (BEP 12 moves a tracker that answered to the front).
    #[must_use]
    pub fn tiers(&self) -> Vec<Vec<String>> {
        todo!()
    }
    /// URL of a tracker; `None` when it is gone.
    #[must_use]
    pub fn url(&self, tracker: TrackerKey) -> Option<&str> {
        todo!()
    }
    /// States for display, in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<TrackerStatus> {
        todo!()
    }
    /// Changes how tiers are used.
    pub fn set_config(&mut self, config: AnnouncerConfig) {
        todo!()
    }
}

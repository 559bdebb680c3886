//! Which tracker of a torrent to ask when (BEP 3 events, BEP 12 tiers, BEP 31 retries).
//!
//! A tracker is in one of three conditions: it may be asked from some time on, it is being asked,
//! or it is not asked again (a scheme not spoken, or BEP 31's `never`). [`Announcer::poll`] walks
//! the tiers each time anew, so there is no position to get wrong: the first tracker that answers
//! well keeps the walk from going on, and moves to the front of its tier. Deliberately absent: the
//! request itself and its time-out (the driver reports `Failed`), addresses, counters.

use std::collections::VecDeque;
use std::time::Duration;

use super::entry::{Condition, Entry};
use super::{AnnounceEvent, AnnounceReply, Retry, TrackerStatus};
use crate::base::{Instant, Rng};

/// A tracker's number in its announcer; never reused, so that a late answer cannot reach another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackerKey(pub u64);

/// How to use the tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AnnouncerConfig {
    /// Ask one tracker of every tier instead of the first that answers (BEP 12 asks for the
    /// latter).
    pub all_tiers: bool,
    /// Ask trackers with `udp` URLs too (BEP 15): the driver has sockets for them.
    pub udp: bool,
}

/// An announce to make: fill `AnnounceParams` with `event` and `tracker_id`, then `announce_url`,
/// or for a `udp` URL the `udp` module.
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
    /// `Started` (also after `Stopped`: again), `Completed`, `Stopped`, or `None`: announce as soon
    /// as the minimum interval allows. Only `Started` wakes an idle announcer.
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
    config: AnnouncerConfig,
    rng: Rng,
    /// No tier is empty.
    tiers: Vec<Vec<Entry>>,
    running: bool,
    /// Trackers to be told `stopped`, in order.
    farewells: VecDeque<AnnounceRequest>,
    /// `stopped` requests under way.
    leaving: Vec<TrackerKey>,
    next_key: u64,
}

impl Announcer {
    /// An idle announcer: give it `Event(Started)` when the torrent starts. `rng` shuffles the
    /// tiers (BEP 12) and spreads retries. Repeated URLs are kept once, at their first place.
    #[must_use]
    pub fn new(tiers: &[Vec<String>], config: AnnouncerConfig, rng: Rng) -> Self {
        let mut announcer = Self {
            config,
            rng,
            tiers: Vec::new(),
            running: false,
            farewells: VecDeque::new(),
            leaving: Vec::new(),
            next_key: 0,
        };
        announcer.tiers = announcer.build(tiers, Vec::new());
        announcer
    }

    /// Takes an input. Answers of unknown trackers (removed ones), and answers nobody waits for,
    /// are ignored.
    pub fn handle(&mut self, now: Instant, input: AnnouncerInput<'_>) {
        match input {
            AnnouncerInput::Event(AnnounceEvent::Started) => self.start(now),
            AnnouncerInput::Event(AnnounceEvent::Stopped) => self.stop(now),
            AnnouncerInput::Event(AnnounceEvent::Completed) => {
                if self.running {
                    self.entries_mut().for_each(|entry| entry.complete(now));
                }
            }
            AnnouncerInput::Event(AnnounceEvent::None) => self.reannounce(now),
            AnnouncerInput::Reply { tracker, reply } => {
                if !self.take_farewell(tracker) {
                    self.replied(now, tracker, reply);
                }
            }
            AnnouncerInput::Failed { tracker, reason, retry } => {
                if !self.take_farewell(tracker) {
                    self.failed(now, tracker, reason, retry);
                }
            }
            AnnouncerInput::Scraped { tracker, complete, incomplete, downloaded } => {
                if let Some(entry) = self.entries_mut().find(|entry| entry.key == tracker) {
                    entry.counted(complete, incomplete, downloaded);
                }
            }
        }
    }

    /// The next announce to make now. Call until `None` after [`Self::handle`] and at
    /// [`Self::next_deadline`].
    pub fn poll(&mut self, now: Instant) -> Option<AnnounceRequest> {
        if let Some(request) = self.farewells.pop_front() {
            self.leaving.push(request.tracker);
            return Some(request);
        }
        if !self.running {
            return None;
        }
        let due = self.candidates().into_iter().find(|(_, _, due)| *due <= now);
        let (tier, at, _) = due?;
        self.tiers.get_mut(tier)?.get_mut(at).map(Entry::ask)
    }

    /// When [`Self::poll`] will have something, as far as known; `None` when it waits for an answer
    /// or has nothing to do. It is in the past when there is something now.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.farewells.is_empty() {
            return Some(Instant::ZERO);
        }
        if !self.running {
            return None;
        }
        self.candidates().into_iter().map(|(_, _, due)| due).min()
    }

    /// Announces to the trackers in use as soon as their minimum intervals allow. Trackers that
    /// failed are tried again too, but not sooner than their first back-off would have it.
    pub fn reannounce(&mut self, now: Instant) {
        if self.running {
            self.entries_mut().for_each(|entry| entry.hurry(now));
        }
    }

    /// Announces to the tracker of this URL alone, when its minimum interval allows, even if the
    /// tiers' rule would not come to it.
    pub fn reannounce_to(&mut self, now: Instant, url: &str) {
        if self.running {
            let named = self.entries_mut().filter(|entry| entry.url == url);
            named.for_each(|entry| entry.want(now));
        }
    }

    /// Like `Event(Stopped)`: [`Self::poll`] then gives `stopped` requests for the trackers that
    /// were told `started`, all at once, without retries. Requests under way have lost their
    /// meaning: cancel them, do not report how they end.
    pub fn stop(&mut self, _now: Instant) {
        self.running = false;
        let farewells: Vec<_> = self.entries_mut().filter_map(Entry::stop).collect();
        self.farewells.extend(farewells);
    }

    /// Stopped, and no `stopped` request is waiting or under way.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        !self.running && self.farewells.is_empty() && self.leaving.is_empty()
    }

    /// Replaces the tiers. Trackers that stay keep their state and key; removed ones that were told
    /// `started` get `stopped`.
    pub fn set_trackers(&mut self, now: Instant, tiers: &[Vec<String>]) {
        let mut old: Vec<Entry> = core::mem::take(&mut self.tiers).into_iter().flatten().collect();
        let stays = |entry: &Entry| tiers.iter().flatten().any(|url| url.trim() == entry.url);
        let removed = old.extract_if(.., |entry| !stays(entry));
        self.farewells.extend(removed.filter_map(|mut entry| entry.stop()));
        self.tiers = self.build(tiers, old);
        if self.running {
            self.entries_mut().for_each(|entry| entry.start(now));
        }
    }

    /// Changes how tiers are used. UDP trackers that are not used any more get `stopped`.
    pub fn set_config(&mut self, now: Instant, config: AnnouncerConfig) {
        self.config = config;
        let running = self.running;
        let left: Vec<_> =
            self.entries_mut().filter_map(|e| e.allow_udp(now, config.udp, running)).collect();
        self.farewells.extend(left);
    }

    /// Keys and URLs of all trackers in their present order: for scraping.
    #[must_use]
    pub fn trackers(&self) -> Vec<(TrackerKey, &str)> {
        self.tiers.iter().flatten().map(|entry| (entry.key, entry.url.as_str())).collect()
    }

    /// The tiers' URLs in their present order (a tracker that answered is at the front): for
    /// saving.
    #[must_use]
    pub fn tiers(&self) -> Vec<Vec<String>> {
        let urls = |tier: &Vec<Entry>| tier.iter().map(|entry| entry.url.clone()).collect();
        self.tiers.iter().map(urls).collect()
    }

    /// URL of a tracker; `None` when it is gone.
    #[must_use]
    pub fn url(&self, tracker: TrackerKey) -> Option<&str> {
        let entry = self.tiers.iter().flatten().find(|entry| entry.key == tracker);
        entry.map(|entry| entry.url.as_str())
    }

    /// States for display, in order.
    #[must_use]
    pub fn statuses(&self) -> Vec<TrackerStatus> {
        let numbered = (0u32..).zip(&self.tiers);
        numbered.flat_map(|(tier, entries)| entries.iter().map(move |e| e.status(tier))).collect()
    }

    fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.tiers.iter_mut().flatten()
    }

    /// Tiers of these URLs: known entries first used, new ones made and shuffled in (BEP 12).
    fn build(&mut self, tiers: &[Vec<String>], mut known: Vec<Entry>) -> Vec<Vec<Entry>> {
        let mut seen: Vec<&str> = Vec::new();
        let mut built = Vec::new();
        for urls in tiers {
            let mut tier = Vec::new();
            for url in urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty()) {
                if seen.contains(&url) {
                    continue;
                }
                seen.push(url);
                let found = known.iter().position(|entry| entry.url == url);
                let entry = match found.map(|at| known.swap_remove(at)) {
                    Some(entry) => entry,
                    None => {
                        self.next_key += 1;
                        Entry::new(TrackerKey(self.next_key), url, self.config.udp)
                    }
                };
                tier.push(entry);
            }
            self.rng.shuffle(&mut tier);
            // Trackers that work stay in front.
            tier.sort_by_key(|entry| !entry.verified());
            if !tier.is_empty() {
                built.push(tier);
            }
        }
        built
    }

    /// The trackers that the host wants asked, and those the tiers' rule lets us ask, in its order,
    /// with the times from which they may be: those that failed or were never asked, up to the
    /// first that works.
    fn candidates(&self) -> Vec<(usize, usize, Instant)> {
        let all_tiers = self.config.all_tiers;
        let asked = |entry: &Entry| entry.condition == Condition::Asked;
        let mut found = self.wanted();
        // One request at a time: in each tier, or in all.
        if !all_tiers && self.tiers.iter().flatten().any(asked) {
            return found;
        }
        for (number, tier) in self.tiers.iter().enumerate() {
            if tier.iter().any(asked) {
                continue;
            }
            let mut settled = false;
            for (at, entry) in tier.iter().enumerate() {
                if let Condition::Due(due) = entry.condition {
                    found.push((number, at, due));
                    settled = entry.works();
                }
                if settled {
                    break;
                }
            }
            if settled && !all_tiers {
                break;
            }
        }
        found
    }

    fn wanted(&self) -> Vec<(usize, usize, Instant)> {
        let places = self.tiers.iter().enumerate().flat_map(|(number, tier)| {
            tier.iter().enumerate().map(move |(at, entry)| (number, at, entry.wanted()))
        });
        places.filter_map(|(number, at, due)| Some((number, at, due?))).collect()
    }

    fn start(&mut self, now: Instant) {
        self.running = true;
        // A farewell that did not go out yet is superseded; those of removed trackers are not.
        let tiers = &self.tiers;
        let listed = |key| tiers.iter().flatten().any(|entry| entry.key == key);
        self.farewells.retain(|request| !listed(request.tracker));
        self.entries_mut().for_each(|entry| entry.start(now));
    }

    fn take_farewell(&mut self, tracker: TrackerKey) -> bool {
        let at = self.leaving.iter().position(|key| *key == tracker);
        at.map(|at| self.leaving.swap_remove(at)).is_some()
    }

    fn replied(&mut self, now: Instant, tracker: TrackerKey, reply: &AnnounceReply) {
        for tier in &mut self.tiers {
            let at = tier.iter().position(|entry| entry.is_asked(tracker));
            let Some(at) = at else { continue };
            if let Some(entry) = tier.get_mut(at) {
                entry.replied(now, reply);
            }
            // BEP 12: "move it to the front of the tier".
            if let Some(front) = tier.get_mut(..=at) {
                front.rotate_right(1);
            }
        }
    }

    fn failed(&mut self, now: Instant, tracker: TrackerKey, reason: &str, retry: Option<Retry>) {
        // Between half and one and a half: a tracker that comes back is not met by everybody.
        let jitter = Duration::from_millis(500 + self.rng.below(1000));
        let asked = self.entries_mut().find(|entry| entry.is_asked(tracker));
        if let Some(entry) = asked {
            entry.failed(now, reason, retry, jitter);
        }
    }
}

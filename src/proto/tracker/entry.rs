//! One tracker of an announcer: what it was told, what it answered, from when it may be asked.

use std::time::Duration;

use super::udp::UdpTarget;
use super::{
    AnnounceEvent, AnnounceReply, AnnounceRequest, Retry, TrackerKey, TrackerStatus, UrlError,
    is_supported,
};
use crate::base::Instant;

/// Shortest time between announces, and from a failure to the next attempt on average: what a
/// tracker says is not obeyed below it, so that none can make us a source of load.
const SHORTEST: Duration = Duration::from_secs(60);
/// Longest time between announces: a tracker's reply cannot silence us for ever.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Time between announces when the tracker names none.
const USUAL: Duration = Duration::from_secs(1800);
/// Longest back-off after failures, before jitter.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(3600);
/// Doublings after which the back-off is past its limit.
const MAX_DOUBLINGS: u32 = 6;

/// Whether and when a tracker may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// The announcer is not running.
    Idle,
    /// From this time on.
    Due(Instant),
    /// A request is under way.
    Asked,
    /// Not at all: unusable URL, or the tracker's wish (BEP 31).
    Never,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: TrackerKey,
    pub(super) url: String,
    pub(super) condition: Condition,
    /// Its URL is one we ask.
    usable: bool,
    /// It answered a `started` and got no `stopped` since.
    started: bool,
    /// `completed` is still to be told.
    completed: bool,
    /// Of the last request.
    event: AnnounceEvent,
    /// The host wants it asked, wherever it stands in the tiers.
    wanted: bool,
    /// Not to be hurried before this time.
    earliest: Instant,
    /// The last request was answered.
    works: bool,
    verified: bool,
    fails: u32,
    tracker_id: Option<Vec<u8>>,
    scrape: (Option<u32>, Option<u32>, Option<u32>),
    message: String,
}

impl Entry {
    pub(super) fn new(key: TrackerKey, url: &str, udp: bool) -> Self {
        let unusable = match is_supported(url) {
            Err(UrlError::UnsupportedScheme) if udp => UdpTarget::parse(url).err(),
            other => other.err(),
        };
        Self {
            key,
            url: url.to_owned(),
            condition: if unusable.is_some() { Condition::Never } else { Condition::Idle },
            usable: unusable.is_none(),
            started: false,
            completed: false,
            event: AnnounceEvent::None,
            wanted: false,
            earliest: Instant::ZERO,
            works: false,
            verified: false,
            fails: 0,
            tracker_id: None,
            scrape: (None, None, None),
            message: unusable.map(|error| error.to_string()).unwrap_or_default(),
        }
    }

    /// The last request was answered.
    pub(super) fn works(&self) -> bool {
        self.works
    }

    /// A request was answered in this session.
    pub(super) fn verified(&self) -> bool {
        self.verified
    }

    /// UDP trackers are used from now on, or not: the farewell to send to one that is given up.
    pub(super) fn allow_udp(
        &mut self,
        now: Instant,
        udp: bool,
        running: bool,
    ) -> Option<AnnounceRequest> {
        if UdpTarget::parse(&self.url).is_err() || udp == self.usable {
            return None;
        }
        self.usable = udp;
        if udp {
            self.message.clear();
            self.condition = if running { Condition::Due(now) } else { Condition::Idle };
            return None;
        }
        let farewell = self.stop();
        self.condition = Condition::Never;
        self.message = UrlError::UnsupportedScheme.to_string();
        farewell
    }

    pub(super) fn is_asked(&self, key: TrackerKey) -> bool {
        self.key == key && self.condition == Condition::Asked
    }

    /// The torrent runs: it may be asked now, or when its back-off is over.
    pub(super) fn start(&mut self, now: Instant) {
        if self.condition == Condition::Idle {
            let due = if self.fails == 0 { now } else { now.max(self.earliest) };
            self.condition = Condition::Due(due);
        }
    }

    /// The torrent stops: the farewell to send, when the tracker may think we are here.
    pub(super) fn stop(&mut self) -> Option<AnnounceRequest> {
        let starting = self.condition == Condition::Asked && self.event == AnnounceEvent::Started;
        let owed = self.started || starting;
        (self.started, self.completed, self.works) = (false, false, false);
        self.wanted = false;
        if self.condition != Condition::Never {
            self.condition = Condition::Idle;
        }
        owed.then(|| self.request(AnnounceEvent::Stopped))
    }

    /// The download is complete. Told at once whatever the interval, but not before `started`, and
    /// not past a back-off.
    pub(super) fn complete(&mut self, now: Instant) {
        self.completed = true;
        if let Condition::Due(due) = &mut self.condition
            && self.works
        {
            *due = (*due).min(now);
        }
    }

    /// Moves the next announce as near as the minimum interval or the first back-off allows.
    pub(super) fn hurry(&mut self, now: Instant) {
        if let Condition::Due(due) = &mut self.condition {
            *due = (*due).min(now.max(self.earliest));
        }
    }

    /// As [`Self::hurry`], and it is asked whatever the walk of the tiers comes to.
    pub(super) fn want(&mut self, now: Instant) {
        self.hurry(now);
        self.wanted = matches!(self.condition, Condition::Due(_));
    }

    /// When it may be asked, if it is wanted.
    pub(super) fn wanted(&self) -> Option<Instant> {
        match self.condition {
            Condition::Due(due) if self.wanted => Some(due),
            _ => None,
        }
    }

    /// Makes the request that is due.
    pub(super) fn ask(&mut self) -> AnnounceRequest {
        self.condition = Condition::Asked;
        self.wanted = false;
        self.event = match (self.started, self.completed) {
            (false, _) => AnnounceEvent::Started,
            (true, true) => AnnounceEvent::Completed,
            (true, false) => AnnounceEvent::None,
        };
        self.request(self.event)
    }

    fn request(&self, event: AnnounceEvent) -> AnnounceRequest {
        let (url, tracker_id) = (self.url.clone(), self.tracker_id.clone());
        AnnounceRequest { tracker: self.key, url, event, tracker_id }
    }

    pub(super) fn replied(&mut self, now: Instant, reply: &AnnounceReply) {
        match self.event {
            AnnounceEvent::Started => self.started = true,
            AnnounceEvent::Completed => self.completed = false,
            AnnounceEvent::None | AnnounceEvent::Stopped => {}
        }
        (self.works, self.verified, self.fails) = (true, true, 0);
        if reply.tracker_id.is_some() {
            self.tracker_id.clone_from(&reply.tracker_id);
        }
        self.counted(reply.complete, reply.incomplete, reply.downloaded);
        self.message = reply.warning.clone().unwrap_or_default();
        let shortest = reply.min_interval.map_or(SHORTEST, sane);
        let interval = reply.interval.map_or(USUAL, sane).max(shortest);
        self.earliest = now + shortest;
        self.condition = Condition::Due(if self.completed { now } else { now + interval });
    }

    /// `jitter` is a factor in thousandths of a second: one second leaves the back-off as it is.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        reason: &str,
        retry: Option<Retry>,
        jitter: Duration,
    ) {
        let doublings = self.fails.min(MAX_DOUBLINGS);
        (self.works, self.fails) = (false, self.fails.saturating_add(1));
        self.message = reason.to_owned();
        let back_off = (SHORTEST * (1 << doublings)).min(LONGEST_BACK_OFF);
        let spread = |time: Duration| time.mul_f64(jitter.as_secs_f64());
        self.condition = match retry {
            Some(Retry::Never) => Condition::Never,
            // A wish is a lower bound: nobody comes back before it.
            Some(Retry::After(wish)) => {
                self.earliest = now + wish.clamp(SHORTEST, LONGEST);
                Condition::Due(self.earliest.max(now + spread(back_off)))
            }
            None => {
                self.earliest = now + spread(SHORTEST);
                Condition::Due(now + spread(back_off))
            }
        };
    }

    /// Counts from a reply or a scrape; what it leaves out stays.
    pub(super) fn counted(
        &mut self,
        complete: Option<u32>,
        incomplete: Option<u32>,
        downloaded: Option<u32>,
    ) {
        let (seeds, leechers, downloads) = self.scrape;
        self.scrape = (complete.or(seeds), incomplete.or(leechers), downloaded.or(downloads));
    }

    pub(super) fn status(&self, tier: u32) -> TrackerStatus {
        TrackerStatus {
            url: self.url.clone(),
            tier,
            fails: self.fails,
            updating: self.condition == Condition::Asked,
            verified: self.verified,
            next_announce: match self.condition {
                Condition::Due(due) => Some(due),
                Condition::Idle | Condition::Asked | Condition::Never => None,
            },
            scrape: self.scrape,
            message: self.message.clone(),
        }
    }
}

fn sane(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs)).clamp(SHORTEST, LONGEST)
}

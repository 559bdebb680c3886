//! All UDP trackers of a session: who asks which, each once, and counts of many in one packet.
//!
//! One [`UdpTracker`] for each address, whatever the number of torrents, so that they share its
//! connection id, its window and, when it is dead, its one packet at a time. Scrapes are gathered
//! for a moment and asked together, up to [`SCRAPE_MAX`] in a packet. Deliberately absent: sockets,
//! names, and what a torrent makes of an answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::UdpRequestId;
use super::client::{UdpConfig, UdpError, UdpInput, UdpOutput, UdpQuestion, UdpTracker};
use super::codec::{Announce, SCRAPE_MAX};
use crate::base::{InfoHash, Instant, Rng};
use crate::proto::tracker::{AnnounceReply, ScrapeEntry};

/// How long a scrape waits for others to the same tracker.
const GATHER: Duration = Duration::from_millis(50);

/// What is asked of a tracker.
#[derive(Clone, Debug)]
pub enum PoolQuestion {
    /// An announce.
    Announce(Box<Announce>),
    /// Counts of a torrent.
    Scrape(InfoHash),
}

/// What to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolOutput {
    /// Send a datagram.
    Send {
        /// To this tracker.
        to: SocketAddr,
        /// Bytes.
        data: Vec<u8>,
    },
    /// An announce was answered.
    Announced {
        /// Which.
        id: UdpRequestId,
        /// By this.
        reply: AnnounceReply,
    },
    /// A scrape was answered.
    Scraped {
        /// Which.
        id: UdpRequestId,
        /// Counts.
        entry: ScrapeEntry,
    },
    /// Either failed.
    Failed {
        /// Which.
        id: UdpRequestId,
        /// Why.
        error: UdpError,
    },
}

/// What went to UDP trackers and came back, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UdpCounts {
    /// Datagrams sent.
    pub sent: u64,
    /// Bytes in them.
    pub sent_bytes: u64,
    /// Datagrams that came from trackers that were asked something.
    pub received: u64,
    /// Bytes in them.
    pub received_bytes: u64,
    /// Announces and scrapes answered; a scrape of many torrents is one.
    pub answers: u64,
    /// Announces and scrapes that failed: refused, not answered, nobody there.
    pub failures: u64,
    /// Connection ids asked for.
    pub connects: u64,
    /// Announces and scrapes that went out under a connection id that had been used before.
    pub reused: u64,
}

/// A tracker and when the timer looks at it.
#[derive(Debug)]
struct Kept {
    machine: UdpTracker,
    armed: Option<Instant>,
}

/// Scrapes that wait for others, or are asked in one packet.
type Scrapes = Vec<(UdpRequestId, InfoHash)>;

/// The trackers.
#[derive(Debug)]
pub struct UdpTrackers {
    config: UdpConfig,
    rng: Rng,
    trackers: BTreeMap<SocketAddr, Kept>,
    timers: BTreeSet<(Instant, SocketAddr)>,
    gathering: BTreeMap<SocketAddr, (Instant, Scrapes)>,
    /// Asked: by the number the tracker's machine knows.
    batches: BTreeMap<UdpRequestId, Scrapes>,
    /// Announces, and scrapes: where they are asked, and in which batch.
    open: BTreeMap<UdpRequestId, (SocketAddr, Option<UdpRequestId>)>,
    next: u64,
    counts: UdpCounts,
    outputs: VecDeque<PoolOutput>,
}

impl UdpTrackers {
    /// None yet. `rng` makes transaction ids: seed it with the host's entropy, or answers can be
    /// forged.
    #[must_use]
    pub fn new(config: UdpConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            trackers: BTreeMap::new(),
            timers: BTreeSet::new(),
            gathering: BTreeMap::new(),
            batches: BTreeMap::new(),
            open: BTreeMap::new(),
            next: 0,
            counts: UdpCounts::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Packets sent for one request before it is given up; for trackers not asked yet.
    pub fn set_attempts(&mut self, attempts: u32) {
        self.config.attempts = attempts;
    }

    /// Asks the tracker at an address; one output has the number that comes back.
    pub fn ask(&mut self, now: Instant, to: SocketAddr, question: PoolQuestion) -> UdpRequestId {
        let id = self.number();
        match question {
            PoolQuestion::Announce(announce) => {
                self.open.insert(id, (to, None));
                let question = UdpQuestion::Announce(announce);
                self.give(now, to, UdpInput::Ask { id, question });
            }
            PoolQuestion::Scrape(hash) => {
                self.open.insert(id, (to, None));
                let (_, scrapes) =
                    self.gathering.entry(to).or_insert_with(|| (now + GATHER, Vec::new()));
                scrapes.push((id, hash));
                if scrapes.len() >= SCRAPE_MAX {
                    self.ask_gathered(now, to);
                }
            }
        }
        id
    }

    /// Nobody wants the answer any more.
    pub fn cancel(&mut self, now: Instant, id: UdpRequestId) {
        let Some((to, batch)) = self.open.remove(&id) else { return };
        if let Some(batch) = batch {
            let Some(scrapes) = self.batches.get_mut(&batch) else { return };
            // The others keep their places: the answer's order is the question's.
            if scrapes.iter().all(|(other, _)| !self.open.contains_key(other)) {
                self.batches.remove(&batch);
                self.give(now, to, UdpInput::Cancel(batch));
            }
        } else if let Some((_, scrapes)) = self.gathering.get_mut(&to)
            && let Some(at) = scrapes.iter().position(|(other, _)| *other == id)
        {
            scrapes.remove(at);
            if scrapes.is_empty() {
                self.gathering.remove(&to);
            }
        } else {
            self.give(now, to, UdpInput::Cancel(id));
        }
    }

    /// A datagram came. Whether it is of a tracker that was asked something: others are nobody's.
    pub fn datagram(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> bool {
        let known = self.trackers.contains_key(&from);
        if known {
            self.counts.received += 1;
            self.counts.received_bytes += data.len() as u64;
            self.give(now, from, UdpInput::Datagram { from, data });
        }
        known
    }

    /// The network says that nobody listens there.
    pub fn unreachable(&mut self, now: Instant, to: SocketAddr) {
        if self.trackers.contains_key(&to) {
            self.give(now, to, UdpInput::Unreachable);
        }
    }

    /// [`Self::next_deadline`] has passed.
    pub fn timeout(&mut self, now: Instant) {
        while let Some((at, addr)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(kept) = self.trackers.get_mut(&addr) {
                kept.armed = None;
            }
            self.give(now, addr, UdpInput::Timeout);
        }
        let due = |(to, (at, _)): (&SocketAddr, &(Instant, Scrapes))| (*at <= now).then_some(*to);
        let gathered: Vec<SocketAddr> = self.gathering.iter().filter_map(due).collect();
        for to in gathered {
            self.ask_gathered(now, to);
        }
    }

    /// What to do or to know; take all after each input.
    pub fn poll_output(&mut self) -> Option<PoolOutput> {
        self.outputs.pop_front()
    }

    /// When to call [`Self::timeout`]; `None` while nothing is asked.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let gathered = self.gathering.values().map(|(at, _)| *at).min();
        self.timers.first().map(|(at, _)| *at).into_iter().chain(gathered).min()
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> UdpCounts {
        self.counts
    }

    /// Questions not answered yet.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn number(&mut self) -> UdpRequestId {
        self.next += 1;
        UdpRequestId(self.next)
    }

    fn ask_gathered(&mut self, now: Instant, to: SocketAddr) {
        let Some((_, scrapes)) = self.gathering.remove(&to) else { return };
        let batch = self.number();
        for (id, _) in &scrapes {
            self.open.insert(*id, (to, Some(batch)));
        }
        let hashes = scrapes.iter().map(|(_, hash)| *hash).collect();
        self.batches.insert(batch, scrapes);
        let question = UdpQuestion::Scrape(hashes);
        self.give(now, to, UdpInput::Ask { id: batch, question });
    }

    /// Gives a tracker's machine something, and takes what comes of it.
    fn give(&mut self, now: Instant, to: SocketAddr, input: UdpInput<'_>) {
        if !self.trackers.contains_key(&to) {
            if !matches!(input, UdpInput::Ask { .. }) {
                return;
            }
            // Those that nobody asks go when another comes; until then they keep what they know.
            self.trackers.retain(|_, kept| kept.armed.is_some() || !kept.machine.is_spent(now));
            let rng = Rng::new(self.rng.next_u64());
            let machine = UdpTracker::new(to, self.config, rng);
            self.trackers.insert(to, Kept { machine, armed: None });
        }
        let Some(kept) = self.trackers.get_mut(&to) else { return };
        kept.machine.handle(now, input);
        let outputs: Vec<_> = core::iter::from_fn(|| kept.machine.poll_output()).collect();
        let (connects, reused) = kept.machine.take_tally();
        self.counts.connects += connects;
        self.counts.reused += reused;
        let due = kept.machine.next_deadline();
        if due != kept.armed {
            if let Some(old) = kept.armed {
                self.timers.remove(&(old, to));
            }
            self.timers.extend(due.map(|due| (due, to)));
            kept.armed = due;
        }
        for output in outputs {
            self.take(to, output);
        }
    }

    fn take(&mut self, to: SocketAddr, output: UdpOutput) {
        match output {
            UdpOutput::Send(data) => {
                self.counts.sent += 1;
                self.counts.sent_bytes += data.len() as u64;
                self.outputs.push_back(PoolOutput::Send { to, data });
            }
            UdpOutput::Announced { id, reply } => {
                self.counts.answers += 1;
                if self.open.remove(&id).is_some() {
                    self.outputs.push_back(PoolOutput::Announced { id, reply });
                }
            }
            UdpOutput::Scraped { id: batch, entries } => {
                self.counts.answers += 1;
                let scrapes = self.batches.remove(&batch).unwrap_or_default();
                let mut entries = entries.into_iter();
                for (id, _) in scrapes {
                    let entry = entries.next();
                    if self.open.remove(&id).is_some() {
                        let error = UdpError::LeftOut;
                        self.outputs.push_back(match entry {
                            Some(entry) => PoolOutput::Scraped { id, entry },
                            None => PoolOutput::Failed { id, error },
                        });
                    }
                }
            }
            UdpOutput::Failed { id, error } => {
                self.counts.failures += 1;
                let scrapes = self.batches.remove(&id).unwrap_or_default();
                for id in scrapes.into_iter().map(|(id, _)| id).chain([id]) {
                    if self.open.remove(&id).is_some() {
                        let error = error.clone();
                        self.outputs.push_back(PoolOutput::Failed { id, error });
                    }
                }
            }
        }
    }
}

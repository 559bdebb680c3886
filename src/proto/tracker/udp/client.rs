//! One UDP tracker and all that is asked of it (BEP 15).
//!
//! The connection id is shared by all torrents: one connect a minute serves them all, and a tracker
//! that is silent is asked by one packet at a time, whatever waits behind it. Deliberately absent:
//! names, sockets, and which torrent announces when (the announcer's).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::codec::{Announce, Reply, Request, SCRAPE_MAX};
use crate::base::{InfoHash, Instant, Rng};
use crate::proto::tracker::{AnnounceReply, ScrapeEntry};

/// A connection id may be used for so long (BEP 15: one minute).
const CONNECTION_LIFE: Duration = Duration::from_secs(60);
/// First wait for an answer; doubled each time (BEP 15: 15 * 2 ^ n seconds).
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// Packets of one request at most, by the BEP: n from 0 to 8.
pub const ATTEMPTS_MAX: u32 = 9;
/// Requests that wait.
const QUEUE_MAX: usize = 100_000;
/// Characters of a tracker's message that are kept.
const MESSAGE_CHARS: usize = 200;

/// A request's number, chosen by who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UdpRequestId(pub u64);

/// How to treat a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// Packets sent for one request before it is given up, at most [`ATTEMPTS_MAX`].
    pub attempts: u32,
    /// Announces and scrapes under way at a time.
    pub window: usize,
}

impl Default for UdpConfig {
    /// Three packets: 105 seconds. The BEP's nine take more than two hours, in which another
    /// tracker of the tier is better.
    fn default() -> Self {
        Self { attempts: 3, window: 16 }
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum UdpQuestion {
    /// An announce.
    Announce(Box<Announce>),
    /// Counts of some torrents, at most [`SCRAPE_MAX`].
    Scrape(Vec<InfoHash>),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum UdpInput<'a> {
    /// Something is wanted; answered by one output with the same number.
    Ask {
        /// Not used twice while it is open.
        id: UdpRequestId,
        /// What.
        question: UdpQuestion,
    },
    /// It is not wanted any more.
    Cancel(UdpRequestId),
    /// A datagram came.
    Datagram {
        /// From.
        from: SocketAddr,
        /// Bytes.
        data: &'a [u8],
    },
    /// The network says that nobody listens there.
    Unreachable,
    /// [`UdpTracker::next_deadline`] has passed.
    Timeout,
}

/// What to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UdpOutput {
    /// Send a datagram to the tracker.
    Send(Vec<u8>),
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
        /// In the order of the question; fewer when the answer was short.
        entries: Vec<ScrapeEntry>,
    },
    /// A request failed.
    Failed {
        /// Which.
        id: UdpRequestId,
        /// Why.
        error: UdpError,
    },
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpError {
    /// No answer.
    TimedOut,
    /// Nobody listens there.
    Unreachable,
    /// The tracker refused, with this text, made printable and bounded in length.
    Refused(String),
    /// Too many requests wait already, or this one asks nothing or too much.
    Rejected,
    /// The tracker answered for others that were asked about, but not for this one.
    LeftOut,
}

impl core::fmt::Display for UdpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer from the tracker"),
            Self::Unreachable => f.write_str("nobody listens at the tracker's address"),
            Self::Refused(text) => write!(f, "tracker refused: {text}"),
            Self::Rejected => f.write_str("too many requests wait for this tracker"),
            Self::LeftOut => f.write_str("the tracker's answer leaves the torrent out"),
        }
    }
}

impl core::error::Error for UdpError {}

/// A request and how often it was sent.
#[derive(Debug)]
struct Job {
    question: UdpQuestion,
    attempts: u32,
    /// It was asked again over a new connection since the tracker did not like the old one.
    reconnected: bool,
}

/// A packet whose answer is due.
#[derive(Clone, Copy, Debug)]
struct Flight {
    /// `None` for a connect.
    id: Option<UdpRequestId>,
    until: Instant,
}

/// One tracker at one address.
#[derive(Debug)]
pub struct UdpTracker {
    addr: SocketAddr,
    config: UdpConfig,
    rng: Rng,
    connection: Option<(u64, Instant)>,
    /// Something went out under the connection's id.
    used: bool,
    /// Connection ids asked for, and requests under one used before, since they were last taken.
    tally: (u64, u64),
    /// Connects sent in a row without an answer.
    connects: u32,
    jobs: BTreeMap<UdpRequestId, Job>,
    /// Jobs to be sent, in order.
    queue: VecDeque<UdpRequestId>,
    flights: BTreeMap<u32, Flight>,
    timers: BTreeSet<(Instant, u32)>,
    outputs: VecDeque<UdpOutput>,
}

impl UdpTracker {
    /// A tracker at an address. `rng` makes transaction ids: seed it with the host's entropy, or
    /// answers can be forged.
    #[must_use]
    pub fn new(addr: SocketAddr, config: UdpConfig, rng: Rng) -> Self {
        Self {
            addr,
            config,
            rng,
            connection: None,
            used: false,
            tally: (0, 0),
            connects: 0,
            jobs: BTreeMap::new(),
            queue: VecDeque::new(),
            flights: BTreeMap::new(),
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connection ids it was asked for, and how many requests went out under one that had
    /// been used before, since the last call.
    pub(super) fn take_tally(&mut self) -> (u64, u64) {
        core::mem::take(&mut self.tally)
    }

    /// Whether nothing is asked of it: it may be dropped.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether it may be forgotten: nothing is asked of it, and it has no connection that a request
    /// could still use.
    #[must_use]
    pub fn is_spent(&self, now: Instant) -> bool {
        self.is_idle() && self.connection.is_none_or(|(_, until)| until <= now)
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: UdpInput<'_>) {
        match input {
            UdpInput::Ask { id, question } => self.ask(id, question),
            UdpInput::Cancel(id) => self.drop_job(id),
            UdpInput::Datagram { from, data } => {
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                if from == self.addr {
                    self.received(now, data);
                }
            }
            UdpInput::Unreachable => self.fail_all(&UdpError::Unreachable),
            UdpInput::Timeout => {}
        }
        self.expire(now);
        self.pump(now);
    }

    /// What to do or to know; take all after each input.
    pub fn poll_output(&mut self) -> Option<UdpOutput> {
        self.outputs.pop_front()
    }

    /// When to give [`UdpInput::Timeout`]; `None` while nothing is under way.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    fn ask(&mut self, id: UdpRequestId, question: UdpQuestion) {
        let fits = match &question {
            UdpQuestion::Announce(_) => true,
            UdpQuestion::Scrape(hashes) => (1..=SCRAPE_MAX).contains(&hashes.len()),
        };
        if !fits || self.jobs.len() >= QUEUE_MAX || self.jobs.contains_key(&id) {
            return self.outputs.push_back(UdpOutput::Failed { id, error: UdpError::Rejected });
        }
        self.jobs.insert(id, Job { question, attempts: 0, reconnected: false });
        self.queue.push_back(id);
    }

    fn drop_job(&mut self, id: UdpRequestId) {
        if self.jobs.remove(&id).is_none() {
            return;
        }
        let flight = self.flights.iter().find(|(_, flight)| flight.id == Some(id));
        if let Some(transaction) = flight.map(|(transaction, _)| *transaction) {
            self.land(transaction);
        }
        // Nobody waits for the connection any more.
        if self.jobs.is_empty() {
            self.flights.clear();
            self.timers.clear();
            self.queue.clear();
        }
    }

    /// Sends what may be sent.
    fn pump(&mut self, now: Instant) {
        if self.jobs.is_empty() {
            return;
        }
        // Those that are not wanted any more are passed over.
        while let Some(id) = self.queue.front()
            && !self.jobs.contains_key(id)
        {
            self.queue.pop_front();
        }
        let live = self.connection.filter(|(_, until)| *until > now);
        let Some((connection, _)) = live else {
            self.connection = None;
            let connecting = self.flights.values().any(|flight| flight.id.is_none());
            if !connecting && !self.queue.is_empty() {
                let wait = wait(self.connects);
                self.connects += 1;
                self.tally.0 += 1;
                self.transmit(now, None, wait, |transaction| Request::Connect { transaction });
            }
            return;
        };
        while self.flights.len() < self.config.window.max(1)
            && let Some(id) = self.queue.pop_front()
        {
            let Some(job) = self.jobs.get_mut(&id) else { continue };
            let wait = wait(job.attempts);
            job.attempts += 1;
            self.tally.1 += u64::from(core::mem::replace(&mut self.used, true));
            let question = job.question.clone();
            self.transmit(now, Some(id), wait, |transaction| match question {
                UdpQuestion::Announce(announce) => {
                    Request::Announce { connection, transaction, announce: *announce }
                }
                UdpQuestion::Scrape(info_hashes) => {
                    Request::Scrape { connection, transaction, info_hashes }
                }
            });
        }
    }

    fn transmit(
        &mut self,
        now: Instant,
        id: Option<UdpRequestId>,
        wait: Duration,
        request: impl FnOnce(u32) -> Request,
    ) {
        let transaction = loop {
            let transaction = u32::try_from(self.rng.below(1 << 32)).unwrap_or(0);
            if !self.flights.contains_key(&transaction) {
                break transaction;
            }
        };
        let until = now + wait;
        self.flights.insert(transaction, Flight { id, until });
        self.timers.insert((until, transaction));
        self.outputs.push_back(UdpOutput::Send(request(transaction).encode()));
    }

    fn land(&mut self, transaction: u32) -> Option<Flight> {
        let flight = self.flights.remove(&transaction)?;
        self.timers.remove(&(flight.until, transaction));
        Some(flight)
    }

    fn received(&mut self, now: Instant, data: &[u8]) {
        let Some(reply) = Reply::decode(data, self.addr.is_ipv6()) else { return };
        let transaction = reply.transaction();
        let Some(flight) = self.flights.get(&transaction).copied() else { return };
        // An answer of the wrong kind is none: whoever sent it guessed.
        let question = flight.id.and_then(|id| self.jobs.get(&id)).map(|job| &job.question);
        let fits = matches!(
            (&reply, question),
            (Reply::Connect { .. }, None)
                | (Reply::Error { .. }, _)
                | (Reply::Announce { .. }, Some(UdpQuestion::Announce(_)))
                | (Reply::Scrape { .. }, Some(UdpQuestion::Scrape(_)))
        );
        if !fits {
            return;
        }
        self.land(transaction);
        let job = flight.id.and_then(|id| Some((id, self.jobs.remove(&id)?)));
        match (reply, job) {
            (Reply::Connect { connection, .. }, _) => {
                self.connection = Some((connection, now + CONNECTION_LIFE));
                self.used = false;
                self.connects = 0;
            }
            (Reply::Error { message, .. }, None) => {
                self.fail_all(&UdpError::Refused(printable(&message)));
            }
            (Reply::Error { message, .. }, Some((id, job))) => {
                let text = printable(&message);
                self.connection = None;
                // It dislikes the connection, after a restart of its own or of the host it knows us
                // by; no two say so in the same words.
                if text.to_ascii_lowercase().contains("connection") && !job.reconnected {
                    self.jobs.insert(id, Job { reconnected: true, ..job });
                    self.queue.push_front(id);
                } else {
                    let error = UdpError::Refused(text);
                    self.outputs.push_back(UdpOutput::Failed { id, error });
                }
            }
            (Reply::Announce { interval, leechers, seeders, peers, .. }, Some((id, _))) => {
                let reply = AnnounceReply {
                    interval: Some(interval),
                    complete: Some(seeders),
                    incomplete: Some(leechers),
                    peers,
                    ..AnnounceReply::default()
                };
                self.outputs.push_back(UdpOutput::Announced { id, reply });
            }
            (Reply::Scrape { counts, .. }, Some((id, job))) => {
                let UdpQuestion::Scrape(hashes) = job.question else { return };
                let entry =
                    |(info_hash, [seeds, done, leechers]): (InfoHash, [u32; 3])| ScrapeEntry {
                        info_hash,
                        complete: Some(seeds),
                        downloaded: Some(done),
                        incomplete: Some(leechers),
                    };
                let entries = hashes.into_iter().zip(counts).map(entry).collect();
                self.outputs.push_back(UdpOutput::Scraped { id, entries });
            }
            (_, None) => {}
        }
    }

    /// Packets whose answer did not come: again, or given up.
    fn expire(&mut self, now: Instant) {
        let attempts = self.config.attempts.clamp(1, ATTEMPTS_MAX);
        while let Some((until, transaction)) = self.timers.first().copied()
            && until <= now
        {
            match self.land(transaction) {
                Some(Flight { id: Some(id), .. }) => {
                    if self.jobs.get(&id).is_some_and(|job| job.attempts < attempts) {
                        // In front: it has waited longest.
                        self.queue.push_front(id);
                    } else if self.jobs.remove(&id).is_some() {
                        let error = UdpError::TimedOut;
                        self.outputs.push_back(UdpOutput::Failed { id, error });
                    }
                }
                Some(Flight { id: None, .. }) if self.connects >= attempts => {
                    self.fail_all(&UdpError::TimedOut);
                }
                _ => {}
            }
        }
    }

    fn fail_all(&mut self, error: &UdpError) {
        self.flights.clear();
        self.timers.clear();
        self.queue.clear();
        (self.connection, self.connects) = (None, 0);
        for (id, _) in core::mem::take(&mut self.jobs) {
            self.outputs.push_back(UdpOutput::Failed { id, error: error.clone() });
        }
    }
}

/// How long to wait for the answer to the `n`th packet, from 0.
fn wait(n: u32) -> Duration {
    FIRST_WAIT * (1 << n.min(ATTEMPTS_MAX - 1))
}

/// Text from a tracker, fit to be shown.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(MESSAGE_CHARS).collect()
}

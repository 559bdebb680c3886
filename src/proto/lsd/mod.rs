//! Local service discovery (BEP 14): finding peers on one's own network by multicast, sans-IO.
//!
//! [`Announce`] is the datagram; [`Lsd`] says when to send which and what was heard. Deliberately
//! absent: sockets and interfaces. A driver joins [`GROUP_V4`] and [`GROUP_V6`] on the interfaces
//! the host chose, sends each [`LsdOutput::Send`] on all of them, gives every datagram back in (our
//! own come back too, and are known by their cookie), and must not start private torrents here
//! (BEP 27).

mod message;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::{InfoHash, Instant, Rng};

pub use message::{Announce, GROUP_V4, GROUP_V6, HASHES_MAX};

/// Time between announces of one torrent (BEP 14: not more often than once a minute).
const INTERVAL: Duration = Duration::from_secs(300);
/// Shortest time between two announces of one torrent, however often it is started.
const SHORTEST: Duration = Duration::from_secs(60);
/// Time between datagrams: many torrents are spread.
const PACE: Duration = Duration::from_secs(1);
/// Datagrams heard in a second; more are a storm.
const HEARD_MAX: u32 = 50;
/// Torrents announced.
const TORRENTS_MAX: usize = 10_000;

/// What happened.
#[derive(Clone, Debug)]
pub enum LsdInput<'a> {
    /// A torrent wants local peers.
    Start(InfoHash),
    /// It does not any more.
    Stop(InfoHash),
    /// A datagram came from the group.
    Datagram {
        /// From.
        from: SocketAddr,
        /// Bytes.
        data: &'a [u8],
    },
    /// [`Lsd::next_deadline`] has passed.
    Timeout,
}

/// What to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LsdOutput {
    /// Send this to a family's group.
    Send {
        /// [`GROUP_V6`] rather than [`GROUP_V4`].
        v6: bool,
        /// Bytes.
        data: Vec<u8>,
    },
    /// A peer of one of our torrents.
    Found {
        /// Torrent.
        info_hash: InfoHash,
        /// Peer.
        addr: SocketAddr,
    },
}

/// What is remembered of a torrent.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// When it is announced next; `None`: it stopped, and stays only as the memory of when it was
    /// announced.
    due: Option<Instant>,
    announced: Option<Instant>,
}

impl Known {
    /// When it may be announced again, whatever is asked for.
    fn free(&self) -> Instant {
        self.announced.map_or(Instant::ZERO, |last| last + SHORTEST)
    }
}

/// Announces our torrents and listens for others'. No input costs time by their number.
#[derive(Debug)]
pub struct Lsd {
    port: u16,
    /// Tells our own datagrams from others'.
    cookie: String,
    /// Families announced to: IPv4, IPv6.
    families: (bool, bool),
    torrents: BTreeMap<InfoHash, Known>,
    /// Those that are announced, by when they are due.
    schedule: BTreeSet<(Instant, InfoHash)>,
    /// Those that stopped, by when they may be forgotten.
    stopped: BTreeSet<(Instant, InfoHash)>,
    /// Not before this.
    next_send: Instant,
    heard: (Instant, u32),
    outputs: VecDeque<LsdOutput>,
}

impl Lsd {
    /// Announces that peers listen at `port`, to the families given: IPv4, IPv6.
    #[must_use]
    pub fn new(port: u16, families: (bool, bool), rng: &mut Rng) -> Self {
        Self {
            port,
            cookie: format!("{:016x}", rng.next_u64()),
            families,
            torrents: BTreeMap::new(),
            schedule: BTreeSet::new(),
            stopped: BTreeSet::new(),
            next_send: Instant::ZERO,
            heard: (Instant::ZERO, 0),
            outputs: VecDeque::new(),
        }
    }

    /// Peers listen at another port from now on, or other families are announced to. What was
    /// announced when stays known.
    pub fn rebind(&mut self, port: u16, families: (bool, bool)) {
        (self.port, self.families) = (port, families);
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: LsdInput<'_>) {
        self.forget(now);
        match input {
            LsdInput::Start(hash) => self.start(now, hash),
            LsdInput::Stop(hash) => self.stop(now, hash),
            LsdInput::Datagram { from, data } => self.heard(now, from, data),
            LsdInput::Timeout => {}
        }
        self.announce(now);
    }

    fn start(&mut self, now: Instant, hash: InfoHash) {
        let known = self.torrents.get(&hash).copied();
        if known.is_some() || self.torrents.len() < TORRENTS_MAX {
            let known = known.unwrap_or_default();
            self.put(hash, Known { due: Some(now.max(known.free())), ..known });
        }
    }

    /// Kept until it may be announced again.
    fn stop(&mut self, now: Instant, hash: InfoHash) {
        if let Some(known) = self.torrents.get(&hash).copied() {
            self.put(hash, Known { due: None, ..known });
            self.forget(now);
        }
    }

    /// Notes what is known of a torrent.
    fn put(&mut self, hash: InfoHash, known: Known) {
        self.unlist(hash);
        match known.due {
            Some(due) => self.schedule.insert((due, hash)),
            None => self.stopped.insert((known.free(), hash)),
        };
        self.torrents.insert(hash, known);
    }

    fn unlist(&mut self, hash: InfoHash) {
        let Some(old) = self.torrents.get(&hash) else { return };
        match old.due {
            Some(due) => self.schedule.remove(&(due, hash)),
            None => self.stopped.remove(&(old.free(), hash)),
        };
    }

    /// Forgets the torrents that stopped long enough ago.
    fn forget(&mut self, now: Instant) {
        while let Some((_, hash)) = self.stopped.first().copied().filter(|(free, _)| *free <= now) {
            self.stopped.pop_first();
            self.torrents.remove(&hash);
        }
    }

    /// What to do or to know; take all after each input.
    pub fn poll_output(&mut self) -> Option<LsdOutput> {
        self.outputs.pop_front()
    }

    /// When to give [`LsdInput::Timeout`]; `None` without torrents.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let (due, _) = self.schedule.first()?;
        Some((*due).max(self.next_send))
    }

    /// Sends one datagram of all that is due, as far as it has room.
    fn announce(&mut self, now: Instant) {
        if now < self.next_send {
            return;
        }
        let mut info_hashes = Vec::new();
        while let Some((_, hash)) = self.schedule.first().copied().filter(|(due, _)| *due <= now)
            && info_hashes.len() < HASHES_MAX
        {
            info_hashes.push(hash);
            self.put(hash, Known { due: Some(now + INTERVAL), announced: Some(now) });
        }
        if info_hashes.is_empty() {
            return;
        }
        self.next_send = now + PACE;
        let announce = Announce { port: self.port, info_hashes, cookie: Some(self.cookie.clone()) };
        for v6 in [false, true] {
            if if v6 { self.families.1 } else { self.families.0 } {
                let data = announce.encode(v6);
                self.outputs.push_back(LsdOutput::Send { v6, data });
            }
        }
    }

    fn heard(&mut self, now: Instant, from: SocketAddr, data: &[u8]) {
        if now.since(self.heard.0) >= Duration::from_secs(1) {
            self.heard = (now, 0);
        }
        self.heard.1 = self.heard.1.saturating_add(1);
        let local = is_local(from.ip().to_canonical());
        let Some(announce) = Announce::decode(data).filter(|_| self.heard.1 <= HEARD_MAX && local)
        else {
            return;
        };
        if announce.cookie.as_ref() == Some(&self.cookie) {
            return;
        }
        let mut addr = from;
        addr.set_ip(from.ip().to_canonical());
        addr.set_port(announce.port);
        for info_hash in announce.info_hashes {
            if self.torrents.contains_key(&info_hash) {
                self.outputs.push_back(LsdOutput::Found { info_hash, addr });
            }
        }
    }
}

/// Multicast may be routed; what it finds is worth having only near by, and an address from
/// elsewhere is a way to make us dial strangers.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unique_local() || ip.is_loopback(),
    }
}

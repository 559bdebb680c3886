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

use std::collections::{BTreeMap, VecDeque};
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

/// Announces our torrents and listens for others'.
#[derive(Debug)]
pub struct Lsd {
    port: u16,
    /// Tells our own datagrams from others'.
    cookie: String,
    /// Families announced to: IPv4, IPv6.
    families: (bool, bool),
    /// Torrents, with when each is due, and when it was announced.
    torrents: BTreeMap<InfoHash, (Instant, Option<Instant>)>,
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
        match input {
            LsdInput::Start(hash) => {
                if self.torrents.len() < TORRENTS_MAX {
                    self.torrents.entry(hash).or_insert((now, None)).0 = match self.last(hash) {
                        Some(last) => now.max(last + SHORTEST),
                        None => now,
                    };
                }
            }
            // Kept until it may be announced again.
            LsdInput::Stop(hash) => self.stop(now, hash),
            LsdInput::Datagram { from, data } => self.heard(now, from, data),
            LsdInput::Timeout => {}
        }
        self.announce(now);
    }

    fn last(&self, hash: InfoHash) -> Option<Instant> {
        self.torrents.get(&hash).and_then(|(_, last)| *last)
    }

    fn stop(&mut self, now: Instant, hash: InfoHash) {
        // Far in the future: it stays only as the memory of when it was announced.
        let never = Instant::from_micros(u64::MAX);
        match self.last(hash) {
            Some(last) if now.since(last) < SHORTEST => {
                self.torrents.insert(hash, (never, Some(last)));
            }
            _ => drop(self.torrents.remove(&hash)),
        }
        let over = |due: Instant, last: Option<Instant>| {
            due == never && last.is_none_or(|last| now.since(last) >= SHORTEST)
        };
        self.torrents.retain(|_, (due, last)| !over(*due, *last));
    }

    /// What to do or to know; take all after each input.
    pub fn poll_output(&mut self) -> Option<LsdOutput> {
        self.outputs.pop_front()
    }

    /// When to give [`LsdInput::Timeout`]; `None` without torrents.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let never = Instant::from_micros(u64::MAX);
        let due = self.torrents.values().map(|(due, _)| *due).filter(|due| *due < never).min()?;
        Some(due.max(self.next_send))
    }

    /// Sends one datagram of all that is due, as far as it has room.
    fn announce(&mut self, now: Instant) {
        if now < self.next_send {
            return;
        }
        let mut info_hashes = Vec::new();
        for (hash, (due, last)) in &mut self.torrents {
            if *due <= now && info_hashes.len() < HASHES_MAX {
                info_hashes.push(*hash);
                (*due, *last) = (now + INTERVAL, Some(now));
            }
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

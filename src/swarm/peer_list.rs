//! Addresses a torrent knows: sources, back-off, bans, canonical priority (BEP 40).
//!
//! Every address is in one place: ready to be tried, waiting for its time, held back because its
//! IP has connections enough, or live. Ready ones are ordered by promise, waiting ones by time, so
//! that the next candidate costs a logarithm however many are known. Deliberately absent:
//! connections themselves and how many there may be in all (the torrent's matter), IP filters of
//! the session.

mod canonical;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

pub use self::canonical::canonical_priority;
use super::lazy::{Lazy, Part};
use super::sources::{PeerSource, SourceCounts};
use crate::base::{Instant, Rng};

/// First pause after a failure; doubles with each further one.
const BACKOFF: Duration = Duration::from_secs(5);
/// Longest pause, jitter not counted.
const BACKOFF_MAX: Duration = Duration::from_secs(3600);
/// Pause after a useful connection ended.
const AGAIN: Duration = Duration::from_secs(5);
/// A peer that was useful may fail so often before it ranks behind an unknown one.
const CREDIT: u32 = 3;
/// Banned IPs remembered; the oldest ban is lifted beyond that.
const BANS: usize = 10_000;
/// Forgotten addresses (ourselves) remembered.
const NEVER: usize = 256;

/// How promising an address is; smaller is better: failures beyond its credit, kind, lot.
type Rank = (u32, u8, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Ready,
    Waiting(Instant),
    Held,
    Live,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Where it was first heard of,
    source: PeerSource,
    /// and all who named it, a bit each.
    sources: u16,
    fails: u32,
    /// A handshake was completed once.
    worked: bool,
    /// Payload was exchanged once.
    useful: bool,
    lot: u32,
    place: Place,
}

impl Entry {
    fn rank(&self) -> Rank {
        let credit = if self.useful { CREDIT } else { 0 };
        let kind = match (self.useful, self.worked || self.fails > 0, self.source) {
            (true, ..) => 0,
            (false, false, PeerSource::Manual) => 1,
            (false, false, _) => 2,
            (false, true, _) => 3,
        };
        (self.fails.saturating_sub(credit), kind, self.lot)
    }
}

/// The addresses, in as many orders as are asked for; absent while none was ever known.
#[derive(Debug)]
struct Tables {
    entries: BTreeMap<SocketAddr, Entry>,
    /// Everything that is not live, by promise: the last gives way when full.
    ranked: BTreeSet<(Rank, SocketAddr)>,
    ready: BTreeSet<(Rank, SocketAddr)>,
    waiting: BTreeSet<(Instant, SocketAddr)>,
    /// Held back because of their IP's connections.
    held: BTreeMap<IpAddr, Vec<SocketAddr>>,
    /// Connections and attempts by address, incoming ones included.
    live: BTreeMap<SocketAddr, u32>,
    live_per_ip: BTreeMap<IpAddr, u32>,
    /// Entries by where they were first heard of.
    by_source: SourceCounts,
    banned: BTreeSet<IpAddr>,
    ban_order: VecDeque<IpAddr>,
    never: BTreeSet<SocketAddr>,
}

impl Tables {
    const fn blank() -> Self {
        Self {
            entries: BTreeMap::new(),
            ranked: BTreeSet::new(),
            ready: BTreeSet::new(),
            waiting: BTreeSet::new(),
            held: BTreeMap::new(),
            live: BTreeMap::new(),
            live_per_ip: BTreeMap::new(),
            by_source: [0; PeerSource::ALL.len()],
            banned: BTreeSet::new(),
            ban_order: VecDeque::new(),
            never: BTreeSet::new(),
        }
    }
}

impl Part for Tables {
    const BLANK: &'static Self = &Self::blank();

    fn fresh() -> Self {
        Self::blank()
    }

    fn is_blank(&self) -> bool {
        let known = self.entries.len() + self.live.len();
        known + self.banned.len() + self.never.len() == 0
    }
}

/// Known addresses.
#[derive(Debug)]
pub struct PeerList {
    max: usize,
    max_per_ip: u32,
    rng: Rng,
    external_v4: Option<SocketAddr>,
    external_v6: Option<SocketAddr>,
    tables: Lazy<Tables>,
}

impl PeerList {
    /// Remembers at most `max` addresses and connects at most `max_per_ip` times to one IP
    /// (loopback, private and link-local ones excepted: many peers of one host or household).
    #[must_use]
    pub fn new(max: u32, max_per_ip: u32, rng: Rng) -> Self {
        Self {
            max: usize::try_from(max).unwrap_or(usize::MAX),
            max_per_ip,
            rng,
            external_v4: None,
            external_v6: None,
            tables: Lazy::absent(),
        }
    }

    /// Lets go of what is not used.
    pub fn rest(&mut self) {
        self.tables.rest();
    }

    /// Changes the bounds. Unconnected addresses beyond the new one are forgotten, the least
    /// promising first.
    pub fn set_limits(&mut self, max: u32, max_per_ip: u32) {
        self.max = usize::try_from(max).unwrap_or(usize::MAX);
        self.max_per_ip = max_per_ip;
        while self.tables.entries.len() > self.max {
            let Some(&(_, worst)) = self.tables.ranked.last() else { break };
            self.remove(worst);
        }
        let held: Vec<IpAddr> = self.tables.held.keys().copied().collect();
        for ip in held {
            self.release(ip);
        }
    }

    /// Our external address (with the port we listen on), for priorities; one for each family.
    pub fn set_external(&mut self, addr: SocketAddr) {
        let addr = normal(addr);
        let slot = if addr.is_ipv4() { &mut self.external_v4 } else { &mut self.external_v6 };
        if slot.replace(addr) == Some(addr) {
            return;
        }
        let same_family: Vec<SocketAddr> =
            self.tables.entries.keys().filter(|a| a.is_ipv4() == addr.is_ipv4()).copied().collect();
        for known in same_family {
            let lot = self.lot(known);
            self.update(known, |entry| entry.lot = lot);
        }
    }

    /// Adds an address; false when banned, invalid (port 0, unspecified, multicast), our own as far
    /// as is known (unless the host insists), or already known. When full, the least promising
    /// unconnected one gives way, or the new one when it promises less than all others. A known one
    /// that the host names again is tried afresh.
    pub fn add(&mut self, addr: SocketAddr, source: PeerSource) -> bool {
        let addr = normal(addr);
        if !is_valid(addr) || self.is_banned(addr.ip()) || self.tables.never.contains(&addr) {
            return false;
        }
        let ours = [self.external_v4, self.external_v6].contains(&Some(addr));
        if ours && source != PeerSource::Manual {
            return false;
        }
        if let Some(known) = self.tables.entries.get(&addr) {
            if known.sources & bit(source) == 0 {
                self.update(addr, |entry| entry.sources |= bit(source));
            }
            let Some(known) = self.tables.entries.get(&addr) else { return false };
            if source == PeerSource::Manual {
                let place = if known.place == Place::Live { Place::Live } else { Place::Ready };
                self.update(addr, |entry| {
                    entry.fails = 0;
                    entry.place = place;
                });
            }
            return false;
        }
        let place = if self.tables.live.contains_key(&addr) { Place::Live } else { Place::Ready };
        let lot = self.lot(addr);
        let sources = bit(source);
        let entry = Entry { source, sources, fails: 0, worked: false, useful: false, lot, place };
        if self.tables.entries.len() >= self.max {
            match self.tables.ranked.last() {
                Some(&(rank, worst)) if rank > entry.rank() => self.remove(worst),
                _ => return false,
            }
        }
        self.insert(addr, entry);
        true
    }

    /// This source names an address no longer: it is forgotten when no other did, and nothing is
    /// known of it at first hand. Whether it was.
    pub fn withdraw(&mut self, addr: SocketAddr, source: PeerSource) -> bool {
        let addr = normal(addr);
        let Some(known) = self.tables.entries.get(&addr) else { return false };
        let gone = known.sources == bit(source) && !known.worked && known.place != Place::Live;
        if gone {
            self.remove(addr);
        } else if known.sources != bit(source) {
            self.update(addr, |entry| entry.sources &= !bit(source));
        }
        gone
    }

    /// Forgets what a private torrent must not know (BEP 27): addresses that only public sources
    /// named. Live ones go too once they end.
    pub fn keep_private(&mut self) {
        let public = PeerSource::ALL.into_iter().filter(|s| s.is_public()).map(bit);
        let public = public.fold(0, |all, bit| all | bit);
        let entries = self.tables.entries.iter();
        let gone = entries.filter(|(_, entry)| entry.sources & !public == 0);
        for addr in gone.map(|(addr, _)| *addr).collect::<Vec<_>>() {
            self.remove(addr);
        }
    }

    /// Numbers known by where they were first heard of.
    #[must_use]
    pub fn by_source(&self) -> SourceCounts {
        self.tables.by_source
    }

    /// The best address to try now, marked as being tried: follow up with [`PeerList::failed`] or
    /// [`PeerList::connected`] and, in the end, [`PeerList::disconnected`].
    pub fn next_candidate(&mut self, now: Instant) -> Option<(SocketAddr, PeerSource)> {
        while let Some(&(_, addr)) = self.tables.waiting.first().filter(|(due, _)| *due <= now) {
            self.update(addr, |entry| entry.place = Place::Ready);
        }
        while let Some(&(_, addr)) = self.tables.ready.first() {
            if self.ip_is_full(addr.ip()) {
                self.update(addr, |entry| entry.place = Place::Held);
                continue;
            }
            self.enter(addr);
            return self.tables.entries.get(&addr).map(|entry| (addr, entry.source));
        }
        None
    }

    /// When the next one becomes due, `None` when there is none. [`Instant::ZERO`] when one is
    /// probably due already.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        if self.tables.ready.is_empty() {
            self.tables.waiting.first().map(|(due, _)| *due)
        } else {
            Some(Instant::ZERO)
        }
    }

    /// An incoming connection from `addr` is to be taken: false when its IP is banned or has too
    /// many. When true the connection is counted until [`PeerList::failed`] or
    /// [`PeerList::disconnected`]. The address is not remembered: its port is seldom one to call.
    pub fn incoming(&mut self, addr: SocketAddr) -> bool {
        let addr = normal(addr);
        if self.is_banned(addr.ip()) || self.ip_is_full(addr.ip()) {
            return false;
        }
        self.enter(addr);
        true
    }

    /// As [`PeerList::incoming`], although the IP has too many: for who knows that one of them is
    /// about to end.
    pub fn incoming_beside(&mut self, addr: SocketAddr) -> bool {
        let addr = normal(addr);
        let welcome = !self.is_banned(addr.ip());
        if welcome {
            self.enter(addr);
        }
        welcome
    }

    /// An attempt (or a connection before its handshake) failed: back-off grows.
    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {
        self.ended(now, normal(addr), false);
    }

    /// A connection was established (handshake done): it is worth keeping.
    pub fn connected(&mut self, _now: Instant, addr: SocketAddr) {
        let addr = normal(addr);
        if !self.tables.live.contains_key(&addr) {
            self.enter(addr);
        }
        self.update(addr, |entry| entry.worked = true);
    }

    /// A connection ended; `useful` when it exchanged payload: then it is tried again soon, else
    /// as after a failure.
    pub fn disconnected(&mut self, now: Instant, addr: SocketAddr, useful: bool) {
        self.ended(now, normal(addr), useful);
    }

    /// Tries an address that waits already at this time, unless it failed often.
    pub fn hurry(&mut self, addr: SocketAddr, at: Instant) {
        let addr = normal(addr);
        let waits = |e: &Entry| e.fails <= CREDIT && matches!(e.place, Place::Waiting(d) if d > at);
        if self.tables.entries.get(&addr).is_some_and(waits) {
            self.update(addr, |entry| entry.place = Place::Waiting(at));
        }
    }

    /// Never to be tried again (ourselves).
    pub fn forget(&mut self, addr: SocketAddr) {
        let addr = normal(addr);
        self.remove(addr);
        if self.tables.never.len() < NEVER {
            self.tables.never.insert(addr);
        }
    }

    /// Bans an IP: its addresses are forgotten, no new ones are taken.
    pub fn ban(&mut self, ip: IpAddr) {
        let ip = ip.to_canonical();
        if !self.tables.banned.insert(ip) {
            return;
        }
        self.tables.ban_order.push_back(ip);
        if self.tables.ban_order.len() > BANS
            && let Some(oldest) = self.tables.ban_order.pop_front()
        {
            self.tables.banned.remove(&oldest);
        }
        let known: Vec<SocketAddr> =
            self.tables.entries.range(ports_of(ip)).map(|(addr, _)| *addr).collect();
        for addr in known {
            self.remove(addr);
        }
    }

    /// Whether an IP is banned.
    #[must_use]
    pub fn is_banned(&self, ip: IpAddr) -> bool {
        self.tables.banned.contains(&ip.to_canonical())
    }

    /// Banned IPs, in order of address.
    #[must_use]
    pub fn banned(&self) -> Vec<IpAddr> {
        self.tables.banned.iter().copied().collect()
    }

    /// Up to `max` addresses worth saving, those that worked first.
    #[must_use]
    pub fn best(&self, max: usize) -> Vec<SocketAddr> {
        let mut all: Vec<_> = self
            .tables
            .entries
            .iter()
            .map(|(addr, e)| ((!e.useful, !e.worked, e.rank()), *addr))
            .collect();
        all.sort_unstable();
        all.into_iter().take(max).map(|(_, addr)| addr).collect()
    }

    /// Number known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.entries.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Panics when the indexes do not agree with the entries.
    pub fn check_invariants(&self) {
        let count = |wanted: fn(Place) -> bool| {
            self.tables.entries.values().filter(|entry| wanted(entry.place)).count()
        };
        assert_eq!(self.tables.ready.len(), count(|p| p == Place::Ready), "ready");
        assert_eq!(self.tables.waiting.len(), count(|p| matches!(p, Place::Waiting(_))), "waiting");
        assert_eq!(
            self.tables.held.values().map(Vec::len).sum::<usize>(),
            count(|p| p == Place::Held)
        );
        assert_eq!(self.tables.ranked.len(), count(|p| p != Place::Live), "ranked");
        for (addr, entry) in &self.tables.entries {
            let key = (entry.rank(), *addr);
            assert_eq!(
                self.tables.ranked.contains(&key),
                entry.place != Place::Live,
                "{addr} ranked"
            );
            assert_eq!(
                self.tables.live.contains_key(addr),
                entry.place == Place::Live,
                "{addr} live"
            );
            assert!(!self.tables.banned.contains(&addr.ip()), "{addr} is banned");
            match entry.place {
                Place::Ready => assert!(self.tables.ready.contains(&key), "{addr} ready"),
                Place::Waiting(due) => {
                    assert!(self.tables.waiting.contains(&(due, *addr)), "{addr} due")
                }
                Place::Held => {
                    assert!(self.tables.held.get(&addr.ip()).is_some_and(|h| h.contains(addr)))
                }
                Place::Live => {}
            }
        }
        let mut by_source = SourceCounts::default();
        for entry in self.tables.entries.values() {
            assert!(entry.sources & bit(entry.source) != 0 || entry.sources != 0, "no source");
            by_source[entry.source.index()] += 1;
        }
        assert_eq!(by_source, self.tables.by_source, "addresses by source");
        let mut per_ip = BTreeMap::new();
        for (addr, n) in &self.tables.live {
            assert!(*n > 0, "{addr} has no connection");
            *per_ip.entry(addr.ip()).or_insert(0) += n;
        }
        assert_eq!(per_ip, self.tables.live_per_ip, "connections by IP");
        for ip in self.tables.held.keys() {
            assert!(self.ip_is_full(*ip), "{ip} is held back without need");
        }
    }

    fn lot(&mut self, addr: SocketAddr) -> u32 {
        match if addr.is_ipv4() { self.external_v4 } else { self.external_v6 } {
            // BEP 40: the highest priority is connected first.
            Some(ours) => !canonical_priority(ours, addr),
            None => u32::try_from(self.rng.next_u64() >> 32).unwrap_or(0),
        }
    }

    fn ip_is_full(&self, ip: IpAddr) -> bool {
        !is_local(ip) && self.tables.live_per_ip.get(&ip).copied().unwrap_or(0) >= self.max_per_ip
    }

    /// Counts a connection or attempt.
    fn enter(&mut self, addr: SocketAddr) {
        *self.tables.live.entry(addr).or_default() += 1;
        *self.tables.live_per_ip.entry(addr.ip()).or_default() += 1;
        self.update(addr, |entry| entry.place = Place::Live);
    }

    fn ended(&mut self, now: Instant, addr: SocketAddr, useful: bool) {
        let Some(count) = self.tables.live.get_mut(&addr) else { return };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.tables.live.remove(&addr);
        }
        if let Some(count) = self.tables.live_per_ip.get_mut(&addr.ip()) {
            *count -= 1;
            if *count == 0 {
                self.tables.live_per_ip.remove(&addr.ip());
            }
        }
        let jitter = self.rng.below(1 << 16);
        self.update(addr, |entry| {
            if useful {
                entry.fails = 0;
                entry.useful = true;
            } else {
                entry.fails = entry.fails.saturating_add(1);
            }
            if last {
                entry.place = Place::Waiting(now + pause(entry, jitter));
            }
        });
        self.release(addr.ip());
    }

    /// Lets the addresses held back for this IP's sake try again, if there is room.
    fn release(&mut self, ip: IpAddr) {
        if self.ip_is_full(ip) {
            return;
        }
        for addr in self.tables.held.get(&ip).cloned().unwrap_or_default() {
            self.update(addr, |entry| entry.place = Place::Ready);
        }
    }

    fn update(&mut self, addr: SocketAddr, change: impl FnOnce(&mut Entry)) {
        if let Some(mut entry) = self.take(addr) {
            change(&mut entry);
            self.insert(addr, entry);
        }
    }

    fn remove(&mut self, addr: SocketAddr) {
        self.take(addr);
    }

    fn insert(&mut self, addr: SocketAddr, entry: Entry) {
        let key = (entry.rank(), addr);
        match entry.place {
            Place::Ready => drop(self.tables.ready.insert(key)),
            Place::Waiting(due) => drop(self.tables.waiting.insert((due, addr))),
            Place::Held => self.tables.held.entry(addr.ip()).or_default().push(addr),
            Place::Live => {}
        }
        if entry.place != Place::Live {
            self.tables.ranked.insert(key);
        }
        self.tables.by_source[entry.source.index()] += 1;
        self.tables.entries.insert(addr, entry);
    }

    fn take(&mut self, addr: SocketAddr) -> Option<Entry> {
        let entry = self.tables.entries.remove(&addr)?;
        self.tables.by_source[entry.source.index()] -= 1;
        let key = (entry.rank(), addr);
        self.tables.ranked.remove(&key);
        match entry.place {
            Place::Ready => drop(self.tables.ready.remove(&key)),
            Place::Waiting(due) => drop(self.tables.waiting.remove(&(due, addr))),
            Place::Held => {
                if let Some(held) = self.tables.held.get_mut(&addr.ip()) {
                    held.retain(|other| *other != addr);
                    if held.is_empty() {
                        self.tables.held.remove(&addr.ip());
                    }
                }
            }
            Place::Live => {}
        }
        Some(entry)
    }
}

/// Time until the next attempt: 5 s doubled with each failure up to an hour, half of it for who
/// was useful before, give or take a quarter (`jitter` is of 16 bits).
fn pause(entry: &Entry, jitter: u64) -> Duration {
    let base = match entry.fails.checked_sub(1) {
        None => AGAIN,
        Some(doublings) => BACKOFF.saturating_mul(1 << doublings.min(16)).min(BACKOFF_MAX),
    };
    let base = if entry.useful && entry.fails > 0 { base / 2 } else { base };
    let micros = u64::try_from(base.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros - micros / 4 + micros / 2 * jitter / (1 << 16))
}

/// IPv4 addresses in IPv6 clothes are undressed; flow labels do not tell addresses apart.
fn normal(addr: SocketAddr) -> SocketAddr {
    match (addr.ip().to_canonical(), addr) {
        (IpAddr::V6(ip), SocketAddr::V6(v6)) => {
            SocketAddr::V6(SocketAddrV6::new(ip, addr.port(), 0, v6.scope_id()))
        }
        (ip, _) => SocketAddr::new(ip, addr.port()),
    }
}

fn bit(source: PeerSource) -> u16 {
    1 << source.index()
}

fn ports_of(ip: IpAddr) -> core::ops::RangeInclusive<SocketAddr> {
    let last = match ip {
        IpAddr::V4(_) => SocketAddr::new(ip, u16::MAX),
        IpAddr::V6(ip) => SocketAddr::V6(SocketAddrV6::new(ip, u16::MAX, u32::MAX, u32::MAX)),
    };
    SocketAddr::new(ip, 0)..=last
}

fn is_valid(addr: SocketAddr) -> bool {
    let broadcast = matches!(addr.ip(), IpAddr::V4(ip) if ip.is_broadcast());
    addr.port() != 0 && !addr.ip().is_unspecified() && !addr.ip().is_multicast() && !broadcast
}

fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

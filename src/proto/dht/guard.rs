//! What keeps us from being a source of load and from being talked out of our address: the byte
//! budget, the flood guard, and the votes on how others see us (BEP 42, "Bootstrapping").

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::id::is_exempt;
use super::table::neighbourhood;
use crate::base::Instant;

/// A token bucket of bytes. It may be overdrawn by one datagram.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes per second; 0 is no limit.
    rate: u64,
    level: i64,
    at: Instant,
}

impl Budget {
    pub(super) fn new(rate: u64) -> Self {
        let mut budget = Self { rate, level: 0, at: Instant::ZERO };
        budget.level = budget.burst();
        budget
    }

    pub(super) fn set_rate(&mut self, rate: u64) {
        self.rate = rate;
        self.level = self.level.min(self.burst());
    }

    /// What may go at once: two seconds' worth, and at least a few datagrams.
    fn burst(&self) -> i64 {
        i64::try_from(self.rate.saturating_mul(2)).unwrap_or(i64::MAX).max(4096)
    }

    fn fill(&mut self, now: Instant) {
        let earned = u128::from(self.rate) * now.since(self.at).as_micros() / 1_000_000;
        // Time that earned less than a byte is kept for later.
        if earned > 0 {
            let earned = i64::try_from(earned).unwrap_or(i64::MAX);
            self.level = self.level.saturating_add(earned).min(self.burst());
            self.at = now;
        }
    }

    /// Whether a question of our own may go.
    pub(super) fn may_ask(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.rate == 0 || self.level > 0
    }

    /// Whether an answer may go: half of the budget is kept for our own questions.
    pub(super) fn may_answer(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.rate == 0 || self.level > self.burst() / 2
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        if self.rate != 0 {
            self.level = self.level.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }

    /// When a question may go.
    pub(super) fn ready_at(&self) -> Instant {
        let missing = u64::try_from(1 - self.level).unwrap_or(0);
        self.at + Duration::from_micros((missing * 1_000_000).div_ceil(self.rate.max(1)))
    }
}

/// Addresses remembered.
const FLOOD_ENTRIES: usize = 1024;
/// Time over which queries are counted.
const FLOOD_WINDOW: Duration = Duration::from_secs(10);

/// Counts queries of each public address and shuts out those that send too many.
#[derive(Debug, Default)]
pub(super) struct FloodGuard {
    seen: BTreeMap<IpAddr, Visitor>,
}

#[derive(Debug)]
struct Visitor {
    since: Instant,
    count: u32,
    banned_until: Instant,
}

impl FloodGuard {
    /// Counts a query; false when it is one too many. `rate` is per second.
    pub(super) fn admit(&mut self, now: Instant, ip: IpAddr, rate: u32, ban: Duration) -> bool {
        if rate == 0 || is_exempt(ip) {
            return true;
        }
        if self.seen.len() >= FLOOD_ENTRIES && !self.seen.contains_key(&ip) {
            self.forget(now);
        }
        let fresh = Visitor { since: now, count: 0, banned_until: Instant::ZERO };
        let visitor = self.seen.entry(ip).or_insert(fresh);
        if visitor.banned_until > now {
            return false;
        }
        if now.since(visitor.since) >= FLOOD_WINDOW {
            (visitor.since, visitor.count) = (now, 0);
        }
        visitor.count += 1;
        let most = rate.saturating_mul(u32::try_from(FLOOD_WINDOW.as_secs()).unwrap_or(10));
        if visitor.count > most {
            visitor.banned_until = now + ban;
        }
        visitor.count <= most
    }

    /// Makes room: those out of their window and their ban, or else whoever asked least.
    fn forget(&mut self, now: Instant) {
        let over = |v: &Visitor| v.banned_until <= now && now.since(v.since) >= FLOOD_WINDOW;
        self.seen.retain(|_, visitor| !over(visitor));
        if self.seen.len() >= FLOOD_ENTRIES {
            let least = self.seen.iter().min_by_key(|(_, v)| (v.banned_until, v.count));
            if let Some(ip) = least.map(|(ip, _)| *ip) {
                self.seen.remove(&ip);
            }
        }
    }
}

/// Votes remembered.
const VOTES: usize = 24;
/// Votes that decide, of different neighbourhoods.
const QUORUM: usize = 5;

/// How others say they see us. One voice per neighbourhood; the newest count.
#[derive(Debug, Default)]
pub(super) struct Votes {
    votes: VecDeque<((bool, [u8; 8]), IpAddr)>,
    decided: Option<IpAddr>,
}

impl Votes {
    /// Counts a vote; the address when it has just been decided anew.
    pub(super) fn vote(&mut self, voter: SocketAddr, ip: IpAddr) -> Option<IpAddr> {
        let area = neighbourhood(voter);
        self.votes.retain(|(other, _)| *other != area);
        if self.votes.len() >= VOTES {
            self.votes.pop_front();
        }
        self.votes.push_back((area, ip));
        let count = self.votes.iter().filter(|(_, other)| *other == ip).count();
        if count < QUORUM || count * 2 <= self.votes.len() || self.decided == Some(ip) {
            return None;
        }
        self.decided = Some(ip);
        Some(ip)
    }

    /// Takes the word of somebody trusted.
    pub(super) fn decide(&mut self, ip: IpAddr) {
        self.decided = Some(ip);
        self.votes.clear();
    }

    /// What was decided last.
    pub(super) fn decided(&self) -> Option<IpAddr> {
        self.decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    fn ip(n: u8) -> IpAddr {
        [8, n, 8, 8].into()
    }

    #[test]
    fn a_budget_lets_as_much_go_as_it_earns() {
        let mut budget = Budget::new(8000);
        let mut sent = 0;
        for millis in 0..60_000 {
            if budget.may_ask(at(millis)) {
                budget.spend(100);
                sent += 100;
            } else {
                assert!(budget.ready_at() > at(millis) && budget.ready_at() < at(millis + 50));
            }
        }
        assert!((8000 * 60 + 15_000..=8000 * 60 + 16_200).contains(&sent), "{sent}");
        assert!(!budget.may_answer(at(60_000)), "what is left is for us");
        assert!(budget.may_answer(at(62_000)));
        let mut free = Budget::new(0);
        free.spend(usize::MAX);
        assert!(free.may_ask(at(0)) && free.may_answer(at(0)));
    }

    #[test]
    fn a_flood_is_shut_out_for_a_while_and_nobody_else_is() {
        let mut guard = FloodGuard::default();
        let ban = Duration::from_secs(300);
        let admitted = (0..200).filter(|n| guard.admit(at(n * 10), ip(1), 5, ban)).count();
        assert_eq!(admitted, 50);
        assert!(guard.admit(at(2000), ip(2), 5, ban));
        assert!(!guard.admit(at(300_000), ip(1), 5, ban));
        assert!(guard.admit(at(301_000), ip(1), 5, ban));
        let local = [127, 0, 0, 1].into();
        assert!((0..200).all(|_| guard.admit(at(0), local, 5, ban)));
        for n in 0..5000u32 {
            let ip = IpAddr::from((0x0900_0000 + n).to_be_bytes());
            assert!(guard.admit(at(302_000), ip, 5, ban));
        }
        assert!(guard.seen.len() <= FLOOD_ENTRIES);
    }

    #[test]
    fn few_or_neighbouring_votes_decide_nothing() {
        let mut votes = Votes::default();
        let voter = |n: u8, last: u8| SocketAddr::from(([20, n, 3, last], 1));
        for last in 0..50 {
            assert_eq!(votes.vote(voter(0, last), ip(66)), None);
        }
        for n in (1..5u8).take(QUORUM - 1) {
            assert_eq!(votes.vote(voter(n, 1), ip(1)), None);
        }
        assert_eq!(votes.vote(voter(100, 1), ip(1)), Some(ip(1)));
        assert_eq!(votes.vote(voter(101, 1), ip(1)), None, "known already");
        assert_eq!(votes.decided(), Some(ip(1)));
        let changed: Vec<_> =
            (0..24).filter_map(|n| votes.vote(voter(n + 120, 1), ip(2))).collect();
        assert_eq!(changed, [ip(2)]);
    }
}

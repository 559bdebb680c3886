//! Whose turn it is: many torrents that want to be looked up and announced, few at a time.
//!
//! [`Rounds`] knows when each torrent is due and gives the next one while fewer than a bound are
//! under way; how fast that is follows from how fast lookups end, so a hundred thousand torrents
//! that start together make a queue and no storm. Who needs peers goes before who has content to
//! offer, but not always. Nothing here has a timer of its own: one torrent in a queue of a hundred
//! thousand costs two places in ordered sets. Deliberately absent: the lookups, and what a torrent
//! is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::{InfoHash, Instant, Rng};

/// First pause after a lookup that brought a downloader nothing; doubled each time.
const HUNGRY_FIRST: Duration = Duration::from_secs(60);
/// Doublings of that pause; the interval bounds it anyhow.
const HUNGRY_DOUBLINGS: u32 = 5;
/// Pause after a lookup to which nobody at all answered.
const UNHEARD: Duration = Duration::from_secs(15);
/// A torrent is not looked up more often than this, whatever its host asks for.
const SHORTEST: Duration = Duration::from_secs(5);
/// So many in a row of those who need peers; then, if one waits, one who does not.
const IN_A_ROW: u32 = 3;

/// What a torrent wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Peers to download from.
    Leech,
    /// To be found.
    Seed,
}

/// How often, and how many at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundsConfig {
    /// Time between the lookups of one torrent, on average.
    pub interval: Duration,
    /// Lookups under way.
    pub most: usize,
}

#[derive(Debug)]
struct Entry {
    info_hash: InfoHash,
    role: Role,
    /// When it is due; while it runs, when it was started.
    at: Instant,
    /// Lookups in a row that brought nothing.
    vain: u8,
    running: bool,
    /// Wanted again while it ran.
    again: bool,
}

/// A torrent whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The torrent, as the driver numbers it.
    pub key: u64,
    /// What to look up.
    pub info_hash: InfoHash,
    /// As what to announce it.
    pub role: Role,
}

/// How a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Nodes that answered.
    pub answered: u32,
    /// Peers.
    pub peers: usize,
}

/// The queue.
#[derive(Debug)]
pub struct Rounds {
    config: RoundsConfig,
    rng: Rng,
    torrents: BTreeMap<u64, Entry>,
    /// Those that wait, by when they are due; by role.
    waiting: [BTreeSet<(Instant, u64)>; 2],
    running: usize,
    leeches_in_a_row: u32,
}

fn line(role: Role) -> usize {
    usize::from(role == Role::Seed)
}

impl Rounds {
    /// An empty queue.
    #[must_use]
    pub fn new(config: RoundsConfig, rng: Rng) -> Self {
        let (torrents, waiting) = (BTreeMap::new(), Default::default());
        Self { config, rng, torrents, waiting, running: 0, leeches_in_a_row: 0 }
    }

    /// Changes the pace, for what is planned from now on.
    pub fn set_config(&mut self, config: RoundsConfig) {
        self.config = config;
    }

    /// Torrents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.torrents.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.torrents.is_empty()
    }

    /// Whether a torrent is in the queue.
    #[must_use]
    pub fn contains(&self, key: u64) -> bool {
        self.torrents.contains_key(&key)
    }

    /// A torrent wants to be looked up from now on, or has another role; due at once.
    pub fn put(&mut self, now: Instant, key: u64, info_hash: InfoHash, role: Role) {
        if let Some(entry) = self.torrents.get_mut(&key) {
            let (old, at) = (entry.role, entry.at);
            (entry.info_hash, entry.role, entry.vain) = (info_hash, role, 0);
            if entry.running {
                entry.again |= old != role;
                return;
            }
            self.line(old).remove(&(at, key));
        }
        let entry = Entry { info_hash, role, at: now, vain: 0, running: false, again: false };
        self.torrents.insert(key, entry);
        self.line(role).insert((now, key));
    }

    /// A torrent does not want to be looked up any more. Whether a lookup of it is under way: the
    /// driver cancels that, and it counts as ended.
    pub fn remove(&mut self, key: u64) -> bool {
        let Some(entry) = self.torrents.remove(&key) else { return false };
        if entry.running {
            self.running -= 1;
        } else {
            self.line(entry.role).remove(&(entry.at, key));
        }
        entry.running
    }

    /// A torrent is due now. False when there is no such torrent.
    pub fn hurry(&mut self, now: Instant, key: u64) -> bool {
        let Some(entry) = self.torrents.get_mut(&key) else { return false };
        entry.vain = 0;
        if entry.running {
            entry.again = true;
        } else if entry.at > now {
            let (at, role) = (std::mem::replace(&mut entry.at, now), entry.role);
            self.line(role).remove(&(at, key));
            self.line(role).insert((now, key));
        }
        true
    }

    /// The next torrent whose turn it is; [`Self::finished`] ends its turn.
    pub fn poll(&mut self, now: Instant) -> Option<Turn> {
        if self.running >= self.config.most.max(1) {
            return None;
        }
        let due =
            |line: &BTreeSet<(Instant, u64)>| line.first().filter(|(at, _)| *at <= now).copied();
        let [leeches, seeds] = &self.waiting;
        let (leech, seed) = (due(leeches), due(seeds));
        let seed_turn = leech.is_none() || self.leeches_in_a_row >= IN_A_ROW;
        let (role, place) = match (leech, seed) {
            (_, Some(seed)) if seed_turn => (Role::Seed, seed),
            (Some(leech), _) => (Role::Leech, leech),
            _ => return None,
        };
        self.leeches_in_a_row = if role == Role::Leech { self.leeches_in_a_row + 1 } else { 0 };
        self.line(role).remove(&place);
        let (_, key) = place;
        let entry = self.torrents.get_mut(&key)?;
        (entry.running, entry.at) = (true, now);
        self.running += 1;
        Some(Turn { key, info_hash: entry.info_hash, role })
    }

    /// A torrent's lookup is over.
    pub fn finished(&mut self, now: Instant, key: u64, found: Found) {
        let interval = self.config.interval;
        let spread = self.rng.below(1 << 16);
        let Some(entry) = self.torrents.get_mut(&key).filter(|entry| entry.running) else { return };
        let hungry = entry.role == Role::Leech && found.peers == 0;
        let pause = if found.answered == 0 {
            UNHEARD
        } else if hungry {
            HUNGRY_FIRST * (1 << u32::from(entry.vain).min(HUNGRY_DOUBLINGS))
        } else {
            interval
        };
        entry.vain = if hungry { entry.vain.saturating_add(1) } else { 0 };
        // Seven eighths to nine: what started together drifts apart.
        let pause = pause.min(interval);
        let pause = pause.mul_f64(0.875) + pause.mul_f64(spread as f64 / f64::from(1 << 18));
        let next = if std::mem::take(&mut entry.again) { entry.at + SHORTEST } else { now + pause };
        (entry.running, entry.at) = (false, next.max(now));
        let (at, role) = (entry.at, entry.role);
        self.running -= 1;
        self.line(role).insert((at, key));
    }

    /// When [`Self::poll`] has something; `None` while all places are taken or nobody waits.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.running >= self.config.most.max(1) {
            return None;
        }
        self.waiting.iter().filter_map(|line| line.first()).map(|(at, _)| *at).min()
    }

    fn line(&mut self, role: Role) -> &mut BTreeSet<(Instant, u64)> {
        let [leeches, seeds] = &mut self.waiting;
        if line(role) == 0 { leeches } else { seeds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: RoundsConfig = RoundsConfig { interval: Duration::from_secs(900), most: 16 };
    const NOTHING: Found = Found { answered: 8, peers: 0 };

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    fn hash(n: u64) -> InfoHash {
        let mut out = [0; 20];
        out[..8].copy_from_slice(&n.to_le_bytes());
        InfoHash(out)
    }

    fn rounds(leeches: u64, seeds: u64) -> Rounds {
        let mut rounds = Rounds::new(CONFIG, Rng::new(1));
        (0..leeches).for_each(|n| rounds.put(at(0), n, hash(n), Role::Leech));
        (leeches..leeches + seeds).for_each(|n| rounds.put(at(0), n, hash(n), Role::Seed));
        rounds
    }

    #[test]
    fn a_hundred_thousand_torrents_take_their_turns() {
        let mut rounds = rounds(0, 100_000);
        let (mut now, mut turns, mut most) = (at(0), vec![0u32; 100_000], 0);
        // Lookups of a second each.
        for _ in 0..8000 {
            let running: Vec<u64> =
                std::iter::from_fn(|| rounds.poll(now)).map(|t| t.key).collect();
            most = most.max(running.len());
            now = now + Duration::from_secs(1);
            for key in running {
                turns[usize::try_from(key).unwrap()] += 1;
                rounds.finished(now, key, NOTHING);
            }
        }
        assert_eq!(most, 16, "never more at a time");
        assert_eq!(turns.iter().min(), Some(&1), "nobody is left out");
        assert_eq!(turns.iter().max(), Some(&2), "and nobody goes far ahead");
    }

    #[test]
    fn who_needs_peers_goes_first_and_not_always() {
        let mut rounds = rounds(40, 40);
        let mut order = Vec::new();
        while order.len() < 40 {
            let turns: Vec<Turn> = std::iter::from_fn(|| rounds.poll(at(0))).collect();
            for turn in turns {
                order.push(turn.role);
                rounds.finished(at(0), turn.key, Found { answered: 8, peers: 9 });
            }
        }
        let seeds = order.iter().take(40).filter(|role| **role == Role::Seed).count();
        assert_eq!(seeds, 10, "one in four");
    }

    #[test]
    fn a_hungry_torrent_asks_again_soon_and_then_less_often() {
        let mut rounds = rounds(1, 0);
        let (mut now, mut pauses) = (at(0), Vec::new());
        for _ in 0..7 {
            let turn = rounds.poll(now).unwrap();
            assert!(rounds.poll(now).is_none() && rounds.next_deadline().is_none());
            rounds.finished(now, turn.key, NOTHING);
            let next = rounds.next_deadline().unwrap();
            pauses.push(next.since(now).as_secs());
            now = next;
        }
        for (pause, about) in pauses.iter().zip([60, 120, 240, 480, 900, 900, 900]) {
            assert!((about * 7 / 8..=about * 9 / 8).contains(pause), "{pauses:?}");
        }
        let turn = rounds.poll(now).unwrap();
        rounds.finished(now, turn.key, Found { answered: 8, peers: 1 });
        let pause = rounds.next_deadline().unwrap().since(now).as_secs();
        assert!((787..=1012).contains(&pause), "{pause}");
        now = rounds.next_deadline().unwrap();
        rounds.poll(now).unwrap();
        rounds.finished(now, 0, Found { answered: 0, peers: 0 });
        assert!(rounds.next_deadline().unwrap().since(now) <= Duration::from_secs(17));
    }

    #[test]
    fn a_torrent_that_completes_or_hurries_is_not_forgotten_while_it_runs() {
        let mut rounds = rounds(1, 0);
        let turn = rounds.poll(at(1)).unwrap();
        assert_eq!(turn, Turn { key: 0, info_hash: hash(0), role: Role::Leech });
        rounds.put(at(2), 0, hash(0), Role::Seed);
        rounds.finished(at(3), 0, NOTHING);
        assert_eq!(rounds.next_deadline(), Some(at(1) + SHORTEST));
        assert_eq!(rounds.poll(at(6)).unwrap().role, Role::Seed);
        rounds.finished(at(7), 0, NOTHING);
        assert!(rounds.poll(at(60)).is_none());
        assert!(rounds.hurry(at(60), 0));
        assert!(rounds.poll(at(60)).is_some());
        assert!(rounds.remove(0), "its lookup is to be cancelled");
        assert!(!rounds.remove(0) && !rounds.hurry(at(61), 0));
        rounds.finished(at(61), 0, NOTHING);
        assert!(rounds.is_empty() && rounds.next_deadline().is_none());
        rounds.put(at(62), 1, hash(1), Role::Leech);
        assert!(!rounds.remove(1), "it only waited");
        assert!(rounds.poll(at(70)).is_none());
    }
}

//! The routing table (BEP 5): whom we know, best known near ourselves.
//!
//! Bucket `n` holds nodes whose ids share exactly `n` leading bits with ours; the last one holds
//! all that share more, and is split when it is full. A full bucket has a few replacements waiting.
//! Only nodes that answered us count: somebody who merely asked us, or whom others named, may be
//! listed but is never told to others. Deliberately absent: packets; who has to be asked is what
//! [`Table::to_check`] says.
//!
//! Rules against those who would fill it: one node per public address in the table and one per /24
//! (IPv6: /64) in a bucket; an id in use does not move to another address; ids that fit their
//! address (BEP 42) take the place of ones that do not.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::id::{ID_BITS, is_exempt};
use super::{Contact, NodeId};
use crate::base::Instant;

/// Nodes of a bucket, and of an answer (BEP 5's K).
pub const K: usize = 8;
/// Places of the first buckets of an extended table: they are hit most, and cost little.
const EXTENDED: [usize; 4] = [128, 64, 32, 16];
/// Replacements waiting at one bucket.
const REPLACEMENTS: usize = 8;
/// A node that answered or asked within this time is good (BEP 5: 15 minutes).
const FRESH: Duration = Duration::from_secs(15 * 60);
/// Unanswered questions in a row after which a replacement is taken instead. One may be lost.
const FAILS_TO_REPLACE: u8 = 2;

/// How the table judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableConfig {
    /// More places in the first buckets: shorter ways.
    pub extended: bool,
    /// Keep neighbours in the address space apart.
    pub restrict_ips: bool,
    /// Prefer ids that fit their address (BEP 42).
    pub prefer_secure: bool,
    /// Take only those.
    pub enforce_secure: bool,
    /// Unanswered questions in a row after which a node goes even without a replacement.
    pub max_fails: u8,
}

/// A node in the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    contact: Contact,
    /// It answered us.
    confirmed: bool,
    /// Its id fits its address.
    secure: bool,
    /// Unanswered questions in a row.
    fails: u8,
    /// Its last sign of life.
    seen: Instant,
    /// Our last question.
    asked: Instant,
}

impl Entry {
    /// Whether others may be told of it.
    fn is_good(&self) -> bool {
        self.confirmed && self.fails == 0
    }

    /// Higher stays rather.
    fn rank(&self, config: &TableConfig) -> (bool, bool, u8) {
        let secure = self.secure || !config.prefer_secure;
        (self.confirmed, secure, u8::MAX - self.fails)
    }
}

#[derive(Debug, Default)]
struct Bucket {
    live: Vec<Entry>,
    /// Newest last.
    waiting: Vec<Entry>,
}

/// Nodes by distance from our own id.
#[derive(Debug)]
pub struct Table {
    own: NodeId,
    config: TableConfig,
    buckets: Vec<Bucket>,
    /// Whose place in the address space it is, live nodes only.
    places: BTreeMap<(IpAddr, u16), NodeId>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(own: NodeId, config: TableConfig) -> Self {
        Self { own, config, buckets: vec![Bucket::default()], places: BTreeMap::new() }
    }

    /// Our id.
    #[must_use]
    pub fn own(&self) -> NodeId {
        self.own
    }

    /// Changes the rules, for who comes from now on.
    pub fn set_config(&mut self, config: TableConfig) {
        self.config = config;
    }

    /// Nodes that answered, and those that are only listed.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        let confirmed = self.entries().filter(|entry| entry.confirmed).count();
        (confirmed, self.entries().count() - confirmed)
    }

    /// Whether nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Buckets: about the logarithm of the network's size, as far as it is known.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.buckets.len()
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.buckets.iter().flat_map(|bucket| &bucket.live)
    }

    fn bucket_of(&self, id: NodeId) -> usize {
        self.own.common_bits(id).min(self.buckets.len().saturating_sub(1))
    }

    fn room(&self, bucket: usize) -> usize {
        let extended = if self.config.extended { EXTENDED.get(bucket) } else { None };
        extended.copied().unwrap_or(K)
    }

    /// The place in the address space that a node occupies alone.
    fn place(&self, addr: SocketAddr) -> (IpAddr, u16) {
        let alone = self.config.restrict_ips && !is_exempt(addr.ip());
        (addr.ip(), if alone { 0 } else { addr.port() })
    }

    fn find_mut(&mut self, contact: Contact) -> Option<&mut Entry> {
        let at = self.bucket_of(contact.id);
        self.buckets.get_mut(at)?.live.iter_mut().find(|entry| entry.contact == contact)
    }

    /// A node answered a question of ours: it exists, and its id and address belong together.
    pub fn answered(&mut self, now: Instant, contact: Contact) {
        if let Some(entry) = self.find_mut(contact) {
            (entry.confirmed, entry.fails, entry.seen) = (true, 0, now);
            return;
        }
        // Whoever was listed at this address is gone or has taken another id, and who never
        // answered has no claim on an address or an id: anybody can put those into a question.
        let at_place = self.places.get(&self.place(contact.addr)).copied();
        for id in at_place.into_iter().chain([contact.id]) {
            if self.get(id).is_some_and(|e| !e.confirmed || e.contact.addr == contact.addr) {
                self.remove(id);
            }
        }
        self.add(self.entry(now, contact, true));
    }

    /// A node asked us something: it may exist. True when it was listed just now, and should be
    /// asked whether it does.
    pub fn asked_us(&mut self, now: Instant, contact: Contact) -> bool {
        match self.find_mut(contact) {
            // BEP 5: who ever answered and asks now is good.
            Some(entry) if entry.confirmed => entry.seen = now,
            Some(_) => {}
            None => {
                self.add(self.entry(now, contact, false));
                return self.get(contact.id).is_some_and(|entry| entry.contact == contact);
            }
        }
        false
    }

    /// We asked a node something.
    pub fn asking(&mut self, now: Instant, contact: Contact) {
        if let Some(entry) = self.find_mut(contact) {
            entry.asked = now;
        }
    }

    /// A node did not answer.
    pub fn failed(&mut self, contact: Contact) {
        let max_fails = self.config.max_fails.max(1);
        let at = self.bucket_of(contact.id);
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        bucket.waiting.retain(|entry| entry.contact != contact);
        let replacement = !bucket.waiting.is_empty();
        let Some(entry) = bucket.live.iter_mut().find(|e| e.contact == contact) else { return };
        entry.fails = entry.fails.saturating_add(1);
        let most = if replacement { FAILS_TO_REPLACE } else { max_fails };
        if entry.fails >= most || !entry.confirmed {
            self.remove(contact.id);
            self.promote(at);
        }
    }

    fn entry(&self, now: Instant, contact: Contact, confirmed: bool) -> Entry {
        let secure = contact.id.is_secure(contact.addr.ip());
        let asked = if confirmed { now } else { Instant::ZERO };
        Entry { contact, confirmed, secure, fails: 0, seen: now, asked }
    }

    fn get(&self, id: NodeId) -> Option<&Entry> {
        let bucket = self.buckets.get(self.bucket_of(id))?;
        bucket.live.iter().find(|entry| entry.contact.id == id)
    }

    fn remove(&mut self, id: NodeId) {
        let at = self.bucket_of(id);
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        if let Some(index) = bucket.live.iter().position(|entry| entry.contact.id == id) {
            let entry = bucket.live.swap_remove(index);
            let place = self.place(entry.contact.addr);
            self.places.remove(&place);
        }
    }

    /// Fills free places of a bucket with its replacements, the best first.
    fn promote(&mut self, at: usize) {
        let room = self.room(at);
        let config = self.config;
        while let Some(bucket) = self.buckets.get_mut(at) {
            if bucket.live.len() >= room || bucket.waiting.is_empty() {
                return;
            }
            let best = bucket.waiting.iter().enumerate().max_by_key(|(i, e)| (e.rank(&config), *i));
            let Some(best) = best.map(|(i, _)| i) else { return };
            let entry = bucket.waiting.remove(best);
            self.add(entry);
        }
    }

    fn add(&mut self, entry: Entry) {
        let Contact { id, addr } = entry.contact;
        if id == self.own || self.config.enforce_secure && !entry.secure {
            return;
        }
        // An id in use stays where it is: its owner is asked, and goes when it is silent.
        if self.places.contains_key(&self.place(addr)) || self.get(id).is_some() {
            return;
        }
        loop {
            let at = self.bucket_of(id);
            let room = self.room(at);
            let last = at + 1 == self.buckets.len();
            let Some(bucket) = self.buckets.get(at) else { return };
            if self.config.restrict_ips && crowded(bucket, addr) {
                return;
            }
            if bucket.live.len() < room {
                return self.insert(at, entry);
            }
            if last && self.buckets.len() < ID_BITS {
                self.split();
                continue;
            }
            return self.compete(at, entry);
        }
    }

    fn insert(&mut self, at: usize, entry: Entry) {
        let place = self.place(entry.contact.addr);
        if let Some(bucket) = self.buckets.get_mut(at) {
            bucket.waiting.retain(|other| other.contact.id != entry.contact.id);
            bucket.live.push(entry);
            self.places.insert(place, entry.contact.id);
        }
    }

    /// Takes the place of the worst of a full bucket, or waits for one.
    fn compete(&mut self, at: usize, entry: Entry) {
        let config = self.config;
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        let worst = bucket.live.iter().min_by_key(|other| other.rank(&config)).copied();
        if let Some(worst) = worst
            && worst.rank(&config) < entry.rank(&config)
            // One lost packet is no reason to lose a node.
            && (worst.fails != 1 || !worst.confirmed || !worst.secure && entry.secure)
        {
            self.remove(worst.contact.id);
            return self.insert(at, entry);
        }
        let Some(bucket) = self.buckets.get_mut(at) else { return };
        bucket.waiting.retain(|other| {
            other.contact.id != entry.contact.id && other.contact.addr != entry.contact.addr
        });
        if bucket.waiting.len() >= REPLACEMENTS {
            bucket.waiting.remove(0);
        }
        bucket.waiting.push(entry);
    }

    /// Makes a new last bucket of those that share more bits, and again while that is too full:
    /// the first buckets of an extended table have more room than the ones behind them.
    fn split(&mut self) {
        loop {
            let bits = self.buckets.len() - 1;
            let own = self.own;
            let deeper = |entry: &Entry| own.common_bits(entry.contact.id) > bits;
            let Some(old) = self.buckets.last_mut() else { return };
            let live: Vec<Entry> = old.live.extract_if(.., |entry| deeper(entry)).collect();
            let waiting = old.waiting.extract_if(.., |entry| deeper(entry)).collect();
            let full = live.len() > self.room(bits + 1);
            self.buckets.push(Bucket { live, waiting });
            self.trim(bits);
            if !full || self.buckets.len() >= ID_BITS {
                return self.trim(bits + 1);
            }
        }
    }

    /// Lets the least of a bucket go that has less room than it had as part of another.
    fn trim(&mut self, at: usize) {
        let (room, config) = (self.room(at), self.config);
        let mut surplus = Vec::new();
        if let Some(bucket) = self.buckets.get_mut(at)
            && bucket.live.len() > room
        {
            bucket.live.sort_by_key(|entry| core::cmp::Reverse(entry.rank(&config)));
            surplus = bucket.live.split_off(room);
            bucket.waiting.extend(surplus.iter().take(REPLACEMENTS - bucket.waiting.len()));
        }
        for entry in surplus {
            let place = self.place(entry.contact.addr);
            self.places.remove(&place);
        }
    }

    /// The nodes nearest to a target that answered us, at most `count`, nearest first. For lookups
    /// of our own also ones that failed once or are not confirmed (`all`), behind the good ones
    /// when distances are equal: a lookup asks them anyway.
    #[must_use]
    pub fn closest(&self, target: NodeId, count: usize, all: bool) -> Vec<Contact> {
        let wanted = |entry: &&Entry| all || entry.is_good();
        let mut found: Vec<_> = self
            .entries()
            .filter(wanted)
            .map(|entry| (entry.contact.id.distance(target), entry.contact))
            .collect();
        if found.len() > count && count > 0 {
            found.select_nth_unstable(count - 1);
            found.truncate(count);
        }
        found.sort_unstable();
        found.truncate(count);
        found.into_iter().map(|(_, contact)| contact).collect()
    }

    /// All nodes that are good, for saving.
    pub fn good(&self) -> impl Iterator<Item = Contact> {
        self.entries().filter(|entry| entry.is_good()).map(|entry| entry.contact)
    }

    /// The node that most needs to be asked whether it is there: an unconfirmed one first, then the
    /// one silent the longest beyond 15 minutes. None is named twice within a minute.
    #[must_use]
    pub fn to_check(&self, now: Instant) -> Option<Contact> {
        let pause = Duration::from_secs(60);
        let due = |entry: &&Entry| {
            let rested = entry.asked == Instant::ZERO || now.since(entry.asked) >= pause;
            let doubtful = !entry.confirmed || entry.fails > 0 || now.since(entry.seen) >= FRESH;
            rested && doubtful
        };
        let key = |entry: &&Entry| (entry.confirmed, entry.seen);
        self.entries().filter(due).min_by_key(key).map(|entry| entry.contact)
    }

    /// The first number of shared bits, from `after` on, with which we know too few nodes, although
    /// nodes that share more are known: a lookup there is worth it. Without such nodes a lookup that
    /// comes by could not leave our neighbourhood again. Buckets do not tell, as one that was never
    /// full holds nodes of all depths.
    #[must_use]
    pub fn sparse_depth(&self, after: usize) -> Option<usize> {
        let mut counts = [0usize; ID_BITS + 1];
        for entry in self.entries().filter(|entry| entry.confirmed) {
            if let Some(count) = counts.get_mut(self.own.common_bits(entry.contact.id)) {
                *count += 1;
            }
        }
        let mut deeper = counts.iter().sum::<usize>();
        for (bits, count) in counts.iter().enumerate() {
            deeper -= count;
            // Those who share more are our own neighbourhood, which lookups of ourselves fill.
            if deeper < K {
                return None;
            }
            if bits >= after && *count < K {
                return Some(bits);
            }
        }
        None
    }

    /// Panics when the table contradicts itself: for tests.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        let mut count = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            assert!(bucket.live.len() <= self.room(at), "bucket {at} overflows");
            assert!(bucket.waiting.len() <= REPLACEMENTS, "bucket {at} keeps too many waiting");
            for entry in bucket.live.iter().chain(&bucket.waiting) {
                assert_eq!(self.bucket_of(entry.contact.id), at, "in the wrong bucket");
                assert_ne!(entry.contact.id, self.own, "we are in our own table");
            }
            for entry in &bucket.live {
                let owner = self.places.get(&self.place(entry.contact.addr));
                assert_eq!(owner, Some(&entry.contact.id), "a place belongs to somebody else");
                count += 1;
            }
        }
        assert_eq!(count, self.places.len(), "a place belongs to nobody");
    }
}

/// Whether a bucket has a public neighbour of this address.
fn crowded(bucket: &Bucket, addr: SocketAddr) -> bool {
    !is_exempt(addr.ip())
        && bucket.live.iter().any(|e| neighbourhood(e.contact.addr) == neighbourhood(addr))
}

/// What addresses of one owner are likely to share: /24, or /64 of IPv6.
pub(super) fn neighbourhood(addr: SocketAddr) -> (bool, [u8; 8]) {
    match addr.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            (false, [a, b, c, 0, 0, 0, 0, 0])
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h, ..] = ip.octets();
            (true, [a, b, c, d, e, f, g, h])
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;

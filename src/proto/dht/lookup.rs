//! One iterative lookup (BEP 5): ask the nearest known for nearer ones until the nearest answered.
//!
//! The list of candidates is the whole state. Answers bring new ones, bounded per answer and in
//! all; nodes that are slow free their slot before they are given up. Deliberately absent: packets
//! and what the answers are good for.
//!
//! Against those who lie about who is near: one candidate per public /24 (IPv6: /64); ids that do
//! not fit their address (BEP 42) get at most every other question and do not end a lookup, or are
//! not asked at all; and a lookup asks at most [`MAX_ASKED`] nodes, whatever it is told.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::id::{Distance, is_exempt};
use super::table::{K, neighbourhood};
use super::{Contact, NodeId, Security};

/// Candidates kept.
const MAX_CANDIDATES: usize = 120;
/// Candidates taken from one answer, per family: a liar's share.
const PER_ANSWER: usize = 2 * K;
/// Nodes asked in one lookup: four times what a network of millions needs.
pub(super) const MAX_ASKED: u32 = 256;
/// Answers after which a lookup ends although too few came from ids that fit their address.
const ENOUGH_ANSWERS: usize = 3 * K;

/// How lookups go about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookupConfig {
    /// Questions under way at a time.
    pub(super) branching: usize,
    /// Count only those at the top of the list: more traffic, quicker.
    pub(super) aggressive: bool,
    /// One candidate per neighbourhood.
    pub(super) restrict_ips: bool,
    pub(super) security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    Asked,
    /// Asked, and slow: its slot is free again.
    Slow,
    Answered,
    Failed,
}

/// Somebody who may be near the target.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    distance: Distance,
    /// `None` for a bootstrap address, whose id is not known.
    pub(super) id: Option<NodeId>,
    pub(super) addr: SocketAddr,
    /// Questions from us to here: one more than for who named it.
    pub(super) hops: u32,
    /// Permission to store, from its answer.
    pub(super) token: Option<Box<[u8]>>,
    /// The version it has of a mutable item.
    pub(super) seq: Option<i64>,
    secure: bool,
    /// Known from an earlier session only: nobody who is there now has named it.
    stale: bool,
    state: State,
}

impl Candidate {
    fn is(&self, contact: &Contact) -> bool {
        self.addr == contact.addr && self.id == Some(contact.id)
    }
}

/// The list of one lookup.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) target: NodeId,
    config: LookupConfig,
    /// Nearest first.
    candidates: Vec<Candidate>,
    /// Addresses that were taken once, so that none comes back after it was dropped.
    taken: BTreeSet<SocketAddr>,
    /// Neighbourhoods that were taken, when they are restricted.
    areas: BTreeSet<(bool, [u8; 8])>,
    /// Questions that hold a slot.
    busy: usize,
    /// Questions whose end is not known yet, slow ones included.
    open: usize,
    pub(super) asked: u32,
    pub(super) answered: u32,
}

impl Lookup {
    pub(super) fn new(target: NodeId, config: LookupConfig) -> Self {
        Self {
            target,
            config,
            candidates: Vec::new(),
            taken: BTreeSet::new(),
            areas: BTreeSet::new(),
            busy: 0,
            open: 0,
            asked: 0,
            answered: 0,
        }
    }

    /// Adds a bootstrap address: asked when nobody better is known, never counted as near.
    pub(super) fn add_router(&mut self, addr: SocketAddr) {
        if self.taken.insert(addr) {
            self.candidates.push(Candidate {
                distance: Distance::UNKNOWN,
                id: None,
                addr,
                hops: 0,
                token: None,
                seq: None,
                secure: false,
                stale: false,
                state: State::Fresh,
            });
        }
    }

    /// Adds candidates that one node named, or that we know ourselves.
    pub(super) fn add(&mut self, contacts: impl Iterator<Item = Contact>, hops: u32) {
        contacts.take(PER_ANSWER).for_each(|contact| self.add_one(contact, hops, false));
        self.cut();
    }

    /// Adds nodes of an earlier session: as many as there are places for.
    pub(super) fn add_stale(&mut self, contacts: &[Contact], hops: u32) {
        for contacts in contacts.chunks(PER_ANSWER) {
            contacts.iter().for_each(|contact| self.add_one(*contact, hops, true));
            self.cut();
        }
    }

    /// Drops those that there is no place for: stale ones first, the farthest first. Those asked
    /// stay: their answers are due.
    fn cut(&mut self) {
        while self.candidates.len() > MAX_CANDIDATES {
            let last = |stale: bool| {
                let of_kind = |c: &Candidate| c.state == State::Fresh && c.stale == stale;
                self.candidates.iter().rposition(of_kind)
            };
            match last(true).or_else(|| last(false)) {
                Some(at) => drop(self.candidates.remove(at)),
                None => break,
            }
        }
    }

    fn add_one(&mut self, contact: Contact, hops: u32, stale: bool) {
        let secure = contact.id.is_secure(contact.addr.ip());
        if self.config.security == Security::Enforce && !secure {
            return;
        }
        if !stale && let Some(known) = self.candidates.iter_mut().find(|c| c.is(&contact)) {
            known.stale = false;
            return;
        }
        let area = neighbourhood(contact.addr);
        let alone = self.config.restrict_ips && !is_exempt(contact.addr.ip());
        if self.taken.contains(&contact.addr) || alone && self.areas.contains(&area) {
            return;
        }
        // A liar may name thousands; what was seen is remembered for so many only.
        if self.taken.len() >= 8 * MAX_CANDIDATES {
            return;
        }
        self.taken.insert(contact.addr);
        if alone {
            self.areas.insert(area);
        }
        let distance = contact.id.distance(self.target);
        let at = self.candidates.partition_point(|c| c.distance <= distance);
        let candidate = Candidate {
            distance,
            id: Some(contact.id),
            addr: contact.addr,
            hops,
            token: None,
            seq: None,
            secure,
            stale,
            state: State::Fresh,
        };
        self.candidates.insert(at, candidate);
    }

    /// The next node to ask now; it counts as asked. `None` while all slots are taken, or when
    /// nobody is worth asking.
    pub(super) fn next(&mut self) -> Option<Candidate> {
        if self.asked >= MAX_ASKED {
            return None;
        }
        let at = self.choose()?;
        let candidate = self.candidates.get_mut(at)?;
        candidate.state = State::Asked;
        self.asked += 1;
        self.busy += 1;
        self.open += 1;
        Some(candidate.clone())
    }

    fn choose(&self) -> Option<usize> {
        // While nobody has answered, what an earlier session knew may all be gone: every other
        // question goes to a bootstrap address.
        if self.answered == 0 && self.asked % 2 == 1 && self.busy < self.config.branching {
            let fresh = |c: &Candidate| c.id.is_none() && c.state == State::Fresh;
            if let Some(at) = self.candidates.iter().position(fresh) {
                return Some(at);
            }
        }
        let prefer = self.config.security == Security::Prefer;
        // Every other question goes to an id that fits, if there is one in reach, and every other
        // one to somebody that a node of this session named: what an earlier one knew may be gone.
        let secure_turn = prefer && self.asked % 2 == 1;
        let named_turn = self.answered > 0 && self.asked.is_multiple_of(2);
        let put_off = |c: &Candidate| secure_turn && !c.secure || named_turn && c.stale;
        let (mut near, mut answers, mut waiting) = (0, 0, 0);
        let mut second = None;
        for (at, candidate) in self.candidates.iter().enumerate() {
            if near >= K || answers >= ENOUGH_ANSWERS {
                break;
            }
            match candidate.state {
                State::Answered => {
                    answers += 1;
                    near += usize::from(self.counts(candidate));
                }
                State::Asked => waiting += 1,
                State::Slow | State::Failed => {}
                State::Fresh if put_off(candidate) => second = second.or(Some(at)),
                State::Fresh => {
                    let slots = if self.config.aggressive { waiting } else { self.busy };
                    return (slots < self.config.branching).then_some(at);
                }
            }
        }
        second.filter(|_| self.busy < self.config.branching)
    }

    /// Whether an answer of it ends the lookup and makes it a place to store.
    fn counts(&self, candidate: &Candidate) -> bool {
        candidate.id.is_some() && (candidate.secure || self.config.security == Security::Off)
    }

    /// Whether [`Self::next`] has somebody.
    pub(super) fn is_ready(&self) -> bool {
        self.asked < MAX_ASKED && self.choose().is_some()
    }

    /// Nobody is left to ask, and no answer is worth waiting for: none is due, or enough nodes
    /// answered and the others, nearer or not, had their time.
    pub(super) fn is_done(&self) -> bool {
        if self.is_ready() {
            return false;
        }
        let (mut near, mut answers) = (0, 0);
        for candidate in &self.candidates {
            match candidate.state {
                State::Answered => {
                    answers += 1;
                    near += usize::from(self.counts(candidate));
                }
                State::Asked => return false,
                State::Fresh | State::Slow | State::Failed => {}
            }
            if near >= K || answers >= ENOUGH_ANSWERS {
                return true;
            }
        }
        self.open == 0
    }

    fn settle(&mut self, addr: SocketAddr, state: State) -> Option<&mut Candidate> {
        let candidate = self.candidates.iter_mut().find(|c| c.addr == addr)?;
        match candidate.state {
            State::Asked => self.busy -= 1,
            State::Slow => {}
            State::Fresh | State::Answered | State::Failed => return None,
        }
        if state != State::Slow {
            self.open -= 1;
        } else if candidate.state == State::Slow {
            return None;
        }
        candidate.state = state;
        Some(candidate)
    }

    /// A node answered, with its true id; gives its distance in hops. One that has another id than
    /// it was said to have counts as failed, for whoever named it lied or is out of date.
    pub(super) fn answered(
        &mut self,
        addr: SocketAddr,
        id: NodeId,
        token: Option<&[u8]>,
        seq: Option<i64>,
    ) -> Option<u32> {
        let known = self.candidates.iter().find(|c| c.addr == addr)?.id;
        let state =
            if known.is_none_or(|known| known == id) { State::Answered } else { State::Failed };
        let candidate = self.settle(addr, state)?;
        candidate.token = token.map(Into::into);
        candidate.seq = seq;
        let hops = candidate.hops;
        if state == State::Answered {
            self.answered += 1;
            return Some(hops);
        }
        None
    }

    /// A node takes its time.
    pub(super) fn slow(&mut self, addr: SocketAddr) {
        self.settle(addr, State::Slow);
    }

    /// A node will not answer, or refused.
    pub(super) fn failed(&mut self, addr: SocketAddr) {
        self.settle(addr, State::Failed);
    }

    /// The nearest nodes that answered, nearest first, those that fit their address before others;
    /// at most K.
    pub(super) fn nearest(&self) -> impl Iterator<Item = &Candidate> {
        self.best(|_| true).take(K)
    }

    /// The same of those that gave a token: where to store (BEP 33, BEP 42).
    pub(super) fn places(&self) -> impl Iterator<Item = &Candidate> {
        self.best(|candidate| candidate.token.is_some()).take(K)
    }

    fn best(&self, fit: fn(&Candidate) -> bool) -> impl Iterator<Item = &Candidate> {
        let answered = move |c: &&Candidate| c.state == State::Answered && c.id.is_some() && fit(c);
        let counting = self.candidates.iter().filter(answered).filter(|c| self.counts(c));
        let others = self.candidates.iter().filter(answered).filter(|c| !self.counts(c));
        counting.chain(others)
    }

    /// Questions in a row that led to the nearest node.
    pub(super) fn hops(&self) -> u32 {
        self.nearest().next().map_or(0, |c| c.hops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rng;

    const CONFIG: LookupConfig = LookupConfig {
        branching: 3,
        aggressive: false,
        restrict_ips: true,
        security: Security::Off,
    };

    fn contact(last: u8, n: u8) -> Contact {
        let mut id = [0; 20];
        id[19] = last;
        Contact { id: NodeId(id), addr: SocketAddr::from(([9, 9, n, 1], 6881)) }
    }

    fn lookup(config: LookupConfig) -> Lookup {
        Lookup::new(NodeId([0; 20]), config)
    }

    #[test]
    fn the_nearest_are_asked_and_an_answer_ends_it() {
        let mut l = lookup(CONFIG);
        l.add((1..=12).map(|n| contact(n, n)), 1);
        let first: Vec<_> = core::iter::from_fn(|| l.next()).map(|c| c.addr).collect();
        assert_eq!(first, [contact(1, 1).addr, contact(2, 2).addr, contact(3, 3).addr]);
        assert_eq!(l.answered(first[0], contact(1, 1).id, Some(b"t"), None), Some(1));
        l.add([contact(0, 100)].into_iter(), 2);
        assert_eq!(l.next().unwrap().addr, contact(0, 100).addr, "nearer ones go first");
        l.slow(first[1]);
        assert_eq!(l.next().unwrap().addr, contact(4, 4).addr, "a slow one frees its slot");
        assert!(l.next().is_none());
        l.failed(first[1]);
        l.answered(first[2], contact(3, 3).id, None, None);
        l.answered(contact(0, 100).addr, contact(0, 100).id, None, None);
        l.answered(contact(4, 4).addr, contact(4, 4).id, None, None);
        let slow = l.next().unwrap();
        l.slow(slow.addr);
        while let Some(c) = l.next() {
            assert!(!l.is_done());
            l.answered(c.addr, c.id.unwrap(), None, None);
        }
        assert!(l.is_done(), "enough answered: the slow one is not waited for");
        // 12 and 11, 10 are farther than K nodes that answered.
        assert_eq!((l.asked, l.answered, l.hops()), (10, 8, 2));
        assert_eq!(l.nearest().count(), 8);
        assert_eq!(l.nearest().nth(1).unwrap().token.as_deref(), Some(&b"t"[..]));
    }

    #[test]
    fn aggressive_lookups_do_not_wait_for_the_far() {
        let mut l = lookup(LookupConfig { aggressive: true, ..CONFIG });
        l.add((10..20).map(|n| contact(n, n)), 1);
        assert_eq!(core::iter::from_fn(|| l.next()).count(), 3);
        l.add((1..10).map(|n| contact(n, n)), 2);
        assert_eq!(core::iter::from_fn(|| l.next()).count(), 3, "slots are counted at the top");
    }

    #[test]
    fn neighbours_liars_and_doubles_are_not_followed() {
        let mut l = lookup(CONFIG);
        let mut near = contact(1, 1);
        l.add([near, near].into_iter(), 1);
        near.addr = SocketAddr::from(([9, 9, 1, 200], 6881));
        l.add([near].into_iter(), 1);
        assert_eq!(l.candidates.len(), 1);
        let asked = l.next().unwrap();
        assert_eq!(l.answered(asked.addr, NodeId([3; 20]), None, None), None);
        assert!(l.is_done() && l.answered == 0, "another id than was said");
        assert_eq!(l.answered(asked.addr, contact(1, 1).id, None, None), None, "only once");
        let mut rng = Rng::new(1);
        let mut endless = 0u32;
        let mut l = lookup(CONFIG);
        l.add([contact(200, 1)].into_iter(), 1);
        while let Some(c) = l.next() {
            l.failed(c.addr);
            let name = |_| {
                endless += 1;
                let ip = (0x1000_0000 + endless * 256).to_be_bytes();
                Contact { id: NodeId::random(&mut rng), addr: SocketAddr::from((ip, 1)) }
            };
            l.add((0..1000).map(name), 2);
        }
        assert!(l.is_done() && l.asked <= MAX_ASKED);
        assert!(l.candidates.len() <= MAX_CANDIDATES && l.taken.len() <= 8 * MAX_CANDIDATES);
    }

    #[test]
    fn ids_that_do_not_fit_get_every_other_question_or_none() {
        let mut rng = Rng::new(2);
        let fitting = |n: u8, rng: &mut Rng| {
            let addr = SocketAddr::from(([21, 7, n, 1], 1));
            Contact { id: NodeId::secure(addr.ip(), rng), addr }
        };
        let fake: Vec<_> = (0..30).map(|n| contact(n, n)).collect();
        let real: Vec<_> = (0..30).map(|n| fitting(n, &mut rng)).collect();
        let run = |security| {
            let mut l = lookup(LookupConfig { security, ..CONFIG });
            fake.chunks(10).chain(real.chunks(10)).for_each(|c| l.add(c.iter().copied(), 1));
            while let Some(c) = l.next() {
                l.answered(c.addr, c.id.unwrap(), None, None);
            }
            assert!(l.is_done());
            let good = l.nearest().filter(|c| c.secure).count();
            (l.asked, good)
        };
        assert_eq!(run(Security::Off), (8, 0));
        assert_eq!(run(Security::Enforce), (8, 8));
        let (asked, good) = run(Security::Prefer);
        assert!(asked <= 32 && good == 8, "{asked} {good}");
    }

    #[test]
    fn every_other_question_goes_to_those_whom_this_session_knows() {
        let mut l = lookup(LookupConfig { branching: 1, ..CONFIG });
        l.add_stale(&(1..=200).map(|n| contact(n, n)).collect::<Vec<_>>(), 1);
        l.add_router(contact(0, 250).addr);
        let gone = l.next().unwrap();
        assert_eq!(gone.addr, contact(1, 1).addr);
        l.failed(gone.addr);
        let router = l.next().unwrap();
        assert_eq!(router.addr, contact(0, 250).addr);
        assert_eq!(l.answered(router.addr, NodeId([9; 20]), None, None), Some(0));
        // One of an earlier session is confirmed; the others are new, and farther than all those.
        l.add([contact(90, 90)].into_iter().chain((210..=220).map(|n| contact(n, n))), 1);
        let mut asked = Vec::new();
        for _ in 0..4 {
            let next = l.next().unwrap();
            l.answered(next.addr, next.id.unwrap(), None, None);
            asked.push(next.addr);
        }
        let expected = [(90, 90), (2, 2), (210, 210), (3, 3)].map(|(id, n)| contact(id, n).addr);
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_router_helps_out_and_counts_for_nothing() {
        let mut l = lookup(CONFIG);
        l.add_router(contact(0, 50).addr);
        let router = l.next().unwrap();
        assert_eq!(router.id, None);
        assert_eq!(l.answered(router.addr, NodeId([9; 20]), None, None), Some(0));
        assert!(l.is_done() && l.nearest().count() == 0);
        l.add([contact(5, 5)].into_iter(), 1);
        assert!(!l.is_done());
    }
}

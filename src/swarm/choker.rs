//! Whom to upload to (BEP 3, choking and optimistic unchoking).
//!
//! Every ten seconds the slots are given out anew among the *interested* peers. While downloading,
//! a slot is earned by what the peer sent us since the last round (tit for tat); a peer that
//! promised blocks and did not deliver earns none. While seeding, peers are served in turns: a
//! peer keeps its slot, the quickest first, until it had its share, then the one that waited
//! longest comes. At least one slot, and every slot nobody earned, is optimistic: drawn by lot for
//! thirty seconds, newcomers three times as likely. Deliberately absent: sending anything, rates
//! and limits, which peers exist (the torrent tells).

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::BTreeMap;

use crate::base::{Instant, PeerKey, Rng};

/// Time between rounds.
const ROUND: Duration = Duration::from_secs(10);
/// How long an optimistic slot stays with a peer.
const OPTIMISTIC: Duration = Duration::from_secs(30);
/// A peer connected for less is a newcomer, with this many lots in the draw.
const NEWCOMER: Duration = Duration::from_secs(60);
const NEWCOMER_LOTS: u64 = 3;
/// While seeding, a turn lasts at least this long,
const TURN_MIN: Duration = Duration::from_secs(60);
/// and ends after so many bytes
const TURN_BYTES: u64 = 4 << 20;
/// or so much time, whichever comes first.
const TURN_MAX: Duration = Duration::from_secs(180);

/// A peer as the choker sees it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Key.
    pub peer: PeerKey,
    /// It wants something from us.
    pub interested: bool,
    /// We upload to it now.
    pub unchoked: bool,
    /// It promised blocks and did not deliver.
    pub snubbed: bool,
    /// Payload bytes it sent us since the last round.
    pub received: u64,
    /// Payload bytes we sent it since the last round.
    pub sent: u64,
    /// Payload bytes we sent it in all.
    pub sent_total: u64,
    /// When it was last unchoked, if ever: the start of its running or its latest turn.
    pub last_unchoked: Option<Instant>,
    /// When it connected.
    pub connected: Instant,
}

/// Rounds every 10 s, optimistic unchoke every 30 s, another ranking while seeding.
#[derive(Debug)]
pub struct Choker {
    slots: u32,
    rng: Rng,
    next_round: Instant,
    /// Who holds an optimistic slot, and until when.
    optimistic: Vec<(PeerKey, Instant)>,
    /// For unchoked peers: when the turn began and what we had sent in all by then.
    turns: BTreeMap<PeerKey, (Option<Instant>, u64)>,
}

impl Choker {
    /// With this many slots, the optimistic one included; `u32::MAX` is no limit, 0 is no upload.
    /// The first round is due at once.
    #[must_use]
    pub fn new(slots: u32, rng: Rng) -> Self {
        Self {
            slots,
            rng,
            next_round: Instant::ZERO,
            optimistic: Vec::new(),
            turns: BTreeMap::new(),
        }
    }

    /// New number of slots. When it changes, a round is due at once.
    pub fn set_slots(&mut self, slots: u32) {
        if self.slots != slots {
            self.slots = slots;
            self.next_round = Instant::ZERO;
        }
    }

    /// When the next round is due.
    #[must_use]
    pub fn next_round(&self) -> Instant {
        self.next_round
    }

    /// Runs a round: the peers that are to be unchoked, all others are to be choked. The order is
    /// that of the ranking.
    pub fn round(&mut self, now: Instant, seeding: bool, peers: &[Candidate]) -> Vec<PeerKey> {
        self.next_round = now + ROUND;
        self.note_turns(peers);
        let mut wanting: Vec<&Candidate> = peers.iter().filter(|c| c.interested).collect();
        let slots = usize::try_from(self.slots).unwrap_or(usize::MAX);
        if self.slots == u32::MAX || wanting.len() <= slots {
            self.optimistic.retain(|(peer, _)| wanting.iter().any(|c| c.peer == *peer));
            return wanting.iter().map(|c| c.peer).collect();
        }
        if slots == 0 {
            self.optimistic.clear();
            return Vec::new();
        }
        // Equals are ordered by lot, but who is served stays before who is not.
        self.rng.shuffle(&mut wanting);
        if seeding {
            wanting.sort_by_key(|c| self.seeding_rank(now, c));
        } else {
            wanting.sort_by_key(|c| (Reverse(earned(c)), !c.unchoked));
        }
        let eligible = wanting.iter().filter(|c| seeding || earned(c) > 0);
        let mut chosen: Vec<PeerKey> = eligible.take(slots - 1).map(|c| c.peer).collect();
        let rest: Vec<&Candidate> =
            wanting.into_iter().filter(|c| !chosen.contains(&c.peer)).collect();
        self.draw(now, &rest, slots - chosen.len());
        chosen.extend(self.optimistic.iter().map(|(peer, _)| *peer));
        chosen
    }

    /// Between rounds: whether a newly interested peer may be unchoked at once because a slot is
    /// free, given the number of peers unchoked now.
    #[must_use]
    pub fn has_free_slot(&self, unchoked: usize) -> bool {
        self.slots == u32::MAX || u32::try_from(unchoked).is_ok_and(|n| n < self.slots)
    }

    /// Remembers where each unchoked peer's turn started; forgets the others.
    fn note_turns(&mut self, peers: &[Candidate]) {
        let mut turns = BTreeMap::new();
        for c in peers.iter().filter(|c| c.unchoked) {
            let fresh = (c.last_unchoked, c.sent_total.saturating_sub(c.sent));
            let known = self.turns.get(&c.peer).filter(|known| known.0 == c.last_unchoked);
            turns.insert(c.peer, known.copied().unwrap_or(fresh));
        }
        self.turns = turns;
    }

    /// Smaller is better: a running turn that is being used, the quickest first; then those that
    /// wait, the longest wait (or never served) first; last, those that had their share.
    fn seeding_rank(&self, now: Instant, c: &Candidate) -> (u8, Reverse<u64>, Option<Instant>) {
        let Some((began, base)) = self.turns.get(&c.peer) else {
            return (1, Reverse(0), c.last_unchoked);
        };
        let lasted = began.map_or(Duration::MAX, |began| now.since(began));
        let got = c.sent_total.saturating_sub(*base);
        let over = lasted >= TURN_MAX || (lasted >= TURN_MIN && got >= TURN_BYTES);
        if over {
            (2, Reverse(c.sent), c.last_unchoked)
        } else if c.sent > 0 || lasted < ROUND {
            (0, Reverse(c.sent), c.last_unchoked)
        } else {
            (1, Reverse(0), c.last_unchoked)
        }
    }

    /// Fills `count` optimistic slots from `rest`: holders stay until their time is up, then
    /// somebody else's lot is drawn if there is anybody else.
    fn draw(&mut self, now: Instant, rest: &[&Candidate], count: usize) {
        let held = core::mem::take(&mut self.optimistic);
        let (valid, expired): (Vec<_>, Vec<_>) = held
            .into_iter()
            .filter(|(peer, _)| rest.iter().any(|c| c.peer == *peer))
            .partition(|(_, until)| *until > now);
        self.optimistic = valid;
        self.optimistic.truncate(count);
        let mut lots: Vec<(PeerKey, u64)> = Vec::new();
        let mut last_resort = Vec::new();
        for c in rest {
            if self.optimistic.iter().any(|(peer, _)| *peer == c.peer) {
                continue;
            }
            let newcomer = now.since(c.connected) < NEWCOMER;
            let lot = (c.peer, if newcomer { NEWCOMER_LOTS } else { 1 });
            if expired.iter().any(|(peer, _)| *peer == c.peer) {
                last_resort.push(lot);
            } else {
                lots.push(lot);
            }
        }
        while self.optimistic.len() < count {
            let from = if lots.is_empty() { &mut last_resort } else { &mut lots };
            let Some(peer) = draw_one(&mut self.rng, from) else { break };
            self.optimistic.push((peer, now + OPTIMISTIC));
        }
    }
}

/// What counts for a peer while we download.
fn earned(c: &Candidate) -> u64 {
    if c.snubbed { 0 } else { c.received }
}

fn draw_one(rng: &mut Rng, lots: &mut Vec<(PeerKey, u64)>) -> Option<PeerKey> {
    let mut ticket = rng.below(lots.iter().map(|(_, n)| n).sum());
    let winner = lots.iter().position(|(_, n)| match ticket.checked_sub(*n) {
        Some(left) => {
            ticket = left;
            false
        }
        None => true,
    })?;
    Some(lots.swap_remove(winner).0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::base::Rng;

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    fn peer(key: u64) -> Candidate {
        Candidate {
            peer: PeerKey(key),
            interested: true,
            unchoked: false,
            snubbed: false,
            received: 0,
            sent: 0,
            sent_total: 0,
            last_unchoked: None,
            connected: Instant::ZERO,
        }
    }

    #[test]
    fn the_best_uploaders_win_and_one_slot_is_optimistic() {
        let mut choker = Choker::new(4, Rng::new(1));
        assert_eq!(choker.next_round(), Instant::ZERO);
        let peers: Vec<_> = (1..=20).map(|k| Candidate { received: k * 100, ..peer(k) }).collect();
        let out = choker.round(at(100), false, &peers);
        assert_eq!(out[..3], [PeerKey(20), PeerKey(19), PeerKey(18)]);
        assert!(out.len() == 4 && out[3].0 < 18);
        assert_eq!(choker.next_round(), at(110));
    }

    #[test]
    fn uninterested_peers_cost_no_slot_and_snubbed_ones_earn_none() {
        let mut choker = Choker::new(3, Rng::new(2));
        let mut peers: Vec<_> = (1..=6).map(|k| Candidate { received: 10, ..peer(k) }).collect();
        peers[0].received = 1_000;
        peers[0].interested = false;
        for snubber in &mut peers[1..4] {
            snubber.received = 900;
            snubber.snubbed = true;
        }
        let out = choker.round(at(0), false, &peers);
        assert_eq!(
            out[..2].iter().copied().collect::<BTreeSet<_>>(),
            [PeerKey(5), PeerKey(6)].into()
        );
        assert!((2..=4).contains(&out[2].0));
    }

    #[test]
    fn optimistic_rotates_every_thirty_seconds_only() {
        let mut choker = Choker::new(1, Rng::new(3));
        let peers: Vec<_> = (1..=5).map(peer).collect();
        let mut last = choker.round(at(0), false, &peers);
        for tick in 1..60 {
            let out = choker.round(at(tick * 10), false, &peers);
            assert_eq!(out == last, tick % 3 != 0, "round {tick}");
            last = out;
        }
    }

    #[test]
    fn newcomers_have_three_lots() {
        let mut wins = 0;
        for seed in 0..4_000 {
            let mut choker = Choker::new(1, Rng::new(seed));
            let mut peers: Vec<_> = (1..=2).map(peer).collect();
            peers[0].connected = at(990);
            wins += usize::from(choker.round(at(1_000), false, &peers) == [PeerKey(1)]);
        }
        assert!((2_850..3_150).contains(&wins), "{wins}");
    }

    #[test]
    fn none_all_and_few() {
        let peers: Vec<_> = (1..=5).map(peer).collect();
        assert!(Choker::new(0, Rng::new(4)).round(at(0), true, &peers).is_empty());
        assert_eq!(Choker::new(u32::MAX, Rng::new(4)).round(at(0), false, &peers).len(), 5);
        assert_eq!(Choker::new(9, Rng::new(4)).round(at(0), false, &peers).len(), 5);
        let mut choker = Choker::new(2, Rng::new(4));
        assert!(choker.has_free_slot(1) && !choker.has_free_slot(2));
        choker.round(at(50), false, &peers);
        choker.set_slots(2);
        assert_eq!(choker.next_round(), at(60));
        choker.set_slots(3);
        assert_eq!(choker.next_round(), Instant::ZERO);
    }

    /// Seeding to equally quick peers: within a few turns everybody was served about as much.
    #[test]
    fn a_seed_serves_in_turns() {
        let mut choker = Choker::new(4, Rng::new(5));
        let mut peers: Vec<_> = (1..=16).map(peer).collect();
        for tick in 0..240 {
            let now = at(tick * 10);
            let out = choker.round(now, true, &peers);
            assert_eq!(out.len(), 4);
            for c in &mut peers {
                let serve = out.contains(&c.peer);
                if serve && !c.unchoked {
                    c.last_unchoked = Some(now);
                }
                c.unchoked = serve;
                c.sent = if serve { 1 << 20 } else { 0 };
                c.sent_total += c.sent;
            }
        }
        let least = peers.iter().map(|c| c.sent_total).min().unwrap();
        let most = peers.iter().map(|c| c.sent_total).max().unwrap();
        assert!(least > 0 && most < least * 3, "{least} {most}");
    }

    proptest! {
        #[test]
        fn slots_are_filled_exactly_with_distinct_interested_peers(
            seed: u64,
            slots in 0u32..12,
            rounds in prop::collection::vec(
                (
                    any::<bool>(),
                    prop::collection::vec((0u64..30, any::<[bool; 3]>(), 0u64..5), 0..25),
                ),
                1..12,
            ),
        ) {
            let mut choker = Choker::new(slots, Rng::new(seed));
            for (tick, (seeding, peers)) in (0..).zip(rounds) {
                let peers: BTreeMap<u64, Candidate> = peers
                    .into_iter()
                    .map(|(k, [interested, unchoked, snubbed], n)| {
                        let c = Candidate { interested, unchoked, snubbed, received: n, ..peer(k) };
                        (k, Candidate { sent: n, sent_total: n * tick, ..c })
                    })
                    .collect();
                let list: Vec<_> = peers.values().copied().collect();
                let out = choker.round(at(tick * 10), seeding, &list);
                let wanting = list.iter().filter(|c| c.interested).count();
                prop_assert_eq!(out.len(), wanting.min(slots as usize));
                prop_assert_eq!(out.iter().collect::<BTreeSet<_>>().len(), out.len());
                prop_assert!(out.iter().all(|p| peers[&p.0].interested));
            }
        }
    }
}

//! Who sent a bad block.
//!
//! When a piece fails and one peer sent all of it, that peer is guilty at once. When several did,
//! the SHA-1 of every block is kept by sender; once the piece passes, senders whose blocks differ
//! from the good ones are guilty and the others are cleared. SHA-1 because a liar must not be able
//! to find a bad block that looks like the good one (a second preimage).
//!
//! Blocks are not digested as they come in, that would double the work of hashing. After a first
//! failure the bytes are on disk, so the driver reads the piece back before it is asked for again
//! ([`Blame::wants_read_back`], [`Blame::read_back`]); while a piece is under investigation its
//! blocks are digested on arrival. Deliberately absent: banning (the torrent's matter), reading.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sha1::{Digest, Sha1};

use super::lazy::Part;
use crate::base::{PeerKey, PieceIndex};

type Sender = (PeerKey, IpAddr);
type BlockDigest = [u8; 20];

/// Blocks of failed attempts remembered for one piece: a swarm of liars must not fill the memory.
/// The largest piece accepted has 32768 blocks.
const MAX_EVIDENCE: usize = 1 << 17;

/// The result of a failed or passed piece. Each list is sorted and without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Proven to have sent bad data.
    pub guilty: Vec<(PeerKey, IpAddr)>,
    /// Took part in a piece that failed, not proven: fetch from them alone (parole).
    pub suspects: Vec<(PeerKey, IpAddr)>,
    /// No longer suspected.
    pub cleared: Vec<(PeerKey, IpAddr)>,
}

/// Records of senders.
#[derive(Debug, Default)]
pub struct Blame {
    pieces: BTreeMap<PieceIndex, Record>,
    /// Everybody reported as a suspect and neither cleared nor found guilty since.
    suspects: BTreeSet<Sender>,
}

#[derive(Debug, Default)]
struct Record {
    /// This attempt: who sent the block at this offset, and its digest while investigating.
    current: BTreeMap<u32, (Sender, Option<BlockDigest>)>,
    /// Earlier attempts: offset, who, digest once known.
    evidence: Vec<(u32, Sender, Option<BlockDigest>)>,
}

impl Record {
    fn senders(&self) -> BTreeSet<Sender> {
        self.current.values().map(|(sender, _)| *sender).collect()
    }
}

impl Part for Blame {
    const BLANK: &'static Self = &Self { pieces: BTreeMap::new(), suspects: BTreeSet::new() };

    fn fresh() -> Self {
        Self::default()
    }

    fn is_blank(&self) -> bool {
        self.pieces.is_empty() && self.suspects.is_empty()
    }
}

impl Blame {
    /// A block was taken from a peer; `data` is digested only when the piece failed before. A
    /// block taken again (its write failed) replaces the former.
    pub fn block(&mut self, piece: PieceIndex, begin: u32, peer: PeerKey, ip: IpAddr, data: &[u8]) {
        let record = self.pieces.entry(piece).or_default();
        let digest = (!record.evidence.is_empty()).then(|| digest(data));
        record.current.insert(begin, ((peer, ip), digest));
    }

    /// The piece, which has `blocks` blocks, failed. A single sender of all blocks is guilty; of
    /// several, all are suspects. What was known before a restart has no sender: then nobody is
    /// guilty yet.
    pub fn failed(&mut self, piece: PieceIndex, blocks: u32) -> Verdict {
        let Some(record) = self.pieces.get_mut(&piece) else { return Verdict::default() };
        let senders = record.senders();
        let complete = u32::try_from(record.current.len()).is_ok_and(|n| n >= blocks);
        let mut verdict = Verdict::default();
        if complete && senders.len() == 1 {
            // Proven, so this attempt tells nothing more; earlier evidence stays.
            record.current.clear();
            verdict.guilty = senders.into_iter().collect();
            for guilty in &verdict.guilty {
                self.suspects.remove(guilty);
            }
        } else {
            let taken = core::mem::take(&mut record.current);
            record.evidence.extend(taken.into_iter().map(|(begin, (who, d))| (begin, who, d)));
            let excess = record.evidence.len().saturating_sub(MAX_EVIDENCE);
            record.evidence.drain(..excess);
            self.suspects.extend(&senders);
            verdict.suspects = senders.into_iter().collect();
        }
        if self.pieces.get(&piece).is_some_and(|r| r.evidence.is_empty()) {
            self.pieces.remove(&piece);
        }
        verdict
    }

    /// Whether the bytes of the failed attempt are needed: read the piece back and hand each block
    /// to [`Blame::read_back`] before the piece is asked for again. When that is impossible, go
    /// on without: that attempt's senders will be cleared for lack of proof.
    #[must_use]
    pub fn wants_read_back(&self, piece: PieceIndex) -> bool {
        self.pieces.get(&piece).is_some_and(|r| r.evidence.iter().any(|(.., d)| d.is_none()))
    }

    /// The bytes of the block at `begin` as the failed attempt left them on disk.
    pub fn read_back(&mut self, piece: PieceIndex, begin: u32, data: &[u8]) {
        let Some(record) = self.pieces.get_mut(&piece) else { return };
        let mut known = None;
        for (at, _, slot) in &mut record.evidence {
            if *at == begin && slot.is_none() {
                *slot = Some(*known.get_or_insert_with(|| digest(data)));
            }
        }
    }

    /// The piece passed: senders of blocks that differ from the good ones are guilty. Cleared is
    /// who was suspected because of this piece and of no other one, and a suspect that sent the
    /// whole piece alone.
    pub fn passed(&mut self, piece: PieceIndex) -> Verdict {
        let Some(record) = self.pieces.remove(&piece) else { return Verdict::default() };
        let mut involved = BTreeSet::new();
        let mut guilty = BTreeSet::new();
        for (begin, sender, was) in &record.evidence {
            involved.insert(*sender);
            let good = record.current.get(begin).and_then(|(_, digest)| *digest);
            if let (Some(was), Some(good)) = (was, good)
                && *was != good
            {
                guilty.insert(*sender);
            }
        }
        let senders = record.senders();
        let alone = if senders.len() == 1 { senders } else { BTreeSet::new() };
        let elsewhere: BTreeSet<Sender> =
            self.pieces.values().flat_map(|r| r.evidence.iter().map(|(_, s, _)| *s)).collect();
        let mut verdict = Verdict::default();
        for sender in involved.difference(&guilty).filter(|s| !elsewhere.contains(s)) {
            if self.suspects.remove(sender) {
                verdict.cleared.push(*sender);
            }
        }
        for sender in alone.difference(&guilty) {
            if self.suspects.remove(sender) {
                verdict.cleared.push(*sender);
            }
        }
        verdict.cleared.sort_unstable();
        self.suspects.retain(|s| !guilty.contains(s));
        verdict.guilty = guilty.into_iter().collect();
        verdict
    }

    /// Senders of the piece in the present attempt so far.
    #[must_use]
    pub fn senders(&self, piece: PieceIndex) -> Vec<(PeerKey, IpAddr)> {
        self.pieces.get(&piece).map(|r| r.senders().into_iter().collect()).unwrap_or_default()
    }

    /// Drops what is known of a piece (the host skipped it). Who is suspected because of it stays
    /// so until it sends a good piece alone.
    pub fn forget(&mut self, piece: PieceIndex) {
        self.pieces.remove(&piece);
    }
}

fn digest(data: &[u8]) -> BlockDigest {
    Sha1::digest(data).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const P: PieceIndex = PieceIndex(7);

    fn who(n: u8) -> Sender {
        (PeerKey(u64::from(n)), IpAddr::from([10, 0, 0, n]))
    }

    fn send(blame: &mut Blame, begin: u32, n: u8, data: &[u8]) {
        blame.block(P, begin, who(n).0, who(n).1, data);
    }

    #[test]
    fn a_single_sender_is_guilty_at_once() {
        let mut blame = Blame::default();
        send(&mut blame, 0, 1, b"x");
        send(&mut blame, 16, 1, b"y");
        assert_eq!(blame.senders(P), [who(1)]);
        assert_eq!(blame.failed(P, 2).guilty, [who(1)]);
        assert!(blame.pieces.is_empty() && !blame.wants_read_back(P));
    }

    #[test]
    fn a_single_sender_of_a_part_is_only_suspected() {
        let mut blame = Blame::default();
        send(&mut blame, 0, 1, b"x");
        let verdict = blame.failed(P, 2);
        assert_eq!((verdict.guilty.len(), verdict.suspects), (0, vec![who(1)]));
    }

    #[test]
    fn the_liar_is_found_after_the_piece_passed() {
        let mut blame = Blame::default();
        send(&mut blame, 0, 1, b"good0");
        send(&mut blame, 16, 2, b"bad");
        assert_eq!(blame.failed(P, 2).suspects, [who(1), who(2)]);
        assert!(blame.wants_read_back(P));
        blame.read_back(P, 0, b"good0");
        blame.read_back(P, 16, b"bad");
        assert!(!blame.wants_read_back(P));
        send(&mut blame, 0, 3, b"good0");
        send(&mut blame, 16, 3, b"good1");
        let verdict = blame.passed(P);
        assert_eq!((verdict.guilty, verdict.cleared), (vec![who(2)], vec![who(1)]));
        assert!(blame.suspects.is_empty() && blame.pieces.is_empty());
    }

    #[test]
    fn suspicion_from_another_piece_outlasts_this_one() {
        let mut blame = Blame::default();
        for piece in [P, PieceIndex(8)] {
            blame.block(piece, 0, who(1).0, who(1).1, b"a");
            blame.block(piece, 16, who(2).0, who(2).1, b"b");
            blame.failed(piece, 2);
        }
        assert_eq!(blame.passed(P), Verdict::default());
        assert_eq!(blame.passed(PieceIndex(8)).cleared, [who(1), who(2)]);
    }

    #[test]
    fn a_suspect_is_cleared_by_a_good_piece_of_its_own() {
        let mut blame = Blame::default();
        send(&mut blame, 0, 1, b"a");
        send(&mut blame, 16, 2, b"b");
        blame.failed(P, 2);
        blame.block(PieceIndex(1), 0, who(1).0, who(1).1, b"c");
        assert_eq!(blame.passed(PieceIndex(1)).cleared, [who(1)]);
        blame.forget(P);
        assert_eq!(blame.passed(P), Verdict::default());
    }

    proptest! {
        /// Whatever the senders, honest ones are never guilty, and each liar of a failed attempt
        /// is found by the time the piece passes.
        #[test]
        fn liars_and_only_liars_are_guilty(
            liars in prop::collection::btree_set(0u8..6, 0..4),
            attempts in prop::collection::vec(prop::collection::vec(0u8..6, 8), 1..6),
        ) {
            let mut blame = Blame::default();
            let mut guilty = BTreeSet::new();
            let mut lied = BTreeSet::new();
            for (round, senders) in attempts.iter().enumerate() {
                let mut disk = Vec::new();
                let mut bad = false;
                for (block, n) in (0u32..).zip(senders) {
                    let lies = liars.contains(n);
                    let text = if lies { format!("lie {round}") } else { format!("good {block}") };
                    bad |= lies;
                    if lies { lied.insert(who(*n)); }
                    send(&mut blame, block * 16, *n, text.as_bytes());
                    disk.push(text);
                }
                if !bad { break; }
                let verdict = blame.failed(P, 8);
                guilty.extend(verdict.guilty);
                if blame.wants_read_back(P) {
                    for (block, text) in (0u32..).zip(&disk) {
                        blame.read_back(P, block * 16, text.as_bytes());
                    }
                }
                prop_assert!(!blame.wants_read_back(P));
            }
            for block in 0..8u32 {
                send(&mut blame, block * 16, 9, format!("good {block}").as_bytes());
            }
            let verdict = blame.passed(P);
            prop_assert!(verdict.cleared.iter().all(|s| !lied.contains(s)));
            guilty.extend(verdict.guilty);
            prop_assert_eq!(guilty, lied);
        }
    }
}

//! The choice itself.
//!
//! By priority; within one, pieces in progress before untouched ones (a complete piece can be
//! shared, two halves cannot), the rarest first, by lot among equals. Only when nothing of that is
//! left: pieces kept for others, then, in endgame, blocks that are in flight elsewhere. What to
//! take is collected first and requested afterwards. Deliberately absent: keeping the books.

use core::cmp::Reverse;
use std::collections::BTreeSet;

use super::index::Index;
use super::partial::{Block, Partial};
use super::{PickMode, Picker};
use crate::base::{Bitset, BlockSpan, PeerKey, PieceIndex};

/// Pieces in progress beyond this and one and a half for each peer: whole pieces are no longer
/// preferred, what is begun comes first.
const PARTIALS_FREE: usize = 8;
/// Untouched pieces looked at before the peer's own, smaller set is looked through instead.
const SCAN_FREE: usize = 512;

/// One call of `pick`.
struct Ask<'a> {
    peer: PeerKey,
    has: &'a Bitset,
    mode: PickMode<'a>,
    left: usize,
    out: &'a mut Vec<BlockSpan>,
}

impl Ask<'_> {
    fn may(&self, piece: u32) -> bool {
        self.has.get(piece) && self.mode.only.is_none_or(|only| only.contains(&PieceIndex(piece)))
    }
}

/// Pieces to take, and how many blocks they are good for.
struct Basket {
    pieces: Vec<u32>,
    room: usize,
}

impl Basket {
    fn new(room: usize) -> Self {
        Self { pieces: Vec::new(), room }
    }

    fn put(&mut self, piece: u32, blocks: u32) {
        if self.room > 0 {
            self.pieces.push(piece);
            self.room = self.room.saturating_sub(blocks as usize);
        }
    }

    fn is_full(&self) -> bool {
        self.room == 0
    }
}

/// What a piece in progress is to a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody else worked on it.
    Own,
    Shared,
    /// For when there is nothing else: kept for a peer on parole, or it is shared and this peer
    /// is on parole.
    LastResort,
}

fn standing(partial: &Partial, peer: PeerKey, exclusive: bool) -> Standing {
    if partial.only(peer) {
        Standing::Own
    } else if exclusive || partial.reserved(peer) {
        Standing::LastResort
    } else {
        Standing::Shared
    }
}

impl Picker {
    /// Appends up to `count` blocks for `peer` and notes them as requested from it. In endgame
    /// (every wanted block is requested or received) blocks in flight elsewhere are given out
    /// again, never twice to one peer.
    pub fn pick(
        &mut self,
        peer: PeerKey,
        has: &Bitset,
        count: usize,
        mode: PickMode<'_>,
        out: &mut Vec<BlockSpan>,
    ) {
        if count == 0 || self.wanted.none() {
            return;
        }
        let mut ask = Ask { peer, has, mode, left: count, out };
        if self.untouched > 0 || !self.open.is_empty() {
            if mode.only.is_some() {
                self.pick_listed(&mut ask);
            } else {
                self.pick_by_priority(&mut ask);
            }
            if ask.left > 0 && !mode.spare {
                self.pick_last_resort(&mut ask);
            }
        }
        if ask.left > 0 && !mode.exclusive && !mode.spare && self.in_endgame() {
            self.pick_again(&mut ask);
        }
    }

    fn pick_by_priority(&mut self, ask: &mut Ask<'_>) {
        let limit = PARTIALS_FREE + self.peers + self.peers / 2;
        let whole = ask.mode.whole_pieces && self.partials.len() <= limit;
        for priority in (1..=7u8).rev() {
            if self.wanted_by_priority[usize::from(priority)] == 0 {
                continue;
            }
            if self.sequential {
                let basket = self.next_in_order(ask, priority);
                self.take_all(ask, basket);
            } else if whole || ask.mode.exclusive {
                self.take_open(ask, priority, |s| s == Standing::Own);
                self.take_untouched(ask, priority);
                self.take_open(ask, priority, |s| s == Standing::Shared);
            } else {
                self.take_open(ask, priority, |s| s != Standing::LastResort);
                self.take_untouched(ask, priority);
            }
            if ask.left == 0 {
                return;
            }
        }
    }

    fn take_open(&mut self, ask: &mut Ask<'_>, priority: u8, wanted: impl Fn(Standing) -> bool) {
        if ask.left == 0 {
            return;
        }
        let mut basket = Basket::new(ask.left);
        let level = (7 - priority, 0, 0)..(8 - priority, 0, 0);
        let eligible = self.open.range(level).filter_map(|&(_, copies, piece)| {
            let partial = self.partials.get(&piece).filter(|_| ask.may(piece))?;
            let standing = standing(partial, ask.peer, ask.mode.exclusive);
            let left = ask.mode.spare && copies > 0 && standing != Standing::Own;
            (wanted(standing) && !left).then(|| (copies, piece, partial.missing()))
        });
        if ask.mode.suggested.is_empty() {
            for (_, piece, missing) in eligible {
                basket.put(piece, missing);
                if basket.is_full() {
                    break;
                }
            }
        } else {
            let mut all: Vec<_> = eligible.collect();
            let suggested = |piece: u32| ask.mode.suggested.contains(&PieceIndex(piece));
            all.sort_by_key(|&(copies, piece, _)| (copies, !suggested(piece)));
            all.into_iter().for_each(|(_, piece, missing)| basket.put(piece, missing));
        }
        self.take_all(ask, basket);
    }

    fn take_untouched(&mut self, ask: &mut Ask<'_>, priority: u8) {
        if ask.left == 0 || self.untouched == 0 {
            return;
        }
        if self.index.is_none() {
            let mut rng = self.rng.fork();
            let listed = self.wanted.iter().filter(|piece| !self.partials.contains_key(piece));
            let listed = listed.map(|p| (p, self.priority(PieceIndex(p)), self.copies(p)));
            let count = self.geometry.piece_count();
            self.index = Some(Box::new(Index::build(count, listed, &mut rng)));
        }
        let basket = match self.scan_buckets(ask, priority) {
            Some(basket) => basket,
            None => self.scan_peer(ask, priority),
        };
        self.take_all(ask, basket);
    }

    /// Walks the buckets, each from a random place on. `None` when that becomes longer than
    /// looking through what the peer has.
    fn scan_buckets(&mut self, ask: &Ask<'_>, priority: u8) -> Option<Basket> {
        let mut basket = Basket::new(ask.left);
        let mut budget = SCAN_FREE + ask.has.count() as usize / 4;
        let Some(index) = &self.index else { return Some(basket) };
        for (copies, bucket) in index.buckets(priority) {
            if bucket.is_empty() || (copies == 0 && self.seeds == 0) {
                continue;
            }
            if copies > 0 && ask.mode.spare {
                break;
            }
            let start = self.rng.index(bucket.len());
            let suggested = |piece: u32| ask.mode.suggested.contains(&PieceIndex(piece));
            for &PieceIndex(piece) in ask.mode.suggested {
                let here = self.copies(piece) == copies
                    && self.priority(PieceIndex(piece)) == priority
                    && index.contains(piece);
                if here && ask.has.get(piece) && !basket.pieces.contains(&piece) {
                    basket.put(piece, self.geometry.block_count(PieceIndex(piece)));
                }
            }
            for &piece in bucket[start..].iter().chain(&bucket[..start]) {
                if basket.is_full() {
                    return Some(basket);
                }
                budget = budget.checked_sub(1)?;
                if ask.has.get(piece) && !suggested(piece) {
                    basket.put(piece, self.geometry.block_count(PieceIndex(piece)));
                }
            }
        }
        Some(basket)
    }

    /// Looks through what the peer has, which is little compared with what we want.
    fn scan_peer(&mut self, ask: &Ask<'_>, priority: u8) -> Basket {
        let mut basket = Basket::new(ask.left);
        let mut found = Vec::new();
        for piece in common(ask.has, &self.wanted) {
            let at = PieceIndex(piece);
            if ask.mode.spare && self.copies(piece) > 0 {
                continue;
            }
            if self.priority(at) == priority && !self.partials.contains_key(&piece) {
                let lot = self.rng.next_u64();
                found.push((self.copies(piece), !ask.mode.suggested.contains(&at), lot, piece));
            }
        }
        if found.len() > ask.left {
            found.select_nth_unstable(ask.left);
            found.truncate(ask.left);
        }
        found.sort_unstable();
        for (.., piece) in found {
            basket.put(piece, self.geometry.block_count(PieceIndex(piece)));
        }
        basket
    }

    fn next_in_order(&self, ask: &Ask<'_>, priority: u8) -> Basket {
        let mut basket = Basket::new(ask.left);
        for piece in common(ask.has, &self.wanted) {
            if basket.is_full() {
                break;
            }
            let left = ask.mode.spare && self.copies(piece) > 0;
            if self.priority(PieceIndex(piece)) != priority || left {
                continue;
            }
            match self.partials.get(&piece) {
                None => basket.put(piece, self.geometry.block_count(PieceIndex(piece))),
                Some(p) if p.missing() == 0 => {}
                Some(p) => {
                    if standing(p, ask.peer, ask.mode.exclusive) != Standing::LastResort {
                        basket.put(piece, p.missing());
                    }
                }
            }
        }
        basket
    }

    /// From the few pieces a choking peer allows.
    fn pick_listed(&mut self, ask: &mut Ask<'_>) {
        let mut found = BTreeSet::new();
        for &at in ask.mode.only.unwrap_or_default() {
            let piece = at.0;
            if !ask.has.get(piece) || !self.wanted.get(piece) {
                continue;
            }
            let prefer_own = ask.mode.whole_pieces || ask.mode.exclusive;
            let class = match self.partials.get(&piece) {
                None => 1,
                Some(p) if p.missing() == 0 => continue,
                Some(p) => match standing(p, ask.peer, ask.mode.exclusive) {
                    Standing::LastResort => continue,
                    Standing::Shared if prefer_own => 2,
                    _ => 0,
                },
            };
            let (inverse, copies, _) = self.key(piece);
            let order = if self.sequential { (0, 0) } else { (class, copies) };
            found.insert((inverse, order, !ask.mode.suggested.contains(&at), piece));
        }
        let pieces = found.into_iter().map(|(.., piece)| piece);
        let pieces = if self.sequential { sorted(self, pieces) } else { pieces.collect() };
        self.take_all(ask, Basket { pieces, room: 0 });
    }

    /// Pieces in progress that were passed over for the sake of parole.
    fn pick_last_resort(&mut self, ask: &mut Ask<'_>) {
        let pieces: Vec<u32> =
            self.open.iter().map(|(.., piece)| *piece).filter(|piece| ask.may(*piece)).collect();
        self.take_all(ask, Basket { pieces, room: 0 });
    }

    /// Endgame: what is in flight elsewhere, where the fewest are at it already and the oldest
    /// request first.
    fn pick_again(&mut self, ask: &mut Ask<'_>) {
        let mut found = Vec::new();
        for (&piece, partial) in &self.partials {
            if partial.requested() == 0 || !self.wanted.get(piece) || !ask.may(piece) {
                continue;
            }
            for (block, state) in partial.blocks() {
                if let Block::Requested(_, serial) = state
                    && !partial.asked(block, ask.peer)
                {
                    // Serials wrap: what matters is the age.
                    let age = Reverse(self.serial.wrapping_sub(serial));
                    found.push((partial.doubled(block), age, piece, block));
                }
            }
        }
        if found.len() > ask.left {
            found.select_nth_unstable(ask.left);
            found.truncate(ask.left);
        }
        found.sort_unstable();
        for (_, _, piece, block) in found {
            self.request(ask, piece, block);
        }
    }

    fn take_all(&mut self, ask: &mut Ask<'_>, basket: Basket) {
        for piece in basket.pieces {
            if ask.left == 0 {
                return;
            }
            self.begin(piece);
            let Some(partial) = self.partials.get_mut(&piece) else { continue };
            if ask.mode.exclusive && partial.only(ask.peer) {
                partial.owner = Some(ask.peer);
            }
            let missing = partial.blocks().filter(|(_, state)| *state == Block::Missing);
            let blocks: Vec<u32> = missing.map(|(block, _)| block).take(ask.left).collect();
            for block in blocks {
                self.request(ask, piece, block);
            }
        }
    }

    fn request(&mut self, ask: &mut Ask<'_>, piece: u32, block: u32) {
        let Some(span) = self.geometry.block(PieceIndex(piece), block) else { return };
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        self.with_partial(piece, |partial| partial.request(block, ask.peer, serial));
        ask.out.push(span);
        ask.left -= 1;
    }
}

/// By priority, then by index.
fn sorted(picker: &Picker, pieces: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut pieces: Vec<u32> = pieces.collect();
    pieces.sort_by_key(|piece| (Reverse(picker.priority(PieceIndex(*piece))), *piece));
    pieces
}

/// Members of both sets in increasing order.
fn common<'a>(a: &'a Bitset, b: &'a Bitset) -> impl Iterator<Item = u32> + 'a {
    let bytes = a.as_bytes().iter().zip(b.as_bytes()).map(|(a, b)| a & b);
    (0u32..).step_by(8).zip(bytes).filter(|(_, byte)| *byte != 0).flat_map(|(base, byte)| {
        (0..8).filter(move |bit| byte & (0x80 >> bit) != 0).map(move |bit| base + bit)
    })
}

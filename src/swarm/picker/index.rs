//! Untouched wanted pieces in order of priority and rarity.
//!
//! One array for each priority; inside it the pieces lie in buckets by availability, and `ends`
//! says where each bucket stops. A piece gained or lost by a peer moves to the neighbouring bucket
//! by one swap; a piece that comes or goes ripples one element through each later bucket. Order
//! inside a bucket means nothing. Deliberately absent: who has what, pieces in progress.

use crate::base::Rng;

/// Priorities 1..=7.
const LEVELS: usize = 7;
const NOWHERE: u32 = u32::MAX;

#[derive(Debug, Default)]
struct Level {
    order: Vec<u32>,
    /// `ends[a]` is where the bucket of availability `a` stops in `order`.
    ends: Vec<u32>,
}

impl Level {
    fn start(&self, bucket: usize) -> u32 {
        bucket.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn grow(&mut self, bucket: usize) {
        let end = self.ends.last().copied().unwrap_or(0);
        if self.ends.len() <= bucket {
            self.ends.resize(bucket + 1, end);
        }
    }
}

/// The buckets, and where in them each piece is.
#[derive(Debug)]
pub(super) struct Index {
    /// Position of each piece in its level's `order`.
    pos: Vec<u32>,
    levels: [Level; LEVELS],
}

impl Index {
    /// Of `pieces` (index, priority 1..=7, availability), in random order within each bucket.
    pub(super) fn build(
        piece_count: u32,
        pieces: impl Iterator<Item = (u32, u8, u16)>,
        rng: &mut Rng,
    ) -> Self {
        let mut index =
            Self { pos: vec![NOWHERE; piece_count as usize], levels: Default::default() };
        let mut all: Vec<(u8, u16, u32)> = pieces.map(|(piece, p, a)| (p, a, piece)).collect();
        rng.shuffle(&mut all);
        all.sort_by_key(|(priority, availability, _)| (*priority, *availability));
        for (priority, availability, piece) in all {
            let level = &mut index.levels[level_of(priority)];
            level.grow(usize::from(availability));
            index.pos[piece as usize] = len32(&level.order);
            level.order.push(piece);
            if let Some(end) = level.ends.last_mut() {
                *end += 1;
            }
        }
        index
    }

    pub(super) fn contains(&self, piece: u32) -> bool {
        self.pos.get(piece as usize).is_some_and(|pos| *pos != NOWHERE)
    }

    /// The pieces of one priority, the rarest bucket first, buckets as slices.
    pub(super) fn buckets(&self, priority: u8) -> impl Iterator<Item = (u16, &[u32])> {
        let level = &self.levels[level_of(priority)];
        (0u16..).zip(0..level.ends.len()).map(|(availability, bucket)| {
            let (start, end) = (level.start(bucket) as usize, level.ends[bucket] as usize);
            (availability, &level.order[start..end])
        })
    }

    pub(super) fn insert(&mut self, piece: u32, priority: u8, availability: u16) {
        let bucket = usize::from(availability);
        let level = &mut self.levels[level_of(priority)];
        level.grow(bucket);
        level.order.push(piece);
        let mut hole = len32(&level.order) - 1;
        for later in (bucket + 1..level.ends.len()).rev() {
            let first = level.start(later);
            // In an empty bucket they are the same place, and what lies there is out of date.
            if first != hole {
                let moved = level.order[first as usize];
                place(level, &mut self.pos, moved, hole);
            }
            level.ends[later] += 1;
            hole = first;
        }
        level.ends[bucket] += 1;
        place(level, &mut self.pos, piece, hole);
    }

    pub(super) fn remove(&mut self, piece: u32, priority: u8, availability: u16) {
        let level = &mut self.levels[level_of(priority)];
        let mut hole = self.pos[piece as usize];
        for bucket in usize::from(availability)..level.ends.len() {
            // The last of the bucket fills the hole; where it was is the first of the next one.
            level.ends[bucket] -= 1;
            let last = level.ends[bucket];
            if last != hole {
                let moved = level.order[last as usize];
                place(level, &mut self.pos, moved, hole);
            }
            hole = last;
        }
        level.order.pop();
        self.pos[piece as usize] = NOWHERE;
    }

    /// One peer more has the piece, which was in bucket `availability`.
    pub(super) fn promote(&mut self, piece: u32, priority: u8, availability: u16) {
        let bucket = usize::from(availability);
        let level = &mut self.levels[level_of(priority)];
        level.grow(bucket + 1);
        level.ends[bucket] -= 1;
        let border = level.ends[bucket];
        swap(level, &mut self.pos, piece, border);
    }

    /// One peer less has the piece, which was in bucket `availability` (positive).
    pub(super) fn demote(&mut self, piece: u32, priority: u8, availability: u16) {
        let bucket = usize::from(availability);
        let level = &mut self.levels[level_of(priority)];
        let border = level.start(bucket);
        level.ends[bucket - 1] += 1;
        swap(level, &mut self.pos, piece, border);
    }

    /// Every piece gained one copy: all buckets move up.
    pub(super) fn raise_all(&mut self) {
        for level in &mut self.levels {
            level.ends.insert(0, 0);
        }
    }

    /// Every piece lost one copy (none had 0): all buckets move down.
    pub(super) fn lower_all(&mut self) {
        for level in &mut self.levels {
            if !level.ends.is_empty() {
                level.ends.remove(0);
            }
        }
    }

    /// Panics when the position of a piece or the bounds of a bucket are wrong. Returns how many
    /// pieces there are.
    pub(super) fn check(&self, truth: impl Fn(u32) -> (u8, u16)) -> usize {
        let mut seen = 0;
        for priority in 1..=7 {
            let mut position = 0;
            for (availability, bucket) in self.buckets(priority) {
                for piece in bucket {
                    assert_eq!(self.pos[*piece as usize], position, "position of {piece}");
                    assert_eq!(truth(*piece), (priority, availability), "bucket of {piece}");
                    position += 1;
                    seen += 1;
                }
            }
            assert_eq!(len32(&self.levels[level_of(priority)].order), position, "last bucket");
        }
        assert_eq!(self.pos.iter().filter(|pos| **pos != NOWHERE).count(), seen, "positions");
        seen
    }
}

fn level_of(priority: u8) -> usize {
    usize::from(priority.clamp(1, 7)) - 1
}

/// The number of pieces fits `u32`.
fn len32(order: &[u32]) -> u32 {
    u32::try_from(order.len()).unwrap_or(u32::MAX)
}

fn place(level: &mut Level, pos: &mut [u32], piece: u32, at: u32) {
    level.order[at as usize] = piece;
    pos[piece as usize] = at;
}

fn swap(level: &mut Level, pos: &mut [u32], piece: u32, with: u32) {
    let from = pos[piece as usize];
    let other = level.order[with as usize];
    place(level, pos, other, from);
    place(level, pos, piece, with);
}

//! Messages that are there whole, each in consecutive parts.

use core::cmp::Reverse;

use super::lanes::{BLOCK, State};
use super::plan::Plan;
use super::schedule::{Feed, Scheduler};
use super::tail::Tail;

/// The state of each message after its padding.
pub(super) fn states(plan: Plan, init: State, messages: &[&[&[u8]]]) -> Vec<State> {
    let mut states = vec![init; messages.len()];
    let mut cursors: Vec<Cursor<'_>> = messages.iter().map(|parts| Cursor::new(parts)).collect();
    let mut order: Vec<usize> = (0..messages.len()).collect();
    let length = |i: &usize| Reverse(cursors.get(*i).map_or(0, |c| c.total));
    if !order.is_sorted_by_key(length) {
        order.sort_unstable_by_key(length);
    }
    Scheduler::new(plan).run(&mut Whole(&mut cursors), &mut states, order.into_iter());
    states
}

/// A place in a message.
#[derive(Debug)]
struct Cursor<'a> {
    parts: &'a [&'a [u8]],
    /// Bytes used of the first of `parts`.
    used: usize,
    /// Bytes of all parts.
    total: u64,
    tail: Tail,
    padded: bool,
}

impl<'a> Cursor<'a> {
    fn new(parts: &'a [&'a [u8]]) -> Self {
        let total = parts.iter().map(|part| part.len() as u64).sum();
        let mut cursor = Self { parts, used: 0, total, tail: Tail::new(), padded: false };
        cursor.prepare();
        cursor
    }

    /// Goes on until there are blocks to give, or nothing at all: blocks that lie across parts are
    /// put together, and the end is padded.
    fn prepare(&mut self) {
        while self.tail.blocks().is_empty() {
            let Some((part, later)) = self.parts.split_first() else {
                if !self.padded {
                    self.padded = true;
                    self.tail.pad(self.total);
                }
                return;
            };
            let rest = part.get(self.used..).unwrap_or_default();
            if self.tail.is_empty() && rest.len() >= BLOCK {
                return;
            }
            self.used += self.tail.fill(rest);
            if self.used >= part.len() {
                (self.parts, self.used) = (later, 0);
            }
        }
    }

    #[inline]
    fn blocks(&self) -> &[u8] {
        let ready = self.tail.blocks();
        if !ready.is_empty() {
            return ready;
        }
        let rest = self.parts.first().and_then(|part| part.get(self.used..)).unwrap_or_default();
        rest.get(..rest.len() / BLOCK * BLOCK).unwrap_or_default()
    }

    #[inline]
    fn consume(&mut self, bytes: usize) {
        if self.tail.blocks().is_empty() {
            self.used += bytes;
        } else {
            self.tail.consume(bytes);
        }
        if self.blocks().is_empty() {
            self.prepare();
        }
    }
}

struct Whole<'a, 'b>(&'a mut [Cursor<'b>]);

impl Feed for Whole<'_, '_> {
    #[inline]
    fn blocks(&self, stream: usize) -> &[u8] {
        self.0.get(stream).map_or(&[], Cursor::blocks)
    }

    #[inline]
    fn consume(&mut self, stream: usize, bytes: usize) {
        if let Some(cursor) = self.0.get_mut(stream) {
            cursor.consume(bytes);
        }
    }
}

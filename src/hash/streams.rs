//! Streams whose bytes arrive bit by bit.

use core::cmp::Reverse;

use super::lanes::{BLOCK, State};
use super::plan::Plan;
use super::schedule::{Feed, Scheduler};
use super::tail::Tail;

/// Streams of one algorithm. Everything is kept from use to use, so that in steady state nothing
/// is allocated but what [`Self::finish`] gives back.
#[derive(Debug)]
pub(super) struct Streams {
    scheduler: Scheduler,
    init: State,
    states: Vec<State>,
    tails: Vec<Tail>,
    /// Bytes of each stream so far.
    totals: Vec<u64>,
    /// Bytes used of each stream's present input.
    used: Vec<usize>,
    order: Vec<usize>,
}

impl Streams {
    /// No streams yet.
    pub(super) fn new(plan: Plan, init: State) -> Self {
        Self {
            scheduler: Scheduler::new(plan),
            init,
            states: Vec::new(),
            tails: Vec::new(),
            totals: Vec::new(),
            used: Vec::new(),
            order: Vec::new(),
        }
    }

    /// How many streams keep the processor fully busy.
    pub(super) fn lanes(&self) -> usize {
        self.scheduler.lanes()
    }

    /// How many streams are worth waiting for.
    pub(super) fn company(&self) -> usize {
        self.scheduler.company()
    }

    /// Starts so many streams and forgets all earlier ones.
    pub(super) fn begin(&mut self, count: usize) {
        self.states.clear();
        self.states.resize(count, self.init);
        self.tails.clear();
        self.tails.resize(count, Tail::new());
        self.totals.clear();
        self.totals.resize(count, 0);
        self.used.clear();
        self.used.resize(count, 0);
    }

    /// Appends `inputs[i]` to stream `i`.
    pub(super) fn update(&mut self, inputs: &[&[u8]]) {
        let places = self.totals.iter_mut().zip(&mut self.tails).zip(&mut self.used);
        for (((total, tail), used), input) in places.zip(inputs) {
            *total = total.wrapping_add(input.len() as u64);
            *used = if tail.is_empty() { 0 } else { tail.fill(input) };
        }
        self.order.clear();
        self.order.extend(0..inputs.len().min(self.states.len()));
        let length = |i: &usize| Reverse(inputs.get(*i).map_or(0, |input| input.len()));
        if !self.order.is_sorted_by_key(length) {
            self.order.sort_unstable_by_key(length);
        }
        let mut feed = Arriving { inputs, tails: &mut self.tails, used: &mut self.used };
        self.scheduler.run(&mut feed, &mut self.states, self.order.iter().copied());
        for ((tail, used), input) in self.tails.iter_mut().zip(&self.used).zip(inputs) {
            tail.fill(input.get(*used..).unwrap_or_default());
        }
    }

    /// Ends all streams: their states, which stay until [`Self::begin`].
    pub(super) fn finish(&mut self) -> &[State] {
        for (tail, total) in self.tails.iter_mut().zip(&self.totals) {
            tail.pad(*total);
        }
        let count = self.states.len();
        self.scheduler.run(&mut Padding { tails: &mut self.tails }, &mut self.states, 0..count);
        &self.states
    }
}

/// The tails that were filled up, then the whole blocks of the inputs.
struct Arriving<'a> {
    inputs: &'a [&'a [u8]],
    tails: &'a mut [Tail],
    used: &'a mut [usize],
}

impl Feed for Arriving<'_> {
    #[inline]
    fn blocks(&self, stream: usize) -> &[u8] {
        let (Some(tail), Some(input), Some(used)) =
            (self.tails.get(stream), self.inputs.get(stream), self.used.get(stream))
        else {
            return &[];
        };
        if !tail.blocks().is_empty() {
            return tail.blocks();
        }
        let rest = input.get(*used..).unwrap_or_default();
        rest.get(..rest.len() / BLOCK * BLOCK).unwrap_or_default()
    }

    #[inline]
    fn consume(&mut self, stream: usize, bytes: usize) {
        let (Some(tail), Some(used)) = (self.tails.get_mut(stream), self.used.get_mut(stream))
        else {
            return;
        };
        if tail.blocks().is_empty() {
            *used += bytes;
        } else {
            tail.consume(bytes);
        }
    }
}

/// The last blocks of all streams.
struct Padding<'a> {
    tails: &'a mut [Tail],
}

impl Feed for Padding<'_> {
    #[inline]
    fn blocks(&self, stream: usize) -> &[u8] {
        self.tails.get(stream).map_or(&[], Tail::blocks)
    }

    #[inline]
    fn consume(&mut self, stream: usize, bytes: usize) {
        if let Some(tail) = self.tails.get_mut(stream) {
            tail.consume(bytes);
        }
    }
}

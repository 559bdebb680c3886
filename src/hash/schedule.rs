//! Which stream sits in which lane, and when it leaves.
//!
//! All lanes of a kernel advance together, so a run is as long as the shortest of its streams'
//! next stretches. A stream that has no more leaves and the next one takes its lane; when none
//! waits, the last moves down, and the plan picks a narrower kernel as soon as that is cheaper.
//! Longer streams start first, so that few lanes are idle at the end.

use super::lanes::{BLOCK, Lanes, State, WIDEST};
use super::plan::Plan;

/// Where the blocks of streams come from. Streams are numbered from zero.
pub(super) trait Feed {
    /// The blocks that come next: a whole number of them; none when the stream has no more.
    fn blocks(&self, stream: usize) -> &[u8];
    /// So many bytes of [`Self::blocks`], whole blocks, are done with.
    fn consume(&mut self, stream: usize, bytes: usize);
}

/// The streams in lanes.
#[derive(Debug)]
pub(super) struct Scheduler {
    plan: Plan,
    lanes: Lanes,
    /// Stream in each lane; the first `active` are in use.
    streams: [usize; WIDEST],
    active: usize,
}

impl Scheduler {
    /// With kernels of this plan.
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, lanes: Lanes::new(), streams: [0; WIDEST], active: 0 }
    }

    /// How many streams keep it fully busy.
    pub(super) fn lanes(&self) -> usize {
        self.plan.lanes()
    }

    /// How many streams are worth waiting for.
    pub(super) fn company(&self) -> usize {
        self.plan.company()
    }

    /// Advances every stream through all that `feed` has for it. `order` says who comes first, and
    /// every number in it is one of `states`.
    pub(super) fn run(
        &mut self,
        feed: &mut impl Feed,
        states: &mut [State],
        order: impl Iterator<Item = usize>,
    ) {
        let mut waiting = order.fuse();
        self.active = 0;
        loop {
            self.refill(feed, states, &mut waiting);
            if self.active == 0 {
                return;
            }
            self.step(feed);
            self.unload(feed, states);
        }
    }

    /// Puts waiting streams that have blocks into free lanes.
    fn refill(
        &mut self,
        feed: &impl Feed,
        states: &[State],
        waiting: &mut impl Iterator<Item = usize>,
    ) {
        while let Some(place) = self.streams.get_mut(self.active) {
            let Some(stream) = waiting.find(|s| !feed.blocks(*s).is_empty()) else { return };
            let Some(state) = states.get(stream) else { continue };
            *place = stream;
            self.lanes.put(self.active, state);
            self.active += 1;
        }
    }

    /// One run of the kernel that suits the number of streams.
    fn step(&mut self, feed: &mut impl Feed) {
        let kernel = self.plan.pick(self.active);
        let count = self.active.min(kernel.width());
        let mut inputs: [&[u8]; WIDEST] = [&[]; WIDEST];
        for (input, stream) in inputs.iter_mut().zip(self.streams.iter().take(count)) {
            *input = feed.blocks(*stream);
        }
        // Lanes without a stream read what the first one reads, and nobody reads their result.
        let first = inputs[0];
        inputs.iter_mut().skip(count).for_each(|input| *input = first);
        let bytes = kernel.run(&mut self.lanes, &inputs) * BLOCK;
        for stream in self.streams.iter().take(count) {
            feed.consume(*stream, bytes);
        }
    }

    /// Takes out the streams that have no more blocks.
    fn unload(&mut self, feed: &impl Feed, states: &mut [State]) {
        for lane in (0..self.active).rev() {
            let Some(stream) = self.streams.get(lane).copied() else { continue };
            if !feed.blocks(stream).is_empty() {
                continue;
            }
            if let Some(state) = states.get_mut(stream) {
                *state = self.lanes.get(lane);
            }
            self.active -= 1;
            if lane < self.active {
                self.lanes.put(lane, &self.lanes.get(self.active));
                self.streams[lane] = self.streams[self.active];
            }
        }
    }
}

//! Gives the disk threads their hasher: the glue between two rooms that do not see each other.

use std::sync::Arc;

use crate::disk::{HasherFactory, StreamHasher};
use crate::hash::{Hasher, Sha1Streams};

/// The hash room's streams with the disk room's face.
struct Lanes(Sha1Streams);

impl StreamHasher for Lanes {
    fn lanes(&self) -> usize {
        self.0.lanes()
    }

    fn company(&self) -> usize {
        self.0.company()
    }

    fn begin(&mut self, count: usize) {
        self.0.begin(count);
    }

    fn update(&mut self, inputs: &[&[u8]]) {
        self.0.update(inputs);
    }

    fn finish(&mut self) -> Vec<[u8; 20]> {
        self.0.finish()
    }
}

/// What pieces are hashed with; each disk thread makes its own.
#[must_use]
pub fn factory(hasher: Hasher) -> HasherFactory {
    Arc::new(move || Box::new(Lanes(hasher.sha1_streams())))
}

//! Gives the disk threads their hasher: the glue between two rooms that do not see each other.

use std::sync::Arc;

use sha1::{Digest as _, Sha1};

use crate::disk::{HasherFactory, StreamHasher};

/// Independent streams on the `sha1` crate.
#[derive(Default)]
struct Streams(Vec<Sha1>);

impl StreamHasher for Streams {
    fn lanes(&self) -> usize {
        1
    }

    fn begin(&mut self, count: usize) {
        self.0.clear();
        self.0.resize(count, Sha1::new());
    }

    fn update(&mut self, inputs: &[&[u8]]) {
        self.0.iter_mut().zip(inputs).for_each(|(stream, input)| stream.update(input));
    }

    fn finish(&mut self) -> Vec<[u8; 20]> {
        self.0.drain(..).map(|stream| stream.finalize().into()).collect()
    }
}

/// What pieces are hashed with; made on each disk thread.
#[must_use]
pub fn factory() -> HasherFactory {
    Arc::new(|| Box::new(Streams::default()))
}

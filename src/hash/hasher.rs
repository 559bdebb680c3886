//! The face of the room: a path that the machine has, and what can be hashed with it.

use super::lanes::State;
use super::path::{HashPath, HashPathError};
use super::plan::{Plans, best, plans};
use super::streams::Streams;
use super::{many, sha1, sha256};

/// Hashes with one [`HashPath`]. Small and freely copied; detection is done once, in [`Self::new`].
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    path: HashPath,
    plans: &'static Plans,
}

impl Hasher {
    /// With this path.
    ///
    /// # Errors
    /// When the machine lacks the instructions.
    pub fn new(path: HashPath) -> Result<Self, HashPathError> {
        Ok(Self { path, plans: plans(path)? })
    }

    /// With what is fastest here.
    #[must_use]
    pub fn auto() -> Self {
        Self { path: HashPath::Auto, plans: best() }
    }

    /// The path that was asked for.
    #[must_use]
    pub fn path(self) -> HashPath {
        self.path
    }

    /// SHA-1 of several independent messages, each given as consecutive parts. `out[i]` belongs to
    /// `messages[i]`.
    #[must_use]
    pub fn sha1_many(self, messages: &[&[&[u8]]]) -> Vec<[u8; 20]> {
        let states = many::states(self.plans.sha1, sha1::INIT, messages);
        states.iter().map(digest).collect()
    }

    /// SHA-256 of several independent messages, as [`Self::sha1_many`].
    #[must_use]
    pub fn sha256_many(self, messages: &[&[&[u8]]]) -> Vec<[u8; 32]> {
        let states = many::states(self.plans.sha256, sha256::INIT, messages);
        states.iter().map(digest).collect()
    }

    /// SHA-1 of streams whose bytes are yet to come.
    #[must_use]
    pub fn sha1_streams(self) -> Sha1Streams {
        Sha1Streams(Streams::new(self.plans.sha1, sha1::INIT))
    }

    /// SHA-256 of streams whose bytes are yet to come.
    #[must_use]
    pub fn sha256_streams(self) -> Sha256Streams {
        Sha256Streams(Streams::new(self.plans.sha256, sha256::INIT))
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::auto()
    }
}

/// The state's words in order, big-endian, as many as the digest is long.
fn digest<const N: usize>(state: &State) -> [u8; N] {
    let mut out = [0; N];
    for (to, word) in out.chunks_exact_mut(4).zip(state) {
        to.copy_from_slice(&word.to_be_bytes());
    }
    out
}

macro_rules! streams {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $make:ident) => {
        $(#[$doc])*
        ///
        /// Any number of streams; more than fit into lanes take turns. Their inputs may have any
        /// length and alignment and may be cut anywhere. Reuse one object: once it has grown to
        /// the number of streams in use, `begin` and `update` allocate nothing.
        #[derive(Debug)]
        pub struct $name(Streams);

        impl $name {
            /// No streams yet, with what is fastest here. [`Hasher`] makes those of other paths.
            #[must_use]
            pub fn new() -> Self {
                Hasher::auto().$make()
            }

            /// How many streams keep the processor fully busy: lanes of its widest registers, or
            /// streams worth interleaving. From 1 to 16.
            #[must_use]
            pub fn lanes(&self) -> usize {
                self.0.lanes()
            }

            /// How many streams are worth waiting for: more at once are hardly cheaper each. At
            /// most [`Self::lanes`].
            #[must_use]
            pub fn company(&self) -> usize {
                self.0.company()
            }

            /// Starts `count` fresh streams and forgets all earlier ones.
            pub fn begin(&mut self, count: usize) {
                self.0.begin(count);
            }

            /// Appends `inputs[i]` to stream `i`. Streams without an input get nothing, inputs
            /// without a stream are ignored.
            pub fn update(&mut self, inputs: &[&[u8]]) {
                self.0.update(inputs);
            }

            /// Ends all streams: the digest of each. Afterwards there are no streams.
            #[must_use]
            pub fn finish(&mut self) -> Vec<[u8; $bytes]> {
                let digests = self.0.finish().iter().map(digest).collect();
                self.0.begin(0);
                digests
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

streams! {
    /// SHA-1 of several streams at once, fed bit by bit.
    Sha1Streams, 20, sha1_streams
}

streams! {
    /// SHA-256 of several streams at once, fed bit by bit.
    Sha256Streams, 32, sha256_streams
}

/// [`Hasher::sha1_many`] with what is fastest here.
#[must_use]
pub fn sha1_many(messages: &[&[&[u8]]]) -> Vec<[u8; 20]> {
    Hasher::auto().sha1_many(messages)
}

/// [`Hasher::sha256_many`] with what is fastest here.
#[must_use]
pub fn sha256_many(messages: &[&[&[u8]]]) -> Vec<[u8; 32]> {
    Hasher::auto().sha256_many(messages)
}

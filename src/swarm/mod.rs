//! Layer 3: the torrent brain, sans-IO.
//!
//! [`Torrent`] owns everything one torrent knows: pieces, peers, who is choked, what to ask whom,
//! what the host's verifier said, what the saved state may claim. A driver (the engine's shard, or
//! the simulator) feeds it [`Input`]s, executes its [`Output`]s and tells it the time. Deliberately
//! absent: tokio, sockets, files, clocks, locks, async, randomness beyond the seed it was given.

pub mod blame;
pub mod choker;
mod lazy;
pub mod load;
pub mod peer_list;
pub mod picker;
mod policy;
pub mod rate;
pub mod resume;
mod sources;
mod torrent;
mod types;
pub mod verify;
pub mod window;

pub use picker::BlockState;
pub use torrent::Torrent;
pub use types::*;

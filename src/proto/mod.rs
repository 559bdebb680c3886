//! Layer 2: wire protocols, sans-IO.
//!
//! Each machine has the same verbs: `handle(now, input)`, `poll_*`, `next_deadline()`. Deliberately
//! absent: tokio, sockets, files, clocks, locks, async, randomness that was not passed in.

pub mod dht;
pub mod dns;
pub mod lsd;
pub mod peer;
pub mod tracker;

//! Whole swarms in virtual time: the torrent brain under a second driver that has no sockets, no
//! files and no clock, but links that break, disks that forget, hosts that refuse and peers that
//! lie.
//!
//! Everything follows from one seed. A failing run prints it; `TERN_SIM_SEED=n cargo test --test
//! sim` replays that swarm alone.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod content;
mod crash;
mod dht;
mod dht_world;
mod disk;
mod magnets;
mod node;
mod resume;
mod scenarios;
mod storage;
mod swarms;
mod twins;
mod world;

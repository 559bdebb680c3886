//! Shards, sockets, disk and brains together over 127.0.0.1: real threads, real files, no session.
//!
//! Every test makes one or two small sessions ([`rig`]) that differ only in what a real session
//! adds (hooks, store, C ABI). Nothing here asserts a duration.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod door;
mod http;
mod proxy;
mod rig;
mod serve;
mod speed;
mod trackers;
mod traffic;
mod transfer;
mod udp;

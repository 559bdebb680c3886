//! The `tern` command: get, seed, create, show and verify torrents.
//!
//! A program like any other on libtern's public face. Deliberately absent: any other room, and
//! anything a host could not do.

mod args;
mod check;
mod report;
mod signals;
mod state;
mod units;

fn main() {}

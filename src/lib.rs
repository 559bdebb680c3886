//! libtern: a BitTorrent engine made to be embedded.
//!
//! The public Rust face is the [`api`] room, re-exported here. The C ABI (`capi`,
//! `include/tern.h`) is built on it. The other rooms are public only so that the simulator,
//! the fuzz targets and the tests can drive them; they carry no stability promise.

#[doc(hidden)]
pub mod base;
#[doc(hidden)]
pub mod codec;
#[doc(hidden)]
pub mod disk;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod hash;
#[doc(hidden)]
pub mod net;
#[doc(hidden)]
pub mod proto;
#[doc(hidden)]
pub mod swarm;

/// The program on the page for Rust hosts compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/hosts/rust.md")]
struct RustHosts;

pub mod api;
#[cfg(feature = "capi")]
pub mod capi;

#[allow(unused_imports, reason = "the api room is still empty")]
pub use api::*;

//! Layer 4: content hashing, many streams at once.
//!
//! One stream of SHA-1 or SHA-256 is a chain of dependent steps that leaves most of a processor
//! idle. Pieces of a torrent (and the leaves of BEP 52) are independent of each other, so here up
//! to sixteen of them advance together, each in a lane of a vector register, or interleaved with
//! the processor's SHA instructions; [`plan`] picks per number of streams. From the outside in:
//! [`Hasher`] is the face, [`many`] and [`streams`] cut messages into blocks, [`schedule`] puts
//! streams into lanes, [`lanes`] runs a kernel. Kernels are one generic body per algorithm
//! ([`sha1`], [`sha256`]) over the small trait [`vector`], with a thin shim per instruction set.
//!
//! `unsafe` is in the kernels and in the one call of [`lanes`] that runs them. Deliberately
//! absent: threads (the caller brings its own), files, torrents.

#[cfg(target_arch = "aarch64")]
mod arm;
mod hasher;
mod lanes;
mod many;
mod path;
mod plan;
mod portable;
mod schedule;
mod sha1;
mod sha256;
mod streams;
mod tail;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use hasher::{Hasher, Sha1Streams, Sha256Streams, sha1_many, sha256_many};
pub use path::{HashPath, HashPathError};

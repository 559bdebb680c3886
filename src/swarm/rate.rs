//! Measuring and limiting rates. CONTRACT SKETCH: signatures fixed.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use crate::base::Instant;

/// Bytes per second, smoothed over about five seconds.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    _todo: (),
}

impl Meter {
    /// Counts bytes.
    pub fn add(&mut self, now: Instant, bytes: u64) {
        todo!()
    }
    /// Bytes per second now.
    #[must_use]
    pub fn rate(&self, now: Instant) -> u64 {
        todo!()
    }
    /// Bytes in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        todo!()
    }
}

/// A token bucket: bytes per second with a burst of a quarter second (at least 16 KiB).
#[derive(Clone, Debug)]
pub struct Bucket {
    _todo: (),
}

impl Bucket {
    /// `None` is unlimited.
    #[must_use]
    pub fn new(now: Instant, limit: Option<u64>) -> Self {
        todo!()
    }
    /// Changes the limit.
    pub fn set_limit(&mut self, now: Instant, limit: Option<u64>) {
        todo!()
    }
    /// Bytes that may pass now; `usize::MAX` when unlimited.
    pub fn available(&mut self, now: Instant) -> usize {
        todo!()
    }
    /// Bytes passed (may overdraw: later ones wait).
    pub fn consume(&mut self, bytes: usize) {
        todo!()
    }
    /// When at least `bytes` (capped at the burst) will be available; `None` when now or unlimited.
    #[must_use]
    pub fn ready_at(&self, now: Instant, bytes: usize) -> Option<Instant> {
        todo!()
    }
}

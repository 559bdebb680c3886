//! SKETCH of signatures; body follows.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use super::AnnounceParams;
use crate::base::InfoHash;

/// Why a tracker's URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Not an absolute URL.
    Invalid,
    /// A scheme this version does not speak.
    UnsupportedScheme,
}

impl core::fmt::Display for UrlError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("bad")
    }
}

impl core::error::Error for UrlError {}

/// The URL to GET for an announce.
pub fn announce_url(tracker: &str, params: &AnnounceParams) -> Result<String, UrlError> {
    todo!()
}

/// The URL to GET for counts; `None` when the tracker does not scrape (BEP 48 convention).
#[must_use]
pub fn scrape_url(tracker: &str, info_hashes: &[InfoHash]) -> Option<String> {
    todo!()
}

/// Whether a tracker URL can be used (`http`, `https`).
pub fn is_supported(tracker: &str) -> Result<(), UrlError> {
    todo!()
}

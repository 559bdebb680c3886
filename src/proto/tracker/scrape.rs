//! SKETCH of signatures; body follows.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use super::ReplyError;
use crate::base::InfoHash;

/// Counts of one torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrapeEntry {
    /// Torrent.
    pub info_hash: InfoHash,
    /// Seeds.
    pub complete: Option<u32>,
    /// Leechers.
    pub incomplete: Option<u32>,
    /// Completed downloads.
    pub downloaded: Option<u32>,
}

/// Reads a scrape reply (BEP 48).
pub fn parse_scrape(body: &[u8]) -> Result<Vec<ScrapeEntry>, ReplyError> {
    todo!()
}

//! What a tracker answers to a scrape (BEP 48).

use super::ReplyError;
use super::reply::{check_failure, count, document};
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

/// Reads the body of a scrape reply: torrents in the tracker's order, whether asked for or not.
/// Entries whose key is no info-hash are dropped.
///
/// # Errors
/// `Failure` when the tracker refused, `Malformed` when there is no dictionary of files.
pub fn parse_scrape(body: &[u8]) -> Result<Vec<ScrapeEntry>, ReplyError> {
    let document = document(body)?;
    let root = document.root();
    check_failure(root)?;
    let files = root.get(b"files").and_then(|files| files.as_dict());
    let files = files.ok_or(ReplyError::Malformed("no files in a scrape reply"))?;
    let entries = files.filter_map(|(key, counts)| {
        Some(ScrapeEntry {
            info_hash: InfoHash(<[u8; 20]>::try_from(key).ok()?),
            complete: count(counts, b"complete"),
            incomplete: count(counts, b"incomplete"),
            downloaded: count(counts, b"downloaded"),
        })
    });
    Ok(entries.collect())
}

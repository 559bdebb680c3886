//! Trackers: HTTP (BEP 3, 7, 12, 23, 24, 27, 31, 48) and in [`udp`] UDP (BEP 15, 34, 41), sans-IO.
//!
//! Four parts that do not know each other: [`announce_url`] and [`scrape_url`] build what to ask,
//! [`HttpRequest`] and [`HttpResponse`] carry it over one connection's bytes, [`parse_announce`]
//! and [`parse_scrape`] read the answer, and [`Announcer`] walks the tiers of one torrent: which
//! URL to ask when, with which event, back-off, `trackerid` and intervals. Deliberately absent:
//! sockets, TLS, name resolution, time-outs of a request (the driver's).

mod announcer;
mod entry;
mod gunzip;
mod http;
mod http_body;
mod reply;
mod request;
mod scrape;
pub mod udp;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::{InfoHash, Instant, PeerId};

pub use announcer::{AnnounceRequest, Announcer, AnnouncerConfig, AnnouncerInput, TrackerKey};
pub use http::{HttpError, HttpOutcome, HttpRequest, HttpResponse};
pub use reply::parse_announce;
pub use request::{UrlError, announce_url, is_supported, scrape_url};
pub use scrape::{ScrapeEntry, parse_scrape};

/// Why an announce is sent (BEP 3 `event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnounceEvent {
    /// Regular.
    None,
    /// First of a session.
    Started,
    /// Download completed (never for a torrent that started complete).
    Completed,
    /// Leaving.
    Stopped,
}

impl AnnounceEvent {
    /// The value of `event=`; empty for a regular announce, which omits it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
        }
    }
}

/// Counters and identity an announce carries.
#[derive(Clone, Debug)]
pub struct AnnounceParams {
    /// Torrent.
    pub info_hash: InfoHash,
    /// Us.
    pub peer_id: PeerId,
    /// Listen port.
    pub port: u16,
    /// Payload bytes sent since `started`.
    pub uploaded: u64,
    /// Payload bytes received since `started`.
    pub downloaded: u64,
    /// Bytes still wanted to be complete.
    pub left: u64,
    /// Peers wanted.
    pub num_want: u32,
    /// Session key (BEP 7): survives address changes.
    pub key: u32,
    /// Event.
    pub event: AnnounceEvent,
    /// `trackerid` of an earlier reply.
    pub tracker_id: Option<Vec<u8>>,
    /// Address to claim (`ip=`), when configured.
    pub ip: Option<String>,
}

/// A tracker's reply to an announce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnnounceReply {
    /// Seconds until the next announce.
    pub interval: Option<u32>,
    /// Seconds to keep apart at least.
    pub min_interval: Option<u32>,
    /// Seeds.
    pub complete: Option<u32>,
    /// Leechers.
    pub incomplete: Option<u32>,
    /// Completed downloads.
    pub downloaded: Option<u32>,
    /// Peers with literal addresses, both families.
    pub peers: Vec<SocketAddr>,
    /// To be sent back.
    pub tracker_id: Option<Vec<u8>>,
    /// Our address as the tracker sees it (BEP 24).
    pub external_ip: Option<std::net::IpAddr>,
    /// Warning to show.
    pub warning: Option<String>,
}

/// When a tracker that refused wants to be asked again (BEP 31).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not before this time has passed.
    After(Duration),
    /// Not in this session.
    Never,
}

/// Why a reply's body is not an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// The tracker refused (`failure reason`).
    Failure {
        /// Its text, made printable and bounded in length.
        reason: String,
        /// Its wish for the next attempt (BEP 31).
        retry: Option<Retry>,
    },
    /// Not a tracker's reply; says what was wrong.
    Malformed(&'static str),
}

impl core::fmt::Display for ReplyError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Failure { reason, .. } => write!(f, "tracker refused: {reason}"),
            Self::Malformed(what) => write!(f, "malformed tracker reply: {what}"),
        }
    }
}

impl core::error::Error for ReplyError {}

impl ReplyError {
    /// The tracker's wish for the next attempt, when it had one.
    #[must_use]
    pub fn retry(&self) -> Option<Retry> {
        match self {
            Self::Failure { retry, .. } => *retry,
            Self::Malformed(_) => None,
        }
    }
}

/// State of one tracker for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerStatus {
    /// URL.
    pub url: String,
    /// Tier, from 0.
    pub tier: u32,
    /// Announces that failed in a row.
    pub fails: u32,
    /// An announce is under way.
    pub updating: bool,
    /// A reply was received in this session.
    pub verified: bool,
    /// When it may be asked again.
    pub next_announce: Option<Instant>,
    /// Last reply's seeds, leechers, downloads.
    pub scrape: (Option<u32>, Option<u32>, Option<u32>),
    /// Last failure or warning text.
    pub message: String,
}

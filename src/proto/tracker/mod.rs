//! HTTP trackers (BEP 3, 7, 12, 23, 24, 27, 31, 48), sans-IO. CONTRACT SKETCH.
//!
//! `http` builds request targets and parses replies; `Announcer` walks the tiers of one torrent: which URL
//! to ask when, with which event, back-off, `trackerid`, intervals.

use std::net::SocketAddr;

use crate::base::{InfoHash, Instant, PeerId};

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

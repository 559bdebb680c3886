//! UDP trackers (BEP 15, BEP 41), sans-IO, and what the DNS says of trackers (BEP 34).
//!
//! [`UdpTracker`] is one tracker at one address, shared by all torrents that announce there;
//! [`UdpTarget`] takes a URL apart; [`udp::Request`](Request) and [`udp::Reply`](Reply) are the
//! packets; [`Preferences`] are the owner's wishes. Deliberately absent: sockets, name resolution,
//! proxies; tiers, which are the announcer's for every kind of tracker.
//!
//! # How a driver uses it
//!
//! The announcer of a torrent names a tracker's URL. For one of scheme `udp`, [`UdpTarget::parse`]
//! gives a host to resolve and the URL data; the driver asks [`UdpTrackers`] for each resolved
//! address with `Announce::new(&params, &target.url_data)`, and hands what comes out
//! ([`PoolOutput::Announced`], [`PoolOutput::Failed`]) to the announcer as it does for HTTP. Every
//! datagram that may be a tracker's goes in whole. `AnnouncerConfig::udp` tells the announcer that
//! there is such a driver.

mod client;
mod codec;
mod pool;
#[cfg(test)]
mod pool_tests;
mod preferences;
mod server;
#[cfg(test)]
mod tests;
mod url;

pub use client::{
    ATTEMPTS_MAX, UdpConfig, UdpError, UdpInput, UdpOutput, UdpQuestion, UdpRequestId, UdpTracker,
};
pub use codec::{ANNOUNCE_BYTES, Announce, Reply, Request, SCRAPE_MAX, URL_DATA_MAX};
pub use pool::{PoolOutput, PoolQuestion, UdpCounts, UdpTrackers};
pub use preferences::{Preferences, Way};
pub use server::UdpTestServer;
pub use url::UdpTarget;

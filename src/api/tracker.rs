//! Asking a tracker by oneself: one announce, or counts, of torrents the session need not have.

use std::time::Duration;

use super::{Error, InfoHash, Session};
use crate::proto::tracker::{AnnounceEvent, AnnounceParams, AnnounceReply, ScrapeEntry};

/// What an announce says. What is not set is what a peer that lacks everything would say.
#[derive(Clone, Debug)]
pub struct Announce {
    info_hash: InfoHash,
    event: AnnounceEvent,
    port: Option<u16>,
    num_want: u32,
    counters: (u64, u64, u64),
}

impl Announce {
    /// An announce without an event, which leaves no trace of ours once its interval is over.
    #[must_use]
    pub fn new(info_hash: InfoHash) -> Self {
        Self {
            info_hash,
            event: AnnounceEvent::None,
            port: None,
            num_want: 50,
            counters: (0, 0, 16 * 1024),
        }
    }

    /// Sets the event: `stopped` takes us off the list again.
    #[must_use]
    pub fn event(mut self, event: AnnounceEvent) -> Self {
        self.event = event;
        self
    }

    /// Sets the port peers are to connect to; the session's own when it is not set.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Sets how many peers are wanted.
    #[must_use]
    pub fn num_want(mut self, peers: u32) -> Self {
        self.num_want = peers;
        self
    }

    /// Sets the bytes sent, received, and still wanted.
    #[must_use]
    pub fn counters(mut self, uploaded: u64, downloaded: u64, left: u64) -> Self {
        self.counters = (uploaded, downloaded, left);
        self
    }
}

impl Session {
    /// Announces once to a tracker (`http`, `https`, `udp`) and waits for the answer. Where the
    /// tracker has addresses of both families it is asked over both, and the peers of both answers
    /// come together.
    ///
    /// # Errors
    /// [`super::ErrorKind::Invalid`] for a URL that is no tracker's, `Tracker` when it refused or
    /// could not be reached, `Timeout`.
    pub fn announce(
        &self,
        url: &str,
        announce: &Announce,
        timeout: Duration,
    ) -> Result<AnnounceReply, Error> {
        let (uploaded, downloaded, left) = announce.counters;
        let core = &self.0.core;
        let params = AnnounceParams {
            info_hash: announce.info_hash,
            peer_id: core.peer_id(),
            // Trackers refuse port 0: without one we are where nobody is (RFC 863, discard).
            port: announce.port.unwrap_or_else(|| self.listen_port()).max(1),
            uploaded,
            downloaded,
            left,
            num_want: announce.num_want,
            key: 0,
            event: announce.event,
            tracker_id: None,
            ip: core.settings().announce_ip.map(|ip| ip.to_string()),
        };
        core.announce_once(url, params, timeout)
    }

    /// Asks a tracker for counts of torrents (BEP 15, BEP 48) and waits for the answer. Those it
    /// does not know are left out.
    ///
    /// # Errors
    /// As [`Session::announce`]; `Tracker` also when it knows none of them.
    pub fn scrape(
        &self,
        url: &str,
        hashes: &[InfoHash],
        timeout: Duration,
    ) -> Result<Vec<ScrapeEntry>, Error> {
        self.0.core.scrape_once(url, hashes, timeout)
    }

    /// Our address as the world sees it, as far as peers, trackers and the DHT told: of IPv6, or of
    /// IPv4.
    #[must_use]
    pub fn external(&self, v6: bool) -> Option<std::net::SocketAddr> {
        self.0.core.external(v6)
    }
}

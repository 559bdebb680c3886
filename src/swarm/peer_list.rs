//! Addresses a torrent knows: sources, back-off, bans, canonical priority (BEP 40). CONTRACT SKETCH.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use std::net::{IpAddr, SocketAddr};

use super::types::PeerSource;
use crate::base::{Instant, Rng};

/// BEP 40 canonical priority of a pair of addresses.
#[must_use]
pub fn canonical_priority(a: SocketAddr, b: SocketAddr) -> u32 {
    todo!()
}

/// Known addresses.
#[derive(Debug)]
pub struct PeerList {
    _todo: (),
}

impl PeerList {
    /// Remembers at most `max` addresses and connects at most `max_per_ip` times to one IP.
    #[must_use]
    pub fn new(max: u32, max_per_ip: u32, rng: Rng) -> Self {
        todo!()
    }
    /// Changes the bounds.
    pub fn set_limits(&mut self, max: u32, max_per_ip: u32) {
        todo!()
    }
    /// Our external address, for priorities.
    pub fn set_external(&mut self, addr: SocketAddr) {
        todo!()
    }
    /// Adds an address; false when banned, invalid (port 0, unspecified, multicast) or already known. When full, the
    /// least promising unconnected one gives way.
    pub fn add(&mut self, addr: SocketAddr, source: PeerSource) -> bool {
        todo!()
    }
    /// The best address to try now, marked as being tried.
    pub fn next_candidate(&mut self, now: Instant) -> Option<(SocketAddr, PeerSource)> {
        todo!()
    }
    /// When the next one becomes due, `None` when there is none.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        todo!()
    }
    /// An incoming connection from `addr` is to be taken: false when its IP is banned or has too many.
    pub fn incoming(&mut self, addr: SocketAddr) -> bool {
        todo!()
    }
    /// An attempt failed: back-off grows.
    pub fn failed(&mut self, now: Instant, addr: SocketAddr) {
        todo!()
    }
    /// A connection was established (handshake done): it is worth keeping.
    pub fn connected(&mut self, now: Instant, addr: SocketAddr) {
        todo!()
    }
    /// A connection ended; `useful` when it exchanged payload.
    pub fn disconnected(&mut self, now: Instant, addr: SocketAddr, useful: bool) {
        todo!()
    }
    /// Never to be tried again (ourselves).
    pub fn forget(&mut self, addr: SocketAddr) {
        todo!()
    }
    /// Bans an IP.
    pub fn ban(&mut self, ip: IpAddr) {
        todo!()
    }
    /// Whether an IP is banned.
    #[must_use]
    pub fn is_banned(&self, ip: IpAddr) -> bool {
        todo!()
    }
    /// Banned IPs.
    #[must_use]
    pub fn banned(&self) -> Vec<IpAddr> {
        todo!()
    }
    /// Up to `max` addresses worth saving, those that worked first.
    #[must_use]
    pub fn best(&self, max: usize) -> Vec<SocketAddr> {
        todo!()
    }
    /// Number known.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

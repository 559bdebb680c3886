//! The other side of BEP 15, small: for tests of clients, ours and others'. It trusts everybody's
//! claims and keeps everything, so it is no tracker to run.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::codec::{Announce, Reply, Request};
use crate::base::{InfoHash, Instant};
use crate::proto::tracker::AnnounceEvent;

/// Connection ids are taken for two minutes (BEP 15).
const CONNECTION_SECS: u64 = 120;

/// A tracker in memory.
#[derive(Debug, Default)]
pub struct UdpTestServer {
    swarms: BTreeMap<InfoHash, BTreeMap<SocketAddr, Announce>>,
    /// Announces taken, with who sent them.
    pub announces: Vec<(SocketAddr, Announce)>,
    /// Connects taken.
    pub connects: usize,
    /// Answer every announce with this refusal.
    pub refusal: Option<String>,
}

impl UdpTestServer {
    /// Answers a datagram, if there is an answer.
    pub fn handle(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
        let stamp = now.as_micros() / 1_000_000 + 1;
        let reply = match Request::decode(data)? {
            Request::Connect { transaction } => {
                self.connects += 1;
                Reply::Connect { transaction, connection: stamp }
            }
            Request::Announce { connection, transaction, .. }
            | Request::Scrape { connection, transaction, .. }
                if connection > stamp || stamp - connection > CONNECTION_SECS =>
            {
                Reply::Error { transaction, message: b"invalid connection id".to_vec() }
            }
            Request::Announce { transaction, announce, .. } => {
                self.announces.push((from, announce.clone()));
                match &self.refusal {
                    Some(text) => Reply::Error { transaction, message: text.clone().into_bytes() },
                    None => self.announce(from, transaction, announce),
                }
            }
            Request::Scrape { transaction, info_hashes, .. } => {
                let counts = info_hashes.iter().map(|hash| self.count(*hash)).collect();
                Reply::Scrape { transaction, counts }
            }
        };
        Some(reply.encode())
    }

    fn announce(&mut self, from: SocketAddr, transaction: u32, announce: Announce) -> Reply {
        let info_hash = announce.info_hash;
        let peer = SocketAddr::new(from.ip(), announce.port);
        let swarm = self.swarms.entry(info_hash).or_default();
        let most = usize::try_from(announce.num_want).unwrap_or(50);
        if announce.event == AnnounceEvent::Stopped {
            swarm.remove(&peer);
        } else {
            swarm.insert(peer, announce);
        }
        let family = |other: &&SocketAddr| other.is_ipv6() == from.is_ipv6() && **other != peer;
        let peers = swarm.keys().filter(family).take(most).copied().collect();
        let [seeders, _, leechers] = self.count(info_hash);
        Reply::Announce { transaction, interval: 1800, leechers, seeders, peers }
    }

    fn count(&self, info_hash: InfoHash) -> [u32; 3] {
        let swarm = self.swarms.get(&info_hash);
        let (mut seeds, mut leechers) = (0, 0);
        for announce in swarm.into_iter().flat_map(|swarm| swarm.values()) {
            *(if announce.left == 0 { &mut seeds } else { &mut leechers }) += 1;
        }
        [seeds, 0, leechers]
    }
}

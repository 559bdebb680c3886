//! Our address as the world sees it, by vote.
//!
//! Peers (BEP 10 `yourip`), trackers (BEP 24 `external ip`) and nodes of the DHT (BEP 42) say which
//! address they see. Anybody may lie, so a network has one voice per class of source, and the
//! address with most voices wins; one that has won stays until another has more. Old voices go:
//! addresses change. Deliberately absent: asking (nobody asks for it), port mapping.

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::base::is_private;

/// Voices kept for each address family.
const VOICES: usize = 64;

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A peer.
    Peer,
    /// A tracker: chosen by whoever made the torrent, and asked for that.
    Tracker,
    /// A node of the DHT.
    Dht,
}

impl Source {
    fn weight(self) -> usize {
        match self {
            Self::Peer | Self::Dht => 1,
            Self::Tracker => 2,
        }
    }
}

/// One voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// What it is.
    pub source: Source,
    /// Where it is.
    pub by: IpAddr,
    /// What it says.
    pub ip: IpAddr,
}

/// The voices of one family, oldest first, and the winner.
#[derive(Debug, Default)]
struct Family {
    voices: VecDeque<(Source, [u8; 16], IpAddr)>,
    winner: Option<IpAddr>,
}

/// The count.
#[derive(Debug, Default)]
pub struct Votes {
    v4: Family,
    v6: Family,
}

impl Votes {
    /// Counts a voice; the new winner of its family, if there is one.
    pub fn cast(&mut self, vote: Vote) -> Option<IpAddr> {
        let ip = vote.ip.to_canonical();
        if ip.is_unspecified() || ip.is_multicast() {
            return None;
        }
        let family = if ip.is_ipv6() { &mut self.v6 } else { &mut self.v4 };
        let network = network(vote.by.to_canonical());
        family.voices.retain(|(source, of, _)| (*source, *of) != (vote.source, network));
        if family.voices.len() >= VOICES {
            family.voices.pop_front();
        }
        family.voices.push_back((vote.source, network, ip));
        family.elect(ip)
    }

    /// Our address in a family.
    #[must_use]
    pub fn winner(&self, v6: bool) -> Option<IpAddr> {
        if v6 { self.v6.winner } else { self.v4.winner }
    }
}

impl Family {
    /// Whether `ip`, which was just voted for, wins.
    fn elect(&mut self, ip: IpAddr) -> Option<IpAddr> {
        let score = |ip: IpAddr| {
            let ours = self.voices.iter().filter(|(_, _, said)| *said == ip);
            let voices: usize = ours.map(|(source, _, _)| source.weight()).sum();
            // What neighbours see is of use only while nobody in the world has said anything.
            (!is_private(ip), voices)
        };
        let wins = match self.winner {
            None => true,
            Some(winner) => winner != ip && score(ip) > score(winner),
        };
        wins.then(|| *self.winner.insert(ip))
    }
}

/// The network of an address that one party is likely to have for itself: /24, /56.
fn network(ip: IpAddr) -> [u8; 16] {
    let mut network = [0; 16];
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            // Not to be taken for a network of the other family.
            network[..5].copy_from_slice(&[a, b, c, 0, 4]);
        }
        IpAddr::V6(ip) => network[..7].copy_from_slice(&ip.octets()[..7]),
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn cast(votes: &mut Votes, source: Source, by: &str, says: &str) -> Option<IpAddr> {
        votes.cast(Vote { source, by: ip(by), ip: ip(says) })
    }

    #[test]
    fn the_first_voice_is_believed_until_there_are_more() {
        let mut votes = Votes::default();
        let peer = |votes: &mut Votes, by: &str, says: &str| cast(votes, Source::Peer, by, says);
        assert_eq!(peer(&mut votes, "192.0.2.1", "198.51.100.1"), Some(ip("198.51.100.1")));
        assert_eq!(peer(&mut votes, "203.0.113.1", "198.51.100.2"), None, "one against one");
        assert_eq!(peer(&mut votes, "203.0.113.9", "198.51.100.2"), None, "the same network");
        assert_eq!(peer(&mut votes, "8.8.8.8", "198.51.100.2"), Some(ip("198.51.100.2")));
        assert_eq!(votes.winner(false), Some(ip("198.51.100.2")));
        assert_eq!(votes.winner(true), None);
        assert_eq!(peer(&mut votes, "8.8.8.8", "::ffff:198.51.100.2"), None, "no news");
        assert_eq!(peer(&mut votes, "8.8.8.8", "2001:db8::1"), Some(ip("2001:db8::1")));
    }

    #[test]
    fn a_tracker_counts_twice_and_the_world_more_than_neighbours() {
        let mut votes = Votes::default();
        assert!(cast(&mut votes, Source::Peer, "10.0.0.2", "10.0.0.1").is_some());
        assert!(cast(&mut votes, Source::Peer, "10.0.1.2", "10.0.0.1").is_none());
        assert!(cast(&mut votes, Source::Peer, "192.0.2.1", "198.51.100.1").is_some());
        assert!(cast(&mut votes, Source::Tracker, "203.0.113.1", "198.51.100.2").is_some());
        assert!(cast(&mut votes, Source::Tracker, "203.0.114.1", "10.0.0.1").is_none());
    }

    #[test]
    fn what_is_no_address_is_no_voice_and_old_voices_go() {
        let mut votes = Votes::default();
        for odd in ["0.0.0.0", "::", "224.0.0.1", "ff02::1"] {
            assert_eq!(cast(&mut votes, Source::Peer, "192.0.2.1", odd), None, "{odd}");
        }
        for n in 0..1000u32 {
            let by = format!("10.{}.{}.1", n / 256, n % 256);
            cast(&mut votes, Source::Dht, &by, "198.51.100.1");
        }
        assert_eq!(votes.v4.voices.len(), VOICES);
        let last = (0..200).find(|n| {
            cast(&mut votes, Source::Dht, &format!("11.0.{n}.1"), "198.51.100.2").is_some()
        });
        assert_eq!(last, Some(32), "more than half of those that are remembered");
    }
}

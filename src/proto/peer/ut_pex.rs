//! Peer exchange (BEP 11): the message, who may be told what when, and what was heard.
//!
//! Deliberately absent: whether a torrent may exchange peers at all (not when private, BEP 27),
//! and which peers we are connected to.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::PEX_BYTES;
use crate::codec::bencode::{Document, Encoder, Limits};

/// Time between messages (BEP 11: not more than one a minute).
const INTERVAL: Duration = Duration::from_secs(60);
/// What a peer's clock and its sender may be off.
const TOLERANCE: Duration = Duration::from_secs(15);
/// Peers added, and dropped, by one message (BEP 11: 50 each, but for the first).
const EACH_MAX: usize = 50;
/// Peers of either kind taken from one message: the first may name all.
const TAKEN_MAX: usize = 200;
/// Peers that are remembered as named by one peer.
const KNOWN_MAX: usize = 400;
/// Messages too soon after which a peer floods.
const STRIKES_MAX: u32 = 5;

/// What is said of an added peer (BEP 11, `added.f`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PexFlags(pub u8);

impl PexFlags {
    /// It prefers encryption.
    pub const ENCRYPTION: u8 = 0x01;
    /// It only uploads.
    pub const SEED: u8 = 0x02;
    /// It speaks uTP.
    pub const UTP: u8 = 0x04;
    /// It can introduce peers (BEP 55).
    pub const HOLEPUNCH: u8 = 0x08;
    /// The sender connected to it, so it can be reached.
    pub const OUTGOING: u8 = 0x10;

    /// Whether a flag is set.
    #[must_use]
    pub fn has(self, flag: u8) -> bool {
        self.0 & flag != 0
    }
}

/// One message: who came and who went since the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pex {
    /// Connected since.
    pub added: Vec<(SocketAddr, PexFlags)>,
    /// Gone since.
    pub dropped: Vec<SocketAddr>,
}

impl Pex {
    /// Reads a payload. Addresses that cannot be dialled and those beyond bounds are left out.
    ///
    /// `None` when it is no bencoded dictionary.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let limits = Limits { items: 64, depth: 8, ..Limits::with_bytes(PEX_BYTES) };
        let document = Document::parse_with(payload, limits).ok()?;
        let root = document.root();
        root.is_dict().then_some(())?;
        let list = |key: &[u8]| root.get_bytes(key).unwrap_or_default();
        let mut out = Self::default();
        for (addrs, flags, v6) in
            [(&b"added"[..], &b"added.f"[..], false), (b"added6", b"added6.f", true)]
        {
            let flags = list(flags);
            let flag = |n: usize| PexFlags(flags.get(n).copied().unwrap_or(0));
            let addrs = compact(list(addrs), v6).enumerate();
            let fine = addrs.filter_map(|(n, addr)| Some((addr?, flag(n))));
            out.added.extend(fine.take(TAKEN_MAX));
        }
        out.dropped.extend(compact(list(b"dropped"), false).flatten().take(TAKEN_MAX));
        out.dropped.extend(compact(list(b"dropped6"), true).flatten().take(TAKEN_MAX));
        Some(out)
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut lists = [const { Vec::new() }; 6];
        let [added, flags, dropped, added6, flags6, dropped6] = &mut lists;
        for (addr, flag) in &self.added {
            let (list, bits) = if addr.is_ipv6() {
                (&mut *added6, &mut *flags6)
            } else {
                (&mut *added, &mut *flags)
            };
            write_addr(list, *addr);
            bits.push(flag.0);
        }
        for addr in &self.dropped {
            write_addr(if addr.is_ipv6() { dropped6 } else { dropped }, *addr);
        }
        let mut out = Encoder::new();
        out.dict(|d| {
            // The IPv4 lists are there even when empty: some readers want them.
            d.bytes(b"added", added);
            d.bytes(b"added.f", flags);
            if !added6.is_empty() {
                d.bytes(b"added6", added6);
                d.bytes(b"added6.f", flags6);
            }
            d.bytes(b"dropped", dropped);
            if !dropped6.is_empty() {
                d.bytes(b"dropped6", dropped6);
            }
        });
        out.finish()
    }
}

/// Addresses in compact form, `None` in the place of one that cannot be dialled.
fn compact(bytes: &[u8], v6: bool) -> impl Iterator<Item = Option<SocketAddr>> {
    bytes.chunks_exact(if v6 { 18 } else { 6 }).map(|chunk| {
        let (ip, port) = chunk.split_last_chunk::<2>()?;
        let v4 = <[u8; 4]>::try_from(ip).map(IpAddr::from);
        let ip = v4.or_else(|_| <[u8; 16]>::try_from(ip).map(IpAddr::from)).ok()?;
        let addr = SocketAddr::new(ip, u16::from_be_bytes(*port));
        let mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        let useless = ip.is_unspecified() || ip.is_multicast() || addr.port() == 0 || mapped;
        (!useless).then_some(addr)
    })
}

fn write_addr(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

/// What one peer was told: makes the differences.
#[derive(Debug, Default)]
pub struct PexSender {
    told: BTreeSet<SocketAddr>,
    last: Option<Instant>,
}

impl PexSender {
    /// When a message may go: at once first, then every minute.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.last.map(|last| last + INTERVAL)
    }

    /// The message to send now, given whom we are connected to (the peer itself left out, with the
    /// addresses that can be dialled). `None` when it is too early or nothing changed; what does
    /// not fit one message goes with the next.
    pub fn message(
        &mut self,
        now: Instant,
        connected: &BTreeMap<SocketAddr, PexFlags>,
    ) -> Option<Pex> {
        if self.next_deadline().is_some_and(|next| now < next) {
            return None;
        }
        let gone = self.told.iter().filter(|addr| !connected.contains_key(addr));
        let dropped: Vec<_> = gone.take(EACH_MAX).copied().collect();
        let new = connected.iter().filter(|(addr, _)| !self.told.contains(addr));
        let added: Vec<_> = new.take(EACH_MAX).map(|(addr, flags)| (*addr, *flags)).collect();
        if added.is_empty() && dropped.is_empty() {
            return None;
        }
        dropped.iter().for_each(|addr| _ = self.told.remove(addr));
        self.told.extend(added.iter().map(|(addr, _)| *addr));
        self.last = Some(now);
        Some(Pex { added, dropped })
    }
}

/// What became of a message that was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PexHeard {
    /// What is new.
    New {
        /// Worth a try; they were not named by this peer before, or are again.
        added: Vec<(SocketAddr, PexFlags)>,
        /// Named by this peer before, and gone from it now.
        dropped: Vec<SocketAddr>,
    },
    /// Too soon after the one before: dropped.
    TooSoon,
    /// Too often too soon, or no message at all: a reason to close.
    Flood,
}

/// What one peer named.
#[derive(Debug, Default)]
pub struct PexReceiver {
    /// Whom it says to be connected to.
    known: BTreeSet<SocketAddr>,
    last: Option<Instant>,
    strikes: u32,
}

impl PexReceiver {
    /// Takes a payload.
    pub fn receive(&mut self, now: Instant, payload: &[u8]) -> PexHeard {
        let soon = INTERVAL.saturating_sub(TOLERANCE);
        if self.last.is_some_and(|last| now.since(last) < soon) {
            self.strikes += 1;
            return if self.strikes > STRIKES_MAX { PexHeard::Flood } else { PexHeard::TooSoon };
        }
        let Some(pex) = Pex::decode(payload) else { return PexHeard::Flood };
        self.last = Some(now);
        let mut dropped = pex.dropped;
        dropped.retain(|addr| self.known.remove(addr));
        let room = KNOWN_MAX.saturating_sub(self.known.len());
        let mut new = pex.added;
        new.retain(|(addr, _)| self.known.len() < KNOWN_MAX && self.known.insert(*addr));
        new.truncate(room);
        PexHeard::New { added: new, dropped }
    }

    /// Whom the peer says to be connected to: who goes between us (BEP 55).
    #[must_use]
    pub fn names(&self, addr: SocketAddr) -> bool {
        self.known.contains(&addr)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::from_micros(1_000_000_000 + secs * 1_000_000)
    }

    fn peer(n: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, n], 6881))
    }

    fn connected(peers: impl IntoIterator<Item = u8>) -> BTreeMap<SocketAddr, PexFlags> {
        peers.into_iter().map(|n| (peer(n), PexFlags(n & 0x1f))).collect()
    }

    #[test]
    fn the_payload_is_that_of_the_bep() {
        let v6: SocketAddr = "[2001:db8::1]:6881".parse().unwrap();
        let pex = Pex {
            added: vec![(peer(1), PexFlags(PexFlags::SEED)), (v6, PexFlags(PexFlags::UTP))],
            dropped: vec![peer(2)],
        };
        let bytes = pex.encode();
        let expected = b"d5:added6:\x0a\0\0\x01\x1a\xe17:added.f1:\x026:added618:\x20\x01\x0d\xb8\
                         \0\0\0\0\0\0\0\0\0\0\0\x01\x1a\xe18:added6.f1:\x04\
                         7:dropped6:\x0a\0\0\x02\x1a\xe1e";
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(Pex::decode(&bytes), Some(pex));
        assert_eq!(Pex::decode(b"de"), Some(Pex::default()));
        assert_eq!(Pex::decode(b"le"), None);
        // Flags stay with their peers when one between cannot be dialled, and may be missing.
        let odd = b"d5:added18:\x0a\0\0\x01\x1a\xe1\x0a\0\0\x02\0\0\x0a\0\0\x03\x1a\xe1\
                    7:added.f3:\x01\x02\x04e";
        let flags: Vec<_> = Pex::decode(odd).unwrap().added.iter().map(|(_, f)| f.0).collect();
        assert_eq!(flags, [1, 4]);
    }

    #[test]
    fn differences_are_told_once_a_minute_and_fifty_at_a_time() {
        let mut sender = PexSender::default();
        assert_eq!(sender.message(at(0), &connected([])), None);
        let first = sender.message(at(0), &connected(0..120)).unwrap();
        assert_eq!((first.added.len(), first.dropped.len()), (50, 0));
        assert_eq!(sender.message(at(59), &connected(0..120)), None);
        assert_eq!(sender.next_deadline(), Some(at(60)));
        assert_eq!(sender.message(at(60), &connected(0..120)).unwrap().added.len(), 50);
        let third = sender.message(at(120), &connected(10..120)).unwrap();
        assert_eq!((third.added.len(), third.dropped.len()), (20, 10));
        assert_eq!(sender.message(at(180), &connected(10..120)), None);
    }

    #[test]
    fn what_one_peer_may_tell_is_bounded() {
        let mut receiver = PexReceiver::default();
        let pex = |added: Vec<SocketAddr>, dropped| Pex {
            added: added.into_iter().map(|addr| (addr, PexFlags::default())).collect(),
            dropped,
        };
        let heard = |r: &mut PexReceiver, secs, pex: &Pex| match r.receive(at(secs), &pex.encode())
        {
            PexHeard::New { added, .. } => added.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(heard(&mut receiver, 0, &pex(vec![peer(1), peer(2)], vec![])), 2);
        assert!(receiver.names(peer(1)));
        assert_eq!(heard(&mut receiver, 60, &pex(vec![peer(1), peer(3)], vec![])), 1);
        assert_eq!(heard(&mut receiver, 120, &pex(vec![peer(2)], vec![peer(2)])), 1, "it is back");
        let many: Vec<_> =
            (0..2000u32).map(|n| SocketAddr::from(((0x1000_0000 + n).to_be_bytes(), 1))).collect();
        let mut taken = 0;
        for (n, chunk) in (0..).zip(many.chunks(300)) {
            let added = heard(&mut receiver, 200 + n * 60, &pex(chunk.to_vec(), vec![]));
            assert!(added <= TAKEN_MAX);
            taken += added;
        }
        assert!(taken <= KNOWN_MAX && receiver.known.len() <= KNOWN_MAX);
        let early = pex(vec![peer(9)], vec![]).encode();
        let soon = at(200 + 6 * 60 + 1);
        for _ in 0..STRIKES_MAX {
            assert_eq!(receiver.receive(soon, &early), PexHeard::TooSoon);
        }
        assert_eq!(receiver.receive(soon, &early), PexHeard::Flood);
        assert_eq!(PexReceiver::default().receive(at(0), b"nonsense"), PexHeard::Flood);
    }

    proptest! {
        #[test]
        fn two_who_talk_agree(steps in prop::collection::vec(
            prop::collection::btree_set(0u8..60, 0..40), 1..12,
        )) {
            let (mut sender, mut receiver) = (PexSender::default(), PexReceiver::default());
            let mut last = connected([]);
            for (n, set) in (0..).zip(steps) {
                last = connected(set);
                if let Some(pex) = sender.message(at(n * 60), &last) {
                    receiver.receive(at(n * 60), &pex.encode());
                }
            }
            // Whoever was told lately is known, and nobody else.
            prop_assert!(receiver.known.iter().all(|addr| last.contains_key(addr)));
            prop_assert_eq!(receiver.known.len(), last.len());
        }
    }
}

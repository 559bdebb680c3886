//! The packets of UDP trackers as bytes (BEP 15), with options (BEP 41).
//!
//! Both directions, as the other side is needed for tests. Deliberately absent: what a packet is an
//! answer to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::base::{InfoHash, PeerId};
use crate::proto::tracker::{AnnounceEvent, AnnounceParams};

/// What every connect starts with: BEP 15's way to tell its packets from others.
const PROTOCOL: u64 = 0x0417_2710_1980;
/// Torrents of one scrape: what fits a packet (BEP 15: up to about 74).
pub const SCRAPE_MAX: usize = 74;
/// Bytes of an announce without options.
pub const ANNOUNCE_BYTES: usize = 98;
/// Bytes of one option's value: its length is one byte.
const OPTION_BYTES: usize = 255;
/// Bytes of path and query that are sent: what leaves the packet unfragmented.
pub const URL_DATA_MAX: usize = 1200;

/// A packet to a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Asks for a connection id.
    Connect {
        /// To be echoed.
        transaction: u32,
    },
    /// Announces.
    Announce {
        /// From a connect.
        connection: u64,
        /// To be echoed.
        transaction: u32,
        /// What.
        announce: Announce,
    },
    /// Asks for counts.
    Scrape {
        /// From a connect.
        connection: u64,
        /// To be echoed.
        transaction: u32,
        /// Of what; at most [`SCRAPE_MAX`].
        info_hashes: Vec<InfoHash>,
    },
}

/// The body of an announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Torrent.
    pub info_hash: InfoHash,
    /// Us.
    pub peer_id: PeerId,
    /// Bytes received since `started`.
    pub downloaded: u64,
    /// Bytes still wanted.
    pub left: u64,
    /// Bytes sent since `started`.
    pub uploaded: u64,
    /// Event.
    pub event: AnnounceEvent,
    /// Address to claim; unspecified for the packet's own.
    pub ip: Ipv4Addr,
    /// Session key.
    pub key: u32,
    /// Peers wanted.
    pub num_want: i32,
    /// Listen port.
    pub port: u16,
    /// Path and query of the tracker's URL (BEP 41); empty to send no options.
    pub url_data: Vec<u8>,
}

impl Announce {
    /// The body for what the announcer wants to say.
    #[must_use]
    pub fn new(params: &AnnounceParams, url_data: &[u8]) -> Self {
        let claimed = params.ip.as_deref().and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        // One that leaves wants no peers.
        let stopping = params.event == AnnounceEvent::Stopped;
        let num_want = if stopping { 0 } else { params.num_want };
        Self {
            info_hash: params.info_hash,
            peer_id: params.peer_id,
            downloaded: params.downloaded,
            left: params.left,
            uploaded: params.uploaded,
            event: params.event,
            ip: claimed.unwrap_or(Ipv4Addr::UNSPECIFIED),
            key: params.key,
            num_want: i32::try_from(num_want).unwrap_or(i32::MAX),
            port: params.port,
            url_data: url_data.get(..URL_DATA_MAX).unwrap_or(url_data).to_vec(),
        }
    }
}

/// A packet from a tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A connection id.
    Connect {
        /// Which connect it answers.
        transaction: u32,
        /// To be used for a minute.
        connection: u64,
    },
    /// Peers.
    Announce {
        /// Which announce it answers.
        transaction: u32,
        /// Seconds until the next.
        interval: u32,
        /// Downloaders.
        leechers: u32,
        /// Seeds.
        seeders: u32,
        /// Peers, of the socket's family.
        peers: Vec<SocketAddr>,
    },
    /// Counts, in the order that was asked: seeds, completed downloads, downloaders.
    Scrape {
        /// Which scrape it answers.
        transaction: u32,
        /// One for each torrent.
        counts: Vec<[u32; 3]>,
    },
    /// A refusal.
    Error {
        /// Which request it answers.
        transaction: u32,
        /// Why.
        message: Vec<u8>,
    },
}

/// Reads from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }
}

impl Request {
    /// The packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ANNOUNCE_BYTES);
        let (connection, action, transaction) = match self {
            Self::Connect { transaction } => (PROTOCOL, 0u32, transaction),
            Self::Announce { connection, transaction, .. } => (*connection, 1, transaction),
            Self::Scrape { connection, transaction, .. } => (*connection, 2, transaction),
        };
        out.extend_from_slice(&connection.to_be_bytes());
        out.extend_from_slice(&action.to_be_bytes());
        out.extend_from_slice(&transaction.to_be_bytes());
        match self {
            Self::Connect { .. } => {}
            Self::Announce { announce, .. } => announce.write(&mut out),
            Self::Scrape { info_hashes, .. } => {
                for hash in info_hashes.iter().take(SCRAPE_MAX) {
                    out.extend_from_slice(&hash.0);
                }
            }
        }
        out
    }

    /// Reads a packet, as a tracker does.
    #[must_use]
    pub fn decode(packet: &[u8]) -> Option<Self> {
        let mut r = Reader(packet);
        let (connection, action, transaction) = (r.u64()?, r.u32()?, r.u32()?);
        match action {
            0 if connection == PROTOCOL => Some(Self::Connect { transaction }),
            1 => {
                let announce = Announce::read(&mut r)?;
                Some(Self::Announce { connection, transaction, announce })
            }
            2 => {
                let hashes = r.0.as_chunks::<20>().0.iter().take(SCRAPE_MAX);
                let info_hashes = hashes.map(|hash| InfoHash(*hash)).collect();
                Some(Self::Scrape { connection, transaction, info_hashes })
            }
            _ => None,
        }
    }
}

impl Announce {
    fn write(&self, out: &mut Vec<u8>) {
        let event: u32 = match self.event {
            AnnounceEvent::None => 0,
            AnnounceEvent::Completed => 1,
            AnnounceEvent::Started => 2,
            AnnounceEvent::Stopped => 3,
        };
        out.extend_from_slice(&self.info_hash.0);
        out.extend_from_slice(&self.peer_id.0);
        out.extend_from_slice(&self.downloaded.to_be_bytes());
        out.extend_from_slice(&self.left.to_be_bytes());
        out.extend_from_slice(&self.uploaded.to_be_bytes());
        out.extend_from_slice(&event.to_be_bytes());
        out.extend_from_slice(&self.ip.octets());
        out.extend_from_slice(&self.key.to_be_bytes());
        out.extend_from_slice(&self.num_want.to_be_bytes());
        out.extend_from_slice(&self.port.to_be_bytes());
        // BEP 41: "URLData"; more than 255 bytes go into several, in order.
        for part in self.url_data.chunks(OPTION_BYTES) {
            out.push(2);
            out.push(u8::try_from(part.len()).unwrap_or(0));
            out.extend_from_slice(part);
        }
        // No end of options is sent: the packet's end is one, and without options the packet has
        // the 98 bytes that trackers from before BEP 41 expect.
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let (info_hash, peer_id) = (InfoHash(r.take()?), PeerId(r.take()?));
        let (downloaded, left, uploaded) = (r.u64()?, r.u64()?, r.u64()?);
        let event = match r.u32()? {
            0 => AnnounceEvent::None,
            1 => AnnounceEvent::Completed,
            2 => AnnounceEvent::Started,
            3 => AnnounceEvent::Stopped,
            _ => return None,
        };
        let (ip, key) = (Ipv4Addr::from(r.u32()?), r.u32()?);
        let (num_want, port) = (r.u32()?.cast_signed(), r.u16()?);
        let url_data = options(r);
        Some(Self {
            info_hash,
            peer_id,
            downloaded,
            left,
            uploaded,
            event,
            ip,
            key,
            num_want,
            port,
            url_data,
        })
    }
}

/// The URL data of a packet's options; what does not parse ends them.
fn options(r: &mut Reader<'_>) -> Vec<u8> {
    let mut url_data = Vec::new();
    while let Some([kind]) = r.take() {
        match kind {
            0 => break,
            1 => {}
            _ => {
                let Some([len]) = r.take() else { break };
                let Some(value) = r.slice(usize::from(len)) else { break };
                if kind == 2 {
                    url_data.extend_from_slice(value);
                }
            }
        }
    }
    url_data
}

impl Reply {
    /// Which request it answers.
    #[must_use]
    pub fn transaction(&self) -> u32 {
        match self {
            Self::Connect { transaction, .. }
            | Self::Announce { transaction, .. }
            | Self::Scrape { transaction, .. }
            | Self::Error { transaction, .. } => *transaction,
        }
    }

    /// Reads a packet that came over a socket of one family.
    #[must_use]
    pub fn decode(packet: &[u8], v6: bool) -> Option<Self> {
        let mut r = Reader(packet);
        let (action, transaction) = (r.u32()?, r.u32()?);
        match action {
            0 => Some(Self::Connect { transaction, connection: r.u64()? }),
            1 => {
                let (interval, leechers, seeders) = (r.u32()?, r.u32()?, r.u32()?);
                let peers = peers(r.0, v6);
                Some(Self::Announce { transaction, interval, leechers, seeders, peers })
            }
            2 => {
                let counts = r.0.as_chunks::<12>().0.iter().map(|chunk| {
                    let mut r = Reader(chunk);
                    core::array::from_fn(|_| r.u32().unwrap_or(0))
                });
                Some(Self::Scrape { transaction, counts: counts.take(SCRAPE_MAX).collect() })
            }
            3 => Some(Self::Error { transaction, message: r.0.to_vec() }),
            _ => None,
        }
    }

    /// The packet, as a tracker sends it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let action: u32 = match self {
            Self::Connect { .. } => 0,
            Self::Announce { .. } => 1,
            Self::Scrape { .. } => 2,
            Self::Error { .. } => 3,
        };
        out.extend_from_slice(&action.to_be_bytes());
        out.extend_from_slice(&self.transaction().to_be_bytes());
        match self {
            Self::Connect { connection, .. } => out.extend_from_slice(&connection.to_be_bytes()),
            Self::Announce { interval, leechers, seeders, peers, .. } => {
                for number in [interval, leechers, seeders] {
                    out.extend_from_slice(&number.to_be_bytes());
                }
                for peer in peers {
                    match peer.ip() {
                        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
                        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
                    }
                    out.extend_from_slice(&peer.port().to_be_bytes());
                }
            }
            Self::Scrape { counts, .. } => {
                counts.iter().flatten().for_each(|n| out.extend_from_slice(&n.to_be_bytes()));
            }
            Self::Error { message, .. } => out.extend_from_slice(message),
        }
        out
    }
}

/// Compact peers; those that cannot be dialled are left out.
fn peers(bytes: &[u8], v6: bool) -> Vec<SocketAddr> {
    let mut r = Reader(bytes);
    let mut out = Vec::new();
    loop {
        let ip =
            if v6 { r.take::<16>().map(IpAddr::from) } else { r.take::<4>().map(IpAddr::from) };
        let (Some(ip), Some(port)) = (ip, r.u16()) else { return out };
        if port != 0 && !ip.is_unspecified() && !ip.is_multicast() {
            out.push(SocketAddr::new(ip, port));
        }
    }
}

//! The datagram: an HTTP-like text (BEP 14).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::base::InfoHash;

/// The IPv4 group and port.
pub const GROUP_V4: (Ipv4Addr, u16) = (Ipv4Addr::new(239, 192, 152, 143), 6771);
/// The IPv6 group and port: site-local.
pub const GROUP_V6: (Ipv6Addr, u16) = (Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0xefc0, 0x988f), 6771);
/// Torrents of one datagram (BEP 14: it should not exceed 1400 bytes).
pub const HASHES_MAX: usize = 24;
/// Bytes of a datagram that is looked at.
const BYTES_MAX: usize = 4096;
/// Bytes of a cookie.
const COOKIE_MAX: usize = 64;

/// Who has what at which port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announce {
    /// Where the sender's peers listen.
    pub port: u16,
    /// Its torrents; at most [`HASHES_MAX`].
    pub info_hashes: Vec<InfoHash>,
    /// Whatever the sender put in to know its own again.
    pub cookie: Option<String>,
}

impl Announce {
    /// The datagram for a family's group.
    #[must_use]
    pub fn encode(&self, v6: bool) -> Vec<u8> {
        let host: SocketAddr = if v6 { GROUP_V6.into() } else { GROUP_V4.into() };
        let mut text = format!("BT-SEARCH * HTTP/1.1\r\nHost: {host}\r\nPort: {}\r\n", self.port);
        for hash in self.info_hashes.iter().take(HASHES_MAX) {
            text.push_str(&format!("Infohash: {hash}\r\n"));
        }
        if let Some(cookie) = &self.cookie {
            text.push_str(&format!("cookie: {cookie}\r\n"));
        }
        text.push_str("\r\n\r\n");
        text.into_bytes()
    }

    /// Reads a datagram. Names of fields in any case, in any order; what is not known is skipped.
    #[must_use]
    pub fn decode(data: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(data.get(..BYTES_MAX).unwrap_or(data)).ok()?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let search = (first.next()?, first.next()?) == ("BT-SEARCH", "*");
        if !search || !first.next()?.starts_with("HTTP/1.") {
            return None;
        }
        let mut out = Self { port: 0, info_hashes: Vec::new(), cookie: None };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "port" => out.port = value.parse().ok()?,
                "infohash" => {
                    if let Some(hash) = InfoHash::from_hex(value)
                        && out.info_hashes.len() < HASHES_MAX
                        && !out.info_hashes.contains(&hash)
                    {
                        out.info_hashes.push(hash);
                    }
                }
                "cookie" if value.len() <= COOKIE_MAX => out.cookie = Some(value.to_owned()),
                _ => {}
            }
        }
        (out.port != 0 && !out.info_hashes.is_empty()).then_some(out)
    }
}

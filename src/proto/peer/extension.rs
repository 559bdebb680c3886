//! The extension protocol's handshake (BEP 10) with what rides on it: partial seeds (BEP 21) and
//! `lt_donthave` (BEP 54).
//!
//! Deliberately absent: metadata exchange and peer exchange, which have rooms of their own to come.

use std::net::IpAddr;

use super::{Config, Fault, PeerExtensions};
use crate::base::limits::PEER_MESSAGE_BYTES;
use crate::codec::bencode::{Document, Encoder, Limits};

/// Local id of the extension handshake itself (BEP 10).
pub(super) const HANDSHAKE_ID: u8 = 0;
/// Our id for `lt_donthave`: what peers put into message 20 when they send it to us.
pub(super) const DONT_HAVE_ID: u8 = 7;
/// Name of BEP 54 in `m`.
const DONT_HAVE: &[u8] = b"lt_donthave";
/// Characters of a peer's `v` that are kept: it is shown, and sits in memory for every peer.
const CLIENT_CHARS: usize = 64;
/// Values in an extension handshake, keys included; real ones have some forty.
const ITEMS: usize = 2000;
/// Nesting; real ones have two levels.
const DEPTH: usize = 16;

/// What a peer's extension handshakes added up to: later ones may leave keys out (BEP 10).
#[derive(Debug, Default)]
pub(super) struct PeerState {
    /// What is reported.
    pub(super) extensions: PeerExtensions,
    /// The peer's id of `lt_donthave`, when it takes it.
    pub(super) dont_have_id: Option<u8>,
}

impl PeerState {
    /// Takes a handshake's payload. Keys with values of the wrong type or out of range are treated
    /// as absent; only a payload that is no dictionary is a fault.
    pub(super) fn update(&mut self, payload: &[u8]) -> Result<(), Fault> {
        let limits =
            Limits { items: ITEMS, depth: DEPTH, ..Limits::with_bytes(PEER_MESSAGE_BYTES) };
        // What follows the dictionary is not looked at.
        let (document, _) =
            Document::parse_prefix(payload, limits).map_err(|_| Fault::BadExtensionHandshake)?;
        let entries = document.root().as_dict().ok_or(Fault::BadExtensionHandshake)?;
        for (key, value) in entries {
            let number = value.as_int();
            match key {
                b"m" => {
                    if let Some(id) = value.get_int(DONT_HAVE) {
                        // BEP 10: id 0 switches an extension off.
                        self.dont_have_id = u8::try_from(id).ok().filter(|id| *id != 0);
                    }
                }
                b"p" => set(
                    &mut self.extensions.listen_port,
                    number.and_then(|n| u16::try_from(n).ok()).filter(|port| *port != 0),
                ),
                b"reqq" => {
                    set(&mut self.extensions.reqq, number.and_then(|n| u32::try_from(n).ok()));
                }
                b"upload_only" => self.extensions.upload_only = number.is_some_and(|n| n != 0),
                b"v" => set(&mut self.extensions.client, value.as_bytes().map(printable)),
                b"yourip" => set(&mut self.extensions.your_ip, value.as_bytes().and_then(address)),
                _ => {}
            }
        }
        self.extensions.dont_have = self.dont_have_id.is_some();
        Ok(())
    }
}

/// Replaces what is known when there is something new.
fn set<T>(slot: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *slot = new;
    }
}

/// Text from a peer, fit to be shown.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(CLIENT_CHARS).collect()
}

/// An address in network byte order.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Our extension handshake.
pub(super) fn encode(config: &Config) -> Vec<u8> {
    let mut out = Encoder::new();
    out.dict(|dict| {
        dict.dict(b"m", |m| m.int(DONT_HAVE, i64::from(DONT_HAVE_ID)));
        if config.listen_port != 0 {
            dict.int(b"p", i64::from(config.listen_port));
        }
        dict.int(b"reqq", i64::from(config.reqq));
        // Told when it is 0 too, so that a repeated handshake takes it back (BEP 21).
        dict.int(b"upload_only", i64::from(config.upload_only));
        if !config.client.is_empty() {
            dict.bytes(b"v", config.client.as_bytes());
        }
        match config.peer_addr.map(|ip| ip.to_canonical()) {
            Some(IpAddr::V4(ip)) => dict.bytes(b"yourip", &ip.octets()),
            Some(IpAddr::V6(ip)) => dict.bytes(b"yourip", &ip.octets()),
            None => {}
        }
    });
    out.finish()
}

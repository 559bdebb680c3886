//! The extension protocol's handshake (BEP 10) with what rides on it: partial seeds (BEP 21) and
//! `lt_donthave` (BEP 54).
//!
//! Deliberately absent: metadata exchange and peer exchange, which have rooms of their own to come.

use std::net::IpAddr;

use super::{Config, Fault, PeerExtensions};
use crate::proto::bcompat::Raw;

/// Local id of the extension handshake itself (BEP 10).
pub(super) const HANDSHAKE_ID: u8 = 0;
/// Our id for `lt_donthave`: what peers put into message 20 when they send it to us.
pub(super) const DONT_HAVE_ID: u8 = 7;
/// Name of BEP 54 in `m`.
const DONT_HAVE: &str = "lt_donthave";
/// Characters of a peer's `v` that are kept: it is shown, and sits in memory for every peer.
const CLIENT_CHARS: usize = 64;

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
        let root = Raw::parse(payload).ok_or(Fault::BadExtensionHandshake)?;
        let entries = root.entries().ok_or(Fault::BadExtensionHandshake)?;
        for (key, value) in entries {
            let number = value.int();
            match key {
                b"m" => {
                    if let Some(id) = value.get(DONT_HAVE.as_bytes()).and_then(Raw::int) {
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
                b"v" => set(&mut self.extensions.client, value.bytes().map(printable)),
                b"yourip" => set(&mut self.extensions.your_ip, value.bytes().and_then(address)),
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

/// Our extension handshake. Keys in order, as bencode wants (BEP 3).
pub(super) fn encode(config: &Config) -> Vec<u8> {
    let mut out = format!("d1:md{}:{DONT_HAVE}i{DONT_HAVE_ID}ee", DONT_HAVE.len()).into_bytes();
    if config.listen_port != 0 {
        out.extend(format!("1:pi{}e", config.listen_port).into_bytes());
    }
    out.extend(format!("4:reqqi{}e", config.reqq).into_bytes());
    // Told when it is 0 too, so that a repeated handshake takes it back (BEP 21).
    out.extend(format!("11:upload_onlyi{}e", u8::from(config.upload_only)).into_bytes());
    if !config.client.is_empty() {
        out.extend(format!("1:v{}:{}", config.client.len(), config.client).into_bytes());
    }
    match config.peer_addr.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => push_address(&mut out, &ip.octets()),
        Some(IpAddr::V6(ip)) => push_address(&mut out, &ip.octets()),
        None => {}
    }
    out.push(b'e');
    out
}

fn push_address(out: &mut Vec<u8>, octets: &[u8]) {
    out.extend(format!("6:yourip{}:", octets.len()).into_bytes());
    out.extend_from_slice(octets);
}

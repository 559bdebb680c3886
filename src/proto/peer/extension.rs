//! The extension protocol's handshake (BEP 10) with what rides on it: partial seeds (BEP 21),
//! `lt_donthave` (BEP 54), which of metadata exchange (BEP 9) and peer exchange (BEP 11) is spoken.
//!
//! Deliberately absent: the messages of those two (`ut_metadata`, `ut_pex`).

use std::net::IpAddr;

use super::{Config, Fault, PeerExtensions};
use crate::base::limits::PEER_MESSAGE_BYTES;
use crate::codec::bencode::{Document, Encoder, Limits};

/// Local id of the extension handshake itself (BEP 10).
pub(super) const HANDSHAKE_ID: u8 = 0;
/// Our ids: what peers put into message 20 when they send it to us.
pub(super) const PEX_ID: u8 = 1;
pub(super) const METADATA_ID: u8 = 2;
pub(super) const DONT_HAVE_ID: u8 = 7;
/// Name of BEP 54 in `m`.
const DONT_HAVE: &[u8] = b"lt_donthave";
/// Name of BEP 9 in `m`.
const METADATA: &[u8] = b"ut_metadata";
/// Name of BEP 11 in `m`.
const PEX: &[u8] = b"ut_pex";
/// Name of BEP 55 in `m`.
const HOLEPUNCH: &[u8] = b"ut_holepunch";
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
    /// The peer's ids of what it takes.
    pub(super) dont_have_id: Option<u8>,
    pub(super) metadata_id: Option<u8>,
    pub(super) pex_id: Option<u8>,
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
                b"e" => self.extensions.prefers_encryption = number.is_some_and(|n| n != 0),
                b"m" => {
                    switch(&mut self.dont_have_id, value.get_int(DONT_HAVE));
                    switch(&mut self.metadata_id, value.get_int(METADATA));
                    switch(&mut self.pex_id, value.get_int(PEX));
                    if let Some(id) = value.get_int(HOLEPUNCH) {
                        self.extensions.holepunch = id != 0;
                    }
                }
                b"metadata_size" => {
                    let size = number.and_then(|n| u32::try_from(n).ok());
                    set(&mut self.extensions.metadata_size, size);
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
        self.extensions.metadata = self.metadata_id.is_some();
        self.extensions.pex = self.pex_id.is_some();
        Ok(())
    }
}

/// Takes over the id of an extension that a handshake names; BEP 10: 0 switches it off.
fn switch(slot: &mut Option<u8>, id: Option<i64>) {
    if let Some(id) = id {
        *slot = u8::try_from(id).ok().filter(|id| *id != 0);
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
        dict.dict(b"m", |m| {
            m.int(DONT_HAVE, i64::from(DONT_HAVE_ID));
            m.int(METADATA, i64::from(METADATA_ID));
            // Told when it is off too, so that a repeated handshake takes it back.
            m.int(PEX, if config.pex { i64::from(PEX_ID) } else { 0 });
        });
        if config.metadata_size > 0 {
            dict.int(b"metadata_size", i64::from(config.metadata_size));
        }
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

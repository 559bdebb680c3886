//! The 68-byte handshake (BEP 3, BEP 20): a pure reader that fails on the first wrong byte.
//!
//! Deliberately absent: the decision whether the torrent is one of ours (the session's).

use bytes::{BufMut, BytesMut};

use super::{Fault, Handshake};
use crate::base::{InfoHash, PeerId};

/// Length prefix and protocol name.
const PREFIX: &[u8; 20] = b"\x13BitTorrent protocol";
/// Bytes up to the peer id. Some clients send these first and the peer id only after they saw ours.
const WITHOUT_PEER_ID: usize = 48;
/// The whole handshake.
pub(super) const LEN: usize = 68;

/// Reserved byte and bit of the extension protocol (BEP 10).
const EXTENDED: (usize, u8) = (5, 0x10);
/// Reserved byte and bit of the DHT (BEP 5).
const DHT: (usize, u8) = (7, 0x01);
/// Reserved byte and bit of the fast extension (BEP 6).
const FAST: (usize, u8) = (7, 0x04);

impl Handshake {
    /// The handshake this engine sends: the extension protocol and the fast extension.
    #[must_use]
    pub fn ours(info_hash: InfoHash, peer_id: PeerId) -> Self {
        let mut reserved = [0; 8];
        for (byte, bit) in [EXTENDED, FAST] {
            if let Some(slot) = reserved.get_mut(byte) {
                *slot |= bit;
            }
        }
        Self { reserved, info_hash, peer_id }
    }

    /// The same, with the word that there is a node of the DHT (BEP 5).
    #[must_use]
    pub fn with_dht(mut self, dht: bool) -> Self {
        let (byte, bit) = DHT;
        if let (Some(slot), true) = (self.reserved.get_mut(byte), dht) {
            *slot |= bit;
        }
        self
    }

    /// Whether the sender has a node of the DHT (BEP 5).
    #[must_use]
    pub fn dht(&self) -> bool {
        self.bit(DHT)
    }

    /// Whether the sender speaks the fast extension (BEP 6).
    #[must_use]
    pub fn fast(&self) -> bool {
        self.bit(FAST)
    }

    /// Whether the sender speaks the extension protocol (BEP 10).
    #[must_use]
    pub fn extended(&self) -> bool {
        self.bit(EXTENDED)
    }

    fn bit(&self, (byte, bit): (usize, u8)) -> bool {
        self.reserved.get(byte).is_some_and(|b| b & bit != 0)
    }
}

/// Appends the wire form.
pub(super) fn encode(handshake: &Handshake, out: &mut BytesMut) {
    out.reserve(LEN);
    out.put_slice(PREFIX);
    out.put_slice(&handshake.reserved);
    out.put_slice(&handshake.info_hash.0);
    out.put_slice(&handshake.peer_id.0);
}

/// Takes a handshake off the front of `data` when all of it is there. A wrong protocol name, or
/// another info-hash than `expected`, is told from as few bytes as show it.
pub(super) fn decode(
    data: &mut BytesMut,
    expected: Option<&InfoHash>,
) -> Result<Option<Handshake>, Fault> {
    let seen = data.len().min(PREFIX.len());
    if data.get(..seen) != PREFIX.get(..seen) {
        return Err(Fault::BadHandshake);
    }
    if let (Some(hash), Some(expected)) = (field::<20>(data, 28), expected)
        && hash != expected.0
    {
        return Err(Fault::WrongInfoHash);
    }
    let (Some(reserved), Some(hash), Some(peer_id)) =
        (field(data, PREFIX.len()), field(data, 28), field(data, WITHOUT_PEER_ID))
    else {
        return Ok(None);
    };
    let _ = data.split_to(LEN);
    Ok(Some(Handshake { reserved, info_hash: InfoHash(hash), peer_id: PeerId(peer_id) }))
}

/// The `N` bytes at `at`, when they are there.
fn field<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

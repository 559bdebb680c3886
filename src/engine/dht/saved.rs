//! What the service keeps between sessions: the machine's state, and the newest version of each
//! pointer that was followed or published.

use std::collections::BTreeMap;

use crate::base::limits::{DHT_SALT_BYTES, DHT_VALUE_BYTES};
use crate::codec::bencode::{Document, Encoder, Error, Limits};
use crate::proto::dht::{MutableItem, NodeId, PublicKey, State, Value};

/// Pointers kept.
pub(super) const MAX_POINTERS: usize = 1000;
/// Bytes of a saved state.
const MAX_BYTES: usize = 128 * 1024 + MAX_POINTERS * (DHT_VALUE_BYTES + DHT_SALT_BYTES + 200);

/// A saved state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    pub(super) machine: State,
    pub(super) pointers: BTreeMap<NodeId, MutableItem>,
}

impl Saved {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.dict(|d| {
            d.list(b"pointers", |l| {
                for item in self.pointers.values() {
                    l.dict(|d| {
                        d.bytes(b"k", &item.key().0);
                        d.bytes(b"salt", item.salt());
                        d.int(b"seq", item.seq());
                        d.bytes(b"sig", item.signature());
                        d.bytes(b"v", item.value().as_bytes());
                    });
                }
            });
            d.bytes(b"state", &self.machine.encode());
        });
        out.finish()
    }

    /// From bytes. Pointers whose signature does not fit are left out.
    ///
    /// # Errors
    /// When the bytes are not bencode, or too many.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let document = Document::parse_with(bytes, Limits::with_bytes(MAX_BYTES))?;
        let root = document.root();
        let machine = match root.get_bytes(b"state") {
            Some(state) => State::decode(state)?,
            None => State::default(),
        };
        let list = root.get(b"pointers").and_then(|list| list.as_list());
        let items = list.into_iter().flatten().take(MAX_POINTERS).filter_map(|entry| {
            let key = PublicKey(entry.get_bytes(b"k")?.try_into().ok()?);
            let signature: &[u8; 64] = entry.get_bytes(b"sig")?.try_into().ok()?;
            let value = Value::new(entry.get_bytes(b"v")?).ok()?;
            let (salt, seq) = (entry.get_bytes(b"salt")?, entry.get_int(b"seq")?);
            MutableItem::verify(key, salt, seq, signature, value).ok()
        });
        Ok(Self { machine, pointers: items.map(|item| (item.target(), item)).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dht::SecretKey;

    #[test]
    fn round_trip_without_what_was_forged() {
        let secret = SecretKey::from_seed(&[1; 32]);
        let item =
            |salt: &[u8]| MutableItem::sign(&secret, salt, 7, Value::new(b"i1e").unwrap()).unwrap();
        let mut saved = Saved::default();
        for salt in [&b""[..], b"two"] {
            saved.pointers.insert(item(salt).target(), item(salt));
        }
        let bytes = saved.encode();
        assert_eq!(Saved::decode(&bytes), Ok(saved));
        let forged = bytes.windows(3).position(|w| w == b"i1e").unwrap();
        let mut bytes = bytes;
        bytes[forged + 1] = b'2';
        assert_eq!(Saved::decode(&bytes).unwrap().pointers.len(), 1);
        assert!(Saved::decode(b"d").is_err());
        assert_eq!(Saved::decode(b"de"), Ok(Saved::default()));
    }
}

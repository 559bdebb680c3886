//! Stored items (BEP 44): values anybody may store under their hash, and values that the owner of a
//! key signs and may replace.
//!
//! A [`MutableItem`] that exists has a signature that fits, and a [`Value`] is one bencoded value
//! of legal length; so nothing above this file can spread what the network would not take.

use core::fmt;

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ed25519_dalek::{Verifier, VerifyingKey};
use sha1::{Digest, Sha1};
use sha2::Sha512;

use super::NodeId;
use crate::base::limits::{DHT_SALT_BYTES, DHT_VALUE_BYTES};
use crate::codec::bencode::{Document, Limits};

/// Why something is not an item. The numbers that go over the wire are in [`Self::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemError {
    /// The value is not one bencoded value.
    NotBencoded,
    /// The value has more than 1000 bytes.
    ValueTooLong,
    /// The salt has more than 64 bytes.
    SaltTooLong,
    /// The sequence number is negative.
    BadSequence,
    /// The signature does not fit, or the key is no key.
    BadSignature,
}

impl ItemError {
    /// The KRPC error code (BEP 44, "Errors").
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::NotBencoded | Self::BadSequence => 203,
            Self::ValueTooLong => 205,
            Self::BadSignature => 206,
            Self::SaltTooLong => 207,
        }
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotBencoded => "value is not bencoded",
            Self::ValueTooLong => "value too long",
            Self::SaltTooLong => "salt too long",
            Self::BadSequence => "negative sequence number",
            Self::BadSignature => "invalid signature",
        })
    }
}

impl core::error::Error for ItemError {}

/// One bencoded value of at most 1000 bytes, kept as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Box<[u8]>);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.0.escape_ascii())
    }
}

impl Value {
    /// Checks a bencoded value.
    ///
    /// # Errors
    /// When it is too long, or not one bencoded value.
    pub fn new(bencoded: &[u8]) -> Result<Self, ItemError> {
        if bencoded.len() > DHT_VALUE_BYTES {
            return Err(ItemError::ValueTooLong);
        }
        let limits = Limits::with_bytes(DHT_VALUE_BYTES);
        Document::parse_with(bencoded, limits).map_err(|_| ItemError::NotBencoded)?;
        Ok(Self(bencoded.into()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key an immutable item of this value has: its SHA-1.
    #[must_use]
    pub fn target(&self) -> NodeId {
        NodeId(Sha1::digest(&self.0).into())
    }
}

/// An ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl fmt::Display for PublicKey {
    /// Lower-case hexadecimal, 64 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl PublicKey {
    /// The key items of this owner and salt are stored under: the SHA-1 of both.
    #[must_use]
    pub fn target(&self, salt: &[u8]) -> NodeId {
        NodeId(Sha1::new().chain_update(self.0).chain_update(salt).finalize().into())
    }
}

/// An ed25519 secret key in expanded form, as libtorrent and the BEP's vectors have it. Never
/// printed.
#[derive(Clone)]
pub struct SecretKey([u8; 64]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl SecretKey {
    /// The key that follows from 32 bytes of the host's entropy.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Sha512::digest(seed).into()).clamped()
    }

    /// A key in expanded form: scalar, then prefix.
    #[must_use]
    pub fn from_expanded(bytes: &[u8; 64]) -> Self {
        Self(*bytes).clamped()
    }

    fn clamped(mut self) -> Self {
        let [first, middle @ ..] = &mut self.0;
        *first &= 0xf8;
        if let Some(last) = middle.get_mut(30) {
            *last = (*last & 0x3f) | 0x40;
        }
        self
    }

    /// The key in expanded form, to be kept secret by the host.
    #[must_use]
    pub fn expanded(&self) -> &[u8; 64] {
        &self.0
    }

    fn key(&self) -> ExpandedSecretKey {
        ExpandedSecretKey::from_bytes(&self.0)
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(VerifyingKey::from(&self.key()).to_bytes())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let key = self.key();
        raw_sign::<Sha512>(&key, message, &VerifyingKey::from(&key)).to_bytes()
    }
}

/// A signed value, with a signature that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutableItem {
    key: PublicKey,
    salt: Box<[u8]>,
    seq: i64,
    signature: Box<[u8; 64]>,
    value: Value,
}

impl MutableItem {
    /// Signs a value.
    ///
    /// # Errors
    /// When the salt is too long or the sequence number negative.
    pub fn sign(
        secret: &SecretKey,
        salt: &[u8],
        seq: i64,
        value: Value,
    ) -> Result<Self, ItemError> {
        check(salt, seq)?;
        let signature = Box::new(secret.sign(&signed_part(salt, seq, &value.0)));
        Ok(Self { key: secret.public(), salt: salt.into(), seq, signature, value })
    }

    /// Checks a signed value that came from elsewhere. Costs a signature check.
    ///
    /// # Errors
    /// When a part is out of bounds or the signature does not fit.
    pub fn verify(
        key: PublicKey,
        salt: &[u8],
        seq: i64,
        signature: &[u8; 64],
        value: Value,
    ) -> Result<Self, ItemError> {
        check(salt, seq)?;
        let verifier = VerifyingKey::from_bytes(&key.0).map_err(|_| ItemError::BadSignature)?;
        verifier
            .verify(&signed_part(salt, seq, &value.0), &signature.into())
            .map_err(|_| ItemError::BadSignature)?;
        let signature = Box::new(*signature);
        Ok(Self { key, salt: salt.into(), seq, signature, value })
    }

    /// The owner.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.key
    }

    /// The owner's key as bytes.
    pub(super) fn key_bytes(&self) -> &[u8; 32] {
        &self.key.0
    }

    /// What tells several items of one owner apart; may be empty.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Its version; a higher one replaces it.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// The owner's signature.
    #[must_use]
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// What is said.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Where it is stored.
    #[must_use]
    pub fn target(&self) -> NodeId {
        self.key.target(&self.salt)
    }
}

fn check(salt: &[u8], seq: i64) -> Result<(), ItemError> {
    if salt.len() > DHT_SALT_BYTES {
        return Err(ItemError::SaltTooLong);
    }
    if seq < 0 { Err(ItemError::BadSequence) } else { Ok(()) }
}

/// What is signed (BEP 44, "Signature Verification").
fn signed_part(salt: &[u8], seq: i64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + salt.len() + 48);
    if !salt.is_empty() {
        out.extend_from_slice(format!("4:salt{}:", salt.len()).as_bytes());
        out.extend_from_slice(salt);
    }
    out.extend_from_slice(format!("3:seqi{seq}e1:v").as_bytes());
    out.extend_from_slice(value);
    out
}

/// An item of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// Its key is its hash.
    Immutable(Value),
    /// Its key is its owner's.
    Mutable(MutableItem),
}

impl Item {
    /// Where it is stored.
    #[must_use]
    pub fn target(&self) -> NodeId {
        match self {
            Self::Immutable(value) => value.target(),
            Self::Mutable(item) => item.target(),
        }
    }

    /// What is said.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Immutable(value) => value,
            Self::Mutable(item) => item.value(),
        }
    }

    /// The version of a mutable item.
    #[must_use]
    pub fn seq(&self) -> Option<i64> {
        match self {
            Self::Immutable(_) => None,
            Self::Mutable(item) => Some(item.seq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dht::tests::hex;

    const SECRET: &str = "e06d3183d14159228433ed599221b80bd0a5ce8352e4bdf0262f76786ef1c74d\
                          b7e7a9fea2c0eb269d61e3b38e450a22e754941ac78479d6c54e1faf6037881d";
    const PUBLIC: &str = "77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548";

    fn secret() -> SecretKey {
        SecretKey::from_expanded(&hex(SECRET).try_into().unwrap())
    }

    /// BEP 44, test vectors 1 and 2.
    #[test]
    fn bep_44_mutable_vectors() {
        assert_eq!(secret().public().to_string(), PUBLIC);
        let vectors = [
            (
                "",
                "3:seqi1e1:v12:Hello World!",
                "4a533d47ec9c7d95b1ad75f576cffc641853b750",
                "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff\
                 1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01",
            ),
            (
                "foobar",
                "4:salt6:foobar3:seqi1e1:v12:Hello World!",
                "411eba73b6f087ca51a3795d9c8c938d365e32c1",
                "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d\
                 df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08",
            ),
        ];
        for (salt, buffer, target, signature) in vectors {
            let value = Value::new(b"12:Hello World!").unwrap();
            assert_eq!(signed_part(salt.as_bytes(), 1, value.as_bytes()), buffer.as_bytes());
            let item = MutableItem::sign(&secret(), salt.as_bytes(), 1, value.clone()).unwrap();
            assert_eq!(item.target().to_string(), target);
            let signature: [u8; 64] = hex(signature).try_into().unwrap();
            assert_eq!(item.signature(), &signature);
            let verify = |salt: &[u8], seq, value: &Value| {
                MutableItem::verify(item.key(), salt, seq, &signature, value.clone())
            };
            assert_eq!(verify(salt.as_bytes(), 1, &value).as_ref(), Ok(&item));
            assert_eq!(verify(b"other", 1, &value), Err(ItemError::BadSignature));
            assert_eq!(verify(salt.as_bytes(), 2, &value), Err(ItemError::BadSignature));
            let other = Value::new(b"12:Hello world!").unwrap();
            assert_eq!(verify(salt.as_bytes(), 1, &other), Err(ItemError::BadSignature));
        }
    }

    /// BEP 44, test vector 3.
    #[test]
    fn bep_44_immutable_vector() {
        let value = Value::new(b"12:Hello World!").unwrap();
        assert_eq!(value.target().to_string(), "e5f96f6f38320f0f33959cb4d3d656452117aadb");
    }

    #[test]
    fn bounds() {
        assert_eq!(Value::new(b"12:Hello"), Err(ItemError::NotBencoded));
        assert_eq!(Value::new(b"i1ei2e"), Err(ItemError::NotBencoded));
        let longest = [b"996:".as_slice(), &[b'x'; 996]].concat();
        assert!(Value::new(&longest).is_ok());
        let longer = [b"997:".as_slice(), &[b'x'; 997]].concat();
        assert_eq!(Value::new(&longer), Err(ItemError::ValueTooLong));
        let value = Value::new(b"i1e").unwrap();
        let sign = |salt: &[u8], seq| MutableItem::sign(&secret(), salt, seq, value.clone());
        assert!(sign(&[1; 64], i64::MAX).is_ok());
        assert_eq!(sign(&[1; 65], 1), Err(ItemError::SaltTooLong));
        assert_eq!(sign(b"", -1), Err(ItemError::BadSequence));
        assert_eq!(format!("{:?}", secret()), "SecretKey(..)");
    }

    #[test]
    fn a_key_from_a_seed_signs_like_any_other() {
        // RFC 8032, test 1: the public key that belongs to this seed.
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let secret = SecretKey::from_seed(&seed.try_into().unwrap());
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(secret.public().to_string(), public);
        assert_eq!(SecretKey::from_expanded(secret.expanded()).public(), secret.public());
    }
}

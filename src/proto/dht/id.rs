//! Node ids and their metric (BEP 5), and the rule that ties an id to an address (BEP 42).

use core::fmt;
use std::net::IpAddr;

use crate::base::{InfoHash, Rng};

/// Bits of an id.
pub const ID_BITS: usize = 160;

/// A place in the key space: a node's id, an info-hash or an item's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeId(pub [u8; 20]);

/// How far two places are apart: their exclusive or, compared as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Distance([u8; 20]);

impl Distance {
    /// Farther than anything: for nodes whose id is not known yet.
    pub const UNKNOWN: Self = Self([0xff; 20]);
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl fmt::Display for NodeId {
    /// Lower-case hexadecimal, 40 characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl From<InfoHash> for NodeId {
    fn from(hash: InfoHash) -> Self {
        Self(hash.0)
    }
}

impl From<NodeId> for InfoHash {
    fn from(id: NodeId) -> Self {
        Self(id.0)
    }
}

impl NodeId {
    /// 20 bytes as an id; `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Any id.
    pub fn random(rng: &mut Rng) -> Self {
        let mut id = [0; 20];
        rng.fill(&mut id);
        Self(id)
    }

    /// A random id that shares exactly the first `bits` bits with this one (all of them from 160
    /// on).
    #[must_use]
    pub fn sibling(self, bits: usize, rng: &mut Rng) -> Self {
        let mut out = Self::random(rng);
        for bit in 0..bits.min(ID_BITS) {
            out.set_bit(bit, self.bit(bit));
        }
        if bits < ID_BITS {
            out.set_bit(bits, !self.bit(bits));
        }
        out
    }

    /// Exclusive or.
    #[must_use]
    pub fn distance(self, other: Self) -> Distance {
        let mut out = self.0;
        for (a, b) in out.iter_mut().zip(other.0) {
            *a ^= b;
        }
        Distance(out)
    }

    /// How many leading bits two ids share, 0 to 160.
    #[must_use]
    pub fn common_bits(self, other: Self) -> usize {
        let mut bits = 0;
        for (a, b) in self.0.into_iter().zip(other.0) {
            let same = (a ^ b).leading_zeros();
            bits += same as usize;
            if same < 8 {
                break;
            }
        }
        bits
    }

    fn bit(self, at: usize) -> bool {
        self.0.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0)
    }

    fn set_bit(&mut self, at: usize, on: bool) {
        if let Some(byte) = self.0.get_mut(at / 8) {
            let mask = 0x80 >> (at % 8);
            *byte = if on { *byte | mask } else { *byte & !mask };
        }
    }

    /// A random id that BEP 42 allows a node at `ip`. Any id for exempt addresses.
    pub fn secure(ip: IpAddr, rng: &mut Rng) -> Self {
        let mut id = Self::random(rng);
        if !is_exempt(ip) {
            let [.., last] = id.0;
            id.set_prefix(ip, last);
        }
        id
    }

    /// Gives the id the 21 bits that BEP 42 wants for `ip` and the id's last byte.
    fn set_prefix(&mut self, ip: IpAddr, last: u8) {
        let [a, b, c, _] = prefix(ip, last).to_be_bytes();
        let [first, second, third, ..] = &mut self.0;
        *first = a;
        *second = b;
        *third = (c & 0xf8) | (*third & 0x07);
    }

    /// Whether BEP 42 allows this id to a node at `ip`; always true for exempt addresses.
    #[must_use]
    pub fn is_secure(self, ip: IpAddr) -> bool {
        let [a, b, c, .., last] = self.0;
        let ip = ip.to_canonical();
        is_exempt(ip) || (u32::from_be_bytes([a, b, c, 0]) ^ prefix(ip, last)) >> 11 == 0
    }
}

/// The hash whose first 21 bits an id must start with (BEP 42, "Node ID restriction").
fn prefix(ip: IpAddr, last: u8) -> u32 {
    const V4_MASK: [u8; 4] = [0x03, 0x0f, 0x3f, 0xff];
    const V6_MASK: [u8; 8] = [0x01, 0x03, 0x07, 0x0f, 0x1f, 0x3f, 0x7f, 0xff];
    let r = (last & 0x07) << 5;
    match ip {
        IpAddr::V4(ip) => masked_crc(ip.octets(), V4_MASK, r),
        IpAddr::V6(ip) => {
            let [a, b, c, d, e, f, g, h, ..] = ip.octets();
            masked_crc([a, b, c, d, e, f, g, h], V6_MASK, r)
        }
    }
}

fn masked_crc<const N: usize>(mut ip: [u8; N], mask: [u8; N], r: u8) -> u32 {
    for (byte, mask) in ip.iter_mut().zip(mask) {
        *byte &= mask;
    }
    if let Some(first) = ip.first_mut() {
        *first |= r;
    }
    crc32c(&ip)
}

/// CRC-32C (Castagnoli). At most eight bytes are ever hashed, so no table is worth its cache lines.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

/// Whether an address is exempt from BEP 42, from diversity rules and from flood bans: loopback,
/// private and link-local ranges, where one machine may well be a whole network.
#[must_use]
pub fn is_exempt(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(hex: &str) -> NodeId {
        NodeId(InfoHash::from_hex(&hex.replace(' ', "")).unwrap().0)
    }

    /// BEP 42, "test vectors".
    const VECTORS: [(&str, u8, &str); 5] = [
        ("124.31.75.21", 1, "5fbfbf f10c5d6a4ec8a88e4c6ab4c28b95eee4 01"),
        ("21.75.31.124", 86, "5a3ce9 c14e7a08645677bbd1cfe7d8f956d532 56"),
        ("65.23.51.170", 22, "a5d432 20bc8f112a3d426c84764f8c2a1150e6 16"),
        ("84.124.73.14", 65, "1b0321 dd1bb1fe518101ceef99462b947a01ff 41"),
        ("43.213.53.83", 90, "e56f6c bf5b7c4be0237986d5243b87aa6d5130 5a"),
    ];

    #[test]
    fn bep_42_vectors() {
        for (ip, r, expected) in VECTORS {
            let (ip, expected): (IpAddr, _) = (ip.parse().unwrap(), id(expected));
            assert_eq!(expected.0[19], r);
            assert!(expected.is_secure(ip), "{ip}");
            let mut other = expected;
            other.0[0] ^= 0x80;
            assert!(!other.is_secure(ip));
            other = expected;
            other.0[2] ^= 0x08;
            assert!(!other.is_secure(ip));
            // The three bits below the 21 and everything between are free.
            other = expected;
            (other.0[2], other.0[10]) = (other.0[2] ^ 0x07, !other.0[10]);
            assert!(other.is_secure(ip));
            let mut made = NodeId([0; 20]);
            made.set_prefix(ip, r);
            assert_eq!(made.0[..2], expected.0[..2]);
            assert_eq!(made.0[2] & 0xf8, expected.0[2] & 0xf8);
        }
    }

    #[test]
    fn made_ids_are_secure_and_exempt_addresses_need_none() {
        let mut rng = Rng::new(1);
        for ip in ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.4.4"] {
            let ip: IpAddr = ip.parse().unwrap();
            for _ in 0..50 {
                assert!(NodeId::secure(ip.to_canonical(), &mut rng).is_secure(ip));
            }
            let lucky = (0..1000).filter(|_| NodeId::random(&mut rng).is_secure(ip)).count();
            assert_eq!(lucky, 0);
        }
        for ip in ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.9.9", "169.254.1.1", "::1"] {
            assert!(NodeId::random(&mut rng).is_secure(ip.parse().unwrap()));
        }
    }

    #[test]
    fn crc32c_check_value() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn siblings_share_exactly_so_many_bits() {
        let mut rng = Rng::new(2);
        let own = NodeId::random(&mut rng);
        for bits in 0..=160 {
            assert_eq!(own.common_bits(own.sibling(bits, &mut rng)), bits);
        }
        assert!(own.distance(own) < own.distance(own.sibling(159, &mut rng)));
    }
}

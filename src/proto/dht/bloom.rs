//! The filters that count a swarm across nodes (BEP 33).

use std::net::IpAddr;

use sha1::{Digest, Sha1};

/// Bytes of a filter.
pub const BLOOM_BYTES: usize = 256;
const BITS: u16 = 2048;
const HASHES: f64 = 2.0;

/// A set of addresses whose size can be estimated; unions are exact.
#[derive(Clone, PartialEq, Eq)]
pub struct Bloom([u8; BLOOM_BYTES]);

impl core::fmt::Debug for Bloom {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bloom(about {:.0})", self.estimate())
    }
}

impl Default for Bloom {
    fn default() -> Self {
        Self([0; BLOOM_BYTES])
    }
}

impl Bloom {
    /// A filter as received; `None` unless it has 256 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The filter as sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; BLOOM_BYTES] {
        &self.0
    }

    /// Adds an address.
    pub fn insert(&mut self, ip: IpAddr) {
        for bit in bits(ip) {
            if let Some(byte) = self.0.get_mut(usize::from(bit / 8)) {
                *byte |= 1 << (bit % 8);
            }
        }
    }

    /// Whether an address may be in the set; false is certain.
    #[must_use]
    pub fn may_contain(&self, ip: IpAddr) -> bool {
        let set = |bit: u16| {
            self.0.get(usize::from(bit / 8)).is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
        };
        bits(ip).into_iter().all(set)
    }

    /// Adds another set.
    pub fn union(&mut self, other: &Self) {
        for (byte, other) in self.0.iter_mut().zip(other.0) {
            *byte |= other;
        }
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; BLOOM_BYTES]
    }

    /// About how many addresses are in it (BEP 33, "Calculating the estimate"); worthless from some
    /// 6000 on.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        let zeros: u32 = self.0.iter().map(|byte| byte.count_zeros()).sum();
        let m = f64::from(BITS);
        // A full filter would be an infinite set.
        let c = f64::from(zeros).clamp(1.0, m - 1.0);
        if self.is_empty() {
            return 0.0;
        }
        (c / m).ln() / (HASHES * (1.0 - 1.0 / m).ln())
    }
}

fn bits(ip: IpAddr) -> [u16; 2] {
    let hash: [u8; 20] = match ip {
        IpAddr::V4(ip) => Sha1::digest(ip.octets()),
        IpAddr::V6(ip) => Sha1::digest(ip.octets()),
    }
    .into();
    let [a, b, c, d, ..] = hash;
    [u16::from_le_bytes([a, b]) % BITS, u16::from_le_bytes([c, d]) % BITS]
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    /// BEP 33, "Test Vectors".
    const EXPECTED: &str = "\
        F6C3F5EAA07FFD91BDE89F777F26FB2BFF37BDB8FB2BBAA2FD3DDDE7BACFFF75EE7CCBAE\
        FE5EEDB1FBFAFF67F6ABFF5E43DDBCA3FD9B9FFDF4FFD3E9DFF12D1BDF59DB53DBE9FA5B\
        7FF3B8FDFCDE1AFB8BEDD7BE2F3EE71EBBBFE93BCDEEFE148246C2BC5DBFF7E7EFDCF24F\
        D8DC7ADFFD8FFFDFDDFFF7A4BBEEDF5CB95CE81FC7FCFF1FF4FFFFDFE5F7FDCBB7FD79B3\
        FA1FC77BFE07FFF905B7B7FFC7FEFEFFE0B8370BB0CD3F5B7F2BD93FEB4386CFDD6F7FD5\
        BFAF2E9EBFFFFEECD67ADBF7C67F17EFD5D75EBA6FFEBA7FFF47A91EB1BFBB53E8ABFB57\
        62ABE8FF237279BFEFBFEEF5FFC5FEBFDFE5ADFFADFEE1FB737FFFFBFD9F6AEFFEEE76B6\
        FD8F72EF";

    #[test]
    fn bep_33_vector() {
        let mut bloom = Bloom::default();
        assert_eq!(bloom.estimate().to_bits(), 0f64.to_bits());
        for last in 0..=255 {
            bloom.insert(Ipv4Addr::new(192, 0, 2, last).into());
        }
        for last in 0..=0x3e7 {
            bloom.insert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into());
        }
        let hex: String = bloom.as_bytes().iter().map(|b| format!("{b:02X}")).collect();
        assert_eq!(hex, EXPECTED);
        assert!((bloom.estimate() - 1224.9308).abs() < 0.0001, "{}", bloom.estimate());
        assert!(bloom.may_contain(Ipv4Addr::new(192, 0, 2, 9).into()));
    }

    #[test]
    fn unions_and_full_filters() {
        let (mut a, mut b) = (Bloom::default(), Bloom::default());
        a.insert(Ipv4Addr::new(1, 2, 3, 4).into());
        b.insert(Ipv4Addr::new(4, 3, 2, 1).into());
        assert!(!a.may_contain(Ipv4Addr::new(4, 3, 2, 1).into()));
        a.union(&b);
        assert!(a.may_contain(Ipv4Addr::new(4, 3, 2, 1).into()));
        let full = Bloom::from_slice(&[0xff; 256]).unwrap();
        assert!(full.estimate().is_finite() && full.estimate() > 6000.0);
        assert!(Bloom::from_slice(&[0; 255]).is_none());
    }
}

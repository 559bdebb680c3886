//! BEP 40 canonical peer priority, and the CRC-32C it is made of.
//!
//! Both ends of a connection compute the same number, so a crowded swarm agrees on which
//! connections to prefer. Deliberately absent: what the number is used for.

use std::net::{IpAddr, SocketAddr};

/// BEP 40 canonical priority of a pair of addresses. Their order does not matter. Of an IPv4 and
/// an IPv6 address, for which the BEP says nothing, the IPv4-mapped form is used.
#[must_use]
pub fn canonical_priority(a: SocketAddr, b: SocketAddr) -> u32 {
    let (ip_a, ip_b) = (a.ip().to_canonical(), b.ip().to_canonical());
    if ip_a == ip_b {
        return of_sorted(&a.port().to_be_bytes(), &b.port().to_be_bytes());
    }
    match (ip_a, ip_b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => masked(a.octets(), b.octets(), 2),
        _ => masked(mapped(ip_a), mapped(ip_b), 6),
    }
}

/// The first `whole` bytes count in full; when they are equal, one byte more than are equal (BEP
/// 40: /16 and /24, /48 and /56 and so on). Of the rest every second bit counts.
fn masked<const N: usize>(mut a: [u8; N], mut b: [u8; N], whole: usize) -> u32 {
    let equal = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let full = if equal < whole { whole } else { equal + 1 };
    for byte in a.iter_mut().skip(full).chain(b.iter_mut().skip(full)) {
        *byte &= 0x55;
    }
    of_sorted(&a, &b)
}

fn of_sorted(a: &[u8], b: &[u8]) -> u32 {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    crc32c(first.iter().chain(second))
}

fn mapped(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// CRC-32C (Castagnoli), reflected polynomial 0x82f63b78.
fn crc32c<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        TABLE[usize::from(low ^ byte)] ^ (crc >> 8)
    })
}

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut entry = 0;
    let mut seed = 0u32;
    while entry < table.len() {
        let mut crc = seed;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[entry] = crc;
        entry += 1;
        seed += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(a: &str, b: &str) -> u32 {
        let (a, b) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(canonical_priority(a, b), canonical_priority(b, a));
        canonical_priority(a, b)
    }

    #[test]
    fn crc_check_value() {
        assert_eq!(crc32c(b"123456789".iter()), 0xe306_9283);
    }

    #[test]
    fn bep_40_vectors() {
        assert_eq!(priority("123.213.32.10:1", "98.76.54.32:2"), 0xec2d_7224);
        assert_eq!(priority("123.213.32.10:1", "123.213.32.234:2"), 0x9956_8189);
    }

    #[test]
    fn masks_follow_the_common_prefix() {
        // Different /16: the low bits of the last two bytes under 0xaa are ignored.
        assert_eq!(priority("1.2.0.0:1", "3.4.0.0:1"), priority("1.2.170.170:1", "3.4.0.0:1"));
        assert_ne!(priority("1.2.0.0:1", "3.4.0.0:1"), priority("1.2.1.0:1", "3.4.0.0:1"));
        // Same /16: the third byte counts in full, the last one does not.
        assert_eq!(priority("1.2.3.0:1", "1.2.9.0:1"), priority("1.2.3.170:1", "1.2.9.0:1"));
        assert_ne!(priority("1.2.3.0:1", "1.2.9.0:1"), priority("1.2.171.0:1", "1.2.9.0:1"));
        // IPv6: 48 bits in full, or 56 within one /48.
        let far = priority("[2001:db8:1::]:1", "[2001:db8:2::]:1");
        assert_eq!(priority("[2001:db8:1:aaaa::]:1", "[2001:db8:2::aaaa]:1"), far);
        let near = priority("[2001:db8:1:1000::]:1", "[2001:db8:1:2000::]:1");
        assert_eq!(priority("[2001:db8:1:10aa::]:1", "[2001:db8:1:2000::]:1"), near);
        assert_ne!(priority("[2001:db8:1:9a00::]:1", "[2001:db8:1:2000::]:1"), near);
    }

    #[test]
    fn ports_decide_for_one_ip() {
        let crc = crc32c([0x00, 0x50, 0x1a, 0xe1].iter());
        assert_eq!(priority("9.9.9.9:6881", "9.9.9.9:80"), crc);
        assert_eq!(priority("[::ffff:9.9.9.9]:6881", "9.9.9.9:80"), crc);
    }
}

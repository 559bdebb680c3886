//! Which hosts a stranger may have us ask (server-side request forgery).
//!
//! A magnet link or a tracker's redirect can name a router's or a neighbour's web interface, which
//! trusts whoever is on its network, as we are. Deliberately absent: who counts as a stranger (the
//! engine's and its options' matter), and names: addresses are judged after a name was resolved,
//! and what was judged is what is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Hosts that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Everything,
    /// Those that anybody on the Internet could ask too.
    Public,
}

impl Reach {
    /// Whether this address may be asked.
    #[must_use]
    pub fn allows(self, ip: IpAddr) -> bool {
        self == Self::Everything || !is_private(ip)
    }
}

/// Whether an address is this machine's, or of a network that is not the Internet's: loopback,
/// private use (RFC 1918, RFC 4193), link-local, shared by a carrier (RFC 6598), benchmarks,
/// multicast, broadcast, unspecified and reserved ones, and IPv6 forms that carry such an IPv4
/// address.
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_private_v4(ip),
        IpAddr::V6(ip) => is_private_v6(ip),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a == 192 && b == 0 && c == 0)
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let [.., w, x, y, z] = ip.octets();
    let last = Ipv4Addr::new(w, x, y, z);
    let [_, _, p, q, r, s, ..] = ip.octets();
    let embedded = match (a, b) {
        // NAT64 (RFC 6052) and IPv4-compatible addresses.
        (0x64, 0xff9b) | (0, 0) => Some(last),
        // 6to4 (RFC 3056).
        (0x2002, _) => Some(Ipv4Addr::new(p, q, r, s)),
        _ => None,
    };
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_unique_local()
        || ip.is_unicast_link_local()
        || ip.is_multicast()
        || a & 0xffc0 == 0xfec0
        || embedded.is_some_and(is_private_v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_of_ours_are_told_from_the_internet() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:c0a8:101::1",
        ] {
            let ip: IpAddr = private.parse().unwrap();
            assert!(is_private(ip) && !Reach::Public.allows(ip), "{private}");
            assert!(Reach::Everything.allows(ip));
        }
        for public in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1", "64:ff9b::101:101"] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }
}

//! Layer 4: sockets.
//!
//! What the engine needs from the operating system's network, and no more: listen sockets bound the
//! way we want them ([`listen`]), datagrams ([`udp`]), outgoing TCP connections ([`dial`]), file
//! content on its way to a socket ([`send`]), names ([`names`]), one HTTP(S) exchange after another
//! ([`http`], [`tls`]), threads that no signal reaches ([`signals`]), and a flag for a host's event
//! loop to poll ([`notify`]).
//! Deliberately absent: torrents, what peers say, policy, retries, concurrency bounds: all of these
//! are the engine's.

pub mod dial;
pub mod http;
pub mod listen;
pub mod names;
pub mod notify;
pub mod send;
pub mod signals;
pub mod tls;
pub mod udp;

use std::net::SocketAddr;

/// The address with an IPv4-mapped IPv6 address turned into the IPv4 one it stands for, so that one
/// peer has one address whichever socket it came through; scope ids and flow labels of others stay.
#[must_use]
pub fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        ip if ip == addr.ip() => addr,
        ip => SocketAddr::new(ip, addr.port()),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn mapped_addresses_become_v4_and_others_stay() {
        let addr = |text: &str| text.parse().unwrap();
        assert_eq!(canonical(addr("[::ffff:10.1.2.3]:80")), addr("10.1.2.3:80"));
        for same in ["1.2.3.4:5", "[::1]:6", "[fe80::1%3]:7", "[2001:db8::1]:8"] {
            assert_eq!(canonical(addr(same)), addr(same));
        }
    }
}

//! Addresses and contacts in compact form (BEP 5, BEP 32).

use std::net::{IpAddr, SocketAddr};

use super::NodeId;

/// A node as others tell of it: not known to exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// Its id, or what is said to be it.
    pub id: NodeId,
    /// Its address.
    pub addr: SocketAddr,
}

/// Whether a packet may be sent there: a port, and an address of one host.
#[must_use]
pub fn is_usable(addr: SocketAddr) -> bool {
    let host = match addr.ip() {
        IpAddr::V4(ip) => {
            let [first, ..] = ip.octets();
            first != 0 && !ip.is_multicast() && !ip.is_broadcast()
        }
        // A mapped address in an IPv6 list would lead into the other family's network.
        IpAddr::V6(ip) => {
            !ip.is_unspecified() && !ip.is_multicast() && ip.to_ipv4_mapped().is_none()
        }
    };
    host && addr.port() != 0
}

/// Reads 6 or 18 bytes.
#[must_use]
pub fn read_addr(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_last_chunk::<2>()?;
    let v4 = <[u8; 4]>::try_from(ip).map(IpAddr::from);
    let ip = v4.or_else(|_| <[u8; 16]>::try_from(ip).map(IpAddr::from)).ok()?;
    Some(SocketAddr::new(ip, u16::from_be_bytes(*port)))
}

/// Appends 6 or 18 bytes.
pub fn write_addr(out: &mut Vec<u8>, addr: SocketAddr) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_be_bytes());
}

/// The usable contacts of a `nodes` (26 bytes each) or `nodes6` (38 bytes each) string. A cut tail
/// is dropped.
pub fn read_contacts(bytes: &[u8], v6: bool) -> impl Iterator<Item = Contact> {
    let each = if v6 { 38 } else { 26 };
    bytes.chunks_exact(each).filter_map(|chunk| {
        let (id, addr) = chunk.split_at_checked(20)?;
        let contact = Contact { id: NodeId::from_slice(id)?, addr: read_addr(addr)? };
        is_usable(contact.addr).then_some(contact)
    })
}

/// The string of some contacts of one family.
#[must_use]
pub fn write_contacts(contacts: &[Contact]) -> Vec<u8> {
    let mut out = Vec::with_capacity(contacts.len() * 38);
    for contact in contacts {
        out.extend_from_slice(&contact.id.0);
        write_addr(&mut out, contact.addr);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_round_trip_and_the_useless_are_dropped() {
        let contact = |addr: &str| Contact { id: NodeId([7; 20]), addr: addr.parse().unwrap() };
        let good = [contact("1.2.3.4:5"), contact("127.0.0.1:65535")];
        let mut bytes = write_contacts(&good);
        for bad in ["1.2.3.4:0", "0.1.2.3:4", "224.0.0.1:5", "255.255.255.255:6"] {
            bytes.extend(write_contacts(&[contact(bad)]));
        }
        bytes.extend([1; 25]);
        assert_eq!(read_contacts(&bytes, false).collect::<Vec<_>>(), good);
        let good = [contact("[2001:db8::1]:5")];
        let mut bytes = write_contacts(&good);
        for bad in ["[::]:1", "[ff02::1]:1", "[::ffff:1.2.3.4]:1"] {
            bytes.extend(write_contacts(&[contact(bad)]));
        }
        assert_eq!(read_contacts(&bytes, true).collect::<Vec<_>>(), good);
    }
}

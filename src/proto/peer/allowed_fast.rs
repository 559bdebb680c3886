//! The allowed-fast set (BEP 6): pieces a choked peer may request, the same for an address each
//! time.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::base::{InfoHash, PieceIndex};

/// The canonical set of `k` pieces for a peer at `ip` (BEP 6, "Generating an Allowed Fast Set"), in
/// the order it is generated. With `k` or fewer pieces in the torrent these are all of them.
///
/// The BEP defines it for IPv4 only, from the address's first three bytes, so that a whole /24 gets
/// one set. For IPv6 there is no canonical set and none is given; an IPv4-mapped address counts as
/// the IPv4 address it maps.
///
/// Work is proportional to `k` while `k` is small beside `piece_count`; meant for `k` up to some
/// tens.
#[must_use]
pub fn allowed_fast_set(
    ip: IpAddr,
    info_hash: &InfoHash,
    piece_count: u32,
    k: usize,
) -> Vec<PieceIndex> {
    let IpAddr::V4(ip) = ip.to_canonical() else { return Vec::new() };
    if piece_count as usize <= k {
        return (0..piece_count).map(PieceIndex).collect();
    }
    let [a, b, c, _] = ip.octets();
    let mut digest = Sha1::new().chain_update([a, b, c, 0]).chain_update(info_hash.0).finalize();
    let mut set = Vec::with_capacity(k);
    while set.len() < k {
        for word in digest.as_chunks::<4>().0 {
            let piece = PieceIndex(u32::from_be_bytes(*word) % piece_count);
            if set.len() < k && !set.contains(&piece) {
                set.push(piece);
            }
        }
        digest = Sha1::digest(digest);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ip: &str, piece_count: u32, k: usize) -> Vec<u32> {
        let hash = InfoHash([0xaa; 20]);
        let set = allowed_fast_set(ip.parse().unwrap(), &hash, piece_count, k);
        set.into_iter().map(|piece| piece.0).collect()
    }

    #[test]
    fn vectors_of_bep_6() {
        let nine = [1059, 431, 808, 1217, 287, 376, 1188, 353, 508];
        assert_eq!(set("80.4.4.200", 1313, 7), nine[..7]);
        assert_eq!(set("80.4.4.200", 1313, 9), nine);
        assert_eq!(set("80.4.4.7", 1313, 9), nine, "one set for a /24");
        assert_eq!(set("::ffff:80.4.4.200", 1313, 9), nine);
        assert_ne!(set("80.4.5.200", 1313, 9), nine);
    }

    #[test]
    fn small_torrents_and_ipv6() {
        assert_eq!(set("80.4.4.200", 3, 10), [0, 1, 2]);
        assert!(set("80.4.4.200", 0, 10).is_empty());
        assert_eq!(set("80.4.4.200", 11, 10).len(), 10);
        assert!(set("2001:db8::1", 1313, 9).is_empty());
    }
}

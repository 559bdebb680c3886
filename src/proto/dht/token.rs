//! Write tokens (BEP 5, BEP 44) and transaction ids: what nobody can make up who did not ask.
//!
//! Both follow from one secret of the driver's entropy, not from the seeded generator: whoever sees
//! some of them must not be able to tell the next.

use std::net::IpAddr;
use std::time::Duration;

use sha1::{Digest, Sha1};

use super::NodeId;
use crate::base::Instant;

/// Time after which tokens are made with another secret; the one before is still taken.
const ROTATION: Duration = Duration::from_secs(300);
/// Bytes of a token.
pub const TOKEN_BYTES: usize = 8;

/// A permission to store under one key, for one address, for five to ten minutes.
pub type Token = [u8; TOKEN_BYTES];

/// The secret and what is counted with it.
#[derive(Clone)]
pub struct Secret {
    bytes: [u8; 20],
    counter: u64,
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// A secret of 20 bytes of entropy.
    #[must_use]
    pub fn new(bytes: [u8; 20]) -> Self {
        Self { bytes, counter: 0 }
    }

    /// The token that lets `ip` store under `target`.
    #[must_use]
    pub fn token(&self, now: Instant, ip: IpAddr, target: NodeId) -> Token {
        self.token_of(epoch(now), ip, target)
    }

    /// Whether `ip` was given `token` for `target`, not too long ago.
    #[must_use]
    pub fn is_valid(&self, now: Instant, ip: IpAddr, target: NodeId, token: &[u8]) -> bool {
        let epoch = epoch(now);
        let same = |epoch| {
            // All bytes are looked at, so that time does not tell how many were right.
            let made = self.token_of(epoch, ip, target);
            let difference = made.iter().zip(token).fold(0, |all, (a, b)| all | (a ^ b));
            token.len() == TOKEN_BYTES && difference == 0
        };
        same(epoch) || epoch.checked_sub(1).is_some_and(same)
    }

    fn token_of(&self, epoch: u64, ip: IpAddr, target: NodeId) -> Token {
        let hash = Sha1::new_with_prefix(b"token").chain_update(self.bytes);
        let hash = hash.chain_update(epoch.to_be_bytes()).chain_update(target.0);
        let hash: [u8; 20] = match ip.to_canonical() {
            IpAddr::V4(ip) => hash.chain_update(ip.octets()),
            IpAddr::V6(ip) => hash.chain_update(ip.octets()),
        }
        .finalize()
        .into();
        let [a, b, c, d, e, f, g, h, ..] = hash;
        [a, b, c, d, e, f, g, h]
    }

    /// The next transaction id.
    pub fn transaction(&mut self) -> u32 {
        self.counter += 1;
        let hash = Sha1::new_with_prefix(b"transaction").chain_update(self.bytes);
        let hash: [u8; 20] = hash.chain_update(self.counter.to_be_bytes()).finalize().into();
        let [a, b, c, d, ..] = hash;
        u32::from_be_bytes([a, b, c, d])
    }
}

fn epoch(now: Instant) -> u64 {
    now.as_micros() / 1_000_000 / ROTATION.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_for_one_address_one_key_and_a_while() {
        let secret = Secret::new([9; 20]);
        let at = |secs: u64| Instant::from_micros(secs * 1_000_000);
        let (ip, other): (IpAddr, IpAddr) = ([1, 2, 3, 4].into(), [1, 2, 3, 5].into());
        let (target, elsewhere) = (NodeId([1; 20]), NodeId([2; 20]));
        let token = secret.token(at(299), ip, target);
        assert!(secret.is_valid(at(299), ip, target, &token));
        assert!(secret.is_valid(at(599), ip, target, &token));
        assert!(!secret.is_valid(at(600), ip, target, &token));
        assert!(!secret.is_valid(at(299), other, target, &token));
        assert!(!secret.is_valid(at(299), ip, elsewhere, &token));
        assert!(!secret.is_valid(at(299), ip, target, &token[..7]));
        assert!(!secret.is_valid(at(299), ip, target, b""));
        assert!(!Secret::new([8; 20]).is_valid(at(299), ip, target, &token));
    }

    #[test]
    fn transactions_differ() {
        let mut secret = Secret::new([1; 20]);
        let mut ids: Vec<u32> = (0..100).map(|_| secret.transaction()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100);
    }
}

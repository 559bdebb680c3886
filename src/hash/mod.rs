//! Layer 4: content hashing.
//!
//! Messages come in batches because independent streams can share SIMD lanes: the batch is the unit
//! a lane engine needs, and callers already gather pieces into it. Every message runs on the `sha1`
//! crate, which picks the SHA instructions of the processor at run time. Deliberately absent:
//! threads (the caller brings its own), files, torrents.

use sha1::{Digest, Sha1};

/// SHA-1 of several independent messages, each given as consecutive parts. `out[i]` belongs to
/// `messages[i]`.
#[must_use]
pub fn sha1_many(messages: &[&[&[u8]]]) -> Vec<[u8; 20]> {
    messages
        .iter()
        .map(|parts| {
            let mut hasher = Sha1::new();
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finalize().into()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::sha1_many;
    use proptest::prelude::*;

    fn hex(digest: &[u8; 20]) -> String {
        digest.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn vectors_of_fips_180() {
        let million = vec![b'a'; 1_000_000];
        let long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        let out = sha1_many(&[&[b"abc"], &[], &[long], &[&million], &[b"a", b"", b"bc"]]);
        let out: Vec<_> = out.iter().map(hex).collect();
        assert_eq!(
            out,
            [
                "a9993e364706816aba3e25717850c26c9cd0d89d",
                "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
                "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ]
        );
    }

    proptest! {
        /// However a message is cut into parts and whoever shares its batch, its digest is its own.
        #[test]
        fn cuts_and_company_do_not_matter(
            messages in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..5), 0..20),
        ) {
            let cut: Vec<Vec<&[u8]>> =
                messages.iter().map(|m| m.iter().map(Vec::as_slice).collect()).collect();
            let batch: Vec<&[&[u8]]> = cut.iter().map(Vec::as_slice).collect();
            let digests = sha1_many(&batch);
            prop_assert_eq!(digests.len(), messages.len());
            for (message, digest) in messages.iter().zip(digests) {
                let whole = message.concat();
                prop_assert_eq!(sha1_many(&[&[&whole]]), vec![digest]);
            }
        }
    }
}

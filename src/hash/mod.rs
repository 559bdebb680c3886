//! Layer 4: content hashing. CONTRACT SKETCH.
//!
//! Batches independent streams so that they can run in SIMD lanes; today every batch runs on the `sha1`
//! crate. Deliberately absent: threads (the caller brings its own), files, torrents.

/// SHA-1 of several independent messages, each given as consecutive parts. `out[i]` belongs to
/// `messages[i]`.
#[must_use]
pub fn sha1_many(messages: &[&[&[u8]]]) -> Vec<[u8; 20]> {
    use sha1::{Digest, Sha1};
    messages
        .iter()
        .map(|parts| {
            let mut hasher = Sha1::new();
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finalize().into()
        })
        .collect()
}

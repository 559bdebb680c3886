//! The end of a stream that does not fill a block yet, and in the end its padding.

use super::lanes::BLOCK;

/// Bytes of a stream kept until a block is full.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    bytes: [u8; 2 * BLOCK],
    /// Bytes that are ready; whole blocks after [`Self::pad`].
    len: usize,
    /// Bytes of those that are used up already: whole blocks.
    used: usize,
}

impl Tail {
    /// Empty.
    pub(super) const fn new() -> Self {
        Self { bytes: [0; 2 * BLOCK], len: 0, used: 0 }
    }

    /// Whether it holds nothing.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes bytes from the front of `input` until a block is full; how many.
    pub(super) fn fill(&mut self, input: &[u8]) -> usize {
        let room = self.bytes.get_mut(self.len..BLOCK).unwrap_or_default();
        let count = room.len().min(input.len());
        if let (Some(to), Some(from)) = (room.get_mut(..count), input.get(..count)) {
            to.copy_from_slice(from);
        }
        self.len += count;
        count
    }

    /// Adds the padding of a message of `total` bytes (FIPS 180-4, section 5.1.1): a one bit,
    /// zeros, the length in bits. Nothing may be ready that is a whole block.
    pub(super) fn pad(&mut self, total: u64) {
        let end = if self.len < BLOCK - 8 { BLOCK } else { 2 * BLOCK };
        for (at, byte) in self.bytes.iter_mut().enumerate().skip(self.len) {
            *byte = if at == self.len { 0x80 } else { 0 };
        }
        if let Some(length) = self.bytes.get_mut(end - 8..end) {
            length.copy_from_slice(&total.wrapping_mul(8).to_be_bytes());
        }
        self.len = end;
    }

    /// The whole blocks that are ready.
    #[inline]
    pub(super) fn blocks(&self) -> &[u8] {
        if self.len < BLOCK {
            return &[];
        }
        self.bytes.get(self.used..self.len).unwrap_or_default()
    }

    /// Forgets so many bytes of [`Self::blocks`].
    #[inline]
    pub(super) fn consume(&mut self, bytes: usize) {
        self.used += bytes;
        if self.used >= self.len {
            (self.used, self.len) = (0, 0);
        }
    }
}

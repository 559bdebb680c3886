//! Byte buffers that begin where memory pages begin.
//!
//! Allocators place large blocks sixteen bytes behind a page. Some processors copy with `rep movsb`
//! at a quarter of their speed when the target lies up to 31 bytes behind the source, modulo a page
//! (AMD Zen: 0.6 instead of 0.16 CPU seconds per GiB), and what the kernel copies from are pages.
//! So everything that files and sockets are read into begins at a page. Deliberately absent:
//! growing, which would move the bytes.

use core::ops::{Deref, DerefMut};

use bytes::{Buf, BytesMut};

/// Bytes of a memory page where it is smallest; larger pages begin there too.
pub(super) const PAGE: usize = 4096;

/// How far behind `at` the next page begins. 0 where the compiler cannot say.
fn padding(at: *const u8) -> usize {
    let padding = at.align_offset(PAGE);
    if padding < PAGE { padding } else { 0 }
}

/// Drops what is in `buffer` and lets it begin at the next page, if it has room for that.
pub(super) fn align(buffer: &mut BytesMut) {
    buffer.clear();
    let padding = padding(buffer.as_ptr());
    if padding <= buffer.capacity() {
        buffer.resize(padding, 0);
        buffer.advance(padding);
    }
}

/// A fixed number of bytes, at the beginning of a page. Takes up to a page more memory.
#[derive(Debug, Default)]
pub struct AlignedBytes {
    /// The bytes with what lies before and behind. Never grows, so it stays where it is.
    memory: Box<[u8]>,
    start: usize,
    len: usize,
}

impl AlignedBytes {
    /// So many zeros. Their memory is the system's until it is written to.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let memory = vec![0; len + PAGE].into_boxed_slice();
        Self { start: padding(memory.as_ptr()), memory, len }
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.memory.get(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.memory.get_mut(self.start..self.start + self.len).unwrap_or_default()
    }
}

impl AsRef<[u8]> for AlignedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_begin_at_a_page() {
        for len in [0, 1, 100, PAGE, 128 << 10, (256 << 10) + 1] {
            let mut bytes = AlignedBytes::zeroed(len);
            assert_eq!(bytes.len(), len);
            assert!(bytes.iter().all(|b| *b == 0));
            assert_eq!(bytes.as_ptr() as usize % PAGE, 0);
            bytes.fill(7);
            let moved = Box::new(bytes);
            assert_eq!(moved.as_ptr() as usize % PAGE, 0);
            assert_eq!(moved.iter().filter(|b| **b == 7).count(), len);
        }
        assert!(AlignedBytes::default().is_empty());
    }

    #[test]
    fn a_buffer_with_room_begins_at_a_page() {
        let mut buffer = BytesMut::with_capacity((256 << 10) + PAGE);
        buffer.extend_from_slice(b"dropped");
        align(&mut buffer);
        assert_eq!(buffer.as_ptr() as usize % PAGE, 0);
        assert!(buffer.is_empty() && buffer.capacity() >= 256 << 10);
        let mut small = BytesMut::with_capacity(8);
        align(&mut small);
        assert!(small.is_empty());
    }
}

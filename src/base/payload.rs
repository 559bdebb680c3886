//! A block's bytes on their way to a peer: in memory, or still where the storage keeps them.
//!
//! The sans-IO rooms pass a [`Payload`] on without looking inside. The driver that made a
//! [`Region`] knows what its source is, and sends it without copying where the transport can;
//! a transport that must see the bytes asks the storage for bytes to begin with. Deliberately
//! absent: reading.

use std::any::Any;
use std::sync::Arc;

use bytes::{Buf, Bytes};

/// Bytes that are not in memory: a range of something that only drivers know.
#[derive(Clone, Debug)]
pub struct Region {
    source: Arc<dyn Any + Send + Sync>,
    offset: u64,
    length: usize,
}

impl Region {
    /// `length` bytes of `source` from `offset` on.
    #[must_use]
    pub fn new(source: Arc<dyn Any + Send + Sync>, offset: u64, length: usize) -> Self {
        Self { source, offset, length }
    }

    /// The source, when it is a `T`.
    #[must_use]
    pub fn source<T: Any>(&self) -> Option<&T> {
        self.source.downcast_ref()
    }

    /// Where in the source it begins, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether `next` goes on in the same source where `length` bytes of this one end.
    #[must_use]
    pub fn precedes(&self, length: usize, next: &Self) -> bool {
        Arc::ptr_eq(&self.source, &next.source)
            && self.offset.checked_add(length as u64) == Some(next.offset)
    }

    /// Bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// Bytes to send.
#[derive(Clone, Debug)]
pub enum Payload {
    /// In memory.
    Bytes(Bytes),
    /// Elsewhere.
    Region(Region),
}

impl Payload {
    /// Bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Region(region) => region.length,
        }
    }

    /// Whether nothing is left of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops up to `n` bytes at the front.
    pub fn advance(&mut self, n: usize) {
        let n = n.min(self.len());
        match self {
            Self::Bytes(bytes) => bytes.advance(n),
            Self::Region(region) => {
                region.offset += n as u64;
                region.length -= n;
            }
        }
    }

    /// The bytes; `None` when they are not in memory.
    #[must_use]
    pub fn in_memory(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Region(_) => None,
        }
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Region> for Payload {
    fn from(region: Region) -> Self {
        Self::Region(region)
    }
}

/// Equal bytes in memory, or the same range of the same source.
impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Region(a), Self::Region(b)) => {
                Arc::ptr_eq(&a.source, &b.source) && (a.offset, a.length) == (b.offset, b.length)
            }
            _ => false,
        }
    }
}

impl Eq for Payload {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_advance_alike() {
        let region = Region::new(Arc::new(7_u32), 100, 10);
        assert_eq!(region.source::<u32>(), Some(&7));
        assert_eq!(region.source::<u64>(), None);
        for mut payload in [Payload::Bytes(Bytes::from_static(b"0123456789")), region.into()] {
            assert_eq!((payload.len(), payload.is_empty()), (10, false));
            let whole = payload.clone();
            payload.advance(4);
            assert_eq!(payload.len(), 6);
            assert_ne!(payload, whole);
            match &payload {
                Payload::Bytes(bytes) => assert_eq!(&bytes[..], b"456789"),
                Payload::Region(region) => assert_eq!((region.offset(), region.len()), (104, 6)),
            }
            payload.advance(99);
            assert!(payload.is_empty());
        }
    }
}

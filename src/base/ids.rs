//! Identifiers and indexes as distinct types, so that they cannot be mixed up.

use core::fmt::{self, Write};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index!(
    /// A piece number, from 0.
    PieceIndex, u32
);
index!(
    /// A file number in metainfo order, from 0; padding files have numbers too.
    FileIndex, u32
);
index!(
    /// A torrent's number in its session; never reused.
    TorrentId, u64
);
index!(
    /// A peer connection's (or connection attempt's) number in its session; never reused.
    PeerKey, u64
);

impl PieceIndex {
    /// The index as a `usize`, for slices.
    #[must_use]
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

impl FileIndex {
    /// The index as a `usize`, for slices.
    #[must_use]
    pub fn idx(self) -> usize {
        self.0 as usize
    }
}

macro_rules! id20 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 20]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl fmt::Display for $name {
            /// Lower-case hexadecimal, 40 characters.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
                let digits = self.0.iter().flat_map(|b| [digit(b >> 4), digit(*b)]);
                digits.into_iter().try_for_each(|d| f.write_char(d))
            }
        }
    };
}

id20!(
    /// The SHA-1 of a torrent's bencoded `info` dictionary (BEP 3).
    InfoHash
);
id20!(
    /// A peer's self-chosen identity (BEP 3, BEP 20).
    PeerId
);

impl InfoHash {
    /// Parses 40 hexadecimal digits of either case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 40 {
            return None;
        }
        let mut out = [0; 20];
        for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
            let pair = core::str::from_utf8(pair).ok()?;
            if !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(out))
    }
}

//! Parts of a torrent file that are read where they lie.

use core::fmt;

use crate::base::SharedBytes;

/// SHA-1 of each piece, one after another as the file has them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PieceHashes(SharedBytes);

impl PieceHashes {
    /// `bytes` hold 20 for each piece.
    pub(super) fn new(bytes: SharedBytes) -> Self {
        Self(bytes)
    }

    /// All of them.
    #[must_use]
    pub fn as_slice(&self) -> &[[u8; 20]] {
        self.0.as_chunks().0
    }

    /// That of one piece.
    #[must_use]
    pub fn get(&self, piece: usize) -> Option<&[u8; 20]> {
        self.as_slice().get(piece)
    }

    /// Number of pieces.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<[u8; 20]>> for PieceHashes {
    fn from(hashes: Vec<[u8; 20]>) -> Self {
        Self(hashes.as_flattened().into())
    }
}

impl fmt::Debug for PieceHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PieceHashes({})", self.len())
    }
}

/// The components of a path as given: bencoded strings one after another, decoded when asked for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RawPath(SharedBytes);

impl RawPath {
    /// `bytes` are bencoded strings, as a parser found them.
    pub(super) fn new(bytes: SharedBytes) -> Self {
        Self(bytes)
    }

    /// The components in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let mut rest: &[u8] = &self.0;
        core::iter::from_fn(move || {
            let colon = rest.iter().position(|byte| *byte == b':')?;
            let digits = str::from_utf8(rest.get(..colon)?).ok()?;
            let (_, body) = rest.split_at_checked(colon + 1)?;
            let (part, after) = body.split_at_checked(digits.parse().ok()?)?;
            rest = after;
            Some(part)
        })
    }

    /// One component.
    #[must_use]
    pub fn get(&self, component: usize) -> Option<&[u8]> {
        self.iter().nth(component)
    }

    /// Number of components.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<P: AsRef<[u8]>> FromIterator<P> for RawPath {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        let mut out = crate::codec::bencode::Encoder::new();
        parts.into_iter().for_each(|part| out.bytes(part.as_ref()));
        Self(out.finish().into())
    }
}

impl fmt::Debug for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(String::from_utf8_lossy)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_back_as_they_were() {
        let parts: [&[u8]; 3] = [b"a:b", b"", b"0123456789"];
        let path: RawPath = parts.iter().collect();
        assert_eq!(path.iter().collect::<Vec<_>>(), parts);
        assert_eq!((path.len(), path.get(2), path.get(3)), (3, Some(parts[2]), None));
        assert!(RawPath::default().is_empty());
    }
}

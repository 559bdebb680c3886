//! How a torrent's bytes divide into pieces and blocks.

use super::PieceIndex;

/// The length of a block, the unit of requests, in bytes (the last of a piece may be shorter).
pub const BLOCK_LEN: u32 = 16 * 1024;

/// A byte range inside one piece: what a request, cancel, reject or piece message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockSpan {
    /// The piece.
    pub piece: PieceIndex,
    /// Offset of the first byte inside the piece.
    pub begin: u32,
    /// Length in bytes.
    pub length: u32,
}

/// Total length and piece length of a torrent. Both are positive (metainfo parsing refuses others)
/// unless it is [`Geometry::EMPTY`], and the piece count fits `u32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    total_len: u64,
    piece_len: u32,
}

impl Geometry {
    /// No bytes and no pieces: of content nothing is known of.
    pub const EMPTY: Self = Self { total_len: 0, piece_len: 1 };

    /// `None` when `piece_len` is 0 or the piece count does not fit `u32`.
    #[must_use]
    pub fn new(total_len: u64, piece_len: u32) -> Option<Self> {
        if piece_len == 0 || total_len.div_ceil(u64::from(piece_len)) > u64::from(u32::MAX) {
            return None;
        }
        Some(Self { total_len, piece_len })
    }

    /// Sum of all files' lengths in bytes, padding included.
    #[must_use]
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    /// Nominal piece length in bytes.
    #[must_use]
    pub fn piece_len(&self) -> u32 {
        self.piece_len
    }

    /// Number of pieces.
    #[must_use]
    pub fn piece_count(&self) -> u32 {
        u32::try_from(self.total_len.div_ceil(u64::from(self.piece_len))).unwrap_or(u32::MAX)
    }

    /// Whether `piece` exists.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        piece.0 < self.piece_count()
    }

    /// Actual length of `piece`: shorter for the last one; 0 when it does not exist.
    #[must_use]
    pub fn len_of(&self, piece: PieceIndex) -> u32 {
        let rest = self.total_len.saturating_sub(self.offset_of(piece));
        u32::try_from(rest.min(u64::from(self.piece_len))).unwrap_or(self.piece_len)
    }

    /// Offset of the piece's first byte in the torrent.
    #[must_use]
    pub fn offset_of(&self, piece: PieceIndex) -> u64 {
        u64::from(piece.0) * u64::from(self.piece_len)
    }

    /// Number of blocks in `piece`.
    #[must_use]
    pub fn block_count(&self, piece: PieceIndex) -> u32 {
        self.len_of(piece).div_ceil(BLOCK_LEN)
    }

    /// The `block`th block of `piece`, or `None` when it does not exist.
    #[must_use]
    pub fn block(&self, piece: PieceIndex, block: u32) -> Option<BlockSpan> {
        let begin = block.checked_mul(BLOCK_LEN)?;
        let rest = self.len_of(piece).checked_sub(begin).filter(|r| *r > 0)?;
        Some(BlockSpan { piece, begin, length: rest.min(BLOCK_LEN) })
    }

    /// Whether `span` lies inside its piece and is not empty.
    #[must_use]
    pub fn holds(&self, span: BlockSpan) -> bool {
        self.contains(span.piece)
            && span.length > 0
            && span.begin.checked_add(span.length).is_some_and(|end| end <= self.len_of(span.piece))
    }

    /// The block number when `span` is exactly one of our blocks, else `None`.
    #[must_use]
    pub fn block_index(&self, span: BlockSpan) -> Option<u32> {
        let index = span.begin / BLOCK_LEN;
        (self.contains(span.piece) && self.block(span.piece, index) == Some(span)).then_some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_piece_of_an_exact_multiple_is_whole() {
        let g = Geometry::new(2 * 32_768, 32_768).unwrap();
        assert_eq!((g.piece_count(), g.len_of(PieceIndex(1))), (2, 32_768));
        assert_eq!(g.block_count(PieceIndex(1)), 2);
        assert_eq!(g.len_of(PieceIndex(2)), 0);
    }

    #[test]
    fn one_byte_more_makes_a_one_byte_piece() {
        let g = Geometry::new(2 * 32_768 + 1, 32_768).unwrap();
        assert_eq!((g.piece_count(), g.len_of(PieceIndex(2))), (3, 1));
        let span = g.block(PieceIndex(2), 0).unwrap();
        assert_eq!(span.length, 1);
        assert_eq!(g.block_index(span), Some(0));
        assert!(g.block(PieceIndex(2), 1).is_none());
    }

    #[test]
    fn spans_outside_are_refused() {
        let g = Geometry::new(100_000, 65_536).unwrap();
        let span = |piece, begin, length| BlockSpan { piece: PieceIndex(piece), begin, length };
        assert!(g.holds(span(1, 0, 100_000 - 65_536)));
        assert!(!g.holds(span(1, 0, 100_000 - 65_535)));
        assert!(!g.holds(span(0, u32::MAX, 2)));
        assert!(!g.holds(span(2, 0, 1)));
        assert!(!g.holds(span(0, 0, 0)));
    }
}

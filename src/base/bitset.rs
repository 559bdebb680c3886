//! A fixed-length set of bits in wire order: bit 0 is the high bit of byte 0 (BEP 3, bitfield).

/// Bytes kept in place: sets of the many small torrents need no memory of their own.
const IN_PLACE: usize = 23;

#[derive(Clone)]
enum Bytes {
    Few([u8; IN_PLACE]),
    Many(Box<[u8]>),
}

/// A set over `0..len`. Spare bits of the last byte are always zero.
#[derive(Clone)]
pub struct Bitset {
    bytes: Bytes,
    len: u32,
    ones: u32,
}

impl Default for Bitset {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl PartialEq for Bitset {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Bitset {}

impl core::fmt::Debug for Bitset {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bitset({}/{})", self.ones, self.len)
    }
}

impl Bitset {
    /// The set over nothing.
    pub const EMPTY: Self = Self { bytes: Bytes::Few([0; IN_PLACE]), len: 0, ones: 0 };

    /// The empty set over `0..len`.
    #[must_use]
    pub fn new(len: u32) -> Self {
        Self { bytes: Self::filled(len, 0), len, ones: 0 }
    }

    fn filled(len: u32, byte: u8) -> Bytes {
        let count = (len as usize).div_ceil(8);
        if count <= IN_PLACE {
            Bytes::Few([byte; IN_PLACE])
        } else {
            Bytes::Many(vec![byte; count].into())
        }
    }

    /// The full set over `0..len`.
    #[must_use]
    pub fn full(len: u32) -> Self {
        let mut set = Self { bytes: Self::filled(len, 0xff), len, ones: len };
        set.clear_spare();
        set
    }

    /// Reads wire order. `None` when the byte count is not exactly right or a spare bit is set.
    #[must_use]
    pub fn from_wire(bytes: &[u8], len: u32) -> Option<Self> {
        if bytes.len() != (len as usize).div_ceil(8) {
            return None;
        }
        let mut set = Self::new(len);
        set.bytes_mut().copy_from_slice(bytes);
        set.clear_spare();
        if set.as_bytes() != bytes {
            return None;
        }
        set.ones = bytes.iter().map(|b| b.count_ones()).sum();
        Some(set)
    }

    fn clear_spare(&mut self) {
        let len = self.len;
        if !len.is_multiple_of(8)
            && let Some(last) = self.bytes_mut().last_mut()
        {
            *last &= 0xff << (8 - len % 8);
        }
    }

    /// The bytes in wire order, `ceil(len / 8)` of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Few(bytes) => bytes.get(..(self.len as usize).div_ceil(8)).unwrap_or_default(),
            Bytes::Many(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.bytes {
            Bytes::Few(bytes) => {
                bytes.get_mut(..(self.len as usize).div_ceil(8)).unwrap_or_default()
            }
            Bytes::Many(bytes) => bytes,
        }
    }

    /// Size of the domain.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the domain is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of members.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.ones
    }

    /// Whether every index is a member.
    #[must_use]
    pub fn all(&self) -> bool {
        self.ones == self.len
    }

    /// Whether no index is a member.
    #[must_use]
    pub fn none(&self) -> bool {
        self.ones == 0
    }

    /// Whether `index` is a member; false outside the domain.
    #[must_use]
    pub fn get(&self, index: u32) -> bool {
        index < self.len
            && self
                .as_bytes()
                .get((index / 8) as usize)
                .is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
    }

    /// Adds or removes `index` and tells whether that changed the set. Outside the domain nothing
    /// happens.
    pub fn set(&mut self, index: u32, member: bool) -> bool {
        if index >= self.len || self.get(index) == member {
            return false;
        }
        let Some(byte) = self.bytes_mut().get_mut((index / 8) as usize) else { return false };
        *byte ^= 0x80 >> (index % 8);
        if member {
            self.ones += 1;
        } else {
            self.ones -= 1;
        }
        true
    }

    /// Members in increasing order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.as_bytes().iter().zip((0u32..).step_by(8)).filter(|(byte, _)| **byte != 0).flat_map(
            |(byte, base)| {
                (0..8).filter(move |bit| byte & (0x80 >> bit) != 0).map(move |b| base + b)
            },
        )
    }

    /// Removes every index that is not in `other`.
    pub fn intersect(&mut self, other: &Self) {
        self.zip_with(other, |a, b| a & b);
    }

    /// Adds every index of `other` inside the domain.
    pub fn union(&mut self, other: &Self) {
        self.zip_with(other, |a, b| a | b);
    }

    /// Removes every index of `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.zip_with(other, |a, b| a & !b);
    }

    fn zip_with(&mut self, other: &Self, op: impl Fn(u8, u8) -> u8) {
        let theirs = other.as_bytes().iter().copied().chain(core::iter::repeat(0));
        for (byte, their) in self.bytes_mut().iter_mut().zip(theirs) {
            *byte = op(*byte, their);
        }
        self.clear_spare();
        self.ones = self.as_bytes().iter().map(|b| b.count_ones()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_order_and_spare_bits() {
        let mut set = Bitset::new(10);
        assert!(set.set(0, true) && set.set(9, true) && !set.set(9, true) && !set.set(10, true));
        assert_eq!(set.as_bytes(), [0x80, 0x40]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 9]);
        assert_eq!(Bitset::from_wire(&[0x80, 0x40], 10), Some(set));
        assert_eq!(Bitset::from_wire(&[0x80, 0x20], 10), None);
        assert_eq!(Bitset::from_wire(&[0x80], 10), None);
        assert_eq!(Bitset::full(10).as_bytes(), [0xff, 0xc0]);
        assert!(Bitset::full(0).all() && Bitset::new(0).all());
    }

    #[test]
    fn small_and_large_sets_behave_alike() {
        for len in [1, 183, 184, 185, 1000] {
            let mut set = Bitset::full(len);
            assert_eq!((set.count(), set.as_bytes().len()), (len, (len as usize).div_ceil(8)));
            assert!(set.set(len - 1, false) && !set.get(len - 1) && !set.get(len));
            let again = Bitset::from_wire(set.as_bytes(), len).unwrap();
            assert_eq!((&again, again.iter().count()), (&set, len as usize - 1));
            set.subtract(&again);
            assert_eq!(set, Bitset::new(len));
        }
        assert_eq!(size_of::<Bitset>(), 32);
    }

    #[test]
    fn algebra_keeps_the_count() {
        let mut a = Bitset::full(20);
        let mut b = Bitset::new(20);
        b.set(3, true);
        b.set(19, true);
        a.subtract(&b);
        assert_eq!(a.count(), 18);
        a.union(&b);
        assert!(a.all());
        a.intersect(&b);
        assert_eq!(a, b);
    }
}

//! A fixed-length set of bits in wire order: bit 0 is the high bit of byte 0 (BEP 3, bitfield).

/// A set over `0..len`. Spare bits of the last byte are always zero.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Bitset {
    bytes: Vec<u8>,
    len: u32,
    ones: u32,
}

impl core::fmt::Debug for Bitset {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bitset({}/{})", self.ones, self.len)
    }
}

impl Bitset {
    /// The empty set over `0..len`.
    #[must_use]
    pub fn new(len: u32) -> Self {
        Self { bytes: vec![0; (len as usize).div_ceil(8)], len, ones: 0 }
    }

    /// The full set over `0..len`.
    #[must_use]
    pub fn full(len: u32) -> Self {
        let mut set = Self { bytes: vec![0xff; (len as usize).div_ceil(8)], len, ones: len };
        set.clear_spare();
        set
    }

    /// Reads wire order. `None` when the byte count is not exactly right or a spare bit is set.
    #[must_use]
    pub fn from_wire(bytes: &[u8], len: u32) -> Option<Self> {
        if bytes.len() != (len as usize).div_ceil(8) {
            return None;
        }
        let mut set = Self { bytes: bytes.to_vec(), len, ones: 0 };
        set.clear_spare();
        if set.bytes != bytes {
            return None;
        }
        set.ones = bytes.iter().map(|b| b.count_ones()).sum();
        Some(set)
    }

    fn clear_spare(&mut self) {
        if !self.len.is_multiple_of(8)
            && let Some(last) = self.bytes.last_mut()
        {
            *last &= 0xff << (8 - self.len % 8);
        }
    }

    /// The bytes in wire order, `ceil(len / 8)` of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
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
                .bytes
                .get((index / 8) as usize)
                .is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
    }

    /// Adds or removes `index` and tells whether that changed the set. Outside the domain nothing
    /// happens.
    pub fn set(&mut self, index: u32, member: bool) -> bool {
        if index >= self.len || self.get(index) == member {
            return false;
        }
        let Some(byte) = self.bytes.get_mut((index / 8) as usize) else { return false };
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
        self.bytes.iter().zip((0u32..).step_by(8)).filter(|(byte, _)| **byte != 0).flat_map(
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
        for (i, byte) in self.bytes.iter_mut().enumerate() {
            *byte = op(*byte, other.bytes.get(i).copied().unwrap_or(0));
        }
        self.clear_spare();
        self.ones = self.bytes.iter().map(|b| b.count_ones()).sum();
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

//! A part of a buffer that several hold: what a torrent file says is kept once, and everything that
//! quotes it points into it.

use std::sync::Arc;

/// Bytes inside a shared, immutable buffer of less than 4 GiB. Cloning costs a count.
#[derive(Clone)]
pub struct SharedBytes {
    all: Arc<[u8]>,
    start: u32,
    end: u32,
}

impl SharedBytes {
    /// The bytes from `start` to before `end`; nothing when the buffer does not reach so far.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let at = |n: usize| {
            let inside = (self.start as usize).saturating_add(n).min(self.end as usize);
            u32::try_from(inside).unwrap_or(self.end)
        };
        let (start, end) = if start <= end && end <= self.len() { (start, end) } else { (0, 0) };
        Self { all: Arc::clone(&self.all), start: at(start), end: at(end) }
    }
}

impl core::ops::Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

impl From<&[u8]> for SharedBytes {
    /// Copies; what is beyond 4 GiB is cut off.
    fn from(bytes: &[u8]) -> Self {
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { all: bytes.into(), start: 0, end }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl Default for SharedBytes {
    fn default() -> Self {
        Self::from(&[][..])
    }
}

impl PartialEq for SharedBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

impl core::fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SharedBytes({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_point_into_the_same_buffer_and_never_beyond() {
        let all = SharedBytes::from(&b"0123456789"[..]);
        let part = all.slice(2, 6);
        assert_eq!(&*part, b"2345");
        assert_eq!(&*part.slice(1, 3), b"34");
        assert_eq!(part.as_ptr(), all[2..].as_ptr());
        assert!(part.slice(3, 5).is_empty() && part.slice(3, 2).is_empty());
        assert!(all.slice(11, 12).is_empty());
    }
}

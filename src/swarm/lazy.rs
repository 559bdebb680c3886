//! State that exists only while something uses it.
//!
//! Most torrents of a large session do nothing: no peers, no disk work, no check. The parts of a
//! brain that serve such work are [`Lazy`]: reading an absent one shows the blank state, changing
//! it brings it into being, and [`Lazy::rest`] lets it go once it is blank again. Deliberately
//! absent: deciding when a torrent rests (the torrent's matter).

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::collections::{BTreeMap, VecDeque};

/// A part that may be absent.
pub(super) trait Part: Sized + 'static {
    /// What an absent one looks like.
    const BLANK: &'static Self;
    /// A new one, equal to [`Self::BLANK`].
    fn fresh() -> Self;
    /// Whether it says nothing that an absent one would not.
    fn is_blank(&self) -> bool;
}

impl<K: 'static, V: 'static> Part for BTreeMap<K, V> {
    const BLANK: &'static Self = &Self::new();

    fn fresh() -> Self {
        Self::new()
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

impl<T: 'static> Part for VecDeque<T> {
    const BLANK: &'static Self = &Self::new();

    fn fresh() -> Self {
        Self::new()
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

/// One pointer's worth of a part.
pub(super) struct Lazy<T: Part>(Option<Box<T>>);

impl<T: Part> Lazy<T> {
    /// Absent.
    pub(super) const fn absent() -> Self {
        Self(None)
    }

    /// Takes the part out.
    pub(super) fn take(&mut self) -> T {
        self.0.take().map_or_else(T::fresh, |part| *part)
    }

    /// Lets the part go if nothing is lost by it.
    pub(super) fn rest(&mut self) {
        if self.0.as_ref().is_some_and(|part| part.is_blank()) {
            self.0 = None;
        }
    }

    /// Whether it takes no memory of its own.
    #[cfg(test)]
    pub(super) fn is_absent(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: Part> Deref for Lazy<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().unwrap_or(T::BLANK)
    }
}

impl<T: Part> DerefMut for Lazy<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_with(|| Box::new(T::fresh()))
    }
}

impl<T: Part + fmt::Debug> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Count(u32);

    impl Part for Count {
        const BLANK: &'static Self = &Self(0);

        fn fresh() -> Self {
            Self(0)
        }

        fn is_blank(&self) -> bool {
            self.0 == 0
        }
    }

    #[test]
    fn reading_brings_nothing_into_being_and_rest_loses_nothing() {
        let mut part: Lazy<Count> = Lazy::absent();
        assert_eq!((part.0.is_none(), part.deref().0), (true, 0));
        assert!(part.is_absent());
        part.0 = None;
        part.deref_mut().0 += 2;
        part.rest();
        assert_eq!(part.deref(), &Count(2));
        part.deref_mut().0 = 0;
        part.rest();
        assert!(part.is_absent());
    }
}

//! Receive buffers that are used again.
//!
//! What was received is passed on as slices of the buffer it came in; when the last slice is gone
//! the buffer serves again, so that a steady flow touches no fresh memory. At most so many buffers
//! exist at once: who gets none has to stop reading. They begin at a page, see `aligned`.
//! Deliberately absent: locks (slices may be dropped anywhere, the pool itself has one owner),
//! filling them, waiting.

use bytes::BytesMut;

use super::aligned::{PAGE, align};

/// Buffers of one size.
#[derive(Debug)]
pub struct BufferPool {
    size: usize,
    most: usize,
    /// Buffers that exist, in use or not.
    made: usize,
    /// Buffers given back, whose slices may still be in use; latest last.
    retired: Vec<BytesMut>,
    /// Whether a buffer was taken since the last [`Self::trim`].
    busy: bool,
}

impl BufferPool {
    /// Buffers of `size` bytes, at most `most` of them. None is made yet.
    #[must_use]
    pub fn new(size: usize, most: usize) -> Self {
        Self { size, most, made: 0, retired: Vec::new(), busy: false }
    }

    /// Bytes of a buffer.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// An empty buffer with room for [`Self::size`] bytes, to be given back by [`Self::retire`];
    /// the latest that is free, for it is the most likely to be in a cache. `None` when all are in
    /// use.
    pub fn take(&mut self) -> Option<BytesMut> {
        let whole = self.whole();
        self.busy = true;
        let mut all = self.retired.iter_mut();
        let mut buffer = if let Some(at) = all.rposition(|buffer| buffer.try_reclaim(whole)) {
            self.retired.swap_remove(at)
        } else if self.made < self.most {
            self.made += 1;
            BytesMut::with_capacity(whole)
        } else {
            return None;
        };
        align(&mut buffer);
        Some(buffer)
    }

    /// Gives back what [`Self::take`] gave. What is in it is dropped; slices split off stay valid,
    /// and the buffer serves again once they are gone.
    pub fn retire(&mut self, mut buffer: BytesMut) {
        buffer.clear();
        self.retired.push(buffer);
    }

    /// Whether more than half of what may exist is being filled: time to put up with smaller ones.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.made - self.retired.len() > self.most / 2
    }

    /// Frees the buffers nobody uses, if none was taken since the last call. Whether any are left.
    pub fn trim(&mut self) -> bool {
        if !core::mem::take(&mut self.busy) {
            let whole = self.whole();
            let before = self.retired.len();
            self.retired.retain_mut(|buffer| !buffer.try_reclaim(whole));
            self.made -= before - self.retired.len();
        }
        self.made > 0
    }

    /// Bytes of all buffers, in use or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.made * self.whole()
    }

    /// Bytes of a buffer with what may lie before its page.
    fn whole(&self) -> usize {
        self.size + PAGE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_buffer_serves_again_when_its_last_slice_is_gone() {
        let mut pool = BufferPool::new(1000, 1);
        let mut buffer = pool.take().unwrap();
        let place = buffer.as_ptr();
        assert_eq!(place as usize % PAGE, 0);
        buffer.extend_from_slice(&[7; 600]);
        let (a, b) = (buffer.split_to(100).freeze(), buffer.split_to(100).freeze());
        assert!(pool.take().is_none() && pool.is_short());
        pool.retire(buffer);
        assert!(pool.take().is_none() && !pool.is_short());
        drop(a);
        assert!(pool.take().is_none());
        assert_eq!(b, [7; 100][..]);
        drop(b);
        let again = pool.take().unwrap();
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(again.capacity() >= 1000);
    }

    #[test]
    fn the_latest_free_one_comes_first() {
        let mut pool = BufferPool::new(64, 8);
        let buffers: Vec<_> = (0..3).map(|_| pool.take().unwrap()).collect();
        let places: Vec<_> = buffers.iter().map(|b| b.as_ptr()).collect();
        buffers.into_iter().for_each(|b| pool.retire(b));
        assert_eq!(pool.take().unwrap().as_ptr(), places[2]);
    }

    #[test]
    fn idle_buffers_are_freed_and_busy_ones_kept() {
        let mut pool = BufferPool::new(64, 8);
        assert!(!pool.trim());
        let (mut one, two) = (pool.take().unwrap(), pool.take().unwrap());
        one.extend_from_slice(b"kept");
        let kept = one.split().freeze();
        pool.retire(one);
        pool.retire(two);
        assert!(pool.trim(), "taken since");
        assert_eq!(pool.bytes(), 2 * (64 + PAGE));
        assert!(pool.trim(), "one is in use");
        assert_eq!(pool.bytes(), 64 + PAGE);
        assert_eq!(kept, "kept");
        drop(kept);
        assert!(!pool.trim());
        assert_eq!(pool.bytes(), 0);
    }

    proptest! {
        /// Whatever is taken, sliced, dropped and given back, in any order: never more buffers than
        /// allowed, none twice, and slices keep what was written.
        #[test]
        fn bounded_and_never_shared(
            most in 1usize..5,
            steps in prop::collection::vec((0u8..4, any::<prop::sample::Index>()), 1..200),
        ) {
            let mut pool = BufferPool::new(100, most);
            let (mut taken, mut slices, mut stamp) = (Vec::new(), Vec::new(), 0_u8);
            for (step, pick) in steps {
                match step {
                    0 => taken.extend(pool.take()),
                    1 if !taken.is_empty() => {
                        let at = pick.index(taken.len());
                        let buffer: &mut BytesMut = &mut taken[at];
                        if buffer.capacity() - buffer.len() >= 10 {
                            stamp = stamp.wrapping_add(1);
                            buffer.extend_from_slice(&[stamp; 10]);
                            slices.push((stamp, buffer.split_to(10).freeze()));
                        }
                    }
                    2 if !slices.is_empty() => {
                        slices.swap_remove(pick.index(slices.len()));
                    }
                    3 if !taken.is_empty() => {
                        pool.retire(taken.swap_remove(pick.index(taken.len())));
                    }
                    _ => {}
                }
                prop_assert!(taken.len() <= most);
                prop_assert!(pool.bytes() <= most * (100 + PAGE));
                for (stamp, slice) in &slices {
                    prop_assert_eq!(&slice[..], &[*stamp; 10][..]);
                }
            }
            // Everything free again: all of it can be had at once.
            slices.clear();
            taken.drain(..).for_each(|buffer| pool.retire(buffer));
            let all: Vec<_> = core::iter::from_fn(|| pool.take()).collect();
            prop_assert_eq!(all.len(), most);
        }
    }
}

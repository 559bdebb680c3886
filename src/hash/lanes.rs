//! States of streams side by side, and the functions that advance them.
//!
//! Word `i` of all streams lies together, as a vector register wants it. SHA-1 uses five of the
//! eight words. Deliberately absent: which stream sits in which lane, which kernel is best.

/// Bytes of a block, of SHA-1 as of SHA-256.
pub(super) const BLOCK: usize = 64;
/// Most streams that any kernel advances at once.
pub(super) const WIDEST: usize = 16;

/// Where each lane's blocks begin.
pub(super) type Pointers = [*const u8; WIDEST];

/// States of up to [`WIDEST`] streams, by word and lane.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Lanes {
    /// `words[i][lane]`.
    pub(super) words: [[u32; WIDEST]; 8],
}

/// State of one stream.
pub(super) type State = [u32; 8];

impl Lanes {
    /// All zero.
    pub(super) fn new() -> Self {
        Self { words: [[0; WIDEST]; 8] }
    }

    /// Puts a stream into a lane; lanes that do not exist are ignored.
    pub(super) fn put(&mut self, lane: usize, state: &State) {
        for (row, word) in self.words.iter_mut().zip(state) {
            if let Some(place) = row.get_mut(lane) {
                *place = *word;
            }
        }
    }

    /// The state in a lane.
    pub(super) fn get(&self, lane: usize) -> State {
        self.words.map(|row| row.get(lane).copied().unwrap_or_default())
    }
}

/// Advances the first lanes by whole blocks.
///
/// # Safety
/// The processor has the kernel's instructions, and each of the first `width` pointers (of its
/// [`Kernel`]) leads to `blocks` times [`BLOCK`] readable bytes.
pub(super) type Advance = unsafe fn(lanes: &mut Lanes, from: &Pointers, blocks: usize);

/// One way to compress blocks of several streams at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    /// Streams it advances, in the first lanes.
    width: usize,
    advance: Advance,
}

impl Kernel {
    /// Names a function.
    ///
    /// # Safety
    /// The kernel is only run on processors that have its instructions, and reads no more than
    /// [`Advance`] allows for this width, which is from 1 to [`WIDEST`].
    pub(super) const unsafe fn new(width: usize, advance: Advance) -> Self {
        Self { width, advance }
    }

    /// Streams it advances.
    pub(super) const fn width(&self) -> usize {
        self.width
    }

    /// Advances lane `i` through `inputs[i]`, all by the same number of blocks: as many as the
    /// shortest has. Lanes beyond the kernel's width stay. Returns the number of blocks.
    #[inline]
    pub(super) fn run(&self, lanes: &mut Lanes, inputs: &[&[u8]; WIDEST]) -> usize {
        let blocks = inputs.iter().take(self.width).map(|i| i.len() / BLOCK).min().unwrap_or(0);
        if blocks > 0 {
            let from: Pointers = core::array::from_fn(|lane| inputs[lane].as_ptr());
            // SAFETY: kernels are made only for processors that can run them (`plan`), and every
            // input of the first `width` has at least so many blocks.
            unsafe { (self.advance)(lanes, &from, blocks) };
        }
        blocks
    }
}

//! One stream in general registers: the path of every machine, and the last resort of the others.
//!
//! It is the same body as the lanes', with a `u32` as its vector, so it needs no crate that picks
//! instructions behind our back: `portable` means the same work everywhere.

use super::lanes::{Kernel, Lanes, Pointers};
use super::vector::Vector;
use super::{sha1, sha256};

/// SHA-1, one stream.
// SAFETY: needs no special instructions, reads one pointer.
pub(super) const SHA1: Kernel = unsafe { Kernel::new(u32::LANES, sha1_one) };
/// SHA-256, one stream.
// SAFETY: needs no special instructions, reads one pointer.
pub(super) const SHA256: Kernel = unsafe { Kernel::new(u32::LANES, sha256_one) };

unsafe fn sha1_one(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`.
    unsafe { sha1::advance::<u32>(lanes, from, blocks) }
}

unsafe fn sha256_one(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`.
    unsafe { sha256::advance::<u32>(lanes, from, blocks) }
}

impl Vector for u32 {
    const LANES: usize = 1;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        word
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the caller gives a pointer to one word.
        unsafe { from.read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the caller gives a pointer to one word.
        unsafe { to.write(self) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        self ^ other
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        self.rotate_left(L.unsigned_abs())
    }

    #[inline(always)]
    unsafe fn shr<const N: i32>(self) -> Self {
        self >> N
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        self ^ b ^ c
    }

    #[inline(always)]
    unsafe fn choose(self, b: Self, c: Self) -> Self {
        c ^ (self & (b ^ c))
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        (self & b) | (c & (self | b))
    }

    #[inline(always)]
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16] {
        // SAFETY: the caller vouches for 64 bytes at the offset, at any alignment.
        let words = unsafe { from[0].add(offset).cast::<[Self; 16]>().read_unaligned() };
        words.map(Self::from_be)
    }
}

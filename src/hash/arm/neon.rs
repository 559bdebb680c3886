//! Four streams in 128-bit registers, for processors without the cryptographic instructions (the
//! Raspberry Pi up to its fourth generation is the one everybody meets).

use core::arch::aarch64::*;

use crate::hash::lanes::{Kernel, Lanes, Pointers};
use crate::hash::vector::Vector;
use crate::hash::{sha1, sha256};

/// SHA-1, four streams.
// SAFETY: every AArch64 machine that `plan` serves has NEON; it reads four pointers.
pub(in crate::hash) const SHA1: Kernel = unsafe { Kernel::new(X4::LANES, sha1_x4) };
/// SHA-256, four streams.
// SAFETY: every AArch64 machine that `plan` serves has NEON; it reads four pointers.
pub(in crate::hash) const SHA256: Kernel = unsafe { Kernel::new(X4::LANES, sha256_x4) };

#[target_feature(enable = "neon")]
unsafe fn sha1_x4(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha1::advance::<X4>(lanes, from, blocks) }
}

#[target_feature(enable = "neon")]
unsafe fn sha256_x4(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha256::advance::<X4>(lanes, from, blocks) }
}

/// Four words.
#[derive(Clone, Copy)]
struct X4(uint32x4_t);

impl Vector for X4 {
    const LANES: usize = 4;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vdupq_n_u32(word) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the shim enables NEON; the caller gives four words.
        Self(unsafe { vld1q_u32(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the shim enables NEON; the caller gives room for four words.
        unsafe { vst1q_u32(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vaddq_u32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { veorq_u32(self.0, other.0) })
    }

    /// Two instructions: the second shifts and inserts.
    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vsriq_n_u32::<R>(vshlq_n_u32::<L>(self.0), self.0) })
    }

    #[inline(always)]
    unsafe fn shr<const N: i32>(self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vshrq_n_u32::<N>(self.0) })
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { veorq_u32(veorq_u32(self.0, b.0), c.0) })
    }

    #[inline(always)]
    unsafe fn choose(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vbslq_u32(self.0, b.0, c.0) })
    }

    /// Where the first two differ the third decides, else either of them.
    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables NEON.
        Self(unsafe { vbslq_u32(veorq_u32(self.0, b.0), c.0, b.0) })
    }

    #[inline(always)]
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16] {
        // SAFETY: the shim enables NEON; each pointer leads to a block at the offset.
        unsafe {
            let mut words = [Self(vdupq_n_u32(0)); 16];
            for quarter in 0..4 {
                let a = row(from[0], offset + 16 * quarter);
                let b = row(from[1], offset + 16 * quarter);
                let c = row(from[2], offset + 16 * quarter);
                let d = row(from[3], offset + 16 * quarter);
                let (ab0, ab1) = (vtrn1q_u32(a, b), vtrn2q_u32(a, b));
                let (cd0, cd1) = (vtrn1q_u32(c, d), vtrn2q_u32(c, d));
                words[4 * quarter] = Self(low_halves(ab0, cd0));
                words[4 * quarter + 1] = Self(low_halves(ab1, cd1));
                words[4 * quarter + 2] = Self(high_halves(ab0, cd0));
                words[4 * quarter + 3] = Self(high_halves(ab1, cd1));
            }
            words
        }
    }
}

/// Four words of one stream.
///
/// # Safety
/// Needs NEON; `from` leads to 16 bytes at `offset`.
#[inline(always)]
unsafe fn row(from: *const u8, offset: usize) -> uint32x4_t {
    // SAFETY: the caller vouches for the instructions and the bytes.
    unsafe { vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(from.add(offset)))) }
}

/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn low_halves(x: uint32x4_t, y: uint32x4_t) -> uint32x4_t {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let (x, y) = (vreinterpretq_u64_u32(x), vreinterpretq_u64_u32(y));
        vreinterpretq_u32_u64(vtrn1q_u64(x, y))
    }
}

/// # Safety
/// Needs NEON.
#[inline(always)]
unsafe fn high_halves(x: uint32x4_t, y: uint32x4_t) -> uint32x4_t {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let (x, y) = (vreinterpretq_u64_u32(x), vreinterpretq_u64_u32(y));
        vreinterpretq_u32_u64(vtrn2q_u64(x, y))
    }
}

//! Eight streams in 256-bit registers. Rotations take three instructions and the schedule does not
//! fit into sixteen registers, but three ports work at it.

use core::arch::x86_64::*;

use crate::hash::lanes::{Kernel, Lanes, Pointers};
use crate::hash::vector::Vector;
use crate::hash::{sha1, sha256};

/// SHA-1, eight streams.
// SAFETY: `plan` uses it where AVX2 is; it reads eight pointers.
pub(in crate::hash) const SHA1: Kernel = unsafe { Kernel::new(X8::LANES, sha1_x8) };
/// SHA-256, eight streams.
// SAFETY: `plan` uses it where AVX2 is; it reads eight pointers.
pub(in crate::hash) const SHA256: Kernel = unsafe { Kernel::new(X8::LANES, sha256_x8) };

#[target_feature(enable = "avx2")]
unsafe fn sha1_x8(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha1::advance::<X8>(lanes, from, blocks) }
}

#[target_feature(enable = "avx2")]
unsafe fn sha256_x8(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha256::advance::<X8>(lanes, from, blocks) }
}

/// Eight words.
#[derive(Clone, Copy)]
struct X8(__m256i);

impl Vector for X8 {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the shim enables AVX2; the caller gives eight words.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the shim enables AVX2; the caller gives room for eight words.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe {
            _mm256_or_si256(_mm256_slli_epi32::<L>(self.0), _mm256_srli_epi32::<R>(self.0))
        })
    }

    #[inline(always)]
    unsafe fn shr<const N: i32>(self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_srli_epi32::<N>(self.0) })
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_xor_si256(_mm256_xor_si256(self.0, b.0), c.0) })
    }

    #[inline(always)]
    unsafe fn choose(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe {
            let differ = _mm256_xor_si256(b.0, c.0);
            _mm256_xor_si256(c.0, _mm256_and_si256(self.0, differ))
        })
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe {
            let any = _mm256_and_si256(c.0, _mm256_or_si256(self.0, b.0));
            _mm256_or_si256(_mm256_and_si256(self.0, b.0), any)
        })
    }

    #[inline(always)]
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16] {
        // SAFETY: the shim enables AVX2; each pointer leads to a block at the offset.
        unsafe { transposed(from, offset).map(Self) }
    }
}

/// Word `i` of the block at `offset` of eight streams, for all sixteen `i`. Quarters of blocks are
/// put together while they are loaded (two streams to a register, four apart), so that all
/// shuffles stay inside halves of registers.
///
/// # Safety
/// Needs AVX2; the first eight pointers lead to 64 bytes at `offset`.
#[inline(always)]
pub(super) unsafe fn transposed(from: &Pointers, offset: usize) -> [__m256i; 16] {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let mut words = [_mm256_setzero_si256(); 16];
        for quarter in 0..4 {
            let a = pair(from[0], from[4], offset + 16 * quarter);
            let b = pair(from[1], from[5], offset + 16 * quarter);
            let c = pair(from[2], from[6], offset + 16 * quarter);
            let d = pair(from[3], from[7], offset + 16 * quarter);
            let (ab0, ab2) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
            let (cd0, cd2) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
            words[4 * quarter] = _mm256_unpacklo_epi64(ab0, cd0);
            words[4 * quarter + 1] = _mm256_unpackhi_epi64(ab0, cd0);
            words[4 * quarter + 2] = _mm256_unpacklo_epi64(ab2, cd2);
            words[4 * quarter + 3] = _mm256_unpackhi_epi64(ab2, cd2);
        }
        words
    }
}

/// Four words of each of two streams, side by side.
///
/// # Safety
/// Needs AVX2; both pointers lead to 16 bytes at `offset`.
#[inline(always)]
unsafe fn pair(low: *const u8, high: *const u8, offset: usize) -> __m256i {
    // Where each byte comes from to turn four big-endian words around.
    const SWAP_LOW: i64 = 0x0405_0607_0001_0203;
    const SWAP_HIGH: i64 = 0x0c0d_0e0f_0809_0a0b;
    // SAFETY: the caller vouches for the instructions and the bytes.
    unsafe {
        let swap = _mm256_broadcastsi128_si256(_mm_set_epi64x(SWAP_HIGH, SWAP_LOW));
        let low = _mm256_castsi128_si256(_mm_loadu_si128(low.add(offset).cast()));
        let high = _mm_loadu_si128(high.add(offset).cast());
        _mm256_shuffle_epi8(_mm256_inserti128_si256::<1>(low, high), swap)
    }
}

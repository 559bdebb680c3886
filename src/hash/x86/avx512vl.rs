//! Eight streams in 256-bit registers with the instructions of AVX-512 VL. Half the width of
//! [`super::avx512`], but three ports instead of two, so a row of eight costs well below a row of
//! sixteen: the kernel for batches in between.

use core::arch::x86_64::*;

use super::avx2::transposed;
use crate::hash::lanes::{Kernel, Lanes, Pointers};
use crate::hash::vector::Vector;
use crate::hash::{sha1, sha256};

/// SHA-1, eight streams.
// SAFETY: `plan` uses it where AVX2 and AVX-512 F and VL are; it reads eight pointers.
pub(in crate::hash) const SHA1: Kernel = unsafe { Kernel::new(X8::LANES, sha1_x8) };
/// SHA-256, eight streams.
// SAFETY: `plan` uses it where AVX2 and AVX-512 F and VL are; it reads eight pointers.
pub(in crate::hash) const SHA256: Kernel = unsafe { Kernel::new(X8::LANES, sha256_x8) };

#[target_feature(enable = "avx2,avx512f,avx512vl")]
unsafe fn sha1_x8(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha1::advance::<X8>(lanes, from, blocks) }
}

#[target_feature(enable = "avx2,avx512f,avx512vl")]
unsafe fn sha256_x8(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha256::advance::<X8>(lanes, from, blocks) }
}

/// Eight words.
#[derive(Clone, Copy)]
struct X8(__m256i);

// Truth tables of `vpternlog`: bit `4a + 2b + c` is the result for those operand bits.
const XOR3: i32 = 0x96;
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;

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
        // SAFETY: the shim enables AVX-512 VL.
        Self(unsafe { _mm256_rol_epi32::<L>(self.0) })
    }

    #[inline(always)]
    unsafe fn shr<const N: i32>(self) -> Self {
        // SAFETY: the shim enables AVX2.
        Self(unsafe { _mm256_srli_epi32::<N>(self.0) })
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512 VL.
        Self(unsafe { _mm256_ternarylogic_epi32::<XOR3>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn choose(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512 VL.
        Self(unsafe { _mm256_ternarylogic_epi32::<CHOOSE>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512 VL.
        Self(unsafe { _mm256_ternarylogic_epi32::<MAJORITY>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16] {
        // SAFETY: the shim enables AVX2; each pointer leads to a block at the offset.
        unsafe { transposed(from, offset).map(Self) }
    }
}

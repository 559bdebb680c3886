//! Sixteen streams in 512-bit registers: one instruction for a rotation, one for any function of
//! three operands, and as many registers as a block has words and more.

use core::arch::x86_64::*;

use crate::hash::lanes::{Kernel, Lanes, Pointers};
use crate::hash::vector::Vector;
use crate::hash::{sha1, sha256};

/// SHA-1, sixteen streams.
// SAFETY: `plan` uses it where AVX-512 F and BW are; it reads sixteen pointers.
pub(in crate::hash) const SHA1: Kernel = unsafe { Kernel::new(X16::LANES, sha1_x16) };
/// SHA-256, sixteen streams.
// SAFETY: `plan` uses it where AVX-512 F and BW are; it reads sixteen pointers.
pub(in crate::hash) const SHA256: Kernel = unsafe { Kernel::new(X16::LANES, sha256_x16) };

#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn sha1_x16(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha1::advance::<X16>(lanes, from, blocks) }
}

#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn sha256_x16(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled here.
    unsafe { sha256::advance::<X16>(lanes, from, blocks) }
}

/// Sixteen words.
#[derive(Clone, Copy)]
struct X16(__m512i);

// Truth tables of `vpternlog`: bit `4a + 2b + c` is the result for those operand bits.
const XOR3: i32 = 0x96;
const CHOOSE: i32 = 0xca;
const MAJORITY: i32 = 0xe8;

// Where each byte comes from to turn four big-endian words around.
const SWAP_LOW: i64 = 0x0405_0607_0001_0203;
const SWAP_HIGH: i64 = 0x0c0d_0e0f_0809_0a0b;

impl Vector for X16 {
    const LANES: usize = 16;

    #[inline(always)]
    unsafe fn splat(word: u32) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_set1_epi32(word.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u32) -> Self {
        // SAFETY: the shim enables AVX-512; the caller gives sixteen words.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u32) {
        // SAFETY: the shim enables AVX-512; the caller gives room for sixteen words.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, other: Self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_rol_epi32::<L>(self.0) })
    }

    #[inline(always)]
    unsafe fn shr<const N: i32>(self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_srl_epi32(self.0, _mm_cvtsi32_si128(N)) })
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_ternarylogic_epi32::<XOR3>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn choose(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_ternarylogic_epi32::<CHOOSE>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn majority(self, b: Self, c: Self) -> Self {
        // SAFETY: the shim enables AVX-512.
        Self(unsafe { _mm512_ternarylogic_epi32::<MAJORITY>(self.0, b.0, c.0) })
    }

    /// Reads each stream's block whole, then transposes 16 x 16 words: pairs of words, pairs of
    /// pairs, then quarters of registers; 64 shuffles, which the rotations' port does not see.
    #[inline(always)]
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16] {
        // SAFETY: the shim enables AVX-512; each pointer leads to a block at the offset.
        unsafe {
            let q0 = quads(from, 0, offset);
            let q1 = quads(from, 4, offset);
            let q2 = quads(from, 8, offset);
            let q3 = quads(from, 12, offset);
            let mut words = [Self(_mm512_setzero_si512()); 16];
            for c in 0..4 {
                let even01 = _mm512_shuffle_i32x4::<0x88>(q0[c], q1[c]);
                let even23 = _mm512_shuffle_i32x4::<0x88>(q2[c], q3[c]);
                let odd01 = _mm512_shuffle_i32x4::<0xdd>(q0[c], q1[c]);
                let odd23 = _mm512_shuffle_i32x4::<0xdd>(q2[c], q3[c]);
                words[c] = Self(_mm512_shuffle_i32x4::<0x88>(even01, even23));
                words[4 + c] = Self(_mm512_shuffle_i32x4::<0x88>(odd01, odd23));
                words[8 + c] = Self(_mm512_shuffle_i32x4::<0xdd>(even01, even23));
                words[12 + c] = Self(_mm512_shuffle_i32x4::<0xdd>(odd01, odd23));
            }
            words
        }
    }
}

/// Four streams' blocks: quarter `l` of result `c` holds word `4l + c` of streams `first` to
/// `first + 3`.
///
/// # Safety
/// Needs AVX-512 F and BW; those streams' pointers lead to 64 bytes at `offset`.
#[inline(always)]
unsafe fn quads(from: &Pointers, first: usize, offset: usize) -> [__m512i; 4] {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let a = row(from[first], offset);
        let b = row(from[first + 1], offset);
        let c = row(from[first + 2], offset);
        let d = row(from[first + 3], offset);
        let (ab0, ab2) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd0, cd2) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        [
            _mm512_unpacklo_epi64(ab0, cd0),
            _mm512_unpackhi_epi64(ab0, cd0),
            _mm512_unpacklo_epi64(ab2, cd2),
            _mm512_unpackhi_epi64(ab2, cd2),
        ]
    }
}

/// The sixteen words of one stream's block.
///
/// # Safety
/// Needs AVX-512 F and BW; `from` leads to 64 bytes at `offset`.
#[inline(always)]
unsafe fn row(from: *const u8, offset: usize) -> __m512i {
    // SAFETY: the caller vouches for the instructions and the block.
    unsafe {
        let swap = _mm512_broadcast_i32x4(_mm_set_epi64x(SWAP_HIGH, SWAP_LOW));
        _mm512_shuffle_epi8(_mm512_loadu_si512(from.add(offset).cast()), swap)
    }
}

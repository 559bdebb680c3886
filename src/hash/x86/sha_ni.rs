//! One or two streams with the SHA extensions. Each instruction waits several cycles for the one
//! before it, so a second stream rides along cheaply. Four were slower than two: their schedules
//! do not fit into sixteen registers.

use core::arch::x86_64::*;

use crate::hash::lanes::{BLOCK, Kernel, Lanes, Pointers};
use crate::hash::sha256;

/// SHA-1, one stream.
// SAFETY: `plan` uses it where SHA, SSSE3 and SSE4.1 are; it reads one pointer.
pub(in crate::hash) const SHA1_1: Kernel = unsafe { Kernel::new(1, sha1_x1) };
/// SHA-1, two streams.
// SAFETY: `plan` uses it where SHA, SSSE3 and SSE4.1 are; it reads two pointers.
pub(in crate::hash) const SHA1_2: Kernel = unsafe { Kernel::new(2, sha1_x2) };
/// SHA-256, one stream.
// SAFETY: `plan` uses it where SHA, SSSE3 and SSE4.1 are; it reads one pointer.
pub(in crate::hash) const SHA256_1: Kernel = unsafe { Kernel::new(1, sha256_x1) };
/// SHA-256, two streams.
// SAFETY: `plan` uses it where SHA, SSSE3 and SSE4.1 are; it reads two pointers.
pub(in crate::hash) const SHA256_2: Kernel = unsafe { Kernel::new(2, sha256_x2) };

macro_rules! shims {
    ($($name:ident = $body:ident, $streams:literal;)*) => { $(
        #[target_feature(enable = "sha,ssse3,sse4.1")]
        unsafe fn $name(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
            // SAFETY: the caller keeps the contract of `Advance`; the instructions are enabled.
            unsafe { $body::<$streams>(lanes, from, blocks) }
        }
    )* };
}

shims! {
    sha1_x1 = sha1_streams, 1;
    sha1_x2 = sha1_streams, 2;
    sha256_x1 = sha256_streams, 1;
    sha256_x2 = sha256_streams, 2;
}

macro_rules! groups {
    ($group:ident, $s:ident, $w:ident; $($g:literal)*) => {{ $( $group::<N, $g>($s, $w); )* }};
}

/// SHA-1 of one stream: the words `a` to `d`, first in the highest, and `e` in the highest. After
/// a group of four rounds `e` is the `a` from before it, not rotated yet: `sha1nexte` does that.
type Sha1State = (__m128i, __m128i);

/// # Safety
/// Needs SHA, SSSE3 and SSE4.1, and the contract of `Advance` for `N` streams.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn sha1_streams<const N: usize>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let word = |i: usize, lane: usize| lanes.words[i][lane].cast_signed();
        let mut s: [Sha1State; N] = core::array::from_fn(|j| {
            let abcd = _mm_set_epi32(word(0, j), word(1, j), word(2, j), word(3, j));
            (abcd, _mm_set_epi32(word(4, j), 0, 0, 0))
        });
        // The bytes of a quarter backwards: its first word is the highest then.
        let swap = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
        for block in 0..blocks {
            let before = s;
            let mut w: [[__m128i; 4]; N] =
                core::array::from_fn(|j| quarters(from[j].add(block * BLOCK), swap));
            sha1_groups(&mut s, &mut w);
            for ((abcd, e), (old_abcd, old_e)) in s.iter_mut().zip(before) {
                *e = _mm_sha1nexte_epu32(*e, old_e);
                *abcd = _mm_add_epi32(*abcd, old_abcd);
            }
        }
        for (j, (abcd, e)) in s.iter().enumerate() {
            let words: [u32; 4] = core::mem::transmute(*abcd);
            for (i, word) in words.iter().rev().enumerate() {
                lanes.words[i][j] = *word;
            }
            lanes.words[4][j] = _mm_extract_epi32::<3>(*e).cast_unsigned();
        }
    }
}

/// All rounds of a block.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha1_groups<const N: usize>(s: &mut [Sha1State; N], w: &mut [[__m128i; 4]; N]) {
    groups!(sha1_group, s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
}

/// Four rounds of every stream.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha1_group<const N: usize, const G: usize>(s: &mut [Sha1State; N], w: &mut [[__m128i; 4]; N]) {
    // Indices, not iterators: what is not inlined here costs more than the rounds.
    let mut j = 0;
    while j < N {
        let (abcd, e) = s[j];
        let w = &mut w[j];
        if G >= 4 {
            let older = _mm_sha1msg1_epu32(w[G % 4], w[(G + 1) % 4]);
            let older = _mm_xor_si128(older, w[(G + 2) % 4]);
            w[G % 4] = _mm_sha1msg2_epu32(older, w[(G + 3) % 4]);
        }
        let sum = if G == 0 { _mm_add_epi32(e, w[0]) } else { _mm_sha1nexte_epu32(e, w[G % 4]) };
        let next = match G / 5 {
            0 => _mm_sha1rnds4_epu32::<0>(abcd, sum),
            1 => _mm_sha1rnds4_epu32::<1>(abcd, sum),
            2 => _mm_sha1rnds4_epu32::<2>(abcd, sum),
            _ => _mm_sha1rnds4_epu32::<3>(abcd, sum),
        };
        s[j] = (next, abcd);
        j += 1;
    }
}

/// The sixteen words of a block, four to a register, bytes shuffled as asked.
///
/// # Safety
/// Needs SSSE3; reads 64 bytes.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn quarters(block: *const u8, shuffle: __m128i) -> [__m128i; 4] {
    // SAFETY: the caller vouches for the instructions and the block.
    core::array::from_fn(|i| unsafe {
        _mm_shuffle_epi8(_mm_loadu_si128(block.add(16 * i).cast()), shuffle)
    })
}

/// SHA-256 of one stream as the instructions want it: `f e b a` and `h g d c`, lowest first.
type Sha256State = (__m128i, __m128i);

/// # Safety
/// Needs SHA, SSSE3 and SSE4.1, and the contract of `Advance` for `N` streams.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
unsafe fn sha256_streams<const N: usize>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let word = |i: usize, lane: usize| lanes.words[i][lane].cast_signed();
        let mut s: [Sha256State; N] = core::array::from_fn(|j| {
            let abef = _mm_set_epi32(word(0, j), word(1, j), word(4, j), word(5, j));
            (abef, _mm_set_epi32(word(2, j), word(3, j), word(6, j), word(7, j)))
        });
        let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
        for block in 0..blocks {
            let before = s;
            let mut w: [[__m128i; 4]; N] =
                core::array::from_fn(|j| quarters(from[j].add(block * BLOCK), swap));
            sha256_groups(&mut s, &mut w);
            for ((abef, cdgh), (old_abef, old_cdgh)) in s.iter_mut().zip(before) {
                *abef = _mm_add_epi32(*abef, old_abef);
                *cdgh = _mm_add_epi32(*cdgh, old_cdgh);
            }
        }
        for (j, (abef, cdgh)) in s.iter().enumerate() {
            let [f, e, b, a]: [u32; 4] = core::mem::transmute(*abef);
            let [h, g, d, c]: [u32; 4] = core::mem::transmute(*cdgh);
            lanes.put(j, &[a, b, c, d, e, f, g, h]);
        }
    }
}

/// All rounds of a block.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha256_groups<const N: usize>(s: &mut [Sha256State; N], w: &mut [[__m128i; 4]; N]) {
    groups!(sha256_group, s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

/// Four rounds of every stream.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha256_group<const N: usize, const G: usize>(
    s: &mut [Sha256State; N],
    w: &mut [[__m128i; 4]; N],
) {
    let mut j = 0;
    while j < N {
        let (abef, cdgh) = s[j];
        let w = &mut w[j];
        if G >= 4 {
            let older = _mm_sha256msg1_epu32(w[G % 4], w[(G + 1) % 4]);
            let between = _mm_alignr_epi8::<4>(w[(G + 3) % 4], w[(G + 2) % 4]);
            w[G % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(older, between), w[(G + 3) % 4]);
        }
        // SAFETY: four constants begin at `4 * G`, as `G` is below 16.
        let k = unsafe { _mm_loadu_si128(sha256::K.as_ptr().add(4 * G).cast()) };
        let sum = _mm_add_epi32(w[G % 4], k);
        let cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
        let abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32::<0x0e>(sum));
        s[j] = (abef, cdgh);
        j += 1;
    }
}

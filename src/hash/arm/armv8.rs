//! One or two streams with the cryptographic instructions of ARMv8: as on x86, one stream alone
//! mostly waits for itself.

use core::arch::aarch64::*;

use crate::hash::lanes::{BLOCK, Kernel, Lanes, Pointers};
use crate::hash::{sha1, sha256};

/// SHA-1, one stream.
// SAFETY: `plan` uses it where SHA-1 and SHA-2 instructions are; it reads one pointer.
pub(in crate::hash) const SHA1_1: Kernel = unsafe { Kernel::new(1, sha1_x1) };
/// SHA-1, two streams.
// SAFETY: `plan` uses it where SHA-1 and SHA-2 instructions are; it reads two pointers.
pub(in crate::hash) const SHA1_2: Kernel = unsafe { Kernel::new(2, sha1_x2) };
/// SHA-256, one stream.
// SAFETY: `plan` uses it where SHA-1 and SHA-2 instructions are; it reads one pointer.
pub(in crate::hash) const SHA256_1: Kernel = unsafe { Kernel::new(1, sha256_x1) };
/// SHA-256, two streams.
// SAFETY: `plan` uses it where SHA-1 and SHA-2 instructions are; it reads two pointers.
pub(in crate::hash) const SHA256_2: Kernel = unsafe { Kernel::new(2, sha256_x2) };

macro_rules! shims {
    ($($name:ident = $body:ident, $streams:literal;)*) => { $(
        #[target_feature(enable = "neon,sha2")]
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

/// SHA-1 of one stream: words `a` to `d`, and `e`.
type Sha1State = (uint32x4_t, u32);

/// # Safety
/// Needs NEON and SHA-2, and the contract of `Advance` for `N` streams.
#[inline]
#[target_feature(enable = "neon,sha2")]
unsafe fn sha1_streams<const N: usize>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let mut s: [Sha1State; N] = core::array::from_fn(|j| {
            let state = lanes.get(j);
            (vld1q_u32(state.as_ptr()), state[4])
        });
        for block in 0..blocks {
            let before = s;
            let mut w: [[uint32x4_t; 4]; N] =
                core::array::from_fn(|j| quarters(from[j].add(block * BLOCK)));
            sha1_groups(&mut s, &mut w);
            for ((abcd, e), (old_abcd, old_e)) in s.iter_mut().zip(before) {
                *abcd = vaddq_u32(*abcd, old_abcd);
                *e = e.wrapping_add(old_e);
            }
        }
        for (j, (abcd, e)) in s.iter().enumerate() {
            let mut state = [0; 8];
            vst1q_u32(state.as_mut_ptr(), *abcd);
            state[4] = *e;
            lanes.put(j, &state);
        }
    }
}

/// All rounds of a block.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn sha1_groups<const N: usize>(s: &mut [Sha1State; N], w: &mut [[uint32x4_t; 4]; N]) {
    groups!(sha1_group, s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19)
}

/// Four rounds of every stream.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn sha1_group<const N: usize, const G: usize>(
    s: &mut [Sha1State; N],
    w: &mut [[uint32x4_t; 4]; N],
) {
    for ((abcd, e), w) in s.iter_mut().zip(w) {
        if G >= 4 {
            let older = vsha1su0q_u32(w[G % 4], w[(G + 1) % 4], w[(G + 2) % 4]);
            w[G % 4] = vsha1su1q_u32(older, w[(G + 3) % 4]);
        }
        let sum = vaddq_u32(w[G % 4], vdupq_n_u32(sha1::K[G / 5]));
        let next = vsha1h_u32(vgetq_lane_u32::<0>(*abcd));
        *abcd = match G / 5 {
            0 => vsha1cq_u32(*abcd, *e, sum),
            2 => vsha1mq_u32(*abcd, *e, sum),
            _ => vsha1pq_u32(*abcd, *e, sum),
        };
        *e = next;
    }
}

/// The sixteen big-endian words of a block, four to a register.
///
/// # Safety
/// Needs NEON; reads 64 bytes.
#[inline]
#[target_feature(enable = "neon,sha2")]
unsafe fn quarters(block: *const u8) -> [uint32x4_t; 4] {
    // SAFETY: the caller vouches for the instructions and the block.
    core::array::from_fn(|i| unsafe {
        vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(block.add(16 * i))))
    })
}

/// SHA-256 of one stream: words `a` to `d` and `e` to `h`.
type Sha256State = (uint32x4_t, uint32x4_t);

/// # Safety
/// Needs NEON and SHA-2, and the contract of `Advance` for `N` streams.
#[inline]
#[target_feature(enable = "neon,sha2")]
unsafe fn sha256_streams<const N: usize>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and the blocks.
    unsafe {
        let mut s: [Sha256State; N] = core::array::from_fn(|j| {
            let state = lanes.get(j);
            (vld1q_u32(state.as_ptr()), vld1q_u32(state.as_ptr().add(4)))
        });
        for block in 0..blocks {
            let before = s;
            let mut w: [[uint32x4_t; 4]; N] =
                core::array::from_fn(|j| quarters(from[j].add(block * BLOCK)));
            sha256_groups(&mut s, &mut w);
            for ((abcd, efgh), (old_abcd, old_efgh)) in s.iter_mut().zip(before) {
                *abcd = vaddq_u32(*abcd, old_abcd);
                *efgh = vaddq_u32(*efgh, old_efgh);
            }
        }
        for (j, (abcd, efgh)) in s.iter().enumerate() {
            let mut state = [0; 8];
            vst1q_u32(state.as_mut_ptr(), *abcd);
            vst1q_u32(state.as_mut_ptr().add(4), *efgh);
            lanes.put(j, &state);
        }
    }
}

/// All rounds of a block.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn sha256_groups<const N: usize>(s: &mut [Sha256State; N], w: &mut [[uint32x4_t; 4]; N]) {
    groups!(sha256_group, s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
}

/// Four rounds of every stream.
#[inline]
#[target_feature(enable = "neon,sha2")]
fn sha256_group<const N: usize, const G: usize>(
    s: &mut [Sha256State; N],
    w: &mut [[uint32x4_t; 4]; N],
) {
    for ((abcd, efgh), w) in s.iter_mut().zip(w) {
        if G >= 4 {
            let older = vsha256su0q_u32(w[G % 4], w[(G + 1) % 4]);
            w[G % 4] = vsha256su1q_u32(older, w[(G + 2) % 4], w[(G + 3) % 4]);
        }
        // SAFETY: four constants begin at `4 * G`, as `G` is below 16.
        let k = unsafe { vld1q_u32(sha256::K.as_ptr().add(4 * G)) };
        let sum = vaddq_u32(w[G % 4], k);
        let before = *abcd;
        *abcd = vsha256hq_u32(*abcd, *efgh, sum);
        *efgh = vsha256h2q_u32(*efgh, before, sum);
    }
}

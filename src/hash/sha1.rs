//! SHA-1 (FIPS 180-4, section 6.1.2) over any [`Vector`].
//!
//! Fully unrolled: the round number is a constant, so that the sixteen words of the schedule and
//! the five of the state stay in registers and rotating their names costs nothing.

use super::lanes::{BLOCK, Lanes, Pointers, State};
use super::vector::Vector;

/// The state before the first block.
pub(super) const INIT: State =
    [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0, 0, 0, 0];

/// One constant per twenty rounds.
pub(super) const K: [u32; 4] = [0x5a82_7999, 0x6ed9_eba1, 0x8f1b_bcdc, 0xca62_c1d6];

/// Advances `V::LANES` streams by `blocks` blocks.
///
/// # Safety
/// That of [`Vector`], and of [`super::lanes::Advance`] for a width of `V::LANES`.
#[inline(always)]
pub(super) unsafe fn advance<V: Vector>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and for the blocks; rows of `Lanes` are
    // `WIDEST` words long, which is at least `V::LANES`.
    unsafe {
        let mut s: [V; 5] = [V::splat(0); 5];
        for (v, row) in s.iter_mut().zip(&lanes.words) {
            *v = V::load(row.as_ptr());
        }
        for block in 0..blocks {
            let before = s;
            let mut w = V::load_block(from, block * BLOCK);
            rounds(&mut s, &mut w);
            for (v, old) in s.iter_mut().zip(before) {
                *v = v.add(old);
            }
        }
        for (v, row) in s.iter().zip(&mut lanes.words) {
            v.store(row.as_mut_ptr());
        }
    }
}

macro_rules! rounds {
    ($s:ident, $w:ident; $($t:literal)*) => {{ $( round::<V, $t>($s, $w); )* }};
}

/// The eighty rounds of a block.
///
/// # Safety
/// That of [`Vector`].
#[inline(always)]
unsafe fn rounds<V: Vector>(s: &mut [V; 5], w: &mut [V; 16]) {
    // SAFETY: passed on to the caller.
    unsafe {
        rounds!(s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
        rounds!(s, w; 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);
        rounds!(s, w; 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59);
        rounds!(s, w; 60 61 62 63 64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79);
    }
}

/// Round `T`. Instead of moving the five words along, their names move: word `a` of round `T` is
/// at `-T` modulo 5.
///
/// # Safety
/// That of [`Vector`].
#[inline(always)]
unsafe fn round<V: Vector, const T: usize>(s: &mut [V; 5], w: &mut [V; 16]) {
    let at = |word: usize| (word + 5 - T % 5) % 5;
    let (a, b, c, d, e) = (s[at(0)], s[at(1)], s[at(2)], s[at(3)], s[at(4)]);
    // SAFETY: passed on to the caller.
    unsafe {
        if T >= 16 {
            let older = w[(T + 13) % 16].xor3(w[(T + 8) % 16], w[(T + 2) % 16]);
            w[T % 16] = older.xor(w[T % 16]).rotl::<1, 31>();
        }
        let f = match T / 20 {
            0 => b.choose(c, d),
            2 => b.majority(c, d),
            _ => b.xor3(c, d),
        };
        let sum = e.add(w[T % 16].add(V::splat(K[T / 20]))).add(f);
        s[at(4)] = sum.add(a.rotl::<5, 27>());
        s[at(1)] = b.rotl::<30, 2>();
    }
}

//! SHA-256 (FIPS 180-4, section 6.2.2) over any [`Vector`]; unrolled as [`super::sha1`] is.

use super::lanes::{BLOCK, Lanes, Pointers, State};
use super::vector::Vector;

/// The state before the first block.
pub(super) const INIT: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// One constant per round.
#[rustfmt::skip]
pub(super) const K: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
];

/// Advances `V::LANES` streams by `blocks` blocks.
///
/// # Safety
/// That of [`Vector`], and of [`super::lanes::Advance`] for a width of `V::LANES`.
#[inline(always)]
pub(super) unsafe fn advance<V: Vector>(lanes: &mut Lanes, from: &Pointers, blocks: usize) {
    // SAFETY: the caller vouches for the instructions and for the blocks; rows of `Lanes` are
    // `WIDEST` words long, which is at least `V::LANES`.
    unsafe {
        let mut s: [V; 8] = [V::splat(0); 8];
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

/// The sixty-four rounds of a block.
///
/// # Safety
/// That of [`Vector`].
#[inline(always)]
unsafe fn rounds<V: Vector>(s: &mut [V; 8], w: &mut [V; 16]) {
    // SAFETY: passed on to the caller.
    unsafe {
        rounds!(s, w; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        rounds!(s, w; 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        rounds!(s, w; 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47);
        rounds!(s, w; 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
    }
}

/// Round `T`; word `a` of round `T` is at `-T` modulo 8.
///
/// # Safety
/// That of [`Vector`].
#[inline(always)]
unsafe fn round<V: Vector, const T: usize>(s: &mut [V; 8], w: &mut [V; 16]) {
    let at = |word: usize| (word + 8 - T % 8) % 8;
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| s[at(i)]);
    let [e, f, g, h] = [4, 5, 6, 7].map(|i| s[at(i)]);
    // SAFETY: passed on to the caller.
    unsafe {
        if T >= 16 {
            let (x, y) = (w[(T + 1) % 16], w[(T + 14) % 16]);
            let small0 = x.rotl::<25, 7>().xor3(x.rotl::<14, 18>(), x.shr::<3>());
            let small1 = y.rotl::<15, 17>().xor3(y.rotl::<13, 19>(), y.shr::<10>());
            w[T % 16] = w[T % 16].add(small0).add(w[(T + 9) % 16]).add(small1);
        }
        let big1 = e.rotl::<26, 6>().xor3(e.rotl::<21, 11>(), e.rotl::<7, 25>());
        let big0 = a.rotl::<30, 2>().xor3(a.rotl::<19, 13>(), a.rotl::<10, 22>());
        let sum = h.add(w[T % 16].add(V::splat(K[T]))).add(e.choose(f, g)).add(big1);
        s[at(3)] = d.add(sum);
        s[at(7)] = sum.add(big0.add(a.majority(b, c)));
    }
}

//! What the hash bodies need of a register of 32-bit lanes, and nothing more.
//!
//! A body is written once over [`Vector`]; each instruction set gives one small implementation, and
//! a shim with the right `#[target_feature]` into which everything is inlined. Deliberately absent:
//! finding out what the machine has; that is [`super::plan`]'s.

use super::lanes::Pointers;

/// One word of several independent streams.
///
/// # Safety
/// Every function needs the instruction set of its implementation, and must be inlined into a
/// function that enables it. Those with pointers say what they read.
pub(super) trait Vector: Copy {
    /// Streams side by side.
    const LANES: usize;
    /// The same word for all streams.
    unsafe fn splat(word: u32) -> Self;
    /// Reads [`Self::LANES`] words.
    unsafe fn load(from: *const u32) -> Self;
    /// Writes [`Self::LANES`] words.
    unsafe fn store(self, to: *mut u32);
    /// Adds, modulo 2^32.
    unsafe fn add(self, other: Self) -> Self;
    /// Exclusive or.
    unsafe fn xor(self, other: Self) -> Self;
    /// Rotates left by `L` bits; `R` is 32 - `L`, which a shift cannot say by itself.
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self;
    /// Shifts right by `N` bits.
    unsafe fn shr<const N: i32>(self) -> Self;
    /// Exclusive or of three.
    unsafe fn xor3(self, b: Self, c: Self) -> Self;
    /// Bits of `b` where `self` is one, of `c` where it is zero (FIPS 180-4: Ch).
    unsafe fn choose(self, b: Self, c: Self) -> Self;
    /// The bit that at least two have (FIPS 180-4: Maj).
    unsafe fn majority(self, b: Self, c: Self) -> Self;
    /// The sixteen big-endian words at `offset` of each stream, word by word. Reads 64 bytes at
    /// `offset` of the first [`Self::LANES`] pointers, at any alignment.
    unsafe fn load_block(from: &Pointers, offset: usize) -> [Self; 16];
}

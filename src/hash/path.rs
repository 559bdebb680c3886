//! The ways to hash that can be asked for by name.

use core::fmt;
use core::str::FromStr;

/// A set of instructions to hash with. Every path gives the same digests; they differ in speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HashPath {
    /// What is fastest here, chosen anew by how many streams there are.
    #[default]
    Auto,
    /// General registers only; runs everywhere.
    Portable,
    /// x86: the SHA extensions, up to four streams interleaved.
    ShaNi,
    /// x86: eight streams in 256-bit registers.
    Avx2,
    /// x86: eight or sixteen streams with AVX-512 (F, BW and VL).
    Avx512,
    /// AArch64: four streams in 128-bit registers.
    Neon,
    /// AArch64: the SHA-1 and SHA-2 instructions, two streams interleaved.
    Armv8,
}

impl HashPath {
    /// All of them, on every machine.
    pub const ALL: [Self; 7] = [
        Self::Auto,
        Self::Portable,
        Self::ShaNi,
        Self::Avx2,
        Self::Avx512,
        Self::Neon,
        Self::Armv8,
    ];

    /// The name in options and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Portable => "portable",
            Self::ShaNi => "sha-ni",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Armv8 => "armv8",
        }
    }

    /// Whether this machine has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        super::plan::plans(self).is_ok()
    }
}

impl fmt::Display for HashPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a path cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashPathError {
    /// No path has this name.
    Unknown,
    /// The machine lacks the instructions.
    Unavailable(HashPath),
}

impl fmt::Display for HashPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str(
                "not a hash path: auto, portable, sha-ni, avx2, avx512, neon, armv8 are",
            ),
            Self::Unavailable(path) => write!(f, "this machine cannot hash with {path}"),
        }
    }
}

impl core::error::Error for HashPathError {}

impl FromStr for HashPath {
    type Err = HashPathError;

    fn from_str(name: &str) -> Result<Self, HashPathError> {
        Self::ALL.into_iter().find(|p| p.name() == name).ok_or(HashPathError::Unknown)
    }
}

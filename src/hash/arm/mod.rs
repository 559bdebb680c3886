//! Kernels for AArch64, one file per instruction set.

pub(super) mod armv8;
pub(super) mod neon;

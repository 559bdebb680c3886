//! Kernels for x86-64, one file per instruction set.

pub(super) mod avx2;
pub(super) mod avx512;
pub(super) mod avx512vl;
pub(super) mod sha_ni;

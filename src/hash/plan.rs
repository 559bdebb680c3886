//! What the machine has, and which kernel to use for how many streams.
//!
//! A kernel costs the same however many of its lanes are in use, so wide ones need a minimum of
//! streams to pay. The minima below come from `cargo bench --bench hash` (docs/adr/0010 has the
//! figures); they are fixed instead of measured at start, so that a program does the same work on
//! every run.

#[cfg(target_arch = "aarch64")]
use super::arm::{armv8, neon};
use super::lanes::Kernel;
use super::path::{HashPath, HashPathError};
use super::portable;
#[cfg(target_arch = "x86_64")]
use super::x86::{avx2, avx512, avx512vl, sha_ni};

/// Which kernel for how many streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Kernels and the fewest streams each is used for, most first.
    several: &'static [(usize, Kernel)],
    /// For fewer than all of those.
    few: Kernel,
    /// How many streams are worth waiting for.
    company: usize,
}

impl Plan {
    /// The kernel for so many streams.
    #[inline]
    pub(super) fn pick(&self, streams: usize) -> Kernel {
        let fit = self.several.iter().find(|(least, _)| *least <= streams);
        fit.map_or(self.few, |(_, kernel)| *kernel)
    }

    /// How many streams are worth waiting for: with so many a byte costs at most a sixth more than
    /// with any number.
    pub(super) fn company(&self) -> usize {
        self.company
    }

    /// How many streams its widest kernel takes.
    pub(super) fn lanes(&self) -> usize {
        self.several.first().map_or(&self.few, |(_, kernel)| kernel).width()
    }

    /// All its kernels.
    #[cfg(test)]
    pub(super) fn kernels(&self) -> impl Iterator<Item = Kernel> {
        self.several.iter().map(|(_, kernel)| *kernel).chain([self.few])
    }
}

/// A plan for each algorithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plans {
    pub(super) sha1: Plan,
    pub(super) sha256: Plan,
}

/// The plans of a path, if the machine has what their kernels need. There is no other way to come
/// by a kernel, and that is what makes running one sound.
pub(super) fn plans(path: HashPath) -> Result<&'static Plans, HashPathError> {
    let here = match path {
        HashPath::Auto => Some(best()),
        HashPath::Portable => Some(&PORTABLE),
        _ => special(path),
    };
    here.ok_or(HashPathError::Unavailable(path))
}

const PORTABLE: Plans = Plans {
    sha1: Plan { several: &[], few: portable::SHA1, company: 1 },
    sha256: Plan { several: &[], few: portable::SHA256, company: 1 },
};

/// The fastest for this machine.
#[cfg(target_arch = "x86_64")]
pub(super) fn best() -> &'static Plans {
    match (has_avx512(), has_avx2(), has_sha_ni()) {
        (true, _, true) => &AVX512_AND_SHA_NI,
        (true, _, false) => &AVX512,
        (false, true, true) => &AVX2_AND_SHA_NI,
        (false, false, true) => &SHA_NI,
        (false, true, false) => &AVX2,
        (false, false, false) => &PORTABLE,
    }
}

/// The path, if it is one of this architecture and the machine has it.
#[cfg(target_arch = "x86_64")]
fn special(path: HashPath) -> Option<&'static Plans> {
    match path {
        HashPath::ShaNi => has_sha_ni().then_some(&SHA_NI),
        HashPath::Avx2 => has_avx2().then_some(&AVX2),
        HashPath::Avx512 => has_avx512().then_some(&AVX512),
        _ => None,
    }
}

#[cfg(target_arch = "x86_64")]
fn has_sha_ni() -> bool {
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
const SHA_NI: Plans = Plans {
    sha1: Plan { several: &[(2, sha_ni::SHA1_2)], few: sha_ni::SHA1_1, company: 2 },
    sha256: Plan { several: &[(2, sha_ni::SHA256_2)], few: sha_ni::SHA256_1, company: 2 },
};

#[cfg(target_arch = "x86_64")]
const AVX2: Plans = Plans {
    sha1: Plan { several: &[(2, avx2::SHA1)], few: portable::SHA1, company: 7 },
    sha256: Plan { several: &[(2, avx2::SHA256)], few: portable::SHA256, company: 7 },
};

/// Eight lanes of SHA-256 are slower than the SHA extensions. Those of SHA-1 are a little faster
/// when they are full, by less than waiting for company costs.
#[cfg(target_arch = "x86_64")]
const AVX2_AND_SHA_NI: Plans = Plans {
    sha1: Plan {
        several: &[(8, avx2::SHA1), (2, sha_ni::SHA1_2)],
        few: sha_ni::SHA1_1,
        company: 2,
    },
    sha256: SHA_NI.sha256,
};

#[cfg(target_arch = "x86_64")]
const AVX512: Plans = Plans {
    sha1: Plan {
        several: &[(9, avx512::SHA1), (2, avx512vl::SHA1)],
        few: portable::SHA1,
        company: 14,
    },
    sha256: Plan {
        several: &[(9, avx512::SHA256), (2, avx512vl::SHA256)],
        few: portable::SHA256,
        company: 14,
    },
};

#[cfg(target_arch = "x86_64")]
const AVX512_AND_SHA_NI: Plans = Plans {
    sha1: Plan {
        several: &[(10, avx512::SHA1), (4, avx512vl::SHA1), (2, sha_ni::SHA1_2)],
        few: sha_ni::SHA1_1,
        company: 14,
    },
    sha256: Plan {
        several: &[(10, avx512::SHA256), (5, avx512vl::SHA256), (2, sha_ni::SHA256_2)],
        few: sha_ni::SHA256_1,
        company: 14,
    },
};

/// The fastest for this machine.
#[cfg(target_arch = "aarch64")]
pub(super) fn best() -> &'static Plans {
    special(HashPath::Armv8).or_else(|| special(HashPath::Neon)).unwrap_or(&PORTABLE)
}

/// The path, if it is one of this architecture and the machine has it.
#[cfg(target_arch = "aarch64")]
fn special(path: HashPath) -> Option<&'static Plans> {
    let neon = std::arch::is_aarch64_feature_detected!("neon");
    let sha2 = std::arch::is_aarch64_feature_detected!("sha2");
    match path {
        HashPath::Armv8 => (neon && sha2).then_some(&ARMV8),
        HashPath::Neon => neon.then_some(&NEON),
        _ => None,
    }
}

#[cfg(target_arch = "aarch64")]
const ARMV8: Plans = Plans {
    sha1: Plan { several: &[(2, armv8::SHA1_2)], few: armv8::SHA1_1, company: 2 },
    sha256: Plan { several: &[(2, armv8::SHA256_2)], few: armv8::SHA256_1, company: 2 },
};

#[cfg(target_arch = "aarch64")]
const NEON: Plans = Plans {
    sha1: Plan { several: &[(2, neon::SHA1)], few: portable::SHA1, company: 4 },
    sha256: Plan { several: &[(2, neon::SHA256)], few: portable::SHA256, company: 4 },
};

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn best() -> &'static Plans {
    &PORTABLE
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn special(_path: HashPath) -> Option<&'static Plans> {
    None
}

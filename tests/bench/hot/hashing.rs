//! SHA-1, path by path. Under valgrind the processor has no AVX-512 and no SHA instructions: those
//! paths have `benches/hash.rs`, in seconds.

use tern::hash::{HashPath, Hasher};

use crate::Meter;

const KIB: usize = 256;

/// Does nothing where the instructions are missing.
fn hash(meter: &mut Meter, path: HashPath, streams: usize) {
    let Ok(hasher) = Hasher::new(path) else { return };
    let data: Vec<Vec<u8>> = (0..streams).map(|i| vec![i as u8; KIB << 10]).collect();
    let parts: Vec<[&[u8]; 1]> = data.iter().map(|d| [d.as_slice()]).collect();
    let messages: Vec<&[&[u8]]> = parts.iter().map(|p| p.as_slice()).collect();
    let digests = meter.run((KIB * streams) as u64, || hasher.sha1_many(&messages));
    assert_eq!(digests.len(), streams);
}

/// One message in general registers.
pub fn portable(meter: &mut Meter) {
    hash(meter, HashPath::Portable, 1);
}

/// As many messages as there are lanes.
pub fn avx2_full(meter: &mut Meter) {
    hash(meter, HashPath::Avx2, 8);
}

/// Half as many: what the lanes cost that nobody uses.
pub fn avx2_half(meter: &mut Meter) {
    hash(meter, HashPath::Avx2, 4);
}

//! SHA-1. Under valgrind the processor has no AVX-512 and no SHA instructions, so that the default
//! path is the best of what is left.

use tern::hash::sha1_many;

use crate::Meter;

const KIB: usize = 256;

fn hash(meter: &mut Meter, streams: usize) {
    let data: Vec<Vec<u8>> = (0..streams).map(|i| vec![i as u8; KIB << 10]).collect();
    let parts: Vec<[&[u8]; 1]> = data.iter().map(|d| [d.as_slice()]).collect();
    let messages: Vec<&[&[u8]]> = parts.iter().map(|p| p.as_slice()).collect();
    let digests = meter.run((KIB * streams) as u64, || sha1_many(&messages));
    assert_eq!(digests.len(), streams);
}

/// One message.
pub fn one(meter: &mut Meter) {
    hash(meter, 1);
}

/// As many as have lanes.
pub fn sixteen(meter: &mut Meter) {
    hash(meter, 16);
}

//! bencode (BEP 3). CONTRACT SKETCH, the codec owner fills it in.

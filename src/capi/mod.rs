//! Layer 7: the C ABI. CONTRACT SKETCH.

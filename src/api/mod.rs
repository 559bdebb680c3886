//! Layer 6: the public Rust face. CONTRACT SKETCH.

//! Safe file names. CONTRACT SKETCH.

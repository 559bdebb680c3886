//! The `tern` command. CONTRACT SKETCH.
fn main() {}

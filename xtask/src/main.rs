//! Maintenance commands for contributors: `cargo run -p xtask -- help`.
fn main() {}

//! Transmission's `.resume` files.

use tern::codec::clients::transmission;

/// One input.
pub fn run(data: &[u8]) {
    let _ = transmission::incomplete_dir(data);
    if let Ok(state) = transmission::resume(data, b"n") {
        crate::settled::check(state);
    }
}

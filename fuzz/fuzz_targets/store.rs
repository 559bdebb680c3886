//! See the body, which the corpus test shares.
#![no_main]

#[path = "../bodies/store.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

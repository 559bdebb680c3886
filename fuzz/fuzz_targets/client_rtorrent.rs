//! See the body, which the corpus test shares.
#![no_main]

#[path = "../bodies/client_rtorrent.rs"]
mod body;
#[path = "../bodies/settled.rs"]
mod settled;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::run(data));

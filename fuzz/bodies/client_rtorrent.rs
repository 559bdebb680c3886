//! rtorrent's session, in the old form that has all in one file.

use tern::codec::clients::rtorrent;

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(state) = rtorrent::session(data, None, None) {
        crate::settled::check(state);
    }
}

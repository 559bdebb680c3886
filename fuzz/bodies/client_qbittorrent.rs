//! qBittorrent's resume data is read, settled, written for qBittorrent, and read again.

use tern::codec::clients::{Labels, qbittorrent};

/// One input.
pub fn run(data: &[u8]) {
    let _ = qbittorrent::queue(&String::from_utf8_lossy(data));
    let Ok(state) = qbittorrent::fastresume(data) else { return };
    crate::settled::check(state.clone());
    let written = qbittorrent::write(&state.resume, &crate::settled::info());
    let again = qbittorrent::fastresume(&written).expect("what we write we read");
    assert_eq!(again.labels.category, state.labels.category);
    let known = Labels { queue: None, ..state.labels };
    assert_eq!(Labels { queue: None, ..again.labels }, known);
}

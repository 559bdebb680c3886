//! Deluge's pickle, and its dictionary of resume data.

use tern::codec::clients::deluge;
use tern::codec::resume::Resume;

/// One input.
pub fn run(data: &[u8]) {
    for kept in deluge::state(data).unwrap_or_default().into_iter().flatten() {
        crate::settled::check(kept.state.clone());
        crate::settled::check(deluge::join(kept.state, Resume::default()));
    }
    for (_, raw) in deluge::fastresume(data).unwrap_or_default() {
        let _ = Resume::parse(&raw);
    }
}

//! aria2's control files and its list of downloads.

use tern::codec::clients::{ClientState, Labels, Place, aria2};
use tern::codec::resume::Resume;

/// One input.
pub fn run(data: &[u8]) {
    for entry in aria2::session(&String::from_utf8_lossy(data)) {
        assert!(entry.settings(9).file_priority.len() <= 9);
        let _ = entry.renamed();
    }
    let Ok(control) = aria2::control(data) else { return };
    crate::settled::check(ClientState {
        resume: Resume::default(),
        place: Place::Under(Vec::new()),
        claims: control.claims,
        labels: Labels::default(),
        endings: &[],
    });
}

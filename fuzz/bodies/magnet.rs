//! Arbitrary text as a magnet link: nothing panics, and what is read is written so that it reads
//! the same.

use tern::codec::magnet::Magnet;

/// One input.
pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Ok(magnet) = Magnet::parse(&text) {
        let written = magnet.to_string();
        // Escapes may make it longer than what is read.
        if written.len() <= tern::base::limits::MAGNET_BYTES {
            assert_eq!(Magnet::parse(&written).as_ref(), Ok(&magnet), "{written}");
        }
        assert!(magnet.selected.is_some() || magnet.wants(0));
    }
}

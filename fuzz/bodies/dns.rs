//! Arbitrary bytes as the answer of a name server: nothing panics, and what is kept is bounded.

use tern::proto::dns::{question, texts};

/// One input.
pub fn run(input: &[u8]) {
    let asked = question(0x1234, "tracker.example").expect("a name");
    let _ = texts(&asked, input);
    // Behind a head and a question that fit, so that the records are reached.
    let mut answer = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, 40, 0, 0, 0, 0];
    answer.extend_from_slice(asked.get(12..).unwrap_or_default());
    answer.extend_from_slice(input);
    if let Ok(found) = texts(&asked, &answer) {
        assert!(found.len() <= 32 && found.iter().all(|text| text.len() <= 1024));
    }
    if let Ok(name) = core::str::from_utf8(input)
        && let Some(packet) = question(7, name)
    {
        assert!(packet.len() <= 12 + 255 + 4);
    }
}

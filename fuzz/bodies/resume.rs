//! What parses as resume data never claims more pieces than asked for, and survives a rewrite.

use tern::codec::resume::Resume;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(resume) = Resume::parse(data) else { return };
    let own = resume.tern.as_ref().map(|tern| tern.piece_count).filter(|count| *count < 100_000);
    for count in [0, 1, 9, 64, own.unwrap_or(11)] {
        let have = resume.have(count);
        if let Some((set, covered)) = &have {
            assert!(set.len() == count && *covered <= count);
            assert!(set.iter().all(|piece| piece < *covered));
        }
        let again = Resume::parse(&resume.encode(count)).expect("what we write we read");
        let pieces = |have: Option<(tern::base::Bitset, u32)>| have.filter(|(_, n)| *n > 0);
        assert_eq!(pieces(again.have(count)), pieces(have));
        assert_eq!(again.trackers, resume.trackers);
        assert_eq!(again.peers.len(), resume.peers.len());
    }
}

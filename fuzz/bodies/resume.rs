//! What parses as resume data never claims more pieces than asked for, reads back the same from
//! what we write, and is then written the same.

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
        let blob = resume.encode(count);
        let again = Resume::parse(&blob).expect("what we write we read");
        let pieces = |have: Option<(tern::base::Bitset, u32)>| have.filter(|(_, n)| *n > 0);
        assert_eq!(pieces(again.have(count)), pieces(have));
        assert!(resume.unknown.iter().all(|entry| again.unknown.contains(entry)));
        let expected = Resume {
            pieces: again.pieces.clone(),
            verified: again.verified.clone(),
            tern: again.tern.clone(),
            unknown: again.unknown.clone(),
            ..resume.clone()
        };
        assert_eq!(again, expected);
        assert_eq!(again.encode(count), blob);
    }
}

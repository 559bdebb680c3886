//! Packets by hand, and whatever else a stranger may send.

use proptest::prelude::*;

use super::*;

const NAME: &str = "tracker.example";

fn ask() -> Vec<u8> {
    question(0x1234, NAME).unwrap()
}

/// An answer to [`ask`] with this code and these records.
fn answer(code: u8, records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut out = vec![0x12, 0x34, 0x81, 0x80 | code, 0, 1, 0, 0, 0, 0, 0, 0];
    out[7] = u8::try_from(records.len()).unwrap();
    out.extend_from_slice(&ask()[HEAD..]);
    for (kind, data) in records {
        // The name of the question again, by its place.
        out.extend_from_slice(&[0xc0, 12]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        out.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend_from_slice(data);
    }
    out
}

#[test]
fn the_question_is_laid_out_as_the_rfc_says() {
    let expected = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
                     \x07tracker\x07example\x00\x00\x10\x00\x01";
    assert_eq!(ask(), expected);
    assert_eq!(question(0x1234, "tracker.example."), Some(ask()));
    let long = "a".repeat(64);
    let many = "ab.".repeat(90);
    for bad in ["", ".", "a..b", ".a", long.as_str(), many.as_str()] {
        assert_eq!(question(1, bad), None, "{bad}");
    }
}

#[test]
fn strings_are_joined_and_other_records_passed() {
    let alias: &[u8] = b"\x05other\xc0\x14";
    let records: &[(u16, &[u8])] =
        &[(5, alias), (16, b"\x0bv=spf1 -all"), (16, b"\x0aBITTORRENT\x09 UDP:1337"), (16, b"")];
    let expected = [&b"v=spf1 -all"[..], b"BITTORRENT UDP:1337", b""].map(<[u8]>::to_vec);
    assert_eq!(texts(&ask(), &answer(0, records)), Ok(expected.to_vec()));
    assert_eq!(texts(&ask(), &answer(0, &[])), Ok(Vec::new()));
    assert_eq!(texts(&ask(), &answer(3, &[])), Ok(Vec::new()), "no such name");
    assert_eq!(texts(&ask(), &answer(2, &[])), Err(DnsError::Server(2)));
}

#[test]
fn only_the_answer_to_the_question_is_one() {
    let right = answer(0, &[(16, b"\x01x")]);
    let spoilt = |at: usize, to: u8| {
        let mut packet = right.clone();
        packet[at] = to;
        texts(&ask(), &packet)
    };
    assert!(texts(&ask(), &right).is_ok());
    assert_eq!(spoilt(0, 0), Err(DnsError::NotAnAnswer), "another number");
    assert_eq!(spoilt(2, 1), Err(DnsError::NotAnAnswer), "a question");
    assert_eq!(spoilt(13, b'x'), Err(DnsError::NotAnAnswer), "about another name");
    assert_eq!(spoilt(2, 0x83), Err(DnsError::Truncated));
    assert!(spoilt(13, b'T').is_ok(), "case does not matter");
    for cut in 0..right.len() {
        assert!(texts(&ask(), &right[..cut]).is_err(), "cut at {cut}");
    }
    let overlong = answer(0, &[(16, b"\x05x")]);
    assert_eq!(texts(&ask(), &overlong), Err(DnsError::NotAnAnswer));
}

#[test]
fn what_is_kept_is_bounded() {
    let long: Vec<u8> = (0..8).flat_map(|_| [[255].to_vec(), vec![b'x'; 255]].concat()).collect();
    let records: Vec<(u16, &[u8])> = (0..40).map(|_| (16, long.as_slice())).collect();
    let found = texts(&ask(), &answer(0, &records)).unwrap();
    assert_eq!(found.len(), TEXTS_MAX);
    assert!(found.iter().all(|text| text.len() == TEXT_BYTES));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = texts(&ask(), &bytes);
        let mut behind = answer(0, &[(16, b"\x01x")]);
        behind[7] = 200;
        behind.append(&mut bytes);
        let _ = texts(&ask(), &behind);
    }
}

//! libtorrent's own blobs, ours, and what damage does to them.

use proptest::prelude::*;

use super::super::bencode::{DictEncoder, Document, Encoder};
use super::*;

const LT_2_0: &[u8] = include_bytes!("../../../tests/fixtures/resume/libtorrent-2.0.8.resume");
const LT_2_1: &[u8] = include_bytes!("../../../tests/fixtures/resume/libtorrent-2.1.1.resume");
const OURS: &[u8] = include_bytes!("../../../tests/fixtures/resume/libtern-1.resume");

fn blob(fill: impl FnOnce(&mut DictEncoder<'_>)) -> Vec<u8> {
    let mut out = Encoder::new();
    out.dict(|d| {
        fill(d);
        d.bytes(b"file-format", FILE_FORMAT);
        d.bytes(b"info-hash", &[7; 20]);
    });
    out.finish()
}

fn parse(fill: impl FnOnce(&mut DictEncoder<'_>)) -> Resume {
    Resume::parse(&blob(fill)).unwrap()
}

/// Every field set; 11 pieces.
fn full() -> Resume {
    Resume {
        info_hash: InfoHash([0xab; 20]),
        name: Some("n\u{e4}me".into()),
        save_path: b"/data/\xff".to_vec(),
        pieces: Some(Pieces::Bytes(vec![1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1])),
        unfinished: vec![(1, vec![0x80]), (4, vec![0xa0])],
        mapped_files: vec![String::new(), "dir/renamed".into()],
        file_priority: vec![4, 7, 1],
        piece_priority: vec![4, 4, 7, 4, 4, 4, 1, 4, 4, 4, 4],
        trackers: Some(Tiers::new(vec![
            vec!["http://a/x".into(), "http://b/x".into()],
            vec!["udp://c/".into()],
        ])),
        url_list: Some(vec!["http://seed/".into()]),
        peers: vec!["127.0.0.2:6881".parse().unwrap(), "[::1]:6882".parse().unwrap()],
        banned_peers: vec!["10.0.0.9:99".parse().unwrap()],
        total_uploaded: 1,
        total_downloaded: 2,
        active_time: 3,
        finished_time: 4,
        seeding_time: 5,
        added_time: UnixTime(1_700_000_000),
        completed_time: UnixTime(7),
        last_seen_complete: UnixTime(8),
        last_download: UnixTime(9),
        last_upload: UnixTime(10),
        upload_rate_limit: Some(1000),
        max_connections: Some(50),
        paused: true,
        sequential: true,
        preallocate: true,
        scrape: (Some(3), None, Some(9)),
        tern: Some(TernKeys {
            version: 1,
            generation: u64::MAX,
            piece_count: 11,
            checked_up_to: None,
            files: vec![Some((123, 1_700_000_000_123_456_789)), None, Some((0, -5))],
            dirty: vec![1, 4],
            clean: true,
            magnet: None,
            journal: None,
            root: None,
        }),
        ..Resume::default()
    }
}

#[test]
fn what_a_start_compares_comes_back() {
    let mut resume = full();
    let tern = resume.tern.as_mut().unwrap();
    (tern.journal, tern.root) = (Some(u64::MAX), Some(u64::MAX - 1));
    let back = Resume::parse(&resume.encode(11)).unwrap().tern.unwrap();
    assert_eq!((back.journal, back.root), (Some(u64::MAX), Some(u64::MAX - 1)));
}

#[test]
fn the_format_on_disk_stays() {
    let ours = write::resume(&full(), 11, "0.1.0");
    if std::env::var_os("TERN_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/resume/libtern-1.resume");
        std::fs::write(path, &ours).unwrap();
        return;
    }
    assert_eq!(ours.escape_ascii().to_string(), OURS.escape_ascii().to_string());
    assert!(Document::parse(&ours).unwrap().is_canonical());
}

#[test]
fn every_field_survives() {
    let resume = full();
    let blob = resume.encode(11);
    let again = Resume::parse(&blob).unwrap();
    assert_eq!(again, resume);
    assert_eq!(again.encode(11), blob);
    let document = Document::parse(&blob).unwrap();
    for key in [&b"apply_ip_filter"[..], b"info-hash2", b"httpseeds", b"upload_mode"] {
        assert!(document.root().get(key).is_some(), "{}", key.escape_ascii());
    }
}

#[test]
fn usual_keys_are_kept_only_when_they_say_something() {
    let resume = parse(|d| {
        d.int(b"upload_mode", 1);
        d.int(b"share_mode", 0);
        d.raw(b"httpseeds", b"l1:xe");
    });
    let kept: Vec<_> = resume.unknown.iter().map(|(key, _)| key.as_slice()).collect();
    assert_eq!(kept, [&b"httpseeds"[..], b"upload_mode"]);
    let blob = resume.encode(1);
    let document = Document::parse(&blob).unwrap();
    let int = |key: &[u8]| document.root().get_int(key);
    assert_eq!(
        (int(b"upload_mode"), int(b"share_mode"), int(b"apply_ip_filter")),
        (Some(1), Some(0), Some(1))
    );
}

#[test]
fn every_cut_and_every_flipped_bit_of_our_blob_is_an_error() {
    for cut in 0..OURS.len() {
        assert!(Resume::parse(&OURS[..cut]).is_err(), "cut at {cut}");
    }
    for bit in 0..OURS.len() * 8 {
        let mut bad = OURS.to_vec();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Resume::parse(&bad).is_err(), "bit {bit} at byte {}", bit / 8);
    }
    assert!(Resume::parse(OURS).is_ok());
}

#[test]
fn damage_to_foreign_blobs_is_survived() {
    for original in [LT_2_0, LT_2_1] {
        for cut in 0..original.len() {
            assert!(Resume::parse(&original[..cut]).is_err());
        }
        for bit in 0..original.len() * 8 {
            let mut bad = original.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            if let Ok(resume) = Resume::parse(&bad) {
                if let Some((have, covered)) = resume.have(9) {
                    assert!(have.len() == 9 && covered <= 9);
                }
                let _ = resume.encode(9);
            }
        }
    }
}

#[test]
fn blobs_of_libtorrent_2_0_and_2_1_mean_the_same() {
    for (original, flags) in [
        (LT_2_0, Pieces::Bytes(vec![1, 1, 1, 1, 1, 1, 1, 1, 0])),
        (LT_2_1, Pieces::Bits(vec![0xff, 0])),
    ] {
        let resume = Resume::parse(original).unwrap();
        assert_eq!(resume.info_hash.to_string(), "d069cad7930901ba3b98c39786450ca1bd772a31");
        let info = super::super::metainfo::Info::parse(resume.info.as_deref().unwrap()).unwrap();
        assert_eq!((info.info_hash, info.piece_count()), (resume.info_hash, 9));
        assert_eq!(resume.pieces, Some(flags));
        let (have, covered) = resume.have(9).unwrap();
        assert_eq!((have.iter().collect::<Vec<_>>(), covered), ((0..8).collect(), 9));
        assert_eq!(resume.unfinished, [(8, vec![0x80])]);
        assert_eq!(resume.mapped_files, ["", "", "dir/renamed.bin"]);
        assert_eq!(resume.file_priority, [4, 7, 1]);
        assert_eq!(resume.piece_priority, [4, 5, 4, 4, 4, 4, 4, 4, 4]);
        let tiers = resume.trackers.as_ref().unwrap();
        assert_eq!(**tiers, [vec!["http://a/x", "http://b/x"], vec!["udp://c/x"]]);
        assert_eq!(resume.url_list.as_ref().unwrap(), &["http://seed/"]);
        let peers: Vec<_> = resume.peers.iter().map(ToString::to_string).collect();
        assert_eq!(peers, ["127.0.0.2:6881", "[::1]:6882"]);
        assert_eq!(resume.banned_peers, ["10.0.0.9:99".parse().unwrap()]);
        assert_eq!((resume.upload_rate_limit, resume.download_rate_limit), (Some(1000), None));
        assert_eq!((resume.max_connections, resume.scrape), (None, (None, None, None)));
        assert_eq!((resume.save_path.as_slice(), resume.tern.as_ref()), (&b"/data"[..], None));

        let again = Resume::parse(&resume.encode(9)).unwrap();
        assert_eq!(again.have(9), resume.have(9));
        assert_eq!(again.tern.as_ref().unwrap().piece_count, 9);
        for entry in &resume.unknown {
            assert!(again.unknown.contains(entry), "{}", entry.0.escape_ascii());
        }
    }
}

#[test]
fn absent_keys_have_libtorrents_defaults() {
    let resume = parse(|_| ());
    assert!(resume.paused && resume.auto_managed && !resume.seed_mode && !resume.sequential);
    assert_eq!((&resume.pieces, &resume.trackers, &resume.url_list), (&None, &None, &None));
    assert_eq!((resume.upload_rate_limit, resume.max_uploads), (None, None));
    assert_eq!(resume.have(8), None);
    let resume = parse(|d| {
        d.list(b"trackers", |_| ());
        d.int(b"added_time", -1);
        d.int(b"paused", 0);
        d.int(b"seed_mode", 1);
        d.int(b"num_complete", 0);
        d.bytes(b"allocation", b"full");
        d.raw(b"file_priority", b"li9ei-1e1:xe");
        d.bytes(b"peers", b"\x7f\0\0\x01\x1a\xe1\x7f\0");
        d.raw(b"unfinished", b"ld7:bitmask1:a5:piecei-1eed7:bitmask0:5:piecei1eei5ee");
        d.bytes(b"qBt-name", b"x");
        d.raw(b"qBt-name", b"i1e");
    });
    assert_eq!(resume.trackers, Some(Tiers::default()));
    assert_eq!((resume.added_time, resume.paused), (UnixTime(0), false));
    assert!(resume.preallocate && !resume.seed_mode, "an unwanted file ends seed mode");
    assert_eq!(resume.scrape, (Some(0), None, None));
    assert_eq!(resume.file_priority, [7, 0, 4]);
    assert_eq!((resume.peers.len(), resume.unfinished.len()), (1, 0));
    assert_eq!(resume.unknown, [(b"qBt-name".to_vec(), b"1:x".to_vec())]);
}

#[test]
fn foreign_and_wrong_files_are_told_apart() {
    let error = |fill: &dyn Fn(&mut DictEncoder<'_>)| Resume::parse(&blob(fill)).unwrap_err();
    assert!(matches!(Resume::parse(b"x").unwrap_err(), ResumeError::Bencode(_)));
    assert_eq!(Resume::parse(b"de").unwrap_err(), ResumeError::Format);
    assert_eq!(error(&|d| d.bytes(b"file-format", b"libtorrent")), ResumeError::Format);
    assert_eq!(error(&|d| d.int(b"file-version", 3)), ResumeError::Format);
    assert_eq!(error(&|d| d.bytes(b"info-hash", &[1; 19])), ResumeError::MissingInfoHash);
    assert_eq!(error(&|d| d.bytes(b"info-hash", &[0; 20])), ResumeError::MissingInfoHash);
    let v2 = error(&|d| {
        d.bytes(b"info-hash", &[0; 20]);
        d.bytes(b"info-hash2", &[1; 32]);
    });
    assert_eq!(v2, ResumeError::V2Only);
    assert_eq!(error(&|d| d.raw(b"info", b"de")), ResumeError::MismatchingInfoHash);
    assert_eq!(error(&|d| d.raw(b"tern", b"de")), ResumeError::Checksum);
    assert_eq!(error(&|d| d.bytes(b"libtorrent-version", b"libtern 9.9.9")), ResumeError::Checksum);
}

#[test]
fn have_never_claims_more_than_the_blob_says() {
    let have = |pieces: Pieces, count| {
        let resume = Resume { pieces: Some(pieces), ..Resume::default() };
        resume.have(count).map(|(set, covered)| (set.iter().collect::<Vec<_>>(), covered)).unwrap()
    };
    // Longer than the torrent: the rest is ignored. Shorter: an interrupted check.
    assert_eq!(have(Pieces::Bytes(vec![1; 20]), 3), (vec![0, 1, 2], 3));
    assert_eq!(have(Pieces::Bytes(vec![1, 2, 3]), 9), (vec![0, 2], 3));
    assert_eq!(have(Pieces::Bits(vec![0xff; 9]), 3), (vec![0, 1, 2], 3));
    // Five of nine checked, written by 2.1: pieces 5 to 8 are unknown, not missing.
    assert_eq!(have(Pieces::Bits(vec![0xf8]), 9), (vec![0, 1, 2, 3, 4], 5));
    assert_eq!(have(Pieces::Bits(vec![0xff, 0x80]), 9), ((0..9).collect(), 9));
    assert_eq!(have(Pieces::Bits(vec![0xff, 0x00]), 16), ((0..8).collect(), 9));
    assert_eq!(have(Pieces::Bits(vec![0x00]), 8), (vec![], 1));

    let mut resume = full();
    let tern = resume.tern.as_mut().unwrap();
    tern.checked_up_to = Some(6);
    tern.dirty = vec![3, 1000];
    let (set, covered) = resume.have(11).unwrap();
    assert_eq!((set.iter().collect::<Vec<_>>(), covered), (vec![0, 2, 5], 6));
    let again = Resume::parse(&resume.encode(11)).unwrap();
    assert_eq!(again.have(11), Some((set, 6)));
    assert_eq!(resume.have(12), None, "the blob knows the exact count");
}

#[test]
fn our_own_bits_cover_every_piece() {
    let tern = TernKeys { version: 1, piece_count: 11, ..TernKeys::default() };
    let bits = Some(Pieces::Bits(vec![0xc0, 0]));
    let resume = Resume {
        info_hash: InfoHash([1; 20]),
        pieces: bits.clone(),
        tern: Some(tern),
        ..Resume::default()
    };
    let (set, covered) = resume.have(11).unwrap();
    assert_eq!((set.count(), covered), (2, 11));
    let again = Resume::parse(&resume.encode(11)).unwrap();
    assert_eq!(again.pieces, Some(Pieces::Bytes(vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    assert_eq!(again.tern, resume.tern);

    // Somebody else's bits may have lost the end: that is kept when we rewrite them.
    let foreign = Resume { tern: None, ..resume };
    let again = Resume::parse(&foreign.encode(11)).unwrap();
    assert_eq!(again.have(11).unwrap().1, 9);
    assert_eq!(again.tern.unwrap().checked_up_to, Some(9));
}

#[test]
fn seed_mode_bits_survive_both_versions() {
    let v1 = parse(|d| d.bytes(b"pieces", &[3, 1, 3, 0, 0, 0, 0, 0, 3]));
    assert_eq!(v1.verified, [0xa0, 0x80]);
    let v2 = parse(|d| {
        d.int(b"file-version", 2);
        d.bytes(b"pieces", &[0xe0, 0x80]);
        d.bytes(b"verified", &[0xa0, 0x80]);
        d.raw(b"trees", b"le");
    });
    assert_eq!((v2.verified.as_slice(), v2.unknown.len()), (&[0xa0, 0x80][..], 1));
    let again = Resume::parse(&v2.encode(9)).unwrap();
    assert_eq!(again.pieces, Some(Pieces::Bytes(vec![3, 1, 3, 0, 0, 0, 0, 0, 3])));
    assert_eq!(again.verified, [0xa0, 0x80]);
}

#[test]
fn a_million_files_read_back() {
    let files = vec![Some((u64::MAX - 1, i128::from(i64::MAX))); 1_000_000];
    let tern = TernKeys { version: 1, piece_count: 1, files, ..TernKeys::default() };
    let resume = Resume {
        info_hash: InfoHash([1; 20]),
        tern: Some(tern),
        file_priority: vec![7; 1_000_000],
        ..Resume::default()
    };
    let again = Resume::parse(&resume.encode(1)).unwrap();
    assert_eq!(again.tern, resume.tern);
    assert_eq!(again.file_priority.len(), 1_000_000);
}

proptest! {
    #[test]
    fn any_resume_reads_back(
        pieces in prop::collection::vec(0u8..4, 1..40),
        times in prop::collection::vec(0..=i64::MAX, 5),
        limit in prop::option::of(1..=i64::MAX as u64),
        slots in prop::option::of(1u32..0xff_ffff),
        dirty in prop::collection::vec(any::<u32>(), 0..5),
        files in prop::collection::vec(prop::option::of((0..u64::MAX, any::<i64>())), 0..5),
    ) {
        let count = u32::try_from(pieces.len()).unwrap();
        let files = files.into_iter().map(|f| f.map(|(s, m)| (s, i128::from(m)))).collect();
        let tern =
            TernKeys { version: 1, piece_count: count, dirty, files, ..TernKeys::default() };
        let resume = Resume {
            info_hash: InfoHash([3; 20]),
            pieces: Some(Pieces::Bytes(pieces)),
            added_time: UnixTime(times[0]),
            last_upload: UnixTime(times[1]),
            upload_rate_limit: limit,
            max_uploads: slots,
            tern: Some(tern),
            ..Resume::default()
        };
        let again = Resume::parse(&resume.encode(count)).unwrap();
        prop_assert_eq!(again.have(count), resume.have(count));
        prop_assert_eq!(again.tern, resume.tern);
        prop_assert_eq!(again.added_time, resume.added_time);
        prop_assert_eq!(again.last_upload, resume.last_upload);
        prop_assert_eq!((again.upload_rate_limit, again.max_uploads), (limit, slots));
    }
}

/// A torrent whose metadata was not here yet: its link is all there is to know of it.
#[test]
fn a_blob_without_metadata_keeps_its_link_and_what_another_program_said() {
    let magnet = "magnet:?xt=urn:btih:0101010101010101010101010101010101010101&so=1".to_owned();
    let tern = TernKeys { version: 1, magnet: Some(magnet.clone()), ..TernKeys::default() };
    let peers = vec!["10.0.0.1:6881".parse().unwrap(), "[2001:db8::1]:6881".parse().unwrap()];
    let ours = Resume {
        info_hash: InfoHash([1; 20]),
        name: Some("shown".into()),
        peers: peers.clone(),
        tern: Some(tern),
        ..Resume::default()
    };
    assert_eq!(ours.piece_count_said(), 0);
    let read = Resume::parse(&ours.encode(0)).unwrap();
    assert_eq!(read.tern.as_ref().and_then(|t| t.magnet.clone()), Some(magnet));
    assert_eq!((read.name.as_deref(), &read.peers, &read.info), (Some("shown"), &peers, &None));
    // libtorrent's, whose torrent file lies elsewhere: its pieces outlive a save of ours.
    let theirs = Resume { pieces: Some(Pieces::Bytes(vec![1, 0, 1, 1, 0])), tern: None, ..ours };
    assert_eq!(theirs.piece_count_said(), 5);
    let again = Resume::parse(&theirs.encode(theirs.piece_count_said())).unwrap();
    assert_eq!(again.have(5).unwrap().0.iter().collect::<Vec<_>>(), [0, 2, 3]);
    assert_eq!(again.piece_count_said(), 5);
}

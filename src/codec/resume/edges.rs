//! Corners of the format, in blobs that libtorrent 2.0.8 and 2.1.1 wrote themselves
//! (`tests/fixtures/resume/make_edges.py`).

use super::super::bencode::Encoder;
use super::*;

macro_rules! blob {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/resume/lt-", $name, ".resume"))
    };
}

const PIECES: u32 = 9;
const ALL: [&[u8]; 8] = [
    blob!("2.0.8-checking"),
    blob!("2.1.1-checking"),
    blob!("2.0.8-complete"),
    blob!("2.1.1-complete"),
    blob!("2.0.8-seed-mode"),
    blob!("2.1.1-seed-mode"),
    blob!("2.0.8-everything"),
    blob!("2.1.1-everything"),
];

/// What parses reads back the same from what we write, and from then on to the byte; and it never
/// claims a piece that is not there.
fn check_rewrite(resume: &Resume, pieces: u32) {
    let have = resume.have(pieces);
    if let Some((set, covered)) = &have {
        assert!(set.len() == pieces && *covered <= pieces);
        assert!(set.iter().all(|piece| piece < *covered));
    }
    let blob = resume.encode(pieces);
    let again = Resume::parse(&blob).unwrap();
    if have.as_ref().is_some_and(|(_, covered)| *covered > 0) {
        assert_eq!(again.have(pieces), have);
    }
    for entry in &resume.unknown {
        assert!(again.unknown.contains(entry), "{}", entry.0.escape_ascii());
    }
    let expected = Resume {
        pieces: again.pieces.clone(),
        verified: again.verified.clone(),
        tern: again.tern.clone(),
        unknown: again.unknown.clone(),
        ..resume.clone()
    };
    assert_eq!(again, expected);
    assert_eq!(again.encode(pieces), blob);
}

fn both(v1: usize) -> [Resume; 2] {
    [Resume::parse(ALL[v1]).unwrap(), Resume::parse(ALL[v1 + 1]).unwrap()]
}

fn claims(resume: &Resume) -> (Vec<u32>, u32) {
    let (set, covered) = resume.have(PIECES).unwrap();
    (set.iter().collect(), covered)
}

#[test]
fn an_interrupted_check_covers_what_was_checked() {
    for resume in both(0) {
        assert_eq!(claims(&resume), ((0..5).collect(), 5));
        let again = Resume::parse(&resume.encode(PIECES)).unwrap();
        assert_eq!(claims(&again), ((0..5).collect(), 5), "and still does when we write it");
    }
}

#[test]
fn a_complete_torrent_is_complete_whatever_its_number_of_pieces() {
    for resume in both(2) {
        assert_eq!(claims(&resume), ((0..9).collect(), 9));
    }
}

#[test]
fn seed_mode_keeps_what_was_verified() {
    for resume in both(4) {
        assert!(resume.seed_mode);
        assert_eq!(resume.verified, [0xa0, 0x80]);
        let again = Resume::parse(&resume.encode(PIECES)).unwrap();
        assert!(again.seed_mode && again.verified == [0xa0, 0x80]);
    }
}

#[test]
fn everything_else_means_what_it_meant() {
    for resume in both(6) {
        assert_eq!(claims(&resume), (vec![0, 2, 4, 6, 8], 9));
        assert_eq!(resume.unfinished, [(1, vec![0xa0]), (3, vec![0xff, 0x80])]);
        // Tiers 1 and 2 are skipped: 2.0 writes empty strings there, 2.1 empty lists.
        let tiers = resume.trackers.clone().unwrap();
        assert_eq!(*tiers, [vec!["http://a/"], vec!["http://b/", "udp://c/"]]);
        let addrs = |list: &[SocketAddr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(addrs(&resume.peers), ["127.0.0.1:1", "[::1]:2"]);
        assert_eq!(addrs(&resume.banned_peers), ["10.0.0.1:3", "[fe80::1]:4"]);
        assert_eq!(resume.file_priority, [0, 7]);
        assert_eq!(resume.mapped_files, ["", "", "dir/c"]);
        assert!(!resume.paused && !resume.auto_managed && resume.sequential);
        assert_eq!((resume.upload_rate_limit, resume.download_rate_limit), (None, None));
        assert_eq!((resume.max_uploads, resume.max_connections), (None, None));
        assert_eq!(resume.scrape, (None, None, None));
        for key in ["share_mode", "upload_mode", "super_seeding", "stop_when_ready"] {
            let flag = (key.as_bytes().to_vec(), b"i1e".to_vec());
            assert!(resume.unknown.contains(&flag), "{key}");
        }
    }
}

#[test]
fn the_ways_to_say_none_are_all_none() {
    for (rate, count) in [("-1", "-1"), ("0", "0"), ("2147483647", "16777215"), ("-5", "-9")] {
        let blob = format!(
            "d19:download_rate_limiti{rate}e11:file-format22:libtorrent resume file9:info-hash\
             20:aaaaaaaaaaaaaaaaaaaa15:max_connectionsi{count}e11:max_uploadsi{count}e\
             17:upload_rate_limiti{rate}ee"
        );
        let resume = Resume::parse(blob.as_bytes()).unwrap();
        assert_eq!((resume.upload_rate_limit, resume.download_rate_limit), (None, None), "{rate}");
        assert_eq!((resume.max_uploads, resume.max_connections), (None, None), "{count}");
        assert!(resume.paused && resume.auto_managed, "what is missing has libtorrent's default");
        check_rewrite(&resume, PIECES);
    }
}

/// Releases before 1.2 cannot be run here: what they wrote differs in the order of the bits (the
/// first block is the lowest), and in -1 for times that never were.
#[test]
fn masks_of_old_releases_are_turned_round() {
    for (version, mask) in [("1.1.14.0", 0xa0), ("0.16.19.0", 0xa0), ("1.2.0.0", 0x05), ("x", 0x05)]
    {
        let mut out = Encoder::new();
        out.dict(|d| {
            d.bytes(b"file-format", FILE_FORMAT);
            d.bytes(b"info-hash", &[7; 20]);
            d.bytes(b"libtorrent-version", version.as_bytes());
            d.int(b"completed_time", -1);
            d.list(b"unfinished", |l| {
                l.dict(|d| {
                    d.bytes(b"bitmask", &[0x05]);
                    d.int(b"piece", 3);
                });
            });
        });
        let resume = Resume::parse(&out.finish()).unwrap();
        assert_eq!(resume.unfinished, [(3, vec![mask])], "{version}");
        assert_eq!(resume.completed_time, UnixTime(0));
        check_rewrite(&resume, PIECES);
    }
}

#[test]
fn trees_are_kept_without_being_mistaken() {
    let blob = |version: i64| {
        let mut out = Encoder::new();
        out.dict(|d| {
            d.bytes(b"file-format", FILE_FORMAT);
            d.int(b"file-version", version);
            d.bytes(b"info-hash", &[7; 20]);
            d.bytes(b"info-hash2", &[8; 32]);
            d.raw(b"trees", b"ld6:hashes32:aaaabbbbccccddddeeeeffffgggghhhh4:mask1:1ee");
        });
        Resume::parse(&out.finish()).unwrap()
    };
    for (version, key) in [(1, &b"trees"[..]), (2, b"trees-2")] {
        let resume = blob(version);
        let again = Resume::parse(&resume.encode(PIECES)).unwrap();
        let kept: Vec<_> = again.unknown.iter().filter(|(k, _)| k.starts_with(b"trees")).collect();
        assert!(kept.len() == 1 && kept[0].0 == key, "{version}");
        assert!(
            again.unknown.contains(&(b"info-hash2".to_vec(), [&b"32:"[..], &[8; 32]].concat()))
        );
        check_rewrite(&resume, PIECES);
    }
}

#[test]
fn damaged_blobs_are_errors_or_safe() {
    for original in ALL {
        check_rewrite(&Resume::parse(original).unwrap(), PIECES);
        for cut in 0..original.len() {
            assert!(Resume::parse(&original[..cut]).is_err(), "cut at {cut}");
        }
    }
    for original in &ALL[6..] {
        for bit in 0..original.len() * 8 {
            let mut bad = original.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            if let Ok(resume) = Resume::parse(&bad) {
                check_rewrite(&resume, PIECES);
            }
        }
    }
}

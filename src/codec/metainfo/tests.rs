//! Torrents of every shape, good and bad.

use sha1::{Digest, Sha1};

use super::super::bencode::{DictEncoder, Encoder, ErrorKind};
use super::*;

fn dict(fill: impl FnOnce(&mut DictEncoder<'_>)) -> Vec<u8> {
    let mut out = Encoder::new();
    out.dict(fill);
    out.finish()
}

/// An `info` of one file, with more keys from `fill`; equal keys: those of `fill` count.
fn single(length: i64, pieces: usize, fill: impl FnOnce(&mut DictEncoder<'_>)) -> Vec<u8> {
    dict(|d| {
        fill(d);
        d.int(b"length", length);
        d.bytes(b"name", b"file.bin");
        d.int(b"piece length", 16384);
        d.bytes(b"pieces", &vec![7; pieces * 20]);
    })
}

struct File<'a>(&'a [&'a [u8]], i64, &'a [u8]);

fn multi(files: &[File<'_>], pieces: usize) -> Vec<u8> {
    dict(|d| {
        d.list(b"files", |l| {
            for File(path, length, attr) in files {
                l.dict(|d| {
                    if !attr.is_empty() {
                        d.bytes(b"attr", attr);
                    }
                    d.int(b"length", *length);
                    d.list(b"path", |l| path.iter().for_each(|part| l.bytes(part)));
                });
            }
        });
        d.bytes(b"name", b"dir");
        d.int(b"piece length", 16384);
        d.bytes(b"pieces", &vec![7; pieces * 20]);
    })
}

fn fails(info: &[u8]) -> MetainfoError {
    Info::parse(info).unwrap_err()
}

#[test]
fn a_single_file() {
    let raw = single(16385, 2, |d| {
        d.int(b"private", 1);
        d.bytes(b"source", b"SRC");
    });
    let info = Info::parse(&raw).unwrap();
    assert_eq!(info.info_hash.0, <[u8; 20]>::from(Sha1::digest(&raw)));
    assert_eq!((&*info.raw, info.piece_count()), (raw.as_slice(), 2));
    assert_eq!((info.name.as_str(), &*info.name_raw), ("file.bin", &b"file.bin"[..]));
    assert!(info.private && !info.multi_file);
    assert_eq!(info.source.as_deref(), Some("SRC"));
    assert_eq!(info.files.len(), 1);
    assert_eq!((info.files[0].path.as_str(), info.files[0].length), ("file.bin", 16385));
    assert_eq!(info.pieces.as_slice(), [[7; 20]; 2]);
}

#[test]
fn a_name_of_digits_is_hashed_as_written() {
    let raw = single(1, 1, |d| d.bytes(b"name", b"007"));
    let info = Info::parse(&raw).unwrap();
    assert_eq!(info.name, "007");
    assert_eq!(info.info_hash.0, <[u8; 20]>::from(Sha1::digest(&raw)));
}

#[test]
fn an_unsorted_info_is_hashed_as_written() {
    let pieces = "x".repeat(20);
    let raw = format!("d6:lengthi1e12:piece lengthi16384e4:name1:n6:pieces20:{pieces}e");
    let torrent = format!("d4:info{raw}8:announce4:http1:zi1ee");
    let meta = Metainfo::parse(torrent.as_bytes()).unwrap();
    assert_eq!(meta.info.info_hash.0, <[u8; 20]>::from(Sha1::digest(raw.as_bytes())));
    assert_eq!(*meta.trackers, [["http"]]);
}

#[test]
fn files_padding_links_and_spans() {
    let info = multi(
        &[
            File(&[b"a", b"x.txt"], 10, b"x"),
            File(&[b".pad", b"16374"], 16374, b"p"),
            File(&[b"empty"], 0, b""),
            File(&[b"b"], 20000, b"h"),
        ],
        3,
    );
    let info = Info::parse(&info).unwrap();
    assert!(info.multi_file);
    let paths: Vec<_> = info.files.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["dir/a/x.txt", "dir/.pad/16374", "dir/empty", "dir/b"]);
    assert!(info.files[0].attr.executable && info.files[1].attr.padding);
    assert!(info.files[3].attr.hidden && !info.files[3].attr.padding);
    assert_eq!(info.files[3].offset, 16384);
    assert_eq!(info.files[0].path_raw.iter().collect::<Vec<_>>(), [&b"a"[..], b"x.txt"]);

    let span = |file, offset, length| FileSpan { file: FileIndex(file), offset, length };
    let spans: Vec<_> = info.spans(PieceIndex(0), 5, 16379).collect();
    assert_eq!(spans, [span(0, 5, 5), span(1, 0, 16374)]);
    let spans: Vec<_> = info.spans(PieceIndex(2), 0, 16384).collect();
    assert_eq!(spans, [span(3, 16384, 3616)]);
    assert_eq!(info.pieces_of(FileIndex(2)), 0..0);
    assert_eq!(info.pieces_of(FileIndex(3)), 1..3);
}

#[test]
fn links_stay_inside() {
    let file = |d: &mut DictEncoder<'_>, name: &[u8], target: &[&[u8]]| {
        d.bytes(b"attr", b"l");
        d.list(b"path", |l| l.bytes(name));
        d.list(b"symlink path", |l| target.iter().for_each(|part| l.bytes(part)));
    };
    let raw = dict(|d| {
        d.list(b"files", |l| {
            l.dict(|d| {
                d.int(b"length", 1);
                d.list(b"path", |l| l.bytes(b"NUL"));
            });
            l.dict(|d| file(d, b"good", &[b"NUL"]));
            l.dict(|d| file(d, b"evil", &[b"..", b"..", b"etc", b"pass/wd"]));
        });
        d.bytes(b"name", b"dir");
        d.int(b"piece length", 16384);
        d.bytes(b"pieces", &[1; 20]);
    });
    let info = Info::parse(&raw).unwrap();
    let links: Vec<_> = info.files.iter().map(|f| f.symlink.as_deref()).collect();
    assert_eq!(links, [None, Some("_NUL"), Some("etc/pass_wd")]);
    assert!(info.files[2].attr.symlink && info.files[2].length == 0);
}

#[test]
fn utf8_variants_win_when_valid_and_raw_names_stay() {
    let raw = |utf8: &'static [u8]| {
        single(1, 1, move |d| {
            d.bytes(b"name", b"caf\xe9");
            d.bytes(b"name.utf-8", utf8);
        })
    };
    let info = Info::parse(&raw("caf\u{e9}".as_bytes())).unwrap();
    assert_eq!(info.name, "caf\u{e9}");
    let info = Info::parse(&raw(b"\xff")).unwrap();
    assert_eq!((info.name.as_str(), &*info.name_raw), ("caf_", &b"caf\xe9"[..]));
    let info = Info::parse(&single(1, 1, |d| d.bytes(b"name", b""))).unwrap();
    assert_eq!(info.name, info.info_hash.to_string());
    let info = Info::parse(&single(1, 1, |d| d.bytes(b"name", b"../../x"))).unwrap();
    assert_eq!(info.name, ".._.._x");
}

#[test]
fn empty_content_is_a_torrent_without_pieces() {
    let info = Info::parse(&single(0, 0, |_| ())).unwrap();
    assert_eq!((info.piece_count(), info.files.len()), (0, 1));
    let info = multi(&[File(&[b"a"], 0, b""), File(&[b"b"], 0, b"")], 0);
    assert_eq!(Info::parse(&info).unwrap().files.len(), 2);
    let expect = MetainfoError::PieceCount { expected: 0, found: 1 };
    assert_eq!(fails(&single(0, 1, |_| ())), expect);
}

#[test]
fn contradictions_are_refused() {
    use MetainfoError::{Invalid, Missing, PieceCount};
    assert_eq!(fails(&single(16385, 1, |_| ())), PieceCount { expected: 2, found: 1 });
    assert_eq!(fails(&single(16384, 2, |_| ())), PieceCount { expected: 1, found: 2 });
    let raw = single(1, 1, |d| d.bytes(b"pieces", &[0; 19]));
    assert_eq!(fails(&raw), PieceCount { expected: 1, found: 1 });
    assert_eq!(fails(&single(-1, 1, |_| ())), Invalid("length"));
    for length in [0, -16384, 1 << 30, i64::MAX] {
        let raw = single(1, 1, |d| d.int(b"piece length", length));
        assert_eq!(fails(&raw), Invalid("piece length"));
    }
    // So many pieces that their count does not fit.
    let raw = single(i64::MAX, 1, |d| d.int(b"piece length", 1));
    assert_eq!(fails(&raw), Invalid("piece length"));
    let files = [File(&[b"a"], i64::MAX, b""), File(&[b"b"], i64::MAX, b"")];
    assert_eq!(fails(&multi(&files, 1)), Invalid("length"));
    assert_eq!(fails(&multi(&[], 0)), Invalid("files"));
    assert_eq!(fails(&multi(&[File(&[], 1, b"")], 1)), Invalid("path"));
    assert_eq!(fails(b"de"), Missing("pieces"));
    assert_eq!(fails(b"le"), Invalid("info"));
    assert_eq!(Metainfo::parse(b"de").unwrap_err(), Missing("info"));
    let Err(MetainfoError::Bencode(error)) = Metainfo::parse(b"d4:infodee ") else { panic!() };
    assert_eq!((error.offset, error.kind), (10, ErrorKind::TrailingData));
}

#[test]
fn v2_only_is_refused_and_hybrids_are_v1() {
    let v2 = dict(|d| {
        d.dict(b"file tree", |_| ());
        d.int(b"meta version", 2);
        d.bytes(b"name", b"n");
        d.int(b"piece length", 16384);
    });
    assert_eq!(fails(&v2), MetainfoError::V2Only);
    let hybrid = single(1, 1, |d| {
        d.dict(b"file tree", |_| ());
        d.int(b"meta version", 2);
    });
    assert_eq!(Info::parse(&hybrid).unwrap().piece_count(), 1);
}

fn torrent(fill: impl FnOnce(&mut DictEncoder<'_>)) -> Metainfo {
    let info = single(1, 1, |_| ());
    let bytes = dict(|d| {
        fill(d);
        d.raw(b"info", &info);
    });
    Metainfo::parse(&bytes).unwrap()
}

#[test]
fn trackers_seeds_and_nodes() {
    let meta = torrent(|d| {
        d.bytes(b"announce", b"http://single");
        d.raw(b"announce-list", b"ll1:a1:b0:1:ael0:e1:ci7eli7eee");
        d.raw(b"nodes", b"ll9:127.0.0.1i6881eel1:hi0eel1:hi65536eei3el4:host2:80ee");
        d.raw(b"url-list", b"8:http://x");
        d.int(b"creation date", 1_234_567_890);
        d.bytes(b"comment", b"hi \xff");
    });
    assert_eq!(*meta.trackers, [vec!["a", "b"], vec!["c"]]);
    assert_eq!(meta.nodes, [("127.0.0.1".to_owned(), 6881)]);
    assert_eq!(meta.url_list, ["http://x"]);
    assert_eq!(meta.creation_date, Some(1_234_567_890));
    assert_eq!(meta.comment.as_deref(), Some("hi \u{fffd}"));

    let meta = torrent(|d| {
        d.bytes(b"announce", b"http://single");
        d.raw(b"announce-list", b"lle0:e");
        d.raw(b"url-list", b"l1:a0:1:be");
    });
    assert_eq!(*meta.trackers, [["http://single"]]);
    assert_eq!(meta.url_list, ["a", "b"]);
    assert!(torrent(|d| d.int(b"announce", 1)).trackers.is_empty());
}

#[test]
fn rebuilding_keeps_everything() {
    let mut meta = torrent(|d| d.bytes(b"created by", b"someone"));
    meta.trackers =
        Tiers::new(vec![vec!["http://a".into(), "http://b".into()], vec!["udp://c".into()]]);
    meta.url_list = vec!["http://seed".into()];
    meta.nodes = vec![("h".into(), 1)];
    meta.comment = Some("c".into());
    let again = Metainfo::parse(&meta.encode()).unwrap();
    assert_eq!(again.info.info_hash, meta.info.info_hash);
    assert_eq!((&again.trackers, &again.url_list), (&meta.trackers, &meta.url_list));
    assert_eq!((&again.nodes, &again.comment), (&meta.nodes, &meta.comment));
    assert_eq!(again.created_by, meta.created_by);
    assert_eq!(again.encode(), meta.encode());
}

#[test]
fn cuts_and_flips_are_survived() {
    let raw = multi(&[File(&[b"a", b"b"], 10, b"x"), File(&[b"c"], 20, b"")], 1);
    for cut in 0..raw.len() {
        assert!(Info::parse(&raw[..cut]).is_err());
    }
    for bit in 0..raw.len() * 8 {
        let mut bad = raw.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(info) = Info::parse(&bad) {
            assert_eq!(info.pieces.len(), info.piece_count() as usize);
            assert_eq!(info.files.iter().map(|f| f.length).sum::<u64>(), info.geometry.total_len());
        }
    }
}

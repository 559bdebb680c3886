//! Parsing and writing of what lies in files and comes from trackers.

use std::hint::black_box;

use tern::base::InfoHash;
use tern::codec::bencode::{Document, Encoder, Limits};
use tern::codec::metainfo::Metainfo;
use tern::codec::resume::{Pieces, Resume, TernKeys};
use tern::proto::tracker::parse_announce;

use crate::Meter;

const FILES: u32 = 2000;
const PIECES: u32 = 20_000;
const PIECE: u32 = 1 << 20;

/// A large torrent: directories of a few levels, trackers, real lengths.
pub fn torrent(files: u32, pieces: u32, piece: u32) -> Vec<u8> {
    let total = u64::from(pieces) * u64::from(piece) - 5;
    let share = total / u64::from(files);
    let mut out = Encoder::new();
    out.dict(|d| {
        d.bytes(b"announce", b"http://tracker.example/announce");
        d.entry(b"info", |e| {
            e.dict(|info| {
                info.entry(b"files", |e| {
                    e.list(|l| {
                        for number in 0..files {
                            let first = if number == 0 { total % u64::from(files) } else { 0 };
                            l.dict(|f| {
                                f.int(b"length", i64::try_from(share + first).unwrap());
                                f.entry(b"path", |e| {
                                    e.list(|path| {
                                        path.bytes(format!("part {:03}", number / 40).as_bytes());
                                        path.bytes(format!("file {number:06}.bin").as_bytes());
                                    });
                                });
                            });
                        }
                    });
                });
                info.bytes(b"name", b"a large torrent");
                info.int(b"piece length", piece.into());
                let hashes: Vec<u8> = (0..pieces * 20).map(|i| (i * 7 / 8) as u8).collect();
                info.bytes(b"pieces", &hashes);
            });
        });
    });
    out.finish()
}

/// `Document::parse_with`.
pub fn bencode_parse(meter: &mut Meter) {
    let raw = torrent(FILES, PIECES, PIECE);
    for _ in 0..5 {
        let parsed = meter.run(1, || Document::parse_with(&raw, Limits::default()).unwrap());
        assert!(parsed.root().is_dict());
    }
}

/// `Metainfo::parse`.
pub fn metainfo_load(meter: &mut Meter) {
    let raw = torrent(FILES, PIECES, PIECE);
    for _ in 0..5 {
        let parsed = meter.run(1, || Metainfo::parse(&raw).unwrap());
        assert_eq!(parsed.info.piece_count(), PIECES);
    }
}

fn resume() -> Resume {
    let files = (0..FILES).map(|i| Some((u64::from(i) * 1000, 1_700_000_000_123_456_789)));
    Resume {
        info_hash: InfoHash([0xab; 20]),
        name: Some("a large torrent".into()),
        save_path: b"/srv/content"[..].into(),
        pieces: Some(Pieces::Bytes((0..PIECES).map(|i| u8::from(i % 3 > 0)).collect())),
        unfinished: (0..8).map(|i| (i * 3, vec![0xf0; 8])).collect(),
        peers: (0..50_u8).map(|i| ([10, 0, 0, i], 6881).into()).collect(),
        tern: Some(TernKeys {
            version: 1,
            generation: 7,
            piece_count: PIECES,
            files: files.collect(),
            ..TernKeys::default()
        }),
        ..Resume::default()
    }
}

/// `Resume::encode`.
pub fn resume_write(meter: &mut Meter) {
    let resume = resume();
    for _ in 0..5 {
        let blob = meter.run(1, || resume.encode(PIECES));
        assert!(blob.len() > PIECES as usize);
    }
}

/// `Resume::parse`.
pub fn resume_read(meter: &mut Meter) {
    let blob = resume().encode(PIECES);
    for _ in 0..5 {
        let parsed = meter.run(1, || Resume::parse(&blob).unwrap());
        assert!(parsed.have(PIECES).is_some());
    }
}

/// `parse_announce`.
pub fn tracker_reply(meter: &mut Meter) {
    let peers: Vec<u8> =
        (0..200_u16).flat_map(|i| [10, 0, (i >> 8) as u8, i as u8, 0x1a, 0xe1]).collect();
    let mut out = Encoder::new();
    out.dict(|d| {
        d.int(b"complete", 100);
        d.int(b"incomplete", 100);
        d.int(b"interval", 1800);
        d.bytes(b"peers", &peers);
    });
    let body = out.finish();
    for _ in 0..20 {
        let reply = meter.run(1, || parse_announce(black_box(&body)).unwrap());
        assert_eq!(reply.peers.len(), 200);
    }
}

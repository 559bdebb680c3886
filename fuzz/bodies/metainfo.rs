//! What parses as a torrent adds up, stays below its root, and survives a rewrite.

use tern::base::{FileIndex, PieceIndex};
use tern::codec::metainfo::{Info, Metainfo};

/// One input: a `.torrent`, or an `info` dictionary.
pub fn run(data: &[u8]) {
    if let Ok(info) = Info::parse(data) {
        check(&info);
    }
    let Ok(meta) = Metainfo::parse(data) else { return };
    check(&meta.info);
    let again = Metainfo::parse(&meta.encode()).expect("what we write we read");
    assert_eq!(again.info.info_hash, meta.info.info_hash);
    assert_eq!(again.trackers.concat(), meta.trackers.concat());
    assert_eq!(again.url_list, meta.url_list);
}

fn check(info: &Info) {
    assert_eq!(info.pieces.len(), info.piece_count() as usize);
    let mut offset = 0;
    for (index, file) in (0..).map(FileIndex).zip(&info.files) {
        assert_eq!(file.offset, offset);
        offset += file.length;
        let inside = |path: &str| path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        assert!(inside(&file.path) && file.symlink.as_deref().is_none_or(inside));
        assert!(info.pieces_of(index).end <= info.piece_count());
    }
    assert_eq!(offset, info.geometry.total_len());
    if info.piece_count() > 0 {
        let last = PieceIndex(info.piece_count() - 1);
        let spans = info.spans(last, 0, info.geometry.len_of(last));
        let length: u64 = spans.map(|span| span.length).sum();
        assert_eq!(length, u64::from(info.geometry.len_of(last)));
    }
}

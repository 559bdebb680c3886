//! What every body about another client's files checks in the end.

use tern::base::FileStat;
use tern::codec::clients::{ClientState, Labels, settle};
use tern::codec::metainfo::Info;
use tern::codec::resume::Resume;

/// Nine pieces of 16 KiB in three files.
pub fn info() -> Info {
    let mut raw = b"d5:filesld6:lengthi100000e4:pathl1:aeed6:lengthi0e4:pathl1:beed6:lengthi40000e\
                    4:pathl1:ceee4:name1:n12:piece lengthi16384e6:pieces180:"
        .to_vec();
    raw.extend([7; 180]);
    raw.push(b'e');
    Info::parse(&raw).expect("it is one")
}

/// Whatever a client claims, what is made of it claims no more than there is room for, and reads
/// back.
pub fn check(state: ClientState) {
    let info = info();
    let labels = state.labels.clone();
    let stat = |size| Some(FileStat { size, mtime_ns: 1 });
    for stats in [vec![stat(100_000), stat(0), stat(40_000)], vec![stat(99_999), None, stat(1)]] {
        let settled = settle(&info, state.clone(), &stats);
        let read = Resume::parse(&settled.resume.encode(9)).expect("what we write we read");
        let have = read.have(9).map_or(0, |(have, _)| have.count());
        assert_eq!(have, settled.restored);
        assert!(settled.restored.checked_add(settled.check).is_some_and(|sum| sum <= 9));
        assert_eq!(Labels::of(&read), labels);
    }
}

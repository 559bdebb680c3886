//! What parses as resume data never claims more pieces than asked for, reads back the same from
//! what we write, and is then written the same. A start from it hashes what it must not trust.

use tern::base::{Bitset, FileStat, Geometry, Look};
use tern::codec::metainfo::{FileEntry, Info};
use tern::codec::resume::Resume;
use tern::swarm::load::{Evidence, is_storage_missing, plan};
use tern::swarm::{LoadPolicy, SavedWindow};

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
        let pieces = |have: Option<(Bitset, u32)>| have.filter(|(_, n)| *n > 0);
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
        if count > 0 {
            start(&resume, count, data);
        }
    }
}

/// Three files in so many pieces of ten bytes.
fn info(count: u32) -> Info {
    let total = u64::from(count) * 10;
    let lengths = [total / 2, total / 3, total - total / 2 - total / 3];
    let mut offset = 0;
    let file = |length| {
        offset += length;
        FileEntry {
            path: String::new(),
            path_raw: Default::default(),
            length,
            offset: offset - length,
            attr: Default::default(),
            symlink: None,
        }
    };
    Info {
        info_hash: Default::default(),
        raw: Default::default(),
        name: String::new(),
        name_raw: Default::default(),
        files: lengths.map(file).to_vec(),
        geometry: Geometry::new(total, 10).expect("a geometry"),
        pieces: vec![[0; 20]; count as usize].into(),
        multi_file: true,
        private: false,
        source: None,
    }
}

/// A start finds files as saved, or not, as the input's own bytes have it.
fn start(resume: &Resume, count: u32, data: &[u8]) {
    let info = info(count);
    let byte = |at: usize| data.get(data.len().wrapping_sub(at + 1)).copied().unwrap_or(0);
    let saved = resume.tern.as_ref().map_or(&[][..], |tern| &tern.files);
    let stat = |at: usize| {
        let as_saved = saved.get(at).copied().flatten();
        let (size, mtime_ns) = as_saved.unwrap_or((info.files[at].length, 0));
        let size = if byte(at) & 1 == 0 { size } else { u64::from(byte(at)) };
        (byte(at) & 2 == 0).then_some(FileStat { size, mtime_ns })
    };
    let stats = [stat(0), stat(1), stat(2)];
    let pieces: Vec<u32> = (3..6).map(|at| u32::from(byte(at))).collect();
    let window = SavedWindow { pieces: pieces.clone(), mark: u64::MAX };
    let have = resume.have(count).map_or_else(|| Bitset::new(count), |(have, _)| have);
    for policy in [LoadPolicy::PerFile, LoadPolicy::Strict, LoadPolicy::Trust] {
        let found = Evidence {
            resume: Some(resume),
            window: Some(&window),
            seed_mode: false,
            stats: &stats,
            priorities: &[4, byte(6) & 7, 4],
        };
        let plan = plan(&info, found, policy);
        assert!(plan.restored.iter().all(|p| !plan.check.get(p)));
        if plan.verified.is_some() {
            continue;
        }
        assert!(plan.restored.iter().all(|p| have.get(p)));
        let void = resume.tern.as_ref().and_then(|t| t.journal) == Some(u64::MAX);
        assert!(void || pieces.iter().all(|p| !plan.restored.get(*p)));
    }
    let look = Look { files: stats.to_vec(), root: None };
    let none = stats.iter().all(Option::is_none);
    assert!(!is_storage_missing(&info, &have, &look, None) || none || !have.all());
}

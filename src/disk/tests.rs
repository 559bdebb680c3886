//! Tests of the whole pool on real files.

#![expect(clippy::cast_possible_truncation, reason = "the tests' numbers are small")]

mod basic;
mod faults;
mod lanes;
mod ordering;
mod parts;
mod relocate;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::base::{FileStat, Geometry, InfoHash};
use crate::codec::metainfo::{FileAttr, FileEntry};

/// The tests' own torrent number.
const T: TorrentId = TorrentId(7);

/// SHA-1 on the reference crate (siblings do not see each other), and a record of its rounds.
#[derive(Default)]
struct Streams {
    lanes: usize,
    streams: Vec<sha1::Sha1>,
    rounds: Option<Arc<Mutex<Vec<usize>>>>,
}

impl StreamHasher for Streams {
    fn lanes(&self) -> usize {
        self.lanes
    }

    fn begin(&mut self, count: usize) {
        self.streams = vec![sha1::Sha1::default(); count];
        if let Some(rounds) = &self.rounds {
            rounds.lock().push(count);
        }
    }

    fn update(&mut self, inputs: &[&[u8]]) {
        use sha1::Digest as _;
        assert_eq!(inputs.len(), self.streams.len());
        self.streams.iter_mut().zip(inputs).for_each(|(s, i)| s.update(i));
    }

    fn finish(&mut self) -> Vec<[u8; 20]> {
        use sha1::Digest as _;
        self.streams.drain(..).map(|s| s.finalize().into()).collect()
    }
}

/// A factory of hashers of so many lanes.
fn lanes(lanes: usize) -> HasherFactory {
    Arc::new(move || Box::new(Streams { lanes, ..Streams::default() }))
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes).into()
}

/// A multi-file torrent called `t` of these files.
fn torrent(piece_len: u32, files: &[(&str, u64)]) -> Info {
    let mut offset = 0;
    let files: Vec<FileEntry> = files
        .iter()
        .map(|(path, length)| {
            let entry = FileEntry {
                path: format!("t/{path}"),
                path_raw: Default::default(),
                length: *length,
                offset,
                attr: FileAttr { padding: path.starts_with(".pad"), ..FileAttr::default() },
                symlink: None,
            };
            offset += length;
            entry
        })
        .collect();
    Info {
        info_hash: InfoHash([0xab; 20]),
        raw: Default::default(),
        name: "t".into(),
        name_raw: b"t"[..].into(),
        geometry: Geometry::new(offset, piece_len).unwrap(),
        pieces: Default::default(),
        files,
        multi_file: true,
        private: false,
        source: None,
    }
}

/// Content that differs everywhere; zeros in padding.
fn content(info: &Info) -> Vec<u8> {
    let mut rng = crate::base::Rng::new(99);
    let mut out = vec![0; usize::try_from(info.geometry.total_len()).unwrap()];
    rng.fill(&mut out);
    for f in info.files.iter().filter(|f| f.attr.padding) {
        let (from, len) = (f.offset as usize, f.length as usize);
        out[from..from + len].fill(0);
    }
    out
}

/// A pool with one torrent in a fresh directory.
struct Bench {
    pool: Pool,
    sink: usize,
    answers: Mutex<Receiver<Completion>>,
    info: Arc<Info>,
    dir: TempDir,
}

fn config(threads: usize) -> PoolConfig {
    PoolConfig { threads, max_open_files: 8, write_budget_bytes: 1 << 20, hasher: lanes(16) }
}

impl Bench {
    fn new(info: Info) -> Self {
        Self::with(info, config(2))
    }

    fn with(info: Info, config: PoolConfig) -> Self {
        Self::inside(info, config, TempDir::new().unwrap())
    }

    fn inside(info: Info, config: PoolConfig, dir: TempDir) -> Self {
        let pool = Pool::new(config).unwrap();
        let (tx, rx) = channel();
        let sink = pool.add_sink(Arc::new(move |batch: Vec<Completion>| {
            batch.into_iter().for_each(|c| drop(tx.send(c)));
        }));
        Self { pool, sink, answers: Mutex::new(rx), info: Arc::new(info), dir }
    }

    fn save(&self) -> PathBuf {
        self.dir.path().join("save")
    }

    fn file(&self, path: &str) -> PathBuf {
        self.save().join("t").join(path)
    }

    fn store(&self) -> PathBuf {
        self.save().join(format!(".{}.parts", self.info.info_hash))
    }

    fn params(&self) -> StorageParams {
        StorageParams {
            info: Arc::clone(&self.info),
            save_path: self.save(),
            part_dir: self.save(),
            renamed: Vec::new(),
            priorities: Vec::new(),
            preallocate: false,
        }
    }

    fn open(&self, priorities: &[u8]) {
        let params = StorageParams { priorities: priorities.to_vec(), ..self.params() };
        self.ok(Job::Open(Box::new(params)));
    }

    /// Submits a batch and returns its outcomes in order.
    fn run(&self, jobs: Vec<Job>) -> Vec<Outcome> {
        let count = jobs.len();
        let jobs = jobs.into_iter().enumerate().map(|(i, job)| (i as u64, job)).collect();
        self.pool.submit(self.sink, T, jobs);
        let mut out: Vec<Option<Outcome>> = (0..count).map(|_| None).collect();
        let answers = self.answers.lock();
        for _ in 0..count {
            let done = answers.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
            assert_eq!(done.torrent, T);
            let slot = &mut out[usize::try_from(done.tag).unwrap()];
            assert!(slot.is_none(), "answered twice");
            *slot = Some(done.outcome);
        }
        out.into_iter().map(Option::unwrap).collect()
    }

    fn one(&self, job: Job) -> Outcome {
        self.run(vec![job]).pop().unwrap()
    }

    fn ok(&self, job: Job) {
        let outcome = self.one(job);
        assert!(matches!(outcome, Outcome::Done | Outcome::Moved(_)), "{outcome:?}");
    }

    fn fails(&self, job: Job) -> DiskError {
        match self.one(job) {
            Outcome::Failed(e) => e,
            other => panic!("should have failed: {other:?}"),
        }
    }

    fn stats(&self) -> Vec<Option<FileStat>> {
        match self.one(Job::Stat) {
            Outcome::Stats(look) => look.files,
            other => panic!("{other:?}"),
        }
    }

    fn sync(&self) -> Vec<(FileIndex, Option<FileStat>)> {
        match self.one(Job::Sync) {
            Outcome::Synced(synced) => synced.files,
            other => panic!("{other:?}"),
        }
    }

    /// The bytes of one piece of `all`.
    fn piece<'a>(&self, all: &'a [u8], piece: u32) -> &'a [u8] {
        let g = &self.info.geometry;
        let from = g.offset_of(PieceIndex(piece)) as usize;
        &all[from..from + g.len_of(PieceIndex(piece)) as usize]
    }

    /// The write jobs of one piece, block by block.
    fn writes(&self, all: &[u8], piece: u32) -> Vec<Job> {
        let bytes = self.piece(all, piece);
        bytes
            .chunks(crate::base::BLOCK_LEN as usize)
            .scan(0_u32, |at, chunk| {
                let begin = *at;
                *at += chunk.len() as u32;
                Some(write(piece, begin, chunk))
            })
            .collect()
    }

    /// Writes and hashes every piece.
    fn fill(&self, all: &[u8]) {
        for piece in 0..self.info.piece_count() {
            let mut jobs = self.writes(all, piece);
            jobs.push(Job::Hash(PieceIndex(piece)));
            let mut out = self.run(jobs);
            assert_digest(&out.pop().unwrap(), self.piece(all, piece));
            assert!(out.iter().all(|o| matches!(o, Outcome::Done)), "{out:?}");
        }
    }

    /// Every piece hashes to what `all` says.
    fn check(&self, all: &[u8]) {
        for piece in 0..self.info.piece_count() {
            assert_digest(&self.one(Job::Hash(PieceIndex(piece))), self.piece(all, piece));
        }
    }
}

fn write(piece: u32, begin: u32, data: &[u8]) -> Job {
    Job::Write { piece: PieceIndex(piece), begin, data: Bytes::copy_from_slice(data) }
}

fn read(piece: u32, begin: u32, length: u32) -> Job {
    Job::Read(BlockSpan { piece: PieceIndex(piece), begin, length })
}

#[track_caller]
fn assert_digest(outcome: &Outcome, bytes: &[u8]) {
    assert!(matches!(outcome, Outcome::Digest(d) if *d == sha1(bytes)), "{outcome:?}");
}

#[track_caller]
fn assert_data(outcome: &Outcome, bytes: &[u8]) {
    assert!(matches!(outcome, Outcome::Data(d) if d == bytes), "wrong data or {outcome:?}");
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut out: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    out.sort();
    out
}

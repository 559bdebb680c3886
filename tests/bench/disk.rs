//! What the disk half costs: blocks into files and hashed, and a check of what is there.
//!
//! `bench-disk DIR [MIB [PIECE_KIB]]` drives the disk pool as a shard would, without sockets, and
//! prints one JSON line per figure: MiB/s, CPU seconds per GiB, bytes read back, pieces per round
//! of the hasher, peak anonymous memory. DIR should be on tmpfs or an idle disk. The figures hold
//! beside others of the same run only.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a measurement by hand: numbers are sensible, what fails ends it"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use tern::base::{Geometry, InfoHash, PieceIndex, TorrentId};
use tern::codec::metainfo::{FileAttr, FileEntry, Info};
use tern::disk::{Completion, Job, Outcome, Pool, PoolConfig, PoolStats, StorageParams};

const BLOCK: usize = 16 * 1024;
/// Blocks that arrive together, as after one large read of a socket.
const BURST: usize = 16;
/// Blocks on their way at most.
const AHEAD: usize = 512;
const T: TorrentId = TorrentId(1);

fn main() {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap_or_else(|| "/dev/shm/tern-bench-disk".into());
    let mut number = |default| args.next().and_then(|a| a.parse().ok()).unwrap_or(default);
    let (mib, piece_kib): (u64, u32) = (number(1024), number(4096) as u32);
    let info = Arc::new(info(mib << 20, piece_kib << 10));
    let dir = Path::new(&dir);
    for threads in [1, 2] {
        // Twice: first into fresh pages, then into the same ones.
        for what in ["fresh", "again"] {
            let run = Run::start(&info, dir, threads);
            run.download();
            run.report("download", what, threads);
        }
        for _ in 0..2 {
            let run = Run::start(&info, dir, threads);
            run.check();
            run.report("check", "cached", threads);
        }
        std::fs::remove_dir_all(dir).expect("the directory was made by this program");
    }
}

fn info(len: u64, piece: u32) -> Info {
    let file = FileEntry {
        path: "content".into(),
        path_raw: Default::default(),
        length: len,
        offset: 0,
        attr: FileAttr::default(),
        symlink: None,
    };
    Info {
        info_hash: InfoHash([7; 20]),
        raw: Vec::new().into(),
        name: "content".into(),
        name_raw: b"content".to_vec().into(),
        geometry: Geometry::new(len, piece).expect("a sensible piece length"),
        pieces: Vec::new().into(),
        files: vec![file],
        multi_file: false,
        private: false,
        source: None,
    }
}

struct Run<'a> {
    pool: Pool,
    sink: usize,
    answers: Receiver<Vec<Completion>>,
    info: &'a Arc<Info>,
    started: Instant,
    cpu: f64,
}

impl<'a> Run<'a> {
    fn start(info: &'a Arc<Info>, dir: &Path, threads: usize) -> Self {
        let pool = Pool::new(PoolConfig {
            threads,
            max_open_files: 64,
            write_budget_bytes: 32 << 20,
            hasher: tern::engine::hashing::factory(tern::hash::Hasher::auto()),
        });
        let pool = pool.expect("threads");
        let (tx, answers) = channel();
        let sink = pool.add_sink(Arc::new(move |batch| drop(tx.send(batch))));
        let params = StorageParams {
            info: Arc::clone(info),
            save_path: dir.to_owned(),
            part_dir: dir.to_owned(),
            renamed: Vec::new(),
            priorities: Vec::new(),
            preallocate: false,
        };
        pool.submit(sink, T, vec![(0, Job::Open(Box::new(params)))]);
        answers.recv().expect("an answer");
        Self { pool, sink, answers, info, started: Instant::now(), cpu: cpu_seconds() }
    }

    /// Waits until at most `left` of `out` answers are out.
    fn settle(&self, out: &mut usize, left: usize) {
        while *out > left {
            let batch = self.answers.recv().expect("answers");
            *out -= batch.len();
            for done in batch {
                assert!(matches!(done.outcome, Outcome::Done | Outcome::Digest(_)), "{done:?}");
            }
        }
    }

    /// Two peers send pieces, block by block, out of buffers as a socket would fill them.
    fn download(&self) {
        let mut out = 0;
        let pieces: Vec<u32> = (0..self.info.piece_count()).collect();
        let mut buffers = Buffers::default();
        for pair in pieces.chunks(2) {
            let blocks = pair.iter().map(|p| self.info.geometry.block_count(PieceIndex(*p))).max();
            for from in (0..blocks.unwrap_or(0)).step_by(BURST) {
                for piece in pair.iter().map(|p| PieceIndex(*p)) {
                    let mut jobs = Vec::with_capacity(BURST + 1);
                    let mut burst = buffers.next(out);
                    for index in from..from + BURST as u32 {
                        let Some(span) = self.info.geometry.block(piece, index) else { break };
                        let data = burst.split_to(span.length as usize);
                        jobs.push((0, Job::Write { piece, begin: span.begin, data }));
                        if index + 1 == self.info.geometry.block_count(piece) {
                            jobs.push((0, Job::Hash(piece)));
                        }
                    }
                    out += jobs.len();
                    self.pool.submit(self.sink, T, jobs);
                }
                self.settle(&mut out, AHEAD);
            }
        }
        self.settle(&mut out, 0);
    }

    fn check(&self) {
        let ahead = 64.max((16 << 20) / self.info.geometry.piece_len()) as usize;
        let mut out = 0;
        let pieces: Vec<u32> = (0..self.info.piece_count()).collect();
        for some in pieces.chunks(16) {
            let jobs = some.iter().map(|p| (0, Job::Hash(PieceIndex(*p)))).collect();
            self.pool.submit(self.sink, T, jobs);
            out += some.len();
            self.settle(&mut out, ahead);
        }
        self.settle(&mut out, 0);
    }

    fn report(self, job: &str, what: &str, threads: usize) {
        let wall = self.started.elapsed().as_secs_f64();
        let cpu = cpu_seconds() - self.cpu;
        let len = self.info.geometry.total_len() as f64;
        let PoolStats { bytes_read_back, pieces_hashed, hash_rounds, .. } = self.pool.stats();
        println!(
            "{{\"bench\":\"disk\",\"job\":\"{job}\",\"pages\":\"{what}\",\"threads\":{threads},\
             \"piece_kib\":{},\"mib_s\":{:.0},\"cpu_s_gib\":{:.3},\"read_back\":{bytes_read_back},\
             \"pieces_per_round\":{:.1},\"anon_peak_mib\":{:.0}}}",
            self.info.geometry.piece_len() >> 10,
            len / f64::from(1 << 20) / wall,
            cpu / (len / f64::from(1 << 30)),
            pieces_hashed as f64 / hash_rounds.max(1) as f64,
            anon_peak_mib(),
        );
    }
}

/// Receive buffers, used again when nobody has a block of them any more.
#[derive(Default)]
struct Buffers {
    all: Vec<Bytes>,
}

impl Buffers {
    fn next(&mut self, _out: usize) -> Bytes {
        let free = self.all.iter().position(Bytes::is_unique);
        let mut buf = match free.map(|i| self.all.swap_remove(i).try_into_mut()) {
            Some(Ok(buf)) => buf,
            _ => BytesMut::zeroed(BURST * BLOCK),
        };
        // What the kernel's copy out of the socket does, roughly.
        buf.fill(self.all.len() as u8);
        let burst = buf.freeze();
        self.all.push(burst.clone());
        burst
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, tail)| tail);
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Peak of what is neither file nor shared memory, as far as the kernel says: the peak resident
/// size less the files mapped now.
fn anon_peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_whitespace().nth(1)).and_then(|n| n.parse().ok()).unwrap_or(0.0)
    };
    (field("VmHWM:") - field("RssFile:") - field("RssShmem:")) / 1024.0
}

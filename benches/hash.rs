//! How fast each way to hash is: `cargo bench --bench hash [-- WORDS]`, where WORDS choose rows
//! (`sha1`, `sha256`, a path's name). Prints GiB/s of the calling thread's CPU time, the best of
//! several short rounds.
//!
//! With `--once PATH STREAMS KIB` it does nothing but hash that many streams of that many KiB ten
//! times with SHA-1: something for `valgrind --tool=callgrind` and `perf` to count.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for people at a terminal"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sha1::Digest;
use tern::hash::{HashPath, Hasher};

const GIB: f64 = (1_u64 << 30) as f64;
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(60);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if words.first().is_some_and(|w| w == "--once") {
        once(&words[1..]);
        return;
    }
    let shown = |name: &str| words.is_empty() || words.iter().all(|w| name.contains(w.as_str()));
    let print = |name: String, bytes: usize, work: &mut dyn FnMut()| {
        if shown(&name) {
            println!("{name:<44} {:6.2} GiB/s", rate(bytes, work));
        }
    };
    for (text, len) in [("4 MiB", 4 << 20), ("16 KiB", 16 << 10)] {
        let data = content(16 * len);
        crates(&data[..len], text, &print);
        for path in HashPath::ALL.into_iter().filter(|p| p.is_available()) {
            for count in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16] {
                several(path, count, &data[..count * len], text, &print);
            }
        }
    }
}

type Print<'a> = &'a dyn Fn(String, usize, &mut dyn FnMut());

fn crates(data: &[u8], text: &str, print: Print<'_>) {
    print(format!("sha1 crate, 1 stream of {text}"), data.len(), &mut || {
        black_box(sha1::Sha1::digest(data));
    });
    print(format!("sha256 sha2 crate, 1 stream of {text}"), data.len(), &mut || {
        black_box(sha2::Sha256::digest(data));
    });
}

/// Streams of equal length. A name looks like `sha1 avx512, 16 streams of 4 MiB`.
fn several(path: HashPath, count: usize, data: &[u8], text: &str, print: Print<'_>) {
    let hasher = Hasher::new(path).expect("available");
    let parts: Vec<[&[u8]; 1]> = data.chunks_exact(data.len() / count).map(|c| [c]).collect();
    let messages: Vec<&[&[u8]]> = parts.iter().map(|p| p.as_slice()).collect();
    print(format!("sha1 {path}, {count} streams of {text}"), data.len(), &mut || {
        black_box(hasher.sha1_many(&messages));
    });
    print(format!("sha256 {path}, {count} streams of {text}"), data.len(), &mut || {
        black_box(hasher.sha256_many(&messages));
    });
}

fn once(words: &[String]) {
    let [path, count, kib] = words else { panic!("--once PATH STREAMS KIB") };
    let hasher = Hasher::new(path.parse().expect("a path")).expect("available");
    let (count, len): (usize, usize) = (count.parse().expect("number"), kib.parse().expect("KiB"));
    let data = content(count * len * 1024);
    let inputs: Vec<&[u8]> = data.chunks_exact(len * 1024).collect();
    let mut streams = hasher.sha1_streams();
    for _ in 0..10 {
        streams.begin(count);
        streams.update(&inputs);
        black_box(streams.finish());
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i.wrapping_mul(31) >> 3).to_le_bytes()[0]).collect()
}

/// GiB/s of the best round.
fn rate(bytes: usize, work: &mut dyn FnMut()) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let (start, cpu, mut times) = (Instant::now(), cpu_time(), 0);
        while start.elapsed() < ROUND {
            work();
            times += 1;
        }
        let spent = (cpu_time() - cpu).as_secs_f64();
        best = best.max(bytes as f64 * f64::from(times) / spent / GIB);
    }
    best
}

/// CPU time of this thread: other work on the machine does not count.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid place for the result.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

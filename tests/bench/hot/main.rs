//! The hot functions, one at a time, for `valgrind --tool=callgrind`: `bench-hot NAME` does that
//! job some hundred or thousand times and prints how many units that were; `bench-hot` lists names.
//!
//! Only what runs inside `measured` counts: tests/bench/budget.py starts callgrind with
//! `--toggle-collect=*measured*`, divides by the units, and compares with tests/bench/budgets.tsv.
//! Nothing here is random or depends on the clock, so that a count is the same in every run. The
//! rooms are used as the simulator uses them; that is what they are public for.

// The oracle of a bench is a panic.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "not the library")]
#![expect(clippy::print_stdout, reason = "what it is for")]
#![expect(clippy::cast_possible_truncation, reason = "sizes chosen here")]

mod brain;
mod codec;
mod hashing;
mod picker;
mod wire;

use std::hint::black_box;

/// Counts units; work goes through [`Meter::run`].
#[derive(Default)]
pub struct Meter {
    units: u64,
}

impl Meter {
    /// Does some work that is worth so many units.
    pub fn run<T>(&mut self, units: u64, mut work: impl FnMut() -> T) -> T {
        let mut out = None;
        measured(&mut || out = Some(work()));
        self.units += units;
        out.expect("it ran")
    }
}

/// What callgrind looks at. Not inlined, and not left by a jump.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

type Job = fn(&mut Meter);

/// Name, unit, job.
const JOBS: &[(&str, &str, Job)] = &[
    ("bencode-parse", "torrent of 2000 files, 20 000 pieces", codec::bencode_parse),
    ("metainfo-load", "torrent of 2000 files, 20 000 pieces", codec::metainfo_load),
    ("resume-write", "blob of 2000 files, 20 000 pieces", codec::resume_write),
    ("resume-read", "blob of 2000 files, 20 000 pieces", codec::resume_read),
    ("tracker-reply", "reply with 200 compact peers", codec::tracker_reply),
    ("wire-decode-piece", "PIECE message of 16 KiB", wire::decode_piece),
    ("wire-decode-request", "REQUEST message", wire::decode_request),
    ("wire-decode-have", "HAVE message", wire::decode_have),
    ("wire-encode-request", "REQUEST message", wire::encode_request),
    ("wire-encode-have", "HAVE message", wire::encode_have),
    ("pick-1-peer", "block picked, received, written", picker::one_peer),
    ("pick-50-peers", "block picked, received, written", picker::fifty_peers),
    ("download-1-peer", "block through Torrent::handle", brain::download_one),
    ("download-50-peers", "block through Torrent::handle", brain::download_fifty),
    ("upload-1-peer", "block through Torrent::handle", brain::upload_one),
    ("sha1-portable", "KiB, one stream", hashing::portable),
    ("sha1-avx2-8", "KiB, eight streams", hashing::avx2_full),
    ("sha1-avx2-4", "KiB, four streams", hashing::avx2_half),
];

fn main() {
    let name = std::env::args().nth(1);
    let Some(name) = name else {
        for (name, unit, _) in JOBS {
            println!("{name}\t{unit}");
        }
        return;
    };
    let (_, _, job) = JOBS.iter().find(|(n, _, _)| *n == name).expect("a name of the list");
    let mut meter = Meter::default();
    job(&mut meter);
    println!("{}", meter.units);
}

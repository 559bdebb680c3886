//! The fuzz seeds of the wire protocols, and a fixed number of mutations of them, through the same
//! bodies that the fuzzer runs: a found crash becomes a seed and stays one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use tern::base::Rng;

#[path = "../fuzz/bodies/dht.rs"]
mod dht;
#[path = "../fuzz/bodies/dns.rs"]
mod dns;
#[path = "../fuzz/bodies/lsd.rs"]
mod lsd;
#[path = "../fuzz/bodies/magnet.rs"]
mod magnet;
#[path = "../fuzz/bodies/peer_exchange.rs"]
mod peer_exchange;
#[path = "../fuzz/bodies/peer_wire.rs"]
mod peer_wire;
#[path = "../fuzz/bodies/tracker_reply.rs"]
mod tracker_reply;
#[path = "../fuzz/bodies/udp_tracker.rs"]
mod udp_tracker;

const MUTATIONS: u32 = 20_000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus-seeds").join(target);
    let mut paths: Vec<_> = dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds in {}", dir.display());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn mutate(input: &mut Vec<u8>, seeds: &[Vec<u8>], rng: &mut Rng) {
    let at = rng.index(input.len());
    let noise = rng.next_u64().to_le_bytes()[0];
    match rng.below(6) {
        0 => input[at] = noise,
        1 => input[at] ^= 1 << rng.below(8),
        2 if input.len() > 1 => drop(input.remove(at)),
        3 => input.insert(at, noise),
        4 => {
            let other = &seeds[rng.index(seeds.len())];
            let from = rng.index(other.len());
            let to = from + rng.index(other.len() - from + 1);
            input.splice(at..at, other[from..to].iter().copied());
        }
        _ => input.truncate(at + 1),
    }
}

fn replay(target: &str, run: fn(&[u8])) {
    let seeds = seeds(target);
    seeds.iter().for_each(|seed| run(seed));
    let mut rng = Rng::new(1);
    for number in 0..MUTATIONS {
        let mut input = seeds[rng.index(seeds.len())].clone();
        for _ in 0..=rng.index(6) {
            mutate(&mut input, &seeds, &mut rng);
        }
        let result = std::panic::catch_unwind(|| run(&input));
        assert!(result.is_ok(), "{target}, mutation {number}: {input:?}");
    }
}

#[test]
fn dht() {
    replay("dht", dht::run);
}

#[test]
fn peer_wire() {
    replay("peer_wire", peer_wire::run);
}

#[test]
fn tracker_reply() {
    replay("tracker_reply", tracker_reply::run);
}

#[test]
fn dns() {
    replay("dns", dns::run);
}

#[test]
fn lsd() {
    replay("lsd", lsd::run);
}

#[test]
fn magnet() {
    replay("magnet", magnet::run);
}

#[test]
fn peer_exchange() {
    replay("peer_exchange", peer_exchange::run);
}

#[test]
fn udp_tracker() {
    replay("udp_tracker", udp_tracker::run);
}

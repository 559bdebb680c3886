//! What a node of the DHT costs that keeps peers for others:
//! `cargo run --release --example bench-dht [-- PEERS]`, 100 000 without. Announces arrive as
//! datagrams, each from an address of its own, for torrents of 500 peers each; then everybody asks
//! for one. Prints the memory they take and the queries a second of CPU time.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a program for people at a terminal"
)]

use std::net::SocketAddr;
use std::time::Duration;

use tern::base::{Instant, Rng};
use tern::proto::dht::{
    Body, Config, Dht, EndpointId, Input, Method, NodeId, Output, Packet, Query, State, Want,
};

const HERE: EndpointId = EndpointId(0);
const SWARM: u32 = 500;

fn main() {
    let peers = std::env::args().nth(1).map_or(100_000, |n| n.parse().expect("a number of peers"));
    let mut node = Node::new();
    // What it takes anyhow, once it has answered.
    for n in 0..SWARM {
        node.token(n, hash(u32::MAX));
    }
    let (memory, cpu) = (anonymous(), cpu_seconds());
    for n in 0..peers {
        node.announce(n, hash(n / SWARM));
    }
    let announced = cpu_seconds() - cpu;
    let (taken, kept) = (anonymous() - memory, node.dht.stats().stored.1);
    println!("{kept} peers of {} torrents: {} KiB", peers.div_ceil(SWARM), taken / 1024);
    println!("{:.1} bytes a peer", taken as f64 / f64::from(peers));
    println!(
        "{:.0} announces a second, a token asked for before each",
        f64::from(peers) / announced
    );
    let (cpu, mut bytes) = (cpu_seconds(), 0);
    for n in 0..peers {
        bytes += node.token(n, hash(n % peers.div_ceil(SWARM))).1;
    }
    let asked = cpu_seconds() - cpu;
    let (rate, size) = (f64::from(peers) / asked, bytes as f64 / f64::from(peers));
    println!("{rate:.0} answers with peers a second, of {size:.0} bytes");
}

fn hash(n: u32) -> NodeId {
    NodeId::random(&mut Rng::new(u64::from(n)))
}

/// A node that everybody finds at once.
struct Node {
    dht: Dht,
    now: Instant,
}

impl Node {
    fn new() -> Self {
        // Its budget of bytes is no part of this.
        let config = Config { upload_rate: 0, ..Config::default() };
        let mut dht = Dht::new(config, [1; 20], State::default(), Rng::new(1));
        let now = Instant::from_micros(1_000_000_000);
        let local = SocketAddr::from(([9, 9, 9, 9], 6881));
        dht.handle(now, Input::Listen { endpoint: HERE, local, external: Some(local.ip()) });
        Self { dht, now }
    }

    /// The answer to a question of the asker of that number, as it is sent.
    fn ask(&mut self, asker: u32, method: Method<'_>) -> Vec<u8> {
        self.now = self.now + Duration::from_millis(2);
        let from = SocketAddr::from(((0x1000_0000 + asker).to_be_bytes(), 6881));
        let query = Query { id: NodeId([7; 20]), read_only: true, want: Want::default(), method };
        let body = Body::Query(query);
        let data = Packet { transaction: b"tt", version: None, seen_as: None, body }.encode();
        self.dht.handle(self.now, Input::Datagram { endpoint: HERE, from, data: &data });
        let sent = std::iter::from_fn(|| self.dht.poll_output()).find_map(|output| match output {
            Output::Send { to, data, .. } if to == from => Some(data),
            _ => None,
        });
        sent.expect("an answer")
    }

    /// The token for a torrent, and the size of the answer.
    fn token(&mut self, asker: u32, info_hash: NodeId) -> (Vec<u8>, usize) {
        let answer = self.ask(asker, Method::GetPeers { info_hash, noseed: false, scrape: false });
        let packet = Packet::decode(&answer).expect("a packet");
        let Body::Response(response) = packet.body else { panic!("an answer") };
        (response.token.expect("a token").to_vec(), answer.len())
    }

    fn announce(&mut self, asker: u32, info_hash: NodeId) {
        let token = self.token(asker, info_hash).0;
        let port = 6881;
        let token = &token;
        let announce =
            Method::AnnouncePeer { info_hash, port, implied_port: false, seed: false, token };
        self.ask(asker, announce);
    }
}

/// Memory of this process that no other has.
fn anonymous() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("RssAnon");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Seconds of processor of this process, to a hundredth.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("the process's state");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks: f64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum();
    ticks / 100.0
}

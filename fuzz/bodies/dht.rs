//! Arbitrary bytes as datagrams and as a saved state of a DHT node: nothing panics, what is decoded
//! can be encoded again and says the same, answers are bounded, and the machine stays consistent.
//!
//! Input: a byte that says how the node behaves, then datagrams, each with its length in front.

use std::net::SocketAddr;
use std::time::Duration;

use tern::base::{Instant, Rng};
use tern::proto::dht::{
    Command, CommandId, Config, Dht, EndpointId, Input, NodeId, Observe, Output, Packet, Security,
    State,
};

const HERE: EndpointId = EndpointId(0);

fn config(bits: u8) -> Config {
    Config {
        read_only: bits & 1 != 0,
        security: [Security::Off, Security::Prefer, Security::Enforce][usize::from(bits >> 1) % 3],
        observe: if bits & 8 != 0 { Observe::Notice } else { Observe::Off },
        flood_rate: 0,
        ..Config::default()
    }
}

/// Takes all outputs; what would be sent back to us comes in again, so that answers meet their
/// questions too.
fn drain(dht: &mut Dht, now: Instant, asked: usize) {
    while let Some(output) = dht.poll_output() {
        if let Output::Send { data, .. } = output {
            assert!(data.len() <= 1400 && Packet::decode(&data).is_ok(), "{asked}");
        }
    }
    assert!(dht.next_deadline().is_none_or(|at| at.since(now) < Duration::from_secs(3600)));
}

/// One input.
pub fn run(input: &[u8]) {
    let [bits, bytes @ ..] = input else { return };
    let mut rest = bytes;
    let state = State::decode(rest).unwrap_or_default();
    assert_eq!(State::decode(&state.encode()).as_ref(), Ok(&state));
    let _ = tern::engine::dht::Saved::decode(rest);
    let later = state.clone();
    let mut dht = Dht::new(config(*bits), [7; 20], state, Rng::new(1));
    let mut now = Instant::from_micros(1_000_000_000);
    let local = "0.0.0.0:6881".parse().expect("an address");
    dht.handle(now, Input::Listen { endpoint: HERE, local, external: None });
    if bits & 16 != 0 {
        dht.handle(now, Input::Restore(later));
    }
    let target = Command::FindNode(NodeId([3; 20]));
    dht.handle(now, Input::Command { id: CommandId(1), command: target });
    for n in 0u8..32 {
        let [high, low, tail @ ..] = rest else { break };
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (data, after) = tail.split_at(len);
        rest = after;
        if let Ok(packet) = Packet::decode(data) {
            let again = packet.encode();
            assert_eq!(Packet::decode(&again), Ok(packet));
        }
        let from = SocketAddr::from(([20, n, 1, 1], 6881));
        dht.handle(now, Input::Datagram { endpoint: HERE, from, data });
        drain(&mut dht, now, data.len());
        dht.check_invariants();
        now = now + Duration::from_millis(700);
        dht.handle(now, Input::Timeout);
        drain(&mut dht, now, 0);
    }
}

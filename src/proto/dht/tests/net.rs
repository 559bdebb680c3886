//! A few machines in one room: every datagram arrives, after 10 ms.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::{Instant, Rng};
use crate::proto::dht::*;

pub(super) const HERE: EndpointId = EndpointId(0);
/// The endpoint of the second family, on machines that have two.
pub(super) const HERE6: EndpointId = EndpointId(6);

pub(super) struct Net {
    pub(super) now: Instant,
    pub(super) machines: Vec<Dht>,
    places: BTreeMap<SocketAddr, (usize, EndpointId)>,
    /// Arrivals by time, then by order of sending.
    flying: BTreeMap<(Instant, u64), (SocketAddr, SocketAddr, Vec<u8>)>,
    sent: u64,
    /// What commands said, by machine.
    pub(super) told: Vec<(usize, Output)>,
}

impl Net {
    /// `count` machines at private addresses, each knowing the first.
    pub(super) fn new(count: usize, dual: bool, config: &Config) -> Self {
        let mut net = Self {
            now: Instant::from_micros(1_000_000_000),
            machines: Vec::new(),
            places: BTreeMap::new(),
            flying: BTreeMap::new(),
            sent: 0,
            told: Vec::new(),
        };
        for n in 0..count {
            net.add(n, dual, config.clone());
        }
        net.run(Duration::from_secs(60));
        net
    }

    pub(super) fn addr(n: usize, v6: bool) -> SocketAddr {
        let (high, low) = (u8::try_from(n / 250).unwrap(), u8::try_from(n % 250).unwrap());
        if v6 {
            SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, high.into(), (low + 1).into()], 6881))
        } else {
            SocketAddr::from(([10, 0, high, low + 1], 6881))
        }
    }

    pub(super) fn add(&mut self, n: usize, dual: bool, config: Config) {
        self.place(n, dual, config, State::default());
        for v6 in [false, true].into_iter().filter(|v6| n != 0 && (dual || !v6)) {
            let id = CommandId(1000 + u64::from(v6));
            self.give(n, Input::Command { id, command: Command::AddRouter(Self::addr(0, v6)) });
        }
        self.run(Duration::from_millis(100));
    }

    /// A machine that knows nobody but who is in its state.
    pub(super) fn place(&mut self, n: usize, dual: bool, config: Config, state: State) {
        let seed = n as u64 + 1;
        let mut secret = [0; 20];
        secret[..8].copy_from_slice(&seed.to_le_bytes());
        self.machines.push(Dht::new(config, secret, state, Rng::new(seed)));
        for (v6, endpoint) in [(false, HERE), (true, HERE6)] {
            if v6 && !dual {
                continue;
            }
            let local = Self::addr(n, v6);
            self.places.insert(local, (n, endpoint));
            self.give(n, Input::Listen { endpoint, local, external: None });
        }
    }

    pub(super) fn give(&mut self, n: usize, input: Input<'_>) {
        self.machines[n].handle(self.now, input);
        while let Some(output) = self.machines[n].poll_output() {
            match output {
                Output::Send { endpoint, to, data } => {
                    assert!(data.len() <= 1400, "{} bytes", data.len());
                    let from = Self::addr(n, endpoint == HERE6);
                    self.sent += 1;
                    let at = self.now + Duration::from_millis(10);
                    self.flying.insert((at, self.sent), (from, to, data));
                }
                other => self.told.push((n, other)),
            }
        }
        self.machines[n].check_invariants();
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let timer = |(n, m): (usize, &Dht)| m.next_deadline().map(|at| (at, n));
            let timer = self.machines.iter().enumerate().filter_map(timer).min();
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let next = timer.map(|(at, _)| at).into_iter().chain(arrival).min();
            let Some(next) = next.filter(|at| *at <= end) else { break };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                let (_, (from, to, data)) = self.flying.pop_first().unwrap();
                if let Some((n, endpoint)) = self.places.get(&to).copied() {
                    self.give(n, Input::Datagram { endpoint, from, data: &data });
                }
            } else if let Some((_, n)) = timer {
                self.give(n, Input::Timeout);
            }
        }
        self.now = end;
    }

    /// Runs a command to its end.
    pub(super) fn command(&mut self, n: usize, command: Command) -> (Outcome, LookupStats) {
        self.told.clear();
        let id = CommandId(1);
        self.give(n, Input::Command { id, command });
        for _ in 0..600 {
            for (who, output) in &self.told {
                if let Output::Done { command, outcome, stats } = output
                    && (*who, *command) == (n, id)
                {
                    return (outcome.clone(), *stats);
                }
            }
            self.run(Duration::from_millis(100));
        }
        panic!("the command does not end")
    }

    /// Peers told since the last command began.
    pub(super) fn peers(&self) -> Vec<SocketAddr> {
        let peers = self.told.iter().filter_map(|(_, output)| match output {
            Output::Peers { peers, .. } => Some(peers.clone()),
            _ => None,
        });
        let mut peers: Vec<_> = peers.flatten().collect();
        peers.sort();
        peers
    }
}

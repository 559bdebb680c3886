//! Pointers that are followed and published (BEP 46): their machines, and the commands they run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::types::{DhtEvent, Output};
use super::{POINTER_BIT, Service};
use crate::base::{InfoHash, Instant};
use crate::proto::dht::{
    CommandId, Follower, FollowerInput, FollowerOutput, Input, MutableItem, NodeId, Outcome,
    PublicKey, Publisher, PublisherInput, PublisherOutput, SecretKey, decode_pointer,
};

#[derive(Debug)]
enum Machine {
    Follow(Box<Follower>),
    Publish(Box<Publisher>),
}

impl Machine {
    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Follow(machine) => machine.next_deadline(),
            Self::Publish(machine) => machine.next_deadline(),
        }
    }
}

/// All of them, by token, and the newest version known of each.
#[derive(Debug, Default)]
pub(super) struct Pointers {
    machines: BTreeMap<u64, Machine>,
    pub(super) known: BTreeMap<NodeId, MutableItem>,
}

impl Pointers {
    pub(super) fn new(known: BTreeMap<NodeId, MutableItem>) -> Self {
        Self { machines: BTreeMap::new(), known }
    }

    pub(super) fn len(&self) -> usize {
        self.machines.len()
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.machines.values().filter_map(Machine::next_deadline).min()
    }
}

impl Service {
    pub(super) fn follow(
        &mut self,
        now: Instant,
        token: u64,
        key: PublicKey,
        salt: Vec<u8>,
        interval: Duration,
    ) {
        self.join(now);
        let known = self.pointers.known.get(&key.target(&salt)).cloned();
        // What is known from an earlier session is where the host starts from, too.
        if let Some(item) = known.clone() {
            self.update(token, item);
        }
        let follower = Follower::new(now, key, salt, interval, known, self.rng.fork());
        self.pointers.machines.insert(token, Machine::Follow(Box::new(follower)));
    }

    pub(super) fn publish(
        &mut self,
        now: Instant,
        token: u64,
        secret: SecretKey,
        salt: Vec<u8>,
        info_hash: InfoHash,
    ) {
        self.join(now);
        let known = self.pointers.known.get(&secret.public().target(&salt)).cloned();
        let same = known.as_ref().is_some_and(|i| decode_pointer(i.value()) == Some(info_hash));
        let mut publisher = Publisher::new(now, secret, salt, known, self.rng.fork());
        // The version that is out says the same already: it is kept alive.
        if !same {
            publisher.want(now, info_hash);
        }
        self.pointers.machines.insert(token, Machine::Publish(Box::new(publisher)));
    }

    /// Ends what runs under a token. False when it is no pointer.
    pub(super) fn drop_pointer(&mut self, now: Instant, token: u64) -> bool {
        let found = self.pointers.machines.remove(&token).is_some();
        if found {
            self.machine.handle(now, Input::Cancel(CommandId(POINTER_BIT | token)));
        }
        found
    }

    /// Gives a pointer's machine an outcome, or the time.
    pub(super) fn pointer_input(&mut self, now: Instant, token: u64, outcome: Option<&Outcome>) {
        match self.pointers.machines.get_mut(&token) {
            None => return,
            Some(Machine::Follow(machine)) => {
                let input = outcome.map_or(FollowerInput::Timeout, FollowerInput::Finished);
                machine.handle(now, input);
            }
            Some(Machine::Publish(machine)) => {
                let input = outcome.map_or(PublisherInput::Timeout, PublisherInput::Finished);
                machine.handle(now, input);
            }
        }
        while self.pointer_output(now, token) {}
    }

    fn pointer_output(&mut self, now: Instant, token: u64) -> bool {
        let id = CommandId(POINTER_BIT | token);
        match self.pointers.machines.get_mut(&token) {
            None => return false,
            Some(Machine::Follow(machine)) => match machine.poll_output() {
                None => return false,
                Some(FollowerOutput::Run(command)) => {
                    self.machine.handle(now, Input::Command { id, command: *command });
                }
                Some(FollowerOutput::Changed { item, .. }) => {
                    self.keep(&item);
                    self.update(token, item);
                }
            },
            Some(Machine::Publish(machine)) => match machine.poll_output() {
                None => return false,
                Some(PublisherOutput::Run(command)) => {
                    self.machine.handle(now, Input::Command { id, command: *command });
                }
                Some(PublisherOutput::Published { item, stored }) => {
                    self.keep(&item);
                    let item = Box::new(item);
                    self.out(Output::Event(None, DhtEvent::Published { token, item, stored }));
                }
                Some(PublisherOutput::Superseded) => {
                    self.out(Output::Event(None, DhtEvent::Superseded { token }));
                }
            },
        }
        true
    }

    fn update(&mut self, token: u64, item: MutableItem) {
        let (info_hash, item) = (decode_pointer(item.value()), Box::new(item));
        self.out(Output::Event(None, DhtEvent::Update { token, info_hash, item }));
    }

    fn keep(&mut self, item: &MutableItem) {
        let known = &mut self.pointers.known;
        if known.len() < super::saved::MAX_POINTERS || known.contains_key(&item.target()) {
            known.insert(item.target(), item.clone());
        }
    }

    pub(super) fn pointers_due(&mut self, now: Instant) {
        let due = |machine: &Machine| machine.next_deadline().is_some_and(|at| at <= now);
        let tokens: Vec<u64> = self
            .pointers
            .machines
            .iter()
            .filter(|(_, machine)| due(machine))
            .map(|(token, _)| *token)
            .collect();
        for token in tokens {
            self.pointer_input(now, token, None);
        }
    }
}

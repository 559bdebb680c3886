//! The network under the DHT simulations: addresses, delays, losses, and who is hostile how.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant as Clock};

use tern::base::{InfoHash, Instant, Rng};
use tern::proto::dht::{
    Announce, Body, Command, CommandId, Config, Contact, Dht, EndpointId, Input, LookupStats,
    Method, NodeId, Outcome, Output, Packet, Query, Response, State, Want, write_contacts,
};

const HERE: EndpointId = EndpointId(0);
/// Honest nodes that everybody knows from the start.
const ROUTERS: usize = 4;

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    pub seed: u64,
    /// All nodes, hostile ones included.
    pub nodes: usize,
    /// Packets of a hundred that are lost.
    pub loss_percent: u64,
    /// Honest nodes of a hundred that leave between announce and search, and are replaced.
    pub churn_percent: usize,
    /// Nodes that answer every question with made-up nodes right at the target.
    pub liars: usize,
    /// Nodes that sit near each key, by an id that does not fit their address, and say that they
    /// know nothing.
    pub squatters: usize,
    /// Nodes that send answers nobody asked for, in others' names.
    pub spoofers: usize,
    pub config: Config,
}

impl Setup {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            nodes: 100,
            loss_percent: 0,
            churn_percent: 0,
            liars: 0,
            squatters: 0,
            spoofers: 0,
            config: Config::default(),
        }
    }
}

/// What searches came to.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Report {
    pub searches: usize,
    /// Searches that found the peer that announced.
    pub found: usize,
    /// Steps to the first answer with peers, of searches that found.
    pub hops: Vec<u32>,
    pub asked: Vec<u32>,
    /// Time of whole searches, in milliseconds.
    pub millis: Vec<u64>,
    /// Packets sent by honest nodes, since the beginning.
    pub packets: u64,
    /// What a search's own node sent and received meanwhile, in bytes.
    pub bytes: Vec<u64>,
}

fn median<T: Copy + Ord + Default>(values: &[T]) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl Report {
    pub fn median_hops(&self) -> u32 {
        median(&self.hops)
    }

    pub fn median_asked(&self) -> u32 {
        median(&self.asked)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = self.hops.iter().max().copied().unwrap_or(0);
        let (found, searches, packets) = (self.found, self.searches, self.packets);
        let (hops, asked, millis) = (self.median_hops(), self.median_asked(), median(&self.millis));
        let bytes = median(&self.bytes);
        write!(
            f,
            "{found} of {searches} found; hops to peers: median {hops}, most {most}; nodes asked: \
             median {asked}; bytes of a search: median {bytes}; time of a whole search: median \
             {millis} ms; {packets} packets in all"
        )
    }
}

enum Kind {
    Honest(Box<Dht>),
    Liar,
    /// Claims this id.
    Squatter(NodeId),
    Spoofer,
    Gone,
}

struct Member {
    addr: SocketAddr,
    kind: Kind,
    /// The timer that is set.
    timer: Option<Instant>,
}

enum Event {
    Packet { from: SocketAddr, to: SocketAddr, data: Vec<u8> },
    Timer(usize),
    Spoof(usize),
}

/// A network in virtual time.
pub struct World {
    setup: Setup,
    rng: Rng,
    now: Instant,
    members: Vec<Member>,
    by_addr: BTreeMap<SocketAddr, usize>,
    events: BTreeMap<u64, Event>,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    next_event: u64,
    packets: u64,
    next_ip: u32,
    /// Peers found and ends of commands.
    found: BTreeMap<CommandId, BTreeSet<SocketAddr>>,
    done: BTreeMap<CommandId, LookupStats>,
    next_command: u64,
    /// Whose bytes and time are counted.
    watched: Option<usize>,
    bytes: u64,
    spent: Duration,
    /// What each search took of its own node's processor.
    times: Vec<Duration>,
}

impl World {
    pub fn new(setup: Setup) -> Self {
        let mut world = Self {
            rng: Rng::new(setup.seed),
            now: Instant::from_micros(1_000_000_000),
            members: Vec::new(),
            by_addr: BTreeMap::new(),
            events: BTreeMap::new(),
            queue: BinaryHeap::new(),
            next_event: 0,
            packets: 0,
            next_ip: 0,
            found: BTreeMap::new(),
            done: BTreeMap::new(),
            next_command: 0,
            watched: None,
            bytes: 0,
            spent: Duration::ZERO,
            times: Vec::new(),
            setup,
        };
        let hostile = world.setup.liars + world.setup.spoofers;
        for _ in 0..world.setup.nodes - hostile - world.setup.squatters {
            world.add_honest();
            world.run(Duration::from_millis(50));
        }
        for n in 0..hostile {
            let kind = if n < world.setup.liars { Kind::Liar } else { Kind::Spoofer };
            let spoofs = matches!(kind, Kind::Spoofer);
            let member = world.add(kind);
            if spoofs {
                world.after(Duration::from_secs(1), Event::Spoof(member));
            }
            world.introduce(member);
        }
        world
    }

    /// A public address in a /24 of its own, spread over the whole space.
    fn next_addr(&mut self) -> SocketAddr {
        self.next_ip += 1;
        let block = self.next_ip.wrapping_mul(0x9e37_79b1) >> 8;
        // From 16.0.0.0 up to 127: no multicast, nothing private.
        let ip = 0x1000_0000 + (block % 0x005a_0000) * 256 + 1;
        SocketAddr::from((ip.to_be_bytes(), 6881))
    }

    fn add(&mut self, kind: Kind) -> usize {
        let mut addr = self.next_addr();
        while self.by_addr.contains_key(&addr) {
            addr = self.next_addr();
        }
        let member = self.members.len();
        self.by_addr.insert(addr, member);
        self.members.push(Member { addr, kind, timer: None });
        member
    }

    fn add_honest(&mut self) -> usize {
        let mut secret = [0; 20];
        self.rng.fill(&mut secret);
        let (config, rng) = (self.setup.config.clone(), self.rng.fork());
        let dht = Dht::new(config, secret, State::default(), rng);
        let member = self.add(Kind::Honest(Box::new(dht)));
        let addr = self.members[member].addr;
        let external = Some(addr.ip());
        self.give(member, Input::Listen { endpoint: HERE, local: addr, external });
        for router in 0..ROUTERS.min(member) {
            let to = self.members[router].addr;
            self.command(member, Command::AddRouter(to));
        }
        member
    }

    /// A hostile node makes itself known: it asks some nodes something.
    fn introduce(&mut self, member: usize) {
        for _ in 0..20 {
            let to = self.members[self.rng.index(self.members.len())].addr;
            let id = self.hostile_id(member);
            let method = Method::FindNode { target: NodeId::random(&mut self.rng) };
            let query = Query { id, read_only: false, want: Want::default(), method };
            let body = Body::Query(query);
            let packet = Packet { transaction: b"ht", version: None, seen_as: None, body };
            let (from, data) = (self.members[member].addr, packet.encode());
            self.transmit(from, to, data);
        }
    }

    fn hostile_id(&self, member: usize) -> NodeId {
        match &self.members[member].kind {
            Kind::Squatter(id) => *id,
            // A liar is a proper member as far as its id goes.
            _ => NodeId::secure(self.members[member].addr.ip(), &mut Rng::new(member as u64)),
        }
    }

    fn command(&mut self, member: usize, command: Command) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.give(member, Input::Command { id, command });
        id
    }

    fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.queue.push(Reverse((at, self.next_event)));
        self.events.insert(self.next_event, event);
        self.next_event += 1;
    }

    /// Sends a packet: it takes 10 to 150 ms, or is lost.
    fn transmit(&mut self, from: SocketAddr, to: SocketAddr, data: Vec<u8>) {
        if self.rng.below(100) >= self.setup.loss_percent {
            let wait = Duration::from_micros(10_000 + self.rng.below(140_000));
            self.after(wait, Event::Packet { from, to, data });
        }
    }

    fn give(&mut self, member: usize, input: Input<'_>) {
        let now = self.now;
        let from = self.members[member].addr;
        let Kind::Honest(dht) = &mut self.members[member].kind else { return };
        let received = if let Input::Datagram { data, .. } = &input { data.len() } else { 0 };
        let start = Clock::now();
        dht.handle(now, input);
        let outputs: Vec<_> = std::iter::from_fn(|| dht.poll_output()).collect();
        let deadline = dht.next_deadline();
        if self.watched == Some(member) {
            self.spent += start.elapsed();
            let sent = |o: &Output| if let Output::Send { data, .. } = o { data.len() } else { 0 };
            self.bytes += (received + outputs.iter().map(sent).sum::<usize>()) as u64;
        }
        for output in outputs {
            match output {
                Output::Send { to, data, .. } => {
                    self.packets += 1;
                    self.transmit(from, to, data);
                }
                Output::Peers { command, peers } => {
                    self.found.entry(command).or_default().extend(peers);
                }
                Output::Done { command, outcome, stats }
                    if !matches!(outcome, Outcome::Accepted) =>
                {
                    self.done.insert(command, stats);
                }
                _ => {}
            }
        }
        // A timer that is set too early is harmless, one too late is not.
        let timer = self.members[member].timer;
        if let Some(at) = deadline
            && timer.is_none_or(|timer| at < timer)
        {
            self.members[member].timer = Some(at);
            self.at(at.max(now), Event::Timer(member));
        }
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(Reverse((at, _))) = self.queue.peek()
            && *at <= end
        {
            let Some(Reverse((at, number))) = self.queue.pop() else { break };
            self.now = at;
            let Some(event) = self.events.remove(&number) else { continue };
            match event {
                Event::Packet { from, to, data } => self.arrive(from, to, &data),
                Event::Timer(member) => {
                    // One that was set later, for an earlier time, has taken its place.
                    if self.members[member].timer == Some(at) {
                        self.members[member].timer = None;
                        self.give(member, Input::Timeout);
                    }
                }
                Event::Spoof(member) => self.spoof(member),
            }
        }
        self.now = end;
    }

    fn arrive(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        let Some(member) = self.by_addr.get(&to).copied() else { return };
        match self.members[member].kind {
            Kind::Honest(_) => self.give(member, Input::Datagram { endpoint: HERE, from, data }),
            Kind::Liar | Kind::Squatter(_) => self.lie(member, from, data),
            Kind::Spoofer | Kind::Gone => {}
        }
    }

    /// Answers with nodes that do not exist, nearer to the target than anybody.
    fn lie(&mut self, member: usize, to: SocketAddr, data: &[u8]) {
        let Ok(packet) = Packet::decode(data) else { return };
        let Body::Query(query) = packet.body else { return };
        let target = match query.method {
            Method::FindNode { target } | Method::Get { target, .. } => target,
            Method::GetPeers { info_hash, .. } => info_hash,
            _ => NodeId::random(&mut self.rng),
        };
        let id = self.hostile_id(member);
        let squats = matches!(self.members[member].kind, Kind::Squatter(_));
        let mut made_up = Vec::new();
        for n in 0..if squats { 0 } else { 16 } {
            let ip = IpAddr::from(
                (0x6e00_0000 + u32::try_from(self.rng.below(1 << 24)).unwrap()).to_be_bytes(),
            );
            // Half of them with an id that fits the address, though none is as near then.
            let id = if n % 2 == 0 {
                target.sibling(100 + self.rng.index(60), &mut self.rng)
            } else {
                NodeId::secure(ip, &mut self.rng)
            };
            made_up.push(Contact { id, addr: SocketAddr::new(ip, 6881) });
        }
        let nodes = write_contacts(&made_up);
        let fields =
            Response { id, token: Some(b"squatter"), nodes: Some(&nodes), ..Response::default() };
        let body = Body::Response(fields);
        let answer = Packet { transaction: packet.transaction, version: None, seen_as: None, body };
        let (from, data) = (self.members[member].addr, answer.encode());
        self.transmit(from, to, data);
    }

    /// Sends a forged answer in another node's name, with a guessed transaction.
    fn spoof(&mut self, member: usize) {
        for _ in 0..4 {
            let victim = self.members[self.rng.index(self.members.len())].addr;
            let name = self.members[self.rng.index(self.members.len())].addr;
            let transaction = self.rng.next_u64().to_be_bytes();
            let nodes = write_contacts(&[Contact { id: NodeId([0; 20]), addr: name }]);
            let fields = Response {
                id: NodeId::random(&mut self.rng),
                nodes: Some(&nodes),
                values: vec![self.members[member].addr],
                ..Response::default()
            };
            let body = Body::Response(fields);
            let seen_as = Some(self.members[member].addr);
            let packet = Packet { transaction: &transaction[..4], version: None, seen_as, body };
            let data = packet.encode();
            self.transmit(name, victim, data);
        }
        self.after(Duration::from_secs(1), Event::Spoof(member));
    }

    /// Lets everybody find their place.
    pub fn settle(&mut self) {
        self.run(Duration::from_secs(6 * 60));
        for member in &self.members {
            if let Kind::Honest(dht) = &member.kind {
                dht.check_invariants();
            }
        }
    }

    fn random_honest(&mut self) -> usize {
        loop {
            let member = self.rng.index(self.members.len());
            if matches!(self.members[member].kind, Kind::Honest(_)) {
                return member;
            }
        }
    }

    fn leave(&mut self, member: usize) {
        if member >= ROUTERS {
            self.by_addr.remove(&self.members[member].addr);
            self.members[member].kind = Kind::Gone;
        }
    }

    pub fn kill_every_second(&mut self) {
        for member in (ROUTERS..self.members.len()).step_by(2) {
            self.leave(member);
        }
    }

    /// Announces some keys, lets time and nodes go by, and looks for each key from another node.
    pub fn search(&mut self, keys: usize) -> Report {
        let mut announced = Vec::new();
        for n in 0..keys {
            let mut hash = [0; 20];
            self.rng.fill(&mut hash);
            self.squat(NodeId(hash), n, keys);
            let member = self.random_honest();
            let announce = Some(Announce { port: 0, implied: true, seed: false });
            let command = Command::GetPeers {
                info_hash: InfoHash(hash),
                announce,
                scrape: false,
                noseed: false,
            };
            self.command(member, command);
            announced.push((hash, self.members[member].addr));
            self.run(Duration::from_secs(1));
        }
        self.run(Duration::from_secs(60));
        let honest = |m: &Member| matches!(m.kind, Kind::Honest(_));
        let leaving = self.members.iter().filter(|m| honest(m)).count() * self.setup.churn_percent;
        for _ in 0..leaving / 100 {
            let member = self.random_honest();
            self.leave(member);
            self.add_honest();
            self.run(Duration::from_millis(500));
        }
        self.run(Duration::from_secs(120));
        let mut report = Report::default();
        for (hash, peer) in announced {
            let member = self.random_honest();
            self.look_for(member, InfoHash(hash), peer, &mut report);
        }
        report.packets = self.packets;
        report
    }

    fn look_for(&mut self, member: usize, hash: InfoHash, peer: SocketAddr, report: &mut Report) {
        let command =
            Command::GetPeers { info_hash: hash, announce: None, scrape: false, noseed: false };
        let start = self.now;
        (self.watched, self.bytes, self.spent) = (Some(member), 0, Duration::ZERO);
        let id = self.command(member, command);
        while !self.done.contains_key(&id) && self.now.since(start) < Duration::from_secs(120) {
            self.run(Duration::from_millis(50));
        }
        let stats = self.done.get(&id).copied().expect("a lookup ends");
        self.watched = None;
        self.times.push(self.spent);
        report.bytes.push(self.bytes);
        report.searches += 1;
        report.asked.push(stats.asked);
        let millis = self.now.since(start).as_millis();
        report.millis.push(u64::try_from(millis).expect("short"));
        if self.found.get(&id).is_some_and(|found| found.contains(&peer)) {
            report.found += 1;
            report.hops.push(stats.first_hops);
        }
    }

    /// What a search takes of its own node's processor: the median. No part of a report, which a
    /// seed repeats.
    pub fn cost(&self) -> Duration {
        median(&self.times)
    }

    /// Puts this key's share of the squatters next to it.
    fn squat(&mut self, key: NodeId, n: usize, keys: usize) {
        let share = self.setup.squatters * (n + 1) / keys - self.setup.squatters * n / keys;
        for _ in 0..share.max(usize::from(self.setup.squatters > 0)) {
            let id = key.sibling(40 + self.rng.index(100), &mut self.rng);
            let member = self.add(Kind::Squatter(id));
            self.introduce(member);
        }
    }
}

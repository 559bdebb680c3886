//! The second driver: virtual time, an event heap, links, and the invariants checked after
//! every step.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tern::base::{Instant, Payload, PeerKey, PieceIndex, Rng};
use tern::codec::resume::Resume;
use tern::proto::peer::{Connection, Event as ConnEvent, Message};
use tern::proto::tracker::AnnounceEvent;
use tern::swarm::window::Entry as JournalEntry;
use tern::swarm::{Command, DiskAnswer, DiskOp, Input, Notice, Output, PeerSource, VerifyVerdict};

use crate::content::Content;
use crate::crash::Watch;
use crate::node::{End, Node, Setup};

/// Bytes the kernel of a node with limited intake holds for one connection,
const WINDOW: usize = 128 * 1024;
/// and what one read takes of them.
const READ: usize = 20_000;

/// No swarm here needs more events.
const MAX_STEPS: u64 = 2_000_000;

/// What can happen.
#[derive(Debug)]
pub enum Event {
    Timer(usize),
    Uplink(usize),
    Intake(usize),
    Deliver {
        node: usize,
        key: PeerKey,
        data: Bytes,
    },
    Dialled {
        from: usize,
        key: PeerKey,
        to: SocketAddr,
        epoch: u32,
    },
    Gone {
        node: usize,
        key: PeerKey,
        errno: i32,
    },
    DiskWork {
        node: usize,
        epoch: u32,
        op: DiskOp,
    },
    DiskAnswer {
        node: usize,
        epoch: u32,
        answer: DiskAnswer,
    },
    Verdict {
        node: usize,
        epoch: u32,
        piece: PieceIndex,
        attempt: u32,
    },
    Save {
        node: usize,
        epoch: u32,
        generation: u64,
        settled: u64,
        state: Box<Resume>,
    },
    Journal {
        node: usize,
        epoch: u32,
        entry: JournalEntry,
    },
    Tracker {
        node: usize,
        epoch: u32,
    },
    Command {
        node: usize,
        epoch: u32,
        command: Command,
    },
    Crash(usize),
    Boot(usize),
    /// A random connection of the node breaks.
    Reset(usize),
    /// A random connection of the node stands still.
    Stall(usize, Duration),
    DiskFull(usize, bool),
    FailSync(usize),
    FailJournal(usize, bool),
}

#[derive(Debug)]
struct Entry(Instant, u64, Event);

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1))
    }
}

/// All machines and the network between them.
#[derive(Debug)]
pub struct World {
    pub now: Instant,
    pub rng: Rng,
    pub content: Arc<Content>,
    pub nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<Entry>>,
    seq: u64,
    pub latency: Duration,
    /// Events handled.
    pub steps: u64,
    /// Dials fail once in so many.
    pub dial_fails: u64,
    /// The tracker introduces peers.
    pub tracker: bool,
    /// Builds crash images of a node.
    pub watch: Option<Watch>,
}

impl World {
    pub fn new(content: Arc<Content>, rng: Rng) -> Self {
        Self {
            now: Instant::ZERO,
            rng,
            content,
            nodes: Vec::new(),
            heap: BinaryHeap::new(),
            seq: 0,
            latency: Duration::from_millis(20),
            steps: 0,
            dial_fails: 20,
            tracker: true,
            watch: None,
        }
    }

    pub fn add(&mut self, setup: Setup) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node::new(&self.content, index, setup));
        self.after(Duration::from_millis(1), Event::Boot(index));
        index
    }

    pub fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    fn at(&mut self, at: Instant, event: Event) {
        self.seq += 1;
        self.heap.push(Reverse(Entry(at, self.seq, event)));
    }

    /// Up to `max`, at least a tenth of it.
    pub fn jitter(&mut self, max: Duration) -> Duration {
        let max = u64::try_from(max.as_micros()).unwrap();
        Duration::from_micros(max / 10 + self.rng.below(max + 1) * 9 / 10)
    }

    pub fn command(&mut self, node: usize, command: Command) {
        let epoch = self.nodes[node].epoch;
        self.after(Duration::ZERO, Event::Command { node, epoch, command });
    }

    /// Runs until `done` or the time is up; whether it was done.
    pub fn run(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            let Some(Reverse(Entry(at, ..))) = self.heap.peek() else { return false };
            if *at > end {
                self.now = end;
                return false;
            }
            self.step();
        }
    }

    /// For a failing test: where everybody is.
    pub fn describe(&self) -> String {
        let mut text = format!("at {:?}, {} steps\n", self.now, self.steps);
        for (n, node) in self.nodes.iter().enumerate() {
            let Some(t) = &node.torrent else {
                text += &format!("node {n}: down\n");
                continue;
            };
            let s = t.status(self.now);
            text += &format!(
                "node {n}: {:?} {}/{} peers {} half-open {} down {} up {} unchoked {}\n",
                s.state,
                s.pieces_have,
                s.pieces_total,
                s.peers,
                s.half_open,
                s.downloaded,
                s.uploaded,
                s.unchoked
            );
            for p in t.peers(self.now) {
                text += &format!(
                    "    {:?} {} has {:?} choking {}/{} interested {}/{} out {} in {} snub {}\n",
                    p.peer,
                    p.addr,
                    p.have,
                    p.am_choking,
                    p.peer_choking,
                    p.am_interested,
                    p.peer_interested,
                    p.requests_out,
                    p.requests_in,
                    p.snubbed
                );
            }
        }
        text
    }

    fn step(&mut self) {
        let Some(Reverse(Entry(at, _, event))) = self.heap.pop() else { return };
        self.now = self.now.max(at);
        self.steps += 1;
        assert!(self.steps < MAX_STEPS, "going in circles: {event:?}\n{}", self.describe());
        self.act(event);
    }

    pub fn alive(&self, node: usize, epoch: u32) -> bool {
        self.nodes[node].epoch == epoch && self.nodes[node].torrent.is_some()
    }

    pub fn act(&mut self, event: Event) {
        match event {
            Event::Timer(n) => {
                if self.nodes[n].timer.is_some_and(|t| t <= self.now) {
                    self.nodes[n].timer = None;
                    self.feed(n, Input::Timeout);
                }
            }
            Event::Uplink(n) => self.uplink(n),
            Event::Intake(n) => self.intake(n),
            Event::Deliver { node, key, data } => self.deliver(node, key, &data),
            Event::Dialled { from, key, to, epoch } => self.dialled(from, key, to, epoch),
            Event::Gone { node, key, errno } => {
                if let Some(end) = self.nodes[node].ends.remove(&key)
                    && end.raw.is_none()
                {
                    self.feed(node, Input::Disconnected { peer: key, os_errno: errno });
                }
            }
            Event::DiskWork { node, epoch, op } => self.disk_work(node, epoch, op),
            Event::DiskAnswer { node, epoch, answer } => {
                if self.alive(node, epoch) {
                    self.feed(node, Input::Disk(answer));
                }
            }
            Event::Verdict { node, epoch, piece, attempt } => {
                if self.alive(node, epoch) {
                    self.verdict(node, piece, attempt);
                }
            }
            Event::Save { node, epoch, generation, settled, state } => {
                if self.alive(node, epoch) {
                    self.save_answer(node, (generation, settled), *state);
                }
            }
            Event::Journal { node, epoch, entry } => {
                if self.alive(node, epoch) {
                    self.enter(node, entry);
                }
            }
            Event::Tracker { node, epoch } => self.introduce(node, epoch),
            Event::Command { node, epoch, command } => {
                if self.alive(node, epoch) {
                    self.feed(node, Input::Command(command));
                }
            }
            Event::Crash(n) => self.crash(n),
            Event::Boot(n) => self.boot(n),
            Event::Reset(n) => self.reset(n),
            Event::Stall(n, time) => self.stall(n, time),
            Event::DiskFull(n, full) => self.nodes[n].disk.full = full,
            Event::FailSync(n) => self.nodes[n].disk.fail_sync = true,
            Event::FailJournal(n, fails) => self.nodes[n].journal_fails = fails,
        }
    }

    fn boot(&mut self, n: usize) {
        if self.nodes[n].torrent.is_none() {
            let (now, content) = (self.now, self.content.clone());
            self.nodes[n].boot(now, &content, &mut self.rng);
            self.feed(n, Input::Start);
        }
    }

    /// Power off: connections break, the disk loses what it may.
    pub fn crash(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        // Half of the crashes are of the process alone.
        let killed = self.rng.one_in(2) && node.disk.is_faithful();
        self.down(n, killed);
    }

    fn down(&mut self, n: usize, killed: bool) {
        let node = &mut self.nodes[n];
        if node.torrent.take().is_none() {
            return;
        }
        node.epoch += 1;
        node.timer = None;
        if !killed {
            node.disk.cut(&mut self.rng);
            node.journal.cut(&mut self.rng);
        }
        let ends = core::mem::take(&mut node.ends);
        for end in ends.into_values() {
            let (node, key) = end.far;
            self.after(self.latency, Event::Gone { node, key, errno: 104 });
        }
    }

    /// The process dies; the system keeps what it has of it.
    pub fn kill(&mut self, n: usize) {
        self.down(n, true);
    }

    fn random_end(&mut self, n: usize) -> Option<PeerKey> {
        let keys: Vec<PeerKey> = self.nodes[n].ends.keys().copied().collect();
        (!keys.is_empty()).then(|| keys[self.rng.index(keys.len())])
    }

    fn reset(&mut self, n: usize) {
        if let Some(key) = self.random_end(n) {
            self.hang_up(n, key);
            self.act(Event::Gone { node: n, key, errno: 104 });
        }
    }

    fn stall(&mut self, n: usize, time: Duration) {
        if let Some(key) = self.random_end(n)
            && let Some(end) = self.nodes[n].ends.get_mut(&key)
        {
            end.stalled_until = self.now + time;
        }
    }

    /// Tells the far end that this one is closing.
    pub fn hang_up(&mut self, n: usize, key: PeerKey) {
        if let Some(end) = self.nodes[n].ends.get(&key) {
            let (node, far) = end.far;
            self.after(self.latency, Event::Gone { node, key: far, errno: 0 });
        }
    }

    /// Gives the torrent an input, checks everything, does what it wants.
    pub fn feed(&mut self, n: usize, input: Input<'_>) {
        let Some(mut torrent) = self.nodes[n].torrent.take() else { return };
        torrent.handle(self.now, input);
        torrent.check_invariants();
        let mut outputs = VecDeque::new();
        while let Some(output) = torrent.poll_output() {
            outputs.push_back(output);
        }
        self.nodes[n].torrent = Some(torrent);
        self.check(n);
        let mut closed = false;
        for output in outputs {
            closed |= matches!(output, Output::Closed);
            self.execute(n, output);
        }
        if closed {
            let node = &mut self.nodes[n];
            assert!(node.ends.values().all(|e| e.raw.is_some()), "closed with connections");
            node.torrent = None;
            node.epoch += 1;
            node.timer = None;
            node.log.closed = true;
            return;
        }
        if self.nodes[n].torrent.as_ref().is_some_and(|t| t.is_resting()) {
            self.nodes[n].disk.forget();
        }
        self.arm(n);
    }

    fn arm(&mut self, n: usize) {
        let node = &self.nodes[n];
        let Some(deadline) = node.torrent.as_ref().and_then(|t| t.next_deadline()) else { return };
        let at = deadline.max(self.now);
        if node.timer.is_none_or(|t| at < t) {
            self.nodes[n].timer = Some(at);
            self.at(at, Event::Timer(n));
        }
    }

    /// What must hold of this node after every step.
    fn check(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let Some(torrent) = &node.torrent else { return };
        let have = torrent.have();
        if *have != node.prev_have {
            for piece in have.iter().filter(|p| !node.prev_have.get(*p)).map(PieceIndex) {
                // In seed mode nobody looked at what the medium lost.
                let right = node.disk.is_right(piece) || node.disk.is_rotten(piece);
                assert!(right, "node {n} has piece {piece}, its disk does not");
            }
            node.prev_have = have.clone();
        }
    }

    fn execute(&mut self, n: usize, output: Output) {
        let epoch = self.nodes[n].epoch;
        match output {
            Output::Dial { peer, addr } => {
                self.nodes[n].log.dials += 1;
                self.nodes[n].dialling.insert(peer);
                let wait = self.jitter(self.latency * 3);
                self.after(wait, Event::Dialled { from: n, key: peer, to: addr, epoch });
            }
            Output::Transmit { peer } => {
                let node = &mut self.nodes[n];
                if let (Some(t), Some(end)) = (&mut node.torrent, node.ends.get_mut(&peer)) {
                    t.take_transmit(peer, &mut end.send);
                }
                self.start_uplink(n);
            }
            Output::Close { peer } => {
                self.hang_up(n, peer);
                self.nodes[n].ends.remove(&peer);
                self.nodes[n].dialling.remove(&peer);
            }
            Output::Disk(op) => {
                let wait = self.jitter(Duration::from_millis(4));
                let at = self.nodes[n].disk_free_at.max(self.now) + wait;
                self.nodes[n].disk_free_at = at;
                self.at(at, Event::DiskWork { node: n, epoch, op });
            }
            Output::Verify { piece, engine_ok, attempt, .. } => {
                assert!(engine_ok);
                let node = &mut self.nodes[n];
                assert!(node.open_questions.insert(piece), "asked twice about {piece}");
                node.log.questions += 1;
                node.log.most_questions = node.log.most_questions.max(node.open_questions.len());
                assert!(node.open_questions.len() <= node.setup.host.window.unwrap() as usize);
                let wait = self.jitter(self.nodes[n].setup.host.verdict_delay);
                self.after(wait, Event::Verdict { node: n, epoch, piece, attempt });
            }
            Output::Save { generation, settled, mut state, with_info } => {
                let torrent = self.nodes[n].torrent.as_ref();
                let info = torrent.map(|t| t.info().clone()).filter(|i| with_info && i.is_known());
                state.info = info.map(|info| info.raw.to_vec());
                self.check_blob(n, generation, &state);
                let wait = self.jitter(self.nodes[n].setup.host.delay);
                self.after(wait, Event::Save { node: n, epoch, generation, settled, state });
            }
            Output::Journal(entry) => {
                assert!(self.nodes[n].setup.journal);
                let wait = self.jitter(self.nodes[n].setup.journal_delay);
                self.after(wait, Event::Journal { node: n, epoch, entry });
            }
            Output::Announce(event) => {
                self.nodes[n].log.completed_announces +=
                    u32::from(event == AnnounceEvent::Completed);
                if event == AnnounceEvent::Started && self.tracker {
                    self.after(Duration::from_millis(50), Event::Tracker { node: n, epoch });
                }
            }
            Output::Notice(notice) => self.notice(n, notice),
            Output::DhtNode(_) => {}
            Output::Wire(wire) => self.wire(n, wire.incoming, &wire.message),
            Output::Metadata(info) => assert_eq!(info.raw, self.content.info.raw),
            Output::Closed => {}
        }
    }

    fn notice(&mut self, n: usize, notice: Notice) {
        let epoch = self.nodes[n].epoch;
        if let Notice::PeerBanned(addr) = &notice {
            let bad = self.nodes.iter().any(|o| o.addr.ip() == addr.ip() && o.setup.liar);
            assert!(bad, "node {n} banned the honest {addr}");
        }
        if matches!(&notice, Notice::DiskFailed(error) if error.op != "stat") {
            let command = Command::Resume;
            let wait = self.jitter(Duration::from_secs(10));
            self.after(wait, Event::Command { node: n, epoch, command });
        }
        self.nodes[n].note(notice);
    }

    /// Nothing is told to anybody before it is true.
    fn wire(&mut self, n: usize, incoming: bool, message: &Message) {
        let node = &mut self.nodes[n];
        if incoming {
            let asked = matches!(message, Message::Metadata(_)) && node.setup.mute;
            node.silent |= asked;
            return;
        }
        match message {
            Message::Have(piece) => {
                assert!(node.prev_have.get(piece.0), "HAVE {piece} before it was verified");
                assert!(node.disk.is_right(*piece));
                if node.setup.host.window.is_some() {
                    assert!(node.accepted.contains(piece), "HAVE {piece} before the verdict");
                }
            }
            Message::Pex(_) => {
                node.log.pex += 1;
                assert!(!self.content.info.private, "a private torrent's peers were told");
            }
            Message::HaveAll => assert!(node.prev_have.all() && !node.prev_have.is_empty()),
            // The world's nodes serve what they verified, unless they are liars.
            Message::Piece { piece, .. } if !node.setup.liar => {
                assert!(node.disk.is_right(*piece), "a wrong block of piece {piece} goes out");
            }
            _ => {}
        }
    }

    /// A blob claims only what would survive a crash now.
    fn check_blob(&self, n: usize, generation: u64, state: &Resume) {
        let node = &self.nodes[n];
        if state.pieces.is_none() {
            let knows = node.torrent.as_ref().is_some_and(|t| t.info().is_known());
            assert!(!knows, "a blob of a known torrent has pieces");
            return;
        }
        let (have, _) = state.have(self.content.piece_count()).expect("a blob has pieces");
        // What seed mode claims nobody looked at, until it is verified.
        let looked_at = |p: &u32| !state.seed_mode || state.is_verified(*p);
        let sound = !node.disk.tampered && !node.disk.lazy;
        for piece in have.iter().filter(looked_at).map(PieceIndex).filter(|_| sound) {
            assert!(node.disk.is_durable(piece), "blob {generation} of node {n} claims {piece}");
        }
        for (piece, _) in &state.unfinished {
            assert!(!have.get(*piece));
        }
        assert_eq!(state.tern.as_ref().map(|t| t.generation), Some(generation));
    }

    fn start_uplink(&mut self, n: usize) {
        if !self.nodes[n].uplink_busy {
            self.nodes[n].uplink_busy = true;
            self.after(Duration::ZERO, Event::Uplink(n));
        }
    }

    /// Sends some bytes of the next connection in turn.
    fn uplink(&mut self, n: usize) {
        let most = 1 + self.rng.index(20_000);
        let cut = self.rng.one_in(3);
        self.nodes[n].uplink_busy = false;
        let node = &self.nodes[n];
        if node.silent {
            return;
        }
        let turn = node.uplink_turn;
        let ready = |end: &End| {
            let far = &self.nodes[end.far.0];
            let room = |far: &End| far.received.len() < WINDOW;
            let full = far.setup.intake.is_some() && !far.ends.get(&end.far.1).is_none_or(room);
            !end.send.is_empty() && !full
        };
        let after = node.ends.iter().find(|(k, e)| **k > turn && ready(e)).map(|(k, _)| *k);
        let next = after.or_else(|| node.ends.iter().find(|(_, e)| ready(e)).map(|(k, _)| *k));
        let Some(key) = next else { return };
        let node = &mut self.nodes[n];
        node.uplink_turn = key;
        let Some(end) = node.ends.get_mut(&key) else { return };
        let mut data = BytesMut::new();
        while data.len() < most
            && let Some(chunk) = end.send.front_mut()
        {
            let take = if cut { chunk.len().min(most - data.len()) } else { chunk.len() };
            data.extend_from_slice(&bytes_of(chunk)[..take]);
            chunk.advance(take);
            if chunk.is_empty() {
                end.send.pop_front();
            }
        }
        let pending: usize = end.send.iter().map(Payload::len).sum();
        let sent = data.len() as u64;
        node.sent += sent;
        let (far, far_key) = end.far;
        let mut arrival = (self.now + self.latency).max(end.last_arrival).max(end.stalled_until);
        arrival = arrival + Duration::from_micros(1);
        end.last_arrival = arrival;
        let data = data.freeze();
        node.uplink_busy = true;
        let busy = Duration::from_micros(sent * 1_000_000 / node.setup.uplink + 1);
        self.at(arrival, Event::Deliver { node: far, key: far_key, data });
        self.after(busy, Event::Uplink(n));
        self.feed(n, Input::Drained { peer: key, pending });
    }

    fn deliver(&mut self, n: usize, key: PeerKey, data: &Bytes) {
        let now = self.now;
        let Some(end) = self.nodes[n].ends.get_mut(&key) else { return };
        end.received.extend_from_slice(data);
        if end.raw.is_some() {
            self.deliver_raw(n, key);
            return;
        }
        if self.nodes[n].setup.intake.is_some() && !data.is_empty() {
            return self.start_intake(n);
        }
        let hold = self.nodes[n].torrent.as_ref().is_none_or(|t| !t.wants_input());
        if hold {
            // What came is kept; another look soon.
            let wait = Duration::from_millis(50);
            self.at(now + wait, Event::Deliver { node: n, key, data: Bytes::new() });
            return;
        }
        let Some(end) = self.nodes[n].ends.get_mut(&key) else { return };
        let mut received = core::mem::take(&mut end.received);
        self.feed(n, Input::Received { peer: key, data: &mut received });
        if let Some(end) = self.nodes[n].ends.get_mut(&key) {
            end.received = received;
        }
    }

    fn start_intake(&mut self, n: usize) {
        if !self.nodes[n].intake_busy {
            self.nodes[n].intake_busy = true;
            self.after(Duration::ZERO, Event::Intake(n));
        }
    }

    /// A node that is slower than its peers reads connections in turn, as the engine does.
    fn intake(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        node.intake_busy = false;
        let (turn, Some(rate)) = (node.intake_turn, node.setup.intake) else { return };
        let ready = |end: &End| end.raw.is_none() && holds_message(&end.received);
        let Some(torrent) = &node.torrent else { return };
        let waiting = node.ends.iter().filter(|(_, e)| ready(e)).map(|(k, _)| *k);
        // Those read last come when nobody else has anything to say; else it goes round.
        let next = waiting.min_by_key(|k| (torrent.reads_last(*k), *k <= turn, *k));
        let Some(key) = next else { return };
        node.intake_turn = key;
        let reads = if torrent.reads_last(key) { 1 } else { 8 };
        let Some(end) = node.ends.get_mut(&key) else { return };
        let far = end.far.0;
        let mut rest = core::mem::take(&mut end.received);
        let mut data = rest.split_to(rest.len().min(reads * READ));
        let taken = data.len();
        self.feed(n, Input::Received { peer: key, data: &mut data });
        data.extend_from_slice(&rest);
        if let Some(end) = self.nodes[n].ends.get_mut(&key) {
            end.received = data;
        }
        self.start_uplink(far);
        self.nodes[n].intake_busy = true;
        let wait = Duration::from_micros(taken as u64 * 1_000_000 / rate);
        self.after(wait, Event::Intake(n));
    }

    /// An incoming connection until its handshake is in.
    fn deliver_raw(&mut self, n: usize, key: PeerKey) {
        let info_hash = self.content.info.info_hash;
        let Some(end) = self.nodes[n].ends.get_mut(&key) else { return };
        let Some(mut conn) = end.raw.take() else { return };
        conn.receive(self.now, &mut end.received);
        let addr = self.nodes[n].ends[&key].far.0;
        let addr = SocketAddr::new(self.nodes[addr].addr.ip(), 40_000);
        match conn.poll_event() {
            None => {
                if let Some(end) = self.nodes[n].ends.get_mut(&key) {
                    end.raw = Some(conn);
                }
            }
            Some(ConnEvent::Handshake(h)) if h.info_hash == info_hash => {
                if !self.chooses(n, key) {
                    return;
                }
                self.feed(n, Input::Incoming { peer: key, addr, connection: conn });
                self.deliver(n, key, &Bytes::new());
            }
            Some(other) => panic!("bad handshake in the simulator: {other:?}"),
        }
    }

    fn dialled(&mut self, from: usize, key: PeerKey, to: SocketAddr, epoch: u32) {
        if !self.alive(from, epoch) || !self.nodes[from].dialling.remove(&key) {
            return;
        }
        let target = self.nodes.iter().position(|n| n.addr == to && n.torrent.is_some());
        // The hasty do not dial where they have a connection.
        let far = |n: &Node, to| n.setup.hasty.is_some() && n.ends.values().any(|e| e.far.0 == to);
        let target = target.filter(|to| !far(&self.nodes[from], *to));
        let Some(to) = target.filter(|_| !self.rng.one_in(self.dial_fails)) else {
            self.feed(from, Input::ConnectFailed { peer: key });
            return;
        };
        let far_key = PeerKey(self.nodes[to].next_incoming);
        self.nodes[to].next_incoming += 1;
        let end = |far, raw| End {
            far,
            send: VecDeque::new(),
            received: BytesMut::new(),
            last_arrival: Instant::ZERO,
            stalled_until: Instant::ZERO,
            raw,
        };
        let raw = Box::new(Connection::incoming(self.now, Duration::from_secs(20)));
        self.nodes[from].ends.insert(key, end((to, far_key), None));
        self.nodes[to].ends.insert(far_key, end((from, key), Some(raw)));
        self.feed(from, Input::Connected { peer: key });
    }

    fn verdict(&mut self, n: usize, piece: PieceIndex, attempt: u32) {
        let host = self.nodes[n].setup.host.clone();
        let defer = host.defer > 0 && self.rng.one_in(host.defer);
        let reject = self.nodes[n].rejects_left > 0 && self.rng.one_in(4);
        let node = &mut self.nodes[n];
        node.open_questions.remove(&piece);
        let verdict = if defer {
            VerifyVerdict::Defer(Duration::from_millis(500))
        } else if reject {
            node.rejects_left -= 1;
            VerifyVerdict::Reject
        } else {
            node.accepted.insert(piece);
            VerifyVerdict::Accept
        };
        self.feed(n, Input::Verdict { piece, attempt, verdict });
    }

    /// The tracker names everybody, again every minute.
    fn introduce(&mut self, n: usize, epoch: u32) {
        if !self.alive(n, epoch) {
            return;
        }
        let own = self.nodes[n].addr;
        let addrs: Vec<SocketAddr> =
            self.nodes.iter().map(|o| o.addr).filter(|a| *a != own).collect();
        self.feed(n, Input::PeersFound { source: PeerSource::Tracker, addrs: &addrs });
        self.after(Duration::from_secs(60), Event::Tracker { node: n, epoch });
    }
}

/// Whether a handshake or a whole message is there.
fn holds_message(data: &[u8]) -> bool {
    match data.first_chunk() {
        Some(&[19, b'B', _, _]) => true,
        Some(prefix) => data.len() - 4 >= u32::from_be_bytes(*prefix) as usize,
        None => false,
    }
}

/// What is to go out, wherever it is.
fn bytes_of(payload: &Payload) -> Bytes {
    match payload {
        Payload::Bytes(bytes) => bytes.clone(),
        Payload::Region(region) => {
            let (from, length) = (region.offset() as usize, region.len());
            region.source::<Bytes>().expect("lent by the disk").slice(from..from + length)
        }
    }
}

//! A simulated machine: one torrent, its disk, its host's hooks, its uplink.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tern::base::{Bitset, Instant, Payload, PeerId, PeerKey, PieceIndex, Rng, TorrentId, UnixTime};
use tern::codec::metainfo::Info;
use tern::codec::resume::Resume;
use tern::proto::peer::Connection;
use tern::swarm::window::Entry;
use tern::swarm::{
    CloseReason, LoadPolicy, Notice, SaveOutcome, SavePolicy, SavedWindow, Torrent, TorrentParams,
    TorrentState, Tuning,
};

use crate::content::Content;
use crate::disk::Disk;

/// How the host answers.
#[derive(Clone, Debug)]
pub struct Host {
    /// Verifier set, with this window.
    pub window: Option<u32>,
    /// Pieces it will refuse although they are right.
    pub rejects_left: u32,
    /// It defers one question in so many (0: never).
    pub defer: u64,
    /// It refuses one save in so many (0: never).
    pub refuse_saves: u64,
    /// Saves take up to this long.
    pub delay: Duration,
    /// Verdicts take up to this long.
    pub verdict_delay: Duration,
    pub save_policy: SavePolicy,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            window: None,
            rejects_left: 0,
            defer: 0,
            refuse_saves: 0,
            delay: Duration::from_millis(20),
            verdict_delay: Duration::from_millis(20),
            save_policy: SavePolicy { on_piece: true, ..SavePolicy::default() },
        }
    }
}

/// What a node is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    pub complete: bool,
    /// Bytes per second.
    pub uplink: u64,
    /// Bytes per second it can take in; no limit otherwise.
    pub intake: Option<u64>,
    /// What a hash takes longer than other work of the disk.
    pub hash_delay: Duration,
    /// An entry of the journal takes up to this long.
    pub journal_delay: Duration,
    pub host: Host,
    pub tuning: Tuning,
    /// Its peers may be banned for what it sends.
    pub liar: bool,
    /// It must end with all content.
    pub must_complete: bool,
    pub sequential: bool,
    pub file_priority: Option<Vec<u8>>,
    pub load_policy: LoadPolicy,
    /// It starts from the info-hash alone.
    pub magnet: bool,
    /// Files it wants once it knows them (BEP 53).
    pub selected: Option<Vec<(u32, u32)>>,
    /// What it offers as metadata, if not the right one.
    pub forged: Option<Forged>,
    /// It never answers a request for metadata.
    pub mute: bool,
    /// Of two connections to one address it keeps one as soon as the second comes, without a look
    /// at peer ids: its own, or the other's. Some engines decide by the ports.
    pub hasty: Option<Keeps>,
    /// There is a journal beside the saved state.
    pub journal: bool,
    pub seed_mode: bool,
}

/// Which of two connections a hasty node keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// The one it made.
    Own,
    /// The one that came.
    Other,
    /// Both are closed.
    Neither,
}

/// Wrong metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Of the right length.
    Bytes,
    /// Of this length.
    Size(usize),
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            complete: false,
            uplink: 2_000_000,
            intake: None,
            hash_delay: Duration::ZERO,
            journal_delay: Duration::from_millis(5),
            host: Host::default(),
            tuning: Tuning::default(),
            liar: false,
            must_complete: true,
            sequential: false,
            file_priority: None,
            load_policy: LoadPolicy::PerFile,
            magnet: false,
            selected: None,
            forged: None,
            mute: false,
            hasty: None,
            journal: true,
            seed_mode: false,
        }
    }
}

/// The journal of a node: entries in order, and how many of them survive a loss of power.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    entries: Vec<Entry>,
    durable: usize,
    mark: u64,
}

impl Journal {
    /// Enters pieces. A durable entry takes those before it along.
    pub fn enter(&mut self, entry: Entry) {
        assert!(entry.mark > self.mark, "marks grow");
        self.mark = entry.mark;
        let durable = entry.durable;
        self.entries.push(entry);
        if durable {
            self.durable = self.entries.len();
        }
    }

    /// State was saved durably: entries up to its mark are void.
    pub fn settle(&mut self, mark: u64) {
        self.entries.retain(|entry| entry.mark > mark);
        self.durable = self.entries.len();
    }

    /// Power is cut: of the entries that are not durable some of the first are there.
    pub fn cut(&mut self, rng: &mut Rng) {
        let loose = self.entries.len() - self.durable;
        self.entries.truncate(self.durable + rng.index(loose + 1));
        self.durable = self.entries.len();
    }

    /// What a start finds.
    pub fn window(&self) -> SavedWindow {
        let pieces: BTreeSet<u32> =
            self.entries.iter().flat_map(|e| e.pieces.iter().copied()).collect();
        SavedWindow { pieces: pieces.into_iter().collect(), mark: self.mark }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    /// The other node and its key.
    pub far: (usize, PeerKey),
    pub send: VecDeque<Payload>,
    pub received: BytesMut,
    /// When the last bytes sent arrive: order is kept.
    pub last_arrival: Instant,
    pub stalled_until: Instant,
    /// An incoming connection whose handshake is not in yet.
    pub raw: Option<Box<Connection>>,
}

/// What a node's torrent told.
#[derive(Debug, Default)]
pub struct Log {
    pub banned: Vec<SocketAddr>,
    pub checked: Vec<(u32, u32, u32)>,
    pub rejected: Vec<(bool, u32)>,
    pub durable: u64,
    pub finished: u32,
    pub completed_announces: u32,
    pub closed: bool,
    pub disk_failures: u32,
    pub passed: Vec<PieceIndex>,
    pub disconnects: Vec<CloseReason>,
    /// Connections it tried to make.
    pub dials: u32,
    pub questions: u32,
    pub most_questions: usize,
    pub states: Vec<TorrentState>,
    pub metadata: u32,
    /// Peer exchange messages it sent.
    pub pex: u32,
    pub saves: Vec<(u64, SaveOutcome)>,
    pub storage_missing: u32,
    pub journal_failures: u32,
}

/// One machine.
#[derive(Debug)]
pub struct Node {
    pub setup: Setup,
    pub addr: SocketAddr,
    pub torrent: Option<Torrent>,
    pub disk: Disk,
    pub ends: BTreeMap<PeerKey, End>,
    /// Attempts under way.
    pub dialling: BTreeSet<PeerKey>,
    pub next_incoming: u64,
    /// Incarnation: answers to an earlier one are dropped.
    pub epoch: u32,
    pub saved: Option<Resume>,
    pub journal: Journal,
    pub journal_fails: bool,
    pub timer: Option<Instant>,
    pub uplink_busy: bool,
    pub uplink_turn: PeerKey,
    pub intake_busy: bool,
    pub intake_turn: PeerKey,
    pub disk_free_at: Instant,
    pub prev_have: Bitset,
    pub accepted: BTreeSet<PieceIndex>,
    pub open_questions: BTreeSet<PieceIndex>,
    pub rejects_left: u32,
    /// Bytes that went out on the wire.
    pub sent: u64,
    pub restarts: u64,
    /// It was asked for metadata and says nothing any more.
    pub silent: bool,
    pub log: Log,
}

/// What a torrent of such a node starts from; last its address, its peer id and a seed.
pub fn params(
    setup: &Setup,
    content: &Content,
    saved: Option<Resume>,
    window: Option<SavedWindow>,
    (addr, id, seed): (SocketAddr, [u8; 20], u64),
) -> TorrentParams {
    TorrentParams {
        id: TorrentId(1),
        info: known(setup, saved.as_ref(), content),
        link: None,
        selected: setup.selected.clone(),
        url_list: None,
        resume: saved.map(Arc::new),
        window,
        seed_mode: setup.seed_mode,
        peer_id: PeerId(id),
        listen_port: 6881,
        external_addr: Some(addr),
        tuning: Arc::new(setup.tuning.clone()),
        paused: false,
        sequential: setup.sequential,
        file_priority: setup.file_priority.clone(),
        save_policy: setup.host.save_policy,
        load_policy: setup.load_policy,
        verify_window: setup.host.window,
        seed,
        unix_now: UnixTime(1_700_000_000),
        save_path: b"/content"[..].into(),
        renamed: Vec::new(),
        preallocate: false,
        limits: None,
        trackers: None,
    }
}

/// What a node knows of the content when it starts.
fn known(setup: &Setup, saved: Option<&Resume>, content: &Content) -> Arc<Info> {
    match (saved.and_then(|saved| saved.info.as_deref()), setup.forged) {
        (Some(raw), _) => Arc::new(Info::parse(raw).unwrap()),
        (None, _) if setup.magnet => Arc::new(Info::unknown(content.info.info_hash, "")),
        (None, None) => content.info.clone(),
        (None, Some(forged)) => content.forged(forged),
    }
}

impl Node {
    pub fn new(content: &Arc<Content>, index: usize, setup: Setup) -> Self {
        let ip =
            [10, 0, u8::try_from(index / 200).unwrap(), u8::try_from(index % 200 + 1).unwrap()];
        Self {
            addr: SocketAddr::from((ip, 6881)),
            torrent: None,
            disk: Disk::new(content, setup.complete),
            ends: BTreeMap::new(),
            dialling: BTreeSet::new(),
            next_incoming: 1 << 40,
            epoch: 0,
            saved: None,
            journal: Journal::default(),
            journal_fails: false,
            timer: None,
            uplink_busy: false,
            uplink_turn: PeerKey(0),
            intake_busy: false,
            intake_turn: PeerKey(0),
            disk_free_at: Instant::ZERO,
            prev_have: Bitset::new(content.piece_count()),
            accepted: BTreeSet::new(),
            open_questions: BTreeSet::new(),
            rejects_left: setup.host.rejects_left,
            sent: 0,
            restarts: 0,
            silent: false,
            log: Log::default(),
            setup,
        }
    }

    /// Builds the torrent from the last accepted blob.
    pub fn boot(&mut self, now: Instant, content: &Arc<Content>, rng: &mut Rng) {
        self.epoch += 1;
        self.restarts += 1;
        let mut id = [0; 20];
        rng.fill(&mut id);
        let window = self.setup.journal.then(|| self.journal.window());
        let who = (self.addr, id, rng.next_u64());
        let params = params(&self.setup, content, self.saved.clone(), window, who);
        let mut torrent = Torrent::new(now, params, self.restarts << 20);
        torrent.set_wire_notices(true);
        self.torrent = Some(torrent);
        self.prev_have = Bitset::new(content.piece_count());
        self.accepted.clear();
        self.open_questions.clear();
        self.dialling.clear();
        self.timer = None;
        self.disk_free_at = now;
        self.log.closed = false;
    }

    pub fn have(&self) -> u32 {
        self.torrent.as_ref().map_or(0, |t| t.have().count())
    }

    pub fn is_complete(&self) -> bool {
        self.torrent.as_ref().is_some_and(|t| !t.have().is_empty() && t.have().all())
    }

    pub fn note(&mut self, notice: Notice) {
        let log = &mut self.log;
        match notice {
            Notice::PeerBanned(addr) => log.banned.push(addr),
            Notice::Checked { have, hashed, restored } => {
                log.checked.push((have, hashed, restored));
            }
            Notice::ResumeRejected { partial, pieces, .. } => log.rejected.push((partial, pieces)),
            Notice::ResumeDurable(generation) => {
                assert!(generation > log.durable, "generations do not increase");
                log.durable = generation;
            }
            Notice::Finished => log.finished += 1,
            Notice::DiskFailed(_) => log.disk_failures += 1,
            Notice::PiecePassed(piece) => log.passed.push(piece),
            Notice::PeerDisconnected { reason, .. } => log.disconnects.push(reason),
            Notice::Metadata => log.metadata += 1,
            Notice::State { new, .. } => log.states.push(new),
            Notice::SaveDone { ticket, outcome } => log.saves.push((ticket, outcome)),
            Notice::StorageMissing => log.storage_missing += 1,
            Notice::JournalFailed(_) => log.journal_failures += 1,
            _ => {}
        }
    }
}

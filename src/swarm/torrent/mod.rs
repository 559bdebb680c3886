//! The torrent machine: state, verbs and dispatch. The behaviour is in the files beside this one,
//! one topic each:
//!
//! - `start`: looking at files, becoming active; `checking`, `seed_mode`: hashing what is there;
//! - `pieces`: from the last block to "have"; `journal`: the dirty window;
//! - `conn`: dialling, accepting, closing; `messages`: what peers say; `requests`: what we ask for;
//!   `upload`: what we serve and to whom;
//! - `saving`: saved state; `commands`: the host's wishes; `closing`: pause, failure, two-phase
//!   close;
//! - `metadata`: the stage before the `info` dictionary is here; `exchange`: peers of peers;
//! - `accounts`: priorities and byte counts; `status`: snapshots; `invariants`.
//!
//! Everything here runs on one thread, in the order the driver feeds inputs; iteration is over
//! ordered maps only, so that one seed gives one history.

mod accounts;
mod carried;
mod checking;
mod closing;
mod commands;
mod conn;
mod exchange;
mod invariants;
mod journal;
mod messages;
mod metadata;
mod peer;
mod pieces;
mod requests;
mod saving;
mod seed_mode;
mod start;
mod status;
mod twins;
mod upload;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::blame::Blame;
use super::choker::Choker;
use super::lazy::{Lazy, Part};
use super::peer_list::PeerList;
use super::picker::{BlockState, Picker};
use super::rate::Meter;
use super::resume::Saver;
use super::types::{
    DiskOp, Input, LoadPolicy, Notice, Output, PeerSource, PeerStatus, SaveConditions, SavedWindow,
    Status, TorrentParams, TorrentState, Tuning,
};
use super::verify::VerifyQueue;
use super::window::Window;
use crate::base::{
    Bitset, BlockSpan, FileIndex, Instant, Payload, PeerId, PeerKey, PieceIndex, Rng, TorrentId,
    UnixTime,
};
use crate::codec::metainfo::Info;
use crate::codec::resume::Resume;
use accounts::Accounts;
use carried::Carried;
use checking::Check;
use closing::CloseStage;
use metadata::Sought;
use peer::Peer;
use pieces::Pending;
use saving::{Stamp, SyncJob, Times};

/// What the torrent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// `Start` did not come yet.
    New,
    /// Asking peers for the metadata.
    Metadata,
    /// A `Stat` is under way; `retry` after an error.
    Stat { retry: bool },
    /// Hashing what is on disk.
    Checking,
    /// A `Prepare` is under way.
    Preparing,
    /// Exchanging pieces.
    Running,
    /// Stopped by the host.
    Paused,
    /// Stopped by an error.
    Failed,
    /// Two-phase close.
    Closing(CloseStage),
    /// Over.
    Closed,
}

/// What was done and told already.
#[derive(Debug, Default)]
struct Flags {
    /// The load plan was applied: what we know may be saved.
    loaded: bool,
    /// The first start finds everything as it was saved.
    as_saved: bool,
    prepared: bool,
    announced: bool,
    /// The content was not complete when it first ran, and `Completed` was not announced.
    completed_due: bool,
    finished_told: bool,
    upload_only_told: bool,
    wire_notices: bool,
    /// The disk failed while closing.
    close_failed: bool,
    /// The metadata came from elsewhere than a torrent file: saved state has to carry it.
    embeds_info: bool,
    /// It just came: peers are kept while the files are looked at.
    arriving: bool,
}

/// Disk jobs without an answer.
#[derive(Debug)]
struct DiskWork {
    hashes_out: u32,
    /// Answers to come for pieces whose content changed since the hash was asked for.
    stale_hashes: BTreeMap<PieceIndex, u32>,
    writes_out: u32,
    /// Bytes of these writes.
    unwritten: u64,
    syncs: VecDeque<SyncJob>,
    last_ticket: u64,
    /// Pieces written to since the last sync began.
    unsynced: BTreeSet<PieceIndex>,
    /// Something else was done since that a sync makes durable: files made, moved or read.
    behind: bool,
}

impl DiskWork {
    const fn blank() -> Self {
        Self {
            hashes_out: 0,
            stale_hashes: BTreeMap::new(),
            writes_out: 0,
            unwritten: 0,
            syncs: VecDeque::new(),
            last_ticket: 0,
            unsynced: BTreeSet::new(),
            behind: false,
        }
    }
}

impl Part for DiskWork {
    const BLANK: &'static Self = &Self::blank();

    fn fresh() -> Self {
        Self::blank()
    }

    /// Tickets start anew: nobody waits for an earlier one.
    fn is_blank(&self) -> bool {
        let out = self.hashes_out > 0 || self.writes_out > 0 || self.unwritten > 0;
        let idle = self.stale_hashes.is_empty() && self.syncs.is_empty();
        !out && idle && self.unsynced.is_empty() && !self.behind
    }
}

/// The aftermath of a failed sync.
#[derive(Debug)]
struct Repair {
    /// Pieces written to before it.
    suspect: BTreeSet<PieceIndex>,
    /// Pieces we had and no longer trust: hashed at the next start,
    rehash: BTreeSet<u32>,
    /// and, when right, written once more before they are ours again.
    rewrites: BTreeSet<PieceIndex>,
    /// Blocks being read and written once more.
    rescue: BTreeSet<BlockSpan>,
    /// What the sync lost was not yet written again.
    poisoned: bool,
}

impl Repair {
    const fn blank() -> Self {
        Self {
            suspect: BTreeSet::new(),
            rehash: BTreeSet::new(),
            rewrites: BTreeSet::new(),
            rescue: BTreeSet::new(),
            poisoned: false,
        }
    }
}

impl Part for Repair {
    const BLANK: &'static Self = &Self::blank();

    fn fresh() -> Self {
        Self::blank()
    }

    fn is_blank(&self) -> bool {
        let pieces = self.suspect.len() + self.rehash.len() + self.rewrites.len();
        pieces + self.rescue.len() == 0 && !self.poisoned
    }
}

/// What a torrent starts from.
#[derive(Debug)]
struct Loading {
    resume: Option<Arc<Resume>>,
    window: Option<SavedWindow>,
    seed_mode: bool,
}

impl Loading {
    fn of(params: &TorrentParams) -> Self {
        Self {
            resume: params.resume.clone(),
            window: params.window.clone(),
            seed_mode: params.seed_mode,
        }
    }
}

/// Blocks of a piece that wait for its entry in the journal.
#[derive(Debug, Default)]
struct Held {
    blocks: Vec<(BlockSpan, Bytes)>,
    /// They are the last: the piece is to be hashed.
    hash: bool,
}

/// Counts of this session.
#[derive(Debug, Default)]
struct Counters {
    wire_received: u64,
    wire_sent: u64,
    wasted: u64,
    pieces_hashed: u32,
    pieces_restored: u32,
    pieces_failed: u32,
}

/// One torrent.
#[derive(Debug)]
pub struct Torrent {
    id: TorrentId,
    info: Arc<Info>,
    peer_id: PeerId,
    listen_port: u16,
    tuning: Arc<Tuning>,
    load_policy: LoadPolicy,
    now: Instant,
    born: Instant,
    unix_born: UnixTime,
    rng: Rng,

    phase: Phase,
    state: TorrentState,
    user_paused: bool,
    sequential: bool,

    flags: Flags,
    picker: Picker,
    blame: Lazy<Blame>,
    accounts: Accounts,
    pending: BTreeMap<PieceIndex, Pending>,
    check: Lazy<Check>,
    verify: VerifyQueue,

    io: Lazy<DiskWork>,
    repair: Lazy<Repair>,
    durable: Bitset,
    window: Window,
    held: Lazy<BTreeMap<PieceIndex, Held>>,
    /// Seed mode: the pieces hashed so far.
    verified: Option<Box<Bitset>>,
    stats: Box<[Option<Stamp>]>,
    /// Number of the file system the content is on.
    root: Option<u64>,
    saver: Saver,
    /// The last blob handed out was clean (see `TernKeys::clean`).
    saved_clean: bool,
    /// Renames the disk has not answered.
    renames: Lazy<VecDeque<(FileIndex, String)>>,
    times: Times,
    carried: Carried,
    /// The loaded blob, what the journal had, and whether to trust the files, until they were
    /// compared.
    loading: Option<Box<Loading>>,

    /// While `info` is not known: what is done about that.
    sought: Option<Box<Sought>>,
    peers: BTreeMap<PeerKey, Peer>,
    /// Incoming connections that came before we run: taken once we do.
    early: Lazy<BTreeMap<PeerKey, conn::Early>>,
    known: PeerList,
    choker: Choker,
    /// When peers are told of others next.
    pex_due: Option<Instant>,
    next_key: u64,
    half_open: u32,
    strikes: Lazy<BTreeMap<IpAddr, u32>>,
    touched: BTreeSet<PeerKey>,
    transmit: BTreeSet<PeerKey>,
    /// Whether we keep up with our peers.
    lag: requests::Lag,
    /// A complete peer was not asked for all it could have been (see `requests`).
    spared: bool,
    next_tick: Option<Instant>,

    counters: Counters,
    down: Lazy<Meter>,
    up: Lazy<Meter>,

    out: VecDeque<Output>,
}

/// The peers a torrent knows of at its start: none, and which address is its own.
fn peer_list(params: &TorrentParams, rng: Rng) -> PeerList {
    let mut known = PeerList::new(params.tuning.max_known_peers, params.tuning.max_per_ip, rng);
    if let Some(addr) = params.external_addr {
        known.set_external(addr);
    }
    known
}

impl Torrent {
    /// A torrent that has done nothing yet: feed it `Input::Start`. Keys of outgoing attempts are
    /// taken from `key_base` upwards, the driver uses another range for incoming ones.
    #[must_use]
    pub fn new(now: Instant, params: TorrentParams, key_base: u64) -> Self {
        let mut rng = Rng::new(params.seed);
        let mut child = || Rng::new(rng.next_u64());
        let info = Arc::clone(&params.info);
        let count = info.piece_count();
        let tuning = Arc::clone(&params.tuning);
        let known = peer_list(&params, child());
        let blob = params.resume.as_deref();
        let tern = blob.and_then(|b| b.tern.as_ref());
        let embeds_info = blob.is_some_and(|b| b.info.is_some());
        let sought = (!info.is_known()).then(|| Box::new(Sought::new(&params)));
        let mut torrent = Self {
            id: params.id,
            peer_id: params.peer_id,
            listen_port: params.listen_port,
            load_policy: params.load_policy,
            now,
            born: now,
            unix_born: params.unix_now,
            phase: Phase::New,
            state: TorrentState::Starting,
            user_paused: params.paused,
            sequential: params.sequential,
            flags: Flags { embeds_info, ..Flags::default() },
            picker: Picker::new(info.geometry, child()),
            blame: Lazy::absent(),
            accounts: Accounts::new(&info, metadata::priorities(&params).as_deref(), blob),
            pending: BTreeMap::new(),
            check: Lazy::absent(),
            verify: VerifyQueue::new(params.verify_window),
            io: Lazy::absent(),
            repair: Lazy::absent(),
            durable: Bitset::new(count),
            window: Window::new(params.window.as_ref().map(|w| w.mark)),
            held: Lazy::absent(),
            verified: None,
            root: None,
            stats: Box::default(),
            saver: Saver::new(params.save_policy, tern.map_or(0, |t| t.generation)),
            saved_clean: tern.is_some_and(|t| t.clean),
            renames: Lazy::absent(),
            times: Times::new(blob, params.unix_now),
            carried: Carried::of(&params),
            loading: Some(Box::new(Loading::of(&params))),
            sought,
            peers: BTreeMap::new(),
            known,
            choker: Choker::new(tuning.unchoke_slots, child()),
            pex_due: None,
            next_key: key_base,
            half_open: 0,
            strikes: Lazy::absent(),
            touched: BTreeSet::new(),
            transmit: BTreeSet::new(),
            lag: requests::Lag::default(),
            spared: false,
            next_tick: None,
            counters: Counters::default(),
            down: Lazy::absent(),
            up: Lazy::absent(),
            early: Lazy::absent(),
            out: VecDeque::new(),
            tuning,
            info,
            rng,
        };
        torrent.picker.set_sequential(params.sequential);
        torrent.apply_piece_priorities();
        torrent
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.absorb(now, input);
        self.settle();
    }

    /// Takes an input without doing what becomes possible by it: [`Self::settle`] has to follow
    /// the last one of a batch.
    pub fn absorb(&mut self, now: Instant, input: Input<'_>) {
        self.now = self.now.max(now);
        if self.phase == Phase::Closed {
            return;
        }
        match input {
            Input::Start => self.on_start(),
            Input::Timeout => self.on_timeout(),
            Input::Connected { peer } => self.on_connected(peer),
            Input::ConnectFailed { peer } => self.on_connect_failed(peer),
            Input::Incoming { peer, addr, connection } => self.on_incoming(peer, addr, connection),
            Input::Received { peer, data } => self.on_received(peer, data),
            Input::Drained { peer, pending } => self.on_drained(peer, pending),
            Input::Unreadable { peer, error } => self.on_unreadable(peer, error),
            Input::Disconnected { peer, os_errno } => self.on_disconnected(peer, os_errno),
            Input::PeersFound { source, addrs } => self.on_peers_found(source, addrs),
            Input::Disk(answer) => self.on_disk(answer),
            Input::Verdict { piece, attempt, verdict } => self.on_verdict(piece, attempt, verdict),
            Input::SaveAnswer { generation, answer } => self.on_save_answer(generation, answer),
            Input::Journaled { mark, result } => self.on_journaled(mark, result),
            Input::Command(command) => self.on_command(command),
        }
    }

    /// Lets go of what only a busy torrent needs.
    fn rest(&mut self) {
        self.io.rest();
        self.repair.rest();
        self.window.rest();
        self.held.rest();
        self.check.rest();
        self.blame.rest();
        self.known.rest();
        self.verify.rest();
        self.renames.rest();
        self.early.rest();
        self.strikes.rest();
        self.down.rest();
        self.up.rest();
    }

    /// Does everything that became possible.
    pub fn settle(&mut self) {
        if self.phase == Phase::Closed {
            return;
        }
        self.settle_early();
        self.pump_check();
        self.pump_verify();
        self.pump_peers();
        self.dial();
        self.pump_journal();
        self.pump_save();
        self.advance_close();
        for key in core::mem::take(&mut self.transmit) {
            let queued = self.peers.get(&key).and_then(|p| p.conn.as_ref()).map(|c| c.queued_len());
            if queued.is_some_and(|n| n > 0) {
                self.out.push_back(Output::Transmit { peer: key });
            }
        }
        if self.peers.is_empty() {
            self.rest();
        }
    }

    /// The next thing to do. Call until `None` after each `handle`.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.out.pop_front();
        if output.is_none() && self.peers.is_empty() {
            self.out = VecDeque::new();
        }
        output
    }

    /// When `Input::Timeout` is due; `None` when idle (nothing to wait for).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.phase == Phase::Closed {
            return None;
        }
        let save = if self.can_save() { self.saver.deadline() } else { None };
        let verify = if self.asks_verifier() { self.verify.deadline() } else { None };
        let dial = if self.can_dial() { self.known.next_due() } else { None };
        let journal = self.window.deadline();
        [save, verify, dial, journal, self.next_tick].into_iter().flatten().min()
    }

    /// Moves the bytes queued for `peer` out.
    pub fn take_transmit(&mut self, peer: PeerKey, out: &mut VecDeque<Payload>) {
        let Some(peer) = self.peers.get_mut(&peer) else { return };
        let Some(conn) = peer.conn.as_mut() else { return };
        let taken = conn.queued_len();
        conn.take_transmit(out);
        peer.pending += taken;
        self.counters.wire_sent += taken as u64;
    }

    /// Whether the driver should read from sockets of this torrent now (back-pressure: too much
    /// unwritten).
    #[must_use]
    pub fn wants_input(&self) -> bool {
        self.io.unwritten <= self.tuning.max_unwritten_bytes
    }

    /// Whether a peer waits for what we are about to have: then a finished piece is worth more now
    /// than a cheaper hash of it a little later.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.peers.values().any(|p| p.has_told && !p.upload_only())
    }

    /// Whether `Output::Wire` is emitted for every message.
    pub fn set_wire_notices(&mut self, on: bool) {
        self.flags.wire_notices = on;
    }

    /// The torrent's number.
    #[must_use]
    pub fn id(&self) -> TorrentId {
        self.id
    }

    /// Pieces we have.
    #[must_use]
    pub fn have(&self) -> &Bitset {
        self.picker.have()
    }

    /// File priorities 0..=7.
    #[must_use]
    pub fn file_priorities(&self) -> &[u8] {
        &self.accounts.file_priority
    }

    /// Priority of a piece, 0..=7: its own when set, else the highest of its files.
    #[must_use]
    pub fn piece_priority(&self, piece: PieceIndex) -> u8 {
        self.accounts.piece_priority(&self.info, piece)
    }

    /// Bytes of each file that are in pieces we have.
    #[must_use]
    pub fn file_progress(&self) -> Vec<u64> {
        self.accounts.file_have.clone()
    }

    /// Pieces in progress, by index: those with a block that is requested or received.
    pub fn partial_pieces(&self) -> impl Iterator<Item = PieceIndex> + '_ {
        self.picker.partial_pieces()
    }

    /// How far each block of a piece is; empty for a piece that the torrent has not.
    #[must_use]
    pub fn block_states(&self, piece: PieceIndex) -> Vec<BlockState> {
        self.picker.block_states(piece)
    }

    /// Other paths of files by index, empty ones not renamed.
    #[must_use]
    pub fn mapped_files(&self) -> &[String] {
        self.carried.mapped_files()
    }

    /// Whether nothing is to be done and the storage may forget the torrent: no peers, no disk
    /// work, everything durable that a sync could make so, no file unwanted.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        let still = matches!(self.phase, Phase::Running | Phase::Paused);
        let alone = self.peers.is_empty() && self.early.is_empty();
        let quiet = self.pending.is_empty() && self.io.is_blank() && self.repair.is_blank();
        let quiet = quiet && self.check.is_blank() && self.held.is_empty();
        still && alone && quiet && self.renames.is_empty() && self.accounts.all_wanted()
    }

    /// Whether the files to be were made since it last ran.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self.flags.prepared
    }

    /// Bytes left for a tracker announce: wanted and missing ones. While nobody knows how many, so
    /// many that no tracker takes us for a seed.
    #[must_use]
    pub fn left(&self) -> u64 {
        if self.sought.is_some() { metadata::LEFT } else { self.accounts.left }
    }

    /// The description of the content; [`Info::unknown`] while it is not here.
    #[must_use]
    pub fn info(&self) -> &Arc<Info> {
        &self.info
    }

    /// Snapshot.
    #[must_use]
    pub fn status(&self, now: Instant) -> Status {
        status::status(self, now)
    }

    /// Snapshots of the connected peers.
    #[must_use]
    pub fn peers(&self, now: Instant) -> Vec<PeerStatus> {
        status::peers(self, now)
    }

    /// Panics when an invariant is broken. For the simulator and debug builds.
    pub fn check_invariants(&self) {
        invariants::check(self);
    }

    fn notice(&mut self, notice: Notice) {
        self.out.push_back(Output::Notice(notice));
    }

    fn disk(&mut self, op: DiskOp) {
        self.out.push_back(Output::Disk(op));
    }

    fn unix(&self) -> UnixTime {
        let secs = i64::try_from(self.now.since(self.born).as_secs()).unwrap_or(i64::MAX);
        UnixTime(self.unix_born.0.saturating_add(secs))
    }

    /// Asks for a time-out not later than after `wait`.
    fn wake_in(&mut self, wait: Duration) {
        self.wake_at(self.now + wait);
    }

    fn wake_at(&mut self, at: Instant) {
        self.next_tick = Some(self.next_tick.map_or(at, |t| t.min(at)));
    }

    /// All pieces.
    fn is_complete(&self) -> bool {
        self.sought.is_none() && self.picker.have().all()
    }

    /// Every wanted piece.
    fn is_finished(&self) -> bool {
        self.sought.is_none() && self.picker.wanted_missing() == 0
    }

    fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.refresh_state();
    }

    /// Brings the public state in line with phase and pieces, and tells who needs to know.
    fn refresh_state(&mut self) {
        let (complete, finished) = (self.is_complete(), self.is_finished());
        let new = match self.phase {
            Phase::New | Phase::Stat { .. } => TorrentState::Starting,
            Phase::Metadata => TorrentState::Metadata,
            Phase::Checking => TorrentState::Checking,
            Phase::Preparing | Phase::Running if self.check.halts => TorrentState::Checking,
            Phase::Preparing | Phase::Running if complete => TorrentState::Seeding,
            Phase::Preparing | Phase::Running if finished => TorrentState::Finished,
            Phase::Preparing | Phase::Running => TorrentState::Downloading,
            Phase::Paused => TorrentState::Paused,
            Phase::Failed => TorrentState::Failed,
            Phase::Closing(_) | Phase::Closed => TorrentState::Closed,
        };
        if new != self.state {
            self.times.advance(self.now, self.state);
            let old = core::mem::replace(&mut self.state, new);
            self.notice(Notice::State { old, new });
            self.state_changed();
        }
        if matches!(self.phase, Phase::Running | Phase::Preparing) && !self.check.halts {
            self.note_finished(complete, finished);
        }
    }

    fn note_finished(&mut self, complete: bool, finished: bool) {
        if !finished {
            self.flags.finished_told = false;
        } else if !self.flags.finished_told {
            self.flags.finished_told = true;
            self.notice(Notice::Finished);
        }
        if complete && self.flags.completed_due {
            self.flags.completed_due = false;
            self.times.completed = self.unix();
            if self.flags.announced {
                let event = crate::proto::tracker::AnnounceEvent::Completed;
                self.out.push_back(Output::Announce(event));
            }
        }
        self.tell_upload_only(finished && !complete);
    }

    /// Something that `SavePolicy::on_state_change` is about.
    fn state_changed(&mut self) {
        if self.flags.loaded && !self.flags.as_saved {
            self.saver.changed(self.now, SaveConditions::STATE);
            if self.saver.policy().on_state_change && !matches!(self.phase, Phase::Closing(_)) {
                self.saver.want();
            }
        }
    }

    fn on_peers_found(&mut self, source: PeerSource, addrs: &[SocketAddr]) {
        // Found for it while it was not known to be private, or on its way since (BEP 27).
        if self.info.private && source.is_public() {
            return;
        }
        for addr in addrs {
            self.known.add(*addr, source);
        }
    }

    /// A time-out of any kind.
    fn on_timeout(&mut self) {
        if self.next_tick.is_some_and(|t| t <= self.now) {
            self.next_tick = None;
            self.tick_peers();
        }
    }
}

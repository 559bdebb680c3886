//! What goes in and out of a [`Torrent`](super::Torrent): the vocabulary driver, simulator and
//! brain share. Deliberately absent: behaviour.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::base::{
    Bitset, BlockSpan, DiskError, FileIndex, Instant, Look, Payload, PeerId, PeerKey, PieceIndex,
    Synced, TorrentId, UnixTime,
};
use crate::codec::metainfo::{Info, MetainfoError, Tiers};
use crate::codec::resume::Resume;
use crate::proto::peer::{Connection, Fault, Message, PeerExtensions};
use crate::proto::tracker::AnnounceEvent;

pub use super::sources::{PeerSource, SourceCounts};
use super::window::Entry;

pub use super::policy::{LoadPolicy, SaveConditions, SaveOutcome, SavePolicy, SavedWindow};

/// Everything a torrent starts from.
#[derive(Debug)]
pub struct TorrentParams {
    /// Number in the session.
    pub id: TorrentId,
    /// Content description; [`Info::unknown`] when peers have to be asked for it (BEP 9).
    pub info: Arc<Info>,
    /// While it is not known: the magnet link, for the saved state.
    pub link: Option<Box<str>>,
    /// While it is not known: files wanted once it is (BEP 53), inclusive ranges. Goes behind
    /// `file_priority`.
    pub selected: Option<Vec<(u32, u32)>>,
    /// Web seeds, for the saved state; `None` keeps the resume blob's.
    pub url_list: Option<Vec<String>>,
    /// Saved state, already parsed; its info-hash was compared.
    pub resume: Option<Arc<Resume>>,
    /// What the journal has of this torrent; `None` when there is no journal.
    pub window: Option<SavedWindow>,
    /// Take content that is complete by its files' sizes for good, and hash each piece when it is
    /// first asked for. Saved state that says so has the same effect.
    pub seed_mode: bool,
    /// Our peer id.
    pub peer_id: PeerId,
    /// Listen port told to peers, 0 when not listening.
    pub listen_port: u16,
    /// Our external address as far as known, for canonical priority (BEP 40).
    pub external_addr: Option<SocketAddr>,
    /// Settings, shared by the torrents that have the same.
    pub tuning: Arc<Tuning>,
    /// Start stopped.
    pub paused: bool,
    /// In order.
    pub sequential: bool,
    /// File priorities 0..=7 by index, missing ones 4. Overrides the resume blob when set.
    pub file_priority: Option<Vec<u8>>,
    /// Save-state policy.
    pub save_policy: SavePolicy,
    /// What a mismatch between saved state and files leads to.
    pub load_policy: LoadPolicy,
    /// Whether a verifier is set, and how long its window is.
    pub verify_window: Option<u32>,
    /// Seed of this torrent's random choices.
    pub seed: u64,
    /// Wall-clock time at `now` of `Torrent::new`, for the saved time stamps.
    pub unix_now: UnixTime,
    /// Bytes of the content directory, for the saved state.
    pub save_path: Arc<[u8]>,
    /// Files whose path differs from the metainfo's, for the saved state; added to those of the
    /// resume blob.
    pub renamed: Vec<(FileIndex, String)>,
    /// Space is reserved when files are created, for the saved state.
    pub preallocate: bool,
    /// Upload and download limit in bytes per second, for the saved state; `None` keeps the resume
    /// blob's.
    pub limits: Option<(Option<u64>, Option<u64>)>,
    /// Trackers, for the saved state; `None` keeps the resume blob's.
    pub trackers: Option<Tiers>,
}

/// Settings of one torrent's behaviour. Times are durations, rates bytes per second.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Established and half-open connections of this torrent.
    pub max_connections: u32,
    /// Connection attempts under way.
    pub max_half_open: u32,
    /// Peers unchoked at once, the optimistic one included.
    pub unchoke_slots: u32,
    /// Addresses remembered.
    pub max_known_peers: u32,
    /// Connections per IP address (loopback and private ranges are exempt).
    pub max_per_ip: u32,
    /// Largest number of requests outstanding at one peer.
    pub max_requests: u32,
    /// Time of work kept queued at a peer: requests = rate x this / 16 KiB.
    pub request_queue_time: Duration,
    /// Without a block for this long a peer with requests is snubbed.
    pub snub_timeout: Duration,
    /// A request older than this is given to others.
    pub request_timeout: Duration,
    /// Requests a peer may have queued with us (`reqq`).
    pub max_peer_requests: u32,
    /// Bytes queued for one socket before we stop reading from disk for it.
    pub send_watermark_bytes: usize,
    /// Handshake time-out.
    pub handshake_timeout: Duration,
    /// Silence before a peer is dropped.
    pub idle_timeout: Duration,
    /// Bad pieces a peer may have been the only or common sender of before it is banned.
    pub max_bad_pieces: u32,
    /// Pieces with the disk at once while checking; 0: as many as keep its threads busy.
    pub check_concurrency: u32,
    /// `v` in extension handshakes.
    pub client: String,
    /// Bytes of unwritten blocks before no more is read from peers.
    pub max_unwritten_bytes: u64,
    /// Whether a verifier may accept a piece whose hash did not match. Without it such pieces are
    /// not asked about.
    pub verify_override: bool,
    /// Whether a node of the DHT is at our listen port, for peers to know (BEP 5). Private torrents
    /// do not say so.
    pub dht: bool,
    /// Peers are exchanged (BEP 11), in torrents that are not private.
    pub pex: bool,
    /// Longest `info` dictionary fetched from peers, in bytes; `limits::METADATA_BYTES` at most.
    pub max_metadata_bytes: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            max_connections: 100,
            max_half_open: 25,
            unchoke_slots: 8,
            max_known_peers: 2000,
            max_per_ip: 1,
            max_requests: 500,
            request_queue_time: Duration::from_secs(3),
            snub_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(60),
            max_peer_requests: 500,
            send_watermark_bytes: 1 << 20,
            handshake_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(150),
            max_bad_pieces: 3,
            check_concurrency: 0,
            client: String::new(),
            max_unwritten_bytes: 32 << 20,
            verify_override: false,
            dht: false,
            pex: true,
            max_metadata_bytes: 32 << 20,
        }
    }
}

/// What happened in the world.
#[derive(Debug)]
pub enum Input<'a> {
    /// First input, once: look at the files, then check or start.
    Start,
    /// Time passed.
    Timeout,
    /// An outgoing attempt succeeded.
    Connected {
        /// The attempt.
        peer: PeerKey,
    },
    /// An outgoing attempt failed.
    ConnectFailed {
        /// The attempt.
        peer: PeerKey,
    },
    /// An incoming connection whose handshake named this torrent. The torrent accepts it (and then
    /// owns it) or answers with `Output::Close`.
    Incoming {
        /// Its key.
        peer: PeerKey,
        /// Remote address.
        addr: SocketAddr,
        /// Machine with the peer's handshake received and reported.
        connection: Box<Connection>,
    },
    /// Bytes from a peer; whole frames are consumed from the front.
    Received {
        /// From.
        peer: PeerKey,
        /// Receive buffer.
        data: &'a mut BytesMut,
    },
    /// The socket took bytes; so many taken ones are not yet with the kernel.
    Drained {
        /// To.
        peer: PeerKey,
        /// Bytes still in the driver's queue for it.
        pending: usize,
    },
    /// Bytes promised to the peer could not be read when their turn came: the connection is of no
    /// more use.
    Unreadable {
        /// To.
        peer: PeerKey,
        /// Why.
        error: DiskError,
    },
    /// The connection ended (from outside: reset, end of stream).
    Disconnected {
        /// Which.
        peer: PeerKey,
        /// Errno, 0 for an orderly end.
        os_errno: i32,
    },
    /// Addresses to try.
    PeersFound {
        /// From where.
        source: PeerSource,
        /// Addresses.
        addrs: &'a [SocketAddr],
    },
    /// A disk job's answer.
    Disk(DiskAnswer),
    /// The host's verdict on a piece.
    Verdict {
        /// Piece.
        piece: PieceIndex,
        /// The attempt it answers.
        attempt: u32,
        /// Verdict.
        verdict: VerifyVerdict,
    },
    /// The host's answer to a save request.
    SaveAnswer {
        /// Generation it answers.
        generation: u64,
        /// Answer.
        answer: SaveVerdict,
    },
    /// The journal's answer to `Output::Journal`.
    Journaled {
        /// The entry's mark.
        mark: u64,
        /// Or the errno or code it failed with.
        result: Result<(), i32>,
    },
    /// From the host.
    Command(Command),
}

/// Answers of disk jobs.
#[derive(Debug)]
pub enum DiskAnswer {
    /// To `DiskOp::Stat`.
    Stats(Result<Look, DiskError>),
    /// To `DiskOp::Prepare`, `SetPriorities`, `Rename`, `Release`.
    Done(DiskOpKind, Result<(), DiskError>),
    /// To `DiskOp::Write`.
    Written(BlockSpan, Result<(), DiskError>),
    /// To `DiskOp::Read`; bytes in memory when the torrent wanted them for itself.
    Read(PeerKey, BlockSpan, Result<Payload, DiskError>),
    /// To `DiskOp::Hash`: the digest, or `None` when the piece is not wholly on disk.
    Hashed(PieceIndex, Result<Option<[u8; 20]>, DiskError>),
    /// To `DiskOp::Sync`.
    Synced(u64, Result<Synced, DiskError>),
    /// To `DiskOp::Move`: the new directory.
    Moved(Result<Vec<u8>, DiskError>),
}

/// Which simple disk operation an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskOpKind {
    /// Prepare.
    Prepare,
    /// SetPriorities.
    SetPriorities,
    /// Rename of this file.
    Rename(FileIndex),
    /// Release.
    Release,
}

/// The key in `DiskOp::Read` when no peer is behind it (finding out who sent bad blocks).
pub const INTERNAL_READER: PeerKey = PeerKey(u64::MAX);

/// Disk work a torrent asks for.
#[derive(Clone, Debug)]
pub enum DiskOp {
    /// Look at the files.
    Stat,
    /// Create empty files, reserve space.
    Prepare,
    /// Store a block.
    Write(BlockSpan, Bytes),
    /// Fetch a block for a peer; the key is [`INTERNAL_READER`] when the torrent wants it
    /// for itself.
    Read(PeerKey, BlockSpan),
    /// Hash a piece.
    Hash(PieceIndex),
    /// Make everything durable; the ticket comes back.
    Sync(u64),
    /// Close files.
    Release,
    /// New file priorities.
    SetPriorities(Vec<u8>),
    /// Move to this directory (bytes of a path).
    Move(Vec<u8>),
    /// Rename a file.
    Rename(FileIndex, String),
}

/// A verifier's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyVerdict {
    /// The piece is good: have.
    Accept,
    /// Fetch it again and blame its senders.
    Reject,
    /// Ask again after this time.
    Defer(Duration),
    /// As if no verifier were set.
    Pass,
    /// The verifier is broken: the torrent stops with this code.
    Fail(i32),
}

/// A saver's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveVerdict {
    /// It is durable.
    Accept,
    /// Not saved: try again with back-off.
    Reject,
    /// Try again after this time.
    Defer(Duration),
    /// As if no hook were set: the built-in store took it (the session sees to that before it
    /// passes this on), so it counts like `Accept`.
    Pass,
    /// Not saved, reported as an error, tried again with back-off.
    Fail(i32),
}

/// What a host may ask of a torrent.
#[derive(Clone, Debug)]
pub enum Command {
    /// Stop: disconnect peers, flush, release files.
    Pause,
    /// Go on; also retries after an error.
    Resume,
    /// Check all pieces again.
    Recheck,
    /// Check the pieces of one file again.
    RecheckFile(FileIndex),
    /// Check a range of pieces again (first, past the last).
    RecheckPieces(u32, u32),
    /// Priority of one file.
    FilePriority(FileIndex, u8),
    /// Priorities of all files.
    FilePriorities(Vec<u8>),
    /// Priority of one piece.
    PiecePriority(PieceIndex, u8),
    /// In order or rarest first.
    Sequential(bool),
    /// Rate limits, `None` unlimited, kept for the saved state (the driver enforces them).
    RateLimits(Option<u64>, Option<u64>),
    /// New settings.
    Tuning(Arc<Tuning>),
    /// Try this address now.
    AddPeer(SocketAddr),
    /// Ban this address (the port is ignored).
    BanPeer(SocketAddr),
    /// Close one connection.
    DropPeer(PeerKey),
    /// Hand out state to be saved.
    Save {
        /// Comes back in one `Notice::SaveDone`; 0: nobody waits.
        ticket: u64,
        /// Only when something of this kind changed; `NONE`: in any case.
        conditions: SaveConditions,
        /// Embed the `info` dictionary, whatever the policy says.
        with_info: bool,
    },
    /// New save policy.
    SavePolicy(SavePolicy),
    /// A verifier was set (its window) or removed.
    Verifier(Option<u32>),
    /// Trackers now in use, for the saved state.
    Trackers(Tiers),
    /// The description that was not known, from elsewhere than peers. Of another torrent, or when
    /// one is known, it changes nothing.
    Metadata(Arc<Info>),
    /// Move the content (bytes of a directory).
    Move(Vec<u8>),
    /// Rename a file.
    Rename(FileIndex, String),
    /// Two-phase close: stop, flush, hand out the last state.
    Close,
}

/// What the torrent wants done.
#[derive(Debug)]
pub enum Output {
    /// Connect to this address; answer with `Connected` or `ConnectFailed`.
    Dial {
        /// Key of the attempt, then of the connection.
        peer: PeerKey,
        /// Address.
        addr: SocketAddr,
    },
    /// A peer has a node of the DHT there (BEP 5, "PORT").
    DhtNode(SocketAddr),
    /// The peer has bytes to send: fetch them with `Torrent::take_transmit`.
    Transmit {
        /// To.
        peer: PeerKey,
    },
    /// Close the connection or abandon the attempt. No `Disconnected` follows.
    Close {
        /// Which.
        peer: PeerKey,
    },
    /// Disk work.
    Disk(DiskOp),
    /// Ask the host's verifier. The bytes are on disk (or in its write buffer).
    Verify {
        /// Piece.
        piece: PieceIndex,
        /// Verdict of our hash.
        engine_ok: bool,
        /// 1 for the first time this piece is asked about, and so on.
        attempt: u32,
        /// Who sent its blocks.
        peers: Vec<SocketAddr>,
    },
    /// Enter pieces into the journal; one entry at a time until `Journaled`.
    Journal(Entry),
    /// State to save; one at a time until `SaveAnswer`.
    Save {
        /// Increasing number.
        generation: u64,
        /// Entries of the journal up to this mark are void once it is accepted; 0: none.
        settled: u64,
        /// The state; every piece in it was made durable first.
        state: Box<Resume>,
        /// The `info` dictionary is to be embedded.
        with_info: bool,
    },
    /// The description came: it takes the place of the unknown one with everything the driver asks
    /// or tells from now on. Disk work begins after it.
    Metadata(Arc<Info>),
    /// An announce is due now because of this (the driver's announcer does the rest).
    Announce(AnnounceEvent),
    /// To tell the host.
    Notice(Notice),
    /// A message passed; only while `Torrent::set_wire_notices` is on.
    Wire(Wire),
    /// `Close` is complete: everything flushed, the last save answered or refused for good.
    Closed,
}

/// A message that passed. Ours are told when they are queued; our extension handshake (BEP 10),
/// which goes first, after what greets the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Peer.
    pub peer: PeerKey,
    /// From it, not to it.
    pub incoming: bool,
    /// Its number among the receiver's extensions; 0 for the extension handshake, and for messages
    /// that belong to none.
    pub number: u8,
    /// Message.
    pub message: Message,
}

/// Life of a torrent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(i32)]
pub enum TorrentState {
    /// Looking at files.
    #[default]
    Starting = 1,
    /// Hashing what is on disk.
    Checking = 2,
    /// Fetching.
    Downloading = 3,
    /// All wanted pieces are here, some unwanted are not.
    Finished = 4,
    /// Complete.
    Seeding = 5,
    /// Stopped by the host.
    Paused = 6,
    /// Stopped by an error; `Resume` retries.
    Failed = 7,
    /// Closing or closed.
    Closed = 8,
    /// Asking peers for the metadata (BEP 9).
    Metadata = 9,
}

/// What happened, for the host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Notice {
    /// The state changed.
    State {
        /// From.
        old: TorrentState,
        /// To.
        new: TorrentState,
    },
    /// A piece is now ours (download or check).
    PiecePassed(PieceIndex),
    /// A piece did not match (download or check of data that was expected), or the host refused it.
    PieceFailed(PieceIndex),
    /// A file's last piece passed.
    FileCompleted(FileIndex),
    /// A check is complete: pieces found, pieces checked.
    Checked {
        /// Pieces present after the check.
        have: u32,
        /// Pieces that had to be hashed.
        hashed: u32,
        /// Pieces restored from saved state without hashing.
        restored: u32,
    },
    /// All wanted pieces are here (once per becoming so).
    Finished,
    /// A peer's handshake is complete.
    PeerConnected {
        /// Key.
        peer: PeerKey,
        /// Address.
        addr: SocketAddr,
        /// Who started it.
        incoming: bool,
        /// Its id.
        peer_id: PeerId,
    },
    /// A peer is gone.
    PeerDisconnected {
        /// Key.
        peer: PeerKey,
        /// Address.
        addr: SocketAddr,
        /// Why.
        reason: CloseReason,
    },
    /// A peer was banned for data that did not match.
    PeerBanned(SocketAddr),
    /// The torrent stopped because of a storage error.
    DiskFailed(DiskError),
    /// The host's verifier failed with this code; the torrent stopped.
    VerifierFailed(i32),
    /// Saved state could not be taken as it was: the first file it failed for and why.
    ResumeRejected {
        /// Everything, or only the pieces of some files.
        partial: bool,
        /// File.
        file: Option<FileIndex>,
        /// One line.
        reason: String,
        /// Pieces that must be hashed again.
        pieces: u32,
    },
    /// The host made this generation durable.
    ResumeDurable(u64),
    /// A save failed and will be tried again.
    SaveFailed {
        /// What was to be saved.
        generation: u64,
        /// The host's or the store's number.
        code: i32,
    },
    /// The answer to `Command::Save` with this ticket: exactly one.
    SaveDone {
        /// Which.
        ticket: u64,
        /// What it came to.
        outcome: SaveOutcome,
    },
    /// The journal failed with this code: until it works again, a process that is killed may have
    /// to fetch pieces again.
    JournalFailed(i32),
    /// The content's directory is not there, or another file system is in its place: the torrent
    /// stops and fetches nothing. `DiskFailed` follows; `Resume` looks again.
    StorageMissing,
    /// Content moved here, or not.
    Moved(Result<Vec<u8>, DiskError>),
    /// A file was renamed, or not.
    Renamed(FileIndex, Result<(), DiskError>),
    /// What our address is, says the peer at the second one.
    ExternalAddr(std::net::IpAddr, std::net::IpAddr),
    /// The metadata came; the torrent goes on to look at its files.
    Metadata,
    /// The metadata has the right hash and is of no use: the torrent stopped.
    MetadataUnusable(MetainfoError),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The other side or the network; errno, 0 for an orderly end.
    Remote(i32),
    /// A protocol fault or time-out.
    Fault(Fault),
    /// It is us.
    Loopback,
    /// Already connected to this peer.
    Duplicate,
    /// Limits.
    TooMany,
    /// Both are complete.
    BothSeeds,
    /// Neither has what the other wants for a long time.
    Useless,
    /// Banned address.
    Banned,
    /// Torrent stopped.
    Stopped,
    /// The host asked.
    Host,
    /// It sent data we did not ask for, over and over.
    Flood,
}

/// Snapshot of one torrent.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// State.
    pub state: TorrentState,
    /// Pieces we have.
    pub pieces_have: u32,
    /// Pieces in all.
    pub pieces_total: u32,
    /// Bytes of the torrent, padding included.
    pub total_len: u64,
    /// Bytes of the pieces we have.
    pub bytes_have: u64,
    /// Bytes in files with a priority above 0.
    pub wanted_len: u64,
    /// Of these, bytes in pieces we have.
    pub wanted_have: u64,
    /// 0..=1 of the check under way, else of the wanted bytes.
    pub progress: f64,
    /// Payload bytes this session.
    pub downloaded: u64,
    /// Payload bytes this session.
    pub uploaded: u64,
    /// All bytes received from peers this session, protocol included.
    pub wire_received: u64,
    /// All bytes sent to peers this session, protocol included.
    pub wire_sent: u64,
    /// Bytes received in vain: duplicates and pieces that failed.
    pub wasted: u64,
    /// Payload bytes in all sessions.
    pub total_downloaded: u64,
    /// Payload bytes in all sessions.
    pub total_uploaded: u64,
    /// Payload bytes per second, smoothed over some seconds.
    pub download_rate: u64,
    /// Payload bytes per second, smoothed over some seconds.
    pub upload_rate: u64,
    /// Established connections.
    pub peers: u32,
    /// Of these, complete ones.
    pub seeds: u32,
    /// Attempts under way.
    pub half_open: u32,
    /// Addresses known.
    pub known_peers: u32,
    /// The same by where they were first heard of.
    pub known_by_source: SourceCounts,
    /// Established connections by where their addresses came from.
    pub peers_by_source: SourceCounts,
    /// `info` is known.
    pub has_metadata: bool,
    /// Peers we upload to.
    pub unchoked: u32,
    /// Pieces hashed since the torrent was added (check and download).
    pub pieces_hashed: u32,
    /// Pieces restored from saved state without hashing.
    pub pieces_restored: u32,
    /// Pieces that failed.
    pub pieces_failed: u32,
    /// Copies of the rarest piece among connected peers (whole), ours not counted.
    pub availability: f64,
    /// Unsaved changes.
    pub need_save: bool,
    /// Generation last made durable by the host.
    pub durable_generation: u64,
    /// In order.
    pub sequential: bool,
    /// Seconds since added in any session.
    pub active_secs: u64,
    /// When added.
    pub added: UnixTime,
    /// When completed, 0 not yet.
    pub completed: UnixTime,
}

/// Snapshot of one peer.
#[derive(Clone, Debug)]
pub struct PeerStatus {
    /// Key.
    pub peer: PeerKey,
    /// Address.
    pub addr: SocketAddr,
    /// From where.
    pub source: PeerSource,
    /// Who started it.
    pub incoming: bool,
    /// Id; zero before the handshake.
    pub peer_id: PeerId,
    /// Reserved bits.
    pub reserved: [u8; 8],
    /// Extension handshake.
    pub extensions: PeerExtensions,
    /// We choke it.
    pub am_choking: bool,
    /// We want something.
    pub am_interested: bool,
    /// It chokes us.
    pub peer_choking: bool,
    /// It wants something.
    pub peer_interested: bool,
    /// Snubbed.
    pub snubbed: bool,
    /// Pieces it has.
    pub have: Bitset,
    /// Payload bytes from it.
    pub downloaded: u64,
    /// Payload bytes to it.
    pub uploaded: u64,
    /// Payload bytes per second.
    pub download_rate: u64,
    /// Payload bytes per second.
    pub upload_rate: u64,
    /// Requests outstanding at it.
    pub requests_out: u32,
    /// Its requests queued with us.
    pub requests_in: u32,
    /// Bad pieces it took part in.
    pub bad_pieces: u32,
    /// When connected.
    pub connected_at: Instant,
}

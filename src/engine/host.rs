//! The seam between the shards (which drive torrents) and the session (which talks to the host).
//! The shard side calls [`Host`]; the session side implements it and sends [`ShardCommand`]s.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::base::{DiskError, InfoHash, PeerKey, PieceIndex, TorrentId};
use crate::codec::metainfo::{FileSpan, Info, Metainfo, Tiers};
use crate::codec::resume::Resume;
use crate::proto::peer::Connection;
use crate::proto::tracker::{AnnounceParams, AnnounceReply, ScrapeEntry, TrackerStatus};
use crate::swarm::{
    Command, Notice, PeerSource, SaveVerdict, Torrent, TorrentParams, VerifyVerdict, Wire,
};

use super::dht;
use super::external::Vote;
use super::settings::Settings;
use super::shard::UdpAsk;
use crate::swarm::window::Entry;

/// What a shard tells the session. Called on network threads: must not block.
pub trait Host: Send + Sync {
    /// Something happened to a torrent.
    fn notice(&self, torrent: TorrentId, notice: Notice);
    /// Something happened with a tracker.
    fn tracker(&self, torrent: TorrentId, event: TrackerEvent);
    /// The verifier is to be asked; answer with [`ShardCommand::Verdict`].
    fn verify(&self, torrent: TorrentId, request: VerifyRequest);
    /// The torrent's description came from peers or a source. Called before anything that follows
    /// from it.
    fn metadata(&self, torrent: TorrentId, info: Arc<Info>);
    /// A source that a magnet link names gave the torrent's file: what it says beside the
    /// description, which `metadata` tells of.
    fn source_file(&self, torrent: TorrentId, file: &Metainfo);
    /// A source that a magnet link names did not give it.
    fn source_failed(&self, torrent: TorrentId, url: String, reason: String);
    /// Pieces are to be entered into the journal; answer with [`ShardCommand::Journaled`].
    fn journal(&self, torrent: TorrentId, entry: Entry);
    /// State is to be saved; answer with [`ShardCommand::SaveAnswer`].
    fn save(&self, torrent: TorrentId, request: SaveRequest);
    /// The torrent's two-phase close is complete; the shard has dropped it.
    fn closed(&self, torrent: TorrentId);
    /// A listen socket opened (`Ok`: its address) or not.
    fn listen(&self, wanted: &str, result: Result<SocketAddr, std::io::Error>);
    /// A shard panicked while working on this torrent (or, `None`, outside one).
    fn panicked(&self, torrent: Option<TorrentId>, message: String);
    /// The DHT has something to say or to ask.
    fn dht(&self, output: dht::Output) {
        let _ = output;
    }
    /// The shard begins a turn (true), in which it may have much to tell, or ends it.
    fn batch(&self, _begins: bool) {}
    /// Somebody says what our address is; the torrent through which we know him, if there is one.
    fn external(&self, torrent: Option<TorrentId>, vote: Vote) {
        let _ = (torrent, vote);
    }
    /// Datagrams are not to be had at this address we listen on.
    fn udp_failed(&self, addr: SocketAddr, error: &std::io::Error) {
        let _ = (addr, error);
    }
    /// The local network's group could not be joined on this interface, or (without a name) at all.
    fn local_failed(&self, interface: &str, error: &std::io::Error) {
        let _ = (interface, error);
    }
    /// A peer message passed, only called when wire notices are on (see
    /// [`ShardCommand::WireNotices`]).
    fn wire(&self, torrent: TorrentId, wire: &Wire);
    /// Bytes passed a socket or a file, only called when wire notices are on.
    fn traffic(&self, torrent: TorrentId, traffic: Traffic);
    /// May this address be connected to, or let in? Only called while `Settings::peer_requests`. A
    /// sender that is dropped says no.
    fn ask_peer(&self, torrent: TorrentId, addr: SocketAddr, incoming: bool, say: PeerAnswer);
}

/// Where the host's answer about an address goes: true lets it in.
pub type PeerAnswer = tokio::sync::oneshot::Sender<bool>;

/// Bytes that passed a socket or went to or came from a file.
#[derive(Clone, Debug)]
pub enum Traffic {
    /// One read from a peer's socket.
    Received {
        /// Connection.
        peer: PeerKey,
        /// Its address.
        addr: SocketAddr,
        /// Bytes.
        bytes: u64,
    },
    /// Writes to a peer's socket.
    Sent {
        /// Connection.
        peer: PeerKey,
        /// Its address.
        addr: SocketAddr,
        /// Bytes.
        bytes: u64,
    },
    /// Content was read: for a peer or to be hashed.
    FileRead(FileSpan),
    /// Content was given to the storage.
    FileWritten(FileSpan),
    /// A tracker was asked over a connection that is closed now.
    Tracker {
        /// URL.
        url: String,
        /// Bytes of the request.
        sent: u64,
        /// Bytes of the answer.
        received: u64,
    },
}

/// Question to a verifier.
#[derive(Debug)]
pub struct VerifyRequest {
    /// Piece.
    pub piece: PieceIndex,
    /// Bytes.
    pub length: u32,
    /// Our hash matched.
    pub engine_ok: bool,
    /// Count of questions about this piece.
    pub attempt: u32,
    /// Senders.
    pub peers: Vec<SocketAddr>,
}

/// State to save.
#[derive(Debug)]
pub struct SaveRequest {
    /// Increasing number.
    pub generation: u64,
    /// Mark up to which the journal is void with it.
    pub settled: u64,
    /// State.
    pub state: Box<Resume>,
    /// Embed `info`.
    pub with_info: bool,
    /// The torrent's description.
    pub info: Arc<Info>,
}

/// What happened with a tracker.
#[derive(Clone, Debug)]
pub enum TrackerEvent {
    /// An announce is being sent (name of the event, empty for a regular one).
    Announcing {
        /// URL.
        url: String,
        /// `started`, `completed`, `stopped` or empty.
        event: &'static str,
    },
    /// It answered.
    Reply {
        /// URL.
        url: String,
        /// Reply.
        reply: Box<AnnounceReply>,
    },
    /// It failed: text, attempts failed in a row, seconds to the next.
    Failed {
        /// URL.
        url: String,
        /// Reason.
        reason: String,
        /// Failures in a row.
        fails: u32,
        /// Seconds until the next attempt.
        retry_in_secs: u64,
    },
    /// Scrape counts: seeds, downloads, leechers.
    Scraped {
        /// URL.
        url: String,
        /// Complete.
        complete: Option<u32>,
        /// Downloaded.
        downloaded: Option<u32>,
        /// Incomplete.
        incomplete: Option<u32>,
    },
}

/// Everything to start a torrent on a shard.
#[derive(Debug)]
pub struct AddTorrent {
    /// For the brain.
    pub params: TorrentParams,
    /// Tracker tiers.
    pub trackers: Tiers,
    /// Content directory.
    pub save_path: Arc<Path>,
    /// Renamed files.
    pub renamed: Vec<(crate::base::FileIndex, String)>,
    /// Reserve space.
    pub preallocate: bool,
    /// Bytes per second.
    pub upload_limit: Option<u64>,
    /// Bytes per second.
    pub download_limit: Option<u64>,
    /// Peers to try.
    pub peers: Vec<SocketAddr>,
    /// Use the DHT.
    pub dht: bool,
    /// Where else to look.
    pub link: Link,
}

/// What a magnet link says of where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Peers, as `host:port` or `[v6]:port`; names are resolved.
    pub peers: Vec<String>,
    /// URLs of the torrent file, in order.
    pub sources: Vec<String>,
}

/// A function run on the shard's thread with one torrent's parts; `None` when it is gone.
pub type Query = Box<dyn FnOnce(Option<TorrentView<'_>>) + Send>;

/// What a query may look at.
#[derive(Debug)]
pub struct TorrentView<'a> {
    /// The brain.
    pub torrent: &'a Torrent,
    /// Now, on the shard's clock.
    pub now: crate::base::Instant,
    /// Tracker states.
    pub trackers: &'a [TrackerStatus],
    /// Content directory now.
    pub save_path: &'a Path,
}

/// Takes what a tracker answered: or why it did not, `None` when time was up. Called on a network
/// thread: must not block.
pub type TrackerAnswer<T> = Box<dyn FnOnce(Result<T, Option<String>>) + Send>;

/// What is asked of a tracker, and who takes the answer.
pub enum TrackerQuestion {
    /// An announce.
    Announce(Box<AnnounceParams>, TrackerAnswer<AnnounceReply>),
    /// Counts.
    Scrape(Vec<InfoHash>, TrackerAnswer<Vec<ScrapeEntry>>),
}

/// A question to a tracker that belongs to no torrent of the session.
pub struct Inquiry {
    /// Announce URL.
    pub url: String,
    /// What.
    pub question: TrackerQuestion,
    /// Time for all of it.
    pub timeout: Duration,
}

/// What the session asks of a shard.
pub enum ShardCommand {
    /// Starts a torrent.
    Add(Box<AddTorrent>),
    /// For a torrent's brain. `Command::Close` ends it.
    Torrent(TorrentId, Command),
    /// Runs a function with a torrent.
    Query(TorrentId, Query),
    /// A verifier's answer.
    Verdict(TorrentId, PieceIndex, u32, VerifyVerdict),
    /// The journal's answer to the entry with this mark: an errno or code when it failed.
    Journaled(TorrentId, u64, Result<(), i32>),
    /// A saver's answer.
    SaveAnswer(TorrentId, u64, SaveVerdict),
    /// Reads a piece for a verifier.
    ReadPiece(TorrentId, PieceIndex, Box<dyn FnOnce(Result<Bytes, DiskError>) + Send>),
    /// More places to look.
    Link(TorrentId, Link),
    /// Replaces the tracker tiers.
    SetTrackers(TorrentId, Tiers),
    /// Announces now (all tiers' next tracker, or the one of this URL), keeping to the minimum
    /// interval.
    Reannounce(TorrentId, Option<Box<str>>),
    /// Asks the trackers, or the one of this URL, for counts.
    Scrape(TorrentId, Option<Box<str>>),
    /// A torrent's use of the DHT on or off.
    TorrentDht(TorrentId, bool),
    /// For the DHT, on the shard that has it.
    Dht(dht::Command),
    /// Deletes the content when the close that follows is complete.
    DeleteFiles(TorrentId),
    /// Wire notices of a torrent on or off.
    WireNotices(TorrentId, bool),
    /// An incoming connection whose handshake another shard read. The stream is in non-blocking
    /// mode.
    Incoming {
        /// Torrent.
        torrent: TorrentId,
        /// Socket.
        stream: std::net::TcpStream,
        /// Remote.
        addr: SocketAddr,
        /// Machine.
        connection: Box<Connection>,
        /// Bytes after the handshake.
        rest: BytesMut,
    },
    /// A question to a UDP tracker; to shard 0, which has the sockets.
    UdpTracker(UdpAsk),
    /// Asks a tracker.
    Inquire(Inquiry),
    /// The world sees us at this address.
    External(IpAddr),
    /// A torrent wants peers of the local network, or does not any more; to shard 0.
    LocalPeers(InfoHash, bool),
    /// Peers of a torrent were found.
    PeersFound(TorrentId, PeerSource, Vec<SocketAddr>),
    /// New settings (limits, time-outs).
    Settings(Arc<Settings>),
    /// Ends the thread: stops listening at once, closes remaining sockets; `stopped` announces
    /// still under way get until the time-out.
    Shutdown,
}

/// Which torrent lives where: consulted once per incoming connection.
pub trait Directory: Send + Sync {
    /// The shard number and id of a torrent.
    fn find(&self, info_hash: &InfoHash) -> Option<(usize, TorrentId)>;
}

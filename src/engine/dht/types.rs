//! What the session asks of the DHT service and what it hears of it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::{InfoHash, Instant, TorrentId};
use crate::proto::dht::{
    self, EndpointId, LookupStats, MutableItem, Observe, Outcome, PublicKey, QueryKind, Role,
    SecretKey, Ticket,
};

/// A function run with the service and the time on its clock.
pub type Query = Box<dyn FnOnce(Option<(&mut super::Service, Instant)>) + Send>;

/// What the session asks.
pub enum Command {
    /// Runs this; its end is told under the token.
    Run(u64, dht::Command),
    /// What runs under the token ends without a word: a command, or what follows and publishes.
    Cancel(u64),
    /// A node to get acquainted with, `host:port`.
    AddNode(String),
    /// Follows a mutable pointer (BEP 46) until it is cancelled.
    Follow {
        /// Told with each change.
        token: u64,
        /// Owner.
        key: PublicKey,
        /// Salt; may be empty.
        salt: Vec<u8>,
        /// Time between questions.
        interval: Duration,
    },
    /// Publishes a mutable pointer (BEP 46) and keeps it alive until it is cancelled.
    Publish {
        /// Told with each version.
        token: u64,
        /// Owner.
        secret: SecretKey,
        /// Salt; may be empty.
        salt: Vec<u8>,
        /// Where it points.
        info_hash: InfoHash,
    },
    /// A torrent wants to be looked up and announced from now on, or has another role.
    Torrent {
        /// Torrent.
        id: TorrentId,
        /// What to announce.
        info_hash: InfoHash,
        /// As what.
        role: Role,
    },
    /// A torrent stopped.
    TorrentGone(TorrentId),
    /// A peer says that it has a node there (BEP 5, "PORT").
    Met(SocketAddr),
    /// Takes this id at the first listening address (programs that keep their ids themselves).
    SetId(dht::NodeId),
    /// A torrent wants to be looked up now.
    Hurry(TorrentId),
    /// Who hears of incoming queries.
    Observe(Observe),
    /// The host's answer to a held query.
    Verdict(Ticket, bool),
    /// A state saved earlier.
    Restore(Box<super::Saved>),
    /// Runs a function with the service; `None` when there is none (any more).
    Query(Query),
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Run(..) => "Run",
            Self::Cancel(_) => "Cancel",
            Self::AddNode(_) => "AddNode",
            Self::Follow { .. } => "Follow",
            Self::Publish { .. } => "Publish",
            Self::Torrent { .. } => "Torrent",
            Self::Met(_) => "Met",
            Self::SetId(_) => "SetId",
            Self::TorrentGone(_) => "TorrentGone",
            Self::Hurry(_) => "Hurry",
            Self::Observe(_) => "Observe",
            Self::Verdict(..) => "Verdict",
            Self::Restore(_) => "Restore",
            Self::Query(_) => "Query",
        })
    }
}

/// What the host may hear of the DHT.
#[derive(Clone, Debug)]
pub enum DhtEvent {
    /// Peers that a lookup of the host's found; more may follow.
    Peers {
        /// Whose.
        token: u64,
        /// Addresses, each told once.
        peers: Vec<SocketAddr>,
    },
    /// The size of a swarm, estimated (BEP 33).
    Swarm {
        /// Whose.
        token: u64,
        /// Seeds.
        seeds: f64,
        /// Downloaders.
        downloaders: f64,
    },
    /// An item was found; a newer version may follow.
    Item {
        /// Whose.
        token: u64,
        /// With a hash or signature that fits.
        item: dht::Item,
    },
    /// A command is over; or (token 0) a torrent's own lookup.
    Done {
        /// Whose.
        token: u64,
        /// How it ended.
        outcome: Outcome,
        /// What it took.
        stats: LookupStats,
    },
    /// Somebody asks us something.
    Query {
        /// For the verdict; `None` when it is only told.
        token: Option<u64>,
        /// Who.
        from: SocketAddr,
        /// What kind.
        kind: QueryKind,
        /// About what: target or info-hash.
        target: Option<dht::NodeId>,
    },
    /// A node has found its place in the network.
    Bootstrapped {
        /// Listening address.
        local: SocketAddr,
        /// Nodes that answered.
        nodes: usize,
    },
    /// Enough nodes agree on how they see us.
    External {
        /// Listening address.
        local: SocketAddr,
        /// As whom.
        ip: IpAddr,
    },
    /// A bootstrap host's name does not resolve; it is tried again.
    Unresolved {
        /// `host:port`.
        host: String,
        /// Why.
        reason: String,
    },
    /// A pointer that is followed has a newer version.
    Update {
        /// Of which `Follow`.
        token: u64,
        /// Where it points; `None` when it is no pointer.
        info_hash: Option<InfoHash>,
        /// The item.
        item: Box<MutableItem>,
    },
    /// A pointer was published.
    Published {
        /// Of which `Publish`.
        token: u64,
        /// The item.
        item: Box<MutableItem>,
        /// Nodes that took it.
        stored: u32,
    },
    /// Somebody else published a newer version with our key: ours is kept alive no longer.
    Superseded {
        /// Of which `Publish`.
        token: u64,
    },
}

impl DhtEvent {
    /// Whether it ends a command of the host's.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Done { token, .. } if *token != 0)
    }

    /// Whether it answers something the host asked for, so that it gets it whatever it subscribed
    /// to.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Peers { token, .. } => *token != 0,
            Self::Swarm { .. }
            | Self::Item { .. }
            | Self::Update { .. }
            | Self::Published { .. }
            | Self::Superseded { .. } => true,
            other => other.is_end(),
        }
    }
}

/// What the service wants done.
#[derive(Debug)]
pub enum Output {
    /// Send a datagram.
    Send {
        /// Where from.
        endpoint: EndpointId,
        /// Where to.
        to: SocketAddr,
        /// What.
        data: Vec<u8>,
    },
    /// Resolve `host:port` and give the answer to `Service::resolved`.
    Resolve(String),
    /// Tell the host.
    Event(Option<TorrentId>, DhtEvent),
    /// Peers for a torrent.
    Peers(TorrentId, Vec<SocketAddr>),
    /// Ask the host about a query.
    Ask {
        /// For the verdict.
        ticket: Ticket,
        /// Who asks us.
        from: SocketAddr,
        /// What kind.
        kind: QueryKind,
        /// About what.
        target: Option<dht::NodeId>,
    },
    /// That query wants no verdict any more.
    Withdraw(Ticket),
    /// State worth keeping: now and then.
    Save(Vec<u8>),
    /// What ran under a token was cancelled, which nobody is told.
    Cancelled,
}

/// Gauges and counters of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DhtStats {
    /// Of the machine.
    pub machine: dht::Stats,
    /// Bytes per second received and sent, over a few seconds.
    pub rates: (u64, u64),
    /// Listening addresses.
    pub endpoints: usize,
    /// Torrents that are looked up and announced.
    pub torrents: usize,
    /// Pointers followed and published.
    pub pointers: usize,
}

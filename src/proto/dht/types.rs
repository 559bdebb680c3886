//! What goes into the machine and what comes out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{
    Contact, Item, MutableItem, NodeId, PublicKey, SecretKey, State, StorageConfig, Value,
};
use crate::base::InfoHash;

/// A listening address's number, chosen by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(pub u32);

/// A command's number, chosen by who gives it; not used twice while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A held query's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What ids that do not fit their address (BEP 42) are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Security {
    /// As much as others.
    Off,
    /// Less: others come first in tables, lookups and stores.
    #[default]
    Prefer,
    /// Nothing: they are served, but neither kept, nor asked, nor stored to.
    Enforce,
}

/// Whether the host hears of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Observe {
    /// No.
    #[default]
    Off,
    /// Yes: [`Output::Query`] without a ticket.
    Notice,
    /// Each waits for [`Input::Verdict`]; one that waits too long, or for which there is no room,
    /// is not answered.
    Hold,
}

/// The kinds of query, for [`Config::refuse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryKind {
    /// `ping`.
    Ping,
    /// `find_node`, and methods that are not known but have a target.
    FindNode,
    /// `get_peers`.
    GetPeers,
    /// `announce_peer`.
    AnnouncePeer,
    /// `get`.
    Get,
    /// `put`.
    Put,
    /// `sample_infohashes`.
    SampleInfohashes,
}

impl QueryKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Ping,
        Self::FindNode,
        Self::GetPeers,
        Self::AnnouncePeer,
        Self::Get,
        Self::Put,
        Self::SampleInfohashes,
    ];

    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::FindNode => "find_node",
            Self::GetPeers => "get_peers",
            Self::AnnouncePeer => "announce_peer",
            Self::Get => "get",
            Self::Put => "put",
            Self::SampleInfohashes => "sample_infohashes",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How the machine behaves. May change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Ask without answering, and say so (BEP 43).
    pub read_only: bool,
    /// BEP 42.
    pub security: Security,
    /// One node per public address in a table, one per /24 (IPv6: /64) in a bucket.
    pub restrict_routing_ips: bool,
    /// One node per /24 (IPv6: /64) in a lookup.
    pub restrict_search_ips: bool,
    /// More places in the first buckets.
    pub extended_routing_table: bool,
    /// Keep all questions at the front of a lookup busy.
    pub aggressive_lookups: bool,
    /// Questions under way in one lookup.
    pub search_branching: usize,
    /// After so long a node frees its slot in a lookup.
    pub short_timeout: Duration,
    /// After so long an answer comes too late.
    pub long_timeout: Duration,
    /// Unanswered questions in a row after which a node is forgotten.
    pub max_fail_count: u8,
    /// Bytes per second we send, over all addresses; 0 is no limit.
    pub upload_rate: u64,
    /// Queries per second from one public address, over ten seconds, after which it is ignored; 0
    /// is no limit.
    pub flood_rate: u32,
    /// For so long.
    pub flood_ban: Duration,
    /// Peers in one answer, as far as they fit a packet.
    pub max_peers_reply: usize,
    /// Bounds of what we keep for others.
    pub storage: StorageConfig,
    /// Whether the host hears of queries.
    pub observe: Observe,
    /// Kinds of query that are not answered.
    pub refuse: Vec<QueryKind>,
    /// `v` of our messages.
    pub version: Option<[u8; 4]>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            read_only: false,
            security: Security::Prefer,
            restrict_routing_ips: true,
            restrict_search_ips: true,
            extended_routing_table: true,
            aggressive_lookups: true,
            search_branching: 5,
            short_timeout: Duration::from_secs(1),
            long_timeout: Duration::from_secs(8),
            max_fail_count: 20,
            upload_rate: 8000,
            flood_rate: 5,
            flood_ban: Duration::from_secs(300),
            max_peers_reply: 100,
            storage: StorageConfig::default(),
            observe: Observe::Off,
            refuse: Vec::new(),
            version: None,
        }
    }
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// A socket is ready: a node starts there.
    Listen {
        /// Its number.
        endpoint: EndpointId,
        /// Where it is bound; says which family it speaks, and finds its id in a saved state.
        local: SocketAddr,
        /// Its address as others see it, when that is known.
        external: Option<IpAddr>,
    },
    /// The socket is gone.
    Unlisten(EndpointId),
    /// A datagram came that [`super::Packet::looks_like`] says may be ours.
    Datagram {
        /// Where.
        endpoint: EndpointId,
        /// From whom.
        from: SocketAddr,
        /// What.
        data: &'a [u8],
    },
    /// The network says that nobody listens there.
    Unreachable(SocketAddr),
    /// A state saved elsewhere: whom to ask, and our ids where we have not found our place yet.
    Restore(State),
    /// Take this id at an address, whatever BEP 42 says of it; those we know stay known.
    SetId {
        /// Where.
        endpoint: EndpointId,
        /// Which.
        id: NodeId,
    },
    /// Somebody trusted says how others see us.
    External {
        /// Where.
        endpoint: EndpointId,
        /// As whom.
        ip: IpAddr,
    },
    /// Something is wanted. Answered by [`Output::Done`], at once when it cannot be.
    Command {
        /// To be named in outputs.
        id: CommandId,
        /// What.
        command: Command,
    },
    /// It is not wanted any more: no further output names it.
    Cancel(CommandId),
    /// The host's answer to a held query.
    Verdict {
        /// Which.
        ticket: Ticket,
        /// Whether we answer it.
        allow: bool,
    },
    /// [`super::Dht::next_deadline`] has passed.
    Timeout,
}

/// How to announce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announce {
    /// The port peers can reach us at.
    pub port: u16,
    /// They had better use the port our packets come from (`implied_port`): the one a router gave
    /// us. Nodes that do not know this take `port`.
    pub implied: bool,
    /// We have all of it (BEP 33).
    pub seed: bool,
}

/// Which item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKey {
    /// The one with this hash.
    Immutable(NodeId),
    /// The one this owner has under this salt.
    Mutable {
        /// Owner.
        key: PublicKey,
        /// Salt; may be empty.
        salt: Vec<u8>,
    },
}

impl ItemKey {
    /// Where it is stored.
    #[must_use]
    pub fn target(&self) -> NodeId {
        match self {
            Self::Immutable(target) => *target,
            Self::Mutable { key, salt } => key.target(salt),
        }
    }
}

/// What to do. Lookups go over every listening address (BEP 32, BEP 45).
#[derive(Clone, Debug)]
pub enum Command {
    /// Finds the nodes nearest to a target.
    FindNode(NodeId),
    /// Finds peers of a torrent, told as they are found; then announces, if asked to.
    GetPeers {
        /// Torrent.
        info_hash: InfoHash,
        /// How to announce; `None` to keep silent.
        announce: Option<Announce>,
        /// Estimate the size of the swarm too (BEP 33).
        scrape: bool,
        /// Ask for downloaders rather than seeds.
        noseed: bool,
    },
    /// Finds an item; a mutable one in its newest version.
    GetItem(ItemKey),
    /// Stores a value under its hash.
    PutImmutable(Value),
    /// Stores an item somebody signed: keeps it alive.
    PutSigned(MutableItem),
    /// Signs and stores the next version of a mutable item.
    PutMutable {
        /// Owner.
        secret: SecretKey,
        /// Salt; may be empty.
        salt: Vec<u8>,
        /// What to say.
        value: Value,
        /// The version to replace: the store fails where another is found (`cas`). `None` replaces
        /// the newest that is found.
        replaces: Option<i64>,
    },
    /// Asks one node whether it is there; one that answers is remembered.
    Ping(SocketAddr),
    /// A bootstrap address: asked when too few nodes are known. Done at once.
    AddRouter(SocketAddr),
    /// Asks for info-hashes (BEP 51): one node, or all on the way to a target.
    Sample {
        /// Towards this.
        target: NodeId,
        /// Only this node.
        to: Option<SocketAddr>,
    },
}

/// What to do or to know. Take them all after each input.
#[derive(Clone, Debug)]
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
    /// Somebody asks (when [`Config::observe`] says so).
    Query {
        /// Where.
        endpoint: EndpointId,
        /// Who.
        from: SocketAddr,
        /// What kind.
        kind: QueryKind,
        /// About what: target or info-hash.
        target: Option<NodeId>,
        /// It waits for a verdict.
        ticket: Option<Ticket>,
    },
    /// A held query waited too long, or its socket is gone: it wants no verdict any more.
    Expired(Ticket),
    /// Peers that a running command had not found before.
    Peers {
        /// Command.
        command: CommandId,
        /// Addresses.
        peers: Vec<SocketAddr>,
    },
    /// An item was found; a newer version may follow.
    Item {
        /// Command.
        command: CommandId,
        /// Item, with a hash or signature that fits.
        item: Item,
    },
    /// A command is over.
    Done {
        /// Command.
        command: CommandId,
        /// How.
        outcome: Outcome,
        /// What it took.
        stats: LookupStats,
    },
    /// Enough others agree on how they see us.
    External {
        /// Where.
        endpoint: EndpointId,
        /// As whom.
        ip: IpAddr,
    },
    /// A node has found its place; again when its id had to change.
    Bootstrapped {
        /// Where.
        endpoint: EndpointId,
        /// Nodes that answered so far.
        nodes: usize,
    },
}

/// The effort of a lookup, over all addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LookupStats {
    /// Nodes asked.
    pub asked: u32,
    /// Nodes that answered.
    pub answered: u32,
    /// Steps from our own table to the nearest node.
    pub hops: u32,
    /// Steps to where the first result came from; 0 without one.
    pub first_hops: u32,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The nearest nodes that answered, nearest first, at most eight of each address.
    Nodes(Vec<Contact>),
    /// All peers were told.
    Peers {
        /// How many.
        found: usize,
        /// Nodes that took our announce.
        announced: u32,
        /// Estimated seeds and downloaders, when they were asked for (BEP 33).
        swarm: Option<(f64, f64)>,
    },
    /// The item, in its newest version; `None` when nobody has it.
    Item {
        /// Item.
        item: Option<Item>,
        /// Nodes that had this version.
        copies: u32,
    },
    /// It was stored, or not.
    Put {
        /// What was stored.
        item: Item,
        /// Nodes that took it.
        stored: u32,
        /// The error code of the last node that did not: 301 and 302 say that somebody else was
        /// faster.
        refused: Option<i64>,
    },
    /// The node is there.
    Pong {
        /// Its id.
        id: NodeId,
        /// Time the answer took.
        rtt: Duration,
    },
    /// Info-hashes.
    Samples {
        /// Each once.
        samples: Vec<InfoHash>,
        /// Seconds until asking the node again is worth it; of one node only.
        interval: u32,
        /// Torrents the node knows; of one node only.
        num: u64,
        /// Nodes named on the way, nearest first.
        nodes: Vec<Contact>,
    },
    /// Done, with nothing to tell.
    Accepted,
    /// Nothing could be done.
    Failed(Failure),
}

/// Why nothing could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No listening address of this family.
    NoEndpoint,
    /// Too much is going on.
    Busy,
    /// Not an address to send to, a salt too long or a sequence number at its end.
    Invalid,
    /// No answer.
    NoAnswer,
    /// The node refused, with this code.
    Refused(i64),
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoEndpoint => f.write_str("no listening address of this family"),
            Self::Busy => f.write_str("too many lookups under way"),
            Self::Invalid => f.write_str("invalid argument"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Refused(code) => write!(f, "the node refused with code {code}"),
        }
    }
}

impl core::error::Error for Failure {}

/// Counters and gauges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Datagrams that came.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Queries answered.
    pub queries: u64,
    /// Queries of ours sent.
    pub asked: u64,
    /// Those of them that were answered.
    pub answered: u64,
    /// Datagrams that were no message.
    pub garbage: u64,
    /// Answers nobody waited for, or from another address than was asked.
    pub unsolicited: u64,
    /// Queries dropped because their sender sends too many.
    pub flooded: u64,
    /// Answers not sent because the rate limit was reached.
    pub throttled: u64,
    /// Stores refused for a bad token.
    pub bad_tokens: u64,
    /// Nodes that answered us, over all addresses.
    pub nodes: usize,
    /// Torrents, peers and items kept for others.
    pub stored: (usize, usize, usize),
    /// Lookups under way.
    pub lookups: usize,
    /// Questions under way.
    pub calls: usize,
}

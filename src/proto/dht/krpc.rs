//! KRPC: the messages of the DHT as bytes (BEP 5, 32, 33, 42, 43, 44, 51).
//!
//! [`Packet::decode`] borrows from the datagram; [`Packet::encode`] is its inverse. Keys that are
//! absent, of the wrong type or out of range are the same thing: only what a message cannot do
//! without makes it an error. Deliberately absent: any judgement of what a message says.

use std::net::SocketAddr;

use super::compact::{is_usable, read_addr, write_addr};
use super::{Bloom, NodeId};
use crate::base::limits::{DHT_PACKET_BYTES, DHT_TOKEN_BYTES, DHT_VALUE_BYTES};
use crate::codec::bencode::{DictEncoder, Document, Encoder, Limits, Value};

/// Values in one packet, keys included: a stored value of 1000 bytes may have some 500.
const ITEMS: usize = 2000;
/// Nesting: a stored value may be nested in itself.
const DEPTH: usize = 100;
/// Bytes of a transaction id we echo.
const TRANSACTION_BYTES: usize = 32;
/// Bytes of an error's text that are kept.
const TEXT_BYTES: usize = 120;

/// Error codes (BEP 5, BEP 44).
pub mod code {
    /// Anything else.
    pub const GENERIC: i64 = 201;
    /// A malformed query, or a bad token.
    pub const PROTOCOL: i64 = 203;
    /// A method that is not known.
    pub const METHOD: i64 = 204;
    /// The sequence number in `cas` is not the stored one.
    pub const CAS: i64 = 301;
    /// The sequence number is not higher than the stored one.
    pub const SEQUENCE: i64 = 302;
}

/// Which families' nodes are asked for (BEP 32 `want`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Want {
    /// `n4`.
    pub v4: bool,
    /// `n6`.
    pub v6: bool,
}

/// One datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// `t`, chosen by who asks.
    pub transaction: &'a [u8],
    /// `v`: the sender's program.
    pub version: Option<[u8; 4]>,
    /// `ip`: the receiver's address as the sender sees it (BEP 42).
    pub seen_as: Option<SocketAddr>,
    /// What it is about.
    pub body: Body<'a>,
}

/// The three kinds of message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A question.
    Query(Query<'a>),
    /// Its answer.
    Response(Response<'a>),
    /// Its refusal.
    Error {
        /// See [`code`].
        code: i64,
        /// Text, cut short.
        text: &'a [u8],
    },
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// Who asks.
    pub id: NodeId,
    /// `ro`: do not ask back (BEP 43).
    pub read_only: bool,
    /// Families asked for; none given means the packet's own.
    pub want: Want,
    /// What.
    pub method: Method<'a>,
}

/// What a question asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method<'a> {
    /// Are you there (BEP 5)?
    Ping,
    /// Whom do you know near there (BEP 5)?
    FindNode {
        /// There.
        target: NodeId,
    },
    /// Who has this torrent (BEP 5)?
    GetPeers {
        /// The torrent.
        info_hash: NodeId,
        /// Downloaders rather than seeds (BEP 33).
        noseed: bool,
        /// Filters too (BEP 33).
        scrape: bool,
    },
    /// I have this torrent (BEP 5).
    AnnouncePeer {
        /// The torrent.
        info_hash: NodeId,
        /// Where I listen; 0 when only `implied_port` counts.
        port: u16,
        /// I listen where this packet comes from.
        implied_port: bool,
        /// I have all of it (BEP 33).
        seed: bool,
        /// Your permission.
        token: &'a [u8],
    },
    /// What is stored there (BEP 44)?
    Get {
        /// There.
        target: NodeId,
        /// Only if it is newer than this.
        seq: Option<i64>,
    },
    /// Store this (BEP 44).
    Put {
        /// Your permission.
        token: &'a [u8],
        /// One bencoded value.
        value: &'a [u8],
        /// Its owner, when it is mutable.
        mutable: Option<PutMutable<'a>>,
    },
    /// Which torrents do you know (BEP 51)?
    SampleInfohashes {
        /// And whom near there?
        target: NodeId,
    },
    /// Something else. With a target it is answered like `find_node`, so that who tries a new method
    /// gets on.
    Other {
        /// `q`.
        name: &'a [u8],
        /// `target` or `info_hash`.
        target: Option<NodeId>,
    },
}

/// The part of a `put` that makes it mutable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutMutable<'a> {
    /// `k`.
    pub key: &'a [u8; 32],
    /// `sig`.
    pub signature: &'a [u8; 64],
    /// `seq`.
    pub seq: i64,
    /// `salt`; empty when there is none.
    pub salt: &'a [u8],
    /// `cas`: only if this is the stored version.
    pub cas: Option<i64>,
}

/// An answer. What it means follows from the question.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Response<'a> {
    /// Who answers.
    pub id: NodeId,
    /// Permission to store.
    pub token: Option<&'a [u8]>,
    /// IPv4 nodes, 26 bytes each.
    pub nodes: Option<&'a [u8]>,
    /// IPv6 nodes, 38 bytes each.
    pub nodes6: Option<&'a [u8]>,
    /// Peers; only usable addresses.
    pub values: Vec<SocketAddr>,
    /// `BFsd`, `BFpe`: seeds and downloaders (BEP 33).
    pub filters: Option<Box<(Bloom, Bloom)>>,
    /// `v`: one bencoded value as it was written.
    pub value: Option<&'a [u8]>,
    /// `k`.
    pub key: Option<&'a [u8; 32]>,
    /// `sig`.
    pub signature: Option<&'a [u8; 64]>,
    /// `seq`.
    pub seq: Option<i64>,
    /// What `sample_infohashes` got.
    pub sample: Option<Sample<'a>>,
}

/// The part of an answer that BEP 51 is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Seconds until another sample is drawn.
    pub interval: u32,
    /// Torrents the node knows.
    pub num: u64,
    /// Info-hashes, 20 bytes each.
    pub samples: &'a [u8],
}

/// Why a datagram is not a message. A query that says enough to be answered carries its
/// transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError<'a> {
    /// Not bencode, or no message at all: say nothing.
    Garbage,
    /// A query without what its method needs: answer [`code::PROTOCOL`].
    BadQuery {
        /// `t`.
        transaction: &'a [u8],
    },
}

impl<'a> Packet<'a> {
    /// Whether a datagram may be a message at all: for telling protocols on one socket apart.
    #[must_use]
    pub fn looks_like(datagram: &[u8]) -> bool {
        datagram.first() == Some(&b'd') && datagram.last() == Some(&b'e') && datagram.len() >= 12
    }

    /// Reads a datagram.
    ///
    /// # Errors
    /// When it is not a message.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError<'a>> {
        let limits = Limits { items: ITEMS, depth: DEPTH, ..Limits::with_bytes(DHT_PACKET_BYTES) };
        let (document, _) =
            Document::parse_prefix(datagram, limits).map_err(|_| DecodeError::Garbage)?;
        let root = document.root();
        let transaction = root.get_bytes(b"t").ok_or(DecodeError::Garbage)?;
        if transaction.len() > TRANSACTION_BYTES {
            return Err(DecodeError::Garbage);
        }
        let body = match root.get_bytes(b"y") {
            Some(b"q") => Body::Query(query(&root).ok_or(DecodeError::BadQuery { transaction })?),
            Some(b"r") => {
                let fields = root.get(b"r").ok_or(DecodeError::Garbage)?;
                Body::Response(response(&fields).ok_or(DecodeError::Garbage)?)
            }
            Some(b"e") => error(&root).ok_or(DecodeError::Garbage)?,
            _ => return Err(DecodeError::Garbage),
        };
        let version = root.get_bytes(b"v").and_then(|v| v.try_into().ok());
        let seen_as = root.get_bytes(b"ip").and_then(read_addr);
        Ok(Self { transaction, version, seen_as, body })
    }

    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        out.dict(|d| {
            match &self.body {
                Body::Query(query) => {
                    d.dict(b"a", |a| encode_query(a, query));
                }
                Body::Error { code, text } => d.list(b"e", |l| {
                    l.int(*code);
                    l.bytes(text);
                }),
                Body::Response(_) => {}
            }
            if let Some(addr) = self.seen_as {
                let mut bytes = Vec::with_capacity(18);
                write_addr(&mut bytes, addr);
                d.bytes(b"ip", &bytes);
            }
            match &self.body {
                Body::Query(query) => {
                    d.bytes(b"q", query.method.name());
                    if query.read_only {
                        d.int(b"ro", 1);
                    }
                }
                Body::Response(response) => d.dict(b"r", |r| encode_response(r, response)),
                Body::Error { .. } => {}
            }
            d.bytes(b"t", self.transaction);
            if let Some(version) = &self.version {
                d.bytes(b"v", version);
            }
            d.bytes(
                b"y",
                match self.body {
                    Body::Query(_) => b"q",
                    Body::Response(_) => b"r",
                    Body::Error { .. } => b"e",
                },
            );
        });
        out.finish()
    }
}

impl<'a> Method<'a> {
    /// `q`.
    #[must_use]
    pub fn name(&self) -> &'a [u8] {
        match self {
            Self::Ping => b"ping",
            Self::FindNode { .. } => b"find_node",
            Self::GetPeers { .. } => b"get_peers",
            Self::AnnouncePeer { .. } => b"announce_peer",
            Self::Get { .. } => b"get",
            Self::Put { .. } => b"put",
            Self::SampleInfohashes { .. } => b"sample_infohashes",
            Self::Other { name, .. } => name,
        }
    }
}

fn flag(value: &Value<'_, '_>, key: &[u8]) -> bool {
    value.get_int(key) == Some(1)
}

fn id_of(value: &Value<'_, '_>, key: &[u8]) -> Option<NodeId> {
    NodeId::from_slice(value.get_bytes(key)?)
}

fn token_of<'a>(value: &Value<'_, 'a>) -> Option<&'a [u8]> {
    value.get_bytes(b"token").filter(|token| token.len() <= DHT_TOKEN_BYTES)
}

fn query<'a>(root: &Value<'_, 'a>) -> Option<Query<'a>> {
    let args = root.get(b"a")?;
    let name = root.get_bytes(b"q")?;
    let mut want = Want::default();
    for family in args.get(b"want").and_then(|w| w.as_list()).into_iter().flatten().take(4) {
        match family.as_bytes() {
            Some(b"n4") => want.v4 = true,
            Some(b"n6") => want.v6 = true,
            _ => {}
        }
    }
    // BEP 43 puts it at the top; some senders put it into the arguments.
    let read_only = flag(root, b"ro") || flag(&args, b"ro");
    Some(Query { id: id_of(&args, b"id")?, read_only, want, method: method(name, &args)? })
}

fn method<'a>(name: &'a [u8], args: &Value<'_, 'a>) -> Option<Method<'a>> {
    Some(match name {
        b"ping" => Method::Ping,
        b"find_node" => Method::FindNode { target: id_of(args, b"target")? },
        b"get_peers" => Method::GetPeers {
            info_hash: id_of(args, b"info_hash")?,
            noseed: flag(args, b"noseed"),
            scrape: flag(args, b"scrape"),
        },
        b"announce_peer" => {
            let implied_port = args.get_int(b"implied_port").is_some_and(|n| n != 0);
            let port = args.get_int(b"port").and_then(|port| u16::try_from(port).ok());
            Method::AnnouncePeer {
                info_hash: id_of(args, b"info_hash")?,
                port: port
                    .filter(|port| *port != 0 || implied_port)
                    .or_else(|| implied_port.then_some(0))?,
                implied_port,
                seed: flag(args, b"seed"),
                token: token_of(args)?,
            }
        }
        b"get" => Method::Get { target: id_of(args, b"target")?, seq: args.get_int(b"seq") },
        b"put" => put(args)?,
        b"sample_infohashes" => Method::SampleInfohashes { target: id_of(args, b"target")? },
        _ => {
            let target = id_of(args, b"target").or_else(|| id_of(args, b"info_hash"));
            Method::Other { name, target }
        }
    })
}

fn put<'a>(args: &Value<'_, 'a>) -> Option<Method<'a>> {
    let mutable = match args.get_bytes(b"k") {
        None => None,
        Some(key) => Some(PutMutable {
            key: key.try_into().ok()?,
            signature: args.get_bytes(b"sig")?.try_into().ok()?,
            seq: args.get_int(b"seq")?,
            salt: args.get_bytes(b"salt").unwrap_or_default(),
            cas: args.get_int(b"cas"),
        }),
    };
    Some(Method::Put { token: token_of(args)?, value: args.get(b"v")?.raw(), mutable })
}

fn response<'a>(fields: &Value<'_, 'a>) -> Option<Response<'a>> {
    let mut out = Response { id: id_of(fields, b"id")?, ..Response::default() };
    out.token = token_of(fields);
    out.nodes = fields.get_bytes(b"nodes");
    out.nodes6 = fields.get_bytes(b"nodes6");
    let values = fields.get(b"values").and_then(|values| values.as_list());
    let addr = |value: Value<'_, '_>| value.as_bytes().and_then(read_addr);
    out.values = values.into_iter().flatten().filter_map(addr).filter(|a| is_usable(*a)).collect();
    let filter = |key| fields.get_bytes(key).and_then(Bloom::from_slice);
    out.filters = filter(b"BFsd").zip(filter(b"BFpe")).map(Box::new);
    out.value = fields.get(b"v").map(|v| v.raw()).filter(|v| v.len() <= DHT_VALUE_BYTES);
    out.key = fields.get_bytes(b"k").and_then(|k| k.try_into().ok());
    out.signature = fields.get_bytes(b"sig").and_then(|sig| sig.try_into().ok());
    out.seq = fields.get_int(b"seq");
    out.sample = fields.get_bytes(b"samples").map(|samples| Sample {
        interval: fields.get_int(b"interval").and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        num: fields.get_int(b"num").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        samples,
    });
    Some(out)
}

fn error<'a>(root: &Value<'_, 'a>) -> Option<Body<'a>> {
    let mut parts = root.get(b"e")?.as_list()?;
    let code = parts.next()?.as_int()?;
    let text = parts.next().and_then(|text| text.as_bytes()).unwrap_or_default();
    Some(Body::Error { code, text: text.get(..TEXT_BYTES).unwrap_or(text) })
}

fn encode_query(a: &mut DictEncoder<'_>, query: &Query<'_>) {
    if let Method::Put { mutable: Some(PutMutable { cas: Some(cas), .. }), .. } = query.method {
        a.int(b"cas", cas);
    }
    a.bytes(b"id", &query.id.0);
    match query.method {
        Method::Ping => {}
        Method::FindNode { target } | Method::SampleInfohashes { target } => {
            a.bytes(b"target", &target.0);
        }
        Method::GetPeers { info_hash, noseed, scrape } => {
            a.bytes(b"info_hash", &info_hash.0);
            if noseed {
                a.int(b"noseed", 1);
            }
            if scrape {
                a.int(b"scrape", 1);
            }
        }
        Method::AnnouncePeer { info_hash, port, implied_port, seed, token } => {
            if implied_port {
                a.int(b"implied_port", 1);
            }
            a.bytes(b"info_hash", &info_hash.0);
            a.int(b"port", i64::from(port));
            if seed {
                a.int(b"seed", 1);
            }
            a.bytes(b"token", token);
        }
        Method::Get { target, seq } => {
            if let Some(seq) = seq {
                a.int(b"seq", seq);
            }
            a.bytes(b"target", &target.0);
        }
        Method::Put { token, value, mutable } => encode_put(a, token, value, mutable),
        Method::Other { target, .. } => {
            if let Some(target) = target {
                a.bytes(b"target", &target.0);
            }
        }
    }
    if query.want != Want::default() {
        a.list(b"want", |l| {
            if query.want.v4 {
                l.bytes(b"n4");
            }
            if query.want.v6 {
                l.bytes(b"n6");
            }
        });
    }
}

fn encode_put(
    a: &mut DictEncoder<'_>,
    token: &[u8],
    value: &[u8],
    mutable: Option<PutMutable<'_>>,
) {
    if let Some(mutable) = mutable {
        a.bytes(b"k", mutable.key);
        if !mutable.salt.is_empty() {
            a.bytes(b"salt", mutable.salt);
        }
        a.int(b"seq", mutable.seq);
        a.bytes(b"sig", mutable.signature);
    }
    a.bytes(b"token", token);
    a.raw(b"v", value);
}

fn encode_response(r: &mut DictEncoder<'_>, response: &Response<'_>) {
    if let Some(filters) = &response.filters {
        let (seeds, peers) = &**filters;
        r.bytes(b"BFpe", peers.as_bytes());
        r.bytes(b"BFsd", seeds.as_bytes());
    }
    r.bytes(b"id", &response.id.0);
    if let Some(sample) = &response.sample {
        r.int(b"interval", i64::from(sample.interval));
    }
    if let Some(key) = response.key {
        r.bytes(b"k", key);
    }
    if let Some(nodes) = response.nodes {
        r.bytes(b"nodes", nodes);
    }
    if let Some(nodes) = response.nodes6 {
        r.bytes(b"nodes6", nodes);
    }
    if let Some(sample) = &response.sample {
        r.int(b"num", i64::try_from(sample.num).unwrap_or(i64::MAX));
        r.bytes(b"samples", sample.samples);
    }
    if let Some(seq) = response.seq {
        r.int(b"seq", seq);
    }
    if let Some(signature) = response.signature {
        r.bytes(b"sig", signature);
    }
    if let Some(token) = response.token {
        r.bytes(b"token", token);
    }
    if let Some(value) = response.value {
        r.raw(b"v", value);
    }
    if !response.values.is_empty() {
        r.list(b"values", |l| {
            let mut bytes = Vec::with_capacity(18);
            for addr in &response.values {
                bytes.clear();
                write_addr(&mut bytes, *addr);
                l.bytes(&bytes);
            }
        });
    }
}

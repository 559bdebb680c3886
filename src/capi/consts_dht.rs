//! The C constants of the DHT. Numbers are explicit and frozen.

/// Results of commands of the DHT (they come without it) and what happens there. Not in
/// `TERN_CLASS_DEFAULT`.
pub const TERN_CLASS_DHT: u32 = 0x0800;

/// Peers were found (`TERN_CLASS_DHT`), by a lookup of the host's (`token`) or of a torrent.
/// `a` = how many, `text` = their addresses, one a line, each told once. More may follow. With a
/// token it is never masked.
pub const TERN_EVENT_DHT_PEERS: i32 = 160;
/// A lookup of peers is over (`TERN_CLASS_DHT`), the host's (`token`; never masked or dropped) or a
/// torrent's. `a` = peers found, `b` = nodes that took our announce, `c` = nodes that answered.
pub const TERN_EVENT_DHT_PEERS_DONE: i32 = 161;
/// The size of a swarm (BEP 33), before PEERS_DONE (`TERN_CLASS_DHT`). `token`, `a` = seeds, `b` =
/// downloaders, both estimated.
pub const TERN_EVENT_DHT_SCRAPED: i32 = 162;
/// An item was found; a newer version may follow (`TERN_CLASS_DHT`). `token`, `data` = the bencoded
/// value, `a` = sequence number, -1 for an immutable item; `text` = owner's key, `text2` =
/// signature, both hexadecimal, empty for an immutable item.
pub const TERN_EVENT_DHT_ITEM: i32 = 163;
/// The search for an item is over (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
/// `TERN_OK` or `TERN_E_NOT_FOUND`, `b` = nodes that had this version; the rest as in DHT_ITEM, of
/// the newest version.
pub const TERN_EVENT_DHT_ITEM_DONE: i32 = 164;
/// An item was stored, or not (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
/// `TERN_OK`, or `TERN_E_REFUSED` when no node took it; `a` = sequence number or -1, `b` = nodes
/// that took it, `c` = error code (BEP 44) of the last node that did not, 0 without one: 301 and
/// 302 say that somebody else was faster. `data` = value, `text` = target, `text2` = signature,
/// both hexadecimal.
pub const TERN_EVENT_DHT_PUT_DONE: i32 = 165;
/// A node answered a ping (`TERN_CLASS_DHT`, never masked or dropped). `token`, `text` = its id,
/// hexadecimal, `a` = microseconds its answer took.
pub const TERN_EVENT_DHT_PONG: i32 = 166;
/// The nodes nearest to a target (`TERN_CLASS_DHT`, never masked or dropped). `token`, `a` = how
/// many, `text` = one a line: id, a space, address.
pub const TERN_EVENT_DHT_NODES: i32 = 167;
/// Info-hashes that nodes know (BEP 51; `TERN_CLASS_DHT`, never masked or dropped). `token`, `data`
/// = 20 bytes each, `a` = seconds until asking the node again is worth it, `b` = torrents it knows
/// (both of one node only), `c` = how many, `text` = nodes near the target as in DHT_NODES.
pub const TERN_EVENT_DHT_SAMPLES: i32 = 168;
/// A command came to nothing (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
/// `TERN_E_TIMEOUT` (no answer), `TERN_E_REFUSED` with the node's error code in `a`, `TERN_E_BUSY`,
/// `TERN_E_STATE` (no listening address of this family, or the DHT was switched off) or
/// `TERN_E_INVALID`; `text` = why.
pub const TERN_EVENT_DHT_FAILED: i32 = 169;
/// Somebody asks us something: a request (`token`, class REQUEST) when a QUEUED DHT hook is set, a
/// notice (`TERN_CLASS_DHT`) with the option `dht_query_notices`. `addr` = who, `code` =
/// `TERN_DHT_QUERY_*`, `data` = target or info-hash, 20 bytes or none.
pub const TERN_EVENT_DHT_QUERY: i32 = 170;
/// A node of ours has found its place in the network (`TERN_CLASS_DHT`). `addr` = where it listens,
/// `a` = nodes that answered.
pub const TERN_EVENT_DHT_BOOTSTRAPPED: i32 = 171;
/// Enough nodes agree on how they see us (`TERN_CLASS_DHT`). `addr` = our address, without port,
/// `text` = where we listen.
pub const TERN_EVENT_DHT_EXTERNAL: i32 = 172;
/// The name of a node does not resolve; bootstrap nodes are tried again (`TERN_CLASS_DHT`). `text`
/// = host and port, `text2` = reason.
pub const TERN_EVENT_DHT_UNRESOLVED: i32 = 173;
/// A pointer that is followed has a newer version (BEP 46; `TERN_CLASS_DHT`, never masked).
/// `token`, `info_hash` = the torrent, zeros when the value is no pointer; `data` = value, `a` =
/// sequence number, `text` = owner's key, `text2` = signature, both hexadecimal.
pub const TERN_EVENT_DHT_UPDATE: i32 = 174;
/// A pointer was published (BEP 46; `TERN_CLASS_DHT`, never masked), or, `code` = `TERN_E_REFUSED`,
/// somebody published a newer version with our key and ours is kept alive no longer. `token`,
/// `info_hash`, `data` = value, `a` = sequence number, `b` = nodes that took it.
pub const TERN_EVENT_DHT_PUBLISHED: i32 = 175;

/// Announce ourselves too.
pub const TERN_DHT_ANNOUNCE: u32 = 1;
/// We have all of it (BEP 33).
pub const TERN_DHT_SEED: u32 = 2;
/// Estimate the size of the swarm (BEP 33).
pub const TERN_DHT_SCRAPE: u32 = 4;
/// Ask for downloaders rather than seeds (BEP 33).
pub const TERN_DHT_NOSEED: u32 = 8;

/// `ping`.
pub const TERN_DHT_QUERY_PING: i32 = 1;
/// `find_node`, and methods we do not know that have a target.
pub const TERN_DHT_QUERY_FIND_NODE: i32 = 2;
/// `get_peers`.
pub const TERN_DHT_QUERY_GET_PEERS: i32 = 3;
/// `announce_peer`.
pub const TERN_DHT_QUERY_ANNOUNCE_PEER: i32 = 4;
/// `get` (BEP 44).
pub const TERN_DHT_QUERY_GET: i32 = 5;
/// `put` (BEP 44).
pub const TERN_DHT_QUERY_PUT: i32 = 6;
/// `sample_infohashes` (BEP 51).
pub const TERN_DHT_QUERY_SAMPLE_INFOHASHES: i32 = 7;

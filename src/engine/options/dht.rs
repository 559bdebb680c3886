//! The rows of the option table about the DHT.

use std::sync::Arc;

use super::table::{from_secs, int, num, opt, secs};
use super::{Access, OptionSpec};
use crate::engine::settings::{DhtSettings, Settings};
use crate::proto::dht::Config;

/// The options of the DHT, by id.
pub(super) const ROWS: &[OptionSpec] = &[
    opt(
        6061,
        "dht",
        true,
        Access::Bool(|s| s.dht.enabled, |s, v| set(s).enabled = v),
        "A node of the DHT (BEP 5) at each address the session listens on. It joins the network \
         when a torrent that is not private, or the host, first wants it to.",
    ),
    opt(
        6062,
        "dht_bootstrap",
        true,
        Access::Str(4096, |s| s.dht.bootstrap.join(",").into_bytes(), set_bootstrap),
        "Nodes to start from, `host:port` separated by commas; empty has none.",
    ),
    opt(
        6063,
        "dht_read_only",
        true,
        Access::Bool(|s| s.dht.machine.read_only, |s, v| machine(s).read_only = v),
        "Ask without answering, and say so (BEP 43).",
    ),
    opt(
        6064,
        "dht_security",
        true,
        Access::Int(0, 2, |s| s.dht.security(), |s, v| set(s).set_security(v)),
        "Node ids that do not fit their address (BEP 42): 0 as good as others, 1 others first, 2 \
         neither kept nor asked. Loopback and private ranges are exempt.",
    ),
    opt(
        6065,
        "dht_upload_rate",
        true,
        Access::Int(
            0,
            1000000000,
            |s| int(s.dht.machine.upload_rate),
            |s, v| machine(s).upload_rate = num(v),
        ),
        "Bytes per second the DHT may send, 0 unlimited. Half of it is kept for our own questions.",
    ),
    opt(
        6066,
        "dht_announce_interval",
        true,
        Access::Int(
            60,
            86400,
            |s| secs(s.dht.announce_interval),
            |s, v| set(s).announce_interval = from_secs(v),
        ),
        "Seconds between the announces of one torrent. One that finds no peers asks sooner, with \
         growing pauses.",
    ),
    opt(
        6067,
        "dht_max_lookups",
        true,
        Access::Int(1, 500, |s| int(s.dht.max_lookups), |s, v| set(s).max_lookups = num(v)),
        "Torrents looked up and announced at a time; the others wait for their turn.",
    ),
    opt(
        6068,
        "dht_max_torrents",
        true,
        Access::Int(
            1,
            1000000,
            |s| int(s.dht.machine.storage.max_torrents),
            |s, v| set(s).storage().max_torrents = num(v),
        ),
        "Torrents for which peers are kept for others.",
    ),
    opt(
        6069,
        "dht_max_peers",
        true,
        Access::Int(
            1,
            6000,
            |s| int(s.dht.machine.storage.max_peers),
            |s, v| set(s).storage().max_peers = num(v),
        ),
        "Peers kept for others, by torrent and family.",
    ),
    opt(
        6070,
        "dht_max_items",
        true,
        Access::Int(
            1,
            1000000,
            |s| int(s.dht.machine.storage.max_items),
            |s, v| set(s).storage().max_items = num(v),
        ),
        "Items (BEP 44) kept for others.",
    ),
    opt(
        6071,
        "dht_item_lifetime",
        true,
        Access::Int(
            60,
            604800,
            |s| secs(s.dht.machine.storage.item_life),
            |s, v| set(s).storage().item_life = from_secs(v),
        ),
        "Seconds an item is kept without being stored again.",
    ),
    opt(
        6072,
        "dht_flood_rate",
        true,
        Access::Int(
            0,
            100000,
            |s| int(s.dht.machine.flood_rate),
            |s, v| machine(s).flood_rate = num(v),
        ),
        "Queries per second from one public address, over ten seconds, after which it is ignored \
         for a while; 0 unlimited.",
    ),
    opt(
        6073,
        "dht_flood_ban",
        true,
        Access::Int(
            1,
            86400,
            |s| secs(s.dht.machine.flood_ban),
            |s, v| machine(s).flood_ban = from_secs(v),
        ),
        "Seconds for which such an address is ignored.",
    ),
    opt(
        6074,
        "dht_restrict_routing_ips",
        true,
        Access::Bool(
            |s| s.dht.machine.restrict_routing_ips,
            |s, v| machine(s).restrict_routing_ips = v,
        ),
        "At most one node per public address in a table, and per /24 (IPv6: /64) in a bucket.",
    ),
    opt(
        6075,
        "dht_restrict_search_ips",
        true,
        Access::Bool(
            |s| s.dht.machine.restrict_search_ips,
            |s, v| machine(s).restrict_search_ips = v,
        ),
        "At most one node per public /24 (IPv6: /64) in a lookup.",
    ),
    opt(
        6076,
        "dht_refuse",
        true,
        Access::Str(200, |s| s.dht.refused().into_bytes(), set_refuse),
        "Queries that are not answered, by their names in the protocol, separated by commas, \
         `sample_infohashes` for one.",
    ),
    opt(
        6077,
        "dht_max_peers_reply",
        true,
        Access::Int(
            1,
            1000,
            |s| int(s.dht.machine.max_peers_reply),
            |s, v| machine(s).max_peers_reply = num(v),
        ),
        "Peers in one answer, as far as they fit 1400 bytes and 16 times the query.",
    ),
    opt(
        6078,
        "dht_sample_interval",
        true,
        Access::Int(
            0,
            21600,
            |s| secs(s.dht.machine.storage.sample_interval),
            |s, v| set(s).storage().sample_interval = from_secs(v),
        ),
        "Seconds for which one sample of info-hashes (BEP 51) is handed out.",
    ),
    opt(
        6079,
        "dht_query_notices",
        true,
        Access::Bool(|s| s.dht.query_notices, |s, v| set(s).query_notices = v),
        "A notice for each query that comes in; many.",
    ),
    opt(
        6080,
        "dht_search_branching",
        true,
        Access::Int(
            1,
            64,
            |s| int(s.dht.machine.search_branching),
            |s, v| machine(s).search_branching = num(v),
        ),
        "Questions under way in one lookup.",
    ),
    opt(
        6081,
        "dht_aggressive_lookups",
        true,
        Access::Bool(
            |s| s.dht.machine.aggressive_lookups,
            |s, v| machine(s).aggressive_lookups = v,
        ),
        "Keep all questions at the front of a lookup busy.",
    ),
    opt(
        6082,
        "dht_extended_table",
        true,
        Access::Bool(
            |s| s.dht.machine.extended_routing_table,
            |s, v| machine(s).extended_routing_table = v,
        ),
        "More places in the first buckets of a table: shorter ways.",
    ),
];

fn set(settings: &mut Settings) -> &mut DhtSettings {
    Arc::make_mut(&mut settings.dht)
}

fn machine(settings: &mut Settings) -> &mut Config {
    &mut set(settings).machine
}

fn set_bootstrap(settings: &mut Settings, text: &str) -> Result<(), &'static str> {
    let list = super::table::hosts(text)?;
    set(settings).bootstrap = list;
    Ok(())
}

fn set_refuse(settings: &mut Settings, text: &str) -> Result<(), &'static str> {
    set(settings).refuse(text)
}

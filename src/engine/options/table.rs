//! The rows of the option table.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{Access, OptionSpec, dht};
use crate::engine::settings::{SendInPlace, Settings};
use crate::hash::{HashPath, HashPathError};
use crate::swarm::{LoadPolicy, SaveConditions};

pub(super) const fn opt(
    id: u32,
    name: &'static str,
    live: bool,
    access: Access,
    doc: &'static str,
) -> OptionSpec {
    OptionSpec { id, name, live, since: "0.1.0", access, doc }
}

/// All options, by id.
pub static TABLE: &[OptionSpec] = &joined::<{ ROWS.len() + dht::ROWS.len() }>(&[ROWS, dht::ROWS]);

/// The rows of several lists, in order.
const fn joined<const N: usize>(lists: &[&[OptionSpec]]) -> [OptionSpec; N] {
    let mut out = [FIRST; N];
    let (mut list, mut at) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            out[at] = lists[list][row];
            (row, at) = (row + 1, at + 1);
        }
        list += 1;
    }
    assert!(at == N, "the lists have as many rows as was said");
    out
}

/// Something to begin with.
const FIRST: OptionSpec = ROWS[0];

/// The session's options, by id.
const ROWS: &[OptionSpec] = &[
    opt(
        1001,
        "net_threads",
        false,
        Access::Int(1, 64, |s| int(s.net_threads), |s, v| s.net_threads = num(v)),
        "Network threads. A torrent belongs to one of them.",
    ),
    opt(
        1002,
        "disk_threads",
        false,
        Access::Int(1, 64, |s| int(s.disk_threads), |s, v| s.disk_threads = num(v)),
        "Disk threads; they hash too.",
    ),
    opt(
        1003,
        "max_connections",
        true,
        Access::Int(1, 1000000, |s| int(s.max_connections), |s, v| s.max_connections = num(v)),
        "Established peer connections of all torrents.",
    ),
    opt(
        1004,
        "max_half_open",
        true,
        Access::Int(1, 100000, |s| int(s.max_half_open), |s, v| s.max_half_open = num(v)),
        "Connection attempts under way of all torrents.",
    ),
    opt(
        1005,
        "connect_timeout_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.connect_timeout),
            |s, v| s.connect_timeout = from_millis(v),
        ),
        "Time for a TCP connection to be established, in milliseconds.",
    ),
    opt(
        1006,
        "upload_limit",
        true,
        Access::Int(0, i64::MAX, |s| limit(s.upload_limit), |s, v| s.upload_limit = from_limit(v)),
        "Bytes per second sent by all torrents, 0 unlimited.",
    ),
    opt(
        1007,
        "download_limit",
        true,
        Access::Int(
            0,
            i64::MAX,
            |s| limit(s.download_limit),
            |s, v| s.download_limit = from_limit(v),
        ),
        "Bytes per second received by all torrents, 0 unlimited.",
    ),
    opt(
        1008,
        "num_want",
        true,
        Access::Int(0, 10000, |s| int(s.num_want), |s, v| s.num_want = num(v)),
        "Peers asked for in an announce.",
    ),
    opt(
        1009,
        "tracker_timeout_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.tracker_timeout),
            |s, v| s.tracker_timeout = from_millis(v),
        ),
        "Time for a tracker to answer, in milliseconds.",
    ),
    opt(
        1010,
        "stop_tracker_timeout_ms",
        true,
        Access::Int(
            0,
            86400000,
            |s| millis(s.stop_tracker_timeout),
            |s, v| s.stop_tracker_timeout = from_millis(v),
        ),
        "Time for `stopped` announces when the session closes, in milliseconds.",
    ),
    opt(
        1011,
        "max_open_files",
        false,
        Access::Int(1, 1000000, |s| int(s.max_open_files), |s, v| s.max_open_files = num(v)),
        "Content files kept open.",
    ),
    opt(
        1012,
        "memory_budget",
        false,
        Access::Int(
            4194304,
            1099511627776,
            |s| int(s.memory_budget_bytes),
            |s, v| s.memory_budget_bytes = num(v),
        ),
        "Bytes of all receive buffers together, what waits in them to be written included. When \
         half of it waits, peers are not read until the disk has caught up.",
    ),
    opt(
        1013,
        "event_queue_len",
        false,
        Access::Int(16, 10000000, |s| int(s.event_queue_len), |s, v| s.event_queue_len = num(v)),
        "Notices, and errors, kept before the oldest are dropped. Requests are never dropped.",
    ),
    opt(
        1014,
        "verify_window",
        false,
        Access::Int(1, 100000, |s| int(s.verify_window), |s, v| s.verify_window = num(v)),
        "Unanswered verify requests of one torrent.",
    ),
    opt(
        1015,
        "seed",
        false,
        Access::Int(
            -1,
            i64::MAX,
            |s| s.seed.map_or(-1, int),
            |s, v| s.seed = u64::try_from(v).ok(),
        ),
        "Seed of all random choices, for tests; -1 takes one from the system.",
    ),
    opt(
        1016,
        "save_interval_ms",
        true,
        Access::Int(
            0,
            86400000,
            |s| s.save_policy.interval.map_or(0, millis),
            |s, v| s.save_policy.interval = (v > 0).then(|| from_millis(v)),
        ),
        "Milliseconds between saves of a torrent that has unsaved changes, 0 never. For torrents \
         added afterwards.",
    ),
    opt(
        1017,
        "load_policy",
        true,
        Access::Int(0, 2, load_policy, set_load_policy),
        "What to trust when files differ from resume data: 0 per file, 1 strict, 2 trust. For \
         torrents added afterwards.",
    ),
    opt(
        1018,
        "torrent_max_connections",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.max_connections),
            |s, v| s.tuning.max_connections = num(v),
        ),
        "Connections of one torrent, attempts included.",
    ),
    opt(
        1019,
        "torrent_max_half_open",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.max_half_open),
            |s, v| s.tuning.max_half_open = num(v),
        ),
        "Connection attempts under way of one torrent.",
    ),
    opt(
        1020,
        "upload_slots",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.unchoke_slots),
            |s, v| s.tuning.unchoke_slots = num(v),
        ),
        "Peers of one torrent uploaded to at once.",
    ),
    opt(
        1021,
        "max_known_peers",
        true,
        Access::Int(
            1,
            10000000,
            |s| int(s.tuning.max_known_peers),
            |s, v| s.tuning.max_known_peers = num(v),
        ),
        "Addresses of one torrent remembered.",
    ),
    opt(
        1022,
        "max_per_ip",
        true,
        Access::Int(1, 100000, |s| int(s.tuning.max_per_ip), |s, v| s.tuning.max_per_ip = num(v)),
        "Connections of one torrent per address; loopback and private ranges are exempt.",
    ),
    opt(
        1023,
        "max_requests",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.max_requests),
            |s, v| s.tuning.max_requests = num(v),
        ),
        "Requests outstanding at one peer.",
    ),
    opt(
        1024,
        "request_queue_time_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.tuning.request_queue_time),
            |s, v| s.tuning.request_queue_time = from_millis(v),
        ),
        "Time of work kept requested at a peer, in milliseconds.",
    ),
    opt(
        1025,
        "snub_timeout_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.tuning.snub_timeout),
            |s, v| s.tuning.snub_timeout = from_millis(v),
        ),
        "Time without a block after which a peer counts as snubbing us, in milliseconds.",
    ),
    opt(
        1026,
        "request_timeout_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.tuning.request_timeout),
            |s, v| s.tuning.request_timeout = from_millis(v),
        ),
        "Age at which a request is given to other peers, in milliseconds.",
    ),
    opt(
        1027,
        "max_peer_requests",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.max_peer_requests),
            |s, v| s.tuning.max_peer_requests = num(v),
        ),
        "Requests one peer may have queued with us.",
    ),
    opt(
        1028,
        "send_watermark",
        true,
        Access::Int(
            16384,
            4294967296,
            |s| int(s.tuning.send_watermark_bytes),
            |s, v| s.tuning.send_watermark_bytes = num(v),
        ),
        "Bytes queued for one socket before no more is read from disk for it.",
    ),
    opt(
        1029,
        "handshake_timeout_ms",
        true,
        Access::Int(
            100,
            86400000,
            |s| millis(s.tuning.handshake_timeout),
            |s, v| s.tuning.handshake_timeout = from_millis(v),
        ),
        "Time for a handshake, in milliseconds.",
    ),
    opt(
        1030,
        "idle_timeout_ms",
        true,
        Access::Int(
            1000,
            86400000,
            |s| millis(s.tuning.idle_timeout),
            |s, v| s.tuning.idle_timeout = from_millis(v),
        ),
        "Silence after which a peer is dropped, in milliseconds.",
    ),
    opt(
        1031,
        "max_bad_pieces",
        true,
        Access::Int(
            1,
            100000,
            |s| int(s.tuning.max_bad_pieces),
            |s, v| s.tuning.max_bad_pieces = num(v),
        ),
        "Bad pieces a peer may have taken part in before it is banned.",
    ),
    opt(
        1032,
        "check_concurrency",
        true,
        Access::Int(
            0,
            10000,
            |s| int(s.tuning.check_concurrency),
            |s, v| s.tuning.check_concurrency = num(v),
        ),
        "Pieces of one torrent with the disk threads at once while checking; 0 keeps them busy.",
    ),
    opt(
        1033,
        "max_unwritten",
        true,
        Access::Int(
            1048576,
            1099511627776,
            |s| int(s.tuning.max_unwritten_bytes),
            |s, v| s.tuning.max_unwritten_bytes = num(v),
        ),
        "Bytes of one torrent received and not written before its peers are not read.",
    ),
    opt(
        1040,
        "send_in_place",
        true,
        Access::Int(
            0,
            2,
            |s| s.send_in_place as i64,
            |s, v| {
                s.send_in_place = match v {
                    0 => SendInPlace::Never,
                    1 => SendInPlace::Remote,
                    _ => SendInPlace::Always,
                };
            },
        ),
        "Whether content goes to peers from the page cache, without being read into memory, where \
         the system can do that: 0 never, 1 to other machines (on one machine it costs the two \
         sides more than it saves), 2 always. For connections made afterwards.",
    ),
    opt(
        2001,
        "trackers_enabled",
        true,
        Access::Bool(|s| s.trackers_enabled, |s, v| s.trackers_enabled = v),
        "Whether trackers are used.",
    ),
    opt(
        2002,
        "announce_all_tiers",
        true,
        Access::Bool(|s| s.announce_all_tiers, |s, v| s.announce_all_tiers = v),
        "Announce to all tiers instead of the first that answers.",
    ),
    opt(
        2003,
        "preallocate",
        true,
        Access::Bool(|s| s.preallocate, |s, v| s.preallocate = v),
        "Reserve space when files are created. For torrents added afterwards.",
    ),
    opt(
        2004,
        "save_on_piece",
        true,
        Access::Bool(|s| s.save_policy.on_piece, |s, v| s.save_policy.on_piece = v),
        "Save after every piece that passed. For torrents added afterwards.",
    ),
    opt(
        2005,
        "save_on_state_change",
        true,
        Access::Bool(|s| s.save_policy.on_state_change, |s, v| s.save_policy.on_state_change = v),
        "Save when a torrent's state or configuration changed. For torrents added afterwards.",
    ),
    opt(
        2006,
        "save_at_close",
        true,
        Access::Bool(|s| s.save_policy.at_close, |s, v| s.save_policy.at_close = v),
        "Save before closing. For torrents added afterwards.",
    ),
    opt(
        2007,
        "save_with_info",
        true,
        Access::Bool(|s| s.save_policy.with_info, |s, v| s.save_policy.with_info = v),
        "Embed the `info` dictionary in resume data. For torrents added afterwards.",
    ),
    opt(
        2008,
        "peer_requests",
        true,
        Access::Bool(|s| s.peer_requests, |s, v| s.peer_requests = v),
        "Ask the host about each peer address before connecting to it or letting it in.",
    ),
    opt(
        3001,
        "listen",
        false,
        Access::Str(4096, |s| s.listen.join(",").into_bytes(), set_listen),
        "`host:port` pairs to listen on, separated by commas; port 0 lets the system choose; \
         empty does not listen.",
    ),
    opt(
        3002,
        "user_agent",
        false,
        Access::Str(256, |s| s.user_agent.clone().into_bytes(), set_user_agent),
        "`User-Agent` of HTTP requests.",
    ),
    opt(
        3003,
        "announce_ip",
        true,
        Access::Str(
            64,
            |s| s.announce_ip.map_or_else(Vec::new, |ip| ip.to_string().into_bytes()),
            set_announce_ip,
        ),
        "Address told to trackers; empty tells none.",
    ),
    opt(
        3004,
        "tls_ca_file",
        false,
        Access::Path(4096, |s| path(s.tls_ca_file.as_ref()), |s, v| s.tls_ca_file = from_path(v)),
        "PEM file that replaces the system's certificate roots; empty uses those.",
    ),
    opt(
        3005,
        "state_dir",
        false,
        Access::Path(4096, |s| path(s.state_dir.as_ref()), |s, v| s.state_dir = from_path(v)),
        "Directory of the built-in store, for one session at a time; empty has none. It keeps \
         torrents, their resume data unless a save hook does, and their order.",
    ),
    opt(
        3006,
        "client",
        false,
        Access::Str(128, |s| s.tuning.client.clone().into_bytes(), set_client),
        "Our name in extension handshakes; empty uses `user_agent`.",
    ),
    opt(
        3007,
        "hash_path",
        false,
        Access::Str(16, |s| s.hash_path.name().into(), set_hash_path),
        "Instructions to hash with: `auto` takes the fastest for each batch; `portable`, `sha-ni`, \
         `avx2`, `avx512`, `neon` and `armv8` force one, if the machine has it.",
    ),
    opt(
        4001,
        "peer_id",
        false,
        Access::Bytes(20, |s| s.peer_id.clone(), |s, v| s.peer_id = v.to_vec()),
        "First bytes of the peer id (BEP 20), the rest is random; 20 bytes fix it.",
    ),
    opt(
        5051,
        "save_conditions",
        true,
        Access::Int(
            0,
            0x1f,
            |s| i64::from(s.save_policy.conditions.0 >> 4),
            |s, v| s.save_policy.conditions = SaveConditions(num::<u32>(v) << 4),
        ),
        "What the interval of `save_interval_ms` is for, a sum of: 1 counters, 2 progress, 4 \
         configuration, 8 state, 16 metadata. For torrents added afterwards.",
    ),
    opt(
        6001,
        "pex_enabled",
        true,
        Access::Bool(|s| s.tuning.pex, |s, v| s.tuning.pex = v),
        "Exchange peers with peers (BEP 11). Private torrents never do.",
    ),
    opt(
        6002,
        "metadata_max_bytes",
        true,
        Access::Int(
            1,
            32 << 20,
            |s| int(s.tuning.max_metadata_bytes),
            |s, v| s.tuning.max_metadata_bytes = num(v),
        ),
        "Longest metadata fetched from peers, in bytes (BEP 9).",
    ),
    opt(
        6003,
        "magnet_sources_enabled",
        true,
        Access::Bool(|s| s.magnet_sources, |s, v| s.magnet_sources = v),
        "Fetch the torrent file from where a magnet link says (`xs`, `as`).",
    ),
    opt(
        6004,
        "magnet_private_sources",
        true,
        Access::Bool(|s| s.magnet_private_sources, |s, v| s.magnet_private_sources = v),
        "Such a source may be on this machine or a private network. A link is a stranger's word.",
    ),
    opt(
        6031,
        "udp_trackers",
        true,
        Access::Bool(|s| s.udp_trackers, |s, v| s.udp_trackers = v),
        "Whether UDP trackers are used (BEP 15).",
    ),
    opt(
        6032,
        "udp_tracker_attempts",
        true,
        Access::Int(1, 9, |s| int(s.udp_attempts), |s, v| s.udp_attempts = num(v)),
        "Packets to a UDP tracker before a request is given up; the waits are 15 s, 30 s, 60 s and \
         so on (BEP 15).",
    ),
    opt(
        6033,
        "tracker_dns_preferences",
        true,
        Access::Bool(|s| s.tracker_dns_preferences, |s, v| s.tracker_dns_preferences = v),
        "Whether the wishes that a tracker's owner put into the DNS are followed (BEP 34).",
    ),
    opt(
        6034,
        "dns_servers",
        true,
        Access::Str(
            1024,
            |s| join(&s.dns_servers).into_bytes(),
            |s, text| addresses(text, 53).map(|list| s.dns_servers = list),
        ),
        "Name servers that are asked for them, addresses with or without a port, separated by \
         commas; empty for the system's.",
    ),
    opt(
        6035,
        "private_redirects",
        true,
        Access::Bool(|s| s.private_redirects, |s, v| s.private_redirects = v),
        "Whether an HTTP redirect of a tracker in the world may lead into a private network or to \
         this machine.",
    ),
    opt(
        6036,
        "max_announces_per_host",
        true,
        Access::Int(
            1,
            1000,
            |s| int(s.max_announces_per_host),
            |s, v| s.max_announces_per_host = num(v),
        ),
        "HTTP requests under way to one tracker's host at a time; those of torrents that stop are \
         not counted.",
    ),
    opt(
        6037,
        "lsd",
        true,
        Access::Bool(|s| s.lsd, |s, v| s.lsd = v),
        "Whether peers on the local network are looked for by multicast (BEP 14); never for \
         private torrents.",
    ),
    opt(
        6038,
        "lsd_interfaces",
        true,
        Access::Str(
            1024,
            |s| s.lsd_interfaces.join(",").into_bytes(),
            |s, text| {
                s.lsd_interfaces = words(text);
                Ok(())
            },
        ),
        "Names or addresses of the interfaces to look on, separated by commas; empty for those of \
         the addresses the session listens on.",
    ),
];

/// A stored number as an option's value. Options' ranges fit, whatever the stored type.
pub(super) fn int<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// An option's value as a stored number; the range was checked.
pub(super) fn num<T: TryFrom<i64> + Default>(value: i64) -> T {
    T::try_from(value).unwrap_or_default()
}

fn millis(value: Duration) -> i64 {
    int(value.as_millis())
}

fn from_millis(value: i64) -> Duration {
    Duration::from_millis(num(value))
}

pub(super) fn secs(value: Duration) -> i64 {
    int(value.as_secs())
}

pub(super) fn from_secs(value: i64) -> Duration {
    Duration::from_secs(num(value))
}

fn limit(value: Option<u64>) -> i64 {
    value.map_or(0, int)
}

fn from_limit(value: i64) -> Option<u64> {
    u64::try_from(value).ok().filter(|v| *v > 0)
}

fn load_policy(s: &Settings) -> i64 {
    match s.load_policy {
        LoadPolicy::PerFile => 0,
        LoadPolicy::Strict => 1,
        LoadPolicy::Trust => 2,
    }
}

fn set_load_policy(s: &mut Settings, value: i64) {
    s.load_policy = match value {
        1 => LoadPolicy::Strict,
        2 => LoadPolicy::Trust,
        _ => LoadPolicy::PerFile,
    };
}

/// A list of `host:port`.
pub(super) fn hosts(text: &str) -> Result<Vec<String>, &'static str> {
    let list = words(text);
    let port_ok = |t: &String| t.rsplit_once(':').is_some_and(|(_, p)| p.parse::<u16>().is_ok());
    if list.iter().all(port_ok) { Ok(list) } else { Err("not a list of host:port") }
}

fn set_listen(s: &mut Settings, text: &str) -> Result<(), &'static str> {
    s.listen = hosts(text)?;
    Ok(())
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|t| !t.is_empty()).map(String::from).collect()
}

fn join(addrs: &[SocketAddr]) -> String {
    addrs.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
}

/// Addresses, with a port of their own or this one.
fn addresses(text: &str, port: u16) -> Result<Vec<SocketAddr>, &'static str> {
    let one = |text: String| {
        let whole = text.parse::<SocketAddr>().ok();
        whole.or_else(|| Some(SocketAddr::new(text.parse().ok()?, port)))
    };
    words(text).into_iter().map(one).collect::<Option<_>>().ok_or("not a list of addresses")
}

fn set_user_agent(s: &mut Settings, text: &str) -> Result<(), &'static str> {
    if text.bytes().any(|b| b.is_ascii_control()) {
        return Err("control characters are not allowed");
    }
    s.user_agent = text.into();
    Ok(())
}

fn set_client(s: &mut Settings, text: &str) -> Result<(), &'static str> {
    s.tuning.client = text.into();
    Ok(())
}

fn set_hash_path(s: &mut Settings, text: &str) -> Result<(), &'static str> {
    let path: HashPath = text.parse().map_err(|_: HashPathError| "no hash path has this name")?;
    if !path.is_available() {
        return Err("this machine lacks the instructions of this hash path");
    }
    s.hash_path = path;
    Ok(())
}

fn set_announce_ip(s: &mut Settings, text: &str) -> Result<(), &'static str> {
    s.announce_ip = match text.trim() {
        "" => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| "not an IP address")?),
    };
    Ok(())
}

fn path(path: Option<&PathBuf>) -> Vec<u8> {
    path.map_or_else(Vec::new, |p| p.as_os_str().as_encoded_bytes().to_vec())
}

fn from_path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.is_empty()).then(|| crate::engine::path_from_bytes(bytes))
}

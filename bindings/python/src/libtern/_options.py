"""Options of sessions, from the option table of the library.

This file is generated (python tools/generate.py). Do not edit it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict

from ._codes import OptionType


class Option(NamedTuple):
    """What is known about an option."""

    id: int
    """Number of the option in C."""
    name: str
    """The keyword."""
    type: OptionType
    """Type of its values."""
    default: Any
    """Value when it is not set."""
    min: int
    """Smallest integer."""
    max: int
    """Largest integer; longest text, in bytes."""
    live: bool
    """Whether `Session.apply` can change it."""
    doc: str
    """One line about it."""


class LiveOptions(TypedDict, total=False):
    """Keywords of `Session.apply`."""

    max_connections: int
    """Established peer connections of all torrents."""
    max_half_open: int
    """Connection attempts under way of all torrents."""
    connect_timeout_ms: int
    """Time for a TCP connection to be established, in milliseconds."""
    upload_limit: int
    """Bytes per second sent by all torrents, 0 unlimited."""
    download_limit: int
    """Bytes per second received by all torrents, 0 unlimited."""
    num_want: int
    """Peers asked for in an announce."""
    tracker_timeout_ms: int
    """Time for a tracker to answer, in milliseconds."""
    stop_tracker_timeout_ms: int
    """Time for `stopped` announces when the session closes, in milliseconds."""
    save_interval_ms: int
    """Milliseconds between saves of a torrent that has unsaved changes, 0 never. For torrents
    added afterwards."""
    load_policy: int
    """What to trust when files differ from resume data: 0 per file, 1 strict, 2 trust. For
    torrents added afterwards."""
    torrent_max_connections: int
    """Connections of one torrent, attempts included."""
    torrent_max_half_open: int
    """Connection attempts under way of one torrent."""
    upload_slots: int
    """Peers of one torrent uploaded to at once."""
    max_known_peers: int
    """Addresses of one torrent remembered."""
    max_per_ip: int
    """Connections of one torrent per address; loopback and private ranges are exempt."""
    max_requests: int
    """Requests outstanding at one peer."""
    request_queue_time_ms: int
    """Time of work kept requested at a peer, in milliseconds."""
    snub_timeout_ms: int
    """Time without a block after which a peer counts as snubbing us, in milliseconds."""
    request_timeout_ms: int
    """Age at which a request is given to other peers, in milliseconds."""
    max_peer_requests: int
    """Requests one peer may have queued with us."""
    send_watermark: int
    """Bytes queued for one socket before no more is read from disk for it."""
    handshake_timeout_ms: int
    """Time for a handshake, in milliseconds."""
    idle_timeout_ms: int
    """Silence after which a peer is dropped, in milliseconds."""
    max_bad_pieces: int
    """Bad pieces a peer may have taken part in before it is banned."""
    check_concurrency: int
    """Pieces of one torrent with the disk threads at once while checking; 0 keeps them busy."""
    max_unwritten: int
    """Bytes of one torrent received and not written before its peers are not read."""
    send_in_place: int
    """Whether content goes to peers from the page cache, without being read into memory, where
    the system can do that: 0 never, 1 to other machines (on one machine it costs the two sides
    more than it saves), 2 always. For connections made afterwards."""
    trackers_enabled: bool
    """Whether trackers are used."""
    announce_all_tiers: bool
    """Announce to all tiers instead of the first that answers."""
    preallocate: bool
    """Reserve space when files are created. For torrents added afterwards."""
    save_on_piece: bool
    """Save after every piece that passed. For torrents added afterwards."""
    save_on_state_change: bool
    """Save when a torrent's state or configuration changed. For torrents added afterwards."""
    save_at_close: bool
    """Save before closing. For torrents added afterwards."""
    save_with_info: bool
    """Embed the `info` dictionary in resume data. For torrents added afterwards."""
    peer_requests: bool
    """Ask the host about each peer address before connecting to it or letting it in."""
    announce_ip: str
    """Address told to trackers; empty tells none."""
    save_conditions: int
    """What the interval of `save_interval_ms` is for, a sum of: 1 counters, 2 progress, 4
    configuration, 8 state, 16 metadata. For torrents added afterwards."""
    pex_enabled: bool
    """Exchange peers with peers (BEP 11). Private torrents never do."""
    metadata_max_bytes: int
    """Longest metadata fetched from peers, in bytes (BEP 9)."""
    magnet_sources_enabled: bool
    """Fetch the torrent file from where a magnet link says (`xs`, `as`)."""
    magnet_private_sources: bool
    """Such a source may be on this machine or a private network. A link is a stranger's word."""
    udp_trackers: bool
    """Whether UDP trackers are used (BEP 15)."""
    udp_tracker_attempts: int
    """Packets to a UDP tracker before a request is given up; the waits are 15 s, 30 s, 60 s and
    so on (BEP 15)."""
    tracker_dns_preferences: bool
    """Whether the wishes that a tracker's owner put into the DNS are followed (BEP 34)."""
    dns_servers: str
    """Name servers that are asked for them, addresses with or without a port, separated by
    commas; empty for the system's."""
    private_redirects: bool
    """Whether an HTTP redirect of a tracker in the world may lead into a private network or to
    this machine."""
    max_announces_per_host: int
    """HTTP requests under way to one tracker's host at a time; those of torrents that stop are
    not counted."""
    lsd: bool
    """Whether peers on the local network are looked for by multicast (BEP 14); never for private
    torrents."""
    lsd_interfaces: str
    """Names or addresses of the interfaces to look on, separated by commas; empty for those of
    the addresses the session listens on."""
    dht: bool
    """A node of the DHT (BEP 5) at each address the session listens on. It joins the network when
    a torrent that is not private, or the host, first wants it to."""
    dht_bootstrap: str
    """Nodes to start from, `host:port` separated by commas; empty has none."""
    dht_read_only: bool
    """Ask without answering, and say so (BEP 43)."""
    dht_security: int
    """Node ids that do not fit their address (BEP 42): 0 as good as others, 1 others first, 2
    neither kept nor asked. Loopback and private ranges are exempt."""
    dht_upload_rate: int
    """Bytes per second the DHT may send, 0 unlimited. Half of it is kept for our own
    questions."""
    dht_announce_interval: int
    """Seconds between the announces of one torrent. One that finds no peers asks sooner, with
    growing pauses."""
    dht_max_lookups: int
    """Torrents looked up and announced at a time; the others wait for their turn."""
    dht_max_torrents: int
    """Torrents for which peers are kept for others."""
    dht_max_peers: int
    """Peers kept for others, by torrent and family."""
    dht_max_items: int
    """Items (BEP 44) kept for others."""
    dht_item_lifetime: int
    """Seconds an item is kept without being stored again."""
    dht_flood_rate: int
    """Queries per second from one public address, over ten seconds, after which it is ignored for
    a while; 0 unlimited."""
    dht_flood_ban: int
    """Seconds for which such an address is ignored."""
    dht_restrict_routing_ips: bool
    """At most one node per public address in a table, and per /24 (IPv6: /64) in a bucket."""
    dht_restrict_search_ips: bool
    """At most one node per public /24 (IPv6: /64) in a lookup."""
    dht_refuse: str
    """Queries that are not answered, by their names in the protocol, separated by commas,
    `sample_infohashes` for one."""
    dht_max_peers_reply: int
    """Peers in one answer, as far as they fit 1400 bytes and 16 times the query."""
    dht_sample_interval: int
    """Seconds for which one sample of info-hashes (BEP 51) is handed out."""
    dht_query_notices: bool
    """A notice for each query that comes in; many."""
    dht_search_branching: int
    """Questions under way in one lookup."""
    dht_aggressive_lookups: bool
    """Keep all questions at the front of a lookup busy."""
    dht_extended_table: bool
    """More places in the first buckets of a table: shorter ways."""


class SessionOptions(LiveOptions, total=False):
    """Keywords of `Session`."""

    net_threads: int
    """Network threads. A torrent belongs to one of them."""
    disk_threads: int
    """Disk threads; they hash too."""
    max_open_files: int
    """Content files kept open."""
    memory_budget: int
    """Bytes of all receive buffers together, what waits in them to be written included. When half
    of it waits, peers are not read until the disk has caught up."""
    event_queue_len: int
    """Notices, and errors, kept before the oldest are dropped. Requests are never dropped."""
    verify_window: int
    """Unanswered verify requests of one torrent."""
    seed: int
    """Seed of all random choices, for tests; -1 takes one from the system."""
    listen: str
    """`host:port` pairs to listen on, separated by commas; port 0 lets the system choose; empty
    does not listen."""
    user_agent: str
    """`User-Agent` of HTTP requests."""
    tls_ca_file: str
    """PEM file that replaces the system's certificate roots; empty uses those."""
    state_dir: str
    """Directory of the built-in store, for one session at a time; empty has none. It keeps
    torrents, their resume data unless a save hook does, and their order."""
    client: str
    """Our name in extension handshakes; empty uses `user_agent`."""
    hash_path: str
    """Instructions to hash with: `auto` takes the fastest for each batch; `portable`, `sha-ni`,
    `avx2`, `avx512`, `neon` and `armv8` force one, if the machine has it."""
    peer_id: bytes
    """First bytes of the peer id (BEP 20), the rest is random; 20 bytes fix it."""


OPTIONS: dict[str, Option] = {
    "net_threads": Option(
        1001, "net_threads", OptionType.INT, 1, 1, 64, False,
        "Network threads. A torrent belongs to one of them.",
    ),
    "disk_threads": Option(
        1002, "disk_threads", OptionType.INT, 2, 1, 64, False,
        "Disk threads; they hash too.",
    ),
    "max_connections": Option(
        1003, "max_connections", OptionType.INT, 500, 1, 1000000, True,
        "Established peer connections of all torrents.",
    ),
    "max_half_open": Option(
        1004, "max_half_open", OptionType.INT, 100, 1, 100000, True,
        "Connection attempts under way of all torrents.",
    ),
    "connect_timeout_ms": Option(
        1005, "connect_timeout_ms", OptionType.INT, 10000, 100, 86400000, True,
        "Time for a TCP connection to be established, in milliseconds.",
    ),
    "upload_limit": Option(
        1006, "upload_limit", OptionType.INT, 0, 0, 9223372036854775807, True,
        "Bytes per second sent by all torrents, 0 unlimited.",
    ),
    "download_limit": Option(
        1007, "download_limit", OptionType.INT, 0, 0, 9223372036854775807, True,
        "Bytes per second received by all torrents, 0 unlimited.",
    ),
    "num_want": Option(
        1008, "num_want", OptionType.INT, 200, 0, 10000, True,
        "Peers asked for in an announce.",
    ),
    "tracker_timeout_ms": Option(
        1009, "tracker_timeout_ms", OptionType.INT, 30000, 100, 86400000, True,
        "Time for a tracker to answer, in milliseconds.",
    ),
    "stop_tracker_timeout_ms": Option(
        1010, "stop_tracker_timeout_ms", OptionType.INT, 5000, 0, 86400000, True,
        "Time for `stopped` announces when the session closes, in milliseconds.",
    ),
    "max_open_files": Option(
        1011, "max_open_files", OptionType.INT, 256, 1, 1000000, False,
        "Content files kept open.",
    ),
    "memory_budget": Option(
        1012, "memory_budget", OptionType.INT, 67108864, 4194304, 1099511627776, False,
        "Bytes of all receive buffers together, what waits in them to be written included. "
        "When half of it waits, peers are not read until the disk has caught up.",
    ),
    "event_queue_len": Option(
        1013, "event_queue_len", OptionType.INT, 10000, 16, 10000000, False,
        "Notices, and errors, kept before the oldest are dropped. Requests are never dropped.",
    ),
    "verify_window": Option(
        1014, "verify_window", OptionType.INT, 64, 1, 100000, False,
        "Unanswered verify requests of one torrent.",
    ),
    "seed": Option(
        1015, "seed", OptionType.INT, -1, -1, 9223372036854775807, False,
        "Seed of all random choices, for tests; -1 takes one from the system.",
    ),
    "save_interval_ms": Option(
        1016, "save_interval_ms", OptionType.INT, 60000, 0, 86400000, True,
        "Milliseconds between saves of a torrent that has unsaved changes, 0 never. For "
        "torrents added afterwards.",
    ),
    "load_policy": Option(
        1017, "load_policy", OptionType.INT, 0, 0, 2, True,
        "What to trust when files differ from resume data: 0 per file, 1 strict, 2 trust. For"
        " torrents added afterwards.",
    ),
    "torrent_max_connections": Option(
        1018, "torrent_max_connections", OptionType.INT, 100, 1, 100000, True,
        "Connections of one torrent, attempts included.",
    ),
    "torrent_max_half_open": Option(
        1019, "torrent_max_half_open", OptionType.INT, 25, 1, 100000, True,
        "Connection attempts under way of one torrent.",
    ),
    "upload_slots": Option(
        1020, "upload_slots", OptionType.INT, 8, 1, 100000, True,
        "Peers of one torrent uploaded to at once.",
    ),
    "max_known_peers": Option(
        1021, "max_known_peers", OptionType.INT, 2000, 1, 10000000, True,
        "Addresses of one torrent remembered.",
    ),
    "max_per_ip": Option(
        1022, "max_per_ip", OptionType.INT, 1, 1, 100000, True,
        "Connections of one torrent per address; loopback and private ranges are exempt.",
    ),
    "max_requests": Option(
        1023, "max_requests", OptionType.INT, 500, 1, 100000, True,
        "Requests outstanding at one peer.",
    ),
    "request_queue_time_ms": Option(
        1024, "request_queue_time_ms", OptionType.INT, 3000, 100, 86400000, True,
        "Time of work kept requested at a peer, in milliseconds.",
    ),
    "snub_timeout_ms": Option(
        1025, "snub_timeout_ms", OptionType.INT, 60000, 100, 86400000, True,
        "Time without a block after which a peer counts as snubbing us, in milliseconds.",
    ),
    "request_timeout_ms": Option(
        1026, "request_timeout_ms", OptionType.INT, 60000, 100, 86400000, True,
        "Age at which a request is given to other peers, in milliseconds.",
    ),
    "max_peer_requests": Option(
        1027, "max_peer_requests", OptionType.INT, 500, 1, 100000, True,
        "Requests one peer may have queued with us.",
    ),
    "send_watermark": Option(
        1028, "send_watermark", OptionType.INT, 1048576, 16384, 4294967296, True,
        "Bytes queued for one socket before no more is read from disk for it.",
    ),
    "handshake_timeout_ms": Option(
        1029, "handshake_timeout_ms", OptionType.INT, 20000, 100, 86400000, True,
        "Time for a handshake, in milliseconds.",
    ),
    "idle_timeout_ms": Option(
        1030, "idle_timeout_ms", OptionType.INT, 150000, 1000, 86400000, True,
        "Silence after which a peer is dropped, in milliseconds.",
    ),
    "max_bad_pieces": Option(
        1031, "max_bad_pieces", OptionType.INT, 3, 1, 100000, True,
        "Bad pieces a peer may have taken part in before it is banned.",
    ),
    "check_concurrency": Option(
        1032, "check_concurrency", OptionType.INT, 0, 0, 10000, True,
        "Pieces of one torrent with the disk threads at once while checking; 0 keeps them "
        "busy.",
    ),
    "max_unwritten": Option(
        1033, "max_unwritten", OptionType.INT, 33554432, 1048576, 1099511627776, True,
        "Bytes of one torrent received and not written before its peers are not read.",
    ),
    "send_in_place": Option(
        1040, "send_in_place", OptionType.INT, 1, 0, 2, True,
        "Whether content goes to peers from the page cache, without being read into memory, "
        "where the system can do that: 0 never, 1 to other machines (on one machine it costs "
        "the two sides more than it saves), 2 always. For connections made afterwards.",
    ),
    "trackers_enabled": Option(
        2001, "trackers_enabled", OptionType.BOOL, True, 0, 1, True,
        "Whether trackers are used.",
    ),
    "announce_all_tiers": Option(
        2002, "announce_all_tiers", OptionType.BOOL, False, 0, 1, True,
        "Announce to all tiers instead of the first that answers.",
    ),
    "preallocate": Option(
        2003, "preallocate", OptionType.BOOL, False, 0, 1, True,
        "Reserve space when files are created. For torrents added afterwards.",
    ),
    "save_on_piece": Option(
        2004, "save_on_piece", OptionType.BOOL, False, 0, 1, True,
        "Save after every piece that passed. For torrents added afterwards.",
    ),
    "save_on_state_change": Option(
        2005, "save_on_state_change", OptionType.BOOL, True, 0, 1, True,
        "Save when a torrent's state or configuration changed. For torrents added afterwards.",
    ),
    "save_at_close": Option(
        2006, "save_at_close", OptionType.BOOL, True, 0, 1, True,
        "Save before closing. For torrents added afterwards.",
    ),
    "save_with_info": Option(
        2007, "save_with_info", OptionType.BOOL, False, 0, 1, True,
        "Embed the `info` dictionary in resume data. For torrents added afterwards.",
    ),
    "peer_requests": Option(
        2008, "peer_requests", OptionType.BOOL, False, 0, 1, True,
        "Ask the host about each peer address before connecting to it or letting it in.",
    ),
    "listen": Option(
        3001, "listen", OptionType.STR, "0.0.0.0:0,[::]:0", 0, 4096, False,
        "`host:port` pairs to listen on, separated by commas; port 0 lets the system choose; "
        "empty does not listen.",
    ),
    "user_agent": Option(
        3002, "user_agent", OptionType.STR, "libtern/0.1.0", 0, 256, False,
        "`User-Agent` of HTTP requests.",
    ),
    "announce_ip": Option(
        3003, "announce_ip", OptionType.STR, "", 0, 64, True,
        "Address told to trackers; empty tells none.",
    ),
    "tls_ca_file": Option(
        3004, "tls_ca_file", OptionType.STR, "", 0, 4096, False,
        "PEM file that replaces the system's certificate roots; empty uses those.",
    ),
    "state_dir": Option(
        3005, "state_dir", OptionType.STR, "", 0, 4096, False,
        "Directory of the built-in store, for one session at a time; empty has none. It keeps"
        " torrents, their resume data unless a save hook does, and their order.",
    ),
    "client": Option(
        3006, "client", OptionType.STR, "", 0, 128, False,
        "Our name in extension handshakes; empty uses `user_agent`.",
    ),
    "hash_path": Option(
        3007, "hash_path", OptionType.STR, "auto", 0, 16, False,
        "Instructions to hash with: `auto` takes the fastest for each batch; `portable`, "
        "`sha-ni`, `avx2`, `avx512`, `neon` and `armv8` force one, if the machine has it.",
    ),
    "peer_id": Option(
        4001, "peer_id", OptionType.BYTES, b"-TN0010-", 0, 20, False,
        "First bytes of the peer id (BEP 20), the rest is random; 20 bytes fix it.",
    ),
    "save_conditions": Option(
        5051, "save_conditions", OptionType.INT, 30, 0, 31, True,
        "What the interval of `save_interval_ms` is for, a sum of: 1 counters, 2 progress, 4 "
        "configuration, 8 state, 16 metadata. For torrents added afterwards.",
    ),
    "pex_enabled": Option(
        6001, "pex_enabled", OptionType.BOOL, True, 0, 1, True,
        "Exchange peers with peers (BEP 11). Private torrents never do.",
    ),
    "metadata_max_bytes": Option(
        6002, "metadata_max_bytes", OptionType.INT, 33554432, 1, 33554432, True,
        "Longest metadata fetched from peers, in bytes (BEP 9).",
    ),
    "magnet_sources_enabled": Option(
        6003, "magnet_sources_enabled", OptionType.BOOL, True, 0, 1, True,
        "Fetch the torrent file from where a magnet link says (`xs`, `as`).",
    ),
    "magnet_private_sources": Option(
        6004, "magnet_private_sources", OptionType.BOOL, False, 0, 1, True,
        "Such a source may be on this machine or a private network. A link is a stranger's "
        "word.",
    ),
    "udp_trackers": Option(
        6031, "udp_trackers", OptionType.BOOL, True, 0, 1, True,
        "Whether UDP trackers are used (BEP 15).",
    ),
    "udp_tracker_attempts": Option(
        6032, "udp_tracker_attempts", OptionType.INT, 2, 1, 9, True,
        "Packets to a UDP tracker before a request is given up; the waits are 15 s, 30 s, 60 "
        "s and so on (BEP 15).",
    ),
    "tracker_dns_preferences": Option(
        6033, "tracker_dns_preferences", OptionType.BOOL, True, 0, 1, True,
        "Whether the wishes that a tracker's owner put into the DNS are followed (BEP 34).",
    ),
    "dns_servers": Option(
        6034, "dns_servers", OptionType.STR, "", 0, 1024, True,
        "Name servers that are asked for them, addresses with or without a port, separated by"
        " commas; empty for the system's.",
    ),
    "private_redirects": Option(
        6035, "private_redirects", OptionType.BOOL, False, 0, 1, True,
        "Whether an HTTP redirect of a tracker in the world may lead into a private network "
        "or to this machine.",
    ),
    "max_announces_per_host": Option(
        6036, "max_announces_per_host", OptionType.INT, 8, 1, 1000, True,
        "HTTP requests under way to one tracker's host at a time; those of torrents that stop"
        " are not counted.",
    ),
    "lsd": Option(
        6037, "lsd", OptionType.BOOL, True, 0, 1, True,
        "Whether peers on the local network are looked for by multicast (BEP 14); never for "
        "private torrents.",
    ),
    "lsd_interfaces": Option(
        6038, "lsd_interfaces", OptionType.STR, "", 0, 1024, True,
        "Names or addresses of the interfaces to look on, separated by commas; empty for "
        "those of the addresses the session listens on.",
    ),
    "dht": Option(
        6061, "dht", OptionType.BOOL, True, 0, 1, True,
        "A node of the DHT (BEP 5) at each address the session listens on. It joins the "
        "network when a torrent that is not private, or the host, first wants it to.",
    ),
    "dht_bootstrap": Option(
        6062, "dht_bootstrap", OptionType.STR, "dht.libtorrent.org:25401,router.bittorrent.com:6881,dht.transmissionbt.com:6881,router.utorrent.com:6881", 0, 4096, True,
        "Nodes to start from, `host:port` separated by commas; empty has none.",
    ),
    "dht_read_only": Option(
        6063, "dht_read_only", OptionType.BOOL, False, 0, 1, True,
        "Ask without answering, and say so (BEP 43).",
    ),
    "dht_security": Option(
        6064, "dht_security", OptionType.INT, 1, 0, 2, True,
        "Node ids that do not fit their address (BEP 42): 0 as good as others, 1 others "
        "first, 2 neither kept nor asked. Loopback and private ranges are exempt.",
    ),
    "dht_upload_rate": Option(
        6065, "dht_upload_rate", OptionType.INT, 8000, 0, 1000000000, True,
        "Bytes per second the DHT may send, 0 unlimited. Half of it is kept for our own "
        "questions.",
    ),
    "dht_announce_interval": Option(
        6066, "dht_announce_interval", OptionType.INT, 900, 60, 86400, True,
        "Seconds between the announces of one torrent. One that finds no peers asks sooner, "
        "with growing pauses.",
    ),
    "dht_max_lookups": Option(
        6067, "dht_max_lookups", OptionType.INT, 16, 1, 500, True,
        "Torrents looked up and announced at a time; the others wait for their turn.",
    ),
    "dht_max_torrents": Option(
        6068, "dht_max_torrents", OptionType.INT, 2000, 1, 1000000, True,
        "Torrents for which peers are kept for others.",
    ),
    "dht_max_peers": Option(
        6069, "dht_max_peers", OptionType.INT, 500, 1, 6000, True,
        "Peers kept for others, by torrent and family.",
    ),
    "dht_max_items": Option(
        6070, "dht_max_items", OptionType.INT, 700, 1, 1000000, True,
        "Items (BEP 44) kept for others.",
    ),
    "dht_item_lifetime": Option(
        6071, "dht_item_lifetime", OptionType.INT, 7200, 60, 604800, True,
        "Seconds an item is kept without being stored again.",
    ),
    "dht_flood_rate": Option(
        6072, "dht_flood_rate", OptionType.INT, 5, 0, 100000, True,
        "Queries per second from one public address, over ten seconds, after which it is "
        "ignored for a while; 0 unlimited.",
    ),
    "dht_flood_ban": Option(
        6073, "dht_flood_ban", OptionType.INT, 300, 1, 86400, True,
        "Seconds for which such an address is ignored.",
    ),
    "dht_restrict_routing_ips": Option(
        6074, "dht_restrict_routing_ips", OptionType.BOOL, True, 0, 1, True,
        "At most one node per public address in a table, and per /24 (IPv6: /64) in a bucket.",
    ),
    "dht_restrict_search_ips": Option(
        6075, "dht_restrict_search_ips", OptionType.BOOL, True, 0, 1, True,
        "At most one node per public /24 (IPv6: /64) in a lookup.",
    ),
    "dht_refuse": Option(
        6076, "dht_refuse", OptionType.STR, "", 0, 200, True,
        "Queries that are not answered, by their names in the protocol, separated by commas, "
        "`sample_infohashes` for one.",
    ),
    "dht_max_peers_reply": Option(
        6077, "dht_max_peers_reply", OptionType.INT, 100, 1, 1000, True,
        "Peers in one answer, as far as they fit 1400 bytes and 16 times the query.",
    ),
    "dht_sample_interval": Option(
        6078, "dht_sample_interval", OptionType.INT, 21600, 0, 21600, True,
        "Seconds for which one sample of info-hashes (BEP 51) is handed out.",
    ),
    "dht_query_notices": Option(
        6079, "dht_query_notices", OptionType.BOOL, False, 0, 1, True,
        "A notice for each query that comes in; many.",
    ),
    "dht_search_branching": Option(
        6080, "dht_search_branching", OptionType.INT, 5, 1, 64, True,
        "Questions under way in one lookup.",
    ),
    "dht_aggressive_lookups": Option(
        6081, "dht_aggressive_lookups", OptionType.BOOL, True, 0, 1, True,
        "Keep all questions at the front of a lookup busy.",
    ),
    "dht_extended_table": Option(
        6082, "dht_extended_table", OptionType.BOOL, True, 0, 1, True,
        "More places in the first buckets of a table: shorter ways.",
    ),
}
"""All options by name, in the order of their numbers."""

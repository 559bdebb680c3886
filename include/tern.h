/*
 * libtern: an embeddable BitTorrent engine. C interface.
 *
 * This file is generated (cargo run -p xtask -- header). SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Ownership: `_new`, `_parse`, `_load`, `_take_` give the caller something to free; `_retain` and
 * `_release` count references; everything else that returns a pointer or a view lends it, and says
 * whose it is. Freeing and releasing accept NULL and any order. Out-parameters are written only on
 * success, unless said otherwise.
 *
 * Errors: functions return TERN_OK (0) or a negative TERN_E_* number. The last parameter of most,
 * `err`, may be NULL; else *err is set to an error object on failure (free it with
 * tern_error_free) and left alone on success.
 *
 * Text is UTF-8, given as pointer and length; `len` 0 accepts NULL. Paths are the system's bytes.
 *
 * Threads: each function's last line says who may call it. `any` is every thread at any time;
 * `one per object` is any thread, but not two at once on the same object. Functions marked
 * `in hooks: no` return TERN_E_REENTRANT inside an INLINE hook.
 *
 * Fork: no session survives fork(). In the child every call that needs one returns TERN_E_FORKED,
 * and releasing frees nothing.
 */

#ifndef TERN_H
#define TERN_H

#include <stddef.h>
#include <stdint.h>

#if !defined(TERN_API)
#  if defined(__GNUC__) || defined(__clang__)
#    define TERN_API __attribute__((visibility("default")))
#  else
#    define TERN_API
#  endif
#endif

/* Options of tern_config: integers from 1000, booleans from 2000, texts from 3000, bytes from 4000. */

/** int: Network threads. A torrent belongs to one of them. */
#define TERN_OPT_NET_THREADS 1001

/** int: Disk threads; they hash too. */
#define TERN_OPT_DISK_THREADS 1002

/** int: Established peer connections of all torrents. Live. */
#define TERN_OPT_MAX_CONNECTIONS 1003

/** int: Connection attempts under way of all torrents. Live. */
#define TERN_OPT_MAX_HALF_OPEN 1004

/** int: Time for a TCP connection to be established, in milliseconds. Live. */
#define TERN_OPT_CONNECT_TIMEOUT_MS 1005

/** int: Bytes per second sent by all torrents, 0 unlimited. Live. */
#define TERN_OPT_UPLOAD_LIMIT 1006

/** int: Bytes per second received by all torrents, 0 unlimited. Live. */
#define TERN_OPT_DOWNLOAD_LIMIT 1007

/** int: Peers asked for in an announce. Live. */
#define TERN_OPT_NUM_WANT 1008

/** int: Time for a tracker to answer, in milliseconds. Live. */
#define TERN_OPT_TRACKER_TIMEOUT_MS 1009

/** int: Time for `stopped` announces when the session closes, in milliseconds. Live. */
#define TERN_OPT_STOP_TRACKER_TIMEOUT_MS 1010

/** int: Content files kept open. */
#define TERN_OPT_MAX_OPEN_FILES 1011

/** int: Bytes of all receive buffers together, what waits in them to be written included. When half of it waits, peers are not read until the disk has caught up. */
#define TERN_OPT_MEMORY_BUDGET 1012

/** int: Notices, and errors, kept before the oldest are dropped. Requests are never dropped. */
#define TERN_OPT_EVENT_QUEUE_LEN 1013

/** int: Unanswered verify requests of one torrent. */
#define TERN_OPT_VERIFY_WINDOW 1014

/** int: Seed of all random choices, for tests; -1 takes one from the system. */
#define TERN_OPT_SEED 1015

/** int: Milliseconds between saves of a torrent that has unsaved changes, 0 never. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_INTERVAL_MS 1016

/** int: What to trust when files differ from resume data: 0 per file, 1 strict, 2 trust. For torrents added afterwards. Live. */
#define TERN_OPT_LOAD_POLICY 1017

/** int: Connections of one torrent, attempts included. Live. */
#define TERN_OPT_TORRENT_MAX_CONNECTIONS 1018

/** int: Connection attempts under way of one torrent. Live. */
#define TERN_OPT_TORRENT_MAX_HALF_OPEN 1019

/** int: Peers of one torrent uploaded to at once. Live. */
#define TERN_OPT_UPLOAD_SLOTS 1020

/** int: Addresses of one torrent remembered. Live. */
#define TERN_OPT_MAX_KNOWN_PEERS 1021

/** int: Connections of one torrent per address; loopback and private ranges are exempt. Live. */
#define TERN_OPT_MAX_PER_IP 1022

/** int: Requests outstanding at one peer. Live. */
#define TERN_OPT_MAX_REQUESTS 1023

/** int: Time of work kept requested at a peer, in milliseconds. Live. */
#define TERN_OPT_REQUEST_QUEUE_TIME_MS 1024

/** int: Time without a block after which a peer counts as snubbing us, in milliseconds. Live. */
#define TERN_OPT_SNUB_TIMEOUT_MS 1025

/** int: Age at which a request is given to other peers, in milliseconds. Live. */
#define TERN_OPT_REQUEST_TIMEOUT_MS 1026

/** int: Requests one peer may have queued with us. Live. */
#define TERN_OPT_MAX_PEER_REQUESTS 1027

/** int: Bytes queued for one socket before no more is read from disk for it. Live. */
#define TERN_OPT_SEND_WATERMARK 1028

/** int: Time for a handshake, in milliseconds. Live. */
#define TERN_OPT_HANDSHAKE_TIMEOUT_MS 1029

/** int: Silence after which a peer is dropped, in milliseconds. Live. */
#define TERN_OPT_IDLE_TIMEOUT_MS 1030

/** int: Bad pieces a peer may have taken part in before it is banned. Live. */
#define TERN_OPT_MAX_BAD_PIECES 1031

/** int: Pieces of one torrent with the disk threads at once while checking; 0 keeps them busy. Live. */
#define TERN_OPT_CHECK_CONCURRENCY 1032

/** int: Bytes of one torrent received and not written before its peers are not read. Live. */
#define TERN_OPT_MAX_UNWRITTEN 1033

/** int: Whether content goes to peers from the page cache, without being read into memory, where the system can do that: 0 never, 1 to other machines (on one machine it costs the two sides more than it saves), 2 always. For connections made afterwards. Live. */
#define TERN_OPT_SEND_IN_PLACE 1040

/** bool: Whether trackers are used. Live. */
#define TERN_OPT_TRACKERS_ENABLED 2001

/** bool: Announce to all tiers instead of the first that answers. Live. */
#define TERN_OPT_ANNOUNCE_ALL_TIERS 2002

/** bool: Reserve space when files are created. For torrents added afterwards. Live. */
#define TERN_OPT_PREALLOCATE 2003

/** bool: Save after every piece that passed. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_ON_PIECE 2004

/** bool: Save when a torrent's state or configuration changed. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_ON_STATE_CHANGE 2005

/** bool: Save before closing. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_AT_CLOSE 2006

/** bool: Embed the `info` dictionary in resume data. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_WITH_INFO 2007

/** bool: Ask the host about each peer address before connecting to it or letting it in. Live. */
#define TERN_OPT_PEER_REQUESTS 2008

/** str: `host:port` pairs to listen on, separated by commas; port 0 lets the system choose; empty does not listen. */
#define TERN_OPT_LISTEN 3001

/** str: `User-Agent` of HTTP requests. */
#define TERN_OPT_USER_AGENT 3002

/** str: Address told to trackers; empty tells none. Live. */
#define TERN_OPT_ANNOUNCE_IP 3003

/** str: PEM file that replaces the system's certificate roots; empty uses those. */
#define TERN_OPT_TLS_CA_FILE 3004

/** str: Directory of the built-in store, for one session at a time; empty has none. It keeps torrents, their resume data unless a save hook does, and their order. */
#define TERN_OPT_STATE_DIR 3005

/** str: Our name in extension handshakes; empty uses `user_agent`. */
#define TERN_OPT_CLIENT 3006

/** str: Instructions to hash with: `auto` takes the fastest for each batch; `portable`, `sha-ni`, `avx2`, `avx512`, `neon` and `armv8` force one, if the machine has it. */
#define TERN_OPT_HASH_PATH 3007

/** bytes: First bytes of the peer id (BEP 20), the rest is random; 20 bytes fix it. */
#define TERN_OPT_PEER_ID 4001

/** int: What the interval of `save_interval_ms` is for, a sum of: 1 counters, 2 progress, 4 configuration, 8 state, 16 metadata. For torrents added afterwards. Live. */
#define TERN_OPT_SAVE_CONDITIONS 5051

/** bool: Exchange peers with peers (BEP 11). Private torrents never do. Live. */
#define TERN_OPT_PEX_ENABLED 6001

/** int: Longest metadata fetched from peers, in bytes (BEP 9). Live. */
#define TERN_OPT_METADATA_MAX_BYTES 6002

/** bool: Fetch the torrent file from where a magnet link says (`xs`, `as`). Live. */
#define TERN_OPT_MAGNET_SOURCES_ENABLED 6003

/** bool: Such a source may be on this machine or a private network. A link is a stranger's word. Live. */
#define TERN_OPT_MAGNET_PRIVATE_SOURCES 6004

/** bool: Whether UDP trackers are used (BEP 15). Live. */
#define TERN_OPT_UDP_TRACKERS 6031

/** int: Packets to a UDP tracker before a request is given up; the waits are 15 s, 30 s, 60 s and so on (BEP 15). Live. */
#define TERN_OPT_UDP_TRACKER_ATTEMPTS 6032

/** bool: Whether the wishes that a tracker's owner put into the DNS are followed (BEP 34). Live. */
#define TERN_OPT_TRACKER_DNS_PREFERENCES 6033

/** str: Name servers that are asked for them, addresses with or without a port, separated by commas; empty for the system's. Live. */
#define TERN_OPT_DNS_SERVERS 6034

/** bool: Whether an HTTP redirect of a tracker in the world may lead into a private network or to this machine. Live. */
#define TERN_OPT_PRIVATE_REDIRECTS 6035

/** int: HTTP requests under way to one tracker's host at a time; those of torrents that stop are not counted. Live. */
#define TERN_OPT_MAX_ANNOUNCES_PER_HOST 6036

/** bool: Whether peers on the local network are looked for by multicast (BEP 14); never for private torrents. Live. */
#define TERN_OPT_LSD 6037

/** str: Names or addresses of the interfaces to look on, separated by commas; empty for those of the addresses the session listens on. Live. */
#define TERN_OPT_LSD_INTERFACES 6038

/** bool: A node of the DHT (BEP 5) at each address the session listens on. It joins the network when a torrent that is not private, or the host, first wants it to. Live. */
#define TERN_OPT_DHT 6061

/** str: Nodes to start from, `host:port` separated by commas; empty has none. Live. */
#define TERN_OPT_DHT_BOOTSTRAP 6062

/** bool: Ask without answering, and say so (BEP 43). Live. */
#define TERN_OPT_DHT_READ_ONLY 6063

/** int: Node ids that do not fit their address (BEP 42): 0 as good as others, 1 others first, 2 neither kept nor asked. Loopback and private ranges are exempt. Live. */
#define TERN_OPT_DHT_SECURITY 6064

/** int: Bytes per second the DHT may send, 0 unlimited. Half of it is kept for our own questions. Live. */
#define TERN_OPT_DHT_UPLOAD_RATE 6065

/** int: Seconds between the announces of one torrent. One that finds no peers asks sooner, with growing pauses. Live. */
#define TERN_OPT_DHT_ANNOUNCE_INTERVAL 6066

/** int: Torrents looked up and announced at a time; the others wait for their turn. Live. */
#define TERN_OPT_DHT_MAX_LOOKUPS 6067

/** int: Torrents for which peers are kept for others. Live. */
#define TERN_OPT_DHT_MAX_TORRENTS 6068

/** int: Peers kept for others, by torrent and family. Live. */
#define TERN_OPT_DHT_MAX_PEERS 6069

/** int: Items (BEP 44) kept for others. Live. */
#define TERN_OPT_DHT_MAX_ITEMS 6070

/** int: Seconds an item is kept without being stored again. Live. */
#define TERN_OPT_DHT_ITEM_LIFETIME 6071

/** int: Queries per second from one public address, over ten seconds, after which it is ignored for a while; 0 unlimited. Live. */
#define TERN_OPT_DHT_FLOOD_RATE 6072

/** int: Seconds for which such an address is ignored. Live. */
#define TERN_OPT_DHT_FLOOD_BAN 6073

/** bool: At most one node per public address in a table, and per /24 (IPv6: /64) in a bucket. Live. */
#define TERN_OPT_DHT_RESTRICT_ROUTING_IPS 6074

/** bool: At most one node per public /24 (IPv6: /64) in a lookup. Live. */
#define TERN_OPT_DHT_RESTRICT_SEARCH_IPS 6075

/** str: Queries that are not answered, by their names in the protocol, separated by commas, `sample_infohashes` for one. Live. */
#define TERN_OPT_DHT_REFUSE 6076

/** int: Peers in one answer, as far as they fit 1400 bytes and 16 times the query. Live. */
#define TERN_OPT_DHT_MAX_PEERS_REPLY 6077

/** int: Seconds for which one sample of info-hashes (BEP 51) is handed out. Live. */
#define TERN_OPT_DHT_SAMPLE_INTERVAL 6078

/** bool: A notice for each query that comes in; many. Live. */
#define TERN_OPT_DHT_QUERY_NOTICES 6079

/** int: Questions under way in one lookup. Live. */
#define TERN_OPT_DHT_SEARCH_BRANCHING 6080

/** bool: Keep all questions at the front of a lookup busy. Live. */
#define TERN_OPT_DHT_AGGRESSIVE_LOOKUPS 6081

/** bool: More places in the first buckets of a table: shorter ways. Live. */
#define TERN_OPT_DHT_EXTENDED_TABLE 6082

/* The functions whose names end in _sized, called with the size of this header's structures. */
#define tern_option_by_id(option, out, err) \
    tern_option_by_id_sized(option, out, sizeof *(out), err)
#define tern_option_by_name(name, name_len, out, err) \
    tern_option_by_name_sized(name, name_len, out, sizeof *(out), err)
#define tern_option_next(option, out, err) \
    tern_option_next_sized(option, out, sizeof *(out), err)
#define tern_session_stats(s, out, err) \
    tern_session_stats_sized(s, out, sizeof *(out), err)
#define tern_session_dht_stats(s, out, err) \
    tern_session_dht_stats_sized(s, out, sizeof *(out), err)
#define tern_torrent_status(t, out, err) \
    tern_torrent_status_sized(t, out, sizeof *(out), err)
#define tern_batch_get(batch, index, out) \
    tern_batch_get_sized(batch, index, out, sizeof *(out))
#define tern_peers_get(peers, index, out) \
    tern_peers_get_sized(peers, index, out, sizeof *(out))
#define tern_trackers_get(trackers, index, out) \
    tern_trackers_get_sized(trackers, index, out, sizeof *(out))
#define tern_metainfo_file(m, file, out) \
    tern_metainfo_file_sized(m, file, out, sizeof *(out))

/** Major version of this header. */
#define TERN_VERSION_MAJOR 0

/** Minor version of this header. */
#define TERN_VERSION_MINOR 1

/** Patch version of this header. */
#define TERN_VERSION_PATCH 0

/** The three parts in one number: `major << 16 | minor << 8 | patch`. */
#define TERN_VERSION_NUM 256

/** No piece, no file. */
#define TERN_NONE 4294967295

/** Not bencode, or nested too deeply. (What `tern_error_detail` says, here and below.) */
#define TERN_DETAIL_BENCODE 1

/** A required key is missing. */
#define TERN_DETAIL_MISSING 2

/** The value of a key has the wrong type or is out of bounds. */
#define TERN_DETAIL_INVALID 3

/** The number of piece hashes does not fit the lengths of the files. */
#define TERN_DETAIL_PIECE_COUNT 4

/** Larger than this library reads. */
#define TERN_DETAIL_TOO_LARGE 5

/** Only a version 2 part (BEP 52). */
#define TERN_DETAIL_V2_ONLY 6

/** Not a format or version that is known. */
#define TERN_DETAIL_FORMAT 7

/** Of another torrent, or contradicting itself about which. */
#define TERN_DETAIL_OTHER_TORRENT 8

/** Damaged: a wrong checksum. */
#define TERN_DETAIL_CHECKSUM 9

/** Written by a newer version. */
#define TERN_DETAIL_NEWER 10

/**
 * Requests (`TERN_EVENT_VERIFY_REQUEST`, `TERN_EVENT_SAVE_REQUEST`, `TERN_EVENT_PEER_REQUEST`).
 * Never dropped, never masked.
 */
#define TERN_CLASS_REQUEST 1

/** The session: listening, closed. */
#define TERN_CLASS_SESSION 2

/** Life of torrents: states, checks, completion, files, moves. */
#define TERN_CLASS_TORRENT 4

/** Pieces passed and failed. */
#define TERN_CLASS_PIECE 8

/** Peers that come and go. */
#define TERN_CLASS_PEER 16

/** Trackers. */
#define TERN_CLASS_TRACKER 32

/** What went wrong. */
#define TERN_CLASS_ERROR 64

/** Resume data made durable. */
#define TERN_CLASS_SAVE 128

/** Single messages of the peer protocol; also needs `tern_torrent_set_wire_notices`. Many. */
#define TERN_CLASS_WIRE 256

/** Log lines. */
#define TERN_CLASS_LOG 512

/** Bytes that pass sockets and files; also needs `tern_torrent_set_wire_notices`. Many. */
#define TERN_CLASS_IO 1024

/** What a new session is subscribed to: everything but WIRE and IO. */
#define TERN_CLASS_DEFAULT 767

/**
 * Verify this piece (`TERN_CLASS_REQUEST`): a QUEUED verify hook is asked. `token`, `piece`,
 * `a` = bytes of the piece, `b` = how often this piece was asked about (1 first), `code` = 1 when
 * the engine's own hash matched, `text` = addresses of the peers that sent it, one a line.
 * `tern_request_data` gives the bytes. Answer with `tern_request_complete`.
 */
#define TERN_EVENT_VERIFY_REQUEST 1

/**
 * Save this resume data (`TERN_CLASS_REQUEST`): a QUEUED save hook is asked. `token`,
 * `generation`, `data` = the blob. Answer with `tern_request_complete`: ACCEPT says that it is
 * durable.
 */
#define TERN_EVENT_SAVE_REQUEST 2

/**
 * May this address be connected to (`a` = 0), or let in (`a` = 1) (`TERN_CLASS_REQUEST`)? Only
 * while the option `peer_requests` is on. `token`, `addr`. Answer with `tern_request_complete`:
 * ACCEPT and PASS say yes, everything else no. Not answered within 30 seconds, it is no.
 */
#define TERN_EVENT_PEER_REQUEST 3

/** A listen socket is open (`TERN_CLASS_SESSION`). `addr`, `text` = what was asked for. */
#define TERN_EVENT_LISTENING 16

/**
 * A listen socket could not be opened (`TERN_CLASS_SESSION`). `text` = what was asked for,
 * `text2` = reason, `os_errno`.
 */
#define TERN_EVENT_LISTEN_FAILED 17

/**
 * The session is closed: everything flushed, every last save answered, or given up
 * (`TERN_CLASS_SESSION`, never masked). `a` = saves that were not answered. The last event.
 */
#define TERN_EVENT_CLOSED 18

/**
 * Notices were dropped because the queue was full (`TERN_CLASS_SESSION`, never masked). `a` = how
 * many, `flags` = their classes. It stands where the gap is.
 */
#define TERN_EVENT_DROPPED 19

/**
 * A torrent's state changed (`TERN_CLASS_TORRENT`). `a` = old, `b` = new `TERN_STATE_*`. Changes
 * not yet taken are joined into one: `a` of the first, `b` of the last.
 */
#define TERN_EVENT_STATE 32

/** A torrent was added (`TERN_CLASS_TORRENT`). `text` = name. */
#define TERN_EVENT_ADDED 33

/**
 * A torrent was removed, its files closed (and deleted, if asked): the last event of it
 * (`TERN_CLASS_TORRENT`). `text` = name.
 */
#define TERN_EVENT_REMOVED 34

/**
 * A check is complete (`TERN_CLASS_TORRENT`). `a` = pieces present, `b` = pieces that were
 * hashed, `c` = pieces restored from saved state without hashing.
 */
#define TERN_EVENT_CHECKED 35

/** All wanted pieces are here (`TERN_CLASS_TORRENT`). */
#define TERN_EVENT_FINISHED 36

/** A file is complete (`TERN_CLASS_TORRENT`). `file`, `text` = its path. */
#define TERN_EVENT_FILE_COMPLETED 37

/**
 * The content was moved, or not (`TERN_CLASS_TORRENT`). `code` = `TERN_OK` or `TERN_E_IO`, `text`
 * = new directory or reason, `text2` = path of the failure, `os_errno`.
 */
#define TERN_EVENT_MOVED 38

/**
 * A file was renamed, or not (`TERN_CLASS_TORRENT`). `file`, `code` = `TERN_OK` or `TERN_E_IO`,
 * `text` = new path or reason, `text2` = path of the failure, `os_errno`.
 */
#define TERN_EVENT_RENAMED 39

/**
 * We know our address as the world sees it, or it changed: peers, trackers and the DHT say which
 * they see, and most voices win (`TERN_CLASS_TORRENT`). `addr` (without port).
 */
#define TERN_EVENT_EXTERNAL_ADDR 40

/**
 * The metadata of a torrent added by magnet link or info-hash is here (`TERN_CLASS_TORRENT`).
 * `text` = its name. `tern_torrent_take_metainfo` gives it; next the files are looked at.
 */
#define TERN_EVENT_METADATA 41

/**
 * The metadata has the right hash and is of no use; the torrent stopped (`TERN_CLASS_ERROR`).
 * `code` = `TERN_E_METAINFO`, `text` = reason.
 */
#define TERN_EVENT_METADATA_FAILED 42

/**
 * A source that a magnet link names (`xs`, `as`) did not give the torrent file
 * (`TERN_CLASS_ERROR`). `text` = URL, `text2` = reason. Peers are asked all the same.
 */
#define TERN_EVENT_SOURCE_FAILED 43

/** A piece is ours now, by download or check (`TERN_CLASS_PIECE`). `piece`. */
#define TERN_EVENT_PIECE_PASSED 48

/** A piece did not match, or the verify hook rejected it (`TERN_CLASS_PIECE`). `piece`. */
#define TERN_EVENT_PIECE_FAILED 49

/**
 * A peer's handshake is complete (`TERN_CLASS_PEER`). `peer`, `addr`, `a` = 1 when it connected to
 * us, `data` = its peer id.
 */
#define TERN_EVENT_PEER_CONNECTED 64

/**
 * A peer is gone (`TERN_CLASS_PEER`). `peer`, `addr`, `code` = `TERN_CLOSE_*`, `os_errno`, `text`
 * = the reason for people. With wire notices also of connections that ended before the handshake
 * was complete.
 */
#define TERN_EVENT_PEER_DISCONNECTED 65

/** A peer was banned because of bad data (`TERN_CLASS_PEER`). `addr`. */
#define TERN_EVENT_PEER_BANNED 66

/**
 * An announce is being sent (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = `started`,
 * `completed`, `stopped` or empty.
 */
#define TERN_EVENT_TRACKER_ANNOUNCE 80

/**
 * A tracker replied (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = its warning or empty, `code` =
 * peers given, `a` = seeds, `b` = leechers, `c` = seconds until the next announce; -1 when not
 * told. `data` = the peers in compact form (BEP 23), IPv4 only.
 */
#define TERN_EVENT_TRACKER_REPLY 81

/**
 * A tracker failed (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = reason, `a` = failures in a
 * row, `c` = seconds until the next attempt.
 */
#define TERN_EVENT_TRACKER_FAILED 82

/**
 * A tracker told its counts (`TERN_CLASS_TRACKER`). `text` = URL, `a` = seeds, `b` = leechers, `c`
 * = completed downloads; -1 when not told.
 */
#define TERN_EVENT_TRACKER_SCRAPED 83

/**
 * The storage failed, the torrent stopped; `tern_torrent_resume` retries (`TERN_CLASS_ERROR`).
 * `code` = `TERN_E_IO`, `os_errno`, `file` or `TERN_NONE`, `text` = reason, `text2` = path.
 */
#define TERN_EVENT_STORAGE_FAILED 96

/** The verify hook answered FAIL, the torrent stopped (`TERN_CLASS_ERROR`). `code` = its detail. */
#define TERN_EVENT_VERIFIER_FAILED 97

/**
 * Saved state was not taken as it was (`TERN_CLASS_ERROR`). `a` = pieces that must be hashed
 * again, `flags` = 1 when only some files are concerned, `file` = the first one, `text` = why.
 */
#define TERN_EVENT_RESUME_REJECTED 98

/**
 * Resume data could not be saved; it is tried again (`TERN_CLASS_ERROR`). `generation`, `code` =
 * the hook's detail (or an errno of the built-in store), `text` = reason.
 */
#define TERN_EVENT_SAVE_FAILED 99

/**
 * The content's directory is not there, or another file system is in its place (a disk that is not
 * mounted): the torrent stops and fetches nothing (`TERN_CLASS_ERROR`). `code` =
 * `TERN_E_NOT_FOUND`. `TERN_EVENT_STORAGE_FAILED` follows; `tern_torrent_resume` looks again.
 */
#define TERN_EVENT_STORAGE_MISSING 104

/**
 * The built-in store failed to note which pieces are about to be written (`TERN_CLASS_ERROR`).
 * `code` = an errno or `TERN_E_*`. Downloading goes on and it is tried again; until it works, a
 * process that is killed may have to fetch pieces again.
 */
#define TERN_EVENT_JOURNAL_FAILED 105

/**
 * A defect of the library stopped this torrent, or (no torrent) a thread of the session
 * (`TERN_CLASS_ERROR`, never masked). `text` = what the defect said. The torrent is gone then; it
 * can be added again from its saved state.
 */
#define TERN_EVENT_FATAL 100

/**
 * The state directory's database was damaged (`TERN_CLASS_ERROR`). It was renamed to `text`, and
 * what could be read of it is in a new one: `a` torrents with their resume data, `b` torrents
 * whose files have to be checked (`tern_session_restore` sees to that). `text2` = what was found.
 */
#define TERN_EVENT_STORE_DAMAGED 101

/**
 * `tern_session_restore` could not bring back a torrent (`TERN_CLASS_ERROR`). `info_hash`,
 * `text` = why. What is stored of it stays; it can be added as any other.
 */
#define TERN_EVENT_RESTORE_FAILED 102

/** A generation of resume data is durable (`TERN_CLASS_SAVE`). `generation`. */
#define TERN_EVENT_SAVED 112

/**
 * The answer to `tern_torrent_request_save`: one for each (`TERN_CLASS_SAVE`, never dropped).
 * `token` = its ticket (not one for `tern_request_complete`), `a` = `TERN_SAVED_*`,
 * `generation` when saved, `code` = why it was refused.
 */
#define TERN_EVENT_SAVE_DONE 113

/**
 * A message came from a peer (`TERN_CLASS_WIRE`). `peer`, `addr` when known, `code` =
 * `TERN_MESSAGE_*`, `piece`, `a` = offset, `b` = length, `data` = bitfield, or the payload of an
 * extension's message (BEP 10); for those `a` is the number the receiver gave the extension, 0 for
 * the extension handshake. Blocks are not carried. `TERN_MESSAGE_EXTENDED` are the handshake and
 * the messages of extensions that were not offered, which only this event tells of.
 */
#define TERN_EVENT_MESSAGE_IN 128

/**
 * A message was queued for a peer (`TERN_CLASS_WIRE`). As `TERN_EVENT_MESSAGE_IN`. The extension
 * handshake that opens a connection comes after what greets the peer, although it is sent first.
 */
#define TERN_EVENT_MESSAGE_OUT 129

/**
 * Bytes came from a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes of one read.
 * Comes before what they led to, also before `TERN_EVENT_PEER_CONNECTED`.
 */
#define TERN_EVENT_RECEIVED 130

/** Bytes went into a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes. */
#define TERN_EVENT_SENT 131

/**
 * Content was read: for a peer, or to be hashed (also when it was still in memory)
 * (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` = bytes.
 */
#define TERN_EVENT_FILE_READ 132

/**
 * Content was given to the storage (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` =
 * bytes.
 */
#define TERN_EVENT_FILE_WRITTEN 133

/**
 * A tracker was asked by HTTP and the connection is closed (`TERN_CLASS_IO`). `text` = URL, `a` =
 * bytes of the request, `b` = bytes of the answer. Comes before what the tracker said.
 */
#define TERN_EVENT_TRACKER_TRAFFIC 134

/** A log line (`TERN_CLASS_LOG`). `code` = `TERN_LOG_*`, `text`. */
#define TERN_EVENT_LOG 144

/**
 * The local network's peers are not looked for on an interface (`TERN_CLASS_SESSION`; BEP 14).
 * `text` = its name, empty when it is about all of them, `text2` = reason, `os_errno`.
 */
#define TERN_EVENT_LSD_FAILED 84

/**
 * Datagrams are not to be had at an address the session listens on, so that neither UDP trackers
 * nor the DHT are reached from there (`TERN_CLASS_SESSION`). `addr`, `text` = reason, `os_errno`.
 */
#define TERN_EVENT_UDP_FAILED 85

/** Log level. */
#define TERN_LOG_ERROR 1

/** Log level. */
#define TERN_LOG_WARN 2

/** Log level. */
#define TERN_LOG_INFO 3

/** Log level. */
#define TERN_LOG_DEBUG 4

/** Yes. A piece counts as had; a save is durable. */
#define TERN_VERDICT_ACCEPT 1

/** No. A piece is fetched again and its senders are blamed; a save is tried again later. */
#define TERN_VERDICT_REJECT 2

/** Ask again after `detail` milliseconds. */
#define TERN_VERDICT_DEFER 3

/** Act as if no hook were set (for wrappers that always set one). */
#define TERN_VERDICT_PASS 4

/**
 * The hook is broken, `detail` says how: a verifier's torrent stops, a save is reported and tried
 * again.
 */
#define TERN_VERDICT_FAIL 5

/** INLINE hooks only: the answer comes later by `tern_request_complete`. */
#define TERN_VERDICT_PENDING 6

/** No hook (removes the one that is set). */
#define TERN_HOOK_NONE 0

/** A function on the session's hook thread. */
#define TERN_HOOK_INLINE 1

/** A request event; answered by `tern_request_complete`. The function must be NULL. */
#define TERN_HOOK_QUEUED 2

/**
 * Flag of verify hooks: it is asked about pieces whose hash did not match too, and its ACCEPT
 * counts. Without it a verdict can only be stricter than the engine's.
 */
#define TERN_VERIFY_OVERRIDE 1

/** Looking at the files. */
#define TERN_STATE_STARTING 1

/** Hashing what is on disk. */
#define TERN_STATE_CHECKING 2

/** Fetching. */
#define TERN_STATE_DOWNLOADING 3

/** All wanted pieces are here, some unwanted are not. */
#define TERN_STATE_FINISHED 4

/** Complete. */
#define TERN_STATE_SEEDING 5

/** Stopped by the host. */
#define TERN_STATE_PAUSED 6

/** Stopped by an error; `tern_torrent_resume` retries. */
#define TERN_STATE_FAILED 7

/** Closing or closed. */
#define TERN_STATE_CLOSED 8

/** Asking peers for the metadata (BEP 9). */
#define TERN_STATE_METADATA 9

/** Save after every piece that passed (one request in flight, newer state waits behind it). */
#define TERN_SAVE_ON_PIECE 1

/** Save when the torrent's state or configuration changed. */
#define TERN_SAVE_ON_STATE 2

/** Save before closing. */
#define TERN_SAVE_AT_CLOSE 4

/** Embed the `info` dictionary, so that the blob alone can bring the torrent back. */
#define TERN_SAVE_WITH_INFO 8

/**
 * When bytes sent or received or a tracker's counts changed. In a policy: what the interval is
 * for, all but this when none is given. In `tern_torrent_request_save`: what must have changed.
 */
#define TERN_SAVE_IF_COUNTERS 16

/** When blocks were written, pieces verified, found or lost. */
#define TERN_SAVE_IF_PROGRESS 32

/** When priorities, limits, file names, the directory, bans or settings changed. */
#define TERN_SAVE_IF_CONFIG 64

/** When it was paused, checked, finished, failed, or left seed mode. */
#define TERN_SAVE_IF_STATE 128

/** When trackers, web seeds or the description changed. */
#define TERN_SAVE_IF_METADATA 256

/** When anything changed. */
#define TERN_SAVE_IF_ANY 496

/** The state that was asked for is durable. */
#define TERN_SAVED_SAVED 1

/** Nothing changed of what the request named. */
#define TERN_SAVED_NOT_MODIFIED 2

/** It was refused; it is tried again all the same, and nobody is told. */
#define TERN_SAVED_REFUSED 3

/** The torrent ended first. */
#define TERN_SAVED_ENDED 4

/** A changed file invalidates only the pieces that touch it. */
#define TERN_LOAD_PER_FILE 0

/** A file changed by others invalidates everything. */
#define TERN_LOAD_STRICT 1

/** Files are not compared with the saved state. */
#define TERN_LOAD_TRUST 2

/** Delete the content when removing. */
#define TERN_REMOVE_FILES 1

/** Keep the resume data in the built-in store when removing. */
#define TERN_REMOVE_KEEP_STATE 2

/** Padding: reads as zeros, is never stored. */
#define TERN_FILE_PADDING 1

/** Executable. */
#define TERN_FILE_EXECUTABLE 2

/** Hidden. */
#define TERN_FILE_HIDDEN 4

/** Symbolic link. */
#define TERN_FILE_SYMLINK 8

/** It connected to us. */
#define TERN_PEER_INCOMING 1

/** We choke it. */
#define TERN_PEER_AM_CHOKING 2

/** We want something it has. */
#define TERN_PEER_AM_INTERESTED 4

/** It chokes us. */
#define TERN_PEER_CHOKING 8

/** It wants something we have. */
#define TERN_PEER_INTERESTED 16

/** It owes us blocks for a long time. */
#define TERN_PEER_SNUBBED 32

/** It has everything. */
#define TERN_PEER_SEED 64

/** It said that it only uploads (BEP 21). */
#define TERN_PEER_UPLOAD_ONLY 128

/** Nobody was asked for the block. */
#define TERN_BLOCK_MISSING 0

/** A peer was asked for it, or several. */
#define TERN_BLOCK_REQUESTED 1

/** It came, and is not written yet. */
#define TERN_BLOCK_RECEIVED 2

/** The file has it. */
#define TERN_BLOCK_WRITTEN 3

/** It connected to us. */
#define TERN_SOURCE_INCOMING 1

/** A tracker told us. */
#define TERN_SOURCE_TRACKER 2

/** The host told us. */
#define TERN_SOURCE_MANUAL 3

/** Resume data told us. */
#define TERN_SOURCE_RESUME 4

/** Another peer told us (BEP 11). */
#define TERN_SOURCE_PEX 5

/** It was found on the local network (BEP 14). */
#define TERN_SOURCE_LSD 6

/** The DHT told us (BEP 5). */
#define TERN_SOURCE_DHT 7

/** A magnet link told us (`x.pe`). */
#define TERN_SOURCE_MAGNET 8

/** The other side or the network ended it; see `os_errno`. */
#define TERN_CLOSE_REMOTE 0

/** It was ourselves. */
#define TERN_CLOSE_LOOPBACK 1

/** There is a connection to this peer already. */
#define TERN_CLOSE_DUPLICATE 2

/** Limits. */
#define TERN_CLOSE_TOO_MANY 3

/** Both sides are complete. */
#define TERN_CLOSE_BOTH_SEEDS 4

/** Neither side has what the other wants. */
#define TERN_CLOSE_USELESS 5

/** Banned. */
#define TERN_CLOSE_BANNED 6

/** The torrent stopped. */
#define TERN_CLOSE_STOPPED 7

/** The host asked for it. */
#define TERN_CLOSE_HOST 8

/** It sent blocks nobody asked for, over and over. */
#define TERN_CLOSE_FLOOD 9

/** Not a BitTorrent handshake. */
#define TERN_CLOSE_BAD_HANDSHAKE 16

/** Another torrent's info-hash in its handshake. */
#define TERN_CLOSE_WRONG_INFO_HASH 17

/** A message longer than allowed. */
#define TERN_CLOSE_OVERSIZED_MESSAGE 18

/** A message that is not well formed. */
#define TERN_CLOSE_BAD_MESSAGE 19

/** A bitfield where none may come. */
#define TERN_CLOSE_UNEXPECTED_BITFIELD 20

/** A fast-extension message without negotiation (BEP 6). */
#define TERN_CLOSE_FAST_NOT_NEGOTIATED 21

/** An extension handshake that does not parse (BEP 10). */
#define TERN_CLOSE_BAD_EXTENSION 22

/** No handshake in time. */
#define TERN_CLOSE_HANDSHAKE_TIMEOUT 23

/** Silent for too long. */
#define TERN_CLOSE_IDLE_TIMEOUT 24

/** A reason this version of the header has no number for: see `text`. */
#define TERN_CLOSE_OTHER 255

/** Peer message: keep-alive. The other `TERN_MESSAGE_*` numbers are those of the protocol. */
#define TERN_MESSAGE_KEEP_ALIVE -1

/** Peer message. */
#define TERN_MESSAGE_CHOKE 0

/** Peer message. */
#define TERN_MESSAGE_UNCHOKE 1

/** Peer message. */
#define TERN_MESSAGE_INTERESTED 2

/** Peer message. */
#define TERN_MESSAGE_NOT_INTERESTED 3

/** Peer message. */
#define TERN_MESSAGE_HAVE 4

/** Peer message. */
#define TERN_MESSAGE_BITFIELD 5

/** Peer message. */
#define TERN_MESSAGE_REQUEST 6

/** Peer message. */
#define TERN_MESSAGE_PIECE 7

/** Peer message. */
#define TERN_MESSAGE_CANCEL 8

/** Peer message (BEP 5). */
#define TERN_MESSAGE_PORT 9

/** Peer message (BEP 6). */
#define TERN_MESSAGE_SUGGEST 13

/** Peer message (BEP 6). */
#define TERN_MESSAGE_HAVE_ALL 14

/** Peer message (BEP 6). */
#define TERN_MESSAGE_HAVE_NONE 15

/** Peer message (BEP 6). */
#define TERN_MESSAGE_REJECT 16

/** Peer message (BEP 6). */
#define TERN_MESSAGE_ALLOWED_FAST 17

/** Peer message (BEP 10). */
#define TERN_MESSAGE_EXTENDED 20

/** Peer message `lt_donthave` (BEP 54); not a number of the protocol. */
#define TERN_MESSAGE_DONT_HAVE 256

/** Peer message `ut_metadata` (BEP 9); not a number of the protocol. */
#define TERN_MESSAGE_METADATA 257

/** Peer message `ut_pex` (BEP 11); not a number of the protocol. */
#define TERN_MESSAGE_PEX 258

/** An integer option. */
#define TERN_OPTION_TYPE_INT 1

/** A yes-or-no option. */
#define TERN_OPTION_TYPE_BOOL 2

/** A text option. */
#define TERN_OPTION_TYPE_STR 3

/** A bytes option. */
#define TERN_OPTION_TYPE_BYTES 4

/** A floating point option. */
#define TERN_OPTION_TYPE_DOUBLE 5

/** `tern_create_set_flags`: align files to pieces with padding files (BEP 47). */
#define TERN_CREATE_PADDING 1

/** `tern_create_set_flags`: include files whose name starts with a dot. */
#define TERN_CREATE_HIDDEN 2

/** `tern_create_set_flags`: keep symbolic links as links (BEP 47) instead of following them. */
#define TERN_CREATE_SYMLINKS 4

/**
 * Results of commands of the DHT (they come without it) and what happens there. Not in
 * `TERN_CLASS_DEFAULT`.
 */
#define TERN_CLASS_DHT 2048

/**
 * Peers were found (`TERN_CLASS_DHT`), by a lookup of the host's (`token`) or of a torrent.
 * `a` = how many, `text` = their addresses, one a line, each told once. More may follow. With a
 * token it is never masked.
 */
#define TERN_EVENT_DHT_PEERS 160

/**
 * A lookup of peers is over (`TERN_CLASS_DHT`), the host's (`token`; never masked or dropped) or a
 * torrent's. `a` = peers found, `b` = nodes that took our announce, `c` = nodes that answered.
 */
#define TERN_EVENT_DHT_PEERS_DONE 161

/**
 * The size of a swarm (BEP 33), before PEERS_DONE (`TERN_CLASS_DHT`). `token`, `a` = seeds, `b` =
 * downloaders, both estimated.
 */
#define TERN_EVENT_DHT_SCRAPED 162

/**
 * An item was found; a newer version may follow (`TERN_CLASS_DHT`). `token`, `data` = the bencoded
 * value, `a` = sequence number, -1 for an immutable item; `text` = owner's key, `text2` =
 * signature, both hexadecimal, empty for an immutable item.
 */
#define TERN_EVENT_DHT_ITEM 163

/**
 * The search for an item is over (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
 * `TERN_OK` or `TERN_E_NOT_FOUND`, `b` = nodes that had this version; the rest as in DHT_ITEM, of
 * the newest version.
 */
#define TERN_EVENT_DHT_ITEM_DONE 164

/**
 * An item was stored, or not (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
 * `TERN_OK`, or `TERN_E_REFUSED` when no node took it; `a` = sequence number or -1, `b` = nodes
 * that took it, `c` = error code (BEP 44) of the last node that did not, 0 without one: 301 and
 * 302 say that somebody else was faster. `data` = value, `text` = target, `text2` = signature,
 * both hexadecimal.
 */
#define TERN_EVENT_DHT_PUT_DONE 165

/**
 * A node answered a ping (`TERN_CLASS_DHT`, never masked or dropped). `token`, `text` = its id,
 * hexadecimal, `a` = microseconds its answer took.
 */
#define TERN_EVENT_DHT_PONG 166

/**
 * The nodes nearest to a target (`TERN_CLASS_DHT`, never masked or dropped). `token`, `a` = how
 * many, `text` = one a line: id, a space, address.
 */
#define TERN_EVENT_DHT_NODES 167

/**
 * Info-hashes that nodes know (BEP 51; `TERN_CLASS_DHT`, never masked or dropped). `token`, `data`
 * = 20 bytes each, `a` = seconds until asking the node again is worth it, `b` = torrents it knows
 * (both of one node only), `c` = how many, `text` = nodes near the target as in DHT_NODES.
 */
#define TERN_EVENT_DHT_SAMPLES 168

/**
 * A command came to nothing (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
 * `TERN_E_TIMEOUT` (no answer), `TERN_E_REFUSED` with the node's error code in `a`, `TERN_E_BUSY`,
 * `TERN_E_STATE` (no listening address of this family, or the DHT was switched off) or
 * `TERN_E_INVALID`; `text` = why.
 */
#define TERN_EVENT_DHT_FAILED 169

/**
 * Somebody asks us something: a request (`token`, class REQUEST) when a QUEUED DHT hook is set, a
 * notice (`TERN_CLASS_DHT`) with the option `dht_query_notices`. `addr` = who, `code` =
 * `TERN_DHT_QUERY_*`, `data` = target or info-hash, 20 bytes or none.
 */
#define TERN_EVENT_DHT_QUERY 170

/**
 * A node of ours has found its place in the network (`TERN_CLASS_DHT`). `addr` = where it listens,
 * `a` = nodes that answered.
 */
#define TERN_EVENT_DHT_BOOTSTRAPPED 171

/**
 * Enough nodes agree on how they see us (`TERN_CLASS_DHT`). `addr` = our address, without port,
 * `text` = where we listen.
 */
#define TERN_EVENT_DHT_EXTERNAL 172

/**
 * The name of a node does not resolve; bootstrap nodes are tried again (`TERN_CLASS_DHT`). `text`
 * = host and port, `text2` = reason.
 */
#define TERN_EVENT_DHT_UNRESOLVED 173

/**
 * A pointer that is followed has a newer version (BEP 46; `TERN_CLASS_DHT`, never masked).
 * `token`, `info_hash` = the torrent, zeros when the value is no pointer; `data` = value, `a` =
 * sequence number, `text` = owner's key, `text2` = signature, both hexadecimal.
 */
#define TERN_EVENT_DHT_UPDATE 174

/**
 * A pointer was published (BEP 46; `TERN_CLASS_DHT`, never masked), or, `code` = `TERN_E_REFUSED`,
 * somebody published a newer version with our key and ours is kept alive no longer. `token`,
 * `info_hash`, `data` = value, `a` = sequence number, `b` = nodes that took it.
 */
#define TERN_EVENT_DHT_PUBLISHED 175

/** Announce ourselves too. */
#define TERN_DHT_ANNOUNCE 1

/** We have all of it (BEP 33). */
#define TERN_DHT_SEED 2

/** Estimate the size of the swarm (BEP 33). */
#define TERN_DHT_SCRAPE 4

/** Ask for downloaders rather than seeds (BEP 33). */
#define TERN_DHT_NOSEED 8

/** `ping`. */
#define TERN_DHT_QUERY_PING 1

/** `find_node`, and methods we do not know that have a target. */
#define TERN_DHT_QUERY_FIND_NODE 2

/** `get_peers`. */
#define TERN_DHT_QUERY_GET_PEERS 3

/** `announce_peer`. */
#define TERN_DHT_QUERY_ANNOUNCE_PEER 4

/** `get` (BEP 44). */
#define TERN_DHT_QUERY_GET 5

/** `put` (BEP 44). */
#define TERN_DHT_QUERY_PUT 6

/** `sample_infohashes` (BEP 51). */
#define TERN_DHT_QUERY_SAMPLE_INFOHASHES 7

/** Everything about a torrent that is to be added. Not thread-safe. */
typedef struct tern_add tern_add;

/** Events taken out of a session's queue. Owns everything its events point to. */
typedef struct tern_batch tern_batch;

/** Option values for a new session, or changes for a running one. Not thread-safe. */
typedef struct tern_config tern_config;

/** The making of a `.torrent` file. Not thread-safe. */
typedef struct tern_create tern_create;

/** Why a call failed. Immutable, owned by the caller, freed with `tern_error_free`. */
typedef struct tern_error tern_error;

/** A parsed `.torrent` file. Immutable: every thread may read it. */
typedef struct tern_metainfo tern_metainfo;

/** Snapshot of a torrent's peers. Immutable. */
typedef struct tern_peers tern_peers;

/**
 * A session: torrents, threads, listen sockets, one event queue. Shared (reference counted),
 * usable from every thread.
 */
typedef struct tern_session tern_session;

/**
 * A handle of one torrent. Shared (reference counted), weak: after the torrent was removed or
 * its session closed, calls return `TERN_E_GONE`.
 */
typedef struct tern_torrent tern_torrent;

/** Snapshot of a torrent's trackers. Immutable. */
typedef struct tern_trackers tern_trackers;

/** Result of a call: `TERN_OK` or one of the negative `TERN_E_*` numbers. */
typedef int32_t tern_result;

/**
 * Bytes owned by the caller: give them back with `tern_buf_free`. A NUL byte that `len` does not
 * count follows them.
 */
typedef struct {
    /** First byte; NULL in a buffer that holds nothing. */
    uint8_t *ptr;
    /** Bytes. */
    size_t len;
} tern_buf;

/**
 * Borrowed bytes. The function or member that gives one says who owns them and for how long.
 * Text is UTF-8 and followed by a NUL byte that `len` does not count. `ptr` is never NULL in a
 * view the library gives, also when `len` is 0.
 */
typedef struct {
    /** First byte. */
    const uint8_t *ptr;
    /** Bytes. */
    size_t len;
} tern_bytes;

/** What is known about one option. All pointers are static, NUL-terminated UTF-8. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** `TERN_OPT_*`. */
    uint32_t id;
    /** `TERN_OPTION_TYPE_*`. */
    int32_t value_type;
    /** 1 when `tern_session_apply` changes it in a running session. */
    int32_t live;
    /** Name, for example `max_connections`. */
    const char *name;
    /** One line of documentation. */
    const char *doc;
    /** Default as text, in the form `tern_config_set_text` reads. */
    const char *default_text;
    /** First version that has it. */
    const char *since;
    /** Smallest value of an integer option. */
    int64_t min;
    /** Largest value of an integer option; longest value in bytes of a text or bytes option. */
    int64_t max;
} tern_option_info;

/** Snapshot of a session. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** Torrents. */
    uint32_t torrents;
    /** Events waiting in the queue, requests included. */
    uint32_t queued_events;
    /** Requests handed out or waiting, not answered. */
    uint32_t open_requests;
    /** Notices dropped since the session started. */
    uint64_t dropped_notices;
    /** First listen port, 0 when not listening. */
    uint32_t listen_port;
    /** Established peer connections. */
    uint32_t peers;
    /** Payload bytes received, all torrents that are still there. */
    uint64_t downloaded;
    /** Payload bytes sent, all torrents that are still there. */
    uint64_t uploaded;
    /** Payload bytes per second. */
    uint64_t download_rate;
    /** Payload bytes per second. */
    uint64_t upload_rate;
    /** Datagrams received at the addresses the session listens on, of whatever kind. */
    uint64_t udp_received;
    /** Bytes in them. */
    uint64_t udp_received_bytes;
    /** Datagrams sent from there. */
    uint64_t udp_sent;
    /** Bytes in them. */
    uint64_t udp_sent_bytes;
    /** Datagrams the system did not take. */
    uint64_t udp_unsent;
    /** Datagrams received that are of no use to anybody here. */
    uint64_t udp_dropped;
    /** Datagrams received of a known kind that make no sense. */
    uint64_t udp_malformed;
    /** Datagrams received from UDP trackers that were asked something. */
    uint64_t udp_tracker_received;
    /** Bytes in them. */
    uint64_t udp_tracker_received_bytes;
    /** Datagrams sent to UDP trackers. */
    uint64_t udp_tracker_sent;
    /** Bytes in them. */
    uint64_t udp_tracker_sent_bytes;
    /** Announces and scrapes UDP trackers answered; a scrape of many torrents is one. */
    uint64_t udp_tracker_answers;
    /** Announces and scrapes UDP trackers refused or did not answer. */
    uint64_t udp_tracker_failures;
    /** Connection ids UDP trackers were asked for. */
    uint64_t udp_tracker_connects;
    /** Announces and scrapes sent under a connection id that had been used before. */
    uint64_t udp_tracker_reused;
} tern_stats;

/**
 * One event. Which members are set besides the first block is said at each `TERN_EVENT_*`; the
 * others are 0, or `TERN_NONE` for indexes, or empty views. Skip kinds you do not know.
 */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** `TERN_EVENT_*`. */
    int32_t kind;
    /** The `TERN_CLASS_*` bit it belongs to. */
    uint32_t event_class;
    /** Bits, see the kind. */
    uint32_t flags;
    /** When it was queued, milliseconds since 1970. */
    int64_t time_ms;
    /** The torrent's number in its session, 0 for an event of the session. */
    uint64_t torrent_id;
    /**
     * The torrent, NULL for an event of the session. Borrowed from the batch (or for the hook
     * call): `tern_torrent_retain` to keep it.
     */
    tern_torrent *torrent;
    /** The torrent's info-hash, zeros for an event of the session. */
    uint8_t info_hash[20];
    /** Piece number, or `TERN_NONE`. */
    uint32_t piece;
    /** For requests: what `tern_request_complete` wants. Never 0 then. */
    uint64_t token;
    /** Save generation. */
    uint64_t generation;
    /** Number of a peer connection. */
    uint64_t peer;
    /** File number, or `TERN_NONE`. */
    uint32_t file;
    /** A code, see the kind. */
    int32_t code;
    /** The system's error number, 0 when there is none. */
    int32_t os_errno;
    /** Always 0. */
    int32_t reserved;
    /** A number, see the kind. */
    int64_t a;
    /** A number, see the kind. */
    int64_t b;
    /** A number, see the kind. */
    int64_t c;
    /** Text for people, or a URL or path, see the kind. */
    tern_bytes text;
    /** An address as text, `192.0.2.1:6881` or `[2001:db8::1]:6881`. */
    tern_bytes addr;
    /** Raw bytes, see the kind. */
    tern_bytes data;
    /** A second text, see the kind. */
    tern_bytes text2;
} tern_event;

/**
 * An INLINE hook: answers a request with a `TERN_VERDICT_*` number. Called on the session's hook
 * thread, one call at a time. `request` and what it points to live until the function returns.
 * `*detail` is 0 at the call: milliseconds for `TERN_VERDICT_DEFER`, any code of the host's for
 * `TERN_VERDICT_FAIL`. `TERN_VERDICT_PENDING` means that `tern_request_complete` follows. An
 * unknown return value counts as `TERN_VERDICT_FAIL`. Must not unwind or `longjmp`.
 */
typedef int32_t (*tern_hook_fn)(void *user, const tern_event *request, int64_t *detail);

/**
 * Runs when the library will not use `user` again. Exactly once per registration, on the hook
 * thread or inside the replacing call, also when the registration fails. Must not unwind or
 * `longjmp`.
 */
typedef void (*tern_destroy_fn)(void *user);

/** Snapshot of a torrent. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** `TERN_STATE_*`. */
    int32_t state;
    /** Pieces we have. */
    uint32_t pieces_have;
    /** Pieces in all. */
    uint32_t pieces_total;
    /** Bytes of the torrent, padding included. */
    uint64_t total_size;
    /** Bytes of the pieces we have. */
    uint64_t bytes_have;
    /** Bytes in files with a priority above 0. */
    uint64_t wanted_size;
    /** Of these, bytes in pieces we have. */
    uint64_t wanted_have;
    /** 0..1 of the check under way, else of the wanted bytes. */
    double progress;
    /** Payload bytes received this session. */
    uint64_t downloaded;
    /** Payload bytes sent this session. */
    uint64_t uploaded;
    /** All bytes received from peers this session, protocol included. */
    uint64_t wire_received;
    /** All bytes sent to peers this session, protocol included. */
    uint64_t wire_sent;
    /** Bytes received in vain: duplicates, and pieces that failed. */
    uint64_t wasted;
    /** Payload bytes received in all sessions. */
    uint64_t total_downloaded;
    /** Payload bytes sent in all sessions. */
    uint64_t total_uploaded;
    /** Payload bytes per second, smoothed. */
    uint64_t download_rate;
    /** Payload bytes per second, smoothed. */
    uint64_t upload_rate;
    /** Established connections. */
    uint32_t peers;
    /** Of these, to peers that have everything. */
    uint32_t seeds;
    /** Connection attempts under way. */
    uint32_t half_open;
    /** Addresses known. */
    uint32_t known_peers;
    /** Peers we upload to. */
    uint32_t unchoked;
    /** Pieces hashed since the torrent was added (check and download). */
    uint32_t pieces_hashed;
    /** Pieces restored from saved state without hashing. */
    uint32_t pieces_restored;
    /** Pieces that did not match. */
    uint32_t pieces_failed;
    /** Copies of the rarest piece among connected peers, ours not counted. */
    double availability;
    /** Generation last made durable by the save hook or the built-in store. */
    uint64_t durable_generation;
    /** Seconds active in all sessions. */
    uint64_t active_secs;
    /** When added, seconds since 1970. */
    int64_t added_time;
    /** When completed, seconds since 1970, 0 not yet. */
    int64_t completed_time;
    /** 1 when there are unsaved changes. */
    int32_t need_save;
    /** 1 when pieces are fetched in order. */
    int32_t sequential;
    /** Bytes per second the torrent may receive, 0 unlimited. */
    uint64_t download_limit;
    /** Bytes per second the torrent may send, 0 unlimited. */
    uint64_t upload_limit;
    /** 1 when all wanted pieces are here. */
    int32_t is_finished;
    /** 1 when stopped by the host (or not started yet because added so). */
    int32_t is_paused;
    /** 1 when the metadata is here; 0 while `TERN_STATE_METADATA` has still to find it. */
    int32_t has_metadata;
    /** 0. */
    int32_t reserved;
    /** `known_peers` by where they were first heard of: the place is the `TERN_SOURCE_*` number. */
    uint32_t known_by_source[16];
    /** `peers` by where their addresses came from. */
    uint32_t peers_by_source[16];
} tern_status;

/** One connected peer. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** `TERN_PEER_*` bits. */
    uint32_t flags;
    /** Number of the connection, unique in the session. */
    uint64_t peer;
    /** Address as text. Owned by the snapshot. */
    tern_bytes addr;
    /** Client name from the extension handshake, else empty. Owned by the snapshot. */
    tern_bytes client;
    /** Pieces it has, wire order (first piece = highest bit). Owned by the snapshot. */
    tern_bytes bitfield;
    /** Peer id, zeros before the handshake. */
    uint8_t peer_id[20];
    /** Reserved bits of its handshake. */
    uint8_t handshake_bits[8];
    /** `TERN_SOURCE_*`. */
    int32_t source;
    /** Payload bytes from it. */
    uint64_t downloaded;
    /** Payload bytes to it. */
    uint64_t uploaded;
    /** Payload bytes per second. */
    uint64_t download_rate;
    /** Payload bytes per second. */
    uint64_t upload_rate;
    /** Pieces it has. */
    uint32_t pieces_have;
    /** Our requests outstanding at it. */
    uint32_t requests_out;
    /** Its requests queued with us. */
    uint32_t requests_in;
    /** Bad pieces it took part in. */
    uint32_t bad_pieces;
    /** Seconds connected. */
    uint64_t connected_secs;
} tern_peer_info;

/** One tracker. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** Tier, from 0. */
    uint32_t tier;
    /** URL. Owned by the snapshot. */
    tern_bytes url;
    /** Last failure or warning, empty when there is none. Owned by the snapshot. */
    tern_bytes message;
    /** Announces that failed in a row. */
    uint32_t fails;
    /** 1 while an announce is under way. */
    int32_t updating;
    /** 1 when it replied in this session. */
    int32_t verified;
    /** Seconds until it may be asked again, -1 when nothing is planned. */
    int32_t next_announce_secs;
    /** Seeds by its last reply, -1 unknown. */
    int64_t complete;
    /** Leechers by its last reply, -1 unknown. */
    int64_t incomplete;
    /** Completed downloads by its last reply, -1 unknown. */
    int64_t downloaded;
} tern_tracker_info;

/** One file of a torrent. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** `TERN_FILE_*` bits (BEP 47). */
    uint32_t attributes;
    /** Bytes. */
    uint64_t size;
    /** Offset of its first byte in the torrent. */
    uint64_t offset;
    /** First piece that holds bytes of it. */
    uint32_t first_piece;
    /** One past its last piece; equal to `first_piece` for an empty file. */
    uint32_t end_piece;
    /** Safe path relative to the save path, `/` between components. Owned by the metainfo. */
    tern_bytes path;
    /** Target of a symbolic link, empty for other files. Owned by the metainfo. */
    tern_bytes symlink;
    /**
     * Components of the path as the `.torrent` gives them: fetch them with
     * `tern_metainfo_file_component`.
     */
    uint32_t component_count;
    /** Always 0. */
    uint32_t reserved;
} tern_file_info;

/**
 * Progress of `tern_create_run`, called on the calling thread: bytes hashed, bytes in all.
 * Anything but 0 cancels. Must not unwind or `longjmp`.
 */
typedef int32_t (*tern_progress_fn)(void *user, uint64_t done, uint64_t total);

/** Snapshot of the DHT. */
typedef struct {
    /** Bytes of this structure that are valid. */
    uint32_t struct_size;
    /** Addresses it listens on, 0 when it is off. */
    uint32_t endpoints;
    /** Nodes that answered us, over all addresses. */
    uint32_t nodes;
    /** Torrents of ours that are looked up and announced. */
    uint32_t torrents;
    /** Lookups under way. */
    uint32_t lookups;
    /** Pointers followed and published. */
    uint32_t pointers;
    /** Torrents whose peers we keep for others. */
    uint64_t stored_torrents;
    /** Peers we keep for others. */
    uint64_t stored_peers;
    /** Items we keep for others. */
    uint64_t stored_items;
    /** Queries we answered. */
    uint64_t queries_in;
    /** Queries we sent. */
    uint64_t queries_out;
    /** Of these, how many were answered. */
    uint64_t answers_in;
    /** Datagrams received. */
    uint64_t received;
    /** Bytes received. */
    uint64_t received_bytes;
    /** Datagrams sent. */
    uint64_t sent;
    /** Bytes sent. */
    uint64_t sent_bytes;
    /** Bytes per second received. */
    uint64_t receive_rate;
    /** Bytes per second sent. */
    uint64_t send_rate;
    /** Datagrams that were no message. */
    uint64_t garbage;
    /** Answers nobody waited for. */
    uint64_t unsolicited;
    /** Queries dropped because their sender sends too many. */
    uint64_t flooded;
    /** Answers not sent because of the rate limit. */
    uint64_t throttled;
    /** Stores refused for a bad token. */
    uint64_t bad_tokens;
} tern_dht_stats;

/** It worked. */
#define TERN_OK 0

/** An argument is not valid: NULL where an object is needed, text that is not UTF-8, a bad address. */
#define TERN_E_INVALID -1

/**
 * A defect of the library was caught (a panic). The process is fine; what the call was about may
 * have stopped.
 */
#define TERN_E_PANIC -2

/** The session was made by a parent process: sessions do not survive `fork`. */
#define TERN_E_FORKED -3

/** What the handle or token stood for is not there any more (removed, closed, answered before). */
#define TERN_E_GONE -4

/** Not allowed inside an INLINE hook. */
#define TERN_E_REENTRANT -5

/** The session is closing or closed. */
#define TERN_E_CLOSED -6

/** Time is up. */
#define TERN_E_TIMEOUT -7

/** No option has this id or name (this library may be older than the header). */
#define TERN_E_UNKNOWN_OPTION -8

/** A number or index is out of its range. */
#define TERN_E_RANGE -9

/** The option's value has another type. */
#define TERN_E_TYPE -10

/** The session has a torrent with this info-hash already. */
#define TERN_E_DUPLICATE -11

/** The bytes are not a valid `.torrent` file. */
#define TERN_E_METAINFO -12

/** The bytes are not valid resume data, or are for another torrent. */
#define TERN_E_RESUME -13

/** The system refused a file or socket operation: see `tern_error_errno` and `tern_error_path`. */
#define TERN_E_IO -14

/** Known, but not something this library does (v2-only torrents, for instance). */
#define TERN_E_UNSUPPORTED -15

/** Nothing was found. */
#define TERN_E_NOT_FOUND -16

/** The host cancelled it. */
#define TERN_E_CANCELLED -17

/** Not possible in the present state. */
#define TERN_E_STATE -18

/** The header and the library do not fit together. */
#define TERN_E_VERSION -19

/**
 * Another session, of this process or another one, uses the state directory: see
 * `tern_error_path`.
 */
#define TERN_E_IN_USE -20

/**
 * The state directory has a database that is another program's, or of a newer libtern: see
 * `tern_error_path`.
 */
#define TERN_E_STORE -21

/** The torrent's metadata is not here yet (`TERN_EVENT_METADATA` says when). */
#define TERN_E_NO_METADATA -23

/** Not a valid magnet link, or one that names no torrent. */
#define TERN_E_MAGNET -24

/** Too much is going on: try again later. */
#define TERN_E_BUSY -25

/** A node of the network refused. */
#define TERN_E_REFUSED -26

/** A tracker refused, or gave no answer. */
#define TERN_E_TRACKER -27

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Version of the library: `TERN_VERSION_NUM` of the header it was built with.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_version(void);

/**
 * Version as text, for example `0.1.0`. Static.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_version_string(void);

/**
 * Checks that a header fits this library: pass `TERN_VERSION_NUM`, `sizeof(tern_event)` and
 * `sizeof(tern_status)`. Wrappers call it when they are loaded.
 *
 * `TERN_E_VERSION` when the header is of another ABI or newer than the library.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_abi_check(uint32_t header_version, size_t event_size, size_t status_size);

/**
 * 1 when the library has a feature, else 0. `feature` is NUL-terminated: `tls`, `store`, `v1`,
 * `v2`, `dht`, `utp`, `mse`. Unknown names are 0.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_has(const char *feature);

/**
 * Name of a result, for example `TERN_E_GONE`; `TERN_E_UNKNOWN` for others. Static.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_result_name(tern_result result);

/**
 * One line about a result, for people. Static.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_result_text(tern_result result);

/**
 * Name of an event kind in lower case, for example `piece_passed`; `unknown` for others. Static.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_event_name(int32_t kind);

/**
 * Name of a torrent state in lower case, for example `downloading`; `unknown` for others. Static.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_state_name(int32_t state);

/**
 * Frees a buffer's bytes and empties it. NULL and empty buffers are fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_buf_free(tern_buf *buf);

/**
 * The result the call returned. 0 for NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_error_code(const tern_error *error);

/**
 * A finer number below the code, 0 when there is none: a `TERN_DETAIL_*` about bytes that were
 * handed in, or (from 1000) the `TERN_OPT_*` concerned. New ones may appear at any time.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_error_detail(const tern_error *error);

/**
 * The system's error number, 0 when there is none.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_error_errno(const tern_error *error);

/**
 * One line for people, NUL-terminated UTF-8. Lives as long as the error. Never NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API const char *tern_error_message(const tern_error *error);

/**
 * The file concerned, empty when there is none. Bytes of a path. Lives as long as the error.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_error_path(const tern_error *error);

/**
 * The torrent's number, 0 when none is concerned.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint64_t tern_error_torrent(const tern_error *error);

/**
 * Frees an error. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_error_free(tern_error *error);

/**
 * An empty set of option values: everything default. NULL only after a defect of the library.
 *
 * Ownership: the caller frees it with `tern_config_free`; sessions copy it.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_config *tern_config_new(void);

/**
 * Frees a config. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_config_free(tern_config *config);

/**
 * Sets an integer option. `TERN_E_UNKNOWN_OPTION`, `TERN_E_TYPE`, `TERN_E_RANGE`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_int(tern_config *config,
                                uint32_t option,
                                int64_t value,
                                tern_error **err);

/**
 * Sets a yes-or-no option: 0 is no, everything else is yes.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_bool(tern_config *config,
                                 uint32_t option,
                                 int32_t value,
                                 tern_error **err);

/**
 * Sets a text option. The text is UTF-8 and copied.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_str(tern_config *config,
                                uint32_t option,
                                const char *value,
                                size_t value_len,
                                tern_error **err);

/**
 * Sets a bytes option. The bytes are copied.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_bytes(tern_config *config,
                                  uint32_t option,
                                  const uint8_t *value,
                                  size_t value_len,
                                  tern_error **err);

/**
 * Sets a floating point option.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_double(tern_config *config,
                                   uint32_t option,
                                   double value,
                                   tern_error **err);

/**
 * Sets an option of any type by name from text: a decimal number; `true`, `false`, `1`, `0`;
 * text and bytes as they are.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_set_text(tern_config *config,
                                 const char *name,
                                 size_t name_len,
                                 const char *value,
                                 size_t value_len,
                                 tern_error **err);

/**
 * Reads an integer option (its default when it was not set).
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_get_int(const tern_config *config,
                                uint32_t option,
                                int64_t *out,
                                tern_error **err);

/**
 * Reads a yes-or-no option as 1 or 0.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_get_bool(const tern_config *config,
                                 uint32_t option,
                                 int32_t *out,
                                 tern_error **err);

/**
 * Reads a text option. Lives until the option is set again or the config is freed.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_get_str(const tern_config *config,
                                uint32_t option,
                                tern_bytes *out,
                                tern_error **err);

/**
 * Reads a bytes option. Lives until the option is set again or the config is freed.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_get_bytes(const tern_config *config,
                                  uint32_t option,
                                  tern_bytes *out,
                                  tern_error **err);

/**
 * Reads a floating point option.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_config_get_double(const tern_config *config,
                                   uint32_t option,
                                   double *out,
                                   tern_error **err);

/**
 * Describes the option with this id. Call the macro `tern_option_by_id`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_option_by_id_sized(uint32_t option,
                                    tern_option_info *out,
                                    size_t out_size,
                                    tern_error **err);

/**
 * Describes the option with this name. Call the macro `tern_option_by_name`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_option_by_name_sized(const char *name,
                                      size_t name_len,
                                      tern_option_info *out,
                                      size_t out_size,
                                      tern_error **err);

/**
 * Describes the option after `option` in the table; 0 gives the first. `TERN_E_NOT_FOUND` at the
 * end. Call the macro `tern_option_next`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_option_next_sized(uint32_t option,
                                   tern_option_info *out,
                                   size_t out_size,
                                   tern_error **err);

/**
 * Starts a session: threads, listen sockets, state directory. `config` may be NULL (all default).
 *
 * Ownership: the config stays the caller's. The session is released with
 * `tern_session_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_new(const tern_config *config,
                             tern_session **out,
                             tern_error **err);

/**
 * One more reference. Returns `s`. NULL is fine.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_session *tern_session_retain(const tern_session *s);

/**
 * Gives up a reference. With the last one a session that was not closed is stopped without saving:
 * only what was never accepted by a save hook is lost. Torrent handles and batches that are still
 * held stay valid to use (`TERN_E_GONE`) and to release, in any order. NULL is fine. In a forked
 * child it frees nothing, on purpose.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_session_release(tern_session *s);

/**
 * Begins to close: stops the network, flushes files, hands out last saves, and posts
 * `TERN_EVENT_CLOSED` when done. Does not block. Keep taking events and answering requests until
 * CLOSED comes. May be called again; it then does nothing.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_session_close_begin(const tern_session *s, tern_error **err);

/**
 * Closes and waits: `tern_session_close_begin`, then up to `timeout_ms` (-1 for ever) until all is
 * flushed and saved. With QUEUED hooks somebody must go on taking events and answering: either
 * another thread, or this one by calling with a short time-out in a loop with `tern_session_take`.
 * Requests of verify hooks that nobody answers do not hold it up: those pieces are checked again
 * on the next start.
 *
 * `TERN_E_TIMEOUT` when time is up; `*out_unsaved` (may be NULL, written in this case too) then
 * says how many torrents are not saved yet. The session goes on closing and the call may be
 * repeated. After `TERN_OK` all threads have ended.
 *
 * Threads: any; in hooks: no; since 0.1.0.
 */
TERN_API
tern_result tern_session_close(const tern_session *s,
                               int32_t timeout_ms,
                               uint32_t *out_unsaved,
                               tern_error **err);

/**
 * Stops all torrents until `tern_session_resume`, without changing their own paused state.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_session_pause(const tern_session *s, tern_error **err);

/**
 * Undoes `tern_session_pause`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_session_resume(const tern_session *s, tern_error **err);

/**
 * Changes live options of a running session to what `config` sets explicitly; all or, on error,
 * nothing. `TERN_E_STATE` when it sets one that is not live to another value.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_apply(const tern_session *s,
                               const tern_config *config,
                               tern_error **err);

/**
 * A copy of the options in use.
 *
 * Ownership: `tern_config_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_take_config(const tern_session *s,
                                     tern_config **out,
                                     tern_error **err);

/**
 * The first port the session listens on, 0 when it does not.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_listen_port(const tern_session *s,
                                     uint16_t *out,
                                     tern_error **err);

/**
 * Our addresses as the world sees them, as far as peers, trackers and the DHT told, one a line,
 * IPv4 before IPv6: `192.0.2.1:6881`, `[2001:db8::1]:6881`, with the port the session listens on.
 * Empty while nobody told. `TERN_EVENT_EXTERNAL_ADDR` comes when one becomes another.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_take_external(const tern_session *s,
                                       tern_buf *out,
                                       tern_error **err);

/**
 * Snapshot of the session. Call the macro `tern_session_stats`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_stats_sized(const tern_session *s,
                                     tern_stats *out,
                                     size_t out_size,
                                     tern_error **err);

/**
 * Adds a torrent. Hooks set on `add` move to the torrent; everything else stays, `add` can be used
 * again. When no resume data was set and the session has a state directory, saved state is loaded
 * from there.
 *
 * `TERN_E_DUPLICATE` when it is there already (see `tern_session_find`), `TERN_E_RESUME` when the
 * resume data given is of another torrent or not readable. `out` may be NULL.
 *
 * Ownership: the handle is released with `tern_torrent_release`; releasing it does not remove the
 * torrent.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_add(const tern_session *s,
                             tern_add *add,
                             tern_torrent **out,
                             tern_error **err);

/**
 * Adds every torrent that was in the last session with this state directory, in queue order, with
 * what was saved of it: nothing has to be given again. Torrents that are there already stay as
 * they are; those that were removed, and those whose state a save hook keeps, are not brought
 * back. Returns when all are added; `TERN_EVENT_ADDED` comes for each, and
 * `TERN_EVENT_RESTORE_FAILED` for each that could not be. `*out_torrents` and `*out_failed` (both
 * may be NULL) are the counts.
 *
 * Of each torrent some three notices come, and nobody may be taking events meanwhile: where there
 * are more torrents than a third of `event_queue_len`, the oldest are dropped and
 * `TERN_EVENT_DROPPED` says so; `tern_session_torrents` and the torrents' states tell what they
 * said. Errors, as many as `event_queue_len`, are not dropped for other notices.
 *
 * A torrent whose content was being moved, or a file of it renamed, when the process was killed is
 * looked for at both places; a move that was cut short half-way is finished here, which may take
 * as long as the move.
 *
 * `TERN_E_STATE` when the session has no state directory.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_restore(const tern_session *s,
                                 uint32_t *out_torrents,
                                 uint32_t *out_failed,
                                 tern_error **err);

/**
 * Number of torrents, and handles of up to `capacity` of them in the order they were added.
 * `*out_len` is the number there are. `out` may be NULL when `capacity` is 0.
 *
 * Ownership: each handle written is released with `tern_torrent_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_torrents(const tern_session *s,
                                  tern_torrent **out,
                                  size_t capacity,
                                  size_t *out_len,
                                  tern_error **err);

/**
 * As `tern_session_torrents`, in queue order: see `tern_torrent_set_queue_position`.
 *
 * Ownership: each handle written is released with `tern_torrent_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_queue(const tern_session *s,
                               tern_torrent **out,
                               size_t capacity,
                               size_t *out_len,
                               tern_error **err);

/**
 * The torrent with this info-hash (20 bytes). `TERN_E_NOT_FOUND`.
 *
 * Ownership: `tern_torrent_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_find(const tern_session *s,
                              const uint8_t *info_hash,
                              tern_torrent **out,
                              tern_error **err);

/**
 * The torrent with this number. `TERN_E_NOT_FOUND`.
 *
 * Ownership: `tern_torrent_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_find_id(const tern_session *s,
                                 uint64_t torrent_id,
                                 tern_torrent **out,
                                 tern_error **err);

/**
 * A descriptor that is readable exactly while events wait to be taken (level-triggered): put it
 * into poll, epoll, select or any event loop. The same for the session's life. Never read, write
 * or close it. -1 for NULL, after a fork, or when the session is closed for good.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_session_event_fd(const tern_session *s);

/**
 * Waits until events wait to be taken, at most `timeout_ms` (-1 for ever, 0 only looks). Returns 1
 * when there are events, 0 when time is up, `tern_session_wake` was called or a signal arrived (so
 * that the host can run its handlers), or a negative `TERN_E_*`.
 *
 * Threads: any; in hooks: no; since 0.1.0.
 */
TERN_API int32_t tern_session_wait(const tern_session *s, int32_t timeout_ms, tern_error **err);

/**
 * Ends one `tern_session_wait` (the present or the next one). From any thread; async-signal-safe.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_session_wake(const tern_session *s);

/**
 * Which classes of notices to queue, `TERN_CLASS_*` bits. Notices already queued stay.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_subscribe(const tern_session *s,
                                   uint32_t classes,
                                   tern_error **err);

/**
 * Takes up to `max` events out of the queue (0 for all there are); requests come first. The batch
 * may be empty.
 *
 * Ownership: `tern_batch_free`, whenever the host likes.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_take(const tern_session *s,
                              size_t max,
                              tern_batch **out,
                              tern_error **err);

/**
 * Events in a batch, 0 for NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API size_t tern_batch_len(const tern_batch *batch);

/**
 * Copies one event out. What it points to lives until the batch is freed. Call the macro
 * `tern_batch_get`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_batch_get_sized(const tern_batch *batch,
                                 size_t index,
                                 tern_event *out,
                                 size_t out_size);

/**
 * Frees a batch. Requests in it stay open: their tokens still want an answer. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_batch_free(tern_batch *batch);

/**
 * Sets the verifier of all torrents that have none of their own. It is asked about every piece
 * after the engine's own hash; until ACCEPT the piece does not count as had. `mode` is
 * `TERN_HOOK_*`; `flags` is 0 or `TERN_VERIFY_OVERRIDE`. `destroy` may be NULL; it runs exactly
 * once, also when this call fails.
 *
 * Torrents added before follow it too.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_set_verify_hook(const tern_session *s,
                                         int32_t mode,
                                         uint32_t flags,
                                         tern_hook_fn hook,
                                         void *user,
                                         tern_destroy_fn destroy,
                                         tern_error **err);

/**
 * Sets the saver of all torrents that have none of their own. It gets resume data to keep; ACCEPT
 * says that it is durable. Without a hook the built-in store keeps it in the state directory, when
 * there is one.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_set_save_hook(const tern_session *s,
                                       int32_t mode,
                                       uint32_t flags,
                                       tern_hook_fn hook,
                                       void *user,
                                       tern_destroy_fn destroy,
                                       tern_error **err);

/**
 * Sets the verifier of one torrent; `TERN_HOOK_NONE` goes back to the session's.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_verify_hook(const tern_torrent *t,
                                         int32_t mode,
                                         uint32_t flags,
                                         tern_hook_fn hook,
                                         void *user,
                                         tern_destroy_fn destroy,
                                         tern_error **err);

/**
 * Sets the saver of one torrent; `TERN_HOOK_NONE` goes back to the session's.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_save_hook(const tern_torrent *t,
                                       int32_t mode,
                                       uint32_t flags,
                                       tern_hook_fn hook,
                                       void *user,
                                       tern_destroy_fn destroy,
                                       tern_error **err);

/**
 * Sets the verifier the torrent starts with. It moves to the torrent in `tern_session_add`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_verify_hook(tern_add *add,
                                     int32_t mode,
                                     uint32_t flags,
                                     tern_hook_fn hook,
                                     void *user,
                                     tern_destroy_fn destroy,
                                     tern_error **err);

/**
 * Sets the saver the torrent starts with. It moves to the torrent in `tern_session_add`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_save_hook(tern_add *add,
                                   int32_t mode,
                                   uint32_t flags,
                                   tern_hook_fn hook,
                                   void *user,
                                   tern_destroy_fn destroy,
                                   tern_error **err);

/**
 * Answers a request with a `TERN_VERDICT_*`. From any thread, in any order, exactly once: then
 * `TERN_E_GONE`, as for requests of a torrent that was removed. Does not block. `detail`:
 * milliseconds for DEFER, any code for FAIL, else 0.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_request_complete(const tern_session *s,
                                  uint64_t token,
                                  int32_t verdict,
                                  int64_t detail,
                                  tern_error **err);

/**
 * The bytes a request is about: of the piece (read from the cache or the disk, which may block for
 * a moment), or the resume data. Borrowed: they live until the request is answered, or, for a
 * request that is withdrawn because its torrent goes, until the session is released.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_request_data(const tern_session *s,
                              uint64_t token,
                              tern_bytes *out,
                              tern_error **err);

/**
 * An empty builder. It needs metainfo (or resume data that embeds it) and a save path.
 *
 * Ownership: `tern_add_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_add *tern_add_new(void);

/**
 * Frees a builder and the hooks still in it. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_add_free(tern_add *add);

/**
 * The torrent, as the bytes of a `.torrent` file.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_metainfo(tern_add *add,
                                  const uint8_t *bytes,
                                  size_t bytes_len,
                                  tern_error **err);

/**
 * The torrent, read from a `.torrent` file now.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_metainfo_file(tern_add *add,
                                       const char *path,
                                       size_t path_len,
                                       tern_error **err);

/**
 * The torrent, as parsed metainfo. It is copied (cheaply).
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_metainfo_object(tern_add *add,
                                         const tern_metainfo *m,
                                         tern_error **err);

/**
 * The torrent, as a magnet link (BEP 9): its metadata comes from peers, or from where the link
 * says, and `TERN_EVENT_METADATA` tells. The link's trackers, peers (`x.pe`), sources (`xs`,
 * `as`), web seeds, name and selection of files (BEP 53) are taken over. `TERN_E_MAGNET`,
 * `TERN_E_UNSUPPORTED` when it names no torrent of version 1.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_magnet(tern_add *add,
                                const char *link,
                                size_t link_len,
                                tern_error **err);

/**
 * The torrent, by its info-hash alone (20 bytes).
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_info_hash(tern_add *add,
                                   const uint8_t *info_hash,
                                   tern_error **err);

/**
 * Whether `tern_session_add` adds the trackers, peers, sources and metadata given here to a
 * torrent that the session has already and gives that one back, instead of `TERN_E_DUPLICATE`. All
 * else said here changes nothing then. To a private torrent (BEP 27) only peers are added.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_merge(tern_add *add, int32_t merge, tern_error **err);

/**
 * The directory the content is (or will be) in. A path in the system's bytes.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_save_path(tern_add *add,
                                   const char *path,
                                   size_t path_len,
                                   tern_error **err);

/**
 * Resume data to continue from: ours or libtorrent's. It is checked here for form, and against the
 * torrent in `tern_session_add`. Empty bytes mean none, and nothing is loaded from the state
 * directory either.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_resume(tern_add *add,
                                const uint8_t *bytes,
                                size_t bytes_len,
                                tern_error **err);

/**
 * Whether to start stopped. Overrides the resume data.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_paused(tern_add *add, int32_t paused, tern_error **err);

/**
 * Whether to fetch in order. Overrides the resume data.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_sequential(tern_add *add, int32_t sequential, tern_error **err);

/**
 * Whether to reserve space for files. Overrides the session's option.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_preallocate(tern_add *add, int32_t preallocate, tern_error **err);

/**
 * Priority of a file, 0 (do not fetch, do not create) to 7; 4 is normal. Setting one overrides all
 * of the resume data.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_file_priority(tern_add *add,
                                       uint32_t file,
                                       uint32_t priority,
                                       tern_error **err);

/**
 * Priorities of the first `priorities_len` files.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_file_priorities(tern_add *add,
                                         const uint8_t *priorities,
                                         size_t priorities_len,
                                         tern_error **err);

/**
 * Another path for a file, relative to the save path.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_rename_file(tern_add *add,
                                 uint32_t file,
                                 const char *path,
                                 size_t path_len,
                                 tern_error **err);

/**
 * Forgets the metainfo's trackers.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_clear_trackers(tern_add *add, tern_error **err);

/**
 * One more tracker, in this tier.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_add_tracker(tern_add *add,
                                 uint32_t tier,
                                 const char *url,
                                 size_t url_len,
                                 tern_error **err);

/**
 * An address to connect to, `192.0.2.1:6881` or `[2001:db8::1]:6881`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_add_peer(tern_add *add,
                              const char *address,
                              size_t address_len,
                              tern_error **err);

/**
 * Bytes per second, 0 unlimited. Overrides the resume data.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_limits(tern_add *add,
                                uint64_t download,
                                uint64_t upload,
                                tern_error **err);

/**
 * When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none). Overrides the
 * session's options.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_add_set_save_policy(tern_add *add,
                                     uint32_t flags,
                                     int64_t interval_ms,
                                     tern_error **err);

/**
 * Whether content whose files are all there in full length is taken for good (1): each piece is
 * hashed when a peer first asks for it, before a byte of it goes out. One that does not match ends
 * this, and what was not verified by then is checked. Resume data that says so has the same
 * effect.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_seed_mode(tern_add *add, int32_t seed_mode, tern_error **err);

/**
 * What to trust when files differ from the resume data: `TERN_LOAD_*`. Overrides the session's
 * option.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_load_policy(tern_add *add, int32_t policy, tern_error **err);

/**
 * One more reference. Returns `t`. NULL is fine.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_torrent *tern_torrent_retain(const tern_torrent *t);

/**
 * Gives up a reference; the torrent goes on. NULL is fine.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_torrent_release(tern_torrent *t);

/**
 * Number in the session, never used twice, never 0. Works after removal too. 0 for NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint64_t tern_torrent_id(const tern_torrent *t);

/**
 * Writes the 20 bytes of the info-hash. Works after removal too.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_info_hash(const tern_torrent *t, uint8_t *out, tern_error **err);

/**
 * The torrent's session, one more reference of it. NULL when it was released.
 *
 * Ownership: `tern_session_release`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_session *tern_torrent_take_session(const tern_torrent *t);

/**
 * Removes the torrent: closes its connections and files, and with `TERN_REMOVE_FILES` deletes its
 * content. `TERN_EVENT_REMOVED` follows. Saved state in the built-in store goes too, unless
 * `TERN_REMOVE_KEEP_STATE`; with that, a last save happens first. Until `TERN_EVENT_REMOVED` it
 * cannot be added again.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_remove(const tern_torrent *t, uint32_t flags, tern_error **err);

/**
 * How many torrents stand before this one in the session's queue.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_queue_position(const tern_torrent *t,
                                        uint32_t *out,
                                        tern_error **err);

/**
 * Moves the torrent in the queue, so that `position` torrents stand before it; all others when
 * there are fewer. The state directory keeps the order, and `tern_session_restore` brings it back.
 * An added torrent is the last. The order starts and stops nothing.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_queue_position(const tern_torrent *t,
                                            uint32_t position,
                                            tern_error **err);

/**
 * Stops: disconnects, flushes, closes files.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_pause(const tern_torrent *t, tern_error **err);

/**
 * Goes on; also retries after an error.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_resume(const tern_torrent *t, tern_error **err);

/**
 * Checks all pieces again.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_recheck(const tern_torrent *t, tern_error **err);

/**
 * Checks the pieces of one file again.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_recheck_file(const tern_torrent *t,
                                      uint32_t file,
                                      tern_error **err);

/**
 * Checks the pieces `first` to `end - 1` again.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_recheck_pieces(const tern_torrent *t,
                                        uint32_t first,
                                        uint32_t end,
                                        tern_error **err);

/**
 * Asks for resume data to be handed out now, even if nothing changed: a save request (or the
 * built-in store) follows.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_save(const tern_torrent *t, tern_error **err);

/**
 * As `tern_torrent_save`, when something changed that `flags` (`TERN_SAVE_IF_*`; none: in any
 * case) name, with the `info` dictionary when they have `TERN_SAVE_WITH_INFO`. One
 * `TERN_EVENT_SAVE_DONE` with the ticket put in `*out_ticket` (may be NULL) says what it came to;
 * it is never dropped.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_request_save(const tern_torrent *t,
                                      uint32_t flags,
                                      uint64_t *out_ticket,
                                      tern_error **err);

/**
 * When to save: `TERN_SAVE_*` bits and an interval in milliseconds (0 for none).
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_save_policy(const tern_torrent *t,
                                         uint32_t flags,
                                         int64_t interval_ms,
                                         tern_error **err);

/**
 * Fetch in order (1) or rarest first (0).
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_sequential(const tern_torrent *t,
                                        int32_t sequential,
                                        tern_error **err);

/**
 * Bytes per second, 0 unlimited.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_limits(const tern_torrent *t,
                                    uint64_t download,
                                    uint64_t upload,
                                    tern_error **err);

/**
 * Most connections of this torrent, at least 1.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_max_connections(const tern_torrent *t,
                                             uint32_t connections,
                                             tern_error **err);

/**
 * Peers uploaded to at once, at least 1.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_upload_slots(const tern_torrent *t,
                                          uint32_t slots,
                                          tern_error **err);

/**
 * Priority of a file, 0 (do not fetch) to 7; 4 is normal.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_file_priority(const tern_torrent *t,
                                           uint32_t file,
                                           uint32_t priority,
                                           tern_error **err);

/**
 * Priorities of all files; files beyond `priorities_len` become normal.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_file_priorities(const tern_torrent *t,
                                             const uint8_t *priorities,
                                             size_t priorities_len,
                                             tern_error **err);

/**
 * Priority of a piece, 0 to 7.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_piece_priority(const tern_torrent *t,
                                            uint32_t piece,
                                            uint32_t priority,
                                            tern_error **err);

/**
 * Moves the content to another directory, which is made when it is not there.
 * `TERN_EVENT_MOVED` follows.
 *
 * Within a file system files are renamed; to another one they are copied, synced, and the
 * originals taken away last. Nothing is replaced: when a file is where one of the content's would
 * go, nothing moves and the event's `os_errno` is `EEXIST` (whole copies that a move left which
 * was cut short are taken for what they are). Whatever fails half-way is undone, and the torrent
 * goes on where it was. With a state directory `tern_session_restore` finds the content wherever a
 * killed process left it; the host of a save hook should save after the event.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_move(const tern_torrent *t,
                              const char *path,
                              size_t path_len,
                              tern_error **err);

/**
 * Renames a file, relative to the save path; an absolute path takes it out of there, and moves
 * leave it where it is then. `TERN_EVENT_RENAMED` follows. Nothing is replaced, as with
 * `tern_torrent_move`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_rename_file(const tern_torrent *t,
                                     uint32_t file,
                                     const char *path,
                                     size_t path_len,
                                     tern_error **err);

/**
 * Connects to this address now.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_add_peer(const tern_torrent *t,
                                  const char *address,
                                  size_t address_len,
                                  tern_error **err);

/**
 * Bans this address (a port is ignored) and closes its connections.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_ban_peer(const tern_torrent *t,
                                  const char *address,
                                  size_t address_len,
                                  tern_error **err);

/**
 * Closes one connection.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_drop_peer(const tern_torrent *t, uint64_t peer, tern_error **err);

/**
 * Replaces all trackers: `count` NUL-terminated URLs and their tiers.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_trackers(const tern_torrent *t,
                                      const char *const *urls,
                                      const uint32_t *tiers,
                                      size_t count,
                                      tern_error **err);

/**
 * One more tracker, in this tier.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_add_tracker(const tern_torrent *t,
                                     uint32_t tier,
                                     const char *url,
                                     size_t url_len,
                                     tern_error **err);

/**
 * Announces now, as soon as the trackers' minimum interval allows.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_announce(const tern_torrent *t, tern_error **err);

/**
 * Asks the trackers for their counts. `TERN_EVENT_TRACKER_SCRAPED` follows.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_scrape(const tern_torrent *t, tern_error **err);

/**
 * As `tern_torrent_announce`, to one tracker: also to one that is asked only when those before it
 * fail. `TERN_E_NOT_FOUND` when the torrent has no tracker of this URL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_announce_tracker(const tern_torrent *t,
                                          const char *url,
                                          size_t url_len,
                                          tern_error **err);

/**
 * As `tern_torrent_scrape`, of one tracker: `TERN_EVENT_TRACKER_SCRAPED` or
 * `TERN_EVENT_TRACKER_FAILED` follows. `TERN_E_NOT_FOUND` when the torrent has no tracker of this
 * URL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_scrape_tracker(const tern_torrent *t,
                                        const char *url,
                                        size_t url_len,
                                        tern_error **err);

/**
 * Events for single messages of peers (`TERN_CLASS_WIRE`) on or off.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_set_wire_notices(const tern_torrent *t,
                                          int32_t on,
                                          tern_error **err);

/**
 * Snapshot of the torrent. Call the macro `tern_torrent_status`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_status_sized(const tern_torrent *t,
                                      tern_status *out,
                                      size_t out_size,
                                      tern_error **err);

/**
 * The torrent's metainfo with its present trackers. `TERN_E_NO_METADATA` while it is not here.
 *
 * Ownership: `tern_metainfo_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_metainfo(const tern_torrent *t,
                                       tern_metainfo **out,
                                       tern_error **err);

/**
 * The torrent's name; what its magnet link says, or else the info-hash, until the metadata is
 * here.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_take_name(const tern_torrent *t, tern_buf *out, tern_error **err);

/**
 * The torrent's magnet link, with its present trackers.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_magnet(const tern_torrent *t,
                                     tern_buf *out,
                                     tern_error **err);

/**
 * The directory the content is in now, bytes of a path.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_save_path(const tern_torrent *t,
                                        tern_buf *out,
                                        tern_error **err);

/**
 * The path of a file now (renamed or not), relative to the save path.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_file_path(const tern_torrent *t,
                                        uint32_t file,
                                        tern_buf *out,
                                        tern_error **err);

/**
 * The pieces we have: one bit per piece in wire order (first piece = highest bit of the first
 * byte). `*out_len` is the number of bytes there are; `TERN_E_RANGE` when `capacity` is smaller
 * (`*out_len` is written in this case too). `out` may be NULL when `capacity` is 0.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_bitfield(const tern_torrent *t,
                                  uint8_t *out,
                                  size_t capacity,
                                  size_t *out_len,
                                  tern_error **err);

/**
 * The pieces we want and do not have, as `tern_torrent_bitfield`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_wanted(const tern_torrent *t,
                                uint8_t *out,
                                size_t capacity,
                                size_t *out_len,
                                tern_error **err);

/**
 * Priority of each file, one byte each; lengths as in `tern_torrent_bitfield`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_file_priorities(const tern_torrent *t,
                                         uint8_t *out,
                                         size_t capacity,
                                         size_t *out_len,
                                         tern_error **err);

/**
 * Priority of each piece, one byte each; lengths as in `tern_torrent_bitfield`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_piece_priorities(const tern_torrent *t,
                                          uint8_t *out,
                                          size_t capacity,
                                          size_t *out_len,
                                          tern_error **err);

/**
 * Bytes of each file that are in pieces we have; lengths, in numbers, as in
 * `tern_torrent_bitfield`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_file_progress(const tern_torrent *t,
                                       uint64_t *out,
                                       size_t capacity,
                                       size_t *out_len,
                                       tern_error **err);

/**
 * Pieces in progress, by index: those with a block that is requested or received. Lengths, in
 * numbers, as in `tern_torrent_bitfield`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_partial_pieces(const tern_torrent *t,
                                        uint32_t *out,
                                        size_t capacity,
                                        size_t *out_len,
                                        tern_error **err);

/**
 * How far each block of a piece is, `TERN_BLOCK_...` each, in blocks of 16 KiB; lengths as in
 * `tern_torrent_bitfield`. A piece we have is written in whole, one that is not in progress is
 * missing in whole.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_block_states(const tern_torrent *t,
                                      uint32_t piece,
                                      uint8_t *out,
                                      size_t capacity,
                                      size_t *out_len,
                                      tern_error **err);

/**
 * Reads a piece from the disk, whether it passed or not.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_read_piece(const tern_torrent *t,
                                    uint32_t piece,
                                    tern_buf *out,
                                    tern_error **err);

/**
 * Snapshot of the connected peers.
 *
 * Ownership: `tern_peers_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_peers(const tern_torrent *t,
                                    tern_peers **out,
                                    tern_error **err);

/**
 * Peers in a snapshot, 0 for NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API size_t tern_peers_len(const tern_peers *peers);

/**
 * One peer. Call the macro `tern_peers_get`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_peers_get_sized(const tern_peers *peers,
                                 size_t index,
                                 tern_peer_info *out,
                                 size_t out_size);

/**
 * Frees a snapshot. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_peers_free(tern_peers *peers);

/**
 * Snapshot of the trackers, by tier.
 *
 * Ownership: `tern_trackers_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_torrent_take_trackers(const tern_torrent *t,
                                       tern_trackers **out,
                                       tern_error **err);

/**
 * Trackers in a snapshot, 0 for NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API size_t tern_trackers_len(const tern_trackers *trackers);

/**
 * One tracker. Call the macro `tern_trackers_get`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_trackers_get_sized(const tern_trackers *trackers,
                                    size_t index,
                                    tern_tracker_info *out,
                                    size_t out_size);

/**
 * Frees a snapshot. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_trackers_free(tern_trackers *trackers);

/**
 * Parses the bytes of a `.torrent` file. `TERN_E_METAINFO`, `TERN_E_UNSUPPORTED` (v2 only).
 *
 * Ownership: `tern_metainfo_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_metainfo_parse(const uint8_t *bytes,
                                size_t bytes_len,
                                tern_metainfo **out,
                                tern_error **err);

/**
 * Reads and parses a `.torrent` file.
 *
 * Ownership: `tern_metainfo_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_metainfo_load(const char *path,
                               size_t path_len,
                               tern_metainfo **out,
                               tern_error **err);

/**
 * Frees it. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_metainfo_free(tern_metainfo *m);

/**
 * The 20 bytes of the info-hash. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_info_hash(const tern_metainfo *m);

/**
 * The name, made safe for file systems. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_name(const tern_metainfo *m);

/**
 * The name as the file gives it. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_name_raw(const tern_metainfo *m);

/**
 * The comment, empty when there is none. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_comment(const tern_metainfo *m);

/**
 * The program that made it, empty when not told. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_created_by(const tern_metainfo *m);

/**
 * `source` of private trackers, empty when there is none. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_source(const tern_metainfo *m);

/**
 * When it was made, seconds since 1970, 0 when not told.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int64_t tern_metainfo_creation_date(const tern_metainfo *m);

/**
 * 1 when private (BEP 27).
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_metainfo_is_private(const tern_metainfo *m);

/**
 * 1 when its files lie under a directory named as the torrent.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API int32_t tern_metainfo_is_multi_file(const tern_metainfo *m);

/**
 * Bytes of all files, padding included.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint64_t tern_metainfo_total_size(const tern_metainfo *m);

/**
 * Nominal bytes of a piece.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_piece_length(const tern_metainfo *m);

/**
 * Actual bytes of this piece, 0 when there is no such piece.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_piece_size(const tern_metainfo *m, uint32_t piece);

/**
 * Number of pieces.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_piece_count(const tern_metainfo *m);

/**
 * SHA-1 of a piece, 20 bytes, empty when there is no such piece. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_piece_hash(const tern_metainfo *m, uint32_t piece);

/**
 * Number of files, padding included.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_file_count(const tern_metainfo *m);

/**
 * One file. Call the macro `tern_metainfo_file`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_metainfo_file_sized(const tern_metainfo *m,
                                     uint32_t file,
                                     tern_file_info *out,
                                     size_t out_size);

/**
 * One component of a file's path as the `.torrent` gives it, empty when there is none. Owned by
 * the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_bytes tern_metainfo_file_component(const tern_metainfo *m,
                                        uint32_t file,
                                        uint32_t component);

/**
 * Number of trackers in all tiers.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_tracker_count(const tern_metainfo *m);

/**
 * URL of a tracker, and its tier (`out_tier` may be NULL). Empty when there is none. Owned by the
 * metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_bytes tern_metainfo_tracker(const tern_metainfo *m,
                                 uint32_t index,
                                 uint32_t *out_tier);

/**
 * Number of web seeds (BEP 19).
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_web_seed_count(const tern_metainfo *m);

/**
 * URL of a web seed, empty when there is none. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_web_seed(const tern_metainfo *m, uint32_t index);

/**
 * Number of DHT nodes (BEP 5).
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API uint32_t tern_metainfo_node_count(const tern_metainfo *m);

/**
 * Host of a DHT node, and its port (`out_port` may be NULL). Empty when there is none. Owned by
 * the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_node(const tern_metainfo *m, uint32_t index, uint16_t *out_port);

/**
 * The magnet link: info-hash, name, length, trackers and web seeds.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_metainfo_take_magnet(const tern_metainfo *m,
                                      tern_buf *out,
                                      tern_error **err);

/**
 * The info-hash (20 bytes) that a magnet link names. `TERN_E_MAGNET`, `TERN_E_UNSUPPORTED` when it
 * names no torrent of version 1.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_magnet_info_hash(const char *link,
                                  size_t link_len,
                                  uint8_t *out,
                                  tern_error **err);

/**
 * The `info` dictionary, verbatim. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_info_bytes(const tern_metainfo *m);

/**
 * The whole file, verbatim. Owned by the metainfo.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_bytes tern_metainfo_bytes(const tern_metainfo *m);

/**
 * A new job for a file or directory. It is not looked at yet.
 *
 * Ownership: `tern_create_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_new(const char *path,
                            size_t path_len,
                            tern_create **out,
                            tern_error **err);

/**
 * Frees it. NULL is fine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API void tern_create_free(tern_create *create);

/**
 * Bytes of a piece: a power of two of at least 16 KiB; 0 (the default) chooses by size.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_piece_length(tern_create *create,
                                         uint32_t bytes,
                                         tern_error **err);

/**
 * Another name than the path's last component.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_name(tern_create *create,
                                 const char *name,
                                 size_t name_len,
                                 tern_error **err);

/**
 * Free text.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_comment(tern_create *create,
                                    const char *comment,
                                    size_t comment_len,
                                    tern_error **err);

/**
 * Creating program; empty leaves it out.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_created_by(tern_create *create,
                                       const char *program,
                                       size_t program_len,
                                       tern_error **err);

/**
 * Seconds since 1970; 0 leaves it out. The default is the time of the run.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_creation_date(tern_create *create,
                                          int64_t seconds,
                                          tern_error **err);

/**
 * `source` of private trackers.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_source(tern_create *create,
                                   const char *source,
                                   size_t source_len,
                                   tern_error **err);

/**
 * Private (BEP 27).
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_private(tern_create *create,
                                    int32_t is_private,
                                    tern_error **err);

/**
 * `TERN_CREATE_*` bits.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_create_set_flags(tern_create *create, uint32_t flags, tern_error **err);

/**
 * Threads that read and hash while a run or a step goes on; 0 (the default) takes one per
 * processor, at most eight.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_threads(tern_create *create,
                                    uint32_t threads,
                                    tern_error **err);

/**
 * Instructions to hash with, as `TERN_OPT_HASH_PATH`. `TERN_E_INVALID` when there is no such path,
 * or not on this machine.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_set_hash_path(tern_create *create,
                                      const char *path,
                                      size_t path_len,
                                      tern_error **err);

/**
 * One more tracker, in this tier.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_add_tracker(tern_create *create,
                                    uint32_t tier,
                                    const char *url,
                                    size_t url_len,
                                    tern_error **err);

/**
 * One more web seed (BEP 19).
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_add_web_seed(tern_create *create,
                                     const char *url,
                                     size_t url_len,
                                     tern_error **err);

/**
 * Reads and hashes everything, with threads that end with it, and gives the `.torrent` file's
 * bytes. `progress` may be NULL. `TERN_E_CANCELLED` when it asks for that, `TERN_E_IO`.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_create_run(tern_create *create,
                            tern_progress_fn progress,
                            void *user,
                            tern_buf *out,
                            tern_error **err);

/**
 * The same in slices, for hosts that want no callback: reads and hashes up to about `max_bytes`
 * (sixteen pieces per thread and more are fast, single pieces are not),
 * then returns 1 when all is hashed, 0 when not, or a negative `TERN_E_*`. `out_done` and
 * `out_total` (bytes) may be NULL.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API
int32_t tern_create_step(tern_create *create,
                         uint64_t max_bytes,
                         uint64_t *out_done,
                         uint64_t *out_total,
                         tern_error **err);

/**
 * After `tern_create_step` returned 1: the `.torrent` file's bytes.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_create_take(tern_create *create, tern_buf *out, tern_error **err);

/**
 * Looks for peers of a torrent (`info_hash`, 20 bytes), which need not be in the session. `flags`
 * are `TERN_DHT_*`; with `TERN_DHT_ANNOUNCE` it is announced at `port`, 0 for the session's own.
 * Comes as DHT_PEERS, DHT_SCRAPED and DHT_PEERS_DONE with `*out_token`.
 *
 * Like all that give a token: `TERN_E_STATE` while the DHT is off, `TERN_E_BUSY` when a thousand
 * run or have results nobody took. A call made before the network is found waits for it, for some
 * seconds. Results are never masked; the one that ends a command is never dropped.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_get_peers(const tern_session *s,
                                       const uint8_t *info_hash,
                                       uint32_t flags,
                                       uint16_t port,
                                       uint64_t *out_token,
                                       tern_error **err);

/**
 * Finds the immutable item (BEP 44) whose value has this SHA-1 (`target`, 20 bytes). Comes as
 * DHT_ITEM and DHT_ITEM_DONE.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_get(const tern_session *s,
                                 const uint8_t *target,
                                 uint64_t *out_token,
                                 tern_error **err);

/**
 * Finds the newest version of the mutable item (BEP 44) of an owner (`key`, 32 bytes) under a salt
 * of at most 64 bytes, which may be empty. Comes as DHT_ITEM, with each newer version, and
 * DHT_ITEM_DONE.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_get_mutable(const tern_session *s,
                                         const uint8_t *key,
                                         const uint8_t *salt,
                                         size_t salt_len,
                                         uint64_t *out_token,
                                         tern_error **err);

/**
 * Stores a bencoded value of at most 1000 bytes under its SHA-1 (BEP 44). Comes as DHT_PUT_DONE.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_put(const tern_session *s,
                                 const uint8_t *value,
                                 size_t value_len,
                                 uint64_t *out_token,
                                 tern_error **err);

/**
 * Signs a bencoded value with a secret key (64 bytes, see `tern_dht_keypair`) and stores it as the
 * next version of the owner's item under a salt (BEP 44): the sequence number is one more than the
 * newest that is found. With `replaces` of 0 or more the put fails unless that is the newest
 * (`cas`); -1 replaces whatever is found. Comes as DHT_PUT_DONE.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_put_mutable(const tern_session *s,
                                         const uint8_t *secret,
                                         const uint8_t *salt,
                                         size_t salt_len,
                                         const uint8_t *value,
                                         size_t value_len,
                                         int64_t replaces,
                                         uint64_t *out_token,
                                         tern_error **err);

/**
 * Stores an item that somebody else signed, to keep it alive (BEP 44). `TERN_E_INVALID` when the
 * signature (64 bytes) does not fit. Comes as DHT_PUT_DONE.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_put_signed(const tern_session *s,
                                        const uint8_t *key,
                                        const uint8_t *salt,
                                        size_t salt_len,
                                        int64_t seq,
                                        const uint8_t *signature,
                                        const uint8_t *value,
                                        size_t value_len,
                                        uint64_t *out_token,
                                        tern_error **err);

/**
 * Asks a node whether it is there, `192.0.2.1:6881` or `[2001:db8::1]:6881`. Comes as DHT_PONG or
 * DHT_FAILED. A node that answers is remembered.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_ping(const tern_session *s,
                                  const char *node,
                                  size_t node_len,
                                  uint64_t *out_token,
                                  tern_error **err);

/**
 * Finds the nodes nearest to a target (20 bytes). Comes as DHT_NODES.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_find_node(const tern_session *s,
                                       const uint8_t *target,
                                       uint64_t *out_token,
                                       tern_error **err);

/**
 * Asks for info-hashes (BEP 51): one node when `node_len` is not 0, else all on the way to a
 * target (20 bytes). Comes as DHT_SAMPLES or DHT_FAILED.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_sample(const tern_session *s,
                                    const uint8_t *target,
                                    const char *node,
                                    size_t node_len,
                                    uint64_t *out_token,
                                    tern_error **err);

/**
 * Follows the pointer to a torrent (BEP 46) that an owner (`key`, 32 bytes) publishes under a
 * salt: DHT_UPDATE comes with each newer version, and at once with the one an earlier session
 * knew. It is asked for every `interval_secs` (at least 60) and stored again when few nodes have
 * it. With
 * `save_path_len` not 0 the torrents it points at are added there by their info-hashes. It runs
 * until `tern_session_dht_cancel`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_follow(const tern_session *s,
                                    const uint8_t *key,
                                    const uint8_t *salt,
                                    size_t salt_len,
                                    uint32_t interval_secs,
                                    const char *save_path,
                                    size_t save_path_len,
                                    uint64_t *out_token,
                                    tern_error **err);

/**
 * Publishes a pointer to a torrent (BEP 46) with a secret key (64 bytes) under a salt, and keeps
 * it alive until `tern_session_dht_cancel`. Comes as DHT_PUBLISHED.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_publish(const tern_session *s,
                                     const uint8_t *secret,
                                     const uint8_t *salt,
                                     size_t salt_len,
                                     const uint8_t *info_hash,
                                     uint64_t *out_token,
                                     tern_error **err);

/**
 * Ends what runs under a token of the DHT. Results that are queued stay; nothing more comes. Fine
 * when nothing runs.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_cancel(const tern_session *s,
                                    uint64_t token,
                                    tern_error **err);

/**
 * A node to get acquainted with, `host:port`; names are resolved.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_add_node(const tern_session *s,
                                      const char *host,
                                      size_t host_len,
                                      tern_error **err);

/**
 * The id (20 bytes) of our node at the first listening address. `TERN_E_STATE` while there is
 * none. Waits for the network thread.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_session_dht_id(const tern_session *s, uint8_t *out, tern_error **err);

/**
 * Takes an id (20 bytes) at the first listening address, for programs that keep their ids
 * themselves.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_set_id(const tern_session *s,
                                    const uint8_t *id,
                                    tern_error **err);

/**
 * The nodes that are known to be there, one a line: id, a space, address. Waits for the network
 * thread.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_take_dht_nodes(const tern_session *s,
                                        tern_buf *out,
                                        tern_error **err);

/**
 * Snapshot of the DHT; zeros while it is off. Waits for the network thread. Call the macro
 * `tern_session_dht_stats`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_dht_stats_sized(const tern_session *s,
                                         tern_dht_stats *out,
                                         size_t out_size,
                                         tern_error **err);

/**
 * Sets the hook that is asked about each query of others before it is answered (DHT_QUERY). `mode`
 * is `TERN_HOOK_*`, `flags` is 0. ACCEPT and PASS let it be answered; any other verdict, or none
 * within five seconds, does not. While 256 wait, further ones are not answered. `destroy` may be
 * NULL; it runs exactly once, also when this call fails.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_set_dht_hook(const tern_session *s,
                                      int32_t mode,
                                      uint32_t flags,
                                      tern_hook_fn hook,
                                      void *user,
                                      tern_destroy_fn destroy,
                                      tern_error **err);

/**
 * What a host without a state directory keeps for the next session: ids and nodes of the DHT,
 * pointers that were followed and published. Waits for the network thread.
 *
 * Ownership: `tern_buf_free`.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_take_state(const tern_session *s,
                                    tern_buf *out,
                                    tern_error **err);

/**
 * Takes what `tern_session_take_state` gave, of any session; best right after `tern_session_new`.
 * `TERN_E_RESUME` when it is something else.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_session_load_state(const tern_session *s,
                                    const uint8_t *state,
                                    size_t state_len,
                                    tern_error **err);

/**
 * Whether the torrent starts with the DHT: 1 or 0. Without this call it does, unless it is private
 * or its resume data says otherwise.
 *
 * Threads: one per object; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_add_set_dht(tern_add *add, int32_t on, tern_error **err);

/**
 * Switches a torrent's use of the DHT on (1) or off (0): to be looked up and announced. Saved with
 * its state. Private torrents never do.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_set_dht(const tern_torrent *t, int32_t on, tern_error **err);

/**
 * Looks a torrent up and announces it now. `TERN_E_STATE` when it is private or the DHT is off.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API tern_result tern_torrent_dht_announce(const tern_torrent *t, tern_error **err);

/**
 * The ed25519 key pair that follows from 32 bytes of the host's entropy: a secret key (64 bytes,
 * expanded form, as libtorrent has it) and a public key (32 bytes). Either output may be NULL.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_dht_keypair(const uint8_t *seed,
                             uint8_t *out_secret,
                             uint8_t *out_public,
                             tern_error **err);

/**
 * Signs a bencoded value as version `seq` of an item under a salt (BEP 44): writes 64 bytes.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_dht_sign(const uint8_t *secret,
                          const uint8_t *salt,
                          size_t salt_len,
                          int64_t seq,
                          const uint8_t *value,
                          size_t value_len,
                          uint8_t *out_signature,
                          tern_error **err);

/**
 * Where an item is stored (BEP 44): writes 20 bytes. With `key` NULL the SHA-1 of a bencoded
 * value; else that of the key (32 bytes) and the salt, and the value is not looked at.
 *
 * Threads: any; in hooks: yes; since 0.1.0.
 */
TERN_API
tern_result tern_dht_target(const uint8_t *key,
                            const uint8_t *salt,
                            size_t salt_len,
                            const uint8_t *value,
                            size_t value_len,
                            uint8_t *out_target,
                            tern_error **err);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TERN_H */

//! The C types: opaque objects, views, snapshots, callback types. Plain data, no behaviour.
//!
//! Opaque objects are field-less markers: a pointer to one really points to a private Rust object
//! (see `object`), so that its layout can change without changing the ABI. Public structs are
//! outputs: their first member is `struct_size`, members are only ever appended, and the library
//! writes no more than the caller's size.

use core::ffi::{c_char, c_void};

/// Result of a call: `TERN_OK` or one of the negative `TERN_E_*` numbers.
pub type tern_result = i32;

/// A session: torrents, threads, listen sockets, one event queue. Shared (reference counted),
/// usable from every thread.
pub struct tern_session {
    _opaque: [u8; 0],
}

/// A handle of one torrent. Shared (reference counted), weak: after the torrent was removed or
/// its session closed, calls return `TERN_E_GONE`.
pub struct tern_torrent {
    _opaque: [u8; 0],
}

/// Events taken out of a session's queue. Owns everything its events point to.
pub struct tern_batch {
    _opaque: [u8; 0],
}

/// Option values for a new session, or changes for a running one. Not thread-safe.
pub struct tern_config {
    _opaque: [u8; 0],
}

/// Everything about a torrent that is to be added. Not thread-safe.
pub struct tern_add {
    _opaque: [u8; 0],
}

/// A parsed `.torrent` file. Immutable: every thread may read it.
pub struct tern_metainfo {
    _opaque: [u8; 0],
}

/// The making of a `.torrent` file. Not thread-safe.
pub struct tern_create {
    _opaque: [u8; 0],
}

/// Snapshot of a torrent's peers. Immutable.
pub struct tern_peers {
    _opaque: [u8; 0],
}

/// Snapshot of a torrent's trackers. Immutable.
pub struct tern_trackers {
    _opaque: [u8; 0],
}

/// Why a call failed. Immutable, owned by the caller, freed with `tern_error_free`.
pub struct tern_error {
    _opaque: [u8; 0],
}

/// Borrowed bytes. The function or member that gives one says who owns them and for how long.
/// Text is UTF-8 and followed by a NUL byte that `len` does not count. `ptr` is never NULL in a
/// view the library gives, also when `len` is 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_bytes {
    /// First byte.
    pub ptr: *const u8,
    /// Bytes.
    pub len: usize,
}

/// Bytes owned by the caller: give them back with `tern_buf_free`. A NUL byte that `len` does not
/// count follows them.
#[repr(C)]
pub struct tern_buf {
    /// First byte; NULL in a buffer that holds nothing.
    pub ptr: *mut u8,
    /// Bytes.
    pub len: usize,
}

/// Runs when the library will not use `user` again. Exactly once per registration, on the hook
/// thread or inside the replacing call, also when the registration fails. Must not unwind or
/// `longjmp`.
pub type tern_destroy_fn = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// An INLINE hook: answers a request with a `TERN_VERDICT_*` number. Called on the session's hook
/// thread, one call at a time. `request` and what it points to live until the function returns.
/// `*detail` is 0 at the call: milliseconds for `TERN_VERDICT_DEFER`, any code of the host's for
/// `TERN_VERDICT_FAIL`. `TERN_VERDICT_PENDING` means that `tern_request_complete` follows. An
/// unknown return value counts as `TERN_VERDICT_FAIL`. Must not unwind or `longjmp`.
pub type tern_hook_fn = Option<
    unsafe extern "C" fn(user: *mut c_void, request: *const tern_event, detail: *mut i64) -> i32,
>;

/// Progress of `tern_create_run`, called on the calling thread: bytes hashed, bytes in all.
/// Anything but 0 cancels. Must not unwind or `longjmp`.
pub type tern_progress_fn =
    Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> i32>;

/// One event. Which members are set besides the first block is said at each `TERN_EVENT_*`; the
/// others are 0, or `TERN_NONE` for indexes, or empty views. Skip kinds you do not know.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_event {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// `TERN_EVENT_*`.
    pub kind: i32,
    /// The `TERN_CLASS_*` bit it belongs to.
    pub event_class: u32,
    /// Bits, see the kind.
    pub flags: u32,
    /// When it was queued, milliseconds since 1970.
    pub time_ms: i64,
    /// The torrent's number in its session, 0 for an event of the session.
    pub torrent_id: u64,
    /// The torrent, NULL for an event of the session. Borrowed from the batch (or for the hook
    /// call): `tern_torrent_retain` to keep it.
    pub torrent: *mut tern_torrent,
    /// The torrent's info-hash, zeros for an event of the session.
    pub info_hash: [u8; 20],
    /// Piece number, or `TERN_NONE`.
    pub piece: u32,
    /// For requests: what `tern_request_complete` wants. Never 0 then.
    pub token: u64,
    /// Save generation.
    pub generation: u64,
    /// Number of a peer connection.
    pub peer: u64,
    /// File number, or `TERN_NONE`.
    pub file: u32,
    /// A code, see the kind.
    pub code: i32,
    /// The system's error number, 0 when there is none.
    pub os_errno: i32,
    /// Always 0.
    pub reserved: i32,
    /// A number, see the kind.
    pub a: i64,
    /// A number, see the kind.
    pub b: i64,
    /// A number, see the kind.
    pub c: i64,
    /// Text for people, or a URL or path, see the kind.
    pub text: tern_bytes,
    /// An address as text, `192.0.2.1:6881` or `[2001:db8::1]:6881`.
    pub addr: tern_bytes,
    /// Raw bytes, see the kind.
    pub data: tern_bytes,
    /// A second text, see the kind.
    pub text2: tern_bytes,
}

/// Snapshot of a torrent.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct tern_status {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// `TERN_STATE_*`.
    pub state: i32,
    /// Pieces we have.
    pub pieces_have: u32,
    /// Pieces in all.
    pub pieces_total: u32,
    /// Bytes of the torrent, padding included.
    pub total_size: u64,
    /// Bytes of the pieces we have.
    pub bytes_have: u64,
    /// Bytes in files with a priority above 0.
    pub wanted_size: u64,
    /// Of these, bytes in pieces we have.
    pub wanted_have: u64,
    /// 0..1 of the check under way, else of the wanted bytes.
    pub progress: f64,
    /// Payload bytes received this session.
    pub downloaded: u64,
    /// Payload bytes sent this session.
    pub uploaded: u64,
    /// All bytes received from peers this session, protocol included.
    pub wire_received: u64,
    /// All bytes sent to peers this session, protocol included.
    pub wire_sent: u64,
    /// Bytes received in vain: duplicates, and pieces that failed.
    pub wasted: u64,
    /// Payload bytes received in all sessions.
    pub total_downloaded: u64,
    /// Payload bytes sent in all sessions.
    pub total_uploaded: u64,
    /// Payload bytes per second, smoothed.
    pub download_rate: u64,
    /// Payload bytes per second, smoothed.
    pub upload_rate: u64,
    /// Established connections.
    pub peers: u32,
    /// Of these, to peers that have everything.
    pub seeds: u32,
    /// Connection attempts under way.
    pub half_open: u32,
    /// Addresses known.
    pub known_peers: u32,
    /// Peers we upload to.
    pub unchoked: u32,
    /// Pieces hashed since the torrent was added (check and download).
    pub pieces_hashed: u32,
    /// Pieces restored from saved state without hashing.
    pub pieces_restored: u32,
    /// Pieces that did not match.
    pub pieces_failed: u32,
    /// Copies of the rarest piece among connected peers, ours not counted.
    pub availability: f64,
    /// Generation last made durable by the save hook or the built-in store.
    pub durable_generation: u64,
    /// Seconds active in all sessions.
    pub active_secs: u64,
    /// When added, seconds since 1970.
    pub added_time: i64,
    /// When completed, seconds since 1970, 0 not yet.
    pub completed_time: i64,
    /// 1 when there are unsaved changes.
    pub need_save: i32,
    /// 1 when pieces are fetched in order.
    pub sequential: i32,
    /// Bytes per second the torrent may receive, 0 unlimited.
    pub download_limit: u64,
    /// Bytes per second the torrent may send, 0 unlimited.
    pub upload_limit: u64,
    /// 1 when all wanted pieces are here.
    pub is_finished: i32,
    /// 1 when stopped by the host (or not started yet because added so).
    pub is_paused: i32,
    /// 1 when the metadata is here; 0 while `TERN_STATE_METADATA` has still to find it.
    pub has_metadata: i32,
    /// 0.
    pub reserved: i32,
    /// `known_peers` by where they were first heard of: the place is the `TERN_SOURCE_*` number.
    pub known_by_source: [u32; 16],
    /// `peers` by where their addresses came from.
    pub peers_by_source: [u32; 16],
}

/// Snapshot of a session.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct tern_stats {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// Torrents.
    pub torrents: u32,
    /// Events waiting in the queue, requests included.
    pub queued_events: u32,
    /// Requests handed out or waiting, not answered.
    pub open_requests: u32,
    /// Notices dropped since the session started.
    pub dropped_notices: u64,
    /// First listen port, 0 when not listening.
    pub listen_port: u32,
    /// Established peer connections.
    pub peers: u32,
    /// Payload bytes received, all torrents that are still there.
    pub downloaded: u64,
    /// Payload bytes sent, all torrents that are still there.
    pub uploaded: u64,
    /// Payload bytes per second.
    pub download_rate: u64,
    /// Payload bytes per second.
    pub upload_rate: u64,
    /// Datagrams received at the addresses the session listens on, of whatever kind.
    pub udp_received: u64,
    /// Bytes in them.
    pub udp_received_bytes: u64,
    /// Datagrams sent from there.
    pub udp_sent: u64,
    /// Bytes in them.
    pub udp_sent_bytes: u64,
    /// Datagrams the system did not take.
    pub udp_unsent: u64,
    /// Datagrams received that are of no use to anybody here.
    pub udp_dropped: u64,
    /// Datagrams received of a known kind that make no sense.
    pub udp_malformed: u64,
    /// Datagrams received from UDP trackers that were asked something.
    pub udp_tracker_received: u64,
    /// Bytes in them.
    pub udp_tracker_received_bytes: u64,
    /// Datagrams sent to UDP trackers.
    pub udp_tracker_sent: u64,
    /// Bytes in them.
    pub udp_tracker_sent_bytes: u64,
    /// Announces and scrapes UDP trackers answered; a scrape of many torrents is one.
    pub udp_tracker_answers: u64,
    /// Announces and scrapes UDP trackers refused or did not answer.
    pub udp_tracker_failures: u64,
    /// Connection ids UDP trackers were asked for.
    pub udp_tracker_connects: u64,
    /// Announces and scrapes sent under a connection id that had been used before.
    pub udp_tracker_reused: u64,
}

/// One file of a torrent.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_file_info {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// `TERN_FILE_*` bits (BEP 47).
    pub attributes: u32,
    /// Bytes.
    pub size: u64,
    /// Offset of its first byte in the torrent.
    pub offset: u64,
    /// First piece that holds bytes of it.
    pub first_piece: u32,
    /// One past its last piece; equal to `first_piece` for an empty file.
    pub end_piece: u32,
    /// Safe path relative to the save path, `/` between components. Owned by the metainfo.
    pub path: tern_bytes,
    /// Target of a symbolic link, empty for other files. Owned by the metainfo.
    pub symlink: tern_bytes,
    /// Components of the path as the `.torrent` gives them: fetch them with
    /// `tern_metainfo_file_component`.
    pub component_count: u32,
    /// Always 0.
    pub reserved: u32,
}

/// One connected peer.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_peer_info {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// `TERN_PEER_*` bits.
    pub flags: u32,
    /// Number of the connection, unique in the session.
    pub peer: u64,
    /// Address as text. Owned by the snapshot.
    pub addr: tern_bytes,
    /// Client name from the extension handshake, else empty. Owned by the snapshot.
    pub client: tern_bytes,
    /// Pieces it has, wire order (first piece = highest bit). Owned by the snapshot.
    pub bitfield: tern_bytes,
    /// Peer id, zeros before the handshake.
    pub peer_id: [u8; 20],
    /// Reserved bits of its handshake.
    pub handshake_bits: [u8; 8],
    /// `TERN_SOURCE_*`.
    pub source: i32,
    /// Payload bytes from it.
    pub downloaded: u64,
    /// Payload bytes to it.
    pub uploaded: u64,
    /// Payload bytes per second.
    pub download_rate: u64,
    /// Payload bytes per second.
    pub upload_rate: u64,
    /// Pieces it has.
    pub pieces_have: u32,
    /// Our requests outstanding at it.
    pub requests_out: u32,
    /// Its requests queued with us.
    pub requests_in: u32,
    /// Bad pieces it took part in.
    pub bad_pieces: u32,
    /// Seconds connected.
    pub connected_secs: u64,
}

/// One tracker.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_tracker_info {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// Tier, from 0.
    pub tier: u32,
    /// URL. Owned by the snapshot.
    pub url: tern_bytes,
    /// Last failure or warning, empty when there is none. Owned by the snapshot.
    pub message: tern_bytes,
    /// Announces that failed in a row.
    pub fails: u32,
    /// 1 while an announce is under way.
    pub updating: i32,
    /// 1 when it replied in this session.
    pub verified: i32,
    /// Seconds until it may be asked again, -1 when nothing is planned.
    pub next_announce_secs: i32,
    /// Seeds by its last reply, -1 unknown.
    pub complete: i64,
    /// Leechers by its last reply, -1 unknown.
    pub incomplete: i64,
    /// Completed downloads by its last reply, -1 unknown.
    pub downloaded: i64,
}

/// What is known about one option. All pointers are static, NUL-terminated UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tern_option_info {
    /// Bytes of this structure that are valid.
    pub struct_size: u32,
    /// `TERN_OPT_*`.
    pub id: u32,
    /// `TERN_OPTION_TYPE_*`.
    pub value_type: i32,
    /// 1 when `tern_session_apply` changes it in a running session.
    pub live: i32,
    /// Name, for example `max_connections`.
    pub name: *const c_char,
    /// One line of documentation.
    pub doc: *const c_char,
    /// Default as text, in the form `tern_config_set_text` reads.
    pub default_text: *const c_char,
    /// First version that has it.
    pub since: *const c_char,
    /// Smallest value of an integer option.
    pub min: i64,
    /// Largest value of an integer option; longest value in bytes of a text or bytes option.
    pub max: i64,
}

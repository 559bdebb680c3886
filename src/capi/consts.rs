//! The C constants. Numbers are explicit and frozen: appended, never changed or used again.

pub use super::consts_dht::*;
use super::types::tern_result;

/// Major version of this header.
pub const TERN_VERSION_MAJOR: u32 = 0;
/// Minor version of this header.
pub const TERN_VERSION_MINOR: u32 = 1;
/// Patch version of this header.
pub const TERN_VERSION_PATCH: u32 = 0;
/// The three parts in one number: `major << 16 | minor << 8 | patch`.
pub const TERN_VERSION_NUM: u32 = 0x0000_0100;

/// No piece, no file.
pub const TERN_NONE: u32 = 0xffff_ffff;

/// It worked.
pub const TERN_OK: tern_result = 0;
/// An argument is not valid: NULL where an object is needed, text that is not UTF-8, a bad address.
pub const TERN_E_INVALID: tern_result = -1;
/// A defect of the library was caught (a panic). The process is fine; what the call was about may
/// have stopped.
pub const TERN_E_PANIC: tern_result = -2;
/// The session was made by a parent process: sessions do not survive `fork`.
pub const TERN_E_FORKED: tern_result = -3;
/// What the handle or token stood for is not there any more (removed, closed, answered before).
pub const TERN_E_GONE: tern_result = -4;
/// Not allowed inside an INLINE hook.
pub const TERN_E_REENTRANT: tern_result = -5;
/// The session is closing or closed.
pub const TERN_E_CLOSED: tern_result = -6;
/// Time is up.
pub const TERN_E_TIMEOUT: tern_result = -7;
/// No option has this id or name (this library may be older than the header).
pub const TERN_E_UNKNOWN_OPTION: tern_result = -8;
/// A number or index is out of its range.
pub const TERN_E_RANGE: tern_result = -9;
/// The option's value has another type.
pub const TERN_E_TYPE: tern_result = -10;
/// The session has a torrent with this info-hash already.
pub const TERN_E_DUPLICATE: tern_result = -11;
/// The bytes are not a valid `.torrent` file.
pub const TERN_E_METAINFO: tern_result = -12;
/// The bytes are not valid resume data, or are for another torrent.
pub const TERN_E_RESUME: tern_result = -13;
/// The system refused a file or socket operation: see `tern_error_errno` and `tern_error_path`.
pub const TERN_E_IO: tern_result = -14;
/// Known, but not something this library does (v2-only torrents, for instance).
pub const TERN_E_UNSUPPORTED: tern_result = -15;
/// Nothing was found.
pub const TERN_E_NOT_FOUND: tern_result = -16;
/// The host cancelled it.
pub const TERN_E_CANCELLED: tern_result = -17;
/// Not possible in the present state.
pub const TERN_E_STATE: tern_result = -18;
/// The header and the library do not fit together.
pub const TERN_E_VERSION: tern_result = -19;
/// Another session, of this process or another one, uses the state directory: see
/// `tern_error_path`.
pub const TERN_E_IN_USE: tern_result = -20;
/// The state directory has a database that is another program's, or of a newer libtern: see
/// `tern_error_path`.
pub const TERN_E_STORE: tern_result = -21;
/// The torrent's metadata is not here yet (`TERN_EVENT_METADATA` says when).
pub const TERN_E_NO_METADATA: tern_result = -23;
/// Not a valid magnet link, or one that names no torrent.
pub const TERN_E_MAGNET: tern_result = -24;
/// Too much is going on: try again later.
pub const TERN_E_BUSY: tern_result = -25;
/// A node of the network refused.
pub const TERN_E_REFUSED: tern_result = -26;
/// A tracker refused, or gave no answer.
pub const TERN_E_TRACKER: tern_result = -27;

/// Not bencode, or nested too deeply. (What `tern_error_detail` says, here and below.)
pub const TERN_DETAIL_BENCODE: i32 = 1;
/// A required key is missing.
pub const TERN_DETAIL_MISSING: i32 = 2;
/// The value of a key has the wrong type or is out of bounds.
pub const TERN_DETAIL_INVALID: i32 = 3;
/// The number of piece hashes does not fit the lengths of the files.
pub const TERN_DETAIL_PIECE_COUNT: i32 = 4;
/// Larger than this library reads.
pub const TERN_DETAIL_TOO_LARGE: i32 = 5;
/// Only a version 2 part (BEP 52).
pub const TERN_DETAIL_V2_ONLY: i32 = 6;
/// Not a format or version that is known.
pub const TERN_DETAIL_FORMAT: i32 = 7;
/// Of another torrent, or contradicting itself about which.
pub const TERN_DETAIL_OTHER_TORRENT: i32 = 8;
/// Damaged: a wrong checksum.
pub const TERN_DETAIL_CHECKSUM: i32 = 9;
/// Written by a newer version.
pub const TERN_DETAIL_NEWER: i32 = 10;

/// Requests (`TERN_EVENT_VERIFY_REQUEST`, `TERN_EVENT_SAVE_REQUEST`, `TERN_EVENT_PEER_REQUEST`).
/// Never dropped, never masked.
pub const TERN_CLASS_REQUEST: u32 = 0x0001;
/// The session: listening, closed.
pub const TERN_CLASS_SESSION: u32 = 0x0002;
/// Life of torrents: states, checks, completion, files, moves.
pub const TERN_CLASS_TORRENT: u32 = 0x0004;
/// Pieces passed and failed.
pub const TERN_CLASS_PIECE: u32 = 0x0008;
/// Peers that come and go.
pub const TERN_CLASS_PEER: u32 = 0x0010;
/// Trackers.
pub const TERN_CLASS_TRACKER: u32 = 0x0020;
/// What went wrong.
pub const TERN_CLASS_ERROR: u32 = 0x0040;
/// Resume data made durable.
pub const TERN_CLASS_SAVE: u32 = 0x0080;
/// Single messages of the peer protocol; also needs `tern_torrent_set_wire_notices`. Many.
pub const TERN_CLASS_WIRE: u32 = 0x0100;
/// Log lines.
pub const TERN_CLASS_LOG: u32 = 0x0200;
/// Bytes that pass sockets and files; also needs `tern_torrent_set_wire_notices`. Many.
pub const TERN_CLASS_IO: u32 = 0x0400;
/// What a new session is subscribed to: everything but WIRE and IO.
pub const TERN_CLASS_DEFAULT: u32 = 0x02ff;

/// Verify this piece (`TERN_CLASS_REQUEST`): a QUEUED verify hook is asked. `token`, `piece`,
/// `a` = bytes of the piece, `b` = how often this piece was asked about (1 first), `code` = 1 when
/// the engine's own hash matched, `text` = addresses of the peers that sent it, one a line.
/// `tern_request_data` gives the bytes. Answer with `tern_request_complete`.
pub const TERN_EVENT_VERIFY_REQUEST: i32 = 1;
/// Save this resume data (`TERN_CLASS_REQUEST`): a QUEUED save hook is asked. `token`,
/// `generation`, `data` = the blob. Answer with `tern_request_complete`: ACCEPT says that it is
/// durable.
pub const TERN_EVENT_SAVE_REQUEST: i32 = 2;
/// May this address be connected to (`a` = 0), or let in (`a` = 1) (`TERN_CLASS_REQUEST`)? Only
/// while the option `peer_requests` is on. `token`, `addr`. Answer with `tern_request_complete`:
/// ACCEPT and PASS say yes, everything else no. Not answered within 30 seconds, it is no.
pub const TERN_EVENT_PEER_REQUEST: i32 = 3;

/// A listen socket is open (`TERN_CLASS_SESSION`). `addr`, `text` = what was asked for.
pub const TERN_EVENT_LISTENING: i32 = 16;
/// A listen socket could not be opened (`TERN_CLASS_SESSION`). `text` = what was asked for,
/// `text2` = reason, `os_errno`.
pub const TERN_EVENT_LISTEN_FAILED: i32 = 17;
/// The session is closed: everything flushed, every last save answered, or given up
/// (`TERN_CLASS_SESSION`, never masked). `a` = saves that were not answered. The last event.
pub const TERN_EVENT_CLOSED: i32 = 18;
/// Notices were dropped because the queue was full (`TERN_CLASS_SESSION`, never masked). `a` = how
/// many, `flags` = their classes. It stands where the gap is.
pub const TERN_EVENT_DROPPED: i32 = 19;

/// A torrent's state changed (`TERN_CLASS_TORRENT`). `a` = old, `b` = new `TERN_STATE_*`. Changes
/// not yet taken are joined into one: `a` of the first, `b` of the last.
pub const TERN_EVENT_STATE: i32 = 32;
/// A torrent was added (`TERN_CLASS_TORRENT`). `text` = name.
pub const TERN_EVENT_ADDED: i32 = 33;
/// A torrent was removed, its files closed (and deleted, if asked): the last event of it
/// (`TERN_CLASS_TORRENT`). `text` = name.
pub const TERN_EVENT_REMOVED: i32 = 34;
/// A check is complete (`TERN_CLASS_TORRENT`). `a` = pieces present, `b` = pieces that were
/// hashed, `c` = pieces restored from saved state without hashing.
pub const TERN_EVENT_CHECKED: i32 = 35;
/// All wanted pieces are here (`TERN_CLASS_TORRENT`).
pub const TERN_EVENT_FINISHED: i32 = 36;
/// A file is complete (`TERN_CLASS_TORRENT`). `file`, `text` = its path.
pub const TERN_EVENT_FILE_COMPLETED: i32 = 37;
/// The content was moved, or not (`TERN_CLASS_TORRENT`). `code` = `TERN_OK` or `TERN_E_IO`, `text`
/// = new directory or reason, `text2` = path of the failure, `os_errno`.
pub const TERN_EVENT_MOVED: i32 = 38;
/// A file was renamed, or not (`TERN_CLASS_TORRENT`). `file`, `code` = `TERN_OK` or `TERN_E_IO`,
/// `text` = new path or reason, `text2` = path of the failure, `os_errno`.
pub const TERN_EVENT_RENAMED: i32 = 39;
/// We know our address as the world sees it, or it changed: peers, trackers and the DHT say which
/// they see, and most voices win (`TERN_CLASS_TORRENT`). `addr` (without port).
pub const TERN_EVENT_EXTERNAL_ADDR: i32 = 40;
/// The metadata of a torrent added by magnet link or info-hash is here (`TERN_CLASS_TORRENT`).
/// `text` = its name. `tern_torrent_take_metainfo` gives it; next the files are looked at.
pub const TERN_EVENT_METADATA: i32 = 41;
/// The metadata has the right hash and is of no use; the torrent stopped (`TERN_CLASS_ERROR`).
/// `code` = `TERN_E_METAINFO`, `text` = reason.
pub const TERN_EVENT_METADATA_FAILED: i32 = 42;
/// A source that a magnet link names (`xs`, `as`) did not give the torrent file
/// (`TERN_CLASS_ERROR`). `text` = URL, `text2` = reason. Peers are asked all the same.
pub const TERN_EVENT_SOURCE_FAILED: i32 = 43;

/// A piece is ours now, by download or check (`TERN_CLASS_PIECE`). `piece`.
pub const TERN_EVENT_PIECE_PASSED: i32 = 48;
/// A piece did not match, or the verify hook rejected it (`TERN_CLASS_PIECE`). `piece`.
pub const TERN_EVENT_PIECE_FAILED: i32 = 49;

/// A peer's handshake is complete (`TERN_CLASS_PEER`). `peer`, `addr`, `a` = 1 when it connected to
/// us, `data` = its peer id.
pub const TERN_EVENT_PEER_CONNECTED: i32 = 64;
/// A peer is gone (`TERN_CLASS_PEER`). `peer`, `addr`, `code` = `TERN_CLOSE_*`, `os_errno`, `text`
/// = the reason for people. With wire notices also of connections that ended before the handshake
/// was complete.
pub const TERN_EVENT_PEER_DISCONNECTED: i32 = 65;
/// A peer was banned because of bad data (`TERN_CLASS_PEER`). `addr`.
pub const TERN_EVENT_PEER_BANNED: i32 = 66;

/// An announce is being sent (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = `started`,
/// `completed`, `stopped` or empty.
pub const TERN_EVENT_TRACKER_ANNOUNCE: i32 = 80;
/// A tracker replied (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = its warning or empty, `code` =
/// peers given, `a` = seeds, `b` = leechers, `c` = seconds until the next announce; -1 when not
/// told. `data` = the peers in compact form (BEP 23), IPv4 only.
pub const TERN_EVENT_TRACKER_REPLY: i32 = 81;
/// A tracker failed (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = reason, `a` = failures in a
/// row, `c` = seconds until the next attempt.
pub const TERN_EVENT_TRACKER_FAILED: i32 = 82;
/// A tracker told its counts (`TERN_CLASS_TRACKER`). `text` = URL, `a` = seeds, `b` = leechers, `c`
/// = completed downloads; -1 when not told.
pub const TERN_EVENT_TRACKER_SCRAPED: i32 = 83;

/// The storage failed, the torrent stopped; `tern_torrent_resume` retries (`TERN_CLASS_ERROR`).
/// `code` = `TERN_E_IO`, `os_errno`, `file` or `TERN_NONE`, `text` = reason, `text2` = path.
pub const TERN_EVENT_STORAGE_FAILED: i32 = 96;
/// The verify hook answered FAIL, the torrent stopped (`TERN_CLASS_ERROR`). `code` = its detail.
pub const TERN_EVENT_VERIFIER_FAILED: i32 = 97;
/// Saved state was not taken as it was (`TERN_CLASS_ERROR`). `a` = pieces that must be hashed
/// again, `flags` = 1 when only some files are concerned, `file` = the first one, `text` = why.
pub const TERN_EVENT_RESUME_REJECTED: i32 = 98;
/// Resume data could not be saved; it is tried again (`TERN_CLASS_ERROR`). `generation`, `code` =
/// the hook's detail (or an errno of the built-in store), `text` = reason.
pub const TERN_EVENT_SAVE_FAILED: i32 = 99;
/// The content's directory is not there, or another file system is in its place (a disk that is not
/// mounted): the torrent stops and fetches nothing (`TERN_CLASS_ERROR`). `code` =
/// `TERN_E_NOT_FOUND`. `TERN_EVENT_STORAGE_FAILED` follows; `tern_torrent_resume` looks again.
pub const TERN_EVENT_STORAGE_MISSING: i32 = 104;
/// The built-in store failed to note which pieces are about to be written (`TERN_CLASS_ERROR`).
/// `code` = an errno or `TERN_E_*`. Downloading goes on and it is tried again; until it works, a
/// process that is killed may have to fetch pieces again.
pub const TERN_EVENT_JOURNAL_FAILED: i32 = 105;
/// A defect of the library stopped this torrent, or (no torrent) a thread of the session
/// (`TERN_CLASS_ERROR`, never masked). `text` = what the defect said. The torrent is gone then; it
/// can be added again from its saved state.
pub const TERN_EVENT_FATAL: i32 = 100;
/// The state directory's database was damaged (`TERN_CLASS_ERROR`). It was renamed to `text`, and
/// what could be read of it is in a new one: `a` torrents with their resume data, `b` torrents
/// whose files have to be checked (`tern_session_restore` sees to that). `text2` = what was found.
pub const TERN_EVENT_STORE_DAMAGED: i32 = 101;
/// `tern_session_restore` could not bring back a torrent (`TERN_CLASS_ERROR`). `info_hash`,
/// `text` = why. What is stored of it stays; it can be added as any other.
pub const TERN_EVENT_RESTORE_FAILED: i32 = 102;

/// A generation of resume data is durable (`TERN_CLASS_SAVE`). `generation`.
pub const TERN_EVENT_SAVED: i32 = 112;

/// The answer to `tern_torrent_request_save`: one for each (`TERN_CLASS_SAVE`, never dropped).
/// `token` = its ticket (not one for `tern_request_complete`), `a` = `TERN_SAVED_*`,
/// `generation` when saved, `code` = why it was refused.
pub const TERN_EVENT_SAVE_DONE: i32 = 113;

/// A message came from a peer (`TERN_CLASS_WIRE`). `peer`, `addr` when known, `code` =
/// `TERN_MESSAGE_*`, `piece`, `a` = offset, `b` = length, `data` = bitfield, or the payload of an
/// extension's message (BEP 10); for those `a` is the number the receiver gave the extension, 0 for
/// the extension handshake. Blocks are not carried. `TERN_MESSAGE_EXTENDED` are the handshake and
/// the messages of extensions that were not offered, which only this event tells of.
pub const TERN_EVENT_MESSAGE_IN: i32 = 128;
/// A message was queued for a peer (`TERN_CLASS_WIRE`). As `TERN_EVENT_MESSAGE_IN`. The extension
/// handshake that opens a connection comes after what greets the peer, although it is sent first.
pub const TERN_EVENT_MESSAGE_OUT: i32 = 129;
/// Bytes came from a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes of one read.
/// Comes before what they led to, also before `TERN_EVENT_PEER_CONNECTED`.
pub const TERN_EVENT_RECEIVED: i32 = 130;
/// Bytes went into a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes.
pub const TERN_EVENT_SENT: i32 = 131;
/// Content was read: for a peer, or to be hashed (also when it was still in memory)
/// (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` = bytes.
pub const TERN_EVENT_FILE_READ: i32 = 132;
/// Content was given to the storage (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` =
/// bytes.
pub const TERN_EVENT_FILE_WRITTEN: i32 = 133;
/// A tracker was asked by HTTP and the connection is closed (`TERN_CLASS_IO`). `text` = URL, `a` =
/// bytes of the request, `b` = bytes of the answer. Comes before what the tracker said.
pub const TERN_EVENT_TRACKER_TRAFFIC: i32 = 134;

/// A log line (`TERN_CLASS_LOG`). `code` = `TERN_LOG_*`, `text`.
pub const TERN_EVENT_LOG: i32 = 144;

/// The local network's peers are not looked for on an interface (`TERN_CLASS_SESSION`; BEP 14).
/// `text` = its name, empty when it is about all of them, `text2` = reason, `os_errno`.
pub const TERN_EVENT_LSD_FAILED: i32 = 84;
/// Datagrams are not to be had at an address the session listens on, so that neither UDP trackers
/// nor the DHT are reached from there (`TERN_CLASS_SESSION`). `addr`, `text` = reason, `os_errno`.
pub const TERN_EVENT_UDP_FAILED: i32 = 85;

/// Log level.
pub const TERN_LOG_ERROR: i32 = 1;
/// Log level.
pub const TERN_LOG_WARN: i32 = 2;
/// Log level.
pub const TERN_LOG_INFO: i32 = 3;
/// Log level.
pub const TERN_LOG_DEBUG: i32 = 4;

/// Yes. A piece counts as had; a save is durable.
pub const TERN_VERDICT_ACCEPT: i32 = 1;
/// No. A piece is fetched again and its senders are blamed; a save is tried again later.
pub const TERN_VERDICT_REJECT: i32 = 2;
/// Ask again after `detail` milliseconds.
pub const TERN_VERDICT_DEFER: i32 = 3;
/// Act as if no hook were set (for wrappers that always set one).
pub const TERN_VERDICT_PASS: i32 = 4;
/// The hook is broken, `detail` says how: a verifier's torrent stops, a save is reported and tried
/// again.
pub const TERN_VERDICT_FAIL: i32 = 5;
/// INLINE hooks only: the answer comes later by `tern_request_complete`.
pub const TERN_VERDICT_PENDING: i32 = 6;

/// No hook (removes the one that is set).
pub const TERN_HOOK_NONE: i32 = 0;
/// A function on the session's hook thread.
pub const TERN_HOOK_INLINE: i32 = 1;
/// A request event; answered by `tern_request_complete`. The function must be NULL.
pub const TERN_HOOK_QUEUED: i32 = 2;

/// Flag of verify hooks: it is asked about pieces whose hash did not match too, and its ACCEPT
/// counts. Without it a verdict can only be stricter than the engine's.
pub const TERN_VERIFY_OVERRIDE: u32 = 1;

/// Looking at the files.
pub const TERN_STATE_STARTING: i32 = 1;
/// Hashing what is on disk.
pub const TERN_STATE_CHECKING: i32 = 2;
/// Fetching.
pub const TERN_STATE_DOWNLOADING: i32 = 3;
/// All wanted pieces are here, some unwanted are not.
pub const TERN_STATE_FINISHED: i32 = 4;
/// Complete.
pub const TERN_STATE_SEEDING: i32 = 5;
/// Stopped by the host.
pub const TERN_STATE_PAUSED: i32 = 6;
/// Stopped by an error; `tern_torrent_resume` retries.
pub const TERN_STATE_FAILED: i32 = 7;
/// Closing or closed.
pub const TERN_STATE_CLOSED: i32 = 8;
/// Asking peers for the metadata (BEP 9).
pub const TERN_STATE_METADATA: i32 = 9;

/// Save after every piece that passed (one request in flight, newer state waits behind it).
pub const TERN_SAVE_ON_PIECE: u32 = 1;
/// Save when the torrent's state or configuration changed.
pub const TERN_SAVE_ON_STATE: u32 = 2;
/// Save before closing.
pub const TERN_SAVE_AT_CLOSE: u32 = 4;
/// Embed the `info` dictionary, so that the blob alone can bring the torrent back.
pub const TERN_SAVE_WITH_INFO: u32 = 8;
/// When bytes sent or received or a tracker's counts changed. In a policy: what the interval is
/// for, all but this when none is given. In `tern_torrent_request_save`: what must have changed.
pub const TERN_SAVE_IF_COUNTERS: u32 = 0x10;
/// When blocks were written, pieces verified, found or lost.
pub const TERN_SAVE_IF_PROGRESS: u32 = 0x20;
/// When priorities, limits, file names, the directory, bans or settings changed.
pub const TERN_SAVE_IF_CONFIG: u32 = 0x40;
/// When it was paused, checked, finished, failed, or left seed mode.
pub const TERN_SAVE_IF_STATE: u32 = 0x80;
/// When trackers, web seeds or the description changed.
pub const TERN_SAVE_IF_METADATA: u32 = 0x100;
/// When anything changed.
pub const TERN_SAVE_IF_ANY: u32 = 0x1f0;

/// The state that was asked for is durable.
pub const TERN_SAVED_SAVED: i32 = 1;
/// Nothing changed of what the request named.
pub const TERN_SAVED_NOT_MODIFIED: i32 = 2;
/// It was refused; it is tried again all the same, and nobody is told.
pub const TERN_SAVED_REFUSED: i32 = 3;
/// The torrent ended first.
pub const TERN_SAVED_ENDED: i32 = 4;

/// A changed file invalidates only the pieces that touch it.
pub const TERN_LOAD_PER_FILE: i32 = 0;
/// A file changed by others invalidates everything.
pub const TERN_LOAD_STRICT: i32 = 1;
/// Files are not compared with the saved state.
pub const TERN_LOAD_TRUST: i32 = 2;

/// Delete the content when removing.
pub const TERN_REMOVE_FILES: u32 = 1;
/// Keep the resume data in the built-in store when removing.
pub const TERN_REMOVE_KEEP_STATE: u32 = 2;

/// Padding: reads as zeros, is never stored.
pub const TERN_FILE_PADDING: u32 = 1;
/// Executable.
pub const TERN_FILE_EXECUTABLE: u32 = 2;
/// Hidden.
pub const TERN_FILE_HIDDEN: u32 = 4;
/// Symbolic link.
pub const TERN_FILE_SYMLINK: u32 = 8;

/// It connected to us.
pub const TERN_PEER_INCOMING: u32 = 1;
/// We choke it.
pub const TERN_PEER_AM_CHOKING: u32 = 2;
/// We want something it has.
pub const TERN_PEER_AM_INTERESTED: u32 = 4;
/// It chokes us.
pub const TERN_PEER_CHOKING: u32 = 8;
/// It wants something we have.
pub const TERN_PEER_INTERESTED: u32 = 16;
/// It owes us blocks for a long time.
pub const TERN_PEER_SNUBBED: u32 = 32;
/// It has everything.
pub const TERN_PEER_SEED: u32 = 64;
/// It said that it only uploads (BEP 21).
pub const TERN_PEER_UPLOAD_ONLY: u32 = 128;

/// Nobody was asked for the block.
pub const TERN_BLOCK_MISSING: u8 = 0;
/// A peer was asked for it, or several.
pub const TERN_BLOCK_REQUESTED: u8 = 1;
/// It came, and is not written yet.
pub const TERN_BLOCK_RECEIVED: u8 = 2;
/// The file has it.
pub const TERN_BLOCK_WRITTEN: u8 = 3;

/// It connected to us.
pub const TERN_SOURCE_INCOMING: i32 = 1;
/// A tracker told us.
pub const TERN_SOURCE_TRACKER: i32 = 2;
/// The host told us.
pub const TERN_SOURCE_MANUAL: i32 = 3;
/// Resume data told us.
pub const TERN_SOURCE_RESUME: i32 = 4;
/// Another peer told us (BEP 11).
pub const TERN_SOURCE_PEX: i32 = 5;
/// It was found on the local network (BEP 14).
pub const TERN_SOURCE_LSD: i32 = 6;
/// The DHT told us (BEP 5).
pub const TERN_SOURCE_DHT: i32 = 7;
/// A magnet link told us (`x.pe`).
pub const TERN_SOURCE_MAGNET: i32 = 8;

/// The other side or the network ended it; see `os_errno`.
pub const TERN_CLOSE_REMOTE: i32 = 0;
/// It was ourselves.
pub const TERN_CLOSE_LOOPBACK: i32 = 1;
/// There is a connection to this peer already.
pub const TERN_CLOSE_DUPLICATE: i32 = 2;
/// Limits.
pub const TERN_CLOSE_TOO_MANY: i32 = 3;
/// Both sides are complete.
pub const TERN_CLOSE_BOTH_SEEDS: i32 = 4;
/// Neither side has what the other wants.
pub const TERN_CLOSE_USELESS: i32 = 5;
/// Banned.
pub const TERN_CLOSE_BANNED: i32 = 6;
/// The torrent stopped.
pub const TERN_CLOSE_STOPPED: i32 = 7;
/// The host asked for it.
pub const TERN_CLOSE_HOST: i32 = 8;
/// It sent blocks nobody asked for, over and over.
pub const TERN_CLOSE_FLOOD: i32 = 9;
/// Not a BitTorrent handshake.
pub const TERN_CLOSE_BAD_HANDSHAKE: i32 = 16;
/// Another torrent's info-hash in its handshake.
pub const TERN_CLOSE_WRONG_INFO_HASH: i32 = 17;
/// A message longer than allowed.
pub const TERN_CLOSE_OVERSIZED_MESSAGE: i32 = 18;
/// A message that is not well formed.
pub const TERN_CLOSE_BAD_MESSAGE: i32 = 19;
/// A bitfield where none may come.
pub const TERN_CLOSE_UNEXPECTED_BITFIELD: i32 = 20;
/// A fast-extension message without negotiation (BEP 6).
pub const TERN_CLOSE_FAST_NOT_NEGOTIATED: i32 = 21;
/// An extension handshake that does not parse (BEP 10).
pub const TERN_CLOSE_BAD_EXTENSION: i32 = 22;
/// No handshake in time.
pub const TERN_CLOSE_HANDSHAKE_TIMEOUT: i32 = 23;
/// Silent for too long.
pub const TERN_CLOSE_IDLE_TIMEOUT: i32 = 24;
/// A reason this version of the header has no number for: see `text`.
pub const TERN_CLOSE_OTHER: i32 = 255;

/// Peer message: keep-alive. The other `TERN_MESSAGE_*` numbers are those of the protocol.
pub const TERN_MESSAGE_KEEP_ALIVE: i32 = -1;
/// Peer message.
pub const TERN_MESSAGE_CHOKE: i32 = 0;
/// Peer message.
pub const TERN_MESSAGE_UNCHOKE: i32 = 1;
/// Peer message.
pub const TERN_MESSAGE_INTERESTED: i32 = 2;
/// Peer message.
pub const TERN_MESSAGE_NOT_INTERESTED: i32 = 3;
/// Peer message.
pub const TERN_MESSAGE_HAVE: i32 = 4;
/// Peer message.
pub const TERN_MESSAGE_BITFIELD: i32 = 5;
/// Peer message.
pub const TERN_MESSAGE_REQUEST: i32 = 6;
/// Peer message.
pub const TERN_MESSAGE_PIECE: i32 = 7;
/// Peer message.
pub const TERN_MESSAGE_CANCEL: i32 = 8;
/// Peer message (BEP 5).
pub const TERN_MESSAGE_PORT: i32 = 9;
/// Peer message (BEP 6).
pub const TERN_MESSAGE_SUGGEST: i32 = 13;
/// Peer message (BEP 6).
pub const TERN_MESSAGE_HAVE_ALL: i32 = 14;
/// Peer message (BEP 6).
pub const TERN_MESSAGE_HAVE_NONE: i32 = 15;
/// Peer message (BEP 6).
pub const TERN_MESSAGE_REJECT: i32 = 16;
/// Peer message (BEP 6).
pub const TERN_MESSAGE_ALLOWED_FAST: i32 = 17;
/// Peer message (BEP 10).
pub const TERN_MESSAGE_EXTENDED: i32 = 20;
/// Peer message `lt_donthave` (BEP 54); not a number of the protocol.
pub const TERN_MESSAGE_DONT_HAVE: i32 = 256;
/// Peer message `ut_metadata` (BEP 9); not a number of the protocol.
pub const TERN_MESSAGE_METADATA: i32 = 257;
/// Peer message `ut_pex` (BEP 11); not a number of the protocol.
pub const TERN_MESSAGE_PEX: i32 = 258;

/// An integer option.
pub const TERN_OPTION_TYPE_INT: i32 = 1;
/// A yes-or-no option.
pub const TERN_OPTION_TYPE_BOOL: i32 = 2;
/// A text option.
pub const TERN_OPTION_TYPE_STR: i32 = 3;
/// A bytes option.
pub const TERN_OPTION_TYPE_BYTES: i32 = 4;
/// A floating point option.
pub const TERN_OPTION_TYPE_DOUBLE: i32 = 5;

/// `tern_create_set_flags`: align files to pieces with padding files (BEP 47).
pub const TERN_CREATE_PADDING: u32 = 1;
/// `tern_create_set_flags`: include files whose name starts with a dot.
pub const TERN_CREATE_HIDDEN: u32 = 2;
/// `tern_create_set_flags`: keep symbolic links as links (BEP 47) instead of following them.
pub const TERN_CREATE_SYMLINKS: u32 = 4;

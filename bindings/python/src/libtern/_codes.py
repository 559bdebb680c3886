"""The numbers of include/tern.h.

This file is generated (python tools/generate.py). Do not edit it.
"""

from ._enums import OpenFlag, OpenInt

VERSION_MAJOR = 0
"""Major version of this header."""
VERSION_MINOR = 1
"""Minor version of this header."""
VERSION_PATCH = 0
"""Patch version of this header."""
VERSION_NUM = 256
"""The three parts in one number: `major << 16 | minor << 8 | patch`."""
NONE = 4294967295
"""No piece, no file."""
OK = 0
"""It worked."""


class Code(OpenInt):
    """Results of calls; `TernError.code`."""

    INVALID = -1
    """An argument is not valid: NULL where an object is needed, text that is not UTF-8, a bad
    address."""
    PANIC = -2
    """A defect of the library was caught (a panic). The process is fine; what the call was about
    may have stopped."""
    FORKED = -3
    """The session was made by a parent process: sessions do not survive `fork`."""
    GONE = -4
    """What the handle or token stood for is not there any more (removed, closed, answered
    before)."""
    REENTRANT = -5
    """Not allowed inside an INLINE hook."""
    CLOSED = -6
    """The session is closing or closed."""
    TIMEOUT = -7
    """Time is up."""
    UNKNOWN_OPTION = -8
    """No option has this id or name (this library may be older than the header)."""
    RANGE = -9
    """A number or index is out of its range."""
    TYPE = -10
    """The option's value has another type."""
    DUPLICATE = -11
    """The session has a torrent with this info-hash already."""
    METAINFO = -12
    """The bytes are not a valid `.torrent` file."""
    RESUME = -13
    """The bytes are not valid resume data, or are for another torrent."""
    IO = -14
    """The system refused a file or socket operation: see `tern_error_errno` and
    `tern_error_path`."""
    UNSUPPORTED = -15
    """Known, but not something this library does (v2-only torrents, for instance)."""
    NOT_FOUND = -16
    """Nothing was found."""
    CANCELLED = -17
    """The host cancelled it."""
    STATE = -18
    """Not possible in the present state."""
    VERSION = -19
    """The header and the library do not fit together."""
    IN_USE = -20
    """Another session, of this process or another one, uses the state directory: see
    `tern_error_path`."""
    STORE = -21
    """The state directory has a database that is another program's, or of a newer libtern: see
    `tern_error_path`."""
    NO_METADATA = -23
    """The torrent's metadata is not here yet (`TERN_EVENT_METADATA` says when)."""
    MAGNET = -24
    """Not a valid magnet link, or one that names no torrent."""
    BUSY = -25
    """Too much is going on: try again later."""
    REFUSED = -26
    """A node of the network refused."""
    TRACKER = -27
    """A tracker refused, or gave no answer."""


class Detail(OpenInt):
    """What exactly was wrong; `TernError.detail`."""

    BENCODE = 1
    """Not bencode, or nested too deeply. (What `tern_error_detail` says, here and below.)"""
    MISSING = 2
    """A required key is missing."""
    INVALID = 3
    """The value of a key has the wrong type or is out of bounds."""
    PIECE_COUNT = 4
    """The number of piece hashes does not fit the lengths of the files."""
    TOO_LARGE = 5
    """Larger than this library reads."""
    V2_ONLY = 6
    """Only a version 2 part (BEP 52)."""
    FORMAT = 7
    """Not a format or version that is known."""
    OTHER_TORRENT = 8
    """Of another torrent, or contradicting itself about which."""
    CHECKSUM = 9
    """Damaged: a wrong checksum."""
    NEWER = 10
    """Written by a newer version."""


class EventKind(OpenInt):
    """Kinds of events; `Event.kind`."""

    VERIFY_REQUEST = 1
    """Verify this piece (`TERN_CLASS_REQUEST`): a QUEUED verify hook is asked. `token`, `piece`,
    `a` = bytes of the piece, `b` = how often this piece was asked about (1 first), `code` = 1
    when the engine's own hash matched, `text` = addresses of the peers that sent it, one a line.
    `tern_request_data` gives the bytes. Answer with `tern_request_complete`."""
    SAVE_REQUEST = 2
    """Save this resume data (`TERN_CLASS_REQUEST`): a QUEUED save hook is asked. `token`,
    `generation`, `data` = the blob. Answer with `tern_request_complete`: ACCEPT says that it is
    durable."""
    PEER_REQUEST = 3
    """May this address be connected to (`a` = 0), or let in (`a` = 1) (`TERN_CLASS_REQUEST`)?
    Only while the option `peer_requests` is on. `token`, `addr`. Answer with
    `tern_request_complete`: ACCEPT and PASS say yes, everything else no. Not answered within 30
    seconds, it is no."""
    LISTENING = 16
    """A listen socket is open (`TERN_CLASS_SESSION`). `addr`, `text` = what was asked for."""
    LISTEN_FAILED = 17
    """A listen socket could not be opened (`TERN_CLASS_SESSION`). `text` = what was asked for,
    `text2` = reason, `os_errno`."""
    CLOSED = 18
    """The session is closed: everything flushed, every last save answered, or given up
    (`TERN_CLASS_SESSION`, never masked). `a` = saves that were not answered. The last event."""
    DROPPED = 19
    """Notices were dropped because the queue was full (`TERN_CLASS_SESSION`, never masked). `a` =
    how many, `flags` = their classes. It stands where the gap is."""
    STATE = 32
    """A torrent's state changed (`TERN_CLASS_TORRENT`). `a` = old, `b` = new `TERN_STATE_*`.
    Changes not yet taken are joined into one: `a` of the first, `b` of the last."""
    ADDED = 33
    """A torrent was added (`TERN_CLASS_TORRENT`). `text` = name."""
    REMOVED = 34
    """A torrent was removed, its files closed (and deleted, if asked): the last event of it
    (`TERN_CLASS_TORRENT`). `text` = name."""
    CHECKED = 35
    """A check is complete (`TERN_CLASS_TORRENT`). `a` = pieces present, `b` = pieces that were
    hashed, `c` = pieces restored from saved state without hashing."""
    FINISHED = 36
    """All wanted pieces are here (`TERN_CLASS_TORRENT`)."""
    FILE_COMPLETED = 37
    """A file is complete (`TERN_CLASS_TORRENT`). `file`, `text` = its path."""
    MOVED = 38
    """The content was moved, or not (`TERN_CLASS_TORRENT`). `code` = `TERN_OK` or `TERN_E_IO`,
    `text` = new directory or reason, `text2` = path of the failure, `os_errno`."""
    RENAMED = 39
    """A file was renamed, or not (`TERN_CLASS_TORRENT`). `file`, `code` = `TERN_OK` or
    `TERN_E_IO`, `text` = new path or reason, `text2` = path of the failure, `os_errno`."""
    EXTERNAL_ADDR = 40
    """We know our address as the world sees it, or it changed: peers, trackers and the DHT say
    which they see, and most voices win (`TERN_CLASS_TORRENT`). `addr` (without port)."""
    METADATA = 41
    """The metadata of a torrent added by magnet link or info-hash is here (`TERN_CLASS_TORRENT`).
    `text` = its name. `tern_torrent_take_metainfo` gives it; next the files are looked at."""
    METADATA_FAILED = 42
    """The metadata has the right hash and is of no use; the torrent stopped (`TERN_CLASS_ERROR`).
    `code` = `TERN_E_METAINFO`, `text` = reason."""
    SOURCE_FAILED = 43
    """A source that a magnet link names (`xs`, `as`) did not give the torrent file
    (`TERN_CLASS_ERROR`). `text` = URL, `text2` = reason. Peers are asked all the same."""
    PIECE_PASSED = 48
    """A piece is ours now, by download or check (`TERN_CLASS_PIECE`). `piece`."""
    PIECE_FAILED = 49
    """A piece did not match, or the verify hook rejected it (`TERN_CLASS_PIECE`). `piece`."""
    PEER_CONNECTED = 64
    """A peer's handshake is complete (`TERN_CLASS_PEER`). `peer`, `addr`, `a` = 1 when it
    connected to us, `data` = its peer id."""
    PEER_DISCONNECTED = 65
    """A peer is gone (`TERN_CLASS_PEER`). `peer`, `addr`, `code` = `TERN_CLOSE_*`, `os_errno`,
    `text` = the reason for people. With wire notices also of connections that ended before the
    handshake was complete."""
    PEER_BANNED = 66
    """A peer was banned because of bad data (`TERN_CLASS_PEER`). `addr`."""
    TRACKER_ANNOUNCE = 80
    """An announce is being sent (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = `started`,
    `completed`, `stopped` or empty."""
    TRACKER_REPLY = 81
    """A tracker replied (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = its warning or empty,
    `code` = peers given, `a` = seeds, `b` = leechers, `c` = seconds until the next announce; -1
    when not told. `data` = the peers in compact form (BEP 23), IPv4 only."""
    TRACKER_FAILED = 82
    """A tracker failed (`TERN_CLASS_TRACKER`). `text` = URL, `text2` = reason, `a` = failures in
    a row, `c` = seconds until the next attempt."""
    TRACKER_SCRAPED = 83
    """A tracker told its counts (`TERN_CLASS_TRACKER`). `text` = URL, `a` = seeds, `b` =
    leechers, `c` = completed downloads; -1 when not told."""
    STORAGE_FAILED = 96
    """The storage failed, the torrent stopped; `tern_torrent_resume` retries
    (`TERN_CLASS_ERROR`). `code` = `TERN_E_IO`, `os_errno`, `file` or `TERN_NONE`, `text` =
    reason, `text2` = path."""
    VERIFIER_FAILED = 97
    """The verify hook answered FAIL, the torrent stopped (`TERN_CLASS_ERROR`). `code` = its
    detail."""
    RESUME_REJECTED = 98
    """Saved state was not taken as it was (`TERN_CLASS_ERROR`). `a` = pieces that must be hashed
    again, `flags` = 1 when only some files are concerned, `file` = the first one, `text` =
    why."""
    SAVE_FAILED = 99
    """Resume data could not be saved; it is tried again (`TERN_CLASS_ERROR`). `generation`,
    `code` = the hook's detail (or an errno of the built-in store), `text` = reason."""
    STORAGE_MISSING = 104
    """The content's directory is not there, or another file system is in its place (a disk that
    is not mounted): the torrent stops and fetches nothing (`TERN_CLASS_ERROR`). `code` =
    `TERN_E_NOT_FOUND`. `TERN_EVENT_STORAGE_FAILED` follows; `tern_torrent_resume` looks again."""
    JOURNAL_FAILED = 105
    """The built-in store failed to note which pieces are about to be written
    (`TERN_CLASS_ERROR`). `code` = an errno or `TERN_E_*`. Downloading goes on and it is tried
    again; until it works, a process that is killed may have to fetch pieces again."""
    FATAL = 100
    """A defect of the library stopped this torrent, or (no torrent) a thread of the session
    (`TERN_CLASS_ERROR`, never masked). `text` = what the defect said. The torrent is gone then;
    it can be added again from its saved state."""
    STORE_DAMAGED = 101
    """The state directory's database was damaged (`TERN_CLASS_ERROR`). It was renamed to `text`,
    and what could be read of it is in a new one: `a` torrents with their resume data, `b`
    torrents whose files have to be checked (`tern_session_restore` sees to that). `text2` = what
    was found."""
    RESTORE_FAILED = 102
    """`tern_session_restore` could not bring back a torrent (`TERN_CLASS_ERROR`). `info_hash`,
    `text` = why. What is stored of it stays; it can be added as any other."""
    SAVED = 112
    """A generation of resume data is durable (`TERN_CLASS_SAVE`). `generation`."""
    SAVE_DONE = 113
    """The answer to `tern_torrent_request_save`: one for each (`TERN_CLASS_SAVE`, never dropped).
    `token` = its ticket (not one for `tern_request_complete`), `a` = `TERN_SAVED_*`, `generation`
    when saved, `code` = why it was refused."""
    MESSAGE_IN = 128
    """A message came from a peer (`TERN_CLASS_WIRE`). `peer`, `addr` when known, `code` =
    `TERN_MESSAGE_*`, `piece`, `a` = offset, `b` = length, `data` = bitfield, or the payload of an
    extension's message (BEP 10); for those `a` is the number the receiver gave the extension, 0
    for the extension handshake. Blocks are not carried. `TERN_MESSAGE_EXTENDED` are the handshake
    and the messages of extensions that were not offered, which only this event tells of."""
    MESSAGE_OUT = 129
    """A message was queued for a peer (`TERN_CLASS_WIRE`). As `TERN_EVENT_MESSAGE_IN`. The
    extension handshake that opens a connection comes after what greets the peer, although it is
    sent first."""
    RECEIVED = 130
    """Bytes came from a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes of one read.
    Comes before what they led to, also before `TERN_EVENT_PEER_CONNECTED`."""
    SENT = 131
    """Bytes went into a peer's socket (`TERN_CLASS_IO`). `peer`, `addr`, `a` = bytes."""
    FILE_READ = 132
    """Content was read: for a peer, or to be hashed (also when it was still in memory)
    (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` = bytes."""
    FILE_WRITTEN = 133
    """Content was given to the storage (`TERN_CLASS_IO`). `file`, `a` = offset in the file, `b` =
    bytes."""
    TRACKER_TRAFFIC = 134
    """A tracker was asked by HTTP and the connection is closed (`TERN_CLASS_IO`). `text` = URL,
    `a` = bytes of the request, `b` = bytes of the answer. Comes before what the tracker said."""
    LOG = 144
    """A log line (`TERN_CLASS_LOG`). `code` = `TERN_LOG_*`, `text`."""
    LSD_FAILED = 84
    """The local network's peers are not looked for on an interface (`TERN_CLASS_SESSION`; BEP
    14). `text` = its name, empty when it is about all of them, `text2` = reason, `os_errno`."""
    UDP_FAILED = 85
    """Datagrams are not to be had at an address the session listens on, so that neither UDP
    trackers nor the DHT are reached from there (`TERN_CLASS_SESSION`). `addr`, `text` = reason,
    `os_errno`."""
    DHT_PEERS = 160
    """Peers were found (`TERN_CLASS_DHT`), by a lookup of the host's (`token`) or of a torrent.
    `a` = how many, `text` = their addresses, one a line, each told once. More may follow. With a
    token it is never masked."""
    DHT_PEERS_DONE = 161
    """A lookup of peers is over (`TERN_CLASS_DHT`), the host's (`token`; never masked or dropped)
    or a torrent's. `a` = peers found, `b` = nodes that took our announce, `c` = nodes that
    answered."""
    DHT_SCRAPED = 162
    """The size of a swarm (BEP 33), before PEERS_DONE (`TERN_CLASS_DHT`). `token`, `a` = seeds,
    `b` = downloaders, both estimated."""
    DHT_ITEM = 163
    """An item was found; a newer version may follow (`TERN_CLASS_DHT`). `token`, `data` = the
    bencoded value, `a` = sequence number, -1 for an immutable item; `text` = owner's key, `text2`
    = signature, both hexadecimal, empty for an immutable item."""
    DHT_ITEM_DONE = 164
    """The search for an item is over (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code`
    = `TERN_OK` or `TERN_E_NOT_FOUND`, `b` = nodes that had this version; the rest as in DHT_ITEM,
    of the newest version."""
    DHT_PUT_DONE = 165
    """An item was stored, or not (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
    `TERN_OK`, or `TERN_E_REFUSED` when no node took it; `a` = sequence number or -1, `b` = nodes
    that took it, `c` = error code (BEP 44) of the last node that did not, 0 without one: 301 and
    302 say that somebody else was faster. `data` = value, `text` = target, `text2` = signature,
    both hexadecimal."""
    DHT_PONG = 166
    """A node answered a ping (`TERN_CLASS_DHT`, never masked or dropped). `token`, `text` = its
    id, hexadecimal, `a` = microseconds its answer took."""
    DHT_NODES = 167
    """The nodes nearest to a target (`TERN_CLASS_DHT`, never masked or dropped). `token`, `a` =
    how many, `text` = one a line: id, a space, address."""
    DHT_SAMPLES = 168
    """Info-hashes that nodes know (BEP 51; `TERN_CLASS_DHT`, never masked or dropped). `token`,
    `data` = 20 bytes each, `a` = seconds until asking the node again is worth it, `b` = torrents
    it knows (both of one node only), `c` = how many, `text` = nodes near the target as in
    DHT_NODES."""
    DHT_FAILED = 169
    """A command came to nothing (`TERN_CLASS_DHT`, never masked or dropped). `token`, `code` =
    `TERN_E_TIMEOUT` (no answer), `TERN_E_REFUSED` with the node's error code in `a`,
    `TERN_E_BUSY`, `TERN_E_STATE` (no listening address of this family, or the DHT was switched
    off) or `TERN_E_INVALID`; `text` = why."""
    DHT_QUERY = 170
    """Somebody asks us something: a request (`token`, class REQUEST) when a QUEUED DHT hook is
    set, a notice (`TERN_CLASS_DHT`) with the option `dht_query_notices`. `addr` = who, `code` =
    `TERN_DHT_QUERY_*`, `data` = target or info-hash, 20 bytes or none."""
    DHT_BOOTSTRAPPED = 171
    """A node of ours has found its place in the network (`TERN_CLASS_DHT`). `addr` = where it
    listens, `a` = nodes that answered."""
    DHT_EXTERNAL = 172
    """Enough nodes agree on how they see us (`TERN_CLASS_DHT`). `addr` = our address, without
    port, `text` = where we listen."""
    DHT_UNRESOLVED = 173
    """The name of a node does not resolve; bootstrap nodes are tried again (`TERN_CLASS_DHT`).
    `text` = host and port, `text2` = reason."""
    DHT_UPDATE = 174
    """A pointer that is followed has a newer version (BEP 46; `TERN_CLASS_DHT`, never masked).
    `token`, `info_hash` = the torrent, zeros when the value is no pointer; `data` = value, `a` =
    sequence number, `text` = owner's key, `text2` = signature, both hexadecimal."""
    DHT_PUBLISHED = 175
    """A pointer was published (BEP 46; `TERN_CLASS_DHT`, never masked), or, `code` =
    `TERN_E_REFUSED`, somebody published a newer version with our key and ours is kept alive no
    longer. `token`, `info_hash`, `data` = value, `a` = sequence number, `b` = nodes that took
    it."""


class EventClass(OpenFlag):
    """Classes of events, for `Session.subscribe`."""

    NONE = 0
    """No bit."""
    REQUEST = 1
    """Requests (`TERN_EVENT_VERIFY_REQUEST`, `TERN_EVENT_SAVE_REQUEST`,
    `TERN_EVENT_PEER_REQUEST`). Never dropped, never masked."""
    SESSION = 2
    """The session: listening, closed."""
    TORRENT = 4
    """Life of torrents: states, checks, completion, files, moves."""
    PIECE = 8
    """Pieces passed and failed."""
    PEER = 16
    """Peers that come and go."""
    TRACKER = 32
    """Trackers."""
    ERROR = 64
    """What went wrong."""
    SAVE = 128
    """Resume data made durable."""
    WIRE = 256
    """Single messages of the peer protocol; also needs `tern_torrent_set_wire_notices`. Many."""
    LOG = 512
    """Log lines."""
    IO = 1024
    """Bytes that pass sockets and files; also needs `tern_torrent_set_wire_notices`. Many."""
    DEFAULT = 767
    """What a new session is subscribed to: everything but WIRE and IO."""
    DHT = 2048
    """Results of commands of the DHT (they come without it) and what happens there. Not in
    `TERN_CLASS_DEFAULT`."""


class LogLevel(OpenInt):
    """Levels of `Log` events."""

    ERROR = 1
    """Log level."""
    WARN = 2
    """Log level."""
    INFO = 3
    """Log level."""
    DEBUG = 4
    """Log level."""


class Verdict(OpenInt):
    """Answers to requests."""

    ACCEPT = 1
    """Yes. A piece counts as had; a save is durable."""
    REJECT = 2
    """No. A piece is fetched again and its senders are blamed; a save is tried again later."""
    DEFER = 3
    """Ask again after `detail` milliseconds."""
    PASS = 4
    """Act as if no hook were set (for wrappers that always set one)."""
    FAIL = 5
    """The hook is broken, `detail` says how: a verifier's torrent stops, a save is reported and
    tried again."""
    PENDING = 6
    """INLINE hooks only: the answer comes later by `tern_request_complete`."""


class VerifyFlags(OpenFlag):
    """What a verifier may do besides."""

    NONE = 0
    """No bit."""
    OVERRIDE = 1
    """Flag of verify hooks: it is asked about pieces whose hash did not match too, and its ACCEPT
    counts. Without it a verdict can only be stricter than the engine's."""


class HookMode(OpenInt):
    """How the library delivers requests."""

    NONE = 0
    """No hook (removes the one that is set)."""
    INLINE = 1
    """A function on the session's hook thread."""
    QUEUED = 2
    """A request event; answered by `tern_request_complete`. The function must be NULL."""


class State(OpenInt):
    """What a torrent is doing."""

    STARTING = 1
    """Looking at the files."""
    CHECKING = 2
    """Hashing what is on disk."""
    DOWNLOADING = 3
    """Fetching."""
    FINISHED = 4
    """All wanted pieces are here, some unwanted are not."""
    SEEDING = 5
    """Complete."""
    PAUSED = 6
    """Stopped by the host."""
    FAILED = 7
    """Stopped by an error; `tern_torrent_resume` retries."""
    CLOSED = 8
    """Closing or closed."""
    METADATA = 9
    """Asking peers for the metadata (BEP 9)."""


class SaveFlags(OpenFlag):
    """When resume data is handed out."""

    NONE = 0
    """No bit."""
    ON_PIECE = 1
    """Save after every piece that passed (one request in flight, newer state waits behind it)."""
    ON_STATE = 2
    """Save when the torrent's state or configuration changed."""
    AT_CLOSE = 4
    """Save before closing."""
    WITH_INFO = 8
    """Embed the `info` dictionary, so that the blob alone can bring the torrent back."""
    IF_COUNTERS = 16
    """When bytes sent or received or a tracker's counts changed. In a policy: what the interval
    is for, all but this when none is given. In `tern_torrent_request_save`: what must have
    changed."""
    IF_PROGRESS = 32
    """When blocks were written, pieces verified, found or lost."""
    IF_CONFIG = 64
    """When priorities, limits, file names, the directory, bans or settings changed."""
    IF_STATE = 128
    """When it was paused, checked, finished, failed, or left seed mode."""
    IF_METADATA = 256
    """When trackers, web seeds or the description changed."""
    IF_ANY = 496
    """When anything changed."""


class SaveResult(OpenInt):
    """What a request to save came to; `SaveDone.result`."""

    SAVED = 1
    """The state that was asked for is durable."""
    NOT_MODIFIED = 2
    """Nothing changed of what the request named."""
    REFUSED = 3
    """It was refused; it is tried again all the same, and nobody is told."""
    ENDED = 4
    """The torrent ended first."""


class LoadPolicy(OpenInt):
    """What to trust when files differ from resume data."""

    PER_FILE = 0
    """A changed file invalidates only the pieces that touch it."""
    STRICT = 1
    """A file changed by others invalidates everything."""
    TRUST = 2
    """Files are not compared with the saved state."""


class RemoveFlags(OpenFlag):
    """What removal does besides."""

    NONE = 0
    """No bit."""
    FILES = 1
    """Delete the content when removing."""
    KEEP_STATE = 2
    """Keep the resume data in the built-in store when removing."""


class FileFlags(OpenFlag):
    """Attributes of a file (BEP 47)."""

    NONE = 0
    """No bit."""
    PADDING = 1
    """Padding: reads as zeros, is never stored."""
    EXECUTABLE = 2
    """Executable."""
    HIDDEN = 4
    """Hidden."""
    SYMLINK = 8
    """Symbolic link."""


class PeerFlags(OpenFlag):
    """State of a connection to a peer."""

    NONE = 0
    """No bit."""
    INCOMING = 1
    """It connected to us."""
    AM_CHOKING = 2
    """We choke it."""
    AM_INTERESTED = 4
    """We want something it has."""
    CHOKING = 8
    """It chokes us."""
    INTERESTED = 16
    """It wants something we have."""
    SNUBBED = 32
    """It owes us blocks for a long time."""
    SEED = 64
    """It has everything."""
    UPLOAD_ONLY = 128
    """It said that it only uploads (BEP 21)."""


class BlockState(OpenInt):
    """How far a block is."""

    MISSING = 0
    """Nobody was asked for the block."""
    REQUESTED = 1
    """A peer was asked for it, or several."""
    RECEIVED = 2
    """It came, and is not written yet."""
    WRITTEN = 3
    """The file has it."""


class PeerSource(OpenInt):
    """Who told us about a peer."""

    INCOMING = 1
    """It connected to us."""
    TRACKER = 2
    """A tracker told us."""
    MANUAL = 3
    """The host told us."""
    RESUME = 4
    """Resume data told us."""
    PEX = 5
    """Another peer told us (BEP 11)."""
    LSD = 6
    """It was found on the local network (BEP 14)."""
    DHT = 7
    """The DHT told us (BEP 5)."""
    MAGNET = 8
    """A magnet link told us (`x.pe`)."""


class CloseReason(OpenInt):
    """Why a connection ended."""

    REMOTE = 0
    """The other side or the network ended it; see `os_errno`."""
    LOOPBACK = 1
    """It was ourselves."""
    DUPLICATE = 2
    """There is a connection to this peer already."""
    TOO_MANY = 3
    """Limits."""
    BOTH_SEEDS = 4
    """Both sides are complete."""
    USELESS = 5
    """Neither side has what the other wants."""
    BANNED = 6
    """Banned."""
    STOPPED = 7
    """The torrent stopped."""
    HOST = 8
    """The host asked for it."""
    FLOOD = 9
    """It sent blocks nobody asked for, over and over."""
    BAD_HANDSHAKE = 16
    """Not a BitTorrent handshake."""
    WRONG_INFO_HASH = 17
    """Another torrent's info-hash in its handshake."""
    OVERSIZED_MESSAGE = 18
    """A message longer than allowed."""
    BAD_MESSAGE = 19
    """A message that is not well formed."""
    UNEXPECTED_BITFIELD = 20
    """A bitfield where none may come."""
    FAST_NOT_NEGOTIATED = 21
    """A fast-extension message without negotiation (BEP 6)."""
    BAD_EXTENSION = 22
    """An extension handshake that does not parse (BEP 10)."""
    HANDSHAKE_TIMEOUT = 23
    """No handshake in time."""
    IDLE_TIMEOUT = 24
    """Silent for too long."""
    OTHER = 255
    """A reason this version of the header has no number for: see `text`."""


class Message(OpenInt):
    """Messages of the peer protocol."""

    KEEP_ALIVE = -1
    """Peer message: keep-alive. The other `TERN_MESSAGE_*` numbers are those of the protocol."""
    CHOKE = 0
    """Peer message."""
    UNCHOKE = 1
    """Peer message."""
    INTERESTED = 2
    """Peer message."""
    NOT_INTERESTED = 3
    """Peer message."""
    HAVE = 4
    """Peer message."""
    BITFIELD = 5
    """Peer message."""
    REQUEST = 6
    """Peer message."""
    PIECE = 7
    """Peer message."""
    CANCEL = 8
    """Peer message."""
    PORT = 9
    """Peer message (BEP 5)."""
    SUGGEST = 13
    """Peer message (BEP 6)."""
    HAVE_ALL = 14
    """Peer message (BEP 6)."""
    HAVE_NONE = 15
    """Peer message (BEP 6)."""
    REJECT = 16
    """Peer message (BEP 6)."""
    ALLOWED_FAST = 17
    """Peer message (BEP 6)."""
    EXTENDED = 20
    """Peer message (BEP 10)."""
    DONT_HAVE = 256
    """Peer message `lt_donthave` (BEP 54); not a number of the protocol."""
    METADATA = 257
    """Peer message `ut_metadata` (BEP 9); not a number of the protocol."""
    PEX = 258
    """Peer message `ut_pex` (BEP 11); not a number of the protocol."""


class OptionType(OpenInt):
    """Types of options."""

    INT = 1
    """An integer option."""
    BOOL = 2
    """A yes-or-no option."""
    STR = 3
    """A text option."""
    BYTES = 4
    """A bytes option."""
    DOUBLE = 5
    """A floating point option."""


class DhtQueryKind(OpenInt):
    """Kinds of queries of the DHT."""

    PING = 1
    """`ping`."""
    FIND_NODE = 2
    """`find_node`, and methods we do not know that have a target."""
    GET_PEERS = 3
    """`get_peers`."""
    ANNOUNCE_PEER = 4
    """`announce_peer`."""
    GET = 5
    """`get` (BEP 44)."""
    PUT = 6
    """`put` (BEP 44)."""
    SAMPLE_INFOHASHES = 7
    """`sample_infohashes` (BEP 51)."""


class DhtFlags(OpenFlag):
    """How to look for peers in the DHT."""

    NONE = 0
    """No bit."""
    ANNOUNCE = 1
    """Announce ourselves too."""
    SEED = 2
    """We have all of it (BEP 33)."""
    SCRAPE = 4
    """Estimate the size of the swarm (BEP 33)."""
    NOSEED = 8
    """Ask for downloaders rather than seeds (BEP 33)."""


class CreateFlags(OpenFlag):
    """How a torrent is made."""

    NONE = 0
    """No bit."""
    PADDING = 1
    """`tern_create_set_flags`: align files to pieces with padding files (BEP 47)."""
    HIDDEN = 2
    """`tern_create_set_flags`: include files whose name starts with a dot."""
    SYMLINKS = 4
    """`tern_create_set_flags`: keep symbolic links as links (BEP 47) instead of following
    them."""

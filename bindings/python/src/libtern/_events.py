"""Events: one frozen class per kind, made for `match`.

A kind this version does not know becomes an `UnknownEvent`. Fields with raw bytes are read-only
memory views into the batch the event came with; a view keeps its batch, so it can never dangle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from . import _codes
from ._codes import CloseReason, EventClass, EventKind, LogLevel, Message, State
from ._ffi import lent, view_bytes, view_path, view_text

if TYPE_CHECKING:
    from ._session import Session
    from ._torrent import Torrent


class Raw:
    """One C event while it is turned into an object. Internal."""

    __slots__ = ("batch", "c", "session", "torrent")

    def __init__(self, session: Session, c: Any, batch: Any) -> None:
        self.session = session
        self.c = c
        self.batch = batch
        self.torrent: Torrent | None = session._torrent_of(c.torrent) if c.torrent else None

    @property
    def text(self) -> str:
        """First text."""
        return view_text(self.c.text)

    @property
    def text2(self) -> str:
        """Second text."""
        return view_text(self.c.text2)

    @property
    def addr(self) -> str:
        """Address."""
        return view_text(self.c.addr)

    @property
    def data(self) -> memoryview:
        """Raw bytes, kept by the view."""
        return lent(self.c.data, self.batch)

    @property
    def file(self) -> int | None:
        """File number."""
        return None if self.c.file == _codes.NONE else int(self.c.file)


def told(number: int) -> int | None:
    """-1 means that nobody told."""
    return None if number < 0 else number


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `kind` says what, and so does the class."""

    kind: ClassVar[EventKind]
    """Number of the kind in C."""
    classes: ClassVar[EventClass]
    """The class it is subscribed by."""
    time_ms: int = field(kw_only=True)
    """When it was queued, milliseconds since 1970."""
    torrent: Torrent | None = field(kw_only=True)
    """The torrent it is about, None for an event of the session."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        """The values of the fields that this class adds."""
        return ()

    @classmethod
    def _read(cls, raw: Raw) -> Event:
        return cls(*cls._fields(raw), time_ms=raw.c.time_ms, torrent=raw.torrent)


@dataclass(frozen=True, slots=True)
class TorrentEvent(Event):
    """An event of a torrent."""

    torrent: Torrent = field(kw_only=True)
    """The torrent it is about."""


@dataclass(frozen=True, slots=True)
class UnknownEvent(Event):
    """An event of a kind that this version of the package does not know."""

    number: int
    """Number of the kind."""
    event_class: EventClass
    """The class it belongs to."""
    text: str
    """Its first text."""
    text2: str
    """Its second text."""
    addr: str
    """Its address."""
    data: memoryview = field(hash=False, repr=False)
    """Its raw bytes."""
    numbers: dict[str, int] = field(hash=False)
    """Its other members, by their names in C."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        names = ("flags", "piece", "token", "generation", "peer", "file", "code", "os_errno",
                 "a", "b", "c")
        numbers = {name: int(getattr(raw.c, name)) for name in names}
        known = EventClass(raw.c.event_class)
        return raw.c.kind, known, raw.text, raw.text2, raw.addr, raw.data, numbers


# Session.


@dataclass(frozen=True, slots=True)
class Listening(Event):
    """A listen socket is open."""

    kind = EventKind.LISTENING
    classes = EventClass.SESSION
    address: str
    """Where."""
    requested: str
    """What was asked for."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.addr, raw.text


@dataclass(frozen=True, slots=True)
class ListenFailed(Event):
    """A listen socket could not be opened."""

    kind = EventKind.LISTEN_FAILED
    classes = EventClass.SESSION
    requested: str
    """What was asked for."""
    reason: str
    """Why not."""
    errno: int
    """The system's error number, 0 when there is none."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.text2, raw.c.os_errno


@dataclass(frozen=True, slots=True)
class LsdFailed(Event):
    """Peers on the local network are not looked for on an interface (BEP 14)."""

    kind = EventKind.LSD_FAILED
    classes = EventClass.SESSION
    interface: str
    """Its name; empty when it is about all of them."""
    reason: str
    """Why not."""
    errno: int
    """The system's error number, 0 when there is none."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.text2, raw.c.os_errno


@dataclass(frozen=True, slots=True)
class UdpFailed(Event):
    """Datagrams are not to be had at an address the session listens on.

    Neither UDP trackers nor the DHT are reached from there.
    """

    kind = EventKind.UDP_FAILED
    classes = EventClass.SESSION
    address: str
    """Which."""
    reason: str
    """Why not."""
    errno: int
    """The system's error number, 0 when there is none."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.addr, raw.text, raw.c.os_errno


@dataclass(frozen=True, slots=True)
class Closed(Event):
    """The session is closed. The last event."""

    kind = EventKind.CLOSED
    classes = EventClass.SESSION
    unsaved: int
    """Saves that were not answered."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.a,)


@dataclass(frozen=True, slots=True)
class Dropped(Event):
    """Notices were dropped here because the queue was full. Requests never are."""

    kind = EventKind.DROPPED
    classes = EventClass.SESSION
    count: int
    """How many."""
    lost: EventClass
    """Classes of what was lost."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.a, EventClass(raw.c.flags)


# Torrents.


@dataclass(frozen=True, slots=True)
class StateChanged(TorrentEvent):
    """A torrent's state changed. Changes not yet taken are joined into one."""

    kind = EventKind.STATE
    classes = EventClass.TORRENT
    old: State
    """Before the first."""
    new: State
    """After the last."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return State(raw.c.a), State(raw.c.b)


@dataclass(frozen=True, slots=True)
class TorrentAdded(TorrentEvent):
    """A torrent was added."""

    kind = EventKind.ADDED
    classes = EventClass.TORRENT
    name: str
    """Its name."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.text,)


@dataclass(frozen=True, slots=True)
class TorrentRemoved(TorrentEvent):
    """A torrent was removed, its files closed (and deleted, if asked): the last event of it."""

    kind = EventKind.REMOVED
    classes = EventClass.TORRENT
    name: str
    """Its name."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.text,)


@dataclass(frozen=True, slots=True)
class Checked(TorrentEvent):
    """A check is complete."""

    kind = EventKind.CHECKED
    classes = EventClass.TORRENT
    present: int
    """Pieces present."""
    hashed: int
    """Pieces that were hashed."""
    restored: int
    """Pieces restored from saved state without hashing."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.a, raw.c.b, raw.c.c


@dataclass(frozen=True, slots=True)
class Finished(TorrentEvent):
    """All wanted pieces are here."""

    kind = EventKind.FINISHED
    classes = EventClass.TORRENT


@dataclass(frozen=True, slots=True)
class FileCompleted(TorrentEvent):
    """A file is complete."""

    kind = EventKind.FILE_COMPLETED
    classes = EventClass.TORRENT
    file: int
    """Its number."""
    path: str
    """Its path."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.file, view_path(raw.c.text)


@dataclass(frozen=True, slots=True)
class Moved(TorrentEvent):
    """The content was moved, or (`ok` false) not."""

    kind = EventKind.MOVED
    classes = EventClass.TORRENT
    ok: bool
    """Whether it worked."""
    path: str
    """The new directory; else the path of the failure."""
    reason: str
    """Why not, empty when it worked."""
    errno: int
    """The system's error number, 0 when there is none."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return outcome(raw)


@dataclass(frozen=True, slots=True)
class Renamed(TorrentEvent):
    """A file was renamed, or (`ok` false) not."""

    kind = EventKind.RENAMED
    classes = EventClass.TORRENT
    file: int
    """Its number."""
    ok: bool
    """Whether it worked."""
    path: str
    """The new path; else the path of the failure."""
    reason: str
    """Why not, empty when it worked."""
    errno: int
    """The system's error number, 0 when there is none."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.file, *outcome(raw)


def outcome(raw: Raw) -> tuple[bool, str, str, int]:
    """Fields of `Moved` and `Renamed`."""
    if raw.c.code == _codes.OK:
        return True, view_path(raw.c.text), "", 0
    return False, view_path(raw.c.text2), raw.text, raw.c.os_errno


@dataclass(frozen=True, slots=True)
class ExternalAddress(TorrentEvent):
    """A peer told us our address."""

    kind = EventKind.EXTERNAL_ADDR
    classes = EventClass.TORRENT
    address: str
    """The address, without port."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.addr,)


@dataclass(frozen=True, slots=True)
class MetadataReceived(TorrentEvent):
    """The metadata of a torrent added by magnet link or info-hash is here."""

    kind = EventKind.METADATA
    classes = EventClass.TORRENT
    name: str
    """Its name."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.text,)


@dataclass(frozen=True, slots=True)
class MetadataFailed(TorrentEvent):
    """The metadata has the right hash and is of no use; the torrent stopped."""

    kind = EventKind.METADATA_FAILED
    classes = EventClass.ERROR
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.text,)


@dataclass(frozen=True, slots=True)
class SourceFailed(TorrentEvent):
    """A source that a magnet link names did not give the torrent file."""

    kind = EventKind.SOURCE_FAILED
    classes = EventClass.ERROR
    url: str
    """The source."""
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.text2


@dataclass(frozen=True, slots=True)
class PiecePassed(TorrentEvent):
    """A piece is ours now, by download or check."""

    kind = EventKind.PIECE_PASSED
    classes = EventClass.PIECE
    piece: int
    """Its number."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.piece,)


@dataclass(frozen=True, slots=True)
class PieceFailed(TorrentEvent):
    """A piece did not match, or the verify hook rejected it."""

    kind = EventKind.PIECE_FAILED
    classes = EventClass.PIECE
    piece: int
    """Its number."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.piece,)


# Peers.


@dataclass(frozen=True, slots=True)
class PeerConnected(TorrentEvent):
    """A peer's handshake is complete."""

    kind = EventKind.PEER_CONNECTED
    classes = EventClass.PEER
    peer: int
    """Number of the connection."""
    address: str
    """Its address."""
    incoming: bool
    """Whether it connected to us."""
    peer_id: bytes
    """Its peer id."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.peer, raw.addr, bool(raw.c.a), view_bytes(raw.c.data)


@dataclass(frozen=True, slots=True)
class PeerDisconnected(TorrentEvent):
    """A peer is gone."""

    kind = EventKind.PEER_DISCONNECTED
    classes = EventClass.PEER
    peer: int
    """Number of the connection."""
    address: str
    """Its address."""
    reason: CloseReason
    """Why."""
    errno: int
    """The system's error number, 0 when there is none."""
    text: str
    """The reason for people."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.peer, raw.addr, CloseReason(raw.c.code), raw.c.os_errno, raw.text


@dataclass(frozen=True, slots=True)
class PeerBanned(TorrentEvent):
    """A peer was banned because of bad data."""

    kind = EventKind.PEER_BANNED
    classes = EventClass.PEER
    address: str
    """Its address."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.addr,)


@dataclass(frozen=True, slots=True)
class MessageReceived(TorrentEvent):
    """A message came from a peer; see `Torrent.set_wire_notices`. Blocks are not carried."""

    kind = EventKind.MESSAGE_IN
    classes = EventClass.WIRE
    peer: int
    """Number of the connection."""
    address: str
    """Its address, empty when not known."""
    message: Message
    """Which message."""
    piece: int | None
    """The piece it is about."""
    offset: int
    """Offset in the piece; of an extension's message the number its receiver gave the extension."""
    length: int
    """Length of the block."""
    data: memoryview = field(hash=False, repr=False)
    """Bitfield, or payload of an extended message."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        piece = None if raw.c.piece == _codes.NONE else int(raw.c.piece)
        return (raw.c.peer, raw.addr, Message(raw.c.code), piece, raw.c.a, raw.c.b, raw.data)


@dataclass(frozen=True, slots=True)
class MessageSent(MessageReceived):
    """A message went to a peer. As `MessageReceived`."""

    kind = EventKind.MESSAGE_OUT
    classes = EventClass.WIRE


# Trackers.


@dataclass(frozen=True, slots=True)
class TrackerAnnounce(TorrentEvent):
    """An announce is being sent."""

    kind = EventKind.TRACKER_ANNOUNCE
    classes = EventClass.TRACKER
    url: str
    """The tracker."""
    event: str
    """`started`, `completed`, `stopped` or empty."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.text2


@dataclass(frozen=True, slots=True)
class TrackerReply(TorrentEvent):
    """A tracker replied."""

    kind = EventKind.TRACKER_REPLY
    classes = EventClass.TRACKER
    url: str
    """The tracker."""
    warning: str
    """Its warning, or empty."""
    peers: int
    """How many peers it gave."""
    seeds: int | None
    """Seeds it knows of."""
    leechers: int | None
    """Leechers it knows of."""
    interval: int | None
    """Seconds until the next announce."""
    compact: memoryview = field(hash=False, repr=False)
    """The peers in compact form (BEP 23), IPv4 only."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        c = raw.c
        return raw.text, raw.text2, c.code, told(c.a), told(c.b), told(c.c), raw.data


@dataclass(frozen=True, slots=True)
class TrackerFailed(TorrentEvent):
    """A tracker failed."""

    kind = EventKind.TRACKER_FAILED
    classes = EventClass.TRACKER
    url: str
    """The tracker."""
    reason: str
    """What it said, or what happened."""
    fails: int
    """Failures in a row."""
    retry_secs: int | None
    """Seconds until the next attempt."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.text2, raw.c.a, told(raw.c.c)


@dataclass(frozen=True, slots=True)
class TrackerScraped(TorrentEvent):
    """A tracker told its counts."""

    kind = EventKind.TRACKER_SCRAPED
    classes = EventClass.TRACKER
    url: str
    """The tracker."""
    seeds: int | None
    """Seeds."""
    leechers: int | None
    """Leechers."""
    downloads: int | None
    """Completed downloads."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, told(raw.c.a), told(raw.c.b), told(raw.c.c)


# The log.


@dataclass(frozen=True, slots=True)
class Log(Event):
    """A log line."""

    kind = EventKind.LOG
    classes = EventClass.LOG
    level: LogLevel
    """How bad."""
    text: str
    """What."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return LogLevel(raw.c.code), raw.text


def kinds() -> dict[int, type[Event]]:
    """Every kind that has a class, requests included."""
    from . import _dht_events, _failures, _requests, _traffic

    modules = (_dht_events, _failures, _requests, _traffic)
    found = [*globals().values(), *(v for m in modules for v in vars(m).values())]
    return {
        int(cls.kind): cls
        for cls in found
        if isinstance(cls, type) and issubclass(cls, Event) and "kind" in vars(cls)
    }


NEVER_MASKED = frozenset({
    EventKind.VERIFY_REQUEST, EventKind.SAVE_REQUEST, EventKind.PEER_REQUEST, EventKind.CLOSED,
    EventKind.DROPPED, EventKind.FATAL, EventKind.SAVE_DONE,
})
"""Kinds that come whatever is subscribed."""

__all__ = [
    "Checked", "Closed", "Dropped", "Event", "ExternalAddress", "FileCompleted", "Finished",
    "ListenFailed", "Listening", "Log", "LsdFailed", "MessageReceived", "MessageSent",
    "MetadataFailed", "MetadataReceived", "Moved", "PeerBanned", "PeerConnected",
    "PeerDisconnected", "PieceFailed", "PiecePassed", "Renamed", "SourceFailed", "StateChanged",
    "TorrentAdded", "TorrentEvent", "TorrentRemoved", "TrackerAnnounce", "TrackerFailed",
    "TrackerReply", "TrackerScraped", "UdpFailed", "UnknownEvent",
]

"""Events of bytes that pass: sockets of peers, files, requests to trackers.

They come for torrents with `Torrent.set_wire_notices`, to who subscribed to `EventClass.IO`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._codes import EventClass, EventKind
from ._events import Raw, TorrentEvent


@dataclass(frozen=True, slots=True)
class BytesReceived(TorrentEvent):
    """Bytes came from a peer's socket; see `Torrent.set_wire_notices` and `EventClass.IO`."""

    kind = EventKind.RECEIVED
    classes = EventClass.IO
    peer: int
    """Number of the connection."""
    address: str
    """Its address."""
    length: int
    """Bytes of one read."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.peer, raw.addr, raw.c.a


@dataclass(frozen=True, slots=True)
class BytesSent(BytesReceived):
    """Bytes went into a peer's socket. As `BytesReceived`."""

    kind = EventKind.SENT
    classes = EventClass.IO


@dataclass(frozen=True, slots=True)
class FileRead(TorrentEvent):
    """Content was read: for a peer, or to be hashed (also when it was still in memory)."""

    kind = EventKind.FILE_READ
    classes = EventClass.IO
    file: int | None
    """Number of the file."""
    offset: int
    """Where in the file."""
    length: int
    """Bytes."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.file, raw.c.a, raw.c.b


@dataclass(frozen=True, slots=True)
class FileWritten(FileRead):
    """Content was given to the storage. As `FileRead`."""

    kind = EventKind.FILE_WRITTEN
    classes = EventClass.IO


@dataclass(frozen=True, slots=True)
class TrackerTraffic(TorrentEvent):
    """A tracker was asked by HTTP and the connection is closed."""

    kind = EventKind.TRACKER_TRAFFIC
    classes = EventClass.IO
    url: str
    """The tracker."""
    sent: int
    """Bytes of the request."""
    received: int
    """Bytes of the answer."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, raw.c.a, raw.c.b

__all__ = ["BytesReceived", "BytesSent", "FileRead", "FileWritten", "TrackerTraffic"]

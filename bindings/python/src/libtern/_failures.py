"""Events about what failed and what was saved: one frozen class per kind, as in `_events`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ._codes import EventClass, EventKind, SaveResult
from ._events import Event, Raw, TorrentEvent
from ._ffi import ffi, view_path, view_text


@dataclass(frozen=True, slots=True)
class StorageFailed(TorrentEvent):
    """The storage failed, the torrent stopped; `Torrent.resume` retries."""

    kind = EventKind.STORAGE_FAILED
    classes = EventClass.ERROR
    reason: str
    """What failed."""
    path: str
    """Where."""
    errno: int
    """The system's error number, 0 when there is none."""
    file: int | None
    """Number of the file, when one is concerned."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.text, view_path(raw.c.text2), raw.c.os_errno, raw.file

    @property
    def error(self) -> OSError:
        """The same as an exception of the class that fits the error number."""
        return OSError(self.errno or None, self.reason or os.strerror(self.errno), self.path)


@dataclass(frozen=True, slots=True)
class StorageMissing(TorrentEvent):
    """The content's directory is not there, or another file system is in its place.

    The torrent stops and fetches nothing. `StorageFailed` follows; `Torrent.resume()` looks again.
    """

    kind = EventKind.STORAGE_MISSING
    classes = EventClass.ERROR

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class JournalFailed(TorrentEvent):
    """The built-in store failed to note which pieces are about to be written.

    Downloading goes on. Until it works, a process that is killed may have to fetch pieces again.
    """

    kind = EventKind.JOURNAL_FAILED
    classes = EventClass.ERROR
    code: int
    """An errno, or a `Code`."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.code,)


@dataclass(frozen=True, slots=True)
class VerifierFailed(TorrentEvent):
    """The verify hook failed, the torrent stopped."""

    kind = EventKind.VERIFIER_FAILED
    classes = EventClass.ERROR
    code: int
    """What the hook gave as detail."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.code,)


@dataclass(frozen=True, slots=True)
class ResumeRejected(TorrentEvent):
    """Saved state was not taken as it was."""

    kind = EventKind.RESUME_REJECTED
    classes = EventClass.ERROR
    pieces: int
    """Pieces that must be hashed again."""
    partial: bool
    """Whether only some files are concerned."""
    file: int | None
    """The first file concerned."""
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.a, raw.c.flags == 1, raw.file, raw.text


@dataclass(frozen=True, slots=True)
class SaveFailed(TorrentEvent):
    """Resume data could not be saved; it is tried again."""

    kind = EventKind.SAVE_FAILED
    classes = EventClass.ERROR
    generation: int
    """Which generation."""
    code: int
    """The hook's detail, or an errno of the built-in store."""
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.generation, raw.c.code, raw.text


@dataclass(frozen=True, slots=True)
class Fatal(Event):
    """A defect of the library stopped this torrent, or (no torrent) a thread of the session."""

    kind = EventKind.FATAL
    classes = EventClass.ERROR
    reason: str
    """What the defect said."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.text,)


@dataclass(frozen=True, slots=True)
class StoreDamaged(Event):
    """The database in `state_dir` was damaged; what could be read of it is in a new one."""

    kind = EventKind.STORE_DAMAGED
    classes = EventClass.ERROR
    set_aside: str
    """What the damaged one is called now."""
    reason: str
    """What was found."""
    salvaged: int
    """Torrents with their resume data."""
    unchecked: int
    """Torrents whose files have to be checked; `Session.restore` sees to that."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return view_path(raw.c.text), view_text(raw.c.text2), raw.c.a, raw.c.b


@dataclass(frozen=True, slots=True)
class RestoreFailed(Event):
    """`Session.restore` could not bring back a torrent. What is stored of it stays."""

    kind = EventKind.RESTORE_FAILED
    classes = EventClass.ERROR
    info_hash: bytes
    """Which."""
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return bytes(ffi.buffer(raw.c.info_hash, 20)), raw.text


@dataclass(frozen=True, slots=True)
class Saved(TorrentEvent):
    """A generation of resume data is durable."""

    kind = EventKind.SAVED
    classes = EventClass.SAVE
    generation: int
    """Which generation."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return (raw.c.generation,)


@dataclass(frozen=True, slots=True)
class SaveDone(TorrentEvent):
    """The answer to `Torrent.request_save()`: one for each, never dropped."""

    kind = EventKind.SAVE_DONE
    classes = EventClass.SAVE
    ticket: int
    """What `request_save()` returned."""
    result: SaveResult
    """What it came to."""
    generation: int
    """Which generation is durable, when saved."""
    code: int
    """Why it was refused: the hook's detail, or an errno of the built-in store."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, SaveResult(raw.c.a), raw.c.generation, raw.c.code


__all__ = [
    "Fatal", "JournalFailed", "RestoreFailed", "ResumeRejected", "SaveDone", "SaveFailed", "Saved",
    "StorageFailed", "StorageMissing", "StoreDamaged", "VerifierFailed",
]

"""Exceptions: one class per code of the C interface, one table that maps them."""

from __future__ import annotations

import errno as _errno
from typing import TYPE_CHECKING, Any

from ._codes import Code
from ._ffi import ffi, lib, view_path

if TYPE_CHECKING:
    from ._torrent import Torrent


class TernError(Exception):
    """Something the library refused or could not do. Every exception of it is one.

    Subclasses are also what Python has for the case: a bad value is a `ValueError`, a file that is
    missing a `FileNotFoundError`, and so on.
    """

    code: int
    """A `Code`: what kind of failure."""
    detail: int
    """A finer number below the code, 0 when there is none: a `Detail`, or an option's number."""
    path: str | None
    """The file concerned."""
    torrent_id: int
    """Number of the torrent concerned, 0 when there is none."""
    torrent: Torrent | None
    """The torrent concerned, where the call was about one."""

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        detail: int = 0,
        errno: int = 0,
        path: str | None = None,
        torrent_id: int = 0,
    ) -> None:
        self._start(message, errno, path)
        self.message = message
        self.code = code
        self.detail = detail
        self.path = path
        self.torrent_id = torrent_id
        self.torrent = None

    errno: int | None
    """The system's error number, or None."""

    def _start(self, message: str, errno: int, path: str | None) -> None:
        """What the built-in class wants."""
        Exception.__init__(self, message)
        self.errno = errno or None

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.message, {
            "code": self.code, "detail": self.detail, "errno": self.errno or 0,
            "path": self.path, "torrent_id": self.torrent_id,
        })


def _rebuild(kind: type[TernError], message: str, fields: dict[str, Any]) -> TernError:
    """An exception out of a pickle, without the torrent."""
    return kind(message, **fields)


class InvalidArgument(TernError, ValueError):
    """An argument is not valid: a bad address, text that cannot be encoded."""


class InternalError(TernError, RuntimeError):
    """A defect of the library was caught. The process is fine."""


class ForkedError(TernError, RuntimeError):
    """The session was made by a parent process; sessions do not survive `os.fork`."""


class GoneError(TernError, LookupError):
    """What an object stood for is not there any more."""


class TorrentGone(GoneError):
    """The torrent was removed, or its session closed."""


class RequestGone(GoneError):
    """The request was answered before, or its torrent is gone."""


class ReentrantError(TernError, RuntimeError):
    """Not allowed inside a hook."""


class SessionClosed(TernError, RuntimeError):
    """The session is closing or closed."""


class SystemCallError(TernError, OSError):
    """An exception that is an `OSError`: with `errno`, `strerror` and `filename`."""

    def _start(self, message: str, errno: int, path: str | None) -> None:
        if errno:
            OSError.__init__(self, errno, message)
        else:
            OSError.__init__(self, message)
        self.filename = path


class TimedOut(SystemCallError, TimeoutError):
    """Time is up."""


class UnknownOption(TernError, TypeError):
    """There is no option of this name."""


class RangeError(TernError, ValueError, IndexError):
    """A number or an index is out of its range."""


class OptionTypeError(TernError, TypeError):
    """The option's value has another type."""


class DuplicateTorrent(TernError, ValueError):
    """The session has a torrent with this info-hash already."""


class MetainfoError(TernError, ValueError):
    """The bytes are not a valid `.torrent` file."""


class ResumeError(TernError, ValueError):
    """The bytes are not resume data, or of another torrent."""


class StorageError(SystemCallError):
    """The system refused a file or socket operation: see `errno` and `path`."""


class StorageNotFound(StorageError, FileNotFoundError):
    """The file or directory is not there."""


class StorageDenied(StorageError, PermissionError):
    """The system does not allow it."""


class StorageExists(StorageError, FileExistsError):
    """The file or directory is there already."""


class UnsupportedError(TernError, NotImplementedError):
    """Known, but not something the library does."""


class NotFoundError(TernError, LookupError):
    """Nothing was found."""


class CancelledError(TernError):
    """The host cancelled it."""


class StateError(TernError, RuntimeError):
    """Not possible in the present state."""


class NoMetadata(TernError, RuntimeError):
    """The torrent's metadata is not here yet; `MetadataReceived` says when."""


class MagnetError(TernError, ValueError):
    """Not a valid magnet link, or one that names no torrent."""


class VersionError(TernError, ImportError):
    """The package and the library do not fit together."""


class StateDirInUse(TernError, RuntimeError):
    """Another session, of this process or another one, uses the `state_dir`."""


class StoreError(TernError, RuntimeError):
    """The `state_dir` has a database of another program, or of a newer libtern."""


class BusyError(TernError):
    """Too much is going on: try again later."""


class RefusedError(TernError):
    """A node of the network refused."""


class TrackerError(TernError, RuntimeError):
    """A tracker refused, or gave no answer."""


BY_CODE: dict[Code, type[TernError]] = {
    Code.INVALID: InvalidArgument,
    Code.PANIC: InternalError,
    Code.FORKED: ForkedError,
    Code.GONE: GoneError,
    Code.REENTRANT: ReentrantError,
    Code.CLOSED: SessionClosed,
    Code.TIMEOUT: TimedOut,
    Code.UNKNOWN_OPTION: UnknownOption,
    Code.RANGE: RangeError,
    Code.TYPE: OptionTypeError,
    Code.DUPLICATE: DuplicateTorrent,
    Code.METAINFO: MetainfoError,
    Code.RESUME: ResumeError,
    Code.IO: StorageError,
    Code.UNSUPPORTED: UnsupportedError,
    Code.NOT_FOUND: NotFoundError,
    Code.CANCELLED: CancelledError,
    Code.STATE: StateError,
    Code.VERSION: VersionError,
    Code.IN_USE: StateDirInUse,
    Code.STORE: StoreError,
    Code.NO_METADATA: NoMetadata,
    Code.MAGNET: MagnetError,
    Code.BUSY: BusyError,
    Code.REFUSED: RefusedError,
    Code.TRACKER: TrackerError,
}
"""The class of each code; a code a newer library may add is a plain `TernError`."""

BY_ERRNO: dict[int, type[StorageError]] = {
    _errno.ENOENT: StorageNotFound,
    _errno.EACCES: StorageDenied,
    _errno.EPERM: StorageDenied,
    _errno.EEXIST: StorageExists,
}
"""Finer classes of `StorageError`."""


def from_c(result: int, error: Any) -> TernError:
    """The exception for a failed call. Takes over the error object (which may be NULL)."""
    code = Code(result)
    kind = BY_CODE.get(code, TernError)
    if error == ffi.NULL:
        text = ffi.string(lib.tern_result_text(result)).decode("utf-8", "replace")
        return kind(text, code=code)
    try:
        number = lib.tern_error_errno(error)
        if kind is StorageError:
            kind = BY_ERRNO.get(number, StorageError)
        return kind(
            ffi.string(lib.tern_error_message(error)).decode("utf-8", "replace"),
            code=Code(lib.tern_error_code(error)),
            detail=lib.tern_error_detail(error),
            errno=number,
            path=view_path(lib.tern_error_path(error)) or None,
            torrent_id=lib.tern_error_torrent(error),
        )
    finally:
        lib.tern_error_free(error)

"""Requests: the questions of the two hooks, and their answers.

A hook function gets the request and returns the answer: True (yes), False (no), None (act as if no
hook were set), `Defer(seconds)` (ask again later), or `PENDING` (the answer comes later, by a
method of the request, from any thread). An exception answers FAIL.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ._codes import EventClass, EventKind, Verdict
from ._errors import GoneError, RequestGone, SessionClosed
from ._events import Raw, TorrentEvent
from ._ffi import call, lib, out, view_bytes

if TYPE_CHECKING:
    from ._session import Session


class Pending(enum.Enum):
    """Type of `PENDING`."""

    PENDING = "PENDING"
    """The answer comes later."""


PENDING: Final = Pending.PENDING
"""A hook's answer: the real one comes later, by a method of the request."""


@dataclass(frozen=True, slots=True)
class Defer:
    """A hook's answer: ask again after so many seconds."""

    seconds: float
    """How long to wait at least."""


Answer = bool | Defer | Pending | None
"""What a hook may return."""


@dataclass(frozen=True, slots=True, eq=False)
class Request(TorrentEvent):
    """A question that wants exactly one answer: from any thread, in any order, whenever."""

    token: int
    """The number the library knows it by."""
    session: Session = field(repr=False)
    """The session that asks."""

    def accept(self) -> None:
        """Yes: the piece counts; the resume data is durable."""
        self._complete(Verdict.ACCEPT)

    def reject(self) -> None:
        """No: the piece is fetched again and its senders blamed; the save is tried again later."""
        self._complete(Verdict.REJECT)

    def defer(self, seconds: float) -> None:
        """Ask again after so many seconds."""
        self._complete(Verdict.DEFER, milliseconds(seconds))

    def skip(self) -> None:
        """Act as if no hook were set."""
        self._complete(Verdict.PASS)

    def fail(self, code: int = 0) -> None:
        """The hook is broken: a verifier's torrent stops, a save is reported and tried again."""
        self._complete(Verdict.FAIL, code)

    def answer(self, answer: Answer) -> None:
        """Gives what a hook function would return."""
        self._complete(*verdict(answer))

    def _complete(self, verdict: Verdict, detail: int = 0) -> None:
        try:
            call(lib.tern_request_complete, self.session._live(), self.token, verdict, detail)
        except GoneError as error:
            gone = RequestGone(error.message, code=error.code, torrent_id=error.torrent_id)
            gone.torrent = self.torrent
            raise gone from None

    def _settle(self, verdict: Verdict, detail: int = 0) -> None:
        """As `_complete`; that the hook answered by itself, or all is over, is fine."""
        try:
            self._complete(verdict, detail)
        except (RequestGone, SessionClosed):
            pass


@dataclass(frozen=True, slots=True, eq=False)
class VerifyRequest(Request):
    """May this piece count? Asked after the library's own hash."""

    kind = EventKind.VERIFY_REQUEST
    classes = EventClass.REQUEST
    piece: int
    """Its number."""
    size: int
    """Its bytes."""
    attempt: int
    """How often this piece was asked about, 1 first."""
    engine_ok: bool
    """Whether the library's own hash matched."""
    peers: tuple[str, ...]
    """Addresses of the peers that sent it."""

    @property
    def data(self) -> bytes:
        """The bytes of the piece, a copy made anew: the library's go with the answer."""
        view = out("tern_bytes", lib.tern_request_data, self.session._live(), self.token)
        return view_bytes(view)

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        c = raw.c
        peers = tuple(raw.text.splitlines())
        return c.token, raw.session, c.piece, c.a, c.b, bool(c.code), peers


@dataclass(frozen=True, slots=True, eq=False)
class SaveRequest(Request):
    """Keep this resume data. True says that it is durable: written, synced, in its place."""

    kind = EventKind.SAVE_REQUEST
    classes = EventClass.REQUEST
    generation: int
    """Which generation of the torrent's state."""
    data: memoryview = field(repr=False)
    """The blob to give to `Session.add(resume=...)` next time."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.session, raw.c.generation, raw.data


@dataclass(frozen=True, slots=True, eq=False)
class PeerRequest(Request):
    """May this address be connected to, or let in? Asked while the option `peer_requests` is on.

    See `Session.on_peer`.
    """

    kind = EventKind.PEER_REQUEST
    classes = EventClass.REQUEST
    address: str
    """Whose address."""
    incoming: bool
    """Whether it connected to us."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.session, raw.addr, bool(raw.c.a)


VerifyHook = Callable[[VerifyRequest], "Answer | Awaitable[Answer]"]
"""A function for `on_verify`. Coroutine functions need `libtern.aio`."""
SaveHook = Callable[[SaveRequest], "Answer | Awaitable[Answer]"]
"""A function for `on_save`. Coroutine functions need `libtern.aio`."""
PeerHook = Callable[[PeerRequest], "Answer | Awaitable[Answer]"]
"""A function for `on_peer`. Coroutine functions need `libtern.aio`."""


def milliseconds(seconds: float) -> int:
    """A duration for C."""
    if not 0 <= seconds <= 1 << 32:
        raise ValueError(f"not a duration in seconds: {seconds!r}")
    return round(seconds * 1000)


def verdict(answer: object) -> tuple[Verdict, int]:
    """What an answer is called in C. `PENDING` has no name there."""
    if answer is True:
        return Verdict.ACCEPT, 0
    if answer is False:
        return Verdict.REJECT, 0
    if answer is None:
        return Verdict.PASS, 0
    if isinstance(answer, Defer):
        return Verdict.DEFER, milliseconds(answer.seconds)
    raise TypeError(f"a hook returns True, False, None, Defer or PENDING, not {answer!r}")

"""The session, and the pump that takes events out of it.

Events are taken by whoever calls: no thread of the library ever runs Python code. Taking is what
runs hook functions, so a program with hooks calls `run_once` (or iterates `events`, or attaches
`libtern.aio`) again and again.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
import time
import warnings
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from . import _config, _events
from ._add import TorrentSource, add_builder
from ._codes import Code, EventClass, EventKind, HookMode, Verdict
from ._dht import Dht, DhtHook, DhtRequest
from ._dht_events import DhtQuery
from ._errors import ForkedError, NotFoundError, ReentrantError, SessionClosed
from ._events import NEVER_MASKED, Closed, Dropped, Event, Raw, TorrentRemoved, UnknownEvent
from ._ffi import buffer_arguments, call, ffi, lib, out, owned_bytes, sized
from ._requests import (
    PENDING,
    PeerHook,
    PeerRequest,
    Request,
    SaveHook,
    SaveRequest,
    VerifyHook,
    verdict,
)
from ._structs import Stats, read
from ._torrent import S, Torrent, V, verify_flags

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._codes import LoadPolicy, SaveFlags
    from ._metainfo import StrPath, Trackers
    from ._options import LiveOptions, SessionOptions
    from .aio import Pump

P = TypeVar("P", bound=PeerHook)
_log = logging.getLogger("libtern")
_SLICE_MS = 200
"""Longest single wait in C: a signal that comes just before it is noticed after that."""
_BATCH = 256
"""Events taken at once."""
_forks = 0
"""How often this process is a fork's child."""
_KINDS: dict[int, type[Event]] = {}

Spawn = Callable[[Request, Any], None]
"""What runs a coroutine hook and answers when it is done."""


class Restored(NamedTuple):
    """What `Session.restore` did."""

    torrents: int
    """Torrents added."""
    failed: int
    """Torrents that could not be brought back."""


def _after_fork_in_child() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_after_fork_in_child)


class Session:
    """Torrents, threads, listen sockets, and one queue of events.

    Options are keywords, see `SessionOptions`. Use it in a `with` statement, or in asyncio in an
    `async with` statement: leaving that closes in two phases, so that last saves are handed to the
    save hooks. All methods may be called from every thread. A session does not survive `os.fork`:
    in the child it raises `ForkedError`, so start processes with `spawn` or `forkserver`.
    """

    close_timeout: float | None = 30.0
    """Seconds that leaving a `with` statement waits for last saves; None for ever."""

    def __init__(self, **options: Unpack[SessionOptions]) -> None:
        self._fork = _forks
        self._closed = self._joined = self._asked = True
        self._unsaved = 0
        self._pump_lock = threading.Lock()
        self._pumper = 0
        self._lock = threading.RLock()
        self._woken = False
        self._ready: deque[Event] = deque()
        self._batch = _Batch()
        self._classes = EventClass.DEFAULT
        self._torrents: weakref.WeakValueDictionary[int, Torrent] = weakref.WeakValueDictionary()
        self._verify_hooks: dict[int, VerifyHook] = {}
        self._save_hooks: dict[int, SaveHook] = {}
        self._dht_hook: DhtHook | None = None
        self._peer_hooks: dict[int, PeerHook] = {}
        self._attached: Pump | None = None
        config = _config.build(options)
        self._c = out("tern_session *", lib.tern_session_new, config, free=lib.tern_session_release)
        self._closed = self._joined = self._asked = False

    def _live(self) -> Any:
        """The C handle, in the process that made it."""
        if self._fork != _forks:
            raise ForkedError("sessions do not survive fork", code=Code.FORKED)
        return self._c

    # Torrents.

    def add(
        self,
        torrent: TorrentSource | None = None,
        *,
        info_hash: bytes | None = None,
        merge: bool = False,
        save_path: StrPath,
        resume: bytes | bytearray | memoryview | None = None,
        peers: Iterable[str] = (),
        paused: bool | None = None,
        sequential: bool | None = None,
        preallocate: bool | None = None,
        file_priorities: Sequence[int] | Mapping[int, int] | None = None,
        renames: Mapping[int, StrPath] | None = None,
        trackers: Trackers | None = None,
        download_limit: int | None = None,
        upload_limit: int | None = None,
        save_policy: SaveFlags | None = None,
        save_interval: float | None = None,
        load_policy: LoadPolicy | None = None,
        dht: bool | None = None,
        seed_mode: bool = False,
        on_verify: VerifyHook | None = None,
        verify_override: bool = False,
        on_save: SaveHook | None = None,
    ) -> Torrent:
        """Adds a torrent: a path, the bytes of a `.torrent` file, a `Metainfo`, or a magnet link.

        It may be left out when the resume data embeds it, or with an `info_hash` alone: like that
        of a magnet link, its metadata then comes from peers, and `MetadataReceived` tells. With
        `merge`, a torrent that the session has already gets the trackers, peers and metadata given
        here and is what comes back; nothing else about it changes. Where something is None, the
        resume data decides, then the session's options. `trackers` replaces the torrent's own.
        `resume=b""` starts afresh even if the session has a state directory. `seed_mode` takes
        complete files for good and hashes each piece when it is first asked for. Raises
        `DuplicateTorrent`, `ResumeError`, `MetainfoError`, `MagnetError`, `StorageError`.
        """
        handle = self._live()
        limits = (download_limit, upload_limit)
        builder = add_builder(
            torrent, save_path=save_path, resume=resume, peers=peers, paused=paused,
            sequential=sequential, preallocate=preallocate, file_priorities=file_priorities,
            renames=renames, trackers=trackers,
            limits=None if limits == (None, None) else (download_limit or 0, upload_limit or 0),
            save_policy=save_policy, save_interval=save_interval, load_policy=load_policy, dht=dht,
            info_hash=info_hash, merge=merge,
            seed_mode=seed_mode,
            verified=on_verify is not None, override=verify_override, saved=on_save is not None,
        )
        with self._lock:  # No request is dispatched before its function is known.
            made = out("tern_torrent *", lib.tern_session_add, handle, builder,
                       free=lib.tern_torrent_release)
            added = self._known(made)
            if on_verify is not None:
                self._verify_hooks[added.id] = on_verify
            if on_save is not None:
                self._save_hooks[added.id] = on_save
        return added

    def restore(self) -> Restored:
        """Adds every torrent that was in the last session with this `state_dir`.

        In queue order, with what was saved of it: nothing has to be given again. Torrents that are
        there already stay as they are; those that were removed, and those whose state an `on_save`
        keeps, are not brought back. `RestoreFailed` comes for each that cannot be. Returns when all
        are added; `StateError` without a `state_dir`.
        """
        torrents, failed = ffi.new("uint32_t *"), ffi.new("uint32_t *")
        call(lib.tern_session_restore, self._live(), torrents, failed)
        return Restored(int(torrents[0]), int(failed[0]))

    def queue(self) -> tuple[Torrent, ...]:
        """All torrents in queue order; see `Torrent.queue_position`."""
        return self._list(lib.tern_session_queue)

    def torrents(self) -> tuple[Torrent, ...]:
        """All torrents, in the order they were added."""
        return self._list(lib.tern_session_torrents)

    def _list(self, function: Any) -> tuple[Torrent, ...]:
        handle, length, capacity = self._live(), ffi.new("size_t *"), 0
        while True:
            place = ffi.new("tern_torrent *[]", capacity) if capacity else ffi.NULL
            call(function, handle, place, capacity, length)
            filled = min(capacity, length[0])
            owned = [ffi.gc(place[n], lib.tern_torrent_release) for n in range(filled)]
            if length[0] <= capacity:
                return tuple(self._known(one) for one in owned)
            capacity = length[0]

    def find(self, which: bytes | int) -> Torrent | None:
        """The torrent with this info-hash (20 bytes) or number, if there is one."""
        handle = self._live()
        try:
            if isinstance(which, int):
                found = out("tern_torrent *", lib.tern_session_find_id, handle, which,
                            free=lib.tern_torrent_release)
            else:
                if len(which) != 20:
                    raise ValueError(f"an info-hash has 20 bytes, not {len(which)}")
                found = out("tern_torrent *", lib.tern_session_find, handle, which,
                            free=lib.tern_torrent_release)
        except NotFoundError:
            return None
        return self._known(found)

    def _known(self, owned: Any) -> Torrent:
        """The object of a handle we own: the one we have, or a new one."""
        number = int(lib.tern_torrent_id(owned))
        with self._lock:
            known = self._torrents.get(number)
            if known is None:
                known = self._torrents[number] = Torrent(self, owned)
            return known

    def _torrent_of(self, borrowed: Any) -> Torrent:
        """The object of a handle a batch lends."""
        with self._lock:
            known = self._torrents.get(int(lib.tern_torrent_id(borrowed)))
        if known is not None:
            return known
        return self._known(ffi.gc(lib.tern_torrent_retain(borrowed), lib.tern_torrent_release))

    # The session itself.

    def apply(self, **options: Unpack[LiveOptions]) -> None:
        """Changes live options: all, or with an exception none. `StateError` for others."""
        call(lib.tern_session_apply, self._live(), _config.build(options))

    def options(self) -> SessionOptions:
        """The options in use."""
        config = out("tern_config *", lib.tern_session_take_config, self._live(),
                     free=lib.tern_config_free)
        return _config.values(config)

    def pause(self) -> None:
        """Stops all torrents until `resume`, without changing their own paused state."""
        call(lib.tern_session_pause, self._live())

    def resume(self) -> None:
        """Undoes `pause`."""
        call(lib.tern_session_resume, self._live())

    @property
    def listen_port(self) -> int:
        """The first port the session listens on, 0 when it does not."""
        return int(out("uint16_t", lib.tern_session_listen_port, self._live()))

    def external_addresses(self) -> tuple[str, ...]:
        """Our addresses as the world sees them, IPv4 before IPv6, as far as peers, trackers and the
        DHT told: `ip:port`, with the port the session listens on."""
        text = owned_bytes(lib.tern_session_take_external, self._live())
        return tuple(text.decode().splitlines())

    def stats(self) -> Stats:
        """A snapshot."""
        return read(Stats, sized("tern_stats", lib.tern_session_stats_sized, self._live()))

    @property
    def dht(self) -> Dht:
        """The DHT."""
        return Dht(self)

    def save_state(self) -> bytes:
        """What to keep for the next session without a state directory: what the DHT knows."""
        return owned_bytes(lib.tern_session_take_state, self._live())

    def load_state(self, state: bytes | bytearray | memoryview) -> None:
        """Takes what `save_state` gave, of any session; best right after the start."""
        call(lib.tern_session_load_state, self._live(), *buffer_arguments(state))

    def subscribe(self, classes: EventClass) -> None:
        """Which classes of notices to get. `EventClass.DEFAULT` is all but WIRE."""
        # Removals are always wanted here: hook functions are forgotten with their torrents.
        call(lib.tern_session_subscribe, self._live(), classes | EventClass.TORRENT)
        self._classes = classes

    def on_verify(self, hook: V | None, *, override: bool = False) -> V | None:
        """Sets who is asked about pieces of all torrents without a hook of their own.

        `override` as in `Torrent.on_verify`.
        """
        self._set_hook(lib.tern_session_set_verify_hook, self._verify_hooks, hook,
                       verify_flags(override))
        return hook

    def on_save(self, hook: S | None) -> S | None:
        """Sets who keeps resume data of all torrents without a hook of their own."""
        self._set_hook(lib.tern_session_set_save_hook, self._save_hooks, hook)
        return hook

    def on_peer(self, hook: P | None) -> P | None:
        """Sets who is asked about each address before it is connected to or let in.

        Switches the option `peer_requests`. Not answered within 30 seconds, it is no.
        """
        with self._lock:
            if hook is not None:
                self._peer_hooks[0] = hook
            self.apply(peer_requests=hook is not None)
            if hook is None:
                self._peer_hooks.pop(0, None)
        return hook

    def _set_hook(
        self, function: Any, hooks: dict[int, Any], hook: Any, flags: int = 0
    ) -> None:
        mode = HookMode.NONE if hook is None else HookMode.QUEUED
        handle = self._live()
        with self._lock:
            call(function, handle, mode, flags, ffi.NULL, ffi.NULL, ffi.NULL)
            if hook is None:
                hooks.pop(0, None)
            else:
                hooks[0] = hook

    # The pump.

    def fileno(self) -> int:
        """A descriptor that is readable exactly while events wait (level-triggered).

        For `select`, `poll` or any event loop: when it is readable, call `run_once(0)`. Never read
        from it and never close it.
        """
        number = int(lib.tern_session_event_fd(self._live()))
        if number < 0:
            raise SessionClosed("the session is closed", code=Code.CLOSED)
        return number

    def wake(self) -> None:
        """Ends one `run_once` that waits, from any thread or signal handler."""
        self._woken = True
        lib.tern_session_wake(self._live())

    def run_once(self, timeout: float | None = None) -> list[Event]:
        """Waits until something happened, runs hook functions, gives the events.

        Waits at most `timeout` seconds (None for ever, 0 not at all); the list is empty when time
        is up, `wake` was called, or there were only requests. Signal handlers run meanwhile, so
        Ctrl-C works. Exceptions of hook functions are logged and answered as failures; those that
        are not `Exception`s (KeyboardInterrupt, SystemExit) are raised from here.
        """
        self._live()
        if not self._ready and self._wait(timeout):
            self._pump(_BATCH)
        events: list[Event] = []
        while (event := self._next()) is not None:
            events.append(event)
        return events

    def _next(self) -> Event | None:
        """The oldest event that is ready. Another thread may be faster."""
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def events(self, timeout: float | None = None) -> Events:
        """Pumps and yields events until the session is closed, for `for` and for `async for`.

        Ends before that when no event came for `timeout` seconds, or `wake` was called (which ends
        a `for`; an `async for` is ended by cancelling it).
        """
        return Events(self, timeout)

    def _iterate(self, timeout: float | None) -> Iterator[Event]:
        """The events of a `for`."""
        while True:
            deadline = None if timeout is None else time.monotonic() + timeout
            while (event := self._next()) is None:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if self._closed or not self._wait(left):
                    return
                self._pump(_BATCH)
            yield event

    def _wait(self, timeout: float | None) -> bool:
        """Waits in slices until events wait; False when time is up or `wake` was called."""
        if self._batch.box[0]:
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE_MS
            if deadline is not None:
                left = min(left, max(0, round((deadline - time.monotonic()) * 1000)))
            if call(lib.tern_session_wait, self._live(), left):
                return True
            if self._woken:
                self._woken = False
                return False
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def _pump(self, limit: int, spawn: Spawn | None = None) -> int:
        """Takes a batch and deals with it; how many events it had.

        What an exception interrupts is done by the next call: the batch stays, with the number of
        the first event that is not dealt with.
        """
        handle = self._live()
        self._not_in_a_hook()
        with self._pump_lock:
            self._pumper = threading.get_ident()
            try:
                batch = self._batch
                if not batch.box[0]:
                    call(lib.tern_session_take, handle, limit, batch.box)
                count = int(lib.tern_batch_len(batch.box[0]))
                while batch.at < count:
                    self._event(batch, spawn)
                    batch.at += 1
                self._batch = _Batch()
                return count
            finally:
                self._pumper = 0

    def _not_in_a_hook(self) -> None:
        """Hook functions cannot pump: they run inside a pump."""
        if self._pumper == threading.get_ident():
            raise ReentrantError("not inside a hook function", code=Code.REENTRANT)

    def _event(self, batch: _Batch, spawn: Spawn | None) -> None:
        """Deals with one event: notices are queued, requests answered."""
        c = batch.next()
        answers = c.token and c.event_class & EventClass.DHT
        if not (c.event_class & self._classes or c.kind in NEVER_MASKED or answers):
            if c.kind == EventKind.REMOVED:
                self._forget(int(c.torrent_id))
            return
        kind = _kinds().get(c.kind, UnknownEvent)
        event = kind._read(Raw(self, c, batch.box))
        if isinstance(event, DhtQuery) and event.token:
            self._run_hook(self._dht_hook, DhtRequest.of(self, event), spawn)
            return
        if isinstance(event, Request):
            self._ask(event, spawn)
            return
        if isinstance(event, TorrentRemoved):
            self._forget(event.torrent.id)
        elif isinstance(event, Dropped):
            self._sweep()
        elif isinstance(event, Closed):
            self._closed, self._unsaved = True, event.unsaved
        self._ready.append(event)

    def _ask(self, request: Request, spawn: Spawn | None) -> None:
        """Runs the hook function of a request and answers."""
        hooks: Mapping[int, Any] = self._verify_hooks
        if isinstance(request, SaveRequest):
            hooks = self._save_hooks
        elif isinstance(request, PeerRequest):
            hooks = self._peer_hooks
        with self._lock:
            hook = hooks.get(request.torrent.id) or hooks.get(0)
        self._run_hook(hook, request, spawn)

    def _run_hook(
        self, hook: Callable[[Any], Any] | None, request: Request, spawn: Spawn | None
    ) -> None:
        if hook is None:
            request._settle(Verdict.PASS)
            return
        try:
            answer = hook(request)
            if inspect.isawaitable(answer):
                if spawn is None:
                    if inspect.iscoroutine(answer):
                        answer.close()
                    raise TypeError(
                        "hooks that are coroutine functions need a loop: `async with session`"
                        " (libtern.aio)"
                    )
                spawn(request, answer)
            elif answer is not PENDING:
                request._settle(*verdict(answer))
        except BaseException as error:
            self._failed(request, error)
            if not isinstance(error, Exception):
                raise

    def _failed(self, request: Request, error: BaseException) -> None:
        """A hook function raised: FAIL, with an errno where there is one.

        What is raised again by the pump (Ctrl-C, exit) is its caller's to report.
        """
        if isinstance(error, Exception):
            _log.error("the hook failed for %r", request, exc_info=error)
        request._settle(Verdict.FAIL, getattr(error, "errno", None) or 0)

    def _forget(self, number: int) -> None:
        """Drops the hook functions of a torrent that is gone."""
        self._verify_hooks.pop(number, None)
        self._save_hooks.pop(number, None)

    def _sweep(self) -> None:
        """After dropped notices: a removal may have been among them."""
        for number in {*self._verify_hooks, *self._save_hooks} - {0}:
            if self.find(number) is None:
                self._forget(number)

    # The end.

    @property
    def closed(self) -> bool:
        """Whether the session is closed."""
        return self._closed

    def close(self, timeout: float | None = None) -> int:
        """Closes in two phases and pumps meanwhile; how many saves were not answered.

        Stops the network, flushes files, runs save hooks a last time, and waits until all is
        answered, at most `timeout` seconds (None for ever). 0 means that everything is saved. When
        time is up the session goes on closing, and `close` may be called again. Events that come
        meanwhile are left for `run_once` and `events`.
        """
        handle = self._live()
        self._not_in_a_hook()
        if self._joined:
            return self._unsaved
        deadline = None if timeout is None else time.monotonic() + timeout
        self._begin_close(handle)
        while not self._closed:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return self._finish(0)
            # Another pump may take the last event: look again after a while.
            if self._wait(_SLICE_MS / 1000 if left is None else min(left, _SLICE_MS / 1000)):
                self._pump(_BATCH)
        return self._finish(-1)

    def _begin_close(self, handle: Any) -> None:
        self._asked = True
        if not self._closed:
            call(lib.tern_session_close_begin, handle)

    def _finish(self, timeout_ms: int) -> int:
        """Joins the threads, or asks what is still to do."""
        unsaved = ffi.new("uint32_t *")
        try:
            call(lib.tern_session_close, self._live(), timeout_ms, unsaved)
        except TimeoutError:
            return int(unsaved[0])
        self._closed = self._joined = True
        return self._unsaved

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._fork != _forks:
            return
        unsaved = self.close(self.close_timeout)
        if unsaved:
            _log.warning("closed with %d saves unanswered", unsaved)

    async def __aenter__(self) -> Session:
        from .aio import attach

        self._attached = await attach(self).__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pump, self._attached = self._attached, None
        if pump is not None and self._fork == _forks:
            await pump.__aexit__(kind, error, traceback)

    def __del__(self) -> None:
        # Releasing is done with the handle; it loses only what no save hook accepted.
        if not self._asked and self._fork == _forks:
            warnings.warn(f"unclosed session {self!r}", ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "forked" if self._fork != _forks else "open"
        return f"<Session {state} at {id(self):#x}>"


class Events:
    """What `Session.events` gives: to be iterated, in asyncio or without it."""

    __slots__ = ("_session", "_source", "_timeout")

    def __init__(self, session: Session, timeout: float | None) -> None:
        """Internal: use `Session.events`."""
        self._session = session
        self._timeout = timeout
        self._source: Iterator[Event] | None = None

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        if self._source is None:
            self._source = self._session._iterate(self._timeout)
        return next(self._source)

    def __aiter__(self) -> AsyncIterator[Event]:
        from .aio import iterate

        return iterate(self._session, self._session._attached, self._timeout)

    def __repr__(self) -> str:
        return f"<Events of {self._session!r}>"


def _free_box(box: Any) -> None:
    lib.tern_batch_free(box[0])


class _Batch:
    """A batch of events, or the place for one.

    C fills the box itself, so that no exception (Ctrl-C comes anywhere) can lose a batch between
    the call and an assignment. Views of the events keep the box.
    """

    __slots__ = ("at", "box")

    def __init__(self) -> None:
        self.box = ffi.gc(ffi.new("tern_batch **"), _free_box)
        self.at = 0

    def next(self) -> Any:
        """The first event that is not dealt with."""
        event = ffi.new("tern_event *")
        lib.tern_batch_get_sized(self.box[0], self.at, event, ffi.sizeof("tern_event"))
        return event


def _kinds() -> dict[int, type[Event]]:
    """The classes of the kinds, collected once."""
    if not _KINDS:
        _KINDS.update(_events.kinds())
    return _KINDS

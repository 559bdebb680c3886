"""libtern in asyncio: the session's descriptor in the running loop, hooks that may be coroutines.

    async with libtern.Session() as session:
        async for event in session.events():
            ...

is short for

    async with aio.attach(session) as pump:
        async for event in pump.events():
            ...

Works with every loop that has `add_reader`. The descriptor is level-triggered: a batch is taken per
turn of the loop, and the loop comes back while there is more.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Any

from ._codes import EventClass, Verdict
from ._errors import SessionClosed
from ._events import Dropped, Event
from ._requests import PENDING, Request, verdict
from ._session import Session

BATCH = 64
"""Events taken per turn of the loop."""


def attach(session: Session, *, close: bool = True, backlog: int = 10_000) -> Pump:
    """Pumps a session in the running loop, inside an `async with` statement.

    Leaving the statement closes the session in two phases unless `close` is false, waiting for its
    `close_timeout`. Events nobody fetched are kept up to `backlog`; of more the oldest are dropped,
    and a `Dropped` event stands where the gap is. Requests never drop.
    """
    return Pump(session, close=close, backlog=backlog)


class Pump:
    """A session in a loop. Made by `attach`."""

    def __init__(self, session: Session, *, close: bool, backlog: int) -> None:
        if backlog < 1:
            raise ValueError(f"backlog is at least 1, not {backlog}")
        self.session = session
        self._close = close
        self._backlog = backlog
        self._loop: asyncio.AbstractEventLoop | None = None
        self._descriptor = -1
        self._ready: deque[Event] = deque()
        self._lost = 0
        self._lost_classes = EventClass.NONE
        self._news = asyncio.Event()
        self._ended = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Pump:
        self._loop = asyncio.get_running_loop()
        self._descriptor = self.session.fileno()
        self._loop.add_reader(self._descriptor, self._readable)
        self._collect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._close:
                await self.aclose(self.session.close_timeout)
        finally:
            await self.detach()

    def _readable(self) -> None:
        """The descriptor says that events wait."""
        try:
            self.session._pump(BATCH, self._spawn)
        except SessionClosed:
            self._end()
        finally:
            self._collect()

    def _collect(self) -> None:
        """Moves events from the session to our backlog."""
        source = self.session._ready
        while source:
            self._ready.append(source.popleft())
            if len(self._ready) > self._backlog:
                lost = self._ready.popleft()
                self._lost += lost.count if isinstance(lost, Dropped) else 1
                self._lost_classes |= getattr(lost, "classes", EventClass.NONE)
        if self.session.closed:
            self._end()
        self._news.set()

    def _end(self) -> None:
        """No more events will come."""
        self._ended = True
        if self._loop is not None and self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            self._descriptor = -1
        self._news.set()

    def _spawn(self, request: Request, answer: Awaitable[Any]) -> None:
        """Runs a hook that is a coroutine function; it answers when it is done."""
        task = asyncio.ensure_future(self._answer(request, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, answer: Awaitable[Any]) -> None:
        try:
            given = await answer
            if given is not PENDING:
                request._settle(*verdict(given))
        except asyncio.CancelledError:
            request._settle(Verdict.FAIL)
            raise
        except BaseException as error:
            self.session._failed(request, error)
            if not isinstance(error, Exception):
                raise

    async def events(self, timeout: float | None = None) -> AsyncIterator[Event]:
        """Yields events until the session is closed or the pump detached.

        Ends before that when no event came for `timeout` seconds. Several may iterate: each event
        goes to one of them.
        """
        while True:
            while self._lost or self._ready:
                if self._lost:
                    yield self._gap()
                else:
                    yield self._ready.popleft()
            if self._ended:
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except asyncio.TimeoutError:
                return

    def _gap(self) -> Dropped:
        """Says what the backlog could not hold."""
        gap = Dropped(self._lost, self._lost_classes,
                      time_ms=time.time_ns() // 1_000_000, torrent=None)
        self._lost, self._lost_classes = 0, EventClass.NONE
        return gap

    async def aclose(self, timeout: float | None = None) -> int:
        """Closes the session as `Session.close` does, while the loop runs hooks and all else."""
        session = self.session
        if not session.closed:
            session._begin_close(session._live())
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._until_ended(), timeout)
        if session.closed:
            # Only joins threads that have nothing left to do.
            return await asyncio.get_running_loop().run_in_executor(None, session.close)
        return session._finish(0)

    async def _until_ended(self) -> None:
        while not self.session.closed and not self._ended:
            self._news.clear()
            await self._news.wait()

    async def detach(self) -> None:
        """Leaves the loop. Hooks that still run are cancelled and answer FAIL."""
        self._end()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def iterate(
    session: Session, pump: Pump | None, timeout: float | None
) -> AsyncIterator[Event]:
    """The events of an `async for` over `Session.events`.

    With the pump of an `async with session`, or one of its own for as long as it runs, which leaves
    the session open.
    """
    if pump is not None:
        async for event in pump.events(timeout):
            yield event
        return
    async with attach(session, close=False) as pump:
        async for event in pump.events(timeout):
            yield event


__all__ = ["BATCH", "Pump", "attach", "iterate"]

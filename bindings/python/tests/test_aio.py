"""The session in an asyncio loop."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

import libtern
from conftest import GUARD, PIECE, Place, tree
from libtern import PENDING, Session, aio


def options() -> Any:
    """A session on loopback."""
    return {"listen": "127.0.0.1:0", "trackers_enabled": False}


def test_transfer_with_coroutine_hooks(place: Place) -> None:
    _, source, metainfo, address = place.seed(100 * PIECE)
    target = place.directory()
    kept: list[bytes] = []
    verified: list[int] = []
    running = most = 0

    async def on_verify(request: libtern.VerifyRequest) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        verified.append(request.piece)
        return True

    async def on_save(request: libtern.SaveRequest) -> bool:
        await asyncio.sleep(0)
        kept.append(bytes(request.data))
        return True

    async def main() -> libtern.Status:
        session = Session(**options())
        session.close_timeout = GUARD
        async with aio.attach(session) as pump:
            torrent = session.add(metainfo, save_path=target, peers=[address],
                                  on_verify=on_verify, on_save=on_save)
            async for event in pump.events():
                assert threading.current_thread() is threading.main_thread()
                if isinstance(event, libtern.Finished):
                    break
            status = torrent.status()
        assert session.closed
        return status

    status = asyncio.run(main())
    assert status.is_finished and tree(target) == tree(source)
    assert sorted(verified) == list(range(100)) and most > 1
    assert kept and kept[-1][:1] == b"d"


def test_events_end_with_the_session(place: Place) -> None:
    base, metainfo = place.content(10 * PIECE)

    async def main() -> list[libtern.Event]:
        session = Session(**options())
        events: list[libtern.Event] = []
        async with aio.attach(session) as pump:
            session.add(metainfo, save_path=base)

            async def collect() -> None:
                async for event in pump.events():
                    events.append(event)
                    if isinstance(event, libtern.Checked):
                        assert await pump.aclose(GUARD) == 0

            await collect()
        assert await asyncio.get_running_loop().run_in_executor(None, session.close) == 0
        return events

    events = asyncio.run(main())
    assert isinstance(events[-1], libtern.Closed)
    assert len([event for event in events if isinstance(event, libtern.PiecePassed)]) == 10


def test_failing_coroutine_hook(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    _, _, metainfo, address = place.seed(PIECE)

    async def on_verify(request: libtern.VerifyRequest) -> bool:
        await asyncio.sleep(0)
        raise ValueError("no opinion")

    async def main() -> None:
        async with aio.attach(Session(**options())) as pump:
            pump.session.add(metainfo, save_path=place.directory(), peers=[address],
                             on_verify=on_verify)
            async for event in pump.events():
                if isinstance(event, libtern.VerifierFailed):
                    return

    asyncio.run(main())
    assert "no opinion" in caplog.text


def test_coroutine_hooks_need_a_loop(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    base, metainfo = place.content(PIECE)
    session = place.session(listen="")
    session.close_timeout = 0.1
    events: list[libtern.Event] = []

    async def on_save(request: libtern.SaveRequest) -> bool:
        return True

    torrent = session.add(metainfo, save_path=base, on_save=on_save)
    while not any(isinstance(event, libtern.SaveFailed) for event in events):
        events += session.run_once(GUARD)
    assert "async with session" in caplog.text
    torrent.on_save(lambda request: True)


def test_detaching_leaves_the_session_open(place: Place) -> None:
    base, metainfo = place.content(PIECE)
    started: list[libtern.SaveRequest] = []
    cancelled: list[bool] = []

    async def on_save(request: libtern.SaveRequest) -> libtern.Answer:
        started.append(request)
        if len(started) > 1:
            return True
        try:
            await asyncio.sleep(GUARD)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return PENDING

    session = place.session(listen="")

    async def main() -> None:
        async with aio.attach(session, close=False) as pump:
            session.add(metainfo, save_path=base, on_save=on_save)
            while not started:
                await asyncio.sleep(0.01)
        assert not session.closed and cancelled == [True]
        assert [event async for event in pump.events()]

    asyncio.run(main())
    session.torrents()[0].on_save(lambda request: True)
    while not any(isinstance(event, libtern.Saved) for event in session.run_once(GUARD)):
        pass


def test_cancelling_the_consumer(place: Place) -> None:
    async def main() -> None:
        session = Session(**options())
        with pytest.raises(asyncio.TimeoutError):
            async with aio.attach(session) as pump:
                async def forever() -> None:
                    async for _ in pump.events():
                        pass

                await asyncio.wait_for(forever(), 0.05)
        assert session.closed

    asyncio.run(main())


def test_bounded_backlog(place: Place) -> None:
    base, metainfo = place.content(50 * PIECE)

    async def main() -> list[libtern.Event]:
        session = Session(**options())
        async with aio.attach(session, backlog=10) as pump:
            torrent = session.add(metainfo, save_path=base)
            while session.stats().queued_events or torrent.status().pieces_have < 50:
                await asyncio.sleep(0.01)
            await pump.aclose(GUARD)
            return [event async for event in pump.events()]

    events = asyncio.run(main())
    dropped = events[0]
    assert isinstance(dropped, libtern.Dropped) and dropped.count >= 40
    assert dropped.lost & libtern.EventClass.PIECE
    assert len(events) == 11 and isinstance(events[-1], libtern.Closed)


def test_two_sessions_in_one_loop(place: Place) -> None:
    base, metainfo = place.content(20 * PIECE)
    target = place.directory()

    async def main() -> None:
        async with aio.attach(Session(**options())) as one, aio.attach(Session(**options())) as two:
            one.session.add(metainfo, save_path=base)
            torrent = two.session.add(metainfo, save_path=target)
            torrent.add_peer(f"127.0.0.1:{one.session.listen_port}")
            async for event in two.events():
                if isinstance(event, libtern.Finished):
                    break

    asyncio.run(main())
    assert tree(target) == tree(base)
    gc.collect()


def test_async_with_a_session(place: Place) -> None:
    """The short way: the session itself in `async with`, its events in `async for`."""
    _, source, metainfo, address = place.seed(30 * PIECE)
    target = place.directory()
    saved = 0

    async def on_save(request: libtern.SaveRequest) -> bool:
        nonlocal saved
        await asyncio.sleep(0)
        saved += 1
        return True

    async def main() -> list[str]:
        names = []
        session = Session(**options())
        session.close_timeout = GUARD
        async with session:
            session.add(metainfo, save_path=target, peers=[address], on_save=on_save)
            async for event in session.events(GUARD):
                names.append(type(event).__name__)
                if isinstance(event, libtern.Finished):
                    break
        assert session.closed
        return names

    names = asyncio.run(main())
    assert "PiecePassed" in names and names[-1] == "Finished"
    assert tree(target) == tree(source) and saved > 0


def test_async_for_without_async_with(place: Place) -> None:
    """Attached for the time of the loop; the session stays open, and a timeout ends it."""
    base, metainfo = place.content(5 * PIECE)
    session = place.session()

    async def main() -> list[libtern.Event]:
        session.add(metainfo, save_path=base)
        found = []
        async for event in session.events(0.5):
            found.append(event)
        return found

    found = asyncio.run(main())
    assert any(isinstance(event, libtern.Checked) for event in found)
    assert not session.closed and session.run_once(0) == []
    assert "open" in repr(session.events())

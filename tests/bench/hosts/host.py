"""What it costs to be a Python host: the measuring modes of host.c, see there; run.py runs it.

    host.py verify none|sync|asyncio TORRENT DIR PORT
    host.py events TORRENT DIR ROUNDS
    host.py memory COUNT
    host.py cycles COUNT
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import libtern

OPTIONS: dict[str, Any] = {
    "listen": "127.0.0.1:0", "trackers_enabled": False, "event_queue_len": 1_000_000,
}


def anonymous() -> int:
    """Anonymous memory in bytes."""
    gc.collect()
    found = re.search(r"RssAnon:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def until(session: libtern.Session, wanted: type[libtern.Event]) -> int:
    """Takes events until one of this class came; how many there were."""
    count = 0
    for event in session.events():
        count += 1
        if isinstance(event, wanted):
            return count
    raise SystemExit("host.py: the session ended")


def verify(mode: str, torrent: str, directory: str, port: str) -> dict[str, Any]:
    """A download with a hook that does as little as it can."""
    asked = 0

    def hook(request: libtern.VerifyRequest) -> bool:
        nonlocal asked
        asked += 1
        return request.engine_ok

    async def coroutine(request: libtern.VerifyRequest) -> bool:
        nonlocal asked
        asked += 1
        return request.engine_ok

    arguments: dict[str, Any] = {"save_path": directory, "peers": [f"127.0.0.1:{port}"]}
    cpu, begin = time.thread_time(), time.monotonic()
    took = 0.0
    events = size = 0
    if mode == "asyncio":
        async def main() -> None:
            nonlocal events, took, size
            async with libtern.Session(**OPTIONS) as session:
                made = session.add(torrent, on_verify=coroutine, **arguments)
                async for event in session.events():
                    events += 1
                    if isinstance(event, libtern.Finished):
                        break
                took, size = time.monotonic() - begin, made.status().total_size

        asyncio.run(main())
    else:
        with libtern.Session(**OPTIONS) as session:
            made = session.add(torrent, on_verify=hook if mode == "sync" else None, **arguments)
            events = until(session, libtern.Finished)
            took, size = time.monotonic() - begin, made.status().total_size
    return {"seconds": took, "bytes": size, "host_cpu": time.thread_time() - cpu, "hook_cpu": 0,
            "events": events, "asked": asked}


def measure_events(torrent: str, directory: str, rounds: int) -> dict[str, Any]:
    """What checks say, taken when all of it waits."""
    count, took, cpu = 0, 0.0, 0.0
    with libtern.Session(**OPTIONS) as session:
        for _ in range(rounds):
            made = session.add(torrent, save_path=directory)
            while made.status().state is not libtern.State.SEEDING:
                time.sleep(0.02)
            begin, before = time.monotonic(), time.thread_time()
            count += until(session, libtern.Finished)
            took += time.monotonic() - begin
            cpu += time.thread_time() - before
            made.remove()
            until(session, libtern.TorrentRemoved)
    return {"seconds": took, "cpu": cpu, "events": count}


def tiny(session: libtern.Session, number: int) -> libtern.Torrent:
    """A torrent of one byte that is not there, by number."""
    name = f"t{number}"
    named = f"4:name{len(name)}:{name}"
    text = f"d4:infod6:lengthi1e{named}12:piece lengthi16384e6:pieces20:{'x':<20}ee"
    return session.add(text.encode(), save_path="/nonexistent", paused=True)


def memory(count: int) -> dict[str, Any]:
    """Objects of torrents that are there anyway."""
    with libtern.Session(**OPTIONS) as session:
        for number in range(count):
            tiny(session, number)
            if number % 100 == 0:
                session.run_once(0)
        session.run_once(0)
        held = session.torrents()
        del held
        before = anonymous()
        held = session.torrents()
        after = anonymous()
        assert len(held) == count
        return {"count": count, "bytes": after - before}


def cycles(count: int) -> dict[str, Any]:
    """Adds and removes, a hundred at once."""
    at_once = 100
    warm, before, begin = count // 5, 0, time.monotonic()
    with libtern.Session(**OPTIONS) as session:
        for number in range(0, count + warm, at_once):
            if number == warm:
                before = anonymous()
            made = [tiny(session, number + more) for more in range(at_once)]
            for torrent in made:
                torrent.remove()
            left = at_once
            while left:
                events = session.run_once()
                left -= sum(isinstance(event, libtern.TorrentRemoved) for event in events)
            del made, events, torrent
        grown = anonymous() - before
    return {"count": count, "grown": grown, "seconds": time.monotonic() - begin}


def main() -> None:
    """Prints one JSON line."""
    mode, *rest = sys.argv[1:]
    if mode == "verify":
        result = verify(*rest)
    elif mode == "events":
        result = measure_events(rest[0], rest[1], int(rest[2]))
    elif mode == "memory":
        result = memory(int(rest[0]))
    else:
        result = cycles(int(rest[0]))
    print(json.dumps(result))


if __name__ == "__main__":
    main()

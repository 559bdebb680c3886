"""What the tests share: small sessions on loopback, content, and waiting for what must happen.

Nothing here measures time. `GUARD` only turns a hang into a failure.
"""

from __future__ import annotations

import faulthandler
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import libtern

GUARD = 60.0
PIECE = 16384

# Started in the background of a script, everything begins with SIGINT ignored: programs started
# here are to meet it as in a terminal.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_test_waits_for_ever() -> Iterator[None]:
    """Whatever waits in a test without a limit of its own: where, and the end."""
    faulthandler.dump_traceback_later(6 * GUARD, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def pytest_report_header() -> str:
    """Which library is tested."""
    return f"libtern {libtern.library_version()}: {libtern.LIBRARY_PATH}"


class Place:
    """Sessions that are closed at the end, and directories for them."""

    def __init__(self, top: Path, stack: ExitStack) -> None:
        self.top = top
        self.stack = stack
        self.count = 0

    def session(self, **options: Any) -> libtern.Session:
        """A session on loopback, without trackers unless asked for."""
        # Sessions of other tests have the same torrents: nobody finds anybody by multicast.
        options.setdefault("lsd", False)
        chosen: Any = {"listen": "127.0.0.1:0", "trackers_enabled": False, **options}
        session = libtern.Session(**chosen)
        session.close_timeout = GUARD
        return self.stack.enter_context(session)

    def directory(self) -> Path:
        """A new one."""
        self.count += 1
        path = self.top / f"d{self.count}"
        path.mkdir()
        return path

    def content(self, *sizes: int, seed: int = 1) -> tuple[Path, bytes]:
        """A directory with files of these sizes, and the torrent of it."""
        source = random.Random(seed)
        base = self.directory()
        top = base / "tree"
        for number, size in enumerate(sizes):
            file = top / f"sub{number % 2}" / f"file{number}.bin"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(source.randbytes(size))
        return base, libtern.create_torrent(top, piece_length=PIECE)

    def seed(self, *sizes: int, **options: Any) -> tuple[libtern.Torrent, Path, bytes, str]:
        """A seeding torrent, its directory, its `.torrent` file and its address."""
        base, metainfo = self.content(*sizes)
        session = self.session(**options)
        torrent = session.add(metainfo, save_path=base)
        until(session, libtern.Checked)
        assert torrent.status().state is libtern.State.SEEDING
        return torrent, base, metainfo, f"127.0.0.1:{session.listen_port}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """See `Place`."""
    with ExitStack() as stack:
        yield Place(tmp_path, stack)


def until(
    session: libtern.Session,
    wanted: type[libtern.Event] | Callable[[], object],
    events: list[libtern.Event] | None = None,
) -> libtern.Event:
    """Pumps until an event of a class came, or something is true; gives the last event.

    Events met on the way are appended to `events`.
    """
    last: libtern.Event | None = None
    seen = [] if events is None else events
    if not isinstance(wanted, type) and wanted():
        return libtern.TorrentAdded("", time_ms=0, torrent=None)  # type: ignore[arg-type]
    for event in session.events(GUARD):
        last = event
        seen.append(event)
        if isinstance(wanted, type):
            if isinstance(event, wanted):
                return event
        elif wanted():
            return event
    raise AssertionError(f"{wanted} did not come; last: {last}")


def tree(path: Path) -> dict[str, bytes]:
    """Every file below a directory."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}



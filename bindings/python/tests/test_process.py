"""The process around us: kills, Ctrl-C, forks, interpreter exit."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from conftest import GUARD, PIECE, Place, tree

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"


STARTED: list[subprocess.Popen[str]] = []
LIMITS: list[threading.Timer] = []


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Ends what a failing test leaves."""
    yield
    while LIMITS:
        LIMITS.pop().cancel()
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.wait()
        lines(process).close()


def start(*arguments: object) -> subprocess.Popen[str]:
    """A Python program under way. It is ended after a while, so that reading from it ends too."""
    process = subprocess.Popen(
        [sys.executable, "-u", *map(str, arguments)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    STARTED.append(process)
    limit = threading.Timer(3 * GUARD, process.kill)
    limit.daemon = True
    limit.start()
    LIMITS.append(limit)
    return process


def program(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python program given as text."""
    return start("-c", textwrap.dedent(code), *arguments)


def lines(process: subprocess.Popen[str]) -> IO[str]:
    """Its output."""
    assert process.stdout is not None
    return process.stdout


def run(code: str, *arguments: object) -> str:
    """A program's output, when it ends well."""
    process = program(code, *arguments)
    said, _ = process.communicate(timeout=GUARD)
    assert process.returncode == 0, said
    return said


def test_resume_after_sigkill(place: Place) -> None:
    pieces = 60
    seed, source, metainfo, address = place.seed(
        (pieces - 1) * PIECE + 7, upload_limit=20 * PIECE
    )
    torrent_file, target = place.top / "x.torrent", place.directory()
    torrent_file.write_bytes(metainfo)
    state = place.top / "x.resume"
    command = [EXAMPLES / "resume.py", torrent_file, target, state, address]
    first = start(*command)
    assert next(lines(first)) == f"restored 0 pieces, hashed 0, of {pieces}\n"
    had = 0
    for line in lines(first):
        word, number, *_ = line.split()
        assert word == "have"
        had = int(number)
        if had >= pieces // 3:
            break
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    blob, mark = state.read_bytes(), b"6:pieces%d:" % pieces
    saved = blob[blob.index(mark) + len(mark) :][:pieces].count(b"\x01")
    assert 0 < had and 0 < saved
    seed.session.apply(upload_limit=0)
    second = start(*command)
    said, _ = second.communicate(timeout=GUARD)
    assert second.returncode == 0, said
    restored, hashed = (int(word) for word in said.split("\n")[0].replace(",", "").split()[1:5:3])
    assert restored == saved and restored + hashed <= pieces
    assert said.splitlines()[-1] == "complete"
    assert tree(target) == tree(source)
    third = start(*command)
    said, _ = third.communicate(timeout=GUARD)
    assert said.splitlines() == [f"restored {pieces} pieces, hashed 0, of {pieces}", "complete"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_example_saves_when_interrupted(place: Place, number: signal.Signals) -> None:
    _, _, metainfo, address = place.seed(60 * PIECE, upload_limit=20 * PIECE)
    torrent_file, state = place.top / "x.torrent", place.top / "x.resume"
    torrent_file.write_bytes(metainfo)
    process = start(EXAMPLES / "resume.py", torrent_file, place.directory(), state, address)
    for line in lines(process):
        if line.startswith("have") and int(line.split()[1]) >= 5:
            break
    process.send_signal(number)
    said, _ = process.communicate(timeout=GUARD)
    assert process.returncode == 130, said
    assert "Traceback" not in said and state.read_bytes()[:1] == b"d"


def test_example_failures(place: Place) -> None:
    process = start(EXAMPLES / "resume.py", "missing.torrent", place.top, place.top / "r")
    said, _ = process.communicate(timeout=GUARD)
    assert process.returncode == 1 and "missing.torrent" in said and "Traceback" not in said
    process = start(EXAMPLES / "resume.py")
    said, _ = process.communicate(timeout=GUARD)
    assert process.returncode == 1 and "usage" in said


def test_ctrl_c_while_waiting() -> None:
    process = program("""
        import libtern
        with libtern.Session(listen="") as session:
            print("waiting")
            try:
                session.run_once()
            except KeyboardInterrupt:
                print("interrupted", session.closed)
        print("closed", session.closed)
    """)
    assert next(lines(process)) == "waiting\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=GUARD)
    assert said == "interrupted False\nclosed True\n" and process.returncode == 0


def test_signal_handlers_run_while_waiting() -> None:
    process = program("""
        import libtern, signal
        with libtern.Session(listen="") as session:
            signal.signal(signal.SIGUSR1, lambda *_: (print("handled"), session.wake()))
            print("waiting")
            print(session.run_once())
    """)
    assert next(lines(process)) == "waiting\n"
    process.send_signal(signal.SIGUSR1)
    said, _ = process.communicate(timeout=GUARD)
    assert said == "handled\n[]\n" and process.returncode == 0


def test_fork_is_refused(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    (place.top / "x.torrent").write_bytes(metainfo)
    said = run("""
        import gc, os, sys, warnings
        warnings.simplefilter("error")
        import libtern
        with libtern.Session(listen="") as session:
            torrent = session.add(sys.argv[1], save_path=sys.argv[2])
            metainfo = torrent.metainfo
            event = next(session.events())
            child = os.fork()
            if child == 0:
                refused = 0
                for function in (session.stats, session.run_once, torrent.status, torrent.pause,
                                 session.close, session.fileno, session.torrents):
                    try:
                        function()
                    except libtern.ForkedError as error:
                        assert error.code is libtern.Code.FORKED
                        refused += 1
                assert refused == 7 and "forked" in repr(session)
                assert metainfo.piece_count == 3 and torrent.info_hash
                with session:
                    pass
                del session, torrent, event
                gc.collect()
                print("child", refused, flush=True)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
            assert session.stats().torrents == 1
            for event in session.events():
                if isinstance(event, libtern.Finished):
                    break
        print("parent", session.closed)
    """, place.top / "x.torrent", base)
    assert said == "child 7\nparent True\n"


def test_fork_while_another_thread_pumps() -> None:
    said = run("""
        import os, threading, libtern, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        session = libtern.Session(listen="")
        thread = threading.Thread(target=lambda: list(session.events()))
        thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                try:
                    session.run_once(0)
                except libtern.ForkedError:
                    os._exit(7)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        session.close()
        session.wake()
        thread.join()
        print("done")
    """)
    assert said == "done\n"


@pytest.mark.parametrize("end", ["pass", "sys.exit()", "os._exit(0)", "del session"])
def test_exit_without_closing(place: Place, end: str) -> None:
    base, metainfo = place.content(20 * PIECE)
    (place.top / "x.torrent").write_bytes(metainfo)
    said = run(f"""
        import os, sys, threading, libtern
        session = libtern.Session(listen="127.0.0.1:0")
        torrent = session.add(sys.argv[1], save_path=sys.argv[2], on_save=lambda request: True)
        event = session.run_once()
        threading.Thread(target=session.run_once, daemon=True).start()
        print("end", flush=True)
        {end}
    """, place.top / "x.torrent", base)
    assert said == "end\n"


def test_broken_pipes_do_not_kill(place: Place) -> None:
    """A host that set SIGPIPE back to its default survives peers that vanish."""
    _, _, metainfo, address = place.seed(40 * PIECE, upload_limit=4 * PIECE)
    (place.top / "x.torrent").write_bytes(metainfo)
    process = program("""
        import signal, sys, libtern
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with libtern.Session(listen="127.0.0.1:0", trackers_enabled=False) as session:
            torrent = session.add(sys.argv[1], save_path=sys.argv[2], peers=[sys.argv[3]])
            for event in session.events():
                if isinstance(event, libtern.PieceFailed | libtern.PiecePassed):
                    print("piece", flush=True)
                if isinstance(event, libtern.PeerDisconnected):
                    break
        print("survived")
    """, place.top / "x.torrent", place.directory(), address)
    assert next(lines(process)) == "piece\n"
    place.stack.close()
    said, _ = process.communicate(timeout=GUARD)
    assert process.returncode == 0 and said.splitlines()[-1] == "survived"



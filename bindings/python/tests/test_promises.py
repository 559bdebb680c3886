"""What bindings of other engines are known to do to their users, and this one does not.

Objects of an old batch that crash, deadlocks between a notification and a call, failures that are
texts only, handles that outlive their session, a lock held while waiting. Each was reported against
a widely used binding; each test does what the reports did.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import libtern
from conftest import GUARD, PIECE, Place, until


def everything_about(event: libtern.Event) -> str:
    """Reads all there is of an event."""
    texts = [repr(event), str(event.kind), str(event.torrent)]
    for field in fields(event):
        value = getattr(event, field.name)
        texts.append(bytes(value).hex() if isinstance(value, memoryview) else str(value))
    return " ".join(texts)


def test_events_of_old_batches_stay_whole(place: Place) -> None:
    """Keeping events while 50 more batches come and go, then reading them: a crash elsewhere."""
    _, _, metainfo, address = place.seed(60 * PIECE)
    session = place.session()
    kept: list[libtern.Event] = []
    views: list[memoryview] = []

    def on_save(request: libtern.SaveRequest) -> bool:
        views.append(request.data[1:9])
        return True

    torrent = session.add(metainfo, save_path=place.directory(), peers=[address], on_save=on_save)
    until(session, libtern.Finished, kept)
    torrent.save()
    until(session, libtern.Saved, kept)
    before = [everything_about(event) for event in kept]
    copies = [bytes(view) for view in views]
    for _ in range(50):
        torrent.recheck()
        until(session, libtern.Checked)
    torrent.remove()
    until(session, libtern.TorrentRemoved)
    session.close()
    gc.collect()
    assert [everything_about(event) for event in kept] == before
    assert copies and [bytes(view) for view in views[: len(copies)]] == copies


def test_every_call_while_another_thread_waits_for_events(place: Place) -> None:
    """Calls made while somebody is being notified: a hang for ever elsewhere."""
    base, metainfo = place.content(8 * PIECE)
    session = place.session()
    torrent = session.add(metainfo, save_path=base)
    until(session, libtern.Checked)
    over = threading.Event()

    def pump() -> None:
        while not over.is_set():
            session.run_once(None)

    waiting = threading.Thread(target=pump)
    waiting.start()
    calls: list[Callable[[], object]] = [
        torrent.status, torrent.trackers, torrent.file_priorities, torrent.piece_priorities,
        torrent.peers, torrent.bitfield, torrent.wanted, torrent.file_progress,
        lambda: torrent.metainfo.trackers, lambda: torrent.read_piece(0), session.stats,
        session.options, session.torrents, lambda: session.find(torrent.info_hash),
        lambda: session.subscribe(libtern.EventClass.DEFAULT), lambda: session.on_save(None),
        lambda: torrent.on_verify(lambda request: True), lambda: torrent.on_verify(None),
        lambda: session.apply(download_limit=1 << 30), torrent.save,
    ]
    done = threading.Event()

    def call_all() -> None:
        for _ in range(20):
            for call in calls:
                call()
        done.set()

    calling = threading.Thread(target=call_all, daemon=True)
    calling.start()
    assert done.wait(GUARD), "a call hangs while another thread waits"
    calling.join()
    over.set()
    session.wake()
    waiting.join(GUARD)
    assert not waiting.is_alive()


def test_calls_from_inside_hooks(place: Place) -> None:
    """A notification that asks back: the deadlock that made others forbid it."""
    _, _, metainfo, address = place.seed(12 * PIECE)
    session = place.session()
    asked = 0

    def on_verify(request: libtern.VerifyRequest) -> bool:
        nonlocal asked
        asked += 1
        torrent = request.torrent
        assert torrent.status().pieces_total == 12 and torrent.trackers() == ()
        assert session.options()["listen"] == "127.0.0.1:0" and session.stats().torrents == 1
        torrent.set_limits(0, 0)
        torrent.on_save(lambda save: True)
        return True

    session.add(metainfo, save_path=place.directory(), peers=[address], on_verify=on_verify)
    until(session, libtern.Finished)
    assert asked == 12


def test_waiting_holds_no_lock_of_the_interpreter(place: Place) -> None:
    """Another thread runs Python while one waits in the library for an event that never comes."""
    session = place.session(listen="")
    session.run_once(0)
    counted = 0
    entered = threading.Event()

    def wait() -> None:
        entered.set()
        session.run_once(None)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert entered.wait(GUARD)
    interval = sys.getswitchinterval()
    for _ in range(100_000):
        counted += 1
    assert counted == 100_000 and sys.getswitchinterval() == interval and waiting.is_alive()
    session.wake()
    waiting.join(GUARD)
    assert not waiting.is_alive()


def test_failures_have_a_class_a_code_and_what_is_known(place: Place, tmp_path: Path) -> None:
    """Texts only elsewhere. Here: a class to catch, a code, a detail, a path, a torrent."""
    session = place.session()
    with pytest.raises(libtern.MetainfoError) as bad:
        libtern.Metainfo.parse(b"i-0e")
    assert bad.value.code is libtern.Code.METAINFO
    assert bad.value.detail == libtern.Detail.BENCODE
    with pytest.raises(ValueError):
        libtern.Metainfo.parse(b"de")
    missing = tmp_path / "missing.torrent"
    with pytest.raises(FileNotFoundError) as absent:
        libtern.Metainfo.load(missing)
    assert isinstance(absent.value, libtern.TernError)
    assert absent.value.path == str(missing) and absent.value.errno == 2
    wrong: Any = {"net_threads": -1}
    with pytest.raises(libtern.RangeError) as range_error:
        libtern.Session(**wrong)
    assert range_error.value.detail == libtern.OPTIONS["net_threads"].id
    base, metainfo = place.content(PIECE)
    torrent = session.add(metainfo, save_path=base)
    with pytest.raises(libtern.DuplicateTorrent) as twice:
        session.add(metainfo, save_path=base)
    assert twice.value.torrent_id == torrent.id
    with pytest.raises(libtern.ResumeError) as damaged:
        session.add(metainfo, save_path=base, resume=b"le")
    assert damaged.value.code is libtern.Code.RESUME


def test_handles_after_their_session(place: Place) -> None:
    """Everything of a session that is closed, and one that was collected."""
    base, metainfo = place.content(4 * PIECE)
    session = place.session()
    torrent = session.add(metainfo, save_path=base)
    until(session, libtern.Checked)
    info, hash_, number = torrent.metainfo, torrent.info_hash, torrent.id
    session.close()
    methods: list[Callable[[], object]] = [
        torrent.status, torrent.peers, torrent.trackers, torrent.pause, torrent.resume,
        torrent.recheck, torrent.save, torrent.announce, torrent.bitfield, torrent.file_progress,
        lambda: torrent.read_piece(0), lambda: torrent.move(base), torrent.remove,
    ]
    for method in methods:
        with pytest.raises(libtern.TorrentGone) as gone:
            method()
        assert gone.value.torrent is torrent
    assert (torrent.info_hash, torrent.id) == (hash_, number) and hash_.hex() in repr(torrent)
    assert info.piece_count == 4 and info.name == "tree"
    place.stack.close()
    del session
    gc.collect()
    with pytest.raises(libtern.TorrentGone):
        torrent.status()


def test_threads_that_pump_at_the_same_time_share_the_events(place: Place) -> None:
    """Every event goes to exactly one of them, and none of them stumbles over another."""
    base, metainfo = place.content(200 * PIECE)
    session = place.session()
    seen: list[libtern.Event] = []
    failures: list[BaseException] = []

    def pump() -> None:
        try:
            while not any(isinstance(event, libtern.Closed) for event in seen):
                seen.extend(session.run_once(0.05))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=pump) for _ in range(6)]
    for thread in threads:
        thread.start()
    session.add(metainfo, save_path=base)
    while not any(isinstance(event, libtern.Checked) for event in seen) and not failures:
        threading.Event().wait(0.01)
    lib_close = threading.Thread(target=session.close)
    lib_close.start()
    for thread in threads:
        thread.join(GUARD)
    lib_close.join(GUARD)
    assert not failures
    pieces = [event.piece for event in seen if isinstance(event, libtern.PiecePassed)]
    assert sorted(pieces) == list(range(200))

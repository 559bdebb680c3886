"""Sessions: options, waiting, lifetimes, threads."""

from __future__ import annotations

import gc
import select
import signal
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest

import libtern
from conftest import GUARD, Place, until
from libtern import EventClass, Session, _ffi


def test_options_by_keyword(place: Place, tmp_path: Path) -> None:
    session = place.session(upload_limit=12345, peer_id=b"-XX0001-", state_dir=str(tmp_path))
    used = session.options()
    assert used["upload_limit"] == 12345 and used["peer_id"] == b"-XX0001-"
    assert used["trackers_enabled"] is False and used["state_dir"] == str(tmp_path)
    assert used["download_limit"] == libtern.OPTIONS["download_limit"].default
    assert set(used) == set(libtern.OPTIONS)
    session.apply(upload_limit=1, announce_all_tiers=True)
    assert session.options()["upload_limit"] == 1
    assert session.options()["announce_all_tiers"] is True
    with pytest.raises(libtern.StateError):
        session.apply(download_limit=7, net_threads=2)  # type: ignore[call-arg]
    assert session.options()["download_limit"] == 0


@pytest.mark.parametrize(
    ("options", "kind", "code"),
    [
        ({"no_such": 1}, TypeError, libtern.Code.UNKNOWN_OPTION),
        ({"upload_limit": "1"}, TypeError, libtern.Code.TYPE),
        ({"listen": 1}, TypeError, libtern.Code.TYPE),
        ({"trackers_enabled": 1}, TypeError, libtern.Code.TYPE),
        ({"peer_id": "text"}, TypeError, libtern.Code.TYPE),
        ({"upload_limit": -1}, ValueError, libtern.Code.RANGE),
        ({"upload_limit": 1 << 99}, ValueError, libtern.Code.RANGE),
        ({"net_threads": 0}, ValueError, libtern.Code.RANGE),
        ({"peer_id": b"x" * 21}, ValueError, libtern.Code.RANGE),
    ],
)
def test_bad_options(options: Any, kind: type[Exception], code: libtern.Code) -> None:
    with pytest.raises(libtern.TernError) as caught:
        Session(**options)
    assert isinstance(caught.value, kind) and caught.value.code is code


def test_path_options(tmp_path: Path) -> None:
    options: Any = {"listen": "", "state_dir": tmp_path}
    with Session(**options) as session:
        assert session.options()["state_dir"] == str(tmp_path)


def test_every_default_can_be_given(place: Place) -> None:
    options: Any = {name: option.default for name, option in libtern.OPTIONS.items()}
    place.session(**{**options, "listen": ""})


def test_listening(place: Place) -> None:
    session = place.session()
    event = until(session, libtern.Listening)
    assert isinstance(event, libtern.Listening)
    assert event.address == f"127.0.0.1:{session.listen_port}" and event.torrent is None
    other = place.session(listen=event.address)
    failed = until(other, libtern.ListenFailed)
    assert isinstance(failed, libtern.ListenFailed)
    assert failed.requested == event.address and failed.reason and failed.errno
    assert place.session(listen="").listen_port == 0


def test_waiting_does_not_need_an_event(place: Place) -> None:
    session = place.session(listen="")
    assert session.run_once(0) == []
    assert session.run_once(0.001) == []
    assert list(session.events(0)) == []


def test_wake_ends_a_wait(place: Place) -> None:
    session = place.session(listen="")
    threading.Timer(0.05, session.wake).start()
    assert session.run_once() == []
    session.wake()
    assert session.run_once(GUARD) == []


def test_descriptor_is_level_triggered(place: Place) -> None:
    session = place.session()
    for _ in range(3):
        assert select.select([session], [], [], GUARD)[0] == [session]
    assert session.fileno() == session.fileno() >= 0
    assert len(session.run_once(0)) == 1
    assert select.select([session], [], [], 0)[0] == []


def test_subscribe(place: Place) -> None:
    base, metainfo = place.content(40000)
    session = place.session(listen="")
    session.subscribe(EventClass.PIECE)
    torrent = session.add(metainfo, save_path=base)
    events: list[libtern.Event] = []
    until(session, lambda: torrent.status().pieces_have == 3, events)
    torrent.remove()
    session.close()
    events += session.events()
    assert {type(event) for event in events} == {libtern.PiecePassed, libtern.Closed}


def test_forgotten_hooks_of_removed_torrents(place: Place) -> None:
    base, metainfo = place.content(40000)
    session = place.session(listen="")
    session.subscribe(EventClass.NONE)

    class Hook:
        def __call__(self, request: libtern.Request) -> bool:
            return True

    hook = Hook()
    torrent = session.add(metainfo, save_path=base, on_save=hook, on_verify=hook)
    known = weakref.ref(hook)
    del hook
    assert known() is not None
    torrent.remove()
    while session.stats().torrents:
        session.run_once(0.01)
    while known() is not None:
        assert session.run_once(GUARD) == [] or known() is None
        gc.collect()


def test_torrents_and_find(place: Place) -> None:
    session = place.session(listen="")
    assert session.torrents() == ()
    added = []
    for number in range(5):
        base, metainfo = place.content(10000 + number)
        added.append(session.add(metainfo, save_path=base, paused=True))
    assert session.torrents() == tuple(added)
    for torrent in added:
        assert session.find(torrent.info_hash) is torrent
        assert session.find(torrent.id) is torrent
        assert torrent.session is session
    assert session.find(bytes(20)) is None and session.find(1 << 40) is None
    with pytest.raises(ValueError):
        session.find(b"short")
    assert len({*added, *session.torrents()}) == 5
    assert session.stats().torrents == 5


def test_handles_of_one_torrent_are_equal(place: Place) -> None:
    base, metainfo = place.content(10000)
    one, two = place.session(listen=""), place.session(listen="")
    first = one.add(metainfo, save_path=base, paused=True)
    number, hashed, text = first.id, hash(first), repr(first)
    del first
    gc.collect()
    again = one.torrents()[0]
    assert (again.id, hash(again), repr(again)) == (number, hashed, text)
    other = two.add(metainfo, save_path=base, paused=True)
    assert other.info_hash == again.info_hash and other != again and again != "x"
    assert again.info_hash.hex() in repr(again)


def test_duplicate(place: Place) -> None:
    base, metainfo = place.content(10000)
    session = place.session(listen="")
    session.add(metainfo, save_path=base)
    with pytest.raises(libtern.DuplicateTorrent) as caught:
        session.add(metainfo, save_path=base)
    assert caught.value.code is libtern.Code.DUPLICATE


def test_bad_adds(place: Place) -> None:
    base, metainfo = place.content(10000)
    session = place.session(listen="")
    for wrong, kind in [
        ({"resume": b"junk"}, libtern.ResumeError),
        ({"peers": ["nonsense"]}, libtern.InvalidArgument),
        ({"file_priorities": [9]}, libtern.RangeError),
        ({"file_priorities": {0: 8}}, libtern.RangeError),
        ({"file_priorities": {-1: 1}}, IndexError),
        ({"save_interval": 1.0}, ValueError),
    ]:
        arguments: Any = {"save_path": base, **wrong}
        with pytest.raises(kind):
            session.add(metainfo, **arguments)
    with pytest.raises(libtern.TernError):
        session.add(save_path=base)
    with pytest.raises(FileNotFoundError):
        session.add(base / "missing.torrent", save_path=base)
    assert session.torrents() == ()


def test_close_is_final_and_repeatable(place: Place) -> None:
    session = place.session()
    assert not session.closed
    assert session.close() == 0 and session.close(0) == 0
    assert session.closed and "closed" in repr(session)
    events = list(session.events())
    assert isinstance(events[-1], libtern.Closed) and events[-1].unsaved == 0
    assert list(session.events()) == []
    base, metainfo = place.content(1000)
    with pytest.raises(libtern.SessionClosed):
        session.add(metainfo, save_path=base)


def test_unclosed_session_warns() -> None:
    with pytest.warns(ResourceWarning, match="unclosed session"):
        Session(listen="")
        gc.collect()


def test_closed_session_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Session(listen=""):
            pass
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_objects_outlive_their_session(place: Place) -> None:
    base, metainfo = place.content(40000)
    session = Session(listen="")
    torrent = session.add(metainfo, save_path=base)
    event = until(session, libtern.Checked)
    session.close()
    dead = weakref.ref(session)
    del session
    with pytest.raises(libtern.TorrentGone):
        torrent.status()
    assert event.torrent is torrent and torrent.info_hash
    del torrent, event
    gc.collect()
    assert dead() is None


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_any_order_of_collection(place: Place) -> None:
    base, metainfo = place.content(40000)
    for order in range(6):
        session = Session(listen="")
        torrent = session.add(metainfo, save_path=base, on_save=lambda request: True)
        things: list[Any] = [session, torrent, until(session, libtern.Checked)]
        things = things[order % 3 :] + things[: order % 3]
        if order > 2:
            things.reverse()
        del session, torrent
        while things:
            things.pop()
            gc.collect()


def test_many_threads(place: Place) -> None:
    base, metainfo = place.content(400000)
    session = place.session(listen="")
    torrent = session.add(metainfo, save_path=base, on_save=lambda request: True)
    seen: list[libtern.Event] = []
    failures: list[BaseException] = []

    def pump() -> None:
        try:
            seen.extend(session.events())
        except BaseException as error:
            failures.append(error)

    def look() -> None:
        try:
            for _ in range(100):
                torrent.status()
                session.stats()
                assert torrent in session.torrents()
                torrent.save()
        except BaseException as error:
            failures.append(error)

    pumps = [threading.Thread(target=pump) for _ in range(3)]
    lookers = [threading.Thread(target=look) for _ in range(3)]
    for thread in pumps + lookers:
        thread.start()
    for thread in lookers:
        thread.join()
    assert session.close() == 0
    for thread in pumps:
        # A wake-up may be another one's.
        while thread.is_alive():
            session.wake()
            thread.join(0.05)
    seen += session.events()
    assert failures == []
    assert sorted(e.piece for e in seen if isinstance(e, libtern.PiecePassed)) == list(range(25))
    assert len([e for e in seen if isinstance(e, libtern.Closed)]) == 1


def test_unknown_kinds_are_events(place: Place) -> None:
    session = place.session(listen="")
    raw = _ffi.ffi.new("tern_event *")
    text = _ffi.ffi.new("uint8_t[]", b"hello")
    raw.kind, raw.event_class, raw.a, raw.time_ms = 9999, 1 << 20, -5, 7
    raw.text.ptr, raw.text.len = text, 5

    class Batch:
        box = None

        def next(self) -> Any:
            return raw

    session._classes = EventClass(1 << 20)
    batch: Any = Batch()
    session._event(batch, None)
    (event,) = session.run_once(0)
    assert isinstance(event, libtern.UnknownEvent)
    assert (event.number, event.text, event.numbers["a"], event.time_ms) == (9999, "hello", -5, 7)


def test_dropped_notices_are_reported(place: Place) -> None:
    base, metainfo = place.content(PIECES * 16384)
    session = place.session(listen="", event_queue_len=16)
    torrent = session.add(metainfo, save_path=base)
    while torrent.status().pieces_have < PIECES:
        signal.sigtimedwait([], 0.01)
    events = session.run_once(GUARD)
    dropped = [event for event in events if isinstance(event, libtern.Dropped)]
    assert dropped and dropped[0].count > 0 and dropped[0].lost & EventClass.PIECE
    assert session.stats().dropped_notices >= dropped[0].count


PIECES = 40

"""The two hooks: every answer, every way not to answer."""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import threading
from typing import Any

import pytest

import libtern
from conftest import GUARD, PIECE, Place, tree, until
from libtern import PENDING, Defer, SaveFlags, State

EVERYTHING = SaveFlags.ON_PIECE | SaveFlags.ON_STATE | SaveFlags.AT_CLOSE


def test_verify_accepts(place: Place) -> None:
    _, source, metainfo, address = place.seed(5 * PIECE + 3)
    leech = place.session()
    asked: list[libtern.VerifyRequest] = []

    def hook(request: libtern.VerifyRequest) -> bool:
        assert hashlib.sha1(request.data).digest() == parsed.piece_hash(request.piece)
        assert len(request.data) == request.size == parsed.piece_size(request.piece)
        assert not request.torrent.have(request.piece)
        asked.append(request)
        return True

    parsed = libtern.Metainfo.parse(metainfo)
    target = place.directory()
    torrent = leech.add(parsed, save_path=target, peers=[address], on_verify=hook)
    until(leech, libtern.Finished)
    assert sorted(request.piece for request in asked) == list(range(6))
    for request in asked:
        assert request.torrent is torrent and request.session is leech
        assert request.engine_ok and request.attempt == 1 and request.peers == (address,)
        with pytest.raises(libtern.RequestGone) as caught:
            request.accept()
        assert caught.value.torrent is torrent
        with pytest.raises(libtern.GoneError):
            request.data
    assert tree(target) == tree(source)


def test_verify_rejects_and_asks_again(place: Place) -> None:
    _, source, metainfo, address = place.seed(5 * PIECE)
    leech = place.session(max_bad_pieces=100)
    attempts: list[int] = []

    def hook(request: libtern.VerifyRequest) -> bool:
        if request.piece != 2:
            return True
        attempts.append(request.attempt)
        return len(attempts) == 3

    events: list[libtern.Event] = []
    target = place.directory()
    torrent = leech.add(metainfo, save_path=target, peers=[address])
    torrent.on_verify(hook)
    until(leech, libtern.Finished, events)
    assert attempts == [1, 2, 3]
    assert [e.piece for e in events if isinstance(e, libtern.PieceFailed)] == [2, 2]
    assert torrent.status().pieces_failed == 2
    assert tree(target) == tree(source)


def test_verify_defers_and_passes(place: Place) -> None:
    _, _, metainfo, address = place.seed(3 * PIECE)
    leech = place.session()
    asked: list[int] = []

    def hook(request: libtern.VerifyRequest) -> libtern.Answer:
        asked.append(request.piece)
        return Defer(0.001) if asked.count(request.piece) < 3 else None

    leech.add(metainfo, save_path=place.directory(), peers=[address], on_verify=hook)
    until(leech, libtern.Finished)
    assert sorted(asked) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_verify_answered_later_from_another_thread(place: Place) -> None:
    _, _, metainfo, address = place.seed(4 * PIECE)
    leech = place.session()
    waiting: list[libtern.VerifyRequest] = []

    @leech.on_verify
    def hook(request: libtern.VerifyRequest) -> libtern.Answer:
        waiting.append(request)
        return PENDING

    torrent = leech.add(metainfo, save_path=place.directory(), peers=[address])
    until(leech, libtern.PeerConnected)
    while len(waiting) < 4:
        leech.run_once(0.05)
    assert torrent.status().pieces_have == 0 and torrent.bitfield() == b"\0"
    assert leech.stats().open_requests == 4

    def answer() -> None:
        for request in waiting:
            request.answer(True)

    thread = threading.Thread(target=answer)
    thread.start()
    until(leech, libtern.Finished)
    thread.join()


def test_verify_exception_fails_the_torrent(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, metainfo, address = place.seed(3 * PIECE)
    leech = place.session()

    def hook(request: libtern.VerifyRequest) -> bool:
        raise OSError(28, "no room for an opinion")

    torrent = leech.add(metainfo, save_path=place.directory(), peers=[address], on_verify=hook)
    with caplog.at_level(logging.ERROR, "libtern"):
        failed = until(leech, libtern.VerifierFailed)
    assert isinstance(failed, libtern.VerifierFailed) and failed.code == 28
    assert "no room for an opinion" in caplog.text and "Traceback" in caplog.text
    until(leech, lambda: torrent.status().state is State.FAILED)
    torrent.on_verify(None)
    torrent.resume()
    until(leech, libtern.Finished)


@pytest.mark.parametrize("answer", [1, 0, "yes", Defer(-1)])
def test_verify_nonsense_is_a_failure(
    place: Place, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, metainfo, address = place.seed(PIECE)
    leech = place.session()
    leech.add(metainfo, save_path=place.directory(), peers=[address],
              on_verify=lambda request: answer)
    until(leech, libtern.VerifierFailed)
    assert "Error" in caplog.text


def test_base_exceptions_reach_the_caller(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    session = place.session(listen="")
    calls: list[int] = []

    def hook(request: libtern.SaveRequest) -> bool:
        calls.append(request.generation)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return True

    torrent = session.add(metainfo, save_path=base, on_save=hook)
    with pytest.raises(KeyboardInterrupt):
        until(session, libtern.Saved)
    # Nothing is lost: the other events of the batch come, and the save is tried again.
    events: list[libtern.Event] = []
    torrent.save()
    until(session, libtern.Saved, events)
    assert len(calls) >= 2
    assert any(isinstance(event, libtern.SaveFailed) for event in events)


def test_an_interrupt_between_events_loses_none(place: Place, monkeypatch: Any) -> None:
    base, metainfo = place.content(8 * PIECE)
    session = place.session(listen="")
    torrent = session.add(metainfo, save_path=base)
    while torrent.status().state is not State.SEEDING:
        pass
    original, count = libtern.Session._event, 0

    def interrupted(self: libtern.Session, batch: Any, spawn: Any) -> None:
        nonlocal count
        count += 1
        if count % 2:
            raise KeyboardInterrupt
        original(self, batch, spawn)

    monkeypatch.setattr(libtern.Session, "_event", interrupted)
    events: list[libtern.Event] = []
    interrupts = 0
    while not any(isinstance(event, libtern.Checked) for event in events):
        try:
            events += session.run_once(GUARD)
        except KeyboardInterrupt:
            interrupts += 1
    assert interrupts > 8
    pieces = [event.piece for event in events if isinstance(event, libtern.PiecePassed)]
    assert sorted(pieces) == list(range(8))


def test_pumping_in_a_hook_is_refused(place: Place) -> None:
    base, metainfo = place.content(PIECE)
    session = place.session(listen="")
    refused: list[BaseException] = []

    def hook(request: libtern.SaveRequest) -> bool:
        for function in (lambda: session.run_once(0), session.close):
            try:
                function()
            except libtern.ReentrantError as error:
                refused.append(error)
        return True

    session.add(metainfo, save_path=base, on_save=hook)
    until(session, libtern.Saved)
    assert len(refused) >= 2 and len(refused) % 2 == 0


def test_save_accepts_and_loads(place: Place) -> None:
    _, source, metainfo, address = place.seed(6 * PIECE)
    kept: dict[int, memoryview] = {}

    def hook(request: libtern.SaveRequest) -> bool:
        assert request.data.readonly
        kept[request.generation] = request.data
        return True

    first, target = place.session(), place.directory()
    torrent = first.add(metainfo, save_path=target, peers=[address], on_save=hook,
                        save_policy=EVERYTHING)
    events: list[libtern.Event] = []
    until(first, libtern.Finished, events)
    assert first.close() == 0
    events += first.events()
    assert list(kept) == sorted(kept)
    saved = [event.generation for event in events if isinstance(event, libtern.Saved)]
    assert saved == list(kept)
    del torrent, events
    gc.collect()
    blob = kept[max(kept)]
    assert bytes(blob[:1]) == b"d" and bytes(blob[-1:]) == b"e"
    second = place.session(listen="")
    again = second.add(metainfo, save_path=target, resume=blob)
    checked = until(second, libtern.Checked)
    assert isinstance(checked, libtern.Checked)
    assert (checked.present, checked.hashed, checked.restored) == (6, 0, 6)
    assert again.status().pieces_restored == 6 and again.status().state is State.SEEDING


def test_save_refused_is_tried_again(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    session = place.session(listen="")
    answers: list[libtern.Answer] = [False, Defer(0.001), True]
    given: list[libtern.Answer] = []

    def hook(request: libtern.SaveRequest) -> libtern.Answer:
        given.append(answers[min(len(given), 2)])
        return given[-1]

    torrent = session.add(metainfo, save_path=base, on_save=hook, save_policy=SaveFlags.ON_STATE)
    until(session, libtern.Checked)
    events: list[libtern.Event] = []
    until(session, libtern.Saved, events)
    assert given[:3] == answers
    assert torrent.status().durable_generation > 0


def test_save_exception_is_reported(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    base, metainfo = place.content(PIECE)
    session = place.session(listen="")
    broken = True

    def hook(request: libtern.SaveRequest) -> bool:
        if broken:
            raise OSError(28, os.strerror(28))
        return True

    session.add(metainfo, save_path=base, on_save=hook)
    failed = until(session, libtern.SaveFailed)
    assert isinstance(failed, libtern.SaveFailed) and failed.code == 28
    assert os.strerror(28) in caplog.text
    broken = False
    until(session, libtern.Saved)


def test_close_runs_last_saves(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    session = place.session(listen="")
    calls: list[int] = []

    def hook(request: libtern.SaveRequest) -> bool:
        calls.append(request.generation)
        return True

    torrent = session.add(metainfo, save_path=base, on_save=hook, save_policy=SaveFlags.AT_CLOSE)
    until(session, libtern.Checked)
    assert calls == []
    torrent.set_limits(1234, 0)
    assert session.close() == 0
    assert len(calls) == 1


def test_close_with_unanswered_saves(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    session = place.session(listen="")
    open_requests: list[libtern.SaveRequest] = []

    def hook(request: libtern.SaveRequest) -> libtern.Answer:
        open_requests.append(request)
        return PENDING

    session.add(metainfo, save_path=base, on_save=hook)
    until(session, libtern.Checked)
    assert session.close(0.2) == 1
    assert not session.closed
    assert session.close(0) == 1
    while not session.closed:
        for request in open_requests:
            request._settle(libtern.Verdict.ACCEPT)
        open_requests.clear()
        session.close(0.05)
    assert session.close() == 0


def test_unanswered_verify_does_not_hold_up_close(place: Place) -> None:
    _, _, metainfo, address = place.seed(2 * PIECE)
    leech = place.session()
    asked: list[libtern.VerifyRequest] = []

    def hook(request: libtern.VerifyRequest) -> libtern.Answer:
        asked.append(request)
        return PENDING

    leech.add(metainfo, save_path=place.directory(), peers=[address], on_verify=hook)
    while not asked:
        leech.run_once(0.05)
    assert leech.close() == 0
    with pytest.raises(libtern.TernError):
        asked[0].accept()


def test_save_policy_and_manual_save(place: Place) -> None:
    base, metainfo = place.content(PIECE)
    session = place.session(listen="")
    calls: list[int] = []

    @session.on_save
    def hook(request: libtern.SaveRequest) -> bool:
        calls.append(request.generation)
        return True

    torrent = session.add(metainfo, save_path=base, save_policy=SaveFlags.NONE)
    until(session, libtern.Checked)
    torrent.save()
    until(session, libtern.Saved)
    assert len(calls) == 1
    torrent.set_save_policy(SaveFlags.NONE, 0.001)
    torrent.set_limits(99, 99)
    until(session, libtern.Saved)
    session.on_save(None)
    torrent.save()
    session.close()
    assert len(calls) == 2


def test_resume_data_can_bring_the_torrent(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    session = place.session(listen="")
    kept: list[bytes] = []

    def hook(request: libtern.SaveRequest) -> bool:
        kept.append(bytes(request.data))
        return True

    torrent = session.add(metainfo, save_path=base, on_save=hook,
                          save_policy=SaveFlags.ON_STATE | SaveFlags.WITH_INFO)
    until(session, libtern.Checked)
    torrent.save()
    until(session, libtern.Saved)
    torrent.remove()
    until(session, libtern.TorrentRemoved)
    again = session.add(save_path=base, resume=kept[-1])
    assert again.info_hash == torrent.info_hash and again != torrent


def test_built_in_store(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE)
    options: Any = {"listen": "", "state_dir": str(place.directory())}
    first = place.session(**options)
    first.add(metainfo, save_path=base)
    until(first, libtern.Checked)
    assert first.close() == 0
    second = place.session(**options)
    torrent = second.add(metainfo, save_path=base)
    until(second, libtern.Checked)
    assert torrent.status().pieces_restored == 3 and torrent.status().pieces_hashed == 0
    torrent.remove(keep_state=True)
    until(second, libtern.TorrentRemoved)
    torrent = second.add(metainfo, save_path=base, resume=b"")
    checked = until(second, libtern.Checked)
    assert isinstance(checked, libtern.Checked) and checked.hashed == 3


def test_changed_file_is_reported(place: Place) -> None:
    base, metainfo = place.content(4 * PIECE, 4 * PIECE)
    session = place.session(listen="")
    kept: list[bytes] = []

    def hook(request: libtern.SaveRequest) -> bool:
        kept.append(bytes(request.data))
        return True

    torrent = session.add(metainfo, save_path=base, on_save=hook)
    until(session, libtern.Checked)
    torrent.pause()
    assert session.close() == 0
    files = libtern.Metainfo.parse(metainfo).files
    changed = base / files[1].path
    os.utime(changed, ns=(1, 1))
    again = place.session(listen="")
    events: list[libtern.Event] = []
    torrent = again.add(metainfo, save_path=base, resume=kept[-1], paused=False)
    checked = until(again, libtern.Checked, events)
    assert isinstance(checked, libtern.Checked)
    assert (checked.hashed, checked.restored, checked.present) == (4, 4, 8)
    (rejected,) = [event for event in events if isinstance(event, libtern.ResumeRejected)]
    assert rejected.partial and rejected.file == 1 and rejected.pieces == 4 and rejected.reason


def test_addresses_are_asked_about(place: Place) -> None:
    seed, source, metainfo, address = place.seed(3 * PIECE)
    asked: list[tuple[str, bool]] = []
    answers: list[bool | None] = [False]

    def decide(request: libtern.PeerRequest) -> bool | None:
        asked.append((request.address, request.incoming))
        return answers[0]

    session = place.session(dht=False)
    assert session.on_peer(decide) is decide
    torrent = session.add(metainfo, save_path=(target := place.directory()), peers=[address])
    # A refused address may be the last thing that happens: nothing need come after the question.
    for _ in range(600):
        if asked:
            break
        for _ in session.events(0.1):
            pass
    assert asked[0] == (address, False)
    assert torrent.status().downloaded == 0
    session.on_peer(None)
    torrent.add_peer(address)
    until(session, libtern.Finished)
    assert tree(target) == tree(source)


def test_bytes_are_told_to_who_listens(place: Place) -> None:
    _, _, metainfo, address = place.seed(3 * PIECE + 5)
    session = place.session()
    session.subscribe(libtern.EventClass.DEFAULT | libtern.EventClass.IO)
    torrent = session.add(metainfo, save_path=place.directory())
    torrent.set_wire_notices(True)
    torrent.add_peer(address)
    events: list[libtern.Event] = []
    until(session, libtern.Finished, events)
    received = [event for event in events if type(event) is libtern.BytesReceived]
    sent = [event for event in events if isinstance(event, libtern.BytesSent)]
    written = [event for event in events if isinstance(event, libtern.FileWritten)]
    assert sum(event.length for event in received) > 3 * PIECE
    assert {event.address for event in received + sent} == {address}
    assert sum(event.length for event in written) == 3 * PIECE + 5
    assert {event.file for event in written} == {0}
    read = [event for event in events if type(event) is libtern.FileRead]
    assert sum(event.length for event in read) == 3 * PIECE + 5

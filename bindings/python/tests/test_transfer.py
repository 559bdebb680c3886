"""From one session to another over loopback, and everything a torrent can be told."""

from __future__ import annotations

import gc
import socket
import struct
import threading
from pathlib import Path

import pytest

import libtern
from conftest import GUARD, PIECE, Place, tree, until
from libtern import EventClass, Message, PeerFlags, PeerSource, State


def test_seed_to_leech(place: Place) -> None:
    seed, source, metainfo, address = place.seed(100000, 3 * PIECE + 1, 0, 70001)
    leech = place.session()
    target = place.directory()
    torrent = leech.add(metainfo, save_path=target, peers=[address])
    events: list[libtern.Event] = []
    until(leech, libtern.Finished, events)
    assert tree(target) == tree(source)
    status = torrent.status()
    assert status.state is State.SEEDING and status.is_finished and status.progress == 1.0
    assert status.pieces_have == status.pieces_total == torrent.metainfo.piece_count
    assert status.bytes_have == status.total_size == status.downloaded
    assert seed.status().uploaded == status.downloaded
    pieces = status.pieces_total
    assert sorted(e.piece for e in events if isinstance(e, libtern.PiecePassed)) == list(
        range(pieces)
    )
    assert sorted(e.path for e in events if isinstance(e, libtern.FileCompleted)) == sorted(
        f.path for f in torrent.files if f.size
    )
    connected = [e for e in events if isinstance(e, libtern.PeerConnected)]
    assert connected[0].address == address and not connected[0].incoming
    assert connected[0].peer_id.startswith(b"-TN")
    assert all(e.torrent is torrent for e in events if isinstance(e, libtern.TorrentEvent))
    assert torrent.bitfield() == seed.bitfield()
    assert torrent.wanted() == bytes(len(torrent.bitfield()))
    assert all(torrent.have(piece) for piece in range(pieces))
    assert torrent.file_progress() == tuple(file.size for file in torrent.files)
    assert torrent.partial_pieces() == ()
    assert set(torrent.block_states(0)) == {libtern.BlockState.WRITTEN}
    content = b"".join(tree(source)[file.path] for file in torrent.files)
    assert torrent.read_piece(1) == content[PIECE : 2 * PIECE]
    for wrong in (-1, pieces, 1 << 40):
        with pytest.raises(IndexError):
            torrent.have(wrong)
        with pytest.raises(IndexError):
            torrent.read_piece(wrong)
        with pytest.raises(IndexError):
            torrent.block_states(wrong)


def test_match_statement(place: Place) -> None:
    base, metainfo = place.content(2 * PIECE)
    session = place.session(listen="")
    torrent = session.add(metainfo, save_path=base)
    pieces = []
    for event in session.events(GUARD):
        match event:
            case libtern.PiecePassed(piece, torrent=which):
                assert which is torrent
                pieces.append(piece)
            case libtern.StateChanged(new=State.SEEDING):
                pass
            case libtern.Checked(2, hashed, restored):
                assert (hashed, restored) == (2, 0)
                break
    assert sorted(pieces) == [0, 1]
    with pytest.raises(AttributeError):
        event.time_ms = 0  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        event.other = 0  # type: ignore[attr-defined]


def test_peers_and_limits(place: Place) -> None:
    seed, _, metainfo, address = place.seed(60 * PIECE, upload_limit=PIECE)
    leech = place.session(client="leech/1")
    torrent = leech.add(metainfo, save_path=place.directory(), sequential=True)
    assert torrent.status().sequential
    torrent.set_sequential(False)
    torrent.set_limits(1 << 20, 1 << 19)
    torrent.add_peer(address)
    until(leech, libtern.PeerConnected)
    status = torrent.status()
    assert (status.download_limit, status.upload_limit) == (1 << 20, 1 << 19)
    assert not torrent.status().sequential
    until(leech, lambda: any(peer.pieces_have for peer in torrent.peers()))
    (peer,) = torrent.peers()
    assert peer.addr == address and peer.source is PeerSource.MANUAL
    assert peer.pieces_have == 60 and peer.flags & PeerFlags.SEED
    assert peer.bitfield == seed.bitfield() and peer.peer_id.startswith(b"-TN")
    assert len(peer.handshake_bits) == 8
    torrent.set_max_connections(5)
    torrent.set_upload_slots(2)
    torrent.drop_peer(peer.peer)
    gone = until(leech, libtern.PeerDisconnected)
    assert isinstance(gone, libtern.PeerDisconnected)
    assert gone.peer == peer.peer and gone.reason is libtern.CloseReason.HOST
    torrent.ban_peer(address)
    for wrong in ("nonsense", "127.0.0.1", "127.0.0.1:99999"):
        with pytest.raises(libtern.InvalidArgument) as caught:
            torrent.add_peer(wrong)
        assert caught.value.torrent is torrent
    with pytest.raises(ValueError):
        torrent.set_upload_slots(0)


def test_wire_notices(place: Place) -> None:
    base, metainfo = place.content(3 * PIECE, 2 * PIECE)
    (base / libtern.Metainfo.parse(metainfo).files[1].path).unlink()
    partial = place.session()
    partial.add(metainfo, save_path=base)
    until(partial, libtern.Checked)
    leech = place.session()
    leech.subscribe(EventClass.DEFAULT | EventClass.WIRE)
    torrent = leech.add(metainfo, save_path=place.directory())
    torrent.set_wire_notices(True)
    torrent.add_peer(f"127.0.0.1:{partial.listen_port}")
    events: list[libtern.Event] = []
    passed = libtern.PiecePassed
    until(leech, lambda: len([e for e in events if isinstance(e, passed)]) == 3, events)
    wire = [event for event in events if isinstance(event, libtern.MessageReceived)]
    sent = {event.message for event in wire if isinstance(event, libtern.MessageSent)}
    received = {event.message for event in wire if not isinstance(event, libtern.MessageSent)}
    assert {Message.INTERESTED, Message.REQUEST} <= sent
    assert {Message.UNCHOKE, Message.PIECE} <= received
    greeting = [event for event in wire if event.message is Message.EXTENDED]
    assert {type(event) for event in greeting} == {libtern.MessageSent, libtern.MessageReceived}
    for event in greeting:
        assert event.offset == 0 and b"11:ut_metadata" in bytes(event.data)
    (bits,) = [event for event in wire if event.message is Message.BITFIELD]
    view = bits.data[:1]
    assert view.readonly and bits.piece is None and type(bits) is libtern.MessageReceived
    del events, wire, bits, greeting, event
    gc.collect()
    assert bytes(view) == bytes([0b11100000])
    requests = {(event.piece, event.offset, event.length) for event in leech.events(0)
                if isinstance(event, libtern.MessageSent) and event.message is Message.REQUEST}
    assert requests <= {(piece, 0, PIECE) for piece in range(3)}


def test_unselected_files_are_not_created(place: Place) -> None:
    _, source, metainfo, address = place.seed(40000, 50001, 60002)
    leech, target = place.session(), place.directory()
    torrent = leech.add(metainfo, save_path=target, peers=[address], file_priorities={1: 0})
    paths = [file.path for file in torrent.files]
    until(leech, libtern.Finished)
    assert torrent.status().state is State.FINISHED
    assert torrent.file_priorities() == (4, 0, 4)
    assert tree(target).get(paths[1]) is None
    assert tree(target)[paths[0]] == tree(source)[paths[0]]
    torrent.set_file_priorities([4, 1])
    until(leech, lambda: torrent.status().state is State.SEEDING)
    assert torrent.file_priorities() == (4, 1, 4)
    torrent.set_file_priorities({0: 7})
    torrent.set_piece_priority(0, 3)
    assert torrent.file_priorities() == (7, 1, 4) and torrent.piece_priorities()[0] == 3
    assert {path: tree(target)[path] for path in paths} == tree(source)
    for wrong in (8, -1, 300):
        with pytest.raises(ValueError):
            torrent.set_file_priority(0, wrong)
    with pytest.raises(IndexError):
        torrent.set_file_priority(3, 4)


def test_move_rename_remove(place: Place) -> None:
    torrent, source, _, _ = place.seed(40000, 50001)
    session = torrent.session
    before = tree(source)
    target = place.directory() / "new"
    torrent.move(target)
    moved = until(session, libtern.Moved)
    assert isinstance(moved, libtern.Moved)
    assert moved.ok and moved.path == torrent.save_path == str(target)
    assert tree(target) == before
    torrent.rename_file(1, "other/name.bin")
    renamed = until(session, libtern.Renamed)
    assert isinstance(renamed, libtern.Renamed)
    assert renamed.ok and renamed.file == 1 and renamed.path == "other/name.bin"
    assert torrent.file_path(1) == "other/name.bin"
    assert (target / "other/name.bin").read_bytes() == before[torrent.files[1].path]
    with pytest.raises(libtern.TernError, match="escape"):
        torrent.rename_file(0, "../../escape")
    assert torrent.file_path(0) == torrent.files[0].path
    torrent.remove(delete_files=True)
    gone = until(session, libtern.TorrentRemoved)
    assert gone.torrent is torrent and tree(target) == {}


def test_move_that_fails(place: Place) -> None:
    torrent, source, _, _ = place.seed(40000)
    (place.top / "file").write_bytes(b"")
    torrent.move(place.top / "file" / "below")
    moved = until(torrent.session, libtern.Moved)
    assert isinstance(moved, libtern.Moved)
    assert not moved.ok and moved.reason and moved.errno
    assert torrent.save_path == str(source)


def test_use_after_remove(place: Place) -> None:
    torrent, source, _, _ = place.seed(40000)
    session, text = torrent.session, repr(torrent)
    torrent.remove()
    until(session, libtern.TorrentRemoved)
    assert tree(source)
    calls = [
        torrent.status, torrent.peers, torrent.trackers, torrent.bitfield, torrent.wanted,
        torrent.file_progress, torrent.file_priorities, torrent.piece_priorities, torrent.pause,
        torrent.partial_pieces, lambda: torrent.block_states(0),
        torrent.resume, torrent.recheck, torrent.save, torrent.remove, torrent.announce,
        torrent.scrape, lambda: torrent.save_path,
        lambda: torrent.have(0), lambda: torrent.read_piece(0), lambda: torrent.move(source),
        lambda: torrent.add_peer("127.0.0.1:1"), lambda: torrent.set_limits(1, 1),
        lambda: torrent.on_save(lambda request: True), lambda: torrent.on_verify(None),
    ]
    for function in calls:
        with pytest.raises(libtern.TorrentGone) as caught:
            function()
        assert caught.value.torrent is torrent and caught.value.code is libtern.Code.GONE
        assert isinstance(caught.value, LookupError)
    assert repr(torrent) == text and torrent == torrent and hash(torrent)
    assert session.torrents() == () and session.find(torrent.id) is None


def test_pause_resume_recheck(place: Place) -> None:
    torrent, source, _, _ = place.seed(10 * PIECE)
    session = torrent.session
    torrent.pause()
    until(session, lambda: torrent.status().state is State.PAUSED)
    assert torrent.status().is_paused
    torrent.resume()
    until(session, lambda: torrent.status().state is State.SEEDING)
    session.pause()
    until(session, lambda: torrent.status().state is State.PAUSED)
    session.resume()
    until(session, lambda: torrent.status().state is State.SEEDING)
    (file,) = torrent.files
    with open(source / file.path, "r+b") as content:
        content.seek(3 * PIECE + 5)
        content.write(b"????")
    torrent.recheck(pieces=range(2, 5))
    checked = until(session, libtern.Checked)
    assert isinstance(checked, libtern.Checked) and checked.hashed == 3
    assert [torrent.have(piece) for piece in range(10)] == [piece != 3 for piece in range(10)]
    torrent.recheck(file=0)
    until(session, libtern.Checked)
    torrent.recheck()
    until(session, libtern.Checked)
    assert torrent.status().pieces_have == 9
    with pytest.raises(ValueError):
        torrent.recheck(file=0, pieces=range(1))
    with pytest.raises(ValueError):
        torrent.recheck(pieces=range(0, 4, 2))


def test_trackers(place: Place) -> None:
    base, metainfo = place.content(40000)
    session = place.session(trackers_enabled=True)
    torrent = session.add(metainfo, save_path=base, trackers=["http://127.0.0.1:1/a"])
    assert [(t.tier, t.url) for t in torrent.trackers()] == [(0, "http://127.0.0.1:1/a")]
    torrent.add_tracker("http://127.0.0.1:1/b", 2)
    assert [t.url for t in torrent.trackers()] == ["http://127.0.0.1:1/a", "http://127.0.0.1:1/b"]
    torrent.set_trackers([["http://127.0.0.1:1/c", "http://127.0.0.1:1/d"], "http://127.0.0.1:1/e"])
    tiers = [(t.tier, t.url) for t in torrent.trackers()]
    assert sorted(tiers) == [(0, "http://127.0.0.1:1/c"), (0, "http://127.0.0.1:1/d"),
                             (1, "http://127.0.0.1:1/e")]
    assert torrent.trackers()[0].complete is None
    with pytest.raises(ValueError):
        torrent.set_trackers(["http://127.0.0.1:1/\0"])
    torrent.announce()
    torrent.scrape()
    failed = until(session, libtern.TrackerFailed)
    assert isinstance(failed, libtern.TrackerFailed)
    assert failed.url.startswith("http://127.0.0.1:1/") and failed.reason


def udp_tracker(server: socket.socket) -> None:
    """Answers connects, announces and scrapes (BEP 15) until it is told to end."""
    while True:
        packet, sender = server.recvfrom(2048)
        if packet == b"end":
            return
        action, transaction = struct.unpack_from(">II", packet, 8)
        head = struct.pack(">II", action, transaction)
        body = {0: struct.pack(">Q", 7), 1: struct.pack(">III", 1800, 2, 1),
                2: struct.pack(">III", 3, 4, 5)}[action]
        server.sendto(head + body, sender)


def test_one_tracker(place: Place) -> None:
    base, metainfo = place.content(40000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=udp_tracker, args=[server])
        thread.start()
        try:
            url = f"udp://127.0.0.1:{server.getsockname()[1]}"
            session = place.session(trackers_enabled=True)
            torrent = session.add(metainfo, save_path=base, trackers=[url])
            until(session, libtern.TrackerReply)
            torrent.scrape(url)
            counts = until(session, libtern.TrackerScraped)
            assert isinstance(counts, libtern.TrackerScraped)
            assert (counts.url, counts.seeds, counts.leechers) == (url, 3, 5)
            torrent.announce(url)
            for ask in (torrent.announce, torrent.scrape):
                with pytest.raises(libtern.NotFoundError):
                    ask("udp://127.0.0.1:1")
            stats = session.stats()
            assert (stats.udp_tracker_connects, stats.udp_tracker_reused) == (1, 1)
            assert (stats.udp_tracker_sent, stats.udp_tracker_sent_bytes) == (3, 16 + 98 + 36)
            assert (stats.udp_tracker_answers, stats.udp_tracker_failures) == (2, 0)
            received = stats.udp_tracker_received, stats.udp_tracker_received_bytes
            assert received == (3, 16 + 20 + 20)
            assert stats.udp_received >= 3 and stats.udp_sent >= 3
            torrent.pause()
            until(session, lambda: session.stats().udp_tracker_answers == 3)
        finally:
            server.sendto(b"end", server.getsockname())
            thread.join()


def test_external_addresses(place: Place) -> None:
    _, _, metainfo, address = place.seed(100000)
    leech = place.session()
    assert leech.external_addresses() == ()
    leech.add(metainfo, save_path=place.directory(), peers=[address])
    until(leech, libtern.ExternalAddress)
    assert leech.external_addresses() == (f"127.0.0.1:{leech.listen_port}",)


def test_storage_failure_is_an_event(place: Place) -> None:
    _, _, metainfo, address = place.seed(10 * PIECE)
    target = place.directory()
    (target / "tree").write_bytes(b"a file where a directory must be")
    leech = place.session()
    torrent = leech.add(metainfo, save_path=target, peers=[address])
    failed = until(leech, libtern.StorageFailed)
    assert isinstance(failed, libtern.StorageFailed)
    assert failed.errno and isinstance(failed.error, OSError) and failed.path
    until(leech, lambda: torrent.status().state is State.FAILED)
    (target / "tree").unlink()
    torrent.resume()
    until(leech, libtern.Finished)


def test_add_and_remove_do_not_leak(place: Place) -> None:
    base, metainfo = place.content(20000)
    session = place.session(listen="")
    parsed = libtern.Metainfo.parse(metainfo)

    def cycle() -> None:
        torrent = session.add(parsed, save_path=base, on_save=lambda request: torrent is not None)
        until(session, libtern.Checked)
        torrent.status()
        torrent.peers()
        torrent.remove()
        until(session, libtern.TorrentRemoved)

    def resident() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    for _ in range(50):
        cycle()
    objects, memory = len(gc.get_objects()), resident()
    for _ in range(200):
        cycle()
    assert resident() - memory < 8 << 20
    assert len(gc.get_objects()) - objects < 200
    assert session._save_hooks == {} and len(session._torrents) == 0

"""The state directory: what was in the last session comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

import libtern
from conftest import Place, until


def complete(session: libtern.Session, torrent: libtern.Torrent) -> None:
    """Waits until it is."""
    until(session, lambda: torrent.status().state is libtern.State.SEEDING)


def filled(place: Place, state: Path) -> list[bytes]:
    """A state directory with three torrents; their info-hashes in queue order."""
    session = place.session(state_dir=state)
    assert session.restore() == libtern.Restored(torrents=0, failed=0)
    torrents = []
    for number in range(3):
        base, raw = place.content(100_000 + number, seed=number)
        torrents.append(session.add(raw, save_path=base))
        complete(session, torrents[-1])
    torrents[2].queue_position = 0
    assert [t.queue_position for t in torrents] == [1, 2, 0]
    order = [t.info_hash for t in session.queue()]
    session.close()
    return order


def test_all_come_back_in_order(place: Place, tmp_path: Path) -> None:
    state = tmp_path / "state"
    order = filled(place, state)
    session = place.session(state_dir=state)
    assert session.restore() == (3, 0)
    assert [t.info_hash for t in session.queue()] == order
    for torrent in session.torrents():
        complete(session, torrent)
        status = torrent.status()
        assert (status.pieces_hashed, status.pieces_restored) == (0, status.pieces_total)
    assert session.restore().torrents == 0
    session.close()


def test_one_session_at_a_time(place: Place, tmp_path: Path) -> None:
    first = place.session(state_dir=tmp_path)
    with pytest.raises(libtern.StateDirInUse) as refused:
        place.session(state_dir=tmp_path)
    assert refused.value.path == str(tmp_path)
    assert refused.value.code is libtern.Code.IN_USE
    first.close()
    place.session(state_dir=tmp_path).close()


def test_without_a_state_directory(place: Place) -> None:
    with pytest.raises(libtern.StateError):
        place.session().restore()


def test_a_damaged_database_is_said(place: Place, tmp_path: Path) -> None:
    state = tmp_path / "state"
    filled(place, state)
    (state / "tern.db").write_bytes(b"no database at all")
    session = place.session(state_dir=state)
    event = until(session, libtern.StoreDamaged)
    assert isinstance(event, libtern.StoreDamaged)
    assert Path(event.set_aside).read_bytes() == b"no database at all"
    assert (event.salvaged, event.unchecked) == (0, 0) and event.reason
    assert session.restore().torrents == 0
    session.close()

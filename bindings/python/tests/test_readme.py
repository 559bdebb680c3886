"""Every program of the README runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import libtern
from conftest import PIECE, Place, tree

README = Path(__file__).resolve().parent.parent / "README.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="ascii"), re.M | re.S)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) == 4


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_program(
    place: Place, number: int, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    _, source, metainfo, address = place.seed(6 * PIECE + 9)
    torrent_file, target = place.top / "x.torrent", place.directory()
    torrent_file.write_bytes(metainfo)
    names: dict[str, Any] = {
        "torrent_file": str(torrent_file), "directory": str(target), "peers": [address],
        "resume_file": str(place.top / "x.resume"), "content": str(source / "tree"),
        "state_dir": str(place.directory()),
    }
    exec(compile(PROGRAMS[number], f"README program {number}", "exec"), names)
    if "create_torrent" in PROGRAMS[number]:
        assert isinstance(names["metainfo"], libtern.Metainfo)
        assert "tree 7 " in capsys.readouterr().out
    else:
        assert tree(target) == tree(source)

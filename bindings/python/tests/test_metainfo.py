"""Torrent files: made, read, refused."""

from __future__ import annotations

import hashlib
import pickle
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

import libtern
from libtern import FileFlags, Metainfo, create_torrent


def test_made_and_read(tmp_path: Path) -> None:
    top = tmp_path / "some tree"
    (top / "inner").mkdir(parents=True)
    (top / "a.bin").write_bytes(b"a" * 20000)
    (top / "inner" / "\u00fcber \u20ac.txt").write_bytes(b"b" * 13000)
    (top / "inner" / "empty").write_bytes(b"")
    when = datetime(2024, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    data = create_torrent(
        top, piece_length=16384, comment="c\u00e9", created_by="me", creation_date=when,
        source="src", private=True, web_seeds=["http://w.example/x"],
        trackers=["http://one.example/a", ["http://two.example/a", "http://three.example/a"]],
    )
    m = Metainfo.parse(data)
    assert bytes(m) == data
    assert m.name == "some tree" and m.name_raw == b"some tree"
    assert (m.comment, m.created_by, m.source) == ("c\u00e9", "me", "src")
    assert m.creation_date == int(when.timestamp())
    assert m.is_private and m.is_multi_file
    assert m.trackers == (
        ("http://one.example/a",), ("http://two.example/a", "http://three.example/a"),
    )
    assert m.web_seeds == ("http://w.example/x",) and m.nodes == ()
    assert m.info_hash == hashlib.sha1(m.info_bytes).digest()
    assert (m.total_size, m.piece_length, m.piece_count) == (33000, 16384, 3)
    assert [m.piece_size(n) for n in range(3)] == [16384, 16384, 232]
    files = {Path(f.path).name: f for f in m.files}
    assert set(files) == {"a.bin", "\u00fcber \u20ac.txt", "empty"}
    assert files["empty"].size == 0 and list(files["empty"].pieces) == []
    for number, file in enumerate(m.files):
        assert file.index == number and not file.is_padding
        assert file.path == "/".join(["some tree", *(part.decode() for part in file.raw_path)])
    content = b"".join((tmp_path / file.path).read_bytes() for file in m.files)
    for piece in range(3):
        at = piece * 16384
        assert m.piece_hash(piece) == hashlib.sha1(content[at : at + 16384]).digest()


def test_load_and_equality(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    data = create_torrent(tmp_path / "x", name="other", creation_date=0, created_by="")
    (tmp_path / "x.torrent").write_bytes(data)
    m = Metainfo.load(tmp_path / "x.torrent")
    assert m == Metainfo.parse(bytearray(data)) == Metainfo.parse(memoryview(data))
    assert hash(m) == hash(Metainfo.parse(data)) and m != data
    assert (m.name, m.creation_date, m.created_by, m.is_multi_file) == ("other", 0, "", False)
    assert "other" in repr(m) and m.info_hash.hex() in repr(m)


def test_however_it_is_hashed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(range(256)) * 1000)
    def made(**how: Any) -> bytes:
        return create_torrent(tmp_path / "x", piece_length=16384, creation_date=0, **how)
    assert made() == made(threads=2, hash_path="portable")
    with pytest.raises(libtern.InvalidArgument):
        made(hash_path="abacus")


def test_padding_and_hidden(tmp_path: Path) -> None:
    for name in ("a", "b", ".dot"):
        (tmp_path / "t" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "t" / name).write_bytes(b"x" * 20000)
    plain = Metainfo.parse(create_torrent(tmp_path / "t", piece_length=16384))
    assert [Path(f.path).name for f in plain.files] == ["a", "b"]
    padded = Metainfo.parse(
        create_torrent(tmp_path / "t", piece_length=16384, padding=True, hidden=True)
    )
    assert any(f.is_padding and f.attributes & FileFlags.PADDING for f in padded.files)
    assert all(f.offset % 16384 == 0 for f in padded.files if not f.is_padding)
    assert ".dot" in [Path(f.path).name for f in padded.files]


def test_progress_and_cancel(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(20 << 20))
    seen: list[tuple[int, int]] = []
    create_torrent(tmp_path / "x", progress=lambda *of: seen.append(of))
    assert len(seen) > 1 and seen == sorted(seen) and seen[-1] == (20 << 20, 20 << 20)
    with pytest.raises(libtern.CancelledError) as caught:
        create_torrent(tmp_path / "x", progress=lambda *_: False)
    assert caught.value.code is libtern.Code.CANCELLED

    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_torrent(tmp_path / "x", progress=interrupt)


@pytest.mark.parametrize("data", [b"", b"x", b"d4:infoi1ee", b"d4:infode", b"l" * 100000])
def test_bad_bytes(data: bytes) -> None:
    with pytest.raises(libtern.MetainfoError) as caught:
        Metainfo.parse(data)
    assert isinstance(caught.value, ValueError) and caught.value.code is libtern.Code.METAINFO


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    data = create_torrent(tmp_path / "x")
    for length in range(len(data)):
        with pytest.raises(libtern.MetainfoError):
            Metainfo.parse(data[:length])


def test_v2_only_is_unsupported() -> None:
    data = b"d4:infod9:file treed1:xd0:d6:lengthi0eeee12:meta versioni2e4:name1:x" \
        b"12:piece lengthi16384eee"
    with pytest.raises(NotImplementedError) as caught:
        Metainfo.parse(data)
    assert isinstance(caught.value, libtern.UnsupportedError)


def test_system_errors(tmp_path: Path) -> None:
    missing = tmp_path / "missing.torrent"
    with pytest.raises(FileNotFoundError) as caught:
        Metainfo.load(missing)
    error = caught.value
    assert isinstance(error, libtern.StorageError)
    assert error.errno == 2 and error.path == error.filename == str(missing)
    with pytest.raises(FileNotFoundError):
        create_torrent(missing)
    with pytest.raises(OSError):
        Metainfo.load(tmp_path)
    copied = pickle.loads(pickle.dumps(error))
    assert type(copied) is type(error)
    assert (copied.code, copied.errno, copied.path) == (error.code, error.errno, error.path)


def test_bad_arguments(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    with pytest.raises(libtern.TernError) as caught:
        create_torrent(tmp_path / "x", piece_length=12345)
    assert isinstance(caught.value, ValueError)
    with pytest.raises(ValueError):
        create_torrent(tmp_path / "x", piece_length=-1)
    with pytest.raises(UnicodeEncodeError):
        create_torrent(tmp_path / "x", comment="\ud800")
    m = Metainfo.parse(create_torrent(tmp_path / "x"))
    for wrong in (-1, 1, 1 << 40):
        with pytest.raises(IndexError):
            m.piece_hash(wrong)
        with pytest.raises(IndexError):
            m.piece_size(wrong)

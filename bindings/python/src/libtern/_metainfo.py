"""Torrent files: read and made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from ._codes import Code, CreateFlags
from ._errors import CancelledError
from ._ffi import (
    buffer_arguments,
    call,
    ffi,
    index,
    lib,
    out,
    owned_bytes,
    path_arguments,
    text_arguments,
    view_bytes,
    view_text,
)
from ._structs import FileInfo, read

StrPath = str | os.PathLike[str]
"""Paths, as the functions of `os` take them."""
Trackers = Iterable[str | Iterable[str]]
"""Trackers by tier: a lone URL is a tier of its own."""
_STEP = 8 << 20


def tiers(trackers: Trackers) -> list[tuple[int, str]]:
    """Every tracker with the number of its tier."""
    found: list[tuple[int, str]] = []
    for tier, urls in enumerate(trackers):
        found += [(tier, url) for url in ([urls] if isinstance(urls, str) else urls)]
    return found


def magnet_info_hash(link: str) -> bytes:
    """The 20 bytes of the info-hash that a magnet link names.

    Raises `MagnetError`, or `UnsupportedError` when it names no torrent of version 1.
    """
    place = ffi.new("uint8_t[20]")
    call(lib.tern_magnet_info_hash, *text_arguments(link), place)
    return bytes(ffi.buffer(place))


class Metainfo:
    """A parsed `.torrent` file. Immutable; every thread may read it."""

    __slots__ = ("__dict__", "__weakref__", "_c")

    def __init__(self, handle: Any) -> None:
        """Internal: use `Metainfo.load` or `Metainfo.parse`."""
        self._c = handle

    @classmethod
    def parse(cls, data: bytes | bytearray | memoryview) -> Metainfo:
        """Parses the bytes of a `.torrent` file. Raises `MetainfoError`, `UnsupportedError`."""
        return cls(out("tern_metainfo *", lib.tern_metainfo_parse, *buffer_arguments(data),
                       free=lib.tern_metainfo_free))

    @classmethod
    def load(cls, path: StrPath) -> Metainfo:
        """Reads and parses a `.torrent` file. Also raises `StorageError`s (`OSError`s)."""
        return cls(out("tern_metainfo *", lib.tern_metainfo_load, *path_arguments(path),
                       free=lib.tern_metainfo_free))

    @property
    def info_hash(self) -> bytes:
        """The 20 bytes of the info-hash."""
        return view_bytes(lib.tern_metainfo_info_hash(self._c))

    @property
    def name(self) -> str:
        """The name, made safe for file systems."""
        return view_text(lib.tern_metainfo_name(self._c))

    @property
    def name_raw(self) -> bytes:
        """The name as the file gives it."""
        return view_bytes(lib.tern_metainfo_name_raw(self._c))

    @property
    def comment(self) -> str:
        """The comment, empty when there is none."""
        return view_text(lib.tern_metainfo_comment(self._c))

    @property
    def created_by(self) -> str:
        """The program that made it, empty when not told."""
        return view_text(lib.tern_metainfo_created_by(self._c))

    @property
    def source(self) -> str:
        """`source` of private trackers, empty when there is none."""
        return view_text(lib.tern_metainfo_source(self._c))

    @property
    def creation_date(self) -> int:
        """When it was made, seconds since 1970, 0 when not told."""
        return int(lib.tern_metainfo_creation_date(self._c))

    @property
    def is_private(self) -> bool:
        """Whether it is private (BEP 27)."""
        return bool(lib.tern_metainfo_is_private(self._c))

    @property
    def is_multi_file(self) -> bool:
        """Whether its files lie under a directory named as the torrent."""
        return bool(lib.tern_metainfo_is_multi_file(self._c))

    @property
    def total_size(self) -> int:
        """Bytes of all files, padding included."""
        return int(lib.tern_metainfo_total_size(self._c))

    @property
    def piece_length(self) -> int:
        """Nominal bytes of a piece."""
        return int(lib.tern_metainfo_piece_length(self._c))

    @property
    def piece_count(self) -> int:
        """Number of pieces."""
        return int(lib.tern_metainfo_piece_count(self._c))

    def piece_size(self, piece: int) -> int:
        """Actual bytes of a piece."""
        return int(lib.tern_metainfo_piece_size(self._c, self._piece(piece)))

    def piece_hash(self, piece: int) -> bytes:
        """SHA-1 of a piece, 20 bytes."""
        return view_bytes(lib.tern_metainfo_piece_hash(self._c, self._piece(piece)))

    def _piece(self, piece: int) -> int:
        return index(piece, "piece", self.piece_count)

    @cached_property
    def files(self) -> tuple[FileInfo, ...]:
        """All files, padding included."""
        count = lib.tern_metainfo_file_count(self._c)
        return tuple(self._file(number) for number in range(count))

    def _file(self, number: int) -> FileInfo:
        raw = ffi.new("tern_file_info *")
        size = ffi.sizeof("tern_file_info")
        lib.tern_metainfo_file_sized(self._c, number, raw, size)
        component = lib.tern_metainfo_file_component
        parts = (component(self._c, number, part) for part in range(raw.component_count))
        return read(FileInfo, raw, index=number, raw_path=tuple(map(view_bytes, parts)))

    @property
    def trackers(self) -> tuple[tuple[str, ...], ...]:
        """URLs of the trackers, by tier."""
        found: dict[int, list[str]] = {}
        tier = ffi.new("uint32_t *")
        for number in range(lib.tern_metainfo_tracker_count(self._c)):
            url = view_text(lib.tern_metainfo_tracker(self._c, number, tier))
            found.setdefault(tier[0], []).append(url)
        return tuple(tuple(found[number]) for number in sorted(found))

    @property
    def web_seeds(self) -> tuple[str, ...]:
        """URLs of web seeds (BEP 19)."""
        count = lib.tern_metainfo_web_seed_count(self._c)
        return tuple(view_text(lib.tern_metainfo_web_seed(self._c, n)) for n in range(count))

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """DHT nodes (BEP 5): host and port."""
        port = ffi.new("uint16_t *")
        count = lib.tern_metainfo_node_count(self._c)
        hosts = (lib.tern_metainfo_node(self._c, number, port) for number in range(count))
        return tuple((view_text(host), int(port[0])) for host in hosts)

    @property
    def magnet(self) -> str:
        """The magnet link: info-hash, name, length, trackers and web seeds."""
        return owned_bytes(lib.tern_metainfo_take_magnet, self._c).decode()

    @property
    def info_bytes(self) -> bytes:
        """The `info` dictionary, verbatim."""
        return view_bytes(lib.tern_metainfo_info_bytes(self._c))

    def __bytes__(self) -> bytes:
        """The whole file, verbatim."""
        return view_bytes(lib.tern_metainfo_bytes(self._c))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Metainfo):
            return NotImplemented
        return bytes(self) == bytes(other)

    def __hash__(self) -> int:
        return hash(self.info_hash)

    def __repr__(self) -> str:
        return f"<Metainfo {self.name!r} {self.info_hash.hex()}>"


def create_torrent(
    path: StrPath,
    *,
    piece_length: int = 0,
    name: str | None = None,
    comment: str | None = None,
    created_by: str | None = None,
    creation_date: int | datetime | None = None,
    source: str | None = None,
    private: bool = False,
    trackers: Trackers = (),
    web_seeds: Iterable[str] = (),
    padding: bool = False,
    hidden: bool = False,
    symlinks: bool = False,
    threads: int = 0,
    hash_path: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> bytes:
    """Reads and hashes a file or directory; gives the bytes of its `.torrent` file.

    `piece_length` is a power of two of at least 16 KiB, 0 chooses by size. `creation_date` is now
    when not given, and left out when 0; an empty `created_by` is left out. `padding` aligns files
    to pieces (BEP 47), `hidden` includes files whose name starts with a dot, `symlinks` keeps
    links as links. `threads` read and hash, 0 takes one per processor; `hash_path` forces the
    instructions as the option of that name does. `progress(done, total)` gets bytes; returning
    False ends it with `CancelledError`, and so does an exception, Ctrl-C included.
    """
    job = out("tern_create *", lib.tern_create_new, *path_arguments(path),
              free=lib.tern_create_free)
    call(lib.tern_create_set_piece_length, job, index(piece_length, "piece length"))
    for set_text, value in [
        (lib.tern_create_set_name, name),
        (lib.tern_create_set_comment, comment),
        (lib.tern_create_set_created_by, created_by),
        (lib.tern_create_set_source, source),
        (lib.tern_create_set_hash_path, hash_path),
    ]:
        if value is not None:
            call(set_text, job, *text_arguments(value))
    if creation_date is not None:
        moment = creation_date.timestamp() if isinstance(creation_date, datetime) else creation_date
        call(lib.tern_create_set_creation_date, job, int(moment))
    call(lib.tern_create_set_private, job, private)
    flags = (
        (CreateFlags.PADDING if padding else CreateFlags.NONE)
        | (CreateFlags.HIDDEN if hidden else CreateFlags.NONE)
        | (CreateFlags.SYMLINKS if symlinks else CreateFlags.NONE)
    )
    call(lib.tern_create_set_flags, job, flags)
    call(lib.tern_create_set_threads, job, index(threads, "threads"))
    for tier, url in tiers(trackers):
        call(lib.tern_create_add_tracker, job, tier, *text_arguments(url))
    for url in web_seeds:
        call(lib.tern_create_add_web_seed, job, *text_arguments(url))
    return _run(job, progress)


def _run(job: Any, progress: Callable[[int, int], object] | None) -> bytes:
    """Works in slices: signals are handled between them, and nothing calls back."""
    done, total = ffi.new("uint64_t *"), ffi.new("uint64_t *")
    finished = 0
    while not finished:
        finished = call(lib.tern_create_step, job, _STEP, done, total)
        if progress is not None and progress(done[0], total[0]) is False:
            raise CancelledError("cancelled by progress", code=Code.CANCELLED)
    return owned_bytes(lib.tern_create_take, job)

"""What `Session.add` hands to the library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._codes import HookMode, LoadPolicy, SaveFlags
from ._ffi import buffer_arguments, call, ffi, index, lib, path_arguments, text_arguments
from ._metainfo import Metainfo, StrPath, Trackers, tiers
from ._torrent import duration, priority_arguments, verify_flags

TorrentSource = Metainfo | bytes | bytearray | memoryview | str | os.PathLike[str]
"""A torrent: parsed, as bytes, the path of a `.torrent` file, or a magnet link."""


def add_builder(
    torrent: TorrentSource | None,
    *,
    save_path: StrPath,
    resume: bytes | bytearray | memoryview | None,
    peers: Iterable[str],
    paused: bool | None,
    sequential: bool | None,
    preallocate: bool | None,
    file_priorities: Sequence[int] | Mapping[int, int] | None,
    renames: Mapping[int, StrPath] | None,
    trackers: Trackers | None,
    limits: tuple[int, int] | None,
    save_policy: SaveFlags | None,
    save_interval: float | None,
    load_policy: LoadPolicy | None,
    dht: bool | None,
    info_hash: bytes | None,
    merge: bool,
    seed_mode: bool,
    verified: bool,
    override: bool,
    saved: bool,
) -> Any:
    """A C builder out of the arguments of `Session.add`."""
    add = ffi.gc(lib.tern_add_new(), lib.tern_add_free)
    _source(add, torrent)
    if info_hash is not None:
        if torrent is not None:
            raise ValueError("either a torrent or an info-hash")
        if len(info_hash) != 20:
            raise ValueError(f"an info-hash has 20 bytes, not {len(info_hash)}")
        call(lib.tern_add_set_info_hash, add, ffi.from_buffer("uint8_t[]", info_hash))
    if merge:
        call(lib.tern_add_set_merge, add, merge)
    call(lib.tern_add_set_save_path, add, *path_arguments(save_path))
    if resume is not None:
        call(lib.tern_add_set_resume, add, *buffer_arguments(resume))
    for function, value in [
        (lib.tern_add_set_paused, paused),
        (lib.tern_add_set_sequential, sequential),
        (lib.tern_add_set_preallocate, preallocate),
        (lib.tern_add_set_dht, dht),
    ]:
        if value is not None:
            call(function, add, value)
    if isinstance(file_priorities, Mapping):
        for file, priority in file_priorities.items():
            call(lib.tern_add_set_file_priority, add, index(file, "file"),
                 index(priority, "priority"))
    elif file_priorities is not None:
        call(lib.tern_add_set_file_priorities, add, *priority_arguments(file_priorities))
    for file, path in (renames or {}).items():
        call(lib.tern_add_rename_file, add, index(file, "file"), *path_arguments(path))
    if trackers is not None:
        call(lib.tern_add_clear_trackers, add)
        for tier, url in tiers(trackers):
            call(lib.tern_add_add_tracker, add, tier, *text_arguments(url))
    for peer in peers:
        call(lib.tern_add_add_peer, add, *text_arguments(peer))
    if limits is not None:
        call(lib.tern_add_set_limits, add, *limits)
    if save_policy is not None:
        call(lib.tern_add_set_save_policy, add, save_policy, duration(save_interval))
    elif save_interval is not None:
        raise ValueError("save_interval needs save_policy")
    if load_policy is not None:
        call(lib.tern_add_set_load_policy, add, load_policy)
    if seed_mode:
        call(lib.tern_add_set_seed_mode, add, seed_mode)
    _hooks(add, verified, override, saved)
    return add


def _source(add: Any, torrent: TorrentSource | None) -> None:
    """The torrent itself."""
    if isinstance(torrent, Metainfo):
        call(lib.tern_add_set_metainfo_object, add, torrent._c)
    elif isinstance(torrent, (bytes, bytearray, memoryview)):
        call(lib.tern_add_set_metainfo, add, *buffer_arguments(torrent))
    elif isinstance(torrent, str) and torrent[:8].lower() == "magnet:?":
        call(lib.tern_add_set_magnet, add, *text_arguments(torrent))
    elif torrent is not None:
        call(lib.tern_add_set_metainfo_file, add, *path_arguments(torrent))


def _hooks(add: Any, verified: bool, override: bool, saved: bool) -> None:
    """Requests come through the queue; there is no function on the C side."""
    for wanted, function, flags in [
        (verified, lib.tern_add_set_verify_hook, verify_flags(override)),
        (saved, lib.tern_add_set_save_hook, 0),
    ]:
        if wanted:
            call(function, add, HookMode.QUEUED, flags, ffi.NULL, ffi.NULL, ffi.NULL)

"""One torrent of a session."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ._codes import BlockState, HookMode, RemoveFlags, SaveFlags, VerifyFlags
from ._errors import GoneError, NoMetadata, TernError, TorrentGone
from ._ffi import (
    array,
    buffer_arguments,
    call,
    ffi,
    index,
    lib,
    out,
    owned_bytes,
    path_arguments,
    sized,
    text_arguments,
)
from ._metainfo import Metainfo, StrPath, Trackers, tiers
from ._requests import SaveHook, VerifyHook
from ._structs import FileInfo, PeerInfo, Status, TrackerInfo, read

if TYPE_CHECKING:
    from ._session import Session

V = TypeVar("V", bound=VerifyHook)
S = TypeVar("S", bound=SaveHook)


def duration(seconds: float | None) -> int:
    """An interval in milliseconds; None is none."""
    return 0 if seconds is None else max(1, round(seconds * 1000))


class Torrent:
    """A handle of one torrent. All methods may be called from every thread.

    After the torrent was removed, or its session closed, they raise `TorrentGone`; identity,
    comparison and `repr` go on to work. Handles of the same torrent are equal. Forgetting a handle
    changes nothing; `remove` removes.
    """

    __slots__ = ("__weakref__", "_c", "_id", "_info_hash", "_name", "_session")

    def __init__(self, session: Session, handle: Any) -> None:
        """Internal: use `Session.add`."""
        self._session = session
        self._c = handle
        self._id = int(lib.tern_torrent_id(handle))
        place = ffi.new("uint8_t[20]")
        call(lib.tern_torrent_info_hash, handle, place)
        self._info_hash = bytes(ffi.buffer(place))
        self._name: str | None = None

    @property
    def session(self) -> Session:
        """The session it belongs to."""
        return self._session

    @property
    def id(self) -> int:
        """Number in the session, never used twice."""
        return self._id

    @property
    def info_hash(self) -> bytes:
        """The 20 bytes of the info-hash."""
        return self._info_hash

    @property
    def name(self) -> str:
        """Name, made safe for file systems.

        What the magnet link says, or else the info-hash, until the metadata is here.
        """
        if self._name is None:
            try:
                self._name = self.metainfo.name
            except NoMetadata:
                name: bytes = self._try(owned_bytes, lib.tern_torrent_take_name, self._c)
                return name.decode()
        return self._name

    @property
    def has_metadata(self) -> bool:
        """Whether the metadata is here. `MetadataReceived` says when it came."""
        return self.status().has_metadata

    @property
    def magnet(self) -> str:
        """The magnet link, with the present trackers."""
        link: str = self._try(owned_bytes, lib.tern_torrent_take_magnet, self._c).decode()
        return link

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Torrent):
            return NotImplemented
        return self._session is other._session and self._id == other._id

    def __hash__(self) -> int:
        return hash((id(self._session), self._id))

    def __repr__(self) -> str:
        name = f" {self._name!r}" if self._name is not None else ""
        return f"<Torrent {self._id}{name} {self._info_hash.hex()}>"

    def _about(self, error: TernError) -> TernError:
        """The exception to raise: GONE is the torrent here, and every one names it."""
        if type(error) is GoneError:
            error = TorrentGone(error.message, code=error.code, torrent_id=self._id)
        error.torrent = self
        return error

    def _try(self, helper: Any, *arguments: Any, **options: Any) -> Any:
        """One of the helpers of `_ffi`."""
        self._session._live()
        try:
            return helper(*arguments, **options)
        except TernError as error:
            raise self._about(error) from None

    def _call(self, function: Any, *arguments: Any) -> None:
        """A function that takes the handle first and gives nothing back."""
        self._try(call, function, self._c, *arguments)

    def _array(self, item: str, function: Any) -> bytes:
        """A function that fills an array."""
        return bytes(self._try(array, item, function, self._c))

    # What it is doing.

    def status(self) -> Status:
        """A snapshot."""
        return read(Status, self._try(sized, "tern_status", lib.tern_torrent_status_sized, self._c))

    @property
    def metainfo(self) -> Metainfo:
        """The parsed `.torrent` file with the present trackers. May raise `NoMetadata`."""
        return Metainfo(self._try(out, "tern_metainfo *", lib.tern_torrent_take_metainfo, self._c,
                                  free=lib.tern_metainfo_free))

    @property
    def files(self) -> tuple[FileInfo, ...]:
        """All files, padding included, with their original paths; see `file_path`."""
        return self.metainfo.files

    @property
    def save_path(self) -> str:
        """The directory the content is in now."""
        return os.fsdecode(self._try(owned_bytes, lib.tern_torrent_take_save_path, self._c))

    def file_path(self, file: int) -> str:
        """The path of a file now (renamed or not), relative to the save path."""
        number = index(file, "file")
        data = self._try(owned_bytes, lib.tern_torrent_take_file_path, self._c, number)
        return os.fsdecode(data)

    def bitfield(self) -> bytes:
        """The pieces we have: one bit each in wire order (first piece = highest bit)."""
        return self._array("uint8_t", lib.tern_torrent_bitfield)

    def wanted(self) -> bytes:
        """The pieces we want and do not have, as `bitfield`."""
        return self._array("uint8_t", lib.tern_torrent_wanted)

    def have(self, piece: int) -> bool:
        """Whether we have this piece."""
        bits = self.bitfield()
        index(piece, "piece", self.status().pieces_total)
        return bool(bits[piece >> 3] >> (7 - (piece & 7)) & 1)

    def file_progress(self) -> tuple[int, ...]:
        """Bytes of each file that are in pieces we have."""
        return tuple(memoryview(self._array("uint64_t", lib.tern_torrent_file_progress)).cast("Q"))

    def partial_pieces(self) -> tuple[int, ...]:
        """Pieces in progress, by index: those with a block that is requested or received."""
        return tuple(memoryview(self._array("uint32_t", lib.tern_torrent_partial_pieces)).cast("I"))

    def block_states(self, piece: int) -> tuple[BlockState, ...]:
        """How far each block of a piece is, in blocks of 16 KiB. A piece we have is written in
        whole, one that is not in progress is missing in whole."""
        number = index(piece, "piece")
        function = lib.tern_torrent_block_states
        return tuple(map(BlockState, bytes(self._try(array, "uint8_t", function, self._c, number))))

    def read_piece(self, piece: int) -> bytes:
        """Reads a piece from the disk, whether it passed or not."""
        number = index(piece, "piece")
        data: bytes = self._try(owned_bytes, lib.tern_torrent_read_piece, self._c, number)
        return data

    def peers(self) -> tuple[PeerInfo, ...]:
        """A snapshot of the connected peers."""
        taken = self._try(out, "tern_peers *", lib.tern_torrent_take_peers, self._c,
                          free=lib.tern_peers_free)
        raw, size = ffi.new("tern_peer_info *"), ffi.sizeof("tern_peer_info")
        found = []
        for number in range(lib.tern_peers_len(taken)):
            lib.tern_peers_get_sized(taken, number, raw, size)
            found.append(read(PeerInfo, raw))
        return tuple(found)

    def trackers(self) -> tuple[TrackerInfo, ...]:
        """A snapshot of the trackers, by tier."""
        taken = self._try(out, "tern_trackers *", lib.tern_torrent_take_trackers, self._c,
                          free=lib.tern_trackers_free)
        raw, size = ffi.new("tern_tracker_info *"), ffi.sizeof("tern_tracker_info")
        found = []
        for number in range(lib.tern_trackers_len(taken)):
            lib.tern_trackers_get_sized(taken, number, raw, size)
            found.append(read(TrackerInfo, raw))
        return tuple(found)

    # What it should do.

    def pause(self) -> None:
        """Stops: disconnects, flushes, closes files."""
        self._call(lib.tern_torrent_pause)

    def resume(self) -> None:
        """Goes on; also retries after an error."""
        self._call(lib.tern_torrent_resume)

    def set_dht(self, on: bool) -> None:
        """Whether it is looked up and announced in the DHT; private torrents never are."""
        self._call(lib.tern_torrent_set_dht, on)

    def dht_announce(self) -> None:
        """Looks it up and announces it in the DHT now. `StateError` when that cannot be."""
        self._call(lib.tern_torrent_dht_announce)

    def recheck(self, *, file: int | None = None, pieces: range | None = None) -> None:
        """Checks all pieces again, or those of one file, or of a range."""
        if file is not None and pieces is not None:
            raise ValueError("either a file or pieces")
        if file is not None:
            self._call(lib.tern_torrent_recheck_file, index(file, "file"))
        elif pieces is not None:
            if pieces.step != 1:
                raise ValueError(f"not a range of neighbours: {pieces}")
            self._call(lib.tern_torrent_recheck_pieces, index(pieces.start), index(pieces.stop))
        else:
            self._call(lib.tern_torrent_recheck)

    def remove(self, *, delete_files: bool = False, keep_state: bool = False) -> None:
        """Removes the torrent from its session. `TorrentRemoved` follows.

        Its state in the built-in store goes too, unless `keep_state`; with that, a last save
        happens first.
        """
        flags = RemoveFlags.FILES if delete_files else RemoveFlags.NONE
        self._call(
            lib.tern_torrent_remove, flags | RemoveFlags.KEEP_STATE if keep_state else flags
        )

    def save(self) -> None:
        """Asks for resume data to be handed out now, even if nothing changed."""
        self._call(lib.tern_torrent_save)

    def request_save(self, flags: SaveFlags = SaveFlags.NONE) -> int:
        """As `save()`, if something changed that `flags` (`SaveFlags.IF_...`; none: in any case)
        name, with the `info` dictionary if they have `SaveFlags.WITH_INFO`.

        Returns the ticket of the one `SaveDone` that says what it came to.
        """
        ticket = ffi.new("uint64_t *")
        self._call(lib.tern_torrent_request_save, flags, ticket)
        return int(ticket[0])

    def set_save_policy(self, flags: SaveFlags, interval: float | None = None) -> None:
        """When to save: on what, and every so many seconds (None for no interval)."""
        self._call(lib.tern_torrent_set_save_policy, flags, duration(interval))

    @property
    def queue_position(self) -> int:
        """How many torrents stand before this one in the session's queue.

        Setting it moves the torrent, so that so many stand before it; all others when there are
        fewer. `state_dir` keeps the order and `Session.restore` brings it back. The order starts
        and stops nothing.
        """
        place = ffi.new("uint32_t *")
        self._call(lib.tern_torrent_queue_position, place)
        return int(place[0])

    @queue_position.setter
    def queue_position(self, position: int) -> None:
        self._call(lib.tern_torrent_set_queue_position, index(position, "position"))

    def set_sequential(self, sequential: bool) -> None:
        """Fetch in order, or rarest first."""
        self._call(lib.tern_torrent_set_sequential, sequential)

    def set_limits(self, download: int = 0, upload: int = 0) -> None:
        """Bytes per second, 0 unlimited."""
        self._call(lib.tern_torrent_set_limits, download, upload)

    def set_max_connections(self, connections: int) -> None:
        """Most connections, at least 1."""
        self._call(lib.tern_torrent_set_max_connections, index(connections, "connections"))

    def set_upload_slots(self, slots: int) -> None:
        """Peers uploaded to at once, at least 1."""
        self._call(lib.tern_torrent_set_upload_slots, index(slots, "slots"))

    def file_priorities(self) -> tuple[int, ...]:
        """Priority of each file, 0 (not fetched) to 7; 4 is normal."""
        return tuple(self._array("uint8_t", lib.tern_torrent_file_priorities))

    def set_file_priorities(self, priorities: Sequence[int] | Mapping[int, int]) -> None:
        """Priorities of all files (those beyond the end become normal), or of some."""
        if isinstance(priorities, Mapping):
            for file, priority in priorities.items():
                self.set_file_priority(file, priority)
        else:
            self._call(lib.tern_torrent_set_file_priorities, *priority_arguments(priorities))

    def set_file_priority(self, file: int, priority: int) -> None:
        """Priority of a file, 0 (do not fetch) to 7; 4 is normal."""
        self._call(lib.tern_torrent_set_file_priority, index(file, "file"),
                   index(priority, "priority"))

    def piece_priorities(self) -> tuple[int, ...]:
        """Priority of each piece, 0 to 7."""
        return tuple(self._array("uint8_t", lib.tern_torrent_piece_priorities))

    def set_piece_priority(self, piece: int, priority: int) -> None:
        """Priority of a piece, 0 to 7."""
        self._call(lib.tern_torrent_set_piece_priority, index(piece, "piece"),
                   index(priority, "priority"))

    def move(self, save_path: StrPath) -> None:
        """Moves the content to another directory. `Moved` follows."""
        self._call(lib.tern_torrent_move, *path_arguments(save_path))

    def rename_file(self, file: int, path: StrPath) -> None:
        """Renames a file, relative to the save path. `Renamed` follows."""
        self._call(lib.tern_torrent_rename_file, index(file, "file"), *path_arguments(path))

    def add_peer(self, address: str) -> None:
        """Connects to `192.0.2.1:6881` or `[2001:db8::1]:6881` now."""
        self._call(lib.tern_torrent_add_peer, *text_arguments(address))

    def ban_peer(self, address: str) -> None:
        """Bans this address (a port is ignored) and closes its connections."""
        self._call(lib.tern_torrent_ban_peer, *text_arguments(address))

    def drop_peer(self, peer: int) -> None:
        """Closes one connection: `PeerInfo.peer`."""
        self._call(lib.tern_torrent_drop_peer, peer)

    def add_tracker(self, url: str, tier: int = 0) -> None:
        """One more tracker."""
        self._call(lib.tern_torrent_add_tracker, index(tier, "tier"), *text_arguments(url))

    def set_trackers(self, trackers: Trackers) -> None:
        """Replaces all trackers."""
        wanted = tiers(trackers)
        if any("\0" in url for _, url in wanted):
            raise ValueError("a NUL in the URL of a tracker")
        texts = [ffi.new("char[]", url.encode()) for _, url in wanted]
        numbers = ffi.new("uint32_t[]", [tier for tier, _ in wanted])
        self._call(lib.tern_torrent_set_trackers, ffi.new("char *[]", texts), numbers, len(wanted))

    def announce(self, tracker: str | None = None) -> None:
        """Announces as soon as the trackers' minimum interval allows.

        To one `tracker` of the torrent also when it is asked only when those before it fail.
        """
        if tracker is None:
            self._call(lib.tern_torrent_announce)
        else:
            self._call(lib.tern_torrent_announce_tracker, *text_arguments(tracker))

    def scrape(self, tracker: str | None = None) -> None:
        """Asks the trackers, or one of the torrent's, for their counts. `TrackerScraped` follows.

        Of one `tracker` a `TrackerFailed` also when it cannot be asked.
        """
        if tracker is None:
            self._call(lib.tern_torrent_scrape)
        else:
            self._call(lib.tern_torrent_scrape_tracker, *text_arguments(tracker))

    def set_wire_notices(self, on: bool) -> None:
        """Events for single messages of peers; `EventClass.WIRE` must be subscribed too."""
        self._call(lib.tern_torrent_set_wire_notices, on)

    # Hooks.

    def on_verify(self, hook: V | None, *, override: bool = False) -> V | None:
        """Sets who is asked about every piece; None goes back to the session's.

        The function gets a `VerifyRequest` in whichever thread pumps the session. Also a decorator.
        With `override` it is asked about pieces whose hash did not match, too, and may accept them.
        """
        self._set_hook(lib.tern_torrent_set_verify_hook, self._session._verify_hooks, hook,
                       verify_flags(override))
        return hook

    def on_save(self, hook: S | None) -> S | None:
        """Sets who keeps resume data; None goes back to the session's.

        The function gets a `SaveRequest` in whichever thread pumps the session. Also a decorator.
        """
        self._set_hook(lib.tern_torrent_set_save_hook, self._session._save_hooks, hook)
        return hook

    def _set_hook(
        self, function: Any, hooks: dict[int, Any], hook: Any, flags: int = 0
    ) -> None:
        mode = HookMode.NONE if hook is None else HookMode.QUEUED
        self._session._live()
        with self._session._lock:
            self._call(function, mode, flags, ffi.NULL, ffi.NULL, ffi.NULL)
            if hook is None:
                hooks.pop(self._id, None)
            else:
                hooks[self._id] = hook


def verify_flags(override: bool) -> VerifyFlags:
    """Flags of a verify hook."""
    return VerifyFlags.OVERRIDE if override else VerifyFlags.NONE


def priority_arguments(priorities: Iterable[int]) -> tuple[Any, int]:
    """Priorities as the two arguments C wants; it checks the range."""
    return buffer_arguments(bytes(min(max(index(p, "priority"), 0), 255) for p in priorities))

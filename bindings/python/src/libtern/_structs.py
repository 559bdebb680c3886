"""Snapshots: immutable copies of the C structures, with Python's types."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ._codes import FileFlags, PeerFlags, PeerSource, State
from ._ffi import ffi, view_bytes, view_path, view_text

T = TypeVar("T")


def _fixed(value: Any) -> bytes:
    """A byte array inside a structure."""
    return bytes(ffi.buffer(value))


def _known(value: int) -> int | None:
    """-1 means that nobody told."""
    return None if value < 0 else value


def _by_source(value: Any) -> dict[PeerSource, int]:
    """Counts by source; sources without one are left out."""
    return {PeerSource(number): count for number, count in enumerate(value) if count}


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "Status.state": State,
    "Status.need_save": bool,
    "Status.sequential": bool,
    "Status.is_finished": bool,
    "Status.is_paused": bool,
    "Status.has_metadata": bool,
    "Status.known_by_source": _by_source,
    "Status.peers_by_source": _by_source,
    "PeerInfo.flags": PeerFlags,
    "PeerInfo.addr": view_text,
    "PeerInfo.client": view_text,
    "PeerInfo.bitfield": view_bytes,
    "PeerInfo.peer_id": _fixed,
    "PeerInfo.handshake_bits": _fixed,
    "PeerInfo.source": PeerSource,
    "TrackerInfo.url": view_text,
    "TrackerInfo.message": view_text,
    "TrackerInfo.updating": bool,
    "TrackerInfo.verified": bool,
    "TrackerInfo.next_announce_secs": _known,
    "TrackerInfo.complete": _known,
    "TrackerInfo.incomplete": _known,
    "TrackerInfo.downloaded": _known,
    "FileInfo.attributes": FileFlags,
    "FileInfo.path": view_path,
    "FileInfo.symlink": view_path,
}
"""How members that are not plain numbers become Python values."""


def read(kind: type[T], raw: Any, **more: Any) -> T:
    """A dataclass of this module out of its C structure; members C does not have are given."""
    values = dict(more)
    for member in fields(kind):  # type: ignore[arg-type]
        if member.name not in more:
            convert = _CONVERT.get(f"{kind.__name__}.{member.name}", _same)
            values[member.name] = convert(getattr(raw, member.name))
    return kind(**values)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Stats:
    """Snapshot of a session."""

    torrents: int
    """Torrents."""
    queued_events: int
    """Events waiting in the queue, requests included."""
    open_requests: int
    """Requests handed out or waiting, not answered."""
    dropped_notices: int
    """Notices dropped since the session started."""
    listen_port: int
    """First listen port, 0 when not listening."""
    peers: int
    """Established peer connections."""
    downloaded: int
    """Payload bytes received, all torrents that are still there."""
    uploaded: int
    """Payload bytes sent, all torrents that are still there."""
    download_rate: int
    """Payload bytes per second."""
    upload_rate: int
    """Payload bytes per second."""
    udp_received: int
    """Datagrams received at the addresses the session listens on, of whatever kind."""
    udp_received_bytes: int
    """Bytes in them."""
    udp_sent: int
    """Datagrams sent from there."""
    udp_sent_bytes: int
    """Bytes in them."""
    udp_unsent: int
    """Datagrams the system did not take."""
    udp_dropped: int
    """Datagrams received that are of no use to anybody here."""
    udp_malformed: int
    """Datagrams received of a known kind that make no sense."""
    udp_tracker_received: int
    """Datagrams received from UDP trackers that were asked something."""
    udp_tracker_received_bytes: int
    """Bytes in them."""
    udp_tracker_sent: int
    """Datagrams sent to UDP trackers."""
    udp_tracker_sent_bytes: int
    """Bytes in them."""
    udp_tracker_answers: int
    """Announces and scrapes UDP trackers answered; a scrape of many torrents is one."""
    udp_tracker_failures: int
    """Announces and scrapes UDP trackers refused or did not answer."""
    udp_tracker_connects: int
    """Connection ids UDP trackers were asked for."""
    udp_tracker_reused: int
    """Announces and scrapes sent under a connection id that had been used before."""


@dataclass(frozen=True, slots=True)
class DhtStats:
    """Snapshot of the DHT."""

    endpoints: int
    """Addresses it listens on, 0 when it is off."""
    nodes: int
    """Nodes that answered us, over all addresses."""
    torrents: int
    """Torrents of ours that are looked up and announced."""
    lookups: int
    """Lookups under way."""
    pointers: int
    """Pointers followed and published."""
    stored_torrents: int
    """Torrents whose peers we keep for others."""
    stored_peers: int
    """Peers we keep for others."""
    stored_items: int
    """Items we keep for others."""
    queries_in: int
    """Queries we answered."""
    queries_out: int
    """Queries we sent."""
    answers_in: int
    """Of these, how many were answered."""
    received: int
    """Datagrams received."""
    received_bytes: int
    """Bytes received."""
    sent: int
    """Datagrams sent."""
    sent_bytes: int
    """Bytes sent."""
    receive_rate: int
    """Bytes per second received."""
    send_rate: int
    """Bytes per second sent."""
    garbage: int
    """Datagrams that were no message."""
    unsolicited: int
    """Answers nobody waited for."""
    flooded: int
    """Queries dropped because their sender sends too many."""
    throttled: int
    """Answers not sent because of the rate limit."""
    bad_tokens: int
    """Stores refused for a bad token."""


@dataclass(frozen=True, slots=True)
class Status:
    """Snapshot of a torrent."""

    state: State
    """What it is doing."""
    pieces_have: int
    """Pieces we have."""
    pieces_total: int
    """Pieces in all."""
    total_size: int
    """Bytes of the torrent, padding included."""
    bytes_have: int
    """Bytes of the pieces we have."""
    wanted_size: int
    """Bytes in files with a priority above 0."""
    wanted_have: int
    """Of these, bytes in pieces we have."""
    progress: float
    """0..1 of the check under way, else of the wanted bytes."""
    downloaded: int
    """Payload bytes received this session."""
    uploaded: int
    """Payload bytes sent this session."""
    wire_received: int
    """All bytes received from peers this session, protocol included."""
    wire_sent: int
    """All bytes sent to peers this session, protocol included."""
    wasted: int
    """Bytes received in vain: duplicates, and pieces that failed."""
    total_downloaded: int
    """Payload bytes received in all sessions."""
    total_uploaded: int
    """Payload bytes sent in all sessions."""
    download_rate: int
    """Payload bytes per second, smoothed."""
    upload_rate: int
    """Payload bytes per second, smoothed."""
    peers: int
    """Established connections."""
    seeds: int
    """Of these, to peers that have everything."""
    half_open: int
    """Connection attempts under way."""
    known_peers: int
    """Addresses known."""
    unchoked: int
    """Peers we upload to."""
    pieces_hashed: int
    """Pieces hashed since the torrent was added (check and download)."""
    pieces_restored: int
    """Pieces restored from saved state without hashing."""
    pieces_failed: int
    """Pieces that did not match."""
    availability: float
    """Copies of the rarest piece among connected peers, ours not counted."""
    durable_generation: int
    """Generation last made durable by the save hook or the built-in store."""
    active_secs: int
    """Seconds active in all sessions."""
    added_time: int
    """When added, seconds since 1970."""
    completed_time: int
    """When completed, seconds since 1970, 0 not yet."""
    need_save: bool
    """Whether there are unsaved changes."""
    sequential: bool
    """Whether pieces are fetched in order."""
    download_limit: int
    """Bytes per second the torrent may receive, 0 unlimited."""
    upload_limit: int
    """Bytes per second the torrent may send, 0 unlimited."""
    is_finished: bool
    """Whether all wanted pieces are here."""
    is_paused: bool
    """Whether stopped by the host (or not started yet because added so)."""
    has_metadata: bool
    """Whether the metadata is here; see `State.METADATA`."""
    known_by_source: dict[PeerSource, int]
    """`known_peers` by where they were first heard of."""
    peers_by_source: dict[PeerSource, int]
    """`peers` by where their addresses came from."""


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """One connected peer."""

    peer: int
    """Number of the connection, unique in the session."""
    addr: str
    """Address, `192.0.2.1:6881` or `[2001:db8::1]:6881`."""
    client: str
    """Client name from the extension handshake, else empty."""
    flags: PeerFlags
    """State of the connection."""
    bitfield: bytes
    """Pieces it has, wire order (first piece = highest bit)."""
    peer_id: bytes
    """Peer id, zeros before the handshake."""
    handshake_bits: bytes
    """Reserved bits of its handshake."""
    source: PeerSource
    """Who told us about it."""
    downloaded: int
    """Payload bytes from it."""
    uploaded: int
    """Payload bytes to it."""
    download_rate: int
    """Payload bytes per second."""
    upload_rate: int
    """Payload bytes per second."""
    pieces_have: int
    """Pieces it has."""
    requests_out: int
    """Our requests outstanding at it."""
    requests_in: int
    """Its requests queued with us."""
    bad_pieces: int
    """Bad pieces it took part in."""
    connected_secs: int
    """Seconds connected."""


@dataclass(frozen=True, slots=True)
class TrackerInfo:
    """One tracker."""

    tier: int
    """Tier, from 0."""
    url: str
    """URL."""
    message: str
    """Last failure or warning, empty when there is none."""
    fails: int
    """Announces that failed in a row."""
    updating: bool
    """Whether an announce is under way."""
    verified: bool
    """Whether it replied in this session."""
    next_announce_secs: int | None
    """Seconds until it may be asked again, None when nothing is planned."""
    complete: int | None
    """Seeds by its last reply."""
    incomplete: int | None
    """Leechers by its last reply."""
    downloaded: int | None
    """Completed downloads by its last reply."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a torrent."""

    index: int
    """Number of the file."""
    path: str
    """Safe path relative to the save path, `/` between components."""
    size: int
    """Bytes."""
    offset: int
    """Offset of its first byte in the torrent."""
    first_piece: int
    """First piece that holds bytes of it."""
    end_piece: int
    """One past its last piece; equal to `first_piece` for an empty file."""
    attributes: FileFlags
    """Attributes (BEP 47)."""
    symlink: str
    """Target of a symbolic link, empty for other files."""
    raw_path: tuple[bytes, ...]
    """Components of the path as the `.torrent` gives them."""

    @property
    def is_padding(self) -> bool:
        """Whether it is padding: reads as zeros, is never stored."""
        return bool(self.attributes & FileFlags.PADDING)

    @property
    def pieces(self) -> range:
        """The pieces that hold bytes of it."""
        return range(operator.index(self.first_piece), operator.index(self.end_piece))

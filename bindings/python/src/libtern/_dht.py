"""The DHT: `Session.dht`, and the functions that make and check items."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ._codes import DhtFlags, HookMode
from ._dht_events import DhtNode, DhtQuery, nodes_of
from ._ffi import (
    buffer_arguments,
    call,
    ffi,
    lib,
    out,
    owned_bytes,
    path_arguments,
    sized,
    text_arguments,
)
from ._requests import Answer, Request
from ._structs import DhtStats, read

if TYPE_CHECKING:
    from ._metainfo import StrPath
    from ._session import Session


def _exact(value: bytes, length: int, what: str) -> bytes:
    if len(value) != length:
        raise ValueError(f"{what} has {length} bytes, not {len(value)}")
    return bytes(value)


class DhtKeys(NamedTuple):
    """An ed25519 key pair."""

    secret: bytes
    """64 bytes, expanded form. Keep it secret."""
    public: bytes
    """32 bytes."""


def dht_keypair(seed: bytes | None = None) -> DhtKeys:
    """The key pair that follows from 32 bytes of entropy; the system's by default."""
    seed = os.urandom(32) if seed is None else _exact(seed, 32, "a seed")
    secret, public = ffi.new("uint8_t[64]"), ffi.new("uint8_t[32]")
    call(lib.tern_dht_keypair, seed, secret, public)
    return DhtKeys(bytes(ffi.buffer(secret)), bytes(ffi.buffer(public)))


def dht_sign(secret: bytes, seq: int, value: bytes, salt: bytes = b"") -> bytes:
    """Signs a bencoded value as one version of an item (BEP 44): 64 bytes."""
    signature = ffi.new("uint8_t[64]")
    call(lib.tern_dht_sign, _exact(secret, 64, "a secret key"), *buffer_arguments(salt), seq,
         *buffer_arguments(value), signature)
    return bytes(ffi.buffer(signature))


def dht_target(value: bytes | None = None, *, key: bytes | None = None, salt: bytes = b"") -> bytes:
    """Where an item is stored (BEP 44), 20 bytes: by a bencoded value, or by a key and a salt."""
    target = ffi.new("uint8_t[20]")
    owner = ffi.NULL if key is None else _exact(key, 32, "a key")
    call(lib.tern_dht_target, owner, *buffer_arguments(salt), *buffer_arguments(value or b""),
         target)
    return bytes(ffi.buffer(target))


@dataclass(frozen=True, slots=True, eq=False)
class DhtRequest(Request):
    """May this query of somebody be answered? Void after five seconds without an answer."""

    query: DhtQuery = field(kw_only=True)
    """What is asked, and by whom."""

    @classmethod
    def of(cls, session: Session, event: DhtQuery) -> DhtRequest:
        """The request that a query is."""
        nobody: Any = None
        return cls(event.token, session, time_ms=event.time_ms, torrent=nobody, query=event)


DhtHook = Callable[[DhtRequest], "Answer | Awaitable[Answer]"]
"""A function for `Dht.on_query`. Coroutine functions need `libtern.aio`."""


class Dht:
    """The DHT of a session (BEP 5, 32, 33, 42 to 46, 51), usable without any torrent.

    Methods that give a token do not wait. What comes of them are events with that token; the one
    that ends it is never dropped, and comes whatever is subscribed. A call made before the node
    found the network waits for it, for some seconds.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _begin(self, function: Any, *arguments: Any) -> int:
        return int(out("uint64_t", function, self._session._live(), *arguments))

    def get_peers(
        self, info_hash: bytes, *, announce: bool = False, port: int = 0, seed: bool = False,
        scrape: bool = False, noseed: bool = False,
    ) -> int:
        """Looks for peers of a torrent: `DhtPeers`, `DhtScraped`, `DhtPeersDone`.

        With `announce` it is announced too, at `port` or the session's own.
        """
        flags = DhtFlags.NONE
        for wanted, flag in (
            (announce, DhtFlags.ANNOUNCE), (seed, DhtFlags.SEED), (scrape, DhtFlags.SCRAPE),
            (noseed, DhtFlags.NOSEED),
        ):
            if wanted:
                flags |= flag
        info_hash = _exact(info_hash, 20, "an info-hash")
        return self._begin(lib.tern_session_dht_get_peers, info_hash, int(flags), port)

    def announce(self, info_hash: bytes, *, port: int = 0, seed: bool = False) -> int:
        """Announces a torrent; as `get_peers` with `announce`."""
        return self.get_peers(info_hash, announce=True, port=port, seed=seed)

    def get(
        self, target: bytes | None = None, *, key: bytes | None = None, salt: bytes = b""
    ) -> int:
        """Finds an item (BEP 44), by its target or by its owner's key and a salt.

        Comes as `DhtItemFound`, with each newer version, and `DhtItemDone`.
        """
        if (target is None) == (key is None):
            raise TypeError("either a target or a key")
        if key is not None:
            key = _exact(key, 32, "a key")
            return self._begin(lib.tern_session_dht_get_mutable, key, *buffer_arguments(salt))
        return self._begin(lib.tern_session_dht_get, _exact(target or b"", 20, "a target"))

    def put(
        self, value: bytes, *, secret: bytes | None = None, salt: bytes = b"",
        replaces: int | None = None,
    ) -> int:
        """Stores a bencoded value (BEP 44): under its hash, or signed with a secret key.

        Signed, it is the next version; it fails where `replaces` is given and another version than
        that is the newest. Comes as `DhtPutDone`.
        """
        if secret is None:
            return self._begin(lib.tern_session_dht_put, *buffer_arguments(value))
        return self._begin(
            lib.tern_session_dht_put_mutable, _exact(secret, 64, "a secret key"),
            *buffer_arguments(salt), *buffer_arguments(value), -1 if replaces is None else replaces,
        )

    def put_signed(
        self, key: bytes, seq: int, signature: bytes, value: bytes, salt: bytes = b""
    ) -> int:
        """Stores an item that somebody signed, to keep it alive. Comes as `DhtPutDone`."""
        return self._begin(
            lib.tern_session_dht_put_signed, _exact(key, 32, "a key"), *buffer_arguments(salt), seq,
            _exact(signature, 64, "a signature"), *buffer_arguments(value),
        )

    def ping(self, address: str) -> int:
        """Asks a node whether it is there: `DhtPong` or `DhtFailed`."""
        return self._begin(lib.tern_session_dht_ping, *text_arguments(address))

    def find_node(self, target: bytes) -> int:
        """Finds the nodes nearest to a target: `DhtNodes`."""
        return self._begin(lib.tern_session_dht_find_node, _exact(target, 20, "a target"))

    def sample(self, target: bytes, address: str = "") -> int:
        """Asks for info-hashes (BEP 51), one node or all on the way to a target: `DhtSamples`."""
        target = _exact(target, 20, "a target")
        return self._begin(lib.tern_session_dht_sample, target, *text_arguments(address))

    def follow(
        self, key: bytes, salt: bytes = b"", *, interval: int = 3600, save_path: StrPath = ""
    ) -> int:
        """Follows a pointer to a torrent (BEP 46) until `cancel`: `DhtUpdate`.

        Every `interval` seconds it is asked for. With a save path the torrents it points at are
        added there by their info-hashes.
        """
        return self._begin(
            lib.tern_session_dht_follow, _exact(key, 32, "a key"),
            *buffer_arguments(salt), interval,
            *path_arguments(save_path),
        )

    def publish(self, secret: bytes, info_hash: bytes, salt: bytes = b"") -> int:
        """Publishes a pointer to a torrent (BEP 46) and keeps it alive until `cancel`.

        Comes as `DhtPublished`.
        """
        return self._begin(
            lib.tern_session_dht_publish, _exact(secret, 64, "a secret key"),
            *buffer_arguments(salt), _exact(info_hash, 20, "an info-hash"),
        )

    def cancel(self, token: int) -> None:
        """Ends what runs under a token. What is queued stays; fine when nothing runs."""
        call(lib.tern_session_dht_cancel, self._session._live(), token)

    def add_node(self, host: str) -> None:
        """A node to get acquainted with, `host:port`; names are resolved."""
        call(lib.tern_session_dht_add_node, self._session._live(), *text_arguments(host))

    @property
    def id(self) -> bytes:
        """Our id at the first listening address, 20 bytes; may be set. `StateError` without one."""
        place = ffi.new("uint8_t[20]")
        call(lib.tern_session_dht_id, self._session._live(), place)
        return bytes(ffi.buffer(place))

    @id.setter
    def id(self, value: bytes) -> None:
        call(lib.tern_session_dht_set_id, self._session._live(), _exact(value, 20, "an id"))

    def nodes(self) -> tuple[DhtNode, ...]:
        """The nodes that are known to be there."""
        text = owned_bytes(lib.tern_session_take_dht_nodes, self._session._live())
        return nodes_of(text.decode())

    def stats(self) -> DhtStats:
        """A snapshot; zeros while the DHT is off."""
        return read(
            DhtStats,
            sized("tern_dht_stats", lib.tern_session_dht_stats_sized, self._session._live()),
        )

    def on_query(self, hook: DhtHook | None) -> DhtHook | None:
        """Sets who is asked about each query of others before it is answered."""
        session = self._session
        mode = HookMode.NONE if hook is None else HookMode.QUEUED
        call(lib.tern_session_set_dht_hook, session._live(), mode, 0, ffi.NULL, ffi.NULL, ffi.NULL)
        session._dht_hook = hook
        return hook

    def __repr__(self) -> str:
        return f"<Dht of {self._session!r}>"

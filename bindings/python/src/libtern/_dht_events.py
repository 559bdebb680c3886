"""Events of the DHT: results of commands, by their tokens, and what happens there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ._codes import Code, DhtQueryKind, EventClass, EventKind
from ._events import Event, Raw


class DhtNode(NamedTuple):
    """A node of the DHT."""

    id: bytes
    """20 bytes."""
    address: str
    """`192.0.2.1:6881` or `[2001:db8::1]:6881`."""


def nodes_of(text: str) -> tuple[DhtNode, ...]:
    """Nodes as the library writes them: one a line, id, a space, address."""
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return tuple(DhtNode(bytes.fromhex(node), address) for node, address in pairs)


class DhtItem(NamedTuple):
    """An item that is stored in the DHT (BEP 44)."""

    value: bytes
    """Bencoded."""
    seq: int | None
    """Sequence number; None for an immutable item."""
    key: bytes | None
    """The owner's public key, 32 bytes; None for an immutable item."""
    signature: bytes | None
    """64 bytes; None for an immutable item."""


def _item(raw: Raw) -> DhtItem:
    mutable = raw.c.a >= 0
    key = bytes.fromhex(raw.text) if mutable and len(raw.text) == 64 else None
    signature = bytes.fromhex(raw.text2) if mutable and raw.text2 else None
    return DhtItem(bytes(raw.data), int(raw.c.a) if mutable else None, key, signature)


@dataclass(frozen=True, slots=True)
class DhtEvent(Event):
    """An event of the DHT."""

    token: int
    """What the method gave that began it; 0 when the host did not."""


@dataclass(frozen=True, slots=True)
class DhtPeers(DhtEvent):
    """Peers were found, by a lookup of the host's or of a torrent; more may follow."""

    kind = EventKind.DHT_PEERS
    classes = EventClass.DHT
    peers: tuple[str, ...]
    """Their addresses, each told once."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, tuple(raw.text.splitlines())


@dataclass(frozen=True, slots=True)
class DhtPeersDone(DhtEvent):
    """A lookup of peers is over, the host's or a torrent's."""

    kind = EventKind.DHT_PEERS_DONE
    classes = EventClass.DHT
    found: int
    """Peers found."""
    announced: int
    """Nodes that took our announce."""
    answered: int
    """Nodes that answered."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.c.a, raw.c.b, raw.c.c


@dataclass(frozen=True, slots=True)
class DhtScraped(DhtEvent):
    """The size of a swarm, estimated (BEP 33)."""

    kind = EventKind.DHT_SCRAPED
    classes = EventClass.DHT
    seeds: int
    """Seeds."""
    downloaders: int
    """Downloaders."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.c.a, raw.c.b


@dataclass(frozen=True, slots=True)
class DhtItemFound(DhtEvent):
    """An item was found; a newer version may follow."""

    kind = EventKind.DHT_ITEM
    classes = EventClass.DHT
    item: DhtItem
    """The item, with a hash or signature that fits."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, _item(raw)


@dataclass(frozen=True, slots=True)
class DhtItemDone(DhtEvent):
    """The search for an item is over."""

    kind = EventKind.DHT_ITEM_DONE
    classes = EventClass.DHT
    item: DhtItem | None
    """Its newest version; None when nobody has it."""
    copies: int
    """Nodes that had this version."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        found = raw.c.code != Code.NOT_FOUND
        return raw.c.token, _item(raw) if found else None, raw.c.b


@dataclass(frozen=True, slots=True)
class DhtPutDone(DhtEvent):
    """An item was stored, or not."""

    kind = EventKind.DHT_PUT_DONE
    classes = EventClass.DHT
    target: bytes
    """Where: 20 bytes."""
    item: DhtItem
    """What. The owner's key is not repeated."""
    stored: int
    """Nodes that took it."""
    refusal: int
    """Error code (BEP 44) of the last node that did not, 0 without one."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, bytes.fromhex(raw.text), _item(raw), raw.c.b, raw.c.c


@dataclass(frozen=True, slots=True)
class DhtPong(DhtEvent):
    """A node answered a ping."""

    kind = EventKind.DHT_PONG
    classes = EventClass.DHT
    id: bytes
    """Its id, 20 bytes."""
    seconds: float
    """Time its answer took."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, bytes.fromhex(raw.text), raw.c.a / 1e6


@dataclass(frozen=True, slots=True)
class DhtNodes(DhtEvent):
    """The nodes nearest to a target."""

    kind = EventKind.DHT_NODES
    classes = EventClass.DHT
    nodes: tuple[DhtNode, ...]
    """Nearest first."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, nodes_of(raw.text)


@dataclass(frozen=True, slots=True)
class DhtSamples(DhtEvent):
    """Info-hashes that nodes know (BEP 51)."""

    kind = EventKind.DHT_SAMPLES
    classes = EventClass.DHT
    info_hashes: tuple[bytes, ...]
    """20 bytes each."""
    interval: int
    """Seconds until asking the node again is worth it; of one node only."""
    total: int
    """Torrents the node knows; of one node only."""
    nodes: tuple[DhtNode, ...]
    """Nodes near the target."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        data = bytes(raw.data)
        hashes = tuple(data[at : at + 20] for at in range(0, len(data), 20))
        return raw.c.token, hashes, raw.c.a, raw.c.b, nodes_of(raw.text)


@dataclass(frozen=True, slots=True)
class DhtFailed(DhtEvent):
    """A command came to nothing."""

    kind = EventKind.DHT_FAILED
    classes = EventClass.DHT
    code: Code
    """Why: TIMEOUT, REFUSED, BUSY, STATE or INVALID."""
    refusal: int
    """The node's error code, of REFUSED."""
    reason: str
    """For people."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, Code(raw.c.code), raw.c.a, raw.text


@dataclass(frozen=True, slots=True)
class DhtBootstrapped(DhtEvent):
    """A node of ours has found its place in the network."""

    kind = EventKind.DHT_BOOTSTRAPPED
    classes = EventClass.DHT
    address: str
    """Where it listens."""
    nodes: int
    """Nodes that answered."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.addr, raw.c.a


@dataclass(frozen=True, slots=True)
class DhtExternal(DhtEvent):
    """Enough nodes agree on how they see us."""

    kind = EventKind.DHT_EXTERNAL
    classes = EventClass.DHT
    address: str
    """Our address, without port."""
    local: str
    """Where we listen."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.addr, raw.text


@dataclass(frozen=True, slots=True)
class DhtUnresolved(DhtEvent):
    """The name of a node does not resolve; bootstrap nodes are tried again."""

    kind = EventKind.DHT_UNRESOLVED
    classes = EventClass.DHT
    host: str
    """Host and port."""
    reason: str
    """Why."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.text, raw.text2


@dataclass(frozen=True, slots=True)
class DhtUpdate(DhtEvent):
    """A pointer that is followed has a newer version (BEP 46)."""

    kind = EventKind.DHT_UPDATE
    classes = EventClass.DHT
    info_hash: bytes | None
    """The torrent it points at; None when it is no pointer."""
    item: DhtItem
    """The item."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        info_hash = bytes(raw.c.info_hash)
        return raw.c.token, info_hash if any(info_hash) else None, _item(raw)


@dataclass(frozen=True, slots=True)
class DhtPublished(DhtEvent):
    """A pointer was published (BEP 46), or is superseded."""

    kind = EventKind.DHT_PUBLISHED
    classes = EventClass.DHT
    superseded: bool
    """Somebody published a newer version with our key: ours is kept alive no longer."""
    info_hash: bytes
    """The torrent it points at."""
    item: DhtItem = field(repr=False)
    """The item."""
    stored: int
    """Nodes that took it."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        superseded = raw.c.code == Code.REFUSED
        return raw.c.token, superseded, bytes(raw.c.info_hash), _item(raw), raw.c.b


@dataclass(frozen=True, slots=True)
class DhtQuery(DhtEvent):
    """Somebody asks us something, told because of the option `dht_query_notices`."""

    kind = EventKind.DHT_QUERY
    classes = EventClass.DHT
    address: str
    """Who."""
    query: DhtQueryKind
    """What kind."""
    target: bytes | None
    """About what: 20 bytes, a target or info-hash."""

    @classmethod
    def _fields(cls, raw: Raw) -> tuple[Any, ...]:
        return raw.c.token, raw.addr, DhtQueryKind(raw.c.code), bytes(raw.data) or None

"""What scenarios have in common: content, a seed and a leech on hosts of their own."""

import hashlib
import os
import urllib.parse
from pathlib import Path

import clients

TERN, LT, TR = clients.Tern(), clients.Libtorrent(), clients.Transmission()
# Who gives and who takes.
PAIRS = [(LT, TERN), (TERN, LT), (TR, TERN), (TERN, TR), (TERN, TERN), (LT, LT)]
BYTES = 3 << 20
PIECE = 64 << 10


def encode(value):
    """bencode."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(map(encode, value)) + b"e"
    items = sorted((k.encode(), v) for k, v in value.items())
    return b"d" + b"".join(encode(k) + encode(v) for k, v in items) + b"e"


class Torrent:
    """Content and its torrent."""

    def __init__(self, work, trackers=(), private=False, piece=PIECE):
        self.data = os.urandom(BYTES)
        pieces = b"".join(hashlib.sha1(self.data[at:at + piece]).digest()
                          for at in range(0, BYTES, piece))
        info = {"length": BYTES, "name": "content", "piece length": piece, "pieces": pieces}
        if private:
            info["private"] = 1
        self.info_hash = hashlib.sha1(encode(info)).digest()
        whole = {"info": info}
        if trackers:
            whole["announce"] = trackers[0]
            whole["announce-list"] = [[url] for url in trackers]
        self.trackers = trackers
        self.path = Path(work, "content.torrent")
        self.path.write_bytes(encode(whole))

    def magnet(self, *peers):
        """Its link: the info-hash, its trackers, and peers (`x.pe`)."""
        query = "".join(f"&tr={urllib.parse.quote(url, safe='')}" for url in self.trackers)
        # As they are: libtorrent takes no quotes away from these.
        query += "".join(f"&x.pe={peer}" for peer in peers)
        return f"magnet:?xt=urn:btih:{self.info_hash.hex()}{query}"

    def write(self, where):
        """Puts the content there."""
        Path(where).mkdir(parents=True, exist_ok=True)
        Path(where, "content").write_bytes(self.data)
        return where

    def compare(self, where):
        """Whether it arrived. libtorrent says so before all is written."""
        there = Path(where, "content")
        clients.wait_for("the content to be there and the same",
                         lambda: there.read_bytes() == self.data, timeout=10)


def scenarios(way, scenario, pairs=PAIRS, v4_only=(), verb="to"):
    """Both families, both directions; `v4_only` are those who go this way over IPv4 only. What
    `scenario(family, one, other)` makes, by its name."""
    for family in (4, 6):
        for one, other in pairs:
            if family == 4 or not {one, other} & set(v4_only):
                name = f"{way}-v{family} {one.name} {verb} {other.name}"
                yield name, scenario(family, one, other)


def meet(world, report, way, torrent, seed, leech, ways, hosts=None, link=None, nodes=(),
         announced=None):
    """A seed and a leech that can find each other in these ways only; the content crosses.

    The leech has `link`, or the magnet link of the torrent. It starts when `announced()` is true,
    so that its times are its own.
    """
    one, other = hosts or (world.host("seed"), world.host("leech"))
    more = {"nodes": nodes} if nodes else {}
    full, link = torrent.write(one.work / "content"), link or torrent.magnet()
    with seed.start(one, torrent.path, full, ways, **more) as giving:
        clients.wait_for(f"{seed.name} to check its content", giving.complete, giving)
        if announced:
            clients.wait_for(f"{seed.name} to announce", announced, giving)
        with leech.start(other, link, other.work / "content", ways, **more) as taking:
            cross(report, way, torrent, seed, leech, giving, taking)


def cross(report, way, torrent, seed, leech, giving, taking, patience=None):
    """Waits until the content is there. What the leech tells of its time goes into the report, by
    `way` and pair."""
    clients.wait_for(f"{leech.name} to download from {seed.name}", taking.complete, taking, giving,
                     timeout=patience)
    torrent.compare(taking.host.work / "content")
    times = taking.first_byte(), taking.complete_ms()
    report.setdefault((way, seed.name, leech.name), times)

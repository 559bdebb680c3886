"""What scenarios have in common: content, a seed and a leech on hosts of their own."""

import hashlib
import os
from pathlib import Path

import clients

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

    def __init__(self, work, trackers=(), private=False):
        self.data = os.urandom(BYTES)
        pieces = b"".join(hashlib.sha1(self.data[at:at + PIECE]).digest()
                          for at in range(0, BYTES, PIECE))
        info = {"length": BYTES, "name": "content", "piece length": PIECE, "pieces": pieces}
        if private:
            info["private"] = 1
        self.info_hash = hashlib.sha1(encode(info)).digest()
        whole = {"info": info}
        if trackers:
            whole["announce"] = trackers[0]
            whole["announce-list"] = [[url] for url in trackers]
        self.path = Path(work, "content.torrent")
        self.path.write_bytes(encode(whole))

    def write(self, where):
        """Puts the content there."""
        Path(where).mkdir(parents=True, exist_ok=True)
        Path(where, "content").write_bytes(self.data)
        return where

    def compare(self, where):
        """Whether it arrived."""
        if Path(where, "content").read_bytes() != self.data:
            raise clients.Failed("the content differs")


def meet(world, report, way, torrent, seed, leech, ways, hosts=None, more=()):
    """A seed and a leech that can find each other in these ways only; the content crosses.

    What the leech tells of its first byte goes into the report, by `way`.
    """
    one, other = hosts or (world.host("seed"), world.host("leech"))
    full = torrent.write(one.work / "content")
    with seed.start(one, torrent.path, full, ways, more) as giving:
        clients.wait_for(f"{seed.name} to check its content", giving.complete, giving)
        with leech.start(other, torrent.path, other.work / "content", ways, more) as taking:
            clients.wait_for(f"{leech.name} to download from {seed.name}", taking.complete,
                             taking, giving)
            torrent.compare(other.work / "content")
            if (first := taking.first_byte()) is not None:
                report.setdefault((way, leech.name), first)

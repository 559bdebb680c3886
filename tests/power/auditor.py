"""A peer that believes nothing: it asks another for all it claims to have, and compares.

Only the standard library, so that nothing of libtern judges libtern.
"""

import select
import socket
import struct
import time

BLOCK = 16384
CHOKE, UNCHOKE, INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = 0, 1, 2, 4, 5, 6, 7
HAVE_ALL, HAVE_NONE = 14, 15


class Wrong(Exception):
    """A peer sent bytes that are not the torrent's."""


class Auditor:
    """One connection."""

    def __init__(self, port, torrent, timeout=30):
        self.torrent = torrent
        self.deadline = time.monotonic() + timeout
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        reserved = bytes([0, 0, 0, 0, 0, 0, 0, 4])
        self.sock.sendall(b"\x13BitTorrent protocol" + reserved + torrent.info_hash
                          + b"-AU0001-" + b"0" * 12)
        self.have, self.choked, self.early = set(), True, []
        greeting = self.exactly(68)
        if greeting[28:48] != torrent.info_hash:
            raise Wrong("another info-hash in the handshake")

    def exactly(self, count):
        """So many bytes."""
        out = b""
        while len(out) < count:
            self.sock.settimeout(max(self.deadline - time.monotonic(), 0.01))
            more = self.sock.recv(count - len(out))
            if not more:
                raise ConnectionError("closed")
            out += more
        return out

    def message(self):
        """The next message that is not a keep-alive: (kind, body)."""
        while True:
            length = struct.unpack(">I", self.exactly(4))[0]
            if length:
                body = self.exactly(length)
                return body[0], body[1:]

    def quiet(self, seconds=1.0):
        """Whether nothing comes for a while."""
        return not select.select([self.sock], [], [], seconds)[0]

    def send(self, kind, body=b""):
        """A message."""
        self.sock.sendall(struct.pack(">IB", 1 + len(body), kind) + body)

    def learn(self):
        """Takes one message in; returns (piece, offset, bytes) when it was a block."""
        kind, body = self.message()
        if kind == BITFIELD:
            self.have |= {i for i in range(len(self.torrent.hashes))
                          if body[i // 8] >> (7 - i % 8) & 1}
        elif kind == HAVE:
            self.have.add(struct.unpack(">I", body)[0])
        elif kind == HAVE_ALL:
            self.have = set(range(len(self.torrent.hashes)))
        elif kind == CHOKE:
            self.choked = True
        elif kind == UNCHOKE:
            self.choked = False
        elif kind == PIECE:
            return *struct.unpack(">II", body[:8]), body[8:]
        return None

    def serve_me(self, pieces, truth):
        """Asks for whole pieces and compares each block with `truth(piece)`; how many bytes."""
        self.send(INTERESTED)
        while self.choked:
            self.learn()
        total = 0
        for piece in pieces:
            right = truth(piece)
            for offset in range(0, len(right), BLOCK):
                wanted = right[offset:offset + BLOCK]
                self.send(REQUEST, struct.pack(">III", piece, offset, len(wanted)))
                while (block := self.learn()) is None:
                    pass
                if block != (piece, offset, wanted):
                    raise Wrong(f"piece {piece} at {offset}: {len(block[2])} wrong bytes")
                total += len(wanted)
        return total

    def close(self):
        """Ends it."""
        self.sock.close()

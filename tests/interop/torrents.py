"""Torrents and content for the interop tests, made without libtern.

What is compared with libtern must not come from libtern: bencoding, hashing and the awkward content
(empty files, a padding file, unicode names, one byte more and one byte less than whole pieces) are
done here, with the standard library only.
"""

import filecmp
import hashlib
import os
import random
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

PIECE = 64 * 1024


def encode(value):
    """Bencodes ints, bytes, text, lists and dicts."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, list):
        return b"l" + b"".join(encode(v) for v in value) + b"e"
    pairs = sorted((k.encode() if isinstance(k, str) else k, v) for k, v in value.items())
    return b"d" + b"".join(encode(k) + encode(v) for k, v in pairs) + b"e"


def decode(data):
    """Reads one bencoded value; raises ValueError when there is anything else."""
    value, end = _decode(data, 0)
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the end")
    return value


def _decode(data, at):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at:at + 1] != b"e":
            item, at = _decode(data, at)
            items.append(item)
        if kind == b"l":
            return items, at + 1
        return dict(zip(items[::2], items[1::2], strict=True)), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    if end > len(data):
        raise ValueError("a string runs past the end")
    return data[colon + 1:end], end


@dataclass
class Torrent:
    """A .torrent file and what it says."""

    path: Path
    name: str
    info_hash: bytes
    piece_length: int
    hashes: list
    files: list  # (path below the save path, length, is padding)

    @property
    def size(self):
        """Bytes, padding included."""
        return sum(length for _, length, _ in self.files)

    @property
    def content_size(self):
        """Bytes that land in files."""
        return sum(length for _, length, pad in self.files if not pad)

    @classmethod
    def load(cls, path):
        """Reads a .torrent file."""
        meta = decode(Path(path).read_bytes())
        info = meta[b"info"]
        name = info[b"name"].decode()
        if b"files" in info:
            files = [
                ("/".join([name] + [p.decode() for p in f[b"path"]]), f[b"length"],
                 b"p" in f.get(b"attr", b""))
                for f in info[b"files"]
            ]
        else:
            files = [(name, info[b"length"], False)]
        raw = info[b"pieces"]
        hashes = [raw[i:i + 20] for i in range(0, len(raw), 20)]
        digest = hashlib.sha1(encode(info)).digest()
        return cls(Path(path), name, digest, info[b"piece length"], hashes, files)

    def read_piece(self, save_path, index):
        """The bytes of a piece as they are on disk; None when some are not there."""
        start, out = index * self.piece_length, bytearray()
        end, offset = min(start + self.piece_length, self.size), 0
        for path, length, pad in self.files:
            low, high = max(start, offset), min(end, offset + length)
            if low < high:
                count = high - low
                part = b"\0" * count if pad else _read(save_path / path, low - offset, count)
                if part is None:
                    return None
                out += part
            offset += length
        return bytes(out)

    def piece_on_disk(self, save_path, index):
        """Whether a piece is on disk and right."""
        data = self.read_piece(Path(save_path), index)
        return data is not None and hashlib.sha1(data).digest() == self.hashes[index]


def _read(path, offset, length):
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(length)
    except FileNotFoundError:
        return None
    return data if len(data) == length else None


def awkward_content(top, seed=1):
    """Writes the awkward tree below `top`; returns (name, [(path parts, length, is padding)])."""
    name = "t\u00e9rn \u65e5\u672c"
    plan = [
        (["a", "empty"], 0, False),
        (["a", "one more.bin"], 20 * PIECE + 1, False),
        ([".pad", str(PIECE - 1)], PIECE - 1, True),
        (["b", "one less.bin"], 13 * PIECE - 1, False),
        (["b", "\u00fcml\u00e4ut \u2603.txt"], 12345, False),
        (["b", "deep", "er", "tiny"], 1, False),
        (["z last empty"], 0, False),
        (["z tail.bin"], 100 * PIECE + 17, False),
    ]
    rng = random.Random(seed)
    for parts, length, pad in plan:
        path = Path(top, name, *parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" * length if pad else rng.randbytes(length))
    return name, plan


def make(path, top, name, plan, piece_length=PIECE, trackers=(), private=False):
    """Writes the .torrent file of a plan whose content is below `top`."""
    data = bytearray()
    files = []
    for parts, length, pad in plan:
        data += Path(top, name, *parts).read_bytes()
        entry = {"length": length, "path": parts}
        files.append({**entry, "attr": "p"} if pad else entry)
    pieces = b"".join(
        hashlib.sha1(data[i:i + piece_length]).digest() for i in range(0, len(data), piece_length)
    )
    info = {"name": name, "piece length": piece_length, "files": files, "pieces": pieces}
    if private:
        info["private"] = 1
    meta = {"info": info}
    if trackers:
        meta["announce"] = trackers[0]
        meta["announce-list"] = [[t] for t in trackers]
    Path(path).write_bytes(encode(meta))
    return Torrent.load(path)


def differences(torrent, left, right, empty=True):
    """What differs between two copies of a torrent's content; `empty`: empty files count."""
    out = []
    for path, length, pad in torrent.files:
        if pad or (length == 0 and not empty):
            continue
        sides = [Path(side, path) for side in (left, right)]
        missing = [str(s) for s in sides if not s.is_file()]
        if missing:
            out += [f"{m} is missing" for m in missing]
        elif [s.stat().st_size for s in sides] != [length, length]:
            out.append(f"{path}: sizes {[s.stat().st_size for s in sides]}, not {length}")
        elif not filecmp.cmp(*sides, shallow=False):
            out.append(f"{path}: content differs")
    return out


def strangers(torrent, directory):
    """Files below the torrent's directory that it does not name (padding files count)."""
    known = {path for path, _, pad in torrent.files if not pad}
    top = Path(directory, torrent.name)
    if top.is_file():
        return []
    found = (Path(base, f) for base, _, files in os.walk(top) for f in files)
    return [str(p) for p in found if str(p.relative_to(directory)) not in known]


class Resume:
    """What resume data claim: libtern's, libtorrent's, or those of Net::BitTorrent around ours."""

    def __init__(self, blob, piece_count):
        self.keys = decode(blob)
        self.count = piece_count
        if b".format" in self.keys:
            bits = self.keys[b"bitfield"]
            self.have = [i for i in range(piece_count) if bits[i // 8] & (1 << i % 8)]
            inner = Resume(self.keys[b"libtern"], piece_count)
            if not set(self.have) <= set(inner.have):
                raise ValueError("the two parts of the resume data differ")
            self.keys = inner.keys
            return
        raw = self.keys.get(b"pieces", b"")
        if self.keys.get(b"file-version", 1) == 1:
            self.have = [i for i, b in enumerate(raw[:piece_count]) if b & 1]
        else:
            self.have = [
                i for i in range(min(piece_count, len(raw) * 8)) if raw[i // 8] & (0x80 >> i % 8)
            ]


def stored(state):
    """The resume blobs in the databases below a state directory of the command's, by info-hash.

    Read from a copy: reading the original would need the place of a session that was killed.
    """
    found = {}
    for database in sorted(Path(state).glob("**/tern.db")):
        with tempfile.TemporaryDirectory() as copy:
            for file in database.parent.glob("tern.db*"):
                shutil.copy(file, copy)
            connection = sqlite3.connect(Path(copy, "tern.db"))
            found.update(connection.execute("SELECT info_hash, blob FROM states"))
            connection.close()
    return found

#!/usr/bin/env python3
"""A second opinion about every piece: SHA-256 sums besides the torrent's SHA-1.

usage: verify.py sums FILE.torrent DIR > SUMS          makes the sums of content you trust
       verify.py get FILE.torrent DIR SUMS [HOST:PORT ...]

A piece whose sum differs does not count: it is fetched again, and who sent it is blamed.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import libtern


def sums(torrent_file: str, directory: str) -> None:
    """Prints the SHA-256 of every piece of content that is complete."""
    with libtern.Session(listen="") as session:
        torrent = session.add(torrent_file, save_path=directory)
        for event in session.events():
            if isinstance(event, libtern.Checked):
                break
        if not torrent.status().is_finished:
            sys.exit("the content is not complete")
        for piece in range(torrent.metainfo.piece_count):
            print(hashlib.sha256(torrent.read_piece(piece)).hexdigest())


def get(torrent_file: str, directory: str, sums_file: str, peers: list[str]) -> None:
    """Downloads; only pieces whose sum is right count."""
    wanted = Path(sums_file).read_text(encoding="ascii").split()

    def on_verify(request: libtern.VerifyRequest) -> bool:
        right = hashlib.sha256(request.data).hexdigest() == wanted[request.piece]
        if not right:
            print(f"piece {request.piece} is false, from {', '.join(request.peers)}")
        return right

    with libtern.Session() as session:
        torrent = session.add(torrent_file, save_path=directory, peers=peers, on_verify=on_verify)
        for event in session.events():
            match event:
                case libtern.VerifierFailed() | libtern.StorageFailed() | libtern.Fatal():
                    sys.exit(f"stopped: {event}")
                case libtern.Checked() | libtern.Finished() if torrent.status().is_finished:
                    break
    print("complete, and every sum is right")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sums", torrent_path, content]:
            sums(torrent_path, content)
        case ["get", torrent_path, content, sums_path, *addresses]:
            get(torrent_path, content, sums_path, addresses)
        case _:
            sys.exit(__doc__)

#!/usr/bin/env python3
"""Downloads a torrent, keeping resume data in a file after every piece.

usage: resume.py FILE.torrent DIR RESUME-FILE [HOST:PORT ...]

Kill it with -9 at any moment and start it again: what the resume file says is not hashed again.
Exit codes: 0 complete, 1 failed, 130 interrupted (and saved).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import libtern
from libtern import SaveFlags


def store(path: Path, data: memoryview) -> None:
    """Replaces a file so that after a crash it is the old one or the new one, whole."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def download(torrent_file: str, directory: str, resume_file: Path, peers: list[str]) -> None:
    """Runs until all is there."""

    def on_save(request: libtern.SaveRequest) -> bool:
        store(resume_file, request.data)
        return True

    with libtern.Session() as session:
        torrent = session.add(
            torrent_file, save_path=directory, peers=peers, on_save=on_save,
            resume=resume_file.read_bytes() if resume_file.exists() else None,
            save_policy=SaveFlags.ON_PIECE | SaveFlags.ON_STATE | SaveFlags.AT_CLOSE,
        )
        total, checked = torrent.metainfo.piece_count, False
        for event in session.events():
            match event:
                case libtern.Checked(_, hashed, restored) if not checked:
                    checked = True
                    print(f"restored {restored} pieces, hashed {hashed}, of {total}", flush=True)
                case libtern.PiecePassed() if checked:
                    print(f"have {torrent.status().pieces_have} of {total}", flush=True)
                case libtern.StorageFailed(reason, path):
                    sys.exit(f"{path}: {reason}")
                case libtern.Fatal(reason):
                    sys.exit(reason)
            if checked and torrent.status().is_finished:
                break
    print("complete", flush=True)


def main() -> None:
    """Reads the command line."""
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} FILE.torrent DIR RESUME-FILE [HOST:PORT ...]")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    torrent_file, directory, resume_file, *peers = sys.argv[1:]
    try:
        download(torrent_file, directory, Path(resume_file).absolute(), peers)
    except (libtern.TernError, OSError) as error:
        sys.exit(f"{sys.argv[0]}: {error}")


if __name__ == "__main__":
    main()

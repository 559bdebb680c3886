#!/usr/bin/env python3
"""Downloads a torrent; run it again after any interruption and it goes on where it was.

usage: basic.py FILE.torrent DIR
"""

import os
import sys
from pathlib import Path

import libtern

torrent_file, directory = sys.argv[1:]
state = Path(torrent_file + ".resume")


def keep(request: libtern.SaveRequest) -> bool:
    part = state.with_suffix(".part")
    with part.open("wb") as file:
        file.write(request.data)
        os.fsync(file.fileno())
    part.replace(state)
    return True


with libtern.Session() as session:
    saved = state.read_bytes() if state.exists() else None
    torrent = session.add(torrent_file, save_path=directory, resume=saved, on_save=keep)
    for event in session.events():
        if isinstance(event, libtern.PiecePassed):
            print(f"{torrent.status().progress:.1%}", flush=True)
        if torrent.status().is_finished:
            break

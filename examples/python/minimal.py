"""Fetches a torrent and keeps what it has across runs: minimal.py FILE.torrent DIR [HOST:PORT]"""
import sys

import libtern

torrent_file, directory, *peers = sys.argv[1:]
with libtern.Session(state_dir=directory) as session:
    torrent = session.add(torrent_file, save_path=directory, peers=peers)
    for event in session.events():
        status = torrent.status()
        if isinstance(event, libtern.PiecePassed):
            print(f"{status.pieces_have} of {status.pieces_total} pieces")
        if status.is_finished:
            break

#!/usr/bin/env python3
"""Downloads several torrents in one asyncio loop; the save hook is a coroutine.

usage: aio.py DIR FILE.torrent [FILE.torrent ...]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import libtern
from libtern import aio
from resume import store


async def main(directory: str, torrent_files: list[str]) -> None:
    """Until all are complete."""

    async def on_save(request: libtern.SaveRequest) -> bool:
        # Syncing takes its time: the loop goes on meanwhile.
        await asyncio.to_thread(store, state(request.torrent.info_hash), request.data)
        return True

    def state(info_hash: bytes) -> Path:
        return Path(directory, f".{info_hash.hex()}.resume").absolute()

    session = libtern.Session()
    session.on_save(on_save)
    async with aio.attach(session) as pump:
        missing = set()
        for file in torrent_files:
            metainfo = libtern.Metainfo.load(file)
            known = state(metainfo.info_hash)
            resume = known.read_bytes() if known.exists() else None
            missing.add(session.add(metainfo, save_path=directory, resume=resume))
        async for event in pump.events():
            match event:
                case libtern.PiecePassed(torrent=torrent):
                    print(f"{torrent.name}: {torrent.status().progress:.1%}", flush=True)
                case libtern.StorageFailed(reason, path):
                    print(f"{path}: {reason}", file=sys.stderr)
                    break
            missing = {torrent for torrent in missing if not torrent.status().is_finished}
            if not missing:
                break


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2:]))

"""One seed whose upload is limited, four leechers that must trade among themselves.

All complete, byte for byte, and the seed sends less than twice the content: if the four did not
trade, it would have to send four times as much.
"""

import random
import tempfile
from pathlib import Path

import torrents
from cases import alone
from clients import Failed, Tern, Tracker, free_port, need, wait_for

SIZE = 24 << 20
LEECHERS = 4


def trade(work):
    """The swarm."""
    work = Path(work)
    source = work / "source"
    tracker = Tracker(work)
    name = "swarm"
    (source / name).mkdir(parents=True)
    (source / name / "content.bin").write_bytes(random.Random(4).randbytes(SIZE))
    plan = [(["content.bin"], SIZE, False)]
    torrent = torrents.make(work / "x.torrent", source, name, plan, trackers=[tracker.url])
    tern = Tern(work)
    running = []
    with tracker.running(torrent):
        try:
            seed = tern.seed(torrent, source, free_port(), limit_up=SIZE // 8)
            running.append(seed)
            wait_for("the seed to announce itself", lambda: tracker.peers(torrent), seed)
            targets = [work / f"leecher{i}" for i in range(LEECHERS)]
            leechers = [tern.get(torrent, t, free_port(), seed=True) for t in targets]
            running += leechers
            for leecher, target in zip(leechers, targets, strict=True):
                wait_for(f"{target.name} to complete",
                         lambda p=leecher, t=target: tern.complete(p, torrent, t), leecher)
        finally:
            for process in running:
                process.stop()
                process.kill()
    for target in targets:
        wrong = torrents.differences(torrent, source, target)
        if wrong:
            raise Failed(f"{target.name}: {'; '.join(wrong)}")
    sent = next((o["uploaded"] for o in reversed(seed.lines()) if "uploaded" in o), None)
    if sent is None:
        raise Failed(f"the seed did not say what it sent: {seed.log()}")
    if not SIZE <= sent < 2 * SIZE:
        raise Failed(f"the seed sent {sent / SIZE:.2f} times the content")
    return sent / SIZE


def main():
    """Runs it; returns (passed, failed)."""
    need("opentracker")
    with tempfile.TemporaryDirectory(prefix="tern-swarm-") as work:
        try:
            share = trade(work)
        except Failed as error:
            print(f"not ok: swarm: {error}", flush=True)
            return 0, 1
    print(f"ok: 1 seed and {LEECHERS} leechers; the seed sent {share:.2f} times the content",
          flush=True)
    return 1, 0


if __name__ == "__main__":
    alone(main)

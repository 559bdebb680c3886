"""kill -9 at random moments of the C example, restarted each time.

After every kill the blob it left is read by a parser of our own: each piece it claims must be on
disk, right. What a run restores may not be less than what the blob before claimed. At the end the
content is byte for byte right. TERN_KILLS is the number of kills (100); TERN_SEED replays a run.
"""

import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

import torrents
from clients import HERE, ROOT, Failed, Libtorrent, Process, free_port, need, wait_for

KILLS = int(os.environ.get("TERN_KILLS", "100"))
SEED = int(os.environ.get("TERN_SEED", str(random.SystemRandom().randrange(1 << 32))))
EXAMPLE = os.environ.get("TERN_RESUME_EXAMPLE", str(ROOT / "target/release/c/resume"))
SIZE = 64 << 20
RATE = 24 << 20


def claims(blob, torrent, target):
    """The pieces a blob claims; all of them must be on disk."""
    if not blob.exists():
        return set()
    have = torrents.Resume(blob.read_bytes(), len(torrent.hashes)).have
    wrong = [i for i in have if not torrent.piece_on_disk(target, i)]
    if wrong:
        raise Failed(f"the blob claims pieces that are not on disk: {wrong}")
    return set(have)


def restored(process):
    """What a run said it took over: (restored, hashed), or None."""
    found = re.search(r"restored (\d+) pieces, hashed (\d+)", process.path.read_text())
    return tuple(map(int, found.groups())) if found else None


def run(work):
    """The kills; returns (kills, pieces restored without hashing in all)."""
    rng = random.Random(SEED)
    source, target, blob = Path(work, "source"), Path(work, "target"), Path(work, "blob")
    name, plan = torrents.awkward_content(source, seed=2)
    plan.append((["big.bin"], SIZE, False))
    Path(source, name, "big.bin").write_bytes(rng.randbytes(SIZE))
    torrent = torrents.make(Path(work, "x.torrent"), source, name, plan)
    target.mkdir()
    port = free_port()
    kills = kept = 0
    with Libtorrent(work).seed(torrent, source, port, limit_up=RATE) as seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        command = [EXAMPLE, str(torrent.path), str(target), str(blob), f"127.0.0.1:{port}"]
        while kills < KILLS:
            before = claims(blob, torrent, target)
            with Process("example", command, work) as example:
                time.sleep(rng.uniform(0.01, 0.35) if rng.random() < 0.8 else rng.uniform(0, 0.02))
                ended = example.popen.poll() is not None
                example.kill()
                said = restored(example)
                if ended and example.popen.returncode != 0:
                    raise Failed(f"kill {kills}: it ended by itself: {example.log()}")
            if said is not None and said[0] + said[1] < len(before):
                raise Failed(f"kill {kills}: {len(before)} pieces were saved, but {said} restored")
            kept += said[0] if said else 0
            kills += 1
            now = claims(blob, torrent, target)
            if not before <= now:
                raise Failed(f"kill {kills}: the blob lost pieces {sorted(before - now)}")
            if ended or len(now) == len(torrent.hashes):
                # Complete: start over, so that every kill hits work in progress.
                finish(command, work, torrent, source, target)
                blob.unlink()
                for path in sorted(target.rglob("*"), reverse=True):
                    path.rmdir() if path.is_dir() else path.unlink()
        finish(command, work, torrent, source, target)
    return kills, kept


def finish(command, work, torrent, source, target):
    """Lets it complete and compares everything."""
    with Process("example", command, work) as example:
        if example.wait() != 0:
            raise Failed(f"it does not complete: {example.log()}")
    wrong = torrents.differences(torrent, source, target)
    wrong += [f"{s} should not exist" for s in torrents.strangers(torrent, target)]
    if wrong:
        raise Failed("; ".join(wrong))


def main():
    """Runs it; returns (passed, failed)."""
    need()
    if not Path(EXAMPLE).exists():
        sys.exit(f"{EXAMPLE} is missing: run make examples first")
    replay = f"TERN_SEED={SEED} TERN_KILLS={KILLS} python {HERE.name}/kill9.py"
    with tempfile.TemporaryDirectory(prefix="tern-kill9-") as work:
        try:
            kills, kept = run(work)
        except Failed as error:
            print(f"not ok: kill -9: {error}\n    replay: {replay}", flush=True)
            return 0, 1
    print(f"ok: {kills} times kill -9; {kept} pieces taken over without hashing in all", flush=True)
    return 1, 0


if __name__ == "__main__":
    done = main()
    print(f"{done[0]} passed, {done[1]} failed")
    sys.exit(done[1] > 0)

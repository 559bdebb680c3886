"""kill -9 at random moments of C, Perl and Python hosts, restarted each time.

With a save hook (examples resume.c, resume.pl, resume.py) the blob is read after every kill by a
parser of our own: each piece it claims must be on disk, right, and what a run restores may not be
less than what the blob before claimed. With the built-in store (minimal.c, minimal.pl, and
tests/power/host.py) what counts is that nothing reported as saved is hashed again, where the host
says so, and that the content is byte for byte right at the end.

TERN_KILLS is the number of kills over all hosts (300); TERN_SEED replays a run.
"""

import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

from rig import HERE, ROOT, Failed, Host, Libtorrent, Process, free_port, torrents, wait_for, wipe

KILLS = int(os.environ.get("TERN_KILLS", "300"))
SEED = int(os.environ.get("TERN_SEED", str(random.SystemRandom().randrange(1 << 32))))
SIZE = 48 << 20
RATE = 24 << 20

BLIB = ROOT / "bindings/perl/blib"
PERL = ["perl", f"-I{BLIB}/lib", f"-I{BLIB}/arch"]
C = Path(os.environ.get("TERN_EXAMPLES", str(ROOT / "target/release/c")))
EXAMPLES = ROOT / "examples"

# name: (command, what must exist, whether it keeps a blob of its own)
HOSTS = {
    "C, hook": ([str(C / "resume")], C / "resume", True),
    "Perl, hook": ([*PERL, str(EXAMPLES / "perl/resume.pl")], BLIB / "arch", True),
    "Python, hook": ([sys.executable, str(EXAMPLES / "python/resume.py")], EXAMPLES, True),
    "C, store": ([str(C / "minimal")], C / "minimal", False),
    "Perl, store": ([*PERL, str(EXAMPLES / "perl/minimal.pl")], BLIB / "arch", False),
    "Python, store": (None, EXAMPLES, False),
}


def claims(blob, torrent, target):
    """The pieces a blob claims; all of them must be on disk."""
    if not blob.exists():
        return set()
    have = torrents.Resume(blob.read_bytes(), len(torrent.hashes)).have
    wrong = [i for i in have if not torrent.piece_on_disk(target, i)]
    if wrong:
        raise Failed(f"the blob claims pieces that are not on disk: {wrong}")
    return set(have)


class Kills:
    """Kills of one host."""

    def __init__(self, work, name, world, port, rng):
        self.work, self.rng, self.port = work, rng, port
        self.command, _, self.hooked = HOSTS[name]
        self.torrent, self.source = world
        top = Path(work, name.replace(", ", "-"))
        self.target, self.blob, self.state = top / "content", top / "blob", top / "state"
        self.kept = self.kills = 0
        self.durable = set()
        self.fresh()

    def fresh(self):
        """Starts over."""
        self.durable = set()
        for directory in (self.target, self.state):
            directory.mkdir(parents=True, exist_ok=True)
            wipe(directory)
        self.blob.unlink(missing_ok=True)

    def start(self):
        """A run."""
        peer = f"127.0.0.1:{self.port}"
        if self.command is None:
            return Host(self.torrent, self.target, free_port(), "store", self.state, [peer],
                        self.work)
        more = [str(self.blob)] if self.hooked else []
        words = [*self.command, str(self.torrent.path), str(self.target), *more, peer]
        return Process("example", words, self.work)

    def took_over(self, process):
        """What a run said it took over: (restored, hashed), or None."""
        if self.command is None:
            said = process.said("checked")
            return (said[0]["restored"], said[0]["hashed"]) if said else None
        found = re.search(r"restored (\d+) pieces, hashed (\d+)", process.path.read_text())
        return tuple(map(int, found.groups())) if found else None

    def kill(self):
        """One run, killed."""
        before = claims(self.blob, self.torrent, self.target) if self.hooked else set(self.durable)
        started = 0.01 if self.command and "perl" not in self.command[0] else 0.15
        with self.start() as run:
            late = self.rng.random() < 0.8
            time.sleep(self.rng.uniform(started, 0.5) if late else self.rng.uniform(0, 0.02))
            ended = run.popen.poll() is not None
            run.kill()
            said = self.took_over(run)
            if ended and run.popen.returncode != 0:
                raise Failed(f"kill {self.kills}: it ended by itself: {run.log()}")
            if self.command is None:
                self.durable |= run.durable()
        # Pieces without a save may be restored or hashed; those saved are restored.
        if said is not None and (said[0] if not self.hooked else sum(said)) < len(before):
            raise Failed(f"kill {self.kills}: {len(before)} pieces were saved, but {said} "
                         "restored and hashed")
        self.kept += said[0] if said else 0
        self.kills += 1
        if self.hooked:
            now = claims(self.blob, self.torrent, self.target)
            if not before <= now:
                raise Failed(f"kill {self.kills}: the blob lost pieces {sorted(before - now)}")
        if ended or self.complete():
            # Complete: start over, so that every kill hits work in progress.
            self.finish()
            self.fresh()

    def complete(self):
        """Whether all is on disk; looks at the last piece first, it is usually not."""
        return all(self.torrent.piece_on_disk(self.target, i)
                   for i in reversed(range(len(self.torrent.hashes))))

    def finish(self):
        """Lets it complete and compares everything."""
        with self.start() as run:
            if self.command is None:
                wait_for("completion", self.complete, run)
            elif run.wait() != 0:
                raise Failed(f"it does not complete: {run.log()}")
        wrong = torrents.differences(self.torrent, self.source, self.target)
        if self.hooked:
            strangers = torrents.strangers(self.torrent, self.target)
            wrong += [f"{s} should not exist" for s in strangers]
        if wrong:
            raise Failed("; ".join(wrong))


def run(work, name, kills):
    """The kills of one host; what was counted."""
    rng = random.Random(f"{SEED}-{name}")
    source = Path(work, "source")
    top, plan = torrents.awkward_content(source, seed=2)
    plan.append((["big.bin"], SIZE, False))
    Path(source, top, "big.bin").write_bytes(rng.randbytes(SIZE))
    torrent = torrents.make(Path(work, "x.torrent"), source, top, plan)
    port = free_port()
    with Libtorrent(work).seed(torrent, source, port, limit_up=RATE) as seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        trial = Kills(work, name, (torrent, source), port, rng)
        while trial.kills < kills:
            trial.kill()
        trial.finish()
    return trial


def main():
    """Runs it; returns (passed, failed)."""
    passed = failed = 0
    for name, (_, needed, _) in HOSTS.items():
        if not needed.exists():
            sys.exit(f"{needed} is missing: run make examples perl python first")
        kills = max(KILLS // len(HOSTS), 1)
        replay = f"TERN_SEED={SEED} TERN_KILLS={KILLS} python tests/{HERE.name}/kills.py"
        with tempfile.TemporaryDirectory(prefix="tern-kills-") as work:
            try:
                trial = run(work, name, kills)
            except Failed as error:
                failed += 1
                print(f"not ok: kill -9, {name}: {error}\n    replay: {replay}", flush=True)
                continue
        passed += 1
        print(f"ok: kill -9, {name}: {trial.kills} times; {trial.kept} pieces taken over without "
              "hashing in all", flush=True)
    return passed, failed


if __name__ == "__main__":
    done = main()
    print(f"{done[0]} passed, {done[1]} failed")
    sys.exit(done[1] > 0)

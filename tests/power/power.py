"""Losses of power under the real engine: what was not synced is gone, and nothing wrong is served.

A Python host downloads onto a file system that lives in memory (tests/cutfs) and is killed at a
random moment; then the power goes: each unsynced sector is kept or lost for itself, names are lost
from the end. The host starts again on what is left, without a seed, and is asked by a peer that
believes nothing for all it claims. What must hold, every time:

- every piece it claims is on disk, right, and served right;
- every piece that a save had reported as durable is claimed again, and was not hashed again.

Half of the cuts hit the built-in store, half a save hook. TERN_CUTS is their number (50), TERN_SEED
replays a run.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from auditor import Auditor
from rig import (
    CutFs, Failed, Host, Libtorrent, free_port, small_world, usable, wait_for, wipe)


CUTS = int(os.environ.get("TERN_CUTS", "50"))
SEED = int(os.environ.get("TERN_SEED", str(random.SystemRandom().randrange(1 << 32))))
RATE = 16 << 20


class Trial:
    """Cuts with one way of saving."""

    def __init__(self, mode, work, world, seed, fs, rng, command=None):
        self.mode, self.work, self.fs, self.rng, self.command = mode, work, fs, rng, command
        self.seeder, seed_port = seed
        self.torrent, self.source = world
        self.peers = [f"127.0.0.1:{seed_port}"]
        self.target, self.state = fs.at / mode / "content", fs.at / mode / "state"
        self.durable = set()
        self.had = set()
        self.sums = dict.fromkeys(
            ["cuts", "durable", "restored", "hashed", "served", "wrong", "lost", "again", "gone",
             "helped"], 0)

    def fresh(self):
        """Starts over, with everything so far synced."""
        self.durable, self.had = set(), set()
        for directory in (self.target, self.state):
            directory.mkdir(parents=True, exist_ok=True)
            wipe(directory)
            for path in (directory, directory.parent, self.fs.at):
                handle = os.open(path, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)

    def host(self, peers, port):
        """Starts the host."""
        state = self.state / "blob" if self.mode == "hook" else self.state
        return Host(self.torrent, self.target, port, self.mode, state, peers, self.work,
                    self.command)

    def failed(self, what, pieces, text):
        """Counts what should not be; the end of the trial, unless it compares engines."""
        self.sums[what] += len(pieces)
        if pieces and self.command is None:
            raise Failed(f"{text}: {sorted(pieces)}")

    def cut(self):
        """One download, one cut, one audit."""
        with self.host(self.peers, free_port()) as host:
            host.until("checked")
            self.let_run(host, self.rng.randrange(160))
            host.kill()
            self.durable |= host.durable()
            self.had |= {line["piece"] for line in host.said("passed")}
        self.fs.say(f"cut {self.rng.getrandbits(60)}")
        self.sums["cuts"] += 1
        port = free_port()
        # Saved state knows the seed: what is lost must not be fetched again behind our back.
        self.seeder.signal(signal.SIGSTOP)
        with self.host([], port) as host:
            first = host.until("checked")
            self.sums["helped"] += len(host.said("helped"))
            claimed = self.audit(port, host)
            self.sums["restored"] += first["restored"]
            self.sums["hashed"] += first["hashed"]
            self.failed("lost", self.durable - claimed, f"reported as saved, lost; {host.log()}")
            again = range(first["restored"], len(self.durable))
            self.failed("again", again, f"{len(self.durable)} pieces were saved, {first}; "
                        f"{host.log()}; hashed again, from this piece on")
            self.sums["durable"] += len(self.durable)
            self.sums["gone"] += len(self.had - claimed)
            self.had = set(claimed)
            host.kill()
        self.seeder.signal(signal.SIGCONT)
        if len(claimed) == len(self.torrent.hashes) or self.rng.random() < 0.08:
            self.fresh()

    def let_run(self, host, pieces):
        """Until about so many pieces have passed, or nothing more comes."""
        end = time.monotonic() + 6
        while time.monotonic() < end and len(host.said("passed")) < pieces:
            time.sleep(0.02)
        time.sleep(self.rng.uniform(0, 0.1))

    def audit(self, port, host):
        """What the host claims; all of it must be right, on disk and on the wire."""
        said = host.said("checked")[0].get("have")
        if said is not None:
            # It does not let in everybody who asks, but says what it would offer.
            return self.right(set(said))
        peer = wait_for("a connection", lambda: self.connect(port), host)
        try:
            peer.send(2)
            # What it has is said first, an unchoke comes after it; then pieces of its check whose
            # entry in the journal was still under way.
            while peer.choked or not peer.quiet():
                peer.learn()
            claimed = self.right(set(peer.have))
            some = self.rng.sample(sorted(claimed), min(len(claimed), 12))
            truth = lambda i: bytes(self.torrent.read_piece(self.source, i))
            self.sums["served"] += peer.serve_me(some, truth)
            return claimed
        finally:
            peer.close()

    def right(self, claimed):
        """Those of the pieces that are right on disk; counts the others."""
        wrong = {i for i in claimed if not self.torrent.piece_on_disk(self.target, i)}
        self.failed("wrong", wrong, "claimed, but not on disk")
        return claimed - wrong

    def connect(self, port):
        """A connection, when there is one to be had."""
        try:
            return Auditor(port, self.torrent)
        except OSError:
            return None

    def finish(self):
        """Lets it complete and compares everything."""
        with self.host(self.peers, free_port()) as host:
            wait_for("completion", lambda: host.said("finished") or
                     (host.said("checked") and self.complete()), host)
            host.kill()
        if not self.complete():
            raise Failed("complete, but the content is not right")

    def complete(self):
        """Whether all is on disk."""
        return all(self.torrent.piece_on_disk(self.target, i)
                   for i in range(len(self.torrent.hashes)))


def run(work, mode, command=None, cuts=CUTS // 2):
    """One mode; what was counted."""
    rng = random.Random(f"{SEED}-{mode}")
    world = small_world(work)
    port = free_port()
    with Libtorrent(work).seed(world[0], world[1], port, limit_up=RATE) as seeder, \
            CutFs(Path(work, "disk")) as fs:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        trial = Trial(mode, work, world, (seeder, port), fs, rng, command)
        trial.fresh()
        while trial.sums["cuts"] < cuts:
            trial.cut()
        if command is None:
            trial.finish()
    return trial.sums


def main():
    """Runs it; returns (passed, failed)."""
    why_not = usable()
    if why_not:
        print(f"skipped: losses of power: {why_not}", flush=True)
        return 0, 0
    passed = failed = 0
    for mode in ("store", "hook"):
        replay = f"TERN_SEED={SEED} TERN_CUTS={CUTS} python tests/power/power.py"
        with tempfile.TemporaryDirectory(prefix="tern-power-") as work:
            try:
                sums = run(work, mode)
            except Failed as error:
                print(f"not ok: losses of power, {mode}: {error}\n    replay: {replay}", flush=True)
                failed += 1
                continue
        passed += 1
        print(f"ok: losses of power, {mode}: {sums['cuts']} cuts; of pieces saved "
              f"{sums['durable']} all came back; {sums['restored']} taken over, "
              f"{sums['hashed']} hashed; {sums['served'] >> 20} MiB served, all right", flush=True)
    return passed, failed


if __name__ == "__main__":
    done = main()
    print(f"{done[0]} passed, {done[1]} failed")
    sys.exit(done[1] > 0)

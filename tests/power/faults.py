"""Disks that fill up and fail, files that others change: the engine says so, stops cleanly, loses
nothing, and goes on when it can.

Each case is a host under a file system that fails on command (tests/cutfs), or a file changed
by hand while the host is stopped or running. After each the download completes and every byte is
right.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from auditor import Auditor, Wrong

from rig import (
    CutFs, Failed, Host, Libtorrent, free_port, small_world, usable, wait_for, wipe)

RATE = 24 << 20
# Bytes per second until a fault has been met: the whole would take many times what a busy machine
# needs to say that the first pieces are there.
SLOW = 1 << 20


class Bench:
    """One torrent, one seed, one file system; hosts come and go."""

    def __init__(self, work, fs, torrent, source, seed_port):
        self.work, self.fs, self.torrent, self.source = work, fs, torrent, source
        self.peers = [f"127.0.0.1:{seed_port}"]
        self.target, self.state = fs.at / "content", fs.at / "state"

    def clean(self):
        """Nothing of an earlier case."""
        for command in ("space none", "fail syncs 0", "fail writes 0", "fail reads 0",
                        "readonly off"):
            self.fs.say(command)
        for directory in (self.target, self.state):
            directory.mkdir(exist_ok=True)
            wipe(directory)

    def host(self, peers=True, port=None, slow=False):
        """A host."""
        words = [f"--limit={SLOW}"] if slow else []
        words += self.peers if peers else []
        return Host(self.torrent, self.target, port or free_port(), "store", self.state, words,
                    self.work)

    def goes_on(self, host):
        """The fault is over: the host gets everything, and what it gets is saved."""
        saves = len(host.said("saved"))
        host.tell("fast")
        host.retry()
        self.completes(host)
        wait_for("a save after the fault", lambda: len(host.said("saved")) > saves, host)

    def some(self, host, pieces):
        """Waits until so many pieces passed."""
        wait_for(f"{pieces} pieces", lambda: len(host.said("passed")) >= pieces, host)

    def retrying(self, what, host, ready, last=60):
        """Waits. A write or sync that failed may be told of later, or the next one fails too: each
        failure stops the torrent, and each is retried."""
        def met():
            if len(host.said("storage")) > host.retried:
                host.retry()
            return ready()

        wait_for(what, met, host, last)

    def completes(self, host, last=60):
        """The host gets everything, and it is right."""
        total = len(self.torrent.hashes)
        self.retrying("completion", host, lambda: host.said("finished") or all(
            self.torrent.piece_on_disk(self.target, i) for i in range(total)), last)
        wrong = [i for i in range(total) if not self.torrent.piece_on_disk(self.target, i)]
        if wrong:
            raise Failed(f"finished, but pieces are wrong: {wrong}")

    def whole(self):
        """A complete download, stopped in good order."""
        with self.host() as host:
            self.completes(host)
            host.until("finished")
            host.tell("close")
            if host.wait() != 0:
                raise Failed(f"the host did not end in good order: {host.log()}")

    def file(self, which=-1):
        """A file of the torrent, and the pieces that touch it."""
        offset, found = 0, []
        for path, length, pad in self.torrent.files:
            if length and not pad:
                low, high = offset, offset + length - 1
                found.append((self.target / path, {i for i in range(
                    low // self.torrent.piece_length, high // self.torrent.piece_length + 1)}))
            offset += length
        return found[which]


def told(host, *words):
    """The host was told of a storage error with one of these words in it."""
    line = host.until("storage", 60)
    if not any(word.lower() in str(line).lower() for word in words):
        raise Failed(f"the error does not say what it is: {line}")
    return line


def full(bench):
    """The disk is full half way."""
    with bench.host(slow=True) as host:
        bench.some(host, 20)
        bench.fs.say("space 0")
        told(host, "space", "28")
        bench.fs.say("space none")
        bench.goes_on(host)


def full_and_killed(bench):
    """The disk is full, nobody makes room, the host is killed."""
    with bench.host(slow=True) as host:
        bench.some(host, 20)
        bench.fs.say("space 0")
        told(host, "space", "28")
        host.kill()
        durable = host.durable()
    bench.fs.say("cut 1")
    with bench.host() as host:
        first = host.until("checked")
        if first["restored"] < len(durable):
            raise Failed(f"{len(durable)} pieces were saved, {first}")
        bench.completes(host)


def write_error(bench):
    """Writes fail, one after the other, until one of them was the content's: the store writes too,
    and tries again by itself."""
    with bench.host(slow=True) as host:
        bench.some(host, 20)

        def met():
            bench.fs.say("fail writes 1")
            return host.said("storage")

        wait_for("a failed write of content", met, host)
        bench.fs.say("fail writes 0")
        told(host, "input/output", "5")
        bench.goes_on(host)


def read_only(bench):
    """The file system becomes read-only."""
    with bench.host(slow=True) as host:
        bench.some(host, 20)
        bench.fs.say("readonly on")
        told(host, "read-only", "30")
        bench.fs.say("readonly off")
        bench.goes_on(host)


def sync_error(bench):
    """A sync fails: what it should have made safe is not claimed, and not served after a cut."""
    with bench.host(slow=True) as host:
        bench.some(host, 20)
        bench.fs.say("fail syncs 3")
        wait_for("a report", lambda: host.said("storage") or host.said("save-failed"), host)
        more, saves = len(host.said("passed")) + 10, len(host.said("saved")) + 2
        bench.retrying("more pieces and two saves", host, lambda:
                       len(host.said("passed")) >= more and len(host.said("saved")) >= saves)
        host.kill()
        durable = host.durable()
    bench.fs.say("cut 2")
    with bench.host() as host:
        first = host.until("checked")
        if first["restored"] < len(durable):
            raise Failed(f"{len(durable)} pieces were saved, {first}")
        lost = [i for i in durable if not bench.torrent.piece_on_disk(bench.target, i)]
        if lost:
            raise Failed(f"pieces that a save claimed after a failed sync are lost: {lost}")
        bench.completes(host)


def read_error(bench):
    """A read for a peer fails: the peer gets nothing wrong, the host is told."""
    bench.whole()
    port = free_port()
    with bench.host(peers=False, port=port) as host:
        host.until("checked")
        bench.fs.say("fail reads 1000")
        peer = Auditor(port, bench.torrent)
        try:
            peer.serve_me([0, 1, 2], lambda i: bytes(bench.torrent.read_piece(bench.source, i)))
        except (ConnectionError, TimeoutError):
            pass
        except Wrong as error:
            raise Failed(str(error)) from None
        finally:
            peer.close()
            bench.fs.say("fail reads 0")
        host.kill()
    with bench.host() as host:
        bench.completes(host)


def changed(change):
    """A case: one file is changed while the host is stopped."""
    def case(bench):
        bench.whole()
        path, pieces = bench.file()
        change(bench, path)
        with bench.host(peers=False) as host:
            first = host.until("checked")
            most = len(bench.torrent.hashes) - len(pieces)
            if first["restored"] < most - 1 or first["hashed"] > len(pieces) + 1:
                raise Failed(f"one file of {len(pieces)} pieces was changed, but {first}")
            host.kill()
        with bench.host() as host:
            bench.completes(host)
    return case


def truncate(bench, path):
    """Cut short."""
    os.truncate(path, path.stat().st_size // 2)


def grow(bench, path):
    """Made longer."""
    with path.open("ab") as file:
        file.write(b"more")


def overwrite(bench, path):
    """Other bytes, the same size."""
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"something else")


def remove(bench, path):
    """Gone."""
    path.unlink()


def swap(bench, path):
    """Replaced by another file of the same size and time."""
    stat = path.stat()
    other = path.with_name("other")
    other.write_bytes(bytes(stat.st_size))
    other.replace(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def in_its_place(bench):
    """A directory where a file was: no host can mend that, but it can say so and go on later."""
    bench.whole()
    path, pieces = bench.file()
    path.unlink()
    path.mkdir()
    with bench.host() as host:
        told(host, "not a regular file", "directory")
        path.rmdir()
        host.retry()
        bench.completes(host)
        if len(host.said("passed")) > len(pieces) + 1:
            raise Failed("more than that file was fetched again")


def unmounted(bench):
    """The directory is not there at the start: nothing is fetched again, and it works later."""
    bench.whole()
    away = bench.target.with_name("away")
    bench.target.rename(away)
    with bench.host() as host:
        told(host, "storage", "directory", "missing", "no such")
        if bench.target.exists():
            raise Failed("the missing directory was made anew")
        away.rename(bench.target)
        host.retry()
        wait_for("what is there", lambda: [c for c in host.said("checked") if c["restored"]], host)
        if host.said("passed"):
            raise Failed("pieces were fetched again")
    if away.exists():
        shutil.rmtree(away)


def truncated_while_serving(bench):
    """A file is cut short under a host that serves it."""
    bench.whole()
    port = free_port()
    path, pieces = bench.file()
    with bench.host(peers=False, port=port) as host:
        host.until("checked")
        os.truncate(path, 10)
        peer = Auditor(port, bench.torrent)
        try:
            peer.serve_me(sorted(pieces)[-3:],
                          lambda i: bytes(bench.torrent.read_piece(bench.source, i)))
            raise Failed("bytes that are not on disk were served")
        except (ConnectionError, TimeoutError):
            pass
        except Wrong as error:
            raise Failed(str(error)) from None
        finally:
            peer.close()
        host.kill()
    with bench.host() as host:
        bench.completes(host)


CASES = {
    "disk full, then room": full,
    "disk full, then killed and cut": full_and_killed,
    "a write fails": write_error,
    "read-only for a while": read_only,
    "syncs fail, then a cut": sync_error,
    "reads fail while serving": read_error,
    "a file cut short while stopped": changed(truncate),
    "a file made longer while stopped": changed(grow),
    "a file overwritten while stopped": changed(overwrite),
    "a file removed while stopped": changed(remove),
    "a directory in its place": in_its_place,
    "a file swapped while stopped": changed(swap),
    "the directory is missing at the start": unmounted,
    "a file cut short while serving": truncated_while_serving,
}


def main():
    """Runs it; returns (passed, failed)."""
    why_not = usable()
    if why_not:
        print(f"skipped: faults of disks: {why_not}", flush=True)
        return 0, 0
    wanted = sys.argv[1:]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="tern-faults-") as work:
        torrent, source = small_world(work, size=12 << 20, files=3)
        port = free_port()
        with Libtorrent(work).seed(torrent, source, port, limit_up=RATE) as seeder, \
                CutFs(Path(work, "disk")) as fs:
            wait_for("the seed", lambda: seeder.lines(), seeder)
            bench = Bench(work, fs, torrent, source, port)
            for name, case in CASES.items():
                if wanted and not any(w in name for w in wanted):
                    continue
                bench.clean()
                try:
                    case(bench)
                except (Failed, OSError) as error:
                    failed += 1
                    print(f"not ok: {name}: {error}", flush=True)
                else:
                    passed += 1
                    print(f"ok: {name}", flush=True)
    return passed, failed


if __name__ == "__main__":
    done = main()
    print(f"{done[0]} passed, {done[1]} failed")
    sys.exit(done[1] > 0)

"""How fast, at what cost: one big file over loopback, libtern and libtorrent in the same run.

For each pair of seed and leech: MiB/s, CPU seconds per GiB of both sides, and their peak memory.
The time runs from the first connection to the last piece; the seed's own check is not in it. Run
it with `make bench`; TERN_BENCH_MIB sets the size (4096). Numbers of different runs do not compare.
"""

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import torrents
from clients import ROOT, Failed, Libtorrent, Tern, free_port, need, wait_for

MIB = 1 << 20
SIZE = int(os.environ.get("TERN_BENCH_MIB", "4096")) * MIB
PIECE = 2 * MIB


def big_torrent(work):
    """A file of SIZE bytes that no compression or deduplication shortens, and its torrent."""
    source = Path(work, "source")
    source.mkdir()
    hashes = []
    base = os.urandom(PIECE)
    with open(source / "big.bin", "wb") as file:
        for number in range(SIZE // PIECE):
            piece = number.to_bytes(8, "big") + base[8:]
            hashes.append(hashlib.sha1(piece).digest())
            file.write(piece)
    info = {"name": "big.bin", "piece length": PIECE, "length": SIZE, "pieces": b"".join(hashes)}
    path = Path(work, "big.torrent")
    path.write_bytes(torrents.encode({"info": info}))
    return source, torrents.Torrent.load(path)


def cpu(pid):
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """Peak resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def ready(client, process):
    """Whether a seed has checked its content."""
    if client.name == "tern":
        return any(o.get("phase") == "seeding" for o in process.lines())
    return client.complete(process, None, None)


def measure(seeder, leecher, torrent, source, work):
    """One pair; a row of the table."""
    target = Path(work, "target")
    port = free_port()
    with seeder.seed(torrent, source, port) as a:
        wait_for("the seed to check", lambda: ready(seeder, a), a, timeout=600)
        before = cpu(a.popen.pid)
        started = time.monotonic()
        with leecher.get(torrent, target, free_port(), peers=[port], seed=True) as b:
            wait_for("the leech", lambda: leecher.complete(b, torrent, target), b, timeout=600)
            seconds = time.monotonic() - started
            gib = SIZE / (1 << 30)
            row = [f"{SIZE / MIB / seconds:.0f}", f"{(cpu(a.popen.pid) - before) / gib:.2f}",
                   f"{cpu(b.popen.pid) / gib:.2f}", f"{peak(a.popen.pid):.0f}",
                   f"{peak(b.popen.pid):.0f}"]
    wrong = torrents.differences(torrent, source, target)
    if wrong:
        raise Failed("; ".join(wrong))
    (target / "big.bin").unlink()
    return row


def main():
    """The table."""
    need()
    place = ROOT / "target/bench"
    place.mkdir(parents=True, exist_ok=True)
    print(f"{SIZE // MIB} MiB over loopback, {os.cpu_count()} CPUs")
    head = ["seed", "leech", "MiB/s", "seed CPU s/GiB", "leech CPU s/GiB", "seed MiB", "leech MiB"]
    print(" | ".join(head))
    with tempfile.TemporaryDirectory(dir=place) as top:
        source, torrent = big_torrent(top)
        pairs = [(Tern, Tern), (Libtorrent, Libtorrent), (Tern, Libtorrent), (Libtorrent, Tern)]
        for number, (seeder, leecher) in enumerate(pairs):
            work = Path(top, str(number))
            work.mkdir()
            row = measure(seeder(work), leecher(work), torrent, source, work)
            print(" | ".join([seeder.name, leecher.name, *row]), flush=True)


if __name__ == "__main__":
    main()

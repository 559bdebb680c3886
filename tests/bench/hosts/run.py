#!/usr/bin/env python3
"""What libtern costs its hosts: hooks, events, handles, and whether adding and removing leaks.

    python3 tests/bench/hosts/run.py [--mib 1024] [--rounds 3] [--cycles 10000] [--only leak]

`make bench-hosts` builds what it needs. Medians of `--rounds`, the hosts taking turns. Seconds of
one run compare with each other and with nothing else; the load of the machine is printed for that.
Ends with 1 when a host leaks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
LIBRARY = ROOT / "target" / "release"
PYTHON = ROOT / "target" / "venv" / "bin" / "python"
PIECE = 256 * 1024
LEAK = 64
"""Bytes a cycle of adding and removing may leave. A leak of one object is more."""


def build(work: Path) -> list[str]:
    """The C host."""
    binary = work / "host"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-std=gnu99", "-O2", "-Wall", "-Wextra", "-Werror",
         f"-I{ROOT / 'include'}", str(HERE / "host.c"), "-o", str(binary), f"-L{LIBRARY}", "-ltern",
         f"-Wl,-rpath,{LIBRARY}"],
        check=True,
    )
    return [str(binary)]


def ask(command: list[str], *arguments: object) -> dict[str, Any]:
    """One measurement."""
    done = subprocess.run(
        [*command, *map(str, arguments)], check=True, capture_output=True, text=True, timeout=900
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def hooks(hosts: dict[str, list[str]], work: Path, mib: int, rounds: int) -> None:
    """A download with and without a verify hook."""
    (work / "seed").mkdir()
    torrent = work / "seed" / "x.torrent"
    subprocess.run([*hosts["C"], "make", str(work / "seed"), str(mib), str(PIECE)], check=True)
    seed = subprocess.Popen(
        [*hosts["C"], "seed", str(torrent), str(work / "seed")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert seed.stdout is not None
    port = seed.stdout.readline().strip()
    kinds = [("C", "none"), ("C", "inline"), ("C", "queued"), ("Python", "none"),
             ("Python", "sync"), ("Python", "asyncio")]
    found: dict[tuple[str, str], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    try:
        for _ in range(rounds):
            for host, mode in kinds:
                target = work / "leech"
                target.mkdir()
                found[host, mode].append(ask(hosts[host], "verify", mode, torrent, target, port))
                shutil.rmtree(target)
    finally:
        seed.communicate("", timeout=60)
    print(f"\nA download of {mib} MiB in pieces of 256 KiB, by the verify hook\n")
    print("| host | hook | MiB/s | CPU s of the host thread | of the hook thread | us a piece |")
    print("|---|---|---|---|---|---|")
    pieces = mib * (1 << 20) / PIECE
    for (host, mode), results in found.items():
        speed = statistics.median(r["bytes"] / r["seconds"] for r in results) / (1 << 20)
        cpu = statistics.median(r["host_cpu"] for r in results)
        inline = statistics.median(r["hook_cpu"] for r in results)
        print(f"| {host} | {mode} | {speed:.0f} | {cpu:.3f} | {inline:.3f} | "
              f"{(cpu + inline) / pieces * 1e6:.1f} |")


def events(hosts: dict[str, list[str]], work: Path, rounds: int) -> None:
    """Events taken out of a full queue."""
    (work / "many").mkdir()
    subprocess.run([*hosts["C"], "make", str(work / "many"), "512", "16384"], check=True)
    torrent = work / "many" / "x.torrent"
    print("\nEvents that wait, taken in batches of 256, every one looked at\n")
    print("| host | events | a second | us of CPU each |\n|---|---|---|---|")
    for host, command in hosts.items():
        found = [ask(command, "events", torrent, work / "many", 3) for _ in range(rounds)]
        rate = statistics.median(r["events"] / r["seconds"] for r in found)
        cpu = statistics.median(r["cpu"] / r["events"] for r in found) * 1e6
        print(f"| {host} | {found[0]['events']} | {rate:.0f} | {cpu:.2f} |")


def handles(hosts: dict[str, list[str]]) -> None:
    """Memory of handles."""
    print("\nMemory of a torrent handle (of the torrent itself: tests/bench/idle.py)\n")
    print("| host | handles | bytes each |\n|---|---|---|")
    for host, command in hosts.items():
        found = ask(command, "memory", 100_000 if host == "C" else 20_000)
        print(f"| {host} | {found['count']} | {found['bytes'] / found['count']:.0f} |")


def leaks(hosts: dict[str, list[str]], count: int) -> int:
    """Adding and removing; how many hosts leak."""
    bad = 0
    print(f"\n{count} torrents added and removed, after a fifth of that to warm up\n")
    print("| host | bytes grown | a cycle | seconds |\n|---|---|---|---|")
    for host, command in hosts.items():
        found = ask(command, "cycles", count)
        each = found["grown"] / found["count"]
        bad += each > LEAK
        print(f"| {host} | {found['grown']} | {each:.1f} | {found['seconds']:.1f} |")
    return bad


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--only", choices=["hooks", "events", "memory", "leak"])
    parser.add_argument("--dir", help="where content is written (default: the system's)")
    wanted = parser.parse_args()
    print(f"{os.cpu_count()} processors, load {', '.join(f'{x:.1f}' for x in os.getloadavg())}")
    bad = 0
    with tempfile.TemporaryDirectory(dir=wanted.dir) as name:
        work = Path(name)
        hosts = {"C": build(work), "Python": [str(PYTHON), str(HERE / "host.py")]}
        if wanted.only in (None, "hooks"):
            hooks(hosts, work, wanted.mib, wanted.rounds)
        if wanted.only in (None, "events"):
            events(hosts, work, wanted.rounds)
        if wanted.only in (None, "memory"):
            handles(hosts)
        if wanted.only in (None, "leak"):
            bad = leaks(hosts, wanted.cycles)
    print(f"\nload {', '.join(f'{x:.1f}' for x in os.getloadavg())}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

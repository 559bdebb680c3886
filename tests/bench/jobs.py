"""The jobs that are measured, one function each; a result is a dict of figures.

Whatever is not the job stays outside of the figures: starting, the seed's own check, comparing what
was received with what was sent. The comparison is never skipped.
"""

import json
import shutil
import subprocess
import time
from pathlib import Path

import floor
from lab import HERE, MIB, TIMEOUT, Failed, Memory, Program, cpu_seconds, same
from sides import VENV_PYTHON


def recheck(side, threads, content, work):
    """Hashing a file against its torrent."""
    return side.recheck(content, work, threads)


def create(side, threads, content, work):
    """Hashing a file into a torrent."""
    return side.create(content, work, threads)


def transfer(seeder, leecher, content, work, place, leeches=1):
    """One seed to so many leeches, each a process of its own, from the first connection until the
    last of them has everything."""
    targets = [Path(place, f"target-{number}") for number in range(leeches)]
    peers = []
    try:
        for target in targets:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
        seed = seeder.peer(content, content.source, work, True)
        peers.append(seed)
        if not seed.ready():
            raise Failed(f"{seeder.name}: the seed does not have everything")
        for target in targets:
            peers.append(leecher.peer(content, target, work, False))
        takers = peers[1:]
        for peer in takers:
            if peer.ready():
                raise Failed(f"{leecher.name}: the leech has everything before it began")
        figures = measure(seed, takers, content)
        for target in targets:
            if not same(content.file, target / content.name):
                raise Failed(f"{leecher.name}: what was received differs from what was sent")
        return figures
    finally:
        for peer in reversed(peers):
            peer.stop()
        for target in targets:
            shutil.rmtree(target, ignore_errors=True)


def measure(seed, takers, content):
    """The measured part of a transfer."""
    with Memory(seed.pid, *(t.pid for t in takers)) as memory:
        known = [seed.address]
        for peer in takers:
            peer.connect(known)
            known.append(peer.address)
        takers[0].connected()
        seed_cpu, start = cpu_seconds(seed.pid), time.monotonic()
        taker_cpu = [cpu_seconds(t.pid) for t in takers]
        for peer in takers:
            peer.done()
        seconds = time.monotonic() - start
        seed_cpu = cpu_seconds(seed.pid) - seed_cpu
        # Who says "complete" with writes still to be done pays for those too.
        for peer in takers:
            peer.settle()
        taker_cpu = [cpu_seconds(t.pid) - c for t, c in zip(takers, taker_cpu, strict=True)]
    return {
        "seconds": seconds,
        "mib_s": content.mib * len(takers) / seconds,
        "seed_cpu_s_gib": seed_cpu / content.gib,
        "leech_cpu_s_gib": sum(taker_cpu) / content.gib / len(takers),
        "seed_mib": memory.mib(seed.pid),
        "leech_mib": max(memory.mib(t.pid) for t in takers),
        "sent_per_content": seed.uploaded() / content.size,
    }


def idle(side, count, seconds, work):
    """Many torrents that do nothing, measured by tests/bench/idle.py inside one process a side."""
    script = HERE / "idle.py"
    if not script.exists():
        return None
    name = "libtern" if side.name == "tern" else side.name
    command = [VENV_PYTHON, script, "--torrents", count, "--rounds", 1, "--idle", seconds,
               "--only", name]
    with Program(f"idle-{side.name}", command, work, lines=True) as program:
        try:
            out, _ = program.popen.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"idle {side.name}: no end in {TIMEOUT:.0f} s") from None
        if program.popen.returncode != 0:
            raise Failed(f"idle {side.name}: {program.log()}")
    answers = [json.loads(line) for line in out.decode().splitlines() if line.startswith("{")]
    run = next((a for a in answers if a.get("side") == name), None)
    if run is None:
        raise Failed(f"idle {side.name}: it said nothing")
    return {"kib_each": run["bytes_each"] / 1024, "ready_s": run["ready_s"],
            "idle_cpu_ms_per_s": 1000 * run["idle_cpu_s"] / run["idle_s"],
            "save_s": run["save_s"]}


def machine_floor(content, place):
    """What the machine itself takes for each step that no engine can leave out."""
    return floor.figures(content.file, Path(place, "floor.bin"), min(content.size, 1024 * MIB))

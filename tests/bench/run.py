"""`make bench`: libtern beside libtorrent, rqbit and transmission, on the same content.

    make bench                      everything; 4 GiB, five rounds (see FEWER); half an hour
    make bench QUICK=1              512 MiB, three rounds, within three minutes
    make bench ONLY=recheck,create  some groups: recheck create transfer swarm idle floor

TERN_BENCH_DIR     where the content lies (default /dev/shm when it has room, else target/bench)
TERN_BENCH_MIB     size of the content       TERN_BENCH_ROUNDS   rounds that count
TERN_BENCH_SIDES   tern,libtorrent,rqbit,transmission: who takes part
TERN_BENCH_HOST    another build of tests/bench/host.rs, to compare two versions of libtern

In each round every side does its job once, in turn; the first round is not counted. Printed are
medians and ranges, and ratios of medians. Every sample is in target/bench/compare.json. Seconds of
different runs do not compare: the machine's state is in them.
"""

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jobs
import table
from lab import (
    GIB,
    MIB,
    OUT,
    Failed,
    available,
    kind_of,
    machine,
    make_content,
    place,
    stop_all,
    warm,
)
from others import Rqbit, Transmission, inside
from sides import Libtorrent, Tern

GROUPS = ["floor", "recheck", "create", "transfer", "swarm", "idle"]
PIECE = 4 * MIB
# Where transmission takes minutes.
SLOW = ("transfer", "swarm")
# Rounds of what stands beside the comparison with libtorrent, which has all of them:
# a whole run is to end within half an hour.
FEWER = {"tern-net2": 3, "tern-lt": 3, "lt-tern": 3, "rqbit": 2, "transmission": 2}


class Bench:
    """One run."""

    def __init__(self):
        self.quick = os.environ.get("QUICK", "") not in ("", "0")
        self.only = [g for g in os.environ.get("ONLY", "").split(",") if g]
        unknown = set(self.only) - set(GROUPS)
        if unknown:
            sys.exit(f"bench: no group {', '.join(sorted(unknown))}; there are: {' '.join(GROUPS)}")
        size = int(os.environ.get("TERN_BENCH_MIB", "512" if self.quick else "4096"))
        self.size = max(size * MIB // PIECE, 1) * PIECE
        self.rounds = int(os.environ.get("TERN_BENCH_ROUNDS", "3" if self.quick else "5"))
        self.count = int(os.environ.get("TERN_BENCH_TORRENTS", "2000" if self.quick else "10000"))
        self.samples = {}
        self.notes = []
        self.absent = {}
        wanted = os.environ.get("TERN_BENCH_SIDES", "tern,libtorrent,rqbit,transmission")
        for side in (Tern, Libtorrent, Rqbit, Transmission):
            if side.name not in wanted.split(","):
                self.absent[side.name] = "left out by TERN_BENCH_SIDES"
            elif side.missing():
                self.absent[side.name] = side.missing()
        for name, why in self.absent.items():
            self.note(f"{name} takes no part: {why}")

    def note(self, text):
        """A line below the table."""
        if text not in self.notes:
            self.notes.append(text)
            print(f"  note: {text}", flush=True)

    def sides(self, group, content, work, at):
        """What is measured in a group: key -> (engines it needs, job)."""
        tern, lt = Tern(), Libtorrent()
        hps = Libtorrent("libtorrent hps", preset="high_performance_seed")
        net2 = Tern("tern net2", net_threads=2)
        small = Tern("tern 32", **Tern.named(32 * MIB, ["memory_budget"],
                                             ["write_budget", "max_unwritten"]))
        rqbit, transmission = Rqbit(), Transmission()
        slow = self.small_content(content, at) if group in SLOW else None
        number = iter(range(1000))

        def here():
            directory = Path(work, f"{group}-{next(number)}")
            directory.mkdir()
            return directory

        def hashing(job, side, threads):
            directory = here()
            return [side], lambda: job(side, threads, content, directory)

        def pair(seeder, leecher, leeches=1):
            directory = here()
            engines = [seeder] if seeder.name == leecher.name else [seeder, leecher]
            if seeder.name == "transmission":
                return engines, lambda: inside(slow, directory, at, leeches)
            return engines, lambda: jobs.transfer(seeder, leecher, content, directory, at, leeches)

        def many(side):
            directory = here()
            return [side], lambda: jobs.idle(side, self.count, 1 if self.quick else 5, directory)

        if group in ("recheck", "create"):
            job = getattr(jobs, group)
            other = {"tern-2": (tern, 2), "lt-2": (lt, 2)} if group == "recheck" else {
                "tern-all": (tern, 0)}
            plan = {"tern-1": (tern, 1), "lt-1": (lt, 1), **other, "rqbit": (rqbit, 1),
                    "transmission": (transmission, 1)}
            return {key: hashing(job, *how) for key, how in plan.items()}
        if group == "transfer":
            return {"tern": pair(tern, tern), "lt": pair(lt, lt), "tern-net2": pair(net2, net2),
                    "lt-hps": pair(hps, hps), "tern-32": pair(small, small),
                    "tern-lt": pair(tern, lt), "lt-tern": pair(lt, tern),
                    "rqbit": pair(rqbit, rqbit),
                    "transmission": pair(transmission, transmission)}
        if group == "swarm":
            return {"tern": pair(tern, tern, 4), "lt": pair(lt, lt, 4),
                    "tern-net2": pair(net2, net2, 4), "rqbit": pair(rqbit, rqbit, 4),
                    "transmission": pair(transmission, transmission, 4)}
        if group == "idle":
            return {"tern": many(tern), "lt": many(lt)}
        return {"machine": ([], lambda: jobs.machine_floor(content, at))}

    def measure(self, group, content, work, at):
        """All rounds of a group, every side once in each."""
        sides = {
            key: job for key, (engines, job) in self.sides(group, content, work, at).items()
            if not any(e.name in self.absent for e in engines)
            and not (self.quick and key == "tern-net2")
        }
        mine = self.samples.setdefault(group, {})
        failures = {}
        for number in range(self.rounds + 1):
            for key in list(sides):
                if not self.takes_part(group, key, number):
                    continue
                start = time.monotonic()
                try:
                    figures = sides[key]()
                except (Failed, OSError, ValueError, KeyError) as error:
                    self.note(f"{group} {key}: {str(error) or type(error).__name__}")
                    failures[key] = failures.get(key, 0) + 1
                    if failures[key] == 2:
                        self.note(f"{group} {key}: failed twice, left out")
                        del sides[key]
                    continue
                if figures is None:
                    del sides[key]
                    continue
                if key == "transmission" and group in SLOW:
                    figures.pop("seconds", None)
                if number or not self.takes_part(group, key, 1):
                    for name, value in figures.items():
                        mine.setdefault(key, {}).setdefault(name, []).append(value)
                shown = " ".join(f"{k}={v:.4g}" for k, v in figures.items())
                mark = f"round {number}" if number else "warm-up"
                took = time.monotonic() - start
                print(f"  {group} {key} {mark}: {shown} [{took:.1f} s]", flush=True)

    def takes_part(self, group, key, number):
        """Whether a side has a turn in this round. What stands beside the comparison has fewer, and
        a quick run asks the further engines once where they are slow."""
        if self.quick:
            return number == 0 or group not in SLOW or key not in ("rqbit", "transmission")
        if key == "transmission" and group in SLOW:
            return number == 1
        return number > 0 and number <= FEWER[key] if key in FEWER else True

    def small_content(self, content, at):
        """Less content for who takes long."""
        if "transmission" in self.absent:
            return None
        size = min(content.size, (16 if self.quick else 512) * MIB)
        self.note(f"transmission transfers {size // MIB} MiB, fewer times: it asks in pulses of "
                  "half a second, so one connection is slow and the processor idle")
        return make_content(Path(at, "slow"), size, PIECE)

    def run(self):
        """Everything; the results."""
        groups = [g for g in GROUPS if not self.only or g in self.only]
        need = 3 * self.size
        base = place(need)
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base, prefix="tern-bench-") as top:
            OUT.mkdir(parents=True, exist_ok=True)
            kind = kind_of(top)
            print(f"content: {self.size // MIB} MiB in {base} ({kind})", flush=True)
            warm(top, need)
            if not self.quick:
                self.note("what stands beside the comparison with libtorrent has fewer rounds: "
                          + ", ".join(f"{key} {count}" for key, count in FEWER.items()))
            content = make_content(top, self.size, PIECE)
            with tempfile.TemporaryDirectory(dir=OUT, prefix="work-") as work:
                for group in groups:
                    chosen, at = self.content_for(group, content, top)
                    self.measure(group, chosen, work, at)
                    if done := self.evaluated([group]):
                        print(table.printed(done), flush=True)
        return self.result(groups, {"directory": str(base), "file_system": kind})

    def content_for(self, group, content, top):
        """A swarm needs five copies: it takes the largest content that has room."""
        at = Path(top, group)
        at.mkdir()
        if group != "swarm":
            return content, at
        size = self.size // 2 if self.quick else self.size
        while size > 64 * MIB and shutil.disk_usage(top).free < 5 * size + GIB:
            size //= 2
        while str(top).startswith("/dev/shm") and size > 64 * MIB and self.short(5 * size):
            size //= 2
        if size == self.size:
            return content, at
        self.note(f"swarm: {size // MIB} MiB, for there are five copies of it")
        return make_content(Path(at, "content"), size, PIECE), at

    @staticmethod
    def short(size):
        """Whether memory would be short."""
        return available() < size + 3 * GIB

    def evaluated(self, groups):
        """The rows of some groups."""
        chosen = [r for r in table.rows(machine()["features"]) if r.group in groups
                  and self.samples.get(r.group) and not (self.quick and r.ours == "tern-net2")]
        return [table.evaluate(row, self.samples.get(row.group, {})) for row in chosen]

    def result(self, groups, where):
        """What goes into compare.json."""
        floor = self.samples.get("floor", {}).get("machine", {})
        return {
            "format": 1,
            "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "quick": self.quick, "rounds": self.rounds, "groups": groups,
            "content": {"mib": self.size // MIB, "piece_mib": PIECE // MIB, **where},
            "torrents": self.count,
            "machine": machine(), "versions": versions(self.absent),
            "rows": self.evaluated(groups), "notes": self.notes,
            "floor": {name: table.summary(values) for name, values in floor.items()},
            "samples": self.samples,
        }


def versions(absent):
    """Of everything that took part."""
    def said(*command):
        try:
            made = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                                  timeout=20, check=False)
            return (made.stdout or made.stderr).strip().splitlines()[0]
        except (OSError, IndexError, subprocess.TimeoutExpired):
            return "unknown"
    out = {"rustc": said("rustc", "--version"),
           "libtern": said("git", "-C", OUT.parent.parent, "describe", "--always", "--dirty")}
    for side in (Libtorrent, Rqbit, Transmission):
        if side.name not in absent:
            out[side.name] = said(*side.version)
    return out


def shown(result):
    """The run as text."""
    m, c = result["machine"], result["content"]
    head = (f"\n{c['mib']} MiB, pieces of {c['piece_mib']} MiB, in {c['directory']} "
            f"({c['file_system']}); {result['rounds']} rounds, median (least-most)\n"
            f"{m['cores']} x {m['cpu']} ({' '.join(m['features'])}), {m['memory_gib']} GiB, "
            f"Linux {m['kernel']}\n"
            + ", ".join(f"{k} {v}" for k, v in result["versions"].items()) + "\n")
    floor = "\n".join(f"  {name:20} {value['median']:10.3f}"
                      for name, value in result["floor"].items())
    notes = "\n".join(f"  {n}" for n in result["notes"]
                      + [f"{r['title']}: {n}" for r in result["rows"] for n in r["notes"]])
    return (head + (f"\nfloor of the machine\n{floor}\n" if floor else "") + "\n"
            + table.printed(result["rows"]) + (f"\n\nnotes\n{notes}" if notes else ""))


def main():
    """Runs it, prints it, keeps it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench()
    try:
        result = bench.run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        stop_all()
    name = "only" if bench.only else "quick" if bench.quick else ""
    path = OUT / ("compare.json" if not name else f"compare-{name}.json")
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(shown(result))
    print(f"\n{path}")


if __name__ == "__main__":
    main()

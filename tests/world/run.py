"""A world of real engines in network namespaces: peers that can be found in one way only.

    run.py [NAME..]       only scenarios whose names contain one of these
    TERN_WORLD_JOBS       scenarios at a time, each in a network of its own; 3, since they mostly
                          wait for somebody's timer. 1 for times that are to be compared

Each file of scenarios/ has `scenarios()`: (name, function) pairs; a function gets the world and
a place for its report. Root and iproute2 are needed; without them the run says so and skips.
Prints a table of the time from adding a torrent to its first byte and its last, what failed and
why once more, and `N passed, M failed`.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import clients  # noqa: E402
import net  # noqa: E402


def scenarios(wanted):
    """All scenarios, by file."""
    for path in sorted((HERE / "scenarios").glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, run in module.scenarios():
            if not wanted or any(word in name for word in wanted):
                yield name, run


def missing():
    """What is not there."""
    programs = ["transmission-daemon", "opentracker"]
    out = [program for program in programs if shutil.which(program) is None]
    if not Path(clients.TERN).exists():
        out.append(clients.TERN)
    try:
        import libtorrent  # noqa: F401
    except ImportError:
        out.append("libtorrent (run `make world`, which makes an environment)")
    return out


def one(name, run, report):
    """Runs a scenario in a world of its own; why it failed, None if it passed."""
    work = tempfile.mkdtemp(prefix="tern-world-")
    began = time.monotonic()
    try:
        with net.World(work) as world:
            run(world, report)
    except Exception as error:  # the run goes on with the next
        print(f"FAILED {name}: {error}", flush=True)
        if not isinstance(error, clients.Failed):
            traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
    return None


def table(report, jobs):
    """Time from adding to the first byte and to the last, ours beside libtorrent's."""
    if not report:
        return
    print("\nmilliseconds from adding a magnet link to the first byte / to all of 3 MiB, by way of "
          f"finding\npeers and other side, {jobs} at a time; transmission does not tell of its "
          "first byte")
    row = "  {:<12} {:<13} {:>15} {:>15} {:>15}"
    columns = ("tern", "libtorrent", "transmission")
    print(row.format("", "other side", *columns))
    for way, other in sorted({(way, other) for way, other, _ in report}):
        cells = [report.get((way, other, leech)) for leech in columns]
        shown = [cell and " / ".join("-" if ms is None else str(ms) for ms in cell) or ""
                 for cell in cells]
        print(row.format(way, other, *shown))


def main():
    """Runs them all."""
    if reason := net.why_not():
        print(f"world skipped: {reason}")
        return 0
    if gone := missing():
        sys.exit(f"missing: {', '.join(gone)}")
    os.umask(0o022)
    jobs = int(os.environ.get("TERN_WORLD_JOBS") or 3)
    report = {}
    chosen = dict(scenarios(sys.argv[1:]))
    with ThreadPoolExecutor(jobs) as pool:
        ended = list(pool.map(lambda item: one(*item, report), chosen.items()))
    failed = {name: why for name, why in zip(chosen, ended, strict=True) if why}
    passed = len(ended) - len(failed)
    table(report, jobs)
    print()
    # Once more: of a long log the beginning and the middle are often not kept.
    for name, why in failed.items():
        print(f"FAILED {name}: {why}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

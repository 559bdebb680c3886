"""Instruction budgets of the hot functions: counted by callgrind, compared with budgets.tsv.

    budget.py            compares; fails when something takes more than its tolerance more
    budget.py NAME..     only these
    budget.py --update   writes budgets.tsv anew

Instructions repeat from run to run, seconds do not. They do depend on the compiler, on the C
library and on what valgrind shows of the processor: budgets.tsv says with what it was made, and
with anything else a difference only warns. Ends with "N passed, M failed".
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HOT = Path(os.environ.get("TERN_BENCH_HOT", ROOT / "target/release/examples/bench-hot"))
BUDGETS = HERE / "budgets.tsv"
# Allowed growth, in percent; what uses hash maps or the allocator a lot varies no more than this.
TOLERANCE = 3.0


def made_with():
    """What counts depend on besides the code."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    version = rustc.stdout.split()[1]
    flags = re.search(r"flags\s*: (.*)", Path("/proc/cpuinfo").read_text())
    avx2 = "avx2" if flags and "avx2" in flags[1].split() else "no avx2"
    return f"rustc {version}, {' '.join(platform.libc_ver())}, {platform.machine()} {avx2}"


def jobs():
    """Names and units, as the program lists them."""
    out = subprocess.run([HOT], capture_output=True, text=True, check=True).stdout
    return dict(line.split("\t") for line in out.splitlines())


def count(name):
    """Instructions per unit of a job; None when this machine cannot do it."""
    command = ["valgrind", "--tool=callgrind", "--toggle-collect=*measured*",
               "--callgrind-out-file=/dev/null", str(HOT), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        raise RuntimeError(f"{name}: {done.stderr[-1500:]}")
    units = int(done.stdout.split()[-1])
    if units == 0:
        return None
    if int(collected[1]) == 0:
        raise RuntimeError(f"{name}: callgrind saw nothing; was the program stripped?")
    return int(collected[1]) / units


def read():
    """The budgets: what they were made with, and name -> (instructions, tolerance)."""
    header, budgets = "", {}
    for line in BUDGETS.read_text().splitlines():
        if line.startswith("# made with: "):
            header = line.removeprefix("# made with: ")
        elif line and not line.startswith("#"):
            name, instructions, tolerance, _ = line.split("\t")
            budgets[name] = (float(instructions), float(tolerance))
    return header, budgets


def write(counts, units):
    """budgets.tsv, tolerances kept."""
    _, old = read() if BUDGETS.exists() else ("", {})
    lines = ["# Instructions of the hot functions: name, instructions per unit, percent it may",
             "# grow, unit. Written by `make budget-update`; checked by `make budget`.",
             f"# made with: {made_with()}"]
    for name, value in counts.items():
        if value is None:
            value = old[name][0]
        tolerance = old.get(name, (0, TOLERANCE))[1]
        lines.append(f"{name}\t{value:.1f}\t{tolerance:g}\t{units[name]}")
    BUDGETS.write_text("\n".join(lines) + "\n")


def compare(counts, units, wanted):
    """Prints the table; how many passed and failed."""
    header, budgets = read()
    same = header == made_with()
    passed = failed = 0
    print(f"{'instructions per unit':22} {'budget':>12} {'now':>12} {'change':>8}")
    for name, value in counts.items():
        if value is None:
            print(f"{name:22} not on this machine")
            continue
        if name not in budgets:
            print(f"{name:22} {'-':>12} {value:12.1f} {'':8} FAILED: no budget")
            failed += 1
            continue
        budget, tolerance = budgets[name]
        change = 100 * (value / budget - 1)
        over = change > tolerance
        word = ("FAILED" if same else "more, but see below") if over else (
            "less: lower the budget" if change < -tolerance else "")
        print(f"{name:22} {budget:12.1f} {value:12.1f} {change:+7.1f}% {word}")
        failed += over and same
        passed += not (over and same)
    for name in set(budgets) - set(units) if not wanted else ():
        print(f"{name:22} has a budget, but there is no such job")
        failed += 1
    if not same:
        print(f"budgets were made with {header};\nthis is {made_with()}: differences only warn")
    if failed:
        print("if the growth is worth it: make budget-update, and say why in the commit")
    return passed, failed


def main():
    """Counts, then compares or writes."""
    if shutil.which("valgrind") is None:
        sys.exit("budget: valgrind is missing (Debian: apt install valgrind)")
    if not HOT.exists():
        sys.exit(f"budget: {HOT} is missing: run make budget")
    words = sys.argv[1:]
    update = "--update" in words
    wanted = [w for w in words if w != "--update"]
    units = jobs()
    names = [n for n in units if not wanted or n in wanted]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = dict(zip(names, pool.map(count, names), strict=True))
    if update:
        write(counts, units)
        print(BUDGETS.read_text(), end="")
        return 0
    passed, failed = compare(counts, units, wanted)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

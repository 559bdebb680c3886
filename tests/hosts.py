#!/usr/bin/env python3
"""Runs the programs on the pages of docs/hosts against a seed, and compares what they fetched.

    python3 tests/hosts.py [c cpp perl python]

Needs what `make library` builds; Perl and Python pages need `make perl` and `make python`. Rust's
page is compiled by `cargo test`. A language that is not on the machine is said to be skipped. The
last line is `N passed, M failed`.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "hosts"
LIBRARY = Path(os.environ.get("TERN_LIBDIR", ROOT / "target" / "release")).resolve()
GUARD = 120
"""Seconds after which a program that hangs is ended."""
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{ROOT / 'include'}"]
LINK = [f"-L{LIBRARY}", "-ltern", f"-Wl,-rpath,{LIBRARY}"]


def programs(language: str) -> list[str]:
    """The whole programs on a page."""
    text = (PAGES / f"{language}.md").read_text(encoding="ascii")
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
    if not found:
        raise SystemExit(f"hosts: no program on docs/hosts/{language}.md")
    return found


def command(language: str, source: Path) -> list[str] | str:
    """What runs a program, or why it cannot be run."""
    binary = source.with_suffix("")
    if language in ("c", "cpp"):
        compiler = os.environ.get("CC", "cc") if language == "c" else os.environ.get("CXX", "c++")
        if not shutil.which(compiler):
            return f"there is no {compiler}"
        standard = "-std=c99" if language == "c" else "-std=c++17"
        subprocess.run(
            [compiler, standard, *STRICT, str(source), "-o", str(binary), *LINK], check=True
        )
        return [str(binary)]
    if language == "perl":
        built = ROOT / "bindings" / "perl" / "blib"
        return ["perl", f"-Mblib={built}", str(source)] if built.is_dir() else "make perl first"
    python = ROOT / "target" / "venv" / "bin" / "python"
    return [str(python), str(source)] if python.exists() else "make python first"


class Skipped(Exception):
    """The program cannot be tried on this machine."""


def run(language: str, number: int, text: str, work: Path, peer: str) -> str | None:
    """Runs one program: nothing when it is right, else what is wrong."""
    name = f"{language}{number}"
    suffix = {"c": ".c", "cpp": ".cpp", "perl": ".pl", "python": ".py"}[language]
    source, target = work / f"{name}{suffix}", work / f"{name}.d"
    source.write_text(text, encoding="ascii")
    target.mkdir()
    words = command(language, source)
    if isinstance(words, str):
        raise Skipped(words)
    done = subprocess.run(
        [*words, str(work / "seed" / "x.torrent"), str(target), peer],
        capture_output=True, text=True, timeout=GUARD, check=False,
        env={**os.environ, "LD_LIBRARY_PATH": str(LIBRARY)},
    )
    if done.returncode != 0:
        return f"exit {done.returncode}: {done.stdout[-500:]}{done.stderr[-1000:]}"
    if not filecmp.cmp(work / "seed" / "content", target / "content", shallow=False):
        return "the content differs"
    return None


def main() -> int:
    """Seeds, runs all, counts."""
    languages = sys.argv[1:] or ["c", "cpp", "perl", "python"]
    passed = failed = 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "seed").mkdir()
        subprocess.run(
            [os.environ.get("CC", "cc"), "-std=c99", *STRICT,
             str(ROOT / "tests/c/support/seed.c"), "-o", str(work / "seeder"), *LINK],
            check=True,
        )
        seed = subprocess.Popen(
            [str(work / "seeder"), str(work / "seed"), "700000", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        try:
            assert seed.stdout is not None
            peer = f"127.0.0.1:{seed.stdout.readline().strip()}"
            for language in languages:
                for number, text in enumerate(programs(language), 1):
                    try:
                        wrong = run(language, number, text, work, peer)
                    except Skipped as reason:
                        print(f"skipped {language} {number}: {reason}")
                        continue
                    passed += wrong is None
                    failed += wrong is not None
                    said = "ok" if wrong is None else "FAILED"
                    print(f"{said} {language} {number} {wrong or ''}")
        finally:
            seed.communicate("", timeout=GUARD)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

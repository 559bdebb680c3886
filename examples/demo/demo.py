"""The demonstration behind `make demo`: seed, download, kill -9 half way, resume, compare.

A torrent is made from a real directory tree of this machine (or given with --torrent and --dir),
seeded with `tern seed` at a limited rate, and downloaded by the Perl, the Python and the C example
in turn. Each is killed with -9 half way and started again; what it restored and what it had to hash
again is shown, and in the end every file is compared. Nothing but this tree, Python's standard
library and the loopback interface is used. TERN_DEMO_MIB sets the size (200).
"""

import argparse
import contextlib
import filecmp
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "target/demo"
TERN = ROOT / "target/release/tern"
MIB = 1 << 20
SIZE = int(os.environ.get("TERN_DEMO_MIB", "200")) * MIB
# Slow enough that half way is a moment one can hit, fast enough for a demonstration.
SECONDS = 12
# No single file is to be most of the tree.
LARGEST = 16 * MIB
# An example that says nothing for so long hangs.
PATIENCE = 120


def examples():
    """Language, command."""
    built = ROOT / "bindings/perl/blib"
    return [
        ("Perl", ["perl", f"-I{built}/lib", f"-I{built}/arch",
                  str(ROOT / "examples/perl/resume.pl")]),
        ("Python", [str(ROOT / "target/venv/bin/python"),
                    str(ROOT / "examples/python/resume.py")]),
        ("C", [str(ROOT / "target/release/c/resume")]),
    ]


def say(text=""):
    """A line for the audience."""
    print(text, flush=True)


def real_tree():
    """A real directory tree of this machine: system libraries, else other system files."""
    libraries = sorted(Path("/usr/lib").glob("*-linux-gnu"))
    for place in [*libraries, *map(Path, ["/usr/lib", "/usr/share", "/usr"])]:
        files, total = [], 0
        for file, size in tree_files(place):
            files.append(file)
            total += size
            if total >= SIZE:
                return place, files, total
    sys.exit(f"no tree of {SIZE // MIB} MiB found on this machine: use TORRENT= and DIR=")


def tree_files(top):
    """Regular, readable files below `top`, in a stable order, with their sizes.

    Names that some system could not store (libtern would change them on download) are left out, and
    so are names that differ from another in case only.
    """
    plain = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 _.+,=@~-]*(?<![. ])").fullmatch
    reserved = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE).fullmatch
    for base, dirs, files in os.walk(top):
        names = [n for n in sorted(dirs) + sorted(files) if plain(n) and not reserved(n)]
        once = {n.lower(): n for n in reversed(names)}
        dirs[:] = [d for d in sorted(dirs) if once.get(d.lower()) == d]
        for name in sorted(files):
            path = Path(base, name)
            with contextlib.suppress(OSError):
                size = path.lstat().st_size
                if once.get(name.lower()) == name and usable(path) and size <= LARGEST:
                    yield path, size


def usable(path):
    """A regular file that we may read."""
    return path.is_file() and not path.is_symlink() and os.access(path, os.R_OK)


def copy_tree(place, files):
    """Copies the files, so that what we seed does not change under us; the top directory's name."""
    name = place.name or "root"
    for file in files:
        target = WORK / "seed" / name / file.relative_to(place)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return name


def tern(*args):
    """Runs the command to its end."""
    subprocess.run([str(TERN), *map(str, args)], check=True)


def free_port():
    """A TCP port nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def seeding(torrent, directory, port, rate):
    """`tern seed`, until the end of the block."""
    command = [str(TERN), "seed", str(torrent), "-d", str(directory), "--port", str(port),
               "--bind", "127.0.0.1", "--no-trackers", "--limit-up", str(rate),
               "--state-dir", str(WORK / "state")]
    log = WORK / "seed.log"
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 120
        while "seeding" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > end:
                sys.exit(f"tern seed does not seed:\n{log.read_text(encoding='utf-8')}")
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


class Run:
    """One run of an example; its lines are read as they come."""

    def __init__(self, command, torrent, target, state, port):
        line = [*command, str(torrent), str(target), str(state), f"127.0.0.1:{port}"]
        self.started = time.monotonic()
        # Unbuffered, so that `select` knows of every line.
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                        bufsize=0, cwd=ROOT)
        self.restored = None
        self.have = self.total = 0

    def lines(self):
        """Its lines; gives up on one that says nothing for too long."""
        while select.select([self.process.stdout], [], [], PATIENCE)[0]:
            line = self.process.stdout.readline()
            if not line:
                return
            yield line.decode()
        self.process.kill()
        sys.exit(f"it said nothing for {PATIENCE} s: {self.have} of {self.total} pieces")

    def follow(self, until=None):
        """Reads until the share `until` is there, or to the end."""
        for line in self.lines():
            if found := re.match(r"restored (\d+) pieces, hashed (\d+), of (\d+)", line):
                self.restored = tuple(map(int, found.groups()))
            elif found := re.match(r"have (\d+) of (\d+)", line):
                self.have, self.total = map(int, found.groups())
            if until is not None and self.total and self.have >= self.total * until:
                return True
        return False

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def finish(self):
        """Waits for its end."""
        self.follow()
        if self.process.wait() != 0:
            sys.exit(f"it ended with {self.process.returncode}")
        return time.monotonic() - self.started


def play(language, command, torrent, port, listed):
    """Download, kill, resume, compare with one example."""
    target, state = WORK / language, WORK / f"{language}.resume"
    target.mkdir()
    say(f"{language}: downloading ...")
    first = Run(command, torrent, target, state, port)
    if not first.follow(until=0.5):
        sys.exit(f"{language}: it ended before it was half way: {first.have} of {first.total}")
    first.kill()
    say(f"{language}: killed with -9 at {first.have} of {first.total} pieces")
    second = Run(command, torrent, target, state, port)
    seconds = second.finish()
    if second.restored is None:
        sys.exit(f"{language}: it did not say what it restored")
    restored, hashed, total = second.restored
    say(f"{language}: restarted: {restored} of {total} pieces restored, {hashed} hashed again; "
        f"complete {seconds:.1f} s later")
    same, different = compare(listed, target)
    say(f"{language}: {same} files compared, {different} differ")
    if different or restored < first.total * 0.3:
        sys.exit(f"{language}: FAILED")
    shutil.rmtree(target)
    return language, first.have, total, restored, hashed, same


def compare(listed, target):
    """Compares every file; (same, different)."""
    pairs = [(source, target / path) for path, source in listed]
    bad = [t for s, t in pairs if not t.is_file() or not filecmp.cmp(s, t, shallow=False)]
    for path in bad[:10]:
        say(f"  differs: {path}")
    return len(pairs) - len(bad), len(bad)


def main():
    """The whole show."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--torrent", type=Path)
    parser.add_argument("--dir", type=Path)
    args = parser.parse_args()
    started = time.monotonic()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if args.torrent:
        torrent, directory = args.torrent.resolve(), (args.dir or Path()).resolve()
        say(f"using {torrent} with its content in {directory}")
    else:
        torrent, directory = WORK / "demo.torrent", WORK / "seed"
        place, files, total = real_tree()
        say(f"a real tree: {place}, {len(files)} files, {total / MIB:.0f} MiB")
        name = copy_tree(place, files)
        tern("create", directory / name, "-o", torrent, "-p", "512k")
    facts = shown(torrent)
    listed = [(Path(p), directory / p) for p in facts["paths"]]
    missing = [str(source) for _, source in listed if not source.is_file()]
    if missing:
        sys.exit(f"the content is not there: {missing[0]}")
    port, rate = free_port(), max(facts["size"] // SECONDS, MIB)
    say(f"seeding with `tern seed` at {rate / MIB:.0f} MiB/s\n")
    rows = []
    with seeding(torrent, directory, port, rate):
        for language, command in examples():
            rows.append(play(language, command, torrent, port, listed))
            say()
    say("example   killed at      restored   hashed again   files equal")
    for language, have, total, restored, hashed, same in rows:
        say(f"{language:<8}  {f'{have} of {total}':<13}  {restored:>8}   {hashed:>12}   {same:>11}")
    say(f"\nall of it in {time.monotonic() - started:.0f} s")
    shutil.rmtree(WORK / "seed", ignore_errors=True)


def shown(torrent):
    """What `tern show --json` says: total size and the paths of the files that are stored."""
    out = subprocess.run([str(TERN), "show", "--json", str(torrent)], check=True,
                         capture_output=True, text=True).stdout
    facts = json.loads(out.splitlines()[-1])
    stored = [f["path"] for f in facts["files"] if not f["padding"] and not f.get("symlink")]
    return {"size": facts["size"], "paths": stored}


if __name__ == "__main__":
    main()

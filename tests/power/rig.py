"""What the tests that break things share: a file system that can lose power, a seed, a host."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "interop"))

import torrents  # noqa: E402
from clients import Failed, Libtorrent, Process, free_port, wait_for  # noqa: E402

CUTFS = os.environ.get("TERN_CUTFS", str(ROOT / "target/cutfs/debug/cutfs"))


def usable():
    """Why file systems cannot be mounted here; None when they can."""
    if os.geteuid() != 0:
        return "not root"
    if not os.path.exists("/dev/fuse"):
        return "no /dev/fuse"
    if not os.access(CUTFS, os.X_OK):
        return f"{CUTFS} is missing: run make power-ready"
    return None


class CutFs:
    """The file system, mounted at `at` while the `with` block runs."""

    def __init__(self, at):
        self.at = Path(at)
        self.at.mkdir(parents=True, exist_ok=True)
        self.popen = subprocess.Popen([CUTFS, str(self.at)], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.popen.stdout.readline().strip() != "ready":
            raise Failed("cutfs did not mount")

    def say(self, command):
        """Gives a command; its answer."""
        self.popen.stdin.write(command + "\n")
        self.popen.stdin.flush()
        answer = self.popen.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            raise Failed(f"cutfs: {command}: {answer or 'ended'}")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.stdin.close()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
        # Whatever happened, nothing stays mounted.
        subprocess.run(["umount", "-l", str(self.at)], check=False, stderr=subprocess.DEVNULL)


class Host(Process):
    """tests/power/host.py."""

    def __init__(self, torrent, directory, port, mode, state, peers, work, command=None):
        words = command or [sys.executable, str(HERE / "host.py")]
        words = [*words, str(torrent.path), str(directory), str(port), mode, str(state), *peers]
        name = "host"
        self.name = name
        self.retried = 0
        self.path = Path(work, f"{name}-{free_port()}.log")
        self.file = open(self.path, "wb")
        self.popen = subprocess.Popen(words, stdout=self.file, stderr=subprocess.STDOUT,
                                      stdin=subprocess.PIPE, start_new_session=True)

    def tell(self, command):
        """A command to it."""
        self.popen.stdin.write(command.encode() + b"\n")
        self.popen.stdin.flush()

    def retry(self):
        """Has it go on after the storage errors it told of so far."""
        self.retried = len(self.said("storage"))
        self.tell("resume")

    def said(self, event):
        """All it said of one kind."""
        return [line for line in self.lines() if line["event"] == event]

    def until(self, event, timeout=None):
        """Waits until it says something; the first such thing."""
        return wait_for(f"the host's {event}", lambda: self.said(event), self, timeout)[0]

    def durable(self):
        """The pieces that its reports prove to be saved: those that had passed when a save was
        reported before which another began, that is, at the report before the last."""
        passed, at_last, proven = set(), set(), set()
        for line in self.lines():
            if line["event"] == "passed":
                passed.add(line["piece"])
            elif line["event"] == "failed":
                # Lost to a sync that failed, before a save that claims it.
                passed.discard(line["piece"])
                at_last.discard(line["piece"])
            elif line["event"] == "saved" and "pieces" in line:
                # It says itself.
                proven = set(line["pieces"])
            elif line["event"] == "saved":
                proven |= at_last
                at_last = set(passed)
        return proven


def lines_of(path):
    """JSON lines of a file."""
    out = []
    for line in Path(path).read_text(errors="replace").splitlines():
        try:
            out.append(json.loads(line))
        except ValueError:
            continue
    return out


def small_world(work, size=24 << 20, seed=2, files=6):
    """Awkward content, some larger files and its torrent: (torrent, source)."""
    rng = random.Random(seed)
    source = Path(work, "source")
    name, plan = torrents.awkward_content(source, seed=seed)
    for number in range(files):
        part = size // files + rng.randrange(100_000)
        plan.append(([f"big{number}.bin"], part, False))
        Path(source, name, f"big{number}.bin").write_bytes(rng.randbytes(part))
    return torrents.make(Path(work, "x.torrent"), source, name, plan), source


def wipe(directory):
    """Removes all below a directory."""
    for path in sorted(Path(directory).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()

"""What a measurement needs: places for content, processes that end, CPU and memory from outside.

CPU is the process CPU clock of Linux, the sum of all threads, living and ended, in nanoseconds; it
is read the same way for every program. Memory is RssAnon of /proc/PID/status, sampled: private
memory only, so page cache and shared content files do not count, and neither does the program's
text. Nothing here knows what is measured.
"""

import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / "target/bench"
MIB = 1 << 20
GIB = 1 << 30
TIMEOUT = float(os.environ.get("TERN_BENCH_TIMEOUT", "300"))


class Failed(Exception):
    """A program did not do what it was asked; the message says which and how."""


def cpu_seconds(pid):
    """CPU seconds of a process so far, all threads."""
    # The clock of a process is its number, inverted, above three bits of kind (2: scheduler's).
    return time.clock_gettime(((~pid) << 3) | 2)


def status_kib(pid, field):
    """A KiB figure of /proc/PID/status; 0 when the process is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    return 0


class Memory:
    """Peak of private memory of some processes, from a thread of its own."""

    def __init__(self, *pids):
        self.peak = dict.fromkeys(pids, 0)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while True:
            for pid in self.peak:
                self.peak[pid] = max(self.peak[pid], status_kib(pid, "RssAnon:"))
            if self.over.wait(0.025):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def mib(self, pid):
        """The peak of one of them."""
        return self.peak[pid] / 1024


class Program:
    """A program in a process group of its own; ends with the `with` block, however that ends.

    With `lines` it is spoken to in lines, and answers in JSON objects, one per line.
    """

    running = []

    def __init__(self, name, command, work, lines=False, env=None):
        self.name = name
        Path(work).mkdir(parents=True, exist_ok=True)
        self.log_path = Path(work, f"{name}-{time.monotonic_ns()}.log")
        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(
                [str(word) for word in command], stderr=log, start_new_session=True,
                stdin=subprocess.PIPE if lines else subprocess.DEVNULL,
                stdout=subprocess.PIPE if lines else log, env={**os.environ, **(env or {})})
        self.pid = self.popen.pid
        self.pending = b""
        Program.running.append(self)

    def log(self):
        """The end of what it said on standard error."""
        return self.log_path.read_text(errors="replace")[-800:].strip()

    def alive(self):
        """Raises when it has ended."""
        if self.popen.poll() is not None:
            raise Failed(f"{self.name} ended with {self.popen.returncode}: {self.log()}")

    def send(self, line):
        """Says a line to it."""
        try:
            self.popen.stdin.write(line.encode() + b"\n")
            self.popen.stdin.flush()
        except OSError:
            self.popen.wait(5)
            self.alive()

    def expect(self, event, timeout=TIMEOUT):
        """Waits for an answer of this kind."""
        end = time.monotonic() + timeout
        while True:
            while b"\n" in self.pending:
                line, _, self.pending = self.pending.partition(b"\n")
                answer = json.loads(line)
                if answer.get("event") == event:
                    return answer
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"{self.name}: no '{event}' in {timeout:.0f} s; {self.log()}")
            if select.select([self.popen.stdout], [], [], left)[0]:
                data = os.read(self.popen.stdout.fileno(), 65536)
                if not data:
                    self.popen.wait(10)
                    self.alive()
                self.pending += data

    def stop(self):
        """Ends it and whatever it started."""
        if self in Program.running:
            Program.running.remove(self)
        with suppress(OSError):
            if self.popen.stdin:
                self.popen.stdin.close()
        if self.popen.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.popen.wait(15)
            except subprocess.TimeoutExpired:
                pass
        self._signal(signal.SIGKILL)
        self.popen.wait()
        if self.popen.stdout:
            self.popen.stdout.close()

    def _signal(self, number):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def stop_all():
    """Ends what still runs."""
    for program in list(Program.running):
        program.stop()


@dataclass
class Content:
    """One big file, its torrent, and where both are."""

    source: Path
    torrent: Path
    size: int
    piece: int
    info_hash: str

    name = "big.bin"

    @property
    def file(self):
        """The file itself."""
        return self.source / self.name

    @property
    def gib(self):
        """Its size."""
        return self.size / GIB

    @property
    def mib(self):
        """Its size."""
        return self.size / MIB


def bencode(value):
    """Bencodes: the torrent of a bench does not come from who is measured."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    pairs = sorted(value.items())
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in pairs) + b"e"


def make_content(top, size, piece, announce=None):
    """Writes random content and its torrent below `top`."""
    source = Path(top, "source")
    source.mkdir(parents=True)
    hashes = []
    with open(source / Content.name, "wb") as file:
        for _ in range(size // piece):
            data = os.urandom(piece)
            hashes.append(hashlib.sha1(data, usedforsecurity=False).digest())
            file.write(data)
    info = {"name": Content.name, "piece length": piece, "length": size,
            "pieces": b"".join(hashes)}
    path = Path(top, "big.torrent")
    path.write_bytes(bencode({"info": info, **({"announce": announce} if announce else {})}))
    digest = hashlib.sha1(bencode(info), usedforsecurity=False).hexdigest()
    return Content(source, path, size, piece, digest)


def same(left, right):
    """Whether two files are the same, byte for byte."""
    # Whole bytearrays compare with memcmp, views one item at a time.
    a, b = bytearray(MIB), bytearray(MIB)
    with open(left, "rb", buffering=0) as one, open(right, "rb", buffering=0) as two:
        while True:
            n, m = one.readinto(a), two.readinto(b)
            if n != m or (a != b if n == MIB else a[:n] != b[:m]):
                return False
            if n == 0:
                return True


def available():
    """Bytes of memory that could be had."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def place(need):
    """A directory with room for `need` bytes: TERN_BENCH_DIR, memory, or below target/."""
    wanted = os.environ.get("TERN_BENCH_DIR")
    if wanted:
        return Path(wanted)
    shm = Path("/dev/shm")
    with suppress(OSError):
        if shutil.disk_usage(shm).free >= need and available() >= need + 2 * GIB:
            return shm
    return OUT


def kind_of(path):
    """The file system of a path."""
    made = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True)
    return made.stdout.strip() or "unknown"


def warm(directory, amount):
    """Touches so much page cache once and lets it go again: a virtual machine's host may back
    memory only when it is first touched, and that is nobody's cost here."""
    path, block = Path(directory, "warm"), bytes(8 * MIB)
    with suppress(OSError), open(path, "wb", buffering=0) as file:
        for _ in range(amount // len(block)):
            file.write(block)
    path.unlink(missing_ok=True)


def machine():
    """What the numbers were measured on."""
    text = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    flags = set((re.search(r"flags\s*: (.*)", text) or [""])[0].split())
    total = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": model[1].strip() if model else os.uname().machine,
        "cores": os.cpu_count(),
        "memory_gib": round(int(total[1]) / MIB, 1) if total else 0,
        "features": sorted(flags & {"avx2", "avx512f", "sha_ni"}),
        "kernel": os.uname().release,
    }

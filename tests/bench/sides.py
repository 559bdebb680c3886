"""The engines, each behind the same few verbs.

A side has `recheck`, `create` and `peer`; None instead of a result means that it has no such job. A
peer is one running client with one torrent: `ready`, `connect`, `connected`, `done`, `uploaded`.
"""

import functools
import os
import socket
import subprocess
import time
from pathlib import Path

from lab import HERE, OUT, ROOT, Failed, Program, cpu_seconds

HOST = Path(os.environ.get("TERN_BENCH_HOST", ROOT / "target/release/examples/bench-host"))
VENV_PYTHON = OUT / "venv/bin/python"
RQBIT = OUT / "cargo/bin/rqbit"


def free_port(address="127.0.0.1"):
    """A TCP port nobody uses."""
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def timed(program, content, check):
    """A job between `go` and `done`: seconds and CPU seconds."""
    with program:
        program.expect("ready")
        cpu, start = cpu_seconds(program.pid), time.monotonic()
        program.send("go")
        answer = program.expect("done")
        seconds = time.monotonic() - start
        cpu = cpu_seconds(program.pid) - cpu
        if not check(answer):
            raise Failed(f"{program.name}: wrong result {answer}")
        program.send("end")
    return {"mib_s": content.mib / seconds, "cpu_s_gib": cpu / content.gib}


def all_there(answer):
    """Whether a recheck found everything."""
    return answer["have"] == answer["pieces"]


class LinePeer:
    """A client that understands the lines of host.rs."""

    def __init__(self, program, address, port):
        self.program = program
        self.pid = program.pid
        self.address = f"{address}:{port}"

    def ready(self):
        """Waits until it has looked at its content; whether all is there."""
        return self.program.expect("ready")["complete"]

    def connect(self, peers):
        """Makes it connect to these."""
        self.program.send("peer " + " ".join(peers))

    def connected(self):
        """Waits for the first connection."""
        self.program.expect("connected", 30)

    def done(self):
        """Waits for the last piece."""
        self.program.expect("done")

    def settle(self):
        """Waits until everything is with the operating system."""
        self.program.send("flush")
        self.program.expect("flushed", 60)

    def uploaded(self):
        """Bytes of content sent."""
        self.program.send("stat")
        return self.program.expect("stat", 30)["uploaded"]

    def stop(self):
        """Ends it."""
        self.program.stop()


class Tern:
    """libtern, through tests/bench/host.rs."""

    name = "tern"

    def __init__(self, label="tern", **options):
        self.label = label
        self.options = options

    @classmethod
    def missing(cls):
        """Why it cannot take part; None when it can."""
        return None if "net_threads" in cls.known() else f"{HOST} does not run: make bench-host"

    @staticmethod
    @functools.cache
    def known():
        """Names of all options of this libtern; none when it does not run."""
        try:
            return set(subprocess.run([str(HOST), "options"], capture_output=True, text=True,
                                      check=True, timeout=30).stdout.split())
        except (OSError, subprocess.SubprocessError):
            return set()

    @classmethod
    def named(cls, value, *choices):
        """The first group of options that this libtern has, set to a value."""
        known = cls.known()
        for names in choices:
            if set(names) <= known:
                return dict.fromkeys(names, value)
        return {}

    def sets(self, **more):
        """Command-line words."""
        return [w for k, v in {**self.options, **more}.items() for w in ("--set", f"{k}={v}")]

    def recheck(self, content, work, threads):
        """Hashes a file against its torrent."""
        threads = self.named(threads, ["hash_threads"], ["disk_threads"])
        command = [HOST, "recheck", content.torrent, content.source, *self.sets(**threads)]
        return timed(Program(self.name, command, work, lines=True), content, all_there)

    def create(self, content, work, threads):
        """Makes a torrent of a file; 0 threads are as many as it likes."""
        command = [HOST, "create", content.file, content.piece, threads]
        return timed(Program(self.name, command, work, lines=True), content,
                     lambda a: a["info_hash"] == content.info_hash)

    def peer(self, content, place, work, complete):
        """One client."""
        port = free_port()
        more = {"listen": f"127.0.0.1:{port}", "trackers_enabled": "false"}
        if complete:
            # Checked once, remembered for the next round.
            state = Path(work, "state", self.name)
            state.mkdir(parents=True, exist_ok=True)
            more["state_dir"] = state
        command = [HOST, "run", content.torrent, place, *self.sets(**more)]
        return LinePeer(Program(self.name, command, work, lines=True), "127.0.0.1", port)


class Libtorrent:
    """libtorrent, through tests/bench/lt.py."""

    name = "libtorrent"
    version = (VENV_PYTHON, "-c", "import libtorrent; print(libtorrent.__version__)")

    def __init__(self, label="libtorrent", preset=None, **settings):
        self.label = label
        self.preset = ["--preset", preset] if preset else []
        self.settings = settings

    @staticmethod
    def missing():
        """Why it cannot take part; None when it can."""
        return None if VENV_PYTHON.exists() else f"{VENV_PYTHON} is missing: run make bench"

    def command(self, job, what, where, *more, **settings):
        """A command line of lt.py."""
        settings = {**self.settings, **settings}
        sets = [w for k, v in settings.items() for w in ("--set", f"{k}={v}")]
        return [VENV_PYTHON, HERE / "lt.py", job, what, where, *self.preset, *sets, *more]

    def recheck(self, content, work, threads):
        """Hashes a file against its torrent."""
        command = self.command("recheck", content.torrent, content.source,
                               hashing_threads=threads, listen_interfaces="127.0.0.1:0")
        return timed(Program(self.name, command, work, lines=True), content, all_there)

    def create(self, content, work, threads):
        """Makes a torrent of a file; its Python face has one thread for that."""
        if threads != 1:
            return None
        command = self.command("create", content.file, content.piece)
        return timed(Program(self.name, command, work, lines=True), content,
                     lambda a: a["info_hash"] == content.info_hash)

    def peer(self, content, place, work, complete):
        """One client."""
        port = free_port()
        more = ["--resume", Path(work, f"{self.name}.resume")] if complete else []
        command = self.command("run", content.torrent, place, *more,
                               listen_interfaces=f"127.0.0.1:{port}")
        return LinePeer(Program(self.name, command, work, lines=True), "127.0.0.1", port)

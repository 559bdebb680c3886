"""The engines of the world, each behind the same verbs, each on a host of its own.

`start(host, torrent, directory, ways)` runs one, with a torrent file or a magnet link; `ways` is
the set of the ways to find peers that are on: of `tracker`, `lsd`, `dht`, `pex`. All others are
off. It may be told of `nodes` to bootstrap the DHT from, `peers` to dial, and a `limit` of bytes
per second it may download. What it returns is a running program with `complete()`, and with
`first_byte()` and `complete_ms()`: milliseconds from adding the torrent to the first payload and to
the last, `None` where the engine does not tell.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TERN = os.environ.get("TERN", str(ROOT / "target/release/tern"))
TIMEOUT = float(os.environ.get("TERN_WORLD_TIMEOUT", "90"))
PORT = 6881
# The first of the ports of DHT nodes that share a host.
NODES = 6900


class Failed(Exception):
    """A scenario failed; the message says how."""


def wait_for(what, ready, *processes, timeout=None):
    """Waits until `ready()` is true."""
    end = time.monotonic() + (timeout or TIMEOUT)
    while time.monotonic() < end:
        value = ready()
        if value:
            return value
        for process in processes:
            if process.popen.poll() not in (None, 0):
                raise Failed(f"{process} ended with {process.popen.returncode}: {process.tail()}")
        time.sleep(0.05)
    logs = "\n".join(f"--- {process}: {process.tail()}" for process in processes)
    raise Failed(f"{what}: nothing after {timeout or TIMEOUT:.0f} s\n{logs}")


class Process:
    """A program on a host; ends with the `with` block."""

    count = 0

    def __init__(self, name, host, command, env=None):
        Process.count += 1
        self.name, self.host = name, host
        self.path = Path(host.work, f"{name}-{Process.count}.log")
        self.file = open(self.path, "wb")
        self.popen = subprocess.Popen(
            host.wrap(command), stdout=self.file, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True, env={**os.environ, **(env or {})})

    def __str__(self):
        return f"{self.name} on {self.host.name}"

    def tail(self):
        """The end of what it said."""
        return self.path.read_text(errors="replace")[-1500:]

    def lines(self):
        """The JSON objects it said."""
        out = []
        for line in self.path.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                out.append(json.loads(line))
        return [o for o in out if isinstance(o, dict)]

    def complete(self):
        """Whether it has everything."""
        return any(o.get("complete") or o.get("event") == "complete" for o in self.lines())

    def said(self, name):
        """The first value of that name in what it said; `None` while there is none."""
        return next((o[name] for o in self.lines() if name in o), None)

    def first_byte(self):
        """Milliseconds from adding to the first payload; `None` while there is none."""
        return self.said("first_byte_ms")

    def complete_ms(self):
        """Milliseconds from adding until it had everything."""
        return self.said("complete_ms")

    def stop(self, timeout=15):
        """Asks it to end; insists after a while."""
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGTERM)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.popen.pid, signal.SIGKILL)
                self.popen.wait()
        self.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def each(option, values):
    """An option before each of these values."""
    return [word for value in values for word in (option, value)]


class Tern:
    """The tern command."""

    name = "tern"

    def start(self, host, torrent, where, ways, nodes=(), peers=(), limit=None, more=()):
        """Downloads, or serves what is there, until it is stopped."""
        Path(where).mkdir(parents=True, exist_ok=True)
        command = [TERN, "get", torrent, "-o", where, "--seed", "--json", "--port", PORT,
                   "--state-dir", Path(host.work, "state"),
                   "--set", f"lsd={int('lsd' in ways)}",
                   *(f"--no-{way}{plural}" for way, plural in
                     [("tracker", "s"), ("dht", ""), ("pex", "")] if way not in ways),
                   *each("--bootstrap", nodes), *each("--peer", peers),
                   *(["--limit-down", limit] if limit else []), *more]
        return Process("tern", host, command)


class Libtorrent:
    """libtorrent, driven by lt_peer.py."""

    name = "libtorrent"

    def start(self, host, torrent, where, ways, nodes=(), peers=(), limit=None, more=()):
        """Downloads, or serves what is there, until it is stopped."""
        Path(where).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, HERE / "lt_peer.py", torrent, where, "--port", PORT,
                   "--v4", host.v4, "--v6", host.v6, "--ways", ",".join(sorted(ways)),
                   *each("--node", nodes), *each("--peer", peers), "--limit", limit or 0, *more]
        return Process("libtorrent", host, command)


class Transmission:
    """transmission-daemon, by its JSON interface. It cannot be told to dial a peer."""

    name = "transmission"

    def start(self, host, torrent, where, ways, nodes=(), limit=None):
        """Downloads, or serves what is there, until it is stopped."""
        Path(where).mkdir(parents=True, exist_ok=True)
        home = Path(host.work, f"transmission-{Process.count}")
        home.mkdir()
        settings = {
            "dht-enabled": "dht" in ways, "lpd-enabled": "lsd" in ways,
            "pex-enabled": "pex" in ways, "download-dir": str(where), "encryption": 0,
            "peer-port": PORT, "port-forwarding-enabled": False, "utp-enabled": False,
            "rpc-bind-address": "127.0.0.1", "rpc-port": 9091, "rpc-whitelist-enabled": False,
            "preallocation": 0, "speed-limit-down-enabled": bool(limit),
            "speed-limit-down": (limit or 0) // 1000,
        }
        (home / "settings.json").write_text(json.dumps(settings))
        names = "".join(node.rsplit(":", 1)[0].strip("[]") + f" {node.rsplit(':', 1)[1]}\n"
                        for node in nodes)
        (home / "dht.bootstrap").write_text(names)
        process = Daemon("transmission", host, ["transmission-daemon", "-f", "-g", home])
        try:
            process.add(torrent)
        except Exception:
            process.stop()
            raise
        return process


class Daemon(Process):
    """A transmission-daemon. Its control port is inside its host: asked there."""

    added = done = None

    def stop(self, timeout=2):
        """Has nothing worth waiting for: it saves to a directory that goes too."""
        super().stop(timeout)

    def add(self, torrent):
        """Gives it a torrent, once it listens."""
        end = time.monotonic() + 30
        while True:
            try:
                self.added = time.monotonic()
                return self.call("torrent-add", filename=str(torrent))
            except (OSError, subprocess.CalledProcessError):
                if time.monotonic() > end or self.popen.poll() is not None:
                    raise Failed(f"{self} does not listen: {self.tail()}") from None
                time.sleep(0.1)

    def call(self, method, **arguments):
        """One call."""
        body = json.dumps({"method": method, "arguments": arguments})
        out = self.host.run([sys.executable, HERE / "rpc.py"], input=body).stdout
        answer = json.loads(out)
        if answer["result"] != "success":
            raise Failed(f"transmission {method}: {answer['result']}")
        return answer["arguments"]

    def complete(self):
        """Whether it seeds."""
        rows = self.call("torrent-get", fields=["percentDone", "status"])["torrents"]
        complete = bool(rows) and rows[0]["percentDone"] == 1 and rows[0]["status"] == 6
        if complete and self.done is None:
            self.done = time.monotonic()
        return complete

    def first_byte(self):
        """It does not tell."""

    def complete_ms(self):
        """As seen from here, which takes a call: some 200 ms too much."""
        return self.done and round((self.done - self.added) * 1000)


def opentracker(host, torrents):
    """Debian's opentracker (IPv4); it serves these info-hashes."""
    names = host.work / "whitelist.txt"
    names.write_text("".join(t.info_hash.hex() + "\n" for t in torrents))
    (host.work / "opentracker.conf").write_text("")
    for path, mode in [(host.work, 0o755), (names, 0o644)]:
        os.chmod(path, mode)
    process = Process("opentracker", host, ["opentracker", "-i", host.v4, "-p", 6969, "-P", 6969,
                                            "-d", host.work, "-w", "/whitelist.txt"])
    time.sleep(0.2)
    return process


def tracker6(host):
    """A UDP tracker of a page, since Debian's opentracker is built without IPv6."""
    return Process("tracker6", host, [sys.executable, HERE / "tracker6.py", host.v6, 6969])


def nodes(host, family, count, info_hash):
    """Nodes of the DHT, libtorrent's; they tell when they have found a peer of the torrent."""
    return Process("nodes", host, [sys.executable, HERE / "lt_nodes.py", host.address(family),
                                   NODES, count, info_hash.hex()])

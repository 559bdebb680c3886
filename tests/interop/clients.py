"""The programs under test and their rivals, each behind the same few verbs.

Every process is started in a group of its own and ended by its id; every port is one the system
chose; everything stays on the loopback interface.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import torrents

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TERN = os.environ.get("TERN", str(ROOT / "target/release/tern"))
TIMEOUT = float(os.environ.get("TERN_INTEROP_TIMEOUT", "120"))


class Failed(Exception):
    """A test failed; the message says how."""


def free_port():
    """A TCP port nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, process=None, timeout=None):
    """Waits until `ready()` is true."""
    end = time.monotonic() + (timeout or TIMEOUT)
    while time.monotonic() < end:
        value = ready()
        if value:
            return value
        if process is not None and process.popen.poll() is not None:
            raise Failed(f"{process.name} ended with {process.popen.returncode}: {process.log()}")
        time.sleep(0.05)
    raise Failed(f"{what}: nothing after {timeout or TIMEOUT:.0f} s; "
                 f"{process.log() if process else ''}")


def listening(port):
    """Whether something accepts connections on a port."""
    with socket.socket() as s:
        s.settimeout(0.2)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """A program that runs beside the test; ends with the `with` block."""

    def __init__(self, name, command, work, env=None):
        self.name = name
        self.path = Path(work, f"{name}-{free_port()}.log")
        self.file = open(self.path, "wb")
        self.popen = subprocess.Popen(
            command, stdout=self.file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, env={**os.environ, **(env or {})})

    def log(self):
        """The end of what it said."""
        return self.path.read_text(errors="replace")[-1500:]

    def lines(self):
        """The JSON objects it said."""
        out = []
        for line in self.path.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                out.append(json.loads(line))
        return [o for o in out if isinstance(o, dict)]

    def signal(self, number):
        """Signals its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def kill(self):
        """kill -9; waits until its children are gone too, so that they hold no file open."""
        self.signal(signal.SIGKILL)
        self.popen.wait()
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                os.killpg(self.popen.pid, 0)
            except (ProcessLookupError, PermissionError):
                break
            time.sleep(0.002)

    def stop(self, timeout=20):
        """Asks it to end; insists after a while. Its exit code."""
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self.file.close()
        return self.popen.returncode

    def wait(self, timeout=None):
        """Waits for its end."""
        try:
            return self.popen.wait(timeout or TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end: {self.log()}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.kill()


class Tern:
    """The tern command."""

    name = "tern"

    def __init__(self, work):
        self.work = Path(work)

    def seed(self, torrent, content, port, peers=(), limit_up=None):
        """Serves content."""
        return self.start("seed", torrent, port, peers, limit_up, ["-d", str(content)])

    def get(self, torrent, target, port, peers=(), seed=False, more=(), bind="127.0.0.1"):
        """Downloads, and goes on serving if asked."""
        Path(target).mkdir(parents=True, exist_ok=True)
        more = ["-o", str(target), *(["--seed"] if seed else []), *more]
        return self.start("get", torrent, port, peers, None, more, bind)

    def start(self, verb, torrent, port, peers, limit_up, more, bind="127.0.0.1"):
        """Starts either."""
        command = [TERN, verb, str(torrent.path), "--json", "--port", str(port),
                   "--bind", bind, "--state-dir", str(self.work / "state"), *more]
        for peer in peers:
            command += ["--peer", f"127.0.0.1:{peer}"]
        if limit_up:
            command += ["--limit-up", str(limit_up)]
        return Process("tern", command, self.work)

    def complete(self, process, torrent, target):
        """Whether it says that it has everything."""
        if process.popen.poll() is not None:
            if process.popen.returncode != 0:
                raise Failed(f"tern ended with {process.popen.returncode}: {process.log()}")
            return True
        return any(o.get("event") == "complete" for o in process.lines())


class Aria2:
    """aria2c."""

    name = "aria2"

    def __init__(self, work):
        self.work = Path(work)

    def seed(self, torrent, content, port, peers=(), limit_up=None):
        """Serves content."""
        return self.start(torrent, content, port, ["--seed-ratio=0", "--check-integrity=true",
                          f"--max-upload-limit={limit_up or 0}"])

    def get(self, torrent, target, port, peers=(), seed=False, more=()):
        """Downloads."""
        return self.start(torrent, target, port, ["--seed-time=0"])

    def start(self, torrent, where, port, more):
        """Starts either."""
        Path(where).mkdir(parents=True, exist_ok=True)
        command = ["aria2c", "--no-conf=true", "--enable-dht=false", "--enable-dht6=false",
                   "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--disable-ipv6=true",
                   f"--listen-port={port}", "--interface=127.0.0.1", "--summary-interval=0",
                   "--allow-overwrite=true", "--bt-tracker-interval=1", "--file-allocation=none",
                   "--console-log-level=warn", f"--dir={where}", *more, str(torrent.path)]
        return Process("aria2", command, self.work)

    def complete(self, process, torrent, target):
        """Whether it has ended well."""
        if process.popen.poll() is None:
            return False
        if process.popen.returncode != 0:
            raise Failed(f"aria2 ended with {process.popen.returncode}: {process.log()}")
        return True


class Transmission:
    """transmission-daemon. It refuses to dial loopback addresses, so others have to dial it."""

    name = "transmission"

    def __init__(self, work):
        self.work = Path(work)

    def seed(self, torrent, content, port, peers=(), limit_up=None):
        """Serves content."""
        process = self.start(torrent, content, port, limit_up)
        wait_for("transmission to check its content",
                 lambda: self.complete(process, torrent, content), process)
        return process

    def get(self, torrent, target, port, peers=(), seed=False, more=()):
        """Downloads."""
        return self.start(torrent, target, port, None)

    def start(self, torrent, where, port, limit_up, part=False):
        """Starts either; `part` marks unfinished files."""
        Path(where).mkdir(parents=True, exist_ok=True)
        rpc = free_port()
        home = self.work / f"transmission-{rpc}"
        home.mkdir()
        settings = {
            "bind-address-ipv4": "127.0.0.1", "bind-address-ipv6": "::1", "dht-enabled": False,
            "download-dir": str(where), "encryption": 0, "lpd-enabled": False,
            "peer-port": port, "pex-enabled": False, "port-forwarding-enabled": False,
            "rpc-bind-address": "127.0.0.1", "rpc-port": rpc, "rpc-whitelist-enabled": False,
            "utp-enabled": False, "rename-partial-files": part, "preallocation": 0,
            "speed-limit-up-enabled": bool(limit_up), "speed-limit-up": (limit_up or 0) // 1000,
        }
        (home / "settings.json").write_text(json.dumps(settings))
        process = Process("transmission", ["transmission-daemon", "-f", "-g", str(home)], self.work)
        process.rpc = f"http://127.0.0.1:{rpc}/transmission/rpc"
        process.session = ""
        wait_for("transmission's control port", lambda: listening(rpc), process)
        self.call(process, "torrent-add", filename=str(torrent.path))
        return process

    def call(self, process, method, **arguments):
        """One call of its JSON interface."""
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        for _ in range(2):
            headers = {"X-Transmission-Session-Id": process.session}
            try:
                request = urllib.request.Request(process.rpc, body, headers)
                with urllib.request.urlopen(request, timeout=10) as reply:
                    answer = json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise
                process.session = error.headers["X-Transmission-Session-Id"]
                continue
            if answer["result"] != "success":
                raise Failed(f"transmission {method}: {answer['result']}")
            return answer["arguments"]
        raise Failed("transmission refuses its own session id")

    def complete(self, process, torrent, target):
        """Whether it seeds."""
        fields = ["percentDone", "status", "errorString"]
        rows = self.call(process, "torrent-get", fields=fields)["torrents"]
        if rows and rows[0]["errorString"] and "racker" not in rows[0]["errorString"]:
            raise Failed(f"transmission: {rows[0]['errorString']}")
        return bool(rows) and rows[0]["percentDone"] == 1 and rows[0]["status"] == 6


class Libtorrent:
    """libtorrent, driven by lt_client.py in a process of its own."""

    name = "libtorrent"

    def __init__(self, work):
        self.work = Path(work)

    def seed(self, torrent, content, port, peers=(), limit_up=None, host="127.0.0.1"):
        """Serves content."""
        more = ["--limit-up", str(limit_up)] if limit_up else []
        return self.start(torrent, content, port, peers, ["--host", host, *more])

    def get(self, torrent, target, port, peers=(), seed=False, more=()):
        """Downloads."""
        return self.start(torrent, target, port, peers, more)

    def start(self, torrent, where, port, peers, more):
        """Starts either."""
        Path(where).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, str(HERE / "lt_client.py"), str(torrent.path), str(where),
                   "--port", str(port), *more]
        for peer in peers:
            command += ["--peer", f"127.0.0.1:{peer}"]
        return Process("libtorrent", command, self.work)

    def complete(self, process, torrent, target):
        """Whether it says that it has everything."""
        return any(o.get("complete") for o in process.lines())


class Tracker:
    """Debian's opentracker; its whitelist names the torrents of the test."""

    def __init__(self, work):
        self.work = Path(work)
        self.port = free_port()
        self.list = self.work / "whitelist.txt"
        self.list.write_text("")

    @property
    def url(self):
        """Its announce URL."""
        return f"http://127.0.0.1:{self.port}/announce"

    def peers(self, torrent):
        """How many peers it knows."""
        quoted = urllib.parse.quote(torrent.info_hash)
        url = f"http://127.0.0.1:{self.port}/scrape?info_hash={quoted}"
        with urllib.request.urlopen(url, timeout=5) as reply:
            rows = torrents.decode(reply.read()).get(b"files", {}).values()
        return sum(row.get(b"complete", 0) + row.get(b"incomplete", 0) for row in rows)

    @contextlib.contextmanager
    def running(self, *torrents):
        """Runs it for these torrents."""
        self.list.write_text("".join(t.info_hash.hex() + "\n" for t in torrents))
        os.chmod(self.work, 0o755)
        os.chmod(self.list, 0o644)
        conf = self.work / "opentracker.conf"
        conf.write_text("")
        # As root it changes its root directory.
        allowed = "/whitelist.txt" if os.getuid() == 0 else str(self.list)
        command = ["opentracker", "-i", "127.0.0.1", "-p", str(self.port), "-P", str(self.port),
                   "-d", str(self.work), "-w", allowed]
        with Process("opentracker", command, self.work) as process:
            wait_for("opentracker", lambda: listening(self.port), process)
            yield process


def need(*programs):
    """Ends the run when programs are missing; a skipped comparison proves nothing."""
    packages = {"transmission-daemon": "transmission-daemon", "aria2c": "aria2",
                "opentracker": "opentracker"}
    missing = [p for p in programs if shutil.which(p) is None]
    if missing:
        names = " ".join(packages.get(p, p) for p in missing)
        sys.exit(f"missing: {', '.join(missing)}. On Debian: apt install {names}")
    if not Path(TERN).exists():
        sys.exit(f"{TERN} is missing: run make first, or set TERN")
    try:
        import libtorrent  # noqa: F401
    except ImportError:
        sys.exit("this Python has no libtorrent: run `make interop`, which makes an environment")

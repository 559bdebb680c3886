"""rqbit and transmission: the further columns, driven through their control interfaces.

They are polled, so their wall times are good to the length of a poll. transmission refuses to dial
loopback addresses; its transfers run in a network namespace with addresses of their own
(tests/bench/inside.py), the peers told by a tracker of a few lines.
"""

import json
import os
import shutil
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab import HERE, TIMEOUT, Failed, Program, bencode, cpu_seconds
from sides import RQBIT, free_port

POLL = 0.02


def until(what, program, ready, timeout=TIMEOUT):
    """Polls until `ready()` is true."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        program.alive()
        if ready():
            return
        time.sleep(POLL)
    raise Failed(f"{program.name}: {what}: nothing in {timeout:.0f} s; {program.log()}")


def listening(port):
    """Whether something accepts connections on a port."""
    with socket.socket() as s:
        s.settimeout(0.2)
        return s.connect_ex(("127.0.0.1", port)) == 0


def rechecked(peer, content, begin, over):
    """The figures of a recheck between two moments of a client that goes on."""
    cpu, start = cpu_seconds(peer.pid), time.monotonic()
    begin()
    over()
    seconds, cpu = time.monotonic() - start, cpu_seconds(peer.pid) - cpu
    return {"mib_s": content.mib / seconds, "cpu_s_gib": cpu / content.gib}


class RqbitPeer:
    """One rqbit server with one torrent."""

    def __init__(self, content, place, work):
        api = free_port()
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://127.0.0.1:{api}"
        self.content, self.place = content, place
        command = [
            RQBIT, "-v", "error", "--http-api-listen-addr", f"127.0.0.1:{api}", "--disable-dht",
            "--disable-dht-persistence", "--disable-lsd", "--disable-trackers",
            "--disable-upnp-port-forward", "--listen-ip", "127.0.0.1", "--ipv4-only",
            "--listen-port", str(self.port), "server", "start", "--disable-persistence", place,
        ]
        self.program = Program("rqbit", command, work)
        self.pid = self.program.pid
        try:
            until("its control port", self.program, lambda: listening(api), 30)
        except Failed:
            self.program.stop()
            raise

    def call(self, path, data=None):
        """One call of its HTTP interface."""
        try:
            with urllib.request.urlopen(self.url + path, data, timeout=TIMEOUT) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")[:300]
            raise Failed(f"rqbit {path}: {error.code} {text}") from None

    def stats(self):
        """What it says about the torrent."""
        stats = self.call("/torrents/0/stats/v1")
        if stats["error"]:
            raise Failed(f"rqbit: {stats['error']}")
        return stats

    def add(self):
        """Gives it the torrent; it begins to check."""
        query = urllib.parse.urlencode(
            {"overwrite": "true", "output_folder": str(self.place), "is_url": "false"})
        self.call(f"/torrents?{query}", self.content.torrent.read_bytes())

    def checked(self):
        """Waits for the end of the check."""
        until("its check", self.program, lambda: self.stats()["state"] != "initializing")

    def ready(self):
        """Adds the torrent, waits until it is checked; whether all is there."""
        self.add()
        self.checked()
        return self.stats()["finished"]

    def connect(self, peers):
        """Makes it connect to these."""
        self.call("/torrents/0/add_peers", "\n".join(peers).encode())

    def connected(self):
        """Waits for the first connection."""
        def some():
            live = self.stats().get("live") or {}
            return live.get("snapshot", {}).get("peer_stats", {}).get("live", 0) > 0
        until("a connection", self.program, some, 30)

    def done(self):
        """Waits for the last piece."""
        until("the last piece", self.program, lambda: self.stats()["finished"])

    def settle(self):
        """It writes before it hashes."""

    def uploaded(self):
        """Bytes of content sent."""
        return self.stats()["uploaded_bytes"]

    def stop(self):
        """Ends it."""
        self.program.stop()


class Rqbit:
    """rqbit of crates.io."""

    name = "rqbit"
    version = (RQBIT, "--version")

    @staticmethod
    def missing():
        """Why it cannot take part; None when it can."""
        return None if RQBIT.exists() else "not built; `make bench-peers` builds it"

    def recheck(self, content, work, _threads):
        """Hashes a file against its torrent."""
        peer = RqbitPeer(content, content.source, work)
        try:
            return rechecked(peer, content, peer.add, peer.checked)
        finally:
            peer.stop()

    def create(self, *_):
        """It has no command that only creates."""
        return None

    def peer(self, content, place, work, _complete):
        """One client."""
        return RqbitPeer(content, place, work)


class TransmissionPeer:
    """One transmission-daemon with one torrent."""

    def __init__(self, content, place, work, address="127.0.0.1", tracker=None, paused=False):
        rpc, port = free_port(), free_port(address)
        self.address = f"{address}:{port}"
        self.tracker, self.paused = tracker, paused
        self.session = ""
        self.rpc = f"http://127.0.0.1:{rpc}/transmission/rpc"
        home = Path(work, f"transmission-{rpc}")
        home.mkdir(parents=True)
        (home / "settings.json").write_text(json.dumps({
            "bind-address-ipv4": address, "bind-address-ipv6": "::1", "dht-enabled": False,
            "download-dir": str(place), "encryption": 0, "lpd-enabled": False, "peer-port": port,
            "pex-enabled": False, "port-forwarding-enabled": False, "utp-enabled": False,
            "rpc-bind-address": "127.0.0.1", "rpc-port": rpc, "rpc-whitelist-enabled": False,
            "rename-partial-files": False, "message-level": 1,
        }))
        command = ["transmission-daemon", "-f", "-g", home]
        self.program = Program("transmission", command, work)
        self.pid = self.program.pid
        try:
            until("its control port", self.program, lambda: listening(rpc), 30)
            self.call("torrent-add", filename=str(content.torrent), paused=paused)
        except Failed:
            self.program.stop()
            raise

    def call(self, method, **arguments):
        """One call of its JSON interface."""
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        for _ in range(2):
            headers = {"X-Transmission-Session-Id": self.session}
            try:
                request = urllib.request.Request(self.rpc, body, headers)
                with urllib.request.urlopen(request, timeout=60) as reply:
                    answer = json.load(reply)
            except urllib.error.HTTPError as error:
                if error.code != 409:
                    raise Failed(f"transmission {method}: {error.code}") from None
                self.session = error.headers["X-Transmission-Session-Id"]
                continue
            if answer["result"] != "success":
                raise Failed(f"transmission {method}: {answer['result']}")
            return answer["arguments"]
        raise Failed("transmission refuses its own session id")

    def state(self):
        """What it says about the torrent."""
        fields = ["status", "percentDone", "peersConnected", "uploadedEver", "error",
                  "errorString", "recheckProgress"]
        rows = self.call("torrent-get", fields=fields)["torrents"]
        if not rows:
            raise Failed("transmission lost its torrent")
        if rows[0]["error"] == 3:
            raise Failed(f"transmission: {rows[0]['errorString']}")
        return rows[0]

    def is_complete(self):
        """Whether it seeds."""
        state = self.state()
        return state["percentDone"] == 1 and state["status"] in (0, 6)

    def ready(self):
        """Waits until it has looked at its content; whether all is there."""
        if self.paused:
            until("to be stopped", self.program, lambda: self.state()["status"] == 0, 30)
            return self.is_complete()
        until("its check", self.program, self.is_complete)
        return True

    def verify(self):
        """Makes it check again."""
        self.call("torrent-verify")
        until("its check", self.program, lambda: self.state()["status"] in (1, 2), 10)

    def verified(self):
        """Waits for the end of that."""
        until("its check", self.program, lambda: self.state()["status"] not in (1, 2))

    def connect(self, peers):
        """The tracker tells it about these; it asks when it starts."""
        self.tracker.peers.update(peers)
        self.call("torrent-start-now")

    def connected(self):
        """Waits for the first connection."""
        until("a connection", self.program, lambda: self.state()["peersConnected"] > 0, 60)

    def done(self):
        """Waits for the last piece."""
        until("the last piece", self.program, self.is_complete)

    def settle(self):
        """It empties its cache before it seeds."""

    def uploaded(self):
        """Bytes of content sent."""
        return self.state()["uploadedEver"]

    def stop(self):
        """Ends it."""
        self.program.stop()


class Tracker:
    """An HTTP tracker that tells everybody about the same peers (BEP 3, BEP 23)."""

    def __init__(self, address):
        self.peers = set()
        tracker = self

        class Handler(BaseHTTPRequestHandler):
            """One announce."""

            def do_GET(self):
                """The peers, less who asks."""
                query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
                own = query.get("port", ["0"])[0]
                compact = b"".join(
                    socket.inet_aton(host) + int(port).to_bytes(2, "big")
                    for host, port in (p.rsplit(":", 1) for p in sorted(tracker.peers))
                    if port != own)
                body = bencode({"interval": 1800, "peers": compact})
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Nothing."""

        self.server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self.server.server_port}/announce"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Transmission:
    """transmission-daemon of Debian."""

    name = "transmission"
    version = ("transmission-daemon", "--version")

    def __init__(self, tracker=None, addresses=None):
        self.tracker = tracker
        self.addresses = addresses

    @staticmethod
    def missing():
        """Why it cannot take part; None when it can."""
        if shutil.which("transmission-daemon"):
            return None
        return "not installed (Debian: apt install transmission-daemon transmission-cli)"

    def recheck(self, content, work, _threads):
        """Hashes a file against its torrent; it has one thread for that."""
        peer = TransmissionPeer(content, content.source, work, paused=True)
        try:
            return rechecked(peer, content, peer.verify, peer.verified)
        finally:
            peer.stop()

    def create(self, content, work, _threads):
        """Makes a torrent of a file with the command of package transmission-cli."""
        if not shutil.which("transmission-create"):
            return None
        out = Path(work, "created.torrent")
        out.unlink(missing_ok=True)
        command = ["transmission-create", "-s", content.piece // 1024, "-o", out, content.file]
        start = time.monotonic()
        program = Program("transmission-create", command, work)
        try:
            _, status, usage = os.wait4(program.pid, 0)
            seconds = time.monotonic() - start
            program.popen.returncode = os.waitstatus_to_exitcode(status)
        finally:
            program.stop()
        if status:
            raise Failed(f"transmission-create ended with {status}: {program.log()}")
        cpu = usage.ru_utime + usage.ru_stime
        return {"mib_s": content.mib / seconds, "cpu_s_gib": cpu / content.gib}

    def peer(self, content, place, work, complete):
        """One client, inside the namespace."""
        return TransmissionPeer(content, place, work, next(self.addresses), self.tracker,
                                paused=not complete)


def inside(content, work, place, leeches):
    """transfer() of transmission in a network namespace of its own."""
    what = {"content": {k: str(v) for k, v in asdict(content).items()}, "work": str(work),
            "place": str(place), "leeches": leeches}
    flags = ["-n"] if os.getuid() == 0 else ["-rn"]
    command = ["unshare", *flags, sys.executable, HERE / "inside.py", json.dumps(what)]
    with Program("transmission-inside", command, work, lines=True) as program:
        answer = program.expect("done", TIMEOUT * 2)
    if "failed" in answer:
        raise Failed(answer["failed"])
    return answer["figures"]

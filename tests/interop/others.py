"""Other people's clients as sources of an import: each is started on a fresh profile, given a
torrent, asked how far it is, and stopped the way that makes it save its state.

They listen on the loopback interface and are dialled by the seed: none needs a tracker, and no
client has to be talked into dialling 127.0.0.1.
"""

import json
import shutil
import socket
import urllib.parse
import urllib.request
import xmlrpc.client
from pathlib import Path

from clients import Failed, Process, free_port, listening, wait_for

PACKAGES = {"qbittorrent-nox": "qbittorrent-nox", "rtorrent": "rtorrent", "deluged": "deluged",
            "transmission-daemon": "transmission-daemon",
            "aria2c": "aria2"}


class QBittorrent:
    """qbittorrent-nox; `sqlite` chooses where it keeps its state."""

    name = "qbittorrent"

    def __init__(self, work, sqlite=False):
        self.work = Path(work)
        self.profile = self.work / "profile"
        self.data = self.profile / "qBittorrent/data"
        self.state = self.data / ("torrents.db" if sqlite else "BT_backup")
        self.sqlite = sqlite
        self.port, self.web = free_port(), free_port()
        self.process = None

    def start(self, downloads):
        """Runs it."""
        conf = self.profile / "qBittorrent/config/qBittorrent.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        self.work.mkdir(exist_ok=True)
        storage = "SQLite" if self.sqlite else "Legacy"
        conf.write_text(f"""[LegalNotice]
Accepted=true
[BitTorrent]
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\Encryption=2
Session\\Port={self.port}
Session\\InterfaceAddress=127.0.0.1
Session\\Interface=lo
Session\\BTProtocol=TCP
Session\\MultiConnectionsPerIp=true
Session\\QueueingSystemEnabled=false
Session\\DefaultSavePath={downloads}
Session\\ResumeDataStorageType={storage}
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\Port={self.web}
WebUI\\LocalHostAuth=false
WebUI\\CSRFProtection=false
WebUI\\UseUPnP=false
""")
        self.process = Process("qbittorrent", ["qbittorrent-nox", f"--profile={self.profile}"],
                               self.work)
        wait_for("qBittorrent's web interface", lambda: listening(self.web), self.process)
        return self.process

    def call(self, path, **fields):
        """One call of its web interface."""
        url = f"http://127.0.0.1:{self.web}/api/v2/{path}"
        body = urllib.parse.urlencode(fields).encode() if fields else None
        with urllib.request.urlopen(url, body, timeout=10) as reply:
            text = reply.read().decode()
        return json.loads(text) if text[:1] in "[{" else text

    def add(self, torrent, **fields):
        """Adds a torrent file."""
        mark = "ternterntern"
        parts = "".join(
            f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'
            for k, v in fields.items()).encode()
        parts += (f'--{mark}\r\nContent-Disposition: form-data; name="torrents"; filename="t"\r\n'
                  "Content-Type: application/x-bittorrent\r\n\r\n").encode()
        parts += Path(torrent.path).read_bytes() + f"\r\n--{mark}--\r\n".encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/api/v2/torrents/add", parts,
            {"Content-Type": f"multipart/form-data; boundary={mark}"})
        with urllib.request.urlopen(request, timeout=10) as reply:
            if reply.read() != b"Ok.":
                raise Failed("qBittorrent does not take the torrent")

    def info(self):
        """The torrents it has."""
        return self.call("torrents/info")

    def have(self, torrent):
        """The pieces it says it has."""
        states = self.call("torrents/pieceStates?hash=" + torrent.info_hash.hex())
        return [i for i, state in enumerate(states) if state == 2]


class RTorrent:
    """rtorrent in its daemon mode, by XML-RPC over SCGI."""

    name = "rtorrent"

    def __init__(self, work):
        self.work = Path(work)
        self.state = self.work / "session"
        self.socket = self.work / "scgi"
        self.port = free_port()
        self.process = None

    def start(self, downloads):
        """Runs it."""
        self.state.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        options = {
            "session.path.set": self.state, "directory.default.set": downloads,
            "network.port_range.set": f"{self.port}-{self.port}", "network.port_random.set": "no",
            "network.bind_address.set": "127.0.0.1", "protocol.pex.set": "no",
            "dht.mode.set": "disable", "trackers.use_udp.set": "no",
            "protocol.encryption.set": "none", "network.scgi.open_local": self.socket,
            "system.daemon.set": "true",
        }
        command = ["rtorrent", "-n"]
        for name, value in options.items():
            command += ["-o", f"{name}={value}"]
        self.process = Process("rtorrent", command, self.work, {"TERM": "xterm"})
        wait_for("rtorrent's socket", self.socket.exists, self.process)
        return self.process

    def call(self, method, *arguments):
        """One call."""
        body = xmlrpc.client.dumps(arguments, method).encode()
        head = f"CONTENT_LENGTH\0{len(body)}\0SCGI\0001\0".encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(str(self.socket))
            s.sendall(b"%d:%s,%s" % (len(head), head, body))
            reply = b"".join(iter(lambda: s.recv(65536), b""))
        return xmlrpc.client.loads(reply.split(b"\r\n\r\n", 1)[1])[0][0]

    def add(self, torrent, *commands):
        """Adds a torrent file."""
        self.call("load.start", "", str(torrent.path), *commands)
        wait_for("rtorrent to take the torrent",
                 lambda: key(torrent) in self.call("download_list"),
                 self.process)

    def have(self, torrent):
        """The pieces it says it has."""
        raw = bytes.fromhex(self.call("d.bitfield", key(torrent)))
        return [i for i in range(len(torrent.hashes)) if raw[i // 8] & (0x80 >> i % 8)]

    def checking(self, torrent):
        """Whether it hashes, or is going to."""
        return self.call("d.hashing", key(torrent)) or self.call("d.is_hash_checking", key(torrent))


def key(torrent):
    """How rtorrent calls a torrent."""
    return torrent.info_hash.hex().upper()


class Deluge:
    """deluged, by its own client library."""

    name = "deluge"

    def __init__(self, work):
        self.work = Path(work)
        self.config = self.work / "deluge"
        self.state = self.config / "state"
        self.port, self.rpc = free_port(), free_port()
        self.process = self.client = None

    def start(self, downloads):
        """Runs it."""
        self.config.mkdir(exist_ok=True)
        (self.config / "auth").write_text("localclient:secret:10\n")
        core = {
            "download_location": str(downloads), "listen_ports": [self.port, self.port],
            "random_port": False, "dht": False, "lsd": False, "upnp": False, "natpmp": False,
            "utpex": False, "enc_in_policy": 2, "enc_out_policy": 2, "daemon_port": self.rpc,
            "listen_interface": "127.0.0.1", "new_release_check": False, "send_info": False,
        }
        (self.config / "core.conf").write_text('{"file": 1, "format": 1}' + json.dumps(core))
        self.process = Process("deluge", ["deluged", "-d", "-c", str(self.config), "-L", "info",
                               "-i", "127.0.0.1", "-p", str(self.rpc)], self.work)
        wait_for("deluged", lambda: listening(self.rpc), self.process)
        return self.process

    def add(self, torrent, downloads):
        """Adds a torrent file; the process that does it also tells what deluge has."""
        script = Path(__file__).resolve().parent / "deluge_client.py"
        self.client = Process("deluge-client", ["/usr/bin/python3", str(script), str(self.rpc),
                              "localclient", "secret", str(torrent.path), str(downloads)],
                              self.work)
        wait_for("deluge to take the torrent",
                 lambda: any("added" in row for row in self.client.lines()), self.client)
        return self.client

    def have(self):
        """The pieces it says it has."""
        rows = [row for row in self.client.lines() if "have" in row]
        return rows[-1]["have"] if rows else []


class Aria2:
    """aria2c with its control file, its list of unfinished downloads and JSON-RPC."""

    name = "aria2"

    def __init__(self, work):
        self.work = Path(work)
        self.state = self.work / "down"
        self.session = self.work / "down/session"
        self.port, self.rpc = free_port(), free_port()
        self.process = None

    def start(self, downloads, *files):
        """Runs it."""
        Path(downloads).mkdir(exist_ok=True)
        command = ["aria2c", "--no-conf=true", "--enable-dht=false", "--enable-dht6=false",
                   "--bt-enable-lpd=false", "--enable-peer-exchange=false", "--disable-ipv6=true",
                   f"--listen-port={self.port}", "--interface=127.0.0.1", "--enable-rpc=true",
                   f"--rpc-listen-port={self.rpc}", "--file-allocation=none",
                   f"--save-session={self.session}", "--seed-time=0", f"--dir={downloads}",
                   "--console-log-level=warn", "--summary-interval=0", "--force-save=true",
                   *map(str, files)]
        self.process = Process("aria2", command, self.work)
        wait_for("aria2's control port", lambda: listening(self.rpc), self.process)
        return self.process

    def call(self, method, *arguments):
        """One call."""
        body = json.dumps({"jsonrpc": "2.0", "id": "1", "method": f"aria2.{method}",
                           "params": arguments}).encode()
        url = f"http://127.0.0.1:{self.rpc}/jsonrpc"
        with urllib.request.urlopen(url, body, timeout=10) as reply:
            return json.load(reply)["result"]

    def have(self, torrent):
        """The pieces it says it has."""
        rows = self.call("tellActive", ["bitfield"])
        raw = bytes.fromhex(rows[0].get("bitfield", "")) if rows else b""
        return [i for i in range(len(raw) * 8) if raw[i // 8] & (0x80 >> i % 8)]


def need():
    """The clients that are not there, by their Debian packages."""
    return sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})

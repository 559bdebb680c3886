"""tests/power/host.py with rqbit, a program that is spoken to over HTTP.

    rqbit_host.py TORRENT DIRECTORY PORT MODE STATE [HOST:PORT ..]

It keeps a bit field per torrent itself (`--fastresume`), so what counts as saved is what that file
has said for a while; what it claims is what its interface says it has. A start that hashes
everything says so in its log.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

from host import say
from rig import ROOT, free_port, torrents

RQBIT = ROOT / "target/bench/cargo/bin/rqbit"
FULL_CHECK = "Doing initial checksum validation"
POLL = 0.02
# Its bit field is written and then synced; what it has said for so long was synced long ago.
SETTLED = 0.2


def pieces_of(bits):
    """The pieces of a bit field."""
    return [i * 8 + bit for i, byte in enumerate(bits) for bit in range(8) if byte << bit & 0x80]


class Rqbit:
    """A server, its HTTP interface, its log."""

    def __init__(self, directory, port, state):
        api = free_port()
        self.url = f"http://127.0.0.1:{api}"
        self.checks_all = False
        self.info_hash = None
        self.popen = subprocess.Popen(
            [RQBIT, "-v", "info", "--http-api-listen-addr", f"127.0.0.1:{api}", "--disable-dht",
             "--disable-dht-persistence", "--disable-lsd", "--disable-trackers",
             "--disable-upnp-port-forward", "--listen-ip", "127.0.0.1", "--ipv4-only",
             "--listen-port", port, "server", "start", "--fastresume", "--persistence-location",
             state, directory], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        threading.Thread(target=self.read_log, daemon=True).start()

    def read_log(self):
        """Passes the log on."""
        for line in self.popen.stdout:
            self.checks_all |= FULL_CHECK in line
            sys.stdout.write(line)

    def call(self, path, data=None, binary=False):
        """One call."""
        kind = "application/octet-stream" if binary else "application/json"
        request = urllib.request.Request(self.url + path, data, {"Accept": kind})
        with urllib.request.urlopen(request, timeout=10) as reply:
            answer = reply.read()
        return answer if binary else json.loads(answer)

    def until(self, ready):
        """Polls until it answers and `ready(answer)` holds; the process that waits is killed when
        that never happens."""
        while True:
            try:
                if answer := ready():
                    return answer
            except OSError:
                if self.popen.poll() is not None:
                    sys.exit("rqbit ended")
            time.sleep(POLL)

    def add(self, torrent_file, directory):
        """Adds the torrent, unless it came back by itself."""
        if not self.call("/torrents")["torrents"]:
            query = urllib.parse.urlencode(
                {"overwrite": "true", "output_folder": directory, "is_url": "false"})
            self.call(f"/torrents?{query}", Path(torrent_file).read_bytes())
        self.info_hash = self.call("/torrents")["torrents"][0]["info_hash"]
        return True

    def stats(self):
        """Of the torrent."""
        return self.call(f"/torrents/{self.info_hash}/stats/v1")

    def have(self):
        """The pieces it has."""
        return pieces_of(self.call(f"/torrents/{self.info_hash}/haves", binary=True))


def mend(state):
    """Removes a list of torrents that it would refuse to start with."""
    database = Path(state, "session.json")
    try:
        json.loads(database.read_bytes())
    except FileNotFoundError:
        pass
    except ValueError:
        say("helped")
        database.unlink()


def watch(rqbit, saved_file, known):
    """Says what passes and what is saved, for ever."""
    saved, since, told, generation = b"", 0.0, None, 0
    finished = False
    while True:
        now = rqbit.until(rqbit.have)
        for piece in now:
            if piece not in known:
                known.add(piece)
                say("passed", piece=piece)
        bits = saved_file.read_bytes() if saved_file.exists() else b""
        if bits != saved:
            saved, since = bits, time.monotonic()
        elif bits != told and time.monotonic() - since >= SETTLED:
            told, generation = bits, generation + 1
            say("saved", generation=generation, pieces=pieces_of(bits))
        if not finished and rqbit.until(rqbit.stats)["finished"]:
            finished = True
            say("finished")
        time.sleep(POLL)


def main():
    """Runs until killed."""
    torrent_file, directory, port, _, state, *peers = sys.argv[1:]
    Path(state).mkdir(exist_ok=True)
    mend(state)
    rqbit = Rqbit(directory, port, state)
    rqbit.until(lambda: rqbit.add(torrent_file, directory))
    say("added")
    rqbit.until(lambda: rqbit.stats()["state"] != "initializing")
    stats = rqbit.stats()
    if stats["state"] != "live":
        say("helped", state=stats["state"], error=stats["error"])
        rqbit.call(f"/torrents/{rqbit.info_hash}/start", b"")
        rqbit.until(lambda: rqbit.stats()["state"] == "live")
    have = rqbit.have()
    total = len(torrents.decode(Path(torrent_file).read_bytes())[b"info"][b"pieces"]) // 20
    full = rqbit.checks_all
    say("checked", hashed=total if full else 0, restored=0 if full else len(have), have=have)
    if peers:
        rqbit.call(f"/torrents/{rqbit.info_hash}/add_peers", "\n".join(peers).encode())
    watch(rqbit, Path(state, f"{rqbit.info_hash}.bitv"), set(have))


if __name__ == "__main__":
    main()

"""A transfer of transmission inside a network namespace: started by others.py with unshare.

Its loopback device gets a few private addresses that exist nowhere else, because transmission
dials no loopback address. The namespace ends with this process.
"""

import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path

import jobs
from lab import Content, Failed, bencode, stop_all
from others import Tracker, Transmission

NET = "10.77.0"


def with_tracker(content, work, url):
    """The same torrent with a tracker; the info-hash stays."""
    raw = content.torrent.read_bytes()
    path = Path(work, "tracked.torrent")
    # `announce` sorts before `info`, the only key there is.
    path.write_bytes(b"d8:announce" + bencode(url) + raw[1:])
    return Content(content.source, path, content.size, content.piece, content.info_hash)


def main():
    """One transfer; its figures on standard output."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    what = json.loads(sys.argv[1])
    kept = what["content"]
    content = Content(Path(kept["source"]), Path(kept["torrent"]), int(kept["size"]),
                      int(kept["piece"]), kept["info_hash"])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for number in range(1, what["leeches"] + 3):
        subprocess.run(["ip", "addr", "add", f"{NET}.{number}/32", "dev", "lo"], check=True)
    tracker = Tracker(f"{NET}.1")
    content = with_tracker(content, what["work"], tracker.url)
    side = Transmission(tracker, (f"{NET}.{n}" for n in itertools.count(2)))
    try:
        figures = jobs.transfer(side, side, content, what["work"], what["place"], what["leeches"])
        print(json.dumps({"event": "done", "figures": figures}), flush=True)
    except (Failed, OSError) as error:
        print(json.dumps({"event": "done", "failed": str(error)}), flush=True)
    finally:
        stop_all()


if __name__ == "__main__":
    main()

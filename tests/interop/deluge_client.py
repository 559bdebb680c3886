"""Adds a torrent to a deluged and says over and over what it has, one JSON object per line.

    deluge_client.py PORT USER PASSWORD FILE.torrent DIR

Runs under the system's Python, which has Deluge's own client library.
"""

import base64
import json
import sys
from pathlib import Path

from deluge.ui.client import client
from twisted.internet import defer, reactor, task

COMPLETED = 3


def say(**fields):
    """One line."""
    print(json.dumps(fields), flush=True)


@defer.inlineCallbacks
def run(port, user, password, torrent, directory):
    """Connects, adds, and asks until the process is ended."""
    yield client.connect("127.0.0.1", int(port), user, password)
    data = base64.b64encode(Path(torrent).read_bytes()).decode()
    options = {"download_location": directory}
    torrent_id = yield client.core.add_torrent_file("x.torrent", data, options)
    say(added=torrent_id)
    while True:
        status = yield client.core.get_torrent_status(torrent_id, ["pieces", "num_pieces", "state"])
        have = [i for i, state in enumerate(status["pieces"] or []) if state == COMPLETED]
        say(have=have, state=status["state"])
        yield task.deferLater(reactor, 0.2, lambda: None)


def failed(failure):
    """Ends with a reason."""
    say(error=str(failure))
    reactor.stop()


if __name__ == "__main__":
    run(*sys.argv[1:]).addErrback(failed)
    reactor.run()

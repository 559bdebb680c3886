"""A host that downloads and says what happens, for the tests that break things under it.

    host.py TORRENT DIRECTORY PORT store STATE-DIR [--limit=N] [HOST:PORT ..]
    host.py TORRENT DIRECTORY PORT hook BLOB-FILE [--limit=N] [HOST:PORT ..]

One JSON object per line: checked (restored, hashed), passed (piece), failed (piece), saved
(generation), finished, storage (reason, errno, path), rejected (reason), state. Lines on standard
input are commands: `resume` goes on after an error, `recheck` checks everything, `fast` lifts the
limit (N bytes per second) that the download began with, `close` ends in good order.
"""

import json
import os
import sys
import threading
from pathlib import Path

import libtern
from libtern import SaveFlags


def say(event, **more):
    """One line."""
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


def keep(path, data):
    """Replaces a file so that after a loss of power it is the old one or the new one, whole."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def tell(event):
    """Says what an event is, if it is of interest."""
    match event:
        case libtern.Checked(_, hashed, restored):
            say("checked", hashed=hashed, restored=restored)
        case libtern.PiecePassed(piece):
            say("passed", piece=piece)
        case libtern.PieceFailed(piece):
            say("failed", piece=piece)
        case libtern.Saved(generation):
            say("saved", generation=generation)
        case libtern.Finished():
            say("finished")
        case libtern.StorageFailed(reason, path):
            say("storage", reason=reason, path=path)
        case libtern.ResumeRejected():
            say("rejected", reason=str(event))
        case libtern.SaveFailed():
            say("save-failed", reason=str(event))
        case libtern.Fatal(reason):
            say("fatal", reason=reason)


def obey(session, torrent):
    """Commands, until there are no more."""
    for line in sys.stdin:
        match line.strip():
            case "resume":
                torrent.resume()
            case "recheck":
                torrent.recheck()
            case "fast":
                torrent.set_limits()
            case "close":
                session.wake()


def main():
    """Runs until killed."""
    torrent_file, directory, port, mode, state, *more_words = sys.argv[1:]
    peers = [word for word in more_words if not word.startswith("--limit=")]
    limits = [int(word.partition("=")[2]) for word in more_words if word not in peers]
    # Peers are those given: an audit must not find the seed by itself.
    options = {"listen": f"127.0.0.1:{port}", "dht": False, "lsd": False}
    more = {}
    if mode == "store":
        options["state_dir"] = state
    else:
        blob = Path(state)

        def on_save(request):
            try:
                keep(blob, request.data)
            except OSError as error:
                say("hook-failed", reason=str(error))
                return False
            return True

        more["on_save"] = on_save
        more["resume"] = blob.read_bytes() if blob.exists() else None
    with libtern.Session(**options) as session:
        torrent = session.add(
            torrent_file, save_path=directory, peers=peers, download_limit=next(iter(limits), None),
            save_policy=SaveFlags.ON_PIECE | SaveFlags.ON_STATE | SaveFlags.AT_CLOSE, **more)
        say("added")
        threading.Thread(target=obey, args=[session, torrent], daemon=True).start()
        for event in session.events():
            tell(event)


if __name__ == "__main__":
    main()

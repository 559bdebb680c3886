"""Other clients, both directions, through opentracker, with awkward content; byte for byte."""

from pathlib import Path

import torrents
from cases import alone, run
from clients import (Aria2, Failed, Libtorrent, Tern, Tracker, Transmission, free_port, need,
                     wait_for)


def transfer(seeder, leecher, work):
    """`seeder` serves, `leecher` downloads; they find each other through the tracker."""
    work = Path(work)
    source, target = work / "source", work / "target"
    tracker = Tracker(work)
    name, plan = torrents.awkward_content(source)
    torrent = torrents.make(work / "x.torrent", source, name, plan, trackers=[tracker.url])
    if seeder is Tern:
        # Padding is not stored: libtern has to serve it from nothing.
        (source / name / ".pad" / str(torrents.PIECE - 1)).unlink()
    ports = free_port(), free_port()
    with tracker.running(torrent):
        a, b = seeder(work), leecher(work)
        # Who will not dial is started first, so that the other finds it at its first announce.
        first = [a, b] if leecher is not Transmission else [b, a]
        running = {}
        try:
            for number, client in enumerate(first):
                if client is a:
                    running[a] = a.seed(torrent, source, ports[0])
                else:
                    running[b] = b.get(torrent, target, ports[1])
                if number == 0:
                    wait_for("the first to announce itself", lambda: tracker.peers(torrent),
                             running[client])
            wait_for(f"{b.name} to complete", lambda: b.complete(running[b], torrent, target),
                     running[b] if leecher is not Aria2 and leecher is not Tern else None)
        except Failed as error:
            logs = "".join(f"\n--- {p.name}\n{p.log()}" for p in running.values())
            raise Failed(f"{error}{logs}") from None
        finally:
            for process in running.values():
                process.stop()
                process.kill()
    # transmission 3.00 never creates empty files.
    wrong = torrents.differences(torrent, source, target, empty=leecher is not Transmission)
    if leecher is Tern:
        wrong += [f"{s} should not exist" for s in torrents.strangers(torrent, target)]
    if wrong:
        raise Failed("; ".join(wrong))


def cases():
    """All directions."""
    for other in (Transmission, Aria2, Libtorrent):
        yield f"{other.name} -> tern", lambda work, o=other: transfer(o, Tern, work)
        yield f"tern -> {other.name}", lambda work, o=other: transfer(Tern, o, work)
    yield "tern -> tern", lambda work: transfer(Tern, Tern, work)


def main():
    """Runs them; returns (passed, failed)."""
    need("transmission-daemon", "aria2c", "opentracker")
    return run("interop", cases())


if __name__ == "__main__":
    alone(main)

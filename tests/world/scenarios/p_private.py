"""A private torrent (BEP 27): every packet of its host is looked at.

Whatever can be switched on is on. The same with a public torrent shows that the watch sees what it
is there for.
"""

import sys

import clients
import swarm

TERN, LT = clients.Tern(), clients.Libtorrent()
EVERYTHING = {"tracker", "lsd", "dht", "pex"}


def watched(private):
    """A download whose flows are all of the tracker's and the peer's, if it is private."""
    def run(world, report):
        tracker, seed, leech = (world.host(name) for name in ("tracker", "seed", "leech"))
        torrent = swarm.Torrent(world.work, [f"udp://{tracker.v4}:6969/announce"], private)
        watch = clients.Process("sniff", leech, [sys.executable, clients.HERE / "sniff.py"])
        with clients.opentracker(tracker, [torrent]), watch:
            clients.wait_for("the watch", watch.lines, watch)
            # By its file: of a magnet link nobody knows yet that it is private.
            swarm.meet(world, {}, "", torrent, LT, TERN, EVERYTHING, (seed, leech), torrent.path)
        flows = [row for row in watch.lines() if "protocol" in row]
        ours = {leech.v4, leech.v6}
        known = {tracker.v4, seed.v4, seed.v6}
        strange = [row for row in flows if row["from"] in ours and row["to"] not in known
                   or row["from"] not in ours and row["from"] not in known and row["to"] in ours]
        # What it says from its link-local address is said to a group, or by the kernel.
        strange += [row for row in flows if row["from"].startswith("fe80") and row["protocol"] == 17
                    and row["port"] == 6771 and not is_others(row, leech, seed)]
        if not any(row["to"] == tracker.v4 and row["protocol"] == 17 for row in flows):
            raise clients.Failed(f"the watch missed the announce: {flows}")
        if private and strange:
            raise clients.Failed(f"a private torrent talked to strangers: {strange}")
        if not private and not any(row["port"] == 6771 for row in strange):
            raise clients.Failed(f"the watch does not see multicast: {flows}")
    return run


def is_others(row, leech, seed):
    """Whether a link-local source is the seed's."""
    shown = seed.run(["ip", "-6", "addr", "show", "dev", "eth0"]).stdout
    return row["from"] in shown


def scenarios():
    """The torrent, and the test of the test."""
    yield "private torrents stay private", watched(True)
    yield "public torrents are heard by the watch", watched(False)

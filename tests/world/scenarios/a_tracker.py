"""Peers that know nothing but a UDP tracker."""

import clients
import swarm


def by_tracker(family, seed, leech):
    """A download with a tracker of one family and nothing else."""
    def run(world, report):
        host = world.host("tracker")
        address = host.v4 if family == 4 else f"[{host.v6}]"
        torrent = swarm.Torrent(world.work, [f"udp://{address}:6969/announce"])
        serve = clients.opentracker(host, [torrent]) if family == 4 else clients.tracker6(host)
        with serve:
            swarm.meet(world, report, f"tracker v{family}", torrent, seed, leech, {"tracker"})
    return run


def scenarios():
    """Both families, both directions."""
    # transmission 3 announces to UDP trackers over IPv4 only.
    return swarm.scenarios("tracker", by_tracker, v4_only=[swarm.TR])

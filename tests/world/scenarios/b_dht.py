"""Peers that know nothing but nodes of the DHT, all of them libtorrent's."""

import clients
import swarm

# transmission keeps to itself with fewer than nine.
NODES = 12


def by_dht(family, seed, leech):
    """A download with the DHT of one family and nothing else."""
    def run(world, report):
        hub, *hosts = (world.host(name) for name in ("nodes", "seed", "leech"))
        for host in (hub, *hosts):
            host.keep(family)
        torrent = swarm.Torrent(world.work)
        entry = [hub.endpoint(family, clients.NODES + n) for n in range(3)]
        with clients.nodes(hub, family, NODES, torrent.info_hash) as nodes:
            clients.wait_for("the nodes", lambda: nodes.said("ready"), nodes)
            swarm.meet(world, report, f"dht v{family}", torrent, seed, leech, {"dht"}, hosts,
                       nodes=entry, announced=lambda: nodes.said("announced"))
    return run


def scenarios():
    """Both families, both directions."""
    # transmission 3 has a node for global addresses of IPv6 only; there are none here.
    return swarm.scenarios("dht", by_dht, v4_only=[swarm.TR])

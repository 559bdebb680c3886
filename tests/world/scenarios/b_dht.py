"""Peers that know nothing but nodes of the DHT, all of them libtorrent's."""

import clients
import swarm

TERN, LT, TR = clients.Tern(), clients.Libtorrent(), clients.Transmission()
PAIRS = [(LT, TERN), (TERN, LT), (TR, TERN), (TERN, TR), (TERN, TERN), (LT, LT)]
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
    for family in (4, 6):
        for seed, leech in PAIRS:
            if TR in (seed, leech) and family == 6:
                # transmission 3 has a node for global addresses of IPv6 only; there are none here.
                continue
            yield f"dht-v{family} {seed.name} to {leech.name}", by_dht(family, seed, leech)

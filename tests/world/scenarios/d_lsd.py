"""Peers that know nothing but their network (BEP 14)."""

import swarm


def by_multicast(family, seed, leech):
    """A download with nothing but multicast of one family."""
    def run(world, report):
        hosts = world.host("seed"), world.host("leech")
        for host in hosts:
            host.keep(family)
        torrent = swarm.Torrent(world.work)
        swarm.meet(world, report, f"lsd v{family}", torrent, seed, leech, {"lsd"}, hosts)
    return run


def scenarios():
    """Both families, both directions."""
    # transmission 3 has the IPv4 group only.
    return swarm.scenarios("lsd", by_multicast, v4_only=[swarm.TR])

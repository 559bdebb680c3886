"""Peers that are named by the magnet link only (`x.pe`, BEP 9)."""

import clients
import swarm


def by_link(family, seed, leech):
    """A download with nothing but a link."""
    def run(world, report):
        hosts = world.host("seed"), world.host("leech")
        for host in hosts:
            host.keep(family)
        torrent = swarm.Torrent(world.work)
        link = torrent.magnet(hosts[0].endpoint(family, clients.PORT))
        swarm.meet(world, report, f"x.pe v{family}", torrent, seed, leech, set(), hosts, link)
    return run


def scenarios():
    """Both families, both directions, but for transmission 3, which does not look at `x.pe`, as the
    one who takes."""
    pairs = [(one, other) for one, other in swarm.PAIRS if other is not swarm.TR]
    return swarm.scenarios("x.pe", by_link, pairs)

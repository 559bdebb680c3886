"""Peers that are named by the magnet link only (`x.pe`, BEP 9)."""

import clients
import swarm

TERN, LT, TR = clients.Tern(), clients.Libtorrent(), clients.Transmission()
# transmission 3 does not look at x.pe.
PAIRS = [(LT, TERN), (TERN, LT), (TR, TERN), (TERN, TERN), (LT, LT)]


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
    """Both families, both directions."""
    for family in (4, 6):
        for seed, leech in PAIRS:
            yield f"x.pe-v{family} {seed.name} to {leech.name}", by_link(family, seed, leech)

"""Peers that know nothing but their network (BEP 14)."""

import clients
import swarm

TERN, LT, TR = clients.Tern(), clients.Libtorrent(), clients.Transmission()
PAIRS = [(LT, TERN), (TERN, LT), (TR, TERN), (TERN, TR), (TERN, TERN), (LT, LT)]


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
    for family in (4, 6):
        for seed, leech in PAIRS:
            if TR in (seed, leech) and family == 6:
                # transmission 3 has the IPv4 group only.
                continue
            yield f"lsd-v{family} {seed.name} to {leech.name}", by_multicast(family, seed, leech)

"""Peers that are named by another peer only (BEP 11).

One in the middle knows the seed and the leech. It has the metadata and no content, and downloads so
slowly that it will have none: every byte of the leech is the seed's.
"""

import clients
import swarm

TERN, LT, TR = swarm.TERN, swarm.LT, swarm.TR
# Bytes per second of the one in the middle; less for transmission, which tells once in 90 seconds.
SLOW, SLOWER = 20_000, 1000
PATIENCE = 240


def by_exchange(family, middle, leech, both=False):
    """A download from a seed that only the one in the middle names. If `both`, it tells the seed of
    the leech as well: they call each other at the same time."""
    def run(world, report):
        hosts = [world.host(name) for name in ("seed", "middle", "leech")]
        for host in hosts:
            host.keep(family)
        one, between, other = hosts
        seed_at, middle_at, leech_at = (host.endpoint(family, clients.PORT) for host in hosts)
        torrent, ways = swarm.Torrent(world.work, piece=1 << 20), {"pex"}
        # Transmission cannot be told to dial anybody: then it is dialled.
        given = {"peers": [middle_at]} if middle is TR else {}
        full = torrent.write(one.work / "content")
        # Of two libtorrents that dial each other at once both may hang up: else it is told nothing.
        told = ways if both else set()
        with LT.start(one, torrent.path, full, told, **given) as giving:
            clients.wait_for("the seed to check its content", giving.complete, giving)
            dials = [] if middle is TR else [seed_at]
            dials += [leech_at] if leech is TR else []
            known = {"peers": dials} if dials else {}
            with middle.start(between, torrent.path, between.work / "content", ways,
                              limit=SLOWER if middle is TR else SLOW, **known) as naming:
                clients.wait_for("the seed and the one in the middle to meet",
                                 lambda: met(between, one, family), naming, giving)
                known = {} if leech is TR else {"peers": [middle_at]}
                with leech.start(other, torrent.magnet(), other.work / "content", ways,
                                 **known) as taking:
                    way = f"pex v{family}" + (" both" if both else "")
                    swarm.cross(report, way, torrent, middle, leech, giving, taking, PATIENCE)
                    if naming.complete():
                        raise clients.Failed("the one in the middle has everything")
    return run


def met(host, other, family):
    """Whether hosts have a connection."""
    shown = host.run(["ss", "-Htn", "state", "established"]).stdout
    return other.address(family) in shown


def scenarios():
    """Both families, each client in the middle and as the one who hears. Transmission 3 tells of an
    IPv6 peer with the port that it came from, where nobody listens, and of the listening one only
    now and then: it is in the middle of IPv4 only."""
    for name, run in swarm.scenarios("pex", by_exchange, verb="tells"):
        if name != f"pex-v6 {TR.name} tells {TERN.name}":
            yield name, run
    for family in (4, 6):
        for middle in (LT, TERN):
            name = f"pex-v{family} {middle.name} tells {TERN.name} and the seed"
            yield name, by_exchange(family, middle, TERN, both=True)

"""A tracker in the world that sends its clients into their own network.

The world is another network on the same wire, with addresses that nobody's private network has.
"""

import sys

import clients
import net
import swarm

TERN = clients.Tern()
WORLD = "203.0.113.{}"


def redirected(allowed):
    """Whether the neighbour is asked depends on the option, and on nothing else."""
    def run(world, report):
        tracker, neighbour, victim = (world.host(n) for n in ("tracker", "neighbour", "victim"))
        for number, host in enumerate([tracker, victim], 1):
            net.ip("addr", "add", f"{WORLD.format(number)}/24", "dev", "eth0", netns=host.netns)
        python, web = sys.executable, clients.HERE / "web.py"
        public = clients.Process("web", tracker, [
            python, web, WORLD.format(1), 80, f"http://{neighbour.v4}/set?admin=1"])
        private = clients.Process("web", neighbour, [python, web, neighbour.v4, 80])
        torrent = swarm.Torrent(world.work, [f"http://{WORLD.format(1)}/announce"])
        with public, private:
            clients.wait_for("the servers", lambda: public.lines() and private.lines(), public,
                             private)
            more = ["--set", f"private_redirects={int(allowed)}"]
            with TERN.start(victim, torrent.path, victim.work / "c", {"tracker"},
                            more=more) as client:
                if allowed:
                    clients.wait_for("the neighbour to be asked",
                                     lambda: len(private.lines()) > 1, client)
                else:
                    clients.wait_for("the refusal", lambda: any(
                        "private network" in str(line.get("reason")) for line in client.lines()),
                        client)
            if not allowed and len(private.lines()) > 1:
                raise clients.Failed(f"the neighbour was asked: {private.lines()}")
    return run


def scenarios():
    """Refused by default, followed when the host says so."""
    yield "redirects into private networks are refused", redirected(False)
    yield "redirects into private networks are followed if allowed", redirected(True)

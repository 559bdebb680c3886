"""Magnet links and peer exchange with other clients: metadata fetched from each and given to each,
and a seed that nobody but a peer names.

Transmission refuses to dial loopback addresses, so it is dialled, and takes no part where it would
have to dial: there is a row for it in the network namespaces.
"""

from pathlib import Path

import torrents
from cases import alone, run
from clients import Failed, Libtorrent, Tern, Transmission, free_port, need, wait_for

# Peer exchange has a message a minute.
PATIENCE = 240


class Link:
    """A magnet link in the place of a torrent file."""

    def __init__(self, torrent, *peers):
        self.info_hash = torrent.info_hash
        self.path = f"magnet:?xt=urn:btih:{torrent.info_hash.hex()}&dn=shown"
        self.path += "".join(f"&x.pe={peer}" for peer in peers)


def content(work):
    """Awkward content and its torrent, without a tracker."""
    source = Path(work) / "source"
    name, plan = torrents.awkward_content(source)
    return source, torrents.make(Path(work) / "x.torrent", source, name, plan)


def same(torrent, source, target, empty=True):
    """Fails when copies differ."""
    wrong = torrents.differences(torrent, source, target, empty=empty)
    if wrong:
        raise Failed("; ".join(wrong))


def finish(running):
    """Ends processes; what they said when something went wrong."""
    for process in running:
        process.stop()
        process.kill()
    return "".join(f"\n--- {p.name}\n{p.log()}" for p in running)


def from_peer(work, seeder, host="127.0.0.1"):
    """`tern get MAGNET`: the link names the seed."""
    source, torrent = content(work)
    port, running = free_port(), []
    more = {"host": host} if host != "127.0.0.1" else {}
    try:
        running.append(seeder(work).seed(torrent, source, port, **more))
        if seeder is Libtorrent:
            wait_for("the seed", lambda: any(o.get("complete") for o in running[0].lines()),
                     running[0])
        target = Path(work) / "target"
        link = Link(torrent, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        more = ["--save-torrent", str(Path(work) / "saved.torrent")]
        leech = Tern(work).get(link, target, free_port(), more=more, bind=host)
        running.append(leech)
        wait_for("tern to complete", lambda: Tern(work).complete(leech, link, target), None)
        leech.wait()
        same(torrent, source, target)
        if torrents.Torrent.load(Path(work) / "saved.torrent").info_hash != torrent.info_hash:
            raise Failed("the saved torrent file is another")
    except Failed as error:
        raise Failed(f"{error}{finish(running)}") from None
    finally:
        finish(running)


def to_peer(work, leecher):
    """Another client has only the link; tern serves metadata and content."""
    source, torrent = content(work)
    port, target, running = free_port(), Path(work) / "target", []
    try:
        if leecher is Transmission:
            other = leecher(work)
            theirs = free_port()
            running.append(other.get(Link(torrent), target, theirs))
            running.append(Tern(work).seed(torrent, source, port, peers=[theirs]))
        else:
            running.append(Tern(work).seed(torrent, source, port))
            other = leecher(work)
            running.insert(0, other.get(Link(torrent), target, free_port(), peers=[port]))
        wait_for(f"{other.name} to complete", lambda: other.complete(running[0], torrent, target),
                 running[0])
        same(torrent, source, target, empty=leecher is not Transmission)
    except Failed as error:
        raise Failed(f"{error}{finish(running)}") from None
    finally:
        finish(running)


def by_exchange(work, leecher, middle):
    """The leecher knows only the one in the middle, which knows the seed: it must come to know the
    seed from it."""
    source, torrent = content(work)
    ports = {who: free_port() for who in ("seed", "middle", "leech")}
    running = []
    try:
        running.append(Tern(work).seed(torrent, source, ports["seed"]))
        # So slow that both sides go on to have a use for it.
        slow = ["--limit-down", "20000"]
        between = middle(work)
        running.append(between.get(torrent, Path(work) / "middle", ports["middle"],
                                   peers=[ports["seed"]], more=slow))
        target = Path(work) / "target"
        link = Link(torrent, f"127.0.0.1:{ports['middle']}")
        other = leecher(work)
        more = ["--limit-down", "100000"] if leecher is Libtorrent else []
        running.append(other.get(link, target, ports["leech"], more=more))
        leech = running[-1]
        if leecher is Tern:
            wait_for("a peer by exchange",
                     lambda: any(o.get("sources", {}).get("pex", {}).get("connected", 0) > 0
                                 for o in leech.lines()) or leech.popen.poll() == 0,
                     None, PATIENCE)
        wait_for("completion", lambda: other.complete(leech, link, target), None, PATIENCE)
        same(torrent, source, target)
        if leecher is Libtorrent:
            seen = any(o.get("peer") == ports["seed"] for o in leech.lines())
            if not seen:
                raise Failed("libtorrent never met the seed")
    except Failed as error:
        raise Failed(f"{error}{finish(running)}") from None
    finally:
        finish(running)


def metadata_only(work):
    """`tern get --metadata-only` leaves a torrent file and nothing else."""
    source, torrent = content(work)
    port = free_port()
    seed = Tern(work).seed(torrent, source, port)
    target = Path(work) / "target"
    link = Link(torrent, f"127.0.0.1:{port}")
    leech = Tern(work).get(link, target, free_port(), more=["--metadata-only"])
    try:
        if leech.wait() != 0:
            raise Failed(f"exit code {leech.popen.returncode}: {leech.log()}")
        there = [path.name for path in target.iterdir()]
        if there != [f"{torrent.name}.torrent"]:
            raise Failed(f"in the directory: {there}")
        if torrents.Torrent.load(target / there[0]).info_hash != torrent.info_hash:
            raise Failed("another torrent")
    finally:
        finish([seed, leech])


def cases():
    """All of them."""
    for other in (Libtorrent, Transmission):
        yield f"magnet: {other.name} -> tern", lambda w, o=other: from_peer(w, o)
        yield f"magnet: tern -> {other.name}", lambda w, o=other: to_peer(w, o)
    yield "magnet: tern -> tern", lambda w: from_peer(w, Tern)
    yield "magnet over IPv6: libtorrent -> tern", lambda w: from_peer(w, Libtorrent, "::1")
    yield "exchange: tern hears of a seed from libtorrent", (
        lambda w: by_exchange(w, Tern, Libtorrent))
    yield "exchange: libtorrent hears of a seed from tern", (
        lambda w: by_exchange(w, Libtorrent, Tern))
    yield "metadata only", metadata_only


def main():
    """Runs them; returns (passed, failed)."""
    need("transmission-daemon")
    return run("magnets", cases())


if __name__ == "__main__":
    alone(main)

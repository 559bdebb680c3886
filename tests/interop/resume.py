"""Resume data across programs: libtorrent goes on from our blob without a check, and we from its.

The content has a whole number of pieces that is no multiple of eight, and one file boundary inside
a piece; one program stops half way, the other goes on from there.
"""

import random
from pathlib import Path

import torrents
from cases import alone, run
from clients import Failed, Libtorrent, Tern, free_port, need, wait_for

PIECES = 203


def setup(work):
    """Content, torrent and the name of the state file."""
    source = Path(work, "source")
    name = "resumed"
    sizes = {"one": 70 * torrents.PIECE + 5, "two": (PIECES - 70) * torrents.PIECE - 5 - 333}
    for seed, (file, size) in enumerate(sizes.items()):
        path = source / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(seed).randbytes(size))
    plan = [([file], size, False) for file, size in sizes.items()]
    return source, torrents.make(Path(work, "x.torrent"), source, name, plan)


def saved(work):
    """The one blob of the command's state directory, as a file."""
    blobs = torrents.stored(Path(work, "state"))
    if len(blobs) != 1:
        raise Failed(f"{len(blobs)} blobs: {[key.hex() for key in blobs]}")
    path = Path(work, "ours.resume")
    path.write_bytes(*blobs.values())
    return path


def half_by_tern(work, torrent, source, target):
    """Downloads about half with tern, ends it with Ctrl-C, returns its blob."""
    tern, seed_port = Tern(work), free_port()
    seeder = Libtorrent(work).seed(torrent, source, seed_port, limit_up=3 << 20)
    with seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        limit = ["--limit-down", str(2 << 20)]
        with tern.get(torrent, target, free_port(), peers=[seed_port], more=limit) as leecher:
            half = torrent.size * 0.4
            wait_for("half of it", lambda: any(o.get("done", 0) > half for o in leecher.lines()),
                     leecher)
            code = leecher.stop()
            if code != 130:
                raise Failed(f"tern ended with {code}, not 130: {leecher.log()}")
    return saved(work)


def expect_claims(blob, torrent, target):
    """The blob claims some but not all pieces, and only such as are on disk; how many."""
    resume = torrents.Resume(blob.read_bytes(), len(torrent.hashes))
    wrong = [i for i in resume.have if not torrent.piece_on_disk(target, i)]
    if wrong:
        raise Failed(f"{blob.name} claims pieces that are not on disk: {wrong}")
    if not 20 < len(resume.have) < len(torrent.hashes):
        raise Failed(f"{blob.name} claims {len(resume.have)} of {len(torrent.hashes)} pieces")
    return len(resume.have)


def ours_in_libtorrent(work):
    """libtorrent loads our blob, checks nothing, and goes on."""
    source, torrent = setup(work)
    target = Path(work, "target")
    blob = half_by_tern(work, torrent, source, target)
    claimed = expect_claims(blob, torrent, target)
    seed_port = free_port()
    with Libtorrent(work).seed(torrent, source, seed_port) as seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        more = ["--resume-in", str(blob)]
        with Libtorrent(work).get(torrent, target, free_port(), [seed_port], more=more) as leecher:
            wait_for("libtorrent to complete",
                     lambda: any(o.get("complete") for o in leecher.lines()), leecher)
            first = next(o for o in leecher.lines() if o.get("started"))
    if first["rejected"] or first["checked"] or first["pieces"] < claimed:
        raise Failed(f"libtorrent did not take our {claimed} pieces as they are: {first}")
    fail_on(torrents.differences(torrent, source, target))


def theirs_in_tern(work):
    """tern loads libtorrent's blob, checks nothing, and goes on."""
    source, torrent = setup(work)
    target = Path(work, "target")
    target.mkdir()
    tern, seed_port = Tern(work), free_port()
    theirs = Path(work, "theirs.resume")
    # A first, short run makes tern's place for the state.
    tern.get(torrent, target, free_port(), more=["--stop-after", "1"]).wait()
    place = next(Path(work, "state").iterdir()) / (torrent.info_hash.hex() + ".resume")
    for database in place.parent.glob("tern.db*"):
        database.unlink()
    for path in sorted(Path(target).rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with Libtorrent(work).seed(torrent, source, seed_port) as seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        more = ["--limit-down", str(4 << 20), "--stop-at", "80", "--resume-out", str(theirs)]
        with Libtorrent(work).get(torrent, target, free_port(), [seed_port], more=more) as leecher:
            leecher.wait()
        claimed = expect_claims(theirs, torrent, target)
        place.write_bytes(theirs.read_bytes())
        with tern.get(torrent, target, free_port(), peers=[seed_port]) as leecher:
            code = leecher.wait()
            if code != 0:
                raise Failed(f"tern ended with {code}: {leecher.log()}")
            start = next((o for o in leecher.lines() if o.get("event") == "resumed"), None)
    # Pieces whose blocks are all there, but which libtorrent had not hashed yet, are hashed now.
    partial = len(torrents.decode(theirs.read_bytes()).get(b"unfinished", []))
    # libtorrent 2.1 rounds its bits up to whole bytes, so zeros in the last byte may be pieces that
    # an interrupted check never reached: those, at most seven, are hashed too.
    if start is None or start["restored"] != claimed or start["hashed"] > partial + 7:
        raise Failed(f"tern did not take libtorrent's {claimed} pieces as they are: {start}")
    fail_on(torrents.differences(torrent, source, target))


def changed_file(work):
    """A file that changed between two runs costs the pieces that touch it, no others."""
    source, torrent = setup(work)
    target = Path(work, "target")
    tern, seed_port = Tern(work), free_port()
    with Libtorrent(work).seed(torrent, source, seed_port) as seeder:
        wait_for("the seed", lambda: seeder.lines(), seeder)
        tern.get(torrent, target, free_port(), peers=[seed_port]).wait()
        with open(target / torrent.files[0][0], "r+b") as file:
            file.seek(10)
            file.write(b"damage")
        with tern.get(torrent, target, free_port(), peers=[seed_port]) as leecher:
            if leecher.wait() != 0:
                raise Failed(leecher.log())
            start = next((o for o in leecher.lines() if o.get("event") == "resumed"), None)
    if start is None or start["hashed"] != 71 or start["restored"] != PIECES - 71:
        raise Failed(f"71 of {PIECES} pieces touch the changed file, but: {start}")
    fail_on(torrents.differences(torrent, source, target))


def fail_on(wrong):
    """Raises when there is something."""
    if wrong:
        raise Failed("; ".join(wrong))


CASES = [
    ("libtorrent goes on from our resume data", ours_in_libtorrent),
    ("tern goes on from libtorrent's resume data", theirs_in_tern),
    ("a changed file costs only its own pieces", changed_file),
]


def main():
    """Runs them; returns (passed, failed)."""
    need()
    return run("resume", CASES)


if __name__ == "__main__":
    alone(main)

"""Other clients' torrents taken over, and handed to qBittorrent: `tern import`, `tern export`.

Each client downloads a part of the awkward content from a seed and is stopped. What it says that it
has is what `tern import` has to take over without hashing; tern then fetches the rest, and the
content is compared. The state that is read was written by the client itself a moment ago.
"""

import base64
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import others
import torrents
from clients import TERN, Failed, Tern, Transmission, free_port, listening, need, wait_for

TRACKER = "http://127.0.0.1:9/announce"
UP = 1500 * 1000
# qBittorrent's web interface may be this late.
STALE = 4.0


def setup(work):
    """Content and torrent. rtorrent refuses a torrent without a tracker; nobody answers at this."""
    source = Path(work, "source")
    name, plan = torrents.awkward_content(source)
    torrent = torrents.make(Path(work, "x.torrent"), source, name, plan, trackers=[TRACKER])
    (source / name / ".pad" / str(torrents.PIECE - 1)).unlink()
    down = Path(work, "down")
    down.mkdir()
    return source, torrent, down


def seeder(work):
    """A tern whose state is not that of the test."""
    Path(work, "seed").mkdir(exist_ok=True)
    return Tern(Path(work, "seed"))


def download_part(client, process, port, torrent, source, have, quiet=1.0):
    """Lets a client fetch a good part; what it says that it has when nothing comes any more."""
    wait_for(f"{client} to listen", lambda: listening(port), process)
    with seeder(Path(source).parent).seed(torrent, source, free_port(), [port], limit_up=UP):
        wait_for(f"{client} to have a part", lambda: len(have()) > 30, process, 60)
    # The seed is gone: what is in flight arrives, is hashed and counted.
    last, seen = have(), time.monotonic()
    while time.monotonic() - seen < quiet:
        time.sleep(0.2)
        now = have()
        if now != last:
            last, seen = now, time.monotonic()
    if not 30 < len(last) < len(torrent.hashes):
        raise Failed(f"{client} has {len(last)} of {len(torrent.hashes)} pieces, not a part")
    return last


def tern(*command, code=0):
    """Runs tern; the objects it says."""
    done = subprocess.run([TERN, *map(str, command), "--json"], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode != code:
        raise Failed(f"tern {command[0]} ended with {done.returncode}, not {code}: "
                     f"{done.stdout}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def take_over(work, folder, torrent, had, expect, uncertain=()):
    """Imports; tern has what the client had, but for what the client was not certain of: pieces, or
    None when the import is to say it. The import's own report."""
    state = work / "state"
    dry = tern("import", folder, "--state-dir", work / "nothing", "--dry-run")
    if (work / "nothing").exists():
        raise Failed("a dry run has written something")
    rows = tern("import", folder, "--state-dir", state)
    one = [row for row in rows if row["event"] == "imported"]
    if len(one) != 1 or rows[-1]["imported"] != 1 or rows[-1]["refused"]:
        raise Failed(f"not one torrent imported: {rows}")
    one = one[0]
    if {**dry[0], "state_dir": 0} != {**one, "state_dir": 0}:
        raise Failed(f"a dry run says something else: {dry[0]}, {one}")
    blob = torrents.stored(state)[torrent.info_hash]
    claims = torrents.Resume(blob, len(torrent.hashes)).have
    if uncertain is None:
        # Never more than what the client had, and the most of it.
        uncertain = set(had) - set(claims)
        if len(uncertain) > len(had) // 4:
            raise Failed(f"claimed only {claims}, the client had {had}")
    sure = sorted(set(had) - set(uncertain))
    if claims != sure:
        raise Failed(f"claimed {claims}, the client had {sure}")
    expect = {"restored": len(sure), "check": len(set(had) & set(uncertain)), "paused": False,
              **expect}
    wrong = {key: one[key] for key in expect if one[key] != expect[key]}
    if wrong:
        raise Failed(f"not {expect}: {wrong}")
    again = tern("import", folder, "--state-dir", state)
    if again[-1]["skipped"] != 1:
        raise Failed(f"a second import did not leave the first alone: {again}")
    return one


def go_on(work, torrent, source, down, restored, hashed=0, more=()):
    """tern fetches the rest; it hashes no more of what was there than expected."""
    port = free_port()
    with seeder(work).seed(torrent, source, port) as seed:
        wait_for("the seed", lambda: any("port" in row for row in seed.lines()), seed)
        with Tern(work).get(torrent, down, free_port(), [port], more=more) as leech:
            if leech.wait(60) != 0:
                raise Failed(f"tern ended badly: {leech.log()}")
            first = next(row for row in leech.lines() if row.get("event") == "resumed")
            got = next(row for row in leech.lines() if row.get("event") == "result")
    if (first["restored"], first["hashed"]) != (restored, hashed):
        raise Failed(f"expected {restored} restored and {hashed} hashed: {first}")
    missing = len(torrent.hashes) - first["have"]
    if got["downloaded"] > (missing + 1) * torrent.piece_length:
        raise Failed(f"fetched {got['downloaded']} bytes for {missing} pieces")
    wrong = torrents.differences(torrent, source, down)
    if wrong:
        raise Failed("; ".join(wrong))


def qbittorrent(work, sqlite=False):
    """qBittorrent, with its folder or its database."""
    source, torrent, down = setup(work)
    client = others.QBittorrent(work, sqlite)
    with client.start(down) as process:
        client.add(torrent, savepath=down, category="films", tags="a,b", ratioLimit="2.5",
                   rename="a title")
        wait_for("qBittorrent to add it", client.info, process)
        had = download_part("qBittorrent", process, client.port, torrent, source,
                            lambda: client.have(torrent), quiet=STALE)
        if process.stop(30) != 0:
            raise Failed(f"qBittorrent: {process.log()}")
    expect = {"category": "films", "tags": ["a", "b"], "ratio_limit": 2500, "title": "a title"}
    folder = client.state if sqlite else client.profile
    take_over(work, folder, torrent, had, expect)
    go_on(work, torrent, source, down, len(had))


def transmission(work):
    """Transmission; with its `.part` files, a file that is not wanted, labels and limits."""
    source, torrent, down = setup(work)
    client, port = Transmission(work), free_port()
    key = torrent.info_hash.hex()
    with client.start(torrent, down, port, None, part=True) as process:
        client.call(process, "torrent-set", ids=[key], labels=["x", "y"], seedRatioLimit=2.5,
                    seedRatioMode=1, uploadLimit=321, uploadLimited=True)

        def have():
            fields = ["pieces"]
            row = client.call(process, "torrent-get", ids=[key], fields=fields)["torrents"][0]
            raw = base64.b64decode(row["pieces"])
            return [i for i in range(len(torrent.hashes)) if raw[i // 8] & (0x80 >> i % 8)]

        had = download_part("transmission", process, port, torrent, source, have)
        process.stop(30)
        if process.popen.returncode != 0:
            raise Failed(f"transmission: {process.log()}")
    if not list(down.rglob("*.part")):
        raise Failed("transmission marks nothing as unfinished: the test tests less than it says")
    expect = {"tags": ["x", "y"], "ratio_limit": 2500}
    # Of a file that was complete within the second in which its last piece was verified, it would
    # verify pieces again itself.
    folder = next(work.glob("transmission-*/resume")).parent
    one = take_over(work, folder, torrent, had, expect, uncertain=None)
    if not one["renamed"] or list(down.rglob("*.part")):
        raise Failed(f"unfinished files keep their mark: {one['renamed']}")
    go_on(work, torrent, source, down, one["restored"], hashed=one["check"])


def rtorrent(work):
    """rtorrent: pieces of the last minutes are hashed, as it would itself; older ones are not."""
    source, torrent, down = setup(work)
    client = others.RTorrent(work)
    with client.start(down) as process:
        client.add(torrent, "d.custom1.set=my%20label")
        had = download_part("rtorrent", process, client.port, torrent, source,
                            lambda: client.have(torrent))
        if process.stop(30) != 0:
            raise Failed(f"rtorrent: {process.log()}")
    expect = {"category": "my label"}
    take_over(work, client.state, torrent, had, expect, uncertain=had)
    # At its next start rtorrent hashes them, and then they are certain.
    with client.start(down) as process:
        wait_for("rtorrent to check", lambda: client.have(torrent) == had, process)
        if process.stop(30) != 0:
            raise Failed(f"rtorrent: {process.log()}")
    for blob in work.glob("state/*/*"):
        blob.unlink()
    take_over(work, client.state, torrent, had, expect)
    go_on(work, torrent, source, down, len(had))


def deluge(work):
    """Deluge."""
    source, torrent, down = setup(work)
    client = others.Deluge(work)
    with client.start(down) as process:
        with client.add(torrent, down):
            had = download_part("deluge", process, client.port, torrent, source, client.have)
        if process.stop(30) != 0:
            raise Failed(f"deluge: {process.log()}")
    take_over(work, client.config, torrent, had, {})
    go_on(work, torrent, source, down, len(had))


def aria2(work):
    """aria2: a control file and the list of unfinished downloads."""
    source, torrent, down = setup(work)
    client = others.Aria2(work)
    with client.start(down, torrent.path) as process:
        had = download_part("aria2", process, client.port, torrent, source,
                            lambda: client.have(torrent))
        process.stop(30)
    take_over(work, client.state, torrent, had, {})
    go_on(work, torrent, source, down, len(had))


def changed_file(work):
    """A file that changed after the client was stopped loses its pieces, and only those."""
    source, torrent, down = setup(work)
    client = others.RTorrent(work)
    for path in (source / torrent.name).rglob("*"):
        target = down / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    with client.start(down) as process:
        client.add(torrent)
        wait_for("rtorrent to check",
                 lambda: client.have(torrent) and not client.checking(torrent), process)
        had = client.have(torrent)
        process.stop(30)
    victim = next(path for path, *_ in torrent.files if path.endswith("one less.bin"))
    data = bytearray((down / victim).read_bytes())
    data[5] ^= 1
    (down / victim).write_bytes(data)
    # rtorrent keeps whole seconds: a change within the same one cannot be seen.
    later = time.time() + 5
    os.utime(down / victim, (later, later))
    start, hit = 0, []
    for path, length, _ in torrent.files:
        if path == victim:
            first, last = start // torrents.PIECE, (start + length - 1) // torrents.PIECE
            hit = list(range(first, last + 1))
        start += length
    sure = [piece for piece in had if piece not in hit]
    take_over(work, client.state, torrent, had, {"check": len(hit)}, uncertain=hit)
    go_on(work, torrent, source, down, len(sure), hashed=len(hit))


def export(work):
    """A part fetched by tern, exported: qBittorrent has it without a check, and finishes it."""
    source, torrent, down = setup(work)
    first = others.QBittorrent(work)
    with first.start(down) as process:
        first.add(torrent, savepath=down, category="films", tags="a,b", ratioLimit="2.5")
        wait_for("qBittorrent to add it", first.info, process)
        had = download_part("qBittorrent", process, first.port, torrent, source,
                            lambda: first.have(torrent), quiet=STALE)
        process.stop(30)
    take_over(work, first.profile, torrent, had, {})
    # Some more, by tern, which is interrupted.
    port = free_port()
    with seeder(work).seed(torrent, source, port, limit_up=UP) as seed:
        wait_for("the seed", lambda: any("port" in row for row in seed.lines()), seed)
        with Tern(work).get(torrent, down, free_port(), [port]) as leech:
            def some():
                done = [row["done"] for row in leech.lines() if row.get("event") == "progress"]
                return done and done[-1] > (len(had) + 10) * torrent.piece_length
            wait_for("some more pieces", some, leech)
            leech.stop()
    blob = torrents.stored(work / "state")[torrent.info_hash]
    claims = torrents.Resume(blob, len(torrent.hashes)).have
    if not len(had) < len(claims) < len(torrent.hashes):
        raise Failed(f"tern has {len(claims)} pieces after {len(had)}")
    second = others.QBittorrent(work / "second")
    rows = tern("export", second.data / "BT_backup", "--state-dir", work / "state")
    if rows[-1]["exported"] != 1:
        raise Failed(f"not exported: {rows}")
    with second.start(down) as process:
        wait_for("qBittorrent to load it", second.info, process)
        seen = set()

        def loaded():
            seen.add(second.info()[0]["state"])
            return second.have(torrent) == claims and listening(second.port)

        try:
            wait_for("qBittorrent to have what tern had", loaded, process, 15)
        except Failed as error:
            have = second.have(torrent)
            raise Failed(f"{error} it has {have}, not {claims}; its states: {seen}") from None
        if any(state.startswith("checking") for state in seen - {"checkingResumeData"}):
            raise Failed(f"qBittorrent checks what it was given: {seen}")
        info = second.info()[0]
        if (info["category"], info["tags"], info["ratio_limit"]) != ("films", "a, b", 2.5):
            raise Failed(f"labels are lost: {info}")
        with seeder(work).seed(torrent, source, free_port(), [second.port]):
            wait_for("qBittorrent to finish", lambda: second.info()[0]["progress"] == 1, process)
        wrong = torrents.differences(torrent, source, down)
        if wrong:
            raise Failed("; ".join(wrong))
        log = (second.data / "logs/qbittorrent.log").read_text(errors="replace")
        if "rejected" in log.lower():
            raise Failed(f"qBittorrent rejected the resume data: {log}")
        process.stop(30)


def cases():
    """All clients."""
    yield "qBittorrent, folder -> tern", qbittorrent
    yield "qBittorrent, SQLite -> tern", lambda work: qbittorrent(work, sqlite=True)
    yield "transmission -> tern", transmission
    yield "rtorrent -> tern", rtorrent
    yield "rtorrent, a file changed meanwhile -> tern", changed_file
    yield "deluge -> tern", deluge
    yield "aria2 -> tern", aria2
    yield "tern -> qBittorrent", export


def run(name, test):
    """One case: a line, and whether it passed."""
    with tempfile.TemporaryDirectory(prefix="tern-import-") as work:
        began = time.monotonic()
        try:
            test(Path(work))
        except (Failed, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            return f"not ok import: {name}: {type(error).__name__}: {error}", False
        return f"ok import: {name} ({time.monotonic() - began:.0f} s)", True


def main():
    """Runs all; how many passed and failed."""
    need("transmission-daemon", "aria2c")
    missing = others.need()
    if missing:
        sys.exit(f"missing: {', '.join(missing)}. On Debian: apt install {' '.join(missing)}")
    # TERN_IMPORT=deluge,aria2 runs only those.
    words = [w for w in os.environ.get("TERN_IMPORT", "").split(",") if w]
    wanted = [case for case in cases() if not words or any(w in case[0] for w in words)]
    passed = failed = 0
    # Mostly waiting for other programs.
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for line, good in pool.map(lambda case: run(*case), wanted):
            print(line, flush=True)
            passed, failed = passed + good, failed + (not good)
    return passed, failed


if __name__ == "__main__":
    sys.exit(1 if main()[1] else 0)

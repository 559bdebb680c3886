"""What each engine loses when the power goes: same cuts, same content, same file system.

    compare.py [CUTS]

Each host saves its resume data after every piece and keeps it durably; rqbit has no such thing and
keeps its own state. Then it is killed and the power goes (tests/cutfs, tests/power/power.py).
Printed per engine, over all cuts:

- wrong: pieces it then claims to have and offers to others, but that are not right on disk
- lost: pieces of a save it had reported (rqbit: of its bit field), which it does not have any more
- hashed: pieces it hashed at the start that it had saved
- gone: pieces it had verified before the cut, saved or not, that are not right any more or not
  claimed
- helped: starts that needed a hand: its list of torrents removed, or the torrent started
"""

import random
import sys
import tempfile

import power
from rig import HERE, usable
from rqbit_host import RQBIT

ENGINES = {
    "libtern, store": ("store", None),
    "libtern, hook": ("hook", None),
    "libtorrent, hook": ("hook", [sys.executable, str(HERE / "lt_host.py")]),
    "rqbit": ("own", [sys.executable, str(HERE / "rqbit_host.py")]),
}


def main():
    """Runs it and prints the table."""
    why_not = usable()
    if why_not:
        sys.exit(f"cannot compare: {why_not}")
    cuts = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    print("| engine | cuts | pieces saved | wrong | lost | hashed again | gone | helped |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, (mode, command) in ENGINES.items():
        if name == "rqbit" and not RQBIT.exists():
            print(f"| {name} | - | - | - | - | - | - | - |", flush=True)
            continue
        power.SEED = random.Random(f"compare-{power.SEED}").randrange(1 << 32)
        with tempfile.TemporaryDirectory(prefix="tern-compare-") as work:
            sums = power.run(work, mode, command, cuts)
        print(f"| {name} | {sums['cuts']} | {sums['durable']} | {sums['wrong']} | {sums['lost']} | "
              f"{sums['again']} | {sums['gone']} | {sums['helped']} |", flush=True)


if __name__ == "__main__":
    main()

"""Many torrents that do nothing: memory of each, time to add them, time to save them, idle CPU.

    idle.py [--torrents N] [--rounds R] [--idle S] [--tern PROGRAM]

Both sides get the same N torrents (one file of 8 pieces of 16 KiB each, all there) and resume data
of their own format that says so: libtern through a C host (tests/bench/idle.c, built here), and
libtorrent through its Python module. Each run is its own process, the sides alternate. Prints one
JSON line for each run and a last one with the medians and ratios. Numbers of different runs do not
compare.

Measured alike on both sides: the clock starts with the raw bytes of torrents and resume data in
memory, so that reading them is part of adding; memory is the growth of anonymous memory from then
on, the session included; a save is complete when each blob is encoded and with the host.
"""

import argparse
import hashlib
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PIECE, PIECES = 16 * 1024, 8


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    items = sorted((k.encode(), v) for k, v in value.items())
    return b"d" + b"".join(bencode(k) + bencode(v) for k, v in items) + b"e"


def make(place, torrents, tracker):
    """The content and the pairs of torrent and resume data, libtorrent's."""
    content = place / "content"
    content.mkdir()
    hashes = hashlib.sha1(bytes(PIECE)).digest() * PIECES
    with open(place / "lt.pairs", "wb") as out:
        for number in range(torrents):
            name = f"some torrent with a name {number:06}.bin"
            with open(content / name, "wb") as file:
                file.truncate(PIECE * PIECES)
            info = {"length": PIECE * PIECES, "name": name, "piece length": PIECE, "pieces": hashes}
            torrent = {"info": info}
            if tracker:
                torrent["announce"] = tracker
            blob = {
                "file-format": "libtorrent resume file", "file-version": 1,
                "info-hash": hashlib.sha1(bencode(info)).digest(), "name": name,
                "pieces": b"\x01" * PIECES, "save_path": str(content), "paused": 0,
                "auto_managed": 0, "added_time": 1700000000, "completed_time": 1700000100,
            }
            for data in (bencode(torrent), bencode(blob)):
                out.write(struct.pack("<I", len(data)) + data)
    return content


def build(place, library):
    """The C host."""
    program = place / "idle"
    subprocess.run(
        ["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}",
         str(Path(__file__).with_name("idle.c")), "-o", str(program), f"-L{library}", "-ltern",
         f"-Wl,-rpath,{library}"], check=True)
    return program


def read_pairs(path):
    data = Path(path).read_bytes()
    at, out = 0, []
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        out.append(data[at + 4:at + 4 + length])
        at += 4 + length
    return list(zip(out[::2], out[1::2]))


def anonymous():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def libtorrent_side(pairs, save_path, idle):
    """Runs in a process of its own: the other side, as a program that knows it well has it."""
    import ctypes
    import gc

    import libtorrent as lt

    pairs = read_pairs(pairs)
    count = len(pairs)
    gc.collect()
    before = anonymous()
    session = lt.session({
        "listen_interfaces": "", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
        "enable_natpmp": False, "alert_queue_size": 10 * count,
        "alert_mask": lt.alert.category_t.status_notification
        | lt.alert.category_t.storage_notification | lt.alert.category_t.error_notification,
        # None of its torrents is to wait in a queue.
        "active_limit": -1, "active_seeds": -1, "active_checking": -1,
    })
    start, cpu = time.monotonic(), time.process_time()
    for torrent, blob in pairs:
        params = lt.read_resume_data(blob)
        params.ti = lt.torrent_info(torrent)
        params.save_path = save_path
        session.async_add_torrent(params)
    del params
    added = time.monotonic() - start
    seeding = lt.torrent_status.states.seeding
    ready = 0
    while ready < count:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.state_changed_alert) and alert.state == seeding:
                ready += 1
    ready_s, ready_cpu = time.monotonic() - start, time.process_time() - cpu
    del alert
    gc.collect()
    time.sleep(1)
    after = anonymous()
    ctypes.CDLL(None).malloc_trim(0)
    trimmed = anonymous()
    cpu = time.process_time()
    time.sleep(idle)
    idle_cpu = time.process_time() - cpu
    handles = session.get_torrents()
    start, cpu = time.monotonic(), time.process_time()
    for handle in handles:
        handle.save_resume_data()
    waiting, bare, size = count, None, 0
    params = []
    while waiting:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.save_resume_data_alert):
                params.append(lt.write_resume_data_buf(alert.params))
                waiting -= 1
            elif isinstance(alert, lt.save_resume_data_failed_alert):
                raise SystemExit(alert.message())
    save_s, save_cpu = time.monotonic() - start, time.process_time() - cpu
    size = sum(map(len, params))
    print(json.dumps({
        "side": "libtorrent", "torrents": count, "added_s": round(added, 4),
        "ready_s": round(ready_s, 4), "ready_cpu_s": round(ready_cpu, 4),
        "bytes_each": (after - before) // count,
        "bytes_each_trimmed": (trimmed - before) // count, "idle_s": idle,
        "idle_cpu_s": round(idle_cpu, 4), "save_s": round(save_s, 4),
        "save_cpu_s": round(save_cpu, 4), "blob_bytes": size // count,
    }), flush=True)
    os._exit(0)


def run(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    line = done.stdout.strip().splitlines()[-1]
    print(line, flush=True)
    return json.loads(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torrents", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle", type=int, default=5, help="seconds of nothing")
    parser.add_argument("--tracker", default="", help="announce URL of all torrents")
    parser.add_argument("--lib", type=Path, default=ROOT / "target/release",
                        help="where libtern.so is")
    parser.add_argument("--only", choices=["libtern", "libtorrent"])
    parser.add_argument("--libtorrent", nargs=2, metavar=("PAIRS", "DIR"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.libtorrent:
        return libtorrent_side(*args.libtorrent, args.idle)
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tern-idle-", dir=shm) as top:
        place = Path(top)
        content = make(place, args.torrents, args.tracker)
        program = build(place, args.lib.resolve())
        ours, theirs = place / "tern.pairs", place / "lt.pairs"
        subprocess.run([program, theirs, content, "0", ours], check=True)
        sides = {
            "libtern": [program, ours, content, str(args.idle)],
            "libtorrent": [sys.executable, __file__, "--idle", str(args.idle), "--libtorrent",
                           theirs, content],
        }
        if args.only:
            sides = {args.only: sides[args.only]}
        runs = {side: [] for side in sides}
        for _ in range(args.rounds):
            for side, command in sides.items():
                runs[side].append(run(list(map(str, command))))
        middle = {
            side: {key: statistics.median(r[key] for r in rows) for key in rows[0] if key != "side"}
            for side, rows in runs.items()
        }
        summary = {"row": "idle", "median": middle}
        if not args.only:
            keys = ["bytes_each", "bytes_each_trimmed", "ready_s", "ready_cpu_s", "save_s",
                    "save_cpu_s"]
            summary["ratio"] = {
                key: round(middle["libtern"][key] / middle["libtorrent"][key], 3) for key in keys
            }
        print(json.dumps(summary), flush=True)
    return None


if __name__ == "__main__":
    main()

"""A libtorrent peer of the world, one JSON object per line.

    lt_peer.py FILE.torrent|MAGNET DIR --port N --v4 IP --v6 IP --ways tracker,lsd,dht,pex
               [--peer H:P].. [--node H:P].. [--limit BYTES_PER_SECOND]

It ends on SIGTERM.
"""

import argparse
import json
import signal
import time

import libtorrent as lt


def say(**fields):
    """One line."""
    print(json.dumps(fields), flush=True)


def options():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("torrent")
    parser.add_argument("dir")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--v4", required=True)
    parser.add_argument("--v6", required=True)
    parser.add_argument("--ways", default="")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--node", action="append", default=[])
    parser.add_argument("--limit", type=int, default=0)
    return parser.parse_args()


def bootstrap(session):
    """Waits until its node has a place in the DHT: a torrent that is added before may be looked for
    in an empty table, and then not again for a quarter of an hour."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        session.wait_for_alert(20)
        if any(isinstance(alert, lt.dht_bootstrap_alert) for alert in session.pop_alerts()):
            return


def start(args):
    """A session with one torrent, which finds peers in these ways only, and when it was added."""
    ways = set(filter(None, args.ways.split(",")))
    session = lt.session({
        "listen_interfaces": f"{args.v4}:{args.port},[{args.v6}]:{args.port}",
        "enable_dht": "dht" in ways, "enable_lsd": "lsd" in ways,
        "dht_bootstrap_nodes": ",".join(args.node),
        "enable_upnp": False, "enable_natpmp": False, "enable_outgoing_utp": False,
        "enable_incoming_utp": False, "out_enc_policy": 2, "in_enc_policy": 2,
        "allow_multiple_connections_per_ip": True, "alert_mask": 0x7fffffff,
        # Who has everything and who wants nothing go on talking: there is a third to hear of.
        "close_redundant_connections": False,
        "announce_to_all_trackers": True, "announce_to_all_tiers": True,
        # Everybody is a neighbour here.
        "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False, "dht_ignore_dark_internet": False,
    })
    if args.torrent.startswith("magnet:"):
        params = lt.parse_magnet_uri(args.torrent)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(args.torrent)
    params.save_path = args.dir
    # The session's limit does not count neighbours.
    params.download_limit = args.limit
    params.flags &= ~lt.torrent_flags.paused
    params.flags &= ~lt.torrent_flags.auto_managed
    for way, flag in [("pex", lt.torrent_flags.disable_pex), ("lsd", lt.torrent_flags.disable_lsd),
                      ("dht", lt.torrent_flags.disable_dht)]:
        if way not in ways:
            params.flags |= flag
    if args.node:
        bootstrap(session)
    began = time.monotonic()
    torrent = session.add_torrent(params)
    if "tracker" not in ways:
        torrent.replace_trackers([])
    for peer in args.peer:
        host, port = peer.rsplit(":", 1)
        torrent.connect_peer((host.strip("[]"), int(port)))
    return session, torrent, began


def main():
    """Runs until told to stop."""
    args = options()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    session, torrent, began = start(args)
    first = complete = False
    while not stop:
        session.wait_for_alert(20)
        for alert in session.pop_alerts():
            if isinstance(alert, (lt.file_error_alert, lt.tracker_error_alert)):
                say(error=alert.message())
        status = torrent.status()
        if not first and status.total_payload_download > 0:
            first = True
            say(first_byte_ms=round((time.monotonic() - began) * 1000))
        if status.is_seeding and not complete:
            complete = True
            say(complete=True, complete_ms=round((time.monotonic() - began) * 1000))


if __name__ == "__main__":
    main()

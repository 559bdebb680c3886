"""A small libtorrent client for the interop tests: downloads or seeds, one JSON object per line.

    lt_client.py FILE.torrent|MAGNET DIR [--host H] [--port N] [--peer H:P]..
                 [--resume-in F] [--resume-out F]
                 [--stop-at PIECES] [--limit-up N] [--limit-down N]

It ends on SIGTERM, or once --stop-at pieces are there; then it writes resume data if asked.
"""

import argparse
import json
import signal
import sys
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
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--resume-in")
    parser.add_argument("--resume-out")
    parser.add_argument("--stop-at", type=int)
    parser.add_argument("--limit-up", type=int, default=0)
    parser.add_argument("--limit-down", type=int, default=0)
    return parser.parse_args()


def start(args):
    """A session with one torrent."""
    session = lt.session({
        "listen_interfaces": f"[{args.host}]:{args.port}" if ":" in args.host else
        f"{args.host}:{args.port}", "enable_dht": False, "enable_lsd": False,
        "enable_upnp": False, "enable_natpmp": False, "enable_outgoing_utp": False,
        "enable_incoming_utp": False, "out_enc_policy": 2, "in_enc_policy": 2,
        "allow_multiple_connections_per_ip": True, "upload_rate_limit": args.limit_up,
        "download_rate_limit": args.limit_down, "alert_mask": 0x7fffffff,
    })
    if args.resume_in:
        with open(args.resume_in, "rb") as file:
            params = lt.read_resume_data(file.read())
    else:
        params = lt.add_torrent_params()
    if args.torrent.startswith("magnet:"):
        params = lt.parse_magnet_uri(args.torrent)
    else:
        params.ti = lt.torrent_info(args.torrent)
    params.save_path = args.dir
    params.flags &= ~lt.torrent_flags.paused
    params.flags &= ~lt.torrent_flags.auto_managed
    torrent = session.add_torrent(params)
    for peer in args.peer:
        host, port = peer.rsplit(":", 1)
        torrent.connect_peer((host.strip("[]"), int(port)))
    return session, torrent


def save(session, torrent, path):
    """Writes resume data: libtorrent claims only what its disk threads have written by then."""
    torrent.pause()
    torrent.flush_cache()
    end = time.monotonic() + 20
    flushed = False
    while not flushed and time.monotonic() < end:
        session.wait_for_alert(500)
        flushed = any(isinstance(a, lt.cache_flushed_alert) for a in session.pop_alerts())
    torrent.save_resume_data(lt.torrent_handle.flush_disk_cache)
    while time.monotonic() < end:
        session.wait_for_alert(500)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.save_resume_data_failed_alert):
                sys.exit(f"libtorrent saved nothing: {alert.message()}")
            if isinstance(alert, lt.save_resume_data_alert):
                with open(path, "wb") as file:
                    file.write(lt.write_resume_data_buf(alert.params))
                return
    sys.exit("libtorrent saved nothing in 20 s")


def main():
    """Runs until told to stop."""
    args = options()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    session, torrent = start(args)
    checked = complete = rejected = False
    hashed = 0
    while not stop:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            rejected |= isinstance(alert, lt.fastresume_rejected_alert)
            if isinstance(alert, lt.file_error_alert):
                say(error=alert.message())
            if isinstance(alert, lt.peer_connect_alert):
                say(peer=alert.endpoint[1])
        status = torrent.status()
        name = str(status.state)
        if name == "downloading_metadata":
            continue
        if name in ("checking_files", "checking_resume_data"):
            hashed += name == "checking_files"
        elif not checked:
            checked = True
            say(started=True, pieces=status.num_pieces, checked=hashed > 0, rejected=rejected)
        if checked and status.is_seeding and not complete:
            complete = True
            say(complete=True, pieces=status.num_pieces)
        if args.stop_at is not None and checked and status.num_pieces >= args.stop_at:
            break
    if args.resume_out:
        save(session, torrent, args.resume_out)
    final = torrent.status()
    say(stopped=True, pieces=final.num_pieces, uploaded=final.total_payload_upload,
        downloaded=final.total_payload_download)


if __name__ == "__main__":
    main()

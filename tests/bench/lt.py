"""libtorrent behind the lines that tests/bench/host.rs understands, for `make bench`.

    lt.py recheck FILE.torrent DIR [--set NAME=VALUE]..
    lt.py create PATH PIECE-LENGTH
    lt.py run FILE.torrent DIR [--preset high_performance_seed] [--resume FILE] [--set NAME=VALUE]..

Settings are libtorrent's defaults, less what a transfer between two processes does not need and
what would make it unlike the other side's: discovery, port mapping, uTP, encryption.
"""

import argparse
import json
import os
import select
import sys

import libtorrent as lt

BASE = {
    "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": False, "enable_incoming_utp": False, "out_enc_policy": 2,
    "in_enc_policy": 2, "allow_multiple_connections_per_ip": True,
    "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.error_notification
    | lt.alert.category_t.connect_notification | lt.alert.category_t.storage_notification,
}


def say(**fields):
    """One line."""
    print(json.dumps(fields), flush=True)


def value_of(text):
    """A setting's value from text."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdigit() else text


def options():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=["recheck", "create", "run"])
    parser.add_argument("what")
    parser.add_argument("where")
    parser.add_argument("--preset")
    parser.add_argument("--resume")
    parser.add_argument("--set", action="append", default=[])
    return parser.parse_args()


def session_of(args):
    """A session with these settings."""
    settings = dict(getattr(lt, args.preset)()) if args.preset else {}
    settings.update(BASE)
    for pair in args.set:
        name, _, text = pair.partition("=")
        settings[name] = value_of(text)
    return lt.session(settings)


def parameters(args):
    """What is added: from resume data if there is some."""
    if args.resume and os.path.exists(args.resume):
        with open(args.resume, "rb") as file:
            params = lt.read_resume_data(file.read())
    else:
        params = lt.add_torrent_params()
    params.ti = lt.torrent_info(args.what)
    params.save_path = args.where
    params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    return params


def wait_for_go():
    """Says that it is ready and waits."""
    say(event="ready")
    if sys.stdin.readline().strip() != "go":
        sys.exit("ended before go")


def recheck(args):
    """Hashes what is in a directory, as when a torrent without saved state is added."""
    session = session_of(args)
    params = parameters(args)
    wait_for_go()
    torrent = session.add_torrent(params)
    while True:
        session.wait_for_alert(1000)
        if any(isinstance(a, lt.torrent_checked_alert) for a in session.pop_alerts()):
            break
    status = torrent.status()
    say(event="done", have=status.num_pieces, pieces=torrent.torrent_file().num_pieces())
    sys.stdin.readline()


def create(args):
    """Makes a torrent."""
    files = lt.file_storage()
    lt.add_files(files, args.what)
    made = lt.create_torrent(files, int(args.where), lt.create_torrent.v1_only)
    wait_for_go()
    lt.set_piece_hashes(made, os.path.dirname(args.what))
    info = lt.torrent_info(lt.bencode(made.generate()))
    say(event="done", info_hash=str(info.info_hashes().v1))
    sys.stdin.readline()


class Client:
    """One torrent in one session."""

    def __init__(self, args):
        self.args = args
        self.session = session_of(args)
        self.torrent = self.session.add_torrent(parameters(args))
        self.ready = self.done = self.connected = False

    def hear(self):
        """What the session says."""
        look = not self.ready
        for alert in self.session.pop_alerts():
            if isinstance(alert, (lt.peer_connect_alert, lt.incoming_connection_alert)):
                if not self.connected:
                    self.connected = True
                    say(event="connected")
            elif isinstance(alert, lt.torrent_finished_alert):
                look = True
            elif isinstance(alert, lt.file_error_alert):
                sys.exit(f"disk: {alert.message()}")
        if look:
            self.look()

    def look(self):
        """Whether something has come to pass."""
        status = self.torrent.status()
        checking = str(status.state) in ("checking_files", "checking_resume_data", "allocating")
        if not self.ready and not checking:
            self.ready = True
            self.done = status.is_finished
            if self.done and self.args.resume and not os.path.exists(self.args.resume):
                self.save()
            say(event="ready", complete=self.done, port=self.session.listen_port())
        if self.ready and not self.done and status.is_finished:
            self.done = True
            say(event="done")

    def save(self):
        """Resume data, so that the next seed need not check."""
        self.torrent.save_resume_data()
        while True:
            self.session.wait_for_alert(1000)
            for alert in self.session.pop_alerts():
                if isinstance(alert, lt.save_resume_data_alert):
                    with open(self.args.resume, "wb") as file:
                        file.write(lt.write_resume_data_buf(alert.params))
                    return
                if isinstance(alert, lt.save_resume_data_failed_alert):
                    sys.exit(alert.message())

    def flush(self):
        """Waits until its disk threads have written everything."""
        self.torrent.flush_cache()
        while True:
            self.session.wait_for_alert(1000)
            if any(isinstance(a, lt.cache_flushed_alert) for a in self.session.pop_alerts()):
                break
        say(event="flushed")

    def obey(self, line):
        """One command; False ends."""
        words = line.split()
        if words[:1] == ["peer"]:
            for address in words[1:]:
                host, port = address.rsplit(":", 1)
                self.torrent.connect_peer((host, int(port)))
        elif words == ["flush"]:
            self.flush()
        elif words == ["stat"]:
            status = self.torrent.status()
            say(event="stat", downloaded=status.total_payload_download,
                uploaded=status.total_payload_upload)
        return words not in ([], ["quit"])


def run(args):
    """Until told to quit. The interpreter sleeps unless an alert or a command is there."""
    client = Client(args)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    client.session.set_alert_fd(wake_write)
    pending = b""
    while True:
        readable, _, _ = select.select([0, wake_read], [], [], 0.5 if client.ready else 0.05)
        if wake_read in readable:
            os.read(wake_read, 4096)
        client.hear()
        if 0 in readable:
            data = os.read(0, 65536)
            *lines, pending = (pending + data).split(b"\n")
            if not data or not all([client.obey(line.decode()) for line in lines]):
                return


if __name__ == "__main__":
    arguments = options()
    {"recheck": recheck, "create": create, "run": run}[arguments.job](arguments)

"""tests/power/host.py with libtorrent: saves resume data after every piece, as carefully as we do.

The blob is replaced durably (sync, rename, sync of the directory), and saving asks for the disk
cache to be flushed. So what is lost or wrong after a loss of power is what libtorrent's blob
claims, not how it was kept.
"""

import sys
import time
from pathlib import Path

import libtorrent as lt
from host import keep, say


def parameters(torrent_file, directory, blob):
    """What to add, and how many pieces its resume data claims."""
    info = lt.torrent_info(torrent_file)
    restored = 0
    if blob.exists():
        add = lt.read_resume_data(blob.read_bytes())
        restored = sum(1 for have in add.have_pieces if have)
    else:
        add = lt.add_torrent_params()
    add.ti = info
    add.save_path = directory
    add.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    return add, restored


def main():
    """Runs until killed."""
    torrent_file, directory, port, _, state, *peers = sys.argv[1:]
    blob = Path(state)
    session = lt.session({
        "listen_interfaces": f"127.0.0.1:{port}", "enable_dht": False, "enable_lsd": False,
        "enable_natpmp": False, "enable_upnp": False,
        "alert_mask": lt.alert.category_t.all_categories,
        "allow_multiple_connections_per_ip": True, "alert_queue_size": 100_000})
    add, restored = parameters(torrent_file, directory, blob)
    handle = session.add_torrent(add)
    say("added")
    checked = saving = wanted = False
    hashed = generation = 0
    while True:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.fastresume_rejected_alert):
                say("rejected", reason=alert.message())
                hashed, restored = handle.torrent_file().num_pieces(), 0
            elif isinstance(alert, lt.torrent_checked_alert):
                checked = True
                say("checked", hashed=hashed, restored=restored)
                for peer in peers:
                    host, number = peer.rsplit(":", 1)
                    handle.connect_peer((host, int(number)))
            elif isinstance(alert, lt.piece_finished_alert) and checked:
                say("passed", piece=alert.piece_index)
                wanted = True
            elif isinstance(alert, lt.save_resume_data_alert):
                keep(blob, lt.write_resume_data_buf(alert.params))
                saving, generation = False, generation + 1
                say("saved", generation=generation)
            elif isinstance(alert, lt.save_resume_data_failed_alert):
                saving = False
            elif isinstance(alert, lt.torrent_finished_alert) and checked:
                say("finished")
        if wanted and not saving:
            wanted, saving = False, True
            handle.save_resume_data(lt.save_resume_flags_t.flush_disk_cache)
        time.sleep(0.001)


if __name__ == "__main__":
    main()

"""Nodes of the DHT on one host, libtorrent's, one JSON object per line.

    lt_nodes.py ADDRESS FIRST_PORT COUNT INFO_HASH

They know each other when `ready` is said, and have found a peer of the torrent when `announced` is.
It runs until it is killed.
"""

import json
import sys
import time

import libtorrent as lt

SETTINGS = {
    "enable_dht": True, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    # Everybody is a neighbour here.
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False,
    "dht_prefer_verified_node_ids": False, "dht_ignore_dark_internet": False,
    "dht_upload_rate_limit": 10_000_000, "dht_block_ratelimit": 1000, "alert_mask": 0x7fffffff,
}


def say(**fields):
    """One line."""
    print(json.dumps(fields), flush=True)


def known(session):
    """Nodes in its routing table."""
    session.post_dht_stats()
    most = 0
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        session.wait_for_alert(50)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_stats_alert):
                most = max(most, sum(row["num_nodes"] + row["num_replacements"]
                                     for row in alert.routing_table))
        if most:
            break
    return most


def announced(session, info_hash):
    """Whether it finds a peer."""
    session.dht_get_peers(info_hash)
    end = time.monotonic() + 1
    while time.monotonic() < end:
        session.wait_for_alert(50)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_get_peers_reply_alert) and alert.num_peers():
                return True
    return False


def main():
    """Starts them, and tells each of those before it."""
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    host = f"[{address}]" if ":" in address else address
    info_hash = lt.sha1_hash(bytes.fromhex(sys.argv[4]))
    nodes = [lt.session({**SETTINGS, "listen_interfaces": f"{host}:{port + n}",
                         "dht_bootstrap_nodes": ""})
             for n in range(count)]
    for n, node in enumerate(nodes):
        for other in range(n):
            node.add_dht_node((address, port + other))
    while any(known(node) < count // 2 for node in nodes):
        pass
    say(ready=True)
    while not announced(nodes[-1], info_hash):
        pass
    say(announced=True)
    while True:
        time.sleep(3600)


main()

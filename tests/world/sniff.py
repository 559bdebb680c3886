"""Tells of every distinct flow on this host's eth0, one JSON object per line, until it is killed.

Protocols are numbers: 6 TCP, 17 UDP, 2 IGMP. ICMP and ARP are the kernel's and are left out.
"""

import json
import socket
import struct

ETH_P_ALL = 3


def flow(frame):
    """(protocol, source, destination, destination port) of a frame, if it is of interest."""
    kind = struct.unpack_from(">H", frame, 12)[0]
    if kind == 0x0800 and len(frame) >= 34:
        at, protocol = 14 + (frame[14] & 15) * 4, frame[23]
        source, to = (socket.inet_ntop(socket.AF_INET, frame[i:i + 4]) for i in (26, 30))
    elif kind == 0x86DD and len(frame) >= 54:
        at, protocol = 54, frame[20]
        source, to = (socket.inet_ntop(socket.AF_INET6, frame[i:i + 16]) for i in (22, 38))
    else:
        return None
    if protocol not in (2, 6, 17):
        return None
    whole = protocol != 2 and len(frame) > at + 3
    port = struct.unpack_from(">H", frame, at + 2)[0] if whole else 0
    return protocol, source, to, port


def main():
    """Listens."""
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sniffer.bind(("eth0", 0))
    print(json.dumps({"listening": True}), flush=True)
    seen = set()
    while True:
        found = flow(sniffer.recv(65535))
        if found and found not in seen:
            seen.add(found)
            protocol, source, to, port = found
            print(json.dumps({"protocol": protocol, "from": source, "to": to, "port": port}),
                  flush=True)


main()

"""A UDP tracker (BEP 15) over IPv6, as small as one can be: tracker6.py ADDRESS PORT.

It believes everybody and forgets nobody; it is for this test only.
"""

import socket
import struct
import sys

MAGIC = 0x41727101980
CONNECTION = 0x1122334455667788


def answer(swarms, data, source):
    """The answer to a packet, if there is one."""
    if len(data) < 16:
        return None
    connection, action, transaction = struct.unpack_from(">QII", data)
    if action == 0 and connection == MAGIC:
        return struct.pack(">IIQ", 0, transaction, CONNECTION)
    if connection != CONNECTION:
        return struct.pack(">II", 3, transaction) + b"invalid connection id"
    if action == 1 and len(data) >= 98:
        info_hash = data[16:36]
        left, event, port = (struct.unpack_from(f, data, at)[0]
                             for f, at in [(">Q", 64), (">I", 80), (">H", 96)])
        swarm, peer = swarms.setdefault(info_hash, {}), (source[0], port)
        if event == 3:
            swarm.pop(peer, None)
        else:
            swarm[peer] = left
        seeds = sum(left == 0 for left in swarm.values())
        out = struct.pack(">IIIII", 1, transaction, 30, len(swarm) - seeds, seeds)
        for ip, other in swarm:
            if (ip, other) != peer:
                out += socket.inet_pton(socket.AF_INET6, ip) + struct.pack(">H", other)
        return out
    if action == 2:
        out = struct.pack(">II", 2, transaction)
        for at in range(16, len(data) - 19, 20):
            swarm = swarms.get(data[at:at + 20], {})
            seeds = sum(left == 0 for left in swarm.values())
            out += struct.pack(">III", seeds, 0, len(swarm) - seeds)
        return out
    return None


def main():
    """Serves until it is killed."""
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], int(sys.argv[2])))
    swarms = {}
    while True:
        data, source = server.recvfrom(2048)
        reply = answer(swarms, data, source)
        if reply:
            server.sendto(reply, source)


main()

"""The floor: what the kernel and the processor take for the steps that no engine can leave out.

    floor.py FILE SCRATCH-FILE [MIB]     prints the figures, CPU seconds per GiB and MiB/s

Copying through a loopback TCP connection between two processes (send, and sendfile), pread and
pwrite between the page cache and a buffer that stays in the processor's cache, memcpy between two
buffers that do not fit, SHA-1 of OpenSSL in one thread.
"""

import ctypes
import hashlib
import os
import socket
import sys
import time
from pathlib import Path

MIB = 1 << 20
CHUNK = 256 * 1024


def timed(name, size, work):
    """Runs work(); its speed and cost under a name."""
    cpu, start = time.process_time(), time.monotonic()
    work()
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    return {f"{name}_mib_s": size / MIB / seconds, f"{name}_cpu_s_gib": cpu * 1024 * MIB / size}


def pread(path, size):
    """The page cache into a small buffer."""
    buffer = bytearray(CHUNK)
    fd = os.open(path, os.O_RDONLY)
    try:
        def work():
            for offset in range(0, size, CHUNK):
                os.preadv(fd, [buffer], offset)
        return timed("pread", size, work)
    finally:
        os.close(fd)


def pwrite(path, size):
    """A small buffer into the page cache, into pages that the file does not have yet."""
    buffer = os.urandom(CHUNK)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        def work():
            for offset in range(0, size, CHUNK):
                os.pwrite(fd, buffer, offset)
        work()
        os.ftruncate(fd, 0)
        return timed("pwrite", size, work)
    finally:
        os.close(fd)
        Path(path).unlink()


def memcpy(size):
    """Between two buffers larger than the processor's caches."""
    half = 256 * MIB
    one, two = ctypes.create_string_buffer(half), ctypes.create_string_buffer(half)
    ctypes.memmove(one, two, half)

    def work():
        for _ in range(max(1, size // half)):
            ctypes.memmove(two, one, half)
    return timed("memcpy", max(1, size // half) * half, work)


def sha1(path, size):
    """OpenSSL, one stream, input from a buffer that stays in the cache."""
    with open(path, "rb") as file:
        data = file.read(CHUNK)

    def work():
        digest = hashlib.sha1(usedforsecurity=False)
        for _ in range(size // CHUNK):
            digest.update(data)
    return timed("sha1", size // CHUNK * CHUNK, work)


def loopback(size, source=None):
    """Two processes and a TCP connection: their common speed, and the CPU of either. The sender
    uses send from a small buffer, or sendfile from a file of the page cache."""
    server = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with socket.create_connection(server.getsockname()) as out:
                (sendfile(out, source, size) if source else send(out, size))
            status = 0
        finally:
            os._exit(status)
    connection, _ = server.accept()
    buffer = bytearray(CHUNK)
    total = 0
    cpu, start = time.process_time(), time.monotonic()
    while count := connection.recv_into(buffer):
        total += count
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    connection.close()
    server.close()
    _, status, usage = os.wait4(child, 0)
    if status or total != size // CHUNK * CHUNK:
        raise OSError("the loopback copy broke off")
    gib = total / (1024 * MIB)
    sent = (usage.ru_utime + usage.ru_stime) / gib
    if source:
        return {"sendfile_mib_s": total / MIB / seconds, "sendfile_cpu_s_gib": sent}
    return {"loopback_mib_s": total / MIB / seconds, "recv_cpu_s_gib": cpu / gib,
            "send_cpu_s_gib": sent}


def send(out, size):
    """From a buffer."""
    data = bytes(CHUNK)
    for _ in range(size // CHUNK):
        out.sendall(data)


def sendfile(out, source, size):
    """From a file."""
    with open(source, "rb") as file:
        at, end = 0, size // CHUNK * CHUNK
        while at < end:
            at += os.sendfile(out.fileno(), file.fileno(), at, min(CHUNK, end - at))


def figures(content, scratch, size):
    """All of them."""
    return {**loopback(size), **loopback(size, content), **pread(content, size),
            **pwrite(scratch, size), **memcpy(size), **sha1(content, size)}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    amount = int(sys.argv[3]) if len(sys.argv) > 3 else 1024
    for key, value in figures(sys.argv[1], sys.argv[2], amount * MIB).items():
        print(f"{key:20} {value:10.3f}")

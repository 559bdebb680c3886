"""A network of its own: hosts as network namespaces on one bridge.

Nothing here touches the machine's own network: the bridge lives in a namespace too, and everything
goes with the `with` block. Needs root and iproute2.
"""

import contextlib
import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

V4 = "10.77.0.{}"
V6 = "fd77::{}"
# Of the worlds that one process makes, some of them at once.
NUMBERS = itertools.count(1)


def why_not():
    """Why there can be no such network here; empty when there can."""
    if os.getuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "the command `ip` is missing (Debian: apt install iproute2)"
    probe = f"ternprobe{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return ""


def ip(*words, netns=None):
    """One call of `ip`, in a namespace or in ours."""
    command = ["ip", *(["-n", netns] if netns else []), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Host:
    """One machine of the world."""

    def __init__(self, world, name, number):
        self.world = world
        self.name = name
        self.netns = f"{world.prefix}{name}"
        self.v4 = V4.format(number)
        self.v6 = V6.format(number)
        self.work = Path(world.work, name)
        self.work.mkdir(parents=True)

    def address(self, family):
        """Its address of a family, 4 or 6."""
        return self.v4 if family == 4 else self.v6

    def keep(self, family):
        """Takes its addresses of the other family away."""
        if family == 4:
            self.run(["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6"])
        else:
            ip("addr", "del", f"{self.v4}/24", "dev", "eth0", netns=self.netns)
            # One that leads nowhere: without any, libevent binds no address of IPv4, not even the
            # loopback one, and transmission has no control port.
            ip("addr", "add", f"{self.v4}/32", "dev", "lo", netns=self.netns)
            ip("route", "add", "default", "dev", "lo", netns=self.netns)

    def endpoint(self, family, port):
        """host:port as links and options have it."""
        return f"{self.v4}:{port}" if family == 4 else f"[{self.v6}]:{port}"

    def wrap(self, command):
        """The command, to be run on this host."""
        return ["ip", "netns", "exec", self.netns, *map(str, command)]

    def run(self, command, **more):
        """Runs a command on this host to its end."""
        return subprocess.run(self.wrap(command), check=True, capture_output=True, text=True,
                              **more)


class World:
    """The bridge and its hosts."""

    def __init__(self, work):
        self.work = Path(work)
        self.prefix = f"tw{os.getpid()}-{next(NUMBERS)}-"
        self.hub = f"{self.prefix}hub"
        self.hosts = []

    def host(self, name):
        """A new machine, with an address of each family."""
        number = len(self.hosts) + 2
        host = Host(self, name, number)
        self.hosts.append(host)
        ip("netns", "add", host.netns)
        port = f"p{number}"
        ip("link", "add", "eth0", "netns", host.netns, "type", "veth",
           "peer", "name", port, "netns", self.hub)
        ip("link", "set", port, "master", "br0", "up", netns=self.hub)
        ip("link", "set", "lo", "up", netns=host.netns)
        ip("addr", "add", f"{host.v4}/24", "dev", "eth0", netns=host.netns)
        # Nobody else has it: no waiting for duplicates to be found.
        ip("addr", "add", f"{host.v6}/64", "dev", "eth0", "nodad", netns=host.netns)
        host.run(["sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad || true"])
        ip("link", "set", "eth0", "up", netns=host.netns)
        ip("route", "add", "default", "via", V4.format(1), netns=host.netns)
        self.settle(host)
        return host

    def settle(self, host):
        """Waits until its link-local address may be used."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            shown = ip("-6", "addr", "show", "dev", "eth0", netns=host.netns)
            if "fe80" in shown and "tentative" not in shown:
                return
            time.sleep(0.05)
        raise RuntimeError(f"{host.name}: no link-local address after 10 s")

    def __enter__(self):
        ip("netns", "add", self.hub)
        ip("link", "add", "br0", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0",
           netns=self.hub)
        ip("link", "set", "br0", "up", netns=self.hub)
        return self

    def __exit__(self, *_):
        for netns in [host.netns for host in self.hosts] + [self.hub]:
            with contextlib.suppress(RuntimeError):
                ip("netns", "del", netns)

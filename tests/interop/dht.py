"""The DHT with other implementations on the loopback: libtorrent, aria2 and, where npm is there,
bittorrent-dht. Each asks a node of ours and is asked by one: peers, announces, immutable and
mutable items. Our side is the command `tern dht`."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import libtorrent as lt

ROOT = Path(__file__).resolve().parent.parent.parent
TERN = os.environ.get("TERN", str(ROOT / "target" / "release" / "tern"))
PATIENCE = 40
SETTINGS = {
    "enable_dht": True, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False,
    "dht_prefer_verified_node_ids": False, "dht_enforce_node_id": False,
    "dht_ignore_dark_internet": False, "dht_upload_rate_limit": 10_000_000,
    "alert_mask": 0x7fffffff,
}


class Failed(Exception):
    """A check that did not hold."""


def free_port():
    """A port nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tern(*arguments, bootstrap, ok=True):
    """Runs `tern dht`; its events and its result."""
    command = [TERN, "--json", "dht", *arguments, "--bind", "127.0.0.1", "--bootstrap", bootstrap]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if ok and (done.returncode or not lines):
        raise Failed(f"{' '.join(command)}: {done.returncode} {done.stdout} {done.stderr}")
    return lines[:-1], lines[-1] if lines else {}


class Node:
    """A node of ours: the one that is asked."""

    def __init__(self, bootstrap="none"):
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [TERN, "--json", "dht", "node", "--bind", "127.0.0.1", "--port", str(self.port),
             "--bootstrap", bootstrap],
            stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def stop(self):
        """Its result."""
        self.process.send_signal(signal.SIGTERM)
        lines = self.process.communicate(timeout=PATIENCE)[0].splitlines()
        return json.loads(lines[-1])


class Libtorrent:
    """A session of libtorrent with nothing but a node."""

    def __init__(self, *nodes):
        """Knows these nodes. They are none to bootstrap from: those it never asks again."""
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.session = lt.session({
            **SETTINGS, "listen_interfaces": self.address, "dht_bootstrap_nodes": ""})
        end = time.monotonic() + PATIENCE
        while self.known() < len(nodes):
            if time.monotonic() > end:
                raise Failed(f"libtorrent knows {self.known()} nodes of {len(nodes)}")
            for node in nodes:
                self.session.add_dht_node(("127.0.0.1", node.port))

    def known(self):
        """How many nodes it knows."""
        self.session.post_dht_stats()
        alert = self.alert(lt.dht_stats_alert)
        return sum(row["num_nodes"] + row["num_replacements"] for row in alert.routing_table)

    def alert(self, kind, wanted=lambda alert: True):
        """Waits for an alert."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.session.wait_for_alert(200)
            for alert in self.session.pop_alerts():
                if isinstance(alert, kind) and wanted(alert):
                    return alert
        raise Failed(f"no {kind.__name__}")

    def peers(self, info_hash):
        """Peers of a torrent, asked for again until there are some."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.session.dht_get_peers(lt.sha1_hash(info_hash))
            again = time.monotonic() + 2
            while time.monotonic() < again:
                self.session.wait_for_alert(200)
                for alert in self.session.pop_alerts():
                    if isinstance(alert, lt.dht_get_peers_reply_alert) and alert.peers():
                        return [f"{host}:{port}" for host, port in alert.peers()]
        raise Failed("libtorrent finds no peers")


def libtorrent_asks_and_is_asked():
    """Everything, both ways, in a network of one node of ours and three of libtorrent's."""
    node = Node()
    try:
        first = Libtorrent(node)
        second = Libtorrent(node, first)
        third = Libtorrent(node, first, second)
        # They announce, we find; we announce, they find.
        one, two = os.urandom(20), os.urandom(20)
        first.session.dht_announce(lt.sha1_hash(one), 4711, 0)
        end = time.monotonic() + PATIENCE
        while True:
            found, _ = tern("get-peers", one.hex(), bootstrap=second.address)
            if any(event["address"] == "127.0.0.1:4711" for event in found):
                break
            if time.monotonic() > end:
                raise Failed("what libtorrent announced is not found")
        _, result = tern("announce", two.hex(), "--peer-port", "4712", bootstrap=first.address)
        if result["announced"] < 2:
            raise Failed(f"announced at {result}")
        if "127.0.0.1:4712" not in third.peers(two):
            raise Failed("libtorrent does not find what we announced")
        # Immutable items.
        _, result = tern("put", "from tern", bootstrap=first.address)
        second.session.dht_get_immutable_item(lt.sha1_hash(bytes.fromhex(result["target"])))
        alert = second.alert(lt.dht_immutable_item_alert)
        if value_of(alert.item) not in (b"from tern", "from tern"):
            raise Failed(f"immutable: {alert.item}")
        target = second.session.dht_put_immutable_item(b"from libtorrent")
        second.alert(lt.dht_put_alert)
        _, result = tern("get", str(target), bootstrap=third.address)
        if result["value"] != "15:from libtorrent":
            raise Failed(f"immutable: {result}")
        mutable(first, second, third)
        if not any(line for line in tern("ping", first.address, bootstrap="none")):
            raise Failed("no pong")
    finally:
        stats = node.stop()
    if stats["queries"] < 20 or stats["nodes"] < 3:
        raise Failed(f"our node was hardly asked: {stats}")


def value_of(item):
    """The value of an item: libtorrent 2.1 gives nothing else, 2.0 a dictionary."""
    return item["value"] if isinstance(item, dict) else item


def seq_of(alert):
    """The version of a mutable item, by either libtorrent."""
    return alert.item["seq"] if isinstance(alert.item, dict) else alert.seq


def expanded(seed):
    """A secret key as libtorrent has it (RFC 8032, 5.1.5): its Python interface makes none since
    2.1. What it signs with this is taken as signed by our public key, so they belong together."""
    key = bytearray(hashlib.sha512(seed).digest())
    key[0] &= 248
    key[31] = key[31] & 63 | 64
    return bytes(key)


def mutable(first, second, third):
    """Mutable items: ours read by libtorrent, libtorrent's by us, and who writes over whom."""
    seed = os.urandom(32)
    _, result = tern("put", "v1", "--seed", seed.hex(), "--salt", "s", bootstrap=first.address)
    public, secret = bytes.fromhex(result["key"]), expanded(seed)
    if result["seq"] != 1:
        raise Failed(f"mutable: {result}")
    second.session.dht_get_mutable_item(public, b"s")
    alert = second.alert(lt.dht_mutable_item_alert, lambda a: seq_of(a) == 1)
    if value_of(alert.item) not in (b"v1", "v1"):
        raise Failed(f"mutable: {alert.item}")
    third.session.dht_put_mutable_item(secret, public, b"v2", b"s")
    third.alert(lt.dht_put_alert)
    _, result = tern("get", public.hex(), "--salt", "s", bootstrap=second.address)
    if (result["value"], result["seq"]) != ("2:v2", 2):
        raise Failed(f"mutable: {result}")
    _, late = tern("put", "v3", "--seed", seed.hex(), "--salt", "s", "--replaces", "1",
                   bootstrap=first.address, ok=False)
    if late["stored"] or late["refused"] not in (301, 302):
        raise Failed(f"stored although somebody was faster: {late}")


def aria2_asks_and_is_asked():
    """aria2 seeds a torrent without a tracker; we find it, and it answers us."""
    node = Node()
    work = Path(tempfile.mkdtemp(prefix="tern-dht-"))
    aria = None
    try:
        (work / "content").write_bytes(bytes(70_000))
        made = subprocess.run([TERN, "--json", "create", str(work / "content"), "-o",
                               str(work / "x.torrent")], capture_output=True, text=True, check=True)
        info_hash = json.loads(made.stdout.splitlines()[-1])["info_hash"]
        dht, tcp = free_port(), free_port()
        aria = subprocess.Popen(
            ["aria2c", "--quiet", "--enable-dht=true", f"--dht-listen-port={dht}",
             f"--dht-entry-point={node.address}", f"--dht-file-path={work / 'dht.dat'}",
             f"--listen-port={tcp}", "--seed-ratio=0", "--check-integrity=true", "--no-conf=true",
             "--bt-enable-lpd=false", "--enable-peer-exchange=false", f"--dir={work}",
             str(work / "x.torrent")])
        end = time.monotonic() + PATIENCE
        while True:
            found, _ = tern("get-peers", info_hash, bootstrap=node.address)
            if any(event["address"] == f"127.0.0.1:{tcp}" for event in found):
                break
            if time.monotonic() > end:
                raise Failed("what aria2 announced is not found")
            time.sleep(0.5)
        _, pong = tern("ping", f"127.0.0.1:{dht}", bootstrap="none")
        if len(pong["id"]) != 40:
            raise Failed(f"aria2 does not answer: {pong}")
        other = os.urandom(20).hex()
        _, result = tern("announce", other, "--peer-port", "4713", bootstrap=f"127.0.0.1:{dht}")
        if result["announced"] < 1:
            raise Failed(f"aria2 takes no announce: {result}")
    finally:
        if aria:
            aria.terminate()
            aria.wait(PATIENCE)
        node.stop()
        shutil.rmtree(work, ignore_errors=True)


SCRIPT = """
const DHT = (await import('bittorrent-dht')).default
const crypto = (await import('crypto'))
const [port, entry, mine, theirs, immutable, mutable, seed] = process.argv.slice(2)
// The standard headers of a bare key of Ed25519, as PKCS 8 and as SPKI.
const secret = crypto.createPrivateKey({
  key: Buffer.from('302e020100300506032b657004220420' + seed, 'hex'),
  format: 'der', type: 'pkcs8' })
const head = Buffer.from('302a300506032b6570032100', 'hex')
const key = crypto.createPublicKey(secret).export({ format: 'der', type: 'spki' }).slice(12)
const verify = (signature, data, key) => crypto.verify(null, data, crypto.createPublicKey({
  key: Buffer.concat([head, key]), format: 'der', type: 'spki' }), signature)
const dht = new DHT({ bootstrap: [entry], host: '127.0.0.1', verify })
const say = (fields) => console.log(JSON.stringify(fields))
const salt = Buffer.from('s')
dht.listen(Number(port), '127.0.0.1', () => {})
dht.on('ready', () => {
  const [host, at] = entry.split(':')
  dht._rpc.query({ host, port: Number(at) }, { q: 'ping' }, (error, answer) =>
    say({ pong: error ? String(error) : answer.r.id.toString('hex') }))
  say({ nodes: dht.toJSON().nodes.length })
  dht.announce(Buffer.from(mine, 'hex'), 4714, (error) => say({ announced: !error }))
  dht.on('peer', (peer) => say({ peer: `${peer.host}:${peer.port}` }))
  dht.lookup(Buffer.from(theirs, 'hex'))
  dht.get(Buffer.from(immutable, 'hex'), (error, found) =>
    say({ value: found ? found.v.toString() : String(error) }))
  dht.get(Buffer.from(mutable, 'hex'), { salt }, (error, found) =>
    say({ version: found ? `${found.seq} ${found.v}` : String(error) }))
  dht.put({ v: Buffer.from('from node') }, (error, hash) =>
    say({ put: error ? String(error) : hash.toString('hex') }))
  const sign = (data) => crypto.sign(null, data, secret)
  dht.put({ k: key, seq: 7, salt, v: Buffer.from('signed by node'), sign }, (error) =>
    say({ key: error ? String(error) : key.toString('hex') }))
})
"""


def node_js_asks_and_is_asked():
    """bittorrent-dht (WebTorrent's): ping, nodes, peers, immutable and mutable items, both ways."""
    work = Path(tempfile.mkdtemp(prefix="tern-dht-"))
    node = Node()
    other = None
    try:
        modules = os.environ.get("TERN_NODE_MODULES")
        if modules:
            (work / "node_modules").symlink_to(modules)
        else:
            subprocess.run(["npm", "install", "--silent", "--no-audit", "bittorrent-dht@11"],
                           cwd=work, check=True, timeout=120)
        (work / "peer.mjs").write_text(SCRIPT)
        mine, theirs, seed = os.urandom(20).hex(), os.urandom(20).hex(), os.urandom(32).hex()
        tern("announce", theirs, "--peer-port", "4715", bootstrap=node.address)
        _, put = tern("put", "from tern", bootstrap=node.address)
        own = os.urandom(32).hex()
        _, signed = tern("put", "signed", "--seed", own, "--salt", "s", bootstrap=node.address)
        port = free_port()
        entry = f"127.0.0.1:{port}"
        other = subprocess.Popen(
            ["node", str(work / "peer.mjs"), str(port), node.address, mine, theirs, put["target"],
             signed["target"], seed], stdout=subprocess.PIPE, text=True)
        told = {}
        while len(told) < 8:
            line = other.stdout.readline()
            if not line:
                raise Failed(f"it ended after {told}")
            told.update(json.loads(line))
        found = {name: told[name] for name in ("peer", "value", "version", "nodes")}
        if found != {"peer": "127.0.0.1:4715", "value": "from tern", "version": "1 signed",
                     "nodes": 1} or len(told["pong"]) != 40:
            raise Failed(f"what it found: {told}")
        asked_by_us(told, entry, mine, own)
    finally:
        if other:
            other.kill()
            other.wait()
        node.stop()
        shutil.rmtree(work, ignore_errors=True)


def asked_by_us(told, entry, mine, own):
    """The same questions, put to the other implementation's node."""
    found, _ = tern("get-peers", mine, bootstrap=entry)
    if not any(event["address"] == "127.0.0.1:4714" for event in found):
        raise Failed(f"what it announced is not found: {found}")
    _, got = tern("get", told["put"], bootstrap=entry)
    if got["value"] != "9:from node":
        raise Failed(f"what it stored: {got}")
    _, got = tern("get", told["key"], "--salt", "s", bootstrap=entry)
    if (got["value"], got["seq"]) != ("14:signed by node", 7):
        raise Failed(f"what it signed: {got}")
    _, pong = tern("ping", entry, bootstrap="none")
    if len(pong["id"]) != 40:
        raise Failed(f"it does not answer: {pong}")
    _, result = tern("announce", os.urandom(20).hex(), "--peer-port", "4716", bootstrap=entry)
    if result["announced"] < 1:
        raise Failed(f"it takes no announce: {result}")
    for what in (["at node's"], ["at node's, signed", "--seed", own, "--salt", "t"]):
        _, result = tern("put", *what, bootstrap=entry)
        if result["stored"] < 1:
            raise Failed(f"it takes no item: {result}")


def main():
    """How many passed and failed."""
    tests = [libtorrent_asks_and_is_asked, aria2_asks_and_is_asked]
    if shutil.which("node") and (os.environ.get("TERN_NODE_MODULES") or shutil.which("npm")):
        tests.append(node_js_asks_and_is_asked)
    else:
        print("dht: node_js_asks_and_is_asked: skipped: node and npm are missing (Debian: apt "
              "install npm)", flush=True)
    passed = failed = 0
    for test in tests:
        start = time.monotonic()
        try:
            test()
            passed += 1
            outcome = "ok"
        except Exception as error:  # One failure must not hide the others.
            failed += 1
            outcome = f"FAILED: {type(error).__name__}: {error}"
        print(f"dht: {test.__name__}: {outcome} ({time.monotonic() - start:.1f} s)", flush=True)
    return passed, failed


if __name__ == "__main__":
    good, bad = main()
    print(f"{good} passed, {bad} failed")
    sys.exit(1 if bad else 0)

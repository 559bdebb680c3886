"""The DHT: two sessions on the loopback that know each other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TypeVar

import pytest

import libtern

E = TypeVar("E", bound=libtern.DhtEvent)
PATIENCE = 60.0


def make(bootstrap: str = "", **options: object) -> libtern.Session:
    return libtern.Session(
        listen="127.0.0.1:0", dht_bootstrap=bootstrap, **options,  # type: ignore[arg-type]
    )


@pytest.fixture
def pair() -> Iterator[tuple[libtern.Session, libtern.Session]]:
    """The second knows the first."""
    with make() as one, make(f"127.0.0.1:{one.listen_port}") as two:
        yield one, two


def result(session: libtern.Session, token: int, kind: type[E]) -> E:
    """The event of this kind with this token; other sessions need no pump."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for event in session.run_once(0.1):
            if isinstance(event, libtern.DhtEvent) and event.token == token:
                if isinstance(event, kind):
                    return event
                assert not isinstance(event, libtern.DhtFailed), event
    raise AssertionError(f"no {kind.__name__}")


def test_peers(pair: tuple[libtern.Session, libtern.Session]) -> None:
    one, two = pair
    info_hash = bytes(range(20))
    done = result(two, two.dht.announce(info_hash, port=4242), libtern.DhtPeersDone)
    assert done.announced >= 1
    token = one.dht.get_peers(info_hash, scrape=True)
    assert result(one, token, libtern.DhtPeers).peers == ("127.0.0.1:4242",)
    samples = result(two, two.dht.sample(info_hash), libtern.DhtSamples)
    assert samples.info_hashes == (info_hash,)


def test_items(pair: tuple[libtern.Session, libtern.Session]) -> None:
    one, two = pair
    put = result(two, two.dht.put(b"5:hello"), libtern.DhtPutDone)
    assert put.stored >= 1 and put.target == libtern.dht_target(b"5:hello")
    found = result(one, one.dht.get(put.target), libtern.DhtItemDone).item
    assert found is not None and found.value == b"5:hello" and found.seq is None
    keys = libtern.dht_keypair(bytes(32))
    for seq in (1, 2):
        done = result(two, two.dht.put(b"i%de" % seq, secret=keys.secret, salt=b"s"),
                      libtern.DhtPutDone)
        assert done.item.seq == seq
        assert done.item.signature == libtern.dht_sign(keys.secret, seq, b"i%de" % seq, b"s")
        assert done.target == libtern.dht_target(key=keys.public, salt=b"s")
    item = result(one, one.dht.get(key=keys.public, salt=b"s"), libtern.DhtItemDone).item
    assert item is not None and item.key == keys.public
    again = one.dht.put_signed(keys.public, 2, item.signature or b"", item.value, b"s")
    assert result(one, again, libtern.DhtPutDone).stored >= 1
    with pytest.raises(libtern.InvalidArgument):
        one.dht.put_signed(keys.public, 3, item.signature or b"", item.value, b"s")
    nothing = result(one, one.dht.get(bytes(20)), libtern.DhtItemDone)
    assert nothing.item is None


def test_pointers(pair: tuple[libtern.Session, libtern.Session]) -> None:
    one, two = pair
    keys, info_hash = libtern.dht_keypair(), bytes([7] * 20)
    token = two.dht.publish(keys.secret, info_hash, b"news")
    published = result(two, token, libtern.DhtPublished)
    assert published.stored >= 1 and not published.superseded
    update = result(one, one.dht.follow(keys.public, b"news"), libtern.DhtUpdate)
    assert update.info_hash == info_hash and update.item.seq == 1
    two.dht.cancel(token)


def test_nodes_ids_state_and_stats(pair: tuple[libtern.Session, libtern.Session]) -> None:
    one, two = pair
    pong = result(two, two.dht.ping(f"127.0.0.1:{one.listen_port}"), libtern.DhtPong)
    assert pong.id == one.dht.id
    nodes = result(two, two.dht.find_node(bytes(20)), libtern.DhtNodes).nodes
    assert [node.id for node in nodes] == [one.dht.id]
    assert two.dht.nodes()[0].address.endswith(f":{one.listen_port}")
    stats = two.dht.stats()
    assert stats.nodes == 1 and stats.queries_out > 0
    two.dht.id = bytes([9] * 20)
    assert two.dht.id == bytes([9] * 20)
    state = two.save_state()
    with make() as three:
        three.load_state(state)
        assert result(three, three.dht.find_node(bytes(20)), libtern.DhtNodes).nodes
        with pytest.raises(libtern.ResumeError):
            three.load_state(b"nonsense")
        three.dht.add_node(f"localhost:{one.listen_port}")
        failed = three.dht.ping("127.0.0.1:9")
        three.dht.cancel(failed)
    with make(dht=False) as off, pytest.raises(libtern.StateError):
        off.dht.ping("127.0.0.1:9")


def test_hook(pair: tuple[libtern.Session, libtern.Session]) -> None:
    one, two = pair
    asked: list[libtern.DhtQueryKind] = []

    def hook(request: libtern.DhtRequest) -> bool:
        asked.append(request.query.query)
        return True

    one.dht.on_query(hook)
    token, end = two.dht.ping(f"127.0.0.1:{one.listen_port}"), time.monotonic() + PATIENCE
    pong = None
    while pong is None and time.monotonic() < end:
        one.run_once(0.05)
        told = (event for event in two.run_once(0.05) if isinstance(event, libtern.DhtPong))
        pong = next((event for event in told if event.token == token), None)
    assert pong is not None and libtern.DhtQueryKind.PING in asked
    one.dht.on_query(None)

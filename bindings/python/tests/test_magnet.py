"""Torrents added by magnet link or info-hash, and where peers come from."""

from __future__ import annotations

import pytest

import libtern
from conftest import Place, tree, until
from libtern import PeerSource, State


def test_a_link_becomes_a_torrent(place: Place) -> None:
    seed, source, metainfo, address = place.seed(100000, 70001)
    link = f"magnet:?xt=urn:btih:{seed.info_hash.hex()}&dn=shown&x.pe={address}"
    assert libtern.magnet_info_hash(link) == seed.info_hash
    leech = place.session()
    target = place.directory()
    torrent = leech.add(link, save_path=target)
    assert torrent.name == "shown" and torrent.status().state in (State.STARTING, State.METADATA)
    events: list[libtern.Event] = []
    until(leech, libtern.Finished, events)
    told = [event for event in events if isinstance(event, libtern.MetadataReceived)]
    assert [event.name for event in told] == ["tree"] and told[0].torrent is torrent
    assert torrent.has_metadata and torrent.name == "tree"
    assert torrent.metainfo.info_bytes == libtern.Metainfo.parse(metainfo).info_bytes
    assert libtern.Metainfo.parse(bytes(torrent.metainfo)).info_hash == seed.info_hash
    assert torrent.metainfo.magnet == torrent.magnet
    assert libtern.magnet_info_hash(torrent.magnet) == seed.info_hash
    status = torrent.status()
    assert status.known_by_source == {PeerSource.MAGNET: 1}
    assert status.peers_by_source in ({}, {PeerSource.MAGNET: 1})
    assert tree(target) == tree(source)


def test_before_the_metadata(place: Place) -> None:
    session = place.session(listen="")
    torrent = session.add(info_hash=b"h" * 20, save_path=place.directory(), paused=True)
    assert torrent.name == (b"h" * 20).hex() and not torrent.has_metadata
    for refused in (lambda: torrent.metainfo, torrent.recheck, lambda: torrent.rename_file(0, "x")):
        with pytest.raises(libtern.NoMetadata) as caught:
            refused()
        assert caught.value.torrent is torrent
    torrent.set_file_priorities([0, 7])
    link = f"magnet:?xt=urn:btih:{(b'h' * 20).hex()}&tr=http://127.0.0.1:1/a"
    with pytest.raises(libtern.DuplicateTorrent):
        session.add(link, save_path=place.directory())
    assert session.add(link, save_path=place.directory(), merge=True) is torrent
    assert [tracker.url for tracker in torrent.trackers()] == ["http://127.0.0.1:1/a"]


def test_what_is_no_link(place: Place) -> None:
    session = place.session(listen="")
    with pytest.raises(libtern.MagnetError):
        session.add("magnet:?dn=x", save_path=place.directory())
    with pytest.raises(libtern.UnsupportedError):
        session.add("magnet:?xt=urn:btmh:1220" + "ab" * 32, save_path=place.directory())
    with pytest.raises(ValueError, match="20 bytes"):
        session.add(info_hash=b"short", save_path=place.directory())
    with pytest.raises(libtern.MagnetError):
        libtern.magnet_info_hash("http://example.com/")

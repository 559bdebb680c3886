"""libtorrent reads our resume blob, and means by it what we mean.

    python3 tests/interop/resume_libtorrent.py

Needs the libtorrent Python module. The blob is the fixture whose bytes a Rust test pins.
"""

import os

import libtorrent as lt

here = os.path.dirname(os.path.abspath(__file__))
path = os.path.join(here, "..", "fixtures", "resume", "libtern-1.resume")
params = lt.read_resume_data(open(path, "rb").read())

have = [bool(int(c)) for c in "10110111101"]
assert list(params.have_pieces) == have, list(params.have_pieces)
assert params.info_hashes.v1.to_bytes() == b"\xab" * 20
assert {k: list(v) for k, v in params.unfinished_pieces.items()} == {
    1: [True] + [False] * 7, 4: [True, False, True] + [False] * 5}, params.unfinished_pieces
assert list(params.file_priorities) == [4, 7, 1]
assert list(params.piece_priorities) == [4, 4, 7, 4, 4, 4, 1, 4, 4, 4, 4]
assert params.trackers == ["http://a/x", "http://b/x", "udp://c/"]
assert list(params.tracker_tiers) == [0, 0, 1]
assert params.url_seeds == ["http://seed/"]
assert params.peers == [("127.0.0.2", 6881), ("::1", 6882)]
if not lt.__version__.startswith("2.0."):  # that binding lists peers under both names
    assert params.banned_peers == [("10.0.0.9", 99)]
assert params.renamed_files == {1: "dir/renamed"}, params.renamed_files
assert (params.total_uploaded, params.total_downloaded) == (1, 2)
assert (params.active_time, params.finished_time, params.seeding_time) == (3, 4, 5)
assert (params.added_time, params.completed_time) == (1_700_000_000, 7)
assert (params.last_seen_complete, params.last_download, params.last_upload) == (8, 9, 10)
assert (params.upload_limit, params.download_limit) == (1000, -1)
assert (params.max_connections, params.max_uploads) == (50, 0xffffff)
assert (params.num_complete, params.num_incomplete, params.num_downloaded) == (3, 0xffffff, 9)
assert params.storage_mode == lt.storage_mode_t.storage_mode_allocate
flags = lt.torrent_flags
assert params.flags & flags.paused and not params.flags & flags.auto_managed
assert params.flags & flags.sequential_download and params.flags & flags.apply_ip_filter
assert not params.flags & flags.seed_mode
print("libtorrent", lt.__version__, "agrees")

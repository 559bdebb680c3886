"""libtern: a BitTorrent engine to embed. Typed, no compiler needed, one descriptor for any loop.

    with libtern.Session() as session:
        torrent = session.add("x.torrent", save_path="downloads")
        for event in session.events():
            match event:
                case libtern.PiecePassed(piece):
                    print("have", piece)
                case libtern.Finished():
                    break

In asyncio the same words with `async` in front: `async with`, `async for`; hooks may be coroutine
functions then.

Nothing of the library ever calls Python from a thread of its own: hook functions run where the
session is pumped (`Session.run_once`, `Session.events`, `libtern.aio`).
"""

from ._add import TorrentSource
from ._codes import (
    VERSION_MAJOR,
    VERSION_MINOR,
    VERSION_PATCH,
    CloseReason,
    BlockState,
    Code,
    DhtQueryKind,
    Detail,
    EventClass,
    EventKind,
    FileFlags,
    LoadPolicy,
    LogLevel,
    Message,
    OptionType,
    PeerFlags,
    PeerSource,
    SaveFlags,
    SaveResult,
    State,
    Verdict,
)
from ._config import library_option, library_options
from ._dht import Dht, DhtHook, DhtKeys, DhtRequest, dht_keypair, dht_sign, dht_target
from ._dht_events import (
    DhtBootstrapped,
    DhtEvent,
    DhtExternal,
    DhtFailed,
    DhtItem,
    DhtItemDone,
    DhtItemFound,
    DhtNode,
    DhtNodes,
    DhtPeers,
    DhtPeersDone,
    DhtPong,
    DhtPublished,
    DhtPutDone,
    DhtQuery,
    DhtSamples,
    DhtScraped,
    DhtUnresolved,
    DhtUpdate,
)
from ._errors import (
    BusyError,
    CancelledError,
    DuplicateTorrent,
    ForkedError,
    GoneError,
    InternalError,
    InvalidArgument,
    MagnetError,
    MetainfoError,
    NoMetadata,
    NotFoundError,
    OptionTypeError,
    RangeError,
    ReentrantError,
    RefusedError,
    RequestGone,
    ResumeError,
    SessionClosed,
    StateDirInUse,
    StateError,
    StorageDenied,
    StorageError,
    StorageExists,
    StorageNotFound,
    StoreError,
    TernError,
    TimedOut,
    TorrentGone,
    TrackerError,
    UnknownOption,
    UnsupportedError,
    VersionError,
)
from ._events import (
    Checked,
    Closed,
    Dropped,
    Event,
    ExternalAddress,
    FileCompleted,
    Finished,
    ListenFailed,
    Listening,
    Log,
    LsdFailed,
    MessageReceived,
    MessageSent,
    MetadataFailed,
    MetadataReceived,
    Moved,
    PeerBanned,
    PeerConnected,
    PeerDisconnected,
    PieceFailed,
    PiecePassed,
    Renamed,
    SourceFailed,
    StateChanged,
    TorrentAdded,
    TorrentEvent,
    TorrentRemoved,
    TrackerAnnounce,
    TrackerFailed,
    TrackerReply,
    TrackerScraped,
    UdpFailed,
    UnknownEvent,
)
from ._failures import (
    Fatal,
    JournalFailed,
    RestoreFailed,
    ResumeRejected,
    SaveDone,
    SaveFailed,
    Saved,
    StorageFailed,
    StorageMissing,
    StoreDamaged,
    VerifierFailed,
)
from ._ffi import LIBRARY_PATH, ffi, lib
from ._metainfo import Metainfo, create_torrent, magnet_info_hash
from ._options import OPTIONS, LiveOptions, Option, SessionOptions
from ._requests import (
    PENDING,
    Answer,
    Defer,
    PeerHook,
    PeerRequest,
    Request,
    SaveHook,
    SaveRequest,
    VerifyHook,
    VerifyRequest,
)
from ._session import Events, Restored, Session
from ._structs import DhtStats, FileInfo, PeerInfo, Stats, Status, TrackerInfo
from ._torrent import Torrent
from ._traffic import BytesReceived, BytesSent, FileRead, FileWritten, TrackerTraffic

__version__ = f"{VERSION_MAJOR}.{VERSION_MINOR}.{VERSION_PATCH}"
"""Version of this package."""


def library_version() -> str:
    """Version of the shared library in use."""
    text: str = ffi.string(lib.tern_version_string()).decode()
    return text


def has(feature: str) -> bool:
    """Whether the library has a feature: `tls`, `store`, `v1`, `v2`, `dht`, `utp`, `mse`."""
    return bool(lib.tern_has(feature.encode()))


__all__ = [
    "LIBRARY_PATH", "OPTIONS", "PENDING", "Answer", "BlockState", "BusyError", "BytesReceived",
    "BytesSent", "CancelledError", "Checked", "CloseReason", "Closed", "Code", "Defer",
    "Detail", "Dht", "DhtBootstrapped", "DhtEvent", "DhtExternal", "DhtFailed", "DhtHook",
    "DhtItem", "DhtItemDone", "DhtItemFound", "DhtKeys", "DhtNode", "DhtNodes", "DhtPeers",
    "DhtPeersDone", "DhtPong", "DhtPublished", "DhtPutDone", "DhtQuery", "DhtQueryKind",
    "DhtRequest", "DhtSamples", "DhtScraped", "DhtStats", "DhtUnresolved", "DhtUpdate",
    "Dropped", "DuplicateTorrent", "Event", "EventClass", "EventKind", "Events",
    "ExternalAddress", "Fatal", "FileCompleted", "FileFlags", "FileInfo", "FileRead",
    "FileWritten", "Finished", "ForkedError", "GoneError", "InternalError", "InvalidArgument",
    "JournalFailed", "ListenFailed", "Listening", "LiveOptions", "LoadPolicy", "Log",
    "LogLevel", "LsdFailed", "MagnetError", "Message", "MessageReceived", "MessageSent",
    "MetadataFailed", "MetadataReceived", "Metainfo", "MetainfoError", "Moved", "NoMetadata",
    "NotFoundError", "Option", "OptionType", "OptionTypeError", "PeerBanned", "PeerConnected",
    "PeerDisconnected", "PeerFlags", "PeerHook", "PeerInfo", "PeerRequest", "PeerSource",
    "PieceFailed", "PiecePassed", "RangeError", "ReentrantError", "RefusedError", "Renamed",
    "Request", "RequestGone", "RestoreFailed", "Restored", "ResumeError", "ResumeRejected",
    "SaveDone", "SaveFailed", "SaveFlags", "SaveHook", "SaveRequest", "SaveResult", "Saved",
    "Session", "SessionClosed", "SessionOptions", "SourceFailed", "State", "StateChanged",
    "StateDirInUse", "StateError", "Stats", "Status", "StorageDenied", "StorageError",
    "StorageExists", "StorageFailed", "StorageMissing", "StorageNotFound", "StoreDamaged",
    "StoreError", "TernError", "TimedOut", "Torrent", "TorrentAdded", "TorrentEvent",
    "TorrentGone", "TorrentRemoved", "TorrentSource", "TrackerAnnounce", "TrackerError",
    "TrackerFailed", "TrackerInfo", "TrackerReply", "TrackerScraped", "TrackerTraffic",
    "UdpFailed", "UnknownEvent", "UnknownOption", "UnsupportedError", "Verdict",
    "VerifierFailed", "VerifyHook", "VerifyRequest", "VersionError", "__version__",
    "create_torrent", "dht_keypair", "dht_sign", "dht_target", "has", "library_option",
    "library_options", "library_version", "magnet_info_hash",
]

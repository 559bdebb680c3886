//! Layer 6: the public Rust face.
//!
//! ```no_run
//! use libtern_doc as tern;
//! # mod libtern_doc { pub use ::tern::api::*; }
//! use std::time::Duration;
//!
//! fn main() -> Result<(), tern::Error> {
//!     let mut config = tern::Config::new();
//!     config.set_text("state_dir", "/var/lib/example")?;
//!     let session = tern::Session::new(&config)?;
//!     let torrent = tern::Metainfo::load("example.torrent")?;
//!     let torrent = session.add(tern::AddTorrent::new(&torrent, "/srv/example"))?;
//!     while !torrent.status()?.is_finished() {
//!         session.wait(Some(Duration::from_secs(1)))?;
//!         for event in session.take(0) {
//!             let _ = event.kind;
//!         }
//!     }
//!     session.close(None).map_err(|unsaved| unsaved.error)
//! }
//! ```
//!
//! A [`Session`] is shared and cheap to clone; a [`Torrent`] is a weak handle: it outlives its
//! torrent, and says [`ErrorKind::Gone`] then. Nothing here blocks but what says so. Deliberately
//! absent: callbacks on network threads, async runtimes of the caller, process globals.

mod add;
mod check;
mod config;
mod create;
mod dht;
mod event;
mod export;
mod hook;
mod import;
mod metainfo;
mod session;
mod torrent;
mod tracker;

pub use add::AddTorrent;
pub use check::{CheckReport, check_files};
pub use config::Config;
pub use create::{Progress, TorrentBuilder};
pub use dht::{
    Contact as DhtContact, DhtEvent, DhtStats, Failure as DhtFailure, Item as DhtItem,
    ItemKey as DhtItemKey, LookupStats, MutableItem, NodeId, Outcome as DhtOutcome, PeerSearch,
    PublicKey, QueryKind, SecretKey, Value as DhtValue, dht_pointer, dht_sign, dht_value,
    dht_verify,
};
pub use event::Event;
pub use export::export_qbittorrent;
pub use hook::Hook;
pub use import::{
    Client, Import, ImportError, Imported, Labels, ResumeSummary, Shelf, Stored, import_into,
    store_resume, stored,
};
pub use metainfo::Metainfo;
pub use session::{Session, Unsaved};
pub use torrent::{PeerInfo, Torrent, TorrentStatus, TrackerInfo, path as path_from_bytes};
pub use tracker::Announce;

pub use crate::base::{
    Bitset, DiskError, FileIndex, InfoHash, PeerId, PeerKey, PieceIndex, TorrentId,
};
pub use crate::codec::metainfo::{FileAttr, FileEntry, FileSpan};
pub use crate::engine::error::{Detail, Error, ErrorKind};
pub use crate::engine::events::{EventKind, LogLevel, VerifyQuestion, WireMessage, class};
pub use crate::engine::host::{TrackerEvent, Traffic};
pub use crate::engine::options::{OptionSpec, OptionValue};
pub use crate::engine::requests::Verdict;
pub use crate::engine::session::{Removal, Restored, Stats, UdpStats};
pub use crate::engine::store::Report as StoreReport;
pub use crate::proto::peer::Fault;
pub use crate::proto::tracker::udp::UdpCounts;
pub use crate::proto::tracker::{AnnounceEvent, AnnounceReply, ScrapeEntry};
pub use crate::swarm::{
    BlockState, CloseReason, LoadPolicy, Notice, PeerSource, PeerStatus, SaveConditions,
    SaveOutcome, SavePolicy, SourceCounts, Status, TorrentState,
};

/// The version 1 info-hash that a magnet link names.
///
/// # Errors
/// [`ErrorKind::Magnet`] when it is no magnet link, [`ErrorKind::Unsupported`] when it names no
/// torrent of version 1.
pub fn magnet_info_hash(link: &str) -> Result<InfoHash, Error> {
    let magnet = crate::engine::formats::magnet(link)?;
    crate::engine::formats::from_magnet(&magnet).map(|file| file.metainfo.info.info_hash)
}

/// Version of the library, for example `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Whether the library has a feature: `v1`, `dht`, `tls`, `store`; others are not there (yet).
#[must_use]
pub fn has(feature: &str) -> bool {
    let built = [
        ("v1", true),
        ("dht", true),
        ("tls", cfg!(feature = "tls")),
        ("store", cfg!(feature = "store")),
    ];
    built.contains(&(feature, true))
}

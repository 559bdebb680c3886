//! Torrent handles.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use super::session::{Inner, upgrade};
use super::{Hook, Metainfo, Session};
use crate::base::limits::FILES;
use crate::base::{Bitset, FileIndex, InfoHash, PeerKey, PieceIndex, TorrentId};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::formats::TorrentFile;
use crate::engine::path_from_bytes;
use crate::engine::session::{Entry, Removal};
use crate::swarm::{
    BlockState, Command, PeerStatus, SaveConditions, SavePolicy, Status, TorrentState,
};

/// A weak handle of one torrent. Cheap to clone; when the torrent or its session is gone, calls say
/// [`ErrorKind::Gone`].
#[derive(Clone, Debug)]
pub struct Torrent {
    session: Weak<Inner>,
    pub(super) entry: Arc<Entry>,
}

/// Snapshot of a torrent.
#[derive(Clone, Debug)]
pub struct TorrentStatus {
    /// What the torrent says.
    pub status: Status,
    /// Bytes per second, `None` unlimited.
    pub download_limit: Option<u64>,
    /// Bytes per second, `None` unlimited.
    pub upload_limit: Option<u64>,
    /// Stopped by the host (a pause of the session does not count).
    pub paused: bool,
}

impl TorrentStatus {
    /// Whether all wanted pieces are here.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let s = &self.status;
        match s.state {
            TorrentState::Finished | TorrentState::Seeding => true,
            TorrentState::Starting | TorrentState::Checking => false,
            _ => s.wanted_have >= s.wanted_len && s.pieces_total > 0,
        }
    }
}

impl std::ops::Deref for TorrentStatus {
    type Target = Status;

    fn deref(&self) -> &Status {
        &self.status
    }
}

/// Snapshot of one peer.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// What the torrent says.
    pub status: PeerStatus,
    /// Seconds connected.
    pub connected_secs: u64,
}

/// Snapshot of one tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackerInfo {
    /// URL.
    pub url: String,
    /// Tier, from 0.
    pub tier: u32,
    /// Announces that failed in a row.
    pub fails: u32,
    /// An announce is under way.
    pub updating: bool,
    /// It replied in this session.
    pub verified: bool,
    /// Seconds until it may be asked again.
    pub next_announce_secs: Option<u64>,
    /// Seeds, by its last reply.
    pub complete: Option<u32>,
    /// Leechers, by its last reply.
    pub incomplete: Option<u32>,
    /// Completed downloads, by its last reply.
    pub downloaded: Option<u32>,
    /// Last failure or warning.
    pub message: String,
}

/// Puts a URL at the end of a tier; tiers that are not there come as the next one.
pub(super) fn insert_tracker(tiers: &mut Vec<Vec<String>>, tier: u32, url: String) {
    let at = usize::try_from(tier).unwrap_or(usize::MAX);
    match tiers.get_mut(at) {
        Some(tier) => tier.push(url),
        None => tiers.push(vec![url]),
    }
}

/// Trackers with their tiers as lists by tier; the numbers only tell the order.
pub(super) fn tiers_of(list: &[(u32, String)]) -> Vec<Vec<String>> {
    let mut list: Vec<&(u32, String)> = list.iter().collect();
    list.sort_by_key(|(tier, _)| *tier);
    let groups = list.chunk_by(|a, b| a.0 == b.0);
    groups.map(|group| group.iter().map(|(_, url)| url.clone()).collect()).collect()
}

impl Torrent {
    pub(super) fn new(session: Weak<Inner>, entry: Arc<Entry>) -> Self {
        Self { session, entry }
    }

    pub(super) fn inner(&self) -> Result<Arc<Inner>, Error> {
        upgrade(&self.session).map_err(|e| e.of(self.entry.id))
    }

    fn command(&self, command: Command) -> Result<(), Error> {
        self.inner()?.core.command(&self.entry, command)
    }

    /// Number in the session, never used twice.
    #[must_use]
    pub fn id(&self) -> TorrentId {
        self.entry.id
    }

    /// Info-hash.
    #[must_use]
    pub fn info_hash(&self) -> InfoHash {
        self.entry.info_hash
    }

    /// Whether the torrent was removed or its session closed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.entry.is_gone() || self.session.strong_count() == 0
    }

    /// The session, unless its last handle is gone.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        self.session.upgrade().map(Session)
    }

    /// Whether the metadata is here. A torrent added by magnet link or info-hash begins without;
    /// [`super::Notice::Metadata`] says when it came.
    #[must_use]
    pub fn has_metadata(&self) -> bool {
        self.entry.has_metadata()
    }

    /// Name, made safe for file systems; what the magnet link says, or else the info-hash, until
    /// the metadata is here.
    #[must_use]
    pub fn name(&self) -> String {
        self.entry.file().metainfo.info.name.clone()
    }

    /// The magnet link, with the trackers now in use.
    #[must_use]
    pub fn magnet(&self) -> String {
        self.metainfo().magnet()
    }

    /// The torrent file, with the trackers now in use. Works after removal too. Without files,
    /// pieces and bytes while [`Self::has_metadata`] is false.
    #[must_use]
    pub fn metainfo(&self) -> Metainfo {
        let file = self.entry.file();
        let Some(inner) = self.session.upgrade() else { return Metainfo(file) };
        let tiers = inner.core.trackers(&self.entry);
        if tiers == file.metainfo.trackers {
            return Metainfo(file);
        }
        let mut metainfo = file.metainfo.clone();
        metainfo.trackers = tiers;
        Metainfo(Arc::new(TorrentFile { metainfo, raw: file.raw.clone() }))
    }

    /// Removes the torrent; [`super::EventKind::Removed`] follows. Until then it cannot be added
    /// again.
    pub fn remove(&self, removal: Removal) -> Result<(), Error> {
        self.inner()?.core.remove(&self.entry, removal)
    }

    /// How many torrents stand before this one in the queue.
    pub fn queue_position(&self) -> Result<usize, Error> {
        self.inner()?.core.position(&self.entry)
    }

    /// Moves it in the queue, so that `position` torrents stand before it; all others when there
    /// are fewer. The state directory keeps the order, and [`Session::restore`] brings it back. An
    /// added torrent is the last. The order starts and stops nothing.
    pub fn set_queue_position(&self, position: usize) -> Result<(), Error> {
        self.inner()?.core.set_position(&self.entry, position)
    }

    /// Stops: disconnects, flushes, closes files.
    pub fn pause(&self) -> Result<(), Error> {
        self.inner()?.core.pause(&self.entry)
    }

    /// Goes on; also retries after an error.
    pub fn resume(&self) -> Result<(), Error> {
        self.inner()?.core.resume(&self.entry)
    }

    /// Checks all pieces again.
    pub fn recheck(&self) -> Result<(), Error> {
        self.check_metadata()?;
        self.command(Command::Recheck)
    }

    /// Checks the pieces of one file again.
    pub fn recheck_file(&self, file: FileIndex) -> Result<(), Error> {
        self.check_file(file)?;
        self.command(Command::RecheckFile(file))
    }

    /// Checks the pieces `first..end` again.
    pub fn recheck_pieces(&self, first: u32, end: u32) -> Result<(), Error> {
        self.check_metadata()?;
        if first > end || end > self.entry.file().metainfo.info.piece_count() {
            return Err(Error::from(ErrorKind::Range).of(self.entry.id));
        }
        self.command(Command::RecheckPieces(first, end))
    }

    /// Has resume data handed out now, even if nothing changed.
    pub fn save(&self) -> Result<(), Error> {
        let conditions = SaveConditions::NONE;
        self.command(Command::Save { ticket: 0, conditions, with_info: false })
    }

    /// Has resume data handed out now if something of this kind changed since it last was
    /// ([`SaveConditions::NONE`]: in any case), with the `info` dictionary if so wanted. One
    /// [`Notice::SaveDone`](super::Notice::SaveDone) with the ticket that is returned says what it
    /// came to: saved, not modified, refused, or the torrent ended first. It is never dropped.
    pub fn request_save(&self, conditions: SaveConditions, with_info: bool) -> Result<u64, Error> {
        self.inner()?.core.request_save(&self.entry, conditions, with_info)
    }

    /// When to save.
    pub fn set_save_policy(&self, policy: SavePolicy) -> Result<(), Error> {
        self.inner()?.core.set_save_policy(&self.entry, policy)
    }

    /// In order, or rarest first.
    pub fn set_sequential(&self, sequential: bool) -> Result<(), Error> {
        self.command(Command::Sequential(sequential))
    }

    /// Bytes per second, `None` unlimited.
    pub fn set_limits(&self, download: Option<u64>, upload: Option<u64>) -> Result<(), Error> {
        self.inner()?.core.set_limits(&self.entry, download, upload)
    }

    /// Most connections, at least 1.
    pub fn set_max_connections(&self, connections: u32) -> Result<(), Error> {
        self.inner()?.core.set_peer_limits(&self.entry, Some(connections), None)
    }

    /// Peers uploaded to at once, at least 1.
    pub fn set_upload_slots(&self, slots: u32) -> Result<(), Error> {
        self.inner()?.core.set_peer_limits(&self.entry, None, Some(slots))
    }

    fn check_metadata(&self) -> Result<(), Error> {
        if self.has_metadata() {
            return Ok(());
        }
        Err(Error::from(ErrorKind::NoMetadata).of(self.entry.id))
    }

    fn check_file(&self, file: FileIndex) -> Result<(), Error> {
        self.check_metadata()?;
        if file.idx() < self.entry.file().metainfo.info.files.len() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Range, "no such file").of(self.entry.id))
    }

    /// Priority of a file, 0 (do not fetch) to 7; 4 is normal. While the metadata is not here,
    /// files that will turn out not to exist are not refused.
    pub fn set_file_priority(&self, file: FileIndex, priority: u8) -> Result<(), Error> {
        if self.has_metadata() || file.idx() >= FILES {
            self.check_file(file)?;
        }
        check_priority(priority)?;
        self.command(Command::FilePriority(file, priority))
    }

    /// Priorities of all files; those beyond the list become normal.
    pub fn set_file_priorities(&self, priorities: &[u8]) -> Result<(), Error> {
        let known = self.has_metadata();
        let files = if known { self.entry.file().metainfo.info.files.len() } else { FILES };
        if priorities.len() > files {
            return Err(Error::new(ErrorKind::Range, "no such file").of(self.entry.id));
        }
        priorities.iter().try_for_each(|p| check_priority(*p))?;
        let mut list = priorities.to_vec();
        if known {
            list.resize(files, 4);
        }
        self.command(Command::FilePriorities(list))
    }

    /// Priority of a piece, 0 to 7.
    pub fn set_piece_priority(&self, piece: PieceIndex, priority: u8) -> Result<(), Error> {
        check_priority(priority)?;
        self.check_metadata()?;
        if !self.entry.file().metainfo.info.geometry.contains(piece) {
            return Err(Error::new(ErrorKind::Range, "no such piece").of(self.entry.id));
        }
        self.command(Command::PiecePriority(piece, priority))
    }

    /// Moves the content to another directory, which is made when it is not there; a notice
    /// follows.
    ///
    /// Within a file system files are renamed; to another one they are copied, synced, and the
    /// originals taken away last. Nothing is replaced: when a file is where one of the content's
    /// would go, nothing moves. Whatever fails half-way is undone, and the torrent goes on where it
    /// was.
    pub fn move_to(&self, dir: impl Into<PathBuf>) -> Result<(), Error> {
        let dir = dir.into();
        if dir.as_os_str().is_empty() {
            return Err(ErrorKind::Invalid.into());
        }
        self.inner()?.core.move_to(&self.entry, dir)
    }

    /// Renames a file, relative to the save path; a notice follows.
    pub fn rename_file(&self, file: FileIndex, path: impl Into<String>) -> Result<(), Error> {
        self.check_file(file)?;
        let path = path.into();
        if path.is_empty() || path.contains('\0') {
            return Err(ErrorKind::Invalid.into());
        }
        self.inner()?.core.rename(&self.entry, file, path)
    }

    /// Path of a file now, relative to the save path unless absolute.
    #[must_use]
    pub fn file_path(&self, file: FileIndex) -> Option<String> {
        self.entry.file_path(file)
    }

    /// Connects to this address now.
    pub fn add_peer(&self, addr: SocketAddr) -> Result<(), Error> {
        self.command(Command::AddPeer(addr))
    }

    /// Bans this address and closes its connections.
    pub fn ban_peer(&self, addr: IpAddr) -> Result<(), Error> {
        self.command(Command::BanPeer(SocketAddr::new(addr, 0)))
    }

    /// Closes one connection.
    pub fn drop_peer(&self, peer: PeerKey) -> Result<(), Error> {
        self.command(Command::DropPeer(peer))
    }

    /// Replaces all trackers.
    pub fn set_trackers(&self, tiers: Vec<Vec<String>>) -> Result<(), Error> {
        self.inner()?.core.change_trackers(&self.entry, |current| *current = tiers)
    }

    /// Replaces all trackers by URLs with their tiers; the tiers' numbers only tell their order.
    pub fn set_tracker_list(&self, list: &[(u32, String)]) -> Result<(), Error> {
        self.set_trackers(tiers_of(list))
    }

    /// One more tracker, in this tier. Nothing happens when its URL is there already.
    pub fn add_tracker(&self, tier: u32, url: impl Into<String>) -> Result<(), Error> {
        let url = url.into();
        self.inner()?.core.change_trackers(&self.entry, |tiers| {
            if !tiers.iter().flatten().any(|known| *known == url) {
                insert_tracker(tiers, tier, url);
            }
        })
    }

    /// Announces now, as soon as the trackers' minimum interval allows.
    pub fn announce(&self) -> Result<(), Error> {
        self.inner()?.core.announce(&self.entry, None)
    }

    /// As [`Self::announce`], to one tracker: also to one that is asked only when those before it
    /// fail.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the torrent has no tracker of this URL.
    pub fn announce_to(&self, url: &str) -> Result<(), Error> {
        self.inner()?.core.announce(&self.entry, Some(url))
    }

    /// Asks the trackers for their counts; events follow.
    pub fn scrape(&self) -> Result<(), Error> {
        self.inner()?.core.scrape(&self.entry, None)
    }

    /// As [`Self::scrape`], of one tracker. A failure is told also when it cannot be asked.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the torrent has no tracker of this URL.
    pub fn scrape_at(&self, url: &str) -> Result<(), Error> {
        self.inner()?.core.scrape(&self.entry, Some(url))
    }

    /// Single messages of peers as events, for sessions subscribed to them.
    pub fn set_wire_notices(&self, on: bool) -> Result<(), Error> {
        self.inner()?.core.set_wire_notices(&self.entry, on)
    }

    /// Sets this torrent's verifier; `None` goes back to the session's. The old one is dropped
    /// here.
    pub fn set_verify_hook(&self, hook: Option<Hook>) -> Result<(), Error> {
        let inner = self.inner()?;
        let hook = hook.map(|hook| hook.into_engine(Weak::clone(&self.session)));
        inner.core.set_hooks(&self.entry, |hooks| hooks.verify = hook).map(drop)
    }

    /// Sets this torrent's saver; `None` goes back to the session's. The old one is dropped here.
    pub fn set_save_hook(&self, hook: Option<Hook>) -> Result<(), Error> {
        let inner = self.inner()?;
        let hook = hook.map(|hook| hook.into_engine(Weak::clone(&self.session)));
        inner.core.set_hooks(&self.entry, |hooks| hooks.save = hook).map(drop)
    }

    /// Snapshot. Waits for the network thread's answer, as all that follow.
    pub fn status(&self) -> Result<TorrentStatus, Error> {
        let (status, download_limit, upload_limit, paused) =
            self.inner()?.core.status(&self.entry)?;
        Ok(TorrentStatus { status, download_limit, upload_limit, paused })
    }

    /// Directory of the content now.
    pub fn save_path(&self) -> Result<PathBuf, Error> {
        self.inner()?.core.query(&self.entry, |view| view.save_path.to_path_buf())
    }

    /// Pieces we have.
    pub fn have(&self) -> Result<Bitset, Error> {
        self.inner()?.core.query(&self.entry, |view| view.torrent.have().clone())
    }

    /// Pieces we want and do not have.
    pub fn wanted(&self) -> Result<Bitset, Error> {
        self.inner()?.core.query(&self.entry, |view| {
            let have = view.torrent.have();
            let mut wanted = Bitset::new(have.len());
            for piece in 0..have.len() {
                let priority = view.torrent.piece_priority(PieceIndex(piece));
                wanted.set(piece, priority > 0 && !have.get(piece));
            }
            wanted
        })
    }

    /// Priority of each file.
    pub fn file_priorities(&self) -> Result<Vec<u8>, Error> {
        self.inner()?.core.query(&self.entry, |view| view.torrent.file_priorities().to_vec())
    }

    /// Priority of each piece.
    pub fn piece_priorities(&self) -> Result<Vec<u8>, Error> {
        self.inner()?.core.query(&self.entry, |view| {
            let pieces = 0..view.torrent.have().len();
            pieces.map(|piece| view.torrent.piece_priority(PieceIndex(piece))).collect()
        })
    }

    /// Bytes of each file that are in pieces we have.
    pub fn file_progress(&self) -> Result<Vec<u64>, Error> {
        self.inner()?.core.query(&self.entry, |view| view.torrent.file_progress())
    }

    /// Pieces in progress, by index: those with a block that is requested or received.
    pub fn partial_pieces(&self) -> Result<Vec<u32>, Error> {
        self.inner()?
            .core
            .query(&self.entry, |view| view.torrent.partial_pieces().map(|piece| piece.0).collect())
    }

    /// How far each block of a piece is, in blocks of 16 KiB. [`ErrorKind::Range`] for a piece that
    /// the torrent has not.
    pub fn block_states(&self, piece: PieceIndex) -> Result<Vec<BlockState>, Error> {
        let states =
            self.inner()?.core.query(&self.entry, move |view| view.torrent.block_states(piece))?;
        if states.is_empty() { Err(ErrorKind::Range.into()) } else { Ok(states) }
    }

    /// Reads a piece from the disk, whether it passed or not.
    pub fn read_piece(&self, piece: PieceIndex) -> Result<bytes::Bytes, Error> {
        self.inner()?.core.read_piece(&self.entry, piece)
    }

    /// The connected peers.
    pub fn peers(&self) -> Result<Vec<PeerInfo>, Error> {
        self.inner()?.core.query(&self.entry, |view| {
            let peers = view.torrent.peers(view.now).into_iter();
            let info = |status: PeerStatus| {
                let connected_secs = view.now.since(status.connected_at).as_secs();
                PeerInfo { status, connected_secs }
            };
            peers.map(info).collect()
        })
    }

    /// The trackers, by tier.
    pub fn trackers(&self) -> Result<Vec<TrackerInfo>, Error> {
        self.inner()?.core.query(&self.entry, |view| {
            let info = |t: &crate::proto::tracker::TrackerStatus| TrackerInfo {
                url: t.url.clone(),
                tier: t.tier,
                fails: t.fails,
                updating: t.updating,
                verified: t.verified,
                next_announce_secs: t.next_announce.map(|at| at.since(view.now).as_secs()),
                complete: t.scrape.0,
                incomplete: t.scrape.1,
                downloaded: t.scrape.2,
                message: t.message.clone(),
            };
            view.trackers.iter().map(info).collect()
        })
    }
}

fn check_priority(priority: u8) -> Result<(), Error> {
    if priority > 7 {
        return Err(Error::new(ErrorKind::Range, "a priority is above 7"));
    }
    Ok(())
}

/// A path from the system's bytes; refuses NUL bytes.
pub fn path(bytes: &[u8]) -> Result<PathBuf, Error> {
    if bytes.contains(&0) {
        return Err(Error::new(ErrorKind::Invalid, "a path holds a NUL byte"));
    }
    Ok(path_from_bytes(bytes))
}

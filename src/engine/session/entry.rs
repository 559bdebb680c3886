//! What the session keeps of a torrent, besides what its shard knows.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::base::{FileIndex, InfoHash, TorrentId};
use crate::codec::metainfo::{Info, Metainfo, Tiers};
use crate::engine::events::Event;
use crate::engine::formats::TorrentFile;
use crate::engine::requests::Verdict;
use crate::swarm::{SavePolicy, Tuning};

/// An inline hook: takes a request's event, gives the answer, or `None` when
/// the answer comes later. Runs on the session's hook thread.
pub type HookFn = dyn Fn(&Event) -> Option<Verdict> + Send + Sync;

/// How a host wants to be asked.
#[derive(Clone)]
pub struct Hook {
    pub(super) call: Option<Arc<HookFn>>,
    pub(super) overrides: bool,
    _keep: Option<Arc<dyn Any + Send + Sync>>,
}

impl Hook {
    /// A function on the hook thread.
    pub fn inline(call: impl Fn(&Event) -> Option<Verdict> + Send + Sync + 'static) -> Self {
        Self { call: Some(Arc::new(call)), overrides: false, _keep: None }
    }

    /// A request in the event queue, answered with the session's `complete`.
    #[must_use]
    pub fn queued() -> Self {
        Self { call: None, overrides: false, _keep: None }
    }

    /// As [`Self::queued`], with something that is dropped when the hook is.
    pub fn queued_with(keep: impl Any + Send + Sync) -> Self {
        Self { call: None, overrides: false, _keep: Some(Arc::new(keep)) }
    }

    /// As a verifier: whether it is asked about pieces whose hash did not match too, and its word
    /// counts.
    #[must_use]
    pub fn overriding(mut self, overrides: bool) -> Self {
        self.overrides = overrides;
        self
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.call.is_some() { "Hook::inline" } else { "Hook::queued" })
    }
}

/// The hooks of a torrent, or the session's for torrents that have none.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// Asked about pieces.
    pub verify: Option<Hook>,
    /// Asked to keep resume data.
    pub save: Option<Hook>,
}

impl Hooks {
    fn boxed(self) -> Option<Box<Self>> {
        (self.verify.is_some() || self.save.is_some()).then(|| Box::new(self))
    }
}

/// How a torrent is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Delete the content.
    pub delete_files: bool,
    /// Keep the saved state (after a last save).
    pub keep_state: bool,
}

/// What the host set for a torrent.
#[derive(Clone, Debug)]
pub(super) struct Prefs {
    pub(super) paused: bool,
    pub(super) save_policy: SavePolicy,
    pub(super) upload_limit: Option<u64>,
    pub(super) download_limit: Option<u64>,
    pub(super) max_connections: Option<u32>,
    pub(super) upload_slots: Option<u32>,
    /// Looked up and announced in the DHT, when the session is and it is not private.
    pub(super) dht: bool,
    /// The verifier in force may overrule the hash.
    pub(super) verify_override: bool,
    pub(super) trackers: Tiers,
    pub(super) names: Option<Box<Names>>,
    /// Which save failed last, and why.
    pub(super) save_error: Option<Box<(u64, String)>>,
}

/// Names of files that differ from the metainfo's.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub(super) renamed: BTreeMap<FileIndex, String>,
    /// Renames under way.
    pub(super) renaming: BTreeMap<FileIndex, String>,
}

impl Prefs {
    /// The session's tuning with what was set for this torrent; the same one when that is nothing.
    pub(super) fn tuning(&self, session: &Arc<Tuning>) -> Arc<Tuning> {
        let max_connections = self.max_connections.unwrap_or(session.max_connections);
        let unchoke_slots = self.upload_slots.unwrap_or(session.unchoke_slots);
        let verify_override = self.verify_override;
        let dht = self.dht && session.dht;
        let own = (max_connections, unchoke_slots, verify_override, dht);
        let sessions = (session.max_connections, session.unchoke_slots, session.verify_override);
        if own == (sessions.0, sessions.1, sessions.2, session.dht) {
            return Arc::clone(session);
        }
        let tuning = Tuning::clone(session);
        Arc::new(Tuning { max_connections, unchoke_slots, verify_override, dht, ..tuning })
    }
}

/// One torrent of a session.
pub struct Entry {
    /// Number in the session.
    pub id: TorrentId,
    /// Info-hash.
    pub info_hash: InfoHash,
    /// The shard it lives on.
    pub(super) shard: u32,
    pub(super) file: RwLock<Arc<TorrentFile>>,
    /// Boxed: most torrents have none of their own.
    hooks: Mutex<Option<Box<Hooks>>>,
    pub(super) prefs: Mutex<Prefs>,
    pub(super) removal: Mutex<Option<Removal>>,
    gone: AtomicBool,
    /// The store has all that it takes to bring it back.
    kept: AtomicBool,
    /// Place in the queue.
    rank: AtomicI64,
    /// Generation that was not kept, because nothing is there to keep it.
    discarded: AtomicU64,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({}, {})", self.id, self.info_hash)
    }
}

impl Entry {
    pub(super) fn new(
        id: TorrentId,
        shard: u32,
        file: Arc<TorrentFile>,
        hooks: Hooks,
        prefs: Prefs,
    ) -> Self {
        Self {
            id,
            info_hash: file.metainfo.info.info_hash,
            shard,
            file: RwLock::new(file),
            hooks: Mutex::new(hooks.boxed()),
            prefs: Mutex::new(prefs),
            removal: Mutex::default(),
            gone: AtomicBool::new(false),
            kept: AtomicBool::new(false),
            rank: AtomicI64::new(0),
            discarded: AtomicU64::new(0),
        }
    }

    /// Its own hooks.
    pub(super) fn hooks(&self) -> Hooks {
        self.hooks.lock().as_deref().cloned().unwrap_or_default()
    }

    /// Replaces its own hooks; the old ones.
    pub(super) fn change_hooks(&self, change: impl FnOnce(&mut Hooks)) -> Hooks {
        let mut current = self.hooks.lock();
        let old = current.as_deref().cloned().unwrap_or_default();
        let mut new = old.clone();
        change(&mut new);
        *current = new.boxed();
        old
    }

    /// The torrent file.
    #[must_use]
    pub fn file(&self) -> Arc<TorrentFile> {
        Arc::clone(&self.file.read())
    }

    /// Whether the description of its content is here.
    #[must_use]
    pub fn has_metadata(&self) -> bool {
        self.file.read().metainfo.info.is_known()
    }

    /// The description came.
    pub(super) fn describe(&self, info: Arc<Info>) {
        let trackers = Tiers::clone(&self.prefs.lock().trackers);
        let mut file = self.file.write();
        let metainfo = Metainfo { info, trackers, ..file.metainfo.clone() };
        let raw = metainfo.encode().into();
        *file = Arc::new(TorrentFile { metainfo, raw });
    }

    /// Whether it was removed, or its session closed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.kept.load(Ordering::Relaxed)
    }

    pub(super) fn set_kept(&self) {
        self.kept.store(true, Ordering::Relaxed);
    }

    /// Its place in the queue. Changes under the session's lock of the order.
    pub(super) fn rank(&self) -> i64 {
        self.rank.load(Ordering::Relaxed)
    }

    pub(super) fn set_rank(&self, rank: i64) {
        self.rank.store(rank, Ordering::Relaxed);
    }

    pub(super) fn discard(&self, generation: u64) {
        self.discarded.store(generation, Ordering::Relaxed);
    }

    pub(super) fn is_discarded(&self, generation: u64) -> bool {
        self.discarded.load(Ordering::Relaxed) == generation
    }

    /// Whether its saved state goes with it.
    pub(super) fn drops_state(&self) -> bool {
        self.removal.lock().is_some_and(|r| !r.keep_state)
    }

    /// Its path of a file, relative to the save path unless absolute; `None` when there is no such
    /// file.
    #[must_use]
    pub fn file_path(&self, file: FileIndex) -> Option<String> {
        let prefs = self.prefs.lock();
        if let Some(renamed) = prefs.names.as_ref().and_then(|names| names.renamed.get(&file)) {
            return Some(renamed.clone());
        }
        drop(prefs);
        let torrent = self.file();
        torrent.metainfo.info.files.get(file.idx()).map(|f| f.path.clone())
    }

    /// An entry of a small torrent that lives nowhere.
    #[cfg(test)]
    pub(crate) fn for_tests(id: u64) -> Arc<Self> {
        let raw =
            b"d4:infod6:lengthi1e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee";
        let file = crate::engine::formats::torrent_file(raw).unwrap();
        let prefs = Prefs {
            paused: false,
            save_policy: SavePolicy::default(),
            upload_limit: None,
            download_limit: None,
            max_connections: None,
            upload_slots: None,
            dht: true,
            verify_override: false,
            trackers: Tiers::default(),
            names: None,
            save_error: None,
        };
        Arc::new(Self::new(TorrentId(id), 0, file, Hooks::default(), prefs))
    }
}

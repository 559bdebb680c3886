//! Adding a torrent: what the host said, what the saved state says, what the session's options say,
//! in this order.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::close::Phase;
use super::entry::{Names, Prefs};
use super::keeping::{Entering, Known, resume_of, settle};
use super::{Core, Entry, Hooks};
use crate::base::limits::FILES;
use crate::base::{FileIndex, TorrentId, UnixTime};
use crate::codec::magnet::Magnet;
use crate::codec::metainfo::{Info, Metainfo, Tiers};
use crate::codec::resume::Resume;
use crate::engine::error::{Detail, Error, ErrorKind};
use crate::engine::events::{Event, EventKind, unix_ms};
use crate::engine::formats::{self, TorrentFile};
use crate::engine::host::{AddTorrent, Link, ShardCommand};
use crate::engine::path_from_bytes;
use crate::engine::settings::Settings;
use crate::engine::store::Stored;
use crate::swarm::{Command, LoadPolicy, Notice, SavePolicy, SavedWindow, TorrentParams};

/// Where saved state comes from.
#[derive(Clone, Debug, Default)]
pub enum ResumeSource {
    /// The built-in store, when there is one.
    #[default]
    Store,
    /// Nowhere.
    None,
    /// Here.
    Given(Arc<Resume>),
}

/// Everything a host may say about a torrent to add. `None` leaves it to the saved state, then to
/// the session's options.
#[derive(Clone, Debug, Default)]
pub struct AddRequest {
    /// The torrent; not needed when the resume data embeds it, or with `magnet`.
    pub file: Option<Arc<TorrentFile>>,
    /// The torrent, by its info-hash; peers or saved state have the rest. `file` goes before it.
    pub magnet: Option<Magnet>,
    /// When the session has the torrent, what is said here of trackers, peers and metadata is added
    /// to it; else that is an error.
    pub merge: bool,
    /// Directory of the content.
    pub save_path: Option<PathBuf>,
    /// Saved state.
    pub resume: ResumeSource,
    /// Start stopped.
    pub paused: Option<bool>,
    /// In order.
    pub sequential: Option<bool>,
    /// Reserve space.
    pub preallocate: Option<bool>,
    /// 0..=7 by file, missing ones 4.
    pub file_priority: Option<Vec<u8>>,
    /// Other paths of files.
    pub renamed: Vec<(FileIndex, String)>,
    /// Tiers.
    pub trackers: Option<Tiers>,
    /// Addresses to try.
    pub peers: Vec<SocketAddr>,
    /// Bytes per second, download and upload.
    pub limits: Option<(Option<u64>, Option<u64>)>,
    /// When to save.
    pub save_policy: Option<SavePolicy>,
    /// What to trust.
    pub load_policy: Option<LoadPolicy>,
    /// Whether to use the DHT.
    pub dht: Option<bool>,
    /// Take complete files for good and hash pieces when they are first asked for.
    pub seed_mode: bool,
    /// Hooks of this torrent.
    pub hooks: Hooks,
}

/// A torrent that may enter the session. Counts as one of its shard's already.
pub(super) struct Ready {
    entry: Arc<Entry>,
    add: Box<AddTorrent>,
    /// Its place in the queue, if it had one.
    rank: Option<i64>,
    /// What the store is to hold of it.
    entering: Option<Entering>,
    /// Why the stored state was not used.
    complaint: Option<String>,
}

/// A request with its torrent file and saved state found.
pub(super) struct Found {
    pub(super) file: Arc<TorrentFile>,
    /// What it is known by while its metadata is not.
    pub(super) magnet: Option<Magnet>,
    pub(super) resume: Option<Arc<Resume>>,
    /// Why the stored state was not used.
    pub(super) complaint: Option<String>,
    pub(super) save_path: PathBuf,
    pub(super) known: Known,
}

impl Core {
    /// Adds a torrent.
    pub fn add(self: &Arc<Self>, request: AddRequest) -> Result<Arc<Entry>, Error> {
        self.check_open()?;
        if let Some(other) = self.known_to(&request) {
            self.merge(&other, &request)?;
            return Ok(other);
        }
        let found = self.gather(&request)?;
        let ready = self.make_ready(request, found)?;
        self.publish(vec![ready]).pop().unwrap_or_else(|| Err(ErrorKind::State.into()))
    }

    /// Makes a torrent of a request about which everything is known. To be published.
    pub(super) fn make_ready(&self, request: AddRequest, mut found: Found) -> Result<Ready, Error> {
        let info = Arc::clone(&found.file.metainfo.info);
        check(&request, &info)?;
        let settings = self.settings();
        let mut prefs = prefs(&request, found.resume.as_deref(), &found.file, &settings);
        let entering = self.keeper.as_ref().map(|_| Entering::new(&request, &found, &prefs));
        // State from before its description came: which files the link names still counts.
        let early = found.resume.as_ref().is_some_and(|resume| resume.pieces.is_none());
        let resume = found.resume.take();
        prefs.trackers = self.shared.lock().tiers(&prefs.trackers);
        let id = TorrentId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let file = Arc::clone(&found.file);
        let shard = self.least_loaded();
        self.load_more(shard);
        let entry = Arc::new(Entry::new(id, shard, file, request.hooks.clone(), prefs.clone()));
        let overrides = self.verifier_of(&entry).is_some_and(|hook| hook.overrides);
        entry.prefs.lock().verify_override = overrides;
        let prefs = Prefs { verify_override: overrides, ..prefs };
        let saved = (resume, found.known.window.take());
        let mut add = self.build(&entry, &request, saved, &prefs, &settings, &found.save_path);
        if info.is_known() {
            let link = found.magnet.filter(|_| early);
            add.params.selected = link.and_then(|magnet| magnet.selected);
        } else if let Some(magnet) = found.magnet {
            add.link = link_of(&magnet);
            add.params.link = Some(magnet.to_string().into());
            add.params.selected = magnet.selected;
            add.params.url_list = Some(magnet.web_seeds);
        }
        Ok(Ready { entry, add, rank: found.known.rank, entering, complaint: found.complaint })
    }

    /// Finds the torrent file, the saved state and the save path.
    fn gather(&self, request: &AddRequest) -> Result<Found, Error> {
        let given = match &request.resume {
            ResumeSource::Given(resume) => Some(resume),
            _ => None,
        };
        let mut magnet = request.magnet.clone();
        let mut file = match (&request.file, &magnet, given) {
            (Some(file), _, _) => Arc::clone(file),
            (None, Some(magnet), _) => formats::from_magnet(magnet)?,
            (None, None, Some(resume)) if resume.info.is_some() => formats::from_resume(resume)?,
            (None, None, Some(resume)) => {
                formats::from_magnet(magnet.insert(formats::magnet_of(resume)))?
            }
            (None, None, None) => return Err(Error::new(ErrorKind::Invalid, "no torrent given")),
        };
        let info_hash = file.metainfo.info.info_hash;
        let (known, stored, mut complaint) = match self.stored(&info_hash) {
            Ok(stored) => {
                let stored = stored.unwrap_or_default();
                (self.known(&stored), stored, None)
            }
            Err(error) => (Known::default(), Stored::default(), Some(error.to_string())),
        };
        let resume = match &request.resume {
            ResumeSource::Store => {
                complaint = complaint.or_else(|| stored.damage.clone());
                let blob = stored.blob.as_ref().map(|blob| resume_of(blob, &info_hash)).transpose();
                blob.unwrap_or_else(|reason| {
                    complaint = Some(reason);
                    None
                })
            }
            _ => {
                complaint = stored.damage.clone().filter(|_| stored.window_lost);
                let mut resume = given.cloned();
                if let Some(resume) = resume.as_mut().filter(|_| stored.window_lost) {
                    // Which of its pieces were being written again is not known.
                    Arc::make_mut(resume).pieces = None;
                }
                resume
            }
        };
        if resume.as_ref().is_some_and(|r| r.info_hash != file.metainfo.info.info_hash) {
            let other = Error::new(ErrorKind::Resume, "the resume data is of another torrent");
            return Err(other.because(Detail::OtherTorrent));
        }
        if request.file.is_none() && !file.metainfo.info.is_known() {
            // Known from an earlier session: the metadata, or what it was looked for with.
            let magnet = magnet.get_or_insert_default();
            let embedded = resume.as_ref().filter(|saved| saved.info.is_some());
            if let Some(saved) = &resume {
                formats::join(magnet, formats::magnet_of(saved));
            }
            file = match (embedded, &stored.metainfo) {
                (Some(saved), _) => formats::from_resume(saved)?,
                (None, Some(raw)) => formats::torrent_file(raw)?,
                (None, None) => formats::from_magnet(magnet)?,
            };
        }
        let mut resume = resume;
        if request.save_path.is_none() && matches!(request.resume, ResumeSource::Store) {
            let info = &file.metainfo.info;
            settle(info, resume.as_mut(), stored.params.as_deref())?;
        }
        let saved = resume.as_ref().map(|r| r.save_path.as_slice()).filter(|p| !p.is_empty());
        let save_path = request.save_path.clone().or_else(|| saved.map(path_from_bytes));
        let save_path =
            save_path.ok_or_else(|| Error::new(ErrorKind::Invalid, "no save path given"))?;
        Ok(Found { file, magnet, resume, complaint, save_path, known })
    }

    /// The torrent a request that may be merged is about, when the session has it.
    fn known_to(&self, request: &AddRequest) -> Option<Arc<Entry>> {
        let of_file = request.file.as_ref().map(|file| file.metainfo.info.info_hash);
        let of_magnet = || request.magnet.as_ref().and_then(|magnet| magnet.info_hash);
        let hash = of_file.or_else(of_magnet).filter(|_| request.merge)?;
        self.find(&hash)
    }

    /// Adds what a request says to a torrent that is there: trackers, peers, the metadata when it
    /// has none. A private torrent takes only peers the host names (BEP 27).
    fn merge(&self, entry: &Arc<Entry>, request: &AddRequest) -> Result<(), Error> {
        for addr in &request.peers {
            self.command(entry, Command::AddPeer(*addr))?;
        }
        let file = entry.file();
        if file.metainfo.info.private {
            return Ok(());
        }
        let given = request.file.as_ref().map(|file| &file.metainfo);
        let from_file = given.map(|metainfo| Tiers::clone(&metainfo.trackers));
        let from_link = request.magnet.as_ref().filter(|_| given.is_none());
        let of_link = from_link.map(|link| {
            Arc::new(link.trackers.iter().map(|url| vec![url.clone()]).collect::<Vec<_>>())
        });
        if let Some(tiers) = request.trackers.clone().or(from_file).or(of_link) {
            self.change_trackers(entry, |current| merge_tiers(current, &tiers))?;
        }
        if let Some(link) = from_link.map(link_of).filter(|link| *link != Link::default()) {
            self.send(entry, ShardCommand::Link(entry.id, link))?;
        }
        if let Some(metainfo) = given {
            self.dht_learn(entry, metainfo);
        }
        if let Some(metainfo) = given.filter(|_| !file.metainfo.info.is_known()) {
            self.command(entry, Command::Metadata(Arc::clone(&metainfo.info)))?;
        }
        Ok(())
    }

    /// Takes what a torrent file from a link's source says beside the description: its trackers go
    /// behind the link's. Called on network threads.
    pub(super) fn take_file(&self, entry: &Entry, file: &Metainfo) {
        // It fails when the session is going away, and then nobody asks trackers.
        if !file.trackers.is_empty() {
            let _ = self.change_trackers(entry, |current| merge_tiers(current, &file.trackers));
        }
        self.dht_learn(entry, file);
    }

    /// The shard with the fewest torrents. Two that are added at once may both get it.
    fn least_loaded(&self) -> u32 {
        let lightest = (0..).zip(&self.loads).min_by_key(|(_, load)| load.load(Ordering::Relaxed));
        lightest.map_or(0, |(shard, _)| shard)
    }

    /// A torrent of this shard is about to enter the registry.
    fn load_more(&self, shard: u32) {
        if let Some(load) = self.loads.get(shard as usize) {
            load.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A torrent of this shard left the registry, or did not get there.
    pub(super) fn unload(&self, shard: u32) {
        if let Some(load) = self.loads.get(shard as usize) {
            load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn build(
        &self,
        entry: &Entry,
        request: &AddRequest,
        (resume, window): (Option<Arc<Resume>>, Option<SavedWindow>),
        prefs: &Prefs,
        settings: &Settings,
        save_path: &Path,
    ) -> Box<AddTorrent> {
        let paused = prefs.paused || self.is_paused();
        let saved = |f: fn(&Resume) -> bool| resume.as_deref().is_some_and(f);
        let sequential = request.sequential.unwrap_or_else(|| saved(|r| r.sequential));
        let preallocate =
            request.preallocate.unwrap_or_else(|| settings.preallocate || saved(|r| r.preallocate));
        let renamed = prefs.names.iter().flat_map(|names| &names.renamed);
        let renamed: Vec<_> = renamed.map(|(file, path)| (*file, path.clone())).collect();
        let unknown = !entry.has_metadata();
        let own_trackers = resume.is_some() || request.trackers.is_some() || unknown;
        let (save_path, path_bytes) = self.shared.lock().path(save_path);
        let mut rng = self.rng.lock();
        let params = TorrentParams {
            id: entry.id,
            info: Arc::clone(&entry.file().metainfo.info),
            link: None,
            selected: None,
            url_list: None,
            resume,
            window,
            seed_mode: request.seed_mode,
            peer_id: self.peer_id,
            listen_port: self.listening().first().map_or(0, SocketAddr::port),
            external_addr: self.external(false).or_else(|| self.external(true)),
            tuning: prefs.tuning(&self.tuning()),
            paused,
            sequential,
            file_priority: request.file_priority.clone(),
            save_policy: self.policy_of(entry),
            load_policy: request.load_policy.unwrap_or(settings.load_policy),
            verify_window: self.verifier_of(entry).map(|_| settings.verify_window),
            seed: rng.next_u64(),
            unix_now: UnixTime(unix_ms() / 1000),
            save_path: path_bytes,
            renamed: renamed.clone(),
            preallocate,
            limits: Some((prefs.upload_limit, prefs.download_limit)),
            trackers: own_trackers.then(|| Tiers::clone(&prefs.trackers)),
        };
        drop(rng);
        Box::new(AddTorrent {
            params,
            trackers: Tiers::clone(&prefs.trackers),
            save_path,
            renamed,
            preallocate,
            upload_limit: prefs.upload_limit,
            download_limit: prefs.download_limit,
            peers: request.peers.clone(),
            dht: prefs.dht,
            link: Link::default(),
        })
    }

    /// Enters torrents and starts them, each unless it is there or the session closes. Their places
    /// in the queue are those they had, or the last. What all of them need is done once: locks,
    /// and waking their shards and the host.
    pub(super) fn publish(self: &Arc<Self>, ready: Vec<Ready>) -> Vec<Result<Arc<Entry>, Error>> {
        let mut out = Vec::with_capacity(ready.len());
        // Held so that a close that begins now sees the torrents.
        let phase = self.phase.lock();
        if *phase != Phase::Open {
            ready.iter().for_each(|torrent| self.unload(torrent.entry.shard));
            out.resize_with(ready.len(), || Err(ErrorKind::Closed.into()));
            return out;
        }
        let mut entered = Vec::with_capacity(ready.len());
        let mut registry = self.registry.write();
        let mut order = self.order.lock();
        for torrent in ready {
            let Ready { entry, rank, .. } = &torrent;
            if let Some(other) = registry.by_hash.get(&entry.info_hash) {
                out.push(Err(Error::from(ErrorKind::Duplicate).of(other.id)));
                self.unload(entry.shard);
                continue;
            }
            registry.by_hash.insert(entry.info_hash, Arc::clone(entry));
            registry.by_id.insert(entry.id, Arc::clone(entry));
            match rank {
                Some(rank) => {
                    order.enter(entry.id, *rank);
                    entry.set_rank(*rank);
                }
                None => entry.set_rank(order.append(entry.id)),
            }
            out.push(Ok(Arc::clone(entry)));
            entered.push(torrent);
        }
        drop(order);
        drop(registry);
        self.queue.hold();
        let mut mail: Vec<(u32, Vec<ShardCommand>)> = Vec::new();
        for Ready { entry, add, entering, complaint, .. } in entered {
            self.queue.push(Event::now(Some(Arc::clone(&entry)), EventKind::Added));
            self.complain(&entry, complaint);
            // Before its shard has it: its first save comes after this.
            if let Some(entering) = entering {
                self.enter(&entry, entering);
            }
            let add = ShardCommand::Add(add);
            match mail.iter_mut().find(|(shard, _)| *shard == entry.shard) {
                Some((_, commands)) => commands.push(add),
                None => mail.push((entry.shard, vec![add])),
            }
        }
        let shards = self.shards();
        let sent = |number: u32, commands| {
            shards.get(number as usize).is_some_and(|shard| shard.send_all(commands))
        };
        mail.retain_mut(|(number, commands)| !sent(*number, std::mem::take(commands)));
        self.queue.release();
        drop(phase);
        mail.iter().for_each(|(number, _)| self.take_back(*number, &mut out));
        for entry in out.iter().flatten() {
            self.dht_learn(entry, &entry.file().metainfo);
        }
        out
    }

    /// A shard has ended: what was to go there is not in the session after all.
    fn take_back(&self, shard: u32, published: &mut [Result<Arc<Entry>, Error>]) {
        for torrent in published {
            if let Some(id) = torrent.as_ref().ok().filter(|e| e.shard == shard).map(|e| e.id) {
                self.forget(id);
                *torrent = Err(Error::from(ErrorKind::Closed).of(id));
            }
        }
    }

    /// Tells why stored state was not used.
    fn complain(&self, entry: &Arc<Entry>, complaint: Option<String>) {
        let Some(reason) = complaint else { return };
        let pieces = entry.file().metainfo.info.piece_count();
        let notice = Notice::ResumeRejected { partial: false, file: None, reason, pieces };
        self.queue.push(Event::now(Some(Arc::clone(entry)), EventKind::Notice(notice)));
    }
}

/// Where else a link says to look.
fn link_of(magnet: &Magnet) -> Link {
    let sources = magnet.sources.iter().chain(&magnet.fallback_sources);
    Link { peers: magnet.peers.clone(), sources: sources.cloned().collect() }
}

/// Puts trackers that are not there yet in tiers behind those that are.
fn merge_tiers(current: &mut Vec<Vec<String>>, more: &[Vec<String>]) {
    for tier in more {
        let known = |url: &String| current.iter().flatten().any(|other| other == url);
        let new: Vec<String> = tier.iter().filter(|url| !known(url)).cloned().collect();
        if !new.is_empty() {
            current.push(new);
        }
    }
}

/// Refuses what the torrent does not have.
fn check(request: &AddRequest, info: &Info) -> Result<(), Error> {
    let files = if info.is_known() { info.files.len() } else { FILES };
    if !info.is_known() && !request.renamed.is_empty() {
        let text = "files can be renamed once the metadata is here";
        return Err(Error::new(ErrorKind::NoMetadata, text));
    }
    let outside = request.renamed.iter().any(|(f, _)| f.idx() >= files)
        || request.file_priority.as_ref().is_some_and(|p| p.len() > files);
    if outside {
        return Err(Error::new(ErrorKind::Range, "a file number is beyond the torrent's files"));
    }
    request.renamed.iter().try_for_each(|(file, path)| check_name(*file, path))?;
    if request.file_priority.iter().flatten().any(|p| *p > 7) {
        return Err(Error::new(ErrorKind::Range, "a priority is above 7"));
    }
    Ok(())
}

/// Refuses new names of a file that could lead out of the content's directory or name nothing.
/// Absolute paths are the host's right.
pub(super) fn check_name(file: FileIndex, path: &str) -> Result<(), Error> {
    let inside = path.strip_prefix('/').unwrap_or(path);
    if path.contains('\0') || inside.split('/').any(|part| matches!(part, "" | "." | "..")) {
        let text = format!("file {file} cannot be called {path:?}");
        return Err(Error::new(ErrorKind::Invalid, text));
    }
    Ok(())
}

fn prefs(
    request: &AddRequest,
    resume: Option<&Resume>,
    file: &TorrentFile,
    settings: &Settings,
) -> Prefs {
    let mut renamed: BTreeMap<FileIndex, String> = resume
        .iter()
        .flat_map(|r| r.mapped_files.iter().zip(0..))
        .map(|(path, i)| (FileIndex(i), path.clone()))
        .filter(|(file, path)| check_name(*file, path).is_ok())
        .collect();
    renamed.extend(request.renamed.iter().cloned());
    let (download_limit, upload_limit) = request.limits.unwrap_or_else(|| {
        resume.map_or((None, None), |r| (r.download_rate_limit, r.upload_rate_limit))
    });
    let saved_trackers = || resume.and_then(|r| r.trackers.clone());
    let trackers = request.trackers.clone().or_else(saved_trackers);
    let trackers = match trackers {
        // A link may name more than were saved.
        Some(saved) if !file.metainfo.info.is_known() && request.trackers.is_none() => {
            let mut all = saved.to_vec();
            merge_tiers(&mut all, &file.metainfo.trackers);
            Some(Tiers::new(all))
        }
        trackers => trackers,
    };
    let names = Names { renamed, renaming: BTreeMap::new() };
    Prefs {
        paused: request.paused.unwrap_or_else(|| resume.is_some_and(was_paused)),
        save_policy: request.save_policy.unwrap_or(settings.save_policy),
        upload_limit,
        download_limit,
        max_connections: resume.and_then(|r| r.max_connections).filter(|n| *n > 0),
        upload_slots: resume.and_then(|r| r.max_uploads).filter(|n| *n > 0),
        dht: request.dht.unwrap_or_else(|| !resume.is_some_and(|r| r.flag(b"disable_dht"))),
        trackers: trackers.unwrap_or_else(|| file.metainfo.trackers.clone()),
        names: (!names.renamed.is_empty()).then(|| Box::new(names)),
        save_error: None,
        verify_override: false,
    }
}

/// libtorrent marks every torrent that its queue manager handles as paused when it saves: only a
/// pause that no queue manager would end counts.
fn was_paused(resume: &Resume) -> bool {
    resume.paused && !resume.auto_managed
}

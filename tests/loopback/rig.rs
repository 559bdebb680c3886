//! A session's stand-in: shards, a disk pool, a host that answers everything with yes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use tern::base::{
    FileIndex, Geometry, InfoHash, PeerId, PeerKey, PieceIndex, Rng, TorrentId, UnixTime,
};
use tern::codec::metainfo::{FileAttr, FileEntry, Info, Metainfo};
use tern::disk::{Pool, PoolConfig, PoolStats};
use tern::engine::host::{
    AddTorrent, Directory, Host, Link, PeerAnswer, SaveRequest, ShardCommand, TorrentView,
    TrackerEvent, Traffic, VerifyRequest,
};
use tern::engine::settings::Settings;
use tern::engine::shard::{self, Spawned};
use tern::proto::peer::Message;
use tern::proto::tracker::udp::UdpCounts;
use tern::swarm::window::Entry;
use tern::swarm::{
    Command, LoadPolicy, Notice, SavePolicy, SaveVerdict, Status, TorrentParams, TorrentState,
    VerifyVerdict, Wire,
};

/// Long enough for any step on a busy machine; reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the host was told.
#[derive(Default)]
pub struct Told {
    pub notices: Vec<(TorrentId, Notice)>,
    pub tracker: Vec<(TorrentId, TrackerEvent)>,
    pub verified: Vec<PieceIndex>,
    pub saves: u32,
    pub closed: Vec<TorrentId>,
    pub panicked: Vec<(Option<TorrentId>, String)>,
    pub listening: Vec<(String, SocketAddr)>,
    pub wire: Vec<(PeerKey, bool, Message)>,
    pub metadata: Vec<(TorrentId, Arc<Info>)>,
    pub sources_failed: Vec<(TorrentId, String, String)>,
    pub traffic: Vec<Traffic>,
    pub asked: Vec<(SocketAddr, bool)>,
}

#[derive(Default)]
struct TestHost {
    told: Mutex<Told>,
    changed: Condvar,
    shards: OnceLock<Vec<shard::ShardHandle>>,
    homes: Mutex<BTreeMap<TorrentId, (usize, InfoHash)>>,
    /// Says no to addresses.
    refuses: AtomicBool,
}

impl TestHost {
    fn tell(&self, f: impl FnOnce(&mut Told)) {
        f(&mut self.told.lock().unwrap());
        self.changed.notify_all();
    }

    fn send(&self, id: TorrentId, command: ShardCommand) -> bool {
        let home = self.homes.lock().unwrap()[&id].0;
        self.shards.get().unwrap()[home].send(command)
    }
}

impl Host for TestHost {
    fn notice(&self, torrent: TorrentId, notice: Notice) {
        self.tell(|t| t.notices.push((torrent, notice)));
    }
    fn tracker(&self, torrent: TorrentId, event: TrackerEvent) {
        self.tell(|t| t.tracker.push((torrent, event)));
    }
    fn metadata(&self, torrent: TorrentId, info: Arc<Info>) {
        self.tell(|t| t.metadata.push((torrent, info)));
    }
    fn source_file(&self, _: TorrentId, _: &Metainfo) {}
    fn source_failed(&self, torrent: TorrentId, url: String, reason: String) {
        self.tell(|t| t.sources_failed.push((torrent, url, reason)));
    }
    fn verify(&self, id: TorrentId, request: VerifyRequest) {
        self.tell(|t| t.verified.push(request.piece));
        let verdict = VerifyVerdict::Accept;
        self.send(id, ShardCommand::Verdict(id, request.piece, request.attempt, verdict));
    }
    fn journal(&self, id: TorrentId, entry: Entry) {
        self.send(id, ShardCommand::Journaled(id, entry.mark, Ok(())));
    }
    fn save(&self, id: TorrentId, request: SaveRequest) {
        self.tell(|t| t.saves += 1);
        self.send(id, ShardCommand::SaveAnswer(id, request.generation, SaveVerdict::Accept));
    }
    fn closed(&self, torrent: TorrentId) {
        self.tell(|t| t.closed.push(torrent));
    }
    fn listen(&self, wanted: &str, result: Result<SocketAddr, std::io::Error>) {
        self.tell(|t| t.listening.push((wanted.to_owned(), result.unwrap())));
    }
    fn panicked(&self, torrent: Option<TorrentId>, message: String) {
        self.tell(|t| t.panicked.push((torrent, message)));
    }
    fn wire(&self, _torrent: TorrentId, wire: &Wire) {
        self.tell(|t| t.wire.push((wire.peer, wire.incoming, wire.message.clone())));
    }
    fn traffic(&self, _torrent: TorrentId, traffic: Traffic) {
        self.tell(|t| t.traffic.push(traffic));
    }
    fn ask_peer(&self, _torrent: TorrentId, addr: SocketAddr, incoming: bool, say: PeerAnswer) {
        self.tell(|t| t.asked.push((addr, incoming)));
        let _ = say.send(!self.refuses.load(Ordering::Relaxed));
    }
}

impl Directory for TestHost {
    fn find(&self, info_hash: &InfoHash) -> Option<(usize, TorrentId)> {
        let homes = self.homes.lock().unwrap();
        homes.iter().find(|(_, (_, h))| h == info_hash).map(|(id, (shard, _))| (*shard, *id))
    }
}

/// A running session.
pub struct Rig {
    host: Arc<TestHost>,
    spawned: Spawned,
    pool: Arc<Pool>,
    pub addr: SocketAddr,
    next: u64,
}

impl Rig {
    /// `shards` network threads listening on 127.0.0.1, the settings changed by `change`.
    pub fn new(shards: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings { listen: vec!["127.0.0.1:0".into()], ..Settings::default() };
        change(&mut settings);
        let config = PoolConfig {
            threads: 2,
            max_open_files: 64,
            write_budget_bytes: settings.memory_budget_bytes / 2,
            hasher: tern::engine::hashing::factory(tern::hash::Hasher::auto()),
        };
        let pool = Arc::new(Pool::new(config).unwrap());
        let host = Arc::new(TestHost::default());
        let spawned =
            shard::spawn(shards, Arc::new(settings), host.clone(), host.clone(), Arc::clone(&pool))
                .unwrap();
        assert!(host.shards.set(spawned.handles.clone()).is_ok());
        let addr = *spawned.listening[0].1.as_ref().unwrap();
        Self { host, spawned, pool, addr, next: 1 }
    }

    /// What went to UDP trackers and came back.
    pub fn udp_counts(&self) -> UdpCounts {
        *self.spawned.udp.trackers.lock()
    }

    /// Adds a torrent to a shard.
    pub fn add(
        &mut self,
        shard: usize,
        info: &Arc<Info>,
        dir: &Path,
        change: impl FnOnce(&mut AddTorrent),
    ) -> TorrentId {
        let id = TorrentId(self.next);
        self.next += 1;
        self.host.homes.lock().unwrap().insert(id, (shard, info.info_hash));
        let mut peer_id = *b"-TN0010-............";
        Rng::new(u64::from(self.addr.port())).fill(&mut peer_id[8..]);
        let mut add = AddTorrent {
            params: TorrentParams {
                id,
                info: Arc::clone(info),
                link: None,
                selected: None,
                url_list: None,
                resume: None,
                window: None,
                seed_mode: false,
                peer_id: PeerId(peer_id),
                listen_port: self.addr.port(),
                external_addr: None,
                tuning: Arc::default(),
                paused: false,
                sequential: false,
                file_priority: None,
                save_policy: SavePolicy::default(),
                load_policy: LoadPolicy::default(),
                verify_window: None,
                seed: u64::from(self.addr.port()) << 16 | id.0,
                unix_now: UnixTime(1_700_000_000),
                save_path: dir.as_os_str().as_encoded_bytes().into(),
                renamed: Vec::new(),
                preallocate: false,
                limits: None,
                trackers: None,
            },
            trackers: Arc::default(),
            save_path: dir.into(),
            renamed: Vec::new(),
            preallocate: false,
            upload_limit: None,
            download_limit: None,
            dht: true,
            peers: Vec::new(),
            link: Link::default(),
        };
        change(&mut add);
        assert!(self.host.send(id, ShardCommand::Add(Box::new(add))));
        id
    }

    /// Sends a command for a torrent's brain.
    pub fn tell(&self, id: TorrentId, command: Command) {
        assert!(self.send(id, ShardCommand::Torrent(id, command)));
    }

    pub fn send(&self, id: TorrentId, command: ShardCommand) -> bool {
        self.host.send(id, command)
    }

    /// Sends a command to a shard.
    pub fn send_to(&self, shard: usize, command: ShardCommand) -> bool {
        self.spawned.handles[shard].send(command)
    }

    /// Asks a torrent something; `None` when it is gone.
    pub fn ask<T: Send + 'static>(
        &self,
        id: TorrentId,
        question: impl FnOnce(TorrentView<'_>) -> T + Send + 'static,
    ) -> Option<T> {
        let (send, receive) = mpsc::channel();
        let query = Box::new(move |view: Option<TorrentView<'_>>| {
            send.send(view.map(question)).unwrap();
        });
        self.send(id, ShardCommand::Query(id, query));
        receive.recv_timeout(PATIENCE).unwrap()
    }

    pub fn status(&self, id: TorrentId) -> Status {
        self.ask(id, |view| view.torrent.status(view.now)).unwrap()
    }

    /// What the disk threads did.
    pub fn disk(&self) -> PoolStats {
        self.pool.stats()
    }

    /// Waits until what the host was told makes `f` answer.
    pub fn wait<T>(&self, what: &str, mut f: impl FnMut(&Told) -> Option<T>) -> T {
        let mut told = self.host.told.lock().unwrap();
        loop {
            if let Some(answer) = f(&told) {
                return answer;
            }
            let (next, timeout) = self.host.changed.wait_timeout(told, PATIENCE).unwrap();
            told = next;
            if timeout.timed_out() && f(&told).is_none() {
                panic!("no {what}; notices: {:#?}\n{:#?}", told.notices, told.tracker);
            }
        }
    }

    /// Says no, or yes again, to addresses asked about.
    pub fn refuse(&self, refuse: bool) {
        self.host.refuses.store(refuse, Ordering::Relaxed);
    }

    /// Waits until a torrent is complete.
    pub fn wait_finished(&self, id: TorrentId) {
        self.wait("finish", |t| {
            t.notices.iter().any(|(i, n)| *i == id && matches!(n, Notice::Finished)).then_some(())
        });
    }

    /// Waits until a torrent has been in this state.
    pub fn wait_state(&self, id: TorrentId, state: TorrentState) {
        self.wait("such state", |t| {
            let reached = |n: &Notice| matches!(n, Notice::State { new, .. } if *new == state);
            t.notices.iter().any(|(i, n)| *i == id && reached(n)).then_some(())
        });
    }

    /// Waits until a torrent has been checked and takes connections; gives the pieces found.
    pub fn wait_checked(&self, id: TorrentId) -> u32 {
        let running = |n: &Notice| {
            use TorrentState::{Downloading, Finished, Seeding};
            matches!(n, Notice::State { new: Downloading | Finished | Seeding, .. })
        };
        self.wait("check", |t| {
            let mut ours = t.notices.iter().filter(|(i, _)| *i == id).map(|(_, n)| n);
            let have = ours.clone().find_map(|n| match n {
                Notice::Checked { have, .. } => Some(*have),
                _ => None,
            });
            have.filter(|_| ours.any(running))
        })
    }

    /// Closes a torrent and waits for the end of it.
    pub fn close(&self, id: TorrentId) {
        self.tell(id, Command::Close);
        self.wait("close", |t| t.closed.contains(&id).then_some(()));
        self.host.homes.lock().unwrap().get_mut(&id).unwrap().1 = InfoHash([0xee; 20]);
    }

    /// Ends everything; fails when a thread panicked outside of a torrent's code.
    pub fn end(self) -> Told {
        for handle in &self.spawned.handles {
            handle.send(ShardCommand::Shutdown);
        }
        for join in self.spawned.joins {
            join.join().unwrap();
        }
        self.pool.shutdown();
        for handle in &self.spawned.handles {
            assert!(!handle.send(ShardCommand::Shutdown), "an ended shard takes nothing");
        }
        std::mem::take(&mut self.host.told.lock().unwrap())
    }
}

/// Content made from a seed, and its description.
pub struct Content {
    pub info: Arc<Info>,
    pub files: Vec<(String, Vec<u8>)>,
}

impl Content {
    /// A torrent `name` of files with these lengths; one file with an empty path is a single-file
    /// torrent.
    pub fn new(name: &str, piece_len: u32, files: &[(&str, usize)]) -> Self {
        let mut rng = Rng::new(files.iter().map(|f| f.1 as u64).sum());
        let (mut all, mut out, mut entries, mut offset) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let multi_file = !files[0].0.is_empty();
        for (path, length) in files {
            let mut data = vec![0; *length];
            rng.fill(&mut data);
            let path = if multi_file { format!("{name}/{path}") } else { name.to_owned() };
            entries.push(FileEntry {
                path: path.clone(),
                path_raw: path.split('/').skip(1).collect(),
                length: *length as u64,
                offset,
                attr: FileAttr::default(),
                symlink: None,
            });
            offset += *length as u64;
            all.extend_from_slice(&data);
            out.push((path, data));
        }
        let chunks: Vec<[&[u8]; 1]> = all.chunks(piece_len as usize).map(|c| [c]).collect();
        let messages: Vec<&[&[u8]]> = chunks.iter().map(|c| c.as_slice()).collect();
        let pieces = tern::hash::sha1_many(&messages);
        let raw = format!("d4:name{}:{name}e", name.len()).into_bytes();
        let info = Info {
            info_hash: InfoHash(tern::hash::sha1_many(&[&[&raw, &pieces.concat()]])[0]),
            raw: raw.into(),
            name: name.to_owned(),
            name_raw: name.as_bytes().into(),
            geometry: Geometry::new(offset, piece_len).unwrap(),
            pieces: pieces.into(),
            files: entries,
            multi_file,
            private: false,
            source: None,
        };
        Self { info: Arc::new(info), files: out }
    }

    /// Writes the files for which `wanted` says so.
    pub fn write(&self, dir: &Path, wanted: impl Fn(FileIndex) -> bool) {
        for (i, (path, data)) in self.files.iter().enumerate() {
            if wanted(FileIndex(u32::try_from(i).unwrap())) {
                let path = dir.join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, data).unwrap();
            }
        }
    }

    /// Fails unless all files are there, byte for byte.
    pub fn compare(&self, dir: &Path) {
        for (path, data) in &self.files {
            let found = std::fs::read(dir.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(found == *data, "{path} differs");
        }
    }

    pub fn len(&self) -> u64 {
        self.info.geometry.total_len()
    }
}

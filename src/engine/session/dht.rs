//! The session's part of the DHT: commands with tokens, their results in the queue, the hook that
//! is asked about queries, state that is kept.
//!
//! The service itself is on a network thread; nothing here waits for it but what says so. Bounded:
//! a command is accepted while fewer than [`MAX_OPEN`] run or have results the host did not take.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{AddRequest, Core, Entry, Hook};
use crate::base::{InfoHash, TorrentId};
use crate::codec::bencode::{Document, Encoder};
use crate::codec::magnet::Magnet;
use crate::codec::metainfo::Metainfo;
use crate::engine::dht::{Command, DhtEvent, DhtStats, Output, Saved, Service};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::{Event, EventKind, LogLevel, class};
use crate::engine::external::{Source, Vote};
use crate::engine::host::ShardCommand;
use crate::engine::requests::Subject;
use crate::engine::store::Change;
use crate::proto::dht::{self, Contact, NodeId, Observe, PublicKey, SecretKey, Ticket};
use crate::swarm::PeerSource;

/// Commands that run, and results nobody took, at a time.
const MAX_OPEN: usize = 1000;
/// Its name in the store.
const STATE_NAME: &str = "dht";
/// Bytes of a session's state that is loaded.
const STATE_BYTES: usize = 4 << 20;

/// What the session keeps for the DHT.
#[derive(Debug, Default)]
pub(super) struct DhtDesk {
    /// Commands that were given and have not ended.
    open: AtomicUsize,
    hook: Mutex<Option<Hook>>,
    /// Requests that are open because of a held query.
    held: Mutex<BTreeMap<Ticket, u64>>,
    /// Followed pointers whose torrents are to be added, and where to.
    adding: Mutex<BTreeMap<u64, PathBuf>>,
    /// The state the service gave last.
    saved: Mutex<Option<Vec<u8>>>,
}

impl Core {
    fn dht_on(&self) -> Result<(), Error> {
        self.check_open()?;
        if self.settings().dht.enabled {
            return Ok(());
        }
        Err(Error::new(ErrorKind::State, "the DHT is switched off (option dht)"))
    }

    fn dht_send(&self, command: Command) -> Result<(), Error> {
        let first = self.shards().first();
        let sent = first.is_some_and(|shard| shard.send(ShardCommand::Dht(command)));
        if sent { Ok(()) } else { Err(ErrorKind::Closed.into()) }
    }

    /// Begins a command under a new token.
    fn dht_begin(&self, make: impl FnOnce(u64) -> Command) -> Result<u64, Error> {
        self.dht_on()?;
        if self.dht.open.load(Ordering::Relaxed) + self.queue.answers() >= MAX_OPEN {
            let text = "too many DHT commands, or results nobody takes";
            return Err(Error::new(ErrorKind::Busy, text));
        }
        let token = self.requests.token();
        self.dht.open.fetch_add(1, Ordering::Relaxed);
        self.dht_send(make(token)).inspect_err(|_| self.dht_ended())?;
        Ok(token)
    }

    fn dht_ended(&self) {
        let less = |open: usize| open.checked_sub(1);
        let _ = self.dht.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Runs a command; its results come as events with the token.
    pub fn dht_run(&self, command: dht::Command) -> Result<u64, Error> {
        self.dht_begin(|token| Command::Run(token, command))
    }

    /// Ends what runs under a token; results already queued stay. Fine when nothing does.
    pub fn dht_cancel(&self, token: u64) -> Result<(), Error> {
        self.dht_on()?;
        self.dht.adding.lock().remove(&token);
        let (first, again) = (self.shards().first(), Command::Cancel(token));
        // Whether something ran under it only the service knows: it says so in `dht`.
        let sent = first.is_some_and(|shard| shard.send(ShardCommand::Dht(again)));
        if sent { Ok(()) } else { Err(ErrorKind::Closed.into()) }
    }

    /// Follows a mutable pointer (BEP 46). With a path the torrents it points at are added there.
    pub fn dht_follow(
        &self,
        key: PublicKey,
        salt: Vec<u8>,
        interval: Duration,
        add_to: Option<PathBuf>,
    ) -> Result<u64, Error> {
        let token = self.dht_begin(|token| {
            if let Some(path) = add_to {
                self.dht.adding.lock().insert(token, path);
            }
            Command::Follow { token, key, salt, interval }
        })?;
        Ok(token)
    }

    /// Publishes a mutable pointer (BEP 46) and keeps it alive.
    pub fn dht_publish(
        &self,
        secret: SecretKey,
        salt: Vec<u8>,
        info_hash: InfoHash,
    ) -> Result<u64, Error> {
        self.dht_begin(|token| Command::Publish { token, secret, salt, info_hash })
    }

    /// A node to get acquainted with, `host:port`.
    pub fn dht_add_node(&self, host: &str) -> Result<(), Error> {
        self.dht_on()?;
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) || host.len() > 260 {
            return Err(Error::new(ErrorKind::Invalid, "not a host with a port"));
        }
        self.dht_send(Command::AddNode(host.into()))
    }

    /// Takes this id at the first listening address.
    pub fn dht_set_id(&self, id: NodeId) -> Result<(), Error> {
        self.dht_on()?;
        self.dht_send(Command::SetId(id))
    }

    /// Asks the service something and waits. `None` when there is none. Not on network threads.
    pub fn dht_query<R: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Service, crate::base::Instant) -> R + Send + 'static,
    ) -> Result<Option<R>, Error> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let query = Box::new(move |found: Option<(&mut Service, crate::base::Instant)>| {
            let _ = sender.send(found.map(|(service, now)| ask(service, now)));
        });
        self.dht_send(Command::Query(query))?;
        receiver.recv().map_err(|_| ErrorKind::Closed.into())
    }

    /// Gauges and counters; zeros while the DHT is off.
    pub fn dht_stats(&self) -> Result<DhtStats, Error> {
        Ok(self.dht_query(Service::stats)?.unwrap_or_default())
    }

    /// Nodes that are known to be there.
    pub fn dht_nodes(&self) -> Result<Vec<Contact>, Error> {
        Ok(self.dht_query(|service, _| service.nodes())?.unwrap_or_default())
    }

    /// Our id at each listening address.
    pub fn dht_ids(&self) -> Result<Vec<Contact>, Error> {
        Ok(self.dht_query(|service, _| service.ids())?.unwrap_or_default())
    }

    /// Whether a torrent is looked up and announced.
    pub fn set_dht(&self, entry: &Entry, on: bool) -> Result<(), Error> {
        entry.prefs.lock().dht = on;
        self.tell_tuning(entry);
        self.send(entry, ShardCommand::TorrentDht(entry.id, on))
    }

    /// Looks a torrent up and announces it now.
    pub fn dht_announce(&self, entry: &Entry) -> Result<(), Error> {
        self.dht_on()?;
        if entry.is_gone() {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        if entry.file().metainfo.info.private {
            return Err(Error::new(ErrorKind::State, "the torrent is private").of(entry.id));
        }
        self.dht_send(Command::Hurry(entry.id))
    }

    /// The nodes a torrent file names (BEP 5) are got acquainted with.
    pub(super) fn dht_learn(&self, entry: &Entry, file: &Metainfo) {
        const MOST: usize = 16;
        if file.info.private || !entry.prefs.lock().dht {
            return;
        }
        for (host, port) in file.nodes.iter().take(MOST) {
            let host = if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            };
            let _ = self.dht_add_node(&host);
        }
    }

    /// Sets or removes the hook that is asked about incoming queries; the old one.
    pub fn set_dht_hook(&self, hook: Option<Hook>) -> Result<Option<Hook>, Error> {
        self.check_open()?;
        let old = std::mem::replace(&mut *self.dht.hook.lock(), hook);
        self.dht_observe();
        Ok(old)
    }

    /// Tells the service who hears of queries.
    pub(super) fn dht_observe(&self) {
        let hooked = self.dht.hook.lock().is_some();
        let observe = match (hooked, self.settings().dht.query_notices) {
            (true, _) => Observe::Hold,
            (false, true) => Observe::Notice,
            (false, false) => Observe::Off,
        };
        let _ = self.dht_send(Command::Observe(observe));
    }

    /// Removes the hook, which may run the host's clean-up code: not on network threads.
    pub(super) fn dht_unhook(&self) {
        drop(self.dht.hook.lock().take());
    }

    /// What the service wants done. Called on its network thread.
    pub(super) fn dht_output(self: &Arc<Self>, output: Output) {
        match output {
            Output::Event(torrent, event) => self.dht_event(torrent, event),
            Output::Peers(torrent, peers) => {
                if let Some(entry) = self.find_id(torrent) {
                    if self.queue.wants(class::DHT) {
                        let told = DhtEvent::Peers { token: 0, peers: peers.clone() };
                        self.dht_event(Some(torrent), told);
                    }
                    let found = ShardCommand::PeersFound(torrent, PeerSource::Dht, peers);
                    let _ = self.send(&entry, found);
                }
            }
            Output::Ask { ticket, from, kind, target } => {
                let event = |token| DhtEvent::Query { token, from, kind, target };
                let Some(hook) = self.dht.hook.lock().clone() else {
                    let _ = self.dht_send(Command::Verdict(ticket, true));
                    return;
                };
                let token = self.requests.open_free(Subject::DhtQuery(ticket));
                self.dht.held.lock().insert(ticket, token);
                let kind = EventKind::Dht(Box::new(event(Some(token))));
                self.ask(hook, token, Event::now(None, kind));
            }
            Output::Withdraw(ticket) => {
                let token = self.dht.held.lock().remove(&ticket);
                if let Some(token) = token
                    && self.requests.close(token).is_some()
                {
                    self.queue.withdraw(|other| other == token);
                }
            }
            Output::Save(state) => self.dht_keep(state),
            Output::Cancelled => self.dht_ended(),
            // The shard does these.
            Output::Send { .. } | Output::Resolve(_) => {}
        }
    }

    /// Keeps the service's state, in the store too when there is one.
    fn dht_keep(&self, state: Vec<u8>) {
        if let Some(keeper) = &self.keeper {
            let bytes = Bytes::from(state.clone());
            let change = move || Change::State(STATE_NAME.into(), Some(bytes));
            // A state that was not kept costs the next session a look at its bootstrap nodes.
            keeper.submit(change, |_| ());
        }
        *self.dht.saved.lock() = Some(state);
    }

    /// Gives the service what the store kept.
    pub(super) fn dht_recall(&self) {
        let Some(keeper) = &self.keeper else { return };
        if let Ok(Some(state)) = keeper.store().state(STATE_NAME) {
            // Damaged, it is as good as none.
            let _ = self.dht_restore(&state);
        }
    }

    /// Keeps the last state: the threads are about to end.
    pub(super) fn dht_last(&self) {
        if self.keeper.is_some()
            && let Ok(Some(state)) = self.dht_query(|service, _| service.save())
        {
            self.dht_keep(state);
        }
    }

    /// The host's answer to a held query.
    pub(super) fn dht_verdict(&self, ticket: Ticket, allow: bool) -> Result<(), Error> {
        self.dht.held.lock().remove(&ticket);
        self.dht_send(Command::Verdict(ticket, allow))
    }

    fn dht_event(self: &Arc<Self>, torrent: Option<TorrentId>, event: DhtEvent) {
        let entry = torrent.and_then(|id| self.find_id(id));
        if torrent.is_some() && entry.is_none() {
            return;
        }
        if event.is_end() {
            self.dht_ended();
        }
        if let DhtEvent::External { local, ip } = &event {
            // The voice of all its nodes together.
            let vote = Vote { source: Source::Dht, by: local.ip(), ip: *ip };
            self.external_said(None, vote);
        }
        if let DhtEvent::Update { token, info_hash: Some(info_hash), .. } = &event {
            self.dht_pointed_at(*token, *info_hash);
        }
        self.queue.push(Event::now(entry, EventKind::Dht(Box::new(event))));
    }

    /// A pointer that is followed leads to this torrent: it is added if that was asked for. On the
    /// hook thread, for adding reads the store. One that is there already is left as it is.
    fn dht_pointed_at(self: &Arc<Self>, token: u64, info_hash: InfoHash) {
        let Some(path) = self.dht.adding.lock().get(&token).cloned() else { return };
        let core = Arc::downgrade(self);
        self.hook_worker.start();
        self.hook_worker.send(move || {
            let Some(core) = core.upgrade() else { return };
            let magnet = Magnet { info_hash: Some(info_hash), ..Magnet::default() };
            let request =
                AddRequest { magnet: Some(magnet), save_path: Some(path), ..AddRequest::default() };
            match core.add(request) {
                Err(error) if error.kind() != ErrorKind::Duplicate => {
                    let text = format!("a followed pointer leads to {info_hash}: {error}");
                    core.log(None, LogLevel::Warn, text);
                }
                _ => {}
            }
        });
    }

    /// What of the session a host may keep for the next one: at present what the DHT knows. Waits
    /// for the network thread.
    pub fn save_state(&self) -> Result<Vec<u8>, Error> {
        let dht = self.dht_query(|service, _| service.save())?;
        let dht = dht.or_else(|| self.dht.saved.lock().clone());
        let mut out = Encoder::new();
        out.dict(|d| {
            if let Some(dht) = &dht {
                d.bytes(b"dht", dht);
            }
            d.int(b"version", 1);
        });
        Ok(out.finish())
    }

    /// Takes what [`Self::save_state`] gave. What is not understood is left out.
    pub fn load_state(&self, bytes: &[u8]) -> Result<(), Error> {
        self.check_open()?;
        let bad = |_| Error::new(ErrorKind::Resume, "not a session's saved state");
        if bytes.len() > STATE_BYTES {
            return Err(Error::new(ErrorKind::Range, "too many bytes for a session's state"));
        }
        let document = Document::parse(bytes).map_err(bad)?;
        match document.root().get_bytes(b"dht") {
            Some(dht) => self.dht_restore(dht),
            None if document.root().get_int(b"version").is_some() => Ok(()),
            None => Err(Error::new(ErrorKind::Resume, "not a session's saved state")),
        }
    }

    pub(super) fn dht_restore(&self, bytes: &[u8]) -> Result<(), Error> {
        let bad = |_| Error::new(ErrorKind::Resume, "not a saved state of the DHT");
        let saved = Box::new(Saved::decode(bytes).map_err(bad)?);
        *self.dht.saved.lock() = Some(bytes.to_vec());
        self.dht_send(Command::Restore(saved))
    }
}

//! What the shards see of the session. Called on network threads: nothing here waits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::moving::Intent;
use super::{Core, Entry, Hooks};
use crate::base::{InfoHash, TorrentId};
use crate::codec::metainfo::{Info, Metainfo};
use crate::engine::dht;
use crate::engine::events::{Event, EventKind, WireMessage, class};
use crate::engine::external::{Source, Vote};
use crate::engine::host::{
    Directory, Host, PeerAnswer, SaveRequest, ShardCommand, TrackerEvent, Traffic, VerifyRequest,
};
use crate::engine::store::Change;
use crate::swarm::window::Entry as JournalEntry;
use crate::swarm::{Notice, SaveOutcome, Wire};

/// The session as the shards' host.
pub(super) struct Face(pub(super) Arc<Core>);

impl Face {
    fn entry(&self, torrent: TorrentId) -> Option<Arc<Entry>> {
        self.0.report_overdue();
        self.0.find_id(torrent)
    }

    fn push(&self, entry: Arc<Entry>, kind: EventKind) {
        self.0.queue.push(Event::now(Some(entry), kind));
    }
}

impl Host for Face {
    fn notice(&self, torrent: TorrentId, notice: Notice) {
        let Some(entry) = self.entry(torrent) else { return };
        let kind = match notice {
            Notice::ResumeDurable(generation) if entry.is_discarded(generation) => return,
            Notice::SaveDone { ticket, .. } if !self.0.requests.save_done(ticket) => return,
            Notice::SaveFailed { generation, code } => {
                let failed = entry.prefs.lock().save_error.as_deref().cloned();
                let known = failed.filter(|(of, _)| *of == generation).map(|(_, reason)| reason);
                let reason = known.unwrap_or_else(|| "the save hook failed".into());
                EventKind::SaveFailed { generation, code, reason }
            }
            Notice::Renamed(file, result) => {
                let mut prefs = entry.prefs.lock();
                let names = prefs.names.get_or_insert_default();
                let wanted = names.renaming.remove(&file);
                if let (Some(name), true) = (wanted, result.is_ok()) {
                    names.renamed.insert(file, name);
                }
                drop(prefs);
                if result.is_err() {
                    self.0.give_up(&entry, Intent::Rename(file, String::new()));
                }
                EventKind::Notice(Notice::Renamed(file, result))
            }
            Notice::ExternalAddr(ip, by) => {
                return self.external(Some(torrent), Vote { source: Source::Peer, by, ip });
            }
            Notice::Moved(Ok(to)) => {
                self.0.moved(&entry, &to);
                EventKind::Notice(Notice::Moved(Ok(to)))
            }
            Notice::Moved(Err(error)) => {
                self.0.give_up(&entry, Intent::Move(Vec::new()));
                EventKind::Notice(Notice::Moved(Err(error)))
            }
            notice => EventKind::Notice(notice),
        };
        self.push(entry, kind);
    }

    fn tracker(&self, torrent: TorrentId, event: TrackerEvent) {
        if let Some(entry) = self.entry(torrent) {
            self.push(entry, EventKind::Tracker(event));
        }
    }

    fn metadata(&self, torrent: TorrentId, info: Arc<Info>) {
        if let Some(entry) = self.entry(torrent) {
            entry.describe(info);
            self.0.keep_description(&entry);
        }
    }

    fn source_file(&self, torrent: TorrentId, file: &Metainfo) {
        if let Some(entry) = self.entry(torrent) {
            self.0.take_file(&entry, file);
        }
    }

    fn source_failed(&self, torrent: TorrentId, url: String, reason: String) {
        if let Some(entry) = self.entry(torrent) {
            self.push(entry, EventKind::SourceFailed { url, reason });
        }
    }

    fn verify(&self, torrent: TorrentId, request: VerifyRequest) {
        if let Some(entry) = self.entry(torrent) {
            self.0.ask_verifier(&entry, request);
        }
    }

    fn journal(&self, torrent: TorrentId, entry: JournalEntry) {
        if let Some(owner) = self.entry(torrent) {
            self.0.journal(&owner, entry);
        }
    }

    fn save(&self, torrent: TorrentId, request: SaveRequest) {
        if let Some(entry) = self.entry(torrent) {
            self.0.ask_saver(&entry, request);
        }
    }

    fn closed(&self, torrent: TorrentId) {
        if let Some(entry) = self.0.forget(torrent) {
            self.0.removed(&entry);
        }
        self.0.one_less();
    }

    fn listen(&self, wanted: &str, result: Result<SocketAddr, std::io::Error>) {
        self.0.report_listen(wanted.into(), result);
    }

    fn panicked(&self, torrent: Option<TorrentId>, message: String) {
        let entry = torrent.and_then(|id| self.0.forget(id));
        self.0.queue.push(Event::now(entry, EventKind::Fatal(message)));
        self.0.one_less();
    }

    fn dht(&self, output: dht::Output) {
        self.0.dht_output(output);
    }

    fn batch(&self, begins: bool) {
        if begins {
            self.0.queue.hold();
        } else {
            self.0.queue.release();
        }
    }

    fn external(&self, torrent: Option<TorrentId>, vote: Vote) {
        self.0.external_said(torrent, vote);
    }

    fn udp_failed(&self, addr: SocketAddr, error: &std::io::Error) {
        self.0.report_udp_failed(addr, error);
    }

    fn local_failed(&self, interface: &str, error: &std::io::Error) {
        let kind = EventKind::LsdFailed {
            interface: interface.to_owned(),
            reason: error.to_string(),
            os_errno: error.raw_os_error().unwrap_or_default(),
        };
        self.0.queue.push(Event::now(None, kind));
    }

    fn wire(&self, torrent: TorrentId, wire: &Wire) {
        if !self.0.queue.wants(class::WIRE) {
            return;
        }
        if let Some(entry) = self.entry(torrent) {
            let (peer, incoming) = (wire.peer, wire.incoming);
            let message = WireMessage::new(&wire.message, wire.number);
            self.push(entry, EventKind::Message { peer, incoming, message });
        }
    }

    fn traffic(&self, torrent: TorrentId, traffic: Traffic) {
        if self.0.queue.wants(class::IO)
            && let Some(entry) = self.entry(torrent)
        {
            self.push(entry, EventKind::Traffic(traffic));
        }
    }

    fn ask_peer(&self, torrent: TorrentId, addr: SocketAddr, incoming: bool, say: PeerAnswer) {
        if let Some(entry) = self.entry(torrent) {
            self.0.ask_about_peer(&entry, addr, incoming, say);
        }
    }
}

impl Directory for Face {
    fn find(&self, info_hash: &InfoHash) -> Option<(usize, TorrentId)> {
        self.0.find(info_hash).map(|entry| (entry.shard as usize, entry.id))
    }
}

impl Core {
    /// Counts a voice about our address.
    pub(super) fn external_said(&self, torrent: Option<TorrentId>, vote: Vote) {
        let Some(ip) = self.votes.lock().cast(vote) else { return };
        if let Some(shard) = self.shards().first() {
            shard.send(ShardCommand::External(ip));
        }
        let entry = torrent.and_then(|id| self.find_id(id));
        let kind = EventKind::Notice(Notice::ExternalAddr(ip, vote.by));
        self.queue.push(Event::now(entry, kind));
    }

    /// Takes a torrent out of the registry; its requests are withdrawn.
    pub(super) fn forget(&self, torrent: TorrentId) -> Option<Arc<Entry>> {
        let entry = {
            let mut registry = self.registry.write();
            let entry = registry.by_id.remove(&torrent)?;
            registry.by_hash.remove(&entry.info_hash);
            self.order.lock().leave(torrent, entry.rank());
            entry
        };
        entry.set_gone();
        self.withdraw(&entry);
        self.unload(entry.shard);
        let hooks = entry.change_hooks(|hooks| *hooks = Hooks::default());
        if hooks.verify.is_some() || hooks.save.is_some() {
            // The host's clean-up code does not run on a network thread.
            self.hook_worker.send(move || drop(hooks));
        }
        Some(entry)
    }

    /// The requests of a torrent want no answer any more.
    pub(super) fn withdraw(&self, entry: &Arc<Entry>) {
        self.requests.withdraw(entry.id);
        for ticket in self.requests.saves_left(entry.id) {
            let done = Notice::SaveDone { ticket, outcome: SaveOutcome::Ended };
            self.queue.push(Event::now(Some(Arc::clone(entry)), EventKind::Notice(done)));
        }
        self.queue.withdraw(|token| !self.requests.is_open(token));
    }

    /// A torrent's shard is done with it.
    fn removed(&self, entry: &Arc<Entry>) {
        let removal = *entry.removal.lock();
        let Some(removal) = removal else { return };
        if let Some(keeper) = &self.keeper {
            let info_hash = entry.info_hash;
            let change = if removal.keep_state {
                Change::Rank(info_hash, None)
            } else {
                Change::Remove(info_hash)
            };
            keeper.submit(move || change, |_| ());
        }
        self.queue.push(Event::now(Some(Arc::clone(entry)), EventKind::Removed));
    }

    /// Whether torrents are held by the session's pause.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }
}

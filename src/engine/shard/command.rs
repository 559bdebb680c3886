//! What the session asks of a shard.

use std::cell::{Cell, RefCell};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;

use super::jobs::Ticket;
use super::limit::{Direction, Limits};
use super::slot::{self, Slot};
use super::{Shard, accept, inbox};
use crate::base::TorrentId;
use crate::disk::Job;
use crate::engine::host::{AddTorrent, Query, ShardCommand, TorrentView};
use crate::engine::settings::Settings;
use crate::swarm::{Command, Input, PeerSource, Torrent};

impl Shard {
    /// Does what the session asks.
    pub(super) fn command(self: &Rc<Self>, command: ShardCommand) {
        match command {
            ShardCommand::Add(add) => {
                let id = add.params.id;
                self.contain(Some(id), || self.add(*add));
            }
            ShardCommand::Settings(settings) => self.contain(None, || self.apply(settings)),
            ShardCommand::Shutdown => self.ending.set(true),
            ShardCommand::Query(id, query) => self.contain(Some(id), || self.query(id, query)),
            ShardCommand::ReadPiece(id, piece, answer) => match self.slot(id) {
                None => answer(Err(inbox::gone())),
                Some(slot) => {
                    let tag = slot.jobs.borrow_mut().track(Ticket::ReadPiece(answer));
                    self.submit(&slot, vec![(tag, Job::ReadPiece(piece))]);
                }
            },
            ShardCommand::Incoming { torrent, stream, addr, connection, rest } => {
                self.contain(None, || self.adopt(torrent, stream, addr, connection, rest));
            }
            ShardCommand::Torrent(id, command) => {
                self.with(id, |s| self.torrent_command(s, command))
            }
            ShardCommand::Verdict(id, piece, attempt, verdict) => {
                self.with(id, |s| self.input(s, Input::Verdict { piece, attempt, verdict }));
            }
            ShardCommand::Journaled(id, mark, result) => {
                self.with(id, |s| self.input(s, Input::Journaled { mark, result }));
            }
            ShardCommand::SaveAnswer(id, generation, answer) => {
                self.with(id, |s| self.input(s, Input::SaveAnswer { generation, answer }));
            }
            ShardCommand::Link(id, link) => self.with(id, |s| self.follow(s, link)),
            ShardCommand::SetTrackers(id, tiers) => self.with(id, |s| self.set_trackers(s, tiers)),
            ShardCommand::Reannounce(id, to) => {
                self.with(id, |s| self.reannounce(s, to.as_deref()));
            }
            ShardCommand::Scrape(id, of) => self.with(id, |s| self.scrape(s, of.as_deref())),
            ShardCommand::TorrentDht(id, on) => self.with(id, |s| {
                s.dht.set(on);
                self.dht_switch(s);
            }),
            ShardCommand::Dht(command) => self.contain(None, || self.dht_command(command)),
            ShardCommand::DeleteFiles(id) => self.with(id, |s| s.delete.set(true)),
            ShardCommand::UdpTracker(ask) => self.contain(None, || self.udp_asked(ask)),
            ShardCommand::External(ip) => {
                self.fleet.set_external(ip);
                self.contain(None, || self.dht_external(ip));
            }
            ShardCommand::LocalPeers(hash, wanted) => {
                self.contain(None, || self.local_wanted(hash, wanted));
            }
            ShardCommand::PeersFound(id, source, addrs) => {
                self.with(id, |s| self.found(s, source, &addrs));
            }
            ShardCommand::Inquire(inquiry) => self.contain(None, || self.inquire(inquiry)),
            ShardCommand::WireNotices(id, on) => {
                self.with(id, |s| {
                    s.wire.set(on);
                    s.brain.borrow_mut().set_wire_notices(on);
                });
            }
        }
    }

    /// Runs `f` with a torrent that is here.
    fn with(self: &Rc<Self>, id: TorrentId, f: impl FnOnce(&Rc<Slot>)) {
        if let Some(slot) = self.slot(id) {
            self.contain(Some(id), || f(&slot));
        }
    }

    fn add(self: &Rc<Self>, add: AddTorrent) {
        let now = self.now();
        let id = add.params.id;
        let trackers = self.trackers(&add.params, &add.trackers);
        let mut params = add.params;
        params.renamed.extend(add.renamed);
        let brain = Torrent::new(now, params, slot::key_base(id));
        let slot = Rc::new(Slot {
            id,
            brain: RefCell::new(brain),
            conns: RefCell::default(),
            jobs: RefCell::default(),
            sources: RefCell::default(),
            preallocate: add.preallocate,
            registered: Cell::new(false),
            limits: Limits::default(),
            save_path: RefCell::new(add.save_path),
            trackers,
            next_incoming: Cell::new(slot::incoming_base(id)),
            armed: Cell::new(None),
            stalled: Cell::new(false),
            dht: Cell::new(add.dht),
            runs: Cell::new(false),
            dht_role: Cell::new(None),
            delete: Cell::new(false),
            closing: Cell::new(false),
            wire: Cell::new(false),
            gone: Cell::new(false),
        });
        slot.limits.set(now, Direction::Up, add.upload_limit);
        slot.limits.set(now, Direction::Down, add.download_limit);
        // A torrent of the same number can only be a mistake of the session: the old one goes.
        self.forget(id);
        self.torrents.borrow_mut().insert(id, Rc::clone(&slot));
        self.input(&slot, Input::Start);
        if !add.peers.is_empty() {
            self.found(&slot, PeerSource::Manual, &add.peers);
        }
        self.follow(&slot, add.link);
    }

    fn query(self: &Rc<Self>, id: TorrentId, query: Query) {
        let Some(slot) = self.slot(id) else { return query(None) };
        let trackers = slot.trackers.announcer.borrow().statuses();
        let save_path = slot.save_path.borrow().clone();
        let brain = slot.brain.borrow();
        query(Some(TorrentView {
            torrent: &brain,
            now: self.now(),
            trackers: &trackers,
            save_path: &save_path,
        }));
    }

    /// Some commands concern the driver as well as the brain.
    fn torrent_command(self: &Rc<Self>, slot: &Rc<Slot>, command: Command) {
        match &command {
            Command::RateLimits(upload, download) => {
                let now = self.now();
                slot.limits.set(now, Direction::Up, *upload);
                slot.limits.set(now, Direction::Down, *download);
                // Those who wait under the old limit look at the new one.
                slot.conns.borrow().values().for_each(|conn| conn.wake());
            }
            Command::Close => self.stop_trackers(slot),
            _ => {}
        }
        self.input(slot, Input::Command(command));
    }

    fn apply(self: &Rc<Self>, settings: Arc<Settings>) {
        let old = self.settings.replace(Arc::clone(&settings));
        self.fleet.apply(&settings);
        self.apply_rate_limits();
        self.rate_waiters.fire(crate::base::Instant::from_micros(u64::MAX));
        if self.index == 0
            && (old.lsd != settings.lsd || old.lsd_interfaces != settings.lsd_interfaces)
        {
            self.reopen_local();
        }
        if old.udp_attempts != settings.udp_attempts {
            self.udp_desk.set_attempts(settings.udp_attempts);
        }
        if old.max_announces_per_host != settings.max_announces_per_host {
            self.lines.clear();
        }
        if old.tracker_dns_preferences != settings.tracker_dns_preferences
            || old.dns_servers != settings.dns_servers
        {
            self.names.clear();
        }
        if old.announce_all_tiers != settings.announce_all_tiers
            || old.udp_trackers != settings.udp_trackers
        {
            let slots: Vec<_> = self.torrents.borrow().values().cloned().collect();
            for slot in slots {
                self.contain(Some(slot.id), || self.configure_announcer(&slot));
            }
        }
        if old.trackers_enabled != settings.trackers_enabled {
            self.switch_trackers(settings.trackers_enabled);
        }
        if old.dht != settings.dht {
            self.configure_dht();
        }
        if self.index == 0 && old.listen != settings.listen {
            self.rebind(&settings.listen);
        }
    }

    /// A connection that another shard accepted.
    fn adopt(
        self: &Rc<Self>,
        torrent: TorrentId,
        stream: TcpStream,
        addr: std::net::SocketAddr,
        connection: Box<crate::proto::peer::Connection>,
        rest: bytes::BytesMut,
    ) {
        if let Ok(stream) = tokio::net::TcpStream::from_std(stream) {
            self.incoming(torrent, accept::Identified { stream, addr, connection, rest });
        }
    }
}

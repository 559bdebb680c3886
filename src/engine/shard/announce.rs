//! Asking trackers: the announcer says whom and when, this file carries it out.
//!
//! Bounded: so many requests at a time per shard, whatever the number of torrents. `stopped`
//! announces are on their own: a torrent's close does not wait for them, the shard's end does, for
//! a while.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use super::Shard;
use super::slot::{Slot, Trackers};
use crate::base::{Instant, Rng};
use crate::codec::metainfo::Tiers;
use crate::engine::host::{TrackerEvent, Traffic};
use crate::engine::settings::Settings;
use crate::net::{canonical, http};
use crate::proto::tracker::{
    self, AnnounceEvent, AnnounceParams, AnnounceReply, AnnounceRequest, Announcer,
    AnnouncerConfig, AnnouncerInput, Retry, ScrapeEntry, TrackerKey,
};
use crate::swarm::{Input, PeerSource, TorrentParams, TorrentState};

/// Requests under way at a time, per shard.
const ASKING_MAX: usize = 50;
/// `stopped` announces under way at a time, per shard: more, since they all have to go at once.
const STOPPING_MAX: usize = 200;

/// The requests of a shard's torrents to trackers.
pub(super) struct Desk {
    asking: Semaphore,
    stopping: Semaphore,
    /// `stopped` announces not yet answered.
    goodbyes: Cell<usize>,
    settled: Notify,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            asking: Semaphore::new(ASKING_MAX),
            stopping: Semaphore::new(STOPPING_MAX),
            goodbyes: Cell::new(0),
            settled: Notify::new(),
        }
    }
}

impl Desk {
    /// Waits for the `stopped` announces under way, at most so long.
    pub(super) async fn settle(&self, at_most: Duration) {
        let all = async {
            while self.goodbyes.get() > 0 {
                self.settled.notified().await;
            }
        };
        _ = tokio::time::timeout(at_most, all).await;
    }

    /// Waits for room for one request more.
    pub(super) async fn room(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // Never closed, so this only waits.
        self.asking.acquire().await.ok()
    }

    fn goodbye_done(&self) {
        self.goodbyes.set(self.goodbyes.get().saturating_sub(1));
        if self.goodbyes.get() == 0 {
            self.settled.notify_one();
        }
    }
}

/// Why a tracker gave no answer.
struct Failure {
    reason: String,
    retry: Option<Retry>,
}

impl Shard {
    /// The driver's tracker part of a new torrent.
    pub(super) fn trackers(&self, params: &TorrentParams, tiers: &[Vec<String>]) -> Trackers {
        let mut rng = Rng::new(params.seed ^ params.id.0.rotate_left(32));
        let key = u32::try_from(rng.below(1 << 32)).unwrap_or(0);
        Trackers {
            announcer: RefCell::new(Announcer::new(tiers, config(&self.settings()), rng)),
            peer_id: params.peer_id,
            port: params.listen_port,
            key,
            base: Cell::new((0, 0)),
            running: Cell::new(false),
            due: Cell::new(None),
            round: Cell::new(0),
            lines: RefCell::default(),
        }
    }

    /// The brain says an announce is due.
    pub(super) fn tracker_event(&self, slot: &Slot, event: AnnounceEvent) {
        if event == AnnounceEvent::Stopped {
            return self.stop_trackers(slot);
        }
        if !self.settings.borrow().trackers_enabled || slot.closing.get() {
            return;
        }
        let now = self.now();
        if event == AnnounceEvent::Started {
            let status = slot.brain.borrow().status(now);
            slot.trackers.base.set((status.uploaded, status.downloaded));
            slot.trackers.running.set(true);
        }
        self.with_announcer(slot, |a| a.handle(now, AnnouncerInput::Event(event)));
    }

    /// Says goodbye to the trackers that were told of us; once.
    pub(super) fn stop_trackers(&self, slot: &Slot) {
        if slot.trackers.running.take() {
            slot.trackers.round.set(slot.trackers.round.get() + 1);
            self.with_announcer(slot, |a| a.stop(self.now()));
        }
    }

    /// Trackers were switched on or off: torrents that run say hello or goodbye to theirs.
    pub(super) fn switch_trackers(self: &Rc<Self>, on: bool) {
        let slots: Vec<_> = self.torrents.borrow().values().cloned().collect();
        for slot in slots {
            self.contain(Some(slot.id), || {
                let runs = matches!(
                    slot.brain.borrow().status(self.now()).state,
                    TorrentState::Metadata
                        | TorrentState::Downloading
                        | TorrentState::Finished
                        | TorrentState::Seeding
                );
                if !on {
                    self.stop_trackers(&slot);
                } else if runs && !slot.trackers.running.get() {
                    self.tracker_event(&slot, AnnounceEvent::Started);
                }
                self.drive(&slot);
            });
        }
    }

    pub(super) fn reannounce(self: &Rc<Self>, slot: &Rc<Slot>) {
        self.with_announcer(slot, |a| a.reannounce(self.now()));
        self.drive(slot);
    }

    pub(super) fn set_trackers(self: &Rc<Self>, slot: &Rc<Slot>, tiers: Tiers) {
        self.with_announcer(slot, |a| a.set_trackers(self.now(), &tiers));
        self.input(slot, Input::Command(crate::swarm::Command::Trackers(tiers)));
    }

    /// Takes over changed settings.
    pub(super) fn configure_announcer(self: &Rc<Self>, slot: &Rc<Slot>) {
        let config = config(&self.settings());
        self.with_announcer(slot, |a| a.set_config(config));
        self.drive(slot);
    }

    /// Changes the announcer; the next drive makes the announces that follow from it.
    fn with_announcer(&self, slot: &Slot, f: impl FnOnce(&mut Announcer)) {
        f(&mut slot.trackers.announcer.borrow_mut());
        slot.trackers.due.set(Some(Instant::ZERO));
    }

    /// Makes the announces that are due.
    pub(super) fn pump_trackers(self: &Rc<Self>, slot: &Rc<Slot>) {
        let trackers = &slot.trackers;
        if trackers.due.get().is_none_or(|due| due > Instant::ZERO && due > self.now()) {
            return;
        }
        loop {
            // In a statement of its own: `ask` borrows the announcer too.
            let request = trackers.announcer.borrow_mut().poll(self.now());
            match request {
                None => break,
                Some(request) => self.ask(slot, request),
            }
        }
        trackers.due.set(trackers.announcer.borrow().next_deadline());
    }

    fn ask(self: &Rc<Self>, slot: &Rc<Slot>, request: AnnounceRequest) {
        let settings = self.settings();
        let params = self.announce_params(slot, &request, &settings);
        let AnnounceRequest { tracker, url, event, .. } = request;
        let told = TrackerEvent::Announcing { url: url.clone(), event: event.name() };
        self.host.tracker(slot.id, told);
        let target = match tracker::announce_url(&url, &params) {
            Ok(target) => target,
            Err(error) => {
                let failure = Failure { reason: error.to_string(), retry: None };
                return self.tracker_failed(slot, tracker, &failure);
            }
        };
        let goodbye = event == AnnounceEvent::Stopped;
        if goodbye {
            self.desk.goodbyes.set(self.desk.goodbyes.get() + 1);
        }
        let (shard, slot, round) = (Rc::clone(self), Rc::clone(slot), slot.trackers.round.get());
        self.start(Some(slot.id), async move {
            let asking = shard.announce(&slot, tracker, &target, &settings, goodbye);
            let result = if goodbye {
                let result = tokio::time::timeout(settings.stop_tracker_timeout, asking).await;
                shard.desk.goodbye_done();
                result.unwrap_or_else(|_| {
                    Err(Failure { reason: http::FetchError::TimedOut.to_string(), retry: None })
                })
            } else {
                asking.await
            };
            if round == slot.trackers.round.get() {
                shard.answered(&slot, tracker, url, result);
            }
        });
    }

    fn announce_params(
        &self,
        slot: &Slot,
        request: &AnnounceRequest,
        settings: &Settings,
    ) -> AnnounceParams {
        let brain = slot.brain.borrow();
        let status = brain.status(self.now());
        let (up, down) = slot.trackers.base.get();
        AnnounceParams {
            info_hash: brain.info().info_hash,
            peer_id: slot.trackers.peer_id,
            port: slot.trackers.port,
            uploaded: status.uploaded.saturating_sub(up),
            downloaded: status.downloaded.saturating_sub(down),
            left: brain.left(),
            num_want: if request.event == AnnounceEvent::Stopped { 0 } else { settings.num_want },
            key: slot.trackers.key,
            event: request.event,
            tracker_id: request.tracker_id.clone(),
            ip: settings.announce_ip.map(|ip| ip.to_string()),
        }
    }

    /// One announce, once there is room for it and the tracker has answered the one before.
    async fn announce(
        &self,
        slot: &Slot,
        tracker: TrackerKey,
        target: &str,
        settings: &Settings,
        goodbye: bool,
    ) -> Result<AnnounceReply, Failure> {
        let round = slot.trackers.round.get();
        let room = if goodbye { &self.desk.stopping } else { &self.desk.asking };
        // Never closed, so this only waits.
        let _room = room.acquire().await;
        let line = slot.trackers.line(tracker);
        let _turn = line.lock().await;
        if slot.gone.get() && !goodbye || round != slot.trackers.round.get() {
            return Err(Failure { reason: "stopped meanwhile".into(), retry: None });
        }
        let body = self.fetch(target, settings).await?;
        if slot.wire.get() {
            let url = slot.trackers.announcer.borrow().url(tracker).map(str::to_owned);
            let (sent, received) = (body.sent, body.received);
            let url = url.unwrap_or_default();
            self.host.traffic(slot.id, Traffic::Tracker { url, sent, received });
        }
        tracker::parse_announce(&body.body).map_err(|error| body.failure(&error))
    }

    async fn fetch(&self, target: &str, settings: &Settings) -> Result<http::Response, Failure> {
        let tls = self.fleet.tls();
        http::get(target, &settings.user_agent, &tls, settings.tracker_timeout)
            .await
            .map_err(|error| Failure { reason: error.to_string(), retry: None })
    }

    fn answered(
        self: &Rc<Self>,
        slot: &Rc<Slot>,
        tracker: TrackerKey,
        url: String,
        result: Result<AnnounceReply, Failure>,
    ) {
        if slot.gone.get() {
            return;
        }
        match result {
            Err(failure) => self.tracker_failed(slot, tracker, &failure),
            Ok(reply) => {
                let input = AnnouncerInput::Reply { tracker, reply: &reply };
                self.with_announcer(slot, |a| a.handle(self.now(), input));
                let peers: Vec<SocketAddr> = reply.peers.iter().copied().map(canonical).collect();
                self.host.tracker(slot.id, TrackerEvent::Reply { url, reply: Box::new(reply) });
                if !peers.is_empty() {
                    let (source, addrs) = (PeerSource::Tracker, peers.as_slice());
                    return self.input(slot, Input::PeersFound { source, addrs });
                }
            }
        }
        self.drive(slot);
    }

    fn tracker_failed(&self, slot: &Slot, tracker: TrackerKey, failure: &Failure) {
        let now = self.now();
        let Failure { reason, retry } = failure;
        let input = AnnouncerInput::Failed { tracker, reason, retry: *retry };
        self.with_announcer(slot, |a| a.handle(now, input));
        let announcer = slot.trackers.announcer.borrow();
        let Some(url) = announcer.url(tracker).map(str::to_owned) else { return };
        let status = announcer.statuses().into_iter().find(|s| s.url == url);
        drop(announcer);
        let next = status.as_ref().and_then(|s| s.next_announce);
        let event = TrackerEvent::Failed {
            url,
            reason: reason.clone(),
            fails: status.map_or(0, |s| s.fails),
            retry_in_secs: next.map_or(0, |at| at.since(now).as_secs()),
        };
        self.host.tracker(slot.id, event);
    }

    /// Asks every tracker that can be scraped for counts (BEP 48).
    pub(super) fn scrape(self: &Rc<Self>, slot: &Rc<Slot>) {
        let trackers: Vec<(TrackerKey, String)> = {
            let announcer = slot.trackers.announcer.borrow();
            announcer.trackers().into_iter().map(|(key, url)| (key, url.to_owned())).collect()
        };
        for (tracker, url) in trackers {
            let Some(target) = tracker::scrape_url(&url, &[slot.info().info_hash]) else {
                continue;
            };
            let (shard, slot) = (Rc::clone(self), Rc::clone(slot));
            self.start(Some(slot.id), async move {
                let settings = shard.settings();
                let _room = shard.desk.asking.acquire().await;
                let result = match shard.fetch(&target, &settings).await {
                    Ok(body) => tracker::parse_scrape(&body.body).map_err(|e| body.failure(&e)),
                    Err(failure) => Err(failure),
                };
                shard.scraped(&slot, tracker, url, result);
            });
        }
    }

    fn scraped(
        self: &Rc<Self>,
        slot: &Rc<Slot>,
        tracker: TrackerKey,
        url: String,
        result: Result<Vec<ScrapeEntry>, Failure>,
    ) {
        if slot.gone.get() {
            return;
        }
        let ours = |entry: &ScrapeEntry| entry.info_hash == slot.info().info_hash;
        let event = match result.map(|entries| entries.into_iter().find(ours)) {
            Ok(Some(ScrapeEntry { complete, incomplete, downloaded, .. })) => {
                let input = AnnouncerInput::Scraped { tracker, complete, incomplete, downloaded };
                self.with_announcer(slot, |a| a.handle(self.now(), input));
                TrackerEvent::Scraped { url, complete, downloaded, incomplete }
            }
            // A failed scrape says nothing about announces: it counts as no failure of the tracker.
            Ok(None) => scrape_failed(url, "scrape: the tracker does not know this torrent"),
            Err(failure) => scrape_failed(url, &format!("scrape: {}", failure.reason)),
        };
        self.host.tracker(slot.id, event);
        self.drive(slot);
    }
}

fn scrape_failed(url: String, reason: &str) -> TrackerEvent {
    TrackerEvent::Failed { url, reason: reason.to_owned(), fails: 0, retry_in_secs: 0 }
}

fn config(settings: &Settings) -> AnnouncerConfig {
    AnnouncerConfig { all_tiers: settings.announce_all_tiers, udp: false }
}

impl http::Response {
    /// What to report when the body is not an answer: the HTTP status when that says more.
    fn failure(&self, error: &tracker::ReplyError) -> Failure {
        let reason = match error {
            tracker::ReplyError::Malformed(_) if self.status != 200 => {
                format!("http status {}", self.status)
            }
            error => error.to_string(),
        };
        Failure { reason, retry: error.retry() }
    }
}

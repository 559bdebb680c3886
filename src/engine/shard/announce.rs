//! Asking trackers: the announcer says whom and when, this file says what and takes the answer;
//! [`super::ask`] carries it there and back.
//!
//! Bounded: so many HTTP requests at a time per shard, whatever the number of torrents. `stopped`
//! announces are on their own: a torrent's close does not wait for them, the shard's end does, for
//! a while.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use tokio::sync::{Notify, Semaphore};

use super::Shard;
use super::ask::{self, Call, Failure, Later};
use super::slot::{Slot, Trackers};
use crate::base::{Instant, Rng};
use crate::codec::metainfo::Tiers;
use crate::engine::external::{Source, Vote};
use crate::engine::host::{TrackerEvent, Traffic};
use crate::engine::settings::Settings;
use crate::net::http;
use crate::proto::tracker::{
    AnnounceEvent, AnnounceParams, AnnounceReply, AnnounceRequest, Announcer, AnnouncerConfig,
    AnnouncerInput, ScrapeEntry, TrackerKey,
};
use crate::swarm::{Input, PeerSource, TorrentParams, TorrentState};

/// Requests under way at a time, per shard.
const ASKING_MAX: usize = 50;
/// `stopped` announces under way at a time, per shard: more, since they all have to go at once.
const STOPPING_MAX: usize = 200;

/// The requests of a shard's torrents to trackers.
pub(super) struct Desk {
    pub(super) asking: Semaphore,
    pub(super) stopping: Semaphore,
    /// `stopped` announces not yet answered.
    goodbyes: Cell<usize>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            asking: Semaphore::new(ASKING_MAX),
            stopping: Semaphore::new(STOPPING_MAX),
            goodbyes: Cell::new(0),
        }
    }
}

impl Desk {
    /// Waits for room for one request more.
    pub(super) async fn room(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // Never closed, so this only waits.
        self.asking.acquire().await.ok()
    }
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
            rounds: Notify::new(),
            lines: RefCell::default(),
        }
    }

    /// The brain says an announce is due.
    pub(super) fn tracker_event(&self, slot: &Slot, event: AnnounceEvent) {
        if event == AnnounceEvent::Stopped {
            self.local_stop(slot);
            return self.stop_trackers(slot);
        }
        if event == AnnounceEvent::Started && !slot.closing.get() {
            self.local_start(slot);
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
            slot.trackers.rounds.notify_waiters();
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

    /// Announces now, to one tracker or to those in use.
    pub(super) fn reannounce(self: &Rc<Self>, slot: &Rc<Slot>, to: Option<&str>) {
        let now = self.now();
        self.with_announcer(slot, |a| match to {
            Some(url) => a.reannounce_to(now, url),
            None => a.reannounce(now),
        });
        self.drive(slot);
    }

    pub(super) fn set_trackers(self: &Rc<Self>, slot: &Rc<Slot>, tiers: Tiers) {
        self.with_announcer(slot, |a| a.set_trackers(self.now(), &tiers));
        self.input(slot, Input::Command(crate::swarm::Command::Trackers(tiers)));
    }

    /// Takes over changed settings.
    pub(super) fn configure_announcer(self: &Rc<Self>, slot: &Rc<Slot>) {
        let config = config(&self.settings());
        self.with_announcer(slot, |a| a.set_config(self.now(), config));
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
        let goodbye = event == AnnounceEvent::Stopped;
        if goodbye {
            self.desk.goodbyes.set(self.desk.goodbyes.get() + 1);
            self.fleet.goodbyes.fetch_add(1, Ordering::AcqRel);
        }
        let call = Rc::new(Call::new(url, params, settings));
        let (shard, slot, round) = (Rc::clone(self), Rc::clone(slot), slot.trackers.round.get());
        self.start(Some(slot.id), async move {
            let asking = shard.announce(&slot, tracker, &call, round);
            let result = if goodbye {
                let patience = call.settings.stop_tracker_timeout;
                let result = tokio::time::timeout(patience, asking).await;
                shard.goodbye_done();
                result.unwrap_or_else(|_| Err(Failure::new(http::FetchError::TimedOut)))
            } else {
                asking.await
            };
            if round != slot.trackers.round.get() {
                return;
            }
            let (result, later) = match result {
                Ok((reply, later)) => (Ok(reply), later),
                Err(failure) => (Err(failure), Vec::new()),
            };
            shard.answered(&slot, tracker, call.url.clone(), result);
            for answer in later {
                shard.add_family(&slot, round, Rc::clone(&call), answer);
            }
        });
    }

    /// Whether no `stopped` announce is under way that needs this thread. Those to UDP trackers
    /// need shard 0, whoever's they are.
    pub(super) fn is_settled(&self) -> bool {
        match self.index {
            0 => self.fleet.goodbyes.load(Ordering::Acquire) == 0,
            _ => self.desk.goodbyes.get() == 0,
        }
    }

    fn goodbye_done(&self) {
        self.desk.goodbyes.set(self.desk.goodbyes.get().saturating_sub(1));
        self.fleet.goodbyes.fetch_sub(1, Ordering::AcqRel);
        // Who waits for the last one looks again.
        self.mailbox().poke();
        if let Some(first) = self.fleet.inboxes.first() {
            first.poke();
        }
    }

    /// What the other address family's answer adds: peers. Whether it answers is not the tracker's
    /// state.
    fn add_family(self: &Rc<Self>, slot: &Rc<Slot>, round: u64, call: Rc<Call>, answer: Later) {
        let (shard, slot) = (Rc::clone(self), Rc::clone(slot));
        self.start(Some(slot.id), async move {
            // Gone with the round, as the first one's question would be.
            let stopped = slot.trackers.rounds.notified();
            let reply = tokio::select! {
                reply = answer => reply,
                () = stopped => return,
            };
            if let Ok(reply) = reply
                && !slot.gone.get()
                && round == slot.trackers.round.get()
            {
                shard.peers_told(&slot, &call.url, &reply);
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

    /// One announce, once the tracker has answered the one before. Withdrawn when the torrent
    /// stops: a tracker must not hear of a start after the end. A `completed` is not: it counts
    /// only here, and the goodbye waits in line behind it.
    async fn announce(
        self: &Rc<Self>,
        slot: &Slot,
        tracker: TrackerKey,
        call: &Rc<Call>,
        round: u64,
    ) -> Result<(AnnounceReply, Vec<Later>), Failure> {
        let event = call.params.event;
        let stays = matches!(event, AnnounceEvent::Stopped | AnnounceEvent::Completed);
        let line = slot.trackers.line(tracker);
        let _turn = line.lock().await;
        let stopped = slot.trackers.rounds.notified();
        let over = slot.gone.get() || round != slot.trackers.round.get();
        if over && !stays {
            return Err(Failure::new("stopped meanwhile"));
        }
        let answer = tokio::select! {
            answer = self.call(call) => answer,
            () = stopped, if !stays => Err(Failure::new("stopped meanwhile")),
        };
        let (sent, received) = call.traffic.take();
        if slot.wire.get() && sent > 0 {
            let url = call.url.clone();
            self.host.traffic(slot.id, Traffic::Tracker { url, sent, received });
        }
        answer
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
                let by = url.clone();
                let told = TrackerEvent::Reply { url, reply: Box::new(reply.clone()) };
                self.host.tracker(slot.id, told);
                return self.peers_told(slot, &by, &reply);
            }
        }
        self.drive(slot);
    }

    fn peers_told(self: &Rc<Self>, slot: &Rc<Slot>, by: &str, reply: &AnnounceReply) {
        if let Some(ip) = reply.external_ip {
            self.external_told(slot, by, ip);
        }
        self.found(slot, PeerSource::Tracker, &reply.peers);
    }

    /// BEP 24.
    fn external_told(self: &Rc<Self>, slot: &Rc<Slot>, by: &str, ip: IpAddr) {
        let (shard, id) = (Rc::clone(self), slot.id);
        let Some(name) = ask::host(by) else { return };
        self.start(None, async move {
            // It was asked a moment ago: the name is known.
            if let Ok(addrs) = &shard.host(&name).await.addrs
                && let Some(by) = addrs.first().copied()
            {
                shard.host.external(Some(id), Vote { source: Source::Tracker, by, ip });
            }
        });
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

    /// Asks every tracker that can be scraped for counts (BEP 48), or one.
    pub(super) fn scrape(self: &Rc<Self>, slot: &Rc<Slot>, of: Option<&str>) {
        let trackers: Vec<(TrackerKey, String)> = {
            let announcer = slot.trackers.announcer.borrow();
            let wanted = |url: &str| of.is_none_or(|of| of == url);
            let all = announcer.trackers().into_iter().filter(|(_, url)| wanted(url));
            all.map(|(key, url)| (key, url.to_owned())).collect()
        };
        for (tracker, url) in trackers {
            if !ask::counts(&url) {
                if of.is_some() {
                    let failure = Failure::new("it has no address for counts");
                    self.scraped(slot, tracker, url, Err(failure));
                }
                continue;
            }
            let (shard, slot) = (Rc::clone(self), Rc::clone(slot));
            self.start(Some(slot.id), async move {
                let result = shard.count_at(&url, slot.info().info_hash).await;
                shard.scraped(&slot, tracker, url, result);
            });
        }
    }

    fn scraped(
        self: &Rc<Self>,
        slot: &Rc<Slot>,
        tracker: TrackerKey,
        url: String,
        result: Result<ScrapeEntry, Failure>,
    ) {
        if slot.gone.get() {
            return;
        }
        let event = match result {
            Ok(ScrapeEntry { complete, incomplete, downloaded, .. }) => {
                let input = AnnouncerInput::Scraped { tracker, complete, incomplete, downloaded };
                self.with_announcer(slot, |a| a.handle(self.now(), input));
                TrackerEvent::Scraped { url, complete, downloaded, incomplete }
            }
            // A failed scrape says nothing about announces: it counts as no failure of the tracker.
            Err(Failure { reason, .. }) => {
                let reason = format!("scrape: {reason}");
                TrackerEvent::Failed { url, reason, fails: 0, retry_in_secs: 0 }
            }
        };
        self.host.tracker(slot.id, event);
        self.drive(slot);
    }
}

fn config(settings: &Settings) -> AnnouncerConfig {
    AnnouncerConfig { all_tiers: settings.announce_all_tiers, udp: settings.udp_trackers }
}

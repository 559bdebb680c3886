//! One question to one tracker, whatever it speaks: names, the owner's wishes, both address
//! families, HTTP or UDP, and how many at a time.
//!
//! A tracker with addresses of both families is asked over each (BEP 7): it learns one address of
//! ours from each, and tells peers of that family. The first answer is the tracker's; what the
//! other family says comes later and adds its peers. Bounded: so many HTTP requests at a time per
//! host and in all. Requests to UDP trackers wait in their own line ([`super::udp_trackers`]).
//! Deliberately absent: which tracker of a torrent is asked when.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::Semaphore;
use url::Url;

use super::Shard;
use crate::engine::settings::Settings;
use crate::net::http;
use crate::proto::tracker::udp::{Announce, Preferences, UdpTarget};
use crate::proto::tracker::{
    self, AnnounceEvent, AnnounceParams, AnnounceReply, Retry, ScrapeEntry,
};

/// Hosts whose lines are kept although nobody stands in them.
const LINES: usize = 64;

/// Why a tracker gave no answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: String,
    pub(super) retry: Option<Retry>,
}

impl Failure {
    pub(super) fn new(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), retry: None }
    }
}

/// What is told to a tracker, and how.
pub(super) struct Call {
    pub(super) url: String,
    pub(super) params: AnnounceParams,
    pub(super) settings: Arc<Settings>,
    /// Bytes sent and received over connections; datagrams are counted by their sockets.
    pub(super) traffic: Cell<(u64, u64)>,
}

impl Call {
    pub(super) fn new(url: String, params: AnnounceParams, settings: Arc<Settings>) -> Self {
        Self { url, params, settings, traffic: Cell::default() }
    }

    fn goodbye(&self) -> bool {
        self.params.event == AnnounceEvent::Stopped
    }
}

/// An answer that is still to come.
pub(super) type Later = Pin<Box<dyn Future<Output = Result<AnnounceReply, Failure>>>>;

/// The lines before the trackers' hosts.
#[derive(Default)]
pub(super) struct Lines(RefCell<BTreeMap<String, Rc<Semaphore>>>);

impl Lines {
    fn of(&self, host: &str, room: usize) -> Rc<Semaphore> {
        let mut lines = self.0.borrow_mut();
        if lines.len() >= LINES {
            lines.retain(|_, line| Rc::strong_count(line) > 1);
        }
        let fresh = || Rc::new(Semaphore::new(room));
        Rc::clone(lines.entry(host.to_owned()).or_insert_with(fresh))
    }

    /// The room of each line changed: those who stand in one keep their place in it.
    pub(super) fn clear(&self) {
        self.0.borrow_mut().clear();
    }
}

/// The host of a URL, as names are looked up.
pub(super) fn host(url: &str) -> Option<String> {
    Url::parse(url.trim()).ok()?.host_str().filter(|host| !host.is_empty()).map(str::to_owned)
}

impl Shard {
    /// Announces: the first answer, and those of other families that are still to come.
    pub(super) async fn call(
        self: &Rc<Self>,
        call: &Rc<Call>,
    ) -> Result<(AnnounceReply, Vec<Later>), Failure> {
        let mut last = Failure::new("the tracker's owner does not want it to be used (BEP 34)");
        for url in self.ways(&call.url).await? {
            match self.call_at(&url, call).await {
                Ok(answers) => return Ok(answers),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// The URLs by which a tracker wants to be asked, best first; none when it does not.
    async fn ways(&self, url: &str) -> Result<Vec<String>, Failure> {
        let name = host(url).ok_or_else(|| Failure::new(tracker::UrlError::Invalid))?;
        match &self.host(&name).await.preferences {
            None => Ok(vec![url.to_owned()]),
            Some(Preferences::Deny) => Ok(Vec::new()),
            Some(wishes) => wishes.apply(url).map_err(Failure::new),
        }
    }

    /// The addresses to ask: one of each family we can send from.
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Failure> {
        let found = self.host(name).await;
        let addrs = found.addrs.as_ref().map_err(Failure::new)?;
        let first = |v6: bool| addrs.iter().copied().find(|ip| ip.to_canonical().is_ipv6() == v6);
        let families = self.fleet.families();
        let ours = |ip: &IpAddr| families.has(ip.to_canonical().is_ipv6());
        let both: Vec<IpAddr> = [first(false), first(true)].into_iter().flatten().collect();
        let sendable: Vec<IpAddr> = both.iter().copied().filter(ours).collect();
        // Better a failure that names the address than none.
        Ok(if sendable.is_empty() { both.into_iter().take(1).collect() } else { sendable })
    }

    async fn call_at(
        self: &Rc<Self>,
        url: &str,
        call: &Rc<Call>,
    ) -> Result<(AnnounceReply, Vec<Later>), Failure> {
        let mut asking: Vec<Later> = Vec::with_capacity(2);
        if url.trim().starts_with("udp:") {
            let target = UdpTarget::parse(url).map_err(Failure::new)?;
            for ip in self.addresses(&target.host).await? {
                let to = SocketAddr::new(ip.to_canonical(), target.port);
                let announce = Announce::new(&call.params, &target.url_data);
                let shard = Rc::clone(self);
                asking.push(Box::pin(async move {
                    shard.announce_udp(to, announce).await.map_err(Failure::new)
                }));
            }
        } else {
            let target = tracker::announce_url(url, &call.params).map_err(Failure::new)?;
            let name = host(url).unwrap_or_default();
            let addrs = self.addresses(&name).await?;
            // With one family any address will do.
            let families: &[Option<bool>] =
                if addrs.len() > 1 { &[Some(false), Some(true)] } else { &[None] };
            for v6 in families {
                let (shard, call, target, name) =
                    (Rc::clone(self), Rc::clone(call), target.clone(), name.clone());
                asking.push(Box::pin(async move {
                    shard.announce_http(&target, &name, *v6, &call).await
                }));
            }
        }
        if call.goodbye() {
            return goodbyes(asking).await.map(|reply| (reply, Vec::new()));
        }
        let reply = first_good(&mut asking).await?;
        Ok((reply, asking))
    }

    async fn announce_http(
        &self,
        target: &str,
        name: &str,
        v6: Option<bool>,
        call: &Call,
    ) -> Result<AnnounceReply, Failure> {
        let settings = &call.settings;
        // Goodbyes all have to go at once. Neither is ever closed, so this only waits.
        let line = self.lines.of(name, settings.max_announces_per_host);
        let _place = if call.goodbye() { None } else { Some(line.acquire().await) };
        let room = if call.goodbye() { &self.desk.stopping } else { &self.desk.asking };
        let _room = room.acquire().await;
        let body = self.fetch(target, v6, settings).await?;
        let (sent, received) = call.traffic.get();
        call.traffic.set((sent + body.sent, received + body.received));
        tracker::parse_announce(&body.body).map_err(|error| failure(&body, &error))
    }

    async fn fetch(
        &self,
        target: &str,
        v6: Option<bool>,
        settings: &Settings,
    ) -> Result<http::Response, Failure> {
        let tls = self.fleet.tls();
        let wants = http::Wants {
            user_agent: &settings.user_agent,
            timeout: settings.tracker_timeout,
            v6,
            private_redirects: settings.private_redirects,
        };
        http::get(target, &wants, &tls).await.map_err(Failure::new)
    }

    /// Counts of one torrent from one tracker.
    pub(super) async fn count_at(
        self: &Rc<Self>,
        url: &str,
        info_hash: crate::base::InfoHash,
    ) -> Result<ScrapeEntry, Failure> {
        let mut last = Failure::new("the tracker's owner does not want it to be used (BEP 34)");
        for url in self.ways(url).await? {
            let asked = if url.trim().starts_with("udp:") {
                self.count_udp(&url, info_hash).await
            } else {
                self.count_http(&url, info_hash).await
            };
            match asked {
                Ok(entry) => return Ok(entry),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn count_udp(
        &self,
        url: &str,
        info_hash: crate::base::InfoHash,
    ) -> Result<ScrapeEntry, Failure> {
        let target = UdpTarget::parse(url).map_err(Failure::new)?;
        let mut last = Failure::new("the name has no address");
        // The counts are the tracker's, whatever the family.
        for ip in self.addresses(&target.host).await? {
            let to = SocketAddr::new(ip.to_canonical(), target.port);
            match self.scrape_udp(to, info_hash).await {
                Ok(entry) => return Ok(entry),
                Err(error) => last = Failure::new(error),
            }
        }
        Err(last)
    }

    async fn count_http(
        &self,
        url: &str,
        info_hash: crate::base::InfoHash,
    ) -> Result<ScrapeEntry, Failure> {
        let target = tracker::scrape_url(url, &[info_hash])
            .ok_or_else(|| Failure::new("the tracker's URL has no scrape (BEP 48)"))?;
        let settings = self.settings();
        let line = self.lines.of(&host(url).unwrap_or_default(), settings.max_announces_per_host);
        let _place = line.acquire().await;
        let _room = self.desk.asking.acquire().await;
        let body = self.fetch(&target, None, &settings).await?;
        let entries = tracker::parse_scrape(&body.body).map_err(|e| failure(&body, &e))?;
        let ours = entries.into_iter().find(|entry| entry.info_hash == info_hash);
        ours.ok_or_else(|| Failure::new("the tracker does not know this torrent"))
    }
}

/// Whether counts can be asked of this tracker at all.
pub(super) fn counts(url: &str) -> bool {
    UdpTarget::parse(url).is_ok() || tracker::scrape_url(url, &[]).is_some()
}

/// The first good answer; what is still open stays in the list. Without one, the last failure.
async fn first_good(asking: &mut Vec<Later>) -> Result<AnnounceReply, Failure> {
    let mut last = Failure::new("the name has no address");
    poll_fn(|cx| {
        let mut at = 0;
        while let Some(one) = asking.get_mut(at) {
            match one.as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(result) => {
                    drop(asking.remove(at));
                    match result {
                        Ok(reply) => return Poll::Ready(Some(reply)),
                        Err(failure) => last = failure,
                    }
                }
            }
        }
        if asking.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
    .ok_or(last)
}

/// All of them, side by side; good when one is.
async fn goodbyes(mut asking: Vec<Later>) -> Result<AnnounceReply, Failure> {
    let first = first_good(&mut asking).await?;
    while !asking.is_empty() {
        let _ = first_good(&mut asking).await;
    }
    Ok(first)
}

/// What to report when the body is not an answer: the HTTP status when that says more.
fn failure(body: &http::Response, error: &tracker::ReplyError) -> Failure {
    let reason = match error {
        tracker::ReplyError::Malformed(_) if body.status != 200 => {
            format!("http status {}", body.status)
        }
        error => error.to_string(),
    };
    Failure { reason, retry: error.retry() }
}

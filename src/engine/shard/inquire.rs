//! Questions to trackers that belong to no torrent of the session: what a host asks by itself.
//!
//! Deliberately absent: schedules, tiers, and memory of what was answered.

use std::rc::Rc;
use std::time::Duration;

use super::Shard;
use super::ask::{Call, Failure, Later};
use crate::base::InfoHash;
use crate::engine::host::{Inquiry, TrackerQuestion};
use crate::net::canonical;
use crate::proto::tracker::{AnnounceParams, AnnounceReply, ScrapeEntry};

/// How long the answer of the second address family is waited for once there is a first.
const LATER: Duration = Duration::from_secs(2);

impl Shard {
    /// Asks, and gives the answer to whom it is for; within the time he has, or not at all.
    pub(super) fn inquire(self: &Rc<Self>, inquiry: Inquiry) {
        let Inquiry { url, question, timeout } = inquiry;
        let shard = Rc::clone(self);
        self.start(None, async move {
            match question {
                TrackerQuestion::Announce(params, send) => {
                    let asked = shard.announce_once(url, params);
                    let result = tokio::time::timeout(timeout, asked).await;
                    send(settle(result));
                }
                TrackerQuestion::Scrape(hashes, send) => {
                    let asked = shard.scrape_once(url, hashes);
                    let result = tokio::time::timeout(timeout, asked).await;
                    send(settle(result));
                }
            }
        });
    }

    async fn announce_once(
        self: &Rc<Self>,
        url: String,
        params: Box<AnnounceParams>,
    ) -> Result<AnnounceReply, Failure> {
        let settings = self.settings();
        let call = Rc::new(Call::new(url, *params, settings));
        let (mut reply, later) = self.call(&call).await?;
        for answer in later {
            self.add_later(&mut reply, answer).await;
        }
        let mut seen = std::collections::BTreeSet::new();
        reply.peers = reply.peers.into_iter().map(canonical).filter(|p| seen.insert(*p)).collect();
        Ok(reply)
    }

    async fn add_later(&self, reply: &mut AnnounceReply, answer: Later) {
        if let Ok(Ok(other)) = tokio::time::timeout(LATER, answer).await {
            reply.peers.extend(other.peers);
            reply.external_ip = reply.external_ip.or(other.external_ip);
        }
    }

    /// Counts of torrents, in the order asked; those the tracker does not know are left out. Fails
    /// when there are none at all.
    async fn scrape_once(
        self: &Rc<Self>,
        url: String,
        hashes: Vec<InfoHash>,
    ) -> Result<Vec<ScrapeEntry>, Failure> {
        let tasks: Vec<_> = hashes
            .into_iter()
            .map(|hash| {
                // Side by side: a UDP tracker is asked about many in one packet.
                let (shard, url) = (Rc::clone(self), url.clone());
                tokio::task::spawn_local(async move { shard.count_at(&url, hash).await })
            })
            .collect();
        let mut found = Vec::with_capacity(tasks.len());
        let mut last = Failure::new("no torrent was asked about");
        for task in tasks {
            match task.await {
                Ok(Ok(entry)) => found.push(entry),
                Ok(Err(failure)) => last = failure,
                Err(error) => last = Failure::new(error),
            }
        }
        if found.is_empty() { Err(last) } else { Ok(found) }
    }
}

fn settle<T>(
    result: Result<Result<T, Failure>, tokio::time::error::Elapsed>,
) -> Result<T, Option<String>> {
    match result {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(failure)) => Err(Some(failure.reason)),
        Err(_) => Err(None),
    }
}

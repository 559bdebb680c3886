//! Questions of the host to a tracker, without a torrent.

use std::sync::mpsc;
use std::time::Duration;

use super::Core;
use crate::base::{InfoHash, PeerId};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::host::{Inquiry, ShardCommand, TrackerAnswer, TrackerQuestion};
use crate::proto::tracker::udp::UdpTarget;
use crate::proto::tracker::{self, AnnounceParams, AnnounceReply, ScrapeEntry};

/// Torrents of one scrape.
const HASHES_MAX: usize = 10_000;

impl Core {
    /// Who we say we are.
    #[must_use]
    pub fn peer_id(&self) -> PeerId {
        self.peer_id
    }

    /// Announces once and waits for the answer, at most so long. Not on network threads.
    pub fn announce_once(
        &self,
        url: &str,
        params: AnnounceParams,
        timeout: Duration,
    ) -> Result<AnnounceReply, Error> {
        let question = |answer| TrackerQuestion::Announce(Box::new(params), answer);
        self.inquire(url, timeout, question)
    }

    /// Asks for counts and waits likewise. Torrents the tracker does not know are left out.
    pub fn scrape_once(
        &self,
        url: &str,
        hashes: &[InfoHash],
        timeout: Duration,
    ) -> Result<Vec<ScrapeEntry>, Error> {
        if hashes.is_empty() || hashes.len() > HASHES_MAX {
            let text = format!("1 to {HASHES_MAX} torrents can be asked about");
            return Err(Error::new(ErrorKind::Range, text));
        }
        let question = |answer| TrackerQuestion::Scrape(hashes.to_vec(), answer);
        self.inquire(url, timeout, question)
    }

    fn inquire<T: Send + 'static>(
        &self,
        url: &str,
        timeout: Duration,
        question: impl FnOnce(TrackerAnswer<T>) -> TrackerQuestion,
    ) -> Result<T, Error> {
        self.check_open()?;
        if let Err(error) = tracker::is_supported(url)
            && UdpTarget::parse(url).is_err()
        {
            return Err(Error::new(ErrorKind::Invalid, format!("{url}: {error}")));
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        let answer = Box::new(move |result| {
            let _ = sender.send(result);
        });
        let (url, question) = (url.to_owned(), question(answer));
        let inquiry = Inquiry { url, question, timeout };
        let sent = self.shards().first().is_some_and(|s| s.send(ShardCommand::Inquire(inquiry)));
        if !sent {
            return Err(ErrorKind::Closed.into());
        }
        match receiver.recv() {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Some(reason))) => Err(Error::new(ErrorKind::Tracker, reason)),
            Ok(Err(None)) => Err(ErrorKind::Timeout.into()),
            Err(_) => Err(ErrorKind::Closed.into()),
        }
    }
}

//! UDP trackers of the whole session, on shard 0: the pool of their machines joined to the sockets.
//!
//! Whoever wants something asks with [`Shard::ask_udp`], from whatever shard, and waits; who does
//! not wait any more has withdrawn the question. Deliberately absent: which tracker, when, and what
//! an answer means to a torrent.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::oneshot;

use super::Shard;
use super::udp::{Consumer, Kind, SocketId, count};
use crate::base::{Instant, Rng};
use crate::engine::host::ShardCommand;
use crate::net::udp::Datagram;
use crate::proto::tracker::udp::{
    Announce, PoolOutput, PoolQuestion, UdpConfig, UdpError, UdpRequestId, UdpTrackers,
};
use crate::proto::tracker::{AnnounceReply, ScrapeEntry};

/// A question to a UDP tracker, on its way to shard 0. The answer's receiver may be dropped.
pub struct UdpAsk {
    to: SocketAddr,
    question: Question,
}

enum Question {
    Announce(Box<Announce>, Answer<AnnounceReply>),
    Scrape(crate::base::InfoHash, Answer<ScrapeEntry>),
}

type Answer<T> = oneshot::Sender<Result<T, UdpError>>;

enum Waiting {
    Announce(Answer<AnnounceReply>),
    Scrape(Answer<ScrapeEntry>),
}

impl Waiting {
    fn gone(&self) -> bool {
        match self {
            Self::Announce(answer) => answer.is_closed(),
            Self::Scrape(answer) => answer.is_closed(),
        }
    }

    fn fail(self, error: UdpError) {
        // Who does not wait any more is not told.
        match self {
            Self::Announce(answer) => _ = answer.send(Err(error)),
            Self::Scrape(answer) => _ = answer.send(Err(error)),
        }
    }
}

/// The trackers and who waits for them.
pub(super) struct UdpDesk {
    pool: RefCell<UdpTrackers>,
    waiting: RefCell<BTreeMap<UdpRequestId, Waiting>>,
    due: Cell<Option<Instant>>,
}

impl UdpDesk {
    pub(super) fn new(attempts: u32, rng: Rng) -> Self {
        let config = UdpConfig { attempts, ..UdpConfig::default() };
        Self {
            pool: RefCell::new(UdpTrackers::new(config, rng)),
            waiting: RefCell::default(),
            due: Cell::new(None),
        }
    }

    /// When [`Shard::udp_time_passed`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Packets sent for one request from now on.
    pub(super) fn set_attempts(&self, attempts: u32) {
        self.pool.borrow_mut().set_attempts(attempts);
    }
}

impl Consumer for UdpDesk {
    fn received(&self, shard: &Rc<Shard>, _: SocketId, batch: &[Datagram<'_>]) {
        let now = shard.now();
        for datagram in batch {
            if !self.pool.borrow_mut().datagram(now, datagram.from, datagram.data) {
                count(&shard.sockets.counters.malformed, 1);
            }
        }
        shard.pump_udp();
    }

    fn bounced(&self, shard: &Rc<Shard>, _: SocketId, to: SocketAddr) {
        self.pool.borrow_mut().unreachable(shard.now(), to);
        shard.pump_udp();
    }
}

impl Shard {
    /// An announce to a UDP tracker. To drop the future is to withdraw it.
    pub(super) async fn announce_udp(
        &self,
        to: SocketAddr,
        announce: Announce,
    ) -> Result<AnnounceReply, UdpError> {
        let (answer, wait) = oneshot::channel();
        self.ask_udp(to, Question::Announce(Box::new(announce), answer));
        wait.await.unwrap_or(Err(UdpError::Unreachable))
    }

    /// Counts from a UDP tracker; those asked about the same time go together.
    pub(super) async fn scrape_udp(
        &self,
        to: SocketAddr,
        info_hash: crate::base::InfoHash,
    ) -> Result<ScrapeEntry, UdpError> {
        let (answer, wait) = oneshot::channel();
        self.ask_udp(to, Question::Scrape(info_hash, answer));
        wait.await.unwrap_or(Err(UdpError::Unreachable))
    }

    fn ask_udp(&self, to: SocketAddr, question: Question) {
        // Also on shard 0 by its mailbox: what is asked in one turn goes out together.
        if let Some(inbox) = self.fleet.inboxes.first() {
            inbox.send(ShardCommand::UdpTracker(UdpAsk { to, question }));
        }
    }

    /// Starts to take the trackers' datagrams.
    pub(super) fn open_udp_trackers(self: &Rc<Self>) {
        let desk: Rc<dyn Consumer> = Rc::<UdpDesk>::clone(&self.udp_desk);
        self.sockets.register(self, Kind::Tracker, desk);
    }

    /// A question arrived. On shard 0 only.
    pub(super) fn udp_asked(self: &Rc<Self>, ask: UdpAsk) {
        let UdpAsk { to, question } = ask;
        let (question, waiting) = match question {
            Question::Announce(announce, answer) => {
                (PoolQuestion::Announce(announce), Waiting::Announce(answer))
            }
            Question::Scrape(hash, answer) => (PoolQuestion::Scrape(hash), Waiting::Scrape(answer)),
        };
        if waiting.gone() {
            return;
        }
        let id = self.udp_desk.pool.borrow_mut().ask(self.now(), to, question);
        self.udp_desk.waiting.borrow_mut().insert(id, waiting);
        self.pump_udp();
    }

    /// The desk's deadline has passed.
    pub(super) fn udp_time_passed(self: &Rc<Self>) {
        let now = self.now();
        // Nothing is sent again for those who do not wait any more.
        let gone: Vec<UdpRequestId> = {
            let waiting = self.udp_desk.waiting.borrow();
            waiting.iter().filter(|(_, waiting)| waiting.gone()).map(|(id, _)| *id).collect()
        };
        let mut pool = self.udp_desk.pool.borrow_mut();
        for id in gone {
            self.udp_desk.waiting.borrow_mut().remove(&id);
            pool.cancel(now, id);
        }
        pool.timeout(now);
        drop(pool);
        self.pump_udp();
    }

    /// Sends what is to be sent, and answers whom there is an answer for.
    fn pump_udp(&self) {
        let desk = &self.udp_desk;
        let count = || *self.sockets.counters.trackers.lock() = desk.pool.borrow().counts();
        // Before anybody hears of it, and what came of sending.
        count();
        loop {
            let output = desk.pool.borrow_mut().poll_output();
            let Some(output) = output else { break };
            let wait = |id| desk.waiting.borrow_mut().remove(&id);
            match output {
                PoolOutput::Send { to, data } => {
                    if let Err(error) = self.sockets.send_to(to, &data)
                        && error.kind() != io::ErrorKind::WouldBlock
                    {
                        // No socket of this family, no way there: waiting would not help.
                        desk.pool.borrow_mut().unreachable(self.now(), to);
                    }
                }
                PoolOutput::Announced { id, reply } => {
                    if let Some(Waiting::Announce(answer)) = wait(id) {
                        let _ = answer.send(Ok(reply));
                    }
                }
                PoolOutput::Scraped { id, entry } => {
                    if let Some(Waiting::Scrape(answer)) = wait(id) {
                        let _ = answer.send(Ok(entry));
                    }
                }
                PoolOutput::Failed { id, error } => {
                    if let Some(waiting) = wait(id) {
                        waiting.fail(error);
                    }
                }
            }
        }
        count();
        let due = desk.pool.borrow().next_deadline();
        desk.due.set(due);
        if let Some(due) = due {
            self.wake_by(due);
        }
    }
}

//! The queue: two lanes behind one level-triggered descriptor.

use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

use parking_lot::Mutex;

use super::ring::Notices;
use super::{Event, EventKind, class};
use crate::net::notify::{self, Flag, Woken};

/// Parts of answers that are kept undroppable; beyond, they are notices like others.
const ANSWERS: usize = 4096;
/// Room for events that an empty lane keeps.
const KEPT: usize = 256;
/// Events that wait although more are on their way (see [`Queue::hold`]).
const HELD_MOST: usize = 64;

/// Events that wait for the host.
#[derive(Debug)]
pub struct Queue {
    lanes: Mutex<Lanes>,
    /// Raised while something waits, at the latest when the last [`Queue::hold`] ends; changed
    /// under the lock of `lanes`.
    flag: Flag,
    /// Ends a wait without an event.
    wake: Flag,
}

#[derive(Debug)]
struct Lanes {
    requests: VecDeque<Event>,
    notices: Notices,
    /// Of `requests`, those that answer something and want no answer.
    answers: usize,
    classes: u32,
    /// Holds that have not ended.
    holds: u32,
    raised: bool,
}

impl Lanes {
    fn len(&self) -> usize {
        self.requests.len() + self.notices.len()
    }

    /// Whether an event answers something the host asked for and there is room where nothing is
    /// dropped. The end of a command always has room: commands are bounded.
    fn takes_answer(&self, event: &Event) -> bool {
        let ends = match &event.kind {
            EventKind::Dht(dht) => dht.is_end(),
            kind => kind.is_answer(),
        };
        ends || event.kind.is_answer() && self.answers < ANSWERS
    }

    /// Gives the room of a burst back.
    fn shrink(&mut self) {
        self.requests.shrink_to(KEPT);
        self.notices.shrink();
    }

    fn pop(&mut self) -> Option<Event> {
        if let Some(request) = self.requests.pop_front() {
            self.answers -= usize::from(request.kind.is_answer());
            return Some(request);
        }
        self.notices.pop()
    }
}

impl Queue {
    /// An empty queue that keeps up to `capacity` notices, and as many errors.
    pub fn new(capacity: usize) -> io::Result<Self> {
        let lanes = Lanes {
            requests: VecDeque::new(),
            notices: Notices::new(capacity),
            answers: 0,
            classes: class::DEFAULT,
            holds: 0,
            raised: false,
        };
        Ok(Self { lanes: Mutex::new(lanes), flag: Flag::new()?, wake: Flag::new()? })
    }

    /// Queues an event, unless its class is not subscribed to.
    pub fn push(&self, event: Event) {
        let mut lanes = self.lanes.lock();
        if event.kind.token().is_some() || lanes.takes_answer(&event) {
            lanes.answers += usize::from(event.kind.is_answer());
            lanes.requests.push_back(event);
        } else if event.kind.is_vital() || lanes.classes & event.kind.class() != 0 {
            lanes.notices.push(event);
        } else {
            return;
        }
        if lanes.holds == 0 || lanes.len() >= HELD_MOST {
            self.raise(&mut lanes);
        }
    }

    /// More events are about to be pushed by this thread: the host is told of a handful at once
    /// instead of being woken for each. Ends with [`Self::release`].
    pub fn hold(&self) {
        self.lanes.lock().holds += 1;
    }

    /// Ends a [`Self::hold`].
    pub fn release(&self) {
        let mut lanes = self.lanes.lock();
        lanes.holds = lanes.holds.saturating_sub(1);
        if lanes.holds == 0 && lanes.len() > 0 {
            self.raise(&mut lanes);
        }
    }

    fn raise(&self, lanes: &mut Lanes) {
        if !std::mem::replace(&mut lanes.raised, true) {
            self.flag.raise();
        }
    }

    /// Answers that wait to be taken.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.lanes.lock().answers
    }

    fn lower(&self, lanes: &mut Lanes) {
        if std::mem::replace(&mut lanes.raised, false) {
            self.flag.lower();
        }
    }

    /// Whether notices of these classes are queued at all.
    #[must_use]
    pub fn wants(&self, classes: u32) -> bool {
        self.lanes.lock().classes & classes != 0
    }

    /// Takes up to `max` events (0: all), requests first.
    pub fn take(&self, max: usize) -> Vec<Event> {
        let mut lanes = self.lanes.lock();
        let waiting = lanes.len();
        if waiting == 0 {
            return Vec::new();
        }
        let count = if max == 0 { waiting } else { max.min(waiting) };
        let mut out = Vec::with_capacity(count);
        while out.len() < count {
            let Some(event) = lanes.pop() else { break };
            out.push(event);
        }
        if lanes.len() == 0 {
            self.lower(&mut lanes);
            lanes.shrink();
        }
        out
    }

    /// Withdraws requests that wait and are not to be answered any more.
    pub fn withdraw(&self, gone: impl Fn(u64) -> bool) {
        let mut lanes = self.lanes.lock();
        if lanes.len() == 0 {
            return;
        }
        lanes.requests.retain(|event| !event.kind.token().is_some_and(&gone));
        if lanes.len() == 0 {
            self.lower(&mut lanes);
        }
    }

    /// Which classes of notices to queue from now on.
    pub fn subscribe(&self, classes: u32) {
        self.lanes.lock().classes = classes;
    }

    /// Events that wait, and notices dropped so far.
    #[must_use]
    pub fn counts(&self) -> (usize, u64) {
        let lanes = self.lanes.lock();
        (lanes.len(), lanes.notices.dropped_in_all())
    }

    /// The descriptor that is readable while events wait.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        self.flag.fd()
    }

    /// Waits for an event: true when one waits; false on time-out, wake-up or signal.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        if self.lanes.lock().len() > 0 {
            return Ok(true);
        }
        let woken = notify::wait(&[&self.flag, &self.wake], timeout)?;
        if let Woken::Raised(bits) = woken {
            if bits & 2 != 0 {
                self.wake.lower();
            }
            return Ok(bits & 1 != 0);
        }
        Ok(false)
    }

    /// Ends one wait, the present or the next one. Async-signal-safe.
    pub fn wake(&self) {
        self.wake.raise();
    }
}

//! Rate limits: how many bytes a connection may move now, and who waits for more.
//!
//! Each shard has a slice of the session's limit, each torrent its own. Limits count all bytes on
//! the wire, the protocol's included. While a limit is in force a connection moves at most one
//! quantum per turn and then goes behind the others: connections share what there is turn by turn.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use crate::base::Instant;
use crate::swarm::rate::Bucket;

/// Bytes a connection may move per turn while a limit is in force.
pub(super) const QUANTUM: usize = 16 * 1024;

/// Direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From peers.
    Down = 0,
    /// To peers.
    Up = 1,
}

/// The limits of a shard or of a torrent. Unlimited directions cost one check.
#[derive(Default)]
pub(super) struct Limits {
    /// Boxed: most torrents have no limit of their own.
    buckets: [RefCell<Option<Box<Bucket>>>; 2],
    moved: [Cell<bool>; 2],
}

impl Limits {
    /// Changes a limit, in bytes per second.
    pub(super) fn set(&self, now: Instant, direction: Direction, limit: Option<u64>) {
        let mut bucket = self.bucket(direction).borrow_mut();
        match (&mut *bucket, limit) {
            (Some(bucket), Some(_)) => bucket.set_limit(now, limit),
            (_, None) => *bucket = None,
            (None, Some(_)) => *bucket = Some(Box::new(Bucket::new(now, limit))),
        }
    }

    /// Whether bytes moved since this was last asked.
    pub(super) fn take_moved(&self, direction: Direction) -> bool {
        self.moved[direction as usize].take()
    }

    fn bucket(&self, direction: Direction) -> &RefCell<Option<Box<Bucket>>> {
        &self.buckets[direction as usize]
    }

    fn is_limited(&self, direction: Direction) -> bool {
        self.bucket(direction).borrow().is_some()
    }
}

/// What may pass now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// Anything.
    Unlimited,
    /// So many bytes, never 0.
    Bytes(usize),
    /// Nothing before this.
    NotBefore(Instant),
}

/// What may pass through both limits.
pub(super) fn grant(
    limits: [&Limits; 2],
    direction: Direction,
    now: impl FnOnce() -> Instant,
) -> Grant {
    if limits.iter().all(|l| !l.is_limited(direction)) {
        return Grant::Unlimited;
    }
    let now = now();
    let (mut bytes, mut wait) = (QUANTUM, None);
    for limit in limits {
        if let Some(bucket) = &mut *limit.bucket(direction).borrow_mut() {
            let available = bucket.available(now);
            if available == 0 {
                wait = wait.max(bucket.ready_at(now, QUANTUM));
            }
            bytes = bytes.min(available);
        }
    }
    match (bytes, wait) {
        (0, Some(at)) => Grant::NotBefore(at),
        // The bucket has nothing and yet names no time: look again soon rather than never.
        (0, None) => Grant::NotBefore(now + core::time::Duration::from_millis(10)),
        (bytes, _) => Grant::Bytes(bytes),
    }
}

/// Counts bytes that passed.
pub(super) fn consume(limits: [&Limits; 2], direction: Direction, bytes: usize) {
    for limit in limits {
        limit.moved[direction as usize].set(true);
        if let Some(bucket) = &mut *limit.bucket(direction).borrow_mut() {
            bucket.consume(bytes);
        }
    }
}

/// The connections of a shard that wait for rate.
#[derive(Default)]
pub(super) struct Waiters {
    wakers: RefCell<Vec<Waker>>,
    due: Cell<Option<Instant>>,
    round: Cell<u64>,
}

impl Waiters {
    /// Puts a connection in line until `at`. `ticket` is the connection's own: it keeps one from
    /// standing in line twice.
    pub(super) fn join(&self, ticket: &Cell<u64>, waker: &Waker, at: Instant) {
        // Rounds count from 1 so that a fresh ticket (0) is in no line.
        if ticket.replace(self.round.get() + 1) != self.round.get() + 1 {
            self.wakers.borrow_mut().push(waker.clone());
        }
        self.due.set(Some(self.due.get().map_or(at, |due| due.min(at))));
    }

    /// When [`Self::fire`] is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Wakes everybody, in order of arrival, when it is time.
    pub(super) fn fire(&self, now: Instant) {
        if self.due.get().is_some_and(|due| due <= now) {
            self.due.set(None);
            self.round.set(self.round.get() + 1);
            self.wakers.take().into_iter().for_each(Waker::wake);
        }
    }
}

//! Notices that wait, in three rings that are read as one: a flood of one kind must not push out
//! what a host would miss. A session that brings back a hundred thousand torrents tells three
//! things of each; the one torrent that did not come back is told among those.
//!
//! - *Kept*: what ends something the host asked for, and the last words of torrents and session.
//!   Never dropped; there are not more of them than the host gave commands and has torrents.
//! - *Errors*: as many as the capacity, whatever else comes.
//! - *Routine*: the rest, as many as the capacity.
//!
//! Deliberately absent: requests, the descriptor, the lock.

use std::collections::{BTreeMap, VecDeque};

use super::{Event, EventKind, class};
use crate::base::TorrentId;
use crate::swarm::Notice;

/// Room for events that an empty ring keeps.
const KEPT: usize = 256;

/// Waiting notices, and what was dropped of them since the gap was last told.
#[derive(Debug)]
pub(super) struct Notices {
    kept: Ring,
    errors: Ring,
    routine: Ring,
    /// Of `errors` and of `routine`.
    capacity: usize,
    /// Number of the next notice.
    next: u64,
    /// Number in `routine` of the waiting state change of each torrent.
    states: BTreeMap<TorrentId, u64>,
    dropped: u64,
    dropped_classes: u32,
    dropped_in_all: u64,
}

/// Notices with their numbers, ascending.
#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<(u64, Event)>,
    /// How many left this ring at its front.
    gone: u64,
}

impl Ring {
    fn first(&self) -> Option<u64> {
        self.events.front().map(|(number, _)| *number)
    }

    fn push(&mut self, number: u64, event: Event) {
        self.events.push_back((number, event));
    }

    fn pop(&mut self) -> Option<Event> {
        let (_, event) = self.events.pop_front()?;
        self.gone += 1;
        Some(event)
    }

    /// A place in the ring that stays the same while others leave.
    fn end(&self) -> u64 {
        self.gone + u64::try_from(self.events.len()).unwrap_or(u64::MAX)
    }

    fn at(&mut self, place: u64) -> Option<&mut Event> {
        let index = usize::try_from(place.checked_sub(self.gone)?).ok()?;
        self.events.get_mut(index).map(|(_, event)| event)
    }
}

impl Notices {
    /// None, with room for so many errors and so many others.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            kept: Ring::default(),
            errors: Ring::default(),
            routine: Ring::default(),
            capacity: capacity.max(1),
            next: 0,
            states: BTreeMap::new(),
            dropped: 0,
            dropped_classes: 0,
            dropped_in_all: 0,
        }
    }

    /// How many there are to take, the gap's own included.
    pub(super) fn len(&self) -> usize {
        let rings = [&self.kept, &self.errors, &self.routine];
        rings.map(|ring| ring.events.len()).iter().sum::<usize>() + usize::from(self.dropped > 0)
    }

    /// Dropped since the start.
    pub(super) fn dropped_in_all(&self) -> u64 {
        self.dropped_in_all
    }

    /// Adds one; the oldest of its ring goes when that is full.
    pub(super) fn push(&mut self, event: Event) {
        if self.join_state(&event) {
            return;
        }
        let number = self.next;
        self.next += 1;
        if event.kind.is_kept() {
            return self.kept.push(number, event);
        }
        let error = event.kind.class() == class::ERROR;
        let ring = if error { &mut self.errors } else { &mut self.routine };
        let old = (ring.events.len() >= self.capacity).then(|| ring.pop()).flatten();
        if let Some(old) = old {
            self.dropped += 1;
            self.dropped_in_all += 1;
            self.dropped_classes |= old.kind.class();
            self.left(&old);
        }
        if let (EventKind::Notice(Notice::State { .. }), Some(entry)) = (&event.kind, &event.entry)
        {
            self.states.insert(entry.id, self.routine.end());
        }
        let ring = if error { &mut self.errors } else { &mut self.routine };
        ring.push(number, event);
    }

    /// Joins a state change with one of the same torrent that waits. False when none does.
    fn join_state(&mut self, event: &Event) -> bool {
        let EventKind::Notice(Notice::State { new: newest, .. }) = &event.kind else {
            return false;
        };
        let Some(id) = event.entry.as_ref().map(|e| e.id) else { return false };
        let waiting = self.states.get(&id).and_then(|place| self.routine.at(*place));
        match waiting.map(|e| &mut e.kind) {
            Some(EventKind::Notice(Notice::State { new, .. })) => {
                *new = *newest;
                true
            }
            _ => false,
        }
    }

    /// A notice left `routine`, or another ring.
    fn left(&mut self, event: &Event) {
        if let (EventKind::Notice(Notice::State { .. }), Some(entry)) = (&event.kind, &event.entry)
            && self.states.get(&entry.id).is_some_and(|place| *place < self.routine.gone)
        {
            self.states.remove(&entry.id);
        }
    }

    /// The next one: what was dropped first, then the rest in the order they came.
    pub(super) fn pop(&mut self) -> Option<Event> {
        if self.dropped > 0 {
            let count = std::mem::take(&mut self.dropped);
            let classes = std::mem::take(&mut self.dropped_classes);
            return Some(Event::now(None, EventKind::Dropped { count, classes }));
        }
        let rings = [&mut self.kept, &mut self.errors, &mut self.routine];
        let rings = rings.into_iter().filter(|ring| ring.first().is_some());
        let event = rings.min_by_key(|ring| ring.first())?.pop()?;
        self.left(&event);
        Some(event)
    }

    /// Gives the room of a burst back.
    pub(super) fn shrink(&mut self) {
        for ring in [&mut self.kept, &mut self.errors, &mut self.routine] {
            ring.events.shrink_to(KEPT);
        }
    }
}

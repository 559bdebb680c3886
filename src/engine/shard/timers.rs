//! One timer for all torrents of a shard.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::base::{Instant, TorrentId};

/// Deadlines in order. Moving one costs two tree operations and no system call; idle torrents are
/// not in it.
#[derive(Default)]
pub(super) struct Timers(RefCell<BTreeSet<(Instant, TorrentId)>>);

impl Timers {
    /// Moves a torrent's deadline.
    pub(super) fn move_to(&self, id: TorrentId, old: Option<Instant>, new: Option<Instant>) {
        let mut set = self.0.borrow_mut();
        if let Some(old) = old {
            set.remove(&(old, id));
        }
        if let Some(new) = new {
            set.insert((new, id));
        }
    }

    /// The earliest deadline.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.borrow().first().map(|(at, _)| *at)
    }

    /// The torrents that are due, taken out.
    pub(super) fn take_due(&self, now: Instant) -> Vec<TorrentId> {
        let mut set = self.0.borrow_mut();
        let mut due = Vec::new();
        while let Some((_, id)) = set.first().copied().filter(|(at, _)| *at <= now) {
            set.pop_first();
            due.push(id);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_out_in_order_and_once() {
        let (timers, at) = (Timers::default(), Instant::from_micros);
        timers.move_to(TorrentId(1), None, Some(at(30)));
        timers.move_to(TorrentId(2), None, Some(at(10)));
        timers.move_to(TorrentId(3), None, Some(at(20)));
        timers.move_to(TorrentId(3), Some(at(20)), Some(at(5)));
        timers.move_to(TorrentId(2), Some(at(10)), None);
        assert_eq!(timers.first(), Some(at(5)));
        assert_eq!(timers.take_due(at(29)), [TorrentId(3)]);
        assert_eq!(timers.take_due(at(30)), [TorrentId(1)]);
        assert_eq!(timers.first(), None);
    }
}

//! Connection attempts that wait for room in the session's budgets.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::slot::Conn;
use crate::base::Instant;

/// How often those who wait look for room that another shard gave back.
const TICK: Duration = Duration::from_millis(100);

/// A line of attempts, first come first served. Room that another shard gave back is not announced:
/// the shard looks again every now and then while somebody waits.
#[derive(Default)]
pub(super) struct Dials {
    line: RefCell<VecDeque<Rc<Conn>>>,
    due: Cell<Option<Instant>>,
}

impl Dials {
    /// Puts an attempt at the end of the line, once; says when to look again.
    pub(super) fn wait(&self, conn: &Rc<Conn>, now: Instant) -> Instant {
        if !conn.in_line.replace(true) {
            self.line.borrow_mut().push_back(Rc::clone(conn));
        }
        let due = self.due.get().unwrap_or(now + TICK);
        self.due.set(Some(due));
        due
    }

    /// When [`Self::look_again`] is due; `None` while nobody waits.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Room for one: wakes the first who still wants it.
    pub(super) fn permit_freed(&self) {
        let first = {
            let mut line = self.line.borrow_mut();
            loop {
                match line.pop_front() {
                    Some(conn) if conn.closed.get() => {}
                    other => break other,
                }
            }
        };
        if let Some(conn) = first {
            conn.in_line.set(false);
            conn.wake();
        }
    }

    /// When it is time, wakes as many as there is room for.
    pub(super) fn look_again(&self, now: Instant, room: impl FnOnce() -> u32) {
        if self.due.get().is_none_or(|due| due > now) {
            return;
        }
        for _ in 0..room() {
            self.permit_freed();
        }
        let waiting = !self.line.borrow().is_empty();
        self.due.set(waiting.then(|| now + TICK));
    }
}

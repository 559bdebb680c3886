//! Questions under way: who was asked what, until when an answer counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use super::types::{CommandId, EndpointId};
use super::{Contact, NodeId};
use crate::base::Instant;

/// What a question was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A step of this lookup.
    Lookup(u32),
    /// Whether a node of the table is still there.
    Check,
    /// One question to one node.
    Direct(CommandId),
    /// An announce or a put.
    Store(CommandId),
}

/// A question under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) endpoint: EndpointId,
    pub(super) to: SocketAddr,
    /// The id that is expected, when one is.
    pub(super) id: Option<NodeId>,
    pub(super) sent: Instant,
    pub(super) purpose: Purpose,
    /// When to look at it again.
    timer: Instant,
    slow: bool,
}

impl Call {
    pub(super) fn new(
        endpoint: EndpointId,
        to: SocketAddr,
        id: Option<NodeId>,
        purpose: Purpose,
    ) -> Self {
        let (sent, timer) = (Instant::ZERO, Instant::ZERO);
        Self { endpoint, to, id, sent, purpose, timer, slow: false }
    }

    /// Who was asked, when that is known.
    pub(super) fn contact(&self) -> Option<Contact> {
        self.id.map(|id| Contact { id, addr: self.to })
    }
}

/// What became of a question whose time came.
#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    /// It takes long; an answer still counts.
    Slow(Call),
    /// No answer counts any more.
    Expired(Call),
}

/// All questions under way.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<u32, Call>,
    timers: BTreeSet<(Instant, u32)>,
}

impl Calls {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Questions for a purpose.
    pub(super) fn count(&self, purpose: Purpose) -> usize {
        self.open.values().filter(|call| call.purpose == purpose).count()
    }

    /// Whether a transaction id is in use.
    pub(super) fn contains(&self, transaction: u32) -> bool {
        self.open.contains_key(&transaction)
    }

    /// Notes a question sent now.
    pub(super) fn open(&mut self, now: Instant, transaction: u32, call: Call, short: Duration) {
        let call = Call { sent: now, timer: now + short, ..call };
        self.timers.insert((call.timer, transaction));
        self.open.insert(transaction, call);
    }

    /// The question an answer belongs to: it has to come from where the question went.
    pub(super) fn close(
        &mut self,
        transaction: u32,
        endpoint: EndpointId,
        from: SocketAddr,
    ) -> Option<Call> {
        let call = self.open.get(&transaction)?;
        if call.endpoint != endpoint || call.to != from {
            return None;
        }
        self.take(transaction)
    }

    fn take(&mut self, transaction: u32) -> Option<Call> {
        let call = self.open.remove(&transaction)?;
        self.timers.remove(&(call.timer, transaction));
        Some(call)
    }

    /// The next question whose time has come. `long` is from when it was sent.
    pub(super) fn due(&mut self, now: Instant, long: Duration) -> Option<Due> {
        let (timer, transaction) = *self.timers.first()?;
        if timer > now {
            return None;
        }
        let call = self.open.get_mut(&transaction)?;
        if call.slow || call.sent + long <= now {
            return self.take(transaction).map(Due::Expired);
        }
        self.timers.remove(&(timer, transaction));
        (call.slow, call.timer) = (true, call.sent + long);
        self.timers.insert((call.timer, transaction));
        Some(Due::Slow(*call))
    }

    /// When [`Self::due`] has something.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes a question for which `matches` holds; for rare events, as it looks at all.
    pub(super) fn take_where(&mut self, matches: impl Fn(&Call) -> bool) -> Option<Call> {
        let found = self.open.iter().find(|(_, call)| matches(call)).map(|(t, _)| *t);
        found.and_then(|transaction| self.take(transaction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_count_from_the_right_place_until_the_long_time_out() {
        let mut calls = Calls::default();
        let at = |millis: u64| Instant::from_micros(millis * 1000);
        let (short, long) = (Duration::from_secs(1), Duration::from_secs(8));
        let to: SocketAddr = "1.2.3.4:5".parse().unwrap();
        let call = Call::new(EndpointId(1), to, None, Purpose::Check);
        calls.open(at(0), 7, call, short);
        calls.open(at(0), 8, call, short);
        assert!(calls.close(7, EndpointId(2), to).is_none());
        assert!(calls.close(7, EndpointId(1), "1.2.3.4:6".parse().unwrap()).is_none());
        assert!(calls.close(9, EndpointId(1), to).is_none());
        assert!(calls.close(7, EndpointId(1), to).is_some());
        assert!(calls.close(7, EndpointId(1), to).is_none(), "only once");
        assert!(calls.due(at(999), long).is_none());
        assert!(matches!(calls.due(at(1000), long), Some(Due::Slow(_))));
        assert!(calls.due(at(1000), long).is_none());
        assert_eq!(calls.next_deadline(), Some(at(8000)));
        assert!(matches!(calls.due(at(8000), long), Some(Due::Expired(_))));
        assert_eq!((calls.len(), calls.next_deadline()), (0, None));
    }
}

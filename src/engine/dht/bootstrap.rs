//! Names of nodes: which are to be resolved when, one after the other, with back-off. Deliberately
//! absent: resolving.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::Instant;

/// First pause after a name that did not resolve; doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(15);
/// Doublings of that pause: up to sixteen minutes.
const RETRY_DOUBLINGS: u32 = 6;
/// A bootstrap host that resolved is resolved again after so long, while nobody is known.
const AGAIN: Duration = Duration::from_secs(3600);
/// Nodes named by hosts and torrents that wait to be resolved.
const MAX_ONCE: usize = 64;
/// Addresses taken of one name.
const MAX_ADDRS: usize = 8;

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be asked while few nodes are known.
    Router,
    /// To get acquainted with.
    Node,
}

#[derive(Debug)]
struct Router {
    host: String,
    due: Instant,
    fails: u32,
}

/// The names.
#[derive(Debug, Default)]
pub(super) struct Names {
    routers: Vec<Router>,
    once: VecDeque<String>,
    /// What is being resolved, and what for.
    busy: Option<(String, Purpose)>,
}

/// The literal address that a text is.
pub(super) fn literal(host: &str) -> Option<SocketAddr> {
    host.parse().ok()
}

impl Names {
    /// Replaces the bootstrap hosts. Those that stay keep what is known of them.
    pub(super) fn set_routers(&mut self, hosts: &[String]) {
        self.routers.retain(|router| hosts.contains(&router.host));
        let known: BTreeSet<String> = self.routers.iter().map(|r| r.host.clone()).collect();
        for host in hosts.iter().filter(|host| !known.contains(*host)) {
            let host = host.clone();
            self.routers.push(Router { host, due: Instant::ZERO, fails: 0 });
        }
    }

    /// A node by name.
    pub(super) fn add(&mut self, host: String) {
        if self.once.len() < MAX_ONCE && !self.once.contains(&host) {
            self.once.push_back(host);
        }
    }

    /// The next name to resolve; one at a time. Bootstrap hosts only while they are `wanted`.
    pub(super) fn next(&mut self, now: Instant, wanted: bool) -> Option<String> {
        if self.busy.is_some() {
            return None;
        }
        let due = |router: &&Router| wanted && router.due <= now;
        let (host, purpose) = match self.once.pop_front() {
            Some(host) => (host, Purpose::Node),
            None => (self.routers.iter().find(due)?.host.clone(), Purpose::Router),
        };
        self.busy = Some((host.clone(), purpose));
        Some(host)
    }

    /// A name resolved, or not: what the addresses are for.
    pub(super) fn resolved(
        &mut self,
        now: Instant,
        found: &mut Vec<SocketAddr>,
    ) -> Option<(String, Purpose)> {
        let (host, purpose) = self.busy.take()?;
        found.truncate(MAX_ADDRS);
        if let Some(router) = self.routers.iter_mut().find(|router| router.host == host)
            && purpose == Purpose::Router
        {
            if found.is_empty() {
                router.due = now + RETRY_FIRST * (1 << router.fails.min(RETRY_DOUBLINGS));
                router.fails = router.fails.saturating_add(1);
            } else {
                (router.due, router.fails) = (now + AGAIN, 0);
            }
        }
        Some((host, purpose))
    }

    /// Whether a name is being resolved.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// When [`Self::next`] has something.
    pub(super) fn next_deadline(&self, wanted: bool) -> Option<Instant> {
        if self.busy.is_some() {
            return None;
        }
        if !self.once.is_empty() {
            return Some(Instant::ZERO);
        }
        self.routers.iter().filter(|_| wanted).map(|router| router.due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    #[test]
    fn names_are_resolved_one_by_one_and_again_when_that_failed() {
        let mut names = Names::default();
        let hosts = ["a:1", "b:2"].map(String::from);
        names.set_routers(&hosts);
        assert_eq!(names.next(at(1), false), None, "nobody wants them");
        names.add("n:9".into());
        assert_eq!(names.next(at(1), false).as_deref(), Some("n:9"));
        assert_eq!(names.next(at(1), true), None, "one at a time");
        assert_eq!(names.resolved(at(2), &mut Vec::new()), Some(("n:9".into(), Purpose::Node)));
        assert_eq!(names.next(at(2), true).as_deref(), Some("a:1"));
        let mut many: Vec<SocketAddr> = (1..20).map(|n| ([9, 9, 9, n], 1).into()).collect();
        names.resolved(at(3), &mut many);
        assert_eq!(many.len(), MAX_ADDRS);
        let mut due = at(3);
        for pause in [15, 30, 60, 120, 240, 480, 960, 960] {
            assert_eq!(names.next(due, true).as_deref(), Some("b:2"));
            names.resolved(due, &mut Vec::new());
            assert_eq!(names.next_deadline(true), Some(due + Duration::from_secs(pause)));
            due = due + Duration::from_secs(pause);
        }
        assert_eq!(names.next_deadline(false), None);
        names.set_routers(&hosts[..1]);
        assert_eq!(names.next_deadline(true), Some(at(3) + AGAIN));
    }
}

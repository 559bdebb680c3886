//! What the shards of one session share: the clock's epoch, the connection budget, who needs rate,
//! TLS, and each other's mailboxes. Nothing here is touched per packet.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use super::inbox::Inbox;
use super::udp::UdpCounters;
use crate::base::Instant;
use crate::engine::settings::Settings;
use crate::net::tls::Tls;
use crate::net::udp;

/// Shared by the shards of a session.
pub(super) struct Fleet {
    epoch: std::time::Instant,
    connections: Budget,
    half_open: Budget,
    /// Per shard: whether it moved bytes (down, up) lately.
    demand: Vec<[AtomicBool; 2]>,
    tls: Mutex<Arc<Tls>>,
    pub(super) inboxes: Vec<Arc<Inbox>>,
    pub(super) udp: Arc<UdpCounters>,
    /// `stopped` announces of all shards not yet answered.
    pub(super) goodbyes: AtomicUsize,
    /// Where we can be reached ourselves.
    own: RwLock<Own>,
    families: AtomicU8,
}

/// Our own addresses.
#[derive(Default)]
struct Own {
    listening: Vec<SocketAddr>,
    /// Of our interfaces, and as the world sees us.
    ips: BTreeSet<IpAddr>,
}

/// Address families we have datagram sockets of.
#[derive(Clone, Copy)]
pub(super) struct Families(u8);

impl Families {
    /// Whether IPv6 (or IPv4) is one.
    pub(super) fn has(self, v6: bool) -> bool {
        self.0 & (1 << u8::from(v6)) != 0
    }
}

impl Fleet {
    pub(super) fn new(settings: &Settings, count: usize) -> Self {
        Self {
            epoch: std::time::Instant::now(),
            connections: Budget::new(settings.max_connections),
            half_open: Budget::new(settings.max_half_open),
            demand: (0..count).map(|_| Default::default()).collect(),
            tls: Mutex::new(Arc::new(Tls::new(settings.tls_ca_file.clone()))),
            inboxes: (0..count).map(|_| Arc::default()).collect(),
            udp: Arc::default(),
            goodbyes: AtomicUsize::new(0),
            own: RwLock::default(),
            families: AtomicU8::new(0),
        }
    }

    /// Now, on the clock all shards of the session share.
    pub(super) fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    /// The runtime's name for a point on our clock.
    pub(super) fn to_tokio(&self, at: Instant) -> tokio::time::Instant {
        (self.epoch + at.since(Instant::ZERO)).into()
    }

    /// Takes over new limits.
    pub(super) fn apply(&self, settings: &Settings) {
        self.connections.max.store(settings.max_connections, Ordering::Relaxed);
        self.half_open.max.store(settings.max_half_open, Ordering::Relaxed);
        let mut tls = self.tls.lock();
        if tls.ca_file() != settings.tls_ca_file.as_ref() {
            *tls = Arc::new(Tls::new(settings.tls_ca_file.clone()));
        }
    }

    pub(super) fn tls(&self) -> Arc<Tls> {
        Arc::clone(&self.tls.lock())
    }

    /// The sockets are these now: the addresses we listen on, and those we only send from.
    pub(super) fn set_own(&self, listening: Vec<SocketAddr>, sockets: &[SocketAddr]) {
        let family = |addr: &SocketAddr| 1u8 << u8::from(addr.is_ipv6());
        let families = sockets.iter().map(family).fold(0, |all, one| all | one);
        self.families.store(families, Ordering::Relaxed);
        let ips = udp::multicast::own_addresses().into_iter().collect();
        *self.own.write() = Own { listening, ips };
    }

    /// Where we listen.
    pub(super) fn listening(&self) -> Vec<SocketAddr> {
        self.own.read().listening.clone()
    }

    /// The world sees us at this address.
    pub(super) fn set_external(&self, ip: IpAddr) {
        self.own.write().ips.insert(ip);
    }

    pub(super) fn families(&self) -> Families {
        Families(self.families.load(Ordering::Relaxed))
    }

    /// Whether a peer at this address would be ourselves.
    pub(super) fn is_own(&self, addr: SocketAddr) -> bool {
        let own = self.own.read();
        own.listening.iter().any(|local| {
            let (ip, local_ip) = (addr.ip(), local.ip());
            addr.port() == local.port()
                && ip.is_ipv6() == local_ip.is_ipv6()
                && (ip == local_ip
                    || local_ip.is_unspecified() && (ip.is_loopback() || own.ips.contains(&ip)))
        })
    }

    /// Room for one more connection of the session, given back when the permit is dropped.
    pub(super) fn connection(self: &Arc<Self>) -> Option<Permit> {
        self.permit(|fleet| &fleet.connections)
    }

    /// Room for one more connection attempt.
    pub(super) fn half_open(self: &Arc<Self>) -> Option<Permit> {
        self.permit(|fleet| &fleet.half_open)
    }

    /// Attempts that could start now.
    pub(super) fn room(&self) -> u32 {
        self.half_open.left().min(self.connections.left())
    }

    fn permit(self: &Arc<Self>, of: fn(&Self) -> &Budget) -> Option<Permit> {
        of(self).take().then(|| Permit { fleet: Arc::clone(self), of })
    }

    /// Notes whether shard `index` moves bytes, and says how many shards do, it included: the
    /// global limit is divided among them.
    pub(super) fn sharers(&self, index: usize, direction: usize, active: bool) -> u64 {
        let mut sharers = 0;
        for (shard, flags) in self.demand.iter().enumerate() {
            let Some(flag) = flags.get(direction) else { continue };
            if shard == index {
                flag.store(active, Ordering::Relaxed);
            }
            sharers += u64::from(shard == index || flag.load(Ordering::Relaxed));
        }
        sharers.max(1)
    }
}

/// A count with a bound. One atomic per connection, none per packet.
struct Budget {
    used: AtomicU32,
    max: AtomicU32,
}

impl Budget {
    fn new(max: u32) -> Self {
        Self { used: AtomicU32::new(0), max: AtomicU32::new(max) }
    }

    fn left(&self) -> u32 {
        self.max.load(Ordering::Relaxed).saturating_sub(self.used.load(Ordering::Relaxed))
    }

    fn take(&self) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| (n < max).then_some(n + 1))
            .is_ok()
    }
}

/// One unit of a session-wide budget.
pub(super) struct Permit {
    fleet: Arc<Fleet>,
    of: fn(&Fleet) -> &Budget,
}

impl Drop for Permit {
    fn drop(&mut self) {
        (self.of)(&self.fleet).used.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(count: usize) -> Arc<Fleet> {
        let settings = Settings { max_connections: 2, max_half_open: 1, ..Settings::default() };
        Arc::new(Fleet::new(&settings, count))
    }

    #[test]
    fn permits_come_back_and_a_lowered_limit_holds() {
        let fleet = fleet(1);
        let (a, b) = (fleet.connection(), fleet.connection());
        assert!(a.is_some() && b.is_some() && fleet.connection().is_none());
        drop(a);
        fleet.apply(&Settings { max_connections: 1, ..Settings::default() });
        assert!(fleet.connection().is_none());
        drop(b);
        assert!(fleet.connection().is_some());
    }

    #[test]
    fn we_know_ourselves_by_address_and_port() {
        let fleet = fleet(1);
        let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(!fleet.is_own(addr("127.0.0.1:6881")));
        fleet.set_own(vec![addr("0.0.0.0:6881"), addr("[::1]:6881")], &[]);
        fleet.set_external("198.51.100.7".parse().unwrap());
        for own in ["127.0.0.1:6881", "198.51.100.7:6881", "[::1]:6881"] {
            assert!(fleet.is_own(addr(own)), "{own}");
        }
        for other in ["127.0.0.1:6882", "198.51.100.8:6881", "[2001:db8::1]:6881"] {
            assert!(!fleet.is_own(addr(other)), "{other}");
        }
    }

    #[test]
    fn rate_is_shared_by_the_shards_that_use_it() {
        let fleet = fleet(3);
        assert_eq!(fleet.sharers(0, 0, true), 1);
        assert_eq!(fleet.sharers(1, 0, true), 2);
        assert_eq!(fleet.sharers(2, 0, false), 3);
        assert_eq!(fleet.sharers(0, 1, false), 1);
        assert_eq!(fleet.sharers(1, 0, false), 2);
    }
}

//! What a node keeps for others: peers of torrents (BEP 5, BEP 33) and items (BEP 44).
//!
//! Shared by the nodes of all listening addresses (BEP 45). Every store is bounded: in number, in
//! size, in time. When it is full, what is given up is the least of a few picked at random, so that
//! a flood of new keys mostly pushes out itself. Deliberately absent: tokens and signatures, which
//! were checked before anything gets here.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Bloom, Item, NodeId};
use crate::base::{Instant, Rng};

/// Bounds of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageConfig {
    /// Torrents.
    pub max_torrents: usize,
    /// Peers of one torrent, per family; BEP 33 wants it below 6000.
    pub max_peers: usize,
    /// Items.
    pub max_items: usize,
    /// A peer is forgotten after so long without an announce.
    pub peer_life: Duration,
    /// An item is forgotten after so long without a put (BEP 44: 2 hours).
    pub item_life: Duration,
    /// How long one sample of info-hashes is handed out (BEP 51: at most 6 hours).
    pub sample_interval: Duration,
    /// Info-hashes in a sample.
    pub max_samples: usize,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            max_torrents: 2000,
            max_peers: 500,
            max_items: 700,
            peer_life: Duration::from_secs(45 * 60),
            item_life: Duration::from_secs(2 * 3600),
            sample_interval: Duration::from_secs(6 * 3600),
            max_samples: 20,
        }
    }
}

/// Candidates looked at when something has to go.
const VICTIMS: usize = 16;
/// A full torrent takes a newcomer in place of a peer that has been silent for so long: as long as
/// clients wait between announces.
const STALE_SECS: u32 = 15 * 60;

#[derive(Clone, Copy, Debug)]
struct Peer<const N: usize> {
    ip: [u8; N],
    port: u16,
    seed: bool,
    /// Last announce, in seconds on the driver's clock.
    seen: u32,
}

/// One torrent's peers of one family, sorted by address, which is unique (BEP 33).
type Peers<const N: usize> = Vec<Peer<N>>;

#[derive(Debug, Default)]
struct Swarm {
    v4: Peers<4>,
    v6: Peers<16>,
}

impl Swarm {
    fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }
}

#[derive(Debug)]
struct Stored {
    item: Item,
    seen: u32,
    /// One bit for each announcer, by a hash of its address: more bits, more who care.
    announcers: u64,
}

/// Why an item was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutRefusal {
    /// `cas` names another version than the stored one.
    Cas,
    /// Not newer than the stored version.
    Sequence,
}

/// The peers and items a node keeps.
#[derive(Debug)]
pub struct Storage {
    config: StorageConfig,
    torrents: BTreeMap<NodeId, Swarm>,
    items: BTreeMap<NodeId, Stored>,
    /// Until when which sample is handed out.
    sample: Option<(Instant, Vec<u8>)>,
}

impl Storage {
    /// An empty store.
    #[must_use]
    pub fn new(config: StorageConfig) -> Self {
        Self { config, torrents: BTreeMap::new(), items: BTreeMap::new(), sample: None }
    }

    /// Changes the bounds; what is over them goes at the next [`Self::expire`] or store.
    pub fn set_config(&mut self, config: StorageConfig) {
        self.config = config;
    }

    /// Torrents known.
    #[must_use]
    pub fn torrents(&self) -> usize {
        self.torrents.len()
    }

    /// Peers known, over all torrents.
    #[must_use]
    pub fn peers(&self) -> usize {
        self.torrents.values().map(Swarm::len).sum()
    }

    /// Items known.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// Remembers a peer; false when the torrent is full.
    pub fn announce(
        &mut self,
        now: Instant,
        info_hash: NodeId,
        addr: SocketAddr,
        seed: bool,
        rng: &mut Rng,
    ) -> bool {
        if !self.torrents.contains_key(&info_hash) {
            while self.torrents.len() >= self.config.max_torrents.max(1) {
                let victim = pick(&self.torrents, rng, Swarm::len);
                match victim {
                    Some(victim) => drop(self.torrents.remove(&victim)),
                    None => return false,
                }
            }
        }
        let swarm = self.torrents.entry(info_hash).or_default();
        let (port, seen, most) = (addr.port(), secs(now), self.config.max_peers);
        match addr.ip().to_canonical() {
            IpAddr::V4(ip) => {
                store(&mut swarm.v4, Peer { ip: ip.octets(), port, seed, seen }, most)
            }
            IpAddr::V6(ip) => {
                store(&mut swarm.v6, Peer { ip: ip.octets(), port, seed, seen }, most)
            }
        }
    }

    /// Some peers of one family, at random, at most `most`; downloaders first when `noseed` is
    /// given (BEP 33).
    #[must_use]
    pub fn find(
        &self,
        info_hash: NodeId,
        v6: bool,
        noseed: bool,
        most: usize,
        rng: &mut Rng,
    ) -> Vec<SocketAddr> {
        let Some(swarm) = self.torrents.get(&info_hash) else { return Vec::new() };
        if v6 { draw(&swarm.v6, noseed, most, rng) } else { draw(&swarm.v4, noseed, most, rng) }
    }

    /// The filters of a torrent's seeds and downloaders (BEP 33), of both families; `None` when
    /// nothing is known.
    #[must_use]
    pub fn filters(&self, info_hash: NodeId) -> Option<(Bloom, Bloom)> {
        let swarm = self.torrents.get(&info_hash)?;
        let (mut seeds, mut peers) = (Bloom::default(), Bloom::default());
        let mut add = |ip: IpAddr, seed| (if seed { &mut seeds } else { &mut peers }).insert(ip);
        swarm.v4.iter().for_each(|peer| add(peer.ip.into(), peer.seed));
        swarm.v6.iter().for_each(|peer| add(peer.ip.into(), peer.seed));
        Some((seeds, peers))
    }

    /// The item under a key.
    #[must_use]
    pub fn item(&self, target: NodeId) -> Option<&Item> {
        self.items.get(&target).map(|stored| &stored.item)
    }

    /// Stores an item that `from` was allowed to put.
    ///
    /// # Errors
    /// When a stored version must not be replaced by it.
    pub fn put(
        &mut self,
        now: Instant,
        from: IpAddr,
        item: Item,
        cas: Option<i64>,
        rng: &mut Rng,
    ) -> Result<(), PutRefusal> {
        let (target, seen, bit) = (item.target(), secs(now), announcer_bit(from));
        if let Some(old) = self.items.get_mut(&target) {
            if let (Some(have), Some(new)) = (old.item.seq(), item.seq()) {
                if cas.is_some_and(|cas| cas != have) {
                    return Err(PutRefusal::Cas);
                }
                // BEP 44: the same value again keeps it alive.
                if new < have || new == have && old.item.value() != item.value() {
                    return Err(PutRefusal::Sequence);
                }
            }
            (old.item, old.seen, old.announcers) = (item, seen, old.announcers | bit);
            return Ok(());
        }
        while self.items.len() >= self.config.max_items.max(1) {
            let worth = |old: &Stored| (old.announcers.count_ones() as usize, old.seen);
            match pick(&self.items, rng, worth) {
                Some(victim) => drop(self.items.remove(&victim)),
                None => break,
            }
        }
        self.items.insert(target, Stored { item, seen, announcers: bit });
        Ok(())
    }

    /// The sample that is handed out at present (BEP 51): seconds it will last, and info-hashes.
    pub fn sample(&mut self, now: Instant, rng: &mut Rng) -> (u32, &[u8]) {
        if self.sample.as_ref().is_none_or(|(until, _)| *until <= now) {
            let most = self.config.max_samples;
            let mut drawn: Vec<NodeId> = Vec::with_capacity(most);
            // Reservoir sampling: each of n torrents is in with the same chance.
            for (n, id) in self.torrents.keys().enumerate() {
                if drawn.len() < most {
                    drawn.push(*id);
                } else if let Some(slot) = drawn.get_mut(rng.index(n + 1)) {
                    *slot = *id;
                }
            }
            let bytes = drawn.iter().flat_map(|id| id.0).collect();
            // As long as everything is told, nothing is gained by keeping to a sample.
            let all = self.torrents.len() <= most;
            let life = if all { Duration::ZERO } else { self.config.sample_interval };
            self.sample = Some((now + life, bytes));
        }
        let (until, bytes) = self.sample.as_ref().map_or((now, &[][..]), |(u, b)| (*u, b));
        (u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX), bytes)
    }

    /// Forgets what nobody announced for too long. Looks at everything: once a minute is enough.
    pub fn expire(&mut self, now: Instant) {
        let life = |life: Duration| u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        let (now, peer_life) = (secs(now), life(self.config.peer_life));
        let item_life = life(self.config.item_life);
        let fresh = |seen: u32, life: u32| now.saturating_sub(seen) < life;
        self.torrents.retain(|_, swarm| {
            swarm.v4.retain(|peer| fresh(peer.seen, peer_life));
            swarm.v6.retain(|peer| fresh(peer.seen, peer_life));
            swarm.len() > 0
        });
        self.items.retain(|_, stored| fresh(stored.seen, item_life));
    }
}

fn secs(now: Instant) -> u32 {
    u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX)
}

/// Puts a peer in its place, or in that of one that went silent.
fn store<const N: usize>(peers: &mut Peers<N>, peer: Peer<N>, most: usize) -> bool {
    match peers.binary_search_by(|have| have.ip.cmp(&peer.ip)) {
        Ok(at) => {
            if let Some(have) = peers.get_mut(at) {
                *have = peer;
            }
            return true;
        }
        Err(at) if peers.len() < most => {
            peers.insert(at, peer);
            return true;
        }
        Err(_) => {}
    }
    let oldest = peers.iter().enumerate().min_by_key(|(_, have)| have.seen);
    match oldest {
        Some((at, have)) if peer.seen.saturating_sub(have.seen) >= STALE_SECS => {
            peers.remove(at);
            let at = peers.partition_point(|have| have.ip < peer.ip);
            peers.insert(at, peer);
            true
        }
        _ => false,
    }
}

/// Up to `most` different peers, each with the same chance.
fn draw<const N: usize>(
    peers: &Peers<N>,
    noseed: bool,
    most: usize,
    rng: &mut Rng,
) -> Vec<SocketAddr>
where
    IpAddr: From<[u8; N]>,
{
    let mut indexes: Vec<usize> = Vec::with_capacity(most.min(peers.len()));
    if noseed {
        let mut ranked: Vec<usize> = (0..peers.len()).collect();
        rng.shuffle(&mut ranked);
        ranked.sort_by_key(|at| peers.get(*at).is_some_and(|peer| peer.seed));
        indexes.extend(ranked.into_iter().take(most));
    } else {
        // Floyd's way to draw without repetition.
        for last in peers.len().saturating_sub(most)..peers.len() {
            let at = rng.index(last + 1);
            indexes.push(if indexes.contains(&at) { last } else { at });
        }
    }
    let peer = |at: usize| peers.get(at).map(|peer| SocketAddr::new(peer.ip.into(), peer.port));
    indexes.into_iter().filter_map(peer).collect()
}

/// The key of the least worthy of a few entries in a row, from a random place on.
fn pick<T, W: Ord + Copy>(
    map: &BTreeMap<NodeId, T>,
    rng: &mut Rng,
    worth: impl Fn(&T) -> W,
) -> Option<NodeId> {
    let start = NodeId::random(rng);
    let row = map.range(start..).chain(map.range(..start)).take(VICTIMS);
    row.min_by_key(|(_, value)| worth(value)).map(|(id, _)| *id)
}

fn announcer_bit(ip: IpAddr) -> u64 {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    let hash = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().iter().fold(0x811c_9dc5, mix),
        IpAddr::V6(ip) => ip.octets().iter().take(8).fold(0x811c_9dc5, mix),
    };
    1 << ((hash >> 16) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dht::{MutableItem, SecretKey, Value};

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    fn peer(n: u32) -> SocketAddr {
        SocketAddr::new(IpAddr::from((0x0100_0000 + n).to_be_bytes()), 1000)
    }

    fn key(n: u8) -> NodeId {
        NodeId([n; 20])
    }

    #[test]
    fn peers_are_bounded_unique_by_address_and_forgotten() {
        let mut rng = Rng::new(1);
        let config = StorageConfig { max_torrents: 4, max_peers: 10, ..StorageConfig::default() };
        let mut store = Storage::new(config);
        for n in 0..10 {
            assert!(store.announce(at(1), key(1), peer(n), n % 2 == 0, &mut rng));
        }
        assert!(!store.announce(at(2), key(1), peer(10), false, &mut rng), "full");
        let moved = SocketAddr::new(peer(3).ip(), 2000);
        assert!(store.announce(at(2), key(1), moved, false, &mut rng));
        assert_eq!(store.peers(), 10);
        let all = store.find(key(1), false, false, 100, &mut rng);
        assert_eq!(all.len(), 10);
        assert!(all.contains(&moved) && !all.contains(&peer(3)));
        let some = store.find(key(1), false, true, 5, &mut rng);
        assert!(some.iter().all(|a| *a == moved || u32::from(a.port()) == 1000));
        let odd = |a: &SocketAddr| matches!(a.ip(), IpAddr::V4(ip) if ip.octets()[3] % 2 == 1);
        assert_eq!(some.iter().filter(|a| odd(a)).count(), 5, "downloaders first");
        assert!(store.announce(at(1000), key(1), peer(11), false, &mut rng), "one was stale");
        assert_eq!(store.peers(), 10);
        for n in 2..20 {
            store.announce(at(1000), key(n), peer(1), false, &mut rng);
            assert!(store.torrents() <= 4);
        }
        assert_eq!(store.find(key(1), false, false, 100, &mut rng).len(), 10, "the big one stays");
        store.expire(at(1000 + 44 * 60));
        assert_eq!(store.find(key(1), false, false, 100, &mut rng).len(), 1);
        store.expire(at(1000 + 45 * 60));
        assert_eq!((store.torrents(), store.peers()), (0, 0));
    }

    #[test]
    fn draws_do_not_repeat_and_reach_everybody() {
        let mut rng = Rng::new(3);
        let mut store = Storage::new(StorageConfig::default());
        for n in 0..50 {
            store.announce(at(0), key(1), peer(n), false, &mut rng);
        }
        let v6: SocketAddr = "[2001:db8::1]:9".parse().unwrap();
        store.announce(at(0), key(1), v6, true, &mut rng);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let mut drawn = store.find(key(1), false, false, 8, &mut rng);
            seen.extend(drawn.iter().copied());
            drawn.sort();
            drawn.dedup();
            assert_eq!(drawn.len(), 8);
        }
        assert_eq!(seen.len(), 50);
        assert_eq!(store.find(key(1), true, false, 8, &mut rng), [v6]);
        let (seeds, peers) = store.filters(key(1)).unwrap();
        assert!(seeds.may_contain(v6.ip()) && peers.may_contain(peer(7).ip()));
        assert!((peers.estimate() - 50.0).abs() < 5.0 && seeds.estimate() < 2.0);
    }

    #[test]
    fn versions_only_go_up() {
        let mut rng = Rng::new(2);
        let mut store = Storage::new(StorageConfig::default());
        let secret = SecretKey::from_seed(&[1; 32]);
        let item = |seq, value: &[u8]| {
            Item::Mutable(
                MutableItem::sign(&secret, b"s", seq, Value::new(value).unwrap()).unwrap(),
            )
        };
        let target = item(1, b"i1e").target();
        let from = peer(1).ip();
        let mut put =
            |seq, value: &[u8], cas| store.put(at(1), from, item(seq, value), cas, &mut rng);
        assert_eq!(put(5, b"i1e", Some(99)), Ok(()), "cas is ignored for the first");
        assert_eq!(put(4, b"i1e", None), Err(PutRefusal::Sequence));
        assert_eq!(put(5, b"i2e", None), Err(PutRefusal::Sequence));
        assert_eq!(put(5, b"i1e", None), Ok(()));
        assert_eq!(put(6, b"i2e", Some(4)), Err(PutRefusal::Cas));
        assert_eq!(put(6, b"i2e", Some(5)), Ok(()));
        assert_eq!(store.item(target).unwrap().seq(), Some(6));
        store.expire(at(7200));
        assert_eq!(store.items(), 1);
        store.expire(at(7201));
        assert_eq!(store.items(), 0);
    }

    #[test]
    fn items_are_bounded_and_wanted_ones_stay() {
        let mut rng = Rng::new(4);
        let config = StorageConfig { max_items: 10, ..StorageConfig::default() };
        let mut store = Storage::new(config);
        let value = |n: i64| Item::Immutable(Value::new(format!("i{n}e").as_bytes()).unwrap());
        for n in 0..20 {
            store.put(at(0), peer(n * 1000).ip(), value(-1), None, &mut rng).unwrap();
        }
        for n in 0..1000 {
            store.put(at(n), peer(1).ip(), value(n.cast_signed()), None, &mut rng).unwrap();
            assert!(store.items() <= 10);
        }
        assert!(store.item(value(-1).target()).is_some());
    }

    #[test]
    fn a_sample_lasts_once_there_is_too_much_to_tell() {
        let mut rng = Rng::new(5);
        let mut store = Storage::new(StorageConfig::default());
        assert_eq!(store.sample(at(0), &mut rng), (0, &[][..]));
        for n in 0..20 {
            store.announce(at(0), key(n), peer(1), false, &mut rng);
        }
        assert_eq!(store.sample(at(0), &mut rng).1.len(), 400);
        for n in 20..200 {
            store.announce(at(1), key(n), peer(1), false, &mut rng);
        }
        let (interval, first) = store.sample(at(1), &mut rng);
        let first = first.to_vec();
        assert_eq!((interval, first.len()), (6 * 3600, 400));
        assert_eq!(store.sample(at(3601), &mut rng), (5 * 3600, &first[..]));
        assert_ne!(store.sample(at(6 * 3600 + 1), &mut rng).1, first);
    }
}

//! Torrents that change: a mutable item that points at an info-hash (BEP 46), followed and
//! published.
//!
//! [`Follower`] asks for the item now and then, tells when it points elsewhere, and stores it again
//! when too few nodes have it (BEP 44, "Expiration"). [`Publisher`] puts new versions and keeps the
//! last one alive. Both say what to run as a [`Command`]; the driver runs it on the `Dht` and gives
//! them the [`Outcome`]. Deliberately absent: the torrents themselves.

use std::time::Duration;

use super::krpc::code;
use super::types::{Command, ItemKey, Outcome};
use super::{Item, MutableItem, PublicKey, SecretKey, Value};
use crate::base::{InfoHash, Instant, Rng};
use crate::codec::bencode::{Document, Encoder};

/// Copies from which nobody but the owner has to store an item again (BEP 44: more than 8).
const ENOUGH_COPIES: u32 = 9;
/// Time between stores of a published item, on average (BEP 44: once an hour).
const KEEP_EVERY: Duration = Duration::from_secs(3600);
/// First pause after a put that nobody took; doubled each time.
const RETRY_FIRST: Duration = Duration::from_secs(60);
/// Doublings of that pause: up to half an hour.
const RETRY_DOUBLINGS: u32 = 5;
/// Shortest time between questions of a follower.
const SHORTEST: Duration = Duration::from_secs(60);

/// The value that points at a torrent.
#[must_use]
pub fn encode_pointer(info_hash: InfoHash) -> Option<Value> {
    let mut out = Encoder::new();
    out.dict(|d| d.bytes(b"ih", &info_hash.0));
    Value::new(&out.finish()).ok()
}

/// The torrent a value points at; other keys are ignored.
#[must_use]
pub fn decode_pointer(value: &Value) -> Option<InfoHash> {
    let document = Document::parse(value.as_bytes()).ok()?;
    document.root().get_bytes(b"ih")?.try_into().ok().map(InfoHash)
}

/// What happened to a follower.
#[derive(Debug)]
pub enum FollowerInput<'a> {
    /// Ask now.
    Check,
    /// The command it wanted is over.
    Finished(&'a Outcome),
    /// The time of `next_deadline` has come.
    Timeout,
}

/// What a follower wants or says.
#[derive(Debug)]
pub enum FollowerOutput {
    /// Run this and give its outcome back.
    Run(Box<Command>),
    /// There is a newer version. Keep the item: it is what a new follower starts from.
    Changed {
        /// Where it points; `None` when it is not a pointer.
        info_hash: Option<InfoHash>,
        /// The item.
        item: MutableItem,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Busy {
    No,
    Asking,
    Storing,
}

/// Follows one owner's pointer.
#[derive(Debug)]
pub struct Follower {
    key: PublicKey,
    salt: Vec<u8>,
    interval: Duration,
    rng: Rng,
    known: Option<MutableItem>,
    busy: Busy,
    next: Instant,
    outputs: Vec<FollowerOutput>,
}

impl Follower {
    /// Follows from now on, asking every `interval` (at least a minute, spread by a quarter).
    /// `known` is the item that was kept, if it is of this key and salt.
    #[must_use]
    pub fn new(
        now: Instant,
        key: PublicKey,
        salt: Vec<u8>,
        interval: Duration,
        known: Option<MutableItem>,
        rng: Rng,
    ) -> Self {
        let known = known.filter(|item| item.key() == key && item.salt() == salt);
        let interval = interval.max(SHORTEST);
        Self { key, salt, interval, rng, known, busy: Busy::No, next: now, outputs: Vec::new() }
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: FollowerInput<'_>) {
        match input {
            FollowerInput::Check if self.busy == Busy::No => self.next = now,
            FollowerInput::Finished(outcome) => self.finished(now, outcome),
            FollowerInput::Check | FollowerInput::Timeout => {}
        }
        if self.busy == Busy::No && self.next <= now {
            self.busy = Busy::Asking;
            let key = ItemKey::Mutable { key: self.key, salt: self.salt.clone() };
            self.run(Command::GetItem(key));
        }
    }

    /// What it wants or says; take all after each input.
    pub fn poll_output(&mut self) -> Option<FollowerOutput> {
        if self.outputs.is_empty() { None } else { Some(self.outputs.remove(0)) }
    }

    /// When to give [`FollowerInput::Timeout`]; `None` while it waits for an outcome.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        (self.busy == Busy::No).then_some(self.next)
    }

    /// The newest version seen.
    #[must_use]
    pub fn known(&self) -> Option<&MutableItem> {
        self.known.as_ref()
    }

    fn run(&mut self, command: Command) {
        self.outputs.push(FollowerOutput::Run(Box::new(command)));
    }

    fn finished(&mut self, now: Instant, outcome: &Outcome) {
        let asked = self.busy == Busy::Asking;
        self.busy = Busy::No;
        self.next = now + spread(self.interval, &mut self.rng);
        match outcome {
            Outcome::Item { item, copies } if asked => {
                let copies = self.take(item.as_ref(), *copies);
                if let Some(known) = self.known.clone().filter(|_| copies < ENOUGH_COPIES) {
                    self.busy = Busy::Storing;
                    self.run(Command::PutSigned(known));
                }
            }
            // Somebody has a newer one that we did not find.
            Outcome::Put { refused: Some(code::SEQUENCE), .. } => self.next = now + SHORTEST,
            _ => {}
        }
    }

    /// Takes what was found; gives how many copies there are of the newest known.
    fn take(&mut self, found: Option<&Item>, copies: u32) -> u32 {
        let Some(Item::Mutable(found)) = found else { return 0 };
        let ours = found.key() == self.key && found.salt() == self.salt;
        let known = self.known.as_ref().map(MutableItem::seq);
        if !ours || known.is_some_and(|known| found.seq() < known) {
            return 0;
        }
        if known.is_none_or(|known| found.seq() > known) {
            let info_hash = decode_pointer(found.value());
            self.known = Some(found.clone());
            self.outputs.push(FollowerOutput::Changed { info_hash, item: found.clone() });
        }
        copies
    }
}

/// What happened to a publisher.
#[derive(Debug)]
pub enum PublisherInput<'a> {
    /// Point at this torrent from now on.
    Publish(InfoHash),
    /// The command it wanted is over.
    Finished(&'a Outcome),
    /// The time of `next_deadline` has come.
    Timeout,
}

/// What a publisher wants or says.
#[derive(Debug)]
pub enum PublisherOutput {
    /// Run this and give its outcome back.
    Run(Box<Command>),
    /// A version is out.
    Published {
        /// The item; keep it for the next session's `known`.
        item: MutableItem,
        /// Nodes that took it.
        stored: u32,
    },
    /// Somebody else published a newer version with this key: ours is not kept alive any more.
    Superseded,
}

/// Publishes one pointer and keeps it alive.
#[derive(Debug)]
pub struct Publisher {
    secret: SecretKey,
    salt: Vec<u8>,
    rng: Rng,
    /// To be published.
    wanted: Option<InfoHash>,
    /// Published last.
    current: Option<MutableItem>,
    /// What the command under way publishes.
    putting: Option<InfoHash>,
    busy: bool,
    attempts: u32,
    next: Option<Instant>,
    outputs: Vec<PublisherOutput>,
}

impl Publisher {
    /// A publisher; keeps `known`, the item of an earlier session, alive until there is a new one.
    #[must_use]
    pub fn new(
        now: Instant,
        secret: SecretKey,
        salt: Vec<u8>,
        known: Option<MutableItem>,
        rng: Rng,
    ) -> Self {
        let key = secret.public();
        let current = known.filter(|item| item.key() == key && item.salt() == salt);
        Self {
            secret,
            salt,
            rng,
            wanted: None,
            next: current.is_some().then_some(now),
            current,
            putting: None,
            busy: false,
            attempts: 0,
            outputs: Vec::new(),
        }
    }

    /// Plans to point at this torrent, as [`PublisherInput::Publish`] does, but starts only with
    /// the next input: for who has to wait for the network first.
    pub fn want(&mut self, now: Instant, info_hash: InfoHash) {
        (self.wanted, self.next, self.attempts) = (Some(info_hash), Some(now), 0);
    }

    /// Takes an input.
    pub fn handle(&mut self, now: Instant, input: PublisherInput<'_>) {
        match input {
            PublisherInput::Publish(info_hash) => self.want(now, info_hash),
            PublisherInput::Finished(outcome) if self.busy => self.finished(now, outcome),
            PublisherInput::Finished(_) | PublisherInput::Timeout => {}
        }
        if !self.busy && self.next.is_some_and(|next| next <= now) {
            self.put();
        }
    }

    /// What it wants or says; take all after each input.
    pub fn poll_output(&mut self) -> Option<PublisherOutput> {
        if self.outputs.is_empty() { None } else { Some(self.outputs.remove(0)) }
    }

    /// When to give [`PublisherInput::Timeout`]; `None` while there is nothing to wait for.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.busy { None } else { self.next }
    }

    fn put(&mut self) {
        let wanted =
            self.wanted.and_then(|info_hash| Some((info_hash, encode_pointer(info_hash)?)));
        let command = match (wanted, &self.current) {
            (Some((info_hash, value)), _) => {
                self.putting = Some(info_hash);
                let (secret, salt) = (self.secret.clone(), self.salt.clone());
                // The newest wins: whoever holds the key decides, and this is the last word.
                Command::PutMutable { secret, salt, value, replaces: None }
            }
            (None, Some(current)) => Command::PutSigned(current.clone()),
            (None, None) => {
                self.next = None;
                return;
            }
        };
        self.busy = true;
        self.outputs.push(PublisherOutput::Run(Box::new(command)));
    }

    fn finished(&mut self, now: Instant, outcome: &Outcome) {
        self.busy = false;
        let published = self.putting.take();
        let retry = RETRY_FIRST * (1 << self.attempts.min(RETRY_DOUBLINGS));
        let retry = now + spread(retry, &mut self.rng);
        match outcome {
            Outcome::Put { item: Item::Mutable(item), stored, .. } if *stored > 0 => {
                self.attempts = 0;
                self.current = Some(item.clone());
                if published.is_some() {
                    let (item, stored) = (item.clone(), *stored);
                    self.outputs.push(PublisherOutput::Published { item, stored });
                }
                if self.wanted == published {
                    self.wanted = None;
                }
                let pause = spread(KEEP_EVERY, &mut self.rng);
                self.next = Some(if self.wanted.is_some() { now } else { now + pause });
            }
            Outcome::Put { refused: Some(code::SEQUENCE), .. } if published.is_none() => {
                self.current = None;
                self.outputs.push(PublisherOutput::Superseded);
                self.next = self.wanted.map(|_| now);
            }
            _ => {
                self.attempts = self.attempts.saturating_add(1);
                self.next = Some(retry);
            }
        }
    }
}

/// Three quarters to one and a quarter, so that many do not come at once.
fn spread(time: Duration, rng: &mut Rng) -> Duration {
    let half = u64::try_from(time.as_millis() / 2).unwrap_or(u64::MAX - 1);
    time.mul_f64(0.75) + Duration::from_millis(rng.below(half + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::dht::tests::hex;

    fn at(secs: u64) -> Instant {
        Instant::from_micros(secs * 1_000_000)
    }

    fn secret() -> SecretKey {
        SecretKey::from_seed(&[5; 32])
    }

    fn item(seq: i64, hash: u8) -> MutableItem {
        let value = encode_pointer(InfoHash([hash; 20])).unwrap();
        MutableItem::sign(&secret(), b"s", seq, value).unwrap()
    }

    /// BEP 46, test vectors 1 and 2, and the value's form.
    #[test]
    fn bep_46_vectors() {
        let key = hex("8543d3e6115f0f98c944077a4493dcd543e49c739fd998550a1f614ab36ed63e");
        let key = PublicKey(key.try_into().unwrap());
        assert_eq!(key.target(b"").to_string(), "cc3f9d90b572172053626f9980ce261a850d050b");
        assert_eq!(key.target(b"n").to_string(), "59ee7c2cb9b4f7eb1986ee2d18fd2fdb8a56554f");
        let value = encode_pointer(InfoHash(*b"01234567890123456789")).unwrap();
        assert_eq!(value.as_bytes(), b"d2:ih20:01234567890123456789e");
        assert_eq!(decode_pointer(&value), Some(InfoHash(*b"01234567890123456789")));
        for other in [&b"d2:ih19:0123456789012345678e"[..], b"de", b"i1e", b"d2:ihi1ee"] {
            assert_eq!(decode_pointer(&Value::new(other).unwrap()), None);
        }
    }

    #[test]
    fn a_follower_tells_of_newer_versions_and_stores_what_is_rare() {
        let hour = Duration::from_secs(3600);
        let key = secret().public();
        let mut f = Follower::new(at(0), key, b"s".to_vec(), hour, None, Rng::new(1));
        let found = |item: Option<MutableItem>, copies| Outcome::Item {
            item: item.map(Item::Mutable),
            copies,
        };
        f.handle(at(0), FollowerInput::Timeout);
        let Some(FollowerOutput::Run(command)) = f.poll_output() else { panic!() };
        assert!(matches!(&*command, Command::GetItem(k) if k.target() == item(1, 1).target()));
        assert_eq!(f.next_deadline(), None);
        f.handle(at(9), FollowerInput::Finished(&found(Some(item(4, 1)), 20)));
        let changed = f.poll_output();
        let Some(FollowerOutput::Changed { info_hash: Some(hash), .. }) = changed else { panic!() };
        assert_eq!(hash, InfoHash([1; 20]));
        assert!(f.poll_output().is_none(), "twenty copies are enough");
        let next = f.next_deadline().unwrap();
        assert!(next >= at(9 + 2700) && next <= at(9 + 4500));
        f.handle(next, FollowerInput::Timeout);
        assert!(matches!(f.poll_output(), Some(FollowerOutput::Run(_))));
        f.handle(next, FollowerInput::Finished(&found(Some(item(3, 9)), 20)));
        let Some(FollowerOutput::Run(command)) = f.poll_output() else { panic!("no older one") };
        assert!(matches!(*command, Command::PutSigned(item) if item.seq() == 4));
        let put = Outcome::Put {
            item: Item::Mutable(item(4, 1)),
            stored: 3,
            refused: Some(code::SEQUENCE),
        };
        f.handle(next, FollowerInput::Finished(&put));
        assert_eq!(f.next_deadline(), Some(next + SHORTEST), "somebody has a newer one");
        f.handle(next + SHORTEST, FollowerInput::Timeout);
        f.poll_output();
        f.handle(next + SHORTEST, FollowerInput::Finished(&found(Some(item(5, 2)), 9)));
        assert!(matches!(f.poll_output(), Some(FollowerOutput::Changed { .. })));
        assert!(f.poll_output().is_none());
        assert_eq!(f.known().unwrap().seq(), 5);
    }

    #[test]
    fn a_publisher_gets_its_version_out_and_keeps_it_alive() {
        let mut p = Publisher::new(at(0), secret(), b"s".to_vec(), None, Rng::new(1));
        p.handle(at(0), PublisherInput::Timeout);
        assert!(p.poll_output().is_none() && p.next_deadline().is_none());
        let put = |seq, stored, refused| Outcome::Put {
            item: Item::Mutable(item(seq, 1)),
            stored,
            refused,
        };
        p.handle(at(1), PublisherInput::Publish(InfoHash([1; 20])));
        let Some(PublisherOutput::Run(command)) = p.poll_output() else { panic!() };
        assert!(matches!(*command, Command::PutMutable { replaces: None, .. }));
        p.handle(at(5), PublisherInput::Finished(&put(1, 0, None)));
        let retry = p.next_deadline().unwrap();
        assert!(retry >= at(50) && retry <= at(80), "{retry:?}");
        p.handle(retry, PublisherInput::Timeout);
        p.poll_output();
        p.handle(retry, PublisherInput::Publish(InfoHash([2; 20])));
        p.handle(retry, PublisherInput::Finished(&put(1, 8, None)));
        assert!(matches!(p.poll_output(), Some(PublisherOutput::Published { stored: 8, .. })));
        let Some(PublisherOutput::Run(command)) = p.poll_output() else { panic!("the second") };
        assert!(matches!(*command, Command::PutMutable { .. }));
        p.handle(retry, PublisherInput::Finished(&put(2, 8, None)));
        assert!(matches!(p.poll_output(), Some(PublisherOutput::Published { .. })));
        let keep = p.next_deadline().unwrap();
        assert!(keep > retry + Duration::from_secs(2600));
        p.handle(keep, PublisherInput::Timeout);
        let Some(PublisherOutput::Run(command)) = p.poll_output() else { panic!() };
        assert!(matches!(*command, Command::PutSigned(item) if item.seq() == 2));
        p.handle(keep, PublisherInput::Finished(&put(2, 0, Some(code::SEQUENCE))));
        assert!(matches!(p.poll_output(), Some(PublisherOutput::Superseded)));
        assert_eq!(p.next_deadline(), None);
    }
}

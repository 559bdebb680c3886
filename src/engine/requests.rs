//! Requests that wait for the host's answer: tokens, each answered exactly once.
//!
//! A request leaves the table when it is answered or when its torrent goes; then its token is gone.
//! There is no time-out: a verifier may take as long as it likes. Deliberately absent: where
//! answers go (the session knows).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use super::host::PeerAnswer;
use super::session::Entry;
use crate::base::{PieceIndex, TorrentId};

/// How long a request may wait before the host is told about it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often to look.
const LOOK: Duration = Duration::from_millis(500);

/// A host's answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: the piece is good, the state is durable.
    Accept,
    /// No: fetch it again, save it later.
    Reject,
    /// Ask again after this time.
    Defer(Duration),
    /// As if no hook were set.
    Pass,
    /// The hook is broken, with a code of the host's.
    Fail(i32),
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// A piece, and which question about it.
    Verify { piece: PieceIndex, attempt: u32 },
    /// Resume data.
    Save { generation: u64, settled: u64, blob: Bytes },
    /// An address, before it is connected to or let in.
    Peer(Asked),
}

/// Where the answer about an address goes. Dropped without one, it is no.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) addr: SocketAddr,
    say: Arc<Mutex<Option<PeerAnswer>>>,
}

impl Asked {
    pub(crate) fn new(addr: SocketAddr, say: PeerAnswer) -> Self {
        Self { addr, say: Arc::new(Mutex::new(Some(say))) }
    }

    /// Gives the answer, once.
    pub(crate) fn answer(&self, yes: bool) {
        if let Some(say) = self.say.lock().take() {
            // Who asked may have given up meanwhile.
            let _ = say.send(yes);
        }
    }
}

/// An unanswered request.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) entry: Arc<Entry>,
    pub(crate) subject: Subject,
    asked: Instant,
    told: bool,
    /// Bytes lent to the host.
    lent: Option<Bytes>,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Requests {
    open: Mutex<BTreeMap<u64, Open>>,
    next: AtomicU64,
    /// Saves the host asked for and waits for: ticket and torrent.
    saves: Mutex<BTreeMap<u64, TorrentId>>,
    /// Bytes lent for requests that were withdrawn: the host may still look at them.
    kept: Mutex<Vec<Bytes>>,
    epoch: Instant,
    /// Next look for overdue ones, in milliseconds since `epoch`.
    next_look: AtomicU64,
}

impl Requests {
    pub(crate) fn new() -> Self {
        Self {
            open: Mutex::default(),
            next: AtomicU64::new(1),
            saves: Mutex::default(),
            kept: Mutex::default(),
            epoch: Instant::now(),
            next_look: AtomicU64::new(0),
        }
    }

    /// Registers a request; its token.
    pub(crate) fn open(&self, entry: &Arc<Entry>, subject: Subject) -> u64 {
        let token = self.next.fetch_add(1, Ordering::Relaxed);
        let open = Open {
            entry: Arc::clone(entry),
            subject,
            asked: Instant::now(),
            told: false,
            lent: None,
        };
        self.open.lock().insert(token, open);
        token
    }

    /// Takes a request out: it is answered now. `None` when it was before, or is withdrawn.
    pub(crate) fn close(&self, token: u64) -> Option<Open> {
        self.open.lock().remove(&token)
    }

    /// Notes a save the host asks for; its ticket.
    pub(crate) fn save_wanted(&self, torrent: TorrentId) -> u64 {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.saves.lock().insert(ticket, torrent);
        ticket
    }

    /// That save is answered. Whether it was not before.
    pub(crate) fn save_done(&self, ticket: u64) -> bool {
        self.saves.lock().remove(&ticket).is_some()
    }

    /// Takes the saves the host waits for of a torrent that is gone.
    pub(crate) fn saves_left(&self, torrent: TorrentId) -> Vec<u64> {
        let mut saves = self.saves.lock();
        let left: Vec<u64> =
            saves.iter().filter(|(_, t)| **t == torrent).map(|(k, _)| *k).collect();
        left.iter().for_each(|ticket| _ = saves.remove(ticket));
        left
    }

    /// Withdraws the requests of a torrent; their subjects.
    pub(crate) fn withdraw(&self, torrent: TorrentId) -> Vec<(u64, Subject)> {
        let mut table = self.open.lock();
        let tokens: Vec<u64> =
            table.iter().filter(|(_, o)| o.entry.id == torrent).map(|(t, _)| *t).collect();
        let mut out = Vec::new();
        for token in tokens {
            let Some(open) = table.remove(&token) else { continue };
            self.kept.lock().extend(open.lent);
            out.push((token, open.subject));
        }
        out
    }

    /// Whether a request is unanswered.
    pub(crate) fn is_open(&self, token: u64) -> bool {
        self.open.lock().contains_key(&token)
    }

    /// What a request is about, and the bytes lent for it already.
    pub(crate) fn look(&self, token: u64) -> Option<(Arc<Entry>, Subject, Option<Bytes>)> {
        let table = self.open.lock();
        let open = table.get(&token)?;
        Some((Arc::clone(&open.entry), open.subject.clone(), open.lent.clone()))
    }

    /// Notes bytes as lent until the request is answered; the bytes that are lent (another thread
    /// may have been first). `None` when it was answered meanwhile.
    pub(crate) fn lend(&self, token: u64, bytes: Bytes) -> Option<Bytes> {
        let mut table = self.open.lock();
        let open = table.get_mut(&token)?;
        Some(open.lent.get_or_insert(bytes).clone())
    }

    /// Number of unanswered requests.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Torrents that wait for the answer to a save.
    pub(crate) fn saves(&self) -> usize {
        let table = self.open.lock();
        table.values().filter(|o| matches!(o.subject, Subject::Save { .. })).count()
    }

    /// Requests that wait for long and were not reported yet. Cheap when called too often.
    pub(crate) fn overdue(&self) -> Vec<(Arc<Entry>, String)> {
        let now = Instant::now();
        let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let at = millis(now.duration_since(self.epoch));
        let due = self.next_look.load(Ordering::Relaxed);
        let next = at + millis(LOOK);
        if at < due
            || self
                .next_look
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return Vec::new();
        }
        self.overdue_at(now)
    }

    fn overdue_at(&self, now: Instant) -> Vec<(Arc<Entry>, String)> {
        let mut out = Vec::new();
        let mut table = self.open.lock();
        for (token, open) in table.iter_mut().filter(|(_, o)| !o.told) {
            if now.duration_since(open.asked) < PATIENCE {
                continue;
            }
            open.told = true;
            let what = match open.subject {
                Subject::Verify { piece, .. } => format!("verify request for piece {piece}"),
                Subject::Save { generation, .. } => format!("save request {generation}"),
                Subject::Peer(ref asked) => format!("question about {}", asked.addr),
            };
            let secs = PATIENCE.as_secs();
            let text = format!("{what} (token {token}) is unanswered for {secs} seconds");
            out.push((Arc::clone(&open.entry), text));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::session::Entry;

    fn verify(requests: &Requests, entry: &Arc<Entry>) -> u64 {
        requests.open(entry, Subject::Verify { piece: PieceIndex(3), attempt: 1 })
    }

    #[test]
    fn a_token_is_answered_once() {
        let (requests, entry) = (Requests::new(), Entry::for_tests(1));
        let token = verify(&requests, &entry);
        assert!(requests.is_open(token));
        assert!(requests.close(token).is_some());
        assert!(requests.close(token).is_none());
        assert!(!requests.is_open(token));
    }

    #[test]
    fn the_requests_of_a_torrent_that_goes_are_withdrawn_and_lent_bytes_stay() {
        let (requests, one, two) = (Requests::new(), Entry::for_tests(1), Entry::for_tests(2));
        let (a, b) = (verify(&requests, &one), verify(&requests, &two));
        let lent = requests.lend(a, Bytes::from(vec![1, 2, 3])).unwrap();
        let again = requests.lend(a, Bytes::from(vec![4])).unwrap();
        assert_eq!(lent.as_ptr(), again.as_ptr());
        assert_eq!(requests.withdraw(one.id).len(), 1);
        assert!(!requests.is_open(a) && requests.is_open(b));
        assert_eq!(requests.kept.lock()[0].as_ptr(), lent.as_ptr());
        assert!(requests.lend(a, Bytes::new()).is_none());
    }

    #[test]
    fn a_request_that_waits_is_reported_once() {
        let (requests, entry) = (Requests::new(), Entry::for_tests(1));
        let token = verify(&requests, &entry);
        let later = Instant::now() + PATIENCE;
        assert!(requests.overdue_at(Instant::now()).is_empty());
        let told = requests.overdue_at(later);
        assert!(told[0].1.contains(&format!("token {token}")), "{}", told[0].1);
        assert!(requests.overdue_at(later).is_empty());
    }
}

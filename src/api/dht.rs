//! The DHT for hosts: lookups, items, pointers, nodes; usable without any torrent.
//!
//! Nothing here waits for the network. A call gives a token; what comes of it are
//! [`EventKind::Dht`](super::EventKind::Dht) events with that token, the last one
//! [`DhtEvent::Done`], which come whatever the host subscribed to and are never dropped. A call
//! made before the node found the network waits for it, for some seconds. After
//! [`Session::dht_cancel`] nothing more comes. At most a thousand run at a time, results that
//! nobody took included: then [`ErrorKind::Busy`].

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Hook, Session, Torrent};
use crate::base::InfoHash;
use crate::engine::error::{Error, ErrorKind};
use crate::proto::dht::{self, Announce, Command};

pub use crate::engine::dht::{DhtEvent, DhtStats};
pub use crate::proto::dht::{
    Contact, Failure, Item, ItemKey, LookupStats, MutableItem, NodeId, Outcome, PublicKey,
    QueryKind, SecretKey, Value,
};

/// How to look for peers of a torrent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerSearch {
    /// Announce ourselves too.
    pub announce: bool,
    /// At this port instead of the session's own; 0 for that.
    pub port: u16,
    /// We have all of it (BEP 33).
    pub seed: bool,
    /// Estimate the size of the swarm (BEP 33). libtorrent's nodes name no peers to who asks so:
    /// search once with it and once without for both.
    pub scrape: bool,
    /// Ask for downloaders rather than seeds (BEP 33).
    pub noseed: bool,
}

fn invalid(error: dht::ItemError) -> Error {
    Error::new(ErrorKind::Invalid, error.to_string())
}

/// Checks a bencoded value of at most 1000 bytes (BEP 44).
pub fn dht_value(bencoded: &[u8]) -> Result<Value, Error> {
    Value::new(bencoded).map_err(invalid)
}

/// Signs a value as one version of a mutable item (BEP 44).
pub fn dht_sign(
    secret: &SecretKey,
    salt: &[u8],
    seq: i64,
    value: Value,
) -> Result<MutableItem, Error> {
    MutableItem::sign(secret, salt, seq, value).map_err(invalid)
}

/// A mutable item that somebody signed, when the signature fits.
pub fn dht_verify(
    key: PublicKey,
    salt: &[u8],
    seq: i64,
    signature: &[u8; 64],
    value: Value,
) -> Result<MutableItem, Error> {
    MutableItem::verify(key, salt, seq, signature, value).map_err(invalid)
}

/// The torrent that a pointer's value names (BEP 46); `None` when it is no pointer.
#[must_use]
pub fn dht_pointer(value: &Value) -> Option<InfoHash> {
    dht::decode_pointer(value)
}

fn salt(salt: &[u8]) -> Result<Vec<u8>, Error> {
    if salt.len() > crate::base::limits::DHT_SALT_BYTES {
        return Err(Error::new(ErrorKind::Range, "the salt has more than 64 bytes"));
    }
    Ok(salt.to_vec())
}

impl Session {
    /// Looks for peers of a torrent: [`DhtEvent::Peers`] as they are found, in the end
    /// [`Outcome::Peers`].
    pub fn dht_get_peers(&self, info_hash: InfoHash, search: PeerSearch) -> Result<u64, Error> {
        let PeerSearch { announce, port, seed, scrape, noseed } = search;
        let announce = announce.then_some(Announce { port, implied: false, seed });
        self.core().dht_run(Command::GetPeers { info_hash, announce, scrape, noseed })
    }

    /// Finds an item: [`DhtEvent::Item`] with each newer version, in the end [`Outcome::Item`].
    pub fn dht_get(&self, key: ItemKey) -> Result<u64, Error> {
        if let ItemKey::Mutable { salt: given, .. } = &key {
            salt(given)?;
        }
        self.core().dht_run(Command::GetItem(key))
    }

    /// Stores a value under its hash; in the end [`Outcome::Put`].
    pub fn dht_put(&self, value: Value) -> Result<u64, Error> {
        self.core().dht_run(Command::PutImmutable(value))
    }

    /// Signs and stores the next version of a mutable item. `replaces` is the version it must
    /// replace (`cas`): the put fails where another is found; `None` replaces the newest found.
    pub fn dht_put_mutable(
        &self,
        secret: SecretKey,
        given: &[u8],
        value: Value,
        replaces: Option<i64>,
    ) -> Result<u64, Error> {
        let salt = salt(given)?;
        self.core().dht_run(Command::PutMutable { secret, salt, value, replaces })
    }

    /// Stores an item that somebody signed, to keep it alive.
    pub fn dht_put_signed(&self, item: MutableItem) -> Result<u64, Error> {
        self.core().dht_run(Command::PutSigned(item))
    }

    /// Asks one node whether it is there; in the end [`Outcome::Pong`]. A node that answers is
    /// remembered.
    pub fn dht_ping(&self, node: SocketAddr) -> Result<u64, Error> {
        self.core().dht_run(Command::Ping(node))
    }

    /// Finds the nodes nearest to a target; in the end [`Outcome::Nodes`].
    pub fn dht_find_node(&self, target: NodeId) -> Result<u64, Error> {
        self.core().dht_run(Command::FindNode(target))
    }

    /// Asks for info-hashes (BEP 51), one node or all on the way to a target; in the end
    /// [`Outcome::Samples`].
    pub fn dht_sample(&self, target: NodeId, to: Option<SocketAddr>) -> Result<u64, Error> {
        self.core().dht_run(Command::Sample { target, to })
    }

    /// Follows a mutable pointer to a torrent (BEP 46) until it is cancelled: [`DhtEvent::Update`]
    /// with each newer version, at once with what an earlier session knew. It is asked for every
    /// `interval` (at least a minute), and stored again when few nodes have it. With a path, the
    /// torrents it points at are added there by their info-hashes.
    pub fn dht_follow(
        &self,
        key: PublicKey,
        given: &[u8],
        interval: Duration,
        add_to: Option<PathBuf>,
    ) -> Result<u64, Error> {
        self.core().dht_follow(key, salt(given)?, interval, add_to)
    }

    /// Publishes a mutable pointer to a torrent (BEP 46), and keeps it alive until it is cancelled:
    /// [`DhtEvent::Published`], [`DhtEvent::Superseded`].
    pub fn dht_publish(
        &self,
        secret: SecretKey,
        given: &[u8],
        info_hash: InfoHash,
    ) -> Result<u64, Error> {
        self.core().dht_publish(secret, salt(given)?, info_hash)
    }

    /// Ends what runs under a token. What is queued stays; fine when nothing runs.
    pub fn dht_cancel(&self, token: u64) -> Result<(), Error> {
        self.core().dht_cancel(token)
    }

    /// A node to get acquainted with, `host:port`; names are resolved.
    pub fn dht_add_node(&self, host: &str) -> Result<(), Error> {
        self.core().dht_add_node(host)
    }

    /// Takes this id at the first listening address, for programs that keep their ids themselves.
    pub fn dht_set_id(&self, id: NodeId) -> Result<(), Error> {
        self.core().dht_set_id(id)
    }

    /// Gauges and counters; zeros while the DHT is off. Waits for the network thread.
    pub fn dht_stats(&self) -> Result<DhtStats, Error> {
        self.core().dht_stats()
    }

    /// Nodes that are known to be there. Waits for the network thread.
    pub fn dht_nodes(&self) -> Result<Vec<Contact>, Error> {
        self.core().dht_nodes()
    }

    /// Our id at each address the DHT listens on. Waits for the network thread.
    pub fn dht_ids(&self) -> Result<Vec<Contact>, Error> {
        self.core().dht_ids()
    }

    /// Sets the hook that is asked about each query before it is answered: [`DhtEvent::Query`].
    /// Accept and pass let it be answered, any other verdict, or none within five seconds, does
    /// not. The old hook is dropped here.
    pub fn set_dht_hook(&self, hook: Option<Hook>) -> Result<(), Error> {
        let hook = hook.map(|hook| hook.into_engine(Arc::downgrade(&self.0)));
        self.core().set_dht_hook(hook).map(drop)
    }

    /// What to keep for the next session when there is no state directory: ids and nodes of the
    /// DHT, pointers. Waits for the network thread.
    pub fn save_state(&self) -> Result<Vec<u8>, Error> {
        self.core().save_state()
    }

    /// Takes what [`Self::save_state`] gave, of any session; best before anything else.
    pub fn load_state(&self, state: &[u8]) -> Result<(), Error> {
        self.core().load_state(state)
    }
}

impl Torrent {
    /// Whether the torrent is looked up and announced in the DHT. It is by default, unless it is
    /// private; saved with its state.
    pub fn set_dht(&self, on: bool) -> Result<(), Error> {
        self.inner()?.core.set_dht(&self.entry, on)
    }

    /// Looks it up and announces it now.
    pub fn dht_announce(&self) -> Result<(), Error> {
        self.inner()?.core.dht_announce(&self.entry)
    }
}

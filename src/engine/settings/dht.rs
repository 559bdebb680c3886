//! The settings of the DHT, and what of them the machine and the queue of torrents get.

use std::time::Duration;

use crate::proto::dht::{Config, QueryKind, RoundsConfig, Security, StorageConfig};

/// Bootstrap hosts as the field has them.
const BOOTSTRAP: [&str; 4] = [
    "dht.libtorrent.org:25401",
    "router.bittorrent.com:6881",
    "dht.transmissionbt.com:6881",
    "router.utorrent.com:6881",
];

/// Everything that can be set about the DHT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhtSettings {
    /// Whether there is a node at all.
    pub enabled: bool,
    /// `host:port` of nodes to start from; empty has none.
    pub bootstrap: Vec<String>,
    /// Time between the announces of one torrent.
    pub announce_interval: Duration,
    /// Lookups of torrents under way at a time.
    pub max_lookups: usize,
    /// Queries are told as notices.
    pub query_notices: bool,
    /// The machine's own.
    pub machine: Config,
}

impl Default for DhtSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            bootstrap: BOOTSTRAP.map(String::from).to_vec(),
            announce_interval: Duration::from_secs(15 * 60),
            max_lookups: 16,
            query_notices: false,
            machine: Config { version: Some(*b"TN\0\x10"), ..Config::default() },
        }
    }
}

impl DhtSettings {
    /// How the machine is to behave.
    #[must_use]
    pub fn machine(&self) -> Config {
        self.machine.clone()
    }

    /// The pace of torrents.
    #[must_use]
    pub fn rounds(&self) -> RoundsConfig {
        RoundsConfig { interval: self.announce_interval, most: self.max_lookups }
    }

    /// The refused kinds of query by their names in the protocol.
    #[must_use]
    pub fn refused(&self) -> String {
        let names: Vec<&str> = self.machine.refuse.iter().map(|kind| kind.name()).collect();
        names.join(",")
    }

    /// Refuses kinds of query by their names in the protocol, separated by commas.
    ///
    /// # Errors
    /// When a name is none.
    pub fn refuse(&mut self, names: &str) -> Result<(), &'static str> {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let kinds: Option<Vec<QueryKind>> = names.map(QueryKind::by_name).collect();
        self.machine.refuse = kinds.ok_or("not the name of a DHT query")?;
        Ok(())
    }

    /// BEP 42 as a number: 0 off, 1 preferred, 2 enforced.
    #[must_use]
    pub fn security(&self) -> i64 {
        match self.machine.security {
            Security::Off => 0,
            Security::Prefer => 1,
            Security::Enforce => 2,
        }
    }

    /// Sets BEP 42 by number.
    pub fn set_security(&mut self, number: i64) {
        self.machine.security = match number {
            0 => Security::Off,
            2 => Security::Enforce,
            _ => Security::Prefer,
        };
    }

    /// Bounds of what is kept for others.
    pub fn storage(&mut self) -> &mut StorageConfig {
        &mut self.machine.storage
    }
}

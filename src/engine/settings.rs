//! Resolved, typed settings of a session: what the option table writes to. CONTRACT: extend freely.

mod dht;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use dht::DhtSettings;

use crate::hash::HashPath;
use crate::swarm::{LoadPolicy, SavePolicy, Tuning};

/// Whom file content is sent to without reading it into memory, where the system can do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendInPlace {
    /// Nobody.
    Never,
    /// Peers on other machines.
    Remote,
    /// Everybody.
    Always,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port` pairs to listen on, port 0 lets the system choose; empty does not listen.
    pub listen: Vec<String>,
    /// Network threads.
    pub net_threads: usize,
    /// Disk threads (they hash too).
    pub disk_threads: usize,
    /// Connections of all torrents.
    pub max_connections: u32,
    /// Connection attempts of all torrents.
    pub max_half_open: u32,
    /// Time for a TCP connection to be established.
    pub connect_timeout: Duration,
    /// Bytes per second of all torrents.
    pub upload_limit: Option<u64>,
    /// Bytes per second of all torrents.
    pub download_limit: Option<u64>,
    /// First bytes of the peer id (BEP 20), the rest is random; a full 20 bytes fixes it.
    pub peer_id: Vec<u8>,
    /// `User-Agent` of HTTP requests; also `v` in extension handshakes.
    pub user_agent: String,
    /// Whether trackers are used.
    pub trackers_enabled: bool,
    /// Whether UDP trackers are (BEP 15).
    pub udp_trackers: bool,
    /// Packets to a UDP tracker for one request before it is given up.
    pub udp_attempts: u32,
    /// Whether the wishes of trackers' owners in the DNS are followed (BEP 34).
    pub tracker_dns_preferences: bool,
    /// Name servers to ask for them; empty for the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether an HTTP redirect may lead from the world into a private network.
    pub private_redirects: bool,
    /// Whether peers on the local network are looked for (BEP 14).
    pub lsd: bool,
    /// Names or addresses of the interfaces for that; empty for those of [`Self::listen`].
    pub lsd_interfaces: Vec<String>,
    /// HTTP requests to one host at a time, `stopped` announces not counted.
    pub max_announces_per_host: usize,
    /// Ask all tiers instead of the first that answers.
    pub announce_all_tiers: bool,
    /// Peers wanted per announce.
    pub num_want: u32,
    /// Time for a tracker to answer.
    pub tracker_timeout: Duration,
    /// Time for `stopped` announces at shutdown.
    pub stop_tracker_timeout: Duration,
    /// Address told to trackers.
    pub announce_ip: Option<IpAddr>,
    /// PEM bundle that replaces the system's certificate roots.
    pub tls_ca_file: Option<PathBuf>,
    /// Files kept open.
    pub max_open_files: usize,
    /// Which instructions to hash with; one that the machine has.
    pub hash_path: HashPath,
    /// Reserve space when creating files.
    pub preallocate: bool,
    /// Bytes of all receive buffers, what waits in them for the disk included.
    pub memory_budget_bytes: usize,
    /// To whom file content is sent straight from the page cache.
    pub send_in_place: SendInPlace,
    /// Where the built-in store keeps resume data; `None` keeps none.
    pub state_dir: Option<PathBuf>,
    /// Torrent files are fetched from where magnet links say (`xs`, `as`).
    pub magnet_sources: bool,
    /// That may be on this machine or a private network.
    pub magnet_private_sources: bool,
    /// Default policy of torrents.
    pub save_policy: SavePolicy,
    /// Default policy of torrents.
    pub load_policy: LoadPolicy,
    /// Defaults of torrents.
    pub tuning: Tuning,
    /// Notices kept before the oldest are dropped, and errors.
    pub event_queue_len: usize,
    /// Requests of verifiers outstanding per torrent.
    pub verify_window: u32,
    /// Seed of all random choices; `None` takes one from the system.
    pub seed: Option<u64>,
    /// The DHT. Shared, since most changes of settings do not concern it.
    pub dht: Arc<DhtSettings>,
    /// The host is asked about each address before it is connected to or let in.
    pub peer_requests: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec!["0.0.0.0:0".into(), "[::]:0".into()],
            net_threads: 1,
            disk_threads: 2,
            max_connections: 500,
            max_half_open: 100,
            connect_timeout: Duration::from_secs(10),
            upload_limit: None,
            download_limit: None,
            peer_id: b"-TN0010-".to_vec(),
            user_agent: concat!("libtern/", env!("CARGO_PKG_VERSION")).into(),
            trackers_enabled: true,
            udp_trackers: true,
            udp_attempts: 2,
            tracker_dns_preferences: true,
            dns_servers: Vec::new(),
            private_redirects: false,
            lsd: true,
            lsd_interfaces: Vec::new(),
            max_announces_per_host: 8,
            announce_all_tiers: false,
            num_want: 200,
            tracker_timeout: Duration::from_secs(30),
            stop_tracker_timeout: Duration::from_secs(5),
            announce_ip: None,
            tls_ca_file: None,
            max_open_files: 256,
            hash_path: HashPath::Auto,
            preallocate: false,
            memory_budget_bytes: 64 << 20,
            send_in_place: SendInPlace::Remote,
            state_dir: None,
            magnet_sources: true,
            magnet_private_sources: false,
            save_policy: SavePolicy::default(),
            load_policy: LoadPolicy::default(),
            tuning: Tuning::default(),
            event_queue_len: 10_000,
            verify_window: 64,
            seed: None,
            dht: Arc::default(),
            peer_requests: false,
        }
    }
}

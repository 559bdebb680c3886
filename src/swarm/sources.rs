//! Where addresses of peers come from, and counts by that. Deliberately absent: the addresses.

/// Where an address came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerSource {
    /// It connected to us.
    Incoming = 1,
    /// A tracker.
    Tracker = 2,
    /// The host or the user.
    Manual = 3,
    /// Saved state.
    Resume = 4,
    /// Another peer (BEP 11).
    Pex = 5,
    /// A multicast on the local network (BEP 14).
    Lsd = 6,
    /// The DHT (BEP 5).
    Dht = 7,
    /// A magnet link (`x.pe`, BEP 9).
    Magnet = 8,
}

impl PeerSource {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Incoming,
        Self::Tracker,
        Self::Manual,
        Self::Resume,
        Self::Pex,
        Self::Lsd,
        Self::Dht,
        Self::Magnet,
    ];

    /// Its place in [`Self::ALL`] and in a [`SourceCounts`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// In one lower-case word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Tracker => "tracker",
            Self::Manual => "manual",
            Self::Resume => "resume",
            Self::Pex => "pex",
            Self::Lsd => "lsd",
            Self::Dht => "dht",
            Self::Magnet => "magnet",
        }
    }

    /// Whether a private torrent must not know of its peers (BEP 27).
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Pex | Self::Lsd | Self::Dht)
    }
}

/// One number for each [`PeerSource`], by [`PeerSource::index`].
pub type SourceCounts = [u32; PeerSource::ALL.len()];

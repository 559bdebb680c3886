//! What to trust at a start, and when to save: what a host may choose. Deliberately absent: acting
//! on it.

use std::time::Duration;

/// The dirty window as the journal kept it: see [`window`](super::window).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedWindow {
    /// Pieces entered since the saved state.
    pub pieces: Vec<u32>,
    /// The highest mark an entry of this torrent had.
    pub mark: u64,
}

/// What to trust when files differ from the saved state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LoadPolicy {
    /// A changed file invalidates the pieces that touch it.
    #[default]
    PerFile,
    /// Any change invalidates everything (Net::BitTorrent's documented rule). What we wrote
    /// ourselves after the save, because the process was killed, is not a change.
    Strict,
    /// Nothing is compared.
    Trust,
}

/// Kinds of unsaved changes, as libtorrent tells them apart; a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SaveConditions(pub u32);

impl SaveConditions {
    /// None: a save that is asked for happens whatever changed.
    pub const NONE: Self = Self(0);
    /// Bytes sent and received in all, scrape counts.
    pub const COUNTERS: Self = Self(0x10);
    /// Blocks written, pieces verified, found or lost.
    pub const PROGRESS: Self = Self(0x20);
    /// Priorities, limits, names of files, their directory, bans, settings.
    pub const CONFIG: Self = Self(0x40);
    /// Paused, checking, finished, failed, seed mode.
    pub const STATE: Self = Self(0x80);
    /// Trackers, web seeds, the description itself.
    pub const METADATA: Self = Self(0x100);
    /// Any change. Time that passes is none.
    pub const ANY: Self = Self(0x1f0);

    /// Any but counters: a torrent that only uploads is not saved for it.
    pub const USUAL: Self = Self::ANY.without(Self::COUNTERS);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether they have one in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Without the others.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What a request of the host to save came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveOutcome {
    /// This generation contains what was to be saved, and is durable.
    Saved(u64),
    /// Nothing changed of what the request named.
    NotModified,
    /// Refused with this code, 0 without one. It is tried again all the same, unanswered.
    Refused(i32),
    /// The torrent ended first.
    Ended,
}

/// When state is handed to be saved. A save asked for by the host always happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePolicy {
    /// After each piece that became durable-able (coalesced: one request in flight).
    pub on_piece: bool,
    /// At this interval while there are unsaved changes
    pub interval: Option<Duration>,
    /// of these kinds.
    pub conditions: SaveConditions,
    /// When the torrent's state (paused, checking, finished...) or configuration changes.
    pub on_state_change: bool,
    /// Before closing.
    pub at_close: bool,
    /// Embed the `info` dictionary.
    pub with_info: bool,
}

impl Default for SavePolicy {
    fn default() -> Self {
        Self {
            on_piece: false,
            interval: Some(Duration::from_secs(60)),
            conditions: SaveConditions::USUAL,
            on_state_change: true,
            at_close: true,
            with_info: false,
        }
    }
}

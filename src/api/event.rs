//! Events as the host sees them.

use std::sync::{Arc, Weak};

use super::Torrent;
use super::session::Inner;
use crate::engine::events::{Event as EngineEvent, EventKind};

/// Something a host may want to know, or must answer.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was queued, milliseconds since 1970.
    pub time_ms: i64,
    /// The torrent, `None` for the session's own events.
    pub torrent: Option<Torrent>,
    /// What.
    pub kind: EventKind,
}

impl Event {
    pub(super) fn new(event: EngineEvent, session: &Weak<Inner>) -> Self {
        let torrent =
            event.entry.map(|entry| Torrent::new(Weak::clone(session), Arc::clone(&entry)));
        Self { time_ms: event.time_ms, torrent, kind: event.kind }
    }
}

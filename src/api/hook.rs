//! How a host is asked about pieces and about resume data.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Weak};

use super::Event;
use super::session::Inner;
use crate::engine::requests::Verdict;
use crate::engine::session::Hook as EngineHook;

type Call = dyn Fn(&Event) -> Option<Verdict> + Send + Sync;

/// How a host is asked.
#[derive(Clone)]
pub struct Hook {
    call: Option<Arc<Call>>,
    keep: Option<Arc<dyn Any + Send + Sync>>,
    overrides: bool,
}

impl Hook {
    /// A function on the session's hook thread, one call at a time. It gets the request's event and
    /// answers, or returns `None` and has [`Session::complete`](super::Session::complete) called
    /// later. A panic in it counts as [`Verdict::Fail`].
    pub fn inline(call: impl Fn(&Event) -> Option<Verdict> + Send + Sync + 'static) -> Self {
        Self { call: Some(Arc::new(call)), keep: None, overrides: false }
    }

    /// Requests in the event queue, answered with [`Session::complete`](super::Session::complete).
    #[must_use]
    pub fn queued() -> Self {
        Self { call: None, keep: None, overrides: false }
    }

    /// As [`Self::queued`]; `keep` is dropped when the hook is.
    pub fn queued_with(keep: impl Any + Send + Sync) -> Self {
        Self { call: None, keep: Some(Arc::new(keep)), overrides: false }
    }

    /// As a verifier: whether it is asked about pieces whose hash did not match too, and its word
    /// counts. Without this a verdict can only be stricter than the engine's.
    #[must_use]
    pub fn overriding(mut self, overrides: bool) -> Self {
        self.overrides = overrides;
        self
    }

    pub(super) fn into_engine(self, session: Weak<Inner>) -> EngineHook {
        let hook = match (self.call, self.keep) {
            (Some(call), _) => {
                EngineHook::inline(move |event| call(&Event::new(event.clone(), &session)))
            }
            (None, Some(keep)) => EngineHook::queued_with(keep),
            (None, None) => EngineHook::queued(),
        };
        hook.overriding(self.overrides)
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.call.is_some() { "Hook::inline" } else { "Hook::queued" })
    }
}

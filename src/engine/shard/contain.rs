//! Panic containment: a bug in one torrent's code must not take the others with it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use super::Shard;
use crate::base::TorrentId;

/// Runs `f`; a panic comes back as its message. What `f` touched may be torn: the caller throws it
/// away.
pub(super) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".into())
    })
}

/// Runs a task's future to its end or its panic; a panic ends the torrent it worked for.
pub(super) async fn task(
    shard: Rc<Shard>,
    id: Option<TorrentId>,
    future: impl Future<Output = ()>,
) {
    let mut future = pin!(future);
    let outcome = poll_fn(|cx| match catch(|| future.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
        Err(message) => Poll::Ready(Err(message)),
    })
    .await;
    if let Err(message) = outcome {
        shard.panicked(id, message);
    }
}

impl Shard {
    /// Runs `f` for a torrent; a panic ends the torrent.
    pub(super) fn contain(self: &Rc<Self>, id: Option<TorrentId>, f: impl FnOnce()) {
        if let Err(message) = catch(f) {
            self.panicked(id, message);
        }
    }

    /// Tells the host and gives up the torrent whose state can no longer be trusted.
    pub(super) fn panicked(self: &Rc<Self>, id: Option<TorrentId>, message: String) {
        if let Some(id) = id {
            self.forget(id);
        }
        self.host.panicked(id, message);
    }

    /// Starts a task of this thread for a torrent, or for none.
    pub(super) fn start(
        self: &Rc<Self>,
        id: Option<TorrentId>,
        future: impl Future<Output = ()> + 'static,
    ) -> tokio::task::JoinHandle<()> {
        tokio::task::spawn_local(task(Rc::clone(self), id, future))
    }
}

#[cfg(test)]
mod tests {
    use super::catch;

    #[test]
    fn messages_of_both_kinds_are_kept() {
        assert_eq!(catch(|| 7), Ok(7));
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let fixed = catch(|| panic!("fixed"));
        let formatted = catch(|| panic!("number {}", 1));
        std::panic::set_hook(quiet);
        assert_eq!(fixed, Err("fixed".into()));
        assert_eq!(formatted, Err("number 1".into()));
    }
}

//! What other threads leave for a shard: commands and disk completions, taken in batches.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::base::DiskError;
use crate::disk::Completion;
use crate::engine::dht::Command;
use crate::engine::host::{ShardCommand, TrackerQuestion};

/// The mailbox of one shard. One lock per batch, one wake-up per batch: a sender wakes the shard
/// only when the box was empty.
#[derive(Default)]
pub(super) struct Inbox {
    queues: Mutex<Queues>,
    arrived: Notify,
}

#[derive(Default)]
struct Queues {
    commands: Vec<ShardCommand>,
    completions: Vec<Completion>,
    closed: bool,
}

impl Queues {
    fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.completions.is_empty()
    }
}

impl Inbox {
    /// Leaves a command; gives it up (answering its question) and says false when the shard has
    /// ended.
    pub(super) fn send(&self, command: ShardCommand) -> bool {
        self.send_all([command])
    }

    /// As [`Self::send`] with several; all are left or none.
    pub(super) fn send_all(&self, commands: impl IntoIterator<Item = ShardCommand>) -> bool {
        let mut queues = self.queues.lock();
        if queues.closed {
            drop(queues);
            commands.into_iter().for_each(refuse);
            return false;
        }
        let wake = queues.is_empty();
        queues.commands.extend(commands);
        drop(queues);
        if wake {
            self.arrived.notify_one();
        }
        true
    }

    /// Leaves a batch of answers of the disk.
    pub(super) fn complete(&self, mut batch: Vec<Completion>) {
        let mut queues = self.queues.lock();
        if queues.closed || batch.is_empty() {
            return;
        }
        let wake = queues.is_empty();
        if queues.completions.is_empty() {
            queues.completions = batch;
        } else {
            queues.completions.append(&mut batch);
        }
        drop(queues);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// Takes everything, in order of arrival within each kind.
    pub(super) fn take(&self) -> (Vec<ShardCommand>, Vec<Completion>) {
        let mut queues = self.queues.lock();
        (std::mem::take(&mut queues.commands), std::mem::take(&mut queues.completions))
    }

    /// Ends when something arrived since the last time, or [`Self::poke`] was called.
    pub(super) async fn wait(&self) {
        self.arrived.notified().await;
    }

    /// Makes [`Self::wait`] end.
    pub(super) fn poke(&self) {
        self.arrived.notify_one();
    }

    /// Refuses everything from now on.
    pub(super) fn close(&self) {
        let commands = {
            let mut queues = self.queues.lock();
            queues.closed = true;
            queues.completions.clear();
            std::mem::take(&mut queues.commands)
        };
        commands.into_iter().for_each(refuse);
    }
}

/// Why a tracker was not asked.
const ENDED: &str = "the session has ended";

/// Answers the questions among the commands, so that nobody waits for ever.
fn refuse(command: ShardCommand) {
    match command {
        ShardCommand::Query(_, query) => query(None),
        ShardCommand::Dht(Command::Query(query)) => query(None),
        ShardCommand::ReadPiece(_, _, answer) => answer(Err(gone())),
        ShardCommand::Inquire(inquiry) => match inquiry.question {
            TrackerQuestion::Announce(_, answer) => answer(Err(Some(ENDED.into()))),
            TrackerQuestion::Scrape(_, answer) => answer(Err(Some(ENDED.into()))),
        },
        _ => {}
    }
}

/// The error of a disk question about a torrent that is not here.
pub(super) fn gone() -> DiskError {
    DiskError {
        op: "read",
        file: None,
        path: std::path::PathBuf::new(),
        os_errno: 0,
        message: "the torrent is gone".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::base::TorrentId;

    #[test]
    fn questions_left_in_a_closed_box_are_answered() {
        let (inbox, answered) = (Inbox::default(), Arc::new(AtomicU32::new(0)));
        let query = || {
            let answered = Arc::clone(&answered);
            ShardCommand::Query(
                TorrentId(1),
                Box::new(move |view| {
                    assert!(view.is_none());
                    answered.fetch_add(1, Ordering::Relaxed);
                }),
            )
        };
        assert!(inbox.send(query()));
        inbox.close();
        assert_eq!(answered.load(Ordering::Relaxed), 1);
        assert!(!inbox.send(query()));
        assert_eq!(answered.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn commands_keep_their_order() {
        let inbox = Inbox::default();
        for id in 0..3 {
            assert!(inbox.send(ShardCommand::Reannounce(TorrentId(id), None)));
        }
        let (commands, completions) = inbox.take();
        let ids: Vec<_> = commands
            .iter()
            .map(|c| if let ShardCommand::Reannounce(id, _) = c { id.0 } else { 99 })
            .collect();
        assert_eq!((ids, completions.len()), (vec![0, 1, 2], 0));
    }
}

//! A network thread and its torrents. CONTRACT SKETCH: `ShardHandle` and `spawn` are fixed.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use std::sync::Arc;

use super::host::{Directory, Host, ShardCommand};
use super::settings::Settings;
use crate::disk::Pool;

/// Sends commands to a shard; cheap to clone.
#[derive(Clone)]
pub struct ShardHandle {
    _todo: (),
}

impl ShardHandle {
    /// Queues a command. False when the shard has ended. Never blocks.
    pub fn send(&self, command: ShardCommand) -> bool {
        todo!()
    }
}

/// Starts `count` shards; shard 0 owns the listen sockets. The join handles end after `Shutdown`.
pub fn spawn(
    count: usize,
    settings: Arc<Settings>,
    host: Arc<dyn Host>,
    directory: Arc<dyn Directory>,
    pool: Arc<Pool>,
) -> std::io::Result<(Vec<ShardHandle>, Vec<std::thread::JoinHandle<()>>)> {
    todo!()
}

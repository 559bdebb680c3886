//! What the host may ask of one torrent, beyond what its shard answers by itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::moving::Intent;
use super::{Core, Entry, Removal};
use crate::base::{FileIndex, PieceIndex};
use crate::codec::metainfo::Tiers;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::host::ShardCommand;
use crate::engine::requests::Subject;
use crate::swarm::{Command, SavePolicy, SaveVerdict, Status};

impl Core {
    /// Removes a torrent; `Removed` follows when its shard is done with it.
    pub fn remove(&self, entry: &Entry, removal: Removal) -> Result<(), Error> {
        if entry.is_gone() {
            return Err(Error::from(ErrorKind::Gone).of(entry.id));
        }
        {
            let mut current = entry.removal.lock();
            if current.is_some() {
                return Err(Error::from(ErrorKind::Gone).of(entry.id));
            }
            *current = Some(removal);
        }
        if !removal.keep_state {
            // The torrent must not wait for answers to requests that are void now.
            let void = self.requests.withdraw(entry.id);
            self.queue.withdraw(|token| void.iter().any(|(t, _)| *t == token));
            for (_, subject) in void {
                if let Subject::Save { generation, .. } = subject {
                    entry.discard(generation);
                    let answer =
                        ShardCommand::SaveAnswer(entry.id, generation, SaveVerdict::Accept);
                    self.send(entry, answer)?;
                }
            }
        }
        if removal.delete_files {
            self.send(entry, ShardCommand::DeleteFiles(entry.id))?;
        }
        self.command(entry, Command::Close)
    }

    /// Stops a torrent.
    pub fn pause(&self, entry: &Entry) -> Result<(), Error> {
        entry.prefs.lock().paused = true;
        self.command(entry, Command::Pause)
    }

    /// Lets a torrent go on, unless the session is paused; then it goes on with the session.
    pub fn resume(&self, entry: &Entry) -> Result<(), Error> {
        entry.prefs.lock().paused = false;
        if self.is_paused() {
            return if entry.is_gone() { Err(ErrorKind::Gone.into()) } else { Ok(()) };
        }
        self.command(entry, Command::Resume)
    }

    /// Stops all torrents, or lets those go on that the host did not stop one by one.
    pub fn set_paused(&self, paused: bool) -> Result<(), Error> {
        self.check_open()?;
        if self.paused.swap(paused, Ordering::AcqRel) == paused {
            return Ok(());
        }
        for entry in self.entries() {
            if !entry.prefs.lock().paused {
                let command = if paused { Command::Pause } else { Command::Resume };
                let _ = self.command(&entry, command);
            }
        }
        Ok(())
    }

    /// Snapshot, the limits (download, upload) and whether the host stopped it.
    pub fn status(&self, entry: &Entry) -> Result<(Status, Option<u64>, Option<u64>, bool), Error> {
        let mut status = self.query(entry, |view| view.torrent.status(view.now))?;
        if entry.is_discarded(status.durable_generation) {
            status.durable_generation = 0;
        }
        let prefs = entry.prefs.lock();
        Ok((status, prefs.download_limit, prefs.upload_limit, prefs.paused))
    }

    /// Rate limits in bytes per second.
    pub fn set_limits(
        &self,
        entry: &Entry,
        download: Option<u64>,
        upload: Option<u64>,
    ) -> Result<(), Error> {
        {
            let mut prefs = entry.prefs.lock();
            (prefs.download_limit, prefs.upload_limit) = (download, upload);
        }
        self.command(entry, Command::RateLimits(upload, download))
    }

    /// Connections and upload slots; `None` leaves one as it is.
    pub fn set_peer_limits(
        &self,
        entry: &Entry,
        connections: Option<u32>,
        slots: Option<u32>,
    ) -> Result<(), Error> {
        if connections == Some(0) || slots == Some(0) {
            return Err(ErrorKind::Range.into());
        }
        let tuning = {
            let mut prefs = entry.prefs.lock();
            prefs.max_connections = connections.or(prefs.max_connections);
            prefs.upload_slots = slots.or(prefs.upload_slots);
            prefs.tuning(&self.tuning())
        };
        self.command(entry, Command::Tuning(tuning))
    }

    /// When to save.
    pub fn set_save_policy(&self, entry: &Entry, policy: SavePolicy) -> Result<(), Error> {
        entry.prefs.lock().save_policy = policy;
        self.command(entry, Command::SavePolicy(self.policy_of(entry)))
    }

    /// Renames a file; `Renamed` follows. With a state directory it waits until that knows of it.
    pub fn rename(
        self: &Arc<Self>,
        entry: &Entry,
        file: FileIndex,
        path: String,
    ) -> Result<(), Error> {
        super::add::check_name(file, &path)?;
        let mut prefs = entry.prefs.lock();
        prefs.names.get_or_insert_default().renaming.insert(file, path.clone());
        drop(prefs);
        self.intend(entry, Intent::Rename(file, path.clone()));
        self.command(entry, Command::Rename(file, path))
    }

    /// Replaces the tracker tiers by what `change` makes of them.
    pub fn change_trackers(
        &self,
        entry: &Entry,
        change: impl FnOnce(&mut Vec<Vec<String>>),
    ) -> Result<(), Error> {
        let tiers = {
            let mut prefs = entry.prefs.lock();
            let mut trackers = prefs.trackers.to_vec();
            change(&mut trackers);
            prefs.trackers = trackers.into();
            Tiers::clone(&prefs.trackers)
        };
        self.send(entry, ShardCommand::SetTrackers(entry.id, tiers))
    }

    /// The tracker tiers.
    #[must_use]
    pub fn trackers(&self, entry: &Entry) -> Tiers {
        Tiers::clone(&entry.prefs.lock().trackers)
    }

    /// Announces now, to the tracker of this URL or to those in use.
    pub fn announce(&self, entry: &Entry, to: Option<&str>) -> Result<(), Error> {
        let to = to.map(|url| tracker(entry, url)).transpose()?;
        self.send(entry, ShardCommand::Reannounce(entry.id, to))
    }

    /// Asks the tracker of this URL, or all, for counts.
    pub fn scrape(&self, entry: &Entry, of: Option<&str>) -> Result<(), Error> {
        let of = of.map(|url| tracker(entry, url)).transpose()?;
        self.send(entry, ShardCommand::Scrape(entry.id, of))
    }

    /// Single messages of peers as events.
    pub fn set_wire_notices(&self, entry: &Entry, on: bool) -> Result<(), Error> {
        self.send(entry, ShardCommand::WireNotices(entry.id, on))
    }

    /// Reads a piece and waits for it. Not on network threads.
    pub fn read_piece(&self, entry: &Entry, piece: PieceIndex) -> Result<Bytes, Error> {
        if !entry.file().metainfo.info.geometry.contains(piece) {
            return Err(Error::from(ErrorKind::Range).of(entry.id));
        }
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let answer = Box::new(move |result| {
            let _ = sender.send(result);
        });
        self.send(entry, ShardCommand::ReadPiece(entry.id, piece, answer))?;
        let answer = receiver.recv().map_err(|_| Error::from(ErrorKind::Gone).of(entry.id))?;
        answer.map_err(|e| Error::from(e).of(entry.id))
    }

    /// Torrents whose save waits for an answer.
    #[must_use]
    pub fn open_saves(self: &Arc<Self>) -> usize {
        self.requests.saves()
    }
}

/// A URL as the torrent's trackers have it.
fn tracker(entry: &Entry, url: &str) -> Result<Box<str>, Error> {
    let url = url.trim();
    let tiers = Tiers::clone(&entry.prefs.lock().trackers);
    if tiers.iter().flatten().any(|known| known.trim() == url) {
        return Ok(url.into());
    }
    let text = format!("the torrent has no tracker {url}");
    Err(Error::new(ErrorKind::NotFound, text).of(entry.id))
}

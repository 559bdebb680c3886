//! `tern seed` without a torrent: one session that serves whatever the state directory knows and
//! that is complete, until somebody stops it.
//!
//! Each torrent goes back to its own place in the state directory when it is saved, so that `get`
//! and `seed` of one torrent, and this, go on where any of them was. A place is looked at only for
//! as long as it is read or written: who uses it meanwhile finds it free. Deliberately absent:
//! fetching anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tern::api::{
    AddTorrent, Error, ErrorKind, EventKind, Hook, Notice, Session, Stored, Torrent, TorrentId,
    TorrentState, Verdict, store_resume, stored,
};

use crate::args::{INCOMPLETE, INTERRUPTED, Network, OK};
use crate::report::{Progress, Reporter};
use crate::{Failure, signals, state, transfer, units};

/// How often the display moves, and how late Ctrl-C is noticed at most.
const TICK: Duration = Duration::from_millis(200);
/// Time for last saves and announces.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(60);
/// A save that a place refused, because somebody else uses it, is tried again after this.
const LATER: Duration = Duration::from_secs(5);

/// Runs the command.
pub(crate) fn run(network: &Network, reporter: &mut Reporter) -> Result<u8, Failure> {
    let top = state::top(network.state_dir.as_deref());
    let top = top.map_err(|e| Failure::about("state directory", e))?;
    let mut config = transfer::config(network, None)?;
    for (name, rate) in [("download_limit", network.limit_down), ("upload_limit", network.limit_up)]
    {
        if let Some(rate) = rate {
            config.set_text(name, &rate.to_string())?;
        }
    }
    let session = Session::new(&config)?;
    let mut all = All { session, reporter, waiting: BTreeMap::new(), sum: Sum::default() };
    let places = state::places(&top).map_err(|e| Failure::about(top.display(), e))?;
    let peers = transfer::resolve(&network.peers)?;
    for place in places {
        if signals::stop_requested() {
            break;
        }
        all.enter(&place, &peers)?;
    }
    all.begin();
    let started = Instant::now();
    let deadline = network.stop_after.map(|secs| started + Duration::from_secs(secs));
    let interrupted = all.drive(deadline)?;
    all.end(interrupted, started)
}

/// What became of the torrents.
#[derive(Default)]
struct Sum {
    torrents: u64,
    /// Of all of them, and of those whose files were looked at.
    bytes: u64,
    checked: u64,
    seeding: u64,
    incomplete: u64,
    in_use: u64,
    unusable: u64,
}

struct All<'a> {
    session: Session,
    reporter: &'a mut Reporter,
    /// Torrents whose files have not been looked at.
    waiting: BTreeMap<TorrentId, Torrent>,
    sum: Sum,
}

impl All<'_> {
    /// Takes what one place of the state directory has.
    fn enter(&mut self, place: &Path, peers: &[std::net::SocketAddr]) -> Result<(), Failure> {
        let dir = json!({ "state_dir": place.display().to_string() });
        let shelf = match stored(place) {
            Ok(shelf) => shelf,
            Err(error) if error.kind() == ErrorKind::InUse => {
                self.sum.in_use += 1;
                self.reporter.event("in_use", &format!("{error}"), dir);
                return Ok(());
            }
            // The others are not to suffer for it.
            Err(error) => {
                self.sum.unusable += 1;
                self.reporter.event("unusable", &format!("{error}"), dir);
                return Ok(());
            }
        };
        for (hash, error) in shelf.unusable {
            self.sum.unusable += 1;
            let fields = json!({ "info_hash": hash.to_string(), "message": error.message() });
            self.reporter.event("unusable", &format!("{hash}: {error}"), fields);
        }
        for torrent in &shelf.torrents {
            match self.add(torrent, place, peers) {
                Ok(added) => {
                    self.sum.torrents += 1;
                    self.sum.bytes += torrent.metainfo.total_size();
                    self.waiting.insert(added.id(), added);
                }
                Err(error) => {
                    self.sum.unusable += 1;
                    let hash = torrent.metainfo.info_hash().to_string();
                    let name = units::printable(torrent.metainfo.name());
                    let fields = json!({ "info_hash": hash, "message": error.message() });
                    self.reporter.event("unusable", &format!("{name}: {error}"), fields);
                }
            }
        }
        Ok(())
    }

    /// Stopped until the look at its files says that everything is there: nothing is to be fetched.
    fn add(
        &self,
        torrent: &Stored,
        place: &Path,
        peers: &[std::net::SocketAddr],
    ) -> Result<Torrent, Error> {
        let mut add = AddTorrent::new(&torrent.metainfo, torrent.summary().save_path);
        add.set_resume(&torrent.resume)?;
        add.set_paused(true).set_save_hook(Some(saver(place.to_owned())));
        for peer in peers {
            add.add_peer(*peer);
        }
        self.session.add(add)
    }

    fn begin(&self) {
        let (port, count) = (self.session.listen_port(), self.sum.torrents);
        let fields = json!({ "torrents": count, "port": port });
        self.reporter.event("started", &format!("{count} torrents, port {port}"), fields);
    }

    /// Waits and shows until the end; whether that is somebody's wish.
    fn drive(&mut self, deadline: Option<Instant>) -> Result<bool, Failure> {
        loop {
            self.session.wait(Some(TICK))?;
            for event in self.session.take(0) {
                self.hear(event.torrent.as_ref(), event.kind);
            }
            self.look()?;
            if self.waiting.is_empty() && self.sum.seeding == 0 {
                return Ok(false);
            }
            let stats = self.session.stats();
            self.reporter.progress(&Progress {
                phase: if self.waiting.is_empty() { "seeding" } else { "checking" },
                done: self.sum.checked,
                total: self.sum.bytes,
                up_rate: stats.upload_rate,
                uploaded: stats.uploaded,
                peers: Some(stats.peers),
                ..Progress::default()
            });
            if signals::stop_requested() {
                return Ok(true);
            }
            if deadline.is_some_and(|at| Instant::now() >= at) {
                return Ok(false);
            }
        }
    }

    /// Starts what turned out to be complete.
    fn look(&mut self) -> Result<(), Failure> {
        let mut seen = Vec::new();
        for (id, torrent) in &self.waiting {
            let status = torrent.status()?;
            match status.state {
                TorrentState::Paused if status.is_finished() => {
                    torrent.resume()?;
                    self.sum.seeding += 1;
                }
                TorrentState::Paused | TorrentState::Failed => {
                    self.sum.incomplete += 1;
                    let (have, all) = (status.pieces_have, status.pieces_total);
                    let name = torrent.name();
                    let text = format!(
                        "{}: {have} of {all} pieces; `tern get` fetches what is not there",
                        units::printable(&name)
                    );
                    let hash = torrent.info_hash().to_string();
                    let fields =
                        json!({ "name": name, "info_hash": hash, "have": have, "pieces": all });
                    self.reporter.event("incomplete", &text, fields);
                }
                _ => continue,
            }
            self.sum.checked += status.total_len;
            seen.push(*id);
        }
        seen.iter().for_each(|id| _ = self.waiting.remove(id));
        Ok(())
    }

    /// Events that a person wants to know.
    fn hear(&self, torrent: Option<&Torrent>, kind: EventKind) {
        let name = torrent.map(Torrent::name).unwrap_or_default();
        let about = |what: &str, text: String| {
            let fields = json!({ "name": name, "reason": text });
            let line = format!("{}: {text}", units::printable(&name));
            self.reporter.event(what, &line, fields);
        };
        match kind {
            EventKind::Notice(Notice::ResumeRejected { reason, .. }) => about("changed", reason),
            EventKind::Notice(Notice::DiskFailed(error)) => {
                about("failed", format!("{}: {}", error.path.display(), error.message));
            }
            EventKind::SaveFailed { reason, .. } => about("save_failed", reason),
            EventKind::Fatal(reason) => about("failed", reason),
            EventKind::ListenFailed { wanted, reason, .. } => {
                let fields = json!({ "address": wanted, "reason": reason });
                self.reporter.event("listen_failed", &format!("{wanted}: {reason}"), fields);
            }
            _ => {}
        }
    }

    fn end(self, interrupted: bool, started: Instant) -> Result<u8, Failure> {
        let uploaded = self.session.stats().uploaded;
        if let Err(unsaved) = self.session.close(Some(CLOSE_TIMEOUT)) {
            self.reporter.error(&format!("progress is not saved: {}", unsaved.error));
        }
        let Sum { torrents, seeding, incomplete, in_use, unusable, .. } = self.sum;
        let code = match (interrupted, seeding) {
            (true, _) => INTERRUPTED,
            (false, 0) => INCOMPLETE,
            (false, _) => OK,
        };
        let status = match code {
            INTERRUPTED => "interrupted",
            INCOMPLETE => "incomplete",
            _ => "complete",
        };
        let took = started.elapsed();
        let text = format!(
            "{seeding} of {torrents} torrents served, sent {} in {}",
            units::bytes(uploaded),
            units::time(took)
        );
        let fields = json!({
            "status": status,
            "torrents": torrents,
            "seeding": seeding,
            "incomplete": incomplete,
            "in_use": in_use,
            "unusable": unusable,
            "uploaded": uploaded,
            "secs": took.as_secs_f64(),
        });
        self.reporter.result(&text, fields);
        Ok(code)
    }
}

/// Writes a torrent's state back to where it was read.
fn saver(place: PathBuf) -> Hook {
    Hook::inline(move |event| {
        let EventKind::SaveRequest { blob, .. } = &event.kind else { return Some(Verdict::Pass) };
        Some(match store_resume(&place, blob) {
            Ok(()) => Verdict::Accept,
            Err(error) if error.kind() == ErrorKind::InUse => Verdict::Defer(LATER),
            Err(error) => Verdict::Fail(error.code()),
        })
    })
}

//! `tern get` and `tern seed`: one session, one torrent, until it is done or somebody stops it.
//!
//! The state directory of the pair (torrent, content directory) belongs to the library's built-in
//! store, so both commands go on where the last run of either was.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tern::api::{
    AddTorrent, Config, EventKind, FileIndex, InfoHash, Metainfo, Notice, PeerSource, SavePolicy,
    Session, SourceCounts, Torrent, TorrentState, TorrentStatus, TrackerEvent,
};

use crate::args::{Chosen, Get, INCOMPLETE, INTERRUPTED, Network, OK, Seed};
use crate::report::{Progress, Reporter};
use crate::source::{self, Source};
use crate::{Failure, load, seed_all, signals, state, units};

/// How often the display moves, and how late Ctrl-C is noticed at most.
const TICK: Duration = Duration::from_millis(200);
/// The same while the first byte is awaited.
const FIRST_TICK: Duration = Duration::from_millis(10);
/// Unsaved work a kill -9 costs at most; it is hashed again then, not fetched again.
const SAVE_EVERY: Duration = Duration::from_secs(10);
/// A file that no torrent has.
const NO_FILE: Chosen = Chosen::File(u32::MAX);
/// Time for last writes, saves and announces.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

/// `tern get`.
pub(crate) fn get(get: &Get, reporter: &mut Reporter) -> Result<u8, Failure> {
    let source = Source::parse(&get.torrent)?;
    if get.metadata_only && matches!(source, Source::File(_)) {
        return Err(Failure::usage("--metadata-only needs a magnet link or an info-hash"));
    }
    std::fs::create_dir_all(&get.output).map_err(|e| Failure::about(get.output.display(), e))?;
    let output = absolute(&get.output)?;
    let mut add = match &source {
        Source::File(torrent) => {
            let mut add = AddTorrent::new(torrent, &output);
            if let Some(priorities) = priorities(torrent, &get.files)? {
                add.set_file_priorities(&priorities)?;
            }
            add
        }
        Source::Link { link, .. } if get.metadata_only => {
            // No content is wanted, and nothing of this is to be remembered.
            let mut add = AddTorrent::magnet(&source::select(link, &[NO_FILE]), &output)?;
            add.set_resume(&[])?;
            add
        }
        Source::Link { link, .. } => {
            AddTorrent::magnet(&source::select(link, &get.files), &output)?
        }
    };
    add.set_paused(false).set_sequential(get.sequential);
    let goal = match (get.metadata_only, get.seed) {
        (true, _) => Goal::Metadata,
        (false, true) => Goal::Serve,
        (false, false) => Goal::Complete,
    };
    let hash = source.info_hash();
    let mut run = Run::start(hash, add, &get.output, &get.network, goal, reporter)?;
    run.chosen.clone_from(&get.files);
    run.save_torrent = get.save_torrent.clone();
    run.save_dir = get.metadata_only.then_some(output);
    run.finish()
}

/// `tern seed`.
pub(crate) fn seed(seed: &Seed, reporter: &mut Reporter) -> Result<u8, Failure> {
    let Some(file) = &seed.torrent else { return seed_all::run(&seed.network, reporter) };
    let torrent = load(file)?;
    let dir = seed.dir.as_deref().unwrap_or_else(|| Path::new("."));
    let lacking = lacking(&torrent, dir);
    if !lacking.is_empty() {
        let text = format!(
            "{} is missing or too short{}; `tern get` fetches what is not there",
            dir.join(&lacking[0]).display(),
            if lacking.len() > 1 {
                format!(" (and {} more)", lacking.len() - 1)
            } else {
                "".into()
            },
        );
        reporter.error(&text);
        reporter.result("", json!({ "status": "incomplete", "lacking": lacking }));
        return Ok(INCOMPLETE);
    }
    // Stopped until the check says that everything is there: nothing is to be fetched.
    let mut add = AddTorrent::new(&torrent, absolute(dir)?);
    add.set_paused(true);
    let (hash, goal) = (torrent.info_hash(), Goal::ServeIfComplete);
    Run::start(hash, add, dir, &seed.network, goal, reporter)?.finish()
}

/// When a run ends by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// When the metadata is there.
    Metadata,
    /// When everything wanted is there.
    Complete,
    /// Never.
    Serve,
    /// At once when something is missing, else never.
    ServeIfComplete,
}

/// How a run ended.
enum End {
    Complete,
    Incomplete,
    Interrupted,
    Failed(String),
}

struct Run<'a> {
    session: Session,
    torrent: Torrent,
    metainfo: Metainfo,
    goal: Goal,
    deadline: Option<Instant>,
    started: Instant,
    reporter: &'a mut Reporter,
    /// For the rate of a check: when, how far.
    checked: Option<(Instant, u64, u64)>,
    announced_complete: bool,
    got_first: bool,
    failure: Option<String>,
    last: Option<TorrentStatus>,
    /// Files chosen, to be compared with those there are.
    chosen: Vec<Chosen>,
    /// Where the torrent file goes once it is known, or into which directory.
    save_torrent: Option<PathBuf>,
    save_dir: Option<PathBuf>,
    /// That was looked after.
    described: bool,
}

impl<'a> Run<'a> {
    fn start(
        hash: InfoHash,
        mut add: AddTorrent,
        dir: &Path,
        network: &Network,
        goal: Goal,
        reporter: &'a mut Reporter,
    ) -> Result<Self, Failure> {
        let place = if goal == Goal::Metadata {
            None
        } else {
            let place = state::directory(network.state_dir.as_deref(), &hash.0, dir);
            Some(place.map_err(|e| Failure::about("state directory", e))?)
        };
        let session = Session::new(&config(network, place.as_deref())?)?;
        // What is not said stays as it was, or as it was imported.
        if network.limit_down.is_some() || network.limit_up.is_some() {
            let limit = |rate: Option<u64>| rate.filter(|rate| *rate > 0);
            add.set_limits(limit(network.limit_down), limit(network.limit_up));
        }
        add.set_save_policy(SavePolicy { interval: Some(SAVE_EVERY), ..SavePolicy::default() });
        for peer in resolve(&network.peers)? {
            add.add_peer(peer);
        }
        let started = Instant::now();
        let torrent = session.add(add)?;
        let metainfo = torrent.metainfo();
        let fields = json!({
            "name": metainfo.name(),
            "info_hash": metainfo.info_hash().to_string(),
            "size": metainfo.total_size(),
            "pieces": metainfo.piece_count(),
            "port": session.listen_port(),
        });
        let port = session.listen_port();
        let size = match torrent.has_metadata() {
            true => units::bytes(metainfo.total_size()),
            false => "size not known yet".into(),
        };
        let text = format!("{}, {size}, port {port}", metainfo.name());
        reporter.event("started", &text, fields);
        let deadline = network.stop_after.map(|secs| started + Duration::from_secs(secs));
        Ok(Self {
            session,
            torrent,
            metainfo,
            goal,
            deadline,
            started,
            reporter,
            checked: None,
            announced_complete: false,
            got_first: false,
            failure: None,
            last: None,
            chosen: Vec::new(),
            save_torrent: None,
            save_dir: None,
            described: false,
        })
    }

    fn finish(mut self) -> Result<u8, Failure> {
        let end = self.drive()?;
        // A last look, for the counts of the result.
        self.last = self.torrent.status().ok().or_else(|| self.last.take());
        if let Err(unsaved) = self.session.close(Some(CLOSE_TIMEOUT)) {
            let text = format!("progress is not saved: {}", unsaved.error);
            self.reporter.error(&text);
        }
        self.tell(&end);
        match end {
            End::Complete => Ok(OK),
            End::Incomplete => Ok(INCOMPLETE),
            End::Interrupted => Ok(INTERRUPTED),
            End::Failed(why) => Err(Failure::new(why)),
        }
    }

    /// Waits, shows, and decides, until the end.
    fn drive(&mut self) -> Result<End, Failure> {
        loop {
            self.session.wait(Some(if self.awaits_first() { FIRST_TICK } else { TICK }))?;
            for event in self.session.take(0) {
                self.hear(event.kind);
            }
            if !self.described && self.torrent.has_metadata() {
                self.describe()?;
            }
            let status = self.torrent.status()?;
            if !self.got_first && status.downloaded > 0 {
                self.got_first = true;
                let ms = self.elapsed_ms();
                let text = format!("first byte after {ms} ms");
                self.reporter.event("first_byte", &text, json!({ "first_byte_ms": ms }));
            }
            let progress = self.progress(&status);
            self.reporter.progress(&progress);
            let end = self.decide(&status);
            self.last = Some(status);
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// The torrent file is known, from the start or since now.
    fn describe(&mut self) -> Result<(), Failure> {
        self.described = true;
        let asked = self.metainfo.piece_count() == 0;
        self.metainfo = self.torrent.metainfo();
        if asked {
            let (name, size) = (self.metainfo.name(), self.metainfo.total_size());
            let text = format!("metadata received: {name}, {}", units::bytes(size));
            let fields = json!({
                "name": name,
                "size": size,
                "pieces": self.metainfo.piece_count(),
                "files": self.metainfo.files().len(),
            });
            self.reporter.event("metadata", &text, fields);
        }
        // Refuses numbers that are none.
        priorities(&self.metainfo, &self.chosen)?;
        let place = self.save_torrent.take().or_else(|| {
            let dir = self.save_dir.take()?;
            Some(dir.join(format!("{}.torrent", self.metainfo.name())))
        });
        if let Some(place) = place {
            source::write(&self.metainfo, &place)?;
            let fields = json!({ "file": place });
            self.reporter.event("saved_torrent", &format!("wrote {}", place.display()), fields);
        }
        Ok(())
    }

    /// Milliseconds since the torrent was given to the session.
    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Peers are there, and nothing has come yet: any moment now.
    fn awaits_first(&self) -> bool {
        let near = |s: &TorrentStatus| s.state == TorrentState::Downloading && s.peers > 0;
        !self.got_first && self.last.as_ref().is_some_and(near)
    }

    fn decide(&mut self, status: &TorrentStatus) -> Option<End> {
        if self.goal == Goal::Metadata && self.described {
            return Some(End::Complete);
        }
        if status.state == TorrentState::Failed {
            let why = self.failure.take().unwrap_or_else(|| "the torrent failed".into());
            return Some(End::Failed(why));
        }
        if self.goal == Goal::ServeIfComplete && status.state == TorrentState::Paused {
            if status.pieces_have < status.pieces_total {
                return Some(End::Incomplete);
            }
            if let Err(error) = self.torrent.resume() {
                return Some(End::Failed(error.to_string()));
            }
            self.goal = Goal::Serve;
        }
        if status.is_finished() && status.state != TorrentState::Paused {
            if !self.announced_complete {
                self.announced_complete = true;
                let (have, all) = (status.pieces_have, status.pieces_total);
                let ms = self.elapsed_ms();
                let fields = json!({ "pieces_have": have, "pieces": all, "complete_ms": ms });
                self.reporter.event(
                    "complete",
                    &format!("complete: {have} of {all} pieces"),
                    fields,
                );
            }
            if self.goal == Goal::Complete {
                return Some(End::Complete);
            }
        }
        if signals::stop_requested() {
            return Some(End::Interrupted);
        }
        if self.deadline.is_some_and(|at| Instant::now() >= at) {
            return Some(if status.is_finished() { End::Complete } else { End::Incomplete });
        }
        None
    }

    /// Events that a person wants to know.
    fn hear(&mut self, kind: EventKind) {
        match kind {
            EventKind::Notice(Notice::Checked { have, hashed, restored }) => {
                let all = self.metainfo.piece_count();
                let text = format!(
                    "{have} of {all} pieces are here: {restored} restored, {hashed} hashed"
                );
                let fields =
                    json!({ "have": have, "hashed": hashed, "restored": restored, "pieces": all });
                self.reporter.event("resumed", &text, fields);
            }
            EventKind::Notice(Notice::ResumeRejected { reason, pieces, file, .. }) => {
                let file = file.and_then(|f| self.metainfo.files().get(f.idx()));
                let file = file.map_or("", |f| f.path.as_str());
                let text = format!("{file}: {reason}; {pieces} pieces are hashed again");
                let fields = json!({ "file": file, "reason": reason, "pieces": pieces });
                self.reporter.event("changed", &text, fields);
            }
            EventKind::Notice(Notice::DiskFailed(error)) => {
                self.failure = Some(format!("{}: {}", error.path.display(), error.message));
            }
            EventKind::Notice(Notice::MetadataUnusable(error)) => {
                self.failure = Some(format!("the metadata cannot be used: {error}"));
            }
            EventKind::SourceFailed { url, reason } => {
                let fields = json!({ "url": url, "reason": reason });
                self.reporter.event("source_failed", &format!("{url}: {reason}"), fields);
            }
            EventKind::Notice(Notice::PeerBanned(addr)) => {
                let text = format!("banned {addr}: it sent bad data");
                self.reporter.event("banned", &text, json!({ "peer": addr.to_string() }));
            }
            EventKind::Tracker(TrackerEvent::Failed { url, reason, retry_in_secs, .. }) => {
                let again = units::time(Duration::from_secs(retry_in_secs));
                let text = format!("{url}: {reason}; again in {again}");
                let fields = json!({ "url": url, "reason": reason, "retry_secs": retry_in_secs });
                self.reporter.event("tracker_failed", &text, fields);
            }
            EventKind::SaveFailed { reason, .. } => {
                let text = format!("progress could not be saved: {reason}");
                self.reporter.event("save_failed", &text, json!({ "reason": reason }));
            }
            EventKind::ListenFailed { wanted, reason, .. } => {
                let fields = json!({ "address": wanted, "reason": reason });
                self.reporter.event("listen_failed", &format!("{wanted}: {reason}"), fields);
            }
            EventKind::UdpFailed { addr, reason, .. } => {
                let fields = json!({ "address": addr.to_string(), "reason": reason });
                self.reporter.event("udp_failed", &format!("udp {addr}: {reason}"), fields);
            }
            EventKind::Fatal(reason) => self.failure = Some(reason),
            _ => {}
        }
    }

    fn progress(&mut self, status: &TorrentStatus) -> Progress {
        let phase = match status.state {
            TorrentState::Starting => "starting",
            TorrentState::Metadata => "metadata",
            TorrentState::Checking => "checking",
            TorrentState::Downloading => "downloading",
            TorrentState::Finished | TorrentState::Seeding => "seeding",
            TorrentState::Paused if self.goal == Goal::ServeIfComplete => "checking",
            TorrentState::Paused => "paused",
            _ => "stopping",
        };
        let checking = status.state == TorrentState::Checking;
        let (done, total) = if checking {
            (share(status.progress, status.total_len), status.total_len)
        } else {
            (status.wanted_have, status.wanted_len)
        };
        Progress {
            phase,
            done,
            total,
            down_rate: if checking { self.check_rate(done) } else { status.download_rate },
            up_rate: status.upload_rate,
            uploaded: status.uploaded,
            peers: (!checking).then_some(u64::from(status.peers)),
            sources: if checking { Vec::new() } else { sources(status) },
        }
    }

    /// Bytes hashed per second, over the last second or so.
    fn check_rate(&mut self, done: u64) -> u64 {
        let now = Instant::now();
        let (since, from, rate) = *self.checked.get_or_insert((now, done, 0));
        let ms = u64::try_from(now.duration_since(since).as_millis()).unwrap_or(u64::MAX);
        if ms < 1000 {
            return rate;
        }
        let rate = done.saturating_sub(from).saturating_mul(1000) / ms;
        self.checked = Some((now, done, rate));
        rate
    }

    fn tell(&mut self, end: &End) {
        let last = self.last.take();
        let get = |f: fn(&TorrentStatus) -> u64| last.as_ref().map_or(0, f);
        let (down, up) = (get(|s| s.downloaded), get(|s| s.uploaded));
        let took = self.started.elapsed();
        let (status, words) = match end {
            End::Complete => ("complete", "done"),
            End::Incomplete => ("incomplete", "incomplete"),
            End::Interrupted => ("interrupted", "interrupted, progress saved"),
            End::Failed(_) => ("failed", "failed"),
        };
        let text = format!(
            "{words}: received {}, sent {} in {}",
            units::bytes(down),
            units::bytes(up),
            units::time(took)
        );
        let fields = json!({
            "status": status,
            "name": self.metainfo.name(),
            "info_hash": self.metainfo.info_hash().to_string(),
            "pieces_have": get(|s| s.pieces_have.into()),
            "pieces": self.metainfo.piece_count(),
            "downloaded": down,
            "uploaded": up,
            "secs": took.as_secs_f64(),
        });
        self.reporter.result(&text, fields);
    }
}

/// Where peers come from: name, connected and known ones.
fn sources(status: &TorrentStatus) -> Vec<(&'static str, u32, u32)> {
    let count = |source: PeerSource| {
        let at = |counts: &SourceCounts| counts.get(source.index()).copied().unwrap_or_default();
        (source.name(), at(&status.peers_by_source), at(&status.known_by_source))
    };
    let all = PeerSource::ALL.into_iter().map(count);
    all.filter(|(_, connected, known)| connected + known > 0).collect()
}

/// `progress` (0 to 1) of `total`.
fn share(progress: f64, total: u64) -> u64 {
    let per_million = (progress.clamp(0.0, 1.0) * 1e6).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e6")]
    let per_million = per_million as u64;
    u64::try_from(u128::from(total) * u128::from(per_million) / 1_000_000).unwrap_or(total)
}

/// The session's configuration, with its state in `place`.
pub(crate) fn config(network: &Network, place: Option<&Path>) -> Result<Config, Failure> {
    let mut config = Config::new();
    let port = network.port;
    let listen = match network.bind {
        Some(addr) => SocketAddr::new(addr, port).to_string(),
        None => format!("0.0.0.0:{port},[::]:{port}"),
    };
    config.set_text("listen", &listen)?;
    if let Some(place) = place {
        let text = place.to_str();
        let text = text.ok_or_else(|| Failure::new("the state directory is not UTF-8"))?;
        config.set_text("state_dir", text)?;
    }
    config.set_text("trackers_enabled", if network.no_trackers { "false" } else { "true" })?;
    config.set_text("dht", if network.no_dht { "false" } else { "true" })?;
    if !network.bootstrap.is_empty() {
        config.set_text("dht_bootstrap", &network.bootstrap.join(","))?;
    }
    config.set_text("pex_enabled", if network.no_pex { "false" } else { "true" })?;
    config.set_text("client", concat!("tern/", env!("CARGO_PKG_VERSION")))?;
    crate::args::apply(&mut config, &network.set)?;
    Ok(config)
}

/// Addresses of `HOST:PORT`s.
pub(crate) fn resolve(peers: &[String]) -> Result<Vec<SocketAddr>, Failure> {
    let mut out = Vec::new();
    for peer in peers {
        out.extend(peer.to_socket_addrs().map_err(|e| Failure::about(peer, e))?);
    }
    Ok(out)
}

/// Priority 4 for the chosen files, 0 for the others; nothing when none is chosen, so that what was
/// saved stays.
fn priorities(torrent: &Metainfo, chosen: &[Chosen]) -> Result<Option<Vec<u8>>, Failure> {
    let count = torrent.files().len();
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut out = vec![0; count];
    for chosen in chosen {
        let Chosen::File(number) = chosen else { return Ok(Some(vec![4; count])) };
        let slot = out.get_mut(FileIndex(*number).idx()).ok_or_else(|| {
            Failure::usage(format!("there is no file {number}: `tern show` lists them"))
        })?;
        *slot = 4;
    }
    Ok(Some(out))
}

/// Paths of files that are not there in full.
fn lacking(torrent: &Metainfo, dir: &Path) -> Vec<String> {
    let stored = torrent.files().iter().filter(|f| !f.attr.padding && !f.attr.symlink);
    stored
        .filter(|f| std::fs::metadata(dir.join(&f.path)).map_or(true, |m| m.len() < f.length))
        .map(|f| f.path.clone())
        .collect()
}

fn absolute(dir: &Path) -> Result<PathBuf, Failure> {
    dir.canonicalize().map_err(|e| Failure::about(dir.display(), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_never_exceeds_the_whole() {
        assert_eq!(share(0.5, 1000), 500);
        assert_eq!(share(7.0, 1000), 1000);
        assert_eq!(share(-1.0, u64::MAX), 0);
        assert_eq!(share(1.0, u64::MAX), u64::MAX);
        assert_eq!(share(f64::NAN, 10), 0);
    }

    #[test]
    fn peers_need_a_port() {
        assert_eq!(resolve(&["127.0.0.1:1".into()]).expect("numbers").len(), 1);
        assert!(resolve(&["127.0.0.1".into()]).is_err());
    }
}

//! Which client a folder belongs to, and which torrents are listed in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::Metainfo;
use super::Client;
use crate::base::InfoHash;
use crate::codec::clients::deluge::{self, Kept};
use crate::codec::clients::{ClientError, aria2, qbittorrent};
use crate::engine::error::{Error, ErrorKind};

/// Largest file of a client that is read whole: `torrents.fastresume` of a hundred thousand
/// torrents.
const FILE_BYTES: u64 = 1 << 30;

/// One torrent to be read.
#[derive(Debug)]
pub(super) enum Job {
    /// `BT_backup/ID.fastresume`.
    Fastresume { path: PathBuf, queue: Option<u64> },
    /// A row of `torrents.db`.
    #[cfg(feature = "store")]
    Row { database: PathBuf, row: Box<qbittorrent::Row> },
    /// `torrents/*.torrent` of Transmission and its `.resume`, if there is one.
    Transmission { torrent: PathBuf, resume: Option<PathBuf> },
    /// `HASH.torrent` in rtorrent's session.
    RTorrent { torrent: PathBuf },
    /// An entry of `torrents.state`.
    Deluge { list: PathBuf, kept: Box<Result<Kept, ClientError>>, resume: Option<Vec<u8>> },
    /// An entry of aria2's list.
    Aria2Listed { list: PathBuf, entry: aria2::Listed },
    /// A control file that nothing lists.
    Aria2Control { control: PathBuf },
}

/// `.torrent` files found beside what clients keep.
#[derive(Debug, Default)]
pub(super) struct Torrents {
    files: BTreeMap<InfoHash, PathBuf>,
}

impl Torrents {
    /// Those of a directory; what does not parse is not one.
    pub(super) fn add(&mut self, dir: &Path) -> Result<(), Error> {
        for path in listing(dir)? {
            let metainfo =
                if has_ending(&path, "torrent") { Metainfo::load(&path).ok() } else { None };
            if let Some(metainfo) = metainfo {
                self.files.entry(metainfo.info_hash()).or_insert(path);
            }
        }
        Ok(())
    }

    /// The file of a torrent.
    pub(super) fn find(&self, info_hash: &InfoHash) -> Option<&Path> {
        self.files.get(info_hash).map(PathBuf::as_path)
    }
}

/// A file's bytes, within bounds.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |e: std::io::Error| Error::io(&e, path);
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES {
        return Err(Error::new(ErrorKind::Invalid, format!("{}: too large", path.display())));
    }
    std::fs::read(path).map_err(failed)
}

fn listing(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |e: std::io::Error| Error::io(&e, dir);
    let entries = std::fs::read_dir(dir).map_err(failed)?;
    let mut out = Vec::new();
    for entry in entries {
        out.push(entry.map_err(failed)?.path());
    }
    out.sort();
    Ok(out)
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// The same path with more at its end.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut out = path.as_os_str().to_owned();
    out.push(ending);
    PathBuf::from(out)
}

/// Finds the client and its torrents.
pub(super) fn open(path: &Path, client: Option<Client>) -> Result<(Client, Vec<Job>), Error> {
    std::fs::metadata(path).map_err(|e| Error::io(&e, path))?;
    let clients: Vec<Client> = client.map_or_else(|| Client::ALL.to_vec(), |one| vec![one]);
    for client in clients {
        let jobs = match client {
            Client::QBittorrent => qbittorrent_jobs(path)?,
            Client::Transmission => transmission_jobs(path)?,
            Client::RTorrent => rtorrent_jobs(path)?,
            Client::Deluge => deluge_jobs(path)?,
            Client::Aria2 => aria2_jobs(path)?,
        };
        if let Some(jobs) = jobs {
            return Ok((client, jobs));
        }
    }
    let whose = client.map_or("any client we know", Client::name);
    let text = format!("{}: no files of {whose} are here", path.display());
    Err(Error::new(ErrorKind::NotFound, text))
}

/// The first of these places below `path`, or `path` itself when it has that name, that is there.
fn place(path: &Path, places: &[&str]) -> Option<PathBuf> {
    places.iter().find_map(|place| {
        let named = path.file_name().is_some_and(|name| Path::new(place).ends_with(name));
        let below = path.join(place);
        if below.exists() {
            Some(below)
        } else {
            (named && path.exists() && !place.contains('/')).then(|| path.to_path_buf())
        }
    })
}

fn qbittorrent_jobs(path: &Path) -> Result<Option<Vec<Job>>, Error> {
    // The form in use leaves the other behind, out of date: the database is the younger form.
    let database = ["torrents.db", "data/torrents.db", "qBittorrent/data/torrents.db"];
    let database = if path.is_file() {
        has_ending(path, "db").then(|| path.to_path_buf())
    } else {
        place(path, &database)
    };
    let folder = place(path, &["BT_backup", "data/BT_backup", "qBittorrent/data/BT_backup"]);
    let folder = folder.or_else(|| {
        let files = listing(path).ok()?;
        files.iter().any(|f| has_ending(f, "fastresume")).then(|| path.to_path_buf())
    });
    match (database, folder) {
        (Some(database), folder) => {
            let jobs = rows(&database)?;
            match folder {
                Some(folder) if jobs.is_empty() => fastresume_jobs(&folder).map(Some),
                _ => Ok(Some(jobs)),
            }
        }
        (None, Some(folder)) => fastresume_jobs(&folder).map(Some),
        (None, None) => Ok(None),
    }
}

#[cfg(feature = "store")]
fn rows(database: &Path) -> Result<Vec<Job>, Error> {
    let rows = super::database::rows(database)?;
    let job = |row| Job::Row { database: database.into(), row: Box::new(row) };
    Ok(rows.into_iter().map(job).collect())
}

#[cfg(not(feature = "store"))]
fn rows(database: &Path) -> Result<Vec<Job>, Error> {
    let text = format!("{}: this build cannot read databases", database.display());
    Err(Error::new(ErrorKind::Unsupported, text))
}

fn fastresume_jobs(folder: &Path) -> Result<Vec<Job>, Error> {
    let queue = std::fs::read_to_string(folder.join("queue")).unwrap_or_default();
    let queue: BTreeMap<String, u64> = qbittorrent::queue(&queue).into_iter().zip(0..).collect();
    let files = listing(folder)?.into_iter().filter(|path| has_ending(path, "fastresume"));
    let job = |path: PathBuf| {
        let id = path.file_stem().map(|id| id.to_string_lossy().to_ascii_lowercase());
        let queue = id.and_then(|id| queue.get(&id).copied());
        Job::Fastresume { path, queue }
    };
    Ok(files.map(job).collect())
}

fn transmission_jobs(path: &Path) -> Result<Option<Vec<Job>>, Error> {
    let (torrents, resume) = (path.join("torrents"), path.join("resume"));
    if !torrents.is_dir() || !resume.is_dir() {
        return Ok(None);
    }
    let files = listing(&torrents)?.into_iter().filter(|path| has_ending(path, "torrent"));
    // Since 3.00 both are called by the hash, before by name and the start of the hash.
    let job = |torrent: PathBuf| {
        let beside = torrent.file_name().map(|name| resume.join(name).with_extension("resume"));
        let beside = beside.filter(|path| path.is_file());
        Job::Transmission { torrent, resume: beside }
    };
    Ok(Some(files.map(job).collect()))
}

fn rtorrent_jobs(path: &Path) -> Result<Option<Vec<Job>>, Error> {
    if !path.is_dir() {
        return Ok(None);
    }
    let files = listing(path)?;
    let is_hash = |path: &Path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.is_some_and(|s| s.len() == 40 && s.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let torrents: Vec<_> =
        files.iter().filter(|f| has_ending(f, "torrent") && is_hash(f)).cloned().collect();
    let companion = files.iter().any(|f| {
        has_ending(f, "libtorrent_resume")
            || has_ending(f, "rtorrent")
            || f.ends_with("rtorrent.lock")
    });
    // Old versions have no files beside the torrent; then each has to say it itself.
    let inside = || {
        torrents.iter().all(|path| {
            let raw = read(path).unwrap_or_default();
            raw.windows(10).any(|w| w == b"8:rtorrent")
        })
    };
    if torrents.is_empty() || !(companion || inside()) {
        return Ok(None);
    }
    Ok(Some(torrents.into_iter().map(|torrent| Job::RTorrent { torrent }).collect()))
}

fn deluge_jobs(path: &Path) -> Result<Option<Vec<Job>>, Error> {
    let list = if path.is_file() && path.file_name().is_some_and(|n| n == "torrents.state") {
        Some(path.to_path_buf())
    } else {
        place(path, &["state/torrents.state", "torrents.state"])
    };
    let Some(list) = list else { return Ok(None) };
    // As Deluge does: the file before the last when the last is no use.
    let (kept, list) = match deluge_state(&list) {
        Ok(kept) => (kept, list),
        Err(error) => {
            let before = with_ending(&list, ".bak");
            (deluge_state(&before).map_err(|_| error)?, before)
        }
    };
    let fast = list.with_file_name("torrents.fastresume");
    let resumes = |path: &Path| {
        let raw = read(path).map_err(|e| e.to_string())?;
        deluge::fastresume(&raw).map_err(|e| e.to_string())
    };
    let resumes = resumes(&fast).or_else(|_| resumes(&with_ending(&fast, ".bak")));
    let mut resumes: BTreeMap<_, _> = resumes.unwrap_or_default().into_iter().collect();
    let job = |kept: Result<Kept, ClientError>| {
        let resume = kept.as_ref().ok().and_then(|kept| resumes.remove(&kept.info_hash));
        Job::Deluge { list: list.clone(), kept: Box::new(kept), resume }
    };
    Ok(Some(kept.into_iter().map(job).collect()))
}

fn deluge_state(list: &Path) -> Result<Vec<Result<Kept, ClientError>>, Error> {
    let wrong = |e| Error::new(ErrorKind::Invalid, format!("{}: {e}", list.display()));
    deluge::state(&read(list)?).map_err(wrong)
}

fn aria2_jobs(path: &Path) -> Result<Option<Vec<Job>>, Error> {
    if path.is_file() {
        let entries = listed(path);
        return Ok(Some(entries).filter(|jobs| !jobs.is_empty()));
    }
    let files = listing(path)?;
    let mut jobs: Vec<Job> = Vec::new();
    for name in ["session", "aria2.session", ".aria2.session", "session.txt", "save-session"] {
        let list = path.join(name);
        if list.is_file() {
            jobs.extend(listed(&list));
        }
    }
    let controls = files.into_iter().filter(|path| has_ending(path, "aria2") && path.is_file());
    // What the list knows is not told twice.
    let listed: BTreeSet<InfoHash> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::Aria2Listed { list, entry } => Some((list.parent()?, entry)),
            _ => None,
        })
        .filter_map(|(dir, entry)| Metainfo::load(dir.join(&entry.torrent)).ok())
        .map(|metainfo| metainfo.info_hash())
        .collect();
    let known = |control: &PathBuf| {
        let read = read(control).ok().and_then(|raw| aria2::control(&raw).ok());
        read.is_some_and(|control| listed.contains(&control.info_hash))
    };
    let alone: Vec<_> = controls.filter(|control| !known(control)).collect();
    jobs.extend(alone.into_iter().map(|control| Job::Aria2Control { control }));
    Ok(Some(jobs).filter(|jobs| !jobs.is_empty()))
}

fn listed(list: &Path) -> Vec<Job> {
    let raw = read(list).unwrap_or_default();
    let text = String::from_utf8_lossy(&raw);
    // Each entry it writes has an id: this is no other text file.
    let entries = aria2::session(&text).into_iter().filter(|e| e.option("gid").is_some());
    entries.map(|entry| Job::Aria2Listed { list: list.into(), entry }).collect()
}

//! From one entry of a client's folder to one [`Imported`].

use std::path::{Path, PathBuf};

use super::super::Metainfo;
use super::folders::{Job, Torrents, read, with_ending};
use super::locate::{Located, locate};
use super::{ImportError, Imported};
use crate::base::FileIndex;
use crate::codec::clients::deluge::{self, Kept};
use crate::codec::clients::{
    Claims, ClientError, ClientState, Labels, Place, aria2, hash_of, qbittorrent, rtorrent, settle,
    transmission,
};
use crate::codec::resume::Resume;
use crate::engine::path_from_bytes;

/// What is known before the files are looked at.
struct Known {
    source: PathBuf,
    metainfo: Metainfo,
    state: ClientState,
    /// Where the content may be besides.
    elsewhere: Option<Vec<u8>>,
    notes: Vec<String>,
}

impl Known {
    fn new(source: PathBuf, metainfo: Metainfo, state: ClientState) -> Self {
        Self { source, metainfo, state, elsewhere: None, notes: Vec::new() }
    }
}

/// Reads a torrent.
pub(super) fn torrent(
    job: Job,
    more: &Torrents,
    keep_names: bool,
) -> Result<Imported, ImportError> {
    let known = match job {
        Job::Fastresume { path, queue } => fastresume(path, queue)?,
        #[cfg(feature = "store")]
        Job::Row { database, row } => database_row(&database, &row)?,
        Job::Transmission { torrent, resume } => transmission(&torrent, resume)?,
        Job::RTorrent { torrent } => rtorrent(torrent)?,
        Job::Deluge { list, kept, resume } => deluge(list, *kept, resume, more)?,
        Job::Aria2Listed { list, entry } => aria2_listed(list, &entry)?,
        Job::Aria2Control { control } => aria2_control(control, more)?,
    };
    finish(known, keep_names)
}

fn bytes(path: &Path) -> Result<Vec<u8>, ImportError> {
    read(path).map_err(|e| ImportError::new(path, "", without(path, &e.to_string())))
}

fn metainfo(path: &Path) -> Result<Metainfo, ImportError> {
    Metainfo::load(path).map_err(|e| ImportError::new(path, "", without(path, &e.to_string())))
}

/// The path is said by the error already.
fn without(path: &Path, message: &str) -> String {
    let shown = format!("{}: ", path.display());
    message.strip_prefix(&shown).unwrap_or(message).to_owned()
}

fn at(path: &Path) -> impl Fn(ClientError) -> ImportError + '_ {
    |error| ImportError::new(path, error.field, error.what)
}

fn fastresume(path: PathBuf, queue: Option<u64>) -> Result<Known, ImportError> {
    let mut state = qbittorrent::fastresume(&bytes(&path)?).map_err(at(&path))?;
    state.labels.queue = queue.or(state.labels.queue);
    // A torrent whose metadata has come only now is in the resume data alone.
    let file = path.with_extension("torrent");
    let metainfo = match &state.resume.info {
        Some(_) if !file.is_file() => embedded(&path, &state.resume)?,
        _ => metainfo(&file)?,
    };
    // Portable installations write paths relative to their profile, two directories up.
    let profile = path.ancestors().nth(3).map(Path::to_path_buf);
    Ok(Known::new(path, metainfo, anchored(state, profile)))
}

fn embedded(path: &Path, resume: &Resume) -> Result<Metainfo, ImportError> {
    let file = crate::engine::formats::from_resume(resume);
    file.map(Metainfo).map_err(|e| ImportError::new(path, "info", e.to_string()))
}

#[cfg(feature = "store")]
fn database_row(database: &Path, row: &qbittorrent::Row) -> Result<Known, ImportError> {
    let of = |error: ClientError| {
        ImportError::new(database, format!("torrent {} {}", row.id, error.field), error.what)
    };
    let state = qbittorrent::row(row).map_err(of)?;
    let metainfo = match &state.resume.info {
        Some(_) if row.metadata.is_empty() => embedded(database, &state.resume)?,
        _ => Metainfo::parse(&row.metadata)
            .map_err(|e| of(ClientError::new("metadata", e.to_string())))?,
    };
    let profile = database.ancestors().nth(2).map(Path::to_path_buf);
    Ok(Known::new(database.into(), metainfo, anchored(state, profile)))
}

/// Makes a relative place absolute; none at all stays none.
fn anchored(mut state: ClientState, base: Option<PathBuf>) -> ClientState {
    let given = !matches!(&state.place, Place::Under(dir) if dir.is_empty());
    if let (Place::Under(dir), Some(base), true) = (&mut state.place, base, given) {
        let joined = base.join(path_from_bytes(dir));
        *dir = joined.as_os_str().as_encoded_bytes().to_vec();
    }
    state
}

fn transmission(torrent: &Path, resume: Option<PathBuf>) -> Result<Known, ImportError> {
    let metainfo = metainfo(torrent)?;
    let Some(resume) = resume else {
        return Err(ImportError::new(
            torrent,
            "",
            "there is no .resume file that says where it is",
        ));
    };
    let raw = bytes(&resume)?;
    let state = transmission::resume(&raw, metainfo.name_raw()).map_err(at(&resume))?;
    let mut known = Known::new(resume, metainfo, state);
    known.elsewhere = transmission::incomplete_dir(&raw);
    Ok(known)
}

fn rtorrent(torrent: PathBuf) -> Result<Known, ImportError> {
    let raw = bytes(&torrent)?;
    let metainfo =
        Metainfo::parse(&raw).map_err(|e| ImportError::new(&torrent, "", e.to_string()))?;
    let beside = |ending: &str| {
        let path = with_ending(&torrent, ending);
        if path.is_file() { bytes(&path).map(Some) } else { Ok(None) }
    };
    let (resume, state) = (beside(".libtorrent_resume")?, beside(".rtorrent")?);
    let state =
        rtorrent::session(&raw, resume.as_deref(), state.as_deref()).map_err(at(&torrent))?;
    Ok(Known::new(torrent, metainfo, state))
}

fn deluge(
    list: PathBuf,
    kept: Result<Kept, ClientError>,
    resume: Option<Vec<u8>>,
    more: &Torrents,
) -> Result<Known, ImportError> {
    let Kept { info_hash, mut state } = kept.map_err(at(&list))?;
    let own = list.with_file_name(format!("{info_hash}.torrent"));
    let file = if own.is_file() { &own } else { more.find(&info_hash).unwrap_or(&own) };
    let metainfo = metainfo(file)?;
    let mut notes = Vec::new();
    match resume.map(|raw| Resume::parse(&raw)) {
        Some(Ok(resume)) if resume.info_hash == info_hash => state = deluge::join(state, resume),
        Some(Ok(_)) => notes.push("its resume data is of another torrent".into()),
        Some(Err(error)) => notes.push(format!("its resume data: {error}")),
        None => notes.push("there is no resume data".into()),
    }
    let mut known = Known::new(list, metainfo, state);
    known.notes = notes;
    Ok(known)
}

fn aria2_listed(list: PathBuf, entry: &aria2::Listed) -> Result<Known, ImportError> {
    let file = list.parent().unwrap_or_else(|| Path::new("")).join(&entry.torrent);
    let metainfo = metainfo(&file)?;
    let dir = entry.option("dir").map(PathBuf::from);
    let dir = dir.filter(|dir| dir.is_absolute()).ok_or_else(|| {
        ImportError::new(&list, format!("{} dir", entry.torrent), "not an absolute path")
    })?;
    let mut resume = entry.settings(metainfo.files().len());
    for (index, path) in entry.renamed() {
        let index = FileIndex(index).idx();
        if index < metainfo.files().len() {
            if resume.mapped_files.len() <= index {
                resume.mapped_files.resize(index + 1, String::new());
            }
            if let Some(slot) = resume.mapped_files.get_mut(index) {
                *slot = path;
            }
        }
    }
    // Named after the torrent, or after its only file's new name.
    let name = if metainfo.is_multi_file() { None } else { resume.mapped_files.first() };
    let name = name.filter(|name| !name.is_empty()).cloned();
    let name = name.unwrap_or_else(|| String::from_utf8_lossy(metainfo.name_raw()).into_owned());
    let control = dir.join(format!("{name}.aria2"));
    let (mut claims, mut notes) = (Claims::Unknown, Vec::new());
    if control.is_file() {
        let read = aria2::control(&bytes(&control)?).map_err(at(&control))?;
        fits(&read, &metainfo, &control)?;
        resume.total_uploaded = read.uploaded;
        claims = read.claims;
    } else {
        notes.push("there is no control file: it is complete, or was never started".into());
    }
    let mut known = Known::new(list, metainfo, aria2_state(&dir, resume, claims));
    known.notes = notes;
    Ok(known)
}

fn aria2_control(control: PathBuf, more: &Torrents) -> Result<Known, ImportError> {
    let read = aria2::control(&bytes(&control)?).map_err(at(&control))?;
    let dir = control.parent().unwrap_or_else(|| Path::new("")).to_path_buf();
    let mut beside = Torrents::default();
    let found = more.find(&read.info_hash).or_else(|| {
        // Best effort: the directory was listed a moment ago.
        let _ = beside.add(&dir);
        beside.find(&read.info_hash)
    });
    let Some(file) = found else {
        let text = format!("no .torrent file of {} is known; say where they are", read.info_hash);
        return Err(ImportError::new(&control, "info hash", text));
    };
    let metainfo = metainfo(file)?;
    fits(&read, &metainfo, &control)?;
    let resume = Resume { total_uploaded: read.uploaded, ..Resume::default() };
    Ok(Known::new(control, metainfo, aria2_state(&dir, resume, read.claims)))
}

fn aria2_state(dir: &Path, resume: Resume, claims: Claims) -> ClientState {
    ClientState {
        resume,
        place: Place::Under(dir.as_os_str().as_encoded_bytes().to_vec()),
        claims,
        labels: Labels { client: "aria2".into(), ..Labels::default() },
        endings: &[],
    }
}

fn fits(read: &aria2::Control, metainfo: &Metainfo, control: &Path) -> Result<(), ImportError> {
    let wrong = |field: &str| Err(ImportError::new(control, field, "not that of the torrent"));
    if read.info_hash != metainfo.info_hash() {
        return wrong("info hash");
    }
    if read.piece_length != metainfo.piece_length() {
        return wrong("piece length");
    }
    if read.total_length != metainfo.total_size() {
        return wrong("total length");
    }
    Ok(())
}

/// Looks at the files and settles what is believed.
fn finish(known: Known, keep_names: bool) -> Result<Imported, ImportError> {
    let Known { source, metainfo, mut state, elsewhere, mut notes } = known;
    let info = metainfo.info();
    if state.resume.info_hash.0 != [0; 20] && state.resume.info_hash != info.info_hash {
        return Err(ImportError::new(&source, "info-hash", "not that of the .torrent file"));
    }
    let named_by = source.file_stem().and_then(|stem| hash_of(stem.as_encoded_bytes()));
    if named_by.is_some_and(|hash| hash != info.info_hash) {
        return Err(ImportError::new(&source, "", "its name is not the torrent's info-hash"));
    }
    let (mapped, endings) = (state.resume.mapped_files.clone(), state.endings);
    let mut found = locate(info, &state.place, &mapped, endings, keep_names);
    if let (Some(dir), Place::Named { name, .. }, false) = (elsewhere, &state.place, found.any()) {
        let place = Place::Named { dir, name: name.clone() };
        let other = locate(info, &place, &mapped, endings, keep_names);
        if other.any() {
            found = other;
        }
    }
    let Located { save_path, mapped, stats, renames } = found;
    if !save_path.is_absolute() {
        let text = format!("{} is not an absolute path", save_path.display());
        return Err(ImportError::new(&source, "save path", text));
    }
    if !save_path.is_dir() {
        let text = format!("{} is not there; is its disk mounted?", save_path.display());
        return Err(ImportError::new(&source, "save path", text));
    }
    state.resume.save_path = save_path.as_os_str().as_encoded_bytes().to_vec();
    state.resume.mapped_files = mapped;
    state.resume.file_priority.truncate(info.files.len());
    let paused = state.resume.paused && !state.resume.auto_managed;
    let labels = state.labels.clone();
    let unknown = matches!(state.claims, Claims::Unknown);
    let settled = settle(info, state, &stats);
    if unknown {
        notes.push("it does not say what is there: everything found will be hashed".into());
    } else if settled.check > 0 {
        notes.push(format!("{} pieces are not certain and will be hashed", settled.check));
    }
    Ok(Imported {
        source,
        save_path,
        resume: settled.resume.encode(info.piece_count()),
        labels,
        paused,
        restored: settled.restored,
        check: settled.check,
        partial: settled.partial,
        renames,
        notes,
        metainfo,
    })
}

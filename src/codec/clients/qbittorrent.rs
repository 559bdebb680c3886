//! qBittorrent's resume data: libtorrent's, with keys of its own in the same dictionary.
//!
//! The same dictionary is a file in `BT_backup` or a column of `torrents.db`, whose other columns
//! have the values of those keys. Its own keys stay in the blob as they are, like all that we do
//! not know, and [`write`] starts from them.
//!
//! Deliberately absent: categories and their paths (kept elsewhere, for all torrents), TLS
//! torrents.

use super::super::bencode::{Document, Encoder, Limits, Value};
use super::super::metainfo::Info;
use super::super::resume::Resume;
use super::{Claims, ClientError, ClientState, Labels, Place, text};
use crate::base::limits;

/// What it calls normal, and libtorrent calls low.
const NORMAL: u8 = 1;

/// A row of `torrents.db`, as far as it does not repeat the blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The info-hash in hex.
    pub id: String,
    /// `.torrent` without what changes.
    pub metadata: Vec<u8>,
    /// Resume data.
    pub resume: Vec<u8>,
    /// Labels and limits.
    pub labels: Labels,
    /// Stopped by the user.
    pub stopped: bool,
    /// Not left to the queue.
    pub forced: bool,
}

/// Reads a `.fastresume` file.
///
/// # Errors
/// When it is not libtorrent's resume data of a version 1 torrent.
pub fn fastresume(data: &[u8]) -> Result<ClientState, ClientError> {
    let resume = Resume::parse(data)?;
    let labels = labels(&resume);
    Ok(state(resume, labels))
}

/// Reads a row of the database.
///
/// # Errors
/// As [`fastresume`].
pub fn row(row: &Row) -> Result<ClientState, ClientError> {
    let mut resume = Resume::parse(&row.resume)
        .map_err(ClientError::from)
        .map_err(|e| ClientError::new(format!("libtorrent_resume_data {}", e.field), e.what))?;
    resume.paused = row.stopped;
    resume.auto_managed = !row.stopped && !row.forced;
    Ok(state(resume, row.labels.clone()))
}

fn state(mut resume: Resume, labels: Labels) -> ClientState {
    // A torrent of ours that was exported and not touched since has our priorities.
    if resume.tern.is_none() {
        resume.file_priority.iter_mut().filter(|p| **p == NORMAL).for_each(|p| *p = 4);
        // It sets those of the pieces by those of the files.
        resume.piece_priority = Vec::new();
    }
    if resume.file_priority.iter().all(|p| *p == 4) {
        resume.file_priority = Vec::new();
    }
    let place = Place::Under(resume.save_path.clone());
    ClientState { resume, place, claims: Claims::Resume, labels, endings: &[".!qB"] }
}

/// Its own keys as labels.
fn labels(resume: &Resume) -> Labels {
    let known = Labels::of(resume);
    let number = |key: &str| with(resume, key, |v| v.as_int()).flatten();
    let word = |key: &str| with(resume, key, |v| v.as_bytes().map(text)).flatten();
    let limit = |key: &str| number(key).and_then(|n| u64::try_from(n).ok());
    let tags = with(resume, "qBt-tags", |v| {
        v.as_list().map(|l| l.filter_map(|tag| tag.as_bytes().map(text)).collect::<Vec<_>>())
    });
    Labels {
        client: "qbittorrent".into(),
        category: word("qBt-category").unwrap_or(known.category),
        tags: tags.flatten().unwrap_or(known.tags),
        name: word("qBt-name").unwrap_or(known.name),
        ratio_limit: limit("qBt-ratioLimit").or(known.ratio_limit),
        seeding_minutes: limit("qBt-seedingTimeLimit").or(known.seeding_minutes),
        idle_minutes: limit("qBt-inactiveSeedingTimeLimit").or(known.idle_minutes),
        queue: known.queue,
    }
}

/// What `read` makes of a key we do not know.
fn with<T>(resume: &Resume, key: &str, read: impl FnOnce(Value<'_, '_>) -> T) -> Option<T> {
    let (_, raw) = resume.unknown.iter().find(|(name, _)| name == key.as_bytes())?;
    let limits = Limits::with_bytes(limits::RESUME_BYTES);
    Document::parse_with(raw, limits).ok().map(|document| read(document.root()))
}

/// Reads the `queue` file: info-hashes in hex, first in queue first.
#[must_use]
pub fn queue(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim().to_ascii_lowercase()).filter(|l| l.len() == 40).collect()
}

/// A `.fastresume` file for a torrent of ours with which qBittorrent goes on without a check.
#[must_use]
pub fn write(resume: &Resume, info: &Info) -> Vec<u8> {
    let count = info.piece_count();
    let mut out = resume.clone();
    let labels = Labels::of(resume);
    // It keeps the torrent in a file of its own.
    out.info = None;
    out.auto_managed = !resume.paused;
    let normal = |p: &u8| match p {
        0 => 0,
        1..=4 => NORMAL,
        5 | 6 => 6,
        _ => 7,
    };
    let mut files: Vec<u8> =
        resume.file_priority.iter().take(info.files.len()).map(normal).collect();
    files.resize(info.files.len(), NORMAL);
    out.file_priority = files;
    out.piece_priority = Vec::new();
    let have = resume.have(count);
    let done = have.as_ref().is_some_and(|(have, _)| have.all());
    let mut own: Vec<(&str, Vec<u8>)> = vec![
        ("qBt-category", bytes(&labels.category)),
        ("qBt-contentLayout", bytes("Original")),
        ("qBt-firstLastPiecePriority", int(0)),
        ("qBt-inactiveSeedingTimeLimit", limit(labels.idle_minutes, -2)),
        ("qBt-name", bytes(&labels.name)),
        ("qBt-ratioLimit", limit(labels.ratio_limit, -2000)),
        ("qBt-savePath", bytes_of(&resume.save_path)),
        ("qBt-seedStatus", int(i64::from(done))),
        ("qBt-seedingTimeLimit", limit(labels.seeding_minutes, -2)),
        ("qBt-stopCondition", bytes("None")),
    ];
    let mut tags = Encoder::new();
    tags.list(|l| labels.tags.iter().for_each(|tag| l.bytes(tag.as_bytes())));
    own.push(("qBt-tags", tags.finish()));
    // Where the content is has moved with us; a place for what is incomplete has no meaning here.
    let gone = ["qBt-savePath", "qBt-downloadPath", "qBt-seedStatus"];
    out.unknown.retain(|(key, _)| !gone.iter().any(|gone| key == gone.as_bytes()));
    for (key, value) in own {
        let kept = out.unknown.iter().any(|(known, _)| known == key.as_bytes());
        if !kept {
            out.unknown.push((key.as_bytes().to_vec(), value));
        }
    }
    out.encode(count)
}

fn int(value: i64) -> Vec<u8> {
    let mut out = Encoder::new();
    out.int(value);
    out.finish()
}

fn limit(value: Option<u64>, unset: i64) -> Vec<u8> {
    int(value.map_or(unset, |value| i64::try_from(value).unwrap_or(i64::MAX)))
}

fn bytes(value: &str) -> Vec<u8> {
    bytes_of(value.as_bytes())
}

fn bytes_of(value: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.bytes(value);
    out.finish()
}

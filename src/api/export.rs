//! Handing torrents over to qBittorrent: a `BT_backup` folder with which it goes on without a
//! check.
//!
//! The state has to be of a session that was closed. Pieces that were not certain are given as
//! missing. Deliberately absent: the profile around the folder, other clients' formats
//! (qBittorrent's are read by most of them).

use std::collections::BTreeSet;
use std::path::Path;

use super::import::{Labels, Stored, write_file};
use crate::codec::clients::qbittorrent;
use crate::codec::resume::Resume;
use crate::engine::error::{Error, ErrorKind};
use crate::engine::formats;

/// Writes torrents into a `BT_backup` folder, which is made when it is missing, and appends those
/// that have a place in a queue to its `queue`. Torrents that are there already are left alone
/// unless `replace`; how many were written.
///
/// # Errors
/// `Duplicate` before anything is written, `Resume` when a blob is not valid, `Io`.
pub fn export_qbittorrent(
    folder: impl AsRef<Path>,
    torrents: &[Stored],
    replace: bool,
) -> Result<usize, Error> {
    let folder = folder.as_ref();
    let io = |e: std::io::Error| Error::io(&e, folder);
    std::fs::create_dir_all(folder).map_err(io)?;
    let path = |torrent: &Stored, ending: &str| {
        folder.join(format!("{}.{ending}", torrent.metainfo.info_hash()))
    };
    let there = torrents.iter().find(|torrent| path(torrent, "fastresume").exists());
    if let Some(torrent) = there.filter(|_| !replace) {
        let text = format!("{} is there already", path(torrent, "fastresume").display());
        return Err(Error::new(ErrorKind::Duplicate, text));
    }
    let mut queued = Vec::new();
    for torrent in torrents {
        let (blob, queue) = fastresume(torrent)?;
        // The torrent first: resume data without it would be taken for a damaged one.
        write_file(&path(torrent, "torrent"), torrent.metainfo.bytes())?;
        write_file(&path(torrent, "fastresume"), &blob)?;
        queued.extend(queue.map(|place| (place, torrent.metainfo.info_hash().to_string())));
    }
    if !queued.is_empty() {
        queue(folder, queued)?;
    }
    Ok(torrents.len())
}

fn fastresume(torrent: &Stored) -> Result<(Vec<u8>, Option<u64>), Error> {
    let mut resume = Resume::parse(&torrent.resume).map_err(formats::resume_error)?;
    // Its reader does not look into the torrent file for what is not here.
    let trackers = || torrent.metainfo.trackers().to_vec().into();
    resume.trackers.get_or_insert_with(trackers);
    resume.url_list.get_or_insert_with(|| torrent.metainfo.web_seeds().to_vec());
    Ok((qbittorrent::write(&resume, torrent.metainfo.info()), Labels::of(&resume).queue))
}

/// Appends to the queue what is not in it.
fn queue(folder: &Path, mut queued: Vec<(u64, String)>) -> Result<(), Error> {
    let path = folder.join("queue");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = qbittorrent::queue(&before);
    let known: BTreeSet<String> = lines.iter().cloned().collect();
    queued.sort();
    lines.extend(queued.into_iter().map(|(_, id)| id).filter(|id| !known.contains(id)));
    write_file(&path, format!("{}\n", lines.join("\n")).as_bytes())
}

//! `tern create`: a `.torrent` file from a file or directory.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use tern::api::{self, Metainfo, TorrentBuilder};

use crate::args::{Create, INTERRUPTED, OK};
use crate::report::{Progress, Reporter};
use crate::{Failure, signals, units};

/// Runs the command.
pub(crate) fn run(create: &Create, reporter: &mut Reporter) -> Result<u8, Failure> {
    let output = output(create)?;
    if output.exists() && !create.force {
        return Err(Failure::about(output.display(), "exists; --force replaces it"));
    }
    let mut builder = builder(create)?;
    let started = Instant::now();
    let made = builder.run(|at| {
        reporter.progress(&hashing(at, started));
        !signals::stop_requested()
    });
    let bytes = match made {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == api::ErrorKind::Cancelled => {
            reporter.result("interrupted", json!({ "status": "interrupted" }));
            return Ok(INTERRUPTED);
        }
        Err(e) => return Err(e.into()),
    };
    let torrent = Metainfo::parse(&bytes)?;
    write(&output, &bytes, create.force).map_err(|e| Failure::about(output.display(), e))?;
    let size = torrent.total_size();
    let text = format!(
        "{}: {} files, {} in {} pieces of {}\ninfo-hash {}",
        output.display(),
        torrent.files().len(),
        units::bytes(size),
        torrent.piece_count(),
        units::bytes(torrent.piece_length().into()),
        torrent.info_hash(),
    );
    let fields = json!({
        "status": "complete",
        "path": output.to_string_lossy(),
        "info_hash": torrent.info_hash().to_string(),
        "size": size,
        "pieces": torrent.piece_count(),
        "piece_length": torrent.piece_length(),
    });
    reporter.result(&text, fields);
    Ok(OK)
}

/// A moment of hashing, with its rate so far.
pub(crate) fn hashing(at: api::Progress, started: Instant) -> Progress {
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    Progress {
        phase: "hashing",
        done: at.done,
        total: at.total,
        down_rate: at.done.saturating_mul(1000) / ms,
        ..Progress::default()
    }
}

fn builder(create: &Create) -> Result<TorrentBuilder, Failure> {
    let mut builder = TorrentBuilder::new(&create.path);
    let length = create.piece_length.map(u32::try_from).transpose();
    let length = length.map_err(|_| Failure::new("the piece length is too large"))?;
    builder.set_piece_length(length)?;
    builder.set_private(create.private);
    for (tier, urls) in create.trackers.iter().enumerate() {
        let tier = u32::try_from(tier).unwrap_or(u32::MAX);
        for url in urls.split(',').map(str::trim).filter(|u| !u.is_empty()) {
            builder.add_tracker(tier, url);
        }
    }
    for url in &create.web_seeds {
        builder.add_web_seed(url);
    }
    if let Some(comment) = &create.comment {
        builder.set_comment(comment);
    }
    if let Some(source) = &create.source {
        builder.set_source(source);
    }
    builder.set_threads(create.threads.unwrap_or(0)).set_hash_path(&create.hash_path)?;
    if create.no_date {
        builder.set_creation_date(0);
    }
    Ok(builder)
}

/// Where the `.torrent` file goes: as given, or named after the content, here.
fn output(create: &Create) -> Result<PathBuf, Failure> {
    if let Some(output) = &create.output {
        return Ok(output.clone());
    }
    let real = create.path.canonicalize().map_err(|e| Failure::about(create.path.display(), e))?;
    let name = real.file_name().ok_or_else(|| Failure::new("give the output file with -o"))?;
    let mut name = name.to_os_string();
    name.push(".torrent");
    Ok(name.into())
}

/// Writes a new file whole or not at all; replaces an old one only if told to.
fn write(path: &Path, bytes: &[u8], replace: bool) -> std::io::Result<()> {
    let mut temp = path.as_os_str().to_os_string();
    temp.push(format!(".{}.tmp", std::process::id()));
    let temp = PathBuf::from(temp);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temp)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if replace {
            return std::fs::rename(&temp, path);
        }
        // Unlike a rename, a link never replaces what somebody else put there meanwhile.
        match std::fs::hard_link(&temp, path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(e),
            Err(_) => std::fs::rename(&temp, path),
            Ok(()) => std::fs::remove_file(&temp),
        }
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&temp);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_replaced_unasked_and_nothing_is_left_over() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("a.torrent");
        write(&path, b"one", false).expect("new");
        assert!(write(&path, b"two", false).is_err());
        assert_eq!(std::fs::read(&path).expect("read"), b"one");
        write(&path, b"two", true).expect("replaced");
        assert_eq!(std::fs::read(&path).expect("read"), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).expect("listed").count(), 1);
    }
}

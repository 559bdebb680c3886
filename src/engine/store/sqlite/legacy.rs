//! State of libtern 0.1, which kept a file `INFOHASH.resume` for each torrent: taken over once.
//!
//! What the database knows already is newer and stays. The files go when the database is on disk
//! with what they said; `INFOHASH.torrent` files stay, since `tern import` tells people of them.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::row;
use crate::base::limits::{METAINFO_BYTES, RESUME_BYTES};
use crate::codec::clients::hash_of;
use crate::engine::store::{Change, Save};

/// Enters what is in files; these files.
pub(super) fn take_over(db: &mut Connection, dir: &Path) -> rusqlite::Result<Vec<PathBuf>> {
    let mut taken = Vec::new();
    let transaction = db.transaction()?;
    for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|ending| ending != "resume") {
            continue;
        }
        let Some(info_hash) = path.file_stem().and_then(|s| hash_of(s.as_encoded_bytes())) else {
            continue;
        };
        let Some(blob) = read(&path, RESUME_BYTES) else { continue };
        if row::torrent_by_hash(&transaction, &info_hash)?.is_none() {
            let metainfo = read(&path.with_extension("torrent"), METAINFO_BYTES);
            let (blob, metainfo) = (Some(blob.into()), metainfo.map(Into::into));
            // A torrent file is there when somebody imported it: it is to be restored.
            let rank = metainfo.as_ref().map(|_| 0);
            let save = Save { info_hash, blob, metainfo, rank, ..Save::default() };
            row::apply(&transaction, &Change::Save(save))?;
        }
        taken.push(path);
    }
    transaction.commit()?;
    Ok(taken)
}

fn read(path: &Path, limit: usize) -> Option<Vec<u8>> {
    let size = std::fs::metadata(path).ok()?.len();
    (size <= u64::try_from(limit).ok()?).then(|| std::fs::read(path).ok())?
}

/// Deletes files that were taken over.
pub(super) fn forget(taken: &[PathBuf]) {
    // One that stays is looked at again the next time, and known by then.
    taken.iter().for_each(|path| _ = std::fs::remove_file(path));
}

//! One file per torrent: the store of builds without SQLite. It has no window and no order.
//!
//! `INFOHASH.resume` has the blob, `INFOHASH.torrent` the metainfo; both are replaced atomically.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{Change, Save, Store, Stored};
use crate::base::InfoHash;
use crate::base::limits::{METAINFO_BYTES, RESUME_BYTES};
use crate::codec::clients::hash_of;
use crate::engine::error::{Error, ErrorKind};

/// One file per torrent, `INFOHASH.resume`, replaced atomically.
#[derive(Debug)]
pub struct FileStore {
    dir: PathBuf,
}

impl FileStore {
    /// Keeps files in `dir`, which is created when missing.
    pub fn new(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.into() })
    }

    fn path(&self, info_hash: &InfoHash, ending: &str) -> PathBuf {
        self.dir.join(format!("{info_hash}.{ending}"))
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::io(error, &self.dir)
    }

    /// A rename is durable when its directory is.
    fn sync_dir(&self) -> io::Result<()> {
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(())
    }

    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let temp = path.with_extension("tmp");
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).open(&temp)?;
            file.write_all(data)?;
            file.sync_all()?;
            drop(file);
            fs::rename(&temp, path)?;
            self.sync_dir()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temp);
        }
        written
    }

    fn save(&self, save: &Save) -> io::Result<()> {
        if let Some(metainfo) = &save.metainfo {
            self.replace(&self.path(&save.info_hash, "torrent"), metainfo)?;
        }
        match &save.blob {
            Some(blob) => self.replace(&self.path(&save.info_hash, "resume"), blob),
            None => Ok(()),
        }
    }

    fn remove(&self, info_hash: &InfoHash) -> io::Result<()> {
        for ending in ["resume", "torrent"] {
            match fs::remove_file(self.path(info_hash, ending)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.sync_dir()
    }
}

/// A file's bytes, `None` when there is none.
fn read(path: &Path, limit: usize) -> io::Result<Option<Bytes>> {
    match fs::metadata(path) {
        Ok(meta) if meta.len() > u64::try_from(limit).unwrap_or(u64::MAX) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "file too large"))
        }
        Ok(_) => fs::read(path).map(|bytes| Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Store for FileStore {
    fn has_window(&self) -> bool {
        false
    }

    fn load(&self, info_hash: &InfoHash) -> Result<Option<Stored>, Error> {
        let get = |ending: &str, limit| {
            let path = self.path(info_hash, ending);
            read(&path, limit).map_err(|e| Error::io(&e, path))
        };
        let (blob, metainfo) = (get("resume", RESUME_BYTES)?, get("torrent", METAINFO_BYTES)?);
        if blob.is_none() && metainfo.is_none() {
            return Ok(None);
        }
        Ok(Some(Stored { info_hash: *info_hash, blob, metainfo, ..Stored::default() }))
    }

    fn load_all(&self, each: &mut dyn FnMut(Stored) -> ControlFlow<()>) -> Result<(), Error> {
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(|e| self.failed(&e))? {
            let path = entry.map_err(|e| self.failed(&e))?.path();
            let ours = path.extension().is_some_and(|e| e == "resume" || e == "torrent");
            if ours {
                hashes.extend(path.file_stem().and_then(|stem| hash_of(stem.as_encoded_bytes())));
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        for hash in hashes {
            let found = self.load(&hash).unwrap_or_else(|error| {
                let damage = Some(error.to_string());
                Some(Stored { info_hash: hash, damage, ..Stored::default() })
            });
            if found.is_some_and(|found| each(found).is_break()) {
                break;
            }
        }
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Vec<Result<(), Error>> {
        let one = |change: &Change| match change {
            Change::Save(save) => self.save(save).map_err(|e| self.failed(&e)),
            Change::Remove(info_hash) => self.remove(info_hash).map_err(|e| self.failed(&e)),
            Change::Rank(..) => Ok(()),
            Change::Journal { .. } | Change::State(..) => Err(ErrorKind::Unsupported.into()),
        };
        changes.iter().map(one).collect()
    }

    fn state(&self, _name: &str) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(store: &FileStore, info_hash: InfoHash, blob: &'static [u8]) -> Result<(), Error> {
        let blob = Some(Bytes::from_static(blob));
        let change = Change::Save(Save { info_hash, blob, ..Save::default() });
        store.commit(&[change]).remove(0)
    }

    fn blob(store: &FileStore, info_hash: InfoHash) -> Option<Bytes> {
        store.load(&info_hash).unwrap().and_then(|stored| stored.blob)
    }

    #[test]
    fn what_was_saved_last_is_loaded_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(&dir.path().join("a/b")).unwrap();
        let hash = InfoHash([0xab; 20]);
        assert!(store.load(&hash).unwrap().is_none());
        save(&store, hash, b"one").unwrap();
        save(&store, hash, b"two").unwrap();
        assert_eq!(blob(&store, hash).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
        for _ in 0..2 {
            store.commit(&[Change::Remove(hash)]).remove(0).unwrap();
        }
        assert!(store.load(&hash).unwrap().is_none());
    }

    #[test]
    fn a_save_that_cannot_be_written_leaves_the_old_data() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path()).unwrap();
        let hash = InfoHash([1; 20]);
        save(&store, hash, b"old").unwrap();
        // A directory in the temporary file's place.
        fs::create_dir(dir.path().join(format!("{hash}.tmp"))).unwrap();
        assert!(save(&store, hash, b"new").is_err());
        assert_eq!(blob(&store, hash).unwrap(), "old");
    }
}

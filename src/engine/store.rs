//! Where resume data of torrents without a save hook is kept: a trait, and one file per torrent.
//!
//! Deliberately absent: what is in the data.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::base::InfoHash;
use crate::base::limits::RESUME_BYTES;

/// Keeps resume data by info-hash. Called on one thread at a time; may block.
pub trait Store: Send + Sync {
    /// The data last saved, `None` when there is none.
    fn load(&self, info_hash: &InfoHash) -> io::Result<Option<Vec<u8>>>;
    /// Replaces the data; when it returns `Ok`, the data survives a loss of power.
    fn save(&self, info_hash: &InfoHash, data: &[u8]) -> io::Result<()>;
    /// Forgets the data; fine when there is none.
    fn remove(&self, info_hash: &InfoHash) -> io::Result<()>;
}

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

    fn path(&self, info_hash: &InfoHash) -> PathBuf {
        self.dir.join(format!("{info_hash}.resume"))
    }

    /// A rename is durable when its directory is.
    fn sync_dir(&self) -> io::Result<()> {
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(())
    }
}

impl Store for FileStore {
    fn load(&self, info_hash: &InfoHash) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(info_hash);
        match fs::metadata(&path) {
            Ok(meta) if meta.len() > u64::try_from(RESUME_BYTES).unwrap_or(u64::MAX) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "resume file too large"))
            }
            Ok(_) => fs::read(&path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save(&self, info_hash: &InfoHash, data: &[u8]) -> io::Result<()> {
        let (path, temp) = (self.path(info_hash), self.dir.join(format!("{info_hash}.tmp")));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).open(&temp)?;
            file.write_all(data)?;
            file.sync_all()?;
            drop(file);
            fs::rename(&temp, &path)?;
            self.sync_dir()
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temp);
        }
        written
    }

    fn remove(&self, info_hash: &InfoHash) -> io::Result<()> {
        match fs::remove_file(self.path(info_hash)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Err(_) => Ok(()),
            Ok(()) => self.sync_dir(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_last_is_loaded_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(&dir.path().join("a/b")).unwrap();
        let hash = InfoHash([0xab; 20]);
        assert!(store.load(&hash).unwrap().is_none());
        store.save(&hash, b"one").unwrap();
        store.save(&hash, b"two").unwrap();
        assert_eq!(store.load(&hash).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
        store.remove(&hash).unwrap();
        store.remove(&hash).unwrap();
        assert!(store.load(&hash).unwrap().is_none());
    }

    #[test]
    fn a_save_that_cannot_be_written_leaves_the_old_data() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path()).unwrap();
        let hash = InfoHash([1; 20]);
        store.save(&hash, b"old").unwrap();
        // A directory in the temporary file's place.
        fs::create_dir(dir.path().join(format!("{hash}.tmp"))).unwrap();
        assert!(store.save(&hash, b"new").is_err());
        assert_eq!(store.load(&hash).unwrap().unwrap(), b"old");
    }
}

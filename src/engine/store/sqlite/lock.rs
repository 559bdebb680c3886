//! One user per state directory, across processes and within one.
//!
//! The lock is a transaction, never ended, on an empty database of its own: SQLite's locks belong
//! to the process (unlike `flock`, a forked child does not inherit one and keep it after its
//! parent's death), go with it however it ends, and are known to SQLite within the process too
//! (unlike bare `fcntl`, two sessions of one process exclude each other). Apart from the database
//! proper, so that this can be replaced while the lock is held. Deliberately absent: waiting.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Held as long as it lives.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Connection,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum Refused {
    /// Somebody else has it.
    InUse,
    /// The file cannot be used.
    Failed(rusqlite::Error),
}

impl Lock {
    /// Takes the lock that `path` stands for.
    pub(super) fn take(path: &Path) -> Result<Self, Refused> {
        match Self::attempt(path) {
            Err(Refused::Failed(error)) if is_garbage(&error) => {
                // Nobody holds it, or that would have been the answer. Emptied, not replaced: two
                // who do this at once still meet at the same file.
                if let Ok(file) = std::fs::OpenOptions::new().write(true).open(path) {
                    let _ = file.set_len(0);
                }
                Self::attempt(path)
            }
            other => other,
        }
    }

    fn attempt(path: &Path) -> Result<Self, Refused> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let take = || {
            let db = Connection::open_with_flags(path, flags)?;
            db.busy_timeout(std::time::Duration::ZERO)?;
            db.pragma_update(None, "journal_mode", "MEMORY")?;
            db.execute_batch("BEGIN EXCLUSIVE")?;
            Ok(Self { _held: db })
        };
        take().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Refused::InUse,
            _ => Refused::Failed(error),
        })
    }
}

fn is_garbage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_again_after_it_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(Refused::InUse)));
        assert!(matches!(Lock::take(&path), Err(Refused::InUse)), "the attempt takes nothing away");
        drop(held);
        let held = Lock::take(&path).unwrap();
        drop(held);
        std::fs::write(&path, [7; 5000]).unwrap();
        let held = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(Refused::InUse)));
        drop(held);
        assert!(matches!(Lock::take(&dir.path().join("no/where")), Err(Refused::Failed(_))));
    }
}

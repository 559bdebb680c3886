//! The built-in store: one SQLite database, `tern.db`, in the state directory.
//!
//! A transaction appends to the log (WAL) and is synced when a change of it must survive a loss of
//! power; without that it survives the end of the process. Why the window is in the database too:
//! docs/adr/0018. A damaged database is set aside, what still reads is taken over ([`salvage`]),
//! and the store goes on. Deliberately absent: threads (`keeper` has the one that writes), mapped
//! memory, waiting for locks.

mod legacy;
mod lock;
mod row;
mod salvage;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rusqlite::{Connection, ErrorCode};

use self::lock::{Lock, Refused};
use self::schema::Foreign;
use super::{Change, DATABASE, Report, Save, Store, Stored};
use crate::base::InfoHash;
use crate::engine::error::{Error, ErrorKind};

/// What the lock hangs on.
const LOCK: &str = "tern.lock";
/// Torrents read at a time, so that who writes gets a turn in between.
const LOAD_BATCH: usize = 512;
/// Bytes read at a time, about.
const LOAD_BYTES: usize = 4 << 20;

/// State by info-hash in `tern.db`.
#[derive(Debug)]
pub struct SqliteStore {
    dir: PathBuf,
    inner: Mutex<Inner>,
    /// Torrents that may be there. So that looking for one that is not does not wait for a
    /// transaction: ten thousand that are added one by one would cost a sync each.
    known: RwLock<HashSet<InfoHash>>,
}

#[derive(Debug)]
struct Inner {
    /// `None` after a failure that only opening again can mend.
    db: Option<Db>,
    /// The disk failed a transaction, and the log has not been moved into the database since. What
    /// it has of earlier ones that were not synced may never get to the disk, for a system tells of
    /// a failed sync once and takes the pages for written; or is gone from the file already.
    /// Reading stops at such a gap, so nothing that must last may come behind it.
    doubtful: bool,
    /// `None` once closed.
    lock: Option<Lock>,
    reports: Vec<Report>,
}

#[derive(Debug)]
struct Db {
    connection: Connection,
    /// Whether a commit is synced, as the connection is set now.
    synced: bool,
    /// The disk failed a transaction.
    failed: bool,
}

impl SqliteStore {
    /// Opens the store of this directory, which is made when it is missing. Resume files of
    /// libtern 0.1 are taken over.
    ///
    /// # Errors
    /// `InUse` when another session or process has it; `Store` when the database is another
    /// program's or of a newer libtern; `Io`. Damage is no error: see [`Store::take_reports`].
    pub fn open(dir: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(dir).map_err(|e| Error::io(&e, dir))?;
        let lock = Lock::take(&dir.join(LOCK)).map_err(|refused| match refused {
            Refused::InUse => in_use(dir),
            Refused::Failed(error) => failed(dir, &error),
        })?;
        let mut inner = Inner { db: None, doubtful: false, lock: Some(lock), reports: Vec::new() };
        inner.open(dir)?;
        let taken = inner.with(dir, |db| legacy::take_over(&mut db.connection, dir))?;
        legacy::forget(&taken);
        let known = inner.with(dir, |db| row::known(&db.connection))?;
        Ok(Self { dir: dir.into(), inner: Mutex::new(inner), known: RwLock::new(known) })
    }

    /// Notes the torrents of changes that are about to be made, or are `done`: only then is one
    /// forgotten. A name too many costs a look at the database, one too few would be a lie.
    fn note(&self, changes: &[Change], done: bool) {
        let mut known = self.known.write();
        for change in changes {
            match change {
                Change::Save(Save { info_hash, .. }) | Change::Journal { info_hash, .. } => {
                    known.insert(*info_hash);
                }
                Change::Remove(info_hash) if done => _ = known.remove(info_hash),
                Change::Remove(_) | Change::Rank(..) | Change::State(..) => {}
            }
        }
    }

    /// Runs `f` with the database; damage that shows is mended and `f` run again, once.
    fn with<T>(&self, f: impl FnMut(&mut Db) -> rusqlite::Result<T>) -> Result<T, Error> {
        self.inner.lock().with(&self.dir, f)
    }
}

impl Inner {
    /// The database, opened if need be.
    fn open(&mut self, dir: &Path) -> Result<&mut Db, Error> {
        if self.lock.is_none() {
            return Err(ErrorKind::Closed.into());
        }
        if self.db.as_ref().is_some_and(|db| db.failed) {
            self.doubtful = true;
            self.shut();
        }
        if self.db.is_none() {
            let mut opened = open_database(dir);
            if opened.as_ref().is_err_and(|refused| refused.is_damage()) {
                let reason = opened.err().map_or(String::new(), |refused| refused.text());
                self.reports.extend(salvage::replace(dir, reason).map_err(|e| failed(dir, &e))?);
                opened = open_database(dir);
            }
            self.db = Some(opened.map_err(|refused| refused.into_error(dir))?);
        }
        if self.doubtful {
            let moved = self.db.as_ref().map_or(Ok(()), Db::empty_log);
            moved.map_err(|error| {
                self.shut();
                failed(dir, &error)
            })?;
            self.doubtful = false;
        }
        self.db.as_mut().ok_or_else(|| ErrorKind::State.into())
    }

    /// Lets go of a database whose disk failed. Opened again it has of its log what the sums of
    /// the frames vouch for; this connection would go on taking the file for what it wrote.
    fn shut(&mut self) {
        if let Some(db) = self.db.take() {
            // Nor is the log to be moved into the database by the close.
            let _ = schema::keep_log(&db.connection, true);
        }
    }

    fn with<T>(
        &mut self,
        dir: &Path,
        mut f: impl FnMut(&mut Db) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        match f(self.open(dir)?) {
            Err(error) if is_damage(&error) => {
                self.db = None;
                let report = salvage::replace(dir, error.to_string());
                self.reports.extend(report.map_err(|e| failed(dir, &e))?);
                let again = f(self.open(dir)?);
                again.map_err(|error| failed(dir, &error))
            }
            other => other.map_err(|error| failed(dir, &error)),
        }
    }
}

/// Why the database could not be opened.
enum Unopened {
    Sqlite(rusqlite::Error),
    Foreign(Foreign),
    Io(io::Error),
}

impl Unopened {
    fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_damage(error))
    }

    fn text(&self) -> String {
        match self {
            Self::Sqlite(error) => error.to_string(),
            Self::Io(error) => error.to_string(),
            Self::Foreign(Foreign::OtherProgram(_)) => "it is another program's database".into(),
            Self::Foreign(Foreign::Newer(version)) => {
                format!("it is of a newer libtern (schema {version})")
            }
        }
    }

    fn into_error(self, dir: &Path) -> Error {
        match &self {
            Self::Sqlite(error) => failed(dir, error),
            Self::Io(error) => Error::io(error, dir),
            Self::Foreign(_) => {
                let path = dir.join(DATABASE);
                let text = format!("{}: {}", path.display(), self.text());
                Error::new(ErrorKind::Store, text).at(path)
            }
        }
    }
}

fn open_database(dir: &Path) -> Result<Db, Unopened> {
    salvage::finish(dir).map_err(Unopened::Io)?;
    let path = dir.join(DATABASE);
    if !path.exists() {
        salvage::make(dir).map_err(Unopened::Sqlite)?;
    }
    // A log that has something in it was not closed by its last user.
    let unclean = std::fs::metadata(log_of(&path)).is_ok_and(|log| log.len() > 0);
    schema::check_header(&path).map_err(Unopened::Sqlite)?;
    let mut connection = schema::connect(&path).map_err(Unopened::Sqlite)?;
    // Until it turns out to be in order and ours: what is not is left or set aside as it is.
    schema::keep_log(&connection, true).map_err(Unopened::Sqlite)?;
    let whose = schema::prepare(&mut connection, unclean).map_err(Unopened::Sqlite)?;
    whose.map_err(Unopened::Foreign)?;
    schema::keep_log(&connection, false).map_err(Unopened::Sqlite)?;
    Ok(Db { connection, synced: true, failed: false })
}

/// The log of a database, by SQLite's naming.
fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Makes names in a directory durable.
fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(dir)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = dir;
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether the fault is in what was to be stored, not in where.
fn is_of_change(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch)
    )
}

fn in_use(dir: &Path) -> Error {
    let text = format!("{}: another session or process uses this state directory", dir.display());
    Error::new(ErrorKind::InUse, text).at(dir)
}

fn failed(dir: &Path, error: &rusqlite::Error) -> Error {
    let at = |kind, what: &str| Error::new(kind, format!("{}: {what}", dir.display())).at(dir);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => in_use(dir),
        Some(ErrorCode::DiskFull) => at(ErrorKind::Io, "no space left").with_errno(libc::ENOSPC),
        Some(ErrorCode::ReadOnly) => at(ErrorKind::Io, "read-only").with_errno(libc::EROFS),
        Some(ErrorCode::SystemIoFailure) => {
            at(ErrorKind::Io, &error.to_string()).with_errno(libc::EIO)
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            at(ErrorKind::Io, &error.to_string()).with_errno(libc::EACCES)
        }
        _ => at(ErrorKind::Store, &error.to_string()),
    }
}

impl Db {
    /// Makes all changes or none.
    fn transact(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        let done = self.attempt(changes);
        let code = done.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
        self.failed |= code == Some(ErrorCode::SystemIoFailure);
        done
    }

    fn attempt(&mut self, changes: &[Change]) -> rusqlite::Result<()> {
        let synced = changes.iter().any(Change::is_durable);
        if synced != self.synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synced = synced;
        }
        let transaction = self.connection.transaction()?;
        changes.iter().try_for_each(|change| row::apply(&transaction, change))?;
        transaction.commit()
    }

    /// Moves all of the log into the database, synced, and begins it anew.
    fn empty_log(&self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// A torrent, of which only the window may be known.
    fn find(&self, info_hash: &InfoHash) -> rusqlite::Result<Option<Stored>> {
        let db = &self.connection;
        if let Some(found) = row::torrent_by_hash(db, info_hash)? {
            return row::whole(db, found, *info_hash).map(Some);
        }
        let blank = row::Checked::Good(row::Torrent {
            id: -1,
            info_hash: *info_hash,
            rank: None,
            metainfo: None,
            params: None,
        });
        let stored = row::whole(db, blank, *info_hash)?;
        let known = stored.mark > 0 || stored.damage.is_some();
        Ok(known.then_some(stored))
    }

    /// The first of these torrents, and how many were looked at.
    fn some(&self, ids: &[i64]) -> rusqlite::Result<(Vec<Stored>, usize)> {
        // One for all: beginning costs as much as reading a row. It ends with nothing changed.
        let db = &*self.connection.unchecked_transaction()?;
        let (mut out, mut bytes, mut looked) = (Vec::new(), 0, 0);
        for id in ids.iter().take(LOAD_BATCH) {
            looked += 1;
            let stored = match row::torrent_by_id(db, *id)? {
                Some(row::Checked::Good(torrent)) => {
                    let info_hash = torrent.info_hash;
                    row::whole(db, row::Checked::Good(torrent), info_hash)?
                }
                Some(row::Checked::Damaged) => {
                    let whose = row::hash_of(db, *id)?.unwrap_or_default();
                    row::whole(db, row::Checked::Damaged, whose)?
                }
                None => continue,
            };
            bytes += stored.blob.as_ref().map_or(0, Bytes::len);
            bytes += stored.metainfo.as_ref().map_or(0, Bytes::len);
            out.push(stored);
            if bytes > LOAD_BYTES {
                break;
            }
        }
        Ok((out, looked))
    }
}

impl Store for SqliteStore {
    fn has_window(&self) -> bool {
        true
    }

    fn load(&self, info_hash: &InfoHash) -> Result<Option<Stored>, Error> {
        if !self.known.read().contains(info_hash) {
            return Ok(None);
        }
        self.with(|db| db.find(info_hash))
    }

    fn load_all(&self, each: &mut dyn FnMut(Stored) -> ControlFlow<()>) -> Result<(), Error> {
        let ids = self.with(|db| row::order(&db.connection))?;
        let mut rest = ids.as_slice();
        // A repair in between keeps the order and changes the ids: then some may come twice or not
        // at all, and those that do not are found when they are added by hand.
        while !rest.is_empty() {
            let (found, looked) = self.with(|db| db.some(rest))?;
            rest = rest.get(looked..).unwrap_or_default();
            if found.into_iter().try_for_each(&mut *each).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn commit(&self, changes: &[Change]) -> Vec<Result<(), Error>> {
        let mut inner = self.inner.lock();
        self.note(changes, false);
        let mut of_change = false;
        let all = inner.with(&self.dir, |db| {
            let done = db.transact(changes);
            of_change = done.as_ref().is_err_and(is_of_change);
            done
        });
        match all {
            Err(_) if of_change && changes.len() > 1 => {
                // One of them is at fault: the others shall not suffer for it.
                let one = |change: &Change| {
                    inner.with(&self.dir, |db| db.transact(std::slice::from_ref(change)))
                };
                changes.iter().map(one).collect()
            }
            all => {
                if all.is_ok() {
                    self.note(changes, true);
                }
                vec![all; changes.len()]
            }
        }
    }

    fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.with(|db| row::session(&db.connection, name))
    }

    fn take_reports(&self) -> Vec<Report> {
        std::mem::take(&mut self.inner.lock().reports)
    }

    fn close(&self) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        // The database first: who gets the lock must find it closed.
        let closed = match inner.db.take() {
            Some(db) => db.connection.close().map_err(|(_, error)| failed(&self.dir, &error)),
            None => Ok(()),
        };
        inner.lock = None;
        closed
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

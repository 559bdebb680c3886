//! The tables, their versions, and how a connection is set up. Deliberately absent: rows.

use std::io::Read;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// `tern` in the header, so that `file` and other programs can tell whose database it is.
pub(super) const APPLICATION_ID: i32 = 0x7465_726e;
/// Bytes of a page: SQLite's own choice.
const PAGE: u64 = 4096;
/// Versions above this are damage, not the future.
const VERSION_MAX: i64 = 999;
/// Pages (of 4 KiB) in the log before they are moved to the database.
const CHECKPOINT_PAGES: i64 = 4096;
/// Bytes of pages kept in memory.
const CACHE_KIB: i64 = 4096;

/// What makes each version of the schema of the one before. Appended, never changed.
///
/// What changes with every save is apart from what never does, or a save would write the metainfo
/// again. Both rows of a torrent have its info-hash, so that either can be read without the other.
/// `sum` is over the info-hash and the row's values (see `row::sum`).
const VERSIONS: &[&str] = &["
    CREATE TABLE torrents (
        id INTEGER PRIMARY KEY,
        info_hash BLOB NOT NULL UNIQUE,
        rank INTEGER,
        metainfo BLOB,
        params BLOB,
        sum INTEGER NOT NULL
    );
    CREATE TABLE states (
        id INTEGER PRIMARY KEY,
        info_hash BLOB NOT NULL,
        blob BLOB NOT NULL,
        sum INTEGER NOT NULL
    );
    CREATE TABLE window (
        info_hash BLOB NOT NULL,
        mark INTEGER NOT NULL,
        part INTEGER NOT NULL,
        pieces BLOB NOT NULL,
        sum INTEGER NOT NULL,
        PRIMARY KEY (info_hash, mark, part)
    ) WITHOUT ROWID;
    CREATE TABLE session (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL,
        sum INTEGER NOT NULL
    ) WITHOUT ROWID;
"];

/// Why a database that reads well is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It has another program's mark.
    OtherProgram(i32),
    /// It has a version from the future.
    Newer(i64),
}

/// Finds damage that SQLite takes for something else: a format of the future, which it would only
/// read; no database at all, which it would begin anew, throwing the log away. Before the database
/// is opened: closing a file lets go of the locks that the process has on it.
pub(super) fn check_header(path: &Path) -> rusqlite::Result<()> {
    let mut head = [0; 20];
    let Ok(mut file) = std::fs::File::open(path) else { return Ok(()) };
    if file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() < PAGE) {
        // A database that is being made has another name.
        return Err(damage("shorter than a page"));
    }
    let read = file.read_exact(&mut head);
    let known = |version: u8| matches!(version, 1 | 2);
    let [.., write, read_version] = head;
    if read.is_err() || (known(write) && known(read_version)) {
        return Ok(());
    }
    Err(damage("unknown file format"))
}

/// A damage we found ourselves.
fn damage(what: &str) -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    rusqlite::Error::SqliteFailure(code, Some(what.into()))
}

/// Whether closing leaves the log as it is instead of moving it into the database.
pub(super) fn keep_log(db: &Connection, keep: bool) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep).map(drop)
}

/// What a database says of its tables and where they begin; ours always say the same.
pub(super) fn outline(db: &Connection) -> rusqlite::Result<Vec<(String, i64, String)>> {
    let query = "SELECT name, rootpage, coalesce(sql, '') FROM sqlite_schema ORDER BY name";
    let mut query = db.prepare(query)?;
    query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

/// The first page of a database that was just made, to be put before the others of one that lost
/// its own. It has no word on how long the file is, which is then as long as it is.
pub(super) fn first_page(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut page = vec![0; usize::try_from(PAGE).unwrap_or_default()];
    std::fs::File::open(path)?.read_exact(&mut page)?;
    // The size at 28 counts if what stands at 24 is at 92 too.
    if let Some(counter) = page.get_mut(92..96) {
        counter.iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(page)
}

/// Opens a database for this process alone. Nothing is read yet, so damage does not show.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::ZERO)?;
    db.set_prepared_statement_cache_capacity(32);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Before anything is read: the index of the log is then in our memory instead of a file that
    // is mapped, and no other process can get at the database.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    // A file that lies about its schema must not run what it likes, nor make us read beyond a page.
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "mmap_size", 0)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(db)
}

/// Checks whose it is and brings it to the present version. `unclean`: the pages are looked at too,
/// because the last user did not close it.
pub(super) fn prepare(db: &mut Connection, unclean: bool) -> rusqlite::Result<Result<(), Foreign>> {
    // The first read of a database whose log was left behind: recovery happens here.
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let blank = (id, version, tables) == (0, 0, 0);
    let known = i64::try_from(VERSIONS.len()).unwrap_or(i64::MAX);
    let wrong = id != APPLICATION_ID || !(1..=VERSION_MAX).contains(&version);
    if !blank && wrong && has_our_tables(db)? {
        return Err(damage("its mark or version is not what its tables are"));
    }
    if id != APPLICATION_ID && !blank {
        return Ok(Err(Foreign::OtherProgram(id)));
    }
    if version > known {
        return Ok(Err(Foreign::Newer(version)));
    }
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    db.pragma_update(None, "journal_size_limit", CHECKPOINT_PAGES * 4096)?;
    // Does something on macOS only, where a plain fsync does not reach the medium.
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "checkpoint_fullfsync", true)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    if unclean {
        // Not `quick_check`: an index that lost an entry would hide a torrent.
        let check = "PRAGMA integrity_check(1)";
        let verdict: String = db.query_row(check, [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(damage(&verdict));
        }
    }
    for (index, step) in (0..).zip(VERSIONS) {
        if index < version {
            continue;
        }
        let step_up = db.transaction()?;
        step_up.execute_batch(step)?;
        step_up.pragma_update(None, "application_id", APPLICATION_ID)?;
        step_up.pragma_update(None, "user_version", index + 1)?;
        step_up.commit()?;
    }
    Ok(Ok(()))
}

/// Whether all the tables that every version of ours has are there.
fn has_our_tables(db: &Connection) -> rusqlite::Result<bool> {
    let query = "SELECT count(*) = 4 FROM sqlite_schema
         WHERE type = 'table' AND name IN ('torrents', 'states', 'window', 'session')";
    db.query_row(query, [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_others_or_the_future_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        let mut db = connect(&path).unwrap();
        assert_eq!(prepare(&mut db, false).unwrap(), Ok(()));
        assert_eq!(prepare(&mut db, true).unwrap(), Ok(()), "a second time");
        db.pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(prepare(&mut db, false).unwrap(), Err(Foreign::Newer(99)));
        db.pragma_update(None, "application_id", 7).unwrap();
        // Somebody who has all our tables is us, damaged.
        assert_eq!(
            prepare(&mut db, false).unwrap_err().to_string(),
            "its mark or version is not what its tables are"
        );
        db.execute_batch("DROP TABLE session").unwrap();
        assert_eq!(prepare(&mut db, false).unwrap(), Err(Foreign::OtherProgram(7)));
    }

    #[test]
    fn a_database_without_a_mark_that_has_tables_is_somebody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let mut db = connect(&dir.path().join("x.db")).unwrap();
        db.execute_batch("CREATE TABLE t (x)").unwrap();
        assert_eq!(prepare(&mut db, false).unwrap(), Err(Foreign::OtherProgram(0)));
    }
}

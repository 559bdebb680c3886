//! A damaged database: what still reads is copied into a new one, the old one is set aside.
//!
//! In steps, so that a crash at any moment loses nothing:
//!
//! 1. the new database is made beside the old one and synced, as `tern.db.new`;
//! 2. the old one, then its log, are renamed to `tern.db.damaged-TIME` and `...-wal`;
//! 3. the new one gets the name.
//!
//! As long as there is a `tern.db`, a `tern.db.new` is unfinished and thrown away; without one it
//! takes its place ([`finish`]). Rows are read one by one, by number, because one bad page must not
//! cost the rows of all the others. A blob is taken only with the right checksum, and only if every
//! window could be read: else a piece that was being written could be claimed. Torrents without a
//! blob keep their metainfo, and are checked when they are added.
//!
//! Without its first page a database is nothing to SQLite, and yet all the rest may be whole. Ours
//! all begin with the same tables at the same places, so a copy gets the first page of the one just
//! made, and its log a say in the matter: what is wrong then, checksums find.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::row::{self, Checked};
use super::{log_of, schema, sync_dir};
use crate::base::InfoHash;
use crate::engine::store::{Change, DATABASE, Report, Save};

/// Row numbers that are tried when the highest is not known.
const ROWS_MAX: i64 = 4_000_000;
/// Changes of one transaction.
const BATCH: usize = 1000;

/// Replaces the damaged database of `dir`, which nobody has open. Nothing when there is none.
pub(super) fn replace(dir: &Path, reason: String) -> rusqlite::Result<Option<Report>> {
    let path = dir.join(DATABASE);
    if !path.exists() {
        return Ok(None);
    }
    let new = dir.join(NEW);
    drop_database(&new).map_err(sqlite)?;
    let (salvaged, unchecked) = copy(dir, &path, &new)?;
    let aside = free_name(dir);
    std::fs::rename(&path, &aside).map_err(sqlite)?;
    finish(dir).map_err(sqlite)?;
    Ok(Some(Report { set_aside: aside, reason, salvaged, unchecked }))
}

/// The new database before it has its name.
const NEW: &str = "tern.db.new";
/// The damaged one with another first page.
const MENDED: &str = "tern.db.mended";
/// The first database of a directory, before it is whole.
const MADE: &str = "tern.db.made";

/// Makes the first database of a directory. It has its name when it is whole: an empty file of that
/// name is damage, not one that was being made.
pub(super) fn make(dir: &Path) -> rusqlite::Result<()> {
    let (path, made) = (dir.join(DATABASE), dir.join(MADE));
    blank(&made)?;
    let durable = || {
        std::fs::File::open(&made)?.sync_all()?;
        std::fs::rename(&made, &path)?;
        sync_dir(dir)
    };
    durable().map_err(sqlite)
}

/// Makes an empty database, closed.
fn blank(path: &Path) -> rusqlite::Result<()> {
    let mut db = schema::connect(path)?;
    // A database that was just made is nobody else's.
    let _ = schema::prepare(&mut db, false)?;
    db.close().map_err(|(_, error)| error)
}

/// Ends what a crash interrupted.
pub(super) fn finish(dir: &Path) -> io::Result<()> {
    let (path, new) = (dir.join(DATABASE), dir.join(NEW));
    drop_database(&dir.join(MADE))?;
    drop_database(&dir.join(MENDED))?;
    if path.exists() {
        return drop_database(&new);
    }
    // A log without its database belongs to the one set aside last, and must not be taken for the
    // new one's.
    let log = log_of(&path);
    if log.exists() {
        let aside = last_aside(dir).map_or_else(|| log_of(&free_name(dir)), |last| log_of(&last));
        std::fs::rename(&log, aside)?;
    }
    if new.exists() {
        sync_dir(dir)?;
        std::fs::rename(&new, &path)?;
    }
    sync_dir(dir)
}

fn drop_database(path: &Path) -> io::Result<()> {
    for file in [path.to_owned(), log_of(path)] {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A name for the damaged database that is not taken, in the order of time.
fn free_name(dir: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let name = |n: u64| dir.join(format!("{DATABASE}.damaged-{n}"));
    (now..).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(now))
}

fn last_aside(dir: &Path) -> Option<PathBuf> {
    let prefix = format!("{DATABASE}.damaged-");
    let number = |path: &PathBuf| -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix(&prefix)?.parse().ok()
    };
    let entries = std::fs::read_dir(dir).ok()?;
    entries.flatten().map(|e| e.path()).filter(|p| number(p).is_some()).max_by_key(number)
}

fn sqlite(error: io::Error) -> rusqlite::Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => rusqlite::ffi::SQLITE_FULL,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            rusqlite::ffi::SQLITE_READONLY
        }
        _ => rusqlite::ffi::SQLITE_IOERR,
    };
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(error.to_string()))
}

/// Copies what reads; how many torrents with their state, and how many without.
fn copy(dir: &Path, from: &Path, to: &Path) -> rusqlite::Result<(u32, u32)> {
    blank(to)?;
    let mut new = schema::connect(to)?;
    let _ = schema::prepare(&mut new, false)?;
    let outline = schema::outline(&new)?;
    let ours = |old: &Connection| schema::outline(old).is_ok_and(|found| found == outline);
    let mended = dir.join(MENDED);
    let old = match open_damaged(from).ok().filter(ours) {
        Some(old) => Some(old),
        None => mend(from, to, &mended).ok().and_then(|()| open_damaged(&mended).ok()),
    };
    let mut sums = (0, 0);
    if let Some(old) = old {
        sums = copy_rows(&old, &mut new)?;
        // Whatever closing says: the file is set aside as it is.
        let _ = old.close();
    }
    new.close().map_err(|(_, error)| error)?;
    drop_database(&mended).map_err(sqlite)?;
    Ok(sums)
}

/// Copies a database and its log and gives it the first page of another one, which is empty.
fn mend(from: &Path, blank: &Path, mended: &Path) -> io::Result<()> {
    drop_database(mended)?;
    std::fs::copy(from, mended)?;
    let log = log_of(from);
    if log.exists() {
        std::fs::copy(log, log_of(mended))?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).open(mended)?;
    file.write_all(&schema::first_page(blank)?)
}

fn open_damaged(path: &Path) -> rusqlite::Result<Connection> {
    schema::check_header(path)?;
    let db = schema::connect(path)?;
    // It is evidence: closing it must not move the log into it.
    schema::keep_log(&db, true)?;
    db.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    Ok(db)
}

fn copy_rows(old: &Connection, new: &mut Connection) -> rusqlite::Result<(u32, u32)> {
    let windows = windows(old);
    let (mut salvaged, mut unchecked) = (0, 0);
    let last = highest(old);
    let mut batch = Vec::new();
    for id in 1..=last {
        let Some(save) = torrent(old, id, windows.is_some()) else { continue };
        match save.blob {
            Some(_) => salvaged += 1,
            None => unchecked += 1,
        }
        batch.push(Change::Save(save));
        if batch.len() >= BATCH {
            apply(new, &batch)?;
            batch.clear();
        }
    }
    batch.extend(windows.unwrap_or_default());
    batch.extend(session(old));
    apply(new, &batch)?;
    Ok((salvaged, unchecked))
}

fn apply(new: &mut Connection, changes: &[Change]) -> rusqlite::Result<()> {
    let transaction = new.transaction()?;
    changes.iter().try_for_each(|change| row::apply(&transaction, change))?;
    transaction.commit()
}

/// The highest row number that may be in use.
fn highest(old: &Connection) -> i64 {
    let of = |table: &str| {
        let query = format!("SELECT coalesce(max(id), 0) FROM {table}");
        old.query_row(&query, [], |row| row.get::<_, i64>(0))
    };
    match (of("torrents"), of("states")) {
        (Ok(a), Ok(b)) => a.max(b).clamp(0, ROWS_MAX),
        // A row has at least 64 bytes.
        _ => {
            let pages = old.query_row("PRAGMA page_count", [], |row| row.get::<_, i64>(0));
            (pages.unwrap_or(0) * 64).clamp(0, ROWS_MAX)
        }
    }
}

/// What is certain of the torrent in row `id`.
fn torrent(old: &Connection, id: i64, blobs: bool) -> Option<Save> {
    let (mut save, mut found) = (Save::default(), false);
    if let Ok(Some(Checked::Good(torrent))) = row::torrent_by_id(old, id) {
        (save.info_hash, save.rank) = (torrent.info_hash, torrent.rank);
        (save.metainfo, save.params) = (torrent.metainfo, torrent.params);
        found = true;
    }
    if let Ok(Some(Checked::Good((owner, blob)))) = row::state(old, id)
        && (!found || owner == save.info_hash)
        && blobs
    {
        save.info_hash = owner;
        save.blob = Some(blob);
        found = true;
    }
    found.then_some(save)
}

/// All windows; `None` when one of them does not read.
fn windows(old: &Connection) -> Option<Vec<Change>> {
    let mut out = Vec::new();
    let hashes: Vec<InfoHash> = row::hashes_with_window(old).ok()?;
    for info_hash in hashes {
        let Ok(Checked::Good((pieces, mark))) = row::window(old, &info_hash) else { return None };
        out.push(Change::Journal { info_hash, mark, pieces, durable: true });
    }
    // An index that lost entries says nothing of those: count them the other way round.
    let check = "SELECT (SELECT count(*) FROM window) = (SELECT count(pieces) FROM window)";
    let whole = old.query_row(check, [], |row| row.get::<_, bool>(0)).ok()?;
    let quick: String = old
        .query_row("SELECT quick_check FROM pragma_quick_check('window')", [], |row| row.get(0))
        .ok()?;
    (whole && quick == "ok").then_some(out)
}

/// What reads of the session's state.
fn session(old: &Connection) -> Vec<Change> {
    let names = || -> rusqlite::Result<Vec<String>> {
        let mut query = old.prepare("SELECT name FROM session")?;
        query.query_map([], |row| row.get(0))?.collect()
    };
    let value = |name: String| {
        let value = row::session(old, &name).ok().flatten()?;
        Some(Change::State(name, Some(value)))
    };
    names().unwrap_or_default().into_iter().filter_map(value).collect()
}

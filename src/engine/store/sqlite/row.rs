//! Rows in and out. Every row has a checksum over whose it is and what it says: a page that reads
//! well may still be another one's, or an old one.
//!
//! Deliberately absent: transactions, what to do about damage.

use std::collections::HashSet;

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::super::{Change, Save, Stored};
use crate::base::InfoHash;
use crate::base::limits::{METAINFO_BYTES, RESUME_BYTES};

/// A checksum of values that belong to `owner`. Absent and empty are different.
pub(super) fn sum(owner: &[u8], values: &[Option<&[u8]>]) -> i64 {
    let mut crc = flate2::Crc::new();
    crc.update(owner);
    for value in values {
        let length = value.map_or(-1, |v| i64::try_from(v.len()).unwrap_or(i64::MAX));
        crc.update(&length.to_le_bytes());
        crc.update(value.unwrap_or_default());
    }
    i64::from(crc.sum())
}

/// What a row says, or that it is damaged.
pub(super) enum Checked<T> {
    Good(T),
    Damaged,
}

/// The row of a torrent without its state.
#[derive(Clone, Debug)]
pub(super) struct Torrent {
    pub(super) id: i64,
    pub(super) info_hash: InfoHash,
    pub(super) rank: Option<i64>,
    pub(super) metainfo: Option<Bytes>,
    pub(super) params: Option<Bytes>,
}

/// A value of bytes no longer than `limit`; `None` for NULL.
fn bytes(row: &Row<'_>, index: usize, limit: usize) -> Option<Option<Bytes>> {
    match row.get_ref(index) {
        Ok(ValueRef::Null) => Some(None),
        Ok(ValueRef::Blob(raw)) if raw.len() <= limit => Some(Some(Bytes::copy_from_slice(raw))),
        _ => None,
    }
}

fn hash(row: &Row<'_>, index: usize) -> Option<InfoHash> {
    row.get_ref(index).ok()?.as_blob().ok()?.try_into().ok().map(InfoHash)
}

fn int(row: &Row<'_>, index: usize) -> Option<i64> {
    row.get_ref(index).ok()?.as_i64().ok()
}

/// Reads `info_hash, rank, metainfo, params, sum, id`.
fn torrent(row: &Row<'_>) -> Checked<Torrent> {
    let read = || {
        let (metainfo, params) = (bytes(row, 2, METAINFO_BYTES)?, bytes(row, 3, RESUME_BYTES)?);
        let info_hash = hash(row, 0)?;
        let rank = int(row, 1);
        let found = sum(&info_hash.0, &[metainfo.as_deref(), params.as_deref()]);
        let torrent = Torrent { id: int(row, 5)?, info_hash, rank, metainfo, params };
        (int(row, 4)? == found).then_some(torrent)
    };
    read().map_or(Checked::Damaged, Checked::Good)
}

const TORRENT: &str = "SELECT info_hash, rank, metainfo, params, sum, id FROM torrents WHERE ";

pub(super) fn torrent_by_hash(
    db: &Connection,
    info_hash: &InfoHash,
) -> rusqlite::Result<Option<Checked<Torrent>>> {
    let mut query = db.prepare_cached(&[TORRENT, "info_hash = ?1"].concat())?;
    let found = query.query_row([&info_hash.0[..]], |row| Ok(torrent(row))).optional()?;
    Ok(found.map(|found| match found {
        Checked::Good(torrent) if torrent.info_hash != *info_hash => Checked::Damaged,
        other => other,
    }))
}

pub(super) fn torrent_by_id(
    db: &Connection,
    id: i64,
) -> rusqlite::Result<Option<Checked<Torrent>>> {
    let mut query = db.prepare_cached(&[TORRENT, "id = ?1"].concat())?;
    query.query_row([id], |row| Ok(torrent(row))).optional()
}

/// Whose a row that is damaged elsewhere says to be.
pub(super) fn hash_of(db: &Connection, id: i64) -> rusqlite::Result<Option<InfoHash>> {
    let mut query = db.prepare_cached("SELECT info_hash FROM torrents WHERE id = ?1")?;
    query.query_row([id], |row| Ok(hash(row, 0))).optional().map(Option::flatten)
}

/// The state of a torrent, and whose it is.
pub(super) fn state(
    db: &Connection,
    id: i64,
) -> rusqlite::Result<Option<Checked<(InfoHash, Bytes)>>> {
    let mut query = db.prepare_cached("SELECT info_hash, blob, sum FROM states WHERE id = ?1")?;
    let read = |row: &Row<'_>| {
        let (info_hash, blob) = (hash(row, 0)?, bytes(row, 1, RESUME_BYTES)??);
        (int(row, 2)? == sum(&info_hash.0, &[Some(&blob)])).then_some((info_hash, blob))
    };
    let found = query.query_row([id], |row| Ok(read(row))).optional()?;
    Ok(found.map(|found| found.map_or(Checked::Damaged, Checked::Good)))
}

/// The window of a torrent: its pieces, sorted, each once, and the highest mark.
pub(super) fn window(
    db: &Connection,
    info_hash: &InfoHash,
) -> rusqlite::Result<Checked<(Vec<u32>, u64)>> {
    let mut query =
        db.prepare_cached("SELECT mark, part, pieces, sum FROM window WHERE info_hash = ?1")?;
    let mut rows = query.query([&info_hash.0[..]])?;
    let (mut pieces, mut highest) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let Some((mark, part)) = entry(row, 0, info_hash) else { return Ok(Checked::Damaged) };
        highest = highest.max(mark);
        pieces.extend(part);
    }
    pieces.sort_unstable();
    pieces.dedup();
    Ok(Checked::Good((pieces, highest)))
}

/// Reads `mark, part, pieces, sum` from column `at` on.
pub(super) fn entry(
    row: &Row<'_>,
    at: usize,
    info_hash: &InfoHash,
) -> Option<(u64, impl Iterator<Item = u32> + use<>)> {
    let (mark, part) = (int(row, at)?, int(row, at + 1)?);
    let raw = bytes(row, at + 2, RESUME_BYTES)??;
    let found = entry_sum(info_hash, mark, part, &raw);
    if int(row, at + 3)? != found || raw.len() % 4 != 0 {
        return None;
    }
    let count = raw.len() / 4;
    let piece = move |i: usize| raw.get(i * 4..i * 4 + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((u64::try_from(mark).ok()?, (0..count).filter_map(piece)))
}

fn entry_sum(info_hash: &InfoHash, mark: i64, part: i64, raw: &[u8]) -> i64 {
    sum(&info_hash.0, &[Some(&mark.to_le_bytes()), Some(&part.to_le_bytes()), Some(raw)])
}

/// Who has a torrent's row or a window.
pub(super) fn known(db: &Connection) -> rusqlite::Result<HashSet<InfoHash>> {
    let mut query = db.prepare("SELECT info_hash FROM torrents")?;
    let found = query.query_map([], |row| Ok(hash(row, 0)))?;
    let mut known: HashSet<InfoHash> =
        found.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    known.extend(hashes_with_window(db)?);
    Ok(known)
}

/// The ids of all torrents in queue order.
pub(super) fn order(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut query = db.prepare("SELECT id FROM torrents ORDER BY rank IS NULL, rank, id")?;
    query.query_map([], |row| row.get(0))?.collect()
}

/// Hashes that have a window.
pub(super) fn hashes_with_window(db: &Connection) -> rusqlite::Result<Vec<InfoHash>> {
    let mut query = db.prepare("SELECT DISTINCT info_hash FROM window")?;
    let found = query.query_map([], |row| Ok(hash(row, 0)))?;
    found.filter_map(Result::transpose).collect()
}

/// A value of the session's state.
pub(super) fn session(db: &Connection, name: &str) -> rusqlite::Result<Option<Bytes>> {
    let mut query = db.prepare_cached("SELECT value, sum FROM session WHERE name = ?1")?;
    let found = query
        .query_row([name], |row| Ok(bytes(row, 0, RESUME_BYTES).flatten().zip(int(row, 1))))
        .optional()?;
    let good = found.flatten().filter(|(value, s)| *s == sum(name.as_bytes(), &[Some(value)]));
    Ok(good.map(|(value, _)| value))
}

/// Makes one change.
pub(super) fn apply(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Save(save) => self::save(db, save),
        Change::Journal { info_hash, mark, pieces, .. } => journal(db, info_hash, *mark, pieces),
        Change::Remove(info_hash) => remove(db, info_hash),
        Change::Rank(info_hash, rank) => {
            let mut set =
                db.prepare_cached("UPDATE torrents SET rank = ?2 WHERE info_hash = ?1")?;
            set.execute(params![&info_hash.0[..], rank]).map(drop)
        }
        Change::State(name, None) => {
            let mut forget = db.prepare_cached("DELETE FROM session WHERE name = ?1")?;
            forget.execute([name]).map(drop)
        }
        Change::State(name, Some(value)) => {
            let sum = sum(name.as_bytes(), &[Some(value)]);
            db.prepare_cached("INSERT OR REPLACE INTO session (name, value, sum) VALUES (?, ?, ?)")?
                .execute(params![name, &value[..], sum])
                .map(drop)
        }
    }
}

fn save(db: &Connection, save: &Save) -> rusqlite::Result<()> {
    let key = &save.info_hash.0[..];
    let says = save.blob.is_some() || save.metainfo.is_some() || save.params.is_some();
    if says || save.rank.is_some() {
        let id = enter(db, save)?;
        if let Some(blob) = &save.blob {
            let mut put = db.prepare_cached(
                "INSERT OR REPLACE INTO states (id, info_hash, blob, sum) VALUES (?, ?, ?, ?)",
            )?;
            put.execute(params![id, key, &blob[..], sum(key, &[Some(blob)])])?;
        }
    }
    if save.settled > 0 {
        let settled = i64::try_from(save.settled).unwrap_or(i64::MAX);
        let mut settle =
            db.prepare_cached("DELETE FROM window WHERE info_hash = ?1 AND mark <= ?2")?;
        settle.execute(params![key, settled])?;
    }
    Ok(())
}

/// The id of a torrent, which is entered or changed if need be.
fn enter(db: &Connection, save: &Save) -> rusqlite::Result<i64> {
    let key = &save.info_hash.0[..];
    let quiet = save.metainfo.is_none() && save.params.is_none() && save.rank.is_none();
    if quiet {
        let mut find = db.prepare_cached("SELECT id FROM torrents WHERE info_hash = ?1")?;
        if let Some(id) = find.query_row([key], |row| row.get(0)).optional()? {
            return Ok(id);
        }
    }
    // What is there already is needed for the checksum.
    let known = match torrent_by_hash(db, &save.info_hash)? {
        Some(Checked::Good(known)) => Some(known),
        Some(Checked::Damaged) | None => None,
    };
    let known = |get: fn(&Torrent) -> &Option<Bytes>| known.as_ref().and_then(|k| get(k).clone());
    let metainfo = save.metainfo.clone().or_else(|| known(|k| &k.metainfo));
    let params = save.params.clone().or_else(|| known(|k| &k.params));
    let sum = sum(key, &[metainfo.as_deref(), params.as_deref()]);
    let mut put: CachedStatement<'_> = db.prepare_cached(
        "INSERT INTO torrents (info_hash, rank, metainfo, params, sum) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (info_hash) DO UPDATE SET rank = coalesce(excluded.rank, rank),
             metainfo = excluded.metainfo, params = excluded.params, sum = excluded.sum
         RETURNING id",
    )?;
    put.query_row(params![key, save.rank, metainfo.as_deref(), params.as_deref(), sum], |row| {
        row.get(0)
    })
}

fn journal(
    db: &Connection,
    info_hash: &InfoHash,
    mark: u64,
    pieces: &[u32],
) -> rusqlite::Result<()> {
    let (key, mark) = (&info_hash.0[..], i64::try_from(mark).unwrap_or(i64::MAX));
    let mut parts = db.prepare_cached(
        "SELECT coalesce(max(part), 0) + 1 FROM window WHERE info_hash = ?1 AND mark = ?2",
    )?;
    let part: i64 = parts.query_row(params![key, mark], |row| row.get(0))?;
    let raw: Vec<u8> = pieces.iter().flat_map(|piece| piece.to_be_bytes()).collect();
    let mut put = db.prepare_cached(
        "INSERT INTO window (info_hash, mark, part, pieces, sum) VALUES (?, ?, ?, ?, ?)",
    )?;
    put.execute(params![key, mark, part, raw, entry_sum(info_hash, mark, part, &raw)]).map(drop)
}

fn remove(db: &Connection, info_hash: &InfoHash) -> rusqlite::Result<()> {
    let key = &info_hash.0[..];
    for statement in [
        "DELETE FROM states WHERE id IN (SELECT id FROM torrents WHERE info_hash = ?1)",
        "DELETE FROM torrents WHERE info_hash = ?1",
        "DELETE FROM window WHERE info_hash = ?1",
    ] {
        db.prepare_cached(statement)?.execute([key])?;
    }
    Ok(())
}

/// All that is there of the torrent in this row.
pub(super) fn whole(
    db: &Connection,
    found: Checked<Torrent>,
    info_hash: InfoHash,
) -> rusqlite::Result<Stored> {
    let damaged = |what: &str| Some(format!("the stored {what} is damaged"));
    let mut out = Stored { info_hash, ..Stored::default() };
    if let Checked::Good(torrent) = found {
        (out.metainfo, out.params) = (torrent.metainfo, torrent.params);
        out.rank = torrent.rank;
        match state(db, torrent.id)? {
            Some(Checked::Good((owner, blob))) if owner == info_hash => out.blob = Some(blob),
            Some(_) => out.damage = damaged("resume data"),
            None => {}
        }
    } else {
        // Whether it was in a session is not certain: better told once too often.
        out.rank = Some(i64::MAX);
        out.damage = damaged("torrent file");
    }
    match window(db, &info_hash)? {
        Checked::Good((pieces, mark)) => (out.window, out.mark) = (pieces, mark),
        Checked::Damaged => {
            // What was being written is not known: nothing the blob claims can be trusted.
            (out.blob, out.window_lost) = (None, true);
            out.mark = u64::from(u32::MAX);
            out.damage = damaged("list of pieces under way");
        }
    }
    Ok(out)
}

//! qBittorrent's `torrents.db`: rows as they are. Opened for reading only; columns that a version
//! of the schema does not have are left out.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row as SqlRow};

use crate::base::limits::RESUME_BYTES;
use crate::codec::clients::Labels;
use crate::codec::clients::qbittorrent::Row;
use crate::engine::error::{Error, ErrorKind};

/// All torrents, in queue order.
pub(super) fn rows(path: &Path) -> Result<Vec<Row>, Error> {
    read(path).map_err(|e| Error::new(ErrorKind::Invalid, format!("{}: {e}", path.display())))
}

fn read(path: &Path) -> rusqlite::Result<Vec<Row>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    // A file that lies about its schema must not run what it likes.
    database.pragma_update(None, "trusted_schema", false)?;
    let mut statement = database
        .prepare("SELECT * FROM torrents ORDER BY queue_position < 0, queue_position, id")?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        out.push(Columns { names: &names, row }.row());
    }
    Ok(out)
}

struct Columns<'a> {
    names: &'a [String],
    row: &'a SqlRow<'a>,
}

impl Columns<'_> {
    fn value(&self, name: &str) -> ValueRef<'_> {
        let index = self.names.iter().position(|known| known == name);
        index.and_then(|index| self.row.get_ref(index).ok()).unwrap_or(ValueRef::Null)
    }

    fn int(&self, name: &str) -> Option<i64> {
        match self.value(name) {
            ValueRef::Integer(value) => Some(value),
            ValueRef::Text(text) => core::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    fn text(&self, name: &str) -> String {
        match self.value(name) {
            ValueRef::Text(raw) | ValueRef::Blob(raw) => String::from_utf8_lossy(raw).into_owned(),
            _ => String::new(),
        }
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        match self.value(name) {
            ValueRef::Text(raw) | ValueRef::Blob(raw) if raw.len() <= RESUME_BYTES => raw.to_vec(),
            _ => Vec::new(),
        }
    }

    fn row(&self) -> Row {
        let limit = |name: &str| self.int(name).and_then(|n| u64::try_from(n).ok());
        let tags = self.text("tags");
        let labels = Labels {
            client: "qbittorrent".into(),
            category: self.text("category"),
            tags: tags.split(',').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
            name: self.text("name"),
            ratio_limit: limit("ratio_limit"),
            seeding_minutes: limit("seeding_time_limit"),
            idle_minutes: limit("inactive_seeding_time_limit"),
            queue: limit("queue_position"),
        };
        Row {
            id: self.text("torrent_id"),
            metadata: self.bytes("metadata"),
            resume: self.bytes("libtorrent_resume_data"),
            labels,
            stopped: self.int("stopped").is_some_and(|stopped| stopped != 0),
            forced: self.text("operating_mode").eq_ignore_ascii_case("forced"),
        }
    }
}

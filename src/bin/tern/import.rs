//! `tern import`: torrents of other clients into the state directory. Deliberately absent: starting
//! them, which `tern get` and `tern seed` do.

use std::path::Path;

use serde_json::{Value, json};
use tern::api::{Client, Error, ErrorKind, Import, ImportError, Imported, import_into};

use crate::args::{self, INCOMPLETE, OK};
use crate::report::Reporter;
use crate::{Failure, signals, state, units};

/// Runs the command.
pub(crate) fn run(import: &args::Import, reporter: &Reporter) -> Result<u8, Failure> {
    let client = import.from.as_deref().map(client).transpose()?;
    let mut found = Import::open(&import.path, client)?;
    for dir in &import.torrents {
        found.add_torrents(dir)?;
    }
    found.keep_names(import.keep_names);
    let mut sum = Sum { client: found.client().name(), ..Sum::default() };
    for torrent in found {
        if signals::stop_requested() {
            reporter.result("interrupted", json!({ "status": "interrupted" }));
            return Ok(args::INTERRUPTED);
        }
        match torrent {
            Ok(torrent) if !is_wanted(&torrent, &import.only) => sum.skipped += 1,
            Ok(torrent) => take(&torrent, import, reporter, &mut sum),
            Err(error) => {
                sum.refused += 1;
                tell_refused(&error, reporter);
            }
        }
    }
    Ok(tell(&sum, import.dry_run, reporter))
}

#[derive(Default)]
struct Sum {
    client: &'static str,
    taken: u64,
    skipped: u64,
    refused: u64,
    restored: u64,
    check: u64,
}

fn client(name: &str) -> Result<Client, Failure> {
    Client::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Client::ALL.iter().map(|client| client.name()).collect();
        Failure::usage(format!("`{name}` is not a client we know: {}", known.join(", ")))
    })
}

/// Chosen by the start of its info-hash, or by a part of its name or labels.
fn is_wanted(torrent: &Imported, only: &[String]) -> bool {
    let hash = torrent.metainfo.info_hash().to_string();
    let named = |part: &String| {
        let part = part.to_lowercase();
        let labels = &torrent.labels;
        let words = [torrent.metainfo.name(), &labels.name, &labels.category];
        hash.starts_with(&part)
            || words.iter().any(|word| word.to_lowercase().contains(&part))
            || labels.tags.iter().any(|tag| tag.to_lowercase() == part)
    };
    only.is_empty() || only.iter().any(named)
}

fn take(torrent: &Imported, import: &args::Import, reporter: &Reporter, sum: &mut Sum) {
    let saved = if import.dry_run { Ok(None) } else { save(torrent, import).map(Some) };
    match saved {
        Ok(place) => {
            sum.taken += 1;
            sum.restored += u64::from(torrent.restored);
            sum.check += u64::from(torrent.check);
            tell_taken(torrent, place.as_deref(), reporter);
        }
        Err(error) if error.kind() == ErrorKind::Duplicate => {
            sum.skipped += 1;
            let name = torrent.metainfo.name();
            let fields = json!({
                "name": name,
                "info_hash": torrent.metainfo.info_hash().to_string(),
                "save_path": torrent.save_path.display().to_string(),
                "reason": error.message(),
            });
            let text = format!("{}: {}; --replace replaces it", units::printable(name), error);
            reporter.event("skipped", &text, fields);
        }
        Err(error) => {
            sum.refused += 1;
            let fields = json!({
                "source": torrent.source.display().to_string(),
                "field": "",
                "message": error.message(),
            });
            let text = format!("{}: {error}", units::printable(torrent.metainfo.name()));
            reporter.event("refused", &text, fields);
        }
    }
}

fn save(torrent: &Imported, import: &args::Import) -> Result<std::path::PathBuf, Error> {
    let chosen = import.state_dir.as_deref();
    let hash = torrent.metainfo.info_hash();
    let place = state::directory(chosen, &hash.0, &torrent.save_path)
        .map_err(|e| Error::new(ErrorKind::Io, format!("state directory: {e}")))?;
    import_into(&place, torrent, import.replace)?;
    Ok(place)
}

fn tell_taken(torrent: &Imported, place: Option<&Path>, reporter: &Reporter) {
    let metainfo = &torrent.metainfo;
    let pieces = metainfo.piece_count();
    let mut text = format!(
        "{}: {} of {pieces} pieces taken over",
        units::printable(metainfo.name()),
        torrent.restored
    );
    if torrent.check > 0 {
        text += &format!(", {} to be hashed", torrent.check);
    }
    text += &format!("; in {}", units::printable(&torrent.save_path.display().to_string()));
    for note in &torrent.notes {
        text += &format!("\n  {}", units::printable(note));
    }
    for (from, _) in &torrent.renames {
        let name = from.display().to_string();
        text += &format!("\n  renamed to its final name: {}", units::printable(&name));
    }
    if let Some(place) = place {
        let file = place.join(format!("{}.torrent", metainfo.info_hash()));
        let verb = if torrent.restored == pieces { "seed" } else { "get" };
        let option = if verb == "seed" { "-d" } else { "-o" };
        let dir = torrent.save_path.display();
        text += &format!("\n  go on: tern {verb} '{}' {option} '{dir}'", file.display());
    }
    let labels = &torrent.labels;
    let fields = json!({
        "name": metainfo.name(),
        "info_hash": metainfo.info_hash().to_string(),
        "save_path": torrent.save_path.display().to_string(),
        "state_dir": place.map(|place| place.display().to_string()),
        "source": torrent.source.display().to_string(),
        "pieces": pieces,
        "restored": torrent.restored,
        "check": torrent.check,
        "partial": torrent.partial,
        "paused": torrent.paused,
        "category": labels.category,
        "tags": labels.tags,
        "title": labels.name,
        "ratio_limit": labels.ratio_limit,
        "seeding_minutes": labels.seeding_minutes,
        "idle_minutes": labels.idle_minutes,
        "queue": labels.queue,
        "renamed": renamed(torrent),
        "notes": torrent.notes,
    });
    reporter.event("imported", &text, fields);
}

fn renamed(torrent: &Imported) -> Vec<Value> {
    let pair = |(from, to): &(std::path::PathBuf, std::path::PathBuf)| {
        json!([from.display().to_string(), to.display().to_string()])
    };
    torrent.renames.iter().map(pair).collect()
}

fn tell_refused(error: &ImportError, reporter: &Reporter) {
    let fields = json!({
        "source": error.source.display().to_string(),
        "field": error.field,
        "message": error.message,
    });
    reporter.event("refused", &units::printable(&error.to_string()), fields);
}

fn tell(sum: &Sum, dry_run: bool, reporter: &Reporter) -> u8 {
    let verb = if dry_run { "would be taken" } else { "taken" };
    let mut text = format!("{}: {} torrents {verb}", sum.client, sum.taken);
    for (count, what) in [(sum.skipped, "left out"), (sum.refused, "refused")] {
        if count > 0 {
            text += &format!(", {count} {what}");
        }
    }
    text += &format!("; {} pieces need no check, {} do", sum.restored, sum.check);
    let status = if sum.refused > 0 { "incomplete" } else { "complete" };
    let fields = json!({
        "status": status,
        "client": sum.client,
        "dry_run": dry_run,
        "imported": sum.taken,
        "skipped": sum.skipped,
        "refused": sum.refused,
        "restored": sum.restored,
        "check": sum.check,
    });
    reporter.result(&text, fields);
    if sum.refused > 0 { INCOMPLETE } else { OK }
}

//! `tern export`: the torrents of the state directory as a folder of qBittorrent's.

use serde_json::json;
use tern::api::{Stored, export_qbittorrent, stored};

use crate::args::{self, INCOMPLETE, OK};
use crate::report::Reporter;
use crate::{Failure, state, units};

/// Runs the command.
pub(crate) fn run(export: &args::Export, reporter: &Reporter) -> Result<u8, Failure> {
    let top = state::top(export.state_dir.as_deref())
        .map_err(|e| Failure::about("state directory", e))?;
    let mut chosen: Vec<Stored> = Vec::new();
    let mut refused = 0_u64;
    for place in state::places(&top).map_err(|e| Failure::about(top.display(), e))? {
        let shelf = stored(&place)?;
        for (hash, error) in shelf.unusable {
            refused += 1;
            refuse(&hash.to_string(), &error.to_string(), reporter);
        }
        for torrent in shelf.torrents.into_iter().filter(|t| is_wanted(t, &export.only)) {
            let hash = torrent.metainfo.info_hash();
            if chosen.iter().any(|other| other.metainfo.info_hash() == hash) {
                refused += 1;
                let why = "it is in two places; qBittorrent keeps one";
                refuse(&hash.to_string(), why, reporter);
            } else {
                chosen.push(torrent);
            }
        }
    }
    let written = export_qbittorrent(&export.folder, &chosen, export.replace)?;
    for torrent in &chosen {
        let fields = json!({
            "name": torrent.metainfo.name(),
            "info_hash": torrent.metainfo.info_hash().to_string(),
        });
        reporter.event("exported", &units::printable(torrent.metainfo.name()), fields);
    }
    let status = if refused > 0 { "incomplete" } else { "complete" };
    let text = format!("{written} torrents written to {}", export.folder.display());
    let fields = json!({ "status": status, "exported": written, "refused": refused });
    reporter.result(&text, fields);
    Ok(if refused > 0 { INCOMPLETE } else { OK })
}

fn is_wanted(torrent: &Stored, only: &[String]) -> bool {
    let hash = torrent.metainfo.info_hash().to_string();
    let name = torrent.metainfo.name().to_lowercase();
    let named = |part: &String| {
        let part = part.to_lowercase();
        hash.starts_with(&part) || name.contains(&part)
    };
    only.is_empty() || only.iter().any(named)
}

fn refuse(hash: &str, why: &str, reporter: &Reporter) {
    let fields = json!({ "info_hash": hash, "message": why });
    reporter.event("refused", &format!("{hash}: {why}"), fields);
}

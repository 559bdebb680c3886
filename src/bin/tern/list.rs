//! `tern list`: the torrents that the state directory knows. Deliberately absent: starting them.

use serde_json::json;
use tern::api::{ErrorKind, ResumeSummary, Stored, stored};

use crate::args::{self, INCOMPLETE, OK};
use crate::report::Reporter;
use crate::{Failure, state, units};

/// Runs the command.
pub(crate) fn run(list: &args::List, reporter: &Reporter) -> Result<u8, Failure> {
    let top =
        state::top(list.state_dir.as_deref()).map_err(|e| Failure::about("state directory", e))?;
    let (mut shown, mut busy, mut unusable) = (0_u64, 0_u64, 0_u64);
    for place in state::places(&top).map_err(|e| Failure::about(top.display(), e))? {
        let shelf = match stored(&place) {
            Ok(shelf) => shelf,
            Err(error) if error.kind() == ErrorKind::InUse => {
                busy += 1;
                let fields = json!({ "state_dir": place.display().to_string() });
                reporter.event("in_use", &format!("{error}"), fields);
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for (hash, error) in shelf.unusable {
            unusable += 1;
            let fields = json!({ "info_hash": hash.to_string(), "message": error.message() });
            reporter.event("unusable", &format!("{hash}: {error}"), fields);
        }
        for torrent in &shelf.torrents {
            shown += 1;
            tell(torrent, reporter);
        }
    }
    let text = match busy {
        0 => format!("{shown} torrents"),
        _ => format!("{shown} torrents, {busy} in use by another tern"),
    };
    let status = if unusable > 0 { "incomplete" } else { "complete" };
    let fields =
        json!({ "status": status, "torrents": shown, "in_use": busy, "unusable": unusable });
    reporter.result(&text, fields);
    Ok(if unusable > 0 { INCOMPLETE } else { OK })
}

fn tell(torrent: &Stored, reporter: &Reporter) {
    let metainfo = &torrent.metainfo;
    let ResumeSummary { have, pieces, save_path, uploaded, downloaded } = torrent.summary();
    let dir = save_path.display().to_string();
    let text = format!(
        "{}: {have} of {pieces} pieces, {}, in {}",
        units::printable(metainfo.name()),
        units::bytes(metainfo.total_size()),
        units::printable(&dir),
    );
    let fields = json!({
        "name": metainfo.name(),
        "info_hash": metainfo.info_hash().to_string(),
        "size": metainfo.total_size(),
        "pieces": pieces,
        "have": have,
        "save_path": dir,
        "uploaded": uploaded,
        "downloaded": downloaded,
    });
    reporter.event("torrent", &text, fields);
}

//! `tern verify`: content compared with its torrent, without a session, without writing anything.

use std::time::Instant;

use serde_json::json;
use tern::api::{self, CheckReport, Metainfo, PieceIndex, check_files};

use crate::args::{INCOMPLETE, INTERRUPTED, OK, Verify};
use crate::create::hashing;
use crate::report::{Progress, Reporter};
use crate::{Failure, load, signals, units};

/// Names listed for people; programs get all of them.
const NAMED: usize = 20;

/// Runs the command.
pub(crate) fn run(verify: &Verify, reporter: &mut Reporter) -> Result<u8, Failure> {
    let torrent = load(&verify.torrent)?;
    let started = Instant::now();
    let report = check_files(&torrent, &verify.dir, |at| {
        reporter.progress(&Progress { phase: "verifying", ..hashing(at, started) });
        !signals::stop_requested()
    });
    let report = match report {
        Ok(report) => report,
        Err(e) if e.kind() == api::ErrorKind::Cancelled => {
            reporter.result("interrupted", json!({ "status": "interrupted" }));
            return Ok(INTERRUPTED);
        }
        Err(e) => return Err(e.into()),
    };
    tell(&torrent, &report, reporter);
    Ok(if report.is_complete() { OK } else { INCOMPLETE })
}

fn tell(torrent: &Metainfo, report: &CheckReport, reporter: &Reporter) {
    let path = |f: &api::FileIndex| torrent.files().get(f.idx()).map_or("", |f| f.path.as_str());
    let bad: Vec<&str> = report.bad_files.iter().map(path).collect();
    let short: Vec<&str> = report.short_files.iter().map(path).collect();
    let (have, all) = (report.good.count(), torrent.piece_count());
    let good_bytes: u64 =
        report.good.iter().map(|p| u64::from(torrent.piece_size(PieceIndex(p)))).sum();
    let mut text = format!(
        "{have} of {all} pieces match, {} of {}",
        units::bytes(good_bytes),
        units::bytes(torrent.total_size())
    );
    for name in bad.iter().take(NAMED) {
        let why = if short.contains(name) { "missing or short" } else { "damaged" };
        text += &format!("\n  {why}: {name}");
    }
    if bad.len() > NAMED {
        text += &format!("\n  and {} more files", bad.len() - NAMED);
    }
    let fields = json!({
        "status": if report.is_complete() { "complete" } else { "incomplete" },
        "pieces_have": have,
        "pieces": all,
        "good_bytes": good_bytes,
        "size": torrent.total_size(),
        "bad_files": bad,
        "short_files": short,
    });
    reporter.result(&text, fields);
}

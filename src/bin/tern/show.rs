//! `tern show`: what a `.torrent` file says. Deliberately absent: looking at any content.

use serde_json::{Value, json};
use tern::api::{FileEntry, Metainfo};

use crate::args::{OK, Show};
use crate::report::Reporter;
use crate::{Failure, load, units};

/// Runs the command.
pub(crate) fn run(show: &Show, reporter: &Reporter) -> Result<u8, Failure> {
    let torrent = load(&show.torrent)?;
    reporter.result(&text(&torrent), facts(&torrent));
    Ok(OK)
}

fn text(torrent: &Metainfo) -> String {
    let mut out = Vec::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            out.push(format!("{label:<13} {}", units::printable(value)));
        }
    };
    let pieces = torrent.piece_count();
    let length = units::bytes(torrent.piece_length().into());
    line("name", torrent.name());
    line("info-hash", &torrent.info_hash().to_string());
    line("size", &format!("{} ({} bytes)", units::bytes(content(torrent)), content(torrent)));
    line("pieces", &format!("{pieces} of {length}"));
    line("private", if torrent.is_private() { "yes" } else { "" });
    line("source", torrent.source().unwrap_or_default());
    line("comment", torrent.comment().unwrap_or_default());
    line("created by", torrent.created_by().unwrap_or_default());
    line("created", &torrent.creation_date().map(date).unwrap_or_default());
    for (tier, urls) in torrent.trackers().iter().enumerate() {
        line(&format!("tracker {tier}"), &urls.join(" "));
    }
    for url in torrent.web_seeds() {
        line("web seed", url);
    }
    let shown = torrent.files().iter().enumerate().filter(|(_, f)| !f.attr.padding);
    let files: Vec<String> = shown.map(|(number, file)| row(number, file)).collect();
    out.push(format!("{:<13} {}", "files", files.len()));
    out.extend(files);
    out.join("\n")
}

fn row(number: usize, file: &FileEntry) -> String {
    let link = file.symlink.as_deref().map(|t| format!(" -> {}", units::printable(t)));
    let link = link.unwrap_or_default();
    format!("{number:>6} {:>12} {}{link}", units::bytes(file.length), units::printable(&file.path))
}

/// Bytes that land in files.
fn content(torrent: &Metainfo) -> u64 {
    torrent.files().iter().filter(|f| !f.attr.padding).map(|f| f.length).sum()
}

/// `2026-11-21 05:40:00 UTC`.
fn date(unix_secs: i64) -> String {
    let (days, secs) = (unix_secs.div_euclid(86400), unix_secs.rem_euclid(86400));
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant, "chrono-compatible low-level
    // date algorithms"); wide enough for every i64.
    let days = i128::from(days) + 719_468;
    let (era, doe) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i128::from(month <= 2);
    let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

fn facts(torrent: &Metainfo) -> Value {
    let files: Vec<Value> = torrent
        .files()
        .iter()
        .enumerate()
        .map(|(number, file)| {
            json!({
                "number": number,
                "path": file.path,
                "length": file.length,
                "offset": file.offset,
                "padding": file.attr.padding,
                "executable": file.attr.executable,
                "hidden": file.attr.hidden,
                "symlink": file.symlink,
            })
        })
        .collect();
    json!({
        "name": torrent.name(),
        "info_hash": torrent.info_hash().to_string(),
        "size": content(torrent),
        "piece_length": torrent.piece_length(),
        "pieces": torrent.piece_count(),
        "private": torrent.is_private(),
        "source": torrent.source(),
        "comment": torrent.comment(),
        "created_by": torrent.created_by(),
        "creation_date": torrent.creation_date(),
        "trackers": torrent.trackers(),
        "web_seeds": torrent.web_seeds(),
        "files": files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right() {
        let cases = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_795_239_599, "2026-11-21 05:39:59 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ];
        for (secs, text) in cases {
            assert_eq!(date(secs), text);
        }
        assert!(date(i64::MAX).ends_with("UTC") && date(i64::MIN).ends_with("UTC"));
    }
}

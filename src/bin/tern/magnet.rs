//! `tern magnet`: the magnet links of `.torrent` files. Deliberately absent: reading links.

use serde_json::{Value, json};

use crate::args::{Magnet, OK};
use crate::report::Reporter;
use crate::{Failure, load};

/// Runs the command.
pub(crate) fn run(magnet: &Magnet, reporter: &Reporter) -> Result<u8, Failure> {
    let mut links: Vec<Value> = Vec::new();
    let mut lines = Vec::new();
    for path in &magnet.torrents {
        let torrent = load(path)?;
        let link = torrent.magnet();
        let hash = torrent.info_hash().to_string();
        links.push(json!({ "file": path, "info_hash": hash, "magnet": link }));
        lines.push(link);
    }
    reporter.result(&lines.join("\n"), json!({ "links": links }));
    Ok(OK)
}

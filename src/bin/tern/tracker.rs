//! `tern announce` and `tern scrape`: asking a tracker by hand.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tern::api::{Announce, AnnounceEvent, Config, InfoHash, Metainfo, Session};

use crate::Failure;
use crate::args::{self, AskTracker, Event, OK};
use crate::report::Reporter;

/// Announces once and shows the peers.
pub(crate) fn announce(ask: &args::Announce, reporter: &mut Reporter) -> Result<u8, Failure> {
    let session = session(&ask.tracker)?;
    let hash = info_hash(&ask.torrent)?;
    let event = match ask.event {
        Event::None => AnnounceEvent::None,
        Event::Started => AnnounceEvent::Started,
        Event::Stopped => AnnounceEvent::Stopped,
        Event::Completed => AnnounceEvent::Completed,
    };
    let mut announce = Announce::new(hash).event(event).num_want(ask.num_want);
    if let Some(port) = ask.port {
        announce = announce.port(port);
    }
    if ask.seed {
        announce = announce.counters(0, 0, 0);
    }
    let timeout = Duration::from_secs(ask.tracker.timeout);
    let reply = session.announce(&ask.tracker.url, &announce, timeout)?;
    let peers: Vec<String> = reply.peers.iter().map(SocketAddr::to_string).collect();
    let number = |n: Option<u32>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let mut text = format!(
        "{} seeds, {} leechers; again in {} s; {} peers",
        number(reply.complete),
        number(reply.incomplete),
        number(reply.interval),
        peers.len()
    );
    if let Some(ip) = reply.external_ip {
        text += &format!("; we are {ip}");
    }
    if let Some(warning) = &reply.warning {
        text += &format!("\nwarning: {warning}");
    }
    for peer in &peers {
        text += &format!("\n{peer}");
    }
    let fields = json!({
        "complete": reply.complete, "incomplete": reply.incomplete, "downloaded": reply.downloaded,
        "interval": reply.interval, "min_interval": reply.min_interval, "peers": peers,
        "external_ip": reply.external_ip.map(|ip| ip.to_string()), "warning": reply.warning,
    });
    reporter.result(&text, fields);
    Ok(OK)
}

/// Asks for counts and shows them.
pub(crate) fn scrape(ask: &args::Scrape, reporter: &mut Reporter) -> Result<u8, Failure> {
    let session = session(&ask.tracker)?;
    let hashes: Vec<InfoHash> =
        ask.torrents.iter().map(|text| info_hash(text)).collect::<Result<_, _>>()?;
    let timeout = Duration::from_secs(ask.tracker.timeout);
    let entries = session.scrape(&ask.tracker.url, &hashes, timeout)?;
    let number = |n: Option<u32>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let lines = entries.iter().map(|entry| {
        format!(
            "{}: {} seeds, {} leechers, {} downloads",
            entry.info_hash,
            number(entry.complete),
            number(entry.incomplete),
            number(entry.downloaded)
        )
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            json!({
                "info_hash": entry.info_hash.to_string(), "complete": entry.complete,
                "incomplete": entry.incomplete, "downloaded": entry.downloaded,
            })
        })
        .collect();
    reporter.result(&text, json!({ "torrents": rows }));
    Ok(OK)
}

/// A session that only asks.
fn session(ask: &AskTracker) -> Result<Session, Failure> {
    let mut config = Config::new();
    config.set_text("listen", "")?;
    args::apply(&mut config, &ask.set)?;
    Ok(Session::new(&config)?)
}

/// An info-hash in hexadecimal, or that of a `.torrent` file.
fn info_hash(text: &str) -> Result<InfoHash, Failure> {
    match InfoHash::from_hex(text) {
        Some(hash) => Ok(hash),
        None if Path::new(text).exists() => {
            let torrent: Metainfo = crate::load(Path::new(text))?;
            Ok(torrent.info_hash())
        }
        None => Err(Failure::usage(format!("{text}: neither an info-hash nor a .torrent file"))),
    }
}

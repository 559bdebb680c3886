//! What a tracker's owner says about it in the DNS (BEP 34): `BITTORRENT UDP:1337 TCP:80`.

use super::super::UrlError;
use url::Url;

/// Ways to reach a tracker that are kept.
const WAYS_MAX: usize = 16;

/// A way to reach a tracker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// BEP 15, at this port.
    Udp(u16),
    /// HTTP, at this port.
    Tcp(u16),
}

/// What the TXT records of a host say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preferences {
    /// There is no tracker here, or none that wants to be asked.
    Deny,
    /// Only these ways, best first.
    Ways(Vec<Way>),
}

impl Preferences {
    /// Reads the TXT records of a tracker's host, each with its strings joined. `None` when none is
    /// about BitTorrent, so that nothing is known. The first that is counts; words that are not
    /// known are skipped, as the BEP wants it for things to come.
    pub fn parse<'a>(records: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let ours = records.into_iter().find_map(|record| {
            let rest = record.strip_prefix(b"BITTORRENT")?;
            (rest.is_empty() || rest.starts_with(b" ")).then_some(rest)
        })?;
        let mut ways = Vec::new();
        let mut deny = false;
        for word in ours.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
            let word = core::str::from_utf8(word).unwrap_or_default();
            let port = |text: &str| text.parse().ok().filter(|port| *port != 0);
            match word.split_once(':') {
                Some(("UDP", text)) => ways.extend(port(text).map(Way::Udp)),
                Some(("TCP", text)) => ways.extend(port(text).map(Way::Tcp)),
                None if word == "DENY" => deny = true,
                _ => {}
            }
        }
        ways.truncate(WAYS_MAX);
        // BEP 34: a record that names nothing to use denies as well.
        Some(if deny || ways.is_empty() { Self::Deny } else { Self::Ways(ways) })
    }

    /// The announce URLs to use in place of one, best first. Path and query stay; a port of another
    /// way takes the scheme that goes with it (`https` stays `https`).
    ///
    /// # Errors
    /// When `tracker` is no URL with a host.
    pub fn apply(&self, tracker: &str) -> Result<Vec<String>, UrlError> {
        let url = Url::parse(tracker.trim()).map_err(|_| UrlError::Invalid)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UrlError::Invalid)?;
        let Self::Ways(ways) = self else { return Ok(Vec::new()) };
        let tail = tracker.trim().split_once("://").map_or("", |(_, rest)| rest);
        let tail = tail.find(['/', '?']).and_then(|at| tail.get(at..)).unwrap_or_default();
        let scheme = if url.scheme() == "https" { "https" } else { "http" };
        let urls = ways.iter().map(|way| match way {
            Way::Udp(port) => format!("udp://{host}:{port}{tail}"),
            Way::Tcp(port) => format!("{scheme}://{host}:{port}{tail}"),
        });
        Ok(urls.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(records: &[&str]) -> Option<Preferences> {
        Preferences::parse(records.iter().map(|record| record.as_bytes()))
    }

    #[test]
    fn records() {
        let ways = |ways: &[Way]| Some(Preferences::Ways(ways.to_vec()));
        let both = [Way::Udp(1337), Way::Tcp(80)];
        assert_eq!(parse(&["v=spf1 -all", "BITTORRENT UDP:1337 TCP:80"]), ways(&both));
        assert_eq!(parse(&["BITTORRENT QUIC:1 TCP:8080  UDP:0 UDP:x"]), ways(&[Way::Tcp(8080)]));
        assert_eq!(parse(&["BITTORRENT DENY ALL"]), Some(Preferences::Deny));
        assert_eq!(parse(&["BITTORRENT"]), Some(Preferences::Deny));
        assert_eq!(parse(&["BITTORRENTS UDP:1", "bittorrent UDP:1"]), None);
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn urls_follow_the_records() {
        let ways = parse(&["BITTORRENT UDP:1337 TCP:80"]).unwrap();
        let urls = ways.apply("http://t.example:6969/announce?k=1").unwrap();
        assert_eq!(urls, ["udp://t.example:1337/announce?k=1", "http://t.example:80/announce?k=1"]);
        let urls = ways.apply("https://t.example/a").unwrap();
        assert_eq!(urls, ["udp://t.example:1337/a", "https://t.example:80/a"]);
        assert_eq!(Preferences::Deny.apply("udp://t.example:1"), Ok(Vec::new()));
        assert_eq!(ways.apply("nonsense"), Err(UrlError::Invalid));
    }
}

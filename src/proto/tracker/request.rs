//! What to ask: announce and scrape URLs (BEP 3, 7, 23, 24, 27, 48).
//!
//! The tracker's URL is kept byte for byte, whatever is in it (private trackers put pass keys into
//! path or query and may compare them as text); parameters are only appended.

use std::fmt::Write as _;

use url::Url;

use super::{AnnounceEvent, AnnounceParams};
use crate::base::InfoHash;

/// Why a tracker's URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// Not an absolute URL with a host.
    Invalid,
    /// A scheme this version does not speak.
    UnsupportedScheme,
}

impl core::fmt::Display for UrlError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invalid => "not a usable tracker url",
            Self::UnsupportedScheme => "tracker url scheme is not supported",
        })
    }
}

impl core::error::Error for UrlError {}

/// Whether a tracker URL can be used: absolute, with a host, `http` or `https`.
///
/// # Errors
/// Says which of these fails.
pub fn is_supported(tracker: &str) -> Result<(), UrlError> {
    let url = Url::parse(tracker.trim()).map_err(|_| UrlError::Invalid)?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(()),
        "http" | "https" => Err(UrlError::Invalid),
        _ => Err(UrlError::UnsupportedScheme),
    }
}

/// The URL to GET for an announce.
///
/// # Errors
/// As [`is_supported`].
pub fn announce_url(tracker: &str, params: &AnnounceParams) -> Result<String, UrlError> {
    is_supported(tracker)?;
    let mut url = Query::new(tracker);
    url.bytes("info_hash", &params.info_hash.0);
    url.bytes("peer_id", &params.peer_id.0);
    url.pair("port", params.port);
    url.pair("uploaded", params.uploaded);
    url.pair("downloaded", params.downloaded);
    url.pair("left", params.left);
    // BEP 23; trackers that do not know it answer with dictionaries, where the ids are not wanted.
    url.pair("compact", 1);
    url.pair("no_peer_id", 1);
    // One that leaves wants no peers: it would be told some for nothing.
    let stopping = params.event == AnnounceEvent::Stopped;
    url.pair("numwant", if stopping { 0 } else { params.num_want });
    url.pair("key", format_args!("{:08x}", params.key));
    if params.event != AnnounceEvent::None {
        url.pair("event", params.event.name());
    }
    if let Some(id) = &params.tracker_id {
        url.bytes("trackerid", id);
    }
    if let Some(ip) = &params.ip {
        url.bytes("ip", ip.as_bytes());
    }
    Ok(url.finish())
}

/// The URL to GET for counts of some torrents. By BEP 48's convention the last path component must
/// start with `announce`, which becomes `scrape`; `None` for other URLs: they do not scrape.
#[must_use]
pub fn scrape_url(tracker: &str, info_hashes: &[InfoHash]) -> Option<String> {
    is_supported(tracker).ok()?;
    let tracker = without_fragment(tracker);
    let path_end = tracker.find('?').unwrap_or(tracker.len());
    let (path, query) = tracker.split_at_checked(path_end)?;
    let slash = path.rfind('/')?;
    let (directory, last) = path.split_at_checked(slash + 1)?;
    let rest = last.strip_prefix("announce")?;
    // `http://announce` has a host there, not a path.
    if directory.ends_with("://") {
        return None;
    }
    let mut url = Query::new(&format!("{directory}scrape{rest}{query}"));
    for hash in info_hashes {
        url.bytes("info_hash", &hash.0);
    }
    Some(url.finish())
}

fn without_fragment(url: &str) -> &str {
    let url = url.trim();
    url.split_once('#').map_or(url, |(front, _)| front)
}

/// A URL to which parameters are appended.
struct Query {
    url: String,
    /// What stands before the next parameter.
    glue: &'static str,
}

impl Query {
    fn new(url: &str) -> Self {
        let url = without_fragment(url).to_owned();
        let glue = match url.split_once('?') {
            None => "?",
            Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        Self { url, glue }
    }

    fn pair(&mut self, name: &str, value: impl core::fmt::Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.url, "{}{name}={value}", self.glue);
        self.glue = "&";
    }

    /// A value of arbitrary bytes: all but RFC 3986's unreserved characters are escaped.
    fn bytes(&mut self, name: &str, value: &[u8]) {
        let mut text = String::with_capacity(value.len() * 3);
        for byte in value {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(char::from(*byte));
                }
                _ => {
                    let _ = write!(text, "%{byte:02X}");
                }
            }
        }
        self.pair(name, text);
    }

    fn finish(self) -> String {
        self.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PeerId;

    fn params() -> AnnounceParams {
        AnnounceParams {
            info_hash: InfoHash(*b"\x124Vx\x9a\xbc\xde\xf1#Eg\x89\xab\xcd\xef\x124Vx\x9a"),
            peer_id: PeerId(*b"-TN0010-~_.-/ +%&=\x00\xff"),
            port: 6881,
            uploaded: 1,
            downloaded: 2,
            left: 3,
            num_want: 50,
            key: 0xbeef,
            event: AnnounceEvent::Started,
            tracker_id: None,
            ip: None,
        }
    }

    /// The escaped info-hash is the well-known example of BEP 3 readers' guides.
    const HASH: &str = "info_hash=%124Vx%9A%BC%DE%F1%23Eg%89%AB%CD%EF%124Vx%9A";

    #[test]
    fn announce() {
        let url = announce_url("http://t.example/announce", &params()).unwrap();
        let expected = format!(
            "http://t.example/announce?{HASH}&peer_id=-TN0010-~_.-%2F%20%2B%25%26%3D%00%FF\
             &port=6881&uploaded=1&downloaded=2&left=3&compact=1&no_peer_id=1&numwant=50\
             &key=0000beef&event=started"
        );
        assert_eq!(url, expected);
    }

    #[test]
    fn announce_variants() {
        let mut p = params();
        p.event = AnnounceEvent::None;
        p.tracker_id = Some(b"a b".to_vec());
        p.ip = Some("2001:db8::1".into());
        let url = announce_url(" https://t.example:1/x?passkey=%41b#frag ", &p).unwrap();
        assert!(url.starts_with("https://t.example:1/x?passkey=%41b&info_hash="), "{url}");
        assert!(url.ends_with("&key=0000beef&trackerid=a%20b&ip=2001%3Adb8%3A%3A1"), "{url}");
        assert!(!url.contains("event="));
        p.event = AnnounceEvent::Stopped;
        let url = announce_url("http://t.example/announce?", &p).unwrap();
        assert!(url.contains("announce?info_hash=") && url.contains("&numwant=0&"), "{url}");
    }

    #[test]
    fn unusable_urls() {
        for (url, error) in [
            ("udp://t.example:80/announce", UrlError::UnsupportedScheme),
            ("wss://t.example/", UrlError::UnsupportedScheme),
            ("t.example/announce", UrlError::Invalid),
            ("http://", UrlError::Invalid),
            ("", UrlError::Invalid),
        ] {
            assert_eq!(announce_url(url, &params()), Err(error), "{url}");
            assert_eq!(scrape_url(url, &[]), None, "{url}");
        }
    }

    /// The table of BEP 48.
    #[test]
    fn scrape_convention() {
        for (announce, scrape) in [
            ("http://example.com/announce", Some("http://example.com/scrape")),
            ("http://example.com/x/announce", Some("http://example.com/x/scrape")),
            ("http://example.com/announce.php", Some("http://example.com/scrape.php")),
            ("http://example.com/a", None),
            ("http://example.com/announce?x2%0644", Some("http://example.com/scrape?x2%0644")),
            ("http://example.com/announce?x=2/4", Some("http://example.com/scrape?x=2/4")),
            ("http://example.com/x%064announce", None),
            ("http://announce", None),
        ] {
            assert_eq!(scrape_url(announce, &[]).as_deref(), scrape, "{announce}");
        }
        let two = scrape_url("http://example.com/announce?a=1", &[params().info_hash; 2]).unwrap();
        assert_eq!(two, format!("http://example.com/scrape?a=1&{HASH}&{HASH}"));
    }
}

//! `udp://` URLs: whom to ask, and what of the URL the tracker is told (BEP 41).

use url::Url;

use super::super::UrlError;

/// A UDP tracker's URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpTarget {
    /// Name or address, without brackets: to be resolved.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query as the announce carries them; empty when there is nothing to tell.
    pub url_data: Vec<u8>,
}

impl UdpTarget {
    /// Takes a tracker's URL apart.
    ///
    /// # Errors
    /// When it is no URL with a host and a port, or not `udp`.
    pub fn parse(tracker: &str) -> Result<Self, UrlError> {
        let url = Url::parse(tracker.trim()).map_err(|_| UrlError::Invalid)?;
        if url.scheme() != "udp" {
            return Err(UrlError::UnsupportedScheme);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(UrlError::Invalid)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port().filter(|port| *port != 0).ok_or(UrlError::Invalid)?;
        let query = url.query().unwrap_or_default();
        // `/announce` is what everybody writes and nobody means: without it the packet keeps the
        // 98 bytes that trackers from before BEP 41 take.
        let plain = query.is_empty() && matches!(url.path(), "" | "/" | "/announce");
        let mut url_data = Vec::new();
        if !plain {
            url_data.extend_from_slice(url.path().as_bytes());
            if !query.is_empty() {
                url_data.push(b'?');
                url_data.extend_from_slice(query.as_bytes());
            }
        }
        Ok(Self { host, port, url_data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let parse = |url| UdpTarget::parse(url);
        let target = |host: &str, port, data: &str| {
            Ok(UdpTarget { host: host.into(), port, url_data: data.into() })
        };
        assert_eq!(parse("udp://t.example:80"), target("t.example", 80, ""));
        assert_eq!(parse(" udp://t.example:80/announce "), target("t.example", 80, ""));
        assert_eq!(parse("udp://[2001:db8::1]:6969/"), target("2001:db8::1", 6969, ""));
        assert_eq!(parse("udp://1.2.3.4:1/dir?a=b#c"), target("1.2.3.4", 1, "/dir?a=b"));
        assert_eq!(parse("udp://t:1/announce?key=x"), target("t", 1, "/announce?key=x"));
        assert_eq!(parse("http://t.example:80/"), Err(UrlError::UnsupportedScheme));
        for bad in ["udp://t.example/announce", "udp://:80", "udp://t:0", "udp:80", "nonsense"] {
            assert_eq!(parse(bad), Err(UrlError::Invalid), "{bad}");
        }
    }
}

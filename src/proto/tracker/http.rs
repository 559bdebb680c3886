//! As much of HTTP/1.1 as asking a tracker takes, sans-IO: one GET, one answer, then close.
//!
//! Deliberately absent: keep-alive, cookies, authentication, request bodies, caching, TLS itself.

use url::{Host, Url};

use super::gunzip::gunzip;
use super::http_body::{Body, Framing};
use crate::base::limits::{REDIRECTS, TRACKER_REPLY_BYTES};

/// Bytes of an answer's status line and headers: a server that never ends them.
const HEAD_BYTES: usize = 32 << 10;
/// Headers of an answer.
const HEADERS: usize = 96;

/// Why a request cannot be made or its answer is unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// The body does not decompress.
    BadCompression,
    /// A redirect to something that is no HTTP URL.
    BadRedirect,
    /// Not an absolute URL with a host.
    InvalidUrl,
    /// Not HTTP; says what was wrong.
    Malformed(&'static str),
    /// Longer than a tracker's reply may be, before or after decompression.
    TooLarge,
    /// More than `limits::REDIRECTS` redirects.
    TooManyRedirects,
    /// The connection ended before the answer did.
    Truncated,
    /// A content or transfer coding that was not asked for.
    UnsupportedCoding,
    /// Neither `http` nor `https`.
    UnsupportedScheme,
}

impl core::fmt::Display for HttpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::BadCompression => "corrupt compressed body",
            Self::BadRedirect => "redirect to an unusable url",
            Self::InvalidUrl => "not a usable url",
            Self::Malformed(what) => return write!(f, "malformed http answer: {what}"),
            Self::TooLarge => "answer is too long",
            Self::TooManyRedirects => "too many redirects",
            Self::Truncated => "connection closed before the answer was complete",
            Self::UnsupportedCoding => "unsupported content or transfer coding",
            Self::UnsupportedScheme => "url scheme is not supported",
        })
    }
}

impl core::error::Error for HttpError {}

/// One GET request; follows redirects by making the next one with [`Self::redirect`].
#[derive(Clone, Debug)]
pub struct HttpRequest {
    url: Url,
    host: String,
    user_agent: String,
    redirects: u32,
    max_body: usize,
}

impl HttpRequest {
    /// A GET of an absolute `http` or `https` URL.
    ///
    /// # Errors
    /// `InvalidUrl` or `UnsupportedScheme`.
    pub fn get(url: &str, user_agent: &str) -> Result<Self, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::InvalidUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::UnsupportedScheme);
        }
        let host = match url.host().ok_or(HttpError::InvalidUrl)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        // A header value cannot be broken out of.
        let user_agent = user_agent.chars().filter(|c| matches!(c, ' '..='~')).collect();
        Ok(Self { url, host, user_agent, redirects: 0, max_body: TRACKER_REPLY_BYTES })
    }

    /// The same with another bound on the answer's body, in bytes.
    #[must_use]
    pub fn at_most(self, max_body: usize) -> Self {
        Self { max_body, ..self }
    }

    /// Host to connect to: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// Whether TLS is to be spoken.
    #[must_use]
    pub fn tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL asked.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The bytes to send. Half-closing the connection afterwards is allowed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let agent = match self.user_agent.as_str() {
            "" => String::new(),
            agent => format!("User-Agent: {agent}\r\n"),
        };
        let path = self.url.path();
        format!(
            "GET {path}{query} HTTP/1.1\r\nHost: {host}{port}\r\n{agent}\
             Accept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        )
        .into_bytes()
    }

    /// A parser for the answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let (url, max_body) = (self.url.clone(), self.max_body);
        HttpResponse { url, max_body, state: State::Head(Vec::new()) }
    }

    /// The next request after `HttpOutcome::Redirect(location)`.
    ///
    /// # Errors
    /// `TooManyRedirects` after `limits::REDIRECTS` of them, otherwise as [`Self::get`].
    pub fn redirect(&self, location: &str) -> Result<Self, HttpError> {
        if self.redirects >= REDIRECTS {
            return Err(HttpError::TooManyRedirects);
        }
        let next = Self::get(location, &self.user_agent)?;
        Ok(Self { redirects: self.redirects + 1, max_body: self.max_body, ..next })
    }
}

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpOutcome {
    /// Any answer but a redirect; trackers send failure reasons with other statuses than 200 too.
    Response {
        /// Status code.
        status: u16,
        /// Body, decompressed.
        body: Vec<u8>,
    },
    /// Ask this absolute URL instead.
    Redirect(String),
}

#[derive(Debug)]
enum State {
    /// Status line and headers so far.
    Head(Vec<u8>),
    Body {
        status: u16,
        gzip: bool,
        body: Body,
    },
    Done,
}

/// Incremental parser of one answer.
#[derive(Debug)]
pub struct HttpResponse {
    /// What relative redirects are relative to.
    url: Url,
    max_body: usize,
    state: State,
}

/// What a head says.
struct Head {
    len: usize,
    status: u16,
    framing: Framing,
    gzip: bool,
    location: Option<String>,
}

impl HttpResponse {
    /// Takes bytes from the socket. `Some` ends the exchange: close the socket. More bytes after
    /// that, or after an error, are ignored.
    ///
    /// # Errors
    /// When the answer is not HTTP, too long, or in a coding not asked for.
    pub fn receive(&mut self, data: &[u8]) -> Result<Option<HttpOutcome>, HttpError> {
        let result = self.step(data);
        if !matches!(result, Ok(None)) {
            self.state = State::Done;
        }
        result
    }

    /// The server closed its side.
    ///
    /// # Errors
    /// `Truncated` when the answer was not complete, or what its body is wrong with.
    pub fn finish(&mut self) -> Result<HttpOutcome, HttpError> {
        match core::mem::replace(&mut self.state, State::Done) {
            State::Body { status, gzip, body } if body.may_end() => {
                respond(status, gzip, body.into_bytes(), self.max_body)
            }
            _ => Err(HttpError::Truncated),
        }
    }

    fn step(&mut self, data: &[u8]) -> Result<Option<HttpOutcome>, HttpError> {
        let mut rest = data.to_vec();
        loop {
            match &mut self.state {
                State::Done => return Ok(None),
                State::Head(seen) => {
                    // Only what may complete the head is worth a look.
                    let news = seen.len().saturating_sub(3);
                    seen.append(&mut rest);
                    if !seen.get(news..).is_some_and(has_blank_line) {
                        return bounded_head(seen.len()).map(|()| None);
                    }
                    // An empty line may also stand in front of the status line.
                    let Some(head) = parse_head(seen)? else {
                        return bounded_head(seen.len()).map(|()| None);
                    };
                    rest = seen.split_off(head.len.min(seen.len()));
                    bounded_head(seen.len())?;
                    if (100..200).contains(&head.status) {
                        // An interim answer; the real one follows.
                        self.state = State::Head(Vec::new());
                        continue;
                    }
                    if let Some(location) = &head.location {
                        return self.redirection(location).map(Some);
                    }
                    let Head { status, gzip, framing, .. } = head;
                    let body = Body::new(framing, self.max_body)?;
                    self.state = State::Body { status, gzip, body };
                }
                State::Body { status, gzip, body } => {
                    if !body.feed(&rest)? {
                        return Ok(None);
                    }
                    let bytes = body.take();
                    return respond(*status, *gzip, bytes, self.max_body).map(Some);
                }
            }
        }
    }

    fn redirection(&self, location: &str) -> Result<HttpOutcome, HttpError> {
        let url = self.url.join(location).map_err(|_| HttpError::BadRedirect)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(HttpError::BadRedirect);
        }
        Ok(HttpOutcome::Redirect(url.into()))
    }
}

fn bounded_head(len: usize) -> Result<(), HttpError> {
    if len > HEAD_BYTES { Err(HttpError::Malformed("headers are too long")) } else { Ok(()) }
}

fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(3).any(|w| w == b"\n\r\n")
}

/// The status line and headers at the front; `None` when they are not complete.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, HttpError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let mut config = httparse::ParserConfig::default();
    config.ignore_invalid_headers_in_responses(true);
    let parsed = config.parse_response(&mut response, bytes);
    let (len, status) = match (parsed, response.code) {
        (Ok(httparse::Status::Complete(len)), Some(status)) => (len, status),
        (Ok(httparse::Status::Partial), _) => return Ok(None),
        _ => return Err(HttpError::Malformed("bad status line or headers")),
    };
    let mut head = Head { len, status, framing: Framing::UntilClose, gzip: false, location: None };
    let mut length = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let value = header.value.trim_ascii();
        if header.name.eq_ignore_ascii_case("content-length") {
            let parsed = decimal(value).ok_or(HttpError::Malformed("bad content-length"))?;
            if length.is_some_and(|length| length != parsed) {
                return Err(HttpError::Malformed("contradicting content-length"));
            }
            length = Some(parsed);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            match value.to_ascii_lowercase().as_slice() {
                b"chunked" => chunked = true,
                b"identity" => {}
                _ => return Err(HttpError::UnsupportedCoding),
            }
        } else if header.name.eq_ignore_ascii_case("content-encoding") {
            match value.to_ascii_lowercase().as_slice() {
                b"gzip" | b"x-gzip" => head.gzip = true,
                b"identity" | b"" => {}
                _ => return Err(HttpError::UnsupportedCoding),
            }
        } else if header.name.eq_ignore_ascii_case("location")
            && matches!(status, 301 | 302 | 303 | 307 | 308)
        {
            let text = core::str::from_utf8(value).map_err(|_| HttpError::BadRedirect)?;
            head.location = Some(text.to_owned());
        }
    }
    // RFC 9112 section 6.3: some statuses have no body, chunked goes before a length.
    head.framing = match (status, chunked, length) {
        (204 | 304, _, _) => Framing::Length(0),
        (_, true, _) => Framing::Chunked,
        (_, _, Some(length)) => Framing::Length(length),
        _ => Framing::UntilClose,
    };
    Ok(Some(head))
}

fn decimal(value: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(value).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn respond(
    status: u16,
    gzip: bool,
    body: Vec<u8>,
    max_body: usize,
) -> Result<HttpOutcome, HttpError> {
    // Some trackers compress without saying so. No bencode begins with these two bytes.
    let gzip = (gzip && !body.is_empty()) || body.starts_with(&[0x1f, 0x8b]);
    let body = if gzip { gunzip(&body, max_body)? } else { body };
    Ok(HttpOutcome::Response { status, body })
}

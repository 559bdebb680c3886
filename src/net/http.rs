//! The HTTP(S) client transport: one connection per request, redirects followed.
//!
//! What is asked and how an answer parses is [`crate::proto::tracker`]'s; this file moves the
//! bytes. After a plain request the sending side is closed (half-close): many trackers free their
//! slot on it. Not so under TLS, where servers take it for an abort.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::ssrf::Reach;
use super::tls::Tls;
use crate::base::limits::TRACKER_REPLY_BYTES;
use crate::proto::tracker::{HttpError, HttpOutcome, HttpRequest};

/// Bytes read at once; replies are a few hundred bytes.
const READ_BYTES: usize = 8 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Body, decompressed.
    pub body: Vec<u8>,
    /// Bytes sent, redirects included, without TLS.
    pub sent: u64,
    /// Bytes received, redirects included, without TLS.
    pub received: u64,
}

/// Bytes moved so far.
#[derive(Default)]
struct Moved {
    sent: u64,
    received: u64,
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchError {
    /// Nothing complete within the time given.
    TimedOut,
    /// The name has no address.
    Resolve(io::Error),
    /// No address could be connected to; the last one's error.
    Connect(io::Error),
    /// TLS could not be set up: certificate, protocol, or a build without TLS.
    Tls(io::Error),
    /// The connection broke.
    Io(io::Error),
    /// Bad URL or redirect, or an answer that is not HTTP or too long.
    Http(HttpError),
    /// The host, or one it redirects to, is on a network of ours and whoever named it is not to
    /// reach that.
    Private,
}

impl core::fmt::Display for FetchError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TimedOut => f.write_str("timed out"),
            Self::Resolve(error) => write!(f, "name not resolved: {error}"),
            Self::Connect(error) => write!(f, "not connected: {error}"),
            Self::Tls(error) => write!(f, "tls: {error}"),
            Self::Io(error) => write!(f, "connection broke: {error}"),
            Self::Http(error) => write!(f, "http: {error}"),
            Self::Private => f.write_str("the host is on a private network"),
        }
    }
}

impl core::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::TimedOut | Self::Private => None,
            Self::Resolve(e) | Self::Connect(e) | Self::Tls(e) | Self::Io(e) => Some(e),
            Self::Http(e) => Some(e),
        }
    }
}

/// What is taken from whom.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Bytes of the body, before and after decompression.
    pub max_body: usize,
    /// Hosts that may be asked, redirects included.
    pub reach: Reach,
}

/// As [`get`], on other terms than those for trackers.
pub async fn get_on(
    url: &str,
    user_agent: &str,
    tls: &Tls,
    timeout: Duration,
    terms: Terms,
) -> Result<Response, FetchError> {
    let request = HttpRequest::get(url, user_agent).map_err(FetchError::Http)?;
    let deadline = Instant::now() + timeout;
    let following = follow(request.at_most(terms.max_body), tls, deadline, terms.reach);
    tokio::time::timeout_at(deadline, following).await.unwrap_or(Err(FetchError::TimedOut))
}

/// Asks `url`, following redirects, all within `timeout`.
pub async fn get(
    url: &str,
    user_agent: &str,
    tls: &Tls,
    timeout: Duration,
) -> Result<Response, FetchError> {
    let terms = Terms { max_body: TRACKER_REPLY_BYTES, reach: Reach::Everything };
    get_on(url, user_agent, tls, timeout, terms).await
}

async fn follow(
    mut request: HttpRequest,
    tls: &Tls,
    deadline: Instant,
    reach: Reach,
) -> Result<Response, FetchError> {
    let mut moved = Moved::default();
    loop {
        match exchange(&request, tls, deadline, reach, &mut moved).await? {
            HttpOutcome::Response { status, body } => {
                let Moved { sent, received } = moved;
                return Ok(Response { status, body, sent, received });
            }
            // `redirect` counts, so this ends.
            HttpOutcome::Redirect(to) => {
                request = request.redirect(&to).map_err(FetchError::Http)?;
            }
        }
    }
}

async fn exchange(
    request: &HttpRequest,
    tls: &Tls,
    deadline: Instant,
    reach: Reach,
    moved: &mut Moved,
) -> Result<HttpOutcome, FetchError> {
    let stream = connect(request.host(), request.port(), deadline, reach).await?;
    if request.tls() {
        let stream = tls.connect(stream, request.host()).await.map_err(FetchError::Tls)?;
        converse(stream, request, false, moved).await
    } else {
        converse(stream, request, true, moved).await
    }
}

/// Connects to the first address of `host` that answers. Each attempt gets an equal part of the
/// time that is left, so that a dead first address does not eat the others' time.
async fn connect(
    host: &str,
    port: u16,
    deadline: Instant,
    reach: Reach,
) -> Result<TcpStream, FetchError> {
    let mut addrs = resolve(host, port).await.map_err(FetchError::Resolve)?;
    // What is connected to is what was judged: a name cannot change between the two.
    let any = !addrs.is_empty();
    addrs.retain(|addr| reach.allows(addr.ip()));
    if any && addrs.is_empty() {
        return Err(FetchError::Private);
    }
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, addr) in addrs.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addrs.len() - tried).unwrap_or(u32::MAX);
        match super::dial::connect(*addr, share).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(FetchError::Connect(last))
}

/// The addresses of a name, in the resolver's order; literals do not bother it. Runs on the
/// runtime's blocking pool, whose size bounds concurrent look-ups.
pub async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    Ok(tokio::net::lookup_host((host, port)).await?.collect())
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &HttpRequest,
    half_close: bool,
    moved: &mut Moved,
) -> Result<HttpOutcome, FetchError> {
    let asked = request.to_bytes();
    stream.write_all(&asked).await.map_err(FetchError::Io)?;
    moved.sent += asked.len() as u64;
    stream.flush().await.map_err(FetchError::Io)?;
    if half_close {
        // A server that answered and closed already makes this fail; its answer is what counts.
        let _ = stream.shutdown().await;
    }
    let mut response = request.response();
    let mut chunk = [0; READ_BYTES];
    loop {
        let read = match stream.read(&mut chunk).await {
            // Servers often leave without TLS's goodbye; the parser knows whether the answer is
            // whole.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            other => other.map_err(FetchError::Io)?,
        };
        if read == 0 {
            return response.finish().map_err(FetchError::Http);
        }
        moved.received += read as u64;
        let data = chunk.get(..read).unwrap_or(&[]);
        if let Some(outcome) = response.receive(data).map_err(FetchError::Http)? {
            return Ok(outcome);
        }
    }
}

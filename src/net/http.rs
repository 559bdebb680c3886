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

use super::tls::Tls;
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
        }
    }
}

impl core::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::TimedOut => None,
            Self::Resolve(e) | Self::Connect(e) | Self::Tls(e) | Self::Io(e) => Some(e),
            Self::Http(e) => Some(e),
        }
    }
}

/// Asks `url`, following redirects, all within `timeout`.
pub async fn get(
    url: &str,
    user_agent: &str,
    tls: &Tls,
    timeout: Duration,
) -> Result<Response, FetchError> {
    let deadline = Instant::now() + timeout;
    tokio::time::timeout_at(deadline, follow(url, user_agent, tls, deadline))
        .await
        .unwrap_or(Err(FetchError::TimedOut))
}

async fn follow(
    url: &str,
    user_agent: &str,
    tls: &Tls,
    deadline: Instant,
) -> Result<Response, FetchError> {
    let mut request = HttpRequest::get(url, user_agent).map_err(FetchError::Http)?;
    let mut moved = Moved::default();
    loop {
        match exchange(&request, tls, deadline, &mut moved).await? {
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
    moved: &mut Moved,
) -> Result<HttpOutcome, FetchError> {
    let stream = connect(request.host(), request.port(), deadline).await?;
    if request.tls() {
        let stream = tls.connect(stream, request.host()).await.map_err(FetchError::Tls)?;
        converse(stream, request, false, moved).await
    } else {
        converse(stream, request, true, moved).await
    }
}

/// Connects to the first address of `host` that answers. Each attempt gets an equal part of the
/// time that is left, so that a dead first address does not eat the others' time.
async fn connect(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, FetchError> {
    let addrs = resolve(host, port).await.map_err(FetchError::Resolve)?;
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
async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
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

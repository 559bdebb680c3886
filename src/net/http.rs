//! The HTTP(S) client transport: one connection per request, redirects followed.
//!
//! What is asked and how an answer parses is [`crate::proto::tracker`]'s; this file moves the
//! bytes. After a plain request the sending side is closed (half-close): many trackers free their
//! slot on it. Not so under TLS, where servers take it for an abort.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::names;
use super::tls::Tls;
use crate::base::is_private;
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
    /// A redirect from the world into a private network.
    Private,
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
            Self::Private => f.write_str("redirected to a private network, which is not allowed"),
            Self::Http(error) => write!(f, "http: {error}"),
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

/// How to ask.
#[derive(Clone, Copy, Debug)]
pub struct Wants<'a> {
    /// `User-Agent`.
    pub user_agent: &'a str,
    /// Time for everything, redirects included.
    pub timeout: Duration,
    /// Only over IPv6, or only over IPv4.
    pub v6: Option<bool>,
    /// Follow a redirect from a host in the world to one in a private network. Without it a
    /// stranger's server cannot make us talk to our neighbours, who may do what we say because we
    /// are near (server-side request forgery).
    pub private_redirects: bool,
}

/// Asks `url`, following redirects.
pub async fn get(url: &str, wants: &Wants<'_>, tls: &Tls) -> Result<Response, FetchError> {
    let request = HttpRequest::get(url, wants.user_agent).map_err(FetchError::Http)?;
    fetch(request, wants, tls, false).await
}

/// As [`get`], of a URL that a stranger named: a body of at most `max_body` bytes, and only from a
/// host in the world when `public_only`.
pub async fn get_file(
    url: &str,
    wants: &Wants<'_>,
    tls: &Tls,
    max_body: usize,
    public_only: bool,
) -> Result<Response, FetchError> {
    let request = HttpRequest::get(url, wants.user_agent).map_err(FetchError::Http)?;
    fetch(request.at_most(max_body), wants, tls, public_only).await
}

async fn fetch(
    request: HttpRequest,
    wants: &Wants<'_>,
    tls: &Tls,
    public_only: bool,
) -> Result<Response, FetchError> {
    let deadline = Instant::now() + wants.timeout;
    let route = Route { v6: wants.v6, public_only };
    let following = follow(request, route, wants, tls, deadline);
    tokio::time::timeout_at(deadline, following).await.unwrap_or(Err(FetchError::TimedOut))
}

async fn follow(
    mut request: HttpRequest,
    mut route: Route,
    wants: &Wants<'_>,
    tls: &Tls,
    deadline: Instant,
) -> Result<Response, FetchError> {
    let mut moved = Moved::default();
    loop {
        let (outcome, from) = exchange(&request, tls, route, deadline, &mut moved).await?;
        match outcome {
            HttpOutcome::Response { status, body } => {
                let Moved { sent, received } = moved;
                return Ok(Response { status, body, sent, received });
            }
            // `redirect` counts, so this ends; it knows no scheme but HTTP's.
            HttpOutcome::Redirect(to) => {
                request = request.redirect(&to).map_err(FetchError::Http)?;
                // Where the answer came from decides, not what the name was said to be.
                route.public_only |= !wants.private_redirects && !is_private(from.ip());
            }
        }
    }
}

/// Which addresses may be connected to.
#[derive(Clone, Copy)]
struct Route {
    v6: Option<bool>,
    public_only: bool,
}

async fn exchange(
    request: &HttpRequest,
    tls: &Tls,
    route: Route,
    deadline: Instant,
    moved: &mut Moved,
) -> Result<(HttpOutcome, SocketAddr), FetchError> {
    let (stream, addr) = connect(request.host(), request.port(), route, deadline).await?;
    let outcome = if request.tls() {
        let stream = tls.connect(stream, request.host()).await.map_err(FetchError::Tls)?;
        converse(stream, request, false, moved).await
    } else {
        converse(stream, request, true, moved).await
    };
    outcome.map(|outcome| (outcome, addr))
}

/// Connects to the first address of `host` that answers. Each attempt gets an equal part of the
/// time that is left, so that a dead first address does not eat the others' time.
async fn connect(
    host: &str,
    port: u16,
    route: Route,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), FetchError> {
    let mut addrs = names::addresses(host).await.map_err(FetchError::Resolve)?;
    let known = !addrs.is_empty();
    if route.public_only {
        addrs.retain(|ip| !is_private(*ip));
    }
    if known && addrs.is_empty() {
        return Err(FetchError::Private);
    }
    addrs.retain(|ip| route.v6.is_none_or(|v6| v6 == ip.to_canonical().is_ipv6()));
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, ip) in addrs.iter().enumerate() {
        let addr = SocketAddr::new(*ip, port);
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addrs.len() - tried).unwrap_or(u32::MAX);
        match super::dial::connect(addr, share).await {
            Ok(stream) => return Ok((stream, addr)),
            Err(error) => last = error,
        }
    }
    Err(FetchError::Connect(last))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_the_world_does_not_go_on_into_a_private_network() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async {
            let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = server.local_addr().unwrap().port();
            let deadline = Instant::now() + Duration::from_secs(60);
            let world = Route { v6: None, public_only: true };
            for host in ["127.0.0.1", "localhost"] {
                let refused = connect(host, port, world, deadline).await;
                assert!(matches!(refused, Err(FetchError::Private)), "{host}");
            }
            let near = Route { v6: Some(false), public_only: false };
            let (_, addr) = connect("localhost", port, near, deadline).await.unwrap();
            assert_eq!(addr, server.local_addr().unwrap());
            let far = Route { v6: Some(true), public_only: false };
            let refused = connect("127.0.0.1", port, far, deadline).await;
            assert!(matches!(refused, Err(FetchError::Connect(_))));
        });
    }
}

//! SKETCH of signatures; body follows.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

/// Why a request cannot be made or its answer is unusable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// Placeholder.
    Bad(&'static str),
}

impl core::fmt::Display for HttpError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("bad")
    }
}

impl core::error::Error for HttpError {}

/// One GET request; follows redirects by making the next one with [`Self::redirect`].
#[derive(Clone, Debug)]
pub struct HttpRequest {
    _todo: (),
}

impl HttpRequest {
    /// A GET of an absolute `http` or `https` URL.
    pub fn get(url: &str, user_agent: &str) -> Result<Self, HttpError> {
        todo!()
    }
    /// Host to connect to: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        todo!()
    }
    /// Port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        todo!()
    }
    /// Whether TLS is to be spoken.
    #[must_use]
    pub fn tls(&self) -> bool {
        todo!()
    }
    /// The URL asked.
    #[must_use]
    pub fn url(&self) -> &str {
        todo!()
    }
    /// The bytes to send. Half-close afterwards is allowed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }
    /// A parser for the answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        todo!()
    }
    /// The next request after `HttpOutcome::Redirect(location)`; fails after `limits::REDIRECTS`.
    pub fn redirect(&self, location: &str) -> Result<Self, HttpError> {
        todo!()
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

/// Incremental parser of one answer.
#[derive(Debug)]
pub struct HttpResponse {
    _todo: (),
}

impl HttpResponse {
    /// Takes bytes from the socket. `Some` ends the exchange: close the socket.
    pub fn receive(&mut self, data: &[u8]) -> Result<Option<HttpOutcome>, HttpError> {
        todo!()
    }
    /// The peer closed its side.
    pub fn finish(&mut self) -> Result<HttpOutcome, HttpError> {
        todo!()
    }
}

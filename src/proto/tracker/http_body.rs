//! The body of an HTTP answer: its three framings (RFC 9112 section 6), bounded.

use super::http::HttpError;

/// Bytes of a chunk's size line or of a trailer line.
const LINE_BYTES: usize = 4096;
/// Lines after the last chunk.
const TRAILER_LINES: u32 = 64;

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// The connection's end.
    UntilClose,
}

#[derive(Debug)]
enum State {
    /// Bytes still to come.
    Length(u64),
    /// A chunk's size line, so far.
    ChunkSize(Vec<u8>),
    /// Bytes of the chunk still to come.
    ChunkData(u64),
    /// The line end after a chunk's data, so far.
    ChunkEnd(Vec<u8>),
    /// A line after the last chunk so far; how many there were.
    Trailer(Vec<u8>, u32),
    UntilClose,
}

/// A body being received.
#[derive(Debug)]
pub(super) struct Body {
    state: State,
    bytes: Vec<u8>,
    limit: usize,
}

impl Body {
    /// A body of at most `limit` bytes.
    pub(super) fn new(framing: Framing, limit: usize) -> Result<Self, HttpError> {
        let state = match framing {
            Framing::Length(length) if length > limit as u64 => return Err(HttpError::TooLarge),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize(Vec::new()),
            Framing::UntilClose => State::UntilClose,
        };
        Ok(Self { state, bytes: Vec::new(), limit })
    }

    /// Takes bytes; true when the body is complete (what follows it is dropped).
    pub(super) fn feed(&mut self, mut data: &[u8]) -> Result<bool, HttpError> {
        loop {
            match &mut self.state {
                State::UntilClose => {
                    append(&mut self.bytes, data, self.limit)?;
                    return Ok(false);
                }
                State::Length(left) => {
                    let part = take(&mut data, left);
                    append(&mut self.bytes, part, self.limit)?;
                    return Ok(*left == 0);
                }
                State::ChunkSize(line) => {
                    if !read_line(&mut data, line)? {
                        return Ok(false);
                    }
                    self.state = match chunk_size(line)? {
                        0 => State::Trailer(Vec::new(), 0),
                        size => State::ChunkData(size),
                    };
                }
                State::ChunkData(left) => {
                    let part = take(&mut data, left);
                    append(&mut self.bytes, part, self.limit)?;
                    if *left != 0 {
                        return Ok(false);
                    }
                    self.state = State::ChunkEnd(Vec::new());
                }
                State::ChunkEnd(line) => {
                    if !read_line(&mut data, line)? {
                        return Ok(false);
                    }
                    if !line.is_empty() {
                        return Err(HttpError::Malformed("chunk longer than its size"));
                    }
                    self.state = State::ChunkSize(Vec::new());
                }
                State::Trailer(line, count) => {
                    if !read_line(&mut data, line)? {
                        return Ok(false);
                    }
                    if line.is_empty() {
                        return Ok(true);
                    }
                    if *count >= TRAILER_LINES {
                        return Err(HttpError::Malformed("too many trailers"));
                    }
                    self.state = State::Trailer(Vec::new(), *count + 1);
                }
            }
        }
    }

    /// Whether the connection's end is a proper end here. Servers exist that leave out the empty
    /// line after the last chunk; nothing of the body is missing then.
    pub(super) fn may_end(&self) -> bool {
        matches!(self.state, State::UntilClose | State::Length(0) | State::Trailer(..))
    }

    /// The bytes received.
    pub(super) fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.bytes)
    }

    /// The bytes received.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn append(bytes: &mut Vec<u8>, part: &[u8], limit: usize) -> Result<(), HttpError> {
    if part.len() > limit.saturating_sub(bytes.len()) {
        return Err(HttpError::TooLarge);
    }
    bytes.extend_from_slice(part);
    Ok(())
}

/// Up to `left` bytes off the front of `data`.
fn take<'a>(data: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
    let (part, rest) = data.split_at_checked(count).unwrap_or((*data, &[]));
    *data = rest;
    *left -= part.len() as u64;
    part
}

/// Moves bytes into `line` up to a line end; true when it came (it is not kept).
fn read_line(data: &mut &[u8], line: &mut Vec<u8>) -> Result<bool, HttpError> {
    let end = data.iter().position(|b| *b == b'\n');
    let (part, rest) =
        data.split_at_checked(end.map_or(data.len(), |at| at + 1)).unwrap_or_default();
    *data = rest;
    line.extend_from_slice(part);
    if line.len() > LINE_BYTES {
        return Err(HttpError::Malformed("chunk line is too long"));
    }
    if line.last() != Some(&b'\n') {
        return Ok(false);
    }
    line.pop();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(true)
}

/// Hexadecimal digits, then perhaps extensions nobody uses.
fn chunk_size(line: &[u8]) -> Result<u64, HttpError> {
    const BAD: HttpError = HttpError::Malformed("bad chunk size");
    let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    let text = core::str::from_utf8(digits).map_err(|_| BAD)?;
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(BAD);
    }
    u64::from_str_radix(text, 16).map_err(|_| BAD)
}

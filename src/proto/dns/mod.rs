//! One question of the DNS (RFC 1035): the TXT records of a name, sans-IO.
//!
//! Addresses come from the system's resolver; it does not tell texts, and BEP 34 is about texts.
//! [`question`] is the packet to ask with, [`texts`] reads the answer. Deliberately absent: other
//! kinds of records, caching, truncated answers over TCP (a record that does not fit a datagram is
//! not about a tracker), and what the texts mean.

#[cfg(test)]
mod tests;

/// Kind of record, TXT.
const TXT: u16 = 16;
/// Class of record, internet.
const IN: u16 = 1;
/// Bytes of a packet's head.
const HEAD: usize = 12;
/// Bytes of a name, and of each of its labels (RFC 1035, 2.3.4).
const NAME_BYTES: usize = 255;
const LABEL_BYTES: usize = 63;
/// Records looked at: an answer with thousands of tiny ones.
const RECORDS_MAX: usize = 64;
/// Texts kept, and bytes of each.
const TEXTS_MAX: usize = 32;
const TEXT_BYTES: usize = 1024;

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DnsError {
    /// Not the answer to this question, or not well formed: wait for another.
    NotAnAnswer,
    /// The server has a trouble, with its code (RFC 1035, 4.1.1): ask another.
    Server(u8),
    /// The answer did not fit.
    Truncated,
}

impl core::fmt::Display for DnsError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotAnAnswer => f.write_str("not an answer to the question"),
            Self::Server(code) => write!(f, "the name server has a trouble (code {code})"),
            Self::Truncated => f.write_str("the answer does not fit a datagram"),
        }
    }
}

impl core::error::Error for DnsError {}

/// The packet that asks for the texts of `name`, with a number nobody can guess. `None` for what is
/// no name: empty, too long, or with an empty label.
#[must_use]
pub fn question(id: u16, name: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(HEAD + name.len() + 6);
    out.extend_from_slice(&id.to_be_bytes());
    // Recursion desired; one question.
    out.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    let name = name.strip_suffix('.').unwrap_or(name);
    for label in name.split('.') {
        let len = u8::try_from(label.len()).ok()?;
        if len == 0 || label.len() > LABEL_BYTES {
            return None;
        }
        out.push(len);
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    if out.len() - HEAD > NAME_BYTES {
        return None;
    }
    out.extend_from_slice(&TXT.to_be_bytes());
    out.extend_from_slice(&IN.to_be_bytes());
    Some(out)
}

/// Reads the answer to a packet of [`question`]: each record's strings joined. Empty when there are
/// no such records, or no such name.
///
/// # Errors
/// As [`DnsError`] says.
pub fn texts(question: &[u8], answer: &[u8]) -> Result<Vec<Vec<u8>>, DnsError> {
    let mut r = Reader { bytes: answer, at: 0 };
    let asked = question.get(HEAD..).ok_or(DnsError::NotAnAnswer)?;
    let id = r.take(2).ok_or(DnsError::NotAnAnswer)?;
    let [high, low] = *r.array::<2>().ok_or(DnsError::NotAnAnswer)?;
    let counts = [r.u16(), r.u16(), r.u16(), r.u16()];
    let [Some(1), Some(records), Some(_), Some(_)] = counts else {
        return Err(DnsError::NotAnAnswer);
    };
    // An answer, to a plain question, to this one: names are compared without regard to case.
    let echoed = r.take(asked.len()).is_some_and(|echo| echo.eq_ignore_ascii_case(asked));
    if question.get(..2) != Some(id) || high & 0xf8 != 0x80 || !echoed {
        return Err(DnsError::NotAnAnswer);
    }
    if high & 2 != 0 {
        return Err(DnsError::Truncated);
    }
    match low & 0x0f {
        0 => {}
        // No such name.
        3 => return Ok(Vec::new()),
        code => return Err(DnsError::Server(code)),
    }
    let mut found = Vec::new();
    for _ in 0..usize::from(records).min(RECORDS_MAX) {
        let (kind, data) = r.record().ok_or(DnsError::NotAnAnswer)?;
        if kind == (TXT, IN) && found.len() < TEXTS_MAX {
            found.push(join(data).ok_or(DnsError::NotAnAnswer)?);
        }
    }
    Ok(found)
}

/// A record's strings, each behind its length, as one.
fn join(mut data: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    while let Some((len, rest)) = data.split_first() {
        let (part, rest) = rest.split_at_checked(usize::from(*len))?;
        let room = TEXT_BYTES.saturating_sub(text.len());
        text.extend_from_slice(part.get(..room).unwrap_or(part));
        data = rest;
    }
    Some(text)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        self.take(N)?.first_chunk()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().copied().map(u16::from_be_bytes)
    }

    /// A record's type and class, and its data.
    fn record(&mut self) -> Option<((u16, u16), &'a [u8])> {
        self.skip_name()?;
        let kind = (self.u16()?, self.u16()?);
        let _time_to_live = self.take(4)?;
        let len = usize::from(self.u16()?);
        Some((kind, self.take(len)?))
    }

    /// Passes a name. One that goes on elsewhere ends here: where it leads to is not followed, so
    /// that none can lead in a circle.
    fn skip_name(&mut self) -> Option<()> {
        loop {
            let [len] = *self.array::<1>()?;
            match len >> 6 {
                0 if len == 0 => return Some(()),
                0 => drop(self.take(usize::from(len))?),
                3 => return self.take(1).map(drop),
                _ => return None,
            }
        }
    }
}

//! What other clients keep between runs: their files read into one form, [`ClientState`], and that
//! turned into resume data of ours ([`settle()`]).
//!
//! | module | reads |
//! |---|---|
//! | [`qbittorrent`] | `*.fastresume` and the rows of `torrents.db`; writes the former too |
//! | [`transmission`] | `resume/*.resume`, from 2.20 to 4.x |
//! | [`rtorrent`] | `*.libtorrent_resume` and `*.rtorrent`, or both inside the `.torrent` |
//! | [`deluge`] | `torrents.state` (by way of [`pickle`]) and `torrents.fastresume` |
//! | [`aria2`] | `*.aria2` and the list that `--save-session` writes |
//!
//! A reader says what the client believed. Whether that is believed here is decided in one place,
//! [`settle()`], which sees the files' present sizes and times: what the client had verified and
//! is unchanged is taken over, what is claimed without that is listed to be hashed, the rest is
//! missing.
//!
//! Deliberately absent: looking for files, reading databases, and anything that would run what a
//! file contains.

pub mod aria2;
pub mod deluge;
mod labels;
pub mod pickle;
pub mod qbittorrent;
pub mod rtorrent;
mod settle;
#[cfg(test)]
mod tests;
pub mod transmission;

use core::fmt;

use super::bencode;
use super::resume::{Resume, ResumeError};
use crate::base::InfoHash;

pub use labels::Labels;
pub use settle::{Settled, settle};

/// Why a client's file cannot be used: the field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// The key or place in the file, empty when the file as a whole is meant.
    pub field: String,
    /// One line.
    pub what: String,
}

impl ClientError {
    /// This field, for this reason.
    #[must_use]
    pub fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.what)
        } else {
            write!(f, "{}: {}", self.field, self.what)
        }
    }
}

impl core::error::Error for ClientError {}

impl From<bencode::Error> for ClientError {
    fn from(error: bencode::Error) -> Self {
        Self::new("", error.to_string())
    }
}

impl From<ResumeError> for ClientError {
    fn from(error: ResumeError) -> Self {
        let field = match error {
            ResumeError::Format => "file-format",
            ResumeError::MissingInfoHash => "info-hash",
            ResumeError::V2Only => "info-hash2",
            ResumeError::MismatchingInfoHash => "info",
            _ => "",
        };
        Self::new(field, error.to_string())
    }
}

/// What a client knows about one torrent.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientState {
    /// Names, counters, limits, priorities, trackers, peers; pieces only with [`Claims::Resume`].
    pub resume: Resume,
    /// Where the content is.
    pub place: Place,
    /// What is there.
    pub claims: Claims,
    /// What the client's user says about it.
    pub labels: Labels,
    /// Endings that the client gives to files it has not finished.
    pub endings: &'static [&'static str],
}

/// Where the content is; paths are bytes as the system has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below this directory, under the torrent's own name.
    Under(Vec<u8>),
    /// Below this directory, under this name.
    Named {
        /// The directory.
        dir: Vec<u8>,
        /// The name of the torrent's directory, or of its only file.
        name: Vec<u8>,
    },
    /// The files of a multi-file torrent are right in this directory, whatever it is called; a
    /// single file is in it under the torrent's name.
    Within(Vec<u8>),
}

/// What a client says is there.
#[derive(Clone, Debug, PartialEq)]
pub enum Claims {
    /// It does not say: whatever is found has to be hashed.
    Unknown,
    /// What [`ClientState::resume`] says.
    Resume,
    /// This.
    Known(Known),
}

/// Claims with the evidence for them.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Known {
    /// Pieces, or blocks of 16 KiB counted through the whole torrent.
    pub bits: Bits,
    /// Whether `bits` are blocks.
    pub blocks: bool,
    /// Pieces under way: index and wire-order bits of the 16 KiB blocks that are there.
    pub unfinished: Vec<(u32, Vec<u8>)>,
    /// By file; missing ones are [`Stamp::Any`].
    pub stamps: Vec<Stamp>,
    /// When each piece was verified.
    pub verified: Verified,
    /// Pieces the client itself would hash again.
    pub uncertain: Vec<u32>,
}

/// A bit field with short forms for the ends.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Bits {
    /// Nothing.
    #[default]
    None,
    /// Everything.
    All,
    /// In wire order.
    Raw(Vec<u8>),
}

impl Bits {
    /// Bit `index`; false beyond the end.
    #[must_use]
    pub fn get(&self, index: u32) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Raw(bytes) => {
                let byte = bytes.get((index / 8) as usize).copied().unwrap_or(0);
                byte & (0x80 >> (index % 8)) != 0
            }
        }
    }
}

/// What a file must look like for its pieces to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Long enough.
    Any,
    /// Modified at this second of Unix time.
    At(i64),
    /// Not believed.
    Distrust,
}

/// When pieces were verified, in Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Verified {
    /// All, before they were claimed.
    #[default]
    Always,
    /// These.
    Pieces(Bits),
    /// By file, for each piece of it; a piece counts when it was verified after the last change of
    /// its complete files. 0 is never.
    Times(Vec<Times>),
}

/// Times of the pieces of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Times {
    /// The same for all.
    Same(i64),
    /// For each.
    Each(Vec<i64>),
}

/// Text of a foreign file, whatever its encoding.
fn text(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).into_owned()
}

/// An info-hash in 40 hexadecimal digits.
#[must_use]
pub fn hash_of(hex: &[u8]) -> Option<InfoHash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let (pairs, rest) = hex.as_chunks::<2>();
    let mut out = [0; 20];
    if pairs.len() != out.len() || !rest.is_empty() {
        return None;
    }
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(InfoHash(out))
}

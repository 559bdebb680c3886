//! aria2's control files (`NAME.aria2`, beside the content while it is incomplete) and the list of
//! downloads that `--save-session` writes.
//!
//! A control file is binary: numbers big-endian, a bit field of whole pieces that were verified,
//! and the pieces under way with bits of their 16 KiB blocks. It does not say where the `.torrent`
//! is; the list does, or somebody who looks for its info-hash.
//!
//! Deliberately absent: control files of version 0, written in the byte order of the machine by
//! releases before 1.0, and entries of the list that are not torrents.

use super::super::resume::Resume;
use super::{Bits, Claims, ClientError, Known, Verified};
use crate::base::InfoHash;

/// What a control file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// The torrent.
    pub info_hash: InfoHash,
    /// Bytes of a piece.
    pub piece_length: u32,
    /// Bytes of the whole.
    pub total_length: u64,
    /// Bytes sent.
    pub uploaded: u64,
    /// What is there.
    pub claims: Claims,
}

/// Reads forward through a control file.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, field: &str) -> Result<&'a [u8], ClientError> {
        let (head, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| ClientError::new(field, "the file ends here"))?;
        self.rest = rest;
        Ok(head)
    }

    fn number(&mut self, bytes: usize, field: &str) -> Result<u64, ClientError> {
        let raw = self.take(bytes, field)?;
        Ok(raw.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte)))
    }

    fn small(&mut self, field: &str) -> Result<u32, ClientError> {
        let value = self.number(4, field)?;
        u32::try_from(value).map_err(|_| ClientError::new(field, "too large"))
    }

    fn sized(&mut self, field: &str) -> Result<&'a [u8], ClientError> {
        let length = usize::try_from(self.number(4, field)?).unwrap_or(usize::MAX);
        self.take(length, field)
    }
}

/// Reads a control file.
///
/// # Errors
/// When it is none, is of version 0, ends early, or belongs to a download that is no torrent.
pub fn control(data: &[u8]) -> Result<Control, ClientError> {
    let mut from = Reader { rest: data };
    if from.number(2, "version")? != 1 {
        return Err(ClientError::new("version", "not 1"));
    }
    let extension = from.number(4, "extension")?;
    let hash = from.sized("info hash")?;
    let hash = <[u8; 20]>::try_from(hash).ok().filter(|_| extension & 1 == 1);
    let hash = hash.ok_or_else(|| ClientError::new("info hash", "not a torrent's"))?;
    let piece_length = from.small("piece length")?;
    let total_length = from.number(8, "total length")?;
    let uploaded = from.number(8, "upload length")?;
    let bits = Bits::Raw(from.sized("bitfield")?.to_vec());
    let pieces = total_length.div_ceil(u64::from(piece_length.max(1)));
    let count = from.number(4, "in-flight pieces")?;
    let mut unfinished = Vec::new();
    for _ in 0..count {
        let index = from.small("in-flight index")?;
        let length = from.small("in-flight length")?;
        let mask = from.sized("in-flight bitfield")?;
        if u64::from(index) >= pieces || length > piece_length {
            return Err(ClientError::new("in-flight index", "beyond the torrent"));
        }
        unfinished.push((index, mask.to_vec()));
    }
    if !from.rest.is_empty() {
        return Err(ClientError::new("in-flight pieces", "data after the end"));
    }
    let known = Known { bits, unfinished, verified: Verified::Always, ..Known::default() };
    let claims = Claims::Known(known);
    Ok(Control { info_hash: InfoHash(hash), piece_length, total_length, uploaded, claims })
}

/// One torrent of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The `.torrent` file.
    pub torrent: String,
    /// Options, in order.
    pub options: Vec<(String, String)>,
}

impl Listed {
    /// The last value of an option.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What the options say that is kept in resume data. `files` is how many the torrent has.
    #[must_use]
    pub fn settings(&self, files: usize) -> Resume {
        let rate = |name: &str| self.option(name).and_then(bytes).filter(|rate| *rate > 0);
        let file_priority = match self.option("select-file").map(|list| selected(list, files)) {
            Some(chosen) if chosen.contains(&false) => {
                chosen.iter().map(|chosen| if *chosen { 4 } else { 0 }).collect()
            }
            _ => Vec::new(),
        };
        Resume {
            paused: self.option("pause") == Some("true"),
            auto_managed: false,
            upload_rate_limit: rate("max-upload-limit"),
            download_rate_limit: rate("max-download-limit"),
            file_priority,
            ..Resume::default()
        }
    }

    /// Other paths of files, by index from 0.
    #[must_use]
    pub fn renamed(&self) -> Vec<(u32, String)> {
        let all = self.options.iter().filter(|(key, _)| key == "index-out");
        all.filter_map(|(_, value)| {
            let (number, path) = value.split_once('=')?;
            Some((number.parse::<u32>().ok()?.checked_sub(1)?, path.to_owned()))
        })
        .collect()
    }
}

/// Reads the list: a line of addresses, then lines of options that start with a blank. Only entries
/// whose first address is a `.torrent` file on this machine are given.
#[must_use]
pub fn session(text: &str) -> Vec<Listed> {
    let mut out: Vec<Option<Listed>> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            if let (Some(Some(entry)), Some((key, value))) =
                (out.last_mut(), line.trim().split_once('='))
            {
                entry.options.push((key.to_owned(), value.to_owned()));
            }
            continue;
        }
        let address = line.split('\t').next().unwrap_or_default().trim();
        let is_torrent = !address.contains("://") && !address.starts_with("magnet:");
        out.push(is_torrent.then(|| Listed { torrent: address.into(), options: Vec::new() }));
    }
    out.into_iter().flatten().collect()
}

/// `1,3-5` of `files`.
fn selected(list: &str, files: usize) -> Vec<bool> {
    let mut out = vec![false; files];
    for part in list.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>())
        else {
            continue;
        };
        for index in first.max(1)..=last.min(files) {
            if let Some(slot) = out.get_mut(index - 1) {
                *slot = true;
            }
        }
    }
    out
}

/// `500K` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let (number, shift) = match text.trim().split_at_checked(text.trim().len().checked_sub(1)?)? {
        (number, "k" | "K") => (number, 10),
        (number, "m" | "M") => (number, 20),
        _ => (text.trim(), 0),
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

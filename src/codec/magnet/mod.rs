//! Magnet links (BEP 9, BEP 46, BEP 53), read and written.
//!
//! Reading is strict where a mistake would join another swarm (hashes) and forgiving where real
//! links are sloppy: `&amp;` between parameters, `tr.1`, a `+` in a name, escapes that are none.
//! Parameters that are not known are kept and written again. Deliberately absent: looking anything
//! up; addresses and URLs are text here, and nothing says that they are safe to ask.

use core::fmt;
use std::fmt::Write as _;

use crate::base::InfoHash;
use crate::base::limits::{MAGNET_BYTES, MAGNET_LIST, MAGNET_SELECTED};

/// A v2 info-hash (BEP 52): the SHA-256 of the `info` dictionary.
pub type InfoHashV2 = [u8; 32];

/// What a magnet link says. Lists keep the link's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Magnet {
    /// `xt=urn:btih`: the v1 info-hash.
    pub info_hash: Option<InfoHash>,
    /// `xt=urn:btmh`: the v2 info-hash; with a v1 one it is a hybrid torrent.
    pub info_hash_v2: Option<InfoHashV2>,
    /// `xs=urn:btpk`: the key whose mutable item points at the torrent (BEP 46).
    pub public_key: Option<[u8; 32]>,
    /// `s`: salt of that item, or of one whose key the link does not have; at most 64 bytes.
    pub salt: Vec<u8>,
    /// `dn`: name to show until the real one is known.
    pub name: Option<String>,
    /// `xl`: bytes of content, or so the link says.
    pub length: Option<u64>,
    /// `tr`: trackers.
    pub trackers: Vec<String>,
    /// `ws`: web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// `x.pe`: peers, as `host:port` or `[v6]:port`.
    pub peers: Vec<String>,
    /// `xs`: where to fetch the metainfo.
    pub sources: Vec<String>,
    /// `as`: where to fetch it otherwise.
    pub fallback_sources: Vec<String>,
    /// `kt`: keywords.
    pub keywords: Vec<String>,
    /// `so`: files wanted (BEP 53), sorted, each once, as inclusive ranges that do not touch;
    /// `None` to want all.
    pub selected: Option<Vec<(u32, u32)>>,
    /// Everything else, decoded: key and value. Other `xt` are among them.
    pub others: Vec<(String, String)>,
}

/// Why text is not a magnet link we can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MagnetError {
    /// It does not start with `magnet:?`.
    NotMagnet,
    /// Longer than `limits::MAGNET_BYTES`.
    TooLong,
    /// A `btih`, `btmh` or `btpk` that is no such hash.
    BadHash,
    /// Two different hashes of one kind.
    Contradiction,
    /// No hash of a torrent and no key.
    NoHash,
}

impl fmt::Display for MagnetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMagnet => "not a magnet link",
            Self::TooLong => "magnet link too long",
            Self::BadHash => "invalid hash in magnet link",
            Self::Contradiction => "magnet link names two torrents",
            Self::NoHash => "magnet link names no torrent",
        })
    }
}

impl core::error::Error for MagnetError {}

impl Magnet {
    /// Reads a link.
    ///
    /// # Errors
    /// When it is none, or does not name exactly one torrent.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        let link = link.trim();
        if link.len() > MAGNET_BYTES {
            return Err(MagnetError::TooLong);
        }
        let (scheme, query) = link.split_once(":?").ok_or(MagnetError::NotMagnet)?;
        if !scheme.eq_ignore_ascii_case("magnet") {
            return Err(MagnetError::NotMagnet);
        }
        let mut magnet = Self::default();
        // A copy from a web page's source.
        for pair in query.split('&').map(|pair| pair.strip_prefix("amp;").unwrap_or(pair)) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key, false).to_lowercase();
            magnet.parameter(&key, value)?;
        }
        let named = magnet.info_hash.is_some() || magnet.info_hash_v2.is_some();
        if named || magnet.public_key.is_some() { Ok(magnet) } else { Err(MagnetError::NoHash) }
    }

    fn parameter(&mut self, key: &str, raw: &str) -> Result<(), MagnetError> {
        // `tr.1` is another `tr`; `x.pe` has a dot of its own.
        let numbered = |(base, n): (&str, &str)| {
            (!n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())).then(|| base.to_owned())
        };
        let base = key.split_once('.').and_then(numbered);
        let value = decode(raw, false);
        if value.is_empty() {
            return Ok(());
        }
        match base.as_deref().unwrap_or(key) {
            "xt" => return self.topic(key, value),
            "xs" => match strip(&value, "urn:btpk:") {
                Some(hex) => {
                    let bytes = unhex::<32>(hex).ok_or(MagnetError::BadHash)?;
                    return once(&mut self.public_key, bytes);
                }
                None => add(&mut self.sources, value),
            },
            "s" if key == "s" => match unhex_any(&value).filter(|salt| salt.len() <= 64) {
                Some(salt) => self.salt = salt,
                None => self.other(key, value),
            },
            // Here a plus is a blank: names are copied from forms.
            "dn" => _ = self.name.get_or_insert_with(|| decode(raw, true)),
            "xl" => match value.parse() {
                Ok(length) => self.length = self.length.or(Some(length)),
                Err(_) => self.other(key, value),
            },
            "tr" => add(&mut self.trackers, value),
            "ws" => add(&mut self.web_seeds, value),
            "x.pe" => match is_peer(&value) {
                true => add(&mut self.peers, value),
                false => self.other(key, value),
            },
            "as" => add(&mut self.fallback_sources, value),
            "kt" => {
                for word in decode(raw, true).split_whitespace() {
                    add(&mut self.keywords, word.to_owned());
                }
            }
            "so" => match parse_selection(&value) {
                Some(ranges) => {
                    let all = self.selected.take().into_iter().flatten().chain(ranges);
                    self.selected = Some(merge(all.collect()));
                }
                None => self.other(key, value),
            },
            _ => self.other(key, value),
        }
        Ok(())
    }

    fn other(&mut self, key: &str, value: String) {
        if self.others.len() < MAGNET_LIST {
            self.others.push((key.to_owned(), value));
        }
    }

    /// One `xt`: a hash of ours, or one of another network.
    fn topic(&mut self, key: &str, value: String) -> Result<(), MagnetError> {
        if let Some(hash) = strip(&value, "urn:btih:") {
            let hash = match hash.len() {
                40 => unhex::<20>(hash),
                32 => unbase32(hash),
                _ => None,
            };
            return once(&mut self.info_hash, hash.map(InfoHash).ok_or(MagnetError::BadHash)?);
        }
        if let Some(hash) = strip(&value, "urn:btmh:") {
            // A multihash: 0x12 is SHA-256, 0x20 its length. Other functions are not ours to judge.
            let Some(digest) = strip(hash, "1220") else {
                self.other(key, value);
                return Ok(());
            };
            let digest = unhex::<32>(digest).ok_or(MagnetError::BadHash)?;
            return once(&mut self.info_hash_v2, digest);
        }
        self.other(key, value);
        Ok(())
    }

    /// Whether the link wants this file (BEP 53).
    #[must_use]
    pub fn wants(&self, file: u32) -> bool {
        let within = |(first, last): &(u32, u32)| (*first..=*last).contains(&file);
        self.selected.as_ref().is_none_or(|ranges| ranges.iter().any(within))
    }
}

impl fmt::Display for Magnet {
    /// The link: hashes first, then names, then where to ask.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Writer { f, glue: "magnet:?" };
        if let Some(hash) = &self.info_hash {
            out.pair("xt", format_args!("urn:btih:{hash}"))?;
        }
        if let Some(hash) = &self.info_hash_v2 {
            out.pair("xt", format_args!("urn:btmh:1220{}", Hex(hash)))?;
        }
        if let Some(key) = &self.public_key {
            out.pair("xs", format_args!("urn:btpk:{}", Hex(key)))?;
        }
        if !self.salt.is_empty() {
            out.pair("s", Hex(&self.salt))?;
        }
        if let Some(name) = &self.name {
            out.text("dn", name)?;
        }
        if let Some(length) = self.length {
            out.pair("xl", length)?;
        }
        for (key, list) in [
            ("tr", &self.trackers),
            ("ws", &self.web_seeds),
            ("x.pe", &self.peers),
            ("xs", &self.sources),
            ("as", &self.fallback_sources),
        ] {
            list.iter().try_for_each(|value| out.text(key, value))?;
        }
        if !self.keywords.is_empty() {
            out.text("kt", &self.keywords.join(" "))?;
        }
        if let Some(ranges) = self.selected.as_ref().filter(|ranges| !ranges.is_empty()) {
            out.pair("so", Selection(ranges))?;
        }
        self.others.iter().try_for_each(|(key, value)| out.text(&encode(key), value))
    }
}

struct Writer<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    glue: &'static str,
}

impl Writer<'_, '_> {
    fn pair(&mut self, key: &str, value: impl fmt::Display) -> fmt::Result {
        write!(self.f, "{}{key}={value}", self.glue)?;
        self.glue = "&";
        Ok(())
    }

    fn text(&mut self, key: &str, value: &str) -> fmt::Result {
        self.pair(key, encode(value))
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

struct Selection<'a>(&'a [(u32, u32)]);

impl fmt::Display for Selection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (first, last)) in self.0.iter().enumerate() {
            f.write_str(if n > 0 { "," } else { "" })?;
            match first == last {
                true => write!(f, "{first}")?,
                false => write!(f, "{first}-{last}")?,
            }
        }
        Ok(())
    }
}

fn add(list: &mut Vec<String>, value: String) {
    if list.len() < MAGNET_LIST && !list.contains(&value) {
        list.push(value);
    }
}

fn once<T: PartialEq>(slot: &mut Option<T>, value: T) -> Result<(), MagnetError> {
    if slot.as_ref().is_some_and(|old| *old != value) {
        return Err(MagnetError::Contradiction);
    }
    *slot = Some(value);
    Ok(())
}

/// `text` without `prefix`, whose case does not matter.
fn strip<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn unhex_any(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex_any(text)?.try_into().ok()
}

/// RFC 4648, of 32 characters, either case.
fn unbase32(text: &str) -> Option<[u8; 20]> {
    let mut out = Vec::with_capacity(20);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.bytes() {
        let digit = match byte.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(digit)) & 0xfff;
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap_or(0));
        }
    }
    out.try_into().ok()
}

/// Undoes percent encoding. What is no escape stays as it is, as in browsers; bytes that are not
/// UTF-8 become replacement characters.
fn decode(text: &str, plus_is_blank: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = text.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(unhex::<1>);
        match escape {
            Some([byte]) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if plus_is_blank && *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// All but RFC 3986's unreserved characters and what is common in URLs and harmless in a query.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// `host:port`, with a v6 address in brackets.
fn is_peer(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let port =
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p != 0);
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
            !host.is_empty() && host.len() <= 253 && host.bytes().all(legal)
        }
    };
    host && port
}

/// `0,2,4-6` (BEP 53); `None` when a part is neither a number nor a range.
fn parse_selection(text: &str) -> Option<Vec<(u32, u32)>> {
    let mut ranges = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| digits)
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last || ranges.len() >= MAGNET_SELECTED {
            return None;
        }
        ranges.push((first, last));
    }
    Some(merge(ranges))
}

/// Sorted, with touching ranges joined.
fn merge(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut out: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match out.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out.truncate(MAGNET_SELECTED);
    out
}

#[cfg(test)]
mod tests;

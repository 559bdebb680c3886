//! The writer: always canonical, whatever order the caller adds keys in.

use core::ops::Range;
use std::collections::BTreeMap;

/// Appends bencode to a buffer.
///
/// ```
/// use tern::codec::bencode::Encoder;
/// let mut out = Encoder::new();
/// out.dict(|d| {
///     d.bytes(b"spam", b"eggs");
///     d.list(b"cow", |l| l.int(3));
/// });
/// assert_eq!(out.finish(), b"d3:cowli3ee4:spam4:eggse");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty buffer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { out: Vec::with_capacity(capacity) }
    }

    /// What has been written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An integer.
    pub fn int(&mut self, value: i64) {
        self.out.extend_from_slice(if value < 0 { b"i-" } else { b"i" });
        self.digits(value.unsigned_abs());
        self.out.push(b'e');
    }

    /// An integer that may exceed `i64`.
    pub fn uint(&mut self, value: u64) {
        self.out.push(b'i');
        self.digits(value);
        self.out.push(b'e');
    }

    /// A number in decimal. Resume data has a hundred of them, too many for a `String` each.
    fn digits(&mut self, mut value: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(value % 10).unwrap_or(0);
            value /= 10;
            used += 1;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
    }

    /// A string.
    pub fn bytes(&mut self, value: &[u8]) {
        self.digits(value.len() as u64);
        self.out.push(b':');
        self.out.extend_from_slice(value);
    }

    /// One value that is bencoded already, verbatim; the caller vouches for it.
    pub fn raw(&mut self, value: &[u8]) {
        self.out.extend_from_slice(value);
    }

    /// A list of what `fill` writes.
    pub fn list(&mut self, fill: impl FnOnce(&mut Self)) {
        self.out.push(b'l');
        fill(self);
        self.out.push(b'e');
    }

    /// A dictionary of what `fill` adds.
    pub fn dict(&mut self, fill: impl FnOnce(&mut DictEncoder<'_>)) {
        self.out.push(b'd');
        let start = self.out.len();
        let mut dict = DictEncoder { encoder: self, entries: Vec::new() };
        fill(&mut dict);
        let entries = dict.entries;
        self.sort(start, entries);
        self.out.push(b'e');
    }

    /// Brings the entries written since `start` into key order, unless they are; of equal keys the
    /// first stays, as readers do.
    fn sort(&mut self, start: usize, mut entries: Vec<Entry>) {
        let key = |entry: &Entry| self.out.get(entry.key.clone()).unwrap_or_default();
        if entries.is_sorted_by(|a, b| key(a) < key(b)) {
            return;
        }
        let body = self.out.split_off(start);
        let local = |range: &Range<usize>| {
            body.get(range.start - start..range.end - start).unwrap_or_default()
        };
        entries.sort_by_key(|e| local(&e.key));
        entries.dedup_by(|later, first| local(&later.key) == local(&first.key));
        for entry in &entries {
            self.out.extend_from_slice(local(&entry.all));
        }
    }
}

/// Where an entry was written.
#[derive(Debug)]
struct Entry {
    /// The key's content.
    key: Range<usize>,
    /// Key and value.
    all: Range<usize>,
}

/// Adds entries to a dictionary, in any order. Of equal keys the first counts.
#[derive(Debug)]
pub struct DictEncoder<'e> {
    encoder: &'e mut Encoder,
    entries: Vec<Entry>,
}

impl DictEncoder<'_> {
    /// An entry whose value `write` writes; it must write exactly one.
    pub fn entry(&mut self, key: &[u8], write: impl FnOnce(&mut Encoder)) {
        let start = self.encoder.out.len();
        self.encoder.bytes(key);
        let value = self.encoder.out.len();
        write(self.encoder);
        debug_assert!(self.encoder.out.len() > value, "an entry needs a value");
        let end = self.encoder.out.len();
        self.entries.push(Entry { key: value - key.len()..value, all: start..end });
    }

    /// An integer.
    pub fn int(&mut self, key: &[u8], value: i64) {
        self.entry(key, |e| e.int(value));
    }

    /// A string.
    pub fn bytes(&mut self, key: &[u8], value: &[u8]) {
        self.entry(key, |e| e.bytes(value));
    }

    /// A value that is bencoded already.
    pub fn raw(&mut self, key: &[u8], value: &[u8]) {
        self.entry(key, |e| e.raw(value));
    }

    /// A list.
    pub fn list(&mut self, key: &[u8], fill: impl FnOnce(&mut Encoder)) {
        self.entry(key, |e| e.list(fill));
    }

    /// A dictionary.
    pub fn dict(&mut self, key: &[u8], fill: impl FnOnce(&mut DictEncoder<'_>)) {
        self.entry(key, |e| e.dict(fill));
    }
}

/// An owned value, for building documents whose shape is not known beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// An integer.
    Int(i64),
    /// A string.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A dictionary.
    Dict(BTreeMap<Vec<u8>, Self>),
    /// One value that is bencoded already.
    Raw(Vec<u8>),
}

impl Item {
    /// The canonical encoding. Recurses as deep as the tree, which the caller built.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        self.encode_to(&mut encoder);
        encoder.finish()
    }

    /// Appends the canonical encoding.
    pub fn encode_to(&self, encoder: &mut Encoder) {
        match self {
            Self::Int(value) => encoder.int(*value),
            Self::Bytes(value) => encoder.bytes(value),
            Self::Raw(value) => encoder.raw(value),
            Self::List(items) => {
                encoder.list(|e| items.iter().for_each(|item| item.encode_to(e)));
            }
            Self::Dict(items) => encoder.dict(|d| {
                for (key, item) in items {
                    d.entry(key, |e| item.encode_to(e));
                }
            }),
        }
    }
}

impl From<i64> for Item {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&[u8]> for Item {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<&str> for Item {
    fn from(value: &str) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

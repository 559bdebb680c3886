//! The reader: bytes to tokens, tokens to values.
//!
//! One token per value, in input order, each knowing where its subtree ends; so a value is skipped
//! in one step and nothing is allocated but the token array and one small frame per open container.

use core::fmt;
use core::ops::Range;

use crate::base::limits;

/// What a parse may cost, and how strict it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest input, in bytes.
    pub bytes: usize,
    /// Most values, keys included.
    pub items: usize,
    /// Deepest nesting of lists and dictionaries.
    pub depth: usize,
    /// Refuse unsorted and duplicate keys instead of recording them.
    pub canonical: bool,
}

impl Default for Limits {
    /// Bounds for a metainfo file, tolerant about keys.
    fn default() -> Self {
        Self {
            bytes: limits::METAINFO_BYTES,
            items: limits::BENCODE_ITEMS,
            depth: limits::BENCODE_DEPTH,
            canonical: false,
        }
    }
}

impl Limits {
    /// The default bounds with another limit on the input's length.
    #[must_use]
    pub fn with_bytes(bytes: usize) -> Self {
        Self { bytes, ..Self::default() }
    }
}

/// Why and where input is not bencode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// Byte offset of the first byte that cannot be right.
    pub offset: usize,
    /// What is wrong there.
    pub kind: ErrorKind,
}

/// What is wrong with the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input ends inside a value.
    UnexpectedEnd,
    /// This byte starts or continues no value.
    UnexpectedByte,
    /// A number with a superfluous zero in front.
    LeadingZero,
    /// The integer `-0`.
    NegativeZero,
    /// A string reaches beyond the end of the input.
    StringTooLong,
    /// A dictionary key is not a string.
    KeyNotString,
    /// A dictionary key has no value.
    MissingValue,
    /// A key is smaller than the one before it (only with [`Limits::canonical`]).
    UnsortedKeys,
    /// A key is given twice (only with [`Limits::canonical`]).
    DuplicateKey,
    /// Nesting beyond [`Limits::depth`].
    TooDeep,
    /// More values than [`Limits::items`].
    TooManyItems,
    /// Longer than [`Limits::bytes`].
    TooLarge,
    /// Bytes follow the value.
    TrailingData,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::UnexpectedEnd => "unexpected end of input",
            ErrorKind::UnexpectedByte => "unexpected byte",
            ErrorKind::LeadingZero => "leading zero",
            ErrorKind::NegativeZero => "negative zero",
            ErrorKind::StringTooLong => "string longer than the input",
            ErrorKind::KeyNotString => "dictionary key is not a string",
            ErrorKind::MissingValue => "dictionary key without a value",
            ErrorKind::UnsortedKeys => "dictionary keys not sorted",
            ErrorKind::DuplicateKey => "duplicate dictionary key",
            ErrorKind::TooDeep => "nested too deeply",
            ErrorKind::TooManyItems => "too many items",
            ErrorKind::TooLarge => "input too large",
            ErrorKind::TrailingData => "data after the end",
        };
        write!(f, "bencode: {what} at byte {}", self.offset)
    }
}

impl core::error::Error for Error {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Bytes,
    List,
    Dict,
}

/// A value's place. Offsets fit `u32`: longer input is refused.
#[derive(Clone, Copy, Debug)]
struct Token {
    /// Offset of the first byte.
    start: u32,
    /// Offset past the last byte.
    end: u32,
    /// Index of the first token after this subtree.
    next: u32,
    kind: Kind,
    /// Bytes between `start` and a string's content.
    head: u8,
}

/// A parsed value and the input it borrows from.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    input: &'a [u8],
    tokens: Vec<Token>,
    canonical: bool,
}

impl<'a> Document<'a> {
    /// Reads exactly one value within the default [`Limits`].
    ///
    /// # Errors
    /// When `input` is not one bencoded value, or breaks a limit.
    pub fn parse(input: &'a [u8]) -> Result<Self, Error> {
        Self::parse_with(input, Limits::default())
    }

    /// Reads exactly one value within `limits`.
    ///
    /// # Errors
    /// When `input` is not one bencoded value, or breaks a limit.
    pub fn parse_with(input: &'a [u8], limits: Limits) -> Result<Self, Error> {
        let (document, used) = Self::parse_prefix(input, limits)?;
        if used < input.len() {
            return Err(Error { offset: used, kind: ErrorKind::TrailingData });
        }
        Ok(document)
    }

    /// Reads one value from the front of `input` and tells how many bytes it took: for messages
    /// with raw data behind a dictionary (BEP 9). `limits.bytes` applies to all of `input`.
    ///
    /// # Errors
    /// When `input` does not start with a bencoded value, or breaks a limit.
    pub fn parse_prefix(input: &'a [u8], limits: Limits) -> Result<(Self, usize), Error> {
        if input.len() > limits.bytes || u32::try_from(input.len()).is_err() {
            let offset = limits.bytes.min(u32::MAX as usize);
            return Err(Error { offset, kind: ErrorKind::TooLarge });
        }
        // Room for what small documents need, so that reading thousands of them does not grow it.
        let tokens = Vec::with_capacity((input.len() / 8).clamp(4, SMALL));
        let mut parser =
            Parser { input, at: 0, tokens, stack: Vec::new(), limits, canonical: true };
        parser.run()?;
        let Parser { at, mut tokens, canonical, .. } = parser;
        if tokens.len() > SMALL {
            tokens.shrink_to_fit();
        }
        Ok((Self { input, tokens, canonical }, at))
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_, 'a> {
        Value { doc: self, index: 0 }
    }

    /// Whether every dictionary's keys are sorted and unique.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.canonical
    }

    fn token(&self, index: u32) -> Option<&Token> {
        self.tokens.get(index as usize)
    }

    fn slice(&self, range: Range<u32>) -> &'a [u8] {
        self.input.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// An open container while parsing.
struct Frame {
    token: u32,
    dict: bool,
    /// In a dictionary: the next item is a value, its key has been read.
    want_value: bool,
    /// The content of the last key read.
    last_key: Option<Range<u32>>,
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
    stack: Vec<Frame>,
    limits: Limits,
    canonical: bool,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), Error> {
        loop {
            if self.peek()? == b'e' {
                self.close()?;
            } else {
                self.item()?;
            }
            if self.stack.is_empty() {
                return Ok(());
            }
        }
    }

    fn fail<T>(&self, kind: ErrorKind) -> Result<T, Error> {
        Err(Error { offset: self.at, kind })
    }

    fn peek(&self) -> Result<u8, Error> {
        match self.input.get(self.at) {
            Some(byte) => Ok(*byte),
            None => self.fail(ErrorKind::UnexpectedEnd),
        }
    }

    /// `at` as a token offset; `parse_prefix` made sure that it fits.
    fn here(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.tokens.len()).unwrap_or(u32::MAX)
    }

    /// Ends the innermost container at an `e`.
    fn close(&mut self) -> Result<(), Error> {
        match self.stack.pop() {
            None => self.fail(ErrorKind::UnexpectedByte),
            Some(frame) if frame.want_value => self.fail(ErrorKind::MissingValue),
            Some(frame) => {
                self.at += 1;
                let (end, next) = (self.here(), self.count());
                if let Some(token) = self.tokens.get_mut(frame.token as usize) {
                    token.end = end;
                    token.next = next;
                }
                Ok(())
            }
        }
    }

    /// Reads a scalar or opens a container.
    fn item(&mut self) -> Result<(), Error> {
        if self.tokens.len() >= self.limits.items {
            return self.fail(ErrorKind::TooManyItems);
        }
        let byte = self.peek()?;
        let is_key = match self.stack.last_mut() {
            Some(frame) if frame.dict => {
                frame.want_value = !frame.want_value;
                frame.want_value
            }
            _ => false,
        };
        match byte {
            b'0'..=b'9' => self.string(is_key),
            b'i' | b'l' | b'd' if is_key => self.fail(ErrorKind::KeyNotString),
            b'i' => self.integer(),
            b'l' | b'd' => self.open(byte == b'd'),
            _ => self.fail(ErrorKind::UnexpectedByte),
        }
    }

    fn open(&mut self, dict: bool) -> Result<(), Error> {
        if self.stack.len() >= self.limits.depth {
            return self.fail(ErrorKind::TooDeep);
        }
        let token = self.count();
        self.stack.push(Frame { token, dict, want_value: false, last_key: None });
        let start = self.here();
        let kind = if dict { Kind::Dict } else { Kind::List };
        // `end` and `next` are filled in by `close`.
        self.tokens.push(Token { start, end: start, next: token + 1, kind, head: 1 });
        self.at += 1;
        Ok(())
    }

    fn scalar(&mut self, start: u32, kind: Kind, head: u8) {
        let token = Token { start, end: self.here(), next: self.count() + 1, kind, head };
        self.tokens.push(token);
    }

    fn integer(&mut self) -> Result<(), Error> {
        let start = self.here();
        self.at += 1;
        let negative = self.peek()? == b'-';
        if negative {
            self.at += 1;
        }
        let first = self.at;
        if self.digits()? == 0 {
            return self.fail(ErrorKind::UnexpectedByte);
        }
        if self.input.get(first) == Some(&b'0') {
            let kind = if negative { ErrorKind::NegativeZero } else { ErrorKind::LeadingZero };
            if negative || self.at > first + 1 {
                return Err(Error { offset: first, kind });
            }
        }
        if self.peek()? != b'e' {
            return self.fail(ErrorKind::UnexpectedByte);
        }
        self.at += 1;
        self.scalar(start, Kind::Int, 1);
        Ok(())
    }

    /// Skips digits and tells how many; an error when the input ends there.
    fn digits(&mut self) -> Result<usize, Error> {
        let first = self.at;
        while self.peek()?.is_ascii_digit() {
            self.at += 1;
        }
        Ok(self.at - first)
    }

    fn string(&mut self, is_key: bool) -> Result<(), Error> {
        let first = self.at;
        let start = self.here();
        let mut length = 0usize;
        loop {
            let byte = self.peek()?;
            if byte == b':' {
                break;
            }
            if !byte.is_ascii_digit() {
                return self.fail(ErrorKind::UnexpectedByte);
            }
            if self.at > first && length == 0 {
                return Err(Error { offset: first, kind: ErrorKind::LeadingZero });
            }
            // Bounding the value here bounds the number of digits too.
            length = length * 10 + usize::from(byte - b'0');
            if length > self.input.len() {
                return Err(Error { offset: first, kind: ErrorKind::StringTooLong });
            }
            self.at += 1;
        }
        self.at += 1;
        let head = u8::try_from(self.at - first).unwrap_or(u8::MAX);
        if length > self.input.len() - self.at {
            return Err(Error { offset: first, kind: ErrorKind::StringTooLong });
        }
        let content = self.here();
        self.at += length;
        if is_key {
            self.check_order(content..self.here(), first)?;
        }
        self.scalar(start, Kind::Bytes, head);
        Ok(())
    }

    /// Compares a key with the one before it.
    fn check_order(&mut self, key: Range<u32>, offset: usize) -> Result<(), Error> {
        let bytes = |range: &Range<u32>| {
            self.input.get(range.start as usize..range.end as usize).unwrap_or_default()
        };
        let Some(frame) = self.stack.last_mut() else { return Ok(()) };
        let order = frame.last_key.as_ref().map(|last| bytes(last).cmp(bytes(&key)));
        frame.last_key = Some(key);
        let kind = match order {
            None | Some(core::cmp::Ordering::Less) => return Ok(()),
            Some(core::cmp::Ordering::Equal) => ErrorKind::DuplicateKey,
            Some(core::cmp::Ordering::Greater) => ErrorKind::UnsortedKeys,
        };
        self.canonical = false;
        if self.limits.canonical { Err(Error { offset, kind }) } else { Ok(()) }
    }
}

/// Items a document makes room for at once.
const SMALL: usize = 256;

/// One value of a [`Document`]. Typed accessors are `None` when the value is of another type.
///
/// Slices live as long as the input (`'a`), not only as the document (`'d`).
#[derive(Clone, Copy)]
pub struct Value<'d, 'a> {
    doc: &'d Document<'a>,
    index: u32,
}

impl fmt::Debug for Value<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({})", self.raw().escape_ascii())
    }
}

impl<'d, 'a> Value<'d, 'a> {
    fn token(&self) -> Option<&'d Token> {
        self.doc.token(self.index)
    }

    fn token_of(&self, kind: Kind) -> Option<&'d Token> {
        self.token().filter(|token| token.kind == kind)
    }

    /// The value exactly as written, for hashing or passing on.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.token().map_or(&[], |token| self.doc.slice(token.start..token.end))
    }

    /// Offset of the first byte of [`Self::raw`] in the input.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.token().map_or(0, |token| token.start as usize)
    }

    /// The integer, when it fits.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        let token = self.token_of(Kind::Int)?;
        let digits = self.doc.slice(token.start + 1..token.end - 1);
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The integer, when it fits and is not negative.
    #[must_use]
    pub fn as_uint(&self) -> Option<u64> {
        let token = self.token_of(Kind::Int)?;
        let digits = self.doc.slice(token.start + 1..token.end - 1);
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// The string's content.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        let token = self.token_of(Kind::Bytes)?;
        Some(self.doc.slice(token.start + u32::from(token.head)..token.end))
    }

    /// The string's content, when it is valid UTF-8.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        core::str::from_utf8(self.as_bytes()?).ok()
    }

    /// The list's values in order.
    #[must_use]
    pub fn as_list(&self) -> Option<ListIter<'d, 'a>> {
        let token = self.token_of(Kind::List)?;
        Some(ListIter { doc: self.doc, at: self.index + 1, end: token.next })
    }

    /// The dictionary's entries in input order, later duplicates of a key included.
    #[must_use]
    pub fn as_dict(&self) -> Option<DictIter<'d, 'a>> {
        let token = self.token_of(Kind::Dict)?;
        let items = ListIter { doc: self.doc, at: self.index + 1, end: token.next };
        Some(DictIter { items })
    }

    /// Whether this is a dictionary.
    #[must_use]
    pub fn is_dict(&self) -> bool {
        self.token_of(Kind::Dict).is_some()
    }

    /// Whether this is a list.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.token_of(Kind::List).is_some()
    }

    /// The value of the first entry under `key`; `None` without one, or when this is no dictionary.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Self> {
        self.as_dict()?.find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The dictionary's entries for many look-ups; empty when this is no dictionary.
    #[must_use]
    pub fn lookup(&self) -> Lookup<'d, 'a> {
        let entries = self.as_dict().into_iter().flatten();
        let mut entries: Vec<_> = entries.map(|(key, value)| (head(key), key, value)).collect();
        // Nearly always in order, then this is one pass. Stable: of equal keys the first counts.
        entries.sort_by_key(|(head, key, _)| (*head, *key));
        Lookup(entries)
    }

    /// [`Self::get`] then [`Self::as_int`].
    #[must_use]
    pub fn get_int(&self, key: &[u8]) -> Option<i64> {
        self.get(key)?.as_int()
    }

    /// [`Self::get`] then [`Self::as_bytes`].
    #[must_use]
    pub fn get_bytes(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.get(key)?.as_bytes()
    }

    /// [`Self::get`] then [`Self::as_str`].
    #[must_use]
    pub fn get_str(&self, key: &[u8]) -> Option<&'a str> {
        self.get(key)?.as_str()
    }
}

/// The first eight bytes of a key as a number, zeros where it ends: keys are in the order of these,
/// and few have the same, so that a search compares numbers.
fn head(key: &[u8]) -> u64 {
    let mut first = [0; 8];
    first.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(first)
}

/// A dictionary's entries by key.
#[derive(Debug)]
pub struct Lookup<'d, 'a>(Vec<(u64, &'a [u8], Value<'d, 'a>)>);

impl<'d, 'a> Lookup<'d, 'a> {
    /// As [`Value::get`].
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Value<'d, 'a>> {
        let wanted = (head(key), key);
        let at = self.0.partition_point(|(head, name, _)| (*head, *name) < wanted);
        self.0.get(at).filter(|(_, name, _)| *name == key).map(|(.., value)| *value)
    }

    /// As [`Value::get_int`].
    #[must_use]
    pub fn get_int(&self, key: &[u8]) -> Option<i64> {
        self.get(key)?.as_int()
    }

    /// As [`Value::get_bytes`].
    #[must_use]
    pub fn get_bytes(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.get(key)?.as_bytes()
    }

    /// The first entry of each key, in order of keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Value<'d, 'a>)> + '_ {
        let first = |at: usize| at.checked_sub(1).and_then(|before| self.0.get(before));
        let entries = self.0.iter().enumerate();
        let new = entries
            .filter(move |(at, (_, key, _))| first(*at).is_none_or(|(_, before, _)| before != key));
        new.map(|(_, (_, key, value))| (*key, *value))
    }
}

/// The values of a list.
#[derive(Clone, Debug)]
pub struct ListIter<'d, 'a> {
    doc: &'d Document<'a>,
    at: u32,
    end: u32,
}

impl<'d, 'a> Iterator for ListIter<'d, 'a> {
    type Item = Value<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { doc: self.doc, index: self.at };
        self.at = self.doc.token(self.at)?.next;
        Some(value)
    }
}

/// The entries of a dictionary.
#[derive(Clone, Debug)]
pub struct DictIter<'d, 'a> {
    items: ListIter<'d, 'a>,
}

impl<'d, 'a> Iterator for DictIter<'d, 'a> {
    type Item = (&'a [u8], Value<'d, 'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.items.next()?;
        Some((key.as_bytes()?, self.items.next()?))
    }
}

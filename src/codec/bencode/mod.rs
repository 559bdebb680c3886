//! bencode (BEP 3, "bencoding"): a borrowing reader and a canonical writer.
//!
//! [`Document::parse`] turns bytes into a flat array of tokens in one pass, without recursion and
//! with [`Limits`] on size, items and nesting; [`Value`] walks it and hands out slices of the
//! input, so the `info` dictionary can be hashed exactly as it was written ([`Value::raw`]).
//!
//! [`Encoder`] and [`Item`] write canonical bencode: keys sorted bytewise, no duplicates.
//!
//! The reader refuses what has no meaning (leading zeros, `-0`, cut or trailing bytes). Unsorted or
//! duplicate keys exist in real files, so they are read unless [`Limits::canonical`] is set: the
//! first of equal keys wins, and [`Document::is_canonical`] tells that something was off.
//!
//! Deliberately absent: serde, text decoding, integers beyond what callers ask for (digits of any
//! number are accepted; [`Value::as_int`] is `None` when they do not fit `i64`).

mod parse;
#[cfg(test)]
mod tests;
mod write;

pub use parse::{DictIter, Document, Error, ErrorKind, Limits, ListIter, Lookup, Value};
pub use write::{DictEncoder, Encoder, Item};

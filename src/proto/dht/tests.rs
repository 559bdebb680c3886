//! Tests of the machine: what it answers, what it stores, how it finds. Whole networks are in
//! `tests/sim`.

mod codec;
mod finding;
mod net;
mod serving;

/// Bytes of hexadecimal text.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

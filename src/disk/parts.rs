//! The part store: bytes of files the user did not select that share a piece with a selected file.
//!
//! One hidden file per torrent. All integers are little-endian.
//!
//! ```text
//! header, 64 bytes:  "TERNPART" | version u32 = 1 | piece length u32 | total length u64
//!                    | info-hash 20 bytes | zeros | CRC-32 of the first 60 bytes u32
//! record, repeated:  magic u32 | state u32 (1 live, 2 freed) | piece u32 | file u32 | length u64
//!                    | zeros u32 | CRC-32 of the first 28 bytes u32
//!                    | `length` bytes of data, zeros up to a multiple of 64
//! ```
//!
//! A record holds the part of one piece that lies in one file, so raising a file's priority frees
//! whole records. Its header is 32 bytes at a multiple of 64: no disk sector boundary cuts it. The
//! header is written before the data, because data without a claim on it is worth nothing here: a
//! record whose data never arrived reads as zeros, exactly like a hole in a content file, and only
//! a hash says otherwise. Loading walks the records and stops at the first header that is torn or
//! missing; what follows was never covered by a successful sync (a sync covers the whole file).
//! Records are never reused: an unselected file that was raised exists from then on. Deliberately
//! absent: priorities, and checksums of the data.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Error};
use std::os::unix::fs::FileExt;

use super::sys;
use crate::codec::metainfo::Info;

const MAGIC: &[u8; 8] = b"TERNPART";
const VERSION: u32 = 1;
const HEADER_LEN: u64 = 64;
const RECORD_MAGIC: u32 = 0x7061_7274;
const RECORD_LEN: u64 = 32;
const ALIGN: u64 = 64;
const LIVE: u32 = 1;
const FREED: u32 = 2;

/// Where one record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Offset of its header.
    at: u64,
    /// Bytes of data.
    len: u64,
}

impl Record {
    /// Offset of its data.
    pub(super) fn data(self) -> u64 {
        self.at + RECORD_LEN
    }

    fn end(self) -> u64 {
        (self.data() + self.len).next_multiple_of(ALIGN)
    }
}

/// The store's table of records, kept in memory.
#[derive(Debug, Default)]
pub(super) struct PartTable {
    /// By piece and file.
    live: HashMap<(u32, u32), Record>,
    /// Where the next record goes; 0 while the header is missing.
    end: u64,
}

impl PartTable {
    /// Reads the table of an existing store. A store too short to have a header counts as empty;
    /// `EINVAL` when it is not this torrent's.
    pub(super) fn load(file: &File, info: &Info) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut head = [0; 64];
        if size < HEADER_LEN {
            return Ok(Self::default());
        }
        file.read_exact_at(&mut head, 0)?;
        if head == [0; 64] {
            return Ok(Self::default());
        }
        if head != header(info) {
            return Err(Error::from_raw_os_error(libc::EINVAL));
        }
        let mut table = Self { live: HashMap::new(), end: HEADER_LEN };
        while table.end + RECORD_LEN <= size {
            let mut head = [0; 32];
            file.read_exact_at(&mut head, table.end)?;
            let Some((state, key, len)) = parse_record(&head) else { break };
            let known = span_len(info, key).is_some_and(|span| span == len);
            if !known {
                break;
            }
            let record = Record { at: table.end, len };
            if state == LIVE {
                table.live.insert(key, record);
            }
            table.end = record.end();
        }
        Ok(table)
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The record of a piece's part in a file.
    pub(super) fn find(&self, piece: u32, file: u32) -> Option<Record> {
        self.live.get(&(piece, file)).copied()
    }

    /// The pieces a file has records of, in order.
    pub(super) fn of_file(&self, file: u32) -> Vec<(u32, Record)> {
        let mut out: Vec<_> =
            self.live.iter().filter(|(k, _)| k.1 == file).map(|(k, r)| (k.0, *r)).collect();
        out.sort_unstable_by_key(|(piece, _)| *piece);
        out
    }

    /// The files that have records.
    pub(super) fn files(&self) -> Vec<u32> {
        let mut out: Vec<_> = self.live.keys().map(|k| k.1).collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Finds or makes the record of a piece's part in a file.
    pub(super) fn make(
        &mut self,
        store: &File,
        info: &Info,
        (piece, file): (u32, u32),
    ) -> io::Result<Record> {
        if let Some(record) = self.find(piece, file) {
            return Ok(record);
        }
        let len =
            span_len(info, (piece, file)).ok_or_else(|| Error::from_raw_os_error(libc::EINVAL))?;
        if self.end == 0 {
            sys::write_all_at(store, &[&header(info)], 0)?;
            self.end = HEADER_LEN;
        }
        let record = Record { at: self.end, len };
        // Grown first: whatever lay behind the old end (a torn tail) must not show through.
        store.set_len(record.at)?;
        store.set_len(record.end())?;
        sys::write_all_at(store, &[&record_header(LIVE, (piece, file), len)], record.at)?;
        self.end = record.end();
        self.live.insert((piece, file), record);
        Ok(record)
    }

    /// Frees all records of a file. The caller syncs.
    pub(super) fn free(&mut self, store: &File, file: u32) -> io::Result<()> {
        for (piece, record) in self.of_file(file) {
            let freed = record_header(FREED, (piece, file), record.len);
            sys::write_all_at(store, &[&freed], record.at)?;
            sys::punch(store, record.data(), record.len);
            self.live.remove(&(piece, file));
        }
        Ok(())
    }
}

/// The bytes of `piece` that lie in `file`.
fn span_len(info: &Info, (piece, file): (u32, u32)) -> Option<u64> {
    let entry = info.files.get(usize::try_from(file).ok()?)?;
    let start = info.geometry.offset_of(crate::base::PieceIndex(piece));
    let end = start + u64::from(info.geometry.len_of(crate::base::PieceIndex(piece)));
    let from = start.max(entry.offset);
    end.min(entry.offset + entry.length).checked_sub(from).filter(|len| *len > 0)
}

fn header(info: &Info) -> [u8; 64] {
    let mut out = [0; 64];
    let mut put = Cursor { out: &mut out, at: 0 };
    put.bytes(MAGIC);
    put.bytes(&VERSION.to_le_bytes());
    put.bytes(&info.geometry.piece_len().to_le_bytes());
    put.bytes(&info.geometry.total_len().to_le_bytes());
    put.bytes(&info.info_hash.0);
    put.at = 60;
    put.checksum();
    out
}

fn record_header(state: u32, (piece, file): (u32, u32), len: u64) -> [u8; 32] {
    let mut out = [0; 32];
    let mut put = Cursor { out: &mut out, at: 0 };
    put.bytes(&RECORD_MAGIC.to_le_bytes());
    put.bytes(&state.to_le_bytes());
    put.bytes(&piece.to_le_bytes());
    put.bytes(&file.to_le_bytes());
    put.bytes(&len.to_le_bytes());
    put.at = 28;
    put.checksum();
    out
}

/// State, piece and file, length; `None` when the header is torn or something else.
fn parse_record(head: &[u8; 32]) -> Option<(u32, (u32, u32), u64)> {
    let word =
        |at: usize| head.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
    let (state, piece, file) = (word(4)?, word(8)?, word(12)?);
    let len = u64::from_le_bytes(head.get(16..24)?.try_into().ok()?);
    let same = *head == record_header(state, (piece, file), len);
    (same && matches!(state, LIVE | FREED)).then_some((state, (piece, file), len))
}

/// Fills a fixed array front to back.
struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Cursor<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        if let Some(to) = self.out.get_mut(self.at..self.at + bytes.len()) {
            to.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }

    fn checksum(&mut self) {
        let sum = crc32(self.out.get(..self.at).unwrap_or_default());
        self.bytes(&sum.to_le_bytes());
    }
}

/// CRC-32 (IEEE), bit by bit: headers are short and rare.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_is_the_ieee_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_record_header_survives_and_every_torn_one_is_refused() {
        let head = record_header(LIVE, (7, 9), 12345);
        assert_eq!(parse_record(&head), Some((LIVE, (7, 9), 12345)));
        for bit in 0..256 {
            let mut torn = head;
            torn[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse_record(&torn), None, "bit {bit}");
        }
    }
}

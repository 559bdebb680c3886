//! Layer 1: file formats. bencode, metainfo, torrent creation, magnet links, safe file names,
//! resume data.
//!
//! Everything here reads foreign bytes: allocation is bounded by the input's size, nothing
//! recurses, and every error says what was wrong and where. Deliberately absent: I/O (callers pass
//! bytes and readers), hashing of content other than the `info` dictionary, trust.

pub mod bencode;
pub mod clients;
pub mod create;
pub mod magnet;
pub mod metainfo;
pub mod names;
pub mod resume;

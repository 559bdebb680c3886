//! Bounds on foreign input, each with the attack it stops.

/// Nesting of bencoded lists and dictionaries: a parser stack or a consumer's recursion blown up by
/// `llll...`.
pub const BENCODE_DEPTH: usize = 100;
/// Items in one bencoded document: memory eaten by millions of two-byte items.
pub const BENCODE_ITEMS: usize = 3_000_000;
/// Bytes of a `.torrent` file.
pub const METAINFO_BYTES: usize = 64 << 20;
/// Bytes of a resume blob.
pub const RESUME_BYTES: usize = 64 << 20;
/// Bytes of a tracker's reply after decompression: a compression bomb.
pub const TRACKER_REPLY_BYTES: usize = 4 << 20;
/// Bytes of a magnet link: a page that makes a browser hand us megabytes.
pub const MAGNET_BYTES: usize = 64 * 1024;
/// Trackers, and each other kind of thing, in one magnet link: thousands of hosts to be asked.
pub const MAGNET_LIST: usize = 256;
/// Ranges of files in one magnet link.
pub const MAGNET_SELECTED: usize = 4096;
/// Bytes of one datagram of the DHT: real ones stay below the 1500 of an Ethernet frame.
pub const DHT_PACKET_BYTES: usize = 4096;
/// Bytes of a value stored in the DHT (BEP 44): a stranger's disk.
pub const DHT_VALUE_BYTES: usize = 1000;
/// Bytes of the salt of a stored value (BEP 44).
pub const DHT_SALT_BYTES: usize = 64;
/// Bytes of another node's write token, which we keep and send back.
pub const DHT_TOKEN_BYTES: usize = 128;
/// Bytes of one peer message besides `piece` and `bitfield`: a length prefix of 4 GiB.
pub const PEER_MESSAGE_BYTES: usize = 1 << 20;
/// Bytes of an `info` dictionary fetched from peers (BEP 9).
pub const METADATA_BYTES: usize = 32 << 20;
/// Pieces that a torrent may have whose metadata is not here yet (20 bytes of it for each): a
/// bitfield without end.
pub const UNKNOWN_PIECES: u32 = (32 << 20) / 20;
/// Bytes of one peer exchange message (BEP 11): thousands of made-up peers.
pub const PEX_BYTES: usize = 32 * 1024;
/// Longest block we serve or accept, in bytes (the field's custom; requests above it are refused).
pub const REQUEST_BYTES: u32 = 128 * 1024;
/// Largest piece length accepted in metainfo, in bytes.
pub const PIECE_BYTES: u32 = 512 << 20;
/// Files in one torrent.
pub const FILES: usize = 1_000_000;
/// HTTP redirects followed for one announce.
pub const REDIRECTS: u32 = 5;

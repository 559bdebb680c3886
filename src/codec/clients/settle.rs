//! From what a client believed, and what the files look like now, to resume data of ours.
//!
//! The rule: a piece is taken over without hashing when the client had verified it and every file
//! it touches is there, long enough, and as the client last saw it, as far as the client says how
//! that was. A piece that is claimed otherwise is listed as dirty, so it is hashed and nothing else
//! is. What the client does not claim is missing: no client loses more than the last seconds.

use super::{Bits, Claims, ClientState, Known, Stamp, Times, Verified};
use crate::base::{Bitset, FileIndex, FileStat, PieceIndex};
use crate::codec::metainfo::Info;
use crate::codec::resume::{Pieces, Resume, TernKeys};

/// The size of the blocks that clients count.
const BLOCK: u64 = 16 * 1024;

/// Resume data of ours, and what it contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// To be encoded.
    pub resume: Resume,
    /// Pieces taken over.
    pub restored: u32,
    /// Pieces to be hashed.
    pub check: u32,
    /// Pieces of which some blocks are there.
    pub partial: u32,
}

/// Settles a client's state of the torrent `info`, given its files as they are now, by index.
#[must_use]
pub fn settle(info: &Info, state: ClientState, stats: &[Option<FileStat>]) -> Settled {
    let ClientState { mut resume, claims, labels, .. } = state;
    let count = info.piece_count();
    resume.info_hash = info.info_hash;
    labels.put(&mut resume);
    let found = match claims {
        Claims::Unknown => None,
        Claims::Resume => from_resume(info, &resume),
        Claims::Known(known) => Some(from_known(info, known, stats)),
    };
    // A torrent that is to be trusted until it is read was never verified.
    resume.seed_mode = false;
    resume.verified = Vec::new();
    let Some(Found { have, mut doubt, unfinished, covered }) = found else {
        (resume.pieces, resume.unfinished, resume.tern) = (None, Vec::new(), None);
        return Settled { resume, restored: 0, check: count, partial: 0 };
    };
    for piece in have.iter().filter(|piece| !is_there(info, stats, *piece)) {
        doubt.set(piece, true);
    }
    doubt.intersect(&have);
    let mut good = have;
    good.subtract(&doubt);
    resume.unfinished = unfinished
        .into_iter()
        .filter(|(piece, mask)| {
            *piece < count && !good.get(*piece) && mask.iter().any(|byte| *byte != 0)
        })
        .collect();
    let partial = resume.unfinished.iter().filter(|(piece, _)| !doubt.get(*piece)).count();
    let restored = good.count();
    let check = doubt.count() + (count - covered);
    resume.pieces = Some(Pieces::Bits(good.as_bytes().to_vec()));
    resume.tern = Some(TernKeys {
        journal: None,
        root: None,
        version: 1,
        generation: resume.tern.as_ref().map_or(0, |tern| tern.generation),
        piece_count: count,
        checked_up_to: Some(covered).filter(|covered| *covered < count),
        files: (0..info.files.len())
            .map(|i| stats.get(i).copied().flatten().map(|s| (s.size, s.mtime_ns)))
            .collect(),
        dirty: doubt.iter().collect(),
        clean: true,
        magnet: None,
    });
    Settled { resume, restored, check, partial: u32::try_from(partial).unwrap_or(u32::MAX) }
}

struct Found {
    have: Bitset,
    doubt: Bitset,
    unfinished: Vec<(u32, Vec<u8>)>,
    /// Leading pieces the claims cover; the rest was never looked at.
    covered: u32,
}

/// libtorrent trusts what it has when the files are there. In seed mode only what was verified on
/// the way counts.
fn from_resume(info: &Info, resume: &Resume) -> Option<Found> {
    let count = info.piece_count();
    let (mut have, mut covered) = match resume.have(count) {
        Some(have) => have,
        None if resume.seed_mode => (Bitset::new(count), count),
        None => return None,
    };
    let mut doubt = Bitset::new(count);
    for piece in resume.tern.iter().flat_map(|tern| &tern.dirty) {
        have.set(*piece, true);
        doubt.set(*piece, true);
    }
    if resume.seed_mode {
        let verified = Bits::Raw(resume.verified.clone());
        covered = count;
        have = Bitset::full(count);
        for piece in (0..count).filter(|piece| !verified.get(*piece)) {
            doubt.set(piece, true);
        }
    }
    Some(Found { have, doubt, unfinished: resume.unfinished.clone(), covered })
}

fn from_known(info: &Info, known: Known, stats: &[Option<FileStat>]) -> Found {
    let count = info.piece_count();
    let mut found = Found {
        have: Bitset::new(count),
        doubt: Bitset::new(count),
        unfinished: Vec::new(),
        covered: count,
    };
    if known.blocks {
        pieces_of_blocks(info, &known.bits, &mut found);
    } else {
        (0..count).filter(|p| known.bits.get(*p)).for_each(|p| _ = found.have.set(p, true));
    }
    found.unfinished.extend(known.unfinished);
    for piece in known.uncertain {
        found.doubt.set(piece, true);
    }
    for (stamp, file) in known.stamps.iter().zip((0..).map(FileIndex)) {
        let now = stats.get(file.idx()).copied().flatten();
        let trusted = match stamp {
            Stamp::Any => true,
            Stamp::At(then) => now.is_some_and(|now| seconds(now) == *then),
            Stamp::Distrust => false,
        };
        if !trusted && !is_padding(info, file) {
            info.pieces_of(file).for_each(|piece| _ = found.doubt.set(piece, true));
        }
    }
    match known.verified {
        Verified::Always => {}
        Verified::Pieces(bits) => {
            (0..count).filter(|p| !bits.get(*p)).for_each(|p| _ = found.doubt.set(p, true));
        }
        Verified::Times(times) => doubt_by_time(info, &times, stats, &mut found),
    }
    found
}

/// Blocks are counted through the torrent; a piece length need not be a multiple of their size.
fn pieces_of_blocks(info: &Info, bits: &Bits, found: &mut Found) {
    let length = u64::from(info.geometry.piece_len());
    if length % BLOCK != 0 {
        // A block that belongs to two pieces says nothing about either alone.
        for piece in 0..info.piece_count() {
            let (first, last) = block_range(info, piece);
            if (first..=last).all(|block| bits.get(block)) {
                found.have.set(piece, true);
            }
        }
        return;
    }
    for piece in 0..info.piece_count() {
        let (first, last) = block_range(info, piece);
        let blocks = Bitset::new(last - first + 1);
        let mut blocks = blocks;
        for block in (first..=last).filter(|block| bits.get(*block)) {
            blocks.set(block - first, true);
        }
        if blocks.all() {
            found.have.set(piece, true);
        } else if !blocks.none() {
            found.unfinished.push((piece, blocks.as_bytes().to_vec()));
        }
    }
}

/// First and last 16 KiB block that hold bytes of a piece.
fn block_range(info: &Info, piece: u32) -> (u32, u32) {
    let start = info.geometry.offset_of(PieceIndex(piece));
    let length = u64::from(info.geometry.len_of(PieceIndex(piece)));
    let block = |offset: u64| u32::try_from(offset / BLOCK).unwrap_or(u32::MAX);
    (block(start), block(start + length.saturating_sub(1)))
}

fn doubt_by_time(info: &Info, times: &[Times], stats: &[Option<FileStat>], found: &mut Found) {
    let mut verified = vec![0_i64; info.piece_count() as usize];
    for (times, file) in times.iter().zip((0..).map(FileIndex)) {
        for (piece, nth) in info.pieces_of(file).zip(0_usize..) {
            let time = match times {
                Times::Same(time) => *time,
                Times::Each(each) => each.get(nth).copied().unwrap_or(0),
            };
            if let Some(slot) = verified.get_mut(piece as usize) {
                *slot = time;
            }
        }
    }
    for (time, piece) in verified.iter().zip(0..) {
        if *time == 0 {
            found.doubt.set(piece, true);
        }
    }
    for file in (0..info.files.len()).filter_map(|i| u32::try_from(i).ok().map(FileIndex)) {
        // A file still being written is newer than most of what was verified in it.
        let complete = info.pieces_of(file).all(|piece| found.have.get(piece));
        let Some(now) = stats.get(file.idx()).copied().flatten().filter(|_| complete) else {
            continue;
        };
        for piece in info.pieces_of(file) {
            if verified.get(piece as usize).is_some_and(|time| *time < seconds(now)) {
                found.doubt.set(piece, true);
            }
        }
    }
}

fn seconds(stat: FileStat) -> i64 {
    i64::try_from(stat.mtime_ns.div_euclid(1_000_000_000)).unwrap_or(i64::MAX)
}

fn is_padding(info: &Info, file: FileIndex) -> bool {
    info.files.get(file.idx()).is_some_and(|f| f.attr.padding)
}

/// Whether the files are long enough to hold a piece; padding is not stored.
fn is_there(info: &Info, stats: &[Option<FileStat>], piece: u32) -> bool {
    let piece = PieceIndex(piece);
    info.spans(piece, 0, info.geometry.len_of(piece)).all(|span| {
        is_padding(info, span.file)
            || stats
                .get(span.file.idx())
                .copied()
                .flatten()
                .is_some_and(|stat| stat.size >= span.offset + span.length)
    })
}

//! Compares content on disk with piece hashes, reading each file once, front to back.
//!
//! Deliberately absent: the library's session. `verify` must not create, open for writing or lock
//! anything, and has no state to keep.

use std::io::{self, Read};

use sha1::{Digest, Sha1};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// One stretch of a torrent's content, in order.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// Bytes.
    pub(crate) length: u64,
    /// Padding: reads as zeros and is not stored.
    pub(crate) padding: bool,
}

/// What the comparison found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Per piece: it matches.
    pub(crate) pieces: Vec<bool>,
    /// Per stretch: why it could not be read in full.
    pub(crate) missing: Vec<Option<String>>,
    /// Bytes in pieces that match.
    pub(crate) good_bytes: u64,
}

impl Outcome {
    /// Whether everything matches and every file is there.
    pub(crate) fn is_complete(&self) -> bool {
        self.pieces.iter().all(|p| *p) && self.missing.iter().all(Option::is_none)
    }
}

/// Hashes pieces as bytes come.
struct Pieces<'a> {
    expected: &'a [[u8; 20]],
    piece_len: u64,
    hasher: Sha1,
    filled: u64,
    /// Some bytes of the piece under way could not be read.
    hole: bool,
    out: Outcome,
}

impl Pieces<'_> {
    fn room(&self) -> u64 {
        self.piece_len - self.filled
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(self.room()).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.hasher.update(now);
            self.advance(now.len() as u64);
            bytes = later;
        }
    }

    /// Bytes that could not be read.
    fn skip(&mut self, mut count: u64) {
        while count > 0 {
            let now = count.min(self.room());
            self.hole = true;
            self.advance(now);
            count -= now;
        }
    }

    fn advance(&mut self, count: u64) {
        self.filled += count;
        if self.filled == self.piece_len {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let digest: [u8; 20] = self.hasher.finalize_reset().into();
        let good = !self.hole && self.expected.get(self.out.pieces.len()) == Some(&digest);
        self.out.good_bytes += if good { self.filled } else { 0 };
        self.out.pieces.push(good);
        (self.filled, self.hole) = (0, false);
    }
}

/// Reads all stretches; `open` gives a stretch's file, `progress` hears how many bytes are through
/// and ends the run with `false` (then `None` comes back).
pub(crate) fn compare<R: Read>(
    stretches: &[Stretch],
    piece_len: u32,
    expected: &[[u8; 20]],
    mut open: impl FnMut(usize) -> io::Result<R>,
    mut progress: impl FnMut(u64) -> bool,
) -> Option<Outcome> {
    let mut pieces = Pieces {
        expected,
        piece_len: u64::from(piece_len),
        hasher: Sha1::new(),
        filled: 0,
        hole: false,
        out: Outcome::default(),
    };
    let mut buffer = vec![0; CHUNK];
    let mut through = 0;
    for (index, stretch) in stretches.iter().enumerate() {
        let mut source = if stretch.padding { None } else { Some(open(index)) };
        let mut left = stretch.length;
        let mut why = None;
        while left > 0 && why.is_none() {
            let want = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let got = match &mut source {
                None => {
                    buffer[..want].fill(0);
                    Ok(want)
                }
                Some(Ok(file)) => read_some(file, &mut buffer[..want]),
                Some(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            match got {
                Ok(0) => why = Some(format!("{left} bytes short")),
                Ok(count) => {
                    pieces.feed(&buffer[..count]);
                    left -= count as u64;
                    through += count as u64;
                }
                Err(error) => why = Some(error.to_string()),
            }
            if !progress(through) {
                return None;
            }
        }
        if let (0, Some(Err(error))) = (stretch.length, &source) {
            why = Some(error.to_string());
        }
        pieces.skip(left);
        through += left;
        pieces.out.missing.push(why);
    }
    if pieces.filled > 0 {
        pieces.finish();
    }
    Some(pieces.out)
}

fn read_some(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Content as `(bytes, padding)` per stretch, its hashes.
    fn hashes(content: &[(Vec<u8>, bool)], piece_len: usize) -> Vec<[u8; 20]> {
        let all: Vec<u8> = content.iter().flat_map(|(b, _)| b.clone()).collect();
        all.chunks(piece_len).map(|c| Sha1::digest(c).into()).collect()
    }

    fn run(content: &[(Vec<u8>, bool)], disk: &[Option<Vec<u8>>], piece_len: usize) -> Outcome {
        let stretches: Vec<Stretch> = content
            .iter()
            .map(|(b, padding)| Stretch { length: b.len() as u64, padding: *padding })
            .collect();
        let open = |i: usize| {
            disk[i].clone().map(io::Cursor::new).ok_or_else(|| io::ErrorKind::NotFound.into())
        };
        let expected = hashes(content, piece_len);
        let piece_len = u32::try_from(piece_len).expect("small");
        compare(&stretches, piece_len, &expected, open, |_| true).expect("not cancelled")
    }

    fn sample() -> Vec<(Vec<u8>, bool)> {
        vec![(vec![1; 10], false), (vec![0; 6], true), (vec![], false), (vec![2; 17], false)]
    }

    #[test]
    fn whole_content_is_complete() {
        let content = sample();
        let disk: Vec<_> = content.iter().map(|(b, p)| (!p).then(|| b.clone())).collect();
        let out = run(&content, &disk, 8);
        assert!(out.is_complete(), "{out:?}");
        assert_eq!((out.pieces.len(), out.good_bytes), (5, 33));
    }

    #[test]
    fn damage_costs_the_pieces_it_touches() {
        let content = sample();
        let mut disk: Vec<_> = content.iter().map(|(b, _)| Some(b.clone())).collect();
        disk[0] = Some(vec![1; 9]);
        disk[2] = None;
        if let Some(bytes) = &mut disk[3] {
            bytes[16] = 9;
        }
        let out = run(&content, &disk, 8);
        assert_eq!(out.pieces, [true, false, true, true, false]);
        assert_eq!(
            out.missing.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, false, true, false]
        );
    }

    #[test]
    fn a_run_can_be_cancelled() {
        let stretches = [Stretch { length: 5, padding: true }];
        let open = |_| Ok(io::empty());
        assert_eq!(compare(&stretches, 16, &[[0; 20]], open, |_| false), None);
    }

    proptest! {
        #[test]
        fn every_flipped_byte_is_found(
            lengths in proptest::collection::vec(0_usize..50, 1..6),
            piece_len in 1_usize..40,
            at in any::<proptest::sample::Index>(),
        ) {
            let content: Vec<_> = lengths.iter().map(|n| (vec![7_u8; *n], false)).collect();
            let mut disk: Vec<_> = content.iter().map(|(b, _)| Some(b.clone())).collect();
            prop_assert!(run(&content, &disk, piece_len).is_complete());
            let total: usize = lengths.iter().sum();
            prop_assume!(total > 0);
            let at = at.index(total);
            let mut offset = 0;
            for bytes in disk.iter_mut().flatten() {
                if (offset..offset + bytes.len()).contains(&at) {
                    bytes[at - offset] ^= 1;
                }
                offset += bytes.len();
            }
            let out = run(&content, &disk, piece_len);
            let wrong: Vec<usize> = (0..out.pieces.len()).filter(|p| !out.pieces[*p]).collect();
            prop_assert_eq!(wrong, vec![at / piece_len]);
        }
    }
}

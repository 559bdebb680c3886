//! Reads content by its offset in the torrent, through a few open files.

use std::fs::File;
use std::io::{self, ErrorKind as IoKind};
use std::path::Path;

use super::{Content, Place};
use crate::disk;
use crate::engine::error::Error;

/// Files kept open: each lane may be in another one.
const OPEN_FILES: usize = 32;

/// A thread's view of the content.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    content: &'a Content,
    /// Open files by their number, the one used last at the end.
    open: Vec<(usize, File)>,
}

/// Part of a file that belongs to a range.
struct Part<'a> {
    file: usize,
    path: Option<&'a Path>,
    offset: u64,
    length: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(content: &'a Content) -> Self {
        Self { content, open: Vec::new() }
    }

    /// Fills `out` from an offset. False when a file is missing or short and may be.
    pub(super) fn read(&mut self, offset: u64, mut out: &mut [u8]) -> Result<bool, Error> {
        for part in parts(&self.content.places, offset, out.len() as u64) {
            let (to, rest) = out.split_at_mut(part.length.min(out.len()));
            out = rest;
            let Some(path) = part.path else {
                to.fill(0);
                continue;
            };
            let read = self.file(part.file, path).and_then(|file| read_at(file, part.offset, to));
            match read {
                Ok(()) => {}
                Err(e) if !self.content.must_exist && is_absent(&e) => return Ok(false),
                Err(e) => return Err(Error::io(&e, path)),
            }
        }
        Ok(true)
    }

    /// Asks for a range that is not in the system's cache.
    pub(super) fn ahead(&mut self, offset: u64, length: u64) {
        for part in parts(&self.content.places, offset, length) {
            // A file that cannot be opened is told when it is read.
            if let Some(path) = part.path
                && let Ok(file) = self.file(part.file, path)
            {
                disk::read_ahead(file, part.offset, part.length as u64);
            }
        }
    }

    fn file(&mut self, number: usize, path: &Path) -> io::Result<&File> {
        let place = match self.open.iter().position(|(n, _)| *n == number) {
            Some(place) => place,
            None => {
                let file = File::open(path)?;
                if self.open.len() >= OPEN_FILES {
                    self.open.remove(0);
                }
                self.open.push((number, file));
                self.open.len() - 1
            }
        };
        // Most recently used last; lanes mostly share one file, so this is short.
        self.open.get_mut(place..).unwrap_or_default().rotate_left(1);
        self.open.last().map(|(_, file)| file).ok_or_else(|| IoKind::NotFound.into())
    }
}

/// The parts of files that a range consists of, in order.
fn parts(places: &[Place], offset: u64, length: u64) -> impl Iterator<Item = Part<'_>> {
    let end = offset + length;
    let first = places.partition_point(|p| p.offset + p.length <= offset);
    let within = places.iter().enumerate().skip(first).take_while(move |(_, p)| p.offset < end);
    within.filter(|(_, p)| p.length > 0).map(move |(file, place)| {
        let from = place.offset.max(offset);
        let to = (place.offset + place.length).min(end);
        let length = usize::try_from(to - from).unwrap_or(usize::MAX);
        Part { file, path: place.path.as_deref(), offset: from - place.offset, length }
    })
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(not(unix))]
fn read_at(mut file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(out)
}

/// Missing, or shorter than it should be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), IoKind::NotFound | IoKind::NotADirectory | IoKind::UnexpectedEof)
}

//! Hashing content on disk without a session: what creating and checking have in common.
//!
//! A few `tern-hash-N` threads live only as long as the call. Each takes a group of neighbouring
//! pieces, one per lane of the hasher, and goes through all of them side by side in steps small
//! enough that the bytes are still in the cache of the core that read them. No piece is ever held
//! whole. Deliberately absent: what the digests should be, where paths come from, writing.

mod reader;
#[cfg(test)]
mod tests;

use std::num::NonZero;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Scope};
use std::time::Duration;

use parking_lot::Mutex;

use self::reader::Reader;
use super::error::{Error, ErrorKind};
use crate::base::{AlignedBytes, Geometry, PieceIndex};
use crate::hash::Hasher;
use crate::net::signals::Blocked;

/// Bytes of each piece per step: sixteen of them are a quarter of a small second-level cache.
const STEP: usize = 16 << 10;
/// Bytes of each piece asked for ahead when they are not in the system's cache: long enough that a
/// spinning disk reads more than it seeks.
const AHEAD: u64 = 4 << 20;
/// How often progress is told when no group ends.
const TICK: Duration = Duration::from_millis(100);
/// Threads when nobody says how many: more only wait for the memory.
const MAX_AUTO_THREADS: usize = 8;

/// A file of the content in its place.
#[derive(Clone, Debug)]
pub struct Place {
    /// Offset of its first byte in the torrent.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// Where it is; `None` for padding, which reads as zeros.
    pub path: Option<PathBuf>,
}

/// Content as it lies on disk.
#[derive(Debug)]
pub struct Content {
    /// Total and piece length.
    pub geometry: Geometry,
    /// Files in torrent order, one after the other.
    pub places: Vec<Place>,
    /// Whether a missing or short file is an error; else its pieces have no digest.
    pub must_exist: bool,
}

/// With what to hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// Instructions.
    pub hasher: Hasher,
    /// Threads; 0 takes one per processor, at most eight.
    pub threads: usize,
}

impl Effort {
    fn threads(self) -> usize {
        let here = || thread::available_parallelism().map_or(1, NonZero::get);
        if self.threads > 0 { self.threads } else { here().min(MAX_AUTO_THREADS) }
    }
}

impl Content {
    /// SHA-1 of each piece of a range; `None` where bytes are missing. `progress` is told the bytes
    /// hashed so far, on the calling thread, several times a second and at the end, and returns
    /// false to cancel.
    ///
    /// # Errors
    /// What the system says, [`ErrorKind::Cancelled`].
    pub fn digests(
        &self,
        pieces: Range<u32>,
        effort: Effort,
        progress: impl FnMut(u64) -> bool,
    ) -> Result<Vec<Option<[u8; 20]>>, Error> {
        let count = pieces.len();
        let work = Work {
            content: self,
            hasher: effort.hasher,
            threads: effort.threads().clamp(1, count.max(1)),
            rest: Mutex::new(pieces.clone()),
            hashed: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        };
        let (done, results) = channel();
        let mut digests = vec![None; count];
        let collected = thread::scope(|scope| {
            let started = work.start(scope, done);
            let collected = started.and_then(|()| work.collect(&results, &mut digests, progress));
            work.stop.store(true, Ordering::Relaxed);
            collected
        });
        collected.map(|()| digests)
    }
}

/// Digests of a group: the number of its first piece in the range, and what came out.
type Group = Result<(usize, Vec<Option<[u8; 20]>>), Error>;

/// What the threads of one call share.
struct Work<'a> {
    content: &'a Content,
    hasher: Hasher,
    threads: usize,
    /// Pieces nobody has taken yet.
    rest: Mutex<Range<u32>>,
    hashed: AtomicU64,
    stop: AtomicBool,
}

impl Work<'_> {
    fn start<'s>(&'s self, scope: &'s Scope<'s, '_>, done: Sender<Group>) -> Result<(), Error> {
        let first = self.rest.lock().start;
        // Signals are the host's: our threads inherit a mask that blocks them.
        let _blocked = Blocked::new();
        for i in 0..self.threads {
            let done = done.clone();
            let run = move || self.thread(first, &done);
            let started = thread::Builder::new().name(format!("tern-hash-{i}"));
            match started.spawn_scoped(scope, run) {
                Ok(_) => {}
                Err(e) if i == 0 => return Err(Error::io(&e, "")),
                // The others do it.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Gathers the groups until all threads are done.
    fn collect(
        &self,
        results: &Receiver<Group>,
        digests: &mut [Option<[u8; 20]>],
        mut progress: impl FnMut(u64) -> bool,
    ) -> Result<(), Error> {
        loop {
            match results.recv_timeout(TICK) {
                Ok(Ok((first, group))) => {
                    let places = digests.iter_mut().skip(first);
                    places.zip(group).for_each(|(place, digest)| *place = digest);
                }
                Ok(Err(error)) => return Err(error),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !progress(self.hashed.load(Ordering::Relaxed)) {
                return Err(ErrorKind::Cancelled.into());
            }
        }
        if progress(self.hashed.load(Ordering::Relaxed)) {
            Ok(())
        } else {
            Err(ErrorKind::Cancelled.into())
        }
    }

    /// Takes groups until there are no more.
    fn thread(&self, first: u32, done: &Sender<Group>) {
        let mut lanes = Lanes::new(self);
        while let Some(group) = self.take(lanes.streams.lanes()) {
            let at = (group.start - first) as usize;
            let result = lanes.group(group).map(|digests| (at, digests));
            let failed = result.is_err();
            if done.send(result).is_err() || failed {
                return;
            }
        }
    }

    /// The next pieces for one thread: as many as there are lanes, fewer when the rest would not
    /// keep the other threads busy as long.
    fn take(&self, lanes: usize) -> Option<Range<u32>> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        let mut rest = self.rest.lock();
        let fair = rest.len().div_ceil(self.threads).min(lanes);
        let start = rest.start;
        rest.start += u32::try_from(fair).unwrap_or(u32::MAX);
        (fair > 0).then_some(start..rest.start)
    }
}

/// One thread's lanes.
struct Lanes<'a> {
    work: &'a Work<'a>,
    streams: crate::hash::Sha1Streams,
    reader: Reader<'a>,
    buffer: AlignedBytes,
}

impl<'a> Lanes<'a> {
    fn new(work: &'a Work<'a>) -> Self {
        let streams = work.hasher.sha1_streams();
        let buffer = AlignedBytes::zeroed(streams.lanes() * STEP);
        Self { work, streams, reader: Reader::new(work.content), buffer }
    }

    /// Digests of a group of pieces, at most one per lane.
    fn group(&mut self, group: Range<u32>) -> Result<Vec<Option<[u8; 20]>>, Error> {
        let geometry = self.work.content.geometry;
        self.streams.begin(group.len());
        let mut whole = vec![true; group.len()];
        for at in (0..geometry.piece_len()).step_by(STEP) {
            let mut bytes = 0;
            let mut inputs: Vec<&[u8]> = Vec::with_capacity(group.len());
            let lanes = self.buffer.chunks_mut(STEP).zip(group.clone()).zip(&mut whole);
            for ((buffer, piece), whole) in lanes {
                let length = geometry.len_of(PieceIndex(piece)).saturating_sub(at) as usize;
                let part = buffer.get_mut(..length.min(STEP)).unwrap_or_default();
                let offset = geometry.offset_of(PieceIndex(piece)) + u64::from(at);
                if u64::from(at) % AHEAD == 0 && *whole {
                    self.reader.ahead(offset, AHEAD.min(length as u64));
                }
                bytes += part.len() as u64;
                *whole = *whole && self.reader.read(offset, part)?;
                inputs.push(if *whole { part } else { &[] });
            }
            self.streams.update(&inputs);
            self.work.hashed.fetch_add(bytes, Ordering::Relaxed);
            if self.work.stop.load(Ordering::Relaxed) {
                return Err(ErrorKind::Cancelled.into());
            }
        }
        let digests = self.streams.finish().into_iter().zip(whole);
        Ok(digests.map(|(digest, whole)| whole.then_some(digest)).collect())
    }
}

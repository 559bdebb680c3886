//! One torrent's storage: where the bytes of a piece go and come from.
//!
//! Each part of a piece that lies in one file is routed on its own: padding and links are zeros
//! that are never stored; a part with a record in the part store stays there; a part of an
//! unselected file that does not exist gets such a record; everything else is in the file. The part
//! store comes first so that a crash while a file is raised leaves nothing ambiguous: the record
//! counts until it is freed. Deliberately absent: job order (the scheduler's), buffering.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use super::error::{disk_error, is_absent, refusal};
use super::files::{OpenFiles, PART_STORE};
use super::layout::{Layout, NewEntries, Place};
use super::parts::PartTable;
use super::serve::Buffers;
use super::{StorageParams, sys};
use crate::base::{
    AlignedBytes, Bitset, BlockSpan, DiskError, FileIndex, FileStat, PieceIndex, TorrentId,
};
use crate::codec::metainfo::{FileSpan, Info};

/// Bytes asked for ahead in one call: Linux cuts longer requests off at what its device takes.
const READ_AHEAD_STEP: u64 = 128 * 1024;

/// What all torrents' storages share.
pub(super) struct Shared {
    /// Open files.
    pub(super) files: OpenFiles,
    /// Counters.
    pub(super) counters: Counters,
    /// What is read for peers goes here.
    pub(super) buffers: Arc<Buffers>,
}

/// Sums since the pool started.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) written: AtomicU64,
    pub(super) read: AtomicU64,
    pub(super) lent: AtomicU64,
    pub(super) read_back: AtomicU64,
    pub(super) hashed: AtomicU64,
    pub(super) hashed_pieces: AtomicU64,
    pub(super) hash_rounds: AtomicU64,
    pub(super) jobs: AtomicU64,
    pub(super) syncs: AtomicU64,
    pub(super) files_synced: AtomicU64,
}

impl Counters {
    /// Adds to a counter; the sums order nothing.
    pub(super) fn add(counter: &AtomicU64, n: usize) {
        counter.fetch_add(n as u64, Ordering::Relaxed);
    }
}

/// What is not known to be durable.
#[derive(Default)]
pub(super) struct Unsynced {
    /// Files written since the last sync; `PART_STORE` too.
    pub(super) files: BTreeSet<u32>,
    /// Content files whose state the next successful sync tells.
    pub(super) touched: BTreeSet<u32>,
    /// Directories with new entries.
    pub(super) dirs: NewEntries,
    /// Pieces written since the last sync, with the blocks that were.
    pub(super) pieces: BTreeMap<u32, Bitset>,
    /// Files that were only read to be hashed since the last sync: what a check found may still be
    /// in the page cache of a process that was killed before it synced.
    pub(super) checked_files: BTreeSet<u32>,
    /// The pieces that were.
    pub(super) checked: BTreeSet<u32>,
    /// Pieces whose bytes a failed sync may have lost, with the blocks not rewritten since.
    pub(super) lost: BTreeMap<u32, Bitset>,
}

/// What fences change.
pub(super) struct State {
    /// Places.
    pub(super) layout: Layout,
    /// Priority per file.
    pub(super) priorities: Vec<u8>,
    /// Unselected files that do not exist: their bytes go to the part store.
    pub(super) unwanted: Vec<bool>,
    /// Whether `Prepare` ran.
    pub(super) prepared: bool,
}

/// One torrent's storage.
pub(super) struct Storage {
    pub(super) id: TorrentId,
    pub(super) info: Arc<Info>,
    pub(super) preallocate: bool,
    pub(super) shared: Arc<Shared>,
    /// Written by fences, which run alone; read by piece jobs.
    pub(super) state: RwLock<State>,
    pub(super) unsynced: Mutex<Unsynced>,
    pub(super) parts: Mutex<PartTable>,
    /// Whether `parts` may have records: spares the lock where there are none.
    pub(super) has_parts: AtomicBool,
}

/// A block to be written.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Offset in its piece.
    pub(super) begin: u32,
    /// Its place among the piece's blocks in the order of arrival.
    pub(super) seq: u32,
    /// Content.
    pub(super) data: Bytes,
}

/// Where a part of a piece is.
#[derive(Clone, Copy)]
enum Route {
    /// Nowhere: zeros.
    Zeros,
    /// In the file.
    File,
    /// In the part store, from this offset.
    Parts(u64),
    /// Nowhere yet: it would get a record.
    NewPart,
}

/// How a read ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadEnd {
    /// The buffer is full.
    Full,
    /// A file is absent.
    Absent(FileIndex),
    /// A file is too short.
    Short(FileIndex),
}

impl Storage {
    /// Registers a torrent. Creates nothing.
    pub(super) fn open(
        id: TorrentId,
        params: StorageParams,
        shared: Arc<Shared>,
    ) -> Result<Self, DiskError> {
        let StorageParams { info, save_path, part_dir, renamed, mut priorities, preallocate } =
            params;
        priorities.resize(info.files.len(), 4);
        let mut layout = Layout::new(Arc::clone(&info), save_path, part_dir);
        for (file, path) in renamed {
            layout
                .rename(file, &path)
                .map_err(|e| disk_error("open", Some(file), path.as_ref(), &e))?;
        }
        let unwanted = vec![false; priorities.len()];
        let state = State { layout, priorities, unwanted, prepared: false };
        let storage = Self {
            id,
            info,
            preallocate,
            shared,
            state: RwLock::new(state),
            unsynced: Mutex::default(),
            parts: Mutex::default(),
            has_parts: AtomicBool::new(false),
        };
        storage.load_parts()?;
        let unwanted = storage.find_unwanted(&storage.state.read())?;
        storage.state.write().unwanted = unwanted;
        Ok(storage)
    }

    /// Reads the part store's table, if there is a store.
    fn load_parts(&self) -> Result<(), DiskError> {
        let place = self.state.read().layout.part_store();
        // Hardly any torrent has one: a look is all it costs then.
        if place.stat().is_err_and(|e| e.raw_os_error() == Some(libc::ENOENT)) {
            return Ok(());
        }
        match self.part_file(false) {
            Ok(file) => {
                let table = PartTable::load(&file, &self.info)
                    .map_err(|e| disk_error("open", None, &place.path(), &e))?;
                self.has_parts.store(!table.is_empty(), Ordering::Release);
                *self.parts.lock() = table;
                Ok(())
            }
            Err(e) if is_absent(&e) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Which files are unselected and absent.
    pub(super) fn find_unwanted(&self, state: &State) -> Result<Vec<bool>, DiskError> {
        (0..)
            .zip(&state.priorities)
            .map(|(i, priority)| {
                let file = FileIndex(i);
                Ok(*priority == 0 && self.stat_file(&state.layout, file)?.is_none())
            })
            .collect()
    }

    /// Whether the file's bytes are never stored.
    pub(super) fn is_virtual(&self, file: FileIndex) -> bool {
        self.info.files.get(file.idx()).is_none_or(|f| f.attr.padding || f.symlink.is_some())
    }

    /// The state of one file; `None` when it is absent or not a regular file.
    pub(super) fn stat_file(
        &self,
        layout: &Layout,
        file: FileIndex,
    ) -> Result<Option<FileStat>, DiskError> {
        if self.is_virtual(file) {
            return Ok(None);
        }
        let place = layout.place(file).map_err(|e| self.path_error("stat", file, &e))?;
        match place.stat() {
            Ok((kind, stat)) => Ok((kind == libc::S_IFREG).then_some(stat)),
            Err(e) => match e.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => Ok(None),
                _ => Err(disk_error("stat", Some(file), &place.path(), &e)),
            },
        }
    }

    /// An error about a file whose path cannot be used.
    pub(super) fn path_error(&self, op: &'static str, file: FileIndex, e: &io::Error) -> DiskError {
        let path = self.info.files.get(file.idx()).map_or("", |f| f.path.as_str());
        disk_error(op, Some(file), path.as_ref(), e)
    }

    fn route(&self, state: &State, piece: PieceIndex, span: &FileSpan) -> Route {
        if self.is_virtual(span.file) {
            return Route::Zeros;
        }
        if self.has_parts.load(Ordering::Acquire)
            && let Some(record) = self.parts.lock().find(piece.0, span.file.0)
        {
            return Route::Parts(record.data() + self.offset_in_part(piece, span));
        }
        let unwanted = state.unwanted.get(span.file.idx()).copied().unwrap_or(false);
        if unwanted { Route::NewPart } else { Route::File }
    }

    /// Offset of `span` in the part of `piece` that lies in the file.
    fn offset_in_part(&self, piece: PieceIndex, span: &FileSpan) -> u64 {
        let start = self.info.files.get(span.file.idx()).map_or(0, |f| f.offset);
        span.offset - self.info.geometry.offset_of(piece).saturating_sub(start)
    }

    /// The piece's length; 0 when there is no such piece.
    pub(super) fn piece_len(&self, piece: PieceIndex) -> u32 {
        self.info.geometry.len_of(piece)
    }

    /// Writes blocks of a piece, neighbours together; they are sorted and do not overlap.
    pub(super) fn write(&self, piece: PieceIndex, blocks: &[Block]) -> Result<(), DiskError> {
        if blocks.is_empty() {
            return Ok(());
        }
        for run in blocks.chunk_by(|a, b| a.begin as usize + a.data.len() == b.begin as usize) {
            self.write_run(piece, run)?;
        }
        self.note_written(piece, blocks);
        Ok(())
    }

    fn write_run(&self, piece: PieceIndex, run: &[Block]) -> Result<(), DiskError> {
        let state = self.state.read();
        let begin = run.first().map_or(0, |b| b.begin);
        let len = run.iter().map(|b| b.data.len()).sum::<usize>();
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let mut rest = run.iter().map(|b| &b.data[..]);
        let mut head: &[u8] = &[];
        let mut slices: Vec<&[u8]> = Vec::with_capacity(run.len());
        for span in self.info.spans(piece, begin, len) {
            slices.clear();
            let mut want = usize::try_from(span.length).unwrap_or(usize::MAX);
            while want > 0 {
                if head.is_empty() {
                    let Some(next) = rest.next() else { break };
                    head = next;
                }
                let (now, later) = head.split_at(want.min(head.len()));
                slices.push(now);
                head = later;
                want -= now.len();
            }
            self.write_span(&state, piece, &span, &slices)?;
        }
        Ok(())
    }

    fn write_span(
        &self,
        state: &State,
        piece: PieceIndex,
        span: &FileSpan,
        slices: &[&[u8]],
    ) -> Result<(), DiskError> {
        let error = |key, e: &io::Error| {
            let path = match key {
                PART_STORE => state.layout.part_store().path(),
                _ => self.path_of(state, span.file),
            };
            disk_error("write", Some(span.file), &path, e)
        };
        let (file, offset, key) = match self.route(state, piece, span) {
            Route::Zeros => return Ok(()),
            Route::File => (self.content_file(state, span.file, true)?, span.offset, span.file.0),
            Route::Parts(offset) => (self.part_file(true)?, offset, PART_STORE),
            Route::NewPart => {
                let file = self.part_file(true)?;
                let record = self
                    .parts
                    .lock()
                    .make(&file, &self.info, (piece.0, span.file.0))
                    .map_err(|e| error(PART_STORE, &e))?;
                self.has_parts.store(true, Ordering::Release);
                (file, record.data() + self.offset_in_part(piece, span), PART_STORE)
            }
        };
        // Marked before the write: a failed one may have changed some bytes.
        self.unsynced.lock().files.insert(key);
        sys::write_all_at(&file, slices, offset).map_err(|e| error(key, &e))?;
        let len = slices.iter().map(|s| s.len()).sum();
        Counters::add(&self.shared.counters.written, len);
        Ok(())
    }

    fn note_written(&self, piece: PieceIndex, blocks: &[Block]) {
        let mut unsynced = self.unsynced.lock();
        let unsynced = &mut *unsynced;
        let all = self.info.geometry.block_count(piece);
        let written = unsynced.pieces.entry(piece.0).or_insert_with(|| Bitset::new(all));
        let mut lost = unsynced.lost.get_mut(&piece.0);
        for Block { begin, data, .. } in blocks {
            let len = u32::try_from(data.len()).unwrap_or(0);
            let span = BlockSpan { piece, begin: *begin, length: len };
            if let Some(block) = self.info.geometry.block_index(span) {
                written.set(block, true);
                if let Some(lost) = &mut lost {
                    lost.set(block, false);
                }
            }
        }
        let Some(lost) = lost else { return };
        if lost.none() {
            unsynced.lost.remove(&piece.0);
        }
    }

    /// Whether the piece was written since the last sync, so that reading it is reading back.
    pub(super) fn is_fresh(&self, piece: PieceIndex) -> bool {
        self.unsynced.lock().pieces.contains_key(&piece.0)
    }

    /// Writes the blocks that a failed sync put in doubt once more, as they are read now: the
    /// system takes their pages for written and would not write them again by itself. Those that
    /// are not there any more are in doubt no longer; whoever believes in them finds that out by
    /// reading.
    pub(super) fn write_lost_again(&self) -> Result<(), DiskError> {
        let lost = self.unsynced.lock().lost.clone();
        for (piece, blocks) in lost {
            let piece = PieceIndex(piece);
            for block in blocks.iter() {
                let Some(span) = self.info.geometry.block(piece, block) else { continue };
                let mut data = AlignedBytes::zeroed(span.length as usize);
                if matches!(self.read(piece, span.begin, &mut data)?, ReadEnd::Full) {
                    let data = Bytes::from_owner(data);
                    self.write(piece, &[Block { seq: 0, begin: span.begin, data }])?;
                }
            }
            self.unsynced.lock().lost.remove(&piece.0);
        }
        Ok(())
    }

    /// Notes that the piece's digest stands for bytes on disk, so the next sync has to cover them.
    pub(super) fn note_checked(&self, piece: PieceIndex) {
        let len = self.info.geometry.len_of(piece);
        let parts = self.has_parts.load(Ordering::Acquire).then(|| self.parts.lock());
        let stored =
            |file: FileIndex| parts.as_ref().is_some_and(|p| p.find(piece.0, file.0).is_some());
        let mut unsynced = self.unsynced.lock();
        unsynced.checked.insert(piece.0);
        for span in self.info.spans(piece, 0, len).filter(|s| !self.is_virtual(s.file)) {
            let key = if stored(span.file) { PART_STORE } else { span.file.0 };
            unsynced.checked_files.insert(key);
        }
    }

    /// Fills `out` with the bytes of `piece` from `begin`.
    pub(super) fn read(
        &self,
        piece: PieceIndex,
        begin: u32,
        mut out: &mut [u8],
    ) -> Result<ReadEnd, DiskError> {
        let state = self.state.read();
        let len = u32::try_from(out.len()).unwrap_or(u32::MAX);
        for span in self.info.spans(piece, begin, len) {
            let take = usize::try_from(span.length).unwrap_or(usize::MAX).min(out.len());
            let (now, later) = std::mem::take(&mut out).split_at_mut(take);
            out = later;
            let end = self.read_span(&state, piece, &span, now)?;
            if end != ReadEnd::Full {
                return Ok(end);
            }
        }
        Ok(ReadEnd::Full)
    }

    /// The file and the place in it, when the span lies in one content file that is open; never
    /// waits. What stands in the way is for a read to tell.
    pub(super) fn lend(&self, span: BlockSpan) -> Option<(Arc<File>, FileSpan)> {
        if self.has_parts.load(Ordering::Acquire) {
            return None;
        }
        let state = self.state.try_read()?;
        let mut spans = self.info.spans(span.piece, span.begin, span.length);
        let (place, more) = (spans.next()?, spans.next().is_some());
        if more || !matches!(self.route(&state, span.piece, &place), Route::File) {
            return None;
        }
        self.shared.files.find((self.id.0, place.file.0), false).map(|file| (file, place))
    }

    /// Has the system fetch what a check reads next, unless it is in the page cache: lanes read in
    /// many places by turns, which would make a disk seek all the time. Failures are for the read
    /// to tell.
    pub(super) fn read_ahead(&self, piece: PieceIndex, begin: u32, len: u32) {
        let state = self.state.read();
        for span in self.info.spans(piece, begin, len) {
            if !matches!(self.route(&state, piece, &span), Route::File) {
                continue;
            }
            let Ok(file) = self.content_file(&state, span.file, false) else { continue };
            if sys::readable_now(&file, span.offset) != Some(false) {
                continue;
            }
            let mut done = 0;
            while done < span.length {
                let step = READ_AHEAD_STEP.min(span.length - done);
                sys::read_ahead(&file, span.offset + done, step);
                done += step;
            }
        }
    }

    fn read_span(
        &self,
        state: &State,
        piece: PieceIndex,
        span: &FileSpan,
        out: &mut [u8],
    ) -> Result<ReadEnd, DiskError> {
        let opened = match self.route(state, piece, span) {
            Route::Zeros => {
                out.fill(0);
                return Ok(ReadEnd::Full);
            }
            Route::NewPart => return Ok(ReadEnd::Absent(span.file)),
            Route::File => self.content_file(state, span.file, false).map(|f| (f, span.offset)),
            Route::Parts(offset) => self.part_file(false).map(|f| (f, offset)),
        };
        let (file, offset) = match opened {
            Ok(opened) => opened,
            Err(e) if is_absent(&e) => return Ok(ReadEnd::Absent(span.file)),
            Err(e) => return Err(e),
        };
        match file.read_exact_at(out, offset) {
            Ok(()) => {
                Counters::add(&self.shared.counters.read, out.len());
                Ok(ReadEnd::Full)
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(ReadEnd::Short(span.file)),
            Err(e) => {
                let path = self.path_of(state, span.file);
                Err(disk_error("read", Some(span.file), &path, &e))
            }
        }
    }

    /// The error of a read that did not fill its buffer.
    pub(super) fn short_read(&self, end: ReadEnd) -> DiskError {
        let state = self.state.read();
        match end {
            ReadEnd::Absent(file) => {
                let e = io::Error::from_raw_os_error(libc::ENOENT);
                disk_error("read", Some(file), &self.path_of(&state, file), &e)
            }
            ReadEnd::Short(file) => {
                let path = self.path_of(&state, file);
                refusal("read", Some(file), &path, "file is shorter than expected")
            }
            ReadEnd::Full => refusal("read", None, "".as_ref(), "nothing to read"),
        }
    }

    /// The file's path, for messages.
    pub(super) fn path_of(&self, state: &State, file: FileIndex) -> PathBuf {
        state.layout.place(file).map(|p| p.path()).unwrap_or_default()
    }

    /// The file's place.
    pub(super) fn place(
        &self,
        state: &State,
        op: &'static str,
        file: FileIndex,
    ) -> Result<Place, DiskError> {
        state.layout.place(file).map_err(|e| self.path_error(op, file, &e))
    }

    /// Opens a content file; for writing it is created, and space reserved if that is wanted.
    pub(super) fn content_file(
        &self,
        state: &State,
        file: FileIndex,
        write: bool,
    ) -> Result<Arc<File>, DiskError> {
        let key = (self.id.0, file.0);
        if let Some(found) = self.shared.files.find(key, write) {
            return Ok(found);
        }
        let place = self.place(state, "open", file)?;
        let entry = self.info.files.get(file.idx());
        let mode = if entry.is_some_and(|f| f.attr.executable) { 0o777 } else { 0o666 };
        let (opened, created) = self
            .open_at(&place, write, mode)
            .map_err(|e| disk_error("open", Some(file), &place.path(), &e))?;
        if created {
            self.unsynced.lock().files.insert(file.0);
            if self.preallocate
                && let Some(len) = entry.map(|f| f.length).filter(|len| *len > 0)
                && let Err(e) = sys::allocate(&opened, len)
            {
                // The file stays: another thread may have written to it already.
                return Err(disk_error("allocate", Some(file), &place.path(), &e));
            }
        }
        Ok(self.shared.files.keep(key, write, opened))
    }

    /// Opens the part store; for writing it is created.
    pub(super) fn part_file(&self, write: bool) -> Result<Arc<File>, DiskError> {
        let key = (self.id.0, PART_STORE);
        if let Some(found) = self.shared.files.find(key, write) {
            return Ok(found);
        }
        let place = self.state.read_recursive().layout.part_store();
        let (opened, _) = self
            .open_at(&place, write, 0o666)
            .map_err(|e| disk_error("open", None, &place.path(), &e))?;
        Ok(self.shared.files.keep(key, write, opened))
    }

    /// Opens a file; the flag says whether it was created.
    fn open_at(&self, place: &Place, write: bool, mode: u32) -> io::Result<(File, bool)> {
        if !write {
            let entry = place.entry(None)?;
            return Ok((sys::open_file(&entry.dir, &entry.name, libc::O_RDONLY, 0)?, false));
        }
        let mut new = NewEntries::new();
        let entry = place.entry(Some(&mut new));
        self.unsynced.lock().dirs.append(&mut new);
        let entry = entry?;
        let create = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL;
        loop {
            match sys::open_file(&entry.dir, &entry.name, libc::O_RDWR, 0) {
                Err(e) if e.raw_os_error() == Some(libc::ENOENT) => {}
                other => return other.map(|file| (file, false)),
            }
            match sys::open_file(&entry.dir, &entry.name, create, mode) {
                // Another thread created it between the two calls: open that one.
                Err(e) if e.raw_os_error() == Some(libc::EEXIST) => {}
                other => {
                    let file = other?;
                    let path = place.path();
                    let dir = path.parent().unwrap_or(&path).to_owned();
                    self.unsynced.lock().dirs.insert(dir);
                    return Ok((file, true));
                }
            }
        }
    }
}

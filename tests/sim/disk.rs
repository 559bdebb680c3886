//! A disk that forgets: what was written lives in memory until a sync, and a crash keeps any subset
//! of the sectors written since. It can be full, fail, lie to peers, or never answer their reads.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha1::{Digest, Sha1};
use tern::base::{BlockSpan, DiskError, FileIndex, FileStat, Look, PieceIndex, Rng, Synced};

use crate::content::Content;

const SECTOR: u64 = 512;

/// One file.
#[derive(Clone, Debug, Default)]
struct File {
    live: Option<Vec<u8>>,
    synced: Option<Vec<u8>>,
    /// Ranges written since the last sync.
    unsynced: Vec<(u64, u64)>,
    /// Ranges written before the disk forgot the torrent: only a sync of a file that was written
    /// since gets to them.
    forgotten: Vec<(u64, u64)>,
    mtime: i128,
    synced_mtime: i128,
    /// Its directory entry survives a loss of power.
    named: bool,
}

/// What reads for peers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    #[default]
    Honest,
    /// One block in so many is corrupt.
    Lie(u64),
    /// Never answered.
    Never,
}

/// A node's disk.
#[derive(Clone, Debug)]
pub struct Disk {
    content: Arc<Content>,
    files: Vec<File>,
    clock: i128,
    /// Writes fail while set.
    pub full: bool,
    /// The next sync fails, and what was written before it never reaches the platter although it
    /// can be read; syncs go on failing until it is written again.
    pub fail_sync: bool,
    written: BTreeSet<BlockSpan>,
    lost: BTreeSet<BlockSpan>,
    pub reads: Reads,
    /// Syncs do nothing and say that they did.
    pub lazy: bool,
    /// Somebody else changed a file under a running torrent.
    pub tampered: bool,
    /// The directory is not there, or another file system is in its place.
    pub unmounted: Option<Option<u64>>,
    /// Files the next sync tells about.
    touched: BTreeSet<FileIndex>,
    /// Pieces that went bad, and were not written since.
    rotten: BTreeSet<PieceIndex>,
}

fn error(op: &'static str, os_errno: i32) -> DiskError {
    DiskError { op, file: None, path: PathBuf::new(), os_errno, message: "injected".into() }
}

impl File {
    fn sync(&mut self) {
        if self.unsynced.is_empty() && !self.forgotten.is_empty() {
            return;
        }
        self.unsynced.append(&mut self.forgotten);
        self.synced_mtime = self.mtime;
        let Some(live) = &self.live else { return };
        let synced = self.synced.get_or_insert_with(Vec::new);
        synced.resize(live.len(), 0);
        for (from, to) in self.unsynced.drain(..) {
            let range = usize::try_from(from).unwrap()..usize::try_from(to).unwrap();
            synced[range.clone()].copy_from_slice(&live[range]);
        }
        debug_assert!(live.len() > 100_000 || synced == live);
    }
}

impl Disk {
    /// Empty, or holding the whole content.
    pub fn new(content: &Arc<Content>, complete: bool) -> Self {
        let files = content
            .info
            .files
            .iter()
            .map(|f| {
                let from = usize::try_from(f.offset).unwrap();
                let to = from + usize::try_from(f.length).unwrap();
                let bytes = (complete && !f.attr.padding).then(|| content.bytes[from..to].to_vec());
                File { synced: bytes.clone(), live: bytes, named: complete, ..File::default() }
            })
            .collect();
        Self {
            content: content.clone(),
            files,
            clock: 1_000_000_000,
            full: false,
            fail_sync: false,
            written: BTreeSet::new(),
            lost: BTreeSet::new(),
            reads: Reads::Honest,
            lazy: false,
            tampered: false,
            unmounted: None,
            touched: BTreeSet::new(),
            rotten: BTreeSet::new(),
        }
    }

    fn tick(&mut self) -> i128 {
        self.clock += 1_000_003;
        self.clock
    }

    /// As `stat` sees the files.
    pub fn look(&self) -> Look {
        if let Some(root) = self.unmounted {
            return Look { files: vec![None; self.files.len()], root };
        }
        let stat = |f: &File| {
            let size = f.live.as_ref()?.len() as u64;
            Some(FileStat { size, mtime_ns: f.mtime })
        };
        Look { files: self.files.iter().map(stat).collect(), root: Some(7) }
    }

    pub fn prepare(&mut self) {
        for (file, entry) in self.files.iter_mut().zip(&self.content.info.files) {
            if entry.length == 0 && !entry.attr.padding && file.live.is_none() {
                file.live = Some(Vec::new());
            }
        }
        let empty = self.content.info.files.iter().enumerate().filter(|(_, e)| e.length == 0);
        self.touched.extend(empty.map(|(i, _)| FileIndex(i as u32)));
    }

    pub fn write(&mut self, span: BlockSpan, data: &[u8]) -> Result<(), DiskError> {
        if self.full {
            return Err(error("write", 28));
        }
        assert!(self.unmounted.is_none(), "written to the mount point");
        let mtime = self.tick();
        self.lost.remove(&span);
        self.rotten.remove(&span.piece);
        self.written.insert(span);
        let mut data = data;
        for part in self.content.info.spans(span.piece, span.begin, span.length) {
            let (now, rest) = data.split_at(usize::try_from(part.length).unwrap());
            data = rest;
            if self.content.info.files[part.file.idx()].attr.padding {
                continue;
            }
            let file = &mut self.files[part.file.idx()];
            let live = file.live.get_or_insert_with(Vec::new);
            let from = usize::try_from(part.offset).unwrap();
            if live.len() < from + now.len() {
                live.resize(from + now.len(), 0);
            }
            live[from..from + now.len()].copy_from_slice(now);
            file.unsynced.push((part.offset, part.offset + part.length));
            file.mtime = mtime;
            self.touched.insert(part.file);
        }
        Ok(())
    }

    fn image(&self, span: BlockSpan, synced: bool) -> Option<Vec<u8>> {
        if self.unmounted.is_some() && !synced {
            return None;
        }
        let mut out = Vec::new();
        for part in self.content.info.spans(span.piece, span.begin, span.length) {
            let length = usize::try_from(part.length).unwrap();
            if self.content.info.files[part.file.idx()].attr.padding {
                out.resize(out.len() + length, 0);
                continue;
            }
            let file = &self.files[part.file.idx()];
            let image = if synced { &file.synced } else { &file.live };
            let from = usize::try_from(part.offset).unwrap();
            out.extend_from_slice(image.as_ref()?.get(from..from + length)?);
        }
        Some(out)
    }

    fn whole(&self, piece: PieceIndex) -> BlockSpan {
        BlockSpan { piece, begin: 0, length: self.content.info.geometry.len_of(piece) }
    }

    pub fn hash(&mut self, piece: PieceIndex) -> Option<[u8; 20]> {
        let length = self.content.info.geometry.len_of(piece);
        let parts = self.content.info.spans(piece, 0, length).map(|part| part.file);
        let stored = parts.filter(|f| !self.content.info.files[f.idx()].attr.padding);
        self.touched.extend(stored);
        let data = self.image(self.whole(piece), false)?;
        // Right bytes have the digest they should have: no need to compute it.
        Some(if data == self.content.piece(piece) {
            *self.content.info.pieces.get(piece.idx()).unwrap()
        } else {
            Sha1::digest(&data).into()
        })
    }

    /// For a peer (`true`) or for the torrent itself. `None`: never answered.
    pub fn read(
        &self,
        rng: &mut Rng,
        span: BlockSpan,
        for_peer: bool,
    ) -> Option<Result<Bytes, DiskError>> {
        let Some(mut data) = self.image(span, false) else { return Some(Err(error("read", 5))) };
        match self.reads {
            Reads::Never if for_peer => return None,
            Reads::Lie(n) if for_peer && rng.one_in(n) => {
                let at = rng.index(data.len());
                data[at] ^= 0x55;
            }
            _ => {}
        }
        Some(Ok(data.into()))
    }

    pub fn sync(&mut self) -> Result<Synced, DiskError> {
        if core::mem::take(&mut self.fail_sync) {
            self.lost.append(&mut self.written);
            for file in &mut self.files {
                file.unsynced.clear();
                file.forgotten.clear();
            }
        }
        if !self.lost.is_empty() {
            return Err(error("sync", 5));
        }
        self.written.clear();
        if !self.lazy {
            self.files.iter_mut().for_each(File::sync);
            self.files.iter_mut().for_each(|file| file.named = true);
        }
        let touched = core::mem::take(&mut self.touched);
        let Look { files, root } = self.look();
        let files = touched.into_iter().map(|f| (f, files[f.idx()])).collect();
        Ok(Synced { files, root })
    }

    /// The torrent rests and its registration is given up: what was written is not known to be
    /// unsynced any more.
    pub fn forget(&mut self) {
        self.touched.clear();
        for file in &mut self.files {
            file.forgotten.append(&mut file.unsynced);
        }
    }

    /// Files that a sync now would have to write.
    pub fn sync_steps(&self) -> usize {
        self.files.iter().filter(|f| !f.unsynced.is_empty()).count()
    }

    /// What a sync has done after so many steps: directories come last.
    pub fn sync_some(&mut self, steps: usize) {
        self.files.iter_mut().filter(|f| !f.unsynced.is_empty()).take(steps).for_each(File::sync);
    }

    /// Whether the piece is right as it is now.
    pub fn is_right(&self, piece: PieceIndex) -> bool {
        self.image(self.whole(piece), false).is_some_and(|d| d == self.content.piece(piece))
    }

    /// Whether the medium lost the piece, and nobody wrote it since.
    pub fn is_rotten(&self, piece: PieceIndex) -> bool {
        self.rotten.contains(&piece)
    }

    /// Whether the piece would be right after a crash now.
    pub fn is_durable(&self, piece: PieceIndex) -> bool {
        self.image(self.whole(piece), true).is_some_and(|d| d == self.content.piece(piece))
    }

    /// Whether it still has all that was written, were the process to die.
    pub fn is_faithful(&self) -> bool {
        self.lost.is_empty()
    }

    /// Power is cut: of what was written since the last sync any sectors may be there, and of files
    /// made since, any.
    pub fn cut(&mut self, rng: &mut Rng) {
        self.lost.clear();
        self.written.clear();
        self.touched.clear();
        for file in &mut self.files {
            file.unsynced.append(&mut file.forgotten);
            if !file.named && file.live.is_some() && rng.one_in(2) {
                *file = File::default();
                continue;
            }
            file.named |= file.live.is_some();
            if file.unsynced.is_empty() {
                file.live.clone_from(&file.synced);
                file.mtime = file.synced_mtime;
                continue;
            }
            let live = file.live.take().unwrap_or_default();
            let mut image = file.synced.take().unwrap_or_default();
            for (from, to) in core::mem::take(&mut file.unsynced) {
                for sector in from / SECTOR..to.div_ceil(SECTOR) {
                    if rng.one_in(2) {
                        continue;
                    }
                    let start = usize::try_from((sector * SECTOR).max(from)).unwrap();
                    let end = usize::try_from(((sector + 1) * SECTOR).min(to)).unwrap();
                    if image.len() < end {
                        image.resize(end, 0);
                    }
                    image[start..end].copy_from_slice(&live[start..end]);
                }
            }
            if rng.one_in(2) {
                file.mtime = file.synced_mtime;
            }
            file.synced_mtime = file.mtime;
            file.synced = Some(image.clone());
            file.live = Some(image);
        }
    }

    /// Somebody else changes a byte of a file and leaves a new time stamp.
    pub fn tamper(&mut self, file: FileIndex, at: usize) {
        let mtime = self.tick();
        self.tampered = true;
        let file = &mut self.files[file.idx()];
        if let Some(live) = &mut file.live {
            live[at] ^= 0xff;
        }
        file.synced.clone_from(&file.live);
        file.mtime = mtime;
        file.synced_mtime = mtime;
    }

    /// The medium lost a piece: a byte is wrong, and no time stamp tells.
    pub fn rot(&mut self, piece: PieceIndex) {
        self.rotten.insert(piece);
        let span = self.content.info.spans(piece, 0, 1).next().unwrap();
        let file = &mut self.files[span.file.idx()];
        let at = usize::try_from(span.offset).unwrap();
        for image in [&mut file.live, &mut file.synced].into_iter().flatten() {
            if let Some(byte) = image.get_mut(at) {
                *byte ^= 0xff;
            }
        }
    }

    pub fn remove(&mut self, file: FileIndex) {
        self.files[file.idx()] = File::default();
    }
}

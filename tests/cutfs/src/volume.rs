//! What is on the disk and what is only in its cache: the rules of a loss of power.
//!
//! A [`Volume`] is a tree of directories and files as programs see it, beside what a disk would
//! still have if the power went now. They differ by what was not synced:
//!
//! - *Bytes and lengths of a file* are safe after `fsync` of that file. Until then each sector of
//!   512 bytes of each write is kept or lost for itself, in any order, and the length is the old
//!   one, the new one, or one between.
//! - *Names* are safe after `fsync` of their directory. All changes of names go through one
//!   ordered journal, as in real file systems: syncing a directory keeps everything up to the last
//!   change in it, and a loss of power keeps a beginning of the rest.
//!
//! A sync of a file does not keep the file's name: POSIX does not promise it, and a program that
//! relies on it is to be found. A sync that fails does what Linux does: the error is told once, and
//! the bytes are forgotten, so that the next sync succeeds and means nothing.
//!
//! Deliberately absent: FUSE, threads, clocks, permissions, hard links.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Number of a file or directory.
pub type Ino = u64;
/// The root directory.
pub const ROOT: Ino = 1;
/// What a disk writes as one.
const SECTOR: usize = 512;

/// Why an operation failed: an errno.
pub type Errno = i32;

/// A small generator of numbers, so that a seed replays a loss of power.
#[derive(Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (`SplitMix64`).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// A change of a file that no sync covered yet.
#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

/// A file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// As programs see it.
    pub bytes: Vec<u8>,
    safe: Vec<u8>,
    changes: Vec<Change>,
}

/// What a number stands for.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A file.
    File(File),
    /// A directory: names.
    Dir(BTreeMap<OsString, Ino>),
    /// A symbolic link: its target.
    Link(OsString),
}

/// A file or directory.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u16,
    /// Last change, nanoseconds since 1970.
    pub mtime_ns: i128,
}

/// A change of names.
#[derive(Clone, Debug)]
struct Naming {
    /// Directory, name, and what the name stands for from now on.
    steps: Vec<(Ino, OsString, Option<Ino>)>,
}

/// What is to go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Bytes that still fit; `None` for no end.
    pub space: Option<u64>,
    /// So many syncs fail with EIO.
    pub syncs: u32,
    /// So many writes fail with EIO.
    pub writes: u32,
    /// So many reads fail with EIO.
    pub reads: u32,
    /// Every change fails with EROFS.
    pub read_only: bool,
}

/// How often what was asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Writes.
    pub writes: u64,
    /// Bytes written.
    pub written: u64,
    /// Syncs of files and directories.
    pub syncs: u64,
}

/// A tree of files, and what of it is safe.
#[derive(Debug)]
pub struct Volume {
    nodes: BTreeMap<Ino, Node>,
    next: Ino,
    safe_dirs: BTreeMap<Ino, BTreeMap<OsString, Ino>>,
    journal: Vec<Naming>,
    /// What goes wrong.
    pub faults: Faults,
    /// What was done.
    pub counts: Counts,
}

impl Default for Volume {
    fn default() -> Self {
        let root = Node { kind: Kind::Dir(BTreeMap::new()), mode: 0o755, mtime_ns: 0 };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            safe_dirs: BTreeMap::from([(ROOT, BTreeMap::new())]),
            journal: Vec::new(),
            faults: Faults::default(),
            counts: Counts::default(),
        }
    }
}

impl Volume {
    /// A file or directory.
    pub fn node(&self, ino: Ino) -> Result<&Node, Errno> {
        self.nodes.get(&ino).ok_or(libc::ENOENT)
    }

    /// The same, to be changed in what is safe at once (mode, times).
    pub fn node_mut(&mut self, ino: Ino) -> Result<&mut Node, Errno> {
        self.writable()?;
        self.nodes.get_mut(&ino).ok_or(libc::ENOENT)
    }

    /// The names in a directory.
    pub fn names(&self, dir: Ino) -> Result<&BTreeMap<OsString, Ino>, Errno> {
        match &self.node(dir)?.kind {
            Kind::Dir(names) => Ok(names),
            _ => Err(libc::ENOTDIR),
        }
    }

    /// What a name stands for.
    pub fn lookup(&self, dir: Ino, name: &OsStr) -> Result<Ino, Errno> {
        self.names(dir)?.get(name).copied().ok_or(libc::ENOENT)
    }

    fn writable(&self) -> Result<(), Errno> {
        if self.faults.read_only { Err(libc::EROFS) } else { Ok(()) }
    }

    /// Makes something new.
    pub fn create(
        &mut self,
        dir: Ino,
        name: &OsStr,
        kind: Kind,
        mode: u16,
        mtime_ns: i128,
    ) -> Result<Ino, Errno> {
        self.writable()?;
        if self.names(dir)?.contains_key(name) {
            return Err(libc::EEXIST);
        }
        if self.faults.space == Some(0) {
            return Err(libc::ENOSPC);
        }
        let ino = self.next;
        self.next += 1;
        if matches!(kind, Kind::Dir(_)) {
            self.safe_dirs.insert(ino, BTreeMap::new());
        }
        self.nodes.insert(ino, Node { kind, mode, mtime_ns });
        self.rename_steps(vec![(dir, name.to_owned(), Some(ino))]);
        Ok(ino)
    }

    /// Takes a name away; `dir_wanted` says what it must stand for.
    pub fn remove(&mut self, dir: Ino, name: &OsStr, dir_wanted: bool) -> Result<(), Errno> {
        self.writable()?;
        let ino = self.lookup(dir, name)?;
        match (&self.node(ino)?.kind, dir_wanted) {
            (Kind::Dir(names), true) if !names.is_empty() => return Err(libc::ENOTEMPTY),
            (Kind::Dir(_), false) => return Err(libc::EISDIR),
            (Kind::File(_) | Kind::Link(_), true) => return Err(libc::ENOTDIR),
            _ => {}
        }
        self.rename_steps(vec![(dir, name.to_owned(), None)]);
        Ok(())
    }

    /// Gives something another name, in place of what had it.
    pub fn rename(
        &mut self,
        from: (Ino, &OsStr),
        to: (Ino, &OsStr),
        may_replace: bool,
    ) -> Result<(), Errno> {
        self.writable()?;
        let ino = self.lookup(from.0, from.1)?;
        if let Ok(old) = self.lookup(to.0, to.1) {
            if old == ino {
                return Ok(());
            }
            if !may_replace {
                return Err(libc::EEXIST);
            }
            let is_dir = matches!(self.node(ino)?.kind, Kind::Dir(_));
            match &self.node(old)?.kind {
                Kind::Dir(names) if is_dir && !names.is_empty() => return Err(libc::ENOTEMPTY),
                Kind::Dir(_) if !is_dir => return Err(libc::EISDIR),
                Kind::File(_) | Kind::Link(_) if is_dir => return Err(libc::ENOTDIR),
                _ => {}
            }
        }
        self.names(to.0)?;
        let gone = (from.0, from.1.to_owned(), None);
        self.rename_steps(vec![gone, (to.0, to.1.to_owned(), Some(ino))]);
        Ok(())
    }

    fn rename_steps(&mut self, steps: Vec<(Ino, OsString, Option<Ino>)>) {
        for (dir, name, ino) in &steps {
            if let Some(Node { kind: Kind::Dir(names), .. }) = self.nodes.get_mut(dir) {
                set(names, name, *ino);
            }
        }
        self.journal.push(Naming { steps });
    }

    /// Part of a file.
    pub fn read(&mut self, ino: Ino, offset: u64, len: usize) -> Result<Vec<u8>, Errno> {
        if take(&mut self.faults.reads) {
            return Err(libc::EIO);
        }
        let Kind::File(file) = &self.node(ino)?.kind else { return Err(libc::EISDIR) };
        let start = usize::try_from(offset).map_or(file.bytes.len(), |o| o.min(file.bytes.len()));
        let end = start.saturating_add(len).min(file.bytes.len());
        Ok(file.bytes.get(start..end).unwrap_or_default().to_vec())
    }

    /// Writes to a file; the number of bytes that fitted.
    pub fn write(
        &mut self,
        ino: Ino,
        offset: u64,
        data: &[u8],
        now_ns: i128,
    ) -> Result<usize, Errno> {
        self.writable()?;
        if take(&mut self.faults.writes) {
            return Err(libc::EIO);
        }
        let offset = usize::try_from(offset).map_err(|_| libc::EFBIG)?;
        let node = self.nodes.get_mut(&ino).ok_or(libc::ENOENT)?;
        let Kind::File(file) = &mut node.kind else { return Err(libc::EISDIR) };
        let mut data = data;
        if let Some(space) = &mut self.faults.space {
            // Only what makes the file longer takes space here.
            let old = file.bytes.len();
            let grows = (offset + data.len()).saturating_sub(old.max(offset));
            let fits = usize::try_from(*space).unwrap_or(usize::MAX).min(grows);
            data = data.get(..data.len() - (grows - fits)).unwrap_or_default();
            *space -= fits as u64;
            if data.is_empty() && grows > 0 {
                return Err(libc::ENOSPC);
            }
        }
        put(&mut file.bytes, offset, data);
        file.changes.push(Change::Write(offset, data.to_vec()));
        node.mtime_ns = now_ns;
        self.counts.writes += 1;
        self.counts.written += data.len() as u64;
        Ok(data.len())
    }

    /// Makes a file shorter or longer.
    pub fn set_length(&mut self, ino: Ino, len: u64, now_ns: i128) -> Result<(), Errno> {
        self.writable()?;
        let len = usize::try_from(len).map_err(|_| libc::EFBIG)?;
        let node = self.nodes.get_mut(&ino).ok_or(libc::ENOENT)?;
        let Kind::File(file) = &mut node.kind else { return Err(libc::EISDIR) };
        if len != file.bytes.len() {
            file.bytes.resize(len, 0);
            file.changes.push(Change::Length(len));
            node.mtime_ns = now_ns;
        }
        Ok(())
    }

    /// Makes a file's bytes, or a directory's names, safe.
    pub fn sync(&mut self, ino: Ino) -> Result<(), Errno> {
        self.counts.syncs += 1;
        let fails = take(&mut self.faults.syncs);
        match &mut self.nodes.get_mut(&ino).ok_or(libc::ENOENT)?.kind {
            Kind::File(file) if fails => {
                // What Linux does: the pages count as clean, the disk never got them.
                file.changes.clear();
                file.bytes.clone_from(&file.safe);
                return Err(libc::EIO);
            }
            Kind::File(file) => {
                if !file.changes.is_empty() {
                    file.safe.clone_from(&file.bytes);
                    file.changes.clear();
                }
            }
            Kind::Dir(_) if fails => return Err(libc::EIO),
            Kind::Dir(_) => {
                let touches = |n: &Naming| n.steps.iter().any(|(dir, ..)| *dir == ino);
                let last = self.journal.iter().rposition(touches);
                self.keep_names(last.map_or(0, |at| at + 1));
            }
            Kind::Link(_) => {}
        }
        Ok(())
    }

    fn keep_names(&mut self, count: usize) {
        for naming in self.journal.drain(..count) {
            for (dir, name, ino) in naming.steps {
                if let Some(names) = self.safe_dirs.get_mut(&dir) {
                    set(names, &name, ino);
                }
            }
        }
    }

    /// The power goes. What is left is all safe, and all that programs see.
    pub fn cut(&mut self, rng: &mut Rng) {
        let kept = rng.below(self.journal.len() + 1);
        self.keep_names(kept);
        self.journal.clear();
        for (ino, node) in &mut self.nodes {
            match &mut node.kind {
                Kind::File(file) => file.cut(rng),
                Kind::Dir(names) => *names = self.safe_dirs.get(ino).cloned().unwrap_or_default(),
                Kind::Link(_) => {}
            }
        }
        self.collect();
        self.faults = Faults::default();
    }

    /// Forgets what no name leads to.
    fn collect(&mut self) {
        let (mut reached, mut todo) = (std::collections::BTreeSet::from([ROOT]), vec![ROOT]);
        while let Some(ino) = todo.pop() {
            for &child in self.names(ino).into_iter().flat_map(BTreeMap::values) {
                if reached.insert(child) {
                    todo.push(child);
                }
            }
        }
        self.nodes.retain(|ino, _| reached.contains(ino));
        self.safe_dirs.retain(|ino, _| reached.contains(ino));
    }
}

impl File {
    fn cut(&mut self, rng: &mut Rng) {
        let changes = std::mem::take(&mut self.changes);
        let mut left = std::mem::take(&mut self.safe);
        // All lost, all kept, or anything between: the ends are the usual cases.
        let odds = [0, 1, 2, 3, 4].get(rng.below(5)).copied().unwrap_or(0);
        let mut keep = || odds == 4 || (odds > 0 && rng.below(4) < odds);
        for change in changes {
            match change {
                Change::Length(len) if keep() => left.resize(len, 0),
                Change::Length(_) => {}
                Change::Write(offset, data) => {
                    // Sectors of the disk, not of the write.
                    let mut at = 0;
                    while at < data.len() {
                        let next = (SECTOR - (offset + at) % SECTOR + at).min(data.len());
                        if keep() {
                            put(&mut left, offset + at, data.get(at..next).unwrap_or_default());
                        }
                        at = next;
                    }
                }
            }
        }
        self.safe = left;
        self.bytes.clone_from(&self.safe);
    }
}

fn set(names: &mut BTreeMap<OsString, Ino>, name: &OsStr, ino: Option<Ino>) {
    match ino {
        Some(ino) => names.insert(name.to_owned(), ino),
        None => names.remove(name),
    };
}

/// Writes at a place, with zeros up to it where there is nothing yet.
fn put(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    if bytes.len() < offset + data.len() {
        bytes.resize(offset + data.len(), 0);
    }
    if let Some(place) = bytes.get_mut(offset..offset + data.len()) {
        place.copy_from_slice(data);
    }
}

/// One of so many faults.
fn take(left: &mut u32) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    fn file(volume: &mut Volume, text: &str) -> Ino {
        volume.create(ROOT, name(text), Kind::File(File::default()), 0o644, 0).unwrap()
    }

    fn content(volume: &Volume, text: &str) -> Option<Vec<u8>> {
        let ino = volume.lookup(ROOT, name(text)).ok()?;
        match &volume.node(ino).unwrap().kind {
            Kind::File(file) => Some(file.bytes.clone()),
            _ => None,
        }
    }

    /// All outcomes of many losses of power after `prepare`.
    fn outcomes<T: Ord>(
        prepare: impl Fn(&mut Volume),
        look: impl Fn(&Volume) -> T,
    ) -> std::collections::BTreeSet<T> {
        (0..400)
            .map(|seed| {
                let mut volume = Volume::default();
                prepare(&mut volume);
                volume.cut(&mut Rng::new(seed));
                look(&volume)
            })
            .collect()
    }

    #[test]
    fn what_was_synced_stays_whatever_the_seed() {
        let seen = outcomes(
            |v| {
                let a = file(v, "a");
                v.write(a, 0, b"safe", 0).unwrap();
                v.sync(a).unwrap();
                v.sync(ROOT).unwrap();
            },
            |v| content(v, "a"),
        );
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [Some(b"safe".to_vec())]);
    }

    #[test]
    fn a_synced_file_without_a_synced_name_may_be_gone() {
        let seen = outcomes(
            |v| {
                let a = file(v, "a");
                v.write(a, 0, b"x", 0).unwrap();
                v.sync(a).unwrap();
            },
            |v| content(v, "a"),
        );
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [None, Some(b"x".to_vec())]);
    }

    #[test]
    fn unsynced_sectors_are_kept_or_lost_each_for_itself() {
        let seen = outcomes(
            |v| {
                let a = file(v, "a");
                v.write(a, 0, &[1; 1024], 0).unwrap();
                v.sync(a).unwrap();
                v.sync(ROOT).unwrap();
                v.write(a, 256, &[2; 512], 0).unwrap();
            },
            |v| {
                let bytes = content(v, "a").unwrap();
                assert!(bytes[..256].iter().chain(&bytes[768..]).all(|&b| b == 1));
                (bytes[300], bytes[600])
            },
        );
        assert_eq!(seen.len(), 4, "{seen:?}");
    }

    #[test]
    fn a_rename_is_never_half() {
        let seen = outcomes(
            |v| {
                let old = file(v, "state");
                v.write(old, 0, b"old", 0).unwrap();
                v.sync(old).unwrap();
                v.sync(ROOT).unwrap();
                let new = file(v, "state.new");
                v.write(new, 0, b"new", 0).unwrap();
                v.sync(new).unwrap();
                v.rename((ROOT, name("state.new")), (ROOT, name("state")), true).unwrap();
            },
            |v| content(v, "state"),
        );
        let wanted = [Some(b"new".to_vec()), Some(b"old".to_vec())];
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn names_are_lost_from_the_end_only() {
        let seen = outcomes(
            |v| {
                file(v, "a");
                file(v, "b");
            },
            |v| (content(v, "a").is_some(), content(v, "b").is_some()),
        );
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            [(false, false), (true, false), (true, true)]
        );
    }

    #[test]
    fn after_a_sync_that_failed_the_next_one_keeps_nothing() {
        let mut v = Volume::default();
        let a = file(&mut v, "a");
        v.write(a, 0, b"lost", 0).unwrap();
        v.faults.syncs = 1;
        assert_eq!(v.sync(a), Err(libc::EIO));
        assert_eq!(v.sync(a), Ok(()));
        v.sync(ROOT).unwrap();
        v.cut(&mut Rng::new(1));
        assert_eq!(content(&v, "a"), Some(Vec::new()));
    }

    #[test]
    fn a_full_volume_takes_what_fits_and_overwrites() {
        let mut v = Volume::default();
        let a = file(&mut v, "a");
        v.faults.space = Some(3);
        assert_eq!(v.write(a, 0, b"12345", 0), Ok(3));
        assert_eq!(v.write(a, 3, b"45", 0), Err(libc::ENOSPC));
        assert_eq!(v.write(a, 0, b"abc", 0), Ok(3));
        v.faults.space = None;
        assert_eq!(v.write(a, 3, b"45", 0), Ok(2));
        assert_eq!(content(&v, "a"), Some(b"abc45".to_vec()));
    }

    #[test]
    fn errors_are_those_of_the_system() {
        let mut v = Volume::default();
        let d = v.create(ROOT, name("d"), Kind::Dir(BTreeMap::new()), 0o755, 0).unwrap();
        v.create(d, name("f"), Kind::File(File::default()), 0o644, 0).unwrap();
        assert_eq!(v.remove(ROOT, name("d"), true), Err(libc::ENOTEMPTY));
        assert_eq!(v.remove(ROOT, name("d"), false), Err(libc::EISDIR));
        assert_eq!(v.remove(ROOT, name("x"), false), Err(libc::ENOENT));
        assert_eq!(v.write(d, 0, b"x", 0), Err(libc::EISDIR));
        v.faults.read_only = true;
        assert_eq!(v.remove(d, name("f"), false), Err(libc::EROFS));
    }
}

//! A [`Volume`] as a mounted file system. Deliberately absent: what is lost and when (`volume`).

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use parking_lot::Mutex;

use crate::volume::{File, Ino, Kind, Node, Volume};

/// The kernel asks again each time: another mount may have changed everything.
const TTL: Duration = Duration::ZERO;
/// Blocks of this many bytes are reported.
const BLOCK: u64 = 512;

/// A mounted volume. Dropping it unmounts.
pub struct Mounted {
    volume: Arc<Mutex<Volume>>,
    at: PathBuf,
    session: Option<BackgroundSession>,
}

impl Mounted {
    /// Mounts an empty volume. Needs root.
    pub fn new(at: &Path) -> io::Result<Self> {
        let mut this = Self { volume: Arc::default(), at: at.into(), session: None };
        this.mount()?;
        Ok(this)
    }

    /// The volume, for commands.
    pub fn volume(&self) -> parking_lot::MutexGuard<'_, Volume> {
        self.volume.lock()
    }

    fn mount(&mut self) -> io::Result<()> {
        let mut config = Config::default();
        config.mount_options.push(MountOption::FSName("cutfs".into()));
        let face = Face(Arc::clone(&self.volume));
        self.session = Some(fuser::spawn_mount(face, &self.at, &config)?);
        Ok(())
    }

    /// Runs `change` while nothing is mounted, so that no cache of the kernel outlives it. Fails
    /// while a program has something open there.
    pub fn while_unmounted(&mut self, change: impl FnOnce(&mut Volume)) -> io::Result<()> {
        if let Some(session) = self.session.take() {
            session.umount_and_join()?;
        }
        change(&mut self.volume.lock());
        self.mount()
    }

    /// Unmounts for good.
    pub fn end(mut self) -> io::Result<()> {
        self.session.take().map_or(Ok(()), BackgroundSession::umount_and_join)
    }
}

struct Face(Arc<Mutex<Volume>>);

fn now_ns() -> i128 {
    time_ns(SystemTime::now())
}

fn time_ns(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

fn time(ns: i128) -> SystemTime {
    let nanos = Duration::from_nanos(u64::try_from(ns.unsigned_abs()).unwrap_or(u64::MAX));
    if ns < 0 { UNIX_EPOCH - nanos } else { UNIX_EPOCH + nanos }
}

fn errno(number: i32) -> Errno {
    Errno::from_i32(number)
}

fn attr(ino: Ino, node: &Node) -> FileAttr {
    let (kind, size) = match &node.kind {
        Kind::File(file) => (FileType::RegularFile, file.bytes.len() as u64),
        Kind::Dir(_) => (FileType::Directory, 0),
        Kind::Link(target) => (FileType::Symlink, target.len() as u64),
    };
    let mtime = time(node.mtime_ns);
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: size.div_ceil(BLOCK),
        atime: mtime,
        mtime,
        ctime: mtime,
        crtime: mtime,
        kind,
        perm: node.mode,
        nlink: 1,
        // Root's, like the mount; the kernel checks no permissions here.
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Face {
    fn make(&self, dir: INodeNo, name: &OsStr, kind: Kind, mode: u32) -> Result<FileAttr, i32> {
        let mut volume = self.0.lock();
        let mode = u16::try_from(mode & 0o7777).unwrap_or(0o644);
        let ino = volume.create(dir.0, name, kind, mode, now_ns())?;
        Ok(attr(ino, volume.node(ino)?))
    }

    fn done(result: Result<(), i32>, reply: ReplyEmpty) {
        match result {
            Ok(()) => reply.ok(),
            Err(number) => reply.error(errno(number)),
        }
    }
}

impl Filesystem for Face {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let volume = self.0.lock();
        let found = volume.lookup(parent.0, name);
        match found.and_then(|ino| Ok(attr(ino, volume.node(ino)?))) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.lock().node(ino.0) {
            Ok(node) => reply.attr(&TTL, &attr(ino.0, node)),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut volume = self.0.lock();
        let mut change = || {
            if let Some(size) = size {
                volume.set_length(ino.0, size, now_ns())?;
            }
            let node = volume.node_mut(ino.0)?;
            if let Some(mode) = mode {
                node.mode = u16::try_from(mode & 0o7777).unwrap_or(node.mode);
            }
            match mtime {
                Some(TimeOrNow::SpecificTime(time)) => node.mtime_ns = time_ns(time),
                Some(TimeOrNow::Now) => node.mtime_ns = now_ns(),
                None => {}
            }
            Ok(attr(ino.0, node))
        };
        match change() {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.0.lock().node(ino.0).map(|node| &node.kind) {
            Ok(Kind::Link(target)) => reply.data(target.as_encoded_bytes()),
            Ok(_) => reply.error(Errno::EINVAL),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        match self.make(parent, name, Kind::Dir(Default::default()), mode & !umask) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn symlink(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        match self.make(parent, name, Kind::Link(target.into()), 0o777) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match self.make(parent, name, Kind::File(File::default()), mode & !umask) {
            Ok(attr) => {
                reply.created(&TTL, &attr, Generation(0), FileHandle(0), FopenFlags::empty())
            }
            Err(number) => reply.error(errno(number)),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        Self::done(self.0.lock().remove(parent.0, name, false), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        Self::done(self.0.lock().remove(parent.0, name, true), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if flags.contains(RenameFlags::RENAME_EXCHANGE) {
            return reply.error(Errno::EINVAL);
        }
        let may_replace = !flags.contains(RenameFlags::RENAME_NOREPLACE);
        let mut volume = self.0.lock();
        Self::done(volume.rename((parent.0, name), (newparent.0, newname), may_replace), reply);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.0.lock().read(ino.0, offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.lock().write(ino.0, offset, data, now_ns()) {
            Ok(count) => reply.written(u32::try_from(count).unwrap_or(u32::MAX)),
            Err(number) => reply.error(errno(number)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        Self::done(self.0.lock().sync(ino.0), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        Self::done(self.0.lock().sync(ino.0), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let volume = self.0.lock();
        let names = match volume.names(ino.0) {
            Ok(names) => names,
            Err(number) => return reply.error(errno(number)),
        };
        let kind = |ino: Ino| match volume.node(ino).map(|node| &node.kind) {
            Ok(Kind::Dir(_)) => FileType::Directory,
            Ok(Kind::Link(_)) => FileType::Symlink,
            _ => FileType::RegularFile,
        };
        let dots = [(OsString::from("."), ino.0), (OsString::from(".."), ino.0)];
        let all = dots.into_iter().chain(names.iter().map(|(name, &ino)| (name.clone(), ino)));
        for (at, (name, child)) in (1..).zip(all).skip(usize::try_from(offset).unwrap_or(0)) {
            if reply.add(INodeNo(child), at, kind(child), name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let free = self.0.lock().faults.space.unwrap_or(1 << 40) / BLOCK;
        reply.statfs(1 << 31, free, free, 1 << 20, 1 << 20, 512, 255, 512);
    }
}

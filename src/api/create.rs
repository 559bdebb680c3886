//! Making `.torrent` files: the directory walk that the codec leaves out. Deliberately absent: the
//! hashing itself, which `engine::content` does.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::torrent::tiers_of;
use crate::base::PieceIndex;
use crate::codec::create::{Builder, NewFile};
use crate::codec::metainfo::FileAttr;
use crate::engine::content::{Content, Effort, Place};
use crate::engine::error::{Error, ErrorKind};
use crate::engine::events::unix_ms;
use crate::hash::{HashPathError, Hasher};

/// Most threads that [`TorrentBuilder::set_threads`] takes; more are cut down to these.
const MAX_THREADS: u32 = 64;

/// Bytes hashed so far, bytes in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Hashed.
    pub done: u64,
    /// In all.
    pub total: u64,
}

/// The making of a `.torrent` file from a file or a directory.
#[derive(Debug)]
pub struct TorrentBuilder {
    path: PathBuf,
    template: Builder,
    trackers: Vec<(u32, String)>,
    date: Option<i64>,
    name: Option<Vec<u8>>,
    include_hidden: bool,
    keep_links: bool,
    effort: Effort,
    run: Option<Run>,
}

/// A run under way.
#[derive(Debug)]
struct Run {
    builder: Builder,
    content: Content,
    hashes: Vec<[u8; 20]>,
}

impl TorrentBuilder {
    /// For this file or directory; it is looked at when the run begins.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let created_by = Some(format!("libtern/{}", super::VERSION));
        Self {
            path: path.into(),
            template: Builder { created_by, ..Builder::default() },
            trackers: Vec::new(),
            date: None,
            name: None,
            include_hidden: false,
            keep_links: false,
            effort: Effort::default(),
            run: None,
        }
    }

    /// Bytes of a piece, a power of two from 16 KiB; `None` chooses by size.
    pub fn set_piece_length(&mut self, bytes: Option<u32>) -> Result<&mut Self, Error> {
        if bytes.is_some_and(|b| !b.is_power_of_two() || b < 16 * 1024) {
            return Err(Error::new(
                ErrorKind::Range,
                "the piece length is not a power of two from 16 KiB",
            ));
        }
        self.template.piece_len = bytes;
        Ok(self)
    }

    /// Another name than the path's last component.
    pub fn set_name(&mut self, name: impl Into<Vec<u8>>) -> &mut Self {
        self.name = Some(name.into());
        self
    }

    /// Free text.
    pub fn set_comment(&mut self, comment: impl Into<String>) -> &mut Self {
        self.template.comment = Some(comment.into());
        self
    }

    /// Creating program; empty leaves it out.
    pub fn set_created_by(&mut self, program: impl Into<String>) -> &mut Self {
        self.template.created_by = Some(program.into()).filter(|p: &String| !p.is_empty());
        self
    }

    /// Seconds since 1970; 0 leaves it out. The default is the time of the run.
    pub fn set_creation_date(&mut self, seconds: i64) -> &mut Self {
        self.date = Some(seconds);
        self
    }

    /// `source` of private trackers.
    pub fn set_source(&mut self, source: impl Into<String>) -> &mut Self {
        self.template.source = Some(source.into());
        self
    }

    /// Private (BEP 27).
    pub fn set_private(&mut self, private: bool) -> &mut Self {
        self.template.private = private;
        self
    }

    /// Align files to pieces with padding files (BEP 47).
    pub fn set_padding(&mut self, align: bool) -> &mut Self {
        self.template.align_files = align;
        self
    }

    /// Include files and directories whose name starts with a dot.
    pub fn set_hidden(&mut self, include: bool) -> &mut Self {
        self.include_hidden = include;
        self
    }

    /// Keep symbolic links as links (BEP 47) instead of following them.
    pub fn set_keep_links(&mut self, keep: bool) -> &mut Self {
        self.keep_links = keep;
        self
    }

    /// One more tracker, in this tier.
    pub fn add_tracker(&mut self, tier: u32, url: impl Into<String>) -> &mut Self {
        self.trackers.push((tier, url.into()));
        self
    }

    /// One more web seed (BEP 19).
    pub fn add_web_seed(&mut self, url: impl Into<String>) -> &mut Self {
        self.template.url_list.push(url.into());
        self
    }

    /// Threads that read and hash; 0 (the default) takes one per processor, at most eight.
    pub fn set_threads(&mut self, threads: u32) -> &mut Self {
        self.effort.threads = threads.min(MAX_THREADS) as usize;
        self
    }

    /// Instructions to hash with, as the session option `hash_path`.
    ///
    /// # Errors
    /// When there is no such path, or not on this machine.
    pub fn set_hash_path(&mut self, path: &str) -> Result<&mut Self, Error> {
        let hasher = path.parse().and_then(Hasher::new);
        let invalid = |e: HashPathError| Error::new(ErrorKind::Invalid, e.to_string());
        self.effort.hasher = hasher.map_err(invalid)?;
        Ok(self)
    }

    /// Reads and hashes everything; the `.torrent` file's bytes. Threads are started for it and
    /// have ended when it returns. `progress` is called on the calling thread, several times a
    /// second, and returns false to cancel.
    pub fn run(&mut self, mut progress: impl FnMut(Progress) -> bool) -> Result<Vec<u8>, Error> {
        let effort = self.effort;
        let hashed = self.under_way()?.step(u64::MAX, effort, &mut progress);
        if hashed.is_err() {
            self.run = None;
        }
        hashed.and_then(|()| self.take())
    }

    /// Reads and hashes about so many bytes (at least a piece). True when all is hashed. Steps of
    /// sixteen pieces per thread are fast, single pieces are not.
    pub fn step(&mut self, max_bytes: u64) -> Result<(bool, Progress), Error> {
        let effort = self.effort;
        let run = self.under_way()?;
        run.step(max_bytes, effort, |_| true)?;
        Ok((run.is_finished(), run.progress()))
    }

    fn under_way(&mut self) -> Result<&mut Run, Error> {
        if self.run.is_none() {
            self.run = Some(self.begin()?);
        }
        self.run.as_mut().ok_or_else(|| ErrorKind::State.into())
    }

    /// After a [`Self::step`] that returned true: the `.torrent` file's bytes.
    pub fn take(&mut self) -> Result<Vec<u8>, Error> {
        let run = self.run.take().filter(Run::is_finished);
        let run = run.ok_or_else(|| Error::new(ErrorKind::State, "not everything is hashed"))?;
        run.builder.finish(&run.hashes).map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))
    }

    fn begin(&self) -> Result<Run, Error> {
        let failed = |e| Error::io(&e, &self.path);
        let root = fs::canonicalize(&self.path).map_err(failed)?;
        let meta = fs::metadata(&root).map_err(failed)?;
        let last = root.file_name().unwrap_or_else(|| OsStr::new("root"));
        let name = self.name.clone().unwrap_or_else(|| last.as_encoded_bytes().to_vec());
        let mut builder = self.template.clone();
        builder.trackers = tiers_of(&self.trackers);
        builder.creation_date = Some(self.date.unwrap_or_else(|| unix_ms() / 1000));
        builder.creation_date = builder.creation_date.filter(|d| *d != 0);
        builder.name = name;
        let mut sources = Vec::new();
        if meta.is_dir() {
            let mut found = self.walk(&root)?;
            found.sort_by(|a, b| a.0.path.cmp(&b.0.path));
            (builder.files, sources) = found.into_iter().unzip();
        } else {
            builder.single_file = true;
            builder.files = vec![NewFile { length: meta.len(), ..NewFile::default() }];
            sources.push(root);
        }
        let layout = builder.layout().map_err(|e| Error::new(ErrorKind::Invalid, e.to_string()))?;
        let path = |i: usize| sources.get(i).cloned().unwrap_or_default();
        let places = layout.files.iter().map(|placed| Place {
            offset: placed.offset,
            length: placed.length,
            path: placed.source.map(path),
        });
        let (geometry, places) = (layout.geometry, places.collect());
        let content = Content { geometry, places, must_exist: true };
        Ok(Run { builder, content, hashes: Vec::new() })
    }

    /// All files below `root`, in no order.
    fn walk(&self, root: &Path) -> Result<Vec<(NewFile, PathBuf)>, Error> {
        let mut out = Vec::new();
        let mut dirs = vec![(root.to_path_buf(), Vec::new())];
        while let Some((dir, below)) = dirs.pop() {
            let failed = |e| Error::io(&e, &dir);
            for entry in fs::read_dir(&dir).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let (name, path) = (entry.file_name(), entry.path());
                if !self.include_hidden && name.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                let mut components: Vec<Vec<u8>> = below.clone();
                components.push(name.as_encoded_bytes().to_vec());
                let meta = fs::symlink_metadata(&path).map_err(|e| Error::io(&e, &path))?;
                if meta.is_symlink() && self.keep_links {
                    out.push((link(root, &path, components)?, path));
                    continue;
                }
                let meta = fs::metadata(&path).map_err(|e| Error::io(&e, &path))?;
                if meta.is_dir() {
                    if !is_loop(&dir, &path)? {
                        dirs.push((path, components));
                    }
                } else if meta.is_file() {
                    out.push((file(components, &meta), path));
                }
            }
        }
        Ok(out)
    }
}

/// Whether a directory is one of its own ancestors, through a link.
fn is_loop(dir: &Path, path: &Path) -> Result<bool, Error> {
    let target = fs::canonicalize(path).map_err(|e| Error::io(&e, path))?;
    let from = fs::canonicalize(dir).map_err(|e| Error::io(&e, dir))?;
    Ok(from.starts_with(&target))
}

fn file(path: Vec<Vec<u8>>, meta: &fs::Metadata) -> NewFile {
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o100 != 0;
    #[cfg(not(unix))]
    let executable = false;
    let hidden = path.last().is_some_and(|name| name.starts_with(b"."));
    let attr = FileAttr { executable, hidden, ..FileAttr::default() };
    NewFile { path, length: meta.len(), attr, symlink: None }
}

/// A link that stays a link: its target, from the torrent's directory.
fn link(root: &Path, path: &Path, components: Vec<Vec<u8>>) -> Result<NewFile, Error> {
    let target = fs::read_link(path).map_err(|e| Error::io(&e, path))?;
    let outside = || {
        let text = format!("{}: the link leads out of the directory", path.display());
        Error::new(ErrorKind::Invalid, text)
    };
    let from = path.parent().and_then(|p| p.strip_prefix(root).ok()).ok_or_else(outside)?;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for part in from.join(&target).components() {
        match part {
            Component::Normal(name) => parts.push(name.as_encoded_bytes().to_vec()),
            Component::CurDir => {}
            Component::ParentDir if parts.pop().is_some() => {}
            _ => return Err(outside()),
        }
    }
    Ok(NewFile { path: components, symlink: Some(parts), ..NewFile::default() })
}

impl Run {
    fn is_finished(&self) -> bool {
        self.hashes.len() >= self.content.geometry.piece_count() as usize
    }

    fn next(&self) -> PieceIndex {
        PieceIndex(u32::try_from(self.hashes.len()).unwrap_or(u32::MAX))
    }

    fn progress(&self) -> Progress {
        let geometry = self.content.geometry;
        let total = geometry.total_len();
        Progress { done: geometry.offset_of(self.next()).min(total), total }
    }

    /// Hashes about so many bytes, at least a piece.
    fn step(
        &mut self,
        max_bytes: u64,
        effort: Effort,
        mut progress: impl FnMut(Progress) -> bool,
    ) -> Result<(), Error> {
        let geometry = self.content.geometry;
        let pieces = max_bytes.div_ceil(geometry.piece_len().into()).max(1);
        let first = self.next().0;
        let end = u32::try_from(pieces).unwrap_or(u32::MAX).saturating_add(first);
        let end = end.min(geometry.piece_count());
        let before = self.progress();
        let told = |bytes| progress(Progress { done: before.done + bytes, ..before });
        let digests = self.content.digests(first.min(end)..end, effort, told)?;
        self.hashes.extend(digests.into_iter().flatten());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Metainfo;
    use crate::hash::sha1_many;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("t/sub")).unwrap();
        fs::write(dir.path().join("t/b"), vec![7; 40_000]).unwrap();
        fs::write(dir.path().join("t/sub/a"), b"hello").unwrap();
        fs::write(dir.path().join("t/empty"), b"").unwrap();
        fs::write(dir.path().join("t/.hidden"), b"x").unwrap();
        dir
    }

    #[test]
    fn a_directory_becomes_a_sorted_torrent_with_right_hashes() {
        let dir = tree();
        let mut builder = TorrentBuilder::new(dir.path().join("t"));
        builder
            .set_piece_length(Some(16384))
            .unwrap()
            .add_tracker(1, "http://b/")
            .set_private(true);
        builder.add_tracker(0, "http://a/");
        let mut last = Progress::default();
        let raw = builder.run(|p| {
            last = p;
            true
        });
        let torrent = Metainfo::parse(&raw.unwrap()).unwrap();
        let paths: Vec<_> = torrent.files().iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["t/b", "t/empty", "t/sub/a"]);
        assert_eq!(last, Progress { done: 40_005, total: 40_005 });
        assert_eq!(torrent.trackers(), [["http://a/"], ["http://b/"]]);
        assert!(torrent.is_private());
        let mut content = vec![7; 40_000];
        content.extend(b"hello");
        for (i, chunk) in content.chunks(16384).enumerate() {
            let hash = sha1_many(&[&[chunk]])[0];
            assert_eq!(
                torrent.piece_hash(PieceIndex(u32::try_from(i).unwrap())),
                Some(&hash),
                "piece {i}"
            );
        }
    }

    #[test]
    fn slices_give_the_same_bytes_as_one_run_and_cancelling_stops() {
        let dir = tree();
        let mut builder = TorrentBuilder::new(dir.path().join("t/b"));
        builder.set_piece_length(Some(16384)).unwrap().set_creation_date(0);
        let whole = builder.run(|_| true).unwrap();
        let mut steps = 0;
        while !builder.step(1).unwrap().0 {
            steps += 1;
            assert_eq!(builder.take().unwrap_err().kind(), ErrorKind::State);
            // `take` ended the run: go on from where it was.
            for _ in 0..steps {
                builder.step(1).unwrap();
            }
        }
        assert_eq!(builder.take().unwrap(), whole);
        assert_eq!(builder.run(|_| false).unwrap_err().kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn threads_and_paths_do_not_show_and_unknown_paths_are_refused() {
        let dir = tree();
        let mut builder = TorrentBuilder::new(dir.path().join("t"));
        builder.set_piece_length(Some(16384)).unwrap().set_creation_date(0);
        let usual = builder.run(|_| true).unwrap();
        assert_eq!(builder.set_threads(1).run(|_| true).unwrap(), usual);
        builder.set_hash_path("portable").unwrap().set_threads(u32::MAX);
        assert_eq!(builder.run(|_| true).unwrap(), usual);
        assert_eq!(builder.set_hash_path("magic").unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn links_stay_links_or_are_followed_but_never_for_ever() {
        let dir = tree();
        let root = dir.path().join("t");
        std::os::unix::fs::symlink("../b", root.join("sub/link")).unwrap();
        std::os::unix::fs::symlink(".", root.join("loop")).unwrap();
        let mut builder = TorrentBuilder::new(&root);
        let followed = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        assert_eq!(followed.files().len(), 4);
        fs::remove_file(root.join("loop")).unwrap();
        builder.set_keep_links(true);
        let kept = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        let link = kept.files().iter().find(|f| f.path == "t/sub/link").unwrap();
        assert!(link.attr.symlink && link.symlink.as_deref() == Some("b"), "{link:?}");
        std::os::unix::fs::symlink("../../etc", root.join("out")).unwrap();
        assert_eq!(builder.run(|_| true).unwrap_err().kind(), ErrorKind::Invalid);
    }
}

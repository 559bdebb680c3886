//! Moves and renames of content that the end of the process may cut short.
//!
//! The files are elsewhere before any save says so, and a session that looked for them where the
//! last save says would find nothing and fetch everything again. So the store is told first: what
//! is about to happen stands in what the torrent was added with (`params`), under a key of its own,
//! and stays until a save has it. Whoever brings the torrent back looks at both places, and a move
//! that was cut short half-way is finished there. Deliberately absent: torrents whose state a save
//! hook keeps, which the host brings back.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use super::{Core, Entry};
use crate::base::{FileIndex, InfoHash};
use crate::codec::bencode::{Document, Encoder};
use crate::codec::metainfo::Info;
use crate::codec::resume::Resume;
use crate::disk;
use crate::engine::error::Error;
use crate::engine::path_from_bytes;
use crate::engine::store::{Change, Save};
use crate::swarm::Command;

/// The key in `params`.
const KEY: &[u8] = b"tern-moving";
/// Intents kept; more at once are nobody's.
const INTENTS: usize = 64;

/// What is about to happen to a torrent's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// They move to this directory.
    Move(Vec<u8>),
    /// One gets this path.
    Rename(FileIndex, String),
}

impl Intent {
    /// Whether saved state says that it has happened.
    fn is_in(&self, resume: &Resume) -> bool {
        match self {
            Self::Move(to) => resume.save_path == *to,
            Self::Rename(file, to) => resume.mapped_files.get(file.idx()) == Some(to),
        }
    }

    /// Whether both are about the same thing.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Move(_), Self::Move(_)) => true,
            (Self::Rename(a, _), Self::Rename(b, _)) => a == b,
            _ => false,
        }
    }
}

fn encode(intents: &[Intent]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.list(|list| {
        for intent in intents {
            list.list(|pair| match intent {
                Intent::Move(to) => pair.bytes(to),
                Intent::Rename(file, to) => {
                    pair.bytes(to.as_bytes());
                    pair.int(file.0.into());
                }
            });
        }
    });
    out.finish()
}

fn decode(raw: &[u8]) -> Vec<Intent> {
    let Ok(document) = Document::parse(raw) else { return Vec::new() };
    let pairs = document.root().as_list().into_iter().flatten();
    let intent = |pair: crate::codec::bencode::Value<'_, '_>| {
        let mut parts = pair.as_list()?;
        let to = parts.next()?.as_bytes()?;
        match parts.next() {
            None => Some(Intent::Move(to.to_vec())),
            Some(file) => {
                let file = FileIndex(u32::try_from(file.as_uint()?).ok()?);
                Some(Intent::Rename(file, core::str::from_utf8(to).ok()?.to_owned()))
            }
        }
    };
    pairs.filter_map(intent).collect()
}

/// Takes the intents out of what a torrent was added with.
pub(super) fn take(params: &mut Resume) -> Vec<Intent> {
    let at = params.unknown.iter().position(|(key, _)| key == KEY);
    at.map(|at| decode(&params.unknown.remove(at).1)).unwrap_or_default()
}

/// The intents in what a torrent was added with; hardly any has some, so that it is not parsed for
/// nothing.
pub(super) fn intents(params: Option<&[u8]>) -> Vec<Intent> {
    let has = |raw: &&[u8]| raw.windows(KEY.len()).any(|part| part == KEY);
    let parsed = params.filter(has).and_then(|raw| Resume::parse(raw).ok());
    parsed.map(|mut params| take(&mut params)).unwrap_or_default()
}

/// Makes saved state say where the files are, after intents that may or may not have come to pass.
/// Finishes a move that was cut short half-way, which may take a while.
pub(super) fn settle(
    info: &Arc<Info>,
    resume: &mut Resume,
    intents: &[Intent],
) -> Result<(), Error> {
    let open = |intent: &&Intent| info.is_known() && !intent.is_in(resume);
    let intents: Vec<&Intent> = intents.iter().filter(open).collect();
    let done = done(info, resume, &intents)?;
    for intent in intents.get(done..).unwrap_or_default() {
        let places = places(info, resume);
        match intent {
            Intent::Move(to) => {
                let files = resume.tern.as_ref().map_or(&[][..], |tern| &tern.files);
                let known = |file: FileIndex| matches!(files.get(file.idx()), Some(Some(_)));
                if places.settle_move(path_from_bytes(to), known)? {
                    apply(resume, intent);
                }
            }
            Intent::Rename(file, to) => {
                if places.settle_rename(*file, to)? {
                    apply(resume, intent);
                }
            }
        }
    }
    Ok(())
}

/// How many of the intents came to pass for certain, because one behind them has begun: they are
/// made part of the saved state. A file that was moved and then renamed is at neither place that
/// only one of the two would have brought it to.
fn done(info: &Arc<Info>, resume: &mut Resume, intents: &[&Intent]) -> Result<usize, Error> {
    let mut steps = vec![resume.clone()];
    for intent in intents {
        let mut next = steps.last().unwrap_or(resume).clone();
        apply(&mut next, intent);
        steps.push(next);
    }
    for (index, pair) in steps.windows(2).enumerate().rev() {
        if let [before, after] = pair
            && places(info, before).has_left_for(&places(info, after))?
        {
            resume.clone_from(before);
            return Ok(index);
        }
    }
    Ok(0)
}

/// Where saved state says that the files are.
fn places(info: &Arc<Info>, resume: &Resume) -> disk::Places {
    let renamed = (0..).map(FileIndex).zip(&resume.mapped_files);
    let renamed = renamed.filter(|(_, path)| !path.is_empty());
    disk::Places {
        info: Arc::clone(info),
        save_path: path_from_bytes(&resume.save_path),
        renamed: renamed.map(|(file, path)| (file, path.clone())).collect(),
    }
}

/// Has saved state say what an intent leads to.
fn apply(resume: &mut Resume, intent: &Intent) {
    match intent {
        Intent::Move(to) => {
            resume.save_path.clone_from(to);
            if let Some(tern) = &mut resume.tern {
                // It may be on another file system now.
                tern.root = None;
            }
        }
        Intent::Rename(file, to) => map(resume, *file, to),
    }
}

fn map(resume: &mut Resume, file: FileIndex, to: &str) {
    if resume.mapped_files.len() <= file.idx() {
        resume.mapped_files.resize(file.idx() + 1, String::new());
    }
    if let Some(slot) = resume.mapped_files.get_mut(file.idx()) {
        to.clone_into(slot);
    }
}

impl Core {
    /// Moves the content to another directory; `Moved` follows. With a state directory it waits
    /// until that knows of it.
    pub fn move_to(self: &Arc<Self>, entry: &Arc<Entry>, to: PathBuf) -> Result<(), Error> {
        let to = to.into_os_string().into_encoded_bytes();
        self.intend(entry, Intent::Move(to.clone()));
        self.command(entry, Command::Move(to))
    }

    /// Tells the store before anything happens. Should that fail, it happens nevertheless: a kill
    /// in the next moment is less likely than what the host wants.
    pub(super) fn intend(self: &Arc<Self>, entry: &Entry, intent: Intent) {
        let Some(keeper) = self.keeper.as_ref().filter(|_| entry.is_kept()) else { return };
        let (told, done) = mpsc::sync_channel(1);
        let change = move |intents: &mut Vec<Intent>| {
            intents.push(intent);
            let more = intents.len().saturating_sub(INTENTS);
            intents.drain(..more);
        };
        let submitted = self.change_intents(entry, change, move || _ = told.send(()));
        if submitted && !keeper.is_current() {
            // The end of the keeper drops the other side.
            let _ = done.recv();
        }
    }

    /// It did not happen after all.
    pub(super) fn give_up(self: &Arc<Self>, entry: &Entry, like: Intent) {
        let change = move |intents: &mut Vec<Intent>| {
            if let Some(at) = intents.iter().position(|intent| intent.is_like(&like)) {
                intents.remove(at);
            }
        };
        self.change_intents(entry, change, || ());
    }

    fn change_intents(
        self: &Arc<Self>,
        entry: &Entry,
        change: impl FnOnce(&mut Vec<Intent>) + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> bool {
        let Some(keeper) = self.keeper.as_ref().filter(|_| entry.is_kept()) else { return false };
        let (core, info_hash) = (Arc::clone(self), entry.info_hash);
        let pieces = entry.file().metainfo.info.piece_count();
        let make = move || {
            let params = core.params_with(&info_hash, pieces, change);
            Change::Save(Save { info_hash, params, ..Save::default() })
        };
        keeper.submit(make, move |_| done())
    }

    /// What the torrent was added with, with other intents in it; those that a save has are left
    /// out. `None` when the store does not know the torrent.
    fn params_with(
        &self,
        info_hash: &InfoHash,
        pieces: u32,
        change: impl FnOnce(&mut Vec<Intent>),
    ) -> Option<bytes::Bytes> {
        let stored = self.stored(info_hash).ok().flatten()?;
        let mut params = Resume::parse(&stored.params?).ok()?;
        let mut intents = take(&mut params);
        if let Some(saved) = stored.blob.and_then(|blob| Resume::parse(&blob).ok()) {
            intents.retain(|intent| !intent.is_in(&saved));
        }
        change(&mut intents);
        if !intents.is_empty() {
            params.unknown.push((KEY.to_vec(), encode(&intents)));
        }
        Some(params.encode(pieces).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intents_survive_in_resume_data_and_nothing_else_is_taken_for_one() {
        let all = [
            Intent::Move(b"/with \xff bytes".to_vec()),
            Intent::Rename(FileIndex(7), "sub/name".into()),
            Intent::Move(b"/b".to_vec()),
        ];
        let mut params = Resume { info_hash: InfoHash([7; 20]), ..Resume::default() };
        params.unknown.push((b"qBt-name".to_vec(), b"1:x".to_vec()));
        params.unknown.push((KEY.to_vec(), encode(&all)));
        let blob = params.encode(3);
        assert_eq!(intents(Some(&blob)), all);
        let mut again = Resume::parse(&blob).unwrap();
        assert_eq!(take(&mut again), all);
        assert_eq!(take(&mut again), []);
        assert_eq!(again.unknown, [(b"qBt-name".to_vec(), b"1:x".to_vec())]);
        for wrong in [&b"le"[..], b"i1e", b"l3:abce", b"lleli1eel1:ai-1eee", b"", b"l"] {
            assert_eq!(decode(wrong), [], "{}", wrong.escape_ascii());
        }
        assert_eq!(intents(Some(b"tern-moving")), []);
    }
}

//! Disk jobs under way for one torrent: from the brain's wish to the pool's job, and from the
//! pool's answer back to the brain's.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::base::{BlockSpan, DiskError, FileIndex, PeerKey, PieceIndex};
use crate::disk::{Job, JobTag, Outcome};
use crate::swarm::{DiskAnswer, DiskOp, DiskOpKind, INTERNAL_READER};

/// Answer to a host's verifier.
pub(super) type PieceReader = Box<dyn FnOnce(Result<Bytes, DiskError>) + Send>;

/// What a job was for.
pub(super) enum Ticket {
    /// The brain.
    Brain(Wish),
    /// A verifier that wants a piece.
    ReadPiece(PieceReader),
    /// Registration: when it fails, the next job tries again.
    Open,
    /// Deletion: nobody waits for the answer.
    Silent,
    /// The last job of a torrent.
    Close,
}

/// A brain's disk operation, without its payload.
pub(super) enum Wish {
    /// Files' states.
    Stat,
    /// One of the simple ones.
    Simple(DiskOpKind),
    /// Block stored.
    Write(BlockSpan),
    /// Block fetched.
    Read(PeerKey, BlockSpan),
    /// Piece hashed.
    Hash(PieceIndex),
    /// All durable.
    Sync(u64),
    /// Moved.
    Move,
}

/// A table with room for more jobs is one of a busy torrent, and stays.
const KEPT_ABOVE: usize = 8;

/// The jobs under way. A job's tag is its place in the table.
#[derive(Default)]
pub(super) struct Jobs {
    tickets: Vec<Option<Ticket>>,
    free: Vec<usize>,
}

impl Jobs {
    /// Notes a job and gives it a tag.
    pub(super) fn track(&mut self, ticket: Ticket) -> JobTag {
        let place = self.free.pop().unwrap_or_else(|| {
            self.tickets.push(None);
            self.tickets.len() - 1
        });
        if let Some(slot) = self.tickets.get_mut(place) {
            *slot = Some(ticket);
        }
        place as JobTag
    }

    /// Turns a brain's wish into a tagged job.
    pub(super) fn begin(&mut self, op: DiskOp) -> (JobTag, Job) {
        let (wish, job) = translate(op);
        (self.track(Ticket::Brain(wish)), job)
    }

    /// The job is answered; `None` for a tag that is not under way.
    pub(super) fn finish(&mut self, tag: JobTag) -> Option<Ticket> {
        let place = usize::try_from(tag).ok()?;
        let ticket = self.tickets.get_mut(place)?.take()?;
        self.free.push(place);
        if self.free.len() == self.tickets.len() {
            // Small tables are given back: thousands of torrents have no job for hours.
            if self.tickets.capacity() <= KEPT_ABOVE {
                (self.tickets, self.free) = (Vec::new(), Vec::new());
            } else {
                self.tickets.clear();
                self.free.clear();
            }
        }
        Some(ticket)
    }

    /// Whether none is under way. Then the table takes no memory either.
    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
    }

    /// Forgets all jobs and gives back the questions that still need an answer.
    pub(super) fn abandon(&mut self) -> Vec<PieceReader> {
        self.free.clear();
        let reader = |ticket| match ticket {
            Some(Ticket::ReadPiece(reader)) => Some(reader),
            _ => None,
        };
        self.tickets.drain(..).filter_map(reader).collect()
    }
}

fn translate(op: DiskOp) -> (Wish, Job) {
    use DiskOpKind as Kind;
    match op {
        DiskOp::Stat => (Wish::Stat, Job::Stat),
        DiskOp::Prepare => (Wish::Simple(Kind::Prepare), Job::Prepare),
        DiskOp::Write(span, data) => {
            (Wish::Write(span), Job::Write { piece: span.piece, begin: span.begin, data })
        }
        DiskOp::Read(peer, span) if peer == INTERNAL_READER => {
            (Wish::Read(peer, span), Job::Read(span))
        }
        DiskOp::Read(peer, span) => (Wish::Read(peer, span), Job::Serve(span)),
        DiskOp::Hash(piece) => (Wish::Hash(piece), Job::Hash(piece)),
        DiskOp::Sync(ticket) => (Wish::Sync(ticket), Job::Sync),
        DiskOp::Release => (Wish::Simple(Kind::Release), Job::Release),
        DiskOp::SetPriorities(list) => {
            (Wish::Simple(Kind::SetPriorities), Job::SetPriorities(list))
        }
        DiskOp::Move(to) => (Wish::Move, Job::Move(path_of(to))),
        DiskOp::Rename(file, to) => (Wish::Simple(Kind::Rename(file)), Job::Rename(file, to)),
    }
}

/// What the brain is told. `Outcome::Moved` names the new directory, which the caller keeps.
pub(super) fn answer(wish: Wish, outcome: Outcome) -> DiskAnswer {
    match wish {
        Wish::Stat => DiskAnswer::Stats(match outcome {
            Outcome::Stats(look) => Ok(look),
            other => Err(failure("stat", other)),
        }),
        Wish::Simple(kind) => DiskAnswer::Done(
            kind,
            match outcome {
                Outcome::Done => Ok(()),
                other => Err(failure(op_name(kind), other)),
            },
        ),
        Wish::Write(span) => DiskAnswer::Written(
            span,
            match outcome {
                Outcome::Done => Ok(()),
                other => Err(failure("write", other)),
            },
        ),
        Wish::Read(peer, span) => DiskAnswer::Read(
            peer,
            span,
            match outcome {
                Outcome::Data(data) => Ok(data.into()),
                other => Err(failure("read", other)),
            },
        ),
        Wish::Hash(piece) => DiskAnswer::Hashed(
            piece,
            match outcome {
                Outcome::Digest(digest) => Ok(Some(digest)),
                Outcome::Missing => Ok(None),
                other => Err(failure("read", other)),
            },
        ),
        Wish::Sync(ticket) => DiskAnswer::Synced(
            ticket,
            match outcome {
                Outcome::Synced(synced) => Ok(synced),
                other => Err(failure("sync", other)),
            },
        ),
        Wish::Move => DiskAnswer::Moved(match outcome {
            Outcome::Moved(to) => Ok(bytes_of(&to)),
            other => Err(failure("rename", other)),
        }),
    }
}

/// What a verifier is told.
pub(super) fn piece_answer(outcome: Outcome) -> Result<Bytes, DiskError> {
    match outcome {
        Outcome::Data(data) => Ok(data),
        other => Err(failure("read", other)),
    }
}

fn op_name(kind: DiskOpKind) -> &'static str {
    match kind {
        DiskOpKind::Prepare => "allocate",
        DiskOpKind::SetPriorities | DiskOpKind::Rename(_) => "rename",
        DiskOpKind::Release => "open",
    }
}

/// The error in an answer that is not the one hoped for.
fn failure(op: &'static str, outcome: Outcome) -> DiskError {
    let file: Option<FileIndex> = None;
    match outcome {
        Outcome::Failed(error) => error,
        Outcome::Missing => DiskError {
            op,
            file,
            path: PathBuf::new(),
            os_errno: libc::ENOENT,
            message: "content is missing or short".into(),
        },
        _ => DiskError {
            op,
            file,
            path: PathBuf::new(),
            os_errno: 0,
            message: "the storage answered something else".into(),
        },
    }
}

/// The path that `bytes` spell: any bytes on Unix, UTF-8 elsewhere.
pub(super) fn path_of(bytes: Vec<u8>) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        std::ffi::OsString::from_vec(bytes).into()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(&bytes).into_owned().into()
    }
}

fn bytes_of(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_reused_and_answered_once() {
        let mut jobs = Jobs::default();
        let (a, _) = jobs.begin(DiskOp::Stat);
        let (b, _) = jobs.begin(DiskOp::Hash(PieceIndex(3)));
        assert_ne!(a, b);
        assert!(matches!(jobs.finish(a), Some(Ticket::Brain(Wish::Stat))));
        assert!(jobs.finish(a).is_none());
        assert_eq!(jobs.begin(DiskOp::Prepare).0, a);
        assert!(jobs.finish(99).is_none());
        assert!(matches!(jobs.finish(b), Some(Ticket::Brain(Wish::Hash(PieceIndex(3))))));
    }

    #[test]
    fn abandoned_questions_come_back() {
        let mut jobs = Jobs::default();
        jobs.begin(DiskOp::Stat);
        jobs.track(Ticket::ReadPiece(Box::new(|answer| assert!(answer.is_err()))));
        let readers = jobs.abandon();
        assert_eq!(readers.len(), 1);
        readers.into_iter().for_each(|r| r(Err(super::super::inbox::gone())));
    }

    #[test]
    fn answers_keep_what_was_asked() {
        let hashed = answer(Wish::Hash(PieceIndex(1)), Outcome::Missing);
        assert!(matches!(hashed, DiskAnswer::Hashed(PieceIndex(1), Ok(None))));
        let span = BlockSpan { piece: PieceIndex(1), begin: 0, length: 9 };
        let read = answer(Wish::Read(PeerKey(5), span), Outcome::Missing);
        assert!(matches!(read, DiskAnswer::Read(PeerKey(5), s, Err(_)) if s == span));
        let moved = answer(Wish::Move, Outcome::Moved("/a/b".into()));
        assert!(matches!(moved, DiskAnswer::Moved(Ok(path)) if path == b"/a/b"));
        let odd = answer(Wish::Stat, Outcome::Done);
        assert!(matches!(odd, DiskAnswer::Stats(Err(e)) if e.op == "stat"));
    }
}

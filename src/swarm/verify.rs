//! Pieces waiting for the host's verdict: a bounded window of questions, the rest in order.
//!
//! The verifier is asked about every piece that would become ours by download, and about every
//! piece a check found that neither saved state claimed as durable nor we had already. Deliberately
//! absent: what follows from a verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use super::lazy::{Lazy, Part};
use crate::base::{Instant, PieceIndex};

#[derive(Clone, Copy, Debug)]
struct Waiting {
    engine_ok: bool,
    not_before: Instant,
}

/// A question to ask now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Piece.
    pub piece: PieceIndex,
    /// Our hash matched.
    pub engine_ok: bool,
    /// 1 for the first question about this piece, and so on.
    pub attempt: u32,
}

#[derive(Debug, Default)]
struct Work {
    waiting: BTreeMap<PieceIndex, Waiting>,
    asked: BTreeMap<PieceIndex, (u32, bool)>,
    attempts: BTreeMap<PieceIndex, u32>,
}

impl Part for Work {
    const BLANK: &'static Self =
        &Self { waiting: BTreeMap::new(), asked: BTreeMap::new(), attempts: BTreeMap::new() };

    fn fresh() -> Self {
        Self::default()
    }

    fn is_blank(&self) -> bool {
        self.waiting.is_empty() && self.asked.is_empty() && self.attempts.is_empty()
    }
}

/// The window and the queue before it.
#[derive(Debug)]
pub struct VerifyQueue {
    window: Option<u32>,
    work: Lazy<Work>,
}

impl VerifyQueue {
    /// `None`: no verifier.
    #[must_use]
    pub fn new(window: Option<u32>) -> Self {
        Self { window, work: Lazy::absent() }
    }

    /// Whether a verifier is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.window.is_some()
    }

    /// Lets go of what is not used.
    pub fn rest(&mut self) {
        self.work.rest();
    }

    /// Sets the window or, with `None`, removes the verifier: the pieces it owed an answer for come
    /// back with our own verdict.
    pub fn set_window(&mut self, window: Option<u32>) -> Vec<(PieceIndex, bool)> {
        self.window = window;
        if window.is_some() {
            return Vec::new();
        }
        let mut out: Vec<_> = core::mem::take(&mut self.work.waiting)
            .into_iter()
            .map(|(p, w)| (p, w.engine_ok))
            .collect();
        out.extend(core::mem::take(&mut self.work.asked).into_iter().map(|(p, (_, ok))| (p, ok)));
        self.work.attempts.clear();
        out
    }

    /// Queues a piece.
    pub fn push(&mut self, now: Instant, piece: PieceIndex, engine_ok: bool) {
        self.work.waiting.insert(piece, Waiting { engine_ok, not_before: now });
    }

    /// The next question, lowest `order` first, while the window has room.
    pub fn next<K: Ord>(
        &mut self,
        now: Instant,
        order: impl Fn(PieceIndex) -> K,
    ) -> Option<Question> {
        if self.work.asked.len() >= self.window.unwrap_or(0).max(1) as usize {
            return None;
        }
        let ready = self.work.waiting.iter().filter(|(_, w)| w.not_before <= now);
        let (&piece, &Waiting { engine_ok, .. }) = ready.min_by_key(|(p, _)| order(**p))?;
        self.work.waiting.remove(&piece);
        let work = &mut *self.work;
        let attempt = work.attempts.entry(piece).or_insert(0);
        *attempt += 1;
        work.asked.insert(piece, (*attempt, engine_ok));
        Some(Question { piece, engine_ok, attempt: *attempt })
    }

    /// Takes an answer; our own verdict when it belongs to the open question about this piece.
    pub fn answer(&mut self, piece: PieceIndex, attempt: u32) -> Option<bool> {
        let (open, engine_ok) = *self.work.asked.get(&piece)?;
        if open != attempt {
            return None;
        }
        self.work.asked.remove(&piece);
        Some(engine_ok)
    }

    /// Puts an answered piece back, to be asked about again after `wait`.
    pub fn defer(&mut self, now: Instant, piece: PieceIndex, engine_ok: bool, wait: Duration) {
        self.work.waiting.insert(piece, Waiting { engine_ok, not_before: now + wait });
    }

    /// Whether the piece waits or is asked about.
    #[must_use]
    pub fn contains(&self, piece: PieceIndex) -> bool {
        self.work.waiting.contains_key(&piece) || self.work.asked.contains_key(&piece)
    }

    /// The piece is decided: its attempts are forgotten. Not so after a rejection, which
    /// keeps counting.
    pub fn forget(&mut self, piece: PieceIndex) {
        self.work.waiting.remove(&piece);
        self.work.asked.remove(&piece);
        self.work.attempts.remove(&piece);
    }

    /// Pieces without a verdict, in order.
    #[must_use]
    pub fn undecided(&self) -> Vec<PieceIndex> {
        let mut all: Vec<_> =
            self.work.waiting.keys().chain(self.work.asked.keys()).copied().collect();
        all.sort_unstable();
        all
    }

    /// When a deferred piece is due; `None` while the window is full or nothing waits.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.work.asked.len() >= self.window? as usize {
            return None;
        }
        self.work.waiting.values().map(|w| w.not_before).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    #[test]
    fn the_window_bounds_questions_and_order_decides_who_waits() {
        let mut q = VerifyQueue::new(Some(2));
        for piece in [5, 1, 3] {
            q.push(NOW, PieceIndex(piece), true);
        }
        let ask = |q: &mut VerifyQueue| q.next(NOW, |p| p.0).map(|x| (x.piece.0, x.attempt));
        assert_eq!(ask(&mut q), Some((1, 1)));
        assert_eq!(ask(&mut q), Some((3, 1)));
        assert_eq!((ask(&mut q), q.deadline()), (None, None));
        assert_eq!(q.answer(PieceIndex(3), 2), None);
        assert_eq!(q.answer(PieceIndex(3), 1), Some(true));
        assert_eq!(q.answer(PieceIndex(3), 1), None);
        assert_eq!(ask(&mut q), Some((5, 1)));
        assert_eq!(q.undecided(), [PieceIndex(1), PieceIndex(5)]);
    }

    #[test]
    fn a_deferred_piece_is_asked_about_again_with_the_next_attempt() {
        let mut q = VerifyQueue::new(Some(1));
        q.push(NOW, PieceIndex(0), false);
        assert_eq!(q.next(NOW, |p| p.0).map(|x| x.attempt), Some(1));
        assert_eq!(q.answer(PieceIndex(0), 1), Some(false));
        q.defer(NOW, PieceIndex(0), false, Duration::from_secs(9));
        assert_eq!(q.next(NOW, |p| p.0), None);
        let due = q.deadline().unwrap();
        assert_eq!(due.since(NOW).as_secs(), 9);
        assert_eq!(q.next(due, |p| p.0).map(|x| (x.attempt, x.engine_ok)), Some((2, false)));
        assert_eq!(q.set_window(None), [(PieceIndex(0), false)]);
    }
}

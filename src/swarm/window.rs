//! The dirty window: which pieces may have been written since the last saved state, and who has to
//! know before they are.
//!
//! The driver keeps a journal beside the saved state. A piece is entered before its first block is
//! written and before it counts as had; so after the process was killed exactly the entered pieces
//! are hashed again, nothing that was verified is lost, and a file that differs although no entry
//! names a piece of it was changed by somebody else. An entry survives a loss of power only when it
//! is asked for as durable, which costs a sync. That is done when a piece is the first of its file
//! since the state was saved (else an entry lost in a power cut would make our own write look like
//! somebody else's), and when saved state may claim the piece (else it would claim what is being
//! overwritten). A piece is entered when its first block is asked for, entries that wait for the
//! journal are joined, so in practice nobody waits.
//!
//! Without a journal only the last matters: a piece that saved state may claim is not written
//! before state without it was accepted. A journal that fails counts as none until it works again.
//! Deliberately absent: what the pieces hold, and the journal itself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::lazy::{Lazy, Part};
use crate::base::{FileIndex, Instant, PieceIndex};
use crate::codec::metainfo::Info;

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);

/// One entry for the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Grows by torrent.
    pub mark: u64,
    /// The pieces.
    pub pieces: Vec<u32>,
    /// It must survive a loss of power.
    pub durable: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entered {
    /// The last entry that names it.
    mark: u64,
    /// That survives a loss of power.
    durable: bool,
    /// All its files were found open since the state was handed out.
    opened: bool,
}

#[derive(Debug)]
struct Work {
    /// Pieces entered since the state last handed out or listed in it, and how.
    entered: BTreeMap<PieceIndex, Entered>,
    /// Files of which a piece is durably entered.
    files: BTreeSet<FileIndex>,
    /// For the next entry, and whether it must be durable.
    queue: BTreeMap<PieceIndex, bool>,
    /// With the journal.
    flight: Option<Entry>,
    /// Pieces that saved state up to this generation may claim and that are not ours any more.
    owed: BTreeMap<PieceIndex, u64>,
    /// Entries up to this mark are listed in state that was accepted.
    settled: u64,
    /// The state handed out last and not answered: its generation, the mark before it.
    offer: Option<(u64, u64)>,
    /// The journal failed: next attempt, and the wait after that.
    broken: Option<(Instant, Duration)>,
}

impl Work {
    const fn blank() -> Self {
        Self {
            entered: BTreeMap::new(),
            files: BTreeSet::new(),
            queue: BTreeMap::new(),
            flight: None,
            owed: BTreeMap::new(),
            settled: 0,
            offer: None,
            broken: None,
        }
    }
}

impl Part for Work {
    const BLANK: &'static Self = &Self::blank();

    fn fresh() -> Self {
        Self::blank()
    }

    fn is_blank(&self) -> bool {
        let pieces = self.entered.len() + self.queue.len() + self.owed.len();
        pieces == 0 && self.flight.is_none() && self.offer.is_none() && self.broken.is_none()
    }
}

/// The window of one torrent.
#[derive(Debug)]
pub struct Window {
    journal: bool,
    mark: u64,
    work: Lazy<Work>,
}

fn files_of(info: &Info, piece: PieceIndex) -> impl Iterator<Item = FileIndex> + '_ {
    let spans = info.spans(piece, 0, info.geometry.len_of(piece));
    let stored = |f: FileIndex| {
        info.files.get(f.idx()).is_some_and(|f| !f.attr.padding && f.symlink.is_none())
    };
    spans.map(|s| s.file).filter(move |f| stored(*f))
}

impl Window {
    /// `mark`: the highest one the journal has of this torrent; `None` when there is no journal.
    #[must_use]
    pub fn new(mark: Option<u64>) -> Self {
        Self { journal: mark.is_some(), mark: mark.unwrap_or(0), work: Lazy::absent() }
    }

    /// Lets go of what is not used.
    pub fn rest(&mut self) {
        self.work.rest();
    }

    /// Nothing is entered, owed or under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.work.is_blank()
    }

    /// The mark that a blob made now makes void everything up to; `None` without a journal.
    #[must_use]
    pub fn mark(&self) -> Option<u64> {
        self.journal.then_some(self.mark)
    }

    fn works(&self) -> bool {
        self.journal && self.work.broken.is_none()
    }

    fn is_durable(&self, piece: PieceIndex) -> bool {
        self.work.entered.get(&piece).is_some_and(|e| e.durable)
    }

    /// Whether the piece may count as had: a process that is killed will find it again.
    #[must_use]
    pub fn is_entered(&self, piece: PieceIndex) -> bool {
        !self.works() || self.work.entered.contains_key(&piece)
    }

    /// Whether saved state may claim the piece and nothing durable says otherwise.
    #[must_use]
    pub fn is_owed(&self, piece: PieceIndex) -> bool {
        self.work.owed.contains_key(&piece) && !self.is_durable(piece)
    }

    /// Whether blocks of the piece may be written.
    #[must_use]
    pub fn may_write(&self, info: &Info, piece: PieceIndex) -> bool {
        if self.is_owed(piece) {
            return false;
        }
        let entered = self.work.entered.get(&piece);
        !self.works() || entered.is_some_and(|e| e.durable || e.opened || self.is_open(info, piece))
    }

    fn is_open(&self, info: &Info, piece: PieceIndex) -> bool {
        files_of(info, piece).all(|f| self.work.files.contains(&f))
    }

    /// The piece is about to be written.
    pub fn open(&mut self, info: &Info, piece: PieceIndex) {
        let entered = self.work.entered.get(&piece).copied();
        if !self.journal || entered.is_some_and(|e| e.durable || e.opened) {
            return;
        }
        let fresh = !self.is_open(info, piece);
        let owed = self.work.owed.contains_key(&piece);
        if entered.is_some() && !fresh && !owed {
            // Asked about with every block.
            self.work.entered.entry(piece).or_default().opened = true;
            return;
        }
        self.enter(piece, fresh || owed);
    }

    /// The piece was found, or has to be told from what saved state says: enters it.
    pub fn enter(&mut self, piece: PieceIndex, durable: bool) {
        let known = self.work.entered.get(&piece).is_some_and(|e| e.durable || !durable);
        let flying =
            self.work.flight.as_ref().is_some_and(|f| {
                f.pieces.binary_search(&piece.0).is_ok() && (f.durable || !durable)
            });
        if self.journal && !known && !flying {
            *self.work.queue.entry(piece).or_insert(false) |= durable;
        }
    }

    /// Saved state up to this generation may claim the piece, which is not ours any more.
    pub fn owe(&mut self, piece: PieceIndex, generation: u64) {
        // What was entered before says that it was written, which is true of what was lost too.
        let owed = self.work.owed.entry(piece).or_insert(generation);
        *owed = generation.max(*owed);
        self.enter(piece, true);
    }

    /// The next entry, when there is one and the journal is free.
    pub fn next_entry(&mut self, now: Instant) -> Option<Entry> {
        let early = self.work.broken.is_some_and(|(at, _)| at > now);
        if early || self.work.flight.is_some() || self.work.queue.is_empty() {
            return None;
        }
        let queue = core::mem::take(&mut self.work.queue);
        self.mark += 1;
        let entry = Entry {
            mark: self.mark,
            durable: queue.values().any(|durable| *durable),
            pieces: queue.into_keys().map(|p| p.0).collect(),
        };
        self.work.flight = Some(entry.clone());
        Some(entry)
    }

    /// The journal answered. Whether it was waited for; whoever waited looks again.
    pub fn answered(&mut self, now: Instant, info: &Info, mark: u64, ok: bool) -> bool {
        let Some(entry) = self.work.flight.take_if(|entry| entry.mark == mark) else {
            return false;
        };
        let pieces = entry.pieces.into_iter().map(PieceIndex);
        if !ok {
            let wait = self.work.broken.map_or(FIRST_RETRY, |(_, wait)| wait);
            self.work.broken = Some((now + wait, (wait * 2).min(LAST_RETRY)));
            for piece in pieces {
                *self.work.queue.entry(piece).or_insert(false) |= entry.durable;
            }
            return true;
        }
        self.work.broken = None;
        let durable = entry.durable || mark <= self.work.settled;
        for piece in pieces {
            let entered = self.work.entered.entry(piece).or_default();
            entered.durable |= durable;
            entered.mark = mark;
            if durable {
                self.work.files.extend(files_of(info, piece));
            }
        }
        true
    }

    /// The pieces that state made now has to list: those with the journal, and those entered for
    /// which `written` holds. The others have to be entered anew once it is handed out.
    pub fn listed(&self, written: impl Fn(PieceIndex) -> bool) -> BTreeSet<PieceIndex> {
        let flying = self.work.flight.iter().flat_map(|f| f.pieces.iter().copied().map(PieceIndex));
        self.work.entered.keys().copied().filter(|p| written(*p)).chain(flying).collect()
    }

    /// State of this generation, which lists these pieces, is handed out.
    pub fn handed_out(&mut self, info: &Info, generation: u64, listed: &BTreeSet<PieceIndex>) {
        if self.work.is_blank() {
            return;
        }
        let mark = self.mark;
        let work = &mut *self.work;
        work.entered.retain(|piece, _| listed.contains(piece));
        work.entered.values_mut().for_each(|e| e.opened = false);
        // What opened the other files is void once the state is accepted.
        let kept: BTreeSet<FileIndex> =
            work.entered.keys().flat_map(|p| files_of(info, *p)).collect();
        work.files.retain(|f| kept.contains(f));
        work.offer = Some((generation, mark));
    }

    /// That state was accepted. Whether pieces may be written now that could not.
    pub fn accepted(&mut self, info: &Info, generation: u64) -> bool {
        if self.work.is_blank() {
            return false;
        }
        let work = &mut *self.work;
        if let Some((_, mark)) = work.offer.take_if(|(g, _)| *g == generation) {
            work.settled = mark;
            for (piece, entered) in work.entered.iter_mut().filter(|(_, e)| e.mark <= mark) {
                entered.durable = true;
                work.files.extend(files_of(info, *piece));
            }
        }
        let before = work.owed.len();
        work.owed.retain(|_, since| *since >= generation);
        work.owed.len() != before
    }

    /// When [`Self::next_entry`] will have one without further input.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let (at, _) = self.work.broken?;
        (!self.work.queue.is_empty() && self.work.flight.is_none()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ZERO;

    /// Pieces 0 to 3 in file 0, 4 to 7 in file 1.
    fn info() -> Info {
        let file = |offset| crate::codec::metainfo::FileEntry {
            path: String::new(),
            path_raw: Default::default(),
            length: 40,
            offset,
            attr: Default::default(),
            symlink: None,
        };
        Info {
            info_hash: Default::default(),
            raw: Default::default(),
            name: String::new(),
            name_raw: Default::default(),
            geometry: crate::base::Geometry::new(80, 10).unwrap(),
            pieces: vec![[0; 20]; 8].into(),
            files: vec![file(0), file(40)],
            multi_file: true,
            private: false,
            source: None,
        }
    }

    fn entry(w: &mut Window) -> Option<(u64, Vec<u32>, bool)> {
        w.next_entry(NOW).map(|e| (e.mark, e.pieces, e.durable))
    }

    fn at(pieces: &[u32]) -> BTreeSet<PieceIndex> {
        pieces.iter().copied().map(PieceIndex).collect()
    }

    #[test]
    fn the_first_piece_of_a_file_is_entered_durably_and_entries_are_joined() {
        let (info, mut w) = (info(), Window::new(Some(10)));
        w.open(&info, PieceIndex(0));
        assert!(!w.may_write(&info, PieceIndex(0)) && !w.is_entered(PieceIndex(0)));
        assert_eq!(entry(&mut w), Some((11, vec![0], true)));
        (1..3).for_each(|p| w.open(&info, PieceIndex(p)));
        w.open(&info, PieceIndex(0));
        assert_eq!(entry(&mut w), None, "one at a time");
        assert!(!w.answered(NOW, &info, 10, true));
        assert!(w.answered(NOW, &info, 11, true));
        assert!(w.may_write(&info, PieceIndex(0)) && !w.may_write(&info, PieceIndex(1)));
        assert_eq!(entry(&mut w), Some((12, vec![1, 2], true)), "asked for before it was open");
        w.answered(NOW, &info, 12, true);
        w.open(&info, PieceIndex(3));
        assert_eq!(entry(&mut w), Some((13, vec![3], false)));
        w.open(&info, PieceIndex(4));
        w.answered(NOW, &info, 13, true);
        assert!(w.may_write(&info, PieceIndex(3)));
        assert_eq!(entry(&mut w), Some((14, vec![4], true)));
    }

    #[test]
    fn accepted_state_settles_what_it_does_not_list() {
        let (info, mut w) = (info(), Window::new(Some(0)));
        [0, 1, 4].iter().for_each(|p| w.open(&info, PieceIndex(*p)));
        let first = entry(&mut w).unwrap();
        w.answered(NOW, &info, first.0, true);
        w.open(&info, PieceIndex(5));
        let flying = entry(&mut w).unwrap();
        let listed = w.listed(|p| p.0 == 1);
        assert_eq!(listed, at(&[1, 5]));
        w.handed_out(&info, 1, &listed);
        assert_eq!(w.mark(), Some(2));
        // Its file is open only by an entry that the state makes void.
        w.open(&info, PieceIndex(6));
        w.open(&info, PieceIndex(2));
        assert!(w.accepted(&info, 1) || !w.is_owed(PieceIndex(0)));
        assert!(w.answered(NOW, &info, flying.0, true));
        assert!(w.may_write(&info, PieceIndex(1)) && w.may_write(&info, PieceIndex(5)));
        assert!(!w.is_entered(PieceIndex(0)) && !w.is_entered(PieceIndex(4)));
        assert_eq!(entry(&mut w), Some((3, vec![2, 6], true)));
    }

    #[test]
    fn what_saved_state_may_claim_waits_for_a_durable_entry_or_other_state() {
        let (info, mut w) = (info(), Window::new(Some(0)));
        w.open(&info, PieceIndex(0));
        let first = entry(&mut w).unwrap();
        w.answered(NOW, &info, first.0, true);
        w.owe(PieceIndex(1), 7);
        assert!(w.is_owed(PieceIndex(1)) && !w.may_write(&info, PieceIndex(1)));
        let second = entry(&mut w).unwrap();
        assert!(second.2);
        w.answered(NOW, &info, second.0, true);
        assert!(w.may_write(&info, PieceIndex(1)) && !w.is_owed(PieceIndex(1)));

        let mut w = Window::new(None);
        w.open(&info, PieceIndex(0));
        assert!(w.may_write(&info, PieceIndex(0)) && w.is_entered(PieceIndex(0)) && w.is_idle());
        w.owe(PieceIndex(1), 7);
        assert!(!w.may_write(&info, PieceIndex(1)) && w.next_entry(NOW).is_none());
        assert!(!w.accepted(&info, 7) && w.is_owed(PieceIndex(1)), "it was made before");
        assert!(w.accepted(&info, 8) && w.may_write(&info, PieceIndex(1)) && w.is_idle());
    }

    #[test]
    fn a_journal_that_fails_counts_as_none_until_it_works() {
        let (info, mut w) = (info(), Window::new(Some(0)));
        w.open(&info, PieceIndex(0));
        w.owe(PieceIndex(1), 1);
        let first = entry(&mut w).unwrap();
        w.answered(NOW, &info, first.0, false);
        assert!(w.may_write(&info, PieceIndex(0)) && w.is_entered(PieceIndex(3)));
        assert!(!w.may_write(&info, PieceIndex(1)));
        assert_eq!(entry(&mut w), None);
        let later = w.deadline().unwrap();
        let again = w.next_entry(later).unwrap();
        assert_eq!((again.mark, again.pieces, again.durable), (2, vec![0, 1], true));
        w.answered(later, &info, 2, true);
        assert!(w.may_write(&info, PieceIndex(1)) && !w.is_entered(PieceIndex(3)));
    }
}

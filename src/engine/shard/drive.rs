//! Inputs to a brain, and the execution of what it wants done.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;

use super::jobs::{self, Ticket, Wish};
use super::slot::{Conn, Slot};
use super::{Shard, conn};
use crate::base::{BlockSpan, DiskError, FileIndex, PeerKey, Region, TorrentId};
use crate::codec::metainfo::FileSpan;
use crate::disk::{Completion, Job, JobTag, Outcome};
use crate::engine::host::{SaveRequest, Traffic, VerifyRequest};
use crate::net::canonical;
use crate::swarm::{DiskAnswer, DiskOp, INTERNAL_READER, Input, Output, PeerSource};

/// A deadline is at least this far away: a brain that names a time that has passed cannot spin a
/// core.
const TICK_MIN: Duration = Duration::from_millis(1);

impl Shard {
    /// Gives a torrent's brain an input and executes the consequences.
    pub(super) fn input(self: &Rc<Self>, slot: &Rc<Slot>, input: Input<'_>) {
        if !slot.gone.get() {
            self.contain(Some(slot.id), || {
                slot.brain.borrow_mut().handle(self.now(), input);
                self.drive(slot);
            });
        }
    }

    /// Somebody names peers for a torrent. Those that cannot be dialled, and we, are dropped.
    pub(super) fn found(
        self: &Rc<Self>,
        slot: &Rc<Slot>,
        source: PeerSource,
        addrs: &[SocketAddr],
    ) {
        let addrs: Vec<SocketAddr> = addrs
            .iter()
            .map(|addr| canonical(*addr))
            .filter(|addr| addr.port() != 0 && !self.fleet.is_own(*addr))
            .collect();
        if addrs.is_empty() {
            return self.drive(slot);
        }
        self.input(slot, Input::PeersFound { source, addrs: &addrs });
    }

    /// Bytes from a peer.
    pub(super) fn received(self: &Rc<Self>, slot: &Rc<Slot>, peer: PeerKey, data: &mut BytesMut) {
        self.input(slot, Input::Received { peer, data });
    }

    /// A torrent's deadline passed.
    pub(super) fn time_passed(self: &Rc<Self>, slot: &Rc<Slot>) {
        self.input(slot, Input::Timeout);
    }

    /// Answers of the disk: all are handed over before their torrents are driven once.
    pub(super) fn disk_answers(self: &Rc<Self>, completions: Vec<Completion>) {
        let mut touched: Vec<Rc<Slot>> = Vec::new();
        for completion in completions {
            // Batches are mostly of one torrent.
            let last = touched.last().filter(|slot| slot.id == completion.torrent).cloned();
            let Some(slot) = last.clone().or_else(|| self.slot(completion.torrent)) else {
                continue;
            };
            if last.is_none() {
                touched.push(Rc::clone(&slot));
            }
            self.contain(Some(slot.id), || {
                self.disk_answer(&slot, completion.tag, completion.outcome);
            });
        }
        for slot in touched.iter().filter(|slot| !slot.gone.get()) {
            self.contain(Some(slot.id), || {
                slot.brain.borrow_mut().settle();
                self.drive(slot);
            });
        }
    }

    fn disk_answer(self: &Rc<Self>, slot: &Rc<Slot>, tag: JobTag, outcome: Outcome) {
        if slot.gone.get() {
            return;
        }
        let ticket = slot.jobs.borrow_mut().finish(tag);
        match ticket {
            None | Some(Ticket::Silent) => {}
            Some(Ticket::Open) => {
                // The jobs behind it meet the same error; the next ones try again.
                if !matches!(outcome, Outcome::Done) {
                    slot.registered.set(false);
                }
            }
            Some(Ticket::ReadPiece(reader)) => reader(jobs::piece_answer(outcome)),
            Some(Ticket::Close) => {
                self.forget(slot.id);
                self.host.closed(slot.id);
            }
            Some(Ticket::Brain(wish)) => {
                if slot.wire.get() {
                    self.tell_files(slot, &wish, &outcome);
                }
                if let Outcome::Moved(to) = &outcome {
                    *slot.save_path.borrow_mut() = to.as_path().into();
                }
                let answer = jobs::answer(wish, outcome);
                slot.brain.borrow_mut().absorb(self.now(), Input::Disk(answer));
            }
        }
    }

    /// Executes everything a brain wants done; one disk submission for all of it.
    pub(super) fn drive(self: &Rc<Self>, slot: &Rc<Slot>) {
        if slot.gone.get() {
            return;
        }
        let (mut disk, mut lent) = (Vec::new(), Vec::new());
        let mut lending = None;
        let mut closed = false;
        loop {
            // In a statement of its own: the brain must not stay borrowed while outputs are
            // executed.
            let output = slot.brain.borrow_mut().poll_output();
            match output {
                None if lent.is_empty() => break,
                None => self.give_back(slot, &mut lent),
                Some(Output::Disk(DiskOp::Read(peer, span))) if peer != INTERNAL_READER => {
                    let lending = lending.get_or_insert_with(|| self.pool.lend(slot.id));
                    match lending.block(span) {
                        Some(region) => lent.push((peer, span, region)),
                        None => disk.push(self.disk_op(slot, DiskOp::Read(peer, span))),
                    }
                }
                Some(Output::Disk(op)) => disk.push(self.disk_op(slot, op)),
                Some(Output::Closed) => closed = true,
                Some(output) => self.execute(slot, output),
            }
        }
        if !disk.is_empty() {
            self.submit(slot, disk);
        } else if !closed {
            self.unregister(slot);
        }
        if closed {
            self.close_storage(slot);
        }
        self.pump_trackers(slot);
        if slot.stalled.get() {
            self.unstall_torrent(slot);
        }
        self.rearm(slot);
    }

    /// Tells which bytes of which files a job moved, before what follows from it is told.
    fn tell_files(&self, slot: &Slot, wish: &Wish, outcome: &Outcome) {
        let (span, wrote) = match (wish, outcome) {
            (Wish::Write(span), Outcome::Done) => (*span, true),
            (Wish::Read(_, span), Outcome::Data(_)) => (*span, false),
            (Wish::Hash(piece), Outcome::Digest(_)) => {
                let length = slot.info().geometry.len_of(*piece);
                (BlockSpan { piece: *piece, begin: 0, length }, false)
            }
            _ => return,
        };
        let told = if wrote { Traffic::FileWritten } else { Traffic::FileRead };
        self.tell_spans(slot, span, told);
    }

    fn tell_spans(&self, slot: &Slot, span: BlockSpan, told: fn(FileSpan) -> Traffic) {
        let info = slot.info();
        let padding = |file: FileIndex| info.files.get(file.idx()).is_some_and(|f| f.attr.padding);
        for part in info.spans(span.piece, span.begin, span.length) {
            if !padding(part.file) {
                self.host.traffic(slot.id, told(part));
            }
        }
    }

    /// Answers reads of what needed no reading.
    fn give_back(&self, slot: &Slot, lent: &mut Vec<(PeerKey, BlockSpan, Region)>) {
        if slot.wire.get() {
            lent.iter().for_each(|(_, span, _)| self.tell_spans(slot, *span, Traffic::FileRead));
        }
        let (now, mut brain) = (self.now(), slot.brain.borrow_mut());
        for (peer, span, region) in lent.drain(..) {
            let answer = DiskAnswer::Read(peer, span, Ok(region.into()));
            brain.absorb(now, Input::Disk(answer));
        }
        brain.settle();
    }

    fn disk_op(&self, slot: &Slot, op: DiskOp) -> (JobTag, Job) {
        match slot.jobs.borrow_mut().begin(op) {
            (tag, Job::Hash(piece)) if slot.brain.borrow().is_awaited() => {
                (tag, Job::HashSoon(piece))
            }
            job => job,
        }
    }

    fn execute(self: &Rc<Self>, slot: &Rc<Slot>, output: Output) {
        match output {
            Output::Dial { peer, addr } => {
                let conn = Rc::new(Conn::new(peer, addr));
                slot.conns.borrow_mut().insert(peer, Rc::clone(&conn));
                self.start(Some(slot.id), conn::dial(Rc::clone(self), Rc::clone(slot), conn));
            }
            Output::Transmit { peer } => {
                if let Some(conn) = slot.conns.borrow().get(&peer) {
                    let mut brain = slot.brain.borrow_mut();
                    conn.out.borrow_mut().append(|out| brain.take_transmit(peer, out));
                    drop(brain);
                    conn.wake();
                }
            }
            Output::Close { peer } => {
                let conn = slot.conns.borrow_mut().remove(&peer);
                if let Some(conn) = conn {
                    conn.close();
                }
            }
            Output::Verify { piece, engine_ok, attempt, peers } => {
                let length = slot.info().geometry.len_of(piece);
                let request = VerifyRequest { piece, length, engine_ok, attempt, peers };
                self.host.verify(slot.id, request);
            }
            Output::Journal(entry) => self.host.journal(slot.id, entry),
            Output::Save { generation, settled, state, with_info } => {
                let info = slot.info();
                let request = SaveRequest { generation, settled, state, with_info, info };
                self.host.save(slot.id, request);
            }
            Output::Announce(event) => {
                self.dht_event(slot, event);
                self.tracker_event(slot, event);
                self.ask_sources(slot);
            }
            Output::DhtNode(addr) => self.dht_node(addr),
            Output::Metadata(info) => self.described(slot, info),
            Output::Notice(notice) => self.host.notice(slot.id, notice),
            Output::Wire(wire) => self.host.wire(slot.id, &wire),
            // Taken by the caller.
            Output::Disk(_) | Output::Closed => {}
        }
    }

    /// The brain is done: delete if that was asked for, close the storage; the answer to the latter
    /// ends the torrent.
    fn close_storage(self: &Rc<Self>, slot: &Rc<Slot>) {
        if slot.closing.replace(true) {
            return;
        }
        self.local_stop(slot);
        self.stop_trackers(slot);
        let mut tags = slot.jobs.borrow_mut();
        let mut last = Vec::with_capacity(2);
        if slot.delete.get() {
            last.push((tags.track(Ticket::Silent), Job::Delete));
        }
        last.push((tags.track(Ticket::Close), Job::Close));
        drop(tags);
        self.submit(slot, last);
    }

    /// Takes a torrent off the shard: sockets, deadlines, questions. Does nothing when it is not
    /// here.
    pub(super) fn forget(self: &Rc<Self>, id: TorrentId) {
        let Some(slot) = self.torrents.borrow_mut().remove(&id) else { return };
        slot.gone.set(true);
        self.dht_forget(&slot);
        self.local_stop(&slot);
        self.timers.move_to(id, slot.armed.take(), None);
        self.stalled.borrow_mut().remove(&id);
        let conns = slot.conns.take();
        conns.values().for_each(|conn| conn.close());
        for reader in slot.jobs.take().abandon() {
            reader(Err(gone()));
        }
        if !slot.closing.get() {
            // Not closed in order (a panic, the end of the shard): the storage still lets go of it.
            self.to_disk(id, vec![(JobTag::MAX, Job::Close)]);
        }
    }

    /// Whether a socket of this torrent may be read. If not, it is woken when that changes.
    pub(super) fn may_read(&self, slot: &Slot, peer: PeerKey) -> bool {
        let may = !self.pool.pressure() && slot.brain.borrow().wants_input_from(peer);
        if !may && !slot.gone.get() && !slot.stalled.replace(true) {
            let first = {
                let mut stalled = self.stalled.borrow_mut();
                let first = stalled.is_empty();
                stalled.insert(slot.id);
                first
            };
            if first {
                self.wake_by(self.now() + super::PRESSURE_TICK);
            }
        }
        may
    }

    /// Lets the connections of all torrents that may go on reading do so.
    pub(super) fn unstall(&self) {
        if self.stalled.borrow().is_empty() || self.pool.pressure() {
            return;
        }
        let ids: Vec<_> = self.stalled.borrow().iter().copied().collect();
        for slot in ids.into_iter().filter_map(|id| self.slot(id)) {
            self.unstall_torrent(&slot);
        }
    }

    fn unstall_torrent(&self, slot: &Slot) {
        let (conns, brain) = (slot.conns.borrow(), slot.brain.borrow());
        if self.pool.pressure() || !brain.wants_input() {
            return;
        }
        let mut all = true;
        for conn in conns.values() {
            if brain.wants_input_from(conn.key) {
                conn.wake();
            } else {
                all = false;
            }
        }
        if all {
            slot.stalled.set(false);
            self.stalled.borrow_mut().remove(&slot.id);
        }
    }

    /// Moves the torrent's deadline to what brain and announcer now want.
    fn rearm(&self, slot: &Slot) {
        if slot.gone.get() {
            return;
        }
        let brain = slot.brain.borrow().next_deadline();
        let wanted = [brain, slot.trackers.due.get()].into_iter().flatten().min();
        let armed = slot.armed.get();
        if wanted == armed {
            return;
        }
        let wanted = wanted.map(|at| at.max(self.now() + TICK_MIN));
        slot.armed.set(wanted);
        self.timers.move_to(slot.id, armed, wanted);
        if let Some(at) = wanted {
            self.wake_by(at);
        }
    }
}

/// The error of a question about a torrent that is not here.
fn gone() -> DiskError {
    super::inbox::gone()
}

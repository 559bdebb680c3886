//! What the nodes' disks and stores do with the jobs, entries and states they are given.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tern::base::{Payload, Region};
use tern::codec::resume::Resume;
use tern::swarm::window::Entry as JournalEntry;
use tern::swarm::{DiskAnswer, DiskOp, DiskOpKind, INTERNAL_READER, Input, SaveVerdict};

use crate::crash;
use crate::world::{Event, World};

impl World {
    pub fn disk_work(&mut self, n: usize, epoch: u32, op: DiskOp) {
        if !self.alive(n, epoch) {
            return;
        }
        if matches!(op, DiskOp::Sync(_)) {
            crash::probe_sync(self, n);
        }
        let changes = matches!(op, DiskOp::Sync(_) | DiskOp::Write(..) | DiskOp::Prepare);
        let node = &mut self.nodes[n];
        let disk = &mut node.disk;
        let answer = match op {
            DiskOp::Stat => DiskAnswer::Stats(Ok(disk.look())),
            DiskOp::Prepare => {
                disk.prepare();
                DiskAnswer::Done(DiskOpKind::Prepare, Ok(()))
            }
            DiskOp::Write(span, data) => {
                let right = data == self.content.slice(span);
                assert!(!node.prev_have.get(span.piece.0) || right, "{span:?} overwritten");
                DiskAnswer::Written(span, disk.write(span, &data))
            }
            DiskOp::Read(key, span) => {
                let for_peer = key != INTERNAL_READER;
                let Some(result) = disk.read(&mut self.rng, span, for_peer) else { return };
                // Every other block stays where it is stored until it is sent.
                let lend = for_peer && self.rng.one_in(2);
                let lent = |bytes: Bytes| {
                    let length = bytes.len();
                    Payload::Region(Region::new(Arc::new(bytes), 0, length))
                };
                let result = result.map(|b| if lend { lent(b) } else { Payload::Bytes(b) });
                DiskAnswer::Read(key, span, result)
            }
            DiskOp::Hash(piece) => DiskAnswer::Hashed(piece, Ok(disk.hash(piece))),
            DiskOp::Sync(ticket) => DiskAnswer::Synced(ticket, disk.sync()),
            DiskOp::Release => DiskAnswer::Done(DiskOpKind::Release, Ok(())),
            DiskOp::SetPriorities(_) => DiskAnswer::Done(DiskOpKind::SetPriorities, Ok(())),
            DiskOp::Move(path) => DiskAnswer::Moved(Ok(path)),
            DiskOp::Rename(file, _) => DiskAnswer::Done(DiskOpKind::Rename(file), Ok(())),
        };
        if changes {
            crash::probe(self, n);
        }
        let hashed = matches!(answer, DiskAnswer::Hashed(..));
        let mut wait = self.jitter(Duration::from_millis(3));
        if hashed {
            wait += self.nodes[n].setup.hash_delay;
        }
        self.after(wait, Event::DiskAnswer { node: n, epoch, answer });
    }

    pub fn enter(&mut self, n: usize, entry: JournalEntry) {
        let (mark, node) = (entry.mark, &mut self.nodes[n]);
        let result = if node.journal_fails {
            Err(28)
        } else {
            node.journal.enter(entry);
            Ok(())
        };
        crash::probe(self, n);
        self.feed(n, Input::Journaled { mark, result });
    }

    pub fn save_answer(&mut self, n: usize, (generation, settled): (u64, u64), state: Resume) {
        let refuse = self.nodes[n].setup.host.refuse_saves;
        let answer = if refuse > 0 && self.rng.one_in(refuse) {
            [SaveVerdict::Reject, SaveVerdict::Fail(7), SaveVerdict::Defer(Duration::from_secs(2))]
                [self.rng.index(3)]
        } else {
            let blob = state.encode(if state.pieces.is_some() {
                self.content.piece_count()
            } else {
                state.piece_count_said()
            });
            self.nodes[n].saved = Some(Resume::parse(&blob).expect("our own blob"));
            self.nodes[n].journal.settle(settled);
            crash::probe(self, n);
            SaveVerdict::Accept
        };
        self.feed(n, Input::SaveAnswer { generation, answer });
    }
}

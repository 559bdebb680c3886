//! From the last block of a piece to "have": hash, verifier, blame.
//!
//! A piece becomes ours only when its hash matched, all its blocks were taken by the disk, and the
//! verifier (if set) accepted it; only then do peers, the host and the saved state hear of it. A
//! piece that fails is read back, so that the senders of its bad blocks can be told from the others
//! once it passed. Deliberately absent: requests, disk work itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::{Output, Phase, Torrent};
use crate::base::{BlockSpan, DiskError, PeerKey, PieceIndex};
use crate::proto::peer::Message;
use crate::swarm::blame::Verdict;
use crate::swarm::types::{
    CloseReason, DiskOp, INTERNAL_READER, Notice, SaveConditions, VerifyVerdict,
};

/// Longest piece that is read back to find out who sent its bad blocks, in bytes.
const READ_BACK_MAX: u32 = 64 << 20;

/// Where a piece stands that is neither missing nor ours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// `Hash` is with the disk.
    Hashing,
    /// The disk failed: the hash is asked for again after the host's `Resume`.
    Stuck,
    /// Hashed; some `Written` answers are still out.
    Hashed(bool),
    /// With the verifier.
    Deciding,
    /// Failed and being read back: block reads to go.
    ReadingBack(u32),
    /// Right, but a sync failed since it was written: being written once more.
    Rewriting,
    /// Right; becomes ours once the journal has it.
    Entering,
    /// Not ours, but saved state may claim it: not to be fetched before something durable says
    /// otherwise.
    Barred,
}

/// A piece on its way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    stage: Stage,
    check: bool,
}

impl Pending {
    /// A check is not through with it.
    pub(super) fn is_checking(&self) -> bool {
        self.check
            && matches!(
                self.stage,
                Stage::Hashing | Stage::Stuck | Stage::Rewriting | Stage::Entering
            )
    }

    /// Not to be fetched yet.
    pub(super) const fn barred() -> Self {
        Self { stage: Stage::Barred, check: false }
    }

    /// Whether it is.
    pub(super) fn is_barred(&self) -> bool {
        self.stage == Stage::Barred
    }

    /// Whether it waits for an entry of the journal.
    pub(super) fn waits_for_window(&self) -> bool {
        matches!(self.stage, Stage::Entering | Stage::Barred)
    }

    /// Without a result yet (the close waits for these).
    pub(super) fn is_busy(&self) -> bool {
        matches!(self.stage, Stage::Hashing | Stage::Hashed(_) | Stage::Rewriting | Stage::Entering)
    }

    /// Whether it is being written once more.
    pub(super) fn is_rewriting(&self) -> bool {
        self.stage == Stage::Rewriting
    }

    /// Whether its hash is with the disk.
    pub(super) fn is_hashing(&self) -> bool {
        self.stage == Stage::Hashing
    }

    /// Whether the verifier has or will have it.
    pub(super) fn is_deciding(&self) -> bool {
        self.stage == Stage::Deciding
    }

    /// Whether it is not known to be bad.
    pub(super) fn is_hopeful(&self) -> bool {
        !matches!(self.stage, Stage::ReadingBack(_) | Stage::Barred)
    }

    /// After an error: whether its hash is to be asked for again.
    pub(super) fn retry(&mut self) -> bool {
        let stuck = self.stage == Stage::Stuck;
        if stuck {
            self.stage = Stage::Hashing;
        }
        stuck
    }
}

impl Torrent {
    /// Asks for a piece's hash.
    pub(super) fn hash_piece(&mut self, piece: PieceIndex, check: bool) {
        self.pending.insert(piece, Pending { stage: Stage::Hashing, check });
        self.io.hashes_out += 1;
        self.disk(DiskOp::Hash(piece));
    }

    pub(super) fn on_hashed(
        &mut self,
        piece: PieceIndex,
        result: Result<Option<[u8; 20]>, DiskError>,
    ) {
        self.io.hashes_out = self.io.hashes_out.saturating_sub(1);
        if let Some(stale) = self.io.stale_hashes.get_mut(&piece) {
            *stale -= 1;
            if *stale == 0 {
                self.io.stale_hashes.remove(&piece);
            }
            return;
        }
        let Some(pending) = self.pending.get_mut(&piece) else { return };
        if pending.stage != Stage::Hashing {
            return;
        }
        let check = pending.check;
        match result {
            Err(error) => {
                pending.stage = Stage::Stuck;
                if check {
                    self.pending.remove(&piece);
                    self.check.queue.insert(piece.0);
                }
                self.fail_disk(error);
            }
            Ok(digest) => {
                let matches =
                    digest.is_some() && digest.as_ref() == self.info.pieces.get(piece.idx());
                pending.stage = Stage::Hashed(matches);
                if check {
                    self.checked(piece, matches);
                } else {
                    self.counters.pieces_hashed += 1;
                    self.advance_piece(piece);
                }
            }
        }
    }

    pub(super) fn on_written(&mut self, span: BlockSpan, result: Result<(), DiskError>) {
        self.io.unwritten = self.io.unwritten.saturating_sub(u64::from(span.length));
        self.io.writes_out = self.io.writes_out.saturating_sub(1);
        match result {
            Ok(()) => {
                self.picker.block_written(span);
                self.advance_rewrite(span);
                self.advance_piece(span.piece);
            }
            Err(error) => {
                self.repair.rescue.remove(&span);
                if self.pending.get(&span.piece).is_some_and(Pending::is_rewriting) {
                    self.rewrite_later(span.piece);
                } else {
                    self.drop_block(span);
                }
                self.fail_disk(error);
            }
        }
    }

    /// A downloaded piece goes on when both its hash and its writes are in.
    fn advance_piece(&mut self, piece: PieceIndex) {
        let Some(pending) = self.pending.get(&piece) else { return };
        let Stage::Hashed(matches) = pending.stage else { return };
        if self.picker.all_written(piece) {
            self.decide(piece, matches);
        }
    }

    /// Our own verdict is in: ask the host, or act.
    pub(super) fn decide(&mut self, piece: PieceIndex, engine_ok: bool) {
        if self.verify.is_set() && (engine_ok || self.tuning.verify_override) {
            if let Some(pending) = self.pending.get_mut(&piece) {
                pending.stage = Stage::Deciding;
            }
            self.verify.push(self.now, piece, engine_ok);
        } else if engine_ok {
            self.accept(piece);
        } else {
            self.refuse(piece);
        }
    }

    /// Whether questions go out now.
    pub(super) fn asks_verifier(&self) -> bool {
        self.verify.is_set()
            && matches!(
                self.phase,
                Phase::Checking | Phase::Preparing | Phase::Running | Phase::Paused
            )
    }

    pub(super) fn pump_verify(&mut self) {
        while self.asks_verifier() {
            let (accounts, info, sequential) = (&self.accounts, &self.info, self.sequential);
            let question = self.verify.next(self.now, |piece| {
                let priority = if sequential { 0 } else { accounts.piece_priority(info, piece) };
                (u8::MAX - priority, piece)
            });
            let Some(question) = question else { return };
            let peers = self.sender_addrs(question.piece);
            self.out.push_back(Output::Verify {
                piece: question.piece,
                engine_ok: question.engine_ok,
                attempt: question.attempt,
                peers,
            });
        }
    }

    fn sender_addrs(&self, piece: PieceIndex) -> Vec<SocketAddr> {
        let senders = self.blame.senders(piece);
        let addr = |key: &PeerKey, ip: &IpAddr| {
            self.peers.get(key).map_or_else(|| SocketAddr::new(*ip, 0), |p| p.addr)
        };
        senders.iter().map(|(key, ip)| addr(key, ip)).collect()
    }

    pub(super) fn on_verdict(&mut self, piece: PieceIndex, attempt: u32, verdict: VerifyVerdict) {
        let Some(engine_ok) = self.verify.answer(piece, attempt) else { return };
        match verdict {
            VerifyVerdict::Accept if engine_ok || self.tuning.verify_override => self.accept(piece),
            VerifyVerdict::Pass if engine_ok => self.accept(piece),
            VerifyVerdict::Accept | VerifyVerdict::Pass | VerifyVerdict::Reject => {
                self.refuse(piece);
            }
            VerifyVerdict::Defer(wait) => self.verify.defer(self.now, piece, engine_ok, wait),
            VerifyVerdict::Fail(code) => {
                self.verify.push(self.now, piece, engine_ok);
                self.notice(Notice::VerifierFailed(code));
                self.fail();
            }
        }
    }

    /// The verifier was set or removed.
    pub(super) fn set_verifier(&mut self, window: Option<u32>) {
        for (piece, engine_ok) in self.verify.set_window(window) {
            if engine_ok {
                self.accept(piece);
            } else {
                self.refuse(piece);
            }
        }
    }

    /// The piece is ours.
    pub(super) fn accept(&mut self, piece: PieceIndex) {
        let pending = self.pending.remove(&piece);
        self.verify.forget(piece);
        if self.picker.have().get(piece.0) {
            return;
        }
        if !self.window.is_entered(piece) {
            self.window.enter(piece, false);
            let check = pending.is_some_and(|p| p.check);
            self.pending.insert(piece, Pending { stage: Stage::Entering, check });
            return;
        }
        self.picker.set_have(piece);
        let verdict = self.blame.passed(piece);
        let files = self.accounts.gained(&self.info, piece);
        self.notice(Notice::PiecePassed(piece));
        for file in files {
            self.notice(Notice::FileCompleted(file));
        }
        self.saver.changed(self.now, SaveConditions::PROGRESS);
        if self.saver.policy().on_piece {
            self.saver.want();
        }
        let keys: Vec<PeerKey> = self.established_keys();
        for key in keys {
            self.send(key, Message::Have(piece));
            if self.peers.get(&key).is_some_and(|p| p.am_interested && p.has.get(piece.0)) {
                self.update_interest(key);
            }
        }
        self.judge(&verdict);
        self.refresh_state();
        if self.is_finished() {
            self.close_seeds();
        }
    }

    /// The piece is bad: find out who did it, then fetch it again.
    fn refuse(&mut self, piece: PieceIndex) {
        self.verify_rejected(piece);
        self.counters.pieces_failed += 1;
        let length = self.info.geometry.len_of(piece);
        self.counters.wasted += u64::from(length);
        self.notice(Notice::PieceFailed(piece));
        for (key, _) in self.blame.senders(piece) {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.bad_pieces += 1;
            }
        }
        let verdict = self.blame.failed(piece, self.info.geometry.block_count(piece));
        self.judge(&verdict);
        let readable = !matches!(self.phase, Phase::Closing(_) | Phase::Closed | Phase::Failed);
        if readable && length <= READ_BACK_MAX && self.blame.wants_read_back(piece) {
            let blocks = self.info.geometry.block_count(piece);
            self.pending.insert(piece, Pending { stage: Stage::ReadingBack(blocks), check: false });
            for span in (0..blocks).filter_map(|b| self.info.geometry.block(piece, b)) {
                self.out.push_back(Output::Disk(DiskOp::Read(INTERNAL_READER, span)));
            }
        } else {
            self.fetch_again(piece);
        }
    }

    fn verify_rejected(&mut self, piece: PieceIndex) {
        // The count of attempts goes on: the host can tell a second try from a first.
        if let Some(pending) = self.pending.get(&piece)
            && !pending.is_deciding()
        {
            self.verify.forget(piece);
        }
    }

    pub(super) fn fetch_again(&mut self, piece: PieceIndex) {
        self.pending.remove(&piece);
        self.picker.piece_failed(piece);
        self.touch_all();
    }

    /// A block read back from a failed piece.
    pub(super) fn on_read_back(
        &mut self,
        span: BlockSpan,
        result: Result<bytes::Bytes, DiskError>,
    ) {
        if self.repair.rescue.contains(&span) {
            self.rewrite_block(span, result);
            return;
        }
        let Some(pending) = self.pending.get_mut(&span.piece) else { return };
        let Stage::ReadingBack(left) = &mut pending.stage else { return };
        *left = left.saturating_sub(1);
        let done = *left == 0;
        if let Ok(data) = result {
            self.blame.read_back(span.piece, span.begin, &data);
        }
        if done {
            self.fetch_again(span.piece);
        }
    }

    fn read_blocks(&mut self, piece: PieceIndex) {
        let blocks = self.info.geometry.block_count(piece);
        for span in (0..blocks).filter_map(|b| self.info.geometry.block(piece, b)) {
            self.out.push_back(Output::Disk(DiskOp::Read(INTERNAL_READER, span)));
        }
    }

    /// Writes a piece found right once more, because a sync failed since.
    pub(super) fn rewrite(&mut self, piece: PieceIndex) {
        self.pending.insert(piece, Pending { stage: Stage::Rewriting, check: true });
        self.rescue(piece);
    }

    /// A piece that was being written once more is not: it is to be hashed and written again at the
    /// next start.
    pub(super) fn rewrite_later(&mut self, piece: PieceIndex) {
        self.pending.remove(&piece);
        self.repair.rescue.retain(|span| span.piece != piece);
        self.repair.rehash.insert(piece.0);
        self.picker.piece_failed(piece);
    }

    /// Writes whatever the disk has of a piece once more: a disk that lost a write goes on failing
    /// syncs until then.
    pub(super) fn rescue(&mut self, piece: PieceIndex) {
        let blocks = self.info.geometry.block_count(piece);
        self.repair.rescue.extend((0..blocks).filter_map(|b| self.info.geometry.block(piece, b)));
        self.read_blocks(piece);
    }

    fn rewrite_block(&mut self, span: BlockSpan, result: Result<bytes::Bytes, DiskError>) {
        match result {
            Ok(data) => {
                self.io.unwritten += u64::from(span.length);
                self.io.writes_out += 1;
                self.write(span, data);
            }
            // Never written, or lost for good: to be fetched.
            Err(_) => {
                self.repair.rescue.remove(&span);
                self.drop_block(span);
            }
        }
    }

    /// A block is not on disk after all, whatever the hash of its piece says.
    fn drop_block(&mut self, span: BlockSpan) {
        let piece = span.piece;
        let Some(pending) = self.pending.get(&piece).cloned() else {
            self.verify.forget(piece);
            return self.picker.block_failed(span);
        };
        // Nothing was known of its blocks: what keeps it from being fetched is not up to them.
        if pending.is_barred() {
            return;
        }
        self.pending.remove(&piece);
        self.verify.forget(piece);
        if pending.is_hashing() {
            *self.io.stale_hashes.entry(piece).or_insert(0) += 1;
        }
        // While it is hashed for a check, or written once more, its blocks are locked: this one
        // cannot be fetched by itself.
        if pending.is_hashing() && pending.check {
            self.check.queue.insert(piece.0);
        } else if pending.is_rewriting() {
            self.repair.rescue.retain(|s| s.piece != piece);
            self.picker.piece_failed(piece);
        } else {
            self.picker.block_failed(span);
        }
    }

    /// A rewritten piece goes on when its last block is with the disk.
    fn advance_rewrite(&mut self, span: BlockSpan) {
        if !self.repair.rescue.remove(&span) {
            return;
        }
        let rewriting = self.pending.get(&span.piece).is_some_and(Pending::is_rewriting);
        if rewriting && !self.repair.rescue.iter().any(|s| s.piece == span.piece) {
            self.decide(span.piece, true);
        }
    }

    /// Acts on who did what.
    fn judge(&mut self, verdict: &Verdict) {
        for (key, _) in &verdict.suspects {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.parole = true;
            }
        }
        for (key, _) in &verdict.cleared {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.parole = false;
            }
        }
        let ips: BTreeSet<IpAddr> = verdict.guilty.iter().map(|(_, ip)| *ip).collect();
        for (key, _) in &verdict.guilty {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.parole = true;
            }
        }
        for ip in ips {
            let strikes = self.strikes.entry(ip).or_insert(0);
            *strikes += 1;
            if *strikes >= self.tuning.max_bad_pieces.max(1) {
                self.strikes.remove(&ip);
                self.notice_ban(ip, verdict);
                self.ban(ip);
            }
        }
    }

    fn notice_ban(&mut self, ip: IpAddr, verdict: &Verdict) {
        let known = verdict.guilty.iter().find(|(_, i)| *i == ip);
        let addr = known.and_then(|(key, _)| self.peers.get(key)).map(|p| p.addr);
        self.notice(Notice::PeerBanned(addr.unwrap_or_else(|| SocketAddr::new(ip, 0))));
    }

    /// Bans an address and closes its connections.
    pub(super) fn ban(&mut self, ip: IpAddr) {
        self.known.ban(ip);
        let keys: Vec<PeerKey> =
            self.peers.iter().filter(|(_, p)| p.addr.ip() == ip).map(|(k, _)| *k).collect();
        for key in keys {
            self.close_peer(key, CloseReason::Banned);
        }
        self.config_changed();
    }

    /// A piece we had is not on disk any more (or not known to be).
    pub(super) fn lose(&mut self, piece: PieceIndex) {
        if !self.picker.have().get(piece.0) {
            return;
        }
        self.picker.set_missing(piece);
        self.accounts.lost(&self.info, piece);
        if self.durable.set(piece.0, false) {
            self.owe(piece);
        }
        for key in self.established_keys() {
            self.send(key, Message::DontHave(piece));
            self.update_interest(key);
        }
        self.saver.changed(self.now, SaveConditions::PROGRESS);
    }
}

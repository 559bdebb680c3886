//! What we ask peers for: how many requests, when they are given up, what a block that came means.
//!
//! The number kept outstanding at a peer starts small and grows by one with each block (so it
//! doubles per round trip) until its rate stops growing; from then on it follows the measured rate,
//! so that about `request_queue_time` of work is queued there. Deliberately absent: which block
//! (the picker's).

use std::time::Duration;

use bytes::Bytes;

use super::peer::{Peer, Sent};
use super::{Phase, Torrent};
use crate::base::{BLOCK_LEN, BlockSpan, PeerKey};
use crate::proto::peer::Message;
use crate::swarm::picker::{PickMode, Received};
use crate::swarm::types::SaveConditions;

/// Requests kept outstanding at a peer nothing is known of.
pub(super) const FIRST_TARGET: u32 = 4;
/// At least this many, whatever the rate.
const LEAST_TARGET: u32 = 2;
/// Pause after a peer that does not choke us rejected a request.
pub(super) const REJECT_PAUSE: Duration = Duration::from_secs(1);
/// Unrequested blocks before a peer is closed.
pub(super) const MAX_UNREQUESTED: u32 = 64;
/// A peer that would finish a piece within this time gets whole pieces.
const WHOLE_PIECE_TIME: u64 = 10;
/// Requests to a peer that does not say how many it takes (`reqq`).
const DEFAULT_REQQ: u32 = 250;

/// What a block changes.
const BLOCK: SaveConditions = SaveConditions::PROGRESS.with(SaveConditions::COUNTERS);

const SECOND: Duration = Duration::from_secs(1);
/// Bytes found by one read from which on they were waiting for us: no wire delivers that many
/// between two looks of a thread that keeps up.
const WAITED: usize = 64 * 1024;
/// Bytes over which it is judged whether we keep up.
const LAG_WINDOW: u64 = 4 << 20;
/// Blocks peers that are not complete have to owe us before we leave to them what they have.
const OWED_ENOUGH: usize = 64;

/// Whether bytes wait for us or we for bytes: the share, in parts of 1024, of what came in lately
/// that was found waiting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lag(u32);

impl Lag {
    /// So many bytes were found by one read.
    pub(super) fn found(&mut self, bytes: usize) {
        let truth: u64 = if bytes >= WAITED { 1024 } else { 0 };
        let weight = (bytes as u64).min(LAG_WINDOW);
        let mixed = (LAG_WINDOW - weight) * u64::from(self.0) + weight * truth;
        self.0 = u32::try_from(mixed / LAG_WINDOW).unwrap_or(0);
    }

    /// Whether we are what limits the transfer.
    fn is_behind(self) -> bool {
        self.0 >= 512
    }
}

impl Torrent {
    /// All peers are looked at again before `handle` returns: blocks became free.
    pub(super) fn touch_all(&mut self) {
        if self.phase == Phase::Running {
            self.touched.extend(self.peers.iter().filter(|(_, p)| p.established).map(|(k, _)| *k));
        }
    }

    /// Whether the driver should read from this peer's socket now: back-pressure. Who
    /// [`Self::reads_last`] is not read while the disk has enough to do without it.
    #[must_use]
    pub fn wants_input_from(&self, key: PeerKey) -> bool {
        let most = self.tuning.max_unwritten_bytes;
        let most = if self.reads_last(key) { most / 2 } else { most };
        self.io.unwritten <= most
    }

    /// Whether this connection should be read only a little at a time while others wait to be read:
    /// its peer has everything, and peers that have not are sending us blocks too. When we are what
    /// limits the transfer, each block taken from them is one the seed need not send a second time.
    /// It costs no speed: with nothing else to read, the seed is read as fast as it sends.
    #[must_use]
    pub fn reads_last(&self, key: PeerKey) -> bool {
        let seed = self.peers.get(&key).is_some_and(Peer::upload_only);
        let sending = |p: &Peer| !p.outstanding.is_empty() && !p.upload_only();
        seed && self.peers.values().any(sending)
    }

    /// Whether a complete peer is to be asked only for what nobody else has. When we are what
    /// limits the transfer, asking it for what others have as well makes nothing faster and takes
    /// from it what it could send to those who have no other source; and the others do send: they
    /// owe us more than we can take soon. As soon as one of these ceases to be so, it is asked for
    /// everything again.
    fn spares(&self, key: PeerKey) -> bool {
        if !self.lag.is_behind() || !self.peers.get(&key).is_some_and(|p| p.has.all()) {
            return false;
        }
        let sends = |p: &&Peer| !p.upload_only() && self.now.since(p.last_block) < SECOND;
        let owed = self.peers.values().filter(sends).map(|p| p.outstanding.len()).sum::<usize>();
        owed >= OWED_ENOUGH
    }

    /// A peer owes us nothing now: those that were spared for its sake may be wanted.
    pub(super) fn look_at_spared(&mut self, key: PeerKey) {
        let empty = self.peers.get(&key).is_some_and(|p| p.outstanding.is_empty());
        if self.spared && empty {
            self.spared = false;
            self.touch_all();
        }
    }

    /// Requests and uploads of the peers something happened to.
    pub(super) fn pump_peers(&mut self) {
        while let Some(key) = self.touched.pop_first() {
            if self.phase == Phase::Running {
                self.fill(key);
                self.pump_upload(key);
            }
        }
    }

    /// Tops the peer's requests up.
    fn fill(&mut self, key: PeerKey) {
        let spare = self.spares(key);
        let Some(peer) = self.peers.get_mut(&key) else { return };
        let employed = peer.established && peer.spare.is_none();
        let may = employed && (!peer.peer_choking || !peer.allowed_in.is_empty());
        if !may || !peer.am_interested || peer.hold_until > self.now || self.check.halts {
            return;
        }
        let reqq = peer.extensions.reqq.unwrap_or(DEFAULT_REQQ).max(1);
        let target = if peer.snubbed { 1 } else { peer.target };
        let target = target.min(reqq).min(self.tuning.max_requests).max(1) as usize;
        let count = target.saturating_sub(peer.outstanding.len());
        if count == 0 {
            return;
        }
        let rate = peer.down.rate(self.now);
        let mode = PickMode {
            only: peer.peer_choking.then_some(&peer.allowed_in),
            suggested: &peer.suggested,
            whole_pieces: rate * WHOLE_PIECE_TIME > u64::from(self.info.geometry.piece_len()),
            exclusive: peer.parole,
            spare,
        };
        let mut picked = Vec::new();
        self.picker.pick(key, &peer.has, count, mode, &mut picked);
        self.spared |= spare && picked.len() < count;
        if picked.is_empty() {
            return;
        }
        if peer.outstanding.is_empty() {
            peer.last_block = self.now;
        }
        let at = self.now;
        peer.outstanding.extend(picked.iter().map(|span| Sent { span: *span, at }));
        self.wake_in(SECOND);
        for span in picked {
            self.window.open(&self.info, span.piece);
            self.send(key, Message::Request(span));
        }
    }

    /// A block we asked for once.
    pub(super) fn take_block(&mut self, key: PeerKey, span: BlockSpan, data: Bytes) {
        let received = match self.phase {
            Phase::Running if !self.check.halts => self.picker.received(key, span),
            _ => Received::Unwanted,
        };
        let Received::Accepted { cancel, piece_complete } = received else {
            self.counters.wasted += u64::from(span.length);
            return;
        };
        if let Some(peer) = self.peers.get(&key) {
            self.blame.block(span.piece, span.begin, key, peer.addr.ip(), &data);
        }
        self.io.unwritten += u64::from(span.length);
        self.io.writes_out += 1;
        self.saver.changed(self.now, BLOCK);
        self.write(span, data);
        for other in cancel {
            self.cancel(other, span);
        }
        if piece_complete {
            self.hash_received(span.piece);
        }
    }

    /// Withdraws a request another peer fulfilled.
    fn cancel(&mut self, key: PeerKey, span: BlockSpan) {
        let Some(peer) = self.peers.get_mut(&key) else { return };
        if peer.give_up(span) {
            self.send(key, Message::Cancel(span));
            self.touched.insert(key);
        }
    }

    /// Once a second while requests are out: the number to keep, snubs, time-outs. Whether another
    /// look is needed in a second.
    pub(super) fn tick_requests(&mut self, key: PeerKey) -> bool {
        let now = self.now;
        let Some(peer) = self.peers.get_mut(&key) else { return false };
        if peer.hold_until != crate::base::Instant::ZERO && peer.hold_until <= now {
            peer.hold_until = crate::base::Instant::ZERO;
            self.touched.insert(key);
        }
        if peer.outstanding.is_empty() {
            return peer.hold_until > now;
        }
        let rate = peer.down.rate(now);
        if peer.slow_start && peer.last_rate > 0 && rate < peer.last_rate + peer.last_rate / 10 {
            peer.slow_start = false;
        }
        peer.last_rate = rate;
        if !peer.slow_start {
            let queue = self.tuning.request_queue_time.as_millis();
            let blocks = u128::from(rate) * queue / 1000 / u128::from(BLOCK_LEN);
            peer.target = u32::try_from(blocks).unwrap_or(u32::MAX).max(LEAST_TARGET);
        }
        if !peer.snubbed && now.since(peer.last_block) >= self.tuning.snub_timeout {
            peer.snubbed = true;
            peer.slow_start = false;
            peer.target = 1;
        }
        let timeout = self.tuning.request_timeout;
        let late = |sent: &Sent| now.since(sent.at) >= timeout;
        let silent = now.since(peer.last_block) >= timeout;
        // A slow peer that still delivers keeps its queue: its oldest request is what counts.
        let old: Vec<BlockSpan> = if silent {
            peer.outstanding.iter().map(|s| s.span).collect()
        } else {
            peer.outstanding.iter().filter(|s| late(s)).map(|s| s.span).collect()
        };
        for span in &old {
            if let Some(peer) = self.peers.get_mut(&key) {
                peer.give_up(*span);
            }
            self.picker.request_dropped(key, *span);
            self.send(key, Message::Cancel(*span));
        }
        if !old.is_empty() {
            self.touch_all();
        }
        true
    }
}

//! What the torrent knows about one connection or attempt. Deliberately absent: decisions.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::BytesMut;

use super::exchange::Gossip;
use super::twins::Spare;
use crate::base::{Bitset, BlockSpan, Instant, PeerId, PieceIndex};
use crate::proto::peer::ut_metadata::MetadataGrant;
use crate::proto::peer::{Connection, PeerExtensions};
use crate::swarm::rate::Meter;
use crate::swarm::types::PeerSource;

/// A request sent and not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) span: BlockSpan,
    pub(super) at: Instant,
}

/// A request of the peer whose block is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) span: BlockSpan,
    pub(super) cancelled: bool,
}

/// One connection or attempt.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    pub(super) source: PeerSource,
    pub(super) incoming: bool,
    /// `None` while dialling.
    pub(super) conn: Option<Box<Connection>>,
    /// The cut frame an early arrival left behind; empty otherwise.
    pub(super) rest: BytesMut,
    /// Handshakes exchanged.
    pub(super) established: bool,
    /// Idle until another connection to the same peer has ended.
    pub(super) spare: Option<Spare>,
    /// Where it is called, if another connection to it has just ended.
    pub(super) twin: Option<SocketAddr>,
    pub(super) peer_id: PeerId,
    pub(super) reserved: [u8; 8],
    pub(super) extensions: PeerExtensions,
    pub(super) has: Bitset,
    /// It told us what it has (or that it has nothing by saying something else first).
    pub(super) has_told: bool,
    pub(super) am_choking: bool,
    pub(super) am_interested: bool,
    pub(super) peer_choking: bool,
    pub(super) peer_interested: bool,
    pub(super) snubbed: bool,
    pub(super) parole: bool,
    /// It said where its node of the DHT is.
    pub(super) told_port: bool,
    pub(super) connected: Instant,

    /// Requests at the peer, oldest first.
    pub(super) outstanding: VecDeque<Sent>,
    /// Requests given up (cancelled, timed out, choked) whose block may still come.
    pub(super) leftovers: VecDeque<BlockSpan>,
    /// Pieces we may ask for while choked (BEP 6).
    pub(super) allowed_in: Vec<PieceIndex>,
    /// Pieces it proposes (BEP 6).
    pub(super) suggested: Vec<PieceIndex>,
    /// Requests kept outstanding.
    pub(super) target: u32,
    pub(super) slow_start: bool,
    pub(super) last_rate: u64,
    /// Last block, or first request after a pause.
    pub(super) last_block: Instant,
    /// No requests before this (it rejects what it should not).
    pub(super) hold_until: Instant,
    pub(super) unrequested: u32,

    /// Requests of the peer not yet read.
    pub(super) in_queue: VecDeque<BlockSpan>,
    pub(super) reads: VecDeque<Reading>,
    /// Bytes of these.
    pub(super) read_bytes: usize,
    /// Pieces it may ask for while we choke it (BEP 6).
    pub(super) allowed_out: Vec<PieceIndex>,
    /// Bytes the driver took and has not yet handed to the kernel.
    pub(super) pending: usize,
    pub(super) last_unchoked: Option<Instant>,

    pub(super) down: Meter,
    pub(super) up: Meter,
    /// Payload since the last choker round.
    pub(super) round_down: u64,
    pub(super) round_up: u64,
    pub(super) bad_pieces: u32,
    /// Metadata it was given.
    pub(super) given: MetadataGrant,
    /// Peers it was told of and told us of; nothing before the first.
    pub(super) pex: Option<Box<Gossip>>,
    /// Last time either side wanted something.
    pub(super) last_useful: Instant,
}

impl Peer {
    pub(super) fn new(
        now: Instant,
        addr: SocketAddr,
        source: PeerSource,
        incoming: bool,
        pieces: u32,
    ) -> Self {
        Self {
            addr,
            source,
            incoming,
            conn: None,
            rest: BytesMut::new(),
            established: false,
            spare: None,
            twin: None,
            peer_id: PeerId::default(),
            reserved: [0; 8],
            extensions: PeerExtensions::default(),
            has: Bitset::new(pieces),
            has_told: false,
            am_choking: true,
            am_interested: false,
            peer_choking: true,
            peer_interested: false,
            snubbed: false,
            parole: false,
            told_port: false,
            connected: now,
            outstanding: VecDeque::new(),
            leftovers: VecDeque::new(),
            allowed_in: Vec::new(),
            suggested: Vec::new(),
            target: super::requests::FIRST_TARGET,
            slow_start: true,
            last_rate: 0,
            last_block: now,
            hold_until: Instant::ZERO,
            unrequested: 0,
            in_queue: VecDeque::new(),
            reads: VecDeque::new(),
            read_bytes: 0,
            allowed_out: Vec::new(),
            pending: 0,
            last_unchoked: None,
            down: Meter::default(),
            up: Meter::default(),
            round_down: 0,
            round_up: 0,
            bad_pieces: 0,
            given: MetadataGrant::default(),
            pex: None,
            last_useful: now,
        }
    }

    /// Whether both sides speak BEP 6.
    pub(super) fn fast(&self) -> bool {
        self.conn.as_ref().is_some_and(|c| c.fast())
    }

    /// Whether it has a node of the DHT (BEP 5).
    pub(super) fn dht(&self) -> bool {
        self.conn.as_ref().is_some_and(|c| c.peer_handshake().is_some_and(|h| h.dht()))
    }

    /// It wants nothing and never will: complete, or says so (BEP 21).
    pub(super) fn upload_only(&self) -> bool {
        self.is_seed() || self.extensions.upload_only
    }

    /// It has every piece. Nobody does while nothing is known of pieces.
    pub(super) fn is_seed(&self) -> bool {
        !self.has.is_empty() && self.has.all()
    }

    /// Takes a request off the outstanding ones; the block may still come.
    pub(super) fn give_up(&mut self, span: BlockSpan) -> bool {
        let Some(at) = self.outstanding.iter().position(|s| s.span == span) else { return false };
        self.outstanding.remove(at);
        self.remember(span);
        true
    }

    /// Notes a block that may come although nobody waits for it. Bounded: the oldest are forgotten.
    pub(super) fn remember(&mut self, span: BlockSpan) {
        const MAX: usize = 1024;
        if self.leftovers.len() >= MAX {
            self.leftovers.pop_front();
        }
        self.leftovers.push_back(span);
    }

    /// Forgets a leftover; whether it was one.
    pub(super) fn settle_leftover(&mut self, span: BlockSpan) -> bool {
        let Some(at) = self.leftovers.iter().position(|s| *s == span) else { return false };
        self.leftovers.remove(at);
        true
    }
}

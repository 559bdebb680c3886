//! Metadata exchange (BEP 9): the messages, fetching the `info` dictionary from several peers, and
//! giving ours to others.
//!
//! Deliberately absent: what the dictionary says. [`MetadataFetch`] only knows its hash, and what
//! it hands out has that hash.

use std::collections::BTreeMap;
use std::time::Duration;

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::base::limits::METADATA_BYTES;
use crate::base::{InfoHash, Instant, PeerKey};
use crate::codec::bencode::{Document, Encoder, Limits};

/// Bytes of a piece of metadata; the last one may be shorter.
pub const METADATA_PIECE: usize = PIECE_BYTES as usize;
const PIECE_BYTES: u32 = 16 * 1024;
/// Requests under way to one peer.
const PER_PEER: usize = 2;
/// Peers that are asked or remembered at a time.
const PEERS_MAX: usize = 64;
/// Silence after which a request goes to somebody else.
const PATIENCE: Duration = Duration::from_secs(20);
/// A peer that rejected, or was silent, is left alone for so long.
const REST: Duration = Duration::from_secs(60);
/// Requests that one peer is answered beyond each piece twice.
const SPARE_REQUESTS: u32 = 8;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataMessage<'a> {
    /// Send me this piece.
    Request(u32),
    /// Here it is.
    Data {
        /// Piece.
        piece: u32,
        /// Bytes of the whole dictionary, as the sender says.
        total: u32,
        /// The piece.
        data: &'a [u8],
    },
    /// I do not have it, or will not send it.
    Reject(u32),
}

impl<'a> MetadataMessage<'a> {
    /// Reads a payload. `None` when it is malformed; a type that is not known is `Some(None)`, to
    /// be ignored (BEP 9).
    #[must_use]
    pub fn decode(payload: &'a [u8]) -> Option<Option<Self>> {
        let bytes = METADATA_PIECE + 1024;
        let limits = Limits { items: 64, depth: 8, ..Limits::with_bytes(bytes) };
        let (document, used) = Document::parse_prefix(payload, limits).ok()?;
        let root = document.root();
        let number = |key| root.get_int(key).and_then(|n| u32::try_from(n).ok());
        let (kind, piece) = (root.get_int(b"msg_type")?, number(b"piece")?);
        Some(match kind {
            0 => Some(Self::Request(piece)),
            1 => {
                let data = payload.get(used..)?;
                Some(Self::Data { piece, total: number(b"total_size")?, data })
            }
            2 => Some(Self::Reject(piece)),
            _ => None,
        })
    }

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let (kind, piece) = match self {
            Self::Request(piece) => (0, piece),
            Self::Data { piece, .. } => (1, piece),
            Self::Reject(piece) => (2, piece),
        };
        let mut out = Encoder::new();
        out.dict(|d| {
            d.int(b"msg_type", kind);
            d.int(b"piece", i64::from(*piece));
            if let Self::Data { total, .. } = self {
                d.int(b"total_size", i64::from(*total));
            }
        });
        let mut out = out.finish();
        if let Self::Data { data, .. } = self {
            out.extend_from_slice(data);
        }
        out
    }
}

/// The hash that metadata must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataHash {
    /// SHA-1 (BEP 3).
    V1(InfoHash),
    /// SHA-256 (BEP 52).
    V2([u8; 32]),
}

impl MetadataHash {
    fn fits(self, info: &[u8]) -> bool {
        match self {
            Self::V1(hash) => <[u8; 20]>::from(Sha1::digest(info)) == hash.0,
            Self::V2(hash) => <[u8; 32]>::from(Sha256::digest(info)) == hash,
        }
    }
}

/// What happened to a fetch.
#[derive(Clone, Copy, Debug)]
pub enum FetchInput<'a> {
    /// A peer offers metadata of this size (`metadata_size` of its extension handshake).
    Offer {
        /// Peer.
        peer: PeerKey,
        /// Bytes.
        size: u32,
    },
    /// A peer is gone.
    Gone(PeerKey),
    /// A peer sent this; requests are not for here.
    Message {
        /// Peer.
        peer: PeerKey,
        /// Message.
        message: &'a MetadataMessage<'a>,
    },
    /// [`MetadataFetch::next_deadline`] has passed.
    Timeout,
}

/// What a fetch wants or has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchOutput {
    /// Send a request.
    Request {
        /// To.
        peer: PeerKey,
        /// Piece.
        piece: u32,
    },
    /// This peer sent what is not the metadata, or not what was asked: a reason to ban it.
    Blame(PeerKey),
    /// The dictionary; its hash is right. The fetch is over.
    Done(Vec<u8>),
}

#[derive(Debug)]
struct Source {
    size: u32,
    /// Not asked before this.
    rests_until: Instant,
    /// How often it was silent or refused: those who never were go first.
    failures: u32,
    /// Pieces asked, with when they are given up.
    asked: BTreeMap<u32, Instant>,
}

impl Source {
    /// It was silent or refused.
    fn rests(&mut self, now: Instant) {
        self.rests_until = now + REST;
        self.failures = self.failures.saturating_add(1);
    }
}

/// Fetches metadata from whoever offers it.
///
/// Peers that claim different sizes are never mixed: the size most of them claim goes first. When
/// the whole has the wrong hash and came from one peer, that peer is to blame; when it came from
/// several, nobody can tell, so the next attempt is from one alone.
#[derive(Debug)]
pub struct MetadataFetch {
    hash: MetadataHash,
    max_bytes: u32,
    sources: BTreeMap<PeerKey, Source>,
    /// The size that is being fetched, and its pieces with who sent them.
    size: u32,
    pieces: BTreeMap<u32, (PeerKey, Box<[u8]>)>,
    /// After a failure of several: only this one is asked.
    alone: Option<PeerKey>,
    /// Attempts of several that failed, so that the next is from one alone.
    mixed_failures: u32,
    done: bool,
    outputs: Vec<FetchOutput>,
}

impl MetadataFetch {
    /// A fetch that nobody has offered anything to yet.
    #[must_use]
    pub fn new(hash: MetadataHash) -> Self {
        Self {
            hash,
            max_bytes: u32::try_from(METADATA_BYTES).unwrap_or(u32::MAX),
            sources: BTreeMap::new(),
            size: 0,
            pieces: BTreeMap::new(),
            alone: None,
            mixed_failures: 0,
            done: false,
            outputs: Vec::new(),
        }
    }

    /// Takes nothing longer than `bytes`, nor than `limits::METADATA_BYTES`.
    #[must_use]
    pub fn at_most(mut self, bytes: u32) -> Self {
        self.max_bytes = self.max_bytes.min(bytes);
        self
    }

    /// Whether this peer was asked for something and has not answered yet.
    #[must_use]
    pub fn is_asked(&self, peer: PeerKey) -> bool {
        self.sources.get(&peer).is_some_and(|source| !source.asked.is_empty())
    }

    /// Lets one that was silent or refused make room: those who only hold places lose them.
    fn make_room(&mut self, now: Instant) {
        let idle = |source: &Source| source.asked.is_empty() && source.rests_until > now;
        let idle = self.sources.iter().find(|(_, source)| idle(source)).map(|(peer, _)| *peer);
        if let Some(peer) = idle {
            self.forget(peer);
        }
    }

    /// Takes an input. Nothing happens any more once it is done.
    pub fn handle(&mut self, now: Instant, input: FetchInput<'_>) {
        if self.done {
            return;
        }
        match input {
            FetchInput::Offer { peer, size } => {
                let sane = (1..=self.max_bytes).contains(&size);
                if sane && self.sources.len() >= PEERS_MAX && !self.sources.contains_key(&peer) {
                    self.make_room(now);
                }
                if sane && self.sources.len() < PEERS_MAX {
                    let (rests_until, asked) = (Instant::ZERO, BTreeMap::new());
                    self.sources.entry(peer).or_insert(Source {
                        size,
                        rests_until,
                        failures: 0,
                        asked,
                    });
                }
            }
            FetchInput::Gone(peer) => self.forget(peer),
            FetchInput::Message { peer, message } => self.message(now, peer, message),
            FetchInput::Timeout => {}
        }
        for source in self.sources.values_mut() {
            if source.rests_until <= now {
                // Over: no deadline any more.
                source.rests_until = Instant::ZERO;
            }
            let before = source.asked.len();
            source.asked.retain(|_, until| *until > now);
            if source.asked.len() < before {
                source.rests(now);
            }
        }
        self.schedule(now);
    }

    /// What to send, whom to blame, and the result; take all after each input.
    pub fn poll_output(&mut self) -> Option<FetchOutput> {
        if self.outputs.is_empty() { None } else { Some(self.outputs.remove(0)) }
    }

    /// When to give [`FetchInput::Timeout`]; `None` while nothing but an offer helps.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.done {
            return None;
        }
        let asked = self.sources.values().flat_map(|source| source.asked.values());
        let resting = self.sources.values().filter(|s| s.asked.is_empty()).map(|s| &s.rests_until);
        asked.chain(resting.filter(|until| **until > Instant::ZERO)).min().copied()
    }

    /// Pieces had and pieces in all; zeros before anybody offered.
    #[must_use]
    pub fn progress(&self) -> (usize, u32) {
        (self.pieces.len(), self.piece_count())
    }

    fn piece_count(&self) -> u32 {
        self.size.div_ceil(PIECE_BYTES)
    }

    fn piece_len(&self, piece: u32) -> usize {
        let start = piece as usize * METADATA_PIECE;
        (self.size as usize).saturating_sub(start).min(METADATA_PIECE)
    }

    fn forget(&mut self, peer: PeerKey) {
        self.sources.remove(&peer);
        if self.alone == Some(peer) {
            self.alone = None;
            self.pieces.clear();
        }
    }

    fn blame(&mut self, peer: PeerKey) {
        self.forget(peer);
        self.pieces.retain(|_, (from, _)| *from != peer);
        self.outputs.push(FetchOutput::Blame(peer));
    }

    fn message(&mut self, now: Instant, peer: PeerKey, message: &MetadataMessage<'_>) {
        let Some(source) = self.sources.get_mut(&peer) else { return };
        match *message {
            MetadataMessage::Request(_) => {}
            MetadataMessage::Reject(piece) => {
                if source.asked.remove(&piece).is_some() {
                    source.rests(now);
                }
            }
            MetadataMessage::Data { piece, total, data } => {
                // What was not asked, or asked too long ago, is no fault, but is not taken.
                if source.asked.remove(&piece).is_none() {
                    return;
                }
                if total != source.size || data.len() != self.piece_len(piece) {
                    return self.blame(peer);
                }
                self.pieces.entry(piece).or_insert_with(|| (peer, data.into()));
                if self.pieces.len() == self.piece_count() as usize {
                    self.check();
                }
            }
        }
    }

    /// All pieces are there.
    fn check(&mut self) {
        let info: Vec<u8> =
            self.pieces.values().flat_map(|(_, data)| data.iter().copied()).collect();
        if self.hash.fits(&info) {
            self.done = true;
            self.sources.clear();
            return self.outputs.push(FetchOutput::Done(info));
        }
        let pieces = core::mem::take(&mut self.pieces);
        let mut peers: Vec<PeerKey> = pieces.into_values().map(|(peer, _)| peer).collect();
        peers.sort_unstable();
        peers.dedup();
        self.sources.values_mut().for_each(|source| source.asked.clear());
        match peers[..] {
            [only] => {
                self.blame(only);
                self.alone = None;
            }
            _ => self.mixed_failures += 1,
        }
    }

    /// Picks the size, and asks for what is missing.
    fn schedule(&mut self, now: Instant) {
        if self.done || self.sources.is_empty() {
            return;
        }
        // The one that was to deliver alone rests: nobody waits for it.
        let rests = |peer: PeerKey| self.sources.get(&peer).is_none_or(|s| s.rests_until > now);
        if self.alone.is_some_and(rests) {
            self.alone = None;
            self.pieces.clear();
        }
        let busy = self.sources.values().any(|source| !source.asked.is_empty());
        if self.pieces.is_empty() && !busy {
            self.choose(now);
        }
        for piece in 0..self.piece_count() {
            let taken = |source: &Source| source.asked.contains_key(&piece);
            if self.pieces.contains_key(&piece) || self.sources.values().any(taken) {
                continue;
            }
            let (size, alone) = (self.size, self.alone);
            let free = |(key, source): &(&PeerKey, &mut Source)| {
                let mine = alone.is_none_or(|alone| **key == alone) && source.size == size;
                mine && source.rests_until <= now && source.asked.len() < PER_PEER
            };
            // Those who answered so far, or were never asked; then those with least to do, so that
            // the work is spread.
            let rank = |(_, s): &(&PeerKey, &mut Source)| (s.failures, s.asked.len());
            let source = self.sources.iter_mut().filter(free).min_by_key(rank);
            let Some((peer, source)) = source else { return };
            source.asked.insert(piece, now + PATIENCE);
            self.outputs.push(FetchOutput::Request { peer: *peer, piece });
        }
    }

    /// The size that most offer, of those that may be asked, and after a mixed failure one source.
    fn choose(&mut self, now: Instant) {
        let mut votes: BTreeMap<u32, usize> = BTreeMap::new();
        for source in self.sources.values().filter(|source| source.rests_until <= now) {
            *votes.entry(source.size).or_default() += 1;
        }
        let Some((size, _)) = votes.into_iter().max_by_key(|(_, count)| *count) else { return };
        self.size = size;
        self.alone = None;
        if self.mixed_failures > 0 {
            let fit = |(_, s): &(&PeerKey, &Source)| s.size == size && s.rests_until <= now;
            let best = self.sources.iter().filter(fit).min_by_key(|(_, source)| source.failures);
            self.alone = best.map(|(peer, _)| *peer);
        }
    }
}

/// How much metadata one peer was given: bounds what a flood of requests can cost.
#[derive(Debug, Default)]
pub struct MetadataGrant {
    served: u32,
}

impl MetadataGrant {
    /// The answer to a peer's request; `None` when it asked so often that it gets none. `info` is
    /// `None` while we have no metadata ourselves.
    pub fn answer(&mut self, piece: u32, info: Option<&[u8]>) -> Option<Vec<u8>> {
        let pieces = info.map_or(0, |info| info.len().div_ceil(METADATA_PIECE));
        let most = u32::try_from(2 * pieces).unwrap_or(u32::MAX).saturating_add(SPARE_REQUESTS);
        if self.served >= most {
            return None;
        }
        self.served += 1;
        let start = (piece as usize).checked_mul(METADATA_PIECE);
        let data = start.zip(info).and_then(|(start, info)| {
            let end = start.checked_add(METADATA_PIECE)?.min(info.len());
            let total = u32::try_from(info.len()).ok()?;
            info.get(start..end).filter(|data| !data.is_empty()).map(|data| (total, data))
        });
        Some(match data {
            Some((total, data)) => MetadataMessage::Data { piece, total, data }.encode(),
            None => MetadataMessage::Reject(piece).encode(),
        })
    }
}

#[cfg(test)]
#[path = "ut_metadata_tests.rs"]
mod tests;

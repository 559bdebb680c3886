//! The blocks of one piece in progress.
//!
//! Deliberately absent: what the piece is worth and whether it is wanted.

use super::BlockState;
use crate::base::{Bitset, PeerKey};

/// A block's state. One requester is kept here; further ones (endgame) in [`Partial::doubles`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Missing,
    /// Asked for: of whom first, and when (a serial number: smaller is older).
    Requested(PeerKey, u32),
    Received,
    Written,
}

impl Block {
    pub(super) fn state(self) -> BlockState {
        match self {
            Self::Missing => BlockState::Missing,
            Self::Requested(..) => BlockState::Requested,
            Self::Received => BlockState::Received,
            Self::Written => BlockState::Written,
        }
    }
}

/// Whose requests the piece has seen since it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worker {
    One(PeerKey),
    /// Several, or unknown (restored from saved state).
    Many,
}

#[derive(Clone, Debug)]
pub(super) struct Partial {
    blocks: Box<[Block]>,
    missing: u32,
    requested: u32,
    written: u32,
    pub(super) worker: Option<Worker>,
    /// A peer on parole that the piece is kept for while it has requests in it.
    pub(super) owner: Option<PeerKey>,
    /// Second and further requesters: (block, peer), sorted.
    doubles: Vec<(u32, PeerKey)>,
}

impl Partial {
    pub(super) fn new(blocks: u32) -> Self {
        Self {
            blocks: vec![Block::Missing; blocks as usize].into(),
            missing: blocks,
            requested: 0,
            written: 0,
            worker: None,
            owner: None,
            doubles: Vec::new(),
        }
    }

    pub(super) fn block(&self, block: u32) -> Option<Block> {
        self.blocks.get(block as usize).copied()
    }

    pub(super) fn blocks(&self) -> impl Iterator<Item = (u32, Block)> + '_ {
        (0u32..).zip(self.blocks.iter().copied())
    }

    pub(super) fn missing(&self) -> u32 {
        self.missing
    }

    pub(super) fn requested(&self) -> u32 {
        self.requested
    }

    /// Neither data nor requests: as if never begun.
    pub(super) fn is_blank(&self) -> bool {
        self.missing as usize == self.blocks.len()
    }

    /// Every block was received (and perhaps written).
    pub(super) fn is_complete(&self) -> bool {
        self.missing == 0 && self.requested == 0
    }

    pub(super) fn all_written(&self) -> bool {
        self.written as usize == self.blocks.len()
    }

    pub(super) fn written(&self) -> Option<Bitset> {
        if self.written == 0 {
            return None;
        }
        let mut set = Bitset::new(u32::try_from(self.blocks.len()).unwrap_or(u32::MAX));
        for (block, _) in self.blocks().filter(|(_, state)| *state == Block::Written) {
            set.set(block, true);
        }
        Some(set)
    }

    /// Whether nobody but `peer` worked on it.
    pub(super) fn only(&self, peer: PeerKey) -> bool {
        matches!(self.worker, None | Some(Worker::One(_)))
            && self.worker.is_none_or(|worker| worker == Worker::One(peer))
    }

    /// Whether it is kept for somebody else than `peer`.
    pub(super) fn reserved(&self, peer: PeerKey) -> bool {
        self.owner.is_some_and(|owner| {
            owner != peer && self.blocks().any(|(block, _)| self.asked(block, owner))
        })
    }

    pub(super) fn work(&mut self, peer: PeerKey) {
        self.worker = match self.worker {
            None => Some(Worker::One(peer)),
            Some(Worker::One(known)) if known == peer => self.worker,
            Some(_) => Some(Worker::Many),
        };
    }

    /// Whether the block is requested of `peer`.
    pub(super) fn asked(&self, block: u32, peer: PeerKey) -> bool {
        match self.block(block) {
            Some(Block::Requested(first, _)) => {
                first == peer || self.doubles.binary_search(&(block, peer)).is_ok()
            }
            _ => false,
        }
    }

    /// How many peers beyond the first the block is requested of.
    pub(super) fn doubled(&self, block: u32) -> usize {
        let from = self.doubles.partition_point(|(b, _)| *b < block);
        let to = self.doubles.partition_point(|(b, _)| *b <= block);
        to - from
    }

    /// Notes a request; the caller knows that `peer` was not asked yet.
    pub(super) fn request(&mut self, block: u32, peer: PeerKey, serial: u32) {
        match self.block(block) {
            Some(Block::Missing) => self.change(block, Block::Requested(peer, serial)),
            Some(Block::Requested(..)) => {
                if let Err(at) = self.doubles.binary_search(&(block, peer)) {
                    self.doubles.insert(at, (block, peer));
                }
            }
            _ => return,
        }
        self.work(peer);
    }

    /// Takes back a request of `peer`; whether there was one.
    pub(super) fn unrequest(&mut self, block: u32, peer: PeerKey) -> bool {
        if let Ok(at) = self.doubles.binary_search(&(block, peer)) {
            self.doubles.remove(at);
            return true;
        }
        match self.block(block) {
            Some(Block::Requested(first, serial)) if first == peer => {
                let at = self.doubles.partition_point(|(b, _)| *b < block);
                let heir = self.doubles.get(at).filter(|(b, _)| *b == block).map(|(_, p)| *p);
                let state = match heir {
                    Some(heir) => {
                        self.doubles.remove(at);
                        Block::Requested(heir, serial)
                    }
                    None => Block::Missing,
                };
                self.change(block, state);
                true
            }
            _ => false,
        }
    }

    /// Takes back all requests of `peer`; whether there were any.
    pub(super) fn unrequest_all(&mut self, peer: PeerKey) -> bool {
        if self.requested == 0 {
            return false;
        }
        let asked: Vec<u32> =
            self.blocks().map(|(b, _)| b).filter(|b| self.asked(*b, peer)).collect();
        for block in &asked {
            self.unrequest(*block, peer);
        }
        !asked.is_empty()
    }

    /// Marks as received; everybody it was requested of.
    pub(super) fn receive(&mut self, block: u32) -> Vec<PeerKey> {
        let mut asked = Vec::new();
        if let Some(Block::Requested(first, _)) = self.block(block) {
            asked.push(first);
            asked.extend(self.doubles.iter().filter(|(b, _)| *b == block).map(|(_, p)| *p));
            self.doubles.retain(|(b, _)| *b != block);
        }
        self.change(block, Block::Received);
        asked
    }

    /// Sets a block's state and keeps the counts.
    pub(super) fn change(&mut self, block: u32, state: Block) {
        let Some(slot) = self.blocks.get_mut(block as usize) else { return };
        let old = core::mem::replace(slot, state);
        match old {
            Block::Missing => self.missing -= 1,
            Block::Requested(..) => self.requested -= 1,
            Block::Received => {}
            Block::Written => self.written -= 1,
        }
        match state {
            Block::Missing => self.missing += 1,
            Block::Requested(..) => self.requested += 1,
            Block::Received => {}
            Block::Written => self.written += 1,
        }
    }

    /// Panics when the counts or the further requesters are wrong.
    pub(super) fn check(&self) {
        let count = |wanted: fn(Block) -> bool| {
            u32::try_from(self.blocks().filter(|(_, b)| wanted(*b)).count()).unwrap_or(u32::MAX)
        };
        assert_eq!(self.missing, count(|b| b == Block::Missing), "missing");
        assert_eq!(self.requested, count(|b| matches!(b, Block::Requested(..))), "requested");
        assert_eq!(self.written, count(|b| b == Block::Written), "written");
        assert!(self.doubles.is_sorted_by(|a, b| a < b), "doubles are sorted");
        for (block, peer) in &self.doubles {
            let state = self.block(*block);
            assert!(
                matches!(state, Some(Block::Requested(first, _)) if first != *peer),
                "block {block} is doubled for {peer} but {state:?}"
            );
        }
        assert!(!self.is_blank() || self.blocks.is_empty(), "blank pieces are not kept");
    }
}

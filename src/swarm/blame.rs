//! Who sent a bad block. CONTRACT SKETCH: signatures fixed.
//!
//! When a piece fails and one peer sent all of it, that peer is guilty. When several did, the digests of its
//! blocks are kept by sender; once the piece passes, senders whose blocks differ from the good ones are guilty and
//! the others are cleared.
#![allow(unused_variables, clippy::todo, reason = "contract sketch")]

use std::net::IpAddr;

use crate::base::{PeerKey, PieceIndex};

/// The result of a failed or passed piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Proven to have sent bad data.
    pub guilty: Vec<(PeerKey, IpAddr)>,
    /// Took part in a piece that failed, not proven: fetch from them alone (parole).
    pub suspects: Vec<(PeerKey, IpAddr)>,
    /// No longer suspected.
    pub cleared: Vec<(PeerKey, IpAddr)>,
}

/// Records of senders.
#[derive(Debug, Default)]
pub struct Blame {
    _todo: (),
}

impl Blame {
    /// A block was taken from a peer; `data` is digested only when the piece failed before.
    pub fn block(&mut self, piece: PieceIndex, begin: u32, peer: PeerKey, ip: IpAddr, data: &[u8]) {
        todo!()
    }
    /// The piece failed. `data` gives its bytes when they are at hand, to record each block's digest.
    pub fn failed(
        &mut self,
        piece: PieceIndex,
        block_data: &dyn Fn(u32) -> Option<Vec<u8>>,
    ) -> Verdict {
        todo!()
    }
    /// The piece passed.
    pub fn passed(&mut self, piece: PieceIndex) -> Verdict {
        todo!()
    }
    /// Senders of the piece so far.
    #[must_use]
    pub fn senders(&self, piece: PieceIndex) -> Vec<(PeerKey, IpAddr)> {
        todo!()
    }
    /// Drops what is known of a piece (the host skipped it).
    pub fn forget(&mut self, piece: PieceIndex) {
        todo!()
    }
}

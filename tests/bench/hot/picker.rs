//! The picker alone: blocks picked, received and written, peer by peer, all of them seeds.

use std::collections::VecDeque;

use tern::base::{Bitset, BlockSpan, Geometry, PeerKey, Rng};
use tern::swarm::picker::{PickMode, Picker, Received};

use crate::Meter;

/// Requests kept at each peer.
const QUEUE: usize = 64;
/// Blocks that come in between two picks.
const BATCH: usize = 16;
const BLOCKS: usize = 20_000;

fn blocks(meter: &mut Meter, peers: u64) {
    let geometry = Geometry::new(4 << 30, 4 << 20).unwrap();
    let has = Bitset::full(geometry.piece_count());
    let mut picker = Picker::new(geometry, Rng::new(1));
    let mut queues: Vec<VecDeque<BlockSpan>> = vec![VecDeque::new(); peers as usize];
    for _ in 0..peers {
        picker.peer_joined(&has);
    }
    let mut picked = Vec::new();
    for _ in 0..BLOCKS / BATCH / peers as usize {
        for (peer, queue) in (0..).map(PeerKey).zip(&mut queues) {
            picked.clear();
            let room = QUEUE - queue.len();
            meter.run(0, || picker.pick(peer, &has, room, PickMode::default(), &mut picked));
            assert_eq!(picked.len(), room);
            queue.extend(&picked);
            for span in queue.drain(..BATCH) {
                let done = meter.run(1, || {
                    let received = picker.received(peer, span);
                    picker.block_written(span);
                    if picker.all_written(span.piece) {
                        picker.set_have(span.piece);
                    }
                    received
                });
                assert!(matches!(done, Received::Accepted { .. }));
            }
        }
    }
}

/// One peer.
pub fn one_peer(meter: &mut Meter) {
    blocks(meter, 1);
}

/// Fifty.
pub fn fifty_peers(meter: &mut Meter) {
    blocks(meter, 50);
}

use super::*;
use crate::base::BLOCK_LEN;

fn picker(pieces: u32, blocks: u32) -> Picker {
    let geometry =
        Geometry::new(u64::from(pieces) * u64::from(blocks * BLOCK_LEN), blocks * BLOCK_LEN);
    Picker::new(geometry.unwrap(), Rng::new(1))
}

fn set(len: u32, members: &[u32]) -> Bitset {
    let mut set = Bitset::new(len);
    for member in members {
        set.set(*member, true);
    }
    set
}

fn pick(
    p: &mut Picker,
    peer: u64,
    has: &Bitset,
    count: usize,
    mode: PickMode<'_>,
) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    p.pick(PeerKey(peer), has, count, mode, &mut out);
    p.check_invariants();
    out.iter().map(|s| (s.piece.0, s.begin / BLOCK_LEN)).collect()
}

fn span(p: &Picker, piece: u32, block: u32) -> BlockSpan {
    p.geometry.block(PieceIndex(piece), block).unwrap()
}

#[test]
fn rarest_first_then_priority_seven_beats_all() {
    let mut p = picker(6, 2);
    let seed = Bitset::full(6);
    p.peer_joined(&seed);
    p.peer_joined(&set(6, &[0, 1, 2, 4, 5]));
    assert_eq!(pick(&mut p, 1, &seed, 1, PickMode::default()), [(3, 0)]);
    p.set_priority(PieceIndex(5), 7);
    assert_eq!(pick(&mut p, 1, &seed, 3, PickMode::default()), [(5, 0), (5, 1), (3, 1)]);
}

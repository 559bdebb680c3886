//! What must hold between any two inputs. Only the simulator and debug builds pay for it.

use super::accounts::Accounts;
use super::{Phase, Torrent};
use crate::base::PieceIndex;

/// Panics when something does not hold.
pub(super) fn check(t: &Torrent) {
    t.picker.check_invariants();
    let have = t.picker.have();
    check_accounts(t);

    let mut durable = t.durable.clone();
    durable.subtract(have);
    assert!(durable.none(), "durable pieces we do not have: {durable:?}");
    for piece in t.pending.keys() {
        let pending = &t.pending[piece];
        assert!(
            !have.get(piece.0) || pending.is_checking(),
            "piece {piece} is ours and pending: {pending:?}"
        );
        assert_eq!(pending.is_deciding(), t.verify.contains(*piece), "piece {piece} {pending:?}");
    }
    for piece in t.verify.undecided() {
        assert!(t.pending.contains_key(&piece), "verifier has piece {piece} nobody waits for");
    }
    let hashing = t.pending.values().filter(|p| p.is_hashing()).count();
    let stale: u32 = t.io.stale_hashes.values().sum();
    assert_eq!(hashing + stale as usize, t.io.hashes_out as usize, "hash jobs");
    assert!(t.io.writes_out > 0 || t.io.unwritten == 0, "unwritten bytes without writes");

    let dialling = t.peers.values().filter(|p| p.conn.is_none()).count();
    assert_eq!(dialling, t.half_open as usize, "half-open count");
    assert_eq!(t.sought.is_some(), !t.info.is_known(), "metadata sought and known");
    assert!(t.sought.is_none() || t.picker.have().is_empty(), "pieces without metadata");
    let exchanging = matches!(t.phase, Phase::Running | Phase::Preparing | Phase::Metadata);
    let kept = t.flags.arriving && matches!(t.phase, Phase::Stat { .. } | Phase::Checking);
    let exchanging = exchanging || kept;
    assert!(exchanging || t.peers.is_empty(), "peers in phase {:?}", t.phase);
    for (key, peer) in &t.peers {
        assert!(peer.established || peer.outstanding.is_empty());
        assert!(!peer.established || peer.conn.is_some());
        if let Some(spare) = &peer.spare {
            let rival = t.peers.get(&spare.rival);
            assert!(peer.established, "{key} is a spare without a handshake");
            assert!(rival.is_some_and(|r| r.spare.is_none()), "{key} waits for nobody");
        }
        let limit = t.tuning.max_peer_requests as usize;
        assert!(peer.in_queue.len() + peer.reads.len() <= limit + 1, "requests of {key}");
        assert!(t.io.hashes_out == 0 || t.flags.loaded, "hashing before loading");
        for sent in &peer.outstanding {
            assert!(t.info.geometry.block_index(sent.span).is_some());
            assert!(!have.get(sent.span.piece.0), "request for a piece we have: {:?}", sent.span);
        }
        if peer.established && t.phase == Phase::Running {
            assert_eq!(
                peer.am_interested,
                t.picker.is_interesting(&peer.has),
                "interest in peer {key}"
            );
        }
    }
    assert!(t.touched.is_empty() && t.transmit.is_empty(), "left over work");
}

fn check_accounts(t: &Torrent) {
    let have = t.picker.have();
    let mut fresh = Accounts::new(&t.info, Some(t.file_priorities()), None);
    for piece in (0..t.info.piece_count()).map(PieceIndex) {
        let priority = t.piece_priority(piece);
        assert_eq!(priority, t.picker.priority(piece), "priority of piece {piece}");
        fresh.set_piece(&t.info, piece, priority);
    }
    fresh.recount(&t.info, have);
    assert_eq!(fresh.file_have, t.accounts.file_have);
    assert_eq!(fresh.bytes_have, t.accounts.bytes_have);
    assert_eq!(fresh.wanted_len, t.accounts.wanted_len);
    assert_eq!(fresh.wanted_have, t.accounts.wanted_have);
    assert_eq!(fresh.left, t.accounts.left);
}

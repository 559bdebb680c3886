//! Snapshots for the host. Deliberately absent: anything that changes state.

use super::Torrent;
use super::peer::Peer;
use crate::base::{Instant, PeerKey};
use crate::swarm::types::{PeerStatus, SourceCounts, Status};

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for display")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

pub(super) fn status(t: &Torrent, now: Instant) -> Status {
    let now = now.max(t.now);
    let accounts = &t.accounts;
    let established = || t.peers.values().filter(|p| p.established);
    let (active_secs, ..) = t.times.at(now, t.state);
    let (downloaded, uploaded) = (t.down.total(), t.up.total());
    Status {
        state: t.state,
        pieces_have: t.picker.have().count(),
        pieces_total: t.info.piece_count(),
        total_len: t.info.geometry.total_len(),
        bytes_have: accounts.bytes_have,
        wanted_len: accounts.wanted_len,
        wanted_have: accounts.wanted_have,
        progress: t
            .metadata_progress()
            .or_else(|| t.check_progress())
            .unwrap_or_else(|| share(accounts.wanted_have, accounts.wanted_len)),
        downloaded,
        uploaded,
        wire_received: t.counters.wire_received,
        wire_sent: t.counters.wire_sent,
        wasted: t.counters.wasted,
        total_downloaded: t.carried.total_downloaded.saturating_add(downloaded),
        total_uploaded: t.carried.total_uploaded.saturating_add(uploaded),
        download_rate: t.down.rate(now),
        upload_rate: t.up.rate(now),
        peers: count(established().count()),
        seeds: count(established().filter(|p| p.is_seed()).count()),
        half_open: t.half_open,
        known_peers: count(t.known.len()),
        known_by_source: t.known.by_source(),
        peers_by_source: {
            let mut counts = SourceCounts::default();
            established().for_each(|p| counts[p.source.index()] += 1);
            counts
        },
        has_metadata: t.sought.is_none(),
        unchoked: count(established().filter(|p| !p.am_choking).count()),
        pieces_hashed: t.counters.pieces_hashed,
        pieces_restored: t.counters.pieces_restored,
        pieces_failed: t.counters.pieces_failed,
        availability: t.picker.availability(),
        need_save: t.saver.dirty(),
        durable_generation: t.saver.durable(),
        sequential: t.sequential,
        active_secs,
        added: t.times.added,
        completed: t.times.completed,
    }
}

pub(super) fn peers(t: &Torrent, now: Instant) -> Vec<PeerStatus> {
    let now = now.max(t.now);
    let established = t.peers.iter().filter(|(_, p)| p.established);
    established.map(|(key, peer)| one_peer(*key, peer, now)).collect()
}

fn one_peer(key: PeerKey, p: &Peer, now: Instant) -> PeerStatus {
    PeerStatus {
        peer: key,
        addr: p.addr,
        source: p.source,
        incoming: p.incoming,
        peer_id: p.peer_id,
        reserved: p.reserved,
        extensions: p.extensions.clone(),
        am_choking: p.am_choking,
        am_interested: p.am_interested,
        peer_choking: p.peer_choking,
        peer_interested: p.peer_interested,
        snubbed: p.snubbed,
        have: p.has.clone(),
        downloaded: p.down.total(),
        uploaded: p.up.total(),
        download_rate: p.down.rate(now),
        upload_rate: p.up.rate(now),
        requests_out: count(p.outstanding.len()),
        requests_in: count(p.in_queue.len() + p.reads.len()),
        bad_pieces: p.bad_pieces,
        connected_at: p.connected,
    }
}

//! Bytes told as they pass, and addresses the host is asked about.

use std::collections::BTreeMap;

use tempfile::tempdir;
use tern::base::PieceIndex;
use tern::engine::host::{ShardCommand, Traffic};
use tern::swarm::{Command, Notice};

use crate::rig::{Content, Rig};

const FILES: &[(&str, usize)] = &[("a.bin", 100_001), ("empty", 0), ("dir/b.bin", 65_535)];

/// Bytes per file.
fn per_file<'a>(parts: impl Iterator<Item = &'a Traffic>, written: bool) -> BTreeMap<u32, u64> {
    let mut sums = BTreeMap::new();
    for part in parts {
        match part {
            Traffic::FileWritten(span) if written => {
                *sums.entry(span.file.0).or_insert(0) += span.length;
            }
            Traffic::FileRead(span) if !written => {
                *sums.entry(span.file.0).or_insert(0) += span.length;
            }
            _ => {}
        }
    }
    sums
}

#[test]
fn every_byte_of_sockets_and_files_is_told_to_who_listens() {
    let content = Content::new("traffic", 32 * 1024, FILES);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    seed.send(s, ShardCommand::WireNotices(s, true));
    let l = leech.add(0, &content.info, to.path(), |_| ());
    leech.wait_checked(l);
    leech.send(l, ShardCommand::WireNotices(l, true));
    // Nobody listened until here.
    leech.wait("silence", |t| t.traffic.is_empty().then_some(()));
    leech.tell(l, Command::AddPeer(seed.addr));
    leech.wait_finished(l);
    leech.close(l);
    seed.close(s);
    let (leech, seed) = (leech.end(), seed.end());
    let received = |told: &[Traffic]| -> u64 {
        told.iter().map(|t| if let Traffic::Received { bytes, .. } = t { *bytes } else { 0 }).sum()
    };
    let sent = |told: &[Traffic]| -> u64 {
        told.iter().map(|t| if let Traffic::Sent { bytes, .. } = t { *bytes } else { 0 }).sum()
    };
    assert!(received(&leech.traffic) > content.len());
    assert!(sent(&seed.traffic) > content.len());
    // The first thing the leech hears of the seed is our own handshake, then the seed's.
    assert!(
        matches!(leech.traffic[0], Traffic::Sent { bytes: 68.., .. }),
        "{:?}",
        leech.traffic[0]
    );
    assert!(matches!(seed.traffic[0], Traffic::Received { bytes: 68.., .. }));
    let lengths: BTreeMap<u32, u64> = BTreeMap::from([(0, 100_001), (2, 65_535)]);
    assert_eq!(per_file(leech.traffic.iter(), true), lengths);
    assert_eq!(per_file(leech.traffic.iter(), false), lengths, "each piece is hashed once");
    assert_eq!(per_file(seed.traffic.iter(), false), lengths, "each block is sent once");
    assert!(per_file(seed.traffic.iter(), true).is_empty());
    let passed = |n: &Notice| matches!(n, Notice::PiecePassed(PieceIndex(0)));
    assert!(leech.notices.iter().any(|(_, n)| passed(n)));
}

#[test]
fn an_address_is_used_when_the_host_says_so_and_not_before() {
    let content = Content::new("asked", 32 * 1024, FILES);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let mut seed = Rig::new(1, |s| s.peer_requests = true);
    let mut leech = Rig::new(1, |s| s.peer_requests = true);
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let l = leech.add(0, &content.info, to.path(), |_| ());
    leech.wait_checked(l);
    seed.refuse(true);
    leech.tell(l, Command::AddPeer(seed.addr));
    // Both were asked: the leech before it connected, the seed before it let anybody in.
    assert_eq!(leech.wait("question", |t| t.asked.first().copied()), (seed.addr, false));
    assert!(seed.wait("question", |t| t.asked.first().copied()).1);
    assert_eq!(leech.status(l).downloaded, 0);
    seed.close(s);
    leech.close(l);
    let (leech, seed) = (leech.end(), seed.end());
    let connected = |n: &Notice| matches!(n, Notice::PeerConnected { .. });
    assert!(!leech.notices.iter().any(|(_, n)| connected(n)), "{:?}", leech.notices);
    assert!(!seed.notices.iter().any(|(_, n)| connected(n)), "{:?}", seed.notices);
}

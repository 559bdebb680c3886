//! How content gets from a seed's files to its peers' sockets.

use std::fs::OpenOptions;
use std::time::Instant;

use tempfile::tempdir;
use tern::engine::settings::SendInPlace;
use tern::swarm::{Notice, TorrentState};

use crate::rig::{Content, Rig};

const WAYS: [SendInPlace; 2] = [SendInPlace::Remote, SendInPlace::Always];
/// Blocks that end with their file, blocks that span files, and long runs of neighbours.
const FILES: &[(&str, usize)] = &[("a", 2_000_001), ("b", 7), ("dir/c", 1_500_000), ("d", 65_536)];

/// Out of the page cache (`Always`) or through memory (a peer on this machine): the same bytes, and
/// in both cases without a read by the disk threads.
#[test]
fn lent_content_arrives_as_it_is() {
    for way in WAYS {
        let content = Content::new("lent", 128 * 1024, FILES);
        let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
        content.write(from.path(), |_| true);
        let mut seed = Rig::new(1, |s| s.send_in_place = way);
        let mut leech = Rig::new(1, |_| ());
        let s = seed.add(0, &content.info, from.path(), |_| ());
        seed.wait_checked(s);
        let addr = seed.addr;
        let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(addr));
        leech.wait_finished(l);
        assert_eq!(leech.status(l).wasted, 0);
        leech.close(l);
        content.compare(to.path());
        if cfg!(target_os = "linux") {
            assert!(seed.disk().bytes_lent > content.len() / 2, "{way:?}: {:?}", seed.disk());
        }
        assert!(leech.end().panicked.is_empty());
        assert!(seed.end().panicked.is_empty());
    }
}

/// The host is told, and the peer sees the end of a connection, not something else than content.
#[test]
fn a_file_cut_short_under_an_upload_is_an_event() {
    for way in WAYS {
        let content = Content::new("cut", 64 * 1024, &[("", 8 << 20)]);
        let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
        content.write(from.path(), |_| true);
        let mut seed = Rig::new(1, |s| s.send_in_place = way);
        let mut leech = Rig::new(1, |_| ());
        let s = seed.add(0, &content.info, from.path(), |add| add.upload_limit = Some(1 << 20));
        seed.wait_checked(s);
        let addr = seed.addr;
        leech.add(0, &content.info, to.path(), |add| {
            add.peers.push(addr);
            add.params.sequential = true;
        });
        let passed = |n: &Notice| matches!(n, Notice::PiecePassed(_));
        leech.wait("a piece", |t| t.notices.iter().any(|(_, n)| passed(n)).then_some(()));
        let file = OpenOptions::new().write(true).open(from.path().join("cut")).unwrap();
        // Behind what can have been sent by now, so that no page in flight is cut.
        file.set_len(4 << 20).unwrap();
        seed.wait("a disk failure", |t| {
            t.notices.iter().find_map(|(_, n)| match n {
                Notice::DiskFailed(e) => e.message.contains("shorter").then_some(()),
                _ => None,
            })
        });
        seed.wait_state(s, TorrentState::Failed);
        leech.wait("an end", |t| {
            let gone = |n: &Notice| matches!(n, Notice::PeerDisconnected { .. });
            t.notices.iter().any(|(_, n)| gone(n)).then_some(())
        });
        let told = leech.end();
        assert!(told.panicked.is_empty());
        let failed = |n: &Notice| matches!(n, Notice::PieceFailed(_));
        assert!(!told.notices.iter().any(|(_, n)| failed(n)), "wrong bytes were sent");
        assert!(seed.end().panicked.is_empty());
    }
}

/// However long it took: never more than the limit allows in that time, and one burst.
#[test]
fn the_upload_limit_holds_whatever_the_way() {
    const LIMIT: u64 = 400_000;
    for way in WAYS {
        let content = Content::new("limited", 64 * 1024, &[("", 900_000)]);
        let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
        content.write(from.path(), |_| true);
        let mut seed = Rig::new(1, |s| s.send_in_place = way);
        let mut leech = Rig::new(1, |_| ());
        let began = Instant::now();
        let s = seed.add(0, &content.info, from.path(), |add| add.upload_limit = Some(LIMIT));
        seed.wait_checked(s);
        let addr = seed.addr;
        let l = leech.add(0, &content.info, to.path(), |add| add.peers.push(addr));
        leech.wait_finished(l);
        let sent = seed.status(s).wire_sent;
        let allowed = began.elapsed().as_secs_f64() * LIMIT as f64 + LIMIT as f64 / 4.0;
        assert!(sent as f64 <= allowed, "{sent} bytes, {allowed} allowed");
        assert!(sent > content.len());
        leech.close(l);
        content.compare(to.path());
        leech.end();
        seed.end();
    }
}

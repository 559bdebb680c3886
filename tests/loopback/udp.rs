//! UDP trackers over real sockets, and one that answers with whatever it likes.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::tempdir;
use tern::engine::host::{ShardCommand, TrackerEvent};
use tern::engine::settings::Settings;
use tern::proto::tracker::AnnounceEvent;
use tern::proto::tracker::udp::{Reply, Request, UdpTestServer};

use crate::http::{self, Tracker};
use crate::rig::{Content, Rig, Told};

/// How often the tracker's thread looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);

/// What a tracker does with a datagram: the answers, in order.
type Script = Box<dyn FnMut(&mut UdpTestServer, SocketAddr, &[u8]) -> Vec<Vec<u8>> + Send>;

/// A UDP tracker on a thread.
struct UdpTracker {
    addr: SocketAddr,
    server: Arc<Mutex<UdpTestServer>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpTracker {
    /// One that plays by the rules.
    fn new(addr: &str) -> Self {
        let start = Instant::now();
        Self::scripted(
            addr,
            Box::new(move |server, from, data| {
                let us = u64::try_from(start.elapsed().as_micros()).unwrap();
                let now = tern::base::Instant::from_micros(us);
                server.handle(now, from, data).into_iter().collect()
            }),
        )
    }

    fn scripted(addr: &str, mut script: Script) -> Self {
        let socket = UdpSocket::bind(addr).unwrap();
        socket.set_read_timeout(Some(TICK)).unwrap();
        let addr = socket.local_addr().unwrap();
        let (server, end) = (Arc::<Mutex<UdpTestServer>>::default(), Arc::<AtomicBool>::default());
        let (state, stop) = (Arc::clone(&server), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            let mut packet = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                let Ok((len, from)) = socket.recv_from(&mut packet) else { continue };
                for reply in script(&mut state.lock().unwrap(), from, &packet[..len]) {
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        Self { addr, server, end, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("udp://{}/announce", self.addr)
    }

    /// The events of the announces it took, with the ports.
    fn events(&self) -> Vec<(AnnounceEvent, u16)> {
        let server = self.server.lock().unwrap();
        server.announces.iter().map(|(_, announce)| (announce.event, announce.port)).collect()
    }
}

impl Drop for UdpTracker {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn replied(told: &Told) -> usize {
    told.tracker.iter().filter(|(_, e)| matches!(e, TrackerEvent::Reply { .. })).count()
}

fn failed(told: &Told) -> Option<String> {
    told.tracker.iter().find_map(|(_, event)| match event {
        TrackerEvent::Failed { reason, .. } => Some(reason.clone()),
        _ => None,
    })
}

/// Two peers that know nothing but the tracker find each other; counts, goodbye.
fn brings_together(listen: &str, tracker: &str, shards: usize) {
    let content = Content::new("udp", 16 * 1024, &[("", 300_000)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let tracker = UdpTracker::new(tracker);
    let settings = |s: &mut Settings| s.listen = vec![listen.into()];
    let (mut seed, mut leech) = (Rig::new(shards, settings), Rig::new(shards, settings));
    let url = tracker.url();
    let s = seed.add(shards - 1, &content.info, from.path(), |add| {
        add.trackers = vec![vec![url.clone()]].into();
    });
    seed.wait("announce", |told| (replied(told) > 0).then_some(()));
    let l = leech.add(shards - 1, &content.info, to.path(), |add| {
        add.trackers = vec![vec![url.clone()]].into();
    });
    leech.wait_finished(l);
    leech.send(l, ShardCommand::Scrape(l, None));
    let counts = leech.wait("counts", |told| {
        told.tracker.iter().find_map(|(_, event)| match event {
            TrackerEvent::Scraped { complete, incomplete, .. } => Some((*complete, *incomplete)),
            _ => None,
        })
    });
    let (complete, incomplete) = (counts.0.unwrap(), counts.1.unwrap());
    assert_eq!(complete + incomplete, 2);
    leech.close(l);
    content.compare(to.path());
    leech.end();
    let (seeds, leeches) = (seed.addr.port(), leech_port(&tracker, seed.addr.port()));
    seed.close(s);
    seed.end();
    let events = tracker.events();
    use AnnounceEvent::{Completed, Started, Stopped};
    let of = |port| events.iter().filter(|(_, p)| *p == port).map(|(e, _)| *e).collect::<Vec<_>>();
    assert_eq!(of(seeds), [Started, Stopped]);
    assert_eq!(of(leeches), [Started, Completed, Stopped]);
}

fn leech_port(tracker: &UdpTracker, seed: u16) -> u16 {
    tracker.events().iter().map(|(_, port)| *port).find(|port| *port != seed).unwrap()
}

#[test]
fn peers_meet_at_a_udp_tracker() {
    brings_together("127.0.0.1:0", "127.0.0.1:0", 1);
}

#[test]
fn peers_meet_over_ipv6_and_from_another_shard() {
    brings_together("[::1]:0", "[::1]:0", 2);
}

#[test]
fn a_dead_udp_tracker_is_left_for_the_next_tier_at_once() {
    let content = Content::new("tiers", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let http = Tracker::new(|_| http::response("200 OK", "", b"d8:intervali900e5:peers0:e"));
    let udp = UdpTracker::new("127.0.0.1:0");
    let mut rig = Rig::new(1, |s| s.announce_all_tiers = false);
    let tiers = vec![vec![format!("udp://{dead}")], vec![http.url("/announce")], vec![udp.url()]];
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = tiers.into());
    rig.wait("reply", |told| (replied(told) > 0).then_some(()));
    let shown = rig.ask(id, |view| view.trackers.to_vec()).unwrap();
    // The system says that nobody listens there: no need to wait for a quarter of a minute.
    assert_eq!((shown[0].fails, shown[0].verified), (1, false));
    assert!(shown[0].message.contains("nobody listens"), "{}", shown[0].message);
    assert_eq!((shown[1].fails, shown[1].verified), (0, true));
    assert!(!shown[2].verified, "the second tier answered");
    rig.close(id);
    rig.end();
    assert!(udp.events().is_empty());
}

#[test]
fn many_torrents_share_one_connection_to_a_tracker() {
    let dir = tempdir().unwrap();
    let udp = UdpTracker::new("127.0.0.1:0");
    let mut rig = Rig::new(2, |_| ());
    let contents: Vec<_> =
        (0..40).map(|n| Content::new(&format!("many{n}"), 16 * 1024, &[("", 1000)])).collect();
    let ids: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(n, content)| {
            rig.add(n % 2, &content.info, dir.path(), |add| {
                add.trackers = vec![vec![udp.url()]].into();
            })
        })
        .collect();
    rig.wait("replies", |told| (replied(told) == ids.len()).then_some(()));
    let counts = rig.udp_counts();
    assert_eq!((counts.connects, counts.reused), (1, 39));
    assert_eq!((counts.sent, counts.received), (41, 41));
    assert_eq!((counts.answers, counts.failures), (40, 0));
    assert_eq!((counts.sent_bytes, counts.received_bytes), (16 + 40 * 98, 16 + 40 * 20));
    ids.into_iter().for_each(|id| rig.close(id));
    rig.end();
    let events = udp.events();
    let stopped = events.iter().filter(|(event, _)| *event == AnnounceEvent::Stopped).count();
    assert_eq!((events.len(), stopped), (80, 40), "every hello has its goodbye");
    assert_eq!(udp.server.lock().unwrap().connects, 1);
}

#[test]
fn path_and_query_reach_the_tracker_and_a_plain_url_adds_nothing() {
    let content = Content::new("options", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let lengths: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = Arc::clone(&lengths);
    let udp = UdpTracker::scripted(
        "127.0.0.1:0",
        Box::new(move |server, from, data| {
            if data.len() >= 98 {
                seen.lock().unwrap().push(data.len());
            }
            server.handle(tern::base::Instant::ZERO, from, data).into_iter().collect()
        }),
    );
    let keyed = format!("udp://{}/announce?passkey=abc", udp.addr);
    let mut rig = Rig::new(1, |s| s.announce_all_tiers = true);
    let tiers = vec![vec![udp.url()], vec![keyed]];
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = tiers.into());
    rig.wait("replies", |told| (replied(told) == 2).then_some(()));
    rig.close(id);
    rig.end();
    let data: Vec<_> = {
        let server = udp.server.lock().unwrap();
        server.announces.iter().map(|(_, announce)| announce.url_data.clone()).collect()
    };
    assert!(data.contains(&b"/announce?passkey=abc".to_vec()), "{data:?}");
    assert!(data.contains(&Vec::new()), "{data:?}");
    assert!(lengths.lock().unwrap().contains(&98));
}

#[test]
fn a_hostile_tracker_gains_nothing() {
    let content = Content::new("hostile", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let mut rig = Rig::new(1, |_| ());
    let ours = rig.addr;
    let udp = UdpTracker::scripted(
        "127.0.0.1:0",
        Box::new(move |server, from, data| {
            let Some(right) = server.handle(tern::base::Instant::ZERO, from, data) else {
                return Vec::new();
            };
            let Some(request) = Request::decode(data) else { return Vec::new() };
            // Nonsense of every kind before the answer, in floods, and the answer twice.
            let mut out = vec![vec![0; 3], vec![0xff; 60], b"d1:qe".to_vec(), vec![0; 8192]];
            for action in 0..8u8 {
                out.push(vec![0, 0, 0, action, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
            }
            out.extend((0..200).map(|_| vec![0, 0, 0, 1, 9, 9, 9, 9]));
            if let Request::Announce { transaction, .. } = request {
                // A connect's answer to an announce, and one cut short.
                out.push(Reply::Connect { transaction, connection: 1 }.encode());
                out.push(right[..12].to_vec());
                let peers = vec![ours, "0.0.0.0:1".parse().unwrap(), "1.2.3.4:0".parse().unwrap()];
                let reply =
                    Reply::Announce { transaction, interval: 0, leechers: 1, seeders: 1, peers };
                let reply = reply.encode();
                out.extend([reply.clone(), reply]);
            } else {
                out.extend([right.clone(), right]);
            }
            out
        }),
    );
    let id = rig.add(0, &content.info, dir.path(), |add| {
        add.trackers = vec![vec![udp.url()]].into();
    });
    rig.wait("reply", |told| (replied(told) > 0).then_some(()));
    let status = rig.status(id);
    assert_eq!(status.peers, 0);
    // An interval of nothing is not obeyed: no storm.
    let next = rig.ask(id, |view| view.trackers[0].next_announce.unwrap().since(view.now)).unwrap();
    assert!(next >= Duration::from_secs(30), "{next:?}");
    rig.close(id);
    let told = rig.end();
    assert!(told.panicked.is_empty(), "{:?}", told.panicked);
    // Once for each question, the goodbye's included when its answer was in time.
    let asked = |event: &TrackerEvent| matches!(event, TrackerEvent::Announcing { .. });
    let asked = told.tracker.iter().filter(|(_, event)| asked(event)).count();
    assert!(asked <= 2 && (1..=asked).contains(&replied(&told)), "{:?}", told.tracker);
}

#[test]
fn a_refusal_is_told_and_the_switch_works() {
    let content = Content::new("refused", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let udp = UdpTracker::new("127.0.0.1:0");
    udp.server.lock().unwrap().refusal = Some("not\nhere".into());
    let mut rig = Rig::new(1, |s| s.udp_trackers = false);
    let url = udp.url();
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = vec![vec![url]].into());
    assert_eq!(rig.ask(id, |view| view.trackers[0].next_announce), Some(None));
    assert!(udp.events().is_empty());
    let mut settings = Settings { listen: vec!["127.0.0.1:0".into()], ..Settings::default() };
    settings.udp_trackers = true;
    rig.send_to(0, ShardCommand::Settings(Arc::new(settings)));
    let reason = rig.wait("failure", failed);
    assert_eq!(reason, "tracker refused: nothere");
    rig.close(id);
    rig.end();
}

//! Announces over real sockets: half-close, redirects, gzip, the bounded goodbye.

use std::io::Write;
use std::time::Duration;

use tempfile::tempdir;
use tern::engine::host::{ShardCommand, TrackerEvent};

use crate::http::{self, Tracker};
use crate::rig::{Content, Rig};

#[test]
fn a_tracker_brings_peers_together() {
    let content = Content::new("tracked", 16 * 1024, &[("", 300_000)]);
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    content.write(from.path(), |_| true);
    let (mut seed, mut leech) = (Rig::new(1, |_| ()), Rig::new(1, |_| ()));
    let s = seed.add(0, &content.info, from.path(), |_| ());
    seed.wait_checked(s);
    let peer = seed.addr;
    let tracker = Tracker::new(move |asked| {
        if asked.path == "/announce" {
            let query = asked.query.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>();
            let location = format!("Location: /moved?{}\r\n", query.join("&"));
            return http::response("302 Found", &location, b"");
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&http::reply_with(peer)).unwrap();
        http::response("200 OK", "Content-Encoding: gzip\r\n", &gzip.finish().unwrap())
    });
    let url = tracker.url("/announce");
    let l =
        leech.add(0, &content.info, to.path(), |add| add.trackers = vec![vec![url.clone()]].into());
    leech.wait_finished(l);
    let shown = leech.ask(l, |view| view.trackers.to_vec()).unwrap();
    assert_eq!((shown.len(), shown[0].verified, shown[0].fails), (1, true, 0));
    leech.close(l);
    content.compare(to.path());
    let told = leech.end();
    let replied = |event: &TrackerEvent| match event {
        TrackerEvent::Reply { url: from, reply } => *from == url && reply.peers == [peer],
        _ => false,
    };
    assert!(told.tracker.iter().any(|(_, event)| replied(event)));
    seed.end();

    let log = tracker.log();
    assert!(log.iter().all(|asked| asked.half_closed), "{log:?}");
    let moved: Vec<_> = log.iter().filter(|a| a.path == "/moved").collect();
    let events: Vec<_> =
        moved.iter().map(|a| a.query.get("event").map_or("", String::as_str)).collect();
    assert_eq!(events.first(), Some(&"started"));
    assert_eq!(events.last(), Some(&"stopped"), "waited for at the end: {events:?}");
    assert_eq!(events.iter().filter(|e| **e == "completed").count(), 1, "{events:?}");
    assert_eq!(moved[0].query["left"], content.len().to_string());
    assert_eq!(moved[0].query["compact"], "1");
    let last = moved.last().unwrap();
    assert_eq!((&*last.query["left"], &*last.query["downloaded"]), ("0", "300000"));
}

#[test]
fn a_refusal_is_told_with_its_reason() {
    let content = Content::new("refused", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let tracker = Tracker::new(|_| http::response("200 OK", "", b"d14:failure reason7:go awaye"));
    let mut rig = Rig::new(1, |_| ());
    let url = tracker.url("/announce");
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = vec![vec![url]].into());
    let (reason, fails) = rig.wait("failure", |told| {
        told.tracker.iter().find_map(|(_, event)| match event {
            TrackerEvent::Failed { reason, fails, .. } => Some((reason.clone(), *fails)),
            _ => None,
        })
    });
    assert!(reason.contains("go away"), "{reason}");
    assert_eq!(fails, 1);
    rig.close(id);
    rig.end();
}

#[test]
fn a_scrape_brings_counts() {
    let content = Content::new("scraped", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let hash = content.info.info_hash.0;
    let tracker = Tracker::new(move |asked| {
        if asked.path != "/scrape" {
            return http::response("200 OK", "", b"d8:intervali900e5:peers0:e");
        }
        let mut body = b"d5:filesd20:".to_vec();
        body.extend_from_slice(&hash);
        body.extend_from_slice(b"d8:completei5e10:downloadedi50e10:incompletei10eeee");
        http::response("200 OK", "", &body)
    });
    let mut rig = Rig::new(1, |_| ());
    let url = tracker.url("/announce");
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = vec![vec![url]].into());
    assert!(rig.send(id, ShardCommand::Scrape(id, None)));
    let counts = rig.wait("counts", |told| {
        told.tracker.iter().find_map(|(_, event)| match event {
            TrackerEvent::Scraped { complete, downloaded, incomplete, .. } => {
                Some((*complete, *downloaded, *incomplete))
            }
            _ => None,
        })
    });
    assert_eq!(counts, (Some(5), Some(50), Some(10)));
    rig.close(id);
    rig.end();
}

/// The tiers' rule would not come to the second as long as the first answers.
#[test]
fn one_tracker_is_asked_because_the_host_wants_it() {
    let content = Content::new("named", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    let answer = |_: &http::Asked| http::response("200 OK", "", b"d8:intervali900e5:peers0:e");
    let (first, second) = (Tracker::new(answer), Tracker::new(answer));
    let mut rig = Rig::new(1, |s| s.announce_all_tiers = false);
    let urls = [first.url("/announce"), second.url("/announce")];
    let id = rig.add(0, &content.info, dir.path(), |add| {
        add.trackers = urls.iter().map(|url| vec![url.clone()]).collect::<Vec<_>>().into();
    });
    let replies = |n: usize| {
        move |told: &crate::rig::Told| {
            let replied = |(_, e): &&(_, TrackerEvent)| matches!(e, TrackerEvent::Reply { .. });
            (told.tracker.iter().filter(replied).count() == n).then_some(())
        }
    };
    rig.wait("the first", replies(1));
    assert!(second.log().is_empty());
    assert!(rig.send(id, ShardCommand::Reannounce(id, Some(urls[1].as_str().into()))));
    rig.wait("the second", replies(2));
    assert_eq!(first.log().len(), 1);
    assert_eq!(second.log()[0].query["event"], "started");

    // One whose URL has no place for a scrape says so, when it is the one that is meant.
    let odd = second.url("/odd");
    rig.send(id, ShardCommand::SetTrackers(id, vec![vec![odd.clone()]].into()));
    rig.send(id, ShardCommand::Scrape(id, Some(odd.as_str().into())));
    let reason = rig.wait("a failure", |told| {
        told.tracker.iter().find_map(|(_, event)| match event {
            TrackerEvent::Failed { reason, .. } => Some(reason.clone()),
            _ => None,
        })
    });
    assert!(reason.starts_with("scrape: "), "{reason}");
    rig.close(id);
    rig.end();
}

#[test]
fn a_silent_tracker_delays_neither_the_close_nor_the_end_for_long() {
    let content = Content::new("silent", 16 * 1024, &[("", 1000)]);
    let dir = tempdir().unwrap();
    // Answers `started`, then accepts connections and says nothing.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/announce", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        _ = std::io::Read::read(&mut first, &mut request);
        let reply = http::response("200 OK", "", b"d8:intervali900e5:peers0:e");
        _ = first.write_all(&reply);
        drop(first);
        let held: Vec<_> = listener.incoming().collect();
        drop(held);
    });
    let mut rig = Rig::new(1, |s| s.stop_tracker_timeout = Duration::from_millis(300));
    let id = rig.add(0, &content.info, dir.path(), |add| add.trackers = vec![vec![url]].into());
    rig.wait("reply", |told| {
        told.tracker.iter().any(|(_, e)| matches!(e, TrackerEvent::Reply { .. })).then_some(())
    });
    rig.close(id);
    let told = rig.end();
    let goodbye = |e: &TrackerEvent| matches!(e, TrackerEvent::Announcing { event: "stopped", .. });
    assert!(told.tracker.iter().any(|(_, e)| goodbye(e)));
}

//! Scenarios of one torrent's tiers.

use std::time::Duration;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use crate::base::{Instant, Rng};
use crate::proto::tracker::*;

const T0: Instant = Instant::from_micros(1_000_000);

fn secs(n: u64) -> Instant {
    T0 + Duration::from_secs(n)
}

fn announcer(tiers: &[&[&str]], all_tiers: bool) -> Announcer {
    Announcer::new(&owned(tiers), AnnouncerConfig { all_tiers, udp: false }, Rng::new(1))
}

fn owned(tiers: &[&[&str]]) -> Vec<Vec<String>> {
    tiers.iter().map(|tier| tier.iter().map(|url| (*url).to_owned()).collect()).collect()
}

fn event(announcer: &mut Announcer, at: u64, event: AnnounceEvent) {
    announcer.handle(secs(at), AnnouncerInput::Event(event));
}

/// All requests that are due, as `host event`, with their keys.
fn due(announcer: &mut Announcer, at: u64) -> Vec<(String, TrackerKey)> {
    let all: Vec<_> = core::iter::from_fn(|| announcer.poll(secs(at))).collect();
    let host = |url: &str| url["http://".len()..].to_owned();
    all.iter().map(|r| (format!("{} {}", host(&r.url), r.event.name()), r.tracker)).collect()
}

fn one(announcer: &mut Announcer, at: u64) -> (String, TrackerKey) {
    let mut all = due(announcer, at);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn reply(announcer: &mut Announcer, at: u64, tracker: TrackerKey, interval: u32) {
    let reply = AnnounceReply { interval: Some(interval), ..AnnounceReply::default() };
    announcer.handle(secs(at), AnnouncerInput::Reply { tracker, reply: &reply });
}

fn fail(announcer: &mut Announcer, at: u64, tracker: TrackerKey, retry: Option<Retry>) {
    announcer.handle(secs(at), AnnouncerInput::Failed { tracker, reason: "no answer", retry });
}

fn wait(announcer: &Announcer, at: u64) -> u64 {
    announcer.next_deadline().unwrap().since(secs(at)).as_secs()
}

#[test]
fn the_life_of_a_download() {
    let mut a = announcer(&[&["http://a"]], false);
    assert_eq!((due(&mut a, 0), a.next_deadline()), (vec![], None));
    event(&mut a, 0, AnnounceEvent::Started);
    let (request, key) = one(&mut a, 0);
    assert_eq!(request, "a started");
    assert_eq!((a.poll(secs(1)), a.next_deadline()), (None, None), "one at a time");
    assert!(a.statuses()[0].updating);
    reply(&mut a, 1, key, 1800);
    assert_eq!(a.next_deadline(), Some(secs(1801)));
    assert_eq!(a.poll(secs(1800)), None);
    assert_eq!(one(&mut a, 1801).0, "a ");
    reply(&mut a, 1801, key, 1800);
    event(&mut a, 1805, AnnounceEvent::Completed);
    assert_eq!(one(&mut a, 1805).0, "a completed", "at once, whatever the interval");
    fail(&mut a, 1806, key, None);
    assert_eq!(one(&mut a, 1896).0, "a completed", "until it is heard");
    reply(&mut a, 1896, key, 1800);
    assert_eq!(one(&mut a, 3696).0, "a ", "exactly once");
    reply(&mut a, 3696, key, 1800);
    event(&mut a, 3700, AnnounceEvent::Stopped);
    assert!(!a.is_stopped());
    assert_eq!(a.next_deadline(), Some(Instant::ZERO));
    assert_eq!(one(&mut a, 3700).0, "a stopped");
    assert!(!a.is_stopped());
    reply(&mut a, 3701, key, 1800);
    assert!(a.is_stopped());
    assert_eq!((a.next_deadline(), due(&mut a, 99999)), (None, vec![]));
    event(&mut a, 99999, AnnounceEvent::Started);
    assert_eq!(one(&mut a, 99999).0, "a started");
}

#[test]
fn completed_before_started_was_heard() {
    let mut a = announcer(&[&["http://a"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (_, key) = one(&mut a, 0);
    event(&mut a, 1, AnnounceEvent::Completed);
    assert_eq!(a.poll(secs(1)), None);
    reply(&mut a, 2, key, 1800);
    assert_eq!(one(&mut a, 2).0, "a completed");
    // An idle announcer does not remember one.
    let mut b = announcer(&[&["http://b"]], false);
    event(&mut b, 0, AnnounceEvent::Completed);
    event(&mut b, 0, AnnounceEvent::Started);
    let (_, key) = one(&mut b, 0);
    reply(&mut b, 0, key, 60);
    assert_eq!(one(&mut b, 60).0, "b ");
}

#[test]
fn tiers_in_order_and_the_working_tracker_to_the_front() {
    let mut a = announcer(&[&["http://a", "http://b", "http://c"], &["http://d"]], false);
    let order = a.tiers()[0].clone();
    event(&mut a, 0, AnnounceEvent::Started);
    let mut asked = Vec::new();
    for _ in 0..2 {
        let (request, key) = one(&mut a, 0);
        asked.push(request);
        fail(&mut a, 0, key, None);
    }
    let (third, key) = one(&mut a, 0);
    asked.push(third);
    let expected: Vec<_> = order.iter().map(|url| format!("{} started", &url[7..])).collect();
    assert_eq!(asked, expected);
    reply(&mut a, 0, key, 1800);
    assert_eq!(a.tiers()[0], [&order[2..], &order[..2]].concat());
    assert_eq!(a.poll(secs(1799)), None, "one that works keeps the rest idle");
    assert_eq!(one(&mut a, 1800).1, key);
    fail(&mut a, 1800, key, None);
    assert_eq!(one(&mut a, 1800).0, expected[0], "then the next of the tier");
    // Only the one that was told `started`, and the one that may have been, get `stopped`.
    a.stop(secs(1801));
    let mut farewells: Vec<_> = due(&mut a, 1801).into_iter().map(|(request, _)| request).collect();
    farewells.sort();
    let mut hosts = [&order[0], &order[2]].map(|url| format!("{} stopped", &url[7..]));
    hosts.sort();
    assert_eq!(farewells, hosts);
}

#[test]
fn the_second_tier_serves_while_the_first_is_down() {
    let mut a = announcer(&[&["http://a"], &["http://b"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (_, down) = one(&mut a, 0);
    fail(&mut a, 0, down, None);
    let (request, up) = one(&mut a, 0);
    assert_eq!(request, "b started");
    reply(&mut a, 0, up, 1800);
    let retry = wait(&a, 0);
    assert!((30..90).contains(&retry), "{retry}");
    assert_eq!(one(&mut a, retry + 1).1, down);
    reply(&mut a, retry + 1, down, 3600);
    assert_eq!(a.poll(secs(3600)), None, "the first tier answers: the second rests");
    assert_eq!(a.tiers(), owned(&[&["http://a"], &["http://b"]]));
}

#[test]
fn all_tiers_at_once() {
    let mut a = announcer(&[&["http://a", "http://b"], &["http://c"], &["udp://d:1"]], true);
    event(&mut a, 0, AnnounceEvent::Started);
    let first = due(&mut a, 0);
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(first[1].0, "c started");
    reply(&mut a, 0, first[1].1, 600);
    fail(&mut a, 0, first[0].1, None);
    let (_, key) = one(&mut a, 0);
    assert_ne!(key, first[0].1);
    assert_eq!(one(&mut a, 600).0, "c ", "while its tier waits for an answer");
    let last = &a.statuses()[3];
    assert_eq!((last.tier, last.updating, last.next_announce), (2, false, None));
    assert!(last.message.contains("not supported"), "{}", last.message);
}

#[test]
fn a_dead_list_is_not_hammered() {
    let mut a = announcer(&[&["http://a", "http://b"], &["http://c"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (mut now, mut requests) = (T0, 0);
    while now < secs(24 * 3600) {
        while let Some(request) = a.poll(now) {
            requests += 1;
            let tracker = request.tracker;
            a.handle(now, AnnouncerInput::Failed { tracker, reason: "dead", retry: None });
        }
        let next = a.next_deadline().unwrap();
        assert!(next > now, "the driver would spin");
        now = next;
    }
    // Three trackers, an hour or so apart once the back-off has grown.
    assert!((3 * 16..3 * 56).contains(&requests), "{requests}");
    assert!(a.statuses().iter().all(|status| status.fails > 5 && !status.verified));
    // A host that insists gets one more round, no sooner than the first back-off.
    a.reannounce(now + Duration::from_secs(100));
    let wait = a.next_deadline().unwrap();
    assert!(wait <= now + Duration::from_secs(190));

    let mut none = announcer(&[&["wss://a", "udp://b:1", "nonsense"]], false);
    event(&mut none, 0, AnnounceEvent::Started);
    assert_eq!((none.poll(T0), none.next_deadline()), (None, None));
    none.stop(T0);
    assert!(none.is_stopped());
}

#[test]
fn intervals_are_kept_sane() {
    for (interval, min, expected) in [
        (Some(0), None, 60),
        (Some(120), None, 120),
        (Some(u32::MAX), None, 24 * 3600),
        (None, None, 1800),
        (Some(100), Some(900), 900),
    ] {
        let mut a = announcer(&[&["http://a"]], false);
        event(&mut a, 0, AnnounceEvent::Started);
        let (_, tracker) = one(&mut a, 0);
        let said = AnnounceReply { interval, min_interval: min, ..AnnounceReply::default() };
        a.handle(T0, AnnouncerInput::Reply { tracker, reply: &said });
        assert_eq!(wait(&a, 0), expected, "{interval:?} {min:?}");
    }
}

#[test]
fn reannouncing_obeys_the_minimum() {
    let mut a = announcer(&[&["http://a"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (_, tracker) = one(&mut a, 0);
    let said = AnnounceReply {
        interval: Some(1800),
        min_interval: Some(300),
        tracker_id: Some(b"id".to_vec()),
        warning: Some("slow".into()),
        complete: Some(4),
        ..AnnounceReply::default()
    };
    a.handle(T0, AnnouncerInput::Reply { tracker, reply: &said });
    a.handle(
        T0,
        AnnouncerInput::Scraped {
            tracker,
            complete: None,
            incomplete: Some(2),
            downloaded: Some(7),
        },
    );
    let status = a.statuses().remove(0);
    assert_eq!(status.scrape, (Some(4), Some(2), Some(7)));
    assert_eq!((status.message.as_str(), status.verified, status.fails), ("slow", true, 0));
    a.reannounce(secs(10));
    assert_eq!(wait(&a, 0), 300);
    event(&mut a, 400, AnnounceEvent::None);
    let request = a.poll(secs(400)).unwrap();
    assert_eq!(
        (request.event, request.tracker_id.as_deref()),
        (AnnounceEvent::None, Some(&b"id"[..]))
    );
    reply(&mut a, 400, tracker, 1800);
    a.stop(secs(500));
    assert_eq!(a.poll(secs(500)).unwrap().tracker_id.as_deref(), Some(&b"id"[..]), "kept");
}

/// As soon as its minimum interval allows, beside whatever the tiers' rule comes to, and once.
#[test]
fn a_tracker_that_is_named_is_asked_wherever_it_stands() {
    let mut a = announcer(&[&["http://a"], &["http://b"]], false);
    a.reannounce_to(secs(0), "http://b");
    event(&mut a, 0, AnnounceEvent::Started);
    let (request, first) = one(&mut a, 0);
    assert_eq!(request, "a started", "nothing is wanted of one that does not run");
    a.reannounce_to(secs(1), "http://b");
    a.reannounce_to(secs(1), "http://c");
    let (request, second) = one(&mut a, 1);
    assert_eq!(request, "b started", "while the other is asked");
    reply(&mut a, 2, first, 1800);
    reply(&mut a, 2, second, 1800);
    a.reannounce_to(secs(10), "http://b");
    assert_eq!(a.next_deadline(), Some(secs(62)), "not before its minimum");
    assert_eq!(one(&mut a, 62).0, "b ");
    reply(&mut a, 62, second, 1800);
    assert_eq!(wait(&a, 62), 1740, "the rule's next is the first again");
    event(&mut a, 70, AnnounceEvent::Stopped);
    let gone: Vec<_> = due(&mut a, 70).into_iter().map(|(request, _)| request).collect();
    assert_eq!(gone, ["a stopped", "b stopped"]);
}

#[test]
fn wishes_of_trackers_that_refuse() {
    let mut a = announcer(&[&["http://a"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (_, key) = one(&mut a, 0);
    fail(&mut a, 0, key, Some(Retry::After(Duration::from_secs(7200))));
    assert_eq!(wait(&a, 0), 7200);
    a.reannounce(secs(10));
    assert_eq!(wait(&a, 0), 7200, "a wish is obeyed");
    one(&mut a, 7200);
    fail(&mut a, 7200, key, Some(Retry::Never));
    assert_eq!((a.next_deadline(), a.poll(secs(1 << 30))), (None, None));
    a.reannounce(secs(8000));
    assert_eq!(a.next_deadline(), None);
}

#[test]
fn replacing_the_trackers() {
    let mut a = announcer(&[&["http://a"], &["http://b"]], true);
    event(&mut a, 0, AnnounceEvent::Started);
    let first = due(&mut a, 0);
    first.iter().for_each(|(_, key)| reply(&mut a, 0, *key, 1800));
    a.set_trackers(secs(5), &owned(&[&["http://c", " http://b "], &["http://b", ""]]));
    assert_eq!(a.trackers().len(), 2);
    assert_eq!(a.tiers()[0], ["http://b", "http://c"], "one that works stays in front");
    assert_eq!(a.url(first[0].1), None);
    let next = due(&mut a, 5);
    assert_eq!(next[0].0, "a stopped");
    assert_eq!(next.len(), 1, "b is settled: {next:?}");
    reply(&mut a, 6, first[0].1, 1800);
    assert_eq!(wait(&a, 0), 1800, "b kept its state");
    // A late answer of a tracker that is gone reaches nobody.
    reply(&mut a, 7, first[0].1, 60);
    assert_eq!(wait(&a, 0), 1800);
    a.set_trackers(secs(8), &[]);
    assert_eq!(one(&mut a, 8).0, "b stopped");
    assert_eq!(a.next_deadline(), None);
}

#[test]
fn a_farewell_that_did_not_go_out_is_superseded() {
    let mut a = announcer(&[&["http://a"]], false);
    event(&mut a, 0, AnnounceEvent::Started);
    let (_, key) = one(&mut a, 0);
    reply(&mut a, 0, key, 1800);
    a.stop(secs(1));
    event(&mut a, 1, AnnounceEvent::Started);
    assert_eq!(one(&mut a, 1).0, "a started");
}

proptest! {
    /// Whatever happens in whatever order: a driver never spins, no tracker is asked twice at once,
    /// no more than the mode's requests are under way, `completed` and regular announces only go to
    /// trackers that were told `started`.
    #[test]
    fn any_history(
        all_tiers: bool,
        seed: u64,
        steps in proptest::collection::vec((0u8..9, 0u64..4000), 1..120),
    ) {
        let tiers = owned(&[&["http://a", "http://b"], &["http://c", "udp://d:1"], &["http://e"]]);
        let config = AnnouncerConfig { all_tiers, udp: false };
        let mut a = Announcer::new(&tiers, config, Rng::new(seed));
        let (mut now, mut running) = (0, false);
        let mut open: Vec<AnnounceRequest> = Vec::new();
        let mut told: Vec<TrackerKey> = Vec::new();
        for (step, wait) in steps {
            now += wait;
            let answered = if open.is_empty() { None } else { Some(open.remove(0)) };
            match (step, answered) {
                (0..=2, Some(request)) => {
                    if request.event == AnnounceEvent::Started {
                        told.push(request.tracker);
                    }
                    reply(&mut a, now, request.tracker, 600);
                }
                (3, Some(request)) => fail(&mut a, now, request.tracker, None),
                (4, Some(request)) => {
                    let wish = Retry::After(Duration::from_secs(wait));
                    fail(&mut a, now, request.tracker, Some(wish));
                }
                (step, unanswered) => {
                    open.splice(0..0, unanswered);
                    match step {
                        5 => event(&mut a, now, AnnounceEvent::Completed),
                        6 => {
                            // As told: what is under way is cancelled.
                            (running, open) = (false, Vec::new());
                            told.clear();
                            a.stop(secs(now));
                        }
                        7 => a.reannounce(secs(now)),
                        _ => {
                            running = true;
                            event(&mut a, now, AnnounceEvent::Started);
                        }
                    }
                }
            }
            while let Some(request) = a.poll(secs(now)) {
                if request.event == AnnounceEvent::Stopped {
                    reply(&mut a, now, request.tracker, 600);
                    continue;
                }
                prop_assert!(running);
                prop_assert!(open.iter().all(|other| other.tracker != request.tracker));
                let first = request.event == AnnounceEvent::Started;
                prop_assert_eq!(first, !told.contains(&request.tracker));
                open.push(request);
            }
            let most = if all_tiers { 3 } else { 1 };
            prop_assert!(open.len() <= most);
            prop_assert!(a.next_deadline().is_none_or(|due| due > secs(now)));
            prop_assert_eq!(a.is_stopped(), !running);
            let updating = a.statuses().iter().filter(|status| status.updating).count();
            prop_assert_eq!(updating, open.len());
        }
    }
}

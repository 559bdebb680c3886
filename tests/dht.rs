//! The DHT of the real engine, on the loopback: sessions that know one of them find each other.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tern::api::{
    AddTorrent, Config, DhtEvent, DhtItem, DhtItemKey, DhtOutcome, ErrorKind, EventKind, Hook,
    InfoHash, Metainfo, NodeId, PeerSearch, PeerSource, SecretKey, Session, TorrentBuilder,
    TorrentState, Verdict, class, dht_value,
};

/// Long enough for any step on a busy machine; reached only by a failing test.
const PATIENCE: Duration = Duration::from_secs(120);

fn session(bootstrap: &str, more: &[(&str, &str)]) -> Session {
    let mut config = Config::new();
    for (name, value) in
        [("listen", "127.0.0.1:0"), ("dht_bootstrap", bootstrap), ("dht_upload_rate", "0")]
    {
        config.set_text(name, value).unwrap();
    }
    for (name, value) in more {
        config.set_text(name, value).unwrap();
    }
    Session::new(&config).unwrap()
}

fn addr(session: &Session) -> String {
    session.listening()[0].to_string()
}

/// `count` sessions; all start from the first, and have found each other.
fn network(count: usize) -> Vec<Session> {
    let mut sessions = vec![session("", &[])];
    let first = addr(&sessions[0]);
    sessions.extend((1..count).map(|_| session(&first, &[])));
    for (n, session) in sessions.iter().enumerate().skip(1) {
        let token = session.dht_find_node(NodeId([0x55; 20])).unwrap();
        let outcome = outcome(session, token);
        assert!(matches!(outcome, DhtOutcome::Nodes(_)), "session {n}: {outcome:?}");
    }
    sessions
}

/// Events until one is what is looked for.
fn until<T>(session: &Session, mut wanted: impl FnMut(&EventKind) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        session.wait(Some(Duration::from_millis(100))).unwrap();
        if let Some(found) = session.take(0).iter().find_map(|event| wanted(&event.kind)) {
            return found;
        }
    }
    panic!("it does not come")
}

fn outcome(session: &Session, wanted: u64) -> DhtOutcome {
    until(session, |kind| match kind {
        EventKind::Dht(event) => match &**event {
            DhtEvent::Done { token, outcome, .. } if *token == wanted => Some(outcome.clone()),
            _ => None,
        },
        _ => None,
    })
}

fn close(sessions: Vec<Session>) {
    for session in sessions {
        session.close(Some(PATIENCE)).unwrap();
    }
}

#[test]
fn peers_items_nodes_and_samples() {
    let sessions = network(6);
    let hash = InfoHash([0x42; 20]);
    let announce = PeerSearch { announce: true, port: 4242, ..PeerSearch::default() };
    let token = sessions[1].dht_get_peers(hash, announce).unwrap();
    let DhtOutcome::Peers { announced, .. } = outcome(&sessions[1], token) else { panic!() };
    assert!(announced >= 4, "{announced}");
    let search = PeerSearch { scrape: true, ..PeerSearch::default() };
    let token = sessions[4].dht_get_peers(hash, search).unwrap();
    let peers: Vec<SocketAddr> = until(&sessions[4], |kind| match kind {
        EventKind::Dht(event) => match &**event {
            DhtEvent::Peers { token: of, peers } if *of == token => Some(peers.clone()),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(peers, ["127.0.0.1:4242".parse().unwrap()]);

    let value = dht_value(b"12:Hello World!").unwrap();
    let token = sessions[2].dht_put(value.clone()).unwrap();
    assert!(matches!(outcome(&sessions[2], token), DhtOutcome::Put { stored: 4.., .. }));
    let token = sessions[5].dht_get(DhtItemKey::Immutable(value.target())).unwrap();
    let found = Some(DhtItem::Immutable(value.clone()));
    assert!(matches!(outcome(&sessions[5], token), DhtOutcome::Item { item, .. } if item == found));

    let secret = SecretKey::from_seed(&[7; 32]);
    let key = DhtItemKey::Mutable { key: secret.public(), salt: b"s".to_vec() };
    for seq in 1..=2 {
        let token = sessions[3].dht_put_mutable(secret.clone(), b"s", value.clone(), None).unwrap();
        let DhtOutcome::Put { item, stored, .. } = outcome(&sessions[3], token) else { panic!() };
        assert_eq!((item.seq(), stored >= 4), (Some(seq), true));
    }
    let token = sessions[1].dht_get(key).unwrap();
    let DhtOutcome::Item { item: Some(item), .. } = outcome(&sessions[1], token) else { panic!() };
    assert_eq!((item.seq(), item.value()), (Some(2), &value));
    // Whoever wants to replace the first version comes too late.
    let token = sessions[1].dht_put_mutable(secret, b"s", value, Some(1)).unwrap();
    let late = outcome(&sessions[1], token);
    assert!(matches!(late, DhtOutcome::Put { stored: 0, refused: Some(301), .. }), "{late:?}");

    let token = sessions[0].dht_sample(NodeId(hash.0), None).unwrap();
    let DhtOutcome::Samples { samples, .. } = outcome(&sessions[0], token) else { panic!() };
    assert_eq!(samples, [hash]);
    let token = sessions[0].dht_ping(sessions[3].listening()[0]).unwrap();
    let id = sessions[3].dht_ids().unwrap()[0].id;
    assert!(matches!(outcome(&sessions[0], token), DhtOutcome::Pong { id: of, .. } if of == id));
    assert!(sessions[0].dht_nodes().unwrap().len() >= 4);
    let stats = sessions[0].dht_stats().unwrap();
    assert!(stats.machine.queries > 0 && stats.machine.asked > 0 && stats.endpoints == 1);
    close(sessions);
}

#[test]
fn commands_are_cancelled_refused_and_told() {
    let lonely = session("", &[]);
    let nobody = "127.0.0.1:9".parse().unwrap();
    let token = lonely.dht_ping(nobody).unwrap();
    assert!(matches!(outcome(&lonely, token), DhtOutcome::Failed(_)), "nobody is there");
    let token = lonely.dht_ping(nobody).unwrap();
    lonely.dht_cancel(token).unwrap();
    lonely.dht_cancel(token).unwrap();
    for bad in ["", "x", "host:", "host:0", ":::"] {
        assert_eq!(lonely.dht_add_node(bad).unwrap_err().kind(), ErrorKind::Invalid, "{bad}");
    }
    assert_eq!(lonely.load_state(b"nonsense").unwrap_err().kind(), ErrorKind::Resume);
    let off = session("", &[("dht", "false")]);
    assert_eq!(off.dht_ping(nobody).unwrap_err().kind(), ErrorKind::State);
    assert_eq!(off.dht_stats().unwrap().endpoints, 0);
    // Switched on, it listens; switched off again, what runs is told so.
    let mut config = Config::new();
    config.set_text("dht", "true").unwrap();
    off.apply(&config).unwrap();
    let token = off.dht_ping(lonely.listening()[0]).unwrap();
    assert!(matches!(outcome(&off, token), DhtOutcome::Pong { .. }));
    config.set_text("dht", "false").unwrap();
    off.apply(&config).unwrap();
    assert_eq!(off.dht_ping(nobody).unwrap_err().kind(), ErrorKind::State);
    close(vec![lonely, off]);
}

#[test]
fn what_a_followed_pointer_leads_to_is_added_where_asked() {
    let sessions = network(3);
    let dir = tempfile::tempdir().unwrap();
    let secret = SecretKey::from_seed(&[7; 32]);
    let hash = InfoHash([9; 20]);
    let published = sessions[1].dht_publish(secret.clone(), b"", hash).unwrap();
    until(&sessions[1], |kind| match kind {
        EventKind::Dht(event) => matches!(**event, DhtEvent::Published { .. }).then_some(()),
        _ => None,
    });
    let (key, every) = (secret.public(), Duration::from_secs(3600));
    sessions[2].dht_follow(key, b"", every, Some(dir.path().into())).unwrap();
    let added = until(&sessions[2], |_| sessions[2].torrents().pop());
    assert_eq!(added.info_hash(), hash);
    assert_eq!(added.status().unwrap().state, TorrentState::Metadata);
    sessions[1].dht_cancel(published).unwrap();
    close(sessions);
}

#[test]
fn a_state_brings_ids_and_nodes_back() {
    let sessions = network(5);
    let (state, id) = (sessions[2].save_state().unwrap(), sessions[2].dht_ids().unwrap()[0].id);
    let again = session("", &[]);
    again.load_state(&state).unwrap();
    let token = again.dht_find_node(NodeId([1; 20])).unwrap();
    let DhtOutcome::Nodes(nodes) = outcome(&again, token) else { panic!() };
    assert!(nodes.len() >= 3, "without a bootstrap node: {nodes:?}");
    assert_eq!(again.dht_ids().unwrap()[0].id, id);
    close(sessions);
    close(vec![again]);
}

#[test]
fn the_hook_is_asked_before_a_query_is_answered() {
    let (asked, asker) = (session("", &[]), session("", &[]));
    asked.set_dht_hook(Some(Hook::queued())).unwrap();
    let to = asked.listening()[0];
    for (verdict, answered) in [(Verdict::Accept, true), (Verdict::Reject, false)] {
        let ping = asker.dht_ping(to).unwrap();
        let token = until(&asked, |kind| kind.token());
        asked.complete(token, verdict).unwrap();
        let pong = matches!(outcome(&asker, ping), DhtOutcome::Pong { .. });
        assert_eq!(pong, answered, "{verdict:?}");
        assert_eq!(asked.complete(token, verdict).unwrap_err().kind(), ErrorKind::Gone);
    }
    let mut config = Config::new();
    config.set_text("dht_query_notices", "true").unwrap();
    asked.apply(&config).unwrap();
    asked.set_dht_hook(Some(Hook::inline(|_| Some(Verdict::Pass)))).unwrap();
    let ping = asker.dht_ping(to).unwrap();
    assert!(matches!(outcome(&asker, ping), DhtOutcome::Pong { .. }));
    asked.set_dht_hook(None).unwrap();
    asked.subscribe(class::DHT);
    let ping = asker.dht_ping(to).unwrap();
    until(&asked, |kind| match kind {
        EventKind::Dht(event) => {
            matches!(**event, DhtEvent::Query { token: None, .. }).then_some(())
        }
        _ => None,
    });
    assert!(matches!(outcome(&asker, ping), DhtOutcome::Pong { .. }));
    close(vec![asked, asker]);
}

fn torrent(dir: &std::path::Path, private: bool) -> Metainfo {
    let content: Vec<u8> = (0..=250u8).cycle().take(300_000).collect();
    std::fs::write(dir.join("content"), content).unwrap();
    let mut builder = TorrentBuilder::new(dir.join("content"));
    builder.set_piece_length(Some(16 << 10)).unwrap().set_private(private);
    Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap()
}

/// A torrent is downloaded of which nothing is known but that somebody in the DHT has it; a private
/// one is not.
#[test]
fn torrents_find_peers_and_private_ones_stay_out() {
    let sessions = network(4);
    let (seed_dir, leech_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let metainfo = torrent(seed_dir.path(), false);
    let seed = sessions[1].add(AddTorrent::new(&metainfo, seed_dir.path())).unwrap();
    sessions[1].subscribe(class::DEFAULT | class::DHT);
    until(&sessions[1], |kind| match kind {
        EventKind::Dht(event) => match &**event {
            DhtEvent::Done { outcome: DhtOutcome::Peers { announced: 1.., .. }, .. } => Some(()),
            _ => None,
        },
        _ => None,
    });
    let leech = sessions[2].add(AddTorrent::new(&metainfo, leech_dir.path())).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let mut source = None;
    while leech.status().unwrap().state != TorrentState::Seeding {
        assert!(Instant::now() < deadline, "{:?}", leech.status());
        source = source.or_else(|| Some(leech.peers().unwrap().first()?.status.source));
        sessions[2].wait(Some(Duration::from_millis(20))).unwrap();
        drop(sessions[2].take(0));
    }
    assert!(source.is_none_or(|source| source == PeerSource::Dht), "{source:?}");
    // Switched off, it is of no interest to the service any more.
    assert_eq!(sessions[1].dht_stats().unwrap().torrents, 1);
    seed.set_dht(false).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while sessions[1].dht_stats().unwrap().torrents != 0 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    let other = tempfile::tempdir().unwrap();
    let private = torrent(other.path(), true);
    let hidden = sessions[3].add(AddTorrent::new(&private, other.path())).unwrap();
    while hidden.status().unwrap().state != TorrentState::Seeding {
        assert!(Instant::now() < deadline);
        sessions[3].wait(Some(Duration::from_millis(20))).unwrap();
        drop(sessions[3].take(0));
    }
    assert_eq!(sessions[3].dht_stats().unwrap().torrents, 0);
    assert_eq!(hidden.dht_announce().unwrap_err().kind(), ErrorKind::State);
    close(sessions);
}

/// A link whose metadata says that the torrent is private: the DHT hears no more of it.
#[test]
fn a_link_that_turns_out_private_leaves_the_dht() {
    let sessions = network(3);
    let (seed_dir, leech_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let private = torrent(seed_dir.path(), true);
    sessions[1].add(AddTorrent::new(&private, seed_dir.path())).unwrap();
    let link = format!("magnet:?xt=urn:btih:{}", private.info_hash());
    let leech = sessions[2].add(AddTorrent::magnet(&link, leech_dir.path()).unwrap()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while sessions[2].dht_stats().unwrap().torrents != 1 {
        assert!(Instant::now() < deadline, "it is not looked for");
        std::thread::yield_now();
    }
    leech.add_peer(sessions[1].listening()[0]).unwrap();
    while leech.status().unwrap().state != TorrentState::Seeding {
        assert!(Instant::now() < deadline, "{:?}", leech.status());
        sessions[2].wait(Some(Duration::from_millis(20))).unwrap();
        drop(sessions[2].take(0));
    }
    assert_eq!(sessions[2].dht_stats().unwrap().torrents, 0);
    assert_eq!(leech.dht_announce().unwrap_err().kind(), ErrorKind::State);
    close(sessions);
}

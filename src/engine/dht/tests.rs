//! Services in one room: datagrams arrive at once, time passes in steps.

use super::*;
use crate::base::InfoHash;
use crate::proto::dht::{Config, NodeId, Observe, QueryKind, SecretKey, Value, decode_pointer};

const HERE: EndpointId = EndpointId(0);

struct Room {
    now: Instant,
    services: Vec<Service>,
    told: Vec<(usize, Output)>,
}

fn addr(n: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(n + 1).unwrap()], 6881))
}

fn settings(bootstrap: &[String]) -> Arc<DhtSettings> {
    let machine = Config { upload_rate: 0, ..Config::default() };
    Arc::new(DhtSettings { bootstrap: bootstrap.to_vec(), machine, ..DhtSettings::default() })
}

impl Room {
    /// `count` services, each of which knows the first.
    fn new(count: usize) -> Self {
        let mut room =
            Self { now: Instant::from_micros(1), services: Vec::new(), told: Vec::new() };
        for n in 0..count {
            let first = if n == 0 { Vec::new() } else { vec![addr(0).to_string()] };
            room.add(settings(&first), Saved::default());
            room.give(n, |service, now| service.command(now, Command::Hurry(TorrentId(0))));
            room.give(n, |service, now| service.join(now));
        }
        room.run(60);
        room.told.clear();
        room
    }

    fn add(&mut self, settings: Arc<DhtSettings>, saved: Saved) -> usize {
        let n = self.services.len();
        let rng = Rng::new(n as u64);
        self.services.push(Service::new(&settings, [u8::try_from(n + 1).unwrap(); 20], saved, rng));
        self.give(n, |service, now| service.listen(now, HERE, addr(n), 6881));
        n
    }

    fn give(&mut self, n: usize, f: impl FnOnce(&mut Service, Instant)) {
        f(&mut self.services[n], self.now);
        let mut flying = VecDeque::new();
        self.collect(n, &mut flying);
        while let Some((from, to, data)) = flying.pop_front() {
            let Some(to) = (0..self.services.len()).find(|n| addr(*n) == to) else { continue };
            let now = self.now;
            self.services[to].datagram(now, HERE, addr(from), &data);
            self.collect(to, &mut flying);
        }
    }

    fn collect(&mut self, n: usize, flying: &mut VecDeque<(usize, SocketAddr, Vec<u8>)>) {
        while let Some(output) = self.services[n].poll_output() {
            match output {
                Output::Send { to, data, .. } => flying.push_back((n, to, data)),
                other => self.told.push((n, other)),
            }
        }
    }

    fn run(&mut self, secs: u64) {
        let end = self.now + Duration::from_secs(secs);
        loop {
            let due = |(n, s): (usize, &Service)| s.next_deadline().map(|at| (at, n));
            let next = self.services.iter().enumerate().filter_map(due).min();
            let Some((at, n)) = next.filter(|(at, _)| *at <= end) else { break };
            self.now = self.now.max(at);
            self.give(n, |service, now| service.timeout(now));
        }
        self.now = end;
    }

    fn events(&self, n: usize) -> Vec<&DhtEvent> {
        let of = self.told.iter().filter(|(who, _)| *who == n);
        of.filter_map(|(_, output)| match output {
            Output::Event(_, event) => Some(event),
            _ => None,
        })
        .collect()
    }

    fn outcome(&self, n: usize, wanted: u64) -> Option<&Outcome> {
        self.events(n).into_iter().find_map(|event| match event {
            DhtEvent::Done { token, outcome, .. } if *token == wanted => Some(outcome),
            _ => None,
        })
    }
}

fn torrent(id: u64, role: Role) -> Command {
    Command::Torrent {
        id: TorrentId(id),
        info_hash: InfoHash([u8::try_from(id).unwrap(); 20]),
        role,
    }
}

#[test]
fn torrents_announce_and_find_each_other() {
    let mut room = Room::new(20);
    room.give(3, |service, now| service.command(now, torrent(7, Role::Seed)));
    room.run(5);
    let port = addr(3);
    room.give(9, |service, now| service.command(now, torrent(7, Role::Leech)));
    room.run(5);
    let found = room.told.iter().find_map(|(n, output)| match output {
        Output::Peers(TorrentId(7), peers) if *n == 9 => Some(peers.clone()),
        _ => None,
    });
    assert_eq!(found, Some(vec![port]));
    let done = room.events(9).iter().any(|event| {
        matches!(
            event,
            DhtEvent::Done { token: 0, outcome: Outcome::Peers { announced: 8, .. }, .. }
        )
    });
    assert!(done, "announced at the eight nearest");
    // Every fifteen minutes again, as long as it is wanted.
    let rounds = |room: &Room| {
        room.events(3).iter().filter(|e| matches!(e, DhtEvent::Done { token: 0, .. })).count()
    };
    assert_eq!(rounds(&room), 1);
    room.run(3600);
    assert!((4..=6).contains(&rounds(&room)), "{}", rounds(&room));
    room.give(3, |service, now| service.command(now, Command::TorrentGone(TorrentId(7))));
    let before = rounds(&room);
    room.run(3600);
    assert_eq!(rounds(&room), before);
}

#[test]
fn nothing_is_sent_before_something_is_wanted() {
    let mut room = Room::new(0);
    room.add(settings(&["10.9.9.9:1".into(), "name.example:2".into()]), Saved::default());
    room.run(3600);
    assert!(room.told.is_empty() && room.services[0].next_deadline().is_none());
    assert_eq!(room.services[0].stats(room.now).machine.sent, 0);
    room.give(0, |service, now| service.command(now, torrent(1, Role::Leech)));
    assert!(matches!(&room.told[..], [(0, Output::Resolve(host))] if host == "name.example:2"));
    assert!(room.services[0].stats(room.now).machine.sent > 0);
    let failed = Err("no".to_owned());
    room.give(0, |service, now| service.resolved(now, failed));
    assert!(matches!(room.events(0)[..], [DhtEvent::Unresolved { .. }]));
}

#[test]
fn a_command_waits_for_the_network_and_not_for_ever() {
    let mut room = Room::new(12);
    // A newcomer that has not heard of anybody yet: its router answers at once.
    let n = room.add(settings(&[addr(0).to_string()]), Saved::default());
    let target = NodeId([3; 20]);
    let command = || Command::Run(44, dht::Command::FindNode(target));
    room.give(n, |service, now| service.command(now, command()));
    room.run(5);
    assert!(matches!(room.outcome(n, 44), Some(Outcome::Nodes(nodes)) if nodes.len() == 8));
    // One whose router is dead is told so in the end.
    let n = room.add(settings(&["10.9.9.9:1".into()]), Saved::default());
    room.give(n, |service, now| service.command(now, command()));
    assert!(room.outcome(n, 44).is_none());
    room.run(40);
    assert!(matches!(room.outcome(n, 44), Some(Outcome::Nodes(nodes)) if nodes.is_empty()));
    // One that has nobody to ask at once.
    let n = room.add(settings(&[]), Saved::default());
    room.give(n, |service, now| service.command(now, command()));
    assert!(matches!(room.outcome(n, 44), Some(Outcome::Nodes(nodes)) if nodes.is_empty()));
}

#[test]
fn a_cancelled_command_says_nothing_more() {
    let mut room = Room::new(12);
    let run = Command::Run(5, dht::Command::Ping("10.9.9.9:1".parse().unwrap()));
    room.give(1, |service, now| service.command(now, run));
    room.give(1, |service, now| service.command(now, Command::Cancel(5)));
    room.give(1, |service, now| service.command(now, Command::Cancel(6)));
    room.run(30);
    assert!(room.outcome(1, 5).is_none());
    let cancelled = room.told.iter().filter(|(_, o)| matches!(o, Output::Cancelled)).count();
    assert_eq!(cancelled, 1, "one was running");
    // What runs when the service ends is told.
    let run = Command::Run(7, dht::Command::Ping("10.9.9.9:1".parse().unwrap()));
    room.give(1, |service, now| service.command(now, run));
    room.give(1, |service, _| service.give_up());
    let failed = Outcome::Failed(Failure::NoEndpoint);
    assert_eq!(room.outcome(1, 7), Some(&failed));
}

#[test]
fn a_pointer_is_published_followed_and_outlives_the_session() {
    let mut room = Room::new(16);
    let secret = SecretKey::from_seed(&[9; 32]);
    let hash = InfoHash([0xab; 20]);
    let publish =
        Command::Publish { token: 1, secret: secret.clone(), salt: b"s".to_vec(), info_hash: hash };
    room.give(2, |service, now| service.command(now, publish));
    room.run(10);
    assert!(room.events(2).iter().any(|e| matches!(e, DhtEvent::Published { token: 1, .. })));
    let follow = |token| Command::Follow {
        token,
        key: secret.public(),
        salt: b"s".to_vec(),
        interval: Duration::from_secs(600),
    };
    room.give(4, |service, now| service.command(now, follow(2)));
    room.run(10);
    let update = |room: &Room, n: usize| {
        room.events(n).into_iter().find_map(|event| match event {
            DhtEvent::Update { info_hash, item, .. } => Some((*info_hash, item.seq())),
            _ => None,
        })
    };
    assert_eq!(update(&room, 4), Some((Some(hash), 1)));
    // Saved, restored elsewhere: known before anybody is asked.
    let saved = Saved::decode(&room.services[4].save()).unwrap();
    assert_eq!(saved.pointers.len(), 1);
    let n = room.add(settings(&[]), saved);
    room.give(n, |service, now| service.command(now, follow(3)));
    assert_eq!(update(&room, n), Some((Some(hash), 1)));
    assert!(room.services[n].stats(room.now).machine.nodes > 0, "and it knows nodes");
    assert_eq!(decode_pointer(&Value::new(b"i1e").unwrap()), None);
}

#[test]
fn held_queries_are_asked_about_and_withdrawn() {
    let mut room = Room::new(2);
    room.give(0, |service, now| service.command(now, Command::Observe(Observe::Hold)));
    let ping = |token| Command::Run(token, dht::Command::Ping(addr(0)));
    room.give(1, |service, now| service.command(now, ping(1)));
    let ticket = room.told.iter().find_map(|(n, output)| match output {
        Output::Ask { ticket, kind: QueryKind::Ping, .. } if *n == 0 => Some(*ticket),
        _ => None,
    });
    let ticket = ticket.expect("the host is asked");
    room.give(0, |service, now| service.command(now, Command::Verdict(ticket, true)));
    assert!(matches!(room.outcome(1, 1), Some(Outcome::Pong { .. })));
    room.give(1, |service, now| service.command(now, ping(2)));
    room.run(20);
    assert!(room.told.iter().any(|(n, o)| *n == 0 && matches!(o, Output::Withdraw(_))));
    assert_eq!(room.outcome(1, 2), Some(&Outcome::Failed(Failure::NoAnswer)));
}

//! Commands in a small network: what they find, store and say.

use std::time::Duration;

use super::net::{HERE, HERE6, Net};
use crate::base::InfoHash;
use crate::proto::dht::*;

const HASH: InfoHash = InfoHash([0x77; 20]);

fn get_peers(announce: Option<Announce>) -> Command {
    Command::GetPeers { info_hash: HASH, announce, scrape: true, noseed: false }
}

#[test]
fn announced_peers_are_found_and_counted_in_both_families() {
    let mut net = Net::new(40, true, &Config::default());
    for n in 0..10 {
        // Half of them say that the port of their packets is the one to use, whatever they name.
        let port = 1000 + u16::try_from(n).unwrap();
        let announce = Announce { port, implied: n % 2 == 1, seed: n < 3 };
        let (outcome, stats) = net.command(n, get_peers(Some(announce)));
        let Outcome::Peers { announced, .. } = outcome else { panic!("{outcome:?}") };
        assert!((12..=16).contains(&announced), "eight of each family: {announced}");
        assert!(stats.answered >= 16 && stats.hops <= 3, "{stats:?}");
    }
    let (outcome, stats) = net.command(20, get_peers(None));
    let Outcome::Peers { found, announced: 0, swarm: Some((seeds, peers)) } = outcome else {
        panic!("{outcome:?}")
    };
    let mut expected: Vec<_> = (0..10)
        .flat_map(|n| [Net::addr(n, false), Net::addr(n, true)].map(|addr| (n, addr)))
        .map(|(n, mut addr)| {
            if n % 2 == 0 {
                addr.set_port(1000 + u16::try_from(n).unwrap());
            }
            addr
        })
        .collect();
    expected.sort();
    assert_eq!((net.peers(), found), (expected, 20));
    assert!((seeds - 6.0).abs() < 0.5 && (peers - 14.0).abs() < 0.5, "{seeds} {peers}");
    assert!(stats.first_hops >= 1);
    // An hour later nobody has announced again.
    net.run(Duration::from_secs(3600));
    let (outcome, _) = net.command(20, get_peers(None));
    assert!(matches!(outcome, Outcome::Peers { found: 0, .. }), "{outcome:?}");
}

#[test]
fn immutable_items_are_stored_and_found() {
    let mut net = Net::new(30, false, &Config::default());
    let value = Value::new(b"12:Hello World!").unwrap();
    let (outcome, _) = net.command(1, Command::PutImmutable(value.clone()));
    assert!(matches!(outcome, Outcome::Put { stored: 8, refused: None, .. }), "{outcome:?}");
    let (outcome, _) = net.command(2, Command::GetItem(ItemKey::Immutable(value.target())));
    let item = Some(Item::Immutable(value));
    assert!(matches!(&outcome, Outcome::Item { item: i, .. } if *i == item), "{outcome:?}");
    let nothing = Command::GetItem(ItemKey::Immutable(NodeId([1; 20])));
    assert_eq!(net.command(2, nothing).0, Outcome::Item { item: None, copies: 0 });
}

#[test]
fn mutable_items_go_up_and_races_are_told() {
    let mut net = Net::new(30, false, &Config::default());
    let secret = SecretKey::from_seed(&[1; 32]);
    let key = ItemKey::Mutable { key: secret.public(), salt: b"salt".to_vec() };
    let put = |value: &[u8], replaces| Command::PutMutable {
        secret: secret.clone(),
        salt: b"salt".to_vec(),
        value: Value::new(value).unwrap(),
        replaces,
    };
    let seq = |outcome: &Outcome| match outcome {
        Outcome::Put { item, stored, refused } => (item.seq().unwrap(), *stored, *refused),
        other => panic!("{other:?}"),
    };
    assert_eq!(seq(&net.command(1, put(b"i1e", None)).0), (1, 8, None));
    assert_eq!(seq(&net.command(2, put(b"i2e", None)).0), (2, 8, None));
    assert_eq!(seq(&net.command(3, put(b"i3e", Some(2))).0), (3, 8, None));
    let (late, stored, refused) = seq(&net.command(4, put(b"i4e", Some(2))).0);
    assert_eq!((late, stored, refused), (2, 0, Some(code::CAS)), "somebody was faster");
    let (outcome, _) = net.command(5, Command::GetItem(key.clone()));
    let Outcome::Item { item: Some(Item::Mutable(item)), copies } = outcome else { panic!() };
    assert_eq!((item.seq(), item.value().as_bytes(), copies), (3, &b"i3e"[..], 8));
    // Anybody may keep it alive; an older version is turned away.
    let (outcome, _) = net.command(6, Command::PutSigned(item.clone()));
    assert_eq!(seq(&outcome), (3, 8, None));
    let old = MutableItem::sign(&secret, b"salt", 2, Value::new(b"i9e").unwrap()).unwrap();
    assert_eq!(seq(&net.command(7, Command::PutSigned(old)).0), (2, 0, Some(code::SEQUENCE)));
    let other = ItemKey::Mutable { key: secret.public(), salt: Vec::new() };
    assert_eq!(net.command(8, Command::GetItem(other)).0, Outcome::Item { item: None, copies: 0 });
    let longest = put(b"i1e", Some(i64::MAX));
    assert_eq!(net.command(1, longest).0, Outcome::Failed(Failure::Invalid));
}

#[test]
fn info_hashes_are_sampled() {
    let mut net = Net::new(30, false, &Config::default());
    let announce = Announce { port: 0, implied: true, seed: false };
    net.command(1, get_peers(Some(announce)));
    let target = NodeId::from(HASH);
    let (outcome, _) = net.command(2, Command::Sample { target, to: None });
    let Outcome::Samples { samples, nodes, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((samples, nodes.len()), (vec![HASH], 8));
    assert!(nodes.is_sorted_by_key(|node| node.id.distance(target)));
    let one = Command::Sample { target, to: Some(nodes[0].addr) };
    let (outcome, _) = net.command(3, one);
    let Outcome::Samples { samples, num: 1, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(samples, [HASH]);
}

#[test]
fn one_node_is_pinged_and_nodes_are_found() {
    let mut net = Net::new(30, false, &Config::default());
    let (outcome, _) = net.command(1, Command::Ping(Net::addr(5, false)));
    let id = net.machines[5].id(HERE).unwrap();
    assert_eq!(outcome, Outcome::Pong { id, rtt: Duration::from_millis(20) });
    let nobody = Command::Ping("10.9.9.9:1".parse().unwrap());
    assert_eq!(net.command(1, nobody).0, Outcome::Failed(Failure::NoAnswer));
    let invalid = Command::Ping("10.9.9.9:0".parse().unwrap());
    assert_eq!(net.command(1, invalid).0, Outcome::Failed(Failure::Invalid));
    let v6 = Command::Ping("[2001:db8::1]:1".parse().unwrap());
    assert_eq!(net.command(1, v6).0, Outcome::Failed(Failure::NoEndpoint));
    let target = NodeId([9; 20]);
    let (outcome, _) = net.command(1, Command::FindNode(target));
    let Outcome::Nodes(found) = outcome else { panic!() };
    let mut ids: Vec<_> = (0..30).filter(|n| *n != 1).map(|n| net.machines[n].id(HERE)).collect();
    ids.sort_by_key(|id| id.map(|id| id.distance(target)));
    assert_eq!(found.iter().map(|c| Some(c.id)).collect::<Vec<_>>(), ids[..8]);
}

#[test]
fn read_only_machines_find_and_are_not_found() {
    let mut net = Net::new(20, false, &Config::default());
    net.add(20, false, Config { read_only: true, ..Config::default() });
    net.run(Duration::from_secs(600));
    let id = net.machines[20].id(HERE).unwrap();
    assert!(net.machines[20].good_nodes().count() >= 8);
    for n in 0..20 {
        assert!(net.machines[n].good_nodes().all(|node| node.id != id));
    }
    let (outcome, _) = net.command(1, Command::Ping(Net::addr(20, false)));
    assert_eq!(outcome, Outcome::Failed(Failure::NoAnswer));
    let (outcome, _) =
        net.command(20, get_peers(Some(Announce { port: 0, implied: true, seed: true })));
    assert!(matches!(outcome, Outcome::Peers { announced: 8, .. }), "{outcome:?}");
}

#[test]
fn cancelled_commands_say_nothing_more() {
    let mut net = Net::new(20, false, &Config::default());
    net.told.clear();
    let id = CommandId(7);
    net.give(1, Input::Command { id, command: get_peers(None) });
    let again = Command::FindNode(NodeId([1; 20]));
    net.give(1, Input::Command { id, command: again });
    assert!(matches!(
        net.told.pop(),
        Some((1, Output::Done { outcome: Outcome::Failed(Failure::Busy), .. }))
    ));
    net.give(1, Input::Cancel(id));
    net.run(Duration::from_secs(30));
    assert!(net.told.is_empty(), "{:?}", net.told);
    assert_eq!(net.machines[1].stats().lookups, 0);
}

#[test]
fn a_saved_state_finds_its_way_back_without_routers() {
    let mut net = Net::new(20, false, &Config::default());
    let state = net.machines[3].save();
    let id = net.machines[3].id(HERE);
    let state = State::decode(&state.encode()).unwrap();
    net.machines[3] = Dht::new(Config::default(), [3; 20], state, crate::base::Rng::new(99));
    let local = Net::addr(3, false);
    net.give(3, Input::Listen { endpoint: HERE, local, external: None });
    assert_eq!(net.machines[3].id(HERE), id);
    net.run(Duration::from_secs(20));
    assert!(net.machines[3].good_nodes().count() >= 8);
}

#[test]
fn an_address_that_goes_away_takes_its_lookups_with_it() {
    let mut net = Net::new(20, true, &Config::default());
    net.told.clear();
    net.give(1, Input::Command { id: CommandId(1), command: get_peers(None) });
    net.give(1, Input::Unlisten(HERE));
    net.run(Duration::from_secs(30));
    let done = |o: &Output| matches!(o, Output::Done { outcome: Outcome::Peers { .. }, .. });
    assert_eq!(net.told.iter().filter(|(_, o)| done(o)).count(), 1);
    net.give(1, Input::Command { id: CommandId(1), command: get_peers(None) });
    net.told.clear();
    net.give(1, Input::Unlisten(HERE6));
    assert_eq!(net.told.iter().filter(|(_, o)| done(o)).count(), 1);
    let (outcome, _) = net.command(1, get_peers(None));
    assert_eq!(outcome, Outcome::Failed(Failure::NoEndpoint));
    assert_eq!(net.machines[1].next_deadline(), None, "nothing to do, nothing to wake up for");
}

#[test]
fn without_anybody_to_ask_a_lookup_ends_at_once() {
    let mut net = Net::new(1, false, &Config::default());
    let (outcome, stats) = net.command(0, get_peers(None));
    assert!(matches!(outcome, Outcome::Peers { found: 0, announced: 0, .. }));
    assert_eq!(stats, LookupStats::default());
}

#[test]
fn a_full_budget_slows_lookups_and_does_not_stop_them() {
    let slow = Config { upload_rate: 400, ..Config::default() };
    let mut net = Net::new(20, false, &Config::default());
    net.add(20, false, slow);
    net.run(Duration::from_secs(300));
    let before = net.machines[20].stats().sent_bytes;
    let start = net.now;
    for n in 0..10 {
        let command = Command::FindNode(NodeId([n; 20]));
        net.give(20, Input::Command { id: CommandId(n.into()), command });
    }
    net.told.clear();
    for _ in 0..300 {
        net.run(Duration::from_secs(1));
        let done = |o: &Output| matches!(o, Output::Done { .. });
        if net.told.iter().filter(|(n, o)| *n == 20 && done(o)).count() == 10 {
            break;
        }
    }
    let (bytes, secs) = (net.machines[20].stats().sent_bytes - before, net.now.since(start));
    assert_eq!(net.machines[20].stats().lookups, 0);
    let most = 4096 + 400 * secs.as_secs() + 2000;
    assert!(bytes <= most, "{bytes} in {secs:?}");
    assert!(secs > Duration::from_secs(3), "{secs:?}");
}

/// A session whose bootstrap hosts do not answer learns of one node from a peer: that is enough,
/// and it does not wait for its next try.
#[test]
fn the_first_node_that_answers_is_where_one_starts() {
    let mut net = Net::new(20, false, &Config::default());
    net.place(20, false, Config::default(), State::default());
    let dead = Command::AddRouter("10.9.9.9:1".parse().unwrap());
    net.give(20, Input::Command { id: CommandId(1), command: dead });
    // Long enough for several tries in vain, so that the next one is minutes away.
    net.run(Duration::from_secs(300));
    assert_eq!(net.machines[20].stats().nodes, 0);
    let (outcome, _) = net.command(20, Command::Ping(Net::addr(7, false)));
    assert!(matches!(outcome, Outcome::Pong { .. }), "{outcome:?}");
    net.run(Duration::from_secs(3));
    let nodes = net.machines[20].stats().nodes;
    assert!(nodes >= 8, "{nodes} nodes after three seconds");
    assert!(net.told.iter().any(|(n, o)| *n == 20 && matches!(o, Output::Bootstrapped { .. })));
}

#[test]
fn a_state_given_later_is_as_good_as_one_given_at_the_start() {
    let mut net = Net::new(20, false, &Config::default());
    let saved = net.machines[5].save();
    let id = net.machines[5].id(HERE).unwrap();
    let encoded = State::decode(&saved.encode()).unwrap();
    // The machine comes back at another port, knowing nothing.
    net.place(20, false, Config::default(), State::default());
    assert_ne!(net.machines[20].id(HERE), Some(id));
    net.give(20, Input::Restore(encoded.clone()));
    net.run(Duration::from_secs(5));
    assert!(net.machines[20].stats().nodes >= 8);
    // Its address differs from the saved one by more than its port: the id is not its own.
    assert_ne!(net.machines[20].id(HERE), Some(id));
    // Who has found its place keeps its id.
    let before = net.machines[6].id(HERE);
    net.give(6, Input::Restore(encoded.clone()));
    assert_eq!(net.machines[6].id(HERE), before);
    let endpoint = EndpointId(1);
    let mut other =
        Dht::new(Config::default(), [1; 20], State::default(), crate::base::Rng::new(1));
    let listen = |port| {
        let local = std::net::SocketAddr::new(Net::addr(5, false).ip(), port);
        Input::Listen { endpoint, local, external: None }
    };
    other.handle(net.now, listen(4000));
    other.handle(net.now, Input::Restore(encoded));
    assert_eq!(other.id(endpoint), Some(id), "only the port is another");
}

/// All nodes of an earlier session are gone: the bootstrap hosts are not asked last.
#[test]
fn dead_nodes_of_an_earlier_session_do_not_keep_us_out() {
    let mut net = Net::new(20, false, &Config::default());
    let dead: Vec<Contact> = (0..200u8)
        .map(|n| Contact { id: NodeId([n; 20]), addr: ([10, 8, n, 1], 6881).into() })
        .collect();
    let bytes = [b"d3:idsle5:nodes5200:".as_slice(), &write_contacts(&dead), b"e"].concat();
    net.place(20, false, Config::default(), State::decode(&bytes).unwrap());
    net.run(Duration::from_secs(1));
    let router = Command::AddRouter(Net::addr(0, false));
    net.give(20, Input::Command { id: CommandId(1), command: router });
    net.run(Duration::from_secs(5));
    let nodes = net.machines[20].stats().nodes;
    assert!(nodes >= 8, "{nodes} nodes after five seconds");
}

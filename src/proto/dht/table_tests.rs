//! Tests of the routing table: each rule alone, then random histories against the invariants.

use super::*;
use crate::base::Rng;

const CONFIG: TableConfig = TableConfig {
    extended: false,
    restrict_ips: true,
    prefer_secure: false,
    enforce_secure: false,
    max_fails: 20,
};

fn at(secs: u64) -> Instant {
    Instant::from_micros(secs * 1_000_000)
}

fn own() -> NodeId {
    NodeId([0; 20])
}

/// A contact in bucket `bits`, at an address of its own /24.
fn contact(bits: usize, n: u32, rng: &mut Rng) -> Contact {
    let addr = SocketAddr::from(((0x0800_0000 + n * 256).to_be_bytes(), 6881));
    Contact { id: own().sibling(bits, rng), addr }
}

#[test]
fn the_last_bucket_splits_and_the_others_fill_up() {
    let mut rng = Rng::new(1);
    let mut table = Table::new(own(), CONFIG);
    for n in 0..40 {
        table.answered(at(n.into()), contact(0, n, &mut rng));
        table.check_invariants();
    }
    assert_eq!((table.len(), table.depth()), ((8, 0), 2));
    for n in 40..80 {
        table.answered(at(n.into()), contact((n % 4) as usize, n, &mut rng));
        table.check_invariants();
    }
    assert_eq!((table.len(), table.depth()), ((32, 0), 5));
    let mut wide = Table::new(own(), TableConfig { extended: true, ..CONFIG });
    for n in 0..200 {
        wide.answered(at(0), contact((n % 2) as usize, n, &mut rng));
    }
    wide.check_invariants();
    assert_eq!(wide.len(), (100 + 64, 0));
}

#[test]
fn neighbours_are_kept_apart_unless_they_are_local() {
    let mut rng = Rng::new(2);
    let mut table = Table::new(own(), CONFIG);
    let mut with =
        |addr: &str| Contact { id: NodeId::random(&mut rng), addr: addr.parse().unwrap() };
    table.answered(at(0), with("8.8.8.8:1"));
    table.answered(at(0), with("8.8.8.8:2"));
    table.answered(at(0), with("8.8.8.9:1"));
    assert_eq!(table.len(), (1, 0));
    for port in 1..8 {
        table.answered(at(0), with(&format!("127.0.0.1:{port}")));
    }
    assert_eq!(table.len(), (8, 0));
    table.check_invariants();
    let mut free = Table::new(own(), TableConfig { restrict_ips: false, ..CONFIG });
    free.answered(at(0), with("8.8.8.8:1"));
    free.answered(at(0), with("8.8.8.8:2"));
    assert_eq!(free.len(), (2, 0));
}

#[test]
fn an_id_in_use_does_not_move_and_an_address_may_change_its_id() {
    let mut rng = Rng::new(3);
    let mut table = Table::new(own(), CONFIG);
    let first = contact(0, 1, &mut rng);
    table.answered(at(0), first);
    let thief = Contact { addr: contact(0, 2, &mut rng).addr, ..first };
    table.answered(at(1), thief);
    table.asked_us(at(1), thief);
    assert_eq!(table.closest(first.id, 8, true), [first]);
    let renamed = Contact { id: own().sibling(0, &mut rng), ..first };
    table.asked_us(at(2), renamed);
    assert_eq!(table.closest(first.id, 8, true), [first], "a question can be forged");
    table.answered(at(3), renamed);
    assert_eq!(table.closest(first.id, 8, true), [renamed]);
    table.check_invariants();
}

#[test]
fn what_was_only_claimed_yields_to_what_was_answered() {
    let mut rng = Rng::new(4);
    let mut table = Table::new(own(), CONFIG);
    let real = contact(0, 1, &mut rng);
    let other_place = Contact { addr: contact(0, 2, &mut rng).addr, ..real };
    let other_port = Contact {
        id: own().sibling(0, &mut rng),
        addr: SocketAddr::new(real.addr.ip(), real.addr.port() + 1),
    };
    table.asked_us(at(0), other_place);
    table.asked_us(at(0), other_port);
    assert_eq!(table.len(), (0, 2));
    assert!(table.closest(real.id, 8, false).is_empty(), "nobody is told of them");
    table.answered(at(1), real);
    assert_eq!(table.closest(real.id, 8, true), [real]);
    table.check_invariants();
}

#[test]
fn the_silent_are_replaced_after_two_losses_or_dropped_in_the_end() {
    let mut rng = Rng::new(5);
    let mut table = Table::new(own(), TableConfig { max_fails: 3, ..CONFIG });
    let nodes: Vec<_> = (0..9).map(|n| contact(0, n, &mut rng)).collect();
    nodes.iter().for_each(|node| table.answered(at(0), *node));
    // Splits the last bucket, so that the first is full for good.
    table.answered(at(0), contact(1, 50, &mut rng));
    assert_eq!(table.len(), (9, 0));
    table.failed(nodes[0]);
    assert!(table.closest(nodes[0].id, 20, true).contains(&nodes[0]));
    assert!(!table.closest(nodes[0].id, 20, false).contains(&nodes[0]), "not told to others");
    table.failed(nodes[0]);
    let all = table.closest(own(), 20, true);
    assert!(all.contains(&nodes[8]) && !all.contains(&nodes[0]));
    for _ in 0..2 {
        table.failed(nodes[1]);
    }
    assert_eq!(table.len(), (9, 0), "no replacement is left");
    table.failed(nodes[1]);
    assert_eq!(table.len(), (8, 0));
    table.check_invariants();
}

#[test]
fn fitting_ids_take_the_place_of_others() {
    let mut rng = Rng::new(6);
    let mut table = Table::new(own(), TableConfig { prefer_secure: true, ..CONFIG });
    for n in 0..20 {
        table.answered(at(0), contact(0, n, &mut rng));
    }
    table.answered(at(0), contact(1, 90, &mut rng));
    let mut placed = 0;
    for n in 100.. {
        let addr = contact(0, n, &mut rng).addr;
        let node = Contact { id: NodeId::secure(addr.ip(), &mut rng), addr };
        if own().common_bits(node.id) == 0 {
            table.answered(at(0), node);
            assert!(table.closest(own(), 50, false).contains(&node));
            placed += 1;
        }
        if placed == 8 {
            break;
        }
    }
    table.check_invariants();
    let mut strict = Table::new(own(), TableConfig { enforce_secure: true, ..CONFIG });
    strict.answered(at(0), contact(0, 1, &mut rng));
    assert!(strict.is_empty());
}

#[test]
fn the_doubtful_are_checked_in_turn() {
    let mut rng = Rng::new(7);
    let mut table = Table::new(own(), CONFIG);
    let (old, new) = (contact(0, 1, &mut rng), contact(1, 2, &mut rng));
    table.answered(at(0), old);
    table.asked_us(at(10), new);
    assert_eq!(table.to_check(at(11)), Some(new));
    table.asking(at(11), new);
    assert_eq!(table.to_check(at(12)), None);
    table.answered(at(12), new);
    assert_eq!(table.to_check(at(899)), None);
    assert_eq!(table.to_check(at(900)), Some(old));
    table.asked_us(at(901), old);
    assert_eq!(table.to_check(at(902)), None, "it is alive: it asked");
}

#[test]
fn depths_with_few_nodes_are_named_until_our_own_neighbourhood() {
    let mut rng = Rng::new(8);
    let mut table = Table::new(own(), TableConfig { extended: true, ..CONFIG });
    assert_eq!(table.sparse_depth(0), None);
    for n in 0..20 {
        table.answered(at(0), contact(3 + n as usize % 3, n, &mut rng));
    }
    // 7 share three bits, 7 four, 6 five: behind four bits is our own neighbourhood.
    assert_eq!(
        (0..5).map(|b| table.sparse_depth(b)).collect::<Vec<_>>(),
        [Some(0), Some(1), Some(2), Some(3), None]
    );
    for n in 0..8 {
        table.answered(at(0), contact(1, 100 + n, &mut rng));
    }
    assert_eq!((table.sparse_depth(0), table.sparse_depth(1)), (Some(0), Some(2)));
}

#[test]
fn random_histories_keep_the_table_consistent() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let config = TableConfig {
            extended: rng.one_in(2),
            restrict_ips: rng.one_in(2),
            prefer_secure: rng.one_in(2),
            ..CONFIG
        };
        let mut table = Table::new(NodeId::random(&mut rng), config);
        let known: Vec<Contact> = (0..400)
            .map(|n| {
                let ip = 0x0800_0000 + u32::try_from(rng.below(60)).unwrap() * 100 + n % 7;
                let bits = rng.index(12);
                let port = 1 + u16::try_from(rng.below(3)).unwrap();
                let id = table.own().sibling(bits, &mut rng);
                Contact { id, addr: SocketAddr::from((ip.to_be_bytes(), port)) }
            })
            .collect();
        for step in 0..3000u64 {
            let mut node = known[rng.index(known.len())];
            if rng.one_in(10) {
                node.addr = known[rng.index(known.len())].addr;
            }
            match rng.below(4) {
                0 => drop(table.asked_us(at(step), node)),
                1 => table.failed(node),
                _ => table.answered(at(step), node),
            }
            if step % 50 == 0 {
                table.check_invariants();
            }
        }
        let target = NodeId::random(&mut rng);
        let near = table.closest(target, 8, false);
        assert!(near.is_sorted_by_key(|c| c.id.distance(target)));
        assert!(near.len() == 8 || table.good().count() < 8);
    }
}

//! Networks of DHT nodes in virtual time: links with delay and loss, nodes that come and go, and
//! nodes that lie. A key is looked for by nodes picked at random, and what it took is counted.
//!
//! `TERN_DHT_NODES=2000` makes the large network as large as the records say, which takes a minute;
//! `TERN_SIM_SEED=n` sets another seed. For the numbers of docs/performance.md:
//!
//!     TERN_DHT_NODES=2000 cargo test --release --test sim dht:: -- --nocapture --test-threads=1

use std::time::Duration;

use tern::proto::dht::{Config, Security};

use crate::dht_world::{Report, Setup, World};

fn seed() -> u64 {
    std::env::var("TERN_SIM_SEED").map_or(1, |seed| seed.parse().expect("a number"))
}

/// Announces and searches until there are enough of them, and says what came of it.
#[expect(clippy::print_stdout, reason = "the numbers are what the run is for")]
fn measure(setup: Setup, keys: usize) -> Report {
    let nodes = setup.nodes;
    let hostile = (setup.liars, setup.squatters, setup.spoofers);
    let mut world = World::new(setup);
    world.settle();
    let report = world.search(keys);
    let cost = world.cost();
    println!("{nodes} nodes, hostile {hostile:?}: {report}; {cost:?} of the asker's CPU each");
    report
}

#[test]
fn a_clean_network_finds_every_key_in_few_steps() {
    let report = measure(Setup { nodes: 150, ..Setup::new(seed()) }, 40);
    assert_eq!(report.found, report.searches, "{report}");
    assert!(report.median_hops() <= 3, "{report}");
}

/// The network of the promise: loss, churn and three kinds of hostile nodes at once.
#[test]
fn a_large_hostile_network_finds_keys_with_high_probability() {
    let nodes = std::env::var("TERN_DHT_NODES").map_or(400, |n| n.parse().expect("a number"));
    let setup = Setup {
        nodes,
        loss_percent: 3,
        churn_percent: 10,
        liars: nodes / 20,
        squatters: nodes / 50,
        spoofers: 5,
        config: Config { security: Security::Enforce, ..Config::default() },
        ..Setup::new(seed())
    };
    let report = measure(setup, 100);
    assert!(report.found * 100 >= report.searches * 98, "{report}");
    assert!(report.median_hops() <= 4, "{report}");
    assert!(report.median_asked() <= 40, "{report}");
}

/// The same hostility where ids that do not fit are only disliked: the default.
#[test]
fn preferring_ids_that_fit_is_nearly_as_good_as_enforcing_them() {
    let setup = Setup {
        nodes: 200,
        loss_percent: 3,
        churn_percent: 10,
        liars: 10,
        squatters: 4,
        spoofers: 2,
        ..Setup::new(seed())
    };
    let report = measure(setup, 60);
    assert!(report.found * 100 >= report.searches * 95, "{report}");
}

#[test]
fn a_seed_replays_a_network_to_the_last_packet() {
    let run = || {
        let setup = Setup {
            nodes: 60,
            loss_percent: 10,
            churn_percent: 20,
            liars: 3,
            squatters: 2,
            spoofers: 1,
            ..Setup::new(seed())
        };
        measure(setup, 10)
    };
    assert_eq!(run(), run());
}

/// Half of the nodes leave at once: those who stay find each other, and what is announced again.
#[test]
fn a_network_survives_the_loss_of_half_its_nodes() {
    let mut world = World::new(Setup { nodes: 150, ..Setup::new(seed()) });
    world.settle();
    world.kill_every_second();
    world.run(Duration::from_secs(20 * 60));
    let report = world.search(30);
    println!("after the loss of half: {report}");
    assert!(report.found * 100 >= report.searches * 96, "{report}");
}

//! Torrents that start from an info-hash (BEP 9), and peers found by peers (BEP 11): who lies, who
//! is silent, who leaves, and what is left of it after a restart.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tern::base::{Instant, Look, Payload, PeerId, PeerKey, Rng, TorrentId, UnixTime};
use tern::codec::metainfo::Info;
use tern::proto::peer::ut_metadata::MetadataMessage;
use tern::proto::peer::ut_pex::{Pex, PexFlags};
use tern::proto::peer::{Config, Connection, Event as ConnEvent, Message};
use tern::swarm::{
    CloseReason, Command, Input, LoadPolicy, Output, PeerSource, SavePolicy, Status, Torrent,
    TorrentParams, TorrentState, Tuning,
};

use crate::content::Content;
use crate::node::{Forged, Setup};
use crate::world::{Event, World};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn world(seed: u64, pieces: u32) -> World {
    let mut rng = Rng::new(seed);
    // Long enough for several pieces of metadata: 20 bytes of it for each of these.
    let content = Content::simple(&mut rng, 16_384, pieces);
    let mut world = World::new(content, Rng::new(seed + 1000));
    world.dial_fails = 1_000_000;
    world
}

fn seed() -> Setup {
    Setup { complete: true, uplink: 20_000_000, ..Setup::default() }
}

fn magnet() -> Setup {
    Setup { magnet: true, uplink: 20_000_000, ..Setup::default() }
}

fn all_complete(w: &World) -> bool {
    w.nodes.iter().all(|n| !n.setup.must_complete || n.is_complete())
}

#[track_caller]
fn complete_within(world: &mut World, limit: Duration) {
    assert!(world.run(limit, all_complete), "not complete:\n{}", world.describe());
}

fn status(world: &World, n: usize) -> Status {
    world.nodes[n].torrent.as_ref().unwrap().status(world.now)
}

#[test]
fn a_magnet_becomes_a_torrent_and_keeps_its_peers() {
    for s in 0..2 {
        let mut w = world(s, 900);
        w.add(seed());
        let leech = w.add(magnet());
        complete_within(&mut w, secs(300));
        let log = &w.nodes[leech].log;
        assert_eq!((log.metadata, log.finished), (1, 1));
        assert_eq!(log.states.first(), Some(&TorrentState::Metadata));
        // Both dialled, and in the end both are complete: no other reason to part.
        let fine = |r: &CloseReason| matches!(r, CloseReason::Duplicate | CloseReason::BothSeeds);
        assert!(log.disconnects.iter().all(fine), "{:?}", log.disconnects);
    }
}

#[test]
fn fifty_magnets_and_one_seed() {
    let mut w = world(50, 16);
    let tuning = Tuning { max_connections: 10, ..Tuning::default() };
    w.add(Setup { tuning: tuning.clone(), ..seed() });
    for _ in 0..50 {
        w.add(Setup { tuning: tuning.clone(), ..magnet() });
    }
    complete_within(&mut w, secs(900));
    assert!(w.nodes.iter().skip(1).all(|n| n.log.metadata == 1));
}

#[test]
fn liars_and_the_mute_only_cost_time() {
    for s in 0..12 {
        let mut rng = Rng::new(s);
        let mut w = world(s, 900);
        let size = w.content.info.raw.len();
        let bad = |w: &mut World, setup: Setup| {
            w.add(Setup { complete: true, must_complete: false, ..setup })
        };
        for _ in 0..1 + rng.index(4) {
            let forged = match rng.below(4) {
                0 => Forged::Bytes,
                1 => Forged::Size(size + 1 + rng.index(100_000)),
                2 => Forged::Size(1 + rng.index(size)),
                _ => Forged::Size(0),
            };
            bad(&mut w, Setup { forged: Some(forged), liar: true, ..magnet() });
        }
        for _ in 0..rng.index(3) {
            bad(&mut w, Setup { mute: true, ..seed() });
        }
        w.add(seed());
        let leech = w.add(magnet());
        assert!(
            w.run(secs(3600), |w| w.nodes[leech].have() > 20),
            "seed {s}: no content\n{}",
            w.describe()
        );
    }
}

#[test]
fn the_only_one_who_has_it_leaves_and_comes_back() {
    for s in 0..8 {
        let mut w = world(s, 900);
        let only = w.add(seed());
        w.add(magnet());
        w.add(magnet());
        let mut rng = Rng::new(s);
        for n in 0..3 {
            let at = Duration::from_millis(n * 40_000 + rng.below(2_000));
            w.after(at, Event::Crash(only));
            w.after(at + secs(20), Event::Boot(only));
        }
        let some = |w: &World| w.nodes[1..].iter().all(|n| n.have() > 20);
        assert!(w.run(secs(3600), some), "{}", w.describe());
    }
}

#[test]
fn a_restart_loses_nothing_with_metadata_or_without() {
    for s in 0..4 {
        let mut w = world(s, 300);
        let leech = w.add(Setup { selected: Some(vec![(0, 0)]), ..magnet() });
        // Nobody is there: what is saved knows no pieces.
        w.run(secs(1), |_| false);
        w.command(leech, Command::Close);
        assert!(w.run(secs(60), |w| w.nodes[leech].torrent.is_none()));
        let saved = w.nodes[leech].saved.clone().expect("a magnet is saved");
        assert!(saved.info.is_none() && saved.pieces.is_none());
        w.after(secs(1), Event::Boot(leech));
        w.add(Setup { uplink: 500_000, ..seed() });
        let part = |w: &World| w.nodes[leech].have() > 50;
        assert!(w.run(secs(300), part), "{}", w.describe());
        w.command(leech, Command::Close);
        assert!(w.run(secs(60), |w| w.nodes[leech].torrent.is_none()));
        let saved = w.nodes[leech].saved.clone().unwrap();
        assert_eq!(saved.info.as_deref(), Some(&*w.content.info.raw));
        w.nodes[leech].log.checked.clear();
        w.after(secs(1), Event::Boot(leech));
        complete_within(&mut w, secs(300));
        let (have, hashed, _) = w.nodes[leech].log.checked[0];
        assert!(have > 50 && hashed == 0, "{have} had, {hashed} hashed");
        assert_eq!(w.nodes[leech].log.metadata, 1, "not fetched again");
    }
}

#[test]
fn files_chosen_before_they_are_known_are_the_only_ones_fetched() {
    let mut rng = Rng::new(4);
    let lengths = [(100_000, false), (200_000, false), (150_000, false), (90_000, false)];
    let content = Content::new(&mut rng, 16_384, &lengths);
    let mut w = World::new(content, Rng::new(5));
    w.dial_fails = 1_000_000;
    w.add(seed());
    let setup = Setup { selected: Some(vec![(1, 1), (3, 9)]), must_complete: false, ..magnet() };
    let leech = w.add(setup);
    assert!(w.run(secs(60), |w| w.nodes[leech].log.finished > 0), "{}", w.describe());
    let torrent = w.nodes[leech].torrent.as_ref().unwrap();
    assert_eq!(torrent.file_priorities(), [0, 4, 0, 4]);
    assert_eq!(status(&w, leech).state, TorrentState::Finished);
}

#[test]
fn content_already_there_is_found_when_the_metadata_comes() {
    let mut w = world(6, 200);
    w.add(seed());
    let second = w.add(Setup { complete: true, ..magnet() });
    complete_within(&mut w, secs(60));
    assert_eq!(status(&w, second).downloaded, 0);
    assert_eq!(w.nodes[second].log.checked[0].1, 200);
}

/// A and B know each other, B and C do: A and C meet although nobody introduces them.
#[test]
fn peers_of_peers_are_found() {
    for (magnets, private) in [(false, false), (true, false), (false, true)] {
        let mut w = world(7, 64);
        if private {
            let content = w.content.private();
            w = World::new(content, Rng::new(8));
            w.dial_fails = 1_000_000;
        }
        w.tracker = false;
        let quiet = Setup { must_complete: false, ..Setup::default() };
        // None of them can complete: nobody closes for want of use within these minutes.
        let nodes: Vec<usize> =
            (0..3).map(|n| w.add(Setup { magnet: magnets && n == 0, ..quiet.clone() })).collect();
        w.run(secs(1), |_| false);
        let [b, c] = [1, 2].map(|n| w.nodes[nodes[n]].addr);
        w.command(nodes[0], Command::AddPeer(b));
        w.command(nodes[1], Command::AddPeer(c));
        let met = |w: &World| status(w, 0).peers == 2 && status(w, 2).peers == 2;
        let found = w.run(secs(200), met);
        assert_eq!(found, !private, "{}", w.describe());
        let counts = [0, 2].map(|n| status(&w, n).known_by_source[PeerSource::Pex.index()]);
        let told: u32 = w.nodes.iter().map(|n| n.log.pex).sum();
        if private {
            assert_eq!((counts, told), ([0, 0], 0));
        } else {
            assert!(counts.iter().sum::<u32>() > 0 && told > 0);
            let by_source = status(&w, 0).peers_by_source;
            assert_eq!(by_source.iter().sum::<u32>(), 2);
        }
    }
}

/// A torrent and one hand-made peer of it.
struct Puppet {
    now: Instant,
    torrent: Torrent,
    peer: Connection,
    key: PeerKey,
    info: Arc<Info>,
    /// What the torrent said to the peer.
    heard: Vec<Message>,
    closed: bool,
}

impl Puppet {
    fn new(known: bool, offers: u32) -> Self {
        Self::of(&Content::simple(&mut Rng::new(1), 16_384, 2500), known, offers)
    }

    fn of(content: &Content, known: bool, offers: u32) -> Self {
        let info = content.info.clone();
        let now = Instant::from_micros(1_000_000);
        let given = if known { info.clone() } else { Info::unknown(info.info_hash, "dn").into() };
        let params = TorrentParams {
            id: TorrentId(1),
            info: given,
            link: None,
            selected: None,
            url_list: None,
            resume: None,
            window: None,
            seed_mode: false,
            peer_id: PeerId([9; 20]),
            listen_port: 6881,
            external_addr: None,
            tuning: Arc::new(Tuning::default()),
            paused: false,
            sequential: false,
            file_priority: None,
            save_policy: SavePolicy::default(),
            load_policy: LoadPolicy::PerFile,
            verify_window: None,
            seed: 3,
            unix_now: UnixTime(1_700_000_000),
            save_path: b"/content"[..].into(),
            renamed: Vec::new(),
            preallocate: false,
            limits: None,
            trackers: None,
        };
        let mut torrent = Torrent::new(now, params, 100);
        torrent.handle(now, Input::Start);
        let config = Config {
            info_hash: info.info_hash,
            peer_id: PeerId([1; 20]),
            piece_count: None,
            metadata_size: offers,
            pex: true,
            client: String::new(),
            reqq: 10,
            listen_port: 7000,
            peer_addr: None,
            upload_only: false,
            dht: false,
            handshake_timeout: secs(10),
            idle_timeout: secs(3600),
        };
        let mut puppet = Self {
            now,
            torrent,
            peer: Connection::outgoing(now, config),
            key: PeerKey(7),
            info,
            heard: Vec::new(),
            closed: false,
        };
        puppet.settle_disk();
        let mut connection = Box::new(Connection::incoming(now, secs(10)));
        let mut data = puppet.said();
        connection.receive(now, &mut data);
        assert!(matches!(connection.poll_event(), Some(ConnEvent::Handshake(_))));
        let addr = "10.0.0.9:40000".parse().unwrap();
        let input = Input::Incoming { peer: puppet.key, addr, connection };
        puppet.torrent.handle(now, input);
        puppet.pump();
        puppet
    }

    /// Answers the first looks at the files of a torrent that is known.
    fn settle_disk(&mut self) {
        use tern::swarm::{DiskAnswer, DiskOp, DiskOpKind};
        while let Some(output) = self.torrent.poll_output() {
            let answer = match output {
                Output::Disk(DiskOp::Stat) => {
                    let files = vec![None; self.torrent.info().files.len()];
                    DiskAnswer::Stats(Ok(Look { files, ..Look::default() }))
                }
                Output::Disk(DiskOp::Prepare) => DiskAnswer::Done(DiskOpKind::Prepare, Ok(())),
                _ => continue,
            };
            self.torrent.handle(self.now, Input::Disk(answer));
        }
    }

    fn said(&mut self) -> BytesMut {
        let mut chunks = VecDeque::new();
        self.peer.take_transmit(&mut chunks);
        chunks.iter().flat_map(|chunk| chunk.in_memory().unwrap().to_vec()).collect()
    }

    /// Moves bytes both ways until nobody has any.
    fn pump(&mut self) {
        loop {
            let mut back: VecDeque<Payload> = VecDeque::new();
            while let Some(output) = self.torrent.poll_output() {
                match output {
                    Output::Transmit { peer } => self.torrent.take_transmit(peer, &mut back),
                    Output::Close { .. } => self.closed = true,
                    _ => {}
                }
            }
            let mut back: BytesMut =
                back.iter().flat_map(|chunk| chunk.in_memory().unwrap().to_vec()).collect();
            let quiet = back.is_empty();
            self.peer.receive(self.now, &mut back);
            while let Some(event) = self.peer.poll_event() {
                // Extension handshakes have an event of their own.
                if let ConnEvent::Message(message) = event
                    && !matches!(message, Message::Extended { .. })
                {
                    self.heard.push(message);
                }
            }
            let mut data = self.said();
            if data.is_empty() && quiet {
                break;
            }
            self.torrent.handle(self.now, Input::Received { peer: self.key, data: &mut data });
            self.torrent.check_invariants();
        }
    }

    fn say(&mut self, message: Message) {
        self.peer.send(self.now, message);
        self.pump();
    }

    fn later(&mut self, wait: Duration) {
        self.now = self.now + wait;
        self.torrent.handle(self.now, Input::Timeout);
        self.pump();
    }

    fn pex(&mut self, added: &[&str], dropped: &[&str]) {
        let added = added.iter().map(|a| (a.parse().unwrap(), PexFlags::default())).collect();
        let dropped = dropped.iter().map(|a| a.parse().unwrap()).collect();
        self.say(Message::Pex(Pex { added, dropped }.encode().into()));
    }

    fn known(&self) -> Status {
        self.torrent.status(self.now)
    }

    fn metadata(&mut self, message: &MetadataMessage<'_>) {
        self.say(Message::Metadata(message.encode().into()));
    }

    fn count(&self, wanted: fn(&Message) -> bool) -> usize {
        self.heard.iter().filter(|message| wanted(message)).count()
    }
}

fn is_metadata(message: &Message) -> bool {
    matches!(message, Message::Metadata(_))
}

#[test]
fn sizes_that_cannot_be_are_not_asked_for() {
    for size in [0, (32 << 20) + 1, u32::MAX] {
        let puppet = Puppet::new(false, size);
        assert_eq!(puppet.count(is_metadata), 0, "{size}");
        assert_eq!(puppet.known().state, TorrentState::Metadata);
    }
    assert_eq!(Puppet::new(false, 40_000).count(is_metadata), 2);
}

/// What was found for it publicly is forgotten, and what is on its way then is not taken.
#[test]
fn a_link_that_turns_out_private_knows_nobody_by_public_ways() {
    let content = Content::simple(&mut Rng::new(1), 16_384, 2500).private();
    let mut puppet = Puppet::of(&content, false, 0);
    let known = |puppet: &Puppet| puppet.known().known_by_source;
    let sources = [PeerSource::Dht, PeerSource::Lsd, PeerSource::Pex, PeerSource::Tracker];
    let find = |puppet: &mut Puppet, last: u8| {
        for (n, source) in (1..).zip(sources) {
            let addrs = &[([10, 1, n, last], 6881).into()];
            puppet.torrent.handle(puppet.now, Input::PeersFound { source, addrs });
        }
        puppet.pump();
        sources.map(|source| known(puppet)[source.index()])
    };
    assert_eq!(find(&mut puppet, 1), [1, 1, 1, 1]);
    let info = puppet.info.clone();
    puppet.torrent.handle(puppet.now, Input::Command(Command::Metadata(info)));
    puppet.pump();
    let counts = find(&mut puppet, 2);
    assert_eq!(counts[3], 2);
    assert_eq!(counts[..3], find(&mut puppet, 3)[..3], "none more");
}

#[test]
fn metadata_is_given_so_often_and_refused_when_there_is_none() {
    let mut puppet = Puppet::new(true, 0);
    for _ in 0..100 {
        puppet.metadata(&MetadataMessage::Request(0));
    }
    let pieces = puppet.info.raw.len().div_ceil(16 * 1024);
    assert_eq!(puppet.count(is_metadata), 2 * pieces + 8);
    let mut without = Puppet::new(false, 0);
    without.metadata(&MetadataMessage::Request(0));
    // BEP 6: what we have is told first, also when that is nothing.
    let [Message::HaveNone, Message::Metadata(answer)] = &without.heard[..] else {
        panic!("{:?}", without.heard)
    };
    assert_eq!(MetadataMessage::decode(answer), Some(Some(MetadataMessage::Reject(0))));
}

#[test]
fn what_was_said_before_the_metadata_counts_or_is_a_fault_after_it() {
    for (bits, fine) in [
        (vec![0xff; 312], false),
        (vec![0xff; 313], false),
        ([vec![0xff; 312], vec![0xf0]].concat(), true),
    ] {
        let mut puppet = Puppet::new(false, 0);
        puppet.say(Message::Bitfield(bits.into()));
        assert!(!puppet.closed);
        let info = puppet.info.clone();
        puppet.torrent.handle(puppet.now, Input::Command(Command::Metadata(info)));
        puppet.pump();
        assert_eq!(!puppet.closed, fine);
        assert_eq!(puppet.known().seeds, u32::from(fine));
        let interested = puppet.count(|m| *m == Message::Interested);
        assert_eq!(interested, usize::from(fine));
    }
    let mut puppet = Puppet::new(false, 0);
    puppet.say(Message::Have(tern::base::PieceIndex(2500)));
    let info = puppet.info.clone();
    puppet.torrent.handle(puppet.now, Input::Command(Command::Metadata(info)));
    puppet.pump();
    assert!(puppet.closed);
}

#[test]
fn another_torrents_metadata_is_not_taken() {
    let mut puppet = Puppet::new(false, 0);
    let other = Content::simple(&mut Rng::new(2), 16_384, 3).info.clone();
    puppet.torrent.handle(puppet.now, Input::Command(Command::Metadata(other)));
    assert_eq!(puppet.known().state, TorrentState::Metadata);
}

#[test]
fn peers_told_of_come_and_go_and_floods_end() {
    let mut puppet = Puppet::new(true, 0);
    let pex = PeerSource::Pex.index();
    puppet.pex(&["1.2.3.4:5", "1.2.3.5:5", "[2001:db8::7]:9", "10.0.0.9:0"], &[]);
    assert_eq!(puppet.known().known_by_source[pex], 3);
    // Dials were under way to all three and failed: one is named no longer.
    for key in (100..103).map(PeerKey) {
        puppet.torrent.handle(puppet.now, Input::ConnectFailed { peer: key });
    }
    puppet.later(secs(1));
    puppet.now = puppet.now + secs(60);
    puppet.pex(&[], &["1.2.3.5:5"]);
    assert_eq!(puppet.known().known_by_source[pex], 2);
    // Named by the host too: not forgotten.
    let kept = "1.2.3.4:5".parse().unwrap();
    puppet.torrent.handle(puppet.now, Input::Command(Command::AddPeer(kept)));
    puppet.pump();
    puppet.now = puppet.now + secs(60);
    puppet.pex(&[], &["1.2.3.4:5"]);
    assert_eq!(puppet.known().known_by_source[pex], 2);
    for _ in 0..10 {
        puppet.pex(&["9.9.9.9:9"], &[]);
    }
    assert!(puppet.closed, "one message a minute is the rule");
    assert_eq!(puppet.known().known_by_source[pex], 2);
}

#[test]
fn without_the_option_nobody_is_told_or_heard() {
    let mut puppet = Puppet::new(true, 0);
    let off = Arc::new(Tuning { pex: false, ..Tuning::default() });
    puppet.torrent.handle(puppet.now, Input::Command(Command::Tuning(off)));
    puppet.pump();
    puppet.pex(&["1.2.3.4:5"], &[]);
    assert_eq!(puppet.known().known_peers, 0);
}

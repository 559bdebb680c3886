//! Magnet links and peer exchange through the public Rust face, over loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tern::api::{
    AddTorrent, Config, ErrorKind, Event, EventKind, FileIndex, Hook, Metainfo, Notice, PeerSource,
    Session, Torrent, TorrentBuilder, TorrentState, Verdict, magnet_info_hash,
};
use tern::codec::resume::Resume;

/// Generous: only a defect that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

struct Rig {
    dir: tempfile::TempDir,
    torrent: Metainfo,
}

impl Rig {
    /// `seed/content/{a,b,c}` and its torrent of 16 KiB pieces, 1500 of them so that the metadata
    /// has two pieces too.
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut TorrentBuilder)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let content = dir.path().join("seed/content");
        fs::create_dir_all(&content).unwrap();
        let mut state = 1_u32;
        let mut bytes = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        for (name, length) in [("a", 100_000), ("b", 14_000_000), ("c", 200_000)] {
            fs::write(content.join(name), bytes.by_ref().take(length).collect::<Vec<_>>()).unwrap();
        }
        let mut builder = TorrentBuilder::new(&content);
        builder.set_piece_length(Some(16384)).unwrap();
        change(&mut builder);
        let torrent = Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap();
        Self { dir, torrent }
    }

    fn path(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn seed(&self) -> (Session, Torrent) {
        let session = session(None, &[]);
        let torrent = session.add(AddTorrent::new(&self.torrent, self.path("seed"))).unwrap();
        wait_until(&session, |_| torrent.status().unwrap().state == TorrentState::Seeding);
        (session, torrent)
    }

    fn link(&self, more: &str) -> String {
        format!("magnet:?xt=urn:btih:{}&dn=shown{more}", self.torrent.info_hash())
    }

    /// Its file, with a tracker and a node of the DHT besides.
    fn told_more(&self, tracker: &str, node: SocketAddr) -> Vec<u8> {
        let (ip, port) = (node.ip().to_string(), node.port());
        let bytes = self.torrent.bytes();
        let mut file = format!("d8:announce{}:{tracker}", tracker.len()).into_bytes();
        file.extend(&bytes[1..bytes.len() - 1]);
        file.extend(format!("5:nodesll{}:{ip}i{port}eeee", ip.len()).into_bytes());
        file
    }

    fn assert_same(&self, dir: &str, file: &str) {
        let read = |dir: &str| fs::read(self.path(dir).join("content").join(file)).unwrap();
        assert!(read("seed") == read(dir), "{file} differs");
    }
}

/// On loopback, where sessions find each other in the ways a test gives them only: the torrent is
/// the same in all tests, and a peer's DHT node is known as soon as the peer is.
fn session(state_dir: Option<&Path>, options: &[(&str, &str)]) -> Session {
    let mut config = Config::new();
    for (name, value) in [("listen", "127.0.0.1:0"), ("dht", "false"), ("lsd", "false")] {
        config.set_text(name, value).unwrap();
    }
    if let Some(dir) = state_dir {
        config.set_text("state_dir", dir.to_str().unwrap()).unwrap();
    }
    for (name, value) in options {
        config.set_text(name, value).unwrap();
    }
    Session::new(&config).unwrap()
}

fn wait_until(session: &Session, mut done: impl FnMut(Option<&Event>) -> bool) {
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end, "it does not come");
        if done(None) {
            return;
        }
        session.wait(Some(Duration::from_millis(20))).unwrap();
        for event in session.take(1) {
            if done(Some(&event)) {
                return;
            }
        }
    }
}

fn got_metadata(event: Option<&Event>) -> bool {
    matches!(event.map(|e| &e.kind), Some(EventKind::Notice(Notice::Metadata)))
}

#[test]
fn a_link_with_a_peer_is_enough_and_survives_a_restart() {
    let rig = Rig::new();
    let (seeder, _seed) = rig.seed();
    let state = rig.path("state");
    let first = session(Some(&state), &[]);
    let peer = seeder.listening()[0].to_string().replace("127.0.0.1", "localhost");
    let link = rig.link(&format!("&x.pe={peer}&so=0,2"));
    let torrent = first.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    assert_eq!((torrent.name().as_str(), torrent.has_metadata()), ("shown", false));
    assert_eq!(torrent.recheck().unwrap_err().kind(), ErrorKind::NoMetadata);
    wait_until(&first, got_metadata);
    assert!(torrent.has_metadata());
    assert_eq!(torrent.metainfo().info_bytes(), rig.torrent.info_bytes());
    assert_eq!(Metainfo::parse(torrent.metainfo().bytes()).unwrap().name(), "content");
    wait_until(&first, |_| torrent.status().unwrap().is_finished());
    let status = torrent.status().unwrap();
    assert_eq!((status.state, status.has_metadata), (TorrentState::Finished, true));
    assert!(status.known_by_source[PeerSource::Magnet.index()] >= 1);
    assert_eq!(torrent.file_priorities().unwrap(), [4, 0, 4]);
    first.close(Some(PATIENCE)).unwrap();
    rig.assert_same("leech", "a");
    rig.assert_same("leech", "c");
    seeder.close(Some(PATIENCE)).unwrap();

    // Nobody is there to ask: the state has it.
    let second = session(Some(&state), &[]);
    let torrent = second.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    assert!(torrent.has_metadata());
    wait_until(&second, |_| torrent.status().unwrap().state == TorrentState::Finished);
    assert_eq!(torrent.file_priorities().unwrap(), [4, 0, 4]);
    second.close(Some(PATIENCE)).unwrap();
}

/// Gone without a close as soon as the metadata is there: as a kill would, it saves nothing. Nobody
/// is there to ask afterwards.
#[test]
fn metadata_survives_a_kill_right_after_it_came() {
    let rig = Rig::new();
    let (seeder, _seed) = rig.seed();
    let state = rig.path("state");
    let first = session(Some(&state), &[]);
    let link = rig.link(&format!("&x.pe={}&so=0,2", seeder.listening()[0]));
    let torrent = first.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    wait_until(&first, got_metadata);
    drop((first, torrent));
    seeder.close(Some(PATIENCE)).unwrap();

    let second = session(Some(&state), &[]);
    assert_eq!(second.restore().unwrap().torrents, 1);
    let torrent = second.torrents().remove(0);
    assert_eq!(torrent.metainfo().info_bytes(), rig.torrent.info_bytes());
    assert_eq!(torrent.file_priorities().unwrap(), [4, 0, 4], "what the link names");
    second.close(Some(PATIENCE)).unwrap();
}

/// The same with a host that keeps the state: it is asked to, unprompted.
#[test]
fn a_save_hook_is_given_metadata_as_soon_as_it_came() {
    let rig = Rig::new();
    // It has nothing: what is saved is saved for the metadata's sake.
    let seeder = session(None, &[]);
    let empty = seeder.add(AddTorrent::new(&rig.torrent, rig.path("nothing"))).unwrap();
    wait_until(&seeder, |_| empty.status().unwrap().state == TorrentState::Downloading);
    let first = session(None, &[]);
    let (give, take) = std::sync::mpsc::channel();
    let link = rig.link(&format!("&x.pe={}", seeder.listening()[0]));
    let mut add = AddTorrent::magnet(&link, rig.path("leech")).unwrap();
    add.set_save_hook(Some(Hook::inline(move |event| {
        if let EventKind::SaveRequest { blob, .. } = &event.kind {
            let _ = give.send(blob.to_vec());
        }
        Some(Verdict::Accept)
    })));
    let torrent = first.add(add).unwrap();
    wait_until(&first, got_metadata);
    // The first says what is looked for.
    let mut blobs = std::iter::from_fn(|| take.recv_timeout(PATIENCE).ok());
    let known = |blob: &Vec<u8>| Resume::parse(blob).unwrap().info.is_some();
    let blob = blobs.find(known).unwrap();
    drop((first, torrent));
    seeder.close(Some(PATIENCE)).unwrap();

    let second = session(None, &[]);
    let mut add = AddTorrent::default();
    add.set_resume(&blob).unwrap();
    let torrent = second.add(add).unwrap();
    assert_eq!(torrent.metainfo().info_bytes(), rig.torrent.info_bytes());
    second.close(Some(PATIENCE)).unwrap();
}

#[test]
fn without_metadata_the_link_survives_a_restart() {
    let rig = Rig::new();
    let state = rig.path("state");
    let first = session(Some(&state), &[]);
    let link = rig.link("&tr=http%3A%2F%2F127.0.0.1%3A1%2Fannounce&so=1");
    let mut add = AddTorrent::magnet(&link, rig.path("leech")).unwrap();
    add.set_paused(true);
    let torrent = first.add(add).unwrap();
    assert_eq!(torrent.status().unwrap().state, TorrentState::Paused);
    torrent.set_file_priority(FileIndex(2), 7).unwrap();
    first.close(Some(PATIENCE)).unwrap();

    let (seeder, _seed) = rig.seed();
    let second = session(Some(&state), &[]);
    let mut add = AddTorrent::default();
    add.set_info_hash(rig.torrent.info_hash());
    let torrent = second.add(add).unwrap();
    assert!(!torrent.has_metadata());
    assert!(torrent.magnet().contains("127.0.0.1"), "{}", torrent.magnet());
    torrent.add_peer(seeder.listening()[0]).unwrap();
    torrent.resume().unwrap();
    wait_until(&second, |_| torrent.status().unwrap().is_finished());
    assert_eq!(torrent.file_priorities().unwrap()[2], 7);
    second.close(Some(PATIENCE)).unwrap();
}

#[test]
fn links_that_name_no_torrent_of_ours_say_so() {
    let v2 = format!("magnet:?xt=urn:btmh:1220{}", "ab".repeat(32));
    for (link, kind) in [
        (v2.as_str(), ErrorKind::Unsupported),
        ("magnet:?dn=x", ErrorKind::Magnet),
        ("magnet:?xt=urn:btih:zz", ErrorKind::Magnet),
        ("http://x/", ErrorKind::Magnet),
    ] {
        assert_eq!(AddTorrent::magnet(link, "/tmp").unwrap_err().kind(), kind, "{link}");
        assert_eq!(magnet_info_hash(link).unwrap_err().kind(), kind);
    }
    let base32 = "magnet:?xt=urn:btih:YNCKHTQCWBTRNJIV4WNAE52SJUQCZO5C";
    let hash = magnet_info_hash(base32).unwrap().to_string();
    assert_eq!(hash, "c344a3ce02b06716a515e59a0277524d202cbba2");
}

#[test]
fn a_second_add_is_refused_or_merged() {
    let rig = Rig::new();
    let (seeder, _seed) = rig.seed();
    let session = session(None, &[]);
    let link = rig.link("&tr=http%3A%2F%2F127.0.0.1%3A1%2Fone");
    let torrent = session.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    let peer = seeder.listening()[0];
    let again = rig.link(&format!("&tr=http%3A%2F%2F127.0.0.1%3A1%2Ftwo&x.pe={peer}"));
    let add = AddTorrent::magnet(&again, rig.path("elsewhere")).unwrap();
    assert_eq!(session.add(add).unwrap_err().kind(), ErrorKind::Duplicate);
    let mut add = AddTorrent::magnet(&again, rig.path("elsewhere")).unwrap();
    add.set_merge(true);
    let same = session.add(add).unwrap();
    assert_eq!(same.id(), torrent.id());
    let urls: Vec<String> = torrent.trackers().unwrap().into_iter().map(|t| t.url).collect();
    assert_eq!(urls, ["http://127.0.0.1:1/one", "http://127.0.0.1:1/two"]);
    wait_until(&session, got_metadata);
    // A torrent file brings the metadata as well.
    let other = self::session(None, &[]);
    let torrent = other.add(AddTorrent::magnet(&link, rig.path("third")).unwrap()).unwrap();
    let mut add = AddTorrent::new(&rig.torrent, rig.path("third"));
    add.set_merge(true);
    other.add(add).unwrap();
    wait_until(&other, got_metadata);
    assert_eq!(torrent.metainfo().piece_count(), rig.torrent.piece_count());
}

/// Serves `body` to whoever asks; its address.
fn serve(body: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut chunk = [0; 1024];
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read(&mut chunk) {
                    Ok(n) if n > 0 => head.extend_from_slice(&chunk[..n]),
                    _ => break,
                }
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    addr
}

#[test]
fn a_source_gives_the_torrent_file_when_it_may_be_asked() {
    let rig = Rig::new();
    let right = serve(rig.torrent.bytes().to_vec());
    let wrong = serve(Rig::with(|b| _ = b.set_private(true)).torrent.bytes().to_vec());
    let link = rig.link(&format!("&xs=http%3A%2F%2F{wrong}%2Fx&as=http%3A%2F%2F{right}%2Fx"));

    let careful = session(None, &[]);
    let torrent = careful.add(AddTorrent::magnet(&link, rig.path("one")).unwrap()).unwrap();
    let mut refused = 0;
    wait_until(&careful, |event| {
        if let Some(EventKind::SourceFailed { reason, .. }) = event.map(|e| &e.kind) {
            assert!(reason.contains("private"), "{reason}");
            refused += 1;
        }
        refused == 2
    });
    assert!(!torrent.has_metadata());

    let trusting = session(None, &[("magnet_private_sources", "true")]);
    let torrent = trusting.add(AddTorrent::magnet(&link, rig.path("two")).unwrap()).unwrap();
    let mut failures = Vec::new();
    wait_until(&trusting, |event| {
        if let Some(EventKind::SourceFailed { url, reason }) = event.map(|e| &e.kind) {
            failures.push((url.clone(), reason.clone()));
        }
        got_metadata(event)
    });
    let [(url, reason)] = &failures[..] else { panic!("{failures:?}") };
    assert!(url.contains(&wrong.to_string()) && reason.contains("another torrent"), "{reason}");
    assert_eq!(torrent.metainfo().info_bytes(), rig.torrent.info_bytes());
}

/// From a link's source and a second add: trackers behind those known, the DHT's nodes, peers.
#[test]
fn what_a_file_says_besides_its_description_is_used_too() {
    let rig = Rig::new();
    let dht = [("dht", "true"), ("dht_bootstrap", "")];
    let node = session(None, &dht);
    let file = rig.told_more("http://127.0.0.1:1/inside", node.listening()[0]);
    let at = serve(file.clone());
    let tracker = "&tr=http%3A%2F%2F127.0.0.1%3A1%2Fone";
    let urls = |torrent: &Torrent| {
        torrent.trackers().unwrap().into_iter().map(|t| t.url).collect::<Vec<_>>()
    };

    let asking = session(None, &[dht[0], dht[1], ("magnet_private_sources", "true")]);
    let link = rig.link(&format!("{tracker}&xs=http%3A%2F%2F{at}%2Fx"));
    let torrent = asking.add(AddTorrent::magnet(&link, rig.path("one")).unwrap()).unwrap();
    wait_until(&asking, got_metadata);
    assert_eq!(urls(&torrent), ["http://127.0.0.1:1/one", "http://127.0.0.1:1/inside"]);
    wait_until(&asking, |_| !asking.dht_nodes().unwrap().is_empty());

    let (seeder, _seed) = rig.seed();
    let merging = session(None, &dht);
    let link = rig.link(tracker);
    let torrent = merging.add(AddTorrent::magnet(&link, rig.path("two")).unwrap()).unwrap();
    let mut again = AddTorrent::new(&Metainfo::parse(&file).unwrap(), rig.path("two"));
    again.set_merge(true).add_peer(seeder.listening()[0]);
    merging.add(again).unwrap();
    assert_eq!(urls(&torrent), ["http://127.0.0.1:1/one", "http://127.0.0.1:1/inside"]);
    wait_until(&merging, |_| !merging.dht_nodes().unwrap().is_empty());
    wait_until(&merging, |_| torrent.status().unwrap().is_finished());
}

#[test]
fn a_peer_known_only_to_another_peer_is_found() {
    let rig = Rig::new();
    let (seeder, _seed) = rig.seed();
    // The middle one stays incomplete for more than twice our patience: it keeps both, and nobody
    // finishes by it alone.
    let middle = session(None, &[("download_limit", "50000")]);
    let mut add = AddTorrent::new(&rig.torrent, rig.path("middle"));
    add.add_peer(seeder.listening()[0]);
    let between = middle.add(add).unwrap();
    wait_until(&middle, |_| between.status().unwrap().peers > 0);
    let leech = session(None, &[]);
    let link = rig.link(&format!("&x.pe={}", middle.listening()[0]));
    let torrent = leech.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    let pex = PeerSource::Pex.index();
    // Not `peers_by_source`: the seed hears of us at the same time and calls too. Of the two
    // connections one goes, and which depends on the peer ids.
    wait_until(&leech, |_| torrent.status().unwrap().known_by_source[pex] > 0);
    wait_until(&leech, |_| torrent.status().unwrap().is_finished());
    rig.assert_same("leech", "b");
}

#[test]
fn a_private_torrent_exchanges_no_peers() {
    let rig = Rig::with(|builder| _ = builder.set_private(true));
    let (seeder, _seed) = rig.seed();
    let limits = [("download_limit", "100000")];
    let middle = session(None, &limits);
    let mut add = AddTorrent::new(&rig.torrent, rig.path("middle"));
    add.add_peer(seeder.listening()[0]);
    let between = middle.add(add).unwrap();
    wait_until(&middle, |_| between.status().unwrap().peers > 0);
    let leech = session(None, &[]);
    let link = rig.link(&format!("&x.pe={}", middle.listening()[0]));
    let torrent = leech.add(AddTorrent::magnet(&link, rig.path("leech")).unwrap()).unwrap();
    wait_until(&leech, got_metadata);
    // Something was exchanged, and peers would have been first.
    wait_until(&leech, |_| torrent.status().unwrap().downloaded > 500_000);
    assert_eq!(torrent.status().unwrap().known_by_source[PeerSource::Pex.index()], 0);
}

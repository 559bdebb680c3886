//! Local peers (BEP 14) on a network of this machine: what is said in the group, and what not any
//! more.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use tern::api::{AddTorrent, Config, InfoHash, Metainfo, Session, Torrent, TorrentBuilder};
use tern::net::udp::multicast;

/// Generous: only a defect that hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(120);
/// BEP 14's group.
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 192, 152, 143);
const PORT: u16 = 6771;

/// An address of an interface that can do multicast; the loopback interface cannot.
fn reachable() -> Option<Ipv4Addr> {
    let all = multicast::interfaces().unwrap();
    all.into_iter().find_map(|on| match on.ip {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    })
}

/// Somebody who hears the group.
struct Ear(UdpSocket);

impl Ear {
    fn new(on: Ipv4Addr) -> Self {
        let socket = multicast::bind(SocketAddr::from((GROUP, PORT))).unwrap();
        socket.join_multicast_v4(&GROUP, &on).unwrap();
        socket.set_nonblocking(false).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Self(socket)
    }

    /// Waits until the one who listens at `port` announces this torrent; whether it announced the
    /// other one before.
    fn hears(&self, port: u16, wanted: InfoHash, other: InfoHash) -> bool {
        let end = Instant::now() + PATIENCE;
        let (wanted, other) = (wanted.to_string(), other.to_string());
        let (mut packet, mut both) = ([0; 2048], false);
        loop {
            assert!(Instant::now() < end, "{wanted} is not announced");
            let Ok(length) = self.0.recv(&mut packet) else { continue };
            let text = String::from_utf8_lossy(&packet[..length]).to_lowercase();
            if text.contains(&format!("\r\nport: {port}\r\n")) {
                both |= text.contains(&other);
                if text.contains(&wanted) {
                    return both;
                }
            }
        }
    }
}

fn session(options: &[(&str, &str)]) -> Session {
    let mut config = Config::new();
    for (name, value) in [("dht", "false"), ("net_threads", "1")].iter().chain(options) {
        config.set_text(name, value).unwrap();
    }
    Session::new(&config).unwrap()
}

fn switch(session: &Session, on: bool) {
    let mut config = Config::new();
    config.set_text("lsd", if on { "true" } else { "false" }).unwrap();
    session.apply(&config).unwrap();
}

fn torrent(dir: &Path, name: &str, private: bool) -> Metainfo {
    std::fs::write(dir.join(name), name.repeat(10_000)).unwrap();
    let mut builder = TorrentBuilder::new(dir.join(name));
    builder.set_piece_length(Some(16 << 10)).unwrap().set_private(private);
    Metainfo::parse(&builder.run(|_| true).unwrap()).unwrap()
}

fn finish(session: &Session, torrent: &Torrent) {
    let end = Instant::now() + PATIENCE;
    while !torrent.status().unwrap().is_finished() {
        assert!(Instant::now() < end, "{:?}", torrent.status());
        session.wait(Some(Duration::from_millis(20))).unwrap();
        drop(session.take(0));
    }
}

/// A link whose metadata says that the torrent is private: neighbours hear no more of it.
#[test]
fn a_link_that_turns_out_private_is_not_announced_any_more() {
    let Some(ip) = reachable() else {
        eprintln!("skipped: no interface of this machine can do multicast");
        return;
    };
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let private = torrent(from.path(), "private", true);
    let public = torrent(from.path(), "public", false);
    let seeder = session(&[("listen", "127.0.0.1:0"), ("lsd", "false")]);
    let seed = seeder.add(AddTorrent::new(&private, from.path())).unwrap();
    finish(&seeder, &seed);

    let ear = Ear::new(ip);
    let leech = session(&[("listen", &format!("{ip}:0"))]);
    let port = leech.listen_port();
    let link = format!("magnet:?xt=urn:btih:{}", private.info_hash());
    let torrent = leech.add(AddTorrent::magnet(&link, to.path()).unwrap()).unwrap();
    // Nobody knows yet what it is.
    ear.hears(port, private.info_hash(), private.info_hash());
    torrent.add_peer(seeder.listening()[0]).unwrap();
    finish(&leech, &torrent);

    // Whoever is switched on says at once what there is to say.
    switch(&leech, false);
    switch(&leech, true);
    leech.add(AddTorrent::new(&public, from.path())).unwrap();
    let told = ear.hears(port, public.info_hash(), private.info_hash());
    assert!(!told, "a private torrent was announced");
    for session in [leech, seeder] {
        session.close(Some(PATIENCE)).unwrap();
    }
}

/// By name or address, whatever the session listens at: here where nobody could hear it.
#[test]
fn chosen_interfaces_are_those_that_are_announced_on() {
    let Some(ip) = reachable() else {
        eprintln!("skipped: no interface of this machine can do multicast");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let public = torrent(dir.path(), "chosen", false);
    let all = multicast::interfaces().unwrap();
    let name = all.into_iter().find(|on| on.ip == IpAddr::V4(ip)).unwrap().name;
    for chosen in [ip.to_string(), name] {
        let ear = Ear::new(ip);
        let options = [("listen", "127.0.0.1:0"), ("lsd_interfaces", chosen.as_str())];
        let session = session(&options);
        session.add(AddTorrent::new(&public, dir.path())).unwrap();
        ear.hears(session.listen_port(), public.info_hash(), public.info_hash());
        session.close(Some(PATIENCE)).unwrap();
    }
}

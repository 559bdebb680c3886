//! The listen socket against peers that are no tern: raw bytes in, what comes back out.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tempfile::tempdir;
use tern::base::InfoHash;
use tern::engine::host::ShardCommand;
use tern::engine::settings::Settings;
use tern::swarm::TorrentState;

use crate::rig::{Content, Rig};

fn connect(rig: &Rig) -> TcpStream {
    let stream = TcpStream::connect(rig.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

fn handshake(info_hash: InfoHash) -> Vec<u8> {
    let mut bytes = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&info_hash.0);
    bytes.extend_from_slice(b"-XX0000-abcdefghijkl");
    bytes
}

/// Whether the other side ended the connection without a byte.
fn is_closed(mut stream: &TcpStream) -> bool {
    match stream.read(&mut [0; 1]) {
        Ok(n) => n == 0,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            true
        }
    }
}

#[test]
fn strangers_are_turned_away_and_acquaintances_answered() {
    let content = Content::new("door", 16 * 1024, &[("", 50_000)]);
    let dir = tempdir().unwrap();
    let mut rig = Rig::new(2, |_| ());
    // On the shard that does not listen.
    let id = rig.add(1, &content.info, dir.path(), |_| ());
    rig.wait_state(id, TorrentState::Downloading);
    let ours = handshake(content.info.info_hash);

    for opening in [handshake(InfoHash([7; 20])), b"GET / HTTP/1.1\r\n\r\n".repeat(4)] {
        let mut stream = connect(&rig);
        stream.write_all(&opening).unwrap();
        assert!(is_closed(&stream));
    }
    // Byte by byte, with the first message behind it.
    let mut stream = connect(&rig);
    for byte in ours.iter().chain(b"\0\0\0\x01\x02") {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut answer = [0; 68];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[28..48], content.info.info_hash.0);
    while rig.status(id).peers == 0 {
        std::thread::yield_now();
    }
    drop(stream);
    while rig.status(id).peers > 0 {
        std::thread::yield_now();
    }
    rig.close(id);
    assert!(rig.end().panicked.is_empty());
}

#[test]
fn a_full_session_takes_nobody_until_there_is_room() {
    let content = Content::new("full", 16 * 1024, &[("", 50_000)]);
    let dir = tempdir().unwrap();
    let mut rig = Rig::new(1, |s| s.max_connections = 0);
    let id = rig.add(0, &content.info, dir.path(), |_| ());
    rig.wait_state(id, TorrentState::Downloading);
    let ours = handshake(content.info.info_hash);
    let mut stream = connect(&rig);
    stream.write_all(&ours).unwrap();
    assert!(is_closed(&stream));
    let settings = Settings { listen: vec!["127.0.0.1:0".into()], ..Settings::default() };
    assert!(rig.send_to(0, ShardCommand::Settings(settings.into())));
    let mut stream = connect(&rig);
    stream.write_all(&ours).unwrap();
    stream.read_exact(&mut [0; 68]).unwrap();
    rig.end();
    assert!(stream.read_to_end(&mut Vec::new()).is_ok(), "the end closes connections");
}

#[test]
fn a_flood_of_silent_connections_does_not_keep_peers_out() {
    let content = Content::new("flood", 16 * 1024, &[("", 50_000)]);
    let dir = tempdir().unwrap();
    let mut rig = Rig::new(1, |_| ());
    let id = rig.add(0, &content.info, dir.path(), |_| ());
    rig.wait_state(id, TorrentState::Downloading);
    let silent: Vec<_> = (0..400).map(|_| connect(&rig)).collect();
    assert!(is_closed(&silent[0]), "the oldest goes first");
    let mut stream = connect(&rig);
    stream.write_all(&handshake(content.info.info_hash)).unwrap();
    stream.read_exact(&mut [0; 68]).unwrap();
    rig.end();
}

#[test]
fn listening_elsewhere_is_told_and_works() {
    let content = Content::new("moved", 16 * 1024, &[("", 50_000)]);
    let dir = tempdir().unwrap();
    let mut rig = Rig::new(1, |_| ());
    let id = rig.add(0, &content.info, dir.path(), |_| ());
    rig.wait_state(id, TorrentState::Downloading);
    // The same port on another address: free only if the old listener is gone or never was there.
    let wanted = format!("127.0.0.1:{}", rig.addr.port());
    let listen = vec!["127.0.0.2:0".to_owned(), wanted];
    let settings = Settings { listen: listen.clone(), ..Settings::default() };
    assert!(rig.send_to(0, ShardCommand::Settings(settings.into())));
    let addrs =
        rig.wait("new addresses", |t| (t.listening.len() == 2).then(|| t.listening.clone()));
    assert_eq!(addrs[1], (listen[1].clone(), rig.addr));
    for (_, addr) in addrs {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(&handshake(content.info.info_hash)).unwrap();
        stream.read_exact(&mut [0; 68]).unwrap();
        rig.addr = addr;
    }
    rig.end();
}

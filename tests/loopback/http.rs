//! A tracker of a few lines that remembers what it was asked, and how the asker behaved.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// The asker closed its sending side after the request, before it had the answer.
    pub half_closed: bool,
}

/// A running server.
pub struct Tracker {
    pub addr: SocketAddr,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

impl Tracker {
    /// Answers every request by `answer`, on its own thread.
    pub fn new(answer: impl Fn(&Asked) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if let Some(request) = read(&mut stream) {
                    let reply = answer(&request);
                    log.lock().unwrap().push(request);
                    _ = stream.write_all(&reply);
                }
            }
        });
        Self { addr, asked }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn log(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Reads to the end of the stream: a client that does not half-close would wait for ever, and the
/// time-out turns that into a visible failure.
fn read(stream: &mut TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    let (mut head, mut half_closed, mut chunk) = (Vec::new(), false, [0; 1024]);
    while !half_closed {
        match stream.read(&mut chunk) {
            Ok(0) => half_closed = true,
            Ok(n) => head.extend_from_slice(&chunk[..n]),
            Err(_) => break,
        }
    }
    let text = String::from_utf8(head).ok()?;
    assert!(text.ends_with("\r\n\r\n"), "a whole request, nothing behind it: {text:?}");
    let target = text.split(' ').nth(1)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    Some(Asked { path: path.to_owned(), query, half_closed })
}

/// A response with this status line and body.
pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A compact peer list of one.
pub fn reply_with(peer: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(peer) = peer else { panic!("IPv4 only") };
    let mut body = b"d8:completei1e10:incompletei0e8:intervali1800e5:peers6:".to_vec();
    body.extend_from_slice(&peer.ip().octets());
    body.extend_from_slice(&peer.port().to_be_bytes());
    body.push(b'e');
    body
}

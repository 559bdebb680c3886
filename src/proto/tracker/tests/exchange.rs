//! HTTP: the request's bytes, answers in every framing and cut, redirects, hostile servers.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::base::limits::{REDIRECTS, TRACKER_REPLY_BYTES};
use crate::proto::tracker::*;

fn request(url: &str) -> HttpRequest {
    HttpRequest::get(url, "libtern/0.1").unwrap()
}

/// The outcome of an answer that arrives in parts of `step` bytes, then the connection's end.
fn answer(bytes: &[u8], step: usize) -> Result<HttpOutcome, HttpError> {
    let mut response = request("http://t.example/dir/announce?x=1").response();
    for part in bytes.chunks(step) {
        if let Some(outcome) = response.receive(part)? {
            assert_eq!(response.receive(b"more"), Ok(None));
            return Ok(outcome);
        }
    }
    response.finish()
}

fn ok(body: &[u8]) -> Result<HttpOutcome, HttpError> {
    Ok(HttpOutcome::Response { status: 200, body: body.to_vec() })
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(body).unwrap();
    gz.finish().unwrap()
}

#[test]
fn what_is_sent() {
    let get = request("http://t.example/announce?info_hash=%124Vx");
    assert_eq!((get.host(), get.port(), get.tls()), ("t.example", 80, false));
    let expected = "GET /announce?info_hash=%124Vx HTTP/1.1\r\nHost: t.example\r\n\
                    User-Agent: libtern/0.1\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    assert_eq!(String::from_utf8(get.to_bytes()).unwrap(), expected);
    let six = HttpRequest::get("https://[2001:db8::1]:8443", "a\r\nX: b").unwrap();
    assert_eq!((six.host(), six.port(), six.tls()), ("2001:db8::1", 8443, true));
    let text = String::from_utf8(six.to_bytes()).unwrap();
    assert!(text.starts_with("GET / HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n"), "{text}");
    assert!(text.contains("User-Agent: aX: b\r\n"), "{text}");
    let split = request("http://t.example/a b\r\nX: y");
    assert!(String::from_utf8(split.to_bytes()).unwrap().starts_with("GET /a%20bX:%20y HTTP"));
    assert_eq!(HttpRequest::get("udp://x:1", "").unwrap_err(), HttpError::UnsupportedScheme);
    assert_eq!(HttpRequest::get("x", "").unwrap_err(), HttpError::InvalidUrl);
}

#[test]
fn framings_at_every_step() {
    let packed = gzip(b"d8:intervali1800ee");
    let mut zipped = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    zipped.extend(&packed);
    let mut quietly = b"HTTP/1.0 200 OK\r\n\r\n".to_vec();
    quietly.extend(&packed);
    let packed: &[u8] = b"d8:intervali1800ee";
    let cases: Vec<(Vec<u8>, &[u8])> = vec![
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef".to_vec(), b"abc"),
        (b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n".to_vec(), b""),
        (b"HTTP/1.0 200 OK\n\nabc".to_vec(), b"abc"),
        (b"HTTP/1.1 200\r\nServer: x\r\n\r\nabc".to_vec(), b"abc"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n\
              2;x=y\r\nab\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
                .to_vec(),
            b"ab0123456789",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\r\n".to_vec(), b"a"),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".to_vec(),
            b"x",
        ),
        (b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".to_vec(), b"x"),
        (zipped, packed),
        (quietly, packed),
    ];
    for (bytes, body) in cases {
        for step in 1..=bytes.len() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(answer(&bytes, step), ok(body), "{step}: {text}");
        }
    }
    let failed = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
    let expected = HttpOutcome::Response { status: 404, body: b"no".to_vec() };
    assert_eq!(answer(failed, 7), Ok(expected));
    let empty = HttpOutcome::Response { status: 204, body: Vec::new() };
    assert_eq!(answer(b"HTTP/1.1 204 No\r\n\r\n", 99), Ok(empty));
}

#[test]
fn cut_short_at_every_byte() {
    let cases: [&[u8]; 2] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    ];
    for bytes in cases {
        for end in 0..bytes.len() {
            assert_eq!(answer(&bytes[..end], 1000), Err(HttpError::Truncated), "{end}");
        }
        assert_eq!(answer(bytes, 1000), ok(b"abc"));
    }
}

#[test]
fn redirects() {
    let go = |status: u16, location: &str| {
        let head = format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\n\r\nbody");
        answer(head.as_bytes(), 10)
    };
    for status in [301, 302, 303, 307, 308] {
        for (location, url) in [
            ("https://u.example/b?y=2", "https://u.example/b?y=2"),
            ("//u.example/b", "http://u.example/b"),
            ("/b?y=2", "http://t.example/b?y=2"),
            ("b", "http://t.example/dir/b"),
        ] {
            assert_eq!(go(status, location), Ok(HttpOutcome::Redirect(url.into())));
        }
    }
    assert_eq!(go(301, "ftp://x/"), Err(HttpError::BadRedirect));
    assert_eq!(go(301, "file:///etc/passwd"), Err(HttpError::BadRedirect));
    assert!(matches!(go(200, "/b"), Ok(HttpOutcome::Response { status: 200, .. })));
    assert!(matches!(go(304, "/b"), Ok(HttpOutcome::Response { status: 304, .. })));
    let bare = answer(b"HTTP/1.1 302 Found\r\n\r\n", 99);
    assert_eq!(bare, Ok(HttpOutcome::Response { status: 302, body: Vec::new() }));

    let mut hop = request("http://t.example/");
    for _ in 0..REDIRECTS {
        hop = hop.redirect("http://t.example/").unwrap();
    }
    assert!(hop.to_bytes().windows(11).any(|w| w == b"libtern/0.1"));
    assert_eq!(hop.redirect("http://t.example/").unwrap_err(), HttpError::TooManyRedirects);
}

#[test]
fn hostile_answers() {
    let with = |head: &str| answer(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(), 4096);
    let too_long = TRACKER_REPLY_BYTES + 1;
    assert_eq!(with(&format!("Content-Length: {too_long}")), Err(HttpError::TooLarge));
    for bad in
        ["Content-Length: -1", "Content-Length: 1e3", "Content-Length: 1\r\nContent-Length: 2"]
    {
        assert!(matches!(with(bad), Err(HttpError::Malformed(_))), "{bad}");
    }
    assert_eq!(with("Content-Encoding: br"), Err(HttpError::UnsupportedCoding));
    assert_eq!(with("Transfer-Encoding: gzip, chunked"), Err(HttpError::UnsupportedCoding));
    assert_eq!(with("Content-Encoding: gzip\r\n\r\nplain"), Err(HttpError::BadCompression));
    let chunked = |body: &str| with(&format!("Transfer-Encoding: chunked\r\n\r\n{body}"));
    for bad in ["x\r\n", "\r\n", "-1\r\n", "fffffffffffffffff\r\n", "1\r\nabc\r\n"] {
        assert!(matches!(chunked(bad), Err(HttpError::Malformed(_))), "{bad}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'a'; 1 << 20]].concat();
    assert!(matches!(answer(&endless, 1000), Err(HttpError::Malformed(_))));
    let line = format!("1;{}", "a".repeat(1 << 20));
    assert!(matches!(chunked(&line), Err(HttpError::Malformed(_))));
    let trailers = format!("0\r\n{}", "a: b\r\n".repeat(1000));
    assert!(matches!(chunked(&trailers), Err(HttpError::Malformed(_))));
    assert!(matches!(answer(b"SSH-2.0-x\r\n\r\n", 99), Err(HttpError::Malformed(_))));

    let mut endless = request("http://t.example/").response();
    assert_eq!(endless.receive(b"HTTP/1.1 200 OK\r\n\r\n"), Ok(None));
    let mut parts = 0;
    let error = loop {
        match endless.receive(&[b'a'; 1 << 16]) {
            Ok(None) => parts += 1,
            Ok(Some(_)) => panic!("an endless body ended"),
            Err(error) => break error,
        }
    };
    assert_eq!((error, parts), (HttpError::TooLarge, TRACKER_REPLY_BYTES >> 16));
    assert_eq!(endless.finish(), Err(HttpError::Truncated), "an error is final");

    let bomb = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec(),
        gzip(&vec![0; TRACKER_REPLY_BYTES + 2]),
    ]
    .concat();
    assert_eq!(answer(&bomb, 4096), Err(HttpError::TooLarge));
}

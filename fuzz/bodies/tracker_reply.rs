//! Arbitrary bytes as a tracker's HTTP answer, in parts, and as the bodies of both kinds of reply:
//! nothing panics, sizes stay bounded, and the way an answer is cut does not change what it says.
//!
//! Input: the length of a part, then the bytes.

use tern::base::limits::TRACKER_REPLY_BYTES;
use tern::proto::tracker::{HttpError, HttpOutcome, HttpRequest, parse_announce, parse_scrape};

fn answer(bytes: &[u8], step: usize) -> Result<HttpOutcome, HttpError> {
    let request = HttpRequest::get("http://tracker.example/announce", "fuzz")?;
    let mut response = request.response();
    for part in bytes.chunks(step) {
        if let Some(outcome) = response.receive(part)? {
            return Ok(outcome);
        }
    }
    response.finish()
}

fn parse(body: &[u8]) {
    if let Ok(reply) = parse_announce(body) {
        assert!(reply.peers.iter().all(|peer| peer.port() != 0));
        assert!(reply.peers.len() <= body.len() / 6);
    }
    if let Ok(entries) = parse_scrape(body) {
        assert!(entries.len() <= body.len() / 25);
    }
}

/// One input.
pub fn run(input: &[u8]) {
    let [step, bytes @ ..] = input else { return };
    parse(bytes);
    let whole = answer(bytes, bytes.len().max(1));
    let cut = answer(bytes, usize::from(*step) + 1);
    assert_eq!(whole.is_ok(), cut.is_ok(), "{whole:?} {cut:?}");
    match whole {
        Ok(HttpOutcome::Response { body, .. }) => {
            assert!(body.len() <= TRACKER_REPLY_BYTES);
            parse(&body);
        }
        Ok(HttpOutcome::Redirect(url)) => {
            assert!(HttpRequest::get(&url, "").is_ok(), "{url}");
        }
        Err(_) => {}
    }
}

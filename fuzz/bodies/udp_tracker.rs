//! Arbitrary bytes as packets of UDP trackers, in both directions, and as what a tracker answers a
//! client: nothing panics, sizes stay bounded, and each request gets one answer.
//!
//! Input: a byte for the family, then bytes.

use std::time::Duration;

use tern::base::{InfoHash, Instant, Rng};
use tern::proto::tracker::udp::{
    Preferences, Reply, Request, UdpConfig, UdpInput, UdpOutput, UdpQuestion, UdpRequestId,
    UdpTestServer, UdpTracker,
};

/// One input.
pub fn run(input: &[u8]) {
    let [family, bytes @ ..] = input else { return };
    let v6 = family & 1 != 0;
    if let Some(request) = Request::decode(bytes) {
        assert_eq!(Request::decode(&request.encode()), Some(request));
    }
    if let Some(reply) = Reply::decode(bytes, v6) {
        assert_eq!(Reply::decode(&reply.encode(), v6), Some(reply));
    }
    _ = Preferences::parse([bytes]).map(|p| p.apply("http://t.example:80/announce"));
    let from = if v6 { "[2001:db8::1]:80" } else { "192.0.2.1:80" };
    let from = from.parse().expect("an address");
    let mut now = Instant::from_micros(1_000_000);
    _ = UdpTestServer::default().handle(now, from, bytes);
    let mut tracker = UdpTracker::new(from, UdpConfig::default(), Rng::new(1));
    let question = UdpQuestion::Scrape(vec![InfoHash([1; 20])]);
    tracker.handle(now, UdpInput::Ask { id: UdpRequestId(1), question });
    let mut answers = 0;
    for _ in 0..20 {
        while let Some(output) = tracker.poll_output() {
            let UdpOutput::Send(sent) = output else {
                answers += 1;
                continue;
            };
            // The bytes as an answer to this very packet: its transaction goes in.
            let mut data = bytes.to_vec();
            if let (Some(to), Some(transaction)) = (data.get_mut(4..8), sent.get(12..16)) {
                to.copy_from_slice(transaction);
            }
            tracker.handle(now, UdpInput::Datagram { from, data: &data });
        }
        now = now + Duration::from_secs(130);
        tracker.handle(now, UdpInput::Timeout);
    }
    assert!(answers == 1 && tracker.is_idle() && tracker.next_deadline().is_none());
}

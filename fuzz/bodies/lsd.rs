//! Arbitrary bytes as datagrams of local service discovery: nothing panics, and what is read is
//! written so that it reads the same.

use tern::base::{InfoHash, Instant, Rng};
use tern::proto::lsd::{Announce, HASHES_MAX, Lsd, LsdInput};

/// One input.
pub fn run(input: &[u8]) {
    if let Some(announce) = Announce::decode(input) {
        assert!((1..=HASHES_MAX).contains(&announce.info_hashes.len()));
        for v6 in [false, true] {
            assert_eq!(Announce::decode(&announce.encode(v6)).as_ref(), Some(&announce));
        }
    }
    let now = Instant::from_micros(1);
    let mut lsd = Lsd::new(6881, (true, true), &mut Rng::new(1));
    lsd.handle(now, LsdInput::Start(InfoHash([0xab; 20])));
    let from = "192.168.0.9:6771".parse().expect("an address");
    lsd.handle(now, LsdInput::Datagram { from, data: input });
    while lsd.poll_output().is_some() {}
}

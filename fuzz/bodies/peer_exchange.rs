//! Arbitrary bytes as payloads of metadata exchange and peer exchange: nothing panics, sizes stay
//! bounded, and what is read is written so that it reads the same.

use tern::base::{InfoHash, Instant, PeerKey};
use tern::proto::peer::ut_metadata::{
    FetchInput, MetadataFetch, MetadataGrant, MetadataHash, MetadataMessage,
};
use tern::proto::peer::ut_pex::{Pex, PexHeard, PexReceiver};

/// One input.
pub fn run(input: &[u8]) {
    if let Some(Some(message)) = MetadataMessage::decode(input) {
        let again = message.encode();
        assert_eq!(MetadataMessage::decode(&again), Some(Some(message.clone())));
        let now = Instant::from_micros(1_000_000);
        let mut fetch = MetadataFetch::new(MetadataHash::V1(InfoHash([1; 20])));
        let size = match message {
            MetadataMessage::Data { total, .. } => total,
            _ => 40_000,
        };
        let peer = PeerKey(1);
        fetch.handle(now, FetchInput::Offer { peer, size });
        fetch.handle(now, FetchInput::Message { peer, message: &message });
        while fetch.poll_output().is_some() {}
        if let MetadataMessage::Request(piece) = message {
            assert!(MetadataGrant::default().answer(piece, Some(&[7; 20_000])).is_some());
        }
    }
    if let Some(pex) = Pex::decode(input) {
        assert_eq!(Pex::decode(&pex.encode()), Some(pex));
    }
    let heard = PexReceiver::default().receive(Instant::from_micros(1), input);
    let long = |new: &[_], gone: &[_]| new.len() > 400 || !gone.is_empty();
    assert!(!matches!(heard, PexHeard::New { added, dropped } if long(&added, &dropped)));
}

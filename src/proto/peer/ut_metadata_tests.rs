//! The messages, and fetches from honest, silent, refusing and lying peers.

use proptest::prelude::*;

use super::*;

fn at(secs: u64) -> Instant {
    Instant::from_micros(1_000_000_000 + secs * 1_000_000)
}

fn info(len: usize) -> Vec<u8> {
    (0..len).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect()
}

fn hash(info: &[u8]) -> MetadataHash {
    MetadataHash::V1(InfoHash(Sha1::digest(info).into()))
}

fn outputs(fetch: &mut MetadataFetch) -> Vec<FetchOutput> {
    core::iter::from_fn(|| fetch.poll_output()).collect()
}

fn offer(fetch: &mut MetadataFetch, secs: u64, peer: u64, size: usize) {
    let (peer, size) = (PeerKey(peer), u32::try_from(size).unwrap());
    fetch.handle(at(secs), FetchInput::Offer { peer, size });
}

/// Answers requests with each peer's data until nobody is asked any more; the other outputs.
fn serve(fetch: &mut MetadataFetch, secs: u64, data: impl Fn(u64) -> Vec<u8>) -> Vec<FetchOutput> {
    let mut others = Vec::new();
    loop {
        let out = outputs(fetch);
        if out.is_empty() {
            return others;
        }
        for output in out {
            let FetchOutput::Request { peer, piece } = output else {
                others.push(output);
                continue;
            };
            let whole = data(peer.0);
            if whole.is_empty() {
                continue;
            }
            let answer = MetadataGrant::default().answer(piece, Some(&whole)).unwrap();
            let message = MetadataMessage::decode(&answer).unwrap().unwrap();
            fetch.handle(at(secs), FetchInput::Message { peer, message: &message });
        }
    }
}

/// A flood of peers that offer and say nothing cannot keep the one out that has it, and leaves no
/// deadline behind that is over.
#[test]
fn the_silent_make_room() {
    let info = info(20_000);
    let mut fetch = MetadataFetch::new(hash(&info)).at_most(1 << 20);
    offer(&mut fetch, 0, 500, (1 << 20) + 1);
    assert!(!fetch.is_asked(PeerKey(500)), "longer than wanted");
    for peer in 0..100 {
        offer(&mut fetch, 0, peer, info.len());
    }
    let asked = outputs(&mut fetch);
    let [FetchOutput::Request { peer, .. }, ..] = asked[..] else { panic!("{asked:?}") };
    assert!(fetch.is_asked(peer));
    let mut secs = 0;
    for _ in 0..200 {
        let Some(due) = fetch.next_deadline() else { break };
        assert!(due >= at(secs), "a deadline that has passed");
        secs = due.since(at(0)).as_secs() + 1;
        fetch.handle(at(secs), FetchInput::Timeout);
        outputs(&mut fetch);
        if secs > 30 {
            break;
        }
    }
    offer(&mut fetch, secs, 1000, info.len());
    for round in 0..100 {
        let now = secs + round * 21;
        fetch.handle(at(now), FetchInput::Timeout);
        let done = serve(&mut fetch, now, |peer| if peer == 1000 { info.clone() } else { vec![] });
        if done.contains(&FetchOutput::Done(info.clone())) {
            return;
        }
    }
    panic!("the one that has it was never asked for all of it");
}

/// BEP 9, "extension message": the three examples.
#[test]
fn the_messages_are_those_of_the_bep() {
    let examples: [(MetadataMessage<'_>, &[u8]); 3] = [
        (MetadataMessage::Request(0), b"d8:msg_typei0e5:piecei0ee"),
        (
            MetadataMessage::Data { piece: 0, total: 3425, data: b"xxxxxxxx" },
            b"d8:msg_typei1e5:piecei0e10:total_sizei3425eexxxxxxxx",
        ),
        (MetadataMessage::Reject(0), b"d8:msg_typei2e5:piecei0ee"),
    ];
    for (message, bytes) in examples {
        assert_eq!(message.encode(), bytes);
        assert_eq!(MetadataMessage::decode(bytes), Some(Some(message)));
    }
    assert_eq!(MetadataMessage::decode(b"d8:msg_typei9e5:piecei0ee"), Some(None), "ignored");
    for bad in
        ["", "de", "d8:msg_typei0ee", "d8:msg_typei0e5:piecei-1ee", "d8:msg_typei1e5:piecei0ee"]
    {
        assert_eq!(MetadataMessage::decode(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn several_peers_share_the_work() {
    let info = info(10 * METADATA_PIECE + 5);
    for hash in [hash(&info), MetadataHash::V2(Sha256::digest(&info).into())] {
        let mut fetch = MetadataFetch::new(hash);
        assert_eq!(fetch.next_deadline(), None);
        for peer in 1..=3 {
            offer(&mut fetch, 0, peer, info.len());
        }
        assert_eq!(fetch.progress(), (0, 11));
        let asked: Vec<_> = fetch.sources.values().map(|s| s.asked.len()).collect();
        assert_eq!(asked, [2, 2, 2]);
        let out = serve(&mut fetch, 1, |_| info.clone());
        assert_eq!(out, [FetchOutput::Done(info.clone())]);
        assert_eq!(fetch.next_deadline(), None);
    }
}

#[test]
fn the_silent_and_the_refusing_are_passed_over_for_a_while() {
    let info = info(METADATA_PIECE);
    let mut fetch = MetadataFetch::new(hash(&info));
    offer(&mut fetch, 0, 1, info.len());
    assert_eq!(outputs(&mut fetch), [FetchOutput::Request { peer: PeerKey(1), piece: 0 }]);
    offer(&mut fetch, 1, 2, info.len());
    assert!(outputs(&mut fetch).is_empty());
    assert_eq!(fetch.next_deadline(), Some(at(20)));
    fetch.handle(at(20), FetchInput::Timeout);
    assert_eq!(outputs(&mut fetch), [FetchOutput::Request { peer: PeerKey(2), piece: 0 }]);
    let message = &MetadataMessage::Reject(0);
    fetch.handle(at(21), FetchInput::Message { peer: PeerKey(2), message });
    assert!(outputs(&mut fetch).is_empty());
    assert_eq!(fetch.next_deadline(), Some(at(80)));
    fetch.handle(at(80), FetchInput::Timeout);
    assert_eq!(serve(&mut fetch, 80, |_| info.clone()), [FetchOutput::Done(info)]);
}

#[test]
fn one_who_sends_the_wrong_thing_alone_is_to_blame() {
    let info = info(3 * METADATA_PIECE);
    let mut bad = info.clone();
    bad[5] ^= 1;
    let mut fetch = MetadataFetch::new(hash(&info));
    offer(&mut fetch, 0, 1, info.len());
    assert_eq!(serve(&mut fetch, 0, |_| bad.clone()), [FetchOutput::Blame(PeerKey(1))]);
    offer(&mut fetch, 1, 2, info.len());
    assert_eq!(serve(&mut fetch, 1, |_| info.clone()), [FetchOutput::Done(info.clone())]);
    // Pieces of another length, or of another whole, give themselves away at once.
    for (total, len) in [(info.len(), 100), (info.len() + 1, METADATA_PIECE)] {
        let mut fetch = MetadataFetch::new(hash(&info));
        offer(&mut fetch, 0, 1, info.len());
        outputs(&mut fetch);
        let total = u32::try_from(total).unwrap();
        let message = &MetadataMessage::Data { piece: 0, total, data: &bad[..len] };
        fetch.handle(at(0), FetchInput::Message { peer: PeerKey(1), message });
        assert_eq!(outputs(&mut fetch), [FetchOutput::Blame(PeerKey(1))]);
    }
}

#[test]
fn a_liar_among_honest_peers_is_found_out_by_asking_one_alone() {
    let info = info(6 * METADATA_PIECE);
    let mut bad = info.clone();
    bad.iter_mut().for_each(|byte| *byte ^= 1);
    let mut fetch = MetadataFetch::new(hash(&info));
    for peer in 1..=3 {
        offer(&mut fetch, 0, peer, info.len());
    }
    let data = |peer| if peer == 1 { bad.clone() } else { info.clone() };
    let mut out = serve(&mut fetch, 0, data);
    for secs in [30, 100, 200] {
        fetch.handle(at(secs), FetchInput::Timeout);
        out.extend(serve(&mut fetch, secs, data));
    }
    assert_eq!(out, [FetchOutput::Blame(PeerKey(1)), FetchOutput::Done(info)]);
}

#[test]
fn the_size_most_claim_goes_first_and_absurd_ones_not_at_all() {
    let info = info(2 * METADATA_PIECE);
    let mut fetch = MetadataFetch::new(hash(&info));
    offer(&mut fetch, 0, 1, METADATA_BYTES + 1);
    offer(&mut fetch, 0, 1, 0);
    assert!(outputs(&mut fetch).is_empty() && fetch.next_deadline().is_none());
    offer(&mut fetch, 0, 2, METADATA_BYTES);
    let wait = outputs(&mut fetch).len();
    assert_eq!(wait, 2, "the only one there is");
    offer(&mut fetch, 1, 3, info.len());
    offer(&mut fetch, 1, 4, info.len());
    // The big one is silent: when it is given up, the size that two claim is taken.
    fetch.handle(at(20), FetchInput::Timeout);
    let data = |peer| if peer == 2 { Vec::new() } else { info.clone() };
    assert_eq!(serve(&mut fetch, 20, data), [FetchOutput::Done(info.clone())]);
}

#[test]
fn one_that_delivers_alone_and_stops_is_not_waited_for() {
    let info = info(4 * METADATA_PIECE);
    let mut fetch = MetadataFetch::new(hash(&info));
    fetch.mixed_failures = 1;
    offer(&mut fetch, 0, 1, info.len());
    let out = outputs(&mut fetch);
    assert_eq!((out.len(), fetch.alone), (2, Some(PeerKey(1))));
    let total = u32::try_from(info.len()).unwrap();
    let message = &MetadataMessage::Data { piece: 0, total, data: &info[..METADATA_PIECE] };
    fetch.handle(at(1), FetchInput::Message { peer: PeerKey(1), message });
    offer(&mut fetch, 2, 2, info.len());
    outputs(&mut fetch);
    fetch.handle(at(21), FetchInput::Timeout);
    assert_eq!(fetch.alone, Some(PeerKey(2)));
    assert_eq!(serve(&mut fetch, 21, |_| info.clone()), [FetchOutput::Done(info.clone())]);
}

#[test]
fn requests_are_answered_within_bounds() {
    let info = info(METADATA_PIECE + 1);
    let mut grant = MetadataGrant::default();
    let decode = |bytes: Option<Vec<u8>>| {
        let bytes = bytes.unwrap();
        match MetadataMessage::decode(&bytes).unwrap().unwrap() {
            MetadataMessage::Data { piece, total, data } => Some((piece, total, data.len())),
            MetadataMessage::Reject(_) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(decode(grant.answer(0, Some(&info))), Some((0, 16385, METADATA_PIECE)));
    assert_eq!(decode(grant.answer(1, Some(&info))), Some((1, 16385, 1)));
    assert_eq!(decode(grant.answer(2, Some(&info))), None);
    assert_eq!(decode(grant.answer(u32::MAX, Some(&info))), None);
    assert_eq!(decode(grant.answer(0, None)), None);
    let answered = (0..100).filter(|_| grant.answer(0, Some(&info)).is_some()).count();
    assert_eq!(answered, 2 * 2 + 8 - 5);
}

proptest! {
    #[test]
    fn a_fetch_ends_well_whoever_else_takes_part(
        len in 1usize..100_000,
        kinds in prop::collection::vec(0u8..4, 0..6),
    ) {
        let info = info(len);
        let mut bad = info.clone();
        bad[0] ^= 1;
        let mut fetch = MetadataFetch::new(hash(&info));
        for (peer, kind) in (1u64..).zip(&kinds) {
            let size = if *kind == 3 { len + 1 } else { len };
            offer(&mut fetch, 0, peer, size);
        }
        // Peer 0 is honest; the others are honest, silent, liars, or wrong about the size.
        offer(&mut fetch, 0, 0, len);
        let kind = |peer: u64| match peer { 0 => 0, n => kinds[usize::try_from(n).unwrap() - 1] };
        let data = |peer| match kind(peer) {
            0 => info.clone(),
            1 => Vec::new(),
            2 => bad.clone(),
            _ => [&bad[..], &[0]].concat(),
        };
        let mut out = Vec::new();
        for step in 0..100 {
            out.extend(serve(&mut fetch, step * 21, data));
            if matches!(out.last(), Some(FetchOutput::Done(_))) {
                break;
            }
            fetch.handle(at(step * 21 + 21), FetchInput::Timeout);
        }
        prop_assert_eq!(out.pop(), Some(FetchOutput::Done(info)));
        for blamed in out {
            let FetchOutput::Blame(peer) = blamed else { panic!() };
            prop_assert!(kind(peer.0) >= 2, "{:?} is innocent", peer);
        }
    }
}

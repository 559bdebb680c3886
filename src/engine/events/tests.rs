//! Tests of the event queue: lanes, coalescing, what is dropped and said to be.

use std::time::Duration;

use super::*;
use crate::base::PieceIndex;
use crate::swarm::TorrentState;

const NOW: Option<Duration> = Some(Duration::ZERO);

fn piece(n: u32) -> Event {
    let kind = EventKind::Notice(Notice::PiecePassed(PieceIndex(n)));
    Event::now(Some(Entry::for_tests(1)), kind)
}

fn state(torrent: u64, old: TorrentState, new: TorrentState) -> Event {
    let kind = EventKind::Notice(Notice::State { old, new });
    Event::now(Some(Entry::for_tests(torrent)), kind)
}

fn request(token: u64) -> Event {
    let kind = EventKind::SaveRequest { token, generation: 1, blob: Bytes::new() };
    Event::now(Some(Entry::for_tests(1)), kind)
}

fn readable(queue: &Queue) -> bool {
    queue.wait(NOW).unwrap()
}

#[test]
fn the_descriptor_is_readable_exactly_while_something_waits() {
    let queue = Queue::new(10).unwrap();
    assert!(!readable(&queue));
    queue.push(piece(1));
    queue.push(piece(2));
    assert!(readable(&queue) && readable(&queue));
    assert_eq!(queue.take(1).len(), 1);
    assert!(readable(&queue));
    assert_eq!(queue.take(0).len(), 1);
    assert!(!readable(&queue));
    assert!(queue.take(5).is_empty());
}

/// Whether the descriptor itself says so, as a host's own loop sees it.
fn raised(queue: &Queue) -> bool {
    let mut poll = libc::pollfd { fd: queue.fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, which is open as long as the queue.
    unsafe { libc::poll(&raw mut poll, 1, 0) == 1 }
}

#[test]
fn while_events_are_held_the_host_is_woken_for_a_handful_or_at_the_end() {
    let queue = Queue::new(1000).unwrap();
    queue.hold();
    queue.hold();
    queue.push(piece(1));
    assert!(!raised(&queue));
    queue.release();
    assert!(!raised(&queue), "another thread still has more");
    assert_eq!(queue.take(0).len(), 1, "what is held can be taken");
    queue.push(piece(2));
    queue.release();
    assert!(raised(&queue));
    assert_eq!(queue.take(0).len(), 1);
    assert!(!raised(&queue));
    queue.hold();
    (0..200).for_each(|n| queue.push(piece(n)));
    assert!(raised(&queue), "not for ever");
    assert_eq!(queue.take(150).len(), 150);
    assert!(raised(&queue));
    queue.release();
    assert_eq!(queue.take(0).len(), 50);
    assert!(!raised(&queue));
    queue.hold();
    queue.release();
    assert!(!raised(&queue), "nothing came");
}

#[test]
fn requests_come_first_and_are_never_dropped() {
    let queue = Queue::new(4).unwrap();
    queue.push(piece(0));
    (0..100).for_each(|t| queue.push(request(t)));
    let events = queue.take(0);
    let tokens: Vec<_> = events.iter().filter_map(|e| e.kind.token()).collect();
    assert_eq!(tokens, (0..100).collect::<Vec<_>>());
    assert!(matches!(events[100].kind, EventKind::Notice(_)));
}

#[test]
fn the_oldest_notices_go_and_the_gap_is_reported_where_it_is() {
    let queue = Queue::new(4).unwrap();
    (0..10).for_each(|n| queue.push(piece(n)));
    let events = queue.take(0);
    assert!(matches!(events[0].kind, EventKind::Dropped { count: 6, classes: class::PIECE }));
    let kept: Vec<_> = events[1..].iter().map(|e| format!("{:?}", e.kind)).collect();
    assert_eq!(kept.len(), 4);
    assert!(kept[0].contains('6') && kept[3].contains('9'), "{kept:?}");
    assert_eq!(queue.counts(), (0, 6));
    assert!(queue.take(0).is_empty());
}

#[test]
fn a_flood_pushes_out_neither_errors_nor_what_ends_a_command() {
    let failed = |n: u8| {
        let info_hash = InfoHash([n; 20]);
        Event::now(None, EventKind::RestoreFailed { info_hash, reason: String::new() })
    };
    let queue = Queue::new(4).unwrap();
    queue.push(piece(0));
    queue.push(failed(0));
    queue.push(Event::now(Some(Entry::for_tests(1)), EventKind::Removed));
    let moved = EventKind::Notice(Notice::Moved(Ok(b"/there".to_vec())));
    queue.push(Event::now(Some(Entry::for_tests(2)), moved));
    (1..100).for_each(|n| queue.push(piece(n)));
    let kinds: Vec<_> = queue.take(0).into_iter().map(|e| e.kind).collect();
    assert!(matches!(kinds[0], EventKind::Dropped { count: 96, classes: class::PIECE }));
    // In the order they came.
    assert!(matches!(kinds[1], EventKind::RestoreFailed { .. }), "{:?}", kinds[1]);
    assert!(matches!(kinds[2], EventKind::Removed), "{:?}", kinds[2]);
    assert!(matches!(kinds[3], EventKind::Notice(Notice::Moved(Ok(_)))), "{:?}", kinds[3]);
    assert!(matches!(kinds[4], EventKind::Notice(Notice::PiecePassed(PieceIndex(96)))));
    assert_eq!(kinds.len(), 8);
    // Errors are bounded too, by errors alone; the ends of commands are not.
    (0..10).for_each(|n| queue.push(failed(n)));
    (0..10).for_each(|n| queue.push(Event::now(Some(Entry::for_tests(n)), EventKind::Removed)));
    (0..3).for_each(|n| queue.push(piece(n)));
    let kinds: Vec<_> = queue.take(0).into_iter().map(|e| e.kind).collect();
    assert!(matches!(kinds[0], EventKind::Dropped { count: 6, classes: class::ERROR }));
    assert_eq!(kinds.len(), 1 + 4 + 10 + 3);
    assert_eq!(queue.counts(), (0, 102));
}

#[test]
fn state_changes_of_one_torrent_that_wait_are_joined() {
    use TorrentState::{Checking, Downloading, Seeding, Starting};
    let queue = Queue::new(100).unwrap();
    queue.push(state(1, Starting, Checking));
    queue.push(state(2, Starting, Checking));
    queue.push(piece(5));
    queue.push(state(1, Checking, Downloading));
    queue.push(state(1, Downloading, Seeding));
    let events = queue.take(0);
    assert_eq!(events.len(), 3);
    let joined = EventKind::Notice(Notice::State { old: Starting, new: Seeding });
    assert_eq!(format!("{:?}", events[0].kind), format!("{joined:?}"));
    // One that was taken is not joined to.
    queue.push(state(1, Seeding, Checking));
    assert_eq!(queue.take(0).len(), 1);
}

#[test]
fn joining_survives_drops_of_older_notices() {
    use TorrentState::{Checking, Downloading, Starting};
    let queue = Queue::new(3).unwrap();
    queue.push(state(1, Starting, Checking));
    (0..3).for_each(|n| queue.push(piece(n)));
    // The state change was dropped: this one stands alone.
    queue.push(state(1, Checking, Downloading));
    let events = queue.take(0);
    assert!(matches!(events[0].kind, EventKind::Dropped { count: 2, .. }));
    assert!(matches!(
        events[3].kind,
        EventKind::Notice(Notice::State { old: Checking, new: Downloading })
    ));
}

#[test]
fn classes_mask_notices_but_not_vital_ones() {
    let queue = Queue::new(10).unwrap();
    queue.subscribe(0);
    queue.push(piece(1));
    assert!(!readable(&queue) && !queue.wants(class::PIECE));
    queue.push(request(1));
    queue.push(Event::now(None, EventKind::Closed { unsaved: 0 }));
    assert_eq!(queue.take(0).len(), 2);
}

#[test]
fn withdrawn_requests_leave_the_queue() {
    let queue = Queue::new(10).unwrap();
    (1..4).for_each(|t| queue.push(request(t)));
    queue.withdraw(|t| t == 2);
    let tokens: Vec<_> = queue.take(0).iter().filter_map(|e| e.kind.token()).collect();
    assert_eq!(tokens, [1, 3]);
    queue.push(request(4));
    queue.withdraw(|_| true);
    assert!(!readable(&queue));
}

#[test]
fn a_wake_up_ends_one_wait() {
    let queue = Queue::new(10).unwrap();
    queue.wake();
    assert!(!queue.wait(None).unwrap());
    queue.push(piece(1));
    queue.wake();
    assert!(queue.wait(None).unwrap());
}

#[test]
fn every_message_has_its_number_and_never_its_block() {
    use crate::base::{BlockSpan, PieceIndex};
    let span = BlockSpan { piece: PieceIndex(7), begin: 16384, length: 100 };
    let wire = WireMessage::new(&Message::Reject(span), 0);
    assert_eq!(
        (wire.code, wire.piece, wire.begin, wire.length),
        (16, Some(span.piece), 16384, 100)
    );
    let block =
        Message::Piece { piece: PieceIndex(1), begin: 0, data: Bytes::from(vec![9; 50]).into() };
    let wire = WireMessage::new(&block, 0);
    assert_eq!((wire.code, wire.length, wire.payload.len()), (7, 50, 0));
    let payload = Bytes::from_static(b"de");
    let handshake = Message::Extended { id: 0, payload: payload.clone() };
    for (message, number, code) in [(handshake, 0, 20), (Message::Pex(payload), 9, 258)] {
        let wire = WireMessage::new(&message, number);
        assert_eq!((wire.code, wire.begin, wire.length), (code, u32::from(number), 2));
        assert_eq!(&wire.payload[..], b"de");
    }
}

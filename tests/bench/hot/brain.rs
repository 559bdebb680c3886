//! A whole torrent, sans-IO: blocks from the receive buffer to the last answer of the disk, and
//! from a request to the bytes that go out. The rig answers for the disk and reads the requests in
//! between; that little is counted too. Making the peer's messages is not.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tern::base::{FileStat, Instant, Look, Payload, PeerId, PeerKey, Synced, TorrentId, UnixTime};
use tern::codec::metainfo::{Info, Metainfo};
use tern::hash::sha1_many;
use tern::swarm::{
    Command, DiskAnswer, DiskOp, DiskOpKind, Input, LoadPolicy, Output, SavePolicy, SaveVerdict,
    SavedWindow, Torrent, TorrentParams, Tuning,
};

use crate::Meter;
use crate::wire::{BLOCK, handshake, put_message, put_piece};

const PIECE: u32 = 256 << 10;
const PIECES: u32 = 2048;
/// Blocks that arrive at once.
const BATCH: usize = 16;
/// Time between two batches: 256 MiB/s.
const STEP: Duration = Duration::from_millis(1);

/// One torrent, its disk answered at once, its peers' requests kept.
struct Rig {
    torrent: Torrent,
    info: Arc<Info>,
    now: Instant,
    /// Whether all content is there.
    seed: bool,
    digest: [u8; 20],
    block: Bytes,
    dialled: Vec<PeerKey>,
    requests: BTreeMap<PeerKey, VecDeque<(u32, u32)>>,
    unchoked: bool,
    sent: usize,
    out: VecDeque<Payload>,
}

impl Rig {
    fn new(seed: bool) -> Self {
        let mut raw = crate::codec::torrent(1, PIECES, PIECE);
        let zeros = vec![0; PIECE as usize];
        let [digest] = sha1_many(&[&[&zeros]])[..] else { panic!("one digest") };
        let at = raw.len() - 2 - 20 * PIECES as usize;
        for hash in raw[at..].chunks_exact_mut(20).take(PIECES as usize) {
            hash.copy_from_slice(&digest);
        }
        let info = Metainfo::parse(&raw).unwrap().info;
        let params = TorrentParams {
            id: TorrentId(1),
            info: info.clone(),
            link: None,
            selected: None,
            url_list: None,
            resume: None,
            window: Some(SavedWindow::default()),
            seed_mode: false,
            peer_id: PeerId([255; 20]),
            listen_port: 6881,
            external_addr: None,
            tuning: Arc::new(Tuning::default()),
            paused: false,
            sequential: false,
            file_priority: None,
            save_policy: SavePolicy { interval: None, ..SavePolicy::default() },
            load_policy: LoadPolicy::Trust,
            verify_window: None,
            seed: 1,
            unix_now: UnixTime(1_700_000_000),
            save_path: b"/srv"[..].into(),
            renamed: Vec::new(),
            preallocate: false,
            limits: None,
            trackers: None,
        };
        let now = Instant::from_micros(1);
        let mut rig = Self {
            torrent: Torrent::new(now, params, 0),
            info,
            now,
            seed,
            digest,
            block: Bytes::from(vec![0; BLOCK as usize]),
            dialled: Vec::new(),
            requests: BTreeMap::new(),
            unchoked: false,
            sent: 0,
            out: VecDeque::new(),
        };
        rig.torrent.handle(now, Input::Start);
        rig.drain();
        rig
    }

    /// Does what the torrent asks for until there is nothing left.
    fn drain(&mut self) {
        while let Some(output) = self.torrent.poll_output() {
            match output {
                Output::Dial { peer, .. } => self.dialled.push(peer),
                Output::Transmit { peer } => self.transmit(peer),
                Output::Disk(op) => self.disk(op),
                Output::Save { generation, .. } => {
                    let answer = Input::SaveAnswer { generation, answer: SaveVerdict::Accept };
                    self.torrent.handle(self.now, answer);
                }
                Output::Journal(entry) => {
                    let answer = Input::Journaled { mark: entry.mark, result: Ok(()) };
                    self.torrent.handle(self.now, answer);
                }
                Output::Close { peer } => panic!("{peer:?} was closed"),
                _ => {}
            }
        }
    }

    fn disk(&mut self, op: DiskOp) {
        let there = FileStat { size: self.info.geometry.total_len(), mtime_ns: 0 };
        let files = vec![self.seed.then_some(there); self.info.files.len()];
        let answer = match op {
            DiskOp::Stat => DiskAnswer::Stats(Ok(Look { files, root: None })),
            DiskOp::Prepare => DiskAnswer::Done(DiskOpKind::Prepare, Ok(())),
            DiskOp::Write(span, _) => DiskAnswer::Written(span, Ok(())),
            DiskOp::Read(peer, span) => DiskAnswer::Read(peer, span, Ok(self.block.clone().into())),
            DiskOp::Hash(piece) => DiskAnswer::Hashed(piece, Ok(Some(self.digest))),
            DiskOp::Sync(ticket) => DiskAnswer::Synced(ticket, Ok(Synced::default())),
            other => panic!("{other:?}"),
        };
        self.torrent.handle(self.now, Input::Disk(answer));
    }

    /// Takes what goes to a peer: all of it is sent at once. Nothing is looked at here.
    fn transmit(&mut self, peer: PeerKey) {
        self.torrent.take_transmit(peer, &mut self.out);
        self.sent += self.out.iter().map(|part| part.len()).sum::<usize>();
        self.torrent.handle(self.now, Input::Drained { peer, pending: 0 });
        self.requests.entry(peer).or_insert_with(|| {
            // The handshake.
            self.out.clear();
            VecDeque::new()
        });
        if self.seed {
            // An unchoke, or blocks.
            let ends = |p: &Payload| p.in_memory().is_some_and(|b| b.ends_with(&[0, 0, 0, 1, 1]));
            self.unchoked |= self.out.iter().any(ends);
            self.out.clear();
        } else {
            self.keep_requests(peer);
        }
    }

    /// Reads the requests that went to a peer.
    fn keep_requests(&mut self, peer: PeerKey) {
        let queue = self.requests.get_mut(&peer).unwrap();
        for part in self.out.drain(..) {
            let mut rest = &part.in_memory().expect("requests are in memory")[..];
            while let Some((length, body)) = rest.split_first_chunk::<4>() {
                let (frame, after) = body.split_at(u32::from_be_bytes(*length) as usize);
                if let [6, numbers @ ..] = frame {
                    let word =
                        |at: usize| u32::from_be_bytes(numbers[at..at + 4].try_into().unwrap());
                    assert_eq!(word(8), BLOCK);
                    queue.push_back((word(0), word(4)));
                }
                rest = after;
            }
        }
    }

    /// Connects a peer and lets it say hello.
    fn connect(&mut self, number: u8, hello: &[u8]) {
        let addr = SocketAddr::from(([10, 0, 0, number], 6881));
        self.torrent.handle(self.now, Input::Command(Command::AddPeer(addr)));
        self.drain();
        let peer = *self.dialled.last().unwrap();
        self.torrent.handle(self.now, Input::Connected { peer });
        self.drain();
        let mut data = handshake(&self.info.info_hash, number);
        hello.iter().for_each(|id| put_message(&mut data, *id, &[]));
        self.receive(peer, &mut data);
    }

    fn receive(&mut self, peer: PeerKey, data: &mut BytesMut) {
        self.torrent.handle(self.now, Input::Received { peer, data });
        self.drain();
    }

    fn tick(&mut self, step: Duration) {
        self.now = self.now + step;
        if self.torrent.next_deadline().is_some_and(|at| at <= self.now) {
            self.torrent.handle(self.now, Input::Timeout);
            self.drain();
        }
    }
}

fn download(meter: &mut Meter, peers: u8, blocks: usize) {
    let mut rig = Rig::new(false);
    for number in 1..=peers {
        // HAVE_ALL, UNCHOKE.
        rig.connect(number, &[14, 1]);
    }
    let mut done = 0;
    while done < blocks {
        for peer in rig.dialled.clone() {
            rig.now = rig.now + STEP;
            let queue = rig.requests.get_mut(&peer).unwrap();
            let mut data = BytesMut::new();
            let mut count = 0;
            for (piece, begin) in queue.drain(..queue.len().min(BATCH)) {
                put_piece(&mut data, piece, begin);
                count += 1;
            }
            assert!(count > 0, "nothing is requested from {peer:?}");
            meter.run(count, || {
                rig.tick(Duration::ZERO);
                rig.receive(peer, &mut data);
            });
            done += count as usize;
        }
    }
    let have = rig.torrent.have().count() as usize;
    assert!(have * (PIECE / BLOCK) as usize > done / 2, "{have} pieces after {done} blocks");
}

/// From one peer.
pub fn download_one(meter: &mut Meter) {
    download(meter, 1, 8000);
}

/// From fifty.
pub fn download_fifty(meter: &mut Meter) {
    download(meter, 50, 8000);
}

/// To one peer.
pub fn upload_one(meter: &mut Meter) {
    let mut rig = Rig::new(true);
    assert!(rig.torrent.have().all());
    // HAVE_NONE, INTERESTED.
    rig.connect(1, &[15, 2]);
    let peer = rig.dialled[0];
    while !rig.unchoked {
        rig.tick(Duration::from_millis(100));
        assert!(rig.now < Instant::from_micros(60_000_000), "never unchoked");
    }
    for round in 0..250 {
        rig.now = rig.now + STEP;
        let mut data = BytesMut::new();
        for n in 0..BATCH as u32 {
            put_message(&mut data, 6, &[round, n * BLOCK, BLOCK]);
        }
        rig.sent = 0;
        meter.run(BATCH as u64, || {
            rig.tick(Duration::ZERO);
            rig.receive(peer, &mut data);
        });
        assert_eq!(rig.sent, BATCH * (BLOCK as usize + 13));
    }
}
